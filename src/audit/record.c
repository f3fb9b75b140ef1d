/* SPDX-License-Identifier: Apache-2.0 */
/* record.c - one record of the audit log; see record.h. */
#include "audit/record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "codec/json_write.h"

#define HEAD	  "{\"n\":"
#define PREV	  ",\"prev\":\""
#define HASH	  "\",\"hash\":\""
#define END	  "\"}"
#define TAIL_B	  (sizeof(PREV HASH END) - 1 + 2 * DIGEST_HEX_B)
/* From the end: where HASH begins, so where the hashed bytes and the quote of prev end. */
#define HASHED_TO (sizeof(HASH END) - 1 + DIGEST_HEX_B - 1)

const char *audit_kind_name(enum audit_kind kind)
{
	static const char *const names[] = {
		[AUDIT_START] = "start",     [AUDIT_EXEC] = "exec",
		[AUDIT_END] = "end",	     [AUDIT_DECISION] = "decision",
		[AUDIT_APPLY] = "apply",     [AUDIT_TOOL_CALL] = "tool_call",
		[AUDIT_RECOVER] = "recover", [AUDIT_OUTCOME] = "outcome",
	};

	ic_assert(kind >= 0 && kind < AUDIT_KIND_MAX);
	return names[kind];
}

static void format_time(uint64_t time_ns, char ret[AUDIT_TIME_MAX_B])
{
	time_t seconds = (time_t)(time_ns / 1000000000U);
	char date[24];
	struct tm tm;

	(void)gmtime_r(&seconds, &tm);
	(void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(ret, AUDIT_TIME_MAX_B, "%s.%09uZ", date,
		       (unsigned int)(time_ns % 1000000000U));
}

static int write_field(struct json_writer *w, const struct audit_field *field)
{
	switch (field->type) {
	case AUDIT_FIELD_TEXT:
		if (!field->text)
			return 0;
		if (strlen(field->text) > AUDIT_TEXT_MAX_B)
			return -E2BIG;
		json_write_string(w, field->key, field->text);
		break;
	case AUDIT_FIELD_NUMBER:
		json_write_i64(w, field->key, field->number);
		break;
	case AUDIT_FIELD_FLAG:
		json_write_bool(w, field->key, field->number != 0);
		break;
	}
	return 0;
}

static int write_body(const struct audit_event *event, uint64_t n, uint64_t time_ns, FILE *out)
{
	char time[AUDIT_TIME_MAX_B];
	struct json_writer w;
	int r = 0;

	format_time(time_ns, time);
	json_write_begin(&w, out);
	json_write_open_object(&w, NULL);
	json_write_u64(&w, "n", n);
	json_write_string(&w, "time", time);
	json_write_string(&w, "kind", audit_kind_name(event->kind));
	if (event->vm_id)
		json_write_string(&w, "vm", event->vm_id);
	for (size_t i = 0; r == 0 && i < event->n_fields; i++)
		r = write_field(&w, &event->fields[i]);
	return r;
}

int audit_record_format(const struct audit_event *event, uint64_t n, uint64_t time_ns,
			const char prev[DIGEST_HEX_B + 1], char *ret,
			char ret_hash[DIGEST_HEX_B + 1])
{
	cleanup_fclose FILE *out = fmemopen(ret, AUDIT_RECORD_MAX_B, "w");
	size_t len;
	int r;

	if (!out)
		return -errno;
	r = write_body(event, n, time_ns, out);
	if (r < 0)
		return r;
	(void)fprintf(out, PREV "%s\"", prev);
	if (fflush(out) != 0 || ferror(out))
		return -E2BIG;
	len = (size_t)ftell(out);
	/* The newline and the terminating zero belong to it. */
	if (len + HASHED_TO + 2 > AUDIT_RECORD_MAX_B)
		return -E2BIG;
	digest_bytes(ret, len, ret_hash);
	(void)fprintf(out, "%s%s" END "\n", &HASH[1], ret_hash);
	if (fflush(out) != 0 || ferror(out))
		return -E2BIG;
	return (int)(len + HASHED_TO + 1);
}

static bool is(const char *at, const char *text)
{
	return memcmp(at, text, strlen(text)) == 0;
}

static bool take_hex(const char *at, char ret[DIGEST_HEX_B + 1])
{
	memcpy(ret, at, DIGEST_HEX_B);
	ret[DIGEST_HEX_B] = '\0';
	return digest_hex_valid(ret);
}

/* Decimal, without a sign or zeros in front. */
static bool take_number(const char *at, size_t len, uint64_t *ret)
{
	uint64_t n = 0;
	size_t i = 0;

	for (; i < len && i < 18 && at[i] >= '0' && at[i] <= '9'; i++)
		n = n * 10 + (uint64_t)(at[i] - '0');
	if (i == 0 || i == len || at[i] != ',' || at[0] == '0')
		return false;
	*ret = n;
	return true;
}

int audit_record_check(const char *line, size_t len, struct audit_link *ret)
{
	char real[DIGEST_HEX_B + 1];
	const char *tail, *hash;
	struct audit_link link;

	if (len < sizeof(HEAD) - 1 + TAIL_B + 1 || len >= AUDIT_RECORD_MAX_B)
		return -EBADMSG;
	tail = line + len - TAIL_B;
	hash = line + len - (sizeof(END) - 1) - DIGEST_HEX_B;
	if (!is(line, HEAD) || !is(tail, PREV) ||
	    !is(tail + sizeof(PREV) - 1 + DIGEST_HEX_B, HASH) ||
	    !is(line + len - (sizeof(END) - 1), END))
		return -EBADMSG;
	if (!take_number(line + sizeof(HEAD) - 1, (size_t)(tail - line) - (sizeof(HEAD) - 1) + 1,
			 &link.n) ||
	    !take_hex(tail + sizeof(PREV) - 1, link.prev) || !take_hex(hash, link.hash))
		return -EBADMSG;
	digest_bytes(line, len - HASHED_TO, real);
	if (memcmp(real, link.hash, sizeof(real)) != 0)
		return -EBADMSG;
	*ret = link;
	return 0;
}
