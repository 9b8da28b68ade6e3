# SPDX-License-Identifier: Apache-2.0
"""Clients that know an access key but not its secret, and send bodies whose signature can be verified only at their end."""
import os
import re

import pytest
from s3 import S3Server
from server import request, wait_for
from sigv4 import Signer

MIB, CONNECTIONS, PER_KEY = 1 << 20, 12, 4


@pytest.fixture
def s3(tmp_path):
    with S3Server(tmp_path, sets=["http.shutdown_grace=100ms"]) as started:
        yield started
    started.tidy()


def metric(s3, name):
    return int(re.search(rf"^{name} (\d+)$", s3.ask("GET", "/metrics").body.decode(), re.M).group(1))


def staged_bytes(s3):
    """The bytes of all files below blobs/."""
    return sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(os.path.join(s3.data, "blobs"))
               for name in names)


def begin_body(s3, bucket, size=16 * MIB):
    """Send the head of a request that names the key of s3 and is not signed with its secret, and wait for the reply to it."""
    client = s3.connect("s3_listen")
    headers = Signer(s3.id, "not the secret").headers("PUT", s3.host, f"/{bucket}/k", body=b"of the owner", send_digest=False)
    del headers["host"]
    client.send(request("PUT", f"/{bucket}/k", [*headers.items(), ("Content-Length", size), ("Expect", "100-continue")],
                        host=s3.host))
    return client, client.answer(interim=True)


def begin_bodies(s3, bucket):
    """The connections whose bodies the server waits for."""
    begun = [begin_body(s3, bucket) for _ in range(CONNECTIONS)]
    for client, answer in begun[PER_KEY:]:
        assert answer.status == 503 and b"<Code>SlowDown</Code>" in answer.body and answer.header("Retry-After") == "1"
        client.close()
    assert [answer.status for _, answer in begun[:PER_KEY]] == [100] * PER_KEY
    return [client for client, _ in begun[:PER_KEY]]


def put_as_owner(s3, bucket, key_id, secret, **how):
    headers = Signer(key_id, secret).headers("PUT", s3.host, f"/{bucket}/mine", body=b"mine", **how)
    del headers["host"]
    return s3.ask("PUT", f"/{bucket}/mine", list(headers.items()), b"mine", host=s3.host, kind="s3_listen").status


def test_bodies_of_unknown_senders_filled_the_disk(s3):
    bucket, other_key = s3.bucket(), s3.s3_key(s3.user())
    before = staged_bytes(s3)
    clients = begin_bodies(s3, bucket)
    for client in clients:
        client.send(b"x" * MIB)
    wait_for("the bodies", lambda: metric(s3, "cais_http_received_bytes_total") >= PER_KEY * MIB)
    assert metric(s3, "cais_unverified_bytes") == PER_KEY * 16 * MIB
    assert metric(s3, "cais_unverified_refused_total") == CONNECTIONS - PER_KEY
    assert staged_bytes(s3) - before <= PER_KEY * MIB
    assert put_as_owner(s3, bucket, s3.id, s3.secret) == 200  # it declares its digest
    assert put_as_owner(s3, bucket, s3.id, s3.secret, send_digest=False) == 503
    assert put_as_owner(s3, bucket, *other_key, send_digest=False) == 200
    for client in clients:
        client.close()
    wait_for("the room that they had", lambda: metric(s3, "cais_unverified_bytes") == 0)
    assert staged_bytes(s3) == before
    assert put_as_owner(s3, bucket, s3.id, s3.secret, send_digest=False) == 200
    clients = begin_bodies(s3, bucket)
    s3.stop()  # which ends what they have begun, and is checked by the server itself
