# SPDX-License-Identifier: Apache-2.0
"""Files under upload URLs over real sockets (docs/apis/datasnap.md §5): framing, what ends a body under way, and secrets."""
import http.client
import os
import re
import time

import pytest

from datasnap import HOST, SETS, Tenant
from server import BINARY, Gone, Server, content_md5, in_threads, request, wait_for

CLOCKED = os.path.join(os.path.dirname(os.path.realpath(BINARY)), "tests", "support", "cais-clocked")
ROW = b'{"id":1,"produto":"x"}\n'


@pytest.fixture(scope="module")
def tenant(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("uploads"), "--s3-listen", "127.0.0.1:0",
                sets=(*SETS, "log.level=debug", "oci.max_file_size=40M", "hosts.*.s3.example=s3")) as server:
        yield Tenant(server)


@pytest.fixture
def slug(tenant, request):  # pylint: disable=redefined-outer-name
    """A schema for this test alone."""
    return tenant.schema(re.sub("[^a-z]+", "-", request.node.name[5:])[:60])


def is_oci_error(answer, status, code):
    assert answer.status == status, answer
    body = answer.json()
    assert list(body) == ["code", "message"] and body["code"] == code and body["message"], answer
    assert answer.header("opc-request-id") == answer.header("X-Request-Id"), answer


def put(tenant, upload, name="/a.jsonl", body=ROW, headers=(), **where):
    return tenant.server.ask("PUT", upload.path + name, headers, body, **where)


def begin(tenant, upload, length, first=b"", name="/a.jsonl"):
    """A connection on which the server has admitted the request, and `first` was sent."""
    client = tenant.server.connect()
    client.send(request("PUT", upload.path + name, [("Content-Length", str(length)), ("Expect", "100-continue")], host=HOST))
    assert client.answer(interim=True).status == 100
    client.send(first)
    return client


# ── framing


def test_a_chunked_body_is_stored(tenant, slug):
    upload = tenant.upload(slug)
    lines = [b'{"id":%d}\n' % i for i in range(3000)]
    client = http.client.HTTPConnection(*tenant.server.address(), timeout=60)
    client.request("PUT", upload.path + "/chunked.jsonl", iter(lines), encode_chunked=True,
                   headers={"Transfer-Encoding": "chunked", "Content-MD5": content_md5(b"".join(lines))})
    answer = client.getresponse()
    assert (answer.status, answer.read()) == (200, b"")
    assert answer.headers["opc-content-md5"] == content_md5(b"".join(lines))
    client.close()
    tenant.wait_rows(slug, 3000)


def test_a_client_that_waits_for_100_gets_it_only_when_the_file_may_come(tenant, slug):
    upload = tenant.upload(slug)
    expect = [("Expect", "100-continue"), ("Content-Length", str(len(ROW)))]
    with tenant.server.connect() as client:
        client.send(request("PUT", upload.path + "/a.jsonl", expect, host=HOST))
        assert client.answer(interim=True).status == 100
        client.send(ROW)
        assert client.answer().status == 200
    refused = [(upload.path.replace("/o/t", "/o/x"), expect, 401, "NotAuthenticated"),
               (upload.path + "/..", expect, 400, "InvalidObjectName"),
               (upload.path + "/a", [*expect, ("opc-multipart", "true")], 501, "NotImplemented"),
               (upload.path + "/a", [*expect, ("Content-MD5", "x")], 400, "InvalidContentMD5"),
               (upload.path + "/a.jsonl", [*expect, ("If-None-Match", "*")], 412, "IfNoneMatchFailed"),
               (upload.path + "/a", [expect[0], ("Content-Length", str(41 << 20))], 413, "RequestEntityTooLarge")]
    for path, headers, status, code in refused:
        with tenant.server.connect() as client:
            client.send(request("PUT", path, headers, host=HOST))
            is_oci_error(client.answer(interim=True), status, code)
    assert tenant.sent(upload) == 1


