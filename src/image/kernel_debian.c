/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel_debian.c - Debian's cloud kernel with the modules that a guest needs; see build.h.
 *
 * linux-image-cloud-amd64 depends on the package of the current version, which apt downloads and
 * verifies and dpkg-deb unpacks: nothing is installed on the host. The modules go into modules/ as
 * NN-name.ko, uncompressed, in the order in which the agent loads them. The kernel is kept as the
 * bzImage that it is and, for Firecracker, as the vmlinux that is in it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "image/apt.h"
#include "image/kernel_common.h"
#include "image/kernel_unpack.h"
#include "sys/file.h"

#define META_PACKAGE "linux-image-cloud-amd64"

/* Below kernel/, in the order of loading: each after those that it needs. */
static const char *const modules[] = {
	"drivers/virtio/virtio_ring",
	"drivers/virtio/virtio",
	"drivers/virtio/virtio_mmio",
	"drivers/char/virtio_console",
	"drivers/char/hw_random/virtio-rng",
	"drivers/block/virtio_blk",
	"lib/libcrc32c",
	"fs/erofs/erofs",
	"fs/overlayfs/overlay",
	"net/vmw_vsock/vsock",
	"net/vmw_vsock/vmw_vsock_virtio_transport_common",
	"net/vmw_vsock/vmw_vsock_virtio_transport",
};

/* How packages compress modules. */
struct compression {
	const char *suffix, *program;
};

static const struct compression compressions[] = {{"", NULL}, {".xz", "xz"}, {".zst", "zstd"}};

/* Copies a module, uncompressed. */
static int take_module(struct job *job, const char *tree, size_t i, struct ironclaw_error *err)
{
	const char *name = strrchr(modules[i], '/') + 1;
	char from[STORE_PATH_MAX + 256], to[STORE_PATH_MAX];
	const char *argv[] = {NULL, "--decompress", "--quiet", from, NULL};
	struct job_tool tool = {.argv = argv};
	int r;

	(void)snprintf(to, sizeof(to), "%.1100s/modules/%02zu-%s.ko", job->out, i, name);
	for (size_t k = 0; k < ARRAY_SIZE(compressions); k++) {
		(void)snprintf(from, sizeof(from), "%.1300s/kernel/%s.ko%s", tree, modules[i],
			       compressions[k].suffix);
		if (access(from, R_OK) < 0)
			continue;
		if (!compressions[k].program)
			return kernel_copy_file(from, to, err);
		argv[0] = compressions[k].program;
		r = job_run(job, &tool, err);
		if (r < 0)
			return r;
		from[strlen(from) - strlen(compressions[k].suffix)] = '\0';
		return kernel_copy_file(from, to, err);
	}
	return err_set(err, IRONCLAW_ERR_UNAVAILABLE, ENOENT,
		       "Debian's kernel package has no module %s", modules[i]);
}

/* The one folder in lib/modules: its name is the release. */
static int find_release(const char *unpacked, char ret[MANIFEST_WORD_MAX + 1],
			struct ironclaw_error *err)
{
	cleanup_closedir DIR *d = NULL;
	const struct dirent *entry;
	char path[STORE_PATH_MAX + 32];

	(void)snprintf(path, sizeof(path), "%s/lib/modules", unpacked);
	d = opendir(path);
	while (d && (entry = readdir(d))) {
		if (entry->d_name[0] == '.' || strlen(entry->d_name) > MANIFEST_WORD_MAX)
			continue;
		(void)snprintf(ret, MANIFEST_WORD_MAX + 1, "%.*s", (int)MANIFEST_WORD_MAX,
			       entry->d_name);
		return 0;
	}
	return err_set(err, IRONCLAW_ERR_UNAVAILABLE, ENOENT,
		       "Debian's kernel package has no modules");
}

static int take_kernel(struct job *job, const char *from, struct ironclaw_error *err)
{
	char bzimage[STORE_PATH_MAX + 32], vmlinux[STORE_PATH_MAX + 32];
	int r;

	(void)snprintf(bzimage, sizeof(bzimage), "%s/bzImage", job->out);
	(void)snprintf(vmlinux, sizeof(vmlinux), "%s/vmlinux", job->out);
	r = kernel_copy_file(from, bzimage, err);
	if (r == 0)
		r = kernel_unpack(job, bzimage, vmlinux, err);
	if (r != -ENOTSUP)
		return r;
	/* QEMU boots it all the same. */
	job_progress(job, "kernel '%s': no vmlinux: %s", job->name, err->text);
	err_clear(err);
	return 0;
}

static int take_files(struct job *job, const char *unpacked, struct manifest *m,
		      struct ironclaw_error *err)
{
	char path[STORE_PATH_MAX + 128], to[STORE_PATH_MAX + 32];
	int r = find_release(unpacked, m->release, err);

	if (r < 0)
		return r;
	(void)snprintf(to, sizeof(to), "%s/modules", job->out);
	r = file_mkdir_p(to, 0755);
	if (r < 0)
		return err_sys(err, -r, "cannot make %s", to);
	(void)snprintf(path, sizeof(path), "%s/boot/vmlinuz-%s", unpacked, m->release);
	r = take_kernel(job, path, err);
	(void)snprintf(path, sizeof(path), "%s/lib/modules/%s", unpacked, m->release);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(modules); i++)
		r = take_module(job, path, i, err);
	return r;
}

static int do_work(struct job *job, struct ironclaw_error *err)
{
	static const char *const needs[] = {"apt-get", "apt-cache", "dpkg-deb", NULL};
	char package[APT_PACKAGE_MAX + 1], version[MANIFEST_WORD_MAX + 1];
	struct manifest m cleanup(manifest_done) = {.recipe = KERNEL_DEBIAN};
	struct apt apt = {.job = job};
	char unpacked[STORE_PATH_MAX];
	int r;

	(void)snprintf(unpacked, sizeof(unpacked), "%.1150s/unpacked", job->dir);
	r = job_need(needs, err);
	if (r == 0)
		r = job_start_work(job, err);
	if (r == 0)
		r = apt_find(&apt, META_PACKAGE, "linux-image-", package, err);
	if (r < 0)
		return r;
	r = file_mkdir_p(unpacked, 0755);
	if (r < 0)
		return err_sys(err, -r, "cannot make %s", unpacked);
	r = apt_unpack(&apt, package, unpacked, version, err);
	if (r == 0)
		r = take_files(job, unpacked, &m, err);
	if (r == 0)
		r = manifest_add_package(&m, package, version);
	return r == 0 ? kernel_commit(job, &m, err) : r;
}

int kernel_fetch_debian(const struct build_settings *settings, bool *ret_built,
			struct ironclaw_error *err)
{
	struct job job cleanup(job_end) = {.store_fd = -EBADF, .lock_fd = -EBADF, .log_fd = -EBADF};
	char current[LIMIT_NAME_MAX + 1];
	bool there;
	int r = job_begin(&job, settings, STORE_KERNELS, KERNEL_DEBIAN, err);

	if (r < 0)
		return r;
	there = kernel_is_there(&job, "");
	if (!there)
		r = do_work(&job, err);
	if (r == 0 && kernel_default(settings->paths, current, NULL) < 0)
		r = kernel_set_default(settings->paths, KERNEL_DEBIAN, err);
	if (r < 0) {
		err_prefix(err, "cannot make the kernel '" KERNEL_DEBIAN "'");
		return r;
	}
	if (ret_built)
		*ret_built = !there;
	return 0;
}
