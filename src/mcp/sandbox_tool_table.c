/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox_tool_table.c - the tools as a client and its model are told of them.
 *
 * Names, schemas and lengths stay within what all known clients take: plain object schemas, each
 * property with one type, no composition, descriptions of at most 1000 characters. Keywords are
 * those that schema.h enforces. Tests hold the table against that.
 */
#include "mcp/sandbox_tools_internal.h"

#define COMMAND_PROPERTIES                                                                         \
	"\"command\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":100000,"                   \
	"\"description\":\"Run by sh -c.\"},"                                                      \
	"\"cwd\":{\"type\":\"string\",\"maxLength\":4000,"                                         \
	"\"description\":\"Folder to run it in; default: the workspace, else the home folder.\"}," \
	"\"stdin\":{\"type\":\"string\",\"description\":\"What it reads; default: nothing.\"},"    \
	"\"timeout_s\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":604800,"                    \
	"\"description\":\"Kill it after so many seconds; the server has a limit too.\"}"

#define COMMAND_INPUT                                                                              \
	"{\"type\":\"object\",\"properties\":{" COMMAND_PROPERTIES                                 \
	"},\"required\":[\"command\"],\"additionalProperties\":false}"

#define COMMAND_OUTPUT                                                                             \
	"{\"type\":\"object\",\"properties\":{"                                                    \
	"\"exit_code\":{\"type\":\"integer\",\"description\":\"128+N: killed by signal N; 124: "   \
	"out of "                                                                                  \
	"time.\"},"                                                                                \
	"\"stdout\":{\"type\":\"string\"},"                                                        \
	"\"stderr\":{\"type\":\"string\"},"                                                        \
	"\"truncated\":{\"type\":\"boolean\",\"description\":\"Output was left out in the "        \
	"middle.\"},"                                                                              \
	"\"stdout_bytes\":{\"type\":\"integer\",\"description\":\"That were written in all.\"},"   \
	"\"stderr_bytes\":{\"type\":\"integer\"},"                                                 \
	"\"stdout_uri\":{\"type\":\"string\",\"description\":\"Resource with more of it.\"},"      \
	"\"stderr_uri\":{\"type\":\"string\"},"                                                    \
	"\"timed_out\":{\"type\":\"boolean\"},"                                                    \
	"\"out_of_memory\":{\"type\":\"boolean\"},"                                                \
	"\"message\":{\"type\":\"string\",\"description\":\"Why it failed.\"},"                    \
	"\"duration_ms\":{\"type\":\"integer\"}},"                                                 \
	"\"required\":[\"exit_code\",\"stdout\",\"stderr\",\"truncated\",\"duration_ms\"],"        \
	"\"additionalProperties\":false}"

#define PATH_PROPERTY(text)                                                                        \
	"\"path\":{\"type\":\"string\",\"maxLength\":4000,\"description\":\"" text "\"}"

#define ENCODING_PROPERTY                                                                          \
	"\"encoding\":{\"type\":\"string\",\"enum\":[\"utf-8\",\"base64\"],"                       \
	"\"description\":\"Of content; default: utf-8.\"}"

#define OBJECT(properties, required)                                                               \
	"{\"type\":\"object\",\"properties\":{" properties "},\"required\":[" required             \
	"],\"additionalProperties\":false}"

#define READS	"{\"readOnlyHint\":true,\"openWorldHint\":false}"
#define INSIDE	"{\"readOnlyHint\":false,\"destructiveHint\":false,\"openWorldHint\":false}"
#define OUTSIDE "{\"readOnlyHint\":false,\"destructiveHint\":true,\"openWorldHint\":false}"

const char sandbox_tools_instructions[] =
	"Commands and files here are those of a micro-VM, not of the user's machine. It has no "
	"network. sandbox_exec, sandbox_read, sandbox_write and sandbox_list share one VM that "
	"lasts "
	"as long as this connection; sandbox_run takes a fresh one for a single command. If the "
	"server has a workspace, the VM has a copy of a folder of the user's at /workspace; "
	"sandbox_changes shows what became of it, and only sandbox_apply, which the user has to "
	"approve, changes the user's files.";

