/* SPDX-License-Identifier: Apache-2.0 */
/* test_mcp_client_core.c - mcp/client_core.h: what a client says and understands. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "mcp/client_core.h"

static struct mcp_core core;
static size_t n_progress;

static void on_progress(void *ud, uint64_t id, double progress, double total, const char *message)
{
	(void)ud;
	(void)id;
	(void)progress;
	(void)total;
	(void)message;
	n_progress++;
}

static int set_up(void **state)
{
	(void)state;
	mcp_core_init(&core);
	core.progress = on_progress;
	n_progress = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	mcp_core_done(&core);
	return 0;
}

static uint64_t ask(const char *method)
{
	cleanup_free char *text = NULL;
	uint64_t id = 0;

	assert_int_equal(mcp_core_request(&core, method, NULL, true, &id, &text), 0);
	return id;
}

/* Puts a message in; what goes back must be @reply (NULL: nothing). */
static int take(const char *text, const char *reply)
{
	cleanup_free char *said = NULL;
	int r = mcp_core_receive(&core, text, strlen(text), 0, &said);

	if (reply && said)
		assert_string_equal(said, reply);
	else
		assert_ptr_equal(said, reply);
	return r;
}

static bool answered(uint64_t id)
{
	struct mcp_pending *p = mcp_core_find(&core, id);

	return p && p->answered;
}

static void test_requests_of_each_era(void **state)
{
	cleanup_free char *modern = NULL, *legacy = NULL, *hello = NULL;
	uint64_t id;

	(void)state;
	assert_int_equal(mcp_core_request(&core, "server/discover", NULL, false, &id, &modern), 0);
	assert_non_null(
		strstr(modern, "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\""));
	assert_non_null(strstr(modern, "\"io.modelcontextprotocol/clientCapabilities\":{}"));
	assert_int_equal(mcp_core_request(&core, "initialize", NULL, false, &id, &hello), 0);
	assert_null(strstr(hello, "_meta"));
	core.era = MCP_ERA_LEGACY;
	assert_int_equal(mcp_core_request(&core, "tools/list", NULL, false, &id, &legacy), 0);
	assert_string_equal(legacy, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/list\"}");
}

static void test_answers_come_in_any_order(void **state)
{
	uint64_t a = ask("tools/list"), b = ask("tools/call"), c = ask("ping");

	(void)state;
	assert_int_equal(a, 1);
	assert_int_equal(take("{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"c\":1}}", NULL), 0);
	assert_int_equal(take("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/foo\"}", NULL), 0);
	assert_int_equal(take("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,"
			      "\"message\":\"no\"}}",
			      NULL),
			 0);
	assert_true(answered(c) && answered(a) && !answered(b));
	assert_non_null(json_object_get(mcp_core_find(&core, c)->result, "c"));
	assert_non_null(mcp_core_find(&core, a)->error);
	/* An answer is one: a second does not replace it. */
	assert_int_equal(take("{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"d\":1}}", NULL), 0);
	assert_non_null(json_object_get(mcp_core_find(&core, c)->result, "c"));
	assert_int_equal(core.n_dropped, 1);
}

static void test_ids_of_others_are_dropped(void **state)
{
	static const char *const ids[] = {"\"1\"", "0", "\"\"", "-1", "2", "9007199254740991"};
	uint64_t a = ask("tools/call");
	char text[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		(void)snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{}}",
			       ids[i]);
		assert_int_equal(take(text, NULL), 0);
	}
	assert_false(answered(a));
	assert_int_equal(core.n_dropped, ARRAY_SIZE(ids));
	/* Nor is a null id or an error without one ours, unless we know whose it is. */
	assert_int_equal(take("{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700,\"message\":\"\"}}",
			      NULL),
			 0);
	assert_false(answered(a));
	mcp_core_forget(&core, a);
	assert_int_equal(take("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", NULL), 0);
	assert_null(mcp_core_find(&core, a));
}

static void test_an_error_without_id_is_about_the_post(void **state)
{
	static const char text[] =
		"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":\"bad\"}}";
	cleanup_free char *reply = NULL;
	uint64_t a = ask("server/discover");

	(void)state;
	assert_int_equal(mcp_core_receive(&core, text, strlen(text), a, &reply), 0);
	assert_true(answered(a));
}

static void test_the_servers_requests_are_answered(void **state)
{
	(void)state;
	core.era = MCP_ERA_LEGACY;
	(void)ask("tools/call");
	/* The same number is in flight the other way. */
	assert_int_equal(take("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}",
			      "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}"),
			 0);
	assert_false(answered(1));
	assert_int_equal(take("{\"jsonrpc\":\"2.0\",\"id\":\"\",\"method\":\"roots/list\"}",
			      "{\"jsonrpc\":\"2.0\",\"id\":\"\",\"error\":{\"code\":-32601,"
			      "\"message\":\"this client offers nothing to a server\"}}"),
			 0);
	core.era = MCP_ERA_MODERN;
	assert_int_equal(take("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", NULL), 0);
}

