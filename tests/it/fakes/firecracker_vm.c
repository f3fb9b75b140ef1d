/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firecracker_vm.c - what the requests do to the machine that is not there; see firecracker.h.
 *
 * Not started --InstanceStart, snapshot/load--> Paused or Running. Files are opened where the real
 * one opens them: kernel, initrd and drives at their PUT, the kernel's contents at the start.
 */
#include "firecracker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CMDLINE_MAX_B 2048U
#define VCPUS_MAX     32
#define REBOOT_MS     50 /* what a guest takes to end */
#define MMDS_MAX_B    51200U
#define MACHINE_BASIC                                                                              \
	"{\"vcpu_count\":1,\"mem_size_mib\":128,\"smt\":false,\"track_dirty_pages\":false"
#define ELF_MAGIC "\177ELF"
#define BZ_AT	  0x202
#define BZ_MAGIC  "HdrS"
#define CONSOLE                                                                                    \
	"[    0.000000] Linux version (a stand-in, no kernel)\r\n"                                 \
	"[    0.100000] Run /init as init process\r\n"

struct fc_vm fc_vm;
static bool initrd_used; /* its offset is at its end, after a late failure */

static void set(struct fc_json **where, const struct fc_json *body)
{
	fc_json_free(*where);
	*where = fc_json_copy(body);
}

static struct fc_json *parse(const char *text)
{
	char error[FC_TEXT_B];

	return fc_json_parse(text, strlen(text), error);
}

static struct fc_json *empty_list(void)
{
	return parse("[]");
}

void fc_vm_init(void)
{
	char text[FC_TEXT_B];
	long n = 0;

	(void)snprintf(text, sizeof(text), "%s%s}", MACHINE_BASIC,
		       fc_version >= FC_VERSION(7, 0) ? ",\"huge_pages\":\"None\"" : "");
	fc_vm.machine = parse(text);
	fc_vm.drives = empty_list();
	fc_vm.others = parse("{}");
	if (fc_fault_at("no-kvm", NULL, &n))
		fc_vm.no_kvm = (int)n;
}

void fc_vm_guest_rebooted(void)
{
	fc_exit(0);
}

void fc_not_modelled(const char *id, const struct fc_json *body, struct fc_answer *answer)
{
	(void)id;
	(void)body;
	fc_fault(answer, "not modelled by this stand-in");
}

void fc_get_instance(const char *id, const struct fc_json *body, struct fc_answer *answer)
{
	const char *state = !fc_vm.started ? "Not started" : fc_vm.paused ? "Paused" : "Running";

	(void)id;
	(void)body;
	fc_bytes_print(&answer->body,
		       "{\"id\":\"%s\",\"state\":\"%s\",\"vmm_version\":\"%s\","
		       "\"app_name\":\"Firecracker\"}",
		       fc_id, state, fc_version_text);
}

void fc_get_version(const char *id, const struct fc_json *body, struct fc_answer *answer)
{
	(void)id;
	(void)body;
	fc_bytes_print(&answer->body, "{\"firecracker_version\":\"%s\"}", fc_version_text);
}

void fc_get_machine(const char *id, const struct fc_json *body, struct fc_answer *answer)
{
	(void)id;
	(void)body;
	fc_json_print(&answer->body, fc_vm.machine);
}

void fc_get_config(const char *id, const struct fc_json *body, struct fc_answer *answer)
{
	const struct {
		const char *name;
		const struct fc_json *json;
	} parts[] = {{"drives", fc_vm.drives},
		     {"boot-source", fc_vm.boot},
		     {"machine-config", fc_vm.machine},
		     {"vsock", fc_vm.vsock},
		     {"entropy", fc_vm.entropy}};

	(void)id;
	(void)body;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		fc_bytes_print(&answer->body, "%s\"%s\":", i == 0 ? "{" : ",", parts[i].name);
		if (parts[i].json)
			fc_json_print(&answer->body, parts[i].json);
		else
			fc_bytes_print(&answer->body, "null");
	}
	fc_bytes_print(&answer->body, "}");
}

/* Put what @body says over @base. */
static struct fc_json *merge(const struct fc_json *base, const struct fc_json *body)
{
	struct fc_json *merged = fc_json_copy(base);

