/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warden_jail.c - the jail of VMM and keeper, from the inside; see warden_jail.h.
 *
 * Theory of operation. The child was made with one clone3(2) call that gave it every namespace, so
 * it has all capabilities in its own user namespace and none outside. From there it only loses:
 *
 *  0. cgroup     that of the VM's limits
 *  1. sources    propagation is cut; the request's files are opened as detached mounts, already
 *                read-only, with the ids of who named them
 *  2. ids        the one uid and gid that the user namespace has
 *  3. root       a small tmpfs over an empty folder of the VM's, the detached mounts attached to
 * it; pivot_root, the host's tree is detached, the tmpfs itself becomes read-only
 *                a VMM that makes sockets gets a small tmpfs for them, and shows it to the keeper
 *  4. fds        0 is the tree's /dev/null, 1 and 2 the console pipe or /dev/null, 3.. what is the
 *                program's; all else is close-on-exec
 *  5. limits     no core file, bounded file size and descriptors
 *  6. privilege  no capability in any set, no_new_privs
 *  7. death      SIGKILL with the warden. As pid 1 of its namespace the VMM takes along whatever
 *                it could have started
 *  8. Landlock   the tree once more, where the kernel has it
 *  9. seccomp    what the program's list does not name goes to the warden, execve(2) among it: the
 *                warden lets pass the one that follows here, and no other
 *
 * The order matters: host files are reached with the ids that 2 gives up, the tmpfs takes files of
 * mapped ids only, and mounts need the capabilities that 6 drops; 7 comes after those, for a change
 * of credentials clears the death signal; 8 and 9 need no_new_privs, and nothing but write,
 * sendmsg, close and exit is called after 9.
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/filters.h"
#include "sys/descriptors.h"
#include "sys/landlock.h"
#include "sys/mounts.h"
#include "sys/privileges.h"

#define NOFILE_MAX	 256
#define KEEPER_MEMORY_B	 (64U * 1024U * 1024U)
#define NULL_DEVICE	 "/dev/null"
#define INPUTS		 "/vm/" /* where files are that the caller chose */
#define RO_ATTRIBUTES	 (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
#define INPUT_ATTRIBUTES (RO_ATTRIBUTES | MOUNT_ATTR_NOEXEC)
#define RW_ATTRIBUTES	 (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)
/*
 * A device works on a read-only mount, but its node stays as it is: started by root, the VMM has no
 * capability, yet it is the owner of /dev/null and could change its mode for the whole host.
 */
#define DEV_ATTRIBUTES	 (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC)

/* What open_sources() opens, by the mount's index. */
struct sources {
	int fds[JAIL_MOUNTS_MAX];
	int root_fd;
};

__attribute__((noreturn)) static void fail(const struct warden_jail *jail, enum jail_stage stage,
					   int errnum, uint32_t detail)
{
	const struct warden_report report = {.stage = stage, .errnum = errnum, .detail = detail};

	/* When the warden is dead nobody needs it. */
	(void)descriptors_send(jail->report_fd, &report, sizeof(report), NULL, 0);
	_exit(127);
}

