# SPDX-License-Identifier: Apache-2.0
"""Starts a server on free ports for one test or one file of tests, sends requests over raw sockets, and stops the server.

Each wait is for an event (a file, a line of the log, a reply) and has a deadline. No test sleeps for a fixed time.
After a stop the exit status must be 0, and the log must not contain a secret.
"""

import base64
import hashlib
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.environ.get("CAIS_BINARY") or os.path.join(ROOT, "build", "cais")
TIMEOUT_S = 30  # long enough for a busy machine; only a test that fails waits this long


def wait_for(what, look, seconds=TIMEOUT_S):
    """Call `look` until it returns a true value, and return that value. `what` describes it in the failure."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.01)


# ── certificates


def openssl(*args, cwd):
    subprocess.run(["openssl", *args], cwd=cwd, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Authority:
    """A certificate authority for tests, and the certificates that it signs."""

    KEYS = {"p256": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["-newkey", "rsa:2048"]}

    def __init__(self, folder):
        self.folder = str(folder)
        self.pem = os.path.join(self.folder, "ca.pem")
        openssl("req", "-x509", *self.KEYS["p256"], "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
                "-subj", "/CN=cais test", cwd=self.folder)

    def issue(self, name, hosts, kind="p256"):
        """Issue a certificate for these host names and 127.0.0.1. Returns (certificate file, key file)."""
        names = ",".join("DNS:" + h for h in hosts) + ",IP:127.0.0.1"
        with open(os.path.join(self.folder, name + ".ext"), "w", encoding="ascii") as f:
            f.write(f"basicConstraints=CA:FALSE\nsubjectAltName={names}\n")
        openssl("req", *self.KEYS[kind], "-nodes", "-keyout", name + ".key", "-out", name + ".csr", "-subj",
                "/CN=" + name, cwd=self.folder)
        openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial",
                str(int.from_bytes(os.urandom(8), "big") + 1), "-days", "2", "-extfile", name + ".ext", "-out",
                name + ".pem", cwd=self.folder)
        return os.path.join(self.folder, name + ".pem"), os.path.join(self.folder, name + ".key")

    def context(self):
        return ssl.create_default_context(cafile=self.pem)


# ── one connection


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def header(self, name):
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:300]!r}>"


class Gone(Exception):
    """The server closed the connection before a reply was complete."""


class Client:
    """A connection that sends bytes exactly as given and parses replies."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(TIMEOUT_S)
        self.seen = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        """Send all bytes. False: the server closed the connection first; its reply may still be read."""
        try:
            self.sock.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            return False

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def _more(self):
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            data = b""
        self.seen += data
        return data

    def _until(self, mark):
        while mark not in self.seen:
            if not self._more():
                raise Gone(self.seen)
        found, self.seen = self.seen.split(mark, 1)
        return found

    def _exactly(self, n):
        parts, have = [self.seen], len(self.seen)
        while have < n:
            self.seen = b""
            data = self._more()
            if not data:
                raise Gone(b"".join(parts))
            parts.append(data)
            have += len(data)
        whole = b"".join(parts)
        self.seen = whole[n:]
        return whole[:n]

    def head(self):
        lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, status = lines[0].split(" ")[:2]
        assert version == "HTTP/1.1", lines[0]
        return int(status), [(n, v.strip()) for n, v in (line.split(":", 1) for line in lines[1:])]

    def answer(self, method="GET", interim=False):
        """The next reply. Interim replies, such as 100, are skipped unless `interim` is set."""
        status, headers = self.head()
        while status < 200 and not interim:
            status, headers = self.head()
        named = {n.lower(): v for n, v in headers}
        if method == "HEAD" or status < 200 or status in (204, 304):
            body = b""
        elif named.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self._until(b"\r\n").split(b";")[0], 16):
                body += self._exactly(size + 2)[:-2]
            assert self._until(b"\r\n") == b""
        elif "content-length" in named:
            body = self._exactly(int(named["content-length"]))
        else:
            while self._more():
                pass
            body, self.seen = self.seen, b""
        return Response(status, headers, body)

    def ask(self, method, target, headers=(), body=None, host="127.0.0.1"):
        """Send one request in the usual form and return the reply."""
        self.send(request(method, target, headers, body, host))
        return self.answer(method)

    def is_closed(self):
        """Wait until the server closes the connection. False: the server sent a byte instead."""
        try:
            return self.sock.recv(1) == b""
        except (ConnectionResetError, ssl.SSLError):
            return True


