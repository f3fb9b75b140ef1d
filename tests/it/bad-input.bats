#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Wrong, huge and hostile input: a clear error or the command's own failure, and the host unharmed.

load lib

setup() {
	use_tmp
}

teardown() {
	nothing_left
}

# usage_error ARG...: exit code 2, nothing on stdout, a short message that says TEXT.
usage_error() {
	ic "${@:2}" </dev/null
	exits 2
	stdout_empty
	stderr_is_tame
	stderr_has "$1"
}

# works: the next run is as good as ever.
works() {
	vm -- echo fine
	exits 0
	stdout_is fine
}

@test "command lines that make no sense are usage errors" {
	usage_error 'no command'
	usage_error bogus bogus
	usage_error --bogus --bogus
	usage_error --bogus run --bogus -- true
	usage_error 'command' run
	usage_error 'command' run "$IMAGE" --
	usage_error 'command' run "$IMAGE" -- ''
	usage_error --cpus run "$IMAGE" --cpus
	usage_error --timeout run "$IMAGE" --timeout soon -- true
	usage_error --timeout run "$IMAGE" --timeout 0 -- true
	usage_error engine run "$IMAGE" --engine bochs -- true
	usage_error accel run "$IMAGE" --accel fast -- true
	usage_error 'NAME=VALUE' run "$IMAGE" -e =x -- true
	usage_error absolute run "$IMAGE" -w relative -- true
	usage_error two run one two -- true
}

@test "a mistyped command or flag gets a hint" {
	ic imag ls </dev/null
	exits 2
	stderr_has image
}

@test "terminal escapes in what the user gave are shown, not obeyed" {
	ic run $'evil\x1b[2J\x07' -q -- true </dev/null
	[ "$status" -ne 0 ]
	stderr_is_tame
	ic $'\x1b[31mred' </dev/null
	exits 2
	stderr_is_tame
	vm -- $'no-such\x1b[2J'
	exits 127
	stderr_is_tame
}

@test "an unknown image is an error that says how to get one" {
	ic run no-such-image -q -- echo ran </dev/null
	exits 125
	stdout_empty
	stderr_has no-such-image
	stderr_has 'image build'
	for name in ../busybox /etc/passwd '' . .. 'a/b'; do
		ic run "$name" -q -- echo ran </dev/null
		[ "$status" -eq 2 ] || [ "$status" -eq 125 ] || flunk "image name '$name'"
		stdout_empty
	done
}

@test "an argument list of 2 MiB arrives, or is refused before anything starts" {
	# As much as execve(2) takes here: strings of 100 kB, a little below the limit.
	local args=() i big

	big=$(head -c 100000 /dev/zero | tr '\0' x)
	for i in $(seq 18); do
		args+=("$big")
	done
	vm -- sh -c 'echo $# ${#18}' sh "${args[@]}"
	if [ "$status" -eq 0 ]; then
		stdout_is '18 100000'
	else
		[ "$status" -eq 125 ] || [ "$status" -eq 126 ] || flunk "expected 0, 125 or 126"
		stderr_is_tame
		stderr_has large
	fi
	works
}

@test "many small arguments arrive in order" {
	vm -- sh -c 'echo $#; shift 29998; echo $1' sh $(seq 29999)
	exits 0
	stdout_is $'29999\n29999'
}

@test "more arguments than the limit are refused with a clear error" {
	vm -- true $(seq 200000)
	[ "$status" -eq 2 ] || [ "$status" -eq 125 ] || [ "$status" -eq 126 ] || flunk "expected a refusal"
	stderr_is_tame
	works
}

@test "10,000 variables arrive" {
	local flags=() i

	for i in $(seq 10000); do
		flags+=(-e "V$i=$i")
	done
	vm "${flags[@]}" -- sh -c 'echo $V1 $V5000 $V10000; env | grep -c "^V[0-9]"'
	exits 0
	stdout_is $'1 5000 10000\n10000'
}

@test "invalid UTF-8 in arguments and variables arrives as it is" {
	vm -e $'V=\xff\xfe' -- sh -c 'printf "%s|%s" "$1" "$V"' sh $'\xc3\x28\xed\xa0\x80'
	exits 0
	printf '\303\050\355\240\200|\377\376' | cmp - "$OUT"
}

