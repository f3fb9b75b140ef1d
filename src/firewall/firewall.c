/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firewall.c - load, look at and remove the rules of one VM; see firewall.h and, for order and
 * races, firewall_script.h.
 *
 * What a failed load did is known: nothing. After a load that succeeded but does not read back, and
 * after one that was killed in the middle, the rules are removed.
 */
#include "firewall/firewall.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "firewall/firewall_readback.h"
#include "firewall/firewall_script.h"
#include "firewall/nft.h"

#define TRIES_MAX 20U /* of a run that others' changes interrupt */

static int bad_settings(char ret_failure[FIREWALL_FAILURE_B])
{
	(void)snprintf(ret_failure, FIREWALL_FAILURE_B, "no valid id and uid of a VM");
	return -EINVAL;
}

/* A run of nft that did not come to its end. */
static int no_run(int r, char ret_failure[FIREWALL_FAILURE_B])
{
	if (r == -ENOENT)
		(void)snprintf(ret_failure, FIREWALL_FAILURE_B,
			       "nft is not installed (/usr/sbin/nft; Debian: nftables)");
	else if (r == -ETIMEDOUT)
		(void)snprintf(ret_failure, FIREWALL_FAILURE_B, "nft did not end within %d ms",
			       NFT_DEADLINE_MS);
	else
		(void)snprintf(ret_failure, FIREWALL_FAILURE_B, "running nft: %s", strerror(-r));
	return r;
}

/* The errno of nft's first error. -ENXIO: the rules have no such thing. */
static int errno_of(const char *complaint)
{
	static const struct {
		const char *words;
		int errnum;
	} known[] = {
		{"File exists", EEXIST},
		{"No such file or directory", ENXIO},
		{"Device or resource busy", EBUSY},
		{"Operation not permitted", EPERM},
		{"Interrupted system call", EINTR},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strstr(complaint, known[i].words))
			return -known[i].errnum;
	return -EIO;
}

/*
 * Runs a script that must succeed. A dump that a change of somebody else's overtook ends with
 * EINTR, before anything of the script was done: then again.
 */
static int run(const char *script, struct nft_output *o, char ret_failure[FIREWALL_FAILURE_B])
{
	int r = -EINTR;

	for (unsigned int i = 0; i < TRIES_MAX && r == -EINTR; i++) {
		r = nft_run(script, o);
		if (r < 0)
			return no_run(r, ret_failure);
		if (o->succeeded)
			return 0;
		firewall_complaint(o->err, o->err_length, ret_failure);
		r = errno_of(ret_failure);
	}
	return r == -EINTR ? -EIO : r;
}

/* Reads everything of @vm back. -EIO when it is not as it must be. */
static int compare(const struct firewall_vm *vm, struct nft_output *o, uint64_t *ret_packets,
		   char ret_failure[FIREWALL_FAILURE_B])
{
	char script[FIREWALL_TEXT_B];
	int r;

	firewall_script_read(vm, script);
	r = run(script, o, ret_failure);
	if (r < 0)
		return r == -ENXIO ? -EIO : r;
	return firewall_readback_check(vm, o->out, o->out_length, ret_packets, ret_failure);
}

/* Removes these parts, all of them or nothing. */
static int remove_parts(const struct firewall_vm *vm, unsigned int parts, struct nft_output *o)
{
	char script[FIREWALL_TEXT_B], failure[FIREWALL_FAILURE_B];

	firewall_script_remove(vm, parts, script);
	return run(script, o, failure);
}

/* Prints a part of @vm. -ENXIO when it is not there. */
static int read_part(const struct firewall_vm *vm, enum firewall_parts part, struct nft_output *o)
{
	char script[FIREWALL_TEXT_B], failure[FIREWALL_FAILURE_B];

	firewall_script_read_part(vm, part, script);
	return run(script, o, failure);
}

/* Which parts of @vm there are. A chain of another owner has none of them. */
static int find_parts(const struct firewall_vm *vm, struct nft_output *o, unsigned int *ret_parts)
{
	static const enum firewall_parts jumps[] = {FIREWALL_PART_UID, FIREWALL_PART_INTERFACE};
	int r;

	*ret_parts = 0;
	r = read_part(vm, FIREWALL_PART_CHAIN, o);
	if (r == -ENXIO)
		return 0;
	if (r < 0)
		return r;
	if (!firewall_readback_owns(vm, o->out, o->out_length))
		return 0;
	*ret_parts = FIREWALL_PART_CHAIN;
	for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
		r = read_part(vm, jumps[i], o);
		if (r < 0 && r != -ENXIO)
			return r;
		if (r == 0 && firewall_readback_leads(vm, jumps[i], o->out, o->out_length))
			*ret_parts |= jumps[i];
	}
	return 0;
}

