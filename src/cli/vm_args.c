/* SPDX-License-Identifier: Apache-2.0 */
/* vm_args.c - the flags that say which VM and which workspace; see vm_args.h. */
#include "cli/vm_args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "cli/cli.h"

#define NO_SIZE "is not a size such as 256M or 2G"

void vm_args_init(struct vm_args *args)
{
	*args = (struct vm_args){.vm = {.size = sizeof(args->vm)}};
}

static const char *set_size(const char *text, uint32_t *ret)
{
	uint64_t mib;

	if (parse_size_mib(text, &mib) < 0 || mib == 0 || mib > UINT32_MAX)
		return NO_SIZE;
	*ret = (uint32_t)mib;
	return NULL;
}

static const char *set_number(struct ironclaw_vm_options *vm, int c, const char *text)
{
	if (c == VM_ARG_MEMORY)
		return set_size(text, &vm->memory_mb);
	if (c == VM_ARG_OVERLAY)
		return set_size(text, &vm->overlay_size_mb);
	/* Zero is the library's "default": refuse it here. */
	return parse_u32(text, 1, UINT32_MAX, &vm->vcpu_count) < 0 ? "is not a number of processors"
								   : NULL;
}

static bool *switch_field(struct vm_args *args, int c)
{
	switch (c) {
	case VM_ARG_COLD:
		return &args->vm.cold;
	case VM_ARG_REQUIRE_LIMITS:
		return &args->vm.require_limits;
	case VM_ARG_APPLY:
		return &args->workspace.apply;
	case VM_ARG_DISCARD:
		return &args->workspace.discard;
	case VM_ARG_QUEUE:
		return &args->workspace.queue;
	default:
		return NULL;
	}
}

static const char **text_field(struct vm_args *args, int c)
{
	switch (c) {
	case VM_ARG_NAME:
		return &args->vm.vm_id;
	case VM_ARG_ENGINE:
		return &args->vm.engine;
	case VM_ARG_ACCEL:
		return &args->vm.accel;
	case VM_ARG_LINK:
		return &args->vm.link;
	case VM_ARG_KERNEL:
		return &args->vm.kernel_path;
	case VM_ARG_ROOTFS:
		return &args->vm.rootfs_path;
	case VM_ARG_CONFIG:
		return &args->vm.config_file;
	case VM_ARG_SECCOMP:
		return &args->vm.seccomp_filter;
	case VM_ARG_SECCOMP_MODE:
		return &args->vm.seccomp_mode;
	case VM_ARG_CHANGES:
		return &args->workspace.changes_file;
	case VM_ARG_PATCH:
		return &args->workspace.patch_file;
	case VM_ARG_POLICY:
		return &args->workspace.policy_file;
	default:
		return NULL;
	}
}

/* Kept until the process ends; one that cannot be resolved is named by the library. */
static const char *set_path(const char **field, const char *path)
{
	char *resolved = realpath(path, NULL);

	*field = resolved ? resolved : path;
	return !resolved && errno == ENOMEM ? "cannot be resolved: out of memory" : NULL;
}

/* "DIR", or "DIR:/PATH": a colon that no slash follows belongs to the folder's name. */
static const char *set_folder(struct run_workspace_args *w, char *text)
{
	char *colon = NULL;

	for (char *c = strstr(text, ":/"); c; c = strstr(c + 1, ":/"))
		colon = c;
	if (colon)
		*colon = '\0';
	w->folder = text;
	w->guest_path = colon ? colon + 1 : NULL;
	return text[0] ? NULL : "names no folder";
}

static const char *add_exclude(struct run_workspace_args *w, const char *pattern)
{
	if (w->n_excludes == RUN_EXCLUDES_MAX)
		return "is one pattern too many: .ironclawignore takes more";
	w->excludes[w->n_excludes++] = pattern;
	return NULL;
}

static const char *set_workspace_size(struct run_workspace_args *w, const char *text)
{
	uint64_t mib;

	if (parse_size_mib(text, &mib) < 0 || mib == 0 || mib > UINT64_MAX >> 20)
		return NO_SIZE;
	w->size_max_b = mib << 20;
	return NULL;
}

const char *vm_args_take(struct vm_args *args, int c, char *arg)
{
	bool *field = switch_field(args, c);

	if (field)
		*field = true;
	else if (c == VM_ARG_WORKSPACE)
		return set_folder(&args->workspace, arg);
	else if (c == VM_ARG_EXCLUDE)
		return add_exclude(&args->workspace, arg);
	else if (c == VM_ARG_WORKSPACE_SIZE)
		return set_workspace_size(&args->workspace, arg);
	else if (c == VM_ARG_KERNEL || c == VM_ARG_ROOTFS)
		return set_path(text_field(args, c), arg);
	else if (text_field(args, c))
		*text_field(args, c) = arg;
	else
		return set_number(&args->vm, c, arg);
	return NULL;
}

int vm_args_check(const char *name, const struct vm_args *args, bool effects)
{
	const struct run_workspace_args *w = &args->workspace;

	if (!w->folder &&
	    (w->apply || w->discard || w->changes_file || w->patch_file || w->n_excludes > 0 ||
	     w->size_max_b > 0 || (!effects && (w->queue || w->policy_file))))
		return cli_usage_error(name, "there is no --workspace that this could be about");
	if (w->apply + w->discard + w->queue > 1)
		return cli_usage_error(name, "--apply, --discard and --queue exclude each other");
	return -1;
}
