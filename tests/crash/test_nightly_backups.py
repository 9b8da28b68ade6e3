# SPDX-License-Identifier: Apache-2.0
"""Backups night after night: unchanged blobs are linked, an unfinished one is replaced, old ones are removed and nothing else is."""
import fcntl
import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from faults import Faults, rule  # noqa: E402
from serving import BINARY, CLOCKED, Clock, Server, clean_environment, fsck, run, wait_for  # noqa: E402

LARGE = 40000


class Nights:
    """A store to which each night some files are added, and the folder of its backups."""

    def __init__(self, folder):
        self.data, self.backups, self.files = folder / "data", folder / "backups", []
        self.backups.mkdir()
        with Server(self.data) as server:
            self.user = server.user("ana")
            server.cais("key", "add", "ana", "--for", "s3")  # is of no use without the master key
            self.add(server)

    def add(self, server, count=3):
        for size in [LARGE, 100] * count:
            data = os.urandom(size)
            status, file = server.put(self.user.native, "f", data)
            assert status == 201
            self.files.append((file["id"], data))

    def later(self):
        with Server(self.data) as server:
            self.add(server)

    def backup(self, name, *arguments, check=True, **more):
        done = run(BINARY, "backup", self.backups / name, "--data", self.data, "--json", *arguments, check=check, **more)
        return json.loads(done.stdout) if check else done

    def restore(self, name, to):
        """A server on what was restored has every file, and fsck finds nothing. Returns its data directory."""
        shutil.rmtree(to, ignore_errors=True)
        run(BINARY, "restore", self.backups / name, "--data", to)
        with Server(to) as server:
            for id_, data in self.files:
                assert server.get(self.user.native, "/v1/native/files/" + id_) == (200, data)
        report = fsck(to)
        assert report["errors"] == report["warnings"] == 0, report
        return to

    def names(self):
        return sorted(os.listdir(self.backups))


@pytest.fixture
def nights(tmp_path):
    return Nights(tmp_path)


def blobs(folder):
    return {p.name: p for p in (folder / "blobs").rglob("*") if p.is_file() and not p.is_symlink()}


def state(folder):
    """Of each file its inode, mode and digest."""
    return {str(p.relative_to(folder)): (p.stat().st_ino, p.stat().st_mode, hashlib.md5(p.read_bytes()).hexdigest())
            for p in folder.rglob("*") if p.is_file()}


def test_unchanged_blobs_are_linked_and_a_restored_server_changes_no_backup(nights, tmp_path):
    first = nights.backup("1")
    assert (first["linked"], first["blobs"], first["master_key"], first["verified"]) == (0, 3, True, False)
    nights.later()
    second = nights.backup("2", "--base", nights.backups / "1", "--verify")
    assert (second["linked"], second["linked_bytes"], second["blobs"]) == (3, 3 * LARGE, 6)
    assert (second["not_linked"], second["verified"], second["removed"]) == (0, True, [])
    one, two = blobs(nights.backups / "1"), blobs(nights.backups / "2")
    assert all(two[name].stat().st_ino == path.stat().st_ino for name, path in one.items())
    before = state(nights.backups)
    restored = nights.restore("2", tmp_path / "restored")
    assert not {p.stat().st_ino for p in blobs(restored).values()} & {p.stat().st_ino for p in two.values()}
    with Server(restored) as server:
        for id_, _ in nights.files:
            assert server.json("DELETE", "/v1/native/files/" + id_, None, nights.user.native)[0] == 204
    later = Clock(tmp_path / "clock")
    later.set_ahead(8 * 3600 * 1000)
    with Server(restored, program=CLOCKED, environment=later.environment):
        wait_for("the garbage to go", lambda: not blobs(restored))
    assert state(nights.backups) == before


def test_the_base_of_a_backup_may_be_removed(nights, tmp_path):
    nights.backup("1")
    nights.backup("2", "--base", nights.backups / "1")
    shutil.rmtree(nights.backups / "1")
    nights.restore("2", tmp_path / "restored")


