# SPDX-License-Identifier: Apache-2.0
"""`cais audit export`: the whole audit log in order, in exports that continue each other, while it grows and is pruned."""
import contextlib
import json
import os
import re
import resource
import signal
import socket
import sqlite3
import subprocess
import threading

import pytest
from server import BINARY, Server, bearer

MEMBERS = {"id", "at", "account", "actor", "actor_id", "action", "subject", "detail", "request_id"}


def add_events(data, count, at_ms=1, detail=""):
    """Rows for a log that no server uses now."""
    db = sqlite3.connect(os.path.join(data, "cais.db"))
    with db:
        db.execute("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
                   " INSERT INTO events (at_ms, account_id, actor_id, action, subject, detail, request_id)"
                   " SELECT ?, 1, 1, 'test', 's', ?, '' FROM n", (count, at_ms, detail))
    db.close()


def ids_in_database(data):
    db = sqlite3.connect(f"file:{data}/cais.db?mode=ro", uri=True)
    try:
        return [row[0] for row in db.execute("SELECT id FROM events ORDER BY id")]
    finally:
        db.close()


def export(data, *options, **more):
    return subprocess.run([BINARY, "audit", "export", "--data", data, *options], capture_output=True, text=True, timeout=300,
                          check=False, **more)


def exported(data, *options):
    """(the events, the id for --after of the next export)"""
    done = export(data, *options)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    count, last = re.fullmatch(r"exported (\d+) events, up to (\d+)\n", done.stderr).groups()
    assert len(lines) == int(count) and all(set(line) == MEMBERS for line in lines)
    return lines, last


def ids(lines):
    return [line["id"] for line in lines]


@pytest.fixture
def stopped(tmp_path):
    """A server that does not run, with a log of some thousand events."""
    server = Server(tmp_path)
    server.user()
    server.stop()
    add_events(server.data, 5000)
    return server


def test_an_export_has_every_event_in_order_with_and_without_a_server(stopped):
    alone = export(stopped.data)
    assert ids(json.loads(line) for line in alone.stdout.splitlines()) == ids_in_database(stopped.data)
    stopped.start()
    with stopped:
        served = export(stopped.data)
        assert (served.stdout, served.stderr, served.returncode) == (alone.stdout, alone.stderr, 0)
        first = json.loads(alone.stdout.splitlines()[-1])
        assert (first["at"], first["account"], first["action"]) == ("1970-01-01T00:00:00Z", "default", "test")


def test_an_export_goes_on_where_the_last_one_ended(tmp_path):
    """While others write: no event is missing, none comes twice, and each export ends although the log grows."""
    with Server(tmp_path) as server:
        token = server.native()
        ended = threading.Event()

        def write():
            with server.connect() as client:
                n = 0
                while not ended.is_set() or n < 200:
                    assert client.ask("PUT", f"/v1/native/files/{n}", bearer(token), b"x").status == 201
                    n += 1
        writers = [threading.Thread(target=write) for _ in range(2)]
        for writer in writers:
            writer.start()
        seen, after = [], "0"
        try:
            for _ in range(6):
                lines, after = exported(server.data, "--after", after)
                seen += ids(lines)
        finally:
            ended.set()
            for writer in writers:
                writer.join()
        lines, after = exported(server.data, "--after", after)
        seen += ids(lines)
        assert seen == ids_in_database(server.data) and len(seen) > 400 and after == str(seen[-1])
        assert exported(server.data, "--after", after) == ([], after)


def test_events_that_are_written_during_an_export_are_left_out(stopped):
    before = ids_in_database(stopped.data)
    stopped.start()
    with stopped, subprocess.Popen([BINARY, "audit", "export", "--data", stopped.data], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE) as command:
        first = command.stdout.readline()  # the export has begun, and most of it does not fit into the pipe
        stopped.user()
        lines = [first, *command.stdout.readlines()]
        assert ids(json.loads(line) for line in lines) == before < ids_in_database(stopped.data)
        assert command.stderr.read().decode() == f"exported {len(before)} events, up to {before[-1]}\n"


def test_an_export_covers_the_time_that_was_asked_for(stopped):
    before = len(ids_in_database(stopped.data)) - 5000
    add_events(stopped.data, 10, at_ms=4102444800000)  # 2100-01-01
    add_events(stopped.data, 10, at_ms=4102531200000)  # 2100-01-02
    lines, after = exported(stopped.data, "--since", "2100-01-01", "--until", "2100-01-02T00:00:00Z")
    assert ids(lines) == list(range(before + 5001, before + 5011)) and after == str(before + 5010)
    lines, after = exported(stopped.data, "--after", after)
    assert ids(lines) == list(range(before + 5011, before + 5021))
    assert exported(stopped.data, "--since", "2100-01-03") == ([], after)
    for wrong in (["--since", "yesterday"], ["--until", "2100-13-01"], ["--after", "-1"]):
        assert export(stopped.data, *wrong).returncode == 2


