/* SPDX-License-Identifier: Apache-2.0 */
/* agent_args.c - the command line of `ironclaw agent`. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/utf8.h"
#include "cli/agent.h"
#include "cli/cli.h"

static const char help[] =
	"usage: ironclaw agent [FLAG...] --model NAME \"TASK\"\n"
	"       ironclaw agent [FLAG...] --model NAME --file FILE\n"
	"       ironclaw agent [FLAG...] --model NAME               asks you, again and again\n"
	"       ironclaw agent [FLAG...] --model NAME --resume FILE [\"TASK\"]\n"
	"\n"
	"Lets a language model work on a task in a fresh micro-VM, with tools to run commands and "
	"to\n"
	"read, write, edit, list and search files there.\n"
	"\n"
	"      --model NAME       the model, as its provider calls it\n"
	"      --provider NAME    openai (and all that speak as it) or anthropic (default: the "
	"one\n"
	"                         whose key is in the environment, else openai)\n"
	"      --base-url URL     another server than the provider's own\n"
	"      --key-file FILE    its key (default: OPENAI_API_KEY, ANTHROPIC_API_KEY)\n"
	"      --ca-file FILE     certificates to trust instead of the system's\n"
	"      --file FILE        read the task from a file; - is stdin\n"
	"      --system FILE      instructions beside the task, for all of the session\n"
	"      --mcp-config FILE  MCP servers whose tools the model gets\n"
	"      --max-iterations N questions to the model, for a task (default and most: 100)\n"
	"      --max-tokens N     tokens, in and out\n"
	"      --max-time TIME    time (30s, 5m, 2h)\n"
	"      --max-vm-time TIME time in which tools run\n"
	"      --record FILE      where the session is recorded (default: a new file in\n"
	"                         DATA/sessions)\n"
	"      --resume FILE      go on with a recorded session, in a new VM\n"
	"      --image NAME       image of the VM (default: 'default')\n" VM_ARGS_HELP
		VM_ARGS_WORKSPACE_HELP "      --json             print a line of JSON for each "
	"event\n"
	"  -q, --quiet            the model's words only\n"
	"\n"
	"Exit code: 0 when the model has said that it is done; 1 when "
	"a budget was used up or the\n"
	"model refused; 130 when it was interrupted; 125 when the "
	"model, the VM or IronClaw failed; 2\n"
	"for a wrong call. After 1, 125 and 130 --resume goes on.\n";

enum {
	OPT_MODEL = 256,
	OPT_PROVIDER,
	OPT_BASE_URL,
	OPT_KEY_FILE,
	OPT_CA_FILE,
	OPT_FILE,
	OPT_SYSTEM,
	OPT_MCP_CONFIG,
	OPT_MAX_ITERATIONS,
	OPT_MAX_TOKENS,
	OPT_MAX_TIME,
	OPT_MAX_VM_TIME,
	OPT_RECORD,
	OPT_RESUME,
	OPT_IMAGE,
	OPT_JSON
};

static const struct option longs[] = {
	{"model", required_argument, NULL, OPT_MODEL},
	{"provider", required_argument, NULL, OPT_PROVIDER},
	{"base-url", required_argument, NULL, OPT_BASE_URL},
	{"key-file", required_argument, NULL, OPT_KEY_FILE},
	{"ca-file", required_argument, NULL, OPT_CA_FILE},
	{"file", required_argument, NULL, OPT_FILE},
	{"system", required_argument, NULL, OPT_SYSTEM},
	{"mcp-config", required_argument, NULL, OPT_MCP_CONFIG},
	{"max-iterations", required_argument, NULL, OPT_MAX_ITERATIONS},
	{"max-tokens", required_argument, NULL, OPT_MAX_TOKENS},
	{"max-time", required_argument, NULL, OPT_MAX_TIME},
	{"max-vm-time", required_argument, NULL, OPT_MAX_VM_TIME},
	{"record", required_argument, NULL, OPT_RECORD},
	{"resume", required_argument, NULL, OPT_RESUME},
	{"image", required_argument, NULL, OPT_IMAGE},
	{"json", no_argument, NULL, OPT_JSON},
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	VM_ARGS_OPTIONS,
	{NULL, 0, NULL, 0},
};

/* What stands on the command line, before files are read. */
struct parser {
	struct agent_args *args;
	const char *task, *task_file, *system_file, *provider;
};

static const char **text_field(struct parser *p, int c)
{
	switch (c) {
	case OPT_MODEL:
		return &p->args->model;
	case OPT_PROVIDER:
		return &p->provider;
	case OPT_BASE_URL:
		return &p->args->provider.base_url;
	case OPT_KEY_FILE:
		return &p->args->provider.key_file;
	case OPT_CA_FILE:
		return &p->args->provider.ca_file;
	case OPT_FILE:
		return &p->task_file;
	case OPT_SYSTEM:
		return &p->system_file;
	case OPT_MCP_CONFIG:
		return &p->args->mcp_config;
	case OPT_RECORD:
		return &p->args->record;
	case OPT_RESUME:
		return &p->args->resume;
	case OPT_IMAGE:
		return &p->args->on.vm.image;
	default:
		return NULL;
	}
}

