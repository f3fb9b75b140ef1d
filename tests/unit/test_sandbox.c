/* SPDX-License-Identifier: Apache-2.0 */
/* test_sandbox.c - the pure parts of src/sandbox: what is kept, what is asked, what is answered. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "sandbox/sandbox_internal.h"

static struct ironclaw_error err;

/* Keeps @max of the numbers from 0 on, given in pieces of @piece bytes. */
static char *collected(size_t max, bool both_ends, size_t n, size_t piece, size_t *ret_len)
{
	struct collect c;
	char *all = malloc(n + 1), *text;

	assert_non_null(all);
	for (size_t i = 0; i < n; i++)
		all[i] = (char)('a' + i % 26);
	collect_init(&c, max, both_ends);
	for (size_t at = 0; at < n; at += piece)
		assert_int_equal(collect_add(&c, all + at, n - at < piece ? n - at : piece), 0);
	assert_int_equal(c.total, n);
	assert_int_equal(collect_is_cut(&c), n > max);
	assert_int_equal(collect_take(&c, &text, ret_len), 0);
	assert_int_equal(strlen(text), *ret_len);
	collect_done(&c);
	free(all);
	return text;
}

static void collect_keeps_both_ends(void **state)
{
	static const size_t pieces[] = {1, 3, 7, 100};

	(void)state;
	for (size_t p = 0; p < 4; p++) {
		for (size_t n = 0; n <= 60; n++) {
			size_t len;
			cleanup_free char *text = collected(10, true, n, pieces[p], &len);

			if (n <= 10) {
				assert_int_equal(len, n);
				assert_memory_equal(text, "abcdefghij", n);
				continue;
			}
			assert_memory_equal(text, "abcde\n[... ", 11);
			assert_int_equal(strtoul(text + 11, NULL, 10), n - 10);
			for (size_t i = 0; i < 5; i++)
				assert_int_equal(text[len - 5 + i], 'a' + (n - 5 + i) % 26);
		}
	}
}

static void collect_keeps_the_beginning(void **state)
{
	size_t len;
	cleanup_free char *text = collected(10, false, 1000, 7, &len);

	(void)state;
	assert_string_equal(text, "abcdefghij");
}

static void plan(struct sandbox_request request, const char *folder, struct sandbox_plan *ret)
{
	err.text[0] = '\0';
	if (sandbox_plan_make(&request, folder, ret, &err) < 0)
		fail_msg("%s", err.text);
}

static void refused(struct sandbox_request request, const char *folder)
{
	struct sandbox_plan p;

	assert_true(sandbox_plan_make(&request, folder, &p, &err) < 0);
	assert_int_equal(err.code, IRONCLAW_ERR_INVALID);
}

static void a_path_is_never_an_option(void **state)
{
	static const char *const paths[][2] = {
		{NULL, "."},
		{"", "."},
		{".", "."},
		{"./", "."},
		{"./.", "."},
		{"a", "./a"},
		{"./a", "./a"},
		{".//a", "./a"},
		{"././a", "./a"},
		{"-rf", "./-rf"},
		{"/a", "/a"},
		{"../a", "./../a"},
		{"a/../b", "./a/../b"},
		{".a", "./.a"},
		{"$(x)", "./$(x)"},
		{"/-x", "/-x"},
	};
	struct sandbox_plan p;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		plan((struct sandbox_request){.op = SANDBOX_LIST, .path = paths[i][0]}, "/w", &p);
		assert_string_equal(p.path, paths[i][1]);
		assert_ptr_equal(p.argv[4], p.path);
		assert_string_equal(p.in, "/w");
	}
}

static void no_word_of_a_caller_is_in_a_script(void **state)
{
	static const char evil[] = "x'; touch /tmp/evil; echo \"$(id)\" `id`";
	const struct sandbox_request requests[] = {
		{.op = SANDBOX_READ, .path = evil},
		{.op = SANDBOX_WRITE, .path = evil, .data = evil, .len = 1},
		{.op = SANDBOX_LIST, .path = evil},
		{.op = SANDBOX_SEARCH, .path = evil, .pattern = evil},
	};
	struct sandbox_plan p;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		plan(requests[i], NULL, &p);
		assert_string_equal(p.argv[0], "sh");
		assert_string_equal(p.argv[1], "-c");
		assert_null(strstr(p.argv[2], "evil"));
		assert_string_equal(p.argv[3], "sh");
		assert_int_equal(p.timeout_ms, SANDBOX_FILE_TIMEOUT_MS);
		assert_null(p.in);
	}
	assert_string_equal(p.argv[5], evil);
}

