# SPDX-License-Identifier: Apache-2.0
"""docs/openapi/ describes the APIs: it is what tools/make-openapi writes from the tables of routes, and schemathesis makes requests from it:
none may end with 500, and every answer must be as described."""
import json
import os
import re
import subprocess
import urllib.parse

import pytest

from server import FORM, Server, bearer, file_part, form, json_head, wait_for
from sigv4 import Signer
from test_appfile import AppfileServer, families

APIS = ["native", "pyrus", "runrun", "redu", "datasnap", "appfile"]
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
EXAMPLES = 10  # of each operation


def described(root, api):
    with open(os.path.join(root, "docs", "openapi", api + ".json"), encoding="utf-8") as f:
        return json.load(f)


def strict(part):
    """A description that allows no member that it does not list. Clients must ignore what they do not know (so the real one allows them), but
    a member that is sent and not described is a mistake of ours."""
    if isinstance(part, list):
        return [strict(one) for one in part]
    if not isinstance(part, dict):
        return part
    whole = {name: strict(value) for name, value in part.items()}
    if isinstance(part.get("properties"), dict) and "additionalProperties" not in part:
        whole["additionalProperties"] = False
    return whole


@pytest.fixture(scope="module")
def program(root):
    path = os.path.join(root, "tests", "clients", ".newest", "schemathesis", "bin", "schemathesis")
    assert os.path.exists(path), "tests/clients/.newest/schemathesis is missing: tools/setup test"
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("described"), sets=["runrun.rate_limit=0", "pyrus.rate_limit=0"]) as running:
        running.login = running.user()
        running.cais("workspace", "add", "w1")
        running.cais("bucket", "add", "b1", "--workspace", "w1")
        yield running


def credentials(server, api):
    """The headers of a user who may use the API."""
    if api == "pyrus":
        token = server.log_in(server.login, server.key(server.login, api)["security_key"])["access_token"]
        return {"Authorization": "Bearer " + token}
    made = server.key(server.login, api, *(["--workspace", "w1", "--bucket", "b1"] if api == "appfile" else []))
    if api == "runrun":
        return {"App-Key": made["app_key"], "User-Token": made["user_token"]}
    if api == "appfile":
        return {"x-api-key": made["api_key"]}
    return {"Authorization": "Bearer " + made[{"redu": "access_token"}.get(api, "token")]}


@pytest.mark.parametrize("api, method, path", [
    ("native", "GET", "/v1/native/me"), ("pyrus", "GET", "/v4/profile"), ("runrun", "GET", "/api/v1.0/users/me"), ("redu", "GET", "/api/me"),
    ("datasnap", "GET", "/api/me"), ("appfile", "POST", "/status/refresh")])
def test_the_credentials_that_are_described_are_those_that_count(root, server, api, method, path):
    """Otherwise every request that is made from a description is refused, which is as described."""
    headers, schemes = credentials(server, api), described(root, api)["components"]["securitySchemes"].values()
    assert {"Authorization" if scheme["type"] == "http" else scheme["name"] for scheme in schemes} == set(headers)
    assert server.ask(method, path, list(headers.items())).status == 200
    assert server.ask(method, path).status == (403 if api == "appfile" else 401)


def make_requests(program, server, description, headers, folder):
    command = [program, "run", description, "--url", "http://" + server.run["listen"][0], "--checks", CHECKS, "--max-examples", str(EXAMPLES),
               "--seed", "1", "--phases", "fuzzing", "--no-color", "--request-timeout", "20", "--suppress-health-check", "all",
               "--continue-on-failure"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=folder)


@pytest.mark.slow_because("it makes some hundred requests of each API")
@pytest.mark.parametrize("api", APIS)
def test_every_answer_is_as_described(root, program, server, api, tmp_path):
    whole = described(root, api)
    for operations in whole["paths"].values():
        for operation in operations.values():
            operation["responses"] = {status: strict(one) if status[0] == "2" else one for status, one in operation["responses"].items()}
    whole["components"]["schemas"] = strict(whole["components"].get("schemas", {}))
    (tmp_path / "strict.json").write_text(json.dumps(whole))
    done = make_requests(program, server, tmp_path / "strict.json", credentials(server, api), tmp_path)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "generated" in done.stdout and not [line for line in server.log_lines() if line["msg"] == "request failed"]


@pytest.mark.slow_because("it makes requests of an API")
def test_an_answer_that_is_not_as_described_is_found(root, program, server, tmp_path):
    with open(os.path.join(root, "docs", "openapi", "native.json"), encoding="utf-8") as f:
        wrong = json.load(f)
    wrong["components"]["responses"]["Refused"]["content"]["application/json"]["schema"]["required"] = ["reason"]
    (tmp_path / "wrong.json").write_text(json.dumps(wrong))
    done = make_requests(program, server, tmp_path / "wrong.json", {}, tmp_path)
    assert done.returncode == 1 and "reason" in done.stdout


# ── what a success looks like


TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None)}
FORMATS = {"date-time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "date": r"\d{4}-\d\d-\d\d", "uuid": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"}


