#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""http_checks.py SERVER CHECK: hold an HTTP server against what it promises, byte by byte over
sockets of our own. Prints why it failed; exit status 1.

SERVER is conformance_server, or, for checks named vm_*, the program ironclaw, with an image named
busybox; each check starts one of its own.
"""
import base64
import json
import os
import re
import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit

MODERN = "2026-07-28"
META = "io.modelcontextprotocol/"
PROGRAM = None


class Server:
    def __init__(self, *args):
        self.process = subprocess.Popen([PROGRAM, *args], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        url = urlsplit(self.process.stdout.readline().strip())
        self.address = (url.hostname, url.port)
        self.host = url.netloc

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        code = self.process.wait(10)
        assert code == 0, f"the server ended with {code}"

    def connect(self, timeout=20, receive_buffer=0):
        s = socket.socket()
        if receive_buffer:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        s.settimeout(timeout)
        s.connect(self.address)
        return s

    def memory_kib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])


class Product(Server):
    """`ironclaw mcp --http`"""

    def __init__(self, *args, env=None):
        self.process = subprocess.Popen(
            [PROGRAM, "mcp", "--http", "127.0.0.1:0", "--image", "busybox", *args],
            stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
        self.said = ""
        while not (found := re.search(r"listening on (\S+)", self.said)):
            line = self.process.stderr.readline()
            assert line, f"it does not listen: {self.said}"
            self.said += line
        url = urlsplit(found[1])
        self.address = (url.hostname, url.port)
        self.host = url.netloc

    def __exit__(self, *_):
        self.process.terminate()
        code = self.process.wait(30)
        assert code == 0, f"the server ended with {code}"
        assert not vms(), "a VM is left"


def vms():
    out = subprocess.run([PROGRAM, "ps", "--json"], capture_output=True, text=True, check=True)
    return json.loads(out.stdout)


def head(server, method="POST", path="/mcp", headers=(), body=b"", **overrides):
    """The bytes of a request; `overrides` replace a usual header (None: leave it out)."""
    usual = {"Host": server.host, "Content-Type": "application/json",
             "Accept": "application/json, text/event-stream",
             "Content-Length": str(len(body)) if body or method == "POST" else None}
    usual.update({k.replace("_", "-"): v for k, v in overrides.items()})
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"{k}: {v}" for k, v in usual.items() if v is not None]
    lines += list(headers)
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class Answer:
    """A response, read as it comes."""

    def __init__(self, s):
        self.file = s.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        while (line := self.file.readline().strip()):
            name, value = line.decode().split(":", 1)
            self.headers[name.lower()] = value.strip()

    def pieces(self):
        if self.headers.get("transfer-encoding") != "chunked":
            yield self.file.read(int(self.headers.get("content-length", 0)))
            return
        while True:
            line = self.file.readline()
            if not line:
                raise EOFError("the stream was cut")
            size = int(line, 16)
            data = self.file.read(size)
            self.file.readline()
            if size == 0:
                return
            yield data

    def body(self):
        return b"".join(self.pieces())

    def json(self):
        return json.loads(self.body())

    def events(self):
        """(id, data or None for a comment) of each event."""
        text = b""
        for piece in self.pieces():
            text += piece
            while b"\n\n" in text:
                event, text = text.split(b"\n\n", 1)
                fields = [line.split(b":", 1) for line in event.split(b"\n")]
                named = {k.decode(): v.strip().decode() for k, v in fields}
                yield named.get("id"), named.get("data"), named


def ask(server, message, s=None, **more):
    """POST a message. Return: the answer."""
    s = s or server.connect()
    s.sendall(head(server, body=message if isinstance(message, bytes)
                   else json.dumps(message).encode(), **more))
    return Answer(s)


def initialize(server, version="2025-11-25", capabilities=None, **more):
    answer = ask(server, {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": version, "capabilities": capabilities or {},
        "clientInfo": {"name": "checks", "version": "1"}}}, **more)
    assert answer.status == 200, answer.status
    assert answer.json()["result"]["protocolVersion"] == version
    session = answer.headers["mcp-session-id"]
    assert re.fullmatch("[0-9a-f]{32}", session), session
    answer = ask(server, {"jsonrpc": "2.0", "method": "notifications/initialized"},
                 Mcp_Session_Id=session, **more)
    assert answer.status == 202 and answer.body() == b""
    return session


def call(name, arguments=None, number=1, **meta):
    params = {"name": name, "arguments": arguments or {}}
    if meta:
        params["_meta"] = meta
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}


def modern(name, arguments=None, number=1):
    return call(name, arguments, number, **{META + "protocolVersion": MODERN,
                                            META + "clientCapabilities": {}})


def modern_headers(name, method="tools/call"):
    return {"MCP_Protocol_Version": MODERN, "Mcp_Method": method, "Mcp_Name": name}


def text_of(answer):
    return answer.json()["result"]["content"][0]["text"]


def counts(server):
    answer = ask(server, modern("test_counts"), **modern_headers("test_counts"))
    return tuple(int(n) for n in re.findall(r"\d+", text_of(answer)))


def until(what, seconds=10):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


def expect(status, answer, code=None):
    assert answer.status == status, f"status {answer.status}, not {status}"
    body = answer.body()
    if code is not None:
        assert json.loads(body)["error"]["code"] == code, body
    return answer


PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


def check_places():
    """Foreign Host and Origin are refused, ours are taken."""
    with Server() as server:
        session = initialize(server)
        for host in ["evil.example", "localhost.evil.example", "10.0.0.1", ""]:
            expect(403, ask(server, PING, Host=host, Mcp_Session_Id=session))
        for origin in ["http://evil.example", "null", "https://localhost.evil.example", ""]:
            expect(403, ask(server, PING, Origin=origin, Mcp_Session_Id=session))
        for host in ["localhost", f"127.0.0.1:{server.address[1]}", "[::1]:80"]:
            expect(200, ask(server, PING, Host=host, Mcp_Session_Id=session))
        for origin in ["http://localhost:6274", "https://127.0.0.1"]:
            expect(200, ask(server, PING, Origin=origin, Mcp_Session_Id=session))
        # On every method
        s = server.connect()
        s.sendall(head(server, "GET", Origin="http://evil.example", Mcp_Session_Id=session))
        expect(403, Answer(s))
        s = server.connect()
        s.sendall(head(server, "DELETE", Origin="http://evil.example", Mcp_Session_Id=session))
        expect(403, Answer(s))
        expect(200, ask(server, PING, Mcp_Session_Id=session))


def check_token():
    """Without the token nothing is served, with it everything is."""
    token = "0123456789-secret-token"
    with Server("--token", token) as server:
        for given in [None, "", f"Basic {token}", f"Bearer {token}x", f"Bearer {token[:-1]}",
                      "Bearer", token, f"Bearer {token} {token}"]:
            answer = expect(401, ask(server, PING, Authorization=given))
            assert answer.headers["www-authenticate"].startswith("Bearer")
        for method, path in [("GET", "/mcp"), ("DELETE", "/mcp"), ("GET", "/other"),
                             ("OPTIONS", "/mcp")]:
            s = server.connect()
            s.sendall(head(server, method, path))
            expect(401, Answer(s))
        session = initialize(server, Authorization=f"Bearer {token}")
        expect(401, ask(server, PING, Mcp_Session_Id=session))
        expect(200, ask(server, PING, Mcp_Session_Id=session, Authorization=f"bearer {token}"))
        answer = ask(server, modern("test_simple_text"), Authorization=f"Bearer {token}",
                     **modern_headers("test_simple_text"))
        expect(200, answer)
        expect(401, ask(server, modern("test_simple_text"), **modern_headers("test_simple_text")))


def check_statuses():
    """What is wrong with a request is in its status."""
    with Server() as server:
        session = initialize(server)
        own = {"Mcp_Session_Id": session}
        expect(200, ask(server, PING, **own))
        expect(400, ask(server, b"{", **own), -32700)
        expect(400, ask(server, b"", **own), -32700)
        expect(400, ask(server, b"\xff\xfe", **own), -32700)
        expect(400, ask(server, b"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"x\"}", **own), -32600)
        expect(400, ask(server, PING))
        expect(404, ask(server, PING, Mcp_Session_Id="0" * 32), -32001)
        expect(404, ask(server, PING, Mcp_Session_Id=session[:-1]), -32001)
        expect(404, ask(server, PING, Mcp_Session_Id=""), -32001)
        expect(415, ask(server, PING, Content_Type="text/plain", **own))
        expect(415, ask(server, PING, Content_Type=None, **own))
        expect(406, ask(server, PING, Accept="application/json", **own))
        expect(406, ask(server, PING, Accept="text/event-stream", **own))
        expect(200, ask(server, PING, Accept="*/*", **own))
        expect(200, ask(server, PING, Accept=None, **own))
        for method in ["PUT", "PATCH", "HEAD", "OPTIONS", "TRACE"]:
            s = server.connect()
            s.sendall(head(server, method, **own))
            answer = Answer(s)
            assert answer.status == 405, (method, answer.status)
            assert answer.headers["allow"] == "GET, POST, DELETE"
        for method in ["GET", "DELETE"]:
            s = server.connect()
            s.sendall(head(server, method, MCP_Protocol_Version=MODERN))
            assert expect(405, Answer(s)).headers["allow"] == "POST"
        s = server.connect()
        s.sendall(head(server, "GET", Accept="application/json", **own))
        expect(406, Answer(s))
        expect(404, ask(server, PING, path="/", **own))
        expect(404, ask(server, PING, path="/mcp/x", **own))
        # A legacy error is no error of HTTP, and the version header is not looked at.
        expect(200, ask(server, {**PING, "method": "no/such"}, **own), -32601)
        expect(200, ask(server, PING, MCP_Protocol_Version="1999-01-01", **own))
        expect(202, ask(server, {"jsonrpc": "2.0", "method": "notifications/foo"}, **own))
        expect(202, ask(server, {"jsonrpc": "2.0", "id": 9, "result": {}}, **own))


def check_modern():
    """The headers of a modern request have to say what its body says."""
    with Server() as server:
        good = modern_headers("test_simple_text")
        ok = modern("test_simple_text")
        answer = expect(200, ask(server, ok, **good))
        assert "mcp-session-id" not in answer.headers
        expect(200, ask(server, ok, Mcp_Session_Id="nonsense", **good))
        for change in [{"MCP_Protocol_Version": None}, {"MCP_Protocol_Version": "2025-11-25"},
                       {"Mcp_Method": None}, {"Mcp_Method": "tools/list"},
                       {"Mcp_Method": "TOOLS/CALL"}, {"Mcp_Name": None}, {"Mcp_Name": "other"},
                       {"Mcp_Name": "=?base64?x?="}]:
            answer = ask(server, ok, **{**good, **change})
            assert answer.status == 400, (change, answer.status)
            reply = answer.json()
            assert reply["error"]["code"] == -32020 and reply["id"] == 1, (change, reply)
        wrapped = base64.b64encode(b"test_simple_text").decode()
        expect(200, ask(server, ok, **{**good, "Mcp_Name": f"=?base64?{wrapped}?="}))
        expect(404, ask(server, {**ok, "method": "no/such"},
                        **modern_headers(None, "no/such")), -32601)
        bare = {**ok, "params": {"name": "test_simple_text"}}
        expect(400, ask(server, bare, **good), -32602)
        odd = json.loads(json.dumps(ok).replace(MODERN, "v999"))
        expect(400, ask(server, odd, **{**good, "MCP_Protocol_Version": "v999"}), -32022)
        expect(200, ask(server, modern("no_such_tool"), **modern_headers("no_such_tool")), -32602)
        expect(202, ask(server, {"jsonrpc": "2.0", "method": "notifications/foo"},
                        MCP_Protocol_Version=MODERN))
        expect(400, ask(server, {"jsonrpc": "2.0", "id": 1, "result": {}},
                        MCP_Protocol_Version=MODERN), -32600)
        check_params(server)


def check_params(server):
    names = modern_headers("test_header")
    cases = [({"region": "eu"}, {"Mcp_Param_Region": "eu"}, 200),
             ({"region": "eu"}, {"Mcp_Param_Region": "us"}, 400),
             ({"region": "eu"}, {}, 400),
             ({}, {}, 200),
             ({}, {"Mcp_Param_Region": "eu"}, 400),
             ({"region": "\u00e9"}, {"Mcp_Param_Region": "=?base64?w6k=?="}, 200),
             ({"deep": {"level": 7}}, {"Mcp_Param_Level": "7.0"}, 200),
             ({"deep": {"level": 7}}, {"Mcp_Param_Level": "8"}, 400),
             ({"deep": {"level": 7}}, {}, 400)]
    for arguments, headers, status in cases:
        answer = ask(server, modern("test_header", arguments), **names, **headers)
        assert answer.status == status, (arguments, headers, answer.status)
        answer.body()
    answer = ask(server, modern("test_header", {"region": "eu"}),
                 headers=["Mcp-Param-Region: eu", "mcp-param-region: us"], **names)
    expect(400, answer)


def check_framing():
    """Requests that two readers could understand in two ways are refused."""
    body = json.dumps(PING).encode()
    with Server() as server:
        session = initialize(server)
        own = {"Mcp_Session_Id": session}
        twice = [("Host", server.host), ("Origin", "http://localhost"),
                 ("Authorization", "Bearer x"), ("Content-Type", "application/json"),
                 ("Mcp-Session-Id", session), ("MCP-Protocol-Version", "2025-11-25"),
                 ("Content-Length", str(len(body)))]
        for name, value in twice:
            s = server.connect()
            s.sendall(head(server, body=body, **{name.replace("-", "_"): value},
                           **{k: v for k, v in own.items() if k != name.replace("-", "_")},
                           headers=[f"{name.lower()}: {value}"]))
            answer = Answer(s)
            assert answer.status == 400, (name, answer.status)
        # A lenient reader finds a length here, and no second request; a strict one the reverse.
        inner = head(server, body=body, **own)
        for line in [f"Content-Length : {len(inner)}", f"Content-Length\t: {len(inner)}",
                     f"Content-Length:\r\n {len(inner)}", "Transfer-Encoding:\r\n chunked",
                     f"X: a\r\n Content-Length: {len(inner)}", "Transfer-Encoding : chunked"]:
            s = server.connect()
            s.sendall(head(server, headers=[line], Content_Length=None, **own) + inner)
            answer = expect(400, Answer(s))
            try:
                assert answer.file.read() == b"", line
            except ConnectionError:
                pass
        for coding in ["chunked", "gzip, chunked", "identity"]:
            s = server.connect()
            s.sendall(head(server, headers=[f"Transfer-Encoding: {coding}"],
                           body=b"0\r\n\r\n", **own))
            assert Answer(s).status == 400, coding
        s = server.connect()
        s.sendall(head(server, headers=["Transfer-Encoding: chunked"], Content_Length=None,
                       **own) + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        expect(200, Answer(s))
        # After a refusal the connection works on, if the frame was clear.
        s = server.connect()
        expect(415, ask(server, PING, s=s, Content_Type="a/b", **own))
        expect(200, ask(server, PING, s=s, **own))
        # Two at once
        s.sendall(head(server, body=body, **own) * 2)
        answer = expect(200, Answer(s))
        for garbage in [b"\0\0\0\0\r\n\r\n", b"GET\r\n\r\n", b"POST /mcp HTTP/9.9\r\n\r\n",
                        b"POST /mcp HTTP/1.1\r\n: x\r\n\r\n", b"\r\n" * 100,
                        b"POST /mcp HTTP/1.1\r\n" + b"a: b\r\n" * 20000 + b"\r\n"]:
            s = server.connect(1)
            try:
                s.sendall(garbage)
                while data := s.recv(4096):
                    assert b" 200 " not in data
            except (ConnectionError, TimeoutError):
                pass
        expect(200, ask(server, PING, **own))


def check_sizes():
    """Bodies up to 4 MiB, however they come."""
    limit = 4 << 20
    with Server() as server:
        session = initialize(server)
        own = {"Mcp_Session_Id": session}
        fits = json.dumps(PING).encode()
        fits += b" " * (limit - len(fits))
        expect(200, ask(server, fits, **own))
        expect(413, ask(server, fits + b" ", **own))
        for size in [1 << 40, (1 << 64) - 1]:
            s = server.connect()
            s.sendall(head(server, Content_Length=str(size), **own))
            expect(413, Answer(s))
        for size, status in [(limit, 200), (limit + 1, 413)]:
            s = server.connect()
            s.sendall(head(server, headers=["Transfer-Encoding: chunked"], Content_Length=None,
                           **own))
            body = fits + b" " * (size - limit)
            for i in range(0, size, 1 << 20):
                piece = body[i:i + (1 << 20)]
                s.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            s.sendall(b"0\r\n\r\n")
            expect(status, Answer(s))
        # It never ends: cut off.
        s = server.connect()
        s.sendall(head(server, headers=["Transfer-Encoding: chunked"], Content_Length=None, **own))
        sent = 0
        try:
            while sent < 64 << 20:
                s.sendall(b"100000\r\n" + b" " * (1 << 20) + b"\r\n")
                sent += 1 << 20
        except ConnectionError:
            pass
        assert sent < 32 << 20, "it took everything"
        expect(200, ask(server, PING, **own))
        assert server.memory_kib() < 100 << 10, server.memory_kib()


def check_sessions():
    """Sessions end by DELETE, by time, and the longest unused one for a newcomer."""
    with Server("--idle-ms", "1500") as server:
        first, second = initialize(server), initialize(server)
        assert first != second
        s = server.connect()
        s.sendall(head(server, "DELETE", Mcp_Session_Id=first))
        expect(200, Answer(s))
        expect(404, ask(server, PING, Mcp_Session_Id=first), -32001)
        s = server.connect()
        s.sendall(head(server, "DELETE", Mcp_Session_Id=first))
        expect(404, Answer(s))
        # Use keeps it
        for _ in range(6):
            time.sleep(0.5)
            expect(200, ask(server, PING, Mcp_Session_Id=second))
        # A running call and an open stream are use
        answer = ask(server, call("test_sleep", {"ms": 3000}), Mcp_Session_Id=second)
        assert text_of(answer) == "slept"
        s = server.connect()
        s.sendall(head(server, "GET", Mcp_Session_Id=second))
        answer = Answer(s)
        assert answer.status == 200
        time.sleep(3)
        expect(200, ask(server, PING, Mcp_Session_Id=second))
        s.close()
        answer.file.close()
        time.sleep(3.5)
        expect(404, ask(server, PING, Mcp_Session_Id=second), -32001)
    with Server() as server:
        sessions = [initialize(server) for _ in range(8)]
        expect(200, ask(server, PING, Mcp_Session_Id=sessions[0]))
        newest = initialize(server)
        expect(200, ask(server, PING, Mcp_Session_Id=sessions[0]))
        expect(404, ask(server, PING, Mcp_Session_Id=sessions[1]))
        # All in use: no place
        streams = []
        for session in [newest, sessions[0], *sessions[2:]]:
            s = server.connect()
            s.sendall(head(server, "GET", Mcp_Session_Id=session))
            streams.append(Answer(s))
            assert streams[-1].status == 200
        answer = ask(server, {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "c", "version": "1"}}})
        expect(503, answer)
        assert "retry-after" in answer.headers


def check_streams():
    """One listener a session; what is asked of the client is on the call's own stream."""
    with Server() as server:
        session = initialize(server, capabilities={"sampling": {}})
        own = {"Mcp_Session_Id": session}
        s = server.connect()
        s.sendall(head(server, "GET", **own))
        listener = Answer(s)
        assert listener.status == 200 and listener.headers["x-accel-buffering"] == "no"
        assert listener.headers["content-type"] == "text/event-stream"
        other = server.connect()
        other.sendall(head(server, "GET", **own))
        expect(409, Answer(other))
        expect(200, ask(server, call("test_trigger_tool_change"), **own))
        _, data, _ = next(listener.events())
        assert json.loads(data)["method"] == "notifications/tools/list_changed"
        answer = ask(server, call("test_sampling", {"prompt": "hello"}), **own)
        events = answer.events()
        name, data, fields = next(events)
        assert name and data == "" and fields["retry"] == "1000"
        name, data, _ = next(events)
        asked = json.loads(data)
        assert asked["method"] == "sampling/createMessage" and name
        expect(202, ask(server, {"jsonrpc": "2.0", "id": asked["id"], "result": {
            "role": "assistant", "model": "m", "content": {"type": "text", "text": "hi"}}}, **own))
        _, data, _ = next(events)
        assert json.loads(data)["result"]["content"][0]["text"] == "LLM response: hi"
        assert list(events) == [], "more after the response"
        s.close()
        listener.file.close()
        until(lambda: listen_again(server, own))
        # Older clients read no events without data.
        old = initialize(server, "2025-06-18")
        answer = ask(server, call("test_tool_with_progress", progressToken=0), Mcp_Session_Id=old)
        events = [json.loads(data) for name, data, _ in answer.events() if not name]
        assert [e["params"]["progress"] for e in events[:3]] == [0, 50, 100], events
        assert events[3]["id"] == 1


