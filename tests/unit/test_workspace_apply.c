/* SPDX-License-Identifier: Apache-2.0 */
/* test_workspace_apply.c - workspace/workspace.h: changes onto the host, all or nothing. */
#include "workspace_apply.h"

#include <sys/mount.h>

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
		TEST(test_disk_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
