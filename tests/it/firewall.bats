#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The host firewall: what src/firewall loads, tried with real packets. Root only: as an ordinary
# user there is no host firewall.
#
# Three network namespaces, made here, stand for the host, a VM's own end and a machine beyond:
#
#	VM  10.77.2.2 ---- ic........ 10.77.2.1 HOST 10.77.1.1 ---- beyond0 10.77.1.2 BEYOND
#
# (fd77:2::2 and so on). The rules are in HOST, where `ic........` is the interface of the VM's name.
# In each a server answers. No packet leaves them.

load lib

VM_ID=fire-1
VM_UID=61231
NEIGHBOUR_ID=fire-2
NEIGHBOUR_UID=61232

# Where a process on the host could go: loopback, the host's own addresses, the machine beyond.
HOST_TARGETS=(127.0.0.1 ::1 10.77.1.1 fd77:1::1 10.77.1.2 fd77:1::2)

setup() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	use_tmp
	TOOL=$(dirname "$IRONCLAW")/tests/firewall_tool
	TRAFFIC=$(<"$IT/firewall_traffic.py")
	read -r CHAIN INTERFACE < <("$TOOL" names "$VM_ID")
	HOST=ic-test-$$-host BEYOND=ic-test-$$-beyond VM=ic-test-$$-vm
	local ns
	for ns in "$HOST" "$BEYOND" "$VM"; do
		ip netns add "$ns"
		# Addresses are to be used at once, so without a search for duplicates.
		in_ns "$ns" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
			echo 0 >/proc/sys/net/ipv6/conf/all/accept_dad'
		ip -n "$ns" link set lo up
		in_ns "$ns" sh -c 'echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range'
	done
	wire "$HOST" beyond0 1 "$BEYOND"
	wire "$HOST" "$INTERFACE" 2 "$VM"
	ip -n "$BEYOND" route add 10.77.2.0/24 via 10.77.1.1
	ip -n "$BEYOND" route add fd77:2::/64 via fd77:1::1
	ip -n "$VM" route add default via 10.77.2.1
	ip -n "$VM" route add default via fd77:2::1
	in_ns "$HOST" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward
		echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
	for ns in "$HOST" "$BEYOND" "$VM"; do
		in_ns "$ns" /usr/bin/python3 -c "$TRAFFIC" serve >"$ns.ready" 3>&- &
	done
	for ns in "$HOST" "$BEYOND" "$VM"; do
		wait_for "$ns.ready" ready
	done
	settle
}

# New interfaces look for their neighbours first: until the farthest way works.
settle() {
	local i

	for ((i = 0; i < 20; i++)); do
		! all through "$VM" 0 udp -- 10.77.1.2 fd77:1::2 >/dev/null || return 0
	done
	flunk "the namespaces have no connection"
}

teardown() {
	local ns

	for ns in "$HOST" "$BEYOND" "$VM"; do
		# With the servers, whatever else a failed test left there.
		ip netns pids "$ns" 2>/dev/null | xargs -r kill -KILL 2>/dev/null || true
		ip netns delete "$ns" 2>/dev/null || true
	done
}

in_ns() { # NS CMD...
	ip netns exec "$@"
}

# wire NS DEV NET PEER: a cable from DEV in NS (address .1) to eth0 in PEER (address .2).
wire() {
	ip -n "$1" link add "$2" type veth peer name eth0 netns "$4"
	ip -n "$1" address add "10.77.$3.1/24" dev "$2"
	ip -n "$1" address add "fd77:$3::1/64" dev "$2" nodad
	ip -n "$4" address add "10.77.$3.2/24" dev eth0
	ip -n "$4" address add "fd77:$3::2/64" dev eth0 nodad
	ip -n "$1" link set "$2" up
	ip -n "$4" link set eth0 up
}

wait_for() { # FILE WORD
	local i

	for ((i = 0; i < 200; i++)); do
		! grep -qx "$2" "$1" 2>/dev/null || return 0
		sleep 0.05
	done
	flunk "no '$2' in $1"
}

# tool ARG...: firewall_tool in HOST; sets $status, OUT and ERR.
tool() {
	status=0
	in_ns "$HOST" timeout 60 "$TOOL" "$@" >"$OUT" 2>"$ERR" || status=$?
}

nft_host() {
	in_ns "$HOST" nft "$@"
}

