/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libraries_text.c - lists of libraries as text: the loader's answer, and our record; see
 * libraries.h. Pure.
 *
 * A line of the loader is one of
 *
 *	NAME => PATH (ADDRESS)	a library that was found
 *	PATH (ADDRESS)		one that is asked for by its path: the loader itself
 *	NAME (ADDRESS)		what the kernel provides, no file
 *	NAME => not found
 *	statically linked
 *
 * A record is the digest of what follows it, the format, and a line a file:
 * "DEV INO SECONDS NANOSECONDS <tab> HOST <tab> INSIDE".
 */
#include "engine/libraries.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "sys/digest.h"

#define FORMAT	   "ironclaw libraries 1\n"
#define NUMBERS	   4
#define PATH_MAX_B 1024U
#define NS_MAX	   999999999U

/* Absolute, without what a line cannot hold. A library may be found at "/a/../b" on the host. */
static bool path_ok(const char *path, bool parents)
{
	if (path[0] != '/' || strlen(path) >= PATH_MAX_B)
		return false;
	for (const char *p = path; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	}
	while (*path == '/') {
		size_t n = strcspn(++path, "/");

		if (n == 0 || (n == 1 && path[0] == '.') ||
		    (!parents && n == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		path += n;
	}
	return true;
}

static uint32_t add_text(struct library_list *list, const char *text, size_t len)
{
	uint32_t at = list->text_used;

	memcpy(list->text + at, text, len + 1);
	list->text_used += (uint32_t)len + 1;
	return at;
}

int libraries_add(struct library_list *list, const char *host, const char *inside)
{
	size_t host_len = strlen(host), inside_len = strlen(inside);
	bool placed = strcmp(inside, LIBRARIES_NOWHERE) != 0;

	if (!path_ok(host, true) || (placed && !path_ok(inside, false)))
		return -EINVAL;
	for (uint32_t i = 0; i < list->n; i++) {
		bool same = strcmp(list->text + list->files[i].host, host) == 0;

		if (strcmp(list->text + list->files[i].inside, inside) != 0)
			continue;
		if (same)
			return 0;
		if (placed)
			return -EEXIST;
	}
	if (list->n == LIBRARIES_MAX ||
	    host_len + inside_len + 2 > sizeof(list->text) - list->text_used)
		return -E2BIG;
	list->files[list->n] = (struct library_file){.host = add_text(list, host, host_len),
						     .inside = add_text(list, inside, inside_len)};
	list->n++;
	return 0;
}

/* Cuts " (0x...)" off. */
static bool cut_address(char *line)
{
	char *at = strstr(line, " (0x");
	size_t digits;

	if (!at)
		return false;
	digits = strspn(at + 4, "0123456789abcdef");
	if (digits == 0 || strcmp(at + 4 + digits, ")") != 0)
		return false;
	*at = '\0';
	return true;
}

int libraries_read_line(struct library_list *list, const char *line)
{
	char copy[2 * PATH_MAX_B], inside[PATH_MAX_B];
	char *name = copy, *path;
	int n;

	line += strspn(line, "\t ");
	if (strcmp(line, "statically linked") == 0)
		return 0;
	if (snprintf(copy, sizeof(copy), "%s", line) >= (int)sizeof(copy))
		return -EBADMSG;
	path = strstr(copy, " => ");
	if (path && strcmp(path, " => not found") == 0)
		return -ENOENT;
	if (!cut_address(copy))
		return -EBADMSG;
	if (!path)
		return strchr(name, '/') ? libraries_add(list, name, name) : 0;
	*path = '\0';
	path += strlen(" => ");
	/* A program that asks for a path looks for it there, and nowhere else. */
	n = snprintf(inside, sizeof(inside), "%s%s", name[0] == '/' ? "" : LIBRARIES_INSIDE "/",
		     name);
	if (n < 0 || (size_t)n >= sizeof(inside))
		return -EBADMSG;
	return libraries_add(list, path, inside);
}

int libraries_write_record(const struct library_list *list, char *ret, size_t size)
{
	size_t used = DIGEST_HEX_B + 1;
	char digest[DIGEST_HEX_B + 1];

	if (size <= used + strlen(FORMAT))
		return -E2BIG;
	used += (size_t)snprintf(ret + used, size - used, FORMAT);
	for (uint32_t i = 0; i < list->n; i++) {
		const struct library_file *f = &list->files[i];
		int n = snprintf(ret + used, size - used,
				 "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\t%s\t%s\n",
				 f->identity.dev, f->identity.ino, f->identity.ctime_s,
				 f->identity.ctime_ns, list->text + f->host,
				 list->text + f->inside);

		if (n < 0 || (size_t)n >= size - used)
			return -E2BIG;
		used += (size_t)n;
	}
	digest_bytes(ret + DIGEST_HEX_B + 1, used - DIGEST_HEX_B - 1, digest);
	memcpy(ret, digest, DIGEST_HEX_B);
	ret[DIGEST_HEX_B] = '\n';
	return (int)used;
}

/* Cuts a word off at @end; NULL when there is none. */
static char *cut_word(char **text, char end)
{
	char *word = *text, *at = strchr(word, end);

	if (!at)
		return NULL;
	*at = '\0';
	*text = at + 1;
	return word;
}

static int read_file(char *line, struct library_list *list)
{
	uint64_t numbers[NUMBERS];
	const char *host;

	for (int i = 0; i < NUMBERS; i++) {
		const char *word = cut_word(&line, i == NUMBERS - 1 ? '\t' : ' ');
		uint64_t max = i == NUMBERS - 1 ? NS_MAX : UINT64_MAX;

		if (!word || parse_u64(word, 0, max, &numbers[i]) < 0)
			return -EBADMSG;
	}
	host = cut_word(&line, '\t');
	if (!host || libraries_add(list, host, line) < 0)
		return -EBADMSG;
	list->files[list->n - 1].identity =
		(struct library_identity){numbers[0], numbers[1], numbers[2], numbers[3]};
	return 0;
}

int libraries_read_record(char *text, size_t len, struct library_list *ret)
{
	const size_t head = DIGEST_HEX_B + 1 + strlen(FORMAT);
	char digest[DIGEST_HEX_B + 1];
	uint32_t lines = 0;
	char *rest;

	ret->n = ret->text_used = 0;
	if (len < head || len > LIBRARIES_RECORD_MAX_B || strlen(text) != len)
		return -EBADMSG;
	digest_bytes(text + DIGEST_HEX_B + 1, len - DIGEST_HEX_B - 1, digest);
	if (memcmp(text, digest, DIGEST_HEX_B) != 0 || text[DIGEST_HEX_B] != '\n' ||
	    memcmp(text + DIGEST_HEX_B + 1, FORMAT, strlen(FORMAT)) != 0)
		return -EBADMSG;
	rest = text + head;
	while (*rest) {
		char *line = cut_word(&rest, '\n');

		/* One that is there twice adds nothing. */
		if (!line || read_file(line, ret) < 0 || ret->n != ++lines) {
			ret->n = ret->text_used = 0;
			return -EBADMSG;
		}
	}
	return 0;
}
