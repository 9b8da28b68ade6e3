# SPDX-License-Identifier: Apache-2.0
"""The Redu API over real sockets, with plain HTTP and the vendor's host names: what its clients send, links of files, and requests that
arrive at the same time."""
import os
import re
import select
import threading
import time
import urllib.parse

import pytest

from redu import BOUNDARY, HOST, SETS, School, content_part, link
from server import BINARY, Server, file_part, form, in_threads, request, wait_for

CLOCKED = os.path.join(os.path.dirname(os.path.realpath(BINARY)), "tests", "support", "cais-clocked")
JSON = "application/json; charset=utf-8"
SCRIPTS = {"latin": "a", "accented": "é", "cyrillic": "я", "chinese": "文"}
ODD_NAMES = ["'; DROP TABLE folders; --", "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "%_", "a&b=c#d?e", "100%41",
             "${7*7}{{7*7}}", "\u202egpj.exe", "👩‍🏫"]


@pytest.fixture(scope="module")
def school(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("redu"), sets=SETS) as server:
        yield School(server)


@pytest.fixture
def folder(school, request):  # pylint: disable=redefined-outer-name
    """A folder for this test alone."""
    return school.folder(request.node.name)


def blobs(school):
    return sorted(name for _, _, names in os.walk(os.path.join(school.server.data, "blobs")) for name in names)


def expect_unauthorized(answer, action):
    assert (answer.status, answer.json()) == (401, {"message": "not authorized", "action": action}), answer


# ── hosts, paths, formats


def readable_paths(school, folder):
    file = school.file("readable.txt", b"hello", folder)
    enrolment = school.ids["member"]
    return ["/api/me", "/api/users/member", "/api/users/member/enrollments", "/api/users/member/spaces", "/api/environments",
            "/api/environments/ufxx", "/api/environments/ufxx/courses", "/api/courses/engenharia", "/api/courses/engenharia/spaces",
            "/api/courses/engenharia/users", "/api/courses/engenharia/enrollments", f"/api/enrollments/{enrolment}",
            f"/api/spaces/{school.space}", f"/api/spaces/{school.space}/users", f"/api/spaces/{school.space}/folders",
            f"/api/spaces/{school.space}/subjects", f"/api/spaces/{school.space}/statuses/timeline", "/api/users/member/contacts",
            f"/api/folders/{folder}", f"/api/folders/{folder}/folders", f"/api/folders/{folder}/files", f"/api/files/{file['id']}"]


def without_links(text):
    """The signature of a link depends on the second."""
    return re.sub(rb'"href":"[^"]*X-Amz-[^"]*"', b'"href":""', text)


def test_every_path_may_have_a_slash_or_json_at_its_end(school, folder):
    for path in readable_paths(school, folder):
        plain = school.ask("GET", path, "member")
        assert plain.status == 200, (path, plain)
        for more in ("/", ".json"):
            answer = school.ask("GET", path + more, "member")
            assert (answer.status, without_links(answer.body)) == (200, without_links(plain.body)), path + more
    made = school.ask("POST", f"/api/folders/{folder}/folders/", "tutor", {"folder": {"name": "x"}})
    assert made.status == 201
    path = f"/api/folders/{made.json()['id']}.json"
    assert school.ask("PUT", path, "tutor", {"folder": {"name": "y"}}).status == 204
    assert school.ask("DELETE", path, "tutor").status == 204
    assert school.ask("POST", f"/api/folders/{folder}/files.json", "tutor", form(content_part("a", b"1")), [BOUNDARY]).status == 201


def test_head_has_the_headers_of_get_and_no_body(school, folder):
    varying = {"date", "x-request-id"}
    for path in readable_paths(school, folder):
        with school.server.connect() as client:
            head = school.ask("HEAD", path, "member", client=client)
            get = school.ask("GET", path, "member", client=client)  # on the same connection: HEAD had no body
        assert head.status == get.status == 200, path
        named = [[(n.lower(), v) for n, v in a.headers if n.lower() not in varying] for a in (head, get)]
        assert named[0] == named[1], path
    assert school.ask("HEAD", "/api/folders/999999", "member").status == 404
    assert school.ask("HEAD", f"/api/folders/{folder}").status == 401


def test_requests_without_a_body_may_have_one(school, folder):
    for path in readable_paths(school, folder):
        with school.server.connect() as client:
            for body in ({}, b"", b"{", b"x" * 3000):
                answer = school.ask("GET", path, "member", body, client=client)
                assert answer.status == 200, (path, body, answer)
    id_ = school.folder("x", folder)
    file = school.file("x", b"1", folder)["id"]
    for path in (f"/api/files/{file}", f"/api/folders/{id_}"):
        assert school.ask("DELETE", path, "tutor", {}).status == 204
        assert school.ask("GET", path, "tutor", {}).status == 404