def listen_again(server, own):
    s = server.connect()
    s.sendall(head(server, "GET", **own))
    return Answer(s).status == 200


def check_clients():
    """Two at once do not see each other."""
    with Server() as server:
        one, two = initialize(server), initialize(server)
        slow = server.connect()
        slow.sendall(head(server, Mcp_Session_Id=one,
                          body=json.dumps(call("test_sleep", {"ms": 1000}, 7)).encode()))
        until(lambda: counts(server)[0] == 1)
        # The same id in another session is another request, and cancels nothing here.
        expect(202, ask(server, {"jsonrpc": "2.0", "method": "notifications/cancelled",
                                 "params": {"requestId": 7}}, Mcp_Session_Id=two))
        expect(200, ask(server, call("test_simple_text", number=7), Mcp_Session_Id=two))
        answer = Answer(slow)
        reply = answer.json()
        assert reply["id"] == 7 and reply["result"]["content"][0]["text"] == "slept"
        # Modern ones with equal ids as well
        sockets = []
        for ms in [600, 300]:
            s = server.connect()
            s.sendall(head(server, body=json.dumps(modern("test_sleep", {"ms": ms})).encode(),
                           **modern_headers("test_sleep")))
            sockets.append(s)
        until(lambda: counts(server)[0] == 2)
        assert [text_of(Answer(s)) for s in sockets] == ["slept", "slept"]
        assert counts(server) == (0, 0)


