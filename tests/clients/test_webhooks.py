# SPDX-License-Identifier: Apache-2.0
"""Webhooks: what receivers are sent, to which addresses, and what becomes of deliveries that fail."""
import base64
import hashlib
import hmac
import json
import os
import re
import sqlite3
import ssl
import subprocess
import threading
import time

import pytest

from receiver import Receiver
from server import TIMEOUT_S, Authority, Server, bearer, wait_for

LOCAL = "webhooks.networks=127.0.0.0/8"


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path, sets=[LOCAL]) as running:
        yield running


def add(server, url, *options):
    made = server.cais_json("webhook", "add", url, *options)[0]
    server.secrets.append(made["secret"])
    return made


def deliveries(server, made, *options):
    return server.cais_json("webhook", "deliveries", str(made["id"]), *options)


def delivery_that(server, made, test, seconds=TIMEOUT_S):
    return wait_for("a delivery", lambda: next((d for d in deliveries(server, made) if test(d)), None), seconds)


def is_signed(request, secret):
    """As a receiver of Standard Webhooks checks a message."""
    h = request["headers"]
    signed = f"{h['webhook-id']}.{h['webhook-timestamp']}.".encode() + request["body"]
    mac = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    fresh = abs(time.time() - int(h["webhook-timestamp"])) < 300
    return h["webhook-signature"] == "v1," + base64.b64encode(mac).decode() and fresh


def test_each_event_of_a_file_is_told_and_signed(server):
    with Receiver() as receiver:
        made = add(server, receiver.url())
        token = server.native()
        file = server.ask("PUT", "/v1/native/files/a.txt", bearer(token), b"bytes").json()
        stored = receiver.next()
        assert server.ask("DELETE", "/v1/native/files/" + file["id"], bearer(token)).status in (200, 204)
        deleted = receiver.next()
    for request, kind in ((stored, "file.store"), (deleted, "file.delete")):
        assert is_signed(request, made["secret"]) and not is_signed(request, "whsec_" + base64.b64encode(b"x" * 32).decode())
        assert request["headers"]["content-type"].startswith("application/json") and request["path"] == "/hook"
        body = json.loads(request["body"])
        assert list(body) == ["type", "timestamp", "data"] and body["type"] == kind
        assert body["data"]["subject"] == "file:" + file["id"] and body["data"]["detail"] == "a.txt"
    told = json.loads(stored["body"])["data"]["file"]
    assert (told["id"], told["name"], told["size"], told["md5"]) == (file["id"], "a.txt", 5, hashlib.md5(b"bytes").hexdigest())
    assert stored["headers"]["webhook-id"] != deleted["headers"]["webhook-id"]
    listed = wait_for("both", lambda: (lambda all_: len(all_) == 2 and all(d["state"] == "delivered" for d in all_) and all_)(
        deliveries(server, made)))
    assert [(d["event"], d["status"], d["attempts"]) for d in listed] == [("file.store", 200, 1), ("file.delete", 200, 1)]
    assert server.cais_json("webhook", "list")[0]["waiting"] == 0
    for secret in ("whsec_", made["secret"][6:]):
        assert secret not in server.cais("webhook", "list").stdout + server.cais("webhook", "list", "--json").stdout


def test_only_the_events_that_were_asked_for_are_told(server):
    with Receiver() as receiver:
        made = add(server, receiver.url(), "--event", "file.delete", "--event", "task.")
        token = server.native()
        file = server.ask("PUT", "/v1/native/files/a", bearer(token), b"1").json()
        server.ask("DELETE", "/v1/native/files/" + file["id"], bearer(token))
        assert json.loads(receiver.next()["body"])["type"] == "file.delete"
        assert [d["event"] for d in deliveries(server, made)] == ["file.delete"]


def test_another_account_is_not_told(server):
    server.cais("account", "add", "other")
    with Receiver() as receiver:
        made = add(server, receiver.url(), "--account", "other")
        server.ask("PUT", "/v1/native/files/a", bearer(server.native()), b"1")
        other = server.native("--account", "other")
        server.ask("PUT", "/v1/native/files/b", bearer(other), b"1")
        assert json.loads(receiver.next()["body"])["data"]["detail"] == "b"
        assert len(deliveries(server, made)) == 1


