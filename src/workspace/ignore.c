/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ignore.c - patterns in the syntax of gitignore(5); see ignore.h.
 *
 * A pattern becomes a row of steps, and a match walks over the path once with the set of all steps
 * that could be next. So there is no going back, and no pattern that takes exponential time.
 */
#include "workspace/ignore.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "wire/tar.h"

enum step_kind {
	STEP_BYTE,    /* this byte */
	STEP_CLASS,   /* one of these bytes */
	STEP_STAR,    /* any number of bytes but '/' */
	STEP_FOLDERS, /* "**" and a slash: nothing, or on to STEP_INSIDE */
	STEP_INSIDE,  /* bytes up to a '/' */
	STEP_REST,    /* one byte or more, to the end */
};

struct step {
	enum step_kind kind;
	unsigned char byte;
	uint8_t set[32]; /* bits of a class */
};

struct rule {
	char *folder;
	struct step *steps;
	size_t n_steps;
	bool negated, dir_only, anchored;
};

struct ignore {
	struct rule *rules, *excludes;
	size_t n_rules, n_excludes;
};

static void rule_done(struct rule *rule)
{
	free(rule->folder);
	free(rule->steps);
}

struct ignore *ignore_new(void)
{
	return calloc(1, sizeof(struct ignore));
}

void ignore_free(struct ignore *ignore)
{
	if (!ignore)
		return;
	for (size_t i = 0; i < ignore->n_rules; i++)
		rule_done(&ignore->rules[i]);
	for (size_t i = 0; i < ignore->n_excludes; i++)
		rule_done(&ignore->excludes[i]);
	free(ignore->rules);
	free(ignore->excludes);
	free(ignore);
}

static bool has(const uint8_t set[32], unsigned char c)
{
	return set[c / 8] >> (c % 8) & 1;
}

static void put(uint8_t set[32], unsigned char c)
{
	set[c / 8] |= (uint8_t)(1U << (c % 8));
}

/* "[:alpha:]" at @at. Return: its length, 0 when it is none */
static size_t named_class(uint8_t set[32], const char *at, size_t len)
{
	static const struct {
		const char *name;
		int (*is)(int);
	} classes[] = {
		{"[:alnum:]", isalnum}, {"[:alpha:]", isalpha}, {"[:blank:]", isblank},
		{"[:cntrl:]", iscntrl}, {"[:digit:]", isdigit}, {"[:graph:]", isgraph},
		{"[:lower:]", islower}, {"[:print:]", isprint}, {"[:punct:]", ispunct},
		{"[:space:]", isspace}, {"[:upper:]", isupper}, {"[:xdigit:]", isxdigit},
	};

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		size_t n = strlen(classes[i].name);

		if (n > len || memcmp(at, classes[i].name, n) != 0)
			continue;
		for (int c = 0; c < 128; c++) {
			if (classes[i].is(c))
				put(set, (unsigned char)c);
		}
		return n;
	}
	return 0;
}

/* The class at text[0] == '['. Return: its length; 0 when it never ends: nothing matches it */
static size_t read_class(struct step *step, const char *text, size_t len)
{
	bool negated = len > 1 && (text[1] == '!' || text[1] == '^');
	size_t i = negated ? 2 : 1;

	*step = (struct step){.kind = STEP_CLASS};
	for (size_t first = i; i < len && (text[i] != ']' || i == first); i++) {
		size_t n = named_class(step->set, text + i, len - i);
		unsigned char from, to;

		if (n > 0) {
			i += n - 1;
			continue;
		}
		if (text[i] == '\\' && ++i == len)
			return 0;
		from = to = (unsigned char)text[i];
		if (i + 2 < len && text[i + 1] == '-' && text[i + 2] != ']') {
			i += 2;
			if (text[i] == '\\' && ++i == len)
				return 0;
			to = (unsigned char)text[i];
		}
		for (unsigned int c = from; c <= to; c++)
			put(step->set, (unsigned char)c);
	}
	if (i >= len)
		return 0;
	for (size_t b = 0; negated && b < sizeof(step->set); b++)
		step->set[b] = (uint8_t)~step->set[b];
	step->set['/' / 8] &= (uint8_t) ~(1U << ('/' % 8));
	return i + 1;
}

