/* SPDX-License-Identifier: Apache-2.0 */
/* vmm_probe_jail.c - acts against the jail itself: its tree, its namespaces, its privileges. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm_probe.h"

#define PID_LIMIT	     65536

/* What musl's headers lack of the kernel's. */
#define CAPABILITY_VERSION_3 0x20080522
#define ATTR_RDONLY	     1
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

struct mount_attributes {
	uint64_t set, clear, propagation, userns_fd;
};

/* ---- the file tree: `tree PATH-OF-A-HOST-FILE` ---- */

/* Names in a folder, in order. */
static int list(const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, NULL, alphasort);
	size_t used = 0;

	if (n < 0)
		return errno;
	for (int i = 0; i < n && used < PROBE_RESULT_B; i++) {
		if (names[i]->d_name[0] != '.')
			used += (size_t)snprintf(probe_told + used, PROBE_RESULT_B - used, "%s%s",
						 used ? "," : "", names[i]->d_name);
	}
	return 0;
}

static int try_open(const char *path)
{
	return probe_result(open(path, O_RDONLY | O_CLOEXEC));
}

static int create(const char *path)
{
	return probe_result(open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
}

static int act_mknod(void)
{
	return probe_result(mknod("/dev/ironclaw-probe", S_IFCHR | 0600, 0x103));
}

static int act_mount(void)
{
	return probe_result(mount("none", "/vm", "tmpfs", 0, NULL));
}

static int act_remount(void)
{
	return probe_result(mount(NULL, "/vm/ram", NULL, MS_REMOUNT | MS_BIND, NULL));
}

static int act_umount(void)
{
	return probe_result(umount2("/vm/ram", MNT_DETACH));
}

static int act_chroot(void)
{
	return probe_result(chroot("/usr"));
}

const struct act probe_tree_acts[] = {
	{"root", .at = list, .path = "/"},
	{"vm", .at = list, .path = "/vm"},
	{"dev", .at = list, .path = "/dev"},
	{"usr", .at = list, .path = "/usr"},
	{"bin", .at = list, .path = "/usr/bin"},
	{"known", .at = try_open, .path = "/lib64/ld-linux-x86-64.so.2"},
	{"passwd", .at = try_open, .path = "/etc/passwd"},
	{"climb", .at = try_open, .path = "/../../../../etc/passwd"},
	{"host", .at = try_open, .path = probe_argument},
	{"proc", .at = try_open, .path = "/proc/self/status"},
	{"sys", .at = try_open, .path = "/sys/kernel"},
	{"create-root", .at = create, .path = "/ironclaw-probe"},
	{"create-vm", .at = create, .path = "/vm/ironclaw-probe"},
	{"create-usr", .at = create, .path = "/usr/bin/ironclaw-probe"},
	{"mknod", act_mknod},
	{"mount", act_mount},
	{"remount", act_remount},
	{"umount", act_umount},
	{"chroot", act_chroot},
	{.name = NULL},
};

/* ---- with namespaces of its own, where it has every capability again: `nested` ---- */

static int enter_namespaces(void)
{
	/* On a kernel or under a filter that forbids it, that is the result of each act below. */
	return unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID) < 0 ? errno : 0;
}

