#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A VM that lives on: commands, files and folders in it, and its workspace's changes, applied as often
# as somebody approves them. Each image has its own shell and tools: both are tested.
#
# shellcheck disable=SC2016 # scripts are expanded in the VM

load lib

setup() {
	use_tmp
	TOOL=$(dirname "$IRONCLAW")/tests/sandbox_tool
	[ -x "$TOOL" ] || skip "only with the programs of a build tree"
	mkdir w
	umask 022
}

teardown() {
	nothing_left
}

# tool [FLAG...] STEP...: with the folder w as the workspace, in the image of the test.
tool() {
	status=0
	timeout --kill-after=5 "$DEADLINE_S" "$TOOL" -i "${SANDBOX_IMAGE:-busybox}" -w w "$@" \
		>"$OUT" 2>"$ERR" || status=$?
	exits 0
}

# is N FILTER VALUE: of the Nth step.
is() {
	json_is ".[$1] | $2" "$3"
}

# What still sleeps in the VM.
sleepers='cat /proc/[0-9]*/comm 2>/dev/null | grep -x sleep || echo none'

in_both_images() {
	for SANDBOX_IMAGE in busybox default; do
		"$@" || flunk "with the image $SANDBOX_IMAGE"
	done
}

commands() {
	tool exec 'id -un; pwd; ls' exec 'echo out; echo err >&2; exit 3' exec 'kill -9 $$' \
		feed 'wc -c; exec <&-' "$(head -c 100000 /dev/zero | tr '\0' x)" run nope \
		cwd sub exec pwd cwd /etc exec pwd cwd nope exec pwd
	is 0 .out.data '"user\n/workspace\na\nsub\n"'
	is 1 '[.failed, .exit_code, .out.data, .err.data, .message]' \
		'[true,3,"out\n","err\n","exit code 3"]'
	is 2 '[.exit_code, .signal, .message]' '[137,9,"killed by signal 9"]'
	is 3 '[.failed, .out.data]' '[false,"100000\n"]'
	is 4 '[.exit_code, .message]' "[127,\"cannot execute 'nope': No such file or directory\"]"
	is 6 .out.data '"/workspace/sub\n"'
	is 8 .out.data '"/etc\n"'
	is 10 '[.exit_code, .message]' \
		"[126,\"cannot enter '/workspace/nope': No such file or directory\"]"
}

@test "commands run as the ordinary user, in the workspace or where they are told" {
	mkdir w/sub
	echo one >w/a
	in_both_images commands
}

@test "output is bounded: both ends stay, and all is counted" {
	tool -o 1000 exec 'i=0; while [ $i -lt 20000 ]; do echo "line $i"; i=$((i + 1)); done'
	is 0 '[.out.truncated, .out.total]' '[true,208890]'
	json '.[0].out.data' | head -1 | grep -qx 'line 0' || flunk "the beginning"
	json '.[0].out.data' | grep -qx '\[... 207890 bytes are left out here ...\]' || flunk "the middle"
	json '.[0].out.data' | tail -2 | grep -qx 'line 19999' || flunk "the end"
	[ "$(json '.[0].out.len')" -le 1100 ] || flunk "too much"
}

@test "a deadline kills one command, and the sandbox lives on" {
	tool -t 3000 exec 'echo before; sleep 100 & sleep 100' exec "$sleepers"
	is 0 '[.failed, .timed_out, .exit_code, .message, .out.data]' \
		'[true,true,124,"killed: the time of 3.0 s was over","before\n"]'
	is 1 .out.data '"none\n"'
}

@test "a command that is cancelled takes with it what it started" {
	tool cancel '(trap "" TERM; sleep 100) & echo go; sleep 100' exec "$sleepers" exec "sleep 100 & $sleepers"
	is 0 '[.failed, .cancelled, .message]' '[true,true,"cancelled"]'
	is 1 .out.data '"none\n"'
	is 2 .out.data '"sleep\n"'
}

@test "sixteen at once in a loop of the caller's, and the next is refused" {
	tool many 18 'sleep 0.5; echo $((6 * 7))'
	is 0 .started 16
	is 0 .refused '"16 commands run in this VM already, and more cannot at once"'
	is 0 '[.results[] | .out.data] | unique' '["42\n"]'
	is 0 '.results | length' 16
}

