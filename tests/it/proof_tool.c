/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof_tool.c - proof_tool PID: what `ironclaw inspect` would say if PID were a VMM.
 *
 * The control of inspect.bats: the same reader and the same judgement, pointed at a process that
 * nothing confines. A line a layer: KEY VERDICT.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/parse.h"
#include "machine/proof.h"

int main(int argc, char **argv)
{
	static struct proof proof;
	static struct proof_report report;
	char path[64];
	uint32_t pid;
	int fd;

	if (argc != 2 || parse_u32(argv[1], 1, INT32_MAX, &pid) < 0)
		return 2;
	(void)snprintf(path, sizeof(path), "/proc/%u", pid);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	proof_read_host(&proof.host);
	if (fd < 0 || proof_read_process(fd, (pid_t)pid, -1, &proof.process[PROOF_VMM]) < 0)
		return 1;
	proof_judge(&proof, &report);
	for (int layer = 0; layer < PROOF_LAYERS; layer++) {
		const struct proof_finding *f = &report.findings[layer][PROOF_VMM];

		(void)printf("%s %s\n", proof_layer_key(layer), proof_verdict_name(f->verdict));
	}
	return 0;
}
