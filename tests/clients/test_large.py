# SPDX-License-Identifier: Apache-2.0
"""Uploads and downloads files of 250 MiB through both APIs, with and without TLS, and checks that the memory of the server
does not grow with the file."""
import hashlib
import json
import os
import re
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "crash"))
from serving import TIMEOUT_S, Server, make_certificate, run  # noqa: E402

SIZE = 250 << 20
GROWTH_KIB = 16 << 10


def status_kib(pid, name):
    with open("/proc/%d/status" % pid) as f:
        return int(re.search(name + r":\s+(\d+) kB", f.read()).group(1))


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A large file. Returns (path, MD5)."""
    path, md5, block = tmp_path_factory.mktemp("large") / "large.bin", hashlib.md5(), os.urandom(1 << 20)
    with open(path, "wb") as f:
        for i in range(SIZE >> 20):
            block = block[4099:] + block[:4099]  # so that all blocks differ
            f.write(block)
            md5.update(block)
    yield path, md5.hexdigest()
    path.unlink()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    cert, key = make_certificate(folder)
    with Server(folder / "data", "--tls-listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key, "--set",
                "pyrus.max_file_size=250M", "--set", "files.purge_grace=0") as server:
        server.cert = cert
        server.ana = server.user("ana")
        server.ana.token = server.login(server.ana)
        yield server


def curl(server, *arguments, **more):
    return run("curl", "-sS", "--fail-with-body", "--max-time", str(5 * TIMEOUT_S), "--cacert", server.cert, *arguments,
               **more)


def md5_of_download(server, url, token):
    source = subprocess.Popen(["curl", "-sS", "--fail", "--cacert", server.cert, "-H", "Authorization: Bearer " + token,
                               url], stdout=subprocess.PIPE)
    md5 = hashlib.file_digest(source.stdout, "md5").hexdigest()
    source.stdout.close()
    assert source.wait() == 0
    return md5


@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
@pytest.mark.parametrize("api", ["native", "pyrus"])
def test_250_mib_in_constant_memory(server, large, api, tls):
    path, md5 = large
    url, user = server.tls_url if tls else server.url, server.ana
    with open("/proc/%d/clear_refs" % server.pid, "w") as f:
        f.write("5")  # resets the peak
    idle = status_kib(server.pid, "VmRSS")
    if api == "native":
        answer = json.loads(curl(server, "-H", "Authorization: Bearer " + user.native, "-T", path,
                                 url + "/v1/native/files/").stdout)
        assert (answer["size"], answer["md5"]) == (SIZE, md5)
        id_, back, token = answer["id"], url + "/v1/native/files/" + answer["id"], user.native
    else:
        answer = json.loads(curl(server, "-H", "Authorization: Bearer " + user.token, "-F", "f=@%s" % path,
                                 url + "/v4/files/upload").stdout)
        assert answer["md5_hash"] == md5
        id_, back, token = answer["guid"], url + "/v4/files/download/" + answer["guid"], user.token
    uploaded = status_kib(server.pid, "VmHWM")
    assert md5_of_download(server, back, token) == md5
    peak = status_kib(server.pid, "VmHWM")
    print("%s%s: idle %.1f MiB, peak after the upload %.1f MiB, after the download %.1f MiB" % (
        api, " over TLS" if tls else "", idle / 1024, uploaded / 1024, peak / 1024))
    if not os.environ.get("CAIS_BINARY"):  # a build with sanitizers needs more memory
        assert peak - idle < GROWTH_KIB
    assert server.json("DELETE", "/v1/native/files/" + id_, None, user.native)[0] in (204, 409)


def test_one_byte_above_the_limit_of_pyrus_is_refused(server, tmp_path):
    path = tmp_path / "more.bin"
    path.touch()
    with open(path, "r+b") as f:
        f.truncate(SIZE + 1)
    done = run("curl", "-sS", "--max-time", str(5 * TIMEOUT_S), "-H", "Authorization: Bearer " + server.ana.token, "-F",
               "f=@%s" % path, server.url + "/v4/files/upload", "-w", " %{http_code}")
    answer, status = done.stdout.rsplit(" ", 1)
    assert (status, json.loads(answer)["error_code"]) == ("400", "too_large_request_length")