def test_a_request_without_length_is_refused_and_so_are_other_methods(tenant, slug):
    upload = tenant.upload(slug)
    is_oci_error(tenant.server.ask("PUT", upload.path + "/a.jsonl"), 411, "LengthRequired")
    for method in ("GET", "DELETE"):
        for path in (upload.path + "/a.jsonl", upload.path[:upload.path.index("/o/") + 2], upload.path[:upload.path.index("/o/") + 3]):
            is_oci_error(tenant.server.ask(method, path), 404, "BucketNotFound")
    head = tenant.server.ask("HEAD", upload.path + "/a.jsonl")
    assert (head.status, head.body) == (404, b"")
    for method in ("POST", "PATCH", "OPTIONS"):
        answer = tenant.server.ask(method, upload.path + "/a.jsonl", body=b"x")
        is_oci_error(answer, 405, "MethodNotAllowed")
        assert answer.header("Allow") == "PUT"


@pytest.mark.parametrize("name, status", [("//x.jsonl", 200), ("/d%2Fx%20y.jsonl", 200), ("/" + "a/" * 511 + "b", 200),
                                          ("/" + "/" * 2000 + "x", 200), ("/%zz", 400), ("/a%00", 400), ("/d/../x", 400), ("", 400)])
def test_names_may_be_deep_and_malformed_ones_are_refused(tenant, name, status):
    """The router has no pattern for them."""
    schema = f"names-{abs(hash(name)) % 10**9}"
    answer = put(tenant, tenant.upload(tenant.schema(schema)), name)
    assert answer.status == status, answer
    if status == 400:
        is_oci_error(answer, 400, "InvalidObjectName")
        assert answer.header("Connection") != "close"


# ── several at a time, and bodies that do not end


def test_three_files_at_a_time_under_one_url(tenant, slug):
    upload = tenant.upload(slug)
    bodies = [b"".join(b'{"id":%d,"produto":"%s"}\n' % (i, b"x" * 100) for i in range(n * 20000, (n + 1) * 20000)) for n in range(3)]
    answers = [None] * 3

    def work(i):
        answers[i] = put(tenant, upload, f"/part-{i}.jsonl", bodies[i])
    in_threads(3, work)
    assert [a.status for a in answers] == [200] * 3, answers
    assert [a.header("opc-content-md5") for a in answers] == [content_md5(b) for b in bodies]
    assert tenant.sent(upload) == 3
    tenant.wait_rows(slug, 60000)


def test_the_same_bytes_at_a_time_become_rows_once(tenant, slug):
    upload = tenant.upload(slug)
    in_threads(4, lambda i: put(tenant, upload, f"/{i}.jsonl"))
    assert tenant.sent(upload) == 4
    tenant.wait_rows(slug, 1)
    wait_for("all files", lambda: all(f["processing_status"] == "completed" for f in tenant.get(f"/schemas/{slug}/files")["data"]))
    assert tenant.rows(slug) == 1


@pytest.mark.parametrize("size", [1000, 1 << 20])
def test_nothing_of_a_cut_body_is_kept(tenant, size):
    slug = tenant.schema(f"cut-{size}")
    upload = tenant.upload(slug)
    with begin(tenant, upload, size, b"x" * (size - 1)) as client:
        client.half_close()
        is_oci_error(client.answer(), 400, "InvalidRequest")
    with begin(tenant, upload, size, b"x" * (size - 1)):
        pass
    with tenant.server.connect() as client:
        client.send(request("PUT", upload.path + "/a", [("Transfer-Encoding", "chunked")], b"5\r\nhello\r\nzz\r\n", HOST))
        is_oci_error(client.answer(), 400, "InvalidRequest")
    assert tenant.sent(upload) == 0
    assert put(tenant, upload).status == 200


# ── what ends a body under way


def ends_with_401(client):
    """Nothing more is sent: the server itself ends the body."""
    began = time.monotonic()
    try:
        is_oci_error(client.answer(), 401, "NotAuthenticated")
    except Gone:
        pytest.fail("closed without a reply")
    return time.monotonic() - began


