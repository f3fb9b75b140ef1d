#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `run --workspace`: a copy goes in, changes come out, and of them is kept what somebody decided.

load lib

setup() {
	use_tmp
	OUT=$BATS_TEST_TMPDIR/out
	ERR=$BATS_TEST_TMPDIR/err
	mkdir -p ws/src ws/old
	echo 'int main(void) { return 1; }' >ws/src/main.c
	printf 'one\ntwo\nthree\n' >ws/list
	echo gone >ws/old/gone
	ln -s src/main.c ws/link
	echo '#!/bin/sh' >ws/tool
	chmod 755 ws/tool
}

teardown() {
	nothing_left
}

# tree: all that is in the folder: names, modes, contents, targets; and not the time of the root.
tree() {
	(cd ws && find . ! -name . -printf '%p %y %m %l\n' | sort && find . -type f -exec sha256sum {} + | sort -k 2)
}

ws() { # FLAG... -- COMMAND
	ic run "$IMAGE" --workspace "$PWD/ws" "$@" </dev/null
}

EDIT='sed -i s/1/0/ src/main.c; echo four >>list; rm -r old; mkdir new; echo made >new/file; ln -s list new/ln; chmod 700 tool'

edited() {
	grep -qx 'int main(void) { return 0; }' ws/src/main.c || flunk "$(tree)"
	[ "$(tail -n 1 ws/list) $(cat ws/new/file) $(readlink ws/new/ln) $(stat -c %a ws/tool)" = \
		'four made list 700' ] || flunk "$(tree)"
	[ ! -e ws/old ] || flunk "$(tree)"
}

@test "the command sees the copy: contents, modes, links; it works in it" {
	ws -- sh -c 'pwd; cat src/main.c link; stat -c %a tool; readlink link; id -u; touch mine'
	exits 0
	stdout_has /workspace
	[ "$(grep -c 'return 1' "$OUT")" -eq 2 ]
	stdout_has 755
	ws --workspace "$PWD/ws:/home/user/code" -- pwd
	stdout_is /home/user/code
}

@test "without a decision nothing is kept, and that is said" {
	tree >before
	ws -- sh -c "$EDIT"
	exits 0
	tree | cmp - before
	stderr_has 'no change was kept'
	stderr_has --apply
	stderr_has src/main.c
}

@test "--apply keeps all of it; the log says who" {
	ws --apply -- sh -c "$EDIT"
	exits 0
	edited
	ic audit ls --kind decision --json
	tail -n 1 "$OUT" | jq -e '.answer == "allowed" and .how == "flag" and .detail == "--apply"' >/dev/null ||
		flunk "another decision"
	ic audit ls --kind apply --json
	tail -n 1 "$OUT" | jq -e --arg ws "$PWD/ws" '.target == $ws' >/dev/null || flunk "no record of it"
	ic audit ls --kind outcome --json
	tail -n 1 "$OUT" | jq -e --arg ws "$PWD/ws" '.target == $ws and .applied > 0 and .error == null' >/dev/null ||
		flunk "no record of its outcome"
	ic audit verify
	exits 0
}

@test "--discard keeps none" {
	tree >before
	ws --discard -- sh -c "$EDIT"
	exits 0
	tree | cmp - before
	stderr_has discarded
}

@test "a command that fails keeps its exit code, and its changes can be kept" {
	ws --apply -- sh -c 'echo half >list; exit 3'
	exits 3
	[ "$(cat ws/list)" = half ]
}

@test "an unchanged workspace is said to be" {
	ws --apply -- sh -c 'cat list >copy; rm copy; touch list'
	exits 0
	stderr_has unchanged
}

@test "--json tells the changes" {
	ws --json --apply -- sh -c "$EDIT"
	exits 0
	json_is '.workspace.decision' '"applied"'
	json '.workspace.changes' >changes
	jq -e 'tostring | contains("src/main.c") and contains("new/file")' changes >/dev/null || flunk "$(cat changes)"
	edited
}

@test "--changes and --patch save them; git takes the patch" {
	cp -a ws copy
	ws --discard --changes saved.tar --patch saved.patch -- sh -c "$EDIT"
	exits 0
	tar tf saved.tar | grep -q '^src/main.c$'
	(cd copy && git apply ../saved.patch)
	grep -q 'return 0' copy/src/main.c
	# An existing file is not written over.
	ws --discard --changes saved.tar -- sh -c 'echo ran'
	exits 125
	stdout_empty
	stderr_has saved.tar
}

@test "IronClaw's own folders are no workspace, nor what holds them" {
	home_copy
	for folder in "$IRONCLAW_HOME" "$IRONCLAW_HOME/data" "$IRONCLAW_HOME/data/images" "$IRONCLAW_HOME/.."; do
		ic run "$IMAGE" --workspace "$folder" --exclude images --exclude kernels -- echo ran </dev/null
		exits 2
		stdout_empty
		stderr_has 'cannot be a workspace'
	done
}

