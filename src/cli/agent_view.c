/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent_view.c - what a person, or a program, sees of a session; see agent.h.
 *
 *   $ ironclaw agent ... "make it build"
 *   * read_file hello.c
 *     | #include <stdio.h>
 *     | (+11 lines)
 *   * exec make
 *     | cc     hello.c   -o hello
 *   It builds now: there was a semicolon missing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "cli/agent.h"
#include "cli/cli.h"

/* Foreign text, of which only the ends of lines act. */
static void put_text(struct agent_view *view, FILE *out, const char *text, size_t len)
{
	while (len > 0) {
		const char *lf = memchr(text, '\n', len);
		size_t n = lf ? (size_t)(lf - text) : len;
		cleanup_free char *safe = malloc(n * ESCAPE_GROWTH + 1);

		if (!safe)
			return;
		escape_text(safe, n * ESCAPE_GROWTH + 1, text, n);
		(void)fputs(safe, out);
		view->in_line = n > 0 || view->in_line;
		if (!lf)
			break;
		(void)fputc('\n', out);
		view->in_line = false;
		text += n + 1;
		len -= n + 1;
	}
	(void)fflush(out);
}

/* What stands on a line of its own begins after this. */
static void end_line(struct agent_view *view)
{
	if (view->in_line)
		(void)fputc('\n', view->said == MODEL_DELTA_TEXT ? stdout : stderr);
	(void)fflush(stdout);
	view->in_line = false;
}

void agent_view_delta(struct agent_view *view, enum model_delta kind, const char *text, size_t len)
{
	if (!view->live || (kind != MODEL_DELTA_TEXT && kind != MODEL_DELTA_REASONING))
		return;
	if (kind == MODEL_DELTA_REASONING && view->quiet)
		return;
	if (kind != view->said) {
		end_line(view);
		view->said = kind;
		if (kind == MODEL_DELTA_REASONING)
			(void)fputs("(thinks) ", stderr);
	}
	put_text(view, kind == MODEL_DELTA_TEXT ? stdout : stderr, text, len);
}

void agent_view_again(struct agent_view *view, uint64_t wait_ms, const char *why)
{
	end_line(view);
	if (!view->json)
		cli_note("the model did not answer to the end (%s); again in %.1f s", why,
			 (double)wait_ms / 1000);
}

/* The first string that says most of a call of ours; of others, all arguments. */
void agent_view_call_text(const json_t *call, char ret[AGENT_SHOWN_MAX_B])
{
	static const char *const telling[] = {"command", "pattern", "path"};
	const char *name = json_string_value(json_object_get(call, "name")), *shown = NULL;
	const char *text = json_string_value(json_object_get(call, "arguments"));
	cleanup(json_decrefp) json_t *arguments = model_call_arguments(call, NULL);
	char joined[2 * AGENT_SHOWN_MAX_B];
	int n;

	if (tools_find(name) < TOOL_KIND_MAX) {
		for (size_t i = 0; !shown && i < ARRAY_SIZE(telling); i++)
			shown = json_string_value(json_object_get(arguments, telling[i]));
	}
	n = snprintf(joined, sizeof(joined), "%s %s", name, shown ? shown : text);
	if ((size_t)n >= sizeof(joined))
		n = sizeof(joined) - 1;
	escape_text(ret, AGENT_SHOWN_MAX_B, joined, (size_t)n);
	if (strlen(ret) + 8 >= AGENT_SHOWN_MAX_B)
		memcpy(ret + AGENT_SHOWN_MAX_B - 8, "...", 4);
}

void agent_view_call(struct agent_view *view, const json_t *call)
{
	char text[AGENT_SHOWN_MAX_B];

	view->line_len = view->n_lines = 0;
	view->any_output = false;
	if (view->json || view->quiet)
		return;
	end_line(view);
	agent_view_call_text(call, text);
	(void)fprintf(stderr, "* %s\n", text);
}

