/* SPDX-License-Identifier: Apache-2.0 */
/**
 * sandbox.h - a VM that lives for a task or a client: its workspace, its gate, its records.
 *
 *	sandbox_open()		VM, copy of the workspace, record of the start
 *	sandbox_do()		one operation: a command, or a file or folder of the guest; or
 *	sandbox_start(), _call_is_over(), _call_take()	the same beside others
 *	sandbox_changes()	what the workspace has become: any number of times
 *	sandbox_approve(), sandbox_apply()	put chosen changes on the host, through the gate
 *	sandbox_close()
 *
 * Nothing reaches the host but in sandbox_apply(), with a grant. No text of a caller's is ever part
 * of a shell's program: arguments are arguments. All that an operation returns comes from the guest
 * and is hostile: bounded, and not escaped.
 *
 * Threads: a sandbox belongs to one thread at a time, and may be handed on; different sandboxes may
 * be opened, used and closed in different threads at once. sandbox_open() blocks for about 0.15 s,
 * for tens of seconds when a template has to be built first: it may be called in a helper thread,
 * which may end before the sandbox does. sandbox_approve() alone may run in another thread beside
 * the rest. SIGPIPE must be ignored, in all of them.
 *
 * Calls make progress while the VM is served: by vm_poll() and vm_serve() on sandbox_vm() in the
 * caller's own loop (machine/process.h), or in sandbox_step(), sandbox_do() and sandbox_changes(),
 * which block. Callbacks come from there.
 */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include "approval/gate.h"
#include "machine/process.h"
#include "workspace/workspace.h"

#define SANDBOX_WORKSPACE_AT	 "/workspace"
#define SANDBOX_OUTPUT_DEFAULT_B (64U * 1024U) /* of each stream that is returned */
#define SANDBOX_OUTPUT_MAX_B	 (16U * 1024U * 1024U)
#define SANDBOX_WRITE_MAX_B	 (64U * 1024U * 1024U)
#define SANDBOX_LIST_MAX	 10000U /* entries */
#define SANDBOX_FILE_TIMEOUT_MS	 60000U /* of everything but SANDBOX_EXEC, where none is given */
#define SANDBOX_MESSAGE_MAX_B	 512U

struct sandbox_workspace {
	const char *folder;	     /* NULL: no workspace */
	const char *guest_path;	     /* absolute; NULL: SANDBOX_WORKSPACE_AT */
	const char *const *excludes; /* patterns, ends with NULL; or NULL */
	uint64_t size_max_b;	     /* 0: the default */
};

/** All strings are borrowed for sandbox_open() only. */
struct sandbox_options {
	/* Its notice gets those of the workspace too, in whatever call they come up, until
	 * sandbox_close(). */
	struct ironclaw_vm_options vm;
	struct sandbox_workspace workspace;
	const char *policy_file; /* NULL: the user's */
	const char *purpose;	 /* "agent", "mcp": for the record of the start */
};

struct sandbox;

/**
 * sandbox_open() - start the VM, copy the workspace in, record the start.
 *
 * Blocks. What cannot be recorded in the audit log is not started. Return: 0 with *ret for
 * sandbox_close(); -errno and nothing is left
 */
int sandbox_open(const struct sandbox_options *options, struct sandbox **ret,
		 struct ironclaw_error *err);

/**
 * sandbox_close() - end calls and VM, record the end; NULL is fine. Changes that were not applied
 * are gone. Return: 0; -errno when something of the VM could not be removed
 */
int sandbox_close(struct sandbox *s, struct ironclaw_error *err);

/** sandbox_vm() - to poll, and for further processes (machine/process.h), which it outlives. */
struct ironclaw_vm *sandbox_vm(struct sandbox *s);

/** sandbox_id() - the VM's id. */
const char *sandbox_id(const struct sandbox *s);

/** sandbox_folder() - where commands run: the workspace in the guest; NULL: the user's home. */
const char *sandbox_folder(const struct sandbox *s);

