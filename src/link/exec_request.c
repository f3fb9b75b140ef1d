/* SPDX-License-Identifier: Apache-2.0 */
/* exec_request.c - a command as the TLV record of an EXEC request; see exec_request.h. */
#include "link/exec_request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Adds the encoded size of a list of strings; names the first that breaks a bound. */
static int measure(const char *const *strings, const char *what, size_t *total, size_t *count,
		   struct ironclaw_error *err)
{
	for (size_t i = 0; strings && strings[i]; i++) {
		size_t n = strlen(strings[i]);

		if (n > WIRE_STRING_MAX_B)
			return err_set(
				err, IRONCLAW_ERR_INVALID, E2BIG,
				"%s %zu has %zu bytes; at most %u can be passed to a command", what,
				i + 1, n, WIRE_STRING_MAX_B);
		if (++*count > WIRE_EXEC_STRINGS_MAX)
			return err_set(err, IRONCLAW_ERR_INVALID, E2BIG,
				       "more than %u arguments and variables",
				       WIRE_EXEC_STRINGS_MAX);
		*total += WIRE_TLV_HEADER_B + n;
	}
	return 0;
}

/* The encoded size of everything that is no list of strings. */
static size_t measure_rest(const struct session_command *c)
{
	size_t total = WIRE_TLV_HEADER_B + 4;

	if (c->cwd)
		total += WIRE_TLV_HEADER_B + strlen(c->cwd);
	if (c->user)
		total += WIRE_TLV_HEADER_B + strlen(c->user);
	return c->tty ? total + WIRE_TLV_HEADER_B + 4 : total;
}

static int check_env(const char *const *env, struct ironclaw_error *err)
{
	for (size_t i = 0; env && env[i]; i++) {
		if (env[i][0] == '=' || !strchr(env[i], '='))
			return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
				       "variable '%.64s' is not NAME=VALUE", env[i]);
	}
	return 0;
}

static int check_texts(const struct session_command *c, struct ironclaw_error *err)
{
	if (!c->argv || !c->argv[0] || !c->argv[0][0])
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL, "the command is empty");
	if (c->cwd && (c->cwd[0] != '/' || strlen(c->cwd) > WIRE_CWD_MAX_B))
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "working directory '%.64s' is not an absolute path of at most %u "
			       "bytes",
			       c->cwd, WIRE_CWD_MAX_B);
	if (c->user && (!c->user[0] || strlen(c->user) > WIRE_USER_MAX_B))
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "user '%.64s' is empty or longer than %u bytes", c->user,
			       WIRE_USER_MAX_B);
	ic_assert(!c->builtin || (!c->env && !c->cwd && !c->user && !c->tty));
	return check_env(c->env, err);
}

struct request {
	uint8_t *buf;
	size_t size, at;
	bool full;
};

static void put(struct request *r, enum wire_exec_tag tag, const void *value, size_t length)
{
	if (!wire_tlv_put(r->buf, r->size, &r->at, (uint16_t)tag, value, (uint32_t)length))
		r->full = true;
}

static void put_strings(struct request *r, enum wire_exec_tag tag, const char *const *strings)
{
	for (size_t i = 0; strings && strings[i]; i++)
		put(r, tag, strings[i], strlen(strings[i]));
}

static void put_all(struct request *r, const struct session_command *c)
{
	uint8_t flags[4], size[4];

	put_strings(r, WIRE_EXEC_ARG, c->argv);
	put_strings(r, WIRE_EXEC_ENV, c->env);
	if (c->cwd)
		put(r, WIRE_EXEC_CWD, c->cwd, strlen(c->cwd));
	if (c->user)
		put(r, WIRE_EXEC_USER, c->user, strlen(c->user));
	wire_put_u32(flags, (c->use_stdin ? WIRE_EXEC_STDIN : 0) | (c->tty ? WIRE_EXEC_TTY : 0) |
				    (c->builtin ? WIRE_EXEC_BUILTIN : 0));
	put(r, WIRE_EXEC_FLAGS, flags, sizeof(flags));
	if (c->tty) {
		wire_put_u16(size, c->rows);
		wire_put_u16(size + 2, c->cols);
		put(r, WIRE_EXEC_WINSIZE, size, sizeof(size));
	}
}

int exec_request_make(const struct session_command *command, uint8_t **ret, size_t *ret_len,
		      struct ironclaw_error *err)
{
	cleanup_free uint8_t *buf = NULL;
	size_t total, count = 0;
	struct request request = {0};
	int r = check_texts(command, err);

	if (r < 0)
		return r;
	total = measure_rest(command);
	r = measure(command->argv, "argument", &total, &count, err);
	if (r == 0)
		r = measure(command->env, "variable", &total, &count, err);
	if (r < 0)
		return r;
	if (total > WIRE_EXEC_MAX_B)
		return err_set(err, IRONCLAW_ERR_INVALID, E2BIG,
			       "arguments and variables have %zu bytes together; at most %u can be "
			       "passed to a command",
			       total, WIRE_EXEC_MAX_B);
	buf = malloc(total);
	if (!buf)
		return err_sys(err, ENOMEM, "no room for the command");
	request.buf = buf;
	request.size = total;
	put_all(&request, command);
	ic_assert(!request.full && request.at == total);
	*ret = take_ptr(buf);
	*ret_len = request.at;
	return 0;
}
