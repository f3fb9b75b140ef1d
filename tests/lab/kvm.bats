#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The KVM engine, on a machine whose KVM works.

load ../it/lib

setup() {
	use_tmp
	[ -n "${IRONCLAW_LAB:-}" ] || skip "only in the lab"
}

teardown() {
	nothing_left
}

@test "doctor says that KVM works" {
	ic doctor --json
	json_is '[.checks[] | select(.name == "kvm") | .state]' '["ok"]'
}

@test "a template is built with KVM, and its clones differ" {
	ic template build "$IMAGE" </dev/null
	exits 0
	for i in 1 2 3; do
		vm_sh 'cat /proc/sys/kernel/random/boot_id; head -c 16 /dev/urandom | od -An -tx1; exit 7' --json
		exits 7
		json_is '[.accel, .engine, .exit_code]' '["kvm","qemu",7]'
		json_is '.timings_ms | has("restore") and (.restore > 0)' true
		json .stdout >>all
	done
	[ "$(sort -u all | grep -c .)" -eq 6 ] || flunk "$(cat all)"
}

@test "a cold boot with --accel kvm" {
	vm --cold --accel kvm --json -- echo cold
	exits 0
	json_is '[.accel, .stdout]' '["kvm","cold\n"]'
	json_is '.timings_ms | has("boot") and (.boot > 0)' true
}

@test "--accel tcg emulates all the same" {
	vm --accel tcg --json -- echo emulated
	exits 0
	json_is '[.accel, .stdout]' '["tcg","emulated\n"]'
}

@test "nothing is said of emulation, and the guest knows its hypervisor" {
	ic run "$IMAGE" -- cat /sys/devices/system/clocksource/clocksource0/available_clocksource </dev/null
	exits 0
	stderr_empty
	stdout_has kvm-clock
}

@test "the VMM holds a virtual machine of the kernel's, and is the small binary" {
	"$IRONCLAW" run "$IMAGE" -q -- sh -c 'echo up; sleep 60' >"$OUT" 2>"$ERR" </dev/null &
	local run=$! vmm="" small=yes

	for _ in $(seq 300); do
		! grep -q up "$OUT" || break
		sleep 0.1
	done
	for pid in $(processes_below "$run"); do
		case $(cat "/proc/$pid/comm") in
		qemu-system*) vmm=$pid ;;
		esac
	done
	tr '\0' ' ' <"/proc/$vmm/cmdline" >arguments
	if is_root; then # nobody else may look at a jailed process
		ls -l "/proc/$vmm/fd" >fds
		[ "/proc/$vmm/exe" -ef /usr/bin/qemu-system-x86_64-microvm ] || small=no
	fi
	kill "$run"
	wait "$run" || true
	grep -q -e '-accel kvm' arguments || flunk "$(cat arguments)"
	! is_root || grep -q anon_inode:kvm-vm fds || flunk "$(cat fds)"
	[ "$small" = yes ] || flunk "it is another binary"
}

@test "every act of prove is refused where the VMM has KVM" {
	ic prove --image "$IMAGE" -q
	exits 0
	stdout_has kvm
}
