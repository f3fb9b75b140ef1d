/* SPDX-License-Identifier: Apache-2.0 */
/**
 * spawn.h - start the process of a command: the half that runs in the agent.
 */
#ifndef GUEST_SPAWN_H
#define GUEST_SPAWN_H

#include <sys/types.h>

#include "wire/message.h"

/** A started process and the agent's ends of its streams, all non-blocking. */
struct spawned {
	pid_t pid;
	int status; /* {u32 stage, u32 errno} or EOF once the command runs */
	int in, out,
		err; /* -EBADF: none; with a terminal in and out are its master, one descriptor */
};

/**
 * spawn() - fork into a cgroup; child.c does the rest.
 * @cgroup_dir:	descriptor of an empty cgroup
 * @request, @length, @exec: as checked by wire_exec_get(); may be freed afterwards
 *
 * Return: 0, or -errno with nothing left behind
 */
int spawn(int cgroup_dir, const uint8_t *request, size_t length, const struct wire_exec *exec,
	  struct spawned *ret);

#endif
