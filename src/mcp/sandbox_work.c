/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox_work.c - see sandbox_work.h.
 *
 * A work is freed by the second of two: the thread, when it is done, and whoever started it, when
 * it has read the result or abandons it. `state` says who was first. Its copy of the descriptor is
 * the thread's alone, which may still need it when the work is gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "mcp/sandbox_work.h"

enum { RUNNING, OVER, ABANDONED };

static atomic_uint n_abandoned;

static void do_work(struct sandbox_work *w)
{
	switch (w->kind) {
	case SANDBOX_WORK_OPEN:
		w->r = sandbox_open(&w->options, &w->sandbox, &w->err);
		break;
	case SANDBOX_WORK_CHANGES:
		w->r = sandbox_changes(w->sandbox, &w->changes, &w->err);
		break;
	case SANDBOX_WORK_APPROVE:
		w->r = sandbox_approve(w->sandbox, w->way, &w->grant, &w->err);
		break;
	case SANDBOX_WORK_APPLY:
		w->r = sandbox_apply(w->sandbox, &w->grant, &w->applied, &w->err);
		break;
	case SANDBOX_WORK_CLOSE:
		w->r = sandbox_close(w->sandbox, &w->err);
		w->sandbox = NULL;
		break;
	}
}

/* Nobody reads the result. */
static void leave(struct sandbox_work *w)
{
	for (size_t i = 0; i < w->n_calls; i++)
		sandbox_call_drop(w->calls[i]);
	(void)sandbox_close(w->sandbox, NULL);
	free(w);
}

static void *work_main(void *argument)
{
	const uint64_t one = 1;
	struct sandbox_work *w = argument;
	const int wake_fd = w->wake_fd;
	int was = RUNNING;

	do_work(w);
	if (atomic_compare_exchange_strong(&w->state, &was, OVER)) {
		(void)!write(wake_fd, &one, sizeof(one));
	} else {
		leave(w);
		atomic_fetch_sub(&n_abandoned, 1);
	}
	(void)close(wake_fd);
	return NULL;
}

int sandbox_work_start(const struct sandbox_work *what, int wake_fd, struct sandbox_work **ret)
{
	struct sandbox_work *w = malloc(sizeof(*w));
	pthread_attr_t detached;
	pthread_t thread;
	int r;

	if (!w)
		return -ENOMEM;
	*w = *what;
	atomic_init(&w->state, RUNNING);
	w->wake_fd = fcntl(wake_fd, F_DUPFD_CLOEXEC, 3);
	if (w->wake_fd < 0) {
		r = -errno;
		free(w);
		return r;
	}
	*ret = w;
	(void)pthread_attr_init(&detached);
	(void)pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	r = -pthread_create(&thread, &detached, work_main, w);
	(void)pthread_attr_destroy(&detached);
	if (r < 0) {
		*ret = NULL;
		(void)close(w->wake_fd);
		free(w);
	}
	return r;
}

bool sandbox_work_is_over(const struct sandbox_work *work)
{
	return atomic_load(&work->state) == OVER;
}

void sandbox_work_free(struct sandbox_work *work)
{
	free(work);
}

void sandbox_work_keep(struct sandbox_work *work, struct sandbox_call *call)
{
	/* The thread reads them after it has seen that it is abandoned. */
	work->calls[work->n_calls++] = call;
}

void sandbox_work_abandon(struct sandbox_work *work)
{
	int was = RUNNING;

	atomic_fetch_add(&n_abandoned, 1);
	if (!atomic_compare_exchange_strong(&work->state, &was, ABANDONED)) {
		atomic_fetch_sub(&n_abandoned, 1);
		leave(work);
	}
}

unsigned int sandbox_work_abandoned(void)
{
	return atomic_load(&n_abandoned);
}
