# SPDX-License-Identifier: Apache-2.0
"""docs/openapi/ describes the APIs: it is what tools/make-openapi writes from the tables of routes, and schemathesis makes requests from it:
none may end with 500, and every answer must be as described."""
import json
import os
import re
import subprocess

import pytest

from server import FORM, Server, bearer, file_part, form, json_head, wait_for
from sigv4 import Signer

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
    return {"Authorization": "Bearer " + made[{"redu": "access_token", "appfile": "api_key"}.get(api, "token")]}


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
FORMATS = {"date-time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "uuid": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"}


def differences(whole, schema, value, at="$"):
    """Where the value is not what the schema says, or has more than it lists."""
    if "$ref" in schema:
        schema = whole["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    types = schema.get("type", list(TYPES))
    types = types if isinstance(types, list) else [types]
    if not any(isinstance(value, TYPES[t]) and (t == "boolean" or not isinstance(value, bool)) for t in types):
        return [f"{at} is {value!r}, not {types}"]
    found = [f"{at} is {value!r}, none of {schema['enum']}"] if value not in schema.get("enum", [value]) else []
    if isinstance(value, str):
        pattern = FORMATS.get(schema.get("format"), "(?s:.*)")
        if not re.fullmatch(pattern, value) or not re.search(schema.get("pattern", ""), value):
            found.append(f"{at} is {value!r}")
    elif isinstance(value, dict):
        found += [f"{at} has no {name}" for name in schema.get("required", []) if name not in value]
        for name, one in value.items():
            found += differences(whole, schema["properties"][name], one, f"{at}.{name}") if name in schema.get("properties", {}) else [
                f"{at}.{name} is not described"]
    elif isinstance(value, list):
        found += [d for i, one in enumerate(value) for d in differences(whole, schema.get("items", {}), one, f"{at}[{i}]")]
    elif isinstance(value, int) and value < schema.get("minimum", value):
        found.append(f"{at} is {value}")
    return found


@pytest.mark.parametrize("value, wanted", [
    ({"a": 1}, []), ({"a": 1, "b": None}, []), ({}, ["$ has no a"]), ({"a": 1, "c": 2}, ["$.c is not described"]), ({"a": -1}, ["$.a is -1"]),
    ({"a": True}, ["$.a is True, not ['integer']"]), ({"a": 1, "b": "x"}, ["$.b is 'x'"]), ([], ["$ is [], not ['object']"])])
def test_what_differs_from_a_schema_is_seen(value, wanted):
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer", "minimum": 0},
                                                                  "b": {"type": ["string", "null"], "format": "date-time"}}}
    assert differences({}, schema, value) == wanted


def test_every_success_of_the_native_api_is_described_to_the_member(root, tmp_path):
    """schemathesis knows no file, object or job that is there."""
    whole, seen = described(root, "native"), set()
    with Server(tmp_path, sets=["hosts.s3.example.org=s3"]) as server:
        login = server.user(None, "--admin")
        token, pair = server.key(login, "native")["token"], server.key(login, "s3")
        signer = Signer(pair["access_key_id"], pair["secret_access_key"])

        def ask(method, path, pattern, body=None, code=200):
            answer = server.ask(method, path, json_head(token) if method == "PATCH" else bearer(token), body)
            assert answer.status == code, answer
            replies = whole["paths"][pattern][method.lower()]["responses"]
            [content] = [replies[name]["content"] for name in replies if name[0] == "2"]
            assert differences(whole, content["application/json"]["schema"], answer.json()) == [], (method, path)
            seen.add((method, pattern))
            return answer.json()

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
        ask("PATCH", f"{files}/{made}", files + "/{id}", b'{"name": "renamed"}')
        put_object("/photos")
        put_object("/photos/cat", b"meow")
        put_object("/photos/dog", b"woof")
        ask("GET", objects + "?limit=1", objects)
        assert len(ask("GET", objects, objects)["objects"]) == 2
        ask("GET", objects + "/photos/cat/info", objects + "/{bucket}/{key}/info")
        ask("GET", "/v1/native/me", "/v1/native/me")
        ask("POST", "/v1/native/datasets", "/v1/native/datasets", b'{"name": "d", "columns": [{"name": "a", "type": "integer"}]}', 201)
        sent = ask("PUT", "/v1/native/datasets/d/files/a.jsonl", "/v1/native/datasets/{slug}/files/{name}", b'{"a": "no number"}\n', 201)
        wait_for("the job to end", lambda: ask("GET", f"{jobs}/{sent['job']}", jobs + "/{id}")["state"] in ("done", "failed"))
        assert ask("GET", jobs, jobs)["jobs"]
        ask("GET", "/v1/native/datasets", "/v1/native/datasets")
        ask("GET", "/v1/native/datasets/d/files", "/v1/native/datasets/{slug}/files")
        ask("GET", f"/v1/native/datasets/d/files/{sent['id']}/errors", "/v1/native/datasets/{slug}/files/{id}/errors")
    assert len(seen) == 14


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
