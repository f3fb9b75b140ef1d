/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox_tool_args.c - what the arguments of a tool ask of a sandbox. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/sandbox_tools_internal.h"

/* A text argument that has to be one of C's; NULL when absent. */
static int c_string(const json_t *arguments, const char *name, const char **ret, const char **why)
{
	const json_t *value = json_object_get(arguments, name);

	*ret = json_string_value(value);
	if (!*ret || strlen(*ret) == json_string_length(value))
		return 0;
	*why = "A command or a path must not hold a NUL character.";
	return -EINVAL;
}

/* A whole number, which may be written as 3.0; @otherwise: when absent. */
static uint64_t number(const json_t *arguments, const char *name, uint64_t otherwise)
{
	const json_t *value = json_object_get(arguments, name);
	double real = json_number_value(value);

	if (!value)
		return otherwise;
	if (json_is_integer(value))
		return (uint64_t)json_integer_value(value);
	return real < 1e18 ? (uint64_t)real : (uint64_t)1e18;
}

static int make_command(const json_t *arguments, uint64_t timeout_max_ms, struct tool_request *ret,
			const char **why)
{
	const json_t *in = json_object_get(arguments, "stdin");
	uint64_t timeout_ms = number(arguments, "timeout_s", timeout_max_ms / 1000) * 1000;
	struct sandbox_request *r = &ret->request;

	r->op = SANDBOX_EXEC;
	ret->argv[0] = "sh";
	ret->argv[1] = "-c";
	r->argv = ret->argv;
	r->data = json_string_value(in);
	r->len = json_string_length(in);
	r->timeout_ms = timeout_ms < timeout_max_ms && timeout_ms > 0 ? timeout_ms : timeout_max_ms;
	r->output_max_b = KEPT_OUTPUT_MAX_B;
	return c_string(arguments, "command", &ret->argv[2], why) < 0 ||
			       c_string(arguments, "cwd", &r->cwd, why) < 0
		       ? -EINVAL
		       : 0;
}

static int decode(const json_t *content, struct tool_request *ret, const char **why)
{
	const size_t len = json_string_length(content);
	unsigned char *bytes = malloc(len + 1);

	*why = "out of memory";
	if (!bytes)
		return -ENOMEM;
	ret->decoded = bytes;
	ret->request.data = bytes;
	if (sodium_base642bin(bytes, len + 1, json_string_value(content), len, "\r\n",
			      &ret->request.len, NULL, sodium_base64_VARIANT_ORIGINAL) == 0)
		return 0;
	*why = "content is not base64.";
	return -EINVAL;
}

static int make_write(const json_t *arguments, struct tool_request *ret, const char **why)
{
	json_t *content = json_object_get(arguments, "content");

	ret->request.op = SANDBOX_WRITE;
	if (jsonrpc_is(json_object_get(arguments, "encoding"), "base64"))
		return decode(content, ret, why);
	ret->request.data = json_string_value(content);
	ret->request.len = json_string_length(content);
	return 0;
}

int tool_request_make(enum tool_id tool, const json_t *arguments, uint64_t timeout_max_ms,
		      struct tool_request *ret, const char **why)
{
	struct sandbox_request *r = &ret->request;

	memset(ret, 0, sizeof(*ret));
	if (c_string(arguments, "path", &r->path, why) < 0)
		return -EINVAL;
	switch (tool) {
	case TOOL_RUN:
	case TOOL_EXEC:
		return make_command(arguments, timeout_max_ms, ret, why);
	case TOOL_READ:
		r->op = SANDBOX_READ;
		r->offset = number(arguments, "offset", 0);
		r->limit = number(arguments, "limit", TOOL_READ_MAX_B);
		return 0;
	case TOOL_WRITE:
		return make_write(arguments, ret, why);
	case TOOL_LIST:
		r->op = SANDBOX_LIST;
		r->limit = number(arguments, "limit", TOOL_LIST_MAX);
		return 0;
	case TOOL_CHANGES:
	case TOOL_APPLY:
	case TOOL_IDS:
		break;
	}
	*why = "This tool asks nothing of the VM.";
	return -EINVAL;
}

void tool_request_done(struct tool_request *r)
{
	free(r->decoded);
	r->decoded = NULL;
}

static int select_path(struct changes *changes, const json_t *path, struct ironclaw_error *err)
{
	for (size_t i = 0; i < changes->n; i++) {
		if (jsonrpc_is(path, changes->changes[i].path)) {
			changes_select(changes, i, true);
			return 0;
		}
	}
	return err_set(err, IRONCLAW_ERR_NOT_FOUND, ENOENT,
		       "there is no change of '%s': sandbox_changes has the paths",
		       json_string_value(path));
}

int tool_select(struct changes *changes, const json_t *arguments, struct ironclaw_error *err)
{
	json_t *paths = json_object_get(arguments, "paths"), *path;
	size_t i;
	int r = 0;

	changes_select_all(changes, !paths);
	json_array_foreach(paths, i, path)
	{
		r = select_path(changes, path, err);
		if (r < 0)
			break;
	}
	return r;
}
