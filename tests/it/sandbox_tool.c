/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox_tool.c - a sandbox and what is done in it, for tests/it/sandbox.bats.
 *
 *   sandbox_tool [-i IMAGE] [-w FOLDER] [-g PATH] [-o BYTES] [-s BYTES] [-t MS] STEP...
 *
 * A step is a word and its arguments:
 *
 *   exec SCRIPT  feed SCRIPT TEXT  run PROGRAM  cwd PATH (of the next ones)
 *   read PATH OFFSET LIMIT  write PATH TEXT  writefile PATH HOSTFILE  list PATH  search PATTERN
 * PATH fixed PATTERN PATH  many N SCRIPT (at once)  cancel SCRIPT (after its first output) changes
 * select PATTERN  apply WAY (policy, queue, flag)  again (the last grant) host SCRIPT (on the host)
 * another (a second sandbox beside it, each in a thread) bench N
 *
 * The result is one JSON array with an element for each step. The sandbox is opened by a thread
 * that ends before the first step. Exit status 1 with a sentence on stderr when it cannot be.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "codec/json_write.h"
#include "sandbox/sandbox.h"
#include "sys/clock.h"
#include "workspace/card.h"
#include "workspace/gated.h"

#define MANY_MAX 32

static struct sandbox_options options = {.vm = {.size = sizeof(options.vm), .image = "busybox"},
					 .purpose = "test"};
static struct sandbox_request defaults;
static struct sandbox *sandbox;
static struct changes *changes;
static struct approval_grant last_grant;
static struct json_writer json;
static char **args;

static const char *next(void)
{
	if (*args)
		return *args++;
	(void)fputs("an argument is missing\n", stderr);
	exit(2);
}

static void on_notice(void *userdata, enum ironclaw_notice notice, const char *text)
{
	(void)userdata;
	(void)notice;
	(void)fprintf(stderr, "notice: %s\n", text);
}

/* How a call of the library ended, as the element's first members. */
static void say_error(int r, const struct ironclaw_error *err)
{
	json_write_i64(&json, "r", r);
	if (r < 0) {
		json_write_i64(&json, "code", err->code);
		json_write_string(&json, "error", err->text);
	}
}

static void say_text(const char *key, const struct sandbox_text *text)
{
	json_write_open_object(&json, key);
	json_write_bytes(&json, "data", text->data, text->len);
	json_write_u64(&json, "len", text->len);
	json_write_u64(&json, "total", text->total);
	json_write_bool(&json, "truncated", text->truncated);
	json_write_close_object(&json);
}

static void say_result(int r, struct sandbox_result *result, const struct ironclaw_error *err)
{
	say_error(r, err);
	if (r < 0)
		return;
	json_write_bool(&json, "failed", result->failed);
	json_write_i64(&json, "exit_code", result->exit_code);
	json_write_i64(&json, "signal", result->signal);
	json_write_bool(&json, "timed_out", result->timed_out);
	json_write_bool(&json, "cancelled", result->cancelled);
	json_write_string(&json, "message", result->message);
	json_write_u64(&json, "written", result->written);
	say_text("out", &result->out);
	say_text("err", &result->err);
	json_write_open_array(&json, "entries");
	for (size_t i = 0; i < result->n_entries; i++) {
		const struct sandbox_entry *e = &result->entries[i];
		const char type[] = {e->type, '\0'};

		json_write_open_object(&json, NULL);
		json_write_string(&json, "type", type);
		json_write_u64(&json, "mode", e->mode);
		json_write_u64(&json, "size", e->size);
		json_write_bytes(&json, "name", e->name, strlen(e->name));
		json_write_close_object(&json);
	}
	json_write_close_array(&json);
	sandbox_result_done(result);
	sandbox_result_done(result);
}

static void operate(const struct sandbox_request *request)
{
	struct sandbox_result result;
	struct ironclaw_error err;
	int r = sandbox_do(sandbox, request, &result, &err);

	say_result(r, &result, &err);
}

static void step_exec(bool feed, bool bare)
{
	const char *const script[] = {"sh", "-c", next(), NULL};
	const char *const program[] = {script[2], NULL};
	struct sandbox_request request = defaults;

	request.op = SANDBOX_EXEC;
	request.argv = bare ? program : script;
	if (feed) {
		request.data = next();
		request.len = strlen(request.data);
	}
	operate(&request);
}

