/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy.c - approval/policy.h and action.h: what is allowed, by what it does. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "approval/policy.h"
#include "base/cleanup.h"
#include "sys/file.h"

#define NOW 1800000000 /* January 2027 */

static void free_policyp(struct policy **p)
{
	policy_free(*p);
}

static struct policy *parse(const char *text)
{
	struct violations list = {0};
	struct policy *p = NULL;

	if (policy_parse(text, strlen(text), &p, &list) < 0)
		fail_msg("%s: %s", list.items[0].field, list.items[0].text);
	return p;
}

static void check(const struct policy *p, const struct approval_action *action,
		  enum approval_answer answer, const char *rule)
{
	struct approval_verdict v = approval_decide(p, NOW, action);

	assert_int_equal(v.answer, answer);
	if (rule)
		assert_string_equal(v.rule, rule);
	else
		assert_null(v.rule);
}

static struct approval_action tool(const char *target, const char *arguments)
{
	return (struct approval_action){.kind = APPROVAL_MCP_TOOL,
					.target = target,
					.arguments = arguments};
}

static struct approval_action apply(uint32_t effects, const char *const *paths, size_t n)
{
	return (struct approval_action){.kind = APPROVAL_WORKSPACE_APPLY,
					.target = "/home/me/site",
					.paths = paths,
					.n_paths = n,
					.effects = effects};
}

static void test_risk_is_by_kind_and_effect(void **state)
{
	static const struct {
		enum approval_kind kind;
		uint32_t effects;
		enum approval_risk risk;
	} rows[] = {{APPROVAL_GUEST, 0, APPROVAL_GREEN},
		    {APPROVAL_WORKSPACE_READ, 0, APPROVAL_GREEN},
		    {APPROVAL_GUEST, APPROVAL_DELETES, APPROVAL_CRITICAL},
		    {APPROVAL_WORKSPACE_APPLY, 0, APPROVAL_CRITICAL},
		    {APPROVAL_WORKSPACE_APPLY, APPROVAL_CREATES, APPROVAL_MEDIUM},
		    {APPROVAL_WORKSPACE_APPLY, APPROVAL_EDITS, APPROVAL_HIGH},
		    {APPROVAL_WORKSPACE_APPLY, APPROVAL_CREATES | APPROVAL_RUNS_CODE,
		     APPROVAL_HIGH},
		    {APPROVAL_WORKSPACE_APPLY, APPROVAL_CREATES | APPROVAL_DELETES,
		     APPROVAL_CRITICAL},
		    {APPROVAL_WORKSPACE_APPLY, 0x100, APPROVAL_CRITICAL},
		    {APPROVAL_MCP_TOOL, 0, APPROVAL_HIGH},
		    {APPROVAL_MCP_TOOL, APPROVAL_DELETES, APPROVAL_CRITICAL},
		    {APPROVAL_MCP_TOOL, 0x100, APPROVAL_CRITICAL},
		    {APPROVAL_UNKNOWN, 0, APPROVAL_CRITICAL},
		    {APPROVAL_KIND_MAX, 0, APPROVAL_CRITICAL},
		    {(enum approval_kind)77, 0, APPROVAL_CRITICAL}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct approval_action action = {.kind = rows[i].kind,
						 .effects = rows[i].effects,
						 .target = "x"};
		enum approval_answer want =
			rows[i].risk == APPROVAL_GREEN ? APPROVAL_ALLOW : APPROVAL_ASK;

		assert_int_equal(approval_risk_of(&action), rows[i].risk);
		check(NULL, &action, want, NULL);
	}
	assert_string_equal(approval_kind_name((enum approval_kind)77), "unknown");
}

/* Words in a name once made `get_and_delete` green and `confirm` red. */
static void test_words_mean_nothing(void **state)
{
	static const char *const names[] = {"s/get_and_delete", "s/delete_list",
					    "s/execute_query",	"s/fetch_and_exec",
					    "s/format",		"s/confirm",
					    "s/perform",	"s/status",
					    "s/read_file",	"s/list"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct approval_action action = tool(names[i], "{}");

		assert_int_equal(approval_risk_of(&action), APPROVAL_HIGH);
		check(NULL, &action, APPROVAL_ASK, NULL);
	}
}

