/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof_judge.c - whether what the kernel says is what each layer must be; pure; see proof.h.
 *
 * VMM and keeper are judged. The warden builds jails and parses nothing from a guest: of it only
 * an ordinary user's is judged, that it holds no capability; everything else is told as it is.
 */
#include "machine/proof_judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "jail/warden_limits.h"

/* Too little for a file; exactly this also bars programs that handle core files (core(5)). */
#define CORE_MAX_B 1U
/* More than VMM and keeper ever open, and far below what troubles a host. */
#define NOFILE_MAX 1024U

void proof_say(struct proof_finding *ret, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(ret->says, sizeof(ret->says), fmt, ap);
	va_end(ap);
	ret->verdict = IRONCLAW_VERDICT_OK;
}

void proof_weak(struct proof_finding *ret, const char *fmt, ...)
{
	char raw[sizeof(ret->reason)];
	va_list ap;

	if (ret->verdict == IRONCLAW_VERDICT_WEAK)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	escape_text(ret->reason, sizeof(ret->reason), raw, strlen(raw));
	ret->verdict = IRONCLAW_VERDICT_WEAK;
}

void proof_unread(struct proof_finding *ret, int errnum)
{
	ret->verdict = IRONCLAW_VERDICT_UNKNOWN;
	(void)snprintf(ret->says, sizeof(ret->says), "not readable");
	(void)snprintf(ret->reason, sizeof(ret->reason), "not readable by this user: %s",
		       strerror(errnum));
}

static void judge_user_ns(const struct proof_case *c, struct proof_finding *ret)
{
	const struct proof_process *p = c->process, *warden = &c->proof->process[PROOF_WARDEN];
	int error = p->ns_error	       ? p->ns_error
		    : p->uid_map_error ? p->uid_map_error
				       : p->gid_map_error;

	if (error) {
		proof_unread(ret, error);
		return;
	}
	if (p->ns[PROOF_NS_USER] == c->proof->host.ns[PROOF_NS_USER] ||
	    (c->who != PROOF_WARDEN && p->ns[PROOF_NS_USER] == warden->ns[PROOF_NS_USER])) {
		proof_say(ret, "the host's");
		proof_weak(ret, "it is in the user namespace of the host");
		return;
	}
	if (p->uid_map.n_ids == 0)
		proof_say(ret, "own, no uid in it");
	else
		proof_say(ret, "own, %llu uid in it", (unsigned long long)p->uid_map.n_ids);
	if (p->uid_map.n_ids > 1 || p->gid_map.n_ids > 1)
		proof_weak(ret, "%llu uids and %llu gids exist in its user namespace, not one",
			   (unsigned long long)p->uid_map.n_ids,
			   (unsigned long long)p->gid_map.n_ids);
	if (!p->setgroups_denied)
		proof_weak(ret, "setgroups(2) is not denied in its user namespace");
}

static bool four_equal(const uint32_t id[4])
{
	return id[0] == id[1] && id[1] == id[2] && id[2] == id[3];
}

static void judge_ids(const struct proof_case *c, struct proof_finding *ret)
{
	const struct proof_status *s = &c->process->tasks.status;

	if (c->process->tasks_error) {
		proof_unread(ret, c->process->tasks_error);
		return;
	}
	proof_say(ret, "%u:%u", s->uid[1], s->gid[1]);
	if (!four_equal(s->uid) || !four_equal(s->gid) || c->process->tasks.ids_differ)
		proof_weak(ret, "its real, effective, saved and file system ids are not the same");
	if (s->uid[1] == 0)
		proof_weak(ret, "for the host it runs as root");
	else if (s->gid[1] == 0)
		proof_weak(ret, "for the host it is in root's group");
}

static void judge_groups(const struct proof_case *c, struct proof_finding *ret)
{
	const struct proof_status *s = &c->process->tasks.status;

	if (c->process->tasks_error) {
		proof_unread(ret, c->process->tasks_error);
		return;
	}
	if (s->n_groups == 0)
		proof_say(ret, "none");
	else if (s->n_groups == 1)
		proof_say(ret, "%u", s->groups[0]);
	else
		proof_say(ret, "%u groups", s->n_groups);
	for (uint32_t i = 0; i < s->n_groups && i < PROOF_GROUPS_MAX; i++) {
		if (s->groups[i] != s->gid[1])
			proof_weak(ret,
				   "it keeps %u groups of whoever started it, %u for one: without "
				   "privilege they cannot be dropped",
				   s->n_groups, s->groups[i]);
	}
	if (s->n_groups > PROOF_GROUPS_MAX)
		proof_weak(ret, "it keeps %u groups of whoever started it", s->n_groups);
}

