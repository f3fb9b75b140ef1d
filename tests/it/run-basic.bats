#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `ironclaw run`: what goes in, what comes out, and how it ends.

load lib

setup() {
	use_tmp
}

teardown() {
	nothing_left
}

@test "stdout is the command's, byte for byte, and -q leaves stderr to it" {
	vm -- printf 'a\0b\377\nno newline at the end'
	exits 0
	printf 'a\0b\377\nno newline at the end' | cmp - "$OUT"
	stderr_empty
}

@test "stdout and stderr stay apart" {
	vm_sh 'echo to-out; echo to-err >&2'
	exits 0
	stdout_is to-out
	printf 'to-err\n' | cmp - "$ERR"
}

@test "exit codes of the command are passed on" {
	for code in 0 1 2 3 42 63 64 77 99 100 124 125 126 127 128 129 137 143 192 200 254 255; do
		vm_sh "exit $code"
		exits $code
	done
}

@test "128+N when the command died of signal N" {
	for signal in 1 2 3 4 6 7 8 9 10 11 12 13 14 15 34 64; do
		vm_sh "(sleep 0.1; kill -$signal \$\$) & exec sleep 20" # a shell may ignore QUIT
		exits $((128 + signal))
	done
}

@test "127 for a command that is not there, 126 for one that cannot be run" {
	vm -- /no/such/command
	exits 127
	stderr_has /no/such/command
	vm -- no-such-command
	exits 127
	vm -- /etc/passwd
	exits 126
	vm -- /etc
	exits 126
}

@test "a command is found by PATH, and -e PATH changes where" {
	vm_sh 'echo "$PATH"'
	exits 0
	stdout_has /bin
	vm -e PATH=/nowhere -- sh -c true
	exits 127
	vm -e PATH=/nowhere -- /bin/sh -c true
	exits 0
}

@test "124 when --timeout passes, and the command is dead" {
	SECONDS=0
	vm_sh 'trap "" TERM INT HUP; echo started; while :; do sleep 1; done' --timeout 2s
	exits 124
	stdout_is started
	[ $SECONDS -lt 60 ]
	nothing_left
}

@test "a command that ends in time is not touched by --timeout" {
	vm_sh 'echo finished; exit 7' --timeout 60s
	exits 7
	stdout_is finished
}

@test "without -i the command reads nothing" {
	status=0
	echo secret | "$IRONCLAW" run "$IMAGE" -q -- cat >"$OUT" 2>"$ERR" || status=$?
	exits 0
	stdout_empty
}

@test "with -i it reads stdin to its end" {
	printf 'one\ntwo' >in
	ic run "$IMAGE" -q -i -- cat <in
	exits 0
	cmp in "$OUT"
	ic run "$IMAGE" -q -i -- cat </dev/null
	exits 0
	stdout_empty
}

@test "a command that does not read its stdin ends all the same" {
	status=0
	head -c 64M /dev/zero | ic run "$IMAGE" -q -i -- true
	exits 0
	yes 2>/dev/null | ic run "$IMAGE" -q -i -- head -c 4
	exits 0
	printf 'y\ny\n' | cmp - "$OUT"
}

@test "every byte value survives both ways" {
	python3 -c 'import os; os.write(1, bytes(range(256)))' >in
	[ "$(wc -c <in)" -eq 256 ]
	ic run "$IMAGE" -q -i -- cat <in
	exits 0
	cmp in "$OUT"
}

@test "256 MiB of random bytes through cat, hashed on both sides" {
	DEADLINE_S=300
	status=0
	# openssl and friends may be missing: urandom itself is quick enough
	head -c 256M /dev/urandom | tee >(sha256sum >sum.in) |
		timeout 300 "$IRONCLAW" run "$IMAGE" -q -i -- cat 2>"$ERR" | sha256sum >sum.out
	[ "${PIPESTATUS[*]}" = "0 0 0 0" ]
	while [ ! -s sum.in ]; do sleep 0.1; done
	cat sum.in sum.out
	cmp sum.in sum.out
	stderr_empty
}

@test "256 MiB to the guest arrive as they were sent" {
	DEADLINE_S=300
	head -c 256M /dev/urandom >in
	md5sum <in | cut -d' ' -f1 >want
	ic run "$IMAGE" -q -i -- md5sum <in
	exits 0
	cut -d' ' -f1 "$OUT" | cmp - want
	rm -f in
}

