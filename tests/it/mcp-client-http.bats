#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The MCP client with servers over HTTP, against a real one.

load lib.bash
load mcp_client.bash

setup() {
	use_tmp
	export IRONCLAW_HOME=$BATS_TEST_TMPDIR/home
	find_tool
}

teardown() {
	stop_http
}

# over_http [MEMBERS]: server `s`, there, with more members
over_http() {
	server s "$(jq -nc --arg url "$URL" --argjson more "${1:-"{}"}" '{url: $url, timeoutMs: 10000} + $more')"
}

@test "legacy: session and version from the answer on, and an end of the session" {
	http_server version 2025-06-18
	over_http
	allow s/echo text
	client servers.json s version call echo '{"text": "hello"}'
	exits 0
	stdout_has $'2025-06-18\nhello'
	logged_is 'map(.message.method)' '["server/discover","initialize","notifications/initialized","tools/list","tools/call",null]'
	logged_is 'map(.headers["mcp-session-id"])' '[null,null,"session-1","session-1","session-1","session-1"]'
	logged_is '.[2:] | map(.headers["mcp-protocol-version"]) | unique' '["2025-06-18"]'
	logged_is '.[1].headers["mcp-protocol-version"]' null
	logged_is '.[-1].verb' '"DELETE"'
	logged_is '.[4].headers | .accept, ."content-type", ."mcp-method"' '"application/json, text/event-stream"'$'\n''"application/json"'$'\nnull'
}

@test "modern: no session, and headers that say what the body says" {
	http_server modern
	over_http
	allow s/echo text
	client servers.json s version call echo '{"text": " padded"}'
	exits 0
	grep -qx 2026-07-28 "$OUT" || flunk version
	logged_is 'map(.headers["mcp-method"])' '["server/discover","tools/list","tools/call"]'
	logged_is '.[2].headers | ."mcp-name", ."mcp-param-text", ."mcp-protocol-version", ."mcp-session-id"' \
		$'"echo"\n"=?base64?IHBhZGRlZA==?="\n"2026-07-28"\nnull'
	logged_is 'map(.message.id) | unique | length' 3
}

@test "a stream: progress, then the answer" {
	local era

	allow s/stream
	for era in legacy modern; do
		http_server $era
		over_http
		client servers.json s call stream '{}'
		exits 0
		stdout_has "progress 2 of 2"
		stdout_has streamed
	done
}

@test "a stream that ends early is taken up again after the time that the server asks for" {
	http_server
	over_http
	allow s/resume
	client servers.json s call resume '{}'
	exits 0
	stdout_has late
	logged_is 'map(select(.verb == "GET") | .headers["last-event-id"])' '["first"]'
	logged_is 'map(select(.message.method == "tools/call")) | length' 1
}

@test "a stream that is lost, and a broken connection: unknown, and not called again" {
	local era name

	for era in legacy modern; do
		for name in cut reset; do
			http_server $era
			over_http
			allow s/$name
			client servers.json s call $name '{}'
			exits 1
			stdout_has "error 16 "
			stdout_has "the tool may have run"
			logged_is 'map(select(.message.method == "tools/call")) | length' 1
		done
	done
	# What can be taken up is known to the legacy era only.
	http_server modern
	over_http
	allow s/resume
	client servers.json s call resume '{}'
	exits 1
	stdout_has "error 16 "
	logged_is 'map(select(.verb == "GET")) | length' 0
}

@test "requests of the server within a stream are answered" {
	http_server
	over_http
	allow s/ask
	client servers.json s call ask '{}'
	exits 0
	stdout_has '[{}, -32601]'
}

