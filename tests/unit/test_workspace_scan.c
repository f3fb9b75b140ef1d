/* SPDX-License-Identifier: Apache-2.0 */
/* test_workspace_scan.c - workspace_open() and workspace_send(). */
#include <sys/socket.h>
#include <sys/un.h>

#include "workspace.h"

#include "workspace/content.h"

static struct {
	char paths[64][64];
	uint64_t sizes[64], data_b[64];
	char links[64][64];
	size_t n;
} got;

static ssize_t read_fd(void *ctx, void *buf, size_t len)
{
	return read(*(int *)ctx, buf, len);
}

static int take_entry(void *ctx, const struct tar_item *item)
{
	(void)ctx;
	assert_true(got.n < 64);
	(void)snprintf(got.paths[got.n], 64, "%.63s", item->path);
	(void)snprintf(got.links[got.n], 64, "%.63s", item->link ? item->link : "");
	got.sizes[got.n] = item->size;
	got.data_b[got.n++] = 0;
	return 0;
}

static int take_data(void *ctx, uint64_t offset, const void *data, size_t len)
{
	(void)ctx;
	(void)offset;
	(void)data;
	got.data_b[got.n - 1] += len;
	return 0;
}

static int take_end(void *ctx)
{
	(void)ctx;
	return 0;
}

/* Reads the copy as a guest would. */
static void unpack(int fd)
{
	static struct tar_reader reader;
	const struct tar_source source = {read_fd, &fd};
	const struct tar_sink sink = {take_entry, take_data, take_end, NULL};
	const struct tar_limits limits = {.entries_max = 1000000,
					  .size_max_b = TAR_SIZE_MAX_B,
					  .stored_max_b = UINT64_MAX,
					  .again = true};

	memset(&got, 0, sizeof(got));
	if (tar_read(&reader, &source, &limits, &sink) < 0)
		fail_msg("%s: %s", reader.error, reader.path);
	(void)close(fd);
}

static void test_copies_what_there_is(void **state)
{
	static const char *const expected[] = {"-rf",	 ".git", ".git/HEAD", "a",
					       "a/link", "a-",	 "dir",	      "dir/empty"};
	struct workspace *ws;

	(void)state;
	host_dir(".git");
	host_file(".git/HEAD", "ref\n");
	host_dir("a");
	host_link("a/link", "/etc/passwd");
	host_file("a-", "minus\n");
	host_file("-rf", "");
	host_dir("dir");
	host_dir("dir/empty");
	ws = opened(NULL);
	assert_int_equal(ws->counts.files, 3);
	assert_int_equal(ws->counts.folders, 4);
	assert_int_equal(ws->counts.links, 1);
	unpack(sent(ws));
	assert_int_equal(got.n, 8);
	for (size_t i = 0; i < 8; i++)
		assert_string_equal(got.paths[i], expected[i]);
	assert_string_equal(got.links[4], "/etc/passwd");
	assert_int_equal(got.data_b[5], 6);
	workspace_free(ws);
}

static void test_leaves_out(void **state)
{
	static const char *const excludes[] = {"*.key", NULL};
	struct workspace *ws;

	(void)state;
	host_file(".ironclawignore", "node_modules/\n*.o\n");
	host_dir("node_modules");
	host_file("node_modules/x", "x");
	host_dir("src");
	host_file("src/.ironclawignore", "!keep.o\n/only\n");
	host_file("src/keep.o", "x");
	host_file("src/drop.o", "x");
	host_file("src/only", "x");
	host_file("id.key", "secret");
	host_file("only", "x");
	ws = opened(excludes);
	assert_int_equal(ws->counts.left_out, 4);
	unpack(sent(ws));
	assert_int_equal(got.n, 5);
	assert_string_equal(got.paths[1], "only");
	assert_string_equal(got.paths[3], "src/.ironclawignore");
	assert_string_equal(got.paths[4], "src/keep.o");
	workspace_free(ws);
}

