/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firecracker_api.c - the API as tables, and the judgement of requests by them.
 *
 * A row of a table says of a field: name, type, bounds, whether it must be there, and from which
 * version on it is known (before that it is an unknown field). Ranges here are those of the types,
 * which make the JSON wrong; what is a matter of configuration is firecracker_vm.c's.
 * firecracker_test.py holds the tables against the project's published description, where it has
 * one, by FAKE_FC_PRINT=api.
 */
#include "firecracker.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define U8    255
#define U16   65535
#define U32   4294967295
#define U64   INT64_MAX
#define USIZE INT64_MAX

enum kind { BOOL, STRING, NUMBER, CHOICE, OBJECT, OBJECTS, STRINGS, MAP, ANY };
enum {
	MUST = 1,  /* required */
	LOOSE = 2, /* on the last row: unknown fields are let through */
	OTHER = 4, /* of another architecture: described, and unknown here */
	OLD = 8,   /* deprecated: the answer says so */
};

struct field {
	const char *name;
	enum kind kind;
	int flags;
	int since;
	int64_t max;
	const char *choices; /* "a|b" */
	const struct field *inner;
};

#define END                                                                                        \
	{                                                                                          \
		.name = NULL                                                                       \
	}
#define END_LOOSE                                                                                  \
	{                                                                                          \
		.name = NULL, .flags = LOOSE                                                       \
	}

static const struct field bucket[] = {{"size", NUMBER, MUST, .max = U64},
				      {"refill_time", NUMBER, MUST, .max = U64},
				      {"one_time_burst", NUMBER, .max = U64},
				      END_LOOSE};
static const struct field limiter[] = {{"bandwidth", OBJECT, .inner = bucket},
				       {"ops", OBJECT, .inner = bucket},
				       END};
static const struct field action[] = {{"action_type", CHOICE, MUST,
				       .choices = "FlushMetrics|InstanceStart|SendCtrlAltDel"},
				      END};
static const struct field balloon[] = {{"amount_mib", NUMBER, MUST, .max = U32},
				       {"deflate_on_oom", BOOL, MUST},
				       {"stats_polling_interval_s", NUMBER, .max = U16},
				       {"free_page_hinting", BOOL, .since = FC_VERSION(14, 0)},
				       {"free_page_reporting", BOOL, .since = FC_VERSION(14, 0)},
				       END};
static const struct field balloon_update[] = {{"amount_mib", NUMBER, MUST, .max = U32}, END};
static const struct field balloon_statistics[] = {{"stats_polling_interval_s", NUMBER, MUST,
						   .max = U16},
						  END};
static const struct field hinting[] = {{"acknowledge_on_stop", BOOL}, END};
static const struct field boot[] = {{"kernel_image_path", STRING, MUST},
				    {"initrd_path", STRING},
				    {"boot_args", STRING},
				    END};
static const struct field cpu_register[] = {
	{"register", CHOICE, MUST, .choices = "eax|ebx|ecx|edx"}, {"bitmap", STRING, MUST}, END};
static const struct field cpu_leaf[] = {{"leaf", STRING, MUST},
					{"subleaf", STRING, MUST},
					{"flags", NUMBER, MUST, .max = U32},
					{"modifiers", OBJECTS, MUST, .inner = cpu_register},
					END};
static const struct field cpu_msr[] = {{"addr", STRING, MUST}, {"bitmap", STRING, MUST}, END};
static const struct field cpu[] = {{"kvm_capabilities", STRINGS},
				   {"cpuid_modifiers", OBJECTS, .inner = cpu_leaf},
				   {"msr_modifiers", OBJECTS, .inner = cpu_msr},
				   {"reg_modifiers", ANY, OTHER},
				   {"vcpu_features", ANY, OTHER},
				   END};
static const struct field drive[] = {{"drive_id", STRING, MUST},
				     {"is_root_device", BOOL, MUST},
				     {"partuuid", STRING},
				     {"cache_type", CHOICE, .choices = "Unsafe|Writeback"},
				     {"is_read_only", BOOL},
				     {"path_on_host", STRING},
				     {"rate_limiter", OBJECT, .inner = limiter},
				     {"io_engine", CHOICE, .choices = "Sync|Async"},
				     {"socket", STRING},
				     END};
