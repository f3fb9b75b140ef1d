/* SPDX-License-Identifier: Apache-2.0 */
/*
 * patch.c - chosen changes as a patch or an archive; see patch.h.
 *
 * A change of type, and of a link's target, is two parts: what was there goes, what is there now
 * comes. That is how git writes it.
 */
#include "workspace/patch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "workspace/sides.h"
#include "workspace/tar_write.h"

/* A name as git writes it: in quotes, with escapes, if it has to be. */
static void put_name(FILE *out, const char *prefix, const char *path)
{
	bool plain = true;

	for (const unsigned char *p = (const unsigned char *)path; *p; p++)
		plain = plain && *p >= 0x20 && *p < 0x7f && *p != '"' && *p != '\\';
	if (plain) {
		(void)fprintf(out, "%s%s", prefix, path);
		return;
	}
	(void)fprintf(out, "\"%s", prefix);
	for (const unsigned char *p = (const unsigned char *)path; *p; p++) {
		if (*p == '"' || *p == '\\')
			(void)fprintf(out, "\\%c", *p);
		else if (*p < 0x20 || *p >= 0x7f)
			(void)fprintf(out, "\\%03o", *p);
		else
			(void)fputc(*p, out);
	}
	(void)fputc('"', out);
}

static void put_side(FILE *out, const char *marks, const char *prefix, const char *path, bool there)
{
	(void)fprintf(out, "%s ", marks);
	if (there)
		put_name(out, prefix, path);
	else
		(void)fputs("/dev/null", out);
	/* So that what follows a blank is no time stamp. */
	if (there && strchr(path, ' '))
		(void)fputc('\t', out);
	(void)fputc('\n', out);
}

static int put_hunk(void *ctx, size_t a_from, size_t a_n, size_t b_from, size_t b_n)
{
	return fprintf(ctx, "@@ -%zu,%zu +%zu,%zu @@\n", a_from, a_n, b_from, b_n) < 0 ? -EIO : 0;
}

static int put_line(void *ctx, char mark, const char *text, size_t len, bool has_newline)
{
	(void)fputc(mark, ctx);
	(void)fwrite(text, 1, len, ctx);
	(void)fputc('\n', ctx);
	if (!has_newline)
		(void)fputs("\\ No newline at end of file\n", ctx);
	return ferror((FILE *)ctx) ? -EIO : 0;
}

/* One part: modes 0 for nothing there. */
struct part {
	const char *path;
	unsigned int old_mode, new_mode;
	struct diff_text before, after;
};

static int put_part(FILE *out, const struct part *part)
{
	const struct diff_sink sink = {put_hunk, put_line, out};

	(void)fputs("diff --git ", out);
	put_name(out, "a/", part->path);
	(void)fputc(' ', out);
	put_name(out, "b/", part->path);
	(void)fputc('\n', out);
	if (!part->old_mode)
		(void)fprintf(out, "new file mode %06o\n", part->new_mode);
	else if (!part->new_mode)
		(void)fprintf(out, "deleted file mode %06o\n", part->old_mode);
	else if (part->old_mode != part->new_mode)
		(void)fprintf(out, "old mode %06o\nnew mode %06o\n", part->old_mode,
			      part->new_mode);
	if (part->before.len == part->after.len &&
	    (part->before.len == 0 ||
	     memcmp(part->before.data, part->after.data, part->before.len) == 0))
		return 0;
	put_side(out, "---", "a/", part->path, part->old_mode != 0);
	put_side(out, "+++", "b/", part->path, part->new_mode != 0);
	return diff_run(&part->before, &part->after, &sink, NULL, NULL);
}

/* As git has it; 0: it has none */
static unsigned int git_mode(enum tar_type type, uint32_t mode)
{
	return type == TAR_LINK ? 0120000 : type == TAR_DIR ? 0 : mode & 0100 ? 0100755 : 0100644;
}

/* Return: parts written, -errno */
static int put_change(FILE *out, const struct changes *changes, const struct change *change)
{
	cleanup(sides_done) struct sides sides = {.is_text = false};
	struct part part = {.path = change->path}, first;
	int r;

	if (change->before)
		part.old_mode = git_mode(change->before->type, change->before->mode);
	if (change->after)
		part.new_mode = git_mode(change->after->type, change->mode);
	if (!part.old_mode && !part.new_mode)
		return 0;
	/* Its content, however long, is the same. */
	if (change->kind == CHANGE_MODE)
		return part.old_mode == part.new_mode ? 0 : put_part(out, &part) < 0 ? -EIO : 1;
	r = sides_load(changes, change, &sides);
	if (r < 0 || !sides.is_text)
		return r;
	part.before = sides.before;
	part.after = sides.after;
	if (part.old_mode && part.new_mode &&
	    (part.old_mode == 0120000 || part.new_mode == 0120000)) {
		first = part;
		first.new_mode = 0;
		first.after = (struct diff_text){.len = 0};
		r = put_part(out, &first);
		part.old_mode = 0;
		part.before = (struct diff_text){.len = 0};
	}
	if (r == 0)
		r = put_part(out, &part);
	return r < 0 ? r : 1;
}

int patch_write(FILE *out, const struct changes *changes, size_t *ret_left_out,
		struct ironclaw_error *err)
{
	size_t left_out = 0;

	for (size_t i = 0; i < changes->n; i++) {
		const struct change *change = &changes->changes[i];
		int r = change->selected ? put_change(out, changes, change) : 1;

		if (r < 0)
			return err_sys(err, -r, "cannot write '%s' into the patch", change->path);
		left_out += r == 0;
	}
	if (fflush(out) != 0 || ferror(out))
		return err_sys(err, EIO, "cannot write the patch");
	*ret_left_out = left_out;
	return 0;
}

static int archive_file(struct tar_writer *w, const struct changes *changes,
			const struct change *change, const struct tar_item *item)
{
	char name[16];
	cleanup_close int fd = -EBADF;
	uint8_t digest[DIGEST_B];
	int r;

	(void)snprintf(name, sizeof(name), "%u", change->after->content);
	fd = openat(changes->stage->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = tar_write_file(w, item, fd, digest);
	if (r == 0 && memcmp(digest, change->after->digest, DIGEST_B) != 0)
		r = -EBADMSG;
	return r;
}

int patch_archive(int fd, const struct changes *changes, size_t *ret_left_out,
		  struct ironclaw_error *err)
{
	cleanup_free struct tar_writer *w = tar_write_new(fd);
	size_t left_out = 0;
	int r = w ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < changes->n; i++) {
		const struct change *change = &changes->changes[i];
		struct tar_item item = {.path = change->path, .mode = change->mode};

		if (!change->selected)
			continue;
		if (!change->after) {
			left_out++;
			continue;
		}
		item.type = change->after->type;
		item.link = change->after->link;
		item.size = change->after->size;
		r = item.type == TAR_FILE ? archive_file(w, changes, change, &item)
					  : tar_write_item(w, &item);
		if (r < 0)
			return err_sys(err, -r, "cannot write '%s' into the archive", change->path);
	}
	if (r == 0)
		r = tar_write_end(w);
	if (r < 0)
		return err_sys(err, -r, "cannot write the archive");
	*ret_left_out = left_out;
	return 0;
}
