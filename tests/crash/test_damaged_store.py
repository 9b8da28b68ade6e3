# SPDX-License-Identifier: Apache-2.0
"""A store that is not whole: what the commands say, with which exit code they end, and what is on the disk afterwards."""
import hashlib
import os
import sys
import urllib.request

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from serving import BINARY, CLOCKED, Clock, Server, clean_environment, fsck, run, wait_for  # noqa: E402
from test_lost_database import all_files  # noqa: E402

FAILING = os.path.join(os.path.dirname(os.path.realpath(BINARY)), "tests", "support", "cais-failing")
FRAME, HEADER = 24 + 4096, 32


def flip_bit(path, at):
    with open(path, "r+b") as f:
        f.seek(at)
        byte = f.read(1)[0]
        f.seek(at)
        f.write(bytes([byte ^ 4]))


def frames_of_log(data):
    """How many frames of the log have the salts of its header."""
    log = (data / "cais.db-wal").read_bytes()
    count = 0
    while log[HEADER + count * FRAME + 8:HEADER + count * FRAME + 16] == log[16:24]:
        count += 1
    return count


def days_later(folder, days):
    """The environment in which the clock of CLOCKED is ahead."""
    clock = Clock(folder / "clock")
    clock.set_ahead(days * 24 * 3600 * 1000)
    return clock.environment


def get_status(server, user, id_, content):
    status, got = server.get(user.native, "/v1/native/files/" + id_)
    assert status != 200 or got == content
    return status


@pytest.fixture
def killed(tmp_path):
    """The data directory of a server that was killed, its user, and what it acknowledged: {id: bytes}."""
    data, files = tmp_path / "data", {}
    with Server(data) as server:
        user = server.user("ana")
        for i in range(40):
            content = os.urandom(100 if i % 4 else 20000)
            status, file = server.put(user.native, "file %d.txt" % i, content)
            assert status == 201
            files[file["id"]] = content
        server.kill()
    return data, user, files


def expect_refused(data, *words):
    before = all_files(data)
    for command in (["serve", "--listen", "127.0.0.1:0"], ["fsck"], ["fsck", "--repair", "--force"], ["user", "list"]):
        done = run(BINARY, *command, "--data", data, check=False)
        assert done.returncode == 1, (command, done.stderr)
        for word in ("write-ahead log", "cais salvage", "--accept-lost-records", *words):
            assert word in done.stderr, done.stderr
    assert all_files(data) == before


