# SPDX-License-Identifier: Apache-2.0
"""The log: one line for each request, and no secrets. The audit log: one event for each change."""

import json
import os
import re
import signal
import sqlite3
import stat
import subprocess
import threading

import pytest

from at_terminal import Terminal
from server import (BINARY, FORM, Server, bearer, file_part, form, in_threads, is_pyrus_error, json_head, request,
                    wait_for)
from sigv4 import Signer

CANARY = "Zq8canary"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("logs"), sets=["log.level=debug"]) as started:
        yield started


def test_every_request_is_logged_in_one_line_of_json_with_its_id(server):
    token = bearer(server.native())
    asked = [("GET", "/health", [], None, 200, "service"), ("GET", "/v4/profile", [], None, 401, "pyrus"),
             ("PUT", "/v1/native/files/log.txt", token, b"hello", 201, "native"), ("GET", "/v1/native/files?limit=1", token, None, 200, "native"),
             ("GET", "/nowhere", [], None, 403, "s3"), ("DELETE", "/v4/tasks", [], None, 405, "pyrus"),
             ("GET", "/v1/native/files/%zz", token, None, 400, "native"), ("GET", "/a\x7fb", [], None, 400, "s3")]
    ids = set()
    for method, target, headers, body, status, api in asked:
        answer = server.ask(method, target, headers, body)
        assert answer.status == status, answer
        line = server.request_line(answer)
        assert (line["msg"], line["level"], line["method"], line["status"], line["api"]) == ("request", "info", method, status, api)
        assert line["peer"] == "127.0.0.1" and line["ms"] >= 0 and line["bytes_in"] == len(body or b"")
        assert line["bytes_out"] == len(answer.body)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", line["time"])
        ids.add(line["request_id"])
    assert len(ids) == len(asked)
    for line in server.log_lines():
        assert line["msg"] and line["level"] and line["time"]
        assert ("request_id" in line) == (line["msg"] == "request")


def test_headers_and_targets_cannot_forge_a_line(server):
    forged = '","msg":"forged","x":"'
    for target in ("/%0A%0D%7B%22msg%22:%22forged%22%7D", '/"}{"msg":"forged"}', "/\\u0022" + forged, "/\xff\xfe\x80", "/é" * 1000):
        with server.connect() as client:
            client.send(b"GET " + target.encode("latin-1") + b" HTTP/1.1\r\nHost: a\r\nUser-Agent: " + forged.encode() + b"\r\n\r\n")
            server.request_line(client.answer())
    with server.connect() as client:
        client.send(b'{"msg":"forged"}\n' * 3)
        server.request_line(client.answer())
    assert not [line for line in server.log_lines() if line["msg"] == "forged"]


SECRET_NAMES = ["access_token", "Access_Token", "access%5Ftoken", "X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "Signature",
                "sig", "token", "security_key", "password", "api_key", "App-Key", "User-Token", "client_secret", "refresh_token", "secret", "code"]


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_secrets_in_a_query_are_redacted_whether_or_not_the_request_succeeds(server, name):
    secret = f"{CANARY}{name.lower().replace('%', '')}"
    server.secrets.append(secret)
    lines = []
    for target in (f"/v4/files/download/5?{name}={secret}&keep=this", f"/v1/native/files?a=b&{name}={secret}", f"/nowhere?{name}={secret}#x",
                   f"http://a/v4/auth?x&{name}={secret}"):
        with server.connect() as client:
            client.send(request("GET", target, host="a"))
            lines.append(server.request_line(client.answer()))
    with server.connect() as client:  # the headers are malformed, but the target is logged
        client.send(f"GET /x?{name}={secret} HTTP/1.1\r\nnonsense\r\n\r\n".encode())
        lines.append(server.request_line(client.answer()))
    assert "keep=this" in lines[0]["target"] and all(f"{name}=***" in line["target"] for line in lines), lines
    assert secret not in server.log()


