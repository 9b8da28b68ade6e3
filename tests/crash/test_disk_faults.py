# SPDX-License-Identifier: Apache-2.0
"""A disk that fails (tests/support/faults.py): for each kind of file an error once and for ever, no space, a torn write, and a flush
that was dropped before the power failed. Nothing that was acknowledged is lost, and /health, the metrics and the log say what
happened. Dropped flushes must be found: they show that these tests would notice a server that forgets one."""
import os
import random
import subprocess
import sys
import time
import urllib.request

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "clients"))
import data_files  # noqa: E402
import sync_files  # noqa: E402
from faults import Faults, rule  # noqa: E402
from ports import free_port  # noqa: E402
from serving import BINARY, Server, clean_environment, fsck, run, wait_for  # noqa: E402
from test_disk_and_clock_faults import MIB, SmallDisk  # noqa: E402

SMALL, LARGE = 1000, 50000


class Place:
    """A data directory on a disk that fails on command, and the files that were acknowledged: {id: bytes}."""

    def __init__(self, folder, keeps=False):
        self.data = folder / "data"
        self.faults = Faults(folder / "faults", self.data, keeps)
        self.kept, self.rng = {}, random.Random(1)

    def start(self, *arguments):
        return Server(self.data, *arguments, environment=self.faults.environment)

    def put(self, server, user, size):
        data = self.rng.randbytes(size)
        status, file = server.put(user.native, "f", data)
        if status == 201:
            self.kept[file["id"]] = data
        return status

    def put_some(self, server, user, count=3):
        return [self.put(server, user, size) for _ in range(count) for size in (SMALL, LARGE)]

    def lost(self, server, user):
        return [id_ for id_, data in self.kept.items()
                if server.get(user.native, "/v1/native/files/" + id_) != (200, data)]

    def fsck(self):
        return fsck(self.data, env=clean_environment(**self.faults.environment))


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.fixture
def powered(tmp_path):
    return Place(tmp_path, keeps=True)


def health(server):
    status, answer = server.json("GET", "/health")
    assert (status == 200) == (answer["status"] == "ok")
    return answer["status"]


def stores(server):
    answer = server.json("GET", "/health")[1]["stores"]
    return answer["metadata"]["status"], answer["blobs"]["status"]


def last_failures(server):
    return [store.get("last_failure_at") for _, store in sorted(server.json("GET", "/health")[1]["stores"].items())]


