# SPDX-License-Identifier: Apache-2.0
"""Where one request ends and the next begins: 32 cases over raw sockets, sent to cais and to nginx.

Another request, NEXT, follows every message. If the message is accepted, NEXT must be answered. If the message is refused,
no request behind it or hidden inside it may be answered. Otherwise a proxy in front of cais could see other requests on the
connection than cais does, which makes request smuggling possible. cais must refuse every message that nginx refuses.
"""
import collections
import fcntl
import hashlib
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import termios
import time
from xml.etree import ElementTree

import pytest

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
SECONDS = 20  # the timeout of each read
LIST = "/v1/native/files"
NEXT = "GET /v1/native/files?limit=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{auth}\r\n"
HIDDEN = "GET /v1/native/files/hidden HTTP/1.1\r\nHost: x\r\n\r\n"
MISSING = "/v1/native/files/00000000-0000-4000-8000-000000000000"
FORM = "--b\r\nContent-Disposition: form-data; name=file; filename=x\r\n\r\nhello\r\n--b--\r\n"

Answer = collections.namedtuple("Answer", "status headers body")
Case = collections.namedtuple("Case", "name message status kept")


# ---- messages: {auth} is replaced by the Authorization header; every other character is sent as one byte ----


def put(*lines, body="", version="1.1", host="Host: x", path="/v1/native/files/x"):
    head = ["PUT %s HTTP/%s" % (path, version)] + ([host] if host is not None else []) + list(lines)
    return "\r\n".join(head) + "\r\n{auth}\r\n" + body


def get(*lines, body="", version="1.1", host="Host: x", target=LIST, method="GET"):
    head = ["%s %s HTTP/%s" % (method, target, version)] + ([host] if host is not None else []) + list(lines)
    return "\r\n".join(head) + "\r\n{auth}\r\n" + body


def form(*lines, body):
    head = ["POST /v4/files/upload HTTP/1.1", "Host: x", "Content-Type: multipart/form-data; boundary=b"] + list(lines)
    return "\r\n".join(head) + "\r\n{pyrus}\r\n" + body


def chunks(*pieces, end="0\r\n\r\n"):
    return "".join("%x\r\n%s\r\n" % (len(p), p) for p in pieces) + end


CHUNKED = "Transfer-Encoding: chunked"
HELLO = chunks("hello")


def length(value):
    return "Content-Length: %s" % value


# ---- messages that are refused ----

# Each of these heads is sent twice: with a harmless body, and with a complete request in place of the body (case 7).
DISAGREEING = [
    ("01 two different Content-Length", [length(5), length(6)], 400),
    ("01 two different Content-Length, one of them 0", [length(5), length(0)], 400),
    ("02 two equal Content-Length", [length(5), length(5)], 400),
    ("03 the list 5, 5", [length("5, 5")], 400),
    ("03 the list 5,6", [length("5,6")], 400),
    ("04 negative Content-Length", [length(-5)], 400),
    ("04 Content-Length +5", [length("+5")], 400),
    ("04 hexadecimal Content-Length", [length("0x5")], 400),
    ("04 empty Content-Length", [length("")], 400),
    ("04 Content-Length of 30 digits", [length("1" * 30)], 400),
    ("04 Content-Length of 2^64 + 5", [length(2**64 + 5)], 400),
    ("04 Content-Length of 2^63", [length(2**63)], 400),
    ("04 two numbers with a blank between", [length("5 5")], 400),
    ("04 a number with a tail", [length("5;q=1")], 400),
    ("05 Content-Length with chunked", [length(5), CHUNKED], 400),
    ("06 chunked with Content-Length", [CHUNKED, length(5)], 400),
]