rules() {
	nft_host -s list ruleset
}

rules_lack() { # TEXT
	! rules | grep -F "$1" || flunk "not expected in the rules: $1"
}

succeeds() { # ARG...: of the tool
	tool "$@"
	exits 0
}

# fails ERRNO TEXT ARG...: ERRNO may be several, with bars.
fails() {
	local errno=$1 text=$2

	shift 2
	tool "$@"
	exits 1
	grep -qE "^($errno): " "$ERR" || flunk "expected $errno"
	stderr_has "$text"
}

# targets PROTO... -- ADDR...
targets() {
	local protos=() p a

	while [ "$1" != -- ]; do
		protos+=("$1")
		shift
	done
	shift
	for a in "$@"; do
		for p in "${protos[@]}"; do
			echo "$p/$a"
		done
	done
}

# all OUTCOME NS UID PROTO... -- ADDR...: each of them has this outcome. "raw" sockets get their
# capability.
all() {
	local outcome=$1 ns=$2 uid=$3 list=()

	shift 3
	mapfile -t list < <(targets "$@")
	[ "${#list[@]}" -gt 0 ]
	in_ns "$ns" setpriv --reuid "$uid" --regid "$uid" --clear-groups \
		--inh-caps=-all,+net_raw --ambient-caps=-all,+net_raw \
		/usr/bin/python3 -c "$TRAFFIC" reach "${list[@]}" >reached
	[ "$(grep -c . reached)" -eq "${#list[@]}" ]
	if grep -v " $outcome\$" reached; then
		flunk "expected of uid $uid: $outcome"
	fi
}

packets() {
	succeeds verify "$VM_ID" "$VM_UID"
	cat "$OUT"
}

@test "firewall: a process of the VM's uid reaches nothing, a neighbour everything" {
	local every=(tcp udp ping raw -- "${HOST_TARGETS[@]}") before

	all through "$HOST" "$VM_UID" "${every[@]}"
	succeeds add "$VM_ID" "$VM_UID"
	before=$(packets)
	[ "$before" -eq 0 ]
	all blocked "$HOST" "$VM_UID" "${every[@]}"
	# One packet a target at least.
	[ "$(packets)" -ge 24 ]
	all through "$HOST" "$NEIGHBOUR_UID" "${every[@]}"
	all through "$HOST" 0 "${every[@]}"
	succeeds remove "$VM_ID" "$VM_UID"
	all through "$HOST" "$VM_UID" "${every[@]}"
	[ -z "$(rules)" ]
}

@test "firewall: nothing comes in, passes or goes out by the VM's interface" {
	local protos=(tcp udp ping) before

	check() { # OUTCOME
		all "$1" "$VM" 0 "${protos[@]}" -- 10.77.2.1 fd77:2::1     # input
		all "$1" "$VM" 0 "${protos[@]}" -- 10.77.1.1 fd77:1::1     # input, another address
		all "$1" "$VM" 0 "${protos[@]}" -- 10.77.1.2 fd77:1::2     # forward, in by it
		all "$1" "$BEYOND" 0 "${protos[@]}" -- 10.77.2.2 fd77:2::2 # forward, out by it
		all "$1" "$HOST" 0 "${protos[@]}" -- 10.77.2.2 fd77:2::2   # output
	}
	check through
	succeeds add "$VM_ID" "$VM_UID"
	before=$(packets)
	check blocked
	[ "$(packets)" -ge $((before + 30)) ]
	# The other interface is nobody's.
	all through "$BEYOND" 0 "${protos[@]}" -- 10.77.1.1 fd77:1::1
	succeeds remove "$VM_ID" "$VM_UID"
	check through
}

@test "firewall: an accept of somebody else's does not let the VM's packets live" {
	for priority in -400 -310 0 300; do
		nft_host -f - <<-END
			table inet other { chain out$priority {
				type filter hook output priority $priority; accept; }; }
		END
	done
	succeeds add "$VM_ID" "$VM_UID"
	all blocked "$HOST" "$VM_UID" tcp udp ping -- 127.0.0.1 10.77.1.2 fd77:1::2
	all through "$HOST" "$NEIGHBOUR_UID" tcp udp ping -- 127.0.0.1 10.77.1.2 fd77:1::2
}

