#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# SIGKILL at random moments: whichever process of a run dies, nothing of the VM stays behind.

load lib

# KILLS: how many in all.
: "${KILLS:=104}"
# The moment of a kill lies between 0 and this.
DELAY_S=0.6

setup() {
	use_tmp
}

teardown() {
	nothing_left
}

# kill_runs N WHO ARG...: the report of kills.py is shown when the test fails.
kill_runs() {
	status=0
	"$IT/kills.py" --runs "$1" --victim "$2" --max-delay "$DELAY_S" --state "$IRONCLAW_HOME/run" \
		-- "$IRONCLAW" run "$IMAGE" -q "${@:3}" >"$OUT" 2>"$ERR" || status=$?
	cat "$OUT"
	exits 0
}

@test "a run that nobody kills leaves nothing (control)" {
	kill_runs 2 none -- sh -c 'echo hello'
}

@test "kills at random moments of a run from a template" {
	kill_runs $((KILLS * 3 / 4)) random -- sh -c 'echo hello; sleep 0.2; echo bye'
}

@test "kills at random moments of a cold boot" {
	DELAY_S=2 kill_runs $((KILLS / 4)) random --cold -- sh -c 'echo hello; sleep 0.2'
}

@test "every process of a running VM in turn" {
	kill_runs 10 each -- sh -c 'echo ready; sleep 100'
}

@test "a kill while a template is built leaves no half-built one that is used" {
	home_copy
	rm -rf "$IRONCLAW_HOME/data/templates"
	DELAY_S=2.5 kill_runs 6 random -- true
	vm -- echo works
	exits 0
	stdout_is works
}

@test "what a power cut left is swept by the next command" {
	# A folder as a VM that died with its warden and keeper leaves it: no lock is held.
	home_copy
	mkdir -p "$IRONCLAW_HOME/run/vms/left-behind/tree"
	: >"$IRONCLAW_HOME/run/vms/left-behind/lock"
	chmod 700 "$IRONCLAW_HOME/run" "$IRONCLAW_HOME/run/vms" "$IRONCLAW_HOME/run/vms/left-behind"
	vm -- true
	exits 0
	[ ! -e "$IRONCLAW_HOME/run/vms/left-behind" ]
}