@test "a reader that goes away ends the run" {
	set +o pipefail
	timeout 60 "$IRONCLAW" run "$IMAGE" -q -- yes 2>"$ERR" | head -n 1 >"$OUT"
	[ "${PIPESTATUS[0]}" -ne 124 ]
	stdout_is y
	nothing_left
}

@test "what a command leaves in the background does not outlive it" {
	SECONDS=0
	vm_sh 'sleep 1000 & (setsid sleep 1000 >/dev/null 2>&1 &) ; echo started' --timeout 60s
	exits 0
	stdout_is started
}

@test "-e sets variables, later ones win, others stay out" {
	SECRET=host vm_sh 'echo "$A|$B|$SECRET|$HOME"' -e A=1 -e B='x y=z' -e A=2
	exits 0
	[[ $(cat "$OUT") == '2|x y=z||/'* ]] || flunk "environment"
}

@test "-w sets the folder, and one that is not there is an error that names it" {
	vm -w /tmp -- pwd
	exits 0
	stdout_is /tmp
	vm -w /no/such/folder -- pwd
	[ "$status" -ge 125 ] && [ "$status" -le 127 ]
	stderr_has /no/such/folder
	stdout_empty
}

@test "the command is no root unless -u says so" {
	vm_sh 'id -u'
	exits 0
	[ "$(cat "$OUT")" -ne 0 ]
	vm_sh 'id -u; id -g' -u root
	exits 0
	stdout_is $'0\n0'
	vm_sh 'id -u; id -g' -u 1234:5678
	exits 0
	stdout_is $'1234\n5678'
	vm_sh 'id -u' -u no-such-user
	[ "$status" -ge 125 ] && [ "$status" -le 127 ]
	stderr_has no-such-user
}

@test "the user of a command can write its home and /tmp, and nothing of the system" {
	vm_sh 'cd && touch here && touch /tmp/there && echo fine; touch /etc/x 2>/dev/null || echo denied'
	exits 0
	stdout_is $'fine\ndenied'
	vm_sh 'touch /etc/x && echo fine' -u root
	exits 0
	stdout_is fine
}

@test "one VM sees nothing of another, and the image stays as it was" {
	vm_sh 'echo mine >/tmp/mark; echo changed >/etc/motd; cat /tmp/mark' -u root
	exits 0
	stdout_is mine
	vm_sh 'cat /tmp/mark /etc/motd' -u root
	[ "$status" -ne 0 ]
	stdout_lacks mine
	stdout_lacks changed
}

@test "the guest has no network interface but lo, and no device to make one from" {
	vm_sh 'ls /sys/class/net; ls /sys/bus/pci/devices 2>/dev/null | wc -l; cat /proc/net/route | wc -l' -u root
	exits 0
	stdout_is $'lo\n0\n1'
}

@test "--cpus and --memory shape the guest" {
	vm_sh 'nproc; sed -n "s/^MemTotal: *\([0-9]*\) kB/\1/p" /proc/meminfo' --cpus 2 --memory 256M
	exits 0
	[ "$(sed -n 1p "$OUT")" = 2 ]
	local kib
	kib=$(sed -n 2p "$OUT")
	[ "$kib" -gt $((180 * 1024)) ] && [ "$kib" -le $((256 * 1024)) ]
}

@test "--cold boots instead of cloning" {
	vm --cold --json -- echo cold
	exits 0
	json_is .stdout '"cold\n"'
	json_is '.timings_ms | has("boot") and (.boot > 0)' true
	vm --json -- echo warm
	exits 0
	json_is '.timings_ms | has("restore") and (.restore > 0)' true
}

@test "the use of emulation is said in one line, and why; -q is quiet" {
	! runs_on_kvm || skip "KVM works here"
	ic run "$IMAGE" -- true </dev/null
	exits 0
	# (Where no cgroup is to be had, that is another line.)
	[ "$(grep -vc 'nothing limits' "$ERR")" -eq 1 ] || flunk "expected one line"
	stderr_has emulation
	ic run "$IMAGE" --accel tcg -- true </dev/null
	exits 0
	vm -- true
	stderr_empty
}

