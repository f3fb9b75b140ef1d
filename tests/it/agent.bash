# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# agent.bash - what the suites of `ironclaw agent` share, beside lib.bash and model.bash.

KEY=sk-test-5d1c7f0e9a42
export OPENAI_API_KEY=$KEY

# agent [FLAG...] TASK: ask the server of `serve`; the record is in the file `record`.
agent() {
	ic agent --model m --base-url "$URL" --image "$IMAGE" --record record "$@" </dev/null
}

# resume [FLAG...] [TASK]: go on with that record.
resume() {
	ic agent --model m --base-url "$URL" --image "$IMAGE" --resume record "$@" </dev/null
}

# begin [FLAG...] TASK: an agent in the background, its pid in $AGENT. (What bash starts there ignores
# SIGINT.)
begin() {
	env --default-signal=INT "$IRONCLAW" agent --model m --base-url "$URL" --image "$IMAGE" --record record "$@" \
		>"$OUT" 2>"$ERR" </dev/null 3>&- &
	AGENT=$!
}

# ended: wait for that one.
ended() {
	status=0
	wait "$AGENT" || status=$?
	AGENT=
}

# wait_for TEXT: until the agent in the background has written it to stderr.
wait_for() {
	for _ in $(seq 600); do
		! grep -qF -e "$1" "$ERR" || return 0
		sleep 0.1
	done
	flunk "no '$1' came"
}

# call NAME ARGUMENTS: a turn with one call. say TEXT: a turn without.
call() {
	jq -nc --arg name "$1" --argjson arguments "$2" '{calls: [{name: $name, arguments: $arguments}]}'
}

run_in_vm() {
	call exec "$(jq -nc --arg command "$1" '{command: $command}')"
}

say() {
	jq -nc --arg text "$1" '{text: $text}'
}

# turns TURN...: as an array.
turns() {
	jq -nc '$ARGS.positional' --jsonargs -- "$@"
}

# result N [KEY]: what the model was told of the Nth call; of all requests the last has all of it.
result() {
	jq -r --argjson n "$1" '[.body.messages[] | select(.role == "tool")][$n - 1].content' <(tail -n 1 "$LOG")
}

result_has() {
	grep -qF -e "$2" <<<"$(result "$1")" || flunk "result $1 lacks '$2': $(result "$1")"
}

# replays: the record is whole, and its decisions are made again.
replays() {
	"$IRONCLAW" replay -q "$1" >replayed 2>&1 || flunk "$(cat replayed)"
	grep -q '^the same [0-9]* decisions as recorded$' replayed || flunk "$(cat replayed)"
}

# recorded FILTER VALUE: of all lines of the record.
recorded() {
	local got

	got=$(jq -sc "$1" record)
	[ "$got" = "$2" ] || flunk "expected $1 of the record to be $2, got $got"
}
