# SPDX-License-Identifier: Apache-2.0
"""Access over the wire: a revocation takes effect at once, and limits hold."""

import json
import os

import pytest

from server import FORM, Server, bearer, file_part, form, in_threads, is_native_error, is_pyrus_error, json_head, wait_for
from sftp import SftpServer
from sigv4 import Signer
from uploads import Uploads, chunked


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("access"), sets=["pyrus.rate_limit=0"]) as started:
        yield started


def upload(server, token, data=b"hello", name="a"):
    return server.ask("POST", "/v4/files/upload", [FORM, *bearer(token)], form(file_part(name, data)))


def put(server, token, data=b"hello"):
    return server.ask("PUT", "/v1/native/files/a", bearer(token), data)


def log_in(server, login, key):
    return server.ask("POST", "/v4/auth", json_head(), json.dumps({"login": login, "security_key": key}).encode())


class Person:
    def __init__(self, server):
        self.login = server.user()
        self.native_key, self.pyrus_key = server.key(self.login, "native"), server.key(self.login, "pyrus")
        self.native = self.native_key["token"]
        self.pyrus = server.log_in(self.login, self.pyrus_key["security_key"])["access_token"]
        assert put(server, self.native).status == 201 and upload(server, self.pyrus).status == 200


def test_a_revoked_key_and_its_tokens_are_refused_at_once(server):
    person = Person(server)
    with server.connect() as open_before:  # an open connection does not keep the access
        assert open_before.ask("GET", "/v1/native/files", bearer(person.native)).status == 200
        server.cais("key", "revoke", str(person.native_key["id"]))
        is_native_error(open_before.ask("GET", "/v1/native/files", bearer(person.native)), 401, "unauthenticated")
    is_native_error(put(server, person.native), 401, "unauthenticated")
    assert upload(server, person.pyrus).status == 200  # the other key still works
    server.cais("key", "revoke", str(person.pyrus_key["id"]))
    is_pyrus_error(upload(server, person.pyrus), 401, "revoked_token")
    is_pyrus_error(log_in(server, person.login, person.pyrus_key["security_key"]), 401, "invalid_credentials")


def test_a_disabled_user_is_refused_at_once_and_logs_in_again_when_enabled(server):
    person = Person(server)
    server.cais("user", "disable", person.login)
    is_native_error(put(server, person.native), 403, "forbidden")
    is_pyrus_error(upload(server, person.pyrus), 401, "revoked_token")  # disabling ends the tokens
    is_pyrus_error(log_in(server, person.login, person.pyrus_key["security_key"]), 401, "account_blocked")
    # an unauthenticated client does not learn that the user is disabled
    is_pyrus_error(log_in(server, person.login, "wrong"), 401, "invalid_credentials")
    server.cais("user", "enable", person.login)
    assert put(server, person.native).status == 201
    is_pyrus_error(upload(server, person.pyrus), 401, "revoked_token")  # enabling does not restore tokens
    assert log_in(server, person.login, person.pyrus_key["security_key"]).status == 200


def test_deleting_a_user_keeps_the_files(server):
    person = Person(server)
    kept = len([f for f in server.files() if f["owner"] == person.login])
    server.cais("user", "delete", person.login)
    assert put(server, person.native).status in (401, 403)
    assert upload(server, person.pyrus).status == 401
    is_pyrus_error(log_in(server, person.login, person.pyrus_key["security_key"]), 401, "invalid_credentials")
    assert kept == 2 and len([f for f in server.files() if f["owner"] == person.login]) == kept
    server.user(person.login)  # the login can be used again, but the old keys are not those of the new user
    assert put(server, person.native).status in (401, 403) and upload(server, person.pyrus).status == 401


def test_a_new_password_ends_the_tokens(server):
    person = Person(server)
    server.cais("user", "password", person.login, text="a new password\n")
    is_pyrus_error(upload(server, person.pyrus), 401, "revoked_token")


