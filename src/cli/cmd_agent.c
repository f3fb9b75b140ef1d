/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_agent.c - `ironclaw agent`: a model works on a task in a VM.
 *
 * In this order, so that what can be wrong is found before anything runs: command line, key, record
 * to go on with, VM and workspace, MCP servers; then the session; then, while the VM is still
 * there, what it changed, and who decides on that.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "cli/agent.h"
#include "cli/agent_user.h"
#include "cli/cli.h"
#include "codec/json_write.h"
#include "sys/file.h"

#define RESUMED                                                                                    \
	"The session goes on in a new virtual machine: whatever was changed in the old one and "   \
	"not "                                                                                     \
	"kept on the user's computer is gone. Look at what is there before you go on."

/* What the command holds; released in the order of the fields, from the last to the first. */
struct job {
	struct agent_args args;
	struct agent_view view;
	struct run_workspace rw;
	struct model_client *client;
	struct replay replay;
	struct record record; /* of --resume */
	char path[RECORD_PATH_MAX_B];
	struct mcp_config *mcp;
	struct sandbox *sandbox;
	struct toolbox box;
	json_t *settings;
	char *system;
	struct agent_session session;
	bool began, failed; /* failed: by ourselves; there are changes all the same */
};

static void on_event(void *ud, const struct agent_event *event, const struct agent_effect *effect,
		     const char *line)
{
	struct job *job = ud;

	agent_view_event(&job->view, event, effect, line);
}

static void on_delta(void *ud, enum model_delta kind, const char *text, size_t len)
{
	struct job *job = ud;

	agent_view_delta(&job->view, kind, text, len);
}

static void on_again(void *ud, uint64_t wait_ms, const char *why)
{
	struct job *job = ud;

	agent_view_again(&job->view, wait_ms, why);
}

static void on_call(void *ud, const json_t *call)
{
	struct job *job = ud;

	agent_view_call(&job->view, call);
}

static void on_output(void *ud, const void *data, size_t len)
{
	struct job *job = ud;

	agent_view_output(&job->view, data, len);
}

static void on_progress(void *ud, const char *message)
{
	struct job *job = ud;

	agent_view_progress(&job->view, message);
}

static bool on_interrupted(void *ud)
{
	(void)ud;
	/* Nobody reads what is said. */
	return agent_user_interrupted() || ferror(stdout);
}

static int on_ask(void *ud, char **ret)
{
	(void)ud;
	return agent_user_ask(ret);
}

static int end_job(struct job *job, struct ironclaw_error *err)
{
	int r;

	agent_session_done(&job->session);
	for (size_t i = 0; i < job->box.n_clients; i++)
		mcp_client_close(job->box.clients[i]);
	if (job->rw.args)
		run_workspace_close(&job->rw);
	r = sandbox_close(job->sandbox, err);
	mcp_config_free(job->mcp);
	model_client_free(job->client);
	replay_done(&job->replay);
	record_close(&job->record);
	json_decref(job->settings);
	free(job->system);
	agent_args_done(&job->args);
	return r;
}

/* A session that was left with a workspace is not to go on without. */
static int check_resumed(const struct job *job, struct ironclaw_error *err)
{
	const char *was = json_string_value(json_object_get(job->replay.settings, "workspace"));

	if (!was || job->args.on.workspace.folder)
		return 0;
	(void)err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
		      "this session had the workspace '%s', and none is given now", was);
	err_hint(err, "--workspace %s", was);
	return -EINVAL;
}

static int open_resumed(struct job *job, struct ironclaw_error *err)
{
	cleanup_free char *text = NULL;
	size_t len;
	int r = record_open(job->args.resume, &job->record, &text, &len, err);

	if (r == 0)
		r = replay_lines(&job->replay, text, len, NULL, NULL, err);
	if (r < 0) {
		err_prefix(err, "'%s' cannot be resumed", job->args.resume);
		return r;
	}
	(void)snprintf(job->path, sizeof(job->path), "%s", job->args.resume);
	r = check_resumed(job, err);
	return r < 0 ? r : record_cut(&job->record, err);
}