@test "--accel kvm without a KVM that works fails with the reason" {
	! runs_on_kvm || skip "KVM works here"
	vm --accel kvm -- echo ran
	exits 125
	stdout_empty
	stderr_has kvm
	stderr_is_tame
}

@test "--engine qemu is what auto takes where there is no Firecracker" {
	vm --engine qemu --json -- true
	exits 0
	json_is .engine '"qemu"'
	! command -v firecracker >/dev/null || skip "Firecracker is installed here"
	vm --engine auto --json -- true
	json_is .engine '"qemu"'
}

@test "--engine firecracker without KVM or Firecracker fails with the reason" {
	vm --engine firecracker --accel tcg -- echo ran
	exits 2
	stdout_empty
	stderr_has 'firecracker does not emulate'
	! command -v firecracker >/dev/null || skip "Firecracker is installed here"
	vm --engine firecracker -- echo ran
	exits 125
	stdout_empty
	if runs_on_kvm; then
		stderr_has 'Firecracker is not installed'
	else
		stderr_has 'Firecracker needs KVM'
	fi
	stderr_has '--engine qemu'
	stderr_is_tame
}

@test "--name is the VM's id, and two living VMs do not share one" {
	local id=it-name-$$

	vm --json --name "$id" -- true
	exits 0
	json_is .id "\"$id\""
	"$IRONCLAW" run "$IMAGE" -q --name "$id" -- sh -c 'echo up; sleep 30' >first 2>&1 &
	local first=$!
	for _ in $(seq 300); do
		! grep -q up first || break
		sleep 0.1
	done
	vm --name "$id" -- true
	local second=$status
	kill "$first"
	wait "$first" || true
	status=$second
	exits 125
	stderr_has "$id"
}

@test "--json is one document with every field" {
	vm_sh 'echo out; echo err >&2; exit 3' --json
	exits 3
	json_is '[.image, .engine, .exit_code, .signal, .timed_out, .stdout, .stderr]' \
		'["busybox","qemu",3,null,false,"out\n","err\n"]'
	json_is '.accel == "kvm" or .accel == "tcg"' true
	json_is '.id | test("^[A-Za-z0-9-]{1,64}$")' true
	json_is '.stdout_truncated, .stderr_truncated' $'false\nfalse'
	for key in total vmm_start first_byte command teardown; do
		json_is ".timings_ms.$key | type == \"number\" and . >= 0" true
	done
	[ "$(jq -s length "$OUT")" -eq 1 ]
	stderr_empty
}

@test "--json tells signals and timeouts" {
	vm_sh 'kill -9 $$' --json
	exits 137
	json_is '[.exit_code, .signal, .timed_out]' '[137,9,false]'
	vm_sh 'echo before; sleep 100' --json --timeout 2s
	exits 124
	json_is '[.timed_out, .stdout]' '[true,"before\n"]'
}

@test "--json is valid whatever the bytes" {
	head -c 200000 /dev/urandom >in
	ic run "$IMAGE" -q -i --json -- sh -c 'cat; printf "\\0\\377\\303\\050\\355\\240\\200\\033[2J" >&2' <in
	exits 0
	jq -e . "$OUT" >/dev/null || flunk "not JSON"
	python3 -c 'import json, sys; json.loads(open(sys.argv[1], "rb").read().decode())' "$OUT"
}

@test "--json captures to a limit and says when it cut" {
	vm_sh 'head -c 40000000 /dev/zero | tr "\0" x; echo end >&2' --json
	exits 0
	json_is '[.stdout_truncated, .stderr_truncated]' '[true,false]'
	json_is '.stdout | length > 1000000' true
	json_is .stderr '"end\n"'
}

@test "20 runs at once" {
	local pids=() i failed=0

	for i in $(seq 20); do
		timeout 120 "$IRONCLAW" run "$IMAGE" -q -- sh -c "echo $i" >"out.$i" 2>"err.$i" </dev/null &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || failed=$((failed + 1))
	done
	cat err.*
	[ $failed -eq 0 ]
	[ "$(cat out.* | sort -n | tr '\n' ' ')" = "$(seq -s ' ' 20) " ]
}