static void test_skips_what_is_no_file(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	cleanup_close int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct workspace *ws;

	(void)state;
	host_file("file", "x");
	assert_int_equal(mkfifoat(root, "fifo\033[2J", 0600), 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%.60s/sock", folder);
	assert_int_equal(bind(s, (const struct sockaddr *)&address, sizeof(address)), 0);
	host_file(".ironclaw-x", "reserved");
	if (geteuid() == 0)
		assert_int_equal(mknodat(root, "dev", S_IFCHR | 0600, 0x103), 0);
	ws = opened(NULL);
	assert_int_equal(ws->base.n, 1);
	assert_int_equal(ws->counts.skipped, geteuid() == 0 ? 4 : 3);
	assert_int_equal(notices, ws->counts.skipped);
	assert_null(strchr(last_notice, '\033'));
	workspace_free(ws);
}

static void refused(uint64_t size_max_b, int errnum, const char *word)
{
	const struct workspace_options options = {.folder = folder,
						  .key = key,
						  .size_max_b = size_max_b};
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
	struct workspace *ws = NULL;

	assert_int_equal(workspace_open(&options, &ws, &err), -errnum);
	assert_null(ws);
	if (!strstr(err.text, word) && !strstr(err.hint, word))
		fail_msg("%s (%s)", err.text, err.hint);
}

static void test_limits(void **state)
{
	char path[300] = "";
	int fd;

	(void)state;
	host_file("big", "0123456789");
	refused(9, EFBIG, "--exclude");
	workspace_free(opened(NULL));

	/* What cannot be read is said at once, not in the middle. */
	if (geteuid() != 0) {
		assert_int_equal(fchmodat(root, "big", 0, 0), 0);
		refused(0, EACCES, "big");
		assert_int_equal(fchmodat(root, "big", 0600, 0), 0);
	}
	fd = dup(root);
	for (unsigned int i = 0; i <= TAR_DEPTH_MAX; i++) {
		int next;

		assert_int_equal(mkdirat(fd, "d", 0755), 0);
		next = openat(fd, "d", O_RDONLY | O_CLOEXEC);
		(void)close(fd);
		fd = next;
	}
	(void)close(fd);
	refused(0, ENAMETOOLONG, "too deep");
	/* file_remove_tree() goes less deep: take it apart. */
	for (unsigned int i = TAR_DEPTH_MAX + 1; i > 0; i--) {
		for (unsigned int j = 0; j < i; j++)
			memcpy(path + 2 * j, "d/", 2);
		path[2 * i - 1] = '\0';
		assert_int_equal(unlinkat(root, path, AT_REMOVEDIR), 0);
	}
	workspace_free(opened(NULL));
}

/* In memory: a disk takes minutes for so many when others use it too. */
static void test_too_many(void **state)
{
	char in_memory[] = "/dev/shm/ironclaw-test-workspace-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(in_memory));
	(void)snprintf(folder, sizeof(folder), "%s", in_memory);
	close_fd(&root);
	root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (unsigned int i = 0; i < WORKSPACE_ENTRIES_MAX; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "%06u", i);
		assert_int_equal(symlinkat("x", root, name), 0);
	}
	workspace_free(opened(NULL));
	host_link("more", "x");
	refused(0, E2BIG, "200000");
	assert_int_equal(file_remove_tree(AT_FDCWD, in_memory), 0);
}

static void test_holes(void **state)
{
	int fd = openat(root, "sparse", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	struct workspace *ws;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "data", 4, 1LL << 30), 4);
	assert_int_equal(ftruncate(fd, 1LL << 33), 0);
	(void)close(fd);
	ws = opened(NULL);
	assert_true(ws->counts.data_b < 1 << 20);
	unpack(sent(ws));
	assert_int_equal(got.sizes[0], 1ULL << 33);
	assert_true(got.data_b[0] >= 4 && got.data_b[0] < 1 << 20);
	workspace_free(ws);
}

