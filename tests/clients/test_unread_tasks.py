# SPDX-License-Identifier: Apache-2.0
"""Clients that ask for a task of 12 MiB and do not read it: the server keeps one piece of each reply. Whoever reads gets all."""
import json
import socket

import pytest
from server import Server, bearer, json_head, request

COMMENTS, BYTES, READERS, MIB = 12, 170_000, 60, 1 << 20


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("tasks"), sets=["http.max_connections_per_address=0", "pyrus.rate_limit=0"])
    with server:
        login = server.user()
        token = server.log_in(login, server.key(login, "pyrus")["security_key"])["access_token"]
        with server.connect() as client:
            made = client.ask("POST", "/v4/tasks", json_head(token), json.dumps({"text": "short"}).encode())
            task = made.json()["task"]["id"]
            for _ in range(COMMENTS):
                body = json.dumps({"text": "\x01" * BYTES}).encode()
                client.send(request("POST", f"/v4/tasks/{task}/comments", json_head(token), body))
                assert client.answer("POST").status == 200
        yield server, token, f"/v4/tasks/{task}"


def expect_whole(body):
    assert body.count(b"\\u0001") == COMMENTS * BYTES
    assert [len(c.get("text", "")) for c in json.loads(body)["task"]["comments"]].count(BYTES) == COMMENTS


def test_a_task_of_many_pieces_arrives_whole(world):
    server, token, target = world
    with server.connect() as client:
        whole = client.ask("GET", target, bearer(token))
        assert whole.status == 200
        expect_whole(whole.body)
        assert client.ask("HEAD", target, bearer(token)).body == b""
        assert client.ask("GET", target, bearer(token)).body == whole.body  # the connection goes on


def test_http_1_0_gets_a_task_until_the_connection_closes(world):
    server, token, target = world
    with socket.create_connection(server.address(), timeout=60) as sock:
        sock.sendall(f"GET {target} HTTP/1.0\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        received = b""
        while more := sock.recv(1 << 16):
            received += more
    head, body = received.split(b"\r\n\r\n", 1)
    assert b" 200 " in head and b"chunked" not in head
    expect_whole(body)


def test_unread_tasks_were_kept_whole(world):
    server, token, target = world
    before, readers = server.memory(), []
    for _ in range(READERS):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(60)
        sock.connect(server.address())
        sock.sendall(request("GET", target, bearer(token)))
        assert sock.recv(1, socket.MSG_PEEK)
        readers.append(sock)
    grown = server.memory() - before
    for sock in readers:
        sock.close()
    # Each thread that reads a comment uses some MiB for a moment, and the allocator keeps them.
    assert grown < READERS * (256 << 10) + 48 * MIB, f"{grown // MIB} MiB for {READERS} unread replies"
