/* SPDX-License-Identifier: Apache-2.0 */
/* template_manifest.c - manifest.json of a template; see template_manifest.h. */
#include "machine/template_manifest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "codec/json.h"
#include "codec/json_write.h"
#include "sys/file.h"

#define TEMPLATE_MANIFEST_MAX_B 16384U

#define TEXT(json_name, member)                                                                    \
	{                                                                                          \
		.name = (json_name), .type = JSON_FIELD_STRING,                                    \
		.offset = offsetof(struct template_manifest, member),                              \
		.size = sizeof(((struct template_manifest *)0)->member), .mandatory = true         \
	}

static const struct json_field fields[] = {
	TEXT("key", info.key),
	TEXT("image", info.image),
	TEXT("kernel", info.kernel),
	TEXT("engine", info.engine),
	TEXT("accel", info.accel),
	TEXT("created", info.created),
	{.name = "vcpu_count",
	 .type = JSON_FIELD_U32,
	 .offset = offsetof(struct template_manifest, info.vcpus),
	 .mandatory = true},
	{.name = "memory_mb",
	 .type = JSON_FIELD_U64,
	 .offset = offsetof(struct template_manifest, info.memory_mib),
	 .mandatory = true},
	TEXT("ram_sha256", ram_sha256),
	TEXT("state_sha256", state_sha256),
	{.name = NULL},
};

int template_manifest_read(int dir_fd, struct template_manifest *ret)
{
	cleanup_free char *text = NULL;
	struct template_manifest m = {0};
	struct violations list = {0};
	size_t len;
	int r = file_read_bounded(dir_fd, "manifest.json", TEMPLATE_MANIFEST_MAX_B, &text, &len);

	if (r == -ENOENT || r == -ENOMEM)
		return r;
	if (r < 0 || json_decode_object(text, len, fields, &m, &list) < 0)
		return -EBADMSG;
	if (!digest_hex_valid(m.ram_sha256) || !digest_hex_valid(m.state_sha256))
		return -EBADMSG;
	*ret = m;
	return 0;
}

int template_manifest_write(int dir_fd, const struct template_manifest *m)
{
	cleanup_free char *text = NULL;
	struct json_writer w;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int r;

	if (!out)
		return -ENOMEM;
	json_write_begin(&w, out);
	json_write_open_object(&w, NULL);
	json_write_string(&w, "key", m->info.key);
	json_write_string(&w, "image", m->info.image);
	json_write_string(&w, "kernel", m->info.kernel);
	json_write_string(&w, "engine", m->info.engine);
	json_write_string(&w, "accel", m->info.accel);
	json_write_string(&w, "created", m->info.created);
	json_write_u64(&w, "vcpu_count", m->info.vcpus);
	json_write_u64(&w, "memory_mb", m->info.memory_mib);
	json_write_string(&w, "ram_sha256", m->ram_sha256);
	json_write_string(&w, "state_sha256", m->state_sha256);
	json_write_close_object(&w);
	r = json_write_end(&w);
	if (fclose(out) != 0 || r < 0)
		return -ENOMEM;
	return file_write_atomic(dir_fd, "manifest.json", text, len, 0644);
}
