# SPDX-License-Identifier: Apache-2.0
"""D7, bit rot in a blob or a row: what clients of each API get when a bit of stored bytes flips. Wrong bytes never go out as a whole
reply: it is an error if the first piece of 64 KiB is damaged, and is cut otherwise."""
import http.client
import json
import os
import sqlite3
import ssl
import sys

import boto3
import botocore.config
import botocore.exceptions
import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from serving import CLOCKED, Clock, Server, make_certificate, wait_for  # noqa: E402

PIECE = 65536
SIZE = 5 * 1024 * 1024 + 777  # also the least that a part but the last may have
LAST = SIZE // PIECE  # the number of the last piece


class Stored:
    """A server with the same bytes stored by three APIs, each in a blob of its own."""

    def __init__(self, folder, *arguments):
        self.data = folder / "data"
        self.server = Server(self.data, *arguments)
        self.bytes = os.urandom(SIZE)
        self.user = self.server.user("ana")
        self.pyrus_token = self.server.login(self.user)
        self.gets, self.blobs = {}, {}
        known = set()
        for name, store in (("native", self.store_native), ("pyrus", self.store_pyrus), ("s3", self.store_s3),
                            ("parts", self.store_parts)):
            self.gets[name] = store()
            new = set(self.all_blobs()) - known
            known |= new
            self.blobs[name] = max(new, key=os.path.getsize)

    def all_blobs(self):
        return [str(path) for path in (self.data / "blobs").glob("??/*")]

    def store_native(self):
        status, file = self.server.put(self.user.native, "a.bin", self.bytes)
        assert status == 201
        return "/v1/native/files/" + file["id"], {"Authorization": "Bearer " + self.user.native}

    def store_pyrus(self):
        status, file = self.server.upload(self.pyrus_token, "a.bin", self.bytes)
        assert status == 200
        status, task = self.server.task(self.pyrus_token, [file["guid"]])
        assert status == 200
        return ("/v4/files/download/%d" % task["task"]["attachments"][0]["id"],
                {"Authorization": "Bearer " + self.pyrus_token})

    def client(self):
        key = self.server.cais_json("key", "add", "ana", "--for", "s3")
        return boto3.client("s3", endpoint_url=self.server.url, aws_access_key_id=key["access_key_id"],
                            aws_secret_access_key=key["secret_access_key"], region_name="us-east-1",
                            config=botocore.config.Config(signature_version="s3v4", retries={"max_attempts": 0},
                                                          s3={"addressing_style": "path"}))

    def store_s3(self):
        self.s3 = self.client()
        self.s3.create_bucket(Bucket="rotten")
        self.s3.put_object(Bucket="rotten", Key="a", Body=self.bytes)
        return self.link("a")

    def store_parts(self):
        upload = self.s3.create_multipart_upload(Bucket="rotten", Key="b")["UploadId"]
        parts = []
        for number, body in ((1, self.bytes), (2, b"the end")):
            etag = self.s3.upload_part(Bucket="rotten", Key="b", PartNumber=number, UploadId=upload, Body=body)["ETag"]
            parts.append({"PartNumber": number, "ETag": etag})
        self.s3.complete_multipart_upload(Bucket="rotten", Key="b", UploadId=upload, MultipartUpload={"Parts": parts})
        return self.link("b")

    def link(self, key):
        url = self.s3.generate_presigned_url("get_object", Params={"Bucket": "rotten", "Key": key})
        return url[len(self.server.url):], {}

    def whole(self, name):
        return self.bytes + (b"the end" if name == "parts" else b"")

    def get(self, name, method="GET", connection=None, **more):
        """Returns (status, body), or the exception of a reply that was cut."""
        path, headers = self.gets[name]
        c = connection or self.server.connect()
        try:
            c.request(method, path, None, {**headers, **more})
            answer = c.getresponse()
            return answer.status, answer.read()
        except http.client.HTTPException as cut:
            return cut
        finally:
            c.close()

    def flip(self, name, at):
        with open(self.blobs[name], "r+b") as f:
            f.seek(at)
            byte = f.read(1)[0]
            f.seek(at)
            f.write(bytes([byte ^ 0x10]))

    def metric(self, name):
        _, _, text = self.server.ask("GET", "/metrics")
        return int([line.split()[1] for line in text.decode().splitlines() if line.startswith(name + " ")][0])


APIS = ["native", "pyrus", "s3", "parts"]


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    s = Stored(tmp_path_factory.mktemp("damaged"))
    yield s
    s.server.stop(errors_expected=True)


