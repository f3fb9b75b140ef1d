/* SPDX-License-Identifier: Apache-2.0 */
/* test_gate.c - approval/gate.h and queue.h: one approval, one effect, of exactly one action. */
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "approval/queue.h"
#include "gate.h"

static const char *const some_paths[] = {"a", "b/c"};
static const struct approval_action action = {.kind = APPROVAL_WORKSPACE_APPLY,
					      .target = "/home/me/site",
					      .content = "export and base",
					      .paths = some_paths,
					      .n_paths = 2,
					      .effects = APPROVAL_EDITS};
static const char *const some_lines[] = {"M a", "\x1b[2J\nforged row"};
static const struct approval_card card = {"two changes", some_lines, 2};

static struct approval_grant granted(const struct approval_action *a)
{
	struct approval_by by = approval_by_caller(APPROVAL_BY_FLAG, "--apply");
	struct approval_grant grant;

	assert_int_equal(approval_grant(&gate, a, &by, &grant, NULL), 0);
	return grant;
}

static void test_once(void **state)
{
	struct approval_grant grant = granted(&action);
	struct ironclaw_error err = {0};

	(void)state;
	assert_int_equal(count_records(AUDIT_DECISION, grant.id), 1);
	assert_int_equal(count_records(AUDIT_APPLY, grant.id), 0);
	assert_int_equal(approval_consume(&gate, &grant, &action, NULL), 0);
	assert_int_equal(count_records(AUDIT_APPLY, grant.id), 1);
	assert_int_equal(approval_consume(&gate, &grant, &action, &err), -EPERM);
	assert_string_equal(err.text, "not approved: there is no such approval, or it was used");
	assert_int_equal(count_records(AUDIT_APPLY, grant.id), 1);
}

/* A wrong use is refused, and uses it up. */
static void refuse(const struct approval_action *other)
{
	struct approval_grant grant = granted(&action);
	struct ironclaw_error err = {0};

	assert_int_equal(approval_consume(&gate, &grant, other, &err), -EPERM);
	assert_string_equal(err.text, "not approved: the approval is for another action");
	assert_int_equal(approval_consume(&gate, &grant, &action, NULL), -EPERM);
	assert_int_equal(count_records(AUDIT_APPLY, grant.id), 0);
}

static void test_for_this_action_only(void **state)
{
	struct approval_action other;

	(void)state;
	other = action;
	other.target = "/home/me/other";
	refuse(&other);
	other = action;
	other.content = "export and a changed base";
	refuse(&other);
	other = action;
	other.n_paths = 1;
	refuse(&other);
	other = action;
	other.effects |= APPROVAL_DELETES;
	refuse(&other);
	other = action;
	other.kind = APPROVAL_MCP_TOOL;
	refuse(&other);
	other = action;
	refuse(&(struct approval_action){.kind = APPROVAL_UNKNOWN, .target = "x"});
}

static void test_expiry(void **state)
{
	static const struct timespec pause = {.tv_nsec = 30000000};
	struct approval_grant grant;
	struct ironclaw_error err = {0};

	(void)state;
	gate.timeout_ms = 10;
	grant = granted(&action);
	(void)nanosleep(&pause, NULL);
	assert_int_equal(approval_consume(&gate, &grant, &action, &err), -EPERM);
	assert_string_equal(err.text, "not approved: the approval has expired");
	/* Unused ones go with the next look at the queue. */
	grant = granted(&action);
	(void)nanosleep(&pause, NULL);
	{
		cleanup_free char(*ids)[APPROVAL_ID_B + 1] = NULL;
		char path[1200];
		size_t n;

		assert_int_equal(queue_list(&paths, &ids, &n, NULL), 0);
		assert_int_equal(n, 0);
		(void)snprintf(path, sizeof(path), "%s/approvals/%s.grant", paths.run, grant.id);
		assert_int_equal(access(path, F_OK), -1);
	}
}

static void grant_path(const struct approval_grant *grant, char ret[1200])
{
	(void)snprintf(ret, 1200, "%s/approvals/%s.grant", paths.run, grant->id);
}

