#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `ironclaw audit seccomp`, over a ring that a tool of the tests writes as wardens do.

load lib.bash

setup() {
	use_tmp
	export IRONCLAW_HOME=$BATS_TEST_TMPDIR/home
	RUN=$IRONCLAW_HOME/run
	follower=
}

teardown() {
	[ -z "$follower" ] || kill -KILL "$follower" 2>/dev/null || true
}

# denied VM_ID N [OPTION=VALUE...]
denied() {
	"$(dirname "$IRONCLAW")/tests/denials_tool" "$RUN" "$@" || flunk "cannot write the ring"
}

# follow ARG...: in the background, output to $OUT
follow() {
	"$IRONCLAW" audit seccomp -f "$@" >"$OUT" 2>"$ERR" 3>&- &
	follower=$!
}

# sees TEXT [SECONDS]: the follower prints it soon
sees() {
	for _ in $(seq $((${2:-10} * 20))); do
		! grep -qF -e "$1" "$OUT" || return 0
		sleep 0.05
	done
	flunk "not seen: $1"
}

# ends_on SIGNAL: with exit code 0, and without a word
ends_on() {
	kill -"$1" "$follower"
	status=0
	timeout 10 tail --pid="$follower" -f /dev/null || flunk "does not end on $1"
	wait "$follower" || status=$?
	follower=
	exits 0
	stderr_empty
}

@test "no record: nothing was denied, and nothing is made" {
	ic audit seccomp
	exits 0
	stdout_is 'no denied system calls'
	stderr_empty
	ic audit seccomp --json
	exits 0
	json_is . '{"dropped":0,"skipped":0,"alerts":[],"entries":[]}'
	[ ! -e "$RUN/denials" ] || flunk "a reader made the ring"
}

@test "text: one line an entry, oldest first" {
	denied calm-otter 1 arg0=0xdeadbeef
	denied other 1 program=1 action=2 syscall=41 pid=99
	TZ=UTC-2 ic audit seccomp
	exits 0
	stderr_empty
	[ "$(wc -l <"$OUT")" -eq 3 ] || flunk "a header and two lines"
	[ "$(sed -n 1p "$OUT" | tr -s ' ')" = 'TIME VM PROGRAM PID SYSCALL ACTION ARGS' ] || flunk "header"
	sed -n 2p "$OUT" | tr -s ' ' | grep -qE \
		"^$(TZ=UTC-2 date +%F | cut -c1-8)[0-9T:.-]{15}\+02:00 calm-otter qemu 4711 ptrace killed 0xdeadbeef 0x1 0x2 0x3 0x4 0x5$" ||
		flunk "first line"
	sed -n 3p "$OUT" | tr -s ' ' | grep -qE ' other keeper 99 socket refused 0x0 ' || flunk "second line"
	stdout_lacks ALERT
	stdout_lacks dropped
}

@test "other ABIs and numbers without a name are shown as what they are" {
	denied vm 1 arch=0x40000003 syscall=102
	denied vm 1 syscall=$((0x40000000 + 521))
	denied vm 1 syscall=9999
	denied vm 1 arch=0x28 syscall=-1 program=77 action=88
	ic audit seccomp
	exits 0
	stdout_has ' i386:socketcall '
	stdout_has ' x32:ptrace '
	stdout_has ' #9999 '
	stdout_has ' 0x28:#-1 '
	[ "$(sed -n 5p "$OUT" | tr -s ' ' | cut -d' ' -f3,6)" = '77 88' ] || flunk "unknown enums"
	ic audit seccomp --json
	json_is '[.entries[].syscall]' '["socketcall","ptrace",null,null]'
	json_is '[.entries[].abi]' '["i386","x32","x86_64","0x28"]'
	json_is '[.entries[3] | .syscall_number, .program, .action]' '[-1,"77","88"]'
}

