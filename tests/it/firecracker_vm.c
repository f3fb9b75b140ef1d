/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firecracker_vm.c - a whole VM of the Firecracker engine for tests/it/firecracker-vm.bats, with
 * warden, jail and keeper as they are, on a host whose KVM need not work.
 *
 * firecracker_vm PROGRAM boot|clone|pause|hold NAME LEVEL COMMAND [ARGUMENT...]: run a command in a
 * VM of the image "busybox" whose VMM is PROGRAM; clone: from a template, which is made when it is
 * missing; pause: boot, run it, pause and resume, run it again, with what is seen of it on stderr;
 * hold: boot, pause, and wait to be killed.
 * LEVEL is minimal, basic or permissive; the command's output goes to stdout, a failure's sentence
 * to stderr, and the exit status is the command's, or 125.
 *
 * All that is left out is what decides whether the engine may be used here (vm_resolve()).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "machine/programs.h"
#include "machine/template.h"
#include "machine/vm_start.h"

#define FAILED 125

static struct template_spec spec;
static struct paths paths;

static int output(void *userdata, enum ironclaw_stream stream, const void *data, size_t len)
{
	(void)userdata;
	(void)stream;
	return fwrite(data, 1, len, stdout) == len ? 0 : -EIO;
}

static int resolve(const char *program, const char *level, struct ironclaw_error *err)
{
	static const char *const levels[] = {"minimal", "basic", "permissive"};
	char folder[1024], path[2048];
	int r = paths_get(&paths, err);

	(void)snprintf(folder, sizeof(folder), "%s", program);
	*strrchr(folder, '/') = '\0';
	(void)snprintf(path, sizeof(path), "%s:%s", folder, getenv("PATH"));
	(void)setenv("PATH", path, 1);
	spec.paths = &paths;
	spec.vcpus = 1;
	spec.memory_mib = 128;
	spec.accel = ENGINE_ACCEL_KVM;
	spec.link = ENGINE_LINK_VSOCK;
	spec.engine = engine_of(VM_ENGINE_FIRECRACKER);
	while ((size_t)spec.seccomp < ARRAY_SIZE(levels) - 1 &&
	       strcmp(levels[spec.seccomp], level) != 0)
		spec.seccomp++;
	if (r == 0)
		r = programs_dir(spec.programs, sizeof(spec.programs), err);
	if (r == 0)
		r = image_find(&paths, "busybox", &spec.image, err);
	if (r == 0)
		r = kernel_find(&paths, NULL, &spec.kernel, err);
	return r < 0 ? r
		     : spec.engine->probe(&paths, spec.accel, spec.link, spec.programs, &spec.host,
					  err);
}

static int start(const char *kind, const char *name, struct ironclaw_vm **ret,
		 struct ironclaw_error *err)
{
	const struct vm_notices notices = {.notice = NULL};
	struct template template;
	struct vm_start_mode mode = {.vm_id = name,
				     .start = ENGINE_BOOT,
				     .state_fd = -EBADF,
				     .overlay_mib = 64};
	cleanup_close int state_fd = -EBADF;
	int r;

	if (strcmp(kind, "clone") != 0)
		return vm_start(&spec, &mode, ret, err);
	r = template_key(&spec, err);
	if (r == 0)
		r = template_get(&spec, &notices, &template, err);
	if (r == 0)
		r = template_open_state(&spec, &template, &state_fd, err);
	if (r < 0)
		return r;
	mode.start = ENGINE_CLONE;
	mode.ram = template.ram;
	mode.state = template.state;
	mode.state_fd = state_fd;
	return vm_start(&spec, &mode, ret, err);
}

static int run(char **argv, struct ironclaw_vm *vm, struct ironclaw_error *err)
{
	const struct ironclaw_exec_options options = {.size = sizeof(options),
						      .argv = (const char *const *)argv,
						      .output = output};
	struct ironclaw_exec_result result = {.size = sizeof(result)};
	int r = ironclaw_vm_exec(vm, &options, &result, err);

	return r < 0 ? r : result.exit_code;
}

/* The third field of /proc/PID/stat. */
static char process_state(pid_t pid)
{
	char path[64], state = '?';
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return state;
	if (fscanf(f, "%*d %*s %c", &state) != 1)
		state = '?';
	(void)fclose(f);
	return state;
}

static int pause_and_resume(char **argv, struct ironclaw_vm *vm, struct ironclaw_error *err)
{
	struct ironclaw_error busy = {0};
	int r = ironclaw_vm_pause(vm, err);

	if (r < 0)
		return r;
	(void)fprintf(stderr, "state %c\n", process_state(vm->launch.vmm_pid));
	r = run(argv, vm, &busy);
	(void)fprintf(stderr, "%s\n", busy.code == IRONCLAW_ERR_BUSY ? "busy" : "not busy");
	r = ironclaw_vm_resume(vm, err);
	return r < 0 ? r : run(argv, vm, err);
}

static int hold(struct ironclaw_vm *vm, struct ironclaw_error *err)
{
	int r = ironclaw_vm_pause(vm, err);

	if (r < 0)
		return r;
	(void)fprintf(stderr, "state %c\n", process_state(vm->launch.vmm_pid));
	(void)pause();
	return 0;
}

int main(int argc, char **argv)
{
	struct ironclaw_error err = {0}, end = {0};
	struct ironclaw_vm *vm = NULL;
	int r;

	if (argc < 6 || argv[1][0] != '/')
		return 2;
	r = resolve(argv[1], argv[4], &err);
	if (r == 0)
		r = start(argv[2], argv[3], &vm, &err);
	if (r == 0 && strcmp(argv[2], "hold") == 0)
		r = hold(vm, &err);
	if (r == 0)
		r = run(argv + 5, vm, &err);
	if (r == 0 && strcmp(argv[2], "pause") == 0)
		r = pause_and_resume(argv + 5, vm, &err);
	if (ironclaw_vm_destroy(vm, &end) < 0 && r >= 0) {
		err = end;
		r = -EIO;
	}
	if (r >= 0)
		return r;
	(void)fprintf(stderr, "%s\n%s\n", err.text, err.hint);
	return FAILED;
}
