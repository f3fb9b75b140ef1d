/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_mcp_client.c - any bytes as what a server sends: never a crash, an answer belongs to a
 * request of ours, what is sent back is one line of JSON, and every tool that models are shown has
 * a name and a schema that they take.
 *
 * Input: a byte that chooses the era, then the server's lines.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mcp/client_core.h"
#include "mcp/client_params.h"

#define TEXT_MAX_B 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static int on_line(void *ud, const char *text, size_t len)
{
	cleanup_free char *reply = NULL;
	json_t *json;

	if (!text)
		return 0;
	(void)mcp_core_receive(ud, text, len, 0, &reply);
	if (reply) {
		require(!strchr(reply, '\n'));
		json = json_loads(reply, JSON_ALLOW_NUL, NULL);
		require(json_is_object(json));
		json_decref(json);
	}
	return 0;
}

static void check_tools(const struct mcp_tools *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct mcp_client_tool *t = &list->items[i];

		require(strlen(t->name) <= MCP_TOOL_NAME_MAX_B);
		require(strncmp(t->name, "mcp__s__", 8) == 0);
		require(strlen(t->description) <= MCP_DESCRIPTION_MAX_B);
		require(json_is_object(json_object_get(t->schema, "properties")));
		require(!json_object_get(t->schema, "anyOf"));
		for (size_t j = 0; j < i; j++)
			require(strcmp(t->name, list->items[j].name) != 0);
	}
}

static void read_tools(const struct mcp_pending *p)
{
	static struct mcp_tools list;
	char *line;
	size_t i;
	json_t *param;

	(void)mcp_tools_add(&list, "s", p->result, NULL);
	check_tools(&list);
	for (size_t n = 0; n < list.n; n++) {
		json_array_foreach(list.details[n].params, i, param)
		{
			/* The list's own answer serves as arguments. */
			if (mcp_params_header(param, p->result, &line) == 0 && line) {
				require(!strpbrk(line, "\r\n"));
				free(line);
			}
		}
	}
	mcp_tools_clear(&list);
}

static void read_answers(struct mcp_core *core)
{
	struct ironclaw_error err = {0};

	for (uint64_t id = 1; id <= 4; id++) {
		struct mcp_pending *p = mcp_core_find(core, id);
		cleanup_free char *text = NULL;

		require(p && p->answered == (p->result || p->error));
		if (!p->answered)
			continue;
		read_tools(p);
		if (mcp_core_check_call(core, p, &err) == 0) {
			require(mcp_client_result_text(p->result, TEXT_MAX_B, &text) == 0);
			require(strlen(text) < TEXT_MAX_B + 64);
		}
		(void)mcp_core_take_initialize(core, p, &err);
		(void)mcp_core_take_discover(core, p);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_lines lines;
	struct mcp_core core;
	uint64_t id;

	if (size == 0)
		return 0;
	mcp_core_init(&core);
	core.era = (enum mcp_client_era)(data[0] % 3);
	for (int i = 0; i < 4; i++) {
		cleanup_free char *text = NULL;

		require(mcp_core_request(&core, "tools/call", NULL, true, &id, &text) == 0);
	}
	json_lines_init(&lines, 0, on_line, &core);
	(void)json_lines_feed(&lines, (const char *)data + 1, size - 1);
	(void)json_lines_feed(&lines, "\n", 1);
	json_lines_free(&lines);
	read_answers(&core);
	mcp_core_done(&core);
	return 0;
}
