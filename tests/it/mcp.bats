#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `ironclaw mcp` on stdio: mistakes that MCP servers make, what the tools promise, and other
# people's clients. mcp/stdio_checks.py says what each check is.

load lib.bash

setup_file() {
	NPM=$("$BATS_TEST_DIRNAME/mcp/npm-prepare") || NPM=
	export NPM
}

setup() {
	use_tmp
}

needs_npm() {
	[ -n "$NPM" ] || skip "the npm packages cannot be installed here"
}

check() {
	local name

	for name in "$@"; do
		status=0
		timeout --kill-after=5 200 python3 "$IT/mcp/stdio_checks.py" "$name" >"$OUT" 2>"$ERR" ||
			status=$?
		[ "$status" -eq 0 ] || flunk "$name: $(tail -n 12 "$ERR")"
	done
}

inspector() {
	status=0
	timeout --kill-after=5 100 "$NPM/node" \
		"$NPM/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js" \
		--cli "$@" >"$OUT" 2>"$ERR" || status=$?
}

client() { # SDK MODE
	status=0
	timeout --kill-after=5 100 "$NPM/node" "$IT/mcp/stdio_client.mjs" "$NPM" "$1" "$2" "$IRONCLAW" \
		mcp --image "$IMAGE" >"$OUT" 2>"$ERR" || status=$?
	exits 0
}

@test "stdout has nothing but messages, and nobody else holds it" {
	check dirty_stdout
}

@test "an unknown version is answered with one of ours" {
	check versions
}

@test "ids come back with type and value" {
	check ids
}

@test "notifications are never answered" {
	check notifications
}

@test "a message is a line, whatever is in it" {
	check framing
}

@test "how bytes arrive does not matter; what may be absent may be absent" {
	check reads absent
}

@test "unknown methods and bad lines are answered at once" {
	check unknown
}

@test "the end of input ends server and VMs, also in a call; so does a closed output" {
	check end_of_input
	nothing_left
}

@test "what a model can mend is a result, what a client got wrong is an error" {
	check layers
}

@test "structured output is what the schema says, and the text says the same" {
	check structured
}

@test "tools are such that no client drops them" {
	check schemas
}

@test "a cancelled call is silent and dead, others go on" {
	check cancel
}

@test "progress: for those who asked, rising, none after the answer" {
	check progress
}

@test "both eras in one process, and the batches of one revision" {
	check eras
}

@test "one VM a connection, a fresh one for sandbox_run" {
	check one_vm
}

@test "a command has the shorter of two limits of time" {
	check timeouts
}

@test "long output is cut and kept, within what clients take" {
	check outputs
}

@test "files in pieces and in both encodings, folders" {
	check files
}

@test "a VM that does not start is told by the call, and tried again by the next" {
	home_copy
	check no_start
}

@test "a VM that dies takes its calls with it, and the next call gets another" {
	check lost_vm
	nothing_left
}

@test "nobody reads our stderr: it goes on" {
	check unread_stderr
}

@test "workspace: nothing is applied that nobody approves" {
	home_copy
	check workspace_refused
}

@test "workspace: a policy decides; what changed on the host is not overwritten" {
	home_copy
	check workspace_policy
}

@test "workspace: approvals decide, and a late yes has no effect" {
	home_copy
	check workspace_queue
}

@test "flags that make no sense here are refused, before a client comes" {
	ic mcp --name x </dev/null
	exits 2
	stderr_has '--name'
	ic mcp --workspace . --apply </dev/null
	exits 2
	stderr_has '--apply'
	ic mcp --queue </dev/null
	exits 2
	stderr_has 'no --workspace'
	ic mcp --workspace ./none </dev/null
	exits 2
	stderr_has './none'
	ic mcp --memory 1M </dev/null
	exits 2
	stderr_has memory
	ic mcp --timeout x </dev/null
	exits 2
	ic mcp more </dev/null
	exits 2
	stdout_empty
	# As it is with none of them.
	ic mcp --image "$IMAGE" </dev/null
	exits 0
	stdout_empty
}
