# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# model.bash - the scripted model server for suites that ask one: see fakes/model_server.py.

MODEL_PID=

# serve TURNS [FLAG...]: start a server whose script has these turns (a JSON array); its address is
# in $URL, its log in $LOG.
serve() {
	local turns=$1 port_file=$BATS_TEST_TMPDIR/port

	shift
	stop_serving
	LOG=$BATS_TEST_TMPDIR/requests
	rm -f "$port_file"
	: >"$LOG"
	printf '{"turns": %s}' "$turns" >"$BATS_TEST_TMPDIR/script"
	PYTHONDONTWRITEBYTECODE=1 python3 "$IT/fakes/model_server.py" --script "$BATS_TEST_TMPDIR/script" \
		--log "$LOG" --port-file "$port_file" "$@" 3>&- &
	MODEL_PID=$!
	for _ in $(seq 300); do
		[ ! -s "$port_file" ] || break
		sleep 0.1
	done
	PORT=$(cat "$port_file")
	URL=http://127.0.0.1:$PORT
}

stop_serving() {
	[ -n "$MODEL_PID" ] || return 0
	kill "$MODEL_PID" 2>/dev/null || true
	wait "$MODEL_PID" 2>/dev/null || true
	MODEL_PID=
}

# logged FILTER: a value of the list of all requests so far.
logged() {
	jq -sc "$1" "$LOG"
}

logged_is() {
	local got

	got=$(logged "$1")
	[ "$got" = "$2" ] || flunk "expected $1 of the requests to be $2, got $got"
}
