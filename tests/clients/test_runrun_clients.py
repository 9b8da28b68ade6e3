# SPDX-License-Identifier: Apache-2.0
"""The Runrun.it API with real programs, over TLS with the vendor's host names: requests, axios with form-data, and PHP's curl.
They post the current forms (signature 4) and the older ones (signature 2). These programs ignore most replies, so the tests
check the stored files afterwards.
"""
import datetime
import json
import os
import time
import urllib.parse

import pytest
from s3 import node, run
from server import BINARY, FORM, Authority, Server, file_part, form

CLIENTS = os.path.dirname(os.path.abspath(__file__))
API = "runrun.it"
NAMES = {API: "runrun", "secure.runrun.it": "runrun", "s3.amazonaws.com": "s3",
         "gryvnagsfedj.compat.objectstorage.sa-saopaulo-1.oraclecloud.com": "s3"}
BOARDS = {"boards": [{"id": 593350, "name": "Financeiro"}],
          "fields": [{"id": "custom_12", "label": "Prioridade", "field_type": "single_option", "board_ids": [593350],
                      "options": [{"id": "1", "label": "Baixa"}, {"id": "2", "label": "Alta"}]}]}
PROGRAMS = {"python": ["/usr/bin/python3", "runrun/here.py", "runrun/upload.py"],
            "node": [None, "--import", "./node/here.mjs", "node/runrun_upload.mjs"],
            "php": ["/usr/bin/php", "runrun/upload.php"]}


CLOCKED = os.path.join(os.path.dirname(os.path.realpath(BINARY)), "tests", "support", "cais-clocked")


class VendorServer(Server):
    def __init__(self, folder, *sets, **more):
        authority = Authority(folder)
        self.ca, self.context = authority.pem, authority.context()
        certificate, key = authority.issue("vendor", list(NAMES))
        boards = os.path.join(str(folder), "boards.json")
        with open(boards, "w", encoding="utf-8") as f:
            json.dump(BOARDS, f)
        super().__init__(folder, "--tls-listen", "127.0.0.1:0", "--tls-cert", certificate, "--tls-key", key,
                         sets=[f"hosts.{name}={api}" for name, api in NAMES.items()] + [f"runrun.boards_file={boards}", *sets], **more)

    def people(self):
        """Keys for the only user of a new account, who therefore sees only the tasks of this test."""
        account = f"account{self.users}"
        self.cais("account", "add", account)
        made = self.key(self.user(None, "--account", account), "runrun")
        return [("App-Key", made["app_key"]), ("User-Token", made["user_token"])]

    def at(self, host, method, target, headers=(), body=None):
        return self.ask(method, target, headers, body, host, kind="tls_listen", tls=self.context, name=host)

    def api(self, who, method, path, body=None):
        more = [("Content-Type", "application/json")] if body is not None else []
        return self.at(API, method, "/api/v1.0" + path, [*who, *more], body and json.dumps(body).encode())

    def download(self, who, document):
        """Follows redirects as an HTTP library does, and sends the same headers to every host."""
        answer = self.api(who, "GET", f"/documents/{document['id']}/download")
        assert (answer.status, answer.body) == (302, b""), answer
        to = urllib.parse.urlsplit(answer.header("Location"))
        assert to.scheme == "https" and to.hostname in NAMES, answer
        return self.at(to.hostname, "GET", f"{to.path}?{to.query}", who)

    def environment(self, who):
        home = os.path.join(self.folder, "home")
        os.makedirs(home, exist_ok=True)
        here = "::127.0.0.1:%d" % self.address("tls_listen")[1]
        with open(os.path.join(home, ".curlrc"), "w", encoding="ascii") as f:
            f.write(f'connect-to = "{here}"\n')
        return {"PATH": "/usr/bin:/bin", "HOME": home, "LANG": "C.UTF-8", "CONNECT_TO": here,
                "HERE_PORT": here.rpartition(":")[2], "REQUESTS_CA_BUNDLE": self.ca, "CURL_CA_BUNDLE": self.ca, "NODE_EXTRA_CA_CERTS": self.ca,
                "APP_KEY": who[0][1], "USER_TOKEN": who[1][1]}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with VendorServer(tmp_path_factory.mktemp("vendor")) as started:
        yield started


