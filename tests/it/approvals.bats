#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Approvals: asked on a terminal or through the queue. A tool of the tests asks, and makes a file
# when it was allowed to: $MARK is the effect.

load lib.bash

setup() {
	use_tmp
	export IRONCLAW_HOME=$BATS_TEST_TMPDIR/home
	TOOL=$(dirname "$IRONCLAW")/tests/gate_tool
	MARK=$BATS_TEST_TMPDIR/mark
	asker=
}

teardown() {
	[ -z "$asker" ] || kill -KILL "$asker" 2>/dev/null || true
}

# on_terminal ROWS COLS SCRIPT ARG...: the tool on a terminal of its own, what it shows in $OUT
on_terminal() {
	local rows=$1 cols=$2 script=$3

	shift 3
	status=0
	printf '%s\n' "$script" | timeout 60 python3 "$IT/terminal.py" "$rows" "$cols" "$@" \
		>"$OUT" 2>"$ERR" || status=$?
	exits 0
}

ask() { # SCRIPT [OPTION=VALUE...]
	local script=$1

	shift
	on_terminal 24 80 "$script" "$TOOL" terminal "$MARK" "$@"
}

effect() {
	[ -e "$MARK" ] || flunk "no effect"
	grep -q '^exit 0' "$OUT" || flunk "exit code"
	stdout_has 'tty restored'
}

no_effect() { # [WHY]
	[ ! -e "$MARK" ] || flunk "an effect"
	grep -q '^exit 1' "$OUT" || flunk "exit code"
	stdout_has 'tty restored'
	[ -z "${1:-}" ] || decision "$1"
}

# decision ANSWER [FILTER]: the newest decision in the log
decision() {
	"$IRONCLAW" audit ls --kind decision --json | tail -n 1 >decision.json
	[ "$(jq -r .answer decision.json)" = "$1" ] || flunk "$(cat decision.json)"
	[ -z "${2:-}" ] || jq -e "$2" decision.json >/dev/null || flunk "$(cat decision.json)"
}

@test "terminal: yes has the effect, once, and the log names who and where" {
	ask $'expect yes, no[?] \nsend yes\\r'
	effect
	decision allowed '.how == "terminal" and (.detail | startswith("pts/")) and .risk == "high"'
	[ "$(jq -r .user decision.json)" = "$(id -un)" ] || flunk "user"
	[ "$("$IRONCLAW" audit ls --kind apply --json | jq -r .approval)" = "$(jq -r .approval decision.json)" ] ||
		flunk "effect and decision have different approvals"
	ic audit verify
	exits 0
}

@test "terminal: first letters are enough unless it is critical" {
	ask $'expect yes, no[?] \nsend y\\r'
	effect
	rm "$MARK"
	ask $'expect whole word: yes, no[?] \nsend y\\r\nexpect whole word: yes, no[?] \nsend ye\\x7fes\\r' effects=4
	effect
	decision allowed '.risk == "critical"'
}

@test "terminal: no, Ctrl-C, Ctrl-D, a signal and the end of time are a no" {
	ask $'expect no[?] \nsend no\\r'
	no_effect denied
	ask $'expect no[?] \nsend \\x03'
	no_effect interrupted
	ask $'expect no[?] \nsend \\x04'
	no_effect interrupted
	ask $'expect no[?] \nsend maybe\\r\nexpect no[?] \nsend \\r\nexpect no[?] \nsend \\x03'
	no_effect interrupted
	ask $'expect no[?] \nsignal SIGTERM'
	no_effect interrupted
	ask $'expect no[?] \nsignal SIGHUP'
	no_effect interrupted
	ask 'expect no[?] ' timeout=300
	no_effect timeout
}

@test "terminal: the time counts from the last key, but not for ever" {
	ask $'expect no[?] \npause 3\nsend x\npause 3\nsend \\x7f\npause 3\nsend yes\\r' timeout=8000
	effect
	rm "$MARK"
	# 12 times the timeout is the end, also for keys that never stop.
	ask "expect no[?] $(printf '\npause 0.2\nsend x%.0s' $(seq 35))"$'\nsend \\x15yes\\r' timeout=500
	no_effect timeout
}

