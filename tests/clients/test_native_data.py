# SPDX-License-Identifier: Apache-2.0
"""Datasets in the native API on a running server (docs/native.md): a schema of a sample, files that become rows, errors of rows, queries
that are paged and downloaded, and who may do any of it."""
import csv
import io
import json
import urllib.parse

import pytest

from server import Server, bearer, is_native_error, request, wait_for

DATA = "/v1/native/datasets"
SALES = b"".join(b'{"city":"%s","amount":%d.5,"sold_on":"2026-%02d-01","n":%d}\n' % ([b"Lima", b"Oslo", "São Paulo".encode()][i % 3], i, i % 12 + 1, i)
                 for i in range(300))
HOSTILE = ["=1+1", "+2", "-3", "@SUM(A1)", "\tx", "\rx", "\n=1", '"><script>alert(1)</script>', "a\"b,c\nd", "", "plain"]


class Desk:
    def __init__(self, server):
        self.server = server
        self.token = server.key(server.user(None, "--admin"), "native")["token"]

    def ask(self, method, path, body=None, token=None, headers=()):
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        return self.server.ask(method, path, [*bearer(token or self.token), *headers], data)

    def make(self, name, columns, **more):
        made = self.ask("POST", DATA, {"name": name, "columns": [{"name": c, "type": t} for c, t in columns.items()], **more})
        assert made.status == 201, made
        return made.json()["slug"]

    def send(self, slug, name, data):
        """The file, once it was read."""
        sent = self.ask("PUT", f"{DATA}/{slug}/files/{urllib.parse.quote(name, safe='')}", data)
        assert sent.status == 201 and sent.json()["job"] > 0, sent
        return wait_for(name, lambda: self.ended(slug, sent.json()["id"]))

    def ended(self, slug, file_id):
        file = self.ask("GET", f"{DATA}/{slug}/files/{file_id}").json()
        return file if file["state"] in ("done", "failed") else None

    def query(self, slug, **body):
        return self.ask("POST", f"{DATA}/{slug}/query", body)


@pytest.fixture
def desk(tmp_path):
    with Server(tmp_path) as server:
        yield Desk(server)


def test_a_sample_gives_columns_a_dataset_rows_and_a_chart(desk):
    found = desk.ask("POST", "/v1/native/columns", SALES[:SALES.index(b"\n", 4000) + 1])
    assert found.status == 200, found
    assert [(c["name"], c["type"]) for c in found.json()["columns"]] == [("city", "string"), ("amount", "decimal"), ("sold_on", "date"), ("n", "integer")]
    made = desk.ask("POST", DATA, {"name": "Vendas 2026", **found.json()})
    assert made.status == 201 and made.json()["slug"] == "vendas-2026", made
    file = desk.send("vendas-2026", "vendas.jsonl", SALES)
    assert (file["state"], file["rows"], file["error_count"]) == ("done", 300, 0)
    result = desk.query("vendas-2026", columns=[{"column": "sold_on", "part": "month"}, {"column": "amount", "aggregate": "sum", "as": "total"},
                                                {"aggregate": "count"}], order_by=[{"column": "sold_on_month"}]).json()
    assert [c["name"] for c in result["columns"]] == ["sold_on_month", "total", "count"] and len(result["rows"]) == 12
    assert result["rows"][0] == ["2026-01-01", sum(i + .5 for i in range(0, 300, 12)), 25] and "next" not in result
    result = desk.query("vendas-2026", columns=["city", {"column": "n", "aggregate": "max"}], filters=[
        {"column": "city", "test": "contains", "value": "SL"}, {"column": "n", "test": "lt", "value": 100}]).json()
    assert result["rows"] == [["Oslo", 97]]
    listed = desk.ask("GET", DATA).json()["datasets"]
    assert [d["slug"] for d in listed] == ["vendas-2026"] and listed[0]["size"] > 0


def test_samples_are_taken_as_lines_objects_and_arrays_and_others_are_refused(desk):
    for sample in (b'{"a":1}\n{"a":2,"b":"x"}\n', b'[{"a":1},{"a":2,"b":"x"}]', b' [\n{"a":1},\n{"b":"x"}]'):
        assert [c["name"] for c in desk.ask("POST", "/v1/native/columns", sample).json()["columns"]] == ["a", "b"], sample
    for sample in (b"", b"a,b\n1,2\n", b"[1,2]", b'{"a":1}\nnot\n', b"\xff\xfe", b'{"a b":1}', b"[" * 5000, b'{}'):
        answer = desk.ask("POST", "/v1/native/columns", sample)
        is_native_error(answer, 400, "invalid")
    assert desk.ask("POST", "/v1/native/columns", b'{"a":"' + b"x" * (256 << 10) + b'"}').status == 413


