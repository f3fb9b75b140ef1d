#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kills.py: start a command many times, SIGKILL one of its processes, and see that nothing is left.

The script makes itself the subreaper of everything it starts: however a process detaches itself, it
stays among our descendants until it is dead. Left behind are: a descendant, an entry in
STATE/vms, a mount or a unix socket that was not there before.

  --runs N           how often
  --victim WHO       none: just wait; random: a random process at a random moment;
                     each: one after the other of the processes of a run that said "ready"
  --max-delay S      the random moment lies between 0 and S
  --state DIR        the run folder

Tells what was left and how often what was killed; exit status 1 when something was left.
"""
import argparse
import ctypes
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
GONE_WITHIN_S = 15


def descendants():
    """pid -> name of every living process below us."""
    parents, names = {}, {}
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            stat = Path(entry.path, "stat").read_text()
        except OSError:
            continue
        name, rest = stat[stat.index("(") + 1:].rsplit(")", 1)
        state, parent = rest.split()[:2]
        pid = int(entry.name)
        parents[pid] = int(parent)
        names[pid] = name + (" (zombie)" if state == "Z" else "")
    ours, more = {}, True
    while more:
        more = False
        for pid, parent in parents.items():
            if pid not in ours and (parent == os.getpid() or parent in ours):
                ours[pid] = names[pid]
                more = True
    return ours


def reap():
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return


def mounts():
    return set(Path("/proc/self/mountinfo").read_text().splitlines())


def sockets():
    """Pathname and abstract unix sockets, without the anonymous ones of everybody else."""
    lines = Path("/proc/net/unix").read_text().splitlines()[1:]
    return {line.split()[7] for line in lines if len(line.split()) > 7 and "ironclaw" in line}


def left_behind(state, before):
    left = [f"process {pid} {name}" for pid, name in descendants().items()]
    vms = state / "vms"
    if vms.is_dir():
        left += [f"folder {path}" for path in vms.iterdir() if path.name != ".lock"]
    left += [f"mount {line}" for line in mounts() - before["mounts"]]
    left += [f"socket {name}" for name in sockets() - before["sockets"]]
    return left


def wait_until_clean(state, before):
    end = time.monotonic() + GONE_WITHIN_S
    while True:
        reap()
        left = left_behind(state, before)
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.02)


def pick(args, child, run, rng):
    """Wait for the moment, then choose. Returns (pid, name) or None."""
    if args.victim == "none":
        child.communicate()
        return None
    if args.victim == "each":
        while b"ready" not in child.stdout.readline():
            if child.poll() is not None:
                sys.exit("kills.py: the command ended before it was ready")
        alive = sorted(descendants().items())
        return alive[run % len(alive)]
    time.sleep(rng.uniform(0, args.max_delay))
    alive = [item for item in descendants().items() if "zombie" not in item[1]]
    return rng.choice(alive) if alive else None


def one_run(args, run, rng):
    before = {"mounts": mounts(), "sockets": sockets()}
    child = subprocess.Popen(args.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL)
    victim = pick(args, child, run, rng)
    if victim:
        try:
            os.kill(victim[0], signal.SIGKILL)
        except ProcessLookupError:
            pass
    child.stdout.close()
    try:
        child.wait(GONE_WITHIN_S)
    except subprocess.TimeoutExpired:
        pass
    left = wait_until_clean(args.state, before)
    name = victim[1] if victim else "nobody"
    if left:
        print(f"run {run}: killed {name}, code {child.returncode}")
    for line in left:
        print(f"  left behind: {line}")
    for pid in descendants():
        os.kill(pid, signal.SIGKILL)
    wait_until_clean(args.state, before)
    return name, not left


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--victim", choices=("none", "random", "each"), default="random")
    parser.add_argument("--max-delay", type=float, default=0.6)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()

    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        sys.exit("kills.py: cannot become a subreaper")
    print(f"seed {args.seed}")
    rng = random.Random(args.seed)
    results = [one_run(args, run, rng) for run in range(args.runs)]
    for name in sorted({name for name, _ in results}):
        print(f"killed {name}: {sum(n == name for n, _ in results)} times")
    sys.exit(0 if all(good for _, good in results) else 1)


main()
