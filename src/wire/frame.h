/* SPDX-License-Identifier: Apache-2.0 */
/**
 * frame.h - the frames between host and guest; docs/protocol.md is the specification.
 *
 * One byte stream in each direction carries frames: a header of 8 bytes, little endian, and a
 * payload of at most 64 KiB.
 *
 *   offset 0  u32  length of the payload in bytes
 *          4  u8   kind (enum wire_kind)
 *          5  u8   stream (enum wire_stream; 0 where the kind has none)
 *          6  u16  session (0: the VM itself; 1..WIRE_SESSION_MAX: one exec)
 *
 * The same code runs on both sides: libc only, no allocation. Both sides treat the other as
 * hostile: a frame that breaks a rule ends the link with the name of the offending field.
 */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_VERSION	   1U
#define WIRE_HEADER_B	   8U
#define WIRE_PAYLOAD_MAX_B 65536U
#define WIRE_FRAME_MAX_B   (WIRE_HEADER_B + WIRE_PAYLOAD_MAX_B)
#define WIRE_ERROR_MAX_B   512U /* text of ERROR */
#define WIRE_TIME_B	   16U
#define WIRE_TIME_UNASKED  0U  /* token of a TIME that no TIME_REQUEST asked for */
#define WIRE_SESSION_MAX   16U /* sessions open at the same time in one VM, and highest number */
/** Bytes that may be under way in one stream before the first CREDIT. */
#define WIRE_WINDOW_B	   (256U * 1024U)

enum wire_stream {
	WIRE_STREAM_NONE = 0,
	WIRE_STREAM_STDIN = 1,
	WIRE_STREAM_STDOUT = 2,
	WIRE_STREAM_STDERR = 3,
	WIRE_STREAM_MAX
};

enum wire_kind {
	/* About the VM: session 0. */
	WIRE_HELLO = 1,	       /* guest: u32 version; first on each new link */
	WIRE_IDENTITY = 2,     /* host: TLV, see message.h; after a boot, a restore, each HELLO */
	WIRE_TIME_REQUEST = 3, /* guest: u64 token */
	WIRE_TIME = 4,	       /* host: u64 token, u64 CLOCK_REALTIME in ns, taken when written;
				  unasked after a pause */
	WIRE_IDENTITY_OK = 5,  /* guest: empty; from now on EXEC is accepted */
	WIRE_ERROR = 9,	       /* guest: text, WIRE_ERROR_MAX_B; the link is unusable after it */
	/* About one session. */
	WIRE_EXEC_PART = 16,   /* host: a slice of the TLV request, more follows */
	WIRE_EXEC = 17,	       /* host: the last slice; the command is started */
	WIRE_STARTED = 18,     /* guest: empty */
	WIRE_EXEC_FAILED = 19, /* guest: u32 enum wire_exec_stage, u32 errno; ends the session */
	WIRE_DATA = 20,	       /* either: 1..64 KiB of stdin (host), stdout or stderr (guest) */
	WIRE_EOF = 21,	       /* either: empty; the sender's end of that stream */
	WIRE_CREDIT = 22,  /* either: u32 bytes > 0 that the receiver of a stream has consumed */
	WIRE_SIGNAL = 23,  /* host: u32 signal number 1..64, to the command's process group */
	WIRE_WINSIZE = 24, /* host: u16 rows, u16 columns */
	WIRE_KILL = 25,	   /* host: empty; SIGKILL to everything in the session */
	WIRE_EXIT = 26,	   /* guest: struct wire_exit; last frame of the session */
	WIRE_LOST = 27,	   /* keeper to library, never on the link: empty; the link broke under the
			      session, whose outcome nobody knows; its last frame */
	WIRE_KIND_MAX
};

enum wire_side { WIRE_FROM_HOST, WIRE_FROM_GUEST };

struct wire_header {
	uint32_t length;
	uint8_t kind;
	uint8_t stream;
	uint16_t session;
};

/** One received frame; @payload points into the reader's buffer until the next call on it. */
struct wire_frame {
	struct wire_header header;
	const uint8_t *payload;
};

/** wire_header_put() - encode; the fields are trusted. */
void wire_header_put(uint8_t out[WIRE_HEADER_B], const struct wire_header *header);

/** wire_header_get() - decode; every bit pattern is accepted, wire_header_check() judges. */
void wire_header_get(const uint8_t in[WIRE_HEADER_B], struct wire_header *ret);

/**
 * wire_header_check() - whether a header may come from that side.
 *
 * Checks kind and direction, session (0 or 1..WIRE_SESSION_MAX as the kind asks), stream (as kind
 * and direction ask) and the length that the kind allows.
 *
 * Return: NULL when fine, else a static string that names the field, such as "length of CREDIT"
 */
const char *wire_header_check(const struct wire_header *header, enum wire_side from);

/* Little-endian numbers at any alignment. */
void wire_put_u16(uint8_t *out, uint16_t v);
void wire_put_u32(uint8_t *out, uint32_t v);
void wire_put_u64(uint8_t *out, uint64_t v);
uint16_t wire_get_u16(const uint8_t *in);
uint32_t wire_get_u32(const uint8_t *in);
uint64_t wire_get_u64(const uint8_t *in);

/**
 * A reader cuts a byte stream into frames. The owner supplies the memory, at least
 * WIRE_FRAME_MAX_B; more lets one read(2) take several frames.
 */
struct wire_reader {
	enum wire_side from;
	uint8_t *buf;
	size_t size;	   /* of buf */
	size_t start, end; /* bytes held: [start, end) */
	const char *bad;   /* sticky: name of the field that was wrong */
};

void wire_reader_init(struct wire_reader *reader, enum wire_side from, uint8_t *buf, size_t size);

/**
 * wire_reader_space() - where the next read(2) goes.
 * @ret_len:	how many bytes fit; at least 1 as long as wire_reader_next() was called until 0
 */
uint8_t *wire_reader_space(struct wire_reader *reader, size_t *ret_len);

/** wire_reader_added() - tell that @len bytes were put there. */
void wire_reader_added(struct wire_reader *reader, size_t len);

/**
 * wire_reader_next() - take the next complete frame.
 *
 * A bad header is reported as soon as its 8 bytes are there, before any payload is waited for.
 *
 * Return: 1 with a frame, 0 when more bytes are needed, -EPROTO when the stream is broken (then and
 * for ever; reader->bad tells why)
 */
int wire_reader_next(struct wire_reader *reader, struct wire_frame *ret);

/** wire_reader_pending() - bytes held that are not yet a frame; not 0 at the end of a stream: cut.
 */
size_t wire_reader_pending(const struct wire_reader *reader);

#endif
