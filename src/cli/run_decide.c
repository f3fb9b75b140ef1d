/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_decide.c - what of a workspace's changes is kept: card, question, apply; see run_workspace.h.
 *
 * Who decides, in this order: a rule of the policy that denies; --discard; --apply; a rule that
 * allows; --queue (`ironclaw approvals` elsewhere); a person at our terminal. Without any of these
 * nothing is kept, and that is said.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "approval/ask.h"
#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/run_workspace.h"
#include "workspace/card.h"
#include "workspace/gated.h"
#include "workspace/patch.h"

#define PATCH_NAMES_MAX 100U

/* A question, and what is shown before it. */
struct view {
	const char *title;
	const char *const *choices;
	bool critical;
	enum card_part part;
	size_t index; /* of the change */
};

/*
 * @ret: index into the choices. Return: as ask_choice(); -ENODATA for a `q` between two pages, and
 * for what cannot be shown, which is said
 */
static int ask(const struct changes *changes, const struct view *view, size_t *ret,
	       char terminal[ASK_TERMINAL_MAX_B], struct ironclaw_error *err)
{
	cleanup(card_rows_done) struct card_rows rows;
	int r = card_rows_make(changes, view->part, view->index, &rows, err);
	const struct ask_question question = {.title = view->title,
					      .lines = rows.lines,
					      .n_lines = rows.n,
					      .choices = view->choices,
					      .critical = view->critical,
					      .timeout_ms = APPROVAL_TIMEOUT_MS};

	if (r == 0)
		return ask_choice(&question, ret, terminal, err);
	(void)fprintf(stderr, "ironclaw: %s\n", err->text);
	return -ENODATA;
}

/* Each change for itself. */
static int choose(struct changes *changes, char terminal[ASK_TERMINAL_MAX_B],
		  struct ironclaw_error *err)
{
	static const char *const choices[] = {"yes", "no", "show", "done", NULL};
	enum { YES, NO, SHOW, DONE };
	bool diff = false;

	changes_select_all(changes, false);
	for (size_t i = 0; i < changes->n;) {
		char title[64];
		size_t answer;
		int r;

		(void)snprintf(title, sizeof(title), "%zu of %zu", i + 1, changes->n);
		r = ask(changes,
			&(struct view){.title = title,
				       .choices = choices,
				       .part = diff ? CARD_DIFF : CARD_CHANGE,
				       .index = i},
			&answer, terminal, err);
		if (r == -ENODATA && diff) {
			diff = false;
			continue;
		}
		if (r < 0)
			return r;
		diff = answer == SHOW;
		if (answer == DONE)
			return 0;
		if (answer == YES || answer == NO)
			changes_select(changes, i, answer == YES);
		i += answer == YES || answer == NO;
	}
	return 0;
}

/* Both ways to save are of what is chosen. @fd: of @path, made for this; -EBADF afterwards */
static int save(const struct changes *changes, int *fd, const char *path, bool patch,
		struct ironclaw_error *err)
{
	size_t left_out = 0;
	FILE *out;
	int r;

	if (!patch) {
		r = patch_archive(*fd, changes, &left_out, err);
	} else {
		out = fdopen(dup(*fd), "w");
		if (!out)
			return err_sys(err, errno, "cannot write '%s'", path);
		r = patch_write(out, changes, &left_out, err);
		if (fclose(out) != 0 && r == 0)
			r = err_sys(err, errno, "cannot write '%s'", path);
	}
	if (r < 0)
		return r;
	close_fd(fd);
	cli_note("the changes are in '%s'", path);
	if (left_out > 0)
		cli_note("%zu of them are not: %s", left_out,
			 patch ? "a patch holds no binary files and no bare folders"
			       : "an archive holds no deletions");
	return 0;
}

static int apply(struct run_workspace *rw, const struct approval_gate *gate,
		 const struct approval_grant *grant, bool json, struct ironclaw_error *err)
{
	int r = gated_apply(gate, grant, rw->changes, &rw->applied, err);

	if (r == -ESTALE && !json)
		card_conflicts(stderr, &rw->applied);
	if (rw->applied.applied > 0)
		rw->decision = "applied";
	if (r < 0)
		return r;
	cli_note("%zu changes applied to '%s'", rw->applied.applied, rw->changes->ws->root);
	if (rw->applied.n_relinked > 0)
		cli_note("%zu files had other names, which keep the old content",
			 rw->applied.n_relinked);
	return 0;
}

