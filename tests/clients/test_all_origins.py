# SPDX-License-Identifier: Apache-2.0
"""A file is a file whatever its origin: one comes in by each API and by SFTP, all into one account. Then `cais ls` lists them, `cais get` returns
them, and fsck finds nothing."""
import hashlib
import json
import os
import subprocess
import urllib.parse

import botocore.config
import pytest
from s3 import REGION, SESSION
from server import FORM, bearer, file_part, form, json_head, wait_for
from sftp import SftpServer
from uploads import Uploads, metadata

PART = 5 << 20  # the smallest part that S3 takes, but for the last one


class Everything(SftpServer):
    """A server on which one user has a key of every API. facts: what `cais demo` made for it."""

    def prepare(self):
        super().prepare()
        self.facts = self.cais_json("demo")[0]
        self.login = self.facts["login"]
        secret = ("security_key", "access_token", "token", "app_key", "user_token", "secret_access_key", "redu_token", "datasnap_token")
        self.secrets += [self.facts[name] for name in secret]
        self.add_key(self.login, self.key_path)
        self.appfile = self.key(self.login, "appfile", "--role", "uploader", "--workspace", "W", "--bucket", "B")["api_key"]

    def call(self, method, path, headers=(), body=None, wanted=(200, 201)):
        """A request to this server, whose reply has one of these states."""
        to = urllib.parse.urlsplit(path)
        target = to.path + ("?" + to.query if to.query else "")
        answer = self.ask(method, target, headers, body, to.netloc or "%s:%d" % self.address())
        assert answer.status in wanted, (method, path, answer)
        return answer

    def boto(self):
        config = {"signature_version": "s3v4", "s3": {"addressing_style": "path"}, "retries": {"total_max_attempts": 1}}
        return SESSION.client("s3", endpoint_url="http://%s:%d" % self.address(), region_name=REGION,
                              aws_access_key_id=self.facts["access_key_id"], aws_secret_access_key=self.facts["secret_access_key"],
                              config=botocore.config.Config(**config))


# ── one function for each way in: send(server, name, data)


def by_pyrus(server, name, data):
    head = bearer(server.facts["access_token"])
    guid = server.call("POST", "/v4/files/upload", [*head, FORM], form(file_part(name, data))).json()["guid"]
    server.call("POST", f"/v4/tasks/{server.facts['task_id']}/comments", json_head(server.facts["access_token"]),
                json.dumps({"attachments": [guid]}).encode())


def by_runrun(server, name, data):
    head = [("App-Key", server.facts["app_key"]), ("User-Token", server.facts["user_token"]), ("Content-Type", "application/json")]
    document = {"document": {"data_file_name": name, "data_file_size": len(data)}}
    ticket = server.call("POST", f"/api/v1.0/documents?task_id={server.facts['task_id']}", head, json.dumps(document).encode()).json()
    fields = [(f'Content-Disposition: form-data; name="{field}"'.encode(), str(value).encode()) for field, value in ticket["fields"].items()]
    server.call("POST", ticket["upload_url"], [FORM], form(*fields, file_part(name, data)), (201, 204))
    server.call("POST", f"/api/v1.0/documents/{ticket['id']}/mark_as_uploaded", head, b"")


def by_redu(server, name, data):
    head = [("Authorization", "OAuth " + server.facts["redu_token"]), FORM]
    body = form(file_part(name, data, "file[content]"))
    server.call("POST", f"/api/folders/{server.facts['folder_id']}/files", head, body)


def by_datasnap(server, name, data):
    schema = f"/api/v1/schemas/{server.facts['schema']}"
    head = json_head(server.facts["datasnap_token"])
    upload = server.call("POST", schema + "/generate-upload-token", head, b'{"minutes":15}').json()
    server.call("PUT", f"{upload['upload_url']}/{name}", [], data)
    wait_for("the rows of the file",  # 429: it was asked too often, because the rows have the lowest priority
             lambda: b'"processing_status":"completed"' in server.call("GET", schema + "/files", head, wanted=(200, 429)).body, seconds=300)


def by_appfile(server, name, data):
    head = [("x-api-key", server.appfile), ("Content-Type", "application/json")]
    issued = server.call("POST", "/appfile/file/path", head, json.dumps({"FileName": name}).encode()).json()
    server.call("PUT", issued["Data"]["Url"], [], data)


def by_sftp(server, name, data):
    path = os.path.join(server.folder, "dropped")
    with open(path, "wb") as f:
        f.write(data)
    server.sftp(f'put "{path}" "/import/{name}"')


def by_native(server, name, data):
    server.call("PUT", "/v1/native/files/" + urllib.parse.quote(name, safe=""), bearer(server.facts["token"]), data)


def by_tus(server, name, data):
    uploads = Uploads(server, server.facts["token"])
    path = uploads.create(len(data), [("Upload-Metadata", metadata(filename=name))])
    for at in range(0, len(data), 5):
        assert uploads.patch(path, at, data[at:at + 5]).status == 204


def by_s3(server, name, data):
    server.boto().put_object(Bucket=server.facts["bucket"], Key="2026/" + name, Body=data)