/* DATA/sessions/20261124T193540Z-1d046fc8.jsonl, or what --record says. */
static int choose_record(struct job *job, struct ironclaw_error *err)
{
	char folder[1100], when[32];
	struct paths paths;
	time_t now = time(NULL);
	struct tm tm;
	int r, fd;

	if (job->args.record) {
		r = snprintf(job->path, sizeof(job->path), "%s", job->args.record);
		return (size_t)r < sizeof(job->path) ? 0 : err_sys(err, ENAMETOOLONG, "--record");
	}
	r = paths_get(&paths, err);
	if (r < 0)
		return r;
	(void)snprintf(folder, sizeof(folder), "%s/sessions", paths.data);
	r = file_mkdir_p(paths.data, 0755);
	fd = r < 0 ? r : file_mkdir_private(folder);
	if (fd < 0)
		return err_sys(err, -fd, "cannot make '%s'", folder);
	(void)close(fd);
	(void)strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
	(void)snprintf(job->path, sizeof(job->path), "%s/%s-%08x.jsonl", folder, when,
		       randombytes_random());
	return 0;
}

static int open_vm(struct job *job, struct ironclaw_error *err)
{
	const struct run_workspace_args *w = &job->args.on.workspace;
	struct sandbox_options options = {.vm = job->args.on.vm,
					  .workspace = {.folder = w->folder,
							.guest_path = w->guest_path,
							.excludes = w->excludes,
							.size_max_b = w->size_max_b},
					  .policy_file = w->policy_file,
					  .purpose = "agent"};

	options.vm.notice = cli_notice;
	return sandbox_open(&options, &job->sandbox, err);
}

static void on_mcp_notice(void *ud, const char *text)
{
	(void)ud;
	cli_note("%s", text);
}

static int open_servers(struct job *job, struct ironclaw_error *err)
{
	bool queue = job->args.on.workspace.queue;
	int r = 0;

	job->box.sandbox = job->sandbox;
	for (size_t i = 0; r == 0 && job->mcp && i < job->mcp->n_servers; i++) {
		const struct mcp_client_options options = {.config = &job->mcp->servers[i],
							   .sandbox = job->sandbox,
							   .gate = sandbox_gate(job->sandbox),
							   .way = queue ? APPROVAL_ASK_QUEUE
									: APPROVAL_ASK_TERMINAL,
							   .notice = on_mcp_notice};

		r = mcp_client_open(&options, NULL, &job->box.clients[i], err);
		if (r == 0)
			job->box.n_clients++;
		else
			err_prefix(err, "the MCP server '%s'", options.config->name);
	}
	return r;
}

/* For the record: nothing that is secret. */
static int make_settings(struct job *job, struct ironclaw_error *err)
{
	const struct agent_args *args = &job->args;
	struct ironclaw_vm_info info = {.size = sizeof(info)};
	const char *folder = args->on.workspace.folder, *at = sandbox_folder(job->sandbox);
	cleanup_free char *root = folder ? realpath(folder, NULL) : NULL;
	bool anthropic = args->provider.dialect == MODEL_ANTHROPIC;
	int n;

	ironclaw_vm_get_info(sandbox_vm(job->sandbox), &info);
	n = asprintf(
		&job->system,
		"You work in a Linux virtual machine, by means of tools. Commands run there as an "
		"ordinary user, in %s%s. There is no network. The machine is thrown away at the "
		"end%s. When the task is done, say in a few words what you did.%s%s",
		at ? at : "the home folder",
		at ? ", which is a copy of a folder of the user's" : "",
		at ? "; the user is then shown what has changed in that folder, and decides what "
		     "of it is kept"
		   : "",
		args->system ? "\n\n" : "", args->system ? args->system : "");
	if (n < 0)
		job->system = NULL;
	job->settings =
		json_pack("{s:s, s:s, s:s, s:s, s:s*, s:s, s:s, s:s*}", "ironclaw",
			  IRONCLAW_VERSION, "provider", anthropic ? "anthropic" : "openai", "url",
			  model_client_url(job->client), "model", args->model, "system",
			  job->system, "vm", info.id, "image", info.image, "workspace", root);
	return n >= 0 && job->settings ? 0 : err_sys(err, ENOMEM, "no room for the session");
}

static int begin(struct job *job, const struct agent_session_watch *watch,
		 struct ironclaw_error *err)
{
	const struct agent_args *args = &job->args;
	const struct agent_session_options options = {.box = &job->box,
						      .client = job->client,
						      .request = {.dialect = args->provider.dialect,
								  .model = args->model,
								  .system = job->system,
								  .cache = true},
						      .settings = job->settings,
						      .limits = args->limits,
						      .interactive = !args->task && !args->json &&
								     isatty(STDIN_FILENO),
						      .watch = watch};
	cleanup_free char *text = NULL;

	if (!args->resume)
		return agent_session_begin(&job->session, &options, job->path, args->task, err);
	if (asprintf(&text, RESUMED "%s%s", args->task ? "\n\n" : "",
		     args->task ? args->task : "") < 0) {
		text = NULL;
		return err_sys(err, ENOMEM, "no room for the task");
	}
	return agent_session_resume(&job->session, &options, &job->replay, &job->record, text, err);
}

