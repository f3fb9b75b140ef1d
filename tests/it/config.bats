#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a VM is to be: from --config and from flags, checked whole, and enforced.

load lib

setup() {
	use_tmp
}

teardown() {
	nothing_left
}

# with JSON [FLAG...] -- CMD...: run with a configuration.
with() {
	printf '%s' "$1" >vm.json
	shift
	ic run -q --config vm.json "$@" </dev/null
}

# refused FIELD...: a failure before any VM, that names each field.
refused() {
	[ "$status" -eq 2 ] || [ "$status" -eq 125 ] || flunk "expected 2 or 125"
	stdout_empty
	stderr_is_tame 40
	for field in "$@"; do
		stderr_has "$field"
	done
}

@test "a configuration with every supported field is enforced" {
	with '{"vm_id": "it-config-full", "image": "busybox", "vcpu_count": 2, "memory_mb": 256,
		"rootfs": {"read_only": true, "overlay": {"type": "tmpfs", "size_mb": 64}},
		"enable_networking": false, "engine": "qemu", "accel": "auto", "timeout_ms": 60000}' \
		--json -- sh -c 'nproc; df -m / | tail -n 1'
	exits 0
	json_is '[.id, .image, .engine]' '["it-config-full","busybox","qemu"]'
	[ "$(json .stdout | head -n 1)" = 2 ]
	[ "$(json .stdout | sed -n 's/^[^ ]* *\([0-9]*\) .*/\1/p' | tail -n 1)" -le 65 ]
}

@test "a flag wins over the file" {
	with '{"image": "busybox", "vcpu_count": 1, "vm_id": "from-file"}' \
		--cpus 2 --name from-flag --json -- nproc
	exits 0
	json_is '[.id, .stdout]' '["from-flag","2\n"]'
}

@test "the overlay holds what it was given and no more" {
	with '{"image": "busybox", "rootfs": {"overlay": {"size_mb": 64}}}' -u root -- \
		sh -c 'head -c 40000000 /dev/zero >/var/fill && echo fits; head -c 90000000 /dev/zero >/var/more || echo full'
	exits 0
	stdout_is $'fits\nfull'
}

@test "timeout_ms of the file is enforced" {
	with '{"image": "busybox", "timeout_ms": 1500}' -- sleep 60
	exits 124
}

@test "a time limit holds while nobody reads the output" {
	printf '{"image": "busybox", "timeout_ms": 1500}' >vm.json
	SECONDS=0
	status=0
	{ timeout 60 "$IRONCLAW" run -q --config vm.json -- yes </dev/null 2>"$ERR" || echo $? >code; } |
		(sleep 8 && cat >/dev/null)
	[ "$(cat code)" -eq 124 ] || flunk "expected 124, got $(cat code)"
	[ $SECONDS -lt 30 ]
}

@test "an unknown key is refused by name, at every depth" {
	with '{"image": "busybox", "vcpus": 2}' -- echo ran
	refused vcpus
	with '{"image": "busybox", "rootfs": {"readonly": true}}' -- echo ran
	refused readonly
}

@test "enable_networking true is refused, false is what is there anyway" {
	with '{"image": "busybox", "enable_networking": true}' -- echo ran
	refused enable_networking
	with '{"image": "busybox", "enable_networking": false}' -- echo ran
	exits 0
}

@test "all violations are told at once" {
	with '{"vm_id": "no spaces!", "image": "busybox", "vcpu_count": 33, "memory_mb": 127,
		"enable_networking": true, "rootfs": {"read_only": false, "overlay": {"size_mb": 63}}}' -- echo ran
	refused vm_id vcpu_count memory_mb enable_networking read_only size_mb
}

@test "bounds hold on both sides" {
	for cpus in 0 33 -1 4294967297 1x ''; do
		vm --cpus "$cpus" -- echo ran
		refused
		grep -qE 'vcpu_count|processors' "$ERR" || flunk "expected the field's name"
	done
	for memory in 0 1M 127M 1T 18446744073709551616 -5 abc; do
		vm --memory "$memory" -- echo ran
		refused
		grep -qE 'memory_mb|not a size' "$ERR" || flunk "expected the field's name"
	done
	vm --memory 128M -- echo ran
	exits 0
}

@test "names are held to their alphabet and length" {
	local long=aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234

	for name in '' 'a b' 'a/b' ../x "${long}5" $'a\nb' 'ü'; do
		vm --name "$name" -- echo ran
		refused vm_id
	done
	vm --name "$long" -- echo ran
	exits 0
}

@test "options that this version does not enforce are refused, not ignored" {
	with '{"image": "busybox", "seccomp_filter": "none"}' -- echo ran
	refused seccomp_filter
	with '{"image": "busybox", "vsock_path": "/tmp/v.sock"}' -- echo ran
	refused vsock_path
	with '{"image": "busybox", "rootfs": {"overlay": {"type": "ext4"}}}' -- echo ran
	refused overlay
	with '{"image": "busybox", "engine": "bochs"}' -- echo ran
	refused engine
}

@test "a kernel and a root file system of the user's own" {
	local kernel=$IRONCLAW_HOME/data/kernels/small/bzImage
	local rootfs=$IRONCLAW_HOME/data/images/busybox/root.erofs

	[ -f "$kernel" ] || skip "the small kernel is not built"
	with "{\"kernel_path\": \"$kernel\", \"rootfs_path\": \"$rootfs\"}" -- echo own
	exits 0
	stdout_is own
	with "{\"image\": \"busybox\", \"rootfs_path\": \"$rootfs\"}" -- echo ran
	refused rootfs_path
	with '{"rootfs_path": "/no/such/file"}' -- echo ran
	refused /no/such/file
	with "{\"rootfs_path\": \"$kernel\"}" -- echo ran
	refused erofs
}

@test "broken documents are refused whole" {
	for text in '' '[]' '{' 'null' '{"image": 5}' '{"image": "busybox"} x' \
		'{"image": "busybox", "image": "default"}' '{"vcpu_count": 1.5}' '{"vcpu_count": "1"}' \
		'{"memory_mb": -1}' '{"memory_mb": 1e99}' '{"image": "a\u0000b"}' $'{"image": "\xff"}'; do
		with "$text" -- echo ran
		refused
	done
	python3 -c 'print("[" * 200000 + "]" * 200000)' >vm.json
	ic run -q --config vm.json -- echo ran </dev/null
	refused
	python3 -c 'print("{\"image\": \"" + "a" * 1000000 + "\"}")' >vm.json
	ic run -q --config vm.json -- echo ran </dev/null
	refused
}

@test "a configuration that cannot be read is an error that names it" {
	ic run -q --config none.json -- echo ran </dev/null
	refused none.json
	mkdir folder.json
	ic run -q --config folder.json -- echo ran </dev/null
	refused folder.json
	mkfifo fifo.json
	ic run -q --config fifo.json -- echo ran </dev/null
	refused fifo.json
	if ! is_root; then
		echo '{}' >secret.json
		chmod 000 secret.json
		ic run -q --config secret.json -- echo ran </dev/null
		refused secret.json
	fi
}
