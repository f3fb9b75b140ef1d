# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# mcp_client.bash - what the suites of the MCP client share: mcp_client_tool, with a configuration
# and a policy of the test's own.

HTTP_PID=

find_tool() {
	TOOL=$(dirname "$IRONCLAW")/tests/mcp_client_tool
	FAKE=$IT/fakes/mcp_server.py
	PYTHON=$(command -v python3)
	unset http_proxy https_proxy all_proxy HTTPS_PROXY ALL_PROXY
}

# server NAME JSON: add a server to the configuration.
server() {
	[ -f servers.json ] || echo '{"mcpServers": {}}' >servers.json
	jq --arg name "$1" --argjson server "$2" '.mcpServers[$name] = $server' servers.json >servers.new
	mv servers.new servers.json
	chmod 600 servers.json
}

# host_server NAME [FAULT...]: the fake as a server on the host; its log is in ./log
host_server() {
	local name=$1

	shift
	server "$name" "$(jq -nc --arg python "$PYTHON" --arg fake "$FAKE" --arg log "$PWD/log" \
		'{command: $python, args: [$fake, "--log", $log, $ARGS.positional[]], where: "host",
			timeoutMs: 20000}' --args "$@")"
}

# allow TARGET [ARGUMENT...]: a rule of the policy.
allow() {
	local target=$1 file=$IRONCLAW_HOME/config/policy.json

	shift
	mkdir -p "$IRONCLAW_HOME/config"
	[ -f "$file" ] || echo '{"rules": []}' >"$file"
	jq --arg target "$target" '.rules += [{name: "r\(.rules | length)", decision: "allow",
		tool: $target, arguments: ([$ARGS.positional[] | {(.): {any: true}}] | add // {})}]' \
		"$file" --args "$@" >"$file.new"
	mv "$file.new" "$file"
	chmod 600 "$file"
}

# allow_start NAME
allow_start() {
	allow "$1/" command env
}

# client ARG...: the tool.
client() {
	status=0
	timeout --kill-after=5 "$DEADLINE_S" "$TOOL" "$@" >"$OUT" 2>"$ERR" || status=$?
}

# records KIND: how many of the audit log's are of that kind.
records() {
	"$IRONCLAW" audit ls --kind "$1" --json | wc -l
}

# http_server [FAULT...]: start the fake over HTTP; its address is in $URL, its log in $LOG.
http_server() {
	stop_http
	LOG=$BATS_TEST_TMPDIR/requests
	rm -f port "$LOG"
	: >"$LOG"
	PYTHONDONTWRITEBYTECODE=1 python3 "$IT/fakes/mcp_http_server.py" --log "$LOG" --port-file port \
		"$@" 3>&- &
	HTTP_PID=$!
	for _ in $(seq 300); do
		[ ! -s port ] || break
		sleep 0.1
	done
	PORT=$(cat port)
	URL=http://127.0.0.1:$PORT/mcp
}

stop_http() {
	[ -n "$HTTP_PID" ] || return 0
	kill "$HTTP_PID" 2>/dev/null || true
	wait "$HTTP_PID" 2>/dev/null || true
	HTTP_PID=
}

# logged_is FILTER VALUE: of the list of all requests so far.
logged_is() {
	local got

	got=$(jq -sc "$1" "$LOG")
	[ "$got" = "$2" ] || flunk "expected $1 of the requests to be $2, got $got"
}
