/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer.c - what came of a request, as its result; pure.
 *
 * All that is read here comes from the guest: whatever it is, it makes a result or a failure that
 * is one, and nothing is larger than was asked for.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/escape.h"
#include "sandbox/answer_codes.h"
#include "sandbox/sandbox_internal.h"

static const struct {
	const char *code, *sentence;
} sentences[] = {
	{CODE_IS_NOT_THERE, "there is no such file or folder"},
	{CODE_IS_FOLDER, "that is a folder"},
	{CODE_IS_NO_FOLDER, "that is not a folder"},
	{CODE_IS_SPECIAL, "that is no ordinary file"},
	{CODE_IS_LOST_LINK, "that is a link that leads nowhere"},
	{CODE_IS_NO_PATTERN, "that is not a regular expression"},
};

void sandbox_result_done(struct sandbox_result *result)
{
	free(result->out.data);
	free(result->err.data);
	free(result->entries);
	free(result->names);
	*result = (struct sandbox_result){.failed = true};
}

__attribute__((format(printf, 2, 3))) static void fail(struct sandbox_result *ret, const char *fmt,
						       ...)
{
	va_list ap;

	ret->failed = true;
	va_start(ap, fmt);
	(void)vsnprintf(ret->message, sizeof(ret->message), fmt, ap);
	va_end(ap);
}

/* The first line that a tool of the guest's said. */
static void fail_in_its_words(struct sandbox_result *ret, const struct collect *words,
			      int exit_code)
{
	const char *end = words->head_len > 0 ? memchr(words->head, '\n', words->head_len) : NULL;
	size_t len = end ? (size_t)(end - words->head) : words->head_len;

	ret->failed = true;
	if (len > 0)
		escape_text(ret->message, sizeof(ret->message), words->head, len);
	else
		fail(ret, "exit code %d", exit_code);
}

/* Why it has no good end; the same for all. Return: whether there is a reason */
static bool has_failed(enum sandbox_op op, const struct sandbox_answer *a,
		       struct sandbox_result *ret)
{
	const struct ironclaw_exec_result *end = a->end;

	if (a->cancelled)
		fail(ret, "cancelled");
	else if (end->timed_out)
		fail(ret, "killed: the time of %.1f s was over", (double)a->timeout_ms / 1000);
	else if (!end->started)
		fail(ret, "%s", end->failure);
	else if (end->oom)
		fail(ret, "the machine ran out of memory");
	else if (end->signal)
		fail(ret, "killed by signal %d", end->signal);
	else if (end->exit_code != 0 && op == SANDBOX_EXEC)
		fail(ret, "exit code %d", end->exit_code);
	return ret->failed;
}

static bool has_own_sentence(struct sandbox_result *ret, int exit_code)
{
	for (size_t i = 0; i < ARRAY_SIZE(sentences); i++) {
		if (strtol(sentences[i].code, NULL, 10) != exit_code)
			continue;
		fail(ret, "%s", sentences[i].sentence);
		return true;
	}
	return false;
}

static int take_text(const struct collect *c, struct sandbox_text *ret)
{
	int r = collect_take(c, &ret->data, &ret->len);

	if (r < 0)
		return r;
	ret->total = c->total;
	ret->truncated = collect_is_cut(c);
	return 0;
}

static int empty_text(struct sandbox_text *ret)
{
	if (ret->data)
		return 0;
	ret->data = calloc(1, 1);
	return ret->data ? 0 : -ENOMEM;
}

/* A number of at most 18 digits and what ends it; @at moves behind that. */
static bool take_number(const char *text, size_t len, size_t *at, char end, uint64_t *ret)
{
	size_t i = *at;
	uint64_t n = 0;

	while (i < len && i - *at < 18 && text[i] >= '0' && text[i] <= '9')
		n = n * 10 + (uint64_t)(text[i++] - '0');
	if (i == *at || i == len || text[i] != end)
		return false;
	*at = i + 1;
	*ret = n;
	return true;
}

