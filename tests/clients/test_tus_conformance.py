# SPDX-License-Identifier: Apache-2.0
"""What tus 1.0.0 and its extensions demand of a server, over raw sockets. docs/apis/resumable-rules.md has the rule of each id."""
import email.utils
import os
import re
import time

import pytest

from server import BINARY, Gone, Server, request, wait_for
from uploads import DIGESTS, EXTENSIONS, OCTETS, PATH, Uploads, checksum, chunked, metadata, rule, upload_offset

CLOCKED = os.path.join(os.path.dirname(os.path.realpath(BINARY)), "tests", "support", "cais-clocked")
DAY_MS = 24 * 3600 * 1000
HELLO = b"hello world"


@pytest.fixture(scope="module")
def uploads(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("tus")) as server:
        yield Uploads(server)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """On this server an upload may have a thousand bytes."""
    with Server(tmp_path_factory.mktemp("small"), sets=["resumable.max_file_size=1000"]) as server:
        yield Uploads(server)


def options(uploads, path=PATH, headers=()):
    """The reply to an OPTIONS request without any proof of who asks."""
    answer = uploads.server.ask("OPTIONS", path, headers)
    assert answer.status in (200, 204), answer
    return answer


def listed(answer, name):
    return [item.strip() for item in answer.header(name).split(",")]


def is_refused(answer, status):
    """The status is this one, and the reply speaks tus and has the form of errors."""
    assert answer.status == status, answer
    assert answer.header("Tus-Resumable") == "1.0.0", answer
    if answer.body:
        error = answer.json()["error"]
        assert error["code"] and error["message"] and error["request_id"] == answer.header("X-Request-Id"), answer


def unchanged(uploads, path, data, rest):
    """The upload has exactly these bytes: they are completed with `rest` and read."""
    assert uploads.offset(path) == len(data)
    assert uploads.finish(path, data + rest) == data + rest


# ── core: headers


@rule("TUS-OFFSET-1", "TUS-HEAD-1")
def test_upload_offset_is_a_number_in_every_state(uploads):
    path = uploads.create(len(HELLO))
    assert upload_offset(uploads.head(path)) == 0
    assert upload_offset(uploads.patch(path, 0, HELLO[:5])) == 5
    assert upload_offset(uploads.head(path)) == 5
    assert upload_offset(uploads.patch(path, 5, HELLO[5:])) == len(HELLO)
    assert upload_offset(uploads.head(path)) == len(HELLO)


@rule("TUS-OFFSET-2")
@pytest.mark.parametrize("value", ["-1", "a", "0x0", "1.0", "", None])
def test_an_upload_offset_that_is_no_number_is_refused(uploads, value):
    path = uploads.create(10)
    headers = [OCTETS] + ([("Upload-Offset", value)] if value is not None else [])
    is_refused(uploads.tus("PATCH", path, headers, b"x"), 400)
    unchanged(uploads, path, b"", b"0123456789")


@rule("TUS-LENGTH-1")
@pytest.mark.parametrize("value", ["-1", "a", "0x10", "1.0", "1e3", ""])
def test_an_upload_length_that_is_no_number_is_refused(uploads, value):
    answer = uploads.tus("POST", PATH, {"Upload-Length": value})
    is_refused(answer, 400)
    assert answer.header("Location") is None


@rule("TUS-LENGTH-2", "TUS-HEAD-2")
@pytest.mark.parametrize("length", [0, 1, 2**31])
def test_the_length_of_an_upload_comes_back(uploads, length):
    answer = uploads.head(uploads.create(length))
    assert answer.header("Upload-Length") == str(length), answer


@rule("TUS-VERSION-1", "TUS-OPTIONS-1")
def test_options_name_the_versions(uploads):
    for path in (PATH, uploads.create(1)):
        assert listed(options(uploads, path), "Tus-Version") == ["1.0.0"]


@rule("TUS-OPTIONS-2")
def test_options_ignore_the_version_of_the_request(uploads):
    for version in ("1.0.0", "0.2.2", "9.9.9", "x"):
        assert options(uploads, PATH, [("Tus-Resumable", version)]).header("Tus-Version") == "1.0.0"


@rule("TUS-RESUMABLE-1")
def test_every_reply_has_the_version(uploads):
    path, other = uploads.create(5), uploads.create(5)
    answers = [uploads.tus("POST", PATH, {"Upload-Length": "5"}), uploads.head(path), uploads.patch(path, 0, b"he"),
               uploads.patch(path, 0, b"he"), uploads.patch(path, 2, b"more than it takes"), uploads.head(path + "0"),
               uploads.patch(path + "0", 0, b"x"), uploads.tus("DELETE", path + "0"), uploads.tus("POST", PATH),
               uploads.tus("PATCH", path, [("Upload-Offset", "2")], b"x"), uploads.tus("DELETE", other),
               uploads.ask("HEAD", path, [("Tus-Resumable", "0.1.0")]),
               uploads.server.ask("HEAD", path, [("Tus-Resumable", "1.0.0")])]
    assert [a.status for a in answers] == [201, 200, 204, 409, 413, 404, 404, 404, 400, 415, 204, 412, 401]
    for answer in answers:
        assert answer.header("Tus-Resumable") == "1.0.0", answer


@rule("TUS-RESUMABLE-2")
@pytest.mark.parametrize("version", ["0.2.2", "1.0", "1.0.1", "2.0.0", "x", ""])
def test_another_version_is_412_with_the_versions(uploads, version):
    path = uploads.create(5)
    for method in ("POST", "HEAD", "PATCH", "DELETE"):
        answer = uploads.ask(method, PATH if method == "POST" else path,
                             [("Tus-Resumable", version), ("Upload-Length", "5"), ("Upload-Offset", "0"), OCTETS],
                             b"x" if method == "PATCH" else None)
        is_refused(answer, 412)
        assert answer.header("Tus-Version") == "1.0.0", answer


