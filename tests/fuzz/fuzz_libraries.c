/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_libraries.c - any bytes as the loader's answer, and as a record: what passes has sound paths
 * and survives a writing.
 *
 * A record begins with a digest of itself, which no fuzzer guesses: the bytes are tried as they
 * are, and behind a digest that is right.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/libraries.h"
#include "sys/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct library_list list, again;
static char text[LIBRARIES_RECORD_MAX_B + 256], record[LIBRARIES_RECORD_MAX_B + 1];

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void require_sound(const struct library_list *l)
{
	require(l->n <= LIBRARIES_MAX && l->text_used <= sizeof(l->text));
	for (uint32_t i = 0; i < l->n; i++) {
		const char *host, *inside;
		char slashed[2048];

		require(l->files[i].host < l->text_used && l->files[i].inside < l->text_used);
		host = l->text + l->files[i].host;
		inside = l->text + l->files[i].inside;
		require(memchr(host, '\0', l->text_used - l->files[i].host) != NULL);
		require(memchr(inside, '\0', l->text_used - l->files[i].inside) != NULL);
		require(host[0] == '/' && !strpbrk(host, "\t\n") && !strpbrk(inside, "\t\n"));
		if (strcmp(inside, LIBRARIES_NOWHERE) == 0)
			continue;
		(void)snprintf(slashed, sizeof(slashed), "%s/", inside);
		require(inside[0] == '/' && !strstr(slashed, "//") && !strstr(slashed, "/./") &&
			!strstr(slashed, "/../"));
		for (uint32_t k = 0; k < i; k++)
			require(strcmp(l->text + l->files[k].inside, inside) != 0);
	}
}

static void require_survival(const struct library_list *l)
{
	int len = libraries_write_record(l, record, sizeof(record));

	require(len > 0 || len == -E2BIG);
	if (len < 0)
		return;
	require((size_t)len == strlen(record));
	require(libraries_read_record(record, (size_t)len, &again) == 0);
	require(again.n == l->n && again.text_used == l->text_used);
	require(memcmp(again.text, l->text, l->text_used) == 0);
	for (uint32_t i = 0; i < l->n; i++)
		require(memcmp(&again.files[i].identity, &l->files[i].identity,
			       sizeof(l->files[i].identity)) == 0);
}

static void try_record(size_t len)
{
	int r = libraries_read_record(text, len, &list);

	require(r == 0 || (r == -EBADMSG && list.n == 0));
	if (r == 0) {
		require_sound(&list);
		require_survival(&list);
	}
}

static void try_lines(void)
{
	char *save = NULL;

	list.n = list.text_used = 0;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		(void)libraries_read_line(&list, line);
	require_sound(&list);
	require_survival(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char digest[DIGEST_HEX_B + 1];

	if (size > LIBRARIES_RECORD_MAX_B)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	try_record(size);
	digest_bytes(data, size, digest);
	(void)snprintf(text, sizeof(text), "%s\n", digest);
	memcpy(text + DIGEST_HEX_B + 1, data, size);
	text[DIGEST_HEX_B + 1 + size] = '\0';
	try_record(DIGEST_HEX_B + 1 + size);
	memcpy(text, data, size);
	text[size] = '\0';
	try_lines();
	return 0;
}
