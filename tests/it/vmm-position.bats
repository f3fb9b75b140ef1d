#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a VMM that its guest has taken over could do from where it stands: nothing to what others use.

load lib

setup() {
	use_tmp
	BUILT=$(dirname "$IRONCLAW")/tests
	PROBE=$BUILT/vmm_probe
}

teardown() {
	nothing_left
}

@test "every act of a program in the VMM's place is refused, and done outside (control)" {
	[ -x "$BUILT/vmm_position" ] || skip "only with the programs of a build tree"
	home_copy
	status=0
	IRONCLAW_LIBEXEC=$(dirname "$IRONCLAW") timeout "$DEADLINE_S" \
		"$BUILT/vmm_position" "$PROBE" "$BATS_TEST_TMPDIR" >all 2>"$ERR" || status=$?
	grep -v '^ok ' all >"$OUT" || true
	exits 0
	mv all "$OUT"
	# What this is about was tried indeed.
	stdout_has '/vm/ram rw: EROFS'
	stdout_has '/vm/ram shared: EACCES'
	stdout_has '/vm/ram procfd: ENOENT'
	stdout_has 'ram digest: same'
	[ "$(grep -c '^ok ' "$OUT")" -ge 140 ] || flunk "too few results"
}

@test "a running clone maps the template's memory privately, and nothing of a file writable for others" {
	local run vmm=""

	"$IRONCLAW" run "$IMAGE" -q -- sh -c 'echo ready; sleep 30' </dev/null >"$OUT" 2>"$ERR" 3>&- &
	run=$!
	for _ in $(seq 300); do
		! grep -q ready "$OUT" || break
		kill -0 "$run" || break
		sleep 0.1
	done
	stdout_has ready
	vmm=$(vmm_below "$run") || flunk "there is no VMM"
	if ! cat "/proc/$vmm/maps" >maps; then
		kill "$run"
		wait "$run" || true
		skip "the VMM's maps cannot be read by this user"
	fi
	kill "$run"
	wait "$run" || true
	# Its guest's memory, and its program (control: the maps are those of the VMM).
	awk '$6 == "/vm/ram" { print $2 }' maps >ram
	[ -s ram ] || flunk "no mapping of the template's memory: $(cat maps)"
	[ "$(sort -u ram)" = rw-p ] || flunk "mapped as: $(sort -u ram)"
	grep -q qemu maps
	# Shared and writable is at most what is no file: memory and event descriptors.
	awk '$2 ~ /w.s/ && $6 ~ /^\// && $6 !~ /^\/(dev\/zero|memfd:)/' maps >shared
	[ ! -s shared ] || flunk "shared and writable: $(cat shared)"
}
