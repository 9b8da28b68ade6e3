# SPDX-License-Identifier: Apache-2.0
"""What draft-ietf-httpbis-resumable-upload (interop version 8) demands of a server, over raw sockets.
docs/apis/resumable-rules.md has the rule of each id."""
import base64
import hashlib
import os
import re
import threading
import time

import pytest

from server import Gone, Server, wait_for
from uploads import INTEROP, PARTIAL, PATH, Uploads, chunked, digest, rule, upload_offset

HELLO = b"hello world"
TYPES = "https://iana.org/assignments/http-problem-types#"
CHUNKED = ("Transfer-Encoding", "chunked")


@pytest.fixture(scope="module")
def uploads(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("ietf")) as server:
        yield Uploads(server)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """On this server an upload may have a thousand bytes."""
    with Server(tmp_path_factory.mktemp("small-ietf"), sets=["resumable.max_file_size=1000"]) as server:
        yield Uploads(server)


def limits(answer):
    """Upload-Limit as a dict. It must be a Dictionary of Integers."""
    value = answer.header("Upload-Limit")
    assert value and re.fullmatch(r"[a-z-]+=\d{1,15}(, *[a-z-]+=\d{1,15})*", value), answer
    return {name: int(number) for name, number in (pair.strip().split("=") for pair in value.split(","))}


def is_problem(answer, status, kind="about:blank", **members):
    assert answer.status == status and answer.header("Content-Type") == "application/problem+json", answer
    assert answer.header("Upload-Complete") == "?0", answer
    body = answer.json()
    assert body.get("type", "about:blank") == kind and body["status"] == status and body["title"], answer
    for name, value in members.items():
        assert body[name.replace("_", "-")] == value, answer


def is_incomplete(answer, status, offset):
    assert (answer.status, answer.header("Upload-Complete"), upload_offset(answer)) == (status, "?0", offset), answer


def is_file(uploads, answer, data, name=None, kind=None):
    """The reply is that of a plain upload of these bytes, marked as complete."""
    assert (answer.status, answer.header("Upload-Complete")) == (201, "?1"), answer
    made = answer.json()
    assert made["size"] == len(data) and made["md5"] == hashlib.md5(data).hexdigest(), answer
    assert answer.header("Location") == "/v1/native/files/" + made["id"]
    assert name is None or made["name"] == name
    assert kind is None or made["content_type"] == kind
    assert uploads.ask("GET", answer.header("Location")).body == data


def created(uploads, headers=(), data=b""):
    """An upload of which `data` was sent."""
    answer = uploads.begin(False, data, headers)
    is_incomplete(answer, 201, len(data))
    return uploads.path(answer)


def unchanged(uploads, path, data, rest):
    """The upload has exactly these bytes: it is completed with `rest` and read."""
    is_incomplete(uploads.how_far(path), 204, len(data))
    is_file(uploads, uploads.append(path, len(data), rest, complete=True), data + rest)


def is_gone(uploads, path):
    for answer in (uploads.how_far(path), uploads.ask("GET", path), uploads.append(path, 0, b"x"), uploads.ask("DELETE", path)):
        assert answer.status in (404, 410), answer


# ── offset, completeness, length


@rule("IETF-OFFSET-1")
def test_the_offset_never_falls(uploads):
    path, data, last = created(uploads), os.urandom(300_000), 0
    for at in range(0, len(data), 50_000):
        is_incomplete(uploads.append(path, at, data[at:at + 50_000]), 204, at + 50_000)
        for wrong in (0, at, at + 50_001):
            is_problem(uploads.append(path, wrong, b"xyz"), 409, TYPES + "mismatching-upload-offset")
        now = upload_offset(uploads.how_far(path))
        assert now >= last and now == at + 50_000
        last = now
    unchanged(uploads, path, data, b"")


@rule("IETF-OFFSET-2")
@pytest.mark.parametrize("value", ["-1", "+5", "5.0", "?1", '"5"', "five", "", "5 5", "5, 5", "(5)", ":NQ==:", "1000000000000000", "0x5"])
def test_an_offset_that_is_no_integer_is_ignored(uploads, value):
    """Then there is none, and the request needs one."""
    path = created(uploads, data=b"01234")
    answer = uploads.ask("PATCH", path, [PARTIAL, ("Upload-Complete", "?0"), ("Upload-Offset", value)], b"x")
    is_problem(answer, 400)
    unchanged(uploads, path, b"01234", b"56")


