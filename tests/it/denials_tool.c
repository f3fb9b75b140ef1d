/* SPDX-License-Identifier: Apache-2.0 */
/*
 * denials_tool.c - write a ring of denied system calls: denials_tool RUN VM_ID N [OPTION=VALUE...]
 *
 * Makes the folder RUN, and adds N entries of VM_ID to RUN/denials as a warden does. VM_ID may hold
 * \xHH. Options are numbers: syscall, arch, pid, program, action, arg0, and first, the count of the
 * first entry (1). With `die=1` the last entry is left as a writer leaves it that is killed there.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "jail/denials.h"
#include "sys/file.h"

#define SLOTS_AT 128
#define SLOT_B	 304

static int usage(void)
{
	(void)fprintf(stderr, "usage: denials_tool RUN VM_ID N [OPTION=VALUE...]\n");
	return 2;
}

static void set_id(struct denial *d, const char *text)
{
	size_t n = 0;

	for (; *text && n < JAIL_VM_ID_MAX; n++) {
		unsigned int byte;

		if (sscanf(text, "\\x%2x", &byte) == 1) {
			d->vm_id[n] = (char)byte;
			text += 4;
		} else {
			d->vm_id[n] = *text++;
		}
	}
}

static int set_option(struct denial *d, bool *ret_die, const char *option)
{
	const char *value = strchr(option, '=');
	unsigned long long v;
	char *end;

	if (!value)
		return -EINVAL;
	v = strtoull(value + 1, &end, 0);
	if (*end != '\0')
		return -EINVAL;
	if (strncmp(option, "syscall=", 8) == 0)
		d->syscall = (int32_t)v;
	else if (strncmp(option, "arch=", 5) == 0)
		d->arch = (uint32_t)v;
	else if (strncmp(option, "pid=", 4) == 0)
		d->pid = (int32_t)v;
	else if (strncmp(option, "program=", 8) == 0)
		d->program = (uint32_t)v;
	else if (strncmp(option, "action=", 7) == 0)
		d->action = (uint32_t)v;
	else if (strncmp(option, "arg0=", 5) == 0)
		d->args[0] = v;
	else if (strncmp(option, "first=", 6) == 0)
		d->count = (uint32_t)v;
	else if (strncmp(option, "die=", 4) == 0)
		*ret_die = v != 0;
	else
		return -EINVAL;
	return 0;
}

/* Takes the last word of the newest entry back. */
static int halve(int fd, uint64_t last)
{
	const uint64_t nothing = 0;
	off_t end = SLOTS_AT + (off_t)SLOT_B * (off_t)((last - 1) % DENIALS_MAX + 1);

	return pwrite(fd, &nothing, sizeof(nothing), end - (off_t)sizeof(nothing)) ==
			       (ssize_t)sizeof(nothing)
		       ? 0
		       : -EIO;
}

int main(int argc, char **argv)
{
	struct denial d = {.syscall = 101,
			   .arch = AUDIT_ARCH_X86_64,
			   .pid = 4711,
			   .program = JAIL_PROGRAM_QEMU_TCG,
			   .action = JAIL_DENIED_KILL,
			   .args = {0, 1, 2, 3, 4, 5},
			   .count = 1};
	struct denials *ring;
	bool die = false;
	int fd;

	if (argc < 4)
		return usage();
	set_id(&d, argv[2]);
	for (int i = 4; i < argc; i++) {
		if (set_option(&d, &die, argv[i]) < 0)
			return usage();
	}
	fd = denials_open(file_mkdir_private(argv[1]));
	ring = fd < 0 ? NULL : denials_map(fd, true);
	if (!ring)
		return 1;
	for (long n = strtol(argv[3], NULL, 10); n > 0; n--, d.count++)
		denials_add(ring, &d);
	if (die && halve(fd, denials_last(ring)) < 0)
		return 1;
	return 0;
}
