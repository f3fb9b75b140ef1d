/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_text.c - the proof as text: a row a layer, then what is not as it must be, then lists. */
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "base/escape.h"
#include "cli/inspect.h"
#include "jail/request.h"

#define SHOWN_B 512

static const char *word(const char *const *words, size_t n, uint32_t i)
{
	return i < n ? words[i] : "?";
}

const char *inspect_program(uint32_t program)
{
	static const char *const words[JAIL_PROGRAM_MAX] = {
		[0] = "none",
		[JAIL_PROGRAM_KEEPER] = "keeper",
		[JAIL_PROGRAM_QEMU_TCG] = "qemu-tcg",
		[JAIL_PROGRAM_QEMU_KVM] = "qemu-kvm",
		[JAIL_PROGRAM_KEEPER_VSOCK] = "keeper-vsock",
		[JAIL_PROGRAM_FIRECRACKER] = "firecracker",
		[JAIL_PROGRAM_KEEPER_SOCKETS] = "keeper-sockets",
	};

	return word(words, ARRAY_SIZE(words), program);
}

const char *inspect_level(uint32_t level)
{
	static const char *const words[] = {"none", "minimal", "basic", "permissive"};

	return word(words, ARRAY_SIZE(words), level);
}

const char *inspect_denied(uint32_t denied)
{
	static const char *const words[] = {"none", "kill", "refuse"};

	return word(words, ARRAY_SIZE(words), denied);
}

const char *inspect_limits(uint32_t limits)
{
	static const char *const words[] = {"none", "cgroup-v1", "cgroup-v2"};

	return word(words, ARRAY_SIZE(words), limits);
}

void inspect_time(uint64_t ns, char *ret, size_t size)
{
	time_t seconds = (time_t)(ns / 1000000000ULL);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || strftime(ret, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		(void)snprintf(ret, size, "?");
}

static const char *mark(enum ironclaw_verdict verdict)
{
	switch (verdict) {
	case IRONCLAW_VERDICT_OK:
		return "ok";
	case IRONCLAW_VERDICT_WEAK:
		return "WEAK";
	case IRONCLAW_VERDICT_UNKNOWN:
		return "?";
	case IRONCLAW_VERDICT_NONE:
	case IRONCLAW_VERDICT_NOTE:
	default:
		return "";
	}
}

void inspect_print_heading(FILE *out)
{
	(void)fprintf(out, "%-14s %-28s %-28s %s\n", "LAYER", "     VMM", "     KEEPER",
		      "     WARDEN");
}

void inspect_print_layer(FILE *out, const struct ironclaw_layer *layer)
{
	(void)fprintf(out, "%-14s", layer->name);
	if (layer->keeper.verdict)
		(void)fprintf(out, " %-4s %-23s %-4s %-23s %-4s %s", mark(layer->vmm.verdict),
			      layer->vmm.says, mark(layer->keeper.verdict), layer->keeper.says,
			      mark(layer->warden.verdict), layer->warden.says);
	else
		(void)fprintf(out, " %-4s %s", mark(layer->vmm.verdict), layer->vmm.says);
	(void)fputc('\n', out);
}

static void print_reasons(const struct proof_report *report)
{
	bool first = true;

	for (int layer = 0; layer < PROOF_LAYERS; layer++) {
		for (int who = 0; who < PROOF_PROCESSES; who++) {
			const struct proof_finding *f = &report->findings[layer][who];

			if (f->verdict != IRONCLAW_VERDICT_WEAK &&
			    f->verdict != IRONCLAW_VERDICT_UNKNOWN)
				continue;
			if (first)
				(void)printf("\nNot as it must be:\n");
			first = false;
			(void)printf("  %-7s %s: %s\n", proof_who_name(who),
				     proof_layer_name(layer), f->reason);
		}
	}
	if (first)
		(void)printf("\nEverything is as it must be.\n");
}

static void print_escaped(const char *text)
{
	char shown[SHOWN_B];

	escape_text(shown, sizeof(shown), text, strlen(text));
	(void)fputs(shown, stdout);
}

static void print_mounts(const struct proof_process *p, enum proof_who who)
{
	(void)printf("\nMounts of the %s:", proof_who_name(who));
	if (p->mounts_error)
		(void)printf(" not readable by this user: %s", strerror(p->mounts_error));
	(void)putchar('\n');
	for (uint32_t i = 0; i < p->mounts.n; i++) {
		const struct proof_mount *m = &p->mounts.list[i];

		(void)printf("  %s%s%s%s%s ", m->ro ? "ro" : "rw", m->nosuid ? ",nosuid" : "",
			     m->nodev ? ",nodev" : "", m->noexec ? ",noexec" : "",
			     m->shared ? ",shared" : "");
		print_escaped(m->point);
		(void)printf(" (");
		print_escaped(m->type);
		if (strcmp(m->root, "/") != 0) {
			(void)printf(" ");
			print_escaped(m->root);
		}
		(void)printf(")\n");
	}
	if (p->mounts.cut)
		(void)printf("  and more\n");
}

static void print_fds(const struct proof_process *p, enum proof_who who)
{
	static const char *const access[] = {"r ", "w ", "rw", "? "};

	(void)printf("\nDescriptors of the %s:", proof_who_name(who));
	if (p->fds_error)
		(void)printf(" not readable by this user: %s", strerror(p->fds_error));
	(void)putchar('\n');
	for (uint32_t i = 0; i < p->fds.n; i++) {
		const struct proof_fd *f = &p->fds.list[i];

		(void)printf("  %3u %s ", f->number, access[f->flags & O_ACCMODE]);
		print_escaped(f->target[0] ? f->target : "?");
		if (f->family >= 0)
			(void)printf(" family %d", f->family);
		(void)putchar('\n');
	}
	if (p->fds.cut)
		(void)printf("  and more\n");
}

static void print_cgroups(const struct proof_process *p)
{
	(void)printf("\nCgroups of the vmm:\n");
	for (uint32_t i = 0; i < p->cgroups.n; i++) {
		const struct proof_cgroup *c = &p->cgroups.list[i];

		(void)printf("  %s ", c->controllers[0] ? c->controllers : "v2");
		print_escaped(c->path);
		(void)putchar('\n');
	}
}

void inspect_print(const struct proof *proof, const struct proof_report *report)
{
	const struct jail_status *s = &proof->status;
	char started[32];

	inspect_time(s->started_ns, started, sizeof(started));
	(void)printf("VM %s, started %s; vmm %d, keeper %d, warden %d\n", s->vm_id, started,
		     s->vmm_pid, s->keeper_pid, s->warden_pid);
	(void)printf("asked for: program %s, level %s, denied calls %s, limits %s\n\n",
		     inspect_program(s->vmm_program), inspect_level(s->level),
		     inspect_denied(s->denied), inspect_limits(s->limits));
	inspect_print_heading(stdout);
	for (int layer = 0; layer < PROOF_LAYERS; layer++) {
		struct ironclaw_layer told;

		if (proof_layer(report, layer, &told))
			inspect_print_layer(stdout, &told);
	}
	print_reasons(report);
	(void)printf("Landlock: %s.\n", report->findings[PROOF_LANDLOCK][PROOF_VMM].reason);
	for (int who = PROOF_VMM; who <= PROOF_KEEPER; who++) {
		print_mounts(&proof->process[who], who);
		print_fds(&proof->process[who], who);
	}
	print_cgroups(&proof->process[PROOF_VMM]);
}