const struct mcp_tool sandbox_tool_table[TOOL_IDS] = {
	[TOOL_RUN] =
		{.name = "sandbox_run",
		 .title = "Run in a fresh VM",
		 .description =
			 "Runs one shell command in a fresh micro-VM without network, which is "
			 "forgotten afterwards with all its files. If there is a workspace, the "
			 "command works on a new copy of it. For work in several steps use "
			 "sandbox_exec.",
		 .input_schema = COMMAND_INPUT,
		 .output_schema = COMMAND_OUTPUT,
		 .annotations = INSIDE},
	[TOOL_EXEC] =
		{.name = "sandbox_exec",
		 .title = "Run in the VM",
		 .description =
			 "Runs a shell command in this connection's micro-VM, which keeps its "
			 "files between calls. Nothing that the command starts outlives it. Long "
			 "output is shortened in the middle.",
		 .input_schema = COMMAND_INPUT,
		 .output_schema = COMMAND_OUTPUT,
		 .annotations = INSIDE},
	[TOOL_READ] =
		{.name = "sandbox_read",
		 .title = "Read a file of the VM",
		 .description = "Reads a file of this connection's micro-VM, a piece at a time: "
				"next_offset is where to go on.",
		 .input_schema = OBJECT(
			 PATH_PROPERTY("Relative ones begin in the workspace, else in the home "
				       "folder.") ",\"offset\":{\"type\":\"integer\",\"minimum\":0,"
						  "\"description\":\"First byte; "
						  "default: "
						  "0.\"},\"limit\":{\"type\":\"integer\","
						  "\"minimum\":1,\"maximum\":"
						  "28000"
						  ",\"description\":\"Bytes at "
						  "most.\"}," ENCODING_PROPERTY,
			 "\"path\""),
		 .output_schema = OBJECT(
			 "\"content\":{\"type\":\"string\"}," ENCODING_PROPERTY
			 ",\"size\":{\"type\":\"integer\",\"description\":\"Of the whole file.\"},"
			 "\"next_offset\":{\"type\":\"integer\",\"description\":\"Missing: this "
			 "was the "
			 "rest.\"},\"lossy\":{\"type\":\"boolean\",\"description\":\"It is no "
			 "UTF-8: ask for "
			 "base64.\"}",
			 "\"content\",\"encoding\",\"size\""),
		 .annotations = READS},
	[TOOL_WRITE] =
		{.name = "sandbox_write",
		 .title = "Write a file of the VM",
		 .description =
			 "Writes a whole file of this connection's micro-VM; missing folders are "
			 "made. What it replaces is gone.",
		 .input_schema =
			 OBJECT(PATH_PROPERTY("Relative ones begin in the workspace, else in the "
					      "home folder.") ",\"content\":{\"type\":\"string\"}"
							      "," ENCODING_PROPERTY,
				"\"path\",\"content\""),
		 .output_schema =
			 OBJECT("\"written\":{\"type\":\"integer\",\"description\":\"Bytes.\"}",
				"\"written\""),
		 .annotations = INSIDE},
	[TOOL_LIST] =
		{.name = "sandbox_list",
		 .title = "List a folder of the VM",
		 .description = "Lists what is in a folder of this connection's micro-VM.",
		 .input_schema = OBJECT(PATH_PROPERTY("Default: the workspace, else the home "
						      "folder.") ",\"limit\":{\"type\":\"integer\","
								 "\"minimum\":1,\"maximum\":"
								 "1000"
								 ",\"description\":\"Entries at "
								 "most.\"}",
					""),
		 .output_schema = OBJECT(
			 "\"entries\":{\"type\":\"array\",\"items\":" OBJECT(
				 "\"name\":{\"type\":\"string\"},\"type\":{\"type\":\"string\","
				 "\"enum\":["
				 "\"file\",\"folder\",\"link\",\"other\"]},\"size\":{\"type\":"
				 "\"integer\"},"
				 "\"mode\":{\"type\":\"string\"}",
				 "\"name\",\"type\",\"size\",\"mode\"") "},\"truncated\":{\"type\":"
									"\"boolean\"}",
			 "\"entries\",\"truncated\""),
		 .annotations = READS},
	[TOOL_CHANGES] =
		{.name = "sandbox_changes",
		 .title = "Show changes of the workspace",
		 .description =
			 "Shows what the commands in this connection's micro-VM have made of the "
			 "workspace, compared with the user's folder as it was copied, or as "
			 "sandbox_apply left it. Changes nothing.",
		 .input_schema =
			 "{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}",
		 .output_schema = OBJECT(
			 "\"changes\":{\"type\":\"array\",\"items\":" OBJECT(
				 "\"path\":{\"type\":\"string\"},\"kind\":{\"type\":\"string\"},"
				 "\"risk\":{\"type\":\"string\",\"description\":\"Why it may act "
				 "on the "
				 "user's machine later.\"}",
				 "\"path\",\"kind\"") "},\"total\":{\"type\":\"integer\"},"
						      "\"truncated\":{\"type\":\"boolean\"},"
						      "\"left_out\":{\"type\":\"integer\","
						      "\"description\":\"Changed, but excluded "
						      "from "
						      "the workspace: never applied.\"}",
			 "\"changes\",\"total\",\"truncated\",\"left_out\""),
		 .annotations = READS},
	[TOOL_APPLY] =
		{.name = "sandbox_apply",
		 .title = "Apply changes to the user's files",
		 .description =
			 "Brings changes of the workspace to the user's own folder, all or "
			 "nothing. The user, or a policy of the user's, has to approve exactly "
			 "these changes; this waits for the answer, up to five minutes. Use "
			 "sandbox_changes first.",
		 .input_schema = OBJECT("\"paths\":{\"type\":\"array\",\"items\":{\"type\":"
					"\"string\"},\"minItems\":1,"
					"\"maxItems\":"
					"1000"
					",\"description\":\"Which changes; default: all. What they "
					"need, such as a new folder, comes along.\"}",
					""),
		 .output_schema =
			 OBJECT("\"applied\":{\"type\":\"integer\",\"description\":\"How many "
				"changes.\"}",
				"\"applied\""),
		 .annotations = OUTSIDE},
};

_Static_assert(TOOL_READ_MAX_B == 28000, "as the schemas say");
_Static_assert(TOOL_LIST_MAX == 1000, "as the schemas say");
_Static_assert(TOOL_PATHS_MAX == 1000, "as the schemas say");
