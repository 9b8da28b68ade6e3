# SPDX-License-Identifier: Apache-2.0
"""A course of the Redu API on a server of support/server.py: its people, its space, and requests in the words of the API."""
import json

from server import form, request

HOST = "www.redu.com.br"
SETS = ("hosts.www.redu.com.br=redu", "hosts.redu.com.br=redu")
ROLES = {"member": "member", "tutor": "tutor", "teacher": "teacher", "admin": "environment_admin"}
BOUNDARY = ("Content-Type", "multipart/form-data; boundary=b0und")


def content_part(name, data, type_="text/plain", disposition=None):
    """The part that carries the file. disposition: replaces what stands behind the name of the field."""
    given = disposition if disposition is not None else b'; filename="' + name.encode() + b'"'
    head = b'Content-Disposition: form-data; name="file[content]"' + given
    return (head + b"\r\nContent-Type: " + type_.encode() if type_ else head), data


class School:
    """`people`: whose tokens there are, in self.tokens; "stranger" is enrolled nowhere, and nobody has the token None."""

    def __init__(self, server, people=("admin", "teacher", "tutor", "member", "stranger")):
        self.server, self.tokens, self.ids = server, {None: None}, {}
        for login in people:
            server.user(login, "--name", login.title() + " Souza", "--email", login + "@example.org")
            self.tokens[login] = server.key(login, "redu")["access_token"]
        self.environment = self.make("/api/environments", "environment",
                                     {"name": "Universidade", "path": "ufxx", "initials": "UF"})["id"]
        self.course = self.make("/api/environments/ufxx/courses", "course", {"name": "Engenharia", "path": "engenharia"})["id"]
        for login in people:
            if login not in ("admin", "stranger"):
                self.enrol(login, ROLES[login])
        self.space = self.make("/api/courses/engenharia/spaces", "space", {"name": "Cálculo I"})["id"]
        self.root = self.get(f"/api/spaces/{self.space}/folders", "admin")[0]["id"]

    def enrol(self, login, role, course="engenharia"):
        id_ = self.make(f"/api/courses/{course}/enrollments", "enrollment", {"email": login + "@example.org"})["id"]
        self.ids[login] = id_
        answer = self.ask("PUT", f"/api/enrollments/{id_}", "admin", {"enrollment": {"state": "approved", "role": role}})
        assert answer.status == 204, answer
        return id_

    # ── requests

    def headers(self, who, *more):
        token = self.tokens[who]
        return ([("Authorization", "OAuth " + token)] if token else []) + list(more)

    def ask(self, method, path, who=None, body=None, headers=(), client=None, host=HOST):
        """body: bytes, or what becomes JSON."""
        more = list(headers)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            more.append(("Content-Type", "application/json"))
        return (client or self.server).ask(method, path, self.headers(who, *more), body, host)

    def get(self, path, who="member"):
        answer = self.ask("GET", path, who)
        assert answer.status == 200, answer
        return answer.json()

    def make(self, path, wrapper, members, who="admin"):
        answer = self.ask("POST", path, who, {wrapper: members})
        assert answer.status == 201, answer
        return answer.json()

    def folder(self, name, parent=None, who="tutor", client=None):
        answer = self.ask("POST", f"/api/folders/{parent or self.root}/folders", who, {"folder": {"name": name}}, client=client)
        assert answer.status == 201, answer
        return answer.json()["id"]

    def upload(self, *parts, folder=None, who="tutor", headers=(), client=None):
        """Sends the parts as a form and returns the reply."""
        return self.ask("POST", f"/api/folders/{folder or self.root}/files", who, form(*parts), [BOUNDARY, *headers], client)

    def file(self, name, data, folder=None, type_="text/plain", client=None):
        answer = self.upload(content_part(name, data, type_), folder=folder, client=client)
        assert answer.status == 201, answer
        return answer.json()

    def upload_head(self, folder, length, who="tutor", *more):
        """The head of an upload, whose body the caller sends."""
        return request("POST", f"/api/folders/{folder}/files",
                       self.headers(who, BOUNDARY, ("Content-Length", str(length)), *more), host=HOST)

    def follow(self, url, method="GET", headers=(), client=None):
        """A request without a token, as the link says."""
        scheme, _, rest = url.partition("://")
        host, slash, path = rest.partition("/")
        assert scheme == "http", url
        return (client or self.server).ask(method, slash + path, headers, host=host)


def link(record, rel):
    href, = [l["href"] for l in record["links"] if l["rel"] == rel]
    return href
