/* SPDX-License-Identifier: Apache-2.0 */
/* test_workspace_receive.c - the confined reader of archives, as the library starts it. */
#include <signal.h>

#include "workspace.h"

#include "workspace/index.h"

static unsigned int stages_left(void)
{
	cleanup_closedir DIR *dir = opendir(stages);
	unsigned int n = 0;

	assert_non_null(dir);
	for (const struct dirent *e = readdir(dir); e; e = readdir(dir))
		n += e->d_name[0] != '.';
	return n;
}

static void refused_with(const char *word)
{
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
	struct stage *stage = NULL;

	assert_int_equal(receive_archive(&stage, &err), -EBADMSG);
	assert_null(stage);
	if (!strstr(err.text, word))
		fail_msg("'%s' is not in: %s", word, err.text);
	assert_int_equal(stages_left(), 0);
	archive.length = 0;
}

static void test_takes_what_may_be(void **state)
{
	struct stage *stage;
	struct stat st;

	(void)state;
	guest_dir("a", 0755);
	guest_deleted("a/gone");
	guest_file("a/x", "content", 04755);
	guest_link("b", "/etc/passwd");
	guest_file("c\n\033[31m", "", 0600);
	stage = received();
	assert_int_equal(stage->n, 5);
	assert_true(stage->entries[1].deleted);
	assert_string_equal(stage->entries[2].path, "a/x");
	assert_int_equal(stage->entries[2].mode, 04755);
	assert_string_equal(stage->entries[3].link, "/etc/passwd");
	assert_int_equal(stage->entries[4].content, 1);
	/* No name of the archive is a name in the stage, and no mode is a mode there. */
	assert_int_equal(fstatat(stage->dir_fd, "0", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(st.st_size, 7);
	assert_int_equal(fstatat(stage->dir_fd, "a", &st, 0), -1);
	assert_int_equal(stages_left(), 1);
	stage_free(stage);
	assert_int_equal(stages_left(), 0);
}

static void test_empty(void **state)
{
	struct stage *stage = received();

	(void)state;
	assert_int_equal(stage->n, 0);
	stage_free(stage);
	refused_with("cut off");
}

/* The escapes of names are those of errors: nothing of the archive acts on a terminal. */
static void test_refusals_name_the_entry(void **state)
{
	(void)state;
	guest_file("before", "x", 0644);
	guest_dir("e\033]0;title\a", 0755);
	archive.bytes[archive.length - TAR_BLOCK_B + 156] = '3';
	refused_with("a device: 'e\\x1b]0;title\\x07'");
	guest_file(".ironclaw-apply", "x", 0644);
	refused_with("reserved");
	guest_file(".IronClaw-x", "x", 0644);
	refused_with("reserved");
	guest_link("a", "/etc");
	guest_file("a/passwd", "x", 0644);
	refused_with("beneath something that is no folder");
	guest_file("a", "benign", 0644);
	guest_file("a", "evil", 0644);
	refused_with("twice");
}

/* A18, A20: little archive, large file. */
static void test_holes_cost_nothing(void **state)
{
	struct tar_item item = {.type = TAR_FILE, .sparse = true, .size = 1ULL << 41, .path = "s"};
	uint8_t map[TAR_MAP_MAX_B];
	ssize_t n = tar_encode_map(NULL, 0, item.size, map);
	struct stage *stage;
	struct stat st;

	(void)state;
	item.stored = (uint64_t)n;
	guest_item(&item);
	guest_bytes(map, (size_t)n);
	stage = received();
	assert_int_equal(stage->entries[0].size, 1ULL << 41);
	assert_int_equal(fstatat(stage->dir_fd, "0", &st, 0), 0);
	assert_true(st.st_blocks * 512 < 1 << 20);
	stage_free(stage);
}

static void test_limits(void **state)
{
	const struct receive_options options = {.folder = stages,
						.program = TEST_BUILD "/ironclaw-unpack",
						.size_max_b = 10};
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
	struct receive *receive = NULL;
	struct stage *stage = NULL;

	(void)state;
	guest_file("a", "12345678", 0644);
	guest_file("b", "123", 0644);
	guest_zeros(TAR_END_B);
	assert_int_equal(receive_start(&options, &receive, &err), 0);
	(void)receive_data(receive, archive.bytes, archive.length);
	assert_int_equal(receive_finish(receive, &stage, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "more than is allowed: 'b'"));
}

/* As many entries as may be, or one more. */
static int receive_many(unsigned int n, struct stage **ret, struct ironclaw_error *err)
{
	const struct receive_options options = {.folder = stages,
						.program = TEST_BUILD "/ironclaw-unpack"};
	struct receive *receive = NULL;
	int r = 0;

	assert_int_equal(receive_start(&options, &receive, err), 0);
	for (unsigned int i = 0; i < n && r == 0; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "%06u", i);
		guest_link(name, "x");
		if (archive.length < (1U << 20) && i + 1 < n)
			continue;
		if (i + 1 == n)
			guest_zeros(TAR_END_B);
		r = receive_data(receive, archive.bytes, archive.length);
		archive.length = 0;
	}
	return receive_finish(receive, ret, err);
}

static void test_too_many(void **state)
{
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
	struct stage *stage = NULL;

	(void)state;
	assert_int_equal(receive_many(WORKSPACE_ENTRIES_MAX, &stage, &err), 0);
	assert_int_equal(stage->n, WORKSPACE_ENTRIES_MAX);
	stage_free(stage);
	assert_int_equal(receive_many(WORKSPACE_ENTRIES_MAX + 1, &stage, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "more entries than are allowed"));
}

/* A process that has a stage, and nothing else to do. */
static pid_t stage_holder(void)
{
	int said[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe2(said, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		guest_file("big", "content", 0644);
		if (!received() || write(said[1], "x", 1) != 1)
			_exit(1);
		(void)close(said[1]);
		for (;;)
			(void)pause();
	}
	assert_true(pid > 0);
	(void)close(said[1]);
	assert_int_equal(read(said[0], &c, 1), 1);
	(void)close(said[0]);
	return pid;
}

static void end_holder(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* What a killed process left goes with the next start; what a living one has stays. */
static void test_left_stages_go(void **state)
{
	pid_t dead = stage_holder(), living = stage_holder();
	char other[128];

	(void)state;
	assert_int_equal(stages_left(), 2);
	stage_free(received());
	assert_int_equal(stages_left(), 2);
	end_holder(dead);
	assert_int_equal(stages_left(), 2);
	stage_free(received());
	assert_int_equal(stages_left(), 1);
	end_holder(living);
	/* Nothing but stages. */
	(void)snprintf(other, sizeof(other), "%s/other", stages);
	assert_int_equal(mkdir(other, 0700), 0);
	stage_free(received());
	assert_int_equal(stages_left(), 1);
	assert_int_equal(rmdir(other), 0);
}

/* Many at once make and remove: nobody removes what another one is about to lock. */
static void test_stages_at_once(void **state)
{
	pid_t pids[4];
	int status;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			for (int n = 0; n < 50; n++) {
				struct stage *stage;

				guest_file("a", "content", 0644);
				stage = received();
				if (stage->n != 1 || faccessat(stage->dir_fd, "0", F_OK, 0) < 0)
					_exit(1);
				stage_free(stage);
			}
			_exit(0);
		}
		assert_true(pids[i] > 0);
	}
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(stages_left(), 0);
}

/* A26: cut at every block; a reader that died is an error, not a signal. */
static void test_cut_and_gone(void **state)
{
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
	struct receive *receive = NULL;
	struct stage *stage = NULL;
	const struct receive_options options = {.folder = stages,
						.program = TEST_BUILD "/ironclaw-unpack"};
	size_t whole;
	int r = 0;

	(void)state;
	guest_file("a", "content", 0644);
	guest_file("b", "content", 0644);
	guest_zeros(TAR_END_B);
	whole = archive.length;
	for (size_t n = 0; n < whole; n += TAR_BLOCK_B) {
		archive.length = n;
		assert_int_equal(receive_archive(&stage, &err), -EBADMSG);
		assert_int_equal(stages_left(), 0);
	}
	archive.length = whole;
	assert_int_equal(receive_archive(&stage, &err), 0);
	stage_free(stage);

	assert_int_equal(receive_start(&options, &receive, &err), 0);
	memset(archive.bytes, 'x', ARCHIVE_MAX_B);
	for (int i = 0; r == 0 && i < 100; i++)
		r = receive_data(receive, archive.bytes, ARCHIVE_MAX_B);
	assert_true(r == -EPIPE || r == -ECONNRESET);
	assert_int_equal(receive_finish(receive, &stage, &err), -EBADMSG);
	archive.length = 0;

	assert_int_equal(receive_start(&options, &receive, &err), 0);
	assert_int_equal(stages_left(), 1);
	receive_cancel(receive);
	assert_int_equal(stages_left(), 0);
}

static int hear_nothing(void *ctx, const struct tar_item *item, uint32_t content)
{
	(void)ctx;
	(void)item;
	(void)content;
	return 0;
}

static int walk(const struct tar_item *items, const uint32_t *contents, size_t n, size_t cut)
{
	static uint8_t index[100000];
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		len += index_encode(&items[i], contents[i], index + len);
	len += index_encode_end((uint32_t)n, index + len);
	return index_walk(index, len - cut, 10, hear_nothing, NULL);
}

/* What a reader that was taken over could write. */
static void test_index_is_not_believed(void **state)
{
	const struct tar_item dir = {.type = TAR_DIR, .path = "a"};
	const struct tar_item file = {.type = TAR_FILE, .path = "a/b"};
	const struct tar_item link = {.type = TAR_LINK, .path = "a", .link = "x"};
	const uint32_t none = INDEX_NO_CONTENT;
	struct tar_item other = file;

	(void)state;
#define WALK(cut, n, ...)                                                                          \
	walk((const struct tar_item[]){__VA_ARGS__}, (const uint32_t[]){none, 0, 1}, n, cut)
	assert_int_equal(WALK(0, 2, dir, file), 0);
	assert_int_equal(WALK(1, 2, dir, file), -EBADMSG);
	assert_int_equal(WALK(0, 2, link, file), -EBADMSG);
	assert_int_equal(WALK(0, 3, dir, file, file), -EBADMSG);
	assert_int_equal(walk(&file, &none, 1, 0), -EBADMSG);
	assert_int_equal(walk(&dir, (const uint32_t[]){0}, 1, 0), -EBADMSG);
	other.path = "../etc";
	assert_int_equal(WALK(0, 2, dir, other), -EBADMSG);
	other.path = "a/b";
	other.size = TAR_SIZE_MAX_B + 1;
	assert_int_equal(WALK(0, 2, dir, other), -EBADMSG);
	other.size = 0;
	other.mode = 010000;
	assert_int_equal(WALK(0, 2, dir, other), -EBADMSG);
#undef WALK
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_top, remove_top)
	const struct CMUnitTest tests[] = {
		TEST(test_takes_what_may_be),
		TEST(test_empty),
		TEST(test_refusals_name_the_entry),
		TEST(test_holes_cost_nothing),
		TEST(test_limits),
		TEST(test_too_many),
		TEST(test_cut_and_gone),
		TEST(test_left_stages_go),
		TEST(test_stages_at_once),
		TEST(test_index_is_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
