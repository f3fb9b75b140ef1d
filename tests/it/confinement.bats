#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the flags of `run` say about confinement. What each layer refuses is tested in tests/escape, what
# root's VMs have besides in host-root.bats.

load lib

setup() {
	use_tmp
}

teardown() {
	stop_vms
	nothing_left
}

# shown ID FILTER: a value of `ironclaw inspect ID --json`.
shown() {
	"$IRONCLAW" inspect "$1" --json | jq -er "$2"
}

# no_denials_of ID: the record has nothing about a VM.
no_denials_of() {
	ic audit seccomp --vm "$1" --json
	exits 0
	json_is '.entries | length' 0
}

# A workload with files, processes, much output and input, and signals.
WORK='set -e
dd if=/dev/urandom of=/tmp/f bs=64k count=16 2>/dev/null
sha256sum /tmp/f >/tmp/sum && sha256sum -c /tmp/sum
for i in 1 2 3 4; do (sleep 0.05; echo $i >>/tmp/n) & done; wait
test "$(wc -l </tmp/n)" -eq 4
find / -xdev -type f >/dev/null 2>&1 || true
seq 100000
cat >/tmp/in
sha256sum </tmp/in'

@test "each level boots, clones, works and ends, without a denied call" {
	local level start id

	head -c 3000000 /dev/urandom >in
	for level in minimal basic permissive; do
		for start in "" --cold; do
			id=level-$level${start:-clone}
			# shellcheck disable=SC2086 # no flag is no word
			ic run "$IMAGE" -q -i --cpus 2 --name "$id" --seccomp "$level" $start -- \
				sh -c "$WORK" <in
			exits 0
			stderr_empty
			tail -n 1 "$OUT" | grep -qF "$(sha256sum <in | cut -d' ' -f1)" ||
				flunk "stdin was not passed on at level $level"
			no_denials_of "$id"
		done
	done
}

@test "each level builds a template and saves it" {
	local level

	home_copy
	for level in minimal basic permissive; do
		printf '{"image": "%s", "seccomp_filter": "%s"}' "$IMAGE" "$level" >config
		rm -rf "$IRONCLAW_HOME/data/templates"
		ic run -q --config config --name "builder-$level" -- echo saved </dev/null
		exits 0
		stdout_is saved
		ic audit seccomp --json
		json_is '.entries | length' 0
	done
}

@test "audit mode runs what enforce mode runs" {
	vm --seccomp-mode audit --name audited -- echo works
	exits 0
	stdout_is works
	no_denials_of audited
}

@test "a level or mode that does not exist is refused by name" {
	vm --seccomp none -- true
	[ "$status" -ne 0 ] || flunk "accepted"
	stderr_has 'minimal, basic, permissive'
	vm --seccomp-mode log -- true
	[ "$status" -ne 0 ] || flunk "accepted"
	stderr_has 'enforce, audit'
}

@test "--require-limits starts with limits, or says why there are none" {
	if "$IRONCLAW" doctor --json | jq -e '.checks[] | select(.name == "limits") | .state == "ok"' >/dev/null; then
		vm --require-limits -- echo limited
		exits 0
		stdout_is limited
		start_vm with-limits --require-limits
		[ "$(shown with-limits '.layers[] | select(.layer == "limits" and .process == "vmm") | .verdict')" = ok ] ||
			flunk "not limited"
	else
		vm --require-limits -- true
		exits 125
		stderr_has 'limits'
		stderr_has 'systemd-run'
		ic run "$IMAGE" -- echo unlimited </dev/null
		exits 0
		stdout_is unlimited
		stderr_has 'nothing limits'
	fi
}
