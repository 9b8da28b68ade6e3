# SPDX-License-Identifier: Apache-2.0
"""Programs for Node that send a large body, slowly or all at once, to a server that refuses it before it has come. They must get the
reply, in the form of its API, and not a connection that was reset while they sent."""
import json
import os
import subprocess

import pytest

from s3 import NODE_FOLDER, S3Server, node
from server import FORM, bearer
from uploads import OCTETS, PATH

BUSY_MS = 6500  # a server that stops reading after five seconds has closed the connection by then
WRONG = dict(bearer("wrong"))
TOO_LARGE = 1 << 20
PLACES = {  # method, path, headers, the status of the reply, and a part of it
    "native": ("PUT", "/v1/native/files/a", WRONG, 401, '"code":"unauthenticated"'),
    "pyrus": ("POST", "/v4/files/upload", {**WRONG, **dict([FORM])}, 401, '"error_code":"invalid_token"'),
    "s3": ("PUT", "/bucket/key", {}, 403, "<Code>AccessDenied</Code>"),
    "runrun": ("POST", "/api/v1.0/tasks", {"App-Key": "a", "User-Token": "b"}, 401, '"error":"Unauthorized"'),
    "redu": ("POST", "/api/folders/1/files", {"Authorization": "OAuth wrong", **dict([FORM])}, 404, ""),
    "datasnap": ("POST", "/v1/schemas/a/files", {**WRONG, **dict([FORM])}, 401, '"message":"Unauthenticated."'),
    "oci": ("PUT", "/p/wrong/n/a/b/c/o/d", {}, 401, '"code":"NotAuthenticated"'),
    "appfile": ("POST", "/appfile/file/import/data", {"x-api-key": "wrong"}, 403, '"message":"Forbidden"'),
    "tus": ("POST", PATH, {**WRONG, "Tus-Resumable": "1.0.0", "Upload-Length": "1", **dict([OCTETS])}, 401, '"code":"unauthenticated"'),
}
WRITERS = ["fetch, a stream", "fetch, a stream with its length", "axios, a stream", "http, a stream"]
CASES = [(writer, "native", 8, 4) for writer in WRITERS]  # writer, place, megabytes, the piece behind which it is busy
CASES += [("fetch, a stream", place, 4, 4) for place in PLACES if place != "native"]
CASES += [("fetch, a buffer", "native", 256, None), ("fetch, a form", "pyrus", 256, None), ("fetch, a stream with its length", "s3", 256, None)]
# refused in its middle, and a body that is short enough to be read to its end
CASES += [("fetch, a stream", "TLS", 8, 4), ("fetch, a stream", "too large", 8, 40), ("axios, a stream", "too large", 8, 40), ("fetch, a stream with its length", "native", 1, 4)]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    sets = [f"native.max_file_size={TOO_LARGE}", "http.body_pool=1M"]
    with S3Server(tmp_path_factory.mktemp("early"), sets=sets) as started:
        yield started


@pytest.fixture(scope="module")
def replies(server):
    """All programs run at the same time."""
    token = dict(bearer(server.native()))
    places = {**PLACES, "TLS": PLACES["native"], "too large": ("PUT", "/v1/native/files/a", token, 413, '"code":"too_large"')}
    running = []
    for writer, place, megabytes, busy_at in CASES:
        method, path, headers, status, part = places[place]
        url = server.tls_url if place == "TLS" else server.shared_url
        settings = {"writer": writer, "url": url + path, "method": method, "headers": headers, "megabytes": megabytes,
                    "busyAt": busy_at, "busyMs": BUSY_MS}
        process = subprocess.Popen([node(), os.path.join(NODE_FOLDER, "early_refusal.mjs"), json.dumps(settings)], stdout=subprocess.PIPE,
                                   text=True, env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "NODE_EXTRA_CA_CERTS": server.ca})
        running.append((process, status, part))
    return {case: (json.loads(process.communicate(timeout=120)[0]), status, part)
            for case, (process, status, part) in zip(CASES, running)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}, {case[1]}, {case[2]} MiB")
def test_a_sender_of_a_large_body_got_epipe_in_place_of_the_reply(replies, case):
    got, status, part = replies[case]
    assert got.get("status") == status and part in got["text"], got
