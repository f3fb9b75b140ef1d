#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the lab's machine has and most hosts of the tests do not: without it, the suites there would
# show nothing.

load ../it/lib

setup() {
	use_tmp
	[ -n "${IRONCLAW_LAB:-}" ] || skip "only in the lab"
}

# own_cgroup: where this user may make cgroups with every controller.
own_cgroup() {
	if is_root; then
		echo /sys/fs/cgroup
	else
		echo /sys/fs/cgroup/user
	fi
}

@test "cgroup v2 alone, with every controller, and a limit set there holds" {
	local dir controllers

	[ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]
	[[ $(cat /proc/self/cgroup) == 0::/* && $(wc -l </proc/self/cgroup) -eq 1 ]]
	dir=$(own_cgroup)/lab-$$
	mkdir "$dir"
	controllers=" $(cat "$dir/cgroup.controllers") "
	for controller in cpu cpuset io memory pids; do
		[[ $controllers == *" $controller "* ]] || flunk "no $controller in$controllers"
	done
	fork_there() { (
		echo 0 >"$dir/cgroup.procs"
		(true) # a process more
	); }
	fork_there # the control
	echo 1 >"$dir/pids.max"
	status=0
	fork_there 2>"$ERR" || status=$?
	rmdir "$dir"
	[ "$status" -ne 0 ] || flunk "pids.max did not hold"
}

@test "nf_tables filters packets" {
	local -a own=(unshare --net)

	is_root || own=(unshare --user --map-root-user --net)
	"${own[@]}" bash -ec '
		ip link set lo up
		hear() { timeout 20 python3 -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((\"127.0.0.1\", 0))
s.settimeout(2)
s.sendto(b\"x\", s.getsockname())
print(s.recv(9))" 2>&1; }
		hear # the control
		nft "add table inet lab; add chain inet lab out { type filter hook output priority 0; };
			add rule inet lab out meta l4proto udp counter drop"
		! hear || exit 1
		nft list ruleset
	' >"$OUT" 2>"$ERR" || flunk "nft"
	stdout_has 'counter packets 1 '
	stdout_has "b'x'"
}

@test "Landlock is there, with the ABI that its kernel is known for" {
	if is_root; then
		grep -qw landlock /sys/kernel/security/lsm || flunk "$(cat /sys/kernel/security/lsm)"
	fi
	# landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION)
	python3 -c 'import ctypes; print(ctypes.CDLL(None).syscall(444, None, 0, 1))' >"$OUT"
	[ "$(cat "$OUT")" -ge 2 ] || flunk "Landlock's ABI"
}

@test "/dev/kvm and /dev/vhost-vsock can be opened" {
	: <>/dev/kvm
	: <>/dev/vhost-vsock
}

@test "root has every capability, the user none" {
	local bits

	bits=$(sed -n 's/^CapEff:\t0*//p' /proc/self/status)
	if is_root; then
		[ "$bits" = "$(printf '%x' $(((2 << $(cat /proc/sys/kernel/cap_last_cap)) - 1)))" ]
	else
		[ -z "$bits" ]
	fi
}

@test "there is no network but lo" {
	[ "$(ls /sys/class/net)" = lo ]
}
