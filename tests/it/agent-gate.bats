#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What leaves the VM of `ironclaw agent`: nothing of a key, no change without an approval, no call of
# a server outside without one.

load lib
load model
load agent

setup() {
	use_tmp
	mkdir ws
	echo 'keep me' >ws/file
	AGENT=
}

teardown() {
	stop_serving
	nothing_left
}

# tree: names, modes and contents of all that is in the folder.
tree() {
	(cd ws && find . ! -name . -printf '%p %y %m %l\n' | sort && find . -type f -exec sha256sum {} + | sort -k 2)
}

# A model that tries what it can to change the host.
HOSTILE='echo changed >file; mkdir -p .git/hooks; echo "touch /tmp/owned" >.git/hooks/pre-commit
	chmod 755 .git/hooks/pre-commit; ln -s /etc out; rm -f ../workspace/file2; echo x >/tmp/x; echo y >~/y'

hostile() {
	turns "$(run_in_vm "$HOSTILE")" "$(call write_file '{"path": "/etc/passwd", "content": "x"}')" \
		"$(call write_file '{"path": "../../../../../../tmp/ironclaw-agent-out", "content": "x"}')" \
		"$(call edit_file '{"path": "file", "old_text": "changed", "new_text": "twice"}')" "$(say 'done')"
}

decisions() {
	"$IRONCLAW" audit ls --json | jq -sc '[.[] | select(.kind == "apply")] | length'
}

@test "no change of the host without an approval, whatever ends the session" {
	local before flags

	tree >tree.before
	before=$(decisions)
	while read -r flags; do
		serve "$(hostile)"
		rm -f record
		# shellcheck disable=SC2086
		agent --workspace ws $flags "break out"
		tree | cmp - tree.before || flunk "the host has changed: $flags"
		[ "$(decisions)" = "$before" ] || flunk "an approval: $flags"
		[ ! -e /tmp/ironclaw-agent-out ]
	done <<-'END'
		--discard
		-q
		--json
		--max-iterations=2
		--max-tokens=40
		--patch=saved.patch
	END
	# The control: with a yes, and a record of it.
	serve "$(hostile)"
	rm record
	agent --workspace ws --apply "break out"
	exits 0
	[ "$(cat ws/file)" = twice ]
	[ "$(decisions)" = $((before + 1)) ]
	# What was asked to be written outside of the folder is nowhere.
	[ ! -e /tmp/ironclaw-agent-out ]
	grep -q root /etc/passwd
}

@test "at a terminal a person decides" {
	serve "$(turns "$(run_in_vm 'echo new >file')" "$(say 'done')")"
	run python3 "$IT/terminal.py" 24 80 "$IRONCLAW" agent --model m --base-url "$URL" --image "$IMAGE" \
		--record record --workspace ws "write" <<-'END'
		expect edited *file
		expect apply, choose, show, patch, discard\?
		send apply\r
		expect 1 changes applied
	END
	[[ "$output" == *"exit 0"* ]] || flunk "$output"
	[ "$(cat ws/file)" = new ]
}

@test "IronClaw's own folders are no workspace" {
	URL=http://127.0.0.1:9
	agent --workspace "$IRONCLAW_HOME/data" "look"
	[ "$status" -ne 0 ]
	stderr_has 'cannot be a workspace'
	[ ! -e record ]
}

# secret_in FILE...: none of them has the key, plain, in base64 or in hex.
no_key_in() {
	local form

	for form in "$KEY" "$(printf %s "$KEY" | base64 | cut -c 1-20)" "$(printf %s "$KEY" | xxd -p | cut -c 1-24)"; do
		if grep -rqF -e "$form" "$@"; then
			flunk "the key is in $(grep -rlF -e "$form" "$@")"
		fi
	done
}

@test "the key goes to the server of the model, and nowhere else" {
	local flag="" pid
	local look='env; cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr "\0" "\n"; find / -xdev -type f -size -64k \( -path /proc -o -path /sys \) -prune -o -xdev -type f -size -64k -exec grep -lF "'"sk-test-"'" {} + 2>/dev/null; echo looked'

	printf '%s\n' "$KEY" >key
	for flag in "" "--key-file key" "--json"; do
		rm -rf record seen
		mkdir seen
		serve "$(turns "$(run_in_vm "$look; sleep 3")" '{"status": 500, "body": "no"}' "$(say fine)")"
		# shellcheck disable=SC2086
		begin --workspace ws --discard $flag "look"
		for _ in $(seq 300); do
			[ "$(logged length)" = 0 ] || break
			sleep 0.1
		done
		# While the command runs in the VM: or nothing would be looked at.
		vmm_below "$AGENT" >/dev/null || flunk "it is over already"
		# Its memory, and what it was given, is not for others of the same user, nor for a core file.
		[ "$(stat -c %u "/proc/$AGENT/environ")" -eq 0 ]
		[ "$(id -u)" -eq 0 ] || ! cat "/proc/$AGENT/environ" >/dev/null 2>&1 || flunk "it can be read"
		for pid in $AGENT $(processes_below "$AGENT"); do
			tr '\0' '\n' <"/proc/$pid/cmdline" >"seen/cmdline.$pid" || true
			# The agent's own environment is where it was given.
			[ "$pid" = "$AGENT" ] || tr '\0' '\n' <"/proc/$pid/environ" >"seen/environ.$pid" || true
		done
		status=0
		wait "$AGENT" || status=$?
		AGENT=
		exits 0
		logged '.[0].headers.authorization' | grep -qF "$KEY" || flunk "the control: it is not in the header"
		logged '[.[].body]' >seen/bodies
		result_has 1 looked
		"$IRONCLAW" replay record >seen/replay
		"$IRONCLAW" audit ls --json >seen/audit
		cp "$OUT" "$ERR" record seen
		no_key_in seen "$IRONCLAW_HOME/data/audit" "$IRONCLAW_HOME/run"
		stop_serving
	done
}

