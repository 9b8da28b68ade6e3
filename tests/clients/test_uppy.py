# SPDX-License-Identifier: Apache-2.0
"""Uppy in Chromium, on a page of another origin that may use uploads (resumable.cors_origins), and on one that may not."""
import functools
import hashlib
import http.server
import json
import os
import threading

import pytest

from chromium import CHROMIUM, Chromium
from ports import free_port
from s3 import NODE_FOLDER
from server import Server
from uploads import PATH, Uploads

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is missing: tools/setup test")
MIB = 1 << 20
PAGE = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script src="/uppy.min.js"></script><script>
const seen = { progress: 0, error: null, url: null, requests: [] };
let uppy;
// Bytes that each place of a file has its own of, without sending a file to the page.
function bytes(size) {
  const words = new Uint32Array(size / 4);
  for (let i = 0, x = 1; i < words.length; i++) words[i] = x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
  return new Blob([words]);
}
function begin(options, size, name) {
  uppy = new Uppy.Uppy({ allowMultipleUploadBatches: false });
  uppy.use(Uppy.Tus, {
    retryDelays: Array(200).fill(50), ...options,
    onBeforeRequest: (request) => { seen.requests.push([request.getMethod(), request.getHeader("Upload-Offset") ?? null]); },
  });
  uppy.on("upload-progress", (file, { bytesUploaded }) => { seen.progress = Math.max(seen.progress, bytesUploaded); });
  uppy.on("upload-success", (file, reply) => { seen.url = reply.uploadURL; });
  uppy.on("upload-error", (file, error) => { seen.error = String(error); });
  uppy.on("error", (error) => { seen.error = String(error); });
  uppy.addFile({ name, type: "image/png", data: bytes(size), meta: { own: "x" } });
  uppy.upload();
}
</script><title>page</title>"""


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body, kind = PAGE.encode(), "text/html"
        if self.path == "/uppy.min.js":
            kind = "text/javascript"
            with open(os.path.join(NODE_FOLDER, "node_modules", "uppy", "dist", "uppy.min.js"), "rb") as f:
                body = f.read()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def page():
    """The origin of a page with Uppy."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=functools.partial(server.serve_forever, 0.02), daemon=True).start()
    yield "http://127.0.0.1:%d" % server.server_address[1]
    server.shutdown()
    server.server_close()


def content(size):
    """The same bytes as the page makes."""
    out, x = bytearray(), 1
    for _ in range(size // 4):
        x = (x * 1664525 + 1013904223) & 0xFFFFFFFF
        out += x.to_bytes(4, "little")
    return bytes(out)


class Uploader:
    """A browser on the page, and the server that it uploads to."""

    def __init__(self, folder, page, origins):  # pylint: disable=redefined-outer-name
        self.server = Server(folder, "--listen", f"127.0.0.1:{free_port()}", listen=False, sets=[f"resumable.cors_origins={origins}"])
        self.token = self.server.native()
        self.uploads = Uploads(self.server, self.token)
        self.browser = Chromium(folder)
        self.browser.visit(page)

    def __enter__(self):
        return self

    def __exit__(self, kind, *more):
        self.browser.close()
        self.server.__exit__(kind, *more)

    def begin(self, size, name="picture.png", **options):
        options = {"endpoint": "http://127.0.0.1:%d%s" % (self.server.address()[1], PATH),
                   "headers": {"Authorization": "Bearer " + self.token}, **options}
        self.browser.evaluate(f"begin({json.dumps(options)}, {size}, {json.dumps(name)})")

    def until(self, condition):
        """Wait until an expression of the page is true. Returns what was seen."""
        return self.browser.evaluate("(async () => { while (!(%s)) await new Promise((go) => setTimeout(go, 10)); return seen; })()" % condition)

    def holds(self, url, size, name):
        path = url[url.index(PATH):]
        assert hashlib.md5(self.uploads.read(path)).hexdigest() == hashlib.md5(content(size)).hexdigest()
        kept = self.uploads.file(path)
        assert (kept["name"], kept["content_type"], kept["size"]) == (name, "image/png", size)


@pytest.mark.parametrize("options", [{}, {"chunkSize": MIB}, {"uploadDataDuringCreation": True}], ids=["one", "pieces", "creation"])
def test_uppy_uploads_from_a_page_of_another_origin(tmp_path, page, options):
    with Uploader(tmp_path, page, f"https://other.example,{page}") as uploader:
        uploader.begin(3 * MIB, "zażółć 📦.png", **options)
        seen = uploader.until("seen.url || seen.error")
        assert seen["error"] is None
        uploader.holds(seen["url"], 3 * MIB, "zażółć 📦.png")


def test_uppy_resumes_after_the_server_was_killed(tmp_path, page):
    with Uploader(tmp_path, page, page) as uploader:
        uploader.begin(16 * MIB, chunkSize=2 * MIB)
        uploader.until(f"seen.progress >= {5 * MIB} || seen.error")
        uploader.server.kill()
        uploader.server.start()
        seen = uploader.until("seen.url || seen.error")
        assert seen["error"] is None
        assert [method for method, _ in seen["requests"]].count("POST") == 1 and "HEAD" in [m for m, _ in seen["requests"]]
        uploader.holds(seen["url"], 16 * MIB, "picture.png")


def test_uppy_pauses_goes_on_and_terminates(tmp_path, page):
    with Uploader(tmp_path, page, "*") as uploader:
        uploader.begin(16 * MIB, chunkSize=MIB)
        uploader.until(f"seen.progress >= {3 * MIB} || seen.error")
        uploader.browser.evaluate("uppy.pauseAll()")
        uploader.browser.evaluate("uppy.resumeAll()")
        seen = uploader.until("seen.url || seen.error")
        assert seen["error"] is None
        uploader.holds(seen["url"], 16 * MIB, "picture.png")
        uploader.browser.evaluate("seen.progress = 0")
        uploader.begin(16 * MIB, "removed.png", chunkSize=MIB)
        uploader.until(f"seen.progress >= {3 * MIB} || seen.error")
        uploader.browser.evaluate("uppy.cancelAll()")
        requests = uploader.until("seen.requests.some(([method]) => method === 'DELETE')")["requests"]
        assert requests
        assert not [f for f in uploader.server.files() if f["name"] == "removed.png"]


def test_a_page_of_another_origin_may_do_nothing(tmp_path, page):
    with Uploader(tmp_path, page, "https://app.example") as uploader:
        uploader.begin(MIB, retryDelays=[])
        assert uploader.until("seen.url || seen.error")["error"]
        assert uploader.uploads.ask("GET", PATH).json()["uploads"] == [] and not uploader.server.files()
