/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_doctor.c - `ironclaw doctor`: can this machine run VMs, and what is missing? */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "cli/cli.h"
#include "cli/doctor.h"
#include "codec/json_write.h"
#include "jail/warden_lease.h"

static const char help[] =
	"usage: ironclaw doctor [--json]\n\n"
	"Checks whether this machine can run VMs, by trying. Each line is a check: passed, a\n"
	"warning, or failed, with what to do about it. Exit code 0 when VMs can run, 1 "
	"otherwise.\n\n"
	"  --json  as a JSON document\n";

static const char *const state_names[] = {"ok", "warning", "failed"};
static const char *const state_marks[] = {"\xe2\x9c\x93", "!", "\xe2\x9c\x97"}; /* tick, cross */

void doctor_add(struct doctor *doctor, const char *name, enum doctor_state state,
		const char *remedy, const char *fmt, ...)
{
	struct doctor_result *result = &doctor->results[doctor->n_results];
	char raw[sizeof(result->detail)];
	va_list ap;

	ic_assert(doctor->n_results < DOCTOR_RESULTS_MAX);
	doctor->n_results++;
	result->name = name;
	result->state = state;
	va_start(ap, fmt);
	(void)vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	escape_text(result->detail, sizeof(result->detail), raw, strlen(raw));
	(void)snprintf(result->remedy, sizeof(result->remedy), "%s", remedy ? remedy : "");
}

static void run_checks(struct doctor *doctor)
{
	struct doctor_program qemu, mkfs, mmdebstrap;

	/* They run while the rest is looked at. */
	doctor_program_start(&qemu, "qemu", "qemu-system-x86_64", "--version");
	doctor_program_start(&mmdebstrap, "mmdebstrap", "mmdebstrap", NULL);
	doctor_program_start(&mkfs, "mkfs.erofs", "mkfs.erofs", "--version");
	doctor_check_host(doctor);
	doctor_check_namespaces(doctor);
	doctor_check_seccomp(doctor);
	if (warden_is_host_root())
		doctor_check_firewall(doctor);
	doctor_check_limits(doctor);
	doctor_check_kvm(doctor);
	doctor_check_helpers(doctor);
	doctor_check_store(doctor);
	doctor_program_finish(doctor, &qemu, DOCTOR_FAILED, "sudo apt-get install qemu-system-x86");
	doctor_program_finish(doctor, &mkfs, DOCTOR_WARNING,
			      "sudo apt-get install erofs-utils; needed to build images");
	doctor_program_finish(doctor, &mmdebstrap, DOCTOR_WARNING,
			      "sudo apt-get install mmdebstrap; needed to build images");
}

static size_t count_failed(const struct doctor *doctor)
{
	size_t n = 0;

	for (size_t i = 0; i < doctor->n_results; i++)
		n += doctor->results[i].state == DOCTOR_FAILED;
	return n;
}

static void print_text(const struct doctor *doctor)
{
	size_t failed = count_failed(doctor);

	for (size_t i = 0; i < doctor->n_results; i++) {
		const struct doctor_result *result = &doctor->results[i];

		(void)printf("%s %-11s %s\n", state_marks[result->state], result->name,
			     result->detail);
		if (result->remedy[0])
			(void)printf("%14stry: %s\n", "", result->remedy);
	}
	if (failed == 0)
		(void)printf("This machine can run VMs.\n");
	else
		(void)printf("This machine cannot run VMs yet: %zu check%s failed.\n", failed,
			     failed == 1 ? "" : "s");
}

static void print_json(const struct doctor *doctor)
{
	struct json_writer w;

	json_write_begin(&w, stdout);
	json_write_open_object(&w, NULL);
	json_write_bool(&w, "ok", count_failed(doctor) == 0);
	json_write_open_array(&w, "checks");
	for (size_t i = 0; i < doctor->n_results; i++) {
		const struct doctor_result *result = &doctor->results[i];

		json_write_open_object(&w, NULL);
		json_write_string(&w, "name", result->name);
		json_write_string(&w, "state", state_names[result->state]);
		json_write_string(&w, "detail", result->detail);
		json_write_string(&w, "remedy", result->remedy[0] ? result->remedy : NULL);
		json_write_close_object(&w);
	}
	json_write_close_array(&w);
	json_write_close_object(&w);
	(void)json_write_end(&w); /* main() reports a stream that failed */
}

int cmd_doctor(int argc, char **argv)
{
	struct doctor doctor = {0};
	struct ironclaw_error err;
	bool json = false;
	int r = cli_parse_output(argc, argv, help, &json, NULL);

	if (r >= 0)
		return r;
	if (paths_get(&doctor.paths, &err) < 0)
		return cli_fail(&err, CLI_EXIT_FAILED);
	run_checks(&doctor);
	if (json)
		print_json(&doctor);
	else
		print_text(&doctor);
	return count_failed(&doctor) == 0 ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}