@pytest.fixture
def who(server):
    return server.people()


def command_of(server, program):
    command = [node() if part is None else part for part in PROGRAMS[program]]
    if program == "php":
        command[1:1] = ["-d", "display_errors=stderr", "-d", "curl.cainfo=" + server.ca]
    return command


def upload(server, who, program, generation, path):
    done = run(*command_of(server, program), generation, path, env=server.environment(who), cwd=CLIENTS)
    assert done.stderr == "", done.stderr
    return done.stdout


def only_task(server, who):
    tasks = server.api(who, "GET", "/tasks").json()
    assert len(tasks) == 1, tasks
    return tasks[0]


@pytest.mark.parametrize("generation", ["current", "older"])
@pytest.mark.parametrize("program", list(PROGRAMS))
@pytest.mark.parametrize("name,size", [("example.csv", 22), ("Relatório (ç) 100% + a&b #1.pdf", 1500000),
                                       ("📦 e\u0301.bin", 20000), ("empty.txt", 0)], ids=["example", "large", "emoji", "empty"])
def test_each_program_attaches_a_file_to_a_new_task(server, who, tmp_path, program, generation, name, size):
    """One size is above 1 MiB, where PHP waits for 100 Continue."""
    path = tmp_path / name
    path.write_bytes(os.urandom(size))
    said = upload(server, who, program, generation, path)
    task = only_task(server, who)
    assert task["title"] == "A task with a file" and task["attachments_count"] == 1
    listed = server.api(who, "GET", f"/tasks/{task['id']}/documents")
    assert listed.header("X-Item-Range") == "items 1-1/1"
    document = listed.json()[0]
    assert (document["file_name"], document["file_size"], document["transfered"]) == (name, size, True)
    got = server.download(who, document)
    assert (got.status, got.body) == (200, path.read_bytes())
    assert got.header("Content-Type") == document["data_content_type"]
    if program == "node":
        assert f"id: {task['id']}" in said  # on success it prints the task


@pytest.mark.parametrize("program", list(PROGRAMS))
def test_two_uploads_of_one_name_are_two_files(server, who, tmp_path, program):
    path, bodies = tmp_path / "example.csv", [b"first", b"second"]
    for body in bodies:
        path.write_bytes(body)
        upload(server, who, program, "current", path)
    documents = [d for task in server.api(who, "GET", "/tasks").json()
                 for d in server.api(who, "GET", f"/tasks/{task['id']}/documents").json()]
    assert len({d["id"] for d in documents}) == 2
    assert sorted(server.download(who, d).body for d in documents) == bodies


@pytest.mark.parametrize("program", list(PROGRAMS))
def test_a_program_with_a_wrong_token_stores_nothing(server, who, tmp_path, program):
    path = tmp_path / "example.csv"
    path.write_bytes(b"x")
    environment = {**server.environment(who), "USER_TOKEN": "wrong"}
    run(*command_of(server, program), "current", path, env=environment, cwd=CLIENTS, check=False)
    assert server.api(who, "GET", "/tasks").json() == []


def test_a_form_is_bound_to_its_key_and_size(server, who):
    task = server.api(who, "POST", "/tasks", {"task": {"title": "t"}}).json()
    wanted = {"document": {"data_file_name": "a", "data_file_size": 3}}
    ticket = server.api(who, "POST", f"/tasks/{task['id']}/documents", wanted).json()
    host = "s3.amazonaws.com"

    def send(body, **changed):
        fields = {n: v for n, v in ticket["fields"].items()
                  if n in ("key", "Policy", "success_action_status") or n.startswith("X-Amz-")}
        parts = [(f'Content-Disposition: form-data; name="{n}"'.encode(), v.encode()) for n, v in {**fields, **changed}.items()]
        answer = server.at(host, "POST", "/runrunit", [FORM], form(*parts, file_part("a", body)))
        return answer.status, answer.body.partition(b"<Code>")[2].partition(b"</Code>")[0].decode()

    confirm = f"/documents/{ticket['id']}/mark_as_uploaded"
    assert send(b"1234") == (400, "EntityTooLarge")
    assert send(b"12") == (400, "EntityTooSmall")
    assert send(b"123", key=ticket["fields"]["key"] + "x") == (403, "AccessDenied")
    assert send(b"123", **{"X-Amz-Signature": "0" * 64}) == (403, "SignatureDoesNotMatch")
    assert server.api(who, "POST", confirm).status == 422
    assert send(b"123") == (201, "")
    assert send(b"321") == (201, "")  # before the confirmation, the last complete upload counts
    assert server.api(who, "POST", confirm).status == 200
    assert send(b"999") == (403, "AccessDenied")
    assert server.api(who, "POST", confirm).status == 200  # confirming again changes nothing
    assert server.download(who, ticket).body == b"321"


