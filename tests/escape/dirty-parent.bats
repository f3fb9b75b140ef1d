#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Nothing of whoever starts a VM gets into its jail: descriptors, folder, groups, terminal, umask, limits,
# environment, session key. (CVE-2024-21626, CVE-2017-5226, nsjail's groups.)

load lib

setup() {
	use_tmp
	mkdir -p "$RESULTS"
	home_of_ours
	RUN_PID=""
}

teardown() {
	[ -z "$RUN_PID" ] || kill "$RUN_PID" 2>/dev/null || true
	[ -z "$RUN_PID" ] || wait "$RUN_PID" || true
}

# dirty COMMAND...: from a parent with all of it; in a shell of its own, which it becomes.
dirty() {
	local own=()

	! is_root || own=(setpriv --groups "0,4,6,24")
	exec 70</ 71<>"$BATS_TEST_TMPDIR/secret" 72</etc/passwd 3>&-
	cd / || return 1
	umask 0
	ulimit -S -n 100
	ulimit -c unlimited 2>/dev/null || true
	export SECRET=hunter2-in-the-environment LD_LIBRARY_PATH=/tmp GLIBC_TUNABLES=x=y
	exec "${own[@]}" "$@"
}

@test "every act is refused all the same" {
	(dirty "$IRONCLAW" prove --image "$IMAGE" --audit-only -q </dev/null >"$OUT" 2>"$ERR") || flunk "not held"
	stdout_has 'held'
}

@test "and from a terminal" {
	command -v script >/dev/null || skip "there is no script(1)"
	script -qec "'$IRONCLAW' prove --image $IMAGE --audit-only -q; echo code \$?" /dev/null </dev/null >"$OUT"
	stdout_has 'code 0'
}

@test "no descriptor, folder, group, environment or terminal of it is there" {
	local pid who n=0

	dirty "$IRONCLAW" run "$IMAGE" -q --name dirty -- sleep 60 </dev/null >"$OUT" 2>"$ERR" &
	RUN_PID=$!
	for _ in $(seq 300); do
		! "$IRONCLAW" inspect dirty --json >inspect.json 2>/dev/null || break
		kill -0 "$RUN_PID" || flunk "it ended"
		sleep 0.1
	done
	# The control: the caller itself has it all.
	tr '\0' '\n' <"/proc/$RUN_PID/environ" | grep -q hunter2
	[ "$(readlink "/proc/$RUN_PID/fd/72")" = /etc/passwd ]
	for who in vmm keeper warden; do
		pid=$(jq ".status.${who}_pid // .processes.$who.pid" inspect.json)
		[ -d "/proc/$pid" ] || flunk "no $who: $pid"
		! tr '\0' '\n' <"/proc/$pid/cmdline" | grep -q hunter2 || flunk "$who: in its arguments"
		[ "$(awk '{ print $7 }' "/proc/$pid/stat")" -eq 0 ] || flunk "$who: has a terminal"
		! is_root || [ -z "$(awk '/^Groups:/ { $1 = ""; print $0 }' "/proc/$pid/status" | tr -d ' ')" ] ||
			flunk "$who: has groups"
		[ -r "/proc/$pid/environ" ] || continue
		n=$((n + 1))
		! tr '\0' '\n' <"/proc/$pid/environ" | grep -q hunter2 || flunk "$who: in its environment"
		! find "/proc/$pid/fd" -lname /etc/passwd 2>/dev/null | grep -q . || flunk "$who: descriptor"
		! find "/proc/$pid/fd" -lname "*$BATS_TEST_TMPDIR/secret" 2>/dev/null | grep -q . ||
			flunk "$who: descriptor"
	done
	! is_root || [ "$n" -eq 3 ]
}
