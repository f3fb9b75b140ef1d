/* SPDX-License-Identifier: Apache-2.0 */
/* test_mcp_config.c - mcp/config.h: what is taken, and that each mistake is refused by name. */
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

#include "base/cleanup.h"
#include "mcp/config.h"
#include "sys/file.h"

static void free_configp(struct mcp_config **config)
{
	mcp_config_free(*config);
}

/* What one server is made of. */
static char *with_server(const char *members)
{
	char *text = NULL;

	assert_true(asprintf(&text, "{\"mcpServers\": {\"s\": {%s}}}", members) > 0);
	return text;
}

static void test_a_command_runs_in_the_vm(void **state)
{
	cleanup(free_configp) struct mcp_config *c = NULL;
	cleanup_free char *text =
		with_server("\"command\": \"npx\", \"args\": [\"a\", \"\"], \"type\": \"stdio\", "
			    "\"env\": {\"A_1\": \"b=c\"}, \"cwd\": \"/w\"");
	struct violations list = {0};

	(void)state;
	assert_int_equal(mcp_config_parse(text, strlen(text), &c, &list), 0);
	assert_int_equal(c->n_servers, 1);
	assert_string_equal(c->servers[0].name, "s");
	assert_int_equal(c->servers[0].where, MCP_IN_VM);
	assert_string_equal(c->servers[0].argv[0], "npx");
	assert_string_equal(c->servers[0].argv[1], "a");
	assert_string_equal(c->servers[0].argv[2], "");
	assert_null(c->servers[0].argv[3]);
	assert_string_equal(c->servers[0].env[0], "A_1=b=c");
	assert_null(c->servers[0].env[1]);
	assert_string_equal(c->servers[0].cwd, "/w");
	assert_int_equal(c->servers[0].timeout_ms, MCP_TIMEOUT_MS);
}

static enum mcp_where where_of(const char *members)
{
	cleanup(free_configp) struct mcp_config *c = NULL;
	cleanup_free char *text = with_server(members);
	struct violations list = {0};

	if (mcp_config_parse(text, strlen(text), &c, &list) < 0)
		fail_msg("%s: %s: %s", members, list.items[0].field, list.items[0].text);
	return c->servers[0].where;
}

static void test_outside_only_when_it_is_said(void **state)
{
	(void)state;
	assert_int_equal(where_of("\"command\": \"a\""), MCP_IN_VM);
	assert_int_equal(where_of("\"command\": \"a\", \"where\": \"vm\""), MCP_IN_VM);
	assert_int_equal(where_of("\"command\": \"a\", \"where\": \"host\""), MCP_ON_HOST);
	assert_int_equal(where_of("\"url\": \"https://h/\", \"type\": \"http\", \"timeoutMs\": 1"),
			 MCP_OVER_HTTP);
	assert_int_equal(where_of("\"url\": \"http://127.0.0.1:80/mcp\", \"bearerEnv\": \"T\""),
			 MCP_OVER_HTTP);
	assert_int_equal(where_of(
				 "\"url\": \"http://localhost/\", \"headers\": {\"X-A\": \"b c\"}"),
			 MCP_OVER_HTTP);
}

