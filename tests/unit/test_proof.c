/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding a VM's processes: the record, the lock, and that a number which another process has got
 * meanwhile is never taken for the VM's. This process plays the warden, its children the others.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "machine/living.h"
#include "machine/proof.h"
#include "sys/file.h"

#define ID "vm-1"

static char home[] = "/tmp/test_proof.XXXXXX";
static struct paths paths;
static int vms_fd, lock_fd;
static pid_t vmm, keeper;

static pid_t start_child(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		/* The lock is this process's alone to hold. */
		(void)close(lock_fd);
		for (;;)
			(void)pause();
	}
	return pid;
}

static void end_child(pid_t *pid)
{
	if (*pid > 0) {
		(void)kill(*pid, SIGKILL);
		(void)waitpid(*pid, NULL, 0);
	}
	*pid = 0;
}

static void write_record(pid_t vmm_pid, pid_t keeper_pid)
{
	const struct jail_status status = {.warden_pid = getpid(),
					   .vmm_pid = vmm_pid,
					   .keeper_pid = keeper_pid,
					   .uid = geteuid(),
					   .keeper_program = JAIL_PROGRAM_KEEPER_VSOCK,
					   .level = JAIL_LEVEL_BASIC};

	(void)unlinkat(vms_fd, ID "/" JAIL_STATUS_NAME, 0);
	assert_int_equal(jail_status_write(vms_fd, ID, &status), 0);
}

