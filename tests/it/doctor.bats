#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `ironclaw doctor` and `ironclaw version`.

load lib

setup() {
	use_tmp
}

@test "doctor is content where runs work" {
	vm -- true
	exits 0
	ic doctor
	exits 0
	stdout_has qemu
}

@test "doctor --json is one document of checks" {
	ic doctor --json
	exits 0
	[ "$(jq -s length "$OUT")" -eq 1 ]
	json_is '[.checks[] | select((.name | type) != "string")] | length' 0
	json_is '.checks | length >= 6' true
}

@test "doctor says what is missing and what to do, and fails" {
	PATH=/nowhere ic doctor 2>/dev/null || true
	IRONCLAW_HOME=$BATS_TEST_TMPDIR/empty ic doctor
	[ "$status" -ne 0 ] || flunk "there is no image"
	stdout_has 'image build'
}

@test "doctor says which limits there are, and when none what to do" {
	local kind

	[ -x "$(dirname "$IRONCLAW")/tests/limits_tool" ] || skip "only with the programs of a build tree"
	kind=$("$(dirname "$IRONCLAW")/tests/limits_tool" available)
	ic doctor --json
	case $kind in
	none)
		json_is '.checks[] | select(.name == "limits").state' '"warning"'
		json_is '.checks[] | select(.name == "limits").remedy | length > 0' true
		;;
	*)
		json_is '.checks[] | select(.name == "limits").state' '"ok"'
		stdout_has "cgroup $kind"
		;;
	esac
}

@test "doctor loads the firewall's rules where root has one, and says what to do when it cannot" {
	ic doctor --json
	if [ "$(id -u)" -ne 0 ]; then
		json_is '[.checks[] | select(.name == "firewall")] | length' 0
		return
	fi
	json_is '.checks[] | select(.name == "firewall").state' '"ok"'
	status=0
	setpriv --bounding-set=-net_admin "$IRONCLAW" doctor --json >"$OUT" 2>"$ERR" || status=$?
	exits 1
	json_is '.checks[] | select(.name == "firewall").state' '"failed"'
	json_is '.checks[] | select(.name == "firewall").remedy | length > 0' true
}

# says TEXT: a program of that name in PATH that prints it.
says() {
	printf '#!/bin/sh\necho "%s"\n' "$1" >"$BATS_TEST_TMPDIR/firecracker"
	chmod 755 "$BATS_TEST_TMPDIR/firecracker"
}

@test "doctor says which Firecracker there is, or why none is used" {
	local check='.checks[] | select(.name == "firecracker")'

	if ! command -v firecracker >/dev/null; then
		ic doctor --json
		json_is "$check.state" '"ok"'
		json_is "$check.remedy | length > 0" true
	fi
	says 'Firecracker v1.6.0'
	PATH=$BATS_TEST_TMPDIR:$PATH ic doctor --json
	exits 0
	json_is "$check.state" '"warning"'
	json_is "$check.detail | contains(\"1.6.0\") and contains(\"too old\")" true
	says 'something else'
	PATH=$BATS_TEST_TMPDIR:$PATH ic doctor --json
	json_is "$check.detail | contains(\"does not tell a version\")" true
	says 'Firecracker v1.16.1'
	PATH=$BATS_TEST_TMPDIR:$PATH ic doctor --json
	json_is "$check.detail | contains(\"no program that a jail could hold\")" true
	[ -x "$(dirname "$IRONCLAW")/tests/fake-firecracker" ] || skip "only with the programs of a build tree"
	rm "$BATS_TEST_TMPDIR/firecracker"
	cp "$(dirname "$IRONCLAW")/tests/fake-firecracker" "$BATS_TEST_TMPDIR/firecracker"
	PATH=$BATS_TEST_TMPDIR:$PATH FAKE_FC_VERSION=1.16.1 ic doctor --json
	# Of use where KVM works; else it says so.
	if [ "$(json '.checks[] | select(.name == "kvm").state')" = ok ]; then
		json_is "$check.state" '"ok"'
	else
		json_is "$check | [.state, (.detail | contains(\"KVM does not work\")), (.remedy | length > 0)]" \
			'["warning",true,true]'
	fi
	json_is "$check.detail | contains(\"1.16.1\") and contains(\"no bzImage\") and contains(\"static\")" true
}

@test "doctor leaves no trace and starts no VM that stays" {
	ic doctor
	nothing_left
}

@test "version, --version, help and --help" {
	local version

	version=$(sed -n "s/^ *version: '\(.*\)',/\1/p" "$TOP/meson.build")
	for args in version --version; do
		ic $args
		exits 0
		stdout_is "ironclaw $version"
	done
	ic version --json
	exits 0
	json_is .version "\"$version\""
	for command in '' run image template kernel audit doctor version; do
		ic help $command
		exits 0
		stdout_has usage
		stderr_empty
		[ -z "$command" ] || {
			ic "$command" --help
			exits 0
			stdout_has usage
		}
	done
}
