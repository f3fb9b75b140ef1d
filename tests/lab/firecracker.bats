#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The Firecracker engine as `ironclaw run` chooses it, where KVM works. With FIRECRACKER=PROGRAM given to
# `make test` or `make lab` that program is the VMM, and its guests are real ones. Without it the fake is
# (tests/it/fakes/firecracker.h), whose guest knows a few commands and has no kernel; the tests that need
# a guest say so.

load ../it/lib

setup() {
	use_tmp
	[ -n "${IRONCLAW_LAB:-}" ] || skip "only in the lab"
	if ! real; then
		mkdir "$BATS_TEST_TMPDIR/bin"
		chmod a+x "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/bin"
		python3 "$TOP/tests/it/fakes/firecracker_settings.py" \
			"$(dirname "$IRONCLAW")/tests/fake-firecracker" \
			"$BATS_TEST_TMPDIR/bin/firecracker" FAKE_FC_GUEST_CONNECT=3
		chmod 755 "$BATS_TEST_TMPDIR/bin/firecracker"
		PATH=$BATS_TEST_TMPDIR/bin:$PATH
	fi
}

teardown() {
	nothing_left
}

# real: whether the machine was given a Firecracker.
real() {
	[ -x /lab/firecracker/firecracker ]
}

guest() {
	real || skip "needs a Firecracker (make lab FIRECRACKER=PROGRAM): the fake has no such guest"
}

fc() {
	vm --engine firecracker --memory 128 "$@"
}

@test "doctor tells of it" {
	ic doctor --json
	json_is '[.checks[] | select(.name == "firecracker") | .state]' '["ok"]'
}

@test "auto takes it where KVM works, and QEMU where it may not" {
	vm --memory 128 --json -- echo auto
	exits 0
	json_is '[.engine, .accel, .stdout]' '["firecracker","kvm","auto\n"]'
	vm --accel tcg --json -- echo emulated
	exits 0
	json_is '[.engine, .accel, .stdout]' '["qemu","tcg","emulated\n"]'
	vm --link virtio-serial --json -- echo serial
	exits 0
	json_is '[.engine, .accel, .stdout]' '["qemu","kvm","serial\n"]'
}

@test "a cold boot, a template, clones, exit statuses" {
	fc --cold --json -- echo cold
	exits 0
	json_is '[.engine, .stdout, (.timings_ms | has("boot"))]' '["firecracker","cold\n",true]'
	for i in 1 2 3; do
		fc --json -- echo "clone $i"
		exits 0
		json_is '[.stdout, (.timings_ms | has("restore"))]' "[\"clone $i\\n\",true]"
	done
	fc -- false
	exits 1
}

@test "twenty clones at once" {
	local pids=()

	fc -- true
	for i in $(seq 20); do
		"$IRONCLAW" run "$IMAGE" -q --engine firecracker --memory 128 -- echo "clone $i" \
			>"out.$i" 2>"err.$i" </dev/null &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || flunk "$(cat err.*)"
	done
	[ "$(cat out.* | sort -u | wc -l)" -eq 20 ] || flunk "$(cat out.* err.*)"
}

@test "each level: boot, template, clone, without a denied call" {
	home_copy
	for level in minimal basic permissive; do
		rm -rf "$IRONCLAW_HOME/data/templates"
		for start in --cold "" ""; do
			# shellcheck disable=SC2086 # no flag is no word
			fc --seccomp $level $start -- echo $level
			exits 0
			stdout_is $level
		done
	done
	ic audit seccomp --json
	json_is '.entries | length' 0
}

@test "each layer of a running VM is as it must be" {
	"$IRONCLAW" run "$IMAGE" -q --engine firecracker --memory 128 --name proven -- sleep 20 >"$OUT" 2>"$ERR" </dev/null &
	local run=$!
	for _ in $(seq 100); do
		! "$IRONCLAW" inspect proven --json >seen 2>/dev/null || break
		sleep 0.1
	done
	kill "$run"
	wait "$run" || true
	jq -e '[.. | .verdict? // empty | select(. == "broken" or . == "missing")] | length == 0' seen ||
		flunk "$(cat seen)"
}

@test "the guest is one: its kernel, its clones' own identities, its work" {
	guest
	for i in 1 2 3; do
		vm_sh 'cat /proc/sys/kernel/random/boot_id; head -c 16 /dev/urandom | od -An -tx1' --engine firecracker --memory 128
		exits 0
		cat "$OUT" >>all
	done
	[ "$(sort -u all | grep -c .)" -eq 6 ] || flunk "$(cat all)"
	head -c 3000000 /dev/urandom >in
	"$IRONCLAW" run "$IMAGE" -q -i --engine firecracker --memory 128 -- cat <in >"$OUT" 2>"$ERR" || flunk "$(cat "$ERR")"
	cmp in "$OUT"
	vm_sh 'dmesg 2>/dev/null | grep -c . ; uname -r' --engine firecracker --memory 128
	exits 0
}

@test "it stands still under a command, loses nothing, and its clock is right afterwards" {
	local tool

	guest
	tool=$(dirname "$IRONCLAW")/tests/pause_tool
	"$tool" firecracker under >"$OUT" 2>"$ERR" </dev/null || flunk "$(cat "$OUT")"
	stdout_has "numbers 40"
	[ "$(tail -n 1 "$OUT")" = paused ] || flunk "$(cat "$OUT")"
	"$tool" firecracker between >"$OUT" 2>"$ERR" </dev/null || flunk "$(cat "$OUT")"
	[ "$(cat "$OUT")" = "$(printf 'busy\nclock set\nalive')" ] || flunk "$(cat "$OUT")"
}

@test "Debian's kernel boots as well" {
	guest
	[ -s "$IRONCLAW_HOME/data/kernels/debian-cloud/vmlinux" ] || skip "the lab has no vmlinux of Debian's"
	echo debian-cloud >"$BATS_TEST_TMPDIR/default"
	home_copy
	cp "$BATS_TEST_TMPDIR/default" "$IRONCLAW_HOME/data/kernels/default"
	vm_sh 'uname -r' --engine firecracker --memory 128
	exits 0
	stdout_has cloud
}
