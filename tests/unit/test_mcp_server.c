/* SPDX-License-Identifier: Apache-2.0 */
/* test_mcp_server.c - mcp/server.h, by scripted messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>

#include <cmocka.h>

#include "mcp/server_internal.h"
#include "mcp_fake.h"

#define LONG_TEXT_B 1000000
#define LONG_TEXTS  40

#define RPC	    "{\"jsonrpc\":\"2.0\","
#define META                                                                                       \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                   \
	"\"io.modelcontextprotocol/clientCapabilities\":{}}"
#define INFO                                                                                       \
	"\"_meta\":{\"io.modelcontextprotocol/serverInfo\":{\"name\":\"fake\",\"version\":\"1\","  \
	"\"title\":\"Fake\"}}"

static struct fake fake;
static struct fake_sink out, stream;
static struct mcp_session *session;
static struct mcp_server server;

static void start(unsigned int features, enum mcp_era era)
{
	server = fake_server;
	server.features = features;
	memset(&fake, 0, sizeof(fake));
	memset(&out, 0, sizeof(out));
	memset(&stream, 0, sizeof(stream));
	out.sink.send = stream.sink.send = fake_send;
	assert_int_equal(mcp_session_new(&server, era, &fake, &stream.sink, &session), 0);
}

static int stop(void **state)
{
	(void)state;
	mcp_session_free(session);
	session = NULL;
	return 0;
}

/* What @text was answered with so far, without the last newline. */
static const char *say(const char *text)
{
	out.len = out.n = out.n_last = out.n_nothing = 0;
	out.text[0] = '\0';
	(void)mcp_session_receive(session, text, strlen(text), &out.sink);
	out.text[out.len ? out.len - 1 : 0] = '\0';
	return out.text;
}

static void open_as(const char *version)
{
	char text[256];

	(void)snprintf(text, sizeof(text),
		       RPC
		       "\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"%s\","
		       "\"capabilities\":{\"sampling\":{}},\"clientInfo\":{}}}",
		       version);
	assert_non_null(strstr(say(text), "\"result\""));
	assert_string_equal(say(RPC "\"method\":\"notifications/initialized\"}"), "");
}

static void has(const char *answer, const char *what)
{
	if (!strstr(answer, what))
		fail_msg("no %s in: %s", what, answer);
}

static void has_not(const char *answer, const char *what)
{
	if (strstr(answer, what))
		fail_msg("%s in: %s", what, answer);
}

static void test_versions(void **state)
{
	static const char *const cases[][2] = {
		{"2024-11-05", "2024-11-05"}, {"2025-03-26", "2025-03-26"},
		{"2025-06-18", "2025-06-18"}, {"2025-11-25", "2025-11-25"},
		{"1999-01-01", "2025-11-25"}, {"2026-07-28", "2025-11-25"},
	};

	(void)state;
	start(0, MCP_ERA_BOTH);
	assert_null(mcp_session_version(session));
	for (size_t i = 0; i < 6; i++) {
		char text[256];

		open_as(cases[i][0]);
		assert_string_equal(mcp_session_version(session), cases[i][1]);
		(void)snprintf(text, sizeof(text), "\"protocolVersion\":\"%s\"", cases[i][1]);
		has(say(RPC "\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
			    "\"x\"}}"),
		    "\"protocolVersion\":\"2025-11-25\"");
	}
	assert_string_equal(
		say(RPC "\"id\":7,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-"
			"06-18\"}}"),
		RPC "\"id\":7,\"result\":{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{"
		    "\"tools\":{}},"
		    "\"serverInfo\":{\"name\":\"fake\",\"version\":\"1\",\"title\":\"Fake\"},"
		    "\"instructions\":\"read me\"}}");
	has(say(RPC "\"id\":1,\"method\":\"initialize\"}"), "-32602");
}

static void test_silence(void **state)
{
	static const char *const silent[] = {
		RPC "\"method\":\"notifications/initialized\"}",
		RPC "\"method\":\"notifications/foo\",\"params\":{}}",
		RPC "\"method\":\"notifications/cancelled\"}",
		RPC "\"method\":\"notifications/cancelled\",\"params\":[1]}",
		RPC "\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":{}}}",
		RPC "\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":77}}",
		RPC "\"method\":\"tools/list\"}",
		RPC "\"id\":99,\"result\":{}}",
		RPC "\"id\":\"99\",\"error\":{\"code\":1,\"message\":\"x\"}}",
		RPC "\"id\":null,\"error\":{\"code\":1,\"message\":\"x\"}}",
	};

	(void)state;
	start(0, MCP_ERA_BOTH);
	for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
		assert_false(mcp_session_receive(session, silent[i], strlen(silent[i]), &out.sink));
		assert_int_equal(out.n + out.n_last + stream.n, 0);
	}
	/* And it still answers. */
	assert_string_equal(say(RPC "\"id\":\"\",\"method\":\"ping\"}"),
			    RPC "\"id\":\"\",\"result\":{}}");
	assert_int_equal(out.n_last, 1);
}

