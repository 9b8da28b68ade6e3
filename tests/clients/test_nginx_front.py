# SPDX-License-Identifier: Apache-2.0
"""nginx in front of cais, with the configuration of docs/nginx/. Only names, ports and paths are replaced."""
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time

import pytest
from ports import free_port

HOST = "files.example.org"
CLIENT = "127.0.0.2"  # differs from the address from which nginx connects to cais
NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")

MAIN = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/cais.conf;
}}
"""


def replace_all(text, **replacements):
    """Replace each `old` by `new`. Fails if an `old` is missing, because then the shipped configuration has changed."""
    for old, new in replacements.values():
        assert old in text, f"{old!r} is not in the shipped configuration any more"
        text = text.replace(old, new)
    return text


def wait_for(path_or_port, process):
    for _ in range(200):
        assert process.poll() is None, "it ended while starting"
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", path_or_port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("no server listens")


class Front:
    def __init__(self, root, cais, folder):
        self.root, self.cais, self.folder = root, cais, str(folder)
        self.port, self.inner, metrics = free_port(), free_port(), free_port()
        self.url = f"https://{HOST}:{self.port}"
        self.data = os.path.join(self.folder, "data")
        self.log_path = os.path.join(self.folder, "cais.log")
        self.processes = []
        self.write("cais.ini", replace_all(
            self.shipped("cais.ini"), data=("/var/lib/cais", self.data),
            listen=("127.0.0.1:8080", f"127.0.0.1:{self.inner}"),
            metrics=("127.0.0.1:9180", f"127.0.0.1:{metrics}"), url=(f"https://{HOST}", self.url)))
        self.write("cais.conf", replace_all(
            self.shipped("cais.conf"), upstream=("127.0.0.1:8080", f"127.0.0.1:{self.inner}"),
            listen=("listen 443 ssl", f"listen 127.0.0.1:{self.port} ssl"),
            six=("    listen [::]:443 ssl http2;\n", ""), cert=("/etc/ssl/files.example.org", self.path("front")),
            log=("/var/log/nginx/cais.log", self.path("access.log"))))
        self.write("nginx.conf", MAIN.format(folder=self.folder, user="user root;" if os.geteuid() == 0 else ""))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}", "-keyout",
                        self.path("front.key"), "-out", self.path("front.pem")], check=True, capture_output=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def shipped(self, name):
        with open(os.path.join(self.root, "docs", "nginx", name), encoding="utf-8") as f:
            return f.read()

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)

    def start(self):
        with open(self.log_path, "ab") as log:
            self.server = subprocess.Popen([self.cais, "serve", "--config", self.path("cais.ini")], stderr=log)
        self.processes.append(self.server)
        wait_for(self.inner, self.server)
        nginx = subprocess.Popen([NGINX, "-p", self.folder, "-e", self.path("error.log"), "-c",
                                  self.path("nginx.conf")])
        self.processes.append(nginx)
        wait_for(self.port, nginx)

    def stop(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(30)

    def admin(self, *arguments):
        run = subprocess.run([self.cais, *arguments, "--data", self.data, "--json"], check=True, capture_output=True)
        return json.loads(run.stdout)

    def curl(self, *arguments, stdin=None):
        """Run curl. Returns (status, protocol, body)."""
        run = subprocess.run(
            ["curl", "-sS", "--max-time", "60", "--interface", CLIENT, "--noproxy", "*", "--cacert",
             self.path("front.pem"), "--resolve", f"{HOST}:{self.port}:127.0.0.1", "-w",
             "\n%{http_code} %{http_version}", *arguments],
            stdin=stdin, check=False, capture_output=True)
        assert run.returncode == 0, run.stderr.decode()
        body, _, facts = run.stdout.rpartition(b"\n")
        status, protocol = facts.decode().split()
        return int(status), protocol, body

    def log_in(self):
        body = json.dumps({"login": "ana@example.org", "security_key": self.key})
        status, _, body = self.curl(self.url + "/v4/auth", "-H", "Content-Type: application/json", "-d", body)
        assert status == 200
        return json.loads(body)

    def lines(self, name, part):
        """The lines of a log that contain `part`. Waits for the first one, because it is written after the reply."""
        for _ in range(100):
            with open(self.path(name), encoding="utf-8") as f:
                found = [line for line in f if part in line and line.endswith("\n")]
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(f"{part} is not in {name}")


@pytest.fixture(scope="module")
def front(root, cais, tmp_path_factory):
    assert NGINX, "nginx is not installed"
    f = Front(root, cais, tmp_path_factory.mktemp("nginx"))
    try:
        f.start()
        f.admin("user", "add", "ana@example.org")
        f.key = f.admin("key", "add", "ana@example.org", "--for", "pyrus")["security_key"]
        f.token = f.log_in()["access_token"]
        with open(f.path("large.bin"), "wb") as out:
            out.write(os.urandom(20 << 20))
        yield f
    finally:
        f.stop()


def bearer(front, token=None):
    return ["-H", "Authorization: Bearer " + (token or front.token)]


def digest(path):
    with open(path, "rb") as f:
        return hashlib.md5(f.read()).hexdigest()


@pytest.mark.parametrize("version,spoken", [("--http2", "2"), ("--http1.1", "1.1")])
def test_20_mib_are_uploaded_and_downloaded_unchanged(front, version, spoken):
    large, back = front.path("large.bin"), front.path("back.bin")
    status, protocol, body = front.curl(version, front.url + "/v4/files/upload", *bearer(front), "-F",
                                        f"file=@{large}")
    assert (status, protocol) == (200, spoken)
    answer = json.loads(body)
    assert answer["md5_hash"] == digest(large)
    status, protocol, _ = front.curl(version, front.url + "/v4/files/download/" + answer["guid"], *bearer(front), "-o",
                                     back)
    assert (status, protocol) == (200, spoken)
    assert digest(back) == digest(large)
    for folder in ("body", "proxy"):
        kept = [names for _, _, names in os.walk(front.path(folder)) if names]
        assert not kept, "nginx wrote bodies to its own disk"


def test_a_body_without_a_length_is_stored(front):
    with open(front.path("large.bin"), "rb") as source:
        status, _, body = front.curl("--http2", *bearer(front, native_token(front)), "-T", "-",
                                     front.url + "/v1/native/files/piped.bin", stdin=source)
    assert (status, json.loads(body)["md5"]) == (201, digest(front.path("large.bin")))


def native_token(front):
    return front.admin("key", "add", "ana@example.org", "--for", "native")["token"]


def test_an_upload_with_expect_100_continue_is_stored(front):
    status, _, body = front.curl("--http1.1", front.url + "/v4/files/upload", *bearer(front), "-H",
                                 "Expect: 100-continue", "-F", f"file=@{front.path('large.bin')}")
    assert status == 200 and json.loads(body)["md5_hash"] == digest(front.path("large.bin"))


@pytest.mark.parametrize("version", ["--http2", "--http1.1"])
def test_a_refused_upload_gets_an_error_in_the_form_of_its_api(front, version):
    status, _, body = front.curl(version, front.url + "/v4/files/upload", *bearer(front, "nobody"), "-F",
                                 f"file=@{front.path('large.bin')}")
    assert (status, json.loads(body)["error_code"]) == (401, "invalid_token")
    status, _, body = front.curl(version, front.url + "/v1/native/files/", *bearer(front, "nobody"), "-T",
                                 front.path("large.bin"))
    assert (status, json.loads(body)["error"]["code"]) == (401, "unauthenticated")


def test_links_contain_the_address_of_nginx(front):
    answer = front.log_in()
    assert answer["api_url"] == front.url + "/v4/"
    assert answer["files_url"] == front.url + "/"


def test_the_log_has_the_address_of_the_client_which_it_cannot_forge(front):
    front.curl(front.url + "/v4/profile?who=1", *bearer(front), "-H", "X-Forwarded-For: 10.9.8.7")
    seen = [json.loads(line) for line in front.lines("cais.log", "/v4/profile?who=1")]
    assert [r["peer"] for r in seen] == [CLIENT]
    line = front.lines("access.log", "/v4/profile")[-1]
    assert "who=1" not in line, "queries may hold secrets"
    assert "id=" + seen[0]["request_id"] in line


def test_metrics_are_not_served_through_nginx(front):
    assert front.curl(front.url + "/metrics")[0] == 404
    status, _, body = front.curl(front.url + "/health")
    assert status == 200 and json.loads(body)["status"] == "ok"


def test_a_stopped_server_gives_503_in_json(front):
    front.server.send_signal(signal.SIGTERM)
    front.server.wait(30)
    status, _, body = front.curl(front.url + "/v4/profile", *bearer(front))
    assert (status, json.loads(body)["error_code"]) == (503, "server_error")