/* The control: a mount of its own obeys it. */
static int act_nested_own(void)
{
	int r = enter_namespaces();

	if (r)
		return r;
	if (mount("none", "/vm", "tmpfs", 0, NULL) < 0 ||
	    mount(NULL, "/vm", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0 ||
	    mount(NULL, "/vm", NULL, MS_REMOUNT | MS_BIND, NULL) < 0)
		return errno;
	return 0;
}

static int act_nested_remount(void)
{
	int r = enter_namespaces();

	return r ? r : probe_result(mount(NULL, "/vm/ram", NULL, MS_REMOUNT | MS_BIND, NULL));
}

static int act_nested_setattr(void)
{
	const struct mount_attributes attr = {.clear = ATTR_RDONLY};
	int r = enter_namespaces();

	return r ? r
		 : probe_result(
			   syscall(SYS_mount_setattr, AT_FDCWD, "/vm/ram", 0, &attr, sizeof(attr)));
}

/* A second mount of the file, at a place of its own, made writable. */
static int act_nested_bind(void)
{
	int r = enter_namespaces();

	if (r)
		return r;
	if (mount("/vm/ram", "/vm/image", NULL, MS_BIND, NULL) < 0)
		return EBUSY; /* not what is to be seen here */
	return probe_result(mount(NULL, "/vm/image", NULL, MS_REMOUNT | MS_BIND, NULL));
}

static int act_nested_umount(void)
{
	int r = enter_namespaces();

	return r ? r : probe_result(umount2("/vm/ram", MNT_DETACH));
}

static int act_nested_proc(void)
{
	int r = enter_namespaces();
	pid_t pid;
	int status;

	if (r)
		return r;
	/* procfs is of a process in the new pid namespace. */
	pid = fork();
	if (pid == 0)
		_exit(probe_result(mount("none", "/vm", "proc", 0, NULL)));
	return pid < 0 || waitpid(pid, &status, 0) < 0 ? errno : WEXITSTATUS(status);
}

static int act_nested_write(void)
{
	int fd, r = enter_namespaces();

	if (r)
		return r;
	fd = open("/vm/ram", O_RDWR | O_CLOEXEC);
	return fd < 0 ? errno : probe_result(pwrite(fd, "\xa5", 1, 0));
}

const struct act probe_nested_acts[] = {
	{"own", act_nested_own},	 {"remount", act_nested_remount},
	{"setattr", act_nested_setattr}, {"bind", act_nested_bind},
	{"umount", act_nested_umount},	 {"proc", act_nested_proc},
	{"write", act_nested_write},	 {.name = NULL},
};

/* ---- others, and what it may: `world PORT NAME` ---- */

static int act_others(void)
{
	unsigned int n = 0;

	/* Besides ourselves and the process that waits for us. */
	for (pid_t pid = 1; pid < PID_LIMIT; pid++)
		n += pid != getpid() && pid != getppid() && (kill(pid, 0) == 0 || errno == EPERM);
	(void)snprintf(probe_told, PROBE_RESULT_B, "%u", n);
	return 0;
}

static int act_ids(void)
{
	uid_t r, e, s;

	if (getresuid(&r, &e, &s) < 0)
		return errno;
	(void)snprintf(probe_told, PROBE_RESULT_B, "%u,%u,%u", (unsigned int)r, (unsigned int)e,
		       (unsigned int)s);
	return 0;
}

static int act_setuid(void)
{
	return probe_result(setuid(getuid() + 1));
}

/* All sets at once: effective, permitted, inheritable; bounding; ambient. */
static int act_caps(void)
{
	struct {
		uint32_t version;
		int pid;
	} header = {.version = CAPABILITY_VERSION_3};
	struct {
		uint32_t effective, permitted, inheritable;
	} data[2];
	unsigned int bounding = 0, ambient = 0;

	if (syscall(SYS_capget, &header, data) < 0)
		return errno;
	for (unsigned long cap = 0; cap < 64; cap++) {
		bounding += prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1;
		ambient += prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1;
	}
	(void)snprintf(probe_told, PROBE_RESULT_B, "%x,%x,%x,%u,%u",
		       data[0].effective | data[1].effective, data[0].permitted | data[1].permitted,
		       data[0].inheritable | data[1].inheritable, bounding, ambient);
	return 0;
}

static int act_no_new_privs(void)
{
	(void)snprintf(probe_told, PROBE_RESULT_B, "%d", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	return 0;
}

static int act_limits(void)
{
	struct rlimit core, fsize, nofile;

	if (getrlimit(RLIMIT_CORE, &core) < 0 || getrlimit(RLIMIT_FSIZE, &fsize) < 0 ||
	    getrlimit(RLIMIT_NOFILE, &nofile) < 0)
		return errno;
	(void)snprintf(probe_told, PROBE_RESULT_B, "%llu,%llu,%llu",
		       (unsigned long long)core.rlim_max, (unsigned long long)fsize.rlim_max,
		       (unsigned long long)nofile.rlim_max);
	return 0;
}

/* Interfaces that are up; and all there are. */
static int act_interfaces(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned int up = 0, n = 0;

	if (fd < 0)
		return errno;
	for (int i = 1; i < 1024; i++) {
		struct ifreq r = {.ifr_ifindex = i};

		if (ioctl(fd, SIOCGIFNAME, &r) < 0)
			continue;
		n++;
		up += ioctl(fd, SIOCGIFFLAGS, &r) == 0 && (r.ifr_flags & IFF_UP);
	}
	(void)snprintf(probe_told, PROBE_RESULT_B, "%u/%u", up, n);
	return 0;
}

static int act_connect(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)atoi(probe_argument)),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? errno : probe_result(connect(fd, (struct sockaddr *)&to, sizeof(to)));
}

/* A socket without a file: what keeps us from it is the network namespace alone. */
static int act_abstract(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const char *name = strchr(probe_argument, ' ');
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t n;

	if (fd < 0 || !name)
		return fd < 0 ? errno : EINVAL;
	n = strlen(++name);
	if (n > sizeof(to.sun_path) - 1)
		return EINVAL;
	memcpy(to.sun_path + 1, name, n);
	return probe_result(connect(fd, (struct sockaddr *)&to,
				    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n)));
}

const struct act probe_world_acts[] = {
	{"others", act_others},
	{"ids", act_ids},
	{"setuid", act_setuid},
	{"caps", act_caps},
	{"no-new-privs", act_no_new_privs},
	{"limits", act_limits},
	{"interfaces", act_interfaces},
	{"connect", act_connect},
	{"abstract", act_abstract},

	{.name = NULL},
};
