/* SPDX-License-Identifier: Apache-2.0 */
/* user.c - look users and groups up in the image; see user.h. */
#include "guest/user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "guest/file.h"

#define FILE_B	      (256U * 1024U) /* what is beyond is not looked at */
#define FIELDS_MAX    7
#define DEFAULT_NAME  "user"
#define DEFAULT_UID   1000U
#define NAME_OR_GID_B 256

/* Cut "a:b:c" in place. Return: how many fields there are, FIELDS_MAX at most. */
static size_t split(char *line, char *fields[FIELDS_MAX])
{
	size_t n = 0;

	while (line && n < FIELDS_MAX) {
		fields[n++] = line;
		line = strchr(line, ':');
		if (line)
			*line++ = '\0';
	}
	return n;
}

/* A whole decimal number that fits a uid; (uid_t)-1 means "unchanged" to the kernel. */
static bool parse_id(const char *s, uint32_t *ret)
{
	uint64_t v = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		v = v * 10 + (uint64_t)(*s - '0');
		if (v >= UINT32_MAX)
			return false;
	}
	*ret = (uint32_t)v;
	return true;
}

/* Take the next line, cut off in place. Return: NULL at the end. */
static char *next_line(char **at)
{
	char *line = *at, *end;

	if (!line || !*line)
		return NULL;
	end = strchr(line, '\n');
	if (end)
		*end++ = '\0';
	*at = end;
	return line;
}

/* The text of a file, to be cut up. Return: "" when it cannot be read. */
static char *read_text(const char *path)
{
	static char text[FILE_B];

	if (file_read(AT_FDCWD, path, text, sizeof(text)) < 0)
		text[0] = '\0';
	return text;
}

/* Find a line of /etc/passwd by name, or by number when @name is NULL. */
static bool find_passwd(const char *name, uint32_t uid, struct user *ret)
{
	char *at = read_text("/etc/passwd"), *line, *field[FIELDS_MAX];

	while ((line = next_line(&at)) != NULL) {
		uint32_t id, gid;

		if (split(line, field) < 6 || !parse_id(field[2], &id) || !parse_id(field[3], &gid))
			continue;
		if (name ? strcmp(field[0], name) != 0 : id != uid)
			continue;
		ret->uid = id;
		ret->gid = gid;
		(void)snprintf(ret->name, sizeof(ret->name), "%s", field[0]);
		(void)snprintf(ret->home, sizeof(ret->home), "%s",
			       field[5][0] == '/' ? field[5] : "/");
		return true;
	}
	return false;
}

static bool lists_member(char *members, const char *name)
{
	char *save = NULL;

	for (char *m = strtok_r(members, ",", &save); m; m = strtok_r(NULL, ",", &save))
		if (strcmp(m, name) == 0)
			return true;
	return false;
}

/* Find a group's number by its name. */
static bool find_group(const char *name, uint32_t *ret)
{
	char *at = read_text("/etc/group"), *line, *field[FIELDS_MAX];

	while ((line = next_line(&at)) != NULL)
		if (split(line, field) >= 3 && strcmp(field[0], name) == 0 &&
		    parse_id(field[2], ret))
			return true;
	return false;
}

static void add_groups(struct user *user)
{
	char *at = read_text("/etc/group"), *line, *field[FIELDS_MAX];

	while (user->n_groups < USER_GROUPS_MAX && (line = next_line(&at)) != NULL) {
		uint32_t gid;

		if (split(line, field) >= 4 && parse_id(field[2], &gid) &&
		    lists_member(field[3], user->name))
			user->groups[user->n_groups++] = gid;
	}
}

static void without_entry(uint32_t uid, struct user *ret)
{
	ret->uid = uid;
	ret->gid = uid;
	(void)snprintf(ret->name, sizeof(ret->name), "%u", uid);
	(void)snprintf(ret->home, sizeof(ret->home), "/");
}

int user_find(const char *text, size_t len, struct user *ret)
{
	char name[NAME_OR_GID_B], *group;
	uint32_t uid, gid;

	memset(ret, 0, sizeof(*ret));
	if (!text) {
		if (!find_passwd(DEFAULT_NAME, 0, ret))
			without_entry(DEFAULT_UID, ret);
		add_groups(ret);
		return 0;
	}
	if (len == 0 || len >= sizeof(name))
		return -EINVAL;
	memcpy(name, text, len);
	name[len] = '\0';
	group = strchr(name, ':');
	if (group)
		*group++ = '\0';
	if (!name[0] || (group && !group[0]))
		return -EINVAL;
	if (!find_passwd(name, 0, ret)) {
		if (!parse_id(name, &uid))
			return -ENOENT;
		if (!find_passwd(NULL, uid, ret))
			without_entry(uid, ret);
	}
	if (!group) {
		add_groups(ret);
		return 0;
	}
	if (!find_group(group, &gid) && !parse_id(group, &gid))
		return -ENOENT;
	ret->gid = gid;
	return 0;
}