static void step_read(void)
{
	struct sandbox_request request = defaults;

	request.op = SANDBOX_READ;
	request.path = next();
	request.offset = strtoull(next(), NULL, 10);
	request.limit = strtoull(next(), NULL, 10);
	operate(&request);
}

static void step_write(bool from_file)
{
	struct sandbox_request request = defaults;
	cleanup_free char *data = NULL;

	request.op = SANDBOX_WRITE;
	request.path = next();
	request.data = next();
	request.len = strlen(request.data);
	if (from_file) {
		cleanup_fclose FILE *f = fopen(request.data, "r");

		data = malloc(SANDBOX_WRITE_MAX_B + 1);
		if (!f || !data)
			exit(2);
		request.len = fread(data, 1, SANDBOX_WRITE_MAX_B + 1, f);
		request.data = data;
	}
	operate(&request);
}

static void step_list(void)
{
	struct sandbox_request request = defaults;

	request.op = SANDBOX_LIST;
	request.path = next();
	operate(&request);
}

static void step_search(bool fixed)
{
	struct sandbox_request request = defaults;

	request.op = SANDBOX_SEARCH;
	request.pattern = next();
	request.path = next();
	request.fixed = fixed;
	operate(&request);
}

static unsigned int n_over;

static void count_over(void *userdata)
{
	(void)userdata;
	n_over++;
}

/* In a loop of the caller's own. */
static void step_many(void)
{
	const int n = atoi(next());
	const char *const argv[] = {"sh", "-c", next(), NULL};
	struct sandbox_request request = defaults;
	const struct sandbox_watch watch = {.over = count_over};
	struct sandbox_call *calls[MANY_MAX];
	struct ironclaw_error err;
	int started = 0;

	request.op = SANDBOX_EXEC;
	request.argv = argv;
	n_over = 0;
	while (started < n && sandbox_start(sandbox, &request, &watch, &calls[started], &err) == 0)
		started++;
	json_write_i64(&json, "started", started);
	json_write_string(&json, "refused", started < n ? err.text : NULL);
	while (n_over < (unsigned int)started) {
		struct pollfd fds[VM_POLL_MAX];
		int timeout_ms = -1;

		vm_poll(sandbox_vm(sandbox), fds, &timeout_ms);
		if (poll(fds, VM_POLL_MAX, timeout_ms) < 0 ||
		    vm_serve(sandbox_vm(sandbox), fds, &err) < 0)
			exit(1);
	}
	json_write_open_array(&json, "results");
	for (int i = 0; i < started; i++) {
		struct sandbox_result result;
		int r = sandbox_call_take(calls[i], &result, &err);

		json_write_open_object(&json, NULL);
		say_result(r, &result, &err);
		json_write_close_object(&json);
	}
	json_write_close_array(&json);
}

static struct sandbox_call *to_cancel;

static void cancel_it(void *userdata, enum ironclaw_stream stream, const void *data, size_t len)
{
	(void)userdata;
	(void)stream;
	(void)data;
	(void)len;
	sandbox_call_cancel(to_cancel);
}

static void step_cancel(void)
{
	const char *const argv[] = {"sh", "-c", next(), NULL};
	struct sandbox_request request = defaults;
	const struct sandbox_watch watch = {.output = cancel_it};
	struct sandbox_result result;
	struct ironclaw_error err;
	int r;

	request.op = SANDBOX_EXEC;
	request.argv = argv;
	r = sandbox_start(sandbox, &request, &watch, &to_cancel, &err);
	while (r == 0 && !sandbox_call_is_over(to_cancel))
		r = sandbox_step(sandbox, -1, &err);
	if (r == 0)
		r = sandbox_call_take(to_cancel, &result, &err);
	say_result(r, &result, &err);
}

static void step_changes(void)
{
	struct ironclaw_error err;
	int r;

	changes = NULL;
	r = sandbox_changes(sandbox, &changes, &err);
	say_error(r, &err);
	json_write_open_array(&json, "changes");
	for (size_t i = 0; r == 0 && i < changes->n; i++) {
		char text[512];

		(void)snprintf(text, sizeof(text), "%s %s", card_kind(changes->changes[i].kind),
			       changes->changes[i].path);
		json_write_string(&json, NULL, text);
	}
	json_write_close_array(&json);
}

