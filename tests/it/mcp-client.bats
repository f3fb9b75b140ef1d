#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The MCP client with servers on this host: what they may be, how they fail, and that nothing of it
# happens without the gate.

load lib.bash
load mcp_client.bash

setup() {
	use_tmp
	export IRONCLAW_HOME=$BATS_TEST_TMPDIR/home
	find_tool
}

# Every server that a test started is gone; of others' the command line has another folder.
teardown() {
	for _ in $(seq 50); do
		pgrep -f "$BATS_TEST_TMPDIR/log" >/dev/null || return 0
		sleep 0.1
	done
	flunk "a server lives on: $(pgrep -af "$BATS_TEST_TMPDIR/log")"
}

# opened ERA [FAULT...]: server `s`, whose start is allowed
opened() {
	host_server s "$@"
	allow_start s
}

# unknown ERRNO TEXT: the tool may have run.
unknown() {
	stdout_has "error 16 $1: "
	stdout_has "the tool may have run: "
	stdout_has "$2"
}

@test "both eras: the version, the tools, a call" {
	local era

	allow s/echo text
	allow_start s
	for era in legacy modern both; do
		host_server s "$era"
		client servers.json s version list call echo '{"text": "hello\nyou"}'
		exits 0
		grep -qx "$([ $era = legacy ] && echo 2025-11-25 || echo 2026-07-28)" "$OUT" || flunk "$era"
		stdout_has $'mcp__s__echo\techo\tdoes echo'
		stdout_has $'hello\nyou'
	done
}

@test "tools that models refuse are left out, and the others have names of their own" {
	opened legacy
	client servers.json s list
	exits 0
	stdout_has "2 of its tools left out: 'bad name'"
	grep -qP '^mcp__s__not_so_clean\tnot.so/clean\t' "$OUT" || flunk first
	grep -qP '^mcp__s__not_so_clean_[0-9a-f]{8}\tnot_so_clean\t' "$OUT" || flunk second
	[ "$(awk -F '\t' '/^mcp__/ && length($1) > 64' "$OUT")" = "" ] || flunk long
}

@test "an older version is spoken; an unknown one ends it" {
	opened old 2024-11-05
	client servers.json s version
	exits 0
	grep -qx 2024-11-05 "$OUT" || flunk version
	host_server s old 1999-01-01
	client servers.json s version
	exits 1
	stdout_has "not spoken here: 1999-01-01"
}

@test "a server that ends at any other first question is started once more" {
	opened strict
	client servers.json s version
	exits 0
	grep -qx 2025-11-25 "$OUT" || flunk version
	[ "$(jq -sc 'map(.method)' log)" = '["server/discover","initialize","notifications/initialized","tools/list"]' ] ||
		flunk "$(cat log)"
}

@test "a slow start is waited for; a late answer to the first question does no harm" {
	opened late 5
	client servers.json s version
	exits 0
	grep -qx 2025-11-25 "$OUT" || flunk version
	host_server s modern late 5
	client servers.json s version
	exits 0
	grep -qx 2026-07-28 "$OUT" || flunk version
}

@test "pages: all of them; a circle and too many end it" {
	opened pages 3
	client servers.json s list
	exits 0
	[ "$(grep -c ^mcp__s__page- "$OUT")" -eq 15 ] || flunk pages
	host_server s circle
	client servers.json s list
	exits 1
	stdout_has "goes round in a circle"
	host_server s pages 60
	client servers.json s list
	exits 1
	stdout_has "more than 256 tools"
}

@test "a failed tool is a result, a refused call is an error, neither is unknown" {
	opened legacy
	allow s/fail
	allow s/refuse
	client -k servers.json s call fail '{}' call refuse '{}' call nothing '{}'
	exits 1
	stdout_has $'Error:\nit went wrong'
	stdout_has 'error 10 121: MCP tool '"'refuse'"': the server refused the call: no \x1b[31msuch thing (error -32602)'
	stdout_has "there is no tool 'nothing'"
}

@test "what the server asks is refused at once, ping is answered" {
	opened legacy
	allow s/ask
	client servers.json s call ask '{}'
	exits 0
	stdout_has '[{}, -32601, -32601, -32601]'
}

@test "answers that belong to nothing are dropped" {
	local era

	allow s/strange-ids
	allow s/echo text
	allow_start s
	for era in legacy modern; do
		host_server s "$era"
		client servers.json s call strange-ids '{}' call echo '{"text": "next"}'
		exits 0
		stdout_has $'right\nnext'
	done
}

@test "a changed list is loaded before it is used again" {
	opened legacy
	allow s/change
	client servers.json s call change '{}' step list step
	exits 0
	stdout_has "step: the list has changed"
	stdout_has mcp__s__fresh
	[ "$(grep -c 'list has changed' "$OUT")" -eq 1 ] || flunk twice
}

@test "what a modern server may answer besides: input, and what nobody knows" {
	opened modern
	allow s/input
	allow s/task
	allow s/shape
	client -k servers.json s call input '{}' call task '{}' call shape '{}'
	exits 1
	stdout_has "asks for input (elicitation/create), which no client here gives"
	unknown 71 "a kind of result that is not known"
	stdout_has "no result of a tool"
}

@test "no answer: the call ends, the server is told, and works on" {
	opened legacy
	allow s/sleep
	allow s/echo text
	client -k -t 500 servers.json s call sleep '{}' call echo '{"text": "after"}'
	unknown 110 "did not answer in time"
	stdout_has after
	[ "$(jq -sc 'map(select(.method == "notifications/cancelled") | .params.requestId) == [
		.[] | select(.params.name == "sleep") | .id]' log)" = true ] || flunk "$(cat log)"
}

