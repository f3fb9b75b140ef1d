/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent_exec.c - what bench/agent compares with: `sh -c true` in a VM of busybox, again and again,
 * through the public library. agent_exec N: N lines, each the microseconds of one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <ironclaw/ironclaw.h>

static double now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
	const char *const command[] = {"/bin/sh", "-c", "true", NULL};
	const struct ironclaw_vm_options options = {.size = sizeof(options), .image = "busybox"};
	const struct ironclaw_exec_options exec = {.size = sizeof(exec), .argv = command};
	struct ironclaw_error err = {.text = ""};
	struct ironclaw_vm *vm;
	int n = argc > 1 ? atoi(argv[1]) : 1;

	if (ironclaw_vm_start(&options, &vm, &err) < 0) {
		(void)fprintf(stderr, "agent_exec: %s\n", err.text);
		return 1;
	}
	for (int i = 0; i < n; i++) {
		struct ironclaw_exec_result result = {.size = sizeof(result)};
		double begin = now_us();

		if (ironclaw_vm_exec(vm, &exec, &result, &err) < 0 || result.exit_code != 0) {
			(void)fprintf(stderr, "agent_exec: %s\n", err.text);
			return 1;
		}
		(void)printf("%.0f\n", now_us() - begin);
	}
	return ironclaw_vm_destroy(vm, &err) < 0;
}
