/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template_build.c - make a template: boot, warm up, save, publish; see template.h.
 *
 * Under the lock of its key everything happens in a folder beside the final place, which is renamed
 * when complete. A folder of an earlier builder that was killed is removed first: the lock was
 * free, so its owner is dead.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "machine/template_manifest.h"
#include "machine/vm_start.h"
#include "sys/digest.h"
#include "sys/file.h"

/* Less than this is nothing: file systems keep some back. */
#define DISK_FULL_B	(16ULL * 1024 * 1024)
/* Names in the folder of templates, before a key; template_remove() makes the doomed ones. */
#define NEW		".new-"
#define LOCK		".lock-"
#define DOOMED		".doomed-"
/* Bounds a warm-up command that hangs. */
#define WARM_TIMEOUT_MS (10U * 60U * 1000U)

struct build {
	const struct template_spec *spec;
	const struct vm_notices *notices;
	char dir[1300], final[1300], ram[1310], state[1310];
	int dir_fd, state_fd;
	struct ironclaw_vm *vm;
};

/* The last of what a warm-up command wrote, for the message when it fails. */
struct warm_tail {
	char text[256];
	size_t used;
};

static int keep_tail(void *userdata, enum ironclaw_stream stream, const void *data, size_t len)
{
	struct warm_tail *tail = userdata;
	size_t room = sizeof(tail->text) - 1;
	const char *bytes = data;

	(void)stream;
	if (len > room) {
		bytes += len - room;
		len = room;
	}
	if (tail->used + len > room) {
		size_t drop = tail->used + len - room;

		memmove(tail->text, tail->text + drop, tail->used - drop);
		tail->used -= drop;
	}
	memcpy(tail->text + tail->used, bytes, len);
	tail->used += len;
	tail->text[tail->used] = '\0';
	return 0;
}

static int warm_one(struct build *b, const char *command, struct ironclaw_error *err)
{
	const char *const argv[] = {"sh", "-c", command, NULL};
	struct warm_tail tail = {.used = 0};
	const struct ironclaw_exec_options options = {
		.size = sizeof(options),
		.argv = argv,
		.timeout_ms = WARM_TIMEOUT_MS,
		.output = keep_tail,
		.userdata = &tail,
	};
	struct ironclaw_exec_result result = {.size = sizeof(result)};
	int r;

	vm_notice(b->notices, IRONCLAW_NOTICE_PROGRESS, "warming up: %s", command);
	r = ironclaw_vm_exec(b->vm, &options, &result, err);
	if (r < 0)
		return r;
	if (result.exit_code == 0)
		return 0;
	/* Nobody asked for the default one: an image without it only starts a little slower. */
	if (!b->spec->warm_chosen && !result.timed_out)
		return 0;
	return err_set(err, IRONCLAW_ERR_GUEST, EIO,
		       "warm-up command '%.128s' ended with code %d%s%s", command, result.exit_code,
		       tail.used ? ": " : "", tail.text);
}

static int warm_up(struct build *b, struct ironclaw_error *err)
{
	char commands[TEMPLATE_WARM_MAX_B];
	char *save = NULL;
	int r = 0;

	(void)snprintf(commands, sizeof(commands), "%s", b->spec->warm);
	for (char *line = strtok_r(commands, "\n", &save); line && r == 0;
	     line = strtok_r(NULL, "\n", &save))
		r = warm_one(b, line, err);
	return r;
}

