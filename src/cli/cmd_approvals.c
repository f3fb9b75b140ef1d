/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_approvals.c - `ironclaw approvals`: the questions that wait for a person. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "approval/ask.h"
#include "approval/queue.h"
#include "base/cleanup.h"
#include "base/escape.h"
#include "cli/cli.h"
#include "codec/json_write.h"

static const char help[] =
	"usage: ironclaw approvals ls [--json]\n"
	"       ironclaw approvals show ID [--json]\n"
	"       ironclaw approvals approve ID [--yes]\n"
	"       ironclaw approvals reject ID\n\n"
	"Actions outside of a VM that wait for an approval. An ID is given in full; the first\n"
	"answer counts, is good for exactly what was shown, once, and only while it waits.\n"
	"A critical one is shown and asked about once more, at the terminal, unless --yes is "
	"given.\n";

enum { OPTION_JSON = 256, OPTION_YES };

static int exit_code(const struct ironclaw_error *err)
{
	return err->code == IRONCLAW_ERR_INVALID ? CLI_EXIT_USAGE : CLI_EXIT_FAILED;
}

static void write_entry(struct json_writer *w, const struct queue_entry *e, bool with_card)
{
	json_write_open_object(w, NULL);
	json_write_string(w, "id", e->id);
	json_write_string(w, "kind", e->kind);
	json_write_string(w, "risk", e->risk);
	json_write_string(w, "target", e->target);
	json_write_string(w, "asked", e->asked);
	json_write_u64(w, "pid", e->pid);
	json_write_string(w, "sha256", e->digest);
	if (with_card) {
		json_write_string(w, "description", e->description);
		json_write_open_array(w, "lines");
		for (size_t i = 0; i < e->n_lines; i++)
			json_write_string(w, NULL, e->lines[i]);
		json_write_close_array(w);
	}
	json_write_close_object(w);
}

static int add_row(struct cli_table *table, const struct queue_entry *e)
{
	const char *cells[] = {e->id, e->asked, e->risk, e->kind, e->target};

	return cli_table_add(table, cells);
}

static int list(const struct paths *paths, bool json, struct ironclaw_error *err)
{
	static const char *const headers[] = {"ID", "ASKED", "RISK", "KIND", "TARGET"};
	cleanup(cli_table_done) struct cli_table table;
	cleanup_free char(*ids)[APPROVAL_ID_B + 1] = NULL;
	struct json_writer w;
	size_t n;
	int r = queue_list(paths, &ids, &n, err);

	cli_table_init(&table, headers, ARRAY_SIZE(headers));
	if (r < 0)
		return r;
	if (json) {
		json_write_begin(&w, stdout);
		json_write_open_array(&w, NULL);
	}
	for (size_t i = 0; i < n && r >= 0; i++) {
		cleanup(queue_entry_done) struct queue_entry entry = {.n_lines = 0};

		/* One that was answered meanwhile is left out. */
		if (queue_find(paths, ids[i], &entry, NULL) < 0)
			continue;
		if (json)
			write_entry(&w, &entry, false);
		else if (add_row(&table, &entry) < 0)
			r = err_sys(err, ENOMEM, "cannot list the approvals");
	}
	if (r < 0)
		return r;
	if (!json) {
		cli_table_print(&table);
		return 0;
	}
	json_write_close_array(&w);
	return json_write_end(&w);
}

/*
 * -1 to go on, else the exit code.
 * @flag: the one option that there is, or NULL; @ret_id: NULL for none
 */
static int parse(int argc, char **argv, const struct option *flag, bool *ret_flag,
		 const char **ret_id)
{
	const struct option longs[] = {{"help", no_argument, NULL, 'h'},
				       flag ? *flag : (struct option){NULL, 0, NULL, 0},
				       {NULL, 0, NULL, 0}};
	int c;

	while ((c = cli_getopt(argc, argv, ":h", longs)) != -1) {
		if (c == 'h')
			return cli_help(help);
		if (c == '?')
			return CLI_EXIT_USAGE;
		*ret_flag = true;
	}
	if (ret_id && optind == argc)
		return cli_usage_error(argv[0], "say which: an ID of 'ironclaw approvals ls'");
	if (ret_id)
		*ret_id = argv[optind++];
	if (optind < argc)
		return cli_usage_error(argv[0], "unexpected argument '%s'", argv[optind]);
	return -1;
}

static const struct option json_flag = {"json", no_argument, NULL, OPTION_JSON};
static const struct option yes_flag = {"yes", no_argument, NULL, OPTION_YES};

static int ls_command(int argc, char **argv, const struct paths *paths)
{
	struct ironclaw_error err = {0};
	bool json = false;
	int r = parse(argc, argv, &json_flag, &json, NULL);

	if (r >= 0)
		return r;
	return list(paths, json, &err) < 0 ? cli_fail(&err, exit_code(&err)) : CLI_EXIT_OK;
}

