# SPDX-License-Identifier: Apache-2.0
"""TLS: versions, certificates and their names, reload, large bodies, and clients that do not complete a handshake."""

import hashlib
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess

import pytest

from server import FORM, Authority, Client, Server, bearer, file_part, form, in_threads, wait_for


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def server(authority, tmp_path_factory):
    """A server with two certificates for localhost (ECDSA and RSA), one for files.example.org and one for *.example.net."""
    options = ["--tls-listen", "127.0.0.1:0"]
    for name, hosts, kind in (("first", ["localhost"], "p256"), ("firstrsa", ["localhost"], "rsa"),
                              ("files", ["files.example.org", "api.example.org"], "p256"), ("wild", ["*.example.net"], "rsa")):
        certificate, key = authority.issue(name, hosts, kind)
        options += ["--tls-cert", certificate, "--tls-key", key]
    with Server(tmp_path_factory.mktemp("tls"), *options, sets=["http.header_timeout=500ms"]) as started:
        yield started


def context(authority, oldest=ssl.TLSVersion.TLSv1_2, newest=ssl.TLSVersion.TLSv1_3, ciphers=None, check=True):
    c = authority.context()
    c.check_hostname = check
    c.set_ciphers(ciphers or "DEFAULT:@SECLEVEL=0")
    c.minimum_version, c.maximum_version = oldest, newest
    return c


def names_of(client):
    return sorted(v for k, v in client.sock.getpeercert()["subjectAltName"] if k == "DNS")


def leaf(client):
    return hashlib.sha256(client.sock.getpeercert(binary_form=True)).hexdigest()


def kind_of(client):
    """The kind of key of the certificate, by the object identifier in its DER encoding."""
    der = client.sock.getpeercert(binary_form=True)
    return "rsa" if bytes.fromhex("2a864886f70d010101") in der else "p256"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_tls_before_1_2_is_refused(server, authority, version):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        server.connect("tls_listen", tls=context(authority, version, version), name="localhost")
    assert server.ask("GET", "/health").status == 200