static void test_tool_rules(void **state)
{
	cleanup(free_policyp) struct policy *p =
		parse("{\"rules\":[{\"name\":\"get\",\"decision\":\"allow\",\"tool\":\"t/get\","
		      "\"arguments\":{\"project\":{\"equals\":\"web\"},\"id\":{\"any\":true},"
		      "\"file\":{\"path\":\"/srv/pub\"}},\"expires\":\"2027-06-30T00:00:00Z\"},"
		      "{\"name\":\"old\",\"decision\":\"allow\",\"tool\":\"t/old\","
		      "\"arguments\":{},\"expires\":\"2026-12-31T23:59:59Z\"},"
		      "{\"name\":\"none\",\"decision\":\"allow\",\"tool\":\"t/none\","
		      "\"arguments\":{}},"
		      "{\"name\":\"no\",\"decision\":\"deny\",\"tool\":\"t/none\",\"arguments\":"
		      "{\"a\":{\"equals\":1}}}]}");
	static const struct {
		const char *target, *arguments, *rule;
		enum approval_answer answer;
	} rows[] = {{"t/get", "{\"file\":\"/srv/pub/a\",\"id\":7,\"project\":\"web\"}", "get",
		     APPROVAL_ALLOW},
		    {"t/get", "{\"file\":\"/srv/pub\",\"id\":{},\"project\":\"web\"}", "get",
		     APPROVAL_ALLOW},
		    /* Another value, one more, one less, another type, another tool. */
		    {"t/get", "{\"file\":\"/srv/pub/a\",\"id\":7,\"project\":\"Web\"}", NULL,
		     APPROVAL_ASK},
		    {"t/get", "{\"file\":\"/srv/pub/a\",\"id\":7,\"project\":\"web\",\"x\":1}",
		     NULL, APPROVAL_ASK},
		    {"t/get", "{\"id\":7,\"project\":\"web\"}", NULL, APPROVAL_ASK},
		    {"t/get", "{\"file\":\"/srv/pub/a\",\"id\":7,\"project\":[\"web\"]}", NULL,
		     APPROVAL_ASK},
		    {"t/gets", "{\"file\":\"/srv/pub/a\",\"id\":7,\"project\":\"web\"}", NULL,
		     APPROVAL_ASK},
		    {"T/get", "{\"file\":\"/srv/pub/a\",\"id\":7,\"project\":\"web\"}", NULL,
		     APPROVAL_ASK},
		    /* Paths by components. */
		    {"t/get", "{\"file\":\"/srv/public\",\"id\":7,\"project\":\"web\"}", NULL,
		     APPROVAL_ASK},
		    {"t/get", "{\"file\":\"/srv/pub/../x\",\"id\":7,\"project\":\"web\"}", NULL,
		     APPROVAL_ASK},
		    {"t/get", "{\"file\":\"/srv/pub//x\",\"id\":7,\"project\":\"web\"}", NULL,
		     APPROVAL_ASK},
		    {"t/get", "{\"file\":\"srv/pub\",\"id\":7,\"project\":\"web\"}", NULL,
		     APPROVAL_ASK},
		    {"t/get", "{\"file\":7,\"id\":7,\"project\":\"web\"}", NULL, APPROVAL_ASK},
		    /* Not JSON, and none at all. */
		    {"t/get", "{", NULL, APPROVAL_ASK},
		    {"t/get", NULL, NULL, APPROVAL_ASK},
		    {"t/old", "{}", NULL, APPROVAL_ASK},
		    {"t/none", "{}", "none", APPROVAL_ALLOW},
		    {"t/none", "{\"b\":1}", NULL, APPROVAL_ASK},
		    /* What denies need not name all, and wins. */
		    {"t/none", "{\"a\":1,\"b\":1}", "no", APPROVAL_DENY},
		    {"t/none", "]", "no", APPROVAL_DENY}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct approval_action action = tool(rows[i].target, rows[i].arguments);

		check(p, &action, rows[i].answer, rows[i].rule);
		/* The same text under another kind is another matter. */
		action.kind = APPROVAL_UNKNOWN;
		check(p, &action, APPROVAL_ASK, NULL);
	}
}

