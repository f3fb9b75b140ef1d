#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The cgroup of a VMM: each limit acts on what is in the group and on nothing else, the group is made
# exclusively, and it goes. On cgroup v1 and v2, whichever the machine has.

load lib

setup() {
	use_tmp
	TOOL=$(dirname "$IRONCLAW")/tests/limits_tool
	[ -x "$TOOL" ] || skip "only with the programs of a build tree"
	ID=limits-$$-$BATS_TEST_NUMBER
	KIND=$("$TOOL" available)
}

teardown() {
	[ -x "$TOOL" ] || return 0
	"$TOOL" remove "$ID"
	[ -z "$(folders)" ] || flunk "left: $(folders)"
}

# tool ARG...: run it; $status and $OUT.
tool() {
	status=0
	timeout --kill-after=5 "$DEADLINE_S" "$TOOL" "$@" >"$OUT" 2>"$ERR" || status=$?
}

needs_limits() {
	[ "$KIND" != none ] || skip "this user may make no cgroup here"
}

needs_root() {
	is_root || skip "needs root"
}

# folders: the group's, one a hierarchy.
folders() {
	find /sys/fs/cgroup -type d \( -path "*/ironclaw/$ID" -o -name "ironclaw-$ID" \) 2>/dev/null
}

# value FILE: of the group; the hierarchy that has such a file is meant.
value() {
	local folder

	for folder in $(folders); do
		if [ -e "$folder/$1" ]; then
			cat "$folder/$1"
			return 0
		fi
	done
	return 1
}

# make MIB PIDS CPU_PERCENT: must succeed.
make() {
	tool make "$ID" $(($1 << 20)) "$2" "$3" 1
	stdout_is "$KIND"
}

# occupied: wait for the first process in the group.
occupied() {
	for _ in $(seq 100); do
		[ -z "$(value cgroup.procs)" ] || return 0
		sleep 0.05
	done
	flunk "nothing came into the group"
}

# One of each hierarchy, and with v2 just one.
mounts() {
	case $KIND in
	v1) awk '/ - cgroup / && $NF ~ /(^|,)(memory|pids|cpu)(,|$)/ { print $5 }' /proc/self/mountinfo ;;
	v2) awk '/ - cgroup2 / { print $5; exit }' /proc/self/mountinfo ;;
	esac
}

@test "the kernel keeps what was asked for, swap is closed, and a process is in every line" {
	local line

	needs_limits
	make 64 17 150
	[ "$(value pids.max)" = 17 ]
	if [ "$KIND" = v2 ]; then
		[ "$(value memory.max)" = $((64 << 20)) ]
		[ "$(value memory.oom.group)" = 1 ]
		[ "$(value cpu.max)" = "150000 100000" ]
		[ "$(value memory.swap.max || { [ "$(wc -l </proc/swaps)" -eq 1 ] && echo 0; })" = 0 ]
	else
		[ "$(value memory.limit_in_bytes)" = $((64 << 20)) ]
		[ "$(value memory.memsw.limit_in_bytes || echo $((64 << 20)))" = $((64 << 20)) ]
		[ "$(value memory.swappiness)" = 0 ]
		[ "$(value cpu.cfs_quota_us)/$(value cpu.cfs_period_us)" = 150000/100000 ]
	fi
	# Read from outside: its own cgroup namespace shows it less.
	"$TOOL" run "$ID" "$KIND" sleep 60 3>&- &
	occupied
	cp "/proc/$(value cgroup.procs)/cgroup" "$OUT"
	"$TOOL" remove "$ID"
	wait $! || true
	if [ "$KIND" = v2 ]; then
		grep -qE "^0::/.*ironclaw[/-]$ID\$" "$OUT" || flunk "not in the group"
	else
		for line in memory pids cpu; do
			grep -qE "^[0-9]+:([a-z_,]*,)?$line(,[a-z_,]*)?:/.*ironclaw/$ID\$" "$OUT" ||
				flunk "not in the line of $line"
		done
	fi
}

@test "a process that is moved in from outside is in, and one that is gone is an error" {
	needs_limits
	make 64 8 100
	sleep 60 3>&- &
	tool join "$ID" "$KIND" $!
	exits 0
	value cgroup.procs | grep -qx $!
	kill $!
	wait $! || true
	tool join "$ID" "$KIND" $!
	stdout_is ESRCH
}

