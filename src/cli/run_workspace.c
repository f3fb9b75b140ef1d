/* SPDX-License-Identifier: Apache-2.0 */
/* run_workspace.c - the workspace of a run, in and out of the VM; see run_workspace.h. */
#include "cli/run_workspace.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "workspace/card.h"

const char *run_workspace_path(const struct run_workspace_args *args)
{
	return args->guest_path ? args->guest_path : RUN_WORKSPACE_AT;
}

static void notice(void *userdata, const char *text)
{
	(void)userdata;
	cli_note("%s", text);
}

static int make_file(const char *path, int *ret, struct ironclaw_error *err)
{
	if (!path)
		return 0;
	*ret = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	return *ret < 0 ? err_sys(err, errno, "cannot make '%s'", path) : 0;
}

int run_workspace_prepare(const struct run_workspace_args *args, struct run_workspace *ret,
			  struct ironclaw_error *err)
{
	int r;

	*ret = (struct run_workspace){.args = args, .changes_fd = -EBADF, .patch_fd = -EBADF};
	r = paths_get(&ret->paths, err);
	return r < 0 ? r : policy_load(&ret->paths, args->policy_file, &ret->policy, err);
}

int run_workspace_files(struct run_workspace *rw, struct ironclaw_error *err)
{
	int r = make_file(rw->args->changes_file, &rw->changes_fd, err);

	return r < 0 ? r : make_file(rw->args->patch_file, &rw->patch_fd, err);
}

int run_workspace_open(const struct run_workspace_args *args, struct run_workspace *ret,
		       struct ironclaw_error *err)
{
	const struct workspace_options options = {.folder = args->folder,
						  .excludes = args->excludes,
						  .size_max_b = args->size_max_b,
						  .notice = notice};
	int r = run_workspace_prepare(args, ret, err);

	if (r == 0)
		r = in_vm_open(&ret->paths, &options, &ret->ws, err);
	if (r == 0)
		r = run_workspace_files(ret, err);
	return r;
}

int run_workspace_in(struct run_workspace *rw, struct ironclaw_vm *vm, struct ironclaw_error *err)
{
	return in_vm_send(rw->ws, vm, run_workspace_path(rw->args), err);
}

int run_workspace_out(struct run_workspace *rw, struct ironclaw_vm *vm, struct ironclaw_error *err)
{
	int r = in_vm_receive(rw->ws, vm, run_workspace_path(rw->args), &rw->paths, &rw->stage,
			      err);

	if (r < 0)
		return r;
	r = changes_compare(rw->ws, rw->stage, &rw->changes, err);
	if (r < 0)
		err_prefix(err, "the changes of '%s'", rw->args->folder);
	return r;
}

void run_workspace_json(struct json_writer *w, const struct run_workspace *rw)
{
	json_write_open_object(w, "workspace");
	json_write_string(w, "folder", rw->changes->ws->root);
	json_write_string(w, "decision", rw->decision ? rw->decision : "none");
	json_write_string(w, "by", rw->by);
	if (rw->failure)
		json_write_string(w, "failure", rw->failure);
	json_write_u64(w, "applied", rw->applied.applied);
	if (rw->changes)
		card_json(w, "changes", rw->changes);
	card_conflicts_json(w, "conflicts", &rw->applied);
	json_write_close_object(w);
}

/* One that was made and not written goes. */
static void drop_file(int *fd, const char *path)
{
	if (*fd >= 0)
		(void)unlink(path);
	close_fd(fd);
}

void run_workspace_close(struct run_workspace *rw)
{
	drop_file(&rw->changes_fd, rw->args->changes_file);
	drop_file(&rw->patch_fd, rw->args->patch_file);
	policy_free(rw->policy);
	if (rw->stage)
		changes_free(rw->changes);
	stage_free(rw->stage);
	workspace_free(rw->ws);
	*rw = (struct run_workspace){.args = rw->args, .changes_fd = -EBADF, .patch_fd = -EBADF};
}
