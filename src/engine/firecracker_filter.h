/* SPDX-License-Identifier: Apache-2.0 */
/**
 * firecracker_filter.h - the file that `firecracker --seccomp-filter` takes.
 *
 * It holds one program for each kind of thread, which Firecracker loads itself. The programs are
 * constant data, compiled when IronClaw is built from the lists in src/jail/filters/
 * (docs/seccomp.md); here they are only put into the file's format, of which there are two. Pure:
 * no file is read or written.
 *
 * What no rule names traps: Firecracker logs the call and exits with 148. A call of another ABI
 * kills the process by SIGSYS.
 */
#ifndef ENGINE_FIRECRACKER_FILTER_H
#define ENGINE_FIRECRACKER_FILTER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "sys/seccomp.h"
#include "vm/config.h"

#define FIRECRACKER_FILTER_MAX_B	    100000U /* Firecracker reads no larger file */
#define FIRECRACKER_FILTER_MAX_INSTRUCTIONS 4096U   /* of one program */

/** In the order of their names, which is the file's. */
enum firecracker_thread {
	FIRECRACKER_THREAD_API,
	FIRECRACKER_THREAD_VCPU,
	FIRECRACKER_THREAD_VMM,
	FIRECRACKER_THREADS
};

enum firecracker_filter_format {
	FIRECRACKER_FILTER_BINCODE, /* up to 1.14 */
	FIRECRACKER_FILTER_BITCODE, /* from 1.15 on */
};

/**
 * firecracker_filter_encode() - put three programs into the form of the file.
 * @programs:	by enum firecracker_thread
 * @buf:	takes the file; @size bytes
 *
 * Return: 0; -EINVAL for a program that is empty, which Firecracker takes as "no filter", or too
 * long; -EFBIG when the file is larger than @size or than Firecracker reads
 */
int firecracker_filter_encode(enum firecracker_filter_format format,
			      const struct seccomp_program programs[FIRECRACKER_THREADS],
			      uint8_t *buf, size_t size, size_t *ret_len);

/**
 * firecracker_filter_make() - the file for one version and level.
 * @text:	a version, as firecracker_version_parse() takes it; may be foreign
 * @level:	VM_SECCOMP_PERMISSIVE is Firecracker's own filter. The VM that a template is made of
 *		needs VM_SECCOMP_BASIC at least: VM_SECCOMP_MINIMAL has no calls to save a VM
 * @buf:	takes the file; FIRECRACKER_FILTER_MAX_B bytes are always enough
 *
 * The file is no secret. Firecracker must be able to read it, and nobody but us to write it.
 *
 * Return: 0; -EINVAL when @text is none; -EOPNOTSUPP for a version whose rules are not known
 * (IRONCLAW_ERR_INVALID both, with a hint)
 */
int firecracker_filter_make(const char *text, enum vm_seccomp level, uint8_t *buf, size_t size,
			    size_t *ret_len, struct ironclaw_error *err);

#endif