@test "a NUL cannot be smuggled through a configuration" {
	printf '{"image": "busybox\\u0000/../default"}' >vm.json
	ic run -q --config vm.json -- echo ran </dev/null
	[ "$status" -eq 2 ] || [ "$status" -eq 125 ]
	stdout_empty
}

@test "closed and odd standard descriptors" {
	status=0
	timeout 60 "$IRONCLAW" run "$IMAGE" -q -- echo hi <&- >"$OUT" 2>"$ERR" || status=$?
	exits 0
	stdout_is hi
	status=0
	timeout 60 "$IRONCLAW" run "$IMAGE" -q -- echo hi </dev/null >&- 2>"$ERR" || status=$?
	[ "$status" -ne 124 ]
	status=0
	timeout 60 "$IRONCLAW" run "$IMAGE" -q -- echo hi </dev/null >/dev/full 2>"$ERR" || status=$?
	[ "$status" -ne 124 ]
	[ "$status" -ne 0 ] || flunk "output was lost and nobody was told"
}

@test "an endless flood of output is stopped by the timeout, and our memory stays small" {
	status=0
	timeout 90 "$IRONCLAW" run "$IMAGE" -q --timeout 5s -- yes >"$OUT.big" 2>"$ERR" &
	local pid=$! peak=0 kib p
	for _ in $(seq 40); do
		for p in $(processes_below "$pid"); do
			# The VMM is as large as its guest; everything else of ours is small.
			! grep -q '^qemu' "/proc/$p/comm" 2>/dev/null || continue
			kib=$(sed -n 's/^RssAnon:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$p/status" 2>/dev/null || true)
			[ "${kib:-0}" -le "$peak" ] || peak=$kib
		done
		sleep 0.1
	done
	wait "$pid" || status=$?
	exits 124
	[ "$(stat -c %s "$OUT.big")" -gt 1000000 ]
	[ "$peak" -gt 0 ] && [ "$peak" -lt 16384 ] || flunk "private memory reached $peak KiB"
	rm -f "$OUT.big"
}

@test "a flood on stderr, and on both at once, loses nothing" {
	vm_sh 'i=0; while [ $i -lt 20000 ]; do echo out-$i; echo err-$i >&2; i=$((i+1)); done'
	exits 0
	[ "$(wc -l <"$OUT")" -eq 20000 ]
	[ "$(wc -l <"$ERR")" -eq 20000 ]
	[ "$(tail -n 1 "$OUT")" = out-19999 ]
	[ "$(tail -n 1 "$ERR")" = err-19999 ]
}

@test "a fork bomb stays in its VM" {
	vm_sh 'echo start; b() { b | b & }; b; sleep 100' --timeout 6s
	[ "$status" -ne 0 ]
	stdout_has start
	nothing_left
	works
}

@test "a command that eats all memory dies of it, not the host" {
	vm_sh 'echo start; tail /dev/zero; echo "tail: $?"' --memory 128M --timeout 60s
	stdout_has start
	[ "$status" -eq 137 ] || stdout_has 'tail: 137'
	works
}

@test "a full overlay is the command's failure" {
	vm_sh 'head -c 90000000 /dev/zero >/tmp/fill || echo full; rm /tmp/fill; echo over' \
		--overlay 64M --timeout 60s
	exits 0
	stdout_is $'full\nover'
}

@test "root in the guest that kills everything ends its run with an error" {
	vm_sh 'echo start; kill -9 -1; sleep 30' -u root --timeout 5s
	[ "$status" -ne 0 ]
	stdout_has start
	nothing_left
	works
}

@test "a guest that goes down under its command is told as such" {
	for how in 'poweroff -f' 'reboot -f' 'halt -f'; do
		vm_sh "echo start; $how; sleep 30" -u root --timeout 4s
		stdout_has start
		if [ "$status" -eq 125 ]; then
			stderr_is_tame 30
		else
			exits 124 # a halted machine is silent
		fi
		nothing_left
	done
}

# Root in the guest takes the agent's own end of the link and writes to it.
garbage='
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
for fd in os.listdir("/proc/1/fd"):
    if "vport" in os.readlink("/proc/1/fd/" + fd):
        pidfd = libc.syscall(434, 1, 0)
        link = libc.syscall(438, pidfd, int(fd), 0)
        if link < 0:
            sys.exit("cannot take the link: " + os.strerror(ctypes.get_errno()))
        print("start", flush=True)
        import time; time.sleep(0.5)
        os.write(link, eval(sys.argv[1]))
        time.sleep(20)
        sys.exit(0)
sys.exit("the agent has no link?")
'

@test "garbage on the link ends the run with an error that says so" {
	for bytes in 'os.urandom(65536)' 'b"\0" * 4096' \
		'(0x7fffffff).to_bytes(4, "little") + bytes([21, 2, 1, 0])' \
		'(0).to_bytes(4, "little") + bytes([17, 0, 1, 0])' \
		'(4).to_bytes(4, "little") + bytes([20, 2, 9, 0]) + b"evil"' \
		'(6).to_bytes(4, "little") + bytes([9, 0, 0, 0]) + b"\x1b[2J\x07!"'; do
		ic run default -q -u root --timeout 60s -- python3 -c "$garbage" "$bytes" </dev/null
		stdout_has start
		exits 125
		stderr_is_tame 5
		nothing_left
	done
	works
}

@test "a broken image is an error that names it and the command to rebuild" {
	home_copy
	printf X | dd of="$IRONCLAW_HOME/data/images/busybox/root.erofs" bs=1 seek=5000 conv=notrunc 2>/dev/null
	vm -- echo ran
	exits 125
	stdout_empty
	stderr_has busybox
	stderr_has 'image build'
	ic image inspect busybox
	[ "$status" -ne 0 ] || stdout_has busybox
}

@test "an image with a broken or missing manifest is not used" {
	home_copy
	local manifest=$IRONCLAW_HOME/data/images/busybox/manifest.json
	for text in '' '{' '[]' '{"sha256": 5}' '{"sha256": "xyz"}'; do
		printf '%s' "$text" >"$manifest"
		vm -- echo ran
		exits 125
		stdout_empty
		stderr_is_tame
	done
	rm "$manifest"
	vm -- echo ran
	exits 125
	stdout_empty
}

@test "no kernel is an error that says how to get one" {
	home_copy
	rm -rf "$IRONCLAW_HOME/data/kernels" "$IRONCLAW_HOME/data/templates"
	vm -- echo ran
	exits 125
	stdout_empty
	stderr_has kernel
}

@test "a damaged template is never used" {
	home_copy
	vm --memory 128M -- true
	exits 0
	local file

	for file in "$IRONCLAW_HOME"/data/templates/*/{ram,state,manifest.json}; do
		[ -f "$file" ]
		for damage in flip cut; do
			[ "$damage" = flip ] || [ "${file##*/}" = ram ] || continue
			rm -rf "$BATS_TEST_TMPDIR/keep"
			cp -a "$IRONCLAW_HOME/data/templates" "$BATS_TEST_TMPDIR/keep"
			chmod u+w "$file"
			case $damage in
			flip) python3 -c '
