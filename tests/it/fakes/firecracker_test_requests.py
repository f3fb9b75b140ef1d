# SPDX-License-Identifier: Apache-2.0
"""What the requests do, and in which order they may come."""

from firecracker_checks import fails, passes, test
from firecracker_client import Fake


@test
def api_phases():
    start = {"action_type": "InstanceStart"}
    before, after = "not supported before starting", "not supported after starting"
    with Fake() as fake:
        for method, path, body in (("PATCH", "/vm", {"state": "Paused"}),
                                   ("PUT", "/snapshot/create",
                                    {"snapshot_path": "s", "mem_file_path": "m"}),
                                   ("PATCH", "/drives/root", {"drive_id": "root"}),
                                   ("PUT", "/actions", {"action_type": "FlushMetrics"}),
                                   ("PUT", "/actions", {"action_type": "SendCtrlAltDel"})):
            fails(fake.api(method, path, body), before)
        assert fake.must("GET", "/mmds").body == b"{}"
        fails(fake.put("/actions", start), "without kernel configuration")
        fake.start()
        assert fake.must("GET", "/").json["state"] == "Running"
        for path, body in (("/boot-source", {"kernel_image_path": "kernel"}), ("/entropy", {}),
                           ("/serial", {}), ("/logger", {}), ("/metrics", {"metrics_path": "m"}),
                           ("/vsock", {"guest_cid": 3, "uds_path": "w"}), ("/actions", start),
                           ("/machine-config", {"vcpu_count": 1, "mem_size_mib": 1}),
                           ("/snapshot/load", {"snapshot_path": "s", "mem_file_path": "m"})):
            fails(fake.put(path, body), after)
        fails(fake.api("GET", "/mmds"), "not initialized")
        passes(fake.put("/actions", {"action_type": "FlushMetrics"}))
        passes(fake.put("/actions", {"action_type": "SendCtrlAltDel"}))
        assert fake.ends() == 0


@test
def api_machine():
    def body(**more):
        return {"vcpu_count": 1, "mem_size_mib": 128, **more}

    with Fake() as fake:
        basic = fake.must("GET", "/machine-config").json
        assert (basic["vcpu_count"], basic["mem_size_mib"], basic["huge_pages"]) == (1, 128, "None")
        for bad in (body(vcpu_count=0), body(vcpu_count=33), body(mem_size_mib=0),
                    body(vcpu_count=3, smt=True), body(mem_size_mib=3, huge_pages="2M")):
            fails(fake.put("/machine-config", bad), "Machine config error")
        passes(fake.put("/machine-config", body(vcpu_count=32, mem_size_mib=3)))
        passes(fake.api("PATCH", "/machine-config", {"smt": True}))
        fails(fake.api("PATCH", "/machine-config", {}), "Empty PATCH request.")
        got = fake.must("GET", "/machine-config").json
        assert (got["vcpu_count"], got["mem_size_mib"], got["smt"]) == (32, 3, True)
        passes(fake.put("/machine-config", body()))
        assert fake.must("GET", "/machine-config").json == basic


@test
def api_boot_source():
    with Fake() as fake:
        fails(fake.put("/boot-source", {"kernel_image_path": "none"}),
              "kernel file cannot be opened")
        fails(fake.put("/boot-source", {"kernel_image_path": "kernel", "initrd_path": "none"}),
              "initrd file cannot be opened")
        fails(fake.put("/boot-source", {"kernel_image_path": "kernel", "boot_args": "x" * 2048}),
              "command line")
        passes(fake.put("/boot-source", {"kernel_image_path": "kernel", "boot_args": "x" * 2000}))
        passes(fake.put("/boot-source", {"kernel_image_path": "kernel", "boot_args": "a\nb"}))


@test
def api_kernel_contents():
    for version, fine in (("1.16.1", False), ("1.17.0-dev", True)):
        with Fake(version=version) as fake:
            with open(fake.path("bz"), "wb") as file:
                file.write(bytes(0x202) + b"HdrS" + bytes(512))
            passes(fake.put("/boot-source", {"kernel_image_path": "bz"}))
            answer = fake.put("/actions", {"action_type": "InstanceStart"})
            assert passes(answer) if fine else fails(answer, "Invalid Elf magic number")


@test
def api_drives():
    def body(name="root", **more):
        return {"drive_id": name, "is_root_device": True, "path_on_host": "drive", **more}

    with Fake() as fake:
        fails(fake.put("/drives/root", body(path_on_host="none")), "os error 2")
        fails(fake.put("/drives/root", body(path_on_host=None)), "Invalid configuration")
        fails(fake.put("/drives/root", body(cache_type="Lazy")), "unknown variant")
        passes(fake.put("/drives/root", body()))
        passes(fake.put("/drives/root", body(is_read_only=True)))  # the same again replaces it
        fails(fake.put("/drives/b", body("b")), "root block device already exists")
        passes(fake.put("/drives/b", body("b", is_root_device=False)))
        drives = fake.must("GET", "/vm/config").json["drives"]
        assert [d["drive_id"] for d in drives] == ["root", "b"] and drives[0]["is_read_only"]
        fake.start()
        passes(fake.api("PATCH", "/drives/b", {"drive_id": "b", "path_on_host": "initrd"}))
        fails(fake.api("PATCH", "/drives/c", {"drive_id": "c"}), "not found")
        fails(fake.api("PATCH", "/drives/b", {"drive_id": "b", "path_on_host": "none"}), "os error")


@test
def api_outputs():
    with Fake() as fake:
        for name in ("console", "metrics", "log2"):
            with open(fake.path(name), "w", encoding="ascii") as file:
                file.write("x" * 2000)
        passes(fake.put("/serial", {"serial_out_path": "console"}))
        passes(fake.put("/metrics", {"metrics_path": "metrics"}))
        fails(fake.put("/metrics", {"metrics_path": "other"}), "Reinitialization")
        fails(fake.put("/logger", {"log_path": "none/x"}), "os error 2")
        fails(fake.put("/logger", {"level": "Loud"}), "unknown variant")
        passes(fake.put("/logger", {"log_path": "log2", "level": "INFO"}))
        fake.start()
        for name, text in (("console", "Linux version"), ("metrics", "utc_timestamp_ms"),
                           ("log2", "PUT request")):
            with open(fake.path(name), encoding="ascii") as file:
                got = file.read()
            assert text in got and got.endswith("xxx"), name
        assert "Linux version" not in fake.said()
    with Fake() as fake:
        fake.start()
        assert "Linux version" in fake.said()
    with Fake(version="1.13.1") as fake:  # made by themselves from 1.14 on
        fails(fake.put("/logger", {"log_path": "new"}), "os error 2")
    with Fake(version="1.14.0") as fake:
        passes(fake.put("/logger", {"log_path": "new"}))


@test
def api_states():
    with Fake() as fake:
        fake.start()
        for wanted, state in (("Paused", "Paused"), ("Paused", "Paused"), ("Resumed", "Running"),
                              ("Resumed", "Running")):
            passes(fake.api("PATCH", "/vm", {"state": wanted}))
            assert fake.must("GET", "/").json["state"] == state
        fails(fake.api("PATCH", "/vm", {"state": "Stopped"}), "unknown variant")
