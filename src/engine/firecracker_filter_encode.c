/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firecracker_filter_encode.c - the two formats of Firecracker's filter file; see
 * firecracker_filter.h.
 *
 * Both hold a map from the thread's name to its program, whose instructions are 64-bit numbers laid
 * out as the kernel's struct sock_filter; all numbers are little-endian, and there is neither magic
 * nor version.
 *
 * bincode: the number of entries; for each the length of the name, the name, the number of
 * instructions, the instructions; every length has 8 bytes.
 *
 * bitcode, by columns: the number of entries, all lengths of names, all names, all lengths of
 * programs, all instructions. A column of three or more numbers starts with a byte that says how
 * they are packed; 0 stands for not at all, which every reader takes. A length is one byte, and 255
 * stands for "longer: in the column after this one".
 */
#include "engine/firecracker_filter.h"

#include <errno.h>
#include <string.h>

#define NOT_PACKED 0U
#define LONG	   255U /* a length that does not fit its byte */

static const char *const names[] = {
	[FIRECRACKER_THREAD_API] = "api",
	[FIRECRACKER_THREAD_VCPU] = "vcpu",
	[FIRECRACKER_THREAD_VMM] = "vmm",
};

/* What does not fit is counted and not written. */
struct writer {
	uint8_t *buf;
	size_t size, used;
};

static void put(struct writer *w, uint64_t value, size_t n_bytes)
{
	for (size_t i = 0; i < n_bytes; i++, w->used++) {
		if (w->used < w->size)
			w->buf[w->used] = (uint8_t)(value >> (8 * i));
	}
}

static void put_name(struct writer *w, const char *name)
{
	for (; *name; name++)
		put(w, (uint8_t)*name, 1);
}

static void put_code(struct writer *w, const struct seccomp_program *program)
{
	for (size_t i = 0; i < program->n; i++) {
		put(w, program->code[i].code, 2);
		put(w, program->code[i].jt, 1);
		put(w, program->code[i].jf, 1);
		put(w, program->code[i].k, 4);
	}
}

static void put_bincode(struct writer *w, const struct seccomp_program *programs)
{
	put(w, FIRECRACKER_THREADS, 8);
	for (size_t i = 0; i < FIRECRACKER_THREADS; i++) {
		put(w, strlen(names[i]), 8);
		put_name(w, names[i]);
		put(w, programs[i].n, 8);
		put_code(w, &programs[i]);
	}
}

static void put_bitcode(struct writer *w, const struct seccomp_program *programs)
{
	size_t n_long = 0;

	put(w, FIRECRACKER_THREADS, 1);
	put(w, NOT_PACKED, 1);
	for (size_t i = 0; i < FIRECRACKER_THREADS; i++)
		put(w, strlen(names[i]), 1);
	for (size_t i = 0; i < FIRECRACKER_THREADS; i++)
		put_name(w, names[i]);
	put(w, NOT_PACKED, 1);
	for (size_t i = 0; i < FIRECRACKER_THREADS; i++) {
		put(w, programs[i].n < LONG ? programs[i].n : LONG, 1);
		n_long += programs[i].n >= LONG;
	}
	if (n_long > 0)
		put(w, NOT_PACKED, 1);
	for (size_t i = 0; i < FIRECRACKER_THREADS; i++) {
		if (programs[i].n >= LONG)
			put(w, programs[i].n, 8);
	}
	put(w, NOT_PACKED, 1);
	for (size_t i = 0; i < FIRECRACKER_THREADS; i++)
		put_code(w, &programs[i]);
}

int firecracker_filter_encode(enum firecracker_filter_format format,
			      const struct seccomp_program programs[FIRECRACKER_THREADS],
			      uint8_t *buf, size_t size, size_t *ret_len)
{
	struct writer w = {.buf = buf, .size = size};

	for (size_t i = 0; i < FIRECRACKER_THREADS; i++) {
		if (programs[i].n == 0 || programs[i].n > FIRECRACKER_FILTER_MAX_INSTRUCTIONS)
			return -EINVAL;
	}
	if (format == FIRECRACKER_FILTER_BINCODE)
		put_bincode(&w, programs);
	else
		put_bitcode(&w, programs);
	if (w.used > size || w.used > FIRECRACKER_FILTER_MAX_B)
		return -EFBIG;
	*ret_len = w.used;
	return 0;
}
