/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The judgement: made-up facts in which everything is as it must be, then one thing at a time is
 * not. A layer must turn weak by its own fact, and by no other.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "jail/warden_limits.h"
#include "machine/proof_judge.h"

#define VMM_UID 700001

static struct proof proof;
static struct proof_report report;

static void make_fd(struct proof_process *p, mode_t mode, uint32_t flags, const char *target)
{
	struct proof_fd *f = &p->fds.list[p->fds.n];

	*f = (struct proof_fd){
		.number = p->fds.n, .flags = flags, .mode = mode, .family = -1, .mount_id = 1};
	(void)snprintf(f->target, sizeof(f->target), "%s", target);
	p->fds.n++;
}

static void make_mount(struct proof_process *p, const char *point)
{
	struct proof_mount *m = &p->mounts.list[p->mounts.n++];

	*m = (struct proof_mount){.id = p->mounts.n, .ro = true, .nosuid = true, .nodev = true};
	(void)snprintf(m->point, sizeof(m->point), "%s", point);
	(void)snprintf(m->type, sizeof(m->type), "tmpfs");
}

static void make_process(enum proof_who who)
{
	struct proof_process *p = &proof.process[who];
	struct proof_status *s = &p->tasks.status;

	p->pid = 100 + (int)who;
	p->tasks.n = 1;
	for (int i = 0; i < 4; i++)
		s->uid[i] = s->gid[i] = VMM_UID;
	s->ns_depth = 2;
	s->no_new_privs = true;
	s->seccomp_mode = 2;
	s->seccomp_filters = 1;
	p->uid_map = p->gid_map =
		(struct proof_id_map){.n_lines = 1, .n_ids = 1, .inside = 1, .here = VMM_UID};
	p->setgroups_denied = true;
	for (int i = 0; i < PROOF_NAMESPACES; i++)
		p->ns[i] = 1000 * ((uint64_t)who + 1) + (uint64_t)i;
	p->ns[PROOF_NS_TIME] = proof.host.ns[PROOF_NS_TIME];
	p->root_dev = 40 + (dev_t)who;
	p->root_ino = 1;
	p->dumpable_known = true;
	make_mount(p, "/");
	make_mount(p, "/vm/ram");
	make_fd(p, S_IFREG | 0400, O_RDONLY, "/vm/ram");
	p->rlimits.hard[PROOF_RLIMIT_NOFILE] = 256;
	p->limits = (struct proof_limits){true, true, true, true, 256ULL << 20, 0, 64, 100};
	p->cgroups.n = 1;
	(void)snprintf(p->cgroups.list[0].path, sizeof(p->cgroups.list[0].path), "/%d", (int)who);
	p->net.n = 1;
	(void)snprintf(p->net.list[0].name, sizeof(p->net.list[0].name), "lo");
}

static int setup(void **state)
{
	(void)state;
	memset(&proof, 0, sizeof(proof));
	for (int i = 0; i < PROOF_NAMESPACES; i++)
		proof.host.ns[i] = 10 + (uint64_t)i;
	proof.host.root_dev = 1;
	proof.host.root_ino = 2;
	proof.host.landlock_abi = 7;
	proof.status.limits = WARDEN_LIMITS_V2;
	for (int who = 0; who < PROOF_PROCESSES; who++)
		make_process(who);
	return 0;
}

/* All layers of VMM and keeper are well but this one of this process. */
static void only(enum proof_layer layer, enum proof_who who, enum ironclaw_verdict verdict)
{
	proof_judge(&proof, &report);
	for (int l = 0; l < PROOF_LAYERS; l++) {
		for (int w = 0; w < PROOF_PROCESSES; w++) {
			enum ironclaw_verdict got = report.findings[l][w].verdict;

			if (l == (int)layer && w == (int)who) {
				assert_int_equal(got, verdict);
				assert_true(report.findings[l][w].reason[0] != '\0');
			} else if (got == IRONCLAW_VERDICT_WEAK ||
				   got == IRONCLAW_VERDICT_UNKNOWN) {
				fail_msg("%s of %s: %s", proof_layer_key(l), proof_who_name(w),
					 report.findings[l][w].reason);
			}
		}
	}
}

