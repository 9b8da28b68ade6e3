# SPDX-License-Identifier: Apache-2.0
"""The Appfile API on a whole server: workspaces, buckets, entities and keys by commands; a signed URL, the file put to it by the samples of
its description and by hand, its import, and its status."""
import hashlib
import json
import os
import urllib.parse

import pytest
from s3 import node, run
from server import BINARY, Server, bearer, in_threads, wait_for

CLIENTS = os.path.dirname(os.path.abspath(__file__))
SAMPLES = os.path.join(CLIENTS, "appfile_samples")
HEAD = "00|CHILDACTION|FAMILY|20261121033000|REF-000017\n01|wks_family|||cc-family|SYNC\n02|entityId\n03|entityId|name|familySize:int\n"


def sync_file(rows, head=HEAD):
    """A file with these rows, each a line that begins with 10 or 90."""
    return (head + "".join(row + "\n" for row in rows) + f"99|{len(rows)}\n").encode()


def families(count, first=0):
    return sync_file([f"10|F-{n}|Silva {n}|{n % 9}|" for n in range(first, first + count)])


class AppfileServer(Server):
    """A server with the workspace W, its bucket B, and a key of each role."""

    def __init__(self, folder, *sets, **more):
        super().__init__(folder, sets=sets, **more)
        self.cais("workspace", "add", "W")
        self.cais("bucket", "add", "B", "--workspace", "W")
        self.login = self.user()
        self.keys = {role: self.appfile_key(role) for role in ("viewer", "uploader", "admin")}

    def appfile_key(self, role, *more):
        made = self.key(self.login, "appfile", "--role", role, "--workspace", "W", "--bucket", "B", *more)
        return made["api_key"]

    def call(self, method, path, body=None, role="uploader", headers=()):
        key = [("x-api-key", self.keys[role])] if role else []
        data = None if body is None else json.dumps(body).encode()
        return self.ask(method, path, [*key, ("Content-Type", "application/json"), *headers], data)

    def path(self, name="families.cc5txt", **more):
        answer = self.call("POST", "/appfile/file/path", {"FileName": name, **more})
        assert answer.status == 200 and answer.json()["IsSuccess"], answer
        return answer.json()["Data"]

    def status(self, data):
        answer = self.call("GET", "/appfile/file/" + data["FileId"], role="viewer")
        assert answer.status == 200, answer
        return answer.json()["Data"]

    def put(self, content, **more):
        """A file with this content."""
        data = self.path(**more)
        self.secrets.append(urllib.parse.parse_qs(urllib.parse.urlsplit(data["Url"]).query)["X-Amz-Signature"][0])
        assert self.follow("PUT", data["Url"], content).status == 200
        return data

    def import_file(self, data, waits=True, **more):
        path = "/appfile/file/import" if waits else "/appdata/import/file/async"
        answer = self.call("POST", path, {"FileType": "cc5", "FileId": data["FileId"], **more})
        assert answer.status == 200, answer
        return answer.json()

    def follow(self, method, url, body=None, headers=()):
        to = urllib.parse.urlsplit(url)
        return self.ask(method, f"{to.path}?{to.query}", headers, body, to.netloc)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with AppfileServer(tmp_path_factory.mktemp("appfile")) as started:
        yield started


def test_axios_puts_a_stream_to_the_url(server, tmp_path):
    file = tmp_path / "families.cc5txt"
    file.write_bytes(os.urandom(300_000))
    data = server.path(Folder="daily", Tags=["a"], Metadata={"rows": 3})
    done = run(node(), "node/appfile_put.mjs", data["Url"], str(file), env=os.environ, cwd=CLIENTS)
    assert done.stdout.strip() == "stored: 200", done
    shown = server.status(data)
    assert shown["File"]["Status"] == "uploaded" and shown["File"]["Size"] == 300_000
    assert shown["File"]["Md5"] == hashlib.md5(file.read_bytes()).hexdigest()
    assert server.follow("GET", shown["Url"]).body == file.read_bytes()
    server.cais("fsck")


def imported(server, data, content):
    """What the description does after the upload: the import, and the status."""
    answer = server.import_file(data, FilePath=data["FilePath"], ActionId=data["ActionId"])
    assert answer["IsSuccess"] and answer["Data"]["File"]["Status"] == "imported", answer
    shown = server.status(data)["File"]
    assert shown["Status"] == "imported" and shown["Progress"]["Percent"] == 100 and shown["Size"] == len(content)
    return shown


