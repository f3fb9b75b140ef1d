/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firewall_tool.c - the functions of firewall/firewall.h as a program, for tests/it/firewall.bats.
 *
 *	firewall_tool names ID            the chain's and the interface's name
 *	firewall_tool add ID UID          prints what went wrong
 *	firewall_tool verify ID UID       prints the packets that were dropped, or what is broken
 *	firewall_tool remove ID UID
 *
 * Exit status: 0; 1, and the name of the errno on stderr; 2 for a wrong call.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall/firewall.h"

int main(int argc, char **argv)
{
	char failure[FIREWALL_FAILURE_B] = "", chain[FIREWALL_CHAIN_MAX_B + 1];
	char interface[FIREWALL_IFNAME_B];
	uint64_t packets = 0;
	uint32_t uid;
	int r;

	if (argc == 3 && strcmp(argv[1], "names") == 0) {
		firewall_chain_name(argv[2], chain);
		firewall_interface_name(argv[2], interface);
		printf("%s %s\n", chain, interface);
		return 0;
	}
	if (argc != 4)
		return 2;
	uid = (uint32_t)strtoul(argv[3], NULL, 10);
	if (strcmp(argv[1], "add") == 0)
		r = firewall_add(argv[2], uid, failure);
	else if (strcmp(argv[1], "verify") == 0)
		r = firewall_verify(argv[2], uid, &packets, failure);
	else if (strcmp(argv[1], "remove") == 0)
		r = firewall_remove(argv[2], uid);
	else
		return 2;
	if (r == 0 && strcmp(argv[1], "verify") == 0)
		printf("%" PRIu64 "\n", packets);
	if (r < 0)
		fprintf(stderr, "%s: %s\n", strerrorname_np(-r), failure);
	return r < 0;
}
