# SPDX-License-Identifier: Apache-2.0
# matrix.jq - one line an act: what becomes of it in the full jail, without the filter, without the
# layer beneath as well, and without Landlock and limits besides; and what that proves.
#
# Input: {"full": DOCUMENT, "seccomp": DOCUMENT, "pivot": DOCUMENT, ...} of `ironclaw prove --json`.

{
	"file tree": "pivot", "old root detached": "detach", "read-only mounts": "readonly",
	"no capability": "privileges", "pid namespace": "pidns", "net namespace": "netns",
	"ipc namespace": "ipcns", "user namespace": "userns", "own user id": "ids",
	"Landlock": "landlock", "rlimits": "rlimits", "descriptors": "descriptors", "own keyring": "keyring"
} as $variants
| ["ENOSYS", "EAFNOSUPPORT", "EPROTONOSUPPORT", "ESOCKTNOSUPPORT"] as $lacks

| def cell:
	if . == null then "-"
	elif .denied_call then "denied"
	elif (.got | startswith("signal")) then (.got | sub(" "; "-"))
	elif .errno then .errno
	else "ok" end;

# proven           refused in the full jail; done, or done but for the layer beneath, without it
# changed          the layer beneath refuses; without it something else does, in another way
# kernel's-own     the kernel refuses any process; only the filter's record is ours
# as-root-only     the layer cannot be left out by an ordinary user
# kernel-lacks-it, nothing-there, not-proven: no control on this host
def verdict($full; $s; $l; $ll):
	if $full.held | not then "NOT-HELD"
	elif $full.expected == "works" then "control"
	elif ($lacks | index([$s])) and $full.expected != $s and ($full.beneath == "kernel" | not)
	then "kernel-lacks-it"
	elif $full.beneath == "none" then (if $s == "ok" then "proven" else "not-proven" end)
	elif $s == "ok" then "NOT-HELD-BENEATH"
	elif $full.beneath == "kernel" or $full.beneath == "sealed state" then "kernel's-own"
	elif $l == "-" then "as-root-only"
	elif $s == "ENOENT" and $l == "ENOENT" and $ll == "ENOENT" then "nothing-there"
	elif $l == "ok" or $ll == "ok" then "proven"
	elif $l != $s or $ll != $s then "changed"
	else "not-proven" end;

. as $all
| .full.acts | to_entries[] | select(.value.mode == "audit")
| .key as $i | .value as $full
| ($variants[$full.beneath] // "") as $variant
| ($all.seccomp.acts[$i] | cell) as $s
| (if $full.beneath == "none" or $full.beneath == "kernel" then "-"
   else ($all[$variant].acts[$i]? | cell) end) as $l
| (if $l == "-" then "-" else ($all[$variant + "-more"].acts[$i]? | cell) end) as $ll
| [$full.place, $full.act, ($full.stands_for | gsub(" "; "-")), ($full.beneath | gsub(" "; "-")),
   ($full | cell), $s, $l, $ll, verdict($full; $s; $l; $ll)]
| join(" ")
