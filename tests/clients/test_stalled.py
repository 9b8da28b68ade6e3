# SPDX-License-Identifier: Apache-2.0
"""Half a body, and then silence, as from a phone that lost its network. Each API tells its sender that it may try again, in words on
which its clients do; nothing is kept but what a resumable upload acknowledges; and real clients do try again, and succeed."""
import json
import os
import re
import socket
import subprocess
import threading

import pytest

from s3 import NODE_FOLDER, S3Server, node
from server import FORM, bearer, file_part, form, in_threads, json_head, request
from sigv4 import Signer
from uploads import INTEROP, OCTETS, PARTIAL, PATH, Uploads

HALF = b"x" * 30_000


class Stalling:
    """A server whose senders have a second, on which one user has a key of every API. facts: what `cais demo` made for it."""

    def __init__(self, server):
        self.server = server
        self.facts = facts = server.cais_json("demo")[0]
        server.secrets += [facts[name] for name in ("security_key", "access_token", "token", "app_key", "user_token", "secret_access_key",
                                                    "redu_token", "datasnap_token")]
        self.runrun = [("App-Key", facts["app_key"]), ("User-Token", facts["user_token"])]
        server.cais("workspace", "add", "W")
        server.cais("bucket", "add", "B", "--workspace", "W")
        self.appfile = [("x-api-key", server.key(facts["login"], "appfile", "--role", "uploader", "--workspace", "W", "--bucket", "B")["api_key"])]
        self.signer = Signer(facts["access_key_id"], facts["secret_access_key"])
        self.s3_host = "127.0.0.1:%d" % server.address()[1]

    def lengthy(self, method, target, headers, data, host="127.0.0.1"):
        return request(method, target, [*headers, ("Content-Length", str(len(data) + len(HALF)))], None, host) + data

    def chunked(self, method, target, headers, data):
        return request(method, target, [*headers, ("Transfer-Encoding", "chunked")]) + b"%x\r\n%s" % (len(data) + len(HALF), data)

    def ask(self, method, target, headers, members):
        answer = self.server.ask(method, target, [*headers, ("Content-Type", "application/json")], json.dumps(members).encode())
        assert answer.status in (200, 201), answer
        return answer.json()

    def form(self, target, headers, field, *before, **more):
        return self.lengthy("POST", target, [*headers, FORM], form(*before, file_part("a", HALF, field), close=False), **more)


def is_s3(answer, at):
    assert answer.status == 400 and re.search(b"<Code>RequestTimeout</Code>", answer.body), (at, answer)


def is_native(answer, at):
    assert answer.status == 408 and answer.json()["error"]["code"] == "timeout", (at, answer)


def is_pyrus(answer, at):
    assert answer.status == 408 and answer.json()["error_code"] == "server_error", (at, answer)


def is_tus(answer, at):
    said = answer.json()
    assert answer.status == 503 and said.get("error", said)["code"] == "unavailable", (at, answer)  # the draft's form is RFC 9457


def is_oci(answer, at):
    assert answer.status == 503 and answer.json()["code"] == "ServiceUnavailable", (at, answer)


def is_appfile(answer, at):
    assert answer.status == 408 and answer.json()["ResponseStatus"]["ErrorCode"] == "RequestTimeout", (at, answer)


def is_message(answer, at):
    assert answer.status == 408 and re.search("again|novamente", answer.json()["message"]), (at, answer)


def is_runrun(answer, at):
    assert answer.status == 408 and "again" in answer.json()["error"], (at, answer)


def is_page(answer, at):
    assert answer.status == 408 and b"Please send it again." in answer.body, (at, answer)


def s3_put(s, **headers):
    link = s.signer.link("PUT", s.s3_host, f"/{s.facts['bucket']}/stalled")
    return s.lengthy("PUT", link, list(headers.items()), HALF, s.s3_host)


def s3_chunks(s):
    signed = s.signer.headers("PUT", s.s3_host, f"/{s.facts['bucket']}/chunks", payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER", headers={
        "x-amz-decoded-content-length": "60000", "content-encoding": "aws-chunked", "x-amz-trailer": "x-amz-checksum-crc32"})
    del signed["host"]
    return s.lengthy("PUT", f"/{s.facts['bucket']}/chunks", signed.items(), b"ea60\r\n" + HALF, s.s3_host)


def s3_form(s):
    fields = s.signer.form(s.facts["bucket"], "stalled-form", 0, 10 ** 6)
    before = [(b'Content-Disposition: form-data; name="%s"' % n.encode(), str(v).encode()) for n, v in fields.items()]
    return s.form("/" + s.facts["bucket"], [], "file", *before)


def runrun_form(s):
    document = {"document": {"data_file_name": "a", "data_file_size": 2 * len(HALF)}}
    ticket = s.ask("POST", f"/api/v1.0/documents?task_id={s.facts['task_id']}", s.runrun, document)
    before = [(b'Content-Disposition: form-data; name="%s"' % n.encode(), str(v).encode()) for n, v in ticket["fields"].items()]
    return s.form("/runrunit", [], "file", *before)


