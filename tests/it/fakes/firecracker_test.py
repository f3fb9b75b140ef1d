#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""firecracker_test.py FAKE GUEST [PATTERN]: tests of the fake Firecracker itself, as TAP.

Every rule that firecracker.h promises, once, and what is refused beside what is not. With
FIRECRACKER_YAML, a file with the API's published description, its tables are held against that.
"""
import fnmatch
import os
import re
import shutil
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time
import traceback

from firecracker_client import SIGNALS, Answer, Fake, Link, connect, ended, quiet, request

TESTS = []


class Skip(Exception):
    pass


def test(function):
    TESTS.append(function)
    return function


def cli(*args, **env):
    return subprocess.run([Fake.program, *args], env=env, capture_output=True, timeout=10,
                          check=False)


def fails(answer, text):
    assert answer.status == 400 and text in answer.fault, answer.raw
    return True


def passes(answer):
    assert answer.status == 204, answer.raw
    return True


# Command line


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


# seccomp


def program(*denied, action=0x30000, otherwise=0x7fff0000):
    """Those calls are trapped, or with @otherwise all others."""
    code = [struct.pack("<HBBI", 0x20, 0, 0, 0)]
    for i, number in enumerate(denied):
        code.append(struct.pack("<HBBI", 0x15, len(denied) - i, 0, number))
    code.append(struct.pack("<HBBI", 6, 0, 0, otherwise))
    code.append(struct.pack("<HBBI", 6, 0, 0, action))
    return b"".join(code)


def new_format(vmm, names=(b"api", b"vcpu", b"vmm")):
    programs = [vmm if n.lower() == b"vmm" else program() for n in names]
    lengths = [len(p) // 8 for p in programs]
    out = bytes([len(names), 0, *map(len, names)]) + b"".join(names)
    out += bytes([0, *(min(n, 255) for n in lengths)])
    if max(lengths) >= 255:
        out += b"\0" + b"".join(struct.pack("<Q", n) for n in lengths if n >= 255)
    return out + b"\0" + b"".join(programs)


def old_format(vmm, names=(b"api", b"vcpu", b"vmm")):
    out = struct.pack("<Q", len(names))
    for name in names:
        code = vmm if name == b"vmm" else program()
        out += struct.pack("<Q", len(name)) + name + struct.pack("<Q", len(code) // 8) + code
    return out


class Filter:
    def __init__(self, data):
        self.file = tempfile.NamedTemporaryFile()
        self.file.write(data)
        self.file.flush()

    def __enter__(self):
        return self.file.name

    def __exit__(self, *_):
        self.file.close()


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
    with Filter(new_format(program(*VMM_CALLS[:-2], action=0x7fff0000, otherwise=0x30000))) as path, \
            Fake("--seccomp-filter", path) as fake:
        fake.start().vsock(None)  # the control: without ioctl
        assert fake.ends() == 148


def prepare_clone(fake):
    folder = tempfile.mkdtemp(prefix="fake-fc-")
    for name in ("state", "mem"):
        shutil.copy(fake.path(name), folder)
    return folder


# HTTP


@test
def http_shape():
    with Fake() as fake:
        head = "Server: Firecracker API\r\nConnection: keep-alive\r\n"
        answer = fake.put("/entropy", {})
        assert answer.raw.decode() == "HTTP/1.1 204 \r\n" + head + "\r\n"
        answer = fake.api("GET", "/version")
        assert answer.raw.decode() == ("HTTP/1.1 200 \r\n" + head + "Content-Type: application/json"
                                       "\r\nContent-Length: 32\r\n\r\n"
                                       '{"firecracker_version":"1.16.1"}')
        fails(fake.put("/entropy", "{"), "EOF while parsing an object at line 1 column 1")
        answer = fake.api("GET", "/", extra="Connection: close\r\n")
        assert answer.status == 200 and fake.api("GET", "/").status == 200


@test
def http_forms():
    with Fake() as fake:
        fake.sock.sendall(b"GET http://localhost/version HTTP/1.0\r\n\r\n" + request("GET", "/") * 3)
        assert [Answer(fake.sock).status for _ in range(4)] == [200] * 4
        for part in (b"PUT /entropy HTTP/1.1\r\ncontent-", b"length: 2\r\n\r\n{", b"}"):
            fake.sock.sendall(part)
            time.sleep(0.02)
        passes(Answer(fake.sock))


def http_error(answer, text):
    assert answer.status == 400, answer.raw
    try:
        assert not answer.json
    except ValueError:
        pass
    assert text in answer.body.decode() and answer.body.endswith(
        b"\nAll previous unanswered requests will be dropped.\" }"), answer.raw
    return True


@test
def http_errors_are_not_json():
    with Fake() as fake:
        for method in ("POST", "HEAD", "put"):
            http_error(fake.api(method, "/"), "Unsupported HTTP method")
        fake.sock.sendall(b"GET / HTTP/2.0\r\n\r\n")
        http_error(Answer(fake.sock), "Unsupported HTTP version")
        fake.sock.sendall(b"word\r\n")
        http_error(Answer(fake.sock), "Invalid request.")
        http_error(fake.api("GET", "/", extra="no colon\r\n"), "Invalid header")
        assert fake.api("GET", "/").status == 200  # and that is all of it


@test
def http_line_limit():
    def line(size):
        return b"GET /" + b"x" * (size - 16) + b" HTTP/1.1\r\n\r\n"

    def header(size):
        return b"GET / HTTP/1.1\r\nX: " + b"y" * (size - 5) + b"\r\n\r\n"

    for make in (line, header):
        for size, fine in ((1024, True), (1025, False)):
            with Fake() as fake:
                fake.sock.sendall(make(size))
                answer = Answer(fake.sock)
                if fine and make is line:
                    fails(answer, "Invalid request method and/or path")
                elif fine:
                    assert answer.status == 200
                else:
                    http_error(answer, "Invalid")


@test
def http_body_limit():
    body = '{"metrics_path":"%s"}'
    with Fake() as fake:
        fake.sock.sendall(request("PUT", "/mmds", '{"a":"%s"}' % ("x" * (51200 - 8))))
        passes(Answer(fake.sock))
        fake.sock.sendall(request("PUT", "/mmds", " " * 51200 + "GET / HTTP/1.1\r\n\r\n"))
        http_error(Answer(fake.sock), "larger than the limit of 51200")
        # What was its body is the next request: here a line that is too long, in pieces.
        http_error(Answer(fake.sock), "Invalid request.")
    with Fake("--http-api-max-payload-size", "30") as fake:
        passes(fake.put("/metrics", body % "m"))
        http_error(fake.put("/metrics", body % ("m" * 20)), "limit of 30")


@test
def http_half_close_drops():
    with Fake(fault="slow:/version:300") as fake:
        sock = connect(fake.path("api"))
        sock.sendall(request("GET", "/version"))
        time.sleep(0.1)
        sock.sendall(request("GET", "/"))
        sock.shutdown(socket.SHUT_WR)
        assert Answer(sock).status == 200  # was written before the end was seen
        assert ended(sock) and fake.must("GET", "/")
        sock = connect(fake.path("api"))
        sock.sendall(request("PUT", "/entropy", "{}"))
        sock.shutdown(socket.SHUT_WR)
        ended(sock)


@test
def http_eleventh_connection():
    with Fake() as fake:
        more = [connect(fake.path("api")) for _ in range(9)]
        for sock in more:
            sock.sendall(request("GET", "/"))
            assert Answer(sock).status == 200
        last = connect(fake.path("api"))
        answer = Answer(last)
        assert answer.line == "HTTP/1.1 503" and ended(last)
        assert answer.json == {"error": "Too many open connections"}
        more.pop().close()
        time.sleep(0.1)
        with connect(fake.path("api")) as sock:
            sock.sendall(request("GET", "/"))
            assert Answer(sock).status == 200


@test
def http_expect():
    with Fake() as fake:
        text = request("PUT", "/entropy", "{}", "Expect: 100-continue\r\n")
        fake.sock.sendall(text[:-2])
        answer = Answer(fake.sock)
        assert answer.line == "HTTP/1.1 100 " and not answer.body
        fake.sock.sendall(text[-2:])
        passes(Answer(fake.sock))


@test
def http_with_curl():
    if not shutil.which("curl"):
        raise Skip("no curl")
    with Fake() as fake:
        out = subprocess.run(["curl", "-s", "--max-time", "5", "--unix-socket", fake.path("api"),
                              "-X", "PUT", "-H", "Expect: 100-continue", "-d", "{}",
                              "-w", "%{http_code}", "http://localhost/entropy"],
                             capture_output=True, check=True).stdout
        assert out == b"204", out


# API: the tables


@test
def api_paths_and_methods():
    with Fake() as fake:
        fails(fake.api("GET", "/nothing"), "Invalid request method and/or path: GET nothing.")
        fails(fake.put("/nothing", {}), "Invalid request method and/or path: PUT nothing.")
        fails(fake.api("PUT", "/entropy"), "Empty PUT request.")
        fails(fake.api("PATCH", "/vm"), "Empty PATCH request.")
        fails(fake.api("GET", "/", "{}"), "GET request cannot have a body.")
        fails(fake.api("PATCH", "/boot-source", {}), "Invalid request method and/or path")
        fails(fake.api("DELETE", "/drives/root"), "not modelled")
    with Fake(version="1.15.1") as fake:
        http_error(fake.api("DELETE", "/drives/root"), "Unsupported HTTP method")


def sample(fields):
    """A body that has what must be there."""
    known = {"vcpu_count": 1, "mem_size_mib": 128, "guest_cid": 3, "is_root_device": False,
             "amount_mib": 1, "deflate_on_oom": True, "network_interfaces": [],
             "action_type": "FlushMetrics", "state": "Paused", "stats_polling_interval_s": 1}
    return {f[1:]: known.get(f[1:], "x") for f in fields if f.startswith("*")}


def table(version):
    out = cli(FAKE_FC_PRINT="api", FAKE_FC_VERSION=version).stdout.decode()
    return [line.split(" ") for line in out.splitlines()]


@test
def api_unknown_and_missing_fields():
    with Fake(version="1.17.0-dev") as fake:
        tried = 0
        for method, path, *fields in table("1.17.0-dev"):
            if method == "GET" or path == "/mmds":
                continue
            path = re.sub("{.*}", "x", path)
            whole = sample(fields)
            answer = fake.api(method, path, {**whole, "other": 1})
            if path == "/metrics":
                passes(answer)  # the exception
            else:
                fails(answer, "unknown field `other`")
            for name in whole:
                fails(fake.api(method, path, {k: v for k, v in whole.items() if k != name}),
                      "missing field `%s`" % name)
                tried += 1
                fails(fake.api(method, path, {**whole, name: {"a": 1}}),
                      "invalid type: map" if not isinstance(whole[name], list) else "invalid type")
        assert tried > 20


@test
def api_exceptions_take_unknown_fields():
    bucket = {"size": 1, "refill_time": 1, "other": 1}
    with Fake() as fake:
        passes(fake.put("/entropy", {"rate_limiter": {"bandwidth": bucket}}))
        fails(fake.put("/entropy", {"rate_limiter": {"bandwith": bucket}}), "unknown field")
        fails(fake.put("/entropy", {"rate_limiter": {"ops": {"size": 1}}}), "missing field")


@test
def api_types_and_json():
    with Fake() as fake:
        for body, text in (('{"vcpu_count":"1","mem_size_mib":1}', 'string "1", expected u8'),
                           ('{"vcpu_count":1.5,"mem_size_mib":1}', "floating point"),
                           ('{"vcpu_count":256,"mem_size_mib":1}', "integer `256`, expected u8"),
                           ('{"vcpu_count":-1,"mem_size_mib":1}', "integer `-1`"),
                           ('{"vcpu_count":1,"mem_size_mib":1,"smt":1}', "expected a boolean"),
                           ('{"vcpu_count":1,"mem_size_mib":1,"huge_pages":"1G"}', "unknown variant"),
                           ('{"vcpu_count":1,"vcpu_count":1,"mem_size_mib":1}', "duplicate field"),
                           ('{"vcpu_count":01,"mem_size_mib":1}', "invalid number"),
                           ('[1]', "invalid type: sequence"), ('{"a":1,}', "key must be"),
                           ('{} x', "trailing characters"), ('{"a":tru}', "expected value"),
                           ('{"a":"\\q"}', "invalid escape"), ("[" * 200, "recursion limit")):
            fails(fake.put("/machine-config", body), text)
        passes(fake.put("/machine-config",
                        '{"vcpu_count":1,"mem_size_mib":1,"smt":null,"huge_pages":"\\u004eone"}'))


@test
def api_ids():
    body = {"drive_id": "a_1", "is_root_device": False, "path_on_host": "drive"}
    with Fake() as fake:
        passes(fake.put("/drives/a_1", body))
        fails(fake.put("/drives/", body), "The ID cannot be empty.")
        fails(fake.put("/drives/a-1", {**body, "drive_id": "a-1"}), "alphanumeric")
        fails(fake.put("/drives/b", body), "does not match")
        fails(fake.put("/drives", body), "Invalid request method and/or path")


@test
def api_deprecation():
    with Fake() as fake:
        answer = fake.put("/vsock", {"guest_cid": 3, "uds_path": "v", "vsock_id": "x"})
        assert passes(answer) and answer.headers["Deprecation"] == "true"
        assert "Deprecation" not in fake.put("/vsock", {"guest_cid": 3, "uds_path": "v"}).headers


GATES = (("/serial", {}, "1.14.0", "1.13.1"), ("/hotplug/memory", {}, "1.14.0", "1.13.1"),
         ("/serial", {"rate_limiter": {"size": 1, "refill_time": 1}}, "1.16.0", "1.15.1"),
         ("/machine-config", {"vcpu_count": 1, "mem_size_mib": 2, "huge_pages": "2M"}, "1.7.0",
          "1.6.0"),
         ("/machine-config", {"vcpu_count": 1, "mem_size_mib": 2, "huge_pages": "Transparent"},
          "1.17.0-dev", "1.16.1"),
         ("/metrics", {"metrics_path": "log", "emit_id": 1}, "1.16.1", None))


@test
def api_version_gates():
    for path, body, new, old in GATES:
        with Fake(version=new) as fake:
            passes(fake.put(path, body))
        if old:
            with Fake(version=old) as fake:
                assert fake.put(path, body).status == 400, (path, old)
    load = {"snapshot_path": "s", "mem_file_path": "m"}
    for field, value, new, old in (("vsock_override", {"uds_path": "x", "more": 1}, "1.16.0", "1.15.1"),
                                   ("clock_realtime", True, "1.15.1", "1.15.0"),
                                   ("clock_realtime", True, "1.14.4", "1.14.3"),
                                   ("network_overrides", [], "1.12.0", "1.11.0"),
                                   ("huge_pages", "None", "1.17.0-dev", "1.16.1"),
                                   ("track_dirty_pages", True, "1.13.0", "1.12.0")):
        with Fake(version=new) as fake:
            fails(fake.put("/snapshot/load", {**load, field: value}), "Load snapshot error")
            assert fake.ends() == 1
        with Fake(version=old) as fake:
            fails(fake.put("/snapshot/load", {**load, field: value}), "unknown field")
            assert fake.lives()


def described(path):
    """{(method, path): (required, known)} of a published description."""
    try:
        import yaml
    except ImportError:
        raise AssertionError("FIRECRACKER_YAML needs python3-yaml") from None
    with open(path, encoding="utf-8") as file:
        document = yaml.safe_load(file)
    found = {}
    for where, methods in document["paths"].items():
        for method, what in methods.items():
            fields = set(), set()
            for parameter in what.get("parameters", []):
                if parameter["in"] == "body":
                    name = parameter["schema"]["$ref"].rsplit("/", 1)[1]
                    schema = document["definitions"][name]
                    fields = set(schema.get("required", [])), set(schema.get("properties", []))
            found[method.upper(), where] = fields
    return document["info"]["version"], found


@test
def api_as_described():
    path = os.environ.get("FIRECRACKER_YAML")
    if not path:
        raise Skip("FIRECRACKER_YAML is not set")
    version, wanted = described(path)
    ours = {(method, where): ({f[1:] for f in fields if f[0] == "*"}, {f.strip("*") for f in fields})
            for method, where, *fields in table(version)}
    # A PATCH asks for nothing, whatever the shared schema says.
    wanted["PATCH", "/machine-config"] = set(), wanted["PATCH", "/machine-config"][1]
    for key in sorted(set(ours) | set(wanted)):
        assert ours.get(key) == wanted.get(key), (key, ours.get(key), wanted.get(key))


# API: what the requests do


@test
def api_phases():
    start = {"action_type": "InstanceStart"}
    before, after = "not supported before starting", "not supported after starting"
    with Fake() as fake:
        for method, path, body in (("PATCH", "/vm", {"state": "Paused"}),
                                   ("PUT", "/snapshot/create",
                                    {"snapshot_path": "s", "mem_file_path": "m"}),
                                   ("PATCH", "/drives/root", {"drive_id": "root"}),
                                   ("PUT", "/actions", {"action_type": "FlushMetrics"}),
                                   ("PUT", "/actions", {"action_type": "SendCtrlAltDel"})):
            fails(fake.api(method, path, body), before)
        assert fake.must("GET", "/mmds").body == b"{}"
        fails(fake.put("/actions", start), "without kernel configuration")
        fake.start()
        assert fake.must("GET", "/").json["state"] == "Running"
        for path, body in (("/boot-source", {"kernel_image_path": "kernel"}), ("/entropy", {}),
                           ("/serial", {}), ("/logger", {}), ("/metrics", {"metrics_path": "m"}),
                           ("/vsock", {"guest_cid": 3, "uds_path": "w"}), ("/actions", start),
                           ("/machine-config", {"vcpu_count": 1, "mem_size_mib": 1}),
                           ("/snapshot/load", {"snapshot_path": "s", "mem_file_path": "m"})):
            fails(fake.put(path, body), after)
        fails(fake.api("GET", "/mmds"), "not initialized")
        passes(fake.put("/actions", {"action_type": "FlushMetrics"}))
        passes(fake.put("/actions", {"action_type": "SendCtrlAltDel"}))
        assert fake.ends() == 0


@test
def api_machine():
    def body(**more):
        return {"vcpu_count": 1, "mem_size_mib": 128, **more}

    with Fake() as fake:
        basic = fake.must("GET", "/machine-config").json
        assert (basic["vcpu_count"], basic["mem_size_mib"], basic["huge_pages"]) == (1, 128, "None")
        for bad in (body(vcpu_count=0), body(vcpu_count=33), body(mem_size_mib=0),
                    body(vcpu_count=3, smt=True), body(mem_size_mib=3, huge_pages="2M")):
            fails(fake.put("/machine-config", bad), "Machine config error")
        passes(fake.put("/machine-config", body(vcpu_count=32, mem_size_mib=3)))
        passes(fake.api("PATCH", "/machine-config", {"smt": True}))
        fails(fake.api("PATCH", "/machine-config", {}), "Empty PATCH request.")
        got = fake.must("GET", "/machine-config").json
        assert (got["vcpu_count"], got["mem_size_mib"], got["smt"]) == (32, 3, True)
        passes(fake.put("/machine-config", body()))
        assert fake.must("GET", "/machine-config").json == basic


@test
def api_boot_source():
    with Fake() as fake:
        fails(fake.put("/boot-source", {"kernel_image_path": "none"}), "kernel file cannot be opened")
        fails(fake.put("/boot-source", {"kernel_image_path": "kernel", "initrd_path": "none"}),
              "initrd file cannot be opened")
        fails(fake.put("/boot-source", {"kernel_image_path": "kernel", "boot_args": "x" * 2048}),
              "command line")
        passes(fake.put("/boot-source", {"kernel_image_path": "kernel", "boot_args": "x" * 2000}))
        passes(fake.put("/boot-source", {"kernel_image_path": "kernel", "boot_args": "a\nb"}))


@test
def api_kernel_contents():
    for version, fine in (("1.16.1", False), ("1.17.0-dev", True)):
        with Fake(version=version) as fake:
            with open(fake.path("bz"), "wb") as file:
                file.write(bytes(0x202) + b"HdrS" + bytes(512))
            passes(fake.put("/boot-source", {"kernel_image_path": "bz"}))
            answer = fake.put("/actions", {"action_type": "InstanceStart"})
            assert passes(answer) if fine else fails(answer, "Invalid Elf magic number")


@test
def api_drives():
    def body(name="root", **more):
        return {"drive_id": name, "is_root_device": True, "path_on_host": "drive", **more}

    with Fake() as fake:
        fails(fake.put("/drives/root", body(path_on_host="none")), "os error 2")
        fails(fake.put("/drives/root", body(path_on_host=None)), "Invalid configuration")
        fails(fake.put("/drives/root", body(cache_type="Lazy")), "unknown variant")
        passes(fake.put("/drives/root", body()))
        passes(fake.put("/drives/root", body(is_read_only=True)))  # the same again replaces it
        fails(fake.put("/drives/b", body("b")), "root block device already exists")
        passes(fake.put("/drives/b", body("b", is_root_device=False)))
        drives = fake.must("GET", "/vm/config").json["drives"]
        assert [d["drive_id"] for d in drives] == ["root", "b"] and drives[0]["is_read_only"]
        fake.start()
        passes(fake.api("PATCH", "/drives/b", {"drive_id": "b", "path_on_host": "initrd"}))
        fails(fake.api("PATCH", "/drives/c", {"drive_id": "c"}), "not found")
        fails(fake.api("PATCH", "/drives/b", {"drive_id": "b", "path_on_host": "none"}), "os error")


@test
def api_outputs():
    with Fake() as fake:
        for name in ("console", "metrics", "log2"):
            with open(fake.path(name), "w", encoding="ascii") as file:
                file.write("x" * 2000)
        passes(fake.put("/serial", {"serial_out_path": "console"}))
        passes(fake.put("/metrics", {"metrics_path": "metrics"}))
        fails(fake.put("/metrics", {"metrics_path": "other"}), "Reinitialization")
        fails(fake.put("/logger", {"log_path": "none/x"}), "os error 2")
        fails(fake.put("/logger", {"level": "Loud"}), "unknown variant")
        passes(fake.put("/logger", {"log_path": "log2", "level": "INFO"}))
        fake.start()
        for name, text in (("console", "Linux version"), ("metrics", "utc_timestamp_ms"),
                           ("log2", "InstanceStart" if False else "PUT request")):
            with open(fake.path(name), encoding="ascii") as file:
                got = file.read()
            assert text in got and got.endswith("xxx"), name
        assert "Linux version" not in fake.said()
    with Fake() as fake:
        fake.start()
        assert "Linux version" in fake.said()
    with Fake(version="1.13.1") as fake:  # made by themselves from 1.14 on
        fails(fake.put("/logger", {"log_path": "new"}), "os error 2")
    with Fake(version="1.14.0") as fake:
        passes(fake.put("/logger", {"log_path": "new"}))


@test
def api_states():
    with Fake() as fake:
        fake.start()
        for wanted, state in (("Paused", "Paused"), ("Paused", "Paused"), ("Resumed", "Running"),
                              ("Resumed", "Running")):
            passes(fake.api("PATCH", "/vm", {"state": wanted}))
            assert fake.must("GET", "/").json["state"] == state
        fails(fake.api("PATCH", "/vm", {"state": "Stopped"}), "unknown variant")


# vsock


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
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
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
    with Fake(fault="vsock-late:300") as fake:
        early = fake.start().vsock()
        assert quiet(early, 0.1) and ended(early) and fake.link()


# The guests


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
    if subprocess.run(["unshare", "--user", "true"], check=False, capture_output=True).returncode:
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


# Snapshots


@test
def snapshot_create():
    body = {"snapshot_path": "state", "mem_file_path": "mem"}
    with Fake() as fake:
        fake.start()
        fails(fake.put("/snapshot/create", body), "while VM is running")
        fake.pause()
        fails(fake.put("/snapshot/create", {**body, "snapshot_path": "none/x"}), "os error 2")
        passes(fake.put("/snapshot/create", body))
        assert os.stat(fake.path("mem")).st_size == 4 << 20
        out = cli("--describe-snapshot", fake.path("state"))
        assert out.returncode == 0 and out.stdout.startswith(b"v10.0.0\n")
        out = cli("--describe-snapshot", fake.path("state"), FAKE_FC_VERSION="1.15.1")
        assert out.returncode == 1
    with Fake(fault="save-fails") as fake:
        fake.start().pause()
        fails(fake.put("/snapshot/create", body), "os error 28")
        assert os.path.exists(fake.path("state")) and not os.path.exists(fake.path("mem"))


class Saved:
    """A folder with a snapshot in it, whose VM has gone."""

    def __init__(self, **how):
        self.how = how
        self.dir = tempfile.mkdtemp(prefix="fake-fc-")

    def __enter__(self):
        with Fake(folder=self.dir, **self.how) as fake:
            fake.start().save()
        os.unlink(self.path("api"))
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir)

    def path(self, name):
        return os.path.join(self.dir, name)

    def fake(self, *args, **how):
        if os.path.exists(self.path("api")):
            os.unlink(self.path("api"))
        return Fake(*args, folder=self.dir, **how)

    def refuses(self, text, version="1.16.1", fault=None, **more):
        with self.fake(version=version, fault=fault) as fake:
            fails(fake.load(**more), text)
            assert fake.ends() == 1
        return True


@test
def snapshot_load():
    with Saved() as saved:
        with saved.fake() as fake:
            passes(fake.put("/logger", {"level": "Info"}))
            passes(fake.load())
            assert fake.must("GET", "/").json["state"] == "Running"
            config = fake.must("GET", "/vm/config").json
            assert config["machine-config"]["mem_size_mib"] == 4 and config["boot-source"] is None
            assert Link(fake.vsock()).ok() == 1073741824
            assert fake.link().identity().run("true") == (1, 0, b"")
        with saved.fake() as fake:
            passes(fake.load(resume_vm=False))
            assert fake.must("GET", "/").json["state"] == "Paused"
            sock = fake.vsock()
            assert quiet(sock)
            fake.resume()
            assert Link(sock).ok()


@test
def snapshot_load_that_ends_the_process():
    with Saved() as saved:
        saved.refuses("bitcode error", version="1.15.1")
        saved.refuses("bitcode error", version="1.17.0-dev")
        saved.refuses("os error 2", snapshot_path="none")
        saved.refuses("os error 2", mem_backend={"backend_type": "File", "backend_path": "none"})
        saved.refuses("requested but not present", fault="no-realtime", clock_realtime=True)
        saved.refuses("os error 13", fault="no-kvm:1")
        with saved.fake(fault="no-realtime") as fake:
            passes(fake.load())
        os.truncate(saved.path("mem"), (4 << 20) - 1)
        saved.refuses("too small")
        os.truncate(saved.path("mem"), 4 << 20)
        with open(saved.path("state"), "r+b") as file:
            file.seek(40)
            byte = file.read(1)[0]
            file.seek(40)
            file.write(bytes([byte ^ 1]))
        saved.refuses("CRC64 validation failed")
        with open(saved.path("state"), "r+b") as file:
            file.seek(40)
            file.write(bytes([byte]))
        with saved.fake() as fake:
            passes(fake.load())
        with saved.fake() as fake:  # the control of all of it, then the path of vsock
            fails(fake.put("/snapshot/load", {"snapshot_path": "state", "mem_file_path": "mem"}),
                  "Address in use")
            assert fake.ends() == 1
    with Saved() as saved:
        os.rename(saved.path("kernel"), saved.path("k"))
        drive = saved.path("drive")
        with saved.fake() as fake:
            os.unlink(drive)
            fails(fake.load(), "os error 2")
            assert fake.ends() == 1


@test
def snapshot_load_that_the_process_survives():
    memory = {"backend_type": "File", "backend_path": "mem"}
    with Saved() as saved:
        with saved.fake() as fake:
            for body, text in (({"snapshot_path": "state"}, "missing field: either"),
                               ({"snapshot_path": "state", "mem_file_path": "mem",
                                 "mem_backend": memory}, "too many fields"),
                               ({"snapshot_path": "state", "mem_backend": memory, "x": 1},
                                "unknown field")):
                fails(fake.put("/snapshot/load", body), text)
            passes(fake.load())
        for path, body in (("/drives/root", {"drive_id": "root", "is_root_device": True,
                                             "path_on_host": "none"}),
                           ("/machine-config", {"vcpu_count": 1, "mem_size_mib": 1}),
                           ("/entropy", {})):
            with saved.fake() as fake:
                fake.put(path, body)
                fails(fake.load(), "not allowed after configuring boot-specific resources")
                assert fake.must("GET", "/")


@test
def snapshot_vsock():
    with Saved() as saved:
        with saved.fake() as fake:
            passes(fake.load(vsock_override={"uds_path": "other.sock"}))
            assert os.path.exists(fake.path("other.sock"))
            assert not os.path.exists(fake.path("v.sock"))
            sock = connect(fake.path("other.sock"))
            sock.sendall(b"CONNECT 1024\n")
            assert Link(sock).ok()
    with tempfile.TemporaryDirectory() as folder:
        with Fake(folder=folder) as fake:
            fake.start(vsock=None).save()
        os.unlink(os.path.join(folder, "api"))
        with Fake(folder=folder) as fake:
            fails(fake.load(vsock_override={"uds_path": "x"}), "Unknown Vsock Device.")
            assert fake.ends() == 1


@test
def snapshot_first_connection():
    for version, lost in (("1.14.4", 1), ("1.15.1", 1), ("1.16.1", 0), ("1.17.0-dev", 0)):
        with Saved(version=version) as saved, saved.fake(version=version) as fake:
            passes(fake.load())
            for _ in range(lost):
                link = Link(fake.vsock())
                assert link.ok() and ended(link.sock)
            link = Link(fake.vsock())
            assert link.ok() and link.frame()[0] == 1


# Faults


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
    with Fake(fault="slow:start:300", wait=False) as fake:
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
    with Fake(fault="guest-silent:300") as fake:
        link = fake.start().link().identity()
        time.sleep(0.5)
        link.exec("true")
        assert quiet(link.sock) and quiet(fake.vsock()) and fake.must("GET", "/")
    with Fake(fault="guest-reboot:300") as fake:
        link = fake.start().link()
        assert ended(link.sock) and fake.ends() == 0


def main():
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
            print("".join("# " + line + "\n" for line in traceback.format_exc().splitlines()), end="")
            failed += 1
        sys.stdout.flush()
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
