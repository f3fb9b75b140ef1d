/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firecracker_snapshot.c - the two files of a snapshot; see firecracker.h.
 *
 * The state file: MAGIC, u64 check sum of all that follows it, version of the format in 16 bytes,
 * and the machine as JSON. It says nothing that the real one's says in the same place, but it fails
 * as that does: another version is "bitcode error", a flipped bit fails the check sum. The memory
 * file is as large as the machine's memory, and all holes.
 */
#include "firecracker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC	    "FAKEFCST"
#define MAGIC_B	    8U
#define SUM_B	    8U
#define VERSION_B   16U
#define HEAD_B	    (MAGIC_B + SUM_B + VERSION_B)
#define STATE_MAX_B (256U * 1024U)
#define MIB	    (INT64_C(1024) * 1024)

const char *fc_snapshot_version(void)
{
	static const struct {
		int since;
		const char *format;
	} formats[] = {{17, "11.0.0"}, {16, "10.0.0"}, {15, "9.0.0"}, {13, "8.0.0"}, {12, "6.0.0"},
		       {11, "5.0.0"},  {9, "3.0.0"},   {8, "2.0.0"},  {7, "1.0.0"}};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (fc_version >= FC_VERSION(formats[i].since, 0))
			return formats[i].format;
	return NULL;
}

static uint64_t sum_of(const char *at, size_t len)
{
	uint64_t sum = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < len; i++)
		sum = (sum ^ (unsigned char)at[i]) * UINT64_C(1099511628211);
	return sum;
}

static void put_state(struct fc_bytes *out)
{
	char version[VERSION_B] = {0};
	uint64_t sum;

	(void)snprintf(version, sizeof(version), "%s", fc_snapshot_version());
	fc_bytes_add(out, MAGIC "\0\0\0\0\0\0\0\0", MAGIC_B + SUM_B);
	fc_bytes_add(out, version, sizeof(version));
	fc_bytes_print(out, "{\"port\":%u,\"machine\":", fc_vsock_port());
	fc_json_print(out, fc_vm.machine);
	fc_bytes_print(out, ",\"drives\":");
	fc_json_print(out, fc_vm.drives);
	fc_bytes_print(out, ",\"vsock\":");
	if (fc_vm.vsock)
		fc_json_print(out, fc_vm.vsock);
	else
		fc_bytes_print(out, "null");
	fc_bytes_print(out, "}");
	sum = sum_of(out->at + MAGIC_B + SUM_B, out->len - MAGIC_B - SUM_B);
	memcpy(out->at + MAGIC_B, &sum, SUM_B);
}

/* Return: 0 or errno. */
static int write_file(const char *path, const struct fc_bytes *bytes, int64_t size)
{
	static const char zeros[MIB];
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), r = 0;

	if (fd < 0)
		return errno;
	if (bytes && write(fd, bytes->at, bytes->len) != (ssize_t)bytes->len)
		r = errno;
	/* Zeros and all. */
	for (int64_t at = 0; r == 0 && at < size; at += (int64_t)sizeof(zeros))
		if (write(fd, zeros, sizeof(zeros)) != (ssize_t)sizeof(zeros))
			r = errno;
	if (fsync(fd) < 0)
		r = errno;
	(void)close(fd);
	return r;
}

void fc_snapshot_create(const struct fc_json *body, struct fc_answer *answer)
{
	const char *path = fc_json_text(body, "snapshot_path");
	struct fc_bytes state = {0};
	int r;

	if (!fc_snapshot_version()) {
		fc_fault(answer, "not modelled by this stand-in: snapshots before 1.7");
		return;
	}
	put_state(&state);
	r = write_file(path, &state, 0);
	fc_bytes_free(&state);
	if (r != 0) {
		fc_fault(answer,
			 "Create snapshot error: Cannot perform open on the snapshot "
			 "backing file: %s",
			 fc_os_error(r));
		return;
	}
	if (fc_fault_at("save-fails", NULL, NULL))
		r = ENOSPC;
	else
		r = write_file(fc_json_text(body, "mem_file_path"), NULL,
			       fc_json_int(fc_vm.machine, "mem_size_mib", 0) * MIB);
	if (r != 0)
		fc_fault(answer, "Create snapshot error: Cannot write memory file: %s",
			 fc_os_error(r));
}

/* Return: the bytes behind the head, or NULL with the reason. */
static const char *read_state(const char *path, char *buf, size_t *ret_len, const char **ret_bad)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, STATE_MAX_B);
	uint64_t sum;

	*ret_bad = NULL;
	if (fd < 0)
		*ret_bad = fc_os_error(errno);
	else
		(void)close(fd);
	if (*ret_bad)
		return NULL;
	if (n < (ssize_t)HEAD_B || memcmp(buf, MAGIC, MAGIC_B) != 0) {
		*ret_bad = "An error occured during bitcode decoding: bitcode error";
		return NULL;
	}
	memcpy(&sum, buf + MAGIC_B, SUM_B);
	if (sum != sum_of(buf + MAGIC_B + SUM_B, (size_t)n - MAGIC_B - SUM_B)) {
		*ret_bad = "CRC64 validation failed";
		return NULL;
	}
	if (!fc_snapshot_version() ||
	    strncmp(buf + MAGIC_B + SUM_B, fc_snapshot_version(), VERSION_B) != 0) {
		*ret_bad = fc_version >= FC_VERSION(15, 0)
				   ? "An error occured during bitcode decoding: bitcode error"
				   : "An error occured during bincode decoding";
		return NULL;
	}
	*ret_len = (size_t)n - HEAD_B;
	return buf + HEAD_B;
}

