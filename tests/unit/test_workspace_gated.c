/* SPDX-License-Identifier: Apache-2.0 */
/* test_workspace_gated.c - workspace/gated.h: what the audit log says of an apply. */
#include "workspace_apply.h"

#include "audit/verify.h"
#include "workspace/gated.h"

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

/* --- the property: no effect on the folder without an approval of exactly it --- */

#define ROUNDS 60

/* Names, targets and contents as a VM would have them taken for an answer; in the order of bytes.
 */
static const char *const said[] = {"\x1b]52;c;eWVz\x07",
				   "-rf",
				   "0123456789abcdef0123456789abcdef.grant",
				   "APPROVAL_ALLOW",
				   "approved",
				   "policy.json",
				   "y",
				   "yes\n",
				   "{\"approved\":true}"};
#define SAID (sizeof(said) / sizeof(said[0]))

static unsigned int seed = 11;

static unsigned int pick(unsigned int n)
{
	return (unsigned int)rand_r(&seed) % n;
}

static void make_said_tree(void)
{
	for (size_t i = 0; i < SAID; i++) {
		if (pick(2))
			host_file(said[i], said[pick(SAID)]);
	}
}

static void make_said_changes(void)
{
	for (size_t i = 0; i < SAID; i++) {
		switch (pick(4)) {
		case 0:
			guest_file(said[i], said[pick(SAID)], pick(2) ? 0755 : 0644);
			break;
		case 1:
			guest_link(said[i], pick(2) ? "/etc/passwd" : said[pick(SAID)]);
			break;
		case 2:
			if (host_has(said[i]))
				guest_deleted(said[i]);
			break;
		default:
			break;
		}
	}
}

enum attempt { BY_WORDS, BY_POLICY, AGAIN, OF_ANOTHER, OF_ANOTHER_STAGE, APPROVED, ATTEMPTS };

static void spoil_stage(const struct all *all)
{
	int fd = openat(all->stage->dir_fd, "0", O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd >= 0)
		(void)close(fd);
}

/* Return: whether that may have an effect */
static bool attempt(struct all *all, const struct approval_gate *gate, enum attempt how)
{
	const struct approval_by by = approval_by_caller(APPROVAL_BY_TERMINAL, "test");
	const struct approval_card card = {"approved", said, SAID};
	cleanup(gated_changes_free) struct gated_changes gated;
	struct approval_grant grant = {""};

	changes_select_all(all->changes, false);
	changes_select(all->changes, pick((unsigned int)all->changes->n), true);
	assert_int_equal(gated_changes_make(all->changes, &gated), 0);
	if (how == BY_WORDS) {
		(void)snprintf(grant.id, sizeof(grant.id), "%.32s", said[pick(SAID)]);
	} else if (how == BY_POLICY) {
		assert_int_equal(approval_obtain(gate, &gated.action, &card, APPROVAL_ASK_NOBODY,
						 &grant, NULL),
				 -EPERM);
	} else {
		assert_int_equal(approval_grant(gate, &gated.action, &by, &grant, NULL), 0);
		if (how == AGAIN)
			assert_int_equal(approval_consume(gate, &grant, &gated.action, NULL), 0);
		if (how == OF_ANOTHER)
			changes_select_all(all->changes, all->changes->n > 1);
		if (how == OF_ANOTHER_STAGE)
			spoil_stage(all);
	}
	(void)gated_apply(gate, &grant, all->changes, &all->result, NULL);
	/* One change is chosen: another stage may be the same for it, when it has no content. */
	return how == APPROVED || how == OF_ANOTHER_STAGE;
}

static size_t count_of(const struct paths *paths, enum audit_kind kind)
{
	struct audit_reader reader;
	char path[sizeof(paths->data) + 16];
	struct audit_summary s;
	size_t n = 0;

	(void)snprintf(path, sizeof(path), "%s/audit/log", paths->data);
	reader.in = fopen(path, "re");
	assert_non_null(reader.in);
	while (audit_read_line(&reader) > 0) {
		assert_int_equal(audit_record_describe(reader.line, reader.len, &s), 0);
		n += strcmp(s.kind, audit_kind_name(kind)) == 0;
	}
	(void)fclose(reader.in);
	return n;
}

static void test_no_effect_without_approval(void **state)
{
	size_t effects = 0, refused = 0;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		cleanup(all_done) struct all all = {.ws = NULL};
		struct audit_log log;
		struct paths paths;
		const struct approval_gate gate = {.paths = &paths, .log = &log};
		uint8_t before[DIGEST_B], after[DIGEST_B];

		(void)snprintf(paths.data, sizeof(paths.data), "%s/data", top);
		(void)snprintf(paths.run, sizeof(paths.run), "%s/run", top);
		assert_int_equal(audit_log_open(&paths, &log, NULL), 0);
		make_said_tree();
		all.ws = opened(NULL);
		(void)close(sent(all.ws));
		make_said_changes();
		all.stage = received();
		all.changes = compared(all.ws, all.stage);
		for (int j = 0; j < 6 && all.changes->n > 0; j++) {
			size_t applies = count_of(&paths, AUDIT_APPLY);
			bool may;

			tree_digest(before);
			may = attempt(&all, &gate, (enum attempt)pick(ATTEMPTS));
			tree_digest(after);
			if (memcmp(before, after, DIGEST_B) == 0) {
				refused++;
				continue;
			}
			effects++;
			assert_true(may);
			assert_int_equal(count_of(&paths, AUDIT_APPLY), applies + 1);
		}
		audit_log_close(&log);
		assert_int_equal(remove_top(NULL), 0);
		assert_int_equal(make_top(NULL), 0);
	}
	print_message("# %zu effects, %zu attempts without one\n", effects, refused);
	assert_true(effects > 30 && refused > 100);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_top, remove_top)
	const struct CMUnitTest tests[] = {
		TEST(test_outcome_is_recorded),
		TEST(test_unrecorded_outcome_is_told),
		TEST(test_no_effect_without_approval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
