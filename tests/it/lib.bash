# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# lib.bash - what the suites share.
#
# tests/run sets IRONCLAW (the program) and IRONCLAW_HOME (a state folder that holds the images);
# by hand, `bats tests/it/run-basic.bats` uses build/ironclaw and the same state folder.
#
# Every call has a deadline: a hang is a failure of the test, never of the run. The helpers set
# $status, and leave stdout and stderr byte-exact in the files $OUT and $ERR.

bats_require_minimum_version 1.5.0

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
IT=$BATS_TEST_DIRNAME
: "${IRONCLAW:=$TOP/build/ironclaw}"
: "${IRONCLAW_HOME:=${XDG_CACHE_HOME:-$HOME/.cache}/ironclaw-test/home}"
export IRONCLAW IRONCLAW_HOME
export LC_ALL=C.UTF-8

# The image of most tests: small and quick. Those that need Python say `run default`.
IMAGE=busybox
DEADLINE_S=120

# setup of most suites.
use_tmp() {
	OUT=$BATS_TEST_TMPDIR/out
	ERR=$BATS_TEST_TMPDIR/err
	: >"$OUT"
	: >"$ERR"
	cd "$BATS_TEST_TMPDIR" || return 1
}

# ic ARG...: run the program; stdin is what the caller's is.
ic() {
	status=0
	timeout --kill-after=5 "$DEADLINE_S" "$IRONCLAW" "$@" >"$OUT" 2>"$ERR" || status=$?
}

# vm [FLAG...] -- CMD...: run a command in a VM of $IMAGE.
vm() {
	ic run "$IMAGE" -q "$@" </dev/null
}

# vm_sh SCRIPT [FLAG...]: run a shell script in a VM.
vm_sh() {
	local script=$1

	shift
	vm "$@" -- sh -c "$script"
}

flunk() {
	echo "$*"
	echo "status: ${status:-}"
	if [ -s "${OUT:-}" ]; then
		echo "stdout: $(head -c 2000 "$OUT" | cat -v)"
	fi
	if [ -s "${ERR:-}" ]; then
		echo "stderr: $(head -c 2000 "$ERR" | cat -v)"
	fi
	return 1
}

exits() {
	[ "$status" -eq "$1" ] || flunk "expected exit code $1"
}

# stdout_is TEXT: exactly TEXT and a newline.
stdout_is() {
	printf '%s\n' "$1" | cmp -s - "$OUT" || flunk "expected stdout: $1"
}

stdout_has() {
	grep -qF -e "$1" "$OUT" || flunk "expected in stdout: $1"
}

stdout_lacks() {
	if grep -qF -e "$1" "$OUT"; then
		flunk "not expected in stdout: $1"
	fi
}

stdout_empty() {
	[ ! -s "$OUT" ] || flunk "expected no stdout"
}

stderr_has() {
	grep -qiF -e "$1" "$ERR" || flunk "expected in stderr: $1"
}

stderr_empty() {
	[ ! -s "$ERR" ] || flunk "expected no stderr"
}

# One failure is told in at most a few lines, with nothing in it that acts on a terminal.
stderr_is_tame() {
	[ -s "$ERR" ] || flunk "expected a message"
	[ "$(wc -l <"$ERR")" -le "${1:-3}" ] || flunk "expected at most ${1:-3} lines of stderr"
	[ "$(wc -c <"$ERR")" -le 4096 ] || flunk "expected a short message"
	if LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f\x7f]' "$ERR"; then
		flunk "control characters in stderr"
	fi
}

# json FILTER: a value of the document on stdout.
json() {
	jq -er "$1" "$OUT" || flunk "no such JSON: $1"
}

json_is() {
	local got

	got=$(jq -c "$1" "$OUT") || flunk "stdout is not JSON"
	[ "$got" = "$2" ] || flunk "expected $1 to be $2, got $got"
}

is_root() {
	[ "$(id -u)" -eq 0 ]
}

# accel_works_kvm: whether runs here use hardware virtualisation.
runs_on_kvm() {
	"$IRONCLAW" run "$IMAGE" -q --json -- true </dev/null | jq -e '.accel == "kvm"' >/dev/null
}

# processes_below PID: the pids of all its descendants.
processes_below() {
	local child

	for child in $(pgrep -P "$1" || true); do
		echo "$child"
		processes_below "$child"
	done
}

# vmm_below PID: the VMM among the descendants of a process.
vmm_below() {
	local pid

	for pid in $(processes_below "$1"); do
		case $(cat "/proc/$pid/comm" 2>/dev/null) in
		qemu-system*) echo "$pid" && return 0 ;;
		esac
	done
	return 1
}

# start_vm ID [FLAG...]: a VM in the background, whose command runs when this returns; stop_vms ends
# them all. What they say is in ID.out and ID.err.
PIDS=()
start_vm() {
	local id=$1

	shift
	"$IRONCLAW" run "$IMAGE" -q --name "$id" "$@" -- sh -c 'echo up; sleep 60' \
		>"$BATS_TEST_TMPDIR/$id.out" 2>"$BATS_TEST_TMPDIR/$id.err" </dev/null 3>&- &
	PIDS+=($!)
	for _ in $(seq 600); do
		! grep -q up "$BATS_TEST_TMPDIR/$id.out" || return 0
		sleep 0.1
	done
	cat "$BATS_TEST_TMPDIR/$id.err"
	flunk "VM $id does not start"
}

stop_vms() {
	local pid

	for pid in "${PIDS[@]}"; do
		kill -TERM "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	PIDS=()
}

# vm_folders: what stands for living VMs in the state folder.
vm_folders() {
	find "$IRONCLAW_HOME/run/vms" -mindepth 1 -maxdepth 1 ! -name '.lock' 2>/dev/null
}

# nothing_left: no VM folder and no mount of ours; processes are the business of kills.bats, which
# can tell whose they are.
nothing_left() {
	for _ in $(seq 50); do
		if [ -z "$(vm_folders)" ] && ! grep -qF "$IRONCLAW_HOME" /proc/self/mountinfo; then
			return 0
		fi
		sleep 0.1
	done
	vm_folders
	grep -F "$IRONCLAW_HOME" /proc/self/mountinfo
	flunk "something of a VM is left"
}

# home_copy: a state folder of the test's own, with the kernels and the small image.
home_copy() {
	local own=$BATS_TEST_TMPDIR/home

	mkdir -p "$own/data/images"
	cp -a "$IRONCLAW_HOME/data/images/$IMAGE" "$own/data/images/"
	cp -a "$IRONCLAW_HOME/data/kernels" "$own/data/"
	export IRONCLAW_HOME=$own
}