def test_the_spreadsheet_program_creates_its_tasks(server, who, tmp_path):
    rows = tmp_path / "rows"
    rows.write_text("Fechar o mês\tAlta\tmaria-souza\nPagar a luz\tBaixa\nSem prioridade\t?\tmaria-souza\n", encoding="utf-8")
    done = run("/usr/bin/python3", "runrun/here.py", "runrun/sheet.py", rows, env=server.environment(who), cwd=CLIENTS)
    assert done.stdout == "Done: OK=3 FAIL=0\n" and done.stderr == ""
    tasks = {task["title"]: task["custom_fields"] for task in server.api(who, "GET", "/tasks?board_id=593350").json()}
    assert tasks == {"Fechar o mês": {"custom_12": {"id": "2"}}, "Pagar a luz": {"custom_12": {"id": "1"}}, "Sem prioridade": {}}


def test_the_spreadsheet_program_waits_for_the_next_minute(tmp_path, monkeypatch):
    clock, rows = tmp_path / "clock", tmp_path / "rows"
    clock.write_text(f"={(int(time.time()) + 60) * 1000}")  # ahead of the real time, so that the program waits long enough
    rows.write_text("Fechar o mês\tAlta\nPagar a luz\tBaixa\nSem prioridade\t?\n", encoding="utf-8")
    monkeypatch.setenv("CAIS_TEST_CLOCK_FILE", str(clock))
    with VendorServer(tmp_path, "runrun.rate_limit=4", binary=CLOCKED) as server:
        who = server.people()
        environment = {**server.environment(who), "CAIS_TEST_CLOCK_FILE": str(clock)}
        done = run("/usr/bin/python3", "runrun/here.py", "runrun/sheet.py", rows, env=environment, cwd=CLIENTS)
        waited, last = done.stdout.splitlines()  # the fifth request is above the limit
        assert waited.startswith("waiting ") and last == "Done: OK=3 FAIL=0"
        assert len(server.api(who, "GET", "/tasks").json()) == 3


def test_too_many_requests_have_retry_after(server, who):
    answers = [server.api(who, "GET", "/users/me") for _ in range(101)]
    while answers[-1].status != 429:  # a minute ended between two requests
        answers.append(server.api(who, "GET", "/users/me"))
        assert len(answers) < 400
    last = answers[-1]
    assert (last.header("RateLimit-Limit"), last.header("RateLimit-Remaining")) == ("100", "0")
    reset = datetime.datetime.fromisoformat(last.header("RateLimit-Reset"))
    ahead = reset - datetime.datetime.now(datetime.timezone.utc)
    assert reset.second == 0 and datetime.timedelta(minutes=-1) < ahead <= datetime.timedelta(minutes=1)
    assert 1 <= int(last.header("Retry-After")) <= 60
    assert last.json() == {"error": "Too many requests"}


def test_an_unknown_path_is_an_error_in_json(server, who):
    for path in ("/api/v1.0/projects", "/api/projects", "/api", "/api/v2/tasks"):
        answer = server.at(API, "GET", path, who)
        assert (answer.status, answer.json()) == (404, {"error": "Not found"}), path


def test_the_second_host_name_works_without_tls(server, who):
    answer = server.ask("GET", "/api/v1.0/users/me", who, host="secure.runrun.it")
    assert answer.status == 200 and answer.json()["name"]
