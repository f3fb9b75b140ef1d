#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A folder and a link to somewhere else change places without a pause while a VM is set up and taken down
# (CVE-2021-30465, CVE-2018-15664: a runtime mounted where the link led). The attacker has the caller's uid,
# for nobody else may write in RUN; root in the folder of a user: root-rename-race.bats.
#
# Rounds: at least 8 real runs for each of 3 names, among at least 1,000 exchanges each (tests/escape/swap.c).

load lib
load canary

ROUNDS=8
ROUNDS_MAX=40
SWAPS_MIN=1000

setup() {
	use_tmp
	mkdir -p "$RESULTS"
	use_canary
	own_state
	SWAPPER=""
}

teardown() {
	[ -z "$SWAPPER" ] || kill "$SWAPPER" 2>/dev/null || true
}

swap() {
	"$BUILT/tests/swap" "$@" >swaps 3>&- &
	SWAPPER=$!
}

swapped() {
	kill "$SWAPPER"
	wait "$SWAPPER" || flunk "the attacker ended by itself"
	SWAPPER=""
}

# race FOLDER NAME TARGET: runs meanwhile, until both sides of the race were seen at least once.
race() {
	local works=0 refused=0 n=0

	swap "$@"
	while [ "$n" -lt "$ROUNDS" ] || { [ "$n" -lt "$ROUNDS_MAX" ] && [ $((works * refused)) -eq 0 ]; }; do
		n=$((n + 1))
		vm --name race -- echo ran
		case $status in
		0)
			stdout_is ran
			works=$((works + 1))
			;;
		125)
			stderr_is_tame 4
			refused=$((refused + 1))
			;;
		*) flunk "code $status" ;;
		esac
	done
	[ $((works * refused)) -gt 0 ] || flunk "of $n runs $works worked, $refused were refused"
	swapped
	[ "$(cat swaps)" -ge "$SWAPS_MIN" ] || flunk "only $(cat swaps) exchanges"
	untouched "$2"
	! grep -F "$CANARY" /proc/self/mountinfo || flunk "mounted there"
	rm -rf "$1/$2.other"
	vm --name race -- echo after
	exits 0
	stdout_is after
	nothing_left
	echo "$2: $works runs worked, $refused were refused, $(cat swaps) exchanges"
}

@test "the mount point of the jail's root" {
	race "$RUN/vms/race" root "$CANARY/root"
}

@test "the VM's folder" {
	race "$RUN/vms" race "$CANARY"
}

@test "the folder of all VMs" {
	race "$RUN" vms "$CANARY/vms"
}

@test "whoever looks and then goes by the name again loses (control)" {
	local n=0

	mkdir -m 0700 "$RUN/vms/dead"
	swap "$RUN" vms "$CANARY/vms"
	while [ -e "$CANARY/vms/precious" ] && [ "$n" -lt 2000 ]; do
		n=$((n + 1))
		[ ! -L "$RUN/vms" ] && [ -d "$RUN/vms" ] && (cd "$RUN/vms" && rm -rf -- *)
	done
	swapped
	touched "$n tries"
	echo "lost at try $n"
}

@test "whoever looks and then mounts by the name mounts elsewhere (control)" {
	local mine=(unshare --mount --propagation private)

	is_root || mine=(unshare --user --map-root-user --mount --propagation private)
	"${mine[@]}" true || skip "no mount namespaces here"
	mkdir -p "$RUN/vms/race/root"
	swap "$RUN/vms/race" root "$CANARY/root"
	# shellcheck disable=SC2016 # expanded by the inner shell
	"${mine[@]}" sh -c '
		for n in $(seq 500); do
			[ ! -L "$1" ] && mount -t tmpfs none "$1" 2>/dev/null
			! grep -qF " $2 " /proc/self/mountinfo || exit 0
		done
		exit 1' sh "$RUN/vms/race/root" "$CANARY/root" || flunk "the race is never won"
	swapped
}
