/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ironclaw.h - run a command in a fresh micro-VM.
 *
 * The whole public interface. A VM has no network card, sees no host file and is forgotten when it
 * is destroyed; what comes back is the output and the exit status of the commands run in it.
 *
 * Conventions:
 *  - Functions return 0 or a negative errno. When they fail they also fill the caller-owned
 *    `struct ironclaw_error` (may be NULL); on failure nothing else is written.
 *  - Options structs start with `size`, which the caller sets to sizeof the struct; a zeroed field
 *    means the default. Fields are only ever added at the end.
 *  - Strings passed in are borrowed for the time of the call only.
 *  - One handle may be used by one thread at a time, ironclaw_vm_signal() and ironclaw_vm_resize()
 *    excepted. The library never exits, never writes to stdout or stderr, and installs no signal
 *    handler.
 *  - No privilege is needed. The library starts two helper programs from its own libexec folder.
 */
#ifndef IRONCLAW_H
#define IRONCLAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define IRONCLAW_PUBLIC __attribute__((visibility("default")))

/** Stable reasons for a failure: branch on these, not on the text. */
enum ironclaw_errcode {
	IRONCLAW_ERR_NONE = 0,
	IRONCLAW_ERR_INVALID,	  /**< the caller's settings are wrong */
	IRONCLAW_ERR_NOT_FOUND,	  /**< no such image, kernel, template or VM */
	IRONCLAW_ERR_EXISTS,	  /**< the name is taken */
	IRONCLAW_ERR_BUSY,	  /**< somebody else holds the lock */
	IRONCLAW_ERR_UNAVAILABLE, /**< the host lacks a program or a feature */
	IRONCLAW_ERR_CORRUPT,	  /**< a stored file does not match its digest */
	IRONCLAW_ERR_NO_SPACE,	  /**< disk or memory of the host is full */
	IRONCLAW_ERR_TIMEOUT,	  /**< a deadline passed */
	IRONCLAW_ERR_VMM,	  /**< the VMM failed or died */
	IRONCLAW_ERR_GUEST,	  /**< the guest did not start or broke the protocol */
	IRONCLAW_ERR_JAIL,	  /**< the confinement could not be put up: nothing was started */
	IRONCLAW_ERR_LOST,	  /**< the VM ended under a running command: outcome unknown */
	IRONCLAW_ERR_CANCELLED,	  /**< a callback of the caller asked to stop */
	IRONCLAW_ERR_SYSTEM,	  /**< another failure of the operating system */
	IRONCLAW_ERR_INTERNAL,	  /**< a bug in IronClaw */
	IRONCLAW_ERR_MAX
};

#define IRONCLAW_ERROR_TEXT_MAX 1024
#define IRONCLAW_ERROR_HINT_MAX 256

/** What failed and why. Owned by the caller; never needs to be freed. */
struct ironclaw_error {
	enum ironclaw_errcode code;
	int errnum; /**< positive errno, or 0 */
	char text[IRONCLAW_ERROR_TEXT_MAX]; /**< one sentence, control characters escaped */
	char hint[IRONCLAW_ERROR_HINT_MAX]; /**< what to run next; may be empty */
};

#ifdef __cplusplus
}
#endif
#endif
