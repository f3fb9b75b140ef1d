/* SPDX-License-Identifier: Apache-2.0 */
/**
 * firewall_script.h - the rules of one VM as text for nft(8). Pure: names and numbers in, text out.
 *
 * What the kernel holds while VM "vm-1" of uid 1000 lives:
 *
 *	table inet ironclaw {
 *		counter dropped { packets 0 bytes 0 }
 *		map uids { type uid : verdict
 *			elements = { 1000 : jump IRONCLAW_vm_1_3db72406 } }
 *		map interfaces { type ifname : verdict
 *			elements = { "ic3db72406" : jump IRONCLAW_vm_1_3db72406 } }
 *		chain input { type filter hook input priority -310; policy accept;
 *			meta skuid vmap @uids
 *			iifname vmap @interfaces }
 *		chain output {...}
 *		chain forward {...}
 *		chain IRONCLAW_vm_1_3db72406 { comment "vm-1"
 *			counter packets 0 bytes 0 counter name "dropped" drop }
 *	}
 *
 * Jumps are elements of maps: they are added and removed by name, and a packet costs one look-up
 * however many VMs there are. Priority -310 is before connection tracking (-200), address
 * translation (-100) and every filter: what is dropped costs the host no state, and nobody has
 * rewritten it yet. A drop is final: no other chain, of whatever priority, can let the packet live.
 * Policy accept: who is in no map is none of our business.
 *
 * Order and races. nft sends a script as one transaction: all of it or nothing. Adding makes what
 * all VMs share with `add`, which takes what is there, and the VM's own with `create`, which fails
 * when it is there. The base chains are emptied and filled again in the same transaction, so that
 * their rules are ours and there once, whatever stood there.
 *
 * The table goes with the last VM. `delete table` would take others with it, so the counter
 * "dropped" guards it: each VM's rule uses it, and the kernel refuses to delete an object in use.
 * A VM that comes between look and deletion makes the deletion fail, never itself.
 */
#ifndef FIREWALL_FIREWALL_SCRIPT_H
#define FIREWALL_FIREWALL_SCRIPT_H

#include <stddef.h>
#include <stdint.h>

#include "firewall/firewall.h"

#define FIREWALL_ID_MAX	  64U
#define FIREWALL_TEXT_B	  2048U	 /* room for any text of this header and firewall_readback.h */
#define FIREWALL_PRIORITY "-310" /* of the base chains */

/** One VM as the rules name it. */
struct firewall_vm {
	char id[FIREWALL_ID_MAX + 1];
	uint32_t uid;
	char chain[FIREWALL_CHAIN_MAX_B + 1];
	char interface[FIREWALL_IFNAME_B];
};

/** What a removal removes; bits. */
enum firewall_parts {
	FIREWALL_PART_UID = 1,
	FIREWALL_PART_INTERFACE = 2,
	FIREWALL_PART_CHAIN = 4,
	FIREWALL_PART_VM = 7,
	FIREWALL_PART_TABLE = 8, /* fails when any VM's rule is left */
};

/**
 * firewall_vm_init() - check id and uid, and make the names.
 *
 * The id is the only text in the rules that somebody else chose: what could end a string or a line
 * is refused here. Return: 0, -EINVAL
 */
int firewall_vm_init(struct firewall_vm *ret, const char *vm_id, uint32_t uid);

/** firewall_script_add() - everything that @vm needs, in one transaction. */
void firewall_script_add(const struct firewall_vm *vm, char ret[FIREWALL_TEXT_B]);

/** firewall_script_remove() - these parts of @vm, in one transaction, all of which must be there.
 */
void firewall_script_remove(const struct firewall_vm *vm, unsigned int parts,
			    char ret[FIREWALL_TEXT_B]);

/** firewall_script_read() - print what firewall_readback_check() compares. Changes nothing. */
void firewall_script_read(const struct firewall_vm *vm, char ret[FIREWALL_TEXT_B]);

/** firewall_script_read_part() - print one part of @vm, not the table. Changes nothing. */
void firewall_script_read_part(const struct firewall_vm *vm, enum firewall_parts part,
			       char ret[FIREWALL_TEXT_B]);

/** firewall_script_read_table() - print the table, its flags first. Changes nothing. */
void firewall_script_read_table(char ret[FIREWALL_TEXT_B]);

#endif
