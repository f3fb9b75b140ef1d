#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `make install`: what lands where, and that the installed program and library work.

load lib

setup() {
	use_tmp
}

# make_in_tree TARGET PREFIX [VARIABLE=VALUE]: with a build folder of this suite's own.
make_in_tree() {
	make --no-print-directory -C "$TOP" "$1" BUILD="$BATS_FILE_TMPDIR/build" PREFIX="$2" "${@:3}" \
		>"$OUT" 2>"$ERR" || flunk "make $1 failed"
}

@test "make install follows PREFIX and DESTDIR, and the program works from there" {
	local stage=$BATS_TEST_TMPDIR/stage prefix=/opt/ironclaw-test

	make_in_tree install "$prefix" DESTDIR="$stage"
	# Nothing outside of the prefix.
	[ "$(ls "$stage")" = opt ]
	[ "$(ls "$stage/opt")" = ironclaw-test ]
	[ -x "$stage$prefix/bin/ironclaw" ]
	[ -f "$stage$prefix/include/ironclaw/ironclaw.h" ]
	[ -n "$(find "$stage$prefix" -name ironclaw.pc)" ]
	[ -n "$(find "$stage$prefix" -name ironclaw-run.1)" ]
	IRONCLAW=$stage$prefix/bin/ironclaw
	ic version
	exits 0
}

@test "the installed program runs VMs without the folder it was built in" {
	local prefix=$BATS_TEST_TMPDIR/prefix

	make_in_tree install "$prefix"
	mv "$BATS_FILE_TMPDIR/build" "$BATS_FILE_TMPDIR/away"
	IRONCLAW=$prefix/bin/ironclaw
	vm -- echo installed
	mv "$BATS_FILE_TMPDIR/away" "$BATS_FILE_TMPDIR/build"
	exits 0
	stdout_is installed
	nothing_left

	make_in_tree uninstall "$prefix"
	[ -z "$(find "$prefix" ! -type d)" ] || flunk "left behind: $(find "$prefix" ! -type d)"
}

@test "a program of the user's own builds with pkg-config, and runs code in a VM" {
	local prefix=$BATS_TEST_TMPDIR/prefix lib

	make_in_tree install "$prefix"
	PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name ironclaw.pc)")
	export PKG_CONFIG_PATH
	lib=$(pkg-config --variable=libdir ironclaw)
	# shellcheck disable=SC2046 # flags are words
	cc -std=c17 -Wall -Wextra -Werror -o run_code "$TOP/examples/run_code.c" \
		$(pkg-config --cflags --libs ironclaw) -Wl,-rpath,"$lib"
	status=0
	timeout 100 ./run_code >"$OUT" 2>"$ERR" </dev/null || status=$?
	exits 0
	stdout_has Linux
	nothing_left

	# The public header stands alone.
	printf '#include <ironclaw/ironclaw.h>\nint main(void) { return 0; }\n' >alone.c
	cc -std=c17 -pedantic -Wall -Wextra -Werror -I "$prefix/include" -fsyntax-only alone.c
	# Nothing but the documented interface is exported.
	nm -D --defined-only "$lib/libironclaw.so" | awk '{ print $3 }' >exported
	grep -q '^ironclaw_vm_start$' exported
	if grep -v '^ironclaw_' exported; then
		flunk "exported, but not documented"
	fi
}
