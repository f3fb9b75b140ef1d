/* SPDX-License-Identifier: Apache-2.0 */
/**
 * agent.h - the parts of `ironclaw agent`: what was asked for, and what is seen of it.
 */
#ifndef CLI_AGENT_H
#define CLI_AGENT_H

#include "agent/session.h"
#include "cli/vm_args.h"

#define AGENT_TASK_MAX_B   (1024U * 1024U) /* of a task, and of --system */
#define AGENT_SHOWN_MAX_B  200U		   /* of a call's arguments */
#define AGENT_FOLD_LINES   6U		   /* shown of an output; the rest is counted */
#define AGENT_EXIT_STOPPED 1		   /* a budget, or the model's own refusal */

/** What `ironclaw agent` and `ironclaw replay` are in the program that they become. */
int cmd_agent_loop(int argc, char **argv);
int cmd_replay(int argc, char **argv);

/** The command line; pointers lead into argv, but for task and system. */
struct agent_args {
	struct vm_args on;
	struct model_provider provider;
	const char *model;
	struct agent_limits limits;
	char *task;   /* owned; NULL: the user is asked */
	char *system; /* owned; NULL: nothing more than our own */
	const char *mcp_config, *record, *resume;
	bool json, quiet;
};

/**
 * agent_parse() - read the command line, and the files that it names.
 * @ret:	for agent_args_done()
 *
 * Return: -1 to go on, or the exit code
 */
int agent_parse(int argc, char **argv, struct agent_args *ret);
void agent_args_done(struct agent_args *args);

/**
 * What is shown of a session. The model's own words go to stdout, all else to stderr; with --json
 * each event's line of the record goes to stdout, and one with the end. All foreign text is
 * escaped.
 */
struct agent_view {
	bool json;
	bool live;  /* on a terminal: as it comes, with thoughts */
	bool quiet; /* the model's words only */
	/* Of what is being said. */
	enum model_delta said;
	bool in_line; /* the cursor is not at the beginning of a line */
	/* Of the output of the call that runs. */
	char line[AGENT_SHOWN_MAX_B];
	size_t line_len, n_lines;
	bool any_output;
};

void agent_view_event(struct agent_view *view, const struct agent_event *event,
		      const struct agent_effect *effect, const char *line);
void agent_view_delta(struct agent_view *view, enum model_delta kind, const char *text, size_t len);
void agent_view_again(struct agent_view *view, uint64_t wait_ms, const char *why);
void agent_view_call(struct agent_view *view, const json_t *call);
void agent_view_output(struct agent_view *view, const void *data, size_t len);
void agent_view_progress(struct agent_view *view, const char *message);

/** agent_view_call_text() - a call on one line, shortened and escaped. */
void agent_view_call_text(const json_t *call, char ret[AGENT_SHOWN_MAX_B]);

/** agent_exit_code() - what a stop is as an exit code. */
int agent_exit_code(enum agent_stop stop);

#endif
