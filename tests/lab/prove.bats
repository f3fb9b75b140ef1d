#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `ironclaw prove` where KVM and vhost_vsock work: the jails of each engine and each link, with the rows
# of /dev/kvm. tests/escape has the rest, and the controls. Not where a denied call kills: that takes
# a start for each act.

load ../it/lib

setup() {
	use_tmp
	[ -n "${IRONCLAW_LAB:-}" ] || skip "only in the lab"
}

teardown() {
	nothing_left
}

# proves ENGINE LINK NAME...: those programs' places, and the rows that only they have.
proves() {
	ic prove --image "$IMAGE" --engine "$1" --link "$2" --audit-only --json
	exits 0
	json_is '[.held, .engine, .accel, .link]' "[true,\"$1\",\"kvm\",\"$2\"]"
	[ "$(json '[.acts[] | select(.act | startswith("kvm-"))] | length')" -eq 10 ] ||
		flunk "no rows of /dev/kvm"
	jq -r '.acts[] | select(.place == "keeper" and .got == "works") | .act' "$OUT" | sort >works
}

@test "prove: QEMU's jail, and its keeper's" {
	proves qemu virtio-serial
	[ ! -s works ] || flunk "$(cat works)"
}

@test "prove: over vsock the keeper accepts, and calls nobody" {
	proves qemu vsock
	[ "$(cat works)" = accept-call ] || flunk "$(cat works)"
}

@test "prove: Firecracker's jail, and its keeper's" {
	if [ ! -x /lab/firecracker/firecracker ]; then
		mkdir "$BATS_TEST_TMPDIR/bin"
		chmod a+x "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/bin"
		python3 "$TOP/tests/it/fakes/firecracker_settings.py" \
			"$(dirname "$IRONCLAW")/tests/fake-firecracker" \
			"$BATS_TEST_TMPDIR/bin/firecracker" FAKE_FC_GUEST_CONNECT=3
		chmod 755 "$BATS_TEST_TMPDIR/bin/firecracker"
		PATH=$BATS_TEST_TMPDIR/bin:$PATH
	fi
	proves firecracker vsock
	[ "$(cat works)" = "$(printf 'accept-call\nsocket-unix')" ] || flunk "$(cat works)"
}
