/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flood.c - flood PROBE N: start flood_probe in the place of a clone's VMM, in audit mode, pass on
 * what it writes, and wait for its end. The VM is called "flood"; its image is busybox.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "machine/template.h"
#include "machine/vm_start.h"
#include "sys/file.h"

static struct paths paths;
static struct template_spec spec;
static struct template template;
static struct launch vm;

__attribute__((noreturn)) static void give_up(const char *what, const struct ironclaw_error *err)
{
	(void)fprintf(stderr, "flood: %s: %s\n", what, err->text);
	exit(2);
}

static void find_template(struct ironclaw_error *err)
{
	const struct vm_notices quiet = {.notice = NULL};
	struct vm_config config;

	vm_config_init(&config);
	(void)snprintf(config.image, sizeof(config.image), "busybox");
	(void)snprintf(config.vm_id, sizeof(config.vm_id), "flood");
	config.accel = VM_ACCEL_TCG;
	config.seccomp_mode = VM_SECCOMP_AUDIT;
	if (paths_get(&paths, err) < 0 || vm_resolve(&paths, &config, &quiet, &spec, err) < 0 ||
	    template_load_warm(&spec, err) < 0 || template_key(&spec, err) < 0 ||
	    template_get(&spec, &quiet, &template, err) < 0)
		give_up("no template", err);
}

static void pass_on(int fd)
{
	char text[256];
	ssize_t n;

	while ((n = read(fd, text, sizeof(text))) > 0)
		(void)file_write_full(STDOUT_FILENO, text, (size_t)n);
}

int main(int argc, char **argv)
{
	struct ironclaw_error err = {0};
	struct launch_settings settings;
	struct launch_twin twin;
	struct vm_start_mode mode = {.vm_id = "flood",
				     .start = ENGINE_CLONE,
				     .ram = template.ram,
				     .overlay_mib = 64};
	int ends[2];

	if (argc != 3)
		return 2;
	find_template(&err);
	if (template_open_state(&spec, &template, &mode.state_fd, &err) < 0 ||
	    pipe2(ends, O_CLOEXEC) < 0)
		give_up("no descriptors", &err);
	twin = (struct launch_twin){.program = argv[1], .orders = argv[2], .output_fd = ends[1]};
	vm_launch_settings(&spec, &mode, &settings);
	settings.twin = &twin;
	if (launch_start(&settings, &vm, &err) < 0)
		give_up("no start", &err);
	(void)close(ends[1]);
	pass_on(ends[0]);
	/* A probe that came to its end is no reason for anything. */
	if (launch_end(&vm, &err) < 0)
		give_up("no clean end", &err);
	(void)printf("denials %u\n", vm.end.n_denials);
	return 0;
}