def test_replies_are_json_whatever_accept_says(school, folder):
    for accept in ("text/html, image/gif, image/jpeg, */*; q=0.2", "application/xml", "", "*/*;q=0", "application/json;q=nonsense"):
        for path, who, status in ((f"/api/folders/{folder}", "member", 200), (f"/api/folders/{folder}/files", "member", 200),
                                  (f"/api/folders/{folder}", None, 401)):
            answer = school.ask("GET", path, who, headers=[("Accept", accept), ("Accept-Charset", "ISO-8859-1")])
            assert (answer.status, answer.header("Content-Type")) == (status, JSON), (accept, answer)
    refused = school.ask("POST", f"/api/folders/{folder}/folders", "tutor", {}, [("Accept", "text/html")])
    assert (refused.status, refused.header("Content-Type")) == (422, JSON)


def test_a_connection_ends_when_the_client_says_so(school, folder):
    close = [("Connection", "close")]
    for method, body, status in (("GET", None, 200), ("POST", {"folder": {"name": "closing"}}, 201), ("POST", {}, 422)):
        path = f"/api/folders/{folder}/folders"
        with school.server.connect() as client:
            answer = school.ask(method, path, "tutor", body, close, client)
            assert (answer.status, answer.header("Connection")) == (status, "close"), answer
            assert client.is_closed()
    with school.server.connect() as client:
        assert school.upload(content_part("closing", b"1"), folder=folder, headers=close, client=client).status == 201
        assert client.is_closed()


def test_both_hosts_serve_the_same_with_links_to_themselves(school, folder):
    school.file("a", b"1", folder)
    for host in (HOST, "redu.com.br", HOST.upper()):
        answer = school.ask("GET", f"/api/folders/{folder}/files", "member", host=host)
        file, = answer.json()
        assert {urllib.parse.urlsplit(l["href"]).netloc for l in file["links"]} == {host}
        assert all(l["href"].startswith("http://") for l in file["links"])
        assert school.follow(link(file, "raw")).body == b"1"
    answer = school.ask("GET", f"/api/folders/{folder}", "member", host="attacker.example")
    assert answer.status == 200 and b"attacker" not in answer.body


def test_forms_with_brackets_and_json_do_the_same(school, folder):
    kind = [("content-TYPE", "application/x-www-form-urlencoded")]

    def send(method, path, text, status, who="tutor"):
        answer = school.ask(method, path, who, text.encode(), kind)
        assert answer.status == status, (text, answer)
        return answer.json() if answer.body else None
    path = f"/api/folders/{folder}/folders"
    made = send("POST", path, "folder[name]=Listas+e+provas&folder[x]=1&y=2", 201)
    assert made["name"] == "Listas e provas"
    assert send("POST", path, "folder%5Bname%5D=%C3%81lgebra", 201)["name"] == "Álgebra"
    assert send("POST", path, "folder%5bname%5d=%c3%81LGEBRA", 422) == {"name": ["já existente."]}
    send("PUT", f"/api/folders/{made['id']}", "folder[name]=Outro", 204)
    assert school.get(f"/api/folders/{made['id']}")["name"] == "Outro"
    assert send("POST", path, "name=x", 422) == {"name": ["Não pode ser deixado em branco."]}
    space = send("POST", "/api/courses/engenharia/spaces", "space[name]=Por+formul%C3%A1rio", 201, "teacher")
    send("DELETE", f"/api/spaces/{space['id']}", "", 204, "teacher")
    assert school.ask("POST", path, "tutor", {"folder": {"name": "json", "created_at": 1, "id": 7}, "more": []}).status == 201
    assert school.ask("POST", path, "tutor", b"{\"folder\":", [("Content-Type", "application/json")]).status == 400


def test_nulls_are_left_out_but_for_the_role_of_an_enrolment(school, folder):
    for path in readable_paths(school, folder):
        text = school.ask("GET", path, "member").body.decode()
        assert ":null" not in text.replace('"role":null', ""), path
    invited = school.make("/api/courses/engenharia/enrollments", "enrollment", {"email": "nulls@example.org"})
    assert invited["role"] is None and "user" not in [l["rel"] for l in invited["links"]]


def test_times_have_the_offset_of_the_configuration(tmp_path):
    with Server(tmp_path, sets=(*SETS, "redu.time_zone=+05:30")) as server:
        school = School(server, ("admin",))
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+05:30", school.get(f"/api/folders/{school.root}", "admin")["created_at"])


def test_an_invalid_configuration_prevents_the_start(tmp_path):
    for setting, said in (("redu.time_zone=Brasilia", "not an offset such as -03:00"), ("redu.mime_types=", "redu.mime_types"),
                          ("redu.bucket=a/b", "no name for a bucket"), ("redu.region=", "no name for a bucket")):
        server = Server(tmp_path, sets=[setting], start=False)
        with pytest.raises(AssertionError):
            server.start()
        assert said in server.log(), (setting, server.log())


