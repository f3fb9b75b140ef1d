/* SPDX-License-Identifier: Apache-2.0 */
/* acts_privilege.c - acts that need a privilege, ways to get it back, and the kernel's subsystems.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "probe/act.h"

#define CAPABILITY_VERSION_3 0x20080522
#define CAPABILITIES	     64UL
#define PERF_ATTR_B	     64 /* PERF_ATTR_SIZE_VER0 */
#define KEYRING_SESSION	     (-3L)
#define KEYCTL_SEARCH	     10L

struct capability_data {
	uint32_t effective, permitted, inheritable;
};

static struct {
	uint32_t version;
	int pid;
} header = {.version = CAPABILITY_VERSION_3};

/* Whether one is left in any set. */
int act_capability(const char *unused)
{
	struct capability_data data[2] = {{0}};
	int r;

	(void)unused;
	if (syscall(SYS_capget, &header, data) < 0)
		return errno;
	for (int i = 0; i < 2; i++) {
		if (data[i].effective | data[i].permitted | data[i].inheritable)
			return 0;
	}
	for (unsigned long cap = 0; cap < CAPABILITIES; cap++) {
		r = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
		if (r == 1)
			return 0;
	}
	return EPERM;
}

int act_capset(const char *unused)
{
	struct capability_data all[2] = {{UINT32_MAX, UINT32_MAX, 0}, {0x1ff, 0x1ff, 0}};
	struct capability_data one[2] = {{1, 1, 0}, {0, 0, 0}};

	(void)unused;
	if (syscall(SYS_capset, &header, all) == 0)
		return 0;
	return probe_call(SYS_capset, &header, one);
}

int act_setuid(const char *unused)
{
	(void)unused;
	return probe_call(SYS_setresuid, 0, 0, 0);
}

/* Whether it runs with the id of whoever started the VM. */
int act_foreign_id(const char *unused)
{
	uid_t real, effective, saved;

	(void)unused;
	if (syscall(SYS_getresuid, &real, &effective, &saved) < 0)
		return errno;
	return real == 0 || effective == 0 || saved == 0 ? 0 : EPERM;
}

/* Whether a set-uid program would get its owner's ids. */
int act_no_new_privs(const char *unused)
{
	int r = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);

	(void)unused;
	return r < 0 ? errno : r == 1 ? EPERM : 0;
}

/* In a user namespace of its own, where it has every capability again. */
int act_nested(const char *what)
{
	const uint64_t clear_readonly[4] = {0, 1, 0, 0};

	if (syscall(SYS_unshare, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) < 0)
		return errno;
	if (strcmp(what, "remount") == 0)
		return probe_call(SYS_mount, NULL, "/vm/ram", NULL,
				  MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	if (strcmp(what, "setattr") == 0)
		return probe_call(SYS_mount_setattr, AT_FDCWD, "/vm/ram", 0, clear_readonly,
				  sizeof(clear_readonly));
	if (strcmp(what, "umount") == 0)
		return probe_call(SYS_umount2, "/vm/ram", MNT_DETACH);
	if (strcmp(what, "packet") == 0)
		return probe_call(SYS_socket, 17, 3, 0);
	if (strcmp(what, "netfilter") == 0)
		return probe_call(SYS_socket, 16, 3, 12);
	if (strcmp(what, "fsopen") == 0)
		return probe_call(SYS_fsopen, "tmpfs", 0);
	return 0;
}

int act_bpf(const char *command)
{
	/* BPF_MAP_CREATE of an array, one value of 4 bytes; BPF_PROG_LOAD is refused before. */
	uint32_t attr[32] = {2, 4, 4, 1};
	int fd = (int)syscall(SYS_bpf, (int)strtol(command, NULL, 10), attr, sizeof(attr));

	if (fd < 0)
		return errno;
	(void)close(fd);
	return 0;
}

int act_perf(const char *unused)
{
	uint32_t attr[PERF_ATTR_B / 4] = {1 /* software */, PERF_ATTR_B, 0, 0};
	int fd;

	(void)unused;
	attr[10] = 1U << 5 | 1U << 6; /* exclude_kernel, exclude_hv */
	fd = (int)syscall(SYS_perf_event_open, attr, 0, -1, -1, 8UL);
	if (fd < 0)
		return errno;
	(void)close(fd);
	return 0;
}

int act_io_uring(const char *unused)
{
	uint32_t parameters[30] = {0};
	int fd = (int)syscall(SYS_io_uring_setup, 1, parameters);

	(void)unused;
	if (fd < 0)
		return errno;
	(void)close(fd);
	return 0;
}

int act_userfaultfd(const char *flags)
{
	int fd = (int)syscall(SYS_userfaultfd, (int)strtol(flags, NULL, 0));

	if (fd < 0)
		return errno;
	(void)close(fd);
	return 0;
}

/* A key of the session that the VM was started from; `prove` puts one there. */
int act_session_key(const char *unused)
{
	(void)unused;
	return probe_call(SYS_keyctl, KEYCTL_SEARCH, KEYRING_SESSION, "user", "ironclaw-probe", 0);
}

int act_handle_open(const char *unused)
{
	/* The root of a host file system is inode 2, or near it: the handle of "Shocker". */
	uint32_t handle[4] = {8, 1, 2, 0};
	int fd = (int)syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY | O_CLOEXEC), r;

	(void)unused;
	if (fd < 0)
		return errno;
	r = probe_call(SYS_open_by_handle_at, fd, handle, O_RDONLY);
	(void)close(fd);
	/* Allowed, and no such file. */
	return r == ESTALE ? 0 : r;
}

/* With an image that is none: refused for that only after the privilege was looked at. */
int act_module(const char *unused)
{
	(void)unused;
	return probe_call(SYS_init_module, "", 0UL, "");
}

int act_real_time(const char *unused)
{
	const int priority = 1;

	(void)unused;
	return probe_call(SYS_sched_setscheduler, 0, 1 /* SCHED_FIFO */, &priority);
}

/* TIOCSTI: a character into the terminal that the VM was started from. */
int act_terminal(const char *unused)
{
	int last = ENOTTY;

	(void)unused;
	for (int fd = 0; fd < 3; fd++) {
		if (syscall(SYS_ioctl, fd, 0x5412UL, " ") == 0)
			return 0;
		last = errno;
	}
	return last;
}

int act_shm(const char *unused)
{
	(void)unused;
	return probe_call(SYS_shmget, probe_orders.shm_key, 0UL, 0);
}

int act_mount_new(const char *type)
{
	int fd = (int)syscall(SYS_fsopen, type, 1);

	if (fd < 0)
		return errno;
	(void)close(fd);
	return 0;
}
