#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `ironclaw template`: the saved VMs that runs start from.

load lib

setup() {
	use_tmp
	SHARED_HOME=$IRONCLAW_HOME
	home_copy
	TEMPLATES=$IRONCLAW_HOME/data/templates
	rm -rf "$TEMPLATES"
}

teardown() {
	nothing_left
}

@test "the first run builds one, the second uses it" {
	vm --json -- true
	exits 0
	[ "$(find "$TEMPLATES" -mindepth 1 -maxdepth 1 -type d | wc -l)" -eq 1 ]
	local id
	id=$(ls -i "$TEMPLATES")
	vm --json -- true
	exits 0
	json_is '.timings_ms | has("restore")' true
	[ "$(ls -i "$TEMPLATES")" = "$id" ]
}

@test "build, ls, rm" {
	ic template build "$IMAGE" </dev/null
	exits 0
	ic template ls
	exits 0
	stdout_has "$IMAGE"
	ic template ls --json
	exits 0
	json_is 'length' 1
	json_is '.[0].image' '"busybox"'
	local id
	id=$("$IRONCLAW" template ls -q)
	ic template rm "$id"
	exits 0
	ic template ls -q
	exits 0
	stdout_empty
}

@test "another shape is another template" {
	vm -- true
	vm --memory 256M -- true
	vm --cpus 2 -- true
	ic template ls -q
	exits 0
	[ "$(wc -l <"$OUT")" -eq 3 ] || flunk "expected three templates"
}

@test "warm-up commands have run before the save" {
	ic template build "$IMAGE" --warm 'echo warmed >/tmp/mark' </dev/null
	exits 0
	vm -- cat /tmp/mark
	exits 0
	stdout_is warmed
}

@test "a warm-up command that fails builds no template" {
	ic template build "$IMAGE" --warm 'exit 3' </dev/null
	[ "$status" -ne 0 ]
	stderr_is_tame 10
	ic template ls -q
	stdout_empty
	# Later runs do not depend on it either.
	vm -- echo fine
	exits 0
	stdout_is fine
}

@test "what a killed builder left goes with the next build, of whatever template" {
	"$IRONCLAW" template build "$IMAGE" --memory 200M --warm 'sleep 60' >"$OUT" 2>"$ERR" </dev/null &
	local pid=$!
	for _ in $(seq 100); do
		! compgen -G "$IRONCLAW_HOME/data/templates/.new-*" >/dev/null || break
		sleep 0.1
	done
	kill -KILL "$pid"
	wait "$pid" || true
	compgen -G "$IRONCLAW_HOME/data/templates/.new-*" >/dev/null || flunk "nothing was in the making"
	for _ in $(seq 50); do
		[ -n "$(vm_folders)" ] || break
		sleep 0.1
	done
	vm -- echo fine
	exits 0
	! compgen -G "$IRONCLAW_HOME/data/templates/.new-*" >/dev/null || flunk "still there"
}

@test "an image that is replaced while its template is built makes no template of the wrong one" {
	local images=$IRONCLAW_HOME/data/images

	"$IRONCLAW" template build "$IMAGE" --memory 200M --warm 'sleep 3' >"$OUT" 2>"$ERR" </dev/null &
	local pid=$!
	sleep 2
	cp -a "$images/$IMAGE" "$images/other"
	printf '\1' | dd of="$images/other/root.erofs" bs=1 seek=1500000 conv=notrunc status=none
	sha=$(sha256sum "$images/other/root.erofs" | cut -d' ' -f1)
	jq --arg sha "$sha" '.sha256 = $sha' "$images/other/manifest.json" >m && cp m "$images/other/manifest.json"
	mv "$images/$IMAGE" "$images/first"
	mv "$images/other" "$images/$IMAGE"
	status=0
	wait "$pid" || status=$?
	[ "$status" -ne 0 ] || flunk "expected a failure"
	stderr_has 'changed meanwhile'
	ic template ls -q
	stdout_empty
}

@test "many first runs at once build one template" {
	local pids=() i failed=0

	for i in 1 2 3 4; do
		timeout 120 "$IRONCLAW" run "$IMAGE" -q -- echo "$i" >"out.$i" 2>"err.$i" </dev/null &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || failed=$((failed + 1))
	done
	cat err.*
	[ $failed -eq 0 ]
	[ "$(find "$TEMPLATES" -mindepth 1 -maxdepth 1 -type d | wc -l)" -eq 1 ] || flunk "$(ls -la "$TEMPLATES")"
}

# sectors_read_by_python FLAG...: what a first python3 reads from the disk, in sectors of 512 bytes.
sectors_read_by_python() {
	IRONCLAW_HOME=$SHARED_HOME ic run default -q "$@" -- sh -c '
		read -r _ _ before _ </sys/block/vda/stat
		python3 -c "print(1)" >/dev/null
		read -r _ _ after _ </sys/block/vda/stat
		echo $((after - before))' </dev/null
	exits 0
	cat "$OUT"
}

@test "the default image's template has run python3: a clone need not read it again" {
	[ "$(sectors_read_by_python)" -lt 2048 ]
	[ "$(sectors_read_by_python --cold)" -gt 8192 ] # the control
}

@test "a disk that fills while a template is built is named, and nothing is left" {
	local small=$BATS_TEST_TMPDIR/small

	mkdir "$small"
	# A file system of 50 MiB of our own, in namespaces of our own.
	status=0
	unshare --user --map-root-user --mount bash -c '
		mount -t tmpfs -o size=50m none "$1" || exit 99
		mkdir -p "$1/data/images" "$1/data/kernels"
		cp -a "$2/data/images/$4" "$1/data/images/"
		cp -a "$2/data/kernels/default" "$2/data/kernels/$(cat "$2/data/kernels/default")" "$1/data/kernels/"
		IRONCLAW_HOME=$1 timeout 100 "$3" run "$4" -q -- echo hi </dev/null
		status=$?
		find "$1/data/templates" -name ram | grep . && exit 98
		exit $status' sh "$small" "$IRONCLAW_HOME" "$IRONCLAW" "$IMAGE" >"$OUT" 2>"$ERR" || status=$?
	exits 125
	stderr_has 'no space left'
	stderr_is_tame
}
