/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_firewall.c - any bytes as what nft prints, to firewall/firewall_readback.h.
 *
 * The first byte chooses the function, the rest is the output. What passes must be the one text
 * that is right, counters apart; a failure is one printable line.
 *
 * The corpus: what nft 1.0.6 printed for the rules of "vm-1" with uid 1000, and its errors.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall/firewall_readback.h"

#define CHAIN "IRONCLAW_vm_1_3db72406"
#define OPEN  "table inet ironclaw {\n"
#define CLOSE "\t}\n}\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define UID_JUMP                                                                                   \
	OPEN "\tmap uids {\n\t\ttype uid : verdict\n\t\telements = { 1000 : jump " CHAIN           \
	     " }\n" CLOSE

static const char before_packets[] =
	OPEN "\tchain input {\n\t\ttype filter hook input priority -310; policy accept;\n"
	     "\t\tmeta skuid vmap @uids\n\t\tiifname vmap @interfaces\n" CLOSE OPEN
	     "\tchain output {\n\t\ttype filter hook output priority -310; policy accept;\n"
	     "\t\tmeta skuid vmap @uids\n\t\toifname vmap @interfaces\n" CLOSE OPEN
	     "\tchain forward {\n\t\ttype filter hook forward priority -310; policy accept;\n"
	     "\t\tiifname vmap @interfaces\n\t\toifname vmap @interfaces\n" CLOSE OPEN
	     "\tchain " CHAIN " {\n\t\tcomment \"vm-1\"\n\t\tcounter packets ";
static const char after_bytes[] = " counter name \"dropped\" drop\n" CLOSE UID_JUMP OPEN
				  "\tmap interfaces {\n\t\ttype ifname : verdict\n"
				  "\t\telements = { \"ic3db72406\" : jump " CHAIN " }\n" CLOSE;

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void require_printable(const char text[FIREWALL_FAILURE_B])
{
	size_t length = strnlen(text, FIREWALL_FAILURE_B);

	require(length > 0 && length < FIREWALL_FAILURE_B);
	for (size_t i = 0; i < length; i++)
		require(text[i] >= ' ' && text[i] <= '~');
}

/* The only text that may pass, rebuilt from the numbers in it. */
static void require_right(const char *text, size_t length, uint64_t packets)
{
	char number[32], expected[FIREWALL_TEXT_B];
	size_t front = sizeof(before_packets) - 1, n;

	n = (size_t)snprintf(number, sizeof(number), "%llu bytes ", (unsigned long long)packets);
	require(length > front + n && length < sizeof(expected));
	memcpy(expected, before_packets, front);
	memcpy(expected + front, number, n);
	n += front;
	for (; n < length && text[n] >= '0' && text[n] <= '9'; n++)
		expected[n] = text[n];
	require(length - n == sizeof(after_bytes) - 1);
	memcpy(expected + n, after_bytes, length - n);
	require(memcmp(expected, text, length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char failure[FIREWALL_FAILURE_B] = "";
	uint64_t packets = 0;
	struct firewall_vm vm;
	size_t length;
	char *text;

	if (size == 0)
		return 0;
	require(firewall_vm_init(&vm, "vm-1", 1000) == 0);
	length = size - 1;
	/* A copy of just this size, so that a read past its end is seen. */
	text = malloc(length ? length : 1);
	require(text != NULL);
	memcpy(text, data + 1, length);
	switch (data[0] % 5) {
	case 0:
		if (firewall_readback_check(&vm, text, length, &packets, failure) == 0)
			require_right(text, length, packets);
		else
			require_printable(failure);
		break;
	case 1:
		if (firewall_readback_owns(&vm, text, length))
			require(memmem(text, length, "\t\tcomment \"vm-1\"\n", 17) != NULL);
		break;
	case 2:
		if (firewall_readback_leads(&vm, FIREWALL_PART_UID, text, length))
			require(length == sizeof(UID_JUMP) - 1 &&
				memcmp(text, UID_JUMP, length) == 0);
		break;
	case 3:
		if (firewall_readback_awake(text, length))
			require(memcmp(text, OPEN, sizeof(OPEN) - 1) == 0 &&
				(length < 29 || memcmp(text + 22, "\tflags ", 7) != 0));
		break;
	default:
		firewall_complaint(text, length, failure);
		require_printable(failure);
	}
	free(text);
	return 0;
}
