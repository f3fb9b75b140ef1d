/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox_tool_results.c - what a client gets of a result.
 *
 * A result is a JSON object, sent twice: as structured content, and as text for clients that have
 * only that. It is made with a bound on its parts, measured, and made again with half the bound
 * when it is too long: what bytes become in JSON is not known before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "mcp/sandbox_tools_internal.h"
#include "workspace/card.h"

#define NOTE_MAX_B 128U

/* What an answer is made of; @bound: bytes of each text, or a number of entries */
struct source {
	const struct sandbox_result *result;
	const struct changes *changes;
	uint64_t offset;
	bool base64;
	/* Outputs that were kept; NULL: all of it is shown. */
	const struct kept_output *out, *err;
};

typedef json_t *(*make_fn)(const struct source *source, size_t bound);

/* Where @at can be cut so that no character is torn; looks back at most three bytes. */
static size_t cut_before(const char *data, size_t at)
{
	size_t back = 0;

	while (back < 3 && back < at && ((unsigned char)data[at - back] & 0xc0) == 0x80)
		back++;
	return ((unsigned char)data[at - back] & 0xc0) == 0x80 ? at : at - back;
}

/* Head and tail of a text, and between them how much is missing and where it is. */
static json_t *shorten(const char *data, size_t len, size_t bound, const struct kept_output *kept)
{
	cleanup_free char *text = NULL;
	size_t head, tail;
	int n;

	if (len <= bound)
		return mcp_string(data, len);
	head = cut_before(data, bound / 2);
	tail = cut_before(data, len - bound / 2);
	text = malloc(head + NOTE_MAX_B + len - tail);
	if (!text)
		return NULL;
	memcpy(text, data, head);
	n = snprintf(text + head, NOTE_MAX_B, "\n[... %zu bytes left out%s%s ...]\n", tail - head,
		     kept ? "; read them as resource " : "", kept ? kept->uri : "");
	memcpy(text + head + n, data + tail, len - tail);
	return mcp_string(text, head + (size_t)n + len - tail);
}

static void set_number(json_t *object, const char *name, uint64_t value)
{
	(void)json_object_set_new(object, name, json_integer((json_int_t)value));
}

static json_t *make_command(const struct source *source, size_t bound)
{
	const struct sandbox_result *r = source->result;
	const char *out = source->out ? source->out->data : r->out.data;
	const char *err = source->err ? source->err->data : r->err.data;
	json_t *answer =
		json_pack("{s:i, s:o, s:o, s:b, s:I, s:I, s:I}", "exit_code", r->exit_code,
			  "stdout", shorten(out, r->out.len, bound, source->out), "stderr",
			  shorten(err, r->err.len, bound / 2, source->err), "truncated",
			  r->out.truncated || r->err.truncated || r->out.len > bound ||
				  r->err.len > bound / 2,
			  "stdout_bytes", (json_int_t)r->out.total, "stderr_bytes",
			  (json_int_t)r->err.total, "duration_ms", (json_int_t)(r->took_us / 1000));

	if (source->out)
		(void)json_object_set_new(answer, "stdout_uri", json_string(source->out->uri));
	if (source->err)
		(void)json_object_set_new(answer, "stderr_uri", json_string(source->err->uri));
	if (r->timed_out)
		(void)json_object_set_new(answer, "timed_out", json_true());
	if (r->oom)
		(void)json_object_set_new(answer, "out_of_memory", json_true());
	if (r->failed)
		(void)json_object_set_new(answer, "message",
					  mcp_string(r->message, strlen(r->message)));
	return answer;
}

/* How much of a piece ends with a whole character; all of it when it is no UTF-8 anyway. */
static size_t whole_characters(const char *data, size_t len)
{
	for (size_t back = 0; back < 4 && back < len; back++) {
		if (utf8_valid(data, len - back))
			return len - back;
	}
	return len;
}

static json_t *make_read(const struct source *source, size_t bound)
{
	const struct sandbox_text *out = &source->result->out;
	size_t len = out->len < bound ? out->len : bound;
	const bool more = out->truncated || len < out->len;
	json_t *answer;

	/* The next piece begins with the torn one. */
	if (more && !source->base64)
		len = whole_characters(out->data, len);
	answer = json_pack("{s:o, s:s, s:I}", "content",
			   source->base64 ? mcp_base64(out->data, len) : mcp_string(out->data, len),
			   "encoding", source->base64 ? "base64" : "utf-8", "size",
			   (json_int_t)out->total);
	if (more)
		set_number(answer, "next_offset", source->offset + len);
	if (!source->base64 && !utf8_valid(out->data, len))
		(void)json_object_set_new(answer, "lossy", json_true());
	return answer;
}

static json_t *make_write(const struct source *source, size_t bound)
{
	(void)bound;
	return json_pack("{s:I}", "written", (json_int_t)source->result->written);
}

static const char *type_of(char type)
{
	return type == 'f' ? "file" : type == 'd' ? "folder" : type == 'l' ? "link" : "other";
}

static json_t *make_list(const struct source *source, size_t bound)
{
	const struct sandbox_result *r = source->result;
	json_t *entries = json_array();
	char mode[8];

	for (size_t i = 0; i < r->n_entries && i < bound; i++) {
		const struct sandbox_entry *e = &r->entries[i];

		(void)snprintf(mode, sizeof(mode), "%03o", e->mode & 07777U);
		(void)json_array_append_new(entries, json_pack("{s:o, s:s, s:I, s:s}", "name",
							       mcp_string(e->name, strlen(e->name)),
							       "type", type_of(e->type), "size",
							       (json_int_t)e->size, "mode", mode));
	}
	return json_pack("{s:o, s:b}", "entries", entries, "truncated",
			 r->out.truncated || r->n_entries > bound);
}

