# SPDX-License-Identifier: Apache-2.0
"""Chromium shows stored files. None may run a script with the origin of the server, whatever its sender called it; pictures and
texts are shown. In front of the server is a proxy, which adds the credentials that a browser cannot send, and has the page that
puts each file into a frame. It also serves the same bytes without the headers of cais, to prove that Chromium would run them."""
import html
import http.server
import json
import re
import struct
import subprocess
import threading
import urllib.parse
import zlib

import pytest
from chromium import CHROMIUM
from server import FORM, TIMEOUT_S, Server, bearer, file_part, form, json_head
from sigv4 import Signer

SCRIPT = "new Image().src = '{front}/ran?{name}'"  # the name of the frame, and so of the file, reaches the front
HTML = "<!DOCTYPE html><title>x</title><script>" + SCRIPT + "</script>"
XHTML = "<html xmlns='http://www.w3.org/1999/xhtml'><body><script>" + SCRIPT + "</script></body></html>"
SVG = "<svg xmlns='http://www.w3.org/2000/svg'><script>" + SCRIPT + "</script></svg>"
# (file name, Content-Type, bytes). Chromium runs the scripts of these when nothing prevents it.
ACTIVE = [
    ("a.html", "text/html", HTML),
    ("charset.html", "text/html; charset=utf-8", HTML),
    ("upper.html", "TEXT/HTML", HTML),
    ("comma.html", "text/html;,", HTML),
    ("list.html", "text/plain, text/html", HTML),
    ("parameter.html", "image/png; x=x, text/html", HTML),
    ("unknown.html", "unknown/unknown", HTML),
    ("star.html", "*/*", HTML),
    ("a.xhtml", "application/xhtml+xml", XHTML),
    ("text.xml", "text/xml", XHTML),
    ("application.xml", "application/xml", XHTML),
    ("a.xsl", "text/xsl", XHTML),
    ("a.svg", "image/svg+xml", SVG),
]
# Not these, or not this version; others did.
DOUBTFUL = [
    ("reverse.html", "text/html, text/plain", HTML),
    ("empty.html", "text/plain,", HTML),
    ("octets.html", "application/octet-stream", HTML),
    ("text.html", "text/plain", HTML),
    ("png.html", "image/png", HTML),
    ("image.xml", "image/x+xml", XHTML),
    ("application-x.xml", "application/x+xml", XHTML),
    ("transform.xml", "application/xslt+xml", XHTML),
    ("mixed.html", "multipart/x-mixed-replace; boundary=b", "--b\r\nContent-Type: text/html\r\n\r\n" + HTML + "\r\n--b--\r\n"),
]
TEXT = b"hello, world"


