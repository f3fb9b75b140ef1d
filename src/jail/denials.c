/* SPDX-License-Identifier: Apache-2.0 */
/*
 * denials.c - a ring of denied system calls that processes share; see denials.h.
 *
 * Theory of operation. Entry N lives in slot (N - 1) % DENIALS_MAX and belongs to lap
 * (N - 1) / DENIALS_MAX + 1. A slot is an array of atomic words, and each of them holds 32 bits of
 * the entry and, as its tag, the lap that the entry belongs to. Number, slot and lap say the same,
 * and a number is given out once: words of one tag in one slot are all of one entry.
 *
 *  writer  takes N from the counter and puts its words one by one, by compare-and-swap, over words
 *          of older laps. A word of a newer lap means that the ring went round meanwhile: the entry
 *          is overwritten, and its writer stops.
 *  reader  takes the words in any order; when all have the tag of N it has the whole entry N.
 *
 * So it needs no lock, and only one order of memory: whoever sees a word also sees the counter that
 * its writer took the number from. A writer that sleeps for whole laps in the middle cannot spoil a
 * newer entry, and one that dies there leaves words that no reader takes for an entry and that the
 * next lap overwrites. A tag beyond the lap of the counter is none that a writer has made; it is
 * overwritten like an old one, so that garbage in the file does not stay.
 */
#include "jail/denials.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/file.h"

#define RING_NAME     "denials"
#define RING_NEW_NAME "denials.new"
#define LOCK_NAME     "denials.lock"
#define MAGIC	      0x316c61696e656463U /* "cdenial1" in the file; changes with the layout */
#define ENTRY_WORDS   ((sizeof(struct denial) - sizeof(uint64_t)) / sizeof(uint32_t))
/* The last number whose lap fits a tag: a counter beyond it was never counted up to. */
#define NUMBER_MAX    ((uint64_t)UINT32_MAX * DENIALS_MAX)
#define CACHE_LINE_B  64

struct header {
	uint64_t magic;
	uint32_t slots, slot_size;
};

struct slot {
	_Atomic uint64_t words[ENTRY_WORDS]; /* tag in the upper half */
};

struct denials {
	struct header header;
	unsigned char unused_1[CACHE_LINE_B - sizeof(struct header)];
	_Atomic uint64_t last; /* in a cache line of its own: every writer writes it */
	unsigned char unused_2[CACHE_LINE_B - sizeof(uint64_t)];
	struct slot slots[DENIALS_MAX];
};

_Static_assert(offsetof(struct denial, time_ns) == sizeof(uint64_t) &&
		       sizeof(struct denial) % sizeof(uint32_t) == 0,
	       "the number, which is not stored, and whole words");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "atomics work between processes");

static const struct header good_header = {MAGIC, DENIALS_MAX, sizeof(struct slot)};

/* Return: 0, -EBADMSG, -errno */
static int check_format(int fd)
{
	struct header header;
	uint64_t last;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size != (off_t)sizeof(struct denials))
		return -EBADMSG;
	if (pread(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
	    pread(fd, &last, sizeof(last), offsetof(struct denials, last)) != (ssize_t)sizeof(last))
		return -EIO;
	if (memcmp(&header, &good_header, sizeof(header)) != 0 || last > NUMBER_MAX)
		return -EBADMSG;
	return 0;
}

