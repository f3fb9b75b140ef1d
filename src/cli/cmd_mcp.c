/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_mcp.c - `ironclaw mcp`: the sandbox tools for a client that speaks MCP.
 *
 * On stdio, standard output belongs to the protocol: it is moved aside at once, and descriptor 1
 * becomes another name of standard error, so that nothing else can ever write to the client.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/mcp.h"
#include "mcp/stdio.h"

static void violation(void *userdata, bool warning, const char *text)
{
	(void)userdata;
	if (warning)
		cli_note("%s", text);
}

/* What can be wrong with the settings is said now, and not by every call. */
static int check_settings(const struct mcp_args *args, struct ironclaw_error *err)
{
	const char *folder = args->on.workspace.folder;
	int r = ironclaw_validate(&args->on.vm, violation, NULL, err);
	cleanup_close int fd = -EBADF;

	if (r < 0 || !folder)
		return r;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(err, errno, "the workspace '%s'", folder) : 0;
}

/* Before any thread: they inherit what is blocked. */
static int catch_signals(int *ret_fd, struct ironclaw_error *err)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	*ret_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return *ret_fd < 0 ? err_sys(err, errno, "signalfd") : 0;
}

/* A client that does not read our stderr must not make us wait: then it is not told. */
static void notice(void *userdata, enum ironclaw_notice kind, const char *text)
{
	struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (poll(&out, 1, 0) > 0 && (out.revents & POLLOUT))
		cli_notice(userdata, kind, text);
}

static void set_up(const struct mcp_args *args, struct mcp_service *ret)
{
	const struct run_workspace_args *w = &args->on.workspace;

	sandbox_tools_server(w->folder != NULL, &ret->server);
	ret->tools = (struct sandbox_tools_options){
		.sandbox = {.vm = args->on.vm,
			    .policy_file = args->on.workspace.policy_file,
			    .workspace = {.folder = w->folder,
					  .guest_path = w->guest_path,
					  .excludes = w->excludes,
					  .size_max_b = w->size_max_b},
			    .purpose = "mcp"},
		.way = w->queue ? APPROVAL_ASK_QUEUE : APPROVAL_ASK_NOBODY,
		.timeout_ms = args->timeout_ms,
	};
	ret->tools.sandbox.vm.notice = notice;
}

/* Return: the descriptor that is the client's from now on; -errno */
static int take_stdout(struct ironclaw_error *err)
{
	cleanup_close int out_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	cleanup_close int null_fd = -EBADF;

	if (out_fd < 0)
		return err_sys(err, errno, "standard output");
	if (dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
		null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (null_fd < 0 || dup2(null_fd, STDOUT_FILENO) < 0)
			return err_sys(err, errno, "standard output");
	}
	return take_fd(&out_fd);
}

int mcp_serve_stdio(const struct mcp_service *service)
{
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
	struct sandbox_tools *tools = NULL;
	struct mcp_loop loop = {.poll = sandbox_tools_poll, .serve = sandbox_tools_serve};
	cleanup_close int out_fd = take_stdout(&err);
	int r = out_fd;

	if (isatty(STDIN_FILENO))
		cli_note("an MCP client starts this and talks to it on standard input, as in: "
			 "claude mcp "
			 "add ironclaw -- ironclaw mcp");
	if (r >= 0)
		r = sandbox_tools_new(&service->tools, &tools, &err);
	if (r >= 0) {
		loop.userdata = tools;
		r = mcp_stdio_serve(&(struct mcp_stdio){.server = &service->server,
							.userdata = tools,
							.in_fd = STDIN_FILENO,
							.out_fd = out_fd,
							.stop_fd = service->stop_fd,
							.loop = &loop},
				    &err);
	}
	sandbox_tools_free(tools, true);
	return r < 0 ? cli_fail(&err, CLI_EXIT_FAILED) : CLI_EXIT_OK;
}

int cmd_mcp(int argc, char **argv)
{
	cleanup_free char *token = NULL;
	/* Static: a helper thread may be left with them when we return. */
	static struct mcp_args args;
	static struct mcp_service service;
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
	int code = mcp_parse(argc, argv, &args);

	if (code >= 0)
		return code;
	cli_set_quiet(args.quiet);
	if (check_settings(&args, &err) < 0)
		return cli_fail(&err, CLI_EXIT_USAGE);
	if (mcp_take_token(args.token_file, &token, &err) < 0)
		return cli_fail(&err, CLI_EXIT_USAGE);
	if (catch_signals(&service.stop_fd, &err) < 0)
		return cli_fail(&err, CLI_EXIT_FAILED);
	set_up(&args, &service);
	if (args.http)
		return mcp_serve_http(&service, args.http, token);
	return mcp_serve_stdio(&service);
}
