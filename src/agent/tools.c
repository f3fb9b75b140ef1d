/* SPDX-License-Identifier: Apache-2.0 */
/* tools.c - the model's tools in the VM, their schemas and arguments; see tools.h. */
#include "agent/tools.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define PARAMETERS_MAX 5

enum parameter_type { TEXT = 0, /* with a NUL it is refused */ BYTES, NUMBER, SWITCH };

struct parameter {
	const char *name;
	enum parameter_type type;
	bool required, may_be_empty;
	size_t offset;
	uint64_t max, value; /* of a text its bytes; value: when not given */
	const char *description;
};

#define AT(field) offsetof(struct tool_arguments, field)

static const struct {
	const char *name, *description;
	struct parameter parameters[PARAMETERS_MAX]; /* end with a NULL name */
} tools[TOOL_KIND_MAX] = {
	[TOOL_EXEC] =
		{"exec",
		 "Run a shell command (sh -c) in the working directory. Returns its output and "
		 "exit code. There is no network and no terminal; what it leaves running is "
		 "ended with it.",
		 {{"command", TEXT, true, false, AT(command), TOOL_COMMAND_MAX_B, 0, "the command"},
		  {"timeout_s", NUMBER, false, false, AT(timeout_s), TOOL_TIMEOUT_S_MAX,
		   TOOL_TIMEOUT_S, "seconds after which it is killed; 120 when not given"}}},
	[TOOL_READ_FILE] = {"read_file",
			    "Read a text file.",
			    {{"path", TEXT, true, false, AT(path), TOOL_PATH_MAX_B, 0,
			      "path; a relative one begins at the working directory"},
			     {"first_line", NUMBER, false, false, AT(first_line), TOOL_LINES_MOST,
			      1, "where to begin; 1 when not given"},
			     {"lines", NUMBER, false, false, AT(n_lines), TOOL_LINES_MOST,
			      TOOL_LINES_MAX, "how many lines; 2000 when not given"}}},
	[TOOL_WRITE_FILE] = {"write_file",
			     "Write a file: a new one, or in the place of the one that is there. "
			     "Folders are made where they are missing.",
			     {{"path", TEXT, true, false, AT(path), TOOL_PATH_MAX_B, 0, "path"},
			      {"content", BYTES, true, true, AT(content), TOOL_FILE_MAX_B, 0,
			       "all of the file"}}},
	[TOOL_EDIT_FILE] = {"edit_file",
			    "Replace text in a file. The old text must be exactly as in the file, "
			    "with its spaces and line ends, and there only once unless replace_all "
			    "is true.",
			    {{"path", TEXT, true, false, AT(path), TOOL_PATH_MAX_B, 0, "path"},
			     {"old_text", BYTES, true, false, AT(old_text), TOOL_FILE_MAX_B, 0,
			      "what is there"},
			     {"new_text", BYTES, true, true, AT(new_text), TOOL_FILE_MAX_B, 0,
			      "what is to be there"},
			     {"replace_all", SWITCH, false, false, AT(replace_all), 1, 0,
			      "replace it wherever it is"}}},
	[TOOL_LIST_DIR] = {"list_dir",
			   "List a folder.",
			   {{"path", TEXT, false, false, AT(path), TOOL_PATH_MAX_B, 0,
			     "path; the working directory when not given"}}},
	[TOOL_SEARCH] = {"search",
			 "Search text files for an extended regular expression, as grep -rnE does.",
			 {{"pattern", TEXT, true, false, AT(pattern), TOOL_PATH_MAX_B, 0,
			   "the regular expression"},
			  {"path", TEXT, false, false, AT(path), TOOL_PATH_MAX_B, 0,
			   "file or folder; the working directory when not given"}}},
};

const char *tools_name(enum tool_kind kind)
{
	return kind < TOOL_KIND_MAX ? tools[kind].name : NULL;
}

enum tool_kind tools_find(const char *name)
{
	int kind = 0;

	while (kind < TOOL_KIND_MAX && strcmp(tools[kind].name, name) != 0)
		kind++;
	return (enum tool_kind)kind;
}

