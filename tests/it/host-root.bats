#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a VM of the host's root has outside of its processes: user ids, cgroup, firewall chain. For root
# only (tests/run).

load lib

setup() {
	use_tmp
}

teardown() {
	stop_vms
	nothing_left
}

# shown ID FILTER: a value of `ironclaw inspect ID --json`.
shown() {
	"$IRONCLAW" inspect "$1" --json | jq -er "$2"
}

@test "each VM has user ids of its own, given back at its end" {
	start_vm one
	start_vm two
	[ "$(shown one .processes.vmm.uids[0])" -ge 1900000000 ]
	[ "$(shown one .processes.vmm.uids[0])" != "$(shown two .processes.vmm.uids[0])" ] || flunk "same uid"
	[ "$(shown one .processes.keeper.uids[0])" != "$(shown one .processes.vmm.uids[0])" ] || flunk "same uid"
	first=$(shown one .processes.vmm.uids[0])
	kill "${PIDS[0]}"
	wait "${PIDS[0]}" || true
	start_vm three
	[ "$(shown three .processes.vmm.uids[0])" = "$first" ] || flunk "ids are not used again"
}

# Of a network namespace of the test's own, so that the machine's rules are not touched.
private_net() {
	unshare --net -- "$@"
}

@test "the firewall has a chain while the VM runs, and nothing afterwards" {
	private_net sh -c '
		"$1" run "$2" -q --name chained -- sh -c "echo up; sleep 60" >out 2>err </dev/null &
		for i in $(seq 300); do ! grep -q up out || break; sleep 0.1; done
		nft list table inet ironclaw >rules
		kill $!
		wait $!
		nft list tables >after
		true' sh "$IRONCLAW" "$IMAGE"
	grep -q 'chain IRONCLAW_chained_' rules || flunk "no chain: $(cat rules err)"
	grep -qE 'elements = \{ 19[0-9]{8} : jump IRONCLAW_chained_' rules || flunk "no jump: $(cat rules)"
	[ ! -s after ] || flunk "left: $(cat after)"
}

@test "a chain of that name that is somebody else's stops the start, and stays" {
	status=0
	# The name of the id "taken" is the hash's to say: one VM tells it.
	private_net sh -c '
		"$1" run "$2" -q --name taken -- sh -c "echo up; sleep 60" >out 2>err </dev/null &
		for i in $(seq 300); do ! grep -q up out || break; sleep 0.1; done
		chain=$(nft list table inet ironclaw | sed -n "s/.*chain \(IRONCLAW_taken_[0-9a-f]*\) .*/\1/p")
		kill $!
		wait $!
		nft add table inet ironclaw
		nft add chain inet ironclaw "$chain"
		nft add rule inet ironclaw "$chain" accept
		nft list ruleset >before
		"$1" run "$2" -q --name taken -- true </dev/null >out 2>err
		echo $? >code
		nft list ruleset >after' sh "$IRONCLAW" "$IMAGE"
	[ "$(cat code)" = 125 ] || flunk "started: $(cat err)"
	grep -qi firewall err || flunk "$(cat err)"
	grep -q accept before
	cmp before after || flunk "changed: $(cat after)"
}

@test "there is no start when the firewall cannot be put up" {
	status=0
	setpriv --bounding-set=-net_admin "$IRONCLAW" run "$IMAGE" -q -- true </dev/null >"$OUT" 2>"$ERR" ||
		status=$?
	exits 125
	stderr_has 'put up the firewall: no CAP_NET_ADMIN'
	stderr_has 'try: '
}

@test "nft is not needed" {
	unshare --mount -- sh -c '
		mount --bind /dev/null "$(command -v nft)"
		exec "$0" run "$1" -q --prove -- echo it runs </dev/null' "$IRONCLAW" "$IMAGE" >"$OUT" 2>"$ERR"
	stdout_has 'it runs'
	stderr_has 'drops, 0 so far'
}

@test "a killed warden's chain, cgroup and ids are swept" {
	# Warden and CLI both: nobody is left who could clean up.
	private_net sh -c '
		"$1" run "$2" -q --name orphan -- sh -c "echo up; sleep 60" >out 2>err </dev/null &
		for i in $(seq 300); do ! grep -q up out || break; sleep 0.1; done
		"$1" inspect orphan --json >proof
		kill -STOP $!
		kill -KILL $(jq .processes.warden.pid proof) $!
		nft list ruleset >between
		"$1" run "$2" -q --name next -- echo next >out2 2>&1 </dev/null
		nft list ruleset >after' sh "$IRONCLAW" "$IMAGE"
	grep -q IRONCLAW_orphan between || flunk "nothing to sweep (control): $(cat between)"
	grep -q next out2 || flunk "$(cat out2)"
	[ ! -s after ] || flunk "left: $(cat after)"
	! find /sys/fs/cgroup -name orphan -path '*ironclaw*' | grep . || flunk "a cgroup is left"
}

# cgroup_file ID V1 V2: the file of that name in the memory cgroup of a VM.
cgroup_file() {
	if [ -d "/sys/fs/cgroup/memory/ironclaw/$1" ]; then
		echo "/sys/fs/cgroup/memory/ironclaw/$1/$2"
	else
		find /sys/fs/cgroup -path "*/ironclaw/$1/$3"
	fi
}

# fill ID [LIMIT_MIB]: a VM fills 150 MiB of its memory, after its cgroup got another limit.
fill() {
	mkfifo go
	"$IRONCLAW" run "$IMAGE" -q -i --name "$1" --memory 256M --overlay 200M -- \
		sh -c 'echo up; read go; dd if=/dev/zero of=/tmp/full bs=1M count=150 2>/dev/null && echo filled' \
		<go >"$OUT" 2>"$ERR" 3>&- &
	PIDS+=($!)
	exec 9>go
	for _ in $(seq 600); do
		! grep -q up "$OUT" || break
		sleep 0.1
	done
	[ -z "${2:-}" ] || echo $(($2 << 20)) >"$(cgroup_file "$1" memory.limit_in_bytes memory.max)"
	echo >&9
	exec 9>&-
	status=0
	wait "${PIDS[0]}" || status=$?
}

@test "a VMM that needs more memory than its cgroup has is killed, and the error says so" {
	fill starved 100
	exits 125
	stderr_has 'out of memory'
	stdout_lacks filled
}

@test "within the limit the same goes well (control)" {
	fill fed
	exits 0
	stdout_has filled
}