def oci_put(s):
    upload = s.ask("POST", f"/api/v1/schemas/{s.facts['schema']}/generate-upload-token", bearer(s.facts["datasnap_token"]), {"minutes": 15})
    path = upload["upload_url"][upload["upload_url"].index("/p/"):]
    s.server.secrets.append(path.split("/")[2])
    return s.lengthy("PUT", path + "/a.jsonl", [], HALF)


def appfile_put(s):
    url = s.ask("POST", "/appfile/file/path", s.appfile, {"FileName": "a.cc5txt"})["Data"]["Url"]
    host, _, target = url.split("://")[1].partition("/")
    return s.lengthy("PUT", "/" + target, [], HALF, host)


def tus_patch(s, creation=(("Tus-Resumable", "1.0.0"), ("Upload-Length", "60000")), patch=(("Tus-Resumable", "1.0.0"), OCTETS)):
    made = s.server.ask("POST", PATH, [*bearer(s.facts["token"]), *creation], b"")
    assert made.status == 201, made
    s.upload = made.header("Location")
    return s.lengthy("PATCH", s.upload, [*bearer(s.facts["token"]), ("Upload-Offset", "0"), *patch], HALF)


STALLS = {  # what is sent, and what the reply must be
    "native PUT": (lambda s: s.lengthy("PUT", "/v1/native/files/a", bearer(s.facts["token"]), HALF), is_native),
    "native PUT, chunked": (lambda s: s.chunked("PUT", "/v1/native/files/a", bearer(s.facts["token"]), HALF), is_native),
    "native PUT, a small body": (lambda s: s.lengthy("PUT", "/v1/native/files/a", bearer(s.facts["token"]), b"x"), is_native),
    "native, the head": (lambda s: b"PUT /v1/native/files/a HTTP/1.1\r\nHost: a\r\nX: ", is_native),
    "Pyrus form": (lambda s: s.form("/v4/files/upload", bearer(s.facts["access_token"]), "file"), is_pyrus),
    "Pyrus form, chunked": (lambda s: s.chunked("POST", "/v4/files/upload", [FORM, *bearer(s.facts["access_token"])],
                                                form(file_part("a", HALF), close=False)), is_pyrus),
    "Pyrus JSON": (lambda s: s.lengthy("POST", "/v4/tasks", json_head(s.facts["access_token"]), b'{"text":'), is_pyrus),
    "Pyrus login": (lambda s: request("POST", "/v4/auth", [*json_head(), ("Content-Length", "100")]) + b'{"login":', is_pyrus),
    "Pyrus, the head": (lambda s: b"GET /v4/profile HTTP/1.1\r\nHost: a\r\nX: ", is_pyrus),
    "S3 PUT": (s3_put, is_s3),
    "S3 PUT, aws-chunked": (s3_chunks, is_s3),
    "S3 form": (s3_form, is_s3),
    "S3, the head": (lambda s: b"GET /bucket HTTP/1.1\r\nHost: a\r\nX: ", is_s3),
    "Runrun.it form of a ticket": (runrun_form, is_s3),
    "Runrun.it JSON": (lambda s: s.lengthy("POST", "/api/v1.0/tasks", [*s.runrun, *json_head()], b'{"task":'), is_runrun),
    "Redu form": (lambda s: s.form(f"/api/folders/{s.facts['folder_id']}/files", [("Authorization", "OAuth " + s.facts["redu_token"])],
                                   "file[content]"), is_message),
    "Redu JSON": (lambda s: s.lengthy("POST", "/api/environments", [("Authorization", "OAuth " + s.facts["redu_token"]), *json_head()],
                                      b'{"environment":'), is_message),
    "DataSnap form": (lambda s: s.form(f"/api/v1/schemas/{s.facts['schema']}/files", bearer(s.facts["datasnap_token"]), "files[]"), is_message),
    "DataSnap JSON": (lambda s: s.lengthy("POST", f"/api/v1/schemas/{s.facts['schema']}/query", json_head(s.facts["datasnap_token"]), b"{"),
                      is_message),
    "DataSnap upload URL": (oci_put, is_oci),
    "Appfile signed URL": (appfile_put, is_s3),
    "Appfile rows": (lambda s: s.lengthy("POST", "/appfile/file/import/data", [*s.appfile, *json_head()], b'{"Data":"'), is_appfile),
    "Appfile JSON": (lambda s: s.lengthy("POST", "/appfile/file/path", [*s.appfile, *json_head()], b"{"), is_appfile),
    "tus": (tus_patch, is_tus),
    "IETF": (lambda s: tus_patch(s, [INTEROP, ("Upload-Complete", "?0")], [INTEROP, ("Upload-Complete", "?1"), PARTIAL]), is_tus),
    "portal": (lambda s: request("POST", "/portal/login", [("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", "100")]) +
               b"login=a", is_page),
}