/* Of another boot, for another id, damaged, a link, of another mode of life. */
static void test_tampered_grants(void **state)
{
	char path[1200], from[1200];
	cleanup_free char *text = NULL;
	struct approval_grant grant = granted(&action), other;
	size_t len;

	(void)state;
	grant_path(&grant, path);
	assert_int_equal(file_read_bounded(AT_FDCWD, path, 4096, &text, &len), 0);
	other = granted(&action);
	grant_path(&other, from);
	/* Kept and put back after its use, as a power cut may: the control is that this works. */
	assert_int_equal(approval_consume(&gate, &grant, &action, NULL), 0);
	assert_int_equal(file_write_atomic(AT_FDCWD, path, text, len, 0600), 0);
	assert_int_equal(approval_consume(&gate, &grant, &action, NULL), 0);
	/* But not in another boot. */
	memcpy(strstr(text, "\"boot\":\"") + 8, "00000000", 8);
	assert_int_equal(file_write_atomic(AT_FDCWD, path, text, len, 0600), 0);
	assert_int_equal(approval_consume(&gate, &grant, &action, NULL), -EPERM);
	/* Another's file under this name. */
	assert_int_equal(rename(from, path), 0);
	assert_int_equal(approval_consume(&gate, &grant, &action, NULL), -EPERM);
	for (size_t cut = 0; cut < len - 2; cut += 11) {
		assert_int_equal(file_write_atomic(AT_FDCWD, path, text, cut, 0600), 0);
		assert_int_equal(approval_consume(&gate, &grant, &action, NULL), -EPERM);
	}
	other = granted(&action);
	grant_path(&other, from);
	assert_int_equal(symlink(from, path), 0);
	assert_true(approval_consume(&gate, &grant, &action, NULL) < 0);
	/* A second name would be a second use. */
	other = granted(&action);
	grant_path(&other, from);
	(void)snprintf(path, sizeof(path), "%s/copy", root);
	assert_int_equal(link(from, path), 0);
	assert_int_equal(approval_consume(&gate, &other, &action, NULL), -EPERM);
}

static void test_ids_are_no_paths(void **state)
{
	static const char *const bad[] = {"",
					  "x",
					  "../../../../../../../../etc/passw",
					  "0123456789abcdef0123456789abcde",
					  "0123456789ABCDEF0123456789ABCDEF",
					  "0123456789abcdef0123456789abcde/"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct approval_grant grant = {""};

		(void)snprintf(grant.id, sizeof(grant.id), "%s", bad[i]);
		assert_int_equal(approval_consume(&gate, &grant, &action, NULL), -EPERM);
	}
}

static void test_shared_folder_is_refused(void **state)
{
	struct approval_by by = approval_by_caller(APPROVAL_BY_FLAG, "--apply");
	struct approval_grant grant = granted(&action);
	char path[1100];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/approvals", paths.run);
	assert_int_equal(chmod(path, 0710), 0);
	assert_int_equal(approval_consume(&gate, &grant, &action, NULL), -EPERM);
	assert_int_equal(approval_grant(&gate, &action, &by, &grant, NULL), -EPERM);
	assert_int_equal(chmod(path, 0700), 0);
	assert_int_equal(approval_grant(&gate, &action, &by, &grant, NULL), 0);
}

static void test_race_has_one_winner(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		struct approval_grant grant = granted(&action);
		pid_t pids[6];
		int winners = 0;

		for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
			pids[i] = fork();
			if (pids[i] == 0)
				_exit(approval_consume(&gate, &grant, &action, NULL) == 0 ? 0 : 1);
		}
		for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
			int status;

			assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
			winners += status == 0;
		}
		assert_int_equal(winners, 1);
	}
}

/* No record, no effect. */
static void test_audit_is_a_must(void **state)
{
	struct approval_grant grant = granted(&action);
	struct approval_by by = approval_by_caller(APPROVAL_BY_FLAG, "--apply");
	char path[1100], away[1100];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/audit/head", paths.data);
	(void)snprintf(away, sizeof(away), "%s/audit/away", paths.data);
	assert_int_equal(rename(path, away), 0);
	assert_int_equal(approval_consume(&gate, &grant, &action, NULL), -EBADMSG);
	assert_int_equal(approval_grant(&gate, &action, &by, &grant, NULL), -EBADMSG);
	assert_int_equal(rename(away, path), 0);
	assert_int_equal(approval_consume(&gate, &grant, &action, NULL), -EPERM);
}

