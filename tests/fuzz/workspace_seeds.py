#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""workspace_seeds.py [CORPUS-DIR]: write the named files of the corpora tar, ignore, journal, index
and diff: what our own writers make, and one breach of each rule."""
import pathlib
import struct
import sys

NONE = 0xffffffff


def header(name, kind, size=0, mode=0o644, mtime=0, link=b""):
    h = bytearray(512)
    h[0:len(name)] = name
    h[100:108] = b"%07o\0" % mode
    h[108:124] = b"0000000\0" * 2
    h[124:136] = b"%011o\0" % size
    h[136:148] = b"%011o\0" % mtime
    h[156:157] = kind
    h[157:157 + len(link)] = link
    h[257:265] = b"ustar\00000"
    h[148:156] = b" " * 8
    h[148:156] = b"%06o\0 " % sum(h)
    return bytes(h)


def padded(data):
    return data + bytes(-len(data) % 512)


def record(key, value):
    rest = len(key) + len(value) + 3
    n = rest + 1
    while len(str(n)) + rest != n:
        n += 1
    return b"%d %s=%s\n" % (n, key, value)


def records(*pairs):
    data = b"".join(record(k, v) for k, v in pairs)
    return header(b"@records", b"x", len(data), 0) + padded(data)


def file(name, data, **more):
    return header(name, b"0", len(data), **more) + padded(data)


END = bytes(1024)
GONE = records((b"IRONCLAW.deleted", b"1")) + header(b"a/gone", b"0", 0, 0)
SPARSE = padded(b"3\n0\n5\n1000\n3\n5000\n0\n")
SPARSE = (records((b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", b"s"),
                  (b"GNU.sparse.realsize", b"5000")) +
          header(b"@path", b"0", len(SPARSE) + 8) + SPARSE + padded(b"12345678"))
LONG = b"d" * 90 + b"/" + b"f" * 60
TAR = {
    "empty": END,
    "all": header(b"a", b"5", 0, 0o755) + GONE + file(b"a/x", b"content") +
           header(b"l", b"2", 0, 0, link=b"/etc") + SPARSE + END,
    "long": records((b"path", LONG), (b"linkpath", LONG)) +
            header(b"@path", b"2", 0, 0, link=b"@path") + END,
    "opaque": records((b"IRONCLAW.opaque", b"1")) + header(b"d", b"5", 0, 0o755) + END,
    "hard-link": header(b"h", b"1", 0, link=b"/etc/passwd") + END,
    "device": header(b"n", b"3") + END,
    "global": header(b"g", b"g", 0, 0) + END,
    "twice": file(b"a", b"1") + file(b"a", b"2") + END,
    "beneath-link": header(b"a", b"2", 0, 0, link=b"/etc") + file(b"a/b", b"") + END,
    "dotdot": file(b"a/../b", b"") + END,
    "cut": file(b"a", b"content")[:700],
    "after-end": END + b"x",
}
IGNORE = {
    "plain": b"a/b.o\n*.o\n!keep.o\n/a/\n",
    "stars": b"a/b/c\n**/b\na/**/c\nx/**\n*a*a*b\n",
    "class": b"a/]x\n[]-]x\n[!a-c][[:digit:]]\n[\\]]\n[abc\n",
    "escape": b"#x\n\\#x\nx\\ \nx \\\nx\\\n\xef\xbb\xbf\r\n",
}


def op(kind, path, number=0, new=1, old=2, size=3, mtime=4, old_mode=0, new_mode=0, zero=0):
    return struct.pack("<IIQQQQqqIIII", kind, number, new, old, size, size, mtime, mtime, old_mode,
                       new_mode, len(path), zero) + path


def journal(*ops, n=None, magic=b"ICapply2"):
    return magic + struct.pack("<QQQ", 1, 2, len(ops) if n is None else n) + b"".join(ops)


JOURNAL = {
    "empty": journal(),
    "all": journal(op(1, b"a/b"), op(2, b"c"), op(3, b"d"), op(4, b"e", old_mode=0o755)),
    "kind": journal(op(5, b"a")),
    "dotdot": journal(op(1, b"../a")),
    "count": journal(op(1, b"a"), n=2),
    "rest": journal(op(1, b"a")) + b"x",
    "zero": journal(op(1, b"a", zero=1)),
    "magic": journal(magic=b"ICapply1"),
}


def entry(kind, path, content=NONE, flags=0, mode=0, size=0, link=b""):
    return struct.pack("<BBHIQHHI", ord(kind), flags, mode, content, size, len(path), len(link),
                       0) + path + link


def index(*entries, n=None):
    return b"".join(entries) + struct.pack("<BBHIQHHI", ord("E"), 0, 0,
                                           len(entries) if n is None else n, 0, 0, 0, 0)


INDEX = {
    "empty": index(),
    "all": index(entry("5", b"a", mode=0o755), entry("0", b"a/b", 0, mode=0o644, size=7),
                 entry("0", b"c", flags=1), entry("2", b"l", link=b"/etc")),
    "content": index(entry("0", b"a", 1)),
    "order": index(entry("5", b"b"), entry("5", b"a")),
    "count": index(entry("5", b"a"), n=2),
    "name": index(entry("5", b"../a")),
}
DIFF = {
    "same": b"a\nb\n\xffa\nb\n",
    "edit": b"1\n2\n3\n4\n5\n6\n7\n8\n9\n\xff1\n2\nx\n4\n5\n6\n7\n9\n10",
    "new": b"\xffa\nb",
    "gone": b"a\n\xff",
    "newline": b"a\nb\xffa\nb\n",
    "far": b"a\n" + b"x\n" * 30 + b"b\n\xffA\n" + b"x\n" * 30 + b"B\n",
}


def main():
    top = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__)
    if top.is_file():
        top = top.parent / "corpus"
    for name, seeds in (("tar", TAR), ("ignore", IGNORE), ("journal", JOURNAL), ("index", INDEX),
                        ("diff", DIFF)):
        (top / name).mkdir(parents=True, exist_ok=True)
        for seed, content in seeds.items():
            (top / name / seed).write_bytes(content)


main()