@test "memory beyond the limit is death and said so; less is not, and outside it is nothing" {
	needs_limits
	make 48 8 100
	tool run "$ID" "$KIND" "$TOOL" eat 16
	stdout_is 'ate 16'
	tool oom "$ID" "$KIND"
	stdout_is no
	tool run "$ID" "$KIND" "$TOOL" eat 80
	exits 137
	stdout_empty
	tool oom "$ID" "$KIND"
	stdout_is yes
	tool eat 80
	stdout_is 'ate 80'
}

@test "no more processes than allowed, while a neighbour outside forks" {
	needs_limits
	make 64 9 100
	tool run "$ID" "$KIND" "$TOOL" fork 40
	stdout_is '8 EAGAIN'
	tool fork 40
	stdout_is '40 ok'
}

@test "two busy threads are held at half a processor; with room for four they are not" {
	local throttled

	needs_limits
	make 64 9 50
	tool run "$ID" "$KIND" "$TOOL" spin 2 600
	exits 0
	throttled=$(value cpu.stat | awk '$1 == "nr_throttled" { print $2 }')
	[ "$throttled" -gt 0 ] || flunk "never throttled"
	"$TOOL" remove "$ID"
	make 64 9 400
	tool run "$ID" "$KIND" "$TOOL" spin 2 600
	exits 0
	throttled=$(value cpu.stat | awk '$1 == "nr_throttled" { print $2 }')
	[ "$throttled" -eq 0 ] || flunk "throttled $throttled times"
}

@test "an empty leftover is replaced, with limits of its own" {
	needs_limits
	make 64 9 100
	make 96 11 100
	[ "$(value pids.max)" = 11 ]
}

@test "a group in use is neither taken nor swept; remove kills what is in it, and twice is fine" {
	local pid tool_pid

	needs_limits
	make 64 9 100
	"$TOOL" run "$ID" "$KIND" sleep 60 3>&- &
	tool_pid=$!
	occupied
	pid=$(value cgroup.procs)
	tool make "$ID" $((96 << 20)) 11 100 1
	stdout_is EEXIST
	tool sweep "$ID"
	stdout_is EBUSY
	[ "$(value pids.max)" = 9 ]
	kill -0 "$pid" || flunk "it was killed"
	tool remove "$ID"
	stdout_is ok
	status=0
	wait "$tool_pid" || status=$?
	exits 137
	[ -z "$(folders)" ]
	tool remove "$ID"
	stdout_is ok
	tool sweep "$ID"
	stdout_is ok
}

@test "the parent goes with the last group, and stays for another" {
	local mount

	needs_limits
	make 64 9 100
	tool make "$ID-2" $((64 << 20)) 9 100 1
	tool remove "$ID"
	tool make "$ID" $((64 << 20)) 9 100 1
	stdout_is "$KIND"
	tool remove "$ID"
	tool remove "$ID-2"
	stdout_is ok
	for mount in $(mounts); do
		[ ! -d "$mount/ironclaw" ] || [ -n "$(ls -d "$mount"/ironclaw/*/)" ] ||
			flunk "$mount/ironclaw is left"
	done
}

@test "starts and ends at the same time do not take the parent from each other" {
	local n round

	needs_limits
	for n in 1 2 3 4; do
		for round in $(seq 30); do
			"$TOOL" make "$ID-$n" $((64 << 20)) 8 100 1
			"$TOOL" remove "$ID-$n"
		done >"said.$n" 3>&- &
	done
	wait
	for n in 1 2 3 4; do
		[ "$(sort "said.$n" | uniq -c | tr -s ' \n' ' ')" = " 30 ok 30 $KIND " ] ||
			flunk "$(sort "said.$n" | uniq -c)"
	done
}

@test "wrong limits are refused, and nothing is made" {
	needs_limits
	for limits in '0 8 100' '4095 8 100' '67108864 0 100' '67108864 8 0'; do
		# shellcheck disable=SC2086 # three words
		tool make "$ID" $limits 1
		stdout_is EINVAL
		[ -z "$(folders)" ]
	done
	# More than the kernel can count: it keeps "max", which is no limit.
	tool make "$ID" 18446744073709551615 8 100 1
	exits 1
	[ -z "$(folders)" ]
	make 64 8 100
}