static void test_errors(void **state)
{
	static const struct {
		const char *text;
		int code;
	} cases[] = {
		{"{", -32700},
		{"{}", -32600},
		{RPC "\"id\":1,\"method\":\"nope\"}", -32601},
		{RPC "\"id\":1,\"method\":\"resources/list\"}", -32601},
		{RPC "\"id\":1,\"method\":\"prompts/list\"}", -32601},
		{RPC "\"id\":1,\"method\":\"logging/setLevel\",\"params\":{\"level\":\"info\"}}",
		 -32601},
		{RPC "\"id\":1,\"method\":\"tools/call\"}", -32602},
		{RPC "\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":7}}", -32602},
		{RPC "\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"nope\"}}", -32602},
		{RPC "\"id\":1,\"method\":\"tools/"
		     "call\",\"params\":{\"name\":\"hold\",\"arguments\":[]}}",
		 -32602},
		{RPC "\"id\":1,\"method\":\"tools/list\",\"params\":{\"cursor\":\"from-1x\"}}",
		 -32602},
		{RPC "\"id\":1,\"method\":\"tools/list\",\"params\":{\"cursor\":\"from-3\"}}",
		 -32602},
		{RPC "\"id\":1,\"method\":\"tools/list\",\"params\":{\"cursor\":1}}", -32602},
		{"[" RPC "\"id\":1,\"method\":\"ping\"}]", -32600},
	};

	(void)state;
	start(0, MCP_ERA_BOTH);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		has(say(cases[i].text), "\"error\"");
		if (out.code != cases[i].code || out.n != 1 || out.n_last != 1)
			fail_msg("%s: %s", cases[i].text, out.text);
	}
	/* No id where none could be read. */
	has_not(say("{"), "\"id\"");
	out.n = 0;
	mcp_session_too_long(session, &out.sink);
	assert_int_equal(out.code, -32700);
}

static void test_tools(void **state)
{
	(void)state;
	start(0, MCP_ERA_BOTH);
	open_as("2025-11-25");
	assert_string_equal(
		say(RPC "\"id\":1,\"method\":\"tools/list\"}"), RPC
		"\"id\":1,\"result\":{\"tools\":[{\"name\":\"echo\",\"title\":\"Echo\","
		"\"description\":\"says it "
		"again\",\"inputSchema\":{\"type\":\"object\",\"properties\":{"
		"\"text\":{\"type\":\"string\"}},\"required\":[\"text\"]},\"outputSchema\":{"
		"\"type\":"
		"\"object\",\"properties\":{\"text\":{\"type\":\"string\"}}},\"annotations\":{"
		"\"readOnlyHint\":true}},{\"name\":\"hold\",\"description\":\"d\",\"inputSchema\":{"
		"\"type\":\"object\"}},{\"name\":\"link\",\"description\":\"d\",\"inputSchema\":{"
		"\"type\":"
		"\"object\"}}]}}");
	assert_string_equal(
		say(RPC
		    "\"id\":2,\"method\":\"tools/call\",\"more\":1,\"params\":{\"name\":\"echo\","
		    "\"arguments\":{\"text\":\"\\u2028\\n\\u0000\\ud800\"},\"x\":{}}}"),
		RPC "\"id\":2,\"result\":{\"content\":[{\"type\":\"text\",\"text\":"
		    "\"\\u2028\\n\\u0000\\uFFFD\"}],\"structuredContent\":{\"text\":"
		    "\"\\u2028\\n\\u0000\\uFFFD\"},\"isError\":false}}");
	/* Arguments that do not fit, and none where some are needed, are the tool's failure. */
	assert_string_equal(
		say(RPC "\"id\":3,\"method\":\"tools/call\",\"params\":{\"name\":\"echo\"}}"),
		RPC "\"id\":3,\"result\":{\"content\":[{\"type\":\"text\",\"text\":"
		    "\"The arguments must have \\\"text\\\".\"}],\"isError\":true}}");
	has(say(RPC "\"id\":3,\"method\":\"tools/"
		    "call\",\"params\":{\"name\":\"echo\",\"arguments\":{\"text\":1}}}"),
	    "text must be of type string, not integer.");
	has(say(RPC "\"id\":3,\"method\":\"tools/"
		    "call\",\"params\":{\"name\":\"link\",\"arguments\":null}}"),
	    "resource_link");
}