def test_credentials_and_contents_are_not_logged(server):
    secrets = [f"{CANARY}{i}" for i in range(12)]
    server.secrets += secrets
    login = server.user()
    key = server.key(login, "pyrus")["security_key"]
    token = server.log_in(login, key)["access_token"]
    native = server.native()
    last = None
    for headers in (bearer(secrets[0]), [("Authorization", "Basic " + secrets[1])], [("Authorization", secrets[2])],
                    [("Cookie", "session=" + secrets[3])]):
        server.ask("GET", "/v1/native/files", headers)
        server.ask("GET", "/v4/profile", headers)
    server.ask("POST", "/v4/auth", json_head(), json.dumps({"login": login, "security_key": secrets[4]}).encode())
    server.ask("POST", "/v4/auth", json_head(), b'{"login": "' + secrets[5].encode())
    server.ask("POST", "/v4/files/upload", [FORM, *bearer(token)], form(file_part("a", secrets[6].encode() * 10)))
    server.ask("POST", "/v4/files/upload", [FORM, *bearer(token)], secrets[7].encode())
    server.ask("PUT", "/v1/native/files/a", bearer(native), secrets[8].encode() * 5000)
    server.ask("POST", "/v4/tasks", json_head(token), json.dumps({"text": secrets[9]}).encode())
    server.ask("GET", "http://user:" + secrets[10] + "@a/health", host="a")
    last = server.ask("GET", "/p/" + secrets[11] + "/n/x/b/y/o/z")
    server.request_line(last)
    server.cais("user", "password", login, text=secrets[0] + "-password\n")
    server.check_log()
    assert CANARY not in server.log()
    audit = "\n".join(json.dumps(e) for e in server.cais_json("audit", "--limit", "10000"))
    for secret in server.secrets:
        assert secret not in audit


def test_secrets_are_stored_only_as_hashes(server):
    """No file of the data directory contains a secret."""
    native = server.native()
    assert server.ask("GET", "/v1/native/files", bearer(native)).status == 200
    pyrus = server.pyrus()
    for folder, _, files in os.walk(server.data):
        for name in files:
            path = os.path.join(folder, name)
            if not os.path.isfile(path):
                continue
            with open(path, "rb") as f:
                data = f.read()
            for secret in (native, pyrus, server.secrets[-2]):
                assert secret.encode() not in data, name


def test_the_text_format_is_readable_and_contains_no_secrets(tmp_path):
    with Server(tmp_path, "--log-format", "text") as server:
        answer = server.ask("GET", '/nowhere/"\n'.replace("\n", "%0a") + f"?access_token={CANARY}", bearer(CANARY))
        wanted = answer.header("X-Request-Id")
        line = wait_for("the line", lambda: next((l for l in server.log().split("\n")[:-1] if wanted in l), None))
        assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ info +request +127\.0\.0\.1 GET "/nowhere/\\"%0a\?access_token=\*\*\*"'
                            r" 400 in=0 out=\d+ \d+ms id=[0-9a-f]{16}", line), line
        assert CANARY not in server.log() and "{" not in server.log()


@pytest.mark.parametrize("option", ["log.requests=false", "log.level=warning"])
def test_the_lines_of_requests_can_be_turned_off(tmp_path, option):
    with Server(tmp_path, sets=[option]) as server:
        assert server.ask("GET", "/health").status == 200
        server.stop()
        assert not [line for line in server.log_lines() if line["msg"] == "request"]
        assert bool(server.log()) == (option == "log.requests=false")


# ── a log that nobody reads, and one that is rotated


def read_pipe(pipe, into):
    while data := os.read(pipe, 65536):
        into.append(data)


def dropped_and_ids(lines):
    dropped = sum(line["lines"] for line in lines if line["msg"] == "lines of the log were dropped")
    return dropped, [line["request_id"] for line in lines if line["msg"] == "request"]


def test_a_stopped_reader_of_the_log_stopped_the_server(tmp_path):
    reader, writer = os.pipe()
    with Server(tmp_path, log_to=writer) as server:
        os.close(writer)
        asked, long = 0, "/nowhere?" + "a" * 2000
        while server.metrics()["cais_log_dropped_lines_total"] == 0:  # the pipe and the queue are full
            with server.connect() as client:
                for _ in range(100):
                    asked += 1
                    assert client.ask("GET", long).status == 403
        assert server.ask("GET", "/health").status == 200
        server.cais("user", "list")
        read = []
        thread = threading.Thread(target=read_pipe, args=(reader, read))
        thread.start()
        wait_for("room in the queue", lambda: b"lines of the log were dropped" in b"".join(read))
        last = server.ask("GET", "/health").header("X-Request-Id")
        wait_for("the last line", lambda: last.encode() in b"".join(read))
        server.stop()
        thread.join()
        os.close(reader)
    dropped, ids = dropped_and_ids([json.loads(line) for line in b"".join(read).splitlines()])
    assert dropped > 0 and len(ids) == len(set(ids)) and asked > len(ids) >= asked - dropped


def test_a_server_stops_although_the_reader_of_its_log_has_stopped(tmp_path):
    reader, writer = os.pipe()
    with Server(tmp_path, log_to=writer) as server:
        os.close(writer)
        for _ in range(100):
            server.ask("GET", "/nowhere?" + "a" * 2000)
        server.stop()  # within the time limit of wait_end, with status 0
    os.close(reader)