static void judge_capabilities(const struct proof_case *c, struct proof_finding *ret)
{
	static const char *const names[PROOF_CAP_SETS] = {"inheritable", "permitted", "effective",
							  "bounding", "ambient"};
	const struct proof_status *s = &c->process->tasks.status;
	/* An ordinary user's process has a full bounding set, and nothing to bound. */
	bool warden = c->who == PROOF_WARDEN;

	if (c->process->tasks_error) {
		proof_unread(ret, c->process->tasks_error);
		return;
	}
	proof_say(ret, warden ? "none held" : "none in any set");
	for (int i = 0; i < PROOF_CAP_SETS; i++) {
		if (s->caps[i] == 0 || (warden && i == PROOF_CAP_BND))
			continue;
		proof_say(ret, "%s %llx", names[i], (unsigned long long)s->caps[i]);
		proof_weak(ret, "capabilities in the %s set: %llx", names[i],
			   (unsigned long long)s->caps[i]);
		return;
	}
}

static void judge_no_new_privs(const struct proof_case *c, struct proof_finding *ret)
{
	if (c->process->tasks_error) {
		proof_unread(ret, c->process->tasks_error);
		return;
	}
	proof_say(ret, c->process->tasks.status.no_new_privs ? "set" : "not set");
	if (!c->process->tasks.status.no_new_privs)
		proof_weak(ret, "a program that it executes could gain privilege");
}

static void judge_seccomp(const struct proof_case *c, struct proof_finding *ret)
{
	const struct proof_status *s = &c->process->tasks.status;

	if (c->process->tasks_error) {
		proof_unread(ret, c->process->tasks_error);
		return;
	}
	if (s->seccomp_mode != 2 || s->seccomp_filters == 0) {
		proof_say(ret, s->seccomp_mode == 1 ? "strict" : "off");
		proof_weak(ret,
			   "no filter confines at least one of its threads, of which it has %u",
			   c->process->tasks.n);
		return;
	}
	proof_say(ret, "filter, %u program%s", s->seccomp_filters,
		  s->seccomp_filters == 1 ? "" : "s");
}

/* A controller whose cgroup is the warden's too: what limits there are, others share them. */
static const char *shared_controller(const struct proof_case *c)
{
	static const char *const names[] = {"memory", "pids", "cpu"};
	const struct proof_cgroups *mine = &c->process->cgroups;
	const struct proof_cgroups *wardens = &c->proof->process[PROOF_WARDEN].cgroups;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *where = proof_find_cgroup(mine, names[i]) ? names[i] : "";
		const struct proof_cgroup *a = proof_find_cgroup(mine, where);
		const struct proof_cgroup *b = proof_find_cgroup(wardens, where);

		if (!a || (b && strcmp(a->path, b->path) == 0))
			return names[i];
	}
	return NULL;
}

static void judge_limits(const struct proof_case *c, struct proof_finding *ret)
{
	const struct proof_limits *l = &c->process->limits;

	if (c->process->cgroups_error) {
		proof_unread(ret, c->process->cgroups_error);
		return;
	}
	if (c->who == PROOF_VMM && c->proof->status.limits == WARDEN_LIMITS_NONE) {
		proof_say(ret, "no cgroup of its own");
		proof_weak(ret, "it has no cgroup of its own: memory, processes and processor time "
				"are not limited");
		return;
	}
	if (!l->has_memory && !l->has_pids && !l->has_cpu) {
		ret->verdict = IRONCLAW_VERDICT_UNKNOWN;
		(void)snprintf(ret->says, sizeof(ret->says), "not readable");
		(void)snprintf(ret->reason, sizeof(ret->reason),
			       "the files of its cgroup are not to be seen from here");
		return;
	}
	proof_say(ret, "%lluM, %llu pids, %llu%%",
		  (unsigned long long)(l->has_memory ? l->memory_b >> 20 : 0),
		  (unsigned long long)(l->has_pids ? l->pids : 0),
		  (unsigned long long)(l->has_cpu ? l->cpu_percent : 0));
	if (shared_controller(c)) {
		proof_say(ret, "no cgroup of its own");
		proof_weak(ret, "for %s it is in its warden's cgroup", shared_controller(c));
	} else if (!l->has_memory || l->memory_b == PROOF_UNLIMITED) {
		proof_say(ret, "memory not limited");
		proof_weak(ret, "its cgroup does not limit memory");
	} else if (!l->has_pids || l->pids == PROOF_UNLIMITED) {
		proof_say(ret, "pids not limited");
		proof_weak(ret, "its cgroup does not limit processes");
	} else if (!l->has_cpu || l->cpu_percent == PROOF_UNLIMITED) {
		proof_say(ret, "cpu not limited");
		proof_weak(ret, "its cgroup does not limit processor time");
	} else if (l->has_swap && l->swap_b > 0) {
		proof_weak(ret, "its cgroup lets it use swap");
	}
}

