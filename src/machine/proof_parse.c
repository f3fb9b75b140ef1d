/* SPDX-License-Identifier: Apache-2.0 */
/* proof_parse.c - the text of /proc, line by line; see proof_parse.h. Mounts: proof_parse_mounts.c
 */
#include "machine/proof_parse.h"

#include <errno.h>
#include <string.h>

static const char *next_line(const char *p)
{
	const char *end = strchr(p, '\n');

	return end ? end + 1 : p + strlen(p);
}

static void skip_blanks(const char **cursor)
{
	while (**cursor == ' ' || **cursor == '\t')
		(*cursor)++;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* Blanks, then a number that ends at a blank, a line's end or the end. */
static int take_number(const char **cursor, unsigned int base, uint64_t max, uint64_t *ret)
{
	const char *p = *cursor;
	uint64_t v = 0;

	skip_blanks(&p);
	if ((unsigned int)digit(*p) >= base)
		return -EINVAL;
	for (; (unsigned int)digit(*p) < base; p++) {
		if (v > (max - (unsigned int)digit(*p)) / base)
			return -EINVAL;
		v = v * base + (unsigned int)digit(*p);
	}
	if (*p && !strchr(" \t\n", *p))
		return -EINVAL;
	*cursor = p;
	*ret = v;
	return 0;
}

static int take_u32(const char **cursor, uint32_t *ret)
{
	uint64_t v;
	int r = take_number(cursor, 10, UINT32_MAX, &v);

	if (r == 0)
		*ret = (uint32_t)v;
	return r;
}

static int take_four(const char *p, uint32_t ret[4])
{
	int r = 0;

	for (int i = 0; i < 4 && r == 0; i++)
		r = take_u32(&p, &ret[i]);
	return r;
}

static int take_groups(const char *p, struct proof_status *ret)
{
	for (;;) {
		uint32_t gid = 0;

		skip_blanks(&p);
		if (*p == '\n' || *p == '\0')
			return 0;
		if (take_u32(&p, &gid) < 0)
			return -EINVAL;
		if (ret->n_groups < PROOF_GROUPS_MAX)
			ret->groups[ret->n_groups] = gid;
		ret->n_groups++;
	}
}

static int take_depth(const char *p, struct proof_status *ret)
{
	uint32_t pid;

	while (take_u32(&p, &pid) == 0)
		ret->ns_depth++;
	return ret->ns_depth > 0 ? 0 : -EINVAL;
}

enum status_line {
	LINE_UID,
	LINE_GID,
	LINE_GROUPS,
	LINE_NSPID,
	LINE_CAPS, /* and the four that follow */
	LINE_NNP = LINE_CAPS + PROOF_CAP_SETS,
	LINE_SECCOMP,
	LINE_FILTERS,
	STATUS_LINES
};

static const char *const status_labels[STATUS_LINES] = {
	"Uid:",	   "Gid:",    "Groups:", "NSpid:",	"CapInh:",  "CapPrm:",
	"CapEff:", "CapBnd:", "CapAmb:", "NoNewPrivs:", "Seccomp:", "Seccomp_filters:"};

static int take_status_line(unsigned int line, const char *p, struct proof_status *ret)
{
	uint32_t flag = 0;

	if (line == LINE_UID || line == LINE_GID)
		return take_four(p, line == LINE_UID ? ret->uid : ret->gid);
	if (line == LINE_GROUPS)
		return take_groups(p, ret);
	if (line == LINE_NSPID)
		return take_depth(p, ret);
	if (line < LINE_NNP)
		return take_number(&p, 16, UINT64_MAX, &ret->caps[line - LINE_CAPS]);
	if (line == LINE_SECCOMP)
		return take_u32(&p, &ret->seccomp_mode);
	if (line == LINE_FILTERS)
		return take_u32(&p, &ret->seccomp_filters);
	if (take_u32(&p, &flag) < 0 || flag > 1)
		return -EINVAL;
	ret->no_new_privs = flag == 1;
	return 0;
}

/* Each line that matters once: the name in the first line cannot hold a line break. */
int proof_parse_status(const char *text, struct proof_status *ret)
{
	struct proof_status got = {0};
	unsigned int seen = 0;

	for (const char *p = text; *p; p = next_line(p)) {
		for (unsigned int i = 0; i < STATUS_LINES; i++) {
			size_t n = strlen(status_labels[i]);

			if (strncmp(p, status_labels[i], n) != 0)
				continue;
			if ((seen & 1U << i) || take_status_line(i, p + n, &got) < 0)
				return -EINVAL;
			seen |= 1U << i;
		}
	}
	if (seen != (1U << STATUS_LINES) - 1)
		return -EINVAL;
	*ret = got;
	return 0;
}

/* What a signed field holds, as the kernel prints it. */
static int take_i32(const char **cursor, int32_t *ret)
{
	const char *p = *cursor;
	bool negative;
	uint64_t v;

	skip_blanks(&p);
	negative = *p == '-';
	if (negative)
		p++;
	if (take_number(&p, 10, INT32_MAX, &v) < 0)
		return -EINVAL;
	*cursor = p;
	*ret = negative ? -(int32_t)v : (int32_t)v;
	return 0;
}

/* "PID (NAME) STATE PPID PGRP SESSION TTY ..."; the name may hold anything, ")" included. */
int proof_parse_stat(const char *text, struct proof_stat *ret)
{
	const char *p = strrchr(text, ')');
	struct proof_stat got;
	int32_t ignored;

	if (!p || p[1] != ' ' || !p[2] || p[3] != ' ')
		return -EINVAL;
	got.state = p[2];
	p += 3;
	if (take_i32(&p, &got.ppid) < 0 || take_i32(&p, &ignored) < 0 ||
	    take_i32(&p, &ignored) < 0 || take_i32(&p, &got.tty) < 0)
		return -EINVAL;
	/* Fields 8 to 21 are of no use here; 22 is the start. */
	for (int i = 8; i < 22; i++) {
		skip_blanks(&p);
		p += strcspn(p, " \n");
	}
	if (take_number(&p, 10, UINT64_MAX, &got.start_ticks) < 0)
		return -EINVAL;
	*ret = got;
	return 0;
}

int proof_parse_id_map(const char *text, struct proof_id_map *ret)
{
	struct proof_id_map got = {0};

	for (const char *p = text; *p; p = next_line(p)) {
		uint32_t inside = 0, here = 0, count = 0;

		if (take_u32(&p, &inside) < 0 || take_u32(&p, &here) < 0 ||
		    take_u32(&p, &count) < 0)
			return -EINVAL;
		if (got.n_lines++ == 0) {
			got.inside = inside;
			got.here = here;
		}
		got.n_ids += count;
	}
	*ret = got;
	return 0;
}

/* Whether writes to such a map reach a file that others can see. */
static bool is_file(const char *name)
{
	return name[0] == '/' && strncmp(name, "/memfd:", 7) != 0 &&
	       strncmp(name, "/dev/zero (deleted)", 19) != 0;
}

/* "START-END rwxs OFFSET MAJ:MIN INODE   NAME" */
static int take_map(const char *p, size_t n, struct proof_memory *got)
{
	const char *end = p + n, *mode = memchr(p, ' ', n), *name;

	if (!mode || end - mode < 6 || mode[5] != ' ')
		return -EINVAL;
	mode++;
	if (mode[1] == 'w' && mode[2] == 'x')
		got->n_write_exec++;
	if (mode[1] != 'w' || mode[3] != 's')
		return 0;
	name = mode;
	for (int field = 1; field < 5 && name; field++) {
		name = memchr(name, ' ', (size_t)(end - name));
		while (name && name < end && *name == ' ')
			name++;
	}
	if (!name || name >= end || !is_file(name))
		return 0;
	if (got->n_shared_writable++ == 0) {
		size_t len = (size_t)(end - name);

		if (len >= sizeof(got->shared_writable))
			len = sizeof(got->shared_writable) - 1;
		memcpy(got->shared_writable, name, len);
	}
	return 0;
}

int proof_parse_memory(const char *text, struct proof_memory *ret)
{
	struct proof_memory got = {0};

	for (const char *p = text; *p; p = next_line(p)) {
		if (take_map(p, strcspn(p, "\n"), &got) < 0)
			return -EINVAL;
	}
	*ret = got;
	return 0;
}

static int take_rlimit(const char **cursor, uint64_t *ret)
{
	skip_blanks(cursor);
	if (strncmp(*cursor, "unlimited", 9) != 0)
		return take_number(cursor, 10, UINT64_MAX - 1, ret);
	*cursor += 9;
	*ret = PROOF_UNLIMITED;
	return 0;
}

int proof_parse_rlimits(const char *text, struct proof_rlimits *ret)
{
	static const char *const names[PROOF_RLIMITS] = {"Max core file size ", "Max file size ",
							 "Max open files ", "Max processes "};
	struct proof_rlimits got;
	unsigned int seen = 0;

	for (const char *p = text; *p; p = next_line(p)) {
		for (unsigned int i = 0; i < PROOF_RLIMITS; i++) {
			size_t n = strlen(names[i]);
			const char *at = p + n;

			if (strncmp(p, names[i], n) != 0)
				continue;
			if (take_rlimit(&at, &got.soft[i]) < 0 ||
			    take_rlimit(&at, &got.hard[i]) < 0)
				return -EINVAL;
			seen |= 1U << i;
		}
	}
	if (seen != (1U << PROOF_RLIMITS) - 1)
		return -EINVAL;
	*ret = got;
	return 0;
}

int proof_parse_fdinfo(const char *text, struct proof_fdinfo *ret)
{
	struct proof_fdinfo got = {0};
	unsigned int seen = 0;

	for (const char *p = text; *p; p = next_line(p)) {
		uint64_t v;

		if (strncmp(p, "flags:", 6) == 0) {
			p += 6;
			if (take_number(&p, 8, UINT32_MAX, &v) < 0)
				return -EINVAL;
			got.flags = (uint32_t)v;
			seen |= 1;
		} else if (strncmp(p, "mnt_id:", 7) == 0) {
			p += 7;
			if (take_u32(&p, &got.mount_id) < 0)
				return -EINVAL;
			seen |= 2;
		}
	}
	if (seen != 3)
		return -EINVAL;
	*ret = got;
	return 0;
}
