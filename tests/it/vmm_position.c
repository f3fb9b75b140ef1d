/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmm_position.c - what a VMM that its guest has taken over could do: vmm_position PROBE FOLDER
 *
 * A clone is started just as `ironclaw run busybox` starts it, with one difference: the jail holds
 * vmm_probe in the VMM's place, under the orders of a file. Its results come back the way a dying
 * VMM's last words do, in the failure of the start. Each is compared with what the jail must
 * answer.
 *
 * Files that are shared are made writable for everybody first, so that nothing but the jail stands
 * in the way, and each refusal has a control: the same act, by the same program, outside, on a copy
 * in FOLDER. After all of it the shared files have the digests and the modes that they had before.
 *
 * Prints a line a result; exit status 1 when one is wrong. Needs a state folder of its own
 * (IRONCLAW_HOME): it changes modes there.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "machine/template.h"
#include "machine/vm_start.h"
#include "sys/digest.h"
#include "sys/file.h"

#define MEMORY_MIB 128
#define RESULTS_B  1024
#define QUOTE	   "its console ends with: "

/* What an act must say: one of the words between bars. */
struct expected {
	const char *act, *words;
};

struct shared_file {
	const char *path;
	char digest[DIGEST_HEX_B + 1];
	struct stat st;
};

static struct paths paths;
static struct template_spec spec;
static struct template template;
static const char *probe, *folder;
static unsigned int n_right, n_wrong;

__attribute__((noreturn)) static void give_up(const char *what, const struct ironclaw_error *err)
{
	(void)fprintf(stderr, "vmm_position: %s: %s\n", what, err ? err->text : strerror(errno));
	exit(2);
}

static void judge(const char *where, const char *act, const char *got, const char *words)
{
	size_t n = strlen(got);
	bool right = false;

	for (const char *w = words; !right && *w; w += strcspn(w, "|"), w += *w == '|')
		right = strcspn(w, "|") == n && strncmp(w, got, n) == 0;
	(void)printf("%s %s %s: %s", right ? "ok" : "NOT OK", where, act, got);
	(void)printf(right ? "\n" : " (must be %s)\n", words);
	n_right += right;
	n_wrong += !right;
}

/* The word behind "ACT:" in what the probe said. */
static void find_result(const char *said, const char *act, char ret[RESULTS_B])
{
	size_t n = strlen(act);

	(void)snprintf(ret, RESULTS_B, "nothing");
	for (const char *p = said; *p; p += strcspn(p, " "), p += *p == ' ') {
		if (strncmp(p, act, n) == 0 && p[n] == ':') {
			(void)snprintf(ret, RESULTS_B, "%.*s", (int)strcspn(p + n + 1, " \n"),
				       p + n + 1);
			return;
		}
	}
}

static void judge_all(const char *where, const char *said, const struct expected *e)
{
	char got[RESULTS_B];

	for (; e->act; e++) {
		find_result(said, e->act, got);
		judge(where, e->act, got, e->words);
	}
	/* A round that was cut short says nothing of what came first. */
	find_result(said, "end", got);
	judge(where, "end", got, "ok");
}

/* The probe in the VMM's place. */
static void run_inside(const char *round, const char *argument, char said[RESULTS_B])
{
	cleanup_close int state_fd = -EBADF;
	struct template_spec probed = spec;
	struct vm_start_mode mode = {.vm_id = "vmm-position",
				     .start = ENGINE_CLONE,
				     .ram = template.ram,
				     .overlay_mib = MEMORY_MIB / 2};
	struct ironclaw_error err = {0};
	struct ironclaw_vm *vm;
	char orders[1024], line[512];
	const char *quote;
	int n = snprintf(line, sizeof(line), "%s %s\n", round, argument);

	(void)snprintf(orders, sizeof(orders), "%s/orders", folder);
	if (file_write_atomic(AT_FDCWD, orders, line, (size_t)n, 0644) < 0)
		give_up("cannot write the orders", NULL);
	state_fd = template_open_state(&template, &err);
	if (state_fd < 0)
		give_up("no state", &err);
	mode.state_fd = state_fd;
	(void)snprintf(probed.host.program, sizeof(probed.host.program), "%s", probe);
	(void)snprintf(probed.host.preload, sizeof(probed.host.preload), "%s", orders);
	if (vm_start(&probed, &mode, &vm, &err) == 0)
		give_up("a probe was taken for a VM", NULL);
	quote = strstr(err.text, QUOTE);
	if (!quote)
		give_up("the probe did not run", &err);
	(void)snprintf(said, RESULTS_B, "%s", quote + strlen(QUOTE));
}