def test_wrong_rows_are_named_by_line_and_downloaded(desk):
    slug = desk.make("rows", {"id": "integer", "name": "string"}, strict=True)
    file = desk.send(slug, "rows.ndjson", b'{"id":1}\n{"id":"x"}\nnot json\n{"id":2,"=cmd|\'x\'!A1":3}\n')
    assert (file["state"], file["error_count"]) == ("failed", 3)
    errors = desk.ask("GET", f"{DATA}/{slug}/files/{file['id']}/errors")
    assert [(e["line"], e["code"], e.get("column")) for e in errors.json()["errors"]] == [
        (2, "bad_value", "id"), (3, "not_json", None), (4, "unknown_column", "=cmd|'x'!A1")]
    assert errors.json()["errors"][0]["expected"] == "integer" and errors.header("Content-Disposition") is None
    saved = desk.ask("GET", f"{DATA}/{slug}/files/{file['id']}/errors?format=csv")
    rows = list(csv.DictReader(io.StringIO(saved.body.decode())))
    assert [r["line"] for r in rows] == ["2", "3", "4"] and rows[2]["column"] == "'=cmd|'x'!A1"
    assert saved.header("Content-Disposition").startswith("attachment") and saved.header("X-Content-Type-Options") in (None, "nosniff")
    lines = desk.ask("GET", f"{DATA}/{slug}/files/{file['id']}/errors?format=jsonl").body.splitlines()
    assert [json.loads(line)["line"] for line in lines] == [2, 3, 4]
    is_native_error(desk.ask("GET", f"{DATA}/{slug}/files/{file['id']}/errors?format=xml"), 400, "invalid")
    assert desk.query(slug).json()["rows"] == []


def test_a_result_of_100000_rows_is_paged_and_downloaded_whole(desk):
    slug = desk.make("many", {"n": "integer", "word": "string"})
    count = 100_000
    assert desk.send(slug, "many.jsonl", b"".join(b'{"n":%d,"word":"w%d"}\n' % (i, i % 7) for i in range(count)))["rows"] == count
    seen, after = [], {}
    while after is not None:
        page = desk.query(slug, columns=["n"], order_by=[{"column": "n", "descending": True}], limit=10000, **after).json()
        assert len(page["rows"]) == 10000
        seen += [n for n, in page["rows"]]
        after = {"after": page["next"]} if "next" in page else None
        if len(seen) == 10000:
            first = page["next"]
            # files that come later neither appear in the pages nor move them
            desk.send(slug, "later.jsonl", b'{"n":1000000}\n')
    assert seen == list(range(count - 1, -1, -1))
    whole = desk.query(slug, format="jsonl", order_by=["n"])
    assert whole.header("Content-Disposition") == 'attachment; filename=many.jsonl' and whole.body.count(b"\n") == count + 1
    assert json.loads(whole.body.splitlines()[99_999]) == {"n": 99_999, "word": "w4"}
    table = desk.query(slug, columns=["word", {"aggregate": "count"}], format="csv", order_by=["word"]).body
    assert table.splitlines()[:2] == [b"word,count", b'"w0",14286']
    is_native_error(desk.query(slug, limit=10001), 400, "invalid")
    is_native_error(desk.query(slug, columns=["word"], after=first), 400, "invalid")


def test_cells_that_a_spreadsheet_would_run_are_made_harmless(desk):
    slug = desk.make("hostile", {"cell": "string", "n": "integer"})
    desk.send(slug, "hostile.jsonl", b"".join(json.dumps({"cell": c, "n": -5}).encode() + b"\n" for c in HOSTILE) + b'{"n":1}\n')
    table = desk.query(slug, format="csv").body.decode()
    rows = list(csv.reader(io.StringIO(table, newline="")))
    assert [r[0] for r in rows[1:]] == ["'" + c if c[:1] in tuple("=+-@\t\r\n") and c else c for c in HOSTILE] + [""]
    assert [r[1] for r in rows[1:]] == ["-5"] * len(HOSTILE) + ["1"]
    assert [row[0] for row in desk.query(slug).json()["rows"]] == HOSTILE + [None]


