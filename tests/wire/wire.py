# SPDX-License-Identifier: Apache-2.0
"""Replays transcripts (*.wire) against a server: sends byte for byte what the recorded clients sent, and checks the
replies. The format is described in README.md."""

import json
import re
import socket
import ssl

KINDS = {
    "guid": r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "id": r"[1-9][0-9]{0,9}",
    "token": r"[A-Za-z0-9_-]+",
    "date": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z",
    "number": r"[0-9]+",
    "any": r".+",
    "local": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[+-][0-9]{2}:[0-9]{2}",
    "stamp": r"[0-9]{8}T[0-9]{6}Z",
    "base64": r"[A-Za-z0-9+/]+={0,2}",
    "hex": r"[0-9a-f]+",
    "host": r"[a-z0-9.-]+",
    "login": r"\S+",
    "key": r"\S+",
    "app": r"\S+",
    "secret": r"[A-Za-z0-9]+",
    "pin": r"[A-Za-z0-9]{20}",
}
VARIABLE = re.compile(r"\{(%s) ([a-z0-9_]+)\}" % "|".join(KINDS))


class WireError(Exception):
    """A transcript is malformed, or a reply is not the expected one."""


class Exchange:
    def __init__(self, host, line):
        self.host, self.line = host, line  # line: the number of its first line, for messages
        self.method = self.target = None
        self.headers = []  # (name, value) in order, variables not yet replaced
        self.body = None
        self.chunks = 0  # > 0: the body is sent chunked, in this many pieces
        self.status = None
        self.content_type = None
        self.expected_headers = []
        self.absent_headers = []
        self.expected_json = None
        self.exact = False
        self.expected_bytes = None
        self.no_null = False
        self.contained = []


class Transcript:
    def __init__(self, name):
        self.name = name
        self.plain = False  # without TLS
        self.users = []  # (login, full name)
        self.passwords = {}  # of users
        self.callbacks = {}  # of the applications of users: lists
        self.exchanges = []


def unescape(text):
    """The bytes of a text in which \\r \\n \\t \\\\ and \\xNN are escapes; everything else is encoded as UTF-8."""
    out, at = bytearray(), 0
    while at < len(text):
        if text[at] != "\\":
            out += text[at].encode()
            at += 1
            continue
        mark = text[at + 1 : at + 2]
        if mark == "x":
            out.append(int(text[at + 2 : at + 4], 16))
            at += 4
        elif mark in "rnt\\" and mark:
            out += {"r": b"\r", "n": b"\n", "t": b"\t", "\\": b"\\"}[mark]
            at += 2
        else:
            raise WireError("unknown escape \\%s" % mark)
    return bytes(out)


def parse(text, name="transcript"):
    transcript, host, exchange = Transcript(name), None, None
    for number, line in enumerate(text.split("\n"), 1):
        mark, rest = line[:1], line[2:]
        try:
            if line.strip() == "" or mark == "#":
                continue
            if mark == "@":
                word, _, value = rest.partition(" ")
                if word == "host":
                    host = value.strip()
                elif word == "plain":
                    transcript.plain = True
                elif word == "user":
                    login, _, full_name = value.partition(" ")
                    transcript.users.append((login, full_name))
                elif word == "password":
                    login, _, transcript.passwords[login] = value.partition(" ")
                elif word == "callback":
                    login, _, address = value.partition(" ")
                    transcript.callbacks.setdefault(login, []).append(address)
                else:
                    raise WireError("unknown word @ %s" % word)
            elif mark == ">":
                if exchange is None or exchange.status is not None or exchange.method is None:
                    exchange = Exchange(host, number)
                    transcript.exchanges.append(exchange)
                    exchange.method, _, exchange.target = rest.partition(" ")
                    if not exchange.target:
                        raise WireError("a request begins with METHOD TARGET")
                else:
                    parse_request_line(exchange, rest)
            elif mark == "<":
                if exchange is None:
                    raise WireError("a reply without a request")
                parse_reply_line(exchange, rest)
            else:
                raise WireError("a line begins with # @ > or <")
        except (WireError, ValueError) as e:
            raise WireError("%s:%d: %s" % (name, number, e)) from e
    for exchange in transcript.exchanges:
        if exchange.status is None:
            raise WireError("%s:%d: the request has no expected reply" % (name, exchange.line))
    return transcript


def parse_request_line(exchange, rest):
    if rest.startswith("|"):
        exchange.body = (exchange.body or "") + rest[1:]
    elif rest.startswith("(json) "):
        exchange.body = rest[7:].replace("\\", "\\\\")
    elif rest.startswith("(chunked "):
        exchange.chunks = int(rest[9:].rstrip(")"))
    elif exchange.body is not None:
        raise WireError("a header after the body")
    else:
        header, colon, value = rest.partition(":")
        if not colon:
            raise WireError("a header has a colon")
        exchange.headers.append((header, value[1:] if value.startswith(" ") else value))


