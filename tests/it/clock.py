#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clock.py [--rate] COMMAND...: compare COMMAND's clock with ours; print one number.

COMMAND answers each line on its stdin with its time in seconds. Of several exchanges the quickest
counts: the true offset lies within half of its duration. With --rate the number is how many of
COMMAND's seconds pass in one of ours.
"""
import subprocess
import sys
import time


def exchange(child):
    before = time.time()
    child.stdin.write(b"now\n")
    child.stdin.flush()
    theirs = float(child.stdout.readline())
    after = time.time()
    return after - before, theirs - (before + after) / 2, (before + after) / 2, theirs


def best(child, n=20):
    return min(exchange(child) for _ in range(n))


def main():
    rate = sys.argv[1] == "--rate"
    argv = sys.argv[2:] if rate else sys.argv[1:]
    child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    first = best(child)
    if rate:
        time.sleep(2)
        second = best(child)
        print((second[3] - first[3]) / (second[2] - first[2]))
    else:
        print(f"{first[1]:.6f} within {first[0] / 2:.6f}")
    child.stdin.close()
    sys.exit(child.wait())


main()
