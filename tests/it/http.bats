#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Requests to servers of others (src/codec/http.c), against a real one.

load lib.bash
load model.bash

setup() {
	use_tmp
	TOOL=$(dirname "$IRONCLAW")/tests/http_tool
	unset http_proxy https_proxy all_proxy HTTPS_PROXY ALL_PROXY
}

teardown() {
	stop_serving
}

# http URL [OPTION=VALUE...]
http() {
	status=0
	timeout --kill-after=5 "$DEADLINE_S" "$TOOL" "$@" >"$OUT" 2>"$ERR" || status=$?
}

# refuses ERRNO TEXT OPTION...: nothing is sent.
refuses() {
	local errno=$1 text=$2

	shift 2
	http "$@"
	exits 1
	stderr_has "$errno: "
	stderr_has "$text"
	stderr_is_tame 1
	logged_is length 0
}

stderr_lacks() {
	if grep -q "$1" "$ERR"; then
		flunk "not expected in stderr: $1"
	fi
}

certificate() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj "/CN=fake" \
		-addext "subjectAltName=$1" 2>/dev/null
}

@test "an answer of any status is an answer" {
	serve '[{"body": "hello", "headers": {"X-Test": "yes", "Content-Type": "Text/Plain; a=b"}},
		{"status": 404, "body": "nothing here"}, {"status": 204, "body": ""}]'
	http "$URL/a?b=c"
	exits 0
	[ "$(cat "$OUT")" = $'head 200 text/plain yes\nhelloanswer 200 text/plain -1 0 5' ] || flunk output
	http "$URL/a"
	stdout_has 'nothing hereanswer 404'
	http "$URL/a" method=DELETE
	stdout_is $'head 204  -\nanswer 204  -1 0 0'
	logged_is '[.[] | .method, .path]' '["GET","/a?b=c","GET","/a","DELETE","/a"]'
}

@test "a request is sent as it was given" {
	serve '[{"body": ""}]'
	http "$URL/" method=POST 'body={"a": [1, "ü"]}' 'header=Content-Type: application/json' \
		'secret=X-Key: one' 'header=X-Odd:	tab ü'
	exits 0
	logged_is '.[0].body' '{"a":[1,"ü"]}'
	logged_is '.[0].headers | ."content-type", ."x-key"' $'"application/json"\n"one"'
	logged_is '.[0].headers | has("expect"), (."user-agent" | startswith("ironclaw/"))' $'false\ntrue'
}

@test "a large body goes and comes whole" {
	head -c 3000000 /dev/zero | tr '\0' x >big
	serve "[{\"body\": \"$(head -c 100000 big)\"}]"
	http "$URL/" method=POST body="$(head -c 100000 big)" header='Content-Type: text/plain'
	exits 0
	[ "$(wc -c <"$OUT")" -gt 100000 ]
	logged_is '.[0].body.not_json | length' 100000
}

@test "what a URL may be" {
	serve '[{"body": ""}]'
	refuses EINVAL "not an http or https URL" "ftp://127.0.0.1:$PORT/"
	refuses EINVAL "not an http or https URL" "file:///etc/passwd"
	refuses EINVAL "not an http or https URL" "127.0.0.1:$PORT"
	refuses EINVAL "not an http or https URL" "$URL/a b"
	refuses EINVAL "not an http or https URL" "$URL/"$'a\r\nX-Injected: 1'
	refuses EINVAL "not an http or https URL" $'\e[31m'
	refuses EINVAL "user name" "http://user@127.0.0.1:$PORT/"
	refuses EINVAL "user name" "http://user:secret@127.0.0.1:$PORT/"
	stderr_lacks secret
	refuses EINVAL "bytes" "$URL/$(printf '%09000d' 0)"
	http "$URL/"
	exits 0
}

