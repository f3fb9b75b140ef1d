/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pause_tool.c - a VM that is paused, by the public library, for tests/it/pause.bats.
 *
 *   pause_tool ENGINE under    pause under a command that counts, from its output's callback
 *   pause_tool ENGINE between  pause between two commands
 *   pause_tool ENGINE hold     pause, say so, and wait to be killed
 *
 * What is seen goes to stdout. The pause takes PAUSE_S seconds; what the guest must not have
 * noticed of them is measured by its own clock.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <ironclaw/ironclaw.h>

#define PAUSE_S	  3
#define COUNT	  "40"
#define PAUSED_AT 10
#define TEXT_B	  4096

static struct ironclaw_error err;
static struct ironclaw_vm *vm;
static char text[TEXT_B];
static size_t used;
static bool pausing;

static void check(int r, const char *what)
{
	if (r == 0)
		return;
	(void)printf("%s: %s\n", what, err.text);
	exit(1);
}

static unsigned int lines(void)
{
	unsigned int n = 0;

	for (size_t i = 0; i < used; i++)
		n += text[i] == '\n';
	return n;
}

static void pause_for_a_while(void)
{
	check(ironclaw_vm_pause(vm, &err), "pause");
	check(ironclaw_vm_pause(vm, &err), "pause once more");
	(void)sleep(PAUSE_S);
	check(ironclaw_vm_resume(vm, &err), "resume");
	check(ironclaw_vm_resume(vm, &err), "resume once more");
}

static int output(void *userdata, enum ironclaw_stream stream, const void *data, size_t len)
{
	(void)userdata;
	(void)stream;
	if (len > sizeof(text) - 1 - used)
		return -1;
	memcpy(text + used, data, len);
	used += len;
	text[used] = '\0';
	if (pausing && lines() >= PAUSED_AT) {
		pausing = false;
		pause_for_a_while();
	}
	return 0;
}

static int run(const char *script)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	const struct ironclaw_exec_options options = {.size = sizeof(options),
						      .argv = argv,
						      .output = output};
	struct ironclaw_exec_result result = {.size = sizeof(result)};

	used = 0;
	text[0] = '\0';
	if (ironclaw_vm_exec(vm, &options, &result, &err) < 0)
		return -1;
	return result.exit_code;
}

static long long now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Every number once, in order; by the guest's monotonic clock no gap is as long as the pause. */
static void under(void)
{
	long long begin_ms = now_ms();
	double before = 0, gap = 0;
	unsigned int n = 0;
	char *save = NULL;

	pausing = true;
	check(run("i=0; while [ $i -lt " COUNT " ]; do echo $i $(cut -d' ' -f1 /proc/uptime); "
		  "i=$((i+1)); sleep 0.05; done"),
	      "exec");
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		unsigned int number;
		double at;

		if (sscanf(line, "%u %lf", &number, &at) != 2 || number != n)
			break;
		if (n > 0 && at - before > gap)
			gap = at - before;
		before = at;
		n++;
	}
	(void)printf("numbers %u\n%s\n%s\n", n, gap < PAUSE_S - 1 ? "stood still" : "ran on",
		     now_ms() - begin_ms >= PAUSE_S * 1000 ? "paused" : "not paused");
}

static void between(void)
{
	long long off;

	check(run("true"), "exec");
	check(ironclaw_vm_pause(vm, &err), "pause");
	(void)printf("%s\n", run("true") < 0 && err.code == IRONCLAW_ERR_BUSY ? "busy" : err.text);
	(void)sleep(PAUSE_S);
	check(ironclaw_vm_resume(vm, &err), "resume");
	check(run("date +%s"), "exec");
	off = (long long)time(NULL) - strtoll(text, NULL, 10);
	(void)printf("clock %s\n", off >= -1 && off < PAUSE_S - 1 ? "set" : text);
	check(run("exit 0"), "exec");
	(void)printf("alive\n");
}

static void hold(void)
{
	check(ironclaw_vm_pause(vm, &err), "pause");
	(void)printf("paused\n");
	(void)fflush(stdout);
	(void)pause();
}

int main(int argc, char **argv)
{
	struct ironclaw_vm_options options = {.size = sizeof(options), .image = "busybox"};

	if (argc != 3)
		return 2;
	options.engine = argv[1];
	check(ironclaw_vm_start(&options, &vm, &err), "start");
	if (strcmp(argv[2], "under") == 0)
		under();
	else if (strcmp(argv[2], "between") == 0)
		between();
	else
		hold();
	check(ironclaw_vm_destroy(vm, &err), "destroy");
	return 0;
}
