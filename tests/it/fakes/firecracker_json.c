/* SPDX-License-Identifier: Apache-2.0 */
/* firecracker_json.c - JSON in and out of the stand-in; see firecracker.h. */
#include "firecracker.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 128 /* the real parser's own limit */

void fc_bytes_add(struct fc_bytes *bytes, const void *data, size_t len)
{
	if (len == 0)
		return;
	if (bytes->len + len + 1 > bytes->size) {
		bytes->size = (bytes->len + len + 1) * 2;
		bytes->at = realloc(bytes->at, bytes->size);
		if (!bytes->at)
			abort();
	}
	memcpy(bytes->at + bytes->len, data, len);
	bytes->len += len;
	bytes->at[bytes->len] = '\0';
}

void fc_bytes_print(struct fc_bytes *bytes, const char *fmt, ...)
{
	char text[FC_MESSAGE_B];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0)
		fc_bytes_add(bytes, text, strlen(text));
}

void fc_bytes_drop(struct fc_bytes *bytes, size_t n)
{
	if (n == 0)
		return;
	bytes->len -= n;
	memmove(bytes->at, bytes->at + n, bytes->len);
}

void fc_bytes_free(struct fc_bytes *bytes)
{
	free(bytes->at);
	*bytes = (struct fc_bytes){0};
}

struct parser {
	const char *text;
	size_t len, at;
	int depth;
	char *error;
};

static struct fc_json *value(struct parser *p);

static void *fail(struct parser *p, const char *what)
{
	size_t line = 1, column = 0;

	if (p->error[0] != '\0')
		return NULL;
	for (size_t i = 0; i < p->at && i < p->len; i++) {
		column = p->text[i] == '\n' ? 0 : column + 1;
		line += p->text[i] == '\n';
	}
	(void)snprintf(p->error, FC_TEXT_B, "%s at line %zu column %zu", what, line, column);
	return NULL;
}

static int peek(struct parser *p)
{
	while (p->at < p->len && strchr(" \t\r\n", p->text[p->at]) && p->text[p->at])
		p->at++;
	return p->at < p->len ? (unsigned char)p->text[p->at] : -1;
}

static void add_utf8(struct fc_bytes *out, unsigned int c)
{
	char b[4];
	size_t n = 0;

	if (c < 0x80) {
		b[n++] = (char)c;
	} else if (c < 0x800) {
		b[n++] = (char)(0xc0 | c >> 6);
		b[n++] = (char)(0x80 | (c & 0x3f));
	} else {
		b[n++] = (char)(0xe0 | c >> 12);
		b[n++] = (char)(0x80 | (c >> 6 & 0x3f));
		b[n++] = (char)(0x80 | (c & 0x3f));
	}
	fc_bytes_add(out, b, n);
}

static bool escape(struct parser *p, struct fc_bytes *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	char hex[5] = {0}, *end;
	const char *at;
	int c;

	if (p->at >= p->len)
		return false;
	c = p->text[p->at++];
	if (c == 'u') {
		unsigned long code;

		if (p->len - p->at < 4)
			return false;
		memcpy(hex, p->text + p->at, 4);
		p->at += 4;
		code = strtoul(hex, &end, 16);
		/* A NUL and halves of pairs are more than this stand-in needs. */
		if (*end != '\0' || code == 0 || (code >= 0xd800 && code < 0xe000))
			return false;
		add_utf8(out, (unsigned int)code);
		return true;
	}
	at = c ? strchr(from, c) : NULL;
	if (at)
		fc_bytes_add(out, to + (at - from), 1);
	return at != NULL;
}