def test_a_failed_attempt_is_repeated_with_the_same_id_and_can_be_retried_by_hand(server):
    answers = iter([(500, b"no"), (200, b"")])
    with Receiver(lambda _: next(answers)) as receiver:
        made = add(server, receiver.url())
        server.cais("webhook", "test", str(made["id"]))
        first = receiver.next()
        waiting = delivery_that(server, made, lambda d: d["attempts"] == 1)
        assert (waiting["state"], waiting["status"], waiting["error"]) == ("waiting", 500, "the answer was 500")
        assert server.cais("webhook", "retry", str(waiting["id"])).stdout == "1 due now\n"
        second = receiver.next()
        delivery_that(server, made, lambda d: d["state"] == "delivered")
    assert json.loads(first["body"]) == json.loads(second["body"]) and json.loads(first["body"])["type"] == "webhook.test"
    assert first["headers"]["webhook-id"] == second["headers"]["webhook-id"]
    assert is_signed(second, made["secret"])


def test_an_event_that_came_before_a_kill_is_told_after_it(server):
    started, go = threading.Event(), threading.Event()

    def slow(_):
        started.set()
        go.wait(TIMEOUT_S)
        return 200, b""
    with Receiver(slow) as receiver:
        made = add(server, receiver.url())
        server.ask("PUT", "/v1/native/files/a", bearer(server.native()), b"1")
        assert started.wait(TIMEOUT_S)
        server.process.kill()
        server.process.wait()
        go.set()
        first = receiver.next()
        server.start()
        again = receiver.next()
        assert first["headers"]["webhook-id"] == again["headers"]["webhook-id"]
        delivery_that(server, made, lambda d: d["state"] == "delivered")


def test_a_slow_receiver_delayed_the_others(server):
    go = threading.Event()
    with Receiver(lambda _: (go.wait(TIMEOUT_S), (200, b""))[1]) as slow, Receiver() as quick:
        stuck, fine = add(server, slow.url()), add(server, quick.url())
        token = server.native()
        for n in range(10):
            server.ask("PUT", f"/v1/native/files/{n}", bearer(token), b"1")
        for _ in range(10):
            quick.next(10)
        slow.next()
        assert sum(d["state"] == "waiting" for d in deliveries(server, stuck)) == 10 and slow.got.qsize() <= 1
        go.set()
        for _ in range(9):
            slow.next()
        assert len(deliveries(server, fine)) == 10


# ── where they go


def refused(server, url, *options):
    """What the only attempt failed of."""
    made = add(server, url.replace("http://", "https://"), *options)
    if url.startswith("http://"):  # as it was taken once, and as a listed network that was taken off the list leaves it
        with sqlite3.connect(os.path.join(server.data, "cais.db")) as db:
            db.execute("UPDATE webhooks SET url = ? WHERE id = ?", (url, made["id"]))
    server.cais("webhook", "test", str(made["id"]))
    return delivery_that(server, made, lambda d: d["attempts"] == 1)["error"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "10.0.0.1",
                                  "169.254.169.254", "192.168.1.1", "[fe80::1]", "[fd00::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_request_forgery_by_a_webhook_to_a_private_address(tmp_path_factory, host, scheme):
    server = unlisted(tmp_path_factory)
    with Receiver() as receiver:
        why = refused(server, f"{scheme}://{host}:{receiver.port}/")
        assert "webhooks.networks" in why or "connect" in why.lower() or "resolve" in why.lower(), why
        if host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"):
            assert "webhooks.networks" in why, why
        assert receiver.got.empty()


SHARED = {}


def unlisted(factory):
    """A server that lists no network, for all tests that need one."""
    if "server" not in SHARED:
        SHARED["server"] = Server(factory.mktemp("unlisted"))
    return SHARED["server"]


@pytest.fixture(scope="module", autouse=True)
def stop_shared():
    yield
    if "server" in SHARED:
        SHARED.pop("server").stop()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_led_a_webhook_elsewhere(server, status):
    with Receiver() as target, Receiver(lambda _: (status, b"", {"Location": target.url()})) as receiver:
        assert refused(server, receiver.url()) == f"the answer was {status}"
        assert target.got.empty()


def test_an_answer_is_read_up_to_1_mib(server):
    with Receiver(lambda r: (200, b"x" * ((1 << 20) + (r["path"] == "/more")))) as receiver:
        fits = add(server, receiver.url("/fits"))
        server.cais("webhook", "test", str(fits["id"]))
        assert delivery_that(server, fits, lambda d: d["attempts"] == 1)["state"] == "delivered"
        assert "1 MiB" in refused(server, receiver.url("/more"))


def test_certificates_are_verified(tmp_path):
    (tmp_path / "ca").mkdir()
    (tmp_path / "other").mkdir()
    trusted, other = Authority(tmp_path / "ca"), Authority(tmp_path / "other")

    def tls(authority, hosts):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue("hook", hosts))
        return context
    with Server(tmp_path, sets=[LOCAL, "webhooks.ca=" + trusted.pem]) as server:
        with Receiver(tls=tls(trusted, ["localhost"])) as good, Receiver(tls=tls(other, ["localhost"])) as unknown:
            made = add(server, good.url(host="localhost"))
            server.cais("webhook", "test", str(made["id"]))
            assert json.loads(good.next()["body"])["type"] == "webhook.test"
            assert "certificate" in refused(server, unknown.url(host="localhost")).lower()
            assert unknown.got.empty()


