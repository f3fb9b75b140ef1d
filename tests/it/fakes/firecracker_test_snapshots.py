# SPDX-License-Identifier: Apache-2.0
"""Snapshots, and what ends a process that loads one."""
import os
import tempfile

from firecracker_checks import Saved, cli, fails, passes, test
from firecracker_client import Fake, Link, connect, ended, quiet


@test
def snapshot_create():
    body = {"snapshot_path": "state", "mem_file_path": "mem"}
    with Fake() as fake:
        fake.start()
        fails(fake.put("/snapshot/create", body), "while VM is running")
        fake.pause()
        fails(fake.put("/snapshot/create", {**body, "snapshot_path": "none/x"}), "os error 2")
        passes(fake.put("/snapshot/create", body))
        assert os.stat(fake.path("mem")).st_size == 4 << 20
        out = cli("--describe-snapshot", fake.path("state"))
        assert out.returncode == 0 and out.stdout.startswith(b"v10.0.0\n")
        out = cli("--describe-snapshot", fake.path("state"), FAKE_FC_VERSION="1.15.1")
        assert out.returncode == 1
    with Fake(fault="save-fails") as fake:
        fake.start().pause()
        fails(fake.put("/snapshot/create", body), "os error 28")
        assert os.path.exists(fake.path("state")) and not os.path.exists(fake.path("mem"))


@test
def snapshot_load():
    with Saved() as saved:
        with saved.fake() as fake:
            passes(fake.put("/logger", {"level": "Info"}))
            passes(fake.load())
            assert fake.must("GET", "/").json["state"] == "Running"
            config = fake.must("GET", "/vm/config").json
            assert config["machine-config"]["mem_size_mib"] == 4 and config["boot-source"] is None
            assert Link(fake.vsock()).ok() == 1073741824
            assert fake.link().identity().run("true") == (1, 0, b"")
        with saved.fake() as fake:
            passes(fake.load(resume_vm=False))
            assert fake.must("GET", "/").json["state"] == "Paused"
            sock = fake.vsock()
            assert quiet(sock)
            fake.resume()
            assert Link(sock).ok()


@test
def snapshot_load_that_ends_the_process():
    with Saved() as saved:
        saved.refuses("bitcode error", version="1.15.1")
        saved.refuses("bitcode error", version="1.17.0-dev")
        saved.refuses("os error 2", snapshot_path="none")
        saved.refuses("os error 2", mem_backend={"backend_type": "File", "backend_path": "none"})
        saved.refuses("requested but not present", fault="no-realtime", clock_realtime=True)
        saved.refuses("os error 13", fault="no-kvm:1")
        with saved.fake(fault="no-realtime") as fake:
            passes(fake.load())
        os.truncate(saved.path("mem"), (4 << 20) - 1)
        saved.refuses("too small")
        os.truncate(saved.path("mem"), 4 << 20)
        with open(saved.path("state"), "r+b") as file:
            file.seek(40)
            byte = file.read(1)[0]
            file.seek(40)
            file.write(bytes([byte ^ 1]))
        saved.refuses("CRC64 validation failed")
        with open(saved.path("state"), "r+b") as file:
            file.seek(40)
            file.write(bytes([byte]))
        with saved.fake() as fake:
            passes(fake.load())
        with saved.fake() as fake:  # the control of all of it, then the path of vsock
            fails(fake.put("/snapshot/load", {"snapshot_path": "state", "mem_file_path": "mem"}),
                  "Address in use")
            assert fake.ends() == 1
    with Saved() as saved:
        os.rename(saved.path("kernel"), saved.path("k"))
        drive = saved.path("drive")
        with saved.fake() as fake:
            os.unlink(drive)
            fails(fake.load(), "os error 2")
            assert fake.ends() == 1


@test
def snapshot_load_that_the_process_survives():
    memory = {"backend_type": "File", "backend_path": "mem"}
    with Saved() as saved:
        with saved.fake() as fake:
            for body, text in (({"snapshot_path": "state"}, "missing field: either"),
                               ({"snapshot_path": "state", "mem_file_path": "mem",
                                 "mem_backend": memory}, "too many fields"),
                               ({"snapshot_path": "state", "mem_backend": memory, "x": 1},
                                "unknown field")):
                fails(fake.put("/snapshot/load", body), text)
            passes(fake.load())
        for path, body in (("/drives/root", {"drive_id": "root", "is_root_device": True,
                                             "path_on_host": "none"}),
                           ("/machine-config", {"vcpu_count": 1, "mem_size_mib": 1}),
                           ("/entropy", {})):
            with saved.fake() as fake:
                fake.put(path, body)
                fails(fake.load(), "not allowed after configuring boot-specific resources")
                assert fake.must("GET", "/")


@test
def snapshot_vsock():
    with Saved() as saved:
        with saved.fake() as fake:
            passes(fake.load(vsock_override={"uds_path": "other.sock"}))
            assert os.path.exists(fake.path("other.sock"))
            assert not os.path.exists(fake.path("v.sock"))
            sock = connect(fake.path("other.sock"))
            sock.sendall(b"CONNECT 1024\n")
            assert Link(sock).ok()
    with tempfile.TemporaryDirectory() as folder:
        with Fake(folder=folder) as fake:
            fake.start(vsock=None).save()
        os.unlink(os.path.join(folder, "api"))
        with Fake(folder=folder) as fake:
            fails(fake.load(vsock_override={"uds_path": "x"}), "Unknown Vsock Device.")
            assert fake.ends() == 1


@test
def snapshot_first_connection():
    for version, lost in (("1.14.4", 1), ("1.15.1", 1), ("1.16.1", 0), ("1.17.0-dev", 0)):
        with Saved(version=version) as saved, saved.fake(version=version) as fake:
            passes(fake.load())
            for _ in range(lost):
                link = Link(fake.vsock())
                assert link.ok() and ended(link.sock)
            link = Link(fake.vsock())
            assert link.ok() and link.frame()[0] == 1