# ── representations

SHAPES = {  # §5.4: members, and the rels of the links
    "/api/spaces/{space}": ("id name created_at updated_at",
                            "self course environment users subjects statuses timeline folders canvas"),
    "/api/courses/engenharia": ("id name created_at updated_at workload path", "self spaces environment enrollments"),
    "/api/environments/ufxx": ("id name created_at updated_at path initials courses_count thumbnails", "self courses user"),
    "/api/users/member": ("id login email first_name last_name friends_count created_at updated_at interested_areas social_networks"
                          " thumbnails", "self enrollments statuses timeline contacts chats connections"),
    "/api/enrollments/{enrolment}": ("id state role created_at updated_at", "self course environment user"),
}


def test_the_structure_has_its_members_and_links_that_work(school):
    for path, (members, rels) in SHAPES.items():
        record = school.get(path.format(space=school.space, enrolment=school.ids["member"]))
        assert sorted(record) == sorted(members.split() + ["links"]), path
        assert [l["rel"] for l in record["links"]] == rels.split(), path
        for one in record["links"]:
            assert sorted(one) == ["href", "rel"] and one["href"].startswith("http://" + HOST + "/api/")
            answer = school.ask("GET", one["href"][len("http://" + HOST):], "member")
            assert answer.status == 200, (one, answer)
            if one["rel"] in ("subjects", "statuses", "timeline", "canvas", "contacts", "chats", "connections"):
                assert answer.body == b"[]"
                assert school.ask("GET", one["href"][len("http://" + HOST):], "stranger").status == 401


def test_texts_that_were_given_are_members(school):
    environment = school.make("/api/environments", "environment",
                              {"name": "Outra", "path": "outra", "initials": "O", "description": "uma"})
    course = school.make("/api/environments/outra/courses", "course",
                         {"name": "C", "path": "c-outra", "description": "duas", "workload": 60})
    space = school.make("/api/courses/c-outra/spaces", "space", {"name": "S", "description": "três"})
    assert (environment["description"], course["description"], course["workload"], space["description"]) == ("uma", "duas", 60, "três")
    assert school.ask("PUT", "/api/courses/c-outra", "admin", {"course": {"workload": 40}}).status == 204
    changed = school.get("/api/courses/c-outra", "admin")
    assert (changed["name"], changed["workload"]) == ("C", 40)
    assert school.ask("DELETE", "/api/environments/outra", "admin").status == 204
    for path in ("/api/environments/outra", "/api/courses/c-outra", f"/api/spaces/{space['id']}", f"/api/spaces/{space['id']}/folders"):
        assert school.ask("GET", path, "admin").status == 404


def test_paths_name_records_by_id_or_by_path_and_login(school):
    for by_name, by_id in (("/api/courses/engenharia", f"/api/courses/{school.course}"),
                           ("/api/environments/UFXX", f"/api/environments/{school.environment}"),
                           ("/api/users/member", f"/api/users/{school.get('/api/me')['id']}")):
        assert school.get(by_name) == school.get(by_id)


def test_people_are_listed_by_role_and_partially(school):
    for path in ("/api/courses/engenharia/users", f"/api/spaces/{school.space}/users"):
        assert [u["login"] for u in school.get(path)] == ["admin", "teacher", "tutor", "member"]
        assert [u["login"] for u in school.get(path + "?role=tutor")] == ["tutor"]
        assert school.get(path + "?role=king") == []
        assert [sorted(u) for u in school.get(path + "?partial=1&role=member")] == [["first_name", "id", "last_name"]]


def test_names_of_all_kinds_are_kept(school, folder):
    for name in ODD_NAMES:
        id_ = school.folder(name, folder)
        assert school.get(f"/api/folders/{id_}")["name"] == name
        in_it = name.replace("/", "").replace("\"", "%22")  # a base name, as browsers write quotes
        file = school.file(in_it, name.encode(), folder)
        assert file["name"] == name.rpartition("/")[2] or "/" in name, file
        assert school.follow(link(file, "raw")).body == name.encode()
    assert [f["name"] for f in school.get(f"/api/folders/{folder}/folders")] == ODD_NAMES


def test_bodies_that_are_not_utf8_are_400(school, folder):
    for kind, body in (("application/x-www-form-urlencoded", b"folder[name]=caf%E9"),
                       ("application/json", b'{"folder":{"name":"caf\xe9"}}')):
        answer = school.ask("POST", f"/api/folders/{folder}/folders", "tutor", body, [("Content-Type", kind)])
        assert (answer.status, answer.body) == (400, b""), answer


