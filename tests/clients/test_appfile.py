# SPDX-License-Identifier: Apache-2.0
"""The Appfile API on a whole server: workspaces, buckets, entities and keys by commands; a signed URL, the file put to it by axios and by
hand, and its status."""
import hashlib
import json
import os
import urllib.parse

import pytest
from s3 import node, run
from server import BINARY, Server, wait_for

CLIENTS = os.path.dirname(os.path.abspath(__file__))


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
    assert server.cais("workspace", "list").stdout.split() == ["W", "second"]
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
    assert "W/B  until 2099-01-01T12:00:00Z" in server.cais("key", "list", server.login).stdout


def test_the_prefix_of_the_operator_is_checked_at_the_start(tmp_path):
    for wrong in ("portal", "/portal", "/care/", "/", "/a b", "/appfile/x"):
        server = Server(tmp_path, sets=[f"appfile.path_prefix={wrong}"], start=False)
        done = run(BINARY, "serve", "--data", server.data, *server.options, env=os.environ, check=False)
        assert done.returncode != 0 and "appfile.path_prefix" in done.stderr, (wrong, done)
    with AppfileServer(tmp_path, "appfile.path_prefix=/care") as server:
        assert server.call("POST", "/care/status/refresh").json()["IsSuccess"]
        assert server.call("POST", "/care/appfile/file/path", {"FileName": "a"}).status == 200