def differences(whole, schema, value, at="$"):
    """Where the value is not what the schema says, or has more than it lists. A pattern says more than the format beside it."""
    if "$ref" in schema:
        schema = whole["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    several = schema.get("oneOf") or schema.get("anyOf")
    if several:
        return min((differences(whole, one, value, at) for one in several), key=len)
    types = schema.get("type", list(TYPES))
    types = types if isinstance(types, list) else [types]
    if not any(isinstance(value, TYPES[t]) and (t == "boolean" or not isinstance(value, bool)) for t in types):
        return [f"{at} is {value!r}, not {types}"]
    found = [f"{at} is {value!r}, none of {schema['enum']}"] if value not in schema.get("enum", [value]) else []
    if isinstance(value, str):
        pattern = schema.get("pattern", "^(" + FORMATS.get(schema.get("format"), "(?s:.*)") + ")$")
        if not re.search(pattern, value) or len(value) < schema.get("minLength", 0):
            found.append(f"{at} is {value!r}")
    elif isinstance(value, dict):
        found += [f"{at} has no {name}" for name in schema.get("required", []) if name not in value]
        for name, one in value.items():
            part = schema.get("properties", {}).get(name, schema.get("additionalProperties", False))
            found += differences(whole, part, one, f"{at}.{name}") if isinstance(part, dict) else [f"{at}.{name} is not described"] * (not part)
    elif isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            found.append(f"{at} has {len(value)} items")
        found += [d for i, one in enumerate(value) for d in differences(whole, schema.get("items", {}), one, f"{at}[{i}]")]
    elif isinstance(value, int) and not isinstance(value, bool) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        found.append(f"{at} is {value}")
    return found


@pytest.mark.parametrize("value, wanted", [
    ({"a": 1}, []), ({"a": 1, "b": None}, []), ({}, ["$ has no a"]), ({"a": 1, "c": 2}, ["$.c is not described"]), ({"a": -1}, ["$.a is -1"]),
    ({"a": True}, ["$.a is True, not ['integer']"]), ({"a": 1, "b": "x"}, ["$.b is 'x'"]), ([], ["$ is [], not ['object']"])])
def test_what_differs_from_a_schema_is_seen(value, wanted):
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer", "minimum": 0},
                                                                  "b": {"type": ["string", "null"], "format": "date-time"}}}
    assert differences({}, schema, value) == wanted


@pytest.mark.parametrize("schema, value, wanted", [
    ({"type": "array", "maxItems": 0}, [1], ["$ has 1 items"]), ({"type": "array", "minItems": 1, "items": {}}, [], ["$ has 0 items"]),
    ({"type": "object", "additionalProperties": {"type": "string"}}, {"a": 1}, ["$.a is 1, not ['string']"]),
    ({"type": "object", "additionalProperties": True}, {"a": [1]}, []),
    ({"oneOf": [{"type": "object", "properties": {"a": {}}}, {"type": "array"}]}, {"b": 1}, ["$.b is not described"]),
    ({"type": "string", "format": "date-time", "pattern": "Z$"}, "Z", []), ({"type": "string", "minLength": 1}, "", ["$ is ''"]),
    ({"type": "boolean", "enum": [True]}, False, ["$ is False, none of [True]"]), ({"type": "integer", "maximum": 1}, 2, ["$ is 2"])])
def test_what_differs_from_the_other_kinds_of_schemas_is_seen(schema, value, wanted):
    assert differences({}, schema, value) == wanted


def unlisted(schema, at="$"):
    """Where the schema does not say what an object, an array or a value consists of. An object may have "any members", if it says so."""
    if not {"$ref", "oneOf", "anyOf", "type", "enum"} & schema.keys():
        return [at]
    types = schema.get("type", [])
    types = types if isinstance(types, list) else [types]
    is_open = "object" in types and not {"properties", "additionalProperties"} & schema.keys()
    found = [at] if is_open or ("array" in types and "items" not in schema and schema.get("maxItems") != 0) else []
    parts = [(f"{at}.{name}", one) for name, one in schema.get("properties", {}).items()]
    parts += [(at + "[]", schema["items"])] if "items" in schema else []
    parts += [(at + ".*", schema["additionalProperties"])] if isinstance(schema.get("additionalProperties"), dict) else []
    parts += [(at, one) for one in schema.get("oneOf", []) + schema.get("anyOf", [])]
    return found + [place for name, one in parts for place in unlisted(one, name)]


@pytest.mark.parametrize("schema, wanted", [
    ({}, ["$"]), ({"type": "object"}, ["$"]), ({"type": ["object", "array"]}, ["$"]), ({"type": "array"}, ["$"]), ({"type": "string"}, []),
    ({"type": "array", "items": {"type": "object"}}, ["$[]"]), ({"type": "array", "maxItems": 0}, []),
    ({"type": "object", "properties": {"a": {"type": "object", "properties": {"b": {}}}}}, ["$.a.b"]),
    ({"type": "object", "additionalProperties": True}, []), ({"oneOf": [{"type": "array"}, {"type": "null"}]}, ["$"]), ({"type": "object", "additionalProperties": {"type": "array"}}, ["$.*"])])
def test_what_a_schema_does_not_list_is_seen(schema, wanted):
    assert unlisted(schema) == wanted


def successes(whole):
    """(method, path, schema) of each success that has a body of JSON."""
    for path, methods in whole["paths"].items():
        for method, operation in methods.items():
            for status, reply in operation["responses"].items():
                if status[0] == "2" and "application/json" in reply.get("content", {}):
                    yield method.upper(), path, reply["content"]["application/json"]["schema"]


@pytest.mark.parametrize("api", APIS)
def test_each_success_lists_its_members(root, api):
    whole = described(root, api)
    named = [(name, name, schema) for name, schema in whole["components"].get("schemas", {}).items()]
    found = [(method, path, unlisted(schema)) for method, path, schema in [*successes(whole), *named]]
    assert found and [one for one in found if one[2]] == []


# Those whose objects have no member but the ones that are listed.
CLOSED = [("GET", "/v1/native/links/{id}/files"), ("GET", "/v1/native/jobs/{id}/import"), ("GET", "/v1/native/imports"),
          ("GET", "/v1/native/imports/{id}"), ("POST", "/v1/native/imports/{id}/retry"), ("POST", "/v1/native/datasets/{slug}/query"),
          ("GET", "/v1/native/account/health"), ("GET", "/v1/native/account/keys"), ("POST", "/v1/native/account/keys"),
          ("GET", "/v1/native/account/key-purposes")]


