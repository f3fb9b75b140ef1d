/* SPDX-License-Identifier: Apache-2.0 */
/* The text of /proc: as the kernel writes it, and as it never does. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "machine/proof_parse.h"

#define STATUS_TAIL                                                                                \
	"NSpid:\t19184\t1\nThreads:\t5\n"                                                          \
	"CapInh:\t0000000000000000\nCapPrm:\t0000000000000001\nCapEff:\t000001ffffffffff\n"        \
	"CapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\n"                   \
	"Seccomp:\t2\nSeccomp_filters:\t3\n"
#define STATUS                                                                                     \
	"Name:\tqemu\nUmask:\t0077\nPPid:\t1\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t27 "    \
	"100 \n" STATUS_TAIL

static void status(void **state)
{
	struct proof_status s;

	(void)state;
	assert_int_equal(proof_parse_status(STATUS, &s), 0);
	assert_int_equal(s.uid[0], 1);
	assert_int_equal(s.uid[3], 4);
	assert_int_equal(s.gid[1], 6);
	assert_int_equal(s.n_groups, 2);
	assert_int_equal(s.groups[1], 100);
	assert_int_equal(s.ns_depth, 2);
	assert_true(s.caps[PROOF_CAP_PRM] == 1);
	assert_true(s.caps[PROOF_CAP_EFF] == 0x1ffffffffff);
	assert_true(s.no_new_privs);
	assert_int_equal(s.seccomp_mode, 2);
	assert_int_equal(s.seccomp_filters, 3);
}

static void status_that_is_none(void **state)
{
	static const char *const bad[] = {
		"",
		/* a label twice: whose line counts? */
		STATUS "Seccomp:\t2\n",
		/* one that is missing */
		"Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\n" STATUS_TAIL,
		"Uid:\t1\t2\t3\nGid:\t5\t6\t7\t8\nGroups:\t\n" STATUS_TAIL,
		"Uid:\t1\t2\t3\t4294967296\nGid:\t5\t6\t7\t8\nGroups:\t\n" STATUS_TAIL,
		"Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t-1\n" STATUS_TAIL,
	};
	struct proof_status s = {.ns_depth = 77};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(proof_parse_status(bad[i], &s), -EINVAL);
	assert_int_equal(s.ns_depth, 77);
}

static void name_cannot_forge_a_line(void **state)
{
	struct proof_status s;

	(void)state;
	/* The kernel writes a line break in a name as these two characters. */
	assert_int_equal(proof_parse_status("Name:\tx\\nSeccomp:\t0\n" STATUS, &s), 0);
	assert_int_equal(s.seccomp_mode, 2);
}

static void stat_line(void **state)
{
	const char *rest = " S 7 1 1 34816 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 9 9\n";
	struct proof_stat s;
	char line[256];

	(void)state;
	(void)snprintf(line, sizeof(line), "12 (a) R 1 (b)%s", rest);
	assert_int_equal(proof_parse_stat(line, &s), 0);
	assert_int_equal(s.state, 'S');
	assert_int_equal(s.ppid, 7);
	assert_int_equal(s.tty, 34816);
	assert_true(s.start_ticks == 4242);
	assert_int_equal(proof_parse_stat("12 (a) S 7 1 1 0\n", &s), -EINVAL);
	assert_int_equal(proof_parse_stat("12 a S 7\n", &s), -EINVAL);
	assert_int_equal(proof_parse_stat("", &s), -EINVAL);
	assert_int_equal(proof_parse_stat(")", &s), -EINVAL);
}

static void id_maps(void **state)
{
	struct proof_id_map m;

	(void)state;
	assert_int_equal(proof_parse_id_map("", &m), 0);
	assert_int_equal(m.n_lines, 0);
	assert_int_equal(proof_parse_id_map("      1003       1003          1\n", &m), 0);
	assert_true(m.n_ids == 1 && m.inside == 1003 && m.here == 1003);
	assert_int_equal(proof_parse_id_map("0 0 4294967295\n1 2 3\n", &m), 0);
	assert_true(m.n_lines == 2 && m.n_ids == 4294967298ULL);
	assert_int_equal(proof_parse_id_map("0 0\n", &m), -EINVAL);
	assert_int_equal(proof_parse_id_map("x\n", &m), -EINVAL);
}

static void mounts(void **state)
{
	static struct proof_mounts m;
	const char *text =
		"67 44 0:41 / / ro,nosuid,nodev,relatime - tmpfs none rw,size=1024k\n"
		"96 67 0:6 /null /dev/null rw,nosuid,noexec shared:1 master:2 - devtmpfs x rw\n"
		"97 67 254:0 /a\\040b\\012 /mnt\\134x rw unbindable - ext4 /dev/vda rw\n";

	(void)state;
	assert_int_equal(proof_parse_mounts(text, &m), 0);
	assert_int_equal(m.n, 3);
	assert_true(m.list[0].ro && m.list[0].nosuid && m.list[0].nodev && !m.list[0].noexec);
	assert_false(m.list[0].shared);
	assert_int_equal(m.list[1].id, 96);
	assert_true(!m.list[1].ro && m.list[1].noexec && m.list[1].shared);
	assert_string_equal(m.list[1].root, "/null");
	assert_string_equal(m.list[2].root, "/a b\n");
	assert_string_equal(m.list[2].point, "/mnt\\x");
	assert_false(m.list[2].shared);
	assert_int_equal(proof_parse_mounts("67 44 0:41 / / ro - tmpfs none\n", &m), -EINVAL);
	assert_int_equal(proof_parse_mounts("67 44 0:41 / / ro\n", &m), -EINVAL);
	assert_int_equal(proof_parse_mounts("x 44 0:41 / / ro - tmpfs n rw\n", &m), -EINVAL);
	assert_int_equal(m.n, 0);
}

