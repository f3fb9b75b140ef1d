/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_firecracker_api.c - start, check, save, pause and resume of engine/firecracker.h against an
 * API of our own: what is asked, in which order, and what is made of each kind of answer.
 *
 * The server is a child: it takes one connection, and gives one answer of its list to each request.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "engine/firecracker.h"
#include "sys/clock.h"
#include "sys/file.h"

#define DEADLINE_MS  10000U
#define SHORT_MS     150U
#define ASKED_MAX_B  16384U
#define ANSWERS_MAX  16
#define SERVER	     "Server: Firecracker API\r\nConnection: keep-alive\r\n"
#define OK	     "HTTP/1.1 204 \r\n" SERVER "\r\n"
#define JSON	     SERVER "Content-Type: application/json\r\nContent-Length: "
#define CLOSE	     "close"
#define SILENT	     "silent"
/* The server puts the length in the place of the @. */
#define FAULT(text)  "HTTP/1.1 400 \r\n" JSON "@\r\n\r\n" text
#define ANSWER(text) "HTTP/1.1 200 \r\n" JSON "@\r\n\r\n" text

static char folder[] = "/tmp/ironclaw-test-XXXXXX";
static struct engine_monitor monitor;
static struct ironclaw_error err;
static pid_t server = -1;
static char *asked; /* shared with the server: all that it was asked */
static size_t idles;

/* One request: its head, and as much as its length says. False at the end. */
static bool hear(int fd, char *text, size_t room)
{
	size_t used = 0, want = 0;

	while (want == 0 || used < want) {
		const char *end, *length;
		ssize_t n = read(fd, text + used, room - 1 - used);

		if (n <= 0)
			return false;
		used += (size_t)n;
		text[used] = '\0';
		end = strstr(text, "\r\n\r\n");
		length = strstr(text, "Content-Length: ");
		if (end)
			want = (size_t)(end + 4 - text) +
			       (length ? strtoul(length + 16, NULL, 10) : 0);
	}
	return true;
}

static bool answer(int fd, const char *text)
{
	const char *at = strchr(text, '@');
	char whole[8192];
	int n = snprintf(whole, sizeof(whole), "%s", text);

	if (at)
		n = snprintf(whole, sizeof(whole), "%.*s%zu%s", (int)(at - text), text,
			     strlen(at + strlen("@\r\n\r\n")), at + 1);
	return write(fd, whole, (size_t)n) == n;
}

static void serve(int fd, const char *const *answers)
{
	char text[8192];
	size_t used = 0;

	for (; hear(fd, text, sizeof(text)); answers += *answers != NULL) {
		const char *body = strstr(text, "\r\n\r\n") + 4;

		used += (size_t)snprintf(asked + used, ASKED_MAX_B - used, "%.*s%s%s\n",
					 (int)strcspn(text, "\r") - (int)strlen(" HTTP/1.1"), text,
					 *body ? " " : "", body);
		if (!*answers || strcmp(*answers, CLOSE) == 0)
			return;
		if (strcmp(*answers, SILENT) == 0)
			continue;
		if (!answer(fd, *answers))
			return;
	}
}

/* The one that the API's own socket is bound by, a little late. */
static void serve_name(const char *const *answers)
{
	static const struct sockaddr_un address = {.sun_family = AF_UNIX,
						   .sun_path = ENGINE_API_NAME};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)usleep(20000);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 1) == 0)
		serve(accept(fd, NULL, NULL), answers);
}

/* @fd: the server's end of a connection; negative: it makes the API's socket */
static void start_server(const char *const *answers, int fd)
{
	asked[0] = '\0';
	server = fork();
	assert_true(server >= 0);
	if (server > 0)
		return;
	close_fd(&monitor.fd);
	if (fd < 0)
		serve_name(answers);
	else
		serve(fd, answers);
	_exit(0);
}

static void connect_server(const char *const *answers)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	monitor.fd = pair[0];
	monitor.used = 0;
	start_server(answers, pair[1]);
	(void)close(pair[1]);
}