@rule("IETF-OFFSET-3")
@pytest.mark.parametrize("value", ["5", "005", "5;a", "5;a=1;b=?0", "5 ; a"])
def test_an_offset_may_be_any_item_of_an_integer(uploads, value):
    path = created(uploads, data=b"01234")
    answer = uploads.ask("PATCH", path, [PARTIAL, ("Upload-Complete", "?0;x=1"), ("Upload-Offset", value)], b"5")
    if value == "5 ; a":  # RFC 9651 4.2.3.2: no space before the semicolon
        is_problem(answer, 400)
    else:
        is_incomplete(answer, 204, 6)


@rule("IETF-COMPLETE-1")
@pytest.mark.parametrize("value", ["?2", "1", "true", "?", "?10", "", '"?1"', "?0, ?1", "?1 ?1"])
def test_a_completeness_that_is_no_boolean_is_ignored(uploads, value):
    path = created(uploads)
    is_problem(uploads.ask("PATCH", path, [PARTIAL, ("Upload-Complete", value), ("Upload-Offset", "0")], HELLO), 400)
    unchanged(uploads, path, b"", HELLO)
    answer = uploads.ask("POST", PATH, {"Upload-Complete": value}, HELLO)
    assert 400 <= answer.status < 500 and answer.header("Location") is None, answer


@rule("IETF-COMPLETE-2", "IETF-LENGTH-6")
def test_an_upload_is_complete_when_that_is_said(uploads):
    """Its length alone does not complete it."""
    path = created(uploads, {"Upload-Length": "11"})
    is_incomplete(uploads.append(path, 0, HELLO), 204, 11)
    is_incomplete(uploads.how_far(path), 204, 11)
    assert uploads.listed(path)["state"] == "open"
    is_file(uploads, uploads.append(path, 11, b"", complete=True), HELLO)
    answer = uploads.how_far(path)
    assert (answer.status, answer.header("Upload-Complete"), upload_offset(answer)) == (204, "?1", 11)


@rule("IETF-COMPLETE-3")
def test_a_complete_upload_takes_no_more(uploads):
    path = created(uploads, data=HELLO[:5])
    is_file(uploads, uploads.append(path, 5, HELLO[5:], complete=True), HELLO)
    for offset, body in ((11, b"!"), (5, b"!"), (0, b"x"), (12, b"")):
        for complete in (False, True):
            answer = uploads.append(path, offset, body, complete)
            assert 400 <= answer.status < 500 and answer.header("Upload-Complete") == "?0", answer
    assert uploads.read(path) == HELLO


@rule("IETF-COMPLETE-4", "IETF-CREATE-7")
@pytest.mark.parametrize("size", [11, 3_000_000])
def test_a_cut_creation_is_not_complete_and_keeps_what_came(uploads, size):
    data = os.urandom(size)
    with uploads.server.connect() as client:
        client.send(uploads.bytes("POST", PATH, [("Upload-Complete", "?1"), ("Content-Length", str(size)), INTEROP]) + data[:size - 1])
        status, headers = client.head()
        assert status == 104
        path = dict(headers)["Location"]
    wait_for("the bytes of the cut request", lambda: uploads.offset(path) == size - 1)  # how_far would end it
    unchanged(uploads, path, data[:-1], data[-1:])


@rule("IETF-COMPLETE-4", "IETF-APPEND-8")
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_cut_append_is_not_complete_and_keeps_what_came(uploads, framing):
    data = os.urandom(2_000_000)
    path = created(uploads, data=data[:1000])
    head = [PARTIAL, ("Upload-Offset", "1000"), ("Upload-Complete", "?1")]
    with uploads.server.connect() as client:
        if framing == "length":
            client.send(uploads.bytes("PATCH", path, [*head, ("Content-Length", str(len(data) - 1000))]) + data[1000:-1])
        else:
            client.send(uploads.bytes("PATCH", path, [*head, CHUNKED]) + b"%x\r\n%s" % (len(data) - 1000, data[1000:-1]))
    wait_for("the bytes of the cut request", lambda: uploads.offset(path) == len(data) - 1)  # how_far would end it
    unchanged(uploads, path, data[:-1], data[-1:])


@rule("IETF-LENGTH-1")
@pytest.mark.parametrize("value", ["-1", "x", "1.5", "?1", '"11"', "11, 12", "1000000000000000", ""])
def test_a_length_that_is_no_integer_is_ignored(uploads, value):
    answer = uploads.begin(False, b"", {"Upload-Length": value})
    is_incomplete(answer, 201, 0)
    path = uploads.path(answer)
    assert uploads.how_far(path).header("Upload-Length") is None
    is_incomplete(uploads.append(path, 0, HELLO[:5], headers={"Upload-Length": value}), 204, 5)
    assert uploads.how_far(path).header("Upload-Length") is None
    unchanged(uploads, path, HELLO[:5], HELLO[5:])