/* Whoever said it, said yes to what is chosen now. */
static int approve(struct run_workspace *rw, const struct approval_gate *gate,
		   const struct approval_by *by, bool json, struct ironclaw_error *err)
{
	cleanup(gated_changes_free) struct gated_changes gated;
	struct approval_grant grant;
	int r = gated_changes_make(rw->changes, &gated);

	if (r < 0)
		return err_sys(err, -r, "no room for the paths of the changes");
	(void)snprintf(rw->by, sizeof(rw->by), "%s %s", by->user, by->detail);
	r = approval_grant(gate, &gated.action, by, &grant, err);
	return r < 0 ? r : apply(rw, gate, &grant, json, err);
}

static int refuse(struct run_workspace *rw, const struct approval_gate *gate,
		  const struct approval_by *by, const char *why, struct ironclaw_error *err)
{
	cleanup(gated_changes_free) struct gated_changes gated;
	int r = gated_changes_make(rw->changes, &gated);

	if (r < 0)
		return err_sys(err, -r, "no room for the paths of the changes");
	r = approval_refuse(gate, &gated.action, by, why, err);
	if (r != -EPERM)
		return r;
	err_clear(err);
	rw->decision = "discarded";
	(void)snprintf(rw->by, sizeof(rw->by), "%s %s", by->user, by->detail);
	cli_note("the changes were discarded (%s); '%s' is as it was", why, rw->changes->ws->root);
	return 0;
}

/* By the policy, or through the queue. */
static int obtain(struct run_workspace *rw, const struct approval_gate *gate, enum approval_way way,
		  bool json, struct ironclaw_error *err)
{
	cleanup(gated_changes_free) struct gated_changes gated = {.paths = NULL};
	cleanup(card_rows_done) struct card_rows rows;
	struct approval_grant grant;
	/* Whoever answers elsewhere has nothing else to look at. */
	int r = card_rows_make(rw->changes, way == APPROVAL_ASK_QUEUE ? CARD_ALL : CARD_OVERVIEW, 0,
			       &rows, err);
	const struct approval_card card = {.description = rw->changes->ws->root,
					   .lines = rows.lines,
					   .n_lines = rows.n};

	if (r == 0 && gated_changes_make(rw->changes, &gated) < 0)
		r = err_sys(err, ENOMEM, "no room for the changes");
	if (r < 0)
		return r;
	if (way == APPROVAL_ASK_QUEUE)
		cli_note("waiting for `ironclaw approvals`");
	r = approval_obtain(gate, &gated.action, &card, way, &grant, err);
	if (r == -EPERM) {
		rw->decision = "discarded";
		err_prefix(err, "the changes were discarded");
		/* Somebody counts on them. */
		if (rw->args->apply || rw->args->queue)
			return r;
		cli_note("%s", err->text);
		err_clear(err);
		return 0;
	}
	(void)snprintf(rw->by, sizeof(rw->by), "%s",
		       way == APPROVAL_ASK_QUEUE ? "queue" : "policy");
	return r < 0 ? r : apply(rw, gate, &grant, json, err);
}

