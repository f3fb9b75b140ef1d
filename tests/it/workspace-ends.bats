#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# How a run with a workspace can end: by a kill, Ctrl-C, a signal, beside another run. Without an apply the folder
# is as it was, byte for byte; with one it is the old or the new one, never a mixture.

load lib

# How many applies are killed.
: "${APPLY_KILLS:=20}"

setup() {
	use_tmp
	mkdir -p ws/dir
	echo 'one' >ws/list
	echo 'gone' >ws/dir/gone
	ln -s list ws/link
	run=
}

teardown() {
	[ -z "$run" ] || kill -KILL "$run" 2>/dev/null || true
	nothing_left
}

# tree: names, modes, times, targets and contents of all that is in the folder, and around it.
tree() {
	find ws -printf '%p %y %m %l' \( ! -type d -printf ' %T@' -o -true \) -printf '\n' | sort
	find ws -type f -exec sha256sum {} + | sort -k 2
}

# start ARG...: a run with the folder, in the background; like one of a terminal, it minds SIGINT.
start() {
	env --default-signal=INT "$IRONCLAW" run "$IMAGE" -q --workspace "$PWD/ws" "$@" >"$OUT" 2>"$ERR" </dev/null 3>&- &
	run=$!
}

# start_held NAME SCRIPT [FLAG]: one whose command goes on when `release NAME` says so. Its number is in NAME.pid.
start_held() {
	mkfifo "$1.fifo"
	"$IRONCLAW" run "$IMAGE" -q -i --workspace "$PWD/ws" "${3:---apply}" -- sh -c "$2; echo up; read line" \
		>"$1.out" 2>"$1.err" <>"$1.fifo" 3>&- &
	echo $! >"$1.pid"
	until_ grep -q up "$1.out"
}

release() {
	echo go >"$1.fifo"
}

# held_ends NAME: prints the exit code.
held_ends() {
	local code=0

	wait "$(cat "$1.pid")" || code=$?
	echo "$code" >"$1.code"
}

# ends: sets $status.
ends() {
	status=0
	timeout 60 tail --pid="$run" -f /dev/null || flunk "it goes on"
	wait "$run" || status=$?
	run=
}

# until_ COMMAND...: a minute for it to be true.
until_() {
	for _ in $(seq 1200); do
		! "$@" 2>/dev/null || return 0
		sleep 0.05
	done
	flunk "never: $*"
}

EDIT='echo two >>list; rm -r dir; mkdir new; echo made >new/file; chmod 600 list; ln -sfn new link; echo out'

@test "kill -9 while changes are applied: the old tree or the new one, and the next run puts it in order" {
	local i olds=0 news=0 seen=0
	local many='for i in $(seq 300); do echo "$i" >file-$i; done; rm -r dir; echo two >>list; mkdir new; echo x >new/x'

	cp -a ws old
	cp -a ws new
	(cd new && eval "$many")
	for ((i = 0; i < APPLY_KILLS; i++)); do
		rm -rf ws && cp -a old ws
		start --apply -- sh -c "$many"
		# The moment: when the journal was made, or its record, and a bit later each time.
		status=0
		python3 - "$run" "$i" <<-'PY' || status=$?
			import os, signal, sys, time
			run, i = int(sys.argv[1]), int(sys.argv[2])
			end = time.monotonic() + 60
			for name in (".ironclaw-apply", ".ironclaw-apply/record")[:1 + i % 2]:
			    # With the last file all is done already: too late.
			    while not os.path.exists("ws/" + name) and not os.path.exists("ws/new/x"):
			        if time.monotonic() > end:
			            sys.exit(1)
			time.sleep(i * 0.0005)
			os.kill(run, signal.SIGKILL)
		PY
		[ "$status" -eq 0 ] || flunk "no journal"
		ends
		[ ! -d ws/.ironclaw-apply ] || seen=$((seen + 1))
		ic run "$IMAGE" -q --workspace "$PWD/ws" --discard -- sh -c 'ls -a' </dev/null
		exits 0
		[ -z "$(find ws -name '.ironclaw*')" ] || flunk "something is left: $(find ws -name '.ironclaw*')"
		if diff -r old ws >/dev/null; then
			olds=$((olds + 1))
		elif diff -r new ws >/dev/null; then
			news=$((news + 1))
		else
			flunk "a mixture after kill $i: $(diff -rq old ws; diff -rq new ws)"
		fi
	done
	echo "# $seen kills in an apply, then $olds times the old tree, $news times the new one" >&3
	[ "$seen" -gt 0 ] && [ "$olds" -gt 0 ] && [ "$news" -gt 0 ] || flunk "no kill met an apply at all moments"
	ic audit verify
	exits 0
}