def metrics(server):
    with urllib.request.urlopen(server.url + "/metrics", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


def expect_line(server, text):
    """Exactly one line of the log has this text; a thread writes the log."""
    def lines():
        return [line for line in server.log().splitlines() if text in line]
    wait_for("a line of the log: " + text, lines)
    assert len(lines()) == 1, lines()


# ── /health


@pytest.mark.parametrize("what, lines", [("read_only", ["read_only"]), ("failing", [rule("any", "write", "EIO")]),
                                         ("full", ["room 0"])])
def test_d3_health_tells_the_truth_about_the_disk_and_recovers_by_itself(place, what, lines):
    with place.start("--set", "storage.reserve_free_space=8M") as server:
        user = server.user("ana")
        assert set(place.put_some(server, user)) == {201}
        assert health(server) == "ok"
        place.faults.set(*lines)
        if what == "full":  # free space is looked up once a second
            wait_for("/health to notice", lambda: health(server) == what)
        for size in (LARGE, LARGE, 16000, 16000, 16000, 16000):
            assert place.put(server, user, size) in (503, 507)
        assert health(server) == what
        assert stores(server)[1] == what
        now = metrics(server)
        assert now['cais_store_writes_failing{store="blobs"}'] == str(int(what != "full"))  # full: none was tried
        assert (now["cais_store_read_only"], now["cais_store_full"]) == (str(int(what == "read_only")), str(int(what == "full")))
        assert place.lost(server, user) == []  # reading goes on
        if what != "full":
            before = last_failures(server)
            wait_for("/health to try again, and to fail", lambda: last_failures(server) != before)
        assert health(server) == what
        place.faults.heal()
        wait_for("/health to report ok", lambda: health(server) == "ok", 20)  # nobody uploads
        assert set(place.put_some(server, user)) == {201}
        bad, good = ("uploads are refused", "the disk has space again") if what == "full" else ("writes of blobs fail", '"store":"blobs"')
        expect_line(server, bad)
        expect_line(server, good)
        now = metrics(server)
        assert (now["cais_store_read_only"], now["cais_store_full"], now['cais_store_writes_failing{store="blobs"}']) == ("0", "0", "0")
        server.stop(errors_expected=True)
    place.fsck()


def test_d3_an_idle_server_notices_that_its_disk_became_read_only(place):
    with place.start() as server:
        assert health(server) == "ok"
        place.faults.set("read_only")
        assert health(server) == "read_only"
        place.faults.set(rule("blob", "flush", "EIO"))
        wait_for("/health to try a write", lambda: health(server) == "failing", 30)
        place.faults.heal()
        wait_for("/health to report ok", lambda: health(server) == "ok", 20)
        server.stop(errors_expected=True)


# ── a disk without a byte


def make_room(server, user, place):
    first = next(iter(place.kept))
    status = server.json("DELETE", "/v1/native/files/" + first, None, user.native)[0]
    assert status in (200, 204), (status, server.log())
    del place.kept[first]


def test_d4_a_server_and_fsck_start_without_a_byte_left(place):
    with place.start() as server:
        user = server.user("ana")
        place.put_some(server, user)
    place.faults.set("room 0")
    place.fsck()
    place.faults.heal()
    with place.start() as server:  # makes the ballast again
        assert health(server) == "ok"
    place.faults.set("room 0")
    with place.start("--set", "storage.reserve_free_space=8M") as server:
        assert health(server) == "full"
        assert metrics(server)["cais_store_full"] == "1"
        expect_line(server, "the ballast was given up")
        expect_line(server, "uploads are refused")
        assert place.lost(server, user) == []
        assert place.put(server, user, LARGE) == 507
        make_room(server, user, place)
        place.faults.heal()
        wait_for("/health to report ok", lambda: health(server) == "ok", 20)
        assert place.put(server, user, LARGE) == 201
        assert os.path.getsize(place.data / "ballast") == 4 * MIB
        server.stop(errors_expected=True)
    place.fsck()


def test_d4_the_ballast_is_given_up_when_the_disk_fills_up_under_a_running_server(place):
    with place.start() as server:
        user = server.user("ana")
        place.put_some(server, user)
        place.faults.set("room 0")
        wait_for("the ballast to be given up", lambda: place.put(server, user, 16000) != 201 and not
                 (place.data / "ballast").exists())
        make_room(server, user, place)
        assert place.lost(server, user) == []
        place.faults.heal()
        wait_for("the ballast to be made again", lambda: health(server) and (place.data / "ballast").exists(), 20)
        server.stop(errors_expected=True)


def test_d4_a_killed_server_starts_without_a_byte_and_without_a_ballast(place):
    with place.start() as server:
        user = server.user("ana")
        place.put_some(server, user)
        server.kill()
    os.unlink(place.data / "ballast")
    place.faults.set("room 0")
    address = ("127.0.0.1", free_port())
    with open(place.data.parent / "full.log", "wb") as log:
        process = subprocess.Popen([BINARY, "serve", "--data", place.data, "--listen", "%s:%d" % address],
                                   env=clean_environment(**place.faults.environment), stderr=log)
    try:
        server.address = address

        def answers():
            assert process.poll() is None, (place.data.parent / "full.log").read_text()
            try:
                return health(server)
            except OSError:
                return None
        assert wait_for("the server", answers) == "full"
        assert place.lost(server, user) == []
    finally:
        process.terminate()
        assert process.wait(60) == 0


def test_d4_a_real_disk_without_a_byte(tmp_path):
    disk = SmallDisk(tmp_path, 48 * MIB)
    try:
        with disk.start() as server:
            user = server.user("ana")
            status, file = server.put(user.native, "f", b"x" * LARGE)
            assert status == 201
        disk.fill(leave=0)
        with disk.start("--set", "storage.reserve_free_space=8M") as server:
            assert health(server) == "full"
            assert server.get(user.native, "/v1/native/files/" + file["id"]) == (200, b"x" * LARGE)
            assert server.json("DELETE", "/v1/native/files/" + file["id"], None, user.native)[0] in (200, 204)
            disk.make_room()
            wait_for("the ballast", lambda: health(server) == "ok" and os.path.exists(disk.outside(disk.data / "ballast")))
            server.stop(errors_expected=True)
        disk.fill(leave=0)
        disk.fsck()
    finally:
        disk.close()


# ── each kind of file


CALLS = [("log", "write"), ("log", "flush"), ("blob", "write"), ("blob", "flush"), ("blob", "open"), ("folder", "flush"),
         ("folder", "name")]
ERRORS = [(kind, call, action, count) for kind, call in CALLS for action, count in (("EIO", 1), ("EIO", 0), ("ENOSPC", 0))]


@pytest.mark.parametrize("kind, call, action, count", [*ERRORS, ("log", "write", "tear", 1), ("blob", "write", "tear", 1)])
def test_d1_nothing_acknowledged_is_lost_by_an_error(powered, kind, call, action, count):
    with powered.start() as server:
        user = server.user("ana")
        assert set(powered.put_some(server, user)) == {201}
        powered.faults.set(rule(kind, call, action, 0, count))
        status = powered.put_some(server, user)
        assert set(status) <= {201, 503, 507} and set(status) != {201}, status
        assert (201 in status) == (kind != "log" or (call == "write" and count > 0)), status  # rows need no blob
        assert powered.faults.hits()[f"{kind} {call}"] >= 1
        store = "metadata" if kind == "log" else "blobs"
        state = health(server)
        if (kind, call) == ("log", "flush"):
            assert state == "flush_failed"
            expect_line(server, "a flush failed")
        elif count == 0:
            assert state == ("full" if action == "ENOSPC" else "failing")
            assert metrics(server)['cais_store_writes_failing{store="%s"}' % store] == "1"
        assert int(metrics(server)['cais_store_write_failures_total{store="%s"}' % store]) >= 1
        expect_line(server, "writes of records fail" if kind == "log" else "writes of blobs fail")
        powered.faults.heal()
        if state != "flush_failed":
            wait_for("/health to report ok", lambda: health(server) == "ok", 20)
            assert set(powered.put_some(server, user)) == {201}
        assert powered.lost(server, user) == []
        server.kill()
    powered.faults.cut_power()
    with powered.start() as server:
        assert powered.lost(server, user) == []
        assert set(powered.put_some(server, user)) == {201}
        assert powered.lost(server, user) == []
    powered.fsck()


@pytest.mark.parametrize("call, action", [("write", "EIO"), ("write", "ENOSPC"), ("write", "tear"), ("flush", "EIO"), ("cut", "EIO")])
def test_d1_nothing_acknowledged_is_lost_by_an_error_of_the_database_file(powered, call, action):
    with powered.start() as server:
        user = server.user("ana")
        powered.put_some(server, user)
        powered.faults.set(rule("database", call, action))
        server.stop(errors_expected=True)  # copies the log into the database
    if call != "cut":
        assert powered.faults.hits()["database " + call] >= 1
    powered.faults.heal()
    powered.faults.cut_power()
    with powered.start() as server:
        assert powered.lost(server, user) == []
        assert set(powered.put_some(server, user)) == {201}
    powered.fsck()


def start_or_why(place):
    try:
        return place.start()
    except AssertionError as e:
        return str(e)


@pytest.mark.parametrize("dropped, unflushed", [(None, "lost"), (None, "mixed"), ("log", "lost"), ("blob", "lost"), ("folder", "lost"),
                                                ("database", "names")])
def test_a_dropped_flush_is_found_after_a_power_failure_and_nothing_else_is(powered, dropped, unflushed):
    with powered.start() as server:
        user = server.user("ana")
        powered.put_some(server, user)
        if dropped:
            powered.faults.set(rule(dropped, "flush", "drop"))
        assert set(powered.put_some(server, user)) == {201}
        if dropped == "database":
            server.stop()
        else:
            server.kill()
    powered.faults.heal()
    powered.faults.cut_power(unflushed, random.Random(2))
    server = start_or_why(powered)
    lost = list(powered.kept) if isinstance(server, str) else powered.lost(server, user)
    if not isinstance(server, str):
        server.stop(errors_expected=bool(dropped))
    assert bool(lost) == bool(dropped), (lost, server)
    if not dropped:
        powered.fsck()


def test_short_writes_and_slow_flushes_lose_nothing(powered):
    with powered.start() as server:
        user = server.user("ana")
        powered.faults.set(rule("blob", "write", "short", 0, 2), rule("log", "flush", "delay=300", 0, 1))
        began = time.monotonic()
        assert powered.put_some(server, user) == [201] * 6
        assert time.monotonic() - began >= 0.3
        assert powered.lost(server, user) == []
        assert health(server) == "ok"
        server.kill()
    assert powered.faults.hits() == {"blob write": 2, "log flush": 1}
    powered.faults.cut_power()
    with powered.start() as server:
        assert powered.lost(server, user) == []


# ── the key


@pytest.mark.parametrize("call, action", [("write", "EIO"), ("write", "ENOSPC"), ("write", "tear"), ("flush", "EIO"), ("open", "EIO")])
def test_d1_a_key_that_could_not_be_written_is_made_by_the_next_start(powered, call, action):
    powered.faults.set(rule("key", call, action))
    done = run(BINARY, "serve", "--data", powered.data, "--listen", "127.0.0.1:0", check=False,
               env=clean_environment(**powered.faults.environment))
    assert done.returncode == 1 and "master.key" in done.stderr, done.stderr
    assert not (powered.data / "master.key").exists()
    powered.faults.heal()
    powered.faults.cut_power()
    with powered.start() as server:
        user = server.user("ana")
        server.cais_json("key", "add", "ana", "--for", "s3")
        powered.put_some(server, user)
        key = (powered.data / "master.key").read_bytes()
        server.kill()
    powered.faults.cut_power()
    with powered.start() as server:
        assert (powered.data / "master.key").read_bytes() == key
        assert powered.lost(server, user) == []
    powered.fsck()


# ── records of sync files, and rows of datasets


@pytest.mark.parametrize("call, action, count", [("write", "EIO", 1), ("write", "EIO", 0), ("write", "ENOSPC", 0), ("write", "tear", 1),
                                                 ("flush", "EIO", 1), ("flush", "EIO", 0)])
def test_d1_records_of_a_finished_import_are_not_lost(powered, call, action, count):
    model = sync_files.Model()
    first, second = (sync_files.random_rows(powered.rng, 300, 100) for _ in range(2))
    with powered.start() as server:
        client = sync_files.Client.add(server)
        ids = [client.send(server, "f%d.cc5" % i, sync_files.bytes_of(rows)) for i, rows in enumerate((first, second))]
        client.start(server, ids[0])
        client.ended(server, ids[0])
        model.apply(first)
        powered.faults.set(rule("records", call, action, 0, count))
        client.start(server, ids[1])
        wait_for("the fault", lambda: powered.faults.hits().get("records " + call))
        powered.faults.heal()
        server.kill() if powered.rng.random() < 0.5 else server.stop(errors_expected=True)
    powered.faults.cut_power()
    with powered.start() as server:
        if client.ended(server, ids[1])["Status"] != "failed":
            model.apply(second)
        server.kill()
    powered.faults.cut_power()
    with powered.start() as server:
        client.ended(server, ids[1])
        server.stop(errors_expected=True)
    assert sync_files.records_of(powered.data) == model.records
    powered.fsck()


@pytest.mark.parametrize("call, action, count", [("write", "EIO", 1), ("write", "ENOSPC", 3), ("flush", "EIO", 1)])
def test_d1_rows_of_a_processed_file_are_not_lost(powered, call, action, count):
    with powered.start(*data_files.SETTINGS) as server:
        client = data_files.Client.add(server)
        client.schema(server, "s")
        client.send(server, "s", "a.jsonl", data_files.lines(0, 300))
        client.ended(server, "s", "a.jsonl")
        powered.faults.set(rule("rows", call, action, 0, count))
        client.send(server, "s", "b.jsonl", data_files.lines(300, 300))
        wait_for("the fault", lambda: powered.faults.hits().get("rows " + call))
        powered.faults.heal()
        ended = client.ended(server, "s", "b.jsonl")
        server.kill()
    powered.faults.cut_power()
    with powered.start(*data_files.SETTINGS) as server:
        again = client.ended(server, "s", "b.jsonl")
        assert again["processing_status"] == ended["processing_status"]
        rows = 600 if ended["processing_status"] == "completed" else 300
        data_files.expect_rows_once(client, server, "s", range(rows))
        server.stop(errors_expected=True)
    powered.fsck()