reads() {
	tool exec 'printf "a\0b\377\n\nend" >bin; mkfifo fifo; ln -s bin link; ln -s nope lost; : >empty; chmod 0 empty; head -c 300000 /dev/zero >big' \
		read bin 0 0 read bin 2 3 read link 0 0 read bin 100 0 read ./-nope 0 0 read . 0 0 \
		read fifo 0 0 read lost 0 0 read empty 0 0 read big 299990 0 read big 0 0 read /etc/hostname 0 0
	is 1 '[.failed, .out.len, .out.total, .out.truncated, .out.data_base64]' '[false,9,9,false,"YQBi/woKZW5k"]'
	is 2 '[.out.len, .out.truncated, .out.data_base64]' '[3,true,"Yv8K"]'
	is 3 '[.failed, .out.len]' '[false,9]'
	is 4 '[.failed, .out.len, .out.total, .out.truncated]' '[false,0,9,false]'
	is 5 '[.failed, .message]' '[true,"there is no such file or folder"]'
	is 6 '[.failed, .message]' '[true,"that is a folder"]'
	is 7 '[.failed, .message]' '[true,"that is no ordinary file"]'
	is 8 '[.failed, .message]' '[true,"there is no such file or folder"]'
	is 9 .failed true
	json '.[9].message' | grep -qi 'permission denied' || flunk "why"
	is 10 '[.out.len, .out.total, .out.truncated]' '[10,300000,false]'
	is 11 '[.out.len, .out.total, .out.truncated]' '[65536,300000,true]'
	is 12 .failed false
}

@test "read gives bytes from where it is told, and the size of the file" {
	in_both_images reads
}

writes() {
	local odd=$'d/ a\n$(touch evil)\'"\\*'

	head -c 3000000 /dev/urandom >big
	tool write new/deep/f 'text
' exec 'stat -c "%a %U" new/deep/f; cat new/deep/f' \
		exec 'echo old >x; chmod 755 x; ln -s x link; ln x other; mkdir dir; mkfifo fifo; ln -s nope/nope lost' \
		write link new exec 'cat x; cat other; stat -c %a x; ls -la link | grep -c -e "-> x"' \
		write dir x write dir/ x write fifo x write lost x write "$odd" odd read "$odd" 0 0 \
		write -n dash exec 'cat ./-n; ls -A | grep -c ironclaw; [ ! -e evil ]' \
		writefile big big exec 'sha256sum <big' write /etc/nope x write empty '' read empty 0 0 \
		exec 'chmod 555 dir' write dir/x x exec 'ls -A dir; ls -A new/deep'
	is 0 '[.failed, .written]' '[false,5]'
	is 1 .out.data '"644 user\ntext\n"'
	# By a new file: the link leads to it, and another name keeps the old one.
	is 3 .failed false
	is 4 .out.data '"newold\n755\n1\n"'
	is 5 .message '"that is a folder"'
	is 6 .message '"that is a folder"'
	is 7 .message '"that is no ordinary file"'
	is 8 .failed true
	is 9 .failed false
	is 10 .out.data '"odd"'
	is 12 '[.exit_code, .out.data]' '[0,"dash0\n"]'
	is 13 .written 3000000
	[ "$(json '.[14].out.data')" = "$(sha256sum <big)" ] || flunk "another file"
	is 15 .failed true
	json '.[15].message' | grep -qi 'denied' || flunk "why"
	is 16 '[.failed, .written]' '[false,0]'
	is 17 '[.failed, .out.len, .out.total]' '[false,0,0]'
	is 19 .failed true
	is 20 .out.data '"f\n"'
}

@test "write makes folders, replaces a file whole, and leaves nothing behind when it cannot" {
	in_both_images writes
}

lists() {
	tool exec 'mkdir d; cd d; touch a .hidden -x "b
c/d" 2>/dev/null; touch "b
c"; printf 12345 >five; mkdir -m 700 sub; ln -s nope link; mkfifo fifo; touch "$(printf "\033[31m")"' \
		list d list ./d/sub list d/five list nope list '' \
		exec 'mkdir many; cd many; i=0; while [ $i -lt 3000 ]; do : >$i; i=$((i + 1)); done' list many
	is 1 '[.failed, .out.truncated, .out.total]' '[false,false,9]'
	is 1 '[.entries[] | [.type, .mode, .name]] | sort' \
		'[["d",448,"sub"],["f",420,"\u001b[31m"],["f",420,"-x"],["f",420,".hidden"],["f",420,"a"],["f",420,"b\nc"],["f",420,"five"],["l",511,"link"],["p",420,"fifo"]]'
	is 1 '.entries[] | select(.name == "five") | .size' 5
	json '.[1].out.data' | grep -qF '\x1b[31m' || flunk "not escaped"
	[ "$(json '.[1].out.data' | wc -l)" -eq 9 ] || flunk "a line for each"
	is 2 '[.failed, .entries]' '[false,[]]'
	is 3 .message '"that is not a folder"'
	is 4 .message '"there is no such file or folder"'
	is 5 '[.entries[] | .name]' '["d"]'
	is 7 '[.out.total, (.entries | length), .entries[0].name]' '[3000,3000,"0"]'
}

