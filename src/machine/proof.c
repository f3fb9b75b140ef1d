/* SPDX-License-Identifier: Apache-2.0 */
/* proof.c - find a VM's processes, and read them while they are surely its own; see proof.h. */
#include "machine/proof.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "firewall/firewall.h"
#include "jail/warden_lease.h"
#include "machine/living.h"
#include "machine/vmdir.h"
#include "sys/landlock.h"

/* Three folders of /proc: each means one process for ever. */
struct held {
	int proc_fd[PROOF_PROCESSES];
	int lock_fd;
};

static void release(struct held *held)
{
	for (int i = 0; i < PROOF_PROCESSES; i++)
		close_fd(&held->proc_fd[i]);
	close_fd(&held->lock_fd);
}

static int read_stat(int proc_fd, struct proof_stat *ret)
{
	cleanup_free char *text = NULL;
	int r = proof_read_text(proc_fd, "stat", &text);

	return r < 0 ? r : proof_parse_stat(text, ret);
}

/* Whether the held processes are those that the warden wrote down, and all of them live. */
static bool are_the_ones(const struct held *held, const struct jail_status *status)
{
	const uint64_t tick_ns = 1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK);

	for (int i = 0; i < PROOF_PROCESSES; i++) {
		struct proof_stat stat;

		if (read_stat(held->proc_fd[i], &stat) < 0 || stat.state == 'Z' ||
		    stat.state == 'X')
			return false;
		if (stat.start_ticks > status->started_boot_ns / tick_ns)
			return false;
		if (i != PROOF_WARDEN && stat.ppid != status->warden_pid)
			return false;
	}
	return true;
}

static int hold(int vms_fd, const char *vm_id, const struct jail_status *status, struct held *ret)
{
	const int32_t pids[PROOF_PROCESSES] = {status->vmm_pid, status->keeper_pid,
					       status->warden_pid};
	char path[LIMIT_VM_ID_MAX + 8];

	for (int i = 0; i < PROOF_PROCESSES; i++) {
		(void)snprintf(path, sizeof(path), "/proc/%d", pids[i]);
		ret->proc_fd[i] = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (ret->proc_fd[i] < 0)
			return -ESRCH;
	}
	(void)snprintf(path, sizeof(path), "%s/lock", vm_id);
	ret->lock_fd = openat(vms_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return ret->lock_fd < 0 || !vmdir_is_held(vms_fd, vm_id) || !are_the_ones(ret, status)
		       ? -ESRCH
		       : 0;
}

static int read_all(int vms_fd, const char *vm_id, struct proof *proof)
{
	const pid_t pids[PROOF_PROCESSES] = {proof->status.vmm_pid, proof->status.keeper_pid,
					     proof->status.warden_pid};
	cleanup(release) struct held held = {{-EBADF, -EBADF, -EBADF}, -EBADF};
	int r = hold(vms_fd, vm_id, &proof->status, &held);

	for (int i = 0; i < PROOF_PROCESSES && r == 0; i++)
		r = proof_read_process(held.proc_fd[i], pids[i], held.lock_fd, &proof->process[i]);
	/* Once more: what was read is only worth something if they lived all the while. */
	if (r == 0 && (!vmdir_is_held(vms_fd, vm_id) || !are_the_ones(&held, &proof->status)))
		r = -ESRCH;
	return r;
}

/* Only VMs of the host's root have one, and only root may look. */
static void read_firewall(struct proof *proof)
{
	struct proof_firewall *f = &proof->firewall;

	if (!warden_is_host_root())
		return;
	f->read = true;
	firewall_chain_name(proof->status.vm_id, f->chain);
	f->error =
		firewall_verify(proof->status.vm_id, proof->status.uid, &f->n_packets, f->failure);
}

int proof_read(int vms_fd, const char *vm_id, struct proof **ret, struct ironclaw_error *err)
{
	cleanup_free struct proof *proof = calloc(1, sizeof(*proof));
	int r;

	if (!proof)
		return err_sys(err, ENOMEM, "no room for the proof");
	r = jail_status_read(vms_fd, vm_id, &proof->status);
	if (r == -ENOENT && !vmdir_is_held(vms_fd, vm_id))
		return living_ended(vm_id, err);
	if (r == -ENOENT)
		return err_set(err, IRONCLAW_ERR_BUSY, EAGAIN,
			       "VM '%s' is being started: its VMM does not run yet", vm_id);
	if (r < 0)
		return err_sys(err, -r, "cannot read the status of VM '%s'", vm_id);
	proof_read_host(&proof->host);
	r = read_all(vms_fd, vm_id, proof);
	if (r == -ESRCH)
		return living_ended(vm_id, err);
	if (r < 0)
		return err_sys(err, -r, "cannot read the processes of VM '%s'", vm_id);
	read_firewall(proof);
	*ret = take_ptr(proof);
	return 0;
}

static bool core_handler(void)
{
	cleanup_free char *text = NULL;

	/* When it cannot be read, the worse case is taken. */
	if (proof_read_text(AT_FDCWD, "/proc/sys/kernel/core_pattern", &text) < 0)
		return true;
	return text[0] == '|' || text[0] == '@';
}

void proof_read_host(struct proof_host *ret)
{
	struct stat st;

	memset(ret, 0, sizeof(*ret));
	for (int i = 0; i < PROOF_NAMESPACES; i++) {
		char path[32];

		(void)snprintf(path, sizeof(path), "/proc/self/ns/%s", proof_namespace_name(i));
		if (stat(path, &st) == 0)
			ret->ns[i] = st.st_ino;
	}
	if (stat("/", &st) == 0) {
		ret->root_dev = st.st_dev;
		ret->root_ino = st.st_ino;
	}
	ret->core_handler = core_handler();
	ret->landlock_abi = landlock_abi();
	if (ret->landlock_abi < 0)
		ret->landlock_abi = 0;
}
