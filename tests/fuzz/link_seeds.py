#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""link_seeds.py [CORPUS-DIR]: write the named files of the corpora link, monitor and request.

They are what honest peers say, and one breach of each rule. What the fuzzer finds beyond them is
kept after `fuzz_X -merge=1 corpus/X NEW`.
"""
import pathlib
import struct
import sys

HELLO, TIME_REQUEST, IDENTITY_OK = 1, 3, 5
(EXEC_PART, EXEC, STARTED, EXEC_FAILED, DATA, EOF, CREDIT, SIGNAL, WINSIZE, KILL,
 EXIT) = range(16, 27)
STDIN, STDOUT, STDERR = 1, 2, 3


def frame(kind, payload=b"", stream=0, session=0):
    return struct.pack("<IBBH", len(payload), kind, stream, session) + payload


def u32(value):
    return struct.pack("<I", value)


def guest(*frames):
    data = b"".join(frames)
    return struct.pack("<H", len(data)) + data


def guest16(*frames):
    data = b"".join(frames)
    return struct.pack("<H", len(data) | 0x4000) + data


def host(*frames):
    data = b"".join(frames)
    return struct.pack("<H", len(data) | 0x8000) + data


EXIT_42 = frame(EXIT, struct.pack("<HHI", 1, 0, 42), session=1)
BOOT = b"\1" + guest(frame(HELLO, u32(1)), frame(TIME_REQUEST, bytes(8)), frame(IDENTITY_OK))
RESTORED = b"\0" + guest(frame(TIME_REQUEST, bytes(8)), frame(IDENTITY_OK))
OPEN = RESTORED + host(frame(EXEC, b"x" * 20, session=1))
RUNNING = OPEN + guest(frame(STARTED, session=1))
LINK = {
    "boot": BOOT,
    "version": b"\1" + guest(frame(HELLO, u32(2))),
    "times": b"\0" + guest(*[frame(TIME_REQUEST, bytes(8))] * 20),
    "unasked": RESTORED[:-8] + guest(frame(IDENTITY_OK), frame(TIME_REQUEST, bytes(8))),
    "session": RUNNING + host(frame(DATA, b"in", STDIN, 1), frame(EOF, b"", STDIN, 1)) +
               guest(frame(DATA, b"out" * 9, STDOUT, 1), frame(CREDIT, u32(2), STDIN, 1)) +
               host(frame(CREDIT, u32(27), STDOUT, 1), frame(SIGNAL, u32(2), session=1)) +
               guest(frame(EOF, b"", STDOUT, 1), frame(EOF, b"", STDERR, 1), EXIT_42),
    "again": RUNNING + guest(EXIT_42) + host(frame(EXEC, b"y", session=1)) +
             guest(frame(EXEC_FAILED, u32(5) + u32(2), session=1)),
    "slices": RESTORED + host(frame(EXEC_PART, b"x" * 9, session=2), frame(EXEC, b"z", session=2)) +
              guest(frame(STARTED, session=2)),
    "interleaved": RESTORED + host(frame(EXEC_PART, b"x", session=1), frame(EXEC, b"z", session=2)),
    "halves": RESTORED + host(frame(EXEC, b"x", session=1)[:5]) + host(frame(EXEC, b"x", session=1)[5:]) +
              guest(frame(STARTED, session=1)[:3]) + guest(frame(STARTED, session=1)[3:]),
    "before-started": OPEN + guest(frame(DATA, b"x", STDOUT, 1)),
    "closed": RESTORED + guest(frame(STARTED, session=3)),
    "twice": RUNNING + guest(frame(STARTED, session=1)),
    "after-eof": RUNNING + guest(frame(EOF, b"", STDOUT, 1), frame(DATA, b"x", STDOUT, 1)),
    "boundary": RUNNING + guest16(frame(DATA, bytes(8192), STDOUT, 1)) * 2 +
                guest(frame(DATA, b"x", STDOUT, 1)),
    "credit-wraps": RUNNING + guest(frame(CREDIT, u32(0xffffffff), STDIN, 1)),
    "credit": RUNNING + guest(frame(CREDIT, u32(1), STDIN, 1)),
    "late-input": RUNNING + guest(EXIT_42) + host(frame(DATA, b"x", STDIN, 1), frame(KILL, session=1)),
    "winsize": RUNNING + host(frame(WINSIZE, struct.pack("<HH", 24, 80), session=1)),
    "flood": RUNNING + guest16(frame(DATA, bytes(16000), STDOUT, 1)) * 2,
    "flow": RUNNING + guest16(frame(DATA, bytes(16000), STDOUT, 1)) +
            host(frame(CREDIT, u32(250000), STDOUT, 1)) +
            guest16(frame(DATA, bytes(12000), STDOUT, 1)),
    "garbage": RESTORED + guest(bytes(range(256))),
}

GREETING = b'{"QMP": {"version": {}, "capabilities": ["oob"]}}\r\n'
OK = b'{"return": {}}\r\n'
EVENT = b'{"timestamp": {"seconds": 1}, "event": "STOP"}\r\n'
ERROR = b'{"error": {"class": "GenericError", "desc": "no\\u001b[31m file"}}\r\n'


def status(word):
    return b'{"return": {"status": "' + word + b'"}}\r\n'


TALK = {
    "greeting": GREETING + OK,
    "saved": GREETING + OK + EVENT + OK + OK + OK + status(b"active") + EVENT + status(b"completed"),
    "failed": GREETING + OK * 4 + status(b"failed"),
    "cancelled": GREETING + OK * 4 + status(b"cancelled"),
    "error": GREETING + ERROR,
    "late-error": GREETING + OK * 120 + ERROR,
    "error-bare": b'{"error": null}\n',
    "events": EVENT * 20,
    "unknown": b'{"hello": 1}\n',
    "array": b'[1, 2]\n',
    "no-json": b'qemu: fatal\n',
    "twice": b'{"return": {}, "return": {}}\n',
    "cut": b'{"return": ',
    "deep": b"[" * 3000 + b"\n",
    "long": b'{"return": "' + b"x" * 20000 + b'"}\n',
    "nul": b'{"return"\0: {}}\n',
    "empty-lines": b"\n\n\n",
    "odd-status": GREETING + OK * 4 + b'{"return": {"status": 7}}\n{"return": []}\n' + status(b"completed"),
}
MONITOR = {name: b"\x06" + talk for name, talk in TALK.items()}
MONITOR.update({"save-" + name: b"\1" + talk for name, talk in TALK.items()})

MOUNTS, ARGV, ENV = 192, 128, 8
RO, RW, DEV = 1, 2, 3


def request(mounts=((RO, b"/usr", b"/usr"), (RO, b"/lib/libc.so.6", b"/lib/libc.so.6"),
                    (DEV, b"/dev/null", b"/dev/null"), (RW, b"/r", b"/vm/ram")),
            argv=(b"/usr/bin/vmm", b"-x", b""), env=(b"A=1",), keeper=b"/usr/libexec/keeper",
            vm_id=b"vm-1", fds=3, magic=0x69636A31, shift=0, end=b"", text_length=None,
            confine=(2, 2, 1), limits=(1 << 29, 80, 200, 0)):
    text = b"\0"

    def add(string):
        nonlocal text
        at = len(text)
        text += string + b"\0"
        return at + shift

    def words(values, n):
        return struct.pack("<%dI" % n, *(list(values) + [0] * (n - len(values))))

    keeper_at = add(keeper)
    at = [(kind, add(source), add(target)) for kind, source, target in mounts]
    argv_at, env_at = [add(a) for a in argv], [add(e) for e in env]
    text += end
    body = struct.pack("<4I", len(mounts), len(argv), len(env), fds)
    body += words([w for mount in at for w in mount], 3 * MOUNTS) + u32(keeper_at)
    body += words(argv_at, ARGV) + words(env_at, ENV)
    head = 8 + len(body)
    body += bytes(-head % 8) + struct.pack("<Q4I", 1 << 27, *confine, 0)
    body += struct.pack("<Q4I", *limits, 0)
    body += u32(len(text) if text_length is None else text_length)
    body += vm_id.ljust(65, b"\0")
    total = 8 + len(body) + 45056
    return struct.pack("<II", magic, total + -total % 8) + body + text


REQUEST = {
    "good": request(),
    "no-mounts": request(mounts=(), env=(), fds=0),
    "magic": request(magic=1),
    "fds": request(fds=5),
    "dotdot": request(mounts=((RO, b"/usr", b"/a/../b"),)),
    "dot": request(mounts=((RO, b"/usr", b"/a/."),)),
    "slashes": request(mounts=((RO, b"/usr", b"/a//b"),)),
    "root": request(mounts=((RO, b"/usr", b"/"),)),
    "relative": request(mounts=((RO, b"usr", b"/usr"),)),
    "kind": request(mounts=((4, b"/usr", b"/usr"),)),
    "long-target": request(mounts=((RO, b"/usr", b"/" + b"a" * 255),)),
    "longest-target": request(mounts=((RO, b"/usr", b"/" + b"a" * 254),)),
    "no-command": request(argv=(b"vmm",)),
    "no-env": request(env=(b"A",)),
    "no-keeper": request(keeper=b"keeper"),
    "no-end": request(end=b"x"),
    "outside": request(shift=20000),
    "far-outside": request(shift=0xffff0000),
    "text-length": request(text_length=24577),
    "no-text": request(text_length=0),
    "keeper-as-vmm": request(confine=(1, 2, 1)),
    "level": request(confine=(2, 4, 1)),
    "denied": request(confine=(2, 2, 0)),
    "no-limit": request(limits=(0, 80, 200, 0)),
    "limit-required": request(limits=(1, 1, 1, 1)),
    "id-slash": request(vm_id=b"../x"),
    "id-long": request(vm_id=b"a" * 65),
    "id-longest": request(vm_id=b"a" * 64),
    "id-empty": request(vm_id=b""),
}


def main():
    top = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__)
    if top.is_file():
        top = top.parent / "corpus"
    for name, seeds in (("link", LINK), ("monitor", MONITOR), ("request", REQUEST)):
        (top / name).mkdir(parents=True, exist_ok=True)
        for seed, content in seeds.items():
            (top / name / seed).write_bytes(content)


main()
