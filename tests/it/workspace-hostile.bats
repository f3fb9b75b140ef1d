#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# root in the VM turns on the agent while the changes of a workspace come out. Whatever it does: the host
# takes a whole archive or refuses it with a sentence, and neither the folder nor what is beside it changes.
#
# shellcheck disable=SC2016 # scripts are expanded in the VM

load lib

setup() {
	use_tmp
	TOOL=$(dirname "$IRONCLAW")/tests/workspace_tool
	[ -x "$TOOL" ] || skip "only with the programs of a build tree"
	mkdir t s
	cp "$(dirname "$IRONCLAW")/tests/hostile_guest" t/hostile
	echo text >t/text
	echo canary >canary
	find t canary -printf '%p %y %m %s %T@ %l\n' | sort >before
	sha256sum t/text canary >>before
}

teardown() {
	nothing_left
}

same_host() {
	find t canary -printf '%p %y %m %s %T@ %l\n' | sort >after
	sha256sum t/text canary >>after
	cmp before after || flunk "the host changed: $(diff before after)"
}

GUEST='
large() { dd if=/dev/zero of=large bs=1M count=60 2>/dev/null; }
later() { echo "$1" >/tmp/later; ./hostile shell /tmp/later; }
'

# attack SCRIPT: as root, then the changes come out. Sets $status: 0 taken, 1 refused.
attack() {
	status=0
	timeout --kill-after=5 "$DEADLINE_S" "$TOOL" -m 192 t s /workspace "$GUEST$1" >"$OUT" 2>"$ERR" || status=$?
	[ "$status" -le 1 ] || flunk "neither taken nor refused"
	[ "$status" -eq 0 ] || stderr_is_tame
	same_host
}

refused() {
	attack "$1"
	[ "$status" -eq 1 ] || flunk "taken: $(jq -c .card "$OUT")"
}

@test "hostile: the scripts can do what they try (control)" {
	status=0
	timeout --kill-after=5 "$DEADLINE_S" "$TOOL" -m 192 t s /workspace "$GUEST"'
		later "sleep 0.5; echo alive >/tmp/alive"' 'sleep 1; cat /tmp/alive; touch text; rm text; echo text >text' \
		>"$OUT" 2>"$ERR" || status=$?
	exits 0
	stderr_has alive
	attack 'large; echo more >>text'
	exits 0
	json_is '[.card.changes[] | .path]' '["large","text"]'
}

@test "hostile: bytes of another's in the archive" {
	refused 'large; echo garbage >/tmp/bytes; ./hostile write /tmp/bytes'
	# An entry of its own, with a path out of the folder; and the end of an archive.
	refused 'large; mkdir -p /tmp/a/b; echo evil >/tmp/a/canary; cd /tmp/a/b; tar cf /tmp/bytes ../canary
		/workspace/hostile write /tmp/bytes'
	refused 'large; head -c 1024 /dev/zero >/tmp/bytes; ./hostile write /tmp/bytes'
}

@test "hostile: memory of the agent and of who makes the archive is written over" {
	refused 'large; ./hostile memory'
	refused 'large; ./hostile agent'
}

@test "hostile: who makes the archive is killed" {
	refused 'large; ./hostile kill'
}

@test "hostile: processes that are not to be" {
	refused 'echo x >new; echo 0 >/sys/fs/cgroup/sessions/pids.max'
	attack 'echo x >new; later ":(){ : | : & }; :"'
}

@test "hostile: mounts over and under everything" {
	attack 'echo x >new; mount -t tmpfs none /workspace; echo y >/workspace/other; cd /; umount -l /workspace; mount -o bind /etc /workspace'
	exits 0
	json_is '[.card.changes[] | .path]' '["new"]'
	attack 'echo x >new; mount -t tmpfs none /proc; mount -t tmpfs none /sys/fs/cgroup; mount -t tmpfs none /dev'
	attack 'echo x >new; cd /; umount -l /workspace; umount -l /dev; umount -l /sys; umount -l /proc'
	exits 0
	json_is '[.card.changes[] | .path]' '["new"]'
}

@test "hostile: the tree changes while it is packed" {
	for i in 1 2 3; do
		attack 'mkdir d; large; later "cd /workspace; while :; do
			mv d e; mkdir d; seq 1000 >d/large; : >e/large; ln -s /etc/passwd d/l; rm -r e; mv d/l d/large; done"'
	done
}

@test "hostile: no room and no memory" {
	attack 'dd if=/dev/zero of=big bs=64k 2>/dev/null || true'
	exits 0
	json_is '[.card.changes[] | .path]' '["big"]'
	attack 'echo x >new; later "while :; do dd if=/dev/zero of=/dev/null bs=180M; done"'
	attack 'i=0; while mkdir d$i 2>/dev/null; do i=$((i + 1)); done'
	exits 0
	[ "$(jq '.card.changes | length' "$OUT")" -gt 1000 ] || flunk "few folders"
}
