/* SPDX-License-Identifier: Apache-2.0 */
/* test_vmdir.c - machine/vmdir.h: names that are taken, and what is swept. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "machine/vmdir.h"
#include "sys/file.h"

static char top[64];
static struct paths paths;
static struct ironclaw_error err;

static int build(void **state)
{
	(void)state;
	(void)snprintf(top, sizeof(top), "/tmp/test_vmdir.XXXXXX");
	assert_non_null(mkdtemp(top));
	(void)snprintf(paths.run, sizeof(paths.run), "%s/run", top);
	memset(&err, 0, sizeof(err));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return file_remove_tree(AT_FDCWD, top);
}

static bool exists(const char *below_vms)
{
	char path[1100];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/vms/%s", paths.run, below_vms);
	return lstat(path, &st) == 0;
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static struct vmdir create(const char *id)
{
	struct vmdir dir;
	int r = vmdir_create(&paths, id, &dir, &err);

	if (r < 0)
		print_error("%s\n", err.text);
	assert_int_equal(r, 0);
	return dir;
}

static void sweep(void)
{
	assert_int_equal(vmdir_sweep(&paths, &err), 0);
}

/* A folder as a VM leaves it whose processes are all dead. */
static void leave_behind(const char *id)
{
	struct vmdir dir = create(id);

	vmdir_close(&dir);
}

static void a_folder_is_made_and_removed(void **state)
{
	struct vmdir dir = create("vm-1");
	char path[1100];

	(void)state;
	assert_true(exists("vm-1/lock"));
	assert_true(exists("vm-1/root"));
	/* Ours alone. */
	assert_int_equal(mode_of(paths.run), 0700);
	(void)snprintf(path, sizeof(path), "%s/vms", paths.run);
	assert_int_equal(mode_of(path), 0700);
	(void)snprintf(path, sizeof(path), "%s/vms/vm-1", paths.run);
	assert_int_equal(mode_of(path), 0700);
	assert_true(fcntl(dir.vms_fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(dir.lock_fd, F_GETFD) & FD_CLOEXEC);
	/* Held: it may be another VM's of that name. */
	assert_int_equal(vmdir_remove_dead(&dir, "vm-1"), 0);
	assert_true(exists("vm-1"));
	assert_int_equal(close(dir.lock_fd), 0);
	dir.lock_fd = -EBADF;
	assert_int_equal(vmdir_remove_dead(&dir, "vm-1"), 0);
	assert_false(exists("vm-1"));
	assert_int_equal(vmdir_remove_dead(&dir, "vm-1"), 0);
	vmdir_close(&dir);
	vmdir_close(&dir);
	assert_int_equal(dir.vms_fd, -EBADF);
}

static void the_longest_name_works(void **state)
{
	char id[LIMIT_VM_ID_MAX + 1];
	struct vmdir dir;

	(void)state;
	memset(id, 'a', LIMIT_VM_ID_MAX);
	id[LIMIT_VM_ID_MAX] = '\0';
	dir = create(id);
	sweep();
	assert_true(exists(id));
	vmdir_close(&dir);
	sweep();
	assert_false(exists(id));
}

static void a_name_is_taken_while_its_vm_lives(void **state)
{
	struct vmdir dir = create("vm-1"), other = {-4711, -4711};

	(void)state;
	assert_int_equal(vmdir_create(&paths, "vm-1", &other, &err), -EEXIST);
	assert_int_equal(err.code, IRONCLAW_ERR_EXISTS);
	assert_non_null(strstr(err.text, "a VM named 'vm-1' is running"));
	assert_int_equal(other.vms_fd, -4711);
	assert_true(exists("vm-1/lock"));
	/* Another name is free. */
	other = create("vm-2");
	vmdir_close(&other);
	vmdir_close(&dir);
	/* And so is this one, now that nobody holds it. */
	dir = create("vm-1");
	assert_true(exists("vm-1/lock"));
	vmdir_close(&dir);
}

static void the_dead_are_swept_and_the_living_are_not(void **state)
{
	struct vmdir living;
	char path[1100];
	int fd;

	(void)state;
	leave_behind("dead");
	(void)snprintf(path, sizeof(path), "%s/vms/dead/initramfs", paths.run);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0400);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	living = create("living");
	/* Making one has swept the other. */
	assert_false(exists("dead"));
	leave_behind("dead");
	sweep();
	assert_false(exists("dead"));
	assert_true(exists("living/lock"));
	assert_true(exists("living/root"));
	assert_true(exists(".lock"));
	vmdir_close(&living);
}

