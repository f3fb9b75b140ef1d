/* SPDX-License-Identifier: Apache-2.0 */
/* json_write.c - write one JSON document to a stream; see json_write.h. */
#include "codec/json_write.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"

static void put(struct json_writer *w, const char *s, size_t len)
{
	(void)fwrite(s, 1, len, w->out);
}

static void put_unit(struct json_writer *w, uint32_t unit)
{
	(void)fprintf(w->out, "\\u%04" PRIx32, unit);
}

static void put_code_point(struct json_writer *w, uint32_t cp)
{
	if (cp == '"' || cp == '\\') {
		put(w, (const char[]){'\\', (char)cp}, 2);
	} else if (cp == '\n') {
		put(w, "\\n", 2);
	} else if (cp == '\t') {
		put(w, "\\t", 2);
	} else if (cp < 0x10000) {
		put_unit(w, cp);
	} else {
		put_unit(w, 0xd800 + ((cp - 0x10000) >> 10));
		put_unit(w, 0xdc00 + ((cp - 0x10000) & 0x3ff));
	}
}

static bool is_plain(char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Returns whether all of it was valid UTF-8. */
static bool put_quoted(struct json_writer *w, const char *s, size_t len)
{
	bool valid = true;

	put(w, "\"", 1);
	while (len > 0) {
		uint32_t cp;
		size_t n = 0;

		while (n < len && is_plain(s[n]))
			n++;
		if (n > 0) {
			put(w, s, n);
		} else if ((n = utf8_decode(s, len, &cp)) > 0) {
			put_code_point(w, cp);
		} else {
			n = 1;
			valid = false;
			put_unit(w, 0xfffd);
		}
		s += n;
		len -= n;
	}
	put(w, "\"", 1);
	return valid;
}

static void put_key(struct json_writer *w, const char *key)
{
	if (w->comma)
		put(w, ",", 1);
	w->comma = true;
	if (!key)
		return;
	(void)put_quoted(w, key, strlen(key));
	put(w, ":", 1);
}

static void put_base64(struct json_writer *w, const unsigned char *data, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	put(w, "\"", 1);
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t v = (uint32_t)data[i] << 16;
		char quad[4] = {'=', '=', '=', '='};

		if (left > 1)
			v |= (uint32_t)data[i + 1] << 8;
		if (left > 2)
			v |= data[i + 2];
		quad[0] = digits[v >> 18];
		quad[1] = digits[v >> 12 & 63];
		if (left > 1)
			quad[2] = digits[v >> 6 & 63];
		if (left > 2)
			quad[3] = digits[v & 63];
		put(w, quad, sizeof(quad));
	}
	put(w, "\"", 1);
}

void json_write_begin(struct json_writer *w, FILE *out)
{
	*w = (struct json_writer){.out = out};
}

int json_write_end(struct json_writer *w)
{
	put(w, "\n", 1);
	return fflush(w->out) != 0 || ferror(w->out) ? -EIO : 0;
}

void json_write_open_object(struct json_writer *w, const char *key)
{
	put_key(w, key);
	put(w, "{", 1);
	w->comma = false;
}

void json_write_close_object(struct json_writer *w)
{
	put(w, "}", 1);
	w->comma = true;
}

void json_write_open_array(struct json_writer *w, const char *key)
{
	put_key(w, key);
	put(w, "[", 1);
	w->comma = false;
}

void json_write_close_array(struct json_writer *w)
{
	put(w, "]", 1);
	w->comma = true;
}

void json_write_string(struct json_writer *w, const char *key, const char *s)
{
	if (!s) {
		json_write_null(w, key);
		return;
	}
	put_key(w, key);
	(void)put_quoted(w, s, strlen(s));
}

void json_write_bytes(struct json_writer *w, const char *key, const void *data, size_t len)
{
	ic_assert(key);
	put_key(w, key);
	if (put_quoted(w, data, len))
		return;
	(void)fprintf(w->out, ",\"%s_base64\":", key);
	put_base64(w, data, len);
}

void json_write_u64(struct json_writer *w, const char *key, uint64_t v)
{
	put_key(w, key);
	(void)fprintf(w->out, "%" PRIu64, v);
}

void json_write_i64(struct json_writer *w, const char *key, int64_t v)
{
	put_key(w, key);
	(void)fprintf(w->out, "%" PRId64, v);
}

void json_write_bool(struct json_writer *w, const char *key, bool v)
{
	put_key(w, key);
	(void)fputs(v ? "true" : "false", w->out);
}

void json_write_null(struct json_writer *w, const char *key)
{
	put_key(w, key);
	(void)fputs("null", w->out);
}

void json_write_ms(struct json_writer *w, const char *key, uint64_t us)
{
	put_key(w, key);
	(void)fprintf(w->out, "%" PRIu64 ".%03u", us / 1000, (unsigned int)(us % 1000));
}
