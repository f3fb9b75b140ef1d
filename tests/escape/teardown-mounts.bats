#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The end of a VM, and the sweep of a dead one, where something is mounted in its folder, or where the
# folder is a link by now (CVE-2020-2024: what was mounted was emptied). Bind mounts of the same file system
# above all: their device's number tells nothing. In a mount namespace of our own; an ordinary user is root
# of its user namespace for that.

load lib
load canary

setup() {
	use_tmp
	mkdir -p "$RESULTS"
	use_canary
	own_state
	MINE=(unshare --mount --propagation private)
	is_root || MINE=(unshare --user --map-root-user --mount --propagation private)
	"${MINE[@]}" true || skip "no mount namespaces here"
}

# end_of_vm SCRIPT: a VM ends (code in the file code) after SCRIPT has been at its folder, $vm.
end_of_vm() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	CANARY=$CANARY RUN=$RUN IMAGE=$IMAGE "${MINE[@]}" bash -c '
		set -e
		vm=$RUN/vms/mounted
		"$IRONCLAW" run "$IMAGE" -q --name mounted -- sh -c "echo up; sleep 60" </dev/null >up 2>said 3>&- &
		run=$!
		for _ in $(seq 300); do ! grep -q up up || break; sleep 0.1; done
		grep -q up up
		eval "$1"
		kill -TERM "$run"
		wait "$run" || echo "$?" >code
		grep -F "$RUN" /proc/self/mountinfo >mounts || true' bash "$1" >inner 2>&1 ||
		flunk "$(cat inner said)"
}

# What may be mounted below, each alone: the first refusal ends the removal.
BELOW=(
	'mkdir "$vm/bind" && mount --bind "$CANARY" "$vm/bind"'
	'mount --bind "$CANARY" "$vm/root"'
	': >"$vm/one" && mount --bind "$CANARY/file" "$vm/one"'
	'mkdir "$vm/t" && mount -t tmpfs none "$vm/t" && mkdir "$vm/t/in" && mount --bind "$CANARY" "$vm/t/in"'
)

@test "a VM ends and what is mounted in its folder stays, is told, and goes with the next sweep" {
	local mount

	for mount in "${BELOW[@]}"; do
		end_of_vm "$mount"
		untouched "$mount"
		grep -q "^ironclaw: .*cannot remove all that VM 'mounted' had" said || flunk "not told: $(cat said)"
		[ -s mounts ] || flunk "nothing was mounted"
		# Here nothing is.
		[ -d "$RUN/vms/mounted" ]
		ic ps
		nothing_left
		untouched "the sweep"
	done
}

@test "a VM's folder that is a mount, or a link" {
	end_of_vm 'mount --bind "$CANARY" "$vm"'
	untouched "a mount in place of the folder"
	ic ps
	nothing_left
	end_of_vm 'mv "$vm" "$vm.gone" && ln -s "$CANARY" "$vm"'
	untouched "a link in place of the folder"
	ic ps
	nothing_left
}

@test "a warden that takes no care empties them (control)" {
	export IRONCLAW_LIBEXEC
	IRONCLAW_LIBEXEC=$(libexec_of teardown)
	end_of_vm "${BELOW[0]}"
	touched "a mount in the folder"
	ic ps
	end_of_vm 'mount --bind "$CANARY" "$vm"'
	touched "a mount in place of the folder"
	ic ps
	end_of_vm 'mv "$vm" "$vm.gone" && ln -s "$CANARY" "$vm"'
	touched "a link in place of the folder"
	ic ps
}

# sweep_with COMMAND...: a dead VM's folder with mounts in it, and one that is a mount.
sweep_with() {
	mkdir -p "$RUN/vms/dead/sub" "$RUN/vms/mount" "$RUN/vms/plain"
	ln -s "$CANARY" "$RUN/vms/link"
	# shellcheck disable=SC2016 # expanded by the inner shell
	CANARY=$CANARY RUN=$RUN "${MINE[@]}" sh -c '
		mount --bind "$CANARY" "$RUN/vms/dead/sub" && mount --bind "$CANARY" "$RUN/vms/mount" && "$@"' \
		sh "$@" >inner 2>&1 || true
	[ ! -e "$RUN/vms/plain" ] || flunk "it did not sweep: $(cat inner)"
}

@test "the sweep goes round what is mounted" {
	sweep_with "$IRONCLAW" ps
	untouched "the sweep"
	[ ! -L "$RUN/vms/link" ]
	ic ps
	nothing_left
	# shellcheck disable=SC2016 # expanded by the inner shell
	sweep_with sh -c 'rm -rf "$RUN"/vms/*'
	touched "rm -rf (control)"
}
