#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Root's state folder lies in a folder of another user, who exchanges it for a link of his own without a
# pause: it leads to a folder in which RUN is a link to root's canary. What root sweeps is deleted, so whoever
# looks at RUN and then goes by its path again deletes the canary. Root only; the attacker is an ordinary
# user.
#
# Rounds: 250 sweeps (`ironclaw ps`) and 10 real runs, among at least 10,000 exchanges.

load lib
load canary

OTHER=65533
SWEEPS=250
ROUNDS=10
SWAPS_MIN=10000

setup() {
	use_tmp
	mkdir -p "$RESULTS" above evil
	use_canary
	# Without the first, RUN would be refused for its mode alone.
	chmod 0700 "$CANARY" "$CANARY/vms"
	BEFORE=$(fingerprint "$CANARY")
	DATA=$(readlink -f "$IRONCLAW_HOME/data")
	export IRONCLAW_HOME=$PWD/above/home
	RUN=$IRONCLAW_HOME/run
	mkdir "$IRONCLAW_HOME"
	ln -s "$DATA" "$IRONCLAW_HOME/data"
	ln -s "$DATA" evil/data
	ln -s "$CANARY" evil/run
	chown -h "$OTHER" above evil evil/run
	chmod 0755 above
	chmod a+rx "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	vm -- true
	exits 0
	cp "$BUILT/tests/swap" swap
	SWAPPER=""
}

teardown() {
	[ -z "$SWAPPER" ] || kill "$SWAPPER" 2>/dev/null || true
}

swap() {
	setpriv --reuid "$OTHER" --regid "$OTHER" --clear-groups -- ./swap above home "$PWD/evil" >swaps 3>&- &
	SWAPPER=$!
}

swapped() {
	kill "$SWAPPER"
	wait "$SWAPPER" || flunk "the attacker ended by itself"
	SWAPPER=""
}

# count COMMAND...: of the program.
count() {
	ic "$@" </dev/null
	if [ "$status" -eq 0 ]; then
		works=$((works + 1))
	else
		stderr_is_tame 4
		refused=$((refused + 1))
	fi
}

@test "no sweep and no run of root's is led out of its folder" {
	local works=0 refused=0

	mkdir "$RUN/vms/dead"
	swap
	for _ in $(seq "$SWEEPS"); do
		count ps
	done
	untouched "$works sweeps worked, $refused were refused"
	echo "sweeps: $works worked, $refused were refused"
	[ "$works" -gt 0 ] || flunk "all sweeps were refused"
	[ "$refused" -gt 0 ] || flunk "no sweep met the link"
	works=0 refused=0
	for _ in $(seq "$ROUNDS"); do
		count run "$IMAGE" -q --name race -- echo ran
	done
	swapped
	[ "$(cat swaps)" -ge "$SWAPS_MIN" ] || flunk "only $(cat swaps) exchanges"
	echo "runs: $works worked, $refused were refused; $(cat swaps) exchanges"
	[ $((works + refused)) -eq "$ROUNDS" ]
	untouched "the race"
	[ ! -e "$RUN/vms/dead" ] || flunk "what is root's own was not swept"
	# Nothing of root's is in the folder of his but what the test put there.
	[ "$(find evil -mindepth 1 | sort | tr '\n' ' ')" = 'evil/data evil/run ' ] || flunk "$(find evil)"
	vm --name race -- echo after
	exits 0
	stdout_is after
	nothing_left
}

@test "whoever looks at RUN and then goes by its path again loses (control)" {
	local n=0

	mkdir -p "$RUN/vms/dead"
	swap
	while [ -e "$CANARY/vms/precious" ] && [ "$n" -lt 2000 ]; do
		n=$((n + 1))
		[ ! -L "$RUN" ] && [ "$(stat -c %u%a "$RUN" 2>/dev/null)" = 0700 ] &&
			(cd "$RUN/vms" 2>/dev/null && rm -rf -- *)
	done
	swapped
	touched "$n tries"
	echo "lost at try $n"
}
