/* SPDX-License-Identifier: Apache-2.0 */
/**
 * firewall_plan.h - the rules of one VM as messages to nf_tables. Pure: names and numbers in,
 * messages out.
 *
 * What the kernel holds while VM "vm-1" of uid 1000 lives, as nft(8) prints it:
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
 * Order and races. A batch is one transaction: all of it or nothing. What is the VM's own is made
 * with NLM_F_EXCL and fails when it is there. What all VMs share is made without: that takes what
 * is there. It empties the base chains and fills them again, so that their rules are ours and there
 * once, whatever stood there; but then the kernel waits until the old ones are free, about 10 ms,
 * so it is only done when a look found something missing or changed.
 *
 * The table goes with the last VM. Deleting it would take others with it, so the counter "dropped"
 * guards it: each VM's rule uses it, and the kernel refuses to delete an object in use. A VM that
 * comes between look and deletion makes the deletion fail, never itself.
 *
 * What must be there is the same message that makes it: firewall_readback.h compares with that.
 */
#ifndef FIREWALL_FIREWALL_PLAN_H
#define FIREWALL_FIREWALL_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firewall/firewall.h"
#include "sys/netlink.h"

#define FIREWALL_ID_MAX	  64U
#define FIREWALL_PRIORITY (-310) /* of the base chains */
#define FIREWALL_WORDS_B  96U	 /* room for what firewall_describe() says */

/** One VM as the rules name it. */
struct firewall_vm {
	char id[FIREWALL_ID_MAX + 1];
	uint32_t uid;
	char chain[FIREWALL_CHAIN_MAX_B + 1];
	char interface[FIREWALL_IFNAME_B];
};

/** What there is: first what all VMs share, then the VM's own. Chains have rules besides. */
enum firewall_part {
	FIREWALL_PART_TABLE,
	FIREWALL_PART_COUNTER,
	FIREWALL_PART_UIDS,
	FIREWALL_PART_INTERFACES,
	FIREWALL_PART_INPUT,
	FIREWALL_PART_OUTPUT,
	FIREWALL_PART_FORWARD,
	FIREWALL_PART_CHAIN,
	FIREWALL_PART_UID_JUMP,
	FIREWALL_PART_INTERFACE_JUMP,
	FIREWALL_PARTS
};

#define FIREWALL_PARTS_SHARED ((unsigned int)FIREWALL_PART_CHAIN)

/**
 * firewall_vm_init() - check id and uid, and make the names.
 *
 * The id is the only text in the rules that somebody else chose. Return: 0, -EINVAL
 */
int firewall_vm_init(struct firewall_vm *ret, const char *vm_id, uint32_t uid);

/** firewall_plan_part() - append the message that makes a part, and is what the kernel must show.
 */
void firewall_plan_part(const struct firewall_vm *vm, enum firewall_part part,
			struct netlink_out *out);

/** firewall_plan_chain() - the name of a part that is a chain. */
const char *firewall_plan_chain(const struct firewall_vm *vm, enum firewall_part part);

/** firewall_plan_n_rules() - how many rules a part has; 0 when it is no chain. */
unsigned int firewall_plan_n_rules(enum firewall_part part);

/** firewall_plan_rule() - as firewall_plan_part(), of a rule of a chain, counted from 0. */
void firewall_plan_rule(const struct firewall_vm *vm, enum firewall_part chain, unsigned int rule,
			struct netlink_out *out);

/** firewall_plan_add() - a batch that makes what is @vm's own, or @shared: everything. */
void firewall_plan_add(const struct firewall_vm *vm, bool shared, struct netlink_out *out);

/**
 * firewall_plan_remove() - a batch that deletes what is @vm's own.
 * @parts:	bits, 1 << FIREWALL_PART_...: of the VM's own, which must be there; with that of the
 *		table this goes as well, and all is refused when another VM's rule is left
 */
void firewall_plan_remove(const struct firewall_vm *vm, unsigned int parts,
			  struct netlink_out *out);

/** firewall_plan_read() - ask for a part. Changes nothing. */
void firewall_plan_read(const struct firewall_vm *vm, enum firewall_part part,
			struct netlink_out *out);

/** firewall_plan_read_rules() - ask for the rules of a chain. Changes nothing. */
void firewall_plan_read_rules(const struct firewall_vm *vm, enum firewall_part chain,
			      struct netlink_out *out);

/** firewall_describe() - a message of this header in words: "create chain inet ironclaw X". */
void firewall_describe(const struct netlink_message *message, char ret[FIREWALL_WORDS_B]);

#endif