static void weak(enum proof_layer layer, enum proof_who who)
{
	only(layer, who, IRONCLAW_VERDICT_WEAK);
	(void)setup(NULL);
}

static void unknown(enum proof_layer layer, enum proof_who who)
{
	only(layer, who, IRONCLAW_VERDICT_UNKNOWN);
	(void)setup(NULL);
}

static void all_is_well(void **state)
{
	enum proof_layer layer;
	enum proof_who who;

	(void)state;
	proof_judge(&proof, &report);
	assert_false(proof_first_missing(&report, &layer, &who));
	for (int l = 0; l < PROOF_LAYERS; l++) {
		enum ironclaw_verdict v = report.findings[l][PROOF_VMM].verdict;

		if (l == PROOF_LANDLOCK)
			assert_int_equal(v, IRONCLAW_VERDICT_NOTE);
		else if (l == PROOF_FIREWALL) /* was not read */
			assert_int_equal(v, IRONCLAW_VERDICT_NONE);
		else
			assert_int_equal(v, IRONCLAW_VERDICT_OK);
	}
}

static void user_namespace(void **state)
{
	struct proof_process *p = &proof.process[PROOF_VMM];

	(void)state;
	p->ns[PROOF_NS_USER] = proof.host.ns[PROOF_NS_USER];
	weak(PROOF_USER_NS, PROOF_VMM);
	p->ns[PROOF_NS_USER] = proof.process[PROOF_WARDEN].ns[PROOF_NS_USER];
	weak(PROOF_USER_NS, PROOF_VMM);
	p->uid_map.n_ids = 65536;
	weak(PROOF_USER_NS, PROOF_VMM);
	p->gid_map.n_ids = 2;
	weak(PROOF_USER_NS, PROOF_VMM);
	p->setgroups_denied = false;
	weak(PROOF_USER_NS, PROOF_VMM);
	p->uid_map_error = EACCES;
	unknown(PROOF_USER_NS, PROOF_VMM);
}

static void ids(void **state)
{
	struct proof_process *p = &proof.process[PROOF_KEEPER];

	(void)state;
	p->tasks.status.uid[2] = 5;
	weak(PROOF_IDS, PROOF_KEEPER);
	p->tasks.ids_differ = true;
	weak(PROOF_IDS, PROOF_KEEPER);
	memset(p->tasks.status.uid, 0, sizeof(p->tasks.status.uid));
	weak(PROOF_IDS, PROOF_KEEPER);
	memset(p->tasks.status.gid, 0, sizeof(p->tasks.status.gid));
	weak(PROOF_IDS, PROOF_KEEPER);
}

static void groups(void **state)
{
	struct proof_status *s = &proof.process[PROOF_VMM].tasks.status;

	(void)state;
	s->n_groups = 1;
	s->groups[0] = 27;
	weak(PROOF_GROUPS, PROOF_VMM);
	/* Its own group gives nothing more. */
	s->n_groups = 1;
	s->groups[0] = VMM_UID;
	proof_judge(&proof, &report);
	assert_int_equal(report.findings[PROOF_GROUPS][PROOF_VMM].verdict, IRONCLAW_VERDICT_OK);
	s->n_groups = PROOF_GROUPS_MAX + 1;
	for (unsigned int i = 0; i < PROOF_GROUPS_MAX; i++)
		s->groups[i] = VMM_UID;
	weak(PROOF_GROUPS, PROOF_VMM);
}