/* Each revision gets what it knows. */
static void test_tools_by_revision(void **state)
{
	static const char list[] = RPC "\"id\":1,\"method\":\"tools/list\"}";
	static const char link[] =
		RPC "\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"link\"}}";
	static const char echo[] = RPC "\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":"
				       "\"echo\",\"arguments\":{\"text\":\"a\"}}}";

	(void)state;
	start(MCP_COMPLETIONS, MCP_ERA_BOTH);
	open_as("2025-03-26");
	has_not(say(list), "outputSchema");
	has_not(out.text, "title");
	has(out.text, "annotations");
	has_not(say(link), "resource_link");
	has_not(say(echo), "structuredContent");
	open_as("2024-11-05");
	has_not(say(list), "annotations");
	has_not(say(RPC "\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2024-"
			"11-05\"}}"),
		"completions");
	has_not(out.text, "title");
}

static void test_pages(void **state)
{
	(void)state;
	start(0, MCP_ERA_BOTH);
	server.page_items = 2;
	has(say(RPC "\"id\":1,\"method\":\"tools/list\",\"params\":{\"cursor\":\"\"}}"),
	    "\"nextCursor\":\"from-2\"");
	has_not(out.text, "\"link\"");
	has(say(RPC "\"id\":1,\"method\":\"tools/list\",\"params\":{\"cursor\":\"from-2\"}}"),
	    "\"link\"");
	has_not(out.text, "nextCursor");
	has_not(out.text, "\"hold\"");
}

#define CALL_HOLD(id, token)                                                                       \
	RPC "\"id\":" id ",\"method\":\"tools/call\",\"params\":{\"name\":\"hold\","               \
	    "\"_meta\":{\"progressToken\":" token "}}}"

static void test_progress(void **state)
{
	(void)state;
	start(0, MCP_ERA_BOTH);
	say(CALL_HOLD("1", "0"));
	assert_int_equal(out.n, 0);
	mcp_call_progress(fake.held[0], 1, -1, "one");
	mcp_call_progress(fake.held[0], 1, -1, "again");
	mcp_call_progress(fake.held[0], 0.5, -1, "back");
	mcp_call_progress(fake.held[0], 2.5, 4, NULL);
	mcp_call_finish_text(fake.held[0], "\xff|", 2, false);
	assert_string_equal(
		out.text,
		RPC "\"method\":\"notifications/progress\",\"params\":{\"progressToken\":0,"
		    "\"progress\":1.0,\"message\":\"one\"}}\n" RPC
		    "\"method\":\"notifications/progress\",\"params\":{\"progressToken\":0,"
		    "\"progress\":2.5,\"total\":4.0}}\n" RPC
		    "\"id\":1,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"\\uFFFD|\"}],"
		    "\"isError\":false}}\n");
	assert_int_equal(out.n_last, 1);
	fake.n_held = 0;
	say(CALL_HOLD("1", "\"x\""));
	mcp_call_progress(fake.held[0], 1, -1, NULL);
	has(out.text, "\"progressToken\":\"x\"");
	/* No token, or one that is none. */
	say(RPC "\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"hold\"}}");
	mcp_call_progress(fake.held[1], 1, -1, NULL);
	say(CALL_HOLD("3", "{}"));
	mcp_call_progress(fake.held[2], 1, -1, NULL);
	assert_int_equal(out.n, 0);
}