static const char *set_limit(struct agent_limits *limits, int c, const char *text)
{
	if (c == OPT_MAX_ITERATIONS)
		return parse_u32(text, 1, AGENT_ITERATIONS_MAX, &limits->iterations) < 0
			       ? "is not a number from 1 to 100"
			       : NULL;
	if (c == OPT_MAX_TOKENS)
		return parse_u64(text, 1, RECORD_NUMBER_MAX, &limits->tokens) < 0
			       ? "is not a number of tokens"
			       : NULL;
	return parse_duration_ms(text, c == OPT_MAX_TIME ? &limits->wall_ms : &limits->vm_ms) < 0
		       ? "is not a time such as 30s, 5m or 2h (at most 7 days)"
		       : NULL;
}

static const char *set_option(struct parser *p, int c)
{
	const char **field = text_field(p, c);

	if (c >= VM_ARG_CPUS)
		return vm_args_take(&p->args->on, c, optarg);
	if (c == OPT_JSON)
		p->args->json = true;
	else if (c == 'q')
		p->args->quiet = true;
	else if (!field)
		return set_limit(&p->args->limits, c, optarg);
	else
		*field = optarg;
	return NULL;
}

static int parse_flags(int argc, char **argv, struct parser *p)
{
	int c;

	optind = 1;
	while ((c = cli_getopt(argc, argv, "-:qh", longs)) != -1) {
		const char *bad = NULL;

		if (c == '?')
			return CLI_EXIT_USAGE;
		if (c == 'h')
			return cli_help(help);
		if (c == 1 && p->task)
			return cli_usage_error(argv[0],
					       "unexpected '%s': a task is one argument, "
					       "in quotes",
					       optarg);
		if (c == 1)
			p->task = optarg;
		else
			bad = set_option(p, c);
		if (bad)
			return cli_usage_error(argv[0], "--%s '%s' %s", cli_option_name(longs, c),
					       optarg, bad);
	}
	if (argc > optind && !p->task)
		p->task = argv[optind++];
	return argc == optind ? -1
			      : cli_usage_error(argv[0],
						"unexpected '%s': a task is one argument, "
						"in quotes",
						argv[optind]);
}

static int read_text(const char *path, char **ret, struct ironclaw_error *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	cleanup_close int opened = is_stdin ? -EBADF : open(path, O_RDONLY | O_CLOEXEC);
	int fd = is_stdin ? STDIN_FILENO : opened;
	cleanup_free char *text = malloc(AGENT_TASK_MAX_B + 1);
	size_t len = 0;
	ssize_t n;

	if (fd < 0 || !text)
		return err_sys(err, fd < 0 ? errno : ENOMEM, "cannot read '%s'", path);
	while ((n = read(fd, text + len, AGENT_TASK_MAX_B + 1 - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		return err_sys(err, errno, "cannot read '%s'", path);
	if (len > AGENT_TASK_MAX_B || memchr(text, '\0', len) || !utf8_valid(text, len) || len == 0)
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "'%s' is no text of 1 byte to %u KiB in UTF-8", path,
			       AGENT_TASK_MAX_B >> 10);
	text[len] = '\0';
	*ret = take_ptr(text);
	return 0;
}

static int set_provider(const char *command, struct parser *p)
{
	const char *openai = getenv("OPENAI_API_KEY"), *anthropic = getenv("ANTHROPIC_API_KEY");

	p->args->provider.dialect = MODEL_OPENAI;
	if (!p->provider && anthropic && anthropic[0] && !(openai && openai[0]) &&
	    !p->args->provider.base_url)
		p->args->provider.dialect = MODEL_ANTHROPIC;
	if (!p->provider || strcmp(p->provider, "openai") == 0)
		return -1;
	p->args->provider.dialect = MODEL_ANTHROPIC;
	return strcmp(p->provider, "anthropic") == 0
		       ? -1
		       : cli_usage_error(command, "--provider '%s' is neither openai nor anthropic",
					 p->provider);
}

static int check(const char *command, struct parser *p)
{
	const struct agent_args *args = p->args;

	if (p->task && p->task_file)
		return cli_usage_error(command, "there is a task, and --file as well");
	if (p->task && (!p->task[0] || !utf8_valid(p->task, strlen(p->task))))
		return cli_usage_error(command, "the task is no text in UTF-8");
	if (!args->model || !args->model[0])
		return cli_usage_error(command, "which model? --model NAME says it");
	if (!p->task && !p->task_file && !args->resume && (args->json || !isatty(STDIN_FILENO)))
		return cli_usage_error(command, "there is no task, and no terminal to ask for one");
	if (args->record && args->resume)
		return cli_usage_error(command,
				       "--resume adds to its own file: --record is one too "
				       "many");
	return vm_args_check(command, &args->on, true);
}

int agent_parse(int argc, char **argv, struct agent_args *ret)
{
	struct parser p = {.args = ret};
	struct ironclaw_error err = {0};
	int code, r = 0;

	*ret = (struct agent_args){.model = NULL};
	vm_args_init(&ret->on);
	code = parse_flags(argc, argv, &p);
	if (code < 0)
		code = check(argv[0], &p);
	if (code < 0)
		code = set_provider(argv[0], &p);
	if (code >= 0)
		return code;
	if (p.task)
		r = (ret->task = strdup(p.task)) ? 0 : err_sys(&err, ENOMEM, "no room");
	else if (p.task_file)
		r = read_text(p.task_file, &ret->task, &err);
	if (r == 0 && p.system_file)
		r = read_text(p.system_file, &ret->system, &err);
	return r < 0 ? cli_fail(&err, CLI_EXIT_USAGE) : -1;
}

void agent_args_done(struct agent_args *args)
{
	free(args->task);
	free(args->system);
}
