# SPDX-License-Identifier: Apache-2.0
"""Slow clients: the server ends their requests after a timeout, stores nothing of them, and still serves other clients."""

import os
import resource
import subprocess
import time

import pytest

from rounds import rounds
from server import (BINARY, FORM, Authority, Gone, Server, bearer, file_part, form, in_threads, is_native_error, is_pyrus_error, request,
                    wait_for)

pytestmark = pytest.mark.alone("these servers drop slow clients, and a test without processor time is a slow client")
UPLOAD, PUT = "/v4/files/upload", "/v1/native/files/a.bin"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    sets = ["http.header_timeout=300ms", "http.idle_timeout=300ms", "http.body_rate_window=1s", "http.body_rate_bytes=1K",
            "pyrus.rate_limit=0"]
    with Server(tmp_path_factory.mktemp("slow"), sets=sets) as started:
        started.pyrus_token, started.native_token = started.pyrus(), started.native()
        yield started


@pytest.mark.parametrize("api", ["pyrus", "native"])
def test_a_head_that_stops_gets_408_in_the_form_of_its_api(server, api):
    with server.connect() as client:
        client.send(b"POST /v4/files/upload HTTP/1.1\r\nHost: a\r\nX: " if api == "pyrus" else b"PUT /v1/native/files/a HTT")
        answer = client.answer()
        if api == "pyrus":
            is_pyrus_error(answer, 408, "server_error")
        else:
            is_native_error(answer, 408, "timeout")
        assert client.is_closed()


def test_a_head_that_arrives_byte_by_byte_gets_408(server):
    """The timeout is for the whole head, so that progress does not extend it."""
    with server.connect() as client:
        client.sock.settimeout(0.05)
        began = time.monotonic()
        client.send(b"GET /health HTTP/1.1\r\nHost: a\r\nX: ")
        while time.monotonic() < began + 20:
            try:
                if not client.send(b"x") or client._more():
                    break
            except TimeoutError:
                continue
        assert client.seen.startswith(b"HTTP/1.1 408 "), client.seen


def test_an_idle_connection_is_closed_without_a_reply(server):
    with server.connect() as client:  # no byte was sent
        assert client.is_closed()
    with server.connect() as client:  # no second request was sent
        assert client.ask("GET", "/health").status == 200
        assert client.is_closed()


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("api", ["pyrus", "native"])
def test_a_body_that_stops_gets_an_error_and_nothing_is_stored(server, api, chunked):
    framing = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", "1000000")
    before = server.files()
    with server.connect() as client:
        if api == "pyrus":
            data = form(file_part("a", b"x" * 50_000), close=False)
            client.send(request("POST", UPLOAD, [FORM, framing, *bearer(server.pyrus_token)]))
        else:
            data = b"x" * 50_000
            client.send(request("PUT", PUT, [framing, *bearer(server.native_token)]))
        client.send(b"%x\r\n%s" % (900_000, data) if chunked else data)
        answer = client.answer()
        if api == "pyrus":
            is_pyrus_error(answer, 408, "server_error")
        else:
            is_native_error(answer, 408, "timeout")
        assert client.is_closed()
    assert server.files() == before
    assert server.metrics()["cais_http_timeouts_total"] > 0


def test_a_json_body_that_stops_gets_an_error(server):
    with server.connect() as client:
        client.send(request("POST", "/v4/auth", [("Content-Length", "100")]) + b"{")
        is_pyrus_error(client.answer(), 408, "server_error")


