/* SPDX-License-Identifier: Apache-2.0 */
/* test_workspace_apply.c - workspace/workspace.h: changes onto the host, all or nothing. */
#include <signal.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "workspace.h"

#include "audit/verify.h"
#include "workspace/commit.h"
#include "workspace/gated.h"
#include "workspace/journal.h"

struct all {
	struct workspace *ws;
	struct stage *stage;
	struct changes *changes;
	struct apply_result result;
	struct ironclaw_error err;
};

static void all_done(struct all *all)
{
	changes_free(all->changes);
	stage_free(all->stage);
	workspace_free(all->ws);
}

static void make_tree(void)
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
static void make_changes(void)
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

static void begin(struct all *all)
{
	memset(all, 0, sizeof(*all));
	all->ws = opened(NULL);
	(void)close(sent(all->ws));
	make_changes();
	all->stage = received();
	all->changes = compared(all->ws, all->stage);
}

static int apply(struct all *all)
{
	uint8_t digest[DIGEST_B];

	changes_digest(all->changes, digest);
	return apply_changes(all->changes, digest, &all->result, &all->err);
}

static void check_new_tree(void)
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

static void test_applies_all(void **state)
{
	cleanup(all_done) struct all all;

	(void)state;
	make_tree();
	begin(&all);
	assert_int_equal(all.changes->n, 18);
	if (apply(&all) < 0)
		fail_msg("%s", all.err.text);
	assert_int_equal(all.result.applied, 18);
	check_new_tree();
}

static void test_wants_the_approved_selection(void **state)
{
	cleanup(all_done) struct all all;
	uint8_t digest[DIGEST_B], before[DIGEST_B], after[DIGEST_B];

	(void)state;
	make_tree();
	begin(&all);
	tree_digest(before);
	changes_digest(all.changes, digest);
	changes_select(all.changes, 0, false);
	assert_int_equal(apply_changes(all.changes, digest, &all.result, &all.err), -EPERM);
	changes_select_all(all.changes, true);
	digest[31] ^= 1;
	assert_int_equal(apply_changes(all.changes, digest, &all.result, &all.err), -EPERM);
	tree_digest(after);
	assert_memory_equal(before, after, DIGEST_B);
	digest[31] ^= 1;
	assert_int_equal(apply_changes(all.changes, digest, &all.result, &all.err), 0);
}

static size_t index_of(const struct changes *changes, const char *path)
{
	for (size_t i = 0; i < changes->n; i++) {
		if (strcmp(changes->changes[i].path, path) == 0)
			return i;
	}
	fail_msg("no change of %s", path);
	return 0;
}

static void test_selects_what_belongs_together(void **state)
{
	cleanup(all_done) struct all all;
	struct changes *c;

	(void)state;
	make_tree();
	begin(&all);
	c = all.changes;
	changes_select_all(c, false);
	/* With a file come its new folders. */
	changes_select(c, index_of(c, "new/below/file"), true);
	assert_true(c->changes[index_of(c, "new/below")].selected);
	assert_true(c->changes[index_of(c, "new")].selected);
	assert_false(c->changes[index_of(c, "new/link")].selected);
	/* With a folder that goes come all beneath. */
	changes_select(c, index_of(c, "out"), true);
	assert_true(c->changes[index_of(c, "out/deep/x")].selected);
	/* What stays keeps its folder, but not its neighbours. */
	changes_select(c, index_of(c, "out/deep/x"), false);
	assert_false(c->changes[index_of(c, "out")].selected);
	assert_false(c->changes[index_of(c, "out/deep")].selected);
	assert_true(c->changes[index_of(c, "out/y")].selected);
	changes_select(c, index_of(c, "tofile"), true);
	assert_true(c->changes[index_of(c, "tofile/z")].selected);
	assert_int_equal(apply(&all), 0);
	host_is("out/deep/x", "x\n");
	assert_false(host_has("out/y"));
	host_is("new/below/file", "new\n");
	assert_false(host_has("new/link"));
	host_is("edit", "old content\n");
	host_is("tofile", "is a file\n");
}

