#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Signals to `ironclaw run` reach the command in the guest, and a run that is told to end ends.

load lib

setup() {
	use_tmp
}

teardown() {
	[ -z "${pid:-}" ] || kill -KILL "$pid" 2>/dev/null || true
	nothing_left
}

# start ARG...: run in the background until the command has written "ready". A shell lets its background
# jobs ignore INT and QUIT, and what was ignored when we started stays so: hence env.
start() {
	# Not the "ready" of an earlier one, which the background job may not have cut off yet.
	: >"$OUT"
	env --default-signal=INT,QUIT "$IRONCLAW" run "$IMAGE" -q "$@" >"$OUT" 2>"$ERR" </dev/null &
	pid=$!
	for _ in $(seq 600); do
		! grep -q ready "$OUT" || return 0
		sleep 0.05
	done
	flunk "the command did not start"
}

# ended: wait for the end of what start() started, at most 20 s.
ended() {
	for _ in $(seq 200); do
		if ! kill -0 "$pid" 2>/dev/null; then
			status=0
			wait "$pid" || status=$?
			pid=
			return 0
		fi
		sleep 0.1
	done
	flunk "the run did not end"
}

@test "INT, TERM, HUP, QUIT, USR1 and USR2 reach the command" {
	for signal in INT TERM HUP QUIT USR1 USR2; do
		start -- sh -c "trap 'echo got-$signal; exit 33' $signal; echo ready; while :; do sleep 0.1; done"
		kill -$signal "$pid"
		ended
		exits 33
		stdout_has "got-$signal"
	done
}

@test "a command that a passed-on signal kills ends as 128+N" {
	start -- sh -c 'echo ready; exec sleep 100'
	kill -INT "$pid"
	ended
	exits 130
	start -- sh -c 'echo ready; exec sleep 100'
	kill -TERM "$pid"
	ended
	exits 143
}

@test "the whole process group of the command gets the signal" {
	# The child is the last to be ready.
	start -- sh -c 'trap "wait; exit 4" TERM; sh -c "trap \"echo child; exit\" TERM; echo ready; while :; do sleep 0.1; done" & wait'
	kill -TERM "$pid"
	ended
	exits 4
	stdout_has child
}

@test "a command that ignores the signal goes on, and a later KILL of us removes everything" {
	start -- sh -c 'trap "" TERM; echo ready; sleep 1; echo still-here; sleep 100'
	kill -TERM "$pid"
	for _ in $(seq 100); do
		! grep -q still-here "$OUT" || break
		sleep 0.1
	done
	stdout_has still-here
	kill -KILL "$pid"
	ended
	exits 137
	nothing_left
}

@test "a signal before the command has started ends the run" {
	# During the cold boot: nothing runs in the guest yet.
	"$IRONCLAW" run "$IMAGE" -q --cold -- sleep 100 >"$OUT" 2>"$ERR" </dev/null &
	pid=$!
	sleep 0.2
	kill -TERM "$pid"
	ended
	[ "$status" -ge 125 ] || flunk "expected an end by signal or failure"
	nothing_left
}

@test "a stopped run goes on where it was" {
	start -- sh -c 'echo ready; i=0; while [ $i -lt 20 ]; do i=$((i+1)); sleep 0.05; done; echo over'
	kill -STOP "$pid"
	sleep 1
	kill -CONT "$pid"
	ended
	exits 0
	stdout_has over
}

@test "what was ignored when we started stays ignored" {
	(
		trap '' HUP
		exec "$IRONCLAW" run "$IMAGE" -q -- sh -c 'echo ready; sleep 2; echo over' </dev/null >"$OUT" 2>"$ERR"
	) &
	pid=$!
	for _ in $(seq 100); do
		! grep -q ready "$OUT" || break
		sleep 0.1
	done
	kill -HUP "$pid"
	ended
	exits 0
	stdout_has over
}

@test "a helper that is stopped does not hold the time limit up" {
	for helper in keeper warden; do
		: >"$OUT"
		timeout 60 "$IRONCLAW" run "$IMAGE" -q --timeout 4s -- sh -c 'echo ready; sleep 60' \
			>"$OUT" 2>"$ERR" </dev/null &
		pid=$!
		for _ in $(seq 100); do
			! grep -q ready "$OUT" || break
			sleep 0.1
		done
		for p in $(processes_below "$pid"); do
			[ "$(cat "/proc/$p/comm" 2>/dev/null)" != "ironclaw-$helper" ] || kill -STOP "$p"
		done
		ended
		exits 124
		"$IRONCLAW" template ls -q >/dev/null
		nothing_left
	done
}

# helper NAME: the pid of a process of the run that start() started.
helper() {
	for p in $(processes_below "$pid"); do
		if [[ $(cat "/proc/$p/comm" 2>/dev/null) == "$1"* ]]; then
			echo "$p"
			return 0
		fi
	done
	flunk "no $1 below the run"
}

@test "a VM that is lost while its command is killed for its time: 124; a moment earlier: 125" {
	local keeper vmm

	for moment in before after; do
		start --timeout 3s -- sh -c 'echo ready; sleep 60'
		keeper=$(helper ironclaw-keeper)
		vmm=$(helper qemu-system)
		# So that the kill does not reach the guest, and nobody says why the VM ended.
		kill -STOP "$keeper"
		[ $moment = before ] || sleep 4
		kill -KILL "$vmm"
		ended
		if [ $moment = before ]; then
			exits 125
			stderr_has 'was killed'
		else
			exits 124
		fi
		nothing_left
	done
}