@test "terminal: a hang-up is a no" {
	status=0
	timeout 60 python3 -c '
import os, pty, sys
pid, master = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
seen = b""
while not seen.endswith(b"no? "):
    seen += os.read(master, 4096)
os.close(master)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' "$TOOL" terminal "$MARK" >"$OUT" 2>"$ERR" || status=$?
	exits 1
	[ ! -e "$MARK" ] || flunk "an effect"
	[ "$("$IRONCLAW" audit ls --kind decision --json | jq -r '.answer == "interrupted" or .answer == "the terminal is gone"')" = true ] ||
		flunk "no decision"
}

@test "terminal: what was typed before the question answers nothing" {
	on_terminal 24 80 $'expect ready\nsend yes\\ryes\\ryes\\r\nexpect no[?] \nsend no\\r' \
		sh -c 'stty -echo; echo ready; sleep 1; "$@"; code=$?; stty echo; exit "$code"' sh "$TOOL" terminal "$MARK"
	no_effect denied
}

@test "terminal: stdin and stdout of an agent neither ask nor answer" {
	on_terminal 24 80 $'expect no[?] \nsend yes\\r' \
		sh -c 'yes no | "$@" >stdout' sh "$TOOL" terminal "$MARK"
	effect
	[ ! -s stdout ] || flunk "asked on stdout"
	rm "$MARK"
	status=0
	yes yes | setsid "$TOOL" terminal "$MARK" >"$OUT" 2>"$ERR" || status=$?
	exits 1
	[ ! -e "$MARK" ] || flunk "an effect without a terminal"
	decision 'there is no terminal to ask on'
}

@test "terminal: a process in the background does not ask" {
	on_terminal 24 80 'expect done' \
		bash -mc '"$@" & wait $!; echo "code $?"; echo done; exit 1' bash "$TOOL" terminal "$MARK"
	no_effect 'there is no terminal to ask on'
	stdout_has 'code 1'
}

@test "terminal: foreign text cannot act, forge a row, hide or flood" {
	local flood

	flood=$(printf 'e'; printf '\xcc\x81%.0s' $(seq 40))
	ask $'expect no[?] \nsend no\\r' target=$'/home/p\xd0\xb0ypal\e]0;t\a' \
		description=$'\e[2J\e[H[?1049h' \
		line=$'M a\nyes, no? yes' line=$'\e]52;c;eWVz\a \x9b31m \xc2\x9b31m' line=$'a\rb\bc\vd\xe2\x80\xa8e' \
		line=$'x\xe2\x80\xaey\xe2\x80\x8bz\xf3\xa0\x81\xa1' line="$flood"
	no_effect denied
	! LC_ALL=C grep -q $'[\x01-\x08\x0b\x0c\x0e-\x1f\x7f\x9b]' "$OUT" || flunk "raw control bytes"
	# Only our own rows: \r before the newline of the terminal and nowhere else.
	! LC_ALL=C grep -q $'\r.' "$OUT" || flunk "a raw carriage return"
	stdout_has '\x1b]52;c;eWVz\x07'
	stdout_has '| M a\nyes, no? yes'
	stdout_has 'x\xe2\x80\xaey\xe2\x80\x8bz\xf3\xa0\x81\xa1'
	stdout_has 'p\u{430}ypal'
	! grep -q $'\xcc\x81\xcc\x81\xcc\x81' "$OUT" || flunk "a flood of marks"
	# Every row that is not ours has the margin.
	[ "$(grep -c '^| ' "$OUT")" -ge 7 ] || flunk "margins"
}