def test_a_large_text_is_sent_in_pieces(desk):
    slug = desk.make("large", {"t": "string"})
    text = '"=\n' * 400_000
    desk.send(slug, "large.jsonl", json.dumps({"t": text}).encode() + b"\n")
    assert desk.query(slug).json()["rows"] == [[text]]
    csv.field_size_limit(10 << 20)
    assert list(csv.reader(io.StringIO(desk.query(slug, format="csv").body.decode(), newline="")))[1] == [text]


WRONG_QUERIES = [
    b"", b"[]", b"nothing", {"columns": "n"}, {"columns": [1]}, {"columns": ["missing"]}, {"columns": [{"column": "t", "aggregate": "sum"}]},
    {"columns": [{"column": "n", "aggregate": "median"}]}, {"columns": [{"column": "n", "as": "a b"}]}, {"columns": ["n", "n"]},
    {"columns": [{"column": "n", "part": "month"}]}, {"columns": [{"aggregate": "sum"}]}, {"columns": ["n"] * 201},
    {"filters": {}}, {"filters": [{"column": "n", "test": "like", "value": 1}]}, {"filters": [{"column": "n", "test": "eq", "value": "x"}]},
    {"filters": [{"column": "n", "test": "eq", "value": None}]}, {"filters": [{"column": "n", "test": "in", "value": []}]},
    {"filters": [{"column": "n", "test": "in", "value": list(range(1001))}]}, {"filters": [{"column": "n", "test": "contains", "value": "1"}]},
    {"filters": [{"column": "n", "test": "eq", "value": {}}]}, {"order_by": ["missing"]}, {"order_by": [[]]},
    {"columns": [{"aggregate": "count"}], "order_by": ["n"]}, {"limit": 0}, {"limit": "x"}, {"format": "xml"}, {"after": "AAAA"}, {"after": 3},
    {"format": "csv", "after": "x"}, {"filters": [{"column": "t", "test": "eq", "value": "x"}] * 20_000},
]


def test_a_query_that_is_not_one_is_refused_with_the_place(desk):
    slug = desk.make("q", {"n": "integer", "t": "string"})
    for body in WRONG_QUERIES:
        answer = desk.ask("POST", f"{DATA}/{slug}/query", body)
        too_large = len(str(body)) > 100_000
        is_native_error(answer, *((413, "too_large") if too_large else (400, "invalid")))


def test_only_administrators_of_the_account_see_its_data(desk):
    server = desk.server
    slug = desk.make("secret", {"n": "integer"})
    file = desk.send(slug, "secret.jsonl", b'{"n":1}\n')
    plain = server.key(server.user(), "native")["token"]
    server.cais("account", "add", "other")
    stranger = server.key(server.user(None, "--account", "other", "--admin"), "native")["token"]
    routes = [("GET", f"{DATA}/{slug}"), ("PATCH", f"{DATA}/{slug}"), ("POST", f"{DATA}/{slug}/query"), ("POST", f"{DATA}/{slug}/process"),
              ("GET", f"{DATA}/{slug}/files"), ("PUT", f"{DATA}/{slug}/files/x.jsonl"), ("GET", f"{DATA}/{slug}/files/{file['id']}"),
              ("GET", f"{DATA}/{slug}/files/{file['id']}/errors"), ("DELETE", f"{DATA}/{slug}/files/{file['id']}"), ("DELETE", f"{DATA}/{slug}")]
    for method, path in routes:
        body = b"{}" if method in ("POST", "PATCH", "PUT") else None
        is_native_error(desk.ask(method, path, body, token=plain), 403, "forbidden")
        is_native_error(desk.ask(method, path, body, token=stranger), 404, "not_found")
        assert server.ask(method, path, [], body).status == 401, (method, path)
    for method, path in [("GET", DATA), ("POST", DATA), ("POST", "/v1/native/columns")]:
        is_native_error(desk.ask(method, path, b'{"a":1}' if method == "POST" else None, token=plain), 403, "forbidden")
    assert desk.ask("GET", DATA, token=stranger).json() == {"datasets": []}
    other = desk.make("open", {"n": "integer"})
    is_native_error(desk.ask("GET", f"{DATA}/{other}/files/{file['id']}"), 404, "not_found")
    assert desk.query(slug).json()["rows"] == [[1]]


