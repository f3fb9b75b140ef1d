/* SPDX-License-Identifier: Apache-2.0 */
/**
 * template.h - saved states of booted and warmed VMs: find, build, list, remove.
 *
 *   DATA/templates/KEY/ram            guest memory; clones map it privately
 *   DATA/templates/KEY/state          device state
 *   DATA/templates/KEY/manifest.json  what it was made of, and the digests of both
 *   DATA/templates/warm/IMAGE         warm-up commands chosen for an image, one a line
 *
 * KEY is a digest over all that a template depends on: engine, accelerator, kernel, image, agent,
 * shape, warm-up commands. When one changes, the key does, and the old template is simply not
 * found. A folder is renamed into place when complete. Both files are compared with their digests
 * once per boot and whenever their identity changes (image/verified.h); a damaged template is not
 * used.
 */
#ifndef MACHINE_TEMPLATE_H
#define MACHINE_TEMPLATE_H

#include "engine/engine.h"
#include "image/store.h"
#include "machine/vm.h"
#include "vm/config.h"

#define TEMPLATE_KEY_B	    32 /* hex digits */
#define TEMPLATE_WARM_MAX_B 4096

/** All that a template depends on, resolved. */
struct template_spec {
	const struct paths *paths;
	char programs[1024];
	const struct engine *engine;
	struct engine_host host;
	enum engine_accel accel;
	enum engine_link link;
	struct image image;
	struct kernel kernel;
	uint32_t vcpus;
	uint64_t memory_mib;
	char warm[TEMPLATE_WARM_MAX_B];	    /* commands, one a line; may be empty */
	bool image_by_path, kernel_by_path; /* files of the user's own */
	bool warm_chosen;		    /* by the user: a command that fails is an error */
	char key[TEMPLATE_KEY_B + 1];	    /* by template_key() */
	/* How its VMMs are confined: nothing that a template depends on. */
	enum vm_seccomp seccomp;
	enum vm_seccomp_mode seccomp_mode;
	bool require_limits;
};

struct template
{
	char ram[1200];
	char state[1200];
};

/** template_default_warm() - fill spec->warm with what nobody chose. Return: 0 */
int template_default_warm(struct template_spec *spec);

/** template_load_warm() - fill spec->warm: what was chosen for its image, else the default. */
int template_load_warm(struct template_spec *spec, struct ironclaw_error *err);

/** template_store_warm() - remember commands for an image; NULL: back to the default. */
int template_store_warm(const struct paths *paths, const char *image, const char *warm,
			struct ironclaw_error *err);

/** template_key() - fill spec->key from all the rest. */
int template_key(struct template_spec *spec, struct ironclaw_error *err);

/**
 * template_find() - the template of a key, if it is there and whole.
 *
 * Return: 0; -ENOENT; -EBADMSG with IRONCLAW_ERR_CORRUPT when its files are not what they were
 */
int template_find(const struct template_spec *spec, struct template *ret,
		  struct ironclaw_error *err);

/**
 * template_get() - find a template or build it: boot, warm up, save, publish.
 *
 * Built under a lock, so that it happens once. A damaged one is replaced, with a warning.
 *
 * Return: 0; -errno with nothing left behind
 */
int template_get(const struct template_spec *spec, const struct vm_notices *notices,
		 struct template *ret, struct ironclaw_error *err);

/**
 * template_open_state() - the device state, for a VMM that takes it as a descriptor: a sealed copy
 * in memory.
 *
 * A descriptor of the file itself would do for reading, but whoever holds one can change the mode
 * and the times of a file that is his: started by the owner of the templates, the VMM could take
 * the template from all others.
 *
 * @ret:	a descriptor for the caller; -EBADF when the engine's VMMs take none
 *
 * Return: 0; -errno
 */
int template_open_state(const struct template_spec *spec, const struct template *template, int *ret,
			struct ironclaw_error *err);

/** What `template ls` shows. */
struct template_info {
	char key[TEMPLATE_KEY_B + 1];
	char image[LIMIT_NAME_MAX + 1], kernel[LIMIT_NAME_MAX + 1];
	char engine[16], accel[8], created[32];
	uint32_t vcpus;
	uint64_t memory_mib, size_b; /* size: bytes on disk */
};

/** template_list() - @ret owned by the caller. Folders without a valid manifest are left out. */
int template_list(const struct paths *paths, struct template_info **ret, size_t *ret_n,
		  struct ironclaw_error *err);

/** template_remove() - by key or a unique beginning of at least 4 digits. Return: 0, -ENOENT */
int template_remove(const struct paths *paths, const char *key, struct ironclaw_error *err);

#endif
