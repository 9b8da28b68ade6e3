# SPDX-License-Identifier: Apache-2.0
"""File names in forms, as Node, JavaMail and browsers write them, sent to each API that takes files in forms. The APIs share one
parser (src/http/multipart.c), and what each makes of a name shows here."""
import itertools
import json
import os

import pytest

import redu
from datasnap import Tenant
from datasnap import SETS as DATASNAP_SETS
from s3 import NODE_FOLDER, S3Server, node, run
from server import bearer

APIS = ("pyrus", "redu", "datasnap", "s3")
NODE_NAMES = {"a\u0001b\u001b\u007f.txt": "ab.txt", "report\\": "file", "dir\\report\\": "file", "a\tb.txt": "ab.txt",
              "C:\\new\\a.txt": "a.txt"}
# The head of a part as it comes, with FIELD for the name of the field, and the name of the file.
HEADS = {
    "JavaMail, two lines": (b'form-data; name="FIELD"; \r\n\tfilename="a.txt"', "a.txt"),
    "JavaMail, a long name with blanks": (b'form-data; name="FIELD"; \r\n\tfilename="b long\r\n name.txt"', "b long name.txt"),
    "JavaMail, a name in pieces": (b'form-data; name="FIELD"; \r\n\tfilename*0="c first, "; \r\n\tfilename*1="second.txt"',
                                   "c first, second.txt"),
    "JavaMail, not ASCII": (b"form-data; name=FIELD; \r\n\tfilename*=UTF-8''d%D1%82.txt", "dт.txt"),
    "Firefox 89, quotes and a backslash": (b'form-data; name="FIELD"; filename="x\\"y\\"', "file"),
    ".NET": (b"form-data; name=FIELD; filename=\"=?utf-8?B?ZdGCLnR4dA==?=\"; filename*=utf-8''e%D1%82.txt", "eт.txt"),
    "a control character without quotes": (b"form-data; name=FIELD; filename=f\x01.txt", "f.txt"),
}


class Forms:
    """A server with an account on each of the APIs."""

    def __init__(self, server):
        self.server = server
        self.pyrus = server.pyrus()
        self.school = redu.School(server, people=("admin", "tutor"))
        self.tenant = Tenant(server)
        self.tenant.schema("vendas")
        self.bucket = server.bucket("forms")
        self.count = itertools.count()

    def target(self, api):
        """(path, headers, fields before the file, field of the file) of a place where no file of any name is yet."""
        n = next(self.count)
        if api == "pyrus":
            return "/v4/files/upload", bearer(self.pyrus), [], "file"
        if api == "redu":
            folder = self.school.folder(f"f{n}")
            return f"/api/folders/{folder}/files", self.school.headers("tutor"), [], "file[content]"
        if api == "datasnap":
            return "/api/v1/schemas/vendas/files", bearer(self.tenant.key["token"]), [], "files[]"
        signed = self.server.boto().generate_presigned_post(self.bucket, f"{n}/${{filename}}", {"success_action_status": "201"},
                                                            [{"success_action_status": "201"}])
        return "/" + self.bucket, [], list(signed["fields"].items()), "file"

    def stored_name(self, api, status, text):
        """The name of the file that this reply is about."""
        assert status in (200, 201), text
        if api == "pyrus":
            guid = json.loads(text)["guid"]
            return next(f["name"] for f in self.server.files() if f["id"] == guid)
        if api == "redu":
            return json.loads(text)["name"]
        if api == "datasnap":
            uploaded, = json.loads(text)["uploaded"]
            return uploaded["file_name"]
        key = text.split("<Key>")[1].split("</Key>")[0]
        assert key in self.server.keys(self.bucket)
        return key.partition("/")[2]


@pytest.fixture(scope="module")
def forms(tmp_path_factory):
    sets = ["pyrus.rate_limit=0", *DATASNAP_SETS, *redu.SETS]
    with S3Server(tmp_path_factory.mktemp("forms"), sets=sets) as server:
        yield Forms(server)


def row(n):
    return b'{"id":%d,"produto":"x"}\n' % n


def expected(api, name):
    """S3 puts the rest of a path into the key, also when nothing is left of it."""
    return "" if (api, name) == ("s3", "file") else name


@pytest.fixture(scope="module")
def node_replies(forms):
    wanted = [(api, writer, name) for api in APIS for writer in ("fetch", "axios") for name in NODE_NAMES]
    sent = []
    for i, (api, writer, name) in enumerate(wanted):
        path, headers, fields, field = forms.target(api)
        sent.append({"writer": writer, "url": forms.server.shared_url + path, "headers": dict(headers), "fields": fields, "field": field,
                     "name": name, "data": row(i).decode()})
    done = run(node(), os.path.join(NODE_FOLDER, "form_names.mjs"), env=forms.server.environment(CAIS_FORMS=json.dumps(sent)))
    return dict(zip(wanted, map(json.loads, done.stdout.splitlines())))


@pytest.mark.parametrize("name", NODE_NAMES)
@pytest.mark.parametrize("writer", ["fetch", "axios"])
@pytest.mark.parametrize("api", APIS)
def test_a_name_as_node_writes_it_cost_the_whole_upload(forms, node_replies, api, writer, name):
    reply = node_replies[api, writer, name]
    assert forms.stored_name(api, reply["status"], reply["text"]) == expected(api, NODE_NAMES[name])


@pytest.mark.parametrize("what", HEADS)
@pytest.mark.parametrize("api", APIS)
def test_a_head_as_java_and_dotnet_write_it_cost_the_whole_upload(forms, api, what):
    disposition, name = HEADS[what]
    path, headers, fields, field = forms.target(api)
    parts = [(b'Content-Disposition: form-data; name="%s"' % n.encode(), v.encode()) for n, v in fields]
    parts.append((b"Content-Type: text/plain;\r\n charset=us-ascii\r\nContent-Disposition: " + disposition.replace(b"FIELD", field.encode()),
                  row(1000 + list(HEADS).index(what))))
    answer = forms.server.ask("POST", path, [*headers, redu.BOUNDARY], redu.form(*parts))
    assert forms.stored_name(api, answer.status, answer.body.decode()) == expected(api, name)


def test_a_field_with_a_control_character_in_its_name_is_not_the_field_without_it(forms):
    """Otherwise a name that a proxy looks for would be hidden from it."""
    path, headers, fields, _ = forms.target("s3")
    parts = [(b'Content-Disposition: form-data; name="%s"' % n.encode(), v.encode()) for n, v in fields]
    file = (b'Content-Disposition: form-data; name="file"; filename="a"', b"x")
    other = (b'Content-Disposition: form-data; name="acl\x01"', b"private")
    answer = forms.server.ask("POST", path, [*headers, redu.BOUNDARY], redu.form(*parts, other, file))
    assert (answer.status, b"<Code>AccessDenied</Code>" in answer.body) == (403, True), answer
    path, headers, _, _ = forms.target("redu")
    part = (b'Content-Disposition: form-data; name="file[content]\x01"; filename="a"', b"x")
    assert forms.server.ask("POST", path, [*headers, redu.BOUNDARY], redu.form(part)).status == 422