def test_a_proxy_of_the_environment_is_not_used(tmp_path, monkeypatch):
    with Receiver() as proxy, Receiver() as receiver:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url(""))
        with Server(tmp_path, sets=[LOCAL]) as server:
            made = add(server, receiver.url())
            server.cais("webhook", "test", str(made["id"]))
            receiver.next()
            assert proxy.got.empty()


# ── the commands


@pytest.mark.parametrize("url", ["", "ftp://example.org/", "file:///etc/passwd", "https://", "https://a b/", "https://user:pw@example.org/",
                                 "https://example.org/#x", "https://example.org/\\x", "https://" + "a" * 2000, "https:///x", "https://:80/"])
def test_an_impossible_url_is_refused(server, url):
    done = server.cais("webhook", "add", url, check=False)
    assert done.returncode == 1 and done.stdout == "" and "the URL" in done.stderr
    assert server.cais("webhook", "list").stdout == ""


@pytest.mark.parametrize("arguments,words", [
    (["add", "https://example.org/", "--for", "nobody"], "there are no webhooks for 'nobody'; there are: events"),
    (["add"], "try 'cais webhook add --help'"), (["retry"], "--failed-of"), (["retry", "1", "--failed-of", "1"], "--failed-of"),
    (["remove", "x"], "not the number of a webhook"), (["deliveries", "0"], "not the number of a webhook")])
def test_wrong_usage_says_what_is_right(server, arguments, words):
    done = server.cais("webhook", *arguments, check=False)
    assert done.returncode == 2 and done.stdout == "" and words in done.stderr


@pytest.mark.parametrize("arguments", [["add", "https://example.org/", "--event", "user.create"],
                                       ["add", "https://example.org/", "--user", "nobody@example.org"],
                                       ["remove", "77"], ["deliveries", "77"], ["retry", "77"], ["retry", "--failed-of", "77"], ["test", "77"]])
def test_what_does_not_exist_is_a_failure(server, arguments):
    done = server.cais("webhook", *arguments, check=False)
    assert done.returncode == 1 and done.stdout == "" and done.stderr.startswith("cais webhook " + arguments[0] + ": ")


@pytest.mark.parametrize("networks, url, taken", [
    ("", "http://localhost/", False), ("", "http://127.0.0.1:80/x", False), ("", "http://example.org/", False), ("", "https://example.org/", True),
    ("10.0.0.0/8,fd00::/8", "http://127.0.0.1/", False), ("10.0.0.0/8,fd00::/8", "http://10.1.2.3:8080/x?y", True),
    ("10.0.0.0/8,fd00::/8", "http://[fd00::1]:80/", True), ("10.0.0.0/8,fd00::/8", "http://[fe80::1]/", False),
    ("10.0.0.0/8,fd00::/8", "http://inside.example.org/", True)])
def test_plain_http_to_an_address_that_is_not_listed_was_added(tmp_path, networks, url, taken):
    server = Server(tmp_path, start=False)
    server.cais("init")
    done = server.cais("webhook", "add", url, *(["--set", "webhooks.networks=" + networks] if networks else []), check=False)
    assert done.returncode == (0 if taken else 1), done
    assert taken or ("webhooks.networks" in done.stderr and "https" in done.stderr and done.stdout == "")
    assert bool(server.cais("webhook", "list").stdout) == taken


def test_a_webhook_that_is_removed_is_told_nothing_more(server):
    with Receiver(lambda _: (500, b"")) as receiver:
        made = add(server, receiver.url())
        server.cais("webhook", "test", str(made["id"]))
        receiver.next()
        assert server.cais("webhook", "remove", str(made["id"])).stdout == f"{made['id']} removed\n"
        server.ask("PUT", "/v1/native/files/a", bearer(server.native()), b"1")
        assert server.cais("webhook", "list").stdout == ""
        assert server.cais("webhook", "deliveries", str(made["id"]), check=False).returncode == 1
        assert receiver.got.empty()


