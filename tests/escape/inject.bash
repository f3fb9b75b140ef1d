# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# inject.bash - starts in which one call of the warden, or of a child of it, fails.

# use_injection: strace in the warden's place; it lets one call of it or of its children fail.
use_injection() {
	use_tmp
	mkdir -p "$RESULTS"
	home_of_ours
	command -v strace >/dev/null || flunk "there is no strace"
	LIBEXEC=$(libexec_of full)
	cp -a "$LIBEXEC" libexec
	rm libexec/ironclaw-warden
	cat >libexec/ironclaw-warden <<-END
		#!/bin/sh
		exec strace -f -qq -o "$BATS_TEST_TMPDIR/trace" -e signal=none \
			-e "trace=\$(cat "$BATS_TEST_TMPDIR/call")" \
			-e "inject=\$(cat "$BATS_TEST_TMPDIR/call"):\$(cat "$BATS_TEST_TMPDIR/how")" \
			"$BUILT/ironclaw-warden"
	END
	chmod 755 libexec/ironclaw-warden
	NAME=fails-$(id -u)
}

# start_with CALL WHEN [ERROR]: a run whose warden, or a child of it, has a call that fails.
start_with() {
	echo "$1" >call
	echo "error=${3:-EPERM}:when=$2" >how
	: >trace
	status=0
	IRONCLAW_LIBEXEC=$PWD/libexec timeout 30 "$IRONCLAW" run "$IMAGE" -q --name "$NAME" -- \
		echo it started </dev/null >"$OUT" 2>"$ERR" || status=$?
}

# left_of_it: what a VM leaves when it is not taken down.
left_of_it() {
	vm_folders
	# strace lives as long as the last process that it follows.
	pgrep -f "strace .*$BATS_TEST_TMPDIR/trace" || true
	find /sys/fs/cgroup -type d -name "$NAME" 2>/dev/null || true
	if is_root && command -v nft >/dev/null; then
		nft list ruleset 2>/dev/null | grep -F "$NAME" || true
	fi
}

# stops CALL WHEN...: each of these calls is needed, and the failure is told.
stops() {
	local call=$1 when left

	shift
	for when in "$@"; do
		start_with "$call" "$when"
		# (Under the filter a call that strace replaces is denied, and strace does not see it.)
		[[ $call == exec* ]] || grep -q INJECTED trace || flunk "$call $when: no such call"
		[ "$status" -eq 125 ] || flunk "$call $when: exit code $status"
		stdout_empty
		grep -q '^ironclaw: the warden could not ' "$ERR" || flunk "$call $when: not told"
		left=$(left_of_it)
		[ -z "$left" ] || flunk "$call $when: left is $left"
	done
}
