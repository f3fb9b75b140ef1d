/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity.c - make a clone itself; see identity.h.
 *
 * Time: the guest asks, the host answers with its clock, and the guest takes that for the middle of
 * the round trip on its own CLOCK_MONOTONIC. The error is at most half the round trip, so a slow
 * one (a busy host) is asked again, and the fastest of a few wins.
 */
#include "guest/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "guest/clock.h"
#include "guest/file.h"
#include "guest/link.h"
#include "guest/power.h"
#include "wire/message.h"

#define TIME_TRIES	   8U
#define TIME_GOOD_NS	   INT64_C(20000000)
#define INODES_PER_MIB	   256U /* one a page */
#define DIR_OF_FILES	   "/run/ironclaw"

/* linux/random.h and linux/mount.h, which musl does not bring. */
#define RANDOM_ADD_ENTROPY _IOW('R', 0x03, int[2])
#define RANDOM_RESEED	   _IO('R', 0x07)
#define FSPICK_EMPTY	   0x08U
#define FSPICK_CLOSE_EXEC  0x01U
#define FSCONFIG_STRING	   1U
#define FSCONFIG_REMOUNT   7U

enum identity_file { FILE_HOSTNAME, FILE_HOSTS, FILE_MACHINE_ID, FILE_BOOT_ID, FILE_COUNT };

static const struct {
	const char *name, *target;
} files[FILE_COUNT] = {
	[FILE_HOSTNAME] = {DIR_OF_FILES "/hostname", "/etc/hostname"},
	[FILE_HOSTS] = {DIR_OF_FILES "/hosts", "/etc/hosts"},
	[FILE_MACHINE_ID] = {DIR_OF_FILES "/machine-id", "/etc/machine-id"},
	[FILE_BOOT_ID] = {DIR_OF_FILES "/boot_id", "/proc/sys/kernel/random/boot_id"},
};

static struct {
	int layer_fd, random_fd, file_fd[FILE_COUNT];
	bool asking, ready;
	unsigned int tries;
	uint32_t layer_mib;
	uint64_t token;
	int64_t asked_ns, best_trip_ns, best_offset_ns; /* offset: realtime - monotonic */
} state;

/* An image without the file gets an empty one to bind over. */
static void ensure_target(const char *path)
{
	int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);

	if (fd >= 0)
		(void)close(fd);
}