@rule("IETF-LENGTH-2")
def test_the_two_lengths_of_a_request_must_match(uploads):
    for length in ("10", "12", "0"):
        answer = uploads.begin(True, HELLO, {"Upload-Length": length})
        is_problem(answer, 400, TYPES + "inconsistent-upload-length")
    is_file(uploads, uploads.begin(True, HELLO, {"Upload-Length": "11"}), HELLO)
    path = created(uploads, data=HELLO[:5])
    is_problem(uploads.append(path, 5, HELLO[5:], True, {"Upload-Length": "6"}), 400, TYPES + "inconsistent-upload-length")
    unchanged(uploads, path, HELLO[:5], HELLO[5:])


@rule("IETF-LENGTH-3")
def test_the_lengths_of_several_requests_must_match(uploads):
    for path in (created(uploads, {"Upload-Length": "11"}), created(uploads)):
        is_incomplete(uploads.append(path, 0, HELLO[:5], headers={"Upload-Length": "11"}), 204, 5)
        is_problem(uploads.append(path, 5, b"", headers={"Upload-Length": "12"}), 400, TYPES + "inconsistent-upload-length")
        is_problem(uploads.append(path, 5, b"x", True), 400, TYPES + "inconsistent-upload-length")
        assert uploads.how_far(path).header("Upload-Length") == "11"
        unchanged(uploads, path, HELLO[:5], HELLO[5:])


@rule("IETF-LENGTH-4", "IETF-RETRIEVE-3")
def test_the_length_is_recorded_from_upload_length(uploads):
    assert uploads.how_far(created(uploads, {"Upload-Length": "11"}, HELLO[:5])).header("Upload-Length") == "11"
    path = created(uploads)
    assert uploads.how_far(path).header("Upload-Length") is None
    uploads.append(path, 0, b"", headers={"Upload-Length": "11"})
    assert uploads.how_far(path).header("Upload-Length") == "11"


@rule("IETF-LENGTH-5")
def test_the_length_is_recorded_from_the_content_length_of_the_last_request(uploads):
    with uploads.server.connect() as client:
        client.send(uploads.bytes("POST", PATH, [("Upload-Complete", "?1"), ("Content-Length", "11"), INTEROP]) + HELLO[:5])
        path = dict(client.head()[1])["Location"]
    wait_for("the bytes that came", lambda: uploads.offset(path) == 5)
    assert uploads.how_far(path).header("Upload-Length") == "11"
    other = created(uploads, data=HELLO[:5])
    with uploads.server.connect() as client:
        client.send(uploads.bytes("PATCH", other, [PARTIAL, ("Upload-Offset", "5"), ("Upload-Complete", "?1"), ("Content-Length", "6")]) + b" ")
    wait_for("the byte that came", lambda: uploads.offset(other) == 6)
    assert uploads.how_far(other).header("Upload-Length") == "11"


# ── limits


@rule("IETF-LIMIT-1", "IETF-LIMIT-2", "IETF-LIMIT-3")
def test_options_name_the_limits(uploads, small):
    for path in (PATH, created(uploads)):
        answer = uploads.server.ask("OPTIONS", path)
        assert answer.status in (200, 204) and limits(answer)["min-size"] == 0 and "max-size" not in limits(answer)
    assert limits(small.server.ask("OPTIONS", PATH))["max-size"] == 1000


@rule("IETF-LIMIT-4")
def test_413_names_the_limits(small):
    for answer in (small.begin(True, b"x" * 1001), small.begin(False, b"", {"Upload-Length": "1001"})):
        is_problem(answer, 413)
        assert limits(answer)["max-size"] == 1000


@rule("IETF-LIMIT-5", "IETF-LIMIT-6")
def test_the_limits_of_an_upload_do_not_tighten(small):
    before, began = limits(small.server.ask("OPTIONS", PATH)), time.time()
    made = small.begin(False)
    path, ends = small.path(made), began + limits(made)["max-age"]
    assert limits(made)["max-size"] == before["max-size"] and limits(made)["max-age"] >= before["max-age"] - 1
    for i in range(3):
        for answer in (small.how_far(path), small.append(path, i, b"x")):
            if answer.header("Upload-Limit") is None:
                continue
            now = limits(answer)
            assert now.get("max-size", 1000) >= 1000 and now.get("min-size", 0) == 0
            assert time.time() + now["max-age"] >= ends - 2
            ends = max(ends, began + now["max-age"])


