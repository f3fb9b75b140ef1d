/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_code.c - run code that somebody else wrote in a fresh micro-VM.
 *
 * cc run_code.c $(pkg-config --cflags --libs ironclaw) && ./a.out 'import os; print(os.uname())'
 */
#include <stdio.h>
#include <stdlib.h>

#include <ironclaw/ironclaw.h>

/* Output comes as it is written; it is the guest's, so treat it as hostile. */
static int print(void *userdata, enum ironclaw_stream stream, const void *data, size_t len)
{
	(void)userdata;
	return fwrite(data, 1, len, stream == IRONCLAW_STDERR ? stderr : stdout) == len ? 0 : -1;
}

int main(int argc, char **argv)
{
	const char *code = argc > 1 ? argv[1] : "import os; print(*os.uname())";
	const char *command[] = {"python3", "-c", code, NULL};
	struct ironclaw_vm_options vm = {.size = sizeof(vm), .memory_mb = 256};
	struct ironclaw_exec_options exec = {.size = sizeof(exec),
					     .argv = command,
					     .timeout_ms = 30000,
					     .output = print};
	struct ironclaw_exec_result result = {.size = sizeof(result)};
	struct ironclaw_error err = {0};

	if (ironclaw_run(&vm, &exec, &result, &err) < 0) {
		(void)fprintf(stderr, "%s\n%s\n", err.text, err.hint);
		return EXIT_FAILURE;
	}
	if (result.timed_out)
		(void)fprintf(stderr, "the code took too long\n");
	else if (!result.started)
		(void)fprintf(stderr, "%s\n", result.failure);
	return result.exit_code;
}
