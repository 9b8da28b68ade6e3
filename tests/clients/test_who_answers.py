# SPDX-License-Identifier: Apache-2.0
"""Which API serves which path. Every path of every contract is requested on one host; the form of the reply shows which API sent
it."""

import json
import re

import pytest

from server import Server

HOSTS = {"runrun.example.test": "runrun", "redu.example.test": "redu", "datasnap.example.test": "datasnap", "pyrus.example.test": "pyrus",
         "s3.example.test": "s3"}

PYRUS = """
POST /v4/auth             GET /v4/auth                 POST /v4/files/upload        GET /v4/files/download/1
POST /api/v4/auth         GET /api/v4/auth             POST /api/v4/files/upload    GET /api/v4/files/download/1
GET /files/download/1     GET /services/attachment     GET /v4/profile              GET /api/v4/profile
POST /v4/tasks            GET /v4/tasks/1              POST /v4/tasks/1/comments    DELETE /v4/tasks/1
GET /v4/nothing           GET /v4                      GET /files                   GET /services/x
GET /api/v4/              PUT /files/download/1        GET /files//download/1       GET /v4/../v4/profile
"""
RUNRUN = """
POST /documents           POST /tasks/1/documents      POST /documents/1/mark_as_uploaded   GET /tasks/1/documents
GET /documents/1          GET /documents/1/download    GET /documents/1/thumbnail           GET /documents/1/preview
GET /documents/download_zip                            DELETE /documents/1                  POST /tasks
GET /tasks                GET /tasks/1                 DELETE /tasks/1                      POST /comments
GET /tasks/1/comments     GET /comments/1              PUT /comments/1                      DELETE /comments/1
GET /boards/1/fields      GET /tasks/1/fields          GET /fields/custom_1/options         GET /users/me
PUT /tasks/1              PATCH /tasks/1               GET /tasks/1/description             PUT /tasks/1/description
POST /tasks/1/comments    GET /users                   GET /users/ana-prado
GET /documents/1/nothing  GET /boards                  DELETE /comments
"""
NATIVE = "PUT /v1/native/files/a  PATCH /v1/native/files/1  GET /v1/native/jobs  GET /v1/native/files  GET /v1/native/files/1  GET /v1/native/files/1/info  GET /v1/native/nothing"
PORTAL = """
GET /portal               GET /portal/login           POST /portal/login            POST /portal/logout
GET /portal/              GET /portal/index.html      DELETE /portal                PUT /portal/login
GET /portal/files         GET /portal/session         GET /portal/enter             POST /portal/enter
GET /portal/files/1       GET /portal/assets/1/x.js   GET /portal/assets            GET /portal/a/b/c
"""
SERVICE = "GET /health  GET /metrics  HEAD /health"
REDU = """
GET /api/environments     POST /api/environments/1/courses  GET /api/courses/1/spaces   GET /api/spaces/1/folders
POST /api/folders/1/files GET /api/files/1                  GET /api/users/1            GET /api/me
POST /oauth/request_token DELETE /api/enrollments/1         GET /api/users/me           PUT /api/folders/1
GET /api/me.json          GET /api/folders/1/folders/       GET /api/nothing            PATCH /api/files/1
GET /api                  GET /oauth                        GET /api/users/1/spaces     GET /oauth/access_token
"""
# Under /v1 and /api/v1, and without a version under /api and alone.
DATASNAP = """
GET /schemas              POST /schemas                     GET /schemas/a              PUT /schemas/a
DELETE /schemas/a         POST /schemas/a/query             GET /schemas/a/files        POST /schemas/a/files
GET /schemas/a/files/1    DELETE /schemas/a/files/1         GET /schemas/a/uploads      POST /schemas/a/process-files
POST /schemas/a/generate-upload-token                       GET /upload-tokens/1/validate
DELETE /upload-tokens/1   POST /bridge/healthcheck          GET /nothing                PATCH /schemas/a
"""
DATASNAP_UNVERSIONED = "GET /auth/me  GET /status  POST /status/more  GET /auth"
OCI = "PUT /p/secret/n/a/b/c/o/d  GET /p/secret  POST /p  HEAD /p/secret/n/a/b/c/o/d"
APPFILE = """
POST /appfile/file/path   POST /appfile/file/import         GET /appfile/file/1         GET /appdata/Entity/retrieve
POST /status/refresh      GET /status/refresh               GET /appfile                PUT /appdata/x
POST /appfile/file/import/async                             POST /appdata/import/file/async
POST /appdata/Entity/query POST /appfile/file/query                                 POST /appdata/Entity/create DELETE /appdata/Entity/delete
POST /appfile/file/import/data
"""
S3 = """
GET /                     GET /bucket                       PUT /bucket                 DELETE /bucket
GET /bucket/key           PUT /bucket/key                   POST /bucket/key?uploads    POST /bucket?delete
GET /runrunit             POST /runrunit                    OPTIONS /bucket/key         GET /bucket/v4/profile
GET /bucket/api/v1.0/tasks GET /v4x/profile                 GET /filesystem/a           GET /healthy
GET /%61pi/v1.0/nothing   GET //health                      GET /Health
"""