def check_cancel():
    """Hanging up cancels a modern request, and not a legacy one."""
    with Server() as server:
        s = server.connect()
        s.sendall(head(server, body=json.dumps(modern("test_sleep", {"ms": 60000})).encode(),
                       **modern_headers("test_sleep")))
        until(lambda: counts(server) == (1, 0))
        begun = time.monotonic()
        s.close()
        until(lambda: counts(server) == (0, 1), 2)
        assert time.monotonic() - begun < 2
        # Also once it streams
        s = server.connect()
        s.sendall(head(server, body=json.dumps(modern("test_sleep", {"ms": 60000})).encode(),
                       **modern_headers("test_sleep")))
        assert Answer(s).headers["content-type"] == "text/event-stream"
        s.shutdown(socket.SHUT_RDWR)
        s.close()
        until(lambda: counts(server) == (0, 2), 2)
        session = initialize(server)
        s = server.connect()
        s.sendall(head(server, Mcp_Session_Id=session,
                       body=json.dumps(call("test_sleep", {"ms": 1500}, 5)).encode()))
        until(lambda: counts(server) == (1, 2))
        s.close()
        time.sleep(0.5)
        assert counts(server) == (1, 2), counts(server)
        until(lambda: counts(server) == (0, 2))
        # Asked for, it is cancelled: nothing more comes, and the response ends.
        s = server.connect()
        s.sendall(head(server, Mcp_Session_Id=session,
                       body=json.dumps(call("test_sleep", {"ms": 60000}, 6)).encode()))
        until(lambda: counts(server) == (1, 2))
        expect(202, ask(server, {"jsonrpc": "2.0", "method": "notifications/cancelled",
                                 "params": {"requestId": 6}}, Mcp_Session_Id=session))
        assert counts(server) == (0, 3)
        assert not [d for _, d, _ in Answer(s).events() if d]
        # The end of the session cancels too.
        s = server.connect()
        s.sendall(head(server, Mcp_Session_Id=session,
                       body=json.dumps(call("test_sleep", {"ms": 60000}, 8)).encode()))
        until(lambda: counts(server) == (1, 3))
        d = server.connect()
        d.sendall(head(server, "DELETE", Mcp_Session_Id=session))
        expect(200, Answer(d))
        assert counts(server) == (0, 4)
        assert s.recv(1) == b""


