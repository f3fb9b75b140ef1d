/* SPDX-License-Identifier: Apache-2.0 */
/* template.c - find, list and remove templates; template_build.c makes them; see template.h. */
#include "machine/template.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/name.h"
#include "image/verified.h"
#include "machine/template_manifest.h"
#include "sys/digest.h"
#include "sys/file.h"
#include "vm/config.h"

/* Changes when a template of an older version must not be used. */
#define FORMAT	       "ironclaw template 3"
#define KEY_TEXT_MAX_B (TEMPLATE_WARM_MAX_B + 2048U)
#define KEY_PREFIX_MIN 4U
#define TEMPLATES_MAX  1024U
#define COPY_MAX_B     0x7ffff000U /* of one sendfile(2) */
/*
 * Every template has run a command and found every program of its PATH once, so that a clone looks
 * none of them up on the disk. The default image has run Python: an import then costs a sixth.
 */
#define WARM_ANY       "IFS=:; for d in $PATH; do for f in \"$d\"/*; do [ -x \"$f\" ]; done; done; true\n"
#define WARM_DEFAULT   WARM_ANY "python3 -c 'print(1)'\n"

static void warm_path(char *ret, size_t size, const struct paths *paths, const char *image)
{
	(void)snprintf(ret, size, "%s/templates/warm/%s", paths->data, image);
}

int template_default_warm(struct template_spec *spec)
{
	(void)snprintf(spec->warm, sizeof(spec->warm), "%s",
		       strcmp(spec->image.name, VM_DEFAULT_IMAGE) == 0 ? WARM_DEFAULT : WARM_ANY);
	spec->warm_chosen = false;
	return 0;
}

int template_load_warm(struct template_spec *spec, struct ironclaw_error *err)
{
	cleanup_free char *text = NULL;
	char path[1300];
	size_t len;
	int r;

	(void)template_default_warm(spec);
	/* An image by path has no name to remember anything under. */
	if (!name_valid(spec->image.name))
		return 0;
	warm_path(path, sizeof(path), spec->paths, spec->image.name);
	r = file_read_bounded(AT_FDCWD, path, TEMPLATE_WARM_MAX_B - 1, &text, &len);
	if (r == 0) {
		memcpy(spec->warm, text, len + 1);
		spec->warm_chosen = true;
		return 0;
	}
	if (r != -ENOENT)
		return err_sys(err, -r, "cannot read '%s'", path);
	return 0;
}

int template_store_warm(const struct paths *paths, const char *image, const char *warm,
			struct ironclaw_error *err)
{
	char path[1300];
	int r;

	(void)snprintf(path, sizeof(path), "%s/templates/warm", paths->data);
	r = file_mkdir_p(path, 0755);
	warm_path(path, sizeof(path), paths, image);
	if (r == 0 && warm)
		r = file_write_atomic(AT_FDCWD, path, warm, strlen(warm), 0644);
	else if (r == 0 && unlink(path) < 0 && errno != ENOENT)
		r = -errno;
	return r < 0 ? err_sys(err, -r, "cannot write '%s'", path) : 0;
}

static int digest_path(const char *path, char ret[DIGEST_HEX_B + 1])
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : digest_fd(fd, ret, NULL);
}

int template_key(struct template_spec *spec, struct ironclaw_error *err)
{
	char agent[1200], agent_digest[DIGEST_HEX_B + 1], key[DIGEST_HEX_B + 1];
	char text[KEY_TEXT_MAX_B];
	int n, r;

	(void)snprintf(agent, sizeof(agent), "%s/ironclaw-guest", spec->programs);
	r = digest_path(agent, agent_digest);
	if (r < 0)
		return err_sys(err, -r, "cannot read '%s'", agent);
	n = snprintf(text, sizeof(text),
		     FORMAT
		     "\n%s\n%s\nlink %s\nkernel %s\nimage %s\nagent %s\nvcpus %u\nmemory %llu\n%s",
		     engine_accel_name(spec->accel), spec->host.identity,
		     engine_link_name(spec->link), spec->kernel.digest, spec->image.digest,
		     agent_digest, spec->vcpus, (unsigned long long)spec->memory_mib, spec->warm);
	ic_assert(n > 0 && (size_t)n < sizeof(text));
	digest_bytes(text, (size_t)n, key);
	(void)snprintf(spec->key, sizeof(spec->key), "%.*s", TEMPLATE_KEY_B, key);
	return 0;
}

