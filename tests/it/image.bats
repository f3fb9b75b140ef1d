#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `ironclaw image`: built whole or not at all, found by name, trusted by digest.

load lib

setup() {
	use_tmp
	home_copy
	IMAGES=$IRONCLAW_HOME/data/images
}

@test "ls shows the images, as a table, as names, as JSON" {
	ic image ls
	exits 0
	stdout_has NAME
	stdout_has busybox
	ic image ls -q
	exits 0
	grep -qx busybox "$OUT"
	ic image ls --json
	exits 0
	json_is 'map(.name) | index("busybox") != null' true
}

@test "an empty list says so, and is an empty document" {
	rm -rf "$IMAGES"
	ic image ls
	exits 0
	cat "$OUT" "$ERR" | grep -qi 'no images' || flunk "expected a word about it"
	ic image ls --json
	exits 0
	json_is . '[]'
	ic image ls -q
	exits 0
	stdout_empty
}

@test "inspect tells what is in an image" {
	ic image inspect busybox
	exits 0
	json_is .name '"busybox"'
	json_is '.sha256 | test("^[0-9a-f]{64}$")' true
	[ "$(json .sha256)" = "$(sha256sum <"$IMAGES/busybox/root.erofs" | cut -d' ' -f1)" ]
	ic image inspect none
	exits 1
	stderr_has none
}

@test "rm removes an image, and only that" {
	cp -a "$IMAGES/busybox" "$IMAGES/other"
	ic image rm other
	exits 0
	[ ! -e "$IMAGES/other" ]
	[ -e "$IMAGES/busybox/root.erofs" ]
	ic image rm other
	exits 1
	stderr_has other
	for name in .. . ../../data /etc ''; do
		ic image rm "$name"
		[ "$status" -ne 0 ] || flunk "rm '$name'"
	done
	[ -e "$IMAGES/busybox/root.erofs" ]
}

@test "the busybox image is built and runs" {
	rm -rf "$IMAGES"
	ic image build busybox </dev/null
	exits 0
	[ -f "$IMAGES/busybox/root.erofs" ]
	[ -f "$IMAGES/busybox/manifest.json" ]
	vm -- echo built
	exits 0
	stdout_is built
}

@test "building twice at once gives one whole image" {
	rm -rf "$IMAGES"
	timeout 100 "$IRONCLAW" image build busybox </dev/null >first 2>&1 &
	local first=$!
	timeout 100 "$IRONCLAW" image build busybox </dev/null >second 2>&1 || true
	wait "$first" || true
	vm -- echo built
	exits 0
	[ "$(find "$IMAGES" -mindepth 1 -maxdepth 1 -type d | wc -l)" -eq 1 ] || flunk "$(ls -la "$IMAGES")"
}

@test "a killed build leaves nothing that is taken for an image" {
	rm -rf "$IMAGES"
	for delay in 0.01 0.03 0.06 0.1 0.2; do
		"$IRONCLAW" image build busybox </dev/null >/dev/null 2>&1 &
		local build=$!
		sleep $delay
		kill -KILL $build 2>/dev/null || true
		wait $build || true
		vm -- echo whole
		[ "$status" -eq 0 ] || exits 125
	done
	ic image build busybox </dev/null
	exits 0
	vm -- echo whole
	exits 0
	[ "$(find "$IMAGES" -mindepth 1 -maxdepth 1 -type d | wc -l)" -eq 1 ] || flunk "$(ls -la "$IMAGES")"
}

@test "a full disk while building is an error, and leaves no image" {
	local small=$BATS_TEST_TMPDIR/small

	mkdir -p "$small"
	# A file system of 600 KiB of our own, in namespaces of our own.
	unshare --user --map-root-user --mount true 2>/dev/null || skip "no user namespaces"
	status=0
	unshare --user --map-root-user --mount bash -c '
		mount -t tmpfs -o size=600k tmpfs "$1" || exit 99
		mkdir -p "$1/home/run" && chmod 700 "$1/home" "$1/home/run"
		IRONCLAW_HOME=$1/home timeout 100 "$2" image build busybox </dev/null
		status=$?
		find "$1/home/data" -name root.erofs | grep . && exit 98
		exit $status' sh "$small" "$IRONCLAW" >"$OUT" 2>"$ERR" || status=$?
	exits 1
	stderr_is_tame 20
	grep -qiE 'no space|full' "$ERR" || flunk "expected a word about the disk"
}

@test "names are held to their alphabet" {
	for name in ../x a/b .hidden -x 'a b' UPPER ''; do
		ic image build "$name" </dev/null
		[ "$status" -ne 0 ] || flunk "image build '$name'"
	done
	ic image build busybox --include 'bad;package' </dev/null
	[ "$status" -ne 0 ]
	stderr_is_tame
}