/* Under a name of its own, whatever is there. A failure is said, and the question asked again. */
static void save_here(const struct run_workspace *rw, const char *vm_id)
{
	cleanup_close int fd = -EBADF;
	struct ironclaw_error err = {0};
	char path[128];

	for (unsigned int i = 1; fd < 0 && i <= PATCH_NAMES_MAX; i++) {
		(void)snprintf(path, sizeof(path), "ironclaw-%.64s-%u.patch", vm_id, i);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	if (fd < 0)
		(void)err_sys(&err, errno, "cannot make '%s'", path);
	else if (save(rw->changes, &fd, path, true, &err) < 0)
		(void)unlink(path);
	if (err.code)
		(void)fprintf(stderr, "ironclaw: %s\n", err.text);
}

/* At the terminal, until something ends it: what can be asked again is. */
static int converse(struct run_workspace *rw, const struct approval_gate *gate, bool critical,
		    struct ironclaw_error *err)
{
	static const char *const choices[] = {"apply", "choose", "show", "patch", "discard", NULL};
	enum { APPLY, CHOOSE, SHOW, PATCH, DISCARD };
	char terminal[ASK_TERMINAL_MAX_B] = "";
	bool diff = false;

	for (;;) {
		const struct view view = {"What the command changed", choices, critical,
					  diff ? CARD_DIFFS : CARD_OVERVIEW, 0};
		struct approval_by by;
		size_t answer = DISCARD;
		int r = ask(rw->changes, &view, &answer, terminal, err);

		/* Read enough of it. */
		if (r == -ENODATA && diff) {
			diff = false;
			continue;
		}
		if (r == 0 && answer == CHOOSE)
			r = choose(rw->changes, terminal, err);
		if (r == -ENOTTY)
			return r;
		by = approval_by_caller(APPROVAL_BY_TERMINAL, terminal);
		if (r == -ECANCELED || r == -ENODATA || r == -ETIMEDOUT || r == -EIO)
			return refuse(rw, gate, &by, ask_failure(r), err);
		if (r < 0)
			return r;
		if (answer == DISCARD)
			return refuse(rw, gate, &by, "denied", err);
		if (answer == APPLY) {
			r = approve(rw, gate, &by, false, err);
			if (r != -ESTALE)
				return r;
			(void)fprintf(stderr, "ironclaw: %s\n", err->text);
		}
		if (answer == PATCH)
			save_here(rw, gate->vm_id);
		diff = answer == SHOW;
	}
}

static int decide(struct run_workspace *rw, const struct approval_gate *gate, bool json,
		  struct ironclaw_error *err)
{
	cleanup(gated_changes_free) struct gated_changes gated;
	const struct run_workspace_args *args = rw->args;
	struct approval_verdict verdict;
	struct approval_by by;
	int r = gated_changes_make(rw->changes, &gated);

	if (r < 0)
		return err_sys(err, -r, "no room for the paths of the changes");
	verdict = approval_decide(gate->policy, time(NULL), &gated.action);
	by = approval_by_caller(APPROVAL_BY_FLAG, args->discard ? "--discard" : "--apply");
	if (args->discard)
		return refuse(rw, gate, &by, "denied", err);
	if (verdict.answer != APPROVAL_ASK)
		return obtain(rw, gate, APPROVAL_ASK_NOBODY, json, err);
	if (args->apply)
		return approve(rw, gate, &by, json, err);
	if (args->queue)
		return obtain(rw, gate, APPROVAL_ASK_QUEUE, json, err);
	if (!json) {
		r = converse(rw, gate, verdict.risk == APPROVAL_CRITICAL, err);
		if (r != -ENOTTY)
			return r;
		err_clear(err);
		card_text(stderr, rw->changes);
	}
	rw->decision = "nothing kept";
	cli_note(
		"nobody to ask: no change was kept; --apply, --queue or --changes FILE keeps them");
	return 0;
}

int run_workspace_decide(struct run_workspace *rw, struct audit_log *log, const char *vm_id,
			 bool json, struct ironclaw_error *err)
{
	const struct approval_gate gate = {.paths = &rw->paths,
					   .log = log,
					   .policy = rw->policy,
					   .vm_id = vm_id};
	int r = 0;

	if (rw->changes->left_out > 0)
		cli_note("%u changes in paths that the workspace leaves out are not kept",
			 rw->changes->left_out);
	if (rw->args->changes_file)
		r = save(rw->changes, &rw->changes_fd, rw->args->changes_file, false, err);
	if (r == 0 && rw->args->patch_file)
		r = save(rw->changes, &rw->patch_fd, rw->args->patch_file, true, err);
	if (r < 0)
		return r;
	if (rw->changes->n == 0) {
		rw->decision = "unchanged";
		cli_note("the workspace is unchanged");
		return 0;
	}
	return decide(rw, &gate, json, err);
}