static const struct field drive_update[] = {{"drive_id", STRING, MUST},
					    {"path_on_host", STRING},
					    {"rate_limiter", OBJECT, .inner = limiter},
					    END};
static const struct field pmem[] = {{"id", STRING, MUST},
				    {"path_on_host", STRING, MUST},
				    {"root_device", BOOL},
				    {"read_only", BOOL},
				    {"rate_limiter", OBJECT, .since = FC_VERSION(17, 0),
				     .inner = limiter},
				    END};
static const struct field pmem_update[] = {{"id", STRING, MUST},
					   {"rate_limiter", OBJECT, .inner = limiter},
					   END};
static const struct field logger[] = {{"log_path", STRING}, {"level", STRING},
				      {"show_level", BOOL}, {"show_log_origin", BOOL},
				      {"module", STRING},   END};
#define MACHINE(must)                                                                              \
	{                                                                                          \
		{"vcpu_count", NUMBER, must, .max = U8},                                           \
			{"mem_size_mib", NUMBER, must, .max = USIZE}, {"smt", BOOL},               \
			{"track_dirty_pages", BOOL},                                               \
			{"cpu_template", CHOICE, OLD, .choices = "C3|T2|T2S|T2CL|T2A|V1N1|None"},  \
			{"huge_pages", CHOICE, .since = FC_VERSION(7, 0),                          \
			 .choices = "None|2M|Transparent"},                                        \
			END                                                                        \
	}
static const struct field machine[] = MACHINE(MUST), machine_update[] = MACHINE(0);
static const struct field metrics[] = {{"metrics_path", STRING, MUST},
				       {"emit_id", BOOL, .since = FC_VERSION(17, 0)},
				       {"properties", MAP, .since = FC_VERSION(17, 0)},
				       END_LOOSE};
static const struct field mmds_config[] = {{"network_interfaces", STRINGS, MUST},
					   {"version", CHOICE, .choices = "V1|V2"},
					   {"ipv4_address", STRING},
					   {"imds_compat", BOOL, .since = FC_VERSION(13, 0)},
					   END};
static const struct field entropy[] = {{"rate_limiter", OBJECT, .inner = limiter}, END};
static const struct field serial[] = {{"serial_out_path", STRING},
				      {"rate_limiter", OBJECT, .since = FC_VERSION(16, 0),
				       .inner = bucket},
				      END};
static const struct field hotplug[] = {{"total_size_mib", NUMBER, .max = U32},
				       {"slot_size_mib", NUMBER, .max = U32},
				       {"block_size_mib", NUMBER, .max = U32},
				       END};
static const struct field hotplug_update[] = {{"requested_size_mib", NUMBER, .max = U32}, END};
static const struct field network[] = {{"iface_id", STRING, MUST},
				       {"host_dev_name", STRING, MUST},
				       {"guest_mac", STRING},
				       {"mtu", NUMBER, .since = FC_VERSION(16, 0), .max = U16},
				       {"rx_rate_limiter", OBJECT, .inner = limiter},
				       {"tx_rate_limiter", OBJECT, .inner = limiter},
				       END};
static const struct field network_update[] = {{"iface_id", STRING, MUST},
					      {"rx_rate_limiter", OBJECT, .inner = limiter},
					      {"tx_rate_limiter", OBJECT, .inner = limiter},
					      END};
static const struct field save[] = {{"snapshot_path", STRING, MUST},
				    {"mem_file_path", STRING, MUST},
				    {"snapshot_type", CHOICE, .choices = "Full|Diff"},
				    END};
static const struct field backend[] = {{"backend_type", CHOICE, MUST, .choices = "File|Uffd"},
				       {"backend_path", STRING, MUST},
				       END};
static const struct field network_override[] = {{"iface_id", STRING, MUST},
						{"host_dev_name", STRING, MUST},
						END_LOOSE};