static void step_select(void)
{
	const char *pattern = next();

	changes_select_all(changes, false);
	for (size_t i = 0; i < changes->n; i++)
		if (fnmatch(pattern, changes->changes[i].path, 0) == 0)
			changes_select(changes, i, true);
}

static int grant_by_flag(struct ironclaw_error *err)
{
	cleanup(gated_changes_free) struct gated_changes gated;
	const struct approval_by by = approval_by_caller(APPROVAL_BY_FLAG, "--apply");
	int r;

	if (!changes)
		return 0;
	r = gated_changes_make(changes, &gated);
	return r < 0 ? r
		     : approval_grant(sandbox_gate(sandbox), &gated.action, &by, &last_grant, err);
}

static int approval;
static struct ironclaw_error approval_err;

static void *approve(void *way)
{
	approval = sandbox_approve(sandbox, *(enum approval_way *)way, &last_grant, &approval_err);
	return NULL;
}

/* The question is asked in a thread of its own, and commands run meanwhile. */
static int ask(const char *word, struct ironclaw_error *err)
{
	enum approval_way way =
		strcmp(word, "queue") == 0 ? APPROVAL_ASK_QUEUE : APPROVAL_ASK_NOBODY;
	const char *const argv[] = {"true", NULL};
	const struct sandbox_request request = {.op = SANDBOX_EXEC, .argv = argv};
	struct sandbox_result result;
	pthread_t thread;
	int r;

	if (strcmp(word, "flag") == 0)
		return grant_by_flag(err);
	if (pthread_create(&thread, NULL, approve, &way) != 0)
		exit(2);
	for (int i = 0; i < 5; i++) {
		r = sandbox_do(sandbox, &request, &result, err);
		if (r < 0)
			exit(1);
		sandbox_result_done(&result);
	}
	(void)pthread_join(thread, NULL);
	*err = approval_err;
	return approval;
}

static void apply(int r, struct ironclaw_error *err)
{
	struct apply_result result = {.applied = 0};

	if (r == 0)
		r = sandbox_apply(sandbox, &last_grant, &result, err);
	say_error(r, err);
	json_write_u64(&json, "applied", result.applied);
	json_write_u64(&json, "conflicts", result.n_conflicts);
}

static void step_apply(void)
{
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
	const char *word = next();

	apply(ask(word, &err), &err);
}

static void step_again(void)
{
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};

	apply(0, &err);
}

struct opening {
	struct sandbox *sandbox;
	int r;
	struct ironclaw_error err;
};

static void *open_it(void *arg)
{
	struct opening *o = arg;

	o->r = sandbox_open(&options, &o->sandbox, &o->err);
	return NULL;
}

static void open_in_threads(struct opening *openings, size_t n)
{
	pthread_t threads[2];

	for (size_t i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, open_it, &openings[i]) != 0)
			exit(2);
	for (size_t i = 0; i < n; i++)
		(void)pthread_join(threads[i], NULL);
	for (size_t i = 0; i < n; i++) {
		if (openings[i].r == 0)
			continue;
		(void)fprintf(stderr, "%s\n", openings[i].err.text);
		exit(1);
	}
}

/* Two at once; each is its own machine, and both have the workspace. */
static void step_another(void)
{
	struct sandbox *first = sandbox;
	struct opening two[2] = {{.r = 0}, {.r = 0}};
	const char *const argv[] = {"sh", "-c", "hostname; echo x >>/tmp/x; cat /tmp/x", NULL};
	const struct sandbox_request request = {.op = SANDBOX_EXEC, .argv = argv};
	struct ironclaw_error err;

	open_in_threads(two, 2);
	json_write_open_array(&json, "two");
	for (size_t i = 0; i < 2; i++) {
		sandbox = two[i].sandbox;
		json_write_open_object(&json, NULL);
		json_write_string(&json, "id", sandbox_id(sandbox));
		operate(&request);
		json_write_close_object(&json);
	}
	json_write_close_array(&json);
	for (size_t i = 0; i < 2; i++)
		say_error(sandbox_close(two[i].sandbox, &err), &err);
	sandbox = first;
}

