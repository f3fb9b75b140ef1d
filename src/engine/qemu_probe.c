/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qemu_probe.c - find QEMU on this host, without running it (`qemu --version` alone takes 25 ms).
 */
#include "engine/qemu.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/spawn.h"

/* The full one emulates; Debian's KVM-only one links a fifth of the libraries and starts faster. */
static const char *const names_tcg[] = {"qemu-system-x86_64", NULL};
static const char *const names_kvm[] = {"qemu-system-x86_64-microvm", "qemu-system-x86_64", NULL};

/* Libraries (what else is in them comes along) and firmware. */
static const char *const folders[ENGINE_FOLDERS_MAX] = {"/usr/lib", "/usr/lib64", "/usr/share/qemu",
							"/usr/share/seabios"};

/* Device state of a KVM guest with the host's CPU fits no other CPU. */
static void describe_cpu(char *ret, size_t size)
{
	static const char *const fields[] = {"vendor_id", "cpu family", "model\t", "stepping",
					     "microcode"};
	cleanup_fclose FILE *f = fopen("/proc/cpuinfo", "re");
	char line[256];
	size_t used = 0;

	ret[0] = '\0';
	while (f && fgets(line, sizeof(line), f) && line[0] != '\n') {
		const char *value = strchr(line, ':');

		for (size_t i = 0; value && i < ARRAY_SIZE(fields); i++) {
			if (strncmp(line, fields[i], strlen(fields[i])) == 0 && used < size)
				used += (size_t)snprintf(ret + used, size - used, "%.*s",
							 (int)strcspn(value + 1, "\n"), value + 1);
		}
	}
}

int qemu_probe(enum engine_accel accel, const char *libexec, struct engine_host *ret,
	       struct ironclaw_error *err)
{
	const char *const *name = accel == ENGINE_ACCEL_KVM ? names_kvm : names_tcg;
	char cpu[96] = "";
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
	for (size_t i = 0, n = 0; i < ARRAY_SIZE(folders); i++) {
		if (access(folders[i], F_OK) == 0)
			ret->folders[n++] = folders[i];
	}
	if (accel == ENGINE_ACCEL_KVM)
		describe_cpu(cpu, sizeof(cpu));
	(void)snprintf(ret->identity, sizeof(ret->identity), "qemu %s %lld %lld.%09ld%s", *name,
		       (long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
		       cpu);
	if (snprintf(ret->preload, sizeof(ret->preload), "%s/ironclaw-qemu-preload.so", libexec) >=
	    (int)sizeof(ret->preload))
		return err_set(err, IRONCLAW_ERR_INVALID, ENAMETOOLONG, "path of '%s' is too long",
			       libexec);
	return 0;
}
