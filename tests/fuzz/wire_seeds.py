#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""wire_seeds.py [CORPUS-DIR]: write the named files of the corpora wire_host and wire_guest.

They are the frames of docs/protocol.md: one of each kind, good and bad. What the fuzzer finds
beyond them is kept after `fuzz_wire_X -merge=1 corpus/wire_X NEW`.
"""
import pathlib
import struct
import sys

HELLO, IDENTITY, TIME_REQUEST, TIME, IDENTITY_OK, ERROR = 1, 2, 3, 4, 5, 9
(EXEC_PART, EXEC, STARTED, EXEC_FAILED, DATA, EOF, CREDIT, SIGNAL, WINSIZE, KILL,
 EXIT) = range(16, 27)
STDIN, STDOUT, STDERR = 1, 2, 3


def frame(kind, payload=b"", stream=0, session=0):
    return struct.pack("<IBBH", len(payload), kind, stream, session) + payload


def tlv(tag, value):
    return struct.pack("<HI", tag, len(value)) + value


def u32(value):
    return struct.pack("<I", value)


IDENTITY_RECORDS = [
    tlv(1, bytes(range(64))),
    tlv(2, b"vm-1"),
    tlv(3, b"0123456789abcdef0123456789abcdef"),
    tlv(4, b"01234567-89ab-cdef-0123-456789abcdef"),
    tlv(5, u32(512)),
]
SHELL = tlv(1, b"sh") + tlv(1, b"-c") + tlv(1, b"echo hi")
FULL = (SHELL + tlv(2, b"A=1") + tlv(2, b"B=") + tlv(3, b"/tmp") + tlv(4, b"root:0") +
        tlv(5, u32(3)) + tlv(6, struct.pack("<HH", 24, 80)))

GUEST = {
    "identity": frame(IDENTITY, b"".join(IDENTITY_RECORDS)),
    "identity-missing": frame(IDENTITY, b"".join(IDENTITY_RECORDS[1:])),
    "identity-twice": frame(IDENTITY, b"".join(IDENTITY_RECORDS + IDENTITY_RECORDS[4:])),
    "exec": frame(EXEC, FULL, session=1),
    "exec-slices": frame(EXEC_PART, FULL[:20], session=2) + frame(EXEC, FULL[20:], session=2),
    "exec-cut": frame(EXEC, FULL[:-1], session=1),
    "exec-no-command": frame(EXEC, tlv(2, b"A=1"), session=1),
    "exec-nul": frame(EXEC, tlv(1, b"a\0b"), session=1),
    "exec-long-record": frame(EXEC, b"\1\0\xff\xff\xff\xff", session=1),
    "session": frame(EXEC, SHELL, session=16) + frame(DATA, b"x" * 300, STDIN, 16) +
               frame(CREDIT, u32(9), STDOUT, 16) + frame(SIGNAL, u32(15), session=16) +
               frame(WINSIZE, struct.pack("<HH", 1, 2), session=16) +
               frame(EOF, stream=STDIN, session=16) + frame(KILL, session=16),
    "time": frame(TIME, bytes(16)),
    "no-such-kind": frame(TIME, bytes(16)) + frame(6, bytes(8)),
    "bad-length": struct.pack("<IBBH", 65537, DATA, STDIN, 1),
    "bad-direction": frame(EXIT, bytes(8), session=1),
}
HOST = {
    "boot": frame(HELLO, u32(1)) + frame(TIME_REQUEST, bytes(8)) + frame(IDENTITY_OK),
    "session": frame(STARTED, session=1) + frame(DATA, b"out" * 100, STDOUT, 1) +
               frame(DATA, b"err", STDERR, 1) + frame(CREDIT, u32(65536), STDIN, 1) +
               frame(EOF, stream=STDOUT, session=1) + frame(EOF, stream=STDERR, session=1) +
               frame(EXIT, struct.pack("<HHI", 1, 0, 42), session=1),
    "killed": frame(EXIT, struct.pack("<HHI", 2, 1, 9), session=3),
    "bad-exit": frame(EXIT, struct.pack("<HHI", 2, 1, 65), session=3),
    "exec-failed": frame(EXEC_FAILED, u32(5) + u32(2), session=16),
    "error": frame(ERROR, b"length of DATA"),
    "largest": frame(DATA, bytes(65536), STDOUT, 1) + frame(DATA, b"x", STDERR, 1),
    "cut": frame(DATA, b"x" * 100, STDOUT, 1)[:-1],
    "bad-length": struct.pack("<IBBH", 65537, DATA, STDOUT, 1),
    "bad-session": frame(STARTED, session=17),
    "garbage": bytes(range(256)),
}


def main():
    top = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__)
    if top.is_file():
        top = top.parent / "corpus"
    for name, content in GUEST.items():
        (top / "wire_guest").mkdir(parents=True, exist_ok=True)
        (top / "wire_guest" / name).write_bytes(content)
    for name, content in HOST.items():
        (top / "wire_host").mkdir(parents=True, exist_ok=True)
        (top / "wire_host" / name).write_bytes(b"\x06" + content)  # in pieces of 7 bytes


main()