@pytest.mark.parametrize("size", [1000, 4 << 20])
@pytest.mark.parametrize("how", ["token", "key", "user", "schema"])
def test_what_is_revoked_ends_a_body_under_way(tenant, how, size):
    other = Tenant(tenant.server)
    slug = other.schema(f"ends-{how}-{size}")
    upload = other.upload(slug)
    with begin(other, upload, size, b"x" * (size // 2)) as client:
        if how == "token":
            other.revoke(upload)
        elif how == "key":
            tenant.server.cais("key", "revoke", str(other.key["id"]))
        elif how == "user":
            tenant.server.cais("user", "disable", other.login)
        else:
            assert other.ask("DELETE", f"/schemas/{slug}").status == 204
        assert ends_with_401(client) < 10  # a second, on a machine that does nothing else
    is_oci_error(put(other, upload), 401, "NotAuthenticated")


def test_a_body_that_began_in_time_may_come_for_an_hour_after_the_end(tmp_path, monkeypatch):
    def set_clock(ahead_ms):
        (tmp_path / "clock.new").write_text(str(ahead_ms))
        os.rename(tmp_path / "clock.new", tmp_path / "clock")
    set_clock(0)
    monkeypatch.setenv("CAIS_TEST_CLOCK_FILE", str(tmp_path / "clock"))
    minute = 60000
    with Server(tmp_path, binary=CLOCKED, sets=(*SETS, "http.body_rate_bytes=0")) as server:
        tenant = Tenant(server)  # pylint: disable=redefined-outer-name
        slug = tenant.schema("vendas")  # pylint: disable=redefined-outer-name
        upload = tenant.upload(slug, 15)
        with begin(tenant, upload, len(ROW), ROW[:5]) as in_time, begin(tenant, upload, 1000, ROW, "/late.jsonl") as late:
            set_clock(16 * minute)
            is_oci_error(put(tenant, upload), 401, "NotAuthenticated")
            set_clock(74 * minute)
            in_time.send(ROW[5:])
            assert in_time.answer().status == 200
            set_clock(76 * minute)
            ends_with_401(late)
        assert tenant.sent(upload) == 1
        tenant.wait_rows(slug, 1)


# ── hosts and listeners


def test_upload_urls_work_on_every_host_and_on_a_listener_for_s3(tenant, slug):
    upload = tenant.upload(slug)
    for i, where in enumerate([{}, {"host": HOST}, {"host": "other.example"}, {"kind": "s3_listen"},
                               {"kind": "s3_listen", "host": "s3.example"}]):
        assert put(tenant, upload, f"/{i}.jsonl", b'{"id":%d}\n' % i, **where).status == 200
    for kind in ("listen", "s3_listen"):  # every path there is a key of the bucket
        answer = put(tenant, upload, "/key", host="photos.s3.example", kind=kind)
        assert answer.status == 403 and answer.header("Content-Type") == "application/xml", answer
    assert tenant.server.ask("GET", "/v1/schemas", host=HOST, kind="s3_listen").header("Content-Type") == "application/xml"
    tenant.wait_rows(slug, 5)


# ── secrets


def test_no_secret_is_in_the_log_the_audit_log_or_the_metrics(tenant, slug):
    upload = tenant.upload(slug)
    server, path = tenant.server, upload.path
    targets = [path + "/a.jsonl", path, "/" + path, path.replace("/p/", "/p//", 1), path.replace("/p/", "/%70/", 1), path + "/..",
               path + "/%zz", path.replace("/o/", "/O/"), "http://" + HOST + path + "/b.jsonl", path + "/a?secret=" + upload.secret]
    answers = [server.ask(method, target, body=ROW, host=HOST) for target in targets for method in ("PUT", "GET", "DELETE", "POST", "BREW")]
    for answer in answers:
        server.request_line(answer)
    with server.connect() as client:
        client.send(b"PUT " + path.encode() + b"/\x01 HTTP/1.1\r\nHost: a\r\n\r\n")
        server.request_line(client.answer())
    with server.connect() as client:
        client.send(b"PUT " + path.encode() + b"/a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n")
        server.request_line(client.answer())
    tenant.revoke(upload)
    shown = server.request_line(answers[0])
    assert shown["target"] == "/p/{secret}/n/{namespace}/b/{bucket}/o/{name}" and shown["api"] == "oci"
    audit = server.cais("audit", "--limit", "1000", "--json").stdout
    assert "dataset.permit" in audit and "file.store" in audit
    for text in (server.log(), audit, server.ask("GET", "/metrics").body.decode()):
        assert upload.secret not in text


def test_many_uploads_of_one_account_leave_room_for_others(tenant, slug):
    """The body of an upload counts for the account of its URL."""
    upload = tenant.upload(slug)
    clients = [begin(tenant, upload, 1 << 20, b"x" * 1000, f"/{i}.jsonl") for i in range(50)]
    other = Tenant(tenant.server)
    assert put(other, other.upload(other.schema("room")), "/a.jsonl").status == 200
    for client in clients:
        client.close()
    assert tenant.sent(upload) == 0
