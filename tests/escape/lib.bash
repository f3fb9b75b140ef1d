# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# lib.bash - what the suites of tests/escape share, beside tests/it/lib.bash.
#
# `ironclaw prove` runs with the real warden, and with wardens that lack a layer (without.h). A run
# of bats does each once: the results are kept for all suites.

load ../it/lib

BUILT=$(dirname "$IRONCLAW")
RESULTS=${BATS_RUN_TMPDIR:?}/escape-$(id -u)

# home_of_ours: a state folder that all suites of a run share, for they change modes in it.
home_of_ours() {
	local own=$RESULTS/home

	(
		flock 9
		if [ ! -d "$own" ]; then
			mkdir -p "$own.new/data/images"
			cp -a "$IRONCLAW_HOME/data/images/$IMAGE" "$own.new/data/images/"
			cp -a "$IRONCLAW_HOME/data/kernels" "$own.new/data/"
			mkdir "$own.new/run"
			IRONCLAW_HOME=$own.new "$IRONCLAW" template build "$IMAGE" -q >&2
			# Whoever may write them may write them, but for the jail.
			chmod 0666 "$own.new"/data/templates/*/{ram,state} \
				"$own.new/data/images/$IMAGE/root.erofs"
			mv "$own.new" "$own"
		fi
	) 9>"$RESULTS/lock" || return 1
	export IRONCLAW_HOME=$own
}

# libexec_of VARIANT: a folder of helper programs with a warden that lacks a layer; "full": all.
# The probe is a copy that everybody may write: nothing but the jail is to stand in the way.
libexec_of() {
	local dir=$RESULTS/libexec-$1 warden=$BUILT/ironclaw-warden program

	[ "$1" = full ] || warden=$BUILT/tests/warden-without-$1
	[ -x "$warden" ] || return 1
	mkdir -p "$dir"
	for program in ironclaw-keeper ironclaw-guest ironclaw-qemu-preload.so; do
		ln -sfn "$BUILT/$program" "$dir/$program"
	done
	ln -sfn "$warden" "$dir/ironclaw-warden"
	cp "$BUILT/ironclaw-probe" "$dir/.probe.$$"
	chmod 0777 "$dir/.probe.$$"
	mv "$dir/.probe.$$" "$dir/ironclaw-probe"
	echo "$dir"
}

# results_of VARIANT: the path of what `ironclaw prove --json` says there.
results_of() {
	local file=$RESULTS/$1.json dir

	mkdir -p "$RESULTS"
	(
		flock 9
		if [ ! -s "$file" ]; then
			home_of_ours 9>&-
			dir=$(libexec_of "$1")
			case $1 in
			readonly*)
				# What is written there is written indeed.
				cp -a "$IRONCLAW_HOME" "$RESULTS/home-$1"
				IRONCLAW_HOME=$RESULTS/home-$1
				;;
			esac
			IRONCLAW_LIBEXEC=$dir timeout "$DEADLINE_S" "$IRONCLAW" prove --image "$IMAGE" \
				--audit-only --json -q </dev/null >"$file.new" 2>"$file.err" 9>&- || true
			jq -e .acts "$file.new" >/dev/null || {
				cat "$file.err" >&2
				exit 1
			}
			mv "$file.new" "$file"
		fi
	) 9>"$RESULTS/lock-$1" || return 1
	echo "$file"
}