def paths(text, below=""):
    return [(method, below + path) for method, path in re.findall(r"([A-Z]+) (\S+)", text)]


TABLE = [(method, path, owner) for owner, listed in (
    ("pyrus", paths(PYRUS)), ("runrun", paths(RUNRUN, "/api/v1.0")), ("native", paths(NATIVE)), ("portal", paths(PORTAL)), ("service", paths(SERVICE)),
    ("redu", paths(REDU)), ("datasnap", paths(DATASNAP, "/v1") + paths(DATASNAP, "/api/v1")),
    ("datasnap", paths(DATASNAP_UNVERSIONED) + paths(DATASNAP_UNVERSIONED, "/api") + paths("GET /me  GET /api/health")),
    ("oci", paths(OCI)), ("appfile", paths(APPFILE)), ("s3", paths(S3)),
    ("runrun", [p for p in paths(RUNRUN, "/api") if not p[1].startswith("/api/users")])) for method, path in listed]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("who"), sets=[f"hosts.{host}={api}" for host, api in HOSTS.items()]) as started:
        yield started


def sender_of(answer):
    """The API that sent this error reply: each has a form of its own."""
    kind, body = answer.header("Content-Type") or "", answer.body
    if answer.header("x-amz-request-id"):
        assert kind == "application/xml" and b"<Error><Code>" in body, answer
        return "s3"
    if answer.header("opc-request-id"):
        assert not body or set(answer.json()) == {"code", "message"}, answer
        return "oci"
    if answer.header("Access-Control-Allow-Origin") == "*":
        assert not body or answer.status == 200 or b'"message"' in body, answer
        return "redu"
    if kind.startswith("text/html") or (answer.header("Location") or "").startswith("/portal"):
        return "portal"
    if kind.startswith("text/plain") or b'"durability"' in body or (not body and kind == "application/json"):
        return "service"
    body = answer.json()
    if body.get("status") == "error":
        return "service"
    if "IsSuccess" in body:
        return "appfile"
    if body == {"status": "ok"} or "tenant" in body or ("error" in body and body["error"] == body.get("message")):
        return "datasnap"
    if "error_code" in body:
        return "pyrus"
    return "native" if isinstance(body.get("error"), dict) else "runrun"


@pytest.mark.parametrize("method,path,owner", TABLE, ids=lambda v: v)
def test_every_path_of_the_contracts_is_served_by_its_api(server, method, path, owner):
    answer = server.ask(method, path, [], b"" if method in ("PUT", "POST") else None)
    assert sender_of(answer) == owner, answer


@pytest.mark.parametrize("path", sorted({path for _, path in paths(APPFILE)} - {"/status/refresh"}))
def test_paths_of_apis_are_not_buckets_on_other_hosts(server, path):
    answer = server.ask("GET", path, host="redu.example.test")
    assert answer.status in (403, 404) and re.search(b"<Code>(NoSuchBucket|AccessDenied)<", answer.body), answer


