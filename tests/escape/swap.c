/* SPDX-License-Identifier: Apache-2.0 */
/*
 * swap.c - swap FOLDER NAME TARGET: exchange FOLDER/NAME with a link to TARGET, without a pause,
 * until SIGTERM; then the number of exchanges goes to stdout.
 *
 * The link stands in FOLDER/NAME.other, and is made again where it is missing. While there is no
 * FOLDER or no NAME in it, it waits for them. At the end NAME is what it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static volatile sig_atomic_t over;

static void end(int signal)
{
	(void)signal;
	over = 1;
}

static bool is_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

int main(int argc, char **argv)
{
	char name[4096], other[4096 + 8];
	unsigned long n = 0;

	if (argc != 4)
		return 2;
	(void)snprintf(name, sizeof(name), "%s/%s", argv[1], argv[2]);
	(void)snprintf(other, sizeof(other), "%s.other", name);
	(void)signal(SIGTERM, end);
	while (!over) {
		if (renameat2(AT_FDCWD, name, AT_FDCWD, other, RENAME_EXCHANGE) == 0) {
			n++;
			continue;
		}
		if (errno != ENOENT)
			return 1;
		if (access(name, F_OK) == 0 && symlink(argv[3], other) < 0 && errno != EEXIST &&
		    errno != ENOENT)
			return 1;
	}
	if (is_link(name) && !is_link(other))
		(void)renameat2(AT_FDCWD, name, AT_FDCWD, other, RENAME_EXCHANGE);
	(void)printf("%lu\n", n);
	return 0;
}
