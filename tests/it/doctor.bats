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
