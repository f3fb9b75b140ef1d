/* SPDX-License-Identifier: Apache-2.0 */
/* status.c - the record that a warden leaves of its VM; see status.h. Linked into the warden. */
#include "jail/status.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/warden_limits.h"
#include "sys/file.h"

#define STATUS_NEW JAIL_STATUS_NAME ".new"

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	/* Both clocks exist on every Linux. */
	(void)clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

int jail_status_write(int dirfd, const char *vm_id, const struct jail_status *status)
{
	cleanup_close int vm_fd = file_open_folder(dirfd, vm_id), fd = -EBADF;
	struct jail_status record;
	ssize_t n;

	if (vm_fd < 0)
		return vm_fd;
	memset(&record, 0, sizeof(record));
	memcpy(&record, status, sizeof(record));
	record.magic = JAIL_STATUS_MAGIC;
	record.size = sizeof(record);
	record.started_ns = clock_ns(CLOCK_REALTIME);
	record.started_boot_ns = clock_ns(CLOCK_BOOTTIME);
	memset(record.vm_id, 0, sizeof(record.vm_id));
	memcpy(record.vm_id, vm_id, strnlen(vm_id, JAIL_VM_ID_MAX));
	fd = openat(vm_fd, STATUS_NEW, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);
	if (fd < 0)
		return -errno;
	n = write(fd, &record, sizeof(record));
	if (n != (ssize_t)sizeof(record))
		return n < 0 ? -errno : -EIO;
	return renameat(vm_fd, STATUS_NEW, vm_fd, JAIL_STATUS_NAME) < 0 ? -errno : 0;
}

static int check(const struct jail_status *s, const char *vm_id)
{
	if (s->magic != JAIL_STATUS_MAGIC || s->size != sizeof(*s))
		return -EINVAL;
	if (s->warden_pid <= 0 || s->keeper_pid <= 0 || s->vmm_pid <= 0)
		return -EINVAL;
	if (s->limits > WARDEN_LIMITS_V2 || s->vmm_program >= JAIL_PROGRAM_MAX ||
	    s->keeper_program >= JAIL_PROGRAM_MAX || s->level > JAIL_LEVEL_PERMISSIVE ||
	    s->denied > JAIL_DENIED_REFUSE)
		return -EINVAL;
	if (!memchr(s->vm_id, '\0', sizeof(s->vm_id)) || strcmp(s->vm_id, vm_id) != 0)
		return -EINVAL;
	return 0;
}

int jail_status_read(int dirfd, const char *vm_id, struct jail_status *ret)
{
	struct jail_status record;
	cleanup_close int vm_fd = file_open_folder(dirfd, vm_id), fd = -EBADF;
	struct stat st;
	ssize_t n;
	int r;

	if (vm_fd < 0)
		return vm_fd;
	fd = openat(vm_fd, JAIL_STATUS_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size != (off_t)sizeof(record))
		return -EINVAL;
	if (st.st_uid != geteuid())
		return -EPERM;
	n = read(fd, &record, sizeof(record));
	if (n != (ssize_t)sizeof(record))
		return n < 0 ? -errno : -EINVAL;
	r = check(&record, vm_id);
	if (r == 0)
		*ret = record;
	return r;
}
