#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# As planted-paths.bats, by those who are not the caller: another user in /tmp, where an ordinary user has
# RUN when there is no folder of its session; a user to whom the state folder of a run of root belongs;
# and the uid of a jail, which the next VM has again. Root only.

load lib
load canary

OTHER=65533 CALLER=65532

setup() {
	use_tmp
	mkdir -p "$RESULTS"
	use_canary
	DATA=$IRONCLAW_HOME/data
	THEIRS=/tmp/ironclaw-$CALLER
	chmod a+rx "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
}

teardown() {
	stop_vms
	rm -rf "$THEIRS"
}

# as UID COMMAND...: a user without groups and privileges, and with nothing of our environment.
as() {
	local uid=$1

	shift
	setpriv --reuid "$uid" --regid "$uid" --clear-groups -- env -i PATH="$PATH" \
		HOME="$BATS_TEST_TMPDIR/user" IRONCLAW_LIBEXEC="$BATS_TEST_TMPDIR/bin" "$@"
}

# a_caller: an ordinary user with the program and the images; RUN is $THEIRS.
a_caller() {
	local data=user/.local/share/ironclaw

	[ ! -e "$THEIRS" ] || flunk "$THEIRS is there already"
	mkdir -p bin "$data/images" user/.cache
	cp "$BUILT"/ironclaw{,-warden,-keeper,-guest,-qemu-preload.so} bin/
	cp -a "$DATA/images/$IMAGE" "$data/images/"
	cp -a "$DATA/kernels" "$data/"
	chown -R "$CALLER:$CALLER" user
}

caller_runs() {
	status=0
	as "$CALLER" timeout --kill-after=5 60 "$BATS_TEST_TMPDIR/bin/ironclaw" "$@" </dev/null >"$OUT" 2>"$ERR" ||
		status=$?
}

@test "another user has taken the name of RUN in /tmp" {
	local kind

	a_caller
	chown -R "$CALLER:$CALLER" "$CANARY"
	BEFORE=$(fingerprint "$CANARY")
	for kind in folder folder-open link-to-folder link-to-folder-of-his dangling file fifo; do
		case $kind in
		folder) as "$OTHER" mkdir -p -m 0700 "$THEIRS/vms" ;;
		folder-open)
			as "$OTHER" mkdir -m 0777 "$THEIRS"
			as "$OTHER" ln -s "$CANARY/vms" "$THEIRS/vms"
			;;
		link-to-folder) as "$OTHER" ln -s "$CANARY" "$THEIRS" ;;
		link-to-folder-of-his)
			mkdir -p his/vms
			chmod 0777 his his/vms
			chown -R "$OTHER" his
			as "$OTHER" ln -s "$PWD/his" "$THEIRS"
			;;
		dangling) as "$OTHER" ln -s "$CANARY/new" "$THEIRS" ;;
		file) as "$OTHER" touch "$THEIRS" ;;
		fifo) as "$OTHER" mkfifo "$THEIRS" ;;
		esac
		caller_runs ps
		[ "$status" -ne 0 ] || flunk "$kind: ps lists it"
		caller_runs run "$IMAGE" --cold -q -- echo ran
		exits 125
		stdout_empty
		stderr_is_tame
		stderr_has "$THEIRS"
		untouched "$kind"
		[ -z "$(find his -type f 2>/dev/null)" ] || flunk "$kind: $(find his)"
		rm -rf "$THEIRS"
	done
	# Control: nothing else stands in the caller's way.
	caller_runs run "$IMAGE" --cold -q -- echo ran
	exits 0
	stdout_is ran
	# Control: who takes what is there goes where the link leads.
	rm -rf "$THEIRS"
	as "$OTHER" ln -s "$CANARY" "$THEIRS"
	if [ "$(cat /proc/sys/fs/protected_symlinks)" -eq 0 ]; then
		as "$CALLER" mkdir -p "$THEIRS/vms/naive"
		touched "mkdir -p"
	fi
}

# refused_to_root WHAT: every command, and nothing is made there.
refused_to_root() {
	local before

	before=$(fingerprint "$IRONCLAW_HOME")
	for command in "run $IMAGE --cold -q -- true" ps "image ls" "template ls" "audit seccomp" doctor; do
		# shellcheck disable=SC2086 # words
		ic $command </dev/null
		[ "$status" -ne 0 ] || flunk "$1: $command works"
		grep -q "belongs to" "$ERR" "$OUT" || flunk "$1: $command: not told"
	done
	[ "$before" = "$(fingerprint "$IRONCLAW_HOME")" ] || flunk "$1: something was made"
	untouched "$1"
}