def check_resume():
    """A legacy client whose stream broke gets the rest, and nothing twice."""
    with Server() as server:
        session = initialize(server)
        own = {"Mcp_Session_Id": session}
        s = server.connect()
        s.sendall(head(server, body=json.dumps(call("test_tool_with_progress", number=3,
                                                    progressToken="t")).encode(), **own))
        answer = Answer(s)
        seen = [next(answer.events())[0]]
        s.shutdown(socket.SHUT_RDWR)
        s.close()
        answer.file.close()
        time.sleep(0.5)

        def resume(last):
            g = server.connect()
            g.sendall(head(server, "GET", Last_Event_ID=last, **own))
            return Answer(g)
        events = list(resume(seen[0]).events())
        datas = [json.loads(d) for _, d, _ in events if d]
        assert datas[-1]["id"] == 3, datas
        assert [d["params"]["progress"] for d in datas[:-1]] == [0, 50, 100]
        # Again, from the middle
        events = list(resume(events[1][0]).events())
        assert len(events) == 2 and json.loads(events[-1][1])["id"] == 3
        # Nobody else's
        other = initialize(server)
        g = server.connect(2)
        g.sendall(head(server, "GET", Last_Event_ID=seen[0], Mcp_Session_Id=other))
        answer = Answer(g)
        try:
            assert not list(answer.events())
            assert False, "the stream ended"
        except TimeoutError:
            pass  # a listening stream, with nothing of the other session
        # While it still runs: the new connection takes over
        s = server.connect()
        s.sendall(head(server, body=json.dumps(call("test_reconnection", number=4)).encode(),
                       **own))
        events = list(Answer(s).events())
        assert len(events) == 1 and events[0][1] == "", events
        events = list(resume(events[0][0]).events())
        assert json.loads(events[-1][1])["id"] == 4