@pytest.mark.parametrize("version,name", [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")])
def test_tls_1_2_and_1_3_are_accepted(server, authority, version, name):
    with server.connect("tls_listen", tls=context(authority, version, version), name="localhost") as client:
        assert client.sock.version() == name
        assert client.ask("GET", "/health").json()["status"] == "ok"


@pytest.mark.parametrize("ciphers,kind", [("ECDHE-ECDSA-AES128-GCM-SHA256", "p256"), ("ECDHE-RSA-AES128-GCM-SHA256", "rsa")])
def test_the_cipher_selects_the_kind_of_certificate(server, authority, ciphers, kind):
    tls = context(authority, newest=ssl.TLSVersion.TLSv1_2, ciphers=ciphers)
    with server.connect("tls_listen", tls=tls, name="localhost") as client:
        assert kind_of(client) == kind and client.ask("GET", "/health").status == 200


@pytest.mark.parametrize("name,names", [("files.example.org", ["api.example.org", "files.example.org"]),
                                        ("API.example.org", ["api.example.org", "files.example.org"]),
                                        ("a.example.net", ["*.example.net"]), ("localhost", ["localhost"])])
def test_the_requested_name_selects_the_certificate(server, authority, name, names):
    with server.connect("tls_listen", tls=context(authority), name=name) as client:
        assert names_of(client) == names


@pytest.mark.parametrize("name", ["elsewhere.example", "a.b.example.net", "example.net", None])
def test_an_unknown_name_gets_the_first_certificate(server, authority, name):
    with server.connect("tls_listen", tls=context(authority, check=False), name=name) as client:
        assert names_of(client) == ["localhost"]
        assert client.ask("GET", "/health").status == 200


@pytest.mark.parametrize("api", ["pyrus", "native"])
def test_20_mib_are_uploaded_and_downloaded_unchanged(server, authority, api):
    data = os.urandom(20 << 20)
    where = {"kind": "tls_listen", "tls": context(authority), "name": "localhost"}
    if api == "pyrus":
        token = server.pyrus()
        guid = server.ask("POST", "/v4/files/upload", [FORM, *bearer(token)], form(file_part("a", data)), **where).json()
        assert guid["md5_hash"] == hashlib.md5(data).hexdigest()
        target = "/v4/files/download/" + guid["guid"]
    else:
        token = server.native()
        target = "/v1/native/files/" + server.ask("PUT", "/v1/native/files/a", bearer(token), data, **where).json()["id"]
    assert server.ask("GET", target, bearer(token), **where).body == data
    part = server.ask("GET", target, [("Range", "bytes=1000000-3000000"), *bearer(token)], **where)
    assert (part.status, part.body) == (206, data[1000000:3000001])


def hello(authority):
    """The first bytes that a client sends in a handshake."""
    out = ssl.MemoryBIO()
    half = context(authority).wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        half.do_handshake()
    return out.read()


@pytest.mark.parametrize("sent", ["nothing", "half", "whole"])
def test_a_handshake_that_stops_is_closed(server, authority, sent):
    first = hello(authority)
    with server.connect("tls_listen") as client:
        client.send(first[:{"nothing": 0, "half": len(first) // 2, "whole": len(first)}[sent]])
        try:
            while client.sock.recv(65536):
                pass
        except ConnectionResetError:
            pass
    assert server.ask("GET", "/health").status == 200


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\0" * 1000, b"\x16\x03\x01\xff\xff" + b"x" * 70000])
def test_bytes_that_are_not_tls_close_the_connection(server, sent):
    before = server.metrics()["cais_http_connections"]
    with server.connect("tls_listen") as client:
        client.send(sent)
        try:
            while client.sock.recv(65536):
                pass
        except ConnectionResetError:
            pass
    wait_for("the connection to end", lambda: server.metrics()["cais_http_connections"] <= before)
    assert server.ask("GET", "/health").status == 200


def test_an_upload_whose_client_resets_the_connection_stores_nothing(server, authority):
    token = bearer(server.native())
    before = server.files()
    client = server.connect("tls_listen", tls=context(authority), name="localhost")
    client.send(b"PUT /v1/native/files/a HTTP/1.1\r\nHost: a\r\nAuthorization: " + token[0][1].encode() +
                b"\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 200_000)
    raw = socket.socket(fileno=client.sock.detach())
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()
    wait_for("the upload to end", lambda: server.metrics()["cais_http_requests_active"] <= 1)
    assert server.files() == before


def test_reload_serves_the_new_certificate_to_new_connections_only(authority, tmp_path):
    old, new = authority.issue("old", ["localhost"]), authority.issue("new", ["localhost"])
    certificate, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    shutil.copy(old[0], certificate)
    shutil.copy(old[1], key)
    where = {"kind": "tls_listen", "tls": context(authority), "name": "localhost"}
    with Server(tmp_path, "--tls-listen", "127.0.0.1:0", "--tls-cert", certificate, "--tls-key", key) as server:
        with server.connect(**where) as stays:
            first = leaf(stays)
            assert stays.ask("GET", "/health").status == 200
            shutil.copy(new[0], certificate)
            shutil.copy(new[1], key)
            server.signal(signal.SIGHUP)
            server.wait_log(lambda line: line["msg"] == "certificates loaded")
            with server.connect(**where) as fresh:
                second = leaf(fresh)
                assert second != first and fresh.ask("GET", "/health").status == 200
            assert stays.ask("GET", "/health").status == 200  # an open connection keeps the old certificate

            # a broken certificate is reported in the log, and the last good one stays in use
            for broken in (b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", open(old[0], "rb").read()):
                reports = server.log().count("the certificates stay as they were")
                with open(certificate, "wb") as f:  # the last one is valid but does not match the key
                    f.write(broken)
                server.signal(signal.SIGHUP)
                wait_for("the report", lambda: server.log().count("the certificates stay as they were") > reports)
                with server.connect(**where) as again:
                    assert leaf(again) == second and again.ask("GET", "/health").status == 200
            line = server.wait_log(lambda line: line["msg"] == "the certificates stay as they were")
            assert line["level"] == "error" and certificate in str(line)
            assert stays.ask("GET", "/health").status == 200


@pytest.mark.parametrize("what", ["missing", "unfit", "no key"])
def test_a_server_without_a_valid_certificate_does_not_start(cais, authority, tmp_path, what):
    one, other = authority.issue("one", ["localhost"]), authority.issue("other", ["localhost"])
    pair = {"missing": ["--tls-cert", str(tmp_path / "no.pem"), "--tls-key", one[1]],
            "unfit": ["--tls-cert", one[0], "--tls-key", other[1]], "no key": ["--tls-cert", one[0]]}[what]
    done = subprocess.run([cais, "serve", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0",
                           *pair], capture_output=True, text=True, timeout=60)
    assert done.returncode == (2 if what == "no key" else 1), done
    assert ("no.pem" if what == "missing" else "key") in done.stderr
    assert not (tmp_path / "data" / "run.json").exists()


def test_sessions_are_resumed_and_connections_carry_many_requests(server, authority):
    tls = context(authority, newest=ssl.TLSVersion.TLSv1_2)
    with server.connect("tls_listen", tls=tls, name="localhost") as first:
        for _ in range(50):
            assert first.ask("GET", "/health").status == 200
        session = first.sock.session
    raw = socket.create_connection(server.address("tls_listen"))
    with Client(tls.wrap_socket(raw, server_hostname="localhost", session=session)) as second:
        assert second.ask("GET", "/health").status == 200


def test_concurrent_handshakes_get_the_certificates_of_their_names(server, authority):
    names = ["localhost", "files.example.org", "a.example.net", "api.example.org"]
    wanted = {"localhost": "localhost", "files.example.org": "files.example.org", "a.example.net": "*.example.net",
              "api.example.org": "files.example.org"}

    def shake(i):
        for k in range(20):
            name = names[(i + k) % 4]
            with server.connect("tls_listen", tls=context(authority), name=name) as client:
                assert wanted[name] in names_of(client)
    in_threads(8, shake)