static const struct field vsock_override[] = {{"uds_path", STRING, MUST}, END_LOOSE};
static const struct field load[] = {{"snapshot_path", STRING, MUST},
				    {"mem_backend", OBJECT, .inner = backend},
				    {"mem_file_path", STRING, OLD},
				    {"enable_diff_snapshots", BOOL, OLD},
				    {"track_dirty_pages", BOOL, .since = FC_VERSION(13, 0)},
				    {"resume_vm", BOOL},
				    {"network_overrides", OBJECTS, .since = FC_VERSION(12, 0),
				     .inner = network_override},
				    {"vsock_override", OBJECT, .since = FC_VERSION(16, 0),
				     .inner = vsock_override},
				    {"clock_realtime", BOOL, .since = FC_VERSION(14, 4)},
				    {"huge_pages", CHOICE, .since = FC_VERSION(17, 0),
				     .choices = "Snapshot|None|Transparent|2M"},
				    END};
static const struct field state[] = {{"state", CHOICE, MUST, .choices = "Paused|Resumed"}, END};
static const struct field vsock[] = {{"guest_cid", NUMBER, MUST, .max = U32},
				     {"uds_path", STRING, MUST},
				     {"vsock_id", STRING, OLD},
				     END};
static const struct field no_fields[] = {END}, any_fields[] = {END_LOOSE};

enum phase { BEFORE = 1, AFTER = 2, ALWAYS = 3 };

static const struct request {
	const char *method, *path;  /* "/drives/{drive_id}" */
	const struct field *fields; /* NULL: no body */
	fc_handler *handler;
	enum phase phase;
	int since;
	bool body_optional;
	bool boots; /* sets up a machine of its own, so that no snapshot can be loaded any more */
} requests[] = {
	{"GET", "/", NULL, fc_get_instance, ALWAYS, 0, false, false},
	{"GET", "/version", NULL, fc_get_version, ALWAYS, 0, false, false},
	{"GET", "/vm/config", NULL, fc_get_config, ALWAYS, 0, false, false},
	{"GET", "/machine-config", NULL, fc_get_machine, ALWAYS, 0, false, false},
	{"PUT", "/machine-config", machine, fc_put_machine, BEFORE, 0, false, true},
	{"PATCH", "/machine-config", machine_update, fc_patch_machine, BEFORE, 0, false, true},
	{"PUT", "/boot-source", boot, fc_put_boot, BEFORE, 0, false, true},
	{"PUT", "/drives/{drive_id}", drive, fc_put_drive, BEFORE, 0, false, true},
	{"PATCH", "/drives/{drive_id}", drive_update, fc_patch_drive, AFTER, 0, false, false},
	{"PUT", "/vsock", vsock, fc_put_vsock, BEFORE, 0, false, true},
	{"PUT", "/entropy", entropy, fc_put_entropy, BEFORE, 0, false, true},
	{"PUT", "/serial", serial, fc_put_serial, BEFORE, FC_VERSION(14, 0), false, false},
	{"PUT", "/logger", logger, fc_put_logger, BEFORE, 0, false, false},
	{"PUT", "/metrics", metrics, fc_put_metrics, BEFORE, 0, false, false},
	{"PUT", "/cpu-config", cpu, fc_put_other, BEFORE, 0, false, false},
	{"PUT", "/actions", action, fc_put_action, ALWAYS, 0, false, false},
	{"PATCH", "/vm", state, fc_patch_vm, AFTER, 0, false, false},
	{"PUT", "/snapshot/create", save, fc_put_create, AFTER, 0, false, false},
	{"PUT", "/snapshot/load", load, fc_put_load, BEFORE, 0, false, false},
	{"GET", "/balloon", NULL, fc_not_modelled, ALWAYS, 0, false, false},
	{"PUT", "/balloon", balloon, fc_put_other, BEFORE, 0, false, true},
	{"PATCH", "/balloon", balloon_update, fc_not_modelled, AFTER, 0, false, false},
	{"GET", "/balloon/statistics", NULL, fc_not_modelled, AFTER, 0, false, false},
	{"PATCH", "/balloon/statistics", balloon_statistics, fc_not_modelled, AFTER, 0, false,
	 false},
	{"PATCH", "/balloon/hinting/start", hinting, fc_not_modelled, AFTER, FC_VERSION(14, 0),
	 true, false},
	{"PATCH", "/balloon/hinting/stop", no_fields, fc_not_modelled, AFTER, FC_VERSION(14, 0),
	 true, false},
	{"GET", "/balloon/hinting/status", NULL, fc_not_modelled, AFTER, FC_VERSION(14, 0), false,
	 false},
	{"GET", "/mmds", NULL, fc_get_mmds, ALWAYS, 0, false, false},
	{"PUT", "/mmds", any_fields, fc_put_mmds, ALWAYS, 0, false, false},
	{"PATCH", "/mmds", any_fields, fc_not_modelled, ALWAYS, 0, false, false},
	{"PUT", "/mmds/config", mmds_config, fc_put_other, BEFORE, 0, false, true},
	{"PUT", "/network-interfaces/{iface_id}", network, fc_not_modelled, BEFORE, 0, false, true},
	{"PATCH", "/network-interfaces/{iface_id}", network_update, fc_not_modelled, AFTER, 0,
	 false, false},
	{"PUT", "/pmem/{id}", pmem, fc_not_modelled, BEFORE, FC_VERSION(14, 0), false, true},
	{"PATCH", "/pmem/{id}", pmem_update, fc_not_modelled, AFTER, FC_VERSION(17, 0), false,
	 false},
	{"GET", "/hotplug/memory", NULL, fc_not_modelled, AFTER, FC_VERSION(14, 0), false, false},
	{"PUT", "/hotplug/memory", hotplug, fc_put_other, BEFORE, FC_VERSION(14, 0), false, true},
	{"PATCH", "/hotplug/memory", hotplug_update, fc_not_modelled, AFTER, FC_VERSION(14, 0),
	 false, false},
};
#define REQUESTS (sizeof(requests) / sizeof(requests[0]))