def test_no_line_is_lost_when_the_log_is_rotated_under_load(tmp_path):
    log = tmp_path / "requests.log"
    with Server(tmp_path, sets=[f"log.file={log}"]) as server:
        assert stat.S_IMODE(log.stat().st_mode) == 0o640 & ~umask()
        sent, over = [[] for _ in range(4)], threading.Event()

        def load(i):
            with server.connect() as client:
                while not over.is_set():
                    sent[i].append(client.ask("GET", "/health").header("X-Request-Id"))

        def rotate():
            for i in range(5):
                before = sum(map(len, sent))
                wait_for("requests", lambda: sum(map(len, sent)) > before + 20)
                os.rename(log, f"{log}.{i}")
                server.signal(signal.SIGHUP)
                wait_for("the new file", lambda: log.exists() and log.stat().st_size)
            over.set()
        in_threads(5, lambda i: load(i) if i < 4 else rotate())
        server.stop()
        assert server.log() == ""
    lines = []
    for name in [f"{log}.{i}" for i in range(5)] + [log]:
        with open(name, encoding="utf-8") as f:
            lines += [json.loads(line) for line in f]
    dropped, ids = dropped_and_ids(lines)
    assert dropped == 0 and sorted(ids) == sorted(id for one in sent for id in one)
    places = {id: i for i, id in enumerate(ids)}
    for one in sent:  # the order of each client is kept
        assert [places[id] for id in one] == sorted(places[id] for id in one)
    assert [line["msg"] for line in lines].count("log opened again") == 5 and lines[-1]["msg"] == "stopped"


def umask():
    now = os.umask(0)
    os.umask(now)
    return now


