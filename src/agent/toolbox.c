/* SPDX-License-Identifier: Apache-2.0 */
/* toolbox.c - the calls of a model, carried out; see toolbox.h. */
#include "agent/toolbox.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model/model.h"
#include "base/cleanup.h"

#define STEP_MS	     100
#define STREAM_MAX_B (TOOL_TEXT_MAX_B / 2 - 512) /* both, and what is said about them, fit */

int toolbox_list(const struct toolbox *box, json_t **ret, struct ironclaw_error *err)
{
	cleanup(json_decrefp) json_t *list = tools_list(), *names = json_object();
	const json_t *tool;
	size_t index;

	for (size_t i = 0; list && i < box->n_clients; i++) {
		size_t n;
		const struct mcp_client_tool *tools = mcp_client_tools(box->clients[i], &n);

		for (size_t k = 0; k < n; k++) {
			if (json_array_append_new(list, json_pack("{s:s, s:s, s:O}", "name",
								  tools[k].name, "description",
								  tools[k].description, "schema",
								  tools[k].schema)) < 0)
				return err_sys(err, ENOMEM, "no room for the tools");
		}
	}
	json_array_foreach(list, index, tool)
	{
		const char *name = json_string_value(json_object_get(tool, "name"));

		if (json_object_get(names, name))
			return err_set(err, IRONCLAW_ERR_EXISTS, EEXIST,
				       "two tools have the name '%s'", name);
		(void)json_object_set_new(names, name, json_true());
	}
	if (!list)
		return err_sys(err, ENOMEM, "no room for the tools");
	*ret = take_ptr(list);
	return 0;
}

struct mcp_client *toolbox_server(const struct toolbox *box, const char *name)
{
	for (size_t i = 0; i < box->n_clients; i++) {
		if (mcp_client_find(box->clients[i], name))
			return box->clients[i];
	}
	return NULL;
}

/* A result of our own words. */
__attribute__((format(printf, 3, 4))) static int say(struct toolbox_result *ret, bool failed,
						     const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return -ENOMEM;
	}
	ret->failed = failed;
	ret->text = tools_text(text, (size_t)n, TOOL_TEXT_MAX_B);
	return ret->text ? 0 : -ENOMEM;
}

static void on_output(void *ud, enum ironclaw_stream stream, const void *data, size_t len)
{
	const struct toolbox_watch *watch = ud;

	(void)stream;
	watch->output(watch->ud, data, len);
}

/* One operation in the VM. Return: 0 with *ret for sandbox_result_done(), and as toolbox_run() */
static int operate(struct sandbox *s, const struct sandbox_request *request,
		   const struct toolbox_watch *watch, struct sandbox_result *ret,
		   struct ironclaw_error *err)
{
	const struct sandbox_watch seen = {.output = on_output,
					   .userdata = (void *)(uintptr_t)watch};
	struct sandbox_call *call;
	bool cancelled = false;
	int r = sandbox_start(s, request, &seen, &call, err);

	while (r == 0 && !sandbox_call_is_over(call)) {
		if (!cancelled && watch->idle(watch->ud) < 0) {
			sandbox_call_cancel(call);
			cancelled = true;
		}
		r = sandbox_step(s, STEP_MS, err);
		if (r < 0) {
			sandbox_call_drop(call);
			return -EPIPE;
		}
	}
	if (r == 0)
		r = sandbox_call_take(call, ret, err);
	if (r == 0 && cancelled) {
		sandbox_result_done(ret);
		return err_set(err, IRONCLAW_ERR_CANCELLED, ECANCELED, "cancelled");
	}
	return r < 0 && err->code == IRONCLAW_ERR_LOST ? -EPIPE : r;
}

static void put(FILE *out, const struct sandbox_text *text, const char *title)
{
	if (text->len == 0)
		return;
	(void)fputs(title, out);
	(void)fwrite(text->data, 1, text->len, out);
	if (text->data[text->len - 1] != '\n')
		(void)fputc('\n', out);
}

static int run_exec(struct sandbox *s, const struct tool_arguments *args,
		    const struct toolbox_watch *watch, struct toolbox_result *ret,
		    struct ironclaw_error *err)
{
	const char *const argv[] = {"/bin/sh", "-c", args->command.text, NULL};
	const struct sandbox_request request = {.op = SANDBOX_EXEC,
						.argv = argv,
						.timeout_ms = (uint64_t)args->timeout_s * 1000,
						.output_max_b = STREAM_MAX_B};
	cleanup(sandbox_result_done) struct sandbox_result result = {.failed = false};
	cleanup_free char *text = NULL;
	size_t len;
	FILE *out;
	int r = operate(s, &request, watch, &result, err);

