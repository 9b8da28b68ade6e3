# SPDX-License-Identifier: Apache-2.0
"""Resumable uploads with wrong numbers, broken metadata, false checksums, cut requests, rivals, and other people's uploads.

After each of them an upload is where HEAD says it is, and has exactly the bytes that were sent up to there."""
import os
import select
import time

import pytest

from server import Gone, Server, in_threads, request, wait_for
from test_login import hidden, logged_in, person
from uploads import INTEROP, OCTETS, PARTIAL, PATH, Uploads, checksum, chunked, digest, metadata, upload_offset

HELLO = b"hello world"
TUS = ("Tus-Resumable", "1.0.0")
CHUNKED = ("Transfer-Encoding", "chunked")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("bad-uploads"), sets=["logins.failures_per_address=0"]) as started:
        yield started


@pytest.fixture(scope="module")
def uploads(server):  # pylint: disable=redefined-outer-name
    return Uploads(server)


def holds(uploads, path, data, rest):
    """The upload has these bytes, and becomes a file with `rest` after them."""
    assert uploads.offset(path) == len(data)
    assert uploads.finish(path, data + rest) == data + rest


def last_reply(client):
    """The reply, or None if the connection was ended without one."""
    try:
        return client.answer()
    except Gone:
        return None


# ── numbers

NO_NUMBERS = ["-5", "+5", "-0", "0x5", "5.0", "5e0", "5 5", "5,5", "5;a=1", "\u0665", "5\u00a0", "NaN", "?1", "five", "'5'", '"5"', "_5",
              "1_0", str(2**63), str(2**64 + 5), "9" * 400, ""]


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_tus_takes_digits_alone_for_numbers(uploads, value):
    path = uploads.create(20)
    assert uploads.patch(path, 0, b"01234").status == 204
    assert uploads.tus("PATCH", path, [OCTETS, ("Upload-Offset", value)], b"x").status == 400
    assert uploads.patch(path, 5, b"x", {"Upload-Length": value}).status == 400
    assert uploads.tus("POST", PATH, {"Upload-Length": value}).status == 400
    holds(uploads, path, b"01234", b"x" * 15)
    deferred = uploads.create()
    assert uploads.patch(deferred, 0, b"01234", {"Upload-Length": value}).status == 400
    assert uploads.head(deferred).header("Upload-Defer-Length") == "1" and uploads.offset(deferred) == 0


@pytest.mark.parametrize("value", ["05", "0005", "0" * 300 + "5"])
def test_leading_zeros_are_refused_or_change_nothing_of_a_number(uploads, value):
    path = uploads.create(20)
    assert uploads.patch(path, 0, b"01234").status == 204
    answer = uploads.tus("PATCH", path, [OCTETS, ("Upload-Offset", value)], b"5")
    assert answer.status in (204, 400), answer
    holds(uploads, path, b"012345" if answer.status == 204 else b"01234", b"x" * (14 if answer.status == 204 else 15))


@pytest.mark.parametrize("offset", [0, 4, 6, 19, 20, 21, 2**31, 2**32 + 5, 2**49])
def test_a_wrong_offset_is_409_whatever_the_body(uploads, offset):
    path = uploads.create(20)
    assert uploads.patch(path, 0, b"01234").status == 204
    for body in (b"", b"x", b"x" * 100_000):
        answer = uploads.patch(path, offset, body)
        assert answer.status == 409 and upload_offset(answer) == 5, answer
    holds(uploads, path, b"01234", b"x" * 15)


@pytest.mark.parametrize("name,values", [("Upload-Offset", ("0", "0")), ("Upload-Offset", ("0", "1")), ("Upload-Length", ("11", "11")),
                                         ("Upload-Length", ("11", "12")), ("Tus-Resumable", ("1.0.0", "0.2.2")),
                                         ("Upload-Checksum", (checksum(HELLO), checksum(b""))), ("Content-Type", ("text/plain", OCTETS[1]))])
def test_a_header_that_comes_twice_is_refused(uploads, name, values):
    path = uploads.create(11)
    headers = [h for h in [TUS, OCTETS, ("Upload-Offset", "0"), ("Upload-Length", "11")] if h[0] != name]
    answer = uploads.ask("PATCH", path, [*headers, *((name, v) for v in values)], HELLO)
    assert answer.status in (400, 412, 415), answer
    holds(uploads, path, b"", HELLO)