static void test_garbage_is_dropped(void **state)
{
	static const char *const rows[] = {
		"Listening",
		"{",
		"[]",
		"1",
		"{}",
		"{\"jsonrpc\":\"1.0\",\"id\":1,\"result\":{}}",
		("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"error\":{"
		 "\"code\":1,\"message\":\"\"}}"),
		"{\"jsonrpc\":\"2.0\",\"id\":1.5,\"result\":{}}",
		"{\"jsonrpc\":\"2.0\",\"id\":1}",
		"\xff"};
	uint64_t a = ask("tools/call");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (take(rows[i], NULL) != -EBADMSG)
			fail_msg("taken: %s", rows[i]);
	}
	assert_false(answered(a));
	assert_int_equal(take("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", NULL), 0);
	assert_true(answered(a));
}

static void test_a_batch_has_its_answers(void **state)
{
	uint64_t a = ask("tools/list"), b = ask("tools/list");

	(void)state;
	assert_int_equal(take("[{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}},1,"
			      "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\"},"
			      "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}]",
			      NULL),
			 0);
	assert_true(answered(a) && answered(b));
}

static void progress(const char *params)
{
	char text[256];

	(void)snprintf(text, sizeof(text),
		       "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":%s}",
		       params);
	assert_int_equal(take(text, NULL), 0);
}

static void test_only_progress_that_rises_counts(void **state)
{
	(void)state;
	(void)ask("tools/call");
	progress("{\"progressToken\":1,\"progress\":0}");
	progress("{\"progressToken\":1,\"progress\":0.5,\"total\":2,\"message\":\"half\"}");
	assert_int_equal(n_progress, 2);
	progress("{\"progressToken\":1,\"progress\":0.5}");
	progress("{\"progressToken\":1,\"progress\":0.25}");
	progress("{\"progressToken\":\"1\",\"progress\":9}");
	progress("{\"progressToken\":2,\"progress\":9}");
	progress("{\"progressToken\":1,\"progress\":\"9\"}");
	progress("{}");
	assert_int_equal(n_progress, 2);
	assert_int_equal(take("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", NULL), 0);
	progress("{\"progressToken\":1,\"progress\":10}");
	assert_int_equal(n_progress, 2);
}

static void test_a_changed_list_is_noted(void **state)
{
	(void)state;
	assert_int_equal(
		take("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}", NULL),
		0);
	assert_true(core.tools_changed);
}

static void test_the_table_is_bounded(void **state)
{
	cleanup_free char *text = NULL;
	uint64_t id;

	(void)state;
	for (size_t i = 0; i < MCP_PENDING_MAX; i++)
		(void)ask("tools/call");
	assert_int_equal(mcp_core_request(&core, "tools/call", NULL, false, &id, &text), -EBUSY);
	mcp_core_forget(&core, 3);
	assert_int_equal(ask("tools/call"), MCP_PENDING_MAX + 1);
}

static struct mcp_pending *answer_with(const char *member)
{
	char text[1024];
	uint64_t id;

	(void)tear_down(NULL);
	(void)set_up(NULL);
	id = ask("x");
	(void)snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":1,%s}", member);
	assert_int_equal(take(text, NULL), 0);
	return mcp_core_find(&core, id);
}

