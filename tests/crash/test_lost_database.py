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
    """Returns {relative path: digest} of all files except the lock."""
    found = {}
    for folder, _, names in os.walk(data):
        for name in names:
            path = os.path.join(folder, name)
            if name not in ("lock", "cais.db-shm"):
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
def test_no_database_is_made_over_blobs(stored, lose):
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
