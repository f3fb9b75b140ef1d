/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack_jail.c - how ironclaw-unpack confines itself; see unpack_jail.h.
 *
 * The filter is written here, instructions and all, and not as a list in jail/filters: those are
 * made for programs that somebody supervises, and this one is nine short rules without a level.
 */
#include "workspace/unpack_jail.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/landlock.h"
#include "sys/privileges.h"

#define MEMORY_MAX_B  (64ULL << 20)
#define FILES_MAX     8U
#define OPEN_FLAGS    (O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW)

#define LOAD(field)   BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)
/* The next instruction, or the one after it. */
#define UNLESS(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0)
#define IF(value)     BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1)
#define KILL	      RETURN(SECCOMP_RET_KILL_PROCESS)
#define ALLOW	      RETURN(SECCOMP_RET_ALLOW)

/* Low half of an argument; descriptors and flags are ints to the kernel, which cuts the rest off.
 */
#define ARG(n)	      args[n]

static const struct sock_filter filter[] = {
	LOAD(arch),
	UNLESS(AUDIT_ARCH_X86_64),
	KILL,
	/* Calls of x32 have numbers of their own, none of which is here. */
	LOAD(nr),
	IF(SYS_read),
	ALLOW,
	IF(SYS_write),
	ALLOW,
	IF(SYS_pwrite64),
	ALLOW,
	IF(SYS_ftruncate),
	ALLOW,
	IF(SYS_close),
	ALLOW,
	IF(SYS_exit_group),
	ALLOW,
	UNLESS(SYS_openat),
	KILL,
	LOAD(ARG(0)),
	UNLESS(UNPACK_STAGE),
	KILL,
	LOAD(ARG(2)),
	UNLESS(OPEN_FLAGS),
	KILL,
	ALLOW,
};

static int limit(int what, uint64_t value)
{
	const struct rlimit l = {value, value};

	return setrlimit((__rlimit_resource_t)what, &l);
}

static int set_limits(uint64_t file_max_b)
{
	return limit(RLIMIT_AS, MEMORY_MAX_B) < 0 || limit(RLIMIT_FSIZE, file_max_b) < 0 ||
			       limit(RLIMIT_NOFILE, FILES_MAX) < 0 || limit(RLIMIT_NPROC, 0) < 0 ||
			       limit(RLIMIT_CORE, 0) < 0
		       ? -1
		       : 0;
}

static int become(unsigned int uid)
{
	/* While it still may: what is dropped later is dropped without CAP_SETPCAP. */
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return -1;
	}
	return setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 ||
			       setresuid(uid, uid, uid) < 0
		       ? -1
		       : 0;
}

static int enter_stage(void)
{
	return fchdir(UNPACK_STAGE) < 0 || chroot(".") < 0 ? -1 : 0;
}

static int confine_files(void)
{
	const struct landlock_rule rule = {
		.fd = UNPACK_STAGE,
		.access = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
			  (1ULL << 14) /* truncate: ABI 3 */,
	};
	int r = landlock_confine(&rule, 1);

	errno = -r;
	return r;
}

static int load_filter(void)
{
	const struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(filter[0]),
		.filter = (struct sock_filter *)(uintptr_t)filter,
	};

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

const char *unpack_jail_enter(unsigned int uid, uint64_t file_max_b)
{
	const int namespaces = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS |
			       CLONE_NEWCGROUP | (uid ? 0 : CLONE_NEWUSER);
	int r;

	if (close_range(UNPACK_STAGE + 1, ~0U, 0) < 0)
		return "close what was inherited";
	if (unshare(namespaces) < 0)
		return "make namespaces of its own";
	if (enter_stage() < 0)
		return "make the stage its root folder";
	if (uid && become(uid) < 0)
		return "become another user";
	r = privileges_drop();
	errno = -r;
	if (r < 0)
		return "give its privileges up";
	/* After the change of user, which takes both back. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return "die with whoever started it";
	if (set_limits(file_max_b) < 0)
		return "set its limits";
	if (confine_files() < 0)
		return "confine itself with Landlock";
	if (load_filter() < 0)
		return "load its seccomp filter";
	return NULL;
}
