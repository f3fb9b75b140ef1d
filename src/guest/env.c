/* SPDX-License-Identifier: Apache-2.0 */
/* env.c - argument and environment vectors; see env.h. */
#include "guest/env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULTS_MAX 6
#define DEFAULT_B    (USER_HOME_B + 16)
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

char **env_argv(const uint8_t *request, size_t len, const struct wire_exec *exec)
{
	char **argv = calloc(exec->n_args + 1, sizeof(*argv));
	char *text = malloc(len);

	if (!argv || !text)
		return NULL;
	(void)wire_exec_copy_strings(request, len, WIRE_EXEC_ARG, argv, text);
	return argv;
}

static size_t put_defaults(char **out, const struct wire_exec *exec, const struct user *user)
{
	static char text[DEFAULTS_MAX][DEFAULT_B];
	size_t n = 0;

	(void)snprintf(text[n++], DEFAULT_B, "PATH=" DEFAULT_PATH);
	(void)snprintf(text[n++], DEFAULT_B, "HOME=%s", user->home);
	(void)snprintf(text[n++], DEFAULT_B, "USER=%s", user->name);
	(void)snprintf(text[n++], DEFAULT_B, "LOGNAME=%s", user->name);
	(void)snprintf(text[n++], DEFAULT_B, "LANG=C.UTF-8");
	if (exec->flags & WIRE_EXEC_TTY)
		(void)snprintf(text[n++], DEFAULT_B, "TERM=xterm");
	for (size_t i = 0; i < n; i++)
		out[i] = text[i];
	return n;
}

static size_t name_length(const char *variable)
{
	return strcspn(variable, "=");
}

static uint32_t hash_name(const char *variable)
{
	uint32_t h = 2166136261U; /* FNV-1a */

	for (size_t i = 0; variable[i] && variable[i] != '='; i++)
		h = (h ^ (uint8_t)variable[i]) * 16777619U;
	return h;
}

static bool same_name(const char *a, const char *b)
{
	size_t n = name_length(a);

	return n == name_length(b) && memcmp(a, b, n) == 0;
}

/* Keep one value a name: the last, at the place of the first. Return: how many are left. */
static size_t remove_doubles(char **vector, size_t n, uint32_t *slots, size_t n_slots)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		size_t at = hash_name(vector[i]) & (n_slots - 1);

		while (slots[at] != 0 && !same_name(vector[slots[at] - 1], vector[i]))
			at = (at + 1) & (n_slots - 1);
		if (slots[at] != 0) {
			vector[slots[at] - 1] = vector[i];
			continue;
		}
		vector[kept++] = vector[i];
		slots[at] = (uint32_t)kept;
	}
	vector[kept] = NULL;
	return kept;
}

char **env_environ(const uint8_t *request, size_t len, const struct wire_exec *exec,
		   const struct user *user)
{
	size_t n_slots = 64, n_max = DEFAULTS_MAX + (size_t)exec->n_env;
	char **vector = calloc(n_max + 1, sizeof(*vector));
	char *text = malloc(len);
	uint32_t *slots;
	size_t n;

	while (n_slots < 2 * n_max)
		n_slots *= 2;
	slots = calloc(n_slots, sizeof(*slots));
	if (!vector || !text || !slots)
		return NULL;
	n = put_defaults(vector, exec, user);
	(void)wire_exec_copy_strings(request, len, WIRE_EXEC_ENV, vector + n, text);
	(void)remove_doubles(vector, n + exec->n_env, slots, n_slots);
	free(slots);
	return vector;
}
