#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Each call with which warden and jail put a layer up is made to fail: the VM must not start, the error
# must say what failed, and nothing may be left. The class: nsjail's fixes of 2026 (setgroups, setsid and
# no_new_privs unchecked), runtimes that go on without a cgroup or without Landlock.

load lib
load inject

setup() {
	use_injection
}

@test "without a failure it starts (control)" {
	start_with clone3 1000
	exits 0
	stdout_is 'it started'
}

@test "what is left of a VM is seen while there is one (control)" {
	local pid

	echo clone3 >call
	echo error=EPERM:when=1000 >how
	IRONCLAW_LIBEXEC=$PWD/libexec "$IRONCLAW" run "$IMAGE" -q --name "$NAME" -- \
		sh -c 'echo up; sleep 60' </dev/null >"$OUT" 2>"$ERR" 3>&- &
	pid=$!
	for _ in $(seq 300); do
		! grep -q up "$OUT" || break
		sleep 0.1
	done
	left_of_it >seen
	kill "$pid"
	wait "$pid" || true
	grep -qE '^[0-9]+$' seen || flunk "no process is seen"
	grep -qF "/$NAME" seen || flunk "no folder is seen"
	! is_root || ! command -v nft >/dev/null || grep -qF "comment \"$NAME\"" seen || flunk "no chain is seen"
	[ -z "$(left_of_it)" ] || flunk "left is $(left_of_it)"
}

@test "namespaces and ids: every failure is fatal" {
	stops clone3 1 2
	stops setresuid 1
	stops setresgid 1
	! is_root || stops setgroups 1
	# The id maps are the first that is written; as root the cgroup's limits come before them.
	if is_root; then stops write 7 8 9; else stops write 1 2 3; fi
}

@test "keyring: every failure is fatal" {
	stops keyctl 1
}

@test "mounts and the root: every failure is fatal" {
	stops mount_setattr 1 2 3 20
	stops open_tree 1 2 20
	stops fsopen 1
	stops fsconfig 1 2 3 4
	stops fsmount 1
	stops move_mount 1 2 3 20
	stops mknodat 1 2 20
	stops mkdir 1 2
	stops pivot_root 1
	stops umount2 1
	stops chdir 1
	stops fchdir 1
}

@test "descriptors and limits: every failure is fatal" {
	stops dup2 1 2 3 6
	stops close_range 1
	stops prlimit64 1 2 4 6 8 10 12
}

@test "privileges: every failure is fatal, the last of the bounding set as well" {
	stops capget 1
	stops capset 1
	# 1 clears the ambient set; then each capability is asked for and dropped; then the securebits,
	# no_new_privs, and the signal for the warden's death.
	stops prctl 1 2 3 41 80 82 84 85 86 87
}

@test "Landlock: a kernel that does not answer is not one without it" {
	[ -e /sys/kernel/security/lsm ] || start_with landlock_create_ruleset 1
	stops landlock_create_ruleset 1 2
	stops landlock_add_rule 1
	stops landlock_restrict_self 1
	# A kernel without Landlock says so, and then the VM starts.
	start_with landlock_create_ruleset 1 ENOSYS
	exits 0
}

@test "seccomp and the start of the program: every failure is fatal" {
	stops seccomp 1 2
	stops execveat 1
	is_root || stops execve 1
}

@test "the warden's own messages: a request or a listener that does not arrive is fatal" {
	stops recvmsg 1 2
	stops socketpair 1 2
}

@test "a jail that hangs on its way ends with whoever wanted it" {
	# Under its filter, which denies what strace puts in the call's place, and before there is a
	# supervisor to say so.
	echo sendmsg >call
	echo error=EPERM:when=1 >how
	IRONCLAW_LIBEXEC=$PWD/libexec timeout -s KILL 2 "$IRONCLAW" run "$IMAGE" -q --name "$NAME" -- true \
		</dev/null >"$OUT" 2>"$ERR" || true
	for _ in $(seq 50); do
		[ -n "$(left_of_it)" ] || return 0
		sleep 0.1
	done
	flunk "left is $(left_of_it)"
}