def check_slow_reader():
    """Who does not read loses its stream, and nobody else notices."""
    with Server() as server:
        before = server.memory_kib()
        session = initialize(server)
        own = {"Mcp_Session_Id": session}
        readers = []
        for number in range(4):
            s = server.connect(receive_buffer=4096)
            s.sendall(head(server, body=json.dumps(
                call("test_flood", {"kib": 40000}, number)).encode(), **own))
            readers.append(s)
            begun = time.monotonic()
            expect(200, ask(server, PING, **own))
            assert time.monotonic() - begun < 10
        until(lambda: counts(server)[0] == 0)
        grown = server.memory_kib() - before
        assert grown < 150 << 10, f"{grown} KiB more"
        # One that reads gets all of less.
        answer = ask(server, call("test_flood", {"kib": 4000}), **own)
        assert len([d for _, d, _ in answer.events() if d]) == 4001
        answer = ask(server, call("test_big", {"kib": 3000}), **own)
        assert len(text_of(answer)) == 3000 * 1024


def check_times():
    """Connections that say nothing are closed; quiet streams say that they live."""
    with Server() as server:
        session = initialize(server)
        own = {"Mcp_Session_Id": session}
        listener = server.connect(30)
        listener.sendall(head(server, "GET", **own))
        begun = time.monotonic()
        silent = [server.connect() for _ in range(63)]
        trickle = silent[0]
        late = server.connect(30)
        late.sendall(head(server, body=json.dumps(PING).encode(), **own))
        closed = None
        for second in range(14):
            try:
                trickle.sendall(b"P"[0:1])
            except ConnectionError:
                closed = closed or second
            time.sleep(1)
        assert closed and 8 < closed < 13, closed
        assert Answer(late).status == 200, "the one beyond the limit was never served"
        answer = Answer(listener)
        _, data, _ = next(answer.events())
        assert data is None and 14 < time.monotonic() - begun < 20
        # A long answer becomes a stream after 5 s.
        answer = ask(server, call("test_sleep", {"ms": 6000}), **own)
        assert answer.headers["content-type"] == "text/event-stream"
        assert json.loads([d for _, d, _ in answer.events() if d][-1])["id"] == 1


