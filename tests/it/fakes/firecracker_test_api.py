# SPDX-License-Identifier: Apache-2.0
"""HTTP, and what the tables of the API refuse."""
import os
import re
import shutil
import socket
import subprocess
import time

from firecracker_checks import cli, fails, http_error, passes, test, test_where
from firecracker_client import Answer, Fake, connect, ended, request


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
        fake.sock.sendall(b"GET http://localhost/version HTTP/1.0\r\n\r\n" +
                          request("GET", "/") * 3)
        assert [Answer(fake.sock).status for _ in range(4)] == [200] * 4
        for part in (b"PUT /entropy HTTP/1.1\r\ncontent-", b"length: 2\r\n\r\n{", b"}"):
            fake.sock.sendall(part)
            time.sleep(0.02)
        passes(Answer(fake.sock))


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
    with Fake(fault="slow:/version:1000") as fake:
        for close in (False, True):
            sock = connect(fake.path("api"))
            sock.sendall(request("GET", "/version"))
            if close:  # while the answer is being made
                time.sleep(0.2)
                sock.shutdown(socket.SHUT_WR)
                assert ended(sock)
            else:
                assert Answer(sock).status == 200
        assert fake.must("GET", "/")


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


@test_where(shutil.which("curl"))
def http_with_curl():
    with Fake() as fake:
        out = subprocess.run(["curl", "-s", "--max-time", "5", "--unix-socket", fake.path("api"),
                              "-X", "PUT", "-H", "Expect: 100-continue", "-d", "{}",
                              "-w", "%{http_code}", "http://localhost/entropy"],
                             capture_output=True, check=True).stdout
        assert out == b"204", out


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
                           ('{"vcpu_count":1,"mem_size_mib":1,"huge_pages":"1G"}',
                            "unknown variant"),
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
    for field, value, new, old in (("vsock_override", {"uds_path": "x", "more": 1}, "1.16.0",
                                    "1.15.1"),
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


@test_where(os.environ.get("FIRECRACKER_YAML"))
def api_as_described():
    version, wanted = described(os.environ["FIRECRACKER_YAML"])
    ours = {(method, where): ({f[1:] for f in fields if f[0] == "*"},
                              {f.strip("*") for f in fields})
            for method, where, *fields in table(version)}
    # A PATCH asks for nothing, whatever the shared schema says.
    wanted["PATCH", "/machine-config"] = set(), wanted["PATCH", "/machine-config"][1]
    for key in sorted(set(ours) | set(wanted)):
        assert ours.get(key) == wanted.get(key), (key, ours.get(key), wanted.get(key))