	for (const struct fc_json *from = body->first; from; from = from->next) {
		struct fc_json **at = &merged->first, *copy;

		if (from->type == FC_NULL)
			continue;
		while (*at && strcmp((*at)->key, from->key) != 0)
			at = &(*at)->next;
		copy = fc_json_copy(from);
		copy->next = *at ? (*at)->next : NULL;
		if (*at)
			(*at)->next = NULL;
		fc_json_free(*at);
		*at = copy;
	}
	return merged;
}

static void set_machine(const struct fc_json *base, const struct fc_json *body,
			struct fc_answer *answer)
{
	struct fc_json *new = merge(base, body);
	int64_t vcpus = fc_json_int(new, "vcpu_count", 0),
		mib = fc_json_int(new, "mem_size_mib", 0);
	const char *pages = fc_json_text(new, "huge_pages");

	if (vcpus < 1 || vcpus > VCPUS_MAX)
		fc_fault(answer,
			 "Machine config error: The vCPU number is invalid! The vCPU number can "
			 "only be between 1 and 32.");
	else if (fc_json_flag(new, "smt") && vcpus != 1 && vcpus % 2 != 0)
		fc_fault(answer,
			 "Machine config error: The vCPU number is invalid! The vCPU number "
			 "can only be 1 or an even number when SMT is enabled.");
	else if (mib < 1 || (pages && strcmp(pages, "None") != 0 && mib % 2 != 0))
		fc_fault(answer,
			 "Machine config error: The memory size (MiB) is either 0, or not a "
			 "multiple of the configured page size.");
	if (answer->status >= 400) {
		fc_json_free(new);
		return;
	}
	fc_json_free(fc_vm.machine);
	fc_vm.machine = new;
}

void fc_put_machine(const char *id, const struct fc_json *body, struct fc_answer *answer)
{
	struct fc_json *base =
		parse(fc_version >= FC_VERSION(7, 0) ? MACHINE_BASIC ",\"huge_pages\":\"None\"}"
						     : MACHINE_BASIC "}");

	(void)id;
	set_machine(base, body, answer);
	fc_json_free(base);
}

void fc_patch_machine(const char *id, const struct fc_json *body, struct fc_answer *answer)
{
	(void)id;
	if (!body->first)
		fc_fault(answer, "Empty PATCH request.");
	else
		set_machine(fc_vm.machine, body, answer);
}

static int try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK), r = fd < 0 ? errno : 0;

	if (fd >= 0)
		(void)close(fd);
	return r;
}

void fc_put_boot(const char *id, const struct fc_json *body, struct fc_answer *answer)
{
	const char *initrd = fc_json_text(body, "initrd_path");
	const char *args = fc_json_text(body, "boot_args");
	int r = try_open(fc_json_text(body, "kernel_image_path"), O_RDONLY);

	(void)id;
	if (r != 0) {
		fc_fault(answer, "Boot source error: The kernel file cannot be opened: %s",
			 fc_os_error(r));
		return;
	}
	r = initrd ? try_open(initrd, O_RDONLY) : 0;
	if (r != 0) {
		fc_fault(answer,
			 "Boot source error: The initrd file cannot be opened due to invalid path "
			 "or invalid permissions. %s",
			 fc_os_error(r));
		return;
	}
	if (args && strlen(args) >= CMDLINE_MAX_B) {
		fc_fault(answer, "Boot source error: The kernel command line is invalid: Command "
				 "line string overflowed");
		return;
	}
	initrd_used = false;
	set(&fc_vm.boot, body);
}

static struct fc_json **find_drive(const char *id)
{
	struct fc_json **at = &fc_vm.drives->first;

	while (*at && strcmp(fc_json_text(*at, "drive_id"), id) != 0)
		at = &(*at)->next;
	return at;
}

static void check_drive(const char *id, const struct fc_json *body, struct fc_answer *answer)
{
	const char *path = fc_json_text(body, "path_on_host");
	bool read_only = fc_json_flag(body, "is_read_only");
	int r;

	if (!path || fc_json_get(body, "socket")) {
		fc_fault(answer, path || !fc_json_get(body, "socket")
					 ? "Drive config error: Unable to create the virtio block "
					   "device: Invalid configuration"
					 : "not modelled by this stand-in");
		return;
	}
	if (fc_json_flag(body, "is_root_device"))
		for (const struct fc_json *d = fc_vm.drives->first; d; d = d->next)
			if (fc_json_flag(d, "is_root_device") &&
			    strcmp(fc_json_text(d, "drive_id"), id) != 0) {
				fc_fault(answer,
					 "Drive config error: A root block device already exists!");
				return;
			}
	r = try_open(path, read_only ? O_RDONLY : O_RDWR);
	if (r != 0)
		fc_fault(answer,
			 "Drive config error: Unable to create the virtio block device: Virtio "
			 "backend error: Error manipulating the backing file: %s %s",
			 fc_os_error(r), path);
}