def request(method, target, headers=(), body=None, host="127.0.0.1"):
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"] + [f"{n}: {v}" for n, v in headers]
    named = {n.lower() for n, _ in headers}
    if body is not None and not named & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + (body or b"")


def form(*parts, boundary="b0und", close=True):
    """A multipart body. Each part is (head bytes, data bytes)."""
    mark = b"--" + boundary.encode()
    body = b"".join(mark + b"\r\n" + head + b"\r\n\r\n" + data + b"\r\n" for head, data in parts)
    return body + (mark + b"--\r\n" if close else b"")


def file_part(name, data, field="file"):
    name = name if isinstance(name, bytes) else name.encode()
    return (b'Content-Disposition: form-data; name="' + field.encode() + b'"; filename="' + name + b'"', data)


FORM = ("Content-Type", "multipart/form-data; boundary=b0und")


def json_head(token=None):
    return [("Content-Type", "application/json")] + (bearer(token) if token else [])


def bearer(token):
    return [("Authorization", "Bearer " + token)]


def content_md5(data):
    return base64.b64encode(hashlib.md5(data).digest()).decode()


# ── the form of errors


def is_pyrus_error(answer, status, code):
    assert answer.status == status, answer
    body = answer.json()
    assert body["error_code"] == code and body["error"], answer
    assert answer.header("Content-Type") == "application/json; charset=utf-8", answer
    assert re.fullmatch("[0-9a-f]{16}", answer.header("X-Request-Id")), answer


def is_native_error(answer, status, code):
    assert answer.status == status, answer
    body = answer.json()
    assert list(body) == ["error"] and body["error"]["code"] == code and body["error"]["message"], answer
    assert answer.header("Content-Type") == "application/json", answer
    assert body["error"]["request_id"] == answer.header("X-Request-Id"), answer
    assert re.fullmatch("[0-9a-f]{16}", answer.header("X-Request-Id")), answer


# ── the server


def no_sanitizer_report(log):
    """Fail if a sanitizer has written a report. A server that the test kills may have ended with one before."""
    assert not re.search(r"Sanitizer|runtime error:", log), f"a sanitizer reported an error: {log[-8000:]}"