static int make_folder(struct build *b, struct ironclaw_error *err)
{
	cleanup_close int ram = -EBADF;
	int r = file_remove_tree(AT_FDCWD, b->dir);

	/* Its files are readable for everybody who gets that far: VMMs have users of their own. */
	if (r == 0 && mkdir(b->dir, 0700) < 0)
		r = -errno;
	if (r < 0)
		return err_sys(err, -r, "cannot make '%s'", b->dir);
	b->dir_fd = open(b->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->dir_fd < 0)
		return err_sys(err, errno, "cannot open '%s'", b->dir);
	ram = openat(b->dir_fd, "ram", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	b->state_fd = openat(b->dir_fd, "state", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (ram < 0 || b->state_fd < 0)
		return err_sys(err, errno, "cannot make the template's files");
	if (ftruncate(ram, (off_t)(b->spec->memory_mib << 20)) < 0)
		return err_sys(err, errno, "cannot make the template's memory of %llu MiB",
			       (unsigned long long)b->spec->memory_mib);
	return 0;
}

static int boot_and_save(struct build *b, struct ironclaw_error *err)
{
	char vm_id[LIMIT_VM_ID_MAX + 1];
	/* Most clones have the size that this gives them; another one costs a remount in each. */
	const struct vm_config config = {.memory_mib = b->spec->memory_mib,
					 .overlay_size_mib = VM_OVERLAY_SIZE_AUTO};
	const struct vm_start_mode mode = {.vm_id = vm_id,
					   .start = ENGINE_BOOT_TEMPLATE,
					   .ram = b->ram,
					   .state = b->state,
					   .state_fd = -EBADF,
					   .overlay_mib = vm_overlay_mib(&config)};
	uint32_t number;
	int r;

	/* Another state folder may be building the same: names are the host's. */
	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return err_sys(err, errno, "cannot make a name for the VM");
	(void)snprintf(vm_id, sizeof(vm_id), "template-%.16s-%08x", b->spec->key, number);
	r = vm_start(b->spec, &mode, &b->vm, err);
	if (r < 0)
		return r;
	r = warm_up(b, err);
	if (r == 0)
		r = launch_save(&b->vm->launch, b->state_fd, err);
	if (r < 0) {
		(void)ironclaw_vm_destroy(take_ptr(b->vm), NULL);
		return r;
	}
	return ironclaw_vm_destroy(take_ptr(b->vm), err);
}

static void describe(const struct template_spec *spec, struct template_info *info)
{
	time_t now = time(NULL);
	struct tm utc;

	(void)snprintf(info->key, sizeof(info->key), "%s", spec->key);
	(void)snprintf(info->image, sizeof(info->image), "%s", spec->image.name);
	(void)snprintf(info->kernel, sizeof(info->kernel), "%s", spec->kernel.name);
	(void)snprintf(info->engine, sizeof(info->engine), "%s", spec->engine->name);
	(void)snprintf(info->accel, sizeof(info->accel), "%s", engine_accel_name(spec->accel));
	(void)strftime(info->created, sizeof(info->created), "%Y-%m-%dT%H:%M:%SZ",
		       gmtime_r(&now, &utc));
	info->vcpus = spec->vcpus;
	info->memory_mib = spec->memory_mib;
}

static int seal_file(int dir_fd, const char *name, bool sparse, char digest[DIGEST_HEX_B + 1])
{
	cleanup_close int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = sparse ? digest_sparse_fd(fd, digest) : digest_fd(fd, digest, NULL);
	/* As root of the host the builder's VMM had it for its own. */
	if (r == 0 &&
	    (fchown(fd, geteuid(), getegid()) < 0 || fchmod(fd, 0444) < 0 || fsync(fd) < 0))
		r = -errno;
	return r;
}

/* A VMM that writes the memory out writes its zeros, too. */
static int make_sparse(int dir_fd)
{
	cleanup_close int fd = openat(dir_fd, "ram", O_RDWR | O_CLOEXEC);
	int r = fd < 0 ? -errno : file_dig_holes(fd);

	return r == -EOPNOTSUPP ? 0 : r;
}

static int publish(struct build *b, struct ironclaw_error *err)
{
	struct template_manifest m = {0};
	int r;

	describe(b->spec, &m.info);
	r = make_sparse(b->dir_fd);
	if (r == 0)
		r = seal_file(b->dir_fd, "ram", true, m.ram_sha256);
	if (r == 0)
		r = seal_file(b->dir_fd, "state", false, m.state_sha256);
	if (r == 0)
		r = template_manifest_write(b->dir_fd, &m);
	if (r == 0 && fsync(b->dir_fd) < 0)
		r = -errno;
	if (r == 0 && rename(b->dir, b->final) < 0)
		r = -errno;
	return r < 0 ? err_sys(err, -r, "cannot store the template") : 0;
}

/* A VMM that writes to a full disk through its memory dies of SIGBUS: say why. */
static void blame_full_disk(const struct build *b, struct ironclaw_error *err)
{
	struct statvfs fs;

	if (err && err->code != IRONCLAW_ERR_NO_SPACE && statvfs(b->dir, &fs) == 0 &&
	    (uint64_t)fs.f_bavail * fs.f_frsize < DISK_FULL_B)
		(void)err_set(err, IRONCLAW_ERR_NO_SPACE, ENOSPC, "no space left in '%s'",
			      b->spec->paths->data);
}

/*
 * Image and kernel were found before the wait for the lock, and the VMM opened them by path: what
 * was booted is what the key says only if they are still the same now.
 */
static int check_sources(const struct template_spec *spec, struct ironclaw_error *err)
{
	struct kernel kernel;
	struct image image;
	int r = spec->image_by_path ? image_from_path(spec->paths, spec->image.path, &image, err)
				    : image_find(spec->paths, spec->image.name, &image, err);

	if (r == 0)
		r = spec->kernel_by_path
			    ? kernel_from_path(spec->paths, spec->kernel.path, &kernel, err)
			    : kernel_find(spec->paths, spec->kernel.name, &kernel, err);
	if (r < 0)
		return r;
	if (strcmp(image.digest, spec->image.digest) == 0 &&
	    strcmp(kernel.digest, spec->kernel.digest) == 0)
		return 0;
	(void)err_set(err, IRONCLAW_ERR_BUSY, ESTALE, "image or kernel changed meanwhile");
	err_hint(err, "the same command again");
	return -ESTALE;
}

/* What killed builders and removers left: their locks are free. */
static void sweep(const struct paths *paths)
{
	cleanup_closedir DIR *dir = NULL;
	const struct dirent *entry;
	char path[1300], lock_path[80];

	(void)snprintf(path, sizeof(path), "%s/templates", paths->data);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		cleanup_close int lock = -EBADF;

		if (strncmp(entry->d_name, DOOMED, strlen(DOOMED)) == 0)
			(void)file_remove_tree(dirfd(dir), entry->d_name);
		if (strncmp(entry->d_name, NEW, strlen(NEW)) != 0 ||
		    strlen(entry->d_name) > sizeof(lock_path) - sizeof(LOCK))
			continue;
		(void)snprintf(lock_path, sizeof(lock_path), LOCK "%s",
			       entry->d_name + strlen(NEW));
		lock = file_lock(dirfd(dir), lock_path, false);
		if (lock < 0)
			continue;
		(void)file_remove_tree(dirfd(dir), entry->d_name);
		(void)unlinkat(dirfd(dir), lock_path, 0);
	}
}

static int build_locked(struct build *b, struct ironclaw_error *err)
{
	struct template found;
	int r = template_find(b->spec, &found, err);

	/* Somebody else built it while we waited for the lock. */
	if (r == 0)
		return 0;
	if (r == -EBADMSG)
		r = template_remove(b->spec->paths, b->spec->key, err);
	if (r < 0 && r != -ENOENT)
		return r;
	err_clear(err);
	vm_notice(b->notices, IRONCLAW_NOTICE_PROGRESS,
		  "building the template of image '%s' (once for %u cpu, %llu MiB, %s)",
		  b->spec->image.name, b->spec->vcpus, (unsigned long long)b->spec->memory_mib,
		  engine_accel_name(b->spec->accel));
	r = make_folder(b, err);
	if (r == 0)
		r = boot_and_save(b, err);
	if (r == 0)
		r = check_sources(b->spec, err);
	if (r == 0)
		r = publish(b, err);
	if (r < 0) {
		blame_full_disk(b, err);
		(void)file_remove_tree(AT_FDCWD, b->dir);
		err_prefix(err, "cannot build the template of image '%s'", b->spec->image.name);
	}
	return r;
}

static int template_build(const struct template_spec *spec, const struct vm_notices *notices,
			  struct ironclaw_error *err)
{
	struct build b = {.spec = spec, .notices = notices, .dir_fd = -EBADF, .state_fd = -EBADF};
	cleanup_close int lock = -EBADF;
	char path[1300];
	int r;

	(void)snprintf(path, sizeof(path), "%s/templates", spec->paths->data);
	r = file_mkdir_p(path, 0755);
	if (r < 0)
		return err_sys(err, -r, "cannot make '%s'", path);
	(void)snprintf(b.final, sizeof(b.final), "%s/templates/%s", spec->paths->data, spec->key);
	(void)snprintf(b.dir, sizeof(b.dir), "%s/templates/" NEW "%s", spec->paths->data,
		       spec->key);
	(void)snprintf(b.ram, sizeof(b.ram), "%s/ram", b.dir);
	(void)snprintf(b.state, sizeof(b.state), "%s/state", b.dir);
	(void)snprintf(path, sizeof(path), "%s/templates/" LOCK "%s", spec->paths->data, spec->key);
	sweep(spec->paths);
	lock = file_lock(AT_FDCWD, path, true);
	if (lock < 0)
		return err_sys(err, -lock, "cannot lock '%s'", path);
	r = build_locked(&b, err);
	close_fd(&b.dir_fd);
	close_fd(&b.state_fd);
	(void)unlink(path);
	return r;
}

int template_get(const struct template_spec *spec, const struct vm_notices *notices,
		 struct template *ret, struct ironclaw_error *err)
{
	int r = template_find(spec, ret, err);

	if (r == -EBADMSG)
		vm_notice(notices, IRONCLAW_NOTICE_WARNING,
			  "the template of image '%s' is damaged; building it again",
			  spec->image.name);
	if (r != -ENOENT && r != -EBADMSG)
		return r;
	err_clear(err);
	r = template_build(spec, notices, err);
	if (r == 0)
		r = template_find(spec, ret, err);
	if (r == -ENOENT && err && err->code == IRONCLAW_ERR_NONE)
		return err_set(err, IRONCLAW_ERR_BUSY, ENOENT,
			       "somebody removed the template as soon as it was built");
	return r;
}