static int read_file(const struct sandbox_answer *a, struct sandbox_result *ret)
{
	size_t at = 0;

	if (a->end->exit_code != 0) {
		fail_in_its_words(ret, a->err, a->end->exit_code);
		return 0;
	}
	if (!take_number(a->out->head, a->out->head_len, &at, '\n', &ret->out.total)) {
		fail(ret, "the machine gave no sensible answer");
		return 0;
	}
	ret->out.len = a->out->head_len - at;
	ret->out.data = malloc(ret->out.len + 1);
	if (!ret->out.data)
		return -ENOMEM;
	memcpy(ret->out.data, a->out->head + at, ret->out.len);
	ret->out.data[ret->out.len] = '\0';
	ret->out.truncated = collect_is_cut(a->out) || a->offset + ret->out.len < ret->out.total;
	return 0;
}

static char type_of(uint64_t mode)
{
	static const struct {
		uint64_t bits;
		char type;
	} types[] = {{S_IFREG, 'f'},  {S_IFDIR, 'd'}, {S_IFLNK, 'l'}, {S_IFIFO, 'p'},
		     {S_IFSOCK, 's'}, {S_IFBLK, 'b'}, {S_IFCHR, 'c'}};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if ((mode & S_IFMT) == types[i].bits)
			return types[i].type;
	return '\0';
}

/* Hexadecimal, as stat(1) has it, and a blank. */
static bool take_mode(const char *text, size_t len, size_t *at, uint64_t *ret)
{
	static const char digits[] = "0123456789abcdef";
	size_t i = *at;
	uint64_t n = 0;

	for (; i < len && i - *at < 8; i++) {
		const char *digit = text[i] ? strchr(digits, text[i]) : NULL;

		if (!digit)
			break;
		n = n * 16 + (uint64_t)(digit - digits);
	}
	if (i == *at || i == len || text[i] != ' ')
		return false;
	*at = i + 1;
	*ret = n;
	return true;
}

/* "81a4 6 ./name/\n"; @text is changed: names end with NUL. Return: whether there was a whole one
 */
static bool take_entry(char *text, size_t len, size_t *at, struct sandbox_entry *ret)
{
	size_t i = *at;
	uint64_t mode;
	char *end;

	if (!take_mode(text, len, &i, &mode) || !take_number(text, len, &i, ' ', &ret->size))
		return false;
	if (len - i < 4 || memcmp(text + i, "./", 2) != 0)
		return false;
	i += 2;
	end = memchr(text + i, '/', len - i);
	if (!end || end == text + i || end + 1 == text + len || end[1] != '\n')
		return false;
	*end = '\0';
	ret->name = text + i;
	if (strlen(ret->name) != (size_t)(end - ret->name))
		return false;
	ret->type = type_of(mode);
	ret->mode = mode & 07777;
	if (ret->type == '\0')
		return false;
	*at = (size_t)(end - text) + 2;
	return true;
}

static int compare_entries(const void *a, const void *b)
{
	const struct sandbox_entry *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* A line of text each; a name that would act on a terminal, or be two lines, is escaped. */
static int write_listing(const struct sandbox_result *list, struct sandbox_text *ret, size_t max)
{
	char *text = NULL, name[4 * 256 + 1];
	size_t len;
	FILE *out = open_memstream(&text, &len);
	bool fits = true;

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; fits && i < list->n_entries; i++) {
		const struct sandbox_entry *e = &list->entries[i];

		escape_text(name, sizeof(name), e->name, strlen(e->name));
		(void)fprintf(out, "%c %04o %10" PRIu64 " %s%s\n", e->type, e->mode, e->size, name,
			      e->type == 'd' ? "/" : "");
		fits = ftell(out) < (long)max;
	}
	if (fclose(out) != 0) {
		free(text);
		return -ENOMEM;
	}
	ret->data = text;
	ret->len = len;
	ret->truncated = !fits;
	return 0;
}

