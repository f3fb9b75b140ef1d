/* SPDX-License-Identifier: Apache-2.0 */
/* firewall_readback.c - compare what nft prints; see firewall_readback.h. */
#include "firewall/firewall_readback.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NUMBER	     '#' /* in an expected text: a decimal number; no name has this character */
#define QUOTED_MAX_B 88U /* of a line in a failure */

#define OPEN	     "table inet " FIREWALL_TABLE " {\n"
#define CLOSE	     "\t}\n}\n"

/* A line of the printed text. */
struct line {
	const char *start;
	size_t length; /* without the newline */
};

static struct line line_at(const char *text, size_t length, size_t at)
{
	const char *end;

	if (at >= length)
		return (struct line){"", 0};
	end = memchr(text + at, '\n', length - at);
	return (struct line){text + at, end ? (size_t)(end - text) - at : length - at};
}

static bool line_is(const struct line *line, const char *expected)
{
	return line->length == strlen(expected) && memcmp(line->start, expected, line->length) == 0;
}

/* What is printed was not always written by us: only printable ASCII gets through. */
static void quote(char *ret, size_t size, const struct line *line)
{
	size_t n = 0;

	for (size_t i = 0; i < line->length && n + 1 < size; i++) {
		char c = line->start[i];

		if (n > 0 || (c != '\t' && c != ' '))
			ret[n++] = (char)(c >= ' ' && c <= '~' ? c : '?');
	}
	ret[n] = '\0';
}

/* Appends to a text that starts empty; FIREWALL_TEXT_B is room for the longest (a test fills it).
 */
static size_t expect_base(char *ret, size_t used, const char *name, const char *first,
			  const char *second)
{
	int n = snprintf(ret + used, FIREWALL_TEXT_B - used,
			 OPEN "\tchain %s {\n"
			      "\t\ttype filter hook %s priority " FIREWALL_PRIORITY
			      "; policy accept;\n"
			      "\t\t%s\n"
			      "\t\t%s\n" CLOSE,
			 name, name, first, second);

	return used + (size_t)n;
}

static size_t expect_chain(const struct firewall_vm *vm, char *ret, size_t used)
{
	int n = snprintf(ret + used, FIREWALL_TEXT_B - used,
			 OPEN "\tchain %s {\n"
			      "\t\tcomment \"%s\"\n"
			      "\t\tcounter packets # bytes # counter name \"dropped\" drop\n" CLOSE,
			 vm->chain, vm->id);

	return used + (size_t)n;
}

static size_t expect_jump(const struct firewall_vm *vm, enum firewall_parts part, char *ret,
			  size_t used)
{
	int n;

	if (part == FIREWALL_PART_UID)
		n = snprintf(ret + used, FIREWALL_TEXT_B - used,
			     OPEN "\tmap uids {\n"
				  "\t\ttype uid : verdict\n"
				  "\t\telements = { %u : jump %s }\n" CLOSE,
			     vm->uid, vm->chain);
	else
		n = snprintf(ret + used, FIREWALL_TEXT_B - used,
			     OPEN "\tmap interfaces {\n"
				  "\t\ttype ifname : verdict\n"
				  "\t\telements = { \"%s\" : jump %s }\n" CLOSE,
			     vm->interface, vm->chain);
	return used + (size_t)n;
}

/* A decimal number as a counter is printed: no sign, no leading zero. Return: its length, or 0. */
static size_t take_number(const char *text, size_t length, uint64_t *ret)
{
	size_t n = 0;

	*ret = 0;
	for (; n < length && text[n] >= '0' && text[n] <= '9'; n++)
		if (__builtin_mul_overflow(*ret, 10U, ret) ||
		    __builtin_add_overflow(*ret, (uint64_t)(text[n] - '0'), ret))
			return 0;
	return n > 1 && text[0] == '0' ? 0 : n;
}

/* Where two texts part. */
struct difference {
	size_t expected_line, text_line; /* where the lines start */
	size_t header_line;		 /* of the chain or map, in the expected text */
};

/* The numbers are counted from the front; @ret_number gets the first. */
static bool equal(const char *expected, const char *text, size_t length, uint64_t *ret_number,
		  struct difference *ret)
{
	bool first = true;
	size_t e = 0, t = 0;

	*ret = (struct difference){0};
	while (expected[e]) {
		if (expected[e] == NUMBER) {
			uint64_t number;
			size_t n = take_number(text + t, length - t, &number);

			if (n == 0)
				return false;
			if (first)
				*ret_number = number;
			first = false;
			t += n;
			e++;
			continue;
		}
		if (t == length || text[t] != expected[e])
			return false;
		t++;
		if (expected[e++] != '\n')
			continue;
		ret->expected_line = e;
		ret->text_line = t;
		if (expected[e] == '\t' && expected[e + 1] != '\t' && expected[e + 1] != '}')
			ret->header_line = e;
	}
	return t == length;
}