@pytest.mark.parametrize("character", SCRIPTS.values(), ids=SCRIPTS)
def test_names_have_255_characters_and_not_256(school, folder, character):
    name = character * 255
    assert school.get(f"/api/folders/{school.folder(name, folder)}")["name"] == name
    refused = school.ask("POST", f"/api/folders/{folder}/folders", "tutor", {"folder": {"name": name + character}})
    assert (refused.status, refused.json()) == (422, {"name": ["Texto muito longo"]})
    file = school.file(name, b"long", folder)
    assert file["name"] == name and school.follow(link(file, "raw")).body == b"long"
    refused = school.upload(content_part(name + character, b"long"), folder=folder)
    assert (refused.status, refused.json()) == (422, {"attachment_file_name": ["Texto muito longo"]})


# ── uploads


@pytest.mark.parametrize("disposition,name", [
    (b'; filename="a b.pdf"', "a b.pdf"),
    ('; filename="01 introdução.pdf"'.encode(), "01 introdução.pdf"),
    (b'; filename="caf\xe9.txt"', "café.txt"),
    (b"; filename=\"x.txt\"; filename*=UTF-8''n%C3%A3o.txt", "não.txt"),
    (b"; filename*=UTF-8''n%C3%A3o%202.txt; filename=\"x.txt\"", "não 2.txt"),
    (b"; filename*=ISO-8859-1''n%E3o%203.txt", "não 3.txt"),
    (b'; filename="C:\\x\\a.pdf"', "a.pdf"),
    (b'; filename="/home/x/b.pdf"', "b.pdf"),
    (b'; filename="../../etc/passwd"', "passwd"),
    (b'; filename="q\\"uote.txt"', 'q"uote.txt'),
    ('; filename="ctl\x85.txt"'.encode(), "ctl.txt"),
], ids=lambda v: v if isinstance(v, str) else "")
def test_file_names_are_understood(school, folder, disposition, name):
    answer = school.upload(content_part("", b"1", disposition=disposition), folder=folder)
    assert (answer.status, answer.json().get("name")) == (201, name), answer
    segment = urllib.parse.urlsplit(link(answer.json(), "raw")).path.rpartition("/")[2]
    assert urllib.parse.unquote(segment) == name


def test_forms_of_all_kinds_of_framing_are_read(school, folder):
    part = content_part("a", b"--b0und\r\n-x")
    for i, (boundary, before) in enumerate((("-_b-_", b""), ("x", b"preamble\r\n"), ("'()+_,-./:=?", b""), ("b" * 70, b"\r\n"))):
        head = part[0].replace(b'"a"', b'"a%d"' % i) + b"\r\nContent-Transfer-Encoding: binary"
        body = before + form((head, b"data"), (b'Content-Disposition: form-data; name="other"', b"x"), boundary=boundary)
        kind = ("Content-Type", f'multipart/form-data; boundary="{boundary}"; charset=UTF-8')
        answer = school.ask("POST", f"/api/folders/{folder}/files", "tutor", body, [kind])
        assert (answer.status, answer.json().get("byte")) == (201, "4"), answer


def test_continue_is_sent_only_when_token_and_folder_were_checked(school, folder):
    body = form(content_part("a", b"1"))
    for id_, who, status in ((folder, "member", 401), (folder, None, 401), (999999, "tutor", 404), (folder, "tutor", 201)):
        with school.server.connect() as client:
            client.send(school.upload_head(id_, len(body), who, ("Expect", "100-continue")))
            answer = client.answer(interim=True)
            if status == 201:
                assert answer.status == 100
                client.send(body)
                answer = client.answer()
            assert answer.status == status, answer


def test_chunked_uploads_are_stored_and_limited(school, folder):
    body = form(content_part("chunked", b"x" * 50000))
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (body[i:i + 7777] for i in range(0, len(body), 7777))) + b"0\r\n\r\n"
    head = request("POST", f"/api/folders/{folder}/files",
                   school.headers("tutor", BOUNDARY, ("Transfer-Encoding", "chunked")), host=HOST)
    with school.server.connect() as client:
        client.send(head + chunks)
        answer = client.answer()
        assert (answer.status, answer.json()["byte"]) == (201, "50000"), answer
        assert school.ask("GET", "/api/me", "tutor", client=client).status == 200
    with school.server.connect() as client:  # more than the transport allows, whose length nobody knew
        client.send(head + b"%x\r\n" % (102 << 20) + form(content_part("large", b""), close=False))
        while client.send(b"x" * (1 << 20)):
            if select_readable(client):
                break
        answer = client.answer()
        assert (answer.status, answer.json()) == (413, {"attachment_file_size": ["must be between 0 and 104857600 bytes"]})
        assert answer.header("Connection") == "close"


def select_readable(client):
    return select.select([client.sock], [], [], 0)[0]