@test "--json is one document with times in nanoseconds" {
	local before after

	before=$(date +%s)
	denied calm-otter 2 arg0=0xffffffffffffffff
	after=$(date +%s)
	ic audit seccomp --json
	exits 0
	[ "$(wc -l <"$OUT")" -eq 1 ] || flunk "one document"
	json_is '.entries | length' 2
	json_is '.entries[0] | del(.time, .time_ns)' '{"number":1,"vm_id":"calm-otter","program":"qemu","pid":4711,"syscall":"ptrace","syscall_number":101,"abi":"x86_64","args":["0xffffffffffffffff","0x1","0x2","0x3","0x4","0x5"],"action":"killed","count":1}'
	json_is ".entries[1].time_ns / 1e9 | floor | . >= $before and . <= $after" true
	json_is '.entries[0] | (.time[:19] + "Z" | fromdate) == (.time_ns / 1e9 | floor)' true
	json_is '.entries[0].time | test("^[0-9T:-]{19}\\.[0-9]{9}Z$")' true
}

@test "--vm: of one VM; one without a denial is empty, a malformed id is a wrong call" {
	denied one 2
	denied two 12
	denied one 1 first=3
	ic audit seccomp --vm one --json
	exits 0
	json_is '[.entries[].number]' '[1,2,15]'
	json_is .alerts '[]'
	ic audit seccomp --vm two
	stdout_lacks ' one '
	stdout_has "ALERT: VM 'two' had 12 denied system calls"
	ic audit seccomp --vm three
	exits 0
	stdout_is "no denied system calls of VM 'three'"
	ic audit seccomp --vm three --json
	exits 0
	json_is '.entries | length' 0
	for id in '' 'a b' '../x' "$(printf '%65s' '' | tr ' ' a)"; do
		ic audit seccomp --vm "$id"
		exits 2
		stderr_has 'is no VM id'
		stdout_empty
	done
}

@test "-n: the newest of those that are asked for" {
	denied one 5
	denied two 5
	ic audit seccomp -n 2 --json
	json_is '[.entries[].number]' '[9,10]'
	ic audit seccomp --tail 2 --vm one --json
	json_is '[.entries[].number]' '[4,5]'
	ic audit seccomp -n 100 --json
	json_is '.entries | length' 10
	ic audit seccomp -n x
	exits 2
}

@test "an alert from the eleventh denial of a VM on" {
	denied ten 10
	denied eleven 11
	ic audit seccomp
	exits 0
	[ "$(grep ALERT "$OUT")" = "ALERT: VM 'eleven' had 11 denied system calls" ] || flunk "alerts"
	ic audit seccomp --json
	json_is .alerts '[{"vm_id":"eleven","count":11}]'
	# Two VMs of one name, one after the other, are two VMs.
	denied ten 10
	ic audit seccomp --json
	json_is '.alerts | length' 1
}

@test "the oldest are dropped, and counted" {
	local size

	denied flood 10000
	size=$(stat -c %s "$RUN/denials")
	ic audit seccomp --json
	json_is .dropped 0
	denied flood 1 first=10001
	ic audit seccomp
	stdout_has '1 older entry was dropped'
	denied flood 499 first=10002
	ic audit seccomp
	exits 0
	[ "$(head -n 1 "$OUT")" = '500 older entries were dropped' ] || flunk "first line"
	[ "$(grep -c ' ptrace ' "$OUT")" -eq 10000 ] || flunk "10000 entries"
	ic audit seccomp --json
	json_is '[.dropped, .skipped, (.entries | length), .entries[0].number, .entries[-1].number]' '[500,0,10000,501,10500]'
	json_is .alerts '[{"vm_id":"flood","count":10500}]'
	[ "$(stat -c %s "$RUN/denials")" -eq "$size" ] || flunk "the ring grew"
}

@test "an entry that its writer did not finish is skipped, and counted" {
	denied one 2 die=1
	denied one 1 first=3
	ic audit seccomp --json
	exits 0
	json_is '[.skipped, [.entries[].number]]' '[1,[1,3]]'
	ic audit seccomp
	stdout_has '1 half-written entry was skipped'
	# Whoever follows waits for it, but not for ever.
	follow --json
	sees '"number":3,'
	stdout_lacks '"number":2,'
	ends_on INT
}