@test "two runs on one folder: the second sees a conflict, and nothing is mixed" {
	for at_once in no yes; do
		rm -f ./*.fifo ws/list ws/both
		echo one >ws/list
		start_held a 'echo a >list; echo a >both'
		start_held b 'echo b >list; echo b >both'
		release a
		[ "$at_once" = yes ] || held_ends a
		release b
		[ "$at_once" = no ] || held_ends a
		held_ends b
		[ "$(($(cat a.code) + $(cat b.code)))" -eq 125 ] || flunk "$(cat a.code b.code a.err b.err)"
		[ "$at_once" = yes ] || [ "$(cat a.code)" -eq 0 ] || flunk "the first one: $(cat a.err)"
		[ "$(cat ws/list)" = "$(cat ws/both)" ] || flunk "mixed: $(cat ws/list ws/both)"
		[ -e ws/dir/gone ]
		[ -z "$(find ws -name '.ironclaw*')" ] || flunk "a journal is left"
	done
}

@test "two runs on one folder with different files: both are applied" {
	start_held a 'echo a >a'
	start_held b 'echo b >b'
	release a
	release b
	held_ends a
	held_ends b
	[ "$(cat a.code b.code)" = $'0\n0' ] || flunk "$(cat a.err b.err)"
	[ "$(cat ws/a ws/b)" = $'a\nb' ]
}

# The copy is written by a second thread.
copies() {
	[ "$(find "/proc/$run/task" -mindepth 1 -maxdepth 1 | wc -l)" -gt 1 ]
}

@test "a signal while the copy goes in: the folder is as it was" {
	local signal

	head -c 100000000 /dev/urandom >ws/big
	tree >before
	for signal in INT TERM HUP; do
		start --memory 512M --apply -- sh -c "echo ran; $EDIT"
		until_ copies
		kill -"$signal" "$run"
		ends
		[ "$status" -gt 128 ] || flunk "not ended by $signal"
		stdout_empty
		tree | cmp - before || flunk "$signal: $(tree | diff before -)"
		nothing_left
	done
	start --memory 512M --apply -- sh -c 'echo ran'
	until_ copies
	ends
	exits 0
	stdout_is ran
}

@test "a signal while the changes come out: the folder is as it was" {
	local signal

	cp "$(dirname "$IRONCLAW")/tests/hostile_guest" ws/hostile || skip "only with the programs of a build tree"
	tree >before
	for signal in INT TERM HUP; do
		# Who makes the archive is stopped, so that it never ends.
		start -u root --apply -- sh -c "dd if=/dev/zero of=large bs=1M count=60 2>/dev/null; $EDIT; ./hostile stop"
		until_ grep -q out "$OUT"
		until_ pgrep -P "$run" ironclaw-unpack
		sleep 0.5
		kill -0 "$run" || flunk "it does not wait"
		kill -"$signal" "$run"
		ends
		[ "$status" -gt 128 ] || flunk "not ended by $signal"
		tree | cmp - before || flunk "$signal: $(tree | diff before -)"
		nothing_left
	done
	# What a killed run has received goes with the next one.
	start --discard -- true
	ends
	exits 0
	[ -z "$(find "$IRONCLAW_HOME/data/stages" -mindepth 1)" ] || flunk "$(ls "$IRONCLAW_HOME/data/stages")"
}

# on_terminal SCRIPT COMMAND...
on_terminal() {
	local script=$1

	shift
	status=0
	printf '%s\n' "$script" | grep . | timeout 100 python3 "$IT/terminal.py" 40 100 "$@" >"$OUT" 2>"$ERR" || status=$?
	exits 0
	stdout_has 'tty restored'
}

@test "every no at the question leaves the folder as it was, and is recorded as that" {
	local answer record

	tree >before
	for answer in 'send \x03|interrupted' 'send \x04|interrupted' 'signal SIGTERM|interrupted' 'signal SIGHUP|interrupted' \
		'send discard\r|denied' 'send choose\r|interrupted'; do
		on_terminal $'expect discard[?] \n'"${answer%|*}"$'\n'"$([[ $answer != *choose* ]] || printf 'expect done[?] \nsend \\x03')" \
			"$IRONCLAW" run "$IMAGE" -q --workspace "$PWD/ws" -- sh -c "$EDIT"
		tree | cmp - before || flunk "$answer: $(tree | diff before -)"
		stdout_has 'exit 0'
		record=$("$IRONCLAW" audit ls --kind decision --json | tail -n 1 | jq -r .answer)
		[ "$record" = "${answer#*|}" ] || flunk "$answer is recorded as $record"
	done
	"$IRONCLAW" audit ls --kind apply --json | jq -e 'select(.target == "'"$PWD/ws"'")' && flunk "an apply is recorded"
	# The control.
	on_terminal $'expect discard[?] \nsend apply\\r' "$IRONCLAW" run "$IMAGE" -q --workspace "$PWD/ws" -- sh -c "$EDIT"
	! tree | cmp -s - before || flunk "not applied"
}

@test "other ends without an apply leave the folder as it was" {
	local flags

	tree >before
	for flags in '' '--discard' '--json' '--changes saved.tar --discard' '--patch saved.patch' '--timeout 1s' '--memory 128M'; do
		# shellcheck disable=SC2086 # words
		start $flags -- sh -c "$EDIT; [ '$flags' != '--timeout 1s' ] || sleep 60; [ '$flags' != '--memory 128M' ] || tail /dev/zero"
		ends
		tree | cmp - before || flunk "$flags: $(tree | diff before -)"
	done
	start --queue -- sh -c "$EDIT"
	until_ sh -c '"$0" approvals ls --json | jq -e ".[0].id"' "$IRONCLAW" >/dev/null
	"$IRONCLAW" approvals reject "$("$IRONCLAW" approvals ls --json | jq -r '.[0].id')"
	ends
	exits 125
	tree | cmp - before
	start --queue -- sh -c "$EDIT"
	until_ sh -c '"$0" approvals ls --json | jq -e ".[0].id"' "$IRONCLAW" >/dev/null
	kill -KILL "$run"
	ends
	tree | cmp - before
}

@test "what cannot be shown is not asked about" {
	for same in yes no; do
		rm -rf q.fifo ws/src ws/src2
		mkdir ws/src
		echo old >ws/src/main
		start_held q 'echo new >src/main' --queue
		# The diff needs the folder's own file, and a link is not followed.
		[ "$same" = yes ] || { mv ws/src ws/src2 && ln -s src2 ws/src; }
		release q
		[ "$same" = no ] || {
			until_ sh -c '"$0" approvals ls --json | jq -e ".[0].id"' "$IRONCLAW" >/dev/null
			"$IRONCLAW" approvals approve "$("$IRONCLAW" approvals ls --json | jq -r '.[0].id')"
		}
		held_ends q
		[ "$same" = no ] || [ "$(cat q.code ws/src/main)" = $'0\nnew' ] || flunk "$(cat q.err)"
	done
	[ "$(cat q.code ws/src2/main)" = $'125\nold' ] || flunk "$(cat q.code q.err)"
	grep -q "cannot read 'src/main'" q.err || flunk "$(cat q.err)"
}

@test "stdin is the command's, and the answer comes from the terminal" {
	tree >before
	# shellcheck disable=SC2016 # for the inner shell
	on_terminal $'expect discard[?] \nsend discard\\r' sh -c 'yes apply | head -n 1000 | "$@" >stdout' sh \
		"$IRONCLAW" run "$IMAGE" -q -i --workspace "$PWD/ws" -- sh -c "$EDIT; wc -l"
	grep -q 1000 stdout || flunk "stdin did not reach the command: $(cat stdout)"
	tree | cmp - before || flunk "a pipe answered"
	# shellcheck disable=SC2016
	on_terminal $'expect discard[?] \nsend apply\\r' sh -c 'yes discard | head -n 1000 | "$@" >stdout' sh \
		"$IRONCLAW" run "$IMAGE" -q --workspace "$PWD/ws" -- sh -c "$EDIT"
	! tree | cmp -s - before || flunk "not applied"
}