static void test_what_a_discovery_means(void **state)
{
	static const struct {
		const char *member;
		enum mcp_discovery found;
	} rows[] = {
		{"\"result\":{\"supportedVersions\":[\"2026-07-28\"]}", MCP_DISCOVER_MODERN},
		{"\"result\":{\"supportedVersions\":[\"2099-01-01\",\"2025-06-18\"]}",
		 MCP_DISCOVER_LEGACY},
		{"\"result\":{\"supportedVersions\":[\"2099-01-01\"]}", MCP_DISCOVER_NO_VERSION},
		{"\"result\":{}", MCP_DISCOVER_LEGACY},
		{"\"error\":{\"code\":-32601,\"message\":\"\"}", MCP_DISCOVER_LEGACY},
		{"\"error\":{\"code\":-32000,\"message\":\"\"}", MCP_DISCOVER_LEGACY},
		{"\"error\":{\"code\":-32022,\"message\":\"\",\"data\":{\"supported\":"
		 "[\"2026-07-28\"]}}",
		 MCP_DISCOVER_MODERN},
		{"\"error\":{\"code\":-32022,\"message\":\"\",\"data\":{\"supported\":"
		 "[\"2025-11-25\"]}}",
		 MCP_DISCOVER_LEGACY},
		{"\"error\":{\"code\":-32022,\"message\":\"\"}", MCP_DISCOVER_NO_VERSION},
		{"\"error\":{\"code\":-32020,\"message\":\"\"}", MCP_DISCOVER_MODERN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mcp_pending *p = answer_with(rows[i].member);

		if (mcp_core_take_discover(&core, p) != rows[i].found)
			fail_msg("%s", rows[i].member);
		assert_int_equal(core.era, rows[i].found == MCP_DISCOVER_MODERN ? MCP_ERA_MODERN
										: MCP_ERA_UNKNOWN);
	}
}

static void test_versions_that_can_be_used(void **state)
{
	static const struct {
		const char *member;
		const char *version;
	} rows[] = {{"\"result\":{\"protocolVersion\":\"2025-11-25\"}", "2025-11-25"},
		    {"\"result\":{\"protocolVersion\":\"2024-11-05\"}", "2024-11-05"},
		    {"\"result\":{\"protocolVersion\":\"1999-01-01\"}", NULL},
		    {"\"result\":{\"protocolVersion\":\"2026-07-28\"}", NULL},
		    {"\"result\":{\"protocolVersion\":\"2025-11-25\\u0000\"}", NULL},
		    {"\"result\":{\"protocolVersion\":20251125}", NULL},
		    {"\"result\":{}", NULL},
		    {"\"error\":{\"code\":-32602,\"message\":\"no\"}", NULL}};
	struct ironclaw_error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mcp_pending *p = answer_with(rows[i].member);
		int r = mcp_core_take_initialize(&core, p, &err);

		if (r != (rows[i].version ? 0 : -EPROTO))
			fail_msg("%s", rows[i].member);
		if (rows[i].version)
			assert_string_equal(core.version, rows[i].version);
		assert_int_equal(core.era, rows[i].version ? MCP_ERA_LEGACY : MCP_ERA_UNKNOWN);
	}
}

static void test_what_is_a_result_of_a_call(void **state)
{
	static const struct {
		const char *member;
		enum mcp_client_era era;
		int r;
	} rows[] = {
		{"\"result\":{\"content\":[]}", MCP_ERA_LEGACY, 0},
		{"\"result\":{\"content\":[{\"type\":\"new\"}],\"isError\":true}", MCP_ERA_LEGACY,
		 0},
		{"\"result\":{\"content\":[],\"resultType\":\"odd\"}", MCP_ERA_LEGACY, 0},
		{"\"result\":{\"content\":[],\"resultType\":\"complete\"}", MCP_ERA_MODERN, 0},
		{"\"result\":{\"content\":[]}", MCP_ERA_MODERN, 0},
		{"\"result\":{\"content\":[],\"resultType\":\"odd\"}", MCP_ERA_MODERN, -EPROTO},
		{"\"result\":{\"content\":[],\"resultType\":1}", MCP_ERA_MODERN, -EPROTO},
		{"\"result\":{\"resultType\":\"input_required\"}", MCP_ERA_MODERN, -EREMOTEIO},
		{"\"result\":{}", MCP_ERA_LEGACY, -EPROTO},
		{"\"result\":[]", MCP_ERA_LEGACY, -EPROTO},
		{"\"result\":{\"content\":{}}", MCP_ERA_LEGACY, -EPROTO},
		{"\"result\":{\"content\":[1]}", MCP_ERA_LEGACY, -EPROTO},
		{"\"result\":{\"content\":[{}]}", MCP_ERA_LEGACY, -EPROTO},
		{"\"result\":{\"content\":[],\"isError\":\"no\"}", MCP_ERA_LEGACY, -EPROTO},
		{"\"error\":{\"code\":-32602,\"message\":\"\\u001b[31m\"}", MCP_ERA_LEGACY,
		 -EREMOTEIO},
	};
	struct ironclaw_error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mcp_pending *p = answer_with(rows[i].member);

		core.era = rows[i].era;
		if (mcp_core_check_call(&core, p, &err) != rows[i].r)
			fail_msg("%s", rows[i].member);
		assert_null(strchr(rows[i].r < 0 ? err.text : "", '\x1b'));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_requests_of_each_era, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_answers_come_in_any_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_ids_of_others_are_dropped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_an_error_without_id_is_about_the_post, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_the_servers_requests_are_answered, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_garbage_is_dropped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_batch_has_its_answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_only_progress_that_rises_counts, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_changed_list_is_noted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_table_is_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_a_discovery_means, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_versions_that_can_be_used, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_a_result_of_a_call, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
