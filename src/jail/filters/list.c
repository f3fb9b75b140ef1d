/* SPDX-License-Identifier: Apache-2.0 */
/* list.c - the parser of seccomp lists; see list.h. */
#include "jail/filters/list.h"

#include <ctype.h>
#include <errno.h>
#include <seccomp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "jail/filters/constants.h"

#define WORDS_MAX 64U

struct parser {
	struct filter_list *list;
	const char *name;
	unsigned int line;
	enum jail_level level; /* of the section; 0 before the first */
	char *error;
	char *words[WORDS_MAX];
	size_t n_words;
};

__attribute__((format(printf, 2, 3))) static int bad(struct parser *p, const char *fmt, ...)
{
	va_list ap;
	int n;

	n = snprintf(p->error, FILTER_LINE_MAX, "%.100s:%u: ", p->name, p->line);
	va_start(ap, fmt);
	(void)vsnprintf(p->error + n, FILTER_LINE_MAX - (size_t)n, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* Words are separated by blanks; a comma is a word of its own. */
static int split(struct parser *p, char *line, char *buffer, size_t size)
{
	size_t used = 0;

	p->n_words = 0;
	for (char *c = line; *c;) {
		size_t n;

		if (isspace((unsigned char)*c)) {
			c++;
			continue;
		}
		n = *c == ',' ? 1 : strcspn(c, ", \t\n");
		if (p->n_words == WORDS_MAX || used + n + 1 > size)
			return bad(p, "too many words");
		p->words[p->n_words++] = buffer + used;
		memcpy(buffer + used, c, n);
		buffer[used + n] = '\0';
		used += n + 1;
		c += n;
	}
	return 0;
}

static int read_section(struct parser *p, const char *word)
{
	static const char *const names[] = {
		[JAIL_LEVEL_MINIMAL] = "[minimal]",
		[JAIL_LEVEL_BASIC] = "[basic]",
		[JAIL_LEVEL_PERMISSIVE] = "[permissive]",
	};

	for (unsigned int level = JAIL_LEVEL_MINIMAL; level < ARRAY_SIZE(names); level++) {
		if (strcmp(word, names[level]) != 0)
			continue;
		if (p->n_words != 1)
			return bad(p, "text after a section's name");
		if (level <= p->level)
			return bad(p, "sections stand in the order minimal, basic, permissive");
		p->level = level;
		return 0;
	}
	return bad(p, "no section '%s'", word);
}

/* NAME|NAME|0x10 */
static int read_value(struct parser *p, const char *word, uint64_t *ret)
{
	char text[FILTER_LINE_MAX], *rest = text, *term;

	*ret = 0;
	(void)snprintf(text, sizeof(text), "%s", word);
	while ((term = strsep(&rest, "|"))) {
		uint64_t value;
		char *end;

		if (isdigit((unsigned char)*term)) {
			errno = 0;
			value = strtoull(term, &end, 0);
			if (errno || *end)
				return bad(p, "'%s' is no number", term);
		} else if (filter_constant(term, &value) < 0) {
			return bad(p, "no constant '%s'", term);
		}
		*ret |= value;
	}
	return 0;
}

static bool same_conditions(const struct filter_rule *a, const struct filter_rule *b)
{
	return memcmp(a->mask, b->mask, sizeof(a->mask)) == 0 &&
	       memcmp(a->value, b->value, sizeof(a->value)) == 0;
}

static bool is_unconditional(const struct filter_rule *rule)
{
	static const struct filter_rule none;

	return same_conditions(rule, &none);
}

static int add(struct parser *p, struct filter_rule *rule)
{
	struct filter_list *list = p->list;

	rule->level = p->level;
	for (size_t i = 0; i < list->n_rules; i++) {
		const struct filter_rule *old = &list->rules[i];

		if (old->nr != rule->nr)
			continue;
		if (old->errnum || rule->errnum)
			return bad(p, "'%s' has a rule already, at %s", rule->call, old->where);
		if (same_conditions(old, rule) ||
		    (is_unconditional(old) && old->level <= rule->level) ||
		    (is_unconditional(rule) && rule->level <= old->level))
			return bad(p, "'%s' and the rule at %s: one is pointless", rule->call,
				   old->where);
	}
	if (list->n_rules == FILTER_RULES_MAX)
		return bad(p, "more than %u rules", FILTER_RULES_MAX);
	(void)snprintf(rule->where, sizeof(rule->where), "%.100s:%u", p->name, p->line);
	list->rules[list->n_rules++] = *rule;
	return 0;
}

static int name_call(struct parser *p, const char *word, struct filter_rule *rule)
{
	if (strlen(word) >= sizeof(rule->call))
		return bad(p, "no system call '%s'", word);
	rule->nr = filter_call_number(word);
	if (rule->nr < 0)
		return bad(p, "no system call '%s' on x86-64", word);
	(void)snprintf(rule->call, sizeof(rule->call), "%s", word);
	return 0;
}

/* CALL... */
static int read_calls(struct parser *p, size_t first, int errnum)
{
	if (first == p->n_words)
		return bad(p, "a system call is missing");
	for (size_t i = first; i < p->n_words; i++) {
		struct filter_rule rule = {.errnum = errnum};
		int r = name_call(p, p->words[i], &rule);

		if (r < 0)
			return r;
		(void)snprintf(rule.text, sizeof(rule.text), "%s%s", errnum ? "errno " : "",
			       rule.call);
		r = add(p, &rule);
		if (r < 0)
			return r;
	}
	return 0;
}

/* `errno NAME CALL...` */
static int read_errno(struct parser *p)
{
	int errnum = p->n_words > 1 ? filter_errno(p->words[1]) : -ENOENT;

	if (errnum < 0)
		return bad(p, "'errno' wants the name of an error");
	return read_calls(p, 2, errnum);
}

static const char *word_at(const struct parser *p, size_t i)
{
	return i < p->n_words ? p->words[i] : "";
}

static int set_condition(struct parser *p, struct filter_rule *rule, unsigned int arg,
			 uint64_t mask, uint64_t value)
{
	if (mask == 0)
		return bad(p, "a mask of nothing");
	if (value & ~mask)
		return bad(p, "this comparison can never hold");
	if (rule->mask[arg])
		return bad(p, "argument %u is compared twice", arg);
	rule->mask[arg] = mask;
	rule->value[arg] = value;
	return 0;
}

/* `CALL ARG in VALUE...`: a rule for each value; the words from @i on are the values. */
static int read_choice(struct parser *p, const struct filter_rule *model, unsigned int arg,
		       size_t i)
{
	const uint64_t mask = filter_argument_mask(model->call, arg);

	if (i == p->n_words)
		return bad(p, "'in' wants values");
	for (; i < p->n_words; i++) {
		struct filter_rule rule = *model;
		uint64_t value;
		int r = read_value(p, p->words[i], &value);

		if (r == 0)
			r = set_condition(p, &rule, arg, mask, value);
		if (r < 0)
			return r;
		(void)snprintf(rule.text, sizeof(rule.text), "%s %u = %.200s", rule.call, arg,
			       p->words[i]);
		r = add(p, &rule);
		if (r < 0)
			return r;
	}
	return 0;
}

/* `ARG [& MASK] = VALUE` from word *i on, which is moved behind it. */
static int read_condition(struct parser *p, struct filter_rule *rule, size_t *i)
{
	const char *word = word_at(p, *i);
	uint64_t width, mask, value;
	unsigned int arg;
	int r;

	if (word[0] < '0' || word[0] >= '0' + (int)FILTER_ARGS || word[1] != '\0')
		return bad(p, "'%s' is no argument: 0 to 5", word);
	arg = (unsigned int)(word[0] - '0');
	width = mask = filter_argument_mask(rule->call, arg);
	if (width == 0)
		return bad(p, "argument %u of '%s' is not in the table of constants.c", arg,
			   rule->call);
	(*i)++;
	if (strcmp(word_at(p, *i), "&") == 0) {
		r = read_value(p, word_at(p, *i + 1), &mask);
		if (r < 0)
			return r;
		if (mask & ~width)
			return bad(p, "a mask wider than the argument");
		*i += 2;
	}
	if (strcmp(word_at(p, *i), "=") != 0)
		return bad(p, "'=' expected instead of '%s'", word_at(p, *i));
	r = read_value(p, word_at(p, *i + 1), &value);
	if (r < 0)
		return r;
	*i += 2;
	return set_condition(p, rule, arg, mask, value);
}

/* `CALL CONDITION, CONDITION...` */
static int read_conditions(struct parser *p, const char *line)
{
	struct filter_rule rule = {0};
	int r = name_call(p, p->words[0], &rule);

	if (r < 0)
		return r;
	if (strcmp(word_at(p, 2), "in") == 0) {
		const char *word = p->words[1];

		if (word[1] != '\0' ||
		    filter_argument_mask(rule.call, (unsigned int)(word[0] - '0')) == 0)
			return bad(p, "argument %s of '%s' is not in the table of constants.c",
				   word, rule.call);
		return read_choice(p, &rule, (unsigned int)(word[0] - '0'), 3);
	}
	for (size_t i = 1; r == 0;) {
		r = read_condition(p, &rule, &i);
		if (r < 0)
			return r;
		if (i == p->n_words)
			break;
		if (strcmp(p->words[i++], ",") != 0)
			return bad(p, "',' expected instead of '%s'", p->words[i - 1]);
	}
	(void)snprintf(rule.text, sizeof(rule.text), "%.*s", (int)strcspn(line, "\n"), line);
	return add(p, &rule);
}

static int read_line(struct parser *p, char *line)
{
	char buffer[2 * FILTER_LINE_MAX];
	const char *first;
	int r;

	line[strcspn(line, "#")] = '\0';
	r = split(p, line, buffer, sizeof(buffer));
	if (r < 0 || p->n_words == 0)
		return r;
	first = p->words[0];
	if (first[0] == '[')
		return read_section(p, first);
	if (p->level == 0)
		return bad(p, "a rule before the first section");
	if (strcmp(first, "errno") == 0)
		return read_errno(p);
	if (p->n_words > 1 && isdigit((unsigned char)p->words[1][0]))
		return read_conditions(p, line);
	return read_calls(p, 0, 0);
}

int filter_list_read(struct filter_list *list, FILE *file, const char *name,
		     char error[FILTER_LINE_MAX])
{
	struct parser p = {.list = list, .name = name, .error = error};
	char line[FILTER_LINE_MAX];

	while (fgets(line, sizeof(line), file)) {
		int r;

		p.line++;
		if (strlen(line) == sizeof(line) - 1)
			return bad(&p, "the line is too long");
		r = read_line(&p, line);
		if (r < 0)
			return r;
	}
	if (ferror(file))
		return bad(&p, "cannot be read");
	return 0;
}

int filter_call_number(const char *name)
{
	int nr = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, name);

	/* libseccomp has negative numbers for calls of other architectures. */
	return nr < 0 ? -ENOENT : nr;
}

bool filter_rule_fits(const struct filter_rule *rule, int nr, const uint64_t args[FILTER_ARGS])
{
	if (nr != rule->nr)
		return false;
	for (size_t i = 0; i < FILTER_ARGS; i++) {
		if ((args[i] & rule->mask[i]) != rule->value[i])
			return false;
	}
	return true;
}