@test "firewall: a connected socket of the uid hears no more" {
	# What is to come has as long as a loaded host needs.
	hears() { # UID WORD SECONDS
		in_ns "$HOST" setpriv --reuid "$1" --regid "$1" --clear-groups \
			/usr/bin/python3 -c "$TRAFFIC" hear 10.77.1.1 10.77.1.2 "$3" >heard 3>&- &
		local listener=$!

		wait_for heard ready
		in_ns "$BEYOND" /usr/bin/python3 -c "$TRAFFIC" tell 10.77.1.2 10.77.1.1
		wait "$listener"
		grep -qx "$2" heard || flunk "uid $1: expected $2"
	}
	hears "$VM_UID" heard 30
	succeeds add "$VM_ID" "$VM_UID"
	hears "$VM_UID" nothing 3
	hears "$NEIGHBOUR_UID" heard 30
}

@test "firewall: two ids that begin with the same 16 characters have two chains" {
	local a=sixteen-same-chr-a b=sixteen-same-chr-b chain_a chain_b

	read -r chain_a _ < <("$TOOL" names "$a")
	read -r chain_b _ < <("$TOOL" names "$b")
	[ "$chain_a" != "$chain_b" ]
	succeeds add "$a" "$VM_UID"
	succeeds add "$b" "$NEIGHBOUR_UID"
	succeeds verify "$a" "$VM_UID"
	succeeds verify "$b" "$NEIGHBOUR_UID"
	succeeds remove "$a" "$VM_UID"
	rules_lack "$chain_a"
	succeeds verify "$b" "$NEIGHBOUR_UID"
	all through "$HOST" "$VM_UID" tcp -- 127.0.0.1
	all blocked "$HOST" "$NEIGHBOUR_UID" tcp -- 127.0.0.1
	succeeds remove "$b" "$NEIGHBOUR_UID"
	[ -z "$(rules)" ]
}

# broken TEXT CMD...: add, do what somebody with root could, and see it reported; the control is
# that the same VM verified before.
broken() {
	local text=$1

	shift
	succeeds add "$VM_ID" "$VM_UID"
	succeeds verify "$VM_ID" "$VM_UID"
	nft_host "$@"
	fails EIO "$text" verify "$VM_ID" "$VM_UID"
	succeeds remove "$VM_ID" "$VM_UID"
	[ -z "$(rules)" ]
}

@test "firewall: whatever detaches or opens the chain is reported, and removed all the same" {
	local t="inet ironclaw"

	broken "element inet ironclaw uids is missing" delete element "$t" uids "{ $VM_UID }"
	broken "element inet ironclaw interfaces is missing" delete element "$t" interfaces "{ $INTERFACE }"
	broken "rule inet ironclaw output, number 1, is missing" flush chain "$t" output
	broken "rule inet ironclaw input, number 1, differs" insert rule "$t" input accept
	broken "rule inet ironclaw forward, number 3, does not belong there" \
		add rule "$t" forward ip saddr 10.0.0.1 accept
	broken "rule inet ironclaw $CHAIN, number 1, differs" insert rule "$t" "$CHAIN" tcp dport 22 accept
	broken "rule inet ironclaw $CHAIN, number 2, does not belong there" add rule "$t" "$CHAIN" accept
	broken "rule inet ironclaw $CHAIN, number 1, is missing" flush chain "$t" "$CHAIN"
	broken "chain inet ironclaw output differs in its policy" chain "$t" output "{ policy drop; }"
	broken "chain inet ironclaw output is missing" delete chain "$t" output
	broken "switched off" add table "$t" "{ flags dormant; }"
	broken "table inet ironclaw is missing" flush ruleset
	broken "table inet ironclaw is missing" delete table "$t"
}

@test "firewall: a jump that leads elsewhere is reported" {
	succeeds add "$VM_ID" "$VM_UID"
	nft_host -f - <<-END
		add chain inet ironclaw open
		add rule inet ironclaw open accept
		delete element inet ironclaw uids { $VM_UID }
		add element inet ironclaw uids { $VM_UID : jump open }
	END
	all through "$HOST" "$VM_UID" tcp -- 127.0.0.1
	fails EIO "element inet ironclaw uids differs in its chain to jump to" verify "$VM_ID" "$VM_UID"
}

