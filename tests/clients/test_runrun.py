# SPDX-License-Identifier: Apache-2.0
"""The Runrun.it API over real sockets, with curl: tickets, forms of both generations, downloads and zips, names of all kinds."""
import io
import json
import os
import re
import subprocess
import sys
import urllib.parse
import zipfile

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "crash"))
from serving import Server, run, wait_for  # noqa: E402

NAMES = ["Relat\u00f3rio a\u00e7\u00e3o \u00c7.pdf", "caf\u00e9\U0001f600.png", "100% + a&b #1.txt", "com espa\u00e7os e 'aspas' \"duplas\".csv",
         "a;b=c,d.txt", "\u6587\u4ef6.txt", "plain.txt", "semicolon%3B%2F.txt", "~tilde!$()*.txt"]
V4 = ["key", "Policy", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature", "success_action_status"]


class Client:
    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        server.cais("user", "add", "ana", "--name", "Ana Prado")
        key = server.cais_json("key", "add", "ana", "--for", "runrun")
        self.headers = ["-H", "App-Key: " + key["app_key"], "-H", "User-Token: " + key["user_token"]]

    def curl(self, *arguments):
        """(status, headers in lower case, body)"""
        with_head = run("curl", "-sS", "-D", self.folder / "head", "-o", self.folder / "body", *arguments)
        assert not with_head.stderr
        lines = (self.folder / "head").read_text().strip().split("\n\n")[-1].splitlines()
        headers = dict(line.lower().split(": ", 1) if not line.lower().startswith("location")
                       else ("location", line.split(": ", 1)[1]) for line in lines[1:] if ": " in line)
        body = self.folder / "body"
        return int(lines[0].split()[1]), headers, body.read_bytes() if body.exists() else b""

    def api(self, method, path, body=None, status=200):
        data = [] if body is None else ["-H", "Content-Type: application/json", "--data-binary", json.dumps(body)]
        got, headers, text = self.curl("-X", method, *self.headers, *data, self.server.url + "/api/v1.0" + path)
        assert got == status, (got, text)
        return json.loads(text) if text else headers

    def post_form(self, url, fields, path):
        form = [part for name, value in fields for part in ("--form-string", f"{name}={value}")]
        return self.curl(*form, "-F", f"file=@{path}", url)

    def upload(self, task, name, data, choose=lambda fields: fields.items()):
        source = self.folder / "source"
        source.write_bytes(data)
        ticket = self.api("POST", f"/documents?task_id={task}",
                          {"document": {"data_file_name": name, "data_file_size": len(data)}}, 201)
        status, _, said = self.post_form(ticket["upload_url"], choose(ticket["fields"]), source)
        assert status == 201 and b"<PostResponse>" in said, (status, said)
        confirmed = self.api("POST", f"/documents/{ticket['id']}/mark_as_uploaded")
        assert confirmed["transfered"] and confirmed["file_name"] == name
        return ticket["id"]

    def download(self, id_, *more):
        location = self.api("GET", f"/documents/{id_}/download", status=302)["location"]
        return self.curl(*more, location)


@pytest.fixture
def client(tmp_path):
    with Server(tmp_path / "data", "--set", "runrun.rate_limit=0", "--set", "log.requests=true") as server:
        yield Client(server, tmp_path)


@pytest.fixture
def task(client):
    return client.api("POST", "/tasks", {"task": {"title": "Fechar o m\u00eas", "board_id": 593350}}, 201)["id"]


def name_in(disposition):
    if "filename*=" in disposition:
        return urllib.parse.unquote(disposition.split("filename*=UTF-8''", 1)[1], errors="strict")
    name = disposition.split("filename=", 1)[1]
    return name if not name.startswith('"') else name[1:-1].replace('\\"', '"').replace("\\\\", "\\")


def test_names_survive_ticket_form_download_and_zip(client, task):
    ids = {}
    for name in NAMES:
        ids[name] = client.upload(task, name, ("bytes of " + name).encode())
    assert [d["file_name"] for d in client.api("GET", f"/tasks/{task}/documents")] == NAMES
    for name, id_ in ids.items():
        location = client.api("GET", f"/documents/{id_}/download", status=302)["location"]
        signed = urllib.parse.parse_qs(urllib.parse.urlsplit(location).query)
        assert name_in(signed["response-content-disposition"][0]) == name
        status, headers, body = client.curl(location)
        assert (status, body) == (200, ("bytes of " + name).encode())
        assert headers["content-disposition"] == signed["response-content-disposition"][0].lower()
    listed = ",".join(str(i) for i in ids.values())
    location = client.api("GET", f"/documents/download_zip?ids={listed}", status=302)["location"]
    status, headers, body = client.curl(location)
    assert status == 200 and headers["content-type"] == "application/zip" and headers["transfer-encoding"] == "chunked"
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None and archive.namelist() == NAMES
        for name in NAMES:
            assert archive.read(name) == ("bytes of " + name).encode()
    (client.folder / "all.zip").write_bytes(body)
    said = subprocess.run(["unzip", "-tq", client.folder / "all.zip"], check=True, capture_output=True).stdout
    assert b"No errors detected" in said


def test_forms_of_both_generations_accept_unsigned_metadata(client, task):
    data = b"a,b,c\n1,2,3\n4,5,6\n7,8\n"
    def v4(fields):
        return [(name, fields[name]) for name in V4]

    def v2(fields):  # the fields that the older examples send
        return [("name", "nota.csv"), ("key", fields["key"]), ("acl", "private"), ("policy", fields["policy"]),
                ("signature", fields["signature"]), ("AWSAccessKeyId", fields["AWSAccessKeyId"]),
                ("content_type", fields["content_type"]), ("filename", "nota.csv"), ("success_action_status", "201")]

    def with_metadata(fields):  # the third step of the vendor's example: fields and metadata
        return v4(fields) + [("name", "nota.csv"), ("filename", "nota.csv"), ("acl", "private"),
                             ("Content-Type", "text/csv")]
    for choose in (v4, v2, with_metadata, lambda fields: fields.items()):
        id_ = client.upload(task, "nota.csv", data, choose)
        status, headers, body = client.download(id_)
        assert (status, body, headers["content-type"]) == (200, data, "text/csv")


def test_changed_forms_are_refused(client, task):
    source = client.folder / "source"
    source.write_bytes(b"x" * 22)
    ticket = client.api("POST", f"/documents?task_id={task}",
                        {"document": {"data_file_name": "nota.csv", "data_file_size": 22}}, 201)
    other = client.api("POST", f"/documents?task_id={task}",
                       {"document": {"data_file_name": "nota.csv", "data_file_size": 22}}, 201)
    good = [(name, ticket["fields"][name]) for name in V4]

    def answer(fields, size=22):
        source.write_bytes(b"x" * size)
        status, _, said = client.post_form(ticket["upload_url"], fields, source)
        return status, said.split(b"<Code>")[1].split(b"</Code>")[0].decode() if b"<Code>" in said else ""

    def changed(name, value):
        return [(n, value if n == name else v) for n, v in good]
    assert answer(changed("key", other["fields"]["key"])) == (403, "AccessDenied")
    assert answer(changed("success_action_status", "200")) == (403, "AccessDenied")
    assert answer(changed("X-Amz-Signature", "0" * 64)) == (403, "SignatureDoesNotMatch")
    assert answer([("x-amz-meta-a", "b"), *good]) == (403, "AccessDenied")
    assert answer([("acl", "public-read"), *good])[0] in (400, 403)
    assert answer(good, 23) == (400, "EntityTooLarge")
    assert answer(good, 21) == (400, "EntityTooSmall")
    assert answer(good)[0] == 201
    assert answer(good)[0] == 201  # the form may be sent twice before the confirmation
    client.api("POST", f"/documents/{ticket['id']}/mark_as_uploaded")
    assert answer(good) == (403, "AccessDenied")


def test_a_405_lists_the_allowed_methods(client):
    for method, path, allow in (("PATCH", "/documents/1", "GET, HEAD, DELETE"), ("GET", "/documents", "POST"),
                                ("POST", "/documents/1/download", "GET, HEAD")):
        status, headers, said = client.curl("-X", method, *client.headers, client.server.url + "/api/v1.0" + path)
        assert (status, headers["allow"].upper(), list(json.loads(said))) == (405, allow, ["error"])


def test_a_download_supports_ranges_and_logs_no_tokens(client, task):
    id_ = client.upload(task, "a.bin", bytes(range(256)) * 400)
    assert client.download(id_, "-r", "1000-1003")[2] == bytes([232, 233, 234, 235])
    status, headers, _ = client.download(id_, "-I")
    assert (status, headers["content-length"]) == (200, "102400")
    status, headers, _ = client.curl(*client.headers, "-L", "-X", "GET",
                                     client.server.url + f"/api/v1.0/documents/{id_}/download")
    assert status == 200  # a client that follows the redirect sends App-Key and User-Token, which are ignored
    got, headers, _ = client.curl("-I", *client.headers, client.server.url + f"/api/v1.0/documents/{id_}/download")
    assert got == 302 and headers["location"]
    location = client.api("GET", f"/documents/download_zip?ids={id_}", status=302)["location"]
    assert client.curl(location)[0] == 200
    key = urllib.parse.parse_qs(urllib.parse.urlsplit(location).query)["key"][0]
    wait_for("the line of the request", lambda: "/api/v1.0/documents/zip?" in client.server.log())
    log = client.server.log()
    assert key not in log
    assert all(h.split(": ")[1] not in log for h in client.headers if h != "-H")


def test_links_that_were_made_before_their_user_was_disabled_still_worked(client, task):
    id_ = client.upload(task, "a.txt", b"hello")
    link = client.api("GET", f"/documents/{id_}/download", status=302)["location"]
    zipped = client.api("GET", f"/documents/download_zip?ids={id_}", status=302)["location"]
    for url in (link, zipped):
        assert client.curl(url)[0] == 200
    client.server.cais("user", "disable", "ana")
    assert client.curl(link)[0] == 403 and client.curl(zipped)[0] == 404
    client.server.cais("user", "enable", "ana")  # the token with which the links were asked for has ended for good
    assert client.curl(link)[0] == 403 and client.curl(zipped)[0] == 404
    # whose link it is cannot be changed, and its user cannot be left out
    for forged in (link.replace("X-Cais-User=", "X-Cais-User=1"), re.sub(r"X-Cais-User=[\d-]+&?", "", link)):
        assert client.curl(forged)[0] == 403


def memory_kib(pid, name):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(name + ":"))