static void test_mistakes_are_refused_by_name(void **state)
{
	static const struct {
		const char *members, *field, *text;
	} rows[] = {
		{"\"command\": \"a\", \"disabled\": true", "mcpServers.s.disabled",
		 "unknown field"},
		{"\"command\": \"\"", "mcpServers.s.command", "1 to 4096"},
		{"\"command\": \"a\", \"args\": [1]", "mcpServers.s.args", "text"},
		{"\"command\": \"a\", \"args\": \"b\"", "mcpServers.s.args", "list"},
		{"\"command\": \"a\", \"env\": {\"A B\": \"c\"}", "mcpServers.s.env", "name"},
		{"\"command\": \"a\", \"env\": {\"A\": 1}", "mcpServers.s.env", "value"},
		{"\"command\": \"a\", \"cwd\": \"b\"", "mcpServers.s.cwd", "absolute"},
		{"\"command\": \"a\", \"where\": \"elsewhere\"", "mcpServers.s.where", "vm, host"},
		{"\"command\": \"a\", \"type\": \"http\"", "mcpServers.s.type", "stdio"},
		{"\"command\": \"a\", \"timeoutMs\": 0", "mcpServers.s.timeoutMs", "86400000"},
		{"\"command\": \"a\", \"timeoutMs\": 86400001", "mcpServers.s.timeoutMs", "864"},
		{"\"command\": \"a\", \"headers\": {}", "mcpServers.s.headers", "belong"},
		{"\"command\": \"a\", \"bearerEnv\": \"A\"", "mcpServers.s.bearerEnv", "belong"},
		{"\"command\": \"a\", \"url\": \"https://h/\"", "mcpServers.s", "either"},
		{"\"args\": []", "mcpServers.s", "either"},
		{"\"url\": \"https://h/\", \"where\": \"host\"", "mcpServers.s.where", "belong"},
		{"\"url\": \"https://h/\", \"env\": {}", "mcpServers.s.env", "belong"},
		{"\"url\": \"https://h/\", \"type\": \"sse\"", "mcpServers.s.type", "http"},
		{"\"url\": \"http://h/\"", "mcpServers.s.url", "https"},
		{"\"url\": \"http://127.0.0.1.h/\"", "mcpServers.s.url", "https"},
		{"\"url\": \"http://localhost@h/\"", "mcpServers.s.url", "https"},
		{"\"url\": \"file:///etc\"", "mcpServers.s.url", "https"},
		{"\"url\": \"https://h/\", \"headers\": {\"A:\": \"b\"}", "mcpServers.s.headers",
		 "name"},
		{"\"url\": \"https://h/\", \"headers\": {\"A\": \"b\\r\\nC: d\"}",
		 "mcpServers.s.headers", "value"},
		{"\"url\": \"https://h/\", \"headers\": {\"mcp-Session-Id\": \"b\"}",
		 "mcpServers.s.headers", "name"},
		{"\"url\": \"https://h/\", \"bearerFile\": \"t\"", "mcpServers.s.bearerFile",
		 "absolute"},
		{"\"url\": \"https://h/\", \"caFile\": \"t\"", "mcpServers.s.caFile", "absolute"},
		{"\"url\": \"https://h/\", \"bearerEnv\": \"A-B\"", "mcpServers.s.bearerEnv",
		 "variable"},
		{"\"url\": \"https://h/\", \"bearerEnv\": \"A\", \"bearerFile\": \"/b\"",
		 "mcpServers.s.bearerFile", "only one"},
		{"\"url\": \"https://h/\", \"bearerEnv\": \"A\", \"headers\": "
		 "{\"authorization\": \"b\"}",
		 "mcpServers.s.bearerFile", "only one"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup_free char *text = with_server(rows[i].members);
		struct mcp_config *c = NULL;
		struct violations list = {0};

		if (mcp_config_parse(text, strlen(text), &c, &list) != -EINVAL || c)
			fail_msg("taken: %s", rows[i].members);
		if (list.n_errors == 0 || strcmp(list.items[0].field, rows[i].field) != 0 ||
		    !strstr(list.items[0].text, rows[i].text))
			fail_msg("%s: %zu: %s: %s", rows[i].members, list.n_errors,
				 list.items[0].field, list.items[0].text);
	}
}

static void check_name(const char *name, bool good)
{
	struct mcp_config *c = NULL;
	struct violations list = {0};
	char text[128];

	(void)snprintf(text, sizeof(text), "{\"mcpServers\": {\"%s\": {\"command\": \"a\"}}}",
		       name);
	if ((mcp_config_parse(text, strlen(text), &c, &list) == 0) != good)
		fail_msg("'%s'", name);
	mcp_config_free(c);
}

static void test_names_of_servers(void **state)
{
	static const char *const good[] = {"a", "A-1_b", "abcdefghijklmnopqrstuvwxyz012345"};
	static const char *const bad[] = {"",	      "a__b",
					  "_a",	      "a_",
					  "-a",	      "a.b",
					  "a/b",      "a b",
					  "\xc3\xa4", "abcdefghijklmnopqrstuvwxyz0123456"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		check_name(good[i], true);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		check_name(bad[i], false);
}

static void test_documents(void **state)
{
	static const char *const bad[] = {"",
					  "[]",
					  "{}",
					  "{\"mcpServers\": []}",
					  "{\"mcpServers\": {\"a\": 1}}",
					  "{\"mcpServers\": {}, \"more\": 1}",
					  "{\"mcpServers\": {}, \"mcpServers\": {}}"};
	struct violations list = {0};
	struct mcp_config *c = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		list = (struct violations){0};
		assert_int_equal(mcp_config_parse(bad[i], strlen(bad[i]), &c, &list), -EINVAL);
		assert_true(list.n_errors > 0);
	}
	list = (struct violations){0};
	assert_int_equal(mcp_config_parse("{\"mcpServers\": {}}", 18, &c, &list), 0);
	assert_int_equal(c->n_servers, 0);
	mcp_config_free(c);
}

static void test_a_file_that_others_may_write_starts_nothing(void **state)
{
	static const char text[] = "{\"mcpServers\": {}}";
	char path[] = "/tmp/ironclaw-mcp-XXXXXX";
	cleanup_close int fd = mkostemp(path, O_CLOEXEC);
	struct ironclaw_error err = {0};
	struct mcp_config *c = NULL;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(file_write_full(fd, text, sizeof(text) - 1), 0);
	assert_int_equal(mcp_config_load(path, &c, &err), 0);
	mcp_config_free(c);
	assert_int_equal(fchmod(fd, 0666), 0);
	assert_int_equal(mcp_config_load(path, &c, &err), -EPERM);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mcp_config_load(path, &c, &err), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_command_runs_in_the_vm),
		cmocka_unit_test(test_outside_only_when_it_is_said),
		cmocka_unit_test(test_mistakes_are_refused_by_name),
		cmocka_unit_test(test_names_of_servers),
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_a_file_that_others_may_write_starts_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
