# SPDX-License-Identifier: Apache-2.0
"""Lanes over real sockets: the long requests of one account delay neither the others nor the operator."""
import re
import threading

import pytest

from s3 import S3Server
from server import bearer, request, wait_for
from sigv4 import Signer

SOURCE_BYTES = 64 << 20
COPIES = 8

pytestmark = pytest.mark.alone("it copies half a gigabyte")


@pytest.fixture
def server(tmp_path):
    with S3Server(tmp_path) as started:
        yield started
    started.tidy()


def ask(server, signer, method, path, query=None, body=b"", headers=None):
    signed = signer.headers(method, server.host, path, query, body, headers)
    target = signer.path(path) + ("?" + signer.query(query) if query else "")
    with server.connect("s3_listen") as client:
        client.sock.settimeout(300)
        client.send(request(method, target, [(n, v) for n, v in signed.items() if n != "host"], body, server.host))
        return client.answer(method)


def test_copies_of_one_account_made_health_and_everybody_wait(server):
    """Judged by the order of events: what is short is done while the copies still run."""
    signer = Signer(server.id, server.secret)
    server.cais("account", "add", "other")
    other = Signer(*server.s3_key(server.user(None, "--account", "other")))
    native = server.native("--account", "other")
    assert ask(server, signer, "PUT", "/copies").status == 200
    assert ask(server, other, "PUT", "/others").status == 200
    assert ask(server, signer, "PUT", "/copies/source", body=b"s" * SOURCE_BYTES).status == 200
    created = ask(server, signer, "POST", "/copies/copy", {"uploads": ""}).body.decode()
    upload = re.search("<UploadId>(.*?)</UploadId>", created).group(1)
    replies = []

    def copy(number):
        query = {"partNumber": str(number), "uploadId": upload}
        replies.append(ask(server, signer, "PUT", "/copies/copy", query, headers={"x-amz-copy-source": "/copies/source"}))

    threads = [threading.Thread(target=copy, args=(number + 1,)) for number in range(COPIES)]
    for thread in threads:
        thread.start()
    wait_for("copies that wait", lambda: server.metrics()['cais_lane_waiting{lane="long"}'] >= COPIES - 2)
    assert server.ask("GET", "/health").status == 200
    assert ask(server, other, "PUT", "/others/small", body=b"x").status == 200
    assert ask(server, other, "GET", "/others/small").body == b"x"
    assert server.ask("PUT", "/v1/native/files/small", bearer(native), b"x").status == 201
    server.cais("user", "disable", "user1@example.org")
    assert len(replies) < COPIES, "the copies were done before the short requests"
    for thread in threads:
        thread.join()
    assert len(replies) == COPIES
