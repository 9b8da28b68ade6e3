# SPDX-License-Identifier: Apache-2.0
"""Backups of records while sync files are imported, and sets of records that are damaged or of another time."""
import os
import random
import shutil
import sqlite3
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from rounds import seed  # noqa: E402
from serving import BINARY, Server, fsck, run, wait_for  # noqa: E402
from sync_files import (BUCKETS, IMPORT_S, Client, Model, bytes_of, copy_of, numbers_of, random_rows, records_of,  # noqa: E402
                        set_paths)

KEYS = 3000


class Work:
    """Files of random rows for both buckets, sent and not yet imported, and what their imports must make."""

    def __init__(self, client, server, count, rows):
        rng = random.Random(seed())
        self.client, self.files, self.models = client, [], {bucket: Model() for bucket in BUCKETS}
        for i in range(count):
            bucket, these = BUCKETS[i % 3 == 2], random_rows(rng, rows, KEYS)
            file = client.send(server, "a.cc5txt", bytes_of(these), bucket)
            self.files.append((file, bucket, self.models[bucket].apply(these)))

    def start(self, server):
        for file, bucket, _ in self.files:
            self.client.start(server, file, bucket)

    def expect_done(self, server):
        for file, bucket, numbers in self.files:
            assert numbers_of(self.client.ended(server, file, bucket)) == numbers

    def expect_records(self, data):
        for bucket, model in self.models.items():
            assert records_of(data, bucket) == model.records, bucket
        assert not fsck(data)["findings"]


def unfinished(data):
    """The numbers of sync files whose imports wait, and run. No server runs on the directory."""
    with sqlite3.connect(os.path.join(data, "cais.db")) as database:
        states = [state for state, in database.execute("SELECT state FROM sync_files")]
    database.close()
    return states.count(2), states.count(3)


