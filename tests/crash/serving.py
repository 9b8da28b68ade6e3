# SPDX-License-Identifier: Apache-2.0
"""Runs a server on a data directory that survives it, and sends the requests that the tests of crashes need."""
import base64
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from server import no_sanitizer_report  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BINARY = os.environ.get("CAIS_BINARY") or os.path.join(ROOT, "build", "cais")
CLOCKED = os.path.join(os.path.dirname(os.path.realpath(BINARY)), "tests", "support", "cais-clocked")
TIMEOUT_S = 60  # how long to wait for an event before the test fails


def wait_for(what, condition, seconds=TIMEOUT_S):
    """Call condition() until it returns a true value, and return that value. `what` describes it in the failure."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, "waited %d s for %s" % (seconds, what)
        time.sleep(0.005)


def clean_environment(**more):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CAIS_")}
    environment.update(more)
    return environment


def run(*command, check=True, text=True, **more):
    """Run a command to its end. check: the command must succeed; the failure shows its output."""
    more.setdefault("env", clean_environment())
    done = subprocess.run([str(c) for c in command], capture_output=True, text=text, timeout=300, **more)
    assert not check or done.returncode == 0, "%s: exit %d\n%s\n%s" % (
        command, done.returncode, done.stdout, done.stderr)
    return done


class Server:
    """A server that the constructor starts. The directory `data` remains, so that a test can start another server on it."""

    def __init__(self, data, *arguments, program=None, environment=None, prefix=(), view="", log=None):
        self.data, self.program = str(data), program or BINARY
        self.environment = clean_environment(**(environment or {}))
        self.log_path = log or self.data + ".log"
        self.prefix = list(prefix)  # enters the namespace in which `data` is mounted; from outside it is below `view`
        run_file = view + os.path.join(self.data, "run.json")
        if os.path.exists(run_file):  # a server that was killed left it
            os.unlink(run_file)
        os.makedirs(os.path.dirname(self.log_path), exist_ok=True)
        with open(self.log_path, "ab") as log_file:
            self.log_start = log_file.tell()
            self.process = subprocess.Popen(
                [*self.prefix, self.program, "serve", "--data", self.data, "--listen", "127.0.0.1:0",
                 *(() if any("reserve_free_space" in a for a in arguments)
                   else ("--set", "storage.reserve_free_space=0")),
                 "--set", "http.shutdown_grace=5s", "--set", "log.requests=false", *arguments],
                env=self.environment, stdout=subprocess.DEVNULL, stderr=log_file, stdin=subprocess.DEVNULL)
        try:
            self.in_use = wait_for("run.json", lambda: self._read_run(run_file))
        except BaseException:
            self.kill()
            raise
        self.address = self._split(self.in_use["listen"][0])

    def _read_run(self, path):
        assert self.process.poll() is None, "the server ended with %d:\n%s" % (self.process.returncode, self.log())
        try:
            with open(path) as f:
                return json.load(f)
        except (FileNotFoundError, ValueError):
            return None

    @staticmethod
    def _split(address):
        host, _, port = address.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def url(self):
        return "http://%s:%d" % self.address

    @property
    def tls_url(self):
        return "https://%s:%d" % self._split(self.in_use["tls_listen"][0])

    @property
    def pid(self):
        """The process id of the server itself, not that of a prefix command."""
        return self.in_use["pid"]

    def log(self):
        with open(self.log_path, errors="replace") as f:
            f.seek(self.log_start)
            return f.read()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        no_sanitizer_report(self.log())

    def stop(self, errors_expected=False):
        """Send SIGTERM. The server must exit with status 0 and, unless errors are expected, without an error in its log."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(TIMEOUT_S) == 0, self.log()
        no_sanitizer_report(self.log())
        wrong = [line for line in self.log().splitlines() if '"level":"error"' in line]
        assert errors_expected or not wrong, wrong

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None and self.process.poll() is None:
            self.stop()
        else:
            self.kill()

    # ── the command line

    def cais(self, *arguments, check=True, **more):
        return run(*self.prefix, self.program, *arguments, "--data", self.data, check=check, env=self.environment, **more)

    def cais_json(self, *arguments):
        """The output of a command with --json, which must be one JSON value."""
        return json.loads(self.cais(*arguments, "--json").stdout)

    def user(self, login):
        self.cais("user", "add", login)
        return User(self.cais_json("key", "add", login, "--for", "native"), self.cais_json("key", "add", login, "--for", "pyrus"),
                    login)

    # ── HTTP

    def connect(self, timeout=TIMEOUT_S):
        return http.client.HTTPConnection(*self.address, timeout=timeout)

    def ask(self, method, path, body=None, headers=None, connection=None):
        """Send one request. Returns (status, headers, body)."""
        c = connection or self.connect()
        try:
            c.request(method, path, body, headers or {})
            answer = c.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            if not connection:
                c.close()

    def json(self, method, path, body=None, token=None, connection=None):
        headers = {"Authorization": "Bearer " + token} if token else {}
        if body is not None:
            body = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        status, _, text = self.ask(method, path, body, headers, connection)
        return status, json.loads(text) if text else None

    def login(self, user):
        """Log in and return a new Pyrus token."""
        status, answer = self.json("POST", "/v4/auth", {"login": user.login, "security_key": user.key})
        assert status == 200, answer
        return answer["access_token"]

    def put(self, token, name, data, connection=None, headers=None):
        status, _, text = self.ask("PUT", "/v1/native/files/" + urllib.parse.quote(name, safe=""), data,
                                   {"Authorization": "Bearer " + token, **(headers or {})}, connection)
        return status, json.loads(text)

    def upload(self, token, name, data, connection=None):
        body, kind = multipart(name, data)
        status, _, text = self.ask("POST", "/v4/files/upload", body,
                                   {"Authorization": "Bearer " + token, "Content-Type": kind}, connection)
        return status, json.loads(text)

    def get(self, token, path, connection=None):
        status, _, data = self.ask("GET", path, None, {"Authorization": "Bearer " + token}, connection)
        return status, data

    def task(self, token, attachments=(), connection=None):
        """Create a task. Returns (status, reply)."""
        return self.json("POST", "/v4/tasks", {"text": "t", "attachments": list(attachments)}, token, connection)


