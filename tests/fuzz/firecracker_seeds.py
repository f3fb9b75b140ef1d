#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""firecracker_seeds.py [CORPUS-DIR]: write the named files of the corpus firecracker_http.

They are what an honest API answers, in each shape that it has, and one breach of each rule. What
the fuzzer finds beyond them is kept after `fuzz_firecracker_http -merge=1 corpus/firecracker_http NEW`.
"""
import pathlib
import sys

PARSE, SAVE, PAUSE, RESUME = range(4)
WHOLE, PIECES = 63 << 2, 0
SERVER = b"Server: Firecracker API\r\nConnection: keep-alive\r\n"
DONE = b"HTTP/1.1 204 \r\n" + SERVER + b"\r\n"
CONTINUE = b"HTTP/1.1 100 \r\nServer: Firecracker API\r\n\r\n"


def answer(status, body, more=b""):
    return (b"HTTP/1.1 %d \r\n" % status + SERVER + more + b"Content-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body) + body)


def version(text):
    return answer(200, b'{"firecracker_version":"%s"}' % text)


FAULT = answer(400, b'{"fault_message":"Cannot open the memory file: No such file (os error 2)"}')
HTTP_FAULT = answer(400, b'{ "error": "Request payload is too large.\n'
                    b'All previous unanswered requests will be dropped." }')
BUSY = answer(503, b'{ "error": "Too many open connections" }')

NAMED = {
    "done": (PARSE | WHOLE, DONE),
    "fault": (PARSE | WHOLE, FAULT),
    "continue": (RESUME | PIECES, CONTINUE + DONE),
    "resume": (RESUME | WHOLE, DONE),
    "resume-fault": (RESUME | PIECES, FAULT),
    "resume-http-fault": (RESUME | WHOLE, HTTP_FAULT),
    "resume-busy": (RESUME | WHOLE, BUSY),
    "resume-413": (RESUME | WHOLE, answer(413, b"")),
    "resume-escapes": (RESUME | WHOLE, answer(400, b'{"fault_message":"\\u001b[2J\\u0007x"}')),
    "resume-long": (RESUME | WHOLE, answer(400, b'{"fault_message":"' + b"x" * 500 + b'"}')),
    "resume-no-json": (RESUME | WHOLE, answer(400, b"<html>")),
    "resume-other-json": (RESUME | WHOLE, answer(400, b'{"fault_message":7}')),
    "resume-twice": (RESUME | WHOLE, DONE + DONE),
    "pause": (PAUSE | WHOLE, version(b"1.15.1")),
    "pause-dev": (PAUSE | WHOLE, version(b"1.17.0-dev")),
    "pause-hazard": (PAUSE | WHOLE, version(b"1.16.1")),
    "pause-no-version": (PAUSE | WHOLE, version(b"7")),
    "pause-nothing": (PAUSE | WHOLE, DONE),
    # Filled up, so that the second answer comes in a piece of its own.
    "save": (SAVE | (len(DONE) // 16) << 2,
             DONE[:-2] + b"X: " + b"x" * (((len(DONE) // 16) + 1) * 16 - len(DONE) - 5) +
             b"\r\n\r\n" + DONE),
    "save-fault": (SAVE | PIECES, FAULT),
    "deprecated": (PARSE | WHOLE, answer(200, b"{}", b"Deprecation: true\r\n")),
    "no-reason": (PARSE | WHOLE, b"HTTP/1.0 200\r\n\r\n"),
    "chunked": (PARSE | WHOLE, b"HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "two-lengths": (PARSE | WHOLE,
                    b"HTTP/1.1 200 \r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx"),
    "large": (PARSE | WHOLE, b"HTTP/1.1 200 \r\nContent-Length: 65537\r\n\r\n"),
    "folded": (PARSE | WHOLE, b"HTTP/1.1 200 \r\nA: b\r\n c\r\n\r\n"),
    "long-line": (PARSE | WHOLE, b"HTTP/1.1 200 " + b"x" * 1024),
    "many-lines": (PARSE | WHOLE, b"HTTP/1.1 200 \r\n" + b"A: b\r\n" * 65 + b"\r\n"),
    "body-of-204": (PARSE | WHOLE, b"HTTP/1.1 204 \r\nContent-Length: 1\r\n\r\nx"),
    "feeds": (PARSE | WHOLE, b"HTTP/1.1 200 \n\n"),
    "garbage": (RESUME | WHOLE, b"\0\1\2\3SSH-2.0"),
}


def main():
    here = pathlib.Path(__file__).resolve().parent / "corpus"
    target = (pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here) / "firecracker_http"
    target.mkdir(parents=True, exist_ok=True)
    for name, (choice, data) in NAMED.items():
        (target / name).write_bytes(bytes([choice]) + data)


main()
