/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firecracker_probe.c - find Firecracker on this host: where, which version, with which libraries.
 *
 * What the API takes, and which kernels it boots, depends on the version, so it must be known. It
 * is asked for once: the answer is kept below RUN with the identity of the program, and counts
 * while that is the same.
 */
#include "engine/firecracker.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/host_cpu.h"
#include "engine/libraries.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/spawn.h"

#define PROGRAM		  "firecracker"
#define RECORD		  "firecracker-version"
#define RECORD_MAX_B	  2048U
#define VERSION_MS	  5000U
#define VERSION_LINES_MAX 64U
#define ELF_HEAD_B	  4096U
#define GREETING	  "Firecracker v"

int firecracker_needs_loader(const unsigned char *head, size_t len)
{
	Elf64_Ehdr elf;
	Elf64_Phdr part;

	if (len < sizeof(elf))
		return -ENOEXEC;
	memcpy(&elf, head, sizeof(elf));
	if (memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 || elf.e_ident[EI_CLASS] != ELFCLASS64 ||
	    elf.e_phentsize != sizeof(part) || elf.e_phoff > len ||
	    elf.e_phnum > (len - elf.e_phoff) / sizeof(part))
		return -ENOEXEC;
	for (size_t i = 0; i < elf.e_phnum; i++) {
		memcpy(&part, head + elf.e_phoff + i * sizeof(part), sizeof(part));
		if (part.p_type == PT_INTERP)
			return 1;
	}
	return 0;
}

struct question {
	uint64_t deadline_us;
	unsigned int lines;
	char first[128];
};

/* Behind the first line it says in its log that it ends well. */
static void take_line(void *ctx, const char *line)
{
	struct question *q = ctx;

	if (q->lines++ == 0)
		(void)snprintf(q->first, sizeof(q->first), "%s", line);
}

static bool is_enough(void *ctx)
{
	const struct question *q = ctx;

	return q->lines > VERSION_LINES_MAX || clock_now_us() > q->deadline_us;
}

/* Runs it. @ret: its version as text */
static int ask(const char *program, char ret[ENGINE_VERSION_B], struct ironclaw_error *err)
{
	const char *const argv[] = {program, "--version", NULL};
	struct question q = {.deadline_us = clock_now_us() + VERSION_MS * 1000ULL};
	const struct spawn spawn = {.argv = argv,
				    .log_fd = -EBADF,
				    .line = take_line,
				    .cancelled = is_enough,
				    .ctx = &q};
	const char *version = q.first + strlen(GREETING);
	uint32_t number;
	int status, r = spawn_run(&spawn, &status);

	if (r < 0 && r != -ECANCELED)
		return err_sys(err, -r, "cannot run '%s'", program);
	if (r < 0 || status != 0 || strncmp(q.first, GREETING, strlen(GREETING)) != 0 ||
	    strlen(version) >= ENGINE_VERSION_B || firecracker_version_parse(version, &number) < 0)
		return err_set(err, IRONCLAW_ERR_UNAVAILABLE, ENOTSUP,
			       "'%s --version' does not tell a version: '%s'", program, q.first);
	(void)snprintf(ret, ENGINE_VERSION_B, "%s", version);
	return 0;
}

