#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mcp_server.py [--log FILE] [ERA] [FAULT...]: a scripted MCP server on stdio.

ERA: legacy (the default), modern, both. Each message that it gets is appended to FILE.
FAULT: dead (ends at once, with a word on stderr), mute (never answers), strict (ends when the
first request is not the handshake), late N (seconds before the first answer), stderr N (bytes to
stderr first), garbage (nothing but), old VERSION (answers the handshake with it), pages N, circle,
deaf (does not end when its input does, nor by SIGTERM).
"""
import json
import os
import signal
import sys
import time

P = "io.modelcontextprotocol/"
ANY = {"type": "object", "properties": {}}


def tool(name, schema=None, text=None):
    return {"name": name, "description": text or "does " + name, "inputSchema": schema or ANY}


TEXT = {"type": "object", "properties": {"text": {"type": "string"}}}
TOOLS = [tool("echo", TEXT), tool("touch", TEXT), tool("env"), tool("fail"), tool("refuse"),
         tool("sleep"), tool("progress"), tool("die"), tool("garbage"), tool("long"), tool("ask"),
         tool("strange-ids"), tool("change"), tool("input"), tool("task"), tool("flood"),
         tool("not.so/clean"), tool("not_so_clean"), tool("bad name"),
         tool("list", {"type": "array"}), tool("x" * 100), tool("shape")]


class Server:
    def __init__(self, args):
        self.args = args
        self.log = open(args[args.index("--log") + 1], "a") if "--log" in args else None
        self.modern = "modern" in args or "both" in args
        self.legacy = "modern" not in args
        self.cancelled = []
        self.changed = False
        self.first = True

    def fault(self, name, default=None):
        if name not in self.args:
            return None
        if default is None:
            return True
        return type(default)(self.args[self.args.index(name) + 1])

    def send(self, message):
        sys.stdout.buffer.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        sys.stdout.buffer.flush()

    def answer(self, request, result):
        if "_meta" in request.get("params", {}) and P + "protocolVersion" in request["params"]["_meta"]:
            result = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private", **result}
        self.send({"id": request["id"], "result": result})

    def error(self, request, code, text, **more):
        self.send({"id": request["id"], "error": {"code": code, "message": text, **more}})

    def read(self):
        line = sys.stdin.buffer.readline()
        if not line:
            if self.fault("deaf"):
                while True:
                    time.sleep(60)
            sys.exit(0)
        if self.log:
            self.log.write(line.decode())
            self.log.flush()
        message = json.loads(line)
        if message.get("method") == "notifications/cancelled":
            self.cancelled.append(message["params"]["requestId"])
        return message

    def list(self, request):
        n = self.fault("pages", 1)
        cursor = request.get("params", {}).get("cursor")
        tools = TOOLS + ([tool("fresh")] if self.changed else [])
        if self.fault("circle"):
            return self.answer(request, {"tools": [], "nextCursor": "again"})
        if not n:
            return self.answer(request, {"tools": tools})
        page = int(cursor or 0)
        result = {"tools": [tool("page-%d-%d" % (page, i)) for i in range(5)]}
        if page + 1 < n:
            result["nextCursor"] = str(page + 1)
        return self.answer(request, result)

    def text(self, request, text, **more):
        self.answer(request, {"content": [{"type": "text", "text": text}], **more})

    def call(self, request):
        params = request["params"]
        name, given = params["name"], params.get("arguments", {})
        token = params.get("_meta", {}).get("progressToken")
        if name == "echo":
            self.text(request, given.get("text", ""))
        elif name == "touch":
            open(given["text"], "w").close()
            self.text(request, "touched")
        elif name == "env":
            self.text(request, " ".join(sorted(os.environ)) + " fds " +
                      " ".join(sorted(os.listdir("/proc/self/fd"))))
        elif name == "fail":
            self.text(request, "it went wrong", isError=True)
        elif name == "refuse":
            self.error(request, -32602, "no \x1b[31msuch thing")
        elif name == "sleep":
            pass
        elif name == "progress":
            for i in range(1, 9):
                self.send({"method": "notifications/progress",
                           "params": {"progressToken": token, "progress": i, "message": "step"}})
                time.sleep(0.5)
            self.text(request, "slow but sure")
        elif name == "die":
            print("killed by a whim", file=sys.stderr, flush=True)
            os._exit(7)
        elif name == "garbage":
            for i in range(2000):
                sys.stdout.write("Listening on port %d\n" % i)
            sys.stdout.flush()
        elif name == "long":
            sys.stdout.write('{"jsonrpc":"2.0","id":%d,"result":"' % request["id"])
            for _ in range(100):
                sys.stdout.write("x" * 1000000)
            sys.stdout.write('"}\n')
            sys.stdout.flush()
        elif name == "ask":
            self.ask(request)
        elif name == "strange-ids":
            for strange in (str(request["id"]), 0, "", 4711, request["id"] + 1, None):
                self.send({"id": strange, "result": {"content": [{"type": "text", "text": "no"}]}})
            self.send({"method": "notifications/foo"})
            self.text(request, "right")
            self.text(request, "twice")
        elif name == "change":
            self.changed = True
            self.send({"method": "notifications/tools/list_changed"})
            self.text(request, "changed")
        elif name == "input":
            self.answer(request, {"resultType": "input_required", "requestState": "s",
                                  "inputRequests": {"a": {"method": "elicitation/create"}}})
        elif name == "task":
            self.answer(request, {"resultType": "task", "taskId": "1"})
        elif name == "flood":
            sys.stderr.write("x" * (1 << 20) + "\n")
            sys.stderr.flush()
            self.text(request, "flooded")
        elif name == "shape":
            self.answer(request, {"content": "no list"})
        else:
            self.error(request, -32602, "unknown tool")

    def ask(self, request):
        """The requests of a server, with the ids that are in flight the other way."""
        seen = []
        for method in ("ping", "roots/list", "sampling/createMessage", "elicitation/create"):
            self.send({"id": request["id"], "method": method, "params": {}})
            seen.append(self.read())
        self.text(request, json.dumps([s.get("result", s.get("error", {}).get("code"))
                                       for s in seen]))

    def serve(self, request):
        method = request.get("method")
        if "id" not in request:
            return None
        if self.fault("strict") and self.first and method != "initialize":
            sys.exit("the first request must be initialize")
        self.first = False
        if self.fault("mute"):
            return None
        if method == "server/discover" and self.modern:
            return self.answer(request, {"supportedVersions": ["2026-07-28"],
                                         "capabilities": {"tools": {"listChanged": True}}})
        if method == "initialize" and self.legacy:
            version = self.fault("old", "") or request["params"]["protocolVersion"]
            return self.answer(request, {"protocolVersion": version,
                                         "capabilities": {"tools": {"listChanged": True}},
                                         "serverInfo": {"name": "fake", "version": "1"}})
        if method == "tools/list":
            return self.list(request)
        if method == "tools/call":
            return self.call(request)
        return self.error(request, -32601, "unknown method")

    def run(self):
        if self.fault("deaf"):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if self.fault("dead"):
            sys.exit("no licence found")
        if self.fault("stderr", 0):
            sys.stderr.write("x" * self.fault("stderr", 0) + "\n")
            sys.stderr.flush()
        if self.fault("garbage"):
            while True:
                print("Welcome to the server!", flush=True)
        time.sleep(self.fault("late", 0.0) or 0)
        while True:
            self.serve(self.read())


Server(sys.argv[1:]).run()