@pytest.mark.slow_because("two backups while files are imported, and a kill")
def test_imports_go_on_from_a_backup_and_after_a_kill_and_end_with_the_same_records(tmp_path):
    data, backups = str(tmp_path / "data"), []
    server = Server(data)
    try:
        client = Client.add(server)
        work = Work(client, server, 6, 20000)
        work.start(server)
        for moment in (0, 1):  # at once, and when a file was imported
            file, bucket, _ = work.files[0]
            wait_for("the moment", lambda: not moment or client.file(server, file, bucket)["Status"] == "importedwitherrors",
                     IMPORT_S)
            report = server.cais_json("backup", str(tmp_path / f"backup{moment}"), "--with-key")
            assert report["record_sets"] <= 2
            backups.append(tmp_path / f"backup{moment}")
    finally:
        server.kill()
    for n, backup in enumerate(backups):
        restored = str(tmp_path / f"restored{n}")
        run(BINARY, "restore", backup, "--data", restored)
        assert not fsck(restored)["findings"]
        waiting, running = unfinished(restored)
        print("backup %d: %d wait, %d run" % (n, waiting, running))
        assert n or waiting + running, "the first backup came too late"
        with Server(restored) as server:
            work.expect_done(server)
        work.expect_records(restored)
    with Server(data) as server:  # the one that was killed
        work.expect_done(server)
    work.expect_records(data)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A data directory with imported records in both buckets. Returns (its path, client, work)."""
    data = str(tmp_path_factory.mktemp("prepared") / "data")
    with Server(data) as server:
        client = Client.add(server)
        work = Work(client, server, 3, 3000)
        work.start(server)
        work.expect_done(server)
    return data, client, work


def flip(path):
    size = os.path.getsize(path)
    with open(path, "r+b") as f:
        for at in range(size // 4, size - 1000, size // 20):
            f.seek(at)
            was = f.read(64)
            f.seek(at)
            f.write(bytes(b ^ 0xff for b in was))


def truncate(path):
    os.truncate(path, os.path.getsize(path) // 2)


def empty(path):
    os.truncate(path, 0)


def replace_by_text(path):
    with open(path, "w") as f:
        f.write("this is no set\n" * 5000)


def replace_header(path):
    with open(path, "r+b") as f:
        f.write(bytes(4096))


def remove(path):
    os.unlink(path)


def replace_by_a_folder(path):
    os.unlink(path)
    os.mkdir(path)


DAMAGES = [flip, truncate, empty, replace_by_text, replace_header, remove, replace_by_a_folder]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda f: f.__name__)
def test_fsck_and_backup_name_a_damaged_set(prepared, tmp_path, damage):
    data = copy_of(prepared[0], tmp_path)
    path = set_paths(data)["B"]
    damage(path)
    (finding,) = fsck(data, check=False)["findings"]
    what = "records missing" if damage is remove else "the records are damaged"
    assert (finding["severity"], finding["what"], finding["subject"]) == ("error", what, "records:W/B/cc-family"), finding
    number = os.path.basename(path)[:-len(".db")]
    assert "set " + number in finding["detail"] if damage is remove else path in finding["detail"], finding
    done = run(BINARY, "backup", tmp_path / "backup", "--data", data, check=False)
    assert done.returncode == 1 and done.stderr.startswith("cais backup: "), done.stderr
    assert all("integrity check: " in line for line in done.stderr.splitlines()[1:]), done.stderr
    assert any(name in done.stderr for name in (path, f"number {number}", f"set {number}")), done.stderr
    assert not (tmp_path / "backup" / "MANIFEST").exists()


def test_a_damaged_set_fails_alone_and_works_again_when_a_good_one_is_put_back(prepared, tmp_path):
    data, client = copy_of(prepared[0], tmp_path), prepared[1]
    path = set_paths(data)["B"]
    replace_by_text(path)
    rows = [("put", "new", "n", 1)]
    with Server(data) as server:
        files = [(client.send(server, "b.cc5txt", bytes_of(rows), bucket), bucket) for bucket in BUCKETS]
        for file, bucket in files:
            client.start(server, file, bucket)
        assert client.ended(server, *files[1])["Status"] == "imported"
        wait_for("an attempt to fail", lambda: path in server.log())
        assert client.file(server, *files[0])["Status"] == "processing"
        server.stop(errors_expected=True)
    shutil.copy(set_paths(prepared[0])["B"], path)
    with Server(data) as server:
        assert client.ended(server, *files[0])["Status"] == "imported"
    for bucket in BUCKETS:
        model = Model(prepared[2].models[bucket].records)
        model.apply(rows)
        assert records_of(data, bucket) == model.records
    assert not fsck(data)["findings"]


def test_a_database_that_is_older_than_the_records_is_noticed(tmp_path):
    data, old = str(tmp_path / "data"), tmp_path / "old.db"
    with Server(data) as server:
        client = Client.add(server)
        early = Work(client, server, 3, 100)
    shutil.copy(os.path.join(data, "cais.db"), old)
    with Server(data) as server:
        early.start(server)
        early.expect_done(server)
    newer = {bucket: records_of(data, bucket) for bucket in BUCKETS}
    paths = set_paths(data)
    shutil.copy(old, os.path.join(data, "cais.db"))
    findings = fsck(data, check=False)["findings"]
    assert [f["what"] for f in findings] == ["records that no row names"] * 2, findings
    with Server(data) as server:  # a set gets a number that has a file
        file, bucket, _ = early.files[0]
        client.start(server, file, bucket)
        wait_for("an attempt to fail", lambda: "the database is older than it" in server.log())
        server.stop(errors_expected=True)
    assert "records of another time" in [f["what"] for f in fsck(data, check=False)["findings"]]
    for bucket in BUCKETS:  # nobody has changed them
        with sqlite3.connect(paths[bucket]) as database:
            assert database.execute("SELECT COUNT(*) FROM records").fetchone() == (len(newer[bucket]),)
        database.close()
