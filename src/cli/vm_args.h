/* SPDX-License-Identifier: Apache-2.0 */
/**
 * vm_args.h - the flags that say which VM and which workspace, of every command that starts one.
 *
 * A command puts VM_ARGS_OPTIONS into its table for getopt, VM_ARGS_HELP and VM_ARGS_WORKSPACE_HELP
 * into its help, and gives what it does not know itself to vm_args_take().
 */
#ifndef CLI_VM_ARGS_H
#define CLI_VM_ARGS_H

#include <getopt.h>

#include "cli/run_workspace.h"

/** Values of the options, above those that a command makes up. */
enum {
	VM_ARG_CPUS = 1024,
	VM_ARG_MEMORY,
	VM_ARG_OVERLAY,
	VM_ARG_NAME,
	VM_ARG_ENGINE,
	VM_ARG_ACCEL,
	VM_ARG_LINK,
	VM_ARG_KERNEL,
	VM_ARG_ROOTFS,
	VM_ARG_COLD,
	VM_ARG_CONFIG,
	VM_ARG_SECCOMP,
	VM_ARG_SECCOMP_MODE,
	VM_ARG_REQUIRE_LIMITS,
	VM_ARG_WORKSPACE,
	VM_ARG_EXCLUDE,
	VM_ARG_WORKSPACE_SIZE,
	VM_ARG_APPLY,
	VM_ARG_DISCARD,
	VM_ARG_QUEUE,
	VM_ARG_CHANGES,
	VM_ARG_PATCH,
	VM_ARG_POLICY
};

/* clang-format off */
#define VM_ARGS_OPTIONS \
	{"cpus", required_argument, NULL, VM_ARG_CPUS}, \
	{"memory", required_argument, NULL, VM_ARG_MEMORY}, \
	{"overlay", required_argument, NULL, VM_ARG_OVERLAY}, \
	{"name", required_argument, NULL, VM_ARG_NAME}, \
	{"engine", required_argument, NULL, VM_ARG_ENGINE}, \
	{"accel", required_argument, NULL, VM_ARG_ACCEL}, \
	{"link", required_argument, NULL, VM_ARG_LINK}, \
	{"kernel", required_argument, NULL, VM_ARG_KERNEL}, \
	{"rootfs", required_argument, NULL, VM_ARG_ROOTFS}, \
	{"cold", no_argument, NULL, VM_ARG_COLD}, \
	{"config", required_argument, NULL, VM_ARG_CONFIG}, \
	{"seccomp", required_argument, NULL, VM_ARG_SECCOMP}, \
	{"seccomp-mode", required_argument, NULL, VM_ARG_SECCOMP_MODE}, \
	{"require-limits", no_argument, NULL, VM_ARG_REQUIRE_LIMITS}, \
	{"workspace", required_argument, NULL, VM_ARG_WORKSPACE}, \
	{"exclude", required_argument, NULL, VM_ARG_EXCLUDE}, \
	{"workspace-size", required_argument, NULL, VM_ARG_WORKSPACE_SIZE}, \
	{"apply", no_argument, NULL, VM_ARG_APPLY}, \
	{"discard", no_argument, NULL, VM_ARG_DISCARD}, \
	{"queue", no_argument, NULL, VM_ARG_QUEUE}, \
	{"changes", required_argument, NULL, VM_ARG_CHANGES}, \
	{"patch", required_argument, NULL, VM_ARG_PATCH}, \
	{"policy", required_argument, NULL, VM_ARG_POLICY}

#define VM_ARGS_HELP \
	"      --cpus N           virtual processors, 1 to 32 (default: 1)\n" \
	"      --memory SIZE      guest memory (256M, 2G; default: 512M)\n" \
	"      --overlay SIZE     size of the guest's writable layer (default: half the memory)\n" \
	"      --name ID          name of the VM, 1 to 64 of [A-Za-z0-9-] (default: made up)\n" \
	"      --engine NAME      auto, qemu, firecracker\n" \
	"      --accel NAME       auto, kvm, tcg\n" \
	"      --link NAME        how the guest is reached: auto, virtio-serial, vsock\n" \
	"      --kernel FILE      boot a bzImage of your own\n" \
	"      --rootfs FILE      use an erofs file of your own instead of an image\n" \
	"      --cold             boot instead of cloning a template\n" \
	"      --config FILE      read the VM's configuration from JSON; flags win over it\n" \
	"      --seccomp LEVEL        what the VMM may call: minimal, basic (default), permissive\n" \
	"      --seccomp-mode MODE    a call that the level lacks kills the VMM (enforce) or fails " \
	"(audit)\n" \
	"      --require-limits       refuse to start without a cgroup that limits the VMM\n"

#define VM_ARGS_WORKSPACE_HELP \
	"      --workspace DIR[:PATH]  work on a copy of DIR, at PATH (/workspace); what changes is\n" \
	"                         shown at the end, and kept as far as you say\n" \
	"      --exclude PATTERN  leave out of the copy what matches, as in .gitignore; again and " \
	"again\n" \
	"      --workspace-size SIZE  the most that is copied (default: 4G)\n" \
	"      --apply            keep all changes without a question\n" \
	"      --discard          keep none\n" \
	"      --queue            let `ironclaw approvals` decide\n" \
	"      --policy FILE      decide by these rules instead of the user's\n" \
	"      --changes FILE     save the changes as an archive, whatever else is decided\n" \
	"      --patch FILE       save them as a patch\n"
/* clang-format on */

/** What they are; pointers lead into argv. */
struct vm_args {
	struct ironclaw_vm_options vm;
	struct run_workspace_args workspace;
};

/** vm_args_init() - nothing is given. */
void vm_args_init(struct vm_args *args);

/**
 * vm_args_take() - take an option of VM_ARGS_OPTIONS.
 * @c:		its value
 * @arg:	its argument, which may be changed
 *
 * Return: NULL, or what is wrong with the argument
 */
const char *vm_args_take(struct vm_args *args, int c, char *arg);

/**
 * vm_args_check() - what a workspace's flags mean together.
 * @name:	of the command
 * @effects:	it may have others outside of the VM, which --queue and --policy are about too
 *
 * Return: -1 to go on, or the exit code
 */
int vm_args_check(const char *name, const struct vm_args *args, bool effects);

#endif
