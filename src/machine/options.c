/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - the public options as a checked configuration; see options.h. */
#include "machine/options.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static void set_numbers(const struct ironclaw_vm_options *o, struct vm_config *config)
{
	if (o->vcpu_count)
		config->vcpu_count = o->vcpu_count;
	if (o->memory_mb)
		config->memory_mib = o->memory_mb;
	if (o->overlay_size_mb)
		config->overlay_size_mib = o->overlay_size_mb;
	if (o->enable_networking)
		config->enable_networking = true;
	if (o->cold)
		config->cold = true;
	if (o->require_limits)
		config->require_limits = true;
}

static void set_texts(const struct ironclaw_vm_options *o, struct vm_config *config,
		      struct violations *list)
{
	const struct {
		const char *field, *text;
	} texts[] = {
		{"vm_id", o->vm_id},
		{"image", o->image},
		{"kernel_path", o->kernel_path},
		{"rootfs_path", o->rootfs_path},
		{"rootfs.overlay.type", o->overlay_type},
		{"vsock_path", o->vsock_path},
		{"seccomp_filter", o->seccomp_filter},
		{"seccomp_mode", o->seccomp_mode},
		{"engine", o->engine},
		{"accel", o->accel},
		{"link", o->link},
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (texts[i].text)
			vm_config_set_text(config, texts[i].field, texts[i].text, list);
	}
}

int options_to_config(const struct ironclaw_vm_options *given, struct vm_config *ret,
		      struct violations *list, struct ironclaw_error *err)
{
	struct ironclaw_vm_options mine = {0};
	struct vm_config config;
	int r;

	if (!given || given->size < offsetof(struct ironclaw_vm_options, config_file) ||
	    given->size > sizeof(mine))
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
			       "the options of a VM need their size");
	/* Those of an older caller end earlier; the rest is the default. */
	memcpy(&mine, given, given->size);
	vm_config_init(&config);
	if (mine.config_file) {
		r = vm_config_load(mine.config_file, &config, list, err);
		if (r < 0 && list->n_errors == 0)
			return r;
	}
	set_texts(&mine, &config, list);
	set_numbers(&mine, &config);
	r = vm_config_complete(&config, err);
	if (r < 0)
		return r;
	(void)vm_config_validate(&config, vm_host_memory_mib(), list);
	r = violations_to_error(list, "the VM's configuration is not valid", err);
	if (r < 0)
		return r;
	*ret = config;
	return 0;
}

int ironclaw_validate(const struct ironclaw_vm_options *options,
		      void (*violation)(void *userdata, bool warning, const char *text),
		      void *userdata, struct ironclaw_error *err)
{
	struct violations list = {0};
	struct vm_config config;
	int r;

	err_clear(err);
	r = options_to_config(options, &config, &list, err);
	for (size_t i = 0; violation && i < list.n_items; i++) {
		char line[VIOLATION_LINE_MAX_B];

		violation_line(&list.items[i], line);
		violation(userdata, list.items[i].warning, line);
	}
	return r;
}
