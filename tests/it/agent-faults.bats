#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What may go wrong in a session of `ironclaw agent`: each ends in a state that is said and recorded,
# and that --resume goes on from. In most tests the first reply has three calls, of which the second
# is the one that it happens in.

load lib
load model
load agent

setup() {
	use_tmp
	AGENT=
}

teardown() {
	if [ -n "$AGENT" ]; then
		kill -KILL "$AGENT" 2>/dev/null || true
		wait "$AGENT" 2>/dev/null || true
	fi
	stop_serving
	nothing_left
}

THREE='{"calls": [{"name": "exec", "arguments": {"command": "echo one"}},
	{"name": "exec", "arguments": {"command": "echo two; sleep 60"}},
	{"name": "exec", "arguments": {"command": "echo three"}}]}'

# answered WHY: the first of the three has its result, the others one that says why they have none;
# whoever refuses broken histories (the server) took this one.
answered() {
	result_has 1 one
	result_has 2 "$1 while this ran: its outcome is unknown"
	result_has 3 "$1 before this ran: it was not run"
	logged_is '[.[] | .refused | select(. != null)]' '[]'
}

# goes_on [FLAG...]: a new process with a new VM brings the session to its end.
goes_on() {
	stop_serving
	serve "$(turns "$(run_in_vm 'echo four')" "$(say finished)")"
	resume "$@"
	exits 0
	stdout_is finished
	replays record
	logged '.[0].body.messages[-1].content' | grep -q 'new virtual machine' || flunk "the model was not told"
	recorded '[.[] | select(.session)] | length' "${SESSIONS:-2}"
}

@test "Ctrl-C: the tool ends, the session stops, and goes on" {
	serve "$(turns "$THREE")"
	begin "count"
	wait_for '| two'
	kill -INT "$AGENT"
	ended
	exits 130
	stderr_has 'stopped: interrupted'
	stderr_has --resume
	recorded '.[-1] | [.event, .effect, .stop]' '["interrupt","finish","interrupted"]'
	replays record
	goes_on
	answered interrupted
}

@test "Ctrl-C while the model is asked" {
	serve '[{"wait_ms": 60000, "text": "late"}]'
	begin "hello"
	wait_for 'recorded in'
	for _ in $(seq 100); do
		[ ! -s "$LOG" ] || break
		sleep 0.1
	done
	kill -INT "$AGENT"
	ended
	exits 130
	recorded '.[-1].stop' '"interrupted"'
	goes_on
}

@test "Ctrl-C twice: the end, at once; the record is whole" {
	serve "$(turns "$THREE")"
	begin "count"
	wait_for '| two'
	# Stopped, it gets both at once.
	kill -STOP "$AGENT"
	kill -INT "$AGENT"
	kill -TERM "$AGENT"
	kill -CONT "$AGENT"
	ended
	[ "$status" -eq 130 ] || [ "$status" -eq 143 ] || flunk "another end"
	recorded '.[-1].effect' '"run_call"'
	replays record
	goes_on
	answered 'the session ended'
}

@test "SIGKILL in the middle of a call, and half a line in the record" {
	serve "$(turns "$THREE")"
	begin "count"
	wait_for '| two'
	kill -KILL "$AGENT"
	ended
	printf '{"event":"resu' >>record
	replays record
	goes_on
	answered 'the session ended'
}

@test "a VM that is killed" {
	serve "$(turns "$THREE")"
	begin "count"
	wait_for '| two'
	kill -KILL "$(vmm_below "$AGENT")"
	ended
	exits 125
	stderr_has 'stopped: the VM ended'
	recorded '.[-1] | [.event, .effect, .stop]' '["vm_lost","finish","vm_lost"]'
	replays record
	goes_on
	answered 'the VM ended'
}

@test "a VM that is killed while the model is asked" {
	serve '[{"wait_ms": 60000, "text": "late"}]'
	begin "hello"
	for _ in $(seq 300); do
		[ ! -s "$LOG" ] || break
		sleep 0.1
	done
	kill -KILL "$(vmm_below "$AGENT")"
	ended
	exits 125
	recorded '.[-1].stop' '"vm_lost"'
	goes_on
}

@test "a VM of which the workspace has changes: they are lost with it, and that is no change of the host" {
	mkdir ws
	echo old >ws/file
	serve "$(turns "$(run_in_vm 'echo new >file; echo done')" "$(run_in_vm 'echo two; sleep 60')")"
	begin --workspace ws --apply "write"
	wait_for '| two'
	kill -KILL "$(vmm_below "$AGENT")"
	ended
	exits 125
	[ "$(cat ws/file)" = old ]
	# Without the folder it is not gone on with; what is in the folder now is what the new VM has.
	resume
	exits 2
	stderr_has "--workspace $PWD/ws"
	echo newer >ws/file
	stop_serving
	serve "$(turns "$(run_in_vm 'cat file')" "$(say finished)")"
	resume --workspace ws --discard
	exits 0
	result_has 3 newer
	replays record
}

@test "a model whose reply breaks off every time" {
	serve '[{"text": "half of", "cut": true, "after": 2}, {"text": "half of", "cut": true, "after": 2},
		{"text": "half of", "cut": true, "after": 2}, {"text": "half of", "cut": true, "after": 2},
		{"text": "half of", "cut": true, "after": 2}]'
	agent "hello"
	exits 125
	stderr_has 'again in'
	stderr_has 'stopped: the model failed'
	recorded '.[-1].event' '"model_failed"'
	stdout_empty
	goes_on
}

