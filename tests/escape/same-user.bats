#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Rootless, VMM, keeper, warden and the user's own programs have one uid: what keeps them apart is the pid
# namespace, and the filter.

load lib

setup() {
	use_tmp
}

@test "no other process is found, signalled, traced, read or limited" {
	class same-user-processes 12
	class fd-as-authority 2
}

@test "without the pid namespace a process of the same user is (control)" {
	if is_root; then
		# A uid of its own is one layer more.
		[ "$(verdict_of vmm kill-0)" = changed ]
		[ "$(verdict_of vmm pidfd-open)" = proven ]
	else
		[ "$(verdict_of vmm kill-0)" = proven ]
		[ "$(verdict_of vmm prlimit-other)" = proven ]
	fi
}
