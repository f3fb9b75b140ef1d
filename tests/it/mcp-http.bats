#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The Model Context Protocol over HTTP: the conformance suite and the official clients against its
# fixtures on our server core (mcp/conformance.h), and what the transport promises beside them.

load lib.bash

setup_file() {
	NPM=$("$BATS_TEST_DIRNAME/mcp/npm-prepare") || NPM=
	export NPM
}

setup() {
	use_tmp
	FIXTURES=$(dirname "$IRONCLAW")/tests/conformance_server
	feeder=
}

teardown() {
	stop
}

needs_npm() {
	[ -n "$NPM" ] || skip "the npm packages cannot be installed here"
}

# start [OPTION...]: the fixtures; sets $URL
start() {
	mkfifo to from
	"$FIXTURES" "$@" <to >from 3>&- &
	server=$!
	exec 8>to 9<from
	feeder=yes
	read -t 10 -r URL <&9 || flunk "it does not listen"
}

stop() {
	[ -n "$feeder" ] || return 0
	feeder=
	exec 8>&- 9<&-
	wait "$server" || flunk "the server failed"
}

check() {
	status=0
	timeout --kill-after=5 100 python3 "$IT/mcp/http_checks.py" "$FIXTURES" "$@" >"$OUT" 2>"$ERR" ||
		status=$?
	exits 0
}

conformance() {
	status=0
	timeout --kill-after=5 200 "$NPM/node" \
		"$NPM/node_modules/@modelcontextprotocol/conformance/dist/index.js" server --url "$URL" \
		"$@" >"$OUT" 2>"$ERR" || status=$?
	exits 0
}

# passed N: so many scenarios, and none that failed but those of PATTERN
passed() {
	sed -n '/=== SUMMARY/,/^Total/p' "$OUT" >summary
	[ "$(grep -c '^✓' summary)" -ge "$1" ] || flunk "expected $1 scenarios"
	if grep '^✗' summary | grep -vE "^✗ ${2:-none}"; then
		flunk "a scenario failed"
	fi
}

client() { # SDK MODE [TOKEN]
	status=0
	timeout --kill-after=5 60 "$NPM/node" "$IT/mcp/http_client.mjs" "$NPM" "$1" "$2" "$URL" \
		"${@:3}" >"$OUT" 2>"$ERR" || status=$?
	exits 0
}

@test "conformance: all that 2025-11-25 requires, and what is not scored" {
	needs_npm
	start
	conformance --requirements 2025-11-25
	passed 33
}

@test "conformance: all that 2026-07-28 requires, and what is not scored but tasks" {
	needs_npm
	start
	conformance --requirements 2026-07-28
	# Tasks are an extension that we do not declare.
	passed 40 tasks-
}

@test "conformance: what the suite knows of older revisions" {
	needs_npm
	start
	conformance --suite all --spec-version 2025-06-18
	passed 20
	conformance --suite all --spec-version 2025-03-26
	passed 1
}

@test "clients: the TypeScript SDK 1" {
	needs_npm
	start
	client 1 legacy
	stdout_is 2025-11-25
}

@test "clients: the TypeScript SDK 2, legacy, by negotiation, and modern, on one server" {
	needs_npm
	start
	client 2 legacy
	stdout_is 2025-11-25
	client 2 auto
	stdout_is 2026-07-28
	client 2 modern
	stdout_is 2026-07-28
}

@test "clients: with a token, and not without" {
	needs_npm
	start --token 0123456789-of-the-test
	client 1 legacy 0123456789-of-the-test
	client 2 modern 0123456789-of-the-test
	status=0
	timeout 60 "$NPM/node" "$IT/mcp/http_client.mjs" "$NPM" 1 legacy "$URL" >"$OUT" 2>"$ERR" ||
		status=$?
	exits 1
}

@test "foreign Host and Origin are refused, ours are taken" {
	check places
}

@test "without the token nothing is served" {
	check token
}

@test "no address but of loopback without a token" {
	check address
}

@test "what is wrong with a request is in its status" {
	check statuses
}

@test "headers of a modern request say what its body says" {
	check modern
}

@test "requests that can be framed in two ways are refused" {
	check framing
}

@test "bodies of 4 MiB and no more" {
	check sizes
}

@test "sessions end by DELETE, by time, and for newcomers" {
	check sessions
}

@test "one listener a session; requests to the client are on the call's stream" {
	check streams
}

@test "two clients at once do not see each other" {
	check clients
}

@test "hanging up cancels a modern request and no legacy one" {
	check cancel
}

@test "a broken legacy stream is resumed" {
	check resume
}

@test "who does not read loses its stream, and nobody else notices" {
	check slow_reader
}

@test "silent connections are closed, quiet streams are kept alive" {
	check times
}

@test "a session has a bounded number of requests" {
	check many
}

product() {
	status=0
	timeout --kill-after=5 200 python3 "$IT/mcp/http_checks.py" "$IRONCLAW" "$@" >"$OUT" 2>"$ERR" ||
		status=$?
	exits 0
}

@test "ironclaw mcp --http: a VM for each legacy client, one for modern requests" {
	product vm_each
}

@test "ironclaw mcp --http: hanging up kills a modern command and no legacy one" {
	product vm_cancel
}

@test "ironclaw mcp --http: token of a file or the environment" {
	product vm_token
}

@test "ironclaw mcp --http: wrong calls" {
	for address in 0.0.0.0:0 example.org 127.0.0.1:x; do
		ic mcp --http "$address" </dev/null
		exits 2
		stderr_is_tame
	done
	ic mcp --token-file /dev/null </dev/null
	exits 2
	stderr_has --http
}