static void test_cancel(void **state)
{
	struct fake_sink other = {.sink.send = fake_send};
	struct mcp_call *kept;

	(void)state;
	start(0, MCP_ERA_BOTH);
	say(CALL_HOLD("1", "1"));
	say(CALL_HOLD("\"1\"", "1"));
	kept = fake.held[1];
	/* The number and the text are two calls. */
	say(RPC "\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}");
	assert_int_equal(fake.n_cancelled, 1);
	assert_ptr_equal(fake.held[0], kept);
	assert_int_equal(out.n, 0);
	assert_int_equal(out.n_nothing, 1);
	/* Twice is nothing, and the id is free again. */
	say(RPC "\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}");
	assert_int_equal(fake.n_cancelled, 1);
	has(say(RPC "\"id\":1,\"method\":\"ping\"}"), "\"result\"");
	/* One in flight is not. */
	has(say(RPC "\"id\":\"1\",\"method\":\"ping\"}"), "in use");
	assert_int_equal(fake.n_held, 1);
	/* A sink that is gone takes its calls with it, and only those. */
	assert_true(mcp_session_receive(session, CALL_HOLD("5", "5"), strlen(CALL_HOLD("5", "5")),
					&other.sink));
	mcp_session_abandon(session, &other.sink);
	assert_int_equal(fake.n_cancelled, 2);
	assert_int_equal(other.n + other.n_last, 0);
	assert_ptr_equal(fake.held[0], kept);
	/* The end of the session cancels the rest and says nothing. */
	say(RPC "\"method\":\"x\"}");
	mcp_session_free(session);
	session = NULL;
	assert_int_equal(fake.n_cancelled, 3);
	assert_int_equal(out.n + out.n_last, 0);
}

/* A cancel() that makes other calls end: those of the same reader are not told any more. */
static void test_cancel_answers(void **state)
{
	struct fake_sink other = {.sink.send = fake_send};
	static const char nine[] = CALL_HOLD("9", "9");

	(void)state;
	start(0, MCP_ERA_BOTH);
	fake.cancel_answers = true;
	say(CALL_HOLD("1", "1"));
	assert_true(mcp_session_receive(session, nine, strlen(nine), &other.sink));
	say(CALL_HOLD("2", "2"));
	say(CALL_HOLD("3", "3"));
	mcp_session_abandon(session, &out.sink);
	assert_int_equal(fake.n_cancelled, 1);
	assert_int_equal(fake.n_held, 0);
	assert_int_equal(out.n + out.n_last, 0);
	has(other.text, "\"id\":9");
	assert_int_equal(other.n_last, 1);
	/* And at the end. */
	open_as("2025-03-26");
	say("[" CALL_HOLD("1", "1") "," CALL_HOLD("2", "2") "]");
	say(CALL_HOLD("3", "3"));
	mcp_session_free(session);
	session = NULL;
	assert_int_equal(fake.n_held, 0);
	assert_int_equal(out.n + out.n_last, 0);
}

static void test_too_many(void **state)
{
	char text[256];

	(void)state;
	start(0, MCP_ERA_BOTH);
	for (int i = 0; i < MCP_CALLS_MAX; i++) {
		(void)snprintf(
			text, sizeof(text),
			RPC "\"id\":%d,\"method\":\"tools/call\",\"params\":{\"name\":\"hold\"}}",
			i);
		assert_string_equal(say(text), "");
	}
	has(say(CALL_HOLD("\"more\"", "1")), "too many");
	assert_int_equal(out.code, MCP_TOO_MANY_CALLS);
	/* What costs nothing still works. */
	has(say(RPC "\"id\":\"p\",\"method\":\"ping\"}"), "\"result\"");
	mcp_call_finish_text(fake.held[0], "", 0, false);
	fake.held[0] = fake.held[--fake.n_held];
	assert_string_equal(say(CALL_HOLD("\"more\"", "1")), "");
}

static void answer_long(void *userdata, struct mcp_call *call, const struct mcp_tool *tool,
			json_t *arguments)
{
	static char text[LONG_TEXT_B];

	(void)userdata;
	(void)tool;
	(void)arguments;
	memset(text, 'y', sizeof(text));
	mcp_call_finish_text(call, text, sizeof(text), false);
}

struct measure {
	struct mcp_sink sink;
	size_t n, len;
	char tail[64];
};

static void measure_send(struct mcp_sink *sink, const struct mcp_message *m)
{
	struct measure *measured = (struct measure *)sink;

	measured->n++;
	measured->len = m->len;
	(void)snprintf(measured->tail, sizeof(measured->tail), "%s",
		       m->text + (m->len > 40 ? m->len - 40 : 0));
}

