# SPDX-License-Identifier: Apache-2.0
"""docs/openapi/ describes the APIs: it is what tools/make-openapi writes from the tables of routes, and schemathesis makes requests from it:
none may end with 500, and every answer must be as described."""
import json
import os
import subprocess

import pytest

from server import Server

APIS = ["native", "pyrus", "runrun", "redu", "datasnap", "appfile"]
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
EXAMPLES = 10  # of each operation


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
    done = make_requests(program, server, os.path.join(root, "docs", "openapi", api + ".json"), credentials(server, api), tmp_path)
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
