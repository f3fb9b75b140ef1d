/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - ironclaw-guest: /init of an IronClaw virtual machine, and PID 1 until its end.
 *
 * Reads nothing but the link, the kernel and the image; has no options, no configuration and no
 * libraries. Whatever makes it useless ends the machine with one line on the console (power.h).
 */
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "guest/boot.h"
#include "guest/cgroup.h"
#include "guest/child.h"
#include "guest/identity.h"
#include "guest/link.h"
#include "guest/server.h"
#include "guest/workspace.h"

#define AGENT_NICE (-10)

/*
 * Commands must not be able to crowd us out of the CPU; what we fork starts at nice 0 again. Of
 * memory they cannot anyway: the OOM killer never takes the first process of a machine, and an
 * oom_score_adj would have to be taken back in each child.
 */
static void protect(void)
{
	static const struct sched_param none = {0};

	if (sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &none) == 0)
		(void)setpriority(PRIO_PROCESS, 0, AGENT_NICE);
}

int main(void)
{
	int layer_fd;

	if (getpid() != 1) {
		(void)fputs("ironclaw-guest: this is the first process of a virtual machine; "
			    "it does nothing elsewhere\n",
			    stderr);
		return 2;
	}
	layer_fd = boot_root();
	protect();
	cgroup_boot();
	identity_boot(layer_fd);
	workspace_boot(layer_fd);
	child_boot();
	link_open();
	server_run();
}