/* Nothing may outlive the warden: ask for the signal, then look whether it was too late. */
static int die_with_parent(const struct warden_jail *jail)
{
	struct pollfd warden = {.fd = jail->report_fd};

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return -errno;
	if (poll(&warden, 1, 0) > 0 && (warden.revents & POLLHUP))
		_exit(127);
	return 0;
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

static bool is_keeper(const struct warden_jail *jail)
{
	return jail_program_is_keeper(jail->program);
}

static const char *target_of(const struct jail_request *request, const struct jail_mount *mount)
{
	return request->text + mount->target;
}

/* Data, some of it written by guests: nothing of it may become code. */
static bool is_input(const struct jail_request *request, const struct jail_mount *mount)
{
	return strncmp(target_of(request, mount), INPUTS, strlen(INPUTS)) == 0;
}

/* The keeper is a static program that opens nothing. */
static bool has_mount(const struct warden_jail *jail, const struct jail_mount *mount)
{
	return !is_keeper(jail) || strcmp(target_of(jail->request, mount), NULL_DEVICE) == 0;
}

/*
 * The request's files as detached mounts, and the folder that the root will be mounted on: as the
 * user who named them, for who comes after may not get there. -EBADF for what is no file.
 */
static void open_sources(const struct warden_jail *jail, struct sources *ret)
{
	const struct jail_request *request = jail->request;
	char path[JAIL_VM_ID_MAX + 8];

	for (uint32_t i = 0; i < request->n_mounts; i++) {
		const struct jail_mount *m = &request->mounts[i];
		uint64_t attributes = RO_ATTRIBUTES;

		ret->fds[i] = -EBADF;
		if (!has_mount(jail, m))
			continue;
		if (m->kind == JAIL_BIND_RW)
			attributes = RW_ATTRIBUTES;
		else if (m->kind == JAIL_BIND_DEV)
			attributes = DEV_ATTRIBUTES;
		else if (is_input(request, m))
			attributes = INPUT_ATTRIBUTES;
		ret->fds[i] = mounts_open(request->text + m->source, attributes);
		if (ret->fds[i] < 0)
			fail(jail, JAIL_STAGE_MOUNT, -ret->fds[i], i);
	}
	/*
	 * The way leads through the current folder, the only one that clone(2) moved into the new
	 * mount namespace with us: an inherited descriptor still means the parent's mounts.
	 */
	(void)snprintf(path, sizeof(path), "%s/" JAIL_ROOT_NAME, request->vm_id);
	ret->root_fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (ret->root_fd < 0)
		fail(jail, JAIL_STAGE_ROOT, errno, 0);
}

static int become(const struct warden_jail *jail)
{
	if (setresgid(jail->gid, jail->gid, jail->gid) < 0 ||
	    setresuid(jail->uid, jail->uid, jail->uid) < 0)
		return -errno;
	return 0;
}

/* Return: a detached tmpfs, -errno */
static int make_tmpfs(const char *size, const char *inodes, unsigned int attributes)
{
	cleanup_close int fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
	int tree;

	if (fs < 0)
		return -errno;
	if (syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "size", size, 0) < 0 ||
	    syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "nr_inodes", inodes, 0) < 0 ||
	    syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "mode", "0755", 0) < 0 ||
	    syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	tree = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes);
	return tree < 0 ? -errno : tree;
}

