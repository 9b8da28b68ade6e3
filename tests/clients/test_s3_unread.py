# SPDX-License-Identifier: Apache-2.0
"""Clients that ask for a listing of several MiB and do not read it: the server keeps one piece of each, not all of it."""
import http.client
import socket

import pytest
from s3 import S3Server
from server import request
from sigv4 import Signer

KEYS, KEY_BYTES, READERS, MIB = 400, 1000, 100, 1 << 20
LISTINGS = ({"list-type": "2", "fetch-owner": "true"}, {}, {"versions": ""}, {"list-type": "2", "encoding-type": "url"})


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    with S3Server(tmp_path_factory.mktemp("unread"), sets=["http.max_connections_per_address=0"]) as started:
        yield started
    started.tidy()


def ask_and_do_not_read(s3, signer, bucket, query):
    """Send the request with a small receive buffer, and wait for the first byte of the reply only."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.settimeout(60)
    sock.connect(s3.address("s3_listen"))
    sock.sendall(request("GET", signer.link("GET", s3.host, "/" + bucket, query), host=s3.host))
    assert sock.recv(1, socket.MSG_PEEK)
    return sock


def put_long_keys(s3, signer, bucket):
    client = http.client.HTTPConnection(s3.host, timeout=60)
    for i in range(KEYS):
        client.request("PUT", signer.link("PUT", s3.host, "/%s/%04d%s" % (bucket, i, '"' * KEY_BYTES)), b"x")
        answer = client.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()
    client.close()


def read_to_end(sock):
    received = b""
    while not received.endswith(b"\r\n0\r\n\r\n"):
        more = sock.recv(1 << 16)
        assert more, received[-200:]
        received += more
    return received


def test_unread_listings_were_kept_whole(s3):
    bucket, signer = s3.bucket(), Signer(s3.id, s3.secret)
    put_long_keys(s3, signer, bucket)
    with ask_and_do_not_read(s3, signer, bucket, LISTINGS[0]) as first:
        whole = read_to_end(first)
    assert len(whole) > 2 * MIB and whole.count(b"<Key>") == KEYS
    before = s3.memory()
    readers = [ask_and_do_not_read(s3, signer, bucket, LISTINGS[i % len(LISTINGS)]) for i in range(READERS)]
    grown = s3.memory() - before
    received = read_to_end(readers[0])
    for sock in readers:
        sock.close()
    assert grown < READERS * (192 << 10), "%d MiB for %d unread replies" % (grown // MIB, READERS)
    assert b"<IsTruncated>false</IsTruncated>" in received and received.count(b"<Key>") == KEYS
