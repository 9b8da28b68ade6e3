# SPDX-License-Identifier: Apache-2.0
"""A disk that fails (tests/support/faults.py) under the routes of datasets, upload links, spaces and administration. While it fails, each
request that changes something is refused in the form of the API and leaves nothing, not even a line in the audit log; what is there is
read. Afterwards the same requests succeed, without a restart. What they made is there after a power failure, and nothing else is."""
import json
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from faults import rule  # noqa: E402
from serving import wait_for  # noqa: E402
from test_disk_faults import Place, health  # noqa: E402

SMALL, LARGE = b"small", b"x" * 50000  # LARGE is a blob
ROWS = b'{"n":1}\n{"n":2}\n'
MANY_ROWS = b"".join(b'{"n":%d,"text":"%s"}\n' % (n, b"y" * 90) for n in range(400))  # a blob, too
TUS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
RECORD_FAULTS = [("log", "write", "ENOSPC"), ("log", "write", "EIO")]
BLOB_FAULTS = [("blob", "write", "ENOSPC"), ("blob", "write", "EIO"), ("blob", "flush", "EIO")]


class Caller:
    """An administrator of the account."""

    def __init__(self, server):
        server.cais("user", "add", "boss", "--admin")
        self.token = server.cais_json("key", "add", "boss", "--for", "native")["token"]
        self.server = server

    def ask(self, method, path, body=None, headers=()):
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        status, _, text = self.server.ask(method, "/v1/native" + path, data, {"Authorization": "Bearer " + self.token, **dict(headers)})
        return status, text

    def do(self, method, path, body=None, headers=()):
        status, text = self.ask(method, path, body, headers)
        assert status in (200, 201, 204), (method, path, status, text)
        return json.loads(text) if text else None


def datasets(boss):
    """(what is looked at, the requests that write records only, those that also write a blob)."""
    columns = [{"name": "n", "type": "integer"}, {"name": "text", "type": "string"}]
    for slug in ("kept", "old"):
        boss.do("POST", "/datasets", {"name": slug, "columns": columns, "processing": "manual"})
    sent = boss.do("PUT", "/datasets/kept/files/a.jsonl", ROWS)
    boss.do("PUT", "/datasets/kept/files/b.jsonl", b'{"n":3}\n')
    small = [("POST", "/datasets", {"name": "new", "columns": columns}),
             ("PATCH", "/datasets/kept", {"name": "changed", "columns": [*columns, {"name": "more", "type": "string"}]}),
             ("PUT", "/datasets/kept/files/c.jsonl", b'{"n":4}\n'),
             ("DELETE", f"/datasets/kept/files/{sent['id']}"),
             ("DELETE", "/datasets/old")]
    return ["/datasets", "/datasets/kept/files"], small, [("PUT", "/datasets/kept/files/large.jsonl", MANY_ROWS)]


def links(boss):
    limits = {"lifetime_seconds": 3600, "max_files": 10, "max_bytes": 1 << 20}
    first = boss.do("POST", "/links", {"label": "first", **limits})
    second = boss.do("POST", "/links", {"label": "second", **limits})
    link = {"Authorization": "Link " + first["secret"], **TUS}
    boss.do("POST", "/uploads", SMALL, {**link, "Upload-Length": str(len(SMALL))})
    small = [("POST", "/links", {"label": "third", **limits}),
             ("DELETE", f"/links/{second['id']}"),
             ("POST", "/uploads", SMALL, {**link, "Upload-Length": str(len(SMALL))})]
    large = [("POST", "/uploads", LARGE, {**link, "Upload-Length": str(len(LARGE))})]
    return ["/links", f"/links/{first['id']}/files", "/files"], small, large


