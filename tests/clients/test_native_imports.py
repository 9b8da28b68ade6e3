# SPDX-License-Identifier: Apache-2.0
"""Imports in the native API on a running server (docs/native.md): administrators see the sync files of all workspaces of their account, what is
wrong with rows, and import again; nobody else does."""
import csv
import io

import pytest

from server import bearer, is_native_error, wait_for
from test_appfile import AppfileServer, families, sync_file

IMPORTS = "/v1/native/imports"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with AppfileServer(tmp_path_factory.mktemp("imports")) as started:
        started.admin = started.key(started.user(None, "--admin"), "native")["token"]
        yield started


def get(server, path, method="GET", token=None):
    return server.ask(method, path, bearer(token or server.admin))


def imported(server, content, name="families.cc5txt"):
    data = server.put(content, name=name)
    server.import_file(data)
    return data["FileId"]


def test_an_import_is_listed_with_its_rows_and_its_errors_by_line_and_key(server):
    rows = ["10|F-1|Silva|4|", "10|F-2|Souza|many|", "10|=1+1|<b>|none|", "10|F-3|Lima|2|"]
    handle = imported(server, sync_file(rows))
    shown = get(server, f"{IMPORTS}/{handle}").json()
    assert (shown["state"], shown["workspace"], shown["bucket"], shown["way"]) == ("imported_with_errors", "W", "B", "appfile")
    assert shown["rows"] == {"total": 4, "done": 4, "inserted": 2, "updated": 0, "deleted": 0, "failed": 2} and shown["imports"] == 1
    errors = get(server, f"{IMPORTS}/{handle}/errors").json()["errors"]
    assert [(e["line"], e["key"], e["column"], e["value"], e["code"], e["expected"]) for e in errors] == [
        (6, "F-2", "familySize", "many", "BadValue", "int"), (7, "=1+1", "familySize", "none", "BadValue", "int")]
    saved = list(csv.DictReader(io.StringIO(get(server, f"{IMPORTS}/{handle}/errors?format=csv").body.decode())))
    assert [e["key"] for e in saved] == ["F-2", "'=1+1"]
    assert get(server, IMPORTS).json()["imports"][0] == shown
    job = get(server, f"/v1/native/jobs/{shown['job']}").json()
    assert job["kind"] == "import" and get(server, f"/v1/native/jobs/{job['id']}/import").json() == {"import": shown}


def test_an_import_is_repeated_and_one_without_bytes_is_not(server):
    handle = imported(server, families(3))
    assert get(server, f"{IMPORTS}/{handle}").json()["state"] == "imported"
    again = get(server, f"{IMPORTS}/{handle}/retry", "POST")
    assert again.status == 200 and again.json()["imports"] == 2, again
    ended = wait_for("the second import", lambda: (lambda now: now if now["state"] == "imported" else None)(get(server, f"{IMPORTS}/{handle}").json()))
    assert (ended["rows"]["done"], ended["rows"]["inserted"], ended["rows"]["failed"]) == (3, 0, 0)
    empty = server.path()["FileId"]
    assert get(server, f"{IMPORTS}/{empty}").json()["state"] == "created"
    is_native_error(get(server, f"{IMPORTS}/{empty}/retry", "POST"), 409, "conflict")


def test_imports_are_listed_in_pages_newest_first(server):
    made = [server.path()["FileId"] for _ in range(5)]
    first = get(server, f"{IMPORTS}?limit=2").json()
    second = get(server, f"{IMPORTS}?limit=3&after={first['next']}").json()
    assert [i["id"] for i in first["imports"] + second["imports"]] == made[::-1]
    for wrong in ("limit=0", "after=x", "after=0"):
        is_native_error(get(server, f"{IMPORTS}?{wrong}"), 400, "invalid")


def test_only_administrators_of_the_account_see_imports(server):
    handle = imported(server, families(1))
    job = get(server, f"{IMPORTS}/{handle}").json()["job"]
    plain = server.key(server.user(), "native")["token"]
    server.cais("account", "add", "other")
    stranger = server.key(server.user(None, "--account", "other", "--admin"), "native")["token"]
    for method, path in [("GET", f"{IMPORTS}/{handle}"), ("GET", f"{IMPORTS}/{handle}/errors"), ("POST", f"{IMPORTS}/{handle}/retry"),
                         ("GET", f"/v1/native/jobs/{job}/import")]:
        is_native_error(get(server, path, method, plain), 403, "forbidden")
        is_native_error(get(server, path, method, stranger), 404, "not_found")
        assert server.ask(method, path, []).status == 401
    is_native_error(get(server, IMPORTS, token=plain), 403, "forbidden")
    assert get(server, IMPORTS, token=stranger).json() == {"imports": []}
    for path in (f"{IMPORTS}/{'0' * 24}", f"{IMPORTS}/x", "/v1/native/jobs/1/import"):
        is_native_error(get(server, path), 404, "not_found")