@test "list has type, mode, size and name of whatever there is" {
	in_both_images lists
}

searches() {
	tool exec 'mkdir -p s/.git s/deep; cd s; echo "needle one" >a; echo "a needle
two{}" >deep/b; echo "needle" >.git/x; mkfifo fifo; echo "needle odd" >"n
l"; echo "needle dash" >-d; ln -s a link; printf "needle\0bin\n" >bin; (head -c 100000 /dev/zero | tr "\0" x; echo needle) >long' \
		search 'n..dle' s fixed 'n..dle' s fixed '{}' s search '^a ne+dle$' s search NEEDLE s \
		search needle s/a fixed '-e' s search x nope search needle s/deep/.. \
		exec 'cd s; i=0; while [ $i -lt 3000 ]; do echo "needle number $i"; i=$((i + 1)); done >many' \
		search needle s/many
	is 1 '[.failed, .out.truncated]' '[false,false]'
	json '.[1].out.data' | grep -v 'bin' >found
	[ "$(cut -c 1-40 found)" = "$(printf '%s\n' 's/-d:1:needle dash' 's/a:1:needle one' 's/deep/b:1:a needle' \
		's/long:1:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx')" ] || flunk "found: $(cat found)"
	[ "$(wc -L <found)" -lt 450 ] || flunk "a line as long as ever"
	is 2 '[.failed, .out.data]' '[false,""]'
	is 3 .out.data '"s/deep/b:2:two{}\n"'
	is 4 .out.data '"s/deep/b:1:a needle\n"'
	is 5 .out.data '""'
	is 6 .out.data '"s/a:1:needle one\n"'
	is 7 '[.failed, .out.data]' '[false,""]'
	is 8 .message '"there is no such file or folder"'
	json '.[9].out.data' | grep -q 'one' || flunk "from above"
	is 11 '[.failed, .out.truncated]' '[false,true]'
}

@test "search finds texts and expressions, and stumbles over nothing that lies there" {
	in_both_images searches
}

@test "what is no regular expression is said to be none" {
	SANDBOX_IMAGE=default tool search '(' . search '[' . fixed '(' .
	is 0 '[.failed, .message]' '[true,"that is not a regular expression"]'
	is 1 .failed true
	is 2 .failed false
}

@test "changes come out any number of times, and what was applied is none any more" {
	echo old >w/edited
	echo old >w/gone
	echo keep >w/kept
	tool changes exec 'echo new >edited; rm gone; mkdir made; echo 1 >made/a' changes apply flag changes \
		host 'cp -r w applied' exec 'echo 2 >made/a; echo b >made/b' changes apply flag changes \
		exec 'rm -r made; echo old >edited' changes apply flag changes apply flag
	is 0 '[.r, .changes]' '[0,[]]'
	is 2 .changes '["edited edited","deleted gone","created made","created made/a"]'
	is 3 '[.r, .applied, .conflicts]' '[0,4,0]'
	is 4 .changes '[]'
	[ "$(cat applied/edited applied/made/a applied/kept)" = "$(printf 'new\n1\nkeep')" ] || flunk "the first"
	[ ! -e applied/gone ] || flunk "gone"
	is 7 .changes '["edited made/a","created made/b"]'
	is 8 '[.r, .applied]' '[0,2]'
	is 9 .changes '[]'
	is 11 .changes '["edited edited","deleted made","deleted made/a","deleted made/b"]'
	is 12 '[.r, .applied]' '[0,4]'
	is 13 .changes '[]'
	is 14 '[.r < 0, .error]' '[true,"there are no changes to apply"]'
	[ "$(cat w/edited)" = old ] && [ ! -e w/made ] || flunk "the last"
}

@test "what somebody does on the host between two applies is a conflict, and nothing is applied" {
	echo old >w/a
	echo old >w/b
	tool exec 'echo new >a' changes apply flag host 'printf "HOS\n" >w/a' \
		exec 'echo n3w >a; echo n3w >b' changes apply flag host 'cat w/a w/b >seen' select b apply flag
	is 2 '[.r, .applied]' '[0,1]'
	is 6 '[.code, .applied, .conflicts]' '[4,0,1]'
	[ "$(cat seen)" = "$(printf 'HOS\nold')" ] || flunk "something was applied: $(cat seen)"
	# What is not in conflict can still be chosen.
	is 9 '[.r, .applied]' '[0,1]'
	[ "$(cat w/a w/b)" = "$(printf 'HOS\nn3w')" ] || flunk "the rest"
}