/* The same program outside of any jail. */
static void run_outside(const char *round, const char *argument, char said[RESULTS_B])
{
	cleanup_fclose FILE *out = NULL;
	int ends[2];
	pid_t pid;
	size_t n;

	(void)fflush(stdout);
	if (pipe(ends) < 0 || (pid = fork()) < 0)
		give_up("cannot start the probe", NULL);
	if (pid == 0) {
		(void)dup2(ends[1], STDOUT_FILENO);
		(void)execl(probe, probe, round, argument, NULL);
		_exit(127);
	}
	(void)close(ends[1]);
	out = fdopen(ends[0], "r");
	n = out ? fread(said, 1, RESULTS_B - 1, out) : 0;
	said[n] = '\0';
	said[strcspn(said, "\n")] = '\0';
	(void)waitpid(pid, NULL, 0);
}

static void look_at(struct shared_file *f)
{
	cleanup_close int fd = open(f->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &f->st) < 0 || digest_fd(fd, f->digest, NULL) < 0)
		give_up(f->path, NULL);
}

static void judge_unchanged(const struct shared_file *before)
{
	struct shared_file now = {.path = before->path};
	bool same;

	look_at(&now);
	judge(before->path, "digest", strcmp(now.digest, before->digest) == 0 ? "same" : "changed",
	      "same");
	/* ctime moves with every change of an inode, its links and its mode too. */
	same = now.st.st_mode == before->st.st_mode && now.st.st_uid == before->st.st_uid &&
	       now.st.st_nlink == before->st.st_nlink &&
	       now.st.st_mtim.tv_sec == before->st.st_mtim.tv_sec &&
	       now.st.st_mtim.tv_nsec == before->st.st_mtim.tv_nsec &&
	       now.st.st_ctim.tv_sec == before->st.st_ctim.tv_sec &&
	       now.st.st_ctim.tv_nsec == before->st.st_ctim.tv_nsec;
	judge(before->path, "inode", same ? "same" : "changed", "same");
}

static void copy_file(const char *from, const char *to)
{
	cleanup_close int in = open(from, O_RDONLY | O_CLOEXEC);
	cleanup_close int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char buf[65536], old_link[1100];
	ssize_t n = read(in, buf, sizeof(buf));

	(void)snprintf(old_link, sizeof(old_link), "%s.link", to);
	(void)unlink(old_link);
	/* A part of it is as good for a control. */
	if (n <= 0 || file_write_full(out, buf, (size_t)n) < 0)
		give_up("cannot copy a file for the control", NULL);
}