/* Few bytes may ask for many: what does not fit is said to be missing. */
static void test_long_batch(void **state)
{
	const struct mcp_ops long_ops = {answer_long, fake_request, fake_cancel};
	struct measure measured = {.sink.send = measure_send};
	char text[8192] = "[";
	size_t len = 1;

	(void)state;
	server = fake_server;
	server.ops = &long_ops;
	assert_int_equal(mcp_session_new(&server, MCP_ERA_LEGACY, &fake, NULL, &session), 0);
	open_as("2025-03-26");
	for (int i = 0; i < LONG_TEXTS; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"%s" RPC "\"id\":%d,\"method\":\"tools/call\","
					"\"params\":{\"name\":\"link\"}}",
					i > 0 ? "," : "", i);
	text[len++] = ']';
	assert_true(mcp_session_receive(session, text, len, &measured.sink));
	assert_int_equal(measured.n, 1);
	assert_true(measured.len > LONG_TEXT_B && measured.len < MCP_BATCH_MAX_B + 2 * LONG_TEXT_B);
	has(measured.tail, "too much for one array\"}}]");
}

static void test_batch(void **state)
{
	(void)state;
	start(0, MCP_ERA_BOTH);
	open_as("2025-03-26");
	assert_string_equal(
		say("[" RPC "\"id\":1,\"method\":\"ping\"}," RPC "\"method\":\"x\"},7," RPC
		    "\"id\":2,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-11-"
		    "25\"}}," RPC "\"id\":3,\"method\":\"ping\"}]"),
		"[" RPC "\"id\":1,\"result\":{}}," RPC
		"\"error\":{\"code\":-32600,\"message\":\"not an object\"}}," RPC
		"\"id\":2,\"error\":{\"code\":-32600,\"message\":\"initialize in a batch\"}}," RPC
		"\"id\":3,\"result\":{}}]");
	assert_int_equal(out.n_last, 1);
	/* Only what is never answered: nothing. */
	assert_string_equal(say("[" RPC "\"method\":\"x\"}," RPC "\"id\":1,\"result\":{}}]"), "");
	assert_int_equal(out.n_last, 0);
	/* All wait for the slowest; one is taken back. */
	assert_string_equal(say("[" CALL_HOLD("1", "1") "," CALL_HOLD(
				    "2", "2") "," RPC "\"id\":3,\"method\":\"ping\"}]"),
			    "");
	mcp_call_progress(fake.held[1], 1, -1, NULL);
	has(out.text, "notifications/progress");
	out.len = 0;
	(void)mcp_session_receive(
		session, RPC "\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}",
		strlen(RPC "\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}"),
		&stream.sink);
	assert_int_equal(out.n_last, 0);
	mcp_call_finish_text(fake.held[0], "done", 4, false);
	assert_string_equal(out.text,
			    "[" RPC "\"id\":3,\"result\":{}}," RPC
			    "\"id\":2,\"result\":{\"content\":[{\"type\":\"text\",\"text\":"
			    "\"done\"}],\"isError\":false}}]\n");
	assert_int_equal(out.n_last, 1);
	/* All taken back: the sink is told that it is over. */
	fake.n_held = 0;
	say("[" CALL_HOLD("1", "1") "]");
	(void)mcp_session_receive(
		session, RPC "\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}",
		strlen(RPC "\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}"),
		&stream.sink);
	assert_int_equal(out.n, 0);
	assert_int_equal(out.n_nothing, 1);
	/* And no other revision has them. */
	open_as("2025-06-18");
	has(say("[" RPC "\"id\":1,\"method\":\"ping\"}]"), "-32600");
}