def test_d6_a_flipped_bit_in_the_log_is_refused_until_a_person_decides(killed):
    data, user, files = killed
    frames = frames_of_log(data)
    assert frames > 60
    flip_bit(data / "cais.db-wal", HEADER + (frames * 3 // 4) * FRAME + 24 + 1000)  # the first half is the schema
    damaged = (data / "cais.db-wal").read_bytes()
    expect_refused(data, "is damaged", "acknowledged")

    done = run(BINARY, "fsck", "--accept-lost-records", "--data", data, check=False)
    assert done.returncode == 1 and "cais.db-wal-damaged" in done.stderr
    assert "records were lost with the end of a damaged write-ahead log" in done.stdout
    assert (data / "cais.db-wal-damaged").read_bytes() == damaged
    blobs = sum(len(names) for _, _, names in os.walk(data / "blobs"))
    assert blobs == sum(len(content) > 16384 for content in files.values())
    with Server(data) as server:
        wait_for("the log", lambda: '"msg":"records are lost"' in server.log() and "cais.db-wal-damaged" in server.log())
        states = [get_status(server, user, id_, content) for id_, content in files.items()]
        assert states == sorted(states) and set(states) == {200, 404}  # the first ones are there
        server.stop(errors_expected=True)
    # Blobs without a record stay, also when a person repairs: only one who confirms it removes them.
    later = clean_environment(**days_later(data.parent, 30))
    for arguments, left in (((), blobs), (("--force",), None)):
        done = run(CLOCKED, "fsck", "--repair", *arguments, "--data", data, check=False, env=later)
        now = sum(len(names) for _, _, names in os.walk(data / "blobs"))
        assert now == left if left else now < blobs, done.stdout
    (data / "cais.db-wal-damaged").unlink()
    fsck(data)


def test_d6_a_torn_end_of_the_log_is_normal(killed):
    data, user, files = killed
    (data / "cais.db-shm").unlink()  # a power failure, which may tear what was not flushed
    end = HEADER + frames_of_log(data) * FRAME
    with open(data / "cais.db-wal", "r+b") as log:
        log.truncate(end - 100)
    with Server(data) as server:
        assert '"level":"error"' not in server.log()
        states = [get_status(server, user, id_, content) for id_, content in files.items()]
        assert states.count(200) >= len(files) - 1
    fsck(data)


def test_d2_a_log_that_is_gone_is_refused(killed):
    data, _, _ = killed
    (data / "cais.db-wal").unlink()
    expect_refused(data, "is missing")
    done = run(BINARY, "fsck", "--accept-lost-records", "--data", data, check=False)
    # The whole history stood in the log: what is left is a database without records.
    assert done.returncode == 1 and "is missing or empty" in done.stderr


def test_d2_a_refused_sweep_is_in_metrics_log_jobs_and_audit_log(tmp_path):
    data = tmp_path / "data"
    with Server(data) as server:
        server.user("ana")
    for i in range(120):
        blob = data / "blobs" / ("%02x" % i) / ("%02xorphan%d" % (i, i))
        blob.write_bytes(b"acknowledged once")
    later = days_later(tmp_path, 3)
    with Server(data, program=CLOCKED, environment=later) as server:
        def refused():
            with urllib.request.urlopen(server.url + "/metrics", timeout=60) as answer:
                return "cais_sweep_refused_blobs 120\n" in answer.read().decode()
        wait_for("the sweep to be refused", refused)
        wait_for("the log", lambda: "records may be lost" in server.log())
        assert "120 of 120 blobs have no record" in server.cais("jobs").stdout
        assert "blobs.sweep_refused" in server.cais("audit").stdout
        server.stop(errors_expected=True)
    assert sum(len(names) for _, _, names in os.walk(data / "blobs")) == 120
    done = run(CLOCKED, "fsck", "--repair", "--data", data, check=False, env=clean_environment(**later))
    assert done.returncode == 1 and "too many blobs without a record" in done.stdout
    assert sum(len(names) for _, _, names in os.walk(data / "blobs")) == 120
    run(CLOCKED, "fsck", "--repair", "--force", "--data", data, env=clean_environment(**later))
    assert sum(len(names) for _, _, names in os.walk(data / "blobs")) == 0


@pytest.mark.parametrize("unflushed", ["", "/outer", "/outer/data/blobs"])
def test_d8_a_start_flushes_the_directories_that_a_killed_start_made(tmp_path, unflushed):
    """A start that ends before it has flushed a directory is what a kill leaves. Each of the next ones flushes it as well, before it says
    that all is well."""
    data, order = tmp_path / "outer" / "data", tmp_path / "order"
    environment = clean_environment(CAIS_TEST_FAIL_FLUSH=str(order))
    for _ in range(3):
        order.write_text(tmp_path.name + unflushed)
        done = run(FAILING, "init", "--data", data, check=False, env=environment)
        assert done.returncode == 1 and "Input/output error" in done.stderr, done.stderr
        assert not order.exists()
    run(FAILING, "init", "--data", data, env=environment)
    fsck(data)


@pytest.mark.parametrize("removed", [("cais.db", "cais.db-wal", "cais.db-shm"), ("cais.db",), ("cais.db-wal",)])
def test_a_server_whose_database_was_removed_went_on_acknowledging(tmp_path, removed):
    """What is written to a file without a name is gone with the server, and the system says nothing."""
    data, content = tmp_path / "data", b"x" * 5000
    with Server(data) as server:
        user = server.user("ana")
        files = [server.put(user.native, "f", content)[1]["id"] for _ in range(5)]
        for name in removed:
            (data / name).unlink()
        assert [server.put(user.native, "f", content)[0] for _ in range(3)] == [503] * 3
        status, health = server.json("GET", "/health")
        assert (status, health["status"]) == (503, "flush_failed")
        wait_for("the log", lambda: removed[0] + " was removed while it is in use" in server.log())
        assert server.log().count('"a flush failed"') == 1 and "cais backup" in server.log()
        assert all(get_status(server, user, id_, content) == 200 for id_ in files)
        server.cais("backup", tmp_path / "backup", "--verify", "--set", "storage.reserve_free_space=0")
        server.stop(errors_expected=True)
    if removed == ("cais.db-wal",):  # the database has its name, and got what the log held
        with Server(data) as server:
            assert all(get_status(server, user, id_, content) == 200 for id_ in files)
    run(BINARY, "restore", tmp_path / "backup", "--data", tmp_path / "restored")
    with Server(tmp_path / "restored") as server:
        assert all(get_status(server, user, id_, content) == 200 for id_ in files)
        assert server.put(user.native, "f", content)[0] == 201
    fsck(tmp_path / "restored")


def test_a_lock_that_was_removed_let_a_second_server_in(tmp_path):
    with Server(tmp_path / "data") as server:
        (tmp_path / "data" / "lock").unlink()
        for command in (["serve", "--listen", "127.0.0.1:0"], ["salvage", tmp_path / "out"]):
            done = run(BINARY, *command, "--data", tmp_path / "data", check=False)
            assert done.returncode == 1 and "used by another cais process" in done.stderr, done.stderr
        server.user("ana")
