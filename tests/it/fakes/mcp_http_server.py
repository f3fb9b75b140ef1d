#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mcp_http_server.py --log FILE --port-file FILE [--tls CERT KEY] [FAULT...]: a scripted MCP server
over HTTP.

FAULT: modern (2026-07-28 only), token WORD (any other bearer is refused), forget (each session is
good for one call), version V (answers the handshake with it), code N (every answer has it), deaf
(takes no answer of the client's, nor its notice of a cancel). Each request is a line of JSON in the
log: verb, headers (lower case), message.
"""
import http.server
import json
import ssl
import sys
import time

ARGS = sys.argv[1:]
ANY = {"type": "object", "properties": {"text": {"type": "string", "x-mcp-header": "Text"}}}
NAMES = ("echo", "stream", "cut", "resume", "ask", "sleep", "reset", "huge")
state = {"sessions": 0, "alive": set(), "answers": [], "pending": None}


def option(name):
    return ARGS[ARGS.index(name) + 1] if name in ARGS else None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def note(self, message):
        with open(option("--log"), "a") as log:
            log.write(json.dumps({"verb": self.command, "message": message,
                                  "headers": {k.lower(): v for k, v in self.headers.items()}}) + "\n")

    def plain(self, code, body=None, **headers):
        data = json.dumps(body).encode() if body is not None else b""
        self.send_response(code)
        if body is not None:
            self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def begin_stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def event(self, message, ident=None):
        if ident:
            self.wfile.write(b"id: %s\n" % ident.encode())
        data = json.dumps(message) if message is not None else ""
        self.wfile.write(b": comment\ndata: %s\n\n" % data.encode())
        self.wfile.flush()

    def result(self, message, text):
        result = {"content": [{"type": "text", "text": text}]}
        if "modern" in ARGS:
            result["resultType"] = "complete"
        return {"jsonrpc": "2.0", "id": message["id"], "result": result}

    def call(self, message):
        name = message["params"]["name"]
        text = message["params"]["arguments"].get("text", "")
        token = message["params"].get("_meta", {}).get("progressToken")
        if name == "echo":
            self.plain(200, self.result(message, text))
        elif name == "sleep":
            time.sleep(30)
        elif name == "reset":
            self.close_connection = True
        elif name == "huge":
            self.plain(200, self.result(message, "x" * (11 << 20)))
        else:
            self.begin_stream()
            self.stream(name, message, token)

    def stream(self, name, message, token):
        if name == "stream":
            for i in (1, 2):
                self.event({"jsonrpc": "2.0", "method": "notifications/progress",
                            "params": {"progressToken": token, "progress": i, "total": 2}})
            self.event(self.result(message, "streamed"))
        elif name == "resume":
            self.wfile.write(b"retry: 300\n")
            self.event(None, "first")
            state["pending"] = message
            state["closed"] = time.monotonic()
        elif name == "ask":
            for i in range(9 if "deaf" in ARGS else 1):
                self.event({"jsonrpc": "2.0", "id": 1 + i, "method": "ping"})
            self.event({"jsonrpc": "2.0", "id": "r", "method": "roots/list"})
            end = time.monotonic() + 5
            while len(state["answers"]) < 2 and time.monotonic() < end:
                time.sleep(0.05)
            self.event(self.result(message, json.dumps(state["answers"])))

    def do_GET(self):
        self.note(None)
        self.begin_stream()
        waited = time.monotonic() - state.get("closed", 0)
        if state["pending"] and self.headers.get("Last-Event-ID") == "first":
            self.event(self.result(state["pending"], "late" if waited > 0.28 else "too early"), "2")

    def do_DELETE(self):
        self.note(None)
        self.plain(200)

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.note(message)
        token = option("token")
        if token and self.headers.get("Authorization") != "Bearer " + token:
            return self.plain(401, {"error": "who?"})
        if option("code"):
            return self.plain(int(option("code")), {"error": "no"})
        if "deaf" in ARGS and ("method" not in message or "cancel" in message["method"]):
            time.sleep(30)
        if "method" not in message:
            state["answers"].append(message.get("result", message.get("error", {}).get("code")))
            return self.plain(202)
        if "id" not in message:
            return self.plain(202)
        return self.modern(message) if "modern" in ARGS else self.legacy(message)

    def tools(self, message, **more):
        tools = [{"name": n, "description": n, "inputSchema": ANY} for n in NAMES]
        self.plain(200, {"jsonrpc": "2.0", "id": message["id"], "result": {"tools": tools, **more}})

    def modern(self, message):
        if message["method"] == "server/discover":
            return self.plain(200, {"jsonrpc": "2.0", "id": message["id"], "result": {
                "resultType": "complete", "supportedVersions": ["2026-07-28"],
                "capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "private"}})
        if message["method"] == "tools/list":
            return self.tools(message, resultType="complete")
        if message["method"] == "tools/call":
            return self.call(message)
        return self.plain(404, {"jsonrpc": "2.0", "id": message["id"],
                                "error": {"code": -32601, "message": "unknown method"}})

    def legacy(self, message):
        session = self.headers.get("Mcp-Session-Id")
        if message["method"] == "initialize":
            state["sessions"] += 1
            name = "session-%d" % state["sessions"]
            state["alive"].add(name)
            return self.plain(200, {"jsonrpc": "2.0", "id": message["id"], "result": {
                "protocolVersion": option("version") or message["params"]["protocolVersion"],
                "capabilities": {"tools": {}}, "serverInfo": {"name": "fake", "version": "1"}}},
                Mcp_Session_Id=name)
        if not session:
            return self.plain(400, {"jsonrpc": "2.0", "id": None,
                                    "error": {"code": -32000, "message": "no session"}})
        if session not in state["alive"]:
            return self.plain(404, {"jsonrpc": "2.0", "id": None,
                                    "error": {"code": -32001, "message": "unknown session"}})
        if message["method"] == "tools/list":
            return self.tools(message)
        if "forget" in ARGS:
            state["alive"].discard(session)
        return self.call(message)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
if "--tls" in ARGS:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(option("--tls"), ARGS[ARGS.index("--tls") + 2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
with open(option("--port-file"), "w") as port_file:
    port_file.write(str(server.server_port))
server.serve_forever()
