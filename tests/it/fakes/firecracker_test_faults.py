# SPDX-License-Identifier: Apache-2.0
"""The faults that FAKE_FC_FAULT asks for."""
import os
import struct
import time

from firecracker_checks import Filter, fails, http_error, new_format, passes, test
from firecracker_client import SIGNALS, Answer, Fake, Link, connect, ended, quiet, request


@test
def fault_answers():
    with Fake(fault="refuse:/entropy,refuse-http:PUT/serial,garbage:/version,continue:PUT/logger,"
                    "length:/machine-config:5,huge:/vm/config:70000,slow:/mmds:300") as fake:
        fails(fake.put("/entropy", {}), "Refused by a test.")
        http_error(fake.put("/serial", {}), "Invalid request.")
        fake.sock.sendall(request("PUT", "/logger", "{}"))
        assert [Answer(fake.sock).status, Answer(fake.sock).status] == [100, 204]
        assert len(fake.api("GET", "/vm/config").body) == 70000
        begin = time.monotonic()
        fake.must("GET", "/mmds")
        assert time.monotonic() - begin >= 0.3
        got = fake.must("GET", "/").headers["Content-Length"]
        fake.sock.sendall(request("GET", "/machine-config") + request("GET", "/"))
        body = Answer(fake.sock).body
        assert body.endswith(b"}HTTP/") and got
        with connect(fake.path("api")) as sock:
            sock.sendall(request("GET", "/version"))
            assert b"not HTTP" in sock.recv(100)


@test
def fault_silence():
    with Fake(fault="drop:/version,cut:/entropy") as fake:
        for text in (request("GET", "/version"), request("PUT", "/entropy", "{}")):
            with connect(fake.path("api")) as sock:
                sock.sendall(text)
                data = sock.recv(100)
                assert data == (b"" if b"GET" in text else b"HTTP/1.") and (not data or ended(sock))
    with Fake(fault="hang:/version") as fake:
        fake.must("GET", "/")
        fake.sock.sendall(request("GET", "/version"))
        with connect(fake.path("api")) as sock:
            sock.sendall(request("GET", "/"))
            assert quiet(sock) and quiet(fake.sock) and fake.lives()
    with Fake(fault="hang:bound") as fake:
        fake.sock.sendall(request("GET", "/"))
        assert quiet(fake.sock)
    with Fake(fault="hang:start", wait=False) as fake:
        time.sleep(0.2)
        assert fake.lives() and not os.path.exists(fake.path("api"))
    with Fake(fault="slow:start:1500", wait=False) as fake:
        time.sleep(0.1)
        assert not os.path.exists(fake.path("api"))
        assert connect(fake.path("api"))


@test
def fault_deaths():
    for how, code in (("1", 1), ("148", 148), ("SIGSYS", -SIGNALS["SIGSYS"]),
                      ("SIGKILL", -SIGNALS["SIGKILL"])):
        for step in ("start", "bound"):
            with Fake(fault="die:%s:%s" % (step, how), wait=False) as fake:
                assert fake.ends() == code
                assert os.path.exists(fake.path("api")) == (step == "bound")
        for path in ("/boot-source", "PUT/boot-source"):
            with Fake(fault="die:%s:%s" % (path, how)) as fake:
                fake.must("GET", "/")
                fake.sock.sendall(request("PUT", "/boot-source", {"kernel_image_path": "kernel"}))
                assert ended(fake.sock) and fake.ends() == code
        with Fake(fault="die-after:/actions:%s" % how) as fake:
            fake.start()
            assert fake.ends() == code
    with Fake(fault="die:GET/drives:1") as fake:
        fake.start()
        assert fake.lives()


@test
def fault_start():
    with Fake(fault="no-kvm:1") as fake:
        passes(fake.put("/boot-source", {"kernel_image_path": "kernel", "initrd_path": "initrd"}))
        fails(fake.put("/actions", {"action_type": "InstanceStart"}), "/dev/kvm")
        assert fake.must("GET", "/").json["state"] == "Not started"
        passes(fake.put("/actions", {"action_type": "InstanceStart"}))
    bad = struct.pack("<HBBI", 0xffff, 0, 0, 0)
    with Filter(new_format(bad)) as path, Fake("--seccomp-filter", path) as fake:
        boot = {"kernel_image_path": "kernel", "initrd_path": "initrd"}
        for again in (False, True):
            passes(fake.put("/boot-source", boot))
            fails(fake.put("/actions", {"action_type": "InstanceStart"}), "Cannot install")
            fails(fake.put("/actions", {"action_type": "InstanceStart"}),
                  "failed to fill whole buffer")
            assert not again or fake.lives()


@test
def fault_console_flood():
    reader, writer = os.pipe()
    with Fake(fault="flood:1000000", stdout=writer) as fake:
        os.close(writer)
        fake.start()  # nobody reads, and it goes on
        fake.must("GET", "/")
        got = os.read(reader, 1 << 20)
        assert got.count(b"#") > 30000
    os.close(reader)


@test
def stdout_hazards():
    reader, writer = os.pipe()
    with Fake(stdout=writer) as fake:
        os.close(writer)
        fake.must("GET", "/")
        os.close(reader)
        fake.sock.sendall(request("GET", "/"))
        assert quiet(fake.sock) and fake.lives()  # the log has nowhere to go
    reader, writer = os.pipe()
    with Fake(stdout=writer) as fake:
        os.close(writer)
        asked = 0
        while asked < 2000:
            fake.sock.sendall(request("GET", "/"))
            if quiet(fake.sock, 0.2):
                break
            fake.sock.recv(4096)
            asked += 1
        assert asked < 2000  # the pipe was full
        while len(os.read(reader, 65536)) == 65536:
            pass
        assert Answer(fake.sock).status == 200
    os.close(reader)


@test
def fault_vsock():
    for fault, line in (("vsock-garbage", b"NO 1024\n"), ("vsock-reset:2", b"OK 1073741824\n")):
        with Fake(fault=fault) as fake:
            assert Link(fake.start().vsock()).line() == line
    with Fake(fault="vsock-mute") as fake:
        assert quiet(fake.start().vsock())
    with Fake(fault="vsock-eof") as fake:
        assert ended(fake.start().vsock())
    with Fake(fault="vsock-reset:2") as fake:
        fake.start()
        for _ in range(2):
            link = Link(fake.vsock())
            assert link.ok() and ended(link.sock)
        assert fake.link()
    with Fake(fault="vsock-cut:5") as fake:
        link = Link(fake.start().vsock())
        link.ok()
        assert link.sock.recv(100) == b"\4\0\0\0\1" and ended(link.sock)
    with Fake(fault="guest-silent:2000") as fake:
        link = fake.start().link().identity()
        time.sleep(2.2)
        link.exec("true")
        assert quiet(link.sock) and quiet(fake.vsock()) and fake.must("GET", "/")
    with Fake(fault="guest-reboot:1500") as fake:
        link = fake.start().link()
        assert ended(link.sock) and fake.ends() == 0