def test_a_log_file_that_cannot_be_made_is_an_error_at_the_start(tmp_path):
    done = subprocess.run([BINARY, "serve", "--data", tmp_path / "data", "--set", f"log.file={tmp_path}/missing/log"],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and f"{tmp_path}/missing/log" in done.stderr


# ── the audit log


def events(server):
    return list(reversed(server.cais_json("audit", "--limit", "10000")))


def test_the_audit_log_records_actor_action_and_subject(tmp_path):
    with Server(tmp_path) as server:
        ana = server.user("ana@example.org")
        key = server.key(ana, "native")
        pyrus = server.key(ana, "pyrus")
        token = server.log_in(ana, pyrus["security_key"])["access_token"]
        put = server.ask("PUT", "/v1/native/files/a.txt", bearer(key["token"]), b"hello")
        post = server.ask("POST", "/v4/files/upload", [FORM, *bearer(token)], form(file_part("b.txt", b"hello")))
        task = server.ask("POST", "/v4/tasks", json_head(token), json.dumps({"text": "t", "attachments": [post.json()["guid"]]}).encode())
        gone = server.ask("DELETE", "/v1/native/files/" + put.json()["id"], bearer(key["token"]))
        server.cais("account", "limit", "default", "--max-files", "10")
        server.cais("key", "revoke", str(key["id"]))
        server.cais("user", "disable", ana)
        server.cais("user", "enable", ana)
        server.cais("user", "delete", ana)
        seen = [(e["actor"], e["action"], e["subject"]) for e in events(server)]
        file_a, file_b = "file:" + put.json()["id"], "file:" + post.json()["guid"]
        for wanted in (("operator", "user.create", "user:" + ana), (ana, "file.store", file_a), (ana, "file.store", file_b),
                       (ana, "file.delete", file_a), ("operator", "account.limit", "account:default"),
                       ("operator", "user.disable", "user:" + ana), ("operator", "user.enable", "user:" + ana),
                       ("operator", "user.delete", "user:" + ana)):
            assert seen.count(wanted) == 1, (wanted, seen)
        minted = [subject for _, action, subject in seen if action == "key.mint"]  # the first: the key of the server
        assert minted[-2:] == [f"key:{made['id']}" for made in (key, pyrus)] and len(minted) == 3, seen
        assert [s for s in seen if s[1] == "key.revoke" and str(key["id"]) in s[2]], seen
        assert task.status == 200 and gone.status == 204
        by_request = {e["request_id"]: e for e in events(server) if e["request_id"]}
        for answer in (put, post, task, gone):
            assert by_request[answer.header("X-Request-Id")]["actor"] == ana
        assert next(e for e in events(server) if e["subject"] == file_a)["detail"] == "a.txt"


def test_failed_requests_add_no_audit_event(tmp_path):
    with Server(tmp_path) as server:
        before = events(server)
        server.ask("PUT", "/v1/native/files/a", bearer("nobody"), b"hello")
        server.ask("POST", "/v4/auth", json_head(), b'{"login": "x", "security_key": "y"}')
        server.cais("user", "disable", "nobody", check=False)
        assert events(server) == before


def test_audit_events_cannot_be_changed_or_deleted(tmp_path):
    server = Server(tmp_path)
    server.user()
    server.stop()
    (path,) = [os.path.join(d, f) for d, _, files in os.walk(server.data) for f in files
               if open(os.path.join(d, f), "rb").read(15) == b"SQLite format 3"]
    db = sqlite3.connect(path)
    try:
        count = db.execute("SELECT COUNT(*) FROM events").fetchone()[0]
        assert count > 0
        for change in ("UPDATE events SET action = 'x'", "DELETE FROM events", "DELETE FROM events WHERE id = 1",
                       "UPDATE events SET at_ms = 0 WHERE id = 1"):
            with pytest.raises(sqlite3.DatabaseError):
                db.execute(change)
            db.rollback()
        assert db.execute("SELECT COUNT(*) FROM events").fetchone()[0] == count
    finally:
        db.close()


def test_missing_bytes_are_logged_as_corruption(server):
    token = server.pyrus()
    guid = server.ask("POST", "/v4/files/upload", [FORM, *bearer(token)], form(file_part("a", bytes(100_000)))).json()["guid"]
    task = server.ask("POST", "/v4/tasks", json_head(token), json.dumps({"text": "t", "attachments": [guid]}).encode())
    attached = task.json()["task"]["attachments"][0]["id"]
    for folder, _, names in os.walk(os.path.join(server.data, "blobs")):
        for name in names:
            os.unlink(os.path.join(folder, name))
    answer = server.ask("GET", f"/v4/files/download/{attached}", bearer(token))
    is_pyrus_error(answer, 404, "file_is_missing")
    line = server.wait_log(lambda l: l["msg"] == "request failed" and l["request_id"] == answer.header("X-Request-Id"))
    assert (line["level"], line["kind"]) == ("error", "corrupt")


def test_a_form_that_asks_for_an_unsupported_feature_is_not_logged_as_a_failure(tmp_path):
    with Server(tmp_path, "--s3-listen", "127.0.0.1:0") as server:
        key, host = server.key(server.user(), "s3"), server.run["s3_listen"][0]
        signer = Signer(key["access_key_id"], key["secret_access_key"])
        made = server.ask("PUT", "/photos", signer.headers("PUT", host, "/photos").items() - {("host", host)}, b"", host, kind="s3_listen")
        assert made.status == 200, made
        fields = signer.form("photos", "k", 0, 9, more={"x-amz-server-side-encryption": "AES256"})
        parts = [(f'Content-Disposition: form-data; name="{name}"'.encode(), value.encode()) for name, value in fields.items()]
        answer = server.ask("POST", "/photos", [FORM], form(*parts, file_part("a", b"hello")), host, kind="s3_listen")
        assert answer.status == 501 and b"<Code>NotImplemented<" in answer.body, answer
        assert server.wait_log(lambda line: line.get("request_id") == answer.header("x-amz-request-id"))["level"] == "info"
        assert "request failed" not in server.log()


# ── on a terminal


@pytest.mark.parametrize("options,is_text", [
    ((), True), (("--log-format", "json"), False), (("--set", "log.format=json"), False), (("--log-format", "text"), True),
])
def test_a_person_at_a_terminal_got_json(tmp_path, options, is_text):
    with Terminal([BINARY, "serve", "--data", tmp_path / "data", "--listen", "127.0.0.1:0", *options], tmp_path, 200) as terminal:
        terminal.wait_for("127.0.0.1:")
        terminal.wait_for("cais is ready")
        terminal.interrupt()
        code, lines = terminal.end()
    assert code == 0
    said = [line for line in lines if "cais is ready" in line or "stopped" in line]
    assert len(said) == 2
    for line in said:
        assert line.startswith("{") != is_text and (not is_text or re.match(r"\d{4}-\d\d-\d\dT[\d:]+Z info ", line)), line


def test_a_log_file_has_json_although_a_person_started_the_server(tmp_path):
    with Terminal([BINARY, "serve", "--data", tmp_path / "data", "--listen", "127.0.0.1:0", "--set", f"log.file={tmp_path / 'log'}"],
                  tmp_path, 200) as terminal:
        wait_for("the log", lambda: (tmp_path / "log").exists() and "cais is ready" in (tmp_path / "log").read_text())
        terminal.interrupt()
        assert terminal.end()[0] == 0
    for line in (tmp_path / "log").read_text().splitlines():
        json.loads(line)
