/* SPDX-License-Identifier: Apache-2.0 */
/* config_json.c - a VM's configuration from a JSON file or from flags; see config.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "codec/json.h"
#include "sys/file.h"
#include "vm/config.h"

static const char *const engine_names[] = {"auto", "qemu", "firecracker", NULL};
static const char *const accel_names[] = {"auto", "kvm", "tcg", NULL};
static const char *const link_names[] = {"auto", "virtio-serial", "vsock", NULL};
static const char *const seccomp_names[] = {"minimal", "basic", "permissive", NULL};
static const char *const seccomp_mode_names[] = {"enforce", "audit", NULL};
static const char *const overlay_names[] = {"tmpfs", "ext4", NULL};

_Static_assert(ARRAY_SIZE(engine_names) == VM_ENGINE_MAX + 1, "one name an engine");
_Static_assert(ARRAY_SIZE(accel_names) == VM_ACCEL_MAX + 1, "one name an accelerator");
_Static_assert(ARRAY_SIZE(link_names) == VM_LINK_MAX + 1, "one name a link");
_Static_assert(ARRAY_SIZE(overlay_names) == VM_OVERLAY_MAX + 1, "one name an overlay");
_Static_assert(ARRAY_SIZE(seccomp_names) == VM_SECCOMP_MAX + 1, "one name a level");
_Static_assert(ARRAY_SIZE(seccomp_mode_names) == VM_SECCOMP_MODE_MAX + 1, "one name a mode");
_Static_assert(sizeof(enum vm_engine) == sizeof(int) && sizeof(enum vm_accel) == sizeof(int) &&
		       sizeof(enum vm_link) == sizeof(int) &&
		       sizeof(enum vm_overlay) == sizeof(int) &&
		       sizeof(enum vm_seccomp) == sizeof(int) &&
		       sizeof(enum vm_seccomp_mode) == sizeof(int),
	       "json_decode_object() stores an int");

#define MEMBER(member)                                                                             \
	.offset = offsetof(struct vm_config, member),                                              \
	.size = sizeof(((struct vm_config *)0)->member)

static const struct json_field overlay_fields[] = {
	{.name = "type", .type = JSON_FIELD_ENUM, MEMBER(overlay_type), .names = overlay_names},
	{.name = "size_mb", .type = JSON_FIELD_U64, MEMBER(overlay_size_mib)},
	{0},
};

static const struct json_field rootfs_fields[] = {
	{.name = "read_only", .type = JSON_FIELD_BOOL, MEMBER(rootfs_read_only)},
	{.name = "overlay", .type = JSON_FIELD_OBJECT, .fields = overlay_fields},
	{0},
};

static const struct json_field config_fields[] = {
	{.name = "vm_id", .type = JSON_FIELD_STRING, MEMBER(vm_id)},
	{.name = "image", .type = JSON_FIELD_STRING, MEMBER(image)},
	{.name = "kernel_path", .type = JSON_FIELD_STRING, MEMBER(kernel_path)},
	{.name = "rootfs_path", .type = JSON_FIELD_STRING, MEMBER(rootfs_path)},
	{.name = "rootfs", .type = JSON_FIELD_OBJECT, .fields = rootfs_fields},
	{.name = "vcpu_count", .type = JSON_FIELD_U32, MEMBER(vcpu_count)},
	{.name = "memory_mb", .type = JSON_FIELD_U64, MEMBER(memory_mib)},
	{.name = "enable_networking", .type = JSON_FIELD_BOOL, MEMBER(enable_networking)},
	{.name = "vsock_path", .type = JSON_FIELD_STRING, MEMBER(vsock_path)},
	{.name = "seccomp_filter",
	 .type = JSON_FIELD_ENUM,
	 MEMBER(seccomp),
	 .names = seccomp_names},
	{.name = "seccomp_mode",
	 .type = JSON_FIELD_ENUM,
	 MEMBER(seccomp_mode),
	 .names = seccomp_mode_names},
	{.name = "require_limits", .type = JSON_FIELD_BOOL, MEMBER(require_limits)},
	{.name = "engine", .type = JSON_FIELD_ENUM, MEMBER(engine), .names = engine_names},
	{.name = "accel", .type = JSON_FIELD_ENUM, MEMBER(accel), .names = accel_names},
	{.name = "link", .type = JSON_FIELD_ENUM, MEMBER(link), .names = link_names},
	{.name = "cold", .type = JSON_FIELD_BOOL, MEMBER(cold)},
	{.name = "timeout_ms", .type = JSON_FIELD_U64, MEMBER(timeout_ms)},
	{0},
};

int vm_config_from_json(const char *text, size_t len, struct vm_config *config,
			struct violations *list)
{
	return json_decode_object(text, len, config_fields, config, list);
}

int vm_config_load(const char *path, struct vm_config *config, struct violations *list,
		   struct ironclaw_error *err)
{
	cleanup_free char *text = NULL;
	size_t len;
	int r = file_read_bounded(AT_FDCWD, path, LIMIT_CONFIG_FILE_MAX_B, &text, &len);

	if (r == -EFBIG)
		return err_set(err, IRONCLAW_ERR_INVALID, EFBIG,
			       "configuration '%s' is larger than %u KiB", path,
			       LIMIT_CONFIG_FILE_MAX_B / 1024);
	if (r == -EINVAL)
		return err_set(err, IRONCLAW_ERR_INVALID, ENOTSUP,
			       "configuration '%s' is not a regular file", path);
	if (r < 0)
		return err_sys(err, -r, "cannot read configuration '%s'", path);
	r = vm_config_from_json(text, len, config, list);
	if (r == -ENOMEM)
		return err_sys(err, ENOMEM, "cannot read configuration '%s'", path);
	if (r < 0) {
		(void)violations_to_error(list, "invalid VM configuration", err);
		err_prefix(err, "'%s'", path);
	}
	return r;
}

/* What parse.h said about a number with a unit. */
static void judge_number(int r, const char *field, const char *form, const char *text,
			 struct violations *list)
{
	if (r == -ERANGE)
		violations_add(list, field, "is too large: '%s'", text);
	else if (r < 0)
		violations_add(list, field, "must be %s, not '%s'", form, text);
}