/* A run of stars at text[i]. Return: its length, with the slash that belongs to it */
static size_t read_stars(struct step *steps, size_t *n, const char *text, size_t len, size_t i)
{
	size_t stars = 0;
	bool begins = i == 0 || text[i - 1] == '/';

	while (i + stars < len && text[i + stars] == '*')
		stars++;
	if (stars == 2 && begins && i + 2 < len && text[i + 2] == '/') {
		steps[(*n)++].kind = STEP_FOLDERS;
		steps[(*n)++].kind = STEP_INSIDE;
		return 3;
	}
	if (stars == 2 && begins && i > 0 && i + 2 == len)
		steps[(*n)++].kind = STEP_REST;
	else
		steps[(*n)++].kind = STEP_STAR;
	return stars;
}

/* Return: 0, also for a pattern that matches nothing (n_steps is 0 then), -ENOMEM */
static int compile(struct rule *rule, const char *text, size_t len)
{
	size_t i = 0, n = 0;

	/* No step takes less than one byte, but "**" and a slash make two of three. */
	rule->steps = calloc(len + 1, sizeof(*rule->steps));
	if (!rule->steps)
		return -ENOMEM;
	while (i < len) {
		struct step *step = &rule->steps[n];

		if (text[i] == '*') {
			i += read_stars(rule->steps, &n, text, len, i);
		} else if (text[i] == '[') {
			size_t used = read_class(step, text + i, len - i);

			if (used == 0)
				return 0;
			i += used;
			n++;
		} else if (text[i] == '?') {
			*step = (struct step){.kind = STEP_CLASS};
			memset(step->set, 0xff, sizeof(step->set));
			step->set['/' / 8] &= (uint8_t) ~(1U << ('/' % 8));
			i++;
			n++;
		} else {
			if (text[i] == '\\' && ++i == len)
				return 0;
			*step = (struct step){.kind = STEP_BYTE, .byte = (unsigned char)text[i]};
			i++;
			n++;
		}
	}
	rule->n_steps = n;
	return 0;
}

/* Without the newline, a CR before it, and blanks at the end that no backslash keeps. */
static size_t trim(const char *line, size_t len)
{
	size_t end = 0;

	if (len > 0 && line[len - 1] == '\r')
		len--;
	for (size_t i = 0; i < len; i++) {
		if (line[i] == '\\' && i + 1 < len)
			end = ++i + 1;
		else if (line[i] != ' ')
			end = i + 1;
	}
	return end;
}

/* Return: 1 when the line is a rule, 0 when it is none, -errno */
static int read_line(struct rule *rule, const char *folder, const char *line, size_t len,
		     struct ironclaw_error *err)
{
	int r;

	*rule = (struct rule){.folder = NULL};
	len = trim(line, len);
	if (len == 0 || line[0] == '#')
		return 0;
	if (len > IGNORE_PATTERN_MAX_B)
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "a pattern has %zu bytes, and at most %u are allowed", len,
			       IGNORE_PATTERN_MAX_B);
	if (line[0] == '!') {
		rule->negated = true;
		line++;
		len--;
	}
	if (len > 0 && line[len - 1] == '/') {
		rule->dir_only = true;
		len--;
	}
	rule->anchored = memchr(line, '/', len) != NULL;
	if (len > 0 && line[0] == '/') {
		line++;
		len--;
	}
	rule->folder = strdup(folder);
	r = rule->folder ? compile(rule, line, len) : -ENOMEM;
	if (r < 0) {
		rule_done(rule);
		return err_sys(err, -r, "cannot keep a pattern");
	}
	return 1;
}

static int append(struct rule **rules, size_t *n, const struct rule *rule,
		  struct ironclaw_error *err)
{
	struct rule *grown;

	if (*n >= IGNORE_RULES_MAX)
		return err_set(err, IRONCLAW_ERR_INVALID, E2BIG, "there are more than %u patterns",
			       IGNORE_RULES_MAX);
	grown = realloc(*rules, (*n + 1) * sizeof(*grown));
	if (!grown)
		return err_sys(err, ENOMEM, "cannot keep a pattern");
	*rules = grown;
	grown[(*n)++] = *rule;
	return 0;
}