@test "a grant is good for one apply of what it was given for" {
	tool exec 'echo 1 >a' changes apply flag exec 'echo 2 >a' changes again apply policy \
		select nope apply flag
	is 2 .r 0
	is 5 '[.r, .error, .applied]' '[-1,"not approved: there is no such approval, or it was used",0]'
	# No policy and nobody to ask.
	is 6 '[.r, .applied]' '[-1,0]'
	is 8 .error '"there are no changes to apply"'
	[ "$(cat w/a)" = 1 ] || flunk "applied all the same"
}

@test "an approval through the queue, while commands go on" {
	timeout --kill-after=5 "$DEADLINE_S" "$TOOL" -w w exec 'echo 1 >a' changes apply queue \
		>"$OUT" 2>"$ERR" 3>&- &
	local pid=$! id=""
	for _ in $(seq 300); do
		id=$("$IRONCLAW" approvals ls --json 2>/dev/null | jq -r '.[0].id // empty') || true
		[ -z "$id" ] || break
		sleep 0.1
	done
	[ -n "$id" ] || flunk "nothing waits"
	"$IRONCLAW" approvals approve "$id" >/dev/null 2>>"$ERR" || flunk "approve"
	wait "$pid" || flunk "the tool"
	is 2 '[.r, .applied]' '[0,1]'
	[ "$(cat w/a)" = 1 ] || flunk "not applied"
}

@test "start, commands, applies and end are in the audit log, without arguments" {
	tool exec 'echo secret-word >a' write b secret-word changes apply flag run true
	"$IRONCLAW" audit verify >/dev/null 2>>"$ERR" || flunk "the log is broken"
	jq -r '.vm' "$IRONCLAW_HOME/data/audit/log" | tail -1 >id
	jq -c "select(.vm == \"$(cat id)\")" "$IRONCLAW_HOME/data/audit/log" >records
	[ "$(jq -r .kind records | tr '\n' ' ')" = 'start exec decision apply outcome exec end ' ] ||
		flunk "records: $(cat records)"
	[ "$(jq -c 'select(.kind == "start") | [.purpose, .started]' records)" = '["test",true]' ] || flunk start
	[ "$(jq -c 'select(.kind == "exec") | [.argv0, .argc]' records | tr '\n' ' ')" = '["sh",3] ["true",1] ' ] ||
		flunk exec
	[ "$(jq -c 'select(.kind == "end") | [.commands, .lost]' records)" = '[2,false]' ] || flunk end
	! grep -q secret-word records || flunk "an argument is in the log"
}

@test "a folder that holds IronClaw's own is refused before anything runs" {
	status=0
	timeout "$DEADLINE_S" "$TOOL" -w "$IRONCLAW_HOME" exec true >"$OUT" 2>"$ERR" || status=$?
	exits 1
	stderr_has "cannot be a workspace"
}

@test "two sandboxes are opened at once in two threads" {
	echo x >w/a
	tool another exec 'cat a'
	is 0 '[.two[] | .r, .out.data] | [.[0], .[2]]' '[0,0]'
	is 0 '.two[0].id == .two[1].id' false
	is 0 '[.two[] | .out.data | split("\n")[1:]] | unique' '[["x",""]]'
	is 1 .out.data '"x\n"'
}

@test "a workspace that has become too large is refused, and the sandbox lives on" {
	tool -s 1000000 exec 'head -c 3000000 /dev/zero >large' changes exec 'rm large; echo x >a' changes
	is 1 '.r < 0' true
	json '.[1].error' | grep -q 'too large\|more than' || flunk "why"
	is 2 .exit_code 0
	is 3 '[.r, .changes]' '[0,["created a"]]'
}

@test "a machine that ends under a sandbox is a clear error, and nothing is applied any more" {
	cat >kill_vmm <<-'END'
		below() { for c in $(pgrep -P "$1"); do echo "$c"; below "$c"; done; }
		for p in $(below "$1"); do
			case $(cat /proc/$p/comm) in qemu-system*) kill -9 "$p" ;; esac
		done
	END
	tool exec 'echo x >a' changes host 'sh kill_vmm $PPID' exec true read a 0 0 changes apply flag
	is 3 '.r < 0' true
	is 4 '[.code, .error | tostring | test("has ended")]' '[false,true]'
	is 5 '.r < 0' true
	is 6 .error '"there are no changes to apply"'
	[ ! -e w/a ] || flunk "applied"
}
