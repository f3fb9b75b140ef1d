/* SPDX-License-Identifier: Apache-2.0 */
/**
 * child.h - from the fork of the agent to the command: the half that runs in the new process.
 */
#ifndef GUEST_CHILD_H
#define GUEST_CHILD_H

#include "wire/message.h"

/** What the new process finds in its copy of the agent's memory. */
struct child_plan {
	const uint8_t *request; /* a checked request */
	size_t length;
	struct wire_exec exec;
	int stdio[3]; /* -EBADF: /dev/null; unused with a terminal */
	int master;   /* of the terminal, or -EBADF */
	int status;   /* close-on-exec pipe for {u32 stage, u32 errno} */
};

#define CHILD_STATUS_B 8U

/** child_boot() - take the descriptors that every child will need, before any command can act. */
void child_boot(void);

/**
 * child_run() - become the command.
 *
 * Starts as root in the command's cgroup with the agent's signals blocked, and does everything that
 * takes time or follows the image's files: whatever an odd image makes it do, only the command
 * suffers. On failure it writes stage and errno to the status pipe and exits; on success execve(2)
 * closes that pipe.
 */
__attribute__((noreturn)) void child_run(const struct child_plan *plan);

#endif