static int compare_times(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Medians in microseconds: the same command by both ways. */
static void step_bench(void)
{
	const size_t n = strtoul(next(), NULL, 10);
	const char *const argv[] = {"true", NULL};
	const struct sandbox_request request = {.op = SANDBOX_EXEC, .argv = argv};
	const struct ironclaw_exec_options exec = {.size = sizeof(exec), .argv = argv};
	uint64_t *times[2] = {calloc(n + 1, sizeof(uint64_t)), calloc(n + 1, sizeof(uint64_t))};
	struct ironclaw_error err;

	for (size_t i = 0; i < n; i++) {
		struct ironclaw_exec_result end = {.size = sizeof(end)};
		struct sandbox_result result;
		uint64_t begin = clock_now_us();

		if (ironclaw_vm_exec(sandbox_vm(sandbox), &exec, &end, &err) < 0)
			exit(1);
		times[0][i] = clock_now_us() - begin;
		begin = clock_now_us();
		if (sandbox_do(sandbox, &request, &result, &err) < 0)
			exit(1);
		times[1][i] = clock_now_us() - begin;
		sandbox_result_done(&result);
	}
	for (size_t i = 0; i < 2; i++) {
		qsort(times[i], n, sizeof(uint64_t), compare_times);
		json_write_u64(&json, i ? "sandbox_do_us" : "vm_exec_us", times[i][n / 2]);
		free(times[i]);
	}
}

static void step(const char *word)
{
	if (strcmp(word, "exec") == 0 || strcmp(word, "feed") == 0 || strcmp(word, "run") == 0)
		step_exec(word[0] == 'f', word[0] == 'r');
	else if (strcmp(word, "cwd") == 0)
		defaults.cwd = next();
	else if (strcmp(word, "read") == 0)
		step_read();
	else if (strcmp(word, "write") == 0 || strcmp(word, "writefile") == 0)
		step_write(strcmp(word, "writefile") == 0);
	else if (strcmp(word, "list") == 0)
		step_list();
	else if (strcmp(word, "search") == 0 || strcmp(word, "fixed") == 0)
		step_search(word[0] == 'f');
	else if (strcmp(word, "many") == 0)
		step_many();
	else if (strcmp(word, "cancel") == 0)
		step_cancel();
	else if (strcmp(word, "changes") == 0)
		step_changes();
	else if (strcmp(word, "select") == 0)
		step_select();
	else if (strcmp(word, "apply") == 0)
		step_apply();
	else if (strcmp(word, "again") == 0)
		step_again();
	else if (strcmp(word, "another") == 0)
		step_another();
	else if (strcmp(word, "bench") == 0)
		step_bench();
	else if (strcmp(word, "host") == 0)
		json_write_i64(&json, "status", system(next()));
	else
		exit(2);
}

int main(int argc, char **argv)
{
	struct opening opening = {.r = 0};
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};

	options.vm.notice = on_notice;
	for (int c; (c = getopt(argc, argv, "+i:w:g:o:s:t:")) != -1;) {
		if (c == 'i')
			options.vm.image = optarg;
		else if (c == 'w')
			options.workspace.folder = optarg;
		else if (c == 'g')
			options.workspace.guest_path = optarg;
		else if (c == 'o')
			defaults.output_max_b = (uint32_t)atoi(optarg);
		else if (c == 's')
			options.workspace.size_max_b = strtoull(optarg, NULL, 10);
		else if (c == 't')
			defaults.timeout_ms = (uint64_t)atoi(optarg);
		else
			return 2;
	}
	args = argv + optind;
	(void)signal(SIGPIPE, SIG_IGN);
	open_in_threads(&opening, 1);
	sandbox = opening.sandbox;
	json_write_begin(&json, stdout);
	json_write_open_array(&json, NULL);
	while (*args) {
		const char *word = next();

		json_write_open_object(&json, NULL);
		json_write_string(&json, "step", word);
		step(word);
		json_write_close_object(&json);
	}
	json_write_close_array(&json);
	if (sandbox_close(sandbox, &err) < 0)
		(void)fprintf(stderr, "%s\n", err.text);
	return err.code != 0 || json_write_end(&json) < 0;
}