static int make_folder(void **state)
{
	(void)state;
	asked = mmap(NULL, ASKED_MAX_B, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return asked == MAP_FAILED || !mkdtemp(folder) || chdir(folder) < 0 ? -1 : 0;
}

static int remove_folder(void **state)
{
	(void)state;
	return chdir("/") < 0 ? -1 : file_remove_tree(AT_FDCWD, folder);
}

static int build(void **state)
{
	(void)state;
	memset(&err, 0, sizeof(err));
	monitor.fd = -EBADF;
	idles = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close_fd(&monitor.fd);
	if (server > 0) {
		(void)kill(server, SIGKILL);
		(void)waitpid(server, NULL, 0);
	}
	server = -1;
	(void)unlink(ENGINE_API_NAME);
	return 0;
}

static void idle(void)
{
	idles++;
}

#define ORDERS                                                                                     \
	"PUT /machine-config {\"vcpu_count\":2}\n"                                                 \
	"PUT /entropy {}\n"                                                                        \
	"PUT /actions {\"action_type\":\"InstanceStart\"}\n"

static int start_with(const char *const *answers, uint32_t deadline_ms)
{
	start_server(answers, -1);
	return firecracker_start(&monitor, ORDERS, deadline_ms, idle, &err);
}

static void check_fails(int r, int errnum, enum ironclaw_errcode code, const char *words)
{
	if (r != -errnum || !strstr(err.text, words))
		print_error("%d, '%s'; not %d, '%s'\n", r, err.text, -errnum, words);
	assert_int_equal(r, -errnum);
	assert_int_equal(err.code, code);
	assert_non_null(strstr(err.text, words));
	for (const char *p = err.text; *p; p++)
		assert_true((unsigned char)*p >= ' ');
}

static void orders_are_sent_one_by_one(void **state)
{
	static const char *const answers[ANSWERS_MAX] = {OK, "HTTP/1.1 100 \r\n\r\n" OK, OK};

	(void)state;
	assert_int_equal(start_with(answers, DEADLINE_MS), 0);
	assert_string_equal(asked, ORDERS);
	assert_true(monitor.fd >= 0);
	assert_true(idles > 0);
	/* And then there is silence. */
	assert_int_equal(firecracker_check(&monitor, &err), 0);
}

static void a_refusal_ends_the_start(void **state)
{
	static const char *const answers[ANSWERS_MAX] = {OK, FAULT("{\"fault_message\":\"No.\"}")};

	(void)state;
	check_fails(start_with(answers, DEADLINE_MS), EIO, IRONCLAW_ERR_VMM,
		    "Firecracker refused PUT /entropy (400): No.");
	/* Nothing is asked for after it. */
	assert_null(strstr(asked, "InstanceStart"));
}

static void every_kind_of_refusal_has_its_sentence(void **state)
{
	static const struct {
		const char *answer, *words;
	} kinds[] = {
		{FAULT("{\"fault_message\":\"a \\u001b[2J b\"}"), "(400): a "},
		{FAULT("{ \"error\": \"Too large.\nAll others dropped.\" }"),
		 "(400): Too large.\\nAll others dropped."},
		/* No end of the text. */
		{FAULT("{ \"error\": \"cut short"), "(400): cut short"},
		{FAULT("{\"fault_message\":\"\xff\xfe\"}  "), "does not say why"},
		{FAULT("{\"fault_message\":17}"), "does not say why"},
		{FAULT("{}"), "does not say why"},
		{FAULT(""), "(400): it does not say why"},
		{FAULT("<html>\n"), "does not say why"},
		{"HTTP/1.1 413 \r\n" JSON "0\r\n\r\n", "(413): the request is too large"},
		{"HTTP/1.1 503 \r\n\r\n", "(503): there are too many connections"},
		{"HTTP/1.1 503 \r\n" JSON
		 "44\r\n\r\n{ \"error\": \"Too many open connections\" }    ",
		 "(503): Too many open connections"},
		{"HTTP/1.1 302 \r\n\r\n", "(302)"},
		{"HTTP/1.1 999 \r\n\r\n", "(999)"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *const answers[ANSWERS_MAX] = {kinds[i].answer};

		check_fails(start_with(answers, DEADLINE_MS), EIO, IRONCLAW_ERR_VMM,
			    kinds[i].words);
		assert_non_null(strstr(err.text, "Firecracker refused PUT /machine-config"));
		assert_int_equal(tear_down(NULL), 0);
		assert_int_equal(build(NULL), 0);
	}
}

static void long_words_are_cut(void **state)
{
	char text[8192], words[4001];
	const char *const answers[ANSWERS_MAX] = {text};

	(void)state;
	memset(words, '\x01', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	(void)snprintf(text, sizeof(text),
		       "HTTP/1.1 400 \r\n" JSON "@\r\n\r\n{ \"error\": \"%s\" }", words);
	check_fails(start_with(answers, DEADLINE_MS), EIO, IRONCLAW_ERR_VMM, "\\x01\\x01");
	memset(words, 'w', sizeof(words) - 1);
	assert_int_equal(tear_down(NULL), 0);
	assert_int_equal(build(NULL), 0);
	(void)snprintf(text, sizeof(text),
		       "HTTP/1.1 400 \r\n" JSON "@\r\n\r\n{\"fault_message\":\"%s\"}", words);
	check_fails(start_with(answers, DEADLINE_MS), EIO, IRONCLAW_ERR_VMM, "www...");
	assert_true(strlen(err.text) < 500);
}

static void what_is_no_answer_ends_the_start(void **state)
{
	static const char *const garbage[ANSWERS_MAX] = {OK, "SSH-2.0-OpenSSH\r\n"};
	static const char *const closed[ANSWERS_MAX] = {OK, OK, CLOSE};
	static const char *const half[ANSWERS_MAX] = {"HTTP/1.1 20", CLOSE};
	static const char *const silent[ANSWERS_MAX] = {OK, SILENT};

	(void)state;
	check_fails(start_with(garbage, DEADLINE_MS), EPROTO, IRONCLAW_ERR_VMM, "no status line");
	assert_int_equal(tear_down(NULL), 0);
	check_fails(start_with(closed, DEADLINE_MS), EPIPE, IRONCLAW_ERR_VMM,
		    "Firecracker closed its API before it answered to PUT /actions");
	assert_int_equal(tear_down(NULL), 0);
	check_fails(start_with(half, SHORT_MS), ETIMEDOUT, IRONCLAW_ERR_TIMEOUT,
		    "does not answer to PUT /machine-config");
	assert_int_equal(tear_down(NULL), 0);
	check_fails(start_with(silent, SHORT_MS), ETIMEDOUT, IRONCLAW_ERR_TIMEOUT,
		    "does not answer to PUT /entropy");
}

static void an_api_that_never_appears_is_given_up(void **state)
{
	uint64_t begin = clock_now_us();

	(void)state;
	check_fails(firecracker_start(&monitor, ORDERS, SHORT_MS, idle, &err), ETIMEDOUT,
		    IRONCLAW_ERR_TIMEOUT, "Firecracker's API does not appear");
	assert_true(clock_now_us() - begin < 5000000);
	assert_true(monitor.fd < 0);
}

static void a_silent_monitor_is_checked(void **state)
{
	static const char *const answers[ANSWERS_MAX] = {OK, OK, OK "more"};

	(void)state;
	check_fails(start_with(answers, DEADLINE_MS), EPROTO, IRONCLAW_ERR_VMM,
		    "more than one answer");
	assert_int_equal(tear_down(NULL), 0);
	connect_server(answers);
	assert_int_equal(firecracker_check(&monitor, &err), 0);
	(void)kill(server, SIGKILL);
	(void)waitpid(server, NULL, 0);
	server = -1;
	check_fails(firecracker_check(&monitor, &err), EPIPE, IRONCLAW_ERR_VMM,
		    "Firecracker closed its API");
}

#define PAUSE  "PATCH /vm {\"state\":\"Paused\"}\n"
#define RESUME "PATCH /vm {\"state\":\"Resumed\"}\n"
#define CREATE                                                                                     \
	"PUT /snapshot/create {\"snapshot_type\":\"Full\",\"snapshot_path\":\"/vm/state\","        \
	"\"mem_file_path\":\"/vm/ram\"}\n"

static void a_vm_is_saved_paused_and_never_resumed(void **state)
{
	static const char *const answers[ANSWERS_MAX] = {OK, OK};

	(void)state;
	connect_server(answers);
	assert_int_equal(firecracker_save(&monitor, -EBADF, DEADLINE_MS, idle, &err), 0);
	assert_string_equal(asked, PAUSE CREATE);
}

static void a_save_that_fails_says_why(void **state)
{
	static const char *const no_pause[ANSWERS_MAX] = {FAULT("{\"fault_message\":\"No.\"}")};
	static const char *const no_space[ANSWERS_MAX] = {
		OK, FAULT("{\"fault_message\":\"No space\"}")};
	static const char *const silent[ANSWERS_MAX] = {OK, SILENT};

	(void)state;
	connect_server(no_pause);
	check_fails(firecracker_save(&monitor, -EBADF, DEADLINE_MS, idle, &err), EIO,
		    IRONCLAW_ERR_VMM, "Firecracker refused PATCH /vm (400): No.");
	assert_string_equal(asked, PAUSE);
	assert_int_equal(tear_down(NULL), 0);
	connect_server(no_space);
	check_fails(firecracker_save(&monitor, -EBADF, DEADLINE_MS, idle, &err), EIO,
		    IRONCLAW_ERR_VMM, "Firecracker refused PUT /snapshot/create (400): No space");
	assert_int_equal(tear_down(NULL), 0);
	connect_server(silent);
	check_fails(firecracker_save(&monitor, -EBADF, SHORT_MS, idle, &err), ETIMEDOUT,
		    IRONCLAW_ERR_TIMEOUT, "does not answer to PUT /snapshot/create");
}

/* Firecracker blocks when nobody reads its console: its guest's last words must not hold the save.
 */
static void the_console_is_drained_while_a_vm_is_saved(void **state)
{
	static const char *const answers[ANSWERS_MAX] = {OK, SILENT};

	(void)state;
	connect_server(answers);
	check_fails(firecracker_save(&monitor, -EBADF, SHORT_MS, idle, &err), ETIMEDOUT,
		    IRONCLAW_ERR_TIMEOUT, "does not answer to PUT /snapshot/create");
	/* Before and after the one wait there is at least. */
	assert_true(idles >= 2);
}

static void a_vm_is_paused_and_resumed(void **state)
{
	static const char *const answers[ANSWERS_MAX] = {
		ANSWER("{\"firecracker_version\":\"1.15.1\"}"), OK, OK};

	(void)state;
	connect_server(answers);
	assert_int_equal(firecracker_pause(&monitor, DEADLINE_MS, &err), 0);
	assert_int_equal(firecracker_resume(&monitor, DEADLINE_MS, &err), 0);
	assert_string_equal(asked, "GET /version\n" PAUSE RESUME);
}

static void versions_that_lose_vsock_are_not_paused(void **state)
{
	static const struct {
		const char *answer;
		int errnum;
	} versions[] = {
		{ANSWER("{\"firecracker_version\":\"1.16.0\"}"), EOPNOTSUPP},
		{ANSWER("{\"firecracker_version\":\"1.16.1\"}"), EOPNOTSUPP},
		{ANSWER("{\"firecracker_version\":\"1.16.2\"}"), 0},
		{ANSWER("{\"firecracker_version\":\"1.17.0-dev\"}"), 0},
		{ANSWER("{\"firecracker_version\":\"later\"}"), EPROTO},
		{ANSWER("{}"), EPROTO},
		{ANSWER("null"), EPROTO},
		{OK, EPROTO},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		const char *const answers[ANSWERS_MAX] = {versions[i].answer, OK};
		int r;

		connect_server(answers);
		r = firecracker_pause(&monitor, DEADLINE_MS, &err);
		assert_int_equal(r, -versions[i].errnum);
		/* One that must not be paused is not. */
		assert_true((strstr(asked, PAUSE) != NULL) == (r == 0));
		assert_int_equal(tear_down(NULL), 0);
	}
}

static void an_end_has_a_reason(void **state)
{
	static const struct {
		int status;
		const char *words;
	} ends[] = {
		{W_EXITCODE(148, 0), "seccomp"},   {W_EXITCODE(0, SIGSYS), "seccomp"},
		{W_EXITCODE(149, 0), "memory"},	   {W_EXITCODE(0, SIGBUS), "memory"},
		{W_EXITCODE(151, 0), "file"},	   {W_EXITCODE(0, SIGXFSZ), "file"},
		{W_EXITCODE(152, 0), "level"},	   {W_EXITCODE(153, 0), "argument"},
		{W_EXITCODE(154, 0), "processor"}, {W_EXITCODE(156, 0), "SIGHUP"},
		{W_EXITCODE(157, 0), "SIGILL"},	   {W_EXITCODE(150, 0), "SIGSEGV"},
		{W_EXITCODE(0, SIGABRT), "panic"},
	};
	static const int others[] = {W_EXITCODE(0, 0),	     W_EXITCODE(1, 0),
				     W_EXITCODE(2, 0),	     W_EXITCODE(0, SIGKILL),
				     W_EXITCODE(0, SIGTERM), W_EXITCODE(155, 0),
				     W_EXITCODE(255, 0)};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		const char *reason = firecracker_exit_reason(ends[i].status);

		assert_non_null(reason);
		assert_non_null(strstr(reason, ends[i].words));
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_null(firecracker_exit_reason(others[i]));
}

static void it_is_in_the_table(void **state)
{
	const struct engine *engine = engine_of(VM_ENGINE_FIRECRACKER);

	(void)state;
	assert_ptr_equal(engine, &firecracker_engine);
	assert_int_equal(engine->link, ENGINE_LINK_VSOCK);
	assert_ptr_equal(engine->exit_reason, firecracker_exit_reason);
	assert_null(engine_of(VM_ENGINE_AUTO));
	assert_null(engine_of(VM_ENGINE_MAX));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, build, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(orders_are_sent_one_by_one),
		TEST(a_refusal_ends_the_start),
		TEST(every_kind_of_refusal_has_its_sentence),
		TEST(long_words_are_cut),
		TEST(what_is_no_answer_ends_the_start),
		TEST(an_api_that_never_appears_is_given_up),
		TEST(a_silent_monitor_is_checked),
		TEST(a_vm_is_saved_paused_and_never_resumed),
		TEST(a_save_that_fails_says_why),
		TEST(the_console_is_drained_while_a_vm_is_saved),
		TEST(a_vm_is_paused_and_resumed),
		TEST(versions_that_lose_vsock_are_not_paused),
		TEST(an_end_has_a_reason),
		TEST(it_is_in_the_table),
	};

	return cmocka_run_group_tests_name("firecracker_api", tests, make_folder, remove_folder);
}