def test_webhooks_work_without_a_server_too(tmp_path):
    server = Server(tmp_path, sets=[LOCAL])
    with Receiver() as receiver:
        server.user()
        server.stop()
        made = add(server, receiver.url(), "--set", LOCAL)
        server.cais("webhook", "test", str(made["id"]))
        assert [d["state"] for d in deliveries(server, made)] == ["waiting"]
        assert "waiting" in server.cais("webhook", "deliveries", str(made["id"])).stdout
        server.start()
        assert json.loads(receiver.next()["body"])["type"] == "webhook.test"
        server.stop()


# ── the Pyrus API


@pytest.fixture
def bot(server):
    """A function (answer) -> (receiver, webhook, login of the bot, its id); the bot is told of its tasks."""
    opened = []

    def open_bot(answer=lambda _: (200, b"")):
        receiver = Receiver(answer)
        opened.append(receiver)
        login = server.user("bot@example.org", "--name", "The Bot")
        made = add(server, receiver.url(), "--for", "pyrus", "--user", login)
        number = next(u["id"] for u in server.cais_json("user", "list") if u["login"] == login)
        return receiver, made, login, number
    yield open_bot
    for receiver in opened:
        receiver.__exit__()


def task_for(server, token, person, text="Please look"):
    body = {"text": text, "participants": [{"id": person}]}
    done = server.ask("POST", "/v4/tasks", bearer(token) + [("Content-Type", "application/json")], json.dumps(body).encode())
    assert done.status == 200, done
    return done.json()["task"]["id"]


def pyrus_signature(request, key):
    return hmac.new(key.encode(), request["body"], hashlib.sha1).hexdigest()


def test_the_signature_of_pyrus_is_that_of_its_test_vector():
    request = {"body": b'{"event":"comment","task_id":11}'}
    assert pyrus_signature(request, "sk-demo") == "87c7bcc96bd3bf34c71cc13fb10d1a9e1bcf677a"


def test_a_task_that_reaches_a_bot_is_sent_to_it_whole_with_a_token(server, bot):
    receiver, made, _, number = bot()
    token = server.pyrus()
    task = task_for(server, token, number)
    request = receiver.next()
    h = request["headers"]
    assert h["x-pyrus-sig"].lower() == pyrus_signature(request, made["secret"])
    assert (h["x-pyrus-retry"], h["user-agent"]) == ("1/3", "Pyrus-Bot-4")
    body = json.loads(request["body"])
    assert list(body) == ["event", "access_token", "task_id", "user_id", "bot_settings", "task"]
    assert (body["event"], body["task_id"], body["user_id"]) == ("task_created", task, number)
    server.secrets.append(body["access_token"])
    seen = server.ask("GET", f"/v4/tasks/{task}", bearer(body["access_token"]))
    assert seen.status == 200 and seen.json()["task"]["text"] == body["task"]["text"] == "Please look"
    server.ask("POST", f"/v4/tasks/{task}/comments", bearer(token) + [("Content-Type", "application/json")],
               json.dumps({"text": "and close", "action": "finished"}).encode())
    assert sorted(json.loads(receiver.next()["body"])["event"] for _ in range(2)) == ["close", "comment"]


def test_a_bot_answers_with_a_comment_and_is_not_told_of_it(server, bot):
    receiver, made, _, number = bot(lambda r: (200, json.dumps({"text": "I have seen it"}).encode()
                                               if b'"task_created"' in r["body"] else b""))
    token = server.pyrus()
    task = task_for(server, token, number)
    server.secrets.append(json.loads(receiver.next()["body"])["access_token"])
    wait_for("the comment", lambda: "I have seen it" in [
        c.get("text") for c in server.ask("GET", f"/v4/tasks/{task}", bearer(token)).json()["task"]["comments"]])
    wait_for("all deliveries", lambda: all(d["state"] == "delivered" for d in deliveries(server, made)) and len(deliveries(server, made)) == 2)
    assert receiver.got.empty()


def test_a_bot_is_not_told_of_tasks_of_others(server, bot):
    receiver, made, _, number = bot()
    token = server.pyrus()
    someone = server.user("someone@example.org")
    task_for(server, token, next(u["id"] for u in server.cais_json("user", "list") if u["login"] == someone), "not for the bot")
    task_for(server, token, number, "for the bot")
    told = json.loads(receiver.next()["body"])
    server.secrets.append(told["access_token"])
    assert told["task"]["text"] == "for the bot" and receiver.got.empty()


def test_webhooks_of_pyrus_are_of_a_user(server):
    done = server.cais("webhook", "add", "https://example.org/", "--for", "pyrus", check=False)
    assert done.returncode == 2 and "--user" in done.stderr