static void test_modern(void **state)
{
	(void)state;
	start(0, MCP_ERA_BOTH);
	assert_string_equal(
		say(RPC "\"id\":1,\"method\":\"server/discover\",\"params\":{" META "}}"),
		RPC "\"id\":1,\"result\":{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{"
		    "\"tools\":{}},\"instructions\":\"read me\"," INFO
		    ",\"resultType\":\"complete\",\"ttlMs\":1000,\"cacheScope\":\"private\"}}");
	assert_true(out.modern);
	assert_string_equal(
		say(RPC "\"id\":\"a\",\"method\":\"tools/call\",\"params\":{\"name\":\"echo\","
			"\"arguments\":{\"text\":\"b\"}," META "}}"),
		RPC "\"id\":\"a\",\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"b\"}],"
		    "\"structuredContent\":{\"text\":\"b\"},\"isError\":false," INFO
		    ",\"resultType\":\"complete\"}}");
	has(say(RPC "\"id\":1,\"method\":\"tools/list\",\"params\":{" META "}}"), "\"ttlMs\":1000");
	/* What it must say. */
	has(say(RPC "\"id\":1,\"method\":\"tools/list\",\"params\":{\"_meta\":{"
		    "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"}}}"),
	    "-32602");
	has(say(RPC "\"id\":1,\"method\":\"server/discover\"}"), "-32602");
	assert_string_equal(
		say(RPC "\"id\":1,\"method\":\"tools/list\",\"params\":{\"_meta\":{"
			"\"io.modelcontextprotocol/protocolVersion\":\"2025-11-25\"}}}"),
		RPC
		"\"id\":1,\"error\":{\"code\":-32022,\"message\":\"unsupported protocol version\","
		"\"data\":{\"supported\":[\"2026-07-28\"],\"requested\":\"2025-11-25\"}}}");
	/* What is gone. */
	has(say(RPC "\"id\":1,\"method\":\"ping\",\"params\":{" META "}}"), "-32601");
	has(say(RPC "\"id\":1,\"method\":\"subscriptions/listen\",\"params\":{" META "}}"),
	    "-32601");
	/* Then the other era, and this one again. */
	open_as("2025-06-18");
	has_not(say(RPC "\"id\":1,\"method\":\"tools/list\"}"), "resultType");
	assert_false(out.modern);
	has(say(RPC "\"id\":1,\"method\":\"tools/list\",\"params\":{" META "}}"), "resultType");
}

/* A session of one era does not guess. */
static void test_one_era(void **state)
{
	(void)state;
	start(0, MCP_ERA_MODERN);
	has(say(RPC "\"id\":1,\"method\":\"tools/list\"}"), "-32602");
	assert_true(out.modern);
	has(say(RPC "\"id\":1,\"method\":\"initialize\",\"params\":{" META "}}"), "-32601");
	mcp_session_free(session);
	start(0, MCP_ERA_LEGACY);
	has(say(RPC "\"id\":1,\"method\":\"server/discover\",\"params\":{" META "}}"), "-32601");
	has_not(say(RPC "\"id\":1,\"method\":\"tools/list\",\"params\":{" META "}}"), "resultType");
}

static void test_resources(void **state)
{
	(void)state;
	start(MCP_RESOURCES | MCP_RESOURCES_SUBSCRIBE | MCP_PROMPTS | MCP_LOGGING, MCP_ERA_BOTH);
	has(say(RPC "\"id\":1,\"method\":\"resources/read\",\"params\":{\"uri\":\"x:1\"}}"),
	    "-32002");
	has(out.text, "\"data\":{\"uri\":\"x:1\"}");
	has(say(RPC "\"id\":1,\"method\":\"resources/read\",\"params\":{\"uri\":\"x:1\"," META
		    "}}"),
	    "-32602");
	has(say(RPC "\"id\":1,\"method\":\"resources/list\",\"params\":{" META "}}"),
	    "\"ttlMs\":0,\"cacheScope\":\"private\"");
	open_as("2025-11-25");
	mcp_session_resource_updated(session, "x:1");
	assert_int_equal(stream.n, 0);
	say(RPC "\"id\":1,\"method\":\"resources/subscribe\",\"params\":{\"uri\":\"x:1\"}}");
	mcp_session_resource_updated(session, "x:2");
	assert_int_equal(stream.n, 0);
	mcp_session_resource_updated(session, "x:1");
	assert_string_equal(stream.text, RPC "\"method\":\"notifications/resources/updated\","
					     "\"params\":{\"uri\":\"x:1\"}}\n");
	say(RPC "\"id\":1,\"method\":\"resources/unsubscribe\",\"params\":{\"uri\":\"x:1\"}}");
	mcp_session_resource_updated(session, "x:1");
	assert_int_equal(stream.n, 1);
}