/* A tmpfs over the folder for it, as the current folder. */
static int make_root(int root_fd)
{
	cleanup_close int tree = make_tmpfs("1m", "512", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	int r;

	if (tree < 0)
		return tree;
	r = mounts_attach(tree, root_fd, "");
	if (r < 0)
		return r;
	return fchdir(tree) < 0 ? -errno : 0;
}

/* Binds are of single files: a folder would not fit on it, and the warden says so. */
static int make_mount_point(const char *target)
{
	return mknod(target, S_IFREG | 0444, 0) < 0 ? -errno : 0;
}

static int attach(const struct jail_request *request, const struct jail_mount *mount, int source_fd)
{
	char target[256];
	int r;

	/* The request's check made sure of a leading slash. */
	if (snprintf(target, sizeof(target), "%s", target_of(request, mount) + 1) >=
	    (int)sizeof(target))
		return -ENAMETOOLONG;
	r = make_parents(target);
	if (r < 0)
		return r;
	r = make_mount_point(target);
	return r < 0 ? r : mounts_attach(source_fd, AT_FDCWD, target);
}

/* The one folder that a VMM can write to: small, and Landlock lets only sockets be made in it. */
static int make_sockets_folder(void)
{
	cleanup_close int tree = make_tmpfs("64k", "8", RW_ATTRIBUTES);
	const char *target = &JAIL_SOCKETS[1]; /* the root is the current folder */

	if (tree < 0)
		return tree;
	if (mkdir(target, 0755) < 0)
		return -errno;
	return mounts_attach(tree, AT_FDCWD, target);
}

static void build_tree(const struct warden_jail *jail)
{
	const struct jail_request *request = jail->request;
	struct mount_attr cut = {.propagation = 1 << 18 /* MS_PRIVATE */};
	struct sources sources;
	int r;

	if (syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &cut, sizeof(cut)) < 0)
		fail(jail, JAIL_STAGE_MOUNTNS, errno, 0);
	open_sources(jail, &sources);
	r = become(jail);
	if (r < 0)
		fail(jail, JAIL_STAGE_IDS, -r, 0);
	r = make_root(sources.root_fd);
	if (r < 0)
		fail(jail, JAIL_STAGE_ROOT, -r, 0);
	for (uint32_t i = 0; i < request->n_mounts; i++) {
		if (!has_mount(jail, &request->mounts[i]))
			continue;
		r = attach(request, &request->mounts[i], sources.fds[i]);
		if (r < 0)
			fail(jail, JAIL_STAGE_MOUNT, -r, i);
		close_fd(&sources.fds[i]);
	}
	if (request->sockets && !is_keeper(jail)) {
		r = make_sockets_folder();
		if (r < 0)
			fail(jail, JAIL_STAGE_SOCKETS, -r, 0);
	}
	(void)close(sources.root_fd);
	r = mounts_pivot_here();
	if (r == 0)
		r = mounts_restrict(INPUT_ATTRIBUTES);
	if (r < 0)
		fail(jail, JAIL_STAGE_PIVOT, -r, 0);
}

/*
 * A socket in the folder, where the VMM will call when its guest does: made here, for the keeper
 * could not get there, and given to it together with the folder.
 */
static int offer_sockets(const struct warden_jail *jail)
{
	const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = JAIL_LISTENER};
	const struct warden_report made = {.stage = JAIL_STAGE_NONE};
	/* A mount of its own: from the keeper's current folder no ".." leads into the VMM's tree.
	 */
	cleanup_close int folder = (int)syscall(SYS_open_tree, AT_FDCWD, JAIL_SOCKETS,
						OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	cleanup_close int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int fds[WARDEN_SOCKETS_FDS] = {folder, listener};

	/* The VMM waits in connect(2) when nobody takes its calls. */
	if (folder < 0 || listener < 0 ||
	    bind(listener, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, SOMAXCONN) < 0)
		return -errno;
	return descriptors_send(jail->report_fd, &made, sizeof(made), fds, WARDEN_SOCKETS_FDS);
}

/* The keeper's part: the folder becomes its current one, the socket its link. @ret: jail->fds */
static int take_sockets(const struct warden_jail *jail, int ret[JAIL_PROGRAM_FDS_MAX])
{
	int fds[WARDEN_SOCKETS_FDS];
	size_t n_fds;
	char note;
	ssize_t n = descriptors_receive(jail->report_fd, &note, sizeof(note), fds,
					WARDEN_SOCKETS_FDS, &n_fds);

	if (n <= 0)
		_exit(127);
	if (n_fds != WARDEN_SOCKETS_FDS)
		return -EBADMSG;
	memcpy(ret, jail->fds, jail->n_fds * sizeof(*ret));
	ret[JAIL_KEEPER_LINK] = fds[WARDEN_SOCKETS_LISTENER];
	return fchdir(fds[WARDEN_SOCKETS_FOLDER]) < 0 ? -errno : 0;
}

static int arrange_descriptors(const struct warden_jail *jail)
{
	/* The one in the tree: a descriptor reaches its file by the mount it was opened on. */
	int null_fd = open(NULL_DEVICE, O_RDWR | O_CLOEXEC);
	int output_fd = jail->output_fd >= 0 ? jail->output_fd : null_fd;
	int fds[JAIL_FIRST_FD + JAIL_PROGRAM_FDS_MAX] = {null_fd, output_fd, output_fd};

	if (null_fd < 0)
		return -errno;
	for (uint32_t i = 0; i < jail->n_fds; i++)
		fds[JAIL_FIRST_FD + i] = jail->fds[i];
	return descriptors_arrange(fds, 0, JAIL_FIRST_FD + (int)jail->n_fds);
}