@rule("TUS-RESUMABLE-3")
def test_a_request_of_another_version_changes_nothing(uploads):
    def ids():
        return {one["id"] for one in uploads.every()}
    path, old = uploads.create(5), [("Tus-Resumable", "0.2.2")]
    before = ids()
    assert uploads.ask("POST", PATH, [*old, ("Upload-Length", "5")]).status == 412
    assert uploads.ask("PATCH", path, [*old, OCTETS, ("Upload-Offset", "0")], b"he").status == 412
    assert uploads.ask("DELETE", path, old).status == 412
    assert uploads.ask("POST", path, [*old, ("X-HTTP-Method-Override", "DELETE")]).status == 412
    assert ids() == before
    unchanged(uploads, path, b"", b"hello")


@rule("TUS-RESUMABLE-4")
@pytest.mark.parametrize("headers", [[("Upload-Defer-Length", "1")], [("Upload-Concat", "partial"), ("Upload-Length", "1")],
                                     [("Upload-Metadata", "a"), ("Upload-Length", "1")],
                                     [("Upload-Checksum", "sha1 x"), ("Upload-Length", "1")], [("Upload-Length", "1"), OCTETS]])
def test_a_request_of_tus_without_a_version_is_412(uploads, headers):
    answer = uploads.ask("POST", PATH, headers)
    is_refused(answer, 412)
    assert answer.header("Tus-Version") == "1.0.0"


@rule("TUS-EXTENSION-1", "TUS-CREATION-1", "TUS-DEFER-1", "TUS-WITH-UPLOAD-1", "TUS-EXPIRATION-1", "TUS-CHECKSUM-1",
      "TUS-TRAILER-1", "TUS-TERMINATION-1", "TUS-CONCATENATION-1")
def test_options_name_every_extension(uploads):
    assert sorted(listed(options(uploads), "Tus-Extension")) == sorted(EXTENSIONS)


@rule("TUS-WITH-UPLOAD-2")
def test_creation_with_upload_is_only_named_with_creation(uploads):
    extensions = listed(options(uploads), "Tus-Extension")
    assert "creation" in extensions or "creation-with-upload" not in extensions


@rule("TUS-MAX-SIZE-1")
def test_the_largest_size_is_named_if_there_is_one(uploads, small):
    assert options(small).header("Tus-Max-Size") == "1000"
    assert options(uploads).header("Tus-Max-Size") is None


@rule("TUS-OVERRIDE-1", "TUS-OVERRIDE-2")
@pytest.mark.parametrize("method", ["POST", "GET", "PUT", "DELETE"])
def test_the_method_that_counts_is_that_of_the_override(uploads, method):
    path = uploads.create(5)
    override = [("X-HTTP-Method-Override", "PATCH"), OCTETS, ("Upload-Offset", "0")]
    answer = uploads.tus(method, path, override, b"he")
    assert (answer.status, upload_offset(answer)) == (204, 2), answer
    answer = uploads.tus(method, path, [("X-HTTP-Method-Override", "HEAD")])
    assert answer.status == 200 and upload_offset(answer) == 2, answer
    unchanged(uploads, path, b"he", b"llo")
    assert uploads.tus(method, path, [("X-HTTP-Method-Override", "DELETE")]).status == 204
    assert uploads.head(path).status == 404


@rule("TUS-OVERRIDE-1")
def test_an_override_creates(uploads):
    answer = uploads.tus("PUT", PATH, [("X-HTTP-Method-Override", "POST"), ("Upload-Length", "5")])
    assert answer.status == 201 and uploads.offset(uploads.path(answer)) == 0


@rule("TUS-OVERRIDE-2")
def test_a_delete_with_an_override_removes_nothing(uploads):
    path = uploads.create(5)
    assert uploads.tus("DELETE", path, [("X-HTTP-Method-Override", "HEAD")]).status == 200
    answer = uploads.tus("DELETE", path, [("X-HTTP-Method-Override", "NOTHING")])
    assert 400 <= answer.status < 500, answer
    unchanged(uploads, path, b"", b"hello")


# ── core: requests


@rule("TUS-HEAD-3")
def test_head_of_what_is_not_there_is_404_without_offset(uploads):
    path = uploads.create(5)
    for other in (path[:-1], path + "0", path[:-32] + "0" * 32, PATH + "/x", PATH + "/..%2f"):
        answer = uploads.head(other)
        assert answer.status == 404 and answer.header("Upload-Offset") is None, (other, answer)


@rule("TUS-HEAD-4")
def test_head_is_200(uploads):
    path = uploads.create(5)
    assert uploads.head(path).status == 200
    uploads.finish(path, b"hello")
    assert uploads.head(path).status == 200


@rule("TUS-HEAD-5")
def test_head_must_not_be_cached(uploads):
    path = uploads.create(5)
    for _ in range(2):
        assert listed(uploads.head(path), "Cache-Control") == ["no-store"]
        uploads.finish(path, b"hello")


