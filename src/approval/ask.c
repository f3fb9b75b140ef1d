/* SPDX-License-Identifier: Apache-2.0 */
/* ask.c - ask a person; see ask.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "approval/ask_terminal.h"
#include "base/cleanup.h"
#include "base/columns.h"
#include "base/escape.h"

#define KEY_INTERRUPT 3
#define KEY_END	      4
#define KEY_BACKSPACE 8
#define KEY_KILL      21
#define KEY_DELETE    127
#define ANSWER_MAX_B  64
/* Rows of a page that the question about the next one takes. */
#define PROMPT_ROWS   2
/* Before each row of the text: what has none is ours. */
#define MARGIN	      "| "
#define MARGIN_B      (sizeof(MARGIN) - 1)

/* Where the text is. */
struct pager {
	struct ask_terminal *terminal;
	const struct ask_question *question;
	unsigned int rows_left; /* of this page */
	bool all;		/* no more questions: shown to the end without */
};

const char *ask_failure(int r)
{
	switch (r) {
	case -ENOTTY:
		return "there is no terminal to ask on";
	case -ETIMEDOUT:
		return "timeout";
	case -ECANCELED:
	case -ENODATA:
		return "interrupted";
	default:
		return "the terminal is gone";
	}
}

static int say(struct ask_terminal *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int say(struct ask_terminal *t, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ic_assert(n >= 0 && (size_t)n < sizeof(text));
	return ask_write(t, text, (size_t)n);
}

static bool is_no(int key)
{
	return key == KEY_INTERRUPT || key == KEY_END;
}

/* Between two pages. */
static int next_page(struct pager *p, size_t line)
{
	struct ask_terminal *t = p->terminal;
	int r = ask_flush(t);

	if (r == 0)
		r = say(t, "-- line %zu of %zu; Enter: go on, %sq: no --", line,
			p->question->n_lines, p->question->critical ? "" : "a: all the rest, ");
	while (r == 0) {
		int key = ask_key(t);

		if (key < 0)
			return key;
		if (key == 'q')
			r = -ENODATA;
		else if (is_no(key))
			r = -ECANCELED;
		if (key == 'a' && !p->question->critical)
			p->all = true;
		if (key == '\r' || key == '\n' || key == ' ' || p->all)
			break;
	}
	p->rows_left = t->rows - PROMPT_ROWS;
	return r < 0 ? r : say(t, "\n");
}

/* A row of escaped text, and a question before it when the page is full. */
static int put_row(struct pager *p, const char *text, size_t len, size_t line)
{
	int r = 0;

	if (!p->all && p->rows_left == 0)
		r = next_page(p, line);
	if (r == 0)
		r = ask_write(p->terminal, MARGIN, MARGIN_B);
	if (r == 0)
		r = ask_write(p->terminal, text, len);
	if (r == 0)
		r = ask_write(p->terminal, "\n", 1);
	if (p->rows_left > 0)
		p->rows_left--;
	return r;
}

/* One line, in as many rows as it takes. */
static int put_line(struct pager *p, const char *text, size_t line)
{
	size_t size = ESCAPE_GROWTH * strlen(text) + 1, len;
	cleanup_free char *shown = malloc(size);
	int r = 0;

	if (!shown)
		return -ENOMEM;
	escape_text(shown, size, text, strlen(text));
	len = strlen(shown);
	for (size_t at = 0; r == 0 && (at < len || len == 0);) {
		size_t n = columns_fit(shown + at, len - at, p->terminal->columns - MARGIN_B);

		r = put_row(p, shown + at, n, line);
		at += n;
		if (len == 0)
			break;
	}
	return r;
}

static int show(struct pager *p)
{
	const struct ask_question *q = p->question;
	int r = 0;

	if (q->title)
		r = put_line(p, q->title, 0);
	if (r == 0 && q->description)
		r = put_line(p, q->description, 0);
	for (size_t i = 0; r == 0 && i < q->n_lines; i++)
		r = put_line(p, q->lines[i], i + 1);
	return r;
}

/* Letters are shown as they come; Enter ends. Return: length, or the failure */
static int read_answer(struct ask_terminal *t, char ret[ANSWER_MAX_B])
{
	int len = 0;

	for (;;) {
		int key = ask_key(t), r = 0;

		if (key < 0)
			return key;
		if (key == KEY_INTERRUPT || key == KEY_END)
			return -ECANCELED;
		if (key == '\r' || key == '\n') {
			ret[len] = '\0';
			r = say(t, "\n");
			return r < 0 ? r : len;
		}
		if (key == KEY_KILL) {
			for (; r == 0 && len > 0; len--)
				r = say(t, "\b \b");
		} else if ((key == KEY_BACKSPACE || key == KEY_DELETE) && len > 0) {
			len--;
			r = say(t, "\b \b");
		} else if (key > ' ' && key < KEY_DELETE && len < ANSWER_MAX_B - 1) {
			ret[len++] = (char)key;
			r = say(t, "%c", key);
		}
		if (r < 0)
			return r;
	}
}

/* Return: the choice, or -1 */
static int match(const struct ask_question *q, const char *answer)
{
	size_t len = strlen(answer);
	int found = -1;

	for (int i = 0; q->choices[i] && len > 0; i++) {
		if (strcmp(answer, q->choices[i]) == 0)
			return i;
		if (q->critical || strncmp(answer, q->choices[i], len) != 0)
			continue;
		if (found >= 0)
			return -1;
		found = i;
	}
	return found;
}

static int prompt(struct ask_terminal *t, const struct ask_question *q)
{
	int r = say(t, "%s", q->critical ? "type the whole word: " : "");

	for (size_t i = 0; r == 0 && q->choices[i]; i++)
		r = say(t, "%s%s", i ? ", " : "", q->choices[i]);
	/* Before the question is whole: what is typed from here on can be an answer to it. */
	if (r == 0)
		r = ask_flush(t);
	return r < 0 ? r : say(t, "? ");
}

static int ask_on(struct ask_terminal *t, const struct ask_question *q, size_t *ret)
{
	struct pager p = {t, q, t->rows - PROMPT_ROWS, false};
	char answer[ANSWER_MAX_B];
	int choice = -1, r = show(&p);

	while (r >= 0 && choice < 0) {
		r = prompt(t, q);
		if (r >= 0)
			r = read_answer(t, answer);
		if (r >= 0)
			choice = match(q, answer);
	}
	if (r < 0) {
		(void)say(t, "\n");
		return r;
	}
	*ret = (size_t)choice;
	return 0;
}

int ask_choice(const struct ask_question *question, size_t *ret,
	       char ret_terminal[ASK_TERMINAL_MAX_B], struct ironclaw_error *err)
{
	cleanup(ask_close) struct ask_terminal terminal = {.fd = -EBADF, .signal_fd = -EBADF};
	int r = ask_open(question->timeout_ms, &terminal);

	if (r == 0)
		r = ask_on(&terminal, question, ret);
	if (r < 0)
		return err_set(err, IRONCLAW_ERR_CANCELLED, -r, "no answer: %s", ask_failure(r));
	(void)snprintf(ret_terminal, ASK_TERMINAL_MAX_B, "%s", terminal.name);
	return 0;
}
