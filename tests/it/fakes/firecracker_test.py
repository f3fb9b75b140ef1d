#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""firecracker_test.py FAKE GUEST [PATTERN]: tests of the fake Firecracker itself, as TAP.

Every rule that firecracker.h promises, once, and what is refused beside what is not. With
FIRECRACKER_YAML, a file with the API's published description, its tables are held against that.
"""
import fnmatch
import importlib
import os
import sys
import traceback

from firecracker_checks import TESTS, Skip
from firecracker_client import Fake


PARTS = ("process", "api", "requests", "vsock", "snapshots", "faults")


def main():
    for part in PARTS:
        importlib.import_module("firecracker_test_" + part)
    Fake.program, Fake.guest = map(os.path.abspath, sys.argv[1:3])
    pattern = sys.argv[3] if len(sys.argv) > 3 else "*"
    chosen = [t for t in TESTS if fnmatch.fnmatch(t.__name__, pattern)]
    failed = 0
    print("1..%d" % len(chosen))
    for i, function in enumerate(chosen, 1):
        name = function.__name__.replace("_", " ")
        try:
            function()
            print("ok %d - %s" % (i, name))
        except Skip as why:
            print("ok %d - %s # SKIP %s" % (i, name, why))
        except Exception:  # whatever it is, the test has failed
            print("not ok %d - %s" % (i, name))
            for line in traceback.format_exc().splitlines():
                print("# " + line)
            failed += 1
        sys.stdout.flush()
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
