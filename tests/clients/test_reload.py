# SPDX-License-Identifier: Apache-2.0
"""What a reload changes while the server runs, and `cais stop`. A server reads its file again on SIGHUP and on `cais reload`."""
import json
import os
import re
import signal
import subprocess

import pytest

from server import BINARY, TIMEOUT_S, Server, bearer, wait_for


@pytest.fixture
def configured(tmp_path):
    """A function (text of the file) -> a server that reads it. Called again, it writes the file and returns the same server."""
    path, made = tmp_path / "cais.ini", []

    def write(text):
        path.write_text(text)
        if not made:
            made.append(Server(tmp_path, "--config", str(path)))
        return made[0]
    yield write
    for server in made:
        server.stop()


def reload(server):
    return server.cais_json("reload")[0]


def test_limits_of_accounts_change_while_the_server_runs(configured):
    server = configured("[accounts]\nmax_keys = 1\n")
    login = server.user()
    server.key(login, "native")
    assert "accounts.max_keys" in server.cais("key", "add", login, "--for", "native", check=False).stderr
    configured("[accounts]\nmax_keys = 2\n")
    assert reload(server) == {"changed": ["accounts.max_keys"], "for_the_next_start": []}
    server.key(login, "native")
    assert "accounts.max_keys" in server.cais("key", "add", login, "--for", "native", check=False).stderr


def test_a_rate_limit_of_an_api_changes_while_the_server_runs(configured):
    server = configured("[pyrus]\nrate_limit = 1000\n")
    head = bearer(server.pyrus())
    left = server.ask("GET", "/v4/profile", head).header("X-RateLimit-Limit")
    configured("[pyrus]\nrate_limit = 2\nmax_file_size = 10\n")
    assert reload(server)["changed"] == ["pyrus.max_file_size", "pyrus.rate_limit"]
    answers = [server.ask("GET", "/v4/profile", head) for _ in range(2)]
    assert left == "1000" and answers[0].header("X-RateLimit-Limit") == "2" and answers[1].status == 429


def test_hosts_move_to_another_api_while_the_server_runs(configured):
    server = configured("[hosts]\nfiles.example.org = runrun\n")
    with server.connect() as stays:
        assert b"error_code" not in stays.ask("GET", "/nothing", host="files.example.org").body
        configured("[hosts]\nfiles.example.org = pyrus\n*.objects.example.org = s3\n")
        assert reload(server)["changed"] == ["hosts"]
        # also on a connection that was there before, because every loop hears of it before the next request of ours
        assert "error_code" in json.loads(wait_for_api(stays, "files.example.org"))
    # the names below a pattern are buckets
    login = server.user()
    made = server.key(login, "s3")
    at = server.run["listen"][0]
    sign = ["curl", "-sSf", "--aws-sigv4", "aws:amz:us-east-1:s3", "-u", made["access_key_id"] + ":" + made["secret_access_key"],
            "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"]
    subprocess.run([*sign, "-X", "PUT", f"http://{at}/photos"], check=True, timeout=TIMEOUT_S)
    subprocess.run([*sign, "-T", "-", f"http://{at}/photos/key"], check=True, timeout=TIMEOUT_S, input=b"bytes")
    port = at.rpartition(":")[2]
    name = "photos.objects.example.org"
    got = subprocess.run([*sign, "--resolve", f"{name}:{port}:127.0.0.1", f"http://{name}:{port}/key"], check=True,
                         timeout=TIMEOUT_S, capture_output=True)
    assert got.stdout == b"bytes"


def wait_for_api(client, host):
    return wait_for("the other API", lambda: (lambda body: b"error_code" in body and body)(
        client.ask("GET", "/nothing", host=host).body))


def test_links_follow_a_public_url_that_was_changed(configured):
    server = configured("[server]\npublic_url = https://one.example.org\n")
    login = server.user()
    key = server.key(login, "pyrus")["security_key"]
    first = server.log_in(login, key)["api_url"]
    configured("[server]\npublic_url = https://two.example.org\n")
    assert reload(server)["changed"] == ["server.public_url"]
    assert (first, server.log_in(login, key)["api_url"]) == ("https://one.example.org/v4/", "https://two.example.org/v4/")


def test_the_level_and_the_lines_of_requests_change_while_the_server_runs(configured):
    server = configured("[log]\nlevel = error\n")
    unlogged = server.ask("GET", "/v1/native/files")
    configured("[log]\nlevel = info\n")
    assert reload(server)["changed"] == ["log.level"]
    assert server.request_line(server.ask("GET", "/v1/native/files"))
    configured("[log]\nlevel = info\nrequests = false\n")
    assert reload(server)["changed"] == ["log.requests"]
    quiet = server.ask("GET", "/v1/native/files")
    configured("[log]\nlevel = info\n")
    reload(server)
    assert server.request_line(server.ask("GET", "/v1/native/files"))
    for answer in (unlogged, quiet):
        assert answer.header("X-Request-Id") not in server.log()


def test_a_time_out_of_connections_changes_while_the_server_runs(configured):
    server = configured("[http]\nheader_timeout = 1h\n")

    def closes():
        with server.connect() as client:
            client.send(b"GET / HTTP/1.1\r\n")
            return b"RequestTimeout" in client.answer().body
    # those that came before the reload do not wait for the hour either
    with server.connect() as earlier:
        earlier.send(b"GET / HTTP/1.1\r\n")
        configured("[http]\nheader_timeout = 100ms\n")
        assert reload(server)["changed"] == ["http.header_timeout"]
        assert b"RequestTimeout" in earlier.answer().body
    assert closes() and closes()


