# SPDX-License-Identifier: Apache-2.0
"""Data directories that others can change, and paths at which there is none."""

import fcntl
import os
import struct
import subprocess

import pytest

from server import BINARY, Server

F_OFD_SETLK = 37


def refused(data):
    done = subprocess.run([BINARY, "serve", "--data", data, "--listen", "127.0.0.1:0"], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 1, done
    return done.stderr


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o1777])
def test_a_data_directory_that_others_can_write_to_was_accepted(tmp_path, mode):
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(mode)
    assert f"chmod 0700 {data}" in refused(data)
    assert os.listdir(data) == []
    data.chmod(0o700)  # what the message says
    with Server(tmp_path) as server:
        assert server.ask("GET", "/health").status == 200


EVERY_COMMAND = [
    "fsck", "fsck --repair", "fsck --accept-lost-records", "backup copy", "salvage copy", "account add a", "account list",
    "account limit default --max-bytes 1", "user add ana", "user list", "user limit ana --max-bytes 1", "user disable ana", "user enable ana", "user delete ana",
    "user password ana", "key add ana --for native", "key list", "key revoke 1", "workspace add W", "workspace list",
    "bucket add B --workspace W", "bucket list --workspace W", "entity add a b c", "entity list", "course list", "course limit 1 1G",
    "course enrol 1 ana", "status", "jobs", "jobs run purge", "jobs retry 1", "jobs cancel 1", "audit", "audit export", "audit export -o copy",
    "audit prune --before 2026-01-01", "webhook add https://example.org/", "webhook list", "webhook remove 1", "webhook deliveries 1",
    "webhook retry 1", "webhook test 1", "demo", "put f", "put --resume", "get 00000000-0000-4000-8000-000000000000", "ls",
    "rm 00000000-0000-4000-8000-000000000000", "reload",
    "stop",
]
MAKES_ONE = {"serve", "init", "restore"}


@pytest.mark.parametrize("words", EVERY_COMMAND)
def test_a_mistyped_path_became_a_new_empty_store(tmp_path, words):
    """A cron job that backs up a path where nothing is mounted backed up nothing, for ever, with success."""
    (tmp_path / "f").write_text("hi")
    empty = tmp_path / "nothing-is-mounted-here"
    empty.mkdir(mode=0o700)
    environment = {**{k: v for k, v in os.environ.items() if not k.startswith("CAIS_")}, "XDG_STATE_HOME": str(tmp_path / "state")}
    for given, named in ((["--data", "mistyped"], tmp_path / "mistyped"), (["--data", empty], empty), ([], tmp_path / "cais-data")):
        done = subprocess.run([BINARY, *words.split(), *given], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
                              env=environment, input="a password\n")
        assert done.returncode == 1 and done.stdout == "", done
        assert f"{named} is no data directory of cais" in done.stderr and "--data" in done.stderr and "cais init" in done.stderr
        assert done.stderr.count("\n") == 1
    assert sorted(set(os.listdir(tmp_path)) - {"state"}) == ["f", empty.name] and os.listdir(empty) == []


def test_every_command_that_needs_a_store_is_in_the_list_above():
    said = subprocess.run([BINARY, "help"], capture_output=True, text=True, check=True).stdout
    lines = [line.split()[1:] for line in said.splitlines() if line.startswith("  cais ")]
    listed = {" ".join(words.split()[:n]) for words in EVERY_COMMAND for n in (1, 2)}
    names = {" ".join(words[:2]) if words[1][0].islower() else words[0] for words in lines}
    assert names - listed - MAKES_ONE == {"version", "check"}, names  # which need none


def test_a_folder_that_is_not_empty_is_no_store_either(tmp_path):
    (tmp_path / "lock").touch()
    (tmp_path / "cais.db").touch()
    tmp_path.chmod(0o700)
    done = subprocess.run([BINARY, "user", "list", "--data", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "is no data directory of cais" in done.stderr
    assert (tmp_path / "cais.db").read_bytes() == b""


def test_init_makes_a_store_and_completes_one(tmp_path):
    def init(*more):
        return subprocess.run([BINARY, "init", "--data", tmp_path / "a" / "data", *more], capture_output=True, text=True, check=False)
    done = init()
    assert (done.returncode, done.stdout, done.stderr) == (0, f"made the data directory {tmp_path}/a/data\n", "")
    before = {name: os.stat(tmp_path / "a" / "data" / name).st_mtime_ns for name in ("cais.db", "master.key")}
    done = init()
    assert (done.returncode, done.stdout) == (0, f"{tmp_path}/a/data is a data directory already\n")
    assert '"made":false' in init("--json").stdout
    assert before == {name: os.stat(tmp_path / "a" / "data" / name).st_mtime_ns for name in before}
    (tmp_path / "a" / "data" / "cais.db").unlink()
    done = init()
    assert done.returncode == 1 and "is missing or empty" in done.stderr
    done = subprocess.run([BINARY, "init", "--data", "/dev/null/x"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "/dev/null/x" in done.stderr


def test_a_store_that_a_server_is_making_was_none(tmp_path):
    """Between the lock and the database of a first start, a command waits. It gives up after ten seconds."""
    tmp_path.chmod(0o700)
    with open(tmp_path / "lock", "w", encoding="ascii") as lock:
        fcntl.fcntl(lock, F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        done = subprocess.run([BINARY, "user", "list", "--data", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "is being made by another cais process" in done.stderr, done
    assert os.listdir(tmp_path) == ["lock"]


def test_the_lock_followed_a_symbolic_link(tmp_path):
    data, target = tmp_path / "data", tmp_path / "target"
    data.mkdir(mode=0o700)
    (data / "lock").symlink_to(target)
    assert "cannot be written" in refused(data)
    assert not target.exists()


def test_run_json_followed_a_symbolic_link(tmp_path):
    data, target = tmp_path / "data", tmp_path / "target"
    data.mkdir(mode=0o700)
    (data / "run.json.new").symlink_to(target)
    assert "run.json" in refused(data)
    assert not target.exists()
