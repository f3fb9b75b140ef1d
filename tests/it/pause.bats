#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# ironclaw_vm_pause() and ironclaw_vm_resume(), with QEMU; firecracker-vm.bats has them with the other
# engine.

load lib

setup() {
	use_tmp
	TOOL=$(dirname "$IRONCLAW")/tests/pause_tool
	[ -x "$TOOL" ] || skip "only with the programs of a build tree"
}

teardown() {
	nothing_left
}

tool() {
	status=0
	timeout --kill-after=5 "$DEADLINE_S" "$TOOL" qemu "$@" >"$OUT" 2>"$ERR" </dev/null || status=$?
}

@test "under a command the guest stands still, goes on, and loses nothing" {
	tool under
	exits 0
	[ "$(cat "$OUT")" = "$(printf 'numbers 40\nstood still\npaused')" ] || flunk "otherwise"
}

@test "a paused VM takes no command; afterwards it does, and its clock is right" {
	tool between
	exits 0
	[ "$(cat "$OUT")" = "$(printf 'busy\nclock set\nalive')" ] || flunk "otherwise"
}

@test "a killed caller leaves nothing of a paused VM" {
	"$TOOL" qemu hold >"$OUT" 2>"$ERR" </dev/null &
	local pid=$!
	for _ in $(seq 300); do
		! grep -qx paused "$OUT" || break
		sleep 0.1
	done
	stdout_is paused
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null || true
	nothing_left
}