@rule("IETF-LIMIT-7")
def test_an_upload_that_outgrows_the_largest_size_is_refused(small):
    path = created(small, data=b"x" * 1000)
    answer = small.append(path, 1000, chunked(b"y" * 10), headers=[CHUNKED])
    assert answer.status == 413, answer
    assert limits(answer)["max-size"] == 1000


# ── creation


def heads_until_final(client):
    """Every reply to one request, interim ones too."""
    replies = [client.answer(interim=True)]
    while replies[-1].status < 200:
        replies.append(client.answer(interim=True))
    return replies


@rule("IETF-CREATE-1", "IETF-CREATE-3")
@pytest.mark.parametrize("complete", ["?0", "?1"])
def test_104_comes_before_the_body_with_location_and_limits(uploads, complete):
    with uploads.server.connect() as client:
        client.send(uploads.bytes("POST", PATH, [("Upload-Complete", complete), ("Content-Length", "11"), INTEROP]))
        first = client.answer(interim=True)
        assert first.status == 104 and first.header("Upload-Draft-Interop-Version") == "8", first
        assert re.fullmatch(PATH + r"/\w{32}", first.header("Location")) and limits(first)["max-age"] > 0
        client.send(HELLO)
        replies = heads_until_final(client)
    if complete == "?0":
        is_incomplete(replies[-1], 201, 11)
        assert replies[-1].header("Location") == first.header("Location")
    else:
        is_file(uploads, replies[-1], HELLO)
    for reply in replies[:-1]:
        assert reply.header("Location") in (None, first.header("Location")), reply
    assert upload_offset(uploads.how_far(first.header("Location"))) == 11


@rule("IETF-CREATE-2")
@pytest.mark.parametrize("data", [b"", HELLO, b"x" * 300_000], ids=["empty", "short", "long"])
def test_a_creation_of_a_part_is_201_with_location_and_limits(uploads, data):
    answer = uploads.begin(False, data)
    is_incomplete(answer, 201, len(data))
    assert limits(answer)["max-age"] > 0
    unchanged(uploads, uploads.path(answer), data, b"the rest")


@rule("IETF-CREATE-4", "IETF-CREATE-5")
@pytest.mark.parametrize("size", [0, 11, 20_000, 3_000_001])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_whole_creation_has_the_reply_of_a_plain_upload(uploads, size, framing):
    data = os.urandom(size)
    headers = [("Content-Disposition", "inline; filename=\"a b.txt\"; filename*=UTF-8''a%20%C3%A9.txt"), ("Content-Type", "text/plain")]
    if framing == "chunked":
        answer = uploads.begin(True, chunked(data, 5), [*headers, CHUNKED])
    else:
        answer = uploads.begin(True, data, headers)
    is_file(uploads, answer, data, "a é.txt", "text/plain")


@rule("IETF-CREATE-6", "IETF-APPEND-11", "IETF-APPEND-12")
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_progress_comes_as_104_with_the_offset(uploads, method):
    """The offsets rise, and none is above what was sent. Those of an append name no Location. They come after each 64 MiB."""
    data = os.urandom(1 << 20) * 140
    head = [("Upload-Complete", "?1"), ("Content-Length", str(len(data))), INTEROP]
    path = None
    if method == "PATCH":
        path = created(uploads)
        head += [PARTIAL, ("Upload-Offset", "0")]
    with uploads.server.connect() as client:
        client.send(uploads.bytes(method, path or PATH, head))
        sender = threading.Thread(target=client.send, args=(data,))
        sender.start()
        replies = heads_until_final(client)
        sender.join()
    is_file(uploads, replies[-1], data)
    offsets = [upload_offset(r) for r in replies[:-1] if upload_offset(r) is not None]
    assert offsets == sorted(offsets) and offsets and offsets[-1] <= len(data), replies
    for reply in replies[:-1]:
        assert reply.status == 104
        assert method == "POST" or reply.header("Location") is None, reply


@rule("IETF-CREATE-8")
@pytest.mark.parametrize("expects", [True, False])
def test_100_is_not_left_out_because_of_104(uploads, expects):
    head = [("Upload-Complete", "?1"), ("Content-Length", "11"), INTEROP] + ([("Expect", "100-continue")] if expects else [])
    with uploads.server.connect() as client:
        client.send(uploads.bytes("POST", PATH, head))
        statuses = [client.answer(interim=True).status for _ in range(2 if expects else 1)]
        assert sorted(statuses) == ([100, 104] if expects else [104])
        client.send(HELLO)
        is_file(uploads, heads_until_final(client)[-1], HELLO)


@rule("IETF-CREATE-9")
@pytest.mark.parametrize("headers", [[], [("Upload-Draft-Interop-Version", "7")], [("Upload-Draft-Interop-Version", "6")],
                                     [("Upload-Draft-Interop-Version", "x")], [("Upload-Draft-Interop-Version", "80")]])