def by_s3_in_parts(server, name, data):
    s3, to = server.boto(), {"Bucket": server.facts["bucket"], "Key": "2026/" + name}
    upload = s3.create_multipart_upload(**to)["UploadId"]
    parts = [{"PartNumber": i + 1, "ETag": s3.upload_part(**to, UploadId=upload, PartNumber=i + 1, Body=data[at:at + PART])["ETag"]}
             for i, at in enumerate(range(0, len(data), PART))]
    s3.complete_multipart_upload(**to, UploadId=upload, MultipartUpload={"Parts": parts})


SMALL = b"the bytes of a file"
ROWS = b'{"id":1,"produto":"a","valor":1.5}\n{"id":2,"produto":"b","valor":2}\n'
ORIGINS = [  # what sends a file, the origin that it then has, and its bytes, to which the name is added
    # files
    (by_pyrus, "pyrus", SMALL),
    (by_runrun, "runrun", SMALL),
    (by_redu, "redu", SMALL),
    (by_datasnap, "oci", ROWS),
    (by_appfile, "appfile", SMALL),
    (by_sftp, "sftp", SMALL),
    (by_native, "native", SMALL),
    (by_tus, "native", SMALL),
    # objects
    (by_s3, "s3", SMALL),
    (by_s3_in_parts, "s3", os.urandom(2 * PART + 1000)),
]


class Sent:
    """What was sent in, and what `cais ls` must say about it."""

    def __init__(self, way, origin, data):
        self.name = f"{way.__name__}.jsonl" if way is by_datasnap else f"{way.__name__} ü.bin"
        self.way, self.origin = way, origin
        self.data = data if way is by_datasnap else data + self.name.encode()
        self.md5 = hashlib.md5(self.data).hexdigest()
        parts = [hashlib.md5(self.data[at:at + PART]).digest() for at in range(0, len(self.data), PART)]
        self.shown_md5 = self.md5 if way is not by_s3_in_parts else f"{hashlib.md5(b''.join(parts)).hexdigest()}-{len(parts)}"


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    """(the server, all that was sent to it, first to last)"""
    with Everything(tmp_path_factory.mktemp("origins")) as server:
        files = [Sent(*one) for one in ORIGINS]
        for file in files:
            file.way(server, file.name, file.data)
        yield server, files


def in_order_of_ls(files):
    """Files, the newest first; then objects by key."""
    objects = [f for f in files if f.origin == "s3"]
    return [f for f in reversed(files) if f.origin != "s3"] + sorted(objects, key=lambda f: f.name)


def cais(server, *words, at=(), **more):
    done = subprocess.run([server.binary, *words, *(at or ("--data", server.data))], capture_output=True, text=True, timeout=120, **more)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


def check_list(server, files, at=()):
    """Owner, origin, state and MD5 of each, as JSON and in the table. Returns their ids."""
    wanted = [(f.name, f.origin, server.login, "ready", f.shown_md5, len(f.data)) for f in in_order_of_ls(files)]
    listed = json.loads(cais(server, "ls", "--json", at=at))["files"]
    assert [(f["name"], f["way"], f["owner"], f["state"], f["md5"] or f["etag"], f["size"]) for f in listed] == wanted
    lines = cais(server, "ls", "--wide", at=at).splitlines()
    for line, one, (name, origin, owner, state, md5, _) in zip(lines, listed, wanted, strict=True):
        assert line.startswith(one["id"] + "  "), line
        assert all(text in line for text in (state, md5, owner, origin, name)), line
    return [f["id"] for f in listed]


def check_each(server, files, ids, folder, at=()):
    for file, one in zip(in_order_of_ls(files), ids, strict=True):
        cais(server, "get", one, at=at, cwd=folder)
        assert hashlib.md5((folder / file.name).read_bytes()).hexdigest() == file.md5, file.name
        (folder / file.name).unlink()


def test_files_of_all_origins_are_listed_and_returned(sent, tmp_path):
    server, files = sent
    ids = check_list(server, files)
    check_each(server, files, ids, tmp_path)
    assert json.loads(server.cais("fsck", "--json").stdout)["clean"]


def test_their_owner_sees_them_with_a_token(sent, tmp_path):
    server, files = sent
    at = ("--url", "http://%s:%d" % server.address(), "--token", server.facts["token"])
    check_each(server, files, check_list(server, files, at), tmp_path, at)
    stranger = ("--url", at[1], "--token", server.native())
    assert json.loads(cais(server, "ls", "--json", at=stranger)) == {"files": []}
    object_id = f"s3://{server.facts['bucket']}/2026/{files[-1].name}"
    done = subprocess.run([server.binary, "get", object_id, *stranger], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1 and f"cais get: {object_id}: no such object (404 not_found" in done.stderr


def test_pages_lead_through_all_of_them(sent):
    server, files = sent
    for limit in (1, 4, len(files) - 2, len(files)):
        seen, more = [], ()
        while more is not None:
            page = json.loads(cais(server, "ls", "--json", "--limit", str(limit), *more))
            seen += [f["name"] for f in page["files"]]
            more = ("--after", page["next"]) if "next" in page else None
        assert seen == [f.name for f in in_order_of_ls(files)], limit


def test_they_are_there_without_a_server_too(sent, tmp_path):
    """The last test: it stops the server."""
    server, files = sent
    server.stop()
    check_each(server, files, check_list(server, files), tmp_path)
    assert json.loads(server.cais("fsck", "--json").stdout)["clean"]