# Paths that several APIs have, and who answers on a host that belongs to none of them, with each kind of credential. The keys of the
# last three are wrong: the kind decides, and not whether it is valid.
SHARED = {"/api/me": "datasnap", "/api/me/": "datasnap", "/api/me/x": "datasnap", "/api/me.json": "redu", "/api/users": "redu",
          "/api/users/": "redu", "/api/users/me": "redu", "/api/users/1": "redu", "/api/users/ana-prado": "redu",
          "/api/users/1/spaces": "redu", "/api/users/1/nothing": "redu"}
CREDENTIALS = ("none", "datasnap", "redu", "both keys of runrun", "App-Key alone", "User-Token alone", "datasnap and App-Key",
               "wrong bearer", "basic")


@pytest.fixture(scope="module")
def credentials(server):
    server.cais("user", "add", "snap@example.test")
    datasnap = json.loads(server.cais("key", "add", "snap@example.test", "--for", "datasnap", "--role", "reader", "--json").stdout)
    redu = json.loads(server.cais("key", "add", "snap@example.test", "--for", "redu", "--json").stdout)
    bearer = ("Authorization", "Bearer " + datasnap["token"])
    app_key, user_token = ("App-Key", "x"), ("User-Token", "y")
    return {"none": [], "datasnap": [bearer], "redu": [("Authorization", "Bearer " + redu["access_token"])],
            "both keys of runrun": [app_key, user_token], "App-Key alone": [app_key], "User-Token alone": [user_token],
            "datasnap and App-Key": [bearer, app_key], "wrong bearer": [("Authorization", "Bearer x")],
            "basic": [("Authorization", "Basic eDp5")]}


def owner_of_shared(path, credential):
    if path != "/api/me.json" and ("App-Key" in credential or credential == "both keys of runrun"):
        return "runrun"
    return SHARED[path] if credential == "datasnap" else "redu"


@pytest.mark.parametrize("path", SHARED)
@pytest.mark.parametrize("credential", CREDENTIALS)
def test_the_credential_shows_whose_path_it_is(server, credentials, path, credential):
    answer = server.ask("GET", path, credentials[credential])
    assert answer.status != 500
    assert sender_of(answer) == owner_of_shared(path, credential), answer


@pytest.mark.parametrize("method", ("PUT", "POST", "PATCH", "DELETE"))
def test_the_credential_shows_whose_path_it_is_whatever_the_method(server, credentials, method):
    for credential in CREDENTIALS:
        for path in ("/api/users", "/api/users/1"):
            answer = server.ask(method, path, credentials[credential], b"" if method != "DELETE" else None)
            assert sender_of(answer) == owner_of_shared(path, credential), (credential, path, answer)


def test_the_host_of_an_api_comes_before_the_credential(server, credentials):
    for credential in CREDENTIALS:
        for path in SHARED:
            assert sender_of(server.ask("GET", path, credentials[credential], host="redu.example.test")) == "redu"
            assert sender_of(server.ask("GET", path, credentials[credential], host="runrun.example.test")) == "runrun"
        assert sender_of(server.ask("GET", "/api/me", credentials[credential], host="datasnap.example.test")) == "datasnap"


def test_a_key_claims_no_paths_of_one_api(server, credentials):
    for credential in CREDENTIALS:
        assert sender_of(server.ask("GET", "/api/folders/1", credentials[credential])) == "redu"
        assert sender_of(server.ask("GET", "/api/tasks/1", credentials[credential])) == "runrun"
        assert sender_of(server.ask("GET", "/v1/schemas/none", credentials[credential])) == "datasnap"


def test_a_token_of_datasnap_shows_whose_path_me_is(server, credentials):
    for host in (None, "datasnap.example.test"):
        answer = server.ask("GET", "/api/me", credentials["datasnap"], **({"host": host} if host else {}))
        assert answer.status == 200 and answer.json()["tenant"]["name"] == "default"


