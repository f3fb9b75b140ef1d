# SPDX-License-Identifier: Apache-2.0
"""vsock, and the guests behind it."""
import os
import resource
import socket
import stat
import struct
import tempfile

from firecracker_checks import Skip, fails, namespaces, passes, test
from firecracker_client import SIGNALS, Fake, Link, connect, ended, quiet


@test
def vsock_paths():
    body = {"guest_cid": 3, "uds_path": "v"}
    with Fake() as fake:
        with open(fake.path("v"), "w", encoding="ascii"):
            pass
        fails(fake.put("/vsock", body), "Address in use (os error 98)")
        os.unlink(fake.path("v"))
        passes(fake.put("/vsock", body))
        assert stat.S_ISSOCK(os.stat(fake.path("v")).st_mode)
        passes(fake.put("/vsock", {**body, "uds_path": "w"}))
        assert not os.path.exists(fake.path("v")) and os.path.exists(fake.path("w"))
        passes(fake.put("/vsock", {**body, "uds_path": "w"}))
        fails(fake.put("/vsock", {**body, "uds_path": "none/x"}), "Vsock config error")
        fails(fake.put("/vsock", {**body, "uds_path": "x" * 108}), "Vsock config error")
        fails(fake.put("/vsock", {**body, "guest_cid": 1 << 32}), "expected u32")


@test
def vsock_cids():
    for cid, works in ((0, True), (1, True), (2, False), (3, True)):
        with Fake() as fake:
            fake.start(vsock={"guest_cid": cid, "uds_path": "v.sock"})
            if works:
                assert fake.link()
            else:
                assert ended(fake.vsock())


@test
def vsock_connect_lines():
    with Fake() as fake:
        fake.start()
        first = Link(fake.vsock()).ok()
        assert first == 1073741824
        for line in (b"connect 1024\n", b"CONNECT 1024\r\n", b" \tCONNECT\t1024 more \n",
                     b"CONNECT 1024" + b" " * 20 + b"\n"):
            assert Link(fake.vsock(line)).ok() == first + 1, line
            first += 1
        for line in (b"CONNECT 1025\n", b"CONNECT x\n", b"CONNECT\n", b"HELLO 1024\n", b"\n",
                     b"CONNECT 4294967296\n", b"CONNECT 10", b"CONNECT 1024"):
            assert ended(fake.vsock(line)), line
        link = Link(fake.vsock(b"CONNECT 1024\n" + request_identity()))
        link.ok()
        assert [link.frame()[0], link.frame()[0]] == [1, 3]


def request_identity():
    class Catch:
        data = b""

        def sendall(self, data):
            self.data = data
            raise EOFError

    link = Link(Catch())
    try:
        link.identity()
    except EOFError:
        pass
    return link.sock.data


@test
def vsock_long_line():
    """Of a line of 33 bytes the newline is the guest's."""
    with tempfile.TemporaryDirectory() as folder:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(os.path.join(folder, "52"))
        listener.listen()
        with Fake(env={"FAKE_FC_GUEST_DIR": folder}) as fake:
            fake.start()
            for pad, left in ((21, b""), (22, b"\n")):
                sock = fake.vsock(b"CONNECT 52" + b" " * pad + b"\n" + b"data")
                guest, _ = listener.accept()
                guest.settimeout(10)
                Link(sock).ok()
                want = left + b"data"
                got = b""
                while len(got) < len(want):
                    got += guest.recv(len(want) - len(got))
                assert got == want
                guest.close()
        listener.close()


@test
def vsock_ends():
    with tempfile.TemporaryDirectory() as folder:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(os.path.join(folder, "7"))
        listener.listen()

        def pair(fake):
            sock = fake.vsock(b"CONNECT 7\n")
            guest, _ = listener.accept()
            guest.settimeout(10)
            Link(sock).ok()
            return sock, guest

        with Fake(env={"FAKE_FC_GUEST_DIR": folder}) as fake:
            fake.start()
            sock, guest = pair(fake)  # a host that half-closes has gone
            sock.sendall(b"last")
            sock.shutdown(socket.SHUT_WR)
            assert guest.recv(4) == b"last" and ended(guest) and ended(sock)
            sock, guest = pair(fake)  # a guest that does is not noticed
            guest.shutdown(socket.SHUT_WR)
            assert quiet(sock)
            sock.sendall(b"x")
            assert guest.recv(1) == b"x"
            sock, guest = pair(fake)  # what came before the guest's end is delivered
            data = bytes(range(256)) * 600
            guest.sendall(data)
            guest.close()
            got = b""
            while more := sock.recv(65536):
                got += more
            assert got == data
        listener.close()


