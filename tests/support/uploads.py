# SPDX-License-Identifier: Apache-2.0
"""Resumable uploads over raw sockets: the requests of tus and of the IETF draft as one user sends them (docs/apis/resumable.md)."""
import base64
import hashlib
import re
import zlib

import pytest

from server import bearer, request, wait_for

PATH = "/v1/native/uploads"
OCTETS = ("Content-Type", "application/offset+octet-stream")
PARTIAL = ("Content-Type", "application/partial-upload")
INTEROP = ("Upload-Draft-Interop-Version", "8")
EXTENSIONS = ["creation", "creation-with-upload", "creation-defer-length", "termination", "expiration", "checksum",
              "checksum-trailer", "concatenation"]
rule = pytest.mark.rule  # @rule("TUS-HEAD-1", …): the rows of docs/apis/resumable-rules.md that a test is about


def pairs(headers):
    return list(headers.items()) if isinstance(headers, dict) else list(headers)


def metadata(**members):
    """The value of Upload-Metadata for these members: text, bytes, or None for a key without a value."""
    def one(key, value):
        if value is None:
            return key
        return key + " " + base64.b64encode(value.encode() if isinstance(value, str) else value).decode()
    return ",".join(one(key, value) for key, value in members.items())


DIGESTS = {"sha1": lambda data: hashlib.sha1(data).digest(), "sha256": lambda data: hashlib.sha256(data).digest(),
           "md5": lambda data: hashlib.md5(data).digest(), "crc32": lambda data: zlib.crc32(data).to_bytes(4, "big")}


def checksum(data, algorithm="sha1"):
    """The value of Upload-Checksum for these bytes."""
    return algorithm + " " + base64.b64encode(DIGESTS[algorithm](data)).decode()


def digest(data, algorithm="sha-256"):
    """The value of Content-Digest or Repr-Digest for these bytes."""
    return f"{algorithm}=:{base64.b64encode(hashlib.new(algorithm.replace('-', ''), data).digest()).decode()}:"


def chunked(data, pieces=1, trailer=()):
    """A chunked body of about so many chunks, with a trailer."""
    size = max(1, -(-len(data) // pieces))
    chunks = [data[at:at + size] for at in range(0, len(data), size)]
    lines = "".join(f"{name}: {value}\r\n" for name, value in trailer).encode()
    return b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in chunks) + b"0\r\n" + lines + b"\r\n"


def upload_offset(answer):
    """The offset that a reply names, or None. Anything but digits fails."""
    value = answer.header("Upload-Offset")
    assert value is None or re.fullmatch(r"0|[1-9]\d*", value), answer
    return None if value is None else int(value)


class Uploads:
    """The uploads of one user on a server. Headers are dicts, or lists of pairs if a name comes twice."""

    def __init__(self, server, token=None, proof=None):
        self.server = server
        self.proof = proof if proof is not None else bearer(token or server.native())

    def bytes(self, method, target=PATH, headers=(), body=None):
        return request(method, target, [*self.proof, *pairs(headers)], body)

    def ask(self, method, target=PATH, headers=(), body=None, client=None):
        """Send one request, on `client` or on a connection of its own, and return its final reply."""
        data = self.bytes(method, target, headers, body)
        if client:
            client.send(data)
            return client.answer(method)
        with self.server.connect() as own:
            own.send(data)
            return own.answer(method)

    # ── tus

    def tus(self, method, target=PATH, headers=(), body=None, client=None):
        return self.ask(method, target, [("Tus-Resumable", "1.0.0"), *pairs(headers)], body, client)

    def create(self, length=None, headers=()):
        """Create an upload, of unknown length if none is given, and return its path."""
        size = ("Upload-Defer-Length", "1") if length is None else ("Upload-Length", str(length))
        answer = self.tus("POST", PATH, [size, *pairs(headers)])
        assert answer.status == 201, answer
        return self.path(answer)

    @staticmethod
    def path(answer):
        """The path of the upload that a reply names in Location."""
        assert answer.header("Location"), answer
        return re.sub("^https?://[^/]+", "", answer.header("Location"))

    def patch(self, path, offset, data, headers=(), client=None):
        return self.tus("PATCH", path, [OCTETS, ("Upload-Offset", str(offset)), *pairs(headers)], data, client)

    def head(self, path, client=None):
        return self.tus("HEAD", path, client=client)

    def offset(self, path):
        """How far the upload came, by HEAD of tus."""
        answer = self.head(path)
        assert answer.status in (200, 204), answer
        return upload_offset(answer)

    def part(self, data, headers=()):
        """A finished partial upload."""
        path = self.create(len(data), [("Upload-Concat", "partial"), *pairs(headers)])
        if data:
            answer = self.patch(path, 0, data)
            assert answer.status == 204, answer
        return path

    def concatenate(self, paths, headers=()):
        return self.tus("POST", PATH, [("Upload-Concat", "final;" + " ".join(paths)), *pairs(headers)])

    # ── the IETF draft

    def begin(self, complete, data=b"", headers=(), client=None):
        """POST of the draft. Returns its final reply."""
        return self.ask("POST", PATH, [("Upload-Complete", "?1" if complete else "?0"), *pairs(headers)], data, client)

    def append(self, path, offset, data, complete=False, headers=(), client=None):
        return self.ask("PATCH", path, [PARTIAL, ("Upload-Offset", str(offset)), ("Upload-Complete", "?1" if complete else "?0"),
                                        *pairs(headers)], data, client)

    def how_far(self, path):
        """HEAD of the draft."""
        return self.ask("HEAD", path)

    # ── both

    def finish(self, path, data):
        """Send what is missing of an upload of these bytes, and return the bytes of the file that it became."""
        answer = self.patch(path, self.offset(path), data[self.offset(path):])
        assert answer.status == 204, answer
        return self.read(path)

    def read(self, path):
        """The bytes of the file that an upload became. Waits for a concatenation."""
        def place():
            answer = self.head(path)
            assert answer.status in (200, 204), answer
            return answer.header("Content-Location")
        got = self.ask("GET", wait_for("the file of the upload", place))
        assert got.status == 200, got
        return got.body

    def file(self, path):
        """The file object of a finished upload."""
        place = wait_for("the file of the upload", lambda: self.head(path).header("Content-Location"))
        return self.ask("GET", place + "/info").json()

    def every(self):
        """The objects of all uploads in the list."""
        after = ""
        while True:
            page = self.ask("GET", PATH + "?limit=100" + after).json()
            yield from page["uploads"]
            if not page.get("next"):
                return
            after = "&after=" + page["next"]

    def listed(self, path):
        """The object of an upload in the list, or None."""
        return next((one for one in self.every() if PATH + "/" + one["id"] == path), None)
