# SPDX-License-Identifier: Apache-2.0
"""`cais ls` of one user, task or folder."""
import json
import re
import subprocess

import pytest
from server import BINARY, FORM, Server, bearer, file_part, form, json_head
from sigv4 import Signer
from test_courses import make_course, upload as upload_to_folder


class Store:
    """ana has a file in a folder, one attached to a task, one to its comment, and three more; bob has one."""

    def __init__(self, server):
        self.server, self.url = server, "http://127.0.0.1:%d" % server.address()[1]
        self.ana, self.bob = server.user("ana"), server.user("bob")
        self.tokens = {login: server.key(login, "native")["token"] for login in (self.ana, self.bob)}
        redu = server.cais_json("key", "add", self.ana, "--for", "redu")[0]["access_token"]
        _, self.folder = make_course(server, redu)
        assert upload_to_folder(server, redu, self.folder, "in-folder", b"f").status == 201
        self.pyrus = server.log_in(self.ana, server.key(self.ana, "pyrus")["security_key"])["access_token"]
        self.task = self.post("/v4/tasks", {"text": "look", "attachments": [self.attachment("of-task")]})["task"]["id"]
        self.post(f"/v4/tasks/{self.task}/comments", {"text": "more", "attachments": [self.attachment("of-comment")]})
        for login, name in ((self.ana, "a1"), (self.ana, "a2"), (self.ana, "a3"), (self.bob, "b1")):
            assert server.ask("PUT", f"/v1/native/files/{name}", bearer(self.tokens[login]), b"x").status == 201

    def post(self, path, body):
        answer = self.server.ask("POST", path, [*json_head(self.pyrus)], json.dumps(body).encode())
        assert answer.status == 200, answer
        return answer.json()

    def attachment(self, name):
        answer = self.server.ask("POST", "/v4/files/upload", [FORM, *bearer(self.pyrus)], form(file_part(name, b"t")))
        return answer.json()["guid"]

    def names(self, *options):
        """On the server's machine, or of a user by --url."""
        return [f["name"] for f in self.server.cais_json("ls", *options)[0]["files"]]

    def of(self, login, *options, code=0):
        done = subprocess.run([BINARY, "ls", "--json", "--url", self.url, *options], capture_output=True, text=True, timeout=60,
                              env={"CAIS_TOKEN": self.tokens[login]}, check=False)
        assert done.returncode == code, done
        return done.stderr if code else [f["name"] for f in json.loads(done.stdout)["files"]]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("ls")) as server:
        yield Store(server)


def test_files_are_listed_by_user_task_and_folder(store):
    assert store.names("--user", "ana") == ["a3", "a2", "a1", "of-comment", "of-task", "in-folder"]
    assert store.names("--user", "bob") == ["b1"]
    assert store.names("--task", str(store.task)) == ["of-comment", "of-task"]
    assert store.names("--folder", str(store.folder)) == ["in-folder"]
    assert store.names("--folder", str(store.folder), "--user", "ana") == ["in-folder"]
    assert store.names("--task", str(store.task), "--user", "bob") == []


def test_a_page_of_a_list_by_user_says_how_it_goes_on(store):
    assert store.names("--user", "ana", "--limit", "2") == ["a3", "a2"]
    seen, more = [], []
    for _ in range(6):
        [page] = store.server.cais_json("ls", "--user", "ana", "--limit", "2", *more)
        seen += [f["name"] for f in page["files"]]
        if "next" not in page:
            break
        more = ["--after", page["next"]]
    assert seen == ["a3", "a2", "a1", "of-comment", "of-task", "in-folder"]
    told = store.server.cais("ls", "--task", str(store.task), "--limit", "1")
    assert f"--task {store.task}" in told.stdout + told.stderr and "--after" in told.stdout + told.stderr


def test_a_person_sees_no_more_by_naming_a_user_a_task_or_a_folder(store):
    assert store.of("ana", "--user", "ana", "--limit", "1") == ["a3"]
    assert store.of("ana", "--task", str(store.task)) == ["of-comment", "of-task"]
    for options, what in ((["--user", "bob"], "user bob"), (["--user", "nobody"], "user nobody")):
        assert store.of("ana", *options, code=1) == f"cais ls: there is no {what} that you may see\n"
    for options, what in ((["--task", str(store.task)], f"task {store.task}"), (["--folder", str(store.folder)], f"folder {store.folder}"),
                          (["--task", "9999"], "task 9999")):
        assert store.of("bob", *options, code=1) == f"cais ls: there is no {what} that you may see\n"


def test_objects_of_a_user_follow_its_files(tmp_path):
    with Server(tmp_path, sets=["hosts.s3.example.org=s3"]) as server:
        for login in (server.user("ana"), server.user("bob")):
            pair = server.key(login, "s3")
            signer = Signer(pair["access_key_id"], pair["secret_access_key"])
            for path in ("/shared", f"/shared/{login}-1", f"/shared/{login}-2"):
                signed = signer.headers("PUT", "s3.example.org", path)
                signed.pop("host")
                assert server.ask("PUT", path, list(signed.items()), b"", host="s3.example.org").status in (200, 409)
        token = server.key("bob", "native")["token"]
        assert server.ask("PUT", "/v1/native/files/b", bearer(token), b"").status == 201
        [listed] = server.cais_json("ls", "--user", "bob", "--limit", "2")
        assert [f["name"] for f in listed["files"]] == ["b", "bob-1"]
        [rest] = server.cais_json("ls", "--user", "bob", "--after", listed["next"])
        assert [f["name"] for f in rest["files"]] == ["bob-2"] and "next" not in rest
        assert [f["name"] for f in server.cais_json("ls", "--user", "ana")[0]["files"]] == ["ana-1", "ana-2"]
        assert server.ask("GET", "/v1/native/objects?owner=ana", bearer(token)).status == 404


@pytest.mark.parametrize("words, code, wanted", [
    (["--user", "nobody"], 1, "there is no user nobody: 'cais user list' shows what there is"),
    (["--task", "9999"], 1, "there is no task 9999 that you may see"),
    (["--folder", "9999"], 1, "there is no folder 9999 that you may see"),
    (["--task", "x"], 2, "--task: 'x' is not the number of a task; try 'cais ls --help'"),
    (["--folder", "0"], 2, "--folder: '0' is not the number of a folder; try 'cais ls --help'"),
    (["--task", "1", "--folder", "1"], 2, "--task and --folder exclude each other; try 'cais ls --help'"),
])
def test_a_list_of_what_is_not_there_says_so(store, words, code, wanted):
    done = store.server.cais("ls", *words, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", f"cais ls: {wanted}\n")


@pytest.mark.parametrize("query", ["task=x", "folder=-1", "task=1&folder=1"])
def test_a_wrong_filter_of_the_native_api_is_400(store, query):
    answer = store.server.ask("GET", "/v1/native/files?" + query, bearer(store.tokens["ana"]))
    assert answer.status == 400 and re.search("task and folder are numbers", answer.json()["error"]["message"])