def test_a_large_zip_is_sent_in_constant_memory(client, task):
    blocks = [os.urandom(8 << 20) for _ in range(3)]
    ids = [client.upload(task, "large.bin", block) for block in blocks]
    location = client.api("GET", "/documents/download_zip?" + "&".join(f"ids[]={i}" for i in ids).replace("[]", "%5B%5D"),
                          status=302)["location"]
    pid = client.server.pid
    with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as f:
        f.write("5")  # resets the peak (proc(5))
    before = memory_kib(pid, "VmRSS")
    status, _, body = client.curl("--limit-rate", "40M", location)
    assert memory_kib(pid, "VmHWM") - before < 6 << 10  # far less than the 24 MiB of the zip
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.namelist() == ["large.bin", "large (2).bin", "large (3).bin"]
        assert [archive.read(n) for n in archive.namelist()] == blocks


def test_storage_url_sets_the_address_of_forms_and_links(tmp_path):
    with Server(tmp_path / "data", "--set", "runrun.storage_url=http://storage.example.org:443/",
                "--set", "runrun.legacy_fields=false") as server:
        client = Client(server, tmp_path)
        ticket = client.api("POST", "/documents", {"data_file_name": "a", "data_file_size": 1}, 201)
        assert ticket["upload_url"] == "http://storage.example.org:443/runrunit"
        assert set(ticket["fields"]) == set(V4)


