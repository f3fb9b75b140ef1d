/* SPDX-License-Identifier: Apache-2.0 */
/* handshake.c - give a guest its identity; see handshake.h. */
#include "link/handshake.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "sys/file.h"

/* The agent asks eight times at most. */
#define TIME_REQUESTS_MAX 16

static void to_hex(char *out, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* A random UUID (RFC 4122, version 4), as the kernel's boot id is one. */
static void make_uuid(char out[WIRE_BOOT_ID_B + 1], uint8_t bytes[16])
{
	char hex[33];

	bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
	bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
	to_hex(hex, bytes, 16);
	(void)snprintf(out, WIRE_BOOT_ID_B + 1, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
		       hex + 16, hex + 20);
}

int handshake_init(struct handshake *h, bool booting, const char *hostname, uint32_t overlay_mib)
{
	uint8_t bytes[WIRE_ENTROPY_B + 32];

	/* At most 256 bytes come whole or not at all. */
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return -errno;
	*h = (struct handshake){.state = booting ? HANDSHAKE_WAIT_HELLO : HANDSHAKE_WAIT_OK};
	memcpy(h->identity.entropy, bytes, WIRE_ENTROPY_B);
	to_hex(h->identity.machine_id, bytes + WIRE_ENTROPY_B, 16);
	make_uuid(h->identity.boot_id, bytes + WIRE_ENTROPY_B + 16);
	(void)snprintf(h->identity.hostname, sizeof(h->identity.hostname), "%s", hostname);
	h->identity.overlay_mib = overlay_mib;
	explicit_bzero(bytes, sizeof(bytes));
	return 0;
}

void handshake_again(struct handshake *h)
{
	h->state = HANDSHAKE_WAIT_HELLO;
	h->time_requests = 0;
}

static int send_frame(int fd, uint8_t kind, const uint8_t *payload, uint32_t length)
{
	uint8_t frame[WIRE_HEADER_B + WIRE_IDENTITY_MAX_B];
	const struct wire_header header = {.kind = kind, .length = length};

	wire_header_put(frame, &header);
	memcpy(frame + WIRE_HEADER_B, payload, length);
	return file_write_full(fd, frame, WIRE_HEADER_B + length);
}

static int send_identity(struct handshake *h, int fd)
{
	uint8_t payload[WIRE_IDENTITY_MAX_B];
	size_t n = wire_identity_put(payload, &h->identity);
	int r;

	if (n == 0)
		return -EINVAL;
	r = send_frame(fd, WIRE_IDENTITY, payload, (uint32_t)n);
	explicit_bzero(payload, sizeof(payload));
	return r;
}

void handshake_time(uint8_t ret[WIRE_TIME_B], uint64_t token)
{
	struct timespec now;

	wire_put_u64(ret, token);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	wire_put_u64(ret + 8, (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec);
}

static int send_time(int fd, const uint8_t *token)
{
	uint8_t payload[WIRE_TIME_B];

	handshake_time(payload, wire_get_u64(token));
	return send_frame(fd, WIRE_TIME, payload, sizeof(payload));
}

int handshake_begin(struct handshake *h, int link_fd)
{
	return h->state == HANDSHAKE_WAIT_OK ? send_identity(h, link_fd) : 0;
}

int handshake_see(struct handshake *h, const struct wire_frame *frame, int link_fd,
		  const char **ret_bad)
{
	int r;

	if (h->state == HANDSHAKE_WAIT_HELLO && frame->header.kind == WIRE_HELLO) {
		if (wire_get_u32(frame->payload) != WIRE_VERSION) {
			*ret_bad = "version of HELLO";
			return -EPROTO;
		}
		r = send_identity(h, link_fd);
		if (r == 0)
			h->state = HANDSHAKE_WAIT_OK;
		return r;
	}
	if (h->state == HANDSHAKE_WAIT_OK && frame->header.kind == WIRE_TIME_REQUEST) {
		if (++h->time_requests > TIME_REQUESTS_MAX) {
			*ret_bad = "number of TIME_REQUEST frames";
			return -EPROTO;
		}
		return send_time(link_fd, frame->payload);
	}
	if (h->state == HANDSHAKE_WAIT_OK && frame->header.kind == WIRE_IDENTITY_OK) {
		h->state = HANDSHAKE_DONE;
		return 0;
	}
	*ret_bad = "kind of a frame before IDENTITY_OK";
	return -EPROTO;
}
