# SPDX-License-Identifier: Apache-2.0
"""Links by which people without an account upload (docs/native.md, "Upload links"), over the wire: limits under many uploads at once and over a kill,
and uploads that run while their link is revoked. The rules are tested in tests/unit/drop_links.c."""

import json
import time

from server import Server, in_threads

TUS = ("Tus-Resumable", "1.0.0")
OFFSETS = ("Content-Type", "application/offset+octet-stream")


def make(server, token, **limits):
    body = {"label": "offers", "lifetime_seconds": 3600, "max_files": 10, "max_bytes": 1000, **limits}
    answer = server.ask("POST", "/v1/native/links", [("Authorization", "Bearer " + token)], json.dumps(body).encode())
    assert answer.status == 201, answer
    return answer.json()


def begin(server, link, size, body=b"", **where):
    return server.ask("POST", "/v1/native/uploads", [("Authorization", "Link " + link["secret"]), TUS, ("Upload-Length", str(size))] + ([OFFSETS] if body else []),
                      body, **where)


def counts(server, token, link):
    shown = server.ask("GET", f"/v1/native/links/{link['id']}", [("Authorization", "Bearer " + token)]).json()
    return shown["files"], shown["bytes"]


def test_limits_are_exact_when_many_upload_at_once_and_the_server_is_killed(tmp_path):
    with Server(tmp_path) as server:
        token = server.key(server.user(), "native")["token"]
        by_files, by_bytes = make(server, token), make(server, token, max_files=100, max_bytes=70)
        for link, size, fits in ((by_files, 3, 10), (by_bytes, 7, 10)):
            statuses = [a.status for a in in_threads(30, lambda i: begin(server, link, size, b"x" * (size if i % 2 else 0)))]
            assert statuses.count(201) == fits and statuses.count(403) == 30 - fits, statuses
            assert counts(server, token, link) == (fits, fits * size)
        server.kill()
        server.start()
        for link, size in ((by_files, 3), (by_bytes, 7)):
            assert counts(server, token, link) == (10, 10 * size)
            assert begin(server, link, 0 if link is by_files else 1).status == 403
        assert by_files["secret"] not in server.log()


def test_an_upload_that_runs_ends_when_its_link_is_revoked(tmp_path):
    with Server(tmp_path) as server:
        token = server.key(server.user(), "native")["token"]
        link = make(server, token, max_bytes=1 << 20)
        path = begin(server, link, 1 << 20).header("Location")
        path = path[path.index("/v1/"):]
        head = f"PATCH {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Link {link['secret']}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n" \
               f"Content-Type: application/offset+octet-stream\r\nContent-Length: {1 << 20}\r\n\r\n"
        with server.connect() as running:
            running.send(head.encode() + b"x" * 65536)
            revoked = server.ask("DELETE", f"/v1/native/links/{link['id']}", [("Authorization", "Bearer " + token)])
            assert revoked.status == 204
            began = time.monotonic()
            answer = running.answer("PATCH")
            assert answer.status == 401 and time.monotonic() - began < 10, answer  # a second, on a machine that is not busy
        assert server.ask("GET", "/v1/native/files", [("Authorization", "Bearer " + token)]).json()["files"] == []