/* No more than @most of a resource from now on; where the caller has less, that. */
static int lower_limit(__rlimit_resource_t resource, rlim_t most)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) < 0)
		return -errno;
	if (limit.rlim_max > most)
		limit.rlim_max = most;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(resource, &limit) < 0 ? -errno : 0;
}

static int set_limits(const struct warden_jail *jail)
{
	const struct {
		__rlimit_resource_t resource;
		rlim_t most;
	} limits[] = {
		/*
		 * One byte is less than any core file, and to the kernel it also means that no
		 * program or socket that handles core files (kernel.core_pattern) is given one:
		 * zero does not bind those.
		 */
		{RLIMIT_CORE, 1},
		{RLIMIT_NOFILE, NOFILE_MAX},
		/* Where there is no cgroup, nothing else bounds what parses the guest's bytes. */
		{RLIMIT_AS, is_keeper(jail) ? KEEPER_MEMORY_B : RLIM_INFINITY},
		{RLIMIT_FSIZE, is_keeper(jail) ? 0 : jail->request->file_size_max_b},
		{RLIMIT_MEMLOCK, 0},
		{RLIMIT_MSGQUEUE, 0},
		{RLIMIT_RTPRIO, 0},
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		int r = lower_limit(limits[i].resource, limits[i].most);

		if (r < 0)
			return r;
	}
	return 0;
}

/* A descriptor for each file of the tree, whatever soft limit the caller likes. */
static int raise_open_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -errno : 0;
}

/* Files that the caller chose may be closed to the ids that the process has now. */
static void check_readable(const struct warden_jail *jail)
{
	const struct jail_request *request = jail->request;

	for (uint32_t i = 0; i < request->n_mounts && !is_keeper(jail); i++) {
		const struct jail_mount *m = &request->mounts[i];

		if ((is_input(request, m) || m->kind == JAIL_BIND_DEV) &&
		    access(target_of(request, m), m->kind == JAIL_BIND_RO ? R_OK : R_OK | W_OK) < 0)
			fail(jail, JAIL_STAGE_READABLE, errno, i);
	}
}

static int confine_files(const struct warden_jail *jail)
{
	const struct jail_request *request = jail->request;
	struct landlock_rule rules[2 + JAIL_MOUNTS_MAX];
	size_t n = 0;

	if (is_keeper(jail))
		rules[n++] = (struct landlock_rule){.fd = jail->exec_fd, .access = LANDLOCK_READ};
	else
		rules[n++] = (struct landlock_rule){.path = "/", .access = LANDLOCK_READ};
	if (request->sockets && !is_keeper(jail))
		rules[n++] =
			(struct landlock_rule){.path = JAIL_SOCKETS, .access = LANDLOCK_SOCKETS};
	for (uint32_t i = 0; i < request->n_mounts && !is_keeper(jail); i++) {
		const struct jail_mount *m = &request->mounts[i];

		if (m->kind == JAIL_BIND_RW)
			rules[n++] = (struct landlock_rule){.path = target_of(request, m),
							    .access = LANDLOCK_REWRITE};
		else if (m->kind == JAIL_BIND_DEV)
			rules[n++] = (struct landlock_rule){.path = target_of(request, m),
							    .access = LANDLOCK_DEVICE};
	}
	return landlock_confine(rules, n);
}