def test_a_body_that_is_cut_is_400_and_stores_nothing(school, folder):
    before = blobs(school)
    for body in (form(content_part("cut", b"x" * 100000)), form(content_part("cut", b"x")), b"", b"--b0und"):
        with school.server.connect() as client:
            client.send(school.upload_head(folder, len(body) + 1) + body)
            client.half_close()
            answer = client.answer()
            assert (answer.status, answer.body) == (400, b""), answer
    for body in (form(content_part("cut", b"x"), close=False), b"--b0und\r\nnonsense"):  # all of the length, and no end
        answer = school.ask("POST", f"/api/folders/{folder}/files", "tutor", body, [BOUNDARY])
        assert (answer.status, answer.body) == (400, b""), answer
    client = school.server.connect()  # a client that goes away
    client.send(school.upload_head(folder, 300000) + form(content_part("cut", b"x" * 200000), close=False))
    client.close()
    wait_for("the upload to be discarded", lambda: school.server.metrics()["cais_http_connections"] <= 1)
    assert school.get(f"/api/folders/{folder}/files") == []
    assert blobs(school) == before
    assert school.file("cut", b"x", folder)["name"] == "cut"


def test_100_mebibytes_are_stored_and_one_byte_more_leaves_nothing(school, folder):
    before = blobs(school)
    data = os.urandom(1 << 20) * 100
    answer = school.upload(content_part("large", data + b"x"), folder=folder)
    assert (answer.status, answer.json()) == (422, {"attachment_file_size": ["must be between 0 and 104857600 bytes"]})
    assert blobs(school) == before
    file = school.file("large", data, folder)
    assert (file["size"], file["byte"]) == ("100,00 MB", "104857600") and len(blobs(school)) == len(before) + 1
    assert school.follow(link(file, "raw"), headers=[("Range", "bytes=-5")]).body == data[-5:]


def test_a_full_account_takes_nothing_and_lets_go(tmp_path):
    full = {"base": ["cota da conta excedida"]}
    with Server(tmp_path, sets=SETS) as server:
        school = School(server, ("admin",))
        file = school.upload(content_part("a", b"x" * 100000), who="admin").json()
        server.cais("account", "limit", "default", "--max-bytes", "150000")
        refused = school.upload(content_part("b", b"x" * 100000), who="admin")
        assert (refused.status, refused.json()) == (422, full) and len(blobs(school)) == 1
        server.cais("account", "limit", "default", "--max-bytes", "1")
        refused = school.ask("POST", f"/api/folders/{school.root}/folders", "admin", {"folder": {"name": "x"}})
        assert (refused.status, refused.json()) == (422, full)
        assert school.ask("DELETE", f"/api/files/{file['id']}", "admin").status == 204


# ── links of files


def test_a_raw_link_serves_ranges_head_and_the_type(school, folder):
    data = bytes(range(256)) * 400
    file = school.file("a ã.bin", data, folder, "image/x-nothing")
    raw = link(file, "raw")
    assert re.fullmatch(rf"http://{HOST}/redu_files/myfiles/attachments/{file['id']}/original/a%20%C3%A3\.bin\?.+", raw)
    whole = school.follow(raw)
    assert (whole.status, whole.body, whole.header("Content-Length")) == (200, data, "102400")
    assert whole.header("Content-Type") == "image/x-nothing"
    assert whole.header("Content-Disposition") == "inline; filename*=UTF-8''a%20%C3%A3.bin"
    head = school.follow(raw, "HEAD")
    assert (head.status, head.body, head.header("Content-Length")) == (200, b"", "102400")
    part = school.follow(raw, headers=[("Range", "bytes=1000-1003")])
    assert (part.status, part.body, part.header("Content-Range")) == (206, data[1000:1004], "bytes 1000-1003/102400")
    assert school.follow(raw, headers=[("Range", "bytes=102400-")]).status == 416
    assert school.follow(link(school.file("untyped", b"1", folder, ""), "raw")).header("Content-Type") == "application/octet-stream"
    assert school.follow(link(school.file("empty", b"", folder), "raw")).body == b""
    for changed in (raw.replace("a%20", "b%20"), raw.replace("attachments/", "attachments/1"), raw[:-1] + "01"[raw[-1] == "0"],
                    raw.replace("X-Amz-Expires=900", "X-Amz-Expires=90000"), raw.replace("inline", "attachment"),
                    raw.partition("?")[0]):
        answer = school.follow(changed)
        assert (answer.status, answer.header("Content-Type")) == (403, "application/xml") and b"<Error>" in answer.body, changed
    assert school.follow(raw, "DELETE").status == school.follow(raw, "PUT").status == 403
    assert school.follow(raw).body == data


@pytest.mark.parametrize("type_,text", [("text/html", b"<script>fetch('/api/me')</script>"),
                                        ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
                                        ("", b"<html><script>alert(1)</script>")])