def test_forms_and_links_named_the_host_of_the_api_although_objects_have_one(tmp_path):
    """The first host of S3 that is no pattern; what is posted and read there is right."""
    with Server(tmp_path / "data", "--set", "hosts.*.buckets.example.test=s3", "--set", "hosts.api.example.test=runrun",
                "--set", "hosts.objects.example.test=s3", "--set", "hosts.more.example.test=s3") as server:
        client, port = Client(server, tmp_path), server.url.rsplit(":", 1)[1]
        there = ("--resolve", f"objects.example.test:{port}:127.0.0.1")
        (tmp_path / "source").write_bytes(b"bytes")
        ticket = client.api("POST", "/documents", {"data_file_name": "a.txt", "data_file_size": 5}, 201)
        assert ticket["upload_url"] == f"http://objects.example.test:{port}/runrunit"
        form = [part for name, value in ticket["fields"].items() for part in ("--form-string", f"{name}={value}")]
        assert client.curl(*there, *form, "-F", f"file=@{tmp_path / 'source'}", ticket["upload_url"])[0] == 201
        client.api("POST", f"/documents/{ticket['id']}/mark_as_uploaded")
        location = client.api("GET", f"/documents/{ticket['id']}/download", status=302)["location"]
        assert location.startswith(f"http://objects.example.test:{port}/runrunit/data/")
        status, _, body = client.curl(*there, location)
        assert (status, body) == (200, b"bytes")


def test_an_invalid_configuration_prevents_the_start(cais, tmp_path):
    (tmp_path / "boards.json").write_text('{"boards": [{"id": 1}]}')
    for setting, said in (("runrun.time_zone=Brasilia", "not an offset such as -03:00"),
                          ("runrun.boards_file=nowhere.json", "cannot read nowhere.json"),
                          ("runrun.boards_file=boards.json", "boards file: a board needs"),
                          ("runrun.bucket=a/b", "no name for a bucket"), ("runrun.region=", "no name for a bucket"),
                          ("runrun.pending_lifetime=1h", "runrun.form_lifetime")):
        done = run(cais, "serve", "--data", "d", "--listen", "127.0.0.1:0", "--set", setting, check=False, cwd=tmp_path)
        assert done.returncode and said in done.stderr, (setting, done.stderr)
