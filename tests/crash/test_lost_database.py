# SPDX-License-Identifier: Apache-2.0
"""A data directory without its database: no command creates a new database beside the remaining files."""
import hashlib
import os
import sqlite3
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from serving import BINARY, Server, run  # noqa: E402


def all_files(data):
    """Returns {relative path: digest} of all files except the lock, and sockets."""
    found = {}
    for folder, _, names in os.walk(data):
        for name in names:
            path = os.path.join(folder, name)
            if name not in ("lock", "cais.db-shm") and os.path.isfile(path):
                with open(path, "rb") as f:
                    found[os.path.relpath(path, data)] = hashlib.md5(f.read()).hexdigest()
    return found


@pytest.fixture
def stored(tmp_path):
    """A data directory with one blob, and the server stopped."""
    data = tmp_path / "data"
    with Server(data) as server:
        user = server.user("ana")
        server.put(user.native, "large.bin", b"x" * 100000)
    return data


def lose_file(data):
    for name in ("cais.db", "cais.db-wal", "cais.db-shm"):
        (data / name).unlink(missing_ok=True)


def lose_contents(data):
    lose_file(data)
    (data / "cais.db").touch()


def lose_log(data):
    """The whole history stood in the log: the database itself is one page without tables."""
    lose_file(data)
    with sqlite3.connect(data / "cais.db") as db:
        db.execute("PRAGMA journal_mode = WAL")
    db.close()
    for name in ("cais.db-wal", "cais.db-shm"):
        (data / name).unlink(missing_ok=True)


@pytest.mark.parametrize("lose", [lose_file, lose_contents, lose_log])
def test_d2_no_database_is_made_over_blobs(stored, lose):
    lose(stored)
    before = all_files(stored)
    for command in (["serve", "--listen", "127.0.0.1:0"], ["fsck"], ["fsck", "--repair"], ["user", "list"]):
        done = run(BINARY, *command, "--data", stored, check=False)
        assert done.returncode == 1, (command, done.stderr)
        assert str(stored) in done.stderr and "is missing or empty" in done.stderr and "cais restore" in done.stderr
    after = all_files(stored)
    after.pop("cais.db-wal", None)  # opening an empty database makes an empty log
    assert after == before


def test_a_master_key_alone_shows_that_there_was_a_database(stored):
    lose_file(stored)
    for shard in (stored / "blobs").iterdir():
        for blob in shard.iterdir():
            blob.unlink()
    done = run(BINARY, "user", "list", "--data", stored, check=False)
    assert done.returncode == 1 and "is missing or empty" in done.stderr
    assert not (stored / "cais.db").exists()


@pytest.mark.parametrize("left", [[], ["lock"], ["lock", "cais.db"]])
def test_a_start_completes_a_first_start_that_was_killed(tmp_path, left):
    data = tmp_path / "data"
    data.mkdir()
    (data / "blobs").mkdir()
    (data / "blobs" / "00").mkdir()
    for name in left:
        (data / name).touch()
    with Server(data) as server:
        server.user("ana")
    assert (data / "master.key").exists()


def test_a_new_beginning_is_possible_after_moving_the_rest_away(stored):
    lose_file(stored)
    (stored / "blobs").rename(stored.parent / "blobs")
    (stored / "master.key").rename(stored.parent / "master.key")
    with Server(stored) as server:
        server.user("ana")


@pytest.mark.parametrize("mounted", [None, [], ["lost+found"]])
def test_d2_no_blob_store_is_made_for_a_database_that_names_blobs(stored, mounted):
    """As when the file system of the blobs is not mounted: a server took new files into the folder below it, and /health said ok."""
    kept = stored.parent / "kept"
    (stored / "blobs").rename(kept)
    for name in mounted or []:
        (stored / "blobs" / name).mkdir(parents=True)
    if mounted == []:
        (stored / "blobs").mkdir()
    before = sorted(os.walk(stored / "blobs"))
    for command in (["serve", "--listen", "127.0.0.1:0"], ["fsck", "--repair"], ["user", "list"]):
        done = run(BINARY, *command, "--data", stored, check=False)
        assert done.returncode == 1, (command, done.stderr)
        assert str(stored / "blobs") in done.stderr and "mounted" in done.stderr and "cais salvage" in done.stderr
    assert sorted(os.walk(stored / "blobs")) == before
    done = run(BINARY, "salvage", stored.parent / "out", "--data", stored, check=False)
    assert done.returncode == 1 and '"name":"large.bin"' in (stored.parent / "out" / "list.jsonl").read_text()
    (stored / "blobs" / "00").mkdir(parents=True)  # a person goes on without them
    with Server(stored) as server:
        server.user("bea")
    done = run(BINARY, "fsck", "--data", stored, check=False)
    assert done.returncode == 1 and "bytes missing" in done.stdout and "large.bin" in done.stdout


def test_a_shard_that_is_no_folder_is_named(stored):
    shard = stored / "blobs" / "7f"
    for blob in shard.iterdir():
        blob.rename(stored.parent / blob.name)
    shard.rmdir()
    shard.touch()
    done = run(BINARY, "serve", "--listen", "127.0.0.1:0", "--data", stored, check=False)
    assert done.returncode == 1 and str(shard) in done.stderr, done.stderr


def test_a_database_without_blobs_needs_no_blob_store(tmp_path):
    with Server(tmp_path / "data") as server:
        user = server.user("ana")
        server.put(user.native, "small.txt", b"in a row")
    for folder in (tmp_path / "data" / "blobs").iterdir():
        folder.rmdir()
    with Server(tmp_path / "data") as server:
        assert server.put(user.native, "large.bin", b"x" * 100000)[0] == 201
