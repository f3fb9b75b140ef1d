# SPDX-License-Identifier: Apache-2.0
"""The process: command line, settings, seccomp."""
import os
import re
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
import time
from firecracker_checks import (Filter, Skip, cli, fails, namespaces, new_format, passes, program,
                                test)
from firecracker_client import SIGNALS, Answer, Fake, Link, connect, request


@test
def cli_version():
    out = cli("--version", FAKE_FC_VERSION="1.14.4").stdout.decode().splitlines()
    assert out[0] == "Firecracker v1.14.4" and "exiting successfully" in out[-1], out
    assert cli("--id", "a=b!", "--version").returncode == 0  # it wins over everything
    assert cli("--version", FAKE_FC_VERSION="2.0.0").returncode == 2  # nothing known


@test
def cli_snapshot_version():
    for version, known in (("1.7.0", "v1.0.0"), ("1.14.4", "v8.0.0"), ("1.15.1", "v9.0.0"),
                           ("1.16.1", "v10.0.0"), ("1.17.0-dev", "v11.0.0")):
        out = cli("--snapshot-version", FAKE_FC_VERSION=version).stdout.decode().splitlines()
        assert out[0] == known, (version, out)
    assert cli("--snapshot-version", FAKE_FC_VERSION="1.6.0").returncode == 153


@test
def cli_bad_arguments():
    for args in (["--x"], ["--api-sock=a"], ["--id", "a", "--id", "a"], ["--id"], ["-V"], ["word"],
                 ["--id", "--level"], ["--no-api"], ["--no-seccomp", "--seccomp-filter", "f"]):
        assert cli(*args).returncode == 153, args
    assert cli("--enable-pci", "--version", FAKE_FC_VERSION="1.12.0").returncode == 0
    assert cli("--enable-pci", FAKE_FC_VERSION="1.12.0").returncode == 153
    assert cli("--level", "loud").returncode == 152


@test
def cli_panics():
    for args in (["--id", "a_b"], ["--id", "a" * 65], ["--http-api-max-payload-size", "x"],
                 ["--config-file", "/nonexistent"], ["--metadata", "/nonexistent"]):
        assert cli(*args).returncode == -SIGNALS["SIGABRT"], args


@test
def cli_socket_is_there():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "api")
        with open(path, "w", encoding="ascii") as file:
            file.write("kept")
        done = cli("--api-sock", path)
        assert done.returncode == 1 and b"Failed to open the API socket" in done.stderr
        with open(path, encoding="ascii") as file:
            assert file.read() == "kept"


@test
def cli_socket_stays():
    with Fake() as fake:
        fake.must("GET", "/")
        fake.process.terminate()
        assert fake.ends() == -SIGNALS["SIGTERM"]
        assert stat.S_ISSOCK(os.stat(fake.path("api")).st_mode)


@test
def cli_log_is_not_truncated():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "log")
        with open(path, "w", encoding="ascii") as file:
            file.write("x" * 5000)
        with Fake("--log-path", path, "--id", "vm-1") as fake:
            fake.must("GET", "/")
            with open(path, encoding="ascii") as file:
                text = file.read()
            assert "[vm-1:main] Running Firecracker v1.16.1" in text and text.endswith("xxx")
            assert fake.said() == ""
    with Fake("--level", "Error") as fake:
        fake.must("GET", "/")
        assert fake.said() == ""


@test
def cli_config_file():
    config = ('{"boot-source":{"kernel_image_path":"kernel"},"unknown":1,"drives":[{"drive_id":'
              '"root","is_root_device":true,"path_on_host":"%s"}]}')
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "config")
        for drive, lives in (("drive", True), ("none", False)):
            with open(path, "w", encoding="ascii") as file:
                file.write(config % drive)
            with Fake("--config-file", path, wait=lives) as fake:
                if lives:
                    assert fake.must("GET", "/").json["state"] == "Running"
                else:
                    assert fake.ends() == 1 and os.path.exists(fake.path("api"))


@test
def settings_in_a_copy():
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "firecracker")
        tool = os.path.join(os.path.dirname(__file__), "firecracker_settings.py")
        subprocess.run([sys.executable, tool, Fake.program, copy, "FAKE_FC_VERSION=1.15.1",
                        "FAKE_FC_FAULT=refuse:/version"], check=True)
        out = subprocess.run([copy, "--version"], env={}, capture_output=True, check=True).stdout
        assert out.startswith(b"Firecracker v1.15.1\n")
        with Fake(program=copy, version=None) as fake:
            assert fake.must("GET", "/").json["vmm_version"] == "1.15.1"
            assert fails(fake.api("GET", "/version"), "Refused by a test")


@test
def settings_in_an_empty_root():
    """No library, no /proc, no environment; `unshare --root` is the jail."""
    if not namespaces():
        raise Skip("no user namespaces")
    with tempfile.TemporaryDirectory() as folder:
        tool = os.path.join(os.path.dirname(__file__), "firecracker_settings.py")
        subprocess.run([sys.executable, tool, Fake.program, os.path.join(folder, "fc"),
                        "FAKE_FC_GUEST_PORT=7"], check=True)
        with open(os.path.join(folder, "kernel"), "wb") as file:
            file.write(b"\x7fELF")
        process = subprocess.Popen(["unshare", "--user", "--map-root-user", "--net", "--root",
                                    folder, "/fc", "--api-sock", "/api", "--level", "Error"],
                                   env={"PATH": os.environ["PATH"]})
        try:
            sock = connect(os.path.join(folder, "api"))
            for path, body in (("/boot-source", {"kernel_image_path": "/kernel"}),
                               ("/vsock", {"guest_cid": 3, "uds_path": "/v"}),
                               ("/actions", {"action_type": "InstanceStart"})):
                sock.sendall(request("PUT", path, body))
                passes(Answer(sock))
            link = connect(os.path.join(folder, "v"))
            link.sendall(b"CONNECT 7\n")
            assert Link(link).ok()
        finally:
            process.kill()
            process.wait()