def test_the_sample_of_the_description_in_javascript_sends_a_file(server, tmp_path):
    content = families(50)
    (tmp_path / "families.cc5txt").write_bytes(content)
    data = server.path(Folder="daily")
    with open(os.path.join(SAMPLES, "upload.cjs"), encoding="utf-8") as f:
        sample = f.read()
    filled = sample.replace("your-signed-url-here", data["Url"]).replace("path-to-your-file", str(tmp_path / "families.cc5txt"))
    (tmp_path / "sample.cjs").write_text(filled)
    modules = {**os.environ, "NODE_PATH": os.path.join(CLIENTS, "node", "node_modules")}
    done = run(node(), str(tmp_path / "sample.cjs"), env=modules, cwd=tmp_path)
    assert done.stdout == "File uploaded successfully: 200\n", done
    assert imported(server, data, content)["Progress"]["Total"] == 50


def test_the_sample_of_the_description_in_csharp_sends_a_file(server, tmp_path):
    content = families(40, 1000)
    (tmp_path / "families.cc5txt").write_bytes(content)
    data = server.path()
    sources = [os.path.join(SAMPLES, name) for name in ("S3Uploader.cs", "Usage.cs")]
    run("mcs", "-out:" + str(tmp_path / "upload.exe"), "-r:System.Net.Http", *sources, env=os.environ)
    done = run("mono", str(tmp_path / "upload.exe"), data["Url"], str(tmp_path / "families.cc5txt"), env=os.environ)
    assert done.stdout == "File uploaded successfully.\n", done
    assert imported(server, data, content)["Progress"]["Total"] == 40


def test_calls_that_ask_for_one_file_at_once_wait_for_one_job(server):
    data = server.put(families(2000, 5000))

    def ask(i):
        return server.import_file(data, waits=i % 3 != 0, ActionId=f"action {i}")

    answers = in_threads(12, ask)
    assert all(answer["IsSuccess"] for answer in answers)
    actions = {answer["Data"]["ActionId"] for answer in answers}
    assert len(actions) == 1, actions
    assert {answer["Data"]["File"]["Status"] for i, answer in enumerate(answers) if i % 3} == {"imported"}
    jobs = [json.loads(line) for line in server.cais("jobs", "--json").stdout.splitlines()]
    assert len([job for job in jobs if job["subject"] == "sync:" + data["FileId"]]) == 1, jobs
    again = server.import_file(data, ActionId=actions.pop())
    assert again["Data"]["File"]["Progress"]["Inserted"] == 2000, again  # the stored result


@pytest.mark.slow_because("imports have the lowest priority")
def test_many_calls_wait_while_the_server_serves_others(server):
    slow = server.put(families(300_000, 100_000))
    server.import_file(slow, waits=False)
    behind = [server.put(families(3, 10 * i)) for i in range(40)]
    done = []

    def ask(i):
        if i == 40:  # meanwhile
            wait_for("the calls to wait", lambda: server.metrics()["cais_http_requests_active"] > 40)
            assert not done and server.call("POST", "/status/refresh").status == 200
            assert server.metrics()['cais_lane_waiting{lane="ordinary"}'] == 0
            return None
        status = "queued"
        while status in ("queued", "processing"):  # imports have the lowest priority: beside other tests the wait of 25 s may end
            status = server.import_file(behind[i])["Data"]["File"]["Status"]
        done.append(i)
        return status

    assert set(in_threads(41, ask)) == {"imported", None}
    assert server.status(slow)["File"]["Progress"]["Processed"] == 300_000


@pytest.mark.slow_because("imports have the lowest priority")
def test_the_status_follows_an_import_and_the_etag_its_progress(server):
    data = server.put(families(100_000, 1_000_000))
    server.import_file(data, waits=False)
    etag, processed, states, unchanged = None, 0, [], 0

    def look():
        nonlocal etag, processed, unchanged
        known = [("If-None-Match", etag)] if etag else []
        answer = server.call("GET", "/appfile/file/" + data["FileId"], role="viewer", headers=known)
        if answer.status == 304:
            unchanged += 1
            assert answer.header("ETag") == etag and not answer.body
            return False
        assert answer.status == 200 and answer.header("ETag") != etag, answer
        etag = answer.header("ETag")
        shown = answer.json()["Data"]["File"]
        assert processed <= shown["Progress"]["Processed"] <= 100_000 and 0 <= shown["Progress"]["Percent"] <= 100
        processed = shown["Progress"]["Processed"]
        states.append(shown["Status"])
        return shown["Status"] == "imported"

    wait_for("the import", look, seconds=300)
    assert unchanged and processed == 100_000, (unchanged, processed)
    assert [state for i, state in enumerate(states) if state not in states[:i]] in (
        ["queued", "processing", "imported"], ["processing", "imported"]), states