/** sandbox_gate() - paths, log and policy of this sandbox, for approvals of the caller's own. */
const struct approval_gate *sandbox_gate(const struct sandbox *s);

/**
 * sandbox_record_exec() - record a command that the caller starts himself on sandbox_vm(), before
 * he does. Return: 0; -errno: it must not be started
 */
int sandbox_record_exec(struct sandbox *s, const char *const *argv, struct ironclaw_error *err);

enum sandbox_op {
	SANDBOX_EXEC,	/* argv */
	SANDBOX_READ,	/* path; offset, limit */
	SANDBOX_WRITE,	/* path, data, len: makes missing folders, replaces the file at once */
	SANDBOX_LIST,	/* path */
	SANDBOX_SEARCH, /* pattern, path (a file, or a folder and all beneath), fixed, limit */
	SANDBOX_OP_MAX
};

/**
 * One operation, as the guest's ordinary user. Strings are borrowed for the call that takes them.
 * Paths and cwd: relative ones are below sandbox_folder(); NULL or "" is that folder itself. Paths
 * are the guest's, with all its links: any file of the VM may be meant, and none of the host.
 */
struct sandbox_request {
	enum sandbox_op op;
	const char *const *argv; /* EXEC: ends with NULL */
	const char *const *env;	 /* EXEC: NAME=VALUE, ends with NULL; or NULL */
	const char *cwd;
	const char *path;
	const void *data; /* WRITE: the whole file. EXEC: standard input, when not NULL */
	size_t len;	  /* of data: SANDBOX_WRITE_MAX_B at most */
	uint64_t offset;  /* READ: first byte */
	uint64_t limit;	  /* READ: bytes; LIST, SEARCH: entries, lines; 0: as many as fit */
	const char *pattern;
	bool fixed;	       /* pattern is a text; false: an extended regular expression */
	bool ignore_case;      /* SEARCH */
	uint64_t timeout_ms;   /* 0: EXEC: as the VM's options say, or none */
	uint32_t output_max_b; /* of each stream; 0: SANDBOX_OUTPUT_DEFAULT_B */
};

/**
 * Bytes of the guest, and how many there were. EXEC: when there were more than output_max_b, the
 * first and the last of them, with a line between that says how many are left out. Others: the
 * first.
 */
struct sandbox_text {
	char *data; /* a NUL behind it, not counted; never NULL */
	size_t len;
	uint64_t total; /* bytes. READ: of the whole file. LIST: entries */
	bool truncated; /* data is not all of it. READ: there is more behind it */
};

/** Of SANDBOX_LIST, sorted by name. */
struct sandbox_entry {
	char type;     /* as find(1): 'f', 'd', 'l', 'p', 's', 'b', 'c' */
	uint32_t mode; /* 0 to 07777 */
	uint64_t size;
	const char *name; /* any bytes but '/' and NUL */
};

struct sandbox_result {
	bool failed;	       /* message says why; EXEC: every end but exit code 0 */
	int exit_code, signal; /* EXEC; as ironclaw_exec_result has them */
	bool timed_out, oom;
	bool cancelled; /* by sandbox_call_cancel() */
	/* EXEC: stdout. READ: content. LIST: a line each, names escaped. SEARCH: lines as grep(1)
	 * has them, long ones cut. */
	struct sandbox_text out;
	struct sandbox_text err;       /* EXEC: stderr. Others: empty */
	struct sandbox_entry *entries; /* LIST */
	size_t n_entries;
	char *names;	  /* of the entries */
	uint64_t written; /* WRITE */
	uint64_t took_us;
	char message[SANDBOX_MESSAGE_MAX_B]; /* one sentence, for the model too; escaped */
};

/** sandbox_result_done() - release what it holds; twice is fine. */
void sandbox_result_done(struct sandbox_result *result);

struct sandbox_call;

/** All members may be NULL. */
struct sandbox_watch {
	/** EXEC: output as it comes, before it is bounded. */
	void (*output)(void *userdata, enum ironclaw_stream stream, const void *data, size_t len);
	/** It is over: sandbox_call_take() may be called, from here too. */
	void (*over)(void *userdata);
	void *userdata;
};

