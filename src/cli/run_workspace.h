/* SPDX-License-Identifier: Apache-2.0 */
/**
 * run_workspace.h - the workspace of a run: a copy goes in, changes come out, somebody decides.
 *
 *   run_workspace_open()     before the VM: finish what a killed apply left, look at the folder
 *   run_workspace_in()       the VM is there: the copy
 *   run_workspace_out()      the command has ended: what it changed, in a stage on the host
 *   run_workspace_decide()   the VM is gone: card, question, apply
 *   run_workspace_close()
 *
 * Nothing on the host changes but in run_workspace_decide(), and there only with an approval that
 * the gate has taken back (workspace/gated.h).
 */
#ifndef CLI_RUN_WORKSPACE_H
#define CLI_RUN_WORKSPACE_H

#include "approval/gate.h"
#include "base/paths.h"
#include "codec/json_write.h"
#include "workspace/in_vm.h"

#define RUN_EXCLUDES_MAX 256U
#define RUN_WORKSPACE_AT IN_VM_DEFAULT_PATH

/** The flags. */
struct run_workspace_args {
	const char *folder;	/* NULL: no workspace */
	const char *guest_path; /* NULL: RUN_WORKSPACE_AT */
	const char *excludes[RUN_EXCLUDES_MAX + 1];
	size_t n_excludes;
	uint64_t size_max_b;
	bool apply, discard, queue;
	const char *changes_file; /* save the changes as an archive, and */
	const char *patch_file;	  /* as a patch; or NULL */
	const char *policy_file;  /* NULL: the user's */
};

struct run_workspace {
	const struct run_workspace_args *args;
	struct paths paths;
	struct policy *policy; /* read before anything runs; NULL: there is none */
	struct workspace *ws;
	struct stage *stage;
	struct changes *changes;  /* owned where @stage is */
	int changes_fd, patch_fd; /* made before anything runs; -EBADF: not asked for, or written */
	struct apply_result applied;
	/* "applied", "discarded", "nothing kept", "unchanged", "failed"; NULL: none yet */
	const char *decision;
	const char *failure; /* why it could not be carried out; borrowed, or NULL */
	char by[APPROVAL_USER_MAX_B + APPROVAL_DETAIL_MAX_B]; /* who decided */
};

/** run_workspace_path() - where the guest has it. */
const char *run_workspace_path(const struct run_workspace_args *args);

/**
 * run_workspace_prepare(), run_workspace_files() - the policy, and the files to save to, for
 * whoever has the copy and the changes made by others (sandbox/sandbox.h): the first before
 * anything runs, the second after the copy, which is not to have them in it. @changes is then set
 * by the caller.
 * @ret:	for run_workspace_close(), whatever is returned
 */
int run_workspace_prepare(const struct run_workspace_args *args, struct run_workspace *ret,
			  struct ironclaw_error *err);
int run_workspace_files(struct run_workspace *rw, struct ironclaw_error *err);

/**
 * run_workspace_open() - what can be wrong is found here, before anything runs: the policy, files
 * to save to, a folder that holds our own state or lies in it.
 * @ret:	for run_workspace_close(), whatever is returned
 */
int run_workspace_open(const struct run_workspace_args *args, struct run_workspace *ret,
		       struct ironclaw_error *err);
int run_workspace_in(struct run_workspace *rw, struct ironclaw_vm *vm, struct ironclaw_error *err);
int run_workspace_out(struct run_workspace *rw, struct ironclaw_vm *vm, struct ironclaw_error *err);

/**
 * run_workspace_decide() - show and ask, as the flags say.
 * @json:	the card is part of a document: nothing is shown
 *
 * Return: 0, also when nothing was kept; -errno when what was to be kept could not be
 */
int run_workspace_decide(struct run_workspace *rw, struct audit_log *log, const char *vm_id,
			 bool json, struct ironclaw_error *err);

/** run_workspace_json() - as a member of the open object. */
void run_workspace_json(struct json_writer *w, const struct run_workspace *rw);

void run_workspace_close(struct run_workspace *rw);

#endif
