/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_tool.c - several commands at once in one VM of the image "busybox", for
 * tests/it/processes.bats.
 *
 *   process_tool SCENARIO
 *
 * Each says what came of it in lines on stdout. Exit status 1 with a sentence when a call failed
 * that must not.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/process.h"
#include "sys/clock.h"

#define TEXT_MAX_B 4096U

struct command {
	struct vm_process *p;
	size_t bytes;
	char text[TEXT_MAX_B];
	bool slow; /* takes nothing */
};

static struct ironclaw_error err;
static struct ironclaw_vm *vm;

static void check(int r)
{
	if (r >= 0)
		return;
	(void)printf("%s\n", err.text);
	exit(1);
}

static int on_output(void *userdata, enum ironclaw_stream stream, const void *data, size_t len)
{
	struct command *c = userdata;

	(void)stream;
	if (c->slow)
		return -EAGAIN;
	if (c->bytes + len < sizeof(c->text))
		memcpy(c->text + c->bytes, data, len);
	c->bytes += len;
	return 0;
}

static int try_start(struct command *c, const char *script, bool fed, uint64_t timeout_ms)
{
	const struct vm_process_handler handler = {.output = on_output, .userdata = c};
	const char *const argv[] = {"sh", "-c", script, NULL};
	const struct ironclaw_exec_options options = {.size = sizeof(options),
						      .argv = argv,
						      .user = "root",
						      .use_stdin = fed,
						      .stdin_fd = -1,
						      .timeout_ms = timeout_ms};

	*c = (struct command){.p = NULL};
	return vm_process_start(vm, &options, &handler, &c->p, &err);
}

static void start(struct command *c, const char *script)
{
	check(try_start(c, script, false, 0));
}

static void wait_for(const struct command *c)
{
	while (!vm_process_is_over(c->p))
		check(vm_step(vm, -1, &err));
}

/* What came of it, and the end of the handle. */
static void tell(const char *name, struct command *c)
{
	struct ironclaw_exec_result result = {.size = sizeof(result)};
	int r = vm_process_result(c->p, &result, &err);

	if (r < 0)
		(void)printf("%s: error %d\n", name, err.code);
	else
		(void)printf("%s: %d%s %zu bytes\n", name, result.exit_code,
			     result.timed_out ? " timed out" : "", c->bytes);
	vm_process_free(c->p);
}

/* Six meet in the guest, which they can only if all of them run; one talks to nobody; one is killed
 * while they do. */
static void at_once(void)
{
	static const char meet[] =
		"touch /tmp/here.$0.$$; i=0; until [ \"$(ls /tmp | grep -c here)\" -eq 6 ]; do "
		"sleep 0.05; done; echo met";
	struct command six[6], slow, killed;

	start(&slow, "head -c 1000000 /dev/zero; exit 3");
	slow.slow = true;
	start(&killed, "sleep 1000");
	for (size_t i = 0; i < ARRAY_SIZE(six); i++)
		start(&six[i], meet);
	for (size_t i = 0; i < ARRAY_SIZE(six); i++)
		wait_for(&six[i]);
	for (size_t i = 0; i < ARRAY_SIZE(six); i++)
		tell("met", &six[i]);
	(void)printf("slow is over: %d\n", vm_process_is_over(slow.p));
	check(vm_process_kill(killed.p));
	wait_for(&killed);
	tell("killed", &killed);
	slow.slow = false;
	vm_process_resume(slow.p);
	wait_for(&slow);
	tell("slow", &slow);
}

/* A cat lives on while others come and go, and gives back all that it was fed. */
static void cat(void)
{
	struct command cat, other;
	char line[32];
	size_t want = 0;

	check(try_start(&cat, "exec cat", true, 0));
	for (int i = 0; i < 40; i++) {
		start(&other, i % 4 == 3 ? "exec head -c 300000 /dev/zero" : "exit 5");
		want += (size_t)snprintf(line, sizeof(line), "line %d\n", i);
		check(vm_process_write(cat.p, line, strlen(line)));
		while (cat.bytes < want)
			check(vm_step(vm, -1, &err));
		if (strcmp(cat.text + want - strlen(line), line) != 0)
			(void)printf("not what was written: %s", cat.text + want - strlen(line));
		if (i % 4 == 2)
			check(vm_process_kill(other.p));
		wait_for(&other);
		vm_process_free(other.p);
	}
	check(vm_process_close_input(cat.p));
	wait_for(&cat);
	tell("cat", &cat);
	(void)printf("of %zu\n", want);
}

