#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Every act of the probe in every jail: the full one, and those that lack a layer. The matrix is a
# golden file a user; tests/golden/escape/root and user, and firecracker-root and firecracker-user. `ESCAPE_UPDATE=1 bats matrix.bats` rewrites.

load lib

setup() {
	use_tmp
	kind=user
	! is_root || kind=root
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

# is_golden NAME
is_golden() {
	local golden=$TOP/tests/golden/escape/$1

	with_environment >"$OUT" || flunk "the matrix cannot be made"
	if [ "${ESCAPE_UPDATE:-0}" = 1 ]; then
		mkdir -p "$(dirname "$golden")"
		cp "$OUT" "$golden"
	fi
	if [ "$(head -n 1 "$OUT")" = "$(head -n 1 "$golden")" ]; then
		diff -u "$golden" "$OUT" || flunk "the matrix has changed"
		return 0
	fi
	# Another kernel refuses with other words: the same acts, and what the full jail makes of them.
	diff -u <(awk '!/^#/ { print $1, $2, $4 }' "$golden") <(awk '!/^#/ { print $1, $2, $4 }' "$OUT") ||
		flunk "the acts have changed"
}

@test "the matrix is that of the golden file" {
	is_golden "$kind"
}

# ---- the same in Firecracker's jail, and in that of a keeper that calls its VMM ----

@test "firecracker: the full jail holds every act, and no effect is seen outside" {
	local file

	in_firecrackers_jail
	file=$(results_of full)
	jq -c '(.acts[] | select((.held | not) and (.act | startswith("kvm-") | not))),
		(.effects[] | select(.held | not))' "$file" >"$OUT"
	stdout_empty
	[ "$(jq '.acts | length' "$file")" -ge 400 ]
	[ "$(jq '.effects | length' "$file")" -ge 8 ]
	[ "$(jq -c '[.engine, .link]' "$file")" = '["firecracker","vsock"]' ]
}

@test "firecracker: where a denied call kills, each class of call does" {
	in_firecrackers_jail
	home_of_ours
	"${PROVE[@]}" --image "$IMAGE" --json -q >all.json 2>"$ERR" || true
	jq -c '.acts[] | select(.mode == "enforce" and (.held | not))' all.json >"$OUT"
	stdout_empty
	[ "$(jq '[.acts[] | select(.mode == "enforce")] | length' all.json)" -ge 40 ]
}

@test "firecracker: without the filter the same acts are done, or refused by the layer that is named" {
	in_firecrackers_jail
	matrix >"$OUT" || flunk "the matrix cannot be made"
	! grep -E 'NOT-HELD' "$OUT" || flunk "not held"
	[ "$(grep -c ' proven$' "$OUT")" -ge 140 ] || flunk "too few are proven"
	# What its filter has to let through is held by what is named beneath.
	for act in template-write state-file-write template-truncate create-in-root raise-core-limit connect-abstract \
		connect-pathname fcntl-setown create-in-sockets; do
		[ "$(verdict_of vmm $act)" = proven ] || flunk "$act: $(verdict_of vmm $act)"
	done
	for act in connect-abstract connect-pathname; do
		[ "$(verdict_of keeper $act)" = proven ] || flunk "$act: $(verdict_of keeper $act)"
	done
}

@test "firecracker: the matrix is that of the golden file" {
	in_firecrackers_jail
	is_golden "firecracker-$kind"
}