@test "firewall: base chains that somebody emptied or opened are whole after the next start" {
	succeeds add "$NEIGHBOUR_ID" "$NEIGHBOUR_UID"
	nft_host flush chain inet ironclaw output
	nft_host insert rule inet ironclaw input accept
	nft_host add table inet ironclaw '{ flags dormant; }'
	all through "$HOST" "$NEIGHBOUR_UID" tcp -- 127.0.0.1
	succeeds add "$VM_ID" "$VM_UID"
	succeeds verify "$NEIGHBOUR_ID" "$NEIGHBOUR_UID"
	all blocked "$HOST" "$NEIGHBOUR_UID" tcp -- 127.0.0.1
	all blocked "$HOST" "$VM_UID" tcp -- 127.0.0.1
}

@test "firewall: a chain of that name, the uid or the interface of another owner refuses the start" {
	local before plant

	for plant in "add chain inet ironclaw $CHAIN" \
		"add chain inet ironclaw $CHAIN { comment \"$VM_ID\" ; }" \
		"add chain inet ironclaw $CHAIN { comment \"another\" ; }
		 add rule inet ironclaw $CHAIN accept"; do
		nft_host -f - <<-END
			add table inet ironclaw
			$plant
		END
		before=$(rules)
		fails EEXIST "File exists: create chain inet ironclaw $CHAIN" add "$VM_ID" "$VM_UID"
		[ "$(rules)" = "$before" ]
		nft_host flush ruleset
	done
	succeeds add "$NEIGHBOUR_ID" "$NEIGHBOUR_UID"
	before=$(rules)
	fails EEXIST "create element inet ironclaw uids" add "$VM_ID" "$NEIGHBOUR_UID"
	[ "$(rules)" = "$before" ]
	fails EEXIST "create chain" add "$NEIGHBOUR_ID" "$NEIGHBOUR_UID"
	[ "$(rules)" = "$before" ]
	nft_host add element inet ironclaw interfaces "{ $INTERFACE : drop }"
	before=$(rules)
	fails EEXIST "create element inet ironclaw interfaces" add "$VM_ID" "$VM_UID"
	[ "$(rules)" = "$before" ]
	# The control.
	nft_host delete element inet ironclaw interfaces "{ $INTERFACE }"
	succeeds add "$VM_ID" "$VM_UID"
}

@test "firewall: a base chain that is not ours refuses the start" {
	local before

	nft_host -f - <<-'END'
		add table inet ironclaw
		add chain inet ironclaw output { type filter hook output priority 0; policy accept; }
	END
	before=$(rules)
	# The word for a priority that differs is the kernel's choice, and changed after Linux 6.1.
	fails 'EIO|EEXIST' "add chain inet ironclaw output" add "$VM_ID" "$VM_UID"
	[ "$(rules)" = "$before" ]
}

@test "firewall: a table that another process owns refuses the start" {
	mkfifo commands
	nft_host -i <commands >/dev/null 2>&1 3>&- &
	exec 9>commands
	echo 'add table inet ironclaw { flags owner; }' >&9
	for _ in $(seq 100); do
		! rules | grep -q owner || break
		sleep 0.05
	done
	fails EIO "Operation not permitted: add " add "$VM_ID" "$VM_UID"
	rules_lack "$CHAIN"
	# The control: its owner's end takes the table along.
	exec 9>&-
	wait $!
	[ -z "$(rules)" ]
	succeeds add "$VM_ID" "$VM_UID"
}

@test "firewall: a map that forgets is found when the rules are read back" {
	local before

	nft_host -f - <<-'END'
		add table inet ironclaw
		add map inet ironclaw uids { type uid : verdict; flags timeout; timeout 1h; }
	END
	tool add "$VM_ID" "$VM_UID"
	exits 1
	rules_lack "$CHAIN"
}

@test "firewall: what is not ours is not removed" {
	local before

	# The same id with another uid: a VM of another state folder.
	succeeds add "$VM_ID" "$VM_UID"
	before=$(rules)
	succeeds remove "$VM_ID" "$NEIGHBOUR_UID"
	[ "$(rules)" = "$before" ]
	succeeds remove "$NEIGHBOUR_ID" "$NEIGHBOUR_UID"
	[ "$(rules)" = "$before" ]
	succeeds remove "$VM_ID" "$VM_UID"
	[ -z "$(rules)" ]
	nft_host -f - <<-END
		add table inet ironclaw
		add chain inet ironclaw $CHAIN { comment "another"; }
		add table inet other
	END
	before=$(rules)
	succeeds remove "$VM_ID" "$VM_UID"
	[ "$(rules)" = "$before" ]
}