void fc_fault(struct fc_answer *answer, const char *fmt, ...)
{
	char text[FC_MESSAGE_B];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	answer->status = 400;
	answer->body.len = 0;
	fc_bytes_print(&answer->body, "{\"fault_message\":");
	fc_json_quote(&answer->body, text);
	fc_bytes_print(&answer->body, "}");
}

const char *fc_os_error(int errnum)
{
	static char text[128];

	(void)snprintf(text, sizeof(text), "%s (os error %d)",
		       errnum == EADDRINUSE ? "Address in use" : strerror(errnum), errnum);
	return text;
}

static const char *type_of(const struct fc_json *json)
{
	static char text[256];

	switch (json->type) {
	case FC_NULL:
		return "null";
	case FC_BOOL:
		return json->flag ? "boolean `true`" : "boolean `false`";
	case FC_INT:
		(void)snprintf(text, sizeof(text), "integer `%.100s`", json->text);
		return text;
	case FC_REAL:
		(void)snprintf(text, sizeof(text), "floating point `%.100s`", json->text);
		return text;
	case FC_STRING:
		(void)snprintf(text, sizeof(text), "string \"%.100s\"", json->text);
		return text;
	case FC_ARRAY:
		return "sequence";
	case FC_OBJECT:
		return "map";
	}
	return "";
}

static const char *number_type(int64_t max)
{
	return max == U8 ? "u8" : max == U16 ? "u16" : max == U32 ? "u32" : "u64";
}

static bool choice_known(const struct field *field, const char *text)
{
	const char *at = field->choices;
	size_t len = strlen(text);

	/* New ones of old fields. */
	if (strcmp(text, "Transparent") == 0 && fc_version < FC_VERSION(17, 0))
		return false;
	while (at) {
		if (strncmp(at, text, len) == 0 && (at[len] == '|' || at[len] == '\0'))
			return true;
		at = strchr(at, '|');
		at = at ? at + 1 : NULL;
	}
	return false;
}

static bool wrong(char *ret, size_t end, const char *fmt, const char *a, const char *b)
{
	size_t n = (size_t)snprintf(ret, FC_TEXT_B, fmt, a, b);

	if (n < FC_TEXT_B)
		(void)snprintf(ret + n, FC_TEXT_B - n, " at line 1 column %zu", end);
	return false;
}

#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#endif

static bool check(const struct fc_json *json, const struct field *fields, char *ret,
		  bool *ret_deprecated);

static bool check_many(const struct fc_json *json, const struct field *field, char *ret,
		       bool *ret_deprecated)
{
	for (const struct fc_json *item = json->first; item; item = item->next) {
		if (field->kind == OBJECTS) {
			if (!check(item, field->inner, ret, ret_deprecated))
				return false;
		} else if (item->type != FC_STRING) {
			return wrong(ret, item->end, "invalid type: %s, expected %s", type_of(item),
				     "a string");
		}
	}
	return true;
}