def png():
    """A picture of one pixel."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b""))


class Front(http.server.ThreadingHTTPServer):
    """`stored`: path → (target, headers of the request). `raw`: path → (type, bytes). `sent`: path → the reply of the server.
    `ran`: names of the files whose scripts ran."""
    daemon_threads = True

    def __init__(self, server):
        super().__init__(("127.0.0.1", 0), Handler)
        self.cais, self.page, self.stored, self.raw, self.ran, self.sent = server, b"", {}, {}, set(), {}
        self.url = "http://127.0.0.1:%d" % self.server_port
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *_):
        self.shutdown()
        super().__exit__()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def reply(self, status, headers, body=b""):
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        front, (path, _, query) = self.server, self.path.partition("?")
        if path == "/ran":
            front.ran.add(query)
            self.reply(204, [])
        elif path in front.raw:
            kind, body = front.raw[path]
            self.reply(200, [("Content-Type", kind)], body)
        elif path in front.stored:
            target, headers = front.stored[path]
            got = front.cais.ask("GET", target, headers, host=s3_host(front.cais))
            front.sent[path] = got
            # `?shown`: as if the browser did not know Content-Disposition
            left_out = {"transfer-encoding", "connection"} | ({"content-disposition"} if query == "shown" else set())
            self.reply(got.status, [(n, v) for n, v in got.headers if n.lower() not in left_out], got.body)
        else:
            self.reply(200, [("Content-Type", "text/html; charset=utf-8")], front.page)


# ── the routes that serve stored bytes. Each returns (target, headers of the request).


def s3_host(server):
    return "127.0.0.1:%d" % server.address()[1]


def put_signed(server, path, data=b"", headers=()):
    signed = server.signer.headers("PUT", s3_host(server), path, body=data)
    put = server.ask("PUT", path, [*headers, *((n, v) for n, v in signed.items() if n != "host")], data, s3_host(server))
    assert put.status == 200, put


def put_s3(server, name, kind, data):
    put_signed(server, "/shelf/" + name, data, [("Content-Type", kind)])
    return server.signer.link("GET", s3_host(server), "/shelf/" + name), []


def override_s3(server, name, kind, data):
    """The link names another type than the one that was stored."""
    put_s3(server, "override-" + name, "image/png", data)
    return server.signer.link("GET", s3_host(server), "/shelf/override-" + name, {"response-content-type": kind}), []


def put_native(server, name, kind, data):
    made = server.ask("PUT", "/v1/native/files/" + name, [*bearer(server.native_token), ("Content-Type", kind)], data)
    assert made.status == 201, made
    return "/v1/native/files/" + made.json()["id"], bearer(server.native_token)


def send_pyrus(server, name, kind, data):
    """A new task with the file; returns (id of the task, id of the file)."""
    head, data = file_part(name, data)
    part = (head + b"\r\nContent-Type: " + kind.encode(), data)
    made = server.ask("POST", "/v4/files/upload", [FORM, *bearer(server.pyrus_token)], form(part))
    assert made.status == 200, made
    body = json.dumps({"text": name, "attachments": [made.json()["guid"]]}).encode()
    task = server.ask("POST", "/v4/tasks", json_head(server.pyrus_token), body).json()["task"]
    return task["id"], task["attachments"][0]["id"]


def put_pyrus(server, name, kind, data):
    return "/v4/files/download/%d" % send_pyrus(server, name, kind, data)[1], bearer(server.pyrus_token)


def ask_runrun(server, method, path, body=None):
    headers = [*server.runrun_headers, *json_head()]
    return server.ask(method, "/api/v1.0" + path, headers, json.dumps(body).encode() if body else None)


def runrun_link(server, document):
    link = urllib.parse.urlsplit(ask_runrun(server, "GET", f"/documents/{document}/download").header("Location"))
    return f"{link.path}?{link.query}", []


def put_runrun(server, name, kind, data):
    """Runrun.it derives the type from the name."""
    ticket = ask_runrun(server, "POST", f"/documents?task_id={server.task}",
                        {"document": {"data_file_name": name, "data_file_size": len(data)}}).json()
    fields = [(b'Content-Disposition: form-data; name="%s"' % n.encode(), v.encode()) for n, v in ticket["fields"].items()]
    head, data = file_part(name, data)
    part = (head + b"\r\nContent-Type: " + kind.encode(), data)
    target = urllib.parse.urlsplit(ticket["upload_url"]).path
    assert server.ask("POST", target, [FORM], form(*fields, part)).status == 201
    assert ask_runrun(server, "POST", f"/documents/{ticket['id']}/mark_as_uploaded").status < 300
    return runrun_link(server, ticket["id"])


def put_pyrus_for_runrun(server, name, kind, data):
    """A file that came in by another API has a link of another kind."""
    task, _ = send_pyrus(server, name, kind, data)
    return runrun_link(server, ask_runrun(server, "GET", f"/tasks/{task}/documents").json()[0]["id"])


ROUTES = {"s3": put_s3, "s3-override": override_s3, "native": put_native, "pyrus": put_pyrus, "runrun": put_runrun,
          "runrun-other": put_pyrus_for_runrun}


@pytest.fixture(scope="module")
def cais_server(tmp_path_factory):
    """All APIs, with credentials of one user for each."""
    sets = ["pyrus.rate_limit=0", "runrun.rate_limit=0"]
    with Server(tmp_path_factory.mktemp("browser"), sets=sets) as server:
        login = server.user()
        server.native_token = server.key(login, "native")["token"]
        server.pyrus_token = server.log_in(login, server.key(login, "pyrus")["security_key"])["access_token"]
        made = server.key(login, "runrun")
        server.runrun_headers = [("App-Key", made["app_key"]), ("User-Token", made["user_token"])]
        server.task = ask_runrun(server, "POST", "/tasks", {"task": {"title": "t", "board_id": 1}}).json()["id"]
        made = server.key(login, "s3")
        server.signer = Signer(made["access_key_id"], made["secret_access_key"])
        put_signed(server, "/shelf")
        yield server


@pytest.fixture
def front(cais_server):
    with Front(cais_server) as started:
        yield started


def load(address, folder):
    """Let Chromium load this address, and return the document that came of it. Its folder is its own, and it looks up no name."""
    done = subprocess.run([CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                           "--disable-background-networking", "--disable-component-update", "--disable-sync",
                           "--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                           f"--user-data-dir={folder}/profile", "--dump-dom", address],
                          env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"}, cwd=folder,
                          capture_output=True, text=True, timeout=4 * TIMEOUT_S, check=False)
    assert done.stdout, (done.returncode, done.stderr[-2000:])
    return done.stdout


def show(front, body, folder):
    """Let Chromium load a page, and return the text of the element `seen`."""
    front.page = b"<!DOCTYPE html><body><pre id=seen></pre>" + body.encode()
    document = load(front.url + "/", folder)
    found = re.search("<pre id=\"seen\">(.*?)</pre>", document, re.DOTALL)
    assert found, document[-2000:]
    return html.unescape(found.group(1))


def filled(text, front, name):
    return text.format(front=front.url, name=name).encode()


def store(front, route, name, kind, data):
    """Returns the address of the file at the front, and if a link is enough to read it, also at the server itself."""
    path = f"/stored/{route}/{name}"
    target, headers = front.stored[path] = ROUTES[route](front.cais, name, kind, data)
    return [path] + ([] if headers else [f"http://{s3_host(front.cais)}{target}"])


def expect_all_sent(front):
    assert {path: reply.status for path, reply in front.sent.items()} == dict.fromkeys(front.stored, 200)


@pytest.mark.skipif(not CHROMIUM, reason="chromium is missing: tools/setup test")
def test_a_stored_file_ran_a_script_in_the_origin_of_the_server(front, tmp_path):
    frames = []
    for route in ROUTES:
        for name, kind, text in ACTIVE + DOUBTFUL:
            path, *direct = store(front, route, name, kind, filled(text, front, f"{route}/{name}"))
            frames += [path + "?shown"] + ([path, *direct] if name.startswith("a.") else [])
    for name, kind, text in ACTIVE:
        front.raw["/raw/" + name] = kind, filled(text, front, "raw/" + name)
    show(front, "".join(f"<iframe src='{html.escape(f)}'></iframe>" for f in [*frames, *front.raw]), tmp_path)
    expect_all_sent(front)
    assert front.ran == {"raw/" + name for name, _, _ in ACTIVE}


@pytest.mark.skipif(not CHROMIUM, reason="chromium is missing: tools/setup test")
def test_a_stored_text_ran_as_the_script_of_a_page(front, tmp_path):
    for route in ROUTES:
        store(front, route, "script.txt", "text/plain", filled(SCRIPT, front, f"{route}/script.txt"))
    front.raw["/raw/script.txt"] = "text/plain", filled(SCRIPT, front, "raw/script.txt")
    scripts = [f"/stored/{route}/script.txt" for route in ROUTES] + ["/raw/script.txt"]
    show(front, "".join(f"<script src='{s}'></script>" for s in scripts), tmp_path)
    expect_all_sent(front)
    assert front.ran == {"raw/script.txt"}


@pytest.mark.skipif(not CHROMIUM, reason="chromium is missing: tools/setup test")
def test_a_stored_picture_or_text_was_not_shown(front, tmp_path):
    """All pictures are shown, also if a click would save them. A text is shown where its type is kept; elsewhere it is saved."""
    pictures, texts = [], []
    for route in ROUTES:
        path, *direct = store(front, route, "a.png", "image/png", png())
        pictures += [path, *direct]
        path, *_ = store(front, route, "a.txt", "text/plain; charset=utf-8", TEXT)
        if front.cais.ask("GET", *front.stored[path], host=s3_host(front.cais)).header("Content-Type").startswith("text/plain"):
            texts.append(path + "?shown")
    assert len(pictures) == 10 and len(texts) == 4
    body = "".join(f"<img src='{html.escape(p)}'>" for p in pictures) + """<script>
        onload = () => document.getElementById("seen").textContent = JSON.stringify(
            [...document.querySelectorAll("img")].map(i => i.naturalWidth));
        </script>"""
    assert json.loads(show(front, body, tmp_path)) == [1] * len(pictures)
    for text in texts:  # sandboxed, so no page that has it in a frame can read it
        assert f"<pre>{TEXT.decode()}</pre>" in re.sub(r"<pre [^>]*>", "<pre>", load(front.url + text, tmp_path))