@test "a mount in the group's place is not entered" {
	local mount

	needs_root
	needs_limits
	mount=$(mounts | head -1)
	mkdir -p canary/"$ID"
	make 64 8 100
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare --mount --propagation private -- sh -ec '
		mount --bind "$1" "$2/ironclaw/$4"
		"$3" make "$4" 67108864 8 100 1 || true
		"$3" remove "$4" || true
		umount "$2/ironclaw/$4"
		mount --bind "$1" "$2/ironclaw"
		"$3" make "$4" 67108864 8 100 1 || true
		"$3" remove "$4" || true' sh "$PWD/canary" "$mount" "$TOOL" "$ID" >"$OUT"
	[ "$(tr '\n' ' ' <"$OUT")" = 'EXDEV EXDEV EXDEV EXDEV ' ] || flunk "not what was expected"
	[ -d "canary/$ID" ]
	[ -z "$(ls -A "canary/$ID")" ]
	# A symbolic link cannot even be planted.
	if ln -s "$PWD/canary" "$mount/ironclaw-link-$$" 2>/dev/null; then
		flunk "a link in a cgroup file system"
	fi
	# The control: without the mounts it works.
	make 64 8 100
}

# as_user COMMAND...: as somebody without any right here, with a copy of the tool that it can reach.
as_user() {
	setpriv --reuid 65534 --regid 65534 --clear-groups -- "$@"
}

user_tool() {
	USER_DIR=$(mktemp -d /tmp/ironclaw-limits.XXXXXX)
	chmod 755 "$USER_DIR"
	install -m 755 "$TOOL" "$USER_DIR/tool"
}

@test "an ordinary user has none, and that is refused when it is required" {
	needs_root
	needs_limits
	user_tool
	as_user "$USER_DIR/tool" available >said.available
	as_user "$USER_DIR/tool" make "$ID" 67108864 8 100 0 >said.optional
	as_user "$USER_DIR/tool" make "$ID" 67108864 8 100 1 >said.required || true
	make 64 8 100
	as_user "$USER_DIR/tool" join "$ID" "$KIND" $$ >said.join || true
	as_user "$USER_DIR/tool" remove "$ID" >said.remove || true
	rm -r "$USER_DIR"
	[ "$(cat said.available)" = none ]
	[ "$(cat said.optional)" = none ]
	[ "$(cat said.required)" = EOPNOTSUPP ]
	# Another user's group of the same name: neither entered nor removed.
	[ "$(cat said.join)" = ENOENT ]
	[ -n "$(folders)" ]
}

@test "a user to whom a folder of cgroup v2 is delegated has limits, beside the own cgroup" {
	local mount top

	needs_root
	needs_limits
	[ "$KIND" = v2 ] || skip "no cgroup v2 with controllers here"
	mount=$(mounts)
	top=$mount/limits-test-$$
	user_tool
	echo '+memory +pids +cpu' >"$mount/cgroup.subtree_control"
	mkdir "$top"
	echo '+memory +pids +cpu' >"$top/cgroup.subtree_control"
	mkdir "$top/leaf"
	chown -R 65534:65534 "$top/leaf"
	cat >inside <<-'END'
		echo $$ >"$1/leaf/cgroup.procs"
		user='setpriv --reuid 65534 --regid 65534 --clear-groups --'
		$user "$2" available
		chown 65534:65534 "$1" "$1/cgroup.procs" "$1/cgroup.subtree_control"
		$user "$2" make "$3" 50331648 9 50 1
		$user "$2" run "$3" v2 "$2" fork 40
		$user "$2" run "$3" v2 "$2" eat 80 || true
		$user "$2" oom "$3" v2
		$user "$2" remove "$3"
	END
	sh -e inside "$top" "$USER_DIR/tool" "$ID" >"$OUT" 2>"$ERR"
	rmdir "$top/leaf" "$top"
	rm -r "$USER_DIR"
	[ "$(tr '\n' ' ' <"$OUT")" = 'none v2 8 EAGAIN yes ok ' ] || flunk "not what was expected"
}
