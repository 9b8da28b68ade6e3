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
    (["--folder", "0"], 2, "--folder: '0' is neither the number nor the path of a folder; try 'cais ls --help'"),
    (["--folder", ""], 2, "--folder: '' is neither the number nor the path of a folder; try 'cais ls --help'"),
    (["--folder", "Reports/no"], 1, "there is no folder Reports/no that you may see"),
    (["--task", "1", "--folder", "1"], 2, "--task and --folder exclude each other; try 'cais ls --help'"),
])
def test_a_list_of_what_is_not_there_says_so(store, words, code, wanted):
    done = store.server.cais("ls", *words, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", f"cais ls: {wanted}\n")


@pytest.mark.parametrize("query", ["task=x", "folder=-1", "folder=0", "task=1&folder=1", "task=1&folder=a"])
def test_a_wrong_filter_of_the_native_api_is_400(store, query):
    answer = store.server.ask("GET", "/v1/native/files?" + query, bearer(store.tokens["ana"]))
    assert answer.status == 400 and re.search("task is a number, folder a number or a path", answer.json()["error"]["message"])


# ---- folders by the names that people see


class Places:
    """Two spaces, `Räume` and `Other`, and one of a course, each with folders; bob is a viewer of `Räume` alone."""

    def __init__(self, server):
        self.server, self.url = server, "http://127.0.0.1:%d" % server.address()[1]
        self.tokens = {login: server.key(server.user(login, *options), "native")["token"]
                       for login, options in (("eva", ["--admin"]), ("bob", []))}
        _, self.course = make_course(server, server.cais_json("key", "add", "eva", "--for", "redu")[0]["access_token"])
        self.put(self.course, "in-course")
        rooms, other, second = (self.post("/v1/native/spaces", {"name": name}) for name in ("Räume", "Other", "Cálculo"))
        self.ids = {"rooms": rooms["root"], "second": second["root"]}
        for name, parent in (("Reports", "rooms"), ("2026", "Reports"), ("May", "2026")):
            self.ids[name] = self.folder(self.ids[parent], name)
        self.ids["other May"] = self.folder(other["root"], "May")
        self.ids["June"] = self.folder(other["root"], "June")
        answer = server.ask("PUT", f"/v1/native/spaces/{rooms['id']}/members/bob", bearer(self.tokens["eva"]), b'{"role":"viewer"}')
        assert answer.status in (200, 201, 204), answer

    def post(self, path, body):
        answer = self.server.ask("POST", path, bearer(self.tokens["eva"]), json.dumps(body).encode())
        assert answer.status in (200, 201), answer
        return answer.json()

    def put(self, folder, name):
        answer = self.server.ask("PUT", f"/v1/native/folders/{folder}/files/{name}", bearer(self.tokens["eva"]), b"f")
        assert answer.status == 201, answer

    def folder(self, parent, name):
        made = self.post(f"/v1/native/folders/{parent}/folders", {"name": name})["id"]
        self.put(made, f"in-{name}")
        return made

    def ls(self, login, folder, code=0):
        done = subprocess.run([BINARY, "ls", "--json", "--url", self.url, "--folder", folder], capture_output=True, text=True, timeout=60,
                              env={"CAIS_TOKEN": self.tokens[login]}, check=False)
        assert done.returncode == code, done
        return done.stderr if code else [f["name"] for f in json.loads(done.stdout)["files"]]


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("places")) as server:
        yield Places(server)


@pytest.mark.parametrize("path, names", [
    ("Räume/Reports/2026", ["in-2026"]),
    ("räume/REPORTS/2026/may", ["in-May"]),
    ("/Räume//Reports/", ["in-Reports"]),
    ("Reports", ["in-Reports"]),  # a name alone
    ("june", ["in-June"]),
    ("Räume", []),  # the root of a space
    ("Other/May", ["in-May"]),
    ("engenharia/Cálculo", ["in-course"]),
    ("ufxx/engenharia/Cálculo", ["in-course"]),
])
def test_a_folder_is_named_as_people_see_it(places, path, names):
    assert places.ls("eva", path) == names
    beside = places.server.cais_json("ls", "--folder", path)  # the operator, on the server's machine
    assert [f["name"] for f in beside[0]["files"]] == names


def test_a_number_is_a_number_and_a_path_leads_to_a_folder_whose_name_is_one(places):
    assert places.ls("eva", str(places.ids["May"])) == ["in-May"]
    assert places.ls("eva", "2026", code=1) == "cais ls: there is no folder 2026 that you may see\n"
    assert places.ls("eva", "/2026") == ["in-2026"]


def test_a_name_of_several_folders_is_refused_with_their_numbers(places):
    for name, ids in (("May", ("May", "other May")), ("Cálculo", (None, "second"))):
        told = places.ls("eva", name, code=1)
        listed = re.fullmatch(r"cais ls: several folders are named so: ([\d, ]+); give the number of one, or a longer path \(409 conflict, "
                              r"request \S+\)\n", told)
        assert listed, told
        assert {int(text) for text in listed[1].split(", ")} == {places.ids[one] if one else places.course for one in ids}
    assert places.ls("bob", "May") == []  # the one that bob sees; the files in it are eva's


def test_a_path_shows_nobody_more_than_a_number_does(places):
    for path in ("Other", "Other/May", "June", "ufxx/engenharia/Cálculo", "Räume/June", "Räume/Reports/2026/May/x"):
        assert places.ls("bob", path, code=1) == f"cais ls: there is no folder {path} that you may see\n"
    query = "folder=" + "%2F".join(["a"] * 500)
    assert places.server.ask("GET", f"/v1/native/files?{query}", bearer(places.tokens["bob"])).status == 404
    assert places.server.ask("GET", "/v1/native/files?folder=%FF", bearer(places.tokens["bob"])).status == 404
