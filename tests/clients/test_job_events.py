# SPDX-License-Identifier: Apache-2.0
"""Jobs in the native API: their streams of events, while other requests are served (docs/native.md)."""
import http.client
import json
import os
import re
import socket
import sqlite3
import time

import pytest

from server import Server, bearer, is_native_error, request, wait_for

STREAMS = 300
EVENTS = "/v1/native/jobs/999/events"


def add_job(server, id_=999):
    """A job of the account "default" that no worker runs. The server does not run."""
    db = sqlite3.connect(os.path.join(server.data, "cais.db"), isolation_level=None)
    db.execute("INSERT INTO jobs (id, kind, subject, account_id, group_key, payload, state, created_at_ms, run_at_ms,"
               " started_at_ms, finished_at_ms, attempts, progress, total, checkpoint, result, error, lease_owner,"
               " lease_until_ms, cancel_at_ms) SELECT ?, 'later', 'file:1', id, '', '', 0, 1, 1, 0, 0, 0, 0, 0, '', '',"
               " '', '', 0, 0 FROM accounts WHERE name = 'default'", (id_,))
    db.close()


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path, sets=[f"native.max_account_event_streams={STREAMS}"]) as made:
        made.stop()
        add_job(made)
        made.start()
        made.token = made.native()
        yield made


class Stream:
    """A reader of one stream."""

    def __init__(self, server, target=EVENTS, headers=(), **where):
        self.client = server.connect(**where)
        self.client.send(request("GET", target, headers or bearer(server.token)))
        self.status, self.headers = self.client.head()
        self.text = b""

    def more(self):
        """The next chunk. False: the stream has ended as it should."""
        size = int(self.client._until(b"\r\n"), 16)
        self.text += self.client._exactly(size + 2)[:-2]
        return size > 0

    def event(self):
        """The data of the next event."""
        while b"data: " not in self.text or b"\n\n" not in self.text.split(b"data: ", 1)[1]:
            assert self.more(), "the stream has ended"
        data, self.text = self.text.split(b"data: ", 1)[1].split(b"\n\n", 1)
        return json.loads(data)


def test_a_stream_follows_a_job_to_its_end(server):
    stream = Stream(server, headers=[*bearer(server.token), ("Last-Event-ID", "77")])
    named = {n.lower(): v for n, v in stream.headers}
    assert (stream.status, named["content-type"], named["cache-control"], named["x-accel-buffering"]) == \
        (200, "text/event-stream", "no-store", "no")
    stream.more()
    assert stream.text.startswith(b"retry: 3000\nevent: state\nid: 1\ndata: {"), stream.text
    first = stream.event()
    assert first == server.ask("GET", "/v1/native/jobs/999", bearer(server.token)).json()
    assert (first["id"], first["kind"], first["state"]) == (999, "later", "queued")
    server.cais("jobs", "cancel", "999")
    assert stream.event()["state"] == "cancelled"
    assert not stream.more() and stream.client.is_closed()
    again = Stream(server)
    assert again.event()["state"] == "cancelled" and not again.more()


def test_the_operator_follows_a_periodic_job(server):
    job = wait_for("the first run", lambda: next((j for j in server.cais_json("jobs") if j["kind"] == "sweep" and
                                                  j["state"] == "queued" and "finished_at" in j), None))
    target = f"/v1/native/jobs/{job['id']}"
    is_native_error(server.ask("GET", target, bearer(server.token)), 404, "not_found")
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(30)
    connection.sock.connect(os.path.join(server.data, "admin.sock"))
    connection.request("GET", target + "/events")
    reply = connection.getresponse()

    def event():
        while not (line := reply.readline()).startswith(b"data: "):
            assert line
        return json.loads(line[6:])
    first = event()
    assert first["state"] == "queued"
    second = int(time.time())
    wait_for("a time that differs in its seconds", lambda: int(time.time()) > second)
    server.cais("jobs", "retry", str(job["id"]))
    wait_for("the end of the next run", lambda: (seen := event())["state"] == "queued" and
             seen["finished_at"] > first["finished_at"])
    connection.close()


@pytest.mark.alone("it measures how soon the streams end")
def test_a_stream_ends_within_a_second_after_a_revocation(server):
    login = server.user()
    made = server.key(login, "native")
    stream = Stream(server, headers=bearer(made["token"]))
    assert stream.event()["state"] == "queued"
    server.cais("key", "revoke", str(made["id"]))
    began = time.monotonic()
    assert stream.client.is_closed()
    assert time.monotonic() - began < 1


def threads(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as f:
        return int(re.search(r"Threads:\s+(\d+)", f.read()).group(1))


@pytest.mark.alone("it measures how soon other requests are answered")
def test_300_streams_hold_no_thread(server):
    assert server.ask("GET", "/v1/native/files", bearer(server.token)).status == 200
    before, memory = threads(server), server.memory()
    streams = [Stream(server) for _ in range(STREAMS)]
    try:
        for stream in streams:
            assert stream.event()["state"] == "queued"
        is_native_error(server.ask("GET", EVENTS, bearer(server.token)), 429, "rate_limited")
        assert threads(server) == before
        print("bytes a stream:", (server.memory() - memory) // STREAMS)
        for _ in range(50):
            began = time.monotonic()
            assert server.ask("GET", "/v1/native/files", bearer(server.token)).status == 200
            assert time.monotonic() - began < 0.5
        assert server.metrics()['cais_lane_waiting{lane="ordinary"}'] == 0
        server.cais("jobs", "cancel", "999")
        for stream in streams:
            assert stream.event()["state"] == "cancelled"
            assert not stream.more()
    finally:
        for stream in streams:
            stream.client.close()
    wait_for("the streams to be counted out", lambda: server.ask("GET", EVENTS, bearer(server.token)).status == 200)


def test_a_client_that_goes_away_gives_its_place_back(server):
    streams = [Stream(server) for _ in range(STREAMS)]
    assert all(stream.status == 200 for stream in streams)
    is_native_error(server.ask("GET", EVENTS, bearer(server.token)), 429, "rate_limited")
    streams.pop().client.close()
    last = wait_for("a place", lambda: (made := Stream(server)).status == 200 and made)
    for stream in [last, *streams]:
        stream.client.close()


@pytest.mark.alone("it measures how soon the server stops")
def test_a_server_that_stops_does_not_wait_for_streams(server):
    stream = Stream(server)
    assert stream.event()["state"] == "queued"
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 10  # less than http.shutdown_grace
    assert stream.client.is_closed()
    server.start()
