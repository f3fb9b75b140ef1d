#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A VMM that makes a million denied calls: nobody's memory grows, and other VMs are served.

load ../it/lib

N=1000000

setup() {
	use_tmp
	BUILT=$(dirname "$IRONCLAW")/tests
	export IRONCLAW_LIBEXEC=${IRONCLAW_LIBEXEC:-$(dirname "$IRONCLAW")}
}

teardown() {
	nothing_left
}

# memory_kib PID: what the process has for itself; the record, which it maps, is no part of it.
memory_kib() {
	awk '/^Anonymous:/ { print $2 }' "/proc/$1/smaps_rollup"
}

@test "a million denied calls neither grow memory nor stop other VMs" {
	local flood warden before after size runs=0

	[ -x "$BUILT/flood" ] || skip "only with the programs of a build tree"
	vm -- true
	rm -f "$IRONCLAW_HOME/run/denials"
	timeout 300 "$BUILT/flood" "$BUILT/flood_probe" "$N" >flood.out 2>flood.err 3>&- &
	flood=$!
	for _ in $(seq 300); do
		! grep -q begin flood.out || break
		sleep 0.1
	done
	warden=$("$IRONCLAW" ps --json | jq '.[] | select(.id == "flood") | .warden_pid')
	before=$(memory_kib "$warden")
	size=$(stat -c %s "$IRONCLAW_HOME/run/denials")
	# Another VM's whole life, several times, while the flood goes on.
	while ! grep -q end flood.out && [ "$runs" -lt 5 ]; do
		vm --name "beside-$runs" -- echo served
		exits 0
		stdout_is served
		runs=$((runs + 1))
		after=$(memory_kib "$warden" 2>/dev/null) || after=$before
	done
	wait "$flood" || flunk "$(cat flood.err)"
	[ "$runs" -gt 0 ] || flunk "the flood was over before another VM ran"
	grep -qx "end $N" flood.out || flunk "not all were refused: $(cat flood.out)"
	grep -qx "denials $N" flood.out || flunk "not all were counted: $(cat flood.out)"
	[ "$((after - before))" -lt 256 ] || flunk "the warden grew from $before to $after KiB"
	[ "$(stat -c %s "$IRONCLAW_HOME/run/denials")" = "$size" ] || flunk "the record grew"
	ic audit seccomp --json
	json_is '.entries | length' 10000
	json_is '.dropped' $((N - 10000))
	json_is '.alerts | map(.vm_id)' '["flood"]'
	# What the caller chose is in the record, up to the last.
	json_is '.entries[-1] | [.vm_id, .syscall, .action]' '["flood","ptrace","refused"]'
}
