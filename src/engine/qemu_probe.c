/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qemu_probe.c - find QEMU on this host, without running it (`qemu --version` alone takes 25 ms).
 */
#include "engine/qemu.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/host_cpu.h"
#include "engine/libraries.h"
#include "sys/spawn.h"

/*
 * The full one emulates, and has vsock; Debian's other one has neither, links a fifth of the
 * libraries and starts faster.
 */
static const char *const names_full[] = {"qemu-system-x86_64", NULL};
static const char *const names_small[] = {"qemu-system-x86_64-microvm", "qemu-system-x86_64", NULL};

/*
 * What QEMU opens by name, measured with strace: folders below its prefix on the host (the first
 * that has the file counts, in QEMU's own order), and the folder in the jail, where QEMU looks
 * beside its program.
 */
static const char *const firmware_folders[] = {"share/qemu", "share/seabios", NULL};
static const char *const module_folders[] = {"lib/x86_64-linux-gnu/qemu", "lib64/qemu", "lib/qemu",
					     NULL};

static const struct {
	const char *name;
	bool boot_only;
} firmware[] = {
	/* What the processor would start with; no guest of ours runs it, no QEMU goes without. */
	{"bios-microvm.bin", false},
	/* Enter a kernel: one with a PVH entry, and a bzImage. */
	{"pvh.bin", true},
	{"linuxboot_dma.bin", true},
};

/* Emulation is a module in Debian; others have it in the program. */
#define TCG_MODULE "accel-tcg-x86_64.so"

/* Below the prefix of the program. @ret_folder: which of the folders. Return: 0, -ENOENT */
static int find_file(const char *prefix, const char *const *folders, const char *name,
		     const char **ret_folder, char ret[PATH_MAX])
{
	for (; *folders; folders++) {
		if (snprintf(ret, PATH_MAX, "%s/%s/%s", prefix, *folders, name) < PATH_MAX &&
		    access(ret, R_OK) == 0) {
			*ret_folder = *folders;
			return 0;
		}
	}
	return -ENOENT;
}

/* "/usr" of "/usr/bin/qemu-system-x86_64", or of what that is a link to: as QEMU finds it. */
static int find_prefix(const char *program, char ret[PATH_MAX])
{
	char *slash;

	if (!realpath(program, ret))
		return -errno;
	for (int i = 0; i < 2; i++) {
		slash = strrchr(ret, '/');
		if (!slash)
			return -ENOENT;
		*slash = '\0';
	}
	return 0;
}

static int add_firmware(const char *prefix, struct engine_host *ret)
{
	char path[PATH_MAX], inside[128];
	const char *folder;
	int r = 0;

	/* A QEMU that lacks one says so itself, with a better word than we have. */
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(firmware); i++) {
		if (find_file(prefix, firmware_folders, firmware[i].name, &folder, path) < 0)
			continue;
		(void)snprintf(inside, sizeof(inside), QEMU_PREFIX_INSIDE "/%s/%s",
			       firmware_folders[0], firmware[i].name);
		r = engine_host_file(ret, path, inside, firmware[i].boot_only);
	}
	return r;
}

/* Libraries of the program and of its module, which is among them with a place of its own. */
static int add_libraries(const struct paths *paths, const char *prefix, bool emulates,
			 struct engine_host *ret, struct ironclaw_error *err)
{
	const char *objects[] = {ret->program, NULL, NULL}, *folder;
	char module[PATH_MAX], text[256];
	struct library_list list;
	int r;

	if (emulates && find_file(prefix, module_folders, TCG_MODULE, &folder, module) == 0)
		objects[1] = module;
	(void)snprintf(text, sizeof(text), "libraries-%s", strrchr(ret->program, '/') + 1);
	r = libraries_find(paths, text, objects, &list, err);
	if (r < 0)
		return r;
	if (objects[1]) {
		(void)snprintf(text, sizeof(text), QEMU_PREFIX_INSIDE "/%s/" TCG_MODULE, folder);
		r = engine_host_file(ret, module, text, false);
	}
	for (uint32_t i = 0; r == 0 && i < list.n; i++) {
		const struct library_file *f = &list.files[i];

		if (strcmp(list.text + f->inside, LIBRARIES_NOWHERE) != 0)
			r = engine_host_file(ret, list.text + f->host, list.text + f->inside,
					     false);
	}
	return r < 0 ? err_set(err, IRONCLAW_ERR_UNAVAILABLE, -r,
			       "'%s' needs too many files for a jail", ret->program)
		     : 0;
}

static int add_files(const struct paths *paths, bool emulates, struct engine_host *ret,
		     struct ironclaw_error *err)
{
	char prefix[PATH_MAX];
	int r = find_prefix(ret->program, prefix);

	if (r < 0)
		return err_sys(err, -r, "cannot resolve '%s'", ret->program);
	r = add_libraries(paths, prefix, emulates, ret, err);
	if (r == 0 && add_firmware(prefix, ret) < 0)
		r = err_set(err, IRONCLAW_ERR_UNAVAILABLE, E2BIG,
			    "'%s' needs too many files for a jail", ret->program);
	return r;
}

int qemu_probe(const struct paths *paths, enum engine_accel accel, enum engine_link link,
	       const char *libexec, struct engine_host *ret, struct ironclaw_error *err)
{
	bool small = accel == ENGINE_ACCEL_KVM && link == ENGINE_LINK_SERIAL;
	const char *const *name = small ? names_small : names_full;
	char cpu[HOST_CPU_B] = "";
	struct stat st;

	memset(ret, 0, sizeof(*ret));
	while (*name && spawn_find(*name, ret->program, sizeof(ret->program)) < 0)
		name++;
	if (!*name || stat(ret->program, &st) < 0) {
		(void)err_set(err, IRONCLAW_ERR_UNAVAILABLE, ENOENT,
			      "qemu-system-x86_64 is not installed");
		err_hint(err, "apt-get install qemu-system-x86");
		return -ENOENT;
	}
	if (accel == ENGINE_ACCEL_KVM)
		host_cpu_describe(cpu, sizeof(cpu));
	(void)snprintf(ret->identity, sizeof(ret->identity), "qemu %s %lld %lld.%09ld%s", *name,
		       (long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
		       cpu);
	if (snprintf(ret->preload, sizeof(ret->preload), "%s/ironclaw-qemu-preload.so", libexec) >=
	    (int)sizeof(ret->preload))
		return err_set(err, IRONCLAW_ERR_INVALID, ENAMETOOLONG, "path of '%s' is too long",
			       libexec);
	return add_files(paths, accel == ENGINE_ACCEL_TCG, ret, err);
}
