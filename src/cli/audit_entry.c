/* SPDX-License-Identifier: Apache-2.0 */
/* audit_entry.c - a denied system call as text and as JSON, and who had too many; see audit.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/escape.h"
#include "cli/audit.h"
#include "codec/json_write.h"
#include "sys/syscall_name.h"

#define NS_PER_S 1000000000U

const char *const audit_headers[AUDIT_COLUMNS] = {"TIME",    "VM",     "PROGRAM", "PID",
						  "SYSCALL", "ACTION", "ARGS"};

static void program_text(uint32_t program, char *ret, size_t size)
{
	if (jail_program_is_keeper(program))
		(void)snprintf(ret, size, "keeper");
	else if (program == JAIL_PROGRAM_QEMU_TCG || program == JAIL_PROGRAM_QEMU_KVM)
		(void)snprintf(ret, size, "qemu");
	else if (program == JAIL_PROGRAM_FIRECRACKER)
		(void)snprintf(ret, size, "firecracker");
	else
		(void)snprintf(ret, size, "%" PRIu32, program);
}

static void action_text(uint32_t action, char *ret, size_t size)
{
	if (action == JAIL_DENIED_KILL)
		(void)snprintf(ret, size, "killed");
	else if (action == JAIL_DENIED_REFUSE)
		(void)snprintf(ret, size, "refused");
	else
		(void)snprintf(ret, size, "%" PRIu32, action);
}

/* "ptrace"; with its ABI in front when that is not the usual one; "#9999" without a name. */
static void syscall_text(const struct denial *d, char *ret, size_t size)
{
	const char *name = syscall_name(d->arch, d->syscall);
	const char *abi = syscall_abi(d->arch, d->syscall);
	char front[24] = "", number[16];

	if (!abi)
		(void)snprintf(front, sizeof(front), "0x%" PRIx32 ":", d->arch);
	else if (strcmp(abi, "x86_64") != 0)
		(void)snprintf(front, sizeof(front), "%s:", abi);
	(void)snprintf(number, sizeof(number), "#%" PRId32, d->syscall);
	(void)snprintf(ret, size, "%s%s", front, name ? name : number);
}

