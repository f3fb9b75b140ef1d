/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_follow.c - `ironclaw audit seccomp -f`.
 *
 * Writers store into mapped memory, of which no file event tells, so the counter is looked at ten
 * times a second. A number that is given out but has no entry yet holds the ones behind it back, so
 * that the order stays, for up to two periods of SETTLE_US: whose writer takes longer is dead. When
 * another file takes the ring's name (a spoilt one was replaced), that is followed from its start.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "cli/audit.h"
#include "cli/cli.h"
#include "codec/json_write.h"
#include "sys/clock.h"

#define LOOK_MS	  100
#define SETTLE_US 1000000U

struct follower {
	const struct paths *paths;
	const struct audit_args *args;
	struct audit_alerts alerts;
	struct denials *ring; /* NULL: none yet */
	dev_t dev;
	ino_t ino;
	uint64_t next;		/* number of the entry to print next */
	uint64_t settled;	/* what has no entry up to here gets none */
	uint64_t mark, mark_us; /* the counter, and when it was looked at */
};

static volatile sig_atomic_t stopped;

static void on_stop(int signo)
{
	(void)signo;
	stopped = 1;
}

/* A second signal kills: a write may hang in a pipe that nobody reads. */
static void catch_stop(void)
{
	struct sigaction action = {.sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND};

	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
}

static void follower_done(struct follower *f)
{
	denials_unmap(f->ring);
	audit_alerts_done(&f->alerts);
}

/* Make sure that the file that has the name now is the one that is mapped. */
static int attach(struct follower *f)
{
	cleanup_close int fd = audit_open(f->paths);
	struct denials *ring;
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (f->ring && st.st_dev == f->dev && st.st_ino == f->ino)
		return 0;
	ring = denials_map(fd, false);
	if (!ring)
		return -errno;
	denials_unmap(f->ring);
	f->ring = ring;
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	f->next = 1;
	f->settled = 0;
	f->mark = 0;
	f->mark_us = clock_now_us();
	return 0;
}

/* -n: the first entry to print is the one that has newest - 1 of the wanted VM behind it. */
static int skip_older(struct follower *f)
{
	cleanup(audit_snapshot_done) struct audit_snapshot s = {.n = 0};
	int r;

	if (!f->ring || !f->args->limited)
		return 0;
	r = audit_snapshot(f->ring, f->args->vm_id, &s);
	if (r < 0)
		return r;
	if (f->args->newest == 0)
		f->next = s.last + 1;
	else if (f->args->newest < s.n)
		f->next = s.entries[s.n - f->args->newest].number;
	return 0;
}

static void print_line(const char *const cells[AUDIT_COLUMNS])
{
	static const int widths[AUDIT_COLUMNS] = {29, 20, 7, 7, 18, 7, 0};

	for (size_t i = 0; i < AUDIT_COLUMNS; i++) {
		char text[256];

		escape_text(text, sizeof(text), cells[i], strlen(cells[i]));
		(void)printf("%s%-*s", i > 0 ? "  " : "", widths[i], text);
	}
	(void)putchar('\n');
}

static void print_entry(const struct follower *f, const struct denial *denial)
{
	struct audit_row row;
	struct json_writer w;

	if (f->args->json) {
		json_write_begin(&w, stdout);
		audit_write_json(&w, denial);
		(void)json_write_end(&w);
		return;
	}
	audit_row(denial, &row);
	print_line(row.cells);
}

static void print_alert(const struct follower *f, const struct denial *denial)
{
	struct json_writer w;

	if (!f->args->json) {
		audit_print_alert(denial->vm_id, denial->count);
		return;
	}
	json_write_begin(&w, stdout);
	json_write_open_object(&w, NULL);
	json_write_open_object(&w, "alert");
	json_write_string(&w, "vm_id", denial->vm_id);
	json_write_u64(&w, "count", denial->count);
	json_write_close_object(&w);
	json_write_close_object(&w);
	(void)json_write_end(&w);
}

static void print_dropped(const struct follower *f, uint64_t dropped)
{
	struct json_writer w;

	if (!f->args->json) {
		audit_print_dropped(dropped);
		return;
	}
	json_write_begin(&w, stdout);
	json_write_open_object(&w, NULL);
	json_write_u64(&w, "dropped", dropped);
	json_write_close_object(&w);
	(void)json_write_end(&w);
}

static int take_entry(struct follower *f, const struct denial *denial)
{
	int r;

	if (f->args->vm_id && strcmp(denial->vm_id, f->args->vm_id) != 0)
		return 0;
	print_entry(f, denial);
	r = audit_alerts_note(&f->alerts, denial);
	if (r > 0)
		print_alert(f, denial);
	return r < 0 ? r : 0;
}

/* Print what there is to print now. */
static int advance(struct follower *f)
{
	uint64_t last = denials_last(f->ring), now = clock_now_us();

	if (now - f->mark_us >= SETTLE_US) {
		f->settled = f->mark;
		f->mark = last;
		f->mark_us = now;
	}
	if (f->next > last + 1)
		f->next = last + 1; /* somebody has put the counter back */
	while (!stopped && f->next <= last) {
		uint64_t first = denials_first(denials_last(f->ring));
		struct denial denial;
		int r = 0;

		if (f->next < first) {
			print_dropped(f, first - f->next);
			f->next = first;
			continue;
		}
		if (denials_get(f->ring, f->next, &denial))
			r = take_entry(f, &denial);
		else if (f->next > f->settled)
			return 0;
		if (r < 0)
			return r;
		f->next++;
	}
	return 0;
}

/* Return: false when nobody reads our output any more */
static bool wait_a_moment(void)
{
	struct pollfd output = {.fd = STDOUT_FILENO, .events = 0};

	return poll(&output, 1, LOOK_MS) <= 0;
}

int audit_follow(const struct paths *paths, const struct audit_args *args)
{
	cleanup(follower_done) struct follower f = {.paths = paths, .args = args};
	int r;

	catch_stop();
	r = attach(&f);
	if (r < 0 && r != -ENOENT)
		return audit_fail(paths, -r);
	r = skip_older(&f);
	if (r == 0 && !args->json)
		print_line(audit_headers);
	while (r == 0 && !stopped) {
		if (f.ring)
			r = advance(&f);
		if (fflush(stdout) != 0 || ferror(stdout) || r < 0)
			break;
		if (!stopped && !wait_a_moment())
			break;
		/* A ring that is gone, or is spoilt, is followed until there is a new one. */
		(void)attach(&f);
	}
	if (r < 0)
		return audit_fail(paths, -r);
	if (stopped)
		clearerr(stdout); /* what the signal interrupted */
	return CLI_EXIT_OK;
}
