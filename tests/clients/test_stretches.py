# SPDX-License-Identifier: Apache-2.0
"""How long the worst requests hold a thread without a pause. The server measures it in time of the processor, and counts the
stretches above the limit: 1 ms for a loop, 50 ms for all other threads.

Other programs on the machine can make a stretch longer, but never shorter, and the first request of a kind prepares its
statements. So a request is sent again until it is within the limits once. A busy machine can be slow for many seconds, so the
last try begins no earlier than a minute after the first one."""
import base64
import hashlib
import json
import re
import ssl
import time
import urllib.parse

import pytest

from rounds import rounds
from s3 import S3Server
from server import FORM, Gone, bearer, form, json_head, request
from sigv4 import Signer

pytestmark = [pytest.mark.alone("it measures time"), pytest.mark.slow_because("it makes an object of many parts")]

TRIES_S = 60
JSON_VALUES = 20_000
BUCKET = "worst"
KEY = "many-parts"
PASSWORD = "correct horse"
URLENCODED = ("Content-Type", "application/x-www-form-urlencoded")


class World:
    """A server, and data that make its requests as expensive as they can be. It may be started again and again."""

    def __init__(self, server):
        self.server = server
        self.parts = rounds("parts_of_a_worst_object")
        self.login = login = server.user()
        server.cais("user", "password", login, text=PASSWORD + "\n")
        self.signer = Signer(*server.s3_key(login))
        self.native = server.key(login, "native")["token"]
        self.pyrus = server.log_in(login, server.key(login, "pyrus")["security_key"])["access_token"]
        key = server.key(login, "runrun")
        self.runrun = [("App-Key", key["app_key"]), ("User-Token", key["user_token"]), ("Content-Type", "application/json")]
        self.application = server.key(login, "redu")
        self.redu = [("Authorization", "OAuth " + self.application["access_token"]), ("Content-Type", "application/json")]
        self.tls = ssl.create_default_context(cafile=server.ca)
        self.client = None

    def connect(self):
        if self.client:
            self.client.close()
        self.client = self.server.connect("s3_listen")

    def s3(self, method, path, query=None, body=b"", headers=None, status=200):
        signed = self.signer.headers(method, self.server.host, path, query, body, headers)
        target = self.signer.path(path) + ("?" + self.signer.query(query) if query else "")
        text = request(method, target, [(n, v) for n, v in signed.items() if n != "host"], body, self.server.host)
        try:
            self.client.send(text)
            answer = self.client.answer(method)
        except Gone:  # the connection was idle for too long
            self.connect()
            self.client.send(text)
            answer = self.client.answer(method)
        assert answer.status == status, (method, path, query, answer)
        return answer

    def raw_s3(self, method, path, query, body):
        """A document that may be refused."""
        signed = self.signer.headers(method, self.server.host, path, query, body, self.md5_header(body))
        with self.server.connect("s3_listen") as client:
            client.send(request(method, self.signer.path(path) + "?" + self.signer.query(query),
                                [(n, v) for n, v in signed.items() if n != "host"], body, self.server.host))
            assert client.answer(method).status in (200, 400, 404)

    def all_apis(self, method, path, headers=(), body=None, status=200):
        with self.server.connect() as client:
            answer = client.ask(method, path, headers, body)
        assert answer.status in (status if isinstance(status, tuple) else (status,)), (method, path, answer)
        return answer

    # data

    def prepare(self):
        self.connect()
        self.s3("PUT", f"/{BUCKET}")
        self.s3("PUT", f"/{BUCKET}", {"cors": ""}, self.cors_document(), self.md5_header(self.cors_document()))
        self.s3("PUT", f"/{BUCKET}/small", body=b"s" * 4096)
        for i in range(1000):
            self.s3("PUT", f"/{BUCKET}/long/" + "k" * 900 + f"{i:04}", body=b"x")
        self.make_upload()
        self.complete_upload()
        for i in range(1000):
            with_name = "n" * 200 + f"{i:04}"
            self.all_apis("PUT", "/v1/native/files/" + with_name, bearer(self.native), b"x", 201)

        self.make_long_task()
        self.make_documents()
        self.make_course()

    def make_long_task(self):
        text = json.dumps({"text": "\x01" * 160_000}).encode()
        self.task = self.all_apis("POST", "/v4/tasks", json_head(self.pyrus), text).json()["task"]["id"]
        for _ in range(11):
            self.all_apis("POST", f"/v4/tasks/{self.task}/comments", json_head(self.pyrus), text)

    def make_documents(self):
        """As many as a zip may have, all of them with the same name."""
        self.documents = []
        for _ in range(100):
            made = self.all_apis("POST", "/api/v1.0/documents", self.runrun,
                                 json.dumps({"data_file_name": "n" * 255, "data_file_size": 1}).encode(), 201).json()
            parts = [(f'Content-Disposition: form-data; name="{n}"'.encode(), v.encode()) for n, v in made["fields"].items()]
            parts.append((b'Content-Disposition: form-data; name="file"; filename="f"', b"x"))
            self.all_apis("POST", "/" + made["upload_url"].split("/", 3)[3], [FORM], form(*parts), 201)
            self.all_apis("POST", f"/api/v1.0/documents/{made['id']}/mark_as_uploaded", self.runrun)
            self.documents.append(str(made["id"]))

    def ask_redu(self, method, path, body=None, status=200):
        return self.all_apis(method, path, self.redu, None if body is None else json.dumps(body).encode(), status)

    def make_course(self):
        """A folder with 1,000 files, whose names are as long as they may be, and 1,000 folders."""
        self.ask_redu("POST", "/api/environments", {"environment": {"name": "e", "path": "e", "initials": "e"}}, 201)
        self.ask_redu("POST", "/api/environments/e/courses", {"course": {"name": "c", "path": "c"}}, 201)
        self.space = self.ask_redu("POST", "/api/courses/c/spaces", {"space": {"name": "s"}}, 201).json()["id"]
        self.root = self.ask_redu("GET", f"/api/spaces/{self.space}/folders").json()[0]["id"]
        self.top = self.new_folder(self.root, "top")
        for i in range(1000):
            self.new_folder(self.top, '"' * 250 + f"{i:04}")
            part = (f'Content-Disposition: form-data; name="file[content]"; filename="{"😀" * 239}{i:04}"'.encode(), b"x")
            self.all_apis("POST", f"/api/folders/{self.top}/files", [self.redu[0], FORM], form(part), 201)
        for i in range(200):
            self.ask_redu("POST", "/api/courses/c/enrollments", {"enrollment": {"email": f"{i}@" + "e" * 240}}, 201)

    def new_folder(self, parent, name):
        return self.ask_redu("POST", f"/api/folders/{parent}/folders", {"folder": {"name": name}}, 201).json()["id"]

    @staticmethod
    def md5_header(body):
        return {"Content-MD5": base64.b64encode(hashlib.md5(body).digest()).decode()}

    @staticmethod
    def cors_document():
        rule = "<CORSRule>" + "".join(f"<AllowedOrigin>https://o{i}.example.org</AllowedOrigin>" for i in range(5)) + \
            "<AllowedMethod>PUT</AllowedMethod>" + "".join(f"<AllowedHeader>x-h{i}-*</AllowedHeader>" for i in range(5)) + "</CORSRule>"
        return ("<CORSConfiguration>" + rule * 99 + "</CORSConfiguration>").encode()

    def make_upload(self):
        created = self.s3("POST", f"/{BUCKET}/{KEY}", {"uploads": ""}).body.decode()
        self.upload = re.search("<UploadId>(.*?)</UploadId>", created).group(1)
        for i in range(1, self.parts + 1):
            self.s3("PUT", f"/{BUCKET}/{KEY}", {"partNumber": str(i), "uploadId": self.upload}, b"p")

    def complete_upload(self):
        etag = hashlib.md5(b"p").hexdigest()
        parts = "".join(f"<Part><PartNumber>{i}</PartNumber><ETag>\"{etag}\"</ETag></Part>" for i in range(1, self.parts + 1))
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        self.s3("POST", f"/{BUCKET}/{KEY}", {"uploadId": self.upload}, body)

    # requests

    def put_with_the_largest_head(self):
        fill = {f"x-fill-{i:02}": "v" * 560 for i in range(88)}
        self.s3("PUT", f"/{BUCKET}/head", body=b"x" * 16384, headers={**fill, "x-amz-meta-a": "m" * 2000})

    def get_with_the_longest_query(self):
        self.s3("GET", f"/{BUCKET}", {f"p{i:03}": "%/" * 4 for i in range(380)})

    def get_a_part_of_many(self):
        self.s3("GET", f"/{BUCKET}/{KEY}", {"partNumber": str(self.parts)}, status=206)

    def head_an_object_of_many_parts(self):
        self.s3("HEAD", f"/{BUCKET}/{KEY}")

    def get_an_object_of_many_parts(self):
        assert len(self.s3("GET", f"/{BUCKET}/{KEY}").body) == self.parts

    def list_1000_keys(self):
        assert self.s3("GET", f"/{BUCKET}", {"list-type": "2", "prefix": "long/"}).body.count(b"<Key>") == 1000

    def list_1000_versions(self):
        self.s3("GET", f"/{BUCKET}", {"versions": "", "prefix": "long/"})

    def preflight_with_many_names(self):
        names = ",".join(f"x-h{i % 5}-{i}" for i in range(1000))
        self.all_apis("OPTIONS", f"/{BUCKET}/small", [("Origin", "https://o9.example.org"), ("Access-Control-Request-Method", "PUT"),
                                                      ("Access-Control-Request-Headers", names)], status=(200, 400, 403))

    def write_the_largest_cors(self):
        self.s3("PUT", f"/{BUCKET}", {"cors": ""}, self.cors_document(), self.md5_header(self.cors_document()))

    def list_parts_complete_and_remove(self):
        self.make_upload()
        self.s3("GET", f"/{BUCKET}/{KEY}", {"uploadId": self.upload})
        self.complete_upload()
        self.s3("DELETE", f"/{BUCKET}/{KEY}", status=204)

    def abort_an_upload_of_many_parts(self):
        self.make_upload()
        self.s3("DELETE", f"/{BUCKET}/{KEY}", {"uploadId": self.upload}, status=204)

    def delete_1000_objects(self):
        keys = ["long/" + "k" * 900 + f"{i:04}" for i in range(1000)]
        body = ("<Delete>" + "".join(f"<Object><Key>{k}</Key></Object>" for k in keys) + "</Delete>").encode()
        self.s3("POST", f"/{BUCKET}", {"delete": ""}, body, self.md5_header(body))

    def post_the_largest_policy(self):
        fields = self.signer.form(BUCKET, "form", 0, 100000, more={f"x-ignore-{i}": "v" for i in range(150)})
        parts = [(f'Content-Disposition: form-data; name="{n}"'.encode(), str(v).encode()) for n, v in fields.items()]
        parts.append((b'Content-Disposition: form-data; name="file"; filename="f"', b"x"))
        self.all_apis("POST", f"/{BUCKET}", [FORM], form(*parts), (200, 204, 400, 403))

    def copy_128_mebibytes(self):
        self.s3("PUT", f"/{BUCKET}/large", body=b"l" * (32 << 20))
        created = self.s3("POST", f"/{BUCKET}/copied", {"uploads": ""}).body.decode()
        upload = re.search("<UploadId>(.*?)</UploadId>", created).group(1)
        for i in range(1, 5):
            self.s3("PUT", f"/{BUCKET}/copied", {"partNumber": str(i), "uploadId": upload},
                    headers={"x-amz-copy-source": f"/{BUCKET}/large"})
        self.s3("DELETE", f"/{BUCKET}/copied", {"uploadId": upload}, status=204)

    def list_1000_files(self):
        self.all_apis("GET", "/v1/native/files?limit=1000", bearer(self.native))

    def list_1000_files_with_links_and_1000_folders(self):
        for what in ("files", "folders"):
            listed = self.ask_redu("GET", f"/api/folders/{self.top}/{what}").json()
            assert len(listed) == 1000
            self.ask_redu("GET", f"/api/{what}/{listed[0]['id']}")

    def make_move_and_remove_folders_1000_deep(self):
        deepest = first = self.new_folder(self.root, "deep")
        for i in range(1000):
            deepest = self.new_folder(deepest, "d")
            middle = deepest if i == 500 else first if i < 500 else middle
        self.ask_redu("GET", f"/api/folders/{deepest}")
        self.ask_redu("PUT", f"/api/folders/{first}", {"folder": {"parent_id": deepest}}, 422)
        self.ask_redu("PUT", f"/api/folders/{middle}", {"folder": {"parent_id": self.root}}, 204)
        for folder in (first, middle):
            self.ask_redu("DELETE", f"/api/folders/{folder}", status=204)

    def texts_of_folders_that_are_too_long(self):
        for name in ("\x01" * 60_000, "é" * 30_000, " " * 60_000):
            body = json.dumps({"folder": {"name": name}}, ensure_ascii=False).encode().replace(b"\x01", b"\\u0001")[:65000]
            self.all_apis("POST", f"/api/folders/{self.root}/folders", self.redu, body, (400, 413, 422))

    def read_everything_else_of_redu(self):
        file = self.ask_redu("GET", f"/api/folders/{self.top}/files").json()[0]["id"]
        person = self.ask_redu("GET", "/api/me").json()["id"]
        for path in ("/api/me", f"/api/users/{person}", f"/api/users/{person}/statuses", "/api/environments/e", "/api/courses/c",
                     f"/api/spaces/{self.space}", f"/api/spaces/{self.space}/canvas", f"/api/files/{file}", "/api/environments",
                     "/api/environments/e/courses", "/api/courses/c/spaces", "/api/courses/c/users", "/api/courses/c/enrollments",
                     f"/api/users/{person}/spaces", f"/api/users/{person}/enrollments?" + "&".join(f"courses_ids[]={i}" for i in range(900))):
            self.ask_redu("GET", path)

    def forms_of_redu_with_the_most_files_and_fields(self):
        for count in (20, 240, 900):
            for name, more in (("file[content]", "; filename=\"%d\""), ("%d", "")):
                parts = [((f'Content-Disposition: form-data; name="{name}"' + more).replace("%d", str(i)).encode(), b"") for i in range(count)]
                self.all_apis("POST", f"/api/folders/{self.root}/files", [self.redu[0], FORM], form(*parts), (201, 400, 422))

    def logins_with_a_password(self):
        shown = self.all_apis("GET", "/portal/login")
        cookie = ("Cookie", shown.header("Set-Cookie").split(";")[0])
        csrf = re.search(rb'name="csrf" value="(\w+)"', shown.body).group(1).decode()
        application = {name: self.application[name] for name in ("client_id", "client_secret")}
        for password in (PASSWORD, "wrong", "w" * 1000):
            portal = {"csrf": csrf, "login": self.login, "password": password, "next": "/" + '"' * 4000}
            oauth = {"grant_type": "password", "username": self.login, "password": password, **application}
            self.all_apis("POST", "/portal/login", [URLENCODED, cookie], urllib.parse.urlencode(portal).encode(), (303, 403))
            self.all_apis("POST", "/oauth/token", [URLENCODED], urllib.parse.urlencode(oauth).encode(), (200, 400, 401))

    def pages_with_the_longest_queries_and_cookies(self):
        cookies = [("Cookie", "a=b;" * 4000 + "cais=" + "x" * 43), ("Cookie", ";" * 8_000), ("Cookie", 'cais="x";' * 900)]
        languages = [("Accept-Language", "pt;q=0.1," * 1400)]
        for path in ("/portal", "/portal/login?next=/" + "%22" * 4000, "/oauth/authorize?client_id=x&state=" + "%22" * 4000):
            self.all_apis("GET", path, cookies + languages, status=(200, 303, 400))
        self.all_apis("GET", "/v1/native/files", cookies, status=401)

    def json_of_a_megabyte_in_every_api(self):
        bodies = [b"[" + b"0," * 500_000 + b"0]", b"{" + b",".join(b'"%d":0' % i for i in range(90_000)) + b"}",
                  b"[" * 30 + b"[]," * 300_000 + b"[]" + b"]" * 30]
        for body in bodies:
            self.all_apis("POST", "/v4/auth", json_head(), body, (400, 413))
            self.all_apis("POST", "/v4/tasks", json_head(self.pyrus), body, (400, 413))
            self.all_apis("POST", "/api/v1.0/documents", self.runrun, body, (400, 413, 422))
            self.all_apis("POST", "/api/v1.0/tasks", self.runrun, body, (400, 413, 422))

    def json_of_the_most_values_in_every_api(self):
        """As many values as JSON may have, in bodies of nearly 1 MiB."""
        count = JSON_VALUES - 100
        bodies = [
            b"[" + b",".join(b'"%s"' % (b"\\u0101" * 7) for _ in range(count)) + b"]",
            b"[" + b",".join(b"0.%044de-300" % i for i in range(1, count)) + b"]",
            b"{" + b",".join(b'"\\ud83d\\ude00%029d":0' % i for i in range(count)) + b"}",
            b"[" * 30 + b",".join(b'{"%040d":{}}' % i for i in range(count // 3)) + b"]" * 30,
            b'{"text":"' + b"\\ud83d\\ude00" * 87_000 + b'"}',
            b"[" + b",".join(b"0." + b"7" * 760 for _ in range(1350)) + b"]",
            b"[0." + b"7" * 1_000_000 + b"]",
        ]
        for body in bodies:
            assert len(body) < 1 << 20
            self.all_apis("POST", "/v4/tasks", json_head(self.pyrus), body, (200, 400, 413))
            self.all_apis("POST", "/api/v1.0/tasks", self.runrun, body, (200, 400, 413, 422))
            self.all_apis("POST", "/api/v1.0/comments", self.runrun, body, (200, 400, 413, 422))

    def xml_of_the_most_nodes_and_attributes(self):
        item = b"<Object><Key>k</Key><A/></Object>"
        bodies = [
            b"<Delete>" + item * 33_000 + b"</Delete>",
            b"<Delete>" + b'<Object a="" b="" c="" d="" e="" f="" g="" h=""/>' * 6_200 + b"</Delete>",
            b"<Delete><Object " + b" ".join(b'a%d=""' % i for i in range(49_900)) + b"/></Delete>",
            b"<Delete><Object><Key>" + b"&amp;" * 800_000 + b"</Key></Object></Delete>",
            b"<Delete>" + b"<Object><Key>k</Key>" + b"<A/>" * 98_000 + b"</Object></Delete>",
        ]
        for body in bodies:
            assert len(body) < 4 << 20
            self.raw_s3("POST", f"/{BUCKET}", {"delete": ""}, body)
            self.raw_s3("POST", f"/{BUCKET}/{KEY}", {"uploadId": "0" * 32}, body)

    def complete_with_every_digest(self):
        digest = base64.b64encode(hashlib.sha256(b"p").digest()).decode()
        parts = "".join(f"<Part><PartNumber>{i}</PartNumber><ETag>\"{'0' * 32}\"</ETag>"
                        f"<ChecksumSHA256>{digest}</ChecksumSHA256></Part>" for i in range(1, 10_001))
        self.raw_s3("POST", f"/{BUCKET}/{KEY}", {"uploadId": "0" * 32},
                    f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode())

    def json_that_a_loop_may_parse(self):
        for body in (b"[" + b"0," * 2000 + b"0]", b"{" + b",".join(b'"%d":0' % i for i in range(550)) + b"}"):
            self.all_apis("POST", "/api/v1.0/documents", self.runrun, body, (400, 413, 422))

    def zip_of_documents_with_equal_names(self):
        link = self.all_apis("GET", "/api/v1.0/documents/download_zip?ids=" + ",".join(self.documents), self.runrun,
                             status=302).header("Location")
        assert b"(100)" in self.all_apis("GET", "/" + link.split("/", 3)[3]).body

    def read_a_task_with_the_longest_comments(self):
        for head in (bearer(self.pyrus), self.runrun):
            target = f"/v4/tasks/{self.task}" if head != self.runrun else f"/api/v1.0/tasks/{self.task}/comments"
            assert self.all_apis("GET", target, head).body.count(b"\\u0001") >= 11 * 160_000

    def forms_with_the_most_fields(self):
        for count in (150, 5000):
            parts = [(b'Content-Disposition: form-data; name="%d"' % i, b"") for i in range(count)]
            self.all_apis("POST", "/v4/files/upload", [FORM, *bearer(self.pyrus)], form(*parts), (200, 400, 413))

    def chunks_of_one_byte(self):
        body = b"1\r\nx\r\n" * 20_000 + b"0\r\n\r\n"
        with self.server.connect() as client:
            client.send(request("PUT", "/v1/native/files/chunks", [*bearer(self.native), ("Transfer-Encoding", "chunked")]) + body)
            assert client.answer("PUT").status == 201

    def pipelined_requests(self):
        with self.server.connect() as client:
            client.send(request("PUT", "/v1/native/files/p", bearer(self.native), b"x" * 4096) * 60)
            for _ in range(60):
                assert client.answer("PUT").status == 201

    def ranges_without_end(self):
        self.s3("GET", f"/{BUCKET}/small", headers={"range": "bytes=" + ",".join(f"{i}-{i}" for i in range(1500))})

    def forwarded_addresses_without_end(self):
        self.all_apis("GET", "/health", [("X-Forwarded-For", ", ".join("10.0.0.1" for _ in range(1500)))])

    def upload_and_download_8_mebibytes(self):
        self.s3("PUT", f"/{BUCKET}/large", body=b"l" * (8 << 20))
        self.s3("GET", f"/{BUCKET}/large")

    def upload_4_mebibytes_with_tls(self):
        with self.server.connect("tls_listen", tls=self.tls, name="localhost") as client:
            assert client.ask("PUT", "/v1/native/files/large", bearer(self.native), b"l" * (4 << 20)).status == 201

    def download_4_mebibytes_with_tls(self):
        self.s3("PUT", f"/{BUCKET}/large", body=b"l" * (4 << 20))
        with self.server.connect("tls_listen", tls=self.tls, name="localhost") as client:
            target = self.signer.link("GET", "localhost", f"/{BUCKET}/large")
            assert len(client.ask("GET", target, host="localhost").body) == 4 << 20


REQUESTS = [name for name in vars(World) if not name.startswith("_") and name not in (
    "connect", "s3", "raw_s3", "make_documents", "all_apis", "prepare", "md5_header", "cors_document", "make_upload", "complete_upload",
    "make_long_task", "ask_redu", "make_course", "new_folder")]
LAST = ["delete_1000_objects", "list_parts_complete_and_remove", "abort_an_upload_of_many_parts"]  # they remove what others need


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    server = S3Server(tmp_path_factory.mktemp("stretches"), sets=[
        "s3.min_part_size=0", "runrun.rate_limit=0", "pyrus.rate_limit=0", "server.trusted_proxies=127.0.0.1",
        "logins.failures=0", "logins.failures_per_address=0", "logins.failures_per_user=0"])
    with server:
        made = World(server)
        made.prepare()
        yield made
    server.tidy()


def long_stretches(server):
    """{thread: number of stretches above its limit}"""
    now = server.metrics()
    return {name: count for name, count in now.items() if name.startswith(("cais_loop_long_", "cais_lane_long_"))}


@pytest.mark.parametrize("name", [n for n in REQUESTS if n not in LAST] + LAST)
def test_no_request_holds_a_thread_for_longer_than_its_limit(world, name):
    before = long_stretches(world.server)
    assert len(before) == 6
    deadline = time.monotonic() + TRIES_S
    while True:
        last = time.monotonic() > deadline
        getattr(world, name)()
        now = long_stretches(world.server)
        over = {thread for thread, count in now.items() if count > before[thread]}
        if not over:
            return
        if last:
            break
        before = now
    longest = {name: value for name, value in world.server.metrics().items() if "longest" in name}
    pytest.fail(f"{name} holds a thread for too long: {over}; since the start: {longest}")