static int open_template(const struct paths *paths, const char *key)
{
	char path[1300];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/templates/%s", paths->data, key);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The digest is computed once per boot and whenever the file's identity changes. */
static int check_file(const struct template_spec *spec, const char *name, const char *path,
		      const char *digest, struct ironclaw_error *err)
{
	const struct verified_file file = {.path = path,
					   .label = name,
					   .sparse = strcmp(name, "ram") == 0};
	char record[TEMPLATE_KEY_B + 32], found[DIGEST_HEX_B + 1];
	int r;

	(void)snprintf(record, sizeof(record), "template-%s-%s", spec->key, name);
	r = verified_digest(spec->paths, record, &file, 1, found, err);
	if (r == -ENOMEM)
		return r;
	return r < 0 || strcmp(found, digest) != 0 ? -EBADMSG : 0;
}

int template_find(const struct template_spec *spec, struct template *ret,
		  struct ironclaw_error *err)
{
	cleanup_close int fd = open_template(spec->paths, spec->key);
	struct template_manifest m;
	struct template t;
	int r;

	if (fd < 0)
		return fd == -ENOENT ? fd : err_sys(err, -fd, "cannot open the template's folder");
	r = template_manifest_read(fd, &m);
	if (r == -ENOMEM)
		return err_sys(err, ENOMEM, "no room for the template's manifest");
	(void)snprintf(t.ram, sizeof(t.ram), "%s/templates/%s/ram", spec->paths->data, spec->key);
	(void)snprintf(t.state, sizeof(t.state), "%s/templates/%s/state", spec->paths->data,
		       spec->key);
	if (r == 0)
		r = check_file(spec, "ram", t.ram, m.ram_sha256, err);
	if (r == 0)
		r = check_file(spec, "state", t.state, m.state_sha256, err);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return err_set(err, IRONCLAW_ERR_CORRUPT, EBADMSG, "template %.12s is damaged",
			       spec->key);
	*ret = t;
	return 0;
}

/* Return: 0 with @to at its first byte, -errno */
static int copy_and_seal(int from, int to)
{
	ssize_t n;

	do
		n = sendfile(to, from, NULL, COPY_MAX_B);
	while (n > 0 || (n < 0 && errno == EINTR));
	if (n < 0 || lseek(to, 0, SEEK_SET) < 0 ||
	    fcntl(to, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return -errno;
	return 0;
}

int template_open_state(const struct template_spec *spec, const struct template *template, int *ret,
			struct ironclaw_error *err)
{
	cleanup_close int file = -EBADF, copy = -EBADF;
	int r;

	*ret = -EBADF;
	if (spec->engine->own_sockets)
		return 0;
	file = open(template->state, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return err_sys(err, errno, "cannot open '%s'", template->state);
	copy = memfd_create("ironclaw-state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	r = copy < 0 ? -errno : copy_and_seal(file, copy);
	if (r < 0)
		return err_sys(err, -r, "cannot copy '%s' into memory", template->state);
	*ret = take_fd(&copy);
	return 0;
}

static bool is_key(const char *name)
{
	return strlen(name) == TEMPLATE_KEY_B && strspn(name, "0123456789abcdef") == TEMPLATE_KEY_B;
}

static uint64_t size_on_disk(int dir_fd)
{
	static const char *const names[] = {"ram", "state", "manifest.json"};
	uint64_t blocks = 0;
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (fstatat(dir_fd, names[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
			blocks += (uint64_t)st.st_blocks;
	}
	return blocks * 512;
}

static DIR *open_templates(const struct paths *paths)
{
	char path[1300];

	(void)snprintf(path, sizeof(path), "%s/templates", paths->data);
	return opendir(path);
}

static bool read_info(const struct paths *paths, const char *key, struct template_info *ret)
{
	cleanup_close int fd = open_template(paths, key);
	struct template_manifest m;

	if (fd < 0 || template_manifest_read(fd, &m) < 0)
		return false;
	*ret = m.info;
	ret->size_b = size_on_disk(fd);
	return true;
}

int template_list(const struct paths *paths, struct template_info **ret, size_t *ret_n,
		  struct ironclaw_error *err)
{
	cleanup_closedir DIR *dir = open_templates(paths);
	cleanup_free struct template_info *list = NULL;
	const struct dirent *entry;
	size_t n = 0;

	if (!dir && errno != ENOENT)
		return err_sys(err, errno, "cannot read '%s/templates'", paths->data);
	while (dir && n < TEMPLATES_MAX && (entry = readdir(dir))) {
		struct template_info info, *grown;

		if (!is_key(entry->d_name) || !read_info(paths, entry->d_name, &info))
			continue;
		grown = realloc(list, (n + 1) * sizeof(*list));
		if (!grown)
			return err_sys(err, ENOMEM, "no room for the list of templates");
		list = grown;
		list[n++] = info;
	}
	*ret = take_ptr(list);
	*ret_n = n;
	return 0;
}

/* The one folder whose name begins with @prefix. */
static int complete_key(const struct paths *paths, const char *prefix, char ret[TEMPLATE_KEY_B + 1],
			struct ironclaw_error *err)
{
	cleanup_closedir DIR *dir = open_templates(paths);
	const struct dirent *entry;
	unsigned int found = 0;

	while (dir && strlen(prefix) >= KEY_PREFIX_MIN && (entry = readdir(dir))) {
		if (!is_key(entry->d_name) || strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
			continue;
		(void)snprintf(ret, TEMPLATE_KEY_B + 1, "%s", entry->d_name);
		found++;
	}
	if (found == 1)
		return 0;
	(void)err_set(err, IRONCLAW_ERR_NOT_FOUND, ENOENT,
		      found ? "'%s' names more than one template" : "no template '%s'", prefix);
	err_hint(err, "ironclaw template ls");
	return -ENOENT;
}

static void forget_file(const struct paths *paths, const char *key, const char *name)
{
	char record[TEMPLATE_KEY_B + 32];

	(void)snprintf(record, sizeof(record), "template-%s-%s", key, name);
	verified_forget(paths, record);
}

int template_remove(const struct paths *paths, const char *key, struct ironclaw_error *err)
{
	char whole[TEMPLATE_KEY_B + 1], path[1300], doomed[1300];
	int r = complete_key(paths, key, whole, err);

	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "%s/templates/%s", paths->data, whole);
	(void)snprintf(doomed, sizeof(doomed), "%s/templates/.doomed-%s", paths->data, whole);
	/* Out of sight at once: nobody finds half a template. Running clones keep their files. */
	r = file_remove_tree(AT_FDCWD, doomed);
	if (r == 0 && rename(path, doomed) < 0)
		r = -errno;
	if (r == 0)
		r = file_remove_tree(AT_FDCWD, doomed);
	forget_file(paths, whole, "ram");
	forget_file(paths, whole, "state");
	return r < 0 ? err_sys(err, -r, "cannot remove template %.12s", whole) : 0;
}
