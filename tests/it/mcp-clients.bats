#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `ironclaw mcp` on stdio against other people's clients, from npm: mcp/npm-prepare.

load lib.bash

setup_file() {
	NPM=$("$BATS_TEST_DIRNAME/mcp/npm-prepare" 2>"$BATS_FILE_TMPDIR/npm") || NPM=
	NPM_LACKS=$(tail -n 1 "$BATS_FILE_TMPDIR/npm")
	export NPM NPM_LACKS
}

setup() {
	use_tmp
	[ -n "$NPM" ] || skip "$NPM_LACKS"
}

client() { # SDK MODE
	status=0
	timeout --kill-after=5 100 "$NPM/node" "$IT/mcp/stdio_client.mjs" "$NPM" "$1" "$2" "$IRONCLAW" \
		mcp -q --image "$IMAGE" >"$OUT" 2>"$ERR" || status=$?
	exits 0
	stdout_is ironclaw
	stderr_empty
}

inspector() { # ERA FLAG...
	status=0
	MCP_CATALOG_PATH=$PWD/catalog.json timeout --kill-after=5 100 "$NPM/node" \
		"$NPM/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js" --cli \
		-e IRONCLAW_HOME="$IRONCLAW_HOME" "$IRONCLAW" mcp -q --image "$IMAGE" --workspace . \
		--protocol-era "$1" --format json -q "${@:2}" >"$OUT" 2>"$ERR" || status=$?
}

@test "TypeScript SDK 1" {
	client 1 legacy
}

@test "TypeScript SDK 2, legacy" {
	client 2 legacy
}

@test "TypeScript SDK 2, auto" {
	client 2 auto
}

@test "TypeScript SDK 2, modern" {
	client 2 modern
}

@test "Inspector: tools of portable schemas, calls, failures, in both eras" {
	local era

	for era in legacy modern; do
		inspector $era --method tools/list --strict
		exits 0
		json_is '.result.tools | length' 7
		inspector $era --method tools/call --tool-name sandbox_exec --tool-arg 'command=echo hi'
		exits 0
		json_is .result.structuredContent.stdout '"hi\n"'
		inspector $era --method tools/call --tool-name sandbox_exec --tool-arg 'command=exit 3'
		exits 5
		json_is .result.isError true
		inspector $era --method tools/call --tool-name sandbox_none
		exits 5
		inspector $era --method resources/list
		exits 0
		json_is .result.resources '[]'
	done
	inspector legacy --method initialize
	exits 0
}