def test_an_unfinished_backup_is_recognised_and_replaced(nights, tmp_path):
    with Server(nights.data) as server:
        nights.add(server, 40)
    to = nights.backups / "1"
    process = subprocess.Popen([BINARY, "backup", str(to), "--data", str(nights.data)], env=clean_environment(),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for("some blobs", lambda: process.poll() is not None or (to / "blobs").exists() and blobs(to))
    process.kill()
    process.wait()
    assert (to / "UNFINISHED").exists() and not (to / "MANIFEST").exists()
    (to / "blobs" / "link").symlink_to(nights.data)  # is removed as a name
    assert "no finished backup" in nights.backup("2", "--base", to, check=False).stderr
    assert nights.backup("1", "--keep", "1")["replaced"] is True
    assert not (to / "UNFINISHED").exists()
    nights.restore("1", tmp_path / "restored")
    assert "finished backup" in nights.backup("1", check=False).stderr


def test_no_backup_replaces_what_is_none_or_is_being_made(nights):
    for name, content in (("foreign", ["UNFINISHED", "precious"]), ("old", ["cais.db"]), ("other", ["precious"])):
        (nights.backups / name).mkdir()
        for file in content:
            (nights.backups / name / file).write_text("")
        done = nights.backup(name, check=False)
        assert done.returncode == 1 and "is not empty" in done.stderr, done.stderr
        assert sorted(os.listdir(nights.backups / name)) == sorted(content)
    done = nights.backup("../data", check=False)
    assert done.returncode == 1 and "is not empty" in done.stderr
    (nights.backups / "busy").mkdir()
    with open(nights.backups / "busy" / "UNFINISHED", "w") as mark:
        fcntl.fcntl(mark, fcntl.F_OFD_SETLK if hasattr(fcntl, "F_OFD_SETLK") else 37,
                    struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        assert "is running" in nights.backup("busy", check=False).stderr
    nights.backup("busy")


def test_keep_removes_the_oldest_complete_backups_and_nothing_else(nights, tmp_path):
    for n in range(4):
        nights.backup(str(n))
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(nights.backups / "0", elsewhere)
    (nights.backups / "link").symlink_to(elsewhere)
    (nights.backups / "file").write_text("MANIFEST")
    (nights.backups / "empty").mkdir()
    (nights.backups / "folder").mkdir()
    (nights.backups / "folder" / "MANIFEST").write_text("{}")
    for name, more in (("noted", "notes.txt"), ("used", "lock"), ("unfinished", "UNFINISHED")):
        shutil.copytree(nights.backups / "0", nights.backups / name)
        (nights.backups / name / more).write_text("")
    os.unlink(nights.backups / "unfinished" / "MANIFEST")
    shutil.copytree(nights.backups / "0", nights.backups / "linked")
    os.rename(nights.backups / "linked" / "MANIFEST", tmp_path / "MANIFEST")
    (nights.backups / "linked" / "MANIFEST").symlink_to(tmp_path / "MANIFEST")
    others = ["empty", "file", "folder", "link", "linked", "noted", "unfinished", "used"]
    report = nights.backup("4", "--base", nights.backups / "0", "--keep", "2")
    assert sorted(report["removed"]) == ["1", "2"]  # 0 is the base
    assert nights.names() == sorted(["0", "3", "4", *others])
    assert nights.backup("5", "--base", nights.backups / "4", "--keep", "2")["removed"] == ["3", "0"]
    assert nights.names() == sorted(["4", "5", *others])
    assert sorted(os.listdir(elsewhere)) == sorted(os.listdir(nights.backups / "5"))
    nights.restore("5", tmp_path / "restored")
    for wrong in ("0", "-1", "some"):
        assert nights.backup("6", "--keep", wrong, check=False).returncode == 2
    assert "6" not in nights.names()


def test_planted_links_in_a_backup_are_not_followed(nights, tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "letter").write_text("x")
    nights.backup("1")
    victim = next(iter(blobs(nights.backups / "1").values()))
    (nights.backups / "1" / "blobs" / "zz").symlink_to(precious)
    os.rename(victim, tmp_path / "moved")
    victim.symlink_to(tmp_path / "moved")
    report = nights.backup("2", "--base", nights.backups / "1", "--keep", "2")
    assert (report["linked"], report["blobs"]) == (2, 3)  # not the one behind the link
    assert not any(p.is_symlink() for p in (nights.backups / "2").rglob("*"))
    assert nights.backup("3", "--base", nights.backups / "2", "--keep", "2")["removed"] == ["1"]
    assert (precious / "letter").read_text() == "x" and (tmp_path / "moved").exists()


def test_a_removal_that_was_interrupted_leaves_no_backup_and_goes_on(nights, tmp_path):
    nights.backup("1")
    faults = Faults(tmp_path / "faults", nights.backups)
    environment = clean_environment(**faults.environment)
    for skip in (300, 310, 330):  # the names of the new backup come first
        whole = nights.names()
        faults.set(rule("folder", "name", "EIO", skip))
        done = nights.backup("n%d" % skip, "--keep", "1", check=False, env=environment)
        faults.heal()
        if "MANIFEST" in os.listdir(nights.backups / ("n%d" % skip)):
            assert "could not be removed" in done.stderr and done.returncode == 1
        for name in set(whole) - {"n%d" % skip}:
            there = os.listdir(nights.backups / name)
            if "MANIFEST" in there:
                nights.restore(name, tmp_path / "restored")
            else:
                assert "UNFINISHED" in there
    assert faults.hits()
    nights.backup("last", "--keep", "1", env=environment)
    assert [name for name in nights.names() if (nights.backups / name / "MANIFEST").exists()] == ["last"]
    nights.restore("last", tmp_path / "restored")


def test_verify_finds_damaged_blobs_of_the_base_and_copies_them_again(nights, tmp_path):
    nights.backup("1")
    victim = next(iter(blobs(nights.backups / "1").values()))
    with open(victim, "r+b") as f:
        f.seek(LARGE // 2)
        f.write(b"rotten")
    report = nights.backup("2", "--base", nights.backups / "1", "--verify")
    assert (report["linked"], report["damaged_in_base"], report["blobs"]) == (2, 1, 3)
    nights.restore("2", tmp_path / "restored")


def test_a_base_on_another_file_system_is_copied_and_that_is_said(nights, tmp_path):
    other = tempfile.mkdtemp(dir="/dev/shm")
    try:
        nights.backup("1")
        if os.stat(other).st_dev == os.stat(nights.backups).st_dev:
            other = tempfile.mkdtemp(dir="/var/tmp")
        assert os.stat(other).st_dev != os.stat(nights.backups).st_dev
        done = run(BINARY, "backup", other, "--data", nights.data, "--base", nights.backups / "1")
        assert "3 blobs were copied" in done.stderr and "another file system" in done.stderr
        shutil.move(other, nights.backups / "2")
        nights.restore("2", tmp_path / "restored")
    finally:
        shutil.rmtree(other, ignore_errors=True)