@test "headers cannot be injected, nor those that frame a message be set" {
	local bad

	serve '[{"body": ""}]'
	for bad in $'X-A: topsecret\r\nX-B: 2' $'X-A: topsecret\n' $'X-A: topsecret\x01' 'X A: topsecret' ': topsecret' \
		'topsecret' 'Host: topsecret' 'content-length: 7' 'Transfer-Encoding: chunked' 'Expect: topsecret' \
		'Connection: topsecret' 'X-A:' 'X-A: '; do
		refuses EINVAL "header" "$URL/" header="$bad"
		refuses EINVAL "header" "$URL/" secret="$bad"
		stderr_lacks topsecret
	done
	refuses EINVAL "method" "$URL/" method=$'GET / HTTP/1.1\r\nX: 1\r\n\r\nGET'
	refuses EINVAL "method" "$URL/" method=
	# shellcheck disable=SC2046
	refuses EINVAL "more than 64" "$URL/" $(printf 'header=X-%d:1 ' $(seq 65))
	# shellcheck disable=SC2046
	http "$URL/" $(printf 'header=X-%d:1 ' $(seq 32)) $(printf 'secret=Y-%d:1 ' $(seq 32))
	exits 0
	logged_is '.[0].headers | keys | map(select(test("^[xy]-"))) | length' 64
}

@test "a secret goes in clear to this machine only, unless asked for" {
	serve '[{"body": ""}, {"body": ""}, {"body": ""}]'
	refuses EINVAL "in clear" "http://192.0.2.1:$PORT/" secret='X-Key: topsecret'
	refuses EINVAL "in clear" "http://localhost.example:$PORT/" secret='X-Key: topsecret'
	refuses EINVAL "in clear" "http://127.0.0.1.example:$PORT/" secret='X-Key: topsecret'
	refuses EINVAL "in clear" "http://[::ffff:127.0.0.1]:$PORT/" secret='X-Key: topsecret'
	stderr_lacks topsecret
	# Asked for, or without a secret, it is tried (and this address leads nowhere).
	http "http://192.0.2.1:$PORT/" secret='X-Key: topsecret' clear=1 connect=300
	exits 1
	stderr_has ENOTCONN
	http "http://192.0.2.1:$PORT/" connect=300
	stderr_has ENOTCONN
	for host in 127.0.0.1 localhost 127.1; do
		http "http://$host:$PORT/" secret='X-Key: topsecret'
		exits 0
	done
	logged_is 'map(.headers."x-key")' '["topsecret","topsecret","topsecret"]'
}

@test "no redirect is followed" {
	serve '[{"status": 302, "headers": {"Location": "/other"}, "body": "moved"}, {"body": ""}]'
	http "$URL/" secret='X-Key: 1'
	exits 0
	stdout_has 'answer 302'
	logged_is length 1
}

@test "no proxy sees plain http, and https goes through the environment's" {
	serve '[{"body": "direct"}, {"body": "proxied"}]'
	export http_proxy=http://127.0.0.1:1 https_proxy=http://127.0.0.1:1
	http "$URL/"
	exits 0
	stdout_has direct
	http "https://127.0.0.1:$PORT/"
	exits 1
	stderr_has ENOTCONN
	unset http_proxy https_proxy
}

@test "TLS: the certificate must be of a known authority, and for that host" {
	certificate IP:127.0.0.1
	serve '[{"body": "safe"}]' --tls cert.pem key.pem
	refuses EKEYREJECTED certificate "https://127.0.0.1:$PORT/" secret='X-Key: 1'
	refuses EKEYREJECTED certificate "https://localhost:$PORT/" ca=cert.pem
	refuses EKEYREJECTED certificate "https://127.0.0.1:$PORT/" ca=missing.pem
	http "https://127.0.0.1:$PORT/" ca=cert.pem secret='X-Key: 1'
	exits 0
	stdout_has safe
	logged_is length 1
}

@test "TLS: a server without it is no server" {
	serve '[{"body": ""}]'
	http "https://127.0.0.1:$PORT/"
	exits 1
	stderr_has ENOTCONN
}

@test "nobody there, no such name" {
	http http://127.0.0.1:1/
	exits 1
	stderr_has ENOTCONN
	http http://nobody.invalid/
	exits 1
	stderr_has ENOTCONN
}

