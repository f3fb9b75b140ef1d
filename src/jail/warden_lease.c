/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warden_lease.c - user ids of its own for each VM; see warden_lease.h.
 *
 * Theory of operation. /run/ironclaw/uids (root's alone) has a file for each pair that was ever
 * used since the host's boot. A pair is taken by its file's lock, which the kernel drops when the
 * warden dies. The file holds the id of the VM that uses the pair: written before anything outside
 * the process is named from it, emptied when all of that is removed. So a file that is not locked
 * and not empty tells what a killed warden left behind, and by which names to remove it.
 *
 * The place does not move with IRONCLAW_HOME: user ids belong to the host, not to a state folder.
 */
#include "jail/warden_lease.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "firewall/firewall.h"
#include "jail/request_check.h"
#include "jail/warden_limits.h"
#include "sys/file.h"

#define LEASE_DIR  "/run/ironclaw/uids"
#define GUARD_NAME "guard"

bool warden_is_host_root(void)
{
	unsigned long inside, outside, count;
	cleanup_fclose FILE *f = NULL;
	char line[64] = "", *p = line;

	if (geteuid() != 0)
		return false;
	/* Three numbers, from the kernel. */
	f = fopen("/proc/self/uid_map", "re");
	if (!f || !fgets(line, sizeof(line), f))
		return false;
	inside = strtoul(p, &p, 10);
	outside = strtoul(p, &p, 10);
	count = strtoul(p, &p, 10);
	return inside == 0 && outside == 0 && count >= LEASE_UID_FIRST + 2UL * LEASE_PAIRS;
}

static void set_ids(struct warden_lease *lease, uint32_t pair)
{
	lease->vmm_id = LEASE_UID_FIRST + 2 * pair;
	lease->keeper_id = lease->vmm_id + 1;
}

/* Whether a process has one of the ids; what cannot be seen counts as one. */
static bool ids_in_use(const struct warden_lease *lease)
{
	cleanup_closedir DIR *proc = opendir("/proc");
	const struct dirent *entry;

	if (!proc)
		return true;
	while ((entry = readdir(proc))) {
		struct stat st;

		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    fstatat(dirfd(proc), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (st.st_uid == lease->vmm_id || st.st_uid == lease->keeper_id)
			return true;
	}
	return false;
}

/* Reads who used the pair last. Return: false when the file is not one of ours */
static bool read_user(int fd, struct jail_claim *ret)
{
	ssize_t n = pread(fd, ret->vm_id, sizeof(ret->vm_id), 0);

	if (n < 0 || n > (ssize_t)JAIL_VM_ID_MAX)
		return false;
	ret->vm_id[n] = '\0';
	ret->magic = JAIL_REQUEST_MAGIC;
	return n == 0 || request_check_claim(ret) == 0;
}

static int write_user(int fd, const char *vm_id)
{
	size_t n = strlen(vm_id);

	if (ftruncate(fd, 0) < 0)
		return -errno;
	if (n > 0 && pwrite(fd, vm_id, n, 0) != (ssize_t)n)
		return -EIO;
	return 0;
}

/*
 * Removes what the last user of a locked pair left. A cgroup that is in use is none of it when
 * nothing has the pair's ids any more: it is of another VM of that name.
 * Return: whether the pair is clean
 */
static bool clean(const struct warden_lease *lease)
{
	cleanup_close int guard = -EBADF;
	struct jail_claim last;
	int r;

	if (!read_user(lease->lock_fd, &last))
		return false;
	if (last.vm_id[0] == '\0')
		return true;
	guard = warden_lease_guard(lease);
	if (guard < 0 || firewall_remove(last.vm_id, lease->vmm_id) < 0)
		return false;
	r = warden_limits_sweep(last.vm_id);
	return (r == 0 || r == -EBUSY || r == -EWOULDBLOCK) && !ids_in_use(lease) &&
	       write_user(lease->lock_fd, "") == 0;
}

/* Whether the living user of a pair is a VM of this name. */
static bool used_by(int dir_fd, const char *name, const char *vm_id)
{
	cleanup_close int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct jail_claim user;

	return fd >= 0 && read_user(fd, &user) && strcmp(user.vm_id, vm_id) == 0;
}

/*
 * Sweeps all pairs that were ever used, and takes the first clean one for @vm_id (NULL: none). With
 * the folder locked, so that of two VMs of one name the second sees the first.
 * Return: 0; -EEXIST when a living VM has the name; -EUSERS; -errno
 */
static int sweep(int dir_fd, const char *vm_id, struct warden_lease *ret)
{
	bool taken = false, exists = false;

	if (flock(dir_fd, LOCK_EX) < 0)
		return -errno;

	for (uint32_t pair = 0; pair < LEASE_PAIRS; pair++) {
		struct warden_lease lease = {.dir_fd = dir_fd};
		char name[16];

		(void)snprintf(name, sizeof(name), "%u", pair);
		if ((taken || !vm_id) && faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			break;
		lease.lock_fd = file_lock(dir_fd, name, false);
		if (lease.lock_fd < 0) {
			exists |= vm_id && used_by(dir_fd, name, vm_id);
			continue;
		}
		set_ids(&lease, pair);
		if (clean(&lease) && vm_id && !taken && write_user(lease.lock_fd, vm_id) == 0) {
			*ret = lease;
			taken = true;
		} else {
			(void)close(lease.lock_fd);
		}
	}
	(void)flock(dir_fd, LOCK_UN);
	if (taken && exists) {
		(void)write_user(ret->lock_fd, "");
		(void)close(ret->lock_fd);
	}
	return exists ? -EEXIST : taken ? 0 : -EUSERS;
}

int warden_lease_take(const char *vm_id, struct warden_lease *ret)
{
	cleanup_close int dir_fd = file_mkdir_private(LEASE_DIR);
	struct warden_lease lease = WARDEN_LEASE_NONE;
	int r;

	if (dir_fd < 0)
		return dir_fd;
	r = sweep(dir_fd, vm_id, &lease);
	if (r < 0)
		return r;
	(void)take_fd(&dir_fd);
	*ret = lease;
	return 0;
}

void warden_lease_sweep(void)
{
	cleanup_close int dir_fd = warden_is_host_root() ? file_mkdir_private(LEASE_DIR) : -EBADF;

	if (dir_fd >= 0)
		(void)sweep(dir_fd, NULL, NULL);
}

int warden_lease_guard(const struct warden_lease *lease)
{
	return file_lock(lease->dir_fd, GUARD_NAME, true);
}

void warden_lease_return(struct warden_lease *lease)
{
	if (lease->lock_fd >= 0)
		(void)write_user(lease->lock_fd, "");
	close_fd(&lease->lock_fd);
	close_fd(&lease->dir_fd);
}