	if (r < 0)
		return r;
	out = open_memstream(&text, &len);
	if (!out)
		return -ENOMEM;
	put(out, &result.out, "");
	put(out, &result.err, "[stderr]\n");
	(void)fprintf(out, "[%s]", result.failed ? result.message : "exit code 0");
	if (fclose(out) != 0)
		return -ENOMEM;
	ret->failed = result.failed;
	ret->text = tools_text(text, len, TOOL_TEXT_MAX_B);
	return ret->text ? 0 : -ENOMEM;
}

/* All of a file. Return: 0 with *ret, or a result that has failed */
static int read_all(struct sandbox *s, const struct tool_arguments *args,
		    const struct toolbox_watch *watch, struct sandbox_result *ret,
		    struct ironclaw_error *err)
{
	const struct sandbox_request request = {.op = SANDBOX_READ,
						.path = args->path.text,
						.limit = TOOL_FILE_MAX_B,
						.output_max_b = TOOL_FILE_MAX_B};
	int r = operate(s, &request, watch, ret, err);

	if (r == 0 && !ret->failed && ret->out.truncated) {
		ret->failed = true;
		(void)snprintf(ret->message, sizeof(ret->message),
			       "the file has %ju bytes, more than the %u MiB that this tool takes: "
			       "use exec, with sed or head",
			       (uintmax_t)ret->out.total, TOOL_FILE_MAX_B >> 20);
	}
	return r;
}

static int run_read(struct sandbox *s, const struct tool_arguments *args,
		    const struct toolbox_watch *watch, struct toolbox_result *ret,
		    struct ironclaw_error *err)
{
	cleanup(sandbox_result_done) struct sandbox_result result = {.failed = false};
	size_t first, last, all;
	struct tool_text part;
	int r = read_all(s, args, watch, &result, err);

	if (r < 0)
		return r;
	if (result.failed)
		return say(ret, true, "%s", result.message);
	part = tools_lines(args, result.out.data, result.out.len, &first, &last, &all);
	if (first == 0)
		return say(ret, all > 0, all > 0 ? "[the file has %zu lines only]" : "[empty file]",
			   all);
	if (first > 1 || last < all) {
		cleanup_free char *text = tools_text(part.text, part.len, TOOL_TEXT_MAX_B - 128);
		bool ended = part.text[part.len - 1] == '\n';

		return text ? say(ret, false, "%s%s[lines %zu to %zu of %zu]", text,
				  ended ? "" : "\n", first, last, all)
			    : -ENOMEM;
	}
	ret->text = tools_text(part.text, part.len, TOOL_TEXT_MAX_B);
	return ret->text ? 0 : -ENOMEM;
}

static int write_file(struct sandbox *s, const char *path, const char *data, size_t len,
		      const struct toolbox_watch *watch, struct sandbox_result *ret,
		      struct ironclaw_error *err)
{
	const struct sandbox_request request = {.op = SANDBOX_WRITE,
						.path = path,
						.data = data,
						.len = len};

	return operate(s, &request, watch, ret, err);
}

static int run_write(struct sandbox *s, const struct tool_arguments *args,
		     const struct toolbox_watch *watch, struct toolbox_result *ret,
		     struct ironclaw_error *err)
{
	cleanup(sandbox_result_done) struct sandbox_result result = {.failed = false};
	int r = write_file(s, args->path.text, args->content.text, args->content.len, watch,
			   &result, err);

	if (r < 0)
		return r;
	return result.failed ? say(ret, true, "%s", result.message)
			     : say(ret, false, "[%zu bytes written]", args->content.len);
}

static int run_edit(struct sandbox *s, const struct tool_arguments *args,
		    const struct toolbox_watch *watch, struct toolbox_result *ret,
		    struct ironclaw_error *err)
{
	cleanup(sandbox_result_done) struct sandbox_result was = {.failed = false};
	cleanup(sandbox_result_done) struct sandbox_result done = {.failed = false};
	cleanup_free char *text = NULL;
	size_t len, n;
	int r = read_all(s, args, watch, &was, err);

	if (r < 0)
		return r;
	if (was.failed)
		return say(ret, true, "%s", was.message);
	r = tools_replace(args, was.out.data, was.out.len, &text, &len, &n, err);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return say(ret, true, "%s", err->text);
	r = write_file(s, args->path.text, text, len, watch, &done, err);
	if (r < 0)
		return r;
	return done.failed ? say(ret, true, "%s", done.message)
			   : say(ret, false, n == 1 ? "[replaced]" : "[replaced %zu times]", n);
}

/* What comes as lines of text. */
static int run_lines(struct sandbox *s, const struct tool_arguments *args,
		     const struct toolbox_watch *watch, struct toolbox_result *ret,
		     struct ironclaw_error *err)
{
	const struct sandbox_request request = {.op = args->kind == TOOL_SEARCH ? SANDBOX_SEARCH
										: SANDBOX_LIST,
						.path = args->path.text,
						.pattern = args->pattern.text,
						.output_max_b = TOOL_TEXT_MAX_B - 128};
	cleanup(sandbox_result_done) struct sandbox_result result = {.failed = false};
	cleanup_free char *text = NULL;
	int r = operate(s, &request, watch, &result, err);