def test_200_slow_uploads_do_not_block_fast_ones(tmp_path):
    with Server(tmp_path) as server:
        pyrus, native = server.pyrus(), server.native()
        slow = []
        try:
            for i in range(200):
                client = server.connect()
                slow.append(client)
                if i % 2:
                    client.send(request("PUT", f"/v1/native/files/slow{i}", [("Content-Length", "10000000"), *bearer(native)]) +
                                b"s" * 70_000)
                else:
                    client.send(request("POST", UPLOAD, [FORM, ("Content-Length", "10000000"), *bearer(pyrus)]) +
                                form(file_part("slow", b"s" * 70_000), close=False))
            wait_for("the slow uploads to be active", lambda: server.metrics()["cais_http_requests_active"] >= 200)
            wait_for("their buffers to be released", lambda: server.metrics()["cais_http_body_buffers"] == 0)

            def fast(i):
                data = bytes([i]) * 3_000_000
                put = server.ask("PUT", f"/v1/native/files/fast{i}", bearer(native), data)
                assert put.status == 201, put
                assert server.ask("GET", "/v1/native/files/" + put.json()["id"], bearer(native)).body == data
                post = server.ask("POST", UPLOAD, [FORM, *bearer(pyrus)], form(file_part("fast", data)))
                assert post.status == 200, post
            in_threads(4, fast)
            for client in slow:  # the server has closed none of them
                assert client.send(b"s")
        finally:
            for client in slow:
                client.close()
        wait_for("the slow uploads to end", lambda: server.metrics()["cais_http_requests_active"] <= 1)
        assert sorted(f["name"] for f in server.files()) == ["fast"] * 4 + [f"fast{i}" for i in range(4)]


@pytest.mark.parametrize("option", ["http.max_connections=5", "http.max_connections_per_address=5"])
def test_connections_above_a_limit_get_503(tmp_path, option):
    with Server(tmp_path, sets=[option]) as server:
        clients = [server.connect() for _ in range(5)]
        try:
            for client in clients:
                assert client.ask("GET", "/health").status == 200
            with server.connect() as more:
                answer = more.answer()
                assert answer.status == 503 and answer.json()["error"] and answer.header("Retry-After"), answer
                assert more.is_closed()
            clients.pop().close()

            def again():
                with server.connect() as client:
                    try:
                        return client.ask("GET", "/health").status == 200
                    except Gone:  # refused; the request that we sent made the kernel reset the connection
                        return False
            wait_for("a free connection", again)
        finally:
            for client in clients:
                client.close()


def test_the_operator_was_locked_out_by_the_total_cap(tmp_path):
    with Server(tmp_path, sets=["http.max_connections=5", "server.metrics_listen=127.0.0.1:0"]) as server:
        clients = [server.connect() for _ in range(5)]
        try:
            for client in clients:
                assert client.ask("GET", "/health").status == 200
            with server.connect() as more:
                assert more.answer().status == 503
            server.user("ana@example.org")  # through admin.sock
            clients.append(server.connect("metrics_listen"))  # the answer comes after the command has left admin.sock
            assert clients[-1].ask("GET", "/health").status == 200
            clients += [server.connect("metrics_listen") for _ in range(63)]  # monitors have a limit, too
            assert clients[-1].ask("GET", "/health").status == 200
            with server.connect("metrics_listen") as more:
                assert more.answer().status == 503
        finally:
            for client in clients:
                client.close()


def limited(tmp_path, descriptors):
    """The program with a limit of file descriptors that it cannot raise."""
    script = tmp_path / f"cais{descriptors}"
    script.write_text(f'#!/bin/sh\nulimit -n {descriptors}\nexec "{BINARY}" "$@"\n')
    script.chmod(0o755)
    return str(script)


def test_connections_leave_descriptors_for_everything_else(tmp_path):
    with Server(tmp_path, binary=limited(tmp_path, 1000), sets=["http.max_connections=5000"]) as server:
        line = server.wait_log(lambda line: line["msg"].startswith("http.max_connections is above"))
        assert line["level"] == "warning" and line["descriptors"] == 1000 and 100 < line["used"] < 200
        token, data = server.native(), os.urandom(300_000)
        clients = []
        try:
            for _ in range(line["used"]):
                clients.append(server.connect())
                clients[-1].send(request("PUT", PUT, [("Content-Length", str(len(data))), *bearer(token)]) + data[:-1])
            with server.connect() as more:
                assert more.answer().status == 503
            server.user("ana@example.org")
            for client in clients:  # each has a blob open
                client.send(data[-1:])
                assert client.answer().status == 201
        finally:
            for client in clients:
                client.close()


