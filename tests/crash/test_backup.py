# SPDX-License-Identifier: Apache-2.0
"""Backups: during uploads, deletes and purges; without a server; interrupted; and damaged."""
import hashlib
import os
import random
import shutil
import subprocess
import sys
import threading

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from rounds import rounds, seed  # noqa: E402
from serving import BINARY, CLOCKED, Clock, Server, clean_environment, fsck, run, wait_for  # noqa: E402


class Load(threading.Thread):
    """A client that uploads and deletes files until stop(). kept: (id, md5) of each acknowledged file that is not deleted."""

    def __init__(self, server, user, seed):
        super().__init__(daemon=True)
        self.server, self.user, self.rng = server, user, random.Random(seed)
        self.kept, self.rounds, self.problem, self.stopping = [], 0, None, threading.Event()

    def run(self):
        connection = self.server.connect()
        try:
            while not self.stopping.is_set():
                self.one(connection)
                self.rounds += 1
        except BaseException as problem:  # noqa: B902
            self.problem = problem
        finally:
            connection.close()

    def one(self, connection):
        size = self.rng.choice([0, 100, 16384, 16385, 100000, 400000])
        data = self.rng.randbytes(size)
        status, file = self.server.put(self.user.native, "n%d" % self.rounds, data, connection)
        assert status == 201, file
        if self.rng.random() < 0.4:
            status, _, _ = self.server.ask("DELETE", "/v1/native/files/" + file["id"], None,
                                           {"Authorization": "Bearer " + self.user.native}, connection)
            assert status == 204
        else:
            self.kept.append((file["id"], hashlib.md5(data).hexdigest()))
        status, answer = self.server.upload(self.user.token, "p", data + b"x", connection)  # it is purged after a second
        assert status == 200, answer

    def stop(self):
        self.stopping.set()
        self.join(60)
        assert not self.is_alive()
        if self.problem:
            raise self.problem


BUSY = ("--set", "files.purge_grace=0", "--set", "pyrus.purge_after=1s", "--set", "pyrus.rate_limit=0", "--set",
        "pyrus.token_lifetime=365d")
HOUR_MS = 3600 * 1000


def expect_files(server, user, files):
    connection = server.connect()
    for id_, md5 in files:
        status, data = server.get(user.native, "/v1/native/files/" + id_, connection)
        assert status == 200 and hashlib.md5(data).hexdigest() == md5, (id_, status)
    connection.close()