def old_format(vmm, names=(b"api", b"vcpu", b"vmm")):
    out = struct.pack("<Q", len(names))
    for name in names:
        code = vmm if name == b"vmm" else program()
        out += struct.pack("<Q", len(name)) + name + struct.pack("<Q", len(code) // 8) + code
    return out


def takes(data, version="1.16.1"):
    with Filter(data) as path, Fake("--seccomp-filter", path, version=version, wait=False) as fake:
        for _ in range(500):
            if os.path.exists(fake.path("api")):
                return True
            if not fake.lives():
                assert fake.ends() == 1
                assert b"Seccomp error" in fake.process.stderr.read()
                return False
            time.sleep(0.01)
        raise TimeoutError


@test
def seccomp_formats():
    good = new_format(program())
    assert takes(good) and not takes(good, "1.14.4")
    assert takes(old_format(program()), "1.14.4") and not takes(old_format(program()))
    assert takes(old_format(program()) + b"tail", "1.14.4") and not takes(good + b"x")
    assert not takes(good[:-1]) and not takes(b"")
    assert takes(new_format(program(), (b"VMM", b"Api", b"vcpu")))
    assert not takes(new_format(program(), (b"vmm", b"api", b"vcpv")))
    assert not takes(new_format(program(), (b"vmm", b"api", b"api")))
    assert not takes(old_format(program(), (b"vmm", b"api")), "1.14.4")
    assert takes(new_format(program() * 100)) and not takes(bytes(100001))


def seccomp_of(fake):
    with open("/proc/%d/status" % fake.process.pid, encoding="ascii") as file:
        return int(re.search(r"^Seccomp:\s*(\d)", file.read(), re.M).group(1))


@test
def seccomp_is_installed_at_the_start():
    with Filter(new_format(program())) as path, Fake("--seccomp-filter", path) as fake:
        before = seccomp_of(fake)
        assert before == seccomp_of_self()
        fake.start()
        assert seccomp_of(fake) == 2 and fake.link()
    with Filter(new_format(b"")) as path, Fake("--seccomp-filter", path) as fake:
        assert seccomp_of(fake.start()) == before


def seccomp_of_self():
    with open("/proc/self/status", encoding="ascii") as file:
        return int(re.search(r"^Seccomp:\s*(\d)", file.read(), re.M).group(1))


@test
def seccomp_that_the_kernel_refuses():
    bad = struct.pack("<HBBI", 0xffff, 0, 0, 0)
    for code in (bad, program() * 2000):
        with Filter(new_format(code)) as path, Fake("--seccomp-filter", path) as fake:
            fake.must("PUT", "/boot-source", {"kernel_image_path": "kernel"})
            fails(fake.put("/actions", {"action_type": "InstanceStart"}),
                  "Cannot install seccomp filters")
            assert fake.must("GET", "/").json["state"] == "Not started"


@test
def seccomp_violation():
    accept4 = 288
    with Filter(new_format(program(accept4))) as path, Fake("--seccomp-filter", path) as fake:
        fake.start().vsock(None)
        assert fake.ends() == 148
    with Filter(new_format(program(accept4, action=0x80000000))) as path, \
            Fake("--seccomp-filter", path) as fake:
        fake.start().vsock(None)
        assert fake.ends() == -SIGNALS["SIGSYS"]


# x86-64 numbers of what the real one's default filter lets its main thread do.
VMM_CALLS = (12, 228, 3, 233, 60, 231, 5, 186, 25, 11, 2, 219, 14, 24, 131, 1, 281, 318, 0, 45, 47,
             44, 290, 426, 15, 46, 42, 74, 77, 427, 425, 8, 27, 19, 4, 20, 288, 72, 202, 28, 319, 9,
             10, 26, 13, 41, 283, 286, 200, 16)


@test
def seccomp_of_the_real_one_suffices():
    only = program(*VMM_CALLS, action=0x7fff0000, otherwise=0x30000)
    with Filter(new_format(only)) as path:
        with Fake("--seccomp-filter", path) as fake:
            link = fake.start().link().identity()
            assert link.run("cat", stdin=b"x" * 5000) == (1, 0, b"x" * 5000)
            fake.save()
            fake.resume()
            assert fake.link().identity().run("echo", "a") == (1, 0, b"a\n")
            fake.must("PUT", "/actions", {"action_type": "FlushMetrics"})
            again = Fake("--seccomp-filter", path, folder=prepare_clone(fake))
            with again:
                passes(again.load())
                assert again.link().identity().run("true") == (1, 0, b"")
                assert again.lives()
            shutil.rmtree(again.dir)
            fake.must("PUT", "/actions", {"action_type": "SendCtrlAltDel"})
            assert fake.ends() == 0
    most = program(*VMM_CALLS[:-2], action=0x7fff0000, otherwise=0x30000)
    with Filter(new_format(most)) as path, Fake("--seccomp-filter", path) as fake:
        fake.start().vsock(None)  # the control: without ioctl
        assert fake.ends() == 148


def prepare_clone(fake):
    folder = tempfile.mkdtemp(prefix="fake-fc-")
    for name in ("state", "mem"):
        shutil.copy(fake.path(name), folder)
    return folder