int fc_snapshot_describe(const char *path)
{
	static char buf[STATE_MAX_B];
	const char *bad;
	size_t len;

	if (!read_state(path, buf, &len, &bad)) {
		(void)fprintf(stderr, "Error: PrintSnapshotDataFormat(%s)\n", bad);
		return FC_EXIT_ERROR;
	}
	(void)printf("v%s\n", fc_snapshot_version());
	(void)fflush(stdout);
	return 0;
}

static void failed(struct fc_answer *answer, const char *what, const char *why)
{
	fc_fault(answer, "Load snapshot error: Failed to restore from snapshot: %s: %s", what, why);
}

static bool memory_fine(const char *path, int64_t size, struct fc_answer *answer)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = errno;

	if (fd < 0 || fstat(fd, &st) < 0) {
		failed(answer, "Failed to load guest memory", fc_os_error(r));
		return false;
	}
	(void)close(fd);
	if (st.st_size < size)
		failed(answer, "Failed to load guest memory",
		       "Error creating guest memory from file: The backing file is too small");
	return st.st_size >= size;
}

static bool drives_fine(const struct fc_json *drives, struct fc_answer *answer)
{
	for (const struct fc_json *d = drives->first; d; d = d->next) {
		const char *path = fc_json_text(d, "path_on_host");
		int fd = open(path, (fc_json_flag(d, "is_read_only") ? O_RDONLY : O_RDWR) |
					    O_CLOEXEC | O_NONBLOCK);

		if (fd < 0) {
			failed(answer, "Failed to build microVM from snapshot", fc_os_error(errno));
			return false;
		}
		(void)close(fd);
	}
	return true;
}

static bool vsock_fine(const struct fc_json *vsock, const struct fc_json *override,
		       struct fc_answer *answer)
{
	const char *path = fc_json_text(vsock, "uds_path");
	int r;

	if (override && !path) {
		failed(answer, "Failed to build microVM from snapshot", "Unknown Vsock Device.");
		return false;
	}
	if (!path)
		return true;
	if (override)
		path = fc_json_text(override, "uds_path");
	r = fc_vsock_bind(path);
	if (r != 0)
		failed(answer,
		       "Failed to build microVM from snapshot: Error binding to the host-side Unix "
		       "socket",
		       fc_os_error(r));
	return r == 0;
}

/* Everything of the file is in place: let it run. */
static void take(struct fc_json *state, const struct fc_json *override)
{
	struct fc_json **at = &state->first;

	while (*at) {
		struct fc_json *part = *at;

		if (strcmp(part->key, "machine") == 0)
			fc_vm.machine = fc_json_copy(part);
		else if (strcmp(part->key, "drives") == 0)
			fc_vm.drives = fc_json_copy(part);
		else if (strcmp(part->key, "vsock") == 0 && part->type == FC_OBJECT)
			fc_vm.vsock = fc_json_copy(part);
		at = &part->next;
	}
	for (struct fc_json *f = override && fc_vm.vsock ? fc_vm.vsock->first : NULL; f;
	     f = f->next) {
		if (strcmp(f->key, "uds_path") != 0)
			continue;
		free(f->text);
		f->text = strdup(fc_json_text(override, "uds_path"));
	}
	if (fc_version >= FC_VERSION(15, 0))
		fc_vsock_set_port((uint32_t)fc_json_int(state, "port", 0));
}

static bool restore(struct fc_json *state, const struct fc_json *body, struct fc_answer *answer)
{
	const struct fc_json *backend = fc_json_get(body, "mem_backend");
	const struct fc_json *override = fc_json_get(body, "vsock_override");
	const char *memory =
		fc_json_text(backend ? backend : body, backend ? "backend_path" : "mem_file_path");
	const char *kind = fc_json_text(backend, "backend_type");
	int64_t mib = fc_json_int(fc_json_get(state, "machine"), "mem_size_mib", 0);

	if (kind && strcmp(kind, "Uffd") == 0) {
		failed(answer, "Failed to load guest memory", "not modelled by this stand-in");
		return false;
	}
	if (fc_vm.no_kvm > 0) {
		failed(answer, "Failed to build microVM from snapshot: Error creating KVM object",
		       fc_os_error(EACCES));
		return false;
	}
	if (!memory_fine(memory, mib * MIB, answer))
		return false;
	if (fc_json_flag(body, "clock_realtime") && fc_fault_at("no-realtime", NULL, NULL)) {
		failed(answer, "Failed to build microVM from snapshot",
		       "clock_realtime was requested but not present in the snapshot state");
		return false;
	}
	if (!drives_fine(fc_json_get(state, "drives"), answer) ||
	    !vsock_fine(fc_json_get(state, "vsock"), override, answer))
		return false;
	take(state, override);
	if (fc_vm.vsock && fc_vsock_start(true) != 0) {
		failed(answer, "fake firecracker", "cannot start the guest");
		return false;
	}
	if (!fc_json_flag(body, "resume_vm"))
		fc_vsock_pause();
	if (!fc_seccomp_install()) {
		failed(answer, "Failed to build microVM from snapshot",
		       "Cannot install seccomp filters");
		return false;
	}
	return true;
}

void fc_snapshot_load(const struct fc_json *body, struct fc_answer *answer)
{
	static char buf[STATE_MAX_B];
	char error[FC_TEXT_B];
	struct fc_json *state;
	const char *bad, *text;
	size_t len = 0;

	text = read_state(fc_json_text(body, "snapshot_path"), buf, &len, &bad);
	state = text ? fc_json_parse(text, len, error) : NULL;
	if (!state)
		failed(answer,
		       "Failed to get snapshot state from file: Failed to load snapshot state from "
		       "file",
		       bad ? bad : error);
	else
		(void)restore(state, body, answer);
	fc_json_free(state);
}
