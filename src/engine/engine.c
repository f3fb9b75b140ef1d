/* SPDX-License-Identifier: Apache-2.0 */
/* engine.c - the table of engines, and the parts of a plan; see engine.h. */
#include "engine/engine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/firecracker.h"
#include "engine/qemu.h"

static const struct engine *const engines[] = {&qemu_engine, &firecracker_engine};

const struct engine *engine_of(enum vm_engine kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
		if (engines[i]->kind == kind)
			return engines[i];
	}
	return NULL;
}

const char *engine_link_name(enum engine_link link)
{
	return link == ENGINE_LINK_VSOCK ? "vsock" : "virtio-serial";
}

const char *engine_accel_name(enum engine_accel accel)
{
	return accel == ENGINE_ACCEL_KVM ? "kvm" : "tcg";
}

static uint32_t add_path(struct engine_host *host, const char *path, size_t size)
{
	uint32_t at = host->text_used;

	memcpy(host->text + at, path, size);
	host->text_used += (uint32_t)size;
	return at;
}

int engine_host_file(struct engine_host *host, const char *path, const char *inside, bool boot_only)
{
	size_t path_size = strlen(path) + 1, inside_size = strlen(inside) + 1;
	struct engine_host_file *f = &host->files[host->n_files];

	if (host->n_files == ENGINE_HOST_FILES_MAX ||
	    path_size + inside_size > sizeof(host->text) - host->text_used)
		return -E2BIG;
	f->host = add_path(host, path, path_size);
	f->inside = add_path(host, inside, inside_size);
	f->boot_only = boot_only;
	host->n_files++;
	return 0;
}

/* Formats into the plan's text; NULL (and overflow) when it does not fit. */
static const char *add_text(struct engine_plan *plan, const char *fmt, va_list ap)
{
	char *at = plan->text + plan->text_used;
	size_t room = sizeof(plan->text) - plan->text_used;
	int n = vsnprintf(at, room, fmt, ap);

	if (n < 0 || (size_t)n >= room) {
		plan->overflow = true;
		return NULL;
	}
	plan->text_used += (size_t)n + 1;
	return at;
}

void engine_plan_arg(struct engine_plan *plan, const char *fmt, ...)
{
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = add_text(plan, fmt, ap);
	va_end(ap);
	if (plan->n_argv < ENGINE_ARGV_MAX)
		plan->argv[plan->n_argv++] = text;
	else
		plan->overflow = true;
}

void engine_plan_env(struct engine_plan *plan, const char *fmt, ...)
{
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = add_text(plan, fmt, ap);
	va_end(ap);
	if (plan->n_env < ENGINE_ENV_MAX)
		plan->env[plan->n_env++] = text;
	else
		plan->overflow = true;
}

void engine_plan_file(struct engine_plan *plan, enum engine_file_kind kind, const char *host,
		      const char *inside)
{
	if (plan->n_files < ENGINE_FILES_MAX)
		plan->files[plan->n_files++] = (struct engine_file){kind, host, inside};
	else
		plan->overflow = true;
}