static int open_good(int dirfd, int access)
{
	cleanup_close int fd =
		openat(dirfd, RING_NAME, access | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	int r;

	if (fd < 0) /* a link, or a socket or a device without a driver */
		return errno == ELOOP || errno == ENXIO ? -EBADMSG : -errno;
	r = check_format(fd);
	return r < 0 ? r : take_fd(&fd);
}

static int fill_new(int fd)
{
	int errnum = posix_fallocate(fd, 0, sizeof(struct denials));

	if (errnum != 0)
		return -errnum;
	/* The umask is the caller's. */
	if (fchmod(fd, 0600) < 0)
		return -errno;
	return file_write_full(fd, &good_header, sizeof(good_header));
}

/* Made under another name and renamed, so that the name always stands for a whole ring. */
static int replace(int dirfd)
{
	cleanup_close int lock = file_lock(dirfd, LOCK_NAME, true), fd = -EBADF;
	int r;

	if (lock < 0)
		return lock;
	fd = open_good(dirfd, O_RDWR);
	if (fd >= 0)
		return take_fd(&fd); /* somebody else was quicker */
	/* Left by one who died here. */
	if (unlinkat(dirfd, RING_NEW_NAME, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(dirfd, RING_NEW_NAME, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = fill_new(fd);
	if (r == 0 && renameat(dirfd, RING_NEW_NAME, dirfd, RING_NAME) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(dirfd, RING_NEW_NAME, 0);
		return r;
	}
	return take_fd(&fd);
}

int denials_open(int dirfd)
{
	int fd = open_good(dirfd, O_RDWR);

	return fd == -ENOENT || fd == -EBADMSG ? replace(dirfd) : fd;
}

int denials_open_reader(int dirfd)
{
	return open_good(dirfd, O_RDONLY);
}

struct denials *denials_map(int fd, bool writable)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0)
		return NULL;
	if (st.st_size != (off_t)sizeof(struct denials)) {
		errno = EBADMSG;
		return NULL;
	}
	p = mmap(NULL, sizeof(struct denials), PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED,
		 fd, 0);
	return p == MAP_FAILED ? NULL : p;
}

void denials_unmap(struct denials *ring)
{
	if (ring)
		(void)munmap(ring, sizeof(*ring));
}

static uint64_t now_ns(void)
{
	struct timespec t = {0};

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static bool number_ok(uint64_t number)
{
	return number > 0 && number <= NUMBER_MAX;
}

static size_t slot_of(uint64_t number)
{
	return (number - 1) % DENIALS_MAX;
}

static uint64_t lap_of(uint64_t number)
{
	return (number - 1) / DENIALS_MAX + 1;
}

/* Return: false when a newer entry is there */
static bool put_word(struct denials *ring, _Atomic uint64_t *word, uint64_t lap, uint32_t value)
{
	uint64_t held = atomic_load_explicit(word, memory_order_acquire);

	do {
		if (held >> 32 > lap && held >> 32 <= lap_of(denials_last(ring)))
			return false;
	} while (!atomic_compare_exchange_weak_explicit(word, &held, lap << 32 | value,
							memory_order_acq_rel,
							memory_order_acquire));
	return true;
}

void denials_add(struct denials *ring, const struct denial *denial)
{
	uint64_t number = atomic_fetch_add_explicit(&ring->last, 1, memory_order_relaxed) + 1;
	struct slot *slot = &ring->slots[slot_of(number)];
	struct denial entry = *denial;
	uint32_t values[ENTRY_WORDS];
	size_t n_id = strnlen(denial->vm_id, JAIL_VM_ID_MAX);

	if (!number_ok(number))
		return;
	entry.time_ns = now_ns();
	memcpy(values, (const char *)&entry + sizeof(entry.number), sizeof(values));
	/* Only what is meant for the file gets there: not what stands behind the id. */
	memset((char *)values + offsetof(struct denial, vm_id) - sizeof(uint64_t) + n_id, 0,
	       sizeof(entry) - offsetof(struct denial, vm_id) - n_id);
	for (size_t i = 0; i < ENTRY_WORDS; i++) {
		if (!put_word(ring, &slot->words[i], lap_of(number), values[i]))
			return;
	}
}

uint64_t denials_last(const struct denials *ring)
{
	uint64_t last = atomic_load_explicit(&ring->last, memory_order_relaxed);

	return last < NUMBER_MAX ? last : NUMBER_MAX;
}

uint64_t denials_first(uint64_t last)
{
	return last > DENIALS_MAX ? last - DENIALS_MAX + 1 : last > 0;
}

bool denials_get(const struct denials *ring, uint64_t number, struct denial *ret)
{
	const struct slot *slot = &ring->slots[slot_of(number)];
	uint32_t values[ENTRY_WORDS];

	if (!number_ok(number))
		return false;
	for (size_t i = 0; i < ENTRY_WORDS; i++) {
		uint64_t word = atomic_load_explicit(&slot->words[i], memory_order_relaxed);

		if (word >> 32 != lap_of(number))
			return false;
		values[i] = (uint32_t)word;
	}
	ret->number = number;
	memcpy((char *)ret + sizeof(ret->number), values, sizeof(values));
	ret->vm_id[JAIL_VM_ID_MAX] = '\0';
	return true;
}
