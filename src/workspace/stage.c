/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage.c - receive what a VM made of a workspace; see workspace.h.
 *
 * The library passes the guest's bytes on without a look: to ironclaw-unpack, over a socket, so
 * that a reader that died is an error and no signal. The index that comes out is read here, as
 * foreign bytes, and so is what the stage folder holds: a content is a regular file of the size
 * that the index says. Its digest is made here, and whoever takes the content later holds it
 * against that.
 *
 * A stage is locked (flock) for its life: by its descriptor, and by the reader's copy of it. What
 * nobody has locked was left by a process that was killed, and goes when the next one begins.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/descriptors.h"
#include "sys/file.h"
#include "workspace/content.h"
#include "workspace/index.h"
#include "workspace/unpack_jail.h"
#include "workspace/workspace.h"

#define SENTENCE_MAX_B 9000U
#define STAGE_PREFIX   "stage."
#define STAGE_TRIES    16U

struct receive {
	struct stage *stage;
	int data_fd, error_fd;
	pid_t pid;
};

void stage_free(struct stage *stage)
{
	if (!stage)
		return;
	/* Locked until it is gone: nobody else removes it at the same time. */
	if (stage->dir)
		(void)file_remove_tree(AT_FDCWD, stage->dir);
	close_fd(&stage->dir_fd);
	for (size_t i = 0; i < stage->n; i++) {
		free(stage->entries[i].path);
		free(stage->entries[i].link);
	}
	free(stage->entries);
	free(stage->dir);
	free(stage);
}

static void stage_freep(struct stage **stage)
{
	stage_free(*stage);
}

/* Return: exit status of the reader, or -1 */
static int reap(struct receive *receive)
{
	int status = -1;

	while (receive->pid > 0 && waitpid(receive->pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	receive->pid = 0;
	return status;
}

void receive_cancel(struct receive *receive)
{
	if (!receive)
		return;
	if (receive->pid > 0)
		(void)kill(receive->pid, SIGKILL);
	(void)reap(receive);
	close_fd(&receive->data_fd);
	close_fd(&receive->error_fd);
	stage_free(receive->stage);
	free(receive);
}

static void receive_freep(struct receive **receive)
{
	receive_cancel(*receive);
}

/*
 * Opens and locks a stage: the one that has the name once it is locked.
 * @how:	0, or LOCK_NB
 *
 * Return: descriptor; -ENOENT when it was removed meanwhile; -EWOULDBLOCK, -errno
 */
static int lock_stage(int folder_fd, const char *name, int how)
{
	cleanup_close int fd =
		openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat ours, there;

	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX | how) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	if (fstat(fd, &ours) < 0 || fstatat(folder_fd, name, &there, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return ours.st_ino == there.st_ino && ours.st_dev == there.st_dev ? take_fd(&fd) : -ENOENT;
}

/* What cannot be removed now is in nobody's way, and is tried again next time. */
static void remove_left_stages(const char *folder)
{
	cleanup_closedir DIR *dir = opendir(folder);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		cleanup_close int fd = -EBADF;

		if (strncmp(entry->d_name, STAGE_PREFIX, sizeof(STAGE_PREFIX) - 1) != 0)
			continue;
		fd = lock_stage(dirfd(dir), entry->d_name, LOCK_NB);
		if (fd >= 0)
			(void)file_remove_tree(dirfd(dir), entry->d_name);
	}
}

/* Return: 0; -ENOENT when somebody took it for a left one before it was locked; -errno */
static int make_folder(const char *folder, struct stage *stage)
{
	int fd;

	if (asprintf(&stage->dir, "%s/" STAGE_PREFIX "XXXXXX", folder) < 0) {
		stage->dir = NULL;
		return -ENOMEM;
	}
	fd = mkdtemp(stage->dir) ? lock_stage(AT_FDCWD, stage->dir, 0) : -errno;
	if (fd >= 0) {
		stage->dir_fd = fd;
		return 0;
	}
	(void)rmdir(stage->dir);
	free(stage->dir);
	stage->dir = NULL;
	return fd;
}

static int make_stage(const char *folder, unsigned int uid, struct stage **ret,
		      struct ironclaw_error *err)
{
	cleanup(stage_freep) struct stage *stage = calloc(1, sizeof(*stage));
	int r = -ENOENT;

	if (!stage)
		return err_sys(err, ENOMEM, "cannot make a stage");
	stage->dir_fd = -EBADF;
	for (unsigned int i = 0; i < STAGE_TRIES && r == -ENOENT; i++)
		r = make_folder(folder, stage);
	if (r == 0 && uid && fchown(stage->dir_fd, uid, uid) < 0)
		r = -errno;
	if (r < 0)
		return err_sys(err, -r, "cannot make a stage in '%s'", folder);
	*ret = take_ptr(stage);
	return 0;
}

/* Whom the reader becomes: root has an id for that, where ids so high exist. */
static unsigned int reader_uid(void)
{
	cleanup_fclose FILE *map = geteuid() == 0 ? fopen("/proc/self/uid_map", "re") : NULL;
	unsigned long inside, outside, count;

	if (!map ||
	    fscanf(map, "%lu %lu %lu", &inside, &outside, &count) != 3) // NOLINT(cert-err34-c)
		return 0;
	return inside == 0 && count > UNPACK_UID ? UNPACK_UID : 0;
}

/* The child: never returns. */
static void run_reader(const struct receive_options *options, unsigned int uid, const int fds[4])
{
	char entries[24], size[24], id[24];
	char *const argv[] = {(char *)(uintptr_t) "ironclaw-unpack", entries, size, id, NULL};
	char *const env[] = {NULL};
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)snprintf(entries, sizeof(entries), "%u", WORKSPACE_ENTRIES_MAX);
	(void)snprintf(size, sizeof(size), "%llu", (unsigned long long)options->size_max_b);
	(void)snprintf(id, sizeof(id), "%u", uid);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && descriptors_arrange(fds, 0, 4) == 0)
		(void)execve(options->program, argv, env);
	_exit(127);
}

