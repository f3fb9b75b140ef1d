#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""shared_memory.py COMMAND...: try to write what a VMM shares with others, from where the VMM stands.

COMMAND starts a VM and says "ready". The VMM is found among our descendants; its descriptors of
regular files are taken over with pidfd_getfd(2), so that each act below is done with the very open
file that a taken-over VMM would have:
  write(2), ftruncate(2), fallocate(2), a shared writable mapping,
  and open(2) of /proc/self/fd/N for writing.
Every file that the VMM maps is opened for writing through the VMM's own root as well. The control is
the same acts on a file of our own: all of them succeed. Exit status 1 when an act on the VMM's files
succeeds, 77 when the VMM cannot be looked at.
"""
import ctypes
import mmap
import os
import stat
import subprocess
import sys
import tempfile

SYS_PIDFD_OPEN, SYS_PIDFD_GETFD = 434, 438
libc = ctypes.CDLL(None, use_errno=True)


def syscall(*args):
    r = libc.syscall(*args)
    if r < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return r


def act_write(fd):
    os.pwrite(fd, b"\xa5", 0)


def act_truncate(fd):
    os.ftruncate(fd, os.fstat(fd).st_size + 4096)


def act_allocate(fd):
    os.posix_fallocate(fd, os.fstat(fd).st_size, 4096)


def act_map(fd):
    with mmap.mmap(fd, 4096, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE) as area:
        area[0] = 0xA5


def act_reopen(fd):
    again = os.open(f"/proc/self/fd/{fd}", os.O_RDWR | os.O_CLOEXEC)
    try:
        os.pwrite(again, b"\xa5", 0)
    finally:
        os.close(again)


def act_reopen_map(fd):
    again = os.open(f"/proc/self/fd/{fd}", os.O_RDWR | os.O_CLOEXEC)
    try:
        act_map(again)
    finally:
        os.close(again)


ACTS = (act_write, act_truncate, act_allocate, act_map, act_reopen, act_reopen_map)


def attack(fd, name):
    """How many acts were refused; says each."""
    refused = 0
    for act in ACTS:
        try:
            act(fd)
            print(f"{name}: {act.__name__}: done")
        except (OSError, ValueError) as err:
            refused += 1
            print(f"{name}: {act.__name__}: refused: {err}")
    return refused


def control():
    with tempfile.TemporaryFile() as own:
        own.write(bytes(8192))
        own.flush()
        print(f"control: refused {attack(own.fileno(), 'control')}")


def find_vmm(root_pid):
    """The QEMU below root_pid."""
    queue = [root_pid]
    while queue:
        pid = queue.pop()
        try:
            with open(f"/proc/{pid}/comm") as comm:
                if comm.read().startswith("qemu-system"):
                    return pid
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children") as children:
                    queue += [int(word) for word in children.read().split()]
        except OSError:
            continue
    sys.exit("shared_memory.py: there is no VMM")


def attack_descriptors(pid):
    done = n = 0
    pidfd = syscall(SYS_PIDFD_OPEN, pid, 0)
    for name in os.listdir(f"/proc/{pid}/fd"):
        fd = syscall(SYS_PIDFD_GETFD, pidfd, int(name), 0)
        if stat.S_ISREG(os.fstat(fd).st_mode):
            n += 1
            target = os.readlink(f"/proc/self/fd/{fd}")
            done += len(ACTS) - attack(fd, f"fd {name} ({target})")
        os.close(fd)
    return n, done


def attack_mapped_files(pid):
    done = n = 0
    with open(f"/proc/{pid}/maps") as maps:
        lines = [line.split(None, 5) for line in maps]
    for fields in lines:
        if len(fields) == 6 and fields[5].startswith("/") and fields[1][1] == "w" and fields[1][3] == "s":
            target = f"/proc/{pid}/root{fields[5].strip()}"
            if os.path.exists(target) and stat.S_ISREG(os.stat(target).st_mode):
                print(f"mapped shared and writable: {' '.join(fields)}")
                done += 1
    for path in sorted({fields[5].strip() for fields in lines if len(fields) == 6}):
        inside = f"/proc/{pid}/root{path}"
        if not path.startswith("/") or not os.path.isfile(inside):
            continue
        n += 1
        try:
            os.close(os.open(inside, os.O_RDWR | os.O_CLOEXEC))
            print(f"{path}: opened for writing")
            done += 1
        except OSError as err:
            print(f"{path}: refused: {err}")
    return n, done


def main():
    control()
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        if b"ready" not in child.stdout.readline():
            sys.exit("shared_memory.py: the VM did not start")
        pid = find_vmm(child.pid)
        try:
            fds = attack_descriptors(pid)
            files = attack_mapped_files(pid)
        except PermissionError as err:
            print(f"the VMM cannot be looked at: {err}", file=sys.stderr)
            sys.exit(77)
        print(f"{fds[0]} descriptors and {files[0]} mapped files tried, {fds[1] + files[1]} acts done")
        if fds[0] == 0 or files[0] == 0:
            sys.exit("shared_memory.py: found nothing to attack, so this proves nothing")
        sys.exit(1 if fds[1] + files[1] else 0)
    finally:
        child.terminate()
        child.wait()


main()
