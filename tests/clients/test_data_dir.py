# SPDX-License-Identifier: Apache-2.0
"""Data directories that others can change, and paths at which there is none."""

import os
import subprocess

import pytest

from server import BINARY, Server


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


@pytest.mark.parametrize("command", [["fsck"], ["backup", "copy"], ["account", "list"], ["account", "limit", "default"],
                                     ["user", "list"], ["key", "list"], ["jobs"], ["audit"]])
def test_a_backup_or_check_of_a_mistyped_path_succeeded_with_an_empty_store(tmp_path, command):
    def run_on(data):
        return subprocess.run([BINARY, *command, "--data", data], cwd=tmp_path, capture_output=True, text=True, timeout=60,
                              check=False)

    empty = tmp_path / "nothing-is-mounted-here"
    empty.mkdir(mode=0o700)
    for data in ("mistyped", empty):
        done = run_on(data)
        assert done.returncode == 1 and done.stdout == "", done
        assert f"{data} is no data directory of cais" in done.stderr and "--data" in done.stderr
    assert os.listdir(tmp_path) == [empty.name] and os.listdir(empty) == []
    subprocess.run([BINARY, "user", "add", "ana", "--data", empty], capture_output=True, timeout=60, check=True)
    assert run_on(empty).returncode in (0, 2)  # 2: "account limit" wants a limit


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
