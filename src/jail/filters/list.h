/* SPDX-License-Identifier: Apache-2.0 */
/**
 * list.h - a seccomp list as text, and its rules. Build-time only: no program of ours links it.
 *
 * docs/seccomp.md has the format. The lists are ours, but a mistake in one is a hole, so everything
 * that is not certainly meant is refused: a name that this architecture does not have, a constant
 * without a value, an argument of unknown width, a comparison that cannot hold, a rule that another
 * one makes pointless or contradicts.
 */
#ifndef JAIL_FILTERS_LIST_H
#define JAIL_FILTERS_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "jail/request.h"

#define FILTER_RULES_MAX 512U
#define FILTER_LINE_MAX	 256U
#define FILTER_ARGS	 6U
#define FILTER_WHERE_MAX 128U
#define FILTER_CALL_MAX	 32U

struct filter_rule {
	char call[FILTER_CALL_MAX];
	int nr;
	enum jail_level level; /* the lowest that has the rule */
	int errnum;	       /* 0: the call is allowed; else it fails with this, unrecorded */
	/* Argument i must be value[i] in the bits of mask[i]; all must hold. */
	uint64_t mask[FILTER_ARGS], value[FILTER_ARGS];
	char where[FILTER_WHERE_MAX]; /* FILE:LINE */
	char text[FILTER_LINE_MAX];   /* as one would write this rule alone */
};

struct filter_list {
	size_t n_rules;
	struct filter_rule rules[FILTER_RULES_MAX];
};

/**
 * filter_list_read() - append the rules of a text to @list.
 * @name:	of the file, for messages
 * @error:	FILE:LINE: what is wrong, when it fails
 *
 * A program's rules may stand in several texts. Return: 0, -EINVAL; @list is then of no use
 */
int filter_list_read(struct filter_list *list, FILE *file, const char *name,
		     char error[FILTER_LINE_MAX]);

/** filter_call_number() - of a system call's name on x86-64. Return: number, -ENOENT */
int filter_call_number(const char *name);

/** filter_rule_fits() - whether a call with these arguments is what the rule is about. */
bool filter_rule_fits(const struct filter_rule *rule, int nr, const uint64_t args[FILTER_ARGS]);

#endif
