/* SPDX-License-Identifier: Apache-2.0 */
/* sides.c - the text before a change and after it; see sides.h. */
#include "workspace/sides.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sys/beneath.h"
#include "workspace/content.h"

void sides_done(struct sides *sides)
{
	free(sides->before_data);
	free(sides->after_data);
	*sides = (struct sides){.is_text = false};
}

struct into {
	char *data;
	uint64_t size;
};

static int keep(void *ctx, uint64_t offset, const void *data, size_t len)
{
	const struct into *into = ctx;

	if (offset > into->size || len > into->size - offset)
		return -EINVAL;
	memcpy(into->data + offset, data, len);
	return 0;
}

/* Return: 0 with the content, 1 when it is too long for a text, -errno */
static int load_file(int fd, uint64_t size, const uint8_t digest[DIGEST_B], int otherwise,
		     char **ret)
{
	cleanup_free char *data = NULL;
	struct into into;
	uint8_t found[DIGEST_B];
	int r;

	if (fd < 0)
		return fd == -ENOENT ? otherwise : fd;
	if (size > DIFF_TEXT_MAX_B)
		return 1;
	data = calloc(1, size + 1);
	if (!data)
		return -ENOMEM;
	into = (struct into){data, size};
	r = content_copy(fd, size, keep, &into, found);
	if (r < 0)
		return r;
	if (memcmp(found, digest, DIGEST_B) != 0)
		return otherwise;
	*ret = take_ptr(data);
	return 0;
}

static int load_before(const struct changes *changes, const struct base_entry *before,
		       struct sides *ret)
{
	cleanup_close int fd = -EBADF;
	int r = 0;

	if (before->type == TAR_LINK) {
		ret->before = (struct diff_text){before->link, strlen(before->link)};
	} else if (before->type == TAR_FILE) {
		fd = beneath_open(changes->ws->root_fd, before->path, O_RDONLY | O_NONBLOCK, 0);
		r = load_file(fd, before->size, before->digest, -ESTALE, &ret->before_data);
		ret->before = (struct diff_text){ret->before_data, before->size};
	}
	return r;
}

static int load_after(const struct changes *changes, const struct stage_entry *after,
		      struct sides *ret)
{
	cleanup_close int fd = -EBADF;
	char name[16];
	int r = 0;

	if (after->type == TAR_LINK) {
		ret->after = (struct diff_text){after->link, strlen(after->link)};
	} else if (after->type == TAR_FILE) {
		(void)snprintf(name, sizeof(name), "%u", after->content);
		fd = openat(changes->stage->dir_fd, name,
			    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		r = load_file(fd < 0 ? -errno : fd, after->size, after->digest, -EBADMSG,
			      &ret->after_data);
		ret->after = (struct diff_text){ret->after_data, after->size};
	}
	return r;
}

int sides_load(const struct changes *changes, const struct change *change, struct sides *ret)
{
	cleanup(sides_done) struct sides sides = {.is_text = false};
	int r = 0;

	if (change->before)
		r = load_before(changes, change->before, &sides);
	if (r == 0 && change->after)
		r = load_after(changes, change->after, &sides);
	if (r < 0)
		return r;
	if (r == 0 && diff_is_text(&sides.before) && diff_is_text(&sides.after)) {
		*ret = sides;
		ret->is_text = true;
		sides = (struct sides){.is_text = false};
	} else {
		*ret = (struct sides){.is_text = false};
	}
	return 0;
}