def test_without_the_version_there_is_no_104_and_all_else_is_the_same(uploads, headers):
    with uploads.server.connect() as client:
        client.send(uploads.bytes("POST", PATH, [("Upload-Complete", "?1"), *headers], os.urandom(5 << 20)))
        replies = heads_until_final(client)
        assert [r.status for r in replies] == [201] and replies[0].header("Upload-Complete") == "?1"


@rule("IETF-CREATE-10")
def test_a_creation_that_is_refused_has_no_104(small):
    with small.server.connect() as client:
        client.send(small.bytes("POST", PATH, [("Upload-Complete", "?1"), ("Content-Length", "1001"), INTEROP, ("Expect", "100-continue")]))
        is_problem(client.answer(interim=True), 413)


@rule("IETF-CREATE-11")
def test_a_url_is_never_used_twice_and_says_nothing(uploads):
    paths = [created(uploads) for _ in range(30)]
    assert len(set(paths)) == 30
    for a, b in zip(paths, paths[1:]):
        same = sum(x == y for x, y in zip(a[-32:], b[-32:]))
        assert same < 20, (a, b)


# ── retrieval of the offset


@rule("IETF-RETRIEVE-1", "IETF-RETRIEVE-2", "IETF-RETRIEVE-3", "IETF-RETRIEVE-4", "IETF-RETRIEVE-5")
@pytest.mark.parametrize("method,status", [("HEAD", 204), ("GET", 200)])
def test_head_and_get_say_how_far_the_upload_came(uploads, method, status):
    path = created(uploads, {"Upload-Length": "11"})
    for at in range(0, 11, 5):
        answer = uploads.ask(method, path)
        is_incomplete(answer, status, at)
        assert answer.header("Upload-Length") == "11" and limits(answer)["max-age"] > 0
        assert answer.header("Cache-Control") == "no-store"
        uploads.append(path, at, HELLO[at:at + 5])
    is_file(uploads, uploads.append(path, 11, b"", True), HELLO)
    answer = uploads.ask(method, path)
    assert (answer.status, answer.header("Upload-Complete"), upload_offset(answer), answer.header("Upload-Length")) == (status, "?1", 11, "11")
    assert answer.header("Cache-Control") == "no-store" and answer.header("Content-Location").startswith("/v1/native/files/")
    if method == "GET":
        assert answer.json()["offset"] == 11 and answer.json()["state"] == "finished"


@rule("IETF-RETRIEVE-6")
def test_nothing_of_an_upload_is_redirected(uploads):
    path = created(uploads)
    for target in (path, path + "/", path.replace("/v1", "//v1"), path + "?x=1"):
        for method in ("HEAD", "GET", "PATCH", "DELETE"):
            assert not 300 <= uploads.ask(method, target, [("Host2", "x")]).status < 400


# ── append