/* The first line of the record: every change of the file or of its times moves ctime. */
static void identify(const char *program, const struct stat *st, char *ret, size_t size)
{
	(void)snprintf(ret, size, "%llu %llu %lld %lld.%09ld %lld.%09ld %s\n",
		       (unsigned long long)st->st_dev, (unsigned long long)st->st_ino,
		       (long long)st->st_size, (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
		       (long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec, program);
}

/* The second line is the version. Tells whether there is a record of this very program. */
static bool recall(int run_fd, const char *identity, char ret[ENGINE_VERSION_B])
{
	cleanup_free char *text = NULL;
	size_t len, head = strlen(identity);
	char *version;
	uint32_t number;

	if (file_read_bounded(run_fd, RECORD, RECORD_MAX_B, &text, &len) < 0 || len <= head + 1 ||
	    memcmp(text, identity, head) != 0 || text[len - 1] != '\n')
		return false;
	text[len - 1] = '\0';
	version = text + head;
	if (strlen(version) >= ENGINE_VERSION_B || firecracker_version_parse(version, &number) < 0)
		return false;
	(void)snprintf(ret, ENGINE_VERSION_B, "%s", version);
	return true;
}

static int find_version(const struct paths *paths, const char *program, const struct stat *st,
			char ret[ENGINE_VERSION_B], struct ironclaw_error *err)
{
	cleanup_close int run_fd = file_mkdir_private(paths->run);
	char identity[1280], record[1280];
	int r;

	identify(program, st, identity, sizeof(identity));
	/* A record in a folder that is not ours alone is neither trusted nor written. */
	if (run_fd >= 0 && recall(run_fd, identity, ret))
		return 0;
	r = ask(program, ret, err);
	if (r == 0 && run_fd >= 0) {
		int len = snprintf(record, sizeof(record), "%s%s\n", identity, ret);

		/* That it cannot be stored costs time only. */
		if (len > 0 && (size_t)len < sizeof(record))
			(void)file_write_atomic(run_fd, RECORD, record, (size_t)len, 0600);
	}
	return r;
}

static int judge_version(struct engine_host *host, struct ironclaw_error *err)
{
	uint32_t version;

	if (firecracker_version_parse(host->version, &version) < 0)
		return err_set(err, IRONCLAW_ERR_INTERNAL, EINVAL, "bad version");
	if (version < FIRECRACKER_OLDEST) {
		(void)err_set(err, IRONCLAW_ERR_UNAVAILABLE, ENOTSUP,
			      "Firecracker %s ('%s') is too old", host->version, host->program);
		err_hint(err, "install Firecracker 1.7 or later");
		return -ENOTSUP;
	}
	host->elf_kernel_only = version < FIRECRACKER_BZIMAGE;
	return 0;
}

/* The releases are static. */
static int add_libraries(const struct paths *paths, struct engine_host *host,
			 struct ironclaw_error *err)
{
	const char *const objects[] = {host->program, NULL};
	unsigned char head[ELF_HEAD_B];
	cleanup_close int fd = open(host->program, O_RDONLY | O_CLOEXEC);
	struct library_list list;
	ssize_t n;
	int r;

	if (fd < 0)
		return err_sys(err, errno, "cannot read '%s'", host->program);
	n = pread(fd, head, sizeof(head), 0);
	r = n < 0 ? -errno : firecracker_needs_loader(head, (size_t)n);
	if (r < 0)
		return err_set(err, IRONCLAW_ERR_UNAVAILABLE, -r,
			       "'%s' is no program that a jail could hold", host->program);
	if (r == 0)
		return 0;
	r = libraries_find(paths, "libraries-" PROGRAM, objects, &list, err);
	if (r < 0)
		return r;
	for (uint32_t i = 0; r == 0 && i < list.n; i++) {
		const struct library_file *f = &list.files[i];

		if (strcmp(list.text + f->inside, LIBRARIES_NOWHERE) != 0)
			r = engine_host_file(host, list.text + f->host, list.text + f->inside,
					     false);
	}
	return r < 0 ? err_set(err, IRONCLAW_ERR_UNAVAILABLE, -r,
			       "'%s' needs too many files for a jail", host->program)
		     : 0;
}

int firecracker_probe(const struct paths *paths, enum engine_accel accel, enum engine_link link,
		      const char *libexec, struct engine_host *ret, struct ironclaw_error *err)
{
	char cpu[HOST_CPU_B];
	struct stat st;
	int r;

	(void)libexec;
	(void)link;
	memset(ret, 0, sizeof(*ret));
	if (accel != ENGINE_ACCEL_KVM) {
		(void)err_set(err, IRONCLAW_ERR_UNAVAILABLE, ENOENT,
			      "Firecracker needs KVM: it does not emulate");
		err_hint(err, "--engine qemu");
		return -ENOENT;
	}
	if (spawn_find(PROGRAM, ret->program, sizeof(ret->program)) < 0 ||
	    stat(ret->program, &st) < 0) {
		(void)err_set(err, IRONCLAW_ERR_UNAVAILABLE, ENOENT,
			      "Firecracker is not installed");
		err_hint(err, "put 'firecracker' of a Firecracker release into PATH, or --engine "
			      "qemu");
		return -ENOENT;
	}
	r = find_version(paths, ret->program, &st, ret->version, err);
	if (r == 0)
		r = judge_version(ret, err);
	if (r == 0)
		r = add_libraries(paths, ret, err);
	if (r < 0)
		return r;
	host_cpu_describe(cpu, sizeof(cpu));
	/* A snapshot is loaded by the version that made it, and by no other. */
	(void)snprintf(ret->identity, sizeof(ret->identity), "firecracker %s %lld %lld.%09ld%s",
		       ret->version, (long long)st.st_size, (long long)st.st_mtim.tv_sec,
		       st.st_mtim.tv_nsec, cpu);
	return 0;
}
