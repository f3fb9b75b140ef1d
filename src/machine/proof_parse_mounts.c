/* SPDX-License-Identifier: Apache-2.0 */
/* proof_parse_mounts.c - mountinfo and cgroup, the two lists of paths; see proof_parse.h. */
#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "machine/proof_parse.h"

/* Spaces, tabs, line breaks and backslashes of a path stand as \ooo. */
static bool is_escape(const char *p)
{
	return p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' && p[2] <= '7' &&
	       p[3] >= '0' && p[3] <= '7';
}

/* One field, up to a blank or the end of the line; what does not fit in @ret is cut. */
static int take_field(const char **cursor, char *ret, size_t size)
{
	const char *p = *cursor;
	size_t used = 0;

	if (*p == ' ' || *p == '\n' || *p == '\0')
		return -EINVAL;
	while (*p != ' ' && *p != '\n' && *p != '\0') {
		char c = *p;

		if (is_escape(p)) {
			c = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
			p += 3;
		}
		p++;
		if (used + 1 < size)
			ret[used++] = c;
	}
	ret[used] = '\0';
	if (*p == ' ')
		p++;
	*cursor = p;
	return 0;
}

bool proof_has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; *p; p += strspn(p, ",")) {
		size_t len = strcspn(p, ",");

		if (len == n && memcmp(p, word, n) == 0)
			return true;
		p += len;
	}
	return false;
}

/* "ID PARENT MAJ:MIN ROOT POINT OPTIONS [TAG...] - TYPE SOURCE SUPER" */
int proof_parse_mount_line(const char **cursor, struct proof_mount *ret)
{
	char id[16], ignored[PROOF_NAME_B], options[PROOF_NAME_B], tag[64];
	struct proof_mount got = {0};
	const char *p = *cursor;

	if (take_field(&p, id, sizeof(id)) < 0 || parse_u32(id, 0, UINT32_MAX, &got.id) < 0 ||
	    take_field(&p, ignored, sizeof(ignored)) < 0 ||
	    take_field(&p, ignored, sizeof(ignored)) < 0 ||
	    take_field(&p, got.root, sizeof(got.root)) < 0 ||
	    take_field(&p, got.point, sizeof(got.point)) < 0 ||
	    take_field(&p, options, sizeof(options)) < 0)
		return -EINVAL;
	for (;;) {
		if (take_field(&p, tag, sizeof(tag)) < 0)
			return -EINVAL;
		if (strcmp(tag, "-") == 0)
			break;
		got.shared = got.shared || strncmp(tag, "shared:", 7) == 0 ||
			     strncmp(tag, "master:", 7) == 0;
	}
	if (take_field(&p, got.type, sizeof(got.type)) < 0 ||
	    take_field(&p, ignored, sizeof(ignored)) < 0 ||
	    take_field(&p, got.super, sizeof(got.super)) < 0 || (*p != '\n' && *p != '\0'))
		return -EINVAL;
	got.ro = proof_has_word(options, "ro");
	got.nosuid = proof_has_word(options, "nosuid");
	got.nodev = proof_has_word(options, "nodev");
	got.noexec = proof_has_word(options, "noexec");
	*cursor = *p ? p + 1 : p;
	*ret = got;
	return 0;
}

int proof_parse_mounts(const char *text, struct proof_mounts *ret)
{
	ret->n = 0;
	ret->cut = false;
	for (const char *p = text; *p;) {
		struct proof_mount mount;

		if (proof_parse_mount_line(&p, &mount) < 0) {
			ret->n = 0;
			return -EINVAL;
		}
		if (ret->n < PROOF_MOUNTS_MAX)
			ret->list[ret->n++] = mount;
		else
			ret->cut = true;
	}
	return 0;
}

static void copy_cut(char *dst, size_t size, const char *src, size_t n)
{
	if (n >= size)
		n = size - 1;
	memcpy(dst, src, n);
	dst[n] = '\0';
}

/* "HIERARCHY:CONTROLLERS:PATH"; a path is not escaped, and is cut at its line's end. */
int proof_parse_cgroups(const char *text, struct proof_cgroups *ret)
{
	const char *p = text;

	ret->n = 0;
	ret->cut = false;
	while (*p) {
		size_t n = strcspn(p, "\n");
		const char *names = memchr(p, ':', n), *path;
		struct proof_cgroup *c;

		path = names ? memchr(names + 1, ':', n - (size_t)(names + 1 - p)) : NULL;
		if (!path || path[1] != '/') {
			ret->n = 0;
			return -EINVAL;
		}
		if (ret->n == PROOF_CGROUPS_MAX) {
			ret->cut = true;
			return 0;
		}
		c = &ret->list[ret->n++];
		copy_cut(c->controllers, sizeof(c->controllers), names + 1,
			 (size_t)(path - names - 1));
		copy_cut(c->path, sizeof(c->path), path + 1, n - (size_t)(path + 1 - p));
		p += n;
		if (*p)
			p++;
	}
	return 0;
}

const struct proof_cgroup *proof_find_cgroup(const struct proof_cgroups *cgroups,
					     const char *controller)
{
	for (uint32_t i = 0; i < cgroups->n; i++) {
		const struct proof_cgroup *g = &cgroups->list[i];

		if (controller[0] ? proof_has_word(g->controllers, controller)
				  : g->controllers[0] == '\0')
			return g;
	}
	return NULL;
}
