/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_unpack.c - from bzImage to vmlinux; see kernel_unpack.h. */
#include "image/kernel_unpack.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "sys/file.h"

#define FILE_MAX_B	  (256U * 1024U * 1024U)
#define SECTOR_B	  512U
/* Of the header. */
#define SETUP_SECTS_AT	  0x1f1U
#define MAGIC_AT	  0x202U
#define PROTOCOL_AT	  0x206U
#define PAYLOAD_OFFSET_AT 0x248U
#define PAYLOAD_LENGTH_AT 0x24cU
#define HEADER_END	  0x250U
#define PROTOCOL_MIN	  0x208U
#define SETUP_SECTS_0	  4U /* what no sectors mean */
#define ELF_MAGIC	  "\177ELF"

static const struct compression {
	uint8_t magic[6];
	uint8_t magic_len;
	bool size_behind; /* the size of what comes out follows, which is none of the format's */
	const char *suffix, *program;
} compressions[] = {
	{{0x02, 0x21, 0x4c, 0x18}, 4, true, ".lz4", "lz4"},
	{{0x28, 0xb5, 0x2f, 0xfd}, 4, true, ".zst", "zstd"},
	{{0xfd, '7', 'z', 'X', 'Z', 0}, 6, true, ".xz", "xz"},
	{{0x1f, 0x8b, 0x08}, 3, false, ".gz", "gzip"},
};

static uint32_t read_u32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return le32toh(value);
}

int kernel_payload_find(const uint8_t *bytes, size_t len, struct kernel_payload *ret)
{
	uint64_t at, size;
	unsigned int sectors;

	if (len < HEADER_END || memcmp(bytes + MAGIC_AT, "HdrS", 4) != 0 ||
	    (bytes[PROTOCOL_AT] | bytes[PROTOCOL_AT + 1] << 8) < (int)PROTOCOL_MIN)
		return -EINVAL;
	sectors = bytes[SETUP_SECTS_AT] ? bytes[SETUP_SECTS_AT] : SETUP_SECTS_0;
	at = (sectors + 1ULL) * SECTOR_B + read_u32(bytes + PAYLOAD_OFFSET_AT);
	size = read_u32(bytes + PAYLOAD_LENGTH_AT);
	if (at > len || size > len - at)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(compressions); i++) {
		const struct compression *c = &compressions[i];
		size_t behind = c->size_behind ? sizeof(uint32_t) : 0;

		if (size < c->magic_len + behind || memcmp(bytes + at, c->magic, c->magic_len) != 0)
			continue;
		*ret = (struct kernel_payload){
			.at = at,
			.len = size - behind,
			.size = behind ? read_u32(bytes + at + size - behind) : 0,
			.suffix = c->suffix,
			.program = c->program,
		};
		return 0;
	}
	return -ENOTSUP;
}

/* As the header said, and an ELF file. */
static int check(const char *path, const struct kernel_payload *payload, struct ironclaw_error *err)
{
	cleanup_free char *bytes = NULL;
	size_t len;
	int r = file_read_bounded(AT_FDCWD, path, FILE_MAX_B, &bytes, &len);

	if (r < 0)
		return err_sys(err, -r, "cannot read %s", path);
	if (len < strlen(ELF_MAGIC) || memcmp(bytes, ELF_MAGIC, strlen(ELF_MAGIC)) != 0 ||
	    (payload->size != 0 && payload->size != len))
		return err_set(err, IRONCLAW_ERR_CORRUPT, EBADMSG,
			       "the payload of the kernel is not what its header says");
	return 0;
}

/* lz4 writes to where it is told; the others beside the file, without its suffix. */
static int decompress(struct job *job, const struct kernel_payload *payload, const char *from,
		      const char *to, struct ironclaw_error *err)
{
	bool is_lz4 = strcmp(payload->program, "lz4") == 0;
	const char *argv[] = {payload->program, "-d", "-q", "-f", from, is_lz4 ? to : NULL, NULL};
	const struct job_tool tool = {.argv = argv};

	return job_run(job, &tool, err);
}

int kernel_unpack(struct job *job, const char *bzimage, const char *to, struct ironclaw_error *err)
{
	char packed[STORE_PATH_MAX + 32], plain[STORE_PATH_MAX + 32];
	cleanup_free char *bytes = NULL;
	struct kernel_payload payload;
	size_t len;
	int r = file_read_bounded(AT_FDCWD, bzimage, FILE_MAX_B, &bytes, &len);

	if (r < 0)
		return err_sys(err, -r, "cannot read %s", bzimage);
	r = kernel_payload_find((const uint8_t *)bytes, len, &payload);
	if (r < 0)
		return err_set(err, IRONCLAW_ERR_UNAVAILABLE, -r,
			       "%s is not packed in a way that is known", bzimage);
	(void)snprintf(plain, sizeof(plain), "%s/payload", job->dir);
	(void)snprintf(packed, sizeof(packed), "%s/payload%s", job->dir, payload.suffix);
	r = file_write_atomic(AT_FDCWD, packed, bytes + payload.at, payload.len, 0600);
	if (r < 0)
		return err_sys(err, -r, "cannot write %s", packed);
	r = decompress(job, &payload, packed, plain, err);
	if (r == 0)
		r = check(plain, &payload, err);
	if (r < 0)
		return r;
	return chmod(plain, 0644) < 0 || rename(plain, to) < 0
		       ? err_sys(err, errno, "cannot make %s", to)
		       : 0;
}
