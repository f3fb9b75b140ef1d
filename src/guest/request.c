/* SPDX-License-Identifier: Apache-2.0 */
/* request.c - reassembly of EXEC; see request.h. */
#include "guest/request.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "wire/message.h"

#define FIRST_B 65536U

/* Most requests are small, and a clone finds these pages where the template left them. */
static uint8_t first[FIRST_B];

static struct {
	uint16_t session; /* 0: none under way */
	uint8_t *buf;
	size_t size, used;
	bool no_memory;
} request = {.buf = first, .size = FIRST_B};

/* Double until it fits. */
static bool grow(size_t need)
{
	size_t size = request.size;
	void *buf;

	while (size < need)
		size *= 2;
	if (size == request.size)
		return true;
	if (request.buf != first) {
		buf = mremap(request.buf, request.size, size, MREMAP_MAYMOVE);
		if (buf == MAP_FAILED)
			return false;
	} else {
		buf = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (buf == MAP_FAILED)
			return false;
		memcpy(buf, first, request.used);
	}
	request.buf = buf;
	request.size = size;
	return true;
}

const char *request_add(uint16_t session, const uint8_t *slice, uint32_t len)
{
	if (request.session != 0 && request.session != session)
		return "session of EXEC: another request is under way";
	request.session = session;
	if (len > WIRE_EXEC_MAX_B - request.used)
		return "length of EXEC";
	if (!request.no_memory && grow(request.used + len))
		memcpy(request.buf + request.used, slice, len);
	else
		request.no_memory = true;
	request.used += len;
	return NULL;
}

int request_take(const uint8_t **ret, size_t *ret_len)
{
	if (request.no_memory)
		return -ENOMEM;
	*ret = request.buf;
	*ret_len = request.used;
	return 0;
}

void request_free(void)
{
	if (request.buf != first)
		(void)munmap(request.buf, request.size);
	memset(&request, 0, sizeof(request));
	request.buf = first;
	request.size = FIRST_B;
}