/* The digest does not know where the holes are; and is plain SHA-256 below the limit. */
static void test_digests(void **state)
{
	static uint8_t data[3 * CONTENT_PAGE_B], zeros[8192];
	uint8_t plain[DIGEST_B], ours[DIGEST_B], other[DIGEST_B];
	struct content_hash h;

	(void)state;
	memcpy(data + 5000, "data", 4);
	(void)crypto_hash_sha256(plain, data, sizeof(data));
	content_hash_begin(&h, sizeof(data));
	content_hash_data(&h, 5000, "data", 4);
	content_hash_end(&h, ours);
	assert_memory_equal(plain, ours, DIGEST_B);

	for (int i = 0; i < 3; i++) {
		content_hash_begin(&h, CONTENT_PLAIN_MAX_B + 5000);
		if (i > 0)
			content_hash_data(&h, 0, zeros, sizeof(zeros));
		content_hash_data(&h, 100000, "da", 2);
		content_hash_data(&h, 100002, i == 2 ? "tA" : "ta", 2);
		content_hash_end(&h, i == 0 ? ours : other);
		if (i > 0)
			assert_int_equal(memcmp(ours, other, DIGEST_B) == 0, i == 1);
	}
}

/* A file that is written to while it is sent. */
static void test_changes_while_read(void **state)
{
	const char *word = "changes while it is read";
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
	struct workspace *ws;
	int pipes[2];
	pid_t pid;

	(void)state;
	for (int forever = 0; forever < 2; forever++) {
		static char big[3 << 20];
		ssize_t n;
		size_t total = 0;
		int r, fd;

		fd = openat(root, "big", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		memset(big, 'a', sizeof(big));
		assert_int_equal(file_write_full(fd, big, sizeof(big)), 0);
		ws = opened(NULL);
		assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
		pid = fork();
		if (pid == 0) {
			/* Takes the copy, slowly, and writes into the file when half of it is
			 * there. */
			(void)close(pipes[1]);
			for (unsigned int i = 0; (n = read(pipes[0], big, 65536)) > 0; i++) {
				total += (size_t)n;
				if ((forever || i == 10) && pwrite(fd, "b", 1, (off_t)i) != 1)
					_exit(3);
				(void)usleep(1000);
			}
			_exit(total > 2 * (3 << 20) ? 2 : 1);
		}
		(void)close(pipes[0]);
		r = workspace_send(ws, pipes[1], &err);
		(void)close(pipes[1]);
		assert_int_equal(waitpid(pid, &fd, 0), pid);
		assert_int_equal(r, forever ? -EBUSY : 0);
		if (forever)
			assert_non_null(strstr(err.text, word));
		else
			assert_int_equal(WEXITSTATUS(fd), 2);
		workspace_free(ws);
	}
}

/* A folder becomes a link to elsewhere between the look and the copy. */
static void test_replaced_by_a_link(void **state)
{
	struct ironclaw_error err = {.code = IRONCLAW_ERR_NONE};
	cleanup_close int fd = memfd_create("copy", MFD_CLOEXEC);
	struct workspace *ws;

	(void)state;
	host_dir("dir");
	host_file("dir/passwd", "mine");
	ws = opened(NULL);
	assert_int_equal(renameat(root, "dir", root, "dir2"), 0);
	host_link("dir", "/etc");
	assert_int_equal(workspace_send(ws, fd, &err), -ELOOP);
	workspace_free(ws);
}

static void test_key(void **state)
{
	uint8_t first[WORKSPACE_KEY_B], second[WORKSPACE_KEY_B];
	cleanup_close int fd = open(stages, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	(void)state;
	assert_int_equal(workspace_key(fd, first, NULL), 0);
	assert_int_equal(workspace_key(fd, second, NULL), 0);
	assert_memory_equal(first, second, WORKSPACE_KEY_B);
	assert_int_equal(fstatat(fd, "workspace.key", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(unlinkat(fd, "workspace.key", 0), 0);
	assert_int_equal(workspace_key(fd, second, NULL), 0);
	assert_memory_not_equal(first, second, WORKSPACE_KEY_B);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_top, remove_top)
	const struct CMUnitTest tests[] = {
		TEST(test_copies_what_there_is),
		TEST(test_leaves_out),
		TEST(test_skips_what_is_no_file),
		TEST(test_limits),
		TEST(test_too_many),
		TEST(test_holes),
		TEST(test_digests),
		TEST(test_changes_while_read),
		TEST(test_replaced_by_a_link),
		TEST(test_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