static void test_pin(void **state)
{
	static const char *const tool_now[] = {"t/get", "says what it does",
					       "{\"type\":\"object\"}"};
	static const char *const later[] = {"t/get", "says something else",
					    "{\"type\":\"object\"}"};
	char now_hex[DIGEST_HEX_B + 1], later_hex[DIGEST_HEX_B + 1], text[512];
	cleanup(free_policyp) struct policy *p = NULL;
	struct approval_action action = tool("t/get", "{}");

	(void)state;
	approval_pin(tool_now, 3, now_hex);
	approval_pin(later, 3, later_hex);
	(void)snprintf(text, sizeof(text),
		       "{\"rules\":[{\"name\":\"get\",\"decision\":\"allow\",\"tool\":\"t/get\","
		       "\"arguments\":{},\"pin\":\"%s\"}]}",
		       now_hex);
	p = parse(text);
	check(p, &action, APPROVAL_ASK, NULL);
	action.content = later_hex;
	check(p, &action, APPROVAL_ASK, NULL);
	action.content = now_hex;
	check(p, &action, APPROVAL_ALLOW, "get");
}

static void test_workspace_rules(void **state)
{
	cleanup(free_policyp) struct policy *p =
		parse("{\"rules\":[{\"name\":\"no\",\"decision\":\"deny\",\"workspace\":"
		      "\"/home/me/site\",\"paths\":[\"docs/secret\"]},"
		      "{\"name\":\"docs\",\"decision\":\"allow\",\"workspace\":\"/home/me/site\","
		      "\"paths\":[\"docs\",\"src/pages\"],\"effects\":[\"create\",\"edit\"]}]}");
	static const char *const good[] = {"docs/a", "src/pages/b/c", "docs"};
	static const char *const beside[] = {"docs/a", "src/pagesx"};
	static const char *const out[] = {"docs/../x"};
	static const char *const denied[] = {"src/pages/b", "docs/secret/k"};
	struct approval_action a = apply(APPROVAL_CREATES | APPROVAL_EDITS, good, 3);

	(void)state;
	check(p, &a, APPROVAL_ALLOW, "docs");
	a.target = "/home/me/site2";
	check(p, &a, APPROVAL_ASK, NULL);
	a = apply(APPROVAL_CREATES | APPROVAL_DELETES, good, 3);
	check(p, &a, APPROVAL_ASK, NULL);
	a = apply(APPROVAL_CREATES | APPROVAL_RUNS_CODE, good, 3);
	check(p, &a, APPROVAL_ASK, NULL);
	a = apply(0, good, 3);
	check(p, &a, APPROVAL_ASK, NULL);
	a = apply(APPROVAL_CREATES, good, 0);
	check(p, &a, APPROVAL_ASK, NULL);
	a = apply(APPROVAL_CREATES, beside, 2);
	check(p, &a, APPROVAL_ASK, NULL);
	a = apply(APPROVAL_CREATES, out, 1);
	check(p, &a, APPROVAL_ASK, NULL);
	a = apply(APPROVAL_CREATES, denied, 2);
	check(p, &a, APPROVAL_DENY, "no");
}

