/* SPDX-License-Identifier: Apache-2.0 */
/* test_workspace_changes.c - what changed, what of it is marked, and how it is shown and saved. */
#include "workspace.h"

#include "sys/spawn.h"
#include "workspace/card.h"
#include "workspace/diff.h"
#include "workspace/patch.h"
#include "workspace/risk.h"

struct all {
	struct workspace *ws;
	struct stage *stage;
	struct changes *changes;
};

static void all_done(struct all *all)
{
	changes_free(all->changes);
	stage_free(all->stage);
	workspace_free(all->ws);
}

static void begin(struct all *all)
{
	all->ws = opened(NULL);
	(void)close(sent(all->ws));
}

static void finish(struct all *all)
{
	all->stage = received();
	all->changes = compared(all->ws, all->stage);
}

static void is_change(const struct changes *c, size_t i, enum change_kind kind, const char *path)
{
	assert_true(i < c->n);
	assert_string_equal(c->changes[i].path, path);
	assert_int_equal(c->changes[i].kind, kind);
}

static void test_kinds(void **state)
{
	cleanup(all_done) struct all all = {0};
	struct changes *c;

	(void)state;
	host_dir("d");
	host_file("d/a", "a");
	host_file("d/b", "b");
	host_dir("d/s");
	host_file("d/s/x", "x");
	host_file("same", "same");
	host_link("l", "same");
	host_file(".ironclawignore", "ignored/\n");
	begin(&all);
	/* A new folder of the same name, with one of its files, changed, and a new one. */
	guest_item(&(struct tar_item){.type = TAR_DIR, .opaque = true, .mode = 0755, .path = "d"});
	guest_file("d/b", "B", 0644);
	guest_file("d/c", "c", 0644);
	/* Where the copy has rules, the guest's own do not count. */
	guest_dir("ignored", 0755);
	guest_file("ignored/x", "x", 0644);
	guest_link("l", "same");
	guest_deleted("never-there");
	guest_file("same", "same", 0644);
	finish(&all);
	c = all.changes;
	is_change(c, 0, CHANGE_DELETED, "d/a");
	is_change(c, 1, CHANGE_EDITED, "d/b");
	is_change(c, 2, CHANGE_CREATED, "d/c");
	is_change(c, 3, CHANGE_DELETED, "d/s");
	is_change(c, 4, CHANGE_DELETED, "d/s/x");
	assert_int_equal(c->n, 5);
	assert_int_equal(c->left_out, 2);
	assert_int_equal(c->counts[CHANGE_DELETED], 3);
}

static void test_digest_says_everything(void **state)
{
	static const char *const paths[] = {"a", "b", "a", "a", "a", "a"};
	static const char *const texts[] = {"new", "new", "NEW", "new", "new", "new"};
	static const uint32_t modes[] = {0644, 0644, 0644, 0755, 0644, 0644};
	uint8_t digests[6][DIGEST_B];

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		cleanup(all_done) struct all all = {0};

		host_file("a", i == 4 ? "Old" : "old");
		begin(&all);
		guest_file(paths[i], texts[i], modes[i]);
		finish(&all);
		if (i == 5)
			changes_select(all.changes, 0, false);
		changes_digest(all.changes, digests[i]);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(digests[i], digests[j], DIGEST_B);
		changes_select_all(all.changes, true);
		changes_digest(all.changes, digests[i]);
	}
	/* The control: the last one was the first, once it was chosen. */
	assert_memory_equal(digests[5], digests[0], DIGEST_B);
}

static enum change_risk judged(const char *path, enum tar_type type, uint32_t mode,
			       const char *link)
{
	const struct stage_entry after = {.type = type, .link = (char *)(uintptr_t)link};
	struct change change = {.kind = CHANGE_CREATED,
				.path = path,
				.after = &after,
				.mode = mode};

	risk_judge(&change);
	assert_int_equal(change.why != NULL, change.risk != RISK_NONE);
	return change.risk;
}