static int start_reader(struct receive *receive, const struct receive_options *options,
			unsigned int uid, struct ironclaw_error *err)
{
	cleanup_close int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int data[2], errors[2];

	if (null_fd < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, data) < 0)
		return err_sys(err, errno, "cannot start the reader of archives");
	receive->data_fd = data[1];
	if (pipe2(errors, O_CLOEXEC) < 0) {
		(void)close(data[0]);
		return err_sys(err, errno, "cannot start the reader of archives");
	}
	receive->error_fd = errors[0];
	receive->pid = fork();
	if (receive->pid == 0)
		run_reader(options, uid,
			   (const int[]){data[0], null_fd, errors[1], receive->stage->dir_fd});
	(void)close(data[0]);
	(void)close(errors[1]);
	if (receive->pid < 0)
		return err_sys(err, errno, "cannot start the reader of archives");
	return 0;
}

int receive_start(const struct receive_options *options, struct receive **ret,
		  struct ironclaw_error *err)
{
	cleanup(receive_freep) struct receive *receive = calloc(1, sizeof(*receive));
	struct receive_options o = *options;
	const unsigned int uid = reader_uid();
	int r;

	if (!receive)
		return err_sys(err, ENOMEM, "cannot receive the workspace");
	if (o.size_max_b == 0)
		o.size_max_b = WORKSPACE_SIZE_DEFAULT_B;
	receive->data_fd = receive->error_fd = -EBADF;
	if (access(o.program, X_OK) < 0)
		return err_sys(err, errno, "cannot execute '%s'", o.program);
	remove_left_stages(o.folder);
	r = make_stage(o.folder, uid, &receive->stage, err);
	if (r == 0)
		r = start_reader(receive, &o, uid, err);
	if (r < 0)
		return r;
	*ret = take_ptr(receive);
	return 0;
}

