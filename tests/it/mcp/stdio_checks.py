#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""stdio_checks.py CHECK: hold `ironclaw mcp` on stdio against what MCP asks of a server, and what its
tools promise. Prints why it failed; exit status 1.

IRONCLAW is the program, IRONCLAW_HOME its state folder; VMs are of the image `busybox`. Each check
starts servers of its own. Every line that any of them writes is held against JSON-RPC.
"""
import json
import os
import re
import select
import signal
import subprocess
import sys
import time

PROGRAM = os.environ["IRONCLAW"]
MODERN = "2026-07-28"
LEGACY = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]
META = "io.modelcontextprotocol/"
DEADLINE_S = 90


class Server:
    """A server and its client's end."""

    def __init__(self, *args, image="busybox", env=None, stderr=None, pass_fds=()):
        where = ["--image", image] if image else []
        self.process = subprocess.Popen(
            [PROGRAM, "mcp", "-q", *where, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=stderr, env={**os.environ, **(env or {})}, pass_fds=pass_fds)
        self.pid = self.process.pid
        self.pending = b""
        self.others = []
        self.next_id = 100

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            self.process.kill()
            self.process.wait()
            return
        self.end()

    def end(self):
        """Closes its input; it has to end well, and to say nothing more that is no message."""
        if not self.process.stdin.closed:
            self.process.stdin.close()
        rest = self.pending + self.process.stdout.read()
        self.pending = b""
        code = self.process.wait(DEADLINE_S)
        assert code == 0, f"it ended with {code}"
        return [checked(line) for line in rest.split(b"\n") if line]

    def raw(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, message):
        self.raw(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def line(self, timeout=DEADLINE_S):
        """The next line without its end; None: there is none in time."""
        until = time.monotonic() + timeout
        while b"\n" not in self.pending:
            left = until - time.monotonic()
            if left < 0 or not select.select([self.process.stdout], [], [], left)[0]:
                return None
            data = os.read(self.process.stdout.fileno(), 65536)
            assert data, "it closed its output"
            self.pending += data
        line, self.pending = self.pending.split(b"\n", 1)
        return line

    def get(self, timeout=DEADLINE_S):
        line = self.line(timeout)
        assert line is not None, "no message came"
        return checked(line)

    def silent(self, seconds=0.3):
        """Nothing is said, also not before the answer to a later request."""
        line = self.line(seconds)
        assert line is None, f"unexpected: {line!r}"
        answer = self.ask("ping")
        assert answer["result"] == {}, answer

    def request(self, method, params=None, id=None):
        if id is None:
            self.next_id += 1
            id = self.next_id
        self.send({"id": id, "method": method, **({} if params is None else {"params": params})})
        return id

    def ask(self, method, params=None, id=None):
        """The answer to a request, when nothing else is said meanwhile."""
        id = self.request(method, params, id)
        answer = self.get()
        assert answer["id"] == id and type(answer["id"]) is type(id), answer
        return answer

    def open(self, version="2025-11-25"):
        result = self.ask("initialize", {"protocolVersion": version, "capabilities": {},
                                         "clientInfo": {"name": "t", "version": "1"}})["result"]
        self.send({"method": "notifications/initialized"})
        return result

    def begin(self, tool, arguments, token=None, id=None):
        meta = {} if token is None else {"_meta": {"progressToken": token}}
        return self.request("tools/call", {"name": tool, "arguments": arguments, **meta}, id)

    def call(self, tool, **arguments):
        """The result of a tool."""
        return self.answer(self.begin(tool, arguments))

    def answer(self, id):
        """The result of that request; what else comes is put aside in `others`."""
        while True:
            for i, m in enumerate(self.others):
                if m.get("id") == id and "method" not in m:
                    return self.others.pop(i)["result"]
            self.others.append(self.get())

    def good(self, tool, **arguments):
        result = self.call(tool, **arguments)
        assert result["isError"] is False, result
        assert json.loads(result["content"][0]["text"]) == result["structuredContent"], result
        return result["structuredContent"]

    def bad(self, tool, **arguments):
        """The text of a failure."""
        result = self.call(tool, **arguments)
        assert result["isError"] is True and result["content"][0]["type"] == "text", result
        return result["content"][0]["text"]

    def descendants(self, pid=None):
        found = []
        for child in subprocess.run(["pgrep", "-P", str(pid or self.pid)], stdout=subprocess.PIPE,
                                    check=False).stdout.split():
            found += [int(child), *self.descendants(int(child))]
        return found

    def vmm(self):
        for pid in self.descendants():
            with open(f"/proc/{pid}/comm", encoding="ascii") as f:
                if f.read().startswith("qemu"):
                    return pid
        raise AssertionError("no VMM")


def checked(line):
    """A line of a server's output as a message."""
    message = json.loads(line.decode("utf-8"))
    items = message if isinstance(message, list) else [message]
    for m in items:
        assert m["jsonrpc"] == "2.0", line
        kinds = ("method" in m) + ("result" in m) + ("error" in m)
        assert kinds == 1, line
        if "result" in m:
            assert isinstance(m["result"], dict) and "id" in m, line
        if "error" in m:
            assert isinstance(m["error"]["code"], int) and isinstance(m["error"]["message"], str), line
            assert m.get("id", 0) is not None, line
    return message


def gone(pids):
    """Waits until none of these processes is there."""
    for _ in range(100):
        left = [p for p in pids if os.path.exists(f"/proc/{p}")]
        if not left:
            return
        time.sleep(0.1)
    raise AssertionError(f"still there: {left}")


def text_of(result):
    return "".join(block.get("text", "") for block in result["content"])


# --- what MCP asks of a server: the twenty mistakes, as far as they are one's ---


def dirty_stdout():
    """1. Nothing but messages on stdout, whatever goes on; nobody but the server can write there."""
    with Server("--memory", "256M", "--cpus", "1") as s:
        s.open()
        s.raw(b'{"broken\n\xff\xfe\n[]\n{}\n"x"\n' + b"\x00" * 100 + b"\n")
        assert [s.get()["error"]["code"] for _ in range(6)] == [-32700, -32700, -32600, -32600,
                                                                -32700, -32700]
        s.call("sandbox_exec", command="echo out; echo err >&2; exit 1")
        s.call("sandbox_run", command="cat /nothing")
        mine = os.readlink(f"/proc/self/fd/{s.process.stdout.fileno()}")
        holders = []
        for pid in [s.pid, *s.descendants()]:
            for fd in os.listdir(f"/proc/{pid}/fd"):
                if os.readlink(f"/proc/{pid}/fd/{fd}") == mine:
                    holders.append((pid, fd))
        assert len(holders) == 1 and holders[0][0] == s.pid and holders[0][1] != "1", holders
    for args in (["--accel", "kvm", "--engine", "firecracker"], ["--memory", "128M"]):
        with Server(*args, image="no-such-image", stderr=subprocess.DEVNULL) as s:
            s.open()
            assert "could not be started" in s.bad("sandbox_exec", command="true")
    # Without -q, and with all standard descriptors but two missing.
    p = subprocess.run(["sh", "-c", f"exec {PROGRAM} mcp --image busybox 2>&-"], input=b'{}\n',
                       stdout=subprocess.PIPE, check=True)
    assert checked(p.stdout)["error"]["code"] == -32600


def versions():
    """2. An unknown version is answered with one of ours, never with an error."""
    with Server() as s:
        for version in LEGACY:
            assert s.open(version)["protocolVersion"] == version
        assert s.open("1999-01-01")["protocolVersion"] == LEGACY[-1]
        assert s.open(MODERN)["protocolVersion"] == LEGACY[-1]


def ids():
    """3. Ids come back with type and value."""
    with Server() as s:
        for id in (0, -1, "0", "", 9007199254740991, "\u2028\x00\""):
            s.ask("ping", id=id)
        # Two that only differ in type are two.
        s.begin("sandbox_exec", {"command": "echo number"}, id=7)
        s.begin("sandbox_exec", {"command": "echo text"}, id="7")
        answers = [s.get(), s.get()]
        for a in answers:
            expected = "text\n" if isinstance(a["id"], str) else "number\n"
            assert a["result"]["structuredContent"]["stdout"] == expected, answers


def notifications():
    """4. Notifications are never answered."""
    with Server() as s:
        s.open()
        for method, params in (("notifications/initialized", None), ("notifications/foo", {"a": 1}),
                               ("notifications/cancelled", [1]), ("notifications/cancelled", None),
                               ("notifications/cancelled", {"requestId": [1]}), ("tools/list", None)):
            s.send({"method": method, **({} if params is None else {"params": params})})
        s.silent()


def framing():
    """5. One line a message, whatever is in it."""
    with Server() as s:
        s.open()
        odd = "a\nb\rc\0d\u2028e\u0085f\U0001f600"
        s.raw(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": "sandbox_write", "arguments": {"path": "f", "content": odd + "\ud800"}}}).encode()
            + b"\n")
        assert s.get()["result"]["isError"] is False
        line_id = s.begin("sandbox_read", {"path": "f"})
        line = s.line()
        assert line.isascii() and b"\r" not in line and b"Content-Length" not in line
        answer = checked(line)
        assert answer["id"] == line_id
        assert answer["result"]["structuredContent"]["content"] == odd + "\ufffd", answer
        out = s.good("sandbox_exec", command="printf 'x\\0\\377\\342\\200\\250y\\n'")
        assert out["stdout"] == "x\0\ufffd\u2028y\n", out


def reads():
    """6. How bytes arrive does not matter."""
    with Server() as s:
        for byte in b'{"jsonrpc":"2.0","id":1,"method":"ping"}\r\n':
            s.raw(bytes([byte]))
        assert s.get() == {"jsonrpc": "2.0", "id": 1, "result": {}}
        s.raw(b"".join(b'\n{"jsonrpc":"2.0","id":%d,"method":"ping"}\r\n\r\n' % i for i in range(100)))
        assert [s.get()["id"] for _ in range(100)] == list(range(100))
        s.silent()


def absent():
    """7. What may be absent may be absent, and what is unknown is ignored."""
    with Server() as s:
        s.send({"id": 1, "method": "tools/list", "more": {"x": 1}})
        assert len(s.get()["result"]["tools"]) == 5
        s.send({"id": 2, "method": "tools/call", "x": 1, "params": {"name": "sandbox_list", "y": []}})
        assert s.get()["result"]["isError"] is False
        s.send({"id": 3, "method": "tools/list", "params": None})
        assert "tools" in s.get()["result"]


def unknown():
    """8. Unknown methods and bad lines are answered at once, also while a call goes on."""
    with Server() as s:
        s.open()
        call = s.begin("sandbox_exec", {"command": "sleep 2; echo done"})
        for method in ("nope", "prompts/list", "completion/complete", "logging/setLevel",
                       "resources/subscribe"):
            assert s.ask(method, {"level": "info", "uri": "x:1"})["error"]["code"] == -32601
        s.raw(b"{nonsense\n")
        error = s.get()
        assert error["error"]["code"] == -32700 and "id" not in error, error
        assert s.get()["id"] == call


def end_of_input():
    """9. The end of input ends it with all that it started, also in a call; so does a closed output."""
    for tool in ("sandbox_exec", "sandbox_run", None):
        s = Server()
        s.open()
        s.call("sandbox_exec", command="true")
        if tool:
            s.begin(tool, {"command": "echo started; sleep 100"})
            time.sleep(1)
        pids = s.descendants()
        assert pids, "there is no VM"
        start = time.monotonic()
        assert s.end() == []
        took = time.monotonic() - start
        gone(pids)
        print(f"{tool}: ended in {took:.2f} s", file=sys.stderr)
        assert took < 10, took
    # While the VM starts.
    s = Server()
    assert s.end() == []
    # Output closed: it ends by itself, and has not spun until then.
    s = Server()
    s.open()
    s.call("sandbox_exec", command="true")
    pids = s.descendants()
    s.process.stdout.close()
    _, status, usage = os.wait4(s.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert usage.ru_utime + usage.ru_stime < 5, usage
    gone(pids)
    # Signals, too.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        with Server() as s:
            s.open()
            s.process.send_signal(number)
            assert s.process.wait(DEADLINE_S) == 0


def layers():
    """11. What a model can mend is a result; what a client got wrong is an error."""
    with Server() as s:
        s.open()
        assert "exit code 3" in s.bad("sandbox_exec", command="exit 3")
        assert "no such" in s.bad("sandbox_read", path="nothing")
        assert s.bad("sandbox_exec", command=7) == "command must be of type string, not integer."
        assert "must have \"command\"" in s.bad("sandbox_exec")
        assert "no such argument" in s.bad("sandbox_exec", command="true", shell="bash")
        assert "at least 1" in s.bad("sandbox_exec", command="true", timeout_s=0)
        assert "one of: utf-8, base64" in s.bad("sandbox_read", path="x", encoding="latin1")
        assert "NUL" in s.bad("sandbox_exec", command="a\0b")
        assert "base64" in s.bad("sandbox_write", path="x", content="***", encoding="base64")
        assert s.ask("tools/call", {"name": "nope"})["error"]["code"] == -32602
        assert s.ask("tools/call", {})["error"]["code"] == -32602
        # Without a workspace there is nothing to change, and no tool that says it could.
        assert s.ask("tools/call", {"name": "sandbox_apply"})["error"]["code"] == -32602


TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}


def conforms(schema, value, where="$"):
    expected = TYPES[schema["type"]]
    assert isinstance(value, expected) and (expected is bool or not isinstance(value, bool)), where
    assert "enum" not in schema or value in schema["enum"], where
    if expected is dict:
        assert set(schema.get("required", [])) <= set(value), where
        for key, member in value.items():
            assert key in schema["properties"], f"{where}.{key}"
            conforms(schema["properties"][key], member, f"{where}.{key}")
    for i, item in enumerate(value if expected is list else []):
        conforms(schema["items"], item, f"{where}[{i}]")


def structured():
    """12. Structured output is what the schema says, and the text says the same."""
    with Server() as s:
        s.open()
        schemas = {t["name"]: t["outputSchema"] for t in s.ask("tools/list")["result"]["tools"]}
        for tool, arguments in (
                ("sandbox_run", {"command": "echo a"}), ("sandbox_exec", {"command": "echo a"}),
                ("sandbox_exec", {"command": "seq 1 100000; seq 1 100000 >&2"}),
                ("sandbox_write", {"path": "d/f", "content": "\u00e4" * 20000}),
                ("sandbox_read", {"path": "d/f", "limit": 3}), ("sandbox_read", {"path": "d/f"}),
                ("sandbox_read", {"path": "d/f", "encoding": "base64"}),
                ("sandbox_list", {}), ("sandbox_list", {"path": "/dev", "limit": 3})):
            conforms(schemas[tool], s.good(tool, **arguments), tool)
        # A failure has it as well; then a client shows the text alone.
        result = s.call("sandbox_exec", command="kill -9 $$")
        assert result["isError"] is True
        conforms(schemas["sandbox_exec"], result["structuredContent"])
        assert json.loads(result["content"][0]["text"])["exit_code"] == 137, result


def lint_schema(schema, where):
    assert isinstance(schema.get("type"), str), where
    assert not {"oneOf", "anyOf", "allOf", "not", "$ref", "if", "const"} & set(schema), where
    if schema["type"] == "array":
        lint_schema(schema["items"], where + "[]")
    if schema["type"] == "object":
        assert schema["additionalProperties"] is False, where
        assert set(schema.get("required", [])) <= set(schema["properties"]), where
        for name, inner in schema["properties"].items():
            assert re.fullmatch(r"[a-zA-Z0-9_.-]{1,64}", name), where
            lint_schema(inner, f"{where}.{name}")


def schemas():
    """13. Tools that no client drops."""
    with Server("--workspace", ".") as s:
        result = s.open()
        assert len(result["serverInfo"]["name"]) <= 15 and len(result["instructions"]) <= 2048
        tools = s.ask("tools/list")["result"]["tools"]
        assert [t["name"] for t in tools] == [
            "sandbox_run", "sandbox_exec", "sandbox_read", "sandbox_write", "sandbox_list",
            "sandbox_changes", "sandbox_apply"]
        for t in tools:
            assert re.fullmatch(r"[A-Za-z0-9_-]{1,40}", t["name"]) and t["title"]
            assert 20 < len(t["description"]) <= 1000, t["name"]
            for key in ("inputSchema", "outputSchema"):
                assert t[key]["type"] == "object"
                lint_schema(t[key], f"{t['name']}.{key}")
            assert t["annotations"]["openWorldHint"] is False
            assert t["annotations"]["readOnlyHint"] == (
                t["name"] in ("sandbox_read", "sandbox_list", "sandbox_changes"))
        assert tools[-1]["annotations"]["destructiveHint"] is True


def cancel():
    """14. A cancelled call is silent and dead; others go on."""
    with Server() as s:
        s.open()
        assert s.good("sandbox_exec", command="true")["exit_code"] == 0
        other = s.begin("sandbox_exec", {"command": "sleep 4; echo other"})
        call = s.begin("sandbox_exec", {"command": "sleep 1234 & sleep 1234; echo never"}, token="t")
        # Both of them, and the shell whose command says so.
        count = "ps | grep -c '[s]leep 1234' || true"
        for _ in range(50):
            if s.good("sandbox_exec", command=count)["stdout"] == "3\n":
                break
        else:
            raise AssertionError("it does not run")
        s.send({"method": "notifications/cancelled", "params": {"requestId": call, "reason": "r"}})
        s.send({"method": "notifications/cancelled", "params": {"requestId": 4711}})
        s.send({"method": "notifications/cancelled", "params": {"requestId": str(other)}})
        for _ in range(50):
            if s.good("sandbox_exec", command=count)["stdout"] == "0\n":
                break
        else:
            raise AssertionError("it lives on")
        assert s.answer(other)["structuredContent"]["stdout"] == "other\n"
        assert s.others == [], s.others
        # One that waits for its VM, and a fresh one.
        fresh = s.begin("sandbox_run", {"command": "sleep 100"})
        s.send({"method": "notifications/cancelled", "params": {"requestId": fresh}})
        s.silent(1)
    with Server() as s:
        first = s.begin("sandbox_exec", {"command": "echo never"})
        s.send({"method": "notifications/cancelled", "params": {"requestId": first}})
        assert s.good("sandbox_exec", command="echo hi")["stdout"] == "hi\n"


def progress():
    """15. Progress for those who asked, with their token, rising, and none after the answer."""
    with Server() as s:
        s.open()
        s.good("sandbox_exec", command="true")
        calls = {s.begin("sandbox_exec", {"command": "sleep 11"}, token=0): 0,
                 s.begin("sandbox_exec", {"command": "sleep 11"}, token="x"): "x",
                 s.begin("sandbox_exec", {"command": "sleep 11"}): None}
        seen = {0: [], "x": []}
        while calls:
            m = s.get()
            if "method" in m:
                p = m["params"]
                assert m["method"] == "notifications/progress" and "running" in p["message"], m
                assert p["progressToken"] in calls.values(), "after the answer"
                seen[p["progressToken"]].append(p["progress"])
            else:
                del calls[m["id"]]
        for values in seen.values():
            assert len(values) >= 2 and values == sorted(set(values)), seen


def eras():
    """16. Both eras in one process."""
    meta = {META + "protocolVersion": MODERN, META + "clientCapabilities": {}}
    with Server() as s:
        for _ in range(2):
            found = s.ask("server/discover", {"_meta": meta})["result"]
            assert found["supportedVersions"] == [MODERN] and found["resultType"] == "complete"
            call = s.ask("tools/call", {"name": "sandbox_exec", "arguments": {"command": "echo hi"},
                                        "_meta": meta})["result"]
            assert call["resultType"] == "complete"
            assert call["structuredContent"]["stdout"] == "hi\n"
            tools = s.ask("tools/list", {"_meta": meta})["result"]
            assert tools["ttlMs"] > 0 and tools["cacheScope"] == "private"
            bad = {**meta, META + "protocolVersion": "2099-01-01"}
            error = s.ask("tools/list", {"_meta": bad})["error"]
            assert error["code"] == -32022 and error["data"]["supported"] == [MODERN]
            assert s.ask("ping", {"_meta": meta})["error"]["code"] == -32601
            for version in LEGACY:
                assert s.open(version)["protocolVersion"] == version
                assert "resultType" not in s.ask("tools/list")["result"]
                result = s.call("sandbox_exec", command="echo hi")
                assert ("structuredContent" in result) == (version >= "2025-06-18")
                assert "hi" in text_of(result)
        # The batches of one revision.
        s.open("2025-03-26")
        s.raw(b'[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"x"},'
              b'{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"sandbox_exec",'
              b'"arguments":{"command":"echo batch"}}}]\n')
        answers = s.get()
        assert [a["id"] for a in answers] == [1, 2], answers
        assert "batch" in text_of(answers[1]["result"])


# --- what the tools promise ---


def one_vm():
    """The VM of the connection keeps its files; sandbox_run sees and leaves nothing."""
    with Server() as s:
        s.open()
        s.good("sandbox_write", path="a/b/c", content="x")
        assert s.good("sandbox_exec", command="cat a/b/c; pwd")["stdout"].startswith("x")
        assert "exit code" in s.bad("sandbox_run", command="test -e a/b/c")
        assert s.good("sandbox_run", command="touch /tmp/x; cat; pwd", stdin="in\0put",
                      cwd="/tmp")["stdout"] == "in\0put/tmp\n"
        assert "exit code" in s.bad("sandbox_exec", command="test -e /tmp/x")
        # More of them than there is room for at once: all come.
        ids = [s.begin("sandbox_run", {"command": f"echo {i}"}) for i in range(6)]
        answers = {}
        for _ in ids:
            a = s.get()
            answers[a["id"]] = a["result"]["structuredContent"]["stdout"]
        assert [answers[id] for id in ids] == [f"{i}\n" for i in range(6)], answers


def timeouts():
    """The shorter of the two limits of time."""
    with Server("--timeout", "3s") as s:
        s.open()
        for arguments in ({"timeout_s": 1}, {"timeout_s": 1000}, {}):
            r = s.call("sandbox_exec", command="echo begun; sleep 100", **arguments)
            c = r["structuredContent"]
            assert r["isError"] and c["exit_code"] == 124 and c["timed_out"] is True, r
            assert c["stdout"] == "begun\n"
            assert arguments.get("timeout_s") != 1 or c["duration_ms"] < 3000, c
        assert s.good("sandbox_exec", command="echo on")["stdout"] == "on\n"


def outputs():
    """What is long is cut in the middle, and kept; what is read comes in pieces."""
    with Server() as s:
        s.open()
        r = s.call("sandbox_exec", command="seq 1 100000; seq 1 50000 >&2")
        c = r["structuredContent"]
        assert len(r["content"][0]["text"]) < 40000 and c["truncated"] is True
        assert c["stdout"].startswith("1\n2\n") and c["stdout"].endswith("\n100000\n")
        assert re.search(r"\[\.\.\. \d+ bytes left out; read them as resource " + c["stdout_uri"],
                         c["stdout"])
        links = [b for b in r["content"] if b["type"] == "resource_link"]
        assert [b["uri"] for b in links] == [c["stdout_uri"], c["stderr_uri"]], links
        whole = "".join(f"{i}\n" for i in range(1, 100001))
        got = s.ask("resources/read", {"uri": c["stdout_uri"]})["result"]["contents"]
        assert got == [{"uri": c["stdout_uri"], "mimeType": "text/plain", "text": whole}]
        listed = s.ask("resources/list")["result"]["resources"]
        assert [x["size"] for x in listed] == [len(whole), 288894], listed
        assert s.ask("resources/templates/list")["result"] == {"resourceTemplates": []}
        assert s.ask("resources/read", {"uri": "ironclaw://output/99"})["error"]["code"] == -32002
        # Longer than what is kept: both ends of it, and how much there was.
        c = s.good("sandbox_exec", command="yes 0123456789 | head -c 9000000")
        assert c["stdout_bytes"] == 9000000 and c["truncated"] is True
        got = s.ask("resources/read", {"uri": c["stdout_uri"]})["result"]["contents"][0]["text"]
        assert 2000000 < len(got) < 2200000
        # Bytes that JSON makes six times as long still fit; a failure's text is shorter.
        for command, most in (("head -c 30000 /dev/zero", 40000),
                              ("head -c 30000 /dev/zero; exit 1", 11000)):
            r = s.call("sandbox_exec", command=command)
            assert len(r["content"][0]["text"]) < most and r["structuredContent"]["truncated"]
        # The oldest outputs make room.
        for _ in range(40):
            s.good("sandbox_exec", command="head -c 20000 /dev/zero")
        listed = s.ask("resources/list")["result"]["resources"]
        assert len(listed) == 32 and listed[0]["uri"] != "ironclaw://output/1"
        # A revision without links gets none.
        s.open("2025-03-26")
        r = s.call("sandbox_exec", command="seq 1 100000")
        assert [b["type"] for b in r["content"]] == ["text"]


def files():
    """Files in pieces, in both encodings, and folders."""
    import base64
    with Server() as s:
        s.open()
        text = "".join(f"{i} \u00e4\u20ac\U0001f600\n" for i in range(5000))
        s.good("sandbox_write", path="t", content=text)
        for limit in (28000, 1001):
            got, offset = "", 0
            while offset is not None and len(got) < 20000:
                piece = s.good("sandbox_read", path="t", offset=offset, limit=limit)
                assert piece["size"] == len(text.encode()) and "lossy" not in piece
                got += piece["content"]
                offset = piece.get("next_offset")
            assert text.startswith(got) and len(got) >= 20000
        binary = bytes(range(256)) * 300
        s.good("sandbox_write", path="b", content=base64.b64encode(binary).decode(), encoding="base64")
        got, offset = b"", 0
        while offset is not None:
            piece = s.good("sandbox_read", path="b", offset=offset, encoding="base64")
            got += base64.b64decode(piece["content"])
            offset = piece.get("next_offset")
        assert got == binary
        assert s.good("sandbox_read", path="b")["lossy"] is True
        assert s.good("sandbox_read", path="b", offset=len(binary))["content"] == ""
        s.good("sandbox_exec", command="mkdir -p d/e; ln -s e d/l; cd d; touch \"$(printf 'o\\nd\\377d')\"; chmod 600 o*")
        entries = s.good("sandbox_list", path="d")["entries"]
        assert [(e["name"], e["type"]) for e in entries] == [
            ("e", "folder"), ("l", "link"), ("o\nd\ufffdd", "file")], entries
        assert entries[2]["mode"] == "600"
        s.good("sandbox_exec", command="mkdir m; cd m; for i in $(seq 2000); do : >file-with-a-long-name-$i; done")
        many = s.good("sandbox_list", path="m")
        assert many["truncated"] is True and 200 < len(many["entries"]) <= 1000


def no_start():
    """A VM that does not start is told by the call, and tried again by the next."""
    images = os.environ["IRONCLAW_HOME"] + "/data/images/"
    os.rename(images + "busybox", images + "away")
    with Server(stderr=subprocess.DEVNULL) as s:
        s.open()
        text = s.bad("sandbox_exec", command="true")
        assert "could not be started" in text and "busybox" in text, text
        assert "could not be started" in s.bad("sandbox_run", command="true")
        os.rename(images + "away", images + "busybox")
        assert s.good("sandbox_exec", command="echo hi")["stdout"] == "hi\n"
        assert s.good("sandbox_run", command="echo hi")["stdout"] == "hi\n"


def lost_vm():
    """A VM that dies takes its calls with it; the next one gets another VM."""
    with Server(stderr=subprocess.DEVNULL) as s:
        s.open()
        s.good("sandbox_write", path="f", content="x")
        call = s.begin("sandbox_exec", {"command": "sleep 100"})
        s.silent(1)
        pids = s.descendants()
        os.kill(s.vmm(), signal.SIGKILL)
        answer = s.get()
        assert answer["id"] == call and answer["result"]["isError"] is True, answer
        assert "not known" in text_of(answer["result"]), answer
        assert "no such" in s.bad("sandbox_read", path="f")
        gone(pids)
        # And one that dies between calls.
        os.kill(s.vmm(), signal.SIGKILL)
        time.sleep(1)
        assert s.good("sandbox_exec", command="echo hi")["stdout"] == "hi\n"


def unread_stderr():
    """Nobody reads its stderr: it goes on."""
    r, w = os.pipe()
    os.set_blocking(w, False)
    try:
        while True:
            os.write(w, b"x" * 4096)
    except BlockingIOError:
        pass
    os.set_blocking(w, True)
    p = subprocess.Popen([PROGRAM, "mcp", "--image", "busybox"], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=w)
    p.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"sandbox_exec",'
                  b'"arguments":{"command":"echo hi"}}}\n')
    p.stdin.flush()
    assert select.select([p.stdout], [], [], DEADLINE_S)[0], "it is stuck"
    assert checked(p.stdout.readline())["result"]["isError"] is False
    p.stdin.close()
    assert p.wait(DEADLINE_S) == 0
    os.close(r)


# --- the workspace ---


def tree(folder="ws"):
    found = {}
    for where, _, names in os.walk(folder):
        for name in names:
            with open(f"{where}/{name}", encoding="utf-8") as f:
                found[os.path.relpath(f"{where}/{name}", folder)] = f.read()
    return found


def make_workspace():
    os.makedirs("ws/src")
    for name, text in (("src/a", "a\n"), ("b", "b\n"), ("secret.key", "k\n")):
        with open("ws/" + name, "w", encoding="utf-8") as f:
            f.write(text)


def policy(rules):
    path = os.environ["IRONCLAW_HOME"] + "/config"
    os.makedirs(path, exist_ok=True)
    with open(path + "/policy.json", "w", encoding="utf-8") as f:
        json.dump({"rules": rules}, f)
    os.chmod(path + "/policy.json", 0o600)


def approvals(*args):
    return subprocess.run([PROGRAM, "approvals", *args], stdout=subprocess.PIPE, check=False)


def waiting():
    """The ids in the queue, once there is one."""
    for _ in range(100):
        ids = [a["id"] for a in json.loads(approvals("ls", "--json").stdout or "[]")]
        if ids:
            return ids
        time.sleep(0.1)
    raise AssertionError("nobody asks")


CHANGE = "echo new >>src/a; echo c >c; rm b; mkdir d; echo e >d/e; echo evil >secret.key"


def workspace_refused():
    """Nobody is asked and no policy allows it: nothing is applied."""
    make_workspace()
    before = tree()
    with Server("--workspace", "ws", "--exclude", "*.key") as s:
        s.open()
        none = s.good("sandbox_changes")
        assert none == {"changes": [], "total": 0, "truncated": False, "left_out": 0}, none
        s.good("sandbox_exec", command="test ! -e secret.key && " + CHANGE)
        c = s.good("sandbox_changes")
        assert {x["path"]: x["kind"] for x in c["changes"]} == {
            "src/a": "edited", "b": "deleted", "c": "created", "d": "created", "d/e": "created"}, c
        assert c["left_out"] == 1
        assert s.bad("sandbox_apply").startswith("Nothing was applied: ")
        assert "no change of 'x'" in s.bad("sandbox_apply", paths=["x"])
        assert s.good("sandbox_run", command="ls")["stdout"] == "b\nsrc\n"
    assert tree() == before


def workspace_policy():
    """A policy decides, and says which."""
    make_workspace()
    policy([{"name": "src", "decision": "allow", "workspace": os.path.realpath("ws"),
             "paths": ["src", "c"], "effects": ["create", "edit"]}])
    with Server("--workspace", "ws", "--exclude", "*.key") as s:
        s.open()
        s.good("sandbox_exec", command=CHANGE)
        s.bad("sandbox_apply")
        assert s.good("sandbox_apply", paths=["src/a", "c"]) == {"applied": 2}
        assert tree() == {"src/a": "a\nnew\n", "b": "b\n", "c": "c\n", "secret.key": "k\n"}
        # What was applied is none any more.
        assert {x["path"] for x in s.good("sandbox_changes")["changes"]} == {"b", "d", "d/e"}
        # What changed on the host meanwhile is not overwritten.
        with open("ws/src/a", "w", encoding="utf-8") as f:
            f.write("mine\n")
        s.good("sandbox_exec", command="echo more >>src/a")
        text = s.bad("sandbox_apply", paths=["src/a"])
        assert "src/a" in text, text
        assert tree()["src/a"] == "mine\n"


def workspace_queue():
    """`ironclaw approvals` decides, while calls go on; with progress."""
    make_workspace()
    with Server("--workspace", "ws", "--queue", "--exclude", "*.key") as s:
        s.open()
        s.good("sandbox_exec", command=CHANGE)
        call = s.begin("sandbox_apply", {}, token="p")
        ids = waiting()
        assert s.good("sandbox_exec", command="echo on")["stdout"] == "on\n"
        assert "waits for its answer" in s.bad("sandbox_changes")
        time.sleep(6)
        assert approvals("reject", ids[0]).returncode == 0
        assert s.answer(call)["isError"] is True
        assert any("approvals" in m["params"]["message"] for m in s.others), s.others
        assert "b" in tree() and "c" not in tree()
        call = s.begin("sandbox_apply", {"paths": ["c", "d/e"]})
        ids = waiting()
        assert approvals("approve", ids[0]).returncode == 0
        answer = s.get()
        assert answer["id"] == call, answer
        assert answer["result"]["structuredContent"] == {"applied": 3}, answer
        assert tree() == {"src/a": "a\n", "b": "b\n", "c": "c\n", "d/e": "e\n", "secret.key": "k\n"}
        # Taken back while it waits: a yes that comes later has no effect.
        call = s.begin("sandbox_apply", {"paths": ["b"]})
        ids = waiting()
        s.send({"method": "notifications/cancelled", "params": {"requestId": call}})
        s.silent()
        approvals("approve", ids[0])
        s.silent(1)
        assert "b" in tree()
        for _ in range(100):
            r = s.call("sandbox_changes")
            if not r["isError"]:
                break
            time.sleep(0.1)
        assert {x["path"] for x in r["structuredContent"]["changes"]} == {"src/a", "b"}, r
    # The end of input while it waits.
    s = Server("--workspace", "ws", "--queue")
    s.open()
    s.good("sandbox_exec", command="echo x >x")
    s.begin("sandbox_apply", {})
    waiting()
    pids = s.descendants()
    start = time.monotonic()
    assert s.end() == []
    assert time.monotonic() - start < 10
    gone(pids)
    assert "x" not in tree()
    assert json.loads(approvals("ls", "--json").stdout or "[]") == []


CHECKS = [dirty_stdout, versions, ids, notifications, framing, reads, absent, unknown, end_of_input,
          layers, structured, schemas, cancel, progress, eras, one_vm, timeouts, outputs, files,
          no_start, lost_vm, unread_stderr, workspace_refused, workspace_policy, workspace_queue]

if __name__ == "__main__":
    by_name = {check.__name__: check for check in CHECKS}
    by_name[sys.argv[1]]()
