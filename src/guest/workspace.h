/* SPDX-License-Identifier: Apache-2.0 */
/**
 * workspace.h - the built-in commands by which a workspace comes into the machine and out of it.
 *
 *	unpack PATH	makes a folder of the archive on stdin, and mounts an overlay of it at PATH
 *	pack PATH	writes to stdout, as an archive, what that overlay holds beyond the folder
 *
 * docs/workspace.md has the archive. What was unpacked, what is written over it, and overlayfs's
 * own folder lie on the tmpfs of the writable layer, beside the root's, where no path of a command
 * leads:
 *
 *	LAYER/workspace/{base,upper,work}
 *	LAYER/workspace/at	a link whose target is PATH
 *
 * One workspace a machine.
 */
#ifndef GUEST_WORKSPACE_H
#define GUEST_WORKSPACE_H

#define WORKSPACE_FOLDER      "workspace"
#define WORKSPACE_BASE	      "base"
#define WORKSPACE_UPPER	      "upper"
#define WORKSPACE_WORK	      "work"
#define WORKSPACE_AT	      "at"
#define WORKSPACE_ENTRIES_MAX 200000U /* the host takes no more */
#define WORKSPACE_RESERVED    ".ironclaw-"

/** workspace_boot() - @layer_fd: tmpfs of the writable layer; kept */
void workspace_boot(int layer_fd);

/**
 * workspace_run() - become a built-in command.
 * @argv:	of the request
 *
 * In a process of its own, as root, with the standard streams in place; closes all other
 * descriptors.
 *
 * Return: -ENOENT when there is no such command; otherwise never: exits with 0, or with 1 and one
 * line on stderr
 */
int workspace_run(char *const *argv);

/** workspace_fail() - one line on stderr, and the end. */
__attribute__((noreturn, format(printf, 1, 2))) void workspace_fail(const char *fmt, ...);

/** workspace_unpack() - @layer_fd: as above. Returns when all is done. */
void workspace_unpack(int layer_fd, const char *path);

/** workspace_pack() - as workspace_unpack(). What no archive can hold is left out, each with a line
 * on stderr. */
void workspace_pack(int layer_fd, const char *path);

#endif
