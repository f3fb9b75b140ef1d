# SPDX-License-Identifier: Apache-2.0
"""What tests of and with the fake Firecracker need: the process, HTTP, vsock, and the wire."""
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

DEADLINE_S = 10
FIELDS = {"machine-config": {"vcpu_count": 1, "mem_size_mib": 4},
          "boot-source": {"kernel_image_path": "kernel", "boot_args": "console=ttyS0"},
          "vsock": {"guest_cid": 3, "uds_path": "./v.sock"}}


def connect(path):
    end = time.monotonic() + DEADLINE_S
    while True:
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(DEADLINE_S)
        try:
            sock.connect(path)
            return sock
        except (FileNotFoundError, ConnectionRefusedError, BlockingIOError):
            sock.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


class Answer:
    """One HTTP answer; .raw is all of it."""

    def __init__(self, sock):
        raw = b""
        while not raw.endswith(b"\r\n\r\n"):
            byte = sock.recv(1)
            if not byte:
                raise EOFError(raw)
            raw += byte
        head = raw.decode("latin-1").split("\r\n")
        self.line = head[0]
        self.status = int(head[0].split(" ")[1])
        self.headers = dict(h.split(": ", 1) for h in head[1:] if h)
        self.body = b""
        left = int(self.headers.get("Content-Length", 0))
        while len(self.body) < left:
            more = sock.recv(left - len(self.body))
            if not more:
                raise EOFError(raw + self.body)
            self.body += more
        self.raw = raw + self.body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def fault(self):
        return self.json["fault_message"]


def request(method, path, body=None, extra=""):
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
    body = body or ""
    length = "Content-Length: %d\r\n" % len(body) if body else ""
    return ("%s %s HTTP/1.1\r\n%s%s\r\n%s" % (method, path, length, extra, body)).encode()


class Fake:
    """The fake in a folder of its own, with a kernel and a drive."""

    program = guest = None

    def __init__(self, *args, version="1.16.1", fault=None, guest=False, env=(), folder=None,
                 wait=True, program=None, stdout=None):
        self.own = folder is None
        self.dir = folder or tempfile.mkdtemp(prefix="fake-fc-")
        with open(self.path("kernel"), "wb") as file:
            file.write(b"\x7fELF" + bytes(1020))
        for name in ("drive", "initrd"):
            with open(self.path(name), "wb") as file:
                file.write(bytes(4096))
        environ = dict(env)
        if version:
            environ["FAKE_FC_VERSION"] = version
        if fault:
            environ["FAKE_FC_FAULT"] = fault
        if guest:
            os.makedirs(self.path("g"), exist_ok=True)
            environ.update(FAKE_FC_GUEST=self.guest, FAKE_FC_GUEST_DIR="g")
        self.log = open(self.path("log"), "wb")
        self.process = subprocess.Popen(
            [program or self.program, "--api-sock", "api", *args], cwd=self.dir, env=environ,
            stdin=subprocess.DEVNULL, stdout=stdout or self.log, stderr=subprocess.PIPE)
        if wait:
            self.sock = connect(self.path("api"))

    def path(self, name):
        return os.path.join(self.dir, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        self.log.close()
        if hasattr(self, "sock"):
            self.sock.close()
        if self.own:
            shutil.rmtree(self.dir)

    def said(self):
        with open(self.path("log"), "rb") as file:
            return file.read().decode("latin-1")

    def ends(self):
        """The exit code; -N: signal N."""
        return self.process.wait(DEADLINE_S)

    def lives(self):
        return self.process.poll() is None

    def api(self, method, path, body=None, extra=""):
        self.sock.sendall(request(method, path, body, extra))
        return Answer(self.sock)

    def put(self, path, body):
        return self.api("PUT", path, body)

    def must(self, method, path, body=None):
        answer = self.api(method, path, body)
        assert answer.status in (200, 204), answer.raw
        return answer

    def start(self, **more):
        for name, fields in {**FIELDS, **more}.items():
            if fields is not None:
                self.must("PUT", "/" + name, fields)
        self.must("PUT", "/drives/root",
                  {"drive_id": "root", "is_root_device": True, "is_read_only": True,
                   "path_on_host": "drive"})
        self.must("PUT", "/actions", {"action_type": "InstanceStart"})
        return self

    def pause(self):
        self.must("PATCH", "/vm", {"state": "Paused"})

    def resume(self):
        self.must("PATCH", "/vm", {"state": "Resumed"})

    def save(self):
        self.pause()
        self.must("PUT", "/snapshot/create", {"snapshot_path": "state", "mem_file_path": "mem"})

    def load(self, **more):
        if os.path.exists(self.path("v.sock")):
            os.unlink(self.path("v.sock"))
        return self.put("/snapshot/load",
                        {"snapshot_path": "state", "resume_vm": True,
                         "mem_backend": {"backend_type": "File", "backend_path": "mem"}, **more})

    def vsock(self, line=b"CONNECT 1024\n"):
        sock = connect(self.path("v.sock"))
        if line:
            sock.sendall(line)
        return sock

    def link(self):
        """A connection to a guest that has said HELLO; waits for one."""
        end = time.monotonic() + DEADLINE_S
        while True:
            link = Link(self.vsock())
            try:
                link.ok()
                assert link.frame()[0] == 1
                return link
            except (EOFError, ConnectionResetError):
                link.sock.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)