static void privileges(void **state)
{
	(void)state;
	for (int who = 0; who <= PROOF_KEEPER; who++) {
		struct proof_status *s = &proof.process[who].tasks.status;

		for (int set = 0; set < PROOF_CAP_SETS; set++) {
			s->caps[set] = 1ULL << 21;
			weak(PROOF_CAPABILITIES, who);
		}
		s->no_new_privs = false;
		weak(PROOF_NO_NEW_PRIVS, who);
		s->seccomp_mode = s->seccomp_filters = 0;
		weak(PROOF_SECCOMP, who);
		s->seccomp_mode = 1;
		weak(PROOF_SECCOMP, who);
	}
	proof.process[PROOF_WARDEN].tasks.status.caps[PROOF_CAP_BND] = 1;
	proof_judge(&proof, &report);
	assert_int_equal(report.findings[PROOF_CAPABILITIES][PROOF_WARDEN].verdict,
			 IRONCLAW_VERDICT_OK);
	proof.process[PROOF_WARDEN].tasks.status.caps[PROOF_CAP_EFF] = 1;
	weak(PROOF_CAPABILITIES, PROOF_WARDEN);
	/* One of root's has them by its job. */
	memset(proof.process[PROOF_WARDEN].tasks.status.uid, 0, sizeof(uint32_t[4]));
	proof.process[PROOF_WARDEN].tasks.status.caps[PROOF_CAP_EFF] = 1;
	proof_judge(&proof, &report);
	assert_int_equal(report.findings[PROOF_CAPABILITIES][PROOF_WARDEN].verdict,
			 IRONCLAW_VERDICT_NOTE);
}

static void namespaces(void **state)
{
	struct proof_process *p = &proof.process[PROOF_VMM];

	(void)state;
	for (int kind = PROOF_NS_PID; kind < PROOF_NS_TIME; kind++) {
		p->ns[kind] = proof.host.ns[kind];
		weak(PROOF_OTHER_NS, PROOF_VMM);
		p->ns[kind] = proof.process[PROOF_WARDEN].ns[kind];
		weak(PROOF_OTHER_NS, PROOF_VMM);
	}
	p->tasks.status.ns_depth = 1;
	weak(PROOF_OTHER_NS, PROOF_VMM);
	p->ns_error = EACCES;
	proof_judge(&proof, &report);
	assert_int_equal(report.findings[PROOF_OTHER_NS][PROOF_VMM].verdict,
			 IRONCLAW_VERDICT_UNKNOWN);
	/* VMM and keeper in one: both are told. */
	(void)setup(NULL);
	p->ns[PROOF_NS_NET] = proof.process[PROOF_KEEPER].ns[PROOF_NS_NET];
	proof_judge(&proof, &report);
	assert_int_equal(report.findings[PROOF_OTHER_NS][PROOF_VMM].verdict, IRONCLAW_VERDICT_WEAK);
	assert_int_equal(report.findings[PROOF_OTHER_NS][PROOF_KEEPER].verdict,
			 IRONCLAW_VERDICT_WEAK);
	(void)setup(NULL);
}

static void network(void **state)
{
	struct proof_net *net = &proof.process[PROOF_VMM].net;

	(void)state;
	net->list[0].up = true;
	weak(PROOF_NETWORK, PROOF_VMM);
	net->list[0].n_addresses = 1;
	weak(PROOF_NETWORK, PROOF_VMM);
	net->n_routes = 1;
	weak(PROOF_NETWORK, PROOF_VMM);
	(void)snprintf(net->list[net->n++].name, 16, "tap0");
	weak(PROOF_NETWORK, PROOF_VMM);
	proof.process[PROOF_VMM].net_error = EPERM;
	unknown(PROOF_NETWORK, PROOF_VMM);
	net->n = 0;
	proof_judge(&proof, &report);
	assert_int_equal(report.findings[PROOF_NETWORK][PROOF_VMM].verdict, IRONCLAW_VERDICT_OK);
}