static void fold_line(struct agent_view *view)
{
	char text[AGENT_SHOWN_MAX_B];

	if (++view->n_lines <= AGENT_FOLD_LINES) {
		escape_text(text, sizeof(text), view->line, view->line_len);
		(void)fprintf(stderr, "  | %s\n", text);
	}
	view->line_len = 0;
}

static void fold(struct agent_view *view, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n')
			fold_line(view);
		else if (view->line_len < sizeof(view->line))
			view->line[view->line_len++] = data[i];
	}
}

void agent_view_output(struct agent_view *view, const void *data, size_t len)
{
	if (view->json || view->quiet)
		return;
	view->any_output = true;
	fold(view, data, len);
}

void agent_view_progress(struct agent_view *view, const char *message)
{
	if (view->json || view->quiet)
		return;
	fold(view, message, strlen(message));
	fold_line(view);
}

static void show_result(struct agent_view *view, const struct agent_event *event)
{
	size_t len = strlen(event->text);
	const char *last = memrchr(event->text, '\n', len);

	/* Of what was shown as it came only how it ended is left to say. */
	if (!view->any_output)
		fold(view, event->text, len);
	if (view->line_len > 0)
		fold_line(view);
	if (view->n_lines > AGENT_FOLD_LINES)
		(void)fprintf(stderr, "  | (+%zu lines)\n", view->n_lines - AGENT_FOLD_LINES);
	if (!view->any_output || !event->failed)
		return;
	view->n_lines = 0;
	fold(view, last ? last + 1 : event->text, strlen(last ? last + 1 : event->text));
	fold_line(view);
}

static void show_reply(struct agent_view *view, const struct model_reply *reply)
{
	const json_t *text = json_object_get(reply->message, "text");
	size_t len = json_string_length(text);

	if (!view->live && len > 0) {
		view->said = MODEL_DELTA_TEXT;
		put_text(view, stdout, json_string_value(text), len);
	}
	end_line(view);
	view->said = MODEL_DELTA_TEXT;
}

static void print_json(const char *line)
{
	cleanup(json_decrefp) json_t *json =
		json_loads(line, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);

	(void)json_dumpf(json, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	(void)fputc('\n', stdout);
	(void)fflush(stdout);
}

void agent_view_event(struct agent_view *view, const struct agent_event *event,
		      const struct agent_effect *effect, const char *line)
{
	if (view->json) {
		print_json(line);
		return;
	}
	if (event->kind == AGENT_EVENT_REPLY)
		show_reply(view, event->reply);
	else if (event->kind == AGENT_EVENT_RESULT && !view->quiet)
		show_result(view, event);
	else
		end_line(view);
	if (event->kind == AGENT_EVENT_MODEL_FAILED || event->kind == AGENT_EVENT_SERVER_LOST)
		(void)fprintf(stderr, "ironclaw: %s\n", event->text);
	if (effect->stop > AGENT_STOP_DONE)
		cli_note("stopped: %s", agent_stop_text(effect->stop));
}

int agent_exit_code(enum agent_stop stop)
{
	switch (stop) {
	case AGENT_STOP_NONE:
	case AGENT_STOP_DONE:
		return CLI_EXIT_OK;
	case AGENT_STOP_MODEL_FAILED:
	case AGENT_STOP_VM_LOST:
	case AGENT_STOP_SERVER_LOST:
		return CLI_EXIT_RUN_FAILED;
	case AGENT_STOP_INTERRUPTED:
		return 130;
	case AGENT_STOP_REFUSED:
	case AGENT_STOP_CUT_OFF:
	case AGENT_STOP_ITERATIONS:
	case AGENT_STOP_TOKENS:
	case AGENT_STOP_TIME:
	case AGENT_STOP_VM_TIME:
	case AGENT_STOP_MAX:
	default:
		return AGENT_EXIT_STOPPED;
	}
}