@rule("TUS-PATCH-1", "TUS-PATCH-4", "TUS-PATCH-5")
@pytest.mark.parametrize("size", [1, 16384, 16385, 65537, 1 << 20, (5 << 20) + 3])
def test_bytes_are_appended_where_they_belong(uploads, size):
    data = os.urandom(size)
    path, at = uploads.create(size), 0
    for share in (0, size // 3, size // 3, size - 2 * (size // 3)):
        answer = uploads.patch(path, at, data[at:at + share])
        at += share
        assert (answer.status, upload_offset(answer), answer.body) == (204, at, b""), answer
        assert uploads.offset(path) == at
    assert uploads.read(path) == data


@rule("TUS-PATCH-1")
def test_a_chunked_body_is_appended(uploads):
    data = os.urandom(300_000)
    path = uploads.create(len(data))
    answer = uploads.patch(path, 0, chunked(data, 7), [("Transfer-Encoding", "chunked")])
    assert (answer.status, upload_offset(answer)) == (204, len(data)), answer
    assert uploads.read(path) == data


@rule("TUS-PATCH-2")
@pytest.mark.parametrize("kind", [None, "application/octet-stream", "text/plain", "application/x-www-form-urlencoded",
                                  "application/offset+octet-stream2", "multipart/form-data; boundary=x", ""])
def test_a_patch_of_another_type_is_415(uploads, kind):
    path = uploads.create(5)
    headers = [("Upload-Offset", "0")] + ([("Content-Type", kind)] if kind is not None else [])
    is_refused(uploads.tus("PATCH", path, headers, b"he"), 415)
    unchanged(uploads, path, b"", b"hello")


@rule("TUS-PATCH-2")
def test_the_type_of_a_patch_has_no_case(uploads):
    """RFC 9110 8.3.1"""
    path = uploads.create(5)
    assert uploads.tus("PATCH", path, [("Content-Type", "Application/Offset+Octet-Stream"), ("Upload-Offset", "0")], b"he").status == 204


@rule("TUS-PATCH-3")
def test_another_offset_is_409_and_changes_nothing(uploads):
    path = uploads.create(len(HELLO))
    assert uploads.patch(path, 0, HELLO[:5]).status == 204
    for offset in (0, 4, 6, len(HELLO), len(HELLO) + 1, 2**40, 2**49):
        for body in (b"", b"x", b"x" * 6):
            answer = uploads.patch(path, offset, body)
            is_refused(answer, 409)
            assert upload_offset(answer) == 5, answer
    unchanged(uploads, path, HELLO[:5], HELLO[5:])


@rule("TUS-PATCH-3")
def test_a_finished_upload_takes_no_more(uploads):
    path = uploads.create(5)
    uploads.finish(path, b"hello")
    for offset, body, statuses in ((0, b"hello", [409]), (0, b"", [409]), (5, b"!", [409, 413]), (6, b"", [409]), (5, b"", [204])):
        answer = uploads.patch(path, offset, body)
        assert answer.status in statuses, (offset, body, answer)
    assert uploads.offset(path) == 5 and uploads.read(path) == b"hello"


@rule("TUS-PATCH-6")
@pytest.mark.parametrize("length", [5, 100_000])
def test_more_than_the_length_is_413(uploads, length):
    data = os.urandom(length)
    path = uploads.create(length)
    assert uploads.patch(path, 0, data[:3]).status == 204
    is_refused(uploads.patch(path, 3, data[3:] + b"!"), 413)
    at = uploads.offset(path)
    assert 3 <= at <= length
    is_refused(uploads.patch(path, at, chunked(data[at:] + b"!"), [("Transfer-Encoding", "chunked")]), 413)
    at = uploads.offset(path)
    assert at <= length
    if at < length:
        assert uploads.finish(path, data) == data


@rule("TUS-PATCH-7")
def test_a_patch_of_what_is_not_there_is_404(uploads):
    is_refused(uploads.patch(PATH + "/" + "0" * 32, 0, b"x"), 404)


@rule("TUS-PATCH-8")
@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("came", [1, 5000, 200_000, 3_000_000])
def test_what_came_of_a_cut_request_is_kept(uploads, came, framing):
    data = os.urandom(4_000_000)
    path = uploads.create(len(data))
    with uploads.server.connect() as client:
        head = [("Tus-Resumable", "1.0.0"), OCTETS, ("Upload-Offset", "0")]
        if framing == "length":
            client.send(uploads.bytes("PATCH", path, [*head, ("Content-Length", str(len(data)))]) + data[:came])
        else:
            client.send(uploads.bytes("PATCH", path, [*head, ("Transfer-Encoding", "chunked")]) +
                        b"%x\r\n%s" % (len(data), data[:came]))
        client.half_close()
        try:
            assert client.answer().status == 400
        except Gone:
            pass
    wait_for("the bytes of the cut request", lambda: uploads.offset(path) == came)
    unchanged(uploads, path, data[:came], data[came:])


@rule("TUS-PATCH-9")
def test_a_sender_that_stops_is_cut_and_its_bytes_count(tmp_path):
    with Server(tmp_path, sets=["http.body_rate_window=1s"]) as server:
        uploads = Uploads(server)  # pylint: disable=redefined-outer-name
        path = uploads.create(100)
        with server.connect() as client:
            head = [("Tus-Resumable", "1.0.0"), OCTETS, ("Upload-Offset", "0"), ("Content-Length", "100")]
            client.send(uploads.bytes("PATCH", path, head) + b"0123456789")
            try:
                assert client.answer().status == 503  # clients of tus go on after it, and not after 408
            except Gone:
                pass
            assert client.is_closed()
        unchanged(uploads, path, b"0123456789", b"x" * 90)


# ── creation


@rule("TUS-CREATION-2", "TUS-CREATION-3", "TUS-CREATION-4")
def test_a_creation_is_201_with_the_url_of_an_empty_upload(uploads):
    answer = uploads.tus("POST", PATH, {"Upload-Length": "5"})
    assert answer.status == 201
    assert re.fullmatch(PATH + r"/\w{32}", uploads.path(answer)), answer
    head = uploads.head(uploads.path(answer))
    assert upload_offset(head) == 0 and head.header("Upload-Defer-Length") is None
    assert uploads.finish(uploads.path(answer), b"hello") == b"hello"


@rule("TUS-CREATION-3")
def test_every_upload_has_a_url_of_its_own(uploads):
    assert len({uploads.create(5) for _ in range(50)}) == 50


@rule("TUS-CREATION-5")
def test_a_creation_without_or_with_two_lengths_is_400(uploads):
    for headers in ({}, {"Upload-Length": "5", "Upload-Defer-Length": "1"}):
        answer = uploads.tus("POST", PATH, headers)
        is_refused(answer, 400)
        assert answer.header("Location") is None


@rule("TUS-CREATION-6")
def test_an_empty_file_is_finished_at_once(uploads):
    path = uploads.create(0, {"Upload-Metadata": metadata(filename="empty.txt")})
    head = uploads.head(path)
    assert upload_offset(head) == 0 and head.header("Upload-Length") == "0"
    assert uploads.read(path) == b"" and uploads.file(path)["name"] == "empty.txt"


METADATA = ["filename d29ybGRfZG9taW5hdGlvbl9wbGFuLnBkZg==,is_confidential", "a", "a ,b", "a YQ==", "a YQ==,b Yg==",
            "a AAEC/w==", "key!#$%&'*+-.^_`|~ YQ==", "filename w6kKDQ==,B,b", "a " + "YWFh" * 2000,
            ",".join(f"k{i} dg==" for i in range(200))]


@rule("TUS-CREATION-7")
@pytest.mark.parametrize("value", METADATA, ids=range(len(METADATA)))
def test_metadata_come_back_as_they_were_sent(uploads, value):
    path = uploads.create(5, {"Upload-Metadata": value})
    assert uploads.head(path).header("Upload-Metadata") == value.strip()
    uploads.finish(path, b"hello")
    assert uploads.head(path).header("Upload-Metadata") == value.strip()
    assert uploads.head(uploads.create(5)).header("Upload-Metadata") is None


@rule("TUS-CREATION-8")
@pytest.mark.parametrize("value", [",", "a,", ",a", "a,,b", "a YQ==,a Yg==", "a,a", "a  YQ==", "a YQ== x", "a =", "a Y", "a YQ", "a YQ=",
                                   "a Y*==", "a YQ==b", "é YQ==", "a YQ==;b", "a\tYQ=="])
def test_metadata_of_another_form_are_400(uploads, value):
    answer = uploads.tus("POST", PATH, {"Upload-Length": "5", "Upload-Metadata": value})
    is_refused(answer, 400)
    assert answer.header("Location") is None


@rule("TUS-CREATION-8")
@pytest.mark.parametrize("name", ["a\r\nSet-Cookie: x=1", "a\0b", "../../etc/passwd", "/", "\x1b[2J", "é" * 400, b"\xff\xfe", ""])
def test_a_hostile_name_smuggles_no_header(uploads, name):
    """It is refused, or the file has a harmless name."""
    answer = uploads.tus("POST", PATH, {"Upload-Length": "0", "Upload-Metadata": metadata(filename=name, filetype=name)})
    assert answer.header("Set-Cookie") is None
    if answer.status != 201:
        is_refused(answer, 413 if len(name) > 255 else 400)
        return
    path = uploads.path(answer)
    assert uploads.head(path).header("Set-Cookie") is None
    kept = uploads.file(path)
    assert re.fullmatch(r"[^\0-\x1f\x7f/\\]+", kept["name"]) and ".." not in kept["name"], kept
    download = uploads.ask("GET", uploads.head(path).header("Content-Location"))
    assert download.status == 200 and download.header("Set-Cookie") is None


@rule("TUS-CREATION-9")
@pytest.mark.parametrize("given,name,kind", [
    ({"filename": "a é.pdf", "filetype": "application/pdf"}, "a é.pdf", "application/pdf"),
    ({"name": "b.txt", "type": "text/plain"}, "b.txt", "text/plain"),
    ({"filename": "c", "name": "d", "filetype": "image/png", "type": "text/plain"}, "c", "image/png"),
    ({}, None, "application/octet-stream")], ids=["tus", "uppy", "both", "none"])
def test_metadata_name_the_file_and_its_type(uploads, given, name, kind):
    path = uploads.create(5, {"Upload-Metadata": metadata(**given)} if given else {})
    uploads.finish(path, b"hello")
    kept = uploads.file(path)
    assert (kept["name"], kept["content_type"], kept["size"]) == (name or "file", kind, 5)


@rule("TUS-CREATION-10")
def test_a_length_above_the_largest_is_413(small):
    answer = small.tus("POST", PATH, {"Upload-Length": "1001"})
    is_refused(answer, 413)
    assert answer.header("Location") is None
    assert small.finish(small.create(1000), b"x" * 1000) == b"x" * 1000


@rule("TUS-CREATION-10")
def test_a_deferred_length_above_the_largest_is_413(small):
    path = small.create()
    assert small.patch(path, 0, b"x" * 1000).status == 204
    is_refused(small.patch(path, 1000, b"x"), 413)
    is_refused(small.patch(path, 1000, b"", {"Upload-Length": "1001"}), 413)
    is_refused(small.patch(small.create(), 0, chunked(b"x" * 2000), [("Transfer-Encoding", "chunked")]), 413)


# ── creation-defer-length


@rule("TUS-DEFER-2")
@pytest.mark.parametrize("value", ["0", "2", "-1", "true", "01", "1.0", "1 1", ""])
def test_a_deferred_length_has_the_value_1(uploads, value):
    is_refused(uploads.tus("POST", PATH, {"Upload-Defer-Length": value}), 400)


@rule("TUS-DEFER-3", "TUS-CREATION-4")
def test_a_deferred_length_is_named_until_it_is_known(uploads):
    path = uploads.create()
    for at in range(0, 9, 3):
        head = uploads.head(path)
        assert head.header("Upload-Defer-Length") == "1" and head.header("Upload-Length") is None
        assert upload_offset(head) == at
        assert uploads.patch(path, at, HELLO[at:at + 3]).status == 204
    assert uploads.patch(path, 9, b"ld"[:1], {"Upload-Length": "11"}).status == 204
    head = uploads.head(path)
    assert head.header("Upload-Defer-Length") is None and head.header("Upload-Length") == "11"
    assert uploads.patch(path, 10, HELLO[10:]).status == 204
    assert uploads.read(path) == HELLO


@rule("TUS-DEFER-4")
@pytest.mark.parametrize("body", [b"", b"world"])
def test_a_deferred_length_may_come_with_the_last_bytes_or_after_them(uploads, body):
    path, before = uploads.create(), b"hello world"[:11 - len(body)]
    assert uploads.patch(path, 0, before).status == 204
    assert uploads.patch(path, len(before), body, {"Upload-Length": "11"}).status == 204
    assert uploads.read(path) == before + body


@rule("TUS-DEFER-5")
def test_a_length_is_set_once(uploads):
    for path in (uploads.create(11), uploads.create()):
        assert uploads.patch(path, 0, HELLO[:5], {"Upload-Length": "11"}).status == 204
        for length in ("10", "12", "5", "0"):
            is_refused(uploads.patch(path, 5, b" ", {"Upload-Length": length}), 400)
        assert uploads.head(path).header("Upload-Length") == "11"
        assert uploads.patch(path, 5, b" ", {"Upload-Length": "11"}).status == 204
        unchanged(uploads, path, HELLO[:6], HELLO[6:])


@rule("TUS-DEFER-6")
def test_a_length_below_the_offset_is_refused(uploads):
    path = uploads.create()
    assert uploads.patch(path, 0, HELLO[:5]).status == 204
    answer = uploads.patch(path, 5, b"", {"Upload-Length": "4"})
    assert answer.status in (400, 413), answer
    assert uploads.head(path).header("Upload-Defer-Length") == "1"
    unchanged_length = uploads.patch(path, 5, b"", {"Upload-Length": "5"})
    assert unchanged_length.status == 204 and uploads.read(path) == HELLO[:5]


# ── creation-with-upload


@rule("TUS-WITH-UPLOAD-3", "TUS-WITH-UPLOAD-4")
@pytest.mark.parametrize("size", [5, 100_000, 3_000_000])
@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_a_creation_takes_bytes_along(uploads, size, share):
    data = os.urandom(size)
    first = data[:int(size * share)]
    answer = uploads.tus("POST", PATH, [("Upload-Length", str(size)), OCTETS], first)
    assert answer.status == 201 and upload_offset(answer) == len(first), answer
    path = uploads.path(answer)
    assert uploads.offset(path) == len(first)
    assert uploads.finish(path, data) == data


@rule("TUS-WITH-UPLOAD-3")
def test_a_creation_of_deferred_length_takes_bytes_along(uploads):
    answer = uploads.tus("POST", PATH, [("Upload-Defer-Length", "1"), OCTETS, ("Transfer-Encoding", "chunked")], chunked(HELLO, 3))
    assert answer.status == 201 and upload_offset(answer) == len(HELLO), answer
    path = uploads.path(answer)
    assert uploads.patch(path, len(HELLO), b"", {"Upload-Length": str(len(HELLO))}).status == 204
    assert uploads.read(path) == HELLO


@rule("TUS-WITH-UPLOAD-5")
def test_a_creation_with_bytes_of_another_type_is_415(uploads):
    for kind in ("text/plain", "application/octet-stream"):
        is_refused(uploads.tus("POST", PATH, {"Upload-Length": "5", "Content-Type": kind}, b"hello"), 415)


@rule("TUS-WITH-UPLOAD-5")
def test_a_creation_with_more_bytes_than_its_length_is_413(uploads):
    is_refused(uploads.tus("POST", PATH, [("Upload-Length", "5"), OCTETS], b"hello!"), 413)


@rule("TUS-WITH-UPLOAD-6")
def test_a_creation_that_expects_100_is_answered_before_its_bytes(uploads, small):
    expect = [("Tus-Resumable", "1.0.0"), ("Expect", "100-continue"), ("Content-Length", "5"), OCTETS]
    with uploads.server.connect() as client:
        client.send(uploads.bytes("POST", PATH, [*expect, ("Upload-Length", "5")]))
        assert client.answer(interim=True).status == 100
        client.send(b"hello")
        answer = client.answer()
        assert answer.status == 201 and upload_offset(answer) == 5, answer
    for headers, status in (([("Upload-Length", "1001")], 413), ([("Upload-Length", "x")], 400), ([("Upload-Defer-Length", "2")], 400)):
        with small.server.connect() as client:
            client.send(small.bytes("POST", PATH, [*expect, *headers]))
            is_refused(client.answer(interim=True), status)


@rule("TUS-WITH-UPLOAD-7")
def test_what_came_of_a_cut_creation_is_kept(uploads):
    name = f"cut-{time.monotonic_ns()}"
    head = [("Tus-Resumable", "1.0.0"), OCTETS, ("Upload-Length", "500000"), ("Content-Length", "500000"),
            ("Upload-Metadata", metadata(filename=name))]
    data = os.urandom(500_000)
    with uploads.server.connect() as client:
        client.send(uploads.bytes("POST", PATH, head) + data[:300_000])

    def found():
        return next((one for one in uploads.every() if one["name"] == name and one["offset"] == 300_000), None)
    path = PATH + "/" + wait_for("the bytes of the cut creation", found)["id"]
    unchanged(uploads, path, data[:300_000], data[300_000:])


# ── expiration


def http_date(text):
    """The time of a header in seconds since 1970. It must have the form that RFC 9110 5.6.7 prefers."""
    assert re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} "
                        r"\d\d:\d\d:\d\d GMT", text), text
    return email.utils.parsedate_to_datetime(text).timestamp()


