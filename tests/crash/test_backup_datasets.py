# SPDX-License-Identifier: Apache-2.0
"""Backups of datasets: while files are sent and read, and from programs that had none."""
import hashlib
import itertools
import json
import os
import shutil
import sys
import threading

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from data_files import SETTINGS, Client, lines  # noqa: E402
from rounds import rounds  # noqa: E402
from serving import BINARY, Server, fsck, run, wait_for  # noqa: E402
from test_disk_and_clock_faults import make_old_database  # noqa: E402

SLUGS = ("sales", "other")
OPEN_FILES = 12  # of a client that were not processed yet


class Load(threading.Thread):
    """Sends files until stop(). acked: (slug, name, range of the rows) of each that was acknowledged."""

    def __init__(self, client, server, number):
        super().__init__(daemon=True)
        self.client, self.server, self.number = client, server, number
        self.acked, self.problem, self.stopping = [], None, threading.Event()

    def run(self):
        connection = self.server.connect()
        try:
            for i in itertools.count():
                if self.stopping.is_set():
                    break
                self.one(connection, i)
        except BaseException as problem:  # noqa: B902
            self.problem = problem
        finally:
            connection.close()

    def one(self, connection, i):
        first, count = (self.number * 1000 + i) * 10000, (10, 3000, 400)[i % 3]
        slug, name = SLUGS[i % 2], f"{self.number}-{i}.jsonl"
        assert self.client.put(self.server, slug, name, lines(first, count), connection) == 200
        self.acked.append((slug, name, range(first, first + count)))
        if i >= OPEN_FILES:  # so that reading keeps up with sending
            slug, name, _ = self.acked[i - OPEN_FILES]
            self.client.ended(self.server, slug, name)

    def stop(self):
        self.stopping.set()
        self.join(600)
        assert not self.is_alive()
        if self.problem:
            raise self.problem


def expect_restored(client, server, before, sent):
    """Every file is processed, exactly the rows of all files are there, and all files of `before` are."""
    ranges = {(slug, name): what for slug, name, what in sent}
    for slug in SLUGS:
        files = client.all_ended(server, slug)
        names = [f["file_name"] for f in files]
        assert len(set(names)) == len(names)
        assert {name for s, name, _ in before if s == slug} <= set(names)
        assert all((f["processing_status"], f["rows"]) == ("completed", len(ranges[slug, f["file_name"]])) for f in files), files
        expected = sorted(itertools.chain.from_iterable(ranges[slug, name] for name in names))
        assert sorted(n for n, in client.rows(server, slug)) == expected


@pytest.mark.slow_because("backups while files are read")
def test_a_backup_has_the_rows_of_its_records_and_the_rest_is_read_after_the_restore(tmp_path):
    backups, sent = [], []
    with Server(tmp_path / "data", *SETTINGS) as server:
        client = Client.add(server)
        for slug in SLUGS:
            client.schema(server, slug)
        loads = [Load(client, server, i) for i in (1, 2)]
        for load in loads:
            load.start()
        for n in range(rounds("backups_under_load")):
            at_least = sum(len(load.acked) for load in loads) + (8, 1, 3)[n % 3]
            wait_for("some uploads", lambda: sum(len(load.acked) for load in loads) >= at_least or
                     any(load.problem for load in loads), 300)
            before = [file for load in loads for file in list(load.acked)]
            report = server.cais_json("backup", str(tmp_path / f"backup{n}"), "--with-key")
            assert report["objects"] >= len(before)
            backups.append(before)
        for load in loads:
            load.stop()
            sent += load.acked
        expect_restored(client, server, sent, sent)
    assert not fsck(tmp_path / "data")["findings"]
    for n, before in enumerate(backups):
        restored = tmp_path / f"restored{n}"
        run(BINARY, "restore", tmp_path / f"backup{n}", "--data", restored)
        assert not fsck(restored)["findings"]
        with Server(restored, *SETTINGS) as server:
            expect_restored(client, server, before, sent)
            client.send(server, "sales", "new.jsonl", lines(0, 5))
            assert client.ended(server, "sales", "new.jsonl")["rows"] == 5
        assert not fsck(restored)["findings"]


