#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mcp_seeds.py: write the named files of the corpora of fuzz_jsonrpc and fuzz_mcp_server."""
import json
import pathlib

CORPUS = pathlib.Path(__file__).parent / "corpus"
META = "io.modelcontextprotocol/"
MODERN = {"_meta": {META + "protocolVersion": "2026-07-28", META + "clientCapabilities": {
    "elicitation": {}}, META + "logLevel": "debug", "progressToken": "t"}}


def write(target, name, first, lines):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(bytes(first) + b"".join(
        (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines))


def rpc(**members):
    return {"jsonrpc": "2.0", **members}


def initialize(version):
    return [rpc(id=0, method="initialize", params={
        "protocolVersion": version, "capabilities": {"sampling": {}, "roots": {}}}),
        rpc(method="notifications/initialized")]


HOLD = {"name": "hold", "_meta": {"progressToken": 1}}
CANCEL = rpc(method="notifications/cancelled", params={"requestId": 1})

write("jsonrpc", "kinds", [3], [
    rpc(id=1, method="a", params={"x": [1, 2.5, None, True]}), rpc(method="n"),
    rpc(id="s", result={}), rpc(id=2, error={"code": -1, "message": "m"}),
    [rpc(id=1, method="a"), 7, rpc(method="n")], b"", b"{}", b"[]", b"nonsense", b"x" * 600])
write("jsonrpc", "strings", [0], [
    rb'{"jsonrpc":"2.0","id":"\ud800","method":"a","params":{"x":"\u0000\ud83d\ude00\\ud800"}}',
    b"[" * 200 + b"]" * 200])
write("mcp_server", "legacy", [0xfe, 1], [
    *initialize("2025-11-25"), rpc(id=1, method="tools/list"), rpc(id=2, method="tools/call", params={
        "name": "echo", "arguments": {"text": "x"}}), rpc(id=1, method="tools/call", params=HOLD),
    b"!p", b"!p1", b"!l", b"!a1", rpc(id=1, result={"model": "m"}), CANCEL,
    rpc(id=3, method="resources/subscribe", params={"uri": "x:1"}), b"!u", b"!c1", b"!c",
    rpc(id=4, method="logging/setLevel", params={"level": "debug"}),
    rpc(id=5, method="prompts/get", params={"name": "p"}), b"!f"])
write("mcp_server", "batch", [0, 0], [
    *initialize("2025-03-26"), [rpc(id=1, method="tools/call", params=HOLD), rpc(method="x"),
                                rpc(id=2, method="ping"), 7,
                                rpc(id=3, method="tools/call", params=HOLD)],
    CANCEL, b"!f", *initialize("2024-11-05"), rpc(id=1, method="tools/list")])
write("mcp_server", "modern", [0xff, 32], [
    rpc(id=1, method="server/discover", params=MODERN),
    rpc(id="l", method="subscriptions/listen", params={**MODERN, "notifications": {
        "toolsListChanged": True, "promptsListChanged": True, "resourceSubscriptions": ["x:1"]}}),
    b"!c1", b"!c", b"!u", rpc(id=2, method="tools/list", params={**MODERN, "cursor": "from-2"}),
    rpc(id=3, method="tools/call", params={"name": "hold", **MODERN}), b"!l", b"!p", b"!n1",
    rpc(id=4, method="tools/call", params={"name": "hold", **MODERN}), b"!n", b"!x",
    rpc(id=5, method="resources/read", params={"uri": "x:1", **MODERN}),
    rpc(id=6, method="tools/call", params={"name": "hold", **MODERN}), b"!s"])
