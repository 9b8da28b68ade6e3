# SPDX-License-Identifier: Apache-2.0
"""Files in forms of the DataSnap API on a running server (docs/apis/datasnap.md, §6.2): as curl sends them, many at once, and forms
that end too early."""

import json
import os
import subprocess

import pytest

from server import Server, bearer, wait_for

FORM = ("Content-Type", "multipart/form-data; boundary=b0und")


class Desk:
    """A server with a schema, and a token that may send files to it."""

    def __init__(self, server):
        self.server = server
        self.token = server.key(server.user(), "datasnap")["token"]
        made = self.ask("POST", "/v1/schemas", {"name": "Vendas", "fields": {"id": "integer", "produto": "string"}, "required": ["id"]})
        assert made.status == 201, made

    def ask(self, method, path, body=None, headers=()):
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        return self.server.ask(method, path, [*bearer(self.token), *headers], data)

    def send(self, *files):
        return self.ask("POST", "/v1/schemas/vendas/files", form_of(*files), [FORM])

    def files(self, query=""):
        listed = self.ask("GET", "/v1/schemas/vendas/files?per_page=100" + query)
        assert listed.status == 200, listed
        return listed.json()

    def read_all(self):
        wait_for("the files to be read", lambda: not self.files("&processing_status=pending")["total"]
                 and not self.files("&processing_status=processing")["total"])

    def blobs(self):
        return [name for _, _, names in os.walk(os.path.join(self.server.data, "blobs")) for name in names]


def form_of(*files, close=True):
    parts = [b'--b0und\r\nContent-Disposition: form-data; name="files[]"; filename="%s"\r\n\r\n%s\r\n' % (name.encode(), data)
             for name, data in files]
    return b"".join(parts) + (b"--b0und--\r\n" if close else b"")


def rows(first, count, text="x"):
    return b"".join(b'{"id":%d,"produto":"%s"}\n' % (i, text.encode()) for i in range(first, first + count))


@pytest.fixture
def desk(tmp_path):
    with Server(tmp_path, sets=["datasnap.listings_per_minute=0"]) as server:
        yield Desk(server)


def test_curl_sends_several_files(desk, tmp_path):
    names = {"ok.jsonl": rows(1, 3), "ruim.jsonl": rows(1, 4) + b"not json\n", "grande.ndjson": rows(10, 50000)}
    for name, data in names.items():
        (tmp_path / name).write_bytes(data)
    parts = [word for name in names for word in ("-F", f"files[]=@{tmp_path / name}")]
    sent = subprocess.run(["curl", "-sS", "--noproxy", "*", "-H", f"Authorization: Bearer {desk.token}", *parts,
                           "http://%s:%d/api/v1/schemas/vendas/files" % desk.server.address()], capture_output=True, check=True)
    uploaded = json.loads(sent.stdout)["uploaded"]
    assert [u["validation"] for u in uploaded] == ["ok", "error", "ok"]
    assert uploaded[1]["errors"][0].startswith("A linha 5 do arquivo não é um JSON válido.")
    desk.read_all()
    assert {f["file_name"]: f["rows"] for f in desk.files()["data"]} == {"ok.jsonl": 3, "grande.ndjson": 50000}
    again = desk.send(*names.items()).json()["uploaded"]
    assert [(u.get("id"), u.get("duplicate")) for u in again] == [(uploaded[0]["id"], True), (None, None), (uploaded[2]["id"], True)]


def test_a_form_may_have_a_hundred_files(desk):
    sent = desk.send(*((f"f{i}.jsonl", rows(i, 1000, f"p{i}")) for i in range(100)))
    uploaded = sent.json()["uploaded"]
    assert sent.status == 200 and len({u["id"] for u in uploaded}) == 100 and not any(u["errors"] for u in uploaded), sent
    assert desk.files()["total"] == 100
    assert desk.send(*((f"f{i}.jsonl", rows(i, 1)) for i in range(101))).status == 422


def test_nothing_is_kept_of_a_form_whose_client_goes_away(desk):
    whole = form_of(("a.jsonl", rows(1, 10)), ("b.jsonl", rows(1, 5000)))
    head = ("POST /v1/schemas/vendas/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\n"
            "Content-Length: %d\r\n\r\n" % (desk.token, FORM[1], len(whole))).encode()
    for end in (len(whole) - 1, len(whole) - 20, len(whole) // 2):
        with desk.server.connect() as client:
            client.send(head + whole[:end])
            client.half_close()
            assert client.answer("POST").status == 400
        assert desk.files()["total"] == 0 and desk.blobs() == []
    assert desk.send(("a.jsonl", rows(1, 10))).status == 200