def test_a_backup_under_load_restores_whole(tmp_path):
    """Each round starts seven hours after the last, so that the server has many files to purge during the backup."""
    clock, kept, backups, user = Clock(tmp_path / "clock"), [], [], None
    environment = clean_environment(**clock.environment)
    for n in range(rounds("backups_under_load")):
        clock.set_ahead(n * 7 * HOUR_MS)
        with Server(tmp_path / "data", *BUSY, program=CLOCKED, environment=clock.environment) as server:
            if not user:
                user = server.user("ana")
                user.token = server.login(user)
            loads = [Load(server, user, 1000 * seed() + 10 * n + i) for i in range(2)]
            for load in loads:
                load.start()
            wait_for("some uploads", lambda: all(load.rounds >= (20, 1, 5)[n % 3] or load.problem for load in loads))
            before = kept + [file for load in loads for file in list(load.kept)]
            report = server.cais_json("backup", str(tmp_path / ("backup%d" % n)), "--with-key")
            assert report["objects"] >= len(before)
            backups.append(before)
            for load in loads:
                load.stop()
                kept += load.kept
            if n:
                wait_for("the purge", lambda: server.cais("audit", "--limit", "10000").stdout.count("file.purge") >= 20)
    fsck(tmp_path / "data", program=CLOCKED, env=environment)
    for n, before in enumerate(backups):
        folder, restored = tmp_path / ("backup%d" % n), tmp_path / ("restored%d" % n)
        assert (folder / "MANIFEST").exists() and len(before) >= 5
        run(CLOCKED, "restore", folder, "--data", restored, env=environment)
        fsck(restored, program=CLOCKED, env=environment)
        with Server(restored, *BUSY, program=CLOCKED, environment=clock.environment) as server:
            expect_files(server, user, before)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A data directory with some files. Returns (data, backup of it, user, files)."""
    folder = tmp_path_factory.mktemp("store")
    files = []
    with Server(folder / "data") as server:
        user = server.user("ana")
        for size in (0, 1000, 16385, 300000):
            data = os.urandom(size)
            files.append((server.put(user.native, "f", data)[1]["id"], hashlib.md5(data).hexdigest()))
    run(BINARY, "backup", folder / "backup", "--data", folder / "data", "--with-key")
    return folder / "data", folder / "backup", user, files


def test_a_backup_made_without_a_server_restores_every_file(store, tmp_path):
    _, backup, user, files = store
    run(BINARY, "restore", backup, "--data", tmp_path / "data")
    fsck(tmp_path / "data")
    with Server(tmp_path / "data") as server:
        expect_files(server, user, files)


def refused(*command):
    done = run(BINARY, *command, check=False)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, (done.returncode, done.stderr)
    return done.stderr


def test_an_interrupted_backup_has_no_manifest_and_is_refused(store, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(store[0], data)
    with Server(data) as server:
        user = server.user("bia")
        for _ in range(60):
            assert server.put(user.native, "f", os.urandom(200000))[0] == 201
    cut, wanted = 0, rounds("cut_backups")
    for n in range(10 * wanted):
        to = tmp_path / ("cut%d" % n)
        process = subprocess.Popen([BINARY, "backup", str(to), "--data", str(data)], env=clean_environment(),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        blobs = to / "blobs"
        wait_for("bytes to be copied", lambda: process.poll() is not None or blobs.exists() and
                 sum(1 for p in blobs.rglob("*") if p.is_file()) > n % 30)
        process.kill()
        process.wait()
        if (to / "MANIFEST").exists():
            continue  # the backup was complete before the kill
        cut += 1
        assert "MANIFEST" in refused("restore", to, "--data", tmp_path / "restored")
        assert not (tmp_path / "restored" / "cais.db").exists()
        shutil.rmtree(to)
        if cut == wanted:
            break
    assert cut
    fsck(data)  # the interrupted backups have not damaged the store


def damage(path, offset=None):
    path.chmod(0o600)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if offset is None else offset] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("how", ["blob changed", "blob missing", "blob shorter", "database changed", "database missing",
                                 "manifest changed", "manifest empty", "manifest missing"])
def test_a_damaged_backup_is_refused(store, tmp_path, how):
    backup = tmp_path / "backup"
    shutil.copytree(store[1], backup)
    what, change = how.split()
    path = {"database": backup / "cais.db", "manifest": backup / "MANIFEST"}.get(what)
    if what == "blob":
        path = max((p for p in (backup / "blobs").rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)
    if change == "changed":
        damage(path, offset=None if what != "manifest" else path.read_bytes().index(b":") + 2)
    elif change == "missing":
        path.unlink()
    else:
        path.chmod(0o600)
        os.truncate(path, 0 if change == "empty" else path.stat().st_size - 1)
    said = refused("restore", backup, "--data", tmp_path / "restored")
    assert not (tmp_path / "restored" / "cais.db").exists(), said


def test_restore_and_backup_refuse_a_directory_that_is_not_empty(store, tmp_path):
    data, backup, user, files = store
    to = tmp_path / "to"
    to.mkdir()
    (to / "precious").write_text("x")
    assert "empty" in refused("restore", backup, "--data", to)
    assert os.listdir(to) == ["precious"]
    assert "empty" in refused("restore", backup, "--data", data)
    assert "empty" in refused("backup", to, "--data", data)
    with Server(tmp_path / "live") as server:
        said = refused("restore", backup, "--data", server.data)
        assert "server" in said
    with Server(data) as server:
        expect_files(server, user, files)
