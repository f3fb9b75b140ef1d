/* SPDX-License-Identifier: Apache-2.0 */
/**
 * kernel_unpack.h - the kernel proper (vmlinux, an ELF file) out of a bzImage.
 *
 * A bzImage is a loader with a compressed payload; its header says where (Linux:
 * Documentation/arch/x86/boot.rst, payload_offset and payload_length).
 */
#ifndef IMAGE_KERNEL_UNPACK_H
#define IMAGE_KERNEL_UNPACK_H

#include <stdint.h>

#include "image/job.h"

struct kernel_payload {
	size_t at, len;	    /* of what the program is given */
	uint32_t size;	    /* of what comes out; 0: not said */
	const char *suffix; /* of a file that the program takes for its own */
	const char *program;
};

/**
 * kernel_payload_find() - where the payload of a bzImage is. Pure.
 * @bytes:	the whole file
 * Return: 0; -EINVAL: no bzImage of boot protocol 2.08 or later; -ENOTSUP: no compression that we
 * know
 */
int kernel_payload_find(const uint8_t *bytes, size_t len, struct kernel_payload *ret);

/**
 * kernel_unpack() - write the vmlinux of a bzImage, by the program that its compression needs.
 * @to:		within the job's working folder
 *
 * Return: 0; -ENOTSUP: no compression that we know, and nothing written; as job_run()
 */
int kernel_unpack(struct job *job, const char *bzimage, const char *to, struct ironclaw_error *err);

#endif