@test "a signal after the command ends the wait, and nothing is kept" {
	tree >before
	"$IRONCLAW" run "$IMAGE" --workspace "$PWD/ws" --queue -- sh -c "$EDIT" >"$OUT" 2>"$ERR" </dev/null 3>&- &
	local run=$!
	for _ in $(seq 300); do
		! grep -q 'waiting for' "$ERR" || break
		sleep 0.1
	done
	kill -TERM "$run"
	status=0
	wait "$run" || status=$?
	[ "$status" -ne 0 ] || flunk "it goes on"
	tree | cmp - before
}

@test "what the host changed meanwhile is not overwritten" {
	"$IRONCLAW" run "$IMAGE" --workspace "$PWD/ws" --apply -- sh -c 'sleep 3; echo theirs >list; echo b >b' \
		>"$OUT" 2>"$ERR" </dev/null &
	local run=$!
	sleep 2
	echo ours >ws/list
	status=0
	wait "$run" || status=$?
	exits 125
	[ "$(cat ws/list)" = ours ]
	[ ! -e ws/b ] || flunk "half of it was applied"
	stderr_has list
}

@test "--json tells a conflict, and what the command said" {
	"$IRONCLAW" run "$IMAGE" --workspace "$PWD/ws" --apply --json -- sh -c 'echo OUT; sleep 3; echo theirs >list; exit 7' \
		>"$OUT" 2>"$ERR" </dev/null &
	local run=$!
	sleep 2
	echo ours >ws/list
	status=0
	wait "$run" || status=$?
	exits 125
	json_is '[.exit_code, .stdout, .workspace.decision, (.workspace.conflicts | length)]' '[7,"OUT\n","failed",1]'
	json .workspace.failure
	[ "$(cat ws/list)" = ours ]
}

@test "at a terminal: q ends the reading of a diff, not the question" {
	on_terminal $'expect discard[?] \nsend show\\r\nexpect no --\nsend q\nexpect discard[?] \nsend apply\\r' \
		-- sh -c 'seq 500 >long'
	[ "$(wc -l <ws/long)" -eq 500 ]
}

@test "at a terminal: a patch, and another, and then the answer" {
	on_terminal $'expect discard[?] \nsend patch\\r\nexpect discard[?] \nsend patch\\r\nexpect discard[?] \nsend apply\\r' \
		-- sh -c 'echo theirs >list'
	[ "$(find . -maxdepth 1 -name '*.patch' | wc -l)" -eq 2 ]
	[ "$(cat ws/list)" = theirs ]
}

@test "at a terminal: what could not be applied is asked about again" {
	(sleep 4; echo ours >ws/list) 3>&- &
	on_terminal $'expect discard[?] \nsend apply\\r\nexpect discard[?] \nsend discard\\r' \
		-- sh -c 'sleep 7; echo theirs >list'
	wait
	stdout_has 'not as they were'
	[ "$(cat ws/list)" = ours ]
}

@test "--exclude and .ironclawignore leave out, both ways" {
	mkdir -p ws/node_modules ws/secret
	echo big >ws/node_modules/x
	echo key >ws/secret/key
	echo secret/ >ws/.ironclawignore
	ws --exclude node_modules --apply -- sh -c 'ls -a; mkdir secret; echo stolen >secret/key; echo in >node_modules || true'
	exits 0
	stdout_lacks node_modules
	stdout_lacks secret
	[ "$(cat ws/secret/key)" = key ]
	[ "$(cat ws/node_modules/x)" = big ]
}

@test "what may run code later is marked, and no rule allows it" {
	mkdir -p ws/.git/hooks "$BATS_TEST_TMPDIR/home/data"
	ws --discard --json -- sh -c 'echo evil >.git/hooks/post-checkout; chmod +x .git/hooks/post-checkout'
	exits 0
	jq -e '.workspace.changes | tostring | contains("automatic")' "$OUT" >/dev/null || flunk "not marked"
}

@test "a size that is too large is refused before anything starts" {
	head -c 3000000 /dev/zero | tr '\0' x >ws/big
	ws --workspace-size 1M -- true
	[ "$status" -ne 0 ]
	stderr_has --workspace-size
	stderr_is_tame
	ws --apply --discard -- true
	exits 2
	ic run "$IMAGE" --apply -- true
	exits 2
	ic run "$IMAGE" --workspace "$PWD/none" -- true </dev/null
	[ "$status" -ne 0 ]
	stderr_is_tame
}

@test "a workspace that does not fit into the VM is said to be" {
	head -c 100000000 /dev/urandom >ws/big
	ws --memory 128M -- true
	[ "$status" -ne 0 ]
	stderr_has memory
	stderr_is_tame
}

