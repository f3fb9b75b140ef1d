#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `ironclaw inspect`, `ironclaw ps` and `run --prove`: what the kernel says about a running VM.

load lib

setup() {
	use_tmp
}

teardown() {
	stop_vms
	nothing_left
}

# verdict LAYER PROCESS
verdict() {
	json ".layers[] | select(.layer == \"$1\" and .process == \"$2\") | .verdict"
}

@test "what is shown is what the kernel says" {
	local pid ns who key

	start_vm shown
	ic inspect shown --json
	exits 0
	json_is '.id' '"shown"'
	for who in vmm keeper; do
		pid=$(json ".processes.$who.pid")
		[ "$(json ".processes.$who.parent")" = "$(json .processes.warden.pid)" ]
		for ns in user pid net mnt ipc uts cgroup time; do
			key=".processes.$who.namespaces.$ns"
			[ "$(readlink "/proc/$pid/ns/$ns")" = "$ns:[$(json "$key.inode")]" ] ||
				flunk "the $ns namespace of the $who"
			[ $ns = time ] || json_is "$key.shared_with_caller" false
		done
		[ "$(awk '/^CapEff/ {print $2}' "/proc/$pid/status")" = "$(json ".processes.$who.capabilities.effective")" ]
		[ "$(awk '/^CapBnd/ {print $2}' "/proc/$pid/status")" = "$(json ".processes.$who.capabilities.bounding")" ]
		json_is "[.processes.$who.capabilities[]] | unique" '["0000000000000000"]'
		json_is "$(printf '.processes.%s.no_new_privs' $who)" true
		[ "$(awk '/^Seccomp:/ {print $2}' "/proc/$pid/status")" = "$(json ".processes.$who.seccomp_mode")" ]
		[ "$(awk '/^Seccomp_filters/ {print $2}' "/proc/$pid/status")" = "$(json ".processes.$who.seccomp_filters")" ]
		[ "$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l)" = "$(json ".processes.$who.tasks")" ]
		[ "$(wc -l <"/proc/$pid/mountinfo")" = "$(json ".processes.$who.mounts | length")" ]
		json_is ".processes.$who.interfaces" '[{"name":"lo","up":false,"addresses":0}]'
		json_is ".processes.$who.routes" 0
		json_is ".processes.$who.mounts | map(.readonly and .nosuid and (.shared | not)) | all" true
		json_is ".processes.$who.descriptors | length > 3" true
		json_is ".processes.$who.setgroups_denied" true
	done
}

@test "each layer of the jail is in force" {
	local layer who

	start_vm force
	ic inspect force --json
	exits 0
	for who in vmm keeper; do
		for layer in user_namespace capabilities no_new_privs namespaces network mounts \
			descriptors memory terminal; do
			[ "$(verdict $layer $who)" = ok ] || flunk "$layer of the $who"
		done
	done
	[ "$(verdict rlimits vmm)" = ok ]
	# By the numbers that the kernel gives, whatever was built in.
	for who in vmm keeper; do
		if [ "$(json ".processes.$who.seccomp_mode")" = 2 ]; then
			[ "$(verdict seccomp $who)" = ok ]
		else
			[ "$(verdict seccomp $who)" = weak ]
			json_is .proven false
		fi
	done
}

