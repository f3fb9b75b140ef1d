/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmm_probe.c - stands where the VMM stands, and tries what a VMM taken over by its guest would
 * try.
 *
 * The warden starts it in the VMM's place, in the very jail of a clone: same descriptors, mounts,
 * namespaces and limits. What it is to try stands in a file that is mounted where a clone finds its
 * preloaded library (this program is static, so nothing preloads it): "ROUND ARGUMENT". Each act is
 * done by a process of its own, so that none spoils the next, and one that is killed for it is
 * seen:
 *
 *   rw:EROFS private:ok connect:ENETUNREACH mount:SIG31 end:ok
 *
 * The keeper quotes the last 400 bytes of this in its failure; a round says no more. Outside of a
 * jail `vmm_probe ROUND ARGUMENT` does the very same acts: vmm_position.c uses that as the control.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ORDERS		     "/vm/preload.so"
#define STATE_FD	     5
#define PAGE_B		     4096
#define RESULT_B	     128
#define FD_LIMIT	     256
#define PID_LIMIT	     65536

/* What musl's headers lack of the kernel's. */
#define CAPABILITY_VERSION_3 0x20080522
#define SET_INODE_FLAGS	     _IOW('f', 2, long)
#define GET_INODE_FLAGS	     _IOR('f', 1, long)
#define INODE_NOATIME	     0x80L
#define KEY_SESSION	     (-3)
#define KEY_SEARCH	     10
#define ATTR_RDONLY	     1
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

struct mount_attributes {
	uint64_t set, clear, propagation, userns_fd;
};

/* The argument of the round: a path, or a port. */
static char argument[1024];

/* An act returns 0 or an errno; at 0 it may have something to tell instead of "ok". */
static char told[RESULT_B];

struct act {
	const char *name;
	int (*run)(void);
	int (*at)(const char *path); /* or this, */
	const char *path;	     /* with this */
};

static const char *errno_name(int errnum)
{
	static const struct {
		int errnum;
		const char *name;
	} names[] = {{0, "ok"},
		     {EROFS, "EROFS"},
		     {EACCES, "EACCES"},
		     {EPERM, "EPERM"},
		     {ENOENT, "ENOENT"},
		     {EBADF, "EBADF"},
		     {EINVAL, "EINVAL"},
		     {ENODEV, "ENODEV"},
		     {EXDEV, "EXDEV"},
		     {EBUSY, "EBUSY"},
		     {ESRCH, "ESRCH"},
		     {EFBIG, "EFBIG"},
		     {ENOSYS, "ENOSYS"},
		     {ENOTTY, "ENOTTY"},
		     {ENOTDIR, "ENOTDIR"},
		     {EOPNOTSUPP, "EOPNOTSUPP"},
		     {ENETUNREACH, "ENETUNREACH"},
		     {ECONNREFUSED, "ECONNREFUSED"}};
	static char other[16];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].errnum == errnum)
			return names[i].name;
	}
	(void)snprintf(other, sizeof(other), "E%d", errnum);
	return other;
}

static int result(long r)
{
	return r < 0 ? errno : 0;
}

/* ---- a file that the VMM shares with others: `file PATH` ---- */

static int open_argument(int flags)
{
	return open(argument, flags | O_CLOEXEC | O_NOCTTY);
}

static int act_read(void)
{
	char byte;
	int fd = open_argument(O_RDONLY);

	return fd < 0 ? errno : result(read(fd, &byte, 1));
}

static int act_rw(void)
{
	int fd = open_argument(O_RDWR);

	return fd < 0 ? errno : result(pwrite(fd, "\xa5", 1, 0));
}

static int act_append(void)
{
	return result(open_argument(O_WRONLY | O_APPEND));
}

static int act_trunc(void)
{
	return result(open_argument(O_WRONLY | O_TRUNC));
}

static int act_truncate(void)
{
	return result(truncate(argument, PAGE_B));
}