static void test_listen(void **state)
{
	(void)state;
	start(MCP_TOOLS_CHANGE | MCP_RESOURCES_SUBSCRIBE, MCP_ERA_BOTH);
	assert_string_equal(
		say(RPC "\"id\":\"L\",\"method\":\"subscriptions/"
			"listen\",\"params\":{\"notifications\":{"
			"\"toolsListChanged\":true,\"promptsListChanged\":true,"
			"\"resourceSubscriptions\":[\"x:1\",7]}," META "}}"),
		RPC "\"method\":\"notifications/subscriptions/"
		    "acknowledged\",\"params\":{\"notifications\":{"
		    "\"toolsListChanged\":true,\"resourceSubscriptions\":[\"x:1\"]},\"_meta\":{"
		    "\"io.modelcontextprotocol/subscriptionId\":\"L\"}}}");
	out.len = 0;
	mcp_session_list_changed(session, "tools");
	mcp_session_list_changed(session, "prompts");
	mcp_session_resource_updated(session, "x:1");
	mcp_session_resource_updated(session, "x:2");
	mcp_session_end_listening(session);
	assert_string_equal(
		out.text,
		RPC "\"method\":\"notifications/tools/list_changed\",\"params\":{\"_meta\":{"
		    "\"io.modelcontextprotocol/subscriptionId\":\"L\"}}}\n" RPC
		    "\"method\":\"notifications/resources/"
		    "updated\",\"params\":{\"uri\":\"x:1\",\"_meta\":{"
		    "\"io.modelcontextprotocol/subscriptionId\":\"L\"}}}\n" RPC
		    "\"id\":\"L\",\"result\":{\"_meta\":{\"io.modelcontextprotocol/"
		    "subscriptionId\":\"L\","
		    "\"io.modelcontextprotocol/serverInfo\":{\"name\":\"fake\",\"version\":\"1\","
		    "\"title\":\"Fake\"}},\"resultType\":\"complete\"}}\n");
	/* Nobody asked on the other era's stream; then somebody does. */
	assert_int_equal(stream.n, 0);
	open_as("2025-11-25");
	mcp_session_list_changed(session, "tools");
	assert_int_equal(stream.n, 1);
	/* Taken back: no answer, and no cancel() for what the core itself serves. */
	say(RPC "\"id\":\"L\",\"method\":\"subscriptions/"
		"listen\",\"params\":{\"notifications\":{}," META "}}");
	has_not(say(RPC "\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"L\"}}"),
		"result");
	assert_int_equal(fake.n_cancelled, 0);
	assert_int_equal(out.n_nothing, 1);
}

static int answers;
static char answer_text[256];

static void take_answer(void *userdata, struct mcp_call *call, json_t *result, json_t *error)
{
	char *text = jsonrpc_dump(result ? result : error);

	(void)userdata;
	(void)snprintf(answer_text, sizeof(answer_text), "%s", text);
	free(text);
	answers++;
	if (result)
		mcp_call_finish_text(call, "ok", 2, false);
}

static void test_ask(void **state)
{
	(void)state;
	start(0, MCP_ERA_BOTH);
	open_as("2025-11-25");
	say(CALL_HOLD("1", "1"));
	assert_int_equal(mcp_call_ask(fake.held[0], "elicitation/create", json_object(),
				      take_answer),
			 -EOPNOTSUPP);
	assert_int_equal(mcp_call_ask(fake.held[0], "sampling/createMessage", json_object(),
				      take_answer),
			 0);
	assert_string_equal(out.text,
			    RPC "\"id\":1,\"method\":\"sampling/createMessage\",\"params\":{}}\n");
	for (int i = 1; i < MCP_ASKED_MAX; i++)
		assert_int_equal(mcp_call_ask(fake.held[0], "ping", NULL, take_answer), 0);
	assert_int_equal(mcp_call_ask(fake.held[0], "ping", NULL, take_answer), -EBUSY);
	/* Answers by number only, each once. */
	answers = 0;
	say(RPC "\"id\":\"2\",\"result\":{}}");
	say(RPC "\"id\":77,\"result\":{}}");
	assert_int_equal(answers, 0);
	say(RPC "\"id\":2,\"error\":{\"code\":-1,\"message\":\"no\"}}");
	say(RPC "\"id\":2,\"error\":{\"code\":-1,\"message\":\"no\"}}");
	assert_int_equal(answers, 1);
	assert_string_equal(answer_text, "{\"code\":-1,\"message\":\"no\"}");
	has(say(RPC "\"id\":1,\"result\":{\"model\":\"m\"}}"), "\"ok\"");
	assert_int_equal(answers, 2);
	/* The call is over, and so is what it asked. */
	assert_string_equal(say(RPC "\"id\":3,\"result\":{}}"), "");
	assert_int_equal(answers, 2);
	fake.n_held = 0;
}