@rule("IETF-APPEND-1", "IETF-APPEND-6")
@pytest.mark.parametrize("size", [1, 16385, 1 << 20, (5 << 20) + 3])
def test_bytes_are_appended_and_the_last_request_completes(uploads, size):
    data = os.urandom(size)
    path = created(uploads, data=data[:size // 3])
    is_incomplete(uploads.append(path, size // 3, data[size // 3:size // 2]), 204, size // 2)
    is_incomplete(uploads.append(path, size // 2, b""), 204, size // 2)
    is_file(uploads, uploads.append(path, size // 2, data[size // 2:], True), data)


@rule("IETF-APPEND-2", "IETF-APPEND-3", "IETF-APPEND-4")
def test_another_offset_is_409_with_the_right_one(uploads):
    path = created(uploads, data=HELLO[:5])
    for offset in (0, 4, 6, 11, 999_999_999_999_999):
        for complete in (False, True):
            answer = uploads.append(path, offset, b"abc", complete)
            is_problem(answer, 409, TYPES + "mismatching-upload-offset", expected_offset=5, provided_offset=offset)
            assert upload_offset(answer) == 5
    unchanged(uploads, path, HELLO[:5], HELLO[5:])


@rule("IETF-APPEND-5")
def test_the_reply_that_completes_is_that_of_the_creation(uploads):
    whole = uploads.begin(True, HELLO, {"Content-Disposition": 'inline; filename="a.txt"', "Content-Type": "text/plain"})
    path = created(uploads, {"Content-Disposition": 'inline; filename="a.txt"', "Content-Type": "text/plain"}, HELLO[:5])
    answer = uploads.append(path, 5, HELLO[5:], True)
    is_file(uploads, answer, HELLO, "a.txt", "text/plain")
    assert set(answer.json()) == set(whole.json()) and answer.header("Content-Type") == whole.header("Content-Type")


@rule("IETF-APPEND-7")
def test_the_reply_that_completes_may_be_had_again(uploads):
    path = created(uploads, data=HELLO[:5])
    first = uploads.append(path, 5, HELLO[5:], True)
    is_file(uploads, first, HELLO)
    assert uploads.append(path, 5, HELLO[5:], True).status == 409  # its bytes could be others
    again = uploads.append(path, 11, b"", True)
    is_file(uploads, again, HELLO)
    assert again.json()["id"] == first.json()["id"]
    assert len([f for f in uploads.server.files() if f["id"] == first.json()["id"]]) == 1


def is_too_much(answer):
    assert answer.status in (400, 413), answer
    is_problem(answer, answer.status, TYPES + "inconsistent-upload-length" if answer.status == 400 else "about:blank")


@rule("IETF-APPEND-9")
@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("complete", [False, True])
def test_an_upload_that_got_more_than_its_length_is_invalid(uploads, framing, complete):
    path = created(uploads, {"Upload-Length": "11"}, HELLO[:5])
    if framing == "chunked":
        answer = uploads.append(path, 5, chunked(HELLO[5:] + b"!", 3), complete, [CHUNKED])
        is_too_much(answer)
        is_gone(uploads, path)
        assert uploads.listed(path) is None
    else:  # the head says it: refused before any byte
        is_too_much(uploads.append(path, 5, HELLO[5:] + b"!", complete))
        unchanged(uploads, path, HELLO[:5], HELLO[5:])


@rule("IETF-APPEND-10")
def test_a_creation_that_is_longer_than_its_length_is_refused(uploads):
    for complete in (False, True):
        is_too_much(uploads.begin(complete, chunked(HELLO, 3), [CHUNKED, ("Upload-Length", "10")]))
        is_too_much(uploads.begin(complete, HELLO, {"Upload-Length": "10"}))


@rule("IETF-APPEND-13")
@pytest.mark.parametrize("kind", [None, "application/octet-stream", "application/offset+octet-stream", "text/plain", "application/partial-uploads"])
def test_an_append_of_another_type_is_415(uploads, kind):
    path = created(uploads)
    head = [("Upload-Offset", "0"), ("Upload-Complete", "?0")] + ([("Content-Type", kind)] if kind else [])
    answer = uploads.ask("PATCH", path, head, b"x")
    assert answer.status in ((412, 415) if kind and "offset" in kind else (415,)), answer
    unchanged(uploads, path, b"", HELLO)


@rule("IETF-APPEND-14")
def test_an_append_needs_offset_and_completeness(uploads):
    path = created(uploads)
    for headers in ([PARTIAL, ("Upload-Complete", "?0")], [PARTIAL, ("Upload-Offset", "0")]):
        is_problem(uploads.ask("PATCH", path, headers, b"x"), 400)
    unchanged(uploads, path, b"", HELLO)


@rule("IETF-APPEND-15")
def test_what_is_not_there_is_404(uploads):
    for target in (PATH + "/" + "0" * 32, PATH + "/x"):
        for answer in (uploads.append(target, 0, b"x"), uploads.ask("DELETE", target), uploads.ask("GET", target)):
            is_problem(answer, 404)
        assert uploads.how_far(target).status == 404


# ── cancellation


@rule("IETF-CANCEL-1", "IETF-CANCEL-3")
@pytest.mark.parametrize("state", ["empty", "begun", "complete"])
def test_a_cancelled_upload_is_gone(uploads, state):
    path = created(uploads, data=b"" if state == "empty" else HELLO)
    if state == "complete":
        is_file(uploads, uploads.append(path, 11, b"", True), HELLO)
    answer = uploads.ask("DELETE", path)
    assert answer.status == 204 and answer.header("Location") is None
    is_gone(uploads, path)
    assert uploads.listed(path) is None


def writing(uploads, length, first):
    """An upload, and a connection with an append to it, of which `first` was sent. If the probe was faster than the append, another
    upload is tried: what comes before an append ends none."""
    def attempt():
        path, client = created(uploads), uploads.server.connect()
        client.send(uploads.bytes("PATCH", path, [PARTIAL, ("Upload-Offset", "0"), ("Upload-Complete", "?1"), ("Content-Length", str(length)),
                                                  ("Expect", "100-continue")]))
        assert client.answer(interim=True).status == 100
        client.send(first)
        if uploads.patch(path, 0, b"").status == 423:  # tus waits for a request that writes
            return path, client
        client.close()
        return None
    return wait_for("an append that writes", attempt)


def was_ended(client):
    """The server ended this request: an error, or no reply at all. It waits for no silence."""
    began = time.monotonic()
    try:
        assert client.answer().status >= 400
    except Gone:
        pass
    assert time.monotonic() - began < 4


@rule("IETF-CANCEL-2")
def test_a_cancellation_ends_the_request_that_writes(uploads):
    path, client = writing(uploads, 1 << 20, b"x" * 10)
    with client:
        assert uploads.ask("DELETE", path).status == 204
        was_ended(client)
    is_gone(uploads, path)


# ── concurrency


@rule("IETF-CONCURRENCY-1", "IETF-CONCURRENCY-3")
def test_a_question_ends_the_request_that_writes_and_its_answer_can_be_used(uploads):
    data = os.urandom(2_000_000)
    for method in ("HEAD", "GET"):
        path, client = writing(uploads, len(data), data[:1_000_000])
        with client:
            at = upload_offset(uploads.ask(method, path))
            assert at <= 1_000_000
            is_file(uploads, uploads.append(path, at, data[at:], True), data)
            was_ended(client)


@rule("IETF-CONCURRENCY-2", "IETF-CONCURRENCY-3")
def test_an_append_ends_the_request_that_writes(uploads):
    path, client = writing(uploads, 1000, b"x" * 10)
    with client:
        answer = uploads.append(path, 0, b"y" * 1000, True)
        if answer.status == 409:  # the ten bytes count
            at = upload_offset(answer)
            assert 0 < at <= 10
            answer = uploads.append(path, at, b"y" * (1000 - at), True)
        else:
            at = 0
        is_file(uploads, answer, b"x" * at + b"y" * (1000 - at))
        was_ended(client)


@rule("IETF-CONCURRENCY-1")
def test_of_appends_at_the_same_time_no_byte_is_mixed(uploads):
    size, piece = 40_000, 1000
    path = created(uploads)
    pieces, lock = {}, threading.Lock()

    def work(i):
        while True:
            got = uploads.how_far(path)
            at = upload_offset(got)
            if at >= size:
                return
            try:
                answer = uploads.append(path, at, bytes([65 + i]) * piece)
            except Gone:  # another one ended it: its bytes may count
                continue
            if answer.status == 204:
                with lock:
                    assert upload_offset(answer) == at + piece and at not in pieces
                    pieces[at] = i
            else:
                assert answer.status in (400, 409, 423, 503), answer
    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    answer = uploads.append(path, upload_offset(uploads.how_far(path)), b"", True)
    whole = uploads.ask("GET", answer.header("Location")).body
    for at, i in pieces.items():
        assert whole[at:at + piece] == bytes([65 + i]) * piece, at


@rule("IETF-CONCURRENCY-3")
def test_the_offset_of_a_reply_is_accepted_at_once(uploads):
    path, at = created(uploads), 0
    for i in range(1, 40):
        at = upload_offset(uploads.how_far(path))
        is_incomplete(uploads.append(path, at, b"x" * i), 204, at + i)


# ── digests


def want(value):
    return {"Want-Repr-Digest": value}


@rule("IETF-DIGEST-1")
@pytest.mark.parametrize("algorithm", ["sha-256", "sha-512"])
@pytest.mark.parametrize("pieces", [1, 3])
def test_a_representation_of_another_digest_is_refused_and_removed(uploads, algorithm, pieces):
    data = os.urandom(300_000)
    for right in (True, False):
        header = {"Repr-Digest": digest(data if right else data + b"x", algorithm)}
        before = len(uploads.server.files())
        if pieces == 1:
            answer, path = uploads.begin(True, data, header), None
        else:
            path = created(uploads, header, data[:100_000])
            is_incomplete(uploads.append(path, 100_000, data[100_000:200_000]), 204, 200_000)
            answer = uploads.append(path, 200_000, data[200_000:], True)
        if right:
            is_file(uploads, answer, data)
            continue
        assert answer.status == 422 and answer.header("Content-Type") == "application/problem+json", answer
        assert len(uploads.server.files()) == before
        if path:
            is_gone(uploads, path)


@rule("IETF-DIGEST-2")
@pytest.mark.parametrize("algorithm", ["sha-256", "sha-512"])
@pytest.mark.parametrize("size", [0, 11, 500_000])
def test_of_a_request_with_another_digest_no_byte_counts(uploads, algorithm, size):
    data = os.urandom(size)
    right, wrong = ({"Content-Digest": digest(data + more, algorithm)} for more in (b"", b"x"))
    for complete in (False, True):
        path = created(uploads, data=HELLO)
        is_problem(uploads.append(path, 11, data, complete, wrong), 422)
        is_incomplete(uploads.how_far(path), 204, 11)
        answer = uploads.append(path, 11, data, complete, right)
        if complete:
            is_file(uploads, answer, HELLO + data)
        else:
            is_incomplete(answer, 204, 11 + size)
            unchanged(uploads, path, HELLO + data, b"!")


@rule("IETF-DIGEST-2")
def test_a_creation_with_another_digest_of_its_content_keeps_nothing(uploads):
    before = len(uploads.server.files())
    assert uploads.begin(True, HELLO, {"Content-Digest": digest(b"other")}).status == 422
    assert len(uploads.server.files()) == before
    is_file(uploads, uploads.begin(True, HELLO, {"Content-Digest": digest(HELLO)}), HELLO)


@rule("IETF-DIGEST-3")
def test_unknown_algorithms_are_ignored(uploads):
    other = "md5=:" + base64.b64encode(b"x" * 16).decode() + ":, id-sha-256=:AAAA:, crc32c=:AAAAAA==:"
    is_file(uploads, uploads.begin(True, HELLO, {"Content-Digest": other, "Repr-Digest": other}), HELLO)
    both = digest(HELLO, "sha-512") + ", " + other
    is_file(uploads, uploads.begin(True, HELLO, {"Content-Digest": both, "Repr-Digest": both}), HELLO)
    assert uploads.begin(True, HELLO, {"Content-Digest": digest(HELLO) + ", " + digest(b"other", "sha-512")}).status == 422


@rule("IETF-DIGEST-4")
def test_a_wanted_digest_is_in_the_reply_that_completes(uploads):
    answer = uploads.begin(True, HELLO, want("sha-256=10"))
    is_file(uploads, answer, HELLO)
    assert answer.header("Repr-Digest") == digest(HELLO)
    path = created(uploads, want("sha-512=3, sha-256=1, md5=10"), HELLO[:5])
    answer = uploads.append(path, 5, HELLO[5:], True)
    is_file(uploads, answer, HELLO)
    assert digest(HELLO, "sha-512") in answer.header("Repr-Digest")
    for value in ("md5=10", "sha-256=0"):
        answer = uploads.begin(True, HELLO, want(value))
        is_file(uploads, answer, HELLO)


@rule("IETF-DIGEST-5")
@pytest.mark.parametrize("cut", [1, 300_000])
def test_a_cut_request_with_a_digest_leaves_nothing(uploads, cut):
    data = os.urandom(400_000)
    path = created(uploads, data=HELLO)
    head = [PARTIAL, ("Upload-Offset", "11"), ("Upload-Complete", "?0"), ("Content-Length", str(len(data))), ("Content-Digest", digest(data))]
    with uploads.server.connect() as client:
        client.send(uploads.bytes("PATCH", path, head) + data[:cut])
        client.half_close()
        try:
            assert client.answer().status >= 400
        except Gone:
            pass
    unchanged(uploads, path, HELLO, b"!")


# ── what lasts


@rule("IETF-OFFSET-4")
def test_the_digest_is_verified_over_a_restart(tmp_path):
    data = os.urandom(3_000_000)
    with Server(tmp_path) as server:
        uploads = Uploads(server)  # pylint: disable=redefined-outer-name
        right = created(uploads, {"Repr-Digest": digest(data), **want("sha-256=1")}, data[:1_234_567])
        wrong = created(uploads, {"Repr-Digest": digest(data[:-1])}, data[:1_234_567])
        server.kill()
        server.start()
        for path in (right, wrong):
            is_incomplete(uploads.how_far(path), 204, 1_234_567)
        answer = uploads.append(right, 1_234_567, data[1_234_567:], True)
        is_file(uploads, answer, data)
        assert answer.header("Repr-Digest") == digest(data)
        assert uploads.append(wrong, 1_234_567, data[1_234_567:], True).status == 422
        is_gone(uploads, wrong)


@rule("IETF-SECURITY-1", "IETF-SECURITY-2")
def test_the_right_to_upload_is_checked_again_at_the_end(uploads):
    server = uploads.server
    login = server.user()
    own = Uploads(server, server.key(login, "native")["token"])
    path = created(own, data=HELLO[:5])
    assert uploads.how_far(path).status == 404 and uploads.append(path, 5, HELLO[5:], True).status == 404
    server.cais("user", "disable", login)
    assert own.append(path, 5, HELLO[5:], True).status in (401, 403)
    server.cais("user", "enable", login)
    unchanged(own, path, HELLO[:5], HELLO[5:])
