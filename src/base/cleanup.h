/* SPDX-License-Identifier: Apache-2.0 */
/**
 * cleanup.h - scope-bound release of what a function holds.
 *
 * Descriptors start at -EBADF and pointers at NULL; ownership leaves a scope with take_fd() or
 * take_ptr(). The attribute does not run on _exit(), exec or longjmp: hence O_CLOEXEC everywhere.
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/** Run FN(&variable) when the variable leaves its scope. */
#define cleanup(fn) __attribute__((cleanup(fn)))

static inline void cleanup_freep(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_closep(const int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	errno = saved;
}

static inline void cleanup_fclosep(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

static inline void cleanup_closedirp(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

#define cleanup_free	 cleanup(cleanup_freep)
#define cleanup_close	 cleanup(cleanup_closep)
#define cleanup_fclose	 cleanup(cleanup_fclosep)
#define cleanup_closedir cleanup(cleanup_closedirp)

/** Hand a descriptor over: returns it and leaves -EBADF behind. */
static inline int take_fd(int *fd)
{
	int r = *fd;

	*fd = -EBADF;
	return r;
}

/** Close a descriptor now and mark it closed; -EBADF is fine. */
static inline void close_fd(int *fd)
{
	cleanup_closep(fd);
	*fd = -EBADF;
}

/** Hand a pointer over: returns it and leaves NULL behind. */
#define take_ptr(p)                                                                                \
	({                                                                                         \
		__typeof__(p) _taken = (p);                                                        \
		(p) = NULL;                                                                        \
		_taken;                                                                            \
	})

#endif