def test_a_key_works_for_its_api_and_account_only(server):
    person, name = Person(server), "other"
    server.cais("account", "add", name)
    outsider = server.native("--account", name, "--admin")
    made = put(server, person.native).json()["id"]
    for method, rest in (("GET", ""), ("GET", "/info"), ("DELETE", "")):
        is_native_error(server.ask(method, f"/v1/native/files/{made}{rest}", bearer(outsider)), 404, "not_found")
    assert server.ask("GET", "/v1/native/files", bearer(outsider)).json() == {"files": []}
    is_pyrus_error(upload(server, person.native), 401, "invalid_token")
    is_pyrus_error(upload(server, person.pyrus_key["security_key"]), 401, "invalid_token")
    is_native_error(put(server, person.pyrus), 401, "unauthenticated")
    is_pyrus_error(log_in(server, person.login, person.native), 401, "invalid_credentials")
    for headers in ([("Cais-Account", name)], [("Cais-Account", "default")]):  # these headers are for the admin socket only
        files = server.ask("GET", "/v1/native/files?account=" + name, [*headers, *bearer(outsider)])
        assert files.json() == {"files": []}


# ── quota


def used(server):
    """The bytes that count for the account: of its files and of its records."""
    account = server.cais_json("account", "list")[0]
    return account["used_bytes"] + account["record_bytes"]


@pytest.mark.parametrize("how", ["limit", "configured"])
def test_a_used_up_quota_of_bytes_is_an_error_of_the_api(tmp_path, how):
    with Server(tmp_path, sets=["accounts.max_bytes=100K"] if how == "configured" else []) as server:
        if how == "limit":
            server.cais("account", "limit", "default", "--max-bytes", "100K")
        native, pyrus = server.native(), server.pyrus()
        big = put(server, native, b"x" * 60_000)
        assert big.status == 201
        before = server.files()
        is_native_error(put(server, native, b"x" * 60_000), 507, "quota")
        is_pyrus_error(upload(server, pyrus, b"x" * 60_000), 400, "too_large_request_length")
        with server.connect() as client:  # refused before the bytes are sent
            client.send(b"PUT /v1/native/files/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + native.encode() +
                        b"\r\nContent-Length: 60000\r\nExpect: 100-continue\r\n\r\n")
            is_native_error(client.answer(interim=True), 507, "quota")
        assert server.files() == before
        first = used(server)
        assert upload(server, pyrus, b"x").status == 200
        then = used(server)
        record = then - first - 1  # what the record of such a file costs
        assert upload(server, pyrus, b"x" * (102_400 - then - record)).status == 200  # to the last byte
        is_native_error(put(server, native, b""), 507, "quota")  # its record costs bytes, too
        assert used(server) == 102_400
        assert server.ask("DELETE", "/v1/native/files/" + big.json()["id"], bearer(native)).status == 204
        assert put(server, native, b"x" * 60_000).status == 201


@pytest.mark.parametrize("how", ["limit", "configured"])
def test_a_used_up_quota_of_files_is_an_error_of_the_api(tmp_path, how):
    with Server(tmp_path, sets=["accounts.max_files=2"] if how == "configured" else []) as server:
        if how == "limit":
            server.cais("account", "limit", "default", "--max-files", "2")
        native, pyrus = server.native(), server.pyrus()
        assert put(server, native).status == 201 and upload(server, pyrus).status == 200
        for data in (b"x", b"x" * 100_000):
            is_native_error(put(server, native, data), 507, "quota")
            is_pyrus_error(upload(server, pyrus, data), 400, "too_large_request_length")
        server.cais("account", "limit", "default", "--max-files", "3")  # the limit of the account overrides the default
        assert put(server, native).status == 201
        is_native_error(put(server, native), 507, "quota")
        assert len(server.files()) == 3


def expect(server, token, *more):
    """The reply to the head of an upload that waits for 100 Continue."""
    with server.connect() as client:
        lines = [b"POST /v4/files/upload HTTP/1.1", b"Host: a", b"Authorization: Bearer " + token.encode(),
                 b"Content-Type: multipart/form-data; boundary=b0und", b"Expect: 100-continue", *more]
        client.send(b"\r\n".join(lines) + b"\r\n\r\n")
        return client.answer(interim=True)


