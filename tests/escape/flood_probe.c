/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flood_probe.c - in the VMM's place, with the rest of its life one denied call: the last argument
 * says how many times. "begin" and "end N" go to stdout; N is how many were refused with EPERM.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void say(const char *text)
{
	(void)!write(STDOUT_FILENO, text, strlen(text));
}

int main(int argc, char **argv)
{
	unsigned long n = strtoul(argv[argc - 1], NULL, 10), refused = 0;
	char text[64];

	say("begin\n");
	for (unsigned long i = 0; i < n; i++)
		refused += syscall(SYS_ptrace, i, 0, 0, 0) < 0 && errno == EPERM;
	(void)snprintf(text, sizeof(text), "end %lu\n", refused);
	say(text);
	return 0;
}