static void mounts(void **state)
{
	struct proof_process *p = &proof.process[PROOF_VMM];
	struct proof_mount *m = &p->mounts.list[1];

	(void)state;
	p->root_dev = proof.host.root_dev;
	p->root_ino = proof.host.root_ino;
	weak(PROOF_MOUNTS_LAYER, PROOF_VMM);
	p->root_dev = proof.process[PROOF_WARDEN].root_dev;
	weak(PROOF_MOUNTS_LAYER, PROOF_VMM);
	m->ro = false;
	weak(PROOF_MOUNTS_LAYER, PROOF_VMM);
	m->nosuid = false;
	weak(PROOF_MOUNTS_LAYER, PROOF_VMM);
	m->nodev = false;
	weak(PROOF_MOUNTS_LAYER, PROOF_VMM);
	m->shared = true;
	weak(PROOF_MOUNTS_LAYER, PROOF_VMM);
	(void)snprintf(m->type, sizeof(m->type), "proc");
	weak(PROOF_MOUNTS_LAYER, PROOF_VMM);
	p->mounts.cut = true;
	weak(PROOF_MOUNTS_LAYER, PROOF_VMM);
	p->mounts_error = EACCES;
	unknown(PROOF_MOUNTS_LAYER, PROOF_VMM);
	/* A device node is to work, on a mount that is nothing else. */
	m->nodev = false;
	m->node = true;
	weak(PROOF_MOUNTS_LAYER, PROOF_VMM);
	m->nodev = false;
	m->node = m->noexec = true;
	proof_judge(&proof, &report);
	assert_int_equal(report.findings[PROOF_MOUNTS_LAYER][PROOF_VMM].verdict,
			 IRONCLAW_VERDICT_OK);
}

static void descriptors(void **state)
{
	struct proof_process *p = &proof.process[PROOF_VMM];

	(void)state;
	make_fd(p, S_IFREG | 0600, O_RDWR, "/vm/ram");
	weak(PROOF_DESCRIPTORS, PROOF_VMM);
	make_fd(p, S_IFREG | 0600, O_RDONLY, "/etc/shadow");
	p->fds.list[1].outside = true;
	weak(PROOF_DESCRIPTORS, PROOF_VMM);
	make_fd(p, S_IFDIR | 0700, O_RDONLY | O_PATH, "/");
	weak(PROOF_DESCRIPTORS, PROOF_VMM);
	make_fd(p, S_IFBLK | 0600, O_RDONLY, "/dev/vda");
	weak(PROOF_DESCRIPTORS, PROOF_VMM);
	make_fd(p, S_IFCHR | 0600, O_RDONLY, "/dev/null");
	p->fds.list[1].rdev = makedev(1, 1); /* /dev/mem, whatever it calls itself */
	weak(PROOF_DESCRIPTORS, PROOF_VMM);
	make_fd(p, 0600, O_RDWR, "anon_inode:[pidfd]");
	weak(PROOF_DESCRIPTORS, PROOF_VMM);
	make_fd(p, 0, O_RDWR, "");
	weak(PROOF_DESCRIPTORS, PROOF_VMM);
	make_fd(p, S_IFSOCK | 0777, O_RDWR, "socket:[1]");
	weak(PROOF_DESCRIPTORS, PROOF_VMM);
	make_fd(p, S_IFSOCK | 0777, O_RDWR, "socket:[1]");
	p->fds.list[1].family = AF_NETLINK;
	weak(PROOF_DESCRIPTORS, PROOF_VMM);
	p->fds.cut = true;
	weak(PROOF_DESCRIPTORS, PROOF_VMM);
	/* The lock is the keeper's to hold, not the VMM's. */
	make_fd(p, S_IFREG | 0600, O_RDWR, "/run/vms/x/lock");
	p->fds.list[1].is_lock = p->fds.list[1].outside = true;
	weak(PROOF_DESCRIPTORS, PROOF_VMM);
	make_fd(p, S_IFREG | 0600, O_RDWR, "/memfd:named (deleted)");
	weak(PROOF_DESCRIPTORS, PROOF_VMM);
}

static void hold_vsock(enum proof_who who)
{
	struct proof_process *p = &proof.process[who];

	make_fd(p, S_IFSOCK | 0777, O_RDWR, "socket:[1]");
	p->fds.list[p->fds.n - 1].family = AF_VSOCK;
}

static void hold_vhost(enum proof_who who)
{
	struct proof_process *p = &proof.process[who];

	make_fd(p, S_IFCHR | 0666, O_RDWR, "/dev/vhost-vsock");
	p->fds.list[p->fds.n - 1].rdev = makedev(10, 241);
}

