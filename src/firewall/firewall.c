/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firewall.c - load, look at and remove the rules of one VM; see firewall.h and, for order and
 * races, firewall_plan.h.
 *
 * What a refused load did is known: nothing. After a load that was not refused but does not read
 * back, and after one whose answer did not come, the rules are removed, over another socket.
 */
#include "firewall/firewall.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "firewall/firewall_plan.h"
#include "firewall/firewall_readback.h"
#include "sys/netlink.h"

#define TRIES_MAX 20U /* of what others' changes interrupt */

/* One call of this file's functions. */
struct session {
	struct netlink nl;
	struct netlink_out out;
	struct firewall_vm vm;
	bool refused; /* the last exchange, by the kernel: it did nothing then */
	bool differs; /* what the last question was about is not as it must be */
	uint64_t packets;
	char failure[FIREWALL_FAILURE_B];
};

static void end_session(struct session **s)
{
	if (*s)
		netlink_close(&(*s)->nl);
	free(*s);
}

static int no_room(char ret_failure[FIREWALL_FAILURE_B])
{
	(void)snprintf(ret_failure, FIREWALL_FAILURE_B, "%s", strerror(ENOMEM));
	return -ENOMEM;
}

static int no_permission(char ret_failure[FIREWALL_FAILURE_B])
{
	(void)snprintf(ret_failure, FIREWALL_FAILURE_B,
		       "no CAP_NET_ADMIN in this network namespace");
	return -EPERM;
}

static int no_nf_tables(char ret_failure[FIREWALL_FAILURE_B])
{
	(void)snprintf(ret_failure, FIREWALL_FAILURE_B, "this kernel has no nf_tables");
	return -EOPNOTSUPP;
}

static int open_socket(struct session *s)
{
	int r;

	netlink_close(&s->nl);
	r = netlink_open(&s->nl, NETLINK_NETFILTER);
	if (r == -EPROTONOSUPPORT || r == -EAFNOSUPPORT || r == -ESOCKTNOSUPPORT)
		return no_nf_tables(s->failure);
	if (r == -EPERM || r == -EACCES)
		return no_permission(s->failure);
	if (r < 0)
		(void)snprintf(s->failure, sizeof(s->failure), "a netlink socket: %s",
			       strerror(-r));
	return r;
}

static int begin_session(const char *vm_id, uint32_t uid, struct session **ret,
			 char ret_failure[FIREWALL_FAILURE_B])
{
	cleanup(end_session) struct session *s = malloc(sizeof(*s));
	int r;

	if (!s)
		return no_room(ret_failure);
	*s = (struct session){.nl = {.fd = -EBADF}};
	if (firewall_vm_init(&s->vm, vm_id, uid) < 0) {
		(void)snprintf(ret_failure, FIREWALL_FAILURE_B, "no valid id and uid of a VM");
		return -EINVAL;
	}
	r = open_socket(s);
	if (r < 0)
		memcpy(ret_failure, s->failure, FIREWALL_FAILURE_B);
	else
		*ret = take_ptr(s);
	return r;
}

/* In words. Return: @r; of a batch -EIO for what nobody here goes by */
static int refused(struct session *s, const struct netlink_answers *a)
{
	bool first = a->refused_index == 0; /* of a batch its head, which is about all of it */
	int r = a->refused;
	char what[FIREWALL_WORDS_B] = "";
	struct netlink_message m;

	s->refused = true;
	if (r == -EPERM && first)
		return no_permission(s->failure);
	if (r == -EOPNOTSUPP && first)
		return no_nf_tables(s->failure);
	if (netlink_message_at(&s->out, a->refused_index, &m))
		firewall_describe(&m, what);
	(void)snprintf(s->failure, sizeof(s->failure), "%.60s: %s%s%s", strerror(-r), what,
		       a->words[0] ? ": " : "", a->words);
	if (first || r == -EEXIST || r == -ENOENT || r == -EBUSY)
		return r;
	return -EIO;
}

/* Sends what is in @s->out. */
static int exchange(struct session *s,
		    int (*answer)(void *ctx, const struct netlink_message *message), void *ctx)
{
	struct netlink_answers answers = {.answer = answer, .ctx = ctx};
	int r;

	s->refused = s->differs = false;
	s->failure[0] = '\0';
	r = netlink_exchange(&s->nl, &s->out, &answers);
	if (answers.refused < 0)
		return refused(s, &answers);
	/* What differs has been said already. */
	if (r < 0 && s->failure[0] == '\0')
		(void)snprintf(s->failure, sizeof(s->failure), "the kernel's answer: %s",
			       strerror(-r));
	return r;
}

/* The answers to one question. */
struct reading {
	struct session *s;
	enum firewall_part part;
	unsigned int n;
	uint32_t uses;
};

