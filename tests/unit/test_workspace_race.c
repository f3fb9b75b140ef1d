/* SPDX-License-Identifier: Apache-2.0 */
/* test_workspace_race.c - an apply while somebody else changes the folder: nothing is lost. */
#include "workspace_apply.h"

#include <sys/syscall.h>

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
		assert_true(r == 0 || r == -ESTALE || r == -ENOTRECOVERABLE);
		refused += r != 0;
		tree_digest(after);
		if (r == -ESTALE)
			assert_memory_equal(before, after, DIGEST_B);
		/* Into the new file as well. */
		if (r == -ENOTRECOVERABLE)
			rescued_is(all.err.text, "edit", "old content\n");
		assert_int_equal(remove_top(NULL), 0);
		assert_int_equal(make_top(NULL), 0);
	}
	assert_true(refused > 0);
}

/* --- the windows: somebody acts at one system call of an apply, and it goes on or is killed --- */

static void child_text(pid_t pid, uint64_t address, char ret[64])
{
	char path[32];
	cleanup_close int fd = -EBADF;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	n = pread(fd, ret, 63, (off_t)address);
	ret[n > 0 ? n : 0] = '\0';
}

/* Whether the child is about to rename @name, from it or to it, or to remove it. */
static bool is_at(pid_t pid, const char *name)
{
	struct __ptrace_syscall_info info;
	char from[64], to[64] = "";

	assert_true(ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0);
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY ||
	    (info.entry.nr != SYS_renameat2 && info.entry.nr != SYS_unlinkat))
		return false;
	child_text(pid, info.entry.args[1], from);
	if (info.entry.nr == SYS_renameat2)
		child_text(pid, info.entry.args[3], to);
	return strcmp(from, name) == 0 || strcmp(to, name) == 0;
}

/* Return: false when it has ended, by exit(0) */
static bool step(pid_t pid)
{
	int status;

	assert_int_equal(ptrace(PTRACE_SYSCALL, pid, 0, 0), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status)) {
		assert_int_equal(WEXITSTATUS(status), 0);
		return false;
	}
	assert_true(WIFSTOPPED(status));
	return true;
}

static pid_t stopped_at(const char *name, void (*work)(void *), void *ctx)
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
	assert_int_equal(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	do {
		if (!step(pid))
			fail_msg("it never came to '%s'", name);
	} while (!is_at(pid, name));
	return pid;
}

/* Lets it go on for so many stops. Return: whether it ended before it was killed */
static bool killed_after(pid_t pid, unsigned int stops)
{
	for (; stops > 0; stops--) {
		if (!step(pid))
			return true;
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return false;
}

static void write_to(const char *path, const char *text)
{
	cleanup_close int fd = openat(root, path, O_WRONLY | O_APPEND | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(file_write_full(fd, text, strlen(text)), 0);
}

static void replace(const char *path)
{
	host_file("other", "by somebody\n");
	assert_int_equal(renameat(root, "other", root, path), 0);
}

static void write_gone(void)
{
	write_to("gone", "and more\n");
}

static void replace_gone(void)
{
	replace("gone");
}

static void write_edit(void)
{
	write_to("edit", "and more\n");
}

static void replace_edit(void)
{
	replace("edit");
}

static void fill_deep(void)
{
	host_file("out/deep/late", "by somebody\n");
}

static void fill_tofile(void)
{
	host_file("tofile/late", "by somebody\n");
}

static ino_t deep;

/* Into the folder "out/deep", wherever it is: as somebody does who has it open. */
static void fill_open_deep(void)
{
	cleanup_closedir DIR *dir = fdopendir(openat(root, JOURNAL_DIR, O_RDONLY | O_CLOEXEC));

	assert_non_null(dir);
	for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		char path[300];

		if (e->d_ino != deep)
			continue;
		(void)snprintf(path, sizeof(path), JOURNAL_DIR "/%s/late", e->d_name);
		host_file(path, "by somebody\n");
		return;
	}
	fail_msg("the folder is not in the journal");
}

static void work_stale(void *ctx)
{
	_exit(apply(ctx) == -ESTALE ? 0 : 1);
}

static void begin_anew(struct all *all)
{
	struct stat st;

	assert_int_equal(remove_top(NULL), 0);
	assert_int_equal(make_top(NULL), 0);
	make_tree();
	assert_int_equal(fstatat(root, "out/deep", &st, 0), 0);
	deep = st.st_ino;
	begin(all);
}

/* The first stops one by one, for they hold the rename and what looks at it; then some of them. */
static unsigned int next_stop(unsigned int stops)
{
	return stops < 6 ? stops + 1 : stops + 29;
}

static const struct window {
	const char *at; /* what is renamed */
	void (*act)(void);
	void (*wanted)(void); /* the same on the old tree, which is what must be there */
} windows[] = {
	{"gone", write_gone, write_gone},    {"gone", replace_gone, replace_gone},
	{"edit", write_edit, write_edit},    {"edit", replace_edit, replace_edit},
	{"deep", fill_deep, fill_deep},	     {"tofile", fill_tofile, fill_tofile},
	{"mode", fill_open_deep, fill_deep},
};

/* What somebody does just before a rename, or to what was taken, stays; the rest goes back. */
static void test_windows_of_a_commit(void **state)
{
	unsigned int kills = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		const struct window *w = &windows[i];
		uint8_t wanted[DIGEST_B], tree[DIGEST_B];
		bool ended = false;

		assert_int_equal(remove_top(NULL), 0);
		assert_int_equal(make_top(NULL), 0);
		make_tree();
		w->wanted();
		tree_digest(wanted);
		for (unsigned int stops = 1; !ended; stops = next_stop(stops)) {
			cleanup(all_done) struct all all;
			struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
			pid_t pid;

			begin_anew(&all);
			pid = stopped_at(w->at, work_stale, &all);
			w->act();
			ended = killed_after(pid, stops);
			kills += !ended;
			if (workspace_recover(root, key, &err) < 0)
				fail_msg("%zu, a kill %u later: %s", i, stops, err.text);
			tree_digest(tree);
			if (memcmp(tree, wanted, DIGEST_B) != 0)
				fail_msg("%zu, a kill %u later: not the old tree", i, stops);
		}
	}
	print_message("# %u kills\n", kills);
}

