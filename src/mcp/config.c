/* SPDX-License-Identifier: Apache-2.0 */
/* config.c - which MCP servers there are; see config.h. */
#include "mcp/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "codec/http.h"
#include "sys/file.h"

#define FIELD_B	       VIOLATION_FIELD_MAX_B
#define MCP_NAME_MAX_B 128U /* of a variable or a header */

/* One server as it is being read. */
struct reading {
	const char *prefix; /* "mcpServers.NAME" */
	struct mcp_server_config *server;
	struct violations *list;
	const char *command; /* argv is made of it and of @args at the end */
	json_t *args;
	const char *type, *where;
};

/* Member @key of a server as a field of the list of mistakes. */
static void complain(const struct reading *r, const char *key, const char *text)
{
	char field[FIELD_B];

	(void)snprintf(field, sizeof(field), "%s.%s", r->prefix, key);
	violations_add(r->list, field, "%s", text);
}

static bool text_good(const json_t *value, bool may_be_empty)
{
	return json_is_string(value) && json_string_length(value) <= MCP_TEXT_MAX_B &&
	       (may_be_empty || json_string_length(value) > 0);
}

static void take_text(json_t *value, const char *key, const char **ret, const struct reading *r)
{
	if (text_good(value, false))
		*ret = json_string_value(value);
	else
		complain(r, key, "must be a text of 1 to 4096 bytes");
}

static bool variable_good(const char *name)
{
	if (!isalpha((unsigned char)name[0]) && name[0] != '_')
		return false;
	for (; *name; name++) {
		if (!isalnum((unsigned char)*name) && *name != '_')
			return false;
	}
	return true;
}

/* How an object of texts becomes a list of texts. */
struct pairs {
	const char *key, *between;
	size_t max;
	bool (*good)(const char *name, const char *value);
};

/* A list of "NAME" between "VALUE", which is freed with the server. */
static void take_pairs(json_t *value, const struct pairs *p, const struct reading *r,
		       const char *const **ret)
{
	size_t n = json_is_object(value) ? json_object_size(value) : 0;
	const char *name;
	json_t *text;
	char **list;

	if (!json_is_object(value) || n > p->max) {
		complain(r, p->key, "must be an object of texts, and not of too many");
		return;
	}
	list = calloc(n + 1, sizeof(*list));
	*ret = (const char *const *)list;
	n = 0;
	json_object_foreach(value, name, text)
	{
		if (!text_good(text, true) || strlen(name) > MCP_NAME_MAX_B ||
		    !p->good(name, json_string_value(text)))
			complain(r, p->key, "has a name or a value that cannot be used");
		else if (!list || asprintf(&list[n], "%s%s%s", name, p->between,
					   json_string_value(text)) < 0)
			complain(r, p->key, "there is no memory for it");
		else
			n++;
	}
	if (list)
		list[n] = NULL;
}

static bool env_good(const char *name, const char *value)
{
	(void)value;
	return variable_good(name);
}

/* An HTTP token, and a value that stays in its line. Those that the client sets are its own. */
static bool header_good(const char *name, const char *value)
{
	static const char *const ours[] = {"host",
					   "accept",
					   "content-type",
					   "content-length",
					   "transfer-encoding",
					   "connection",
					   "last-event-id",
					   "expect"};

	if (name[0] == '\0' || strncasecmp(name, "mcp-", 4) == 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
		if (strcasecmp(name, ours[i]) == 0)
			return false;
	}
	for (; *name; name++) {
		if (!isalnum((unsigned char)*name) && !strchr("!#$%&'*+-.^_`|~", *name))
			return false;
	}
	for (; *value; value++) {
		if ((unsigned char)*value < 0x20 || (unsigned char)*value > 0x7e)
			return false;
	}
	return true;
}

static void take_args(json_t *value, struct reading *r)
{
	size_t i;
	json_t *item;

	if (!json_is_array(value) || json_array_size(value) >= MCP_ARGS_MAX) {
		complain(r, "args", "must be a list of texts, and not of too many");
		return;
	}
	json_array_foreach(value, i, item)
	{
		if (!text_good(item, true))
			complain(r, "args", "each must be a text of at most 4096 bytes");
	}
	r->args = value;
}

static void take_timeout(json_t *value, const struct reading *r)
{
	json_int_t ms = json_integer_value(value);

	if (!json_is_integer(value) || ms < 1 || ms > (json_int_t)MCP_TIMEOUT_MS_MAX)
		complain(r, "timeoutMs", "must be 1 to 86400000");
	else
		r->server->timeout_ms = (uint32_t)ms;
}