static void judge_rlimits(const struct proof_case *c, struct proof_finding *ret)
{
	const struct proof_rlimits *l = &c->process->rlimits;

	if (c->process->rlimits_error) {
		proof_unread(ret, c->process->rlimits_error);
		return;
	}
	if (l->hard[PROOF_RLIMIT_CORE] == PROOF_UNLIMITED)
		proof_say(ret, "core not limited");
	else
		proof_say(ret, "core %llu, %llu files",
			  (unsigned long long)l->hard[PROOF_RLIMIT_CORE],
			  (unsigned long long)l->hard[PROOF_RLIMIT_NOFILE]);
	if (l->hard[PROOF_RLIMIT_CORE] > CORE_MAX_B)
		proof_weak(ret, "it may raise its limit of core files");
	if (l->hard[PROOF_RLIMIT_NOFILE] > NOFILE_MAX)
		proof_weak(ret, "it may open more than %u files", NOFILE_MAX);
	if (l->hard[PROOF_RLIMIT_FSIZE] == PROOF_UNLIMITED)
		proof_weak(ret, "the size of a file that it writes is not limited");
}

/* What a crash would show: the memory of the guest. */
static void judge_core(const struct proof_case *c, struct proof_finding *ret)
{
	const struct proof_process *p = c->process;
	bool barred = !p->rlimits_error && p->rlimits.hard[PROOF_RLIMIT_CORE] <= CORE_MAX_B;
	bool handler = c->proof->host.core_handler;

	if (!p->dumpable_error && p->dumpable_known && !p->dumpable) {
		proof_say(ret, "not dumpable");
		return;
	}
	if (barred && (!handler || p->rlimits.hard[PROOF_RLIMIT_CORE] == CORE_MAX_B)) {
		proof_say(ret, "none, by limit");
		return;
	}
	if (p->dumpable_error || !p->dumpable_known) {
		proof_unread(ret, p->dumpable_error);
		(void)snprintf(ret->reason, sizeof(ret->reason),
			       "for a process of root /proc does not tell whether it is dumpable");
		return;
	}
	proof_say(ret, "dumpable");
	proof_weak(ret, barred ? "a crash would hand its memory to the host's core_pattern handler"
			       : "a crash would write its memory to a file");
}

static void judge_terminal(const struct proof_case *c, struct proof_finding *ret)
{
	proof_say(ret, c->process->stat.tty ? "has one" : "none");
	if (c->process->stat.tty)
		proof_weak(ret, "it has a controlling terminal, which it could type into");
}

static void judge_landlock(const struct proof_case *c, struct proof_finding *ret)
{
	int abi = c->proof->host.landlock_abi;

	if (c->who != PROOF_VMM)
		return;
	ret->verdict = IRONCLAW_VERDICT_NOTE;
	if (abi == 0)
		(void)snprintf(ret->says, sizeof(ret->says), "kernel has none");
	else
		(void)snprintf(ret->says, sizeof(ret->says), "kernel: ABI %d", abi);
	(void)snprintf(ret->reason, sizeof(ret->reason),
		       "the kernel shows of no process whether Landlock confines it");
}

static void judge_firewall(const struct proof_case *c, struct proof_finding *ret)
{
	const struct proof_firewall *f = &c->proof->firewall;

	if (!f->read || c->who != PROOF_VMM)
		return;
	if (f->error) {
		proof_say(ret, "broken");
		proof_weak(ret, "%s: %s", f->chain, f->failure);
		return;
	}
	proof_say(ret, "drops, %llu so far", (unsigned long long)f->n_packets);
}

