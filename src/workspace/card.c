/* SPDX-License-Identifier: Apache-2.0 */
/* card.c - changes for a terminal; see card.h. */
#include "workspace/card.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/utf8.h"
#include "workspace/content.h"
#include "workspace/sides.h"

#define PIECE_B 256U

static const char *const kinds[CHANGE_KINDS] = {
	[CHANGE_CREATED] = "created", [CHANGE_EDITED] = "edited",   [CHANGE_MODE] = "mode",
	[CHANGE_TYPE] = "replaced",   [CHANGE_DELETED] = "deleted",
};

static const char *const risks[RISK_KINDS] = {
	[RISK_NONE] = "none",		[RISK_EXECUTABLE] = "executable", [RISK_TOOL] = "tool",
	[RISK_AUTOMATIC] = "automatic", [RISK_LINK_OUT] = "link-out",
};

const char *card_kind(enum change_kind kind)
{
	return kinds[kind];
}

const char *card_risk(enum change_risk risk)
{
	return risks[risk];
}

/* How much of @text may be taken without cutting a character in two. */
static size_t piece_of(const char *text, size_t len)
{
	size_t n = len < PIECE_B ? len : PIECE_B;
	uint32_t cp;

	if (n == len)
		return n;
	for (size_t back = 1; back <= 3; back++) {
		if (utf8_decode(text + n - back, len - (n - back), &cp) > back)
			return n - back;
	}
	return n;
}

void card_put(FILE *out, const char *text, size_t len)
{
	char escaped[4 * PIECE_B + 1];

	while (len > 0) {
		size_t n = piece_of(text, len);
		const char *backslash = memchr(text, '\\', n);

		if (backslash == text) {
			(void)fputs("\\\\", out);
			text++;
			len--;
			continue;
		}
		n = backslash ? (size_t)(backslash - text) : n;
		escape_text(escaped, sizeof(escaped), text, n);
		(void)fputs(escaped, out);
		text += n;
		len -= n;
	}
}

static void put_path(FILE *out, const struct change *change)
{
	card_put(out, change->path, strlen(change->path));
	if (change->after ? change->after->type == TAR_DIR : change->before->type == TAR_DIR)
		(void)fputc('/', out);
}

/* Letters beyond ASCII as numbers: a name that only looks like another one is told from it. */
static void put_codes(FILE *out, const char *name)
{
	for (size_t take; *name; name += take) {
		uint32_t cp = 0;

		take = utf8_decode(name, strlen(name), &cp);
		if (take > 1)
			(void)fprintf(out, "\\u{%x}", (unsigned int)cp);
		else
			card_put(out, name, take = 1);
	}
}

static const char *type_name(enum tar_type type)
{
	return type == TAR_DIR ? "folder" : type == TAR_LINK ? "link" : "file";
}

static void put_details(FILE *out, const struct change *change)
{
	const struct base_entry *before = change->before;
	const struct stage_entry *after = change->after;

	if (before && after && before->type != after->type)
		(void)fprintf(out, "  (a %s was a %s)", type_name(after->type),
			      type_name(before->type));
	if (before && after && before->mode != change->mode && after->type != TAR_LINK &&
	    before->type != TAR_LINK)
		(void)fprintf(out, "  (mode %03o, was %03o)", change->mode, before->mode);
	else if (!before && after->type != TAR_LINK)
		(void)fprintf(out, "  (mode %03o)", change->mode);
	if (change->had_special_mode)
		(void)fputs("  (setuid, setgid or sticky is dropped)", out);
	if (after && after->type == TAR_LINK) {
		(void)fputs(" -> ", out);
		card_put(out, after->link, strlen(after->link));
	} else if (after && after->type == TAR_FILE) {
		(void)fprintf(out, "  (%" PRIu64 " bytes", after->size);
		if (before && before->type == TAR_FILE && before->size != after->size)
			(void)fprintf(out, ", had %" PRIu64, before->size);
		(void)fputc(')', out);
	}
	if (change->odd_name) {
		(void)fputs("  (the name is not plain ASCII: ", out);
		put_codes(out, change->path);
		(void)fputc(')', out);
	}
}

static void put_change(FILE *out, size_t index, const struct change *change)
{
	(void)fprintf(out, "%s %4zu  %-8s  ", change->selected ? "[x]" : "[ ]", index + 1,
		      kinds[change->kind]);
	put_path(out, change);
	put_details(out, change);
	(void)fputc('\n', out);
}

static void put_risks(FILE *out, const struct changes *changes)
{
	size_t n = 0;

	for (size_t i = 0; i < changes->n; i++)
		n += changes->changes[i].risk != RISK_NONE;
	if (n == 0)
		return;
	(void)fprintf(out, "%zu of them may act on this host later:\n", n);
	for (size_t i = 0; i < changes->n; i++) {
		const struct change *change = &changes->changes[i];

		if (change->risk == RISK_NONE)
			continue;
		(void)fprintf(out, "  ! %4zu  ", i + 1);
		put_path(out, change);
		(void)fprintf(out, ": %s\n", change->why);
	}
}

