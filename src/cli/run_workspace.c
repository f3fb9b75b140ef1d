/* SPDX-License-Identifier: Apache-2.0 */
/* run_workspace.c - the workspace of a run, in and out of the VM; see run_workspace.h. */
#include "cli/run_workspace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "machine/programs.h"
#include "machine/vm_workspace.h"
#include "sys/file.h"
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

/* The user's state folder, opened; it holds the key and, for a while, the stages. */
static int open_state(struct run_workspace *rw, struct ironclaw_error *err)
{
	int r = paths_get(&rw->paths, err), fd;

	if (r < 0)
		return r;
	r = file_mkdir_p(rw->paths.data, 0755);
	if (r < 0)
		return err_sys(err, -r, "cannot make '%s'", rw->paths.data);
	fd = open(rw->paths.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(err, errno, "cannot open '%s'", rw->paths.data) : fd;
}

/* "/a/b" of "/a/b/c"; of itself as well. */
static bool is_within(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/*
 * What a VM could read there are the keys of journals and of the audit log; what it could have
 * applied, the policy by which its next changes are judged.
 */
static int refuse_own_folders(const struct run_workspace *rw, struct ironclaw_error *err)
{
	const char *own[] = {rw->paths.data, rw->paths.config, rw->paths.run, rw->paths.cache};

	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		char resolved[PATH_MAX];

		if (!realpath(own[i], resolved))
			continue;
		if (!is_within(resolved, rw->ws->root) && !is_within(rw->ws->root, resolved))
			continue;
		(void)err_set(err, IRONCLAW_ERR_INVALID, EPERM,
			      "'%s' cannot be a workspace: IronClaw's own folder '%s' is in it, or "
			      "around it",
			      rw->ws->root, resolved);
		err_hint(err, "--workspace with another folder");
		return -EPERM;
	}
	return 0;
}

static int make_file(const char *path, int *ret, struct ironclaw_error *err)
{
	if (!path)
		return 0;
	*ret = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	return *ret < 0 ? err_sys(err, errno, "cannot make '%s'", path) : 0;
}

int run_workspace_open(const struct run_workspace_args *args, struct run_workspace *ret,
		       struct ironclaw_error *err)
{
	uint8_t key[WORKSPACE_KEY_B];
	struct workspace_options options = {.folder = args->folder,
					    .excludes = args->excludes,
					    .size_max_b = args->size_max_b,
					    .key = key,
					    .notice = notice};
	cleanup_close int state_fd = -EBADF;
	int r;

	*ret = (struct run_workspace){.args = args, .changes_fd = -EBADF, .patch_fd = -EBADF};
	state_fd = open_state(ret, err);
	if (state_fd < 0)
		return state_fd;
	r = policy_load(&ret->paths, args->policy_file, &ret->policy, err);
	if (r == 0)
		r = workspace_key(state_fd, key, err);
	if (r == 0)
		r = workspace_open(&options, &ret->ws, err);
	if (r == 0)
		r = refuse_own_folders(ret, err);
	if (r == 0)
		r = make_file(args->changes_file, &ret->changes_fd, err);
	if (r == 0)
		r = make_file(args->patch_file, &ret->patch_fd, err);
	return r;
}

/* The copy is written by a thread of its own, and read from the pipe by whoever feeds the VM. */
struct sender {
	struct workspace *ws;
	int fd, result;
	struct ironclaw_error err;
};

static void *send_copy(void *arg)
{
	struct sender *s = arg;
	sigset_t pipe_signal;

	/* A VM that has enough of it is no reason to die. */
	(void)sigemptyset(&pipe_signal);
	(void)sigaddset(&pipe_signal, SIGPIPE);
	(void)pthread_sigmask(SIG_BLOCK, &pipe_signal, NULL);
	s->result = workspace_send(s->ws, s->fd, &s->err);
	close_fd(&s->fd);
	return NULL;
}

int run_workspace_in(struct run_workspace *rw, struct ironclaw_vm *vm, struct ironclaw_error *err)
{
	struct sender sender = {.ws = rw->ws};
	pthread_t thread;
	int ends[2], r;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "cannot make a pipe");
	sender.fd = ends[1];
	r = pthread_create(&thread, NULL, send_copy, &sender);
	if (r) {
		(void)close(ends[0]);
		(void)close(ends[1]);
		return err_sys(err, r, "cannot make a thread");
	}
	r = vm_workspace_in(vm, run_workspace_path(rw->args), ends[0], err);
	(void)close(ends[0]);
	(void)pthread_join(thread, NULL);
	/* What the VM says about half a copy is not the reason. */
	if (sender.result < 0 && sender.result != -EPIPE) {
		*err = sender.err;
		r = sender.result;
	}
	if (r < 0)
		err_prefix(err, "the copy of '%s'", rw->args->folder);
	return r;
}

static int take_bytes(void *userdata, const void *data, size_t len)
{
	return receive_data(userdata, data, len);
}

int run_workspace_out(struct run_workspace *rw, struct ironclaw_vm *vm, struct ironclaw_error *err)
{
	char folder[1300], programs[1024], program[1100];
	const struct receive_options options = {.folder = folder,
						.program = program,
						.size_max_b = rw->args->size_max_b};
	struct ironclaw_error why = {0};
	struct receive *receive;
	int r = programs_dir(programs, sizeof(programs), err), taken;

	if (r < 0)
		return r;
	(void)snprintf(program, sizeof(program), "%s/ironclaw-unpack", programs);
	(void)snprintf(folder, sizeof(folder), "%s/stages", rw->paths.data);
	r = file_mkdir_p(folder, 0700);
	if (r < 0)
		return err_sys(err, -r, "cannot make '%s'", folder);
	r = receive_start(&options, &receive, err);
	if (r < 0)
		return r;
	taken = vm_workspace_out(vm, run_workspace_path(rw->args), take_bytes, notice, receive,
				 err);
	/* A reader that gave up knows why; a VM that is gone has no more to say. */
	if (taken < 0 && err->code != IRONCLAW_ERR_CANCELLED) {
		receive_cancel(receive);
		return taken;
	}
	r = receive_finish(receive, &rw->stage, &why);
	if (r < 0)
		*err = why;
	else if (taken < 0)
		r = taken;
	if (r == 0)
		r = changes_compare(rw->ws, rw->stage, &rw->changes, err);
	if (r < 0)
		err_prefix(err, "the changes of '%s'", rw->args->folder);
	return r;
}

void run_workspace_json(struct json_writer *w, const struct run_workspace *rw)
{
	json_write_open_object(w, "workspace");
	json_write_string(w, "folder", rw->ws->root);
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
	changes_free(rw->changes);
	stage_free(rw->stage);
	workspace_free(rw->ws);
	*rw = (struct run_workspace){.args = rw->args, .changes_fd = -EBADF, .patch_fd = -EBADF};
}