@test "root keeps nothing in the state folder of a user, and follows no link of his" {
	own_state
	chown "$OTHER" "$IRONCLAW_HOME"
	refused_to_root "the folder is his"
	chown 0 "$IRONCLAW_HOME"
	rm "$IRONCLAW_HOME/data"
	ln -s "$DATA" "$IRONCLAW_HOME/data"
	chown -h "$OTHER" "$IRONCLAW_HOME/data"
	refused_to_root "the link is his"
	mkdir -p his
	chown "$OTHER" his
	ln -sfn "$PWD/his" "$IRONCLAW_HOME/data"
	refused_to_root "what it leads to is his"
	ln -sfn "$DATA" "$IRONCLAW_HOME/data"
	vm -- true
	exits 0
	# RUN of his, and RUN/vms: what is swept or made is not there.
	for path in "$RUN" "$RUN/vms"; do
		chown "$OTHER" "$path"
		vm -- true
		exits 125
		stderr_has "belongs to another user"
		chown 0 "$path"
	done
	rm -rf "$RUN"
	ln -s "$CANARY" "$RUN"
	chown -h "$OTHER" "$RUN"
	vm -- true
	exits 125
	untouched "RUN is a link of his"
	rm "$RUN"
	vm -- true
	exits 0
}

# uids_of ID: of VMM and keeper.
uids_of() {
	"$IRONCLAW" inspect "$1" --json >inspect.json 2>/dev/null || true
	local who

	for who in vmm keeper; do
		awk '/^Uid:/ { print $2 }' "/proc/$(jq ".status.${who}_pid // .processes.$who.pid" inspect.json)/status"
	done
}

@test "the uids of a jail can plant nothing, in the folders of the living or for who has them next" {
	local uid first path places tried=0 open=$PWD/open

	own_state
	mkdir -m 1777 open
	start_vm first
	uids_of first >uids
	[ "$(wc -l <uids)" -eq 2 ] || flunk "$(cat uids)"
	places=$(
		find "$RUN" "$(readlink -f "$DATA")/templates" -type d
		echo "$IRONCLAW_HOME"
		echo "$CANARY"
		echo /run/ironclaw/uids
		find /sys/fs/cgroup -type d -path '*/ironclaw*' 2>/dev/null | grep -E '/ironclaw(/first)?$' || true
	)
	find "$RUN" /run/ironclaw/uids -type f >files
	while read -r uid <&4; do
		[ "$uid" -ge 65536 ] || flunk "no uid of its own: $uid"
		for path in $places; do
			! as "$uid" mkdir "$path/planted" 2>>refused || flunk "$uid: $path"
			! as "$uid" ln -s "$CANARY" "$path/planted" 2>>refused || flunk "$uid: $path"
			tried=$((tried + 2))
		done
		while read -r path; do
			! as "$uid" sh -c ': <>"$1"' sh "$path" 2>>refused || flunk "$uid writes $path"
			tried=$((tried + 1))
		done <files
		# Control: the same uid plants where everybody may.
		as "$uid" mkdir "$open/planted-$uid"
	done 4<uids
	# It is permission that is lacking (a cgroup has no links: that is refused to everybody).
	[ "$(grep -ciE 'permission denied|operation not permitted' refused)" -eq "$tried" ] || flunk "$(cat refused)"
	# Control: root can.
	mkdir "$RUN/vms/first/planted"
	stop_vms
	nothing_left
	# The next one has the same, unless others of this host are quicker.
	for _ in 1 2 3 4 5; do
		start_vm second
		uids_of second >again
		cmp -s uids again && break
		stop_vms
	done
	cmp uids again || flunk "the uids are not used again"
	uid=$(head -n 1 again)
	[ -z "$(find "$IRONCLAW_HOME" -uid "$uid")" ] || flunk "files of $uid: $(find "$IRONCLAW_HOME" -uid "$uid")"
	[ -z "$(find /run/ironclaw -uid "$uid")" ]
	untouched "the jail's uids"
}