@rule("TUS-EXPIRATION-2", "TUS-EXPIRATION-3", "TUS-EXPIRATION-4")
def test_replies_say_when_an_unfinished_upload_expires(uploads):
    made = uploads.tus("POST", PATH, {"Upload-Length": "11"})
    path = uploads.path(made)
    answers = [made, uploads.patch(path, 0, HELLO[:5]), uploads.head(path), uploads.patch(path, 5, b""),
               uploads.tus("POST", PATH, [("Upload-Length", "11"), OCTETS], b"x"), uploads.tus("POST", PATH, {"Upload-Defer-Length": "1"})]
    for answer in answers:
        assert abs(http_date(answer.header("Upload-Expires")) - time.time() - 7 * DAY_MS / 1000) < 120, answer
    last = uploads.patch(path, 5, HELLO[5:])
    assert last.status == 204 and last.header("Upload-Expires") is None
    assert uploads.head(path).header("Upload-Expires") is None


class Clock:
    """A server whose clock the test moves."""

    def __init__(self, tmp_path, monkeypatch):
        self.path = tmp_path / "clock"
        self.set_ahead(0)
        monkeypatch.setenv("CAIS_TEST_CLOCK_FILE", str(self.path))

    def set_ahead(self, ms):
        self.path.with_suffix(".new").write_text(str(ms))
        os.rename(self.path.with_suffix(".new"), self.path)


