# SPDX-License-Identifier: Apache-2.0
"""stdio_server.py: `ironclaw mcp` on stdio, for stdio_checks.py and tool_checks.py.

IRONCLAW is the program, IRONCLAW_HOME its state folder; VMs are of the image `busybox`. Every line
that a server writes is held against JSON-RPC.
"""
import json
import os
import select
import subprocess
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


def run_check(argv, checks):
    """A program that runs one of the checks, by its name."""
    {check.__name__: check for check in checks}[argv[1]]()