/* W02: each is refused, nothing is changed, and without it the same is applied. */
static void test_refuses_what_changed_on_the_host(void **state)
{
	static const char *const what[] = {"edit", "edit-same-size", "gone", "new",  "type",
					   "mode", "parent",	     "full", "link", "fifo"};

	(void)state;
	for (size_t i = 0; i < sizeof(what) / sizeof(what[0]); i++) {
		cleanup(all_done) struct all all;
		uint8_t before[DIGEST_B], after[DIGEST_B];
		int r;

		make_tree();
		begin(&all);
		switch (i) {
		case 0:
			host_file("edit", "by somebody else\n");
			break;
		case 1:
			host_file("edit", "OLD CONTENT\n");
			break;
		case 2:
			assert_int_equal(unlinkat(root, "gone", 0), 0);
			break;
		case 3:
			host_file("new", "there already\n");
			break;
		case 4:
			assert_int_equal(unlinkat(root, "edit", 0), 0);
			host_dir("edit");
			break;
		case 5:
			assert_int_equal(fchmodat(root, "edit", 0600, 0), 0);
			break;
		case 6:
			assert_int_equal(renameat(root, "dir", root, "dir2"), 0);
			host_link("dir", "dir2");
			break;
		case 7:
			host_file("out/deep/unseen", "not in the copy\n");
			break;
		case 8:
			assert_int_equal(unlinkat(root, "link", 0), 0);
			host_link("link", "/etc/passwd");
			break;
		default:
			assert_int_equal(unlinkat(root, "edit", 0), 0);
			assert_int_equal(mkfifoat(root, "edit", 0600), 0);
			break;
		}
		if (i < 9)
			tree_digest(before);
		r = apply(&all);
		if (r != -ESTALE)
			fail_msg("%s: %d %s", what[i], r, all.err.text);
		assert_true(all.result.n_conflicts >= 1);
		assert_int_equal(all.result.applied, 0);
		if (i < 9) {
			tree_digest(after);
			assert_memory_equal(before, after, DIGEST_B);
		}
		assert_false(host_has(JOURNAL_DIR));
		assert_int_equal(remove_top(NULL), 0);
		assert_int_equal(make_top(NULL), 0);
	}
}

static void test_a_touch_is_no_change(void **state)
{
	cleanup(all_done) struct all all;

	(void)state;
	make_tree();
	begin(&all);
	/* Other times and another inode, but the same content. */
	host_file("edit2", "old content\n");
	assert_int_equal(renameat(root, "edit2", root, "edit"), 0);
	assert_int_equal(apply(&all), 0);
	check_new_tree();
}

/* W05: another name of the file keeps the old content. */
static void test_hard_links(void **state)
{
	cleanup(all_done) struct all all;
	char outside[128];
	cleanup_free char *text = NULL;
	size_t len;

	(void)state;
	make_tree();
	(void)snprintf(outside, sizeof(outside), "%s/outside", top);
	assert_int_equal(linkat(root, "edit", AT_FDCWD, outside, 0), 0);
	begin(&all);
	assert_int_equal(apply(&all), 0);
	assert_int_equal(all.result.n_relinked, 1);
	host_is("edit", "new content\n");
	assert_int_equal(file_read_bounded(AT_FDCWD, outside, 100, &text, &len), 0);
	assert_string_equal(text, "old content\n");
}

static void test_owner_is_kept(void **state)
{
	cleanup(all_done) struct all all;
	struct stat st;

	(void)state;
	if (geteuid() != 0)
		skip();
	make_tree();
	assert_int_equal(fchown(root, 1234, 1235), 0);
	assert_int_equal(fchownat(root, "edit", 2345, 2346, 0), 0);
	begin(&all);
	assert_int_equal(apply(&all), 0);
	assert_int_equal(fstatat(root, "edit", &st, 0), 0);
	assert_int_equal(st.st_uid, 2345);
	assert_int_equal(st.st_gid, 2346);
	assert_int_equal(fstatat(root, "new/below/file", &st, 0), 0);
	assert_int_equal(st.st_uid, 1234);
	assert_int_equal(fstatat(root, "new/link", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_uid, 1234);
}

/* W01: what lies in the stage is exchanged after the card was shown. */
static void test_the_stage_is_held_against_the_card(void **state)
{
	cleanup(all_done) struct all all;
	uint8_t before[DIGEST_B], after[DIGEST_B];
	int fd;

	(void)state;
	make_tree();
	begin(&all);
	tree_digest(before);
	fd = openat(all.stage->dir_fd, "0", O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "N", 1, 0), 1);
	(void)close(fd);
	assert_int_equal(apply(&all), -EBADMSG);
	tree_digest(after);
	assert_memory_equal(before, after, DIGEST_B);
	assert_false(host_has(JOURNAL_DIR));
}