static int act_punch(void)
{
	int fd = open_argument(O_RDWR);

	if (fd < 0)
		fd = open_argument(O_RDONLY);
	/* FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE */
	return fd < 0 ? errno : result(fallocate(fd, 3, 0, PAGE_B));
}

/* Maps the file and writes to it. */
static int map_and_write(int fd, int flags)
{
	char *at = mmap(NULL, PAGE_B, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (at == MAP_FAILED)
		return errno;
	*(volatile char *)at = '\xa5';
	return 0;
}

static int act_shared(void)
{
	int fd = open_argument(O_RDWR);

	return map_and_write(fd < 0 ? open_argument(O_RDONLY) : fd, MAP_SHARED);
}

static int act_private(void)
{
	return map_and_write(open_argument(O_RDONLY), MAP_PRIVATE);
}

/* A shared mapping for reading that is made writable afterwards. */
static int act_mprotect(void)
{
	int fd = open_argument(O_RDWR);
	void *at;

	if (fd < 0)
		fd = open_argument(O_RDONLY);
	at = mmap(NULL, PAGE_B, PROT_READ, MAP_SHARED, fd, 0);
	return at == MAP_FAILED ? errno : result(mprotect(at, PAGE_B, PROT_READ | PROT_WRITE));
}

static int reopen(const char *folder)
{
	char path[64];
	int fd = open_argument(O_RDONLY);

	if (fd < 0)
		return errno;
	(void)snprintf(path, sizeof(path), "%s/%d", folder, fd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? errno : result(pwrite(fd, "\xa5", 1, 0));
}

static int act_procfd(void)
{
	return reopen("/proc/self/fd");
}

static int act_devfd(void)
{
	return reopen("/dev/fd");
}

/* The way round all paths: by the number of the file. */
static int act_handle(void)
{
	struct {
		struct file_handle handle;
		unsigned char room[128];
	} h = {.handle = {.handle_bytes = sizeof(h.room)}};
	int mount_id, fd = open_argument(O_RDONLY);

	if (fd < 0 || name_to_handle_at(AT_FDCWD, argument, &h.handle, &mount_id, 0) < 0)
		return errno;
	return result(open_by_handle_at(fd, &h.handle, O_RDWR));
}

static int act_chmod(void)
{
	return result(chmod(argument, 0666));
}

static int act_fchmod(void)
{
	return result(fchmod(open_argument(O_RDONLY), 0666));
}

static int act_chown(void)
{
	return result(chown(argument, geteuid(), getegid()));
}

static int act_times(void)
{
	return result(futimens(open_argument(O_RDONLY), NULL));
}

static int act_xattr(void)
{
	return result(setxattr(argument, "user.ironclaw", "x", 1, 0));
}

static int change_flags(int fd)
{
	long flags = 0;

	if (ioctl(fd, GET_INODE_FLAGS, &flags) < 0)
		return errno;
	flags ^= INODE_NOATIME;
	return result(ioctl(fd, SET_INODE_FLAGS, &flags));
}

static int act_flags(void)
{
	return change_flags(open_argument(O_RDONLY));
}

static int act_link(void)
{
	char path[sizeof(argument) + 8];

	(void)snprintf(path, sizeof(path), "%s.link", argument);
	return result(link(argument, path));
}

static int act_rename(void)
{
	char path[sizeof(argument) + 8];

	(void)snprintf(path, sizeof(path), "%s.other", argument);
	if (rename(argument, path) < 0)
		return errno;
	return result(rename(path, argument));
}

/* The last one: outside of a jail the file is gone. */
static int act_unlink(void)
{
	return result(unlink(argument));
}

static const struct act file_acts[] = {
	{"read", act_read},	    {"rw", act_rw},	    {"append", act_append},
	{"write", act_write},	    {"trunc", act_trunc},   {"truncate", act_truncate},
	{"punch", act_punch},	    {"shared", act_shared}, {"private", act_private},
	{"mprotect", act_mprotect}, {"procfd", act_procfd}, {"devfd", act_devfd},
	{"handle", act_handle},	    {"chmod", act_chmod},   {"fchmod", act_fchmod},
	{"chown", act_chown},	    {"times", act_times},   {"xattr", act_xattr},
	{"flags", act_flags},	    {"link", act_link},	    {"rename", act_rename},
	{"unlink", act_unlink},	    {.name = NULL}};

/* ---- what it was given: `descriptors` ---- */

static int act_open_fds(void)
{
	size_t used = 0;

	for (int fd = 0; fd < FD_LIMIT && used < RESULT_B; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			used += (size_t)snprintf(told + used, RESULT_B - used, "%s%d",
						 used ? "," : "", fd);
	}
	return 0;
}

static int act_state_read(void)
{
	char byte;

	return result(pread(STATE_FD, &byte, 1, 0));
}

static int act_state_write(void)
{
	return result(pwrite(STATE_FD, "\xa5", 1, 0));
}

static int act_state_truncate(void)
{
	return result(ftruncate(STATE_FD, 0));
}

static int act_state_shared(void)
{
	return map_and_write(STATE_FD, MAP_SHARED);
}

static int act_state_chmod(void)
{
	return result(fchmod(STATE_FD, 0));
}

static int act_state_chown(void)
{
	return result(fchown(STATE_FD, geteuid(), getegid()));
}

static int act_state_times(void)
{
	const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};

	return result(futimens(STATE_FD, times));
}

static int act_state_flags(void)
{
	return change_flags(STATE_FD);
}

static int act_null_write(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	return fd < 0 ? errno : result(write(fd, "x", 1));
}

/* The mode stays what it is where this works: no host is harmed by the test. */
static int act_null_chmod(void)
{
	return result(chmod("/dev/null", 0666));
}

static int act_stdin_chmod(void)
{
	struct stat st;

	if (fstat(STDIN_FILENO, &st) < 0)
		return errno;
	return result(fchmod(STDIN_FILENO, st.st_mode & 07777));
}

static const struct act descriptor_acts[] = {{"open", act_open_fds},
					     {"state-read", act_state_read},
					     {"state-write", act_state_write},
					     {"state-truncate", act_state_truncate},
					     {"state-shared", act_state_shared},
					     {"state-chmod", act_state_chmod},
					     {"state-chown", act_state_chown},
					     {"state-times", act_state_times},
					     {"state-flags", act_state_flags},
					     {"null-write", act_null_write},
					     {"null-chmod", act_null_chmod},
					     {"stdin-chmod", act_stdin_chmod},
					     {.name = NULL}};

/* ---- the file tree: `tree PATH-OF-A-HOST-FILE` ---- */

/* Names in a folder, in order. */
static int list(const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, NULL, alphasort);
	size_t used = 0;

	if (n < 0)
		return errno;
	for (int i = 0; i < n && used < RESULT_B; i++) {
		if (names[i]->d_name[0] != '.')
			used += (size_t)snprintf(told + used, RESULT_B - used, "%s%s",
						 used ? "," : "", names[i]->d_name);
	}
	return 0;
}

