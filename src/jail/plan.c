/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - make the request for a warden; see plan.h. */
#include "jail/plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "firewall/firewall.h"
#include "jail/request_check.h"

static uint32_t add_text(struct jail_plan *plan, const char *text)
{
	struct jail_request *r = &plan->request;
	size_t n = strlen(text) + 1;
	uint32_t at = r->text_length;

	if (n > sizeof(r->text) - at) {
		plan->overflow = true;
		return 0;
	}
	memcpy(r->text + at, text, n);
	r->text_length += (uint32_t)n;
	return at;
}

void jail_plan_init(struct jail_plan *plan, const char *vm_id, const char *keeper_path,
		    uint64_t file_size_max_b)
{
	memset(plan, 0, sizeof(*plan));
	plan->request.magic = JAIL_REQUEST_MAGIC;
	plan->request.size = sizeof(plan->request);
	plan->request.file_size_max_b = file_size_max_b;
	(void)snprintf(plan->request.vm_id, sizeof(plan->request.vm_id), "%s", vm_id);
	plan->request.keeper = add_text(plan, keeper_path);
}

void jail_plan_confine(struct jail_plan *plan, const struct jail_confinement *confinement)
{
	plan->request.vmm_program = confinement->program;
	plan->request.keeper_program = confinement->keeper;
	plan->request.sockets = confinement->sockets;
	plan->request.level = confinement->level;
	plan->request.denied = confinement->denied;
	plan->request.limits = confinement->limits;
}

void jail_plan_mount(struct jail_plan *plan, enum jail_mount_kind kind, const char *source,
		     const char *target)
{
	struct jail_request *r = &plan->request;
	struct jail_mount *m;

	if (r->n_mounts == JAIL_MOUNTS_MAX) {
		plan->overflow = true;
		return;
	}
	m = &r->mounts[r->n_mounts++];
	m->kind = kind;
	m->source = add_text(plan, source);
	m->target = add_text(plan, target);
}

void jail_plan_arg(struct jail_plan *plan, const char *arg)
{
	if (plan->request.n_argv == JAIL_ARGV_MAX)
		plan->overflow = true;
	else
		plan->request.argv[plan->request.n_argv++] = add_text(plan, arg);
}

void jail_plan_env(struct jail_plan *plan, const char *name_value)
{
	if (plan->request.n_env == JAIL_ENV_MAX)
		plan->overflow = true;
	else
		plan->request.env[plan->request.n_env++] = add_text(plan, name_value);
}

int jail_plan_finish(struct jail_plan *plan, uint32_t n_vmm_fds, struct ironclaw_error *err)
{
	plan->request.n_vmm_fds = n_vmm_fds;
	if (plan->overflow)
		return err_set(err, IRONCLAW_ERR_INTERNAL, E2BIG,
			       "the jail's request does not fit its bounds");
	if (request_check(&plan->request, (size_t)JAIL_FD_FIXED + JAIL_KEEPER_FDS + n_vmm_fds) < 0)
		return err_set(err, IRONCLAW_ERR_INTERNAL, EINVAL,
			       "the jail's request is not well-formed");
	return 0;
}

