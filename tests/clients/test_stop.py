# SPDX-License-Identifier: Apache-2.0
"""Stopping a server: active requests finish, idle connections close, and interrupted uploads leave nothing."""

import hashlib
import os
import signal

import pytest

from server import FORM, Gone, Server, bearer, file_part, form, request, wait_for

DATA = os.urandom(50 << 20)


def in_flight(server, client, api, token, data):
    """Send an upload up to the first third of its body, and wait until the server has received it. Returns the rest."""
    if api == "pyrus":
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


@pytest.mark.parametrize("api", ["pyrus", "native"])
def test_an_active_upload_is_finished_and_stored_before_the_server_stops(tmp_path, api):
    server = Server(tmp_path)
    try:
        token = server.pyrus() if api == "pyrus" else server.native()
        with server.connect() as client, server.connect() as idle, server.connect() as silent:
            assert idle.ask("GET", "/health").status == 200
            rest = in_flight(server, client, api, token, DATA)
            stopping(server)
            assert idle.is_closed() and silent.is_closed()
            wait_for("the listener to close", lambda: refuses(server))
            client.send(rest)
            answer = client.answer()
            assert answer.status == (200 if api == "pyrus" else 201), answer
            assert answer.header("Connection") == "close" and client.is_closed()
        assert server.wait_end() == 0
        assert not os.path.exists(os.path.join(server.data, "run.json"))
        server.start()
        body = answer.json()
        target = "/v4/files/download/" + body["guid"] if api == "pyrus" else "/v1/native/files/" + body["id"]
        assert server.ask("GET", target, bearer(token)).body == DATA
        assert body["md5_hash" if api == "pyrus" else "md5"] == hashlib.md5(DATA).hexdigest()
        server.stop()
    finally:
        server.kill()


def refuses(server):
    try:
        server.connect().close()
    except ConnectionRefusedError:
        return True
    return False


def expect_nothing_left(server):
    server.start()
    assert server.files() == []
    found = [os.path.join(d, f) for d, _, files in os.walk(os.path.join(server.data, "blobs")) for f in files]
    assert not [f for f in found if os.path.getsize(f) > 1000], found
    assert server.cais("fsck").returncode == 0
    server.stop()


@pytest.mark.parametrize("api", ["pyrus", "native"])
def test_after_the_grace_uploads_are_interrupted_and_leave_nothing(tmp_path, api):
    server = Server(tmp_path, sets=["http.shutdown_grace=200ms"])
    try:
        with server.connect() as client:
            in_flight(server, client, api, server.pyrus() if api == "pyrus" else server.native(), DATA)
            stopping(server)
            with pytest.raises((Gone, ConnectionError)):
                answer = client.answer()
                assert answer.status >= 400, answer  # a reply is not certain, but it must be an error
                raise Gone
        assert server.wait_end() == 0
        expect_nothing_left(server)
    finally:
        server.kill()


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_does_not_wait_for_the_grace(tmp_path, second):
    server = Server(tmp_path, sets=["http.shutdown_grace=1h"])
    try:
        with server.connect() as client:
            in_flight(server, client, "native", server.native(), DATA)
            stopping(server)
            server.signal(signal.SIGHUP)  # ignored while the server stops
            server.signal(second)
            server.wait_log(lambda line: line["msg"].startswith("stopping at once"))
        assert server.wait_end() == 0
        expect_nothing_left(server)
    finally:
        server.kill()


def test_a_grace_of_zero_stops_at_once(tmp_path):
    with Server(tmp_path, sets=["http.shutdown_grace=0"]) as server:
        with server.connect() as client:
            in_flight(server, client, "native", server.native(), DATA)
            stopping(server)
            assert server.wait_end() == 0


def test_an_active_download_is_finished(tmp_path):
    server = Server(tmp_path)
    try:
        token = server.native()
        made = server.ask("PUT", "/v1/native/files/big", bearer(token), DATA).json()
        with server.connect() as client:
            client.send(request("GET", "/v1/native/files/" + made["id"], bearer(token)))
            client._more()  # wait for its first bytes
            stopping(server)
            assert client.answer().body == DATA and client.is_closed()
        server.stop()
    finally:
        server.kill()


def test_a_request_during_the_stop_is_answered_or_its_connection_closed(tmp_path):
    """The reply is complete, or there is none."""
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
