#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the built programs link and how they are hardened.

setup() {
	TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	BUILT=$TOP/${BUILD:-build}
}

needed() {
	readelf -dW "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort
}

@test "the warden links the C library and nothing else" {
	[ "$(needed "$BUILT/ironclaw-warden")" = libc.so.6 ]
	# The control: the keeper, which holds no privilege, links more.
	[ "$(needed "$BUILT/ironclaw-keeper")" != libc.so.6 ]
}

@test "the guest agent is static and small" {
	[ -z "$(needed "$BUILT/ironclaw-guest")" ]
	run readelf -lW "$BUILT/ironclaw-guest"
	[[ $output != *INTERP* ]]
	[ "$(stat -c %s "$BUILT/ironclaw-guest")" -lt 200000 ]
}

@test "the probe is static: the jails that it stands in hold no library" {
	[ -z "$(needed "$BUILT/ironclaw-probe")" ]
	run readelf -lW "$BUILT/ironclaw-probe"
	[[ $output != *INTERP* ]]
}

@test "the reader of a VM's archive is static" {
	[ -z "$(needed "$BUILT/ironclaw-unpack")" ]
	run readelf -lW "$BUILT/ironclaw-unpack"
	[[ $output != *INTERP* ]]
}

@test "programs are position independent, with RELRO, immediate binding and no executable stack" {
	for program in ironclaw ironclaw-keeper ironclaw-warden ironclaw-unpack libironclaw.so; do
		run readelf -hldW "$BUILT/$program"
		[ "$status" -eq 0 ]
		grep -qE 'Type: +DYN' <<<"$output"
		grep -qE 'GNU_RELRO' <<<"$output"
		grep -qE 'BIND_NOW|Flags:.* NOW' <<<"$output"
		grep -E 'GNU_STACK' <<<"$output" | grep -qE ' RW ' || return 1
	done
}