@rule("TUS-EXPIRATION-5")
def test_an_expired_upload_is_gone(tmp_path, monkeypatch):
    clock = Clock(tmp_path, monkeypatch)
    with Server(tmp_path, binary=CLOCKED, sets=["resumable.expiry=1d"]) as server:
        uploads = Uploads(server)  # pylint: disable=redefined-outer-name
        idle, used, done = uploads.create(11), uploads.create(11), uploads.create(5)
        assert uploads.finish(done, b"hello") == b"hello"
        before = http_date(uploads.head(used).header("Upload-Expires"))
        clock.set_ahead(DAY_MS - 3600_000)
        answer = uploads.patch(used, 0, HELLO[:5])
        assert answer.status == 204
        assert http_date(answer.header("Upload-Expires")) - before > 3600 * 22  # the last bytes count
        clock.set_ahead(DAY_MS + 60_000)
        for answer in (uploads.head(idle), uploads.patch(idle, 0, HELLO)):
            assert answer.status in (404, 410) and answer.header("Upload-Offset") is None, answer
        unchanged(uploads, used, HELLO[:5], HELLO[5:])


# ── checksum


@rule("TUS-CHECKSUM-2", "TUS-CHECKSUM-3")
def test_the_algorithms_are_named_in_lower_case_and_sha1_is_there(uploads):
    names = listed(options(uploads), "Tus-Checksum-Algorithm")
    assert "sha1" in names and sorted(names) == sorted(DIGESTS)
    for name in names:
        assert re.fullmatch(r"[!-+\--@\[-~]+", name), name


