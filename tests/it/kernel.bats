#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `ironclaw kernel`: which there are, and that each of them boots and clones.

load lib

setup() {
	use_tmp
}

teardown() {
	nothing_left
}

@test "ls shows the kernels and which is the default" {
	ic kernel ls
	exits 0
	stdout_has NAME
	ic kernel ls --json
	exits 0
	json_is 'length >= 1' true
	json_is 'map(select(.default)) | length' 1
}

@test "each kernel boots cold and as a clone" {
	home_copy
	rm -rf "$IRONCLAW_HOME/data/templates"
	local names

	names=$("$IRONCLAW" kernel ls -q)
	[ -n "$names" ]
	for name in $names; do
		rm -f "$IRONCLAW_HOME/data/kernels/default"
		printf '%s\n' "$name" >"$IRONCLAW_HOME/data/kernels/default"
		vm --cold -- uname -r
		exits 0
		cat "$OUT" >>versions
		vm -- uname -r
		exits 0
		cat "$OUT" >>versions
	done
	# Each was another kernel, and clone and cold boot agree.
	[ "$(sort -u versions | wc -l)" -eq "$(wc -w <<<"$names")" ] || flunk "$(cat versions)"
}

@test "a kernel that was tampered with is not booted" {
	home_copy
	local kernel

	kernel=$(find "$IRONCLAW_HOME/data/kernels" -name bzImage)
	for file in $kernel; do
		printf X | dd of="$file" bs=1 seek=100000 conv=notrunc 2>/dev/null
	done
	vm --cold -- echo ran
	exits 125
	stdout_empty
	stderr_has kernel
}