static int try_open(const char *path)
{
	return result(open(path, O_RDONLY | O_CLOEXEC));
}

static int create(const char *path)
{
	return result(open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
}

static int act_mknod(void)
{
	return result(mknod("/dev/ironclaw-probe", S_IFCHR | 0600, 0x103));
}

static int act_mount(void)
{
	return result(mount("none", "/vm", "tmpfs", 0, NULL));
}

static int act_remount(void)
{
	return result(mount(NULL, "/vm/ram", NULL, MS_REMOUNT | MS_BIND, NULL));
}

static int act_umount(void)
{
	return result(umount2("/vm/ram", MNT_DETACH));
}

static int act_chroot(void)
{
	return result(chroot("/usr"));
}

static const struct act tree_acts[] = {{"root", .at = list, .path = "/"},
				       {"vm", .at = list, .path = "/vm"},
				       {"dev", .at = list, .path = "/dev"},
				       {"known", .at = try_open, .path = "/etc/ld.so.cache"},
				       {"passwd", .at = try_open, .path = "/etc/passwd"},
				       {"climb", .at = try_open, .path = "/../../../../etc/passwd"},
				       {"host", .at = try_open, .path = argument},
				       {"proc", .at = try_open, .path = "/proc/self/status"},
				       {"sys", .at = try_open, .path = "/sys/kernel"},
				       {"create-root", .at = create, .path = "/ironclaw-probe"},
				       {"create-vm", .at = create, .path = "/vm/ironclaw-probe"},
				       {"create-usr", .at = create,
					.path = "/usr/lib/ironclaw-probe"},
				       {"mknod", act_mknod},
				       {"mount", act_mount},
				       {"remount", act_remount},
				       {"umount", act_umount},
				       {"chroot", act_chroot},
				       {.name = NULL}};

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
	return create("/vm/file");
}

