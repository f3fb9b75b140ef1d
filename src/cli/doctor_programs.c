/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_programs.c - programs and their versions; see doctor.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/doctor.h"
#include "engine/engine.h"
#include "engine/kvm_probe.h"
#include "image/store.h"
#include "machine/programs.h"
#include "sys/file.h"
#include "sys/spawn.h"

#define VERSION_WAIT_MS 200
#define VERSION_LINE_B	256
#define SCRIPT_MAX_B	(1024U * 1024U)

static int spawn_with_output(const char *path, char *const argv[], int out, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	int r = posix_spawn_file_actions_init(&actions);

	if (r != 0)
		return -r;
	r = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, out, 1);
	if (r == 0)
		r = posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	if (r == 0)
		r = posix_spawn(ret, path, &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return -r;
}

void doctor_program_start(struct doctor_program *program, const char *name, const char *file,
			  const char *argument)
{
	char arg0[64], arg1[64];
	int fds[2];

	*program = (struct doctor_program){.name = name, .pid = -1, .fd = -EBADF};
	(void)snprintf(arg0, sizeof(arg0), "%s", file);
	(void)snprintf(arg1, sizeof(arg1), "%s", argument ? argument : "");
	if (spawn_find(file, program->path, sizeof(program->path)) < 0) {
		program->path[0] = '\0';
		return;
	}
	if (!argument || pipe2(fds, O_CLOEXEC) < 0)
		return;
	if (spawn_with_output(program->path, (char *const[]){arg0, arg1, NULL}, fds[1],
			      &program->pid) < 0)
		program->pid = -1;
	(void)close(fds[1]);
	program->fd = fds[0];
}

/* The first line, as far as it comes in time; the program is ended afterwards. */
static void read_line(struct doctor_program *program, char line[VERSION_LINE_B])
{
	struct pollfd poll_fd = {.fd = program->fd, .events = POLLIN};
	size_t used = 0;

	while (used < VERSION_LINE_B - 1 && !memchr(line, '\n', used) &&
	       poll(&poll_fd, 1, VERSION_WAIT_MS) > 0) {
		ssize_t n = read(program->fd, line + used, VERSION_LINE_B - 1 - used);

		if (n <= 0)
			break;
		used += (size_t)n;
	}
	line[used] = '\0';
	line[strcspn(line, "\n")] = '\0';
	close_fd(&program->fd);
	if (program->pid > 0) {
		(void)kill(program->pid, SIGKILL);
		(void)waitpid(program->pid, NULL, 0);
	}
}

/* Perl needs a fifth of a second only to tell a version that stands in the script. */
static void read_script_version(const char *path, char line[VERSION_LINE_B])
{
	static const char mark[] = "$VERSION = '";
	cleanup_free char *text = NULL;
	const char *found;
	size_t len;

	if (file_read_bounded(AT_FDCWD, path, SCRIPT_MAX_B, &text, &len) < 0)
		return;
	found = strstr(text, mark);
	if (found)
		(void)snprintf(line, VERSION_LINE_B, "%.*s",
			       (int)strcspn(found + strlen(mark), "'\n"), found + strlen(mark));
}

void doctor_program_finish(struct doctor *doctor, struct doctor_program *program,
			   enum doctor_state missing, const char *remedy)
{
	char line[VERSION_LINE_B] = "";

	if (program->path[0] == '\0') {
		doctor_add(doctor, program->name, missing, remedy, "not installed");
		return;
	}
	if (program->fd >= 0)
		read_line(program, line);
	else
		read_script_version(program->path, line);
	doctor_add(doctor, program->name, DOCTOR_OK, NULL, "%s%s%s", program->path,
		   line[0] ? ": " : "", line);
}

/* What one that is there lacks to be used. Return: a sentence with its remedy; NULL: nothing */
static const char *firecracker_lacks(const struct doctor *doctor, const struct engine_host *host,
				     const char **ret_remedy)
{
	struct ironclaw_error err = {0};
	struct kvm_probe probe;
	struct kernel kernel;

	kvm_probe_cached(&doctor->paths, &probe);
	*ret_remedy = "what is said of kvm";
	if (probe.outcome != KVM_WORKING)
		return "it is not used, for KVM does not work";
	*ret_remedy = "ironclaw kernel build";
	if (kernel_find(&doctor->paths, NULL, &kernel, &err) < 0)
		return "it is not used before there is a kernel";
	if (host->elf_kernel_only && !kernel.vmlinux[0])
		return "it is not used, for the default kernel has no vmlinux";
	*ret_remedy = "put the program of a Firecracker release in its place";
	/* Its makers build the real filter into static programs only. */
	if (host->n_files > 0)
		return "only --engine firecracker uses it, for its own seccomp filter allows all";
	return NULL;
}

void doctor_check_firecracker(struct doctor *doctor)
{
	static const char name[] = "firecracker";
	const struct engine *engine = engine_of(VM_ENGINE_FIRECRACKER);
	struct ironclaw_error err = {0};
	struct engine_host host;
	int r = engine->probe(&doctor->paths, ENGINE_ACCEL_KVM, ENGINE_LINK_VSOCK, "", &host, &err);
	const char *lacks, *remedy;

	if (r == -ENOENT)
		doctor_add(doctor, name, DOCTOR_OK,
			   "put the program of a Firecracker release into "
			   "PATH as 'firecracker', where KVM works",
			   "not installed: QEMU is used");
	else if (r < 0)
		doctor_add(doctor, name, DOCTOR_WARNING, err.hint, "%s: QEMU is used", err.text);
	if (r < 0)
		return;
	lacks = firecracker_lacks(doctor, &host, &remedy);
	doctor_add(doctor, name, lacks ? DOCTOR_WARNING : DOCTOR_OK, lacks ? remedy : NULL,
		   "%s: %s, %s, boots %s%s%s", host.program, host.version,
		   host.n_files > 0 ? "linked with glibc" : "static",
		   host.elf_kernel_only ? "a vmlinux, but no bzImage" : "a vmlinux or a bzImage",
		   lacks ? "; " : "", lacks ? lacks : "");
}

void doctor_check_helpers(struct doctor *doctor)
{
	static const char *const names[] = {"ironclaw-warden", "ironclaw-keeper", "ironclaw-guest",
					    "ironclaw-qemu-preload.so", "ironclaw-probe"};
	char dir[1024], path[1200];
	struct ironclaw_error err;

	if (programs_dir(dir, sizeof(dir), &err) < 0) {
		doctor_add(doctor, "helpers", DOCTOR_FAILED, err.hint, "%s", err.text);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		if (access(path, R_OK) == 0)
			continue;
		doctor_add(doctor, "helpers", DOCTOR_FAILED, "build or install IronClaw again",
			   "%s is missing", path);
		return;
	}
	doctor_add(doctor, "helpers", DOCTOR_OK, NULL, "complete in %s", dir);
}