@test "an answer that breaks off is no answer" {
	serve '[{"socket": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"}, {"socket": ""},
		{"socket": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"},
		{"socket": "SSH-2.0-x\r\n"}, {"socket": "HTTP/1.1 200 OK\r\n\r\nwhole"}]'
	http "$URL/"
	exits 1
	stderr_has ECONNRESET
	http "$URL/"
	exits 1
	stderr_has ECONNRESET
	http "$URL/"
	exits 1
	stderr_has ECONNRESET
	http "$URL/"
	exits 1
	stderr_has EPROTO
	http "$URL/"
	exits 0
	stdout_has wholeanswer
}

@test "an answer has bounds" {
	local lines n

	lines=$(for n in $(seq 300); do printf 'X-%d: %01000d\\r\\n' "$n" 0; done)
	serve "[{\"body\": \"0123456789\"}, {\"body\": \"0123456789\"},
		{\"socket\": \"HTTP/1.1 200 OK\\r\\n$lines\\r\\n\"}]"
	http "$URL/" max=10
	exits 0
	http "$URL/" max=9
	exits 1
	stderr_has 'EMSGSIZE: the answer has more than 9 bytes'
	http "$URL/"
	exits 1
	stderr_has EMSGSIZE
	stderr_has headers
}

@test "interim answers are skipped, trailers are no head" {
	serve '[{"socket": "HTTP/1.1 103 Early\r\nX-Test: no\r\n\r\nHTTP/1.1 200 OK\r\nX-Test: yes\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-Test: late\r\n\r\n"}]'
	http "$URL/"
	exits 0
	[ "$(cat "$OUT")" = $'head 200  yes\nabanswer 200  -1 0 2' ] || flunk output
}

@test "what a server says about another try" {
	local date

	date=$(LC_ALL=C date -u -d '+30 seconds' '+%a, %d %b %Y %H:%M:%S GMT')
	serve "[{\"status\": 429, \"headers\": {\"Retry-After\": \"3\"}},
		{\"status\": 429, \"headers\": {\"Retry-After\": \"3\", \"retry-after-ms\": \"1500\", \"x-should-retry\": \"false\"}},
		{\"status\": 503, \"headers\": {\"Retry-After\": \"0.25\", \"x-should-retry\": \"true\"}},
		{\"status\": 503, \"headers\": {\"Retry-After\": \"$date\"}},
		{\"status\": 503, \"headers\": {\"Retry-After\": \"Mon, 01 Jan 2001 00:00:00 GMT\"}},
		{\"status\": 503, \"headers\": {\"Retry-After\": \"soon\", \"x-should-retry\": \"maybe\"}},
		{\"status\": 503, \"headers\": {\"Retry-After\": \"-1\"}}]"
	for want in '3000 0' '1500 2' '250 1' '(2[0-9]|30)000 0' '0 0' '-1 0' '-1 0'; do
		http "$URL/"
		grep -qE "^.*answer [0-9]+ application/json $want [0-9]+\$" "$OUT" || flunk "expected $want"
	done
}

@test "limits of time, and the end that the caller wants" {
	local before=$SECONDS

	serve '[{"wait_ms": 20000}, {"wait_ms": 20000}, {"wait_ms": 20000}, {"raw": "data: x\n\n", "hang_ms": 20000, "after": 1},
		{"raw": ": 1\n: 2\n: 3\n", "write": 4, "drip_ms": 0, "headers": {}}, {"body": "x"}]'
	http "$URL/" idle=300
	exits 1
	stderr_has 'ETIMEDOUT: the server was silent for 300 ms'
	http "$URL/" total=300 idle=10000
	exits 1
	stderr_has 'ETIMEDOUT: the answer was not complete within 300 ms'
	http "$URL/" cancel=300
	exits 1
	stderr_has ECANCELED
	http "$URL/" idle=500 events=1
	exits 1
	stderr_has ETIMEDOUT
	stdout_has 'message: x'
	http "$URL/" idle=5000 events=1
	exits 0
	http "$URL/" stop=1
	exits 1
	stderr_has ECANCELED
	[ $((SECONDS - before)) -lt 19 ] || flunk "it waited for the server"
}
