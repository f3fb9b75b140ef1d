/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_json.c - the proof as one JSON document; ironclaw-inspect(1) describes its members. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cli/inspect.h"
#include "codec/json_write.h"

/* A part that could not be read is null, with the reason under KEY_error. */
static bool is_unread(struct json_writer *w, const char *key, int error)
{
	char name[40];

	if (error == 0)
		return false;
	json_write_null(w, key);
	(void)snprintf(name, sizeof(name), "%s_error", key);
	json_write_string(w, name, strerror(error));
	return true;
}

static void write_hex(struct json_writer *w, const char *key, uint64_t v)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%016llx", (unsigned long long)v);
	json_write_string(w, key, text);
}

/* null: no limit */
static void write_limit(struct json_writer *w, const char *key, uint64_t v)
{
	if (v == PROOF_UNLIMITED)
		json_write_null(w, key);
	else
		json_write_u64(w, key, v);
}

static void write_ids(struct json_writer *w, const char *key, const uint32_t id[4])
{
	json_write_open_array(w, key);
	for (int i = 0; i < 4; i++)
		json_write_u64(w, NULL, id[i]);
	json_write_close_array(w);
}

static void write_tasks(struct json_writer *w, const struct proof_process *p)
{
	static const char *const caps[PROOF_CAP_SETS] = {"inheritable", "permitted", "effective",
							 "bounding", "ambient"};
	const struct proof_status *s = &p->tasks.status;

	if (is_unread(w, "tasks", p->tasks_error))
		return;
	json_write_u64(w, "tasks", p->tasks.n);
	write_ids(w, "uids", s->uid);
	write_ids(w, "gids", s->gid);
	json_write_open_array(w, "groups");
	for (uint32_t i = 0; i < s->n_groups && i < PROOF_GROUPS_MAX; i++)
		json_write_u64(w, NULL, s->groups[i]);
	json_write_close_array(w);
	json_write_open_object(w, "capabilities");
	for (int i = 0; i < PROOF_CAP_SETS; i++)
		write_hex(w, caps[i], s->caps[i]);
	json_write_close_object(w);
	json_write_bool(w, "no_new_privs", s->no_new_privs);
	json_write_u64(w, "seccomp_mode", s->seccomp_mode);
	json_write_u64(w, "seccomp_filters", s->seccomp_filters);
	json_write_u64(w, "pid_namespace_depth", s->ns_depth);
}

static void write_map(struct json_writer *w, const char *key, const struct proof_id_map *m,
		      int error)
{
	if (is_unread(w, key, error))
		return;
	json_write_open_object(w, key);
	json_write_u64(w, "lines", m->n_lines);
	json_write_u64(w, "ids", m->n_ids);
	if (m->n_lines > 0) {
		json_write_u64(w, "inside", m->inside);
		json_write_u64(w, "outside", m->here);
	}
	json_write_close_object(w);
}

static void write_namespaces(struct json_writer *w, const struct proof *proof,
			     const struct proof_process *p)
{
	if (is_unread(w, "namespaces", p->ns_error))
		return;
	json_write_open_object(w, "namespaces");
	for (int i = 0; i < PROOF_NAMESPACES; i++) {
		json_write_open_object(w, proof_namespace_name(i));
		json_write_u64(w, "inode", p->ns[i]);
		json_write_bool(w, "shared_with_caller", p->ns[i] == proof->host.ns[i]);
		json_write_close_object(w);
	}
	json_write_close_object(w);
}

static void write_mounts(struct json_writer *w, const struct proof_process *p)
{
	if (is_unread(w, "mounts", p->mounts_error))
		return;
	json_write_open_array(w, "mounts");
	for (uint32_t i = 0; i < p->mounts.n; i++) {
		const struct proof_mount *m = &p->mounts.list[i];

		json_write_open_object(w, NULL);
		json_write_string(w, "path", m->point);
		json_write_string(w, "root", m->root);
		json_write_string(w, "type", m->type);
		json_write_bool(w, "readonly", m->ro);
		json_write_bool(w, "nosuid", m->nosuid);
		json_write_bool(w, "nodev", m->nodev);
		json_write_bool(w, "noexec", m->noexec);
		json_write_bool(w, "shared", m->shared);
		json_write_close_object(w);
	}
	json_write_close_array(w);
	json_write_bool(w, "mounts_cut", p->mounts.cut);
}

static void write_fds(struct json_writer *w, const struct proof_process *p)
{
	static const char *const access[] = {"read", "write", "read-write", "none"};

	if (is_unread(w, "descriptors", p->fds_error))
		return;
	json_write_open_array(w, "descriptors");
	for (uint32_t i = 0; i < p->fds.n; i++) {
		const struct proof_fd *f = &p->fds.list[i];

		json_write_open_object(w, NULL);
		json_write_u64(w, "number", f->number);
		json_write_string(w, "target", f->target);
		json_write_string(w, "access", access[f->flags & O_ACCMODE]);
		json_write_bool(w, "outside", f->outside);
		if (f->family >= 0)
			json_write_i64(w, "family", f->family);
		json_write_close_object(w);
	}
	json_write_close_array(w);
	json_write_bool(w, "descriptors_cut", p->fds.cut);
}

