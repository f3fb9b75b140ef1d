/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firecracker_tool.c - drive engine/firecracker.h for tests/it/firecracker.bats, as the keeper
 * does: from the folder of the VMM's sockets, with the plan that a jail is built from.
 *
 * firecracker_tool boot|template|clone DEADLINE_MS STEP...
 *
 * argv: print the command line, a word a line; files: print what the jail holds, "KIND INSIDE" a
 * line. start, check, save, pause, resume: do it. The first that fails ends it: its sentence goes
 * to stderr, and the exit status is 1.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/firecracker.h"

static const char *const starts[] = {
	[ENGINE_BOOT] = "boot", [ENGINE_BOOT_TEMPLATE] = "template", [ENGINE_CLONE] = "clone"};
static const char *const kinds[] = {[ENGINE_FILE_RO] = "read-only",
				    [ENGINE_FILE_RW] = "writable",
				    [ENGINE_FILE_DEVICE] = "device"};

static struct engine_plan plan;
static struct engine_monitor monitor = {.fd = -EBADF};
static uint32_t deadline_ms;

static int make_plan(const char *name, struct ironclaw_error *err)
{
	static const struct engine_host host = {.program = "/firecracker"};
	struct engine_settings settings = {
		.accel = ENGINE_ACCEL_KVM,
		.start = ENGINE_BOOT,
		.vcpus = 1,
		.memory_mib = 128,
		.kernel = "/vmlinux",
		.initramfs = "/initramfs",
		.image = "/image",
		.ram = "/ram",
		.state = "/state",
		.link = ENGINE_LINK_VSOCK,
		.guest_cid = ENGINE_SOCKETS_CID,
	};

	while (settings.start < ENGINE_CLONE && strcmp(starts[settings.start], name) != 0)
		settings.start++;
	return firecracker_plan(&host, &settings, &plan, err);
}

static void idle(void)
{
}

static int step(const char *name, struct ironclaw_error *err)
{
	const struct engine *engine = &firecracker_engine;

	if (strcmp(name, "argv") == 0) {
		for (size_t i = 0; i < plan.n_argv; i++)
			(void)puts(plan.argv[i]);
		return 0;
	}
	if (strcmp(name, "files") == 0) {
		for (size_t i = 0; i < plan.n_files; i++)
			(void)printf("%s %s\n", kinds[plan.files[i].kind], plan.files[i].inside);
		return 0;
	}
	if (strcmp(name, "start") == 0)
		return engine->start(&monitor, plan.orders, deadline_ms, idle, err);
	if (strcmp(name, "check") == 0)
		return engine->check(&monitor, err);
	if (strcmp(name, "save") == 0)
		return engine->save(&monitor, -EBADF, deadline_ms, idle, err);
	if (strcmp(name, "pause") == 0)
		return engine->pause(&monitor, deadline_ms, err);
	if (strcmp(name, "resume") == 0)
		return engine->resume(&monitor, deadline_ms, err);
	return err_set(err, IRONCLAW_ERR_INVALID, EINVAL, "unknown step '%s'", name);
}

int main(int argc, char **argv)
{
	struct ironclaw_error err = {0};
	int r;

	if (argc < 4)
		return 2;
	(void)signal(SIGPIPE, SIG_IGN);
	deadline_ms = (uint32_t)strtoul(argv[2], NULL, 10);
	r = make_plan(argv[1], &err);
	for (int i = 3; r == 0 && i < argc; i++)
		r = step(argv[i], &err);
	if (r < 0)
		(void)fprintf(stderr, "%s: %s\n", strerror(-r), err.text);
	return r < 0 ? 1 : 0;
}