static void try_file(const char *inside, const char *host)
{
	static const struct expected refused[] = {
		{"read", "ok"},	      {"private", "ok"},    {"rw", "EROFS"},
		{"append", "EROFS"},  {"trunc", "EROFS"},   {"truncate", "EROFS"},
		{"punch", "EBADF"},   {"shared", "EACCES"}, {"mprotect", "EACCES"},
		{"procfd", "ENOENT"}, {"devfd", "ENOENT"},  {"handle", "EPERM|EROFS|EOPNOTSUPP"},
		{"chmod", "EROFS"},   {"fchmod", "EROFS"},  {"chown", "EROFS"},
		{"times", "EROFS"},   {"xattr", "EROFS"},   {"flags", "EROFS"},
		{"link", "EROFS"},    {"rename", "EROFS"},  {"unlink", "EROFS|EBUSY"},
		{NULL, NULL},
	};
	static const struct expected control[] = {
		{"read", "ok"},
		{"private", "ok"},
		{"rw", "ok"},
		{"append", "ok"},
		{"trunc", "ok"},
		{"truncate", "ok"},
		{"punch", "ok"},
		{"shared", "ok"},
		{"procfd", "ok"},
		{"devfd", "ok"},
		{"chmod", "ok"},
		{"fchmod", "ok"},
		{"chown", "ok"},
		{"times", "ok"},
		/* Not every file system has them; a handle needs root. */
		{"xattr", "ok|EOPNOTSUPP"},
		{"flags", "ok|ENOTTY|EOPNOTSUPP"},
		{"handle", "ok|EPERM|EOPNOTSUPP"},
		{"link", "ok"},
		{"rename", "ok"},
		{"unlink", "ok"},
		{"mprotect", "ok"},
		{NULL, NULL},
	};
	struct shared_file before = {.path = host};
	char copy[1024], said[RESULTS_B];

	(void)snprintf(copy, sizeof(copy), "%s/copy", folder);
	copy_file(host, copy);
	run_outside("file", copy, said);
	judge_all("control", said, control);
	if (chmod(host, 0666) < 0)
		give_up(host, NULL);
	look_at(&before);
	run_inside("file", inside, said);
	judge_all(inside, said, refused);
	judge_unchanged(&before);
}

static void try_descriptors(void)
{
	static const struct expected expected[] = {
		{"open", "0,1,2,3,4,5"},
		{"state-read", "ok"},
		{"state-write", "EFBIG|EBADF|EPERM"},
		{"state-truncate", "EINVAL|EPERM"},
		{"state-shared", "EACCES|EPERM"},
		{"state-flags", "ok|ENOTTY|EPERM|EOPNOTSUPP"},
		{"null-write", "ok"},
		{"null-chmod", "EROFS|EPERM"},
		{"stdin-chmod", "EROFS|EPERM"},
		{NULL, NULL},
	};
	struct shared_file before = {.path = template.state}, null = {.path = "/dev/null"}, now;
	char said[RESULTS_B];

	look_at(&before);
	look_at(&null);
	run_inside("descriptors", "", said);
	judge_all("descriptors", said, expected);
	judge_unchanged(&before);
	now.path = null.path;
	look_at(&now);
	judge("/dev/null", "ctime",
	      now.st.st_ctim.tv_sec == null.st.st_ctim.tv_sec &&
			      now.st.st_ctim.tv_nsec == null.st.st_ctim.tv_nsec
		      ? "same"
		      : "changed",
	      "same");
}

static void try_tree(void)
{
	static const struct expected expected[] = {
		{"root", "dev,lib,lib64,usr,vm"},
		{"vm", "image,preload.so,ram"},
		{"dev", "null|kvm,null"},
		/* Its firmware, a module where QEMU has one for it, and no program but the VMM. */
		{"usr", "bin,lib,share|bin,share"},
		{"bin", "qemu-system-x86_64"},
		{"known", "ok"},
		{"passwd", "ENOENT"},
		{"climb", "ENOENT"},
		{"host", "ENOENT"},
		{"proc", "ENOENT"},
		{"sys", "ENOENT"},
		{"create-root", "EROFS"},
		{"create-vm", "EROFS"},
		{"create-usr", "EROFS"},
		{"mknod", "EROFS|EPERM"},
		{"mount", "EPERM"},
		{"remount", "EPERM"},
		{"umount", "EPERM"},
		{"chroot", "EPERM"},
		{NULL, NULL},
	};
	char said[RESULTS_B], name[1024];

	(void)snprintf(name, sizeof(name), "%s/orders", folder);
	run_inside("tree", name, said);
	judge_all("tree", said, expected);
	judge("control", "host", access(name, R_OK) == 0 ? "ok" : "missing", "ok");
	judge("control", "passwd", access("/etc/passwd", R_OK) == 0 ? "ok" : "missing", "ok");
}

/* Where making namespaces is forbidden altogether, every act ends there. */
#define FORBIDDEN "EPERM|EACCES|ENOSYS|ENOSPC|SIG31"

