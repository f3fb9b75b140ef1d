#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Something stands already where RUN, its record, its notes and a VM's folder are made: a link, a hard link,
# a folder, a FIFO (CVE-2024-45310, CVE-2026-1386). Whoever may plant there has the caller's uid: what must
# hold is that a run goes nowhere else, hangs nowhere and says what is wrong. Other users, the uids of
# jails, and root in the folder of a user: root-planted-paths.bats.
#
# A real run for each line of the table.

load lib
load canary

# What is planted where, and what a run does then.
TABLE="
run link-to-folder refused
run dangling refused
run folder works
run fifo refused
run/vms link-to-folder refused
run/vms dangling refused
run/vms fifo refused
run/vms/.lock link-to-file refused
run/vms/.lock dangling refused
run/vms/.lock hard-link works
run/vms/.lock folder refused
run/vms/.lock fifo works
run/vms/planted link-to-folder works
run/vms/planted folder works
run/vms/planted fifo works
run/denials link-to-file works
run/denials dangling works
run/denials hard-link works
run/denials folder refused
run/denials fifo works
run/denials.new link-to-file works
run/denials.new hard-link works
run/denials.new folder refused
run/denials.new fifo works
run/denials.lock link-to-file refused
run/denials.lock dangling refused
run/denials.lock fifo works
run/verified link-to-folder works
run/verified fifo works
run/kvm-probe link-to-file works
run/kvm-probe hard-link works
run/kvm-probe fifo works
data dangling refused
data fifo refused"

setup() {
	use_tmp
	use_canary
	own_state
}

# plant KIND PATH
plant() {
	case $1 in
	link-to-folder) ln -s "$CANARY" "$2" ;;
	link-to-file) ln -s "$CANARY/file" "$2" ;;
	dangling) ln -s "$CANARY/new" "$2" ;;
	hard-link) ln "$CANARY/file" "$2" ;;
	folder) mkdir "$2" && cp -a "$CANARY/file" "$2/" ;;
	fifo) mkfifo "$2" ;;
	esac
}

# run_planted: works, refused or hangs; what is planted is in $1.
run_planted() {
	status=0
	timeout --kill-after=5 20 "$IRONCLAW" run "$IMAGE" -q --name planted -- echo ran </dev/null \
		>"$OUT" 2>"$ERR" || status=$?
	case $status in
	0)
		stdout_is ran
		echo works
		;;
	125)
		stdout_empty
		stderr_is_tame
		grep -q '^ironclaw: ' "$ERR" || flunk "$1: not told"
		echo refused
		;;
	*) flunk "$1: code $status" ;;
	esac
}

@test "what is planted is removed or refused, and never followed" {
	local name kind expected path outcome n=0

	mv "$RUN" "$RUN.good"
	while read -r name kind expected; do
		[ -n "$name" ] || continue
		rm -rf "$RUN"
		cp -a "$RUN.good" "$RUN"
		path=$IRONCLAW_HOME/$name
		# The others of its kind are made when there is no record.
		[[ $name != run/denials.* ]] || rm "$RUN/denials"
		rm -rf aside
		[ ! -e "$path" ] || mv "$path" aside
		plant "$kind" "$path"
		# A second name of the same file is seen.
		BEFORE=$(fingerprint "$CANARY")
		outcome=$(run_planted "$name: $kind") || flunk "$outcome"
		[ "$outcome" = "$expected" ] || flunk "$name: $kind: $outcome"
		[ "$kind" = hard-link ] || untouched "$name: $kind"
		grep -qx precious "$CANARY/file" || flunk "$name: $kind: written"
		rm -rf "$path"
		[ ! -e aside ] || mv aside "$path"
		n=$((n + 1))
	done <<<"$TABLE"
	[ "$n" -eq 34 ] || flunk "$n lines"
	# Once more as it was: nothing is left that stands in the way.
	vm --name planted -- echo again
	exits 0
	nothing_left
}

@test "what follows them does harm or hangs (control)" {
	local path=$BATS_TEST_TMPDIR/planted kind

	for kind in link-to-file hard-link dangling; do
		plant "$kind" "$path"
		echo naive >"$path"
		touched "$kind"
		rm -f "$path"
	done
	plant link-to-folder "$path"
	mkdir -p "$path/vms/planted"
	touched link-to-folder
	(cd "$path/vms" && rm -rf -- *)
	touched link-to-folder
	rm "$path"
	plant fifo "$path"
	status=0
	timeout 1 sh -c 'echo naive >"$1"' sh "$path" || status=$?
	exits 124
}