/* What can fail before anything runs. */
static int prepare(struct job *job, struct ironclaw_error *err)
{
	struct agent_args *args = &job->args;
	int r = model_client_new(&args->provider, &job->client, err);

	if (r == 0)
		r = args->resume ? open_resumed(job, err) : choose_record(job, err);
	if (r == 0 && args->mcp_config)
		r = mcp_config_load(args->mcp_config, &job->mcp, err);
	if (r == 0 && args->on.workspace.folder)
		r = run_workspace_prepare(&args->on.workspace, &job->rw, err);
	return r;
}

static int work(struct job *job, struct ironclaw_error *err)
{
	const struct agent_session_watch watch = {.event = on_event,
						  .delta = on_delta,
						  .again = on_again,
						  .call = on_call,
						  .output = on_output,
						  .progress = on_progress,
						  .interrupted = on_interrupted,
						  .ask = on_ask,
						  .ud = job};
	int r = open_vm(job, err);

	if (r == 0 && job->rw.args)
		r = run_workspace_files(&job->rw, err);
	if (r == 0)
		r = open_servers(job, err);
	if (r == 0)
		r = make_settings(job, err);
	if (r < 0)
		return r;
	agent_user_watch();
	cli_note("the session is recorded in '%s'", job->path);
	r = begin(job, &watch, err);
	job->began = r == 0;
	if (r == 0)
		r = agent_session_run(&job->session, err);
	job->failed = r < 0;
	agent_user_done();
	return r;
}

/* The servers in the VM have ended their work; what it changed waits for a decision. */
static int keep(struct job *job, struct ironclaw_error *err)
{
	const struct approval_gate *gate = sandbox_gate(job->sandbox);
	int r;

	if (!job->rw.args || job->session.state.stop == AGENT_STOP_VM_LOST)
		return 0;
	r = sandbox_changes(job->sandbox, &job->rw.changes, err);
	if (r == 0)
		r = run_workspace_decide(&job->rw, gate->log, sandbox_id(job->sandbox),
					 job->args.json, err);
	if (r < 0) {
		job->rw.failure = err->text;
		job->rw.decision = job->rw.decision ? job->rw.decision : "failed";
	}
	return r;
}

static void print_end(const struct job *job, int code)
{
	const struct agent_state *state = &job->session.state;
	struct json_writer w;

	json_write_begin(&w, stdout);
	json_write_open_object(&w, NULL);
	json_write_string(&w, "end", job->failed ? "failed" : agent_stop_name(state->stop));
	json_write_i64(&w, "exit_code", code);
	json_write_string(&w, "record", job->path);
	json_write_u64(&w, "turns", state->turns);
	json_write_u64(&w, "input_tokens", state->usage.input);
	json_write_u64(&w, "output_tokens", state->usage.output);
	if (job->rw.changes)
		run_workspace_json(&w, &job->rw);
	json_write_close_object(&w);
	(void)json_write_end(&w);
}

static int fail(const struct ironclaw_error *err)
{
	return cli_fail(err,
			err->code == IRONCLAW_ERR_INVALID ? CLI_EXIT_USAGE : CLI_EXIT_RUN_FAILED);
}

/* However it ended. Return: the exit code */
static int end_session(struct job *job, int code)
{
	struct ironclaw_error err = {0};

	if (code != CLI_EXIT_OK)
		cli_note("to go on: ironclaw agent --resume '%s' ...", job->path);
	if (keep(job, &err) < 0)
		code = fail(&err);
	if (job->args.json)
		print_end(job, code);
	return code;
}

int cmd_agent_loop(int argc, char **argv)
{
	struct job *job = calloc(1, sizeof(*job));
	struct ironclaw_error err = {0};
	int code;

	if (!job)
		return CLI_EXIT_RUN_FAILED;
	/* The key is in our memory: not for a core file, nor for a debugger of the same user. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	job->record.fd = job->session.record.fd = -EBADF;
	code = agent_parse(argc, argv, &job->args);
	if (code < 0) {
		cli_set_quiet(job->args.quiet);
		job->view = (struct agent_view){.json = job->args.json,
						.quiet = job->args.quiet,
						.live = isatty(STDOUT_FILENO)};
		if (prepare(job, &err) < 0 || work(job, &err) < 0)
			code = fail(&err);
		else
			code = agent_exit_code(job->session.state.stop);
		if (job->began)
			code = end_session(job, code);
	}
	err_clear(&err);
	if (end_job(job, &err) < 0 && code == CLI_EXIT_OK)
		code = fail(&err);
	free(job);
	return code;
}
