#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""firecracker_settings.py FAKE COPY NAME=VALUE...

A copy of the fake Firecracker with settings in it, for jails that pass no environment.
"""
import os
import sys

HEAD = b"fake-firecracker-settings:\n"
ROOM_B = 2048


def main():
    if len(sys.argv) < 3 or not all("=" in a and "\n" not in a for a in sys.argv[3:]):
        sys.exit(__doc__)
    with open(sys.argv[1], "rb") as file:
        program = file.read()
    at = program.find(HEAD + b"\0")
    text = HEAD + "".join(a + "\n" for a in sys.argv[3:]).encode()
    if at < 0 or len(text) >= ROOM_B:
        sys.exit("firecracker_settings.py: no room for settings")
    with open(sys.argv[2], "wb") as file:
        file.write(program[:at] + text + program[at + len(text):])
    os.chmod(sys.argv[2], 0o755)


if __name__ == "__main__":
    main()
