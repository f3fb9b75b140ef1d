#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The tree in which a VMM lives, seen from outside: exactly the files that it needs, each the host's
# own and read-only. What must be there is found out here by other means than the program's.

load lib

setup() {
	use_tmp
	RUN_PID=""
}

teardown() {
	stop_vm
	nothing_left
}

# start_vm [FLAG...]: a VM that waits; sets RUN_PID, VMM, and TREE, the root of the VMM.
start_vm() {
	"$IRONCLAW" run "$IMAGE" -q "$@" -- sh -c 'echo ready; sleep 60' \
		</dev/null >"$OUT" 2>"$ERR" 3>&- &
	RUN_PID=$!
	for _ in $(seq 600); do
		! grep -q ready "$OUT" || break
		kill -0 "$RUN_PID" || break
		sleep 0.1
	done
	stdout_has ready
	VMM=$(vmm_below "$RUN_PID") || flunk "there is no VMM"
	TREE=/proc/$VMM/root
	[ -r "$TREE/vm" ] || skip "the VMM's root cannot be read by this user"
	for PROGRAM in $(command -v qemu-system-x86_64-microvm qemu-system-x86_64); do
		[ ! "$PROGRAM" -ef "$TREE/usr/bin/qemu-system-x86_64" ] || return 0
	done
	flunk "the VMM is no QEMU of this host"
}

stop_vm() {
	[ -n "$RUN_PID" ] || return 0
	kill "$RUN_PID" 2>/dev/null || true
	wait "$RUN_PID" || true
	RUN_PID=""
}

# expected: "TYPE PATH HOST" of all that a VMM needs, whatever starts it; HOST is empty for folders.
expected() {
	local prefix module name host

	prefix=$(dirname "$(dirname "$(realpath "$PROGRAM")")")
	printf 'd %s\n' dev lib lib64 usr usr/bin usr/share usr/share/qemu vm
	echo "f usr/bin/qemu-system-x86_64 $PROGRAM"
	echo "c dev/null /dev/null"
	if grep -qz '^kvm$' "/proc/$VMM/cmdline"; then
		echo "c dev/kvm /dev/kvm"
	else
		module=$prefix/lib/x86_64-linux-gnu/qemu/accel-tcg-x86_64.so
		if [ -e "$module" ]; then
			printf 'd %s\n' usr/lib usr/lib/x86_64-linux-gnu usr/lib/x86_64-linux-gnu/qemu
			echo "f usr/lib/x86_64-linux-gnu/qemu/accel-tcg-x86_64.so $module"
		fi
	fi
	ldd "$PROGRAM" | sed -n 's/^\t\([^ /]*\) => \(\/.*\) (0x.*/\1 \2/p' |
		while read -r name host; do
			echo "f lib/$name $host"
		done
	echo "f lib64/ld-linux-x86-64.so.2 /lib64/ld-linux-x86-64.so.2"
	echo "f vm/image $IRONCLAW_HOME/data/images/$IMAGE/root.erofs"
}

# firmware NAME...
firmware() {
	local name host

	for name in "$@"; do
		host=/usr/share/qemu/$name
		[ -e "$host" ] || host=/usr/share/seabios/$name
		echo "f usr/share/qemu/$name $host"
	done
}

# tree_is: the tree holds what the file `want` lists, and nothing else.
tree_is() {
	local type path host

	cut -d ' ' -f 1,2 want | sort >want-names
	# %Y asks for the file that is mounted, not for what the folder says of the place below it.
	find "$TREE/" -mindepth 1 -printf '%Y %P\n' | sort >names
	diff -u want-names names >&2 || flunk "the tree is not what it must be"
	find "$TREE/" -type l >links
	[ ! -s links ] || flunk "symlinks: $(cat links)"
	while read -r type path host; do
		[ -z "$host" ] || [ "$TREE/$path" -ef "$host" ] ||
			flunk "$type $path is not the host's $host"
	done <want
	# No privilege to be had from a file; not even the marks of one.
	find "$TREE/" -perm /6000 >privileged
	[ ! -s privileged ] || flunk "with privilege: $(cat privileged)"
}

# mounts_are_read_only [PATH]: all but PATH; and each file is a mount of its own.
mounts_are_read_only() {
	awk '{ print $6 " " $5 }' "/proc/$VMM/mountinfo" | sort >mounts
	grep -q '^ro,.* /$' mounts || flunk "the root can be written"
	grep -v '^ro,' mounts >writable || true
	[ ! -s writable ] || flunk "can be written: $(cat writable)"
	{ echo / && sed -n 's/^[fc] \([^ ]*\).*/\/\1/p' want; } | sort >want-mounts
	cut -d ' ' -f 2 mounts | sort | diff -u want-mounts - >&2 || flunk "other mounts"
	# Devices work nowhere but in /dev, programs of another user nowhere.
	! grep -v 'nosuid' mounts || flunk "setuid"
	! grep -v ' /dev/' mounts | grep -v 'nodev' || flunk "devices"
}

@test "the tree of a clone is exactly what its VMM needs, read-only" {
	start_vm
	{
		expected
		firmware bios-microvm.bin
		echo "f lib/ironclaw-qemu-preload.so $(dirname "$IRONCLAW")/ironclaw-qemu-preload.so"
		echo "f vm/ram"
	} >want
	tree_is
	mounts_are_read_only
	# Control: the list is not empty, and what was left out is on the host.
	[ "$(grep -c '^f lib/' want)" -ge 5 ]
	[ -e /usr/share/qemu/kvmvapic.bin ]
	[ ! -e "$TREE/usr/share/qemu/kvmvapic.bin" ]
	[ -e /etc/ld.so.cache ]
	[ ! -e "$TREE/etc" ]
}

@test "the tree of a booting VM has its kernel and what enters one, and no memory of a template" {
	start_vm --cold
	{
		expected
		firmware bios-microvm.bin pvh.bin linuxboot_dma.bin
		echo "f vm/kernel"
		echo "f vm/initramfs"
	} >want
	tree_is
	mounts_are_read_only
}

@test "a record of libraries that is damaged or wrong costs no start" {
	local record

	home_copy
	vm --cold -- true
	exits 0
	record=$(ls "$IRONCLAW_HOME"/run/libraries-*)
	cp "$record" good
	# Cut short, garbled, and of another host: made anew.
	for change in 's/libc\.so/libd.so/g' '3d' 's/^[0-9a-f]*$/0/'; do
		sed -i "$change" "$record"
		! cmp -s good "$record" || flunk "the record was not changed"
		vm --cold -- true
		exits 0
		cmp good "$record"
	done
}