class Server:
    """A `cais serve` with a data directory below `folder`. options: its arguments; sets: values for --set.
    log_to: a descriptor that is the server's standard error instead of the file `log`."""

    def __init__(self, folder, *options, sets=(), listen=True, start=True, binary=BINARY, log_to=None):
        self.folder, self.binary, self.log_to = str(folder), binary, log_to
        self.data = os.path.join(self.folder, "data")
        self.log_path = os.path.join(self.folder, "log")
        self.secrets = []
        self.options = (["--listen", "127.0.0.1:0"] if listen else []) + list(options)
        for one in ("storage.reserve_free_space=0", *sets):
            self.options += ["--set", one]
        self.users = 0
        self.process = None
        if start:
            self.start()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:  # the test has already failed; report no second failure
            self.kill()
        else:
            self.stop()

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([self.binary, "serve", "--data", self.data, *self.options],
                                            stderr=log if self.log_to is None else self.log_to, stdin=subprocess.DEVNULL)
        try:
            self.run = wait_for("run.json", self._run_file)
        except BaseException:
            self.kill()
            raise

    def _run_file(self):
        assert self.process.poll() is None, f"the server ended with {self.process.returncode}: {self.log()[-2000:]}"
        try:
            with open(os.path.join(self.data, "run.json"), encoding="utf-8") as f:
                run = json.load(f)
            return run if run["pid"] == self.process.pid else None
        except FileNotFoundError:
            return None

    def address(self, kind="listen", nth=0):
        """The address in the form that the socket module takes."""
        at = self.run[kind][nth]
        if at.startswith("unix:"):
            return at[5:]
        host, _, port = at.rpartition(":")
        return host.strip("[]"), int(port)

    def connect(self, kind="listen", nth=0, tls=None, name="127.0.0.1"):
        """tls: an ssl.SSLContext. name: the host name in SNI."""
        at = self.address(kind, nth)
        if isinstance(at, str):
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(TIMEOUT_S)
            sock.connect(at)
        else:
            sock = socket.create_connection(at, timeout=TIMEOUT_S)
        if tls:
            try:
                sock = tls.wrap_socket(sock, server_hostname=name)
            except BaseException:
                sock.close()
                raise
        return Client(sock)

    def ask(self, method, target, headers=(), body=None, host="127.0.0.1", **where):
        with self.connect(**where) as client:
            return client.ask(method, target, headers, body, host)

    # the command line

    def cais(self, *args, check=True, text=None):
        done = subprocess.run([self.binary, *args, "--data", self.data], capture_output=True, input=text, text=True,
                              timeout=120)
        assert not check or done.returncode == 0, (args, done.stderr)
        return done

    def cais_json(self, *args):
        """The output of a command with --json: a list with one object for each line."""
        return [json.loads(line) for line in self.cais(*args, "--json").stdout.splitlines()]

    def user(self, login=None, *options):
        self.users += 1
        login = login or f"user{self.users}@example.org"
        self.cais("user", "add", login, *options)
        return login

    def key(self, login, api, *options):
        made = self.cais_json("key", "add", login, "--for", api, *options)[0]
        names = ("token", "security_key", "app_key", "user_token", "secret_access_key", "access_token", "client_secret", "pin", "api_key")
        self.secrets += [made[name] for name in names if name in made]
        return made

    def native(self, *options):
        """Create a user and return a token for the native API."""
        return self.key(self.user(None, *options), "native")["token"]

    def log_in(self, login, key, **where):
        answer = self.ask("POST", "/v4/auth", json_head(), json.dumps({"login": login, "security_key": key}).encode(),
                          **where)
        assert answer.status == 200, answer
        self.secrets.append(answer.json()["access_token"])
        return answer.json()

    def pyrus(self, *options):
        login = self.user(None, *options)
        return self.log_in(login, self.key(login, "pyrus")["security_key"])["access_token"]

    def files(self):
        return self.cais_json("ls", "--limit", "10000")[0]["files"]

    # the log, metrics and memory

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="surrogateescape") as f:
            return f.read()

    def log_lines(self):
        return [json.loads(line) for line in self.log().splitlines()]

    def wait_log(self, wanted):
        """Wait for a line of the log for which `wanted` returns true, and return it. The last line may be incomplete."""
        def look():
            for line in self.log().split("\n")[:-1]:
                parsed = json.loads(line)
                if wanted(parsed):
                    return parsed
            return None
        return wait_for("a line of the log", look)

    def request_line(self, answer):
        return self.wait_log(lambda line: line.get("request_id") == answer.header("X-Request-Id"))

    def metrics(self):
        answer = self.ask("GET", "/metrics", kind="metrics_listen" if self.run.get("metrics_listen") else "listen")
        found = re.findall(r"^(\w+(?:\{[^}]*\})?) (\d+)$", answer.body.decode(), re.MULTILINE)
        return {name: int(value) for name, value in found}

    def memory(self):
        """The resident memory in bytes."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            return int(re.search(r"VmRSS:\s+(\d+) kB", f.read()).group(1)) * 1024

    def peak(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            return int(re.search(r"VmHWM:\s+(\d+) kB", f.read()).group(1)) * 1024

    # stopping

    def signal(self, which):
        self.process.send_signal(which)

    def wait_end(self, seconds=TIMEOUT_S + 30):
        return self.process.wait(seconds)

    def stop(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            status = self.wait_end()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("the server does not stop") from None
        self.process = None
        assert status == 0, f"exit {status}: {self.log()[-2000:]}"
        self.check_log()

    def check_log(self):
        log = self.log()
        no_sanitizer_report(log)
        for secret in self.secrets:
            assert secret not in log, "a secret is in the log"

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(TIMEOUT_S)
        self.process = None
        no_sanitizer_report(self.log())


def in_threads(count, work):
    """Run work(0) to work(count - 1) in threads. Returns the results by index, or raises the first failure."""
    results, failures = [None] * count, []

    def run(i):
        try:
            results[i] = work(i)
        except BaseException as e:  # pylint: disable=broad-except
            failures.append(e)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failures:
        raise failures[0]
    return results