import os, sys
with open(sys.argv[1], "r+b") as f:
    at = os.path.getsize(sys.argv[1]) // 2
    f.seek(at)
    c = f.read(1)[0]
    f.seek(at)
    f.write(bytes([c ^ 0x40]))' "$file" ;;
			cut) truncate -s $(($(stat -c %s "$file") / 2)) "$file" ;;
			esac
			vm --memory 128M -- echo fine
			if [ "$status" -eq 0 ]; then
				stdout_is fine # it was rebuilt, or what is damaged is not used
			else
				exits 125
				stdout_empty
				stderr_is_tame
				stderr_has template
			fi
			rm -rf "$IRONCLAW_HOME/data/templates"
			cp -a "$BATS_TEST_TMPDIR/keep" "$IRONCLAW_HOME/data/templates"
		done
	done
}

@test "a state folder that others can write is not used" {
	home_copy
	mkdir -p "$IRONCLAW_HOME/run"
	chmod 777 "$IRONCLAW_HOME/run"
	vm -- echo ran
	exits 125
	stdout_empty
	stderr_has "$IRONCLAW_HOME/run"
}

@test "a relative IRONCLAW_HOME is refused" {
	IRONCLAW_HOME=relative vm -- echo ran
	exits 2
	stdout_empty
	stderr_has relative
}