@test "firewall: removing twice, and what is left in part, is fine" {
	local part

	succeeds remove "$VM_ID" "$VM_UID"
	for part in "element inet ironclaw uids { $VM_UID }" \
		"element inet ironclaw interfaces { $INTERFACE }" "table inet ironclaw"; do
		succeeds add "$VM_ID" "$VM_UID"
		nft_host -f - <<<"delete $part"
		succeeds remove "$VM_ID" "$VM_UID"
		[ -z "$(rules)" ]
		succeeds remove "$VM_ID" "$VM_UID"
	done
	# Beside a neighbour, who stays whole.
	succeeds add "$NEIGHBOUR_ID" "$NEIGHBOUR_UID"
	succeeds add "$VM_ID" "$VM_UID"
	nft_host delete element inet ironclaw uids "{ $VM_UID }"
	succeeds remove "$VM_ID" "$VM_UID"
	rules_lack "$CHAIN"
	succeeds verify "$NEIGHBOUR_ID" "$NEIGHBOUR_UID"
	succeeds remove "$NEIGHBOUR_ID" "$NEIGHBOUR_UID"
	[ -z "$(rules)" ]
}

@test "firewall: starts and ends at once do not disturb each other" {
	# shellcheck disable=SC2016 # expanded by the inner bash
	in_ns "$HOST" bash -c '
		one() {
			for i in 1 2 3 4 5 6 7 8; do
				"$0" add "vm-$1" "6124$1" && "$0" verify "vm-$1" "6124$1" >/dev/null &&
					"$0" remove "vm-$1" "6124$1" || exit 1
			done
		}
		for k in 1 2 3; do
			one $k &
			jobs+=($!)
		done
		for j in "${jobs[@]}"; do wait "$j" || exit 1; done' "$TOOL" >"$OUT" 2>"$ERR" ||
		flunk "a start, look or end failed"
	[ -z "$(rules)" ]
}

@test "firewall: what all share is made once, and anew only when it is not as it must be" {
	local before

	succeeds add "$VM_ID" "$VM_UID"
	# The numbers that the kernel gives to rules are never used again.
	handles() {
		nft_host -a list table inet ironclaw | grep -E 'vmap @.* # handle'
	}
	before=$(handles)
	[ "$(wc -l <<<"$before")" -eq 6 ]
	succeeds add "$NEIGHBOUR_ID" "$NEIGHBOUR_UID"
	[ "$(handles)" = "$before" ]
	succeeds remove "$NEIGHBOUR_ID" "$NEIGHBOUR_UID"
	nft_host insert rule inet ironclaw forward accept
	succeeds add "$NEIGHBOUR_ID" "$NEIGHBOUR_UID"
	[ "$(handles)" != "$before" ]
	succeeds verify "$VM_ID" "$VM_UID"
}

@test "firewall: nft shows the rules" {
	succeeds add "$VM_ID" "$VM_UID"
	nft_host -y list table inet ironclaw | sed 's/^\t*//' >rules
	diff - rules <<-END
		table inet ironclaw {
			counter dropped {
				packets 0 bytes 0
			}

			map uids {
				type uid : verdict
				elements = { $VM_UID : jump $CHAIN }
			}

			map interfaces {
				type ifname : verdict
				elements = { "$INTERFACE" : jump $CHAIN }
			}

			chain input {
				type filter hook input priority -310; policy accept;
				meta skuid vmap @uids
				iifname vmap @interfaces
			}

			chain output {
				type filter hook output priority -310; policy accept;
				meta skuid vmap @uids
				oifname vmap @interfaces
			}

			chain forward {
				type filter hook forward priority -310; policy accept;
				iifname vmap @interfaces
				oifname vmap @interfaces
			}

			chain $CHAIN {
				comment "$VM_ID"
				counter packets 0 bytes 0 counter name "dropped" drop
			}
		}
	END
}

# with CMD... -- ARG...: firewall_tool run by a command.
with() {
	local cmd=()

	while [ "$1" != -- ]; do
		cmd+=("$1")
		shift
	done
	shift
	status=0
	in_ns "$HOST" timeout 60 "${cmd[@]}" "$TOOL" "$@" >"$OUT" 2>"$ERR" || status=$?
}

