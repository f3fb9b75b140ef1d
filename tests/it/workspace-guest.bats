#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A workspace goes into a VM and what changed comes back: by the guest's unpack and pack, the host's
# side as it is, and both kernels. What is expected was written down here, not computed.
#
# shellcheck disable=SC2016 # scripts are expanded in the VM

load lib

setup() {
	use_tmp
	TOOL=$(dirname "$IRONCLAW")/tests/workspace_tool
	[ -x "$TOOL" ] || skip "only with the programs of a build tree"
	mkdir t s
	umask 022
}

teardown() {
	# bats removes it as whoever runs it.
	chmod -R u+w t
	nothing_left
}

# tool [FLAG...] FOLDER STAGES PLACE SCRIPT...
tool() {
	status=0
	timeout --kill-after=5 "$DEADLINE_S" "$TOOL" "$@" >"$OUT" 2>"$ERR" || status=$?
}

# ws SCRIPT [FLAG...]: the folder t at /workspace.
ws() {
	local script=$1

	shift
	tool "$@" t s /workspace "$script"
}

# changes_are LINE...: "CHANGE PATH", in the order of paths.
changes_are() {
	local got

	exits 0
	got=$(jq -r '.card.changes[] | "\(.change) \(.path)"' "$OUT")
	[ "$got" = "$(printf '%s\n' "$@")" ] || flunk "changes: $got"
}

notices_are() {
	local got

	got=$(jq -r '.notices[]' "$OUT")
	[ "$got" = "$(printf '%s\n' "$@")" ] || flunk "notices: $got"
}

# list FOLDER: names, types, modes, targets, sizes and digests.
list() {
	(cd "$1" && find . -mindepth 1 -printf '%P %y %l ' \( -type l -printf '\n' -o -printf '%m ' \
		\( -type f -printf '%s ' -exec sha256sum -z {} \; -printf '\n' -o -printf '\n' \) \)) |
		tr '\0' ' ' | sort
}

make_tree() {
	mkdir -p t/dir/deep t/gone t/replaced/sub t/empty
	echo text >t/text
	echo 'echo hi' >t/run && chmod 755 t/run
	chmod 600 t/text
	ln -s text t/link
	ln -s /nowhere/at/all t/dangling
	echo one >t/dir/one
	echo two >t/dir/deep/two
	echo g >t/gone/g
	echo r >t/replaced/sub/r
	: >t/nothing
	truncate -s 64M t/sparse
	printf middle | dd of=t/sparse bs=1 seek=33554432 conv=notrunc status=none
	echo odd >"t/ blank and
newline"
	echo odd >t/$'\xff\x01'
	echo odd >t/-rf
	mkdir t/many
	(cd t/many && for i in $(seq 2000); do echo "$i" >"file-$i"; done)
	touch -d '2001-02-03 04:05:06' t/text t/dir
}

@test "what the VM sees is what is on the host" {
	make_tree
	chmod 555 t/dir/deep
	list t >host
	ws 'find . -type f ! -name "* and*" -exec sha256sum {} + | sort >/tmp/sums
		wc -l </tmp/sums; stat -c "%n %a %u %Y" text run dir dir/deep; readlink link; readlink dangling
		stat -c "%s" sparse; [ $(du -k sparse | cut -f1) -lt 100 ] && echo sparse
		cat "$(printf "\377\001")" ./-rf " blank and
newline"; sha256sum <sparse; ls many | wc -l; stat -c %a .'
	changes_are
	printf '%s\n' 2010 'text 600 1000 981173106' 'run 755 1000 '"$(stat -c %Y t/run)" \
		"dir 755 1000 981173106" "dir/deep 555 1000 $(stat -c %Y t/dir/deep)" \
		text /nowhere/at/all 67108864 sparse odd odd odd \
		"$(sha256sum <t/sparse)" 2000 755 | cmp - "$ERR" || flunk "seen otherwise"
	list t | cmp - host
}

edits='echo more >>text; echo new >created; mkdir newdir; echo in >newdir/in
	chmod 700 run; rm -r gone; rm dangling; ln -s other dangling; rm nothing; mkdir nothing
	rm -r replaced; mkdir replaced; echo n >replaced/n; rm dir/one
	printf end | dd of=sparse bs=1 seek=50331648 conv=notrunc 2>/dev/null
	dd if=/dev/zero of=newsparse bs=1 count=0 seek=16777216 2>/dev/null
	touch link text2 dir/deep/two; rm text2; rm many/file-1000; echo x >many/file-2000
	ln created hard; echo late >"$(printf "z\377")"; : >many/file-10001; chmod 700 empty'
expected=('created created' 'edited dangling' 'deleted dir/one' 'mode empty' 'deleted gone'
	'deleted gone/g' 'created hard' 'deleted many/file-1000' 'created many/file-10001'
	'edited many/file-2000' 'created newdir' 'created newdir/in' 'created newsparse'
	'replaced nothing' 'created replaced/n' 'deleted replaced/sub' 'deleted replaced/sub/r' 'mode run'
	'edited sparse' 'edited text' $'created z\xef\xbf\xbd')

