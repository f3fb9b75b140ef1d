/* SPDX-License-Identifier: Apache-2.0 */
/*
 * match.c - build-time program: holds a trace of calls against a seccomp list.
 *
 *	match LIST... <TRACE
 *
 * TRACE is what strace(1) writes with -e raw=all. Three kinds of line come out, fields separated by
 * tabs, for scripts/measure-syscalls:
 *
 *	used LEVEL COUNT RULE	how often a rule was needed, and from which level on there is it
 *	missing COUNT CALL	a call that no level has, with the arguments that lists can check
 *	unseen LEVEL RULE	a rule that the trace has no use for
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "jail/filters/constants.h"
#include "jail/filters/list.h"

#define MISSING_MAX 256U

struct missing {
	char text[FILTER_LINE_MAX];
	unsigned long count;
};

struct match {
	struct filter_list list;
	unsigned long count[FILTER_RULES_MAX];
	struct missing missing[MISSING_MAX];
	size_t n_missing;
};

static const char *const levels[] = {
	[JAIL_LEVEL_MINIMAL] = "minimal",
	[JAIL_LEVEL_BASIC] = "basic",
	[JAIL_LEVEL_PERMISSIVE] = "permissive",
};

/* `name(0x1, 0x2, ...` Return: 0, -EINVAL for a line that is no call */
static int read_call(const char *line, char name[FILTER_CALL_MAX], uint64_t args[FILTER_ARGS])
{
	size_t n = strspn(line, "abcdefghijklmnopqrstuvwxyz_0123456789");

	if (n == 0 || n >= FILTER_CALL_MAX || line[n] != '(')
		return -EINVAL;
	memcpy(name, line, n);
	name[n] = '\0';
	line += n + 1;
	memset(args, 0, FILTER_ARGS * sizeof(*args));
	for (size_t i = 0; i < FILTER_ARGS; i++) {
		char *end;

		args[i] = strtoull(line, &end, 16);
		if (end == line || strncmp(end, ", ", 2) != 0)
			break;
		line = end + 2;
	}
	return 0;
}

static void note_missing(struct match *m, const char *name, const uint64_t args[FILTER_ARGS])
{
	char text[FILTER_LINE_MAX];
	size_t used = (size_t)snprintf(text, sizeof(text), "%s", name), i;

	for (unsigned int arg = 0; arg < FILTER_ARGS; arg++) {
		const uint64_t mask = filter_argument_mask(name, arg);

		if (mask && used < sizeof(text))
			used += (size_t)snprintf(text + used, sizeof(text) - used, " %u=%#llx", arg,
						 (unsigned long long)(args[arg] & mask));
	}
	for (i = 0; i < m->n_missing; i++) {
		if (strcmp(m->missing[i].text, text) == 0)
			break;
	}
	if (i == MISSING_MAX)
		return;
	if (i == m->n_missing) {
		(void)snprintf(m->missing[i].text, sizeof(m->missing[i].text), "%s", text);
		m->n_missing++;
	}
	m->missing[i].count++;
}

/* Counts the rule of the lowest level that has the call. */
static void match_call(struct match *m, const char *name, const uint64_t args[FILTER_ARGS])
{
	const int nr = filter_call_number(name);
	size_t best = m->list.n_rules;

	for (size_t i = 0; i < m->list.n_rules; i++) {
		if (filter_rule_fits(&m->list.rules[i], nr, args) &&
		    (best == m->list.n_rules || m->list.rules[i].level < m->list.rules[best].level))
			best = i;
	}
	if (best == m->list.n_rules)
		note_missing(m, name, args);
	else
		m->count[best]++;
}

static void print(const struct match *m)
{
	for (size_t i = 0; i < m->list.n_rules; i++) {
		const struct filter_rule *rule = &m->list.rules[i];

		if (m->count[i])
			(void)printf("used\t%s\t%lu\t%s\n", levels[rule->level], m->count[i],
				     rule->text);
		else
			(void)printf("unseen\t%s\t%s\n", levels[rule->level], rule->text);
	}
	for (size_t i = 0; i < m->n_missing; i++)
		(void)printf("missing\t%lu\t%s\n", m->missing[i].count, m->missing[i].text);
}

int main(int argc, char **argv)
{
	static struct match m;
	char error[FILTER_LINE_MAX], line[4096], name[FILTER_CALL_MAX];
	uint64_t args[FILTER_ARGS];

	for (int i = 1; i < argc; i++) {
		cleanup_fclose FILE *file = fopen(argv[i], "re");

		if (!file) {
			(void)fprintf(stderr, "%s: %s\n", argv[i], strerror(errno));
			return 1;
		}
		if (filter_list_read(&m.list, file, argv[i], error) < 0) {
			(void)fprintf(stderr, "%s\n", error);
			return 1;
		}
	}
	while (fgets(line, sizeof(line), stdin)) {
		if (read_call(line, name, args) == 0)
			match_call(&m, name, args);
	}
	print(&m);
	return 0;
}
