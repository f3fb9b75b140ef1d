/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec.c - the request to run a command; see message.h.
 *
 * One linear pass checks everything, so that whoever uses a checked request (the guest's child
 * process above all) needs no further test of lengths, counts or NULs.
 */
#include "wire/message.h"

#include <string.h>

static bool has_nul(const struct wire_tlv *tlv)
{
	return tlv->length > 0 && memchr(tlv->value, '\0', tlv->length) != NULL;
}

static const char *take_arg(const struct wire_tlv *tlv, struct wire_exec *exec)
{
	if (tlv->length > WIRE_STRING_MAX_B)
		return "length of an argument in EXEC";
	if (has_nul(tlv))
		return "NUL in an argument of EXEC";
	if (exec->n_args == 0 && tlv->length == 0)
		return "empty command in EXEC";
	exec->n_args++;
	return NULL;
}

static const char *take_env(const struct wire_tlv *tlv, struct wire_exec *exec)
{
	if (tlv->length > WIRE_STRING_MAX_B)
		return "length of a variable in EXEC";
	if (has_nul(tlv))
		return "NUL in a variable of EXEC";
	if (tlv->length < 2 || tlv->value[0] == '=' || !memchr(tlv->value, '=', tlv->length))
		return "name of a variable in EXEC";
	exec->n_env++;
	return NULL;
}

static const char *take_cwd(const struct wire_tlv *tlv, struct wire_exec *exec)
{
	if (exec->cwd)
		return "repeated working directory in EXEC";
	if (tlv->length < 1 || tlv->length > WIRE_CWD_MAX_B || tlv->value[0] != '/' || has_nul(tlv))
		return "working directory of EXEC";
	exec->cwd = (const char *)tlv->value;
	exec->cwd_length = tlv->length;
	return NULL;
}

static const char *take_user(const struct wire_tlv *tlv, struct wire_exec *exec)
{
	if (exec->user)
		return "repeated user in EXEC";
	if (tlv->length < 1 || tlv->length > WIRE_USER_MAX_B || has_nul(tlv))
		return "user of EXEC";
	exec->user = (const char *)tlv->value;
	exec->user_length = tlv->length;
	return NULL;
}

/* Which of the parts without a value of their own in struct wire_exec were there. */
struct seen {
	bool flags, winsize;
};

static const char *take(const struct wire_tlv *tlv, struct wire_exec *exec, struct seen *seen)
{
	switch (tlv->tag) {
	case WIRE_EXEC_ARG:
		return take_arg(tlv, exec);
	case WIRE_EXEC_ENV:
		return take_env(tlv, exec);
	case WIRE_EXEC_CWD:
		return take_cwd(tlv, exec);
	case WIRE_EXEC_USER:
		return take_user(tlv, exec);
	case WIRE_EXEC_FLAGS:
		if (seen->flags || tlv->length != 4)
			return "flags of EXEC";
		seen->flags = true;
		exec->flags = wire_get_u32(tlv->value);
		if (exec->flags & ~(WIRE_EXEC_STDIN | WIRE_EXEC_TTY | WIRE_EXEC_BUILTIN))
			return "flags of EXEC";
		return NULL;
	case WIRE_EXEC_WINSIZE:
		if (seen->winsize || tlv->length != 4)
			return "window size of EXEC";
		seen->winsize = true;
		exec->rows = wire_get_u16(tlv->value);
		exec->cols = wire_get_u16(tlv->value + 2);
		return NULL;
	default:
		return "tag of EXEC";
	}
}

const char *wire_exec_get(const uint8_t *buf, size_t len, struct wire_exec *ret)
{
	struct wire_exec exec = {0};
	struct seen seen = {false, false};
	struct wire_tlv tlv;
	const char *bad;
	size_t at = 0;

	if (len > WIRE_EXEC_MAX_B)
		return "length of EXEC";
	while (wire_tlv_next(buf, len, &at, &tlv)) {
		bad = take(&tlv, &exec, &seen);
		if (bad)
			return bad;
		if (exec.n_args + exec.n_env > WIRE_EXEC_STRINGS_MAX)
			return "number of strings in EXEC";
	}
	if (at != len)
		return "length of a record in EXEC";
	if (exec.n_args == 0)
		return "missing command of EXEC";
	if (seen.winsize && !(exec.flags & WIRE_EXEC_TTY))
		return "window size of EXEC without a terminal";
	if ((exec.flags & WIRE_EXEC_BUILTIN) &&
	    ((exec.flags & WIRE_EXEC_TTY) || exec.n_env > 0 || exec.cwd || exec.user))
		return "built-in command of EXEC";
	*ret = exec;
	return NULL;
}

size_t wire_exec_copy_strings(const uint8_t *buf, size_t len, uint16_t tag, char **vector,
			      char *text)
{
	struct wire_tlv tlv;
	size_t at = 0, n = 0, used = 0;

	while (wire_tlv_next(buf, len, &at, &tlv)) {
		if (tlv.tag != tag)
			continue;
		vector[n++] = text + used;
		if (tlv.length > 0)
			memcpy(text + used, tlv.value, tlv.length);
		text[used + tlv.length] = '\0';
		used += tlv.length + 1;
	}
	vector[n] = NULL;
	return used;
}
