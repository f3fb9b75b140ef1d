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
	# nft is the only program that the warden executes besides; its pipes and its process. What could
	# not be removed for the same reason goes with the next start, whose first nft that is.
	for call in execve pipe2 wait4; do
		stops "$call" 1
		vm -- true
		exits 0
	done
}