@pytest.mark.parametrize("name", APIS)
def test_d7_a_flipped_bit_of_a_blob_never_goes_out_as_a_whole_reply(stored, name):
    whole = stored.whole(name)
    assert stored.get(name) == (200, whole)
    for piece in (0, LAST // 2, LAST):
        at, count = min(piece * PIECE + 12345, SIZE - 1), stored.metric("cais_damage_found_total")
        stored.flip(name, at)  # a second after the bytes were found right
        got = stored.get(name)
        if piece == 0:
            assert got[0] >= 500, got
            assert stored.bytes[100:200] not in got[1]
        else:
            assert isinstance(got, http.client.IncompleteRead)
            assert whole.startswith(got.partial) and len(got.partial) <= piece * PIECE
        begin = piece * PIECE
        # a range that touches the piece, also with bytes of it that are right
        assert stored.get(name, Range="bytes=%d-%d" % (at, at))[0] >= 500
        assert stored.get(name, Range="bytes=%d-%d" % (begin, begin + 10))[0] >= 500
        if piece:
            cut = stored.get(name, Range="bytes=%d-%d" % (begin - 2 * PIECE, SIZE - 1))
            assert isinstance(cut, http.client.IncompleteRead) and whole[begin - 2 * PIECE:].startswith(cut.partial)
            assert stored.get(name, Range="bytes=0-%d" % (begin - 1)) == (206, whole[:begin])
        # HEAD sends no bytes
        if name in ("native", "pyrus"):
            assert stored.get(name, "HEAD")[0] == 200
        assert stored.metric("cais_damage_found_total") >= count + 3
        wait_for("the log", lambda: any("stored bytes are damaged" in line and os.path.basename(stored.blobs[name]) in line
                                        for line in stored.server.log().splitlines()))
        stored.flip(name, at)
        assert stored.get(name) == (200, whole)


def test_the_refusal_has_the_form_of_the_api_and_no_headers_of_the_file(stored):
    for name, fits in (("native", lambda t: json.loads(t)["error"]["code"]), ("pyrus", lambda t: json.loads(t)["error_code"]),
                       ("s3", lambda t: t.startswith(b"<?xml") and b"<Code>InternalError</Code>" in t)):
        stored.flip(name, 5)
        status, headers, text = stored.server.ask("GET", *[stored.gets[name][0], None, stored.gets[name][1]])
        stored.flip(name, 5)
        assert status >= 500 and fits(text), (name, status, text)
        assert "ETag" not in headers and "Accept-Ranges" not in headers and "Last-Modified" not in headers


def test_a_copy_of_a_damaged_object_is_refused(stored):
    stored.flip("s3", SIZE - 1)
    upload = stored.s3.create_multipart_upload(Bucket="rotten", Key="copy")["UploadId"]
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        stored.s3.upload_part_copy(Bucket="rotten", Key="copy", PartNumber=1, UploadId=upload,
                                   CopySource={"Bucket": "rotten", "Key": "a"})
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] >= 500
    stored.flip("s3", SIZE - 1)


def test_d7_a_flipped_bit_on_a_tls_connection(tmp_path):
    cert, key = make_certificate(tmp_path)
    s = Stored(tmp_path, "--tls-listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key)

    def connect():
        context = ssl.create_default_context(cafile=cert)
        host, port = s.server._split(s.server.in_use["tls_listen"][0])
        return http.client.HTTPSConnection(host, port, context=context, timeout=60)
    host = {"Host": "%s:%d" % s.server.address}  # that was signed
    for name in ("native", "parts"):
        assert s.get(name, connection=connect(), **host) == (200, s.whole(name))
        s.flip(name, SIZE - 1)
        assert isinstance(s.get(name, connection=connect(), **host), http.client.IncompleteRead)
        s.flip(name, SIZE - 1)
        s.flip(name, 0)
        assert s.get(name, connection=connect(), **host)[0] >= 500
    s.server.stop(errors_expected=True)


def test_d7_a_flipped_bit_of_a_row_never_goes_out(tmp_path):
    data, small = tmp_path / "data", b"the bytes of a small file, which are a row"
    with Server(data) as server:
        user = server.user("ana")
        _, file = server.put(user.native, "small.txt", small)
        assert server.get(user.native, "/v1/native/files/" + file["id"]) == (200, small)
    with sqlite3.connect(data / "cais.db") as db:
        changed = db.execute("UPDATE objects SET inline_bytes = CAST(REPLACE(inline_bytes, 'small', 'smaml') AS BLOB)")
        assert changed.rowcount == 1
    db.close()
    server = Server(data)
    status, text = server.get(user.native, "/v1/native/files/" + file["id"])
    assert status >= 500 and b"smaml" not in text
    wait_for("the log", lambda: "stored bytes are damaged" in server.log())
    server.stop(errors_expected=True)


def test_blobs_that_are_older_than_checksums_are_served_and_scrubbed(tmp_path):
    """As a server of before left them: without a row of checksums."""
    data, large = tmp_path / "data", os.urandom(200000)
    with Server(data) as server:
        user = server.user("ana")
        _, file = server.put(user.native, "large.bin", large)
    with sqlite3.connect(data / "cais.db") as db:
        want = db.execute("SELECT * FROM blob_checksums").fetchall()
        db.execute("DELETE FROM blob_checksums")
    db.close()
    assert len(want) == 1

    def checksums():
        with sqlite3.connect("file:%s?mode=ro" % (data / "cais.db"), uri=True) as db:
            return db.execute("SELECT * FROM blob_checksums").fetchall()
    with Server(data, "--set", "scrub.period=0") as server:
        assert server.get(user.native, "/v1/native/files/" + file["id"]) == (200, large)
    assert not checksums()
    clock = Clock(tmp_path / "clock")

    def serve():
        return Server(data, "--set", "scrub.period=1m", program=CLOCKED, environment=clock.environment)
    with serve() as server:
        wait_for("the first round", lambda: b"cais_scrub_begun_seconds 1" in server.ask("GET", "/metrics")[2])
    clock.set_ahead(120000)
    with serve() as server:
        wait_for("the scrub", lambda: checksums() == want)
        jobs = wait_for("its progress", lambda: [
            job for job in map(json.loads, server.cais("jobs", "--json").stdout.splitlines())
            if job["kind"] == "scrub" and job["progress"] == 200000])
        assert jobs[0]["total"] == 200000
        assert b"cais_scrub_done_bytes 200000\n" in server.ask("GET", "/metrics")[2]
        assert server.get(user.native, "/v1/native/files/" + file["id"]) == (200, large)
    os.unlink(clock.path)