static void write_net(struct json_writer *w, const struct proof_process *p)
{
	if (is_unread(w, "interfaces", p->net_error))
		return;
	json_write_open_array(w, "interfaces");
	for (uint32_t i = 0; i < p->net.n; i++) {
		json_write_open_object(w, NULL);
		json_write_string(w, "name", p->net.list[i].name);
		json_write_bool(w, "up", p->net.list[i].up);
		json_write_u64(w, "addresses", p->net.list[i].n_addresses);
		json_write_close_object(w);
	}
	json_write_close_array(w);
	json_write_u64(w, "routes", p->net.n_routes);
}

static void write_cgroups(struct json_writer *w, const struct proof_process *p)
{
	const struct proof_limits *l = &p->limits;

	if (is_unread(w, "cgroups", p->cgroups_error))
		return;
	json_write_open_array(w, "cgroups");
	for (uint32_t i = 0; i < p->cgroups.n; i++) {
		json_write_open_object(w, NULL);
		json_write_string(w, "controllers", p->cgroups.list[i].controllers);
		json_write_string(w, "path", p->cgroups.list[i].path);
		json_write_close_object(w);
	}
	json_write_close_array(w);
	/* A member is there when its file could be read. */
	json_write_open_object(w, "limits");
	if (l->has_memory)
		write_limit(w, "memory_max", l->memory_b);
	if (l->has_swap)
		write_limit(w, "swap_max", l->swap_b);
	if (l->has_pids)
		write_limit(w, "pids_max", l->pids);
	if (l->has_cpu)
		write_limit(w, "cpu_percent", l->cpu_percent);
	json_write_close_object(w);
}

static void write_rlimits(struct json_writer *w, const struct proof_process *p)
{
	static const char *const names[PROOF_RLIMITS] = {"core", "fsize", "nofile", "nproc"};

	if (is_unread(w, "rlimits", p->rlimits_error))
		return;
	json_write_open_object(w, "rlimits");
	for (int i = 0; i < PROOF_RLIMITS; i++) {
		json_write_open_object(w, names[i]);
		write_limit(w, "soft", p->rlimits.soft[i]);
		write_limit(w, "hard", p->rlimits.hard[i]);
		json_write_close_object(w);
	}
	json_write_close_object(w);
}

static void write_process(struct json_writer *w, const struct proof *proof, enum proof_who who)
{
	const struct proof_process *p = &proof->process[who];

	json_write_open_object(w, proof_who_name(who));
	json_write_i64(w, "pid", p->pid);
	json_write_i64(w, "parent", p->stat.ppid);
	write_tasks(w, p);
	write_map(w, "uid_map", &p->uid_map, p->uid_map_error);
	write_map(w, "gid_map", &p->gid_map, p->gid_map_error);
	json_write_bool(w, "setgroups_denied", p->setgroups_denied);
	write_namespaces(w, proof, p);
	if (p->dumpable_error || !p->dumpable_known)
		json_write_null(w, "dumpable");
	else
		json_write_bool(w, "dumpable", p->dumpable);
	write_mounts(w, p);
	write_fds(w, p);
	if (!is_unread(w, "shared_writable_maps", p->memory_error))
		json_write_u64(w, "shared_writable_maps", p->memory.n_shared_writable);
	write_net(w, p);
	write_cgroups(w, p);
	write_rlimits(w, p);
	json_write_close_object(w);
}

static void write_layers(struct json_writer *w, const struct proof_report *report)
{
	json_write_open_array(w, "layers");
	for (int layer = 0; layer < PROOF_LAYERS; layer++) {
		for (int who = 0; who < PROOF_PROCESSES; who++) {
			const struct proof_finding *f = &report->findings[layer][who];

			if (f->verdict == IRONCLAW_VERDICT_NONE)
				continue;
			json_write_open_object(w, NULL);
			json_write_string(w, "layer", proof_layer_key(layer));
			json_write_string(w, "process", proof_who_name(who));
			json_write_string(w, "verdict", proof_verdict_name(f->verdict));
			json_write_bool(w, "must_have", proof_must_have(layer));
			json_write_string(w, "says", f->says);
			json_write_string(w, "reason", f->reason[0] ? f->reason : NULL);
			json_write_close_object(w);
		}
	}
	json_write_close_array(w);
}

int inspect_print_json(const struct proof *proof, const struct proof_report *report)
{
	const struct jail_status *s = &proof->status;
	enum proof_layer layer;
	enum proof_who who;
	struct json_writer w;
	char started[32];

	inspect_time(s->started_ns, started, sizeof(started));
	json_write_begin(&w, stdout);
	json_write_open_object(&w, NULL);
	json_write_string(&w, "id", s->vm_id);
	json_write_string(&w, "started", started);
	json_write_string(&w, "program", inspect_program(s->vmm_program));
	json_write_string(&w, "seccomp_level", inspect_level(s->level));
	json_write_string(&w, "seccomp_denied", inspect_denied(s->denied));
	json_write_string(&w, "limits", inspect_limits(s->limits));
	json_write_bool(&w, "proven", !proof_first_missing(report, &layer, &who));
	write_layers(&w, report);
	if (proof->host.landlock_abi == 0)
		json_write_null(&w, "landlock_abi");
	else
		json_write_i64(&w, "landlock_abi", proof->host.landlock_abi);
	if (proof->firewall.read) {
		json_write_open_object(&w, "firewall");
		json_write_string(&w, "chain", proof->firewall.chain);
		json_write_u64(&w, "packets", proof->firewall.n_packets);
		json_write_close_object(&w);
	}
	json_write_open_object(&w, "processes");
	for (int i = 0; i < PROOF_PROCESSES; i++)
		write_process(&w, proof, i);
	json_write_close_object(&w);
	json_write_close_object(&w);
	return json_write_end(&w);
}
