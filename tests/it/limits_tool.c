/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits_tool.c - jail/warden_limits.h from a shell, and programs that go beyond limits; for
 * limits.bats.
 *
 *   make ID MEMORY_B PIDS CPU_PERCENT REQUIRED   prints the kind, or the name of the error
 *   run ID KIND COMMAND...                       a child that is made in the group, as a VMM is
 *   join ID KIND PID
 *   oom|remove|sweep|available [ID [KIND]]       print what the function says
 *   eat MIB                                      touch so much memory, say so
 *   fork N                                       have so many children at once, say how many came
 *   spin N MS                                    so many threads that use a processor for so long
 *   bench N                                      microseconds of each step (medians)
 */
#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail/warden_limits.h"
#include "sys/clock.h"

#define ROUNDS_MAX     1000
#define BENCH_PAUSE_US 100000

static const char *const kinds[] = {"none", "v1", "v2"};

static int say(int r)
{
	puts(r < 0 ? strerrorname_np(-r) : "ok");
	return r < 0;
}

static enum warden_limits_kind kind_of(const char *name)
{
	for (int i = 0; i < 3; i++) {
		if (strcmp(kinds[i], name) == 0)
			return (enum warden_limits_kind)i;
	}
	fprintf(stderr, "no such kind: %s\n", name);
	exit(2);
}

static int make(char **argv)
{
	const struct jail_limits limits = {
		.memory_max_b = strtoull(argv[1], NULL, 10),
		.pids_max = (uint32_t)strtoul(argv[2], NULL, 10),
		.cpu_percent = (uint32_t)strtoul(argv[3], NULL, 10),
		.required = (uint32_t)strtoul(argv[4], NULL, 10),
	};
	/* Held to the end of this process. */
	struct warden_limits_hold hold;
	int r = warden_limits_make(argv[0], &limits, &hold);

	if (r < 0)
		return say(r);
	puts(kinds[r]);
	return 0;
}

/* Made in the group (v2), or enters it as its first act (v1), with namespaces of its own. */
static pid_t start_inside(const struct warden_limits_entry *entry)
{
	struct clone_args args = {
		.flags = CLONE_NEWUSER | CLONE_NEWCGROUP,
		.exit_signal = SIGCHLD,
	};
	pid_t pid;

	if (entry->group_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)entry->group_fd;
	}
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0 && warden_limits_enter(entry) < 0)
		_exit(125);
	return pid;
}