static void test_need_input(void **state)
{
	static const char call[] =
		RPC "\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"hold\",\"_meta\":{"
		    "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
		    "\"io.modelcontextprotocol/clientCapabilities\":{\"sampling\":{}}},"
		    "\"inputResponses\":{\"k\":{\"v\":1}},\"requestState\":\"s\"}}";

	(void)state;
	start(0, MCP_ERA_BOTH);
	say(call);
	has_not(out.text, "error");
	assert_true(mcp_call_is_modern(fake.held[0]));
	assert_string_equal(mcp_call_version(fake.held[0]), MCP_VERSION_MODERN);
	assert_string_equal(json_string_value(
				    json_object_get(mcp_call_params(fake.held[0]), "requestState")),
			    "s");
	assert_int_equal(mcp_call_ask(fake.held[0], "sampling/createMessage", NULL, take_answer),
			 -EPROTO);
	mcp_call_need_input(fake.held[0],
			    json_pack("{s:{s:s, s:{}}}", "k", "method", "sampling/createMessage",
				      "params"),
			    "state");
	assert_string_equal(
		out.text,
		RPC "\"id\":1,\"result\":{\"resultType\":\"input_required\",\"inputRequests\":{"
		    "\"k\":{\"method\":\"sampling/createMessage\",\"params\":{}}},"
		    "\"requestState\":\"state\"," INFO "}}\n");
	fake.n_held = 0;
	say(call);
	mcp_call_need_input(fake.held[0],
			    json_pack("{s:{s:s, s:{}}}", "k", "method", "elicitation/create",
				      "params"),
			    NULL);
	has(out.text, "\"code\":-32021");
	has(out.text, "\"data\":{\"requiredCapabilities\":{\"elicitation\":{}}}");
	fake.n_held = 0;
}

static void test_logging(void **state)
{
	(void)state;
	start(MCP_LOGGING, MCP_ERA_BOTH);
	say(CALL_HOLD("1", "1"));
	mcp_call_log(fake.held[0], "debug", "l", json_string("quiet"));
	assert_int_equal(out.n, 0);
	mcp_call_log(fake.held[0], "info", "l", json_string("loud"));
	assert_string_equal(out.text,
			    RPC "\"method\":\"notifications/message\",\"params\":{"
				"\"level\":\"info\",\"logger\":\"l\",\"data\":\"loud\"}}\n");
	has(say(RPC "\"id\":2,\"method\":\"logging/setLevel\",\"params\":{\"level\":\"x\"}}"),
	    "-32602");
	say(RPC "\"id\":2,\"method\":\"logging/setLevel\",\"params\":{\"level\":\"error\"}}");
	out.n = 0;
	mcp_call_log(fake.held[0], "warning", NULL, json_string("quiet"));
	assert_int_equal(out.n, 0);
	mcp_call_log(fake.held[0], "critical", NULL, json_string("loud"));
	assert_int_equal(out.n, 1);
	/* Modern: as the request says, and nothing when it says nothing. */
	say(RPC "\"id\":3,\"method\":\"tools/call\",\"params\":{\"name\":\"hold\"," META "}}");
	mcp_call_log(fake.held[1], "emergency", NULL, json_string("quiet"));
	assert_int_equal(out.n, 0);
	say(RPC "\"id\":4,\"method\":\"tools/call\",\"params\":{\"name\":\"hold\",\"_meta\":{"
		"\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
		"\"io.modelcontextprotocol/clientCapabilities\":{},"
		"\"io.modelcontextprotocol/logLevel\":\"debug\"}}}");
	mcp_call_log(fake.held[2], "debug", NULL, json_string("loud"));
	assert_int_equal(out.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_versions, stop),
		cmocka_unit_test_teardown(test_silence, stop),
		cmocka_unit_test_teardown(test_errors, stop),
		cmocka_unit_test_teardown(test_tools, stop),
		cmocka_unit_test_teardown(test_tools_by_revision, stop),
		cmocka_unit_test_teardown(test_pages, stop),
		cmocka_unit_test_teardown(test_progress, stop),
		cmocka_unit_test_teardown(test_cancel, stop),
		cmocka_unit_test_teardown(test_cancel_answers, stop),
		cmocka_unit_test_teardown(test_too_many, stop),
		cmocka_unit_test_teardown(test_batch, stop),
		cmocka_unit_test_teardown(test_long_batch, stop),
		cmocka_unit_test_teardown(test_modern, stop),
		cmocka_unit_test_teardown(test_one_era, stop),
		cmocka_unit_test_teardown(test_resources, stop),
		cmocka_unit_test_teardown(test_listen, stop),
		cmocka_unit_test_teardown(test_ask, stop),
		cmocka_unit_test_teardown(test_need_input, stop),
		cmocka_unit_test_teardown(test_logging, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
