/* SPDX-License-Identifier: Apache-2.0 */
/* mcp_http.c - `ironclaw mcp --http`: the token, and the address. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/mcp.h"
#include "mcp/sandbox_http.h"
#include "sys/file.h"

#define TOKEN_FILE_MAX_B 4096U

static int read_token(const char *file, char **ret, struct ironclaw_error *err)
{
	cleanup_free char *text = NULL;
	struct stat st;
	size_t len;
	int r = stat(file, &st) < 0 ? -errno : 0;

	if (r == 0 && (st.st_mode & 077))
		return err_set(err, IRONCLAW_ERR_INVALID, EPERM,
			       "%s: others may read the token: chmod 600 it", file);
	if (r == 0)
		r = file_read_bounded(AT_FDCWD, file, TOKEN_FILE_MAX_B, &text, &len);
	if (r < 0)
		return err_sys(err, -r, "%s: cannot read the token", file);
	if (strlen(text) != len)
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL, "%s: not a token", file);
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		text[--len] = 0;
	*ret = take_ptr(text);
	return 0;
}

int mcp_take_token(const char *file, char **ret, struct ironclaw_error *err)
{
	const char *given = getenv(MCP_TOKEN_VARIABLE);
	cleanup_free char *token = given ? strdup(given) : NULL;

	if (given && !token)
		return err_sys(err, ENOMEM, "cannot hold the token");
	(void)unsetenv(MCP_TOKEN_VARIABLE);
	if (file)
		return read_token(file, ret, err);
	*ret = take_ptr(token);
	return 0;
}

static void ready(const char *url)
{
	cli_note("listening on %s", url);
}

int mcp_serve_http(const struct mcp_service *service, const char *address, const char *token)
{
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
	struct sandbox_http o = {.server = &service->server,
				 .tools = &service->tools,
				 .address = address,
				 .token = token,
				 .stop_fd = service->stop_fd,
				 .ready = ready};
	int r = sandbox_http_serve(&o, &err);

	if (r == 0)
		return CLI_EXIT_OK;
	return cli_fail(&err, err.code == IRONCLAW_ERR_INVALID ? CLI_EXIT_USAGE : CLI_EXIT_FAILED);
}