/* A row of the card: what has the margin is what somebody else wrote. */
static int print_line(const char *text)
{
	size_t size = ESCAPE_GROWTH * strlen(text) + 1;
	cleanup_free char *shown = malloc(size);

	if (!shown)
		return -ENOMEM;
	escape_text(shown, size, text, strlen(text));
	(void)printf("| %s\n", shown);
	return 0;
}

static int print_entry(const struct queue_entry *e)
{
	char target[2 * ESCAPE_GROWTH * APPROVAL_TARGET_MAX_B], kind[128], risk[64], asked[128];
	int r;

	escape_name(target, sizeof(target), e->target, strlen(e->target));
	escape_text(kind, sizeof(kind), e->kind, strlen(e->kind));
	escape_text(risk, sizeof(risk), e->risk, strlen(e->risk));
	escape_text(asked, sizeof(asked), e->asked, strlen(e->asked));
	(void)printf("id      %s\nsha256  %s\nkind    %s\nrisk    %s\ntarget  %s\nasked   %s\n",
		     e->id, e->digest, kind, risk, target, asked);
	r = print_line(e->description);
	for (size_t i = 0; r == 0 && i < e->n_lines; i++)
		r = print_line(e->lines[i]);
	return r;
}

static int show_command(int argc, char **argv, const struct paths *paths)
{
	cleanup(queue_entry_done) struct queue_entry entry = {.n_lines = 0};
	struct ironclaw_error err = {0};
	const char *id = NULL;
	bool json = false;
	int r = parse(argc, argv, &json_flag, &json, &id);

	if (r >= 0)
		return r;
	if (queue_find(paths, id, &entry, &err) < 0)
		return cli_fail(&err, exit_code(&err));
	if (json) {
		struct json_writer w;

		json_write_begin(&w, stdout);
		write_entry(&w, &entry, true);
		r = json_write_end(&w);
	} else {
		r = print_entry(&entry);
	}
	return r < 0 ? CLI_EXIT_FAILED : CLI_EXIT_OK;
}

/* What cannot be taken back is shown once more, to its end, and the whole word is typed. */
static int confirm(const struct queue_entry *e, struct ironclaw_error *err)
{
	static const char *const choices[] = {"approve", "no", NULL};
	char target[2 * ESCAPE_GROWTH * APPROVAL_TARGET_MAX_B], title[sizeof(target) + 64];
	char terminal[ASK_TERMINAL_MAX_B];
	const struct ask_question question = {.title = title,
					      .description = e->description,
					      .lines = (const char *const *)e->lines,
					      .n_lines = e->n_lines,
					      .choices = choices,
					      .critical = true,
					      .timeout_ms = APPROVAL_TIMEOUT_MS};
	size_t choice = 1;
	int r;

	escape_name(target, sizeof(target), e->target, strlen(e->target));
	(void)snprintf(title, sizeof(title), "[%s] %s: %s", e->risk, e->kind, target);
	r = ask_choice(&question, &choice, terminal, err);
	if (r == 0 && choice != 0)
		r = err_set(err, IRONCLAW_ERR_CANCELLED, ECANCELED, "no");
	if (r < 0)
		err_prefix(err, "not approved, it waits yet");
	if (r == -ENOTTY)
		err_hint(err, "it is %s: read it with 'ironclaw approvals show', then add --yes",
			 e->risk);
	return r;
}

/* What is not known to be less than critical is taken for it. */
static bool is_critical(const struct queue_entry *e)
{
	return strcmp(e->risk, approval_risk_name(APPROVAL_HIGH)) != 0 &&
	       strcmp(e->risk, approval_risk_name(APPROVAL_MEDIUM)) != 0;
}

static int answer(int argc, char **argv, const struct paths *paths, bool yes)
{
	cleanup(queue_entry_done) struct queue_entry entry = {.n_lines = 0};
	const char *id = NULL, *terminal;
	struct ironclaw_error err = {0};
	struct approval_by by;
	bool sure = false;
	int r = parse(argc, argv, yes ? &yes_flag : NULL, &sure, &id);

	if (r >= 0)
		return r;
	terminal = ttyname(STDIN_FILENO);
	by = approval_by_caller(APPROVAL_BY_QUEUE, terminal ? terminal : "no terminal");
	if (queue_find(paths, id, &entry, &err) < 0 ||
	    (yes && !sure && is_critical(&entry) && confirm(&entry, &err) < 0) ||
	    queue_answer(paths, &entry, yes, &by, &err) < 0)
		return cli_fail(&err, exit_code(&err));
	(void)printf("%s %s\n", yes ? "approved" : "rejected", entry.id);
	return CLI_EXIT_OK;
}

static int approve_command(int argc, char **argv, const struct paths *paths)
{
	return answer(argc, argv, paths, true);
}

static int reject_command(int argc, char **argv, const struct paths *paths)
{
	return answer(argc, argv, paths, false);
}

int cmd_approvals(int argc, char **argv)
{
	static const struct cli_verb verbs[] = {{"ls", ls_command},
						{"show", show_command},
						{"approve", approve_command},
						{"reject", reject_command},
						{NULL, NULL}};

	return cli_run_verb(argc, argv, verbs, help);
}
