#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# As set-up-failures.bats, for what only VMs of root have. Root only.

load lib
load inject

setup() {
	use_injection
}

@test "cgroup: a limit that cannot be written is fatal" {
	vm --require-limits -- true
	[ "$status" -eq 0 ] || skip "there is no cgroup here"
	stops write 1 2 3 4
}

@test "firewall: rules that cannot be loaded are fatal" {
	local fails

	# The first two that are sent go to the children; then over its netlink socket a look, the load, and
	# the looks at what was loaded. What could not be removed goes with the next start.
	for fails in 'socket 1' 'sendto 3' 'sendto 4' 'sendto 17' 'recvfrom 1' 'recvfrom 2' 'recvfrom 28'; do
		# shellcheck disable=SC2086 # a call and its number
		stops $fails
		vm -- true
		exits 0
	done
}
