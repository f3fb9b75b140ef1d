/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_workspace_jail.c - the confinement of ironclaw-unpack, from within: a child puts itself
 * under it and tries things. Each act is tried without it as well, where it must work.
 */
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "workspace.h"

#include "workspace/unpack_jail.h"

/* A sanitizer makes calls of its own, and none of them is allowed: without one only. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITIZED
#endif
#endif

#define CREATE (O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW)

static int act_create(void)
{
	return openat(UNPACK_STAGE, "new", CREATE, 0600) < 0;
}

static int act_absolute(void)
{
	return openat(UNPACK_STAGE, "/tmp/ironclaw-test-jail", CREATE, 0600) < 0;
}

static int act_above(void)
{
	return openat(UNPACK_STAGE, "../outside", CREATE, 0600) < 0;
}

static int act_through_link(void)
{
	return openat(UNPACK_STAGE, "link/outside", CREATE, 0600) < 0;
}

static int act_large(void)
{
	int fd = openat(UNPACK_STAGE, "new", CREATE, 0600);

	return fd < 0 || ftruncate(fd, 1LL << 33) < 0;
}

static int act_read(void)
{
	return openat(UNPACK_STAGE, "there", O_RDONLY | O_CLOEXEC) < 0;
}

static int act_overwrite(void)
{
	return openat(UNPACK_STAGE, "there", O_WRONLY | O_TRUNC | O_CLOEXEC) < 0;
}

static int act_other_folder(void)
{
	return openat(AT_FDCWD, "new", CREATE, 0600) < 0;
}

static int act_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) < 0;
}

static int act_fork(void)
{
	return syscall(SYS_fork) < 0;
}

static int act_exec(void)
{
	return execl("/bin/true", "true", NULL);
}

static int act_kill(void)
{
	return kill(getppid(), 0) < 0;
}

static int act_map(void)
{
	return mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int act_unlink(void)
{
	return unlinkat(UNPACK_STAGE, "there", 0) < 0;
}

static int act_mkdir(void)
{
	return mkdirat(UNPACK_STAGE, "folder", 0700) < 0;
}

static int act_link(void)
{
	return symlinkat("/etc", UNPACK_STAGE, "etc") < 0;
}

static int act_namespace(void)
{
	return unshare(CLONE_FS) < 0;
}

static int act_x32(void)
{
	return syscall(0x40000000 | SYS_getppid) < 0 && errno != ENOSYS;
}

static int act_i386(void)
{
	long r = SYS_getppid;

	__asm__ volatile("int $0x80" : "+a"(r) : : "memory");
	return 0;
}

/* Return: wait status of a child that does this, confined or not */
static int try_act(int (*act)(void), bool is_confined)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		int fd = openat(root, "stage", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (dup2(fd, UNPACK_STAGE) < 0 || fchdir(UNPACK_STAGE) < 0)
			_exit(90);
		if (is_confined && unpack_jail_enter(geteuid() == 0 ? UNPACK_UID : 0, 1ULL << 32))
			_exit(91);
		_exit(act());
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void make_stage(void)
{
	char target[128];

	host_dir("stage");
	host_file("stage/there", "x");
	(void)snprintf(target, sizeof(target), "%.60s", top);
	host_link("stage/link", target);
	if (geteuid() == 0)
		assert_int_equal(fchownat(root, "stage", UNPACK_UID, UNPACK_UID, 0), 0);
}

__attribute__((unused)) static void test_acts(void **state)
{
	enum { WORKS, FAILS, KILLED };
	static const struct {
		const char *name;
		int (*act)(void);
		int confined;
	} acts[] = {
		{"create", act_create, WORKS},
		{"create outside by absolute path", act_absolute, FAILS},
		{"create above", act_above, WORKS}, /* in its root: the stage itself */
		{"create through a link", act_through_link, FAILS},
		{"a file that is too large", act_large, KILLED},
		{"read", act_read, KILLED},
		{"overwrite", act_overwrite, KILLED},
		{"create by another folder", act_other_folder, KILLED},
		{"socket", act_socket, KILLED},
		{"fork", act_fork, KILLED},
		{"exec", act_exec, KILLED},
		{"kill", act_kill, KILLED},
		{"map", act_map, KILLED},
		{"unlink", act_unlink, KILLED},
		{"mkdir", act_mkdir, KILLED},
		{"symlink", act_link, KILLED},
		{"unshare", act_namespace, KILLED},
		{"a call of x32", act_x32, KILLED},
		{"a call of i386", act_i386, KILLED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		int free_status, status;

		for (int confined = 0; confined < 2; confined++) {
			make_stage();
			*(confined ? &status : &free_status) = try_act(acts[i].act, confined);
			(void)unlink("/tmp/ironclaw-test-jail");
			assert_int_equal(remove_top(NULL), 0);
			assert_int_equal(make_top(NULL), 0);
		}
		if (!WIFEXITED(free_status) || WEXITSTATUS(free_status) != 0)
			fail_msg("%s: fails without any confinement: %x", acts[i].name,
				 free_status);
		if (acts[i].confined == KILLED
			    ? !WIFSIGNALED(status) ||
				      (WTERMSIG(status) != SIGSYS && WTERMSIG(status) != SIGXFSZ)
			    : !WIFEXITED(status) ||
				      WEXITSTATUS(status) != (acts[i].confined == FAILS))
			fail_msg("%s: %x", acts[i].name, status);
	}
}

/* What "create above" did: nothing outside of the stage. */
__attribute__((unused)) static void test_nothing_outside(void **state)
{
	(void)state;
	make_stage();
	assert_int_equal(try_act(act_above, true), 0);
	assert_true(host_has("stage/outside"));
	assert_false(host_has("outside"));
	assert_int_equal(remove_top(NULL), 0);
	assert_int_equal(make_top(NULL), 0);
	make_stage();
	assert_int_equal(try_act(act_above, false), 0);
	assert_true(host_has("outside"));
}

static void status_line(const char *path, const char *name, char *ret, size_t size)
{
	cleanup_fclose FILE *f = fopen(path, "re");
	char line[256];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, name, strlen(name)) == 0) {
			(void)snprintf(ret, size, "%s", line + strlen(name));
			ret[strcspn(ret, "\n")] = '\0';
			return;
		}
	}
	fail_msg("no %s in %s", name, path);
}