def open_objects(whole, schema, at="$"):
    """Where an object may have members that are not listed, or does not say which it always has."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return [] if name == "Cell" else open_objects(whole, whole["components"]["schemas"][name], at)
    found = [at] if schema.get("type") == "object" and (schema.get("additionalProperties") is not False or "required" not in schema) else []
    parts = [*schema.get("properties", {}).items(), *([("[]", schema["items"])] if "items" in schema else []),
             *((str(i), one) for i, one in enumerate(schema.get("oneOf", [])))]
    return found + [place for name, one in parts for place in open_objects(whole, one, f"{at}.{name}")]


@pytest.mark.parametrize("method, path", CLOSED)
def test_objects_of_these_replies_have_no_member_that_is_not_listed(root, method, path):
    whole = described(root, "native")
    [schema] = [schema for m, p, schema in successes(whole) if (m, p) == (method, path)]
    assert open_objects(whole, schema) == []
    assert open_objects(whole, {"type": "object", "required": [], "properties": {"a": {"type": "object", "properties": {}}}}) == ["$", "$.a"]


class Walk:
    """Requests to a server, and of each success what its description says otherwise."""

    def __init__(self, root, api, server, headers):
        self.whole, self.server, self.headers, self.seen = described(root, api), server, headers, set()

    def pattern(self, method, path):
        found = [p for p, methods in self.whole["paths"].items()
                 if method.lower() in methods and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", p), path.partition("?")[0])]
        assert found, (method, path)
        return min(found, key=lambda p: p.count("{"))

    def ask(self, method, path, body=None, code=200, headers=None, pattern=None):
        """body: bytes, or what becomes JSON."""
        headers = self.headers if headers is None else headers
        if body is not None and not isinstance(body, bytes):
            headers, body = [*headers, ("Content-Type", "application/json")], json.dumps(body).encode()
        answer = self.server.ask(method, path, headers, body)
        assert answer.status == code, (method, path, answer)
        return self.compare(method, pattern or self.pattern(method, path), answer)

    def compare(self, method, pattern, answer):
        replies = self.whole["paths"][pattern][method.lower()]["responses"]
        [reply] = [replies[name] for name in (str(answer.status), f"{answer.status // 100}XX") if name in replies][:1]
        if "content" not in reply:
            assert answer.body == b"", (method, pattern, answer)
            return None
        assert differences(self.whole, reply["content"]["application/json"]["schema"], answer.json()) == [], (method, pattern)
        self.seen.add((method, pattern))
        return answer.json()

    def not_seen(self):
        return {(method, path) for method, path, _ in successes(self.whole)} - self.seen


def walk_native_data(walk):
    """A dataset with a column of each type, a file that is read, and queries."""
    datasets = "/v1/native/datasets"
    assert {column["name"] for column in walk.ask("POST", "/v1/native/columns", json.dumps(ROW).encode())["columns"]} == set(ROW)
    columns = [{"name": name, "type": kind} for name, kind in FIELDS.items()]
    walk.ask("POST", datasets, {"name": "all", "processing": "manual", "columns": columns}, 201)
    walk.ask("POST", datasets, {"name": "v", "processing": "by_volume", "volume_bytes": 7, "columns": columns[:1]}, 201)
    walk.ask("POST", datasets, {"name": "s", "processing": "scheduled", "schedule": "daily 03:30", "columns": columns[:1]}, 201)
    assert len(walk.ask("GET", datasets + "/all")["columns"]) == len(FIELDS)
    walk.ask("PATCH", datasets + "/all", {"name": "whole"})
    for name in ("a.jsonl", "b.jsonl"):
        walk.ask("PUT", f"{datasets}/all/files/{name}", json.dumps(ROW).encode() + b"\n" + json.dumps({"i8": 7}).encode() + b"\n", 201,
                 pattern=datasets + "/{slug}/files/{name}")
    assert walk.ask("POST", datasets + "/all/process", {})["files"] == 2
    wait_for("the files to be read", lambda: all(f["state"] == "done" for f in walk.ask("GET", datasets + "/all/files")["files"]))
    files = walk.ask("GET", datasets + "/all/files")["files"]
    assert [f for f in files if "duplicate_of" in f]
    walk.ask("GET", f"{datasets}/all/files/{files[0]['id']}", pattern=datasets + "/{slug}/files/{id}")
    for ask in ({}, {"format": "text"}, {"limit": 1}, {"columns": [{"aggregate": "count"}, {"column": "d", "aggregate": "sum"}]}):
        reply = walk.ask("POST", datasets + "/all/query", ask)
        assert reply["rows"] and ("next" in reply) == ("limit" in ask)


def walk_native_imports(walk):
    server, imports = walk.server, "/v1/native/imports"
    for content in (families(2), (HEAD + "10|F-1|Silva|1|\n10|F-9|Silva|many|\n99|2\n").encode()):
        server.import_file(server.put(content))
    server.path("only announced")
    listed = walk.ask("GET", imports)["imports"]
    assert {one["state"] for one in listed} == {"imported", "imported_with_errors", "created"} and "next" in walk.ask("GET", imports + "?limit=1")
    for one in listed:
        walk.ask("GET", f"{imports}/{one['id']}")
        walk.ask("GET", f"{imports}/{one['id']}/errors")
    [whole] = [one for one in listed if one["state"] == "imported"]
    walk.ask("GET", f"/v1/native/jobs/{whole['job']}/import")
    walk.ask("POST", f"{imports}/{whole['id']}/retry")


def walk_native_links(walk):
    server, links = walk.server, "/v1/native/links"
    link = walk.ask("POST", links, {"label": "l", "lifetime_seconds": 600, "max_files": 3, "max_bytes": 100}, 201)
    server.secrets.append(link["secret"])
    proof = [("Authorization", "Link " + link["secret"])]
    walk.ask("GET", "/v1/native/link", headers=proof)
    tus = [*proof, ("Tus-Resumable", "1.0.0"), ("Upload-Length", "1"), ("Content-Type", "application/offset+octet-stream")]
    for _ in range(2):
        assert server.ask("POST", "/v1/native/uploads", tus, b"x").status == 201
    files = walk.ask("GET", f"{links}/{link['id']}/files")["files"]
    assert len(files) == 2 and walk.ask("GET", f"/v1/native/files/{files[0]['id']}/info")["link"] == {"id": link["id"], "label": "l"}
    assert "next" in walk.ask("GET", f"{links}/{link['id']}/files?limit=1")
    walk.ask("GET", f"{links}/{link['id']}")
    walk.ask("DELETE", f"{links}/{link['id']}", code=204)
    assert walk.ask("GET", links)["links"][0]["state"] == "revoked"


PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPv7Zk4m4hHUUMYDbHSOA0WbaMmmYMEXOvSDGYIPVYd a@b"


def walk_native_administration(walk):
    account = "/v1/native/account"
    for path in ("", "s", "/figures", "/health", "/events", "/events?limit=1"):
        assert walk.ask("GET", account + path)
    user = walk.ask("POST", account + "/users", {"login": "zoe", "name": "Zoe"}, 201)
    walk.ask("PATCH", f"{account}/users/{user['id']}", {"admin": True})
    walk.server.secrets.append(walk.ask("POST", f"{account}/users/{user['id']}/link", code=201)["path"].split("#")[1])
    assert "next" in walk.ask("GET", account + "/users?limit=1")
    purposes = {one["for"]: one for one in walk.ask("GET", account + "/key-purposes")["purposes"]}
    for purpose, one in purposes.items():
        more = {"workspace": "W", "bucket": "B", "expires_at": "2099-01-31T18:00:00Z"} if one["workspace"] else {}
        more |= {"role": one["roles"][0]} if one["roles"] else {}
        more |= {"public_key": PUBLIC_KEY} if one["form"] == "public" else {}
        made = walk.ask("POST", account + "/keys", {"login": "zoe", "for": purpose, **more}, 201)
        assert made["parts"], made
        walk.server.secrets += [text for name, text in made["parts"].items() if name not in ("client_id", "access_key_id", "fingerprint")]
    walk.ask("DELETE", f"{account}/keys/{made['id']}", code=204)
    keys = walk.ask("GET", account + "/keys?state=all")["keys"]
    assert {key["for"] for key in keys} >= set(purposes) and "revoked" in {key["state"] for key in keys}
    assert "next" in walk.ask("GET", account + "/keys?limit=1")


def walk_native_spaces(walk, other):
    space = walk.ask("POST", "/v1/native/spaces", {"name": "s"}, 201)
    one = f"/v1/native/spaces/{space['id']}"
    walk.ask("PATCH", one, {"description": "d"})
    walk.ask("PUT", f"{one}/members/{other}", {"role": "editor"})
    folders, files = (f"/v1/native/folders/{space['root']}/{what}" for what in ("folders", "files"))
    folder = f"/v1/native/folders/{walk.ask('POST', folders, {'name': 'bills'}, 201)['id']}"
    walk.ask("POST", folders, {"name": "bills"})
    walk.ask("PATCH", folder, {"name": "old bills"})
    file = walk.ask("PUT", files + "/bill1", b"x", 201)["id"]
    loose = walk.ask("PUT", "/v1/native/files/bill2", b"y", 201)["id"]
    walk.ask("POST", files, {"file": loose}, 201)
    walk.ask("PATCH", f"{files}/{file}", {"name": "bill3"})
    for path in ("/v1/native/spaces", one, one + "/members", folder, folders, files, files + "?limit=1", f"{files}/{file}/info"):
        assert walk.ask("GET", path)
    walk.ask("POST", f"{files}/{file}/link")
    search = one + "/search?name=BILL"
    assert len(walk.ask("GET", search)["files"]) == 2 and "next" in walk.ask("GET", search + "&limit=1")
    assert walk.ask("GET", search + "&kind=folders")["folders"][0]["name"] == "old bills"


def test_every_success_of_the_native_api_is_described_to_the_member(root, tmp_path):
    """schemathesis knows no file, object or job that is there."""
    with AppfileServer(tmp_path, "hosts.s3.example.org=s3") as server:
        login = server.user(None, "--admin")
        token, pair = server.key(login, "native")["token"], server.key(login, "s3")
        signer = Signer(pair["access_key_id"], pair["secret_access_key"])
        walk = Walk(root, "native", server, bearer(token))

        def ask(method, path, pattern, body=None, code=200):
            return walk.ask(method, path, body, code, json_head(token) if method == "PATCH" else None, pattern)

        def put_object(path, body=b""):
            signed = signer.headers("PUT", "s3.example.org", path, None, body)
            signed.pop("host")
            assert server.ask("PUT", path, list(signed.items()), body, host="s3.example.org").status == 200
        files, objects, jobs = "/v1/native/files", "/v1/native/objects", "/v1/native/jobs"
        made = ask("PUT", files + "/a", files + "/{name}", b"x", 201)["id"]
        ask("PUT", files + "/b", files + "/{name}", b"y", 201)
        issued = server.ask("POST", "/v4/files/upload", [FORM, *bearer(server.pyrus())], form(file_part("c", b"z")))
        assert issued.status == 200
        ask("GET", files + "?limit=1", files)
        assert {f["way"] for f in ask("GET", files, files)["files"]} == {"native", "pyrus"}
        ask("GET", f"{files}/{made}/info", files + "/{id}/info")
        ask("POST", f"{files}/{made}/link", files + "/{id}/link")
        ask("PATCH", f"{files}/{made}", files + "/{id}", b'{"name": "renamed"}')
        put_object("/photos")
        put_object("/photos/cat", b"meow")
        put_object("/photos/dog", b"woof")
        ask("GET", objects + "?limit=1", objects)
        assert len(ask("GET", objects, objects)["objects"]) == 2
        ask("GET", objects + "/photos/cat/info", objects + "/{bucket}/{key}/info")
        ask("DELETE", objects + "/photos/dog", objects + "/{bucket}/{key}", None, 204)
        ask("GET", "/v1/native/me", "/v1/native/me")
        ask("POST", "/v1/native/datasets", "/v1/native/datasets", b'{"name": "d", "columns": [{"name": "a", "type": "integer"}]}', 201)
        sent = ask("PUT", "/v1/native/datasets/d/files/a.jsonl", "/v1/native/datasets/{slug}/files/{name}", b'{"a": "no number"}\n', 201)
        wait_for("the job to end", lambda: ask("GET", f"{jobs}/{sent['job']}", jobs + "/{id}")["state"] in ("done", "failed"))
        assert ask("GET", jobs, jobs)["jobs"]
        ask("GET", "/v1/native/datasets", "/v1/native/datasets")
        ask("GET", "/v1/native/datasets/d/files", "/v1/native/datasets/{slug}/files")
        ask("GET", f"/v1/native/datasets/d/files/{sent['id']}/errors", "/v1/native/datasets/{slug}/files/{id}/errors")
        ask("GET", f"{jobs}/{sent['job']}/import", jobs + "/{id}/import")
        walk_native_data(walk)
        walk_native_imports(walk)
        walk_native_links(walk)
        walk_native_administration(walk)
        walk_native_spaces(walk, server.user("rui"))
    # a job of these two is as one of the others
    assert walk.not_seen() == {("POST", "/v1/native/jobs/{id}/cancel"), ("POST", "/v1/native/jobs/{id}/retry")}


def walk_pyrus(walk, home, login, key):
    """Each operation below one of the two names of the paths."""
    def upload(name, data):
        answer = walk.server.ask("POST", home + "/files/upload", [FORM, *walk.headers], form(file_part(name, data)))
        return walk.compare("POST", home + "/files/upload", answer)["guid"]
    public = {"login": login, "security_key": key}
    walk.ask("POST", home + "/auth", public, headers=[])
    walk.ask("GET", f"{home}/auth?login={login}&security_key={key}", headers=[])
    me = walk.ask("GET", home + "/profile")["person_id"]
    task = walk.ask("POST", home + "/tasks", {"text": "t"})["task"]
    assert "attachments" not in task and len(task["comments"]) == 1
    person = {"id": me}
    task = walk.ask("POST", home + "/tasks", {
        "text": "t", "subject": "s", "attachments": [upload("a", b"x"), {"url": "https://example.org/a", "name": "l"}], "list_ids": [7],
        "participants": [person], "subscribers": [person], "responsible": person, "due_date": "2026-11-30", "parent_task_id": task["id"]})["task"]
    comments, first = f"{home}/tasks/{task['id']}/comments", task["attachments"][0]["id"]
    walk.ask("POST", comments, {"text": "c", "attachments": [{"guid": upload("b", b"y"), "root_id": first}], "action": "finished"})
    walk.ask("POST", comments, {"text": "c", "subject": "s2", "reassign_to": person, "participants_added": [person], "action": "reopened",
                                "participants_removed": [person], "due": "2026-11-30T10:00:00Z", "duration": 30})
    task = walk.ask("GET", f"{home}/tasks/{task['id']}")["task"]
    assert {a["version"] for a in task["attachments"]} == {1, 2} and {c.get("action") for c in task["comments"]} >= {"finished", "reopened"}
    walk.ask("POST", comments, {"text": "c", "action": "finished"})
    walk.ask("DELETE", f"{home}/tasks/{task['id']}")


def test_every_success_of_the_pyrus_api_is_described_to_the_member(root, tmp_path):
    with Server(tmp_path, sets=["pyrus.login_by_get=true"]) as server:
        login = server.user(None, "--name", "Ana Prado")
        key = server.key(login, "pyrus")["security_key"]
        walk = Walk(root, "pyrus", server, bearer(server.log_in(login, key)["access_token"]))
        for home in ("/v4", "/api/v4"):
            walk_pyrus(walk, home, login, key)
    assert walk.not_seen() == set()


def test_the_refusal_of_a_login_by_get_is_described_to_the_member(root, server):
    whole = described(root, "pyrus")
    for path in ("/v4/auth", "/api/v4/auth"):
        answer = server.ask("GET", path)
        schema = whole["paths"][path]["get"]["responses"]["405"]["content"]["application/json"]["schema"]
        assert answer.status == 405 and differences(whole, schema, answer.json()) == []


BOARDS = {"boards": [{"id": 1, "name": "Financeiro"}],
          "fields": [{"id": "custom_12", "label": "Prioridade", "field_type": "single_option", "board_ids": [1], "details": {"max": 1},
                      "options": [{"id": "2", "label": "Alta", "color": None}, {"id": "3", "label": "Baixa", "color": "#fff"}]}]}


def upload_by_form(server, ticket, data):
    url = urllib.parse.urlsplit(ticket["upload_url"])
    fields = [(f'Content-Disposition: form-data; name="{name}"'.encode(), value.encode()) for name, value in ticket["fields"].items()]
    assert server.ask("POST", url.path, [FORM], form(*fields, file_part("a", data)), host=url.netloc).status == 201


def walk_runrun(walk, home, login):
    """Each operation below one of the two names of the paths."""
    def document(path):
        ticket = walk.ask("POST", home + path, {"document": {"data_file_name": "a.txt", "data_file_size": 1}}, 201)
        upload_by_form(walk.server, ticket, b"x")
        return walk.ask("POST", f"{home}/documents/{ticket['id']}/mark_as_uploaded")["id"]
    full = {"title": "t", "description": "d", "board_id": 1, "project_id": 2, "type_id": 3, "desired_date": "2026-11-30", "document_ids": [
        document("/documents")], "custom_fields": {"custom_12": {"id": "2"}}, "assignments": [{"assignee_id": login}, {"assignee_id": "new"}]}
    bare = walk.ask("POST", home + "/tasks", {"title": "t"}, 201)["id"]
    task = walk.ask("POST", home + "/tasks", {"task": full}, 201)["id"]
    one = f"{home}/tasks/{task}"
    attached = document(f"/tasks/{task}/documents")
    comment = walk.ask("POST", one + "/comments", {"text": "c", "document_ids": [document("/documents")]}, 201)["id"]
    walk.ask("POST", home + "/comments", {"document_id": attached, "text": "c"}, 201)
    walk.ask("PUT", f"{home}/comments/{comment}", {"text": "d"})
    for path in ("/tasks", f"/tasks/{bare}", f"/tasks/{task}", f"/tasks/{task}/description", f"/tasks/{bare}/description",
                 f"/tasks/{task}/documents", f"/tasks/{task}/comments", f"/tasks/{task}/fields", f"/comments/{comment}", f"/documents/{attached}",
                 "/boards/1/fields", "/fields/custom_12/options", "/users/me", "/users", f"/users/{login}"):
        assert walk.ask("GET", home + path)
    walk.ask("PUT", one + "/description", {"description": "e"})
    walk.ask("GET", one + "/description")
    nothing = dict.fromkeys(("description", "board_id", "project_id", "type_id", "desired_date", "custom_fields"))
    walk.ask("PUT", one, {"title": "u", **nothing})
    walk.ask("PATCH", one, {"task": {"title": "v"}})
    pending = walk.ask("POST", home + "/documents", {"data_file_name": "b", "data_file_size": 1}, 201)["id"]
    walk.ask("GET", f"{home}/documents/{pending}")
    for path in (f"/documents/{pending}", f"/comments/{comment}", f"/tasks/{task}"):
        walk.ask("DELETE", home + path, code=204)


def test_every_success_of_the_runrun_api_is_described_to_the_member(root, tmp_path):
    (tmp_path / "boards.json").write_text(json.dumps(BOARDS))
    with Server(tmp_path, sets=["runrun.rate_limit=0", f"runrun.boards_file={tmp_path}/boards.json"]) as server:
        login = server.user("ana", "--name", "Ana Prado", "--email", "ana@example.org")
        key = server.key(login, "runrun")
        walk = Walk(root, "runrun", server, [("App-Key", key["app_key"]), ("User-Token", key["user_token"])])
        for home in ("/api/v1.0", "/api"):
            walk_runrun(walk, home, login)
    assert walk.not_seen() == set()


def walk_redu(walk, other):
    """other: the login of somebody whom no course knows yet; the address of rui has no user at all."""
    school = walk.ask("POST", "/api/environments", {"environment": {"name": "E", "path": "e", "initials": "E", "description": "d"}}, 201)["id"]
    plain = walk.ask("POST", "/api/environments", {"environment": {"name": "F", "path": "f", "initials": "F"}}, 201)["id"]
    course = walk.ask("POST", "/api/environments/e/courses", {"course": {"name": "C", "path": "c", "description": "d", "workload": 8}}, 201)["id"]
    space = walk.ask("POST", "/api/courses/c/spaces", {"space": {"name": "S", "description": "d"}}, 201)["id"]
    invited = walk.ask("POST", "/api/courses/c/enrollments", {"enrollment": {"email": other}}, 201)["id"]
    unknown = walk.ask("POST", "/api/courses/c/enrollments", {"enrollment": {"email": "rui@example.org"}}, 201)
    assert unknown["email"] and unknown["token"] and unknown["role"] is None
    walk.ask("PUT", f"/api/enrollments/{invited}", {"enrollment": {"state": "approved", "role": "tutor"}}, 204)
    root = walk.ask("GET", f"/api/spaces/{space}/folders")[0]["id"]
    folder = walk.ask("POST", f"/api/folders/{root}/folders", {"folder": {"name": "a"}}, 201)["id"]
    files = [walk.compare("POST", "/api/folders/{id}/files", walk.server.ask(
        "POST", f"/api/folders/{root}/files", [FORM, *walk.headers], form(file_part(str(size), b"x" * size, "file[content]"))))["id"]
        for size in (0, 1, 40000)]
    walk.ask("PUT", f"/api/folders/{folder}", {"folder": {"name": "b"}}, 204)
    for path in (f"folders/{root}", f"folders/{folder}", f"folders/{root}/folders", f"folders/{root}/files", f"files/{files[0]}", "me",
                 f"users/{other}", "users/ana/enrollments", "users/ana/spaces", "environments", "environments/e", "environments/f",
                 "environments/e/courses", "courses/c", "courses/c/spaces", "courses/c/users", "courses/c/users?partial=1", "courses/c/enrollments",
                 f"spaces/{space}", f"spaces/{space}/users", f"spaces/{space}/users?partial=1", f"enrollments/{unknown['id']}"):
        assert walk.ask("GET", "/api/" + path)
    for end in ("statuses", "statuses/timeline", "contacts", "chats", "connections"):
        assert walk.ask("GET", f"/api/users/ana/{end}") == []
    for end in ("subjects", "statuses", "statuses/timeline", "canvas"):
        assert walk.ask("GET", f"/api/spaces/{space}/{end}") == []
    for kind, id_, wrapper in (("spaces", space, "space"), ("courses", course, "course"), ("environments", school, "environment")):
        walk.ask("PUT", f"/api/{kind}/{id_}", {wrapper: {"name": "new"}}, 204)
    for path in (f"files/{files[0]}", f"folders/{folder}", f"spaces/{space}", f"enrollments/{invited}", f"courses/{course}", f"environments/{plain}"):
        walk.ask("DELETE", "/api/" + path, code=204)


@pytest.mark.parametrize("sets", [(), ("redu.byte_as_number=true", "redu.token_lifetime=1h")])
def test_every_success_of_the_redu_api_is_described_to_the_member(root, tmp_path, sets):
    with Server(tmp_path, sets=sets) as server:
        key = server.key(server.user("ana", "--name", "Ana Prado", "--email", "ana@example.org"), "redu")
        walk = Walk(root, "redu", server, [("Authorization", "OAuth " + key["access_token"])])
        grant = f"grant_type=authorization_code&client_id={key['client_id']}&client_secret={key['client_secret']}&code={key['pin']}"
        for method in ("POST", "GET", "PUT", "PATCH", "DELETE"):
            token = walk.ask(method, "/oauth/token?" + grant, headers=[])
            server.secrets.append(token["access_token"])
            assert ("expires_in" in token) == bool(sets)
        walk_redu(walk, server.user(None, "--name", "Bia"))
    assert walk.not_seen() == set()


FIELDS = {"t": "string", "j": "json", "b": "boolean", "i1": "Int8", "i2": "Int16", "i4": "Int32", "i8": "integer", "u1": "UInt8", "u2": "UInt16",
          "u4": "UInt32", "u8": "UInt64", "f": "float", "d": "decimal", "day": "date", "at": "datetime", "at6": "datetime64"}
ROW = {"t": "a", "j": {"a": [1]}, "b": True, **dict.fromkeys(("i1", "i2", "i4", "i8", "u1", "u2", "u4"), 1), "u8": 2**64 - 1, "f": 0.1, "d": "1.5",
       "day": "2026-11-30", "at": "2026-11-30T10:00:00Z", "at6": "2026-11-30T10:00:00.5Z"}


def walk_datasnap_queries(walk, slug):
    for select in [list(FIELDS), ["count(*) as n", "sum(d) as s", "avg(f)"]]:
        for ask in ({"format": "json"}, {"format": "json", "include_meta": False}, {}, {"include_meta": False}, {"format": "json_compact_strings"}):
            reply = walk.ask("POST", f"/api/v1/schemas/{slug}/query", {"select": select, **ask})
            assert len(reply["data"]) == (2 if select == list(FIELDS) else 1) and ("meta" in reply) == ask.get("include_meta", True)
    assert walk.ask("POST", f"/api/v1/schemas/{slug}/query", {"select": ["t"], "limit": 1})["next_page_token"]


def walk_datasnap_files(walk, slug):
    """A file of each state: read, wrong, sent twice, not looked into."""
    one, line = f"/api/v1/schemas/{slug}", json.dumps(ROW).encode() + b"\n"
    parts = [file_part(name, data, "files[]") for name, data in (("a.jsonl", line + b"{}\n"), ("wrong.jsonl", b"no"), ("b.jsonl.gz", b"no"))]
    for _ in range(2):
        walk.compare("POST", "/api/v1/schemas/{slug}/files", walk.server.ask("POST", one + "/files", [FORM, *walk.headers], form(*parts)))
    token = walk.ask("POST", one + "/generate-upload-token", {"minutes": 15})
    path = urllib.parse.urlsplit(token["upload_url"]).path
    walk.server.secrets.append(path.split("/")[2])
    assert walk.server.ask("PUT", path + "/again.jsonl", [], line + b"{}\n").status == 200
    walk.ask("GET", f"/api/v1/upload-tokens/{token['id']}/validate")
    wait_for("the files to be read", lambda: all(
        file["processing_status"] in ("completed", "failed") for file in walk.ask("GET", one + "/files")["data"]))
    files = walk.ask("GET", one + "/uploads")
    assert {file["validation"] for file in files} == {"ok", "error"} and {file["duplicate"] for file in files} == {True, False}
    for file in files:
        walk.ask("GET", f"{one}/files/{file['id']}")
    assert walk.ask("GET", one + "/files?page=9")["from"] is None
    walk.ask("DELETE", f"{one}/files/{files[0]['id']}", code=204)
    walk.ask("DELETE", f"/api/v1/upload-tokens/{token['id']}", code=204)
    walk_datasnap_queries(walk, slug)


def test_every_success_of_the_datasnap_api_is_described_to_the_member(root, tmp_path):
    sets = [f"datasnap.{name}=0" for name in ("queries_per_minute", "listings_per_minute", "processings_per_5_minutes")]
    with Server(tmp_path, sets=sets) as server:
        walk = Walk(root, "datasnap", server, bearer(server.key(server.user(None, "--name", "Ana"), "datasnap")["token"]))
        schemas = "/api/v1/schemas"
        walk.ask("POST", schemas, {"name": "all", "fields": FIELDS}, 201)
        walk.ask("POST", schemas, {"name": "v", "processing": "by_volume", "volume_bytes": 7}, 201)
        walk.ask("POST", schemas, {"name": "s", "processing": "scheduled", "schedule": "daily 03:30", "dedupe": "off"}, 201)
        walk.ask("POST", schemas, {"name": "m", "processing": "manual", "fields": {"a": "int"}, "required": ["a"], "strict": True}, 201)
        walk.ask("PUT", schemas + "/s", {"name": "t"})
        assert len(walk.ask("GET", schemas)["data"]) == 4 and walk.ask("GET", schemas + "/v")["volume_bytes"] == 7
        walk_datasnap_files(walk, "all")
        assert walk.ask("POST", schemas + "/m/process-files", {})["status"] == "idle"
        walk.compare("POST", schemas + "/{slug}/files", server.ask(
            "POST", schemas + "/m/files", [FORM, *walk.headers], form(file_part("a.jsonl", b'{"a":1}\n', "files"))))
        assert walk.ask("GET", schemas + "/m/files")["data"][0]["rows"] is None
        assert walk.ask("POST", schemas + "/m/process-files", {"executors": 3})["status"] == "started"
        walk.ask("DELETE", schemas + "/v", code=204)
        for event in ("heartbeat", "run_start", "run_end", "error"):
            walk.ask("POST", "/api/v1/bridge/healthcheck", {"bridge_name": "b", "event_type": event}, 201)
        for path in ("auth/me", "me", "status", "health"):
            walk.ask("GET", "/api/" + path)
    assert walk.not_seen() == set()


HEAD = "00|CHILDACTION|FAMILY|20261121033000|REF-1\n01|wks_family|||cc-family|SYNC\n02|entityId\n03|entityId|name|size:int\n"
IN_JSON = {"header": {"metadata": {"keys": ["entityId"], "entityType": "wks_family", "dataSource": "cc-family"}, "FieldMappings": {"entityId": {}}},
           "data": [{"entityId": "F-9"}], "footer": {"total": 1}}


def walk_appfile_import(walk, rows, waits="/appfile/file/import", **more):
    """A file with these rows, which is put and imported. Returns the reply."""
    data = walk.ask("POST", "/appfile/file/path", {"FileName": "a.cc5txt", **more})["Data"]
    walk.ask("GET", "/appfile/file/" + data["FileId"])
    to = urllib.parse.urlsplit(data["Url"])
    walk.server.secrets.append(urllib.parse.parse_qs(to.query)["X-Amz-Signature"][0])
    content = HEAD + "".join(row + "\n" for row in rows) + f"99|{len(rows)}\n"
    assert walk.server.ask("PUT", f"{to.path}?{to.query}", [], content.encode(), host=to.netloc).status == 200
    assert walk.ask("GET", "/appfile/file/" + data["FileId"])["Data"]["File"]["Status"] == "uploaded"
    reply = walk.ask("POST", waits, {"FileType": "cc5", "FileId": data["FileId"]})
    wait_for("the import to end", lambda: walk.ask("GET", "/appfile/file/" + data["FileId"])["Data"]["File"]["ImportFinished"])
    return reply


def test_every_success_of_the_appfile_api_is_described_to_the_member(root, tmp_path):
    with Server(tmp_path) as server:
        server.cais("workspace", "add", "W")
        server.cais("bucket", "add", "B", "--workspace", "W")
        key = server.key(server.user(), "appfile", "--workspace", "W", "--bucket", "B", "--role", "admin")["api_key"]
        walk = Walk(root, "appfile", server, [("x-api-key", key)])
        walk.ask("POST", "/appfile/file/path", {"FileName": "only announced"})
        good, wrong = [f"10|F-{n}|Silva|{n}|" for n in range(3)], "10|F-9|Silva|many|"
        done = walk_appfile_import(walk, good, EntityType="wks_family", Category="c", Tags=["a"], Metadata={"n": [1]}, Description="d")
        assert done["Data"]["File"]["Status"] == "imported"
        partly = walk_appfile_import(walk, [*good, wrong, good[0]])
        assert partly["ResponseStatus"]["Errors"][0]["Meta"]["Key"] and partly["Data"]["File"]["Result"] == "successful"
        failed = walk_appfile_import(walk, ["11|what"])
        assert not failed["IsSuccess"] and failed["ResponseStatus"]["ErrorCode"] == "ImportFailed" and failed["Data"]["File"]["Logs"]
        for path in ("/appfile/file/import/async", "/appdata/import/file/async"):
            walk_appfile_import(walk, good, path)
        assert walk.ask("POST", "/appfile/file/import/data", {"ImportData": IN_JSON})["Data"]["File"]["Source"] == "data"
        files = walk.ask("POST", "/appfile/file/query", {"Take": 1000})
        assert files["Total"] == len(files["Data"]) == 7 and "Total" not in walk.ask("POST", "/appfile/file/query", {"WithoutTotal": True})
        query = "/appdata/family/query"
        records = walk.ask("POST", query, {})["Data"]
        assert {record["entityId"] for record in records} == {"F-0", "F-1", "F-2", "F-9"}
        assert walk.ask("POST", query, {"Fields": ["name"], "Distinct": True, "WithoutTotal": True})["Data"] == [{"name": "Silva"}, {}]
        walk.ask("POST", query, {"Fields": ["created", "name"]})
        assert walk.ask("GET", "/appdata/family/retrieve?id=" + records[0]["_id"])["Data"] == records[0]
        walk.ask("POST", "/status/refresh")
    assert walk.not_seen() == set()


def test_the_descriptions_are_what_the_tables_of_routes_give(root):
    done = subprocess.run([os.path.join(root, "tools", "make-openapi"), "--check"], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("api", APIS)
def test_each_route_of_the_tables_is_described(root, api):
    """Counted in another way: by the names of the handlers in the sources."""
    import re
    with open(os.path.join(root, "tools", "openapi.json"), encoding="utf-8") as f:
        sources = json.load(f)[api]["sources"]
    with open(os.path.join(root, "docs", "openapi", api + ".json"), encoding="utf-8") as f:
        described = json.load(f)
    text = "".join(open(os.path.join(root, s), encoding="utf-8").read() for s in sources)
    operations = {(m.upper(), p) for p, methods in described["paths"].items() for m in methods}
    found = re.findall(r'(?:\{ |BOTH\(|BOTH_UP_TO\(\w+, )"([A-Z]+)", "([^"]+)"', text)
    assert found
    for method, path in found:
        assert any(m == method and p.endswith(path) for m, p in operations), f"{method} {path}"
    assert described["openapi"] == "3.1.0" and described["components"]["securitySchemes"]