@pytest.mark.parametrize("headers", [[("Upload-Length", "5"), ("Upload-Length", "5")], [("Upload-Length", "5"), ("Upload-Length", "6")],
                                     [("Upload-Defer-Length", "1"), ("Upload-Defer-Length", "1")],
                                     [("Upload-Length", "5"), ("Upload-Metadata", "a"), ("Upload-Metadata", "b")],
                                     [("Upload-Length", "5"), ("Upload-Concat", "partial"), ("Upload-Concat", "partial")]])
def test_a_creation_with_a_header_twice_is_400(uploads, headers):
    answer = uploads.tus("POST", PATH, headers)
    assert answer.status == 400 and answer.header("Location") is None, answer


def test_lengths_that_contradict_are_400(uploads):
    path = uploads.create(11)
    for length in (0, 10, 12, 2**40):
        assert uploads.patch(path, 0, HELLO, {"Upload-Length": str(length)}).status == 400
    answer = uploads.append(path, 0, HELLO[:5], complete=True)  # the draft counts the length of a last body
    assert answer.status == 400 and answer.json()["type"].endswith("#inconsistent-upload-length"), answer
    holds(uploads, path, b"", HELLO)


@pytest.mark.parametrize("size", [2**40, 2**62, 2**63 - 1])
def test_a_vast_length_takes_no_space(uploads, size):
    """It is refused, or nothing is set aside for it."""
    def used():
        state = os.statvfs(uploads.server.data)
        return (state.f_blocks - state.f_bavail) * state.f_frsize
    before = used()
    answer = uploads.tus("POST", PATH, [("Upload-Length", str(size)), OCTETS], HELLO)
    assert answer.status in (201, 400, 413, 507), answer
    assert used() - before < 1 << 30
    if answer.status == 201:
        path = uploads.path(answer)
        assert uploads.offset(path) == len(HELLO) and uploads.tus("DELETE", path).status == 204


# ── metadata


def test_metadata_may_hold_any_bytes(uploads):
    value = metadata(own=bytes(range(256)), zeros=bytes(1000))
    path = uploads.create(11, {"Upload-Metadata": value})
    uploads.finish(path, HELLO)
    assert uploads.head(path).header("Upload-Metadata") == value


@pytest.mark.parametrize("raw", [b"a\0b YQ==", b"a Y\0Q==", b"a YQ==\x7f", b"\xff\xfe YQ==", b"a \xc3\xa9", b"a YQ==,\x01 YQ=="])
def test_raw_control_characters_in_metadata_are_400(uploads, raw):
    with uploads.server.connect() as client:
        head = uploads.bytes("POST", PATH, [TUS, ("Upload-Length", "5"), ("Content-Length", "0")])
        client.send(head[:-2] + b"Upload-Metadata: " + raw + b"\r\n\r\n")
        assert client.answer().status == 400


def short_keys(count):
    letters = [chr(c) for c in range(33, 127) if chr(c) != ","]
    return ",".join((letters + [a + b for a in letters for b in letters])[:count])


def test_thousands_of_keys_are_kept_or_refused(uploads):
    """As many as 8 KiB hold, and one byte more is refused; so are 10,000 keys."""
    most = short_keys(2800)[:8192].rstrip(",")
    most = most[:most.rindex(",")]
    most += "," + "x" * (8192 - len(most) - 1)
    path = uploads.create(5, {"Upload-Metadata": most})
    assert uploads.head(path).header("Upload-Metadata") == most
    assert uploads.tus("POST", PATH, {"Upload-Length": "5", "Upload-Metadata": most + "y"}).status == 413
    many = uploads.tus("POST", PATH, {"Upload-Length": "5", "Upload-Metadata": ",".join(f"k{i}" for i in range(10_000))})
    assert many.status in (413, 431, 400), many
    twice = most[:4000] + ",!"  # the first key again, after a thousand others
    assert uploads.tus("POST", PATH, {"Upload-Length": "5", "Upload-Metadata": twice}).status == 400