class User:
    def __init__(self, native, pyrus, login):
        self.login, self.key = login, pyrus["security_key"]
        self.native = native.get("token") or native["security_key"]


def multipart(name, data, boundary=b"----cais-test-boundary"):
    head = b'--%s\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n' \
           b"Content-Type: application/octet-stream\r\n\r\n" % (boundary, name.encode())
    return head + data + b"\r\n--%s--\r\n" % boundary, "multipart/form-data; boundary=" + boundary.decode()


def fsck(data, *arguments, program=None, check=True, **more):
    """Run fsck while no server runs, and return its report. A report with notes is still clean, because a crash leaves notes."""
    done = run(program or BINARY, "fsck", "--data", data, "--json", *arguments, check=False, **more)
    report = json.loads(done.stdout) if done.stdout else {"clean": False, "said": done.stderr}
    assert not check or (report["clean"] and done.returncode == 0), report
    return report


class Clock:
    """The clock of the program cais-clocked. Each process with this `environment` uses it."""

    def __init__(self, path):
        self.path = str(path)
        self.environment = {"CAIS_TEST_CLOCK_FILE": self.path}
        self.ahead_ms = 0
        self.set_ahead(0)

    def _write(self, text):
        with open(self.path + ".new", "w") as f:
            f.write(text)
        os.rename(self.path + ".new", self.path)

    def set_ahead(self, ms):
        """Let the clock run this far ahead of the system's time."""
        self.ahead_ms = ms
        self._write("%d" % ms)

    def stand_at(self, ms):
        """Stop the clock at this time, in milliseconds since 1970 UTC."""
        self._write("=%d" % ms)


def make_certificate(folder):
    """Make a self-signed certificate for 127.0.0.1 and localhost. Returns (certificate file, key file)."""
    cert, key = os.path.join(str(folder), "cert.pem"), os.path.join(str(folder), "key.pem")
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
        "-out", cert, "-subj", "/CN=localhost", "-days", "2", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    return cert, key
