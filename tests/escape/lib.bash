# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# lib.bash - what the suites of tests/escape share, beside tests/it/lib.bash.
#
# `ironclaw prove` runs with the real warden, and with wardens that lack a layer (without.h). A run
# of bats does each once: the results are kept for all suites.

load ../it/lib

BUILT=$(dirname "$IRONCLAW")
RESULTS=${BATS_RUN_TMPDIR:?}/escape-$(id -u)
PROVE=("$IRONCLAW" prove)

# in_firecrackers_jail: from now on the acts are tried there, and its keeper's. The VMM that makes the
# template is the fake. The rows of /dev/kvm are for the lab: another device stands for it.
in_firecrackers_jail() {
	local flags=(--mount)

	RESULTS+=-firecracker
	mkdir -p "$RESULTS/bin"
	(
		flock 9
		[ ! -x "$RESULTS/bin/firecracker" ] || exit 0
		python3 "$TOP/tests/it/fakes/firecracker_settings.py" "$BUILT/tests/fake-firecracker" \
			"$RESULTS/bin/new" FAKE_FC_GUEST_CONNECT=3
		chmod 755 "$RESULTS" "$RESULTS/bin" "$RESULTS/bin/new"
		mv "$RESULTS/bin/new" "$RESULTS/bin/firecracker"
	) 9>"$RESULTS/lock-bin" || return 1
	PATH=$RESULTS/bin:$PATH
	is_root || flags+=(--user --map-root-user)
	PROVE=(unshare "${flags[@]}" "$TOP/tests/escape/kvm-says-it-works" "$(id -u)" "$IRONCLAW" prove
		--engine firecracker)
}

# home_of_ours: a state folder that all suites of a run share, for they change modes in it.
home_of_ours() {
	local own=$RESULTS/home

	(
		flock 9
		if [ ! -d "$own" ]; then
			mkdir -p "$own.new/data/images"
			cp -a "$IRONCLAW_HOME/data/images/$IMAGE" "$own.new/data/images/"
			cp -a "$IRONCLAW_HOME/data/kernels" "$own.new/data/"
			# Makes the template.
			IRONCLAW_HOME=$own.new "${PROVE[@]}" --image "$IMAGE" --audit-only -q >&2 || true
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
			IRONCLAW_LIBEXEC=$dir timeout "$DEADLINE_S" "${PROVE[@]}" --image "$IMAGE" \
				--audit-only --json -q </dev/null >"$file.new" 2>"$file.err" 9>&- || true
			{ [ -s "$file.new" ] && jq -e .acts "$file.new" >/dev/null; } || {
				cat "$file.err" >&2
				exit 1
			}
			mv "$file.new" "$file"
		fi
	) 9>"$RESULTS/lock-$1" || return 1
	echo "$file"
}

# matrix: every act in every jail (but those on another device than /dev/kvm), one line each, see matrix.jq; a file that is made once.
matrix() {
	local file=$RESULTS/matrix layer variant layers all=$RESULTS/all.json
	local variants=(full seccomp landlock)

	layers=(pivot detach readonly privileges pidns netns ipcns rlimits descriptors keyring)
	# Without a user namespace an ordinary user cannot build a jail, and has one uid.
	! is_root || layers+=(userns ids)
	mkdir -p "$RESULTS"
	(
		flock 9
		[ ! -s "$file" ] || exit 0
		for layer in "${layers[@]}"; do
			variants+=("$layer" "$layer-more")
		done
		for variant in "${variants[@]}"; do
			jq -c --arg variant "$variant" '{($variant): .}' "$(results_of "$variant" 9>&-)" || exit 1
		done >"$all"
		jq -s add "$all" | jq -r -f "$BATS_TEST_DIRNAME/matrix.jq" |
			if [ "${PROVE[0]}" = unshare ]; then grep -v '^[a-z]* kvm-'; else cat; fi |
			column -t >"$file.new"
		mv "$file.new" "$file"
	) 9>"$RESULTS/lock-matrix" || return 1
	cat "$file"
}

# class NAME MIN: every act that stands for NAME is held in the full jail, in the place of VMM and
# keeper, and at least MIN of them are proven to be by a jail that lacks the layer. (Fields: place, act,
# class, layer beneath, full jail, without the filter, without the layer, without more, verdict.)
class() {
	matrix >all-acts || flunk "the matrix cannot be made"
	awk -v class="$1" '$3 == class' all-acts >rows
	[ -s rows ] || flunk "no act stands for $1"
	! grep -E 'NOT-HELD' rows || flunk "not held"
	[ "$(grep -cE ' (proven|changed)$' rows)" -ge "$2" ] || flunk "too few are proven: $(cat rows)"
}

# verdict_of PLACE ACT: the last field of its line.
verdict_of() {
	matrix | awk -v place="$1" -v act="$2" '$1 == place && $2 == act { print $9 }'
}
