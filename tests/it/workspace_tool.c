/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workspace_tool.c - a workspace into a VM, commands, and what changed back, for
 * tests/it/workspace-guest.bats.
 *
 *   workspace_tool [-a] [-t] [-m MIB] FOLDER STAGES PLACE COMMAND...
 *
 * Each COMMAND is a shell script, run as root at PLACE in a VM of the image "busybox"; its output
 * goes to stderr. -a: apply all changes to FOLDER.  -m: memory.  -t: a second copy, which the VM
 * must refuse, comes before the commands; what it says goes to stderr. The result is one JSON
 * document: notices, and changes as card.h has them. Exit status 1 with a sentence when anything
 * failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "machine/programs.h"
#include "machine/vm_workspace.h"
#include "workspace/card.h"
#include "workspace/workspace.h"

static struct ironclaw_error err;
static struct json_writer json;
static struct receive *receiving;

static int fail(void)
{
	(void)fprintf(stderr, "%s\n", err.text);
	exit(1);
}

static void notice(void *userdata, const char *text)
{
	(void)userdata;
	json_write_string(&json, NULL, text);
}

static int output(void *userdata, enum ironclaw_stream stream, const void *data, size_t len)
{
	(void)userdata;
	(void)stream;
	return fwrite(data, 1, len, stderr) == len ? 0 : -EIO;
}

struct sending {
	struct workspace *ws;
	int fd;
	int result;
	struct ironclaw_error err;
};

static void *send_it(void *arg)
{
	struct sending *s = arg;

	s->result = workspace_send(s->ws, s->fd, &s->err);
	(void)close(s->fd);
	return NULL;
}

static int in(struct ironclaw_vm *vm, struct workspace *ws, const char *place)
{
	struct sending sending = {.ws = ws};
	pthread_t thread;
	int fds[2], r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		exit(2);
	sending.fd = fds[1];
	if (pthread_create(&thread, NULL, send_it, &sending) != 0)
		exit(2);
	r = vm_workspace_in(vm, place, fds[0], &err);
	(void)close(fds[0]);
	(void)pthread_join(thread, NULL);
	if (r == 0 && sending.result < 0)
		err = sending.err;
	return r < 0 ? r : sending.result;
}

static void in_again(struct ironclaw_vm *vm, const struct workspace_options *options,
		     const char *place)
{
	struct workspace *ws;

	if (workspace_open(options, &ws, &err) < 0)
		fail();
	if (in(vm, ws, place) == 0)
		exit(1);
	(void)fprintf(stderr, "%s\n", err.text);
	workspace_free(ws);
}

static void run(struct ironclaw_vm *vm, const char *place, const char *script)
{
	const char *const argv[] = {"sh", "-ec", script, NULL};
	const struct ironclaw_exec_options options = {
		.size = sizeof(options),
		.argv = argv,
		.cwd = place,
		.user = "root",
		.output = output,
	};
	struct ironclaw_exec_result result = {.size = sizeof(result)};

	if (ironclaw_vm_exec(vm, &options, &result, &err) < 0)
		fail();
	if (result.exit_code != 0) {
		(void)fprintf(stderr, "the script ends with %d\n", result.exit_code);
		exit(1);
	}
}

static int on_data(void *userdata, const void *bytes, size_t len)
{
	(void)userdata;
	return receive_data(receiving, bytes, len);
}

static struct stage *out(struct ironclaw_vm *vm, const char *stages, const char *place)
{
	char dir[1024], program[2048];
	const struct receive_options options = {.folder = stages, .program = program};
	struct stage *stage;

	if (programs_dir(dir, sizeof(dir), &err) < 0)
		fail();
	(void)snprintf(program, sizeof(program), "%s/ironclaw-unpack", dir);
	if (receive_start(&options, &receiving, &err) < 0)
		fail();
	json_write_open_array(&json, "notices");
	if (vm_workspace_out(vm, place, on_data, notice, NULL, &err) < 0)
		fail();
	json_write_close_array(&json);
	if (receive_finish(receiving, &stage, &err) < 0)
		fail();
	return stage;
}

static void apply(const struct changes *changes)
{
	struct apply_result result = {0};
	uint8_t digest[DIGEST_B];

	changes_digest(changes, digest);
	if (apply_changes(changes, digest, &result, &err) < 0)
		fail();
}

static struct ironclaw_vm *start(uint32_t memory_mib)
{
	struct ironclaw_vm_options options = {.size = sizeof(options),
					      .image = "busybox",
					      .memory_mb = memory_mib};
	struct ironclaw_vm *vm;

	if (ironclaw_vm_start(&options, &vm, &err) < 0)
		fail();
	return vm;
}

int main(int argc, char **argv)
{
	static const uint8_t key[WORKSPACE_KEY_B] = "a key of a test";
	struct workspace_options options = {.key = key};
	bool must_apply = false, twice = false;
	struct workspace *ws;
	struct changes *changes;
	struct ironclaw_vm *vm;
	struct stage *stage;
	uint32_t memory_mib = 256;

	for (int c; (c = getopt(argc, argv, "+atm:")) != -1;) {
		must_apply = must_apply || c == 'a';
		twice = twice || c == 't';
		if (c == 'm')
			memory_mib = (uint32_t)atoi(optarg);
	}
	argv += optind;
	if (argc - optind < 3)
		return 2;
	(void)signal(SIGPIPE, SIG_IGN);
	json_write_begin(&json, stdout);
	json_write_open_object(&json, NULL);
	options.folder = argv[0];
	if (workspace_open(&options, &ws, &err) < 0)
		fail();
	vm = start(memory_mib);
	if (in(vm, ws, argv[2]) < 0)
		fail();
	if (twice)
		in_again(vm, &options, argv[2]);
	for (char **script = argv + 3; *script; script++)
		run(vm, argv[2], *script);
	stage = out(vm, argv[1], argv[2]);
	if (ironclaw_vm_destroy(vm, &err) < 0 || changes_compare(ws, stage, &changes, &err) < 0)
		fail();
	card_json(&json, "card", changes);
	json_write_close_object(&json);
	if (must_apply)
		apply(changes);
	changes_free(changes);
	stage_free(stage);
	workspace_free(ws);
	return json_write_end(&json) < 0;
}
