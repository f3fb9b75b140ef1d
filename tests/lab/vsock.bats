#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The link over vsock: QEMU and the kernel's vhost_vsock.

load ../it/lib

setup() {
	use_tmp
	[ -n "${IRONCLAW_LAB:-}" ] || skip "only in the lab"
}

teardown() {
	nothing_left
}

@test "vsock: a cold boot" {
	vm --cold --link vsock --json -- echo cold
	exits 0
	json_is '[.accel, .stdout]' '["kvm","cold\n"]'
}

@test "vsock: a template, and clones that differ" {
	for i in 1 2 3; do
		vm_sh 'cat /proc/sys/kernel/random/boot_id; head -c 16 /dev/urandom | od -An -tx1; exit 7' \
			--link vsock --json
		exits 7
		json_is '.timings_ms | has("restore") and (.restore > 0)' true
		json .stdout >>all
	done
	[ "$(sort -u all | grep -c .)" -eq 6 ] || flunk "$(cat all)"
}

@test "vsock: the guest has no virtio port, and with the other link no vsock device" {
	vm_sh 'ls /sys/class/virtio-ports | wc -l; ls -d /sys/bus/virtio/drivers/vmw_vsock_virtio_transport/virtio*' --link vsock
	exits 0
	stdout_has 0
	stdout_has virtio
	vm_sh 'ls -d /sys/bus/virtio/drivers/vmw_vsock_virtio_transport/virtio* 2>/dev/null || echo none'
	stdout_is none
}

@test "vsock: a megabyte there and back" {
	head -c 1000000 /dev/urandom >bytes
	"$IRONCLAW" run "$IMAGE" -q -i --link vsock -- cat <bytes >"$OUT" 2>"$ERR" || flunk "$(cat "$ERR")"
	cmp bytes "$OUT"
}

@test "vsock: a workspace there and back" {
	mkdir ws
	head -c 3000000 /dev/urandom >ws/bytes
	echo old >ws/text
	vm --link vsock --workspace "$PWD/ws" --apply -- sh -c 'cp bytes copy; echo new >text; rm bytes'
	exits 0
	[ "$(cat ws/text) $(stat -c %s ws/copy)" = 'new 3000000' ] || flunk "$(ls -l ws)"
	[ ! -e ws/bytes ]
	vm --link vsock --workspace "$PWD/ws" -- sh -c 'echo newer >text'
	exits 0
	[ "$(cat ws/text)" = new ]
}

@test "vsock: two VMs at a time are each reached by their own" {
	"$IRONCLAW" run "$IMAGE" -q --link vsock --name first -- sh -c 'sleep 3; hostname' >one 2>&1 </dev/null &
	local first=$!
	"$IRONCLAW" run "$IMAGE" -q --link vsock --name second -- sh -c 'sleep 3; hostname' >two 2>&1 </dev/null
	wait "$first"
	[ "$(cat one two)" = "$(printf 'first\nsecond')" ] || flunk "$(cat one two)"
}

@test "vsock: a link that breaks leaves one command without an outcome, and serves the next" {
	"$(dirname "$IRONCLAW")/tests/link_tool" default >"$OUT" 2>"$ERR" || flunk "$(cat "$ERR" "$OUT")"
	sed -n 1,3p "$OUT" >before
	sed -n 6,8p "$OUT" >after
	[ -s before ] && cmp before after || flunk "$(cat "$OUT")"
	[ "$(sed '1,3d;6,8d' "$OUT")" = "$(printf 'code 0\nunknown outcome\ncode 0\n/tmp/was-here\ncode 3')" ] ||
		flunk "$(cat "$OUT")"
}

@test "vsock: every layer of the confinement is there" {
	vm --link vsock --prove -- true
	exits 0
}

@test "vsock: nobody may use the device: an error that says so" {
	is_root || skip "root may use every device"
	chmod 0600 /dev/vhost-vsock
	runuser -u user -- env IRONCLAW_HOME=/srv/user "$IRONCLAW" run "$IMAGE" --link vsock -- true \
		>"$OUT" 2>"$ERR" </dev/null && status=0 || status=$?
	chmod 0666 /dev/vhost-vsock
	[ "$status" -eq 125 ] || flunk "$status: $(cat "$ERR")"
	grep -q /dev/vhost-vsock "$ERR" || flunk "$(cat "$ERR")"
}