void card_text(FILE *out, const struct changes *changes)
{
	size_t selected = 0;

	(void)fprintf(out, "%zu changes", changes->n);
	for (int kind = CHANGE_CREATED; kind < CHANGE_KINDS; kind++) {
		if (changes->counts[kind] > 0)
			(void)fprintf(out, ", %u %s", changes->counts[kind], kinds[kind]);
	}
	for (size_t i = 0; i < changes->n; i++)
		selected += changes->changes[i].selected;
	(void)fprintf(out, "; %zu chosen\n", selected);
	if (changes->left_out > 0)
		(void)fprintf(out,
			      "%u more are in paths that the workspace leaves out: never applied\n",
			      changes->left_out);
	put_risks(out, changes);
	for (size_t i = 0; i < changes->n; i++)
		put_change(out, i, &changes->changes[i]);
}

static int put_hunk(void *ctx, size_t a_from, size_t a_n, size_t b_from, size_t b_n)
{
	(void)fprintf(ctx, "@@ -%zu,%zu +%zu,%zu @@\n", a_from, a_n, b_from, b_n);
	return 0;
}

static int put_line(void *ctx, char mark, const char *text, size_t len, bool has_newline)
{
	(void)fputc(mark, ctx);
	card_put(ctx, text, len);
	(void)fputc('\n', ctx);
	if (!has_newline)
		(void)fputs("\\ No newline at end of file\n", ctx);
	return 0;
}

static void put_digest(FILE *out, const char *side, uint64_t size, const uint8_t digest[DIGEST_B])
{
	char hex[DIGEST_HEX_B + 1];

	(void)sodium_bin2hex(hex, sizeof(hex), digest, DIGEST_B);
	(void)fprintf(out, "%s %" PRIu64 " bytes, %s %s\n", side, size,
		      size > CONTENT_PLAIN_MAX_B ? "digest by pages" : "sha256", hex);
}

static void put_binary(FILE *out, const struct change *change)
{
	if (change->before && change->before->type == TAR_FILE)
		put_digest(out, "-", change->before->size, change->before->digest);
	if (change->after && change->after->type == TAR_FILE)
		put_digest(out, "+", change->after->size, change->after->digest);
}

void card_change(FILE *out, const struct changes *changes, size_t index)
{
	const struct change *change = &changes->changes[index];

	put_change(out, index, change);
	if (change->risk != RISK_NONE)
		(void)fprintf(out, "  ! %s\n", change->why);
}

int card_diff(FILE *out, const struct changes *changes, size_t index, struct ironclaw_error *err)
{
	const struct change *change = &changes->changes[index];
	const struct diff_sink sink = {put_hunk, put_line, out};
	cleanup(sides_done) struct sides sides = {.is_text = false};
	int r;

	card_change(out, changes, index);
	if (change->kind == CHANGE_MODE)
		return 0;
	r = sides_load(changes, change, &sides);
	if (r == -ESTALE) {
		(void)fputs("  the host's file is not what was copied any more\n", out);
		return err_set(err, IRONCLAW_ERR_BUSY, ESTALE,
			       "'%s' is not what was copied any more", change->path);
	}
	if (r < 0)
		return err_sys(err, -r, "cannot read '%s'", change->path);
	if (!sides.is_text) {
		put_binary(out, change);
		return 0;
	}
	r = diff_run(&sides.before, &sides.after, &sink, NULL, NULL);
	return r < 0 ? err_sys(err, -r, "cannot compare '%s'", change->path) : 0;
}

static void put_state(FILE *out, const char *who, const struct change *change)
{
	const struct base_entry *before = change->before;
	const struct stage_entry *after = change->after;

	if (who[0] == 'c' && before)
		(void)fprintf(out, "    %s a %s, %" PRIu64 " bytes, mode %03o\n", who,
			      type_name(before->type), before->size, before->mode);
	else if (who[0] == 'c')
		(void)fprintf(out, "    %s nothing\n", who);
	else if (after)
		(void)fprintf(out, "    %s a %s, %" PRIu64 " bytes, mode %03o\n", who,
			      type_name(after->type), after->size, change->mode);
	else
		(void)fprintf(out, "    %s deleted\n", who);
}

void card_conflicts(FILE *out, const struct apply_result *result)
{
	const size_t n = result->n_conflicts < APPLY_CONFLICTS_MAX ? result->n_conflicts
								   : APPLY_CONFLICTS_MAX;

	for (size_t i = 0; i < n; i++) {
		const struct conflict *conflict = &result->conflicts[i];

		(void)fputs("  ", out);
		put_path(out, conflict->change);
		(void)fputc('\n', out);
		put_state(out, "copied:", conflict->change);
		(void)fprintf(out, "    here:   %s\n", conflict->host);
		put_state(out, "in VM:", conflict->change);
	}
	if (n < result->n_conflicts)
		(void)fprintf(out, "  and %zu more\n", result->n_conflicts - n);
}
