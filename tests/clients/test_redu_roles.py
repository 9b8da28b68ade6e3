# SPDX-License-Identifier: Apache-2.0
"""Every request of tests/support/redu_roles.def, sent by each person over TCP. tests/unit/redu.c fails when a route has no row."""
import json
import os
import re

import pytest

from redu import SETS, School, content_part
from server import Server, form

PEOPLE = ("nobody", "stranger", "member", "tutor", "teacher", "admin", "boss")
TABLE = os.path.join(os.path.dirname(__file__), "..", "support", "redu_roles.def")
ROW = re.compile(r'^ROW\((".*?"), (NULL|".*"), (\d+), (\w+)\)$', re.MULTILINE)
UPLOAD = ("POST /api/folders/%f/files", form(content_part("new.txt", b"hello")), 201, "tutor")


def read_rows():
    with open(TABLE, encoding="utf-8") as f:
        text = f.read()
    rows = [(json.loads(request), None if body == "NULL" else json.loads(json.loads(body)), int(success), least.lower())
            for request, body, success, least in ROW.findall(text)]
    assert len(rows) == text.count("\nROW(")
    return rows + [UPLOAD]


class RolesSchool(School):
    def __init__(self, server):
        server.user("boss", "--admin")
        super().__init__(server)
        self.tokens |= {"boss": server.key("boss", "redu")["access_token"], "nobody": None}
        self.made = 0

    def things(self):
        """The numbers of a new environment and of what is in it, by their letters in the table."""
        self.made += 1
        path = f"number-{self.made}"
        environment = self.make("/api/environments", "environment", {"name": path, "path": path, "initials": "N"})["id"]
        course = self.make(f"/api/environments/{environment}/courses", "course", {"name": path, "path": path})["id"]
        space = self.make(f"/api/courses/{course}/spaces", "space", {"name": path})["id"]
        for login in ("teacher", "tutor", "member"):
            self.enrol(login, login, path)
        root = self.get(f"/api/spaces/{space}/folders")[0]["id"]
        folder = self.folder("folder", root)
        file = self.file("file.txt", b"hello", folder)["id"]
        return {"e": environment, "c": course, "s": space, "f": folder, "i": file, "n": self.ids["member"]}


@pytest.fixture(scope="module")
def school(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("roles"), sets=SETS) as server:
        made = RolesSchool(server)
        made.shared = made.things()
        yield made


def send(school, request, body, who, things):
    method, target = request.split(" ")
    target = re.sub("%([a-z])", lambda m: str(things[m[1]]), target)
    headers = [("Content-Type", "multipart/form-data; boundary=b0und")] if isinstance(body, bytes) else []
    return school.ask(method, target, who, body, headers)


def expect_refusal(answer, request):
    method, target = request.split(" ")
    one = re.search(r"/(%[a-z]|me|users/\w+)$", target)
    action = {"POST": "create", "PUT": "update", "DELETE": "destroy"}.get(method) or ("show" if one else "index")
    assert (answer.status, answer.json()) == (401, {"message": "not authorized", "action": action}), answer
    assert answer.header("Content-Type") == "application/json; charset=utf-8"


def expect_success(answer, success):
    assert answer.status == success, answer
    assert (answer.body == b"") == (success == 204)
    if success == 201:
        assert answer.header("Location") == answer.json()["links"][0]["href"]


@pytest.mark.parametrize("row", read_rows(), ids=lambda row: row[0])
def test_each_person_gets_the_reply_of_the_table(school, row):  # pylint: disable=redefined-outer-name
    request, body, success, least = row
    for who in PEOPLE:
        may = PEOPLE.index(who) >= PEOPLE.index(least)
        changes = may and not request.startswith("GET")
        things = school.things() if changes else school.shared
        answer = send(school, request, body, who, things)
        assert answer.header("Access-Control-Allow-Origin") == "*"
        if may:
            expect_success(answer, success)
        else:
            expect_refusal(answer, request)
        if changes:  # so that the next person finds the names free
            school.ask("DELETE", f"/api/environments/{things['e']}", "admin")
            if request == "POST /api/environments":
                assert school.ask("DELETE", f"/api/environments/{answer.json()['id']}", who).status == 204
