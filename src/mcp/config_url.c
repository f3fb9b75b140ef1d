/* SPDX-License-Identifier: Apache-2.0 */
/* config_url.c - which URLs of servers are taken; see config_internal.h. */
#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"
#include "mcp/config_internal.h"

#define HOST_MAX_B 254U

/* @host is [ADDRESS]; numbers only. */
static bool ipv6_good(const char *host, bool *ret_local)
{
	size_t len = strlen(host);
	char inside[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (len < 4 || len - 2 >= sizeof(inside) || host[len - 1] != ']')
		return false;
	memcpy(inside, host + 1, len - 2);
	inside[len - 2] = '\0';
	if (inet_pton(AF_INET6, inside, &address) != 1)
		return false;
	*ret_local = IN6_IS_ADDR_LOOPBACK(&address) != 0;
	return true;
}

static bool host_good(const char *host, bool *ret_local)
{
	struct in_addr address;

	if (host[0] == '[')
		return ipv6_good(host, ret_local);
	for (const char *c = host; *c; c++) {
		if (!isalnum((unsigned char)*c) && !strchr("-._", *c))
			return false;
	}
	*ret_local = strcasecmp(host, "localhost") == 0 ||
		     (inet_pton(AF_INET, host, &address) == 1 &&
		      ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET);
	return host[0] != '\0';
}

/* HOST[:PORT], where a colon in brackets is no port's. */
static bool authority_good(const char *text, size_t len, bool *ret_local)
{
	char host[HOST_MAX_B + 8], *colon;
	uint32_t port;

	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	colon = strrchr(host, ':');
	if (colon && !strchr(colon, ']')) {
		if (parse_u32(colon + 1, 1, 65535, &port) < 0)
			return false;
		*colon = '\0';
	}
	return host_good(host, ret_local);
}

bool mcp_config_url_good(const char *url)
{
	bool clear = strncmp(url, "http://", 7) == 0, local = false;
	const char *at = url + (clear ? 7 : 8);

	if (!clear && strncmp(url, "https://", 8) != 0)
		return false;
	for (const char *c = url; *c; c++) {
		if (*c <= 0x20 || *c > 0x7e || strchr("#\\", *c))
			return false;
	}
	return authority_good(at, strcspn(at, "/?"), &local) && (local || !clear);
}
