#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `ironclaw agent` with a scripted model: a task in a workspace, the tools, what is shown.

load lib
load model
load agent

setup() {
	use_tmp
}

teardown() {
	stop_serving
	nothing_left
}

# A broken program; it is mended through read_file, edit_file and exec.
broken() {
	mkdir ws
	printf '#!/usr/bin/python3\ndef add(a, b):\n\treturn a - b\n\nassert add(2, 2) == 4\nprint("all well")\n' >ws/add.py
}

MEND=$(cat <<'END'
[{"text": "I look at it.", "thinking": "what is there?", "calls": [
  {"name": "list_dir", "arguments": {}}, {"name": "read_file", "arguments": {"path": "add.py"}},
  {"name": "exec", "arguments": {"command": "python3 add.py"}}]},
 {"calls": [{"name": "edit_file", "arguments": {"path": "add.py", "old_text": "a - b", "new_text": "a + b"}},
  {"name": "exec", "arguments": {"command": "python3 add.py"}}]},
 {"text": "It adds now."}]
END
)

@test "a task in a workspace, from the first question to an apply, in both dialects" {
	local provider

	IMAGE=default
	export ANTHROPIC_API_KEY=$KEY
	for provider in openai anthropic; do
		rm -rf ws record
		broken
		serve "$MEND"
		agent --provider "$provider" --workspace ws --apply "mend add.py"
		exits 0
		[ "$(cat "$OUT")" = "$(printf 'I look at it.\nIt adds now.')" ] || flunk "other words"
		stderr_has '* edit_file add.py'
		stderr_has AssertionError
		stderr_has 'all well'
		grep -q 'return a + b' ws/add.py || flunk "not mended"
		[ "$(python3 ws/add.py)" = 'all well' ]
		replays record
		ic audit ls --json
		tail -n 6 "$OUT" | jq -sc '[.[].kind]' | grep -qxF \
			'["exec","exec","decision","apply","outcome","end"]' || flunk "another log"
	done
	ic audit verify
	exits 0
}

@test "each tool, and what it says when it fails" {
	serve "$(turns "$(jq -nc '{calls: [
		{name: "write_file", arguments: {path: "new/dir/a", content: "one\ntwo\nthree\n"}},
		{name: "read_file", arguments: {path: "new/dir/a"}},
		{name: "read_file", arguments: {path: "new/dir/a", first_line: 2, lines: 1}},
		{name: "edit_file", arguments: {path: "new/dir/a", old_text: "e", new_text: "E"}},
		{name: "edit_file", arguments: {path: "new/dir/a", old_text: "e", new_text: "E", replace_all: true}},
		{name: "search", arguments: {pattern: "^t.*E$"}},
		{name: "list_dir", arguments: {path: "new"}},
		{name: "exec", arguments: {command: "cat new/dir/a; echo oops >&2; exit 3"}},
		{name: "exec", arguments: {command: "sleep 60", timeout_s: 1}},
		{name: "read_file", arguments: {path: "none"}},
		{name: "edit_file", arguments: {path: "none", old_text: "a", new_text: "b"}},
		{name: "edit_file", arguments: {path: "new/dir/a", old_text: "nowhere", new_text: "b"}},
		{name: "list_dir", arguments: {path: "none"}},
		{name: "search", arguments: {pattern: "nothing like it"}},
		{name: "exec", arguments: {}},
		{name: "exec", arguments: {command: "true", "cwd": "/"}},
		{name: "exec", arguments: "{\"command\": "},
		{name: "exec", arguments: "[]"},
		{name: "constructor", arguments: {}}]}')" "$(say 'done')")"
	agent "try them"
	exits 0
	result_has 1 '14 bytes'
	[ "$(result 2)" = "$(printf 'one\ntwo\nthree')" ]
	[ "$(result 3)" = "$(printf 'two\n[lines 2 to 2 of 3]')" ]
	result_has 4 'is in the file 3 times'
	result_has 5 'replaced 3 times'
	result_has 6 'new/dir/a:3:thrEE'
	result_has 7 dir
	[ "$(result 8)" = "$(printf 'Error: onE\ntwo\nthrEE\n[stderr]\noops\n[exit code 3]')" ] || flunk "$(result 8)"
	result_has 9 'the time of 1.0 s was over'
	result_has 10 'no such file'
	result_has 11 'no such file'
	result_has 12 'is not in the file'
	result_has 13 'no such file'
	result_has 14 '[no match]'
	result_has 15 '"command" is missing'
	result_has 16 'exec takes no argument "cwd"'
	result_has 17 'no valid JSON'
	result_has 18 object
	result_has 19 'there is no tool "constructor"'
	recorded '[.[] | select(.event == "result" and .failed)] | length' 12
	replays record
}

@test "as many calls in one reply as there may be, each answered in order" {
	serve "$(turns "$(jq -nc '{calls: [range(100) | {name: "exec", arguments: {command: "echo \(.)"}}]}')" "$(say 'done')")"
	agent "count"
	exits 0
	recorded '[.[] | select(.event == "result") | .text] == [range(100) | "\(.)\n[exit code 0]"]' true
	replays record
}

