/* SPDX-License-Identifier: Apache-2.0 */
/* test_workspace_journal.c - workspace/journal.h, and what is made of a journal that was left. */
#include "workspace_apply.h"

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

static struct stat host_stat(const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st;
}

/* @old, @new: where what is taken and put lies now; or NULL */
static void add_op(struct journal *journal, enum journal_kind kind, const char *path,
		   const char *old, const char *new)
{
	struct journal_op op = {.kind = kind,
				.number = (uint32_t)journal->n,
				.old_ino = 1,
				.path = (char *)(uintptr_t)path};
	struct stat st;

	if (old) {
		st = host_stat(old);
		op.old_ino = st.st_ino;
		op.old_size = (uint64_t)st.st_size;
		op.old_mtime_ns = st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	}
	if (new) {
		st = host_stat(new);
		op.new_ino = st.st_ino;
		op.new_size = (uint64_t)st.st_size;
		op.new_mtime_ns = st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	}
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
	journal.root_ino = host_stat(".").st_ino;
	journal.dir_ino = host_stat(JOURNAL_DIR).st_ino;
	add_op(&journal, JOURNAL_TAKE, "a", JOURNAL_DIR "/0", NULL);
	add_op(&journal, JOURNAL_SWAP, "b", JOURNAL_DIR "/1", "b");
	add_op(&journal, JOURNAL_TAKE, "c", NULL, NULL);
	assert_int_equal(journal_encode(&journal, key, &record, &len), 0);
	assert_int_equal(file_write_atomic(root, JOURNAL_DIR "/record", record, len, 0600), 0);
	journal_done(&journal);
}

/* A kill after every call of a recovery that takes an apply back. */
static void test_kill_of_an_undo(void **state)
{
	bool ended = false;

	(void)state;
	for (unsigned long at = 2; !ended; at++) {
		struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};

		leave_journal();
		ended = killed_at(at, work_recover, NULL);
		if (workspace_recover(root, key, &err) < 0)
			fail_msg("after a kill at %lu: %s", at, err.text);
		host_is("a", "old a\n");
		host_is("b", "old b\n");
		assert_true(S_ISLNK(host_stat("c").st_mode));
		assert_false(host_has(JOURNAL_DIR));
		assert_int_equal(remove_top(NULL), 0);
		assert_int_equal(make_top(NULL), 0);
	}
}

/* Left after the decision was carried out, or never taken: nothing says what it was. */
static void test_a_folder_that_cannot_go(void **state)
{
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
	char name[64], path[96];

	(void)state;
	assert_int_equal(mkdirat(root, JOURNAL_DIR, 0700), 0);
	host_dir(JOURNAL_DIR "/3");
	host_file(JOURNAL_DIR "/3/late", "somebody's\n");
	host_file(JOURNAL_DIR "/4", "old\n");
	assert_int_equal(workspace_recover(root, key, &err), -ENOTRECOVERABLE);
	find_rescued(name);
	(void)snprintf(path, sizeof(path), "it is in '%s/3'", name);
	assert_non_null(strstr(err.text, path));
	(void)snprintf(path, sizeof(path), "%s/3/late", name);
	host_is(path, "somebody's\n");
	(void)snprintf(path, sizeof(path), "%s/4", name);
	assert_false(host_has(path));
	assert_false(host_has(JOURNAL_DIR));
	assert_int_equal(workspace_recover(root, key, &err), 0);
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
		TEST(test_foreign_journals),
		TEST(test_record_all_or_nothing),
		TEST(test_kill_at_every_call),
		TEST(test_recovery_loses_nothing),
		TEST(test_kill_of_an_undo),
		TEST(test_a_folder_that_cannot_go),
		TEST(test_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
