# SPDX-License-Identifier: Apache-2.0
"""Damaged tables of datasets: each fails with an error that names its file, and nothing else fails with it."""
import os
import shutil
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from data_files import INGESTION_S, SETTINGS, Client, expect_rows_once, jobs, lines  # noqa: E402
from serving import Server, fsck, wait_for  # noqa: E402

ROWS = 20000


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A data directory with two schemas that have rows. Returns (its path, client, the name of the file of "sales")."""
    data = tmp_path_factory.mktemp("prepared") / "data"
    with Server(data, *SETTINGS) as server:
        client = Client.add(server)
        for slug in ("sales", "other"):
            client.schema(server, slug)
            client.send(server, slug, "a.jsonl", lines(0, ROWS, pad=20))
            assert client.ended(server, slug, "a.jsonl")["rows"] == ROWS
    names = sorted(n for n in os.listdir(data / "datasets") if n.endswith(".duckdb"))
    return data, client, names[0]


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
    path.write_text("this is no table\n" * 5000)


def replace_header(path):
    with open(path, "r+b") as f:
        f.seek(4096)
        f.write(bytes(8192))


def remove(path):
    path.unlink()


def replace_by_a_folder(path):
    path.unlink()
    path.mkdir()


def add_foreign_log(path):
    (path.parent / (path.name + ".wal")).write_bytes(b"this is no log" * 1000)


@pytest.mark.slow_because("a server for each kind of damage")
@pytest.mark.parametrize("damage", [flip, truncate, empty, replace_by_text, replace_header, remove, replace_by_a_folder],
                         ids=lambda f: f.__name__)
def test_a_damaged_table_fails_alone(prepared, tmp_path, damage):
    data = tmp_path / "data"
    shutil.copytree(prepared[0], data)
    client, path = prepared[1], data / "datasets" / prepared[2]
    damage(path)
    with Server(data, *SETTINGS) as server:
        status, reply = client.query(server, "sales", ["count(*)", "sum(n)", "max(name)"])
        assert status == 500 and reply["message"], (status, reply)
        client.send(server, "sales", "b.jsonl", lines(ROWS, 10))
        client.send(server, "other", "b.jsonl", lines(ROWS, 10))
        assert client.ended(server, "other", "b.jsonl")["rows"] == 10
        expect_rows_once(client, server, "other", range(ROWS + 10))
        job = wait_for("an attempt to fail", lambda: [j for j in jobs(server) if j["error"]], INGESTION_S)[0]
        assert prepared[2] in job["error"] and job["state"] in ("queued", "running"), job
        assert client.file(server, "sales", "b.jsonl")["processing_status"] != "completed"
        server.stop(errors_expected=True)
        failures = [line for line in server.log().splitlines() if '"level":"error"' in line]
        assert len(failures) >= 2 and all(str(path) in line for line in failures), failures
    report = fsck(data, check=False)
    what = {(f["severity"], f["what"], f["subject"]) for f in report["findings"]}
    assert what in ({("error", "the rows are damaged", "dataset:sales")}, {("error", "rows missing", "dataset:sales")}), report

    # The operator puts back a good copy: what was sent meanwhile becomes rows.
    if path.is_dir():
        path.rmdir()
    shutil.copy(prepared[0] / "datasets" / prepared[2], path)
    with Server(data, *SETTINGS) as server:
        assert client.ended(server, "sales", "b.jsonl")["rows"] == 10
        expect_rows_once(client, server, "sales", range(ROWS + 10))
    assert not fsck(data)["findings"]


def test_a_log_that_is_none_is_ignored(prepared, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(prepared[0], data)
    add_foreign_log(data / "datasets" / prepared[2])
    with Server(data, *SETTINGS) as server:
        expect_rows_once(prepared[1], server, "sales", range(ROWS))
    assert not fsck(data)["findings"]


def test_the_log_of_another_time_added_its_rows_again(tmp_path):
    data = tmp_path / "data"
    with Server(data, *SETTINGS) as server:
        client = Client.add(server)
        client.schema(server, "sales")
        client.send(server, "sales", "a.jsonl", lines(0, 10))
        assert client.ended(server, "sales", "a.jsonl")["rows"] == 10
        server.kill()  # the log stays
    log = data / "datasets" / "1.duckdb.wal"
    old = log.read_bytes()
    with Server(data, *SETTINGS) as server:
        expect_rows_once(client, server, "sales", range(10))
    assert not log.exists()
    log.write_bytes(old)
    with Server(data, *SETTINGS) as server:
        assert client.query(server, "sales", ["count(*)"])[0] == 500
        server.stop(errors_expected=True)
        assert "1.duckdb" in server.log() and "log of another time" in server.log()
    assert [f["what"] for f in fsck(data, "--quick", check=False)["findings"]] == ["the rows are damaged"]