static char *string(struct parser *p)
{
	struct fc_bytes out = {0};

	fc_bytes_add(&out, "x", 1); /* so that an empty one has memory as well */
	out.len = 0;
	out.at[0] = '\0';
	for (p->at++; p->at < p->len;) {
		unsigned char c = (unsigned char)p->text[p->at++];

		if (c == '"')
			return out.at;
		if (c < 0x20) {
			fc_bytes_free(&out);
			return fail(
				p,
				"control character (\\u0000-\\u001F) found while parsing a string");
		}
		if (c == '\\') {
			if (!escape(p, &out)) {
				fc_bytes_free(&out);
				return fail(p, "invalid escape");
			}
			continue;
		}
		fc_bytes_add(&out, &c, 1);
	}
	fc_bytes_free(&out);
	return fail(p, "EOF while parsing a string");
}

static struct fc_json *fresh(enum fc_json_type type)
{
	struct fc_json *json = calloc(1, sizeof(*json));

	if (!json)
		abort();
	json->type = type;
	return json;
}

static struct fc_json *number(struct parser *p)
{
	size_t start = p->at, len;
	struct fc_json *json;
	char *end;

	while (p->at < p->len && strchr("+-.0123456789eE", p->text[p->at]) && p->text[p->at])
		p->at++;
	len = p->at - start;
	json = fresh(FC_INT);
	json->text = strndup(p->text + start, len);
	if (!json->text)
		abort();
	errno = 0;
	json->number = strtoll(json->text, &end, 10);
	if (*end != '\0' || errno != 0) {
		json->type = FC_REAL;
		(void)strtod(json->text, &end);
	}
	if (*end != '\0' || len == 0 || json->text[0] == '+' ||
	    (json->text[0] == '0' && len > 1 && json->text[1] >= '0' && json->text[1] <= '9')) {
		fc_json_free(json);
		return fail(p, "invalid number");
	}
	return json;
}

static struct fc_json *literal(struct parser *p)
{
	static const struct {
		const char *text;
		enum fc_json_type type;
		bool flag;
	} known[] = {{"true", FC_BOOL, true}, {"false", FC_BOOL, false}, {"null", FC_NULL, false}};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t len = strlen(known[i].text);

		if (p->len - p->at >= len && memcmp(p->text + p->at, known[i].text, len) == 0) {
			struct fc_json *json = fresh(known[i].type);

			json->flag = known[i].flag;
			p->at += len;
			return json;
		}
	}
	return fail(p, p->at >= p->len ? "EOF while parsing a value" : "expected value");
}

/* A member of an object, with its key, or an element. */
static struct fc_json *member(struct parser *p, bool keyed)
{
	struct fc_json *json;
	char *key = NULL;

	if (keyed) {
		int c = peek(p);

		if (c != '"')
			return fail(p,
				    c < 0 ? "EOF while parsing an object" : "key must be a string");
		key = string(p);
		if (!key)
			return NULL;
		if (peek(p) != ':') {
			free(key);
			return fail(p, "expected `:`");
		}
		p->at++;
	}
	json = value(p);
	if (!json) {
		free(key);
		return NULL;
	}
	json->key = key;
	return json;
}

static struct fc_json *many(struct parser *p, enum fc_json_type type, int close)
{
	struct fc_json *json = fresh(type), **last = &json->first;

	p->at++;
	if (peek(p) == close) {
		p->at++;
		return json;
	}
	for (;;) {
		int c;

		*last = member(p, type == FC_OBJECT);
		if (!*last)
			break;
		last = &(*last)->next;
		c = peek(p);
		p->at += c >= 0;
		if (c == close)
			return json;
		if (c != ',') {
			fail(p, c < 0 ? (type == FC_OBJECT ? "EOF while parsing an object"
							   : "EOF while parsing a list")
				: type == FC_OBJECT ? "expected `,` or `}`"
						    : "expected `,` or `]`");
			break;
		}
	}
	fc_json_free(json);
	return NULL;
}

static struct fc_json *value(struct parser *p)
{
	struct fc_json *json = NULL;
	int c = peek(p);

