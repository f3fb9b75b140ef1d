/* SPDX-License-Identifier: Apache-2.0 */
/* message.c - TLV records, IDENTITY and EXIT; see message.h. */
#include "wire/message.h"

#include <string.h>

bool wire_tlv_next(const uint8_t *buf, size_t len, size_t *at, struct wire_tlv *ret)
{
	size_t left;
	uint32_t length;

	if (*at > len || len - *at < WIRE_TLV_HEADER_B)
		return false;
	left = len - *at - WIRE_TLV_HEADER_B;
	length = wire_get_u32(buf + *at + 2);
	if (length > left)
		return false;
	ret->tag = wire_get_u16(buf + *at);
	ret->length = length;
	ret->value = buf + *at + WIRE_TLV_HEADER_B;
	*at += WIRE_TLV_HEADER_B + length;
	return true;
}

bool wire_tlv_put(uint8_t *buf, size_t size, size_t *at, uint16_t tag, const void *value,
		  uint32_t length)
{
	if (*at > size || size - *at < WIRE_TLV_HEADER_B || size - *at - WIRE_TLV_HEADER_B < length)
		return false;
	wire_put_u16(buf + *at, tag);
	wire_put_u32(buf + *at + 2, length);
	if (length > 0)
		memcpy(buf + *at + WIRE_TLV_HEADER_B, value, length);
	*at += WIRE_TLV_HEADER_B + length;
	return true;
}

static bool is_lower_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool hostname_valid(const char *s, size_t len)
{
	if (len < 1 || len > WIRE_HOSTNAME_MAX_B)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool letter = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z');

		if (!letter && !(s[i] >= '0' && s[i] <= '9') && s[i] != '-')
			return false;
	}
	return true;
}

static bool machine_id_valid(const char *s, size_t len)
{
	if (len != WIRE_MACHINE_ID_B)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_lower_hex(s[i]))
			return false;
	return true;
}

static bool boot_id_valid(const char *s, size_t len)
{
	if (len != WIRE_BOOT_ID_B)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !is_lower_hex(s[i]))
			return false;
	}
	return true;
}

size_t wire_identity_put(uint8_t out[WIRE_IDENTITY_MAX_B], const struct wire_identity *identity)
{
	size_t hostname_len = strnlen(identity->hostname, sizeof(identity->hostname));
	size_t at = 0;
	uint8_t mib[4];

	if (!hostname_valid(identity->hostname, hostname_len) ||
	    !machine_id_valid(identity->machine_id,
			      strnlen(identity->machine_id, sizeof(identity->machine_id))) ||
	    !boot_id_valid(identity->boot_id,
			   strnlen(identity->boot_id, sizeof(identity->boot_id))) ||
	    identity->overlay_mib == 0)
		return 0;
	wire_put_u32(mib, identity->overlay_mib);
	if (!wire_tlv_put(out, WIRE_IDENTITY_MAX_B, &at, WIRE_ID_ENTROPY, identity->entropy,
			  WIRE_ENTROPY_B) ||
	    !wire_tlv_put(out, WIRE_IDENTITY_MAX_B, &at, WIRE_ID_HOSTNAME, identity->hostname,
			  (uint32_t)hostname_len) ||
	    !wire_tlv_put(out, WIRE_IDENTITY_MAX_B, &at, WIRE_ID_MACHINE_ID, identity->machine_id,
			  WIRE_MACHINE_ID_B) ||
	    !wire_tlv_put(out, WIRE_IDENTITY_MAX_B, &at, WIRE_ID_BOOT_ID, identity->boot_id,
			  WIRE_BOOT_ID_B) ||
	    !wire_tlv_put(out, WIRE_IDENTITY_MAX_B, &at, WIRE_ID_OVERLAY, mib, sizeof(mib)))
		return 0;
	return at;
}

static const char *identity_take(const struct wire_tlv *tlv, struct wire_identity *identity)
{
	const char *text = (const char *)tlv->value;

	switch (tlv->tag) {
	case WIRE_ID_ENTROPY:
		if (tlv->length != WIRE_ENTROPY_B)
			return "entropy of IDENTITY";
		memcpy(identity->entropy, text, WIRE_ENTROPY_B);
		return NULL;
	case WIRE_ID_HOSTNAME:
		if (!hostname_valid(text, tlv->length))
			return "hostname of IDENTITY";
		memcpy(identity->hostname, text, tlv->length);
		return NULL;
	case WIRE_ID_MACHINE_ID:
		if (!machine_id_valid(text, tlv->length))
			return "machine id of IDENTITY";
		memcpy(identity->machine_id, text, WIRE_MACHINE_ID_B);
		return NULL;
	case WIRE_ID_BOOT_ID:
		if (!boot_id_valid(text, tlv->length))
			return "boot id of IDENTITY";
		memcpy(identity->boot_id, text, WIRE_BOOT_ID_B);
		return NULL;
	case WIRE_ID_OVERLAY:
		if (tlv->length != 4 || wire_get_u32(tlv->value) == 0)
			return "overlay size of IDENTITY";
		identity->overlay_mib = wire_get_u32(tlv->value);
		return NULL;
	default:
		return "tag of IDENTITY";
	}
}

const char *wire_identity_get(const uint8_t *buf, size_t len, struct wire_identity *ret)
{
	struct wire_identity identity = {0};
	struct wire_tlv tlv;
	const char *bad;
	uint32_t seen = 0;
	size_t at = 0;

	while (wire_tlv_next(buf, len, &at, &tlv)) {
		bad = identity_take(&tlv, &identity);
		if (bad)
			return bad;
		if (seen & 1U << tlv.tag)
			return "repeated tag of IDENTITY";
		seen |= 1U << tlv.tag;
	}
	if (at != len)
		return "length of a record in IDENTITY";
	for (unsigned int tag = WIRE_ID_ENTROPY; tag <= WIRE_ID_OVERLAY; tag++)
		if (!(seen & 1U << tag))
			return "missing tag of IDENTITY";
	*ret = identity;
	return NULL;
}

void wire_exit_put(uint8_t out[WIRE_EXIT_B], const struct wire_exit *exit)
{
	wire_put_u16(out, exit->how);
	wire_put_u16(out + 2, exit->flags);
	wire_put_u32(out + 4, exit->value);
}

const char *wire_exit_get(const uint8_t in[WIRE_EXIT_B], struct wire_exit *ret)
{
	struct wire_exit exit = {
		.how = wire_get_u16(in),
		.flags = wire_get_u16(in + 2),
		.value = wire_get_u32(in + 4),
	};

	if (exit.how != WIRE_EXITED && exit.how != WIRE_SIGNALED)
		return "how of EXIT";
	if (exit.flags & ~WIRE_EXIT_OOM)
		return "flags of EXIT";
	if (exit.how == WIRE_EXITED ? exit.value > 255 : exit.value < 1 || exit.value > 64)
		return "value of EXIT";
	*ret = exit;
	return NULL;
}
