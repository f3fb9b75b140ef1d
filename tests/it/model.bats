#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Models over HTTP (src/model/http.c), against a scripted one: fakes/model_server.py.

load lib.bash
load model.bash

KEY=sk-secret-0123456789

setup() {
	use_tmp
	TOOL=$(dirname "$IRONCLAW")/tests/model_tool
	unset http_proxy https_proxy all_proxy HTTPS_PROXY ALL_PROXY OPENAI_BASE_URL ANTHROPIC_BASE_URL
	export OPENAI_API_KEY=$KEY ANTHROPIC_API_KEY=$KEY
	cat >request <<-'END'
		{"model": "m", "system": "Be brief.", "max_tokens": 100, "messages": [{"role": "user", "text": "hi"}],
		 "tools": [{"name": "exec", "description": "run", "schema": {"type": "object", "properties": {}}}]}
	END
}

teardown() {
	stop_serving
	# Wherever it went: the key is nothing for people, and nothing for a body.
	! cat "$OUT" "$ERR" | grep -qF "${KEY:0:12}" || flunk "the key is told"
	[ ! -s "${LOG:-}" ] || ! jq -c .body "$LOG" | grep -qF "$KEY" || flunk "the key is in a body"
}

# ask DIALECT [OPTION=VALUE...]
ask() {
	local dialect=$1

	shift
	status=0
	timeout --kill-after=5 "$DEADLINE_S" "$TOOL" "$dialect" request base="${BASE:-${URL:-}}" "$@" \
		>"$OUT" 2>"$ERR" || status=$?
}

# reply FILTER: of the last reply.
reply_is() {
	local got

	got=$(grep '^{' "$OUT" | tail -n 1 | jq -c "$1")
	[ "$got" = "$2" ] || flunk "expected $1 of the reply to be $2, got $got"
}

fails() {
	exits 1
	stderr_has "$1: "
	stderr_has "$2"
	stderr_is_tame 1
}

n_again() {
	[ "$(grep -c '^again: ' "$OUT")" -eq "$1" ] || flunk "expected $1 further tries"
}

# Two tries, the second of which is well: for each dialect.
recovers() { # TURN
	local dialect

	for dialect in openai anthropic; do
		serve "[$1, {\"text\": \"well\"}]"
		ask "$dialect" idle=1500
		exits 0
		n_again 1
		reply_is .message.text '"well"'
		logged_is length 2
		logged_is '.[0].body == .[1].body' true
	done
}

# One try and no more, for each dialect.
gives_up() { # TURN ERRNO TEXT
	local dialect

	for dialect in openai anthropic; do
		serve "[$1, {\"text\": \"well\"}]"
		ask "$dialect"
		fails "$2" "$3"
		n_again 0
		logged_is length 1
	done
}

@test "a turn of text, thinking and calls, and the next one" {
	local turns='[{"thinking": "hm, wéll", "text": "I look.", "calls": [
		{"name": "exec", "arguments": {"argv": ["ls", "ü"]}}, {"name": "exec", "arguments": {}}],
		"usage": {"input": 30, "output": 8, "cached": 10}}, {"text": "I saw {{tool}}."}]'

	for dialect in openai anthropic; do
		serve "$turns"
		ask $dialect turns=1
		exits 0
		n_again 0
		reply_is '.message.text, .stop' $'"I saw ok."\n"end"'
		grep '^{' "$OUT" | head -n 1 >first
		[ "$(jq -c '.message.calls | map(.id, .name, (.arguments | fromjson))' first)" = \
			'["call_1_0","exec",{"argv":["ls","ü"]},"call_1_1","exec",{}]' ] || flunk calls
		[ "$(jq -r '.message.reasoning, .message.text, .stop' first)" = $'hm, wéll\nI look.\ntools' ]
		[ "$(jq -c '[.usage.output, .usage.cache_read]' first)" = '[8,10]' ]
		[ "$(sed -n 's/^text: //p' "$OUT" | tr -d '\n')" = "I look.I saw ok." ] || flunk deltas
	done
	# What the second model got back is what the first one said.
	logged_is '.[1].body.messages[1].content[0]' '{"type":"thinking","thinking":"hm, wéll","signature":"c2lnbmF0dXJl"}'
	serve "$turns"
	ask openai turns=1
	logged_is '.[1].body.messages[2].reasoning_content' '"hm, wéll"'
}

