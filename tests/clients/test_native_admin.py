# SPDX-License-Identifier: Apache-2.0
"""Administration in the native API, on a whole server: what several do at once, and what the log says of it."""
import json
import threading
from urllib.parse import urlsplit

import pytest

from server import Server, bearer, is_native_error, json_head, request

USERS = "/v1/native/account/users"
ROUNDS = 12


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path) as running:
        yield running


def ask(server, method, target, token, body=None):
    head = json_head(token) if body is not None else bearer(token)
    return server.ask(method, target, head, json.dumps(body).encode() if body is not None else None)


def users(server, token):
    answer = ask(server, "GET", USERS, token)
    assert answer.status == 200, answer
    return {user["login"]: user for user in answer.json()["users"]}


def test_of_two_administrators_who_remove_each_other_at_once_one_stays(server):
    for n in range(ROUNDS):
        server.cais("account", "add", f"a{n}")
        tokens = [server.key(server.user(f"{who}{n}", "--account", f"a{n}", "--admin"), "native")["token"] for who in ("ana", "bea")]
        ids = [user["id"] for user in users(server, tokens[0]).values()]
        statuses = [None, None]
        start = threading.Barrier(2)

        def remove(own, other):
            start.wait()
            statuses[own] = ask(server, "DELETE", f"{USERS}/{ids[other]}", tokens[own]).status
        threads = [threading.Thread(target=remove, args=(own, 1 - own)) for own in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses)[0] == 204 and sorted(statuses)[1] in (401, 403), statuses
        left = users(server, tokens[statuses.index(204)])
        assert [user["admin"] for user in left.values()] == [True], left


def test_no_secret_of_an_administrator_is_in_the_log(server):
    boss = server.native("--admin")
    login = server.user()
    ana = users(server, boss)[login]["id"]
    password = "a password that nobody logs"
    assert ask(server, "PUT", f"{USERS}/{ana}/password", boss, {"password": password}).status == 204
    link = ask(server, "POST", f"{USERS}/{ana}/link", boss).json()["path"].split("#")[1]
    made = ask(server, "POST", "/v1/native/account/keys", boss, {"login": login, "for": "s3"}).json()
    server.secrets += [password, link, made["parts"]["secret_access_key"]]  # the end of the server looks for them in its log
    audit = ask(server, "GET", "/v1/native/account/events?limit=200", boss)
    assert not any(secret in audit.body.decode() for secret in server.secrets), "a secret is in the audit log"
    is_native_error(ask(server, "GET", "/v1/native/account/events?limit=100000", boss), 400, "invalid")


def test_a_key_that_was_made_works_until_it_is_revoked(server):
    boss = server.native("--admin")
    made = ask(server, "POST", "/v1/native/account/keys", boss, {"login": server.user(), "for": "native"}).json()
    token = made["parts"]["token"]
    server.secrets.append(token)
    assert ask(server, "GET", "/v1/native/files", token).status == 200
    is_native_error(ask(server, "GET", "/v1/native/account/keys", token), 403, "forbidden")
    assert ask(server, "DELETE", f"/v1/native/account/keys/{made['id']}", boss).status == 204
    is_native_error(ask(server, "GET", "/v1/native/files", token), 401, "unauthenticated")


@pytest.mark.parametrize("path, body, done", [
    ("/v1/native/account/keys", {"login": "other", "for": "native"}, 201),
    (USERS, {"login": "ghost"}, 201),
    (USERS + "/{other}/link", {}, 201),
    (USERS + "/{other}/password", {"password": "long enough"}, 204)])
@pytest.mark.parametrize("ending", ["disabled", "no administrator any more"])
def test_what_an_administrator_asked_for_is_403_once_its_rights_have_ended(server, path, body, done, ending):
    """The rights end between the head of the request and its body. A user who is the subject and disabled is 409, and not 403."""
    boss, other = server.user("boss", "--admin"), server.user("other")
    keeper, token = server.native("--admin"), server.key(boss, "native")["token"]
    ids = {login: user["id"] for login, user in users(server, keeper).items()}
    method = "PUT" if done == 204 else "POST"
    text = json.dumps(body).encode()
    with server.connect() as client:
        client.send(request(method, path.format(**ids), [*json_head(token), ("Content-Length", str(len(text))), ("Expect", "100-continue")]))
        assert client.answer(interim=True).status == 100  # the head has been admitted
        change = {"state": "disabled"} if ending == "disabled" else {"admin": False}
        assert ask(server, "PATCH", f"{USERS}/{ids['boss']}", keeper, change).status == 200
        client.send(text)
        is_native_error(client.answer(), 403, "forbidden")
    assert "ghost" not in users(server, keeper)
    if "keys" in path or "link" in path:
        assert ask(server, "PATCH", f"{USERS}/{ids[other]}", keeper, {"state": "disabled"}).status == 200
        is_native_error(ask(server, method, path.format(**ids), keeper, body), 409, "conflict")


