/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warden_jail.c - the VMM's jail, from the inside; see warden_jail.h.
 *
 * Theory of operation. The child was made with one clone3(2) call that gave it every namespace, so
 * it has all capabilities in its own user namespace and none outside. From there it only loses:
 *
 *  1. ids        its own uid and gid, and no other, exist in the namespace; setgroups is denied
 *                before the gid map is written, as the kernel asks of an unprivileged writer
 *  2. mounts     propagation is cut; a small tmpfs is mounted over an empty folder of the VM's; the
 *                request's files are attached, each already read-only when it appears
 *  3. root       pivot_root, the host's tree is detached, the tmpfs itself becomes read-only
 *  4. fds        0 is the tree's /dev/null, 1 and 2 the console pipe, 3.. what the request
 * attached; all else is close-on-exec
 *  5. limits     no core file, bounded file size and descriptors
 *  6. privilege  no capability in any set, no_new_privs
 *  7. death      SIGKILL with the warden. As pid 1 of its namespace the VMM takes along whatever
 *                it could have started
 *
 * The order matters: mounts need the capabilities that 6 drops; 7 comes last because a change of
 * credentials clears the death signal.
 */
#include "jail/warden_jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/descriptors.h"
#include "sys/mounts.h"
#include "sys/privileges.h"

#define NOFILE_MAX     256
#define RO_ATTRIBUTES  (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
#define RW_ATTRIBUTES  (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)
/*
 * A device works on a read-only mount, but its node stays as it is: started by root, the VMM has no
 * capability, yet it is the owner of /dev/null and could change its mode for the whole host.
 */
#define DEV_ATTRIBUTES (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC)

void warden_report(int report_fd, enum jail_stage stage, int errnum, uint32_t detail)
{
	struct warden_failure failure = {.stage = stage, .errnum = errnum, .detail = detail};

	/* Smaller than PIPE_BUF, so it arrives whole; when the warden is dead nobody needs it. */
	(void)!write(report_fd, &failure, sizeof(failure));
	_exit(127);
}

int warden_die_with_parent(int report_fd)
{
	struct pollfd reader = {.fd = report_fd};

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return -errno;
	if (poll(&reader, 1, 0) > 0 && (reader.revents & POLLERR))
		_exit(127);
	return 0;
}

static int write_proc(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;
	int r = 0;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	if (n != (ssize_t)strlen(text))
		r = n < 0 ? -errno : -EIO;
	(void)close(fd);
	return r;
}

int warden_map_ids(unsigned int uid, unsigned int gid)
{
	char line[64];
	int r = write_proc("/proc/self/setgroups", "deny");

	if (r < 0)
		return r;
	(void)snprintf(line, sizeof(line), "%u %u 1\n", uid, uid);
	r = write_proc("/proc/self/uid_map", line);
	if (r < 0)
		return r;
	(void)snprintf(line, sizeof(line), "%u %u 1\n", gid, gid);
	return write_proc("/proc/self/gid_map", line);
}

/* Makes the parents of a relative path below the current folder; the text is put back after. */
static int make_parents(char *path)
{
	for (char *p = strchr(path, '/'); p; p = strchr(p + 1, '/')) {
		int r;

		*p = '\0';
		r = mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
		*p = '/';
		if (r < 0)
			return r;
	}
	return 0;
}

/* Binds are of single files: a folder would not fit on it, and the warden says so. */
static int make_mount_point(const char *target)
{
	return mknod(target, S_IFREG | 0444, 0) < 0 ? -errno : 0;
}

static int attach(const struct jail_request *request, const struct jail_mount *mount)
{
	const char *source = request->text + mount->source;
	char target[256];
	uint64_t attributes = RO_ATTRIBUTES;
	int r;

	/* The request's check made sure of a leading slash. */
	if (snprintf(target, sizeof(target), "%s", request->text + mount->target + 1) >=
	    (int)sizeof(target))
		return -ENAMETOOLONG;
	r = make_parents(target);
	if (r < 0)
		return r;
	if (mount->kind == JAIL_SYMLINK)
		return symlink(source, target) < 0 ? -errno : 0;
	r = make_mount_point(target);
	if (r < 0)
		return r;
	if (mount->kind == JAIL_BIND_RW)
		attributes = RW_ATTRIBUTES;
	else if (mount->kind == JAIL_BIND_DEV)
		attributes = DEV_ATTRIBUTES;
	return mounts_bind(source, AT_FDCWD, target, attributes);
}

/*
 * A tmpfs over the folder for it, as the current folder. The way there leads through the current
 * folder, the only one that clone(2) moved into the new mount namespace with us: an open descriptor
 * still means the parent's mounts.
 */