@pytest.fixture(scope="module")
def stalling(tmp_path_factory):
    sets = ["http.body_rate_window=1s", "http.header_timeout=1s", "pyrus.rate_limit=0"]
    with S3Server(tmp_path_factory.mktemp("stalled"), sets=sets) as server:
        yield Stalling(server)


@pytest.fixture(scope="module")
def answers(stalling):
    before = stalling.server.files()
    requests = [make(stalling) for make, _ in STALLS.values()]

    def stall(i):
        with stalling.server.connect() as client:
            assert client.send(requests[i])
            answer = client.answer()
            return answer, client.is_closed()
    got = in_threads(len(requests), stall)
    assert stalling.server.files() == before, "something was kept"
    return dict(zip(STALLS, got))


@pytest.mark.parametrize("what", STALLS)
def test_a_sender_that_fell_silent_was_told_that_its_request_is_wrong(answers, what):
    answer, closed = answers[what]
    STALLS[what][1](answer, what)
    assert closed and answer.header("Retry-After") == "1", answer


def test_a_resumable_upload_keeps_what_came_before_the_silence(stalling):
    with stalling.server.connect() as client:
        client.send(tus_patch(stalling))
        is_tus(client.answer(), "PATCH")
    uploads = Uploads(stalling.server, stalling.facts["token"])
    assert uploads.offset(stalling.upload) == len(HALF)
    assert uploads.patch(stalling.upload, len(HALF), HALF).status == 204


# ── real clients


class Swallowing:
    """A proxy that swallows what its first connection sends after so many bytes, and passes on everything of the others. So the server
    sees silence, and the client, which has sent everything, waits for the reply. `count`: connections."""

    def __init__(self, server, after):
        self.server, self.left, self.count = server, after, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.server.address())
            self.count += 1
            threading.Thread(target=self.forward, args=(client, server, self.left if self.count == 1 else None), daemon=True).start()
            threading.Thread(target=self.forward, args=(server, client, None), daemon=True).start()

    @staticmethod
    def forward(source, to, left):
        try:
            while data := source.recv(65536):
                passed = data if left is None else data[:left]
                left = None if left is None else left - len(passed)
                if passed:
                    to.sendall(passed)
            to.shutdown(socket.SHUT_WR)
        except OSError:
            source.close()
            to.close()


def test_boto3_sends_an_object_again(stalling):
    body = os.urandom(500_000)
    with Swallowing(stalling.server, 200_000) as proxy:
        put = stalling.server.boto(proxy.url, stalling.facts["access_key_id"], stalling.facts["secret_access_key"],
                                   retries={"total_max_attempts": 2, "mode": "standard"}).put_object
        answer = put(Bucket=stalling.facts["bucket"], Key="again", Body=body)
    assert answer["ResponseMetadata"]["RetryAttempts"] == 1 and proxy.count == 2
    got = stalling.server.boto(None, stalling.facts["access_key_id"], stalling.facts["secret_access_key"]).get_object(
        Bucket=stalling.facts["bucket"], Key="again")
    assert got["Body"].read() == body


def test_curl_sends_a_file_again(stalling, tmp_path):
    path = tmp_path / "again.bin"
    path.write_bytes(os.urandom(500_000))
    with Swallowing(stalling.server, 200_000) as proxy:
        done = subprocess.run(["curl", "-sS", "--noproxy", "*", "-H", "Authorization: Bearer " + stalling.facts["token"], "--retry", "1",
                               "--retry-delay", "1", "-T", path, proxy.url + "/v1/native/files/"], capture_output=True, check=True, timeout=60)
    assert proxy.count == 2
    made = json.loads(done.stdout.splitlines()[-1][done.stdout.splitlines()[-1].rindex(b'{"id"'):])
    assert stalling.server.ask("GET", "/v1/native/files/" + made["id"], bearer(stalling.facts["token"])).body == path.read_bytes()


def test_tus_js_client_goes_on(stalling, tmp_path):
    path = tmp_path / "again.bin"
    path.write_bytes(os.urandom(500_000))
    with Swallowing(stalling.server, 200_000) as proxy:
        settings = {"endpoint": proxy.url + PATH, "token": stalling.facts["token"], "file": str(path), "retries": [0]}
        with subprocess.Popen([node(), os.path.join(NODE_FOLDER, "tus_upload.mjs"), json.dumps(settings)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True, env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}) as client:
            steps = []
            while not steps or not {"success", "error"} & set(steps[-1]):
                steps.append(json.loads(client.stdout.readline()))
            client.stdin.close()
    assert "success" in steps[-1], steps
    first, second = (step["at"] for step in steps if step.get("sent") == "PATCH")
    assert first == 0 and 100_000 < second < 200_000, steps
