/* SPDX-License-Identifier: Apache-2.0 */
/**
 * replay.h - a record's events through the step function once more: the same decisions, or the
 * first difference. Neither a model nor a VM is needed.
 */
#ifndef AGENT_REPLAY_H
#define AGENT_REPLAY_H

#include "agent/record.h"

/** A session that is being replayed. Zeroed: none has begun. */
struct replay {
	struct agent_state state;
	struct agent_effect effect; /* the last decision, other than NONE */
	json_t *settings;	    /* the newest; owned */
	size_t lines;
};

/**
 * replay_line() - replay the next line, without its end.
 * @ret:	the line, for record_line_done(); or NULL
 *
 * Return: 0; -EINVAL: it is none, or cannot stand here; -ESTALE: another decision was made, or
 * something was changed; -ENOMEM. @err names the line. After a failure nothing more is to be
 * replayed, and the state is that before the line or of no use.
 */
int replay_line(struct replay *replay, const char *text, size_t len, struct record_line *ret,
		struct ironclaw_error *err);

/**
 * replay_lines() - replay a whole record.
 * @tell:	called after each; or NULL
 *
 * Return: as replay_line(); -EINVAL also without any line
 */
int replay_lines(struct replay *replay, const char *text, size_t len,
		 void (*tell)(void *ud, const struct replay *replay,
			      const struct record_line *line),
		 void *ud, struct ironclaw_error *err);

void replay_done(struct replay *replay);

#endif
