/* SPDX-License-Identifier: Apache-2.0 */
/* tool_text.c - what tools do to text: replace, cut, make readable; see tools.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/tools.h"
#include "base/cleanup.h"
#include "base/utf8.h"

#define NOTE_MAX_B  96
#define REPLACEMENT "\xef\xbf\xbd"

static size_t count(const char *text, size_t len, const struct tool_text *what)
{
	const char *end = text + len;
	size_t n = 0;

	while ((text = memmem(text, (size_t)(end - text), what->text, what->len))) {
		n++;
		text += what->len;
	}
	return n;
}

int tools_replace(const struct tool_arguments *args, const char *text, size_t len, char **ret,
		  size_t *ret_len, size_t *ret_n, struct ironclaw_error *err)
{
	const struct tool_text *was = &args->old_text, *is = &args->new_text;
	size_t n = count(text, len, was), new_len = len - n * was->len + n * is->len;
	const char *end = text + len, *found;
	char *new_text, *to;

	if (was->len == is->len && memcmp(was->text, is->text, is->len) == 0)
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "\"old_text\" and \"new_text\" are the same");
	if (n == 0)
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "\"old_text\" is not in the file: it must be exactly as there, with "
			       "its spaces and line ends");
	if (n > 1 && !args->replace_all)
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "\"old_text\" is in the file %zu times: give more of what is around "
			       "the one that is meant, or set \"replace_all\"",
			       n);
	if (new_len > TOOL_FILE_MAX_B)
		return err_set(err, IRONCLAW_ERR_INVALID, EFBIG,
			       "the file would be larger than %u MiB", TOOL_FILE_MAX_B >> 20);
	new_text = to = malloc(new_len + 1);
	if (!new_text)
		return err_sys(err, ENOMEM, "no room for the file");
	while ((found = memmem(text, (size_t)(end - text), was->text, was->len))) {
		to = mempcpy(to, text, (size_t)(found - text));
		to = mempcpy(to, is->text, is->len);
		text = found + was->len;
	}
	to = mempcpy(to, text, (size_t)(end - text));
	*to = '\0';
	*ret = new_text;
	*ret_len = new_len;
	*ret_n = n;
	return 0;
}

struct tool_text tools_lines(const struct tool_arguments *args, const char *text, size_t len,
			     size_t *ret_first, size_t *ret_last, size_t *ret_all)
{
	const char *end = text + len, *from = end, *to = end;
	size_t line = 0;

	*ret_first = *ret_last = 0;
	for (const char *at = text; at < end; line++) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		const char *next = lf ? lf + 1 : end;

		if (line + 1 >= args->first_line && line + 1 - args->first_line < args->n_lines) {
			if (*ret_first == 0) {
				*ret_first = line + 1;
				from = at;
			}
			*ret_last = line + 1;
			to = next;
		}
		at = next;
	}
	*ret_all = line;
	return (struct tool_text){from, (size_t)(to - from)};
}

/* As UTF-8 without NUL; at most three bytes for each. Return: the length */
static size_t readable(char *dst, const char *src, size_t len)
{
	char *to = dst;

	for (size_t i = 0; i < len;) {
		uint32_t cp;
		size_t n = src[i] ? utf8_decode(src + i, len - i, &cp) : 0;

		to = n > 0 ? mempcpy(to, src + i, n)
			   : mempcpy(to, REPLACEMENT, sizeof(REPLACEMENT) - 1);
		i += n > 0 ? n : 1;
	}
	*to = '\0';
	return (size_t)(to - dst);
}

/* Back to the beginning of a character. */
static size_t whole(const char *text, size_t at)
{
	while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80)
		at--;
	return at;
}

char *tools_text(const void *data, size_t len, size_t max_b)
{
	char *text = malloc(len * (sizeof(REPLACEMENT) - 1) + NOTE_MAX_B), note[NOTE_MAX_B];
	size_t n, head, tail;
	int note_len;

	if (!text)
		return NULL;
	n = readable(text, data, len);
	if (n <= max_b)
		return text;
	/* The beginning says what it is, the end how it ended. */
	head = whole(text, max_b / 2);
	tail = n - max_b / 2;
	while (((unsigned char)text[tail] & 0xc0) == 0x80)
		tail++;
	note_len = snprintf(note, sizeof(note), "\n[... %zu bytes are left out here ...]\n",
			    tail - head);
	memmove(text + head + note_len, text + tail, n - tail + 1);
	memcpy(text + head, note, (size_t)note_len);
	return text;
}