def test_metadata_of_a_patch_change_nothing(uploads):
    path = uploads.create(11, {"Upload-Metadata": metadata(filename="first")})
    assert uploads.patch(path, 0, HELLO, {"Upload-Metadata": metadata(filename="second")}).status in (204, 400)
    assert uploads.head(path).header("Upload-Metadata") == metadata(filename="first")


# ── checksums


@pytest.mark.parametrize("size", [11, 70_000, 3_000_000])
def test_of_a_request_with_a_false_checksum_no_byte_counts(uploads, size):
    first, data = os.urandom(100_000), os.urandom(size)
    path = uploads.create(100_000 + size)
    assert uploads.patch(path, 0, first).status == 204
    for value in (checksum(first), checksum(data[:-1]), checksum(data + b"x"), checksum(b"", "crc32"), checksum(first, "md5")):
        assert uploads.patch(path, 100_000, data, {"Upload-Checksum": value}).status == 460
        assert uploads.offset(path) == 100_000
    holds(uploads, path, first, data)


def test_a_checksum_in_a_trailer_counts_only_if_it_was_announced(uploads):
    path = uploads.create(11)
    for announced in ((), [("Trailer", "X-Other")], [("Trailer", "Upload-Checksums")]):
        for value in (checksum(HELLO), checksum(b"other")):
            answer = uploads.patch(path, 0, chunked(HELLO, 2, [("Upload-Checksum", value)]), [CHUNKED, *announced])
            assert answer.status == 400, (announced, answer)
    for announced in ("upload-checksum", "X-Other, Upload-Checksum", "Upload-Checksum,X-Other"):
        answer = uploads.patch(path, 0, chunked(HELLO, 2, [("Upload-Checksum", checksum(b"other"))]), [CHUNKED, ("Trailer", announced)])
        assert answer.status == 460, (announced, answer)
    holds(uploads, path, b"", HELLO)


@pytest.mark.parametrize("trailer", [[], [("X-Other", "x")], [("Upload-Checksum", checksum(HELLO)), ("Upload-Checksum", checksum(b"other"))]],
                         ids=["none", "another", "twice"])
def test_an_announced_checksum_must_come_once(uploads, trailer):
    path = uploads.create(11)
    answer = uploads.patch(path, 0, chunked(HELLO, 2, trailer), [CHUNKED, ("Trailer", "Upload-Checksum")])
    assert answer.status == 400, answer
    holds(uploads, path, b"", HELLO)


def test_a_checksum_in_the_head_and_another_in_the_trailer_is_refused(uploads):
    path, head = uploads.create(11), [CHUNKED, ("Trailer", "Upload-Checksum")]
    for first, second in ((HELLO, b"other"), (b"other", HELLO)):
        answer = uploads.patch(path, 0, chunked(HELLO, 2, [("Upload-Checksum", checksum(second))]), [*head, ("Upload-Checksum", checksum(first))])
        assert answer.status in (400, 460), answer
    holds(uploads, path, b"", HELLO)


# ── concatenation


def refused(answer, *statuses):
    assert answer.status in statuses and answer.header("Location") is None, answer


def test_only_finished_parts_of_ones_own_are_concatenated(uploads):
    mine, other = uploads.part(b"mine"), Uploads(uploads.server)
    theirs = other.part(b"theirs")
    unfinished = uploads.create(5, {"Upload-Concat": "partial"})
    deferred = uploads.create(None, {"Upload-Concat": "partial"})
    assert uploads.patch(deferred, 0, b"x").status == 204
    whole = uploads.create(5)
    uploads.finish(whole, b"whole")
    final = uploads.path(uploads.concatenate([mine]))
    assert uploads.read(final) == b"mine"
    removed = uploads.part(b"x")
    assert uploads.tus("DELETE", removed).status == 204
    for bad, status in ((unfinished, 400), (deferred, 400), (whole, 400), (final, 400), (uploads.create(5), 400), (theirs, 404),
                        (removed, 404), (PATH + "/" + "0" * 32, 404)):
        for parts in ([bad], [mine, bad], [bad, mine], [mine] * 50 + [bad]):
            refused(uploads.concatenate(parts), status)
    refused(uploads.tus("POST", PATH, [("Upload-Concat", f"final;{mine} {theirs}")]), 404)
    assert uploads.read(uploads.path(uploads.concatenate([mine]))) == b"mine"
    assert other.read(other.path(other.concatenate([theirs]))) == b"theirs"