static const struct {
	const char *name, *key;
	void (*judge)(const struct proof_case *c, struct proof_finding *ret);
	bool must_have;
} layers[PROOF_LAYERS] = {
	[PROOF_USER_NS] = {"user namespace", "user_namespace", judge_user_ns, true},
	[PROOF_IDS] = {"uid:gid", "ids", judge_ids, true},
	[PROOF_GROUPS] = {"groups", "groups", judge_groups, false},
	[PROOF_CAPABILITIES] = {"capabilities", "capabilities", judge_capabilities, true},
	[PROOF_NO_NEW_PRIVS] = {"no_new_privs", "no_new_privs", judge_no_new_privs, true},
	[PROOF_SECCOMP] = {"seccomp", "seccomp", judge_seccomp, true},
	[PROOF_OTHER_NS] = {"namespaces", "namespaces", proof_judge_namespaces, true},
	[PROOF_NETWORK] = {"network", "network", proof_judge_network, true},
	[PROOF_MOUNTS_LAYER] = {"root, mounts", "mounts", proof_judge_mounts, true},
	[PROOF_DESCRIPTORS] = {"descriptors", "descriptors", proof_judge_descriptors, true},
	[PROOF_MEMORY] = {"shared memory", "memory", proof_judge_memory, true},
	[PROOF_LIMITS_LAYER] = {"cgroup limits", "limits", judge_limits, false},
	[PROOF_RLIMITS_LAYER] = {"rlimits", "rlimits", judge_rlimits, false},
	[PROOF_CORE] = {"core dump", "core_dump", judge_core, false},
	[PROOF_TERMINAL] = {"terminal", "terminal", judge_terminal, true},
	[PROOF_LANDLOCK] = {"Landlock", "landlock", judge_landlock, false},
	[PROOF_FIREWALL] = {"firewall", "firewall", judge_firewall, true},
};

const char *proof_layer_name(enum proof_layer layer)
{
	return layers[layer].name;
}

const char *proof_layer_key(enum proof_layer layer)
{
	return layers[layer].key;
}

bool proof_must_have(enum proof_layer layer)
{
	return layers[layer].must_have;
}

const char *proof_who_name(enum proof_who who)
{
	static const char *const names[PROOF_PROCESSES] = {"vmm", "keeper", "warden"};

	return names[who];
}

const char *proof_verdict_name(enum ironclaw_verdict verdict)
{
	static const char *const names[] = {
		[IRONCLAW_VERDICT_NONE] = "none",	[IRONCLAW_VERDICT_NOTE] = "note",
		[IRONCLAW_VERDICT_OK] = "ok",		[IRONCLAW_VERDICT_WEAK] = "weak",
		[IRONCLAW_VERDICT_UNKNOWN] = "unknown",
	};

	return names[verdict];
}

const char *proof_namespace_name(enum proof_namespace ns)
{
	static const char *const names[PROOF_NAMESPACES] = {"user", "pid", "net",    "mnt",
							    "ipc",  "uts", "cgroup", "time"};

	return names[ns];
}

static bool is_judged(enum proof_layer layer, const struct proof_case *c)
{
	const struct proof_tasks *warden = &c->proof->process[PROOF_WARDEN].tasks;

	if (c->who == PROOF_WARDEN)
		return layer == PROOF_CAPABILITIES && warden->status.uid[1] != 0;
	/* A keeper without one has a small limit of its own; a VMM without one has none. */
	return layer != PROOF_LIMITS_LAYER || c->who == PROOF_VMM ||
	       c->proof->status.limits != WARDEN_LIMITS_NONE;
}

void proof_judge(const struct proof *proof, struct proof_report *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (int layer = 0; layer < PROOF_LAYERS; layer++) {
		for (int who = 0; who < PROOF_PROCESSES; who++) {
			const struct proof_case c = {proof, &proof->process[who], who};
			struct proof_finding *f = &ret->findings[layer][who];

			layers[layer].judge(&c, f);
			if (f->verdict == IRONCLAW_VERDICT_NONE || is_judged(layer, &c))
				continue;
			f->verdict = IRONCLAW_VERDICT_NOTE;
			f->reason[0] = '\0';
		}
	}
}

bool proof_first_missing(const struct proof_report *report, enum proof_layer *ret_layer,
			 enum proof_who *ret_who)
{
	for (int layer = 0; layer < PROOF_LAYERS; layer++) {
		for (int who = 0; who < PROOF_PROCESSES && layers[layer].must_have; who++) {
			enum ironclaw_verdict v = report->findings[layer][who].verdict;

			if (v != IRONCLAW_VERDICT_WEAK && v != IRONCLAW_VERDICT_UNKNOWN)
				continue;
			*ret_layer = layer;
			*ret_who = who;
			return true;
		}
	}
	return false;
}
