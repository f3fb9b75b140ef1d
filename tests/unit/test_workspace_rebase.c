/* SPDX-License-Identifier: Apache-2.0 */
/* test_workspace_rebase.c - changes of a VM that lives on after some of them were applied. */
#include "workspace.h"

struct round {
	struct stage *stage;
	struct changes *changes;
	struct base old;
};

static void round_done(struct round *round)
{
	changes_free(round->changes);
	stage_free(round->stage);
	base_done(&round->old);
}

/* What the guest has said by now, against what was sent and applied. */
static void look(struct workspace *ws, struct round *round)
{
	*round = (struct round){.stage = received()};
	round->changes = compared(ws, round->stage);
}

static int try_apply(struct workspace *ws, struct round *round, struct apply_result *result)
{
	struct ironclaw_error err;
	uint8_t digest[DIGEST_B];
	int r;

	changes_digest(round->changes, digest);
	r = apply_changes(round->changes, digest, result, &err);
	if (r == 0)
		assert_int_equal(workspace_rebase(ws, round->changes, &round->old), 0);
	return r;
}

static void apply(struct workspace *ws, struct round *round)
{
	struct apply_result result;

	assert_int_equal(try_apply(ws, round, &result), 0);
}

static void is_only(const struct round *round, enum change_kind kind, const char *path)
{
	assert_int_equal(round->changes->n, 1);
	assert_string_equal(round->changes->changes[0].path, path);
	assert_int_equal(round->changes->changes[0].kind, kind);
}

static struct workspace *begin(void)
{
	struct workspace *ws;

	host_file("edited", "old");
	host_file("gone", "old");
	host_dir("d");
	host_file("d/x", "old");
	host_link("link", "edited");
	ws = opened(NULL);
	(void)close(sent(ws));
	return ws;
}

/* All kinds, as the guest's upper folder has them: it says so each time. */
static void say_all(void)
{
	guest_item(&(struct tar_item){.type = TAR_DIR, .opaque = true, .mode = 0755, .path = "d"});
	guest_file("d/y", "new", 0644);
	guest_file("edited", "new", 0755);
	guest_deleted("gone");
	guest_link("link", "elsewhere");
	guest_dir("made", 0700);
	guest_file("made/m", "new", 0600);
}

static void test_what_was_applied_is_no_change(void **state)
{
	cleanup(round_done) struct round first, second;
	struct workspace *ws = begin();

	(void)state;
	say_all();
	look(ws, &first);
	assert_int_equal(first.changes->n, 7);
	apply(ws, &first);
	/* They can still be shown. */
	assert_string_equal(first.changes->changes[0].path, "d/x");
	assert_int_equal(first.changes->changes[0].before->size, 3);
	say_all();
	look(ws, &second);
	assert_int_equal(second.changes->n, 0);
	host_is("made/m", "new");
	assert_false(host_has("gone"));
	workspace_free(ws);
}

static void test_new_changes_are_found_and_applied(void **state)
{
	cleanup(round_done) struct round first, second, third;
	struct workspace *ws = begin();

	(void)state;
	guest_file("edited", "new", 0644);
	look(ws, &first);
	apply(ws, &first);
	guest_file("edited", "newer", 0644);
	look(ws, &second);
	is_only(&second, CHANGE_EDITED, "edited");
	assert_int_equal(second.changes->changes[0].before->size, 3);
	apply(ws, &second);
	host_is("edited", "newer");
	/* Back to what it was in the copy is a change as well. */
	guest_file("edited", "old", 0644);
	look(ws, &third);
	is_only(&third, CHANGE_EDITED, "edited");
	apply(ws, &third);
	host_is("edited", "old");
	workspace_free(ws);
}