/* Loads the filter and hands its supervisor to the warden. */
static void filter_calls(const struct warden_jail *jail)
{
	const struct seccomp_program *filter =
		filters_find(jail->program, (enum jail_level)jail->request->level);
	const struct warden_report loaded = {.stage = JAIL_STAGE_NONE};
	int listener;

	if (!filter)
		fail(jail, JAIL_STAGE_SECCOMP, EINVAL, 0);
	listener = seccomp_load(filter);
	if (listener < 0)
		fail(jail, JAIL_STAGE_SECCOMP, -listener, 0);
	if (descriptors_send(jail->report_fd, &loaded, sizeof(loaded), &listener, 1) < 0)
		_exit(127);
	(void)close(listener);
}

/* Offsets to pointers; the request's check made sure that all lie inside. */
static void point_at(const struct jail_request *request, const uint32_t *offsets, uint32_t n,
		     const char **ret)
{
	for (uint32_t i = 0; i < n; i++)
		ret[i] = request->text + offsets[i];
	ret[n] = NULL;
}

__attribute__((noreturn)) static void execute(const struct warden_jail *jail)
{
	const struct jail_request *request = jail->request;
	const char *argv[JAIL_ARGV_MAX + 1], *env[JAIL_ENV_MAX + 1];

	if (is_keeper(jail)) {
		point_at(request, &request->keeper, 1, argv);
		point_at(request, NULL, 0, env);
	} else {
		point_at(request, request->argv, request->n_argv, argv);
		point_at(request, request->env, request->n_env, env);
	}
	filter_calls(jail);
	if (jail->exec_fd >= 0)
		(void)syscall(SYS_execveat, jail->exec_fd, "", argv, env, AT_EMPTY_PATH);
	else
		(void)execve(argv[0], (char *const *)(uintptr_t)argv,
			     (char *const *)(uintptr_t)env);
	fail(jail, JAIL_STAGE_EXEC, errno, 0);
}

static void check(const struct warden_jail *jail, enum jail_stage stage, int r)
{
	if (r < 0)
		fail(jail, stage, -r, 0);
}

void warden_jail_enter(const struct warden_jail *outside)
{
	struct warden_jail jail = *outside;
	int fds[JAIL_PROGRAM_FDS_MAX];
	mode_t mask = 077;
	char go;

	if (jail.cgroup)
		check(&jail, JAIL_STAGE_LIMITS_GROUP, warden_limits_enter(jail.cgroup));
	/* Nothing more comes than that the id maps are written, or the warden's death. */
	if (recv(jail.report_fd, &go, sizeof(go), 0) != sizeof(go))
		_exit(127);
	(void)umask(022);
	check(&jail, JAIL_STAGE_LIMITS, raise_open_files());
	build_tree(&jail);
	if (jail.request->sockets && is_keeper(&jail)) {
		check(&jail, JAIL_STAGE_SOCKETS, take_sockets(&jail, fds));
		jail.fds = fds;
	} else if (jail.request->sockets) {
		/* The keeper, another user, is to get at the sockets that the VMM will make. */
		mask = 0;
		check(&jail, JAIL_STAGE_SOCKETS, offer_sockets(&jail));
	}
	/* Above everything that is laid out now. */
	jail.report_fd = fcntl(outside->report_fd, F_DUPFD_CLOEXEC, DESCRIPTORS_MAX);
	if (jail.report_fd < 0)
		fail(outside, JAIL_STAGE_DESCRIPTORS, errno, 0);
	if (jail.exec_fd >= 0)
		jail.exec_fd = fcntl(outside->exec_fd, F_DUPFD_CLOEXEC, DESCRIPTORS_MAX);
	check(&jail, JAIL_STAGE_DESCRIPTORS, arrange_descriptors(&jail));
	check(&jail, JAIL_STAGE_LIMITS, set_limits(&jail));
	(void)umask(mask);
	(void)sigprocmask(SIG_SETMASK, &(sigset_t){0}, NULL);
	check(&jail, JAIL_STAGE_PRIVILEGES, privileges_drop());
	check(&jail, JAIL_STAGE_PRIVILEGES, die_with_parent(&jail));
	check_readable(&jail);
	check(&jail, JAIL_STAGE_LANDLOCK, confine_files(&jail));
	execute(&jail);
}