int receive_data(struct receive *receive, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = send(receive->data_fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Waits for the reader and takes its sentence over: it was made from hostile bytes. */
static int end_reader(struct receive *receive, struct ironclaw_error *err)
{
	char sentence[SENTENCE_MAX_B];
	size_t used = 0;
	ssize_t n;
	int status;

	close_fd(&receive->data_fd);
	do {
		n = read(receive->error_fd, sentence + used, sizeof(sentence) - 1 - used);
		if (n > 0)
			used += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	sentence[used] = '\0';
	status = reap(receive);
	if (status == 0)
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1 && used > 0)
		return err_set(err, IRONCLAW_ERR_GUEST, EBADMSG,
			       "the archive from the VM is refused: %s", sentence);
	if (WIFSIGNALED(status))
		return err_set(err, IRONCLAW_ERR_GUEST, EBADMSG,
			       "the reader of the VM's archive was killed by signal %d",
			       WTERMSIG(status));
	return err_set(err, IRONCLAW_ERR_SYSTEM, EIO, "the reader of archives did not start");
}

struct loading {
	struct stage *stage;
	size_t room;
	struct ironclaw_error *err;
};

static int load_content(struct loading *l, struct stage_entry *entry)
{
	char name[16];
	cleanup_close int fd = -EBADF;
	struct stat st;
	int r;

	(void)snprintf(name, sizeof(name), "%u", entry->content);
	fd = openat(l->stage->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(l->err, errno, "cannot read the stage");
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != entry->size)
		return err_set(l->err, IRONCLAW_ERR_CORRUPT, EBADMSG, "the stage is damaged");
	r = content_copy(fd, entry->size, NULL, NULL, entry->digest);
	return r < 0 ? err_sys(l->err, -r, "cannot read the stage") : 0;
}

static int load_entry(void *ctx, const struct tar_item *item, uint32_t content)
{
	struct loading *l = ctx;
	struct stage *stage = l->stage;
	struct stage_entry *entry;

	if (stage->n == l->room) {
		size_t room = l->room ? 2 * l->room : 64;

		entry = realloc(stage->entries, room * sizeof(*entry));
		if (!entry)
			return err_sys(l->err, ENOMEM, "cannot read the stage");
		stage->entries = entry;
		l->room = room;
	}
	entry = &stage->entries[stage->n];
	*entry = (struct stage_entry){
		.path = strdup(item->path),
		.link = item->link ? strdup(item->link) : NULL,
		.type = item->type,
		.deleted = item->deleted,
		.opaque = item->opaque,
		.mode = item->mode,
		.size = item->size,
		.content = content,
	};
	stage->n++;
	if (!entry->path || (item->link && !entry->link))
		return err_sys(l->err, ENOMEM, "cannot read the stage");
	return item->type == TAR_FILE && !item->deleted ? load_content(l, entry) : 0;
}

static int load_stage(struct stage *stage, struct ironclaw_error *err)
{
	struct loading l = {.stage = stage, .err = err};
	cleanup_free char *index = NULL;
	size_t len;
	int r = file_read_bounded(stage->dir_fd, INDEX_FILE, INDEX_MAX_B, &index, &len);

	if (r < 0)
		return err_sys(err, -r, "cannot read the index of the stage");
	r = index_walk((const uint8_t *)index, len, WORKSPACE_ENTRIES_MAX, load_entry, &l);
	if (r == -EBADMSG)
		return err_set(err, IRONCLAW_ERR_CORRUPT, EBADMSG,
			       "the index of the stage is damaged");
	return r;
}

int receive_finish(struct receive *receive, struct stage **ret, struct ironclaw_error *err)
{
	cleanup(receive_freep) struct receive *owned = receive;
	int r = end_reader(owned, err);

	if (r == 0)
		r = load_stage(owned->stage, err);
	if (r < 0)
		return r;
	*ret = take_ptr(owned->stage);
	return 0;
}