/**
 * sandbox_start() - begin an operation; EXEC is recorded before.
 * @watch:	copied; or NULL
 * @ret:	for sandbox_call_take() or sandbox_call_drop()
 *
 * Return: 0; -EBUSY (IRONCLAW_ERR_BUSY) when VM_PROCESS_MAX run already; -EINVAL for a request
 * that is none (the text is fit for the model); -EPIPE (_LOST) when the VM is gone; -errno
 */
int sandbox_start(struct sandbox *s, const struct sandbox_request *request,
		  const struct sandbox_watch *watch, struct sandbox_call **ret,
		  struct ironclaw_error *err);

bool sandbox_call_is_over(const struct sandbox_call *call);

/** sandbox_call_cancel() - kill everything that it started; it is over soon, and as usual. */
void sandbox_call_cancel(struct sandbox_call *call);

/**
 * sandbox_call_take() - the result of a call that is over. The call is gone afterwards.
 * @ret:	for sandbox_result_done()
 *
 * Return: 0, also when it failed in the guest; -errno when nobody knows: IRONCLAW_ERR_LOST (the VM
 * has ended), IRONCLAW_ERR_UNKNOWN_OUTCOME (the VM lives)
 */
int sandbox_call_take(struct sandbox_call *call, struct sandbox_result *ret,
		      struct ironclaw_error *err);

/** sandbox_call_drop() - kill it, and forget it; NULL is fine. */
void sandbox_call_drop(struct sandbox_call *call);

/** sandbox_step() - vm_step() on sandbox_vm(). */
int sandbox_step(struct sandbox *s, int timeout_ms, struct ironclaw_error *err);

/** sandbox_do() - start, step to the end, take. Return: as both */
int sandbox_do(struct sandbox *s, const struct sandbox_request *request, struct sandbox_result *ret,
	       struct ironclaw_error *err);

/**
 * sandbox_changes() - what the workspace in the guest has become against the host's folder as it
 * was copied, or as sandbox_apply() left it.
 * @ret:	belongs to the sandbox, until the next call of this or sandbox_close(); a caller may
 *		select (changes_select()); no changes: n is 0
 *
 * Blocks, and steps other processes along. Commands may run meanwhile: of what they write then, the
 * old or the new is seen, or half of it; when a folder goes under it the call fails, and may be
 *made again. Return: 0; -EINVAL without a workspace; -errno
 */
int sandbox_changes(struct sandbox *s, struct changes **ret, struct ironclaw_error *err);

/**
 * sandbox_approve() - have the selection of the last sandbox_changes() approved: by the policy, or
 * by a person.
 * @way:	whom to ask where the policy says so
 *
 * Blocks until there is an answer, APPROVAL_TIMEOUT_MS at most. May run in a thread of its own,
 * while another one goes on with everything but sandbox_changes(), sandbox_apply(), a selection
 * and sandbox_close(). (Who has an answer already uses approval_grant() on sandbox_gate() with
 * gated_changes_make().)
 *
 * Return: 0 with a grant; -EPERM when it was denied, by whatever; -ENODATA for no changes; -errno
 */
int sandbox_approve(const struct sandbox *s, enum approval_way way, struct approval_grant *ret,
		    struct ironclaw_error *err);

/**
 * sandbox_apply() - carry out the selection of the last sandbox_changes() on the host.
 * @grant:	hostile; used up, whatever is returned
 * @ret:	filled on success, and with conflicts when the host's files had changed
 *
 * What was applied is no change any more: the next sandbox_changes() compares with what is on the
 * host now. The changes are kept, to be shown, but cannot be applied twice.
 *
 * Return: as gated_apply(); -ENODATA when nothing is selected, or no changes were made
 */
int sandbox_apply(struct sandbox *s, const struct approval_grant *grant, struct apply_result *ret,
		  struct ironclaw_error *err);

#endif
