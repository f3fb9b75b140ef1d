#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `ironclaw seccomp compile`: what it writes, where to, and what it refuses. That the rules hold is
# tests/unit/test_firecracker_rules.c; no Firecracker is needed for any of it.

load lib

setup() {
	use_tmp
}

# compile VERSION LEVEL [ARG...]: for Firecracker.
compile() {
	ic seccomp compile --for firecracker --fc-version "$@" </dev/null
}

# head_of FILE N: its first bytes, as hexadecimal digits.
head_of() {
	head -c "$2" "$1" | od -An -tx1 -v | tr -d ' \n'
}

# refused TEXT ARG...: a usage error that says TEXT, and no file.
refused() {
	ic seccomp compile "${@:2}" </dev/null
	exits 2
	stdout_empty
	stderr_is_tame
	stderr_has "$1"
	[ ! -e f ] || flunk "a file was written"
}

# no_leftovers: the folder holds the named files and what use_tmp made.
no_leftovers() {
	[ "$(find . -mindepth 1 -printf '%f\n' | sort | xargs)" = "$(printf '%s\n' err out "$@" | sort | xargs)" ] ||
		flunk "left: $(ls -A)"
}

@test "each version and level gets a file in the format of that version" {
	local version level

	for version in 1.7.0 1.14.4; do
		for level in minimal basic permissive; do
			compile "$version" "$level" -o f
			exits 0
			stdout_empty
			stderr_empty
			# 3 entries in 8 bytes, then the length of "api"
			[ "$(head_of f 19)" = 03000000000000000300000000000000617069 ] || flunk "$version: $(head_of f 19)"
		done
	done
	for version in 1.15.1 v1.16.1 1.17.0-dev; do
		for level in minimal basic permissive; do
			compile "$version" "$level" -o f
			exits 0
			[ "$(head_of f 15)" = 030003040361706976637075766d6d ] || flunk "$version: $(head_of f 15)"
			[ "$(stat -c %s f)" -le 100000 ]
		done
	done
	no_leftovers f
}

@test "a stricter level is a smaller file, and the same call writes the same bytes" {
	local minimal basic permissive

	compile 1.16.1 minimal -o minimal
	compile 1.16.1 basic -o basic
	compile 1.16.1 permissive -o permissive
	minimal=$(stat -c %s minimal) basic=$(stat -c %s basic) permissive=$(stat -c %s permissive)
	[ "$minimal" -lt "$basic" ] || flunk "$minimal $basic"
	[ "$basic" -lt "$permissive" ] || flunk "$basic $permissive"
	compile v1.16.0 basic --output again
	exits 0
	cmp basic again
	# Options and level in another order, and standard output.
	ic seccomp compile basic -o - --fc-version=1.16.1 --for=firecracker </dev/null
	exits 0
	stderr_empty
	cmp basic "$OUT"
}

@test "the file has mode 0644, replaces the old one whole, and nothing else stays" {
	(umask 022 && compile 1.16.1 basic -o f && exits 0)
	[ "$(stat -c %a f)" = 644 ]
	cp f first
	chmod 600 f
	exec 7<f
	(umask 022 && compile 1.17.0 permissive -o f && exits 0)
	[ "$(stat -c %a f)" = 644 ]
	# Who had the old one open still reads all of it: the new one is another file.
	cmp first - <&7
	exec 7<&-
	if cmp -s first f; then
		flunk "the file was not replaced"
	fi
	no_leftovers f first
}

@test "what is no ordinary file is left alone" {
	ln -s elsewhere link
	mkfifo fifo
	mkdir folder
	for target in link fifo folder /dev/null; do
		compile 1.16.1 basic -o "$target"
		exits 1
		stdout_empty
		stderr_is_tame
		stderr_has 'no ordinary file'
	done
	[ -L link ]
	[ -p fifo ]
	[ -d folder ]
	[ -c /dev/null ]
	no_leftovers link fifo folder
}

@test "a file that cannot be written is a failure that names it" {
	compile 1.16.1 basic -o none/f
	exits 1
	stderr_is_tame
	stderr_has none/f
	stderr_has 'No such file'
	status=0
	"$IRONCLAW" seccomp compile --for firecracker --fc-version 1.16.1 basic -o - \
		</dev/null >/dev/full 2>"$ERR" || status=$?
	exits 1
	stderr_has 'standard output'
}

@test "standard output that is a terminal is refused" {
	command -v script >/dev/null || skip "no script(1)"
	status=0
	script -qec "'$IRONCLAW' seccomp compile --for firecracker --fc-version 1.16.1 basic -o -" \
		/dev/null </dev/null >"$OUT" 2>&1 || status=$?
	exits 2
	stdout_has terminal
	[ "$(wc -c <"$OUT")" -lt 300 ]
}

@test "calls that make no sense are usage errors" {
	local good=(--for firecracker --fc-version 1.16.1 -o f)

	refused 'which level' "${good[@]}"
	refused "did you mean 'minimal'" "${good[@]}" minimall
	refused 'minimal, basic or permissive' "${good[@]}" strict
	refused 'unexpected' "${good[@]}" basic basic
	refused '--for' --fc-version 1.16.1 -o f basic
	refused 'qemu' --for qemu --fc-version 1.16.1 -o f basic
	refused '--fc-version' --for firecracker -o f basic
	refused '-o FILE' --for firecracker --fc-version 1.16.1 basic
	refused 'empty' --for firecracker --fc-version 1.16.1 -o '' basic
	refused 'needs a value' --for firecracker --fc-version 1.16.1 basic -o
	refused 'unknown option' "${good[@]}" --bogus basic
	ic seccomp </dev/null
	exits 2
	stderr_has compile
	ic seccomp compil </dev/null
	exits 2
	stderr_has "did you mean 'compile'"
	no_leftovers
}

@test "a version that is not known is refused by name, with a hint" {
	local version

	for version in 1.6.9 0.25.0 1.18.0 2.0.0; do
		refused "Firecracker $version" --for firecracker --fc-version "$version" -o f basic
		stderr_has 'try:'
	done
	refused '1.7' --for firecracker --fc-version 1.6.0 -o f basic
	refused '1.17' --for firecracker --fc-version 1.18.0 -o f basic
	for version in '' latest 1 1.16. 1.16.1.1 'Firecracker v1.16.1' $'1.16.1\e[2J'; do
		refused 'no version' --for firecracker --fc-version "$version" -o f basic
		stderr_has 'firecracker --version'
	done
}

@test "help says it" {
	ic seccomp --help
	exits 0
	stdout_has 'fc-version'
	ic help seccomp
	exits 0
	stdout_has permissive
	ic --help
	stdout_has seccomp
}