# on_terminal SCRIPT FLAG... : see terminal.py
on_terminal() {
	local script=$1

	shift
	status=0
	printf '%s\n' "$script" | timeout 100 python3 "$IT/terminal.py" 40 100 "$IRONCLAW" run "$IMAGE" -q \
		--workspace "$PWD/ws" "$@" >"$OUT" 2>"$ERR" || status=$?
	exits 0
}

@test "at a terminal: the card, and yes" {
	on_terminal $'expect discard[?] \nsend apply\\r' -- sh -c "$EDIT"
	stdout_has src/main.c
	edited
}

@test "at a terminal: some of it" {
	tree >before
	on_terminal $'expect discard[?] \nsend choose\\r\nexpect done[?] \nsend yes\\r\nexpect done[?] \nsend no\\r\nexpect discard[?] \nsend apply\\r' \
		-- sh -c 'echo a >a; echo b >b'
	[ "$(cat ws/a)" = a ]
	[ ! -e ws/b ] || flunk "more than was chosen"
}

@test "at a terminal: no" {
	tree >before
	on_terminal $'expect discard[?] \nsend discard\\r' -- sh -c "$EDIT"
	tree | cmp - before
}

@test "--queue: approved from elsewhere" {
	"$IRONCLAW" run "$IMAGE" --workspace "$PWD/ws" --queue -- sh -c "$EDIT" >"$OUT" 2>"$ERR" </dev/null &
	local run=$! id=""
	for _ in $(seq 300); do
		id=$("$IRONCLAW" approvals ls --json 2>/dev/null | jq -r '.. | .id? // empty' 2>/dev/null | head -n 1)
		[ -z "$id" ] || break
		sleep 0.1
	done
	[ -n "$id" ] || flunk "nothing waits: $(cat "$ERR")"
	"$IRONCLAW" approvals show "$id" >shown
	# What is asked about is shown, not only named.
	grep -q 'return 0' shown || flunk "$(cat shown)"
	# It deletes, so it is critical.
	"$IRONCLAW" approvals approve "$id" --yes
	status=0
	wait "$run" || status=$?
	exits 0
	edited
}

@test "nothing of the host changes without an approval, whatever the guest does" {
	mkdir outside
	echo precious >outside/file
	tree >before
	find outside -printf '%p %s %m %T@\n' >before.outside
	# shellcheck disable=SC2016 # for the guest's shell
	ws -- sh -c 'ln -sfn ../outside up; echo x >up/file 2>/dev/null; rm -rf src; ln -s /etc src; mkfifo pipe; mknod null c 1 3 2>/dev/null; echo y >"$(printf "bad\033[2Jname")"; true'
	exits 0
	tree | cmp - before
	find outside -printf '%p %s %m %T@\n' | cmp - before.outside
	# The name acts on no terminal.
	if LC_ALL=C grep -q $'\033' "$ERR"; then
		flunk "an escape sequence came through"
	fi
}

# policy RULES: of a state folder of our own.
policy() {
	home_copy
	mkdir -p "$IRONCLAW_HOME/config"
	printf '{"rules": [%s]}' "$1" >"$IRONCLAW_HOME/config/policy.json"
	chmod 600 "$IRONCLAW_HOME/config/policy.json"
}

@test "a rule allows what it says, and no more; one that denies wins over --apply" {
	policy "{\"name\": \"docs\", \"decision\": \"allow\", \"workspace\": \"$PWD/ws\", \"paths\": [\"docs\"], \"effects\": [\"create\", \"edit\"]}"
	ws -- sh -c 'mkdir docs; echo text >docs/page'
	exits 0
	[ "$(cat ws/docs/page)" = text ] || flunk "the rule does not allow it"
	tree >before
	ws -- sh -c 'echo text >docs/page2; echo five >>list'
	exits 0
	tree | cmp - before
	stderr_has 'no change was kept'
	printf '{"rules": [{"name": "never", "decision": "deny", "workspace": "%s"}]}' "$PWD/ws" \
		>"$IRONCLAW_HOME/config/policy.json"
	ws --apply -- sh -c 'echo five >>list'
	exits 125
	tree | cmp - before
	stderr_has discarded
	# Another one for this run.
	printf '{"rules": [{"name": "here", "decision": "allow", "workspace": "%s", "paths": ["."], "effects": ["create"]}]}' \
		"$PWD/ws" >other.json
	ws --policy other.json -- sh -c 'echo new >new'
	exits 0
	[ "$(cat ws/new)" = new ] || flunk "the other policy does not allow it"
	rm ws/new
	ws --policy none.json -- echo ran
	[ "$status" -ne 0 ]
	stdout_empty
	ic run "$IMAGE" --policy other.json -- echo ran
	exits 2
	# What it says is not known: nothing runs.
	echo '{"rules": [' >"$IRONCLAW_HOME/config/policy.json"
	ws --apply -- sh -c 'echo ran; echo five >>list'
	exits 2
	stdout_empty
	stderr_has policy.json
	tree | cmp - before
}