@test "much output is cut in the middle, and any bytes are text" {
	serve "$(turns "$(run_in_vm 'printf "first \377\000\n"; i=0; while [ $i -lt 9000 ]; do echo "a line $i"; i=$((i+1)); done; echo last')" "$(say 'done')")"
	agent "print"
	exits 0
	result_has 1 "$(printf 'first \357\277\275\357\277\275')"
	result_has 1 'left out'
	result_has 1 "$(printf 'last\n[exit code 0]')"
	[ "$(result 1 | wc -c)" -lt 34000 ]
	# Of it six lines are shown, and the others counted.
	[ "$(grep -c '^  | a line' "$ERR")" -eq 5 ] || flunk "another fold"
	stderr_has '(+8996 lines)'
}

@test "no word of a model or tool acts on the terminal" {
	serve "$(turns "$(jq -nc '{text: "red \u001b[31m\u009b1m\u202e", calls: [
		{name: "exec", arguments: {command: "printf \"\\033]0;title\\007\""}},
		{name: "no\u001b[2Jsuch", arguments: {}}]}')" "$(say 'done')")"
	agent "be loud"
	exits 0
	if LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f\x7f\x9b]' "$OUT" "$ERR"; then
		flunk "control characters"
	fi
	stdout_has 'red \x1b[31m'
	stderr_has '\x1b]0;title'
	"$IRONCLAW" replay record >shown
	if LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f\x7f\x9b]' shown; then
		flunk "control characters in the replay"
	fi
	rm record
	serve "$(turns "$(say "$(printf '\033[31m')")")"
	agent --json "be loud"
	if LC_ALL=C grep -q $'[^\x0a\x20-\x7e]' "$OUT"; then
		flunk "more than ASCII"
	fi
}

@test "--json is the record of events, and the end" {
	mkdir ws
	serve "$(turns "$(run_in_vm 'echo x >file')" "$(say 'done')")"
	agent --json --workspace ws --discard "write"
	exits 0
	[ "$(jq -r '.event // "end"' "$OUT" | tr '\n' ' ')" = 'user reply result reply end ' ] ||
		flunk "other events"
	grep '"event"' "$OUT" | diff - <(tail -n +2 record) || flunk "another record"
	tail -n 1 "$OUT" | jq -e '.end == "done" and .exit_code == 0 and .record == "record" and .turns == 2 and
		.input_tokens > 0 and .workspace.decision == "discarded" and .workspace.changes.counts.created == 1' >/dev/null ||
		flunk "another end"
	[ -z "$(ls ws)" ]
}

@test "the task from a file, instructions, and what the model is told of where it is" {
	echo "do what is in the file" >task
	echo "Speak like a sailor." >system
	serve "$(turns "$(say aye)")"
	agent --file task --system system
	exits 0
	logged_is '.[0].body.messages[1].content' '"do what is in the file\n"'
	logged '.[0].body.messages[0].content' | grep -q 'virtual machine.*Speak like a sailor' || flunk "$(logged .)"
	logged_is '[.[0].body.tools[].function.name]' \
		'["exec","read_file","write_file","edit_file","list_dir","search"]'
}

@test "what cannot be asked for is said, and nothing is started" {
	local flags

	URL=http://127.0.0.1:9
	while read -r flags; do
		# shellcheck disable=SC2086
		agent $flags
		exits 2
		stderr_is_tame
	done <<-'END'
		--max-iterations 0 task
		--max-iterations 101 task
		--max-tokens none task
		--max-time 0 task
		--max-vm-time 8d task
		--provider nobody task
		--apply task
		--resume other task
		two tasks
		--file task task
		--max-itertions 5 task
		--file /nonexistent
		--system /nonexistent task
	END
	ic agent task
	exits 2
	stderr_has --model
	ic agent --model m </dev/null
	exits 2
	stderr_has 'no terminal'
	[ ! -e record ]
	unset OPENAI_API_KEY
	ic agent --model m task
	exits 2
	stderr_has OPENAI_API_KEY
	touch record
	OPENAI_API_KEY=$KEY agent task
	exits 125
	stderr_has --resume
}

@test "without --record the session is kept in the state folder, for its owner alone" {
	local file

	serve "$(turns "$(say hi)")"
	ic agent --model m --base-url "$URL" --image "$IMAGE" hello </dev/null
	exits 0
	file=$(sed -n "s/.*recorded in '\(.*\)'/\1/p" "$ERR")
	[ "$(dirname "$file")" = "$IRONCLAW_HOME/data/sessions" ]
	[ "$(stat -c %a "$file" "$(dirname "$file")" | tr '\n' ' ')" = '600 700 ' ]
	replays "$file"
	rm "$file"
}

@test "on a terminal: what is said as it comes, and one task after the other" {
	serve "$(turns "$(jq -nc '{text: "It is four.", thinking: "two and two", drip_ms: 20}')" \
		"$(run_in_vm 'echo out; sleep 60')" "$(say 'As you like.')")"
	run python3 "$IT/terminal.py" 24 80 "$IRONCLAW" agent --model m --base-url "$URL" --image "$IMAGE" \
		--record record <<-'END'
		expect > $
		send what is two and two?\r
		expect \(thinks\) two and two
		expect It is four\.
		expect > $
		send wait\r
		expect \| out
		send \x03
		expect stopped: interrupted
		expect > $
		send go on\r
		expect As you like\.
		expect > $
		send \x04
	END
	[[ "$output" == *"exit 0"* ]] || flunk "$output"
	recorded '[.[] | .event // empty]' '["user","reply","user","reply","interrupt","user","reply","interrupt"]'
	recorded '.[-1].effect' '"finish"'
	logged '.[-1].body.messages[-2].content' | grep -q 'interrupted while this ran' || flunk "$(logged '.[-1]')"
	replays record
}
