# SPDX-License-Identifier: Apache-2.0
"""Tests of the transcript reader, then the replay of every transcript over TLS against the real server."""

import glob
import os
import socket
import threading

import pytest

import server as server_support
import wire

HERE = os.path.dirname(os.path.abspath(__file__))
HOSTS = {"redu": ["www.redu.com.br", "redu.com.br"],
         "pyrus": ["accounts.pyrus.com", "api.pyrus.com", "files.pyrus.com", "pyrus.com"],
         "runrun": ["runrun.it", "secure.runrun.it"],
         "appfile": ["files.example.org"],
         "s3": ["gryvnagsfedj.compat.objectstorage.sa-saopaulo-1.oraclecloud.com", "s3.amazonaws.com"]}
# Folder → kind of variable → member of the output of `cais key add --json`.
CREDENTIALS = {"pyrus": {"key": "security_key"}, "runrun": {"app": "app_key", "token": "user_token"},
               "appfile": {"key": "api_key"},
               "redu": {"app": "client_id", "secret": "client_secret", "pin": "pin", "token": "access_token"}}
TRANSCRIPTS = sorted(glob.glob(os.path.join(HERE, "*", "*.wire")))


def read(path):
    with open(path, encoding="utf-8") as f:
        return wire.parse(f.read(), os.path.relpath(path, HERE))


# ---- the reader ----

SMALL = """# a comment
@ plain
@ user ana Ana Prado
@ password ana two words
@ callback ana https://a.example/1
@ callback ana https://a.example/2
@ host api.example.org
> POST /x?id={id t}
> Authorization: Bearer {token ana}
> Empty:
> |a\\r\\n\\x00{guid f}
< 200 application/json
< X-Left: {number left}
< (no null)
< {"n": "{id t}", "s": "{any s}!"}
> GET /y
< 404
"""


def test_parse_reads_a_transcript():
    t = wire.parse(SMALL)
    assert t.plain and t.users == [("ana", "Ana Prado")] and len(t.exchanges) == 2
    assert t.passwords == {"ana": "two words"} and t.callbacks == {"ana": ["https://a.example/1", "https://a.example/2"]}
    first, second = t.exchanges
    assert (first.method, first.target, first.host) == ("POST", "/x?id={id t}", "api.example.org")
    assert first.headers == [("Authorization", "Bearer {token ana}"), ("Empty", "")]
    assert (first.status, first.content_type, first.no_null) == (200, "application/json", True)
    assert (second.status, second.body, second.content_type) == (404, None, "")


def test_encode_request_is_exact_to_the_byte():
    exchange = wire.parse(SMALL).exchanges[0]
    variables = {("id", "t"): "7", ("token", "ana"): "T", ("guid", "f"): "G"}
    assert wire.encode_request(exchange, variables) == (
        b"POST /x?id=7 HTTP/1.1\r\nHost: api.example.org\r\nAuthorization: Bearer T\r\nEmpty: \r\n"
        b"Content-Length: 5\r\n\r\na\r\n\x00G"
    )
    exchange.chunks = 2
    assert wire.encode_request(exchange, variables).endswith(
        b"Transfer-Encoding: chunked\r\n\r\n3\r\na\r\n\r\n2\r\n\x00G\r\n0\r\n\r\n"
    )
    with pytest.raises(wire.WireError):
        wire.encode_request(exchange, {})


def test_requests_may_use_variables_of_earlier_replies():
    t = wire.parse("@ host {host h}\n> PUT {any rest}\n> Content-Length: (length)\n> X: y\n> |abc\n< 200")
    variables = {}
    wire.match_text("https://{host h}{any rest}", "https://s3.example.org/b/k?X-Amz-Date=1", variables, "Location")
    assert wire.encode_request(t.exchanges[0], variables) == (
        b"PUT /b/k?X-Amz-Date=1 HTTP/1.1\r\nHost: s3.example.org\r\nContent-Length: 3\r\nX: y\r\n\r\nabc")


@pytest.mark.parametrize(
    "text",
    ["> GET /", "< 200", "? x", "> GET\n< 200", "> GET /\n> no colon\n< 200", "> GET /\n< x", "@ what 1",
     "> GET /\n> |a\n> Late: header\n< 200"],
)
def test_parse_refuses_malformed_transcripts(text):
    with pytest.raises(wire.WireError):
        wire.parse(text)