@test "what was edited, made, deleted, replaced and chmodded comes back, and is applied" {
	make_tree
	cp -a t expected
	ws "$edits" -a
	changes_are "${expected[@]}"
	notices_are
	(cd expected && eval "$edits")
	list expected >wanted
	list t | diff wanted - || flunk "the folder is another one than the same commands make"
	[ "$(du -k t/newsparse | cut -f1)" -lt 100 ]
}

@test "the same with Debian's kernel" {
	[ -e "$IRONCLAW_HOME/data/kernels/debian-cloud" ] || skip "no Debian kernel here"
	home_copy
	echo debian-cloud >"$IRONCLAW_HOME/data/kernels/default"
	make_tree
	ws "$edits"
	changes_are "${expected[@]}"
}

@test "the second command sees what the first one did, and a folder moves" {
	mkdir -p t/a/b
	echo c >t/a/b/c
	tool -a t s /somewhere/else 'mv a moved' 'cat moved/b/c; echo d >moved/b/d; mkdir a'
	changes_are 'deleted a/b' 'deleted a/b/c' 'created moved' 'created moved/b' 'created moved/b/c' \
		'created moved/b/d'
	[ "$(cat t/moved/b/c t/moved/b/d)" = $'c\nd' ]
	[ -d t/a ] && [ ! -e t/a/b ]
}

@test "an empty folder, and no change" {
	ws 'ls -A | wc -l'
	changes_are
	grep -qx 0 "$ERR"
}

@test "what no archive holds is left out, and said" {
	ws 'mkfifo f; mknod dev c 1 3; echo x >.IronClaw-x; echo y >y; mkfifo "$(printf "a\033\nb")"'
	changes_are 'created y'
	notices_are "left out, a reserved name: .IronClaw-x" \
		"left out, a socket, a FIFO or a device: a\\x1b?b" \
		"left out, a socket, a FIFO or a device: dev" \
		"left out, a socket, a FIFO or a device: f"
	ws 'for i in $(seq 100); do mkfifo f$i; done'
	changes_are
	jq -e '.notices | length == 17 and .[16] == "left out: 84 more"' "$OUT"
	ws 'n=$(printf "%0250d" 0); mkdir b; cd b; for i in $(seq 10); do mkdir $n; cd $n; done
		cd /workspace; for i in $(seq 10); do mkdir $n; cd $n; done; mv /workspace/b .'
	exits 0
	jq -e '.card.counts.created == 17 and (.notices[0] | startswith("left out, the path is too long: 00"))' "$OUT"
	ws 'for i in $(seq 130); do mkdir d; cd d; done'
	exits 0
	jq -e '.card.counts.created == 128 and (.notices[0] | startswith("left out, the path is too deep: d/d"))' "$OUT"
}

@test "a workspace that does not fit is refused, and one that does is not" {
	head -c 40M /dev/urandom >t/large
	ws 'stat -c %s large' -m 256
	changes_are
	grep -qx 41943040 "$ERR"
	head -c 100M /dev/urandom >t/large
	ws 'true' -m 128
	exits 1
	stderr_has "--memory"
	stderr_is_tame
}

@test "a second copy is refused, and the first one works on" {
	echo one >t/one
	ws 'cat one; echo two >two' -t
	changes_are 'created two'
	stderr_has 'cannot unpack the workspace'
	stderr_has one
}

@test "a command that ran out of memory leaves its changes" {
	status=0
	"$IRONCLAW" run "$IMAGE" -q --memory 192M --workspace "$PWD/t" --apply -- sh -c \
		'echo before >before; tail /dev/zero; echo "ended with $?" >after' >"$OUT" 2>"$ERR" </dev/null || status=$?
	exits 0
	[ "$(cat t/before t/after)" = $'before\nended with 137' ] || flunk "$(ls t)"
}

@test "a host without room for the changes: a sentence, and nothing of them" {
	is_root || skip "mounts a small file system"
	echo old >t/text
	mkdir -p "$IRONCLAW_HOME/data/stages"
	small() { # MIB
		status=0
		timeout --kill-after=5 "$DEADLINE_S" unshare --mount sh -c \
			"mount -t tmpfs -o mode=700,size=4m none '$IRONCLAW_HOME/data/stages' && exec \"\$@\"" sh \
			"$IRONCLAW" run "$IMAGE" -q --workspace "$PWD/t" --apply -- \
			sh -c "echo new >text; dd if=/dev/zero of=big bs=1M count=$1 2>/dev/null" >"$OUT" 2>"$ERR" </dev/null || status=$?
	}
	small 16
	exits 125
	stderr_has 'no space left'
	stderr_is_tame
	[ "$(cat t/text)" = old ]
	[ ! -e t/big ]
	small 2
	exits 0
	[ "$(cat t/text)" = new ]
}

@test "a place that holds something, or is no absolute path, is refused" {
	local place

	for place in /etc relative /a/../b / /a//b; do
		tool t s "$place" true
		exits 1
		stderr_has "the guest cannot unpack the workspace"
		stderr_is_tame
	done
	tool t s /tmp true
	exits 0
}

@test "no command of the user's is a built-in one" {
	vm -- unpack /workspace
	exits 127
	vm -- pack /workspace
	exits 127
}

