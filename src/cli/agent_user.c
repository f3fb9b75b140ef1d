/* SPDX-License-Identifier: Apache-2.0 */
/* agent_user.c - the person at the terminal; see agent_user.h. */
#include "cli/agent_user.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/utf8.h"

static const int watched[] = {SIGINT, SIGTERM, SIGHUP};
static volatile sig_atomic_t n_signals, seen;

static void on_signal(int signal)
{
	/* The warden sees our end and takes the VM down. */
	if (++n_signals > 1)
		_exit(128 + signal);
}

static void handle(void (*handler)(int))
{
	/* Without SA_RESTART: it ends a read as well. */
	struct sigaction action = {.sa_handler = handler}, before;

	for (size_t i = 0; i < ARRAY_SIZE(watched); i++) {
		/* What our parent had ignored (nohup) stays ignored. */
		if (sigaction(watched[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			(void)sigaction(watched[i], &action, NULL);
	}
}

void agent_user_watch(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	handle(on_signal);
}

void agent_user_done(void)
{
	handle(SIG_DFL);
}

bool agent_user_interrupted(void)
{
	bool is_new = n_signals > seen;

	seen = n_signals;
	return is_new;
}

int agent_user_ask(char **ret)
{
	cleanup_free char *line = NULL;
	size_t size = 0;

	n_signals = seen = 0;
	for (;;) {
		ssize_t n;

		(void)fputs("> ", stderr);
		errno = 0;
		n = getline(&line, &size, stdin);
		if (n < 0) {
			bool no_room = errno == ENOMEM;

			(void)fputc('\n', stderr);
			n_signals = seen = 0;
			return no_room ? -ENOMEM : -ENODATA;
		}
		while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
			line[--n] = '\0';
		if (strlen(line) != (size_t)n || !utf8_valid(line, (size_t)n))
			(void)fputs("ironclaw: that is no text in UTF-8\n", stderr);
		else if (n > 0)
			break;
	}
	*ret = take_ptr(line);
	return 0;
}