def check_many():
    """A session has a bounded number of requests in flight."""
    with Server() as server:
        session = initialize(server)
        own = {"Mcp_Session_Id": session}
        waiting = []
        for number in range(40):
            s = server.connect()
            s.sendall(head(server, body=json.dumps(
                call("test_sleep", {"ms": 4000}, number)).encode(), **own))
            waiting.append(s)
        until(lambda: counts(server) == (32, 0))
        # What makes room is taken all the same.
        expect(202, ask(server, {"jsonrpc": "2.0", "method": "notifications/cancelled",
                                 "params": {"requestId": 3}}, **own))
        assert counts(server) == (31, 1)
        statuses = sorted(Answer(s).status for s in waiting)
        assert statuses == [200] * 32 + [503] * 8, statuses
        expect(200, ask(server, PING, **own))


def check_address():
    """Only loopback without a token."""
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.org", "localhost:x", "", ":80",
                    "127.0.0.1:65536", "[::1", "::1"]:
        p = subprocess.run([PROGRAM, "--address", address], input="", capture_output=True,
                           text=True, timeout=10, check=False)
        assert p.returncode == 1 and not p.stdout and p.stderr, address
    p = subprocess.run([PROGRAM, "--token", "short"], input="", capture_output=True, text=True,
                       timeout=10, check=False)
    assert p.returncode == 1 and "token" in p.stderr
    with Server("--address", "0.0.0.0:0", "--token", "x" * 16) as server:
        server.address = ("127.0.0.1", server.address[1])
        expect(401, ask(server, PING))
        initialize(server, Authorization="Bearer " + "x" * 16, Host="any.example")
    with Server("--address", "localhost:0") as server:
        initialize(server)


