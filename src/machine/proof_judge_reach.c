/* SPDX-License-Identifier: Apache-2.0 */
/* proof_judge_reach.c - what a process can reach: other processes, network, files; see proof.h. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "machine/proof_judge.h"

/* Devices that VMM or keeper may hold, by number: a path says little. */
#define NULL_MAJOR  1U
#define NULL_MINOR  3U
#define KVM_MAJOR   10U
#define KVM_MINOR   232U
#define MISC_MAJOR  10U
#define VHOST_MINOR 241U /* vhost-vsock: a link of its own CID */

/* Whose namespace of this kind it is in; NULL: its own. */
static const char *shared_with(const struct proof_case *c, enum proof_namespace kind)
{
	uint64_t ns = c->process->ns[kind];

	if (ns == c->proof->host.ns[kind])
		return "the host";
	for (int who = 0; who < PROOF_PROCESSES; who++) {
		if (who != (int)c->who && ns == c->proof->process[who].ns[kind])
			return proof_who_name(who);
	}
	return NULL;
}

/* All but the user namespace, which has a line of its own, and time, which shows an uptime only. */
void proof_judge_namespaces(const struct proof_case *c, struct proof_finding *ret)
{
	bool shares_time = shared_with(c, PROOF_NS_TIME) != NULL;
	unsigned int n_shared = 0;

	if (c->process->ns_error || c->process->tasks_error) {
		proof_unread(ret,
			     c->process->ns_error ? c->process->ns_error : c->process->tasks_error);
		return;
	}
	proof_say(ret, shares_time ? "own, but for time" : "own");
	for (int kind = PROOF_NS_PID; kind < PROOF_NS_TIME; kind++) {
		const char *who = shared_with(c, kind);

		if (!who)
			continue;
		n_shared++;
		proof_weak(ret, "it shares the %s namespace with %s", proof_namespace_name(kind),
			   who);
	}
	if (c->process->tasks.status.ns_depth < 2)
		proof_weak(ret, "it sees the processes of the host");
	if (n_shared > 0)
		(void)snprintf(ret->says, sizeof(ret->says), "%u shared", n_shared);
}

void proof_judge_network(const struct proof_case *c, struct proof_finding *ret)
{
	const struct proof_net *net = &c->process->net;

	if (c->process->net_error) {
		proof_unread(ret, c->process->net_error);
		return;
	}
	proof_say(ret, net->n == 0 ? "no interface" : "%s down, no address", net->list[0].name);
	for (uint32_t i = 0; i < net->n; i++) {
		const struct proof_interface *f = &net->list[i];

		if (strcmp(f->name, "lo") != 0)
			proof_weak(ret, "it has the interface %s", f->name);
		else if (f->up)
			proof_weak(ret, "its loopback is up");
		if (f->n_addresses > 0)
			proof_weak(ret, "its %s has an address", f->name);
	}
	if (net->n_routes > 0)
		proof_weak(ret, "it has %u routes", net->n_routes);
	if (ret->verdict == IRONCLAW_VERDICT_WEAK)
		(void)snprintf(ret->says, sizeof(ret->says), "%u interface%s%s", net->n,
			       net->n == 1 ? "" : "s", net->n_routes ? ", routes" : "");
}

const char *proof_mount_fault(const struct proof_mount *mount)
{
	if (!mount->ro)
		return "can be written";
	if (!mount->nosuid)
		return "honours setuid";
	if (!mount->nodev && !mount->node)
		return "honours device nodes";
	if (!mount->nodev && !mount->noexec)
		return "is a device on a mount that can execute";
	if (mount->shared)
		return "is shared with another mount namespace";
	if (strcmp(mount->type, "proc") == 0 || strcmp(mount->type, "sysfs") == 0 ||
	    strncmp(mount->type, "cgroup", 6) == 0)
		return "shows the kernel's own files";
	return NULL;
}

void proof_judge_mounts(const struct proof_case *c, struct proof_finding *ret)
{
	const struct proof_process *p = c->process, *warden = &c->proof->process[PROOF_WARDEN];

	if (p->mounts_error || p->root_error) {
		proof_unread(ret, p->mounts_error ? p->mounts_error : p->root_error);
		return;
	}
	proof_say(ret, "own root, %u ro", p->mounts.n);
	if ((p->root_dev == c->proof->host.root_dev && p->root_ino == c->proof->host.root_ino) ||
	    (c->who != PROOF_WARDEN && p->root_dev == warden->root_dev &&
	     p->root_ino == warden->root_ino)) {
		proof_say(ret, "the host's root");
		proof_weak(ret, "its root is the host's");
		return;
	}
	for (uint32_t i = 0; i < p->mounts.n; i++) {
		const char *fault = proof_mount_fault(&p->mounts.list[i]);

		if (!fault)
			continue;
		proof_say(ret, "own root");
		proof_weak(ret, "its %s %s", p->mounts.list[i].point, fault);
		return;
	}
	if (p->mounts.cut)
		proof_weak(ret, "it has more than %u mounts", PROOF_MOUNTS_MAX);
}

