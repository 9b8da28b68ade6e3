# SPDX-License-Identifier: Apache-2.0
"""Administration in the native API, on a whole server: what several do at once, and what the log says of it."""
import json
import threading

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
