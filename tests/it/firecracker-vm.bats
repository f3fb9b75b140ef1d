#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Whole VMs of the Firecracker engine: warden, jail, filters, firewall and keeper are the real ones, the
# VMM is a program with the outside of Firecracker and a small guest of its own (fakes/firecracker.h).
# It does not open /dev/kvm, so another device stands for that in a mount namespace of ours.

load lib

TOOLS=$(dirname "$IRONCLAW")/tests
VERSIONS='1.7.0 1.10.1 1.14.4 1.15.1 1.16.1 1.17.0-dev'

setup() {
	use_tmp
	[ -x "$TOOLS/firecracker_vm" ] || skip "only with the programs of a build tree"
	[ -e /dev/kvm ] || skip "this machine has no /dev/kvm to stand another device in"
	FAKE=$BATS_TEST_TMPDIR/bin/firecracker
	mkdir "$BATS_TEST_TMPDIR/bin"
	chmod a+x "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/bin"
}

teardown() {
	nothing_left
}

# fake NAME=VALUE...: the VMM from now on.
fake() {
	rm -f "$FAKE"
	python3 "$TOP/tests/it/fakes/firecracker_settings.py" "$TOOLS/fake-firecracker" "$FAKE" "$@"
	chmod 755 "$FAKE"
}

# calling [NAME=VALUE...]: the guest calls the host, as ours does.
calling() {
	fake FAKE_FC_GUEST_CONNECT=3 "$@"
}

# fc boot|clone|pause|hold LEVEL COMMAND...
fc() {
	local kind=$1 level=$2 flags=(--mount)

	shift 2
	is_root || flags+=(--user --map-root-user)
	status=0
	# shellcheck disable=SC2016 # for the inner shell
	timeout --kill-after=5 "$DEADLINE_S" unshare "${flags[@]}" sh -c \
		'mount --bind /dev/null /dev/kvm && exec "$@"' sh \
		"$TOOLS/firecracker_vm" "$FAKE" "$kind" "fc-$BATS_TEST_NUMBER" "$level" "$@" \
		>"$OUT" 2>"$ERR" </dev/null || status=$?
}

no_denials() {
	ic audit seccomp --vm "fc-$BATS_TEST_NUMBER" --json
	json_is '.entries | length' 0
}

@test "every version boots in the jail, runs a command, and ends" {
	for version in $VERSIONS; do
		calling FAKE_FC_VERSION="$version"
		fc boot basic echo "works in $version"
		exits 0
		stdout_is "works in $version"
		stderr_empty
		no_denials
	done
}

