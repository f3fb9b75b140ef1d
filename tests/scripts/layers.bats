#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# scripts/check-layers: the tree is clean, and each kind of planted violation is found.

setup() {
	TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	SRC=$BATS_TEST_TMPDIR/src
	mkdir -p "$SRC"/{base,sys,wire,vm,firewall,engine,jail,machine,cli,guest}
	: >"$SRC/base/error.h"
}

# plant FILE LINE...: a source with these lines.
plant() {
	local file=$SRC/$1

	shift
	printf '%s\n' "$@" >"$file"
}

refused() {
	run "$TOP/scripts/check-layers" "$SRC"
	[ "$status" -eq 1 ]
	[[ $output == *"$1"* ]]
	[ "${#lines[@]}" -eq 1 ]
}

accepted() {
	run "$TOP/scripts/check-layers" "$SRC"
	echo "$output"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "this tree keeps its layers" {
	run "$TOP/scripts/check-layers"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "lower layers and the own one may be included" {
	plant machine/a.c '#include <stdio.h>' '#include <jansson.h>' '#include "machine/a.h"' \
		'#include "engine/a.h"' '#include "base/error.h"'
	plant engine/a.c '# include "engine/a.h"'
	plant wire/a.c '#include "wire/a.h"' '#include <stdint.h>'
	plant guest/a.c '#include "wire/a.h"' '#include <linux/random.h>' '#include <sys/mount.h>'
	plant jail/warden.c '#include "sys/mounts.h"' '#include "base/cleanup.h"' \
		'#include "jail/request.h"' '#include "jail/warden_jail.h"' '#include "jail/filters.h"' \
		'#include <poll.h>' \
		'#include "firewall/firewall.h"'
	plant firewall/a.c '#include "firewall/a.h"' '#include "sys/clock.h"' '#include "base/cleanup.h"'
	plant base/error.c '#include <ironclaw/ironclaw.h>'
	accepted
}

@test "a lower layer that includes a higher one is found, with file and line" {
	plant vm/a.c '#include "base/error.h"' '#include "machine/a.h"'
	refused "vm/a.c:2: vm is below machine"
}

@test "a sibling is found" {
	plant engine/a.h '#include "jail/plan.h"'
	refused "engine/a.h:1: engine and jail are siblings"
}

@test "nobody includes the program" {
	plant machine/a.c '  #  include   "cli/cli.h" /* why not */'
	refused "machine is below cli"
}

@test "the guest is kept to the C library and wire" {
	plant guest/a.c '#include "base/error.h"'
	refused "guest may include wire only"
	plant guest/a.c '#include <sodium.h>'
	refused "guest may use the C library only"
}

@test "wire is kept to the C library" {
	plant wire/a.c '#include "base/error.h"'
	refused "wire may include wire only"
}

@test "the warden is kept to the C library, base, sys, firewall and its request" {
	plant jail/warden.c '#include "jail/plan.h"'
	refused "the warden may include base, sys, firewall and its request only"
	plant jail/warden.c '#include "wire/frame.h"'
	refused "the warden may include base, sys, firewall and its request only"
	plant jail/warden_more.c '#include <jansson.h>'
	rm "$SRC/jail/warden.c"
	refused "the warden may use the C library only"
}

@test "the firewall, which the warden links, is kept to the same, and below the jail" {
	plant firewall/a.c '#include <jansson.h>'
	refused "the warden may use the C library only"
	plant firewall/a.c '#include "vm/config.h"'
	refused "the warden may include base, sys, firewall and its request only"
	plant firewall/a.c '#include "jail/request.h"'
	refused "firewall is below jail"
}

@test "base takes no other library" {
	plant base/a.c '#include <sodium.h>'
	refused "base may use the C library only"
}

@test "an unknown layer, a source outside of all, and a nameless include are found" {
	mkdir "$SRC/extra"
	plant extra/a.c '#include "base/error.h"'
	refused 'layer "extra" is not in the table'
	rm -r "$SRC/extra"
	plant vm/a.c '#include "extra/a.h"'
	refused 'is of no known layer'
	rm "$SRC/vm/a.c"
	plant stray.c '#include "base/error.h"'
	refused "outside of every layer"
	rm "$SRC/stray.c"
	plant vm/a.c '#include "error.h"'
	refused "does not name its layer"
	plant vm/a.c '#include HEADER'
	refused "cannot read"
}