def test_a_schema_that_grows_during_a_backup_is_whole_in_both(tmp_path):
    """Tables do not change while they are copied, and get their columns afterwards."""
    with Server(tmp_path / "data", *SETTINGS) as server:
        client = Client.add(server)
        for i in range(20):
            client.schema(server, f"s{i}")
            client.send(server, f"s{i}", "a.jsonl", lines(0, 500))
        for i in range(20):
            client.ended(server, f"s{i}", "a.jsonl")
        failed = []

        def back_up():
            try:
                server.cais("backup", str(tmp_path / "backup"), "--with-key")
            except AssertionError as problem:
                failed.append(problem)
        thread = threading.Thread(target=back_up)
        thread.start()
        for i in reversed(range(20)):
            fields = {"n": "integer", "name": "string", "price": "decimal", "more": "integer"}
            client.expect(server, 200, "PUT", f"/schemas/s{i}", {"name": f"s{i}", "fields": fields})
            client.send(server, f"s{i}", "b.jsonl", b'{"n":1000,"more":7}\n')
            assert client.rows(server, f"s{i}", ["count(*)", "sum(more)"]) in ([[500, None]], [[501, 7]])
        thread.join(300)
        assert not failed
        for i in range(20):
            assert client.ended(server, f"s{i}", "b.jsonl")["rows"] == 1
            assert client.rows(server, f"s{i}", ["sum(more)"]) == [[7]]
    assert not fsck(tmp_path / "data")["findings"]
    run(BINARY, "restore", tmp_path / "backup", "--data", tmp_path / "restored")
    with Server(tmp_path / "restored", *SETTINGS) as server:
        for i in range(20):
            assert all(f["processing_status"] == "completed" for f in client.all_ended(server, f"s{i}"))
            assert client.count(server, f"s{i}") in (500, 501)
    assert not fsck(tmp_path / "restored")["findings"]


def test_a_backup_without_the_table_of_a_dataset_fails(tmp_path):
    with Server(tmp_path / "data", *SETTINGS) as server:
        client = Client.add(server)
        client.schema(server, "sales")
        client.send(server, "sales", "a.jsonl", lines(0, 10))
        client.ended(server, "sales", "a.jsonl")
    os.unlink(tmp_path / "data" / "datasets" / "1.duckdb")
    done = run(BINARY, "backup", tmp_path / "backup", "--data", tmp_path / "data", check=False)
    assert done.returncode == 1 and "1.duckdb" in done.stderr, done.stderr
    assert not (tmp_path / "backup" / "MANIFEST").exists()


def test_a_backup_whose_rows_are_damaged_or_missing_is_refused(tmp_path):
    with Server(tmp_path / "data", *SETTINGS) as server:
        client = Client.add(server)
        client.schema(server, "sales")
        client.send(server, "sales", "a.jsonl", lines(0, 20000, pad=20))
        client.ended(server, "sales", "a.jsonl")
    run(BINARY, "backup", tmp_path / "whole", "--data", tmp_path / "data")
    (name,) = os.listdir(tmp_path / "whole" / "datasets")
    for how in ("changed", "shorter", "missing"):
        backup, restored = tmp_path / how, tmp_path / (how + "-restored")
        shutil.copytree(tmp_path / "whole", backup)
        path = backup / "datasets" / name
        if how == "changed":
            data = bytearray(path.read_bytes())
            for at in range(len(data) // 4, len(data), len(data) // 20):
                data[at] ^= 255
            path.write_bytes(data)
        elif how == "shorter":
            os.truncate(path, path.stat().st_size // 2)
        else:
            path.unlink()
        done = run(BINARY, "restore", backup, "--data", restored, check=False)
        assert done.returncode == 1 and done.stderr.count("\n") == 1, (how, done.stderr)
        assert not (restored / "cais.db").exists(), how


def test_a_backup_of_a_program_without_datasets_is_restored(tmp_path):
    with Server(tmp_path / "data") as server:
        server.user("ana")
    backup = tmp_path / "backup"
    run(BINARY, "backup", backup, "--data", tmp_path / "data")
    manifest = json.loads((backup / "MANIFEST").read_text())
    assert manifest.pop("datasets") == 0
    shutil.rmtree(backup / "datasets")
    (backup / "cais.db").chmod(0o600)
    (backup / "cais.db").unlink()
    make_old_database(backup / "cais.db", 15)  # the last version without datasets
    manifest["database_sha256"] = hashlib.sha256((backup / "cais.db").read_bytes()).hexdigest()
    (backup / "MANIFEST").write_text(json.dumps(manifest))
    run(BINARY, "restore", backup, "--data", tmp_path / "restored")
    with Server(tmp_path / "restored", *SETTINGS) as server:
        client = Client.add(server)
        client.schema(server, "sales")
        client.send(server, "sales", "a.jsonl", lines(0, 10))
        assert client.ended(server, "sales", "a.jsonl")["rows"] == 10
    assert not fsck(tmp_path / "restored")["findings"]
