# SPDX-License-Identifier: Apache-2.0
"""tus-js-client, tuspy and curl as their users call them: uploads, resumption after kill -9 of the server, and termination.

The server listens on the same port after each start. A client is not told that it was killed; it finds the connection cut, and
asks how far the upload came."""
import hashlib
import json
import os
import queue
import random
import subprocess
import threading

import pytest
import tusclient.client
import tusclient.exceptions
import tusclient.storage.filestorage
from ports import free_port
from s3 import NODE_FOLDER, node

from server import TIMEOUT_S, Server, wait_for
from uploads import PATH, Uploads

MIB = 1 << 20
RETRIES = [50] * 200  # ms; while the server starts again
NAME = "Relatório (ç) 100% + a&b #1 📦.pdf"


class Place:
    """A server that is killed and started again, and the uploads of one user."""

    def __init__(self, folder):
        self.server = Server(folder, "--listen", f"127.0.0.1:{free_port()}", listen=False)
        self.token = self.server.native()
        self.uploads = Uploads(self.server, self.token)

    @property
    def endpoint(self):
        return "http://127.0.0.1:%d%s" % (self.server.address()[1], PATH)

    def restart(self):
        """kill -9, and a server on the same data directory and port."""
        self.server.kill()
        self.server.start()

    def files(self, name):
        return [f for f in self.server.files() if f["name"] == name]

    def holds(self, url, path):
        """The upload became a file with the bytes of this one."""
        with open(path, "rb") as f:
            assert hashlib.md5(self.uploads.read(path_of(url))).digest() == hashlib.md5(f.read()).digest()


def path_of(url):
    return url[url.index(PATH):]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("tus-clients"))  # pylint: disable=redefined-outer-name
    with place.server:
        yield place


@pytest.fixture
def sample(tmp_path):
    def sample(size, name="sample.bin"):
        path = tmp_path / name
        path.write_bytes(random.Random(size).randbytes(size))
        return path
    return sample


# ── tus-js-client