def test_connections_of_an_address_are_limited_from_a_reload_on(configured):
    server = configured("[http]\nmax_connections_per_address = 0\n")
    with server.connect() as one, server.connect() as two:
        assert one.ask("GET", "/health").status == two.ask("GET", "/health").status == 200
        configured("[http]\nmax_connections_per_address = 2\n")
        assert reload(server)["changed"] == ["http.max_connections_per_address"]
        with server.connect() as third:
            assert third.answer().status == 503
        configured("[http]\nmax_connections_per_address = 0\n")
        reload(server)
        with server.connect() as third:
            assert third.ask("GET", "/health").status == 200
    assert server.ask("GET", "/health").status == 200


def test_what_cannot_change_is_named_and_stays(configured):
    server = configured("[server]\nworkers = 2\n[s3]\nregion = us-east-1\n")
    configured("[server]\nworkers = 3\nlisten = 127.0.0.1:1\n[s3]\nregion = eu-west-1\n[scrub]\nperiod = 60d\n")
    for _ in range(2):  # it is named again until the next start
        done = reload(server)
        assert done["for_the_next_start"] == ["server.workers", "s3.region"]  # --listen is stronger than the file
    assert done["changed"] == []
    line = server.wait_log(lambda line: line["msg"] == "configuration loaded")
    assert (line["changed"], line["for_the_next_start"]) == ("scrub.period", "server.workers s3.region")
    said = server.cais("reload").stdout
    assert said == "no key has changed\nfor the next start: server.workers s3.region\n"


@pytest.mark.parametrize("broken,word", [("[accounts]\nmax_keys = many\n", "accounts.max_keys"), ("[nothing]\na = 1\n", "nothing"),
                                         ("[accounts]\nmax_keys = 7\n[http]\nmemory = 1M\n", "http.memory")])
def test_a_configuration_with_an_error_changes_nothing(configured, broken, word):
    server = configured("[accounts]\nmax_keys = 1\n")
    login = server.user()
    server.key(login, "native")
    configured(broken)
    done = server.cais("reload", check=False)
    assert done.returncode == 1 and done.stdout == "" and re.fullmatch(r"cais reload: .*\n", done.stderr) and word in done.stderr
    line = server.wait_log(lambda line: line["msg"] == "the configuration stays as it was")
    assert line["level"] == "error" and word in str(line)
    assert server.cais("key", "add", login, "--for", "native", check=False).returncode == 1
    reports = server.log().count("the configuration stays as it was")
    server.signal(signal.SIGHUP)
    wait_for("the report", lambda: server.log().count("the configuration stays as it was") > reports)
    assert server.ask("GET", "/health").status == 200
    configured("[accounts]\nmax_keys = 2\n")
    assert reload(server)["changed"] == ["accounts.max_keys"]


def test_requests_go_on_while_the_server_is_reloaded_again_and_again(configured):
    server = configured("[pyrus]\nrate_limit = 0\n")
    head = bearer(server.pyrus())
    with server.connect() as client:
        for n in range(20):
            configured(f"[pyrus]\nrate_limit = {1000000 + n}\n[hosts]\nh{n}.example.org = pyrus\n")
            server.signal(signal.SIGHUP)
            for _ in range(20):
                assert client.ask("GET", "/v4/profile", head).status == 200


@pytest.mark.parametrize("command", ["reload", "stop"])
def test_without_a_server_there_is_nothing_to_reload_or_stop(tmp_path, command):
    def ask(data):
        return subprocess.run([BINARY, command, "--data", data], capture_output=True, text=True, timeout=TIMEOUT_S)
    server = Server(tmp_path)
    server.stop()
    done = ask(server.data)
    assert (done.returncode, done.stdout) == (1, "") and done.stderr.startswith(f"cais {command}: no server runs on {server.data}")
    done = ask(str(tmp_path / "none"))
    assert (done.returncode, done.stdout) == (1, "") and "no data directory of cais" in done.stderr
    assert not os.path.exists(tmp_path / "none")


# ── cais stop


def test_cais_stop_returned_while_a_request_was_in_flight(tmp_path):
    with Server(tmp_path) as server, server.connect() as client:
        token = server.native()
        client.send(b"PUT /v1/native/files/a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nAuthorization: Bearer " +
                    token.encode() + b"\r\n\r\nab")
        wait_for("the request", lambda: server.metrics().get("cais_http_requests_active", 0) >= 2)
        late = server.cais("stop", "--timeout", "100ms", check=False)
        assert (late.returncode, late.stdout) == (1, "") and "still finishes requests" in late.stderr
        client.send(b"cd")
        answer = client.answer()
        assert answer.status == 201, answer
        assert server.wait_end() == 0
        assert not os.path.exists(os.path.join(server.data, "run.json"))


def test_cais_stop_ends_the_server_and_leaves_its_data(tmp_path):
    server = Server(tmp_path)
    token = server.native()
    made = server.ask("PUT", "/v1/native/files/a", bearer(token), b"bytes")
    done = server.cais("stop")
    assert (done.stdout, done.stderr) == ("stopped\n", "")
    assert server.wait_end(5) == 0
    assert server.cais("stop", check=False).returncode == 1
    server.start()
    assert server.ask("GET", "/v1/native/files/" + made.json()["id"], bearer(token)).body == b"bytes"
    assert server.cais("stop", "--json").stdout == '{"stopped":true}\n'
    assert server.wait_end(5) == 0
