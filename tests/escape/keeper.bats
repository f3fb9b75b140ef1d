#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A keeper that its guest has taken over. It has an empty tree and a filter without files, sockets and
# processes: what it holds is its own VM's descriptors.

load lib

setup() {
	use_tmp
}

@test "the filter denies every act of a keeper but those on its own descriptors" {
	local full

	full=$(results_of full)
	jq -r '.acts[] | select(.place == "keeper" and .denied_call == null) | .act' "$full" >"$OUT"
	stdout_is extra-descriptor
	[ "$(jq '[.acts[] | select(.place == "keeper")] | length' "$full")" -ge 200 ]
}

@test "beneath the filter there is no file at all, and no network (control: the same acts without it)" {
	matrix | awk '$1 == "keeper"' >rows
	! grep NOT-HELD rows || flunk "not held"
	[ "$(awk '$2 == "open-passwd" { print $6, $8 }' rows)" = "ENOENT ok" ]
	[ "$(awk '$2 == "connect-abstract" { print $6 }' rows)" = ECONNREFUSED ]
	[ "$(verdict_of keeper connect-abstract)" = proven ]
}

@test "of a VMM with own sockets: it accepts and calls, and nothing of that leads anywhere" {
	local full

	in_firecrackers_jail
	full=$(results_of full)
	jq -r '.acts[] | select(.place == "keeper" and .denied_call == null) |
		"\(.act) \(.got)"' "$full" | sort >"$OUT"
	[ "$(cat "$OUT")" = "accept-call works
connect-abstract ECONNREFUSED
connect-pathname ENOENT
extra-descriptor EBADF
socket-unix works" ] || flunk "otherwise"
}