static bool is_device(const struct proof_fd *fd, unsigned int major_no, unsigned int minor_no)
{
	return S_ISCHR(fd->mode) && major(fd->rdev) == major_no && minor(fd->rdev) == minor_no;
}

/* What has no name in any folder: these carry events or the caller's own guest, and no files. */
static bool is_harmless_anon(const char *target)
{
	static const char *const names[] = {"[eventfd]", "[signalfd]", "[eventpoll]", "[timerfd]"};
	const char *name = target + strlen("anon_inode:");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return strncmp(name, "kvm-vm", 6) == 0 || strncmp(name, "kvm-vcpu", 8) == 0;
}

static const char *file_fault(const struct proof_fd *fd, enum proof_who who)
{
	/* Made by itself, seen by nobody else. */
	if (fd->unlinked && strncmp(fd->target, "/memfd:", 7) == 0)
		return NULL;
	/* The keeper holds the lock of its VM's folder, for its death to end it. */
	if (fd->is_lock && who == PROOF_KEEPER)
		return NULL;
	if (fd->outside)
		return "is a file outside of its root";
	if ((fd->flags & O_ACCMODE) != O_RDONLY)
		return "can write a file";
	return NULL;
}

const char *proof_fd_fault(const struct proof_fd *fd, enum proof_who who, bool vhost)
{
	/* The link: to one guest, as the kernel has it. */
	if (vhost && who == PROOF_KEEPER && S_ISSOCK(fd->mode) && fd->family == AF_VSOCK)
		return NULL;
	if (vhost && who == PROOF_VMM && is_device(fd, MISC_MAJOR, VHOST_MINOR))
		return NULL;
	if (S_ISSOCK(fd->mode))
		return fd->family == AF_UNIX ? NULL
		       : fd->family < 0	     ? "is a socket of an unknown family"
					     : "is a socket that is not local";
	if (S_ISFIFO(fd->mode) || is_device(fd, NULL_MAJOR, NULL_MINOR) ||
	    is_device(fd, KVM_MAJOR, KVM_MINOR))
		return NULL;
	if (S_ISDIR(fd->mode))
		return "is a folder";
	if (S_ISCHR(fd->mode) || S_ISBLK(fd->mode))
		return "is a device";
	if (strncmp(fd->target, "anon_inode:", 11) == 0)
		return is_harmless_anon(fd->target) ? NULL : "is of a kind that nobody needs";
	if (S_ISREG(fd->mode))
		return file_fault(fd, who);
	return "is of an unknown kind";
}

void proof_judge_descriptors(const struct proof_case *c, struct proof_finding *ret)
{
	const struct proof_fds *fds = &c->process->fds;
	bool vhost = c->proof->status.keeper_program == JAIL_PROGRAM_KEEPER_VSOCK;

	if (c->process->fds_error) {
		proof_unread(ret, c->process->fds_error);
		return;
	}
	proof_say(ret, "%u open, as listed", fds->n);
	for (uint32_t i = 0; i < fds->n; i++) {
		const char *fault = proof_fd_fault(&fds->list[i], c->who, vhost);

		if (!fault)
			continue;
		proof_say(ret, "%u open", fds->n);
		proof_weak(ret, "its descriptor %u (%s) %s", fds->list[i].number,
			   fds->list[i].target, fault);
		return;
	}
	if (fds->cut)
		proof_weak(ret, "it has more than %u descriptors open", PROOF_FDS_MAX);
}

/* A template's memory is mapped by every clone: none may have a map that writes to the file. */
void proof_judge_memory(const struct proof_case *c, struct proof_finding *ret)
{
	const struct proof_memory *m = &c->process->memory;

	if (c->process->memory_error) {
		proof_unread(ret, c->process->memory_error);
		return;
	}
	proof_say(ret, "writes to no file");
	if (m->n_shared_writable == 0)
		return;
	proof_say(ret, "%u writable map%s", m->n_shared_writable,
		  m->n_shared_writable == 1 ? "" : "s");
	proof_weak(ret, "it has mapped %s so that writes reach the file", m->shared_writable);
}
