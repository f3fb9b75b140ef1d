/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_mcp_http.c - any text as each header that the HTTP server reads by itself.
 *
 * Never a crash; a foreign host or origin is never taken; what was decoded from a wrapper is what
 * an encoder would have wrapped; an event id that was taken is what a stream would write.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "mcp/http_check.h"
#include "mcp/http_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void try_places(const char *text)
{
	if (mcp_http_host_allowed(text, NULL))
		require(strncasecmp(text, "localhost", 9) == 0 ||
			strncmp(text, "127.0.0.1", 9) == 0 || strncmp(text, "[::1]", 5) == 0);
	if (mcp_http_origin_allowed(text, NULL))
		require(strncasecmp(text, "http", 4) == 0 && strstr(text, "://") &&
			mcp_http_host_allowed(strstr(text, "://") + 3, NULL));
}

static void try_decode(const char *text)
{
	cleanup_free char *got = NULL, *again = NULL;
	char *wrapped;
	size_t len, size;

	if (mcp_http_decode(text, &got, &len) < 0)
		return;
	require(strlen(got) <= len && len <= strlen(text));
	size = sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_ORIGINAL);
	again = malloc(size + 16);
	require(again != NULL);
	memcpy(again, "=?base64?", 9);
	wrapped = sodium_bin2base64(again + 9, size, (unsigned char *)got, len,
				    sodium_base64_VARIANT_ORIGINAL);
	(void)strcat(wrapped, "?=");
	text += strspn(text, " \t");
	/* Either it was wrapped, then exactly so; or it is itself. */
	require(strncmp(text, again, strlen(again)) == 0 || strncmp(text, got, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = malloc(size + 1);
	uint64_t name, number;
	json_t *value;

	require(text != NULL);
	memcpy(text, data, size);
	text[size] = 0;
	try_places(text);
	try_decode(text);
	if (mcp_http_accepts(text, "text/event-stream"))
		require(strchr(text, '/') != NULL);
	(void)mcp_http_is_json(text);
	(void)mcp_http_token_valid(text);
	(void)mcp_http_bearer(text);
	if (http_stream_parse_id(text, &name, &number) == 0)
		require(strtoull(text, NULL, 10) == name && name > 0 && number > 0);
	value = json_integer(strtoll(text, NULL, 10));
	if (mcp_http_value_is(text, value))
		require(strpbrk(text, "123456789") || json_integer_value(value) == 0);
	json_decref(value);
	return 0;
}