static bool check_value(const struct fc_json *json, const struct field *field, char *ret,
			bool *ret_deprecated)
{
	static const struct {
		enum fc_json_type type;
		const char *text;
	} expected[] = {
		[BOOL] = {FC_BOOL, "a boolean"},
		[STRING] = {FC_STRING, "a string"},
		[NUMBER] = {FC_INT, ""},
		[CHOICE] = {FC_STRING, "a string"},
		[OBJECT] = {FC_OBJECT, "struct"},
		[OBJECTS] = {FC_ARRAY, "a sequence"},
		[STRINGS] = {FC_ARRAY, "a sequence"},
		[MAP] = {FC_OBJECT, "a map"},
	};

	if (field->kind == ANY || (json->type == FC_NULL && !(field->flags & MUST)))
		return true;
	if (json->type != expected[field->kind].type)
		return wrong(ret, json->end, "invalid type: %s, expected %s", type_of(json),
			     field->kind == NUMBER ? number_type(field->max)
						   : expected[field->kind].text);
	*ret_deprecated |= (field->flags & OLD) != 0;
	switch (field->kind) {
	case NUMBER:
		if (json->number < 0 || json->number > field->max)
			return wrong(ret, json->end, "invalid value: %s, expected %s",
				     type_of(json), number_type(field->max));
		return true;
	case CHOICE:
		return choice_known(field, json->text) ||
		       wrong(ret, json->end, "unknown variant `%.100s`, expected one of %s",
			     json->text, field->choices);
	case OBJECT:
		return check(json, field->inner, ret, ret_deprecated);
	case OBJECTS:
	case STRINGS:
	case MAP:
		return check_many(json, field, ret, ret_deprecated);
	case BOOL:
	case STRING:
	case ANY:
		break;
	}
	return true;
}

static const struct field *find_field(const struct field *fields, const char *name)
{
	for (; fields->name; fields++)
		if (strcmp(fields->name, name) == 0 && fc_version >= fields->since &&
		    !(fields->flags & OTHER))
			/* This one came with 1.14.4 and 1.15.1. */
			return strcmp(name, "clock_realtime") == 0 &&
					       fc_version == FC_VERSION(15, 0)
				       ? NULL
				       : fields;
	return NULL;
}

static bool twice(const struct fc_json *from, const char *key)
{
	for (from = from->next; from; from = from->next)
		if (strcmp(from->key, key) == 0)
			return true;
	return false;
}

static bool check(const struct fc_json *json, const struct field *fields, char *ret,
		  bool *ret_deprecated)
{
	const struct field *last = fields;

	while (last->name)
		last++;
	if (json->type != FC_OBJECT)
		return wrong(ret, json->end, "invalid type: %s, expected %s", type_of(json),
			     "struct");
	for (const struct fc_json *child = json->first; child; child = child->next) {
		const struct field *field = find_field(fields, child->key);

		if (!field && (last->flags & LOOSE))
			continue;
		if (!field)
			return wrong(ret, child->end, "unknown field `%.100s`%s", child->key,
				     fields->name ? ", expected another" : ", there are no fields");
		if (twice(child, child->key))
			return wrong(ret, child->end, "duplicate field `%.100s`%s", child->key, "");
		if (!check_value(child, field, ret, ret_deprecated))
			return false;
	}
	for (const struct field *field = fields; field->name; field++)
		if ((field->flags & MUST) && !fc_json_get(json, field->name))
			return wrong(ret, json->end, "missing field `%s`%s", field->name, "");
	return true;
}

/* Return: what stands in the place of "{name}", "" without one; NULL when it is another path. */
static const char *match(const char *pattern, const char *path)
{
	const char *open = strchr(pattern, '{');

	if (!open)
		return strcmp(pattern, path) == 0 ? "" : NULL;
	if (strncmp(pattern, path, (size_t)(open - pattern)) != 0)
		return NULL;
	return strchr(path + (open - pattern), '/') ? NULL : path + (open - pattern);
}