def test_a_raw_link_of_a_page_runs_no_script(school, folder, type_, text):
    answer = school.follow(link(school.file("page", text, folder, type_), "raw"))
    assert (answer.status, answer.body) == (200, text)
    assert answer.header("X-Content-Type-Options") == "nosniff" and answer.header("Content-Security-Policy") == "sandbox"


def test_a_raw_link_of_a_removed_file_is_404(school, folder):
    inner = school.folder("inner", folder)
    links = [link(school.file("a", b"1", at), "raw") for at in (folder, inner)]
    assert school.ask("DELETE", f"/api/files/{school.get(f'/api/folders/{folder}/files')[0]['id']}", "tutor").status == 204
    assert school.ask("DELETE", f"/api/folders/{inner}", "tutor").status == 204
    for raw in links:
        answer = school.follow(raw)
        assert (answer.status, answer.header("Content-Type")) == (404, "application/xml") and b"<Error>" in answer.body


def test_a_link_to_a_removed_document_of_runrun_reads_no_file_of_a_folder(tmp_path):
    with Server(tmp_path, sets=SETS) as server:
        school = School(server, ("admin",))
        answer = school.upload(content_part("a.txt", b"of the course"), who="admin")
        assert answer.json()["id"] == 1  # as the account of the document below, which stands in its key
        key = server.key(server.user(), "runrun")
        headers = [("App-Key", key["app_key"]), ("User-Token", key["user_token"]), ("Content-Type", "application/json")]
        document = b'{"data_file_name": "a.txt", "data_file_size": 1}'
        made = server.ask("POST", "/api/v1.0/documents", headers, document).json()
        assert made["fields"]["key"] == f"data/enterprise/1/{made['id']}/a.txt"
        fields = [(f'Content-Disposition: form-data; name="{n}"'.encode(), v.encode()) for n, v in made["fields"].items()]
        assert server.ask("POST", urllib.parse.urlsplit(made["upload_url"]).path, [BOUNDARY],
                          form(*fields, file_part("f", b"x"))).status == 201
        path = f"/api/v1.0/documents/{made['id']}"
        assert server.ask("POST", path + "/mark_as_uploaded", headers).status == 200
        location = server.ask("GET", path + "/download", headers).header("Location")
        assert school.follow(location).body == b"x"
        assert server.ask("DELETE", path, headers).status == 204
        assert school.follow(location).status == 404


def test_a_raw_link_ends_with_the_user_it_was_made_for(school, folder):
    login = "passing"
    school.server.user(login, "--email", login + "@example.org")
    school.tokens[login] = school.server.key(login, "redu")["access_token"]
    school.enrol(login, "member")
    file = school.file("a", b"1", folder)
    raw = link(school.get(f"/api/files/{file['id']}", login), "raw")
    assert school.follow(raw).status == 200
    school.server.cais("user", "disable", login)
    assert school.follow(raw).status == 403 and school.follow(link(file, "raw")).status == 200
    assert school.ask("GET", f"/api/folders/{folder}", login).status == 401


def test_a_raw_link_ends_after_15_minutes_but_not_a_transfer_under_way(tmp_path, monkeypatch):
    def set_clock(ahead_ms):
        (tmp_path / "clock.new").write_text(str(ahead_ms))
        os.rename(tmp_path / "clock.new", tmp_path / "clock")
    set_clock(0)
    monkeypatch.setenv("CAIS_TEST_CLOCK_FILE", str(tmp_path / "clock"))
    data = os.urandom(32 << 20)
    with Server(tmp_path, binary=CLOCKED, sets=(*SETS, "http.send_rate_bytes=0")) as server:
        school = School(server, ("admin",))
        file = school.upload(content_part("large.bin", data), who="admin").json()
        raw = link(file, "raw")
        set_clock(15 * 60000 - 10000)
        with server.connect() as client:
            client.send(request("GET", raw[len("http://" + HOST):], host=HOST))
            status, _ = client.head()
            assert status == 200
            set_clock(15 * 60000 + 10000)
            answer = school.follow(raw)
            assert (answer.status, answer.header("Content-Type")) == (403, "application/xml"), answer
            assert client._exactly(len(data)) == data  # pylint: disable=protected-access
        assert school.follow(link(school.get(f"/api/files/{file['id']}", "admin"), "raw"), "HEAD").status == 200  # a new one


# ── at the same time


def at_once(count, work):
    """work(i) in threads that all begin together."""
    barrier = threading.Barrier(count)

    def begin(i):
        barrier.wait()
        return work(i)
    return in_threads(count, begin)


