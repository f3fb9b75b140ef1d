#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Several commands at once in one VM: each has its own output, input, deadline and end.

load lib

setup() {
	use_tmp
	TOOL=$(dirname "$IRONCLAW")/tests/process_tool
	[ -x "$TOOL" ] || skip "only with the programs of a build tree"
}

teardown() {
	nothing_left
}

tool() {
	status=0
	timeout --kill-after=5 "$DEADLINE_S" "$TOOL" "$@" >"$OUT" 2>"$ERR" || status=$?
	exits 0
}

# says LINE...
says() {
	printf '%s\n' "$@" | cmp -s - "$OUT" || flunk "expected: $(printf '%s\n' "$@")"
}

@test "eight at once: a reader that takes nothing and a kill disturb no other" {
	tool at-once
	says 'met: 0 4 bytes' 'met: 0 4 bytes' 'met: 0 4 bytes' 'met: 0 4 bytes' 'met: 0 4 bytes' \
		'met: 0 4 bytes' 'slow is over: 0' 'killed: 137 0 bytes' 'slow: 3 1000000 bytes'
}

@test "a cat gives back what it is fed while others come and go" {
	tool cat
	says 'cat: 0 310 bytes' 'of 310'
}

@test "the seventeenth is refused, and let in when one has ended" {
	tool seventeen
	says '16 commands run in this VM already, and more cannot at once' 'more: 4 0 bytes'
}

@test "each has its own deadline" {
	tool deadlines
	says 'the others: 0 0' 'first: 124 timed out 0 bytes' 'second: 124 timed out 0 bytes' \
		'third: 6 0 bytes'
}

@test "an exec takes the others along" {
	tool exec
	says 'exec: 143' 'other had 1' 'other: 0 700005 bytes'
}

@test "a VM that ends ends them all" {
	tool lost
	says 'ended: 2 0 bytes' 'sleeping: error 12' 'late: error 12' 'start: 1' 'exec: 1'
}