@rule("TUS-CHECKSUM-4", "TUS-CHECKSUM-3")
@pytest.mark.parametrize("algorithm", list(DIGESTS))
@pytest.mark.parametrize("size", [0, 5, 20_000, 1_500_000])
def test_a_right_checksum_is_204_and_a_wrong_one_460(uploads, algorithm, size):
    first, data = os.urandom(7), os.urandom(size)
    path = uploads.create(7 + size + 1)
    assert uploads.patch(path, 0, first).status == 204
    answer = uploads.patch(path, 7, data, {"Upload-Checksum": checksum(data + b"x", algorithm)})
    is_refused(answer, 460)
    assert uploads.offset(path) == 7
    answer = uploads.patch(path, 7, data, {"Upload-Checksum": checksum(data, algorithm)})
    assert (answer.status, upload_offset(answer)) == (204, 7 + size)
    unchanged(uploads, path, first + data, b"!")


@rule("TUS-CHECKSUM-5", "TUS-CHECKSUM-6")
@pytest.mark.parametrize("value", ["sha512 YQ==", "SHA1 " + checksum(HELLO).split(" ")[1], "nothing YQ==", "sha1", "sha1 ", "sha1 *",
                                   "sha1 YQ==", "", " " + checksum(HELLO).split(" ")[1], checksum(HELLO) + " x",
                                   checksum(HELLO).replace(" ", "  "), checksum(HELLO)[:-1], checksum(HELLO) + "=",
                                   "sha1:" + checksum(HELLO).split(" ")[1], checksum(HELLO) + "," + checksum(HELLO)])
def test_an_unknown_algorithm_or_another_form_is_400_and_no_byte_counts(uploads, value):
    path = uploads.create(2 * len(HELLO))
    assert uploads.patch(path, 0, HELLO).status == 204
    is_refused(uploads.patch(path, len(HELLO), HELLO, {"Upload-Checksum": value}), 400)
    unchanged(uploads, path, HELLO, HELLO)


@rule("TUS-CHECKSUM-7")
@pytest.mark.parametrize("size", [11, 2_000_000])
def test_a_cut_request_with_a_checksum_leaves_nothing(uploads, size):
    data = os.urandom(size)
    path = uploads.create(size)
    with uploads.server.connect() as client:
        client.send(uploads.bytes("PATCH", path, [("Tus-Resumable", "1.0.0"), OCTETS, ("Upload-Offset", "0"),
                                                  ("Content-Length", str(size)), ("Upload-Checksum", checksum(data))]) + data[:-1])
        client.half_close()
        try:
            assert client.answer().status >= 400
        except Gone:
            pass
    unchanged(uploads, path, b"", data)


@rule("TUS-CHECKSUM-8")
def test_a_creation_with_bytes_has_its_checksum_verified(uploads):
    def create(value):
        return uploads.tus("POST", PATH, [("Upload-Length", "11"), OCTETS, ("Upload-Checksum", value)], HELLO)
    answer = create(checksum(HELLO))
    assert (answer.status, upload_offset(answer)) == (201, 11) and uploads.read(uploads.path(answer)) == HELLO
    is_refused(create(checksum(b"other")), 460)
    is_refused(create("sha512 YQ=="), 400)


