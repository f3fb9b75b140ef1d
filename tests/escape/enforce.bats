#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# As VMs usually run: a denied call kills, the record stays, and the message says which call it was.

load lib

setup() {
	use_tmp
}

@test "each class of call kills VMM and keeper, and the warden has a record of it" {
	mkdir -p "$RESULTS"
	home_of_ours
	ic prove --image "$IMAGE" --json -q
	exits 0
	jq -e '[.acts[] | select(.mode == "enforce")] | length >= 40 and all(.held)' "$OUT" >/dev/null ||
		flunk "not all were killed"
	[ "$(jq '[.acts[] | select(.mode == "enforce") | .denied_call] | unique | length' "$OUT")" -ge 15 ]
	ic audit seccomp --json
	jq -e '[.entries[] | select(.action == "killed")] | length >= 40' "$OUT" >/dev/null ||
		flunk "the record does not have them"
}

@test "without the filter nothing is recorded and the acts are done (control)" {
	local file

	file=$(results_of seccomp)
	[ "$(jq '[.acts[] | select(.denied_call != null)] | length' "$file")" -eq 0 ]
	[ "$(jq '[.acts[] | select(.errno == null)] | length' "$file")" -ge 80 ]
	[ "$(jq .held "$file")" = false ]
}
