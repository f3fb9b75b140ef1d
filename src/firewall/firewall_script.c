/* SPDX-License-Identifier: Apache-2.0 */
/* firewall_script.c - the rules of one VM as text; see firewall_script.h. */
#include "firewall/firewall_script.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FNV_OFFSET 2166136261U
#define FNV_PRIME  16777619U
#define NAME_CHARS 10U /* of the id, for the eye; the hash tells ids apart */

#define NAME_B	   96U /* room for a part as nft's commands call it */

#define TABLE	   "inet " FIREWALL_TABLE

/* Made if it is not there, and empty: its rules follow. */
#define BASE_CHAIN(name)                                                                           \
	"add chain " TABLE " " name " { type filter hook " name " priority " FIREWALL_PRIORITY     \
	"; policy accept; }\n"                                                                     \
	"flush chain " TABLE " " name "\n"

static const char letters_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz"
				     "0123456789";

static uint32_t fnv1a(const char *text)
{
	uint32_t hash = FNV_OFFSET;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * FNV_PRIME;
	return hash;
}

void firewall_chain_name(const char *vm_id, char ret[FIREWALL_CHAIN_MAX_B + 1])
{
	char part[NAME_CHARS + 1];
	size_t n = 0;

	for (; n < NAME_CHARS && vm_id[n]; n++)
		part[n] = (char)(strchr(letters_digits, vm_id[n]) ? vm_id[n] : '_');
	part[n] = '\0';
	(void)snprintf(ret, FIREWALL_CHAIN_MAX_B + 1, "IRONCLAW_%s_%08x", part, fnv1a(vm_id));
}

void firewall_interface_name(const char *vm_id, char ret[FIREWALL_IFNAME_B])
{
	(void)snprintf(ret, FIREWALL_IFNAME_B, "ic%08x", fnv1a(vm_id));
}

int firewall_vm_init(struct firewall_vm *ret, const char *vm_id, uint32_t uid)
{
	size_t length = strnlen(vm_id, FIREWALL_ID_MAX + 1);

	if (length == 0 || length > FIREWALL_ID_MAX)
		return -EINVAL;
	for (size_t i = 0; i < length; i++)
		if (vm_id[i] != '-' && !strchr(letters_digits, vm_id[i]))
			return -EINVAL;
	/* Root's own packets are not ours to drop, and (uid_t)-1 is nobody's. */
	if (uid == 0 || uid == UINT32_MAX)
		return -EINVAL;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->id, vm_id, length);
	ret->uid = uid;
	firewall_chain_name(vm_id, ret->chain);
	firewall_interface_name(vm_id, ret->interface);
	return 0;
}

/* What all VMs share, in three parts; harmless where it is there already. */
static const char table[] = "add table " TABLE "\n"
			    "add counter " TABLE " dropped\n"
			    "add map " TABLE " uids { type uid : verdict; }\n"
			    "add map " TABLE " interfaces { type ifname : verdict; }\n";
static const char base_chains[] = BASE_CHAIN("input") BASE_CHAIN("output") BASE_CHAIN("forward");
static const char base_rules[] = "add rule " TABLE " input meta skuid vmap @uids\n"
				 "add rule " TABLE " input iifname vmap @interfaces\n"
				 "add rule " TABLE " output meta skuid vmap @uids\n"
				 "add rule " TABLE " output oifname vmap @interfaces\n"
				 "add rule " TABLE " forward iifname vmap @interfaces\n"
				 "add rule " TABLE " forward oifname vmap @interfaces\n";

void firewall_script_add(const struct firewall_vm *vm, char ret[FIREWALL_TEXT_B])
{
	(void)snprintf(ret, FIREWALL_TEXT_B,
		       "%s%s%s"
		       "create chain " TABLE " %s { comment \"%s\"; }\n"
		       "add rule " TABLE " %s counter counter name \"dropped\" drop\n"
		       "create element " TABLE " uids { %u : jump %s }\n"
		       "create element " TABLE " interfaces { \"%s\" : jump %s }\n",
		       table, base_chains, base_rules, vm->chain, vm->id, vm->chain, vm->uid,
		       vm->chain, vm->interface, vm->chain);
}

/* Appends to a terminated text. */
static void put(char ret[FIREWALL_TEXT_B], const char *text)
{
	size_t used = strnlen(ret, FIREWALL_TEXT_B - 1);

	(void)snprintf(ret + used, FIREWALL_TEXT_B - used, "%s", text);
}

/* How nft's commands call a part of @vm. */
static void name_part(const struct firewall_vm *vm, enum firewall_parts part, char ret[NAME_B])
{
	if (part == FIREWALL_PART_UID)
		(void)snprintf(ret, NAME_B, "element " TABLE " uids { %u }\n", vm->uid);
	else if (part == FIREWALL_PART_INTERFACE)
		(void)snprintf(ret, NAME_B, "element " TABLE " interfaces { \"%s\" }\n",
			       vm->interface);
	else
		(void)snprintf(ret, NAME_B, "chain " TABLE " %s\n", vm->chain);
}

void firewall_script_remove(const struct firewall_vm *vm, unsigned int parts,
			    char ret[FIREWALL_TEXT_B])
{
	/* A chain can go when no jump leads to it, so it comes last. */
	static const enum firewall_parts order[] = {FIREWALL_PART_UID, FIREWALL_PART_INTERFACE,
						    FIREWALL_PART_CHAIN};
	char name[NAME_B];

	ret[0] = '\0';
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (!(parts & order[i]))
			continue;
		name_part(vm, order[i], name);
		put(ret, "delete ");
		put(ret, name);
	}
	if (parts & FIREWALL_PART_TABLE)
		put(ret, "delete counter " TABLE " dropped\n"
			 "delete table " TABLE "\n");
}

static void put_read_part(char ret[FIREWALL_TEXT_B], const struct firewall_vm *vm,
			  enum firewall_parts part)
{
	char name[NAME_B];

	name_part(vm, part, name);
	put(ret, part == FIREWALL_PART_CHAIN ? "list " : "get ");
	put(ret, name);
}

void firewall_script_read(const struct firewall_vm *vm, char ret[FIREWALL_TEXT_B])
{
	ret[0] = '\0';
	put(ret, "list chain " TABLE " input\n"
		 "list chain " TABLE " output\n"
		 "list chain " TABLE " forward\n");
	put_read_part(ret, vm, FIREWALL_PART_CHAIN);
	put_read_part(ret, vm, FIREWALL_PART_UID);
	put_read_part(ret, vm, FIREWALL_PART_INTERFACE);
}

void firewall_script_read_part(const struct firewall_vm *vm, enum firewall_parts part,
			       char ret[FIREWALL_TEXT_B])
{
	ret[0] = '\0';
	put_read_part(ret, vm, part);
}

void firewall_script_read_table(char ret[FIREWALL_TEXT_B])
{
	ret[0] = '\0';
	put(ret, "list table " TABLE "\n");
}