static void mounts_are_bounded(void **state)
{
	static struct proof_mounts m;
	static char text[8192];

	(void)state;
	for (size_t i = 0; i < 100; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
			       "%zu 1 0:1 / /%zu ro - tmpfs n rw\n", i, i);
	assert_int_equal(proof_parse_mounts(text, &m), 0);
	assert_int_equal(m.n, PROOF_MOUNTS_MAX);
	assert_true(m.cut);
}

static void memory(void **state)
{
	struct proof_memory m;
	const char *text = "7f00-7f01 r--s 00000000 fe:00 12   /vm/ram\n"
			   "7f01-7f02 rw-p 00000000 fe:00 12   /vm/ram\n"
			   "7f02-7f03 rw-s 00000000 00:01 13   /memfd:x (deleted)\n"
			   "7f03-7f04 rw-s 00000000 00:01 14   /dev/zero (deleted)\n"
			   "7f04-7f05 rw-s 00000000 00:0e 15   anon_inode:kvm-vcpu:0\n"
			   "7f05-7f06 rwxp 00000000 00:00 0 \n";

	(void)state;
	assert_int_equal(proof_parse_memory(text, &m), 0);
	assert_int_equal(m.n_shared_writable, 0);
	assert_int_equal(m.n_write_exec, 1);
	assert_int_equal(proof_parse_memory(
				 "1-2 rw-s 00000000 fe:00 12   /vm/a b\n1-2 -w-s 0 0:0 1 /c\n", &m),
			 0);
	assert_int_equal(m.n_shared_writable, 2);
	assert_string_equal(m.shared_writable, "/vm/a b");
	assert_int_equal(proof_parse_memory("1-2\n", &m), -EINVAL);
	assert_int_equal(proof_parse_memory("1-2 rw\n", &m), -EINVAL);
}

static void rlimits(void **state)
{
	struct proof_rlimits l;
	const char *text =
		"Limit                     Soft Limit           Hard Limit           Units     \n"
		"Max file size             0                    unlimited            bytes     \n"
		"Max core file size        0                    1                    bytes     \n"
		"Max processes             96365                96366                processes \n"
		"Max open files            256                  257                  files     \n";

	(void)state;
	assert_int_equal(proof_parse_rlimits(text, &l), 0);
	assert_true(l.hard[PROOF_RLIMIT_CORE] == 1 && l.soft[PROOF_RLIMIT_FSIZE] == 0);
	assert_true(l.hard[PROOF_RLIMIT_FSIZE] == PROOF_UNLIMITED);
	assert_true(l.hard[PROOF_RLIMIT_NOFILE] == 257 && l.hard[PROOF_RLIMIT_NPROC] == 96366);
	assert_int_equal(proof_parse_rlimits("Max open files  256  257 files\n", &l), -EINVAL);
}

static void cgroups(void **state)
{
	static struct proof_cgroups c;

	(void)state;
	assert_int_equal(proof_parse_cgroups("9:name=systemd:/\n4:cpu,cpuacct:/a:b\n0::/x\n", &c),
			 0);
	assert_int_equal(c.n, 3);
	assert_string_equal(c.list[1].controllers, "cpu,cpuacct");
	assert_string_equal(c.list[1].path, "/a:b");
	assert_string_equal(c.list[2].controllers, "");
	assert_true(proof_has_word("cpu,cpuacct", "cpuacct"));
	assert_true(proof_has_word("cpu,cpuacct", "cpu"));
	assert_false(proof_has_word("cpuacct", "cpu"));
	assert_false(proof_has_word("", "cpu"));
	assert_int_equal(proof_parse_cgroups("0:/x\n", &c), -EINVAL);
	assert_int_equal(proof_parse_cgroups("0::x\n", &c), -EINVAL);
}

static void fdinfo(void **state)
{
	struct proof_fdinfo f;

	(void)state;
	assert_int_equal(proof_parse_fdinfo("pos:\t0\nflags:\t0100002\nmnt_id:\t99\nino:\t1\n", &f),
			 0);
	assert_int_equal(f.flags, 0100002);
	assert_int_equal(f.mount_id, 99);
	assert_int_equal(proof_parse_fdinfo("flags:\t0100002\n", &f), -EINVAL);
	assert_int_equal(proof_parse_fdinfo("flags:\t9\nmnt_id:\t99\n", &f), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status),
		cmocka_unit_test(status_that_is_none),
		cmocka_unit_test(name_cannot_forge_a_line),
		cmocka_unit_test(stat_line),
		cmocka_unit_test(id_maps),
		cmocka_unit_test(mounts),
		cmocka_unit_test(mounts_are_bounded),
		cmocka_unit_test(memory),
		cmocka_unit_test(rlimits),
		cmocka_unit_test(cgroups),
		cmocka_unit_test(fdinfo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
