# SPDX-License-Identifier: Apache-2.0
"""The commands for courses, beside a server and without one."""
import json
import threading

import pytest
from server import Server


def make_course(server, token):
    def post(path, body):
        answer = server.ask("POST", path, [("Authorization", f"OAuth {token}"), ("Content-Type", "application/json")],
                            json.dumps(body).encode())
        assert answer.status == 201, answer
        return answer.json()
    post("/api/environments", {"environment": {"name": "UFXX", "path": "ufxx", "initials": "UF"}})
    course = post("/api/environments/ufxx/courses", {"course": {"name": "Engenharia", "path": "engenharia"}})
    space = post("/api/courses/engenharia/spaces", {"space": {"name": "Cálculo"}})
    root = server.ask("GET", f"/api/spaces/{space['id']}/folders", [("Authorization", f"OAuth {token}")]).json()[0]
    return course["id"], root["id"]


def upload(server, token, folder, name, data):
    body = (b'--b\r\nContent-Disposition: form-data; name="file[content]"; filename="' + name.encode() +
            b'"\r\n\r\n' + data + b"\r\n--b--\r\n")
    return server.ask("POST", f"/api/folders/{folder}/files", [("Authorization", f"OAuth {token}"),
                                                             ("Content-Type", "multipart/form-data; boundary=b")], body)


@pytest.mark.parametrize("beside", (True, False), ids=("beside a server", "without one"))
def test_a_course_is_limited_and_people_are_enrolled(tmp_path, beside):
    server = Server(tmp_path)
    with server:
        owner, other = server.user(), server.user()
        token, tutor = (server.cais_json("key", "add", login, "--for", "redu")[0]["access_token"] for login in (owner, other))
        course, root = make_course(server, token)
        if not beside:
            server.stop()
        server.cais("course", "limit", str(course), "1K")
        server.cais("course", "enrol", str(course), other, "--role", "tutor")
        listed = server.cais_json("course", "list")
        assert [(c["id"], c["path"], c["used_bytes"], c["max_bytes"]) for c in listed] == [(course, "engenharia", 0, 1024)]
        if not beside:
            server.start()
        assert upload(server, tutor, root, "a", b"x" * 1000).status == 201
        full = upload(server, tutor, root, "b", b"x" * 25)
        assert (full.status, full.json()) == (422, {"base": ["cota de arquivos do curso excedida"]})
        assert upload(server, tutor, root, "b", b"x" * 24).status == 201
        assert server.cais_json("course", "list")[0]["used_bytes"] == 1024
        assert "  1.0 KiB  1.0 KiB\n" in server.cais("course", "list").stdout
        server.cais("course", "enrol", str(course), other)
        assert upload(server, tutor, root, "c", b"").status == 401
        assert "clean" in server.cais("fsck").stdout


def test_uploads_at_once_do_not_exceed_the_limit_of_their_course(tmp_path):
    with Server(tmp_path) as server:
        token = server.cais_json("key", "add", server.user(), "--for", "redu")[0]["access_token"]
        course, root = make_course(server, token)
        server.cais("course", "limit", str(course), "1000")
        said = []

        def upload_some(who):
            for n in range(5):
                said.append(upload(server, token, root, f"{who}-{n}", b"x" * 100).status)
        threads = [threading.Thread(target=upload_some, args=(who,)) for who in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(said) == [201] * 10 + [422] * 20
        assert server.cais_json("course", "list")[0]["used_bytes"] == 1000
        assert "clean" in server.cais("fsck").stdout
