/* SPDX-License-Identifier: Apache-2.0 */
/* in_vm.c - a workspace into a VM and out of it; see in_vm.h. */
#include "workspace/in_vm.h"

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
#include "machine/programs.h"
#include "machine/vm_workspace.h"
#include "sys/file.h"

/* The user's state folder, opened; it holds the key and, for a while, the stages. */
static int open_state(const struct paths *paths, struct ironclaw_error *err)
{
	int r = file_mkdir_p(paths->data, 0755), fd;

	if (r < 0)
		return err_sys(err, -r, "cannot make '%s'", paths->data);
	fd = open(paths->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(err, errno, "cannot open '%s'", paths->data) : fd;
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
static int refuse_own_folders(const struct paths *paths, const struct workspace *ws,
			      struct ironclaw_error *err)
{
	const char *own[] = {paths->data, paths->config, paths->run, paths->cache};

	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		char resolved[PATH_MAX];

		if (!realpath(own[i], resolved))
			continue;
		if (!is_within(resolved, ws->root) && !is_within(ws->root, resolved))
			continue;
		(void)err_set(err, IRONCLAW_ERR_INVALID, EPERM,
			      "'%s' cannot be a workspace: IronClaw's own folder '%s' is in it, or "
			      "around it",
			      ws->root, resolved);
		err_hint(err, "--workspace with another folder");
		return -EPERM;
	}
	return 0;
}

int in_vm_open(const struct paths *paths, const struct workspace_options *options,
	       struct workspace **ret, struct ironclaw_error *err)
{
	cleanup_close int state_fd = open_state(paths, err);
	struct workspace_options mine = *options;
	uint8_t key[WORKSPACE_KEY_B];
	struct workspace *ws;
	int r;

	if (state_fd < 0)
		return state_fd;
	mine.key = key;
	r = workspace_key(state_fd, key, err);
	if (r == 0)
		r = workspace_open(&mine, &ws, err);
	if (r < 0)
		return r;
	/* It has a copy of its own. */
	ws->options.key = ws->key;
	r = refuse_own_folders(paths, ws, err);
	if (r < 0)
		workspace_free(ws);
	else
		*ret = ws;
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

int in_vm_send(struct workspace *ws, struct ironclaw_vm *vm, const char *guest_path,
	       struct ironclaw_error *err)
{
	struct sender sender = {.ws = ws};
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
	r = vm_workspace_in(vm, guest_path, ends[0], err);
	(void)close(ends[0]);
	(void)pthread_join(thread, NULL);
	/* What the VM says about half a copy is not the reason. */
	if (sender.result < 0 && sender.result != -EPIPE) {
		if (err)
			*err = sender.err;
		r = sender.result;
	}
	if (r < 0)
		err_prefix(err, "the copy of '%s'", ws->options.folder);
	return r;
}

struct receiver {
	struct receive *receive;
	const struct workspace_options *options;
};

static int take_bytes(void *userdata, const void *data, size_t len)
{
	const struct receiver *to = userdata;

	return receive_data(to->receive, data, len);
}

static void take_notice(void *userdata, const char *text)
{
	const struct receiver *to = userdata;

	if (to->options->notice)
		to->options->notice(to->options->userdata, text);
}

static int take(struct receiver *to, struct ironclaw_vm *vm, const char *guest_path,
		struct stage **ret, struct ironclaw_error *err)
{
	struct ironclaw_error why = {.code = IRONCLAW_ERR_NONE};
	struct stage *stage;
	int taken = vm_workspace_out(vm, guest_path, take_bytes, take_notice, to, err), r;

	/* A reader that gave up knows why; a VM that is gone has no more to say. */
	if (taken < 0 && err->code != IRONCLAW_ERR_CANCELLED) {
		receive_cancel(to->receive);
		return taken;
	}
	r = receive_finish(to->receive, &stage, &why);
	if (r < 0) {
		*err = why;
		return r;
	}
	if (taken < 0)
		stage_free(stage);
	else
		*ret = stage;
	return taken;
}

int in_vm_receive(const struct workspace *ws, struct ironclaw_vm *vm, const char *guest_path,
		  const struct paths *paths, struct stage **ret, struct ironclaw_error *err)
{
	char folder[1300], programs[1024], program[1100];
	const struct receive_options options = {.folder = folder,
						.program = program,
						.size_max_b = ws->options.size_max_b};
	struct ironclaw_error own = {.code = IRONCLAW_ERR_NONE};
	struct receiver to = {.options = &ws->options};
	int r;

	err = err ? err : &own;
	err_clear(err);
	r = programs_dir(programs, sizeof(programs), err);
	if (r < 0)
		return r;
	(void)snprintf(program, sizeof(program), "%s/ironclaw-unpack", programs);
	(void)snprintf(folder, sizeof(folder), "%s/stages", paths->data);
	r = file_mkdir_p(folder, 0700);
	if (r < 0)
		return err_sys(err, -r, "cannot make '%s'", folder);
	r = receive_start(&options, &to.receive, err);
	if (r == 0)
		r = take(&to, vm, guest_path, ret, err);
	if (r < 0)
		err_prefix(err, "the changes of '%s'", ws->options.folder);
	return r;
}