def tlv(tag, value):
    return struct.pack("<HI", tag, len(value)) + value


class Link:
    """Frames of docs/protocol.md."""

    def __init__(self, sock):
        self.sock = sock
        self.buf = b""

    def line(self):
        line = b""
        while not line.endswith(b"\n"):
            byte = self.sock.recv(1)
            if not byte:
                raise EOFError(line)
            line += byte
        return line

    def ok(self):
        word, port = self.line().split()
        assert word == b"OK", word
        return int(port)

    def frame(self):
        while True:
            if len(self.buf) >= 8:
                length, kind, stream, session = struct.unpack("<IBBH", self.buf[:8])
                if len(self.buf) >= 8 + length:
                    payload = self.buf[8:8 + length]
                    self.buf = self.buf[8 + length:]
                    return kind, stream, session, payload
            more = self.sock.recv(65536)
            if not more:
                raise EOFError(self.buf)
            self.buf += more

    def send(self, kind, stream, session, payload=b""):
        self.sock.sendall(struct.pack("<IBBH", len(payload), kind, stream, session) + payload)

    def identity(self):
        self.send(2, 0, 0, tlv(1, bytes(64)) + tlv(2, b"fake") + tlv(3, b"0" * 32) +
                  tlv(4, b"00000000-0000-4000-8000-000000000000") + tlv(5, struct.pack("<I", 64)))
        while True:
            kind, _, _, payload = self.frame()
            if kind == 5:
                return self
            assert kind == 3, kind
            self.send(4, 0, 0, payload + struct.pack("<Q", time.time_ns()))

    def exec(self, *argv, flags=0, session=1):
        self.send(17, 0, session, b"".join(tlv(1, a.encode()) for a in argv) +
                  tlv(5, struct.pack("<I", flags)))

    def run(self, *argv, stdin=None, session=1):
        """(how, value, stdout), or ("failed", stage, errno)."""
        self.exec(*argv, flags=0 if stdin is None else 1, session=session)
        if stdin is not None:
            if stdin:
                self.send(20, 1, session, stdin)
            self.send(21, 1, session)
        out = b""
        while True:
            kind, stream, _, payload = self.frame()
            if kind == 20:
                out += payload if stream == 2 else b""
                self.send(22, stream, session, struct.pack("<I", len(payload)))
            elif kind == 26:
                how, _, value = struct.unpack("<HHI", payload)
                return how, value, out
            elif kind == 19:
                return ("failed", *struct.unpack("<II", payload))


def ended(sock):
    """Whether the other end hangs up, without a word, before the deadline."""
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True


def quiet(sock, seconds=0.3):
    """Whether nothing comes, nor an end."""
    sock.settimeout(seconds)
    try:
        sock.recv(1)
        return False
    except TimeoutError:
        return True
    finally:
        sock.settimeout(DEADLINE_S)


SIGNALS = {name: getattr(signal, name) for name in ("SIGABRT", "SIGKILL", "SIGSYS", "SIGTERM")}
