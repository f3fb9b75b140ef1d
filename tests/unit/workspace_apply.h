/* SPDX-License-Identifier: Apache-2.0 */
/* workspace_apply.h - a tree, a VM's changes of every kind, and an apply that is watched. */
#ifndef TESTS_UNIT_WORKSPACE_APPLY_H
#define TESTS_UNIT_WORKSPACE_APPLY_H

#include "workspace.h"

#include <signal.h>
#include <sys/ptrace.h>

#include "workspace/commit.h"
#include "workspace/journal.h"

struct all {
	struct workspace *ws;
	struct stage *stage;
	struct changes *changes;
	struct apply_result result;
	struct ironclaw_error err;
};

__attribute__((unused)) static void all_done(struct all *all)
{
	changes_free(all->changes);
	stage_free(all->stage);
	workspace_free(all->ws);
}

__attribute__((unused)) static void make_tree(void)
{
	host_file("edit", "old content\n");
	host_file("keep", "kept\n");
	host_file("gone", "goes\n");
	host_file("mode", "#!/bin/sh\n");
	host_dir("dir");
	host_file("dir/a", "a\n");
	host_file("dir/b", "b\n");
	host_dir("out");
	host_dir("out/deep");
	host_file("out/deep/x", "x\n");
	host_file("out/y", "y\n");
	host_dir("tofile");
	host_file("tofile/z", "z\n");
	host_file("todir", "was a file\n");
	host_link("link", "keep");
	host_dir("closed");
}

/* One of each kind. */
__attribute__((unused)) static void make_changes(void)
{
	guest_dir("closed", 0555);
	guest_dir("dir", 0755);
	guest_deleted("dir/a");
	guest_file("edit", "new content\n", 0644);
	guest_deleted("gone");
	guest_link("link", "edit");
	guest_file("mode", "#!/bin/sh\n", 0755);
	guest_dir("new", 0500);
	guest_dir("new/below", 0755);
	guest_file("new/below/file", "new\n", 04755);
	guest_link("new/link", "below/file");
	guest_deleted("out");
	guest_dir("todir", 0755);
	guest_file("todir/inside", "inside\n", 0600);
	guest_file("tofile", "is a file\n", 0644);
}

__attribute__((unused)) static void begin(struct all *all)
{
	memset(all, 0, sizeof(*all));
	all->ws = opened(NULL);
	(void)close(sent(all->ws));
	make_changes();
	all->stage = received();
	all->changes = compared(all->ws, all->stage);
}

__attribute__((unused)) static int apply(struct all *all)
{
	uint8_t digest[DIGEST_B];

	changes_digest(all->changes, digest);
	return apply_changes(all->changes, digest, &all->result, &all->err);
}

__attribute__((unused)) static void check_new_tree(void)
{
	host_is("edit", "new content\n");
	host_is("keep", "kept\n");
	assert_false(host_has("gone"));
	assert_int_equal(host_mode("mode"), 0755);
	assert_false(host_has("dir/a"));
	host_is("dir/b", "b\n");
	assert_false(host_has("out"));
	host_is("tofile", "is a file\n");
	host_is("todir/inside", "inside\n");
	assert_int_equal(host_mode("todir/inside"), 0600);
	assert_int_equal(host_mode("closed"), 0555);
	assert_int_equal(host_mode("new"), 0500);
	host_is("new/below/file", "new\n");
	/* A10: setuid is dropped */
	assert_int_equal(host_mode("new/below/file"), 0755);
	assert_false(host_has(JOURNAL_DIR));
}

__attribute__((unused)) static size_t index_of(const struct changes *changes, const char *path)
{
	for (size_t i = 0; i < changes->n; i++) {
		if (strcmp(changes->changes[i].path, path) == 0)
			return i;
	}
	fail_msg("no change of %s", path);
	return 0;
}

/* Runs @work in a child that is killed at its @at-th stop at a system call. Return: it ended first
 */
__attribute__((unused)) static bool killed_at(unsigned long at, void (*work)(void *), void *ctx)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		(void)ptrace(PTRACE_TRACEME, 0, 0, 0);
		(void)raise(SIGSTOP);
		work(ctx);
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	for (unsigned long i = 0; i < at; i++) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, 0, 0), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status)) {
			assert_int_equal(WEXITSTATUS(status), 0);
			return true;
		}
		assert_true(WIFSTOPPED(status));
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	return false;
}

/* The name of the journal that was put aside, or "". */
__attribute__((unused)) static void find_rescued(char ret[64])
{
	cleanup_closedir DIR *dir = opendir(folder);

	assert_non_null(dir);
	ret[0] = '\0';
	for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		if (strncmp(e->d_name, COMMIT_RESCUED, sizeof(COMMIT_RESCUED) - 1) == 0)
			(void)snprintf(ret, 64, "%.63s", e->d_name);
	}
}

/* The sentence must name the file that has @text. */
__attribute__((unused)) static void rescued_is(const char *sentence, const char *path,
					       const char *text)
{
	char name[64], start[160], file[96];
	const char *at;

	find_rescued(name);
	assert_string_not_equal(name, "");
	(void)snprintf(start, sizeof(start), "the content of '%s' is '%s/", path, name);
	at = strstr(sentence, start);
	if (!at)
		fail_msg("'%s' is not in: %s", start, sentence);
	(void)snprintf(file, sizeof(file), "%s/%lu", name, strtoul(at + strlen(start), NULL, 10));
	host_is(file, text);
	assert_false(host_has(JOURNAL_DIR));
}

/* Runs an apply in a child, and @act once "gone" is in the journal. Return: how the child ended */
__attribute__((unused)) static int raced(void (*work)(void *), void *ctx, void (*act)(void *),
					 void *act_ctx)
{
	bool done = false;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		(void)ptrace(PTRACE_TRACEME, 0, 0, 0);
		(void)raise(SIGSTOP);
		work(ctx);
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	while (!WIFEXITED(status)) {
		assert_true(WIFSTOPPED(status));
		if (!done && !host_has("gone")) {
			done = true;
			act(act_ctx);
		}
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, 0, 0), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	assert_true(done);
	return WEXITSTATUS(status);
}

#endif
