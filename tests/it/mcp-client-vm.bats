#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The MCP client with servers inside a VM: where they run unless the configuration says otherwise.
# No policy allows anything here, and nothing needs it.

load lib.bash
load mcp_client.bash

S=@modelcontextprotocol

setup() {
	use_tmp
	find_tool
	mkdir ws
	cp "$FAKE" ws/server.py
}

# vm_server NAME [FAULT...]: the fake, in the workspace
vm_server() {
	local name=$1

	shift
	server "$name" "$(jq -nc '{command: "python3", args: ["server.py", $ARGS.positional[]],
		timeoutMs: 60000}' --args "$@")"
}

# npm_workspace: the servers of the MCP project and what they need, in the workspace
npm_workspace() {
	local packages

	packages=$("$IT/mcp/npm-prepare" 2>"$ERR") || skip "$(cat "$ERR")"
	"$IT/mcp/closure" "$packages" $S/server-everything $S/server-filesystem |
		tar -C "$packages" -cf - -T - | tar -C ws -xf -
}

@test "a server in the VM: no approval, an exec in the log, no effect on the host" {
	local before

	before=$(records exec)
	vm_server s modern
	client -v default -w ws servers.json s version call echo '{"text": "hello"}' \
		call touch '{"text": "/workspace/mark"}' call touch '{"text": "/tmp/ironclaw-mcp-mark"}' call env '{}'
	exits 0
	stdout_has $'2026-07-28\nhello\ntouched\ntouched'
	[ ! -e ws/mark ] && [ ! -e /tmp/ironclaw-mcp-mark ] || flunk "a file on the host"
	[ "$(records exec)" -gt "$before" ] || flunk "no record"
	"$IRONCLAW" audit ls --kind exec --json | tail -n 1 | jq -e '.mcp_server == "s" and .argv0 == "python3"' ||
		flunk "$("$IRONCLAW" audit ls --kind exec --json | tail -n 1)"
}

@test "its faults are its own: no answer, garbage, floods, an endless line, its death" {
	vm_server s legacy stderr 1048576
	client -k -t 20000 -v default -w ws servers.json s call flood '{}' call garbage '{}' \
		call echo '{"text": "one"}' call long '{}' call echo '{"text": "two"}' call die '{}' \
		call echo '{"text": "three"}'
	stdout_has flooded
	grep -q "^error 16 71: .*no message of MCP" "$OUT" || flunk garbage
	stdout_has one
	grep -q "^error 16 90: .*more than 10485760 bytes" "$OUT" || flunk "endless line"
	stdout_has two
	grep -q "^error 16 32: .*ended with exit code 7; its last words: killed by a whim" "$OUT" || flunk death
	grep -q "^error 12 107: MCP tool 'echo'" "$OUT" || flunk "after its death"
	stdout_lacks three
}

@test "deadlines and cancellation" {
	vm_server s legacy
	client -k -t 3000 -v default -w ws servers.json s call sleep '{}' call progress '{}' call echo '{"text": "on"}'
	grep -q "^error 16 110: " "$OUT" || flunk deadline
	stdout_has "slow but sure"
	stdout_has on
	client -k -C 1000 -v default -w ws servers.json s call sleep '{}' call echo '{"text": "on"}'
	grep -q "^error 16 125: " "$OUT" || flunk cancelled
}

@test "servers that cannot be started, or end at once" {
	vm_server s dead
	client -v default -w ws servers.json s list
	exits 1
	stdout_has "ended with exit code 1; its last words: no licence found"
	server s '{"command": "no-such-program"}'
	client -v default -w ws servers.json s list
	exits 1
	stdout_has "MCP server 's': "
	stdout_has no-such-program
}

@test "the VM dies under a call: unknown" {
	local pid vmm

	vm_server s legacy
	"$TOOL" -v default -w ws servers.json s call echo '{"text": "ready"}' call sleep '{}' >"$OUT" 2>"$ERR" 3>&- &
	pid=$!
	for _ in $(seq 600); do
		! grep -q ready "$OUT" || break
		sleep 0.1
	done
	sleep 1
	vmm=$(vmm_below "$pid")
	kill -KILL "$vmm"
	status=0
	wait "$pid" || status=$?
	exits 1
	grep -q "^error 16 32: MCP tool 'sleep': the tool may have run: " "$OUT" || flunk "$(cat "$OUT")"
}

@test "server-everything, in an image with Node" {
	npm_workspace
	server s "{\"command\": \"node\", \"args\": [\"node_modules/$S/server-everything/dist/index.js\"]}"
	client -v node -w ws servers.json s version list call echo '{"message": "hello"}' \
		raw get-structured-content '{"location": "Chicago"}' call get-tiny-image '{}' \
		call trigger-long-running-operation '{"duration": 2, "steps": 4}' call get-sum '{"a": "x"}' \
		call get-resource-links '{"count": 2}'
	exits 0
	stdout_has 2025-11-25
	stdout_has mcp__s__get-sum
	stdout_has "Echo: hello"
	grep -q '"structuredContent":{' "$OUT" || flunk structured
	stdout_has "[image, image/png]"
	stdout_has "progress 4 of 4"
	stdout_has "Long running operation completed"
	stdout_has Error:
	grep -q '^\[resource: ' "$OUT" || flunk links
}

@test "server-filesystem, on the copy of the workspace only" {
	npm_workspace
	mkdir ws/notes
	echo "a note" >ws/notes/a.txt
	server s "{\"command\": \"node\", \"args\": [\"node_modules/$S/server-filesystem/dist/index.js\", \"/workspace/notes\"]}"
	client -k -v node -w ws servers.json s version call read_text_file '{"path": "/workspace/notes/a.txt"}' \
		call write_file '{"path": "/workspace/notes/b.txt", "content": "written"}' \
		call list_directory '{"path": "/workspace/notes"}' call read_text_file '{"path": "/etc/passwd"}'
	exits 0
	stdout_has "a note"
	stdout_has "[FILE] b.txt"
	stdout_has $'Error:\nAccess denied'
	[ ! -e ws/notes/b.txt ] || flunk "a file on the host"
}
