/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.c - what a request is in the guest; pure.
 *
 * Files and folders are the business of the image's own shell and tools, as its ordinary user. The
 * scripts here are constants; what a caller says comes to them as "$1", "$2" and so on, and a path
 * begins with '/' or "./", so that it is no option. They use what busybox and Debian both have.
 * Exit codes from 64 on are ours, and answer.c has a sentence for each.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sandbox/answer_codes.h"
#include "sandbox/sandbox_internal.h"

/* path, offset, bytes. Size of the file, then the bytes. */
static const char read_script[] = "[ ! -d \"$1\" ] || exit " CODE_IS_FOLDER "\n"
				  "[ -e \"$1\" ] || exit " CODE_IS_NOT_THERE "\n"
				  "[ -f \"$1\" ] || exit " CODE_IS_SPECIAL "\n"
				  "stat -L -c %s \"$1\" || exit 1\n"
				  "[ \"$2\" != 0 ] || exec head -c \"$3\" \"$1\"\n"
				  /* tail(1) counts from 1. */
				  "tail -c +$(($2 + 1)) \"$1\" | head -c \"$3\"\n";

/*
 * path, bytes. A new file beside it takes its place once it is whole. A link stays, and what it
 * leads to is written; the x keeps newlines at the end of a name.
 */
static const char write_script[] =
	"f=$1\n"
	"if [ -L \"$f\" ]; then f=$(readlink -f \"$f\" && echo x) || exit " CODE_IS_LOST_LINK "; "
	"f=${f%?x}; fi\n"
	"case $f in */) exit " CODE_IS_FOLDER ";; esac\n"
	"[ ! -d \"$f\" ] || exit " CODE_IS_FOLDER "\n"
	"[ ! -e \"$f\" ] || [ -f \"$f\" ] || exit " CODE_IS_SPECIAL "\n"
	"d=${f%/*}\n"
	"mkdir -p \"$d/\" || exit 1\n"
	"n=$(mktemp \"$d/.ironclaw-write.XXXXXX\") || exit 1\n"
	"if [ -f \"$f\" ]; then m=$(stat -c %a \"$f\"); "
	"else m=$(printf %o $((0666 & ~$(umask)))); fi\n"
	"cat >\"$n\" && [ \"$(stat -c %s \"$n\")\" = \"$2\" ] && chmod \"$m\" \"$n\" && "
	"mv -f \"$n\" \"$f\" || { rm -f \"$n\"; exit 1; }\n";

/* path. A name has no '/', so what ends in "/\n" has ended. */
static const char list_script[] =
	"[ -e \"$1\" ] || exit " CODE_IS_NOT_THERE "\n"
	"[ -d \"$1\" ] || exit " CODE_IS_NO_FOLDER "\n"
	"cd \"$1\" || exit 1\n"
	"exec find . -mindepth 1 -maxdepth 1 -exec stat -c '%f %s %n/' {} +\n";

/*
 * path, pattern, its kind (an option of grep), -i or nothing new, bytes. A name with a newline in
 * it would be two lines. What is no regular expression is found out before, for a pipe ends as its
 * last part does.
 */
static const char search_script[] =
	"[ -e \"$1\" ] || exit " CODE_IS_NOT_THERE "\n"
	"grep \"$3\" -e \"$2\" /dev/null; [ $? -le 1 ] || exit " CODE_IS_NO_PATTERN "\n"
	"l='\n'\n"
	"find \"$1\" -name .git -prune -o -type f ! -name \"*$l*\" -print0 | sort -z | "
	"xargs -0 -r grep -nH \"$3\" \"$4\" -e \"$2\" -- 2>/dev/null | head -c \"$5\"\n";

static const char *const scripts[SANDBOX_OP_MAX] = {[SANDBOX_READ] = read_script,
						    [SANDBOX_WRITE] = write_script,
						    [SANDBOX_LIST] = list_script,
						    [SANDBOX_SEARCH] = search_script};

static int invalid(struct ironclaw_error *err, const char *text)
{
	return err_set(err, IRONCLAW_ERR_INVALID, EINVAL, "%s", text);
}

/* "/a" as it is, "a" and "./a" as "./a", nothing and "." as ".". */
static int take_path(const char *path, struct sandbox_plan *p, struct ironclaw_error *err)
{
	const char *from = path ? path : "";

	if (strlen(from) > SANDBOX_PATH_MAX_B)
		return err_set(err, IRONCLAW_ERR_INVALID, ENAMETOOLONG,
			       "the path has %zu bytes; at most %u can be", strlen(from),
			       SANDBOX_PATH_MAX_B);
	while (from[0] == '.' && from[1] == '/')
		from += 2 + strspn(from + 2, "/");
	if (from[0] == '\0' || strcmp(from, ".") == 0)
		(void)snprintf(p->path, sizeof(p->path), ".");
	else
		(void)snprintf(p->path, sizeof(p->path), "%s%s", from[0] == '/' ? "" : "./", from);
	return 0;
}