@test "-f prints what is added later, and ends on SIGINT and SIGTERM" {
	denied early 1
	follow
	sees early
	[ "$(head -n 1 "$OUT" | tr -s ' ')" = 'TIME VM PROGRAM PID SYSCALL ACTION ARGS' ] || flunk "header"
	denied late 11
	sees ' late '
	sees "ALERT: VM 'late' had 11 denied system calls"
	denied late 5 first=12
	denied last 1
	sees ' last '
	[ "$(grep -c ALERT "$OUT")" -eq 1 ] || flunk "one alert a VM"
	[ "$(grep -c ' ptrace ' "$OUT")" -eq 18 ] || flunk "each entry once"
	ends_on INT
	follow -n 0 --vm later --json
	sleep 0.3
	denied not-this 1
	denied later 11
	sees '"alert"'
	ends_on TERM
	json_s() { jq -s "$1" "$OUT"; }
	[ "$(json_s 'length')" -eq 12 ] || flunk "11 entries and an alert"
	[ "$(json_s '[.[] | .vm_id // .alert.vm_id] | unique == ["later"]')" = true ] || flunk "one VM"
	[ "$(json_s '.[-1]' | jq -c .)" = '{"alert":{"vm_id":"later","count":11}}' ] || flunk "the alert"
}

@test "-f waits for the first denial, and follows the ring that takes another's place" {
	follow
	sees TIME
	denied first 1
	sees ' first '
	denied first 3000 first=2
	printf junk >"$RUN/junk"
	mv "$RUN/junk" "$RUN/denials"
	sleep 0.3
	denied second 1
	sees ' second '
	ends_on INT
}

@test "-f: what went round too fast is counted" {
	denied flood 10500
	follow --json
	sees '"number":10500,'
	ends_on INT
	[ "$(head -n 1 "$OUT")" = '{"dropped":500}' ] || flunk "dropped"
	[ "$(grep -c '"number":' "$OUT")" -eq 10000 ] || flunk "10000 entries"
}

@test "-f ends when nobody reads" {
	denied one 1
	timeout 10 "$IRONCLAW" audit seccomp -f | head -n 1 >"$OUT"
	[ "${PIPESTATUS[0]}" -ne 124 ] || flunk "it goes on"
	stdout_has TIME
}

@test "-f does not use the processor while it waits" {
	local ticks

	follow
	sees TIME
	sleep 2
	ticks=$(cut -d' ' -f14,15 "/proc/$follower/stat" | tr ' ' +)
	[ $((ticks)) -lt 50 ] || flunk "$((ticks)) ticks"
	ends_on INT
}

@test "what another process writes into the ring does not reach the terminal" {
	denied '\x1b[31m\x07evil\x0a\xe2\x80\xae' 11
	ic audit seccomp
	exits 0
	stdout_has '\x1b[31m\x07evil\n'
	! LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f\x7f\x80-\xff]' "$OUT" || flunk "control characters"
	[ "$(wc -l <"$OUT")" -eq 13 ] || flunk "a header, 11 lines and an alert"
	ic audit seccomp --json
	exits 0
	! LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f\x7f\x80-\xff]' "$OUT" || flunk "control characters"
	json_is '.entries[0].vm_id | startswith("\u001b[31m\u0007evil\n")' true
	follow
	sees ALERT
	ends_on INT
	! LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f\x7f\x80-\xff]' "$OUT" || flunk "control characters"
}

@test "a file that is no ring is an error for readers, and garbage in a ring is none" {
	denied one 1
	dd if=/dev/urandom of="$RUN/denials" bs=1M seek=128 oflag=seek_bytes conv=notrunc count=2 status=none
	ic audit seccomp
	exits 0
	ic audit seccomp --json
	exits 0
	json_is '.entries | length' 0
	printf junk >"$RUN/denials"
	ic audit seccomp
	exits 1
	stderr_has 'is no record of denied system calls'
	stderr_is_tame
	stdout_empty
	ic audit seccomp -f
	exits 1
	[ "$(cat "$RUN/denials")" = junk ] || flunk "a reader replaced it"
	denied one 1
	ic audit seccomp --json
	json_is '.entries | length' 1
}

@test "wrong calls" {
	for args in '' 'secomp' 'seccomp more' 'seccomp --vm' 'seccomp --xyz' 'seccomp -n -1'; do
		# shellcheck disable=SC2086 # words
		ic audit $args
		exits 2
		stderr_is_tame
		stdout_empty
	done
	ic audit secomp
	stderr_has "did you mean 'seccomp'?"
	for args in --help 'seccomp --help'; do
		# shellcheck disable=SC2086 # words
		ic audit $args
		exits 0
		stdout_has usage
	done
}