static int run(char **argv)
{
	const enum warden_limits_kind kind = kind_of(argv[1]);
	struct warden_limits_entry entry;
	int status, r = warden_limits_open(argv[0], kind, &entry);
	pid_t pid;

	if (r < 0)
		return say(r);
	pid = start_inside(&entry);
	if (pid == 0) {
		/* Verified before it goes on: SIGSTOP and SIGCONT stand for the warden's pipe. */
		(void)raise(SIGSTOP);
		(void)execvp(argv[2], argv + 2);
		_exit(127);
	}
	warden_limits_close(&entry);
	if (pid < 0 || waitpid(pid, &status, WUNTRACED) < 0)
		return say(-errno);
	r = WIFSTOPPED(status) ? warden_limits_verify(argv[0], kind, pid) : -EIO;
	(void)kill(pid, r < 0 ? SIGKILL : SIGCONT);
	if (waitpid(pid, &status, 0) < 0 || r < 0)
		return say(r < 0 ? r : -errno);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int eat(size_t mib)
{
	char *p = mmap(NULL, mib << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return say(-errno);
	for (size_t i = 0; i < mib << 20; i += 4096)
		p[i] = 1;
	printf("ate %zu\n", mib);
	return 0;
}

static int fork_many(int n)
{
	int came = 0, errnum = 0;
	pid_t pids[256];

	for (; came < n && came < 256; came++) {
		pids[came] = fork();
		if (pids[came] < 0) {
			errnum = errno;
			break;
		}
		if (pids[came] == 0) {
			(void)pause();
			_exit(0);
		}
	}
	for (int i = 0; i < came; i++) {
		(void)kill(pids[i], SIGKILL);
		(void)waitpid(pids[i], NULL, 0);
	}
	printf("%d %s\n", came, errnum ? strerrorname_np(errnum) : "ok");
	return 0;
}

static void *spin_until(void *deadline)
{
	while (clock_now_us() < *(const uint64_t *)deadline)
		;
	return NULL;
}

static int spin(int n, unsigned int ms)
{
	uint64_t deadline = clock_now_us() + ms * 1000ULL;
	pthread_t threads[16];

	for (int i = 0; i < n && i < 16; i++) {
		if (pthread_create(&threads[i], NULL, spin_until, &deadline) != 0)
			return say(-EAGAIN);
	}
	for (int i = 0; i < n && i < 16; i++)
		(void)pthread_join(threads[i], NULL);
	return say(0);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t median(uint64_t *times, int n)
{
	qsort(times, (size_t)n, sizeof(*times), compare);
	return times[n / 2];
}

struct times {
	uint64_t make, start, verify, join, remove; /* us */
};

static uint64_t since(uint64_t *last)
{
	uint64_t now = clock_now_us(), passed = now - *last;

	*last = now;
	return passed;
}

/* One VM's share; the pause lets the kernel forget the last move, as between two real starts. */
static int bench_once(const char *id, struct times *t)
{
	const struct jail_limits limits = {256U << 20, 32, 100, 1};
	struct warden_limits_entry entry;
	struct warden_limits_hold hold;
	enum warden_limits_kind kind;
	uint64_t last;
	pid_t pid;
	int r;

	(void)usleep(BENCH_PAUSE_US);
	last = clock_now_us();
	r = warden_limits_make(id, &limits, &hold);
	if (r < 0)
		return r;
	kind = (enum warden_limits_kind)r;
	t->make = since(&last);
	r = warden_limits_open(id, kind, &entry);
	pid = r < 0 ? r : start_inside(&entry);
	if (pid == 0) {
		(void)raise(SIGSTOP);
		_exit(0);
	}
	if (pid < 0)
		return -EIO;
	(void)waitpid(pid, NULL, WUNTRACED);
	warden_limits_close(&entry);
	t->start = since(&last);
	r = warden_limits_verify(id, kind, pid);
	t->verify = since(&last);
	if (r == 0)
		r = warden_limits_join(id, kind, pid);
	t->join = since(&last);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	last = clock_now_us();
	if (r == 0)
		r = warden_limits_remove(id);
	t->remove = since(&last);
	return r;
}

static int bench(int n)
{
	static uint64_t all[5][ROUNDS_MAX];
	struct times t;
	char id[32];

	(void)snprintf(id, sizeof(id), "bench-%d", (int)getpid());
	if (n < 1 || n > ROUNDS_MAX)
		return 2;
	for (int i = 0; i < n; i++) {
		int r = bench_once(id, &t);

		if (r < 0)
			return say(r);
		all[0][i] = t.make;
		all[1][i] = t.start;
		all[2][i] = t.verify;
		all[3][i] = t.join;
		all[4][i] = t.remove;
	}
	printf("us: make %llu, open and clone and enter %llu, verify %llu, (join %llu,) remove "
	       "%llu\n",
	       (unsigned long long)median(all[0], n), (unsigned long long)median(all[1], n),
	       (unsigned long long)median(all[2], n), (unsigned long long)median(all[3], n),
	       (unsigned long long)median(all[4], n));
	return 0;
}

static int on_group(int argc, char **argv)
{
	const char *verb = argv[0];

	if (strcmp(verb, "make") == 0 && argc == 6)
		return make(argv + 1);
	if (strcmp(verb, "run") == 0 && argc > 3)
		return run(argv + 1);
	if (strcmp(verb, "join") == 0 && argc == 4)
		return say(warden_limits_join(argv[1], kind_of(argv[2]),
					      (pid_t)strtol(argv[3], NULL, 10)));
	if (strcmp(verb, "oom") == 0 && argc == 3)
		return puts(warden_limits_oom(argv[1], kind_of(argv[2])) ? "yes" : "no") < 0;
	if (strcmp(verb, "remove") == 0 && argc == 2)
		return say(warden_limits_remove(argv[1]));
	if (strcmp(verb, "sweep") == 0 && argc == 2)
		return say(warden_limits_sweep(argv[1]));
	if (strcmp(verb, "available") == 0 && argc == 1)
		return puts(kinds[warden_limits_available()]) < 0;
	fprintf(stderr, "limits_tool: wrong call, see the source\n");
	return 2;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "eat") == 0)
		return eat(strtoul(argv[2], NULL, 10));
	if (argc == 3 && strcmp(argv[1], "fork") == 0)
		return fork_many((int)strtol(argv[2], NULL, 10));
	if (argc == 4 && strcmp(argv[1], "spin") == 0)
		return spin((int)strtol(argv[2], NULL, 10),
			    (unsigned int)strtoul(argv[3], NULL, 10));
	if (argc == 3 && strcmp(argv[1], "bench") == 0)
		return bench((int)strtol(argv[2], NULL, 10));
	return argc > 1 ? on_group(argc - 1, argv + 1) : 2;
}
