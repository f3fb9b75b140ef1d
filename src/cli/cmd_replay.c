/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_replay.c - `ironclaw replay`: the decisions of a recorded session, made once more. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "cli/agent.h"
#include "cli/cli.h"

static const char help[] =
	"usage: ironclaw replay FILE [-q]\n"
	"\n"
	"Feeds what happened in a recorded session to the agent loop once more, without a model "
	"and\n"
	"without a VM, and shows what it decides. Fails at the first difference from what was\n"
	"recorded.\n"
	"\n"
	"  -q, --quiet            only whether it is the same\n"
	"\n"
	"Exit code: 0 when all is the same; 1 when something differs or the file is no record; 2 "
	"for\n"
	"a wrong call.\n";

struct show {
	bool quiet;
	size_t decisions;
};

static void put(const char *text, size_t len)
{
	char shown[AGENT_SHOWN_MAX_B];

	escape_text(shown, sizeof(shown), text, len);
	(void)printf(" %s", shown);
}

/* As much of what happened as fits on a line. */
static void put_event(const struct agent_event *e)
{
	const json_t *calls, *call, *text;
	size_t i;

	(void)printf("%s", agent_event_name(e->kind));
	if (e->text)
		put(e->text, strcspn(e->text, "\n"));
	if (e->kind == AGENT_EVENT_RESULT && e->failed)
		(void)printf(" (failed)");
	if (e->kind != AGENT_EVENT_REPLY)
		return;
	text = json_object_get(e->reply->message, "text");
	if (json_string_length(text) > 0)
		put(json_string_value(text), strcspn(json_string_value(text), "\n"));
	calls = json_object_get(e->reply->message, "calls");
	json_array_foreach(calls, i, call)
	{
		char shown[AGENT_SHOWN_MAX_B];

		agent_view_call_text(call, shown);
		(void)printf("\n        call %zu: %s", i, shown);
	}
}

static void show_line(void *ud, const struct replay *replay, const struct record_line *line)
{
	struct show *show = ud;
	const struct agent_effect *effect = &line->effect;
	const char *model;

	show->decisions += !line->settings;
	if (show->quiet)
		return;
	(void)printf("%5zu   ", replay->lines);
	if (line->settings) {
		model = json_string_value(json_object_get(line->settings, "model"));
		(void)printf("session");
		put(model ? model : "?", strlen(model ? model : "?"));
		(void)printf("\n");
		return;
	}
	put_event(&line->event);
	(void)printf("\n        -> %s", agent_effect_name(effect->kind));
	if (effect->kind == AGENT_EFFECT_RUN_CALL)
		(void)printf(" %zu", effect->call);
	if (effect->stop)
		(void)printf(": %s", agent_stop_text(effect->stop));
	(void)printf("\n");
}

int cmd_replay(int argc, char **argv)
{
	static const struct option longs[] = {{"quiet", no_argument, NULL, 'q'},
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	cleanup(replay_done) struct replay replay = {.lines = 0};
	struct show show = {.quiet = false};
	struct ironclaw_error err = {0};
	cleanup_free char *text = NULL;
	size_t len;
	int c;

	optind = 1;
	while ((c = cli_getopt(argc, argv, ":qh", longs)) != -1) {
		if (c == '?')
			return CLI_EXIT_USAGE;
		if (c == 'h')
			return cli_help(help);
		show.quiet = true;
	}
	if (argc - optind != 1)
		return cli_usage_error(argv[0], "which record? it takes one FILE");
	if (record_read(argv[optind], &text, &len, &err) < 0 ||
	    replay_lines(&replay, text, len, show_line, &show, &err) < 0)
		return cli_fail(&err, CLI_EXIT_FAILED);
	(void)printf("the same %zu decisions as recorded\n", show.decisions);
	return CLI_EXIT_OK;
}