static int act_nested_remount(void)
{
	int r = enter_namespaces();

	return r ? r : result(mount(NULL, "/vm/ram", NULL, MS_REMOUNT | MS_BIND, NULL));
}

static int act_nested_setattr(void)
{
	const struct mount_attributes attr = {.clear = ATTR_RDONLY};
	int r = enter_namespaces();

	return r ? r
		 : result(syscall(SYS_mount_setattr, AT_FDCWD, "/vm/ram", 0, &attr, sizeof(attr)));
}

/* A second mount of the file, at a place of its own, made writable. */
static int act_nested_bind(void)
{
	int r = enter_namespaces();

	if (r)
		return r;
	if (mount("none", "/usr", "tmpfs", 0, NULL) < 0 || create("/usr/ram") != 0 ||
	    mount("/vm/ram", "/usr/ram", NULL, MS_BIND, NULL) < 0)
		return EBUSY; /* not what is to be seen here */
	return result(mount(NULL, "/usr/ram", NULL, MS_REMOUNT | MS_BIND, NULL));
}

static int act_nested_umount(void)
{
	int r = enter_namespaces();

	return r ? r : result(umount2("/vm/ram", MNT_DETACH));
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
		_exit(result(mount("none", "/vm", "proc", 0, NULL)));
	return pid < 0 || waitpid(pid, &status, 0) < 0 ? errno : WEXITSTATUS(status);
}

static int act_nested_write(void)
{
	int fd, r = enter_namespaces();

	if (r)
		return r;
	fd = open("/vm/ram", O_RDWR | O_CLOEXEC);
	return fd < 0 ? errno : result(pwrite(fd, "\xa5", 1, 0));
}

static const struct act nested_acts[] = {
	{"own", act_nested_own},	 {"remount", act_nested_remount},
	{"setattr", act_nested_setattr}, {"bind", act_nested_bind},
	{"umount", act_nested_umount},	 {"proc", act_nested_proc},
	{"write", act_nested_write},	 {.name = NULL}};

/* ---- others, and what it may: `world PORT NAME` ---- */

static int act_others(void)
{
	unsigned int n = 0;

	/* Besides ourselves and the process that waits for us. */
	for (pid_t pid = 1; pid < PID_LIMIT; pid++)
		n += pid != getpid() && pid != getppid() && (kill(pid, 0) == 0 || errno == EPERM);
	(void)snprintf(told, RESULT_B, "%u", n);
	return 0;
}

static int act_ids(void)
{
	uid_t r, e, s;

	if (getresuid(&r, &e, &s) < 0)
		return errno;
	(void)snprintf(told, RESULT_B, "%u,%u,%u", (unsigned int)r, (unsigned int)e,
		       (unsigned int)s);
	return 0;
}

static int act_setuid(void)
{
	return result(setuid(getuid() + 1));
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
	(void)snprintf(told, RESULT_B, "%x,%x,%x,%u,%u", data[0].effective | data[1].effective,
		       data[0].permitted | data[1].permitted,
		       data[0].inheritable | data[1].inheritable, bounding, ambient);
	return 0;
}

