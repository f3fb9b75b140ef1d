#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The Firecracker engine against a program with the outside of Firecracker (fakes/firecracker.h): the
# plan's command line, files and requests, for the versions of it, and what is made of its failures.
# In a root of its own, with the folder of its sockets as ours: as keeper and VMM are.

load lib

TOOLS=$(dirname "$IRONCLAW")/tests
VERSIONS='1.7.0 1.10.1 1.14.4 1.15.1 1.16.1 1.17.0-dev'

setup() {
	use_tmp
	[ -x "$TOOLS/fake-firecracker" ] || skip "only with the programs of a build tree"
	ROOT=$BATS_TEST_TMPDIR/root
	fake_pid=
	make_root
}

teardown() {
	end_fake
}

make_root() {
	rm -rf "$ROOT"
	mkdir -p "$ROOT/vm" "$ROOT/run" "$ROOT/usr/bin"
	cp "$TOOLS/fake-firecracker" "$ROOT/usr/bin/firecracker"
	printf '\177ELF' >"$ROOT/vm/kernel"
	echo initramfs >"$ROOT/vm/initramfs"
	head -c 1048576 /dev/zero >"$ROOT/vm/image"
	: >"$ROOT/vm/ram"
	: >"$ROOT/vm/state"
}

end_fake() {
	[ -z "$fake_pid" ] || kill -KILL "$fake_pid" 2>/dev/null || true
	[ -z "$fake_pid" ] || wait "$fake_pid" 2>/dev/null || true
	fake_pid=
	rm -f "$ROOT"/run/*
}

# start_fake KIND [NAME=VALUE...]: with the command line that the plan of KIND says.
start_fake() {
	local kind=$1 argv

	shift
	mapfile -t argv < <("$TOOLS/firecracker_tool" "$kind" 0 argv)
	env "$@" unshare --map-root-user --user chroot "$ROOT" "${argv[@]}" \
		</dev/null >"$BATS_TEST_TMPDIR/console" 2>&1 &
	fake_pid=$!
}

# engine KIND STEP...: drive it, with a deadline of ten seconds, or $DEADLINE_MS.
engine() {
	local kind=$1

	shift
	status=0
	(cd "$ROOT/run" && timeout 60 "$TOOLS/firecracker_tool" "$kind" "${DEADLINE_MS:-10000}" "$@") \
		>"$OUT" 2>"$ERR" || status=$?
}

ended() { # STATUS: of the fake, by itself
	local code=0

	wait "$fake_pid" || code=$?
	fake_pid=
	[ "$code" -eq "$1" ] || flunk "the VMM ended with $code"
}

@test "every version takes the requests of a boot" {
	for version in $VERSIONS; do
		start_fake boot FAKE_FC_VERSION="$version"
		engine boot start check
		exits 0
		[ -S "$ROOT/run/v.sock" ] || flunk "$version: no vsock"
		kill -0 "$fake_pid"
		end_fake
	done
}

@test "every version saves a template and loads it again" {
	for version in $VERSIONS; do
		make_root
		start_fake template FAKE_FC_VERSION="$version"
		engine template start save check
		exits 0
		[ -s "$ROOT/vm/state" ] || flunk "$version: no state"
		[ "$(stat -c %s "$ROOT/vm/ram")" -eq $((128 << 20)) ]
		end_fake
		chmod a-w "$ROOT/vm/state" "$ROOT/vm/ram"
		for _ in 1 2; do
			start_fake clone FAKE_FC_VERSION="$version"
			engine clone start check
			exits 0
			end_fake
		done
	done
}

@test "another version does not load it, and says so" {
	start_fake template FAKE_FC_VERSION=1.15.1
	engine template start save
	exits 0
	end_fake
	start_fake clone FAKE_FC_VERSION=1.17.0-dev
	engine clone start
	exits 1
	stderr_has 'refused PUT /snapshot/load (400)'
	ended 1
}

@test "a pause, but not where it would cost the vsock" {
	for version in 1.15.1 1.17.0-dev; do
		start_fake boot FAKE_FC_VERSION="$version"
		engine boot start pause resume check
		exits 0
		end_fake
	done
	for version in 1.16.0 1.16.1; do
		start_fake boot FAKE_FC_VERSION="$version"
		engine boot start pause
		exits 1
		stderr_has "Firecracker $version loses its vsock"
		end_fake
	done
}

@test "a bzImage boots from 1.17 on" {
	head -c 1024 /dev/zero >"$ROOT/vm/kernel"
	printf HdrS | dd of="$ROOT/vm/kernel" bs=1 seek=514 conv=notrunc status=none
	start_fake boot FAKE_FC_VERSION=1.17.0-dev
	engine boot start
	exits 0
	end_fake
	start_fake boot FAKE_FC_VERSION=1.16.1
	engine boot start
	exits 1
	stderr_has 'refused PUT /actions (400)'
	stderr_has 'Elf magic'
}

@test "a missing file is named" {
	rm "$ROOT/vm/image"
	start_fake boot
	engine boot start
	exits 1
	stderr_has 'refused PUT /drives/image (400)'
	stderr_has 'No such file'
	stderr_is_tame
}

@test "a VMM that ends, or never comes, is told" {
	start_fake boot FAKE_FC_FAULT=die:PUT/vsock:148
	engine boot start
	exits 1
	stderr_has 'closed its API before it answered to PUT /vsock'
	ended 148
	end_fake
	start_fake boot FAKE_FC_FAULT=die:start:153
	DEADLINE_MS=500 engine boot start
	exits 1
	stderr_has 'does not appear'
	end_fake
	start_fake boot FAKE_FC_FAULT=die-after:PUT/actions:1
	engine boot start
	exits 0
	ended 1
}

@test "one that comes late is waited for" {
	start_fake boot FAKE_FC_FAULT=slow:start:300,slow:bound:300
	engine boot start check
	exits 0
}

@test "one that is silent is held to the deadline" {
	start_fake boot FAKE_FC_FAULT=hang:PUT/actions
	DEADLINE_MS=500 engine boot start
	exits 1
	stderr_has 'does not answer to PUT /actions'
}

@test "bytes that are no answer are refused" {
	for fault in garbage:PUT/entropy cut:PUT/entropy huge:PUT/entropy:300000 drop:PUT/entropy; do
		start_fake boot FAKE_FC_FAULT="$fault"
		engine boot start
		exits 1
		stderr_is_tame
		end_fake
	done
	# Too short a length, and one that is longer than what comes.
	start_fake boot FAKE_FC_VERSION=1.15.1 FAKE_FC_FAULT=length:GET/version:-1
	engine boot start pause
	exits 1
	stderr_has 'more than one answer'
	end_fake
	start_fake boot FAKE_FC_VERSION=1.15.1 FAKE_FC_FAULT=length:GET/version:1
	DEADLINE_MS=1000 engine boot start pause
	exits 1
	stderr_has 'does not answer to GET /version'
}

@test "interim answers are skipped, and each kind of refusal is a sentence" {
	start_fake boot FAKE_FC_FAULT=continue:PUT/entropy
	engine boot start
	exits 0
	end_fake
	start_fake boot FAKE_FC_FAULT=refuse:PUT/entropy
	engine boot start
	exits 1
	stderr_has 'refused PUT /entropy (400)'
	end_fake
	start_fake boot FAKE_FC_FAULT=refuse-http:PUT/entropy
	engine boot start
	exits 1
	stderr_has 'refused PUT /entropy (400)'
	stderr_is_tame
}

@test "a save that fails leaves no doubt" {
	start_fake template FAKE_FC_FAULT=save-fails
	engine template start save
	exits 1
	stderr_has 'refused PUT /snapshot/create (400)'
}

@test "a plan names no file that the root does not hold, and no other is needed" {
	engine clone files
	exits 0
	[ "$(sort "$OUT")" = "device /dev/kvm
device /dev/null
read-only /usr/bin/firecracker
read-only /vm/image
read-only /vm/ram
read-only /vm/state" ] || flunk "other files"
}
