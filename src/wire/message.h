/* SPDX-License-Identifier: Apache-2.0 */
/**
 * message.h - what the payloads of control frames say; docs/protocol.md is the specification.
 *
 * Records with optional and repeated parts are TLV: u16 tag, u32 length, value. Numbers inside a
 * value are little endian. Strings are not terminated and hold no NUL. An unknown tag, a tag that
 * may come once and comes twice, a missing one, a wrong length or trailing bytes refuse the whole
 * record.
 */
#ifndef WIRE_MESSAGE_H
#define WIRE_MESSAGE_H

#include "wire/frame.h"

#define WIRE_TLV_HEADER_B     6U

/* EXEC: the concatenation of all slices. */
#define WIRE_EXEC_MAX_B	      (2U * 1024U * 1024U) /* whole request; execve(2) takes no more */
#define WIRE_EXEC_STRINGS_MAX 32768U		   /* arguments and variables together */
#define WIRE_STRING_MAX_B     131071U		   /* one string: MAX_ARG_STRLEN - 1 of Linux */
#define WIRE_CWD_MAX_B	      4095U
#define WIRE_USER_MAX_B	      255U

enum wire_exec_tag {
	WIRE_EXEC_ARG = 1,     /* repeated, at least one, the first not empty */
	WIRE_EXEC_ENV = 2,     /* repeated; NAME=VALUE with a non-empty NAME; a later one wins */
	WIRE_EXEC_CWD = 3,     /* once at most; absolute; default: the user's home */
	WIRE_EXEC_USER = 4,    /* once at most; NAME or UID, each with an optional :GROUP */
	WIRE_EXEC_FLAGS = 5,   /* once at most; u32 of WIRE_EXEC_STDIN and so on */
	WIRE_EXEC_WINSIZE = 6, /* once at most, with TTY only; u16 rows, u16 columns */
};

#define WIRE_EXEC_STDIN	  1U /* the host sends stdin; without it the command reads /dev/null */
#define WIRE_EXEC_TTY	  2U /* stdin, stdout and stderr are one pty; all output is on STDOUT */
/* The first argument names a command of the agent's own. No variable, folder, user or pty. */
#define WIRE_EXEC_BUILTIN 4U

/** Where starting a command failed; decides between exit code 126 and 127. */
enum wire_exec_stage {
	WIRE_STAGE_REQUEST = 1, /* the request itself: too large for the guest, no such stream */
	WIRE_STAGE_USER = 2,	/* no such user or group */
	WIRE_STAGE_CWD = 3,	/* chdir */
	WIRE_STAGE_SETUP = 4,	/* fork, pty, cgroup, setuid: the guest is out of something */
	WIRE_STAGE_EXEC = 5,	/* execve: errno tells */
	WIRE_STAGE_MAX
};

/** Payload of EXIT: u16 how, u16 flags, u32 value. */
struct wire_exit {
	uint16_t how;	/* WIRE_EXITED or WIRE_SIGNALED */
	uint16_t flags; /* WIRE_EXIT_OOM */
	uint32_t value; /* exit code 0..255, or signal number 1..64 */
};
#define WIRE_EXIT_B   8U
#define WIRE_EXITED   1U
#define WIRE_SIGNALED 2U
#define WIRE_EXIT_OOM 1U /* the guest's OOM killer took a process of this session */

/* IDENTITY: what makes a clone itself. All tags once, all mandatory. */
enum wire_identity_tag {
	WIRE_ID_ENTROPY = 1,	/* WIRE_ENTROPY_B bytes for the kernel's pool */
	WIRE_ID_HOSTNAME = 2,	/* 1..64 of [A-Za-z0-9-] */
	WIRE_ID_MACHINE_ID = 3, /* 32 lower-case hex digits */
	WIRE_ID_BOOT_ID = 4,	/* UUID text of 36 characters */
	WIRE_ID_OVERLAY = 5,	/* u32 MiB: size of the writable layer */
};
#define WIRE_ENTROPY_B	    64U
#define WIRE_HOSTNAME_MAX_B 64U
#define WIRE_MACHINE_ID_B   32U
#define WIRE_BOOT_ID_B	    36U

struct wire_identity {
	uint8_t entropy[WIRE_ENTROPY_B];
	char hostname[WIRE_HOSTNAME_MAX_B + 1];
	char machine_id[WIRE_MACHINE_ID_B + 1];
	char boot_id[WIRE_BOOT_ID_B + 1];
	uint32_t overlay_mib;
};

/** A cursor over TLV records: everything in it is range-checked. */
struct wire_tlv {
	uint16_t tag;
	uint32_t length;
	const uint8_t *value;
};

/**
 * wire_tlv_next() - take one record.
 * @at:	moved behind the record on success, untouched on failure
 *
 * Return: true with *ret filled; false at the end (*at == len) and on a cut record (*at < len)
 */
bool wire_tlv_next(const uint8_t *buf, size_t len, size_t *at, struct wire_tlv *ret);

/**
 * wire_tlv_put() - append one record.
 * @at:	where; moved behind it
 *
 * Return: false when it does not fit @size
 */
bool wire_tlv_put(uint8_t *buf, size_t size, size_t *at, uint16_t tag, const void *value,
		  uint32_t length);

#define WIRE_IDENTITY_MAX_B 512U

/** wire_identity_put() - encode into @out. Return: bytes used, 0 when a field is out of bounds. */
size_t wire_identity_put(uint8_t out[WIRE_IDENTITY_MAX_B], const struct wire_identity *identity);

/** wire_identity_get() - decode, all or nothing. Return: NULL, or a static string naming the field.
 */
const char *wire_identity_get(const uint8_t *buf, size_t len, struct wire_identity *ret);

/**
 * A checked exec request. Strings point into the caller's buffer and are not terminated; use
 * wire_exec_copy_strings() for argv and envp.
 */
struct wire_exec {
	uint32_t n_args, n_env;
	uint32_t flags;
	uint16_t rows, cols;
	const char *cwd; /* NULL: default */
	uint32_t cwd_length;
	const char *user; /* NULL: default */
	uint32_t user_length;
};

/**
 * wire_exec_get() - check a whole request, all or nothing.
 * Return: NULL, or a static string naming the field
 */
const char *wire_exec_get(const uint8_t *buf, size_t len, struct wire_exec *ret);

/**
 * wire_exec_copy_strings() - lay the strings of one tag out as execve(2) wants them.
 * @buf, @len:	a request that wire_exec_get() accepted
 * @tag:	WIRE_EXEC_ARG or WIRE_EXEC_ENV
 * @vector:	array with room for the count plus one
 * @text:	room for all strings with their NUL; @len bytes are always enough
 *
 * Return: bytes of @text used
 */
size_t wire_exec_copy_strings(const uint8_t *buf, size_t len, uint16_t tag, char **vector,
			      char *text);

void wire_exit_put(uint8_t out[WIRE_EXIT_B], const struct wire_exit *exit);
/** wire_exit_get() - decode and check. Return: NULL, or a static string naming the field. */
const char *wire_exit_get(const uint8_t in[WIRE_EXIT_B], struct wire_exit *ret);

#endif
