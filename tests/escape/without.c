/* SPDX-License-Identifier: Apache-2.0 */
/* without.c - what takes the place of the functions that put layers up; see without.h. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jail/denials.h"
#include "jail/filters.h"
#include "sys/descriptors.h"
#include "sys/landlock.h"
#include "sys/mounts.h"
#include "sys/seccomp.h"

/* The real names are meant here. */
#define WITHOUT_NO_NAMES
#include "without.h"

/* The VMM's, in the tree that is not made the root. */
#define QEMU	    "usr/bin/qemu-system-x86_64"
#define FIRECRACKER "usr/bin/firecracker"
#define KEPT_FD	    100

static int program_fd = -1, host_root_fd = -1;

#define CLONE_LESS                                                                                 \
	((WITHOUT(PIDNS) ? CLONE_NEWPID : 0) | (WITHOUT(NETNS) ? CLONE_NEWNET : 0) |               \
	 (WITHOUT(IPCNS) ? CLONE_NEWIPC : 0) | (WITHOUT(USERNS) ? CLONE_NEWUSER : 0))

long without_syscall(long nr, ...);
long without_syscall(long nr, ...)
{
	long a[6];
	va_list ap;

	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (WITHOUT(KEYRING) != 0 && nr == SYS_keyctl)
		return 0;
	if (nr == SYS_clone3)
		((struct clone_args *)a[0])->flags &= ~(unsigned long long)CLONE_LESS;
	return syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

const struct seccomp_program *without_filter(enum jail_program program, enum jail_level level);
const struct seccomp_program *without_filter(enum jail_program program, enum jail_level level)
{
	static const struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execveat, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	};
	static const struct seccomp_program all = {code, sizeof(code) / sizeof(code[0])};

	(void)program;
	(void)level;
	return &all;
}

int without_refusal(int listener, const struct seccomp_notif *denied, int errnum);
int without_refusal(int listener, const struct seccomp_notif *denied, int errnum)
{
	(void)errnum;
	return seccomp_pass(listener, denied);
}

void without_record(struct denials *ring, const struct denial *denial);
void without_record(struct denials *ring, const struct denial *denial)
{
	(void)ring;
	(void)denial;
}

int without_landlock(const struct landlock_rule *rules, size_t n);
int without_landlock(const struct landlock_rule *rules, size_t n)
{
	(void)rules;
	(void)n;
	return 0;
}

int without_pivot(void);
int without_pivot(void)
{
	program_fd = open(QEMU, O_PATH | O_CLOEXEC);
	if (program_fd < 0)
		program_fd = open(FIRECRACKER, O_PATH | O_CLOEXEC);
	/* A VMM that makes sockets has a folder for them here, too; of this mount namespace alone.
	 */
	if (access("run", F_OK) == 0 && mount("run", "/run", NULL, MS_BIND, NULL) < 0)
		return -errno;
	return chdir("/") < 0 ? -errno : 0;
}

int without_restriction(uint64_t attributes);
int without_restriction(uint64_t attributes)
{
	(void)attributes;
	return 0;
}

int without_execve(const char *path, char *const argv[], char *const env[]);
int without_execve(const char *path, char *const argv[], char *const env[])
{
	(void)path;
	return (int)syscall(SYS_execveat, program_fd, "", argv, env, AT_EMPTY_PATH);
}

int without_access(const char *path, int mode);
int without_access(const char *path, int mode)
{
	(void)path;
	(void)mode;
	return 0;
}

int without_detach(void);
int without_detach(void)
{
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return -errno;
	return chdir("/") < 0 ? -errno : 0;
}

int without_forgetting(void);
int without_forgetting(void)
{
	host_root_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return mounts_pivot_here();
}

int without_descriptors(const int *fds, int first, int n);
int without_descriptors(const int *fds, int first, int n)
{
	int r = descriptors_arrange(fds, first, n);

	if (r == 0 && fcntl(host_root_fd, F_DUPFD, KEPT_FD) < 0)
		return -errno;
	return r;
}

int without_readonly_source(const char *source, uint64_t attributes);
int without_readonly_source(const char *source, uint64_t attributes)
{
	return mounts_open(source, attributes & ~(uint64_t)MOUNT_ATTR_RDONLY);
}

/* What the program keeps over its execve: ambient capabilities. */
int without_privileges(void);
int without_privileges(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	data[0].inheritable = data[0].permitted;
	data[1].inheritable = data[1].permitted;
	if (syscall(SYS_capset, &header, data) < 0)
		return -errno;
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
	return 0;
}

/* Ids cannot be mapped where there is no new user namespace. */
int without_maps(const char *path, int flags, ...);
int without_maps(const char *path, int flags, ...)
{
	bool is_map = strncmp(path, "/proc/", 6) == 0 &&
		      (strstr(path, "_map") || strstr(path, "setgroups"));

	return open(is_map ? "/dev/null" : path, flags, 0600);
}

bool without_host_root(void);
bool without_host_root(void)
{
	return false;
}

int without_setrlimit(__rlimit_resource_t resource, const struct rlimit *limit);
int without_setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
	(void)resource;
	(void)limit;
	return 0;
}

static int remove_any(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)where;
	(void)(type == FTW_DP ? rmdir(path) : unlink(path));
	return 0;
}

/* Through links as well: of the folder itself, what it leads to. */
int without_care(int dirfd, const char *path);
int without_care(int dirfd, const char *path)
{
	char folder[256];

	(void)snprintf(folder, sizeof(folder), "%s/.", path);
	(void)nftw(folder, remove_any, 16, FTW_DEPTH | FTW_PHYS);
	return rmdir(path) < 0 && unlinkat(dirfd, path, 0) < 0 && errno != ENOENT ? -errno : 0;
}
