/* SPDX-License-Identifier: Apache-2.0 */
/* firecracker_fault.c - settings of the stand-in and the faults in them; see firecracker.h. */
#include "firecracker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* firecracker_settings.py finds this by its first words and writes "NAME=VALUE\n" lines behind. */
#define BAKED_HEAD "fake-firecracker-settings:\n"
static volatile const char baked[2048] = BAKED_HEAD;

const char *fc_setting(const char *name)
{
	static char text[sizeof(baked)], found[sizeof(baked)];
	const char *value = getenv(name), *at;
	size_t len = strlen(name);

	if (value)
		return *value ? value : NULL;
	for (size_t i = 0; i < sizeof(baked); i++)
		text[i] = baked[i];
	text[sizeof(text) - 1] = '\0';
	for (at = strchr(text, '\n'); at; at = strchr(at + 1, '\n')) {
		if (strncmp(at + 1, name, len) != 0 || at[1 + len] != '=')
			continue;
		value = at + 1 + len + 1;
		(void)snprintf(found, sizeof(found), "%.*s", (int)strcspn(value, "\n"), value);
		/* The few settings that outlive the next call. */
		return *found ? strdup(found) : NULL;
	}
	return NULL;
}

/* Does "PUT/drives/root" belong to "/drives", "PUT/drives", "PUT/drives/root"? */
static bool step_fits(const char *wanted, size_t len, const char *step)
{
	if (len > 0 && wanted[0] == '/')
		step = strchr(step, '/');
	return step && strncmp(step, wanted, len) == 0 && (step[len] == '\0' || step[len] == '/');
}

/* Return: what follows "name:STEP", at ':', ',' or the end; NULL when it is not there. */
static const char *find(const char *name, const char *step)
{
	static const char *faults;
	static bool asked;
	size_t name_len = strlen(name);

	if (!asked)
		faults = fc_setting("FAKE_FC_FAULT");
	asked = true;
	for (const char *at = faults; at && *at; at += strcspn(at, ","), at += *at == ',') {
		const char *rest = at + name_len;
		size_t len;

		if (strncmp(at, name, name_len) != 0 || (*rest && *rest != ':' && *rest != ','))
			continue;
		if (!step)
			return rest;
		if (*rest != ':')
			continue;
		len = strcspn(++rest, ":,");
		if (step_fits(rest, len, step))
			return rest + len;
	}
	return NULL;
}

bool fc_fault_at(const char *name, const char *step, long *ret_arg)
{
	const char *rest = find(name, step);

	if (rest && ret_arg)
		*ret_arg = *rest == ':' ? strtol(rest + 1, NULL, 0) : 0;
	return rest != NULL;
}

static int signal_of(const char *text)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = {{"SIGKILL", SIGKILL}, {"SIGSYS", SIGSYS},   {"SIGABRT", SIGABRT},
		       {"SIGSEGV", SIGSEGV}, {"SIGTERM", SIGTERM}, {"SIGBUS", SIGBUS}};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (strncmp(text, signals[i].name, strlen(signals[i].name)) == 0)
			return signals[i].number;
	return 0;
}

void fc_fault_die(const char *name, const char *step)
{
	const char *rest = find(name, step);
	int sig;

	if (!rest)
		return;
	rest += *rest == ':';
	sig = signal_of(rest);
	if (sig == 0)
		_exit((int)strtol(rest, NULL, 10));
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
	/* Only a filter that refuses the signal's call comes here. */
	_exit(FC_EXIT_UNEXPECTED);
}
