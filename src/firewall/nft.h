/* SPDX-License-Identifier: Apache-2.0 */
/**
 * nft.h - one run of nft(8): a script in, what it printed out.
 */
#ifndef FIREWALL_NFT_H
#define FIREWALL_NFT_H

#include <stdbool.h>
#include <stddef.h>

#define NFT_SCRIPT_MAX_B 4096U /* a pipe always takes as much without a reader */
#define NFT_STDOUT_MAX_B 4096U
#define NFT_STDERR_MAX_B 1024U
#define NFT_DEADLINE_MS	 5000

/** What a program wrote. A NUL follows each text, which may hold others. */
struct nft_output {
	bool succeeded; /* it ended by itself, with exit status 0 */
	size_t out_length, err_length;
	bool out_cut; /* it wrote more than @out takes; the rest was dropped */
	char out[NFT_STDOUT_MAX_B + 1];
	char err[NFT_STDERR_MAX_B + 1];
};

/**
 * nft_run() - run nft on @script and wait for its end.
 * @script:	commands, one a line, less than NFT_SCRIPT_MAX_B; changes in it are one transaction
 * @ret:	filled when 0 is returned; large, so not on the stack of a deep caller
 *
 * The program comes from a fixed place, never from PATH. It gets no variable, no descriptor but
 * its standard ones and a session of its own, and is killed when the calling thread dies and after
 * NFT_DEADLINE_MS. The caller's SIGCHLD must not be ignored.
 *
 * Return: 0 when it ran to its end, see @ret->succeeded; -ENOENT when it is not installed;
 * -ETIMEDOUT when it was killed: what its script did is then unknown; -EMSGSIZE; -errno
 */
int nft_run(const char *script, struct nft_output *ret);

#endif