static void take_member(const char *key, json_t *value, struct reading *r)
{
	static const struct pairs env = {"env", "=", MCP_ENV_MAX, env_good};
	static const struct pairs headers = {"headers", ": ", MCP_HEADERS_MAX, header_good};
	struct mcp_server_config *s = r->server;
	const struct {
		const char *key;
		const char **to;
	} texts[] = {{"command", &r->command},
		     {"cwd", &s->cwd},
		     {"where", &r->where},
		     {"type", &r->type},
		     {"url", &s->url},
		     {"bearerFile", &s->bearer_file},
		     {"bearerEnv", &s->bearer_env},
		     {"caFile", &s->ca_file}};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (strcmp(key, texts[i].key) == 0) {
			take_text(value, key, texts[i].to, r);
			return;
		}
	}
	if (strcmp(key, "args") == 0)
		take_args(value, r);
	else if (strcmp(key, "env") == 0)
		take_pairs(value, &env, r, &s->env);
	else if (strcmp(key, "headers") == 0)
		take_pairs(value, &headers, r, &s->headers);
	else if (strcmp(key, "timeoutMs") == 0)
		take_timeout(value, r);
	else
		complain(r, key, "unknown field");
}

static bool has_header(const struct mcp_server_config *s, const char *name)
{
	size_t len = strlen(name);

	for (const char *const *h = s->headers; h && *h; h++) {
		if (strncasecmp(*h, name, len) == 0 && (*h)[len] == ':')
			return true;
	}
	return false;
}

/* What belongs to servers of the other kind. */
static void refuse_foreign(const struct reading *r)
{
	const struct mcp_server_config *s = r->server;
	bool http = s->where == MCP_OVER_HTTP;
	const struct {
		const char *key;
		bool there;
	} foreign[] = {{"command", http && r->command},
		       {"args", http && r->args},
		       {"env", http && s->env},
		       {"cwd", http && s->cwd},
		       {"where", http && r->where},
		       {"headers", !http && s->headers},
		       {"bearerFile", !http && s->bearer_file},
		       {"bearerEnv", !http && s->bearer_env},
		       {"caFile", !http && s->ca_file}};

	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
		if (foreign[i].there)
			complain(r, foreign[i].key, "does not belong to this kind of server");
	}
}

static void check_http(const struct reading *r)
{
	const struct mcp_server_config *s = r->server;

	if (r->type && strcmp(r->type, "http") != 0 && strcmp(r->type, "streamable-http") != 0)
		complain(r, "type", "must be http for a server with a url");
	if (strncmp(s->url, "https://", 8) != 0 &&
	    (strncmp(s->url, "http://", 7) != 0 || !http_host_is_local(s->url)))
		complain(r, "url", "must be https://HOST[:PORT][/PATH], or http:// to this host");
	if ((s->bearer_file != NULL) + (s->bearer_env != NULL) + has_header(s, "Authorization") > 1)
		complain(r, "bearerFile",
			 "only one of bearerFile, bearerEnv and the header "
			 "Authorization can be");
	if (s->bearer_env && !variable_good(s->bearer_env))
		complain(r, "bearerEnv", "must be the name of a variable");
	if (s->bearer_file && s->bearer_file[0] != '/')
		complain(r, "bearerFile", "must be an absolute path");
	if (s->ca_file && s->ca_file[0] != '/')
		complain(r, "caFile", "must be an absolute path");
}

static void check_command(const struct reading *r)
{
	struct mcp_server_config *s = r->server;

	if (r->type && strcmp(r->type, "stdio") != 0)
		complain(r, "type", "must be stdio for a server with a command");
	if (r->where && strcmp(r->where, "host") == 0)
		s->where = MCP_ON_HOST;
	else if (r->where && strcmp(r->where, "vm") != 0)
		complain(r, "where", "must be one of: vm, host");
	if (s->cwd && s->cwd[0] != '/')
		complain(r, "cwd", "must be an absolute path");
}

/* Return: 0, -ENOMEM */
static int make_argv(struct reading *r)
{
	const char **argv = calloc(json_array_size(r->args) + 2, sizeof(*argv));
	size_t i;
	json_t *item;

	if (!argv)
		return -ENOMEM;
	argv[0] = r->command;
	json_array_foreach(r->args, i, item)
	{
		argv[i + 1] = json_string_value(item);
	}
	r->server->argv = argv;
	return 0;
}

static bool name_good(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > MCP_SERVER_NAME_MAX_B || strstr(name, "__") ||
	    !isalnum((unsigned char)name[0]) || !isalnum((unsigned char)name[len - 1]))
		return false;
	for (; *name; name++) {
		if (!isalnum((unsigned char)*name) && *name != '_' && *name != '-')
			return false;
	}
	return true;
}