@test "a model that breaks off once is asked again, and nothing is run twice" {
	serve "[$THREE, {\"text\": \"x\"}]" >/dev/null
	stop_serving
	serve "[{\"calls\": [{\"name\": \"exec\", \"arguments\": {\"command\": \"echo once\"}}], \"cut\": true, \"after\": 3},
		{\"calls\": [{\"name\": \"exec\", \"arguments\": {\"command\": \"echo once\"}}]}, {\"text\": \"fine\"}]"
	agent "hello"
	exits 0
	stdout_is fine
	[ "$(grep -c '^\* exec' "$ERR")" -eq 1 ] || flunk "run more than once"
	replays record
}

@test "a server that has had enough: 429 until there is a reply, and until there is none" {
	serve '[{"status": 429, "headers": {"Retry-After": "1"}}, {"status": 429}, {"status": 529}, {"text": "fine"}]'
	agent "hello"
	exits 0
	stdout_is fine
	rm record
	stop_serving
	serve "$(jq -nc '[range(9) | {status: 429, headers: {"retry-after-ms": "10"}}]')"
	agent "hello"
	exits 125
	recorded '.[-1].stop' '"model_failed"'
	goes_on
}

@test "a key that is refused is no riddle" {
	serve '[{"status": 401, "body": {"error": {"message": "no such key"}}}]'
	agent "hello"
	exits 125
	stderr_has 'no such key'
	logged_is length 1
	goes_on
}

@test "budgets: iterations, tokens, time, time in the VM" {
	local flag budget

	while read -r flag budget; do
		rm -f record
		serve "[$THREE, $THREE]"
		# shellcheck disable=SC2086
		agent $flag "count"
		exits 1
		recorded '.[-1].stop' "\"$budget\""
		[ "$budget" != tokens ] || logged_is '.[0].body | .max_tokens // .max_completion_tokens' 10
		replays record
		stop_serving
		goes_on
		[ "$budget" != time ] || answered 'the time was used up'
		[ "$budget" != vm_time ] || answered 'the time in the VM was used up'
		[ "$budget" != tokens ] || result_has 1 'the tokens were used up before this ran: it was not run'
	done <<-'END'
		--max-time=4s time
		--max-vm-time=3s vm_time
		--max-tokens=10 tokens
	END
	rm record
	serve "[$(run_in_vm true), $(run_in_vm true), $(run_in_vm true)]"
	agent --max-iterations 2 "count"
	exits 1
	recorded '.[-1].stop' '"iterations"'
	logged_is length 2
	goes_on
}

@test "a model that refuses, and one whose words have no end" {
	serve '[{"text": "I will not", "finish": "content_filter"}]'
	agent "hello"
	exits 1
	stderr_has 'filter'
	stop_serving
	rm record
	serve '[{"text": "and so on", "finish": "length"}]'
	agent "hello"
	exits 1
	stderr_has 'cut off'
	goes_on
}

@test "no room for the record: the session ends, and what the VM changed is still decided on" {
	mkdir ws
	echo old >ws/file
	serve "$(jq -nc '("x" * 3000000) as $long | [{calls: [{name: "exec", arguments: {command: "echo new >file; echo two; sleep 4"}}]},
		{text: $long, whole: true, calls: [{name: "exec", arguments: {command: "true"}}]}, {text: $long, whole: true}]')"
	# Where the signal is ignored, a file that is at the limit of its size is a write that fails.
	trap '' XFSZ
	begin --workspace ws --apply "write"
	trap - XFSZ
	wait_for '| two'
	prlimit --pid "$AGENT" --fsize=5000000:
	ended
	exits 125
	stderr_has "cannot write 'record'"
	stderr_has --resume
	[ "$(cat ws/file)" = new ] || flunk "what the VM changed is lost"
	replays record
	goes_on --workspace ws --discard
}

@test "two processes do not go on with one session" {
	serve "$(turns "$THREE")"
	begin "count"
	wait_for '| two'
	resume
	exits 125
	stderr_has 'another process'
	kill -INT "$AGENT"
	wait "$AGENT" || true
	AGENT=
}

@test "a record that was changed is not gone on with" {
	serve "$(turns "$(say hello)")"
	agent "hello"
	exits 0
	sed -i '3s/hello/hallo/' record
	ic replay record
	exits 1
	stderr_has 'line 3'
	resume
	exits 125
	stderr_has 'cannot be resumed'
	logged_is length 1
	# A file that is none stays as it is, to its last byte.
	printf 'nonsense\nto its end' >record
	resume
	exits 125
	[ "$(cat record)" = $'nonsense\nto its end' ] || flunk "the file was changed"
	rm record
	resume
	exits 125
}

# Twice: what a resumed session is resumed from is one session as well.
@test "a session that is resumed, interrupted, and resumed" {
	serve "$(turns "$THREE")"
	agent --max-vm-time 2s "count"
	exits 1
	stop_serving
	serve "$(turns "$(run_in_vm 'echo two; sleep 60')")"
	env --default-signal=INT "$IRONCLAW" agent --model m --base-url "$URL" --image "$IMAGE" --resume record \
		>"$OUT" 2>"$ERR" </dev/null 3>&- &
	AGENT=$!
	wait_for '| two'
	kill -INT "$AGENT"
	ended
	exits 130
	SESSIONS=3 goes_on "and be quick"
	logged '.[0].body.messages[-1].content' | grep -q 'be quick' || flunk "the task is missing"
	answered 'the time in the VM was used up'
	result_has 4 'interrupted while this ran'
}
