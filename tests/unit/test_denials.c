/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_denials.c - jail/denials.h: order, wrap, many writers at once, writers that are killed, and
 * files that are no ring or hold garbage.
 *
 * What an entry says is a function of its writer and its index there, so that a mixture of two
 * entries is told from a whole one.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "jail/denials.h"
#include "sys/clock.h"
#include "sys/file.h"

#define WRITERS	       8U
#define ADDS_OF_WRITER 5000U
#define KILL_ROUNDS    200
#define MANY	       1000000U
#define GARBAGE_ROUNDS 50

struct place {
	char path[64];
	int dirfd, fd;
	struct denials *ring;
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	(void)snprintf(p->path, sizeof(p->path), "/tmp/test-denials-XXXXXX");
	assert_non_null(mkdtemp(p->path));
	p->dirfd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(p->dirfd >= 0);
	p->fd = denials_open(p->dirfd);
	assert_true(p->fd >= 0);
	p->ring = denials_map(p->fd, true);
	assert_non_null(p->ring);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	denials_unmap(p->ring);
	(void)close(p->fd);
	(void)close(p->dirfd);
	assert_int_equal(file_remove_tree(AT_FDCWD, p->path), 0);
	free(p);
	return 0;
}

static off_t ring_size(const struct place *p)
{
	struct stat st;

	assert_int_equal(fstatat(p->dirfd, "denials", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	return st.st_size;
}

static uint64_t mix(uint64_t v)
{
	v = (v ^ (v >> 31)) * 0x9e3779b97f4a7c15U;
	return v ^ (v >> 29);
}

/* Entry @index of @writer; every word of it depends on both. */
static struct denial entry_of(uint32_t writer, uint32_t index)
{
	uint64_t seed = mix((uint64_t)writer << 32 | index);
	struct denial d = {.syscall = (int32_t)index,
			   .arch = (uint32_t)mix(seed),
			   .pid = (int32_t)writer,
			   .program = (uint32_t)mix(seed + 1),
			   .action = (uint32_t)mix(seed + 2),
			   .count = index + 1};

	for (size_t i = 0; i < 6; i++)
		d.args[i] = mix(seed + 3 + i);
	(void)snprintf(d.vm_id, sizeof(d.vm_id), "vm-%016llx-%016llx-%016llx",
		       (unsigned long long)seed, (unsigned long long)mix(seed + 10),
		       (unsigned long long)mix(seed + 11));
	return d;
}

/* Whole, and by the writer that it names. */
static void assert_whole(const struct denial *got, uint64_t number)
{
	struct denial want = entry_of((uint32_t)got->pid, (uint32_t)got->syscall);

	assert_int_equal(got->number, number);
	want.number = number;
	want.time_ns = got->time_ns;
	assert_memory_equal(got, &want, offsetof(struct denial, vm_id));
	assert_string_equal(got->vm_id, want.vm_id);
}

static void add(struct denials *ring, uint32_t writer, uint32_t index)
{
	struct denial d = entry_of(writer, index);

	denials_add(ring, &d);
}

static void entries_come_in_order(void **state)
{
	const struct place *p = *state;
	struct timespec now;
	struct denial d;
	uint64_t before;

	assert_int_equal(denials_last(p->ring), 0);
	assert_int_equal(denials_first(0), 0);
	assert_false(denials_get(p->ring, 0, &d));
	assert_false(denials_get(p->ring, 1, &d));
	(void)clock_gettime(CLOCK_REALTIME, &now);
	before = (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
	for (uint32_t i = 0; i < 5; i++)
		add(p->ring, 1, i);
	assert_int_equal(denials_last(p->ring), 5);
	assert_int_equal(denials_first(5), 1);
	for (uint32_t i = 0; i < 5; i++) {
		assert_true(denials_get(p->ring, i + 1, &d));
		assert_whole(&d, i + 1);
		assert_int_equal(d.syscall, i);
		assert_true(d.time_ns >= before);
		before = d.time_ns;
	}
	assert_false(denials_get(p->ring, 6, &d));
}

static void the_oldest_is_overwritten(void **state)
{
	const uint64_t n = 2 * DENIALS_MAX + 500;
	const struct place *p = *state;
	off_t size = ring_size(p);
	struct denial d;

	for (uint32_t i = 0; i < n; i++)
		add(p->ring, 1, i);
	assert_int_equal(denials_last(p->ring), n);
	assert_int_equal(denials_first(n), n - DENIALS_MAX + 1);
	assert_int_equal(denials_first(DENIALS_MAX), 1);
	assert_int_equal(denials_first(DENIALS_MAX + 1), 2);
	for (uint64_t number = 1; number <= n; number++) {
		bool there = number >= denials_first(n);

		assert_int_equal(denials_get(p->ring, number, &d), there);
		if (there) {
			assert_whole(&d, number);
			assert_int_equal(d.syscall, number - 1);
		}
	}
	assert_int_equal(ring_size(p), size);
}

/* The longest id, none, and one without an end: what lies behind it stays out of the file. */
static void ids_are_bounded(void **state)
{
	const struct place *p = *state;
	struct denial d = {.syscall = 1, .count = 7};

	memset(d.vm_id, 'x', sizeof(d.vm_id));
	denials_add(p->ring, &d);
	d.vm_id[3] = '\0';
	denials_add(p->ring, &d);
	d.vm_id[0] = '\0';
	denials_add(p->ring, &d);
	assert_true(denials_get(p->ring, 1, &d));
	assert_int_equal(strlen(d.vm_id), JAIL_VM_ID_MAX);
	assert_int_equal(d.count, 7);
	for (uint64_t number = 2; number <= 3; number++) {
		size_t len;

		memset(&d, 0xff, sizeof(d));
		assert_true(denials_get(p->ring, number, &d));
		len = strlen(d.vm_id);
		assert_int_equal(len, number == 2 ? 3 : 0);
		for (size_t i = len; i < sizeof(d.vm_id); i++)
			assert_int_equal(d.vm_id[i], 0);
	}
}

static pid_t start_writer(const struct place *p, uint32_t writer, uint32_t adds)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	/* A failed assertion leaves the test before it kills what it started. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (uint32_t i = 0; i < adds; i++)
		add(p->ring, writer, i);
	_exit(0);
}

/* Every number once, in the number's own slot; every writer's entries in their order. */
static void many_writers_at_once(void **state)
{
	const struct place *p = *state;
	int32_t newest[WRITERS];
	pid_t pids[WRITERS];
	struct denial d;
	uint64_t last;

	for (uint32_t w = 0; w < WRITERS; w++) {
		pids[w] = start_writer(p, w, ADDS_OF_WRITER);
		newest[w] = -1;
	}
	for (uint32_t w = 0; w < WRITERS; w++) {
		int status;

		/* Readers at the same time see whole entries or none. */
		for (last = denials_last(p->ring); last > 0; last--) {
			if (denials_get(p->ring, last, &d))
				assert_whole(&d, last);
			if (last + DENIALS_MAX <= denials_last(p->ring))
				break;
		}
		assert_int_equal(waitpid(pids[w], &status, 0), pids[w]);
		assert_int_equal(status, 0);
	}
	last = denials_last(p->ring);
	assert_int_equal(last, WRITERS * ADDS_OF_WRITER);
	for (uint64_t number = denials_first(last); number <= last; number++) {
		assert_true(denials_get(p->ring, number, &d));
		assert_whole(&d, number);
		assert_in_range(d.pid, 0, WRITERS - 1);
		assert_true(d.syscall > newest[d.pid]);
		newest[d.pid] = d.syscall;
	}
}

/* At most one entry is lost per kill, and the ring works on. */
static void killed_writers_leave_skipped_entries(void **state)
{
	const struct place *p = *state;
	uint64_t skipped = 0, last;
	struct denial d;

	for (int round = 0; round < KILL_ROUNDS; round++) {
		const struct timespec pause = {.tv_nsec = (long)(mix((uint64_t)round) % 1000000)};
		pid_t pids[2];

		for (uint32_t w = 0; w < 2; w++)
			pids[w] = start_writer(p, w, UINT32_MAX);
		(void)nanosleep(&pause, NULL);
		for (uint32_t w = 0; w < 2; w++)
			(void)kill(pids[w], SIGKILL);
		for (uint32_t w = 0; w < 2; w++)
			assert_int_equal(waitpid(pids[w], NULL, 0), pids[w]);
		add(p->ring, 2, (uint32_t)round);
		last = denials_last(p->ring);
		assert_true(denials_get(p->ring, last, &d));
		assert_int_equal(d.pid, 2);
	}
	for (uint64_t number = denials_first(last); number <= last; number++) {
		if (denials_get(p->ring, number, &d))
			assert_whole(&d, number);
		else
			skipped++;
	}
	assert_true(skipped <= 2 * KILL_ROUNDS);
	print_message("# %d kills, %llu adds, %llu half-written entries of the last %u\n",
		      2 * KILL_ROUNDS, (unsigned long long)last, (unsigned long long)skipped,
		      DENIALS_MAX);
	/* A lap later nothing of them is left. */
	for (uint32_t i = 0; i < DENIALS_MAX; i++)
		add(p->ring, 3, i);
	for (uint64_t number = last + 1; number <= last + DENIALS_MAX; number++)
		assert_true(denials_get(p->ring, number, &d));
}

/* Stopped wherever it is, for laps; what it writes when it wakes must spoil nothing. */
static void a_sleeping_writer_spoils_nothing(void **state)
{
	const struct place *p = *state;
	pid_t pid = start_writer(p, 0, UINT32_MAX);
	struct denial d;
	uint64_t last;

	for (uint32_t round = 0; round < 20; round++) {
		const struct timespec pause = {.tv_nsec = 200000};
		int status;

		assert_int_equal(kill(pid, SIGSTOP), 0);
		assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
		assert_true(WIFSTOPPED(status));
		for (uint32_t i = 0; i < 2 * DENIALS_MAX; i++)
			add(p->ring, 1, i);
		last = denials_last(p->ring);
		assert_int_equal(kill(pid, SIGCONT), 0);
		(void)nanosleep(&pause, NULL);
		for (uint64_t number = denials_first(last); number <= last; number++) {
			if (denials_first(denials_last(p->ring)) > number)
				continue;
			if (denials_get(p->ring, number, &d)) {
				assert_whole(&d, number);
				assert_int_equal(d.pid, 1);
			} else {
				assert_true(denials_first(denials_last(p->ring)) > number);
			}
		}
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static uint64_t resident_kib(void)
{
	unsigned long long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%*u %llu", &pages), 1);
	(void)fclose(f);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

static void a_flood_does_not_grow(void **state)
{
	const struct place *p = *state;
	const struct denial d = entry_of(1, 1);
	off_t size = ring_size(p);
	uint64_t resident, us;

	for (uint32_t i = 0; i < DENIALS_MAX; i++)
		denials_add(p->ring, &d);
	resident = resident_kib();
	us = clock_now_us();
	for (uint32_t i = 0; i < MANY; i++)
		denials_add(p->ring, &d);
	us = clock_now_us() - us;
	assert_int_equal(denials_last(p->ring), DENIALS_MAX + MANY);
	assert_int_equal(ring_size(p), size);
	assert_true(resident_kib() <= resident + 256);
	print_message("# %u adds: %.2f million a second; the file has %lld bytes\n", MANY,
		      us > 0 ? (double)MANY / (double)us : 0, (long long)size);
}

/* Replaced, empty, and of the right size; the lock and no other file stands beside it. */
static void assert_replaced(const struct place *p, off_t size)
{
	cleanup_close int fd = denials_open(p->dirfd);
	struct denials *ring;
	struct denial d;

	assert_true(fd >= 0);
	assert_int_equal(ring_size(p), size);
	ring = denials_map(fd, true);
	assert_non_null(ring);
	assert_int_equal(denials_last(ring), 0);
	for (uint64_t number = 1; number <= DENIALS_MAX; number++)
		assert_false(denials_get(ring, number, &d));
	add(ring, 1, 1);
	assert_true(denials_get(ring, 1, &d));
	denials_unmap(ring);
	assert_int_equal(faccessat(p->dirfd, "denials.new", F_OK, 0), -1);
}

static void spoil(const struct place *p, off_t at, const void *bytes, size_t n)
{
	assert_int_equal(pwrite(p->fd, bytes, n, at), n);
}

/* Takes a fresh ring into the place, so that the next case starts from a good one. */
static void reopen(struct place *p)
{
	denials_unmap(p->ring);
	(void)close(p->fd);
	p->fd = denials_open(p->dirfd);
	assert_true(p->fd >= 0);
	p->ring = denials_map(p->fd, true);
	assert_non_null(p->ring);
}

static void what_is_no_ring_is_replaced(void **state)
{
	const uint64_t far = UINT64_MAX - 5;
	struct place *p = *state;
	off_t size = ring_size(p);
	cleanup_close int other = -EBADF;
	struct stat before, after;

	/* The control: a good one is left alone. */
	add(p->ring, 1, 1);
	reopen(p);
	assert_int_equal(denials_last(p->ring), 1);

	for (int i = 0; i < 4; i++) {
		off_t sizes[] = {0, 100, size - 1, size + 1};

		assert_int_equal(ftruncate(p->fd, sizes[i]), 0);
		assert_int_equal(denials_open_reader(p->dirfd), -EBADMSG);
		errno = 0;
		assert_null(denials_map(p->fd, false));
		assert_int_equal(errno, EBADMSG);
		assert_replaced(p, size);
		reopen(p);
	}
	for (off_t at = 0; at < 16; at += 4) {
		spoil(p, at, "\xff\xfe\xfd\xfc", 4);
		assert_int_equal(denials_open_reader(p->dirfd), -EBADMSG);
		assert_replaced(p, size);
		reopen(p);
	}
	/* A counter that nobody can have counted up to; the counter has a cache line of its own. */
	spoil(p, 64, &far, sizeof(far));
	assert_true(denials_last(p->ring) < UINT64_MAX / 2);
	assert_replaced(p, size);
	reopen(p);

	/* A link is replaced, and what it leads to is left alone. */
	other = openat(p->dirfd, "other", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(ftruncate(other, size), 0);
	assert_int_equal(fstat(other, &before), 0);
	assert_int_equal(unlinkat(p->dirfd, "denials", 0), 0);
	assert_int_equal(symlinkat("other", p->dirfd, "denials"), 0);
	assert_int_equal(denials_open_reader(p->dirfd), -EBADMSG);
	assert_replaced(p, size);
	assert_int_equal(fstat(other, &after), 0);
	assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim));
	assert_int_equal(after.st_size, size);

	assert_int_equal(unlinkat(p->dirfd, "denials", 0), 0);
	assert_int_equal(mkfifoat(p->dirfd, "denials", 0600), 0);
	assert_replaced(p, size);
}

/* One file for all that come at once, whatever was there. */
static void makers_at_once_get_one_ring(void **state)
{
	const struct place *p = *state;

	for (int round = 0; round < 20; round++) {
		cleanup_close int fd = -EBADF;
		struct denials *ring;
		pid_t pids[WRITERS];

		if (round % 2)
			assert_int_equal(unlinkat(p->dirfd, "denials", 0), 0);
		else
			assert_int_equal(file_write_atomic(p->dirfd, "denials", "junk", 4, 0600),
					 0);
		for (uint32_t w = 0; w < WRITERS; w++) {
			pids[w] = fork();
			assert_true(pids[w] >= 0);
			if (pids[w] == 0) {
				struct denials *own = denials_map(denials_open(p->dirfd), true);

				if (!own)
					_exit(1);
				add(own, w, 0);
				_exit(0);
			}
		}
		for (uint32_t w = 0; w < WRITERS; w++) {
			int status;

			assert_int_equal(waitpid(pids[w], &status, 0), pids[w]);
			assert_int_equal(status, 0);
		}
		fd = denials_open_reader(p->dirfd);
		ring = denials_map(fd, false);
		assert_non_null(ring);
		assert_int_equal(denials_last(ring), WRITERS);
		denials_unmap(ring);
	}
}

static void a_reader_cannot_write(void **state)
{
	const struct place *p = *state;
	cleanup_close int fd = denials_open_reader(p->dirfd);
	struct denials *ring;
	struct denial d;
	int status;
	pid_t pid;

	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	assert_null(denials_map(fd, true));
	assert_int_equal(errno, EACCES);
	ring = denials_map(fd, false);
	assert_non_null(ring);
	/* It sees what a writer adds after it came. */
	add(p->ring, 4, 2);
	assert_int_equal(denials_last(ring), 1);
	assert_true(denials_get(ring, 1, &d));
	assert_whole(&d, 1);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)signal(SIGSEGV, SIG_DFL); /* cmocka catches it */
		add(ring, 1, 1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	denials_unmap(ring);

	assert_int_equal(unlinkat(p->dirfd, "denials", 0), 0);
	assert_int_equal(denials_open_reader(p->dirfd), -ENOENT);
	assert_int_equal(faccessat(p->dirfd, "denials", F_OK, 0), -1);
}

/* Random words everywhere behind the header, or random words with tags that fit. */
static void fill_with_garbage(const struct place *p, uint64_t seed, bool good_tags)
{
	size_t size = (size_t)ring_size(p);
	unsigned char *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, p->fd, 0);

	assert_true(bytes != MAP_FAILED);
	for (size_t i = 64; i + sizeof(seed) <= size; i += sizeof(seed)) {
		uint64_t word;

		seed = mix(seed + i);
		word = good_tags && i >= 128 ? 1ULL << 32 | (uint32_t)seed : seed;
		if (good_tags && i == 64)
			word = DENIALS_MAX;
		memcpy(bytes + i, &word, sizeof(word));
	}
	(void)munmap(bytes, size);
}

static void garbage_is_bounded(void **state)
{
	struct place *p = *state;
	uint64_t n_got = 0;
	struct denial d;

	for (uint64_t round = 0; round < GARBAGE_ROUNDS; round++) {
		uint64_t last, first;

		fill_with_garbage(p, round, round % 2);
		last = denials_last(p->ring);
		first = denials_first(last);
		assert_true(last - first < DENIALS_MAX);
		for (uint64_t i = 0; i <= last - first; i++) {
			if (!denials_get(p->ring, first + i, &d))
				continue;
			n_got++;
			assert_non_null(memchr(d.vm_id, '\0', sizeof(d.vm_id)));
		}
		/* Written into garbage, a new entry is as good as any. */
		if (round % 2) {
			add(p->ring, 1, 1);
			assert_true(denials_get(p->ring, denials_last(p->ring), &d));
			assert_whole(&d, DENIALS_MAX + 1);
		}
	}
	assert_int_equal(n_got, GARBAGE_ROUNDS / 2 * DENIALS_MAX);
	/* The garbage of the last even round had a counter that no ring has. */
	fill_with_garbage(p, 0, false);
	reopen(p);
	assert_int_equal(denials_last(p->ring), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(entries_come_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_oldest_is_overwritten, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ids_are_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_writers_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(killed_writers_leave_skipped_entries, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_sleeping_writer_spoils_nothing, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_flood_does_not_grow, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_ring_is_replaced, set_up, tear_down),
		cmocka_unit_test_setup_teardown(makers_at_once_get_one_ring, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_reader_cannot_write, set_up, tear_down),
		cmocka_unit_test_setup_teardown(garbage_is_bounded, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
