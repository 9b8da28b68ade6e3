# SPDX-License-Identifier: Apache-2.0
"""`cais rm s3://BUCKET/KEY`, `cais ls s3://BUCKET/PREFIX`, and the same in the native API: who may, what is said, what is left."""
import json
import subprocess
import urllib.parse

import pytest

from server import BINARY, Server, bearer, is_native_error
from sigv4 import Signer

OBJECTS = "/v1/native/objects"


class Buckets:
    """ana and bob, each with objects in the bucket `shared` of their account; eva, an administrator; zoe, of another account."""

    def __init__(self, server):
        self.server, self.url = server, "http://127.0.0.1:%d" % server.address()[1]
        server.cais("account", "add", "elsewhere")
        self.tokens, self.signers = {}, {}
        for login, more in (("ana", []), ("bob", []), ("eva", ["--admin"]), ("zoe", ["--account", "elsewhere"])):
            server.user(login, *more)
            self.tokens[login] = server.key(login, "native")["token"]
            pair = server.key(login, "s3")
            self.signers[login] = Signer(pair["access_key_id"], pair["secret_access_key"])
        assert self.s3("ana", "PUT", "/shared").status == 200

    def s3(self, login, method, path, body=b""):
        signed = self.signers[login].headers(method, "s3.example.org", urllib.parse.unquote(path), None, body)
        signed.pop("host")
        return self.server.ask(method, path, list(signed.items()), body, host="s3.example.org")

    def put(self, login, *keys):
        for key in keys:
            assert self.s3(login, "PUT", "/shared/" + key, key.encode()).status == 200

    def keys(self, prefix=""):
        return [f["key"] for f in self.server.cais_json("ls", "s3://shared/" + prefix)[0]["files"]]

    def run(self, login, *words):
        done = subprocess.run([BINARY, *words, "--url", self.url], capture_output=True, text=True, timeout=60, check=False,
                              env={"CAIS_TOKEN": self.tokens[login]})
        return done.returncode, done.stdout, done.stderr

    def ask(self, login, method, path, *headers):
        return self.server.ask(method, path, [*bearer(self.tokens[login]), *headers])


@pytest.fixture
def buckets(tmp_path):
    with Server(tmp_path, sets=["hosts.s3.example.org=s3"]) as server:
        yield Buckets(server)
        assert "clean" in server.cais("fsck").stdout


def test_an_object_is_removed_and_only_that(buckets):
    buckets.put("ana", "a", "dir/b", "dir/c%20d")
    assert buckets.run("ana", "rm", "s3://shared/dir/b", "s3://shared/dir/c d") == (0, "removed s3://shared/dir/b\nremoved s3://shared/dir/c d\n", "")
    assert buckets.keys() == ["a"] and buckets.s3("ana", "GET", "/shared/dir/b").status == 404 and buckets.s3("ana", "GET", "/shared/a").body == b"a"
    code, out, _ = buckets.run("ana", "rm", "--json", "s3://shared/a")
    assert code == 0 and json.loads(out) == {"id": "s3://shared/a", "removed": True} and buckets.keys() == []
    assert [e["action"] for e in buckets.server.cais_json("audit", "--limit", "3")] == ["entry.remove"] * 3
    assert buckets.server.cais_json("user", "list")[0]["used_bytes"] == 0


def test_what_cannot_be_removed_is_said_and_the_rest_is_removed(buckets):
    buckets.put("ana", "a", "b")
    code, out, err = buckets.run("ana", "rm", "s3://shared/none", "s3://shared", "s3://shared/a")
    assert (code, out) == (1, "removed s3://shared/a\n") and buckets.keys() == ["b"]
    first, second = err.splitlines()
    assert first.startswith("cais rm: s3://shared/none: no such object (404 not_found") and first.endswith("; 'cais ls' shows the IDs")
    assert second == "cais rm: s3://shared: an object is named s3://BUCKET/KEY"
    code, out, err = buckets.run("ana", "rm", "s3://elsewhere/a")
    assert code == 1 and "no such object" in err


def test_a_user_removes_what_is_its_own_and_an_administrator_what_is_of_the_account(buckets):
    buckets.put("ana", "a", "b")
    for login in ("bob", "zoe"):
        assert buckets.run(login, "rm", "s3://shared/a")[0] == 1
        is_native_error(buckets.ask(login, "DELETE", OBJECTS + "/shared/a"), 404, "not_found")
    is_native_error(buckets.server.ask("DELETE", OBJECTS + "/shared/a"), 401, "unauthenticated")
    assert buckets.keys() == ["a", "b"]
    assert buckets.run("eva", "rm", "s3://shared/a") == (0, "removed s3://shared/a\n", "")
    buckets.server.cais("rm", "s3://shared/b")  # the operator
    assert buckets.keys() == []