	if (r < 0)
		return r;
	if (result.failed)
		return say(ret, true, "%s", result.message);
	if (result.out.len == 0)
		return say(ret, false, "%s",
			   args->kind == TOOL_SEARCH ? "[no match]" : "[empty folder]");
	text = tools_text(result.out.data, result.out.len, TOOL_TEXT_MAX_B - 128);
	if (!text)
		return -ENOMEM;
	return say(ret, false, "%s%s", text, result.out.truncated ? "[there is more]" : "");
}

static int run_builtin(struct toolbox *box, enum tool_kind kind, const json_t *arguments,
		       const struct toolbox_watch *watch, struct toolbox_result *ret,
		       struct ironclaw_error *err)
{
	static int (*const run[TOOL_KIND_MAX])(struct sandbox * s,
					       const struct tool_arguments *args,
					       const struct toolbox_watch *watch,
					       struct toolbox_result *ret,
					       struct ironclaw_error *err) = {
		[TOOL_EXEC] = run_exec,	       [TOOL_READ_FILE] = run_read,
		[TOOL_WRITE_FILE] = run_write, [TOOL_EDIT_FILE] = run_edit,
		[TOOL_LIST_DIR] = run_lines,   [TOOL_SEARCH] = run_lines};
	struct tool_arguments args;

	if (tools_arguments(kind, arguments, &args, err) < 0)
		return say(ret, true, "%s", err->text);
	return run[kind](box->sandbox, &args, watch, ret, err);
}

static void on_progress(void *ud, double progress, double total, const char *message)
{
	const struct toolbox_watch *watch = ud;

	(void)progress;
	(void)total;
	if (message)
		watch->progress(watch->ud, message);
}

static int on_idle(void *ud)
{
	const struct toolbox_watch *watch = ud;

	return watch->idle(watch->ud) < 0 ? -ECANCELED : 0;
}

static int run_server(struct toolbox *box, const char *name, json_t *arguments,
		      const struct toolbox_watch *watch, struct toolbox_result *ret,
		      struct ironclaw_error *err)
{
	const struct mcp_client_wait wait = {.idle = on_idle,
					     .progress = on_progress,
					     .ud = (void *)(uintptr_t)watch};
	cleanup(json_decrefp) json_t *result = NULL;
	int r = mcp_client_call(toolbox_server(box, name), name, arguments, &wait, &result, err);

	if (r == 0) {
		ret->failed = json_is_true(json_object_get(result, "isError"));
		return mcp_client_result_text(result, TOOL_TEXT_MAX_B, &ret->text);
	}
	if (r == -ECANCELED || r == -ENOMEM)
		return r;
	/* A server that has gone says as much whether the VM went with it or not: ask the VM. */
	if (r == -ENOTCONN || r == -EPIPE)
		return sandbox_step(box->sandbox, 0, NULL) < 0 ? -EPIPE : -ENOTCONN;
	return say(ret, true, "%s%s", err->text,
		   err->code == IRONCLAW_ERR_UNKNOWN_OUTCOME ? " (its outcome is unknown)" : "");
}

static int run_call(struct toolbox *box, const json_t *call, const struct toolbox_watch *watch,
		    struct toolbox_result *ret, struct ironclaw_error *err)
{
	const char *name = json_string_value(json_object_get(call, "name"));
	cleanup(json_decrefp) json_t *arguments = model_call_arguments(call, err);
	enum tool_kind kind = tools_find(name);

	if (kind == TOOL_KIND_MAX && !toolbox_server(box, name))
		return say(ret, true, "there is no tool \"%.128s\"", name);
	if (!arguments)
		return say(ret, true, "%s", err->text);
	return kind < TOOL_KIND_MAX ? run_builtin(box, kind, arguments, watch, ret, err)
				    : run_server(box, name, arguments, watch, ret, err);
}

int toolbox_run(struct toolbox *box, const json_t *call, const struct toolbox_watch *watch,
		struct toolbox_result *ret, struct ironclaw_error *err)
{
	struct toolbox_result result = {.text = NULL};
	int r = run_call(box, call, watch, &result, err);

	if (r == -ENOMEM)
		return err_sys(err, ENOMEM, "no room for the result of a call");
	/* A link that broke: the VM lives, and so does the session. */
	if (r < 0 && err->code == IRONCLAW_ERR_UNKNOWN_OUTCOME && r != -ECANCELED && r != -ENOTCONN)
		r = say(&result, true, "%s (its outcome is unknown)", err->text);
	if (r < 0)
		return r;
	err_clear(err);
	*ret = result;
	return 0;
}