@test "every version makes a template in the jail, and its clones run" {
	home_copy
	for version in $VERSIONS; do
		calling FAKE_FC_VERSION="$version"
		for clone in 1 2 3; do
			fc clone basic echo "$version $clone"
			exits 0
			stdout_is "$version $clone"
		done
		no_denials
	done
	# One for each version: what another one saved is not loaded.
	[ "$(find "$IRONCLAW_HOME/data/templates" -name state | wc -l)" -eq 6 ]
	# The VMM wrote the memory out; what is zero in it takes no room.
	for ram in "$IRONCLAW_HOME"/data/templates/*/ram; do
		[ "$(stat -c %s "$ram")" -eq $((128 << 20)) ]
		[ "$(du -k "$ram" | cut -f1)" -le 1024 ] || flunk "not sparse: $(du -k "$ram")"
	done
	# They belong to the caller, and nobody writes them.
	[ "$(find "$IRONCLAW_HOME/data/templates" -type f \( -name ram -o -name state \) \
		! -perm 0444 | wc -l)" -eq 0 ]
}

@test "a guest that only listens is called by the keeper" {
	home_copy
	for version in 1.14.4 1.15.1 1.16.1; do
		fake FAKE_FC_VERSION=$version FAKE_FC_GUEST_PORT=3
		fc boot basic echo called
		exits 0
		stdout_is called
		# After a load 1.15 answers the first call with OK and hangs up.
		fc clone basic echo "called again"
		exits 0
		stdout_is "called again"
		no_denials
	done
}

@test "a guest whose ears come late, or who is reset, is called again" {
	fake FAKE_FC_GUEST_PORT=3 FAKE_FC_FAULT=vsock-late:700
	fc boot basic echo late
	exits 0
	stdout_is late
	fake FAKE_FC_GUEST_PORT=3 FAKE_FC_FAULT=vsock-reset:3
	fc boot basic echo reset
	exits 0
	stdout_is reset
}

@test "each level has its filter, and works under it" {
	home_copy
	for level in minimal basic permissive; do
		calling
		fc boot $level echo $level
		exits 0
		stdout_is $level
		fc clone $level echo "$level again"
		exits 0
		stdout_is "$level again"
		no_denials
	done
	# A version whose calls nobody knows has none but its own.
	calling FAKE_FC_VERSION=1.17.0-dev
	fc boot permissive echo known
	exits 0
}

@test "exit statuses come through" {
	calling
	fc boot basic exit 42
	exits 42
	fc boot basic false
	exits 1
	fc boot basic true
	exits 0
}

@test "a console that floods stops nothing" {
	calling FAKE_FC_FAULT=flood:3000000
	fc boot basic echo dry
	exits 0
	stdout_is dry
}

# fails SENTENCE: of a boot.
fails() {
	fc boot basic echo never
	exits 125
	stdout_empty
	stderr_has "$1"
	stderr_is_tame
	nothing_left
}

@test "a refused request is told with the VMM's reason, and leaves nothing" {
	calling FAKE_FC_FAULT=refuse:PUT/vsock
	fails 'refused PUT /vsock (400)'
	calling FAKE_FC_FAULT=refuse-http:PUT/machine-config
	fails 'refused PUT /machine-config (400)'
	calling FAKE_FC_FAULT=no-kvm:1
	fails 'refused PUT /actions (400)'
	calling FAKE_FC_FAULT=garbage:PUT/entropy
	fails 'no status line'
}

@test "a VMM that dies is told with what its end means, and leaves nothing" {
	for step in start bound PUT/machine-config PUT/boot-source PUT/drives/image PUT/vsock \
		PUT/entropy PUT/actions; do
		calling FAKE_FC_FAULT=die:$step:148
		fails 'system call that its seccomp filter denies'
	done
	# Its tkill of this signal is a call that the jail's own filter denies.
	calling FAKE_FC_FAULT=die:PUT/vsock:SIGSYS
	fails 'killed for a system call that its filter denies'
	calling FAKE_FC_FAULT=die:PUT/vsock:149
	fails "could not reach its guest's memory"
	calling FAKE_FC_FAULT=die-after:PUT/actions:1
	fails ended
}

@test "a template that cannot be saved, or loaded, leaves nothing half" {
	home_copy
	calling FAKE_FC_FAULT=save-fails
	fc clone basic echo never
	exits 125
	stderr_has 'refused PUT /snapshot/create'
	[ -z "$(find "$IRONCLAW_HOME/data/templates" -name state 2>/dev/null)" ]
	calling
	fc clone basic echo fine
	exits 0
	stdout_is fine
}

@test "a guest that restarts under a command ends the VM, outcome unknown" {
	calling FAKE_FC_FAULT=guest-reboot:1500
	fc boot basic sleep 30
	exits 125
	stderr_is_tame
}

# state T: the whole process stopped, for the API's pause would cost it the vsock.
@test "every version pauses, and takes commands afterwards" {
	for version in $VERSIONS; do
		calling FAKE_FC_VERSION="$version"
		fc pause basic echo "$version"
		exits 0
		[ "$(cat "$OUT")" = "$(printf '%s\n%s' "$version" "$version")" ] || flunk "$version: $(cat "$OUT")"
		case $version in
		1.16.1) stderr_has "state T" ;;
		*) ! grep -q "state T" "$ERR" || flunk "$version was stopped" ;;
		esac
		grep -qx busy "$ERR" || flunk "$version: $(cat "$ERR")"
		no_denials
	done
}

@test "a pause that the VMM refuses ends the VM, with its words" {
	calling FAKE_FC_VERSION=1.15.1 FAKE_FC_FAULT=refuse:PATCH/vm
	fc pause basic echo once
	exits 125
	stdout_is once
	stderr_has 'refused PATCH /vm (400)'
}

# kill_caller COMMAND...: of fc; when it has a VM
kill_caller() {
	local run vmm

	fc "$@" &
	run=$!
	for _ in $(seq 100); do
		vmm=$(pgrep -n -f "^/usr/bin/firecracker --api-sock" || true)
		[ -z "$vmm" ] || break
		sleep 0.1
	done
	[ -n "$vmm" ] || flunk "no VMM"
	for _ in $(seq 100); do
		if [ "$1" != hold ] || grep -q ^state "$ERR"; then
			break
		fi
		sleep 0.1
	done
	sleep 0.5
	for pid in $(processes_below $run); do
		[ "$(cat /proc/"$pid"/comm 2>/dev/null)" != firecracker_vm ] || kill -KILL "$pid"
	done
	wait $run || true
	for _ in $(seq 50); do
		kill -0 "$vmm" 2>/dev/null || return 0
		sleep 0.1
	done
	flunk "the VMM lives"
}

@test "a killed caller leaves no VMM, no socket, no folder" {
	calling
	kill_caller boot basic sleep 60
}

@test "neither does one whose VM is paused, by its API or by the warden" {
	for version in 1.15.1 1.16.1; do
		calling FAKE_FC_VERSION=$version
		kill_caller hold basic true
		nothing_left
	done
}
