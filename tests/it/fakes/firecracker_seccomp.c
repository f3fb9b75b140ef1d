/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firecracker_seccomp.c - the file of --seccomp-filter; see firecracker.h.
 *
 * Two formats. Up to 1.14: u64 count, then for each entry u64 length and text of the key, u64 count
 * and words of 8 bytes; what follows is not looked at. From 1.15: the same map by columns: one byte
 * count, byte-list of key lengths, the keys, list of program lengths (255: a u64 follows in a list
 * of its own), list of all words. Of the ways to pack a list only the plain one is understood,
 * which any encoder may use; another is answered with "not modelled".
 */
#include "firecracker.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FILE_MAX_B	100000U
#define PROGRAM_MAX	4096U
#define PROGRAMS	3U
#define LONG_LENGTH	255U

/* linux/filter.h and linux/seccomp.h, which musl does not bring. */
#define SET_MODE_FILTER 1
struct sock_filter {
	uint16_t code;
	uint8_t jt, jf;
	uint32_t k;
};
struct sock_fprog {
	unsigned short len;
	struct sock_filter *filter;
};

static const char *const names[PROGRAMS] = {"vmm", "api", "vcpu"};
static unsigned char file[FILE_MAX_B + 1];
static size_t file_len, at;
static struct sock_filter *vmm;
static size_t vmm_len;

static const unsigned char *take(size_t n)
{
	const unsigned char *from = file + at;

	if (n > file_len - at)
		return NULL;
	at += n;
	return from;
}

static bool take_u64(uint64_t *ret)
{
	const unsigned char *from = take(8);

	if (from)
		memcpy(ret, from, 8);
	return from != NULL;
}

/* Return: index in names, PROGRAMS when it is none of them. */
static size_t which(const unsigned char *key, size_t len)
{
	size_t i;

	for (i = 0; i < PROGRAMS; i++) {
		size_t k = 0;

		if (strlen(names[i]) != len)
			continue;
		while (k < len && tolower(key[k]) == names[i][k])
			k++;
		if (k == len)
			break;
	}
	return i;
}

/* Take @n words of the program @which. */
static const char *words(size_t program, uint64_t n)
{
	const unsigned char *from = n > FILE_MAX_B ? NULL : take(n * 8);

	if (!from)
		return "filter file is cut";
	if (program != 0)
		return NULL;
	vmm_len = n;
	vmm = malloc(n * 8 + 1);
	if (!vmm)
		abort();
	memcpy(vmm, from, n * 8);
	return NULL;
}

static const char *read_old(void)
{
	unsigned int seen = 0;
	uint64_t count, len;

	if (!take_u64(&count))
		return "filter file is cut";
	for (uint64_t i = 0; i < count; i++) {
		const unsigned char *key;
		const char *bad;
		size_t program;

		key = take_u64(&len) && len <= FILE_MAX_B ? take(len) : NULL;
		program = key ? which(key, len) : PROGRAMS;
		if (program == PROGRAMS)
			return "Filter deserialization failed: unknown thread category";
		bad = take_u64(&len) ? words(program, len) : "filter file is cut";
		if (bad)
			return bad;
		seen |= 1U << program;
	}
	return seen == (1U << PROGRAMS) - 1 ? NULL : "a thread category is missing";
}

/* A byte-list of three. */
static const unsigned char *three(void)
{
	const unsigned char *header = take(1);

	return header && *header == 0 ? take(PROGRAMS) : NULL;
}

static const char *lengths(uint64_t len[PROGRAMS], uint64_t *ret_total)
{
	const unsigned char *header, *small = three();
	bool more = false;

	if (!small)
		return "not modelled: packed lengths, or the file is cut";
	for (size_t i = 0; i < PROGRAMS; i++) {
		len[i] = small[i];
		more |= small[i] == LONG_LENGTH;
	}
	if (more) {
		header = take(1);
		if (!header || *header != 0)
			return "not modelled: packed lengths, or the file is cut";
		for (size_t i = 0; i < PROGRAMS; i++)
			if (len[i] == LONG_LENGTH && !take_u64(&len[i]))
				return "filter file is cut";
	}
	*ret_total = 0;
	for (size_t i = 0; i < PROGRAMS; i++) {
		if (len[i] > FILE_MAX_B)
			return "filter file is cut";
		*ret_total += len[i];
	}
	return NULL;
}

static const char *read_new(void)
{
	const unsigned char *count = take(1), *key_len, *header;
	size_t program[PROGRAMS];
	unsigned int seen = 0;
	uint64_t len[PROGRAMS], total;
	const char *bad;

	if (!count || *count != PROGRAMS)
		return "Filter deserialization failed: bitcode error";
	key_len = three();
	if (!key_len)
		return "Filter deserialization failed: bitcode error";
	for (size_t i = 0; i < PROGRAMS; i++) {
		const unsigned char *key = take(key_len[i]);

		program[i] = key ? which(key, key_len[i]) : PROGRAMS;
		if (program[i] == PROGRAMS)
			return "Filter deserialization failed: unknown thread category";
		seen |= 1U << program[i];
	}
	if (seen != (1U << PROGRAMS) - 1)
		return "a thread category is missing";
	bad = lengths(len, &total);
	if (bad || total == 0)
		return bad;
	header = take(1);
	if (!header || *header != 0)
		return "not modelled: packed instructions, or the file is cut";
	for (size_t i = 0; i < PROGRAMS && !bad; i++)
		bad = words(program[i], len[i]);
	if (!bad && at != file_len)
		bad = "Filter deserialization failed: bitcode error (bytes left over)";
	return bad;
}

const char *fc_seccomp_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, file, sizeof(file));

	if (fd >= 0)
		(void)close(fd);
	if (n < 0)
		return "Filter file cannot be opened";
	if ((size_t)n > FILE_MAX_B)
		return "Filter deserialization failed: exceeds limit";
	file_len = (size_t)n;
	return fc_version >= FC_VERSION(15, 0) ? read_new() : read_old();
}

bool fc_seccomp_install(void)
{
	struct sock_fprog program = {.len = (unsigned short)vmm_len, .filter = vmm};

	if (vmm_len == 0)
		return true;
	if (vmm_len > PROGRAM_MAX || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return false;
	return syscall(SYS_seccomp, SET_MODE_FILTER, 0, &program) == 0;
}