static const struct request *find_request(const char *method, const char *path, const char **ret_id)
{
	for (size_t i = 0; i < REQUESTS; i++) {
		const char *id = match(requests[i].path, path);

		if (!id || strcmp(requests[i].method, method) != 0 ||
		    fc_version < requests[i].since)
			continue;
		*ret_id = id;
		return &requests[i];
	}
	return NULL;
}

/* The id of the path, against the rule and the body. */
static bool check_id(const struct request *request, const char *id, const struct fc_json *body,
		     struct fc_answer *answer)
{
	const char *open = strchr(request->path, '{');
	char name[32];

	if (!open)
		return true;
	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(open + 1, "}"), open + 1);
	if (*id == '\0') {
		fc_fault(answer, "The ID cannot be empty.");
		return false;
	}
	for (const char *c = id; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_') {
			fc_fault(answer,
				 "API Resource IDs can only contain alphanumeric characters "
				 "and underscores.");
			return false;
		}
	if (body && strcmp(fc_json_text(body, name), id) != 0) {
		fc_fault(answer,
			 "The id from the path [%s] does not match the id from the body [%s]!", id,
			 fc_json_text(body, name));
		return false;
	}
	return true;
}

static bool in_phase(const struct request *request, struct fc_answer *answer)
{
	if (request->phase & (fc_vm.started ? AFTER : BEFORE))
		return true;
	fc_fault(answer, "The requested operation is not supported %s starting the microVM.",
		 fc_vm.started ? "after" : "before");
	return false;
}

static void carry_out(const struct request *request, const char *id, const struct fc_json *body,
		      struct fc_answer *answer)
{
	if (!in_phase(request, answer))
		return;
	fc_vm.boot_path |= request->boots;
	answer->status = request->fields ? 204 : 200;
	request->handler(id, body, answer);
}

void fc_api(const char *method, const char *path, const char *body, size_t len,
	    struct fc_answer *answer)
{
	const struct request *request;
	char error[FC_TEXT_B];
	struct fc_json *json = NULL;
	const char *id;

	if (strcmp(method, "GET") == 0 && body) {
		fc_fault(answer, "GET request cannot have a body.");
		return;
	}
	if (strcmp(method, "DELETE") == 0) {
		fc_not_modelled(path, NULL, answer);
		return;
	}
	request = find_request(method, path, &id);
	if (!body && (!request || !request->body_optional) && strcmp(method, "GET") != 0) {
		fc_fault(answer, "Empty %s request.", method);
		return;
	}
	if (!request) {
		fc_fault(answer, "Invalid request method and/or path: %s %s.", method, path + 1);
		return;
	}
	if (!check_id(request, id, NULL, answer))
		return;
	json = body ? fc_json_parse(body, len, error) : NULL;
	if (body && (!json || !check(json, request->fields, error, &answer->deprecated)))
		fc_fault(answer,
			 "An error occurred when deserializing the json body of a request: %s.",
			 error);
	else if (check_id(request, id, json, answer))
		carry_out(request, id, json, answer);
	fc_json_free(json);
}

void fc_api_section(const char *key, const struct fc_json *value, struct fc_answer *answer)
{
	bool many = value->type == FC_ARRAY;

	for (const struct fc_json *item = many ? value->first : value; item;
	     item = many ? item->next : NULL) {
		const char *id = many ? fc_json_text(item, "drive_id") : NULL;
		struct fc_bytes body = {0};
		char path[128];

		(void)snprintf(path, sizeof(path), "/%s%s%s",
			       strcmp(key, "mmds-config") == 0 ? "mmds/config" : key,
			       many ? "/" : "", id ? id : "");
		fc_json_print(&body, item);
		fc_api("PUT", path, body.at, body.len, answer);
		fc_bytes_free(&body);
		if (answer->status >= 400)
			return;
	}
}

/* One line a request: method, path, fields with '*' for those that must be there. */
void fc_api_print(void)
{
	for (size_t i = 0; i < REQUESTS; i++) {
		if (fc_version < requests[i].since)
			continue;
		(void)printf("%s %s", requests[i].method, requests[i].path);
		for (const struct field *f = requests[i].fields; f && f->name; f++)
			if (fc_version >= f->since)
				(void)printf(" %s%s", f->flags & MUST ? "*" : "", f->name);
		(void)printf("\n");
	}
}