/* W06, W07, W09 */
static void test_risks(void **state)
{
	static const struct {
		const char *path;
		enum change_risk risk;
	} rows[] = {
		{"src/main.c", RISK_NONE},
		{"README", RISK_NONE},
		{"src/configurator.c", RISK_NONE},
		{"src/configure.ac", RISK_TOOL},
		{".git/hooks/pre-commit", RISK_AUTOMATIC},
		{"sub/.git/hooks/pre-commit", RISK_AUTOMATIC},
		{".GIT/Config", RISK_AUTOMATIC},
		{".g\xe2\x80\x8cit/config", RISK_AUTOMATIC},
		{".git./config", RISK_AUTOMATIC},
		{".git/index", RISK_TOOL},
		{".gitignore", RISK_NONE},
		{".git", RISK_TOOL},
		{"sub/.git", RISK_TOOL},
		{".git/modules/x/hooks/post-checkout", RISK_AUTOMATIC},
		{"bare/HEAD", RISK_TOOL},
		{".gitattributes", RISK_TOOL},
		{".gitmodules", RISK_TOOL},
		{".envrc", RISK_AUTOMATIC},
		{".vscode/tasks.json", RISK_AUTOMATIC},
		{".devcontainer/devcontainer.json", RISK_AUTOMATIC},
		{"Makefile", RISK_TOOL},
		{"package.json", RISK_TOOL},
		{"web/.npmrc", RISK_TOOL},
		{".cargo/config.toml", RISK_TOOL},
		{"build.rs", RISK_TOOL},
		{"tests/conftest.py", RISK_TOOL},
		{"lib/evil.pth", RISK_AUTOMATIC},
		{"sitecustomize.py", RISK_AUTOMATIC},
		{".gdbinit", RISK_AUTOMATIC},
		{".exrc", RISK_AUTOMATIC},
		{".mcp.json", RISK_AUTOMATIC},
		{"AGENTS.md", RISK_AUTOMATIC},
		{".github/workflows/ci.yml", RISK_AUTOMATIC},
		{".github/ISSUE_TEMPLATE.md", RISK_NONE},
		{".husky/pre-push", RISK_AUTOMATIC},
		{".bashrc", RISK_AUTOMATIC},
		{".ironclawignore", RISK_TOOL},
		{"\xe2\x84\xaa.c", RISK_NONE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (judged(rows[i].path, TAR_FILE, 0644, NULL) != rows[i].risk)
			fail_msg("%s: %s", rows[i].path,
				 card_risk(judged(rows[i].path, TAR_FILE, 0644, NULL)));
	}
	assert_int_equal(judged("tool", TAR_FILE, 0755, NULL), RISK_EXECUTABLE);
	assert_int_equal(judged("dir", TAR_DIR, 0755, NULL), RISK_NONE);
	assert_int_equal(judged("l", TAR_LINK, 0, "a/b"), RISK_NONE);
	assert_int_equal(judged("a/l", TAR_LINK, 0, "../b"), RISK_NONE);
	assert_int_equal(judged("l", TAR_LINK, 0, "../b"), RISK_LINK_OUT);
	assert_int_equal(judged("l", TAR_LINK, 0, "/etc"), RISK_LINK_OUT);
	assert_int_equal(judged("a/l", TAR_LINK, 0, "../../a/b"), RISK_LINK_OUT);
	assert_int_equal(judged("a/l", TAR_LINK, 0, "b/../../../a"), RISK_LINK_OUT);
}

/* Applies what a diff says to one side, in memory, and compares with the other. */
struct rebuilt {
	const char *a;
	size_t a_len, a_at, line; /* line: of a, from 1, that is next */
	char b[20000];
	size_t b_len;
	bool failed;
};

static void copy_line(struct rebuilt *r, bool keep)
{
	const char *newline = memchr(r->a + r->a_at, '\n', r->a_len - r->a_at);
	size_t n = newline ? (size_t)(newline + 1 - (r->a + r->a_at)) : r->a_len - r->a_at;

	if (keep) {
		memcpy(r->b + r->b_len, r->a + r->a_at, n);
		r->b_len += n;
	}
	r->a_at += n;
	r->line++;
}

static int re_hunk(void *ctx, size_t a_from, size_t a_n, size_t b_from, size_t b_n)
{
	struct rebuilt *r = ctx;

	(void)b_from;
	(void)b_n;
	while (r->line < a_from + (a_n == 0))
		copy_line(r, true);
	return 0;
}

static int re_line(void *ctx, char mark, const char *text, size_t len, bool has_newline)
{
	struct rebuilt *r = ctx;

	if (mark != '+') {
		r->failed |= len > r->a_len - r->a_at || memcmp(r->a + r->a_at, text, len) != 0;
		copy_line(r, mark == ' ');
		return 0;
	}
	memcpy(r->b + r->b_len, text, len);
	r->b_len += len;
	if (has_newline)
		r->b[r->b_len++] = '\n';
	return 0;
}

static void check_diff(const char *a, size_t a_len, const char *b, size_t b_len)
{
	static struct rebuilt r;
	const struct diff_sink sink = {re_hunk, re_line, &r};
	const struct diff_text before = {a, a_len}, after = {b, b_len};

	memset(&r, 0, sizeof(r));
	r.a = a;
	r.a_len = a_len;
	r.line = 1;
	assert_int_equal(diff_run(&before, &after, &sink, NULL, NULL), 0);
	while (r.a_at < r.a_len)
		copy_line(&r, true);
	assert_false(r.failed);
	assert_int_equal(r.b_len, b_len);
	assert_memory_equal(r.b, b, b_len);
}

static size_t random_text(char *text, unsigned int lines, unsigned int kinds)
{
	size_t n = 0;

	for (unsigned int i = 0; i < lines; i++) {
		text[n++] = (char)('a' + (unsigned int)random() % kinds);
		text[n++] = '\n';
	}
	return n - (n > 0 && random() % 4 == 0);
}

static void test_diff_rebuilds(void **state)
{
	char a[4000], b[4000];

	(void)state;
	srandom(1);
	for (unsigned int i = 0; i < 4000; i++) {
		const unsigned int lines = i % 60 + (i % 100 == 0) * 1200;
		size_t a_len = random_text(a, (unsigned int)random() % (lines + 1), 1 + i % 26);
		size_t b_len = random_text(b, (unsigned int)random() % (lines + 1), 1 + i % 26);

		if (i % 3 == 0) {
			/* mostly the same */
			memcpy(b, a, a_len);
			b_len = a_len;
			for (size_t j = 0; j < a_len; j += 1 + (size_t)random() % 50)
				b[j] = 'X';
		}
		check_diff(a, a_len, b, b_len);
	}
}

static void test_diff_is_short(void **state)
{
	const struct diff_text a = {"a\nb\nc\nd\ne\n", 10}, b = {"a\nB\nc\nd\nx\ne\n", 12};
	const struct diff_text nul = {"a\0b", 3};
	size_t added, removed;

	(void)state;
	assert_int_equal(diff_run(&a, &b, NULL, &added, &removed), 0);
	assert_int_equal(added, 2);
	assert_int_equal(removed, 1);
	assert_int_equal(diff_run(&a, &nul, NULL, &added, &removed), -E2BIG);
	assert_int_equal(diff_run(&a, &a, NULL, &added, &removed), 0);
	assert_int_equal(added + removed, 0);
}

/* T01, T02, T04, T07: in names, targets and lines. */
static void test_card_shows_and_acts_not(void **state)
{
	cleanup(all_done) struct all all = {0};
	cleanup_free char *text = NULL;
	size_t len, n;
	struct json_writer w;
	FILE *out;

	(void)state;
	host_file("text", "one\ntwo\n");
	host_file("crlf", "a\r\n");
	begin(&all);
	guest_file("\033]52;c;evil\a", "x\n", 0644);
	guest_file("a\nfake line",
		   "\033[2J\r\x9b"
		   "31m\xe2\x80\xae"
		   "cod\xe2\x80\xac\n",
		   0755);
	guest_file("bin", "x", 0644);
	archive.bytes[archive.length - TAR_BLOCK_B] = '\0';
	guest_file("crlf", "a\n", 0644);
	guest_link("link", "\033[31m/etc");
	guest_file("p\xd0\xb0ypal", "x\n", 0644);
	guest_file("text", "one\n\tTWO\tx\\tx\\\033\n", 0644);
	finish(&all);
	out = open_memstream(&text, &len);
	assert_non_null(out);
	card_text(out, all.changes);
	n = all.changes->n;
	for (size_t i = 0; i < n; i++)
		assert_int_equal(card_diff(out, all.changes, i, NULL), 0);
	assert_int_equal(fclose(out), 0);
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)text[i];

		assert_true(c == '\n' || (c >= 0x20 && c < 0x7f) || c == 0xd0 || c == 0xb0);
	}
	assert_non_null(strstr(text, "7 changes, 5 created, 2 edited; 7 chosen"));
	/* No two texts look the same. */
	assert_non_null(strstr(text, "-two\n+\\tTWO\\tx\\\\tx\\\\\\x1b\n"));
	assert_non_null(strstr(text, "-a\\x0d\n+a\n"));
	assert_non_null(strstr(text, "a\\nfake line"));
	assert_non_null(strstr(text, "(the name is not plain ASCII: p\\u{430}ypal)"));
	assert_non_null(strstr(text, "may act on this host later"));
	assert_non_null(strstr(text, "+ 1 bytes, sha256 6e340b9cffb37a98"));
	free(text);
	text = NULL;

	out = open_memstream(&text, &len);
	json_write_begin(&w, out);
	json_write_open_object(&w, NULL);
	card_json(&w, "workspace", all.changes);
	json_write_close_object(&w);
	assert_int_equal(json_write_end(&w), 0);
	assert_int_equal(fclose(out), 0);
	assert_null(memchr(text, '\033', len));
	assert_non_null(strstr(text, "\"risk\":\"executable\""));
}