int firewall_readback_check(const struct firewall_vm *vm, const char *text, size_t length,
			    uint64_t *ret_packets, char ret_failure[FIREWALL_FAILURE_B])
{
	char expected[FIREWALL_TEXT_B], where[QUOTED_MAX_B], want[QUOTED_MAX_B], got[QUOTED_MAX_B];
	struct difference d;
	struct line line;
	uint64_t packets = 0;
	size_t n;

	n = expect_base(expected, 0, "input", "meta skuid vmap @uids", "iifname vmap @interfaces");
	n = expect_base(expected, n, "output", "meta skuid vmap @uids", "oifname vmap @interfaces");
	n = expect_base(expected, n, "forward", "iifname vmap @interfaces",
			"oifname vmap @interfaces");
	n = expect_chain(vm, expected, n);
	n = expect_jump(vm, FIREWALL_PART_UID, expected, n);
	n = expect_jump(vm, FIREWALL_PART_INTERFACE, expected, n);
	if (equal(expected, text, length, &packets, &d)) {
		*ret_packets = packets;
		return 0;
	}
	line = line_at(expected, n, d.header_line);
	quote(where, sizeof(where), &line);
	line = line_at(expected, n, d.expected_line);
	quote(want, sizeof(want), &line);
	line = line_at(text, length, d.text_line);
	quote(got, sizeof(got), &line);
	(void)snprintf(ret_failure, FIREWALL_FAILURE_B, "%.40s \"%.88s\" instead of \"%.88s\"",
		       where, got, want);
	return -EIO;
}

bool firewall_readback_owns(const struct firewall_vm *vm, const char *text, size_t length)
{
	char head[FIREWALL_TEXT_B];
	int n = snprintf(head, sizeof(head),
			 OPEN "\tchain %s {\n"
			      "\t\tcomment \"%s\"\n",
			 vm->chain, vm->id);

	return length >= (size_t)n && memcmp(text, head, (size_t)n) == 0;
}

bool firewall_readback_leads(const struct firewall_vm *vm, enum firewall_parts part,
			     const char *text, size_t length)
{
	char expected[FIREWALL_TEXT_B];
	size_t n = expect_jump(vm, part, expected, 0);

	return length == n && memcmp(text, expected, n) == 0;
}

bool firewall_readback_awake(const char *text, size_t length)
{
	static const char flags[] = "\tflags ";
	struct line first = line_at(text, length, 0);
	struct line second = line_at(text, length, first.length + 1);

	return line_is(&first, "table inet " FIREWALL_TABLE " {") && second.length > 0 &&
	       (second.length < sizeof(flags) - 1 ||
		memcmp(second.start, flags, sizeof(flags) - 1) != 0);
}

/* Skips @words at the front of @line, when they stand there. */
static void skip_words(struct line *line, const char *words)
{
	size_t n = strlen(words);

	if (line->length >= n && memcmp(line->start, words, n) == 0) {
		line->start += n;
		line->length -= n;
	}
}

/* Leaves out @words and what follows. */
static void cut_at(struct line *line, const char *words)
{
	const char *found = memmem(line->start, line->length, words, strlen(words));

	if (found)
		line->length = (size_t)(found - line->start);
}

/*
 * An error is three lines: "/dev/stdin:5:1-9: Error: WHAT", the command, and marks below it. What
 * has another shape is quoted as it is.
 */
void firewall_complaint(const char *text, size_t length, char ret[FIREWALL_FAILURE_B])
{
	static const char error[] = "Error: ";
	char what[QUOTED_MAX_B], command[QUOTED_MAX_B];
	struct line line = line_at(text, length, 0);
	const char *word =
		line.length ? memmem(line.start, line.length, error, sizeof(error) - 1) : NULL;
	struct line next = line_at(text, length, line.length + 1);

	if (word) {
		line.length -= (size_t)(word - line.start);
		line.start = word;
		skip_words(&line, error);
		skip_words(&line, "Could not process rule: ");
		cut_at(&line, "; did you mean");
	}
	quote(what, sizeof(what), &line);
	quote(command, sizeof(command), &next);
	if (what[0] == '\0')
		(void)snprintf(ret, FIREWALL_FAILURE_B, "nft failed without a word");
	else
		(void)snprintf(ret, FIREWALL_FAILURE_B, "nft: %.88s%s%.88s", what,
			       command[0] ? ": " : "", command);
}