def execute(server, session, command, number=1):
    """stdout of a command; session None: a modern request."""
    arguments = {"command": command}
    if session:
        answer = ask(server, call("sandbox_exec", arguments, number), Mcp_Session_Id=session)
    else:
        answer = ask(server, modern("sandbox_exec", arguments, number),
                     **modern_headers("sandbox_exec"))
    assert answer.status == 200, answer.status
    if answer.headers["content-type"] == "text/event-stream":
        reply = json.loads([d for _, d, _ in answer.events() if d][-1])
    else:
        reply = answer.json()
    assert "structuredContent" in reply["result"], reply
    return reply["result"]["structuredContent"]["stdout"]


def check_vm_each():
    """Each legacy client has a VM of its own, modern requests share one; they end with their client."""
    with Product() as server:
        one, two = initialize(server), initialize(server)
        who = "cat /proc/sys/kernel/random/boot_id"
        ids = [execute(server, client, who) for client in [one, two, None]]
        assert len(set(ids)) == 3, ids
        execute(server, one, "echo first > /tmp/mine")
        execute(server, None, "echo modern > /tmp/mine")
        assert execute(server, one, "cat /tmp/mine") == "first\n"
        assert execute(server, two, "cat /tmp/mine") == ""
        assert execute(server, None, "cat /tmp/mine") == "modern\n"
        assert len(vms()) == 3, vms()
        s = server.connect()
        s.sendall(head(server, "DELETE", Mcp_Session_Id=one))
        expect(200, Answer(s))
        until(lambda: len(vms()) == 2, 30)
        assert execute(server, two, who) == ids[1]


