/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_busybox.c - a root folder with nothing but busybox; see image_recipes.h.
 *
 * The same bytes on every host with the same busybox: all files belong to root and to 1970, and the
 * user's home is open to all instead of being the user's, so that no privilege is needed to make
 * it.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "image/apt.h"
#include "image/image_recipes.h"
#include "sys/file.h"

#define BUSYBOX_MAX_B (16U * 1024U * 1024U)
#define APPLETS_MAX   1000U
#define PROGRAM_HDRS  32U
#define PACKAGE	      "busybox-static"

struct folder {
	const char *path;
	mode_t mode;
};

static const struct folder folders[] = {
	{".", 0755},	     {"bin", 0755},	 {"sbin", 0755}, {"usr", 0755},
	{"usr/bin", 0755},   {"usr/sbin", 0755}, {"etc", 0755},	 {"home", 0755},
	{"home/user", 0777}, {"root", 0700},	 {"tmp", 01777}, {"var", 0755},
	{"var/tmp", 01777},  {"dev", 0755},	 {"proc", 0555}, {"sys", 0555},
	{"run", 0755},	     {"mnt", 0755},
};

struct text_file {
	const char *path, *text;
};

static const struct text_file text_files[] = {
	{"etc/passwd", "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\n"
		       "nobody:x:65534:65534:nobody:/:/bin/false\n"},
	{"etc/group", "root:x:0:\nuser:x:1000:\nnogroup:x:65534:\n"},
	{"etc/hostname", "ironclaw\n"},
	{"etc/hosts", "127.0.0.1\tlocalhost ironclaw\n::1\tlocalhost ironclaw\n"},
	{"etc/machine-id", ""},
	{"etc/resolv.conf", ""},
};

static const char *const mkfs_options[] = {
	"--all-root", "-T0", "-U", "1c1a0b05-b0c5-4b0c-8b0c-1c1a0b05b0c5", NULL,
};

/* Whether a file is an x86-64 ELF program without an interpreter. */
static bool is_static(const char *path)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf64_Ehdr head;
	Elf64_Phdr p;

	if (fd < 0 || pread(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_machine != EM_X86_64 ||
	    head.e_phentsize != sizeof(p) || head.e_phnum > PROGRAM_HDRS)
		return false;
	for (size_t i = 0; i < head.e_phnum; i++) {
		off_t at = (off_t)(head.e_phoff + i * sizeof(p));

		if (pread(fd, &p, sizeof(p), at) != (ssize_t)sizeof(p) || p.p_type == PT_INTERP)
			return false;
	}
	return true;
}

/* The host's own busybox when it is the static one, else Debian's package. */
static int find_busybox(struct job *job, char ret[STORE_PATH_MAX], struct manifest *m,
			struct ironclaw_error *err)
{
	static const char *const places[] = {"/usr/bin/busybox", "/bin/busybox"};
	struct apt apt = {.job = job};
	char version[MANIFEST_WORD_MAX + 1] = "", dir[STORE_PATH_MAX];
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (!is_static(places[i]))
			continue;
		r = apt_installed_version(job, PACKAGE, version, err);
		if (r < 0)
			return r;
		if (!version[0])
			break;
		(void)snprintf(ret, STORE_PATH_MAX, "%s", places[i]);
		return manifest_add_package(m, PACKAGE, version);
	}
	(void)snprintf(dir, sizeof(dir), "%.1150s/unpacked", job->dir);
	r = file_mkdir_p(dir, 0755);
	if (r < 0)
		return err_sys(err, -r, "cannot make %s", dir);
	r = apt_unpack(&apt, PACKAGE, dir, version, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		(void)snprintf(ret, STORE_PATH_MAX, "%.1150s%s", dir, places[i]);
		if (is_static(ret))
			return manifest_add_package(m, PACKAGE, version);
	}
	return err_set(err, IRONCLAW_ERR_UNAVAILABLE, ENOENT,
		       "there is no static busybox in the package " PACKAGE);
}

/* What take_applet() makes links in. */
struct links {
	int root;
	unsigned int n;
	int error;
};

/* "usr/bin/awk": a link to busybox, if it is in a folder of ours. */
static void take_applet(void *ctx, const char *line)
{
	struct links *l = ctx;
	const char *slash = strrchr(line, '/');
	size_t len = strlen(line);

	if (!slash || len > 64 || l->n >= APPLETS_MAX || strstr(line, "..") ||
	    strcmp(line, "bin/busybox") == 0 ||
	    strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-[/") !=
		    len)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		if (strlen(folders[i].path) != (size_t)(slash - line) ||
		    memcmp(folders[i].path, line, (size_t)(slash - line)) != 0)
			continue;
		if (symlinkat("/bin/busybox", l->root, line) < 0 && errno != EEXIST && !l->error)
			l->error = errno;
		l->n++;
		return;
	}
}

static int make_folders_and_files(int root)
{
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		if (mkdirat(root, folders[i].path, 0700) < 0 && errno != EEXIST)
			return -errno;
		if (fchmodat(root, folders[i].path, folders[i].mode, 0) < 0)
			return -errno;
	}
	for (size_t i = 0; i < ARRAY_SIZE(text_files); i++) {
		const struct text_file *f = &text_files[i];

		r = file_write_atomic(root, f->path, f->text, strlen(f->text), 0644);
		if (r < 0)
			return r;
	}
	return 0;
}

static int copy_program(int root, const char *from)
{
	cleanup_free char *program = NULL;
	size_t len;
	int r = file_read_bounded(AT_FDCWD, from, BUSYBOX_MAX_B, &program, &len);

	return r < 0 ? r : file_write_atomic(root, "bin/busybox", program, len, 0755);
}

int recipe_busybox(struct job *job, const char *root, struct manifest *m,
		   const char *const **ret_mkfs, struct ironclaw_error *err)
{
	char busybox[STORE_PATH_MAX];
	const char *argv[] = {busybox, "--list-full", NULL};
	struct links links = {.root = -EBADF};
	struct job_tool tool = {.argv = argv, .line = take_applet, .ctx = &links};
	cleanup_close int fd = -EBADF;
	int r = find_busybox(job, busybox, m, err);

	if (r < 0)
		return r;
	job_progress(job, "image '%s': busybox %s", job->name,
		     m->n_packages ? m->packages[0].version : "");
	r = file_mkdir_p(root, 0755);
	fd = r == 0 ? open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : r;
	if (fd < 0)
		return err_sys(err, r < 0 ? -r : errno, "cannot make %s", root);
	r = make_folders_and_files(fd);
	if (r == 0)
		r = copy_program(fd, busybox);
	if (r < 0)
		return err_sys(err, -r, "cannot fill %s", root);
	links.root = fd;
	r = job_run(job, &tool, err);
	if (r < 0)
		return r;
	if (links.error || links.n == 0)
		return err_sys(err, links.error ? links.error : EIO, "cannot make busybox's links");
	*ret_mkfs = mkfs_options;
	return 0;
}
