#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Clones of one template: each is itself, all know the time, and none can change what they share.

load lib

setup() {
	use_tmp
}

teardown() {
	nothing_left
}

# What one clone says of itself, one word a line.
probe='
import os, uuid
print("random", os.urandom(16).hex())
print("uuid4", uuid.uuid4())
print("boot_id", open("/proc/sys/kernel/random/boot_id").read().strip())
print("machine_id", open("/etc/machine-id").read().strip())
print("hostname", os.uname().nodename)
print("getrandom", os.getrandom(16, os.GRND_NONBLOCK).hex())
'

@test "20 clones are 20 different machines" {
	local i word

	ic run default -q -- true </dev/null # there is a template
	for i in $(seq 20); do
		timeout "$DEADLINE_S" "$IRONCLAW" run default -q -- python3 -c "$probe" </dev/null >"$i.out" 2>>"$ERR" &
	done
	wait
	cat ./*.out >all
	for word in random uuid4 boot_id machine_id hostname getrandom; do
		[ "$(grep -c "^$word " all)" -eq 20 ] || flunk "$word: not 20 answers"
		[ "$(grep "^$word " all | sort -u | wc -l)" -eq 20 ] || flunk "$word repeats: $(cat all)"
	done
}

@test "the kernel's own random device differs as well, and so does a shell's \$RANDOM" {
	for _ in 1 2 3 4; do
		vm_sh 'head -c 16 /dev/urandom | od -An -tx1; cat /proc/sys/kernel/random/uuid'
		exits 0
		cat "$OUT" >>all
	done
	[ "$(sort -u all | wc -l)" -eq 8 ] || flunk "repeated: $(cat all)"
}

@test "the clock of a clone is within 50 ms of the host's" {
	for _ in 1 2 3; do
		status=0
		"$IT/clock.py" "$IRONCLAW" run default -q -i -- python3 -u -c '
import sys, time
for line in sys.stdin:
    print(repr(time.time()))
' >"$OUT" 2>"$ERR" || status=$?
		exits 0
		awk '{ exit !($1 > -0.050 && $1 < 0.050) }' "$OUT" || flunk "clock is off by seconds:"
	done
}

@test "a monotonic clock runs at the speed of the host's" {
	status=0
	"$IT/clock.py" --rate "$IRONCLAW" run default -q -i -- python3 -u -c '
import sys, time
for line in sys.stdin:
    print(repr(time.monotonic()))
' >"$OUT" 2>"$ERR" || status=$?
	exits 0
	awk '{ exit !($1 > 0.97 && $1 < 1.03) }' "$OUT" || flunk "rate of the clock:"
}

@test "a clone that writes all of its memory changes neither template nor image" {
	home_copy
	vm --memory 128M -- true
	find -L "$IRONCLAW_HOME/data" -name audit -prune -o -type f -print | sort | xargs sha256sum >before
	[ -s before ]
	vm_sh 'head -c 40000000 /dev/urandom >/tmp/fill; md5sum /tmp/fill >/dev/null; echo x >/etc/motd' \
		--memory 128M -u root
	exits 0
	find -L "$IRONCLAW_HOME/data" -name audit -prune -o -type f -print | sort | xargs sha256sum | diff before -
}