static void try_nested(void)
{
	static const struct expected expected[] = {
		{"own", "ok|" FORBIDDEN},	 {"remount", FORBIDDEN},
		{"setattr", FORBIDDEN},		 {"bind", FORBIDDEN},
		{"umount", "EINVAL|" FORBIDDEN}, {"proc", FORBIDDEN},
		{"write", "EROFS|" FORBIDDEN},	 {NULL, NULL},
	};
	char said[RESULTS_B];

	run_inside("nested", "", said);
	judge_all("nested", said, expected);
}

static int listen_on(int family, const void *address, socklen_t len)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, address, len) < 0 || listen(fd, 64) < 0)
		give_up("cannot listen", NULL);
	return fd;
}

static void try_world(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	cleanup_close int tcp = listen_on(AF_INET, &in, sizeof(in)), abstract = -EBADF;
	char argument[256], said[RESULTS_B], ids[64], name[64];
	socklen_t len = sizeof(in);
	unsigned int me = geteuid();
	struct expected expected[] = {
		{"others", "0"},
		{"ids", ids},
		{"setuid", "EINVAL|EPERM"},
		{"caps", "0,0,0,0,0"},
		{"no-new-privs", "1"},
		{"limits", "0,0,256"},
		{"connect", "ENETUNREACH|EPERM"},
		{"abstract", "ECONNREFUSED|EPERM"},
		{NULL, NULL},
	};
	static const struct expected control[] = {{"connect", "ok"},
						  {"abstract", "ok"},
						  {NULL, NULL}};
	char got[RESULTS_B];

	(void)getsockname(tcp, (struct sockaddr *)&in, &len);
	(void)snprintf(name, sizeof(name), "ironclaw-vmm-position-%d", (int)getpid());
	memcpy(un.sun_path + 1, name, strlen(name));
	abstract =
		listen_on(AF_UNIX, &un,
			  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name)));
	(void)snprintf(argument, sizeof(argument), "%u %s", ntohs(in.sin_port), name);
	(void)snprintf(ids, sizeof(ids), "%u,%u,%u", me, me, me);
	run_outside("world", argument, said);
	judge_all("control", said, control);
	find_result(said, "others", got);
	judge("control", "others", atoi(got) > 0 ? "some" : got, "some");
	find_result(said, "interfaces", got);
	judge("control", "interfaces", atoi(got) > 0 ? "up" : got, "up");
	run_inside("world", argument, said);
	judge_all("world", said, expected);
	find_result(said, "interfaces", got);
	judge("world", "interfaces", strncmp(got, "0/", 2) == 0 ? "down" : got, "down");
}

static void prepare(void)
{
	struct ironclaw_error err = {0};
	const struct vm_notices quiet = {NULL, NULL};
	static struct vm_config config;
	int r;

	vm_config_init(&config);
	(void)snprintf(config.image, sizeof(config.image), "busybox");
	config.memory_mib = MEMORY_MIB;
	r = vm_config_complete(&config, &err);
	if (r == 0)
		r = vm_config_check(&config, &err);
	if (r == 0)
		r = paths_get(&paths, &err);
	if (r == 0)
		r = vm_resolve(&paths, &config, &quiet, &spec, &err);
	if (r == 0)
		r = template_load_warm(&spec, &err);
	if (r == 0)
		r = template_key(&spec, &err);
	if (r == 0)
		r = template_get(&spec, &quiet, &template, &err);
	if (r < 0)
		give_up("cannot prepare a template", &err);
}

int main(int argc, char **argv)
{
	if (argc != 3 || argv[1][0] != '/' || argv[2][0] != '/') {
		(void)fprintf(stderr, "usage: vmm_position /PATH/OF/vmm_probe /FOLDER\n");
		return 2;
	}
	probe = argv[1];
	folder = argv[2];
	prepare();
	try_file("/vm/ram", template.ram);
	try_file("/vm/image", spec.image.path);
	try_descriptors();
	try_tree();
	try_nested();
	try_world();
	(void)printf("%u right, %u wrong\n", n_right, n_wrong);
	return n_wrong ? 1 : 0;
}