static int setup(void **state)
{
	char path[128];

	(void)state;
	(void)snprintf(home, sizeof(home), "/tmp/test_proof.XXXXXX");
	assert_non_null(mkdtemp(home));
	(void)snprintf(paths.run, sizeof(paths.run), "%s", home);
	(void)snprintf(path, sizeof(path), "%s/vms/" ID, home);
	assert_int_equal(file_mkdir_p(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/vms", home);
	vms_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	lock_fd = file_lock(vms_fd, ID "/lock", false);
	assert_true(vms_fd >= 0 && lock_fd >= 0);
	vmm = start_child();
	keeper = start_child();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	end_child(&vmm);
	end_child(&keeper);
	(void)close(lock_fd);
	(void)close(vms_fd);
	return file_remove_tree(AT_FDCWD, home);
}

static int read_code(enum ironclaw_errcode *ret_code)
{
	struct ironclaw_error err = {0};
	struct proof *proof = NULL;
	int r = proof_read(vms_fd, ID, &proof, &err);

	free(proof);
	*ret_code = err.code;
	return r;
}

static void assert_ended(void)
{
	enum ironclaw_errcode code;

	assert_int_equal(read_code(&code), -ESRCH);
	assert_int_equal(code, IRONCLAW_ERR_NOT_FOUND);
}

static void record_round_trip(void **state)
{
	struct jail_status got;
	struct stat st;

	(void)state;
	assert_int_equal(jail_status_read(vms_fd, ID, &got), -ENOENT);
	write_record(vmm, keeper);
	assert_int_equal(jail_status_read(vms_fd, ID, &got), 0);
	assert_int_equal(got.vmm_pid, vmm);
	assert_int_equal(got.level, JAIL_LEVEL_BASIC);
	assert_int_equal(got.keeper_program, JAIL_PROGRAM_KEEPER_VSOCK);
	assert_string_equal(got.vm_id, ID);
	assert_true(got.started_ns / 1000000000 <= (uint64_t)time(NULL));
	assert_int_equal(fstatat(vms_fd, ID "/" JAIL_STATUS_NAME, &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0400);
	assert_int_equal(faccessat(vms_fd, ID "/" JAIL_STATUS_NAME ".new", F_OK, 0), -1);
}

static void put_record(const void *data, size_t n)
{
	int fd;

	(void)unlinkat(vms_fd, ID "/" JAIL_STATUS_NAME, 0);
	fd = openat(vms_fd, ID "/" JAIL_STATUS_NAME, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(file_write_full(fd, data, n), 0);
	(void)close(fd);
}

static void record_that_is_none(void **state)
{
	struct jail_status good, bad, got = {.uid = 4711};

	(void)state;
	write_record(vmm, keeper);
	assert_int_equal(jail_status_read(vms_fd, ID, &good), 0);
#define REFUSED(field, value)                                                                      \
	do {                                                                                       \
		bad = good;                                                                        \
		bad.field = (value);                                                               \
		put_record(&bad, sizeof(bad));                                                     \
		assert_int_equal(jail_status_read(vms_fd, ID, &got), -EINVAL);                     \
	} while (0)
	REFUSED(magic, 0);
	REFUSED(magic, JAIL_STATUS_MAGIC - 1);
	REFUSED(size, 4);
	REFUSED(vmm_pid, 0);
	REFUSED(keeper_pid, -1);
	REFUSED(warden_pid, 0);
	REFUSED(limits, 3);
	REFUSED(level, 4);
	REFUSED(denied, 3);
	REFUSED(vmm_program, JAIL_PROGRAM_MAX);
	REFUSED(keeper_program, JAIL_PROGRAM_MAX);
	REFUSED(vm_id[0], 'x');
#undef REFUSED
	bad = good;
	memset(bad.vm_id, 'a', sizeof(bad.vm_id));
	put_record(&bad, sizeof(bad));
	assert_int_equal(jail_status_read(vms_fd, ID, &got), -EINVAL);
	put_record(&good, sizeof(good) - 1);
	assert_int_equal(jail_status_read(vms_fd, ID, &got), -EINVAL);
	(void)unlinkat(vms_fd, ID "/" JAIL_STATUS_NAME, 0);
	assert_int_equal(symlinkat("lock", vms_fd, ID "/" JAIL_STATUS_NAME), 0);
	assert_int_equal(jail_status_read(vms_fd, ID, &got), -ELOOP);
	assert_int_equal(got.uid, 4711);
	put_record(&good, sizeof(good));
	assert_int_equal(jail_status_read(vms_fd, ID, &got), 0);
}

static void reads_a_living_vm(void **state)
{
	struct ironclaw_error err = {0};
	struct proof_report report;
	struct proof *proof;

	(void)state;
	write_record(vmm, keeper);
	assert_int_equal(proof_read(vms_fd, ID, &proof, &err), 0);
	assert_int_equal(proof->process[PROOF_VMM].pid, vmm);
	assert_int_equal(proof->process[PROOF_VMM].stat.ppid, getpid());
	assert_int_equal(proof->process[PROOF_VMM].tasks.status.uid[1], geteuid());
	assert_true(proof->process[PROOF_VMM].ns[PROOF_NS_NET] == proof->host.ns[PROOF_NS_NET]);
	/* A child of ours is not confined at all, and is not taken for confined. */
	proof_judge(proof, &report);
	for (int l = 0; l < PROOF_LAYERS; l++) {
		enum ironclaw_verdict v = report.findings[l][PROOF_VMM].verdict;

		if (l == PROOF_USER_NS || l == PROOF_NO_NEW_PRIVS || l == PROOF_SECCOMP ||
		    l == PROOF_OTHER_NS || l == PROOF_MOUNTS_LAYER || l == PROOF_LIMITS_LAYER)
			assert_int_equal(v, IRONCLAW_VERDICT_WEAK);
	}
	free(proof);
}

static void dead_processes(void **state)
{
	(void)state;
	write_record(vmm, keeper);
	/* A zombie first, then a number that nobody has. */
	(void)kill(vmm, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)vmm, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
	assert_ended();
	end_child(&vmm);
	assert_ended();
}

static void number_that_was_used_again(void **state)
{
	const struct timespec pause = {.tv_nsec = 50000000};
	struct jail_status status;
	pid_t later;

	(void)state;
	write_record(vmm, keeper);
	assert_int_equal(jail_status_read(vms_fd, ID, &status), 0);
	/* A tick later, so that the start times can be told apart. */
	(void)nanosleep(&pause, NULL);
	later = start_child();
	status.vmm_pid = later;
	put_record(&status, sizeof(status));
	assert_ended();
	/* The same process is accepted by a record that was written after its start (control). */
	write_record(later, keeper);
	assert_int_equal(read_code(&(enum ironclaw_errcode){0}), 0);
	end_child(&later);
}

static void somebody_elses_child(void **state)
{
	(void)state;
	write_record(getppid(), keeper);
	assert_ended();
}

static void lock_that_nobody_holds(void **state)
{
	struct ironclaw_error err = {0};
	struct living_vm vm;

	(void)state;
	write_record(vmm, keeper);
	assert_int_equal(living_find(&paths, ID, &vm, &err), 0);
	assert_true(vm.started);
	(void)close(lock_fd);
	lock_fd = -1;
	assert_ended();
	assert_int_equal(living_find(&paths, ID, &vm, &err), -ENOENT);
	assert_int_equal(err.code, IRONCLAW_ERR_NOT_FOUND);
}

static void one_that_starts(void **state)
{
	enum ironclaw_errcode code;
	struct living_vm vm;

	(void)state;
	assert_int_equal(read_code(&code), -EAGAIN);
	assert_int_equal(code, IRONCLAW_ERR_BUSY);
	assert_int_equal(living_find(&paths, ID, &vm, NULL), 0);
	assert_false(vm.started);
}

static void listing(void **state)
{
	struct living_vm *list;
	struct ironclaw_error err = {0};
	size_t n;
	int other;

	(void)state;
	write_record(vmm, keeper);
	assert_int_equal(mkdirat(vms_fd, "dead", 0700), 0);
	assert_int_equal(mkdirat(vms_fd, "a-first", 0700), 0);
	other = file_lock(vms_fd, "a-first/lock", false);
	assert_true(other >= 0);
	assert_int_equal(living_list(&paths, &list, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_string_equal(list[0].id, "a-first");
	assert_false(list[0].started);
	assert_string_equal(list[1].id, ID);
	free(list);
	(void)close(other);
	(void)snprintf(paths.run, sizeof(paths.run), "/tmp/test_proof.nowhere");
	assert_int_equal(living_list(&paths, &list, &n, &err), 0);
	assert_int_equal(n, 0);
	assert_int_equal(living_find(&paths, "../x", &(struct living_vm){0}, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(record_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(record_that_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(reads_a_living_vm, setup, teardown),
		cmocka_unit_test_setup_teardown(dead_processes, setup, teardown),
		cmocka_unit_test_setup_teardown(number_that_was_used_again, setup, teardown),
		cmocka_unit_test_setup_teardown(somebody_elses_child, setup, teardown),
		cmocka_unit_test_setup_teardown(lock_that_nobody_holds, setup, teardown),
		cmocka_unit_test_setup_teardown(one_that_starts, setup, teardown),
		cmocka_unit_test_setup_teardown(listing, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
