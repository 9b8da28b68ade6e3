# SPDX-License-Identifier: Apache-2.0
"""A flush of the database fails once. The server takes no more writes, says so, and goes on reading. The next start moves what is
good to new blocks, and everything that was acknowledged is there."""
import concurrent.futures
import hashlib
import os
import sys
import urllib.request

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from serving import BINARY, Server, clean_environment, fsck, run, wait_for  # noqa: E402

FAILING = os.path.join(os.path.dirname(os.path.realpath(BINARY)), "tests", "support", "cais-failing")


class Place:
    """A data directory whose flushes fail on command."""

    def __init__(self, folder):
        self.data, self.order = folder / "data", folder / "order"
        self.environment = {"CAIS_TEST_FAIL_FLUSH": str(self.order)}

    def start(self, *arguments):
        return Server(self.data, *arguments, program=FAILING, environment=self.environment)

    def fail_next_flush(self, name):
        new = self.order.with_suffix(".new")
        new.write_text("/" + name)
        new.rename(self.order)

    def is_marked(self):
        return sorted(p.name for p in self.data.iterdir() if "distrusted" in p.name or "cop" in p.name)

    def fsck(self):
        return fsck(self.data, program=FAILING, env=clean_environment(**self.environment))


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


class Kept:
    """The files that were acknowledged: {id: digest}."""

    def __init__(self):
        self.files = {}

    def put(self, server, user, size, expected=201):
        data = os.urandom(size)
        status, file = server.put(user.native, "f", data)
        assert status == expected, file
        if status == 201:
            self.files[file["id"]] = hashlib.md5(data).digest()
        return file

    def put_many(self, server, user, size, count):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: self.put(server, user, size), range(count)))

    def expect_all(self, server, user):
        for id_, digest in self.files.items():
            status, data = server.get(user.native, "/v1/native/files/" + id_)
            assert status == 200 and hashlib.md5(data).digest() == digest