@test "what a request says" {
	serve '[{"text": "x"}, {"text": "x"}]'
	ask openai
	exits 0
	logged_is '.[0] | .path, .headers.authorization, .headers."content-type", .body.stream, .body.max_tokens' \
		"\"/v1/chat/completions\"
\"Bearer $KEY\"
\"application/json\"
true
100"
	ask anthropic version=2026-10-21 beta=a-2026,b-2026
	exits 0
	logged_is '.[1] | .path, .headers."x-api-key", .headers."anthropic-version", .headers."anthropic-beta", .headers.authorization' \
		"\"/v1/messages\"
\"$KEY\"
\"2026-10-21\"
\"a-2026,b-2026\"
null"
}

@test "the URL of each base" {
	serve '[]'
	for case in openai:=/v1/chat/completions openai:/=/v1/chat/completions openai:/v1=/v1/chat/completions \
		openai:/v1/=/v1/chat/completions openai:/api/v1=/api/v1/chat/completions \
		openai:/v1beta/openai/=/v1beta/openai/chat/completions anthropic:=/v1/messages \
		anthropic:/v1=/v1/messages anthropic:/v1/=/v1/messages anthropic:/anthropic=/anthropic/v1/messages; do
		BASE=${case#*:}
		BASE=$URL${BASE%%=*}
		ask "${case%%:*}"
		stdout_has "url: $URL${case##*=}"
		[ "$(logged '.[-1].path')" = "\"${case##*=}\"" ] || flunk "$case"
	done
	for BASE in "$URL/v1?key=1" "$URL/#x" 127.0.0.1 ftp://127.0.0.1 "http://u:p@127.0.0.1"; do
		ask openai retries=-1
		exits 1
		stderr_has EINVAL
	done
}

@test "the key: from the environment, from a file, from nowhere" {
	serve '[{"text": "x"}, {"text": "x"}]' --no-key
	printf 'file-%s\r\n' $KEY >key
	ask openai key_file=key
	exits 0
	logged_is '.[0].headers.authorization' "\"Bearer file-$KEY\""
	unset OPENAI_API_KEY ANTHROPIC_API_KEY
	ask openai
	exits 0
	logged_is '.[1].headers | has("authorization")' false
	printf '%s\nx' $KEY >bad
	: >empty
	printf '%s\0x' $KEY >nul
	head -c 5000 /dev/zero | tr '\0' x >long
	for file in bad empty nul long missing; do
		ask openai key_file=$file
		exits 1
		stderr_is_tame 1
	done
	OPENAI_API_KEY="$KEY x" ask openai
	fails EINVAL "what no key may hold"
	logged_is length 2
}

@test "no key for the APIs that need one, and none in clear" {
	unset OPENAI_API_KEY ANTHROPIC_API_KEY
	for dialect in openai anthropic; do
		status=0
		"$TOOL" $dialect request >"$OUT" 2>"$ERR" || status=$?
		fails EINVAL "no key for https://api."
	done
	export OPENAI_API_KEY=$KEY
	BASE=http://192.0.2.1 ask openai
	fails EINVAL "in clear"
	BASE=http://192.0.2.1 ask openai clear=1 connect=200 retries=-1
	fails EAGAIN "no connection"
	# A URL is in records and errors.
	for BASE in https://u:hush@127.0.0.1:9 https://u:hush@127.0.0.1:9/v1 http://hush@127.0.0.1:9; do
		ask openai
		fails EINVAL "user name or password"
		! grep -qF hush "$ERR" || flunk "the password"
	done
}

@test "a server that tells the key back" {
	serve "[{\"status\": 401, \"body\": {\"error\": {\"message\": \"bad key $KEY!\"}}},
		{\"error\": {\"type\": \"invalid_request_error\", \"message\": \"$KEY\"}},
		{\"status\": 400, \"body\": {\"error\": {\"message\": \"$(printf '%0460d' 0)$KEY\"}}},
		{\"status\": 400, \"headers\": {\"x-request-id\": \"r1\"},
		\"body\": {\"error\": {\"message\": \"$(printf '%0500d' 0)$KEY\"}}}]"
	ask openai
	fails EACCES 'bad key ********************!'
	ask openai
	fails EREMOTEIO '****'
	ask openai
	fails EREMOTEIO '0000'
	# Cut in the middle of it, with more behind.
	ask openai
	fails EREMOTEIO '*** (request r1)'
	! grep -qF "${KEY:0:6}" "$ERR" || flunk "the beginning of the key"
}

@test "quirks of servers: the same calls from all" {
	for quirk in index0 no_index interleave new_ids empty_names one_delta no_done no_usage empty_choices \
		comments crlf no_blank_end; do
		serve "[{\"text\": \"x\", \"quirks\": [\"$quirk\"], \"calls\": [{\"name\": \"exec\", \"arguments\": {\"a\": 1}},
			{\"name\": \"exec\", \"arguments\": {\"b\": \"ü\"}}]}]"
		ask openai
		exits 0
		reply_is '[.stop, (.message.calls | map(.id, (.arguments | fromjson)))]' \
			'["tools",["call_1_0",{"a":1},"call_1_1",{"b":"ü"}]]'
	done
	for quirk in comments crlf no_blank_end; do
		serve "[{\"text\": \"x\", \"quirks\": [\"$quirk\"]}]"
		ask anthropic
		exits 0
		reply_is .message.text '"x"'
	done
	for more in '"whole": true' '"write": 1' '"piece": 1' '"finish": "stop"' '"drip_ms": 10'; do
		serve "[{\"text\": \"wäll\", $more, \"calls\": [{\"name\": \"exec\", \"arguments\": {\"a\": \"🦀\"}}]}]"
		ask openai
		reply_is '[.stop, .message.text, (.message.calls[0].arguments | fromjson)]' '["tools","wäll",{"a":"🦀"}]'
	done
	serve '[{"text": "wäll", "whole": true, "thinking": "t", "calls": [{"name": "exec", "arguments": {"a": 1}}]}]'
	ask anthropic
	reply_is '[.stop, .message.text, (.message.calls[0].arguments | fromjson)]' '["tools","wäll",{"a":1}]'
}

@test "what is cut off is no reply: the request is sent again" {
	recovers '{"text": "0123456789", "calls": [{"name": "exec"}], "after": 3, "cut": true}'
	recovers '{"text": "0123456789", "calls": [{"name": "exec"}], "after": 3, "end": true}'
	recovers '{"text": "0123456789", "after": 2, "malformed": true}'
	recovers '{"text": "0123456789", "after": 2, "error": {"type": "overloaded_error", "message": "m"}}'
	recovers '{"after": 0, "end": true}'
	recovers '{"text": "0123456789", "after": 2, "hang_ms": 4000}'
	recovers '{"socket": ""}'
}

@test "what a server says of a failure that may pass" {
	for code in 408 409 429 500 502 503 504 529; do
		recovers "{\"status\": $code, \"headers\": {\"retry-after\": \"0.1\"}}"
	done
	recovers '{"status": 400, "headers": {"x-should-retry": "true"}}'
	recovers '{"status": 502, "headers": {"Content-Type": "text/html"}, "body": "<html><title>Bad Gateway</title>"}'
	stdout_has 'answers with 502: Bad Gateway'
}

@test "what no other try will help" {
	for code in 400 404 413 422 302; do
		gives_up "{\"status\": $code}" EREMOTEIO "answers with $code: as the script says"
	done
	gives_up '{"status": 401}' EACCES "answers with 401"
	gives_up '{"status": 403}' EACCES "answers with 403"
	gives_up '{"status": 402}' EDQUOT "answers with 402"
	gives_up '{"status": 429, "headers": {"retry-after": "1"}, "body": {"error": {"code": "insufficient_quota", "message": "pay"}}}' \
		EDQUOT "pay"
	gives_up '{"status": 500, "headers": {"x-should-retry": "false"}}' EREMOTEIO "answers with 500"
	gives_up '{"status": 429, "headers": {"retry-after": "100000"}}' EREMOTEIO "answers with 429"
	gives_up '{"error": {"type": "invalid_request_error", "message": "no"}}' EREMOTEIO "no"
	gives_up '{"status": 200, "headers": {"Content-Type": "text/html"}, "body": "<title>Log in</title>"}' \
		EREMOTEIO "answers with 200: Log in"
	# Of this API a limit that says no time is one of spending; of others it passes.
	serve '[{"status": 429}, {"text": "well"}]'
	ask anthropic
	fails EDQUOT "429"
	serve '[{"status": 429}, {"text": "well"}]'
	ask openai
	exits 0
}

@test "the time between two tries" {
	serve '[{"status": 429, "headers": {"retry-after": "3"}}, {"status": 503}, {"status": 503}, {"status": 529}, {"text": "well"}]'
	ask anthropic
	exits 0
	[ "$(sed -n 's/^again: //p' "$OUT" | cut -d' ' -f1-2 | head -n 1)" = "1 3000" ] || flunk "first wait"
	# Then 1, 2 and 4 s, less up to a quarter.
	sed -n 's/^again: //p' "$OUT" | awk 'NR > 1 { most = 500 * 2 ^ (NR - 1); if ($2 > most || $2 < most * 3 / 4) exit 1 }' ||
		flunk "later waits"
	logged_is '[range(1; 5) as $i | .[$i].time - .[$i - 1].time] | [.[0] >= 3, .[1] >= 0.75, .[2] >= 1.5, .[3] >= 3]' \
		'[true,true,true,true]'
	logged_is length 5
}

@test "tries and time come to an end" {
	serve '[{"status": 503}, {"status": 503}, {"status": 503}, {"status": 503}]'
	ask openai retries=1
	fails EAGAIN "answers with 503"
	logged_is length 2
	ask openai retries=-1
	fails EAGAIN "answers with 503"
	logged_is length 3
	serve '[{"status": 503, "headers": {"retry-after": "60"}}, {"wait_ms": 20000}, {"wait_ms": 20000}]'
	ask openai deadline=5000
	fails ETIMEDOUT "no time for another try"
	ask openai deadline=500
	fails ETIMEDOUT "not complete within"
	ask openai total=300 retries=-1
	fails EAGAIN "not complete within 300 ms"
	BASE=http://127.0.0.1:1 ask openai retries=1
	fails EAGAIN "no connection"
	n_again 1
}

@test "the caller may stop: while an answer comes, and between two tries" {
	local before=$SECONDS

	serve '[{"text": "0123456789", "after": 4, "hang_ms": 20000}, {"status": 503, "headers": {"retry-after": "20"}}]'
	ask openai cancel=700
	fails ECANCELED "not waited for"
	stdout_has "text: 0123456"
	ask openai cancel=700
	fails ECANCELED "not waited for"
	n_again 1
	[ $((SECONDS - before)) -lt 15 ] || flunk "it waited"
}

@test "arguments that are no object are a reply, and can be answered" {
	serve '[{"calls": [{"name": "exec", "arguments": "{\"a\": "}, {"name": "exec", "arguments": "[1]"}]}, {"text": "sorry"}]'
	for dialect in openai anthropic; do
		serve '[{"calls": [{"name": "exec", "arguments": "{\"a\": "}, {"name": "exec", "arguments": "[1]"}]}, {"text": "sorry"}]'
		ask $dialect turns=1
		exits 0
		reply_is .message.text '"sorry"'
		[ "$(grep '^{' "$OUT" | head -n 1 | jq -c '.message.calls | map(.arguments)')" = '["{\"a\": ","[1]"]' ]
	done
}

@test "a reply that was cut by a limit has no calls" {
	serve '[{"text": "x", "finish": "length", "calls": [{"name": "exec", "arguments": "{\"a\": "}]},
		{"text": "x", "finish": "max_tokens", "calls": [{"name": "exec", "arguments": "{\"a\": "}]}]'
	for dialect in openai anthropic; do
		ask $dialect
		exits 0
		reply_is '[.stop, .message]' '["length",{"role":"assistant","text":"x"}]'
	done
}

@test "an answer that does not end is ended" {
	head -c 20000000 /dev/zero | tr '\0' x >big
	printf '{"turns": [{"text": "%s", "piece": 1000000}]}' "$(cat big)" >script.big
	serve '[]'
	stop_serving
	mv script.big "$BATS_TEST_TMPDIR/script"
	rm -f "$BATS_TEST_TMPDIR/port"
	PYTHONDONTWRITEBYTECODE=1 python3 "$IT/fakes/model_server.py" --script "$BATS_TEST_TMPDIR/script" \
		--log "$LOG" --port-file "$BATS_TEST_TMPDIR/port" 3>&- &
	MODEL_PID=$!
	while [ ! -s "$BATS_TEST_TMPDIR/port" ]; do sleep 0.1; done
	URL=http://127.0.0.1:$(cat "$BATS_TEST_TMPDIR/port")
	ask openai retries=-1
	fails EAGAIN "too long"
}
