# SPDX-License-Identifier: Apache-2.0
"""Heads that say that the body is something else than the whole of what is to be kept: each API refuses them, in its own form, before it
looks at anything else. Before, the tail of a file, nothing, or compressed bytes were kept and acknowledged as the file."""
import json
import re

import pytest

from server import Server
from test_who_answers import sender_of

WRITES = {
    "native": ("PUT", "/v1/native/files/a"), "pyrus": ("POST", "/v4/files/upload"), "runrun": ("POST", "/api/v1.0/documents"),
    "redu": ("POST", "/api/folders/1/files"), "datasnap": ("POST", "/v1/schemas/a/files"), "oci": ("PUT", "/p/secret/n/a/b/c/o/d"),
    "appfile": ("POST", "/appfile/file/path"), "s3": ("PUT", "/bucket/key"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("heads")) as started:
        yield started


def answer_of(server, api, *headers, version="1.1", length=True):
    method, path = WRITES[api]
    lines = [f"{method} {path} HTTP/{version}", "Host: 127.0.0.1", *headers, *(["Content-Length: 5"] if length else [])]
    with server.connect() as client:
        client.send(("\r\n".join(lines) + "\r\n\r\nhello").encode())
        client.half_close()
        return client.answer(method)


def code_of(answer):
    return re.search(rb"<Code>(.*?)<", answer.body).group(1).decode()


@pytest.mark.parametrize("api", WRITES)
def test_the_tail_of_a_file_was_kept_as_the_whole(server, api):
    """curl -C 5 -T FILE sends it (RFC 9110 14.5)."""
    answer = answer_of(server, api, "Content-Range: bytes 5-9/10")
    assert sender_of(answer) == api
    assert answer.status == (501 if api == "s3" else 400)
    assert api != "s3" or code_of(answer) == "NotImplemented"


@pytest.mark.parametrize("api", WRITES)
def test_a_body_without_a_length_in_http_1_0_was_an_empty_file(server, api):
    answer = answer_of(server, api, version="1.0", length=False)
    assert sender_of(answer) == api
    assert answer.status == (411 if api == "s3" else 400)
    assert api != "s3" or code_of(answer) == "MissingContentLength"


@pytest.fixture(scope="module")
def credentials(server):
    """The headers with which each API knows the user."""
    server.cais("user", "add", "ana@example.test")
    server.cais("workspace", "add", "W")
    server.cais("bucket", "add", "B", "--workspace", "W")

    def key(api, *more):
        return json.loads(server.cais("key", "add", "ana@example.test", "--for", api, *more, "--json").stdout)
    bearer = "Authorization: Bearer "
    login = json.dumps({"login": "ana@example.test", "security_key": key("pyrus")["security_key"]}).encode()
    token = server.ask("POST", "/v4/auth", [("Content-Type", "application/json")], login).json()["access_token"]
    runrun, appfile = key("runrun"), key("appfile", "--role", "admin", "--workspace", "W", "--bucket", "B")
    datasnap = bearer + key("datasnap", "--role", "admin")["token"]
    kind = ("Content-Type", "application/json")
    name, value = datasnap.split(": ", 1)
    server.ask("POST", "/v1/schemas", [(name, value), kind], json.dumps(
        {"slug": "vendas", "name": "Vendas", "columns": [{"slug": "id", "type": "integer"}]}).encode())
    made = server.ask("POST", "/v1/schemas/vendas/generate-upload-token", [(name, value), kind], b'{"minutes":15}').json()
    WRITES["oci"] = ("PUT", re.sub("^http://[^/]+", "", made["upload_url"]) + "/a.jsonl")
    return {"native": [bearer + key("native")["token"]], "pyrus": [bearer + token],
            "runrun": ["App-Key: " + runrun["app_key"], "User-Token: " + runrun["user_token"]],
            "redu": [bearer + key("redu")["access_token"]], "datasnap": [datasnap],
            "oci": [], "appfile": ["x-api-key: " + appfile["api_key"]]}


@pytest.mark.parametrize("api", ("native", "pyrus", "runrun", "redu", "datasnap", "oci", "appfile"))
def test_compressed_bytes_lost_their_label(server, credentials, api):
    """RFC 9110 8.4. S3 keeps the label with the object."""
    answer = answer_of(server, api, *credentials[api], "Content-Encoding: gzip", "Content-Type: application/json")
    assert sender_of(answer) == api
    assert answer.status == 415 and answer.header("Accept-Encoding") == "identity"


@pytest.mark.parametrize("api", WRITES)
@pytest.mark.parametrize("name", ("Authorization", "Content-Type"))
def test_one_of_two_different_headers_counted(server, api, name):
    answer = answer_of(server, api, f"{name}: Bearer a", f"{name}: Bearer b")
    assert sender_of(answer) == api
    assert answer.status == 400