def test_a_pyrus_upload_above_the_quota_gets_no_100_continue(tmp_path):
    long, chunked = b"Content-Length: 20000000", b"Transfer-Encoding: chunked"
    with Server(tmp_path) as server:
        pyrus = server.pyrus()
        assert expect(server, pyrus, long).status == 100 and expect(server, pyrus, chunked).status == 100
        server.cais("account", "limit", "default", "--max-bytes", "1M")
        is_pyrus_error(expect(server, pyrus, long), 400, "too_large_request_length")
        assert expect(server, pyrus, b"Content-Length: 1100000").status == 100  # the excess may be multipart framing
        assert expect(server, pyrus, chunked).status == 100  # the length is unknown
        assert server.files() == []
        assert upload(server, pyrus, b"x" * 1_000_000).status == 200
        server.cais("account", "limit", "default", "--max-bytes", "1G", "--max-files", "1")
        for length in (b"Content-Length: 300", long, chunked):
            is_pyrus_error(expect(server, pyrus, length), 400, "too_large_request_length")
        assert len(server.files()) == 1 and server.cais_json("account", "list")[0]["used_bytes"] == 1_000_000


def test_concurrent_uploads_do_not_exceed_a_quota(tmp_path):
    with Server(tmp_path, sets=["accounts.max_files=10"]) as server:
        native, pyrus = server.native(), server.pyrus()

        def send(i):
            size = 100 if i % 4 < 2 else 50_000
            return (put(server, native, b"x" * size) if i % 2 else upload(server, pyrus, b"x" * size)).status
        statuses = in_threads(24, send)
        assert len([s for s in statuses if s in (200, 201)]) == 10 and set(statuses) <= {200, 201, 400, 507}
        assert len(server.files()) == 10
        assert server.cais("fsck").returncode == 0


def owned(server, login):
    [user] = [u for u in server.cais_json("user", "list") if u["login"] == login]
    return user["used_bytes"], user["used_files"]


def test_the_limit_of_a_user_holds_in_every_api_and_for_nobody_else(tmp_path):
    with SftpServer(tmp_path, "hosts.s3.example.org=s3") as server:
        ana, uploads = server.login, Uploads(server, server.key(server.login, "native")["token"])
        token = uploads.proof[0][1].removeprefix("Bearer ")
        key = server.key(ana, "pyrus")["security_key"]
        pyrus, other = server.log_in(ana, key)["access_token"], server.native()
        pair = server.key(ana, "s3")
        s3 = Signer(pair["access_key_id"], pair["secret_access_key"])

        def s3_put(path, data=b""):
            signed = s3.headers("PUT", "s3.example.org", path, None, data)
            signed.pop("host")
            return server.ask("PUT", path, list(signed.items()), data, host="s3.example.org")
        assert s3_put("/mine").status == 200
        server.cais("user", "limit", ana, "--max-bytes", "100K")
        for size in (200_000, 102_401):
            data = b"x" * size
            refused = put(server, token, data)
            is_native_error(refused, 507, "quota")
            assert refused.json()["error"]["message"] == "the user's quota is used up"
            refused = upload(server, pyrus, data)
            is_pyrus_error(refused, 400, "too_large_request_length")
            assert refused.json()["error"] == "The storage of the user is used up."
            assert b"<Code>QuotaExceeded</Code><Message>The user has no room" in s3_put("/mine/a", data).body
            refused = uploads.tus("POST", headers=[("Upload-Length", str(size))])
            assert refused.status == 507 and refused.json()["error"]["message"] == "the user's quota is used up"
            assert uploads.ask("PUT", "/v1/native/files/a", [("Transfer-Encoding", "chunked")], chunked(data)).status == 507
        with open(tmp_path / "large", "wb") as f:
            f.write(b"x" * 200_000)
        assert server.sftp(f"put {tmp_path}/large /import/large", check=False).returncode != 0
        assert put(server, other, b"x" * 200_000).status == 201  # the account has no limit
        if "large" in server.names():  # what came before the limit was reached is ana's, and stays to be gone on with
            server.sftp("rm /import/large")
        assert owned(server, ana) == (0, 0)
        made = put(server, token, b"x" * 102_400)
        assert made.status == 201 and owned(server, ana) == (102_400, 1)
        me = server.ask("GET", "/v1/native/me", bearer(token)).json()
        assert (me["login"], me["used_bytes"], me["max_bytes"]) == (ana, 102_400, 102_400)
        is_native_error(put(server, token), 507, "quota")
        assert server.ask("DELETE", "/v1/native/files/" + made.json()["id"], bearer(token)).status == 204
        assert put(server, token).status == 201 and owned(server, ana) == (5, 1)
        assert server.cais("fsck").returncode == 0


