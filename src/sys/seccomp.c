/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp.c - load a program, answer for what it denies; see seccomp.h. */
#include "sys/seccomp.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * A kernel newer than our headers may have longer messages, and would write past ours. All of a
 * supervisor's descriptors come from seccomp_load() on the same kernel, so asking once is enough.
 */
static int check_sizes(void)
{
	struct seccomp_notif_sizes sizes;

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return -errno;
	if (sizes.seccomp_notif > sizeof(struct seccomp_notif) ||
	    sizes.seccomp_notif_resp > sizeof(struct seccomp_notif_resp) ||
	    sizes.seccomp_data > sizeof(struct seccomp_data))
		return -EOPNOTSUPP;
	return 0;
}

int seccomp_load(const struct seccomp_program *program)
{
	const struct sock_fprog fprog = {
		.len = program->n,
		.filter = (struct sock_filter *)(uintptr_t)program->code,
	};
	int fd, r = check_sizes();

	if (r < 0)
		return r;
	/*
	 * With WAIT_KILLABLE_RECV a signal does not break off a call that the supervisor has seen:
	 * one denial is one message, and the pass of an exec is not lost. Death still ends the
	 * wait.
	 */
	fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			  SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
			  &fprog);
	/* Linux before 5.19. */
	if (fd < 0 && errno == EINVAL)
		fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
				  SECCOMP_FILTER_FLAG_NEW_LISTENER, &fprog);
	return fd < 0 ? -errno : fd;
}

int seccomp_next(int listener, struct seccomp_notif *ret)
{
	/* The kernel refuses a message that is not all zero. */
	memset(ret, 0, sizeof(*ret));
	while (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, ret) < 0) {
		if (errno != EINTR)
			return -errno;
		memset(ret, 0, sizeof(*ret));
	}
	return 0;
}

static int answer(int listener, struct seccomp_notif_resp *response)
{
	while (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, response) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

int seccomp_refuse(int listener, const struct seccomp_notif *denied, int errnum)
{
	struct seccomp_notif_resp response = {.id = denied->id, .error = -errnum};
	int r = answer(listener, &response);

	return r == -ENOENT ? 0 : r;
}

int seccomp_pass(int listener, const struct seccomp_notif *denied)
{
	struct seccomp_notif_resp response = {
		.id = denied->id,
		.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE,
	};

	return answer(listener, &response);
}
