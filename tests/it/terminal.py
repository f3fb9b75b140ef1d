#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""terminal.py ROWS COLS COMMAND...: run COMMAND on a pseudo-terminal and follow the script on stdin.

One step a line:
  expect REGEX        wait until the output that no earlier step took matches
  send TEXT           type; backslash escapes as in Python
  resize ROWS COLS    change the window
  pause SECONDS       wait, whatever comes
  signal NAME         send a signal to COMMAND itself
Then the end of COMMAND is awaited. All output goes to stdout; the last line is `exit N` (or
`exit -N` when a signal N ended COMMAND), and before it `tty restored` or `tty changed`, which
compares the terminal's settings before and after.
"""
import codecs
import fcntl
import os
import re
import select
import signal
import struct
import sys
import termios
import time

DEADLINE_S = 60


def set_size(fd, rows, cols):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))


class Session:
    def __init__(self, rows, cols, argv):
        self.master, slave = os.openpty()
        self.slave = slave  # kept open: the settings are read at the end
        set_size(slave, rows, cols)
        self.before = termios.tcgetattr(slave)
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for fd in range(3):
                os.dup2(slave, fd)
            os.closerange(3, 64)
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            os.execvp(argv[0], argv)
        self.pending = b""
        self.status = None
        self.end = time.monotonic() + DEADLINE_S

    def read(self):
        """Take what is there within a tenth of a second; note when COMMAND has ended."""
        if select.select([self.master], [], [], 0.1)[0]:
            data = os.read(self.master, 65536)
            sys.stdout.buffer.write(data)
            sys.stdout.flush()
            self.pending += data
            return True
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = status
        return False

    def check_deadline(self, what):
        if time.monotonic() > self.end:
            os.kill(self.pid, signal.SIGKILL)
            sys.exit(f"\nterminal.py: {what}: nothing of that kind within {DEADLINE_S} s")

    def expect(self, pattern):
        pattern = re.compile(pattern.encode(), re.S)
        while True:
            found = pattern.search(self.pending)
            if found:
                self.pending = self.pending[found.end():]
                return
            if not self.read() and self.status is not None:
                sys.exit(f"\nterminal.py: the command ended before {pattern.pattern!r} came")
            self.check_deadline(f"expect {pattern.pattern!r}")

    def step(self, line):
        verb, _, rest = line.partition(" ")
        if verb == "expect":
            self.expect(rest)
        elif verb == "send":
            os.write(self.master, codecs.decode(rest, "unicode_escape").encode("latin-1"))
        elif verb == "pause":
            time.sleep(float(rest))
        elif verb == "resize":
            rows, cols = rest.split()
            set_size(self.master, int(rows), int(cols))
        elif verb == "signal":
            os.kill(self.pid, getattr(signal, rest))
        else:
            sys.exit(f"terminal.py: no step {verb!r}")

    def finish(self):
        while self.read() or self.status is None:
            self.check_deadline("the end of the command")
        same = termios.tcgetattr(self.slave) == self.before
        print("\ntty restored" if same else "\ntty changed")
        print(f"exit {os.waitstatus_to_exitcode(self.status)}")


def main():
    session = Session(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
    for line in sys.stdin.read().splitlines():
        session.step(line)
    session.finish()


main()