# A server that puts what it was told into a file beside it.
server_of() {
	printf '{"mcpServers": {"%s": {"command": "python3", "args": ["%s"]%s}}}' "$1" "$2" "${3:-}" >mcp.json
	chmod 600 mcp.json
}

@test "tools of MCP servers: in the VM without a question" {
	IMAGE=default
	cp "$IT/fakes/mcp_server.py" ws/server.py
	server_of fake /workspace/server.py
	serve "$(turns "$(call mcp__fake__echo '{"text": "hello"}')" "$(call mcp__fake__fail '{}')" \
		"$(call mcp__fake__nothing '{}')" "$(run_in_vm 'echo exec')" "$(say 'done')")"
	agent --workspace ws --discard --mcp-config mcp.json "use it"
	exits 0
	logged '[.[0].body.tools[].function.name]' | grep -q mcp__fake__echo || flunk "no tool of it"
	# None has the name of one of ours.
	logged_is '.[0].body.tools | [.[].function.name] | length == (unique | length)' true
	result_has 1 hello
	recorded '[.[] | select(.event == "result") | .failed]' '[false,true,true,false]'
	result_has 3 'there is no tool'
	result_has 4 exec
	replays record
}

@test "an MCP server that dies ends the session, and it is gone on with" {
	IMAGE=default
	cp "$IT/fakes/mcp_server.py" ws/server.py
	server_of fake /workspace/server.py
	serve "$(turns '{"calls": [{"name": "mcp__fake__die", "arguments": {}}, {"name": "exec", "arguments": {"command": "true"}}]}')"
	agent --workspace ws --discard --mcp-config mcp.json "use it"
	exits 125
	stderr_has 'an MCP server ended'
	recorded '.[-1].stop' '"server_lost"'
	stop_serving
	serve "$(turns "$(call mcp__fake__echo '{"text": "hello"}')" "$(say 'done')")"
	resume --workspace ws --discard --mcp-config mcp.json
	exits 0
	result_has 1 'its outcome is unknown'
	result_has 2 'it was not run'
	result_has 3 hello
	replays record
}

@test "an MCP server that ended between two calls is not taken for a VM that did: its changes are there" {
	local kill='for p in /proc/[0-9]*; do ! grep -q "serv[e]r.py" "$p/cmdline" || kill -9 "${p#/proc/}"; done; sleep 1; echo new >file'

	IMAGE=default
	cp "$IT/fakes/mcp_server.py" ws/server.py
	server_of fake /workspace/server.py
	serve "$(turns "$(run_in_vm "$kill")" "$(call mcp__fake__echo '{"text": "hello"}')" "$(say 'done')")"
	agent --workspace ws --apply --mcp-config mcp.json "use it"
	exits 125
	recorded '.[-1].stop' '"server_lost"'
	[ "$(cat ws/file)" = new ] || flunk "what the VM changed is lost"
	replays record
}

@test "an MCP server that is silent about its new list holds up neither budget nor Ctrl-C" {
	IMAGE=default
	cp "$IT/fakes/mcp_server.py" ws/server.py
	sed -i 's/^    def list(self, request):/&\n        while self.changed:\n            time.sleep(60)/' ws/server.py
	server_of fake /workspace/server.py
	serve "$(turns "$(call mcp__fake__change '{}')" "$(say 'done')")"
	SECONDS=0
	agent --workspace ws --discard --mcp-config mcp.json --max-time 3s "use it"
	exits 1
	recorded '.[-1].stop' '"time"'
	[ "$SECONDS" -lt 30 ] || flunk "it took $SECONDS s"
	rm record
	serve "$(turns "$(call mcp__fake__change '{}')" "$(say 'done')")"
	begin --workspace ws --discard --mcp-config mcp.json "use it"
	wait_for 'mcp__fake__change'
	sleep 2
	kill -INT "$AGENT"
	SECONDS=0
	status=0
	wait "$AGENT" || status=$?
	exits 130
	[ "$SECONDS" -lt 30 ] || flunk "it took $SECONDS s"
}

@test "an MCP server on the host is not even started without an approval" {
	server_of fake "$IT/fakes/mcp_server.py" ', "where": "host"'
	serve "$(turns "$(say 'done')")"
	agent --mcp-config mcp.json "use it"
	exits 125
	stderr_has "the MCP server 'fake'"
	logged_is length 0
}