# ── checksum-trailer


@rule("TUS-TRAILER-2")
@pytest.mark.parametrize("size", [0, 11, 200_000])
@pytest.mark.parametrize("name", ["Upload-Checksum", "upload-checksum"])
def test_a_checksum_may_come_in_the_trailer(uploads, size, name):
    data = os.urandom(size)
    path = uploads.create(size + 1)
    head = [("Transfer-Encoding", "chunked"), ("Trailer", name)]
    answer = uploads.patch(path, 0, chunked(data, 3, [(name, checksum(data + b"x"))]), head)
    is_refused(answer, 460)
    assert uploads.offset(path) == 0
    answer = uploads.patch(path, 0, chunked(data, 3, [(name, checksum(data, "crc32"))]), head)
    assert (answer.status, upload_offset(answer)) == (204, size), answer
    unchanged(uploads, path, data, b"!")


@rule("TUS-TRAILER-3")
def test_a_checksum_in_the_trailer_has_the_same_rules(uploads):
    path, head = uploads.create(11), [("Transfer-Encoding", "chunked"), ("Trailer", "Upload-Checksum")]
    for value in ("sha512 YQ==", "sha1", "sha1 *"):
        is_refused(uploads.patch(path, 0, chunked(HELLO, 1, [("Upload-Checksum", value)]), head), 400)
    unchanged(uploads, path, b"", HELLO)


# ── termination


@rule("TUS-TERMINATION-2", "TUS-TERMINATION-3")
@pytest.mark.parametrize("state", ["empty", "begun", "finished", "deferred", "partial"])
def test_a_terminated_upload_is_gone(uploads, state):
    path = uploads.create(None if state == "deferred" else 11, [("Upload-Concat", "partial")] if state == "partial" else [])
    if state == "begun":
        assert uploads.patch(path, 0, HELLO[:5]).status == 204
    place = None
    if state == "finished":
        uploads.finish(path, HELLO)
        place = uploads.head(path).header("Content-Location")
    answer = uploads.tus("DELETE", path)
    assert (answer.status, answer.body) == (204, b""), answer
    for answer in (uploads.head(path), uploads.patch(path, 0, HELLO), uploads.tus("DELETE", path)):
        assert answer.status in (404, 410), answer
        assert answer.header("Upload-Offset") is None
    assert uploads.listed(path) is None
    if place:
        assert uploads.ask("GET", place).body == HELLO  # the file that it became stays


@rule("TUS-TERMINATION-4")
def test_a_terminated_upload_gives_its_space_back(tmp_path, monkeypatch):
    clock = Clock(tmp_path, monkeypatch)

    def blobs(server):
        return sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(os.path.join(server.data, "blobs"))
                   for name in names)
    with Server(tmp_path, binary=CLOCKED, sets=["files.purge_grace=0"]) as server:
        uploads = Uploads(server)  # pylint: disable=redefined-outer-name
        path = uploads.create(2 << 20)
        assert uploads.patch(path, 0, os.urandom(1 << 20)).status == 204
        assert blobs(server) >= 1 << 20
        assert uploads.tus("DELETE", path).status == 204
        clock.set_ahead(2 * DAY_MS)  # beyond the time that a reader may still have
        server.cais("jobs", "run", check=False)
        wait_for("the space of the upload", lambda: blobs(server) < 1 << 20)


# ── concatenation


@rule("TUS-CONCATENATION-2", "TUS-CONCATENATION-3", "TUS-CONCATENATION-8")
@pytest.mark.parametrize("sizes", [[5, 6], [6, 5], [0, 5], [1], [100_000, 1, 20_000], [3_000_000, 2_000_000]])
def test_parts_are_concatenated_in_the_order_of_the_list(uploads, sizes):
    pieces = [os.urandom(size) for size in sizes]
    parts = [uploads.part(piece) for piece in pieces]
    answer = uploads.concatenate(list(reversed(parts)))
    assert answer.status == 201, answer
    path, whole = uploads.path(answer), b"".join(reversed(pieces))
    assert uploads.read(path) == whole
    head = uploads.head(path)
    assert (upload_offset(head), head.header("Upload-Length")) == (len(whole), str(len(whole)))


@rule("TUS-CONCATENATION-4")
def test_the_metadata_of_parts_do_not_become_those_of_the_whole(uploads):
    parts = [uploads.part(b"x", {"Upload-Metadata": metadata(filename=f"part{i}", filetype="text/plain", own="a")}) for i in range(2)]
    plain, named = (uploads.path(uploads.concatenate(parts, headers))
                    for headers in ({}, {"Upload-Metadata": metadata(filename="whole.bin")}))
    assert uploads.head(plain).header("Upload-Metadata") is None
    assert uploads.head(named).header("Upload-Metadata") == metadata(filename="whole.bin")
    kept = uploads.file(plain)
    assert (kept["name"], kept["content_type"]) == ("file", "application/octet-stream")
    assert uploads.file(named)["name"] == "whole.bin"


@rule("TUS-CONCATENATION-5")
def test_a_patch_of_a_final_upload_is_403_and_changes_nothing(uploads):
    parts = [uploads.part(b"hello"), uploads.part(b" world")]
    path = uploads.path(uploads.concatenate(parts))
    for _ in range(2):  # perhaps before and certainly after the concatenation
        for offset, body in ((0, b"x"), (11, b"x"), (11, b""), (5, b"")):
            is_refused(uploads.patch(path, offset, body), 403)
        assert uploads.read(path) == HELLO
    assert [uploads.offset(part) for part in parts] == [5, 6]
    assert uploads.read(uploads.path(uploads.concatenate(parts))) == HELLO