static void test_foreign_journals(void **state)
{
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
	struct journal journal = {.n = 0};
	cleanup_free uint8_t *record = NULL;
	uint8_t other[WORKSPACE_KEY_B] = "somebody else's";
	struct stat st;
	size_t len;

	(void)state;
	make_tree();
	/* Left behind before the decision: goes. */
	assert_int_equal(mkdirat(root, JOURNAL_DIR, 0700), 0);
	host_file(JOURNAL_DIR "/0", "half\n");
	assert_int_equal(workspace_recover(root, key, &err), 0);
	assert_false(host_has(JOURNAL_DIR));

	/* Comes with a repository. */
	assert_int_equal(mkdirat(root, JOURNAL_DIR, 0700), 0);
	host_file(JOURNAL_DIR "/0", "evil\n");
	assert_int_equal(fstat(root, &st), 0);
	journal.root_ino = st.st_ino;
	assert_int_equal(fstatat(root, JOURNAL_DIR, &st, 0), 0);
	journal.dir_ino = st.st_ino;
	assert_int_equal(fstatat(root, JOURNAL_DIR "/0", &st, 0), 0);
	assert_int_equal(journal_add(&journal,
				     &(struct journal_op){.kind = JOURNAL_PUT,
							  .new_ino = st.st_ino,
							  .path = (char *)(uintptr_t) "put"}),
			 0);
	for (int i = 0; i < 3; i++) {
		/* another key, another place, and the control */
		journal.dir_ino += i == 1;
		assert_int_equal(journal_encode(&journal, i == 0 ? other : key, &record, &len), 0);
		journal.dir_ino -= i == 1;
		assert_int_equal(file_write_atomic(root, JOURNAL_DIR "/record", record, len, 0600),
				 0);
		assert_int_equal(workspace_recover(root, key, &err), i < 2 ? -EBADMSG : 0);
		assert_int_equal(host_has("put"), i == 2);
		free(record);
		record = NULL;
	}
	assert_false(host_has(JOURNAL_DIR));
	journal_done(&journal);

	/* One that others may write. */
	assert_int_equal(mkdirat(root, JOURNAL_DIR, 0700), 0);
	assert_int_equal(fchmodat(root, JOURNAL_DIR, 0777, 0), 0);
	assert_int_equal(workspace_recover(root, key, &err), -EBADMSG);
	assert_int_equal(unlinkat(root, JOURNAL_DIR, AT_REMOVEDIR), 0);
	/* A link. */
	host_link(JOURNAL_DIR, "dir");
	assert_true(workspace_recover(root, key, &err) < 0);
	host_is("dir/a", "a\n");
}

static void test_record_all_or_nothing(void **state)
{
	struct journal journal = {.root_ino = 1, .dir_ino = 2}, back = {.n = 0};
	cleanup_free uint8_t *record = NULL;
	size_t len;

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(
			journal_add(&journal,
				    &(struct journal_op){.kind = JOURNAL_SWAP,
							 .number = i,
							 .path = (char *)(uintptr_t) "a/b"}),
			0);
	assert_int_equal(journal_encode(&journal, key, &record, &len), 0);
	for (size_t n = 0; n < len; n++)
		assert_int_equal(journal_decode(record, n, key, &back), -EBADMSG);
	for (size_t i = 0; i < len; i++) {
		record[i] ^= 1;
		assert_int_equal(journal_decode(record, len, key, &back), -EBADMSG);
		record[i] ^= 1;
	}
	assert_int_equal(journal_decode(record, len, key, &back), 0);
	assert_int_equal(back.n, 3);
	assert_string_equal(back.ops[2].path, "a/b");
	journal_done(&back);
	journal_done(&journal);
}

/* Runs @work in a child that is killed at its @at-th stop at a system call. Return: it ended first
 */
static bool killed_at(unsigned long at, void (*work)(void *), void *ctx)
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

static void work_apply(void *ctx)
{
	if (apply(ctx) < 0)
		_exit(1);
}

static void work_recover(void *ctx)
{
	(void)ctx;
	if (workspace_recover(root, key, NULL) < 0)
		_exit(1);
}

static struct killing {
	uint8_t old_tree[DIGEST_B], new_tree[DIGEST_B];
	unsigned int olds, news, kills;
} killing;