/* RFC 3339 in local time with milliseconds: 2026-02-03T04:05:06.789+01:00 */
static void local_time_text(uint64_t time_ns, char *ret, size_t size)
{
	time_t seconds = (time_t)(time_ns / NS_PER_S);
	char date[32] = "", zone[8] = "";
	struct tm tm;

	if (localtime_r(&seconds, &tm)) {
		(void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
		(void)strftime(zone, sizeof(zone), "%z", &tm); /* +0100 */
	}
	(void)snprintf(ret, size, "%s.%03u%.3s:%s", date,
		       (unsigned int)(time_ns % NS_PER_S / 1000000), zone,
		       strlen(zone) > 3 ? zone + 3 : "00");
}

static void utc_time_text(uint64_t time_ns, char *ret, size_t size)
{
	time_t seconds = (time_t)(time_ns / NS_PER_S);
	char date[32] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		(void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(ret, size, "%s.%09uZ", date, (unsigned int)(time_ns % NS_PER_S));
}

void audit_row(const struct denial *denial, struct audit_row *ret)
{
	size_t used = 0;

	local_time_text(denial->time_ns, ret->time, sizeof(ret->time));
	program_text(denial->program, ret->program, sizeof(ret->program));
	(void)snprintf(ret->pid, sizeof(ret->pid), "%" PRId32, denial->pid);
	syscall_text(denial, ret->syscall, sizeof(ret->syscall));
	action_text(denial->action, ret->action, sizeof(ret->action));
	/* Six times "0x", 16 digits and a blank fit. */
	for (size_t i = 0; i < ARRAY_SIZE(denial->args); i++)
		used += (size_t)snprintf(ret->args + used, sizeof(ret->args) - used, "%s0x%" PRIx64,
					 i > 0 ? " " : "", denial->args[i]);
	ret->cells[0] = ret->time;
	ret->cells[1] = denial->vm_id;
	ret->cells[2] = ret->program;
	ret->cells[3] = ret->pid;
	ret->cells[4] = ret->syscall;
	ret->cells[5] = ret->action;
	ret->cells[6] = ret->args;
}

void audit_write_json(struct json_writer *w, const struct denial *denial)
{
	const char *abi = syscall_abi(denial->arch, denial->syscall);
	char text[48];

	json_write_open_object(w, NULL);
	json_write_u64(w, "number", denial->number);
	utc_time_text(denial->time_ns, text, sizeof(text));
	json_write_string(w, "time", text);
	json_write_u64(w, "time_ns", denial->time_ns);
	json_write_string(w, "vm_id", denial->vm_id);
	program_text(denial->program, text, sizeof(text));
	json_write_string(w, "program", text);
	json_write_i64(w, "pid", denial->pid);
	json_write_string(w, "syscall", syscall_name(denial->arch, denial->syscall));
	json_write_i64(w, "syscall_number", denial->syscall);
	(void)snprintf(text, sizeof(text), "0x%" PRIx32, denial->arch);
	json_write_string(w, "abi", abi ? abi : text);
	/* As text: a JSON number of 64 bits is not read exactly everywhere. */
	json_write_open_array(w, "args");
	for (size_t i = 0; i < ARRAY_SIZE(denial->args); i++) {
		(void)snprintf(text, sizeof(text), "0x%" PRIx64, denial->args[i]);
		json_write_string(w, NULL, text);
	}
	json_write_close_array(w);
	action_text(denial->action, text, sizeof(text));
	json_write_string(w, "action", text);
	json_write_u64(w, "count", denial->count);
	json_write_close_object(w);
}

static struct audit_alert *find_alert(const struct audit_alerts *alerts, const char *vm_id)
{
	/* Backwards: the newest VMs are the ones that go on. */
	for (size_t i = alerts->n; i > 0; i--) {
		if (strcmp(alerts->items[i - 1].vm_id, vm_id) == 0)
			return &alerts->items[i - 1];
	}
	return NULL;
}

static struct audit_alert *add_alert(struct audit_alerts *alerts)
{
	if (!alerts->items) {
		alerts->items = calloc(DENIALS_MAX, sizeof(*alerts->items));
		if (!alerts->items)
			return NULL;
	}
	if (alerts->n == DENIALS_MAX) {
		alerts->n--;
		memmove(alerts->items, alerts->items + 1, alerts->n * sizeof(*alerts->items));
	}
	return &alerts->items[alerts->n++];
}

int audit_alerts_note(struct audit_alerts *alerts, const struct denial *denial)
{
	struct audit_alert *alert = find_alert(alerts, denial->vm_id);
	bool is_new = denial->count > DENIALS_ALERT_AFTER &&
		      (!alert || alert->newest <= DENIALS_ALERT_AFTER);

	if (is_new && !alert) {
		alert = add_alert(alerts);
		if (!alert)
			return -ENOMEM;
		*alert = (struct audit_alert){.count = 0};
		memcpy(alert->vm_id, denial->vm_id, sizeof(alert->vm_id));
	}
	if (alert) {
		alert->newest = denial->count;
		if (alert->count < denial->count)
			alert->count = denial->count;
	}
	return is_new;
}

void audit_alerts_done(struct audit_alerts *alerts)
{
	free(alerts->items);
	*alerts = (struct audit_alerts){.n = 0};
}

void audit_print_alert(const char *vm_id, uint32_t count)
{
	char id[4 * JAIL_VM_ID_MAX + 1];

	escape_text(id, sizeof(id), vm_id, strlen(vm_id));
	(void)printf("ALERT: VM '%s' had %" PRIu32 " denied system calls\n", id, count);
}

void audit_print_dropped(uint64_t dropped)
{
	if (dropped > 0)
		(void)printf("%" PRIu64 " older %s dropped\n", dropped,
			     dropped == 1 ? "entry was" : "entries were");
}