/* Of a link over vhost-vsock the socket is the keeper's, the device the VMM's. */
static void vsock_is_for_its_own_link(void **state)
{
	(void)state;
	for (uint32_t keeper = 0; keeper < JAIL_PROGRAM_MAX; keeper++) {
		bool vhost = keeper == JAIL_PROGRAM_KEEPER_VSOCK;
		enum ironclaw_verdict verdict = vhost ? IRONCLAW_VERDICT_OK : IRONCLAW_VERDICT_WEAK;

		proof.status.keeper_program = keeper;
		hold_vsock(PROOF_KEEPER);
		hold_vhost(PROOF_VMM);
		proof_judge(&proof, &report);
		for (int who = PROOF_VMM; who <= PROOF_KEEPER; who++)
			assert_int_equal(report.findings[PROOF_DESCRIPTORS][who].verdict, verdict);
		(void)setup(NULL);
		proof.status.keeper_program = keeper;
		hold_vsock(PROOF_VMM);
		weak(PROOF_DESCRIPTORS, PROOF_VMM);
		proof.status.keeper_program = keeper;
		hold_vhost(PROOF_KEEPER);
		weak(PROOF_DESCRIPTORS, PROOF_KEEPER);
	}
}

static void descriptors_that_are_fine(void **state)
{
	struct proof_process *p = &proof.process[PROOF_KEEPER];

	(void)state;
	make_fd(p, S_IFREG | 0600, O_RDWR, "/run/vms/x/lock");
	p->fds.list[1].is_lock = p->fds.list[1].outside = true;
	make_fd(p, S_IFSOCK | 0777, O_RDWR, "socket:[1]");
	p->fds.list[2].family = AF_UNIX;
	make_fd(p, S_IFCHR | 0666, O_RDWR, "/dev/null");
	p->fds.list[3].rdev = makedev(1, 3);
	make_fd(p, S_IFIFO | 0600, O_WRONLY, "pipe:[1]");
	make_fd(p, 0600, O_RDWR, "anon_inode:[eventfd]");
	make_fd(p, 0600, O_RDWR, "anon_inode:kvm-vcpu:0");
	make_fd(p, S_IFREG | 0600, O_RDWR, "/memfd:x (deleted)");
	p->fds.list[7].unlinked = p->fds.list[7].outside = true;
	proof_judge(&proof, &report);
	assert_int_equal(report.findings[PROOF_DESCRIPTORS][PROOF_KEEPER].verdict,
			 IRONCLAW_VERDICT_OK);
}

static void limits(void **state)
{
	struct proof_process *p = &proof.process[PROOF_VMM];

	(void)state;
	proof.status.limits = WARDEN_LIMITS_NONE;
	weak(PROOF_LIMITS_LAYER, PROOF_VMM);
	p->limits.memory_b = PROOF_UNLIMITED;
	weak(PROOF_LIMITS_LAYER, PROOF_VMM);
	p->limits.has_pids = false;
	weak(PROOF_LIMITS_LAYER, PROOF_VMM);
	p->limits.cpu_percent = PROOF_UNLIMITED;
	weak(PROOF_LIMITS_LAYER, PROOF_VMM);
	p->cgroups = proof.process[PROOF_WARDEN].cgroups;
	weak(PROOF_LIMITS_LAYER, PROOF_VMM);
	p->limits.swap_b = 4096;
	weak(PROOF_LIMITS_LAYER, PROOF_VMM);
	p->limits.has_memory = p->limits.has_pids = p->limits.has_cpu = false;
	unknown(PROOF_LIMITS_LAYER, PROOF_VMM);
	p->rlimits.hard[PROOF_RLIMIT_NOFILE] = 1 << 20;
	weak(PROOF_RLIMITS_LAYER, PROOF_VMM);
	p->rlimits.hard[PROOF_RLIMIT_FSIZE] = PROOF_UNLIMITED;
	weak(PROOF_RLIMITS_LAYER, PROOF_VMM);
	p->rlimits.hard[PROOF_RLIMIT_CORE] = 2;
	weak(PROOF_RLIMITS_LAYER, PROOF_VMM);
}