def test_a_condition_holds_as_for_s3(buckets):
    buckets.put("ana", "a")
    etag = buckets.ask("ana", "HEAD", OBJECTS + "/shared/a").header("ETag")
    buckets.s3("ana", "PUT", "/shared/a", b"new")
    is_native_error(buckets.ask("ana", "DELETE", OBJECTS + "/shared/a", ("If-Match", etag)), 409, "conflict")
    is_native_error(buckets.ask("bob", "DELETE", OBJECTS + "/shared/a", ("If-Match", '"x"')), 404, "not_found")  # says nothing of it
    etag = buckets.ask("ana", "HEAD", OBJECTS + "/shared/a").header("ETag")
    assert buckets.ask("ana", "DELETE", OBJECTS + "/shared/a", ("If-Match", etag)).status == 204
    is_native_error(buckets.ask("ana", "DELETE", OBJECTS + "/shared/a"), 404, "not_found")


def test_objects_are_listed_by_bucket_and_prefix(buckets):
    assert buckets.s3("ana", "PUT", "/second").status == 200
    assert buckets.s3("ana", "PUT", "/second/dir/z", b"z").status == 200
    buckets.put("ana", "a", "dir/b", "dir/c", "dir2", "%C3%A9/x")
    buckets.put("bob", "dir/bob")
    assert buckets.server.ask("PUT", "/v1/native/files/file", bearer(buckets.tokens["ana"]), b"").status == 201
    assert buckets.keys() == ["a", "dir/b", "dir/bob", "dir/c", "dir2", "é/x"]
    for prefix, keys in (("dir/", ["dir/b", "dir/bob", "dir/c"]), ("dir", ["dir/b", "dir/bob", "dir/c", "dir2"]), ("é", ["é/x"]), ("zz", [])):
        assert buckets.keys(prefix) == keys
    code, out, _ = buckets.run("bob", "ls", "--json", "s3://shared")
    assert code == 0 and [f["id"] for f in json.loads(out)["files"]] == ["s3://shared/dir/bob"]
    of_ana = buckets.server.cais_json("ls", "s3://shared/dir/", "--user", "ana")[0]["files"]
    assert [f["key"] for f in of_ana] == ["dir/b", "dir/c"]
    seen, more = [], []
    for _ in range(4):
        [page] = buckets.server.cais_json("ls", "s3://shared/dir", "--limit", "1", *more)
        seen += [f["key"] for f in page["files"]]
        if "next" in page:
            more = ["--after", page["next"]]
    assert seen == ["dir/b", "dir/bob", "dir/c", "dir2"] and "next" not in page
    told = buckets.server.cais("ls", "s3://shared/dir", "--limit", "1")
    assert "s3://shared/dir" in told.stderr and "--after" in told.stderr


@pytest.mark.parametrize("words, code, told", [
    (["s3://none"], 1, "there is no bucket none that you may see"),
    (["s3://none/a"], 1, "there is no bucket none that you may see"),
    (["shared"], 2, "'shared' is not s3://BUCKET or s3://BUCKET/PREFIX; try 'cais ls --help'"),
    (["s3:///a"], 2, "'s3:///a' is not s3://BUCKET or s3://BUCKET/PREFIX; try 'cais ls --help'"),
    (["s3://shared", "--task", "1"], 2, "objects are in no task and no folder; try 'cais ls --help'"),
])
def test_a_place_that_is_none_is_said(buckets, words, code, told):
    assert buckets.run("ana", "ls", *words) == (code, "", f"cais ls: {told}\n")
    is_native_error(buckets.ask("zoe", "GET", OBJECTS + "?bucket=shared"), 404, "not_found")
    for query in ("prefix=a", "bucket=shared&prefix=%FF", "bucket=shared&prefix=" + "a" * 1025):
        is_native_error(buckets.ask("ana", "GET", f"{OBJECTS}?{query}"), 400, "invalid")
    cursor = b"other/a".hex()
    is_native_error(buckets.ask("ana", "GET", f"{OBJECTS}?bucket=shared&after={cursor}"), 400, "invalid")
