# SPDX-License-Identifier: Apache-2.0
"""Malformed requests. Each gets an error in the form of its API, nothing is stored, memory stays bounded, and the server
answers the next request."""

import json
import xml.etree.ElementTree as ET

import pytest

from server import (FORM, Gone, Server, bearer, content_md5, file_part, form, in_threads, is_native_error,
                    is_pyrus_error, json_head, request, wait_for)

MAX_FILE = 300_000
UPLOAD, PUT = "/v4/files/upload", "/v1/native/files/a.bin"
UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    sets = [f"pyrus.max_file_size={MAX_FILE}", f"native.max_file_size={MAX_FILE}", "pyrus.rate_limit=0"]
    with Server(tmp_path_factory.mktemp("bad"), sets=sets) as server:
        server.pyrus_token, server.native_token = server.pyrus(), server.native()
        yield server


@pytest.fixture
def server(shared):
    """The shared server. A test must not change its files, and it must still answer afterwards."""
    before = shared.files()
    yield shared
    assert shared.files() == before
    assert shared.ask("GET", "/health").json()["status"] == "ok"


def upload(server, body, headers=(FORM,), token=None):
    return server.ask("POST", UPLOAD, [*headers, *bearer(token or server.pyrus_token)], body)


def put(server, body, headers=(), target=PUT):
    return server.ask("PUT", target, [*headers, *bearer(server.native_token)], body)


# ── malformed heads

