#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the tools of `ironclaw mcp` promise; mcp/tool_checks.py says what each check is.

load lib.bash

setup() {
	use_tmp
}

check() {
	status=0
	timeout --kill-after=5 200 python3 -B "$IT/mcp/tool_checks.py" "$1" >"$OUT" 2>"$ERR" || status=$?
	[ "$status" -eq 0 ] || flunk "$(tail -n 12 "$ERR")"
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

@test "workspace: the end of the input waits for an apply that has begun" {
	home_copy
	check workspace_end
}

@test "workspace: approvals decide, and a late yes has no effect" {
	home_copy
	check workspace_queue
}