static void test_broken_policies(void **state)
{
	static const char *const broken[] = {
		"", "[]", "{", "{}", "{\"rules\":{}}", "{\"rules\":[],\"more\":1}",
		"{\"rules\":[1]}", "{\"rules\":[{}]}", "{\"rules\":[],\"rules\":[]}",
		/* unknown field, name, decision */
		"{\"rules\":[{\"name\":\"a\",\"decision\":\"deny\",\"tool\":\"a/b\",\"x\":1}]}",
		"{\"rules\":[{\"name\":\"A B\",\"decision\":\"deny\",\"tool\":\"a/b\"}]}",
		"{\"rules\":[{\"name\":\"a\",\"decision\":\"maybe\",\"tool\":\"a/b\"}]}",
		/* target: none, both, no tool, relative, with .. */
		"{\"rules\":[{\"name\":\"a\",\"decision\":\"deny\"}]}",
		"{\"rules\":[{\"name\":\"a\",\"decision\":\"deny\",\"tool\":\"a/b\","
		"\"workspace\":\"/a\"}]}",
		"{\"rules\":[{\"name\":\"a\",\"decision\":\"deny\",\"tool\":\"ab\"}]}",
		"{\"rules\":[{\"name\":\"a\",\"decision\":\"deny\",\"workspace\":\"a\"}]}",
		"{\"rules\":[{\"name\":\"a\",\"decision\":\"deny\",\"workspace\":\"/a/../b\"}]}",
		/* allow without all that it needs */
		"{\"rules\":[{\"name\":\"a\",\"decision\":\"allow\",\"tool\":\"a/b\"}]}",
		"{\"rules\":[{\"name\":\"a\",\"decision\":\"allow\",\"workspace\":\"/a\","
		"\"paths\":[\".\"]}]}",
		"{\"rules\":[{\"name\":\"a\",\"decision\":\"allow\",\"workspace\":\"/a\","
		"\"effects\":[\"edit\"]}]}",
		/* parts of the other kind */
		"{\"rules\":[{\"name\":\"a\",\"decision\":\"allow\",\"tool\":\"a/b\","
		"\"arguments\":{},\"paths\":[\".\"]}]}",
		"{\"rules\":[{\"name\":\"a\",\"decision\":\"deny\",\"workspace\":\"/a\","
		"\"arguments\":{}}]}",
		"{\"rules\":[{\"name\":\"a\",\"decision\":\"deny\",\"tool\":\"a/b\",\"pin\":"
		"\"00\"}]}",
		/* effects that no rule may give; paths; constraints; times */
		"{\"rules\":[{\"name\":\"a\",\"decision\":\"allow\",\"workspace\":\"/a\","
		"\"paths\":[\".\"],\"effects\":[\"run\"]}]}",
		"{\"rules\":[{\"name\":\"a\",\"decision\":\"allow\",\"workspace\":\"/a\","
		"\"paths\":[\"../b\"],\"effects\":[\"edit\"]}]}",
		"{\"rules\":[{\"name\":\"a\",\"decision\":\"allow\",\"workspace\":\"/a\","
		"\"paths\":[\"/b\"],\"effects\":[\"edit\"]}]}",
		"{\"rules\":[{\"name\":\"a\",\"decision\":\"allow\",\"tool\":\"a/b\","
		"\"arguments\":{\"x\":1}}]}",
		"{\"rules\":[{\"name\":\"a\",\"decision\":\"allow\",\"tool\":\"a/b\","
		"\"arguments\":{\"x\":{\"any\":false}}}]}",
		"{\"rules\":[{\"name\":\"a\",\"decision\":\"allow\",\"tool\":\"a/b\","
		"\"arguments\":{\"x\":{\"any\":true,\"equals\":1}}}]}",
		"{\"rules\":[{\"name\":\"a\",\"decision\":\"deny\",\"tool\":\"a/b\","
		"\"expires\":\"2027-02-31T00:00:00Z\"}]}",
		"{\"rules\":[{\"name\":\"a\",\"decision\":\"deny\",\"tool\":\"a/b\","
		"\"expires\":\"2027-01-31\"}]}",
		"{\"rules\":[{\"name\":\"a\",\"decision\":\"deny\",\"tool\":\"a/b\","
		"\"expires\":0}]}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		struct violations list = {0};
		struct policy *p = NULL;

		if (policy_parse(broken[i], strlen(broken[i]), &p, &list) != -EINVAL)
			fail_msg("accepted: %s", broken[i]);
		assert_null(p);
		assert_true(list.n_errors > 0);
	}
}

