#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `ironclaw run -t`: a terminal inside that behaves like the one outside.

load lib

setup() {
	use_tmp
}

teardown() {
	nothing_left
}

# on_pty ROWS COLS COMMAND... <STEPS: see terminal.py; output in $OUT without carriage returns.
on_pty() {
	status=0
	"$IT/terminal.py" "$@" >"$OUT.raw" 2>"$ERR" || status=$?
	tr -d '\r' <"$OUT.raw" >"$OUT"
	exits 0
}

@test "-t gives the command a terminal of the right size, and none without it" {
	on_pty 33 117 "$IRONCLAW" run "$IMAGE" -q -i -t -- \
		sh -c 'tty; stty size; test -t 0 && test -t 1 && test -t 2 && echo all-three' </dev/null
	stdout_has /dev/
	stdout_has '33 117'
	stdout_has all-three
	stdout_has 'exit 0'
	vm_sh 'test -t 0 || test -t 1 || test -t 2 || echo none'
	stdout_is none
}

@test "the window's size is followed while the command runs" {
	# Not in read: a signal that comes just before it would wait for a line.
	on_pty 24 80 "$IRONCLAW" run "$IMAGE" -q -i -t -- \
		sh -c 'trap "stty size" WINCH; stty size; echo ready; while :; do sleep 0.1; done' <<-'END'
		expect 24 80.*ready
		resize 41 132
		expect 41 132
		resize 10 20
		expect 10 20
		send \x03
	END
	stdout_has 'exit 130'
}

@test "keys reach the command, and an exit code comes back" {
	on_pty 24 80 "$IRONCLAW" run "$IMAGE" -q -i -t -- sh <<-'END'
		expect [$#]\s
		send echo $((6*7))\r
		expect 42
		send exit 9\r
	END
	stdout_has 'exit 9'
	stdout_has 'tty restored'
}

@test "Ctrl-C interrupts the command, not us" {
	on_pty 24 80 "$IRONCLAW" run "$IMAGE" -q -i -t -- \
		sh -c 'trap "echo interrupted; exit 5" INT; echo ready; while :; do sleep 1; done' <<-'END'
		expect ready
		send \x03
		expect interrupted
	END
	stdout_has 'exit 5'
	stdout_has 'tty restored'
}

@test "Ctrl-D ends the input" {
	on_pty 24 80 "$IRONCLAW" run "$IMAGE" -q -i -t -- sh -c 'echo ready; cat; echo over' <<-'END'
		expect ready
		send line\r
		expect line.*line
		send \x04
		expect over
	END
	stdout_has 'exit 0'
}

@test "the terminal is put back when the command dies, and when we are told to stop" {
	on_pty 24 80 "$IRONCLAW" run "$IMAGE" -q -i -t -- sh -c 'echo ready; kill -9 $$' <<-'END'
		expect ready
	END
	stdout_has 'exit 137'
	stdout_has 'tty restored'
	on_pty 24 80 "$IRONCLAW" run "$IMAGE" -q -i -t -- sh -c 'echo ready; sleep 100' <<-'END'
		expect ready
		signal SIGTERM
	END
	stdout_has 'tty restored'
	stdout_has 'exit 143'
}

@test "-t where stdin is no terminal is refused or works without one, never hangs" {
	ic run "$IMAGE" -q -t -- sh -c 'echo ran' </dev/null
	[ "$status" -eq 0 ] || [ "$status" -eq 2 ] || flunk "expected 0 or 2"
}

@test "a new size of the window is nothing to a command without a terminal" {
	on_pty 24 80 "$IRONCLAW" run "$IMAGE" -q -- sh -c 'echo ready; sleep 2; echo over' <<-'END'
		expect ready
		resize 30 90
		expect over
	END
	stdout_has 'exit 0'
}