@pytest.mark.parametrize("host,path,owner", [
    ("runrun.example.test", "/api/v1.0/tasks", "runrun"), ("runrun.example.test", "/api/tasks", "runrun"),
    ("runrun.example.test", "/runrunit/data", "s3"), ("runrun.example.test", "/health", "service"),
    ("RUNRUN.Example.Test:8080", "/api/v1.0/nothing", "runrun"), ("runrun.example.test", "/v4/profile", "s3"),
    ("pyrus.example.test", "/v4/profile", "pyrus"), ("pyrus.example.test", "/api/v1.0/tasks", "pyrus"), ("pyrus.example.test", "/v5/tasks", "pyrus"),
    ("pyrus.example.test", "/health", "service"), ("s3.example.test", "/bucket/key", "s3"), ("s3.example.test", "/v4/profile", "s3"),
    ("s3.example.test", "/portal", "portal"), ("pyrus.example.test", "/portal/login", "portal"),
    ("s3.example.test", "/portals/a", "s3"),
    ("redu.example.test", "/api/me", "redu"), ("redu.example.test", "/api/v1.0/tasks", "redu"),
    ("redu.example.test", "/redu_files/a", "s3"), ("redu.example.test", "/health", "service"),
    ("redu.example.test", "/portal/login", "portal"),
    ("datasnap.example.test", "/v1/schemas", "datasnap"), ("datasnap.example.test", "/api/v1/schemas", "datasnap"),
    ("datasnap.example.test", "/health", "service"), ("datasnap.example.test", "/api/health", "datasnap"),
    ("datasnap.example.test", "/api/v1.0/tasks", "s3"), ("datasnap.example.test", "/datasnap/a", "s3"),
    ("s3.example.test", "/v1/schemas", "s3"), ("s3.example.test", "/p/secret/n/a/b/c/o/d", "oci"), ("pyrus.example.test", "/auth/me", "pyrus"), ("pyrus.example.test", "/bucket/key", "pyrus"),
    ("other.example.test", "/v4/profile", "pyrus"), ("other.example.test", "/api/v1.0/tasks", "runrun")])
def test_a_host_of_one_api_serves_it_objects_and_health(server, host, path, owner):
    assert sender_of(server.ask("GET", path, host=host)) == owner


# ── requests that the engine refuses before it has a route