@test "terminal: long text comes by pages, whole, before any answer" {
	ask $'expect q: no --\nsend \\r\nexpect q: no --\nsend \\r\nexpect yes, no[?] \nsend yes\\r' lines=50
	effect
	[ "$(grep -c 'line number' "$OUT")" -eq 50 ] || flunk "lines are missing"
	rm "$MARK"
	ask $'expect q: no --\nsend a\nexpect yes, no[?] \nsend yes\\r' lines=2000
	effect
	[ "$(grep -c 'line number' "$OUT")" -eq 2000 ] || flunk "lines are missing"
	rm "$MARK"
	# yes in the middle of the text is none
	ask $'expect q: no --\nsend yes\\r\nexpect q: no --\nsend q' lines=50
	no_effect interrupted
}

@test "terminal: a critical text cannot be skipped" {
	ask $'expect Enter: go on, q: no --\nsend a\nsend \\r\nexpect q: no --\nsend \\r\nexpect yes, no[?] \nsend yes\\r' lines=50 effects=4
	effect
	[ "$(grep -c 'line number' "$OUT")" -eq 50 ] || flunk "lines are missing"
}

@test "terminal: a line of 100,000 letters is broken into rows, not cut" {
	local long

	long=$(head -c 100000 /dev/zero | tr '\0' w)
	ask $'expect q: no --\nsend a\nexpect yes, no[?] \nsend yes\\r' line="$long"
	effect
	[ "$(tr -cd w <"$OUT" | wc -c)" -ge 100000 ] || flunk "cut"
	[ "$(awk '{ if (length($0) > n) n = length($0) } END { print n }' "$OUT")" -le 81 ] || flunk "rows"
}

# ask_queue [OPTION=VALUE...]: in the background; sets $id
ask_queue() {
	"$TOOL" queue "$MARK" "$@" >queue.out 2>queue.err 3>&- &
	asker=$!
	for _ in $(seq 100); do
		id=$("$IRONCLAW" approvals ls --json | jq -r '.[0].id // empty')
		[ -z "$id" ] || return 0
		sleep 0.1
	done
	flunk "nothing waits"
}

ends_with() {
	status=0
	timeout 20 tail --pid="$asker" -f /dev/null || flunk "still waits"
	wait "$asker" || status=$?
	asker=
	exits "$1"
}

@test "queue: listed, shown, approved by its whole id, once" {
	local id

	ask_queue description=why line='M a' line=$'\e[2J\nforged'
	ic approvals ls
	exits 0
	stdout_has "$id"
	stdout_has workspace-apply
	ic approvals show "$id"
	exits 0
	stdout_has '| M a'
	stdout_has '| \x1b[2J\nforged'
	ic approvals show "$id" --json
	json_is .risk '"high"'
	json_is '.lines | length' 2
	[ ! -e "$MARK" ] || flunk "an effect before the answer"
	ic approvals approve "${id:0:8}"
	exits 2
	ic approvals approve "$id"
	exits 0
	ends_with 0
	[ -e "$MARK" ] || flunk "no effect"
	decision allowed '.how == "queue"'
	ic approvals approve "$id"
	exits 1
	stderr_has 'waits'
	ic approvals ls --json
	json_is . '[]'
	[ -z "$(ls "$IRONCLAW_HOME/run/approvals")" ] || flunk "something is left"
}

@test "queue: what is critical is asked about once more, or wants --yes" {
	local id

	ask_queue effects=4 line='D precious'
	status=0
	setsid --wait "$IRONCLAW" approvals approve "$id" >"$OUT" 2>"$ERR" || status=$?
	exits 1
	stderr_has --yes
	on_terminal 24 80 $'expect whole word: approve, no[?] \nsend no\\r' "$IRONCLAW" approvals approve "$id"
	stdout_has 'exit 1'
	[ ! -e "$MARK" ] || flunk "an effect"
	on_terminal 24 80 $'expect whole word: approve, no[?] \nsend app\\r\nexpect whole word: approve, no[?] \nsend approve\\r' \
		"$IRONCLAW" approvals approve "$id"
	stdout_has '| D precious'
	stdout_has 'exit 0'
	ends_with 0
	[ -e "$MARK" ] || flunk "no effect"
	rm "$MARK"
	ask_queue effects=4
	setsid --wait "$IRONCLAW" approvals approve "$id" --yes
	ends_with 0
	[ -e "$MARK" ] || flunk "no effect"
	decision allowed '.risk == "critical" and .how == "queue"'
}

