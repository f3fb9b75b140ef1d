#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Another ordinary user of the host: sees none of the state, reaches no process, reads no secret.
# Root only: it starts a VM and looks as somebody else.

load lib

setup() {
	use_tmp
	mkdir -p "$RESULTS"
	home_of_ours
	RUN_PID=""
	# The state folder is what protects, not the folders above it.
	chmod a+rx "$BATS_RUN_TMPDIR" "$RESULTS" "$BATS_TEST_TMPDIR"
	HOST_FILE=$IRONCLAW_HOME/host-file
	echo seen >"$HOST_FILE"
	chmod 0644 "$HOST_FILE"
}

teardown() {
	[ -z "$RUN_PID" ] || kill "$RUN_PID" 2>/dev/null || true
	[ -z "$RUN_PID" ] || wait "$RUN_PID" || true
}

# other COMMAND...: as a user without groups and privileges.
other() {
	setpriv --reuid 65533 --regid 65533 --clear-groups --no-new-privs -- "$@"
}

start() {
	SECRET=hunter2 "$IRONCLAW" run "$IMAGE" -q --name others -e SECRET=hunter2 -- sleep 60 \
		</dev/null >"$OUT" 2>"$ERR" 3>&- &
	RUN_PID=$!
	for _ in $(seq 300); do
		! "$IRONCLAW" inspect others --json >inspect.json 2>/dev/null || return 0
		kill -0 "$RUN_PID" || flunk "it ended"
		sleep 0.1
	done
	flunk "it does not start"
}

@test "RUN, the folders of VMs and the record of denials are closed to others" {
	local path

	start
	for path in "$IRONCLAW_HOME/run" "$IRONCLAW_HOME/run/vms" "$IRONCLAW_HOME/run/vms/others"; do
		! other ls "$path" >/dev/null 2>&1 || flunk "listed: $path"
		ls "$path" >/dev/null # control
	done
	for path in run/denials run/vms/others/status run/vms/others/lock; do
		[ -e "$IRONCLAW_HOME/$path" ] || continue
		! other cat "$IRONCLAW_HOME/$path" >/dev/null 2>&1 || flunk "read: $path"
	done
	# Control: the same user reads what is open.
	other cat "$HOST_FILE" >/dev/null
}

@test "nothing in the state folder may be written by others, and no memory of a guest read" {
	# Of a state folder as the program makes it: ours has files made writable for the other suites.
	cp -a "$IRONCLAW_HOME/data" "$BATS_TEST_TMPDIR/data"
	mkdir "$BATS_TEST_TMPDIR/home"
	mv "$BATS_TEST_TMPDIR/data" "$BATS_TEST_TMPDIR/home/data"
	rm -rf "$BATS_TEST_TMPDIR/home/data/templates"
	chmod 0644 "$BATS_TEST_TMPDIR/home/data/images/$IMAGE/root.erofs"
	(umask 0 && IRONCLAW_HOME=$BATS_TEST_TMPDIR/home "$IRONCLAW" run "$IMAGE" -q -- true </dev/null)
	[ -z "$(find "$BATS_TEST_TMPDIR/home" -perm /022 ! -type l)" ] ||
		flunk "writable: $(find "$BATS_TEST_TMPDIR/home" -perm /022 ! -type l)"
	other cat "$BATS_TEST_TMPDIR"/home/data/templates/*/ram >/dev/null 2>&1 &&
		flunk "a template's memory was read"
	cat "$BATS_TEST_TMPDIR"/home/data/templates/*/ram >/dev/null # control
}

@test "no secret in arguments; environment, descriptors and memory of the processes are closed" {
	local pid who

	start
	for who in vmm keeper warden; do
		pid=$(jq ".status.${who}_pid // .processes.$who.pid" inspect.json)
		[ -d "/proc/$pid" ] || flunk "no $who"
		! other cat "/proc/$pid/cmdline" | tr '\0' ' ' | grep -q hunter2 || flunk "$who: a secret in ps"
		for path in environ maps mem fd root cwd; do
			! other ls "/proc/$pid/$path/" >/dev/null 2>&1 || flunk "$who: $path"
			! other head -c 1 "/proc/$pid/$path" >/dev/null 2>&1 || flunk "$who: $path"
		done
		! other kill -0 "$pid" 2>/dev/null || flunk "$who: signalled"
	done
	# Controls: a process of the same user is open to it.
	other sh -c 'kill -0 $$ && head -c 1 /proc/$$/maps >/dev/null && ls /proc/$$/fd/ >/dev/null'
}

@test "a name that somebody else took first is not used: the lease's folder" {
	# Of root's leases: the folder belongs to root, and others cannot make a file there.
	local dir

	dir=$(find /run/ironclaw* -maxdepth 1 -type d 2>/dev/null | head -n 1)
	[ -n "$dir" ] || skip "there is no folder of leases"
	[ "$(stat -c %u "$dir")" -eq 0 ]
	! other touch "$dir/squatted" 2>/dev/null || flunk "squatted"
}