void fc_put_drive(const char *id, const struct fc_json *body, struct fc_answer *answer)
{
	struct fc_json **at = find_drive(id), *copy;

	check_drive(id, body, answer);
	if (answer->status >= 400)
		return;
	copy = fc_json_copy(body);
	if (*at) {
		copy->next = (*at)->next;
		(*at)->next = NULL;
		fc_json_free(*at);
	}
	*at = copy;
}

void fc_patch_drive(const char *id, const struct fc_json *body, struct fc_answer *answer)
{
	const char *path = fc_json_text(body, "path_on_host");
	struct fc_json **at = find_drive(id), *merged;
	int r;

	if (!*at) {
		fc_fault(answer,
			 "Drive config error: Unable to patch the block device: Device not "
			 "found: %s",
			 id);
		return;
	}
	r = path ? try_open(path, fc_json_flag(*at, "is_read_only") ? O_RDONLY : O_RDWR) : 0;
	if (r != 0) {
		fc_fault(answer,
			 "Drive config error: Unable to patch the block device: Virtio backend "
			 "error: Error manipulating the backing file: %s %s",
			 fc_os_error(r), path);
		return;
	}
	merged = merge(*at, body);
	merged->next = (*at)->next;
	(*at)->next = NULL;
	fc_json_free(*at);
	*at = merged;
}

/* The first path of a process that sets another one is unlinked. */
void fc_put_vsock(const char *id, const struct fc_json *body, struct fc_answer *answer)
{
	const char *old = fc_json_text(fc_vm.vsock, "uds_path");
	int r;

	(void)id;
	if (old)
		(void)unlink(old);
	r = fc_vsock_bind(fc_json_text(body, "uds_path"));
	if (r != 0) {
		fc_fault(
			answer,
			"Vsock config error: Cannot create backend for vsock device: Error binding "
			"to the host-side Unix socket: %s",
			fc_os_error(r));
		return;
	}
	set(&fc_vm.vsock, body);
}

void fc_put_entropy(const char *id, const struct fc_json *body, struct fc_answer *answer)
{
	(void)id;
	(void)answer;
	set(&fc_vm.entropy, body);
}

/* No append, no truncation. */
static int open_output(const char *path)
{
	int create = fc_version >= FC_VERSION(14, 0) ? O_CREAT : 0;

	return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | create, 0644);
}

/* Opened at the start only. */
void fc_put_serial(const char *id, const struct fc_json *body, struct fc_answer *answer)
{
	(void)id;
	(void)answer;
	set(&fc_vm.serial, body);
}

static bool open_serial(struct fc_answer *answer)
{
	const char *path = fc_json_text(fc_vm.serial, "serial_out_path");
	int fd = path ? open_output(path) : STDOUT_FILENO;

	if (fd < 0) {
		fc_fault(answer, "Start microvm error: Error creating legacy device: %s",
			 fc_os_error(errno));
		return false;
	}
	fc_console_fd = fd;
	if (!path)
		fc_set_nonblocking(STDOUT_FILENO);
	return true;
}

void fc_put_logger(const char *id, const struct fc_json *body, struct fc_answer *answer)
{
	static const char *const known[] = {"Off",  "Trace",   "Debug", "Info",
					    "Warn", "Warning", "Error"};
	const char *path = fc_json_text(body, "log_path"), *level = fc_json_text(body, "level");
	size_t i = 0;
	int fd;

	(void)id;
	if (level) {
		while (i < 7 && strcasecmp(known[i], level) != 0)
			i++;
		if (i == 7) {
			fc_fault(answer,
				 "An error occurred when deserializing the json body of a request: "
				 "unknown variant `%s`, expected one of `Off`, `Trace`, `Debug`, "
				 "`Info`, `Warn`, `Error`.",
				 level);
			return;
		}
		fc_log_level = i == 0 ? 0 : i > 3 ? 1 : 2;
	}
	if (!path)
		return;
	fd = open_output(path);
	if (fd < 0)
		fc_fault(answer, "Logger error: Failed to open target file: %s",
			 fc_os_error(errno));
	else
		fc_log_fd = fd;
}