# ── the Runrun.it API


def test_an_account_is_told_of_its_tasks_and_comments_as_runrun_says(server):
    with Receiver() as receiver:
        made = add(server, receiver.url(), "--for", "runrun")
        login = server.user("ana@example.org", "--email", "ana@example.org")
        keys = server.key(login, "runrun")
        head = [("App-Key", keys["app_key"]), ("User-Token", keys["user_token"]), ("Content-Type", "application/json")]

        def ask(method, path, body):
            done = server.ask(method, "/api/v1.0" + path, head, json.dumps(body).encode())
            assert done.status < 300, done
            return json.loads(done.body) if done.body else None
        task = ask("POST", "/tasks", {"task": {"title": "Nota fiscal", "description": "por favor"}})
        comment = ask("POST", "/comments", {"task_id": task["id"], "text": "feito"})
        ask("PUT", f"/comments/{comment['id']}", {"text": "feito mesmo"})
        ask("DELETE", f"/tasks/{task['id']}", {})
        told = [receiver.next() for _ in range(2)]
        wait_for("all deliveries", lambda: all(d["state"] == "delivered" for d in deliveries(server, made)))
        while not receiver.got.empty():
            told.append(receiver.next())
    bodies = {}
    for request in told:
        mac = hmac.new(made["secret"].encode(), request["body"], hashlib.sha256).hexdigest()
        assert request["headers"]["x-cais-signature"] == "sha256=" + mac
        body = json.loads(request["body"])
        assert list(body) == ["event", "happened_at", "performer", "data"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d -0300", body["happened_at"])
        assert body["performer"] == {"id": "ana@example.org", "email": "ana@example.org"}
        bodies[body["event"]] = body["data"]
    # what was removed before its turn is told of no more; that it was removed is always told
    assert bodies["task:destroy"] == {"task": {"id": task["id"]}}
    assert set(bodies) <= {"task:create", "task:destroy", "task:comment:create", "task:comment:update"}
    if "task:create" in bodies:
        assert bodies["task:create"]["task"]["title"] == "Nota fiscal"


def test_a_confirmed_document_and_a_comment_are_told_as_the_api_shows_them(server):
    with Receiver() as receiver:
        made = add(server, receiver.url(), "--for", "runrun")
        keys = server.key(server.user(), "runrun")
        head = [("App-Key", keys["app_key"]), ("User-Token", keys["user_token"]), ("Content-Type", "application/json")]

        def ask(method, path, body):
            done = server.ask(method, "/api/v1.0" + path, head, json.dumps(body).encode())
            assert done.status < 300, done
            return json.loads(done.body) if done.body else None
        task = ask("POST", "/tasks", {"task": {"title": "Nota"}})
        first = json.loads(receiver.next()["body"])
        assert (first["event"], first["data"]["task"]["id"], first["data"]["task"]["title"]) == ("task:create", task["id"], "Nota")
        comment = ask("POST", "/comments", {"task_id": task["id"], "text": "feito"})
        told = json.loads(receiver.next()["body"])
        shown = json.loads(server.ask("GET", f"/api/v1.0/comments/{comment['id']}", head).body)
        assert told["event"] == "task:comment:create" and told["data"]["comment"] == shown
        ticket = ask("POST", f"/documents?task_id={task['id']}", {"document": {
            "data_file_name": "nota.pdf", "data_file_size": 5, "data_content_type": "application/pdf"}})
        fields = ticket["fog"]["fields"] if "fog" in ticket else ticket.get("upload_fields") or find_fields(ticket)
        parts = b"".join(f'--b\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in fields.items())
        body = parts + b'--b\r\nContent-Disposition: form-data; name="file"; filename="nota.pdf"\r\n\r\nbytes\r\n--b--\r\n'
        stored = server.ask("POST", "/runrunit", [("Content-Type", "multipart/form-data; boundary=b")], body)
        assert stored.status < 300, stored
        ask("POST", f"/documents/{ticket['id']}/mark_as_uploaded", {})
        told = json.loads(receiver.next()["body"])
        assert told["event"] == "document:uploaded" and told["data"]["document"]["file_name"] == "nota.pdf"
        assert told["data"]["document"]["id"] == ticket["id"] and made["id"] > 0


def find_fields(ticket):
    """The fields of the form, wherever in the ticket they are."""
    for value in ticket.values():
        if isinstance(value, dict) and "policy" in {k.lower() for k in value}:
            return value
        if isinstance(value, dict):
            found = find_fields(value)
            if found:
                return found
    return None