static int read_server(const char *name, json_t *value, struct mcp_server_config *server,
		       struct violations *list)
{
	char prefix[FIELD_B];
	struct reading r = {.prefix = prefix, .server = server, .list = list};
	const char *key;
	json_t *member;

	(void)snprintf(prefix, sizeof(prefix), "mcpServers.%s", name);
	*server = (struct mcp_server_config){.name = name, .timeout_ms = MCP_TIMEOUT_MS};
	if (!name_good(name))
		violations_add(list, prefix,
			       "a server's name must be 1 to %u of [A-Za-z0-9_-], with a letter or "
			       "digit at both ends and without \"__\"",
			       MCP_SERVER_NAME_MAX_B);
	if (!json_is_object(value)) {
		violations_add(list, prefix, "must be an object");
		return 0;
	}
	json_object_foreach(value, key, member)
	{
		take_member(key, member, &r);
	}
	if ((r.command != NULL) == (server->url != NULL)) {
		violations_add(list, prefix, "must have either a command or a url");
		return 0;
	}
	server->where = server->url ? MCP_OVER_HTTP : MCP_IN_VM;
	if (server->url)
		check_http(&r);
	else
		check_command(&r);
	refuse_foreign(&r);
	return r.command ? make_argv(&r) : 0;
}

static int read_document(struct mcp_config *config, struct violations *list)
{
	json_t *servers = json_object_get(config->document, "mcpServers");
	const char *key;
	json_t *value;

	json_object_foreach(config->document, key, value)
	{
		if (strcmp(key, "mcpServers") != 0)
			violations_add(list, key, "unknown field");
	}
	if (!json_is_object(servers) || json_object_size(servers) > MCP_SERVERS_MAX) {
		violations_add(list, "mcpServers", "must be an object of at most %u servers",
			       MCP_SERVERS_MAX);
		return -EINVAL;
	}
	json_object_foreach(servers, key, value)
	{
		int r = read_server(key, value, &config->servers[config->n_servers++], list);

		if (r < 0)
			return r;
	}
	return list->n_errors > 0 ? -EINVAL : 0;
}

int mcp_config_parse(const char *text, size_t len, struct mcp_config **ret, struct violations *list)
{
	struct mcp_config *config = calloc(1, sizeof(*config));
	json_error_t error = {0};
	int r = -EINVAL;

	if (!config)
		return -ENOMEM;
	if (len <= MCP_CONFIG_FILE_MAX_B)
		config->document = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (len > MCP_CONFIG_FILE_MAX_B)
		violations_add(list, "", "must have at most %u bytes", MCP_CONFIG_FILE_MAX_B);
	else if (!config->document)
		violations_add(list, "", "line %d, column %d: %s", error.line, error.column,
			       error.text);
	else if (!json_is_object(config->document))
		violations_add(list, "", "must be a JSON object");
	else
		r = read_document(config, list);
	if (r < 0) {
		mcp_config_free(config);
		return r;
	}
	*ret = config;
	return 0;
}

int mcp_config_load(const char *path, struct mcp_config **ret, struct ironclaw_error *err)
{
	struct violations list = {0};
	cleanup_free char *text = NULL;
	struct stat st;
	size_t len;
	int r = file_read_bounded(AT_FDCWD, path, MCP_CONFIG_FILE_MAX_B, &text, &len);

	if (r < 0 || stat(path, &st) < 0)
		return err_sys(err, r < 0 ? -r : errno, "cannot read the MCP servers of '%s'",
			       path);
	if ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & 022))
		return err_set(err, IRONCLAW_ERR_INVALID, EPERM,
			       "'%s' can be written by others, so no server of it is started",
			       path);
	r = mcp_config_parse(text, len, ret, &list);
	if (r == -ENOMEM)
		return err_sys(err, ENOMEM, "MCP servers");
	return r < 0 ? violations_to_error(&list, path, err) : 0;
}

/* The list and the strings that it owns. */
static void free_pairs(const char *const *list)
{
	for (size_t i = 0; list && list[i]; i++)
		free((void *)(uintptr_t)list[i]);
	free((void *)(uintptr_t)list);
}

void mcp_config_free(struct mcp_config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->n_servers; i++) {
		free((void *)(uintptr_t)config->servers[i].argv);
		free_pairs(config->servers[i].env);
		free_pairs(config->servers[i].headers);
	}
	json_decref(config->document);
	free(config);
}
