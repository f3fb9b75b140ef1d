/* SPDX-License-Identifier: Apache-2.0 */
/* vmdir.c - the folder of a living VM, and the sweep of dead ones; see vmdir.h. */
#include "machine/vmdir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "jail/request.h"
#include "jail/warden_limits.h"
#include "sys/file.h"

#define GUARD		".lock"
#define REMOVE_TRIES	40
#define SWEEP_TRIES	20
#define REMOVE_PAUSE_MS 25

int vmdir_open(const struct paths *paths, bool make, struct ironclaw_error *err)
{
	cleanup_close int run_fd =
		make ? file_mkdir_private(paths->run) : file_open_private(AT_FDCWD, paths->run);
	int r = run_fd;

	if (r >= 0 && make && mkdirat(run_fd, "vms", 0700) < 0 && errno != EEXIST)
		r = -errno;
	if (r >= 0)
		r = file_open_private(run_fd, "vms");
	if (r == -EPERM)
		return err_set(err, IRONCLAW_ERR_SYSTEM, EPERM,
			       "'%s' belongs to another user or may be written by others",
			       paths->run);
	return r < 0 ? err_sys(err, -r, "cannot open '%s/vms'", paths->run) : r;
}

/*
 * Whether nobody holds the lock in a VM's folder. One without a lock file is about to be removed by
 * its warden, or was left half-removed: folders are made with .lock held.
 */
static bool is_dead(int vms_fd, const char *id)
{
	cleanup_close int vm_fd = file_open_folder(vms_fd, id), fd = -EBADF;

	if (vm_fd < 0)
		return vm_fd == -ENOENT || vm_fd == -ENOTDIR;
	fd = openat(vm_fd, "lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT;
	return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/*
 * The folder goes last: it is the note that there is something to remove. Processes that are in the
 * VM's cgroup are dying: they are given a moment.
 */
static int remove_vm(int vms_fd, const char *id)
{
	const struct timespec pause = {.tv_nsec = REMOVE_PAUSE_MS * 1000000L};
	int r = warden_limits_sweep(id);

	for (int i = 0; r == -EBUSY && i < SWEEP_TRIES; i++) {
		(void)nanosleep(&pause, NULL);
		r = warden_limits_sweep(id);
	}
	/* One that is held is of another state folder's VM of that name. */
	return r < 0 && r != -EWOULDBLOCK ? r : file_remove_tree(vms_fd, id);
}

/* With RUN/vms/.lock held, so no folder is in the making. */
static int sweep(int vms_fd)
{
	cleanup_closedir DIR *dir = NULL;
	int fd = openat(vms_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		int saved = errno;

		(void)close(fd);
		return -saved;
	}
	for (;;) {
		struct dirent *entry;

		errno = 0;
		entry = readdir(dir);
		if (!entry)
			return -errno;
		if (entry->d_name[0] == '.' || strlen(entry->d_name) > LIMIT_VM_ID_MAX)
			continue;
		if (is_dead(vms_fd, entry->d_name))
			(void)remove_vm(vms_fd, entry->d_name);
	}
}

/* 0700 whatever the umask. Sets errno. */
static int make_folder(int dirfd, const char *path)
{
	return mkdirat(dirfd, path, 0700) < 0 ? -1
					      : fchmodat(dirfd, path, 0700, AT_SYMLINK_NOFOLLOW);
}

static int make(int vms_fd, const char *vm_id, struct ironclaw_error *err)
{
	cleanup_close int vm_fd = -EBADF;
	int fd;

	if (make_folder(vms_fd, vm_id) < 0) {
		if (errno != EEXIST)
			return err_sys(err, errno, "cannot make the folder of VM '%s'", vm_id);
		return err_set(err, IRONCLAW_ERR_EXISTS, EEXIST, "a VM named '%s' is running",
			       vm_id);
	}
	fd = vm_fd = file_open_folder(vms_fd, vm_id);
	if (fd >= 0)
		fd = make_folder(vm_fd, JAIL_ROOT_NAME) < 0 ? -errno
							    : file_lock(vm_fd, "lock", false);
	if (fd < 0) {
		(void)file_remove_tree(vms_fd, vm_id);
		return err_sys(err, -fd, "cannot lock the folder of VM '%s'", vm_id);
	}
	return fd;
}

/* RUN/vms, and the lock under which folders are made and swept; released by closing @ret_guard. */
static int open_guarded(const struct paths *paths, int *ret_guard, struct ironclaw_error *err)
{
	int guard, vms_fd = vmdir_open(paths, true, err);

	if (vms_fd < 0)
		return vms_fd;
	guard = file_lock(vms_fd, GUARD, true);
	if (guard < 0) {
		(void)close(vms_fd);
		return err_sys(err, -guard, "cannot lock '%s/vms'", paths->run);
	}
	*ret_guard = guard;
	return vms_fd;
}

int vmdir_create(const struct paths *paths, const char *vm_id, struct vmdir *ret,
		 struct ironclaw_error *err)
{
	cleanup_close int guard = -EBADF;
	cleanup_close int vms_fd = open_guarded(paths, &guard, err);
	int r;

	if (vms_fd < 0)
		return vms_fd;
	r = sweep(vms_fd);
	if (r < 0)
		return err_sys(err, -r, "cannot sweep '%s/vms'", paths->run);
	r = make(vms_fd, vm_id, err);
	if (r < 0)
		return r;
	ret->lock_fd = r;
	ret->vms_fd = take_fd(&vms_fd);
	return 0;
}

int vmdir_sweep(const struct paths *paths, struct ironclaw_error *err)
{
	cleanup_close int guard = -EBADF;
	cleanup_close int vms_fd = open_guarded(paths, &guard, err);
	int r;

	if (vms_fd < 0)
		return vms_fd;
	r = sweep(vms_fd);
	return r < 0 ? err_sys(err, -r, "cannot sweep '%s/vms'", paths->run) : 0;
}

bool vmdir_is_held(int vms_fd, const char *vm_id)
{
	cleanup_close int guard = file_lock(vms_fd, GUARD, true);

	return guard >= 0 && !is_dead(vms_fd, vm_id);
}

int vmdir_remove_dead(const struct vmdir *dir, const char *vm_id)
{
	const struct timespec pause = {.tv_nsec = REMOVE_PAUSE_MS * 1000000L};

	for (int i = 0; i < REMOVE_TRIES; i++) {
		cleanup_close int guard = file_lock(dir->vms_fd, GUARD, true);
		int r;

		if (guard < 0)
			return guard;
		r = is_dead(dir->vms_fd, vm_id) ? remove_vm(dir->vms_fd, vm_id) : -EBUSY;
		if (r != -EBUSY)
			return r;
		close_fd(&guard);
		(void)nanosleep(&pause, NULL);
	}
	return 0;
}

void vmdir_close(struct vmdir *dir)
{
	close_fd(&dir->lock_fd);
	close_fd(&dir->vms_fd);
}