# injected CALL HOW ARG...: with a system call that strace lets fail.
injected() {
	with strace -qq -o trace -e "trace=$1" -e "inject=$1:$2" -- "${@:3}"
}

@test "firewall: without CAP_NET_ADMIN there is no start, and the error says so" {
	with setpriv --bounding-set=-net_admin -- add "$VM_ID" "$VM_UID"
	exits 1
	stderr_has "EPERM: no CAP_NET_ADMIN"
	succeeds add "$VM_ID" "$VM_UID"
	with setpriv --bounding-set=-net_admin -- verify "$VM_ID" "$VM_UID"
	exits 1
	stderr_has "EPERM: no CAP_NET_ADMIN"
	with setpriv --bounding-set=-net_admin -- remove "$VM_ID" "$VM_UID"
	exits 1
	# The control: the same way with it.
	with setpriv -- verify "$VM_ID" "$VM_UID"
	exits 0
}

@test "firewall: without nf_tables there is no start, and the error says so" {
	injected socket error=EPROTONOSUPPORT add "$VM_ID" "$VM_UID"
	exits 1
	stderr_has "EOPNOTSUPP: this kernel has no nf_tables"
	[ -z "$(rules)" ]
	injected socket error=EMFILE add "$VM_ID" "$VM_UID"
	exits 1
	stderr_has "EMFILE: a netlink socket: Too many open files"
}

@test "firewall: wherever a start fails, what was loaded is taken back" {
	local call when n=0

	for call in sendto recvfrom; do
		for ((when = 1; ; when++)); do
			injected "$call" "error=EIO:when=$when" add "$VM_ID" "$VM_UID"
			grep -q INJECTED trace || break
			exits 1
			[ -s "$ERR" ]
			[ -z "$(rules)" ]
			n=$((n + 1))
		done
		# The control: when a call fails that does not come, nothing is taken back.
		exits 0
		succeeds verify "$VM_ID" "$VM_UID"
		succeeds remove "$VM_ID" "$VM_UID"
	done
	# Two looks and one transaction, each question with its answers.
	[ "$n" -ge 40 ]
}

@test "firewall: wherever a look or an end fails, it is told, and the next end does the rest" {
	local call when

	for call in sendto recvfrom; do
		for ((when = 1; ; when++)); do
			succeeds add "$VM_ID" "$VM_UID"
			injected "$call" "error=ENOMEM:when=$when" verify "$VM_ID" "$VM_UID"
			! grep -q INJECTED trace || exits 1
			injected "$call" "error=ENOMEM:when=$when" remove "$VM_ID" "$VM_UID"
			grep -q INJECTED trace || break
			exits 1
			succeeds remove "$VM_ID" "$VM_UID"
			[ -z "$(rules)" ]
		done
		exits 0
		[ "$when" -gt 5 ]
		[ -z "$(rules)" ]
	done
}

@test "firewall: signals and lost answers are got over, silence is not waited for without end" {
	injected recvfrom error=EINTR:when=1+2 add "$VM_ID" "$VM_UID"
	exits 0
	injected recvfrom error=EAGAIN:when=1+2 verify "$VM_ID" "$VM_UID"
	exits 0
	injected recvfrom error=ENOBUFS:when=2+7 verify "$VM_ID" "$VM_UID"
	exits 0
	grep -q INJECTED trace
	injected recvfrom error=ENOBUFS verify "$VM_ID" "$VM_UID"
	exits 1
	stderr_has "ENOBUFS: the kernel's answer: No buffer space"
	injected recvfrom error=EAGAIN verify "$VM_ID" "$VM_UID"
	exits 1
	stderr_has "ETIMEDOUT: the kernel's answer: Connection timed out"
}

@test "firewall: an id or a uid that is none is refused before the kernel is asked" {
	local id

	for id in '' 'a b' 'a"; flush ruleset' vm_1 "$(printf 'x%.0s' {1..65})"; do
		fails EINVAL "no valid id" add "$id" "$VM_UID"
	done
	fails EINVAL "no valid id" add "$VM_ID" 0
	fails EINVAL "no valid id" add "$VM_ID" 4294967295
	[ -z "$(rules)" ]
	succeeds add "$(printf 'x%.0s' {1..64})" 4294967294
	succeeds verify "$(printf 'x%.0s' {1..64})" 4294967294
}
