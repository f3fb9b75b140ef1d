/* SPDX-License-Identifier: Apache-2.0 */
/** queue_internal.h - for the files queue*.c only. */
#ifndef APPROVAL_QUEUE_INTERNAL_H
#define APPROVAL_QUEUE_INTERNAL_H

#include "approval/queue.h"
#include "codec/json_write.h"

/** queue_entry_write() - the text of a question, with the card's lines. Return: 0, -EIO */
int queue_entry_write(FILE *out, const struct queue_entry *entry, const struct approval_card *card);

/** queue_pid_start() - when a process began, in ticks of this boot; 0: there is none. */
uint64_t queue_pid_start(uint64_t pid);

/** queue_over() - whether nobody waits for an answer any more. */
bool queue_over(const struct queue_entry *entry);

#endif
