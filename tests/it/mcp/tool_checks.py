#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tool_checks.py CHECK: hold the tools of `ironclaw mcp` against what they promise. Prints why it
failed; exit status 1. Each check starts servers of its own.
"""
import base64
import fcntl
import json
import os
import re
import select
import signal
import subprocess
import sys
import time

from stdio_server import DEADLINE_S, PROGRAM, Server, checked, gone, run_check, text_of


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
    with Server("--timeout", "5s") as s:
        s.open()
        s.good("sandbox_exec", command="true")
        command = "echo begun; sleep 100"
        calls = [s.begin("sandbox_exec", {"command": command, **more})
                 for more in ({"timeout_s": 2}, {"timeout_s": 1000}, {})]
        for i, call in enumerate(calls):
            r = s.answer(call)
            c = r["structuredContent"]
            assert r["isError"] and c["exit_code"] == 124 and c["timed_out"] is True, r
            assert c["stdout"] == "begun\n"
            assert (c["duration_ms"] < 5000) == (i == 0), c
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
        for _ in range(33):
            s.good("sandbox_exec", command="head -c 20000 /dev/zero")
        listed = s.ask("resources/list")["result"]["resources"]
        assert len(listed) == 32 and listed[0]["uri"] != "ironclaw://output/1"
        # A revision without links gets none.
        s.open("2025-03-26")
        r = s.call("sandbox_exec", command="seq 1 100000")
        assert [b["type"] for b in r["content"]] == ["text"]


def files():
    """Files in pieces, in both encodings, and folders."""
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


def workspace_end():
    """The end of the input waits for an apply that has begun, and for its record."""
    make_workspace()
    policy([{"name": "all", "decision": "allow", "workspace": os.path.realpath("ws"),
             "paths": ["."], "effects": ["create"]}])
    with Server("--workspace", "ws", "--exclude", "*.key") as s:
        s.open()
        s.good("sandbox_exec", command="for i in $(seq 1000); do echo $i >x$i; done")
        s.begin("sandbox_apply", {})
        while not any(os.path.exists(f"ws/x{i}") for i in (1, 500, 1000)):
            time.sleep(0.001)
        # The outcome cannot be recorded yet.
        with open(os.environ["IRONCLAW_HOME"] + "/data/audit/lock", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            s.process.stdin.close()
            time.sleep(3)
            assert s.process.poll() is None, "it has ended"
        assert s.process.wait(20) == 0
    assert len(tree()) == 1003, len(tree())
    with open(os.environ["IRONCLAW_HOME"] + "/data/audit/log", encoding="utf-8") as f:
        assert any('"outcome"' in line and '"applied":1000' in line for line in f)


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
        # What deletes is critical.
        assert approvals("approve", ids[0], "--yes").returncode == 0
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


if __name__ == "__main__":
    run_check(sys.argv, [one_vm, timeouts, outputs, files, no_start, lost_vm, unread_stderr,
                         workspace_refused, workspace_policy, workspace_end, workspace_queue])