static void test_card_long_text(void **state)
{
	cleanup_free char *shown = NULL;
	char text[2000];
	size_t len;
	FILE *out = open_memstream(&shown, &len);

	(void)state;
	for (size_t i = 0; i < sizeof(text); i += 4)
		memcpy(text + i, "\xf0\x9f\x98\x80", 4);
	for (size_t from = 0; from < 4; from++)
		card_put(out, text + 4, sizeof(text) - 4);
	card_put(out, "a\xe2\x82", 3);
	assert_int_equal(fclose(out), 0);
	/* No character was cut in two. */
	assert_int_equal(len, 4 * (sizeof(text) - 4) + 9);
}

/* A line of any length is shown to its end. */
static void test_card_long_line(void **state)
{
	cleanup(all_done) struct all all = {0};
	cleanup_free char *text = NULL;
	char line[100001];
	size_t len;
	FILE *out;

	(void)state;
	begin(&all);
	memset(line, 'w', sizeof(line) - 1);
	memcpy(line + sizeof(line) - 5, "end\n", 5);
	guest_file("long", line, 0644);
	finish(&all);
	out = open_memstream(&text, &len);
	assert_int_equal(card_diff(out, all.changes, 0, NULL), 0);
	assert_int_equal(fclose(out), 0);
	assert_true(len > sizeof(line));
	assert_non_null(strstr(text, "wwwend\n"));
}

