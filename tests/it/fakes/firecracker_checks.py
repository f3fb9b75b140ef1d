# SPDX-License-Identifier: Apache-2.0
"""What the tests of the fake Firecracker share."""
import os
import shutil
import struct
import subprocess
import tempfile

from firecracker_client import Fake


TESTS = []


class Skip(Exception):
    pass


def test(function):
    TESTS.append(function)
    return function


def test_where(there):
    """For what only some people have; a test that is skipped is a failure in CI."""
    return test if there else lambda function: function


def cli(*args, **env):
    return subprocess.run([Fake.program, *args], env=env, capture_output=True, timeout=10,
                          check=False)


def fails(answer, text):
    assert answer.status == 400 and text in answer.fault, answer.raw
    return True


def passes(answer):
    assert answer.status == 204, answer.raw
    return True


def namespaces():
    return subprocess.run(["unshare", "--user", "true"], check=False,
                          capture_output=True).returncode == 0


def program(*denied, action=0x30000, otherwise=0x7fff0000):
    """Those calls are trapped, or with @otherwise all others."""
    code = [struct.pack("<HBBI", 0x20, 0, 0, 0)]
    for i, number in enumerate(denied):
        code.append(struct.pack("<HBBI", 0x15, len(denied) - i, 0, number))
    code.append(struct.pack("<HBBI", 6, 0, 0, otherwise))
    code.append(struct.pack("<HBBI", 6, 0, 0, action))
    return b"".join(code)


def new_format(vmm, names=(b"api", b"vcpu", b"vmm")):
    programs = [vmm if n.lower() == b"vmm" else program() for n in names]
    lengths = [len(p) // 8 for p in programs]
    out = bytes([len(names), 0, *map(len, names)]) + b"".join(names)
    out += bytes([0, *(min(n, 255) for n in lengths)])
    if max(lengths) >= 255:
        out += b"\0" + b"".join(struct.pack("<Q", n) for n in lengths if n >= 255)
    return out + b"\0" + b"".join(programs)


class Filter:
    def __init__(self, data):
        self.file = tempfile.NamedTemporaryFile()
        self.file.write(data)
        self.file.flush()

    def __enter__(self):
        return self.file.name

    def __exit__(self, *_):
        self.file.close()


def http_error(answer, text):
    assert answer.status == 400, answer.raw
    try:
        assert not answer.json
    except ValueError:
        pass
    assert text in answer.body.decode() and answer.body.endswith(
        b"\nAll previous unanswered requests will be dropped.\" }"), answer.raw
    return True


class Saved:
    """A folder with a snapshot in it, whose VM has gone."""

    def __init__(self, **how):
        self.how = how
        self.dir = tempfile.mkdtemp(prefix="fake-fc-")

    def __enter__(self):
        with Fake(folder=self.dir, **self.how) as fake:
            fake.start().save()
        os.unlink(self.path("api"))
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir)

    def path(self, name):
        return os.path.join(self.dir, name)

    def fake(self, *args, **how):
        if os.path.exists(self.path("api")):
            os.unlink(self.path("api"))
        return Fake(*args, folder=self.dir, **how)

    def refuses(self, text, version="1.16.1", fault=None, **more):
        with self.fake(version=version, fault=fault) as fake:
            fails(fake.load(**more), text)
            assert fake.ends() == 1
        return True
