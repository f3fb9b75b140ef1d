#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Each call with which warden and jail put a layer up is made to fail: the VM must not start, the error
# must say what failed, and nothing may be left. The class: nsjail's fixes of 2026 (setgroups, setsid and
# no_new_privs unchecked), runtimes that go on without a cgroup or without Landlock.
#
# strace stands in the warden's place and lets one call of it or of its children fail.

load lib

setup() {
	use_tmp
	mkdir -p "$RESULTS"
	home_of_ours
	command -v strace >/dev/null || skip "there is no strace"
	LIBEXEC=$(libexec_of full)
	cp -a "$LIBEXEC" libexec
	rm libexec/ironclaw-warden
	cat >libexec/ironclaw-warden <<-END
		#!/bin/sh
		exec strace -f -qq -o "$BATS_TEST_TMPDIR/trace" -e signal=none \
			-e "trace=\$(cat "$BATS_TEST_TMPDIR/call")" \
			-e "inject=\$(cat "$BATS_TEST_TMPDIR/call"):\$(cat "$BATS_TEST_TMPDIR/how")" \
			"$BUILT/ironclaw-warden"
	END
	chmod 755 libexec/ironclaw-warden
	NAME=fails-$(id -u)
}

# start_with CALL WHEN [ERROR]: a run whose warden, or a child of it, has a call that fails.
start_with() {
	echo "$1" >call
	echo "error=${3:-EPERM}:when=$2" >how
	: >trace
	status=0
	IRONCLAW_LIBEXEC=$PWD/libexec timeout 30 "$IRONCLAW" run "$IMAGE" -q --name "$NAME" -- \
		echo it started </dev/null >"$OUT" 2>"$ERR" || status=$?
}

# left_of_it: what a VM leaves when it is not taken down.
left_of_it() {
	vm_folders
	pgrep -f "^$BUILT/ironclaw-warden\$" -s 0 || true
	find /sys/fs/cgroup -type d -name "$NAME" 2>/dev/null || true
	if is_root && command -v nft >/dev/null; then
		nft list ruleset 2>/dev/null | grep -F "$NAME" || true
	fi
}

# stops CALL WHEN...: each of these calls is needed, and the failure is told.
stops() {
	local call=$1 when left

	shift
	for when in "$@"; do
		start_with "$call" "$when"
		# (Under the filter a call that strace replaces is denied, and strace does not see it.)
		[[ $call == exec* ]] || grep -q INJECTED trace || flunk "$call $when: no such call"
		[ "$status" -eq 125 ] || flunk "$call $when: exit code $status"
		stdout_empty
		grep -q '^ironclaw: the warden could not ' "$ERR" || flunk "$call $when: not told"
		left=$(left_of_it)
		[ -z "$left" ] || flunk "$call $when: left is $left"
	done
}

@test "without a failure it starts (control)" {
	start_with clone3 1000
	exits 0
	stdout_is 'it started'
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
	# (sendmsg cannot be made to fail: the jail calls it under its filter, which denies what strace
	# puts in its place, and there is no supervisor yet to say so.)
	stops recvmsg 1 2
	stops socketpair 1 2
}

@test "cgroup: a limit that cannot be written is fatal" {
	is_root || skip "an ordinary user has no cgroup here"
	vm --require-limits -- true
	[ "$status" -eq 0 ] || skip "there is no cgroup here"
	stops write 1 2 3 4
}

@test "firewall: rules that cannot be loaded are fatal" {
	is_root || skip "only for VMs of root"
	# nft is the only program that the warden executes besides; its pipes and its process. What could
	# not be removed for the same reason goes with the next start, whose first nft that is.
	for call in execve pipe2 wait4; do
		stops "$call" 1
		vm -- true
		exits 0
	done
}