static void check_either_tree(unsigned long at)
{
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
	uint8_t tree[DIGEST_B];

	if (workspace_recover(root, key, &err) < 0)
		fail_msg("after a kill at %lu: %s", at, err.text);
	tree_digest(tree);
	if (memcmp(tree, killing.old_tree, DIGEST_B) == 0)
		killing.olds++;
	else if (memcmp(tree, killing.new_tree, DIGEST_B) == 0)
		killing.news++;
	else
		fail_msg("a mixture after a kill at %lu", at);
	/* Once more changes nothing. */
	assert_int_equal(workspace_recover(root, key, &err), 0);
	tree_digest(killing.news && memcmp(tree, killing.new_tree, DIGEST_B) == 0
			    ? killing.new_tree
			    : killing.old_tree);
	assert_false(host_has(JOURNAL_DIR));
}

/*
 * W11: a kill after every system call (a process stops on the way in and on the way out of each),
 * and for every fifth a second kill, of the recovery.
 */
static void test_kill_at_every_call(void **state)
{
	bool ended = false;

	(void)state;
	memset(&killing, 0, sizeof(killing));
	for (int i = 0; i < 2; i++) {
		cleanup(all_done) struct all all;

		make_tree();
		begin(&all);
		if (i == 1)
			assert_int_equal(apply(&all), 0);
		tree_digest(i == 0 ? killing.old_tree : killing.new_tree);
		assert_int_equal(remove_top(NULL), 0);
		assert_int_equal(make_top(NULL), 0);
	}
	for (unsigned long at = 2; !ended; at += 2) {
		cleanup(all_done) struct all all;

		make_tree();
		begin(&all);
		ended = killed_at(at, work_apply, &all);
		killing.kills += !ended;
		if (at % 5 == 0 && !killed_at(at % 97, work_recover, NULL))
			killing.kills++;
		check_either_tree(at);
		assert_int_equal(remove_top(NULL), 0);
		assert_int_equal(make_top(NULL), 0);
	}
	print_message("%u kills: %u times the old tree, %u times the new one\n", killing.kills,
		      killing.olds, killing.news);
	assert_true(killing.kills >= 200 && killing.olds > 20 && killing.news > 20);
}

/* The name of the journal that was put aside, or "". */
static void find_rescued(char ret[64])
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
static void rescued_is(const char *sentence, const char *path, const char *text)
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

/* Exchanges the folder "dir" with a link to outside, as fast as it can, until it is killed. */
static void exchange_for_ever(void)
{
	for (;;) {
		(void)renameat2(root, "dir", root, "evil", RENAME_EXCHANGE);
		(void)renameat2(root, "dir", root, "evil", RENAME_EXCHANGE);
	}
}

/* W03, W04: nothing outside is touched, however the race ends. */
static void test_race_of_a_link(void **state)
{
	unsigned int applied = 0, refused = 0, rescued = 0;

	(void)state;
	for (int i = 0; i < 60; i++) {
		cleanup(all_done) struct all all;
		cleanup_free char *text = NULL;
		char outside[128], path[160];
		size_t len;
		pid_t pid;
		int r;

		make_tree();
		(void)snprintf(outside, sizeof(outside), "%s/outside", top);
		assert_int_equal(mkdir(outside, 0777), 0);
		(void)snprintf(path, sizeof(path), "%s/a", outside);
		assert_int_equal(file_write_atomic(AT_FDCWD, path, "canary", 6, 0644), 0);
		begin(&all);
		host_link("evil", outside);
		pid = fork();
		if (pid == 0)
			exchange_for_ever();
		r = apply(&all);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		assert_true(r == 0 || r == -ESTALE || r == -ENOTRECOVERABLE);
		if (r == -ENOTRECOVERABLE)
			rescued_is(all.err.text, "dir/a", "a\n");
		rescued += r == -ENOTRECOVERABLE;
		applied += r == 0;
		refused += r != 0;
		assert_int_equal(file_read_bounded(AT_FDCWD, path, 100, &text, &len), 0);
		assert_string_equal(text, "canary");
		assert_false(host_has(JOURNAL_DIR));
		assert_int_equal(remove_top(NULL), 0);
		assert_int_equal(make_top(NULL), 0);
	}
	print_message("%u applied, %u refused, %u of them rescued\n", applied, refused, rescued);
	assert_true(refused > 0);
}

struct race {
	struct all all;
	char *sentence; /* shared with the child */
};