static int read_listing(const struct sandbox_answer *a, struct sandbox_result *ret)
{
	size_t at = 0, room = 0, len;
	char *text;
	int r;

	if (a->end->exit_code != 0 && a->out->total == 0) {
		fail_in_its_words(ret, a->err, a->end->exit_code);
		return 0;
	}
	if (collect_take(a->out, &text, &len) < 0)
		return -ENOMEM;
	ret->names = text;
	for (;;) {
		struct sandbox_entry entry = {.size = 0};

		if (!take_entry(text, len, &at, &entry))
			break;
		if (ret->n_entries == room) {
			struct sandbox_entry *grown;

			room = room ? 2 * room : 64;
			grown = realloc(ret->entries, room * sizeof(*grown));
			if (!grown)
				return -ENOMEM;
			ret->entries = grown;
		}
		ret->entries[ret->n_entries++] = entry;
	}
	if (ret->n_entries > 0)
		qsort(ret->entries, ret->n_entries, sizeof(*ret->entries), compare_entries);
	ret->out.total = ret->n_entries;
	if (ret->n_entries > a->limit)
		ret->n_entries = (size_t)a->limit;
	r = write_listing(ret, &ret->out, a->text_max);
	ret->out.truncated |= at < len || ret->n_entries < ret->out.total;
	return r;
}

/* The length of a line that fits; no character is cut in two. */
static size_t line_fits(const char *line, size_t len)
{
	if (len <= SANDBOX_LINE_MAX_B)
		return len;
	len = SANDBOX_LINE_MAX_B;
	while (len > 0 && ((uint8_t)line[len] & 0xc0) == 0x80)
		len--;
	return len;
}

static void write_match(FILE *out, const char *line, size_t len)
{
	size_t n;

	if (len > 2 && memcmp(line, "./", 2) == 0) {
		line += 2;
		len -= 2;
	}
	n = line_fits(line, len);
	(void)fwrite(line, 1, n, out);
	(void)fputs(n < len ? " [...]\n" : "\n", out);
}

/* Lines as grep(1) wrote them, but those of binary files. */
static int read_matches(const struct sandbox_answer *a, struct sandbox_result *ret)
{
	const char *text = a->out->head, *end;
	const uint64_t limit = a->limit ? a->limit : UINT64_MAX;
	size_t at = 0, len = a->out->head_len;
	uint64_t n = 0;
	FILE *out;

	if (a->end->exit_code != 0) {
		fail_in_its_words(ret, a->err, a->end->exit_code);
		return 0;
	}
	out = open_memstream(&ret->out.data, &ret->out.len);
	if (!out)
		return -ENOMEM;
	while (at < len && n < limit && ftell(out) < (long)a->text_max) {
		end = memchr(text + at, '\n', len - at);
		if (!end)
			break;
		if (!memchr(text + at, '\0', (size_t)(end - text) - at)) {
			write_match(out, text + at, (size_t)(end - text) - at);
			n++;
		}
		at = (size_t)(end - text) + 1;
	}
	ret->out.total = a->out->total;
	ret->out.truncated = at < len || a->out->total >= a->out->head_max;
	return fclose(out) != 0 ? -ENOMEM : 0;
}

static int read_op(enum sandbox_op op, const struct sandbox_answer *a, struct sandbox_result *ret)
{
	switch (op) {
	case SANDBOX_READ:
		return read_file(a, ret);
	case SANDBOX_LIST:
		return read_listing(a, ret);
	case SANDBOX_SEARCH:
		return read_matches(a, ret);
	case SANDBOX_WRITE:
		if (a->end->exit_code != 0)
			fail_in_its_words(ret, a->err, a->end->exit_code);
		else
			ret->written = a->written;
		return 0;
	case SANDBOX_EXEC:
	case SANDBOX_OP_MAX:
	default:
		return 0;
	}
}

int sandbox_answer_read(enum sandbox_op op, const struct sandbox_answer *answer,
			struct sandbox_result *ret)
{
	const struct ironclaw_exec_result *end = answer->end;
	int r = 0;

	ret->exit_code = end->exit_code;
	ret->signal = end->signal;
	ret->timed_out = end->timed_out;
	ret->oom = end->oom;
	ret->cancelled = answer->cancelled;
	ret->took_us = end->command_us;
	if (op == SANDBOX_EXEC) {
		r = take_text(answer->out, &ret->out);
		if (r == 0)
			r = take_text(answer->err, &ret->err);
	}
	if (!has_failed(op, answer, ret) && op != SANDBOX_EXEC &&
	    !has_own_sentence(ret, end->exit_code))
		r = read_op(op, answer, ret);
	if (r == 0)
		r = empty_text(&ret->out);
	return r < 0 ? r : empty_text(&ret->err);
}