static int add_lines(struct rule **rules, size_t *n_rules, const char *folder, const char *text,
		     size_t len, struct ironclaw_error *err)
{
	const size_t before = *n_rules;
	int r = 0;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	while (r >= 0 && len > 0) {
		const char *newline = memchr(text, '\n', len);
		size_t n = newline ? (size_t)(newline - text) : len;
		struct rule rule;

		r = read_line(&rule, folder, text, n, err);
		if (r > 0) {
			r = append(rules, n_rules, &rule, err);
			if (r < 0)
				rule_done(&rule);
		}
		n += newline != NULL;
		text += n;
		len -= n;
	}
	while (r < 0 && *n_rules > before)
		rule_done(&(*rules)[--*n_rules]);
	return r < 0 ? r : 0;
}

int ignore_add(struct ignore *ignore, const char *folder, const char *text, size_t len,
	       struct ironclaw_error *err)
{
	return add_lines(&ignore->rules, &ignore->n_rules, folder, text, len, err);
}

int ignore_add_exclude(struct ignore *ignore, const char *pattern, struct ironclaw_error *err)
{
	return add_lines(&ignore->excludes, &ignore->n_excludes, "", pattern, strlen(pattern), err);
}

/* Adds the steps that take nothing: what may follow them is next as well. */
static void open_steps(const struct rule *rule, bool *next)
{
	for (size_t i = 0; i < rule->n_steps; i++) {
		if (!next[i])
			continue;
		if (rule->steps[i].kind == STEP_STAR)
			next[i + 1] = true;
		else if (rule->steps[i].kind == STEP_FOLDERS)
			next[i + 2] = true;
	}
}

static bool match(const struct rule *rule, const char *s)
{
	bool sets[2][IGNORE_PATTERN_MAX_B + 2] = {{false}};
	bool *now = sets[0], *next = sets[1], *swap;

	now[0] = true;
	open_steps(rule, now);
	for (; *s; s++) {
		const unsigned char c = (unsigned char)*s;

		memset(next, 0, rule->n_steps + 1);
		for (size_t i = 0; i < rule->n_steps; i++) {
			const struct step *step = &rule->steps[i];

			if (!now[i])
				continue;
			if (step->kind == STEP_BYTE)
				next[i + 1] |= c == step->byte;
			else if (step->kind == STEP_CLASS)
				next[i + 1] |= has(step->set, c);
			else if (step->kind == STEP_STAR)
				next[i] |= c != '/';
			else if (step->kind == STEP_FOLDERS)
				next[i + 1] = true;
			else
				next[i] = true;
			if (step->kind == STEP_INSIDE)
				next[i + 1] |= c == '/';
			else if (step->kind == STEP_REST)
				next[i + 1] = true;
		}
		open_steps(rule, next);
		swap = now;
		now = next;
		next = swap;
	}
	return now[rule->n_steps];
}

static bool applies(const struct rule *rule, const char *path, bool is_dir)
{
	const size_t n = strlen(rule->folder);
	const char *name = strrchr(path, '/');

	if (rule->n_steps == 0 || (rule->dir_only && !is_dir))
		return false;
	if (n > 0 && !tar_path_is_below(path, rule->folder))
		return false;
	if (rule->anchored)
		return match(rule, path + (n > 0 ? n + 1 : 0));
	return match(rule, name ? name + 1 : path);
}

bool ignore_matches(const struct ignore *ignore, const char *path, bool is_dir)
{
	for (size_t i = ignore->n_excludes; i-- > 0;) {
		if (applies(&ignore->excludes[i], path, is_dir))
			return !ignore->excludes[i].negated;
	}
	for (size_t i = ignore->n_rules; i-- > 0;) {
		if (applies(&ignore->rules[i], path, is_dir))
			return !ignore->rules[i].negated;
	}
	return false;
}

bool ignore_covers(const struct ignore *ignore, const char *path, bool is_dir)
{
	char folder[TAR_PATH_MAX_B + 1];

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		size_t n = (size_t)(slash - path);

		if (n >= sizeof(folder))
			return false;
		memcpy(folder, path, n);
		folder[n] = '\0';
		if (ignore_matches(ignore, folder, true))
			return true;
	}
	return ignore_matches(ignore, path, is_dir);
}
