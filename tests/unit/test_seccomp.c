/* SPDX-License-Identifier: Apache-2.0 */
/* test_seccomp.c - sys/seccomp.h: a supervisor that passes, refuses, and goes away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/error.h"
#include "supervised.h"

/* Denies mkdir(2), allows the rest. */
static const struct sock_filter deny_mkdir[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdir, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};
static const struct seccomp_program program = {deny_mkdir, ARRAY_SIZE(deny_mkdir)};

struct fixture {
	char folder[32], name[40];
	struct supervised *s;
};

static int make(void **state)
{
	static struct fixture f;

	(void)snprintf(f.folder, sizeof(f.folder), "/tmp/ironclaw-seccomp-XXXXXX");
	assert_non_null(mkdtemp(f.folder));
	(void)snprintf(f.name, sizeof(f.name), "%s/d", f.folder);
	f.s = supervised_new(4);
	*state = &f;
	return 0;
}

static int unmake(void **state)
{
	struct fixture *f = *state;

	supervised_free(f->s);
	(void)rmdir(f->name);
	return rmdir(f->folder);
}

static struct attempt *add_mkdir(struct fixture *f)
{
	struct attempt *a = supervised_add(f->s, SYS_mkdir);

	a->args[0] = (uint64_t)(uintptr_t)f->name;
	a->args[1] = 0700;
	return a;
}

/* Waits for a denied call to be there, without taking it. */
static void wait_denied(int listener)
{
	struct pollfd p = {.fd = listener, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_true(p.revents & POLLIN);
}

static void one_call_passes_and_the_next_is_refused(void **state)
{
	struct fixture *f = *state;
	struct attempt *first = add_mkdir(f), *rmdir_again, *second;
	struct seccomp_notif denied;
	int listener;
	pid_t pid;

	rmdir_again = supervised_add(f->s, SYS_rmdir);
	rmdir_again->args[0] = first->args[0];
	second = add_mkdir(f);
	pid = supervised_start(f->s, &program, &listener);
	assert_int_equal(fcntl(listener, F_GETFD), FD_CLOEXEC);
	assert_int_equal(seccomp_next(listener, &denied), 0);
	assert_int_equal(denied.data.nr, SYS_mkdir);
	assert_int_equal(denied.pid, pid);
	assert_memory_equal(denied.data.args, first->args, sizeof(first->args));
	assert_int_equal(seccomp_pass(listener, &denied), 0);
	assert_int_equal(supervised_serve(f->s, pid, listener), 0);
	assert_int_equal(first->result, 0);
	assert_int_equal(rmdir_again->result, 0);
	assert_int_equal(second->n_denied, 1);
	assert_int_equal(second->result, -EPERM);
	assert_int_equal(rmdir(f->name), -1);
}

static void without_a_supervisor_a_denied_call_is_not_carried_out(void **state)
{
	struct fixture *f = *state;
	struct attempt *a = add_mkdir(f), *later = add_mkdir(f);
	int listener, status;
	pid_t pid = supervised_start(f->s, &program, &listener);

	wait_denied(listener);
	(void)close(listener);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(a->result, -ENOSYS);
	assert_int_equal(later->result, -ENOSYS);
	assert_int_equal(rmdir(f->name), -1);
}

static void a_caller_that_dies_is_told(void **state)
{
	struct fixture *f = *state;
	struct seccomp_notif denied;
	int listener;
	pid_t pid;

	(void)add_mkdir(f);
	pid = supervised_start(f->s, &program, &listener);
	wait_denied(listener);
	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(seccomp_next(listener, &denied), -ENOENT);
	(void)close(listener);

	pid = supervised_start(f->s, &program, &listener);
	assert_int_equal(seccomp_next(listener, &denied), 0);
	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(seccomp_refuse(listener, &denied, EPERM), 0);
	assert_int_equal(seccomp_pass(listener, &denied), -ENOENT);
	(void)close(listener);
	assert_int_equal(rmdir(f->name), -1);
}

/* Return: what seccomp_load() said in a child that loaded @n_before programs before */
static int load_in_child(const struct seccomp_program *what, int n_before)
{
	int r, status;
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		for (int i = 0; i < n_before; i++) {
			if (seccomp_load(&program) < 0)
				_exit(200);
		}
		r = seccomp_load(what);
		_exit(r < 0 ? -r : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static void a_second_supervisor_is_refused(void **state)
{
	(void)state;
	assert_int_equal(load_in_child(&program, 0), 0);
	assert_int_equal(load_in_child(&program, 1), -EBUSY);
}

static void what_is_no_program_is_refused(void **state)
{
	static const struct sock_filter endless[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};

	(void)state;
	assert_int_equal(load_in_child(&(struct seccomp_program){endless, 1}, 0), -EINVAL);
	assert_int_equal(load_in_child(&(struct seccomp_program){endless, 0}, 0), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_call_passes_and_the_next_is_refused, make,
						unmake),
		cmocka_unit_test_setup_teardown(
			without_a_supervisor_a_denied_call_is_not_carried_out, make, unmake),
		cmocka_unit_test_setup_teardown(a_caller_that_dies_is_told, make, unmake),
		cmocka_unit_test(a_second_supervisor_is_refused),
		cmocka_unit_test(what_is_no_program_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