	if (++p->depth > DEPTH_MAX)
		return fail(p, "recursion limit exceeded");
	if (c == '{') {
		json = many(p, FC_OBJECT, '}');
	} else if (c == '[') {
		json = many(p, FC_ARRAY, ']');
	} else if (c == '"') {
		char *text = string(p);

		if (text) {
			json = fresh(FC_STRING);
			json->text = text;
		}
	} else if (c == '-' || (c >= '0' && c <= '9')) {
		json = number(p);
	} else {
		json = literal(p);
	}
	p->depth--;
	if (json)
		json->end = p->at;
	return json;
}

struct fc_json *fc_json_parse(const char *text, size_t len, char error[FC_TEXT_B])
{
	struct parser p = {.text = text, .len = len, .error = error};
	struct fc_json *json;

	error[0] = '\0';
	json = value(&p);
	if (json && peek(&p) >= 0) {
		fc_json_free(json);
		p.at++;
		return fail(&p, "trailing characters");
	}
	return json;
}

static char *copy_text(const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		abort();
	return copy;
}

struct fc_json *fc_json_copy(const struct fc_json *json)
{
	struct fc_json *copy, **last;

	if (!json)
		return NULL;
	copy = fresh(json->type);
	copy->flag = json->flag;
	copy->number = json->number;
	copy->key = copy_text(json->key);
	copy->text = copy_text(json->text);
	last = &copy->first;
	for (const struct fc_json *child = json->first; child; child = child->next) {
		*last = fc_json_copy(child);
		last = &(*last)->next;
	}
	return copy;
}

void fc_json_free(struct fc_json *json)
{
	if (!json)
		return;
	for (struct fc_json *child = json->first; child;) {
		struct fc_json *next = child->next;

		fc_json_free(child);
		child = next;
	}
	free(json->key);
	free(json->text);
	free(json);
}

/* A null counts as absent, as it does for optional fields of the real one. */
const struct fc_json *fc_json_get(const struct fc_json *object, const char *key)
{
	if (!object || object->type != FC_OBJECT)
		return NULL;
	for (const struct fc_json *child = object->first; child; child = child->next)
		if (strcmp(child->key, key) == 0)
			return child->type == FC_NULL ? NULL : child;
	return NULL;
}

const char *fc_json_text(const struct fc_json *object, const char *key)
{
	const struct fc_json *json = fc_json_get(object, key);

	return json && json->type == FC_STRING ? json->text : NULL;
}

bool fc_json_flag(const struct fc_json *object, const char *key)
{
	const struct fc_json *json = fc_json_get(object, key);

	return json && json->type == FC_BOOL && json->flag;
}

int64_t fc_json_int(const struct fc_json *object, const char *key, int64_t otherwise)
{
	const struct fc_json *json = fc_json_get(object, key);

	return json && json->type == FC_INT ? json->number : otherwise;
}

void fc_json_quote(struct fc_bytes *out, const char *text)
{
	fc_bytes_add(out, "\"", 1);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fc_bytes_print(out, "\\%c", c);
		else if (c < 0x20)
			fc_bytes_print(out, "\\u%04x", c);
		else
			fc_bytes_add(out, text, 1);
	}
	fc_bytes_add(out, "\"", 1);
}

void fc_json_print(struct fc_bytes *out, const struct fc_json *json)
{
	bool object = json->type == FC_OBJECT;

	switch (json->type) {
	case FC_NULL:
		fc_bytes_print(out, "null");
		return;
	case FC_BOOL:
		fc_bytes_print(out, "%s", json->flag ? "true" : "false");
		return;
	case FC_INT:
	case FC_REAL:
		fc_bytes_add(out, json->text, strlen(json->text));
		return;
	case FC_STRING:
		fc_json_quote(out, json->text);
		return;
	case FC_ARRAY:
	case FC_OBJECT:
		break;
	}
	fc_bytes_add(out, object ? "{" : "[", 1);
	for (const struct fc_json *child = json->first; child; child = child->next) {
		if (object) {
			fc_json_quote(out, child->key);
			fc_bytes_add(out, ":", 1);
		}
		fc_json_print(out, child);
		if (child->next)
			fc_bytes_add(out, ",", 1);
	}
	fc_bytes_add(out, object ? "}" : "]", 1);
}
