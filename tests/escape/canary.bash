# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# canary.bash - a tree beside the state folder that nothing may touch, and a state folder of one's own.

# use_canary: $CANARY, with a folder as RUN has one, and $BEFORE, what it is like.
use_canary() {
	CANARY=$BATS_TEST_TMPDIR/canary
	mkdir -m 0750 "$CANARY" "$CANARY/vms" "$CANARY/vms/precious" "$CANARY/root"
	echo precious >"$CANARY/file"
	echo precious >"$CANARY/vms/precious/file"
	chmod 0640 "$CANARY/file" "$CANARY/vms/precious/file"
	BEFORE=$(fingerprint "$CANARY")
}

# fingerprint DIR: names, kinds, modes, owners, links and bytes beneath it, and what is mounted there.
fingerprint() {
	find "$1" -printf '%P %y %m %U:%G %n %l\n' | sort
	find "$1" -type f -exec sha256sum {} + | sort
	grep -F " $1" /proc/self/mountinfo || true
}

# untouched WHAT: the canary is what it was.
untouched() {
	diff <(echo "$BEFORE") <(fingerprint "$CANARY") >changes || flunk "$1: the canary changed: $(cat changes)"
}

# touched: for controls; a new canary follows.
touched() {
	! diff <(echo "$BEFORE") <(fingerprint "$CANARY") >/dev/null || flunk "control: $1 does no harm"
	rm -rf "$CANARY"
	use_canary
}

# own_state: a state folder of the test's own, with the images and templates of all.
own_state() {
	local data=$IRONCLAW_HOME/data

	export IRONCLAW_HOME=$BATS_TEST_TMPDIR/home
	RUN=$IRONCLAW_HOME/run
	mkdir -p "$IRONCLAW_HOME"
	ln -s "$(readlink -f "$data")" "$IRONCLAW_HOME/data"
	vm -- true
	exits 0
}
