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
	# Its netlink socket is the only one that the warden makes, and talks over in this way. The first
	# calls are a look, later ones the load and the look at what was loaded. What could not be removed
	# for the same reason goes with the next start.
	stops socket 1
	stops sendto 1 10 11 12
	stops recvfrom 1 20 30
	vm -- true
	exits 0
}