static void any_holder_of_the_lock_is_life(void **state)
{
	struct vmdir dir = create("vm-1");
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	/* Its copy of the descriptor is enough, as the keeper's is. */
	vmdir_close(&dir);
	sweep();
	assert_true(exists("vm-1"));
	assert_int_equal(vmdir_create(&paths, "vm-1", &dir, &err), -EEXIST);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	sweep();
	assert_false(exists("vm-1"));
}

static void half_a_folder_is_swept(void **state)
{
	char path[1100];

	(void)state;
	leave_behind("vm-1");
	(void)snprintf(path, sizeof(path), "%s/vms/vm-1/lock", paths.run);
	assert_int_equal(unlink(path), 0);
	(void)snprintf(path, sizeof(path), "%s/vms/file", paths.run);
	assert_int_equal(symlink("/nowhere", path), 0);
	sweep();
	assert_false(exists("vm-1"));
	assert_false(exists("file"));
}

/* What a dead VM's folder points at is not followed. */
static void a_sweep_stays_inside(void **state)
{
	char path[1100], target[128];

	(void)state;
	(void)snprintf(target, sizeof(target), "%s/precious", top);
	assert_int_equal(mkdir(target, 0700), 0);
	leave_behind("vm-1");
	(void)snprintf(path, sizeof(path), "%s/vms/vm-1/link", paths.run);
	assert_int_equal(symlink(target, path), 0);
	(void)snprintf(path, sizeof(path), "%s/vms/vm-2", paths.run);
	assert_int_equal(symlink(target, path), 0);
	sweep();
	assert_false(exists("vm-1"));
	assert_false(exists("vm-2"));
	assert_int_equal(mode_of(target), 0700);
}

static void refused(int errnum)
{
	struct vmdir dir = {-4711, -4711};

	assert_int_equal(vmdir_create(&paths, "vm-1", &dir, &err), -errnum);
	assert_int_equal(vmdir_sweep(&paths, &err), -errnum);
	assert_int_equal(err.code, IRONCLAW_ERR_SYSTEM);
	assert_int_equal(dir.vms_fd, -4711);
	assert_int_equal(dir.lock_fd, -4711);
}

static void a_folder_that_others_may_write_is_refused(void **state)
{
	static const mode_t modes[] = {0770, 0702, 0722, 01777};
	char vms[1100];

	(void)state;
	leave_behind("vm-0");
	(void)snprintf(vms, sizeof(vms), "%s/vms", paths.run);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		assert_int_equal(chmod(paths.run, modes[i]), 0);
		refused(EPERM);
		assert_non_null(strstr(err.text, "belongs to another user or may be written"));
		assert_int_equal(chmod(paths.run, 0700), 0);
		assert_int_equal(chmod(vms, modes[i]), 0);
		refused(EPERM);
		assert_int_equal(chmod(vms, 0700), 0);
	}
	/* Only reading it does no harm. */
	assert_int_equal(chmod(paths.run, 0755), 0);
	leave_behind("vm-1");
}

static void a_folder_of_somebody_else_is_refused(void **state)
{
	(void)state;
	if (geteuid() == 0) {
		assert_int_equal(mkdir(paths.run, 0700), 0);
		assert_int_equal(chown(paths.run, 1, 1), 0);
	} else {
		(void)snprintf(paths.run, sizeof(paths.run), "/usr");
	}
	refused(EPERM);
}

static void a_link_in_place_of_the_folder_is_refused(void **state)
{
	char target[128];

	(void)state;
	(void)snprintf(target, sizeof(target), "%s/elsewhere", top);
	assert_int_equal(mkdir(target, 0700), 0);
	assert_int_equal(symlink(target, paths.run), 0);
	refused(ENOTDIR);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, build, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_folder_is_made_and_removed),
		TEST(the_longest_name_works),
		TEST(a_name_is_taken_while_its_vm_lives),
		TEST(the_dead_are_swept_and_the_living_are_not),
		TEST(any_holder_of_the_lock_is_life),
		TEST(half_a_folder_is_swept),
		TEST(a_sweep_stays_inside),
		TEST(a_folder_that_others_may_write_is_refused),
		TEST(a_folder_of_somebody_else_is_refused),
		TEST(a_link_in_place_of_the_folder_is_refused),
	};

	return cmocka_run_group_tests_name("vmdir", tests, NULL, NULL);
}