static void work_raced_apply(void *ctx)
{
	struct race *race = ctx;
	int r = apply(&race->all);

	(void)snprintf(race->sentence, 1024, "%s", race->all.err.text);
	_exit(r == -ENOTRECOVERABLE ? 0 : r == -ESTALE ? 1 : 2);
}

static void take_edit(void *ctx)
{
	(void)ctx;
	host_file("other", "edited by somebody\n");
	assert_int_equal(renameat(root, "other", root, "edit"), 0);
}

static void take_edit_and_gone(void *ctx)
{
	take_edit(ctx);
	host_file("gone", "made by somebody\n");
}

/* Runs an apply in a child, and @act once "gone" is in the journal. Return: how the child ended */
static int raced(void (*work)(void *), void *ctx, void (*act)(void *), void *act_ctx)
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

/* What somebody's new file keeps from going back is not lost. */
static void test_race_of_a_name(void **state)
{
	char *sentence =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(sentence, MAP_FAILED);
	for (int take_name = 0; take_name < 2; take_name++) {
		struct race race = {.sentence = sentence};
		struct workspace *ws;
		char name[64];

		make_tree();
		begin(&race.all);
		assert_int_equal(raced(work_raced_apply, &race,
				       take_name ? take_edit_and_gone : take_edit, NULL),
				 take_name ? 0 : 1);
		host_is("edit", "edited by somebody\n");
		host_is("out/deep/x", "x\n");
		host_is("dir/a", "a\n");
		assert_false(host_has("new"));
		assert_false(host_has(JOURNAL_DIR));
		if (take_name) {
			host_is("gone", "made by somebody\n");
			rescued_is(sentence, "gone", "goes\n");
		} else {
			host_is("gone", "goes\n");
			find_rescued(name);
			assert_string_equal(name, "");
		}
		/* It stands in nobody's way, and no VM sees it. */
		ws = opened(NULL);
		for (size_t i = 0; i < ws->base.n; i++)
			assert_null(strstr(ws->base.entries[i].path, "rescued"));
		workspace_free(ws);
		all_done(&race.all);
		assert_int_equal(remove_top(NULL), 0);
		assert_int_equal(make_top(NULL), 0);
	}
	assert_int_equal(munmap(sentence, 4096), 0);
}

static uint64_t host_inode(const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_ino;
}

static void add_op(struct journal *journal, enum journal_kind kind, const char *path,
		   uint64_t old_ino, uint64_t new_ino)
{
	const struct journal_op op = {.kind = kind,
				      .number = (uint32_t)journal->n,
				      .old_ino = old_ino,
				      .new_ino = new_ino,
				      .path = (char *)(uintptr_t)path};

	assert_int_equal(journal_add(journal, &op), 0);
}

/* A killed apply: "a" was taken, "b" exchanged, and somebody's link is where "c" was. */
static void leave_journal(void)
{
	struct journal journal = {.n = 0};
	cleanup_free uint8_t *record = NULL;
	size_t len;

	assert_int_equal(mkdirat(root, JOURNAL_DIR, 0700), 0);
	host_file(JOURNAL_DIR "/0", "old a\n");
	host_file(JOURNAL_DIR "/1", "old b\n");
	host_file("b", "new b\n");
	host_link("c", "b");
	journal.root_ino = host_inode(".");
	journal.dir_ino = host_inode(JOURNAL_DIR);
	add_op(&journal, JOURNAL_TAKE, "a", host_inode(JOURNAL_DIR "/0"), 0);
	add_op(&journal, JOURNAL_SWAP, "b", host_inode(JOURNAL_DIR "/1"), host_inode("b"));
	add_op(&journal, JOURNAL_TAKE, "c", 1, 0);
	assert_int_equal(journal_encode(&journal, key, &record, &len), 0);
	assert_int_equal(file_write_atomic(root, JOURNAL_DIR "/record", record, len, 0600), 0);
	journal_done(&journal);
}

