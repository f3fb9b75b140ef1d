/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_denials.c - any bytes as the ring of denials: what a reader gets is bounded and terminated,
 * and a writer's new entry is whole whatever was there before.
 *
 * The first 8 bytes are the counter, the next two say from which slot on the others stand in the
 * file. The rest of it is as a fresh ring has it; what denials_open() lets pass as a ring is tested
 * in tests/unit/test_denials.c.
 *
 * The corpus: tests/fuzz/denials_seeds.py writes it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/denials.h"

#define COUNTER_AT 64
#define SLOTS_AT   128
#define SLOT_B	   304
#define FRONT_B	   10

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static char folder[] = "/tmp/fuzz-denials-XXXXXX";
static unsigned char *bytes; /* the file of ring, for the fuzzer to scribble in */
static struct denials *ring;
static const struct denials *reader;
static size_t file_size;

static void remove_folder(void)
{
	char path[sizeof(folder) + 16];

	(void)snprintf(path, sizeof(path), "%s/denials", folder);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/denials.lock", folder);
	(void)unlink(path);
	(void)rmdir(folder);
}

static void set_up(void)
{
	int dirfd, fd;
	struct stat st;

	require(mkdtemp(folder) != NULL && atexit(remove_folder) == 0);
	dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = denials_open(dirfd);
	require(fd >= 0 && fstat(fd, &st) == 0);
	file_size = (size_t)st.st_size;
	require(file_size == SLOTS_AT + (size_t)SLOT_B * DENIALS_MAX);
	ring = denials_map(fd, true);
	reader = denials_map(fd, false);
	bytes = mmap(NULL, file_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	require(ring && reader && bytes != MAP_FAILED);
	(void)close(fd);
	(void)close(dirfd);
}

static void read_all(void)
{
	uint64_t last = denials_last(reader), first = denials_first(last);
	const uint64_t odd[] = {0, first - 1, last + 1, UINT64_MAX, UINT64_MAX >> 1};
	struct denial d;

	require(last - first < DENIALS_MAX);
	for (uint64_t i = 0; i <= last - first; i++) {
		if (!denials_get(reader, first + i, &d))
			continue;
		require(d.number == first + i && d.number > 0);
		require(memchr(d.vm_id, '\0', sizeof(d.vm_id)) != NULL);
	}
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		(void)denials_get(reader, odd[i], &d);
}

/* An entry is added where the counter leads; it is there, unless the counter is none. */
static void add_one(void)
{
	const uint64_t most = (uint64_t)UINT32_MAX * DENIALS_MAX;
	struct denial d = {.syscall = 1, .args = {1, 2, 3, 4, 5, 6}, .vm_id = "vm"}, got;
	uint64_t counter;

	denials_add(ring, &d);
	memcpy(&counter, bytes + COUNTER_AT, sizeof(counter));
	require(denials_last(ring) == (counter < most ? counter : most));
	if (counter == 0 || counter > most) {
		require(!denials_get(ring, counter, &got));
		return;
	}
	require(denials_get(ring, counter, &got));
	d.number = counter;
	d.time_ns = got.time_ns;
	require(memcmp(&d, &got, offsetof(struct denial, vm_id)) == 0);
	require(strcmp(got.vm_id, "vm") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t at, n;
	uint16_t slot;

	if (!ring)
		set_up();
	if (size < FRONT_B)
		return 0;
	memcpy(&slot, data + sizeof(uint64_t), sizeof(slot));
	at = SLOTS_AT + (size_t)SLOT_B * (slot % DENIALS_MAX);
	n = size - FRONT_B < file_size - at ? size - FRONT_B : file_size - at;
	memcpy(bytes + COUNTER_AT, data, sizeof(uint64_t));
	memcpy(bytes + at, data + FRONT_B, n);
	read_all();
	add_one();
	read_all();
	/* The next input finds it as this one did. */
	memset(bytes + at, 0, n);
	memset(bytes + SLOTS_AT + SLOT_B * ((denials_last(ring) - 1) % DENIALS_MAX), 0, SLOT_B);
	return 0;
}
