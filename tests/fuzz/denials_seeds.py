#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""denials_seeds.py [CORPUS-DIR]: write the corpus of fuzz_denials.c, see there for the form."""
import pathlib
import struct
import sys

SLOTS = 10000
COUNTER_MAX = (2**32 - 1) * SLOTS


def entry(lap, vm_id=b"calm-otter-5f03a9c1", count=1):
    fixed = struct.pack("<7Q", 1700000000 * 10**9, 1, 2, 3, 4, 5, 6)
    fixed += struct.pack("<iIiIII", 101, 0xC000003E, 4711, 2, 1, count)
    data = fixed + vm_id.ljust(72, b"\0")
    words = [word for (word,) in struct.iter_unpack("<I", data)]
    return b"".join(struct.pack("<Q", lap << 32 | word) for word in words)


def seed(counter, slot, *slots):
    return struct.pack("<QH", counter, slot) + b"".join(slots)


half = entry(1)[:160] + entry(2)[160:]
SEEDS = {
    "empty": seed(0, 0),
    "one": seed(1, 0, entry(1)),
    "three": seed(3, 0, entry(1), entry(1, count=2), entry(1, b"other")),
    "lap": seed(SLOTS, SLOTS - 1, entry(1)),
    "second-lap": seed(SLOTS + 1, 0, entry(2), entry(1)),
    "half": seed(SLOTS + 1, 0, half),
    "not-written": seed(2, 0, entry(1)),
    "beyond-counter": seed(0, 0, entry(9)),
    "endless-id": seed(1, 0, entry(1, b"x" * 72)),
    "no-id": seed(1, 0, entry(1, b"")),
    "counter-most": seed(COUNTER_MAX, SLOTS - 1, entry(2**32 - 1)),
    "counter-over": seed(COUNTER_MAX + 1, 0, entry(2**32 - 1)),
    "counter-wraps": seed(2**64 - 1, 0, entry(1)),
}

corpus = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else
                      pathlib.Path(__file__).parent / "corpus")
(corpus / "denials").mkdir(parents=True, exist_ok=True)
for name, data in SEEDS.items():
    (corpus / "denials" / name).write_bytes(data)