def begin(server, session, command, number):
    """Start a command, and return the connection that waits for it."""
    s = server.connect()
    message = (call if session else modern)("sandbox_exec", {"command": command}, number)
    headers = {"Mcp_Session_Id": session} if session else modern_headers("sandbox_exec")
    s.sendall(head(server, body=json.dumps(message).encode(), **headers))
    until(lambda: runs(server, session, command), 60)
    return s


def runs(server, session, command):
    # The listing holds its own pattern only with the bracket.
    return execute(server, session, f"ps | grep '[{command[0]}]{command[1:]}' || true") != ""


def check_vm_cancel():
    """Hanging up kills a modern request's command in the VM, and no legacy one."""
    with Product() as server:
        s = begin(server, None, "sleep 4242", 7)
        s.close()
        until(lambda: not runs(server, None, "sleep 4242"), 20)
        session = initialize(server)
        s = begin(server, session, "sleep 4243", 8)
        s.close()
        time.sleep(2)
        assert runs(server, session, "sleep 4243"), "a lost connection has cancelled it"
        expect(202, ask(server, {"jsonrpc": "2.0", "method": "notifications/cancelled",
                                 "params": {"requestId": 8}}, Mcp_Session_Id=session))
        until(lambda: not runs(server, session, "sleep 4243"), 20)


def check_vm_token():
    """The token of a file or of the environment, which no guest and no child gets to see."""
    token = "abcdefgh-0123456789"
    given = {"Authorization": f"Bearer {token}"}
    with open("token", "w", encoding="ascii") as f:
        f.write(token + "\n")
    os.chmod("token", 0o600)
    for args, env in [(["--token-file", "token"], {"IRONCLAW_MCP_TOKEN": "x"}),
                      ([], {"IRONCLAW_MCP_TOKEN": token})]:
        with Product(*args, env=env) as server:
            expect(401, ask(server, PING))
            session = initialize(server, **given)
            expect(200, ask(server, PING, Mcp_Session_Id=session, **given))
            answer = ask(server, call("sandbox_exec", {"command": "env"}), Mcp_Session_Id=session,
                         **given)
            assert answer.status == 200 and token not in answer.body().decode()
            assert token not in server.said
    def fails(*args, **env):
        p = subprocess.run([PROGRAM, "mcp", "--http", "127.0.0.1:0", *args], timeout=30, text=True,
                           capture_output=True, check=False, env={**os.environ, **env})
        assert p.returncode == 2 and not p.stdout and token not in p.stderr, p
        return p.stderr
    os.chmod("token", 0o640)
    assert "others may read" in fails("--token-file", "token")
    assert "none-here" in fails("--token-file", "none-here")
    assert "token" in fails(IRONCLAW_MCP_TOKEN="too short")
    assert "token" in fails(IRONCLAW_MCP_TOKEN="")


if __name__ == "__main__":
    PROGRAM = sys.argv[1]
    globals()["check_" + sys.argv[2]]()