def test_uploads_at_the_same_time_do_not_exceed_the_limit_of_a_user(tmp_path):
    with Server(tmp_path) as server:
        login = server.user()
        native, key = server.key(login, "native")["token"], server.key(login, "pyrus")["security_key"]
        pyrus = server.log_in(login, key)["access_token"]
        server.cais("user", "limit", login, "--max-files", "10")

        def send(i):
            size = 100 if i % 4 < 2 else 50_000
            return (put(server, native, b"x" * size) if i % 2 else upload(server, pyrus, b"x" * size)).status
        statuses = in_threads(24, send)
        assert len([s for s in statuses if s in (200, 201)]) == 10 and set(statuses) <= {200, 201, 400, 507}
        assert owned(server, login)[1] == 10 and server.cais("fsck").returncode == 0
        server.stop()
        server.cais("backup", str(tmp_path / "copy"))
        os.rename(server.data, tmp_path / "old")
        server.cais("restore", str(tmp_path / "copy"))
        [user] = [u for u in server.cais_json("user", "list") if u["login"] == login]
        assert (user["used_files"], user["max_files"]) == (10, 10)
        assert server.cais("fsck").returncode == 0


# ── rates and tokens


def test_a_request_above_the_rate_limit_is_429_with_retry_after(tmp_path):
    with Server(tmp_path, sets=["pyrus.rate_limit=5", "pyrus.rate_window=1d"]) as server:
        tokens = [server.pyrus(), server.pyrus()]
        for token in tokens:  # requests are counted for each user
            for left in (4, 3, 2, 1, 0):
                answer = server.ask("GET", "/v4/profile", bearer(token))
                assert answer.status == 200
                assert answer.header("X-RateLimit-Limit") == "5" and answer.header("X-RateLimit-Remaining") == str(left)
                assert 0 < int(answer.header("X-RateLimit-Reset")) <= 86400
            for answer in (server.ask("GET", "/v4/profile", bearer(token)), upload(server, token)):
                is_pyrus_error(answer, 429, "too_many_requests")
                assert answer.header("Retry-After") == answer.header("X-RateLimit-Reset")
                assert answer.header("X-RateLimit-Remaining") == "0"
        assert server.files() == []
        assert server.ask("GET", "/v4/profile").header("X-RateLimit-Limit") == "5"  # also on errors
        assert server.native() and server.ask("GET", "/health").status == 200


def test_a_new_window_allows_new_requests(tmp_path):
    with Server(tmp_path, sets=["pyrus.rate_limit=1", "pyrus.rate_window=1s"]) as server:
        token = server.pyrus()
        wait_for("a refusal", lambda: server.ask("GET", "/v4/profile", bearer(token)).status == 429)
        wait_for("another window", lambda: server.ask("GET", "/v4/profile", bearer(token)).status == 200)


def test_a_token_above_the_limit_ends_the_oldest(tmp_path):
    with Server(tmp_path, sets=["pyrus.tokens_per_user=3"]) as server:
        login = server.user()
        key = server.key(login, "pyrus")["security_key"]
        tokens = [server.log_in(login, key)["access_token"] for _ in range(5)]
        statuses = [server.ask("GET", "/v4/profile", bearer(token)).status for token in tokens]
        assert statuses == [401, 401, 200, 200, 200]
        is_pyrus_error(upload(server, tokens[0]), 401, "revoked_token")