@pytest.mark.parametrize("url", ["x", "//", "/v1/native/files/x", PATH + "/../uploads/{id}", PATH + "/{id}/", PATH + "/{id}?a", PATH + "/{id}#a",
                                 "{id}", "http://{id}", "ftp://127.0.0.1" + PATH + "/{id}", PATH.upper() + "/{id}", PATH + "/%7Bid%7D"])
def test_the_url_of_a_part_has_the_form_that_location_has(uploads, url):
    part = uploads.part(b"hello")
    answer = uploads.concatenate([url.replace("{id}", part.rpartition("/")[2])])
    assert answer.status in (400, 404), answer


def test_a_part_that_comes_many_times(uploads):
    data = os.urandom(1000)
    part = uploads.part(data)
    path = uploads.path(uploads.concatenate([part] * 290))  # as many as the line of a header takes by default
    assert uploads.read(path) == data * 290
    assert uploads.head(path).header("Upload-Concat") == "final;" + " ".join([part] * 290)


@pytest.mark.slow_because("a thousand parts are uploaded and read back")
def test_a_thousand_parts_and_one_more(tmp_path):
    with Server(tmp_path, sets=["http.max_header_line=64K", "http.max_head_bytes=64K"]) as server:  # pylint: disable=redefined-outer-name
        uploads = Uploads(server)  # pylint: disable=redefined-outer-name
        pieces = [os.urandom(i % 700) for i in range(1000)]
        with server.connect() as client:
            parts = [uploads.path(uploads.tus("POST", PATH, [("Upload-Concat", "partial"), ("Upload-Length", str(len(p))), OCTETS], p, client))
                     for p in pieces]
        refused(uploads.concatenate([*parts, parts[0]]), 400, 413)
        path = uploads.path(uploads.concatenate(parts))
        assert uploads.read(path) == b"".join(pieces)
        assert uploads.head(path).header("Upload-Concat") == "final;" + " ".join(parts)


def test_parts_may_be_removed_after_the_concatenation(uploads):
    data = os.urandom(3_000_000)
    parts = [uploads.part(data[:1_000_000]), uploads.part(data[1_000_000:])]
    path = uploads.path(uploads.concatenate(parts))
    answer = uploads.tus("DELETE", parts[0])
    assert answer.status in (204, 409), answer  # 409: it is being copied
    assert uploads.read(path) == data
    for part in parts:
        assert uploads.tus("DELETE", part).status in (204, 404)
    assert uploads.read(path) == data


# ── cut requests


def came(raw, head, body, framing):
    """How many bytes of the body are in the first `raw` bytes of the request."""
    if framing == "length":
        return max(0, raw - head)
    count, at = 0, head  # chunks of one byte each: "1\r\nx\r\n"
    while at + 4 <= raw and count < body:
        count, at = count + 1, at + 6
    return count