HUGE = "x" * (1 << 20)
HEADS = {
    "10,000 headers": (b"".join(b"X-%d: y\r\n" % i for i in range(10_000)), 431, "too_large"),
    "101 headers": (b"".join(b"X-%d: y\r\n" % i for i in range(101)), 431, "too_large"),
    "a line of 1 MiB": (b"X: " + HUGE.encode() + b"\r\n", 431, "too_large"),
    "a name of 1 MiB": (HUGE.encode() + b": x\r\n", 431, "too_large"),
    "NUL in a value": (b"X: a\0b\r\n", 400, "invalid"),
    "control character in a value": (b"X: a\x01b\r\n", 400, "invalid"),
    "blank before the colon": (b"X : a\r\n", 400, "invalid"),
    "no colon": (b"nothing\r\n", 400, "invalid"),
    "folded line": (b"X: a\r\n b\r\n", 400, "invalid"),
    "two lengths": (b"Content-Length: 1\r\nContent-Length: 2\r\n", 400, "invalid"),
    "negative length": (b"Content-Length: -1\r\n", 400, "invalid"),
    "length of letters": (b"Content-Length: five\r\n", 400, "invalid"),
    "length beyond 64 bits": (b"Content-Length: 99999999999999999999999\r\n", 400, "invalid"),
    "length and chunks": (b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", 400, "invalid"),
    "an unknown coding": (b"Transfer-Encoding: gzip\r\n", 501, "unsupported"),
    "an unknown expectation": (b"Expect: tea\r\n", 417, "invalid"),
    "two hosts": (b"Host: b\r\n", 400, "invalid"),
}


@pytest.mark.parametrize("what", HEADS)
@pytest.mark.parametrize("api", ["pyrus", "native"])
def test_a_malformed_head_gets_an_error_in_the_form_of_its_api(server, api, what):
    lines, status, code = HEADS[what]
    token = server.pyrus_token if api == "pyrus" else server.native_token
    line = f"POST {UPLOAD}" if api == "pyrus" else f"PUT {PUT}"
    with server.connect() as client:
        client.send(f"{line} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n".encode() + lines + b"\r\n")
        answer = client.answer()
        if api == "pyrus":
            is_pyrus_error(answer, status, "invalid_input")
        else:
            is_native_error(answer, status, code)
        if status != 417:
            assert answer.header("Connection") == "close" and client.is_closed()


@pytest.mark.parametrize("line,status", [
    ("GET /v1/native/files HTTP/3.0", 505), ("GET /v1/native/files HTTP/1.x", 400),
    ("get /v1/native/files HTTP/1.1", 501), ("GET v1/native HTTP/1.1", 400), ("GET /v1/native/%00 HTTP/1.1", 400),
    ("GET /v1/native/%zz HTTP/1.1", 400), ("GET /v1/native/\x7f HTTP/1.1", 400), ("\x16\x03\x01 / HTTP/1.1", 400),
    ("GET /" + HUGE + " HTTP/1.1", 431), ("X" * 100_000, 400),
], ids=lambda value: str(value)[:40])
def test_a_malformed_request_line_gets_an_error_in_the_form_of_the_api_of_its_path(server, line, status):
    with server.connect() as client:
        client.send(line.encode("latin-1") + b"\r\nHost: a\r\n\r\n")
        answer = client.answer()
        assert answer.status == status, answer
        if answer.header("Content-Type") == "application/json":
            assert answer.json()["error"]["code"]
        else:
            assert ET.fromstring(answer.body).findtext("Code"), answer
        assert answer.header("X-Request-Id")


# ── bodies that are too short, too long, or framed wrongly


@pytest.mark.parametrize("kept", [0, 1, 3000, 200_000])
@pytest.mark.parametrize("api", ["pyrus", "native"])
def test_a_body_that_ends_early_gets_an_error_and_nothing_is_stored(server, api, kept):
    data = b"x" * 250_000
    with server.connect() as client:
        if api == "pyrus":
            client.send(request("POST", UPLOAD, [FORM, *bearer(server.pyrus_token)], form(file_part("a", data)))[:-1 - len(data) + kept])
        else:
            client.send(request("PUT", PUT, bearer(server.native_token), data)[:len(data) * -1 + kept])
        client.half_close()
        answer = client.answer()
    if api == "pyrus":
        is_pyrus_error(answer, 400, "bad_multipart_content")
    else:
        is_native_error(answer, 400, "invalid")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_sender_that_disconnects_leaves_nothing(server, chunked):
    for method, line, token, extra in (("POST", UPLOAD, server.pyrus_token, [FORM]), ("PUT", PUT, server.native_token, [])):
        framing = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", "250000")
        before = server.metrics()["cais_http_received_bytes_total"]
        with server.connect() as client:
            client.send(request(method, line, [framing, *extra, *bearer(token)]) + (b"10000\r\n" if chunked else b"") +
                        form(file_part("a", b"y" * 30_000), close=False))
            wait_for("the bytes to arrive",
                     lambda: server.metrics()["cais_http_received_bytes_total"] >= before + 30_000)


def test_bodies_above_the_limit_are_refused_by_declared_and_by_received_length(server):
    is_pyrus_error(upload(server, form(file_part("a", b"x" * (MAX_FILE + 1)))), 400, "too_large_request_length")
    is_native_error(put(server, b"x" * (MAX_FILE + 1)), 413, "too_large")
    for method, target, token, extra, check, code, status in (
            ("POST", UPLOAD, server.pyrus_token, [FORM], is_pyrus_error, "too_large_request_length", 400),
            ("PUT", PUT, server.native_token, [], is_native_error, "too_large", 413)):
        with server.connect() as client:  # refused by the declared length
            client.send(request(method, target, [("Content-Length", 10 ** 12), ("Expect", "100-continue"), *extra,
                                                 *bearer(token)]))
            check(client.answer(interim=True), status, code)
        with server.connect() as client:  # refused by the received length
            client.send(request(method, target, [("Transfer-Encoding", "chunked"), *extra, *bearer(token)]))
            data = form(file_part("a", b"x" * (MAX_FILE + 1)))
            client.send(b"%x\r\n%s\r\n" % (len(data), data))
            check(client.answer(), status, code)


def test_a_file_of_exactly_the_limit_is_accepted(shared):
    answer = upload(shared, form(file_part("a", b"x" * MAX_FILE)))
    assert answer.status == 200, answer
    assert put(shared, b"x" * MAX_FILE).status == 201


CHUNKS = {
    "letters": b"zz\r\nhello\r\n0\r\n\r\n", "negative": b"-5\r\nhello\r\n0\r\n\r\n", "hexadecimal mark": b"0x5\r\nhello\r\n0\r\n\r\n",
    "beyond 64 bits": b"fffffffffffffffff\r\nhello", "no line end": b"5\r\nhelloX0\r\n\r\n", "bare newlines": b"5\nhello\n0\n\n",
    "nothing": b"\r\n\r\n", "an endless extension": b"5;" + b"x" * 100_000 + b"\r\nhello\r\n0\r\n\r\n",
    "endless trailers": b"5\r\nhello\r\n0\r\n" + b"A: b\r\n" * 20_000 + b"\r\n", "a blank in front": b" 5\r\nhello\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("what", CHUNKS)
def test_malformed_chunks_get_an_error_in_the_form_of_the_api(server, what):
    for method, target, token, extra in (("POST", UPLOAD, server.pyrus_token, [FORM]), ("PUT", PUT, server.native_token, [])):
        with server.connect() as client:
            client.send(request(method, target, [("Transfer-Encoding", "chunked"), *extra, *bearer(token)]) + CHUNKS[what])
            answer = client.answer()
        if method == "POST":
            is_pyrus_error(answer, 400, "bad_multipart_content")
        else:
            is_native_error(answer, 400, "invalid")


def test_a_wrong_digest_is_refused(server):
    is_native_error(put(server, b"hello", [("Content-MD5", content_md5(b"hullo"))]), 422, "digest_mismatch")
    is_native_error(put(server, b"x" * 100_000, [("Content-MD5", content_md5(b"hullo"))]), 422, "digest_mismatch")
    for wrong in ("", "x", "=" * 24, "5d41402abc4b2a76b9719d911017c592", content_md5(b"hello")[:-4]):
        is_native_error(put(server, b"hello", [("Content-MD5", wrong)]), 400, "invalid")


# ── multipart

HELLO = file_part("a.txt", b"hello")
DISPOSITION = b"Content-Disposition: form-data; name=f; filename=a"
MULTIPART = {
    "no boundary": (("multipart/form-data", form(HELLO)), "bad_multipart_content"),
    "an empty boundary": (("multipart/form-data; boundary=", form(HELLO)), "bad_multipart_content"),
    "a boundary of 71 bytes": (("multipart/form-data; boundary=" + "b" * 71, form(HELLO, boundary="b" * 71)), "bad_multipart_content"),
    "an open quote": (('multipart/form-data; boundary="b0und', form(HELLO)), "bad_multipart_content"),
    "another boundary": (("multipart/form-data; boundary=other", form(HELLO)), "bad_multipart_content"),
    "another type": (("multipart/mixed; boundary=b0und", form(HELLO)), "bad_multipart_content"),
    "JSON": (("application/json", b'{"file": "hello"}'), "bad_multipart_content"),
    "nothing at all": ((FORM[1], b""), "bad_multipart_content"),
    "no closing boundary": ((FORM[1], form(HELLO, close=False)), "bad_multipart_content"),
    "only the closing boundary": ((FORM[1], form()), "no_file_in_request"),
    "no empty line": ((FORM[1], b"--b0und\r\n" + DISPOSITION + b"\r\nhello\r\n--b0und--\r\n"), "bad_multipart_content"),
    "two files": ((FORM[1], form(HELLO, HELLO)), "bad_multipart_content"),
    "a second, empty file": ((FORM[1], form(HELLO, file_part("b", b""))), "bad_multipart_content"),
    "an empty file": ((FORM[1], form(file_part("a", b""))), "empty_file"),
    "a part without a file name": ((FORM[1], form((b'Content-Disposition: form-data; name="file"', b"hello"))), "no_file_in_request"),
    "a part without a disposition": ((FORM[1], form((b"Content-Type: text/plain", b"hello"))), "no_file_in_request"),
    "a part without a head": ((FORM[1], form((b"", b"hello"))), "no_file_in_request"),
    "a control character in a header": ((FORM[1], form((DISPOSITION + b"\r\nX: a\x01b", b"hello"))), "bad_multipart_content"),
    "a folded line of blanks": ((FORM[1], form((DISPOSITION + b"\r\n \r\nX: y", b"hello"))), "bad_multipart_content"),
    "NUL in a name": ((FORM[1], form(file_part(b"a\0b", b"hello"))), "bad_multipart_content"),
    "a head of 9 KiB": ((FORM[1], form((DISPOSITION + b"\r\nX: " + b"y" * 9216, b"hello"))), "bad_multipart_content"),
    "a head that does not end": ((FORM[1], b"--b0und\r\n" + b"X" * 200_000), "bad_multipart_content"),
    "33 lines of head": ((FORM[1], form((DISPOSITION + b"\r\nX: y" * 33, b"hello"))), "bad_multipart_content"),
    "1,001 parts": ((FORM[1], form(*[(b"Content-Disposition: form-data; name=x", b"")] * 1000, HELLO)), "bad_multipart_content"),
    "base64": ((FORM[1], form((DISPOSITION + b"\r\nContent-Transfer-Encoding: base64", b"aGVsbG8="))), "bad_multipart_content"),
    "a name of 256 bytes": ((FORM[1], form(file_part("n" * 256, b"hello"))), "max_file_name_length_exceeded"),
    "a name of 128 letters of two bytes": ((FORM[1], form(file_part("ж" * 128, b"hello"))), "max_file_name_length_exceeded"),
    "NUL in a part's head": ((FORM[1], form((DISPOSITION + b"\r\nX: a\0b", b"hello"))), "bad_multipart_content"),
}


@pytest.mark.parametrize("what", MULTIPART)
def test_a_malformed_form_gets_the_code_of_its_error(server, what):
    (kind, body), code = MULTIPART[what]
    is_pyrus_error(upload(server, body, [("Content-Type", kind)]), 400, code)


@pytest.mark.parametrize("sent,kept", [
    (b"\xff\xfe.txt", "ÿþ.txt"), (b"..", "file"), (b"../../etc/passwd", "passwd"),
    ("ж".encode() * 127, "ж" * 127), (b"", "file"), (b"C:\\x\\y.txt", "y.txt"), (b"a%0D%0Ab%22", 'ab"'),
    (b"a\x01\x1b\x7fb.txt", "ab.txt"), (b"report\\", "file"),
])
def test_names_in_forms_are_cleaned_and_never_become_paths(shared, sent, kept):
    answer = upload(shared, form(file_part(sent, b"hello")))
    assert answer.status == 200, answer
    assert next(f["name"] for f in shared.files() if f["id"] == answer.json()["guid"]) == kept


def test_encoded_control_characters_in_a_name_are_removed(shared):
    head = b"Content-Disposition: form-data; name=f; filename*=UTF-8''a%01%1F%7F%0Ab.txt"
    guid = upload(shared, form((head, b"hello"))).json()["guid"]
    assert next(f["name"] for f in shared.files() if f["id"] == guid) == "ab.txt"


@pytest.mark.parametrize("segment,status,code", [
    ("%FF", 400, "invalid"), ("%C0%AF", 400, "invalid"), ("%ED%A0%80", 400, "invalid"), ("n" * 256, 413, "too_large"),
    ("%D0%B6" * 128, 413, "too_large"), ("a%00b", 400, "invalid"), ("%4", 400, "invalid"),
])
def test_the_native_api_refuses_invalid_names(server, segment, status, code):
    is_native_error(put(server, b"hello", target="/v1/native/files/" + segment), status, code)


@pytest.mark.parametrize("segment,kept", [("a%01%0Ab", "ab"), ("%2E%2E", "file"), ("..%2F..%2Fetc%2Fpasswd", "passwd"),
                                          ("%D0%B6" * 127, "ж" * 127)])
def test_the_native_api_cleans_names(shared, segment, kept):
    answer = put(shared, b"hello", target="/v1/native/files/" + segment)
    assert answer.status == 201 and answer.json()["name"] == kept, answer


# ── JSON

BAD_JSON = {
    "nothing": (b"", "empty_body"), "blanks": (b" \r\n\t", "empty_body"), "no object": (b"[1]", "invalid_json"),
    "cut": (b'{"text": "a"', "invalid_json"), "two values": (b"{} {}", "invalid_json"), "a trailing comma": (b'{"a": 1,}', "invalid_json"),
    "10,000 deep": (b'{"text":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "invalid_json"),
    "10,000 open": (b'{"a":' * 10_000, "invalid_json"), "invalid UTF-8": (b'{"text": "\xff"}', "invalid_json"),
    "half a surrogate": (b'{"text": "\\ud800"}', "invalid_json"), "NUL": (b'{"text": "\\u0000"}', "invalid_json"),
    "a raw control character": (b'{"text": "a\x01"}', "invalid_json"), "duplicate members": (b'{"text": "a", "text": "b"}', "invalid_json"),
    "more than 1 MiB": (b'{"text": "' + b"x" * (1 << 20) + b'"}', "too_large_request_length"),
    "not a number": (b'{"text": NaN}', "invalid_json"), "a huge exponent": (b'{"text": 1e999999}', "invalid_json"),
}


@pytest.mark.parametrize("what", BAD_JSON)
@pytest.mark.parametrize("target", ["/v4/auth", "/v4/tasks", "/v4/tasks/1/comments"])
def test_invalid_json_gets_the_code_of_its_error(server, target, what):
    body, code = BAD_JSON[what]
    if target == "/v4/auth" and len(body) > 4096:  # a login is short, and its body is limited accordingly
        code = "too_large_request_length"
    is_pyrus_error(server.ask("POST", target, json_head(server.pyrus_token), body), 400, code)


def test_json_of_more_than_1_mib_in_chunks_is_refused(server):
    with server.connect() as client:
        client.send(request("POST", "/v4/tasks", [("Transfer-Encoding", "chunked"), *json_head(server.pyrus_token)]))
        for _ in range(33):
            client.send(b"8000\r\n" + b" " * 0x8000 + b"\r\n")
        client.send(b"0\r\n\r\n")
        is_pyrus_error(client.answer(), 400, "too_large_request_length")


@pytest.mark.parametrize("body,code", [
    ({}, "text_missing"), ({"text": "a", "attachments": ["no guid"]}, "unrecognized_attachment_id"),
    ({"text": "a", "attachments": [UNKNOWN_ID]}, "unrecognized_attachment_id"),
    ({"text": "a", "attachments": [{"guid": UNKNOWN_ID, "attachment_id": 1}]}, "invalid_value_format"),
    ({"text": 5}, "invalid_value_format"), ({"text": "a", "due_date": "2026-13-01"}, "invalid_value_format"),
    ({"text": "a", "participants": [{"id": 2147483647}]}, "invalid_person_id"),
    ({"text": "a", "participants": [{"email": "no@example.org"}]}, "invalid_email"),
])
def test_invalid_values_get_the_code_of_their_error(server, body, code):
    is_pyrus_error(server.ask("POST", "/v4/tasks", json_head(server.pyrus_token), json.dumps(body).encode()), 400, code)


# ── paths, methods, ranges, ids


def test_unknown_paths_and_methods_get_an_error_in_the_form_of_the_api(server):
    for target in ("/v4/nothing", "/api/v4/nothing", "/files/nothing/1", "/services/nothing", "/v4", "/v4/files/download"):
        answer = server.ask("GET", target, bearer(server.pyrus_token))
        is_pyrus_error(answer, 404, "invalid_input")
        assert answer.json()["Message"] == answer.json()["error"]
    for target in ("/v1/native/nothing", "/v1/native", "/v1/native/files/a/b/c"):
        is_native_error(server.ask("GET", target, bearer(server.native_token)), 404, "not_found")
    for method, target, check, code, allow in (
            ("PUT", UPLOAD, is_pyrus_error, "invalid_input", "POST"), ("DELETE", "/v4/tasks", is_pyrus_error, "invalid_input", "POST"),
            ("POST", "/v1/native/files", is_native_error, "invalid", "GET"), ("POST", PUT, is_native_error, "invalid", "PUT")):
        answer = server.ask(method, target, bearer(server.pyrus_token), b"{}")
        check(answer, 405, code)
        assert allow in answer.header("Allow"), answer


@pytest.fixture(scope="module")
def kept(shared):
    """A file uploaded through each API. Returns (native id, GUID)."""
    native = put(shared, b"0123456789").json()["id"]
    return native, upload(shared, form(file_part("a", b"0123456789"))).json()["guid"]


def downloads(server, kept):
    return (("/v1/native/files/" + kept[0], server.native_token), ("/v4/files/download/" + kept[1], server.pyrus_token))


@pytest.mark.parametrize("value", ["bytes=10-", "bytes=100-200", "bytes=-0"])
def test_a_range_outside_the_file_gets_416_in_the_form_of_the_api(server, kept, value):
    for target, token in downloads(server, kept):
        answer = server.ask("GET", target, [("Range", value), *bearer(token)])
        assert answer.header("Content-Range") == "bytes */10", answer
        if target.startswith("/v4"):
            is_pyrus_error(answer, 416, "invalid_input")
        else:
            is_native_error(answer, 416, "invalid")


def test_a_failed_precondition_gets_412_in_the_form_of_the_api(server, kept):
    for target, token in downloads(server, kept):
        answer = server.ask("GET", target, [("If-Match", '"no"'), *bearer(token)])
        if target.startswith("/v4"):
            is_pyrus_error(answer, 412, "invalid_input")
        else:
            is_native_error(answer, 412, "conflict")


@pytest.mark.parametrize("value", ["bytes=5-2", "bytes=a-b", "bytes", "lines=1-2", "bytes=0-1,3-4", "bytes=--1", "bytes=" + "9" * 40 + "-",
                                   "bytes=1-2-3"])
def test_an_invalid_range_returns_the_whole_file(server, kept, value):
    for target, token in downloads(server, kept):
        answer = server.ask("GET", target, [("Range", value), *bearer(token)])
        assert (answer.status, answer.body) in ((200, b"0123456789"), (416, answer.body)), answer
        assert answer.status == 200 or value.startswith("bytes=999")


def test_invalid_ids_get_an_error_in_the_form_of_the_api(server):
    token = bearer(server.pyrus_token)
    for bad in ("x", "-1", "1.5", "0x1", "%20", UNKNOWN_ID[:-1], "1e3"):
        is_pyrus_error(server.ask("GET", "/v4/files/download/" + bad, token), 400, "invalid_value_format")
        is_pyrus_error(server.ask("GET", "/services/attachment?Id=" + bad, token), 400, "invalid_value_format")
    is_pyrus_error(server.ask("GET", "/services/attachment", token), 400, "invalid_value_format")
    for unknown in ("0", "5", "2147483648", "9" * 40, UNKNOWN_ID):
        is_pyrus_error(server.ask("GET", "/v4/files/download/" + unknown, token), 403, "access_denied_file")
    for unknown in ("0", "5", "9" * 40):
        is_pyrus_error(server.ask("GET", "/v4/tasks/" + unknown, token), 403, "access_denied_task")
    for bad in ("x", "5", UNKNOWN_ID, UNKNOWN_ID[:-1], "%FF", "%20"):
        for method, rest in (("GET", ""), ("GET", "/info"), ("DELETE", "")):
            is_native_error(server.ask(method, f"/v1/native/files/{bad}{rest}", bearer(server.native_token)), 404, "not_found")
    for query in ("limit=0", "limit=1001", "limit=x", "after=x", "after=-1", "state=x", "limit=%zz", "name=%FF%ff%"):
        is_native_error(server.ask("GET", "/v1/native/files?" + query, bearer(server.native_token)), 400, "invalid")


def test_missing_and_invalid_credentials_get_401_in_the_form_of_the_api(server):
    for headers, code in (([], "token_not_specified"), ([("Authorization", "")], "token_not_specified"),
                          ([("Authorization", "Bearer")], "token_not_specified"), (bearer("x"), "invalid_token"),
                          ([("Authorization", "Basic eDp5")], "invalid_token"), (bearer("y" * 8000), "invalid_token"),
                          (bearer(server.native_token), "invalid_token")):
        is_pyrus_error(server.ask("POST", UPLOAD, [FORM, *headers], form(HELLO)), 401, code)
    for headers in ([], [("Authorization", "")], bearer("x"), [("Authorization", "Basic eDp5")], bearer(server.pyrus_token)):
        answer = server.ask("PUT", PUT, headers, b"hello")
        is_native_error(answer, 401, "unauthenticated")
        assert answer.header("WWW-Authenticate") == "Bearer"


def test_a_connection_stays_open_after_an_error_that_is_not_in_the_framing(server):
    with server.connect() as client:
        for _ in range(3):
            is_pyrus_error(client.ask("POST", UPLOAD, [FORM, *bearer(server.pyrus_token)], form(HELLO, HELLO)), 400,
                           "bad_multipart_content")
            is_native_error(client.ask("PUT", PUT, [("Content-MD5", "x"), *bearer(server.native_token)], b"hello"), 400, "invalid")
            is_pyrus_error(client.ask("POST", "/v4/tasks", json_head(server.pyrus_token), b"{"), 400, "invalid_json")
            is_pyrus_error(client.ask("POST", UPLOAD, [FORM], form(HELLO)), 401, "token_not_specified")
        assert client.ask("GET", "/health").status == 200


def test_memory_stays_bounded_during_malformed_requests(tmp_path):
    """Sends the malformed requests of this file again, from many clients at once."""
    with Server(tmp_path, sets=["http.max_connections_per_address=0"]) as server:
        pyrus, native = bearer(server.pyrus()), bearer(server.native())
        server.ask("GET", "/health")
        before = server.memory()
        bad = [request("POST", UPLOAD, [("Content-Type", kind), *pyrus], body) for (kind, body), _ in MULTIPART.values()]
        bad += [request("POST", "/v4/tasks", json_head() + pyrus, body) for body, _ in BAD_JSON.values()]
        bad += [request("PUT", PUT, [("Transfer-Encoding", "chunked"), *native]) + body for body in CHUNKS.values()]
        bad += [b"GET / HTTP/1.1\r\n" + lines + b"\r\n" for lines, _, _ in HEADS.values()]

        def send(i):
            for j in range(i, len(bad), 4):
                with server.connect() as client:
                    client.send(bad[j])
                    try:
                        client.half_close()
                        client.answer()
                    except (Gone, OSError):
                        pass

        for _ in range(3):
            in_threads(8, lambda i: send(i % 4))
        assert server.files() == []
        assert server.peak() - before < (64 << 20)
        assert server.ask("GET", "/health").status == 200