def test_a_token_expires_after_its_lifetime(tmp_path):
    with Server(tmp_path, sets=["pyrus.token_lifetime=1s", "pyrus.rate_limit=0"]) as server:
        login = server.user()
        token = server.log_in(login, server.key(login, "pyrus")["security_key"])["access_token"]
        wait_for("its end", lambda: server.ask("GET", "/v4/profile", bearer(token)).status == 401)
        is_pyrus_error(upload(server, token), 401, "expired_token")


def test_login_by_get_is_off_by_default_and_logs_no_key(server, tmp_path):
    login = server.user()
    key = server.key(login, "pyrus")["security_key"]
    is_pyrus_error(server.ask("GET", f"/v4/auth?login={login}&security_key={key}"), 405, "invalid_input")
    with Server(tmp_path, sets=["pyrus.login_by_get=true"]) as other:
        login = other.user()
        key = other.key(login, "pyrus")["security_key"]
        answer = other.ask("GET", f"/v4/auth?login={login}&security_key={key}")
        assert answer.status == 200
        other.secrets.append(answer.json()["access_token"])
        is_pyrus_error(other.ask("GET", f"/v4/auth?login={login}&security_key=x"), 401, "invalid_credentials")


# A key that was revoked, or a user that was disabled, used to lose nothing that was under way: the upload was kept, the
# download went on to its end, and links that were made before worked until they expired.

LARGE = 64 << 20  # more than the buffers of two sockets hold


def begin_upload(server, token):
    sender = server.connect()
    sender.send(f"PUT /v1/native/files/late HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
                f"Content-Length: {LARGE}\r\n\r\n".encode() + b"x" * 100_000)
    return sender


def begin_download(server, token, file_id):
    reader = server.connect()
    reader.send(f"GET /v1/native/files/{file_id} HTTP/1.1\r\nHost: x\r\n"
                f"Authorization: Bearer {token}\r\n\r\n".encode())
    assert reader.head()[0] == 200
    return reader


def rest_of(connection):
    """What still comes until the server closes the connection."""
    got = len(connection.seen)
    try:
        while piece := connection.sock.recv(1 << 20):
            got += len(piece)
    except ConnectionError:
        pass
    return got


@pytest.mark.parametrize("end", ["disable", "delete", "revoke"])
def test_a_user_who_was_disabled_kept_uploads_and_downloads_that_were_under_way(server, end):
    person = Person(server)
    stored = put(server, person.native, b"y" * LARGE).json()
    files = len(server.files())
    sender, reader = begin_upload(server, person.native), begin_download(server, person.native, stored["id"])
    stranger = Person(server)
    beside = begin_upload(server, stranger.native)
    if end == "revoke":
        server.cais("key", "revoke", str(person.native_key["id"]))
    else:
        server.cais("user", end, person.login)
    is_native_error(sender.answer(), *((403, "forbidden") if end == "disable" else (401, "unauthenticated")))
    # The reader reads nothing before the server has ended the download: it could read the whole file within that second.
    server.wait_log(lambda line: line.get("method") == "GET" and line["target"] == "/v1/native/files/" + stored["id"])
    assert rest_of(reader) < LARGE
    beside.send(b"x" * (LARGE - 100_000))  # nobody else notices
    assert beside.answer().status == 201
    assert len(server.files()) == files + 3  # two small ones and the last one of the stranger


def test_a_login_was_guessed_without_limit(tmp_path):
    with Server(tmp_path, sets=["pyrus.rate_limit=0", "logins.window=1d"]) as server:
        login, other = server.user(), server.user()
        key = server.key(login, "pyrus")["security_key"]
        assert log_in(server, login, key).status == 200
        for _ in range(10):
            is_pyrus_error(log_in(server, login, "guess"), 401, "invalid_credentials")
        refused = log_in(server, login, key)  # the right key, too, or a guesser would learn which one it is
        is_pyrus_error(refused, 429, "too_many_requests")
        assert 1 <= int(refused.header("Retry-After")) <= 86400
        assert log_in(server, other, server.key(other, "pyrus")["security_key"]).status == 200