def test_a_limit_of_descriptors_that_is_too_low_is_an_error_at_the_start(tmp_path):
    done = subprocess.run([limited(tmp_path, 500), "serve", "--data", tmp_path / "data"], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 1 and "a limit of 500 file descriptors is too low" in done.stderr


@pytest.mark.parametrize("tls", [False, True])
def test_a_reader_that_reads_nothing_is_cut(tmp_path, tls):
    authority = Authority(tmp_path)
    pem, key = authority.issue("server", ["localhost"])
    options = ["--tls-listen", "127.0.0.1:0", "--tls-cert", pem, "--tls-key", key]
    with Server(tmp_path, *options, sets=["http.send_rate_window=1s", "http.send_rate_bytes=64K"]) as server:
        token, data = server.native(), os.urandom(40_000_000)
        put = server.ask("PUT", PUT, bearer(token), data).json()
        where = {"kind": "tls_listen", "tls": authority.context(), "name": "localhost"} if tls else {}
        with server.connect(**where) as client:
            client.send(request("GET", "/v1/native/files/" + put["id"], bearer(token)))
            wait_for("the end of the download", lambda: server.metrics()["cais_http_slow_readers_total"] == 1)
        assert server.ask("GET", "/v1/native/files/" + put["id"], bearer(token), **where).body == data


def test_the_limit_per_address_does_not_apply_to_trusted_proxies(tmp_path):
    sets = ["http.max_connections_per_address=2", "server.trusted_proxies=127.0.0.1"]
    with Server(tmp_path, "--listen", "[::1]:0", sets=sets) as server:
        clients = [server.connect() for _ in range(5)]
        clients += [server.connect(nth=1) for _ in range(2)]
        try:
            for client in clients:
                assert client.ask("GET", "/health").status == 200
            with server.connect(nth=1) as more:
                assert more.answer().status == 503
        finally:
            for client in clients:
                client.close()


def test_a_lack_of_descriptors_does_not_keep_a_loop_busy(tmp_path):
    def processor_time(pid):
        with open(f"/proc/{pid}/stat") as f:
            parts = f.read().rsplit(")", 1)[1].split()
        return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")

    with Server(tmp_path) as server:
        pid = server.process.pid
        limit = len(os.listdir(f"/proc/{pid}/fd")) + 10
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, limit))
        clients = [server.connect() for _ in range(40)]
        try:
            refused = 0
            for client in clients:
                try:
                    answer = client.ask("GET", "/health")
                    refused += answer.status == 503 and answer.header("X-Request-Id") is not None
                except Gone:
                    refused += 1
            assert refused >= 20
            before = processor_time(pid)
            idle = server.connect()  # the server closes a connection that it has no descriptor for
            wait_for("the end of the connection", idle.is_closed)
            assert processor_time(pid) - before < 0.5
        finally:
            for client in clients:
                client.close()

        def again():
            with server.connect() as client:
                try:
                    return client.ask("GET", "/health").status == 200
                except Gone:
                    return False
        wait_for("free descriptors", again)


def test_a_refused_upload_does_not_consume_the_wake_up_of_uploads_that_wait_for_a_buffer(tmp_path):
    sets = ["http.body_pool=1M", "native.max_file_size=200K", "server.loops=2"]
    small, large = os.urandom(190_000), os.urandom(600_000)
    with Server(tmp_path, sets=sets) as server:
        token = server.native()

        def upload(i):
            body = large if i % 2 else small
            with server.connect() as client:
                client.send(request("PUT", PUT, [*bearer(token), ("Transfer-Encoding", "chunked")]))
                try:
                    for at in range(0, len(body), 50_000):
                        piece = body[at:at + 50_000]
                        client.send(b"%x\r\n%s\r\n" % (len(piece), piece))
                    client.send(b"0\r\n\r\n")
                except Gone:
                    pass  # refused; the reply can still be read
                return client.answer().status
        for _ in range(rounds("waves_of_refused_uploads")):
            assert in_threads(40, upload) == [413 if i % 2 else 201 for i in range(40)]