static int on_part(void *ctx, const struct netlink_message *message)
{
	struct reading *r = ctx;
	struct session *s = r->s;

	r->n++;
	if (r->part == FIREWALL_PART_COUNTER)
		return firewall_readback_uses(message, &r->uses);
	s->differs = firewall_readback_part(&s->vm, r->part, message, s->failure) < 0;
	return s->differs ? -EIO : 0;
}

static int on_rule(void *ctx, const struct netlink_message *message)
{
	struct reading *r = ctx;
	struct session *s = r->s;

	s->differs = firewall_readback_rule(&s->vm, r->part, r->n++, message, s->failure) < 0;
	if (!s->differs && r->part == FIREWALL_PART_CHAIN)
		s->packets = firewall_readback_packets(message);
	return s->differs ? -EIO : 0;
}

/* Answers that were lost or overtaken by a change: once more, and nothing of before counts. */
static bool asks_again(struct session *s, int r)
{
	return (r == -EINTR || r == -ENOBUFS) && !s->refused && open_socket(s) == 0;
}

/* Did @r come because what was asked for differs? */
static bool differs(const struct session *s, int r)
{
	return r == -EIO && s->differs;
}

/* Return: 0 when it is as it must be; -ENOENT when it is not there; -EIO, see differs() */
static int read_part(struct session *s, enum firewall_part part, uint32_t *ret_uses)
{
	struct reading reading = {.s = s, .part = part};
	int r = -EINTR;

	for (unsigned int i = 0; i < TRIES_MAX; i++) {
		reading.n = 0;
		netlink_clear(&s->out);
		firewall_plan_read(&s->vm, part, &s->out);
		r = exchange(s, on_part, &reading);
		if (!asks_again(s, r))
			break;
	}
	/* What the kernel says to a question that it never heard of. */
	if (r == -EINVAL && part == FIREWALL_PART_TABLE)
		return no_nf_tables(s->failure);
	if (r == 0 && reading.n != 1) {
		(void)snprintf(s->failure, sizeof(s->failure), "the kernel's answer is missing");
		return -EBADMSG;
	}
	if (r == 0 && ret_uses)
		*ret_uses = reading.uses;
	return r;
}

/* Return: 0 when the chain has its rules and no other; -EIO, see differs() */
static int read_rules(struct session *s, enum firewall_part chain)
{
	struct reading reading = {.s = s, .part = chain};
	int r = -EINTR;

	for (unsigned int i = 0; i < TRIES_MAX; i++) {
		reading.n = 0;
		netlink_clear(&s->out);
		firewall_plan_read_rules(&s->vm, chain, &s->out);
		r = exchange(s, on_rule, &reading);
		if (!asks_again(s, r))
			break;
	}
	if (r == 0 && reading.n < firewall_plan_n_rules(chain)) {
		(void)snprintf(s->failure, sizeof(s->failure),
			       "rule inet " FIREWALL_TABLE " %s, number %u, is missing",
			       firewall_plan_chain(&s->vm, chain), reading.n + 1);
		s->differs = true;
		return -EIO;
	}
	return r;
}

static int is_missing(struct session *s)
{
	char what[FIREWALL_WORDS_B] = "read it";
	struct netlink_message m;

	if (netlink_message_at(&s->out, 0, &m))
		firewall_describe(&m, what);
	/* Without the verb. */
	(void)snprintf(s->failure, sizeof(s->failure), "%s is missing", strchr(what, ' ') + 1);
	s->differs = true;
	return -EIO;
}

/* Are the parts from @from on, but before @to, as they must be? -EIO, see differs(). */
static int compare(struct session *s, unsigned int from, unsigned int to)
{
	for (unsigned int i = from; i < to; i++) {
		enum firewall_part part = (enum firewall_part)i;
		int r;

		/* Which the VM's rule names: it cannot be missing. */
		if (part == FIREWALL_PART_COUNTER)
			continue;
		r = read_part(s, part, NULL);
		if (r == -ENOENT)
			return is_missing(s);
		if (r == 0 && firewall_plan_n_rules(part) > 0)
			r = read_rules(s, part);
		if (r < 0)
			return r;
	}
	return 0;
}

static int load(struct session *s, bool shared)
{
	netlink_clear(&s->out);
	firewall_plan_add(&s->vm, shared, &s->out);
	return exchange(s, NULL, NULL);
}

/*
 * One transaction, with what all VMs share when that is not there as it must be. -ENOENT without
 * it: the last VM's end has taken the table since the look. With it everything is made that is
 * named, so then -ENOENT is a part of the kernel.
 */
static int look_and_load(struct session *s)
{
	int r = compare(s, 0, FIREWALL_PARTS_SHARED);
	bool shared = differs(s, r);

	if (r < 0 && !shared) {
		s->refused = true; /* nothing was sent that could have changed anything */
		return r;
	}
	r = load(s, shared);
	if (r == -ENOENT && !shared)
		r = load(s, true);
	return r == -ENOENT ? -EOPNOTSUPP : r;
}

