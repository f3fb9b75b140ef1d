/* SPDX-License-Identifier: Apache-2.0 */
/**
 * template_manifest.h - manifest.json of a template.
 */
#ifndef MACHINE_TEMPLATE_MANIFEST_H
#define MACHINE_TEMPLATE_MANIFEST_H

#include "machine/template.h"
#include "sys/digest.h"

struct template_manifest {
	struct template_info info; /* size_b is not stored */
	char ram_sha256[DIGEST_HEX_B + 1];
	char state_sha256[DIGEST_HEX_B + 1];
};

/**
 * template_manifest_read() - from the open folder of a template; all or nothing.
 * Return: 0; -ENOENT; -EBADMSG when it is not a valid manifest
 */
int template_manifest_read(int dir_fd, struct template_manifest *ret);

/** template_manifest_write() - into the open folder of a template. Return: 0, -errno */
int template_manifest_write(int dir_fd, const struct template_manifest *m);

#endif