@pytest.mark.parametrize("protocol", ["tus", "ietf"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_request_cut_at_every_byte_leaves_a_prefix(uploads, protocol, framing):
    body = b"0123456789abcdefghij"
    data = body * 200
    path, at = uploads.create(len(data)), 0
    short = [h for h in uploads.proof] + ([TUS, OCTETS] if protocol == "tus" else [PARTIAL, ("Upload-Complete", "?0")])
    cut, whole = 0, 0
    while True:
        piece = data[at:at + len(body)]
        size = CHUNKED if framing == "chunked" else ("Content-Length", str(len(piece)))
        head = request("PATCH", path, [*short, ("Upload-Offset", str(at)), size])
        raw = head + (chunked(piece, len(piece)) if framing == "chunked" else piece)
        if cut == len(raw):
            break
        with uploads.server.connect() as client:
            client.send(raw[:cut])
            client.half_close()
            answer = last_reply(client)  # 400, 408, or the end
            assert answer is None or answer.status >= 400 or (framing == "length" and len(raw) == cut), (cut, answer)
        at += came(cut, len(head), len(piece), framing)
        wait_for("the end of the cut request", lambda: uploads.offset(path) >= at)  # pylint: disable=cell-var-from-loop
        assert uploads.offset(path) == at, cut
        cut, whole = cut + 1, whole + 1
    assert whole > 250 and uploads.finish(path, data) == data


@pytest.mark.parametrize("protocol", ["tus", "ietf"])
def test_a_creation_cut_at_every_byte_leaves_no_wrong_upload(server, protocol):
    """What was begun has a prefix of the bytes, and is listed."""
    uploads = Uploads(server)  # pylint: disable=redefined-outer-name
    kind = [TUS, OCTETS, ("Upload-Length", "11")] if protocol == "tus" else [("Upload-Complete", "?1"), ("Upload-Length", "11")]
    raw = uploads.bytes("POST", PATH, kind, HELLO)
    for cut in range(len(raw)):
        with server.connect() as client:
            client.send(raw[:cut])
            client.half_close()
            answer = last_reply(client)
            assert answer is None or answer.status >= 400, (cut, answer)
    begun = list(uploads.every())
    assert 0 < len(begun) <= len(HELLO)
    for one in begun:
        assert one["state"] == "open" and one["offset"] < len(HELLO), one
        assert uploads.finish(PATH + "/" + one["id"], HELLO) == HELLO


def test_a_request_cut_by_a_reset_leaves_a_prefix(uploads):
    data = os.urandom(5_000_000)
    path = uploads.create(len(data))
    for share in (1, 2, 3, 4):
        at = uploads.offset(path)
        client = uploads.server.connect()
        client.send(uploads.bytes("PATCH", path, [TUS, OCTETS, ("Upload-Offset", str(at)), ("Content-Length", str(len(data) - at))]) +
                    data[at:share * 1_000_000])
        client.sock.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")  # SO_LINGER of no time: close sends a reset
        client.close()
        answer = wait_for("the end of the request", lambda: uploads.head(path))
        assert at <= upload_offset(answer) <= share * 1_000_000
    wait_for("the writer to be gone", lambda: uploads.patch(path, uploads.offset(path), b"").status == 204)
    assert uploads.finish(path, data) == data


# ── two writers


def begin(uploads, path, at, length, first, headers=()):
    """A connection with a PATCH of tus of which `first` was sent and has been received."""
    client = uploads.server.connect()
    client.send(uploads.bytes("PATCH", path, [TUS, OCTETS, ("Upload-Offset", str(at)), ("Content-Length", str(length)),
                                              ("Expect", "100-continue"), *headers]))
    assert client.answer(interim=True).status == 100
    client.send(first)
    return client


def first_writer(uploads):
    """An upload of 1000 bytes to which a request writes: it has sent ten. If the probe was faster than the request, try another one."""
    def attempt():
        path = uploads.create(1000)
        client = begin(uploads, path, 0, 1000, b"x" * 10)
        if uploads.patch(path, 0, b"").status == 423:
            return path, client
        client.close()
        return None
    return wait_for("a request that writes", attempt)


def test_a_second_writer_is_423_while_the_first_sends(uploads):
    path, client = first_writer(uploads)
    with client as first:
        sent, until = 10, time.monotonic() + 7  # longer than the silence for which a writer is ended
        while time.monotonic() < until and sent < 900:
            first.send(b"x")
            sent += 1
            at = uploads.offset(path)
            assert at <= sent
            answer = uploads.patch(path, at, b"y")
            assert answer.status in (409, 423), answer  # 409: a byte came between the question and the request
            select.select([first.sock], [], [], 0.02)
        first.send(b"x" * (1000 - sent))
        assert first.answer().status == 204
    assert uploads.read(path) == b"x" * 1000


def test_a_second_writer_goes_on_after_the_first_was_silent(uploads):
    path, client = first_writer(uploads)
    with client as first:
        began, seen = time.monotonic(), set()

        def second():
            at = uploads.offset(path)
            answer = uploads.patch(path, at, b"y" * (1000 - at))
            seen.add(answer.status)
            assert answer.status in (204, 409, 423), answer
            return answer.status == 204 and [at]
        at, = wait_for("the second writer", second)
        assert 3 < time.monotonic() - began < 20 and 423 in seen
        assert at <= 10
        last_reply(first)
        assert first.is_closed()
    assert uploads.read(path) == b"x" * at + b"y" * (1000 - at)


def test_a_terminated_upload_ends_its_writer(uploads):
    path = uploads.create(1 << 20)
    with begin(uploads, path, 0, 1 << 20, b"x" * 10) as first:
        wait_for("the end of the upload", lambda: uploads.tus("DELETE", path).status in (204, 404))
        first.send(b"x" * 100)
        answer = last_reply(first)
        assert answer is None or answer.status >= 400
    assert uploads.head(path).status == 404


def test_of_many_writers_each_byte_comes_from_one(uploads):
    """Eight senders of the same upload, who ask and send: their letters never mix within a piece that was acknowledged."""
    size, piece = 64_000, 1000
    path, pieces = uploads.create(size), {}

    def work(i):
        with uploads.server.connect() as client:
            while (at := upload_offset(uploads.head(path, client))) < size:
                answer = uploads.patch(path, at, bytes([65 + i]) * min(piece, size - at), client=client)
                assert answer.status in (204, 409, 413, 423), answer
                if answer.status == 204:
                    assert upload_offset(answer) == min(size, at + piece) and at not in pieces
                    pieces[at] = i
                elif answer.header("Connection") == "close":
                    client.close()
                    client.sock, client.seen = uploads.server.connect().sock, b""
    in_threads(8, work)
    assert sorted(pieces) == list(range(0, size, piece))
    assert uploads.read(path) == b"".join(bytes([65 + pieces[at]]) * piece for at in range(0, size, piece))


# ── other people, and keys that end


def test_what_belongs_to_another_user_is_404_in_every_method(server, uploads):
    path = uploads.create(11, {"Upload-Metadata": metadata(filename="secret name")})
    assert uploads.patch(path, 0, HELLO[:5]).status == 204
    done = uploads.create(6)
    uploads.finish(done, b"secret")
    admin = Uploads(server, server.native("--admin"))
    for other in (Uploads(server), admin):
        for target in (path, done):
            answers = [other.head(target), other.how_far(target), other.ask("GET", target), other.patch(target, 5, b"x"),
                       other.append(target, 5, b"x"), other.append(target, 5, b"", complete=True), other.tus("DELETE", target),
                       other.ask("DELETE", target), other.concatenate([target]),
                       other.tus("POST", target, {"X-HTTP-Method-Override": "DELETE"})]
            assert [a.status for a in answers] == [404] * len(answers), answers
            for answer in answers:
                assert b"secret" not in answer.body and answer.header("Upload-Metadata") is None
        assert other.listed(path) is None
    holds(uploads, path, HELLO[:5], HELLO[5:])


@pytest.mark.parametrize("proof", [[], [("Authorization", "Bearer x")], [("Authorization", "Basic eDp4")], [("Cookie", "cais=x")]])
def test_without_a_proof_every_method_but_options_is_401(server, uploads, proof):
    path, nobody = uploads.create(11), Uploads(server, proof=proof)
    for answer in (nobody.head(path), nobody.how_far(path), nobody.ask("GET", path), nobody.ask("GET", PATH), nobody.patch(path, 0, HELLO),
                   nobody.append(path, 0, HELLO), nobody.tus("DELETE", path), nobody.tus("POST", PATH, {"Upload-Length": "5"}),
                   nobody.begin(True, HELLO), nobody.tus("GET", path, {"X-HTTP-Method-Override": "DELETE"})):
        assert answer.status == 401, answer
    assert nobody.ask("OPTIONS", PATH).status == 204
    holds(uploads, path, b"", HELLO)


@pytest.mark.parametrize("how", ["key", "user"])
@pytest.mark.parametrize("protocol", ["tus", "ietf"])
def test_a_key_that_is_revoked_in_the_middle_completes_nothing(server, how, protocol):
    login = server.user()
    made, other = server.key(login, "native"), server.key(login, "native")
    uploads, after = Uploads(server, made["token"]), Uploads(server, other["token"])  # pylint: disable=redefined-outer-name
    path = uploads.create(1000)
    kind = [TUS, OCTETS] if protocol == "tus" else [PARTIAL, ("Upload-Complete", "?1")]
    before = len(server.files())
    with server.connect() as client:
        client.send(uploads.bytes("PATCH", path, [*kind, ("Upload-Offset", "0"), ("Content-Length", "1000"), ("Expect", "100-continue")]))
        assert client.answer(interim=True).status == 100
        client.send(b"x" * 500)
        if how == "key":
            server.cais("key", "revoke", str(made["id"]))
        else:
            server.cais("user", "disable", login)
        client.send(b"x" * 500)
        answer = last_reply(client)
        assert answer is None or answer.status in (401, 403), answer
    assert uploads.head(path).status in (401, 403) and uploads.patch(path, 0, b"x").status in (401, 403)
    assert len(server.files()) == before
    if how == "user":
        assert after.head(path).status in (401, 403)
        server.cais("user", "enable", login)
    at = after.offset(path)
    assert at < 1000 and after.finish(path, b"x" * 1000) == b"x" * 1000


def test_a_session_needs_its_csrf_token_for_what_changes_something(server):
    browser = logged_in(server, person(server))
    csrf = [("X-CSRF-Token", hidden(browser.get("/portal"))["csrf"])]
    uploads = Uploads(server, proof=browser.cookie())  # pylint: disable=redefined-outer-name
    for wrong in ([], [("X-CSRF-Token", "x")], [("X-CSRF-Token", "")]):
        assert uploads.tus("POST", PATH, [("Upload-Length", "11"), *wrong]).status == 403
        assert uploads.begin(True, HELLO, wrong).status == 403
    path = uploads.create(11, csrf)
    assert uploads.patch(path, 0, HELLO[:5]).status == 403 and uploads.append(path, 0, HELLO[:5]).status == 403
    assert uploads.tus("DELETE", path).status == 403 and uploads.ask("DELETE", path).status == 403
    assert uploads.patch(path, 0, HELLO[:5], csrf).status == 204
    assert uploads.head(path).status == 200 and uploads.how_far(path).status == 204 and uploads.ask("GET", path).status == 200
    # The method that counts is that of the override.
    for method in ("GET", "HEAD", "POST"):
        for override in ("DELETE", "PATCH"):
            answer = uploads.tus(method, path, [("X-HTTP-Method-Override", override), OCTETS, ("Upload-Offset", "5")],
                                 HELLO[5:] if method == "POST" else None)
            assert answer.status == 403, (method, override, answer)
    assert uploads.tus("POST", path, {"X-HTTP-Method-Override": "HEAD"}).status == 200
    assert uploads.offset(path) == 5
    assert uploads.patch(path, 5, HELLO[5:], csrf).status == 204
    assert uploads.ask("GET", uploads.head(path).header("Content-Location")).body == HELLO
    assert uploads.tus("DELETE", path, csrf).status == 204


# ── the override of the method


@pytest.mark.parametrize("value", ["patch", "PATCH ,", "PATCH, DELETE", "DELETE\x0b", "TRACE", "CONNECT", "\u0130", "X" * 5000, "PUT"])
def test_an_override_that_is_no_method_here_does_nothing(uploads, value):
    path = uploads.create(11)
    for method in ("POST", "PATCH", "DELETE", "GET"):
        answer = uploads.tus(method, path, [("X-HTTP-Method-Override", value), OCTETS, ("Upload-Offset", "0")], HELLO)
        assert 400 <= answer.status < 500 or answer.status == 501, (method, answer)
    holds(uploads, path, b"", HELLO)


def test_two_overrides_do_nothing(uploads):
    path = uploads.create(11)
    answer = uploads.tus("POST", path, [("X-HTTP-Method-Override", "HEAD"), ("X-HTTP-Method-Override", "DELETE")])
    assert answer.status == 400, answer
    holds(uploads, path, b"", HELLO)


def test_other_paths_have_no_override(server, uploads):
    made = server.ask("PUT", "/v1/native/files/a", uploads.proof, HELLO).json()
    for method in ("GET", "HEAD", "POST"):
        server.ask(method, "/v1/native/files/" + made["id"], [*uploads.proof, ("X-HTTP-Method-Override", "DELETE")])
    assert server.ask("GET", "/v1/native/files/" + made["id"], uploads.proof).body == HELLO


# ── clients that trickle, and many uploads


def test_a_client_that_trickles_is_cut_and_its_bytes_count(tmp_path):
    with Server(tmp_path, sets=["http.body_rate_window=1s"]) as server:  # pylint: disable=redefined-outer-name
        uploads = Uploads(server)  # pylint: disable=redefined-outer-name
        path, data = uploads.create(100_000), os.urandom(100_000)
        with begin(uploads, path, 0, 100_000, b"") as client:
            sent = 0
            while client.send(data[sent:sent + 1]) and sent < 2000:
                sent += 1
                if select.select([client.sock], [], [], 0.02)[0]:
                    break  # a reply, or the end
            assert sent < 2000
            answer = last_reply(client)
            assert answer is None or answer.status in (400, 503)
        at = wait_for("the bytes that came", lambda: uploads.offset(path))
        assert 0 < at <= sent + 1
        assert uploads.finish(path, data) == data


def test_200_clients_that_trickle_do_not_block_another(tmp_path):
    with Server(tmp_path) as server:  # pylint: disable=redefined-outer-name
        uploads = Uploads(server)  # pylint: disable=redefined-outer-name
        paths = [uploads.create(1000) for _ in range(200)]
        clients = [begin(uploads, path, 0, 1000, b"x") for path in paths]
        data = os.urandom(3_000_000)
        path = uploads.create(len(data))
        assert uploads.finish(path, data) == data
        for client in clients:
            assert client.send(b"x" * 9)
            client.close()
        for path in paths:
            wait_for("the bytes of the slow", lambda: uploads.offset(path) == 10)  # pylint: disable=cell-var-from-loop


def test_a_thousand_open_uploads_are_listed_page_by_page(server):
    uploads = Uploads(server)  # pylint: disable=redefined-outer-name
    with server.connect() as client:
        made = {uploads.path(uploads.tus("POST", PATH, {"Upload-Length": str(i + 1)}, client=client)) for i in range(1000)}
    for limit in (100, 33):
        seen, after = [], ""
        while after is not None:
            page = uploads.ask("GET", f"{PATH}?limit={limit}{after}").json()
            seen += [PATH + "/" + one["id"] for one in page["uploads"]]
            assert len(page["uploads"]) <= limit
            after = "&after=" + page["next"] if page.get("next") else None
        assert len(seen) == 1000 and set(seen) == made
    for query in ("limit=0", "limit=101", "limit=-1", "limit=x", "after=x", "after=%00"):
        assert uploads.ask("GET", f"{PATH}?{query}").status == 400, query


# ── digests of the draft


@pytest.mark.parametrize("name", ["Content-Digest", "Repr-Digest"])
@pytest.mark.parametrize("value", ["sha-256", "sha-256=x", "sha-256=:x:", "sha-256=:YQ==:", "sha-256=:YQ:", ":YQ==:", "=", "sha-256=1",
                                   digest(HELLO)[:-1], digest(HELLO) + ",", digest(HELLO) + ";", "SHA-256=" + digest(HELLO)[8:], "\u00e9=:YQ==:"])
def test_a_digest_of_another_form_is_400(server, uploads, name, value):
    before = len(server.files())
    answer = uploads.begin(True, HELLO, {name: value})
    assert answer.status == 400 and answer.json()["status"] == 400, answer
    assert len(server.files()) == before


def test_a_request_of_both_protocols_is_one_of_tus(uploads):
    """Tus-Resumable decides, and then its rules count."""
    path = uploads.create(11)
    answer = uploads.tus("PATCH", path, [PARTIAL, ("Upload-Offset", "0"), ("Upload-Complete", "?0"), INTEROP], HELLO)
    assert answer.status == 415, answer
    holds(uploads, path, b"", HELLO)


def test_a_question_of_tus_completes_an_upload_that_has_all_its_bytes(uploads):
    """A client of tus that hears of the last byte sends nothing more, whoever left the upload open, and whatever ended the server."""
    answer = uploads.begin(False, HELLO, {"Upload-Length": "11"})
    path = uploads.path(answer)
    assert uploads.how_far(path).header("Upload-Complete") == "?0"
    head = uploads.head(path)
    assert upload_offset(head) == 11 and uploads.ask("GET", head.header("Content-Location")).body == HELLO
    assert uploads.how_far(path).header("Upload-Complete") == "?1"
