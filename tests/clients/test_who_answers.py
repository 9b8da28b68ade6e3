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
GET /documents/1/nothing  GET /boards                  DELETE /comments
"""
NATIVE = "PUT /v1/native/files/a  GET /v1/native/files  GET /v1/native/files/1  GET /v1/native/files/1/info  GET /v1/native/nothing"
PORTAL = """
GET /portal               GET /portal/login           POST /portal/login            POST /portal/logout
GET /portal/              GET /portal/index.html      DELETE /portal                PUT /portal/login
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
    ("runrun", [p for p in paths(RUNRUN, "/api") if p[1] not in ("/api/documents/zip", "/api/users/me")])) for method, path in listed]


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
        assert not body or b'"action"' in body, answer
        return "redu"
    if kind.startswith("text/html") or (answer.header("Location") or "").startswith("/portal"):
        return "portal"
    if kind.startswith("text/plain") or b'"durability"' in body or (not body and kind == "application/json"):
        return "service"
    body = answer.json()
    if "IsSuccess" in body:
        return "appfile"
    if body == {"status": "ok"} or ("error" in body and body["error"] == body.get("message")):
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
    answer = server.ask("GET", path, host="pyrus.example.test")
    assert answer.status in (403, 404) and re.search(b"<Code>(NoSuchBucket|AccessDenied)<", answer.body), answer


@pytest.mark.parametrize("path", ("/api/me", "/api/users/me", "/api/users/1", "/api/users/1/spaces"))
def test_the_key_of_an_application_shows_whose_path_it_is(server, path):
    key = [("App-Key", "x"), ("User-Token", "y")]
    assert sender_of(server.ask("GET", path, key)) == "runrun"
    assert sender_of(server.ask("GET", path)) == "redu"
    assert sender_of(server.ask("GET", path, key, host="redu.example.test")) == "redu"
    assert sender_of(server.ask("GET", "/api/folders/1", key)) == "redu"


def test_a_token_of_datasnap_shows_whose_path_me_is(server):
    """Three APIs have /api/me: the headers of the request tell which of them is meant."""
    server.cais("user", "add", "snap@example.test")
    key = json.loads(server.cais("key", "add", "snap@example.test", "--for", "datasnap", "--role", "reader", "--json").stdout)
    token = [("Authorization", "Bearer " + key["token"])]
    assert server.ask("GET", "/api/me", token).json()["tenant"]["name"] == "default"
    assert server.ask("GET", "/api/me", token, host="datasnap.example.test").status == 200
    assert sender_of(server.ask("GET", "/api/me", [("App-Key", "x"), ("User-Token", "y")])) == "runrun"
    assert sender_of(server.ask("GET", "/api/me", [("Authorization", "Bearer x")])) == "redu"
    assert sender_of(server.ask("GET", "/api/me")) == "redu"
    assert sender_of(server.ask("GET", "/api/me", host="datasnap.example.test")) == "datasnap"
    assert sender_of(server.ask("GET", "/api/me", token, host="redu.example.test")) == "redu"


@pytest.mark.parametrize("host,path,owner", [
    ("runrun.example.test", "/api/v1.0/tasks", "runrun"), ("runrun.example.test", "/api/tasks", "runrun"),
    ("runrun.example.test", "/runrunit/data", "s3"), ("runrun.example.test", "/health", "service"),
    ("RUNRUN.Example.Test:8080", "/api/v1.0/nothing", "runrun"), ("runrun.example.test", "/v4/profile", "s3"),
    ("pyrus.example.test", "/v4/profile", "pyrus"), ("pyrus.example.test", "/api/v1.0/tasks", "s3"),
    ("pyrus.example.test", "/health", "service"), ("s3.example.test", "/bucket/key", "s3"), ("s3.example.test", "/v4/profile", "s3"),
    ("s3.example.test", "/portal", "portal"), ("pyrus.example.test", "/portal/login", "portal"),
    ("s3.example.test", "/portals/a", "s3"),
    ("redu.example.test", "/api/me", "redu"), ("redu.example.test", "/api/v1.0/tasks", "redu"),
    ("redu.example.test", "/redu_files/a", "s3"), ("redu.example.test", "/health", "service"),
    ("redu.example.test", "/portal/login", "portal"),
    ("datasnap.example.test", "/v1/schemas", "datasnap"), ("datasnap.example.test", "/api/v1/schemas", "datasnap"),
    ("datasnap.example.test", "/health", "service"), ("datasnap.example.test", "/api/health", "datasnap"),
    ("datasnap.example.test", "/api/v1.0/tasks", "s3"), ("datasnap.example.test", "/datasnap/a", "s3"),
    ("s3.example.test", "/v1/schemas", "s3"), ("s3.example.test", "/p/secret/n/a/b/c/o/d", "oci"), ("pyrus.example.test", "/auth/me", "s3"),
    ("other.example.test", "/v4/profile", "pyrus"), ("other.example.test", "/api/v1.0/tasks", "runrun")])
def test_a_host_of_one_api_serves_it_objects_and_health(server, host, path, owner):
    assert sender_of(server.ask("GET", path, host=host)) == owner