def in_mid_request(server, ending, keeper, boss, token, method, path, body, head=json_head):
    """The reply to a request whose head was admitted before the rights of who asks end, and whose body came after."""
    boss_id = users(server, keeper)[boss]["id"]
    with server.connect() as client:
        client.send(request(method, path, [*head(token), ("Content-Length", str(len(body))), ("Expect", "100-continue")]))
        assert client.answer(interim=True).status == 100
        change = {"state": "disabled"} if ending == "disabled" else {"admin": False}
        assert ask(server, "PATCH", f"{USERS}/{boss_id}", keeper, change).status == 200
        client.send(body)
        return client.answer()


COLUMNS = [{"name": "a", "type": "integer"}]


@pytest.mark.parametrize("method, path, body", [
    ("POST", "/v1/native/spaces", b'{"name":"ghost"}'),
    ("PATCH", "/v1/native/spaces/{space}", b'{"name":"ghost"}'),
    ("PUT", "/v1/native/spaces/{space}/members/other", b'{"role":"administrator"}'),
    ("POST", "/v1/native/folders/{root}/folders", b'{"name":"ghost"}'),
    ("PUT", "/v1/native/folders/{root}/files/ghost", b"x" * 40000),
    ("POST", "/v1/native/datasets", json.dumps({"name": "ghost", "columns": COLUMNS}).encode()),
    ("PATCH", "/v1/native/datasets/d", b'{"name":"ghost"}'),
    ("PUT", "/v1/native/datasets/d/files/ghost.jsonl", b'{"a":1}\n' * 5000),
    ("POST", "/v1/native/datasets/d/process", b"{}")])
@pytest.mark.parametrize("ending", ["disabled", "no administrator any more"])
def test_an_administrator_no_more_made_a_space_or_a_dataset_by_a_request_under_way(server, method, path, body, ending):
    boss, _ = server.user("boss", "--admin"), server.user("other")
    keeper, token = server.native("--admin"), server.key(boss, "native")["token"]
    space = ask(server, "POST", "/v1/native/spaces", keeper, {"name": "s"}).json()
    assert ask(server, "POST", "/v1/native/datasets", keeper, {"name": "d", "processing": "manual", "columns": COLUMNS}).status == 201
    names = [f"/v1/native/{what}" for what in ("spaces", f"spaces/{space['id']}/members", f"folders/{space['root']}/folders",
                                               f"folders/{space['root']}/files", "datasets", "datasets/d/files")]

    def state():
        return {name: ask(server, "GET", name, keeper).json() for name in names}
    before = state()
    refused = in_mid_request(server, ending, keeper, boss, token, method, path.format(space=space["id"], root=space["root"]), body)
    is_native_error(refused, 403, "forbidden")
    assert state() == before
    assert "clean" in server.cais("fsck").stdout


@pytest.mark.parametrize("into", ["folder={root}", "dataset=d"])
@pytest.mark.parametrize("ending", ["disabled", "no administrator any more"])
def test_an_administrator_no_more_ended_an_upload_by_a_request_under_way(server, into, ending):
    boss = server.user("boss", "--admin")
    keeper, token = server.native("--admin"), server.key(boss, "native")["token"]
    space = ask(server, "POST", "/v1/native/spaces", keeper, {"name": "s"}).json()
    assert ask(server, "POST", "/v1/native/datasets", keeper, {"name": "d", "processing": "manual", "columns": COLUMNS}).status == 201
    body = b'{"a":1}\n' * 5000

    def tus(of, *more):
        return [("Authorization", "Bearer " + of), ("Tus-Resumable", "1.0.0"), *more]
    begun = server.ask("POST", "/v1/native/uploads?" + into.format(root=space["root"]),
                       tus(token, ("Upload-Length", str(len(body))), ("Upload-Metadata", "filename Z2hvc3QuanNvbmw=")))
    assert begun.status == 201, begun
    place = urlsplit(begun.header("Location")).path
    refused = in_mid_request(server, ending, keeper, boss, token, "PATCH", place, body,
                             lambda of: tus(of, ("Content-Type", "application/offset+octet-stream"), ("Upload-Offset", "0")))
    assert refused.status == 403, refused
    for files in (f"/v1/native/folders/{space['root']}/files", "/v1/native/datasets/d/files", "/v1/native/files"):
        assert ask(server, "GET", files, keeper).json()["files"] == [], files
    assert "clean" in server.cais("fsck").stdout


@pytest.mark.parametrize("ending", ["disabled", "no administrator any more"])
def test_the_rights_that_a_person_has_without_being_an_administrator_stay(server, ending):
    """Whoever is a manager of a space, and no administrator any more, is refused once, in mid-request, and then has those rights."""
    boss = server.user("boss", "--admin")
    keeper, token = server.native("--admin"), server.key(boss, "native")["token"]
    space = ask(server, "POST", "/v1/native/spaces", keeper, {"name": "s"}).json()
    assert ask(server, "PUT", f"/v1/native/spaces/{space['id']}/members/boss", keeper, {"role": "editor"}).status in (200, 201)
    path = f"/v1/native/folders/{space['root']}/folders"
    is_native_error(in_mid_request(server, ending, keeper, boss, token, "POST", path, b'{"name":"a"}'), 403, "forbidden")
    again = ask(server, "POST", path, token, {"name": "a"})
    assert again.status == (403 if ending == "disabled" else 201), again
