# SPDX-License-Identifier: Apache-2.0
"""The reader of transcripts on its own, then every transcript over TLS against the real server."""

import glob
import os
import socket
import threading

import pytest

import server as server_support
import wire

HERE = os.path.dirname(os.path.abspath(__file__))
HOSTS = {"pyrus": ["accounts.pyrus.com", "api.pyrus.com", "files.pyrus.com", "pyrus.com"],
         "runrun": ["runrun.it", "secure.runrun.it"],
         "s3": ["gryvnagsfedj.compat.objectstorage.sa-saopaulo-1.oraclecloud.com", "s3.amazonaws.com"]}
# Folder → kind of variable → name in what `cais key add` tells.
CREDENTIALS = {"pyrus": {"key": "security_key"}, "runrun": {"app": "app_key", "token": "user_token"}}
TRANSCRIPTS = sorted(glob.glob(os.path.join(HERE, "*", "*.wire")))


def read(path):
    with open(path, encoding="utf-8") as f:
        return wire.parse(f.read(), os.path.relpath(path, HERE))


# ---- the reader ----

SMALL = """# a comment
@ user ana Ana Prado
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


def test_a_transcript_is_read():
    t = wire.parse(SMALL)
    assert t.users == [("ana", "Ana Prado")] and len(t.exchanges) == 2
    first, second = t.exchanges
    assert (first.method, first.target, first.host) == ("POST", "/x?id={id t}", "api.example.org")
    assert first.headers == [("Authorization", "Bearer {token ana}"), ("Empty", "")]
    assert (first.status, first.content_type, first.no_null) == (200, "application/json", True)
    assert (second.status, second.body, second.content_type) == (404, None, "")


def test_requests_are_exact_to_the_byte():
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


def test_hosts_and_lengths_may_come_from_earlier_answers():
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
def test_what_is_no_transcript_is_refused(text):
    with pytest.raises(wire.WireError):
        wire.parse(text)


def test_variables_are_captured_once_and_then_must_be_equal():
    v = {}
    wire.match_json({"id": "{id a}", "url": "https://x/?Id={id a}"}, {"id": 5, "url": "https://x/?Id=5", "more": 1}, v)
    assert v == {("id", "a"): "5"}
    for pattern, got in [("{id a}", 6), ("{id a}", "5"), ({"a": 1}, {"a": "1"}), ({"a": True}, {"a": 1}),
                         ([1], [1, 2]), ({"a": 1}, {}), ("text", 5), ("{guid g}", "x")]:
        with pytest.raises(wire.WireError):
            wire.match_json(pattern, got, v)
    with pytest.raises(wire.WireError):
        wire.match_json({"a": 1}, {"a": 1, "b": 2}, v, exact=True)


def test_nulls_are_found_anywhere():
    assert wire.has_null({"a": [{"b": None}]}) and not wire.has_null({"a": [0, "", False]})


def test_replay_over_a_socket_reads_lengths_chunks_and_interim_answers():
    server = socket.create_server(("127.0.0.1", 0))
    answers = [
        b'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n'
        b'Content-Length: 8\r\n\r\n{"id":5}',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    ]

    def serve():
        peer, _ = server.accept()
        with peer, peer.makefile("rb") as f:
            for answer in answers:
                while f.readline() != b"\r\n":
                    pass
                peer.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    transcript = wire.parse('@ host h\n> GET /\n< 200 application/json\n< {"id": "{id a}"}\n> GET /{id a}\n< 200\n< |hello')
    wire.replay(transcript, lambda host: wire.Connection(server.getsockname()), {})
    thread.join()
    server.close()


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=[os.path.relpath(p, HERE) for p in TRANSCRIPTS])
def test_every_transcript_can_be_read(path):
    transcript = read(path)
    assert transcript.users and transcript.exchanges
    for exchange in transcript.exchanges:
        assert exchange.host and exchange.body is None or isinstance(exchange.body, str)
        wire.unescape(exchange.body or "")


# ---- the server ----


class WireServer(server_support.Server):
    """With a certificate that carries the vendors' names, each of them routed to its dialect."""

    def __init__(self, folder):
        authority = server_support.Authority(folder)
        self.context = wire.tls_context(authority.pem)
        certificate, key = authority.issue("cert", [n for names in HOSTS.values() for n in names] + ["localhost"])
        super().__init__(folder, "--tls-listen", "127.0.0.1:0", "--tls-cert", certificate, "--tls-key", key,
                         sets=["hosts.%s=%s" % (n, dialect) for dialect, names in HOSTS.items() for n in names])

    def connect_as(self, host):
        return wire.Connection(self.address("tls_listen"), host, self.context)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    assert os.path.exists(server_support.BINARY), "%s is not built; make build" % server_support.BINARY
    with WireServer(str(tmp_path_factory.mktemp("wire"))) as started:
        yield started


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=[os.path.relpath(p, HERE) for p in TRANSCRIPTS])
def test_replay(server, path):
    transcript = read(path)
    dialect, name = transcript.name.removesuffix(".wire").split("/")
    variables = {}
    for user, full_name in transcript.users:
        login = "%s.%s.%s@example.org" % (user, name, dialect)
        server.user(login, "--name", full_name, "--email", login)
        key = server.key(login, dialect)
        variables["login", user] = login
        for kind, told in CREDENTIALS[dialect].items():
            variables[kind, user] = key[told]
    wire.replay(transcript, server.connect_as, variables)