static void what_a_crash_shows(void **state)
{
	struct proof_process *p = &proof.process[PROOF_VMM];

	(void)state;
	p->dumpable = true;
	proof.host.core_handler = true;
	weak(PROOF_CORE, PROOF_VMM);
	/* One byte: the limit that binds a handler too. */
	p->dumpable = p->dumpable_known = true;
	proof.host.core_handler = true;
	p->rlimits.hard[PROOF_RLIMIT_CORE] = 1;
	proof_judge(&proof, &report);
	assert_int_equal(report.findings[PROOF_CORE][PROOF_VMM].verdict, IRONCLAW_VERDICT_OK);
	p->rlimits.hard[PROOF_RLIMIT_CORE] = 0;
	p->dumpable_known = false;
	proof.host.core_handler = true;
	unknown(PROOF_CORE, PROOF_VMM);
	p->dumpable = true;
	proof_judge(&proof, &report);
	assert_int_equal(report.findings[PROOF_CORE][PROOF_VMM].verdict, IRONCLAW_VERDICT_OK);
}

static void memory_terminal_and_firewall(void **state)
{
	(void)state;
	proof.process[PROOF_KEEPER].stat.tty = 34816;
	weak(PROOF_TERMINAL, PROOF_KEEPER);
	proof.process[PROOF_VMM].memory.n_shared_writable = 1;
	weak(PROOF_MEMORY, PROOF_VMM);
	proof.firewall.read = true;
	proof.firewall.error = -EIO;
	weak(PROOF_FIREWALL, PROOF_VMM);
	proof.firewall.read = true;
	proof_judge(&proof, &report);
	assert_int_equal(report.findings[PROOF_FIREWALL][PROOF_VMM].verdict, IRONCLAW_VERDICT_OK);
}

static void first_missing(void **state)
{
	enum proof_layer layer;
	enum proof_who who;

	(void)state;
	proof.process[PROOF_KEEPER].tasks.status.seccomp_mode = 0;
	proof.process[PROOF_VMM].rlimits.hard[PROOF_RLIMIT_CORE] = 1; /* no must-have */
	proof_judge(&proof, &report);
	assert_true(proof_first_missing(&report, &layer, &who));
	assert_int_equal(layer, PROOF_SECCOMP);
	assert_int_equal(who, PROOF_KEEPER);
	/* What cannot be read is not proven either. */
	(void)setup(NULL);
	proof.process[PROOF_VMM].fds_error = EACCES;
	proof_judge(&proof, &report);
	assert_true(proof_first_missing(&report, &layer, &who));
	assert_int_equal(layer, PROOF_DESCRIPTORS);
}

static void foreign_names_are_escaped(void **state)
{
	struct proof_process *p = &proof.process[PROOF_VMM];
	const struct proof_finding *f = &report.findings[PROOF_DESCRIPTORS][PROOF_VMM];

	(void)state;
	make_fd(p, S_IFREG | 0600, O_RDWR, "/\033[2Jx\n");
	proof_judge(&proof, &report);
	assert_int_equal(f->verdict, IRONCLAW_VERDICT_WEAK);
	for (const char *c = f->reason; *c; c++)
		assert_true(*c >= ' ' && *c < 0x7f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(all_is_well, setup),
		cmocka_unit_test_setup(user_namespace, setup),
		cmocka_unit_test_setup(ids, setup),
		cmocka_unit_test_setup(groups, setup),
		cmocka_unit_test_setup(privileges, setup),
		cmocka_unit_test_setup(namespaces, setup),
		cmocka_unit_test_setup(network, setup),
		cmocka_unit_test_setup(mounts, setup),
		cmocka_unit_test_setup(descriptors, setup),
		cmocka_unit_test_setup(vsock_is_for_its_own_link, setup),
		cmocka_unit_test_setup(descriptors_that_are_fine, setup),
		cmocka_unit_test_setup(limits, setup),
		cmocka_unit_test_setup(what_a_crash_shows, setup),
		cmocka_unit_test_setup(memory_terminal_and_firewall, setup),
		cmocka_unit_test_setup(first_missing, setup),
		cmocka_unit_test_setup(foreign_names_are_escaped, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
