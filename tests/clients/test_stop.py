# SPDX-License-Identifier: Apache-2.0
"""Stopping: what is in flight finishes and is kept, what waits is let go, what is cut leaves nothing."""

import hashlib
import os
import signal

import pytest

from server import FORM, Gone, Server, bearer, file_part, form, request, wait_for

DATA = os.urandom(50 << 20)


def in_flight(server, client, way, token, data):
    """The request with the first third of its body, taken in by the server; returns the rest."""
    if way == "pyrus":
        body = form(file_part("big", data))
        head = request("POST", "/v4/files/upload", [FORM, ("Content-Length", len(body)), *bearer(token)])
    else:
        body, head = data, request("PUT", "/v1/native/files/big", [("Content-Length", len(data)), *bearer(token)])
    third = len(body) // 3
    client.send(head + body[:third])
    wait_for("a third of the body", lambda: server.metrics()["cais_http_received_bytes_total"] >= third)
    return body[third:]


def stopping(server):
    server.signal(signal.SIGTERM)
    server.wait_log(lambda line: line["msg"] == "stopping")


@pytest.mark.parametrize("way", ["pyrus", "native"])
def test_a_running_upload_is_finished_and_acknowledged_and_is_there_after_the_restart(tmp_path, way):
    server = Server(tmp_path)
    try:
        token = server.pyrus() if way == "pyrus" else server.native()
        with server.connect() as client, server.connect() as idle, server.connect() as silent:
            assert idle.ask("GET", "/health").status == 200
            rest = in_flight(server, client, way, token, DATA)
            stopping(server)
            assert idle.is_closed() and silent.is_closed()
            wait_for("nobody to listen any more", lambda: refuses(server))
            client.send(rest)
            answer = client.answer()
            assert answer.status == (200 if way == "pyrus" else 201), answer
            assert answer.header("Connection") == "close" and client.is_closed()
        assert server.wait_end() == 0
        assert not os.path.exists(os.path.join(server.data, "run.json"))
        server.start()
        told = answer.json()
        target = "/v4/files/download/" + told["guid"] if way == "pyrus" else "/v1/native/files/" + told["id"]
        assert server.ask("GET", target, bearer(token)).body == DATA
        assert told["md5_hash" if way == "pyrus" else "md5"] == hashlib.md5(DATA).hexdigest()
        server.stop()
    finally:
        server.kill()


def refuses(server):
    try:
        server.connect().close()
    except ConnectionRefusedError:
        return True
    return False


def nothing_is_left(server):
    server.start()
    assert server.files() == []
    found = [os.path.join(d, f) for d, _, files in os.walk(os.path.join(server.data, "blobs")) for f in files]
    assert not [f for f in found if os.path.getsize(f) > 1000], found
    assert server.cais("fsck").returncode == 0
    server.stop()


@pytest.mark.parametrize("way", ["pyrus", "native"])
def test_when_the_grace_is_over_uploads_are_cut_and_leave_nothing(tmp_path, way):
    server = Server(tmp_path, sets=["http.shutdown_grace=200ms"])
    try:
        with server.connect() as client:
            in_flight(server, client, way, server.pyrus() if way == "pyrus" else server.native(), DATA)
            stopping(server)
            with pytest.raises((Gone, ConnectionError)):
                answer = client.answer()
                assert answer.status >= 400, answer  # told, if there was time for it
                raise Gone
        assert server.wait_end() == 0
        nothing_is_left(server)
    finally:
        server.kill()


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_does_not_wait_for_the_grace(tmp_path, second):
    server = Server(tmp_path, sets=["http.shutdown_grace=1h"])
    try:
        with server.connect() as client:
            in_flight(server, client, "native", server.native(), DATA)
            stopping(server)
            server.signal(signal.SIGHUP)  # of no matter any more
            server.signal(second)
            server.wait_log(lambda line: line["msg"].startswith("stopping at once"))
        assert server.wait_end() == 0
        nothing_is_left(server)
    finally:
        server.kill()


def test_a_grace_of_nothing_stops_at_once(tmp_path):
    with Server(tmp_path, sets=["http.shutdown_grace=0"]) as server:
        with server.connect() as client:
            in_flight(server, client, "native", server.native(), DATA)
            stopping(server)
            assert server.wait_end() == 0


def test_a_running_download_is_finished(tmp_path):
    server = Server(tmp_path)
    try:
        token = server.native()
        made = server.ask("PUT", "/v1/native/files/big", bearer(token), DATA).json()
        with server.connect() as client:
            client.send(request("GET", "/v1/native/files/" + made["id"], bearer(token)))
            client._more()  # its first bytes are here
            stopping(server)
            assert client.answer().body == DATA and client.is_closed()
        server.stop()
    finally:
        server.kill()


def test_a_request_that_comes_while_stopping_on_an_open_connection_is_served_or_closed(tmp_path):
    """Never half an answer."""
    server = Server(tmp_path)
    try:
        token = server.native()
        with server.connect() as client:
            rest = in_flight(server, client, "native", token, DATA[:1 << 20])
            stopping(server)
            client.send(rest + request("GET", "/health"))
            assert client.answer().status == 201
            assert client.is_closed()
        server.stop()
    finally:
        server.kill()