@rule("TUS-CONCATENATION-6", "TUS-CONCATENATION-8", "TUS-CONCATENATION-9")
def test_a_final_upload_has_no_offset_until_it_is_done(uploads):
    data = os.urandom(1 << 20)
    part = uploads.part(data)
    answer = uploads.concatenate([part] * 40)
    assert answer.status == 201 and answer.header("Upload-Offset") is None
    path, heads = uploads.path(answer), []

    def done():
        heads.append(uploads.head(path))
        assert heads[-1].status == 200, heads[-1]
        return heads[-1].header("Content-Location")
    wait_for("the concatenation", done)
    for head in heads:
        assert upload_offset(head) in (None, 40 << 20) and head.header("Upload-Length") == str(40 << 20), head
        assert (upload_offset(head) is None) == (head.header("Content-Location") is None), head
        assert head.header("Upload-Concat") == "final;" + " ".join([part] * 40)
    assert uploads.read(path) == data * 40


@rule("TUS-CONCATENATION-7", "TUS-CONCATENATION-9")
def test_a_part_has_an_offset_and_says_that_it_is_one(uploads):
    path = uploads.create(5, {"Upload-Concat": "partial"})
    head = uploads.head(path)
    assert (upload_offset(head), head.header("Upload-Length"), head.header("Upload-Concat")) == (0, "5", "partial")
    assert uploads.patch(path, 0, b"hello").status == 204
    head = uploads.head(path)
    assert (upload_offset(head), head.header("Upload-Concat")) == (5, "partial")
    deferred = uploads.create(None, {"Upload-Concat": "partial"})
    head = uploads.head(deferred)
    assert (upload_offset(head), head.header("Upload-Defer-Length"), head.header("Upload-Concat")) == (0, "1", "partial")


@rule("TUS-CONCATENATION-10", "TUS-CONCATENATION-9")
def test_the_urls_of_parts_may_be_absolute_or_relative(uploads):
    parts = [uploads.part(b"hello"), uploads.part(b" world")]
    host = "http://127.0.0.1:%d" % uploads.server.address()[1]
    for urls in ([host + part for part in parts], [parts[0], "https://elsewhere.example" + parts[1]]):
        answer = uploads.concatenate(urls)
        assert answer.status == 201, answer
        assert uploads.read(uploads.path(answer)) == HELLO
        assert uploads.head(uploads.path(answer)).header("Upload-Concat") == "final;" + " ".join(urls)


@rule("TUS-CONCATENATION-11")
def test_a_part_may_be_used_again(uploads):
    a, b = uploads.part(b"ab"), uploads.part(b"c")
    for parts, whole in (([a, a, b, a], b"ababcab"), ([b, a], b"cab"), ([b], b"c")):
        assert uploads.read(uploads.path(uploads.concatenate(parts))) == whole


@rule("TUS-CONCATENATION-12")
def test_a_final_upload_with_a_length_is_400(uploads):
    part = uploads.part(b"hello")
    for headers in ({"Upload-Length": "5"}, {"Upload-Length": "4"}, {"Upload-Defer-Length": "1"}):
        is_refused(uploads.concatenate([part], headers), 400)


@rule("TUS-CONCATENATION-13")
def test_a_part_becomes_no_file(uploads):
    names = {f["name"] for f in uploads.server.files()}
    path = uploads.part(b"hello", {"Upload-Metadata": metadata(filename="a-part-alone")})
    assert uploads.head(path).header("Content-Location") is None
    assert {f["name"] for f in uploads.server.files()} == names
    kept = uploads.listed(path)
    assert (kept["part"], kept.get("file"), kept["offset"], kept["size"]) == (True, None, 5, 5)


@rule("TUS-CONCATENATION-14")
def test_unfinished_parts_are_refused_because_that_is_not_announced(uploads):
    assert "concatenation-unfinished" not in listed(options(uploads), "Tus-Extension")
    whole, open_part = uploads.part(b"hello"), uploads.create(5, {"Upload-Concat": "partial"})
    answer = uploads.concatenate([whole, open_part])
    is_refused(answer, 400)
    assert answer.header("Location") is None
    assert uploads.patch(open_part, 0, b"12345").status == 204
    assert uploads.read(uploads.path(uploads.concatenate([whole, open_part]))) == b"hello12345"


@rule("TUS-CONCATENATION-15")
@pytest.mark.parametrize("value", ["", "part", "Partial", "final", "final;", "final; ", "final;/x", "partial;", "partial;/a", "final,/a",
                                   "final;http://", "final;" + PATH, "final;" + PATH + "/", "other"])
def test_another_value_of_upload_concat_is_refused(uploads, value):
    headers = {"Upload-Concat": value} | ({} if value.startswith("final") else {"Upload-Length": "5"})
    answer = uploads.tus("POST", PATH, headers)
    assert answer.status in (400, 404), answer
    is_refused(answer, answer.status)


def test_a_request_on_a_connection_of_many_is_still_a_request(uploads):
    """Several uploads over one connection, as clients keep it open."""
    with uploads.server.connect() as client:
        for i in range(20):
            data = os.urandom(i * 1000)
            made = uploads.tus("POST", PATH, {"Upload-Length": str(len(data))}, client=client)
            path = uploads.path(made)
            half = len(data) // 2
            assert uploads.patch(path, 0, data[:half], client=client).status == 204
            assert uploads.patch(path, 1, b"x", client=client).status == (409 if half != 1 else 204)
            assert upload_offset(uploads.head(path, client=client)) == half
            assert uploads.patch(path, half, data[half:], client=client).status == 204
            assert uploads.read(path) == data
        client.send(request("OPTIONS", PATH))
        assert client.answer().header("Tus-Version") == "1.0.0"