/* The table, when no VM needs it (-EBUSY) and it is there (-ENXIO). */
static int remove_idle_table(const struct firewall_vm *vm, struct nft_output *o)
{
	int r = remove_parts(vm, FIREWALL_PART_TABLE, o);

	return r == -EBUSY || r == -ENXIO ? 0 : r;
}

/*
 * What is there in part: somebody removed some of it by hand, or it never was. Without the jump of
 * our uid the chain may be of a VM of the same id elsewhere (another state folder): then the jump
 * of its own uid leads to the chain, and the kernel refuses to delete what is jumped to.
 */
static int remove_remains(const struct firewall_vm *vm, struct nft_output *o)
{
	unsigned int parts;
	int r = find_parts(vm, o, &parts);

	if (r == 0 && parts != 0)
		r = remove_parts(vm, parts, o);
	if (r == -EBUSY && !(parts & FIREWALL_PART_UID))
		return 0;
	return r < 0 ? r : remove_idle_table(vm, o);
}

/*
 * One run for the last VM. Others need three: the last of them must be a look at the table, for two
 * VMs that end at once may each have seen the other's rules in the first.
 */
static int remove_vm(const struct firewall_vm *vm, struct nft_output *o)
{
	int r = remove_parts(vm, FIREWALL_PART_VM | FIREWALL_PART_TABLE, o);

	if (r == -ENXIO)
		return remove_remains(vm, o);
	if (r != -EBUSY)
		return r;
	r = remove_parts(vm, FIREWALL_PART_VM, o);
	return r < 0 ? r : remove_idle_table(vm, o);
}

/* After @r: adding went wrong when the rules may be loaded already. */
static int take_back(const struct firewall_vm *vm, struct nft_output *o, int r,
		     char ret_failure[FIREWALL_FAILURE_B])
{
	size_t used;

	if (remove_vm(vm, o) < 0) {
		used = strnlen(ret_failure, FIREWALL_FAILURE_B - 1);
		(void)snprintf(ret_failure + used, FIREWALL_FAILURE_B - used,
			       "; its rules may be left");
	}
	return r;
}

int firewall_add(const char *vm_id, uint32_t uid, char ret_failure[FIREWALL_FAILURE_B])
{
	cleanup_free struct nft_output *o = malloc(sizeof(*o));
	char script[FIREWALL_TEXT_B];
	struct firewall_vm vm;
	uint64_t packets;
	int r;

	if (!o)
		return no_run(-ENOMEM, ret_failure);
	if (firewall_vm_init(&vm, vm_id, uid) < 0)
		return bad_settings(ret_failure);
	firewall_script_add(&vm, script);
	r = run(script, o, ret_failure);
	if (r == -ETIMEDOUT)
		return take_back(&vm, o, r, ret_failure);
	if (r < 0)
		return r;
	r = compare(&vm, o, &packets, ret_failure);
	return r < 0 ? take_back(&vm, o, r, ret_failure) : 0;
}

/* A table that is switched off prints its chains like any other. */
static int check_awake(struct nft_output *o, char ret_failure[FIREWALL_FAILURE_B])
{
	char script[FIREWALL_TEXT_B];
	int r;

	firewall_script_read_table(script);
	r = run(script, o, ret_failure);
	if (r < 0)
		return r == -ENXIO ? -EIO : r;
	if (firewall_readback_awake(o->out, o->out_length))
		return 0;
	(void)snprintf(ret_failure, FIREWALL_FAILURE_B,
		       "table inet " FIREWALL_TABLE " has flags: it may be switched off");
	return -EIO;
}

int firewall_verify(const char *vm_id, uint32_t uid, uint64_t *ret_packets,
		    char ret_failure[FIREWALL_FAILURE_B])
{
	cleanup_free struct nft_output *o = malloc(sizeof(*o));
	struct firewall_vm vm;
	uint64_t packets;
	int r;

	if (!o)
		return no_run(-ENOMEM, ret_failure);
	if (firewall_vm_init(&vm, vm_id, uid) < 0)
		return bad_settings(ret_failure);
	r = compare(&vm, o, &packets, ret_failure);
	if (r == 0)
		r = check_awake(o, ret_failure);
	if (r == 0 && ret_packets)
		*ret_packets = packets;
	return r;
}

int firewall_remove(const char *vm_id, uint32_t uid)
{
	cleanup_free struct nft_output *o = malloc(sizeof(*o));
	struct firewall_vm vm;

	if (!o)
		return -ENOMEM;
	if (firewall_vm_init(&vm, vm_id, uid) < 0)
		return -EINVAL;
	return remove_vm(&vm, o);
}
