#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Every act of the probe in every jail: the full one, and those that lack a layer. The matrix is a
# golden file a user; tests/golden/escape/root and user. `ESCAPE_UPDATE=1 bats matrix.bats` rewrites.

load lib

setup() {
	use_tmp
	kind=user
	! is_root || kind=root
	GOLDEN=$TOP/tests/golden/escape/$kind
}

# with_environment: the matrix, and what it depends on beside us.
with_environment() {
	echo "# kernel $(uname -r | cut -d. -f1,2) $(jq -r .accel "$(results_of full)")"
	matrix
}

@test "the full jail holds every act, and no effect is seen outside" {
	local file

	file=$(results_of full)
	jq -e '.held' "$file" >/dev/null ||
		flunk "$(jq -c '(.acts[], .effects[]) | select(.held | not)' "$file")"
	# It was tried indeed.
	[ "$(jq '.acts | length' "$file")" -ge 400 ]
	[ "$(jq '.effects | length' "$file")" -ge 8 ]
}

@test "without the filter the same acts are done, or refused by the layer that is named" {
	matrix >"$OUT" || flunk "the matrix cannot be made"
	! grep -E 'NOT-HELD' "$OUT" || flunk "not held"
	# Most refusals have a control that succeeds.
	[ "$(grep -c ' proven$' "$OUT")" -ge 150 ] || flunk "too few are proven"
}

@test "without a layer what it holds back reaches the host (the controls are real)" {
	local file=$BATS_TEST_TMPDIR/effects

	# The watched files and sockets are touched exactly where the layer is off.
	jq -c '.effects[] | select(.held | not) | .effect' "$(results_of readonly-more)" >"$file"
	grep -q "template's memory" "$file" || flunk "nothing was written: $(cat "$file")"
	grep -q "the image is unchanged" "$file" || flunk "nothing was written: $(cat "$file")"
	jq -c '.effects[] | select(.held | not) | .effect' "$(results_of netns-more)" >"$file"
	grep -q "unix sockets" "$file" || flunk "nothing was reached: $(cat "$file")"
	grep -q "TCP and UDP" "$file" || flunk "nothing was reached: $(cat "$file")"
	is_root || return 0
	# Started by root, the VMM has a uid that the firewall knows: one layer more.
	jq -r '.acts[] | select(.place == "vmm" and (.act | test("^(connect|send)-host"))) | .got' \
		"$(results_of netns-more)" | sort -u >"$file"
	[ "$(cat "$file")" = "$(printf 'EPERM\nETIMEDOUT')" ] || flunk "the firewall let through: $(cat "$file")"
}

@test "the matrix is that of the golden file" {
	with_environment >"$OUT" || flunk "the matrix cannot be made"
	if [ "${ESCAPE_UPDATE:-0}" = 1 ]; then
		mkdir -p "$(dirname "$GOLDEN")"
		cp "$OUT" "$GOLDEN"
	fi
	if [ "$(head -n 1 "$OUT")" = "$(head -n 1 "$GOLDEN")" ]; then
		diff -u "$GOLDEN" "$OUT" || flunk "the matrix has changed"
		return 0
	fi
	# Another kernel refuses with other words: the same acts, and what the full jail makes of them.
	diff -u <(awk '!/^#/ { print $1, $2, $4 }' "$GOLDEN") <(awk '!/^#/ { print $1, $2, $4 }' "$OUT") ||
		flunk "the acts have changed"
}