def parse_reply_line(exchange, rest):
    if exchange.status is None:
        status, _, exchange.content_type = rest.partition(" ")
        exchange.status = int(status)
    elif rest.startswith("(exact) "):
        exchange.expected_json, exchange.exact = json.loads(rest[8:]), True
    elif rest.startswith("{") or rest.startswith("["):
        exchange.expected_json = json.loads(rest)
    elif rest.startswith("|"):
        exchange.expected_bytes = (exchange.expected_bytes or b"") + unescape(rest[1:])
    elif rest.startswith("(contains) "):
        exchange.contained.append(rest[11:])
    elif rest == "(no null)":
        exchange.no_null = True
    elif rest.startswith("(no header) "):
        exchange.absent_headers.append(rest[12:].strip())
    else:
        header, colon, value = rest.partition(":")
        if not colon:
            raise WireError("not a header, JSON, bytes or a known word: %s" % rest)
        exchange.expected_headers.append((header, value.strip()))


# ---- matching ----


def substitute(text, variables):
    def value(match):
        if (match.group(1), match.group(2)) not in variables:
            raise WireError("%s was never captured" % match.group(0))
        return variables[match.group(1), match.group(2)]

    return VARIABLE.sub(value, text)


def match_text(pattern, got, variables, where, part=False):
    """Checks that `got`, or with part=True a part of it, matches the pattern, which is literal except for its variables. A
    variable that has a value must be equal to it; a new one captures what it matches."""
    regex, names, at = "", [], 0
    for m in VARIABLE.finditer(pattern):
        key = m.group(1), m.group(2)
        regex += re.escape(pattern[at : m.start()])
        at = m.end()
        if key in variables:
            regex += re.escape(variables[key])
        elif key in names:
            regex += "(?P=v%d)" % names.index(key)
        else:
            regex += "(?P<v%d>%s)" % (len(names), KINDS[key[0]])
            names.append(key)
    regex += re.escape(pattern[at:])
    m = (re.search if part else re.fullmatch)(regex, got, re.S)
    if not m:
        raise WireError("%s is %r, expected %r" % (where, got, pattern))
    for i, key in enumerate(names):
        variables[key] = m.group("v%d" % i)


def match_json(pattern, got, variables, exact=False, where="body"):
    """Checks that `got` matches the pattern. Objects may have more members than the pattern, unless `exact`; arrays must have
    the same length. A string that is only a variable {id x} or {number x} matches a number."""
    if isinstance(pattern, dict):
        if not isinstance(got, dict):
            raise WireError("%s is %r, expected an object" % (where, got))
        for name, value in pattern.items():
            if name not in got:
                raise WireError("%s has no %r, only %s" % (where, name, sorted(got)))
            match_json(value, got[name], variables, exact, "%s.%s" % (where, name))
        if exact and set(got) != set(pattern):
            raise WireError("%s also has %s" % (where, sorted(set(got) - set(pattern))))
    elif isinstance(pattern, list):
        if not isinstance(got, list) or len(got) != len(pattern):
            raise WireError("%s is %r, expected %d elements" % (where, got, len(pattern)))
        for i, value in enumerate(pattern):
            match_json(value, got[i], variables, exact, "%s[%d]" % (where, i))
    elif isinstance(pattern, str):
        variable = VARIABLE.fullmatch(pattern)
        wants_number = bool(variable) and variable.group(1) in ("id", "number")
        if wants_number != (type(got) is int) or not isinstance(got, (str, int)):
            raise WireError("%s is %r, expected %s" % (where, got, pattern))
        match_text(pattern, str(got), variables, where)
    elif type(pattern) is not type(got) or pattern != got:
        raise WireError("%s is %r, expected %r" % (where, got, pattern))


def has_null(value):
    if isinstance(value, dict):
        return any(has_null(v) for v in value.values())
    if isinstance(value, list):
        return any(has_null(v) for v in value)
    return value is None


# ---- sending ----


def encode_body(exchange, variables):
    if exchange.body is None:
        return b""
    return unescape(substitute(exchange.body, variables))