/* What the kernel says of the program as it runs. */
static void test_what_the_kernel_says(void **state)
{
	static const char *const spaces[] = {"net", "mnt", "ipc", "uts", "cgroup"};
	const struct receive_options options = {.folder = stages,
						.program = TEST_BUILD "/ironclaw-unpack"};
	struct receive *receive = NULL;
	char path[64], text[128], ours[64], theirs[64];
	cleanup_fclose FILE *children = NULL;
	int pid = 0;

	(void)state;
	assert_int_equal(receive_start(&options, &receive, NULL), 0);
	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	children = fopen(path, "re");
	assert_non_null(children);
	assert_int_equal(fscanf(children, "%d", &pid), 1);
	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	for (int i = 0; i < 500; i++) {
		status_line(path, "Seccomp:\t", text, sizeof(text));
		if (text[0] == '2')
			break;
		(void)usleep(10000);
	}
	assert_string_equal(text, "2");
	status_line(path, "NoNewPrivs:\t", text, sizeof(text));
	assert_string_equal(text, "1");
	for (size_t i = 0; i < 5; i++) {
		static const char *const sets[] = {"CapInh:\t", "CapPrm:\t", "CapEff:\t",
						   "CapAmb:\t", "CapBnd:\t"};

		/* The bounding set of who had no CAP_SETPCAP is of no use to it. */
		if (i == 4 && geteuid() != 0)
			break;
		status_line(path, sets[i], text, sizeof(text));
		assert_string_equal(text, "0000000000000000");
	}
	if (geteuid() == 0) {
		status_line(path, "Uid:\t", text, sizeof(text));
		assert_string_equal(text, "1900008192\t1900008192\t1900008192\t1900008192");
		status_line(path, "Groups:\t", text, sizeof(text));
		assert_string_equal(text, " ");
		for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
			(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, spaces[i]);
			memset(theirs, 0, sizeof(theirs));
			memset(ours, 0, sizeof(ours));
			assert_true(readlink(path, theirs, sizeof(theirs) - 1) > 0);
			(void)snprintf(path, sizeof(path), "/proc/self/ns/%s", spaces[i]);
			assert_true(readlink(path, ours, sizeof(ours) - 1) > 0);
			assert_string_not_equal(ours, theirs);
		}
		(void)snprintf(path, sizeof(path), "/proc/%d/root", pid);
		memset(text, 0, sizeof(text));
		assert_true(readlink(path, text, sizeof(text) - 1) > 0);
		assert_memory_equal(text, stages, strlen(stages));
	}
	receive_cancel(receive);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_top, remove_top)
	const struct CMUnitTest tests[] = {
#ifndef IS_SANITIZED
		TEST(test_acts),
		TEST(test_nothing_outside),
#endif
		TEST(test_what_the_kernel_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
