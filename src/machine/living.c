/* SPDX-License-Identifier: Apache-2.0 */
/* living.c - the VMs that live now; see living.h. */
#include "machine/living.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "machine/vmdir.h"

static bool is_id(const char *text)
{
	size_t n = strlen(text);

	return n > 0 && n <= LIMIT_VM_ID_MAX &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == n;
}

int living_open(const struct paths *paths, struct ironclaw_error *err)
{
	int fd = vmdir_open(paths, false, err);

	if (fd == -ENOENT)
		return err_set(err, IRONCLAW_ERR_NOT_FOUND, ENOENT, "no VM is running");
	return fd;
}

/* Return: 1; 0 when it does not live; -errno */
static int look(int vms_fd, const char *id, struct living_vm *ret)
{
	int r;

	if (!vmdir_is_held(vms_fd, id))
		return 0;
	memset(ret, 0, sizeof(*ret));
	(void)snprintf(ret->id, sizeof(ret->id), "%s", id);
	r = jail_status_read(vms_fd, id, &ret->status);
	ret->started = r == 0;
	return r < 0 && r != -ENOENT ? r : 1;
}

static int by_id(const void *a, const void *b)
{
	const struct living_vm *x = a, *y = b;

	return strcmp(x->id, y->id);
}

static int collect(int vms_fd, DIR *dir, struct living_vm **list, size_t *n)
{
	for (;;) {
		struct living_vm *grown, vm;
		struct dirent *entry;
		int r;

		errno = 0;
		entry = readdir(dir);
		if (!entry)
			return -errno;
		if (!is_id(entry->d_name))
			continue;
		r = look(vms_fd, entry->d_name, &vm);
		if (r == 0)
			continue;
		if (r < 0)
			return r;
		grown = reallocarray(*list, *n + 1, sizeof(**list));
		if (!grown)
			return -ENOMEM;
		*list = grown;
		grown[(*n)++] = vm;
	}
}

int living_list(const struct paths *paths, struct living_vm **ret, size_t *ret_n,
		struct ironclaw_error *err)
{
	cleanup_free struct living_vm *list = NULL;
	cleanup_closedir DIR *dir = NULL;
	cleanup_close int vms_fd = living_open(paths, err);
	size_t n = 0;
	int fd, r;

	if (vms_fd < 0 && vms_fd != -ENOENT)
		return vms_fd;
	if (vms_fd >= 0) {
		fd = fcntl(vms_fd, F_DUPFD_CLOEXEC, 0);
		dir = fd < 0 ? NULL : fdopendir(fd);
		if (!dir) {
			r = err_sys(err, errno, "cannot list '%s/vms'", paths->run);
			if (fd >= 0)
				(void)close(fd);
			return r;
		}
		r = collect(vms_fd, dir, &list, &n);
		if (r < 0)
			return err_sys(err, -r, "cannot list '%s/vms'", paths->run);
	}
	err_clear(err);
	if (n > 0)
		qsort(list, n, sizeof(*list), by_id);
	*ret = take_ptr(list);
	*ret_n = n;
	return 0;
}

int living_find(const struct paths *paths, const char *vm_id, struct living_vm *ret,
		struct ironclaw_error *err)
{
	cleanup_close int vms_fd = -EBADF;
	struct living_vm vm;
	int r;

	if (!is_id(vm_id))
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "'%s' is no id of a VM: 1 to 64 of [A-Za-z0-9-]", vm_id);
	vms_fd = living_open(paths, err);
	if (vms_fd < 0 && vms_fd != -ENOENT)
		return vms_fd;
	r = vms_fd < 0 ? 0 : look(vms_fd, vm_id, &vm);
	if (r < 0)
		return err_sys(err, -r, "cannot read the status of VM '%s'", vm_id);
	if (r == 0) {
		r = err_set(err, IRONCLAW_ERR_NOT_FOUND, ENOENT, "no VM named '%s' is running",
			    vm_id);
		err_hint(err, "ironclaw ps");
		return r;
	}
	*ret = vm;
	return 0;
}

int living_ended(const char *vm_id, struct ironclaw_error *err)
{
	return err_set(err, IRONCLAW_ERR_NOT_FOUND, ESRCH, "VM '%s' has ended", vm_id);
}