@test
def vsock_guest_to_host():
    with tempfile.TemporaryDirectory() as folder, Fake(env={"FAKE_FC_GUEST_DIR": folder}) as fake:
        fake.start()
        host = socket.socket(socket.AF_UNIX)
        host.bind(fake.path("v.sock_99"))
        host.listen()
        for port, reply in ((99, b"\0"), (98, b"\1")):
            guest = connect(os.path.join(folder, "host"))
            guest.sendall(struct.pack("<I", port))
            assert guest.recv(1) == reply
        guest = connect(os.path.join(folder, "host"))
        guest.sendall(struct.pack("<I", 99) + b"hello")
        host.accept()[0].close()
        ours, _ = host.accept()
        ours.settimeout(10)
        assert guest.recv(1) == b"\0" and ours.recv(5) == b"hello"
        host.close()
    with Fake(env={"FAKE_FC_GUEST_CONNECT": "5"}) as fake:
        fake.start()
        assert ended(fake.vsock())
        host = socket.socket(socket.AF_UNIX)
        host.settimeout(10)
        host.bind(fake.path("v.sock_5"))
        host.listen()
        sock, _ = host.accept()
        sock.settimeout(10)
        link = Link(sock)
        assert link.frame()[0] == 1 and link.identity().run("true") == (1, 0, b"")
        host.close()


@test
def vsock_connection_cap():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096) if hard > 0 else 4096, hard))
    with Fake() as fake:
        fake.start()
        socks = [fake.vsock() for _ in range(1023)]
        for sock in socks:
            Link(sock).ok()
        assert ended(fake.vsock(None))
        socks.pop().close()
        assert fake.link()
        for sock in socks:
            sock.close()


@test
def vsock_pause_and_resume():
    for version, hangs in (("1.15.1", False), ("1.16.0", True), ("1.16.1", True),
                           ("1.17.0-dev", False)):
        with Fake(version=version) as fake:
            link = fake.start().link().identity()
            fake.pause()
            late = fake.vsock()
            link.exec("true")
            assert quiet(late) and quiet(link.sock)
            fake.resume()
            if not hangs:
                assert Link(late).ok() and link.frame()[0] == 18
                continue
            assert quiet(late) and quiet(link.sock)
            fake.save()  # heals it: open ones end, new ones work
            fake.resume()
            assert ended(link.sock) and fake.link().identity().run("true") == (1, 0, b"")


@test
def vsock_before_the_guest():
    with Fake(fault="vsock-late:1500") as fake:
        early = fake.start().vsock()
        assert quiet(early, 0.1) and ended(early) and fake.link()


def check_guest(fake):
    link = fake.link().identity()
    assert link.run("/bin/echo", "a", "b") == (1, 0, b"a b\n")
    assert link.run("cat", stdin=b"x" * 60000) == (1, 0, b"x" * 60000)
    assert link.run("false") == (1, 1, b"")
    assert link.run("no-such-command") == ("failed", 5, 2)
    link.exec("sleep", "100", session=2)
    assert link.frame()[:3] == (18, 0, 2)
    link.send(23, 0, 2, struct.pack("<I", 15))
    kinds = [link.frame() for _ in range(3)]
    assert kinds[-1][0] == 26 and struct.unpack("<HHI", kinds[-1][3]) == (2, 0, 15)
    link.exec("yes", session=3)
    taken, started = 0, link.frame()[0]
    while taken < 262144:
        kind, _, _, payload = link.frame()
        taken += len(payload) * (kind == 20)
    assert started == 18 and taken == 262144 and quiet(link.sock)
    link.send(25, 0, 3)
    link.send(22, 2, 3, struct.pack("<I", taken))
    kind = 0
    while kind != 26:
        kind, _, _, payload = link.frame()
        if kind == 20:
            link.send(22, 2, 3, struct.pack("<I", len(payload)))
    return link


@test
def guest_built_in():
    with Fake() as fake:
        link = check_guest(fake.start())
        assert link.run("exit", "42") == (1, 42, b"")
        link.send(2, 0, 0, b"x")
        assert link.frame()[0] == 9 and ended(link.sock)


@test
def guest_agent():
    if not namespaces():
        raise Skip("no user namespaces")
    with Fake(guest=True) as fake:
        link = check_guest(fake.start())
        assert link.run("sh", "-c", "sleep 1000 & hostname; touch /usr/x || exit 7") == \
            (1, 7, b"fake\n")
        link.sock.close()
        link = fake.link().identity()  # the next host
        assert link.run("sh", "-c", "echo $$; ls /proc | grep -c '^[0-9]'")[1] == 0
        guest = [p for p in os.listdir("/proc") if p.isdigit() and parent_of(p) == fake.process.pid]
        assert len(guest) == 1
        os.kill(int(guest[0]), SIGNALS["SIGKILL"])
        assert fake.ends() == 0  # the guest's end is a reboot


def parent_of(pid):
    try:
        with open("/proc/%s/stat" % pid, encoding="latin-1") as file:
            return int(file.read().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0