BAD_HEADS = {  # METHOD, PATH and HOST are replaced; the status of the reply
    "a raw byte in the query": (b"METHOD PATH?x=\xe9 HTTP/1.1\r\nHost: HOST\r\n\r\n", 400),
    "a fragment": (b"METHOD PATH#x HTTP/1.1\r\nHost: HOST\r\n\r\n", 400),
    "a control character in the query": (b"METHOD PATH?x=\x01 HTTP/1.1\r\nHost: HOST\r\n\r\n", 400),
    "an unknown method": (b"FETCH PATH HTTP/1.1\r\nHost: HOST\r\n\r\n", 501),
    "a method in small letters": (b"get PATH HTTP/1.1\r\nHost: HOST\r\n\r\n", 501),
    "an unknown method of an absolute target": (b"FETCH http://HOST:80PATH?x HTTP/1.1\r\nHost: other\r\n\r\n", 501),
    "a raw byte in an absolute target": (b"METHOD http://HOSTPATH?\xe9 HTTP/1.1\r\nHost: other\r\n\r\n", 400),
    "two blanks": (b"METHOD  PATH HTTP/1.1\r\nHost: HOST\r\n\r\n", 400),
    "a header without a colon": (b"METHOD PATH HTTP/1.1\r\nHost: HOST\r\nnothing\r\n\r\n", 400),
    "two lengths": (b"METHOD PATH HTTP/1.1\r\nHost: HOST\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    "a header that is too long": (b"METHOD PATH HTTP/1.1\r\nHost: HOST\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 431),
    "another transfer coding": (b"METHOD PATH HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
}


def ask_badly(server, what, method, path, host):
    head, status = BAD_HEADS[what]
    with server.connect() as client:
        client.send(head.replace(b"METHOD", method.encode()).replace(b"PATH", path.encode()).replace(b"HOST", host.encode()))
        answer = client.answer()
        assert client.is_closed()
    assert answer.status == status, answer
    return answer


def one_of_each(table):
    return [(method, path, owner) for owner in sorted({row[2] for row in table})
            for method, path, _ in [next(row for row in table if row[2] == owner and row[0] in ("GET", "POST", "PUT"))]]


@pytest.mark.parametrize("what", BAD_HEADS)
@pytest.mark.parametrize("method,path,owner", one_of_each(TABLE), ids=lambda v: v)
def test_a_json_client_got_xml_for_a_request_line_that_is_wrong(server, what, method, path, owner):
    assert sender_of(ask_badly(server, what, method, path, "other.example.test")) == owner


@pytest.mark.parametrize("what", BAD_HEADS)
@pytest.mark.parametrize("host,path,owner", [
    ("pyrus.example.test", "/nothing", "pyrus"), ("PYRUS.example.test", "/bucket/key", "pyrus"), ("redu.example.test", "/api/me", "redu"),
    ("datasnap.example.test", "/v1/nothing", "datasnap"), ("runrun.example.test", "/api/nothing", "runrun"), ("s3.example.test", "/v4/profile", "s3"),
    ("redu.example.test", "/redu_files/a", "s3")])
def test_a_wrong_request_is_worded_by_the_api_of_its_host(server, what, host, path, owner):
    assert sender_of(ask_badly(server, what, "GET", path, host)) == owner


@pytest.mark.parametrize("path,owner", [("/v4/tasks/", "pyrus"), ("/v1/native/files/", "native"), ("/api/v1.0/", "runrun"), ("/bucket/", "s3")])
def test_a_request_line_that_is_too_long_is_worded_by_the_api_of_its_beginning(server, path, owner):
    for size in (17_000, 200_000):
        with server.connect() as client:
            client.send(b"GET " + path.encode() + b"x" * size)
            assert (answer := client.answer()).status == 431 and sender_of(answer) == owner, answer


def test_a_part_of_a_name_selects_no_api(server):
    """/v4 of /v4x/… does not belong to Pyrus."""
    for head in (b"GET /v4" + b"x" * 17_000, b"GET /v4x\xe9 HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /v4\xe9 HTTP/1.1\r\nHost: a\r\n\r\n"):
        with server.connect() as client:
            client.send(head)
            assert sender_of(client.answer()) == "s3"
    with server.connect() as client:
        client.send(b"GET /v4")
        client.half_close()
        assert sender_of(client.answer()) == "s3"
    with server.connect() as client:
        client.send(b"GET /v4/pro")
        client.half_close()
        assert sender_of(client.answer()) == "pyrus"


# ── requests about the server, and absolute targets


@pytest.mark.parametrize("host", ["a", *HOSTS])
def test_options_of_the_whole_server_is_answered(server, host):
    with server.connect() as client:
        for body in (None, b"hello"):
            answer = client.ask("OPTIONS", "*", body=body, host=host)
            assert (answer.status, answer.body) == (200, b"") and "OPTIONS" in answer.header("Allow").split(", "), answer
        assert client.ask("GET", "/health").status == 200
    answer = server.ask("GET", "*", host=host)
    assert (answer.status, sender_of(answer)) == (400, "pyrus" if host == "pyrus.example.test" else "s3"), answer


def test_the_host_of_an_absolute_target_comes_before_host(server):
    for target, host, owner in (("http://pyrus.example.test/nothing", "other", "pyrus"), ("http://other/nothing", "pyrus.example.test", "s3"),
                                ("HTTPS://redu.example.test:443/api/v1.0/tasks", "runrun.example.test", "redu"),
                                ("http://runrun.example.test/api/v1.0/tasks", "redu.example.test", "runrun")):
        assert sender_of(server.ask("GET", target, host=host)) == owner, target
    for host in ("", "a b", "u@other"):  # but a Host that is no host is none (RFC 9112 section 3.2)
        assert server.ask("GET", "http://other/health", host=host).status == 400
