/* SPDX-License-Identifier: Apache-2.0 */
/* catalogue.c - the table of acts without their functions; see catalogue.h. */
#include "probe/catalogue.h"

#define ACT(name, stands_for, first, beneath, words, ...) {name, stands_for, first, beneath, words},
#define CALL						  ACT

const struct probe_act probe_catalogue[] = {
#include "probe/acts_table.h"
};

#undef CALL
#undef ACT

const size_t probe_catalogue_n = sizeof(probe_catalogue) / sizeof(probe_catalogue[0]);

const char *probe_layer_name(enum probe_layer layer)
{
	static const char *const names[PROBE_LAYERS] = {
		[PROBE_NOTHING] = "none",
		[PROBE_TREE] = "file tree",
		[PROBE_DETACH] = "old root detached",
		[PROBE_READONLY] = "read-only mounts",
		[PROBE_LANDLOCK] = "Landlock",
		[PROBE_PRIVILEGES] = "no capability",
		[PROBE_PIDNS] = "pid namespace",
		[PROBE_NETNS] = "net namespace",
		[PROBE_IPCNS] = "ipc namespace",
		[PROBE_USERNS] = "user namespace",
		[PROBE_IDS] = "own user id",
		[PROBE_RLIMITS] = "rlimits",
		[PROBE_DESCRIPTORS] = "descriptors",
		[PROBE_SEALS] = "sealed state",
		[PROBE_KEYRING] = "own keyring",
		[PROBE_KERNEL] = "kernel",
	};

	return layer < PROBE_LAYERS ? names[layer] : "?";
}