void identity_boot(int layer_fd)
{
	state.layer_fd = layer_fd;
	state.random_fd = open("/dev/urandom", O_RDWR | O_CLOEXEC);
	if (state.random_fd < 0)
		power_fail("cannot open /dev/urandom: %s", strerror(errno));
	(void)mkdir(DIR_OF_FILES, 0755);
	(void)mkdir("/etc", 0755);
	for (unsigned int i = 0; i < FILE_COUNT; i++) {
		int fd = open(files[i].name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

		if (fd < 0)
			power_fail("cannot make %s: %s", files[i].name, strerror(errno));
		state.file_fd[i] = fd;
		ensure_target(files[i].target);
		if (mount(files[i].name, files[i].target, NULL, MS_BIND, NULL) < 0)
			power_fail("cannot put %s in place: %s", files[i].target, strerror(errno));
	}
}

static int add_entropy(const uint8_t *bytes)
{
	struct {
		int bits, size;
		uint8_t bytes[WIRE_ENTROPY_B];
	} pool = {.bits = WIRE_ENTROPY_B * 8, .size = WIRE_ENTROPY_B};

	memcpy(pool.bytes, bytes, WIRE_ENTROPY_B);
	if (ioctl(state.random_fd, RANDOM_ADD_ENTROPY, &pool) < 0 ||
	    ioctl(state.random_fd, RANDOM_RESEED) < 0)
		return -errno;
	return 0;
}

static int write_files(const struct wire_identity *identity)
{
	char text[256];
	int r;

	(void)snprintf(text, sizeof(text), "%s\n", identity->hostname);
	r = file_replace(state.file_fd[FILE_HOSTNAME], text);
	if (r < 0)
		return r;
	(void)snprintf(text, sizeof(text),
		       "127.0.0.1\tlocalhost\n127.0.1.1\t%s\n::1\tlocalhost ip6-localhost\n",
		       identity->hostname);
	r = file_replace(state.file_fd[FILE_HOSTS], text);
	if (r < 0)
		return r;
	(void)snprintf(text, sizeof(text), "%s\n", identity->machine_id);
	r = file_replace(state.file_fd[FILE_MACHINE_ID], text);
	if (r < 0)
		return r;
	(void)snprintf(text, sizeof(text), "%s\n", identity->boot_id);
	return file_replace(state.file_fd[FILE_BOOT_ID], text);
}

/*
 * The same size again is the rule for clones, and then nothing is to be done.
 *
 * By descriptor: no path leads to the writable layer's own mount any more.
 */
static int resize_layer(uint32_t mib)
{
	char size[32], inodes[32];
	int fd, r = 0;

	if (mib == state.layer_mib)
		return 0;
	fd = (int)syscall(SYS_fspick, state.layer_fd, "", FSPICK_EMPTY | FSPICK_CLOSE_EXEC);
	if (fd < 0)
		return -errno;
	(void)snprintf(size, sizeof(size), "%llu", (unsigned long long)mib << 20);
	(void)snprintf(inodes, sizeof(inodes), "%llu", (unsigned long long)mib * INODES_PER_MIB);
	if (syscall(SYS_fsconfig, fd, FSCONFIG_STRING, "size", size, 0) < 0 ||
	    syscall(SYS_fsconfig, fd, FSCONFIG_STRING, "nr_inodes", inodes, 0) < 0 ||
	    syscall(SYS_fsconfig, fd, FSCONFIG_REMOUNT, NULL, NULL, 0) < 0)
		r = -errno;
	else
		state.layer_mib = mib;
	(void)close(fd);
	return r;
}

static void ask_time(void)
{
	uint8_t token[8];

	wire_put_u64(token, ++state.token);
	state.tries++;
	state.asked_ns = clock_ns();
	link_send(WIRE_TIME_REQUEST, WIRE_STREAM_NONE, 0, token, sizeof(token));
}

void identity_begin(const uint8_t *payload, uint32_t length)
{
	struct wire_identity identity;
	const char *bad = wire_identity_get(payload, length, &identity);
	int r;

	if (bad)
		link_fail(bad);
	if (state.asking)
		link_fail("IDENTITY before the answer to TIME_REQUEST");
	state.ready = false;
	r = add_entropy(identity.entropy);
	if (r < 0)
		power_fail("cannot seed the random generator: %s", strerror(-r));
	if (sethostname(identity.hostname, strlen(identity.hostname)) < 0)
		power_fail("cannot set the host name: %s", strerror(errno));
	r = write_files(&identity);
	if (r < 0)
		power_fail("cannot write the identity files: %s", strerror(-r));
	r = resize_layer(identity.overlay_mib);
	if (r < 0)
		power_fail("cannot resize the writable layer: %s", strerror(-r));
	state.asking = true;
	state.tries = 0;
	state.best_trip_ns = INT64_MAX;
	ask_time();
}

static void set_clock(void)
{
	int64_t now_ns = clock_ns() + state.best_offset_ns;
	struct timespec ts = {.tv_sec = now_ns / CLOCK_NS_PER_S,
			      .tv_nsec = now_ns % CLOCK_NS_PER_S};

	if (clock_settime(CLOCK_REALTIME, &ts) < 0)
		power_fail("cannot set the clock: %s", strerror(errno));
}

void identity_time(const uint8_t *payload)
{
	int64_t trip_ns = clock_ns() - state.asked_ns;
	uint64_t host_ns = wire_get_u64(payload + 8);
	bool unasked = state.ready && wire_get_u64(payload) == WIRE_TIME_UNASKED;

	if (!unasked && (!state.asking || wire_get_u64(payload) != state.token))
		link_fail("token of TIME");
	if (host_ns > INT64_MAX / 2)
		link_fail("clock of TIME");
	/* After a pause, which took longer than the frame did. */
	if (unasked) {
		state.best_offset_ns = (int64_t)host_ns - clock_ns();
		set_clock();
		return;
	}
	if (trip_ns < state.best_trip_ns) {
		state.best_trip_ns = trip_ns;
		state.best_offset_ns = (int64_t)host_ns - (state.asked_ns + trip_ns / 2);
	}
	if (trip_ns > TIME_GOOD_NS && state.tries < TIME_TRIES) {
		ask_time();
		return;
	}
	set_clock();
	state.asking = false;
	state.ready = true;
	link_send(WIRE_IDENTITY_OK, WIRE_STREAM_NONE, 0, NULL, 0);
}

void identity_forget(void)
{
	state.asking = false;
	state.ready = false;
}

bool identity_ready(void)
{
	return state.ready;
}