class Steps:
    """tus_upload.mjs, and the steps that it reports."""

    def __init__(self, place, path, **settings):
        settings = {"endpoint": place.endpoint, "token": place.token, "file": str(path), **settings}
        command = [node(), os.path.join(NODE_FOLDER, "tus_upload.mjs"), json.dumps(settings)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"})
        self.seen, self.lines = [], queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.stderr.close()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def do(self, what):
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()

    def until(self, wanted, seconds=2 * TIMEOUT_S):
        """Wait for a step for which `wanted` returns true, and return it. An error of the client fails."""
        while True:
            step = self.lines.get(timeout=seconds)
            assert step is not None, self.process.stderr.read()
            self.seen.append(step)
            if wanted(step):
                return step
            assert "error" not in step, step

    def success(self):
        return self.until(lambda step: "success" in step)["success"]

    def url(self):
        """The URL of the upload, when the first request to it is sent."""
        return self.until(lambda step: step.get("sent") == "PATCH")["url"]


def sent_once(steps):
    """Each PATCH begins exactly where the upload is by the last reply, and no reply names less than an earlier one. So no byte that
    was acknowledged was lost, or sent again. Returns how often the client asked."""
    known, taken_along, asked = {}, 0, 0
    for step in steps:
        if step.get("sent") == "PATCH":
            assert step["at"] == known.get(step["url"], taken_along), steps
        if step.get("at") is None or step.get("got") not in (200, 201, 204):
            continue
        if step["method"] == "POST" and PATH + "/" not in step["url"]:
            taken_along = step["at"]  # by the creation
        else:
            assert step["at"] >= known.get(step["url"], taken_along), steps
            known[step["url"]] = step["at"]
            asked += step["method"] == "HEAD"
    return asked


@pytest.mark.parametrize("size", [0, 1, 16385, 5 * MIB + 1])
@pytest.mark.parametrize("options", [{}, {"chunkSize": MIB}, {"uploadDataDuringCreation": True}, {"overridePatchMethod": True},
                                     {"uploadDataDuringCreation": True, "chunkSize": MIB}],
                         ids=["plain", "pieces", "creation", "override", "both"])
def test_tus_js_uploads_a_file_with_its_metadata(place, sample, size, options):
    if not size and "uploadDataDuringCreation" in options:
        return  # it fails before it sends a request
    path = sample(size)
    metadata = {"filename": NAME, "filetype": "application/pdf", "own": ""}
    with Steps(place, path, options={**options, "metadata": metadata}) as steps:
        url = steps.success()
        sent_once(steps.seen)
    place.holds(url, path)
    kept = place.uploads.file(path_of(url))
    assert (kept["name"], kept["content_type"], kept["size"]) == (NAME, "application/pdf", size)


@pytest.mark.parametrize("options", [{"chunkSize": 4 * MIB}, {}], ids=["pieces", "one"])
def test_tus_js_resumes_after_the_server_was_killed(place, sample, options):
    path = sample(40 * MIB)
    with Steps(place, path, options=options, retries=RETRIES) as steps:
        for share in (0.2, 0.6):
            steps.until(lambda step: step.get("progress", 0) >= share * 40 * MIB)
            place.restart()
            steps.until(lambda step: step.get("got") == 200 and step["method"] == "HEAD")
        url = steps.success()
        assert sent_once(steps.seen) >= 2
    place.holds(url, path)


def test_tus_js_resumes_in_another_process(place, sample, tmp_path):
    path, storage = sample(20 * MIB), str(tmp_path / "urls")
    settings = {"storage": storage, "options": {"chunkSize": MIB}}
    with Steps(place, path, **settings) as first:
        url = first.until(lambda step: step.get("got") == 204 and step["at"] >= 5 * MIB)["url"]
    place.restart()
    with Steps(place, path, **settings, retries=RETRIES) as second:
        assert second.success() == url
        assert {"resumed": True} in second.seen
        offsets = [step["at"] for step in second.seen if "at" in step and step["at"] is not None]
        assert min(offsets) >= 5 * MIB and "POST" not in [step.get("sent") for step in second.seen]
    place.holds(url, path)


def test_tus_js_pauses_and_goes_on(place, sample):
    path = sample(20 * MIB)
    with Steps(place, path, retries=RETRIES) as steps:
        steps.until(lambda step: step.get("progress", 0) >= 2 * MIB)
        steps.do("abort")
        steps.until(lambda step: step.get("aborted") == "abort")
        steps.do("start")
        url = steps.success()
        assert sent_once(steps.seen) >= 1
    place.holds(url, path)


@pytest.mark.parametrize("when", ["at once", "in the middle"])
def test_tus_js_terminates_an_upload(place, sample, when):
    path = sample(20 * MIB, "terminated.bin")
    with Steps(place, path, options={"metadata": {"filename": "terminated.bin"}, "chunkSize": MIB}, retries=RETRIES) as steps:
        url = steps.url() if when == "at once" else steps.until(lambda step: step.get("got") == 204 and step["at"] >= 5 * MIB)["url"]
        steps.do("terminate")
        steps.until(lambda step: step.get("aborted") == "terminate")
    assert place.uploads.head(path_of(url)).status == 404
    assert not place.files("terminated.bin")


@pytest.mark.parametrize("killed", [False, True])
def test_tus_js_uploads_in_parallel(place, sample, killed):
    path = sample(30 * MIB)
    name = f"parallel-{killed}.bin"
    options = {"parallelUploads": 4, "metadata": {"filename": name}, "chunkSize": MIB if killed else 100 * MIB}
    with Steps(place, path, options=options, retries=RETRIES) as steps:
        if killed:
            steps.until(lambda step: step.get("progress", 0) >= 10 * MIB)
            place.restart()
        url = steps.success()
        sent_once(steps.seen)
        assert len({step["url"] for step in steps.seen if step.get("sent") == "PATCH"}) == 4
    place.holds(url, path)
    assert [f["size"] for f in place.files(name)] == [30 * MIB]


@pytest.mark.parametrize("size", [1, MIB - 1, 3 * MIB + 5])
def test_tus_js_says_the_length_at_the_end(place, sample, size):
    """It never ends when the stream ends where a piece does."""
    path = sample(size)
    with Steps(place, path, once=True, options={"uploadLengthDeferred": True, "chunkSize": MIB}) as steps:
        url = steps.success()
        sent_once(steps.seen)
    place.holds(url, path)


@pytest.mark.parametrize("options", [{}, {"chunkSize": 2 * MIB}, {"metadata": {"filename": "a"}}], ids=["one", "pieces", "metadata"])
def test_tus_js_speaks_an_older_draft_of_the_ietf(place, sample, options):
    path = sample(9 * MIB + 1)
    with Steps(place, path, options={"protocol": "ietf-draft-05", **options}) as steps:
        url = steps.success()
        sent_once(steps.seen)
    place.holds(url, path)


def test_tus_js_resumes_by_an_older_draft_of_the_ietf(place, sample):
    path = sample(30 * MIB)
    with Steps(place, path, options={"protocol": "ietf-draft-05", "chunkSize": 4 * MIB}, retries=RETRIES) as steps:
        steps.until(lambda step: step.get("progress", 0) >= 10 * MIB)
        place.restart()
        url = steps.success()
        assert sent_once(steps.seen) >= 1
    place.holds(url, path)


@pytest.mark.slow_because("300 MB, with two restarts")
def test_300_mb_survive_two_kills_and_no_byte_is_sent_twice(place, tmp_path):
    path = tmp_path / "large.bin"
    rng, size = random.Random(300), 300_000_000
    with open(path, "wb") as f:
        for _ in range(300):
            f.write(rng.randbytes(1_000_000))
    with Steps(place, path, options={"chunkSize": 8 * MIB, "metadata": {"filename": "300.bin"}}, retries=RETRIES) as steps:
        for share in (1, 2):  # while bytes are on their way: a progress comes between the request and its reply
            steps.until(lambda step: step.get("got") == 204 and step["at"] >= size * share // 3)
            acknowledged = steps.seen[-1]["at"]
            steps.until(lambda step: step.get("progress", 0) > acknowledged)
            place.restart()
        url = steps.success()
        asked = [step["at"] for step in steps.seen if step.get("got") == 200 and step["method"] == "HEAD"]
        assert len(asked) >= 2 and asked[0] >= size // 3 and asked[-1] >= size * 2 // 3
        sent_once(steps.seen)
    place.holds(url, path)
    assert [f["size"] for f in place.files("300.bin")] == [size]


# ── tuspy


def tuspy(place, path, url=None, **more):
    client = tusclient.client.TusClient(place.endpoint, {"Authorization": "Bearer " + place.token})
    return client.uploader(str(path), url=url, **more)


@pytest.mark.parametrize("size", [1, 16385, 5 * MIB + 1])
@pytest.mark.parametrize("more", [{}, {"chunk_size": MIB}, {"chunk_size": MIB, "upload_checksum": True}], ids=["one", "pieces", "checksum"])
def test_tuspy_uploads_a_file_with_its_metadata(place, sample, size, more):
    path = sample(size)
    uploader = tuspy(place, path, metadata={"filename": NAME, "filetype": "application/pdf"}, **more)
    uploader.upload()
    place.holds(uploader.url, path)
    kept = place.uploads.file(path_of(uploader.url))
    assert (kept["name"], kept["content_type"], kept["size"]) == (NAME, "application/pdf", size)


def test_tuspy_resumes_after_the_server_was_killed(place, sample, tmp_path):
    path, storage = sample(10 * MIB), str(tmp_path / "urls.json")

    def begin():
        kept = tusclient.storage.filestorage.FileStorage(storage)
        return kept, tuspy(place, path, chunk_size=MIB, store_url=True, url_storage=kept)
    kept, uploader = begin()
    uploader.upload(stop_at=3 * MIB)
    url = uploader.url
    kept.close()
    place.restart()
    kept, uploader = begin()
    assert (uploader.url, uploader.offset) == (url, 3 * MIB)
    uploader.upload()
    kept.close()
    place.holds(url, path)


def test_tuspy_retries_while_the_server_is_killed(place, sample):
    path = sample(10 * MIB)
    uploader = tuspy(place, path, chunk_size=MIB, retries=3, retry_delay=0)
    uploader.upload(stop_at=2 * MIB)
    place.restart()
    other = place.uploads.patch(path_of(uploader.url), 2 * MIB, path.read_bytes()[2 * MIB:3 * MIB])
    assert other.status == 204  # the client does not know of these bytes: its next request is refused, and it asks
    uploader.upload()
    place.holds(uploader.url, path)


def test_tuspy_is_told_that_an_upload_was_terminated(place, sample):
    path = sample(3 * MIB)
    uploader = tuspy(place, path, chunk_size=MIB)
    uploader.upload(stop_at=MIB)
    assert place.uploads.tus("DELETE", path_of(uploader.url)).status == 204
    with pytest.raises(tusclient.exceptions.TusUploadFailed) as failed:
        uploader.upload()
    assert failed.value.status_code == 404
    with pytest.raises(tusclient.exceptions.TusCommunicationError):
        tuspy(place, path, url=uploader.url)


# ── curl


def curl(place, *arguments, check=True):
    done = subprocess.run(["curl", "-sS", "--max-time", "120", "-H", "Authorization: Bearer " + place.token, "-H",
                           "Tus-Resumable: 1.0.0", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done
    return done


def headers_of(text):
    """The status and the headers of the last reply in the output of curl -i."""
    lines = [block for block in text.split("\n\n") if block.startswith("HTTP/")][-1].splitlines()
    return int(lines[0].split()[1]), {n.lower(): v.strip() for n, v in (line.split(":", 1) for line in lines[1:])}


def test_curl_creates_appends_asks_and_terminates(place, sample):
    path = sample(300_000)
    status, made = headers_of(curl(place, "-i", "-X", "POST", "-H", "Upload-Length: 300000", place.endpoint).stdout)
    url = "http://127.0.0.1:%d%s" % (place.server.address()[1], path_of(made["location"]))
    assert status == 201
    first = path.with_name("first")
    first.write_bytes(path.read_bytes()[:100_000])
    patch = ["-i", "-X", "PATCH", "-H", "Content-Type: application/offset+octet-stream", url]
    status, got = headers_of(curl(place, *patch, "-H", "Upload-Offset: 0", "--data-binary", f"@{first}").stdout)
    assert (status, got["upload-offset"]) == (204, "100000")
    place.restart()
    status, got = headers_of(curl(place, "-I", url).stdout)
    assert (status, got["upload-offset"], got["upload-length"]) == (200, "100000", "300000")
    rest = path.with_name("rest")
    rest.write_bytes(path.read_bytes()[100_000:])
    # A body from a file is sent in chunks after 100 Continue.
    status, got = headers_of(curl(place, *patch, "-H", "Upload-Offset: 100000", "-H", "Transfer-Encoding: chunked", "-T", rest).stdout)
    assert (status, got["upload-offset"]) == (204, "300000")
    place.holds(url, path)
    assert headers_of(curl(place, "-i", "-X", "DELETE", url).stdout)[0] == 204
    assert headers_of(curl(place, "-I", url).stdout)[0] == 404


def test_curl_resumes_by_the_draft_of_the_ietf(place, sample):
    path = sample(80 * MIB)
    proof = ["-H", "Authorization: Bearer " + place.token]
    first = subprocess.Popen(["curl", "-sS", "--limit-rate", "40M", *proof, "-H", "Upload-Complete: ?1", "-H", "Content-Disposition: inline;"
                              ' filename="curl.bin"', "-H", "Upload-Draft-Interop-Version: 8", "-X", "POST", "-T", str(path), "-v", place.endpoint],
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    location = None
    for line in first.stderr:  # 104 comes before the body is sent
        if line.lower().startswith("< location:"):
            location = line.split(":", 1)[1].strip()
            break
    assert location
    wait_for("a flush", lambda: place.uploads.listed(path_of(location))["offset"] > 0)
    place.server.kill()
    first.kill()
    first.communicate()
    place.server.start()
    url = "http://127.0.0.1:%d%s" % (place.server.address()[1], path_of(location))

    def ask(*arguments):
        done = subprocess.run(["curl", "-sS", "-i", *proof, *map(str, arguments), url], capture_output=True, text=True, check=True)
        return headers_of(done.stdout)
    status, got = ask("-I")
    assert status == 204 and got["upload-complete"] == "?0" and 0 < int(got["upload-offset"]) < 80 * MIB
    rest = path.with_name("rest")
    rest.write_bytes(path.read_bytes()[int(got["upload-offset"]):])
    status, got = ask("-X", "PATCH", "-H", "Content-Type: application/partial-upload", "-H", "Upload-Offset: " + got["upload-offset"],
                      "-H", "Upload-Complete: ?1", "-T", rest)
    assert (status, got["upload-complete"]) == (201, "?1")
    place.holds(url, path)
    assert [f["size"] for f in place.files("curl.bin")] == [80 * MIB]