def test_an_export_of_what_was_pruned_says_what_is_missing(stopped):
    last = ids_in_database(stopped.data)[-1]
    add_events(stopped.data, 5, at_ms=4102444800000)
    db = sqlite3.connect(os.path.join(stopped.data, "cais.db"))
    with db:
        db.execute("UPDATE events_kept SET from_id = ?", (last,))
        db.execute("DELETE FROM events WHERE id < ?", (last,))
    db.close()
    done = export(stopped.data, "--after", "7")
    assert done.returncode == 0 and f"the events from 8 to {last - 1} were removed before they were exported\n" in done.stderr
    assert ids(json.loads(line) for line in done.stdout.splitlines()) == list(range(last, last + 6))
    assert ids(exported(stopped.data)[0]) == list(range(last, last + 6))


def test_an_export_after_an_event_that_never_was_is_refused(stopped):
    done = export(stopped.data, "--after", "1000000")
    assert done.returncode == 1 and done.stdout == "" and "there never was one with the id 1000000" in done.stderr


# ── files


def test_an_exported_file_is_whole_and_replaces_none(stopped, tmp_path):
    target = tmp_path / "events"
    target.write_text("mine")
    done = export(stopped.data, "-o", target)
    assert done.returncode == 1 and "--force" in done.stderr and target.read_text() == "mine"
    done = export(stopped.data, "-o", target, "--force")
    assert done.returncode == 0 and done.stdout == "" and done.stderr.startswith("exported ")
    assert target.read_text() == export(stopped.data).stdout
    assert not list(tmp_path.glob(".cais-*"))


@pytest.mark.parametrize("limit", (0, 100_000))
def test_an_export_that_could_not_be_written_left_half_a_file(stopped, tmp_path, limit):
    stopped.start()
    with stopped:
        done = export(stopped.data, "-o", tmp_path / "events", restore_signals=False,  # SIGXFSZ stays ignored
                      preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        assert done.returncode == 1 and "exported" not in done.stderr
        assert not (tmp_path / "events").exists() and not list(tmp_path.glob(".cais-*"))
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([BINARY, "audit", "export", "--data", stopped.data], stdout=full, stderr=subprocess.PIPE,
                                  text=True, timeout=300, check=False)
        assert done.returncode == 1 and "exported" not in done.stderr


class FirstPiece(threading.Thread):
    """Listens where a server does, replies with the first piece of an export, after calling `before_reply`, and is gone."""

    def __init__(self, data, before_reply):
        super().__init__(daemon=True)
        self.before_reply, self.was_asked = before_reply, False
        path = os.path.join(data, "admin.sock")
        if os.path.exists(path):
            os.unlink(path)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        self.start()

    def run(self):
        while True:
            try:
                conn = self.listener.accept()[0]
            except OSError:
                return
            with conn:
                request = b""
                while b"argv" not in request:  # the whole request is one small write
                    if not (more := conn.recv(65536)):
                        break  # the command looks whether there is a server
                    request += more
                if not more or self.was_asked:
                    continue
                self.was_asked = True
                self.before_reply()
                body = b'0 10 1,2,1,1\n{"id": 1}\n'
                with contextlib.suppress(OSError):  # `before_reply` may have ended the command
                    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
                                 % (len(body), body))


@pytest.mark.parametrize("how", ("the server is gone", "the command gets a signal"))
def test_an_export_that_was_interrupted_left_half_a_file(stopped, tmp_path, how):
    def interrupt():
        assert list(tmp_path.glob(".cais-*"))
        if how == "the command gets a signal":
            command.send_signal(signal.SIGTERM)
    server = FirstPiece(stopped.data, interrupt)
    with subprocess.Popen([BINARY, "audit", "export", "--data", stopped.data, "-o", tmp_path / "events"],
                          stderr=subprocess.PIPE, text=True) as command:
        said = command.communicate(timeout=120)[1]
    server.listener.close()
    assert server.was_asked and command.returncode == (1 if how == "the server is gone" else -signal.SIGTERM)
    assert "exported" not in said and said.startswith("cais audit export: ")
    assert not (tmp_path / "events").exists() and not list(tmp_path.glob(".cais-*"))


def test_an_export_of_a_long_log_took_memory_for_all_of_it(tmp_path):
    server = Server(tmp_path)
    server.stop()
    add_events(server.data, 30_000, detail="x" * 1000)
    server.start()
    with server:
        def peak_of(*options):
            """The peak memory of the command in KiB."""
            with open(tmp_path / "out", "wb") as out, subprocess.Popen(
                    [BINARY, "audit", "export", "--data", server.data, *options], stdout=out) as command:
                _, status, usage = os.wait4(command.pid, 0)
                command.returncode = status
            assert status == 0
            return usage.ru_maxrss
        small, before = peak_of("--after", "29000"), server.peak()
        large = peak_of()
        assert os.path.getsize(tmp_path / "out") > 30_000_000
        assert large - small < 12_000, (small, large)
        assert server.peak() - before < 16_000_000, (before, server.peak())