def test_of_uploads_of_one_name_one_is_stored(school, folder):
    for number in range(10):
        names = [f"Prova {number}.pdf", f"PROVA {number}.PDF"]
        size = 20 if number % 2 else 200000
        answers = at_once(4, lambda i: school.upload(content_part(names[i % 2], b"%d" % i * size), folder=folder))
        assert sorted(a.status for a in answers) == [201, 422, 422, 422]
        assert all(a.json() == {"attachment_file_name": ["já existente."]} for a in answers if a.status == 422)
    listed = school.get(f"/api/folders/{folder}/files")
    assert len(listed) == 10
    for file in listed:
        assert len(school.follow(link(file, "raw")).body) == int(file["byte"])


def test_of_two_who_give_folders_one_name_one_succeeds(school, folder):
    for number in range(10):
        two = [school.folder(f"{number}{side}", folder) for side in "ab"]
        answers = at_once(2, lambda i: school.ask("PUT", f"/api/folders/{two[i]}", "tutor", {"folder": {"name": f"Nome {number}"}}))
        assert sorted(a.status for a in answers) == [204, 422]
        assert [a.json() for a in answers if a.status == 422] == [{"name": ["já existente."]}]
    answers = at_once(4, lambda i: school.ask("POST", f"/api/folders/{folder}/folders", "tutor", {"folder": {"name": "novo"}}))
    assert sorted(a.status for a in answers) == [201, 422, 422, 422]


@pytest.mark.parametrize("size", [100, 100000])
def test_an_upload_into_a_folder_that_is_removed_meanwhile_is_404(school, folder, size):
    inner = school.folder("inner", school.folder("outer", folder))
    outer = school.get(f"/api/folders/{folder}/folders")[0]["id"]
    before = blobs(school)
    body = form(content_part("late", b"x" * size))
    with school.server.connect() as client:
        client.send(school.upload_head(inner, len(body)) + body[:-20])
        assert school.ask("DELETE", f"/api/folders/{outer}", "tutor").status == 204
        client.send(body[-20:])
        answer = client.answer()
        assert (answer.status, answer.body) == (404, b""), answer
    assert blobs(school) == before and school.get(f"/api/folders/{folder}/folders") == []


@pytest.mark.parametrize("what", ["spaces", "courses", "environments"])
def test_an_upload_is_404_when_what_has_its_folder_is_removed_meanwhile(school, what):
    path = "leaving-" + what
    school.make("/api/environments", "environment", {"name": path, "path": path, "initials": "L"})
    school.make(f"/api/environments/{path}/courses", "course", {"name": path, "path": path})
    space = school.make(f"/api/courses/{path}/spaces", "space", {"name": path})["id"]
    root = school.get(f"/api/spaces/{space}/folders", "admin")[0]["id"]
    before = blobs(school)
    body = form(content_part("late", b"x" * 100000))
    with school.server.connect() as client:
        client.send(school.upload_head(root, len(body), "admin") + body[:-20])
        assert school.ask("DELETE", f"/api/{what}/{space if what == 'spaces' else path}", "admin").status == 204
        client.send(body[-20:])
        answer = client.answer()
        assert (answer.status, answer.body) == (404, b""), answer
    assert blobs(school) == before


def test_an_upload_with_a_token_that_is_revoked_meanwhile_is_401(school, folder):
    key = school.server.key("tutor", "redu")
    school.tokens["revoked"] = key["access_token"]
    before = blobs(school)
    body = form(content_part("late", b"x" * 100000))
    with school.server.connect() as client:
        client.send(school.upload_head(folder, len(body), "revoked") + body[:-20])
        school.server.cais("key", "revoke", str(key["id"]))
        client.send(body[-20:])
        expect_unauthorized(client.answer(), "create")
    assert blobs(school) == before and school.get(f"/api/folders/{folder}/files") == []


def test_of_two_moves_that_would_make_a_cycle_one_succeeds(school, folder):
    for number in range(10):
        a, b = (school.folder(f"{number}{side}", folder) for side in "ab")
        answers = at_once(2, lambda i: school.ask("PUT", f"/api/folders/{(a, b)[i]}", "tutor", {"folder": {"parent_id": (b, a)[i]}}))
        assert sorted(x.status for x in answers) == [204, 422]
        assert [x.json() for x in answers if x.status == 422] == [{"parent_id": ["inválido."]}]
        below = {f["id"] for f in school.get(f"/api/folders/{folder}/folders")}
        assert len(below & {a, b}) == 1
        left, = below & {a, b}
        assert sorted(x.status for x in at_once(4, lambda _: school.ask("DELETE", f"/api/folders/{left}", "tutor"))) == [204, 404, 404, 404]
        assert {school.ask("GET", f"/api/folders/{id_}", "tutor").status for id_ in (a, b)} == {404}


