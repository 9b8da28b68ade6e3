# SPDX-License-Identifier: Apache-2.0
"""A file that is sent by tus, in steps, or in one PUT: for the lines `resumable` of bench/run."""
import http.client
import os
import time

STEP = 1048576
PIECE = os.urandom(STEP)
TUS = {"Tus-Resumable": "1.0.0"}


def _request(server, method, path, size, headers):
    c = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    c.putrequest(method, path)
    for name, value in {**server.headers, **headers, "Content-Length": str(size)}.items():
        c.putheader(name, value)
    c.endheaders()
    for at in range(0, size, STEP):
        c.sock.sendall(PIECE[:min(STEP, size - at)])
    answer = c.getresponse()
    answer.read()
    c.close()
    if answer.status not in (201, 204):
        raise RuntimeError(f"{method} {path}: {answer.status}")
    return answer


def put(server, size):
    _request(server, "PUT", server.put_path + "bench.bin", size, {})


def tus(server, size, step):
    answer = _request(server, "POST", server.uploads_path, 0, {**TUS, "Upload-Length": str(size)})
    path = answer.getheader("Location")
    if "://" in path:
        path = "/" + path.split("/", 3)[3]
    for at in range(0, size, step):
        _request(server, "PATCH", path, min(step, size - at),
                 {**TUS, "Upload-Offset": str(at), "Content-Type": "application/offset+octet-stream"})


def timed(server, size, send, *more):
    """MiB a second, and the server's CPU time for a MiB in milliseconds."""
    begin, cpu = time.monotonic(), server.cpu()
    send(server, size, *more)
    mib = size / STEP
    return mib / (time.monotonic() - begin), (server.cpu() - cpu) * 1000 / mib