static void a_command_is_passed_on_as_it_is(void **state)
{
	const char *const argv[] = {"-x", "$y", NULL};
	struct sandbox_plan p;

	(void)state;
	plan((struct sandbox_request){.op = SANDBOX_EXEC, .argv = argv, .cwd = "sub"}, "/w", &p);
	assert_ptr_equal(p.argv, argv);
	assert_string_equal(p.in, "/w/sub");
	assert_int_equal(p.timeout_ms, 0);
	plan((struct sandbox_request){.op = SANDBOX_EXEC, .argv = argv, .cwd = "/etc"}, "/w", &p);
	assert_string_equal(p.in, "/etc");
	plan((struct sandbox_request){.op = SANDBOX_EXEC, .argv = argv}, "/w", &p);
	assert_string_equal(p.in, "/w");
}

static void what_is_no_request_is_refused(void **state)
{
	static const char *const empty[] = {NULL}, *const fine[] = {"true", NULL};
	char *large = malloc(SANDBOX_PATH_MAX_B + 2);

	(void)state;
	assert_non_null(large);
	memset(large, 'x', SANDBOX_PATH_MAX_B + 1);
	large[SANDBOX_PATH_MAX_B + 1] = '\0';
	refused((struct sandbox_request){.op = SANDBOX_EXEC}, "/w");
	refused((struct sandbox_request){.op = SANDBOX_EXEC, .argv = empty}, "/w");
	refused((struct sandbox_request){.op = SANDBOX_EXEC, .argv = fine, .cwd = "a"}, NULL);
	refused((struct sandbox_request){.op = SANDBOX_EXEC, .argv = fine, .cwd = large}, "/w");
	refused((struct sandbox_request){.op = SANDBOX_WRITE}, "/w");
	refused((struct sandbox_request){.op = SANDBOX_SEARCH, .path = "a"}, "/w");
	refused((struct sandbox_request){.op = SANDBOX_READ, .path = large}, "/w");
	refused((struct sandbox_request){.op = SANDBOX_READ, .offset = UINT64_MAX}, "/w");
	refused((struct sandbox_request){.op = SANDBOX_OP_MAX}, "/w");
	refused((struct sandbox_request){.op = SANDBOX_READ,
					 .output_max_b = SANDBOX_OUTPUT_MAX_B + 1},
		"/w");
	refused((struct sandbox_request){.op = SANDBOX_WRITE,
					 .path = "a",
					 .len = SANDBOX_WRITE_MAX_B + 1},
		"/w");
	free(large);
}

/* What the guest said and how it ended, read as the answer to @op. */
static void answer_bytes(enum sandbox_op op, const void *text, size_t len, int code,
			 struct sandbox_result *ret)
{
	struct ironclaw_exec_result end = {.size = sizeof(end), .exit_code = code, .started = true};
	struct collect out, words;
	const struct sandbox_answer answer = {
		.end = &end, .out = &out, .err = &words, .limit = 3, .text_max = 1000};

	*ret = (struct sandbox_result){.failed = false};
	collect_init(&out, 4096, false);
	collect_init(&words, 100, false);
	assert_int_equal(collect_add(&out, text, len), 0);
	assert_int_equal(collect_add(&words, "tool: \033[31m says\nmore\n", 22), 0);
	assert_int_equal(sandbox_answer_read(op, &answer, ret), 0);
	assert_non_null(ret->out.data);
	assert_non_null(ret->err.data);
	collect_done(&out);
	collect_done(&words);
}

static void answer(enum sandbox_op op, const char *text, int code, struct sandbox_result *ret)
{
	answer_bytes(op, text, strlen(text), code, ret);
}

static void names_may_be_anything(void **state)
{
	struct sandbox_result r;

	(void)state;
	answer(SANDBOX_LIST,
	       "81a4 6 ./b\n81a4 7 ./\n"
	       "41ed 0 ./a\033/\na1ff 1 ./c/\n",
	       0, &r);
	assert_false(r.failed);
	assert_int_equal(r.n_entries, 3);
	assert_string_equal(r.entries[0].name, "a\033");
	assert_int_equal(r.entries[0].type, 'd');
	assert_int_equal(r.entries[0].mode, 0755);
	/* One name with a newline in it, that looks like the beginning of another entry. */
	assert_string_equal(r.entries[1].name, "b\n81a4 7 .");
	assert_false(r.out.truncated);
	assert_string_equal(r.entries[2].name, "c");
	sandbox_result_done(&r);
}

static void a_listing_is_bounded_and_sorted(void **state)
{
	struct sandbox_result r;

	(void)state;
	answer(SANDBOX_LIST, "81a4 6 ./d/\n81a4 6 ./c/\n81a4 6 ./b/\n8180 1234 ./a\n\033/\n81a4", 0,
	       &r);
	assert_int_equal(r.n_entries, 3);
	assert_int_equal(r.out.total, 4);
	assert_true(r.out.truncated);
	assert_string_equal(r.out.data, "f 0600       1234 a\\n\\x1b\n"
					"f 0644          6 b\n"
					"f 0644          6 c\n");
	sandbox_result_done(&r);
}