static void test_files(void **state)
{
	struct paths paths = {.config = "/tmp/ironclaw-test-policy-XXXXXX"};
	char file[1100];
	struct policy *p = NULL;

	(void)state;
	assert_non_null(mkdtemp(paths.config));
	(void)snprintf(file, sizeof(file), "%s/policy.json", paths.config);
	assert_int_equal(policy_load(&paths, NULL, &p, NULL), 0);
	assert_null(p);
	assert_int_equal(policy_load(&paths, file, &p, NULL), -ENOENT);
	assert_int_equal(file_write_atomic(AT_FDCWD, file, "{\"rules\":[]}", 12, 0600), 0);
	assert_int_equal(policy_load(&paths, NULL, &p, NULL), 0);
	assert_non_null(p);
	policy_free(p);
	p = NULL;
	assert_int_equal(chmod(file, 0620), 0);
	assert_int_equal(policy_load(&paths, NULL, &p, NULL), -EPERM);
	assert_int_equal(chmod(file, 0600), 0);
	assert_int_equal(file_write_atomic(AT_FDCWD, file, "{\"rules\":1}", 11, 0600), 0);
	assert_int_equal(policy_load(&paths, NULL, &p, NULL), -EINVAL);
	assert_null(p);
	assert_int_equal(file_remove_tree(AT_FDCWD, paths.config), 0);
}

static void check_digest_differs(const struct approval_action *a, const struct approval_action *b)
{
	char x[DIGEST_HEX_B + 1], y[DIGEST_HEX_B + 1];

	approval_digest(a, x);
	approval_digest(b, y);
	assert_string_not_equal(x, y);
}

static void test_digest_covers_all(void **state)
{
	static const char *const ab[] = {"a", "b"}, *const a_b[] = {"ab"}, *const ba[] = {"b", "a"};
	struct approval_action a = apply(APPROVAL_EDITS, ab, 2), b = a;
	char x[DIGEST_HEX_B + 1], y[DIGEST_HEX_B + 1];

	(void)state;
	approval_digest(&a, x);
	approval_digest(&b, y);
	assert_string_equal(x, y);
	b.kind = APPROVAL_MCP_TOOL;
	check_digest_differs(&a, &b);
	b = apply(APPROVAL_CREATES, ab, 2);
	check_digest_differs(&a, &b);
	b = apply(APPROVAL_EDITS, a_b, 1);
	check_digest_differs(&a, &b);
	b = apply(APPROVAL_EDITS, ba, 2);
	check_digest_differs(&a, &b);
	b = a;
	b.target = "/home/me/site/";
	check_digest_differs(&a, &b);
	b = a;
	b.arguments = "";
	check_digest_differs(&a, &b);
	b.arguments = NULL;
	b.content = "";
	check_digest_differs(&a, &b);
	b = a;
	a.arguments = "x";
	b.content = "x";
	check_digest_differs(&a, &b);
}

static void test_canonical(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {{"{ \"b\" : 1, \"a\" : [ true , \"\\u00fc\" ] }",
		     "{\"a\":[true,\"\\u00FC\"],\"b\":1}"},
		    {"{}", "{}"},
		    {"[]", NULL},
		    {"{\"a\":1,\"a\":2}", NULL},
		    {"{\"a\":1}x", NULL},
		    {"", NULL}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup_free char *text = NULL;
		int r = approval_canonical(rows[i].in, strlen(rows[i].in), &text, NULL);

		assert_int_equal(r, rows[i].out ? 0 : -EINVAL);
		if (rows[i].out)
			assert_string_equal(text, rows[i].out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_risk_is_by_kind_and_effect),
		cmocka_unit_test(test_words_mean_nothing),
		cmocka_unit_test(test_tool_rules),
		cmocka_unit_test(test_pin),
		cmocka_unit_test(test_workspace_rules),
		cmocka_unit_test(test_broken_policies),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_digest_covers_all),
		cmocka_unit_test(test_canonical),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