/* Which of its own parts @s->vm has. A chain of another owner has none of them. */
static int find_parts(struct session *s, unsigned int *ret_parts)
{
	*ret_parts = 0;
	for (unsigned int i = FIREWALL_PART_CHAIN; i < FIREWALL_PARTS; i++) {
		int r = read_part(s, (enum firewall_part)i, NULL);

		if (r == 0)
			*ret_parts |= 1U << i;
		else if (r != -ENOENT && !differs(s, r))
			return r;
		if (*ret_parts == 0)
			break;
	}
	return 0;
}

static int remove_parts(struct session *s, unsigned int parts)
{
	netlink_clear(&s->out);
	firewall_plan_remove(&s->vm, parts, &s->out);
	return exchange(s, NULL, NULL);
}

/*
 * Looks, removes what is there, and looks again until nothing is left to do. The table goes with
 * the last VM, and the look that finds it idle must be the last: two VMs that end at once may each
 * have seen the other's rules before.
 *
 * Without the jump of our uid the chain may be of a VM of the same id elsewhere (another state
 * folder): then the jump of its own uid leads to the chain, and the kernel refuses to delete what
 * is jumped to.
 */
static int remove_vm(struct session *s)
{
	const unsigned int table = 1U << FIREWALL_PART_TABLE;
	bool beside = false; /* the kernel has said that there are others */

	for (unsigned int i = 0; i < TRIES_MAX; i++) {
		unsigned int parts = 0;
		uint32_t uses = 0;
		bool idle;
		int r = read_part(s, FIREWALL_PART_TABLE, NULL);

		if (r == -ENOENT)
			return 0;
		if (r == 0 || differs(s, r))
			r = find_parts(s, &parts);
		if (r < 0)
			return r;
		r = read_part(s, FIREWALL_PART_COUNTER, &uses);
		if (r < 0 && r != -ENOENT)
			return r;
		idle = r == 0 && uses <= (parts ? 1 : 0) && !beside;
		if (parts == 0 && !idle)
			return 0;
		r = remove_parts(s, parts | (idle ? table : 0));
		if (r == 0 && idle)
			return 0;
		if (r == -EBUSY && idle && parts != 0)
			beside = true;
		else if (r == -EBUSY)
			return parts & 1U << FIREWALL_PART_UID_JUMP ? r : 0;
		else if (r < 0 && r != -ENOENT)
			return r;
		else
			beside = false;
	}
	return -EBUSY;
}

/* After adding went wrong when the rules may be loaded already. */
static void take_back(struct session *s, char failure[FIREWALL_FAILURE_B])
{
	size_t used = strnlen(failure, FIREWALL_FAILURE_B - 1);

	if (open_socket(s) < 0 || remove_vm(s) < 0)
		(void)snprintf(failure + used, FIREWALL_FAILURE_B - used,
			       "; its rules may be left");
}

int firewall_add(const char *vm_id, uint32_t uid, char ret_failure[FIREWALL_FAILURE_B])
{
	cleanup(end_session) struct session *s = NULL;
	int r = begin_session(vm_id, uid, &s, ret_failure);
	bool loaded;

	if (r < 0)
		return r;
	r = look_and_load(s);
	loaded = r == 0 || !s->refused;
	if (r == 0)
		r = compare(s, 0, FIREWALL_PARTS);
	if (r == 0)
		return 0;
	memcpy(ret_failure, s->failure, FIREWALL_FAILURE_B);
	if (loaded)
		take_back(s, ret_failure);
	return r;
}

int firewall_verify(const char *vm_id, uint32_t uid, uint64_t *ret_packets,
		    char ret_failure[FIREWALL_FAILURE_B])
{
	cleanup(end_session) struct session *s = NULL;
	int r = begin_session(vm_id, uid, &s, ret_failure);

	if (r < 0)
		return r;
	r = compare(s, 0, FIREWALL_PARTS);
	if (r < 0)
		memcpy(ret_failure, s->failure, FIREWALL_FAILURE_B);
	else if (ret_packets)
		*ret_packets = s->packets;
	return r;
}

int firewall_remove(const char *vm_id, uint32_t uid)
{
	cleanup(end_session) struct session *s = NULL;
	char failure[FIREWALL_FAILURE_B];
	int r = begin_session(vm_id, uid, &s, failure);

	return r < 0 ? r : remove_vm(s);
}

const char *firewall_remedy(int errnum)
{
	if (errnum == EPERM)
		return "give root CAP_NET_ADMIN (a container: --cap-add NET_ADMIN)";
	if (errnum == EOPNOTSUPP)
		return "modprobe nf_tables; where there is no such module, a kernel that has it "
		       "(CONFIG_NF_TABLES, CONFIG_NF_TABLES_INET)";
	return "";
}
