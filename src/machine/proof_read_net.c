/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof_read_net.c - the interfaces in a process's network namespace; see proof.h.
 *
 * /proc does not say whether an interface is up, nor its IPv4 addresses. A child joins the
 * namespace and asks there: first the user namespace that owns it, which for a VM of the caller's
 * own gives the right to. The child has nothing of the guest's: it opens no file there, and leaves
 * with one fixed-size answer. Nothing in that namespace can reach it, for it stays outside of the
 * pid namespace, and the change of its ids makes it one that nobody may trace.
 */
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "machine/proof.h"
#include "sys/file.h"

struct answer {
	int error;
	struct proof_net net;
};

static bool is_own(int ns_fd, const char *path)
{
	struct stat theirs, ours;

	return fstat(ns_fd, &theirs) == 0 && stat(path, &ours) == 0 &&
	       theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

static int join(int ns_fd)
{
	cleanup_close int owner = -EBADF;

	if (is_own(ns_fd, "/proc/self/ns/net"))
		return 0;
	owner = ioctl(ns_fd, NS_GET_USERNS);
	if (owner < 0)
		return -errno;
	if (!is_own(owner, "/proc/self/ns/user") && setns(owner, CLONE_NEWUSER) < 0)
		return -errno;
	return setns(ns_fd, CLONE_NEWNET) < 0 ? -errno : 0;
}

static struct proof_interface *find(struct proof_net *net, const char *name)
{
	struct proof_interface *found;

	for (uint32_t i = 0; i < net->n; i++) {
		if (strcmp(net->list[i].name, name) == 0)
			return &net->list[i];
	}
	if (net->n == PROOF_INTERFACES_MAX) {
		net->cut = true;
		return NULL;
	}
	found = &net->list[net->n++];
	(void)snprintf(found->name, sizeof(found->name), "%s", name);
	return found;
}

static int list_interfaces(struct proof_net *net)
{
	struct ifaddrs *all;

	if (getifaddrs(&all) < 0)
		return -errno;
	for (const struct ifaddrs *a = all; a; a = a->ifa_next) {
		struct proof_interface *i = find(net, a->ifa_name);

		if (!i)
			continue;
		i->up = (a->ifa_flags & IFF_UP) != 0;
		if (a->ifa_addr &&
		    (a->ifa_addr->sa_family == AF_INET || a->ifa_addr->sa_family == AF_INET6))
			i->n_addresses++;
	}
	freeifaddrs(all);
	return 0;
}

__attribute__((noreturn)) static void answer_from_inside(int ns_fd, int answer_fd)
{
	struct answer answer;

	memset(&answer, 0, sizeof(answer));
	answer.error = join(ns_fd);
	if (answer.error == 0)
		answer.error = list_interfaces(&answer.net);
	_exit(file_write_full(answer_fd, &answer, sizeof(answer)) < 0);
}

/* Lines whose device is not "lo"; IPv4's has a heading, and its device first; IPv6's has it last.
 */
static uint32_t count_routes(const char *text, bool v6)
{
	const char *p = text;
	uint32_t n = 0;

	while (*p) {
		size_t len = strcspn(p, "\n");
		bool lo = v6 ? len > 3 && memcmp(p + len - 3, " lo", 3) == 0
			     : len > 3 && (memcmp(p, "lo\t", 3) == 0 || memcmp(p, "Ifa", 3) == 0);

		n += !lo && len > 0;
		p += len + (p[len] == '\n');
	}
	return n;
}

static int read_routes(int proc_fd, struct proof_net *net)
{
	static const char *const files[] = {"net/route", "net/ipv6_route"};

	for (int i = 0; i < 2; i++) {
		cleanup_free char *text = NULL;
		int r = proof_read_text(proc_fd, files[i], &text);

		if (r == -ENOENT) /* a kernel without that protocol */
			continue;
		if (r < 0)
			return r;
		net->n_routes += count_routes(text, i == 1);
	}
	return 0;
}

int proof_read_net(int proc_fd, struct proof_net *ret)
{
	cleanup_close int ns_fd = openat(proc_fd, "ns/net", O_RDONLY | O_CLOEXEC);
	struct answer answer;
	int pipe_fds[2], r;
	pid_t pid;

	if (ns_fd < 0)
		return -errno;
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		answer_from_inside(ns_fd, pipe_fds[1]);
	r = pid < 0 ? -errno : 0;
	(void)close(pipe_fds[1]);
	if (r == 0)
		r = file_read_full(pipe_fds[0], &answer, sizeof(answer));
	(void)close(pipe_fds[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (r == 0)
		r = answer.error;
	if (r < 0)
		return r;
	*ret = answer.net;
	return read_routes(proc_fd, ret);
}
