#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The audit log of runs: what is in it, what is not, and that a change is found. Every kind of
# change at every record is tests/unit/test_audit.c's business.

load lib.bash

setup() {
	use_tmp
	# The images of the suite, a log of the test's own.
	local shared=$IRONCLAW_HOME

	export IRONCLAW_HOME=$BATS_TEST_TMPDIR/home
	mkdir -p "$IRONCLAW_HOME/data"
	for part in images kernels templates; do
		# There may be no template yet.
		[ ! -d "$shared/data/$part" ] || ln -s "$shared/data/$part" "$IRONCLAW_HOME/data/$part"
	done
	LOG=$IRONCLAW_HOME/data/audit
}

records() { # FILTER: of all records, as one JSON array
	"$IRONCLAW" audit ls --json | jq -sc "$1"
}

@test "a run leaves start, exec and end, and the log verifies" {
	ic audit verify
	exits 1
	stderr_has 'there is no audit log'
	ic audit ls
	exits 0
	vm --name calm-otter -- sh -c 'exit 3'
	exits 3
	[ "$(records '[.[] | [.n, .kind, .vm]]')" = '[[1,"start","calm-otter"],[2,"exec","calm-otter"],[3,"end","calm-otter"]]' ] ||
		flunk "$(records .)"
	[ "$(records '[.[0].image, .[1].argv0, .[1].argc, .[2].exit_code]')" = '["busybox","sh",3,3]' ] || flunk "fields"
	ic audit verify
	exits 0
	stdout_has 'whole: 3 records'
	ic audit verify --json
	json_is .state '"whole"'
	json_is .key "$(jq -R . "$LOG/key.pub")"
	ic audit ls --kind exec
	[ "$(wc -l <"$OUT")" -eq 2 ] || flunk "a header and a record"
	ic audit ls --vm other --json
	stdout_empty
	ic audit ls --since 1h --json
	[ "$(wc -l <"$OUT")" -eq 3 ] || flunk "three records"
	ic audit ls --since 2099-01-01 --json
	stdout_empty
	ic audit show 2
	exits 0
	json_is .kind '"exec"'
	ic audit show 4
	exits 1
	[ "$(stat -c %a "$LOG" "$LOG/log" "$LOG/key" | tr '\n' ' ')" = '700 600 600 ' ] || flunk "modes"
}

@test "no secret of a run is in any file that it leaves" {
	local canary=CANARY-7f3a9c

	export SECRET_OF_HOST=$canary-inherited
	vm --name holder -e "TOKEN=$canary-env" -e SECRET_OF_HOST -- \
		sh -c "echo \$TOKEN $canary-argv" "$canary-argv0"
	exits 0
	stdout_has "$canary-argv"
	vm --name "$canary+" -- true
	exits 2
	[ "$(records 'length')" -ge 3 ] || flunk "nothing was recorded"
	! grep -rlF "$canary" "$LOG" "$IRONCLAW_HOME/run" || flunk "a secret was kept"
	# The control: the same search finds what is there.
	grep -rlF holder "$LOG" >/dev/null || flunk "the search finds nothing"
}

@test "a start that fails is in the log" {
	vm --rootfs /nonexistent -- true
	[ "$status" -ne 0 ] || flunk "it started"
	[ "$(records '[.[] | [.kind, .started]]')" = '[["start",false]]' ] || flunk "$(records .)"
}

@test "what cannot be recorded does not run" {
	vm -- true
	exits 0
	truncate -s -10 "$LOG/log"
	vm -- sh -c 'echo ran'
	exits 125
	stdout_empty
	stderr_has 'the audit log was changed: it is shorter than its head says'
	stderr_has 'ironclaw audit verify'
	stderr_is_tame
	ic audit verify
	exits 1
	stdout_has 'changed'
	mv "$LOG" "$LOG.old"
	vm -- sh -c 'echo ran'
	exits 0
	stdout_is ran
	rm -r "$LOG"
	touch "$LOG"
	vm -- sh -c 'echo ran'
	exits 125
	stdout_empty
}

@test "changes are found, and listed around" {
	vm --name one -- true
	vm --name two -- true
	cp -r "$LOG" good
	restore() {
		rm -r "$LOG" && cp -r good "$LOG"
	}
	ic audit verify
	exits 0
	sed -i '2s/"argv0":"true"/"argv0":"fals"/' "$LOG/log"
	ic audit verify
	exits 1
	stdout_has 'record 2 is not what was written'
	ic audit ls
	exits 1
	stderr_has 'line 2'
	stdout_has two
	ic audit show 2
	exits 1
	restore
	sed -i 3d "$LOG/log"
	ic audit verify
	exits 1
	restore
	sed -i '3{h;d};4{G}' "$LOG/log"
	ic audit verify
	exits 1
	restore
	rm "$LOG/key" "$LOG/key.pub"
	cp "$LOG/head" head
	vm -- true
	exits 125
	ic audit verify
	exits 1
	restore
	ic audit verify
	exits 0
	printf '{"n":7,"time' >>"$LOG/log"
	ic audit verify
	exits 1
	stdout_has 'unfinished'
	ic run "$IMAGE" -- true </dev/null
	exits 0
	stderr_has 'a crash had left half a record'
	ic audit verify
	exits 0
	[ "$(cat "$LOG/torn-7")" = '{"n":7,"time' ] || flunk "not kept apart"
	[ "$(records '[.[] | select(.kind == "recover") | .torn_bytes]')" = '[12]' ] || flunk "not recorded"
}

@test "escapes in an edited log do not reach the terminal" {
	vm -- true
	printf '\e]0;t\a\xff\n{"n":9,"time":"\\u001b[2J","kind":"x"}\n' >>"$LOG/log"
	for args in ls 'ls --json' 'show 4' 'show 5' verify; do
		# shellcheck disable=SC2086 # words
		ic audit $args
		exits 1
		! LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f\x7f\x80-\xff]' "$OUT" "$ERR" || flunk "raw bytes"
	done
}

@test "an export is verified elsewhere, with the key or with another" {
	local key

	vm -- true
	key=$(cat "$LOG/key.pub")
	ic audit export copy
	exits 0
	[ "$(stat -c %a copy)" = 600 ] || flunk "mode"
	ic audit export copy
	exits 1
	export IRONCLAW_HOME=$BATS_TEST_TMPDIR/elsewhere
	ic audit verify --file copy
	exits 0
	stdout_has "signed by $key"
	ic audit verify --file copy --key "$key"
	exits 0
	ic audit verify --file copy --key "${key:1}0"
	exits 1
	sed '3s/"true"/"rm"/' copy >changed
	ic audit verify --file changed
	exits 1
	sed '$d' copy >short
	ic audit verify --file short
	exits 1
	ic audit verify --file /dev/null
	exits 1
	stderr_has 'is no export'
}

@test "wrong calls" {
	for args in 'ls --kind x' 'ls --since x' 'ls --since 2026-1-1' 'ls --vm a_b' 'ls more' 'show' 'show x' \
		'show 0' 'verify x' 'verify --key 00' 'export' 'export a b'; do
		# shellcheck disable=SC2086 # words
		ic audit $args
		exits 2
		stderr_is_tame
		stdout_empty
	done
}