def metric(server, name):
    with urllib.request.urlopen(server.url + "/metrics", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    return int(next(line for line in lines if line.startswith(name + " ")).split()[1])


def flush_lines(server):
    return [line for line in server.log().splitlines() if '"msg":"a flush failed"' in line]


def expect_reads_only(server, user, kept, file):
    status, answer = server.json("GET", "/health")
    assert (status, answer["status"], answer["stores"]["metadata"]["status"]) == (503, "flush_failed", "flush_failed")
    assert answer["stores"]["blobs"]["status"] == "ok"
    assert metric(server, "cais_store_flush_failed") == 1 and metric(server, "cais_up") == 1
    for size in (0, 100, 100000):
        answer = kept.put(server, user, size, expected=503)
        assert answer["error"]["code"] == "unavailable", answer
    assert server.upload(user.token, "f", b"x")[0] == 503
    first = next(iter(kept.files))
    assert server.json("DELETE", "/v1/native/files/" + first, None, user.native)[0] == 503
    assert server.cais("user", "add", "late", check=False).returncode == 1
    kept.expect_all(server, user)
    assert len(server.json("GET", "/v1/native/files", None, user.native)[1]["files"]) > 0
    lines = flush_lines(server)
    assert len(lines) == 1 and file in lines[0] and "Input/output error" in lines[0] and "restart" in lines[0], lines
    for secret in (user.native, user.key, user.token):
        assert secret not in server.log()


def expect_recovered(place, user, kept):
    with place.start() as server:
        assert server.log().count("what a failed flush left is on new blocks") == 1
        assert server.json("GET", "/health")[1]["status"] == "ok"
        assert metric(server, "cais_store_flush_failed") == 0
        assert place.is_marked() == []
        kept.expect_all(server, user)
        kept.put_many(server, user, 4096, 20)
        kept.put(server, user, 100000)
        kept.expect_all(server, user)
    place.fsck()
    with place.start() as server:
        assert "new blocks" not in server.log()
        kept.expect_all(server, user)


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_d1_after_a_failed_flush_of_the_log_the_server_only_reads_until_a_restart(place, end):
    kept = Kept()
    with place.start() as server:
        user = server.user("ana")
        user.token = server.login(user)
        kept.put_many(server, user, 4096, 20)
        kept.put(server, user, 100000)
        place.fail_next_flush("cais.db-wal")
        kept.put(server, user, 4096, expected=503)
        expect_reads_only(server, user, kept, "cais.db-wal")
        assert place.is_marked() == ["cais.db-wal-distrusted"]
        if end == "kill":
            server.kill()
        else:
            server.stop(errors_expected=True)
    assert os.path.getsize(place.data / "cais.db-wal") > 0
    expect_recovered(place, user, kept)


def test_d1_after_a_failed_flush_in_a_checkpoint_the_next_start_copies_the_database(place):
    kept = Kept()
    with place.start() as server:
        user = server.user("ana")
        user.token = server.login(user)
        place.fail_next_flush("cais.db")
        while place.order.exists():  # until 16 MiB of log are copied into the database
            status = []
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                for id_, digest, answer in pool.map(lambda _: put_random(server, user), range(100)):
                    status.append(answer)
                    if answer == 201:
                        kept.files[id_] = digest
            assert set(status) <= {201, 503}
        wait_for("the failed flush to be noticed", lambda: flush_lines(server))
        expect_reads_only(server, user, kept, "cais.db")
        assert place.is_marked() == ["cais.db-distrusted"]
        before = os.stat(place.data / "cais.db").st_ino
        server.stop(errors_expected=True)
    expect_recovered(place, user, kept)
    assert os.stat(place.data / "cais.db").st_ino != before


def put_random(server, user):
    data = os.urandom(16000)
    status, file = server.put(user.native, "f", data)
    return file.get("id"), hashlib.md5(data).digest(), status


def test_d1_a_failed_flush_while_the_server_stops_is_made_good_by_the_next_start(place):
    kept = Kept()
    with place.start() as server:
        user = server.user("ana")
        kept.put_many(server, user, 4096, 20)
        place.fail_next_flush("cais.db")
        server.stop(errors_expected=True)
        assert len(flush_lines(server)) == 1
    assert place.is_marked() == ["cais.db-distrusted"]
    expect_recovered(place, user, kept)


def test_d1_a_copy_that_cannot_be_made_keeps_the_server_from_starting(place):
    kept = Kept()
    with place.start() as server:
        user = server.user("ana")
        kept.put_many(server, user, 4096, 20)
        place.fail_next_flush("cais.db")
        server.stop(errors_expected=True)
    place.fail_next_flush("cais.db-copy")
    done = run(FAILING, "serve", "--data", place.data, "--listen", "127.0.0.1:0", check=False,
               env=clean_environment(**place.environment))
    assert done.returncode == 1 and "nothing was changed" in done.stderr and "restore a backup" in done.stderr
    assert "cais.db-distrusted" in place.is_marked()
    expect_recovered(place, user, kept)


def test_d1_a_failed_flush_of_a_blob_fails_one_upload_and_leaves_no_bytes(place):
    kept = Kept()
    with place.start() as server:
        user = server.user("ana")
        kept.put(server, user, 100000)
        place.order.write_text("(deleted)")  # a blob has no name until it was flushed
        kept.put(server, user, 100000, expected=503)
        assert not place.order.exists()
        assert server.json("GET", "/health")[1]["stores"]["blobs"]["status"] == "failing"
        wait_for("/health to report ok", lambda: server.json("GET", "/health")[1]["status"] == "ok")
        kept.put(server, user, 100000)
        kept.expect_all(server, user)
        assert sum(len(names) for _, _, names in os.walk(place.data / "blobs")) == len(kept.files)
        server.stop(errors_expected=True)
    place.fsck()


def test_a_start_flushes_the_name_of_a_directory_that_a_killed_start_made(place):
    place.data = place.data.parent / "outer" / "data"
    place.data.mkdir(parents=True)
    for unflushed in ("outer", place.data.parent.parent.name):
        place.fail_next_flush(unflushed)
        done = run(FAILING, "init", "--data", place.data, check=False, env=clean_environment(**place.environment))
        assert done.returncode == 1 and "Input/output error" in done.stderr, done.stderr
        assert not place.order.exists()
    with place.start() as server:
        server.user("ana")