static void flush_metrics(void)
{
	static const char line[] = "{\"utc_timestamp_ms\":0,\"seccomp\":{\"num_faults\":0}}\n";

	(void)!write(fc_metrics_fd, line, sizeof(line) - 1);
}

void fc_put_metrics(const char *id, const struct fc_json *body, struct fc_answer *answer)
{
	int fd;

	(void)id;
	if (fc_metrics_fd >= 0) {
		fc_fault(answer, "Metrics error: Cannot initialize the metrics system due to bad "
				 "user input: Reinitialization of metrics not allowed.");
		return;
	}
	fd = open_output(fc_json_text(body, "metrics_path"));
	if (fd < 0)
		fc_fault(answer,
			 "Metrics error: Cannot initialize the metrics system due to bad user "
			 "input: %s",
			 fc_os_error(errno));
	else
		fc_metrics_fd = fd;
}

/* Kept for nobody; that it was well-formed is all. */
void fc_put_other(const char *id, const struct fc_json *body, struct fc_answer *answer)
{
	(void)id;
	(void)answer;
	set(&fc_vm.others, body);
}

void fc_get_mmds(const char *id, const struct fc_json *body, struct fc_answer *answer)
{
	(void)id;
	(void)body;
	if (fc_vm.mmds)
		fc_json_print(&answer->body, fc_vm.mmds);
	else if (!fc_vm.started)
		fc_bytes_print(&answer->body, "{}");
	else
		fc_fault(answer, "MMDS error: The MMDS data store is not initialized.");
}

void fc_put_mmds(const char *id, const struct fc_json *body, struct fc_answer *answer)
{
	struct fc_bytes text = {0};

	(void)id;
	fc_json_print(&text, body);
	if (text.len > MMDS_MAX_B) {
		fc_fault(answer, "MMDS limit exceeded error: The MMDS patch request doesn't fit.");
		answer->status = 413;
	} else {
		set(&fc_vm.mmds, body);
	}
	fc_bytes_free(&text);
}

/* What stands in the kernel's file. Return: NULL when it could be booted. */
static const char *judge_kernel(const char *path)
{
	char head[BZ_AT + 4] = {0};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof(head));

	if (fd >= 0)
		(void)close(fd);
	if (n >= 4 && memcmp(head, ELF_MAGIC, 4) == 0)
		return NULL;
	if (n == (ssize_t)sizeof(head) && memcmp(head + BZ_AT, BZ_MAGIC, 4) == 0 &&
	    fc_version >= FC_VERSION(17, 0))
		return NULL;
	return "Invalid Elf magic number";
}

static void console(void)
{
	const char *args = fc_json_text(fc_vm.boot, "boot_args");
	char chunk[4096];
	long left = 0;

	if (args && strstr(args, "console=ttyS0"))
		(void)!write(fc_console_fd, CONSOLE, sizeof(CONSOLE) - 1);
	memset(chunk, '#', sizeof(chunk));
	chunk[sizeof(chunk) - 1] = '\n';
	/* What does not fit is dropped, as the guest's serial port does not wait. */
	for (fc_fault_at("flood", NULL, &left); left > 0; left -= (long)sizeof(chunk))
		(void)!write(fc_console_fd, chunk, sizeof(chunk));
}

static void limit_guest(void)
{
	long ms;

	if (fc_fault_at("guest-reboot", NULL, &ms))
		fc_later(ms, fc_vm_guest_rebooted);
}