static int act_no_new_privs(void)
{
	(void)snprintf(told, RESULT_B, "%d", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	return 0;
}

static int act_limits(void)
{
	struct rlimit core, fsize, nofile;

	if (getrlimit(RLIMIT_CORE, &core) < 0 || getrlimit(RLIMIT_FSIZE, &fsize) < 0 ||
	    getrlimit(RLIMIT_NOFILE, &nofile) < 0)
		return errno;
	(void)snprintf(told, RESULT_B, "%llu,%llu,%llu", (unsigned long long)core.rlim_max,
		       (unsigned long long)fsize.rlim_max, (unsigned long long)nofile.rlim_max);
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
	(void)snprintf(told, RESULT_B, "%u/%u", up, n);
	return 0;
}

static int act_connect(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)atoi(argument)),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? errno : result(connect(fd, (struct sockaddr *)&to, sizeof(to)));
}

/* A socket without a file: what keeps us from it is the network namespace alone. */
static int act_abstract(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const char *name = strchr(argument, ' ');
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t n;

	if (fd < 0 || !name)
		return fd < 0 ? errno : EINVAL;
	n = strlen(++name);
	if (n > sizeof(to.sun_path) - 1)
		return EINVAL;
	memcpy(to.sun_path + 1, name, n);
	return result(connect(fd, (struct sockaddr *)&to,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n)));
}

/* A key of whoever started us, in the keyring that processes inherit. */
static int act_keyring(void)
{
	return result(syscall(SYS_keyctl, KEY_SEARCH, KEY_SESSION, "user", "ironclaw-probe", 0));
}

static const struct act world_acts[] = {{"others", act_others},
					{"ids", act_ids},
					{"setuid", act_setuid},
					{"caps", act_caps},
					{"no-new-privs", act_no_new_privs},
					{"limits", act_limits},
					{"interfaces", act_interfaces},
					{"connect", act_connect},
					{"abstract", act_abstract},
					{"keyring", act_keyring},
					{.name = NULL}};

static const struct {
	const char *name;
	const struct act *acts;
} rounds[] = {
	{"file", file_acts},   {"descriptors", descriptor_acts},
	{"tree", tree_acts},   {"nested", nested_acts},
	{"world", world_acts},
};

__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
	char line[RESULT_B + 64];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	(void)!write(STDOUT_FILENO, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

static void run(const struct act *act)
{
	pid_t pid = fork();
	int status, r;

	if (pid == 0) {
		r = act->run ? act->run() : act->at(act->path);
		say("%s:%s ", act->name, r || !told[0] ? errno_name(r) : told);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		say("%s:lost ", act->name);
	else if (WIFSIGNALED(status))
		say("%s:SIG%d ", act->name, WTERMSIG(status));
}

static int run_round(const char *name)
{
	for (size_t i = 0; i < sizeof(rounds) / sizeof(rounds[0]); i++) {
		if (strcmp(rounds[i].name, name) != 0)
			continue;
		for (const struct act *act = rounds[i].acts; act->name; act++)
			run(act);
		say("end:ok\n");
		return 0;
	}
	say("no round %s\n", name);
	return 1;
}

int main(int argc, char **argv)
{
	char orders[1200] = "", *rest;
	int fd = open(ORDERS, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0) {
		(void)snprintf(argument, sizeof(argument), "%s", argc > 2 ? argv[2] : "");
		return argc > 1 ? run_round(argv[1]) : 2;
	}
	n = read(fd, orders, sizeof(orders) - 1);
	(void)close(fd);
	orders[n > 0 ? n : 0] = '\0';
	orders[strcspn(orders, "\n")] = '\0';
	rest = strchr(orders, ' ');
	if (rest) {
		*rest = '\0';
		(void)snprintf(argument, sizeof(argument), "%s", rest + 1);
	}
	return run_round(orders);
}