def encode_request(exchange, variables):
    """The bytes of the request. Host is the first header unless the transcript has it; Content-Length is added when there is
    a body and the transcript has none."""
    body = encode_body(exchange, variables)
    length = str(len(body))
    names = [name.lower() for name, _ in exchange.headers]
    head = ["%s %s HTTP/1.1" % (exchange.method, substitute(exchange.target, variables))]
    if "host" not in names:
        head.append("Host: %s" % substitute(exchange.host, variables))
    for name, value in exchange.headers:
        head.append("%s: %s" % (name, length if value == "(length)" else substitute(value, variables)))
    if exchange.chunks:
        head.append("Transfer-Encoding: chunked")
        size = max(1, -(-len(body) // exchange.chunks))
        pieces = [body[i : i + size] for i in range(0, len(body), size)]
        body = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"
    elif exchange.body is not None and "content-length" not in names:
        head.append("Content-Length: %s" % length)
    return ("\r\n".join(head) + "\r\n\r\n").encode() + body


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def header(self, name):
        found = [value for n, value in self.headers if n.lower() == name.lower()]
        return found[0] if found else None


class Connection:
    """One keep-alive connection. It reads strictly: after a reply of the wrong length, reading the next reply fails."""

    def __init__(self, address, server_name=None, context=None):
        self.socket = socket.create_connection(address, timeout=30)
        if context:
            self.socket = context.wrap_socket(self.socket, server_hostname=server_name)
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, data, method):
        self.socket.sendall(data)
        while True:
            status, headers = self.read_head()
            if status >= 200:
                break
        return Reply(status, headers, self.read_body(method, status, headers))

    def read_head(self):
        line = self.file.readline().decode("latin-1")
        m = re.fullmatch(r"HTTP/1\.1 ([0-9]{3})( [^\r\n]*)?\r\n", line)
        if not m:
            raise WireError("not a status line: %r" % line)
        headers = []
        while True:
            line = self.file.readline().decode("latin-1")
            if line == "\r\n":
                return int(m.group(1)), headers
            name, colon, value = line.partition(":")
            if not colon or not line.endswith("\r\n"):
                raise WireError("not a header: %r" % line)
            headers.append((name, value.strip()))

    def read_body(self, method, status, headers):
        fields = {name.lower(): value for name, value in headers}
        if method == "HEAD" or status in (204, 304):
            return b""
        if fields.get("transfer-encoding", "").lower() == "chunked":
            body = b""
            while True:
                size = int(self.file.readline().split(b";")[0], 16)
                body += self.file.read(size)
                if self.file.readline() != b"\r\n":
                    raise WireError("a chunk does not end with CRLF")
                if size == 0:
                    return body
        if "content-length" in fields:
            length = int(fields["content-length"])
            body = self.file.read(length)
            if len(body) != length:
                raise WireError("%d bytes of %d" % (len(body), length))
            return body
        return self.file.read()


def check_reply(exchange, reply, variables):
    if reply.status != exchange.status:
        raise WireError("status %d, expected %d: %r" % (reply.status, exchange.status, reply.body[:500]))
    content_type = (reply.header("Content-Type") or "").partition(";")[0]
    if exchange.content_type and content_type != exchange.content_type:
        raise WireError("type %r, expected %r" % (content_type, exchange.content_type))
    for name, pattern in exchange.expected_headers:
        got = reply.header(name)
        if got is None:
            raise WireError("no header %s" % name)
        if pattern != "*":
            match_text(pattern, got, variables, "header %s" % name)
    for name in exchange.absent_headers:
        if reply.header(name) is not None:
            raise WireError("header %s: %s" % (name, reply.header(name)))
    if exchange.expected_bytes is not None and reply.body != exchange.expected_bytes:
        raise WireError("body %r, expected %r" % (reply.body[:500], exchange.expected_bytes[:500]))
    for pattern in exchange.contained:
        match_text(pattern, reply.body.decode(), variables, "body", part=True)
    if exchange.expected_json is not None or exchange.no_null:
        body = json.loads(reply.body.decode())
        if exchange.no_null and has_null(body):
            raise WireError("null in %r" % reply.body)
        if exchange.expected_json is not None:
            match_json(exchange.expected_json, body, variables, exchange.exact)


def replay(transcript, connect, variables):
    """Sends every request of the transcript and checks every reply. `connect(host)` opens a Connection; one is kept for each
    host, as the clients do."""
    connections = {}
    try:
        for exchange in transcript.exchanges:
            try:
                host = substitute(exchange.host, variables)
                if host not in connections:
                    connections[host] = connect(host)
                reply = connections[host].send(encode_request(exchange, variables), exchange.method)
                check_reply(exchange, reply, variables)
            except (WireError, ValueError, OSError) as e:
                place = "%s:%d: %s %s" % (transcript.name, exchange.line, exchange.method, exchange.target)
                raise WireError("%s: %s" % (place, e)) from e
            if (reply.header("Connection") or "").lower() == "close":
                connections.pop(host).close()
    finally:
        for connection in connections.values():
            connection.close()


def tls_context(ca):
    return ssl.create_default_context(cafile=ca)