@test "queue: rejected, too late, and of a process that died" {
	local id

	ask_queue
	ic approvals reject "$id"
	exits 0
	ends_with 1
	[ ! -e "$MARK" ] || flunk "an effect"
	decision denied '.how == "queue"'
	ask_queue timeout=1500
	ends_with 1
	decision timeout
	ic approvals approve "$id"
	exits 1
	ask_queue
	kill -KILL "$asker"
	wait "$asker" || true
	ic approvals approve "$id"
	exits 1
	ic approvals ls --json
	json_is . '[]'
	[ ! -e "$MARK" ] || flunk "an effect"
}

@test "queue: other users neither see nor answer" {
	local id

	is_root || skip "needs another user"
	as_other() {
		setpriv --reuid 65534 --regid 65534 --clear-groups "$@" >"$OUT" 2>"$ERR"
	}
	ask_queue
	# All folders above are open, so that it is this one that holds.
	for dir in "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR" "$IRONCLAW_HOME" "$IRONCLAW_HOME/run"; do
		chmod 755 "$dir"
	done
	as_other ls "$IRONCLAW_HOME/run" || flunk "the control fails"
	! as_other ls "$IRONCLAW_HOME/run/approvals" || flunk "another user lists the folder"
	! as_other cat "$IRONCLAW_HOME/run/approvals/$id.pending" || flunk "another user reads"
	! as_other touch "$IRONCLAW_HOME/run/approvals/$id.answer" || flunk "another user writes"
	ic approvals approve "$id"
	exits 0
	ends_with 0
}

@test "policy: what it allows needs no question, what it denies gets none, broken it allows nothing" {
	mkdir -p "$IRONCLAW_HOME/config"
	echo '{"rules":[{"name":"site","decision":"allow","workspace":"/home/me/site","paths":["a"],"effects":["edit"]}]}' \
		>"$IRONCLAW_HOME/config/policy.json"
	"$TOOL" nobody "$MARK" || flunk "not allowed"
	[ -e "$MARK" ] || flunk "no effect"
	decision allowed '.how == "policy" and .detail == "site"'
	rm "$MARK"
	! "$TOOL" nobody "$MARK" effects=10 2>"$ERR" || flunk "a rule allowed what runs later"
	! "$TOOL" nobody "$MARK" target=/home/me/other 2>"$ERR" || flunk "another workspace"
	echo '{"rules":[{"name":"site","decision":"deny","workspace":"/home/me/site"}]}' >deny.json
	ask 'expect exit' policy=deny.json 2>/dev/null || true
	! grep -q 'yes, no' "$OUT" || flunk "asked about what is denied"
	[ ! -e "$MARK" ] || flunk "an effect"
	echo '{"rules":[{"name":"site","decision":"allow"}]}' >"$IRONCLAW_HOME/config/policy.json"
	! "$TOOL" nobody "$MARK" 2>"$ERR" || flunk "a broken policy allowed it"
	stderr_has 'is missing'
	[ ! -e "$MARK" ] || flunk "an effect"
}

@test "wrong calls" {
	for args in '' 'lst' 'ls more' 'show' 'show x' 'approve' 'approve x --json' 'reject ../x' 'ls --xyz' 'reject x --yes' 'approve --yes'; do
		# shellcheck disable=SC2086 # words
		ic approvals $args
		exits 2
		stderr_is_tame
		stdout_empty
	done
	ic approvals approve 0123456789abcdef0123456789abcdef
	exits 1
	stderr_has "no approval '0123456789abcdef0123456789abcdef' waits"
	ic approvals --help
	exits 0
	stdout_has usage
}
