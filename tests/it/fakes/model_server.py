#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""model_server.py - a language model that says what a script tells it to, over real HTTP.

    model_server.py --script FILE --log FILE --port-file FILE [--tls CERT KEY]

It listens on 127.0.0.1 and writes its port to --port-file when it is ready. POST to a path that ends
in /chat/completions is answered as OpenAI-compatible servers do, to one that ends in /messages as
Anthropic's API does, both as event streams (or as one document when the request does not ask for a
stream). Each request takes the next turn of the script, and is one line of JSON in the log:
{"n", "path", "headers" (names in lower case), "body", "time", "refused" or null}.

A request that breaks the order rules of its API (calls without results, results without calls,
results behind text, no key, no version, no model) is answered with 400 and takes no turn, as is
every request after the last turn; --no-key serves those without a key. Any other request is for
tests of HTTP itself: it is answered as the next turn's "status", "headers" and "body" say, or with
the bytes of "socket" and the end of the connection.

The script: {"turns": [TURN, ...]}; a TURN may have, all optional:

  "text": "..."            what it says
  "thinking": "..."        its reasoning ("signature": the one that Anthropic's dialect puts to it)
  "calls": [{"name": "exec", "arguments": {...} or "TEXT", "id": "..."}, ...]; the id of the
                           second call of the third turn is call_3_1 when none is given
  "usage": {"input": 10, "output": 5, "cached": 3}
  "finish": "stop"         instead of what fits; null: none
  "status": 429, "headers": {...}, "body": {...} or "TEXT"   another answer than 200
  "for": "openai"          the turn is for that dialect's requests only (else 400)

In texts and arguments {{tool}} is the text of the newest tool result, {{user}} that of the newest
message of the user. How it is said:

  "piece": 7               characters of one delta
  "drip_ms": 50            wait before each event
  "wait_ms": 1000          wait before the head of the answer
  "whole": true            one JSON document although a stream was asked for
  "raw": "..."             exactly these bytes as the event stream (or, with "raw_hex", in hex)
  "write": 1               bytes of one write to the socket
  "quirks": [...]          deviations of real servers; see model_dialects.py

and faults, each after "after" events (0):

  "cut": true              the connection breaks
  "end": true              the answer ends there, properly framed, without its last events
  "error": {...}           an error in the stream: {"type": "overloaded_error", "message": "..."}
  "malformed": true        an event that is no JSON
  "hang_ms": 5000          silence
"""
import argparse
import json
import os
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import model_dialects as dialects


class Script:
    def __init__(self, path, log):
        with open(path, encoding="utf-8") as f:
            self.turns = json.load(f)["turns"]
        self.log = open(log, "a", encoding="utf-8")
        self.lock = threading.Lock()
        self.n = 0
        self.served = 0

    def take(self, request, problem):
        """The next turn for a request, which is logged, or None and the reason."""
        with self.lock:
            self.n += 1
            if not problem and self.served == len(self.turns):
                problem = "the script is over"
            turn = None if problem else {"n": self.served + 1, **self.turns[self.served]}
            if turn and turn.get("for", request["dialect"]) != request["dialect"]:
                problem = "this turn is for the other dialect"
                turn = None
            if turn:
                self.served += 1
            record = {"n": self.n, "time": time.time(), "refused": problem, **request}
            self.log.write(json.dumps(record) + "\n")
            self.log.flush()
            return turn, problem


def fill(value, body):
    """Puts the templates of a turn in."""
    if isinstance(value, str):
        return value.replace("{{tool}}", dialects.last_tool(body)).replace(
            "{{user}}", dialects.last_user(body))
    if isinstance(value, dict):
        return {k: fill(v, body) for k, v in value.items()}
    if isinstance(value, list):
        return [fill(v, body) for v in value]
    return value


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, headers, body):
        data = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def fixed(self, turn):
        body = turn.get("body", {"error": {"type": "fake_error", "message": "as the script says"}})
        headers = dict(turn.get("headers", {}))
        if not isinstance(body, str):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        self.answer(turn["status"], headers, body)

    def do_GET(self):
        self.request_of("http", {})

    def do_DELETE(self):
        self.request_of("http", {})

    def do_POST(self):
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path.split("?")[0]
        dialect = ("openai" if path.endswith("/chat/completions") else
                   "anthropic" if path.endswith("/messages") else "http")
        try:
            body = json.loads(data) if data else {}
        except ValueError:
            body = {"not_json": data.decode("utf-8", "replace")}
        self.request_of(dialect, body)

    def request_of(self, dialect, body):
        headers = {k.lower(): v for k, v in self.headers.items()}
        problem = None
        if dialect == "openai":
            problem = dialects.check_openai(headers, body, self.server.need_key)
        elif dialect == "anthropic":
            problem = dialects.check_anthropic(headers, body, self.server.need_key)
        request = {"method": self.command, "path": self.path, "dialect": dialect,
                   "headers": headers, "body": body}
        turn, problem = self.server.script.take(request, problem)
        if problem:
            self.fixed({"status": 400, "body": {"type": "error", "error": {
                "type": "invalid_request_error", "message": problem}}})
            return
        time.sleep(turn.get("wait_ms", 0) / 1000)
        if "socket" in turn:
            self.wfile.write(turn["socket"].encode("latin-1"))
            self.close_connection = True
            return
        if "status" in turn:
            self.fixed(turn)
            return
        turn = fill(turn, body)
        if dialect == "http" and "raw" not in turn and "raw_hex" not in turn:
            self.fixed({"status": 200, **turn})
        elif dialect == "http":
            self.stream(dialect, turn, body)
        elif turn.get("whole") or not body.get("stream"):
            self.answer(200, {"Content-Type": "application/json"},
                        json.dumps(dialects.whole(dialect, turn, body)))
        else:
            self.stream(dialect, turn, body)

    # Event streams.

    def put(self, data, size):
        for at in range(0, len(data), size):
            piece = data[at:at + size]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()

    def stream(self, dialect, turn, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        for name, value in turn.get("headers", {}).items():
            self.send_header(name, value)
        self.end_headers()
        size = turn.get("write", 65536)
        if "raw" in turn or "raw_hex" in turn:
            events = [bytes.fromhex(turn["raw_hex"]) if "raw_hex" in turn
                      else turn["raw"].encode()]
        else:
            events = dialects.events(dialect, turn, body)
        after = turn.get("after", 0)
        try:
            for n, event in enumerate(events + [b""]):
                if n == after and self.fault(dialect, turn, size):
                    return
                time.sleep(turn.get("drip_ms", 0) / 1000)
                self.put(event, size)
            self.wfile.write(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def fault(self, dialect, turn, size):
        """What goes wrong here; True when nothing more is to be sent."""
        if "hang_ms" in turn:
            time.sleep(turn["hang_ms"] / 1000)
        if turn.get("malformed"):
            self.put(b"data: {\"choices\": [}\n\n", size)
        if "error" in turn:
            self.put(dialects.error_event(dialect, turn["error"]), size)
        if turn.get("cut"):
            self.close_connection = True
            return True
        if turn.get("end"):
            self.wfile.write(b"0\r\n\r\n")
            return True
        return False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--script", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--port-file", required=True)
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    parser.add_argument("--no-key", action="store_true")
    args = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.script = Script(args.script, args.log)
    server.need_key = not args.no_key
    if args.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*args.tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with open(args.port_file + ".new", "w", encoding="utf-8") as f:
        f.write(str(server.server_address[1]))
    os.rename(args.port_file + ".new", args.port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()