@test "a process that nothing confines is called weak in every layer (control)" {
	local tool=${IRONCLAW%/*}/tests/proof_tool layer

	[ -x "$tool" ] || skip "the build folder has no proof_tool"
	# With a file mapped so that writes reach it, as no clone may have a template's memory.
	python3 -c 'import mmap, sys, time
f = open("mapped", "w+b"); f.truncate(4096)
m = mmap.mmap(f.fileno(), 4096); print("up", flush=True); time.sleep(60)' >victim.out 3>&- &
	PIDS+=($!)
	for _ in $(seq 100); do
		! grep -q up victim.out || break
		sleep 0.1
	done
	"$tool" "$!" >"$OUT"
	for layer in user_namespace capabilities no_new_privs seccomp namespaces network mounts \
		descriptors memory limits rlimits; do
		grep -qx "$layer weak" "$OUT" || flunk "$layer is not weak"
	done
}

@test "the text has a row for each layer, in 100 columns, and the lists" {
	local layer

	start_vm text
	ic inspect text
	exits 0
	stderr_empty
	for layer in "user namespace" uid:gid groups capabilities no_new_privs seccomp namespaces \
		network "root, mounts" descriptors "shared memory" "cgroup limits" rlimits terminal Landlock; do
		grep -q "^$layer " "$OUT" || flunk "no row $layer"
	done
	[ "$(sed -n '/^LAYER/,/^$/p' "$OUT" | wc -L)" -le 100 ]
	stdout_has 'Mounts of the vmm:'
	stdout_has 'ro,nosuid,nodev / (tmpfs)'
	stdout_has 'Descriptors of the keeper:'
}

@test "two VMs have nothing in common, and one looks the same each time" {
	start_vm one
	start_vm two
	ic ps -q
	exits 0
	stdout_is "$(printf 'one\ntwo')"
	ic inspect two --json
	exits 0
	cp "$OUT" two.json
	ic inspect one --json
	exits 0
	cp "$OUT" one.json
	ic inspect one --json
	exits 0
	diff <(jq 'del(.firewall)' one.json) <(jq 'del(.firewall)' "$OUT")
	# No namespace but time is in both, of VMM or keeper.
	jq '.processes | .vmm, .keeper | .namespaces | del(.time) | .[].inode' one.json two.json |
		sort >inodes
	[ "$(wc -l <inodes)" -eq 28 ]
	[ -z "$(uniq -d inodes)" ] || flunk "shared: $(uniq -d inodes)"
}

@test "ps lists what runs, and nothing when nothing does" {
	ic ps --json
	exits 0
	stdout_is '[]'
	start_vm listed
	ic ps
	exits 0
	stdout_has 'WARDEN'
	stdout_has 'listed'
	ic ps --json
	exits 0
	json_is '.[0].state' '"running"'
	[ "$(readlink "/proc/$(json '.[0].vmm_pid')/ns/pid")" != "$(readlink /proc/self/ns/pid)" ]
	kill -TERM "${PIDS[0]}"
	wait "${PIDS[0]}" || true
	ic ps -q
	exits 0
	stdout_empty
}

@test "a VM that has ended, one that never was, and a typo" {
	start_vm ended
	ic inspect endet
	exits 1
	stderr_has "no VM named 'endet'"
	stderr_has 'try: ironclaw inspect ended'
	kill -TERM "${PIDS[0]}"
	wait "${PIDS[0]}" || true
	ic inspect ended
	exits 1
	stdout_empty
	stderr_has "no VM named 'ended'"
	stderr_has 'try: ironclaw ps'
	ic inspect '../x'
	exits 2
	stderr_is_tame
	ic inspect
	exits 2
	ic inspect a b
	exits 2
	ic inspect a --jsno
	exits 2
	ic ps a
	exits 2
}

@test "killed in every moment: shown whole, or a clear end" {
	local i

	for i in 1 2 3; do
		start_vm "end-$i"
		kill -KILL "$(pgrep -P "${PIDS[-1]}" -f ironclaw-warden)" &
		while :; do
			ic inspect "end-$i" --json
			[ "$status" -eq 0 ] || break
			jq -e '.processes.vmm.namespaces.net.inode > 0' "$OUT" >/dev/null
		done
		exits 1
		stdout_empty
		grep -qE 'has ended|no VM named' "$ERR" || flunk "no clear end"
		wait "${PIDS[-1]}" || true
	done
}

@test "run --prove shows the proof and runs the command only if every must-have is in force" {
	start_vm judged
	ic inspect judged --json
	exits 0
	cp "$OUT" judged.json
	vm --prove -- echo ran
	[ "$(wc -l <"$ERR")" -le 30 ]
	stderr_has 'user namespace ok'
	stderr_has 'root, mounts   ok'
	if jq -e .proven judged.json >/dev/null; then
		exits 0
		stdout_is ran
	else
		exits 125
		stdout_empty
		stderr_has 'not proven:'
	fi
}