def spaces(boss):
    boss.do("POST", "/account/users", {"login": "ana"})
    boss.do("POST", "/account/users", {"login": "bea"})
    space, old = (boss.do("POST", "/spaces", {"name": name}) for name in ("kept", "old"))
    root, members = f"/folders/{space['root']}", f"/spaces/{space['id']}/members"
    boss.do("PUT", members + "/ana", {"role": "editor"})
    folder, gone = (boss.do("POST", root + "/folders", {"name": name}) for name in ("kept", "gone"))
    kept, removed = (boss.do("PUT", f"{root}/files/{name}", SMALL) for name in ("kept", "removed"))
    own = boss.do("PUT", "/files/own", SMALL)
    boss.do("PUT", f"/folders/{gone['id']}/files/below", SMALL)
    small = [("POST", "/spaces", {"name": "new"}),
             ("PATCH", f"/spaces/{space['id']}", {"name": "renamed"}),
             ("PUT", members + "/bea", {"role": "viewer"}),
             ("DELETE", members + "/ana"),
             ("POST", root + "/folders", {"name": "new"}),
             ("PATCH", f"/folders/{folder['id']}", {"name": "renamed"}),
             ("DELETE", f"/folders/{gone['id']}"),
             ("PUT", root + "/files/new", SMALL),
             ("POST", root + "/files", {"file": own["id"]}),
             ("PATCH", f"{root}/files/{kept['id']}", {"name": "moved", "folder": folder["id"]}),
             ("DELETE", f"{root}/files/{removed['id']}"),
             ("DELETE", f"/spaces/{old['id']}")]
    looked_at = ["/spaces", members, root + "/folders", root + "/files", f"/folders/{folder['id']}/files", "/files"]
    return looked_at, small, [("PUT", root + "/files/large", LARGE)]


def administration(boss):
    ana, bea, cid = (boss.do("POST", "/account/users", {"login": login})["id"] for login in ("ana", "bea", "cid"))
    key = boss.do("POST", "/account/keys", {"login": "ana", "for": "s3"})
    small = [("POST", "/account/users", {"login": "new"}),
             ("PATCH", f"/account/users/{ana}", {"state": "disabled"}),
             ("PATCH", f"/account/users/{bea}", {"admin": True}),
             ("DELETE", f"/account/users/{cid}"),
             ("PUT", f"/account/users/{bea}/password", {"password": "a long password"}),
             ("POST", f"/account/users/{bea}/link"),
             ("DELETE", f"/account/keys/{key['id']}"),
             ("POST", "/account/keys", {"login": "bea", "for": "s3"})]
    return ["/account/users", "/account/keys?state=all"], small, []


def seen(boss, looked_at):
    """All that is looked at, without the times at which keys were used, and the audit log without what began and ended again: uploads in several
    requests."""
    answers = {}
    for path in [*looked_at, "/account/events?limit=200"]:
        status, text = boss.ask("GET", path)
        assert status == 200, (path, status, text)
        answers[path] = json.loads(text)
        for key in answers[path].get("keys", []):
            key.pop("last_used_at", None)
    events = answers.pop("/account/events?limit=200")["events"]
    answers["events"] = [e for e in events if not e["action"].startswith("transfer.")]
    return answers


def expect_refused(boss, request):
    status, text = boss.ask(*request)
    assert status in (503, 507), (request[:2], status, text)
    error = json.loads(text)["error"]
    assert error["code"] in ("unavailable", "no_space") and error["message"] and error["request_id"], text


def fail_and_heal(place, boss, looked_at, requests, kind, call, action):
    before = seen(boss, looked_at)
    place.faults.set(rule(kind, call, action))
    for request in requests:
        expect_refused(boss, request)
        assert seen(boss, looked_at) == before, request[:2]
    assert place.faults.hits()[f"{kind} {call}"] >= 1
    place.faults.heal()
    wait_for("/health to report ok", lambda: health(boss.server) == "ok", 20)


@pytest.mark.parametrize("group", [datasets, links, spaces, administration], ids=lambda g: g.__name__)
def test_a_request_that_a_failing_disk_refuses_leaves_nothing(tmp_path, group):
    place = Place(tmp_path, keeps=True)
    with place.start() as server:
        boss = Caller(server)
        looked_at, small, large = group(boss)
        for fault in RECORD_FAULTS:
            fail_and_heal(place, boss, looked_at, small + large, *fault)
        for fault in BLOB_FAULTS if large else []:
            fail_and_heal(place, boss, looked_at, large, *fault)
        for request in small + large:
            boss.do(*request)
        after = seen(boss, looked_at)
        place.faults.set(rule("log", "flush", "EIO", 0, 1))
        expect_refused(boss, ("PUT", "/files/never", SMALL))
        server.kill()
    place.faults.heal()
    place.faults.cut_power()
    with place.start() as server:
        boss.server = server
        assert seen(boss, looked_at) == after
        boss.do("PUT", "/files/later", SMALL)
        after = seen(boss, looked_at)
        place.faults.set(rule("database", "write", "EIO"))
        server.stop(errors_expected=True)  # copies the log into the database
    assert place.faults.hits()["database write"] >= 1
    place.faults.heal()
    place.faults.cut_power()
    with place.start() as server:
        boss.server = server
        assert seen(boss, looked_at) == after
    place.fsck()
