# SPDX-License-Identifier: Apache-2.0
"""Resumable uploads on bad days: the disk is full in the middle, ten thousand are open, the server is killed while parts are put
together."""
import hashlib
import http.client
import os
import random
import sys
import threading

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from rounds import rounds, seed  # noqa: E402
from serving import CLOCKED, Clock, Server, fsck, wait_for  # noqa: E402
from test_disk_and_clock_faults import MIB, SmallDisk, ask_first  # noqa: E402

UPLOADS = "/v1/native/uploads"
TUS = {"Tus-Resumable": "1.0.0"}
OCTETS = {**TUS, "Content-Type": "application/offset+octet-stream"}
DAY_MS = 24 * 3600 * 1000


class Sender:
    """One user, on a connection that is opened again when the server was."""

    def __init__(self, server, token):
        self.server, self.token, self.connection = server, token, None

    def ask(self, method, path, headers=None, body=None):
        if not self.connection:
            self.connection = http.client.HTTPConnection(*self.server.address, timeout=120)
        headers = {"Authorization": "Bearer " + self.token, "Content-Length": str(len(body or b"")), **(headers or TUS)}
        try:
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
            answer.said = answer.read()
            return answer
        except OSError:
            self.connection = None
            raise

    def create(self, length, **headers):
        answer = self.ask("POST", UPLOADS, {**TUS, "Upload-Length": str(length), **headers})
        assert answer.status == 201, (answer.status, answer.said)
        return answer.getheader("Location")

    def patch(self, path, offset, body):
        return self.ask("PATCH", path, {**OCTETS, "Upload-Offset": str(offset)}, body)

    def offset(self, path):
        answer = self.ask("HEAD", path)
        assert answer.status == 200, answer.status
        return int(answer.getheader("Upload-Offset"))

    def file(self, path):
        """The bytes of the file that the upload has become."""
        place = self.ask("HEAD", path).getheader("Content-Location")
        return self.ask("GET", place).said


def sender_of(server, login="ana"):
    server.cais("user", "add", login)
    return Sender(server, server.cais_json("key", "add", login, "--for", "native")["token"])


def test_an_upload_goes_on_when_the_disk_has_room_again(tmp_path):
    disk = SmallDisk(tmp_path, 64 * MIB)
    try:
        with disk.start("--set", "storage.reserve_free_space=4M") as server:
            ana = sender_of(server)
            data = random.Random(seed()).randbytes(24 * MIB)
            path = ana.create(len(data))
            assert ana.patch(path, 0, data[:8 * MIB]).status == 204
            disk.fill(leave=4 * MIB + 6 * MIB)
            wait_for("the new free space to be seen",
                     lambda: "507" in ask_first(server, "PUT /v1/native/files/x", ana.token, 8 * MIB))
            answer = ana.patch(path, 8 * MIB, data[8 * MIB:])
            assert answer.status == 507, (answer.status, answer.said)
            ana.connection = None
            offset = ana.offset(path)
            assert 8 * MIB <= offset <= 14 * MIB
            assert disk.free() >= 3 * MIB
            disk.make_room()
            wait_for("the upload to go on", lambda: ana.patch(path, ana.offset(path), data[ana.offset(path):]).status == 204)
            assert ana.file(path) == data
            server.stop(errors_expected=True)
        disk.fsck()
    finally:
        disk.close()


@pytest.mark.slow_because("it makes thousands of uploads, each of which is flushed")
def test_ten_thousand_open_uploads_are_listed_limited_and_expire(tmp_path):
    count, clock = rounds("open_uploads"), Clock(tmp_path / "clock")
    with Server(tmp_path / "data", "--set", "accounts.max_uploads=%d" % count, "--set", "http.max_connections_per_address=0",
                program=CLOCKED, environment=clock.environment) as server:
        first = sender_of(server)

        def fill(share):
            own = Sender(server, first.token)
            for _ in range(share):
                path = own.create(100)
                assert own.patch(path, 0, b"x").status == 204
        threads = [threading.Thread(target=fill, args=(count // 20,)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert first.ask("POST", UPLOADS, {**TUS, "Upload-Length": "1"}).status == 429
        seen, after = set(), ""
        while True:
            page = server.json("GET", UPLOADS + "?limit=100" + after, None, first.token)[1]
            seen |= {u["id"] for u in page["uploads"]}
            if "next" not in page:
                break
            after = "&after=" + page["next"]
        assert len(seen) == count
        server.stop()
    with Server(tmp_path / "data", program=CLOCKED, environment=clock.environment) as server:
        first.server, first.connection = server, None
        some = UPLOADS + "/" + next(iter(seen))
        assert first.offset(some) == 1
        clock.set_ahead(8 * DAY_MS)
        assert first.ask("HEAD", some).status == 410
        server.stop()
    with Server(tmp_path / "data", program=CLOCKED, environment=clock.environment) as server:  # its jobs run at once
        first.server, first.connection = server, None
        wait_for("them to be removed", lambda: server.cais_json("account", "list")["open_uploads"] == 0, 300)
        grown = os.path.join(str(tmp_path / "data"), "blobs", "growing")
        wait_for("their bytes to be removed", lambda: not any(files for _, _, files in os.walk(grown)), 120)
        server.stop()
    fsck(tmp_path / "data")


@pytest.mark.slow_because("the server is killed and started again and again")
def test_parts_are_put_together_once_although_the_server_is_killed(tmp_path):
    r = random.Random(seed())
    server = Server(tmp_path / "data")
    ana = sender_of(server)
    parts = [r.randbytes(n) for n in (20 * MIB, 1, 30 * MIB + 7)]
    paths = []
    for part in parts:
        paths.append(ana.create(len(part), **{"Upload-Concat": "partial"}))
        assert ana.patch(paths[-1], 0, part).status == 204
    whole = hashlib.md5(b"".join(parts)).hexdigest()
    for _ in range(rounds("compose_kills")):
        answer = ana.ask("POST", UPLOADS, {**TUS, "Upload-Concat": "final;" + " ".join(paths)})
        assert answer.status == 201, answer.said
        path = answer.getheader("Location")
        for _ in range(3):
            threading.Event().wait(r.random() * 0.15)  # allowed: the moment of the kill is random
            server.kill()
            server = Server(tmp_path / "data")
            ana.server, ana.connection = server, None
        wait_for("the parts to be put together", lambda: ana.ask("HEAD", path).getheader("Upload-Offset"))
        assert hashlib.md5(ana.file(path)).hexdigest() == whole
        assert ana.ask("DELETE", path).status == 204
    files = server.json("GET", "/v1/native/files", None, ana.token)[1]["files"]
    assert len(files) == rounds("compose_kills") and {f["md5"] for f in files} == {whole}
    server.stop(errors_expected=True)
    fsck(tmp_path / "data")
