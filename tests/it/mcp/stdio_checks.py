#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""stdio_checks.py CHECK: hold `ironclaw mcp` on stdio against what MCP asks of a server: the mistakes
that servers make. Prints why it failed; exit status 1. Each check starts servers of its own.
"""
import json
import os
import re
import signal
import subprocess
import sys
import time

from stdio_server import (DEADLINE_S, LEGACY, META, MODERN, PROGRAM, Server, checked, gone, run_check,
                          text_of)


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
            try:
                holders += [(pid, fd) for fd in os.listdir(f"/proc/{pid}/fd")
                            if os.readlink(f"/proc/{pid}/fd/{fd}") == mine]
            except FileNotFoundError:
                continue  # of the VM that was forgotten
            except PermissionError:
                assert pid != s.pid  # not ours to look into, unless we are root
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


if __name__ == "__main__":
    run_check(sys.argv, [dirty_stdout, versions, ids, notifications, framing, reads, absent, unknown,
                         end_of_input, layers, structured, schemas, cancel, progress, eras])
