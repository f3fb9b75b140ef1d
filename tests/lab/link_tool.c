/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_tool.c - break the link of a living VM, for tests/lab/vsock.bats.
 *
 * link_tool IMAGE (which has Python): two commands run in one VM over vsock. The second one, as
 * root, takes the driver of its vsock device away and gives it back, which breaks the link under
 * it: the guest's kernel forgets the connection without a word to the host. Then others run. One
 * line each is printed, with what the library says of it.
 */
#include <stdio.h>
#include <string.h>

#include <ironclaw/ironclaw.h>

/*
 * In one go, before the agent gets the only processor and kills us for the link that broke. The
 * sleep is there to be killed.
 */
static const char breaks[] =
	"import os, time\n"
	"os.chdir('/sys/bus/virtio/drivers/vmw_vsock_virtio_transport')\n"
	"device = [n for n in os.listdir('.') if n.startswith('virtio')][0].encode()\n"
	"files = [os.open(n, os.O_WRONLY) for n in ('unbind', 'bind')]\n"
	"open('/tmp/was-here', 'w').close()\n"
	"os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))\n"
	"for f in files: os.write(f, device)\n"
	"os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))\n"
	"time.sleep(1000)\n";

static const char identity[] = "cat /etc/machine-id /proc/sys/kernel/random/boot_id /etc/hostname";

static int print(void *userdata, enum ironclaw_stream stream, const void *data, size_t len)
{
	(void)userdata;
	(void)stream;
	return fwrite(data, 1, len, stdout) == len ? 0 : -1;
}

static void run(struct ironclaw_vm *vm, const char *program, const char *script)
{
	const char *const argv[] = {program, "-c", script, NULL};
	const struct ironclaw_exec_options options = {.size = sizeof(options),
						      .argv = argv,
						      .user = "root",
						      .timeout_ms = 60000,
						      .output = print};
	struct ironclaw_exec_result result = {.size = sizeof(result)};
	struct ironclaw_error err;

	if (ironclaw_vm_exec(vm, &options, &result, &err) == 0)
		(void)printf("code %d\n", result.exit_code);
	else if (err.code == IRONCLAW_ERR_UNKNOWN_OUTCOME)
		(void)printf("unknown outcome\n");
	else
		(void)printf("failure %d: %s\n", (int)err.code, err.text);
	(void)fflush(stdout);
}

int main(int argc, char **argv)
{
	const struct ironclaw_vm_options options = {.size = sizeof(options),
						    .image = argc > 1 ? argv[1] : NULL,
						    .link = "vsock"};
	struct ironclaw_error err;
	struct ironclaw_vm *vm;

	if (ironclaw_vm_start(&options, &vm, &err) < 0) {
		(void)fprintf(stderr, "link_tool: %s\n", err.text);
		return 1;
	}
	run(vm, "sh", identity);
	run(vm, "python3", breaks);
	run(vm, "sh", identity);
	/* Nothing of the command that was cut off is left. */
	run(vm, "sh",
	    "ls /tmp/was-here; grep -l time[.]sleep /proc/[1-9]*/cmdline | grep -v /$$/; exit 3");
	return ironclaw_vm_destroy(vm, &err) < 0;
}