@pytest.mark.slow_because("imports have the lowest priority")
def test_the_events_of_the_job_show_the_progress_of_an_import(server):
    token = server.key(server.login, "native")["token"]
    data = server.put(families(100_000, 2_000_000))
    server.import_file(data, waits=False)
    job, = [j["id"] for j in server.cais_json("jobs") if j["kind"] == "import" and data["FileId"] in j["subject"]]
    stream = server.ask("GET", f"/v1/native/jobs/{job}/events", bearer(token))
    events = [json.loads(line[6:]) for line in stream.body.splitlines() if line.startswith(b"data: ")]
    assert [e["state"] for e in events] == sorted((e["state"] for e in events), key=["queued", "running", "done"].index)
    assert (events[-1]["state"], events[-1]["progress"], events[-1]["total"]) == ("done", 100_000, 100_000), events
    counted = [e["progress"] for e in events if e["total"]]
    assert counted == sorted(counted), events


def test_a_server_that_stops_answers_the_calls_that_wait_and_goes_on_after_its_start(tmp_path):
    with AppfileServer(tmp_path, "appfile.import_wait=10m") as server:
        slow, behind = server.put(families(400_000)), server.put(families(10))
        server.import_file(slow, waits=False)

        def ask(i):
            if i:
                wait_for("the call to wait", lambda: server.metrics()["cais_http_requests_active"] > 1)
                server.stop()
                return None
            return server.import_file(behind)

        answer = in_threads(2, ask)[0]
        assert answer["IsSuccess"] and answer["Data"]["File"]["Status"] == "queued", answer
        assert answer["ResponseStatus"]["Message"] == "Import continues in the background"
        server.start()
        answer = server.import_file(behind)
        assert answer["Data"]["File"]["Status"] == "imported", answer
        assert server.status(slow)["File"]["Progress"]["Inserted"] == 400_000


def rows_in_request(rows, **more):
    header = {"metadata": {"keys": ["entityId"], "entityType": "wks_family", "dataSource": "cc-family"},
              "FieldMappings": {"entityId": {}, "name": {}, "familySize": {"type": "int"}}}
    return {"ImportData": {"header": header, "data": rows, "footer": {"total": len(rows)}, **more}}


def test_rows_in_a_request_become_a_file_like_every_other(server):
    body = rows_in_request([{"entityId": "J-1", "name": "Åse"}, {"entityId": "J-2", "familySize": "x"}], InstanceId="I-1")
    answer = server.call("POST", "/appfile/file/import/data", {**body, "ActionId": "inline"})
    assert answer.status == 200 and answer.json()["IsSuccess"], answer
    data = answer.json()["Data"]
    assert data["File"]["Status"] == "importedwitherrors" and data["File"]["Source"] == "data"
    assert data["File"]["Errors"][0]["Meta"]["Key"] == "J-2" and data["ActionId"] == "inline"
    stored = server.follow("GET", data["Url"]).body
    assert json.loads(stored) == body["ImportData"] and data["File"]["Md5"] == hashlib.md5(stored).hexdigest()
    listed = [one for one in json.loads(server.cais("ls", "--json").stdout)["files"] if one["md5"] == data["File"]["Md5"]]
    assert len(listed) == 1 and listed[0]["name"] == "data.json" and listed[0]["owner"] == server.login, listed
    server.cais("fsck")


def test_a_put_may_come_in_every_way_that_clients_send_it(server):
    ways = {"a length and no type": ([], b"hello"),
            "chunked": ([("Transfer-Encoding", "chunked")], b"5\r\nhello\r\n0\r\n\r\n"),
            "after 100 Continue": ([("Expect", "100-continue"), ("Content-Length", "5")], b"hello"),
            "with a type": ([("Content-Type", "text/plain")], b"hello"),
            "nothing": ([], b"")}
    for what, (headers, body) in ways.items():
        data = server.path()
        answer = server.follow("PUT", data["Url"], body, headers)
        assert answer.status == 200 and answer.body == b"", (what, answer)
        size = 0 if what == "nothing" else 5
        assert answer.header("ETag") == '"%s"' % hashlib.md5(b"hello"[:size]).hexdigest()
        assert server.status(data)["File"]["Size"] == size


