/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_mcp_server.c - any messages to the MCP server core, and anything that its tools may do.
 *
 * The first byte says what the server offers and the second of which era the session is. Then
 * lines: one that begins with '!' is what the program behind it does with a call that it holds, any
 * other is a message of the client. Never a crash or a leak; what goes out is JSON-RPC on a line of
 * ASCII; a sink that was not needed gets nothing, and nothing comes after the session's end.
 */
#include <errno.h>
#include <stdint.h>

#include "../unit/mcp_fake.h"

#define INPUT_MAX_B 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sink {
	struct mcp_sink sink;
	size_t n, n_last;
};

static struct fake fake;
static struct sink out, stream;
static struct mcp_session *session;

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void take(struct mcp_sink *sink, const struct mcp_message *m)
{
	struct sink *s = (struct sink *)sink;
	struct jsonrpc_message read;

	s->n++;
	s->n_last += m->last;
	require(session != NULL);
	if (m->kind == MCP_SENT_NOTHING) {
		require(m->last && !m->text);
		return;
	}
	require(strlen(m->text) == m->len);
	for (const char *p = m->text; *p; p++)
		require((unsigned char)*p >= ' ' && (unsigned char)*p < 0x80);
	require(jsonrpc_parse(m->text, m->len, &read) == 0);
	require(read.kind == (m->kind == MCP_SENT_REQUEST	 ? JSONRPC_REQUEST
			      : m->kind == MCP_SENT_NOTIFICATION ? JSONRPC_NOTIFICATION
			      : read.kind == JSONRPC_BATCH	 ? JSONRPC_BATCH
								 : JSONRPC_RESPONSE));
	require(m->last == (m->kind == MCP_SENT_RESPONSE));
	require((m->code != 0) == (read.error != NULL) || read.kind == JSONRPC_BATCH);
	jsonrpc_done(&read);
}

/* The oldest call that is held, which ends with this. */
static struct mcp_call *release(void)
{
	struct mcp_call *call = fake.held[0];

	fake.n_held--;
	memmove(&fake.held[0], &fake.held[1], fake.n_held * sizeof(fake.held[0]));
	return call;
}

static void answered(void *userdata, struct mcp_call *call, json_t *result, json_t *error)
{
	(void)userdata;
	require(!result != !error);
	for (size_t i = 0; i < fake.n_held; i++) {
		if (fake.held[i] == call)
			return;
	}
	abort();
}

static void act_on_call(char what, const char *text, size_t len)
{
	static double progress;

	switch (what) {
	case 'p':
		mcp_call_progress(fake.held[0], progress++, len % 3 ? 7 : -1, "m");
		break;
	case 'l':
		mcp_call_log(fake.held[0], len % 2 ? "debug" : "error", NULL,
			     mcp_string(text, len));
		break;
	case 'a':
		(void)mcp_call_ask(fake.held[0], len % 2 ? "sampling/createMessage" : "ping", NULL,
				   answered);
		break;
	case 'e':
		mcp_call_error(release(), MCP_RESOURCE_NOT_FOUND, "none", NULL);
		break;
	case 'n':
		mcp_call_need_input(release(),
				    json_pack("{s:{s:s}}", "k", "method",
					      len % 2 ? "elicitation/create" : "roots/list"),
				    len % 3 ? "state" : NULL);
		break;
	default:
		mcp_call_finish_text(release(), text, len, len % 2);
		break;
	}
}

static void act(const char *text, size_t len)
{
	const char what = len > 0 ? text[0] : 'f';

	if (what == 'c')
		mcp_session_list_changed(session, len % 2 ? "tools" : "prompts");
	else if (what == 'u')
		mcp_session_resource_updated(session, "x:1");
	else if (what == 'x')
		mcp_session_end_listening(session);
	else if (what == 's')
		mcp_session_abandon(session, &out.sink);
	else if (fake.n_held > 0)
		act_on_call(what, text, len);
}

static int take_line(void *userdata, const char *text, size_t len)
{
	const struct sink before = out;

	(void)userdata;
	if (text && text[0] == '!') {
		act(text + 1, len - 1);
	} else if (!text) {
		mcp_session_too_long(session, &out.sink);
		require(out.n_last == before.n_last + 1);
	} else if (!mcp_session_receive(session, text, len, &out.sink)) {
		/* Nothing for it; but a notification may have taken back a call of this very sink.
		 */
		require(out.n == before.n || out.n_last > before.n_last);
	}
	require(fake.n_held <= MCP_CALLS_MAX);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mcp_server server = fake_server;
	struct json_lines lines;
	struct mcp_session *last;

	if (size < 3 || size > INPUT_MAX_B)
		return 0;
	memset(&fake, 0, sizeof(fake));
	out = stream = (struct sink){.sink.send = take};
	server.features = data[0];
	server.page_items = data[1] / 16;
	require(mcp_session_new(&server, data[1] % 3, &fake, data[1] % 2 ? &stream.sink : NULL,
				&session) == 0);
	json_lines_init(&lines, 4096, take_line, NULL);
	require(json_lines_feed(&lines, (const char *)data + 2, size - 2) == 0);
	json_lines_free(&lines);
	last = session;
	session = NULL;
	mcp_session_free(last);
	require(fake.n_held == 0);
	return 0;
}