def test_a_captured_variable_must_be_equal_later():
    v = {}
    wire.match_json({"id": "{id a}", "url": "https://x/?Id={id a}"}, {"id": 5, "url": "https://x/?Id=5", "more": 1}, v)
    assert v == {("id", "a"): "5"}
    for pattern, got in [("{id a}", 6), ("{id a}", "5"), ({"a": 1}, {"a": "1"}), ({"a": True}, {"a": 1}),
                         ([1], [1, 2]), ({"a": 1}, {}), ("text", 5), ("{guid g}", "x")]:
        with pytest.raises(wire.WireError):
            wire.match_json(pattern, got, v)
    with pytest.raises(wire.WireError):
        wire.match_json({"a": 1}, {"a": 1, "b": 2}, v, exact=True)


def test_a_reply_may_be_matched_in_part():
    exchange = wire.parse('@ user a\n> GET /\n< 200\n< (contains) value="{hex csrf}"\n< (contains) <b>').exchanges[0]
    variables = {}
    wire.check_reply(exchange, wire.Reply(200, [], b'<input value="0a"><b>'), variables)
    assert variables == {("hex", "csrf"): "0a"}
    for body in (b'<input value="0b"><b>', b'<input value="0a">'):
        with pytest.raises(wire.WireError):
            wire.check_reply(exchange, wire.Reply(200, [], body), variables)


def test_has_null_looks_into_nested_values():
    assert wire.has_null({"a": [{"b": None}]}) and not wire.has_null({"a": [0, "", False]})


def test_replay_reads_lengths_chunks_and_interim_replies():
    server = socket.create_server(("127.0.0.1", 0))
    replies = [
        b'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n'
        b'Content-Length: 8\r\n\r\n{"id":5}',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    ]

    def serve():
        peer, _ = server.accept()
        with peer, peer.makefile("rb") as f:
            for reply in replies:
                while f.readline() != b"\r\n":
                    pass
                peer.sendall(reply)

    thread = threading.Thread(target=serve)
    thread.start()
    transcript = wire.parse('@ host h\n> GET /\n< 200 application/json\n< {"id": "{id a}"}\n> GET /{id a}\n< 200\n< |hello')
    wire.replay(transcript, lambda host: wire.Connection(server.getsockname()), {})
    thread.join()
    server.close()


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=[os.path.relpath(p, HERE) for p in TRANSCRIPTS])
def test_every_transcript_parses(path):
    transcript = read(path)
    assert transcript.users and transcript.exchanges
    for exchange in transcript.exchanges:
        assert exchange.host and exchange.body is None or isinstance(exchange.body, str)
        wire.unescape(exchange.body or "")


# ---- the server ----


class WireServer(server_support.Server):
    """A server with a certificate for the vendors' host names, each of which belongs to its API."""

    def __init__(self, folder):
        authority = server_support.Authority(folder)
        self.context = wire.tls_context(authority.pem)
        certificate, key = authority.issue("cert", [n for names in HOSTS.values() for n in names] + ["localhost"])
        super().__init__(folder, "--tls-listen", "127.0.0.1:0", "--tls-cert", certificate, "--tls-key", key,
                         sets=["hosts.%s=%s" % (n, api) for api, names in HOSTS.items() for n in names])

    def connect_as(self, host):
        return wire.Connection(self.address("tls_listen"), host, self.context)

    def connect_plain(self, _host):
        return wire.Connection(self.address())


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    assert os.path.exists(server_support.BINARY), "%s is not built; make build" % server_support.BINARY
    with WireServer(str(tmp_path_factory.mktemp("wire"))) as started:
        yield started


def add_workspace(server, login, variables):
    """A workspace with a bucket for one user: the options of its key."""
    variables["any", "workspace"], variables["any", "bucket"] = login, "main"
    server.cais("workspace", "add", login)
    server.cais("bucket", "add", "main", "--workspace", login)
    return "--workspace", login, "--bucket", "main"


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=[os.path.relpath(p, HERE) for p in TRANSCRIPTS])
def test_replies_match_the_transcript(server, path):
    transcript = read(path)
    api, name = transcript.name.removesuffix(".wire").split("/")
    variables = {}
    for user, full_name in transcript.users:
        login = "%s.%s.%s@example.org" % (user, name, api)
        server.user(login, "--name", full_name, "--email", login)
        if user in transcript.passwords:
            server.cais("user", "password", login, text=transcript.passwords[user] + "\n")
        place = add_workspace(server, login, variables) if api == "appfile" else ()
        key = server.key(login, api, *place, *(word for c in transcript.callbacks.get(user, []) for word in ("--callback", c)))
        variables["login", user] = login
        for kind, member in CREDENTIALS[api].items():
            variables[kind, user] = key[member]
    wire.replay(transcript, server.connect_plain if transcript.plain else server.connect_as, variables)