static void work_left_over(void *ctx)
{
	struct all *all = ctx;
	int r = apply(all);

	_exit(r == -ENOTRECOVERABLE && all->result.applied == 18 &&
			      strstr(all->err.text, "the changes were made: somebody put")
		      ? 0
		      : 1);
}

/* The same when all is done and only the journal is left: the new tree, and what was put is kept.
 */
static void test_windows_of_the_end(void **state)
{
	bool ended = false;

	(void)state;
	for (unsigned int stops = 1; !ended; stops++) {
		cleanup(all_done) struct all all;
		struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
		char name[64], path[300];
		struct stat st = {.st_ino = 0};
		int r;

		begin_anew(&all);
		{
			pid_t pid = stopped_at(JOURNAL_RECORD, work_left_over, &all);

			fill_open_deep();
			ended = killed_after(pid, stops);
		}
		r = workspace_recover(root, key, &err);
		/* Before the record went, everything can go back yet. */
		if (r == 0 && host_has("out/deep/late")) {
			assert_int_equal(stops, 1);
			continue;
		}
		find_rescued(name);
		assert_string_not_equal(name, "");
		assert_true(r == 0 || (r == -ENOTRECOVERABLE && strstr(err.text, name)));
		for (int i = 0; i < 30 && st.st_ino == 0; i++) {
			(void)snprintf(path, sizeof(path), "%s/%d/late", name, i);
			(void)fstatat(root, path, &st, 0);
		}
		host_is(path, "by somebody\n");
		check_new_tree();
		assert_int_equal(workspace_recover(root, key, &err), 0);
	}
}

static void edit_new_files(void)
{
	write_edit();
	write_to("new/below/file", "and more\n");
	fill_tofile();
}

static void work_edited(void *ctx)
{
	_exit(apply(ctx) == -ENOTRECOVERABLE ? 0 : 1);
}

/* Taking back takes nobody's work on the new files: they stay, and the old content is kept. */
static void test_windows_of_an_undo(void **state)
{
	bool ended = false;

	(void)state;
	for (unsigned int stops = 1; !ended; stops = next_stop(stops)) {
		cleanup(all_done) struct all all;
		struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
		pid_t pid;
		int r;

		begin_anew(&all);
		pid = stopped_at("tofile", work_edited, &all);
		edit_new_files();
		ended = killed_after(pid, stops);
		r = workspace_recover(root, key, &err);
		if (r == -ENOTRECOVERABLE)
			rescued_is(err.text, "edit", "old content\n");
		else
			assert_true(ended || stops > 8);
		assert_true(r == 0 || r == -ENOTRECOVERABLE);
		host_is("edit", "new content\nand more\n");
		host_is("new/below/file", "new\nand more\n");
		host_is("tofile/late", "by somebody\n");
		host_is("tofile/z", "z\n");
		host_is("gone", "goes\n");
		host_is("out/deep/x", "x\n");
		host_is("todir", "was a file\n");
		assert_false(host_has(JOURNAL_DIR));
		assert_int_equal(workspace_recover(root, key, &err), 0);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_top, remove_top)
	const struct CMUnitTest tests[] = {
		TEST(test_race_of_a_link),     TEST(test_race_of_a_name),
		TEST(test_race_of_a_writer),   TEST(test_windows_of_a_commit),
		TEST(test_windows_of_the_end), TEST(test_windows_of_an_undo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