def test_uploads_race_with_the_removal_of_their_folder(school, folder):
    for number in range(10):
        id_ = school.folder(f"race {number}", folder)
        answers = at_once(4, lambda i: school.upload(content_part(f"f{i}", b"x" * 20000), folder=id_) if i
                          else school.ask("DELETE", f"/api/folders/{id_}", "tutor"))
        assert answers[0].status == 204 and {a.status for a in answers[1:]} <= {201, 404}
        for stored in (a.json() for a in answers[1:] if a.status == 201):
            assert school.ask("GET", f"/api/files/{stored['id']}", "tutor").status == 404
            assert school.follow(link(stored, "raw")).status == 404


@pytest.mark.parametrize("size", [100, 100000])
def test_an_upload_of_a_person_whose_enrolment_ends_meanwhile_is_401(school, folder, size):
    login = f"leaving{size}"
    school.server.user(login, "--email", login + "@example.org")
    school.tokens[login] = school.server.key(login, "redu")["access_token"]
    enrolment = school.enrol(login, "tutor")
    before = blobs(school)
    body = form(content_part("late", b"x" * size))
    with school.server.connect() as client:
        client.send(school.upload_head(folder, len(body), login) + body[:-20])
        assert school.ask("DELETE", f"/api/enrollments/{enrolment}", "admin").status == 204
        expect_unauthorized(school.ask("GET", f"/api/folders/{folder}", login), "show")
        client.send(body[-20:])
        expect_unauthorized(client.answer(), "create")
    assert school.ask("GET", f"/api/enrollments/{enrolment}", "admin").status == 404
    assert blobs(school) == before and school.get(f"/api/folders/{folder}/files") == []


@pytest.mark.parametrize("end", ["disable", "delete", "revoke"])
def test_uploads_transfers_and_links_of_a_person_end_within_a_second_of_its_right(school, folder, end):
    login = f"ending-{end}"
    school.server.user(login, "--email", login + "@example.org")
    key = school.server.key(login, "redu")
    school.tokens[login] = key["access_token"]
    school.enrol(login, "tutor")
    stored = school.upload(content_part("large.bin", bytes(32 << 20)), folder=folder, who=login)
    raw, before = link(stored.json(), "raw"), blobs(school)
    body = form(content_part("late", b"x" * 1_000_000))
    with school.server.connect() as sender, school.server.connect() as reader:
        sender.send(school.upload_head(folder, len(body), login) + body[:500_000])
        reader.send(request("GET", raw[len("http://" + HOST):], host=HOST))
        assert reader.head()[0] == 200
        began = time.monotonic()
        if end == "revoke":
            school.server.cais("key", "revoke", str(key["id"]))
        else:
            school.server.cais("user", end, login)
        assert sender.answer().status == 401  # although the rest of the body never comes
        took = time.monotonic() - began
        assert took < 5, took  # the watch runs twice a second; the rest is time of the command and of the machine
        line = school.server.wait_log(lambda line: line.get("api") == "s3" and line["method"] == "GET" and
                                      f"/{stored.json()['id']}/" in line["target"])
        assert line["bytes_out"] < 32 << 20
    assert school.follow(raw).status == 403
    assert school.ask("GET", "/api/me", login).status == 401
    assert blobs(school) == before


# ── large trees

DEPTH, SIBLINGS, CLIENTS = 1000, 10000, 16


@pytest.mark.slow_because("makes 11,000 folders, each by a request")
def test_a_tree_of_11000_folders_is_walked_and_removed(school, folder):
    top = school.folder("top", folder)
    with school.server.connect() as client:
        deepest = top
        for depth in range(DEPTH):
            deepest = school.folder(f"d{depth}", deepest, client=client)
    wide = school.folder("wide", top)

    def make(thread):
        with school.server.connect() as client:
            for i in range(thread, SIBLINGS, CLIENTS):
                school.folder(f"s{i}", wide, client=client)
    in_threads(CLIENTS, make)
    listed = school.get(f"/api/folders/{wide}/folders")
    ids = [f["id"] for f in listed]
    assert ids == sorted(ids) and {f["name"] for f in listed} == {f"s{i}" for i in range(SIBLINGS)}
    up, steps = deepest, 0
    with school.server.connect() as client:
        assert school.ask("HEAD", f"/api/folders/{wide}/folders", "member", client=client).status == 200
        while up != top:
            up = int(link(school.ask("GET", f"/api/folders/{up}", "member", client=client).json(), "folder").rpartition("/")[2])
            steps += 1
    assert steps == DEPTH
    file = school.file("deep", b"deep", deepest)
    answer = school.ask("DELETE", f"/api/folders/{top}", "tutor")
    assert answer.status == 204
    for path in (f"/api/folders/{deepest}", f"/api/folders/{wide}/folders", f"/api/folders/{ids[-1]}", f"/api/files/{file['id']}"):
        assert school.ask("GET", path, "member").status == 404
    assert school.follow(link(file, "raw")).status == 404
    assert school.folder("top", folder) > top