static json_t *schema_of(enum tool_kind kind)
{
	static const char *const types[] = {"string", "string", "integer", "boolean"};
	json_t *properties = json_object(), *required = json_array();
	int r = 0;

	for (const struct parameter *p = tools[kind].parameters; p->name; p++) {
		json_t *one = json_pack("{s:s, s:s}", "type", types[p->type], "description",
					p->description);

		if (p->type == NUMBER && one)
			r |= json_object_set_new(one, "minimum", json_integer(1));
		r |= json_object_set_new(properties, p->name, one);
		if (p->required)
			r |= json_array_append_new(required, json_string(p->name));
	}
	if (r == 0)
		return json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties,
				 "required", required, "additionalProperties", 0);
	json_decref(properties);
	json_decref(required);
	return NULL;
}

json_t *tools_list(void)
{
	cleanup(json_decrefp) json_t *list = json_array();

	for (int kind = 0; kind < TOOL_KIND_MAX; kind++) {
		json_t *schema = schema_of((enum tool_kind)kind);

		if (!schema ||
		    json_array_append_new(list,
					  json_pack("{s:s, s:s, s:o}", "name", tools[kind].name,
						    "description", tools[kind].description,
						    "schema", schema)) < 0)
			return NULL;
	}
	return take_ptr(list);
}

static int wrong(const struct parameter *p, const char *what, struct ironclaw_error *err)
{
	return err_set(err, IRONCLAW_ERR_INVALID, EINVAL, "\"%s\" %s", p->name, what);
}

static int take_text(const struct parameter *p, const json_t *value, struct tool_arguments *ret,
		     struct ironclaw_error *err)
{
	struct tool_text text = {json_string_value(value), json_string_length(value)};

	if (!text.text)
		return wrong(p, "must be a string", err);
	if (text.len == 0 && !p->may_be_empty)
		return wrong(p, "must not be empty", err);
	if (text.len > p->max)
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "\"%s\" is too long: %zu bytes, at most %ju", p->name, text.len,
			       (uintmax_t)p->max);
	if (p->type == TEXT && strlen(text.text) != text.len)
		return wrong(p, "must not hold a NUL character", err);
	memcpy((char *)ret + p->offset, &text, sizeof(text));
	return 0;
}

static int take_value(const struct parameter *p, const json_t *value, struct tool_arguments *ret,
		      struct ironclaw_error *err)
{
	json_int_t n = json_integer_value(value);

	if (p->type == TEXT || p->type == BYTES)
		return take_text(p, value, ret, err);
	if (p->type == SWITCH) {
		if (!json_is_boolean(value))
			return wrong(p, "must be true or false", err);
		*(bool *)((char *)ret + p->offset) = json_is_true(value);
		return 0;
	}
	if (!json_is_integer(value) || n < 1 || (uint64_t)n > p->max)
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "\"%s\" must be a whole number from 1 to %ju", p->name,
			       (uintmax_t)p->max);
	*(uint32_t *)(void *)((char *)ret + p->offset) = (uint32_t)n;
	return 0;
}

static const struct parameter *find_parameter(enum tool_kind kind, const char *name)
{
	const struct parameter *p = tools[kind].parameters;

	while (p->name && strcmp(p->name, name) != 0)
		p++;
	return p->name ? p : NULL;
}

int tools_arguments(enum tool_kind kind, const json_t *arguments, struct tool_arguments *ret,
		    struct ironclaw_error *err)
{
	struct tool_arguments args = {.kind = kind};
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)arguments, name, value)
	{
		if (!find_parameter(kind, name))
			return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
				       "%s takes no argument \"%.64s\"", tools[kind].name, name);
	}
	for (const struct parameter *p = tools[kind].parameters; p->name; p++) {
		int r = 0;

		value = json_object_get(arguments, p->name);
		/* Some models fill in what they do not need. */
		if (value && !(json_is_null(value) && !p->required))
			r = take_value(p, value, &args, err);
		else if (p->required)
			r = wrong(p, "is missing", err);
		else if (p->type == NUMBER)
			*(uint32_t *)(void *)((char *)&args + p->offset) = (uint32_t)p->value;
		if (r < 0)
			return r;
	}
	*ret = args;
	return 0;
}