static void seventeen(void)
{
	struct command many[VM_PROCESS_MAX], more;

	for (size_t i = 0; i < VM_PROCESS_MAX; i++)
		start(&many[i], "sleep 1000");
	if (try_start(&more, "true", false, 0) == -EBUSY && err.code == IRONCLAW_ERR_BUSY)
		(void)printf("%s\n", err.text);
	/* Its number is free once the guest says so, and then at once. */
	vm_process_free(many[9].p);
	while (try_start(&more, "exit 4", false, 0) == -EBUSY)
		check(vm_step(vm, -1, &err));
	wait_for(&more);
	tell("more", &more);
	for (size_t i = 0; i < VM_PROCESS_MAX; i++)
		if (i != 9)
			vm_process_free(many[i].p);
}

static void deadlines(void)
{
	struct command first, second, third;

	check(try_start(&third, "sleep 1; exit 6", false, 0));
	check(try_start(&second, "sleep 1000", false, 600));
	check(try_start(&first, "sleep 1000 & sleep 1000", false, 200));
	wait_for(&first);
	(void)printf("the others: %d %d\n", vm_process_is_over(second.p),
		     vm_process_is_over(third.p));
	wait_for(&second);
	wait_for(&third);
	tell("first", &first);
	tell("second", &second);
	tell("third", &third);
}

/* ironclaw_vm_exec() steps the others along, and its signals are its own. */
static void beside_exec(void)
{
	static const char *const argv[] = {
		"sh", "-c", "until [ -e /tmp/go ]; do sleep 0.05; done; kill -TERM $$; sleep 9",
		NULL};
	const struct ironclaw_exec_options options = {.size = sizeof(options), .argv = argv};
	struct ironclaw_exec_result result = {.size = sizeof(result)};
	struct command other;

	start(&other, "head -c 700000 /dev/zero; touch /tmp/go; sleep 0.3; echo done");
	check(ironclaw_vm_exec(vm, &options, &result, &err));
	(void)printf("exec: %d\n", result.exit_code);
	(void)printf("other had %d\n", other.bytes >= 700000);
	wait_for(&other);
	tell("other", &other);
}

/* The VM ends under them. */
static void lost(void)
{
	struct command sleeping, ended, late;
	const char *const argv[] = {"true", NULL};
	const struct ironclaw_exec_options options = {.size = sizeof(options), .argv = argv};
	struct ironclaw_exec_result result = {.size = sizeof(result)};

	start(&ended, "exit 2");
	wait_for(&ended);
	start(&sleeping, "sleep 1000");
	start(&late, "sleep 0.3; poweroff -f; sleep 1000");
	while (vm_step(vm, -1, &err) == 0)
		;
	tell("ended", &ended);
	tell("sleeping", &sleeping);
	tell("late", &late);
	(void)printf("start: %d\n", try_start(&ended, "true", false, 0) == -EPIPE);
	(void)printf("exec: %d\n", ironclaw_vm_exec(vm, &options, &result, &err) == -EPIPE);
}

static const struct {
	const char *name;
	void (*run)(void);
} scenarios[] = {
	{"at-once", at_once},	  {"cat", cat},		 {"seventeen", seventeen},
	{"deadlines", deadlines}, {"exec", beside_exec}, {"lost", lost},
};

int main(int argc, char **argv)
{
	const struct ironclaw_vm_options options = {.size = sizeof(options), .image = "busybox"};

	for (size_t i = 0; argc == 2 && i < ARRAY_SIZE(scenarios); i++) {
		if (strcmp(argv[1], scenarios[i].name) != 0)
			continue;
		check(ironclaw_vm_start(&options, &vm, &err));
		scenarios[i].run();
		check(ironclaw_vm_destroy(vm, &err));
		return 0;
	}
	return 2;
}