def test_the_file_is_one_like_every_other(server):
    data = server.path("of-appfile.json")
    assert server.follow("PUT", data["Url"], b"hello").status == 200
    listed = json.loads(server.cais("ls", "--json").stdout)
    found = [one for one in listed["files"] if one["name"] == "of-appfile.json"]
    assert len(found) == 1 and found[0]["md5"] == hashlib.md5(b"hello").hexdigest(), found
    assert (found[0]["way"], found[0]["state"], found[0]["owner"]) == ("appfile", "ready", server.login), found


def test_a_put_after_its_time_is_refused_in_the_words_of_s3(tmp_path):
    with AppfileServer(tmp_path, "appfile.url_lifetime=1s") as server:
        data = server.path()
        answer = wait_for("the end of the URL", lambda: (got := server.follow("PUT", data["Url"], b"x")).status != 200 and got)
        assert answer.status == 403 and b"<Code>AccessDenied</Code>" in answer.body and b"Request has expired" in answer.body
        late = server.path()

        def expired():
            answer = server.call("GET", "/appfile/file/" + late["FileId"])
            return answer.json() if answer.json()["Data"]["File"]["Status"] == "expired" else None

        shown = wait_for("the end of the file", expired)
        assert not shown["IsSuccess"] and shown["ResponseStatus"]["ErrorCode"] == "UrlExpired"


def test_commands_list_what_they_made(server):
    made = server.cais("bucket", "add", "--workspace", "W", "--allow-delete", "off", "--json").stdout
    bucket = json.loads(made)
    assert len(bucket["bucket"]) == 24 and bucket["allow_delete"] is False
    buckets = [json.loads(line)["bucket"] for line in server.cais("bucket", "list", "--workspace", "W", "--json").stdout.splitlines()]
    assert buckets[0] == "B" and bucket["bucket"] in buckets
    server.cais("workspace", "add", "second")
    assert [line.split()[0] for line in server.cais("workspace", "list").stdout.splitlines()] == ["W", "second"]
    server.cais("entity", "add", "bus", "wks_bus", "cc-bus")
    entities = [json.loads(line) for line in server.cais("entity", "list", "--json").stdout.splitlines()]
    assert len(entities) == 15 and entities[0]["entity"] == "family" and entities[0]["built_in"]
    assert entities[-1] == {"entity": "bus", "type": "wks_bus", "data_source": "cc-bus", "built_in": False}
    for wrong in (("workspace", "add", "W"), ("bucket", "add", "B", "--workspace", "W"), ("bucket", "add", "B", "--workspace", "none"),
                  ("entity", "add", "family", "a", "b"), ("workspace", "add", "a/b")):
        assert server.cais(*wrong, check=False).returncode == 1, wrong
    assert server.cais("bucket", "add", "C", check=False).returncode == 2
    assert server.cais("bucket", "add", "C", "--workspace", "W", "--allow-delete", "maybe", check=False).returncode == 2


def test_a_key_needs_its_workspace_and_shows_it(server):
    key = ("key", "add", server.login, "--for", "appfile")
    assert server.cais(*key, check=False).returncode == 2
    assert server.cais(*key, "--workspace", "W", check=False).returncode == 2
    assert server.cais(*key, "--workspace", "W", "--bucket", "none", check=False).returncode == 1
    assert server.cais(*key, "--workspace", "W", "--bucket", "B", "--expires", "soon", check=False).returncode == 2
    assert server.cais("key", "add", server.login, "--for", "pyrus", "--expires", "2099-01-01", check=False).returncode == 2
    server.appfile_key("viewer", "--expires", "2099-01-01T12:00:00Z")
    newest = json.loads(server.cais("key", "list", server.login, "--json").stdout.splitlines()[-1])
    assert newest["workspace"] == "W" and newest["bucket"] == "B" and newest["role"] == "viewer"
    assert newest["expires_at"] == "2099-01-01T12:00:00Z"
    assert "W  B  2099-01-01T12:00:00Z" in server.cais("key", "list", server.login).stdout


def test_the_prefix_of_the_operator_is_checked_at_the_start(tmp_path):
    for wrong in ("portal", "/portal", "/care/", "/", "/a b", "/appfile/x"):
        server = Server(tmp_path, sets=[f"appfile.path_prefix={wrong}"], start=False)
        done = run(BINARY, "serve", "--data", server.data, *server.options, env=os.environ, check=False)
        assert done.returncode != 0 and "appfile.path_prefix" in done.stderr, (wrong, done)
    with AppfileServer(tmp_path, "appfile.path_prefix=/care") as server:
        assert server.call("POST", "/care/status/refresh").json()["IsSuccess"]
        assert server.call("POST", "/care/appfile/file/path", {"FileName": "a"}).status == 200
