/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_run.c - `ironclaw run`: one command in a fresh VM. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/inspect.h"
#include "cli/run.h"
#include "codec/json_write.h"
#include "sys/clock.h"

static void print_timings(struct json_writer *w, const struct run_report *r)
{
	json_write_open_object(w, "timings_ms");
	json_write_ms(w, "total", r->total_us);
	json_write_ms(w, "vmm_start", r->info.vmm_start_us);
	json_write_ms(w, r->info.cloned ? "restore" : "boot", r->info.answer_us);
	if (r->result.first_byte_us)
		json_write_ms(w, "first_byte", r->result.first_byte_us);
	else
		json_write_null(w, "first_byte");
	json_write_ms(w, "command", r->result.command_us);
	json_write_ms(w, "teardown", r->teardown_us);
	json_write_close_object(w);
}

void run_print_json(const struct run_report *r)
{
	struct json_writer w;

	json_write_begin(&w, stdout);
	json_write_open_object(&w, NULL);
	json_write_string(&w, "id", r->info.id);
	json_write_string(&w, "image", r->info.image);
	json_write_string(&w, "engine", r->info.engine);
	json_write_string(&w, "accel", r->info.accel);
	json_write_i64(&w, "exit_code", r->result.exit_code);
	if (r->result.signal)
		json_write_i64(&w, "signal", r->result.signal);
	else
		json_write_null(&w, "signal");
	json_write_bool(&w, "timed_out", r->result.timed_out);
	json_write_bool(&w, "out_of_memory", r->result.oom);
	if (!r->result.started)
		json_write_string(&w, "failure", r->result.failure);
	json_write_bytes(&w, "stdout", r->out.data, r->out.len);
	json_write_bool(&w, "stdout_truncated", r->out.truncated);
	json_write_bytes(&w, "stderr", r->err.data, r->err.len);
	json_write_bool(&w, "stderr_truncated", r->err.truncated);
	if (r->workspace)
		run_workspace_json(&w, r->workspace);
	print_timings(&w, r);
	json_write_close_object(&w);
	(void)json_write_end(&w);
}

/* Failures of the caller's settings are usage errors; a closed output is what a shell makes of it.
 */
static int fail(const struct ironclaw_error *err)
{
	if (err->code == IRONCLAW_ERR_CANCELLED && err->errnum == EPIPE)
		return 128 + SIGPIPE;
	return cli_fail(err,
			err->code == IRONCLAW_ERR_INVALID ? CLI_EXIT_USAGE : CLI_EXIT_RUN_FAILED);
}

static int report_end(const struct run_args *args, const struct run_report *report)
{
	if (args->json) {
		run_print_json(report);
		return report->result.exit_code;
	}
	if (!report->result.started)
		(void)fprintf(stderr, "ironclaw: %s\n", report->result.failure);
	if (report->result.timed_out)
		cli_note("the time was over: the command was killed after %.1f s",
			 (double)report->result.command_us / 1e6);
	else if (report->result.oom)
		cli_note("the guest ran out of memory; --memory gives it more");
	return report->result.exit_code;
}

static void on_layer(void *userdata, const struct ironclaw_layer *layer)
{
	inspect_print_layer(userdata, layer);
}

/* Asked for by the user, so -q does not silence it. */
static int prove(const struct ironclaw_vm *vm, struct ironclaw_error *err)
{
	inspect_print_heading(stderr);
	return ironclaw_vm_prove(vm, on_layer, stderr, err);
}

/* The strings of the info live in the handle: what is reported is copied out first. */
static int run_vm(const struct run_args *args, struct run_workspace *rw, struct audit_log *log,
		  struct run_report *report, char id[65], char image[65],
		  struct ironclaw_error *err)
{
	struct ironclaw_vm *vm;
	uint64_t teardown;
	int r = ironclaw_vm_start(&args->on.vm, &vm, err), ended;

	if (r < 0) {
		run_audit_no_start(log, err);
		return r;
	}
	report->info.size = sizeof(report->info);
	ironclaw_vm_get_info(vm, &report->info);
	(void)snprintf(id, 65, "%s", report->info.id);
	(void)snprintf(image, 65, "%s", report->info.image);
	report->info.id = id;
	report->info.image = image;
	r = args->prove ? prove(vm, err) : 0;
	if (r == 0 && rw)
		r = run_workspace_in(rw, vm, err);
	if (r == 0)
		r = run_audit_start(log, args, &report->info, err);
	if (r == 0)
		r = run_session(vm, args, report, err);
	if (r == 0 && rw)
		r = run_workspace_out(rw, vm, err);
	run_audit_end(log, report, r < 0 ? err : NULL);
	teardown = clock_now_us();
	ended = ironclaw_vm_destroy(vm, r < 0 ? NULL : err);
	report->teardown_us = clock_now_us() - teardown;
	return r < 0 ? r : ended;
}

/* The VM is gone; what it changed waits for a decision. Return: whether that was carried out */
static bool keep(const struct run_args *args, struct run_workspace *rw, struct audit_log *log,
		 struct run_report *report, struct ironclaw_error *err)
{
	if (!args->on.workspace.folder)
		return true;
	report->workspace = rw;
	if (run_workspace_decide(rw, log, report->info.id, args->json, err) == 0)
		return true;
	rw->failure = err->text;
	if (!rw->decision)
		rw->decision = "failed";
	return false;
}

int cmd_run(int argc, char **argv)
{
	cleanup(audit_log_close) struct audit_log log = {.dirfd = -EBADF};
	struct run_workspace *rw = calloc(1, sizeof(*rw));
	struct run_report report = {0};
	struct ironclaw_error err = {0};
	cleanup_free const char **env = NULL;
	uint64_t begin = clock_now_us();
	char id[65], image[65];
	struct run_args args;
	int code = run_parse(argc, argv, &args, &env);

	if (code >= 0 || !rw) {
		free(rw);
		return code >= 0 ? code : CLI_EXIT_RUN_FAILED;
	}
	cli_set_quiet(args.quiet);
	args.on.vm.notice = cli_notice;
	if (run_audit_open(&log, &err) < 0 ||
	    (args.on.workspace.folder && run_workspace_open(&args.on.workspace, rw, &err) < 0) ||
	    run_vm(&args, args.on.workspace.folder ? rw : NULL, &log, &report, id, image, &err) <
		    0) {
		code = fail(&err);
	} else {
		bool kept = keep(&args, rw, &log, &report, &err);

		report.total_us = clock_now_us() - begin;
		code = report_end(&args, &report);
		if (!kept)
			code = fail(&err);
	}
	if (rw->args)
		run_workspace_close(rw);
	free(rw);
	free(report.out.data);
	free(report.err.data);
	return code;
}