static int take_cwd(const char *cwd, const char *folder, struct sandbox_plan *p,
		    struct ironclaw_error *err)
{
	p->in = folder;
	if (!cwd || !cwd[0])
		return 0;
	if (strlen(cwd) > SANDBOX_PATH_MAX_B)
		return invalid(err, "the working directory is too long");
	p->in = p->cwd;
	if (cwd[0] == '/')
		(void)snprintf(p->cwd, sizeof(p->cwd), "%s", cwd);
	else if (folder)
		(void)snprintf(p->cwd, sizeof(p->cwd), "%s/%s", folder, cwd);
	else
		return invalid(err, "without a workspace the working directory must be absolute");
	return 0;
}

static const char *number(char text[24], uint64_t value)
{
	(void)snprintf(text, 24, "%" PRIu64, value);
	return text;
}

static uint64_t at_most(uint64_t wanted, uint64_t max)
{
	return wanted > 0 && wanted < max ? wanted : max;
}

static int plan_exec(const struct sandbox_request *request, struct sandbox_plan *p,
		     struct ironclaw_error *err)
{
	if (!request->argv || !request->argv[0])
		return invalid(err, "there is no command");
	p->argv = request->argv;
	p->both_ends = true;
	p->err_max = p->out_max;
	return 0;
}

/* Further arguments of the script. */
static int plan_file(const struct sandbox_request *request, struct sandbox_plan *p,
		     struct ironclaw_error *err)
{
	const char **args = p->args + 5;
	size_t bytes = p->out_max;

	switch (request->op) {
	case SANDBOX_READ:
		args[0] = number(p->first, request->offset);
		args[1] = number(p->second, at_most(request->limit, bytes));
		/* The number before them. */
		p->out_max = bytes + sizeof(p->first);
		return request->offset >= INT64_MAX ? invalid(err, "the offset is too large") : 0;
	case SANDBOX_WRITE:
		args[0] = number(p->first, request->len);
		return request->path && request->path[0] ? 0 : invalid(err, "a path is needed");
	case SANDBOX_LIST:
		p->limit = at_most(request->limit, SANDBOX_LIST_MAX);
		p->out_max = SANDBOX_LISTING_MAX_B;
		return 0;
	case SANDBOX_SEARCH:
		args[0] = request->pattern;
		args[1] = request->fixed ? "-F" : "-E";
		args[2] = request->ignore_case ? "-i" : "-n";
		/* Long lines are cut later. */
		p->out_max = 4 * bytes;
		args[3] = number(p->first, p->out_max);
		p->limit = request->limit;
		return request->pattern && request->pattern[0]
			       ? 0
			       : invalid(err, "a pattern is needed");
	case SANDBOX_EXEC:
	case SANDBOX_OP_MAX:
	default:
		return invalid(err, "no such operation");
	}
}

int sandbox_plan_make(const struct sandbox_request *request, const char *folder,
		      struct sandbox_plan *ret, struct ironclaw_error *err)
{
	struct sandbox_plan *p = ret;
	int r;

	*p = (struct sandbox_plan){.op = request->op,
				   .timeout_ms = request->timeout_ms,
				   .out_max = request->output_max_b ? request->output_max_b
								    : SANDBOX_OUTPUT_DEFAULT_B,
				   .err_max = SANDBOX_WORDS_MAX_B};
	if (request->op >= SANDBOX_OP_MAX)
		return invalid(err, "no such operation");
	if (p->out_max > SANDBOX_OUTPUT_MAX_B)
		return invalid(err, "so much output cannot be asked for");
	p->text_max = p->out_max;
	p->offset = request->offset;
	if (request->len > SANDBOX_WRITE_MAX_B)
		return err_set(err, IRONCLAW_ERR_INVALID, EFBIG,
			       "at most %u bytes can be written at once", SANDBOX_WRITE_MAX_B);
	r = take_cwd(request->cwd, folder, p, err);
	if (r < 0)
		return r;
	if (request->op == SANDBOX_EXEC)
		return plan_exec(request, p, err);
	r = take_path(request->path, p, err);
	if (r == 0)
		r = plan_file(request, p, err);
	if (r < 0)
		return r;
	p->args[0] = "sh";
	p->args[1] = "-c";
	p->args[2] = scripts[request->op];
	p->args[3] = "sh";
	p->args[4] = p->path;
	p->argv = p->args;
	if (p->timeout_ms == 0)
		p->timeout_ms = SANDBOX_FILE_TIMEOUT_MS;
	return 0;
}
