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


def begin_and_remove(server, link, rounds=10**6):
    """How many uploads were begun, and how many removed, until one was refused."""
    begun = removed = 0
    for _ in range(rounds):
        made = begin(server, link, 1)
        if made.status != 201:
            assert made.status == 403 and "removed unfinished" in made.json()["error"]["message"], made
            break
        begun += 1
        path = made.header("Location")
        proof = [("Authorization", "Link " + link["secret"]), TUS]
        removed += server.ask("DELETE", path[path.index("/v1/"):], proof).status == 204
    return begun, removed


def test_whoever_has_a_link_began_and_removed_uploads_without_end(tmp_path):
    with Server(tmp_path) as server:
        token = server.key(server.user(), "native")["token"]
        link, other = make(server, token, max_files=3), make(server, token, max_files=50, max_bytes=100)
        assert begin_and_remove(server, link) == (100, 100)
        assert counts(server, token, link) == (0, 0)
        events = [e for e in server.cais_json("audit", "--limit", "1000") if e["action"].startswith("transfer.")]
        assert len(events) == 200
        # many at once: each that had begun may be removed, and no more begin than were under way when the limit was reached
        done = in_threads(40, lambda _: begin_and_remove(server, other))
        begun, removed = sum(b for b, _ in done), sum(r for _, r in done)
        assert 100 <= begun <= 140 and removed == begun, done
        assert begin(server, other, 1).status == 403
        server.kill()
        server.start()
        assert begin(server, link, 1).status == 403 and begin(server, other, 1).status == 403


def test_wrong_links_keep_nobody_from_signing_in(tmp_path):
    with Server(tmp_path, sets=["logins.failures=5", "logins.failures_per_user=5", "logins.failures_per_address=5"]) as server:
        login = server.user()
        key = server.key(login, "pyrus")["security_key"]
        link = make(server, server.key(login, "native")["token"])
        statuses = [server.ask("GET", "/v1/native/link", [("Authorization", "Link wrong")]).status for _ in range(40)]
        assert statuses == [401] * 5 + [429] * 35
        assert server.log_in(login, key)["access_token"]
        assert server.ask("GET", "/v1/native/link", [("Authorization", "Link " + link["secret"])]).status == 200


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