/* "a.b" is the field b in the table of the object a. */
static const struct json_field *find_dotted(const char *name)
{
	const struct json_field *fields = config_fields, *found = NULL;
	char part[VIOLATION_FIELD_MAX_B];

	while (fields && *name) {
		size_t len = strcspn(name, ".");

		ic_assert(len < sizeof(part));
		memcpy(part, name, len);
		part[len] = '\0';
		found = json_find_field(fields, part);
		fields = found ? found->fields : NULL;
		name += len + (name[len] == '.');
	}
	return found;
}

void vm_config_set_text(struct vm_config *config, const char *field, const char *text,
			struct violations *list)
{
	const struct json_field *entry = find_dotted(field);

	ic_assert(entry);
	if (entry->offset == offsetof(struct vm_config, vcpu_count))
		judge_number(parse_u32(text, 0, UINT32_MAX, &config->vcpu_count), field,
			     "a whole number", text, list);
	else if (entry->offset == offsetof(struct vm_config, memory_mib))
		judge_number(parse_size_mib(text, &config->memory_mib), field,
			     "a size such as 256M or 2G", text, list);
	else if (entry->offset == offsetof(struct vm_config, overlay_size_mib))
		judge_number(parse_size_mib(text, &config->overlay_size_mib), field,
			     "a size such as 256M or 2G", text, list);
	else if (entry->offset == offsetof(struct vm_config, timeout_ms))
		judge_number(parse_duration_ms(text, &config->timeout_ms), field,
			     "a duration above zero such as 500ms, 30s or 5m", text, list);
	else
		json_set_text(entry, field, text, config, list);
}
