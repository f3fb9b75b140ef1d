/* SPDX-License-Identifier: Apache-2.0 */
/**
 * sandbox_work.h - what blocks, in a helper thread: opening a sandbox, its changes, an approval, an
 * apply.
 *
 * While a work other than an approval goes on, the sandbox is the thread's: nobody else touches it.
 * Work that is not waited for any more is abandoned, with its sandbox: the thread closes it then.
 */
#ifndef MCP_SANDBOX_WORK_H
#define MCP_SANDBOX_WORK_H

#include <pthread.h>
#include <stdatomic.h>

#include "sandbox/sandbox.h"

enum sandbox_work_kind {
	SANDBOX_WORK_OPEN,    /* in: options; out: sandbox */
	SANDBOX_WORK_CHANGES, /* out: changes */
	SANDBOX_WORK_APPROVE, /* in: way; out: grant */
	SANDBOX_WORK_APPLY,   /* in: grant; out: applied */
	SANDBOX_WORK_CLOSE,   /* frees it */
};

struct sandbox_work {
	enum sandbox_work_kind kind;
	struct sandbox_options options;
	struct sandbox *sandbox;
	enum approval_way way;
	struct approval_grant grant;
	struct changes *changes;
	struct apply_result applied;
	int r; /* as the function that was called returned it */
	struct ironclaw_error err;
	/* private: */
	struct sandbox_call *calls[VM_PROCESS_MAX]; /* to be dropped with the sandbox */
	size_t n_calls;
	int wake_fd;
	atomic_int state;
};

/**
 * sandbox_work_start() - begin.
 * @wake_fd:	an eventfd that is written to when it is over; the work keeps a copy of it
 *
 * Return: 0 with *@ret, which is @what, copied, and more; -errno
 */
int sandbox_work_start(const struct sandbox_work *what, int wake_fd, struct sandbox_work **ret);

/** sandbox_work_is_over() - then the outputs may be read. */
bool sandbox_work_is_over(const struct sandbox_work *work);

/** sandbox_work_free() - of one that is over; its sandbox is the caller's. NULL is fine. */
void sandbox_work_free(struct sandbox_work *work);

/** sandbox_work_keep() - a call of its sandbox, which is to be dropped when it is abandoned. */
void sandbox_work_keep(struct sandbox_work *work, struct sandbox_call *call);

/** sandbox_work_abandon() - nobody waits for it any more; its sandbox is closed when it is over. */
void sandbox_work_abandon(struct sandbox_work *work);

/** sandbox_work_abandoned() - how many of those still go on, each with a sandbox, in the process.
 */
unsigned int sandbox_work_abandoned(void);

#endif