static const char *step_name(uint32_t stage)
{
	static const char *const steps[JAIL_STAGE_MAX] = {
		[JAIL_STAGE_NONE] = "do nothing",
		[JAIL_STAGE_REQUEST] = "accept the request",
		[JAIL_STAGE_DENIALS] = "map the record of denied system calls",
		[JAIL_STAGE_KEYRING] = "leave the session's keyring",
		[JAIL_STAGE_UID] = "take user ids for the VM",
		[JAIL_STAGE_LIMITS_GROUP] = "make the cgroup with the VM's limits",
		[JAIL_STAGE_FIREWALL] = "put up the firewall",
		[JAIL_STAGE_USERNS] = "make the namespaces",
		[JAIL_STAGE_IDMAP] = "map the user of the jail",
		[JAIL_STAGE_MOUNTNS] = "make the mounts private",
		[JAIL_STAGE_ROOT] = "mount the root of the jail",
		[JAIL_STAGE_MOUNT] = "mount a file",
		[JAIL_STAGE_PIVOT] = "leave the host's file tree",
		[JAIL_STAGE_SOCKETS] = "make the folder for the VMM's sockets",
		[JAIL_STAGE_DESCRIPTORS] = "arrange the descriptors",
		[JAIL_STAGE_LIMITS] = "set the limits",
		[JAIL_STAGE_IDS] = "change to the user of the jail",
		[JAIL_STAGE_PRIVILEGES] = "drop the privileges",
		[JAIL_STAGE_READABLE] = "read as the user of the jail",
		[JAIL_STAGE_LANDLOCK] = "confine with Landlock",
		[JAIL_STAGE_SECCOMP] = "put up the seccomp filter",
		[JAIL_STAGE_EXEC] = "execute",
	};

	return stage < JAIL_STAGE_MAX && steps[stage] ? steps[stage] : "go on";
}

/* What a failed step was about: a file, a program. */
static const char *step_object(const struct jail_request *r, const struct jail_event *event)
{
	if ((event->stage == JAIL_STAGE_MOUNT || event->stage == JAIL_STAGE_READABLE) &&
	    event->detail < r->n_mounts)
		return r->text + r->mounts[event->detail].source;
	if (event->stage == JAIL_STAGE_EXEC)
		return r->text + (jail_program_is_keeper(event->program) ? r->keeper : r->argv[0]);
	return "";
}

static void hint_at(uint32_t stage, int errnum, struct ironclaw_error *err)
{
	if (stage == JAIL_STAGE_USERNS || stage == JAIL_STAGE_IDMAP)
		err_hint(err, "sysctl -w kernel.unprivileged_userns_clone=1 "
			      "user.max_user_namespaces=10000 "
			      "kernel.apparmor_restrict_unprivileged_userns=0 (those that exist)");
	else if (stage == JAIL_STAGE_FIREWALL)
		err_hint(err, "%s", firewall_remedy(errnum));
	else if (stage == JAIL_STAGE_LIMITS_GROUP && errnum == EOPNOTSUPP)
		err_hint(err,
			 "systemd-run --user --scope -p Delegate=yes ironclaw ..., or as root");
	else if (stage == JAIL_STAGE_UID && errnum == EEXIST)
		err_hint(err, "another --name: a VM of another state folder has this one");
	else if (stage == JAIL_STAGE_READABLE)
		err_hint(err,
			 "chmod a+r the file, a+rw a device: as root each VM has a user of its "
			 "own");
	else if (stage == JAIL_STAGE_KEYRING && errnum == EDQUOT)
		err_hint(err, "sysctl -w kernel.keys.maxkeys=2000");
	else if (stage == JAIL_STAGE_SECCOMP && errnum == EBUSY)
		err_hint(err,
			 "this container has a seccomp supervisor of its own: run outside of it");
}

int jail_failure(const struct jail_plan *plan, const struct jail_event *event,
		 struct ironclaw_error *err)
{
	int errnum = event->errnum > 0 ? event->errnum : EIO;
	const char *object = step_object(&plan->request, event), *what = "";
	char more[JAIL_EVENT_TEXT_B];

	(void)snprintf(more, sizeof(more), "%.*s", (int)sizeof(event->text) - 1, event->text);
	/* Of the steps that VMM and keeper both go through, whose it was. */
	if (jail_program_is_keeper(event->program))
		what = " for the keeper";
	(void)err_set(err, IRONCLAW_ERR_JAIL, errnum, "the warden could not %s%s%s%s: %s",
		      step_name(event->stage), object[0] ? " " : "", object, what,
		      more[0] ? more : strerror(errnum));
	hint_at(event->stage, errnum, err);
	return -errnum;
}
