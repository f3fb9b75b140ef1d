/* SPDX-License-Identifier: Apache-2.0 */
/** sandbox_internal.h - the inside of sandboxes and their calls. */
#ifndef SANDBOX_SANDBOX_INTERNAL_H
#define SANDBOX_SANDBOX_INTERNAL_H

#include "sandbox/collect.h"
#include "sandbox/sandbox.h"

#define SANDBOX_PATH_MAX_B    4095U
#define SANDBOX_ARGS_MAX      9U
#define SANDBOX_LISTING_MAX_B (4U * 1024U * 1024U) /* of the guest's words about a folder */
#define SANDBOX_WORDS_MAX_B   4096U		   /* of stderr, where it is only looked at */
#define SANDBOX_LINE_MAX_B    400U		   /* of a line that was found */

struct sandbox {
	struct paths paths;
	struct policy *policy;
	struct audit_log log;
	struct approval_gate gate;
	struct ironclaw_vm *vm;
	char id[LIMIT_VM_ID_MAX + 1];
	void (*notice)(void *userdata, enum ironclaw_notice notice, const char *text);
	void *userdata;
	uint64_t n_commands;
	bool started; /* its end is to be recorded */
	/* The workspace; NULL: none. Strings are our own. */
	struct workspace *ws;
	char *folder, *guest_path;
	char **excludes;
	/* What the last sandbox_changes() found. */
	struct stage *stage;
	struct changes *changes;
	bool applied;
	struct base old_base; /* of changes that were applied */
};

/** What a request is in the guest. */
struct sandbox_plan {
	enum sandbox_op op;
	const char *const *argv;
	const char *args[SANDBOX_ARGS_MAX + 1]; /* of our own scripts */
	char path[SANDBOX_PATH_MAX_B + 3];
	char first[24], second[24]; /* numbers as text */
	char cwd[2 * SANDBOX_PATH_MAX_B];
	const char *in; /* cwd, or NULL: the user's home */
	uint64_t timeout_ms;
	uint64_t offset, limit;
	size_t out_max, err_max; /* to read, and */
	size_t text_max;	 /* to hand on */
	bool both_ends;
};

/**
 * sandbox_plan_make() - check a request.
 * @folder:	where relative paths begin in the guest; NULL: the user's home
 * @ret:	borrows from the request, and from itself: it must not move
 *
 * Return: 0; -EINVAL, -E2BIG with IRONCLAW_ERR_INVALID and a sentence for whoever asked
 */
int sandbox_plan_make(const struct sandbox_request *request, const char *folder,
		      struct sandbox_plan *ret, struct ironclaw_error *err);

/** What a plan came to: bytes of the guest, and how it ended. */
struct sandbox_answer {
	const struct ironclaw_exec_result *end;
	const struct collect *out, *err;
	uint64_t timeout_ms; /* that was set */
	uint64_t offset;     /* of what was read */
	uint64_t limit;	     /* of lines or entries; 0: none */
	size_t text_max;
	uint64_t written;
	bool cancelled;
};

/**
 * sandbox_answer_read() - make the result; pure.
 * @ret:	zeroed; for sandbox_result_done(), whatever is returned
 *
 * Return: 0, -ENOMEM
 */
int sandbox_answer_read(enum sandbox_op op, const struct sandbox_answer *answer,
			struct sandbox_result *ret);

/** sandbox_forget_changes() - what the last sandbox_changes() found. */
void sandbox_forget_changes(struct sandbox *s);

#endif