static int make_root(const struct warden_jail *jail)
{
	char path[JAIL_VM_ID_MAX + 8];
	int tree, fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);

	if (fs < 0)
		return -errno;
	if (syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "size", "1m", 0) < 0 ||
	    syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "nr_inodes", "512", 0) < 0 ||
	    syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "mode", "0755", 0) < 0 ||
	    syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	tree = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (tree < 0)
		return -errno;
	(void)snprintf(path, sizeof(path), "%s/" JAIL_ROOT_NAME, jail->request->vm_id);
	if (syscall(SYS_move_mount, tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return -errno;
	if (fchdir(tree) < 0)
		return -errno;
	(void)close(fs);
	(void)close(tree);
	return 0;
}

static void build_tree(const struct warden_jail *jail)
{
	const struct jail_request *request = jail->request;
	struct mount_attr cut = {.propagation = 1 << 18 /* MS_PRIVATE */};
	int r;

	if (syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &cut, sizeof(cut)) < 0)
		warden_report(jail->report_fd, JAIL_STAGE_MOUNTNS, errno, 0);
	r = make_root(jail);
	if (r < 0)
		warden_report(jail->report_fd, JAIL_STAGE_ROOT, -r, 0);
	for (uint32_t i = 0; i < request->n_mounts; i++) {
		r = attach(request, &request->mounts[i]);
		if (r < 0)
			warden_report(jail->report_fd, JAIL_STAGE_MOUNT, -r, i);
	}
	r = mounts_pivot_here();
	if (r == 0)
		r = mounts_restrict(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (r < 0)
		warden_report(jail->report_fd, JAIL_STAGE_PIVOT, -r, 0);
}

static int arrange_descriptors(const struct warden_jail *jail)
{
	/* The one in the tree: a descriptor reaches its file by the mount it was opened on. */
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fds[JAIL_FIRST_FD + JAIL_VMM_FDS_MAX] = {null_fd, jail->output_fd, jail->output_fd};
	int n = JAIL_FIRST_FD + (int)jail->request->n_vmm_fds;

	if (null_fd < 0)
		return -errno;
	for (uint32_t i = 0; i < jail->request->n_vmm_fds; i++)
		fds[JAIL_FIRST_FD + i] = jail->vmm_fds[i];
	return descriptors_arrange(fds, 0, n);
}

static int set_limits(const struct jail_request *request)
{
	const struct rlimit none = {0, 0}, nofile = {NOFILE_MAX, NOFILE_MAX};
	const struct rlimit fsize = {request->file_size_max_b, request->file_size_max_b};

	if (setrlimit(RLIMIT_CORE, &none) < 0 || setrlimit(RLIMIT_NOFILE, &nofile) < 0 ||
	    setrlimit(RLIMIT_FSIZE, &fsize) < 0)
		return -errno;
	return 0;
}

/* Offsets to pointers; the request's check made sure that all lie inside. */
static void point_at(const struct jail_request *request, const uint32_t *offsets, uint32_t n,
		     const char **ret)
{
	for (uint32_t i = 0; i < n; i++)
		ret[i] = request->text + offsets[i];
	ret[n] = NULL;
}

void warden_jail_enter(const struct warden_jail *jail)
{
	const char *argv[JAIL_ARGV_MAX + 1], *env[JAIL_ENV_MAX + 1];
	struct warden_jail here = *jail;
	int report_fd, r;

	/* Above everything that is laid out later. */
	report_fd = fcntl(jail->report_fd, F_DUPFD_CLOEXEC, DESCRIPTORS_MAX);
	if (report_fd < 0)
		warden_report(jail->report_fd, JAIL_STAGE_DESCRIPTORS, errno, 0);
	here.report_fd = report_fd;
	r = warden_map_ids(here.uid, here.gid);
	if (r < 0)
		warden_report(report_fd, JAIL_STAGE_IDMAP, -r, 0);
	build_tree(&here);
	r = arrange_descriptors(&here);
	if (r < 0)
		warden_report(report_fd, JAIL_STAGE_DESCRIPTORS, -r, 0);
	r = set_limits(here.request);
	if (r < 0)
		warden_report(report_fd, JAIL_STAGE_LIMITS, -r, 0);
	(void)umask(077);
	(void)sigprocmask(SIG_SETMASK, &(sigset_t){0}, NULL);
	r = privileges_drop();
	if (r < 0)
		warden_report(report_fd, JAIL_STAGE_PRIVILEGES, -r, 0);
	r = warden_die_with_parent(report_fd);
	if (r < 0)
		warden_report(report_fd, JAIL_STAGE_PRIVILEGES, -r, 1);

	point_at(here.request, here.request->argv, here.request->n_argv, argv);
	point_at(here.request, here.request->env, here.request->n_env, env);
	(void)execve(argv[0], (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
	warden_report(report_fd, JAIL_STAGE_EXEC, errno, 0);
}