/* Return: whether the guest runs; else the answer says why not. */
static bool boot(struct fc_answer *answer)
{
	const char *kernel = fc_json_text(fc_vm.boot, "kernel_image_path");
	const char *bad = kernel ? judge_kernel(kernel) : NULL;

	if (!kernel) {
		fc_fault(answer,
			 "Start microvm error: Cannot start microvm without kernel configuration.");
	} else if (fc_vm.no_kvm > 0) {
		fc_vm.no_kvm--;
		fc_fault(answer,
			 "Start microvm error: Internal error while starting microVM: Error "
			 "creating KVM object: %s Make sure the user launching the "
			 "firecracker process is configured on the /dev/kvm file's ACL.",
			 fc_os_error(EACCES));
	} else if (bad) {
		fc_fault(answer,
			 "Start microvm error: Cannot load kernel due to invalid memory "
			 "configuration or invalid kernel image: Kernel Loader: failed to load ELF "
			 "kernel image: %s",
			 bad);
	} else if (initrd_used && fc_json_get(fc_vm.boot, "initrd_path")) {
		fc_fault(answer, "Start microvm error: Cannot load initrd due to an invalid image: "
				 "failed to fill whole buffer");
	} else {
		initrd_used = true;
		if (!open_serial(answer))
			return false;
		if (fc_vm.vsock && fc_vsock_start(false) != 0)
			fc_fault(answer, "fake firecracker: cannot start the guest");
		else if (!fc_seccomp_install())
			fc_fault(answer, "Start microvm error: Cannot install seccomp filters: "
					 "Failed to apply filter");
	}
	return answer->status < 400;
}

void fc_put_action(const char *id, const struct fc_json *body, struct fc_answer *answer)
{
	const char *type = fc_json_text(body, "action_type");

	(void)id;
	if (strcmp(type, "InstanceStart") == 0) {
		if (fc_vm.started) {
			fc_fault(answer, "The requested operation is not supported after starting "
					 "the microVM.");
			return;
		}
		if (!boot(answer))
			return;
		fc_vm.started = true;
		limit_guest();
		console();
		if (fc_metrics_fd >= 0)
			flush_metrics();
		return;
	}
	if (!fc_vm.started) {
		fc_fault(answer,
			 "The requested operation is not supported before starting the microVM.");
	} else if (strcmp(type, "FlushMetrics") == 0) {
		if (fc_metrics_fd >= 0)
			flush_metrics();
	} else {
		/* A guest that listens to its keyboard reboots: i8042 and its driver are there. */
		fc_later(REBOOT_MS, fc_vm_guest_rebooted);
	}
}

void fc_patch_vm(const char *id, const struct fc_json *body, struct fc_answer *answer)
{
	bool pause = strcmp(fc_json_text(body, "state"), "Paused") == 0;

	(void)id;
	(void)answer;
	if (pause == fc_vm.paused)
		return;
	fc_vm.paused = pause;
	if (pause)
		fc_vsock_pause();
	else
		fc_vsock_resume(fc_vm.saved);
	fc_vm.saved = false;
}

void fc_put_create(const char *id, const struct fc_json *body, struct fc_answer *answer)
{
	(void)id;
	if (!fc_vm.paused) {
		fc_fault(answer, "Create snapshot error: Cannot save the microVM state: Operation "
				 "not allowed: save/restore unavailable while VM is running");
		return;
	}
	fc_snapshot_create(body, answer);
	if (answer->status < 400)
		fc_vm.saved = true;
}

void fc_put_load(const char *id, const struct fc_json *body, struct fc_answer *answer)
{
	bool backend = fc_json_get(body, "mem_backend"), path = fc_json_get(body, "mem_file_path");

	(void)id;
	if (backend == path) {
		fc_fault(answer,
			 backend ? "too many fields: either `mem_backend` or `mem_file_path` "
				   "exclusively is required"
				 : "missing field: either `mem_backend` or `mem_file_path` is "
				   "required");
		return;
	}
	if (fc_json_get(body, "track_dirty_pages") && fc_json_get(body, "enable_diff_snapshots")) {
		fc_fault(answer, "too many fields: either `track_dirty_pages` or "
				 "`enable_diff_snapshots` exclusively is required");
		return;
	}
	if (fc_vm.boot_path) {
		fc_fault(answer,
			 "Load snapshot error: Loading a microVM snapshot not allowed after "
			 "configuring boot-specific resources.");
		return;
	}
	if (open_serial(answer))
		fc_snapshot_load(body, answer);
	if (answer->status >= 400) {
		answer->ends = true;
		return;
	}
	limit_guest();
	fc_vm.started = true;
	fc_vm.paused = !fc_json_flag(body, "resume_vm");
	/* What was saved comes to life as after a snapshot. */
	fc_vm.saved = fc_vm.paused;
}