static void test_what_the_vm_made_and_removed_again_goes(void **state)
{
	cleanup(round_done) struct round first, second, third;
	struct workspace *ws = begin();

	(void)state;
	guest_dir("made", 0755);
	guest_file("made/m", "new", 0644);
	look(ws, &first);
	apply(ws, &first);
	/* Not a word about it: the copy never had it. What the copy had is as it was. */
	look(ws, &second);
	assert_int_equal(second.changes->n, 2);
	assert_int_equal(second.changes->changes[0].kind, CHANGE_DELETED);
	assert_int_equal(second.changes->changes[1].kind, CHANGE_DELETED);
	apply(ws, &second);
	assert_false(host_has("made"));
	look(ws, &third);
	assert_int_equal(third.changes->n, 0);
	host_is("edited", "old");
	workspace_free(ws);
}

static void test_what_came_back_is_new(void **state)
{
	cleanup(round_done) struct round first, second, third;
	struct workspace *ws = begin();

	(void)state;
	guest_deleted("gone");
	look(ws, &first);
	apply(ws, &first);
	guest_file("gone", "back", 0644);
	look(ws, &second);
	is_only(&second, CHANGE_CREATED, "gone");
	apply(ws, &second);
	host_is("gone", "back");
	guest_deleted("gone");
	look(ws, &third);
	is_only(&third, CHANGE_DELETED, "gone");
	workspace_free(ws);
}

static void test_what_was_not_chosen_stays_a_change(void **state)
{
	cleanup(round_done) struct round first, second;
	struct workspace *ws = begin();

	(void)state;
	say_all();
	look(ws, &first);
	changes_select_all(first.changes, false);
	changes_select(first.changes, 2, true);
	assert_string_equal(first.changes->changes[2].path, "edited");
	apply(ws, &first);
	say_all();
	look(ws, &second);
	assert_int_equal(second.changes->n, 6);
	for (size_t i = 0; i < second.changes->n; i++)
		assert_string_not_equal(second.changes->changes[i].path, "edited");
	workspace_free(ws);
}

/* @path: of "edited" (sent) or "made" (applied before) */
static void check_conflict(const char *path)
{
	cleanup(round_done) struct round first, second;
	struct apply_result result;
	struct workspace *ws = begin();

	guest_file("edited", "new", 0644);
	guest_file("made", "new", 0644);
	look(ws, &first);
	apply(ws, &first);
	/* Of the same length, at once after the apply. */
	host_file(path, "hos");
	guest_file("edited", "n3w", 0644);
	guest_file("made", "n3w", 0644);
	look(ws, &second);
	assert_int_equal(second.changes->n, 2);
	assert_int_equal(try_apply(ws, &second, &result), -ESTALE);
	assert_int_equal(result.n_conflicts, 1);
	assert_string_equal(result.conflicts[0].change->path, path);
	host_is(path, "hos");
	workspace_free(ws);
}

static void test_a_conflict_with_an_edited_file(void **state)
{
	(void)state;
	check_conflict("edited");
}

static void test_a_conflict_with_a_made_file(void **state)
{
	(void)state;
	check_conflict("made");
}

static void test_a_file_that_became_a_folder(void **state)
{
	cleanup(round_done) struct round first, second;
	struct workspace *ws = begin();

	(void)state;
	guest_item(&(
		struct tar_item){.type = TAR_DIR, .opaque = true, .mode = 0755, .path = "edited"});
	guest_file("edited/in", "x", 0644);
	look(ws, &first);
	apply(ws, &first);
	host_is("edited/in", "x");
	guest_deleted("edited");
	look(ws, &second);
	assert_int_equal(second.changes->n, 2);
	apply(ws, &second);
	assert_false(host_has("edited"));
	workspace_free(ws);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_top, remove_top)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_was_applied_is_no_change),
		TEST(test_new_changes_are_found_and_applied),
		TEST(test_what_the_vm_made_and_removed_again_goes),
		TEST(test_what_came_back_is_new),
		TEST(test_what_was_not_chosen_stays_a_change),
		TEST(test_a_conflict_with_an_edited_file),
		TEST(test_a_conflict_with_a_made_file),
		TEST(test_a_file_that_became_a_folder),
	};

	return sodium_init() < 0
		       ? 1
		       : cmocka_run_group_tests_name("workspace_rebase", tests, NULL, NULL);
}
