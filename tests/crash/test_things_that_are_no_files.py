# SPDX-License-Identifier: Apache-2.0
"""A data directory in which something else stands where a file should be. Opening a FIFO waits for its other end, so each command must
look before it opens: it ends with an error that names it, or does without it."""
import os
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from data_files import SETTINGS, Client, lines  # noqa: E402
from serving import BINARY, Server, clean_environment, run  # noqa: E402
from test_damaged_store import get_status  # noqa: E402
from test_salvage import fill  # noqa: E402

SECONDS = 60  # none of the commands needs one


@pytest.fixture
def killed(tmp_path):
    """What a server that was killed left, with its log."""
    with Server(tmp_path / "data") as server:
        user = server.user("ana")
        files = fill(server, user, 6)
        server.kill()
    return tmp_path / "data", user, files


def put_fifo(path):
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def ends(*command):
    return subprocess.run([BINARY, *map(str, command)], capture_output=True, text=True, timeout=SECONDS, env=clean_environment(), check=False)


@pytest.mark.parametrize("name", ["cais.db", "cais.db-wal", "cais.db-shm", "lock", "master.key", "admin.sock"])
def test_a_fifo_in_place_of_a_file_held_up_every_command(killed, tmp_path, name):
    data, _, files = killed
    put_fifo(data / name)
    done = ends("serve", "--data", data, "--listen", "127.0.0.1:0")
    assert done.returncode == 1 and name in done.stderr, done.stderr
    for command in (["fsck"], ["fsck", "--repair", "--force"], ["backup", tmp_path / "backup"]):
        done = ends(*command, "--data", data)
        assert done.returncode == (0 if name == "admin.sock" else 1), (command, done.stderr)
        assert name == "admin.sock" or name in done.stderr, (command, done.stderr)
    done = ends("salvage", tmp_path / "out", "--data", data)
    saved = len(list((tmp_path / "out").rglob("*.txt")))
    assert (done.returncode, saved) == {"cais.db": (1, len(files)), "cais.db-wal": (1, 0)}.get(name, (0, len(files))), done.stdout


def test_a_fifo_in_place_of_the_ballast_held_up_every_start(killed):
    data, user, files = killed
    put_fifo(data / "ballast")
    with Server(data) as server:
        assert all(get_status(server, user, id_, content) == 200 for id_, content in files.items())
        server.cais("fsck")


def test_a_symbolic_link_to_a_database_kept_its_log_where_nobody_looked(killed, tmp_path):
    """SQLite keeps the log beside the file that a link leads to: there nobody checks it, or finds the mark of a failed flush."""
    data, _, _ = killed
    for ending in ("", "-wal", "-shm"):
        (data / ("cais.db" + ending)).rename(tmp_path / ("elsewhere.db" + ending))
    (data / "cais.db").symlink_to(tmp_path / "elsewhere.db")
    before = (tmp_path / "elsewhere.db-wal").read_bytes()
    done = ends("serve", "--data", data, "--listen", "127.0.0.1:0")
    assert done.returncode == 1 and "cais.db is a symbolic link" in done.stderr, done.stderr
    assert (tmp_path / "elsewhere.db-wal").read_bytes() == before


def test_without_its_database_a_salvage_left_what_the_log_holds(killed, tmp_path):
    """A young database stands in its log as a whole."""
    data, _, files = killed
    (data / "cais.db").unlink()
    done = run(BINARY, "salvage", tmp_path / "out", "--data", data, check=False)
    assert done.returncode == 1, done.stderr
    assert "the database is missing" in (tmp_path / "out" / "list.jsonl").read_text()
    assert len(list((tmp_path / "out" / "files").iterdir())) == len(files)


def test_a_fifo_in_place_of_a_dataset_held_up_fsck_and_the_end_of_the_server(tmp_path):
    data = tmp_path / "data"
    with Server(data, *SETTINGS) as server:
        client = Client.add(server)
        client.schema(server, "rows")
        client.send(server, "rows", "a.jsonl", lines(1, 10, pad=2))
        client.all_ended(server, "rows")
    for name in ("1.duckdb.wal", "1.duckdb"):
        put_fifo(data / "datasets" / name)
        with Server(data, *SETTINGS) as server:
            done = ends("fsck", "--data", data)
            assert done.returncode == 1 and name + " is no file" in done.stdout, (done.stdout, done.stderr)
            assert client.query(server, "rows", ["n"])[0] == 500
            server.stop(errors_expected=True)
        (data / "datasets" / name).unlink()
