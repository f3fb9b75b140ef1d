/* SPDX-License-Identifier: Apache-2.0 */
/**
 * sandbox_tools_internal.h - the inside of the sandbox tools: sandbox_tools.c has VMs, jobs and
 * their order; sandbox_tools_loop.c begin, loop and end; sandbox_tool_table.c what a client is
 * told; sandbox_tool_args.c what it asks for; sandbox_tool_results.c what it gets.
 */
#ifndef MCP_SANDBOX_TOOLS_INTERNAL_H
#define MCP_SANDBOX_TOOLS_INTERNAL_H

#include <sys/queue.h>

#include "mcp/kept_outputs.h"
#include "mcp/sandbox_tools.h"
#include "mcp/sandbox_work.h"

/* What clients take in well: docs/mcp.md has where from. In bytes of JSON. */
#define TOOL_ANSWER_MAX_B  38000U
#define TOOL_FAILURE_MAX_B 10000U
#define TOOL_READ_MAX_B	   28000U
#define TOOL_LIST_MAX	   1000U
#define TOOL_PATHS_MAX	   1000U

#define TOOL_PROGRESS_US   5000000ULL

enum tool_id {
	TOOL_RUN,
	TOOL_EXEC,
	TOOL_READ,
	TOOL_WRITE,
	TOOL_LIST,
	TOOL_WITHOUT_WORKSPACE, /* below: only with one */
	TOOL_CHANGES = TOOL_WITHOUT_WORKSPACE,
	TOOL_APPLY,
	TOOL_IDS
};

extern const struct mcp_tool sandbox_tool_table[TOOL_IDS];
extern const char sandbox_tools_instructions[];

/** A VM, or the place for one. */
struct slot {
	struct sandbox *sandbox;
	struct sandbox_work *work; /* while it goes on, the sandbox is the thread's */
	struct job *worker;	   /* whose work it is; NULL: of nobody, any more */
	bool used;		   /* a fresh one: it is somebody's, or not closed yet */
	bool lost;		   /* the VM has ended by itself */
	size_t fds_at;		   /* in what was polled; 0: is not among it */
};

enum job_state {
	JOB_WAITS, /* for its VM */
	JOB_RUNS,
	JOB_COMPARES,
	JOB_ASKS,
	JOB_APPLIES,
};

/** A tools/call. */
struct job {
	TAILQ_ENTRY(job) link;
	struct mcp_call *mcp; /* NULL: taken back */
	json_t *arguments;    /* the call's */
	enum tool_id tool;
	enum job_state state;
	struct slot *slot; /* NULL: waits for a fresh one */
	struct sandbox_call *call;
	uint64_t started_us, next_progress_us;
};

struct sandbox_tools {
	const struct sandbox_tools_options *options;
	int wake_fd;
	struct slot client, fresh[SANDBOX_TOOLS_FRESH_MAX];
	struct sandbox_work *asking; /* the approval that goes on, beside everything else */
	struct job *asker;	     /* NULL: nobody waits for it any more */
	TAILQ_HEAD(, job) jobs;
	struct kept_outputs kept;
};

/** tool_slot() - 0: the client's; up to SANDBOX_TOOLS_FRESH_MAX: the fresh ones. */
struct slot *tool_slot(struct sandbox_tools *t, size_t i);

/** tool_slot_work() - begin a work on it, for @worker or NULL. Return: 0, -errno */
int tool_slot_work(struct sandbox_tools *t, struct slot *slot, struct sandbox_work what,
		   struct job *worker);

/** tool_slot_is_idle() - no call of the sandbox and no approval goes on. */
bool tool_slot_is_idle(const struct sandbox_tools *t, const struct slot *slot);

/** tool_slot_close() - end its VM, in a thread; it has one, and no work. */
void tool_slot_close(struct sandbox_tools *t, struct slot *slot);

void tool_job_free(struct sandbox_tools *t, struct job *job);

/** tool_advance() - do what can be done now. */
void tool_advance(struct sandbox_tools *t);

/** What the arguments of a job become. */
struct tool_request {
	struct sandbox_request request; /* points into the arguments, and below */
	const char *argv[4];
	void *decoded; /* of content that came as base64 */
};

/**
 * tool_request_make() - of all tools but sandbox_changes and sandbox_apply.
 * @arguments:	fit the schema
 * @timeout_max_ms: of a command
 * @why:	static, for the model, when it cannot be made
 * @ret:	must not move; for tool_request_done(), whatever is returned
 *
 * Return: 0, -EINVAL, -ENOMEM
 */
int tool_request_make(enum tool_id tool, const json_t *arguments, uint64_t timeout_max_ms,
		      struct tool_request *ret, const char **why);

void tool_request_done(struct tool_request *r);

/**
 * tool_select() - choose the changes that `paths` names; without it all are.
 * Return: 0; -ENOENT for a path that is none of them, with a sentence in @err
 */
int tool_select(struct changes *changes, const json_t *arguments, struct ironclaw_error *err);

/*
 * Answers; each ends the call. Sizes are bounded; what does not fit is said, and an output of a
 * command is kept for resources/read.
 */

/** @result: its outputs may be taken out of it */
void tool_answer(struct sandbox_tools *t, struct mcp_call *call, enum tool_id tool,
		 const json_t *arguments, struct sandbox_result *result);
void tool_answer_changes(struct mcp_call *call, const struct changes *changes);
void tool_answer_applied(struct mcp_call *call, const struct apply_result *applied);
/** @applied: with conflicts, or NULL */
void tool_answer_error(struct mcp_call *call, const char *what, const struct ironclaw_error *err,
		       const struct apply_result *applied);

#endif