static void run_in(const char *dir, const char *const *argv)
{
	const struct spawn s = {.argv = argv, .cwd = dir, .log_fd = STDERR_FILENO};
	int status;

	assert_int_equal(spawn_run(&s, &status), 0);
	if (status != 0)
		fail_msg("%s: %d", argv[0], status);
}

static void make_patched(void)
{
	host_file("edit", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n");
	host_file("no newline", "a\nb");
	host_file("gone", "bye\n");
	host_file("mode", "#!/bin/sh\n");
	host_file("quote\"d\\\xc3\xa9", "x\n");
	host_file("becomes-link", "x\n");
	host_link("link", "edit");
	host_dir("d");
	host_file("d/x", "x\n");
}

static void change_patched(void)
{
	guest_link("becomes-link", "edit");
	guest_deleted("d");
	guest_file("edit", "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\nten\n11\n12\n13", 0644);
	guest_file("empty", "", 0644);
	guest_deleted("gone");
	guest_link("link", "mode");
	guest_file("mode", "#!/bin/sh\n", 0755);
	guest_dir("new", 0755);
	guest_file("new/file", "new\r\nlines\n", 0755);
	guest_file("no newline", "a\nb\n", 0644);
	guest_file("quote\"d\\\xc3\xa9", "y\n", 0644);
}

/* The same tree comes out of the patch, by git and by patch, as out of an apply. */
static void test_patch(void **state)
{
	char file[128];
	const char *const by_git[] = {"git", "apply", file, NULL};
	const char *const by_patch[] = {"patch", "-p1", "-s", "-i", file, NULL};
	uint8_t applied[DIGEST_B], patched[DIGEST_B], digest[DIGEST_B];

	(void)state;
	for (int i = 0; i < 3; i++) {
		cleanup(all_done) struct all all = {0};
		struct apply_result result;
		size_t left_out = 99;
		FILE *out;

		make_patched();
		begin(&all);
		change_patched();
		finish(&all);
		(void)snprintf(file, sizeof(file), "%.60s/patch", top);
		out = fopen(file, "we");
		assert_non_null(out);
		assert_int_equal(patch_write(out, all.changes, &left_out, NULL), 0);
		assert_int_equal(fclose(out), 0);
		/* The folders d and new, for themselves. */
		assert_int_equal(left_out, 2);
		if (i == 0) {
			changes_digest(all.changes, digest);
			assert_int_equal(apply_changes(all.changes, digest, &result, NULL), 0);
		} else {
			run_in(folder, i == 1 ? by_git : by_patch);
		}
		tree_digest(i == 0 ? applied : patched);
		if (i > 0)
			assert_memory_equal(applied, patched, DIGEST_B);
		assert_int_equal(remove_top(NULL), 0);
		assert_int_equal(make_top(NULL), 0);
	}
}

/* What tar(1) makes of an archive of ours. */
static void test_archive(void **state)
{
	cleanup(all_done) struct all all = {0};
	char file[128], into[128];
	const char *const by_tar[] = {"tar", "-xf", file, NULL};
	struct stat st;
	size_t left_out;
	int fd;

	(void)state;
	make_patched();
	begin(&all);
	change_patched();
	finish(&all);
	(void)snprintf(file, sizeof(file), "%.60s/changes.tar", top);
	(void)snprintf(into, sizeof(into), "%.60s/into", top);
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(patch_archive(fd, all.changes, &left_out, NULL), 0);
	(void)close(fd);
	assert_int_equal(left_out, 3); /* d, d/x, gone */
	assert_int_equal(mkdir(into, 0755), 0);
	run_in(into, by_tar);
	close_fd(&root);
	root = open(into, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	host_is("new/file", "new\r\nlines\n");
	host_is("quote\"d\\\xc3\xa9", "y\n");
	assert_int_equal(host_mode("mode"), 0755);
	assert_int_equal(fstatat(root, "link", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_false(host_has("gone"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_top, remove_top)
	const struct CMUnitTest tests[] = {
		TEST(test_kinds),	   TEST(test_digest_says_everything),
		TEST(test_risks),	   TEST(test_diff_rebuilds),
		TEST(test_diff_is_short),  TEST(test_card_shows_and_acts_not),
		TEST(test_card_long_text), TEST(test_card_long_line),
		TEST(test_patch),	   TEST(test_archive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