static void test_recovery_loses_nothing(void **state)
{
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
	char name[64];

	(void)state;
	/* The control: all goes back. */
	leave_journal();
	assert_int_equal(workspace_recover(root, key, &err), 0);
	host_is("a", "old a\n");
	host_is("b", "old b\n");
	find_rescued(name);
	assert_string_equal(name, "");
	assert_false(host_has(JOURNAL_DIR));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(remove_top(NULL), 0);
		assert_int_equal(make_top(NULL), 0);
		leave_journal();
		/* Of a file that was taken, and of one that was exchanged. */
		host_file("somebody", "somebody's\n");
		assert_int_equal(renameat(root, "somebody", root, i ? "b" : "a"), 0);
		assert_int_equal(workspace_recover(root, key, &err), -ENOTRECOVERABLE);
		rescued_is(err.text, i ? "b" : "a", i ? "old b\n" : "old a\n");
		host_is(i ? "b" : "a", "somebody's\n");
		host_is(i ? "a" : "b", i ? "old a\n" : "old b\n");
		/* Said once; then the workspace can be used again. */
		assert_int_equal(workspace_recover(root, key, &err), 0);
	}
}

/* A file that is written to while it is exchanged: its writer loses nothing. */
static void test_race_of_a_writer(void **state)
{
	unsigned int refused = 0;

	(void)state;
	for (int i = 0; i < 40; i++) {
		cleanup(all_done) struct all all;
		uint8_t before[DIGEST_B], after[DIGEST_B];
		pid_t pid;
		int r;

		make_tree();
		begin(&all);
		tree_digest(before);
		pid = fork();
		if (pid == 0) {
			/* Old content, other times: what is checked right before the exchange. */
			for (;;) {
				int fd = openat(root, "edit", O_WRONLY | O_CLOEXEC);

				(void)!write(fd, "old content\n", 12);
				(void)close(fd);
			}
		}
		(void)usleep(1000);
		r = apply(&all);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		assert_true(r == 0 || r == -ESTALE);
		refused += r != 0;
		tree_digest(after);
		if (r != 0)
			assert_memory_equal(before, after, DIGEST_B);
		assert_int_equal(remove_top(NULL), 0);
		assert_int_equal(make_top(NULL), 0);
	}
	assert_true(refused > 0);
}