REFUSED = [
    ("08 space before the colon", put("Content-Length : 5", body="hello"), 400),
    ("08 tab before the colon", put("Content-Length\t: 5", body="hello"), 400),
    ("08 space before the colon of Transfer-Encoding", put("Transfer-Encoding : chunked", body=HELLO), 400),
    ("08 space before the first header name", put(body="", host=" Host: x"), 400),
    ("09 empty header name", put(length(5), ": x", body="hello"), 400),
    ("09 empty header name first", put(length(5), body="hello", host=": x\r\nHost: x"), 400),
    ("09 a line without a colon", put(length(5), "X", body="hello"), 400),
    ("10 folded header line", put("X: a\r\n b", length(5), body="hello"), 400),
    ("10 folded with a tab", put("X: a\r\n\tb", length(5), body="hello"), 400),
    ("10 folded Transfer-Encoding", put("Transfer-Encoding:\r\n chunked", body=HELLO), 400),
    ("10 folded Content-Length", put("Content-Length:\r\n 5", body="hello"), 400),
    ("11 unknown transfer coding", put("Transfer-Encoding: zip", body=HELLO), 501),
    ("11 xchunked", put("Transfer-Encoding: xchunked", body=HELLO), 501),
    ("11 chunkedx", put("Transfer-Encoding: chunkedx", body=HELLO), 501),
    ("11 identity", put("Transfer-Encoding: identity", length(5), body="hello"), 400),
    ("11 empty Transfer-Encoding", put("Transfer-Encoding:", body=HELLO), 501),
    ("11 quoted", put('Transfer-Encoding: "chunked"', body=HELLO), 501),
    ("12 gzip, chunked", put("Transfer-Encoding: gzip, chunked", body=HELLO), 501),
    ("12 gzip and chunked in two lines", put("Transfer-Encoding: gzip", CHUNKED, body=HELLO), 501),
    ("12 chunked and gzip in two lines", put(CHUNKED, "Transfer-Encoding: gzip", body=HELLO), 501),
    ("13 chunked, identity", put("Transfer-Encoding: chunked, identity", body=HELLO), 501),
    ("13 chunked, chunked", put("Transfer-Encoding: chunked, chunked", body=HELLO), 501),
    ("13 chunked twice", put(CHUNKED, CHUNKED, body=HELLO), 501),
    ("14 Transfer-Encoding in HTTP/1.0", put(CHUNKED, body=HELLO, version="1.0"), 400),
    ("14 the same, kept alive", put(CHUNKED, "Connection: keep-alive", body=HELLO, version="1.0"), 400),
    ("14 a body without a length in HTTP/1.0", put(body="hello", version="1.0"), 400),
    ("14 a part of a file", put(length(5), "Content-Range: bytes 5-9/10", body="hello"), 400),
    ("15 chunk data without its CRLF", put(CHUNKED, body="5\r\nhello0\r\n\r\n"), 400),
    ("15 chunk data longer than its size", put(CHUNKED, body="4\r\nhello\r\n0\r\n\r\n"), 400),
    ("15 chunk data followed by a bare CR", put(CHUNKED, body="5\r\nhello\r0\r\n\r\n"), 400),
    ("15 the last chunk without its CRLF", put(CHUNKED, body="5\r\nhello\r\n0\r\nGET / HTTP/1.1\r\n\r\n"), 400),
    ("16 junk after a chunk size", put(CHUNKED, body="5x\r\nhello\r\n0\r\n\r\n"), 400),
    ("16 a word after a chunk size", put(CHUNKED, body="5 x\r\nhello\r\n0\r\n\r\n"), 400),
    ("16 chunk size with 0x", put(CHUNKED, body="0x5\r\nhello\r\n0\r\n\r\n"), 400),
    ("16 a blank before the chunk size", put(CHUNKED, body=" 5\r\nhello\r\n0\r\n\r\n"), 400),
    ("16 an empty chunk size", put(CHUNKED, body="\r\nhello\r\n0\r\n\r\n"), 400),
    ("16 a negative chunk size", put(CHUNKED, body="-5\r\nhello\r\n0\r\n\r\n"), 400),
    ("17 chunk size of 2^64 + 5", put(CHUNKED, body="10000000000000005\r\nhello\r\n0\r\n\r\n"), 400),
    ("17 chunk size of 2^64 - 1", put(CHUNKED, body="ffffffffffffffff\r\nhello\r\n0\r\n\r\n"), 400),
    ("17 chunk size of 2^63", put(CHUNKED, body="8000000000000000\r\nhello\r\n0\r\n\r\n"), 400),
    ("17 chunk size of 40 digits", put(CHUNKED, body="f" * 40 + "\r\nhello\r\n0\r\n\r\n"), 400),
    ("18 an extension of 20,000 bytes", put(CHUNKED, body="5;a=%s\r\nhello\r\n0\r\n\r\n" % ("b" * 20000)), 400),
    ("18 an extension of 20,000 bytes at the end",
     put(CHUNKED, body="5\r\nhello\r\n0;a=%s\r\n\r\n" % ("b" * 20000)), 400),
    # grammar allows it, llhttp 8.1 does not, no client sends it
    ("18 an extension behind one with a value", put(CHUNKED, body="5;a=b;c\r\nhello\r\n0\r\n\r\n"), 400),
    ("18 an extension with NUL", put(CHUNKED, body="5;a=\0\r\nhello\r\n0\r\n\r\n"), 400),
    ("19 bare LF before the request", "\n" + get(), 400),
    ("19 bare LF after a header line", put("X: a\nY: b", length(5), body="hello"), 400),
    ("19 bare LF after the request line", put(length(5), body="hello").replace("\r\n", "\n", 1), 400),
    ("19 bare LF instead of every CRLF", get().replace("\r\n", "\n").replace("{auth}", "{auth_lf}"), 400),
    ("19 the head ends in a bare LF", get("X: y\n").replace("\n\r\n{auth}\r\n", "\n\n"), 400),
    ("19 bare LF after a chunk size", put(CHUNKED, body="5\nhello\r\n0\r\n\r\n"), 400),
    ("19 bare LF after a chunk extension", put(CHUNKED, body="5;a\nhello\r\n0\r\n\r\n"), 400),
    ("19 bare LF after chunk data", put(CHUNKED, body="5\r\nhello\n0\r\n\r\n"), 400),
    ("19 bare LF after the last chunk", put(CHUNKED, body="5\r\nhello\r\n0\n\r\n"), 400),
    ("19 bare LF at the end of the body", put(CHUNKED, body="5\r\nhello\r\n0\r\n\n"), 400),
    ("19 bare LF after a trailer", put(CHUNKED, body="5\r\nhello\r\n0\r\nX: y\n\r\n"), 400),
    ("20 bare CR in a header value", put("X: a\rb", length(5), body="hello"), 400),
    ("20 bare CR that would hide a header line", put("X: a\rTransfer-Encoding: chunked", length(5), body="hello"), 400),
    ("20 bare CR in the request line", put(length(5), body="hello", path="/v1/native/files/x\ry"), 400),
    ("20 bare CR after the request line", put(length(5), body="hello").replace("\r\n", "\r", 1), 400),
    ("20 CR CR LF", put("X: a\r", length(5), body="hello"), 400),
    ("20 bare CR in a header name", put("X\rY: a", length(5), body="hello"), 400),
    ("20 bare CR in a chunk extension", put(CHUNKED, body="5;a\rb\r\nhello\r\n0\r\n\r\n"), 400),
    ("20 bare CR in a trailer", put(CHUNKED, body="5\r\nhello\r\n0\r\nX: a\rb\r\n\r\n"), 400),
    ("21 NUL in a header value", put("X: a\0b", length(5), body="hello"), 400),
    ("21 NUL in a header name", put("X\0Y: a", length(5), body="hello"), 400),
    ("21 NUL in the target", put(length(5), body="hello", path="/v1/native/files/x\0y"), 400),
    ("21 NUL, encoded, in the target", put(length(5), body="hello", path="/v1/native/files/x%00y"), 400),
    ("21 NUL in Content-Length", put("Content-Length: 5\0", body="hello"), 400),
    ("21 a control character in a header value", put("X: a\x01b", length(5), body="hello"), 400),
    ("21 DEL in a header value", put("X: a\x7fb", length(5), body="hello"), 400),
    ("22 missing Host in HTTP/1.1", get(host=None), 400),
    ("22 two Hosts", get("Host: y"), 400),
    ("22 two equal Hosts", get("Host: x"), 400),
    ("22 empty Host", get(host="Host:"), 400),
    ("22 empty Host in HTTP/1.0", get(host="Host:", version="1.0"), 400),
    ("22 Host with a blank", get(host="Host: x y"), 400),
    ("22 Host with a slash", get(host="Host: x/y"), 400),
    ("22 Host with user data", get(host="Host: u@x"), 400),
    ("22 Host with two names", get(host="Host: x, y"), 400),
    ("22 Host with a port that is none", get(host="Host: x:y"), 400),
    ("22 Host with an open bracket", get(host="Host: [::1"), 400),
    ("22 Host with NUL", get(host="Host: x\0y"), 400),
    ("23 HTTP/9.9", get(version="9.9"), 505),
    ("23 HTTP/2.0", get(version="2.0"), 505),
    ("23 HTTP/1.2", get(version="1.2"), 505),
    ("23 HTTP/1.10", get(version="1.10"), 400),
    ("23 HTTP/0.9 with a version", get(version="0.9"), 505),
    ("23 no version", "GET %s\r\n\r\n" % LIST, 505),
    ("23 the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("23 lower-case method", get(method="get"), 501),
    ("23 unknown method", get(method="FETCH"), 501),
    ("23 empty method", get(method=""), 400),
    ("23 CONNECT", get(method="CONNECT", target="x:80"), 501),
    ("23 absolute-form target without a host", get(target="http://" + LIST), 400),
    ("23 absolute-form target of another scheme", get(target="ftp://x" + LIST), 400),
    ("23 target without a slash", get(target="files"), 400),
    ("23 empty target", get(target=""), 400),
    ("23 target with a blank", get(target=LIST + "/a b"), 400),
    ("23 target with a fragment", get(target=LIST + "#a"), 400),
    ("23 * as a target", get(target="*"), 400),
    ("23 not HTTP at all", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "\0" * 64, 400),
    ("24 header line over its limit", get("X: " + "a" * 17000), 431),
    ("24 header name over its limit", get("a" * 17000 + ": x"), 431),
    ("24 header line of 1 MiB", get("X: " + "a" * (1 << 20)), 431),
    ("24 request line over its limit", get(target=LIST + "?a=" + "a" * 17000), 431),
    ("24 header block over its limit", get(*("X-%d: %s" % (i, "a" * 5000) for i in range(20))), 431),
    ("24 101 headers", get(*("X-%d: a" % i for i in range(99))), 431),
    ("24 10,000 headers", get(*("X-%d: a" % i for i in range(10000))), 431),
    ("28 unknown expectation", put(length(5), "Expect: miracles", body="hello"), 417),
    ("28 100-continue and more", put(length(5), "Expect: 100-continue, miracles", body="hello"), 417),
    ("Pyrus: two different Content-Length", form(length(len(FORM)), length(5), body=FORM), 400),
    ("Pyrus: Content-Length with chunked", form(length(5), CHUNKED, body=chunks(FORM)), 400),
    ("Pyrus: unknown transfer coding", form("Transfer-Encoding: zip", body=chunks(FORM)), 501),
    ("Pyrus: chunk data without its CRLF", form(CHUNKED, body="%x\r\n%s0\r\n\r\n" % (len(FORM), FORM)), 400),
    ("Pyrus: header line over its limit", form("X: " + "a" * 17000, length(len(FORM)), body=FORM), 431),
]
REFUSED += [(n, put(*h, body="hello"), s) for n, h, s in DISAGREEING]
REFUSED += [("07 a request hidden behind " + n, put(*h, body=HIDDEN), s) for n, h, s in DISAGREEING]
REFUSED += [("07 a request hidden behind a chunked body and " + n, put(*h, body="0\r\n\r\n" + HIDDEN), s)
            for n, h, s in DISAGREEING if CHUNKED in h]

# ---- messages that are accepted, with the statuses of the replies and the bodies that are stored ----

EMPTY_TRAILERS = ["X: y", "Content-MD5: !", "Content-Length: 3", "Transfer-Encoding: chunked", "Host: y"]
ACCEPTED = [
    Case("a body of five bytes", put(length(5), body="hello"), [201], ["hello"]),
    Case("an empty body", put(length(0)), [201], [""]),
    Case("18 chunk extensions", put(CHUNKED, body='5;a=b\r\nhello\r\n0;d\r\n\r\n'), [201], ["hello"]),
    Case("18 quoted chunk extension", put(CHUNKED, body='5;a="b;c d"\r\nhello\r\n0\r\n\r\n'), [201], ["hello"]),
    Case("18 chunk sizes with zeros and capitals", put(CHUNKED, body="0005\r\nhello\r\n00A\r\n0123456789\r\n00\r\n\r\n"),
         [201], ["hello0123456789"]),
    Case("an empty line before the request", "\r\n" + get(), [200], []),
    Case("22 missing Host in HTTP/1.0", get(host=None, version="1.0", *["Connection: keep-alive"]), [200], []),
    Case("22 Host with a port", get(host="Host: x:8080"), [200], []),
    Case("22 Host in IPv6", get(host="Host: [::1]:80"), [200], []),
    Case("23 absolute-form target", get(target="http://x" + LIST), [200], []),
    Case("23 absolute-form target of another host", get(target="http://y" + LIST), [200], []),
    Case("23 absolute-form target, PUT", put(length(5), body="hello", path="http://x/v1/native/files/x"), [201],
         ["hello"]),
    Case("25 Upgrade: h2c", get("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"),
         [200], []),
    Case("25 Upgrade: h2c with a body", put("Connection: Upgrade", "Upgrade: h2c", length(5), body="hello"), [201],
         ["hello"]),
    Case("25 Upgrade with a chunked body", put("Connection: Upgrade", "Upgrade: h2c", CHUNKED, body=HELLO), [201],
         ["hello"]),
    Case("25 websocket", get("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                             "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="), [200], []),
    Case("26 three pipelined requests",
         put(length(5), body="first") + get(target=MISSING) + put(CHUNKED, body=chunks("se", "cond")), [201, 404, 201],
         ["first", "second"]),
    Case("27 chunked body", put(CHUNKED, body=chunks("he", "llo")), [201], ["hello"]),
    Case("27 chunked body, empty", put(CHUNKED, body=chunks()), [201], [""]),
    Case("27 chunked, in capitals", put("transfer-encoding:CHUNKED", body=HELLO), [201], ["hello"]),
    Case("27 chunked body with trailers", put(CHUNKED, "Trailer: X", body="5\r\nhello\r\n0\r\nX: y\r\nZ:\r\n\r\n"),
         [201], ["hello"]),
    Case("31 GET with a body", get(length(len(HIDDEN)), body=HIDDEN), [200], []),
    Case("31 GET with a chunked body", get(CHUNKED, body=chunks(HIDDEN)), [200], []),
    Case("31 GET of nothing with a body", get(length(len(HIDDEN)), body=HIDDEN, target=MISSING), [404], []),
    Case("Pyrus: multipart", form(length(len(FORM)), body=FORM), [200], ["hello"]),
    Case("Pyrus: multipart, chunked", form(CHUNKED, body=chunks(FORM[:20], FORM[20:])), [200], ["hello"]),
]
# Accepted, but the connection closes, so that NEXT is not answered.
CLOSING = [
    Case("28 Expect: 100-continue in HTTP/1.0", put(length(5), "Expect: 100-continue", body="hello", version="1.0"),
         [201], ["hello"]),
    Case("Connection: close", put(length(5), "Connection: close", body="hello"), [201], ["hello"]),
    Case("22 HTTP/1.0 closes", get(version="1.0"), [200], []),
]


# ---- a client that parses replies strictly ----


class Client:
    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.bytes = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """Send bytes. False: the server has closed the connection, which it may do after a refusal."""
        try:
            self.socket.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def settle(self):
        """Wait until the server's kernel has all sent bytes, so that the server reads the next write separately."""
        while struct.unpack("i", fcntl.ioctl(self.socket, termios.TIOCOUTQ, b"\0" * 4))[0]:
            time.sleep(0)
        time.sleep(0.0003)

    def more(self):
        try:
            got = self.socket.recv(1 << 16)
        except ConnectionResetError:
            got = b""
        self.bytes += got
        return bool(got)

    def answer(self):
        """The next reply, or None at the end of the stream. An incomplete reply fails the test."""
        while b"\r\n\r\n" not in self.bytes:
            if not self.more():
                assert self.bytes == b"", "the reply is incomplete: %r" % self.bytes[:200]
                return None
        head, _, self.bytes = self.bytes.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        assert lines[0].startswith("HTTP/1.1 "), "no status line: %r" % head[:200]
        status = lines[0].split(" ")[1]
        headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines[1:])}
        assert "transfer-encoding" not in headers  # neither server chunks a short reply
        length_bytes = 0 if status.startswith("1") or status == "204" else int(headers["content-length"])
        while len(self.bytes) < length_bytes:
            assert self.more(), "the body of the reply is incomplete"
        body, self.bytes = self.bytes[:length_bytes], self.bytes[length_bytes:]
        return Answer(int(status), headers, body)

    def answers(self):
        """All replies until the server closes the connection."""
        return list(iter(self.answer, None))


class Server:
    """One of the two servers: its address and the headers that authenticate a request to it."""

    def __init__(self, address, auth="", pyrus=""):
        self.address, self.auth, self.pyrus = address, auth, pyrus

    def encode(self, message):
        for name, line in [("{auth}", self.auth), ("{auth_lf}", self.auth.replace("\r", "")), ("{pyrus}", self.pyrus)]:
            message = message.replace(name, line)
        return message.encode("latin-1")

    def connect(self):
        return Client(self.address)

    def exchange(self, message, after=NEXT):
        with self.connect() as c:
            c.send(self.encode(message + after))
            return c.answers()


def statuses(answers):
    return [a.status for a in answers if a.status >= 200]


def classes(answers):
    return [status // 100 for status in statuses(answers)]


def at_least_as_strict(ours, theirs):
    """True if cais has answered no more requests than nginx has."""
    return len(classes(ours)) <= max(1, len(classes(theirs)))


def check_errors(answers):
    """Each reply has a request id. Each error has the form of its API: JSON, or the XML of S3 if the path belongs to no other
    API."""
    for a in answers:
        if a.status >= 200:
            assert len(a.headers["x-request-id"]) == 16
        if a.status >= 400:
            if a.headers["content-type"] == "application/xml":
                assert ElementTree.fromstring(a.body).findtext("Code")
            else:
                assert a.headers["content-type"].startswith("application/json")
                assert json.loads(a.body)


# ---- the two servers ----


class Cais(Server):
    def __init__(self, program, folder):
        self.program, self.data = program, os.path.join(folder, "data")
        self.kept = collections.Counter()
        self.process = subprocess.Popen(
            [program, "serve", "--data", self.data, "--listen", "127.0.0.1:0",
             "--set", "storage.reserve_free_space=0", "--set", "storage.durability=relaxed"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        super().__init__(self.find_address())
        self.run("user", "add", "ana")
        key = self.run("key", "add", "ana", "--for", "native")["token"]
        self.auth = "Authorization: Bearer %s\r\n" % key
        login = json.dumps({"login": "ana", "security_key": self.run("key", "add", "ana", "--for", "pyrus")["security_key"]})
        entered = self.exchange(
            "POST /v4/auth HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(login), login))
        self.pyrus = "Authorization: Bearer %s\r\n" % json.loads(entered[0].body)["access_token"]

    def find_address(self):
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            assert self.process.poll() is None, "the server ended with %s" % self.process.returncode
            try:
                with open(os.path.join(self.data, "run.json"), encoding="utf-8") as f:
                    host, port = json.load(f)["listen"][0].split(":")
                return host, int(port)
            except (FileNotFoundError, ValueError):
                time.sleep(0.02)
        raise AssertionError("no run.json")

    def run(self, *args):
        done = subprocess.run([self.program, *args, "--data", self.data, "--json"], capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def keep(self, bodies):
        self.kept.update(hashlib.md5(b.encode("latin-1")).hexdigest() for b in bodies)

    def list(self):
        found, after = collections.Counter(), []
        while True:
            page = self.run("ls", "--limit", "1000", *after)
            found.update(f["md5"] for f in page["files"])
            if "next" not in page:
                return found
            after = ["--after", page["next"]]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def write_nginx_config(folder, port):
    for name in ("logs", "body", "html/v1/native/files"):
        os.makedirs(os.path.join(folder, name))
    with open(os.path.join(folder, "nginx.conf"), "w", encoding="utf-8") as f:
        f.write("""
daemon off; master_process off; pid nginx.pid; error_log logs/error.log;
events { worker_connections 256; }
http {
  access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  client_header_timeout 2s; client_body_timeout 2s; lingering_timeout 1s; default_type application/octet-stream;
  server {
    listen 127.0.0.1:%d; root html;
    location / { dav_methods PUT; client_max_body_size 1g; }
    location /limited/ { dav_methods PUT; client_max_body_size 1m; }
    location = /v1/native/files { return 200 "{}"; }
    location = /v4/files/upload { return 200 "{}"; }
  }
}
""" % port)


class Nginx(Server):
    def __init__(self, folder):
        super().__init__(("127.0.0.1", free_port()))
        write_nginx_config(folder, self.address[1])
        self.process = subprocess.Popen([NGINX, "-p", folder, "-c", "nginx.conf", "-e", "logs/error.log"])
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            assert self.process.poll() is None, "nginx did not start"
            try:
                self.connect().socket.close()
                return
            except ConnectionRefusedError:
                time.sleep(0.02)
        raise AssertionError("nginx does not answer")

    def exchange(self, message, after=NEXT):
        try:
            return super().exchange(message, after)
        except AssertionError:  # it speaks HTTP/0.9, which has no status line
            return [Answer(200, {}, b"")]


@pytest.fixture(scope="module")
def ours(cais, tmp_path_factory):
    server = Cais(cais, str(tmp_path_factory.mktemp("cais")))
    yield server
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(40) == 0


@pytest.fixture(scope="module")
def nginx(tmp_path_factory):
    server = Nginx(str(tmp_path_factory.mktemp("nginx")))
    yield server
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(40) == 0


def names(cases):
    return [c[0] for c in cases]


# ---- messages sent in one piece ----


@pytest.mark.parametrize("name,message,status", REFUSED, ids=names(REFUSED))
def test_a_malformed_message_is_refused_and_closes(ours, nginx, name, message, status):
    answers = ours.exchange(message)
    check_errors(answers)
    assert statuses(answers) == [status]
    assert at_least_as_strict(answers, nginx.exchange(message))
    assert answers[0].headers["connection"] == "close"


@pytest.mark.parametrize("name,message,status,kept", ACCEPTED, ids=names(ACCEPTED))
def test_a_valid_message_gets_the_same_replies_as_from_nginx(ours, nginx, name, message, status, kept):
    answers = ours.exchange(message)
    theirs = nginx.exchange(message)
    ours.keep(kept)
    check_errors(answers)
    assert statuses(answers) == status + [200]
    assert classes(answers) == classes(theirs)


@pytest.mark.parametrize("name,message,status,kept", CLOSING, ids=names(CLOSING))
def test_a_message_that_ends_the_connection_is_answered_first(ours, nginx, name, message, status, kept):
    answers = ours.exchange(message)
    ours.keep(kept)
    assert statuses(answers) == status
    assert classes(answers) == classes(nginx.exchange(message))


def test_pipelined_replies_come_in_order(ours):
    answers = ours.exchange(put(length(3), body="one") + put(length(3), body="two") + get(target=MISSING))
    ours.keep(["one", "two"])
    assert statuses(answers) == [201, 201, 404, 200]
    assert [json.loads(a.body)["md5"] for a in answers[:2]] == [hashlib.md5(b).hexdigest() for b in (b"one", b"two")]


# ---- messages sent in two pieces, split at every byte ----


def outcome(answers):
    """The parts of the replies that must not depend on the split: no ids and no dates."""
    result = []
    for a in answers:
        facts = json.loads(a.body)
        result.append((a.status, facts.get("md5") or facts.get("md5_hash") or facts.get("error", {}).get("code")
                       if isinstance(facts.get("error"), dict) or "error" not in facts else facts["error"]))
    return result


SPLIT = ACCEPTED + CLOSING


@pytest.mark.parametrize("name,message,status,kept", SPLIT, ids=names(SPLIT))
def test_a_message_split_at_any_byte_gets_the_same_replies(ours, name, message, status, kept):
    """Each split uses a new connection, so that no state of an earlier request can influence the result."""
    whole = outcome(ours.exchange(message))
    ours.keep(kept)
    data = ours.encode(message)
    for at in range(1, len(data)):
        with ours.connect() as c:
            c.send(data[:at])
            c.settle()
            c.send(data[at:] + ours.encode(NEXT))
            assert outcome(c.answers()) == whole, "cut at %d" % at
        ours.keep(kept)


FOLDED = [c for c in REFUSED if c[0].startswith("10 ")]


@pytest.mark.parametrize("name,message,status", FOLDED, ids=names(FOLDED))
def test_folded_lines_are_refused_wherever_they_are_split(ours, name, message, status):
    data = ours.encode(message)
    for at in range(1, len(data)):
        with ours.connect() as c:
            c.send(data[:at])
            c.settle()
            c.send(data[at:])
            assert statuses(c.answers()) == [status], "cut at %d" % at


def test_a_message_sent_byte_by_byte_is_accepted(ours):
    with ours.connect() as c:
        for byte in ours.encode(put(CHUNKED, body=chunks("hello")) + NEXT):
            c.send(bytes([byte]))
            c.settle()
        assert statuses(c.answers()) == [201, 200]
    ours.keep(["hello"])


# ---- 28, 29, 30: replies during the body, and half-closed connections ----


@pytest.mark.parametrize("framing,body", [(length(5), "hello"), (CHUNKED, HELLO)], ids=["length", "chunked"])
def test_28_an_accepted_body_gets_100_continue(ours, nginx, framing, body):
    for server in (ours, nginx):
        with server.connect() as c:
            c.send(server.encode(put(framing, "Expect: 100-continue")))
            assert c.answer().status == 100
            c.send(server.encode(body + NEXT))
            assert classes(c.answers()) == [2, 2]
    ours.keep(["hello"])


def test_28_a_refused_body_gets_no_100_continue(ours, nginx):
    """The connection closes, because the next bytes could be the body or another request."""
    unauthenticated = put(length(5), "Expect: 100-continue").replace("{auth}", "Authorization: Bearer none\r\n")
    answers = ours.exchange(unauthenticated)
    check_errors(answers)
    assert [a.status for a in answers] == [401]
    large = put(length(2 << 20), "Expect: 100-continue", path="/limited/x")
    assert [a.status for a in nginx.exchange(large)] == [413]


@pytest.mark.parametrize("framing", [length(64 << 20), CHUNKED], ids=["length", "chunked"])
def test_29_a_refusal_is_readable_while_64_MiB_are_sent(ours, nginx, framing):
    piece = b"100000\r\n" + b"x" * (1 << 20) + b"\r\n" if framing == CHUNKED else b"x" * (1 << 20)
    unauthenticated = put(framing).replace("{auth}", "Authorization: Bearer none\r\n")
    for server, message, status in [(ours, unauthenticated, 401), (nginx, put(framing, path="/limited/x"), 413)]:
        with server.connect() as c:
            c.send(server.encode(message))
            for _ in range(64):
                if not c.send(piece):
                    break
            answers = c.answers()
            assert statuses(answers) == [status]
        if server is ours:
            check_errors(answers)


def test_29_a_refusal_is_readable_before_the_body_ends(ours):
    unauthenticated = put(length(64 << 20)).replace("{auth}", "Authorization: Bearer none\r\n")
    with ours.connect() as c:
        c.send(ours.encode(unauthenticated))
        c.send(b"x" * 100000)
        assert c.answer().status == 401
        for _ in range(64):
            assert c.send(b"x" * (1 << 20)), "the server closed the connection before the client had read the reply"


HALVES = [
    ("PUT", put(length(5), body="hello"), [201], ["hello"]),
    ("PUT, chunked", put(CHUNKED, body=HELLO), [201], ["hello"]),
    ("three pipelined", put(length(1), body="a") + get(target=MISSING) + get(), [201, 404, 200], ["a"]),
    ("Pyrus", form(length(len(FORM)), body=FORM), [200], ["hello"]),
]
CUT = [
    ("a head cut short", "GET %s HTTP/1.1\r\nHost:" % LIST, [400], []),
    ("a request line cut short", "GET /v1", [400], []),
    ("a body cut short", put(length(50), body="hello"), [400], []),
    ("a chunk cut short", put(CHUNKED, body="50\r\nhello"), [400], []),
    ("a chunked body without its end", put(CHUNKED, body="5\r\nhello\r\n"), [400], []),
    ("a large body cut short", put(length(1 << 20), body="a" * 300000), [400], []),
    ("the last of three cut short", get() + get(target=MISSING) + put(length(50), body="hello"), [200, 404, 400], []),
    ("Pyrus, a body cut short", form(length(len(FORM) + 5), body=FORM), [400], []),
    ("Pyrus, without its last boundary", form(length(len(FORM) - 6), body=FORM[:-6]), [400], []),
]


@pytest.mark.parametrize("name,message,status,kept", HALVES + CUT, ids=names(HALVES + CUT))
def test_30_a_client_may_close_its_side_after_the_request(ours, nginx, name, message, status, kept):
    for server in (ours, nginx):
        with server.connect() as c:
            c.send(server.encode(message))
            c.socket.shutdown(socket.SHUT_WR)
            answers = c.answers()
        if server is ours:
            check_errors(answers)
            assert statuses(answers) == status
            ours.keep(kept)
        elif kept:
            assert classes(answers) == [s // 100 for s in status]


# ---- the store afterwards ----


def test_only_accepted_bodies_are_stored(ours):
    assert ours.list() == ours.kept


def test_fsck_finds_nothing(ours):
    report = ours.run("fsck")
    assert report["clean"] and report["files"] == sum(ours.kept.values())
