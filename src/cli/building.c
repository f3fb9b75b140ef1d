/* SPDX-License-Identifier: Apache-2.0 */
/* building.c - the terminal's side of a build; see building.h. */
#include "cli/building.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

static volatile sig_atomic_t stop_wanted;

static void want_stop(int sig)
{
	(void)sig;
	stop_wanted = 1;
}

static bool is_stop_wanted(void *ctx)
{
	(void)ctx;
	return stop_wanted != 0;
}

static void print_progress(void *ctx, const char *text)
{
	(void)ctx;
	cli_progress("%s", text);
}

struct build_settings building_settings(const struct paths *paths, bool force)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = want_stop, .sa_flags = SA_RESTART};

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		(void)sigaction(signals[i], &action, NULL);
	return (struct build_settings){.paths = paths,
				       .version = IRONCLAW_VERSION,
				       .force = force,
				       .progress = print_progress,
				       .cancelled = is_stop_wanted};
}

void building_size(uint64_t bytes, char *ret, size_t size)
{
	(void)snprintf(ret, size, "%" PRIu64 ".%u MiB", bytes >> 20,
		       (unsigned int)(((bytes & 0xfffff) * 10) >> 20));
}