/* A small file system that is full: the old tree, and nothing left. */
static void test_disk_full(void **state)
{
	struct all all;
	uint8_t before[DIGEST_B], after[DIGEST_B];
	static char big[300 * 1024];

	(void)state;
	if (geteuid() != 0)
		skip();
	close_fd(&root);
	assert_int_equal(mount("tmpfs", folder, "tmpfs", 0, "size=256k"), 0);
	root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	memset(&all, 0, sizeof(all));
	host_file("edit", "old\n");
	all.ws = opened(NULL);
	(void)close(sent(all.ws));
	memset(big, 'x', sizeof(big) - 1);
	guest_file("edit", "new\n", 0644);
	guest_file("new", big, 0644);
	all.stage = received();
	all.changes = compared(all.ws, all.stage);
	tree_digest(before);
	assert_int_equal(apply(&all), -ENOSPC);
	tree_digest(after);
	assert_memory_equal(before, after, DIGEST_B);
	assert_false(host_has(JOURNAL_DIR));
	/* The control. */
	changes_select(all.changes, 1, false);
	assert_int_equal(apply(&all), 0);
	host_is("edit", "new\n");
	all_done(&all);
	close_fd(&root);
	assert_int_equal(umount(folder), 0);
	root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* What the log says of the last apply. */
static void last_outcome(const struct paths *paths, char ret[1024])
{
	struct audit_reader reader;
	char path[sizeof(paths->data) + 16];
	struct audit_summary s;

	ret[0] = '\0';
	(void)snprintf(path, sizeof(path), "%s/audit/log", paths->data);
	reader.in = fopen(path, "re");
	assert_non_null(reader.in);
	while (audit_read_line(&reader) > 0) {
		assert_int_equal(audit_record_describe(reader.line, reader.len, &s), 0);
		/* Each apply has its own, and it comes next. */
		if (strcmp(s.kind, "apply") == 0)
			ret[0] = '\0';
		if (strcmp(s.kind, "outcome") == 0)
			(void)snprintf(ret, 1024, "%s", strstr(s.rest, "target="));
	}
	(void)fclose(reader.in);
}

static int applied_by_gate(struct all *all, const struct approval_gate *gate)
{
	const struct approval_by by = approval_by_caller(APPROVAL_BY_FLAG, "--apply");
	cleanup(gated_changes_free) struct gated_changes gated;
	struct approval_grant grant;

	assert_int_equal(gated_changes_make(all->changes, &gated), 0);
	assert_int_equal(approval_grant(gate, &gated.action, &by, &grant, NULL), 0);
	return gated_apply(gate, &grant, all->changes, &all->result, &all->err);
}

/* The log tells an apply that failed from one that did not. */
static void test_outcome_is_recorded(void **state)
{
	cleanup(all_done) struct all all;
	struct audit_log log;
	struct paths paths;
	const struct approval_gate gate = {.paths = &paths, .log = &log};
	char outcome[1024], wanted[256];

	(void)state;
	(void)snprintf(paths.data, sizeof(paths.data), "%s/data", top);
	(void)snprintf(paths.run, sizeof(paths.run), "%s/run", top);
	assert_int_equal(audit_log_open(&paths, &log, NULL), 0);
	make_tree();
	begin(&all);
	host_file("edit", "by somebody else\n");
	host_file("gone", "by somebody else\n");
	assert_int_equal(applied_by_gate(&all, &gate), -ESTALE);
	last_outcome(&paths, outcome);
	(void)snprintf(wanted, sizeof(wanted), "target=\"%s\" applied=0 conflicts=2 error=%d",
		       folder, IRONCLAW_ERR_BUSY);
	assert_string_equal(outcome, wanted);

	changes_select(all.changes, index_of(all.changes, "edit"), false);
	changes_select(all.changes, index_of(all.changes, "gone"), false);
	assert_int_equal(applied_by_gate(&all, &gate), 0);
	last_outcome(&paths, outcome);
	(void)snprintf(wanted, sizeof(wanted), "target=\"%s\" applied=16", folder);
	assert_string_equal(outcome, wanted);
	assert_int_equal(notices, 0);
	audit_log_close(&log);
}

struct unlogged {
	struct all all;
	const struct approval_gate *gate;
	char *told; /* shared with the child */
};

static void work_unlogged_apply(void *ctx)
{
	struct unlogged *u = ctx;
	int r = applied_by_gate(&u->all, u->gate);

	(void)snprintf(u->told, sizeof(last_notice), "%s", last_notice);
	_exit(r == 0 && notices == 1 && u->all.result.applied == 18 ? 0 : 1);
}

static void cut_log(void *ctx)
{
	assert_int_equal(truncate(ctx, 1), 0);
}

/* The changes are made, so that is what is returned; that the log lacks it is told. */
static void test_unrecorded_outcome_is_told(void **state)
{
	struct audit_log log;
	struct paths paths;
	const struct approval_gate gate = {.paths = &paths, .log = &log};
	char path[sizeof(paths.data) + 16];
	struct unlogged u = {.gate = &gate};

	(void)state;
	u.told = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(u.told, MAP_FAILED);
	(void)snprintf(paths.data, sizeof(paths.data), "%s/data", top);
	(void)snprintf(paths.run, sizeof(paths.run), "%s/run", top);
	(void)snprintf(path, sizeof(path), "%s/audit/log", paths.data);
	assert_int_equal(audit_log_open(&paths, &log, NULL), 0);
	make_tree();
	begin(&u.all);
	assert_int_equal(raced(work_unlogged_apply, &u, cut_log, path), 0);
	check_new_tree();
	assert_non_null(strstr(u.told, "the changes were applied, but the audit log does not"));
	assert_int_equal(munmap(u.told, 4096), 0);
	all_done(&u.all);
	audit_log_close(&log);
}

/* Two at once: one after the other. */
static void test_lock(void **state)
{
	cleanup(all_done) struct all all;
	pid_t pid;
	int status;

	(void)state;
	make_tree();
	begin(&all);
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 200; i++) {
			if (workspace_recover(root, key, NULL) < 0)
				_exit(1);
		}
		_exit(0);
	}
	assert_int_equal(apply(&all), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	check_new_tree();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_top, remove_top)
	const struct CMUnitTest tests[] = {
		TEST(test_applies_all),
		TEST(test_wants_the_approved_selection),
		TEST(test_selects_what_belongs_together),
		TEST(test_refuses_what_changed_on_the_host),
		TEST(test_a_touch_is_no_change),
		TEST(test_hard_links),
		TEST(test_owner_is_kept),
		TEST(test_the_stage_is_held_against_the_card),
		TEST(test_foreign_journals),
		TEST(test_record_all_or_nothing),
		TEST(test_race_of_a_link),
		TEST(test_race_of_a_writer),
		TEST(test_race_of_a_name),
		TEST(test_recovery_loses_nothing),
		TEST(test_disk_full),
		TEST(test_outcome_is_recorded),
		TEST(test_unrecorded_outcome_is_told),
		TEST(test_lock),
		TEST(test_kill_at_every_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