static json_t *make_changes(const struct source *source, size_t bound)
{
	const struct changes *c = source->changes;
	json_t *list = json_array();

	for (size_t i = 0; i < c->n && i < bound; i++) {
		const struct change *change = &c->changes[i];
		const char *why = change->risk != RISK_NONE ? change->why : NULL;

		(void)json_array_append_new(
			list, json_pack("{s:o, s:s, s:s*}", "path",
					mcp_string(change->path, strlen(change->path)), "kind",
					card_kind(change->kind), "risk", why));
	}
	return json_pack("{s:o, s:I, s:b, s:I}", "changes", list, "total", (json_int_t)c->n,
			 "truncated", c->n > bound, "left_out", (json_int_t)c->left_out);
}

static json_t *link_block(const struct kept_output *kept)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:I}", "type", "resource_link", "uri", kept->uri,
			 "name", kept->name, "mimeType", "text/plain", "size",
			 (json_int_t)kept->len);
}

/* @bound: to begin with */
static void answer(struct mcp_call *call, make_fn make, const struct source *source, size_t bound,
		   bool is_error)
{
	const size_t most = is_error ? TOOL_FAILURE_MAX_B : TOOL_ANSWER_MAX_B;
	json_t *structured = make(source, bound), *content = NULL;
	char *text = structured ? json_dumps(structured, JSON_COMPACT) : NULL;

	while (text && strlen(text) > most && bound > 1) {
		free(text);
		json_decref(structured);
		bound /= 2;
		structured = make(source, bound);
		text = structured ? json_dumps(structured, JSON_COMPACT) : NULL;
	}
	if (text)
		content = json_pack("[o]", mcp_text(text, strlen(text)));
	free(text);
	if (!content) {
		json_decref(structured);
		mcp_call_error(call, JSONRPC_INTERNAL_ERROR, "out of memory", NULL);
		return;
	}
	if (source->out)
		(void)json_array_append_new(content, link_block(source->out));
	if (source->err)
		(void)json_array_append_new(content, link_block(source->err));
	mcp_call_finish(call, content, structured, is_error);
}

/* An output that will not fit is put aside. */
static const struct kept_output *keep(struct sandbox_tools *t, const char *name,
				      struct sandbox_text *text, size_t bound)
{
	if (text->len <= bound)
		return NULL;
	return kept_outputs_add(&t->kept, name, take_ptr(text->data), text->len);
}

static void answer_command(struct sandbox_tools *t, struct mcp_call *call,
			   const struct source *without, struct sandbox_result *result)
{
	struct source source = *without;
	const size_t bound = (result->failed ? TOOL_FAILURE_MAX_B : TOOL_ANSWER_MAX_B) / 2;
	struct kept_output out, err;
	const struct kept_output *kept = keep(t, "stdout", &result->out, bound);

	/* The second may move the first. */
	if (kept) {
		out = *kept;
		source.out = &out;
	}
	kept = keep(t, "stderr", &result->err, bound / 2);
	if (kept) {
		err = *kept;
		source.err = &err;
	}
	answer(call, make_command, &source, bound, result->failed);
}

void tool_answer(struct sandbox_tools *t, struct mcp_call *call, enum tool_id tool,
		 const json_t *arguments, struct sandbox_result *result)
{
	struct source source = {
		.result = result,
		.offset = (uint64_t)json_number_value(json_object_get(arguments, "offset")),
		.base64 = jsonrpc_is(json_object_get(arguments, "encoding"), "base64"),
	};

	if (tool == TOOL_RUN || tool == TOOL_EXEC)
		answer_command(t, call, &source, result);
	else if (result->failed)
		mcp_call_finish_text(call, result->message, strlen(result->message), true);
	else if (tool == TOOL_READ)
		answer(call, make_read, &source, TOOL_READ_MAX_B, false);
	else if (tool == TOOL_WRITE)
		answer(call, make_write, &source, 0, false);
	else
		answer(call, make_list, &source, TOOL_LIST_MAX, false);
}

void tool_answer_changes(struct mcp_call *call, const struct changes *changes)
{
	const struct source source = {.changes = changes};

	answer(call, make_changes, &source, changes->n, false);
}

void tool_answer_applied(struct mcp_call *call, const struct apply_result *applied)
{
	json_t *structured = json_pack("{s:I}", "applied", (json_int_t)applied->applied);
	char *text = structured ? json_dumps(structured, JSON_COMPACT) : NULL;

	mcp_call_finish(call, text ? json_pack("[o]", mcp_text(text, strlen(text))) : NULL,
			structured, false);
	free(text);
}

void tool_answer_error(struct mcp_call *call, const char *what, const struct ironclaw_error *err,
		       const struct apply_result *applied)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out) {
		(void)fprintf(out, "%s: %s.", what, err->text);
		if (err->hint[0])
			(void)fprintf(out, " Hint for the user: %s.", err->hint);
		for (size_t i = 0; applied && i < applied->n_conflicts && i < APPLY_CONFLICTS_MAX;
		     i++)
			(void)fprintf(out, "\n%s: %s", applied->conflicts[i].change->path,
				      applied->conflicts[i].host);
		(void)fclose(out);
	}
	mcp_call_finish_text(call, text ? text : what, text ? len : strlen(what), true);
	free(text);
}