def test_a_dataset_is_edited_and_removed(desk):
    slug = desk.make("edited", {"n": "integer"})
    first = desk.ask("GET", f"{DATA}/{slug}").json()
    columns = first["columns"] + [{"name": "t", "type": "string", "required": False}]
    changed = desk.ask("PATCH", f"{DATA}/{slug}", {"name": "Renamed", "columns": columns, "processing": "manual"}).json()
    assert (changed["name"], changed["columns"], changed["processing"], changed["slug"]) == ("Renamed", columns, "manual", slug)
    assert changed["version"] != first["version"]
    for wrong in ({"columns": columns[1:]}, {"columns": [{**columns[0], "type": "string"}, columns[1]]}, {"columns": [{"name": "a b", "type": "string"}]},
                  {"columns": [{"name": "n", "type": "blob"}]}, {"name": ""}, {"name": 3}, {"processing": "never"}, {"strict": 1}, {"volume_bytes": -1},
                  {"processing": "scheduled", "schedule": "at noon"}):
        is_native_error(desk.ask("PATCH", f"{DATA}/{slug}", wrong), 400, "invalid")
    sent = desk.ask("PUT", f"{DATA}/{slug}/files/a.jsonl", b'{"n":1,"t":"x"}\n').json()
    assert sent["state"] == "waiting" and "job" not in sent
    assert [f["name"] for f in desk.ask("GET", f"{DATA}/{slug}/files?state=waiting").json()["files"]] == ["a.jsonl"]
    started = desk.ask("POST", f"{DATA}/{slug}/process").json()
    assert started["files"] == 1 and started["job"] > 0
    assert wait_for("the file", lambda: desk.ended(slug, sent["id"]))["rows"] == 1
    is_native_error(desk.ask("POST", DATA, {"name": "edited", "slug": slug}), 409, "conflict")
    assert desk.ask("DELETE", f"{DATA}/{slug}/files/{sent['id']}").status == 204
    assert desk.ask("DELETE", f"{DATA}/{slug}").status == 204
    is_native_error(desk.ask("GET", f"{DATA}/{slug}"), 404, "not_found")
    is_native_error(desk.query(slug), 404, "not_found")


def test_files_are_listed_in_pages_and_names_are_checked(desk):
    slug = desk.make("files", {"n": "integer"})
    for i in range(5):
        desk.send(slug, f"é {i}.jsonl", b'{"n":%d}\n' % i)
    first = desk.ask("GET", f"{DATA}/{slug}/files?limit=3").json()
    second = desk.ask("GET", f"{DATA}/{slug}/files?limit=3&after={first['next']}").json()
    assert [f["name"] for f in first["files"] + second["files"]] == [f"é {i}.jsonl" for i in (4, 3, 2, 1, 0)] and "next" not in second
    again = desk.send(slug, "again.jsonl", b'{"n":0}\n')
    assert again["rows"] == 0 and again["duplicate_of"] == second["files"][-1]["id"]
    for name in ("a.csv", "a.json", "a.gz", "a"):
        is_native_error(desk.ask("PUT", f"{DATA}/{slug}/files/{name}", b"x"), 400, "invalid")
    for query in ("limit=0", "limit=1001", "after=x", "after=-1", "state=lost"):
        is_native_error(desk.ask("GET", f"{DATA}/{slug}/files?{query}"), 400, "invalid")


def test_queries_and_downloads_are_limited_and_a_client_that_leaves_gives_its_place_back(tmp_path):
    with Server(tmp_path, sets=["native.queries_per_minute=40", "native.max_account_downloads=2"]) as server:
        desk = Desk(server)
        slug = desk.make("limits", {"t": "string"})
        desk.send(slug, "rows.jsonl", b"".join(b'{"t":"%s%d"}\n' % (b"x" * 2000, i) for i in range(40_000)))  # more than buffers hold
        body = json.dumps({"format": "jsonl"}).encode()
        open_ = []
        for _ in range(2):
            client = server.connect()
            client.send(request("POST", f"{DATA}/{slug}/query", bearer(desk.token), body))
            assert client.head()[0] == 200
            open_.append(client)
        is_native_error(desk.query(slug, format="csv"), 429, "rate_limited")
        assert desk.query(slug, limit=1).status == 200  # pages go on
        open_[0].close()
        wait_for("the place of the client that left", lambda: desk.query(slug, columns=[{"aggregate": "count"}], format="csv").status == 200)
        open_[1].close()
        answers = [desk.query(slug, limit=1) for _ in range(41)]
        is_native_error(answers[-1], 429, "rate_limited")
        assert int(answers[-1].header("Retry-After")) > 0