@test "a session that the server forgot: one new one, and the call is made once" {
	http_server forget
	over_http
	allow s/echo text
	client servers.json s call echo '{"text": "one"}' call echo '{"text": "two"}'
	exits 0
	stdout_has $'one\ntwo'
	logged_is 'map(select(.message.method == "initialize")) | length' 2
	logged_is 'map(select(.message.method == "initialize") | .headers["mcp-session-id"])' '[null,null]'
	logged_is 'map(select(.message.method == "tools/call") | .headers["mcp-session-id"])' \
		'["session-1","session-1","session-2"]'
}

@test "no answer: legacy servers are told, modern ones see the end of the stream" {
	http_server
	over_http
	allow s/sleep
	client -t 700 servers.json s call sleep '{}'
	exits 1
	stdout_has "error 16 110: "
	logged_is 'map(select(.message.method == "notifications/cancelled") | .message.params.requestId) == [
		.[] | select(.message.method == "tools/call") | .message.id]' true
	http_server modern
	over_http
	client -C 300 servers.json s call sleep '{}'
	exits 1
	stdout_has "error 16 125: "
	logged_is 'map(select(.message.method == "notifications/cancelled")) | length' 0
}

@test "a server that asks and takes no answer holds up no cancel" {
	http_server deaf
	over_http
	allow s/ask
	SECONDS=0
	client -C 300 servers.json s call ask '{}'
	exits 1
	stdout_has "error 16 125: "
	[ "$SECONDS" -lt 6 ] || flunk "it took $SECONDS s"
}

@test "an answer that is too large: unknown" {
	http_server
	over_http
	allow s/huge
	client servers.json s call huge '{}'
	exits 1
	stdout_has "error 16 90: "
}

@test "bearer tokens: from the environment and from a file; without: a clear word" {
	http_server token letmein
	over_http
	client servers.json s list
	exits 1
	stdout_has "wants other credentials (HTTP 401): see bearerEnv"
	over_http '{"bearerEnv": "MY_TOKEN"}'
	MY_TOKEN=letmein client servers.json s list
	exits 0
	stdout_has mcp__s__echo
	MY_TOKEN=wrong client servers.json s list
	exits 1
	stdout_has "HTTP 401"
	stdout_lacks wrong
	client servers.json s list
	exits 1
	stdout_has "the variable MY_TOKEN, its bearer token, is not set"
	echo letmein >token
	over_http "{\"bearerFile\": \"$PWD/token\"}"
	client servers.json s list
	exits 0
	over_http '{"headers": {"Authorization": "Bearer letmein"}}'
	client servers.json s list
	exits 0
	if "$IRONCLAW" audit ls --json | grep letmein; then flunk "a token in the log"; fi
}

@test "TLS: the certificate must be of a known authority" {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=fake \
		-addext subjectAltName=IP:127.0.0.1 2>/dev/null
	http_server --tls cert.pem key.pem
	URL=https://127.0.0.1:$PORT/mcp
	over_http
	client servers.json s list
	exits 1
	stdout_has certificate
	logged_is length 0
	over_http "{\"caFile\": \"$PWD/cert.pem\"}"
	client servers.json s list
	exits 0
	stdout_has mcp__s__echo
}

@test "statuses: 5xx and others end it; nobody there" {
	http_server code 500
	over_http
	client servers.json s list
	exits 1
	stdout_has "HTTP 500"
	logged_is length 1
	http_server code 404
	over_http
	client servers.json s list
	exits 1
	stdout_has "HTTP 404"
	logged_is 'map(.message.method)' '["server/discover","initialize"]'
	stop_http
	client servers.json s list
	exits 1
	stdout_has "no connection"
}

@test "a call that is not allowed is not sent" {
	http_server modern
	over_http
	allow s/echo text
	client -k servers.json s call stream '{}' call echo '{"text": "x", "more": 1}' call echo '{"text": "x"}'
	exits 1
	[ "$(grep -c 'was not approved' "$OUT")" -eq 2 ] || flunk "$(cat "$OUT")"
	logged_is 'map(select(.message.method == "tools/call")) | length' 1
	[ "$(records tool_call)" -eq 1 ] || flunk records
}