@test "cancelled by the user: the same" {
	opened modern
	allow s/sleep
	allow s/echo text
	client -k -C 300 servers.json s call sleep '{}' call echo '{"text": "after"}'
	unknown 125 cancelled
	stdout_has after
	grep -q notifications/cancelled log || flunk "the server was not told"
}

@test "progress extends the time, up to the cap" {
	opened legacy
	allow s/progress
	client -t 1500 -T 20000 servers.json s call progress '{}'
	exits 0
	stdout_has "progress 8 of -1: step"
	stdout_has "slow but sure"
	client -t 1500 -T 2000 servers.json s call progress '{}'
	exits 1
	unknown 110 "in time"
}

@test "a server that dies in a call: not called again, its end and last words are told" {
	opened legacy
	allow s/die
	allow s/echo text
	client -k servers.json s call die '{}' call echo '{"text": "x"}' step
	unknown 32 "ended with exit code 7; its last words: killed by a whim"
	[ "$(grep -c '"name":"die"' log)" -eq 1 ] || flunk "called twice"
	grep -q "^error 12 107: MCP tool 'echo': " "$OUT" || flunk "the next call: $(cat "$OUT")"
	if grep '"name":"echo"' log; then flunk sent; fi
}

@test "garbage, an endless line, 1 MiB of stderr: the client lives on" {
	opened stderr 1048576
	allow s/garbage
	allow s/long
	allow s/flood
	allow s/echo text
	client -k servers.json s call garbage '{}' call echo '{"text": "one"}' call long '{}' \
		call echo '{"text": "two"}' call flood '{}'
	unknown 71 "no message of MCP"
	unknown 90 "more than 10485760 bytes"
	stdout_has one
	stdout_has two
	stdout_has flooded
}

@test "servers that cannot be opened: dead, mute, nothing but garbage, not there" {
	opened dead
	client servers.json s list
	exits 1
	stdout_has "ended with exit code 1; its last words: no licence found"
	host_server s garbage
	client -t 3000 servers.json s list
	exits 1
	stdout_has "no message of MCP"
	host_server s mute
	client -t 500 servers.json s list
	exits 1
	stdout_has "did not answer in time"
	server s '{"command": "/no/such", "where": "host"}'
	client servers.json s list
	exits 1
	stdout_has "cannot start '/no/such' on this host"
}

@test "a server that ignores its end is killed, with its group" {
	local start=$SECONDS

	opened deaf
	client servers.json s version
	exits 0
	[ $((SECONDS - start)) -ge 4 ] || flunk "no time to end by itself"
	if pgrep -f "$BATS_TEST_TMPDIR/log"; then flunk "it lives"; fi
}

@test "its environment and descriptors are few" {
	local allowed

	opened legacy
	allow s/env
	server s "$(jq -c '.mcpServers.s + {env: {"MINE": "1"}}' servers.json)"
	exec 9</dev/null
	SECRET_TOKEN=topsecret client servers.json s call env '{}'
	exits 0
	stdout_has MINE
	stdout_has " fds 0 1 2 3" # the fourth is the folder that it reads
	stdout_lacks SECRET_TOKEN
	# Beyond ours, what the interpreter sets itself.
	while read -r allowed; do
		case $allowed in
		HOME | LOGNAME | PATH | SHELL | TERM | USER | MINE | LC_CTYPE | PWD | SHLVL | *PYENV*) ;;
		*) flunk "$allowed" ;;
		esac
	done < <(sed -n 's/ fds .*//p' "$OUT" | tr ' ' '\n')
}

@test "not allowed: neither started nor called, and the log says who asked for what" {
	host_server s legacy
	client servers.json s list
	exits 1
	stdout_has "error 13 1: MCP server 's': mcp-tool of 's/' was not approved"
	[ ! -e log ] || flunk "it was started"
	[ "$(records decision) $(records tool_call)" = "1 0" ] || flunk records
	allow_start s
	allow s/echo text
	client -k servers.json s call touch "{\"text\": \"$PWD/mark\"}" call echo '{"text": "x"}'
	stdout_has "was not approved"
	[ ! -e mark ] || flunk "an effect without approval"
	if grep '"name":"touch"' log; then flunk "the server got the call"; fi
	stdout_has x
	# Of the start and the call that were allowed.
	[ "$(records tool_call)" -eq 2 ] || flunk "records of effects: $(records tool_call)"
	allow s/touch text
	client servers.json s call touch "{\"text\": \"$PWD/mark\"}"
	exits 0
	[ -e mark ] || flunk "the control has no effect"
	if "$IRONCLAW" audit ls --json | grep -F "$PWD/mark"; then flunk "arguments in the log"; fi
}

@test "a pinned tool that describes itself otherwise is not called" {
	local pin file=$IRONCLAW_HOME/config/policy.json

	opened legacy
	allow s/echo text
	pin=$(printf '0%.0s' {1..64})
	jq --arg pin "$pin" '.rules |= map(if .tool == "s/echo" then .pin = $pin else . end)' "$file" >new
	cp new "$file"
	client servers.json s call echo '{"text": "x"}'
	exits 1
	stdout_has "was not approved"
	if grep '"name":"echo"' log; then flunk "the server got the call"; fi
}

@test "a configuration that others may write, or with unknown members, starts nothing" {
	opened legacy
	chmod 666 servers.json
	client servers.json s list
	exits 1
	stdout_has "can be written by others"
	server s '{"command": "x", "where": "host", "autoApprove": ["all"]}'
	client servers.json s list
	exits 1
	stdout_has "mcpServers.s.autoApprove: unknown field"
	[ ! -e log ] || flunk "it was started"
}