static void test_nobody_to_ask(void **state)
{
	struct approval_grant grant = {"untouched"};
	struct ironclaw_error err = {0};

	(void)state;
	assert_int_equal(approval_obtain(&gate, &action, &card, APPROVAL_ASK_NOBODY, &grant, &err),
			 -EPERM);
	assert_int_equal(err.code, IRONCLAW_ERR_CANCELLED);
	assert_string_equal(grant.id, "untouched");
	assert_int_equal(count_records(AUDIT_DECISION, "\"answer\":\"nobody to ask\""), 1);
}

/* A child that asks; it exits 0 when it was allowed and consumed. */
static pid_t asker(uint64_t timeout_ms)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct approval_grant grant;
		int r;

		gate.timeout_ms = timeout_ms;
		r = approval_obtain(&gate, &action, &card, APPROVAL_ASK_QUEUE, &grant, NULL);
		if (r == 0)
			r = approval_consume(&gate, &grant, &action, NULL);
		_exit(r == 0 ? 0 : 1);
	}
	return pid;
}

static void wait_for_question(struct queue_entry *ret)
{
	static const struct timespec pause = {.tv_nsec = 20000000};

	for (int i = 0; i < 500; i++) {
		cleanup_free char(*ids)[APPROVAL_ID_B + 1] = NULL;
		size_t n = 0;

		assert_int_equal(queue_list(&paths, &ids, &n, NULL), 0);
		if (n == 1) {
			assert_int_equal(queue_find(&paths, ids[0], ret, NULL), 0);
			return;
		}
		(void)nanosleep(&pause, NULL);
	}
	fail_msg("no question");
}

static void expect_exit(pid_t pid, int code)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), code);
}

static void test_queue(void **state)
{
	struct approval_by by = approval_by_caller(APPROVAL_BY_QUEUE, "test");
	cleanup(queue_entry_done) struct queue_entry entry = {.n_lines = 0};
	struct queue_entry forged;
	pid_t pid = asker(20000);
	char digest[DIGEST_HEX_B + 1];

	(void)state;
	wait_for_question(&entry);
	approval_digest(&action, digest);
	assert_string_equal(entry.digest, digest);
	assert_string_equal(entry.risk, "high");
	assert_string_equal(entry.target, action.target);
	assert_int_equal(entry.n_lines, 2);
	assert_string_equal(entry.lines[1], some_lines[1]);
	assert_int_equal(queue_answer(&paths, &entry, true, &by, NULL), 0);
	assert_int_equal(queue_answer(&paths, &entry, false, &by, NULL), -EEXIST);
	expect_exit(pid, 0);
	assert_int_equal(count_records(AUDIT_DECISION, "\"how\":\"queue\""), 1);
	assert_int_equal(queue_find(&paths, entry.id, &forged, NULL), -ENOENT);
	queue_entry_done(&entry);

	pid = asker(20000);
	wait_for_question(&entry);
	assert_int_equal(queue_answer(&paths, &entry, false, &by, NULL), 0);
	expect_exit(pid, 1);
	queue_entry_done(&entry);

	/* Shown another action than the one that is asked for. */
	pid = asker(20000);
	wait_for_question(&entry);
	memset(entry.digest, 'a', DIGEST_HEX_B);
	assert_int_equal(queue_answer(&paths, &entry, true, &by, NULL), 0);
	expect_exit(pid, 1);
	queue_entry_done(&entry);

	expect_exit(asker(300), 1);
	assert_int_equal(count_records(AUDIT_DECISION, "\"answer\":\"timeout\""), 1);

	/* Who asks dies: the question goes. */
	pid = asker(20000);
	wait_for_question(&entry);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(queue_find(&paths, entry.id, &forged, NULL), -ENOENT);
	assert_int_equal(count_records(AUDIT_APPLY, ""), 1);
}

static void test_queue_ids(void **state)
{
	struct queue_entry entry;

	(void)state;
	(void)granted(&action);
	assert_int_equal(queue_find(&paths, "../x", &entry, NULL), -EINVAL);
	assert_int_equal(queue_find(&paths, "0123", &entry, NULL), -EINVAL);
	assert_int_equal(queue_find(&paths, "0123456789abcdef0123456789abcdef", &entry, NULL),
			 -ENOENT);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_home, remove_home)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_once),
		TEST(test_for_this_action_only),
		TEST(test_expiry),
		TEST(test_tampered_grants),
		TEST(test_ids_are_no_paths),
		TEST(test_shared_folder_is_refused),
		TEST(test_race_has_one_winner),
		TEST(test_audit_is_a_must),
		TEST(test_nobody_to_ask),
		TEST(test_queue),
		TEST(test_queue_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
