/* SPDX-License-Identifier: Apache-2.0 */
/**
 * record.h - a session as lines of JSON in a file: what happened, and what was decided on it.
 *
 *   {"session":1,"settings":{..., "interactive":BOOL, "limits":{...}, "tools":[...]}}
 *   {"event":"user","wall_ms":0,"vm_ms":0,"text":"...","effect":"ask_model","state":"SHA-256"}
 *   {"event":"reply","wall_ms":907,"vm_ms":0,"reply":{...},"effect":"run_call","call":0,"state":"..."}
 *   {"event":"result",...,"text":"...","failed":false,"effect":"ask_model","state":"..."}
 *   {"event":"resume",...,"text":"...","limits":{...},"interactive":BOOL,"effect":...}
 *
 * A line is written before its effect is carried out, so what a record lacks was not begun. A
 * process that goes on with a session adds a line with its settings, and a resume. "state" is the
 * hash of the state after the event, and covers every line up to there: to replay a record is to
 * make the same states of its events, and any letter that was changed is a difference. (It is no
 * signature: who may write the file may write another session.)
 *
 * The file is mode 0600 and holds the whole conversation; no key of a provider is in it. It is
 * locked while a process writes it. Lines reach the kernel, not the disk, before the effect: a
 * crash of the host may cost the last ones.
 *
 * Reading: the file is hostile. It is bounded, a line is taken whole or not at all, and there is
 * one way to write a line: what is not that is refused.
 */
#ifndef AGENT_RECORD_H
#define AGENT_RECORD_H

#include "agent/step.h"

#define RECORD_MAX_B	  (256U * 1024U * 1024U) /* of a file */
#define RECORD_NUMBER_MAX (1ULL << 52)		 /* of a time or a count in a line */
#define RECORD_PATH_MAX_B 4096U

struct record_line {
	json_t *settings; /* of a session's line; NULL: it is an event's */
	struct agent_event event;
	struct agent_effect effect;
	char state[DIGEST_HEX_B + 1];
	/* What the above points into. */
	json_t *document;
	struct model_reply reply;
};

/**
 * record_line_parse() - read a line, without its end.
 * @ret:	written on success; for record_line_done()
 *
 * Return: 0, -EINVAL, -ENOMEM
 */
int record_line_parse(const char *text, size_t len, struct record_line *ret,
		      struct ironclaw_error *err);
void record_line_done(struct record_line *line);

/** record_line_session(), record_line_event() - a line without its end, owned; NULL: no memory. */
char *record_line_session(const json_t *settings);
char *record_line_event(const struct agent_event *event, const struct agent_effect *effect,
			const char *state);

/** record_limits() - as a member of settings; NULL: no memory. */
json_t *record_limits(const struct agent_limits *limits);

/** A file that is being written. */
struct record {
	int fd; /* locked; -EBADF: none */
	uint64_t size_b;
	char path[RECORD_PATH_MAX_B];
};

/** record_create() - a new file. Return: 0, -EEXIST, -errno */
int record_create(const char *path, struct record *ret, struct ironclaw_error *err);

/**
 * record_open() - a file that is there, to read it and add to it.
 * @ret_text:	what is in it, owned; of a last line without an end nothing
 *
 * The file stays as it is: it may be anything, named by mistake. Return: 0; -EBUSY: another process
 * writes it; -EFBIG, -errno
 */
int record_open(const char *path, struct record *ret, char **ret_text, size_t *ret_len,
		struct ironclaw_error *err);

/** record_cut() - cut a last line without an end off, before anything is added. Return: 0, -errno
 */
int record_cut(struct record *record, struct ironclaw_error *err);

/** record_read() - what is in a file; as record_open(), for those who add nothing. */
int record_read(const char *path, char **ret_text, size_t *ret_len, struct ironclaw_error *err);

/** record_add() - append a line and its end. Return: 0; -EFBIG, -ENOSPC, -errno: not recorded */
int record_add(struct record *record, const char *line, struct ironclaw_error *err);

void record_close(struct record *record);

#endif
