/* SPDX-License-Identifier: Apache-2.0 */
/**
 * tools.h - the tools that a model has in its VM: what they are called and take, and how a model's
 * words become arguments. Pure; agent/toolbox.h carries them out.
 *
 * Arguments are hostile text: what does not fit the schema is refused with a sentence that tells
 * the model what to change. No text of the model becomes part of a command line of ours; `exec`
 * hands its command to the VM's shell, as the one argument that it is.
 */
#ifndef AGENT_TOOLS_H
#define AGENT_TOOLS_H

#include <jansson.h>

#include "base/error.h"

#define TOOL_TEXT_MAX_B	   (32U * 1024U)	/* of a result, as the model gets it */
#define TOOL_FILE_MAX_B	   (4U * 1024U * 1024U) /* that is read or edited */
#define TOOL_PATH_MAX_B	   4096U
#define TOOL_COMMAND_MAX_B (96U * 1024U)
#define TOOL_TIMEOUT_S	   120U
#define TOOL_TIMEOUT_S_MAX 3600U
#define TOOL_LINES_MAX	   2000U /* of a file that is read, when the model does not say */
#define TOOL_LINES_MOST	   1000000000U

enum tool_kind {
	TOOL_EXEC = 0,
	TOOL_READ_FILE,
	TOOL_WRITE_FILE,
	TOOL_EDIT_FILE,
	TOOL_LIST_DIR,
	TOOL_SEARCH,
	TOOL_KIND_MAX
};

struct tool_text {
	const char *text; /* terminated; NULL: not given */
	size_t len;
};

/** Strings are borrowed from the JSON. */
struct tool_arguments {
	enum tool_kind kind;
	struct tool_text command, path, pattern; /* without NUL */
	struct tool_text content, old_text, new_text;
	bool replace_all;
	uint32_t timeout_s, first_line, n_lines;
};

/** tools_list() - all of them, in the form of model/model.h; NULL: no memory. */
json_t *tools_list(void);

/** tools_find() - the kind of a name, or TOOL_KIND_MAX. */
enum tool_kind tools_find(const char *name);

const char *tools_name(enum tool_kind kind);

/**
 * tools_arguments() - check arguments.
 * @ret:	with defaults where nothing was given
 *
 * Return: 0, or -EINVAL with a sentence for the model
 */
int tools_arguments(enum tool_kind kind, const json_t *arguments, struct tool_arguments *ret,
		    struct ironclaw_error *err);

/**
 * tools_replace() - what edit_file does to a file's text.
 * @ret:	owned by the caller
 * @ret_n:	how often it was replaced
 *
 * Return: 0; -EINVAL, with a sentence for the model: the old text is not there, or more than once;
 * -EFBIG: the new text is larger than TOOL_FILE_MAX_B; -ENOMEM
 */
int tools_replace(const struct tool_arguments *args, const char *text, size_t len, char **ret,
		  size_t *ret_len, size_t *ret_n, struct ironclaw_error *err);

/**
 * tools_lines() - the lines of a file that read_file was asked for.
 * @ret_first, @ret_last:	the first and last of them, from 1; 0 and 0: none
 * @ret_all:			lines of the file; a last one without an end counts
 *
 * Return: the part of @text that they are
 */
struct tool_text tools_lines(const struct tool_arguments *args, const char *text, size_t len,
			     size_t *ret_first, size_t *ret_last, size_t *ret_all);

/**
 * tools_text() - any bytes as text for a model: valid UTF-8 without NUL, what is not becomes
 * U+FFFD; of more than @max_b the head and the tail, with a line between that says so.
 *
 * Return: owned by the caller, at most @max_b and that line; NULL: no memory
 */
char *tools_text(const void *data, size_t len, size_t max_b);

#endif