static void a_listing_of_nonsense_is_none(void **state)
{
	static const char *const texts[] = {"x",
					    "81a4",
					    "81a4 ",
					    "81a4 6",
					    "81a4 6 ",
					    "81a4 6 .",
					    "81a4 6 ./",
					    "81a4 6 .//\n",
					    "81a4 6 ./a/",
					    "81a4 6 ./a/x\n",
					    "0 6 ./a/\n",
					    "81a481a481a4 6 ./a/\n",
					    "81a4 99999999999999999999 ./a/\n",
					    "81a4 -1 ./a/\n"};
	struct sandbox_result r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		answer(SANDBOX_LIST, texts[i], 0, &r);
		assert_int_equal(r.n_entries, 0);
		assert_true(r.out.truncated);
		sandbox_result_done(&r);
	}
	answer_bytes(SANDBOX_LIST, "81a4 6 ./a\0b/\n", 14, 0, &r);
	assert_int_equal(r.n_entries, 0);
	sandbox_result_done(&r);
}

static void a_file_comes_with_its_size(void **state)
{
	struct sandbox_result r;

	(void)state;
	answer_bytes(SANDBOX_READ, "7\nab\0cd\n\n", 9, 0, &r);
	assert_false(r.failed);
	assert_int_equal(r.out.len, 7);
	assert_memory_equal(r.out.data, "ab\0cd\n\n", 8);
	assert_false(r.out.truncated);
	sandbox_result_done(&r);
	answer(SANDBOX_READ, "8\nabc", 0, &r);
	assert_true(r.out.truncated);
	assert_int_equal(r.out.total, 8);
	sandbox_result_done(&r);
	answer(SANDBOX_READ, "x\nabc", 0, &r);
	assert_true(r.failed);
	assert_int_equal(r.out.len, 0);
	sandbox_result_done(&r);
}

static void matches_are_lines(void **state)
{
	char text[2000];
	struct sandbox_result r;

	(void)state;
	answer_bytes(SANDBOX_SEARCH, "./a:1:x\n./b\0:2:x\n/c:3:x\nrest", 29, 0, &r);
	assert_string_equal(r.out.data, "a:1:x\n/c:3:x\n");
	assert_true(r.out.truncated);
	sandbox_result_done(&r);
	answer(SANDBOX_SEARCH, "1\n2\n3\n4\n", 0, &r);
	assert_string_equal(r.out.data, "1\n2\n3\n");
	assert_true(r.out.truncated);
	sandbox_result_done(&r);
	answer(SANDBOX_SEARCH, "", 0, &r);
	assert_false(r.failed);
	assert_false(r.out.truncated);
	assert_int_equal(r.out.len, 0);
	sandbox_result_done(&r);
	/* Cut between two characters. */
	(void)memset(text, 'x', sizeof(text));
	memcpy(text + SANDBOX_LINE_MAX_B - 1, "\xc3\xa4", 2);
	text[1000] = '\n';
	answer_bytes(SANDBOX_SEARCH, text, 1001, 0, &r);
	assert_int_equal(r.out.len, SANDBOX_LINE_MAX_B - 1 + strlen(" [...]\n"));
	sandbox_result_done(&r);
}

static void a_failure_has_a_sentence(void **state)
{
	struct sandbox_result r;

	(void)state;
	answer(SANDBOX_READ, "", 64, &r);
	assert_true(r.failed);
	assert_string_equal(r.message, "there is no such file or folder");
	sandbox_result_done(&r);
	answer(SANDBOX_WRITE, "", 1, &r);
	assert_string_equal(r.message, "tool: \\x1b[31m says");
	sandbox_result_done(&r);
	/* Of a command, codes are its own business. */
	answer(SANDBOX_EXEC, "out", 64, &r);
	assert_string_equal(r.message, "exit code 64");
	assert_string_equal(r.out.data, "out");
	sandbox_result_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(collect_keeps_both_ends),
		cmocka_unit_test(collect_keeps_the_beginning),
		cmocka_unit_test(a_path_is_never_an_option),
		cmocka_unit_test(no_word_of_a_caller_is_in_a_script),
		cmocka_unit_test(a_command_is_passed_on_as_it_is),
		cmocka_unit_test(what_is_no_request_is_refused),
		cmocka_unit_test(names_may_be_anything),
		cmocka_unit_test(a_listing_is_bounded_and_sorted),
		cmocka_unit_test(a_listing_of_nonsense_is_none),
		cmocka_unit_test(a_file_comes_with_its_size),
		cmocka_unit_test(matches_are_lines),
		cmocka_unit_test(a_failure_has_a_sentence),
	};

	return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}
