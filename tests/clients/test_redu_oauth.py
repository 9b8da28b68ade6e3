# SPDX-License-Identifier: Apache-2.0
"""How applications get tokens for the Redu API: the command that makes them, and no secret in any output."""

import html
import json
import re
import urllib.parse

import pytest

from server import Server, bearer
from test_login import Browser, hidden, logged_in, person

CALLBACK = "https://app.example.org/back"
FORM = ("Content-Type", "application/x-www-form-urlencoded")
JSON = ("Content-Type", "application/json")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("oauth"), sets=["logins.failures_per_address=0"]) as started:
        yield started


def ask_token(server, **fields):
    return server.ask("POST", "/oauth/token", [FORM], urllib.parse.urlencode(fields).encode())


def of(app):
    return {"client_id": app["client_id"], "client_secret": app["client_secret"]}


def by_pin(server, app):
    return ask_token(server, grant_type="authorization_code", code=app["pin"], **of(app))


def me(server, token):
    return server.ask("GET", "/api/me", bearer(token))


# ── cais key add --for redu


def test_key_add_makes_an_application_whose_token_and_pin_work(server):
    login = server.user()
    made = server.key(login, "redu")
    assert list(made) == ["id", "access_token", "client_id", "client_secret", "pin"]
    assert [len(made[n]) for n in ("access_token", "client_id", "client_secret", "pin")] == [40, 20, 40, 20]
    assert me(server, made["access_token"]).json()["login"] == login
    tokens = [by_pin(server, made).json()["access_token"] for _ in range(2)]
    assert [me(server, t).json()["login"] for t in tokens] == [login, login] and tokens[0] != tokens[1]
    text = server.cais("key", "add", login, "--for", "redu").stdout
    assert re.fullmatch(r"key \d+ for \S+\naccess_token: \w{40}\nclient_id: \w{20}\nclient_secret: \w{40}\npin: \w{20}\n"
                        r"They are shown this once and kept as hashes only\.\n", text), text
    listed = next(k for k in server.cais_json("key", "list", login) if k["id"] == made["id"])
    assert (listed["for"], listed["client_id"]) == ("redu", made["client_id"]) and made["client_id"] in server.cais("key", "list", login).stdout
    server.cais("key", "revoke", str(made["id"]))
    assert {me(server, t).status for t in (made["access_token"], *tokens)} == {401}
    assert by_pin(server, made).json() == {"error": "invalid_client"}


def new_course(server):
    """A course, and who administers it."""
    boss = server.key(server.user(None, "--admin"), "redu")["access_token"]

    def post(target, kind, **fields):
        answer = server.ask("POST", target, [*bearer(boss), JSON], json.dumps({kind: fields}).encode())
        assert answer.status == 201, answer
        return answer.json()
    environment = post("/api/environments", "environment", name=f"E{server.users}", path=f"e{server.users}", initials="E")
    return post("/api/environments/%d/courses" % environment["id"], "course", name="C", path=f"c{server.users}")["id"], boss


@pytest.mark.parametrize("role", [None, "member", "tutor", "teacher", "administrator", "environment_admin"])
def test_key_add_enrols_the_user(server, role):
    course, boss = new_course(server)
    login = server.user()
    options = ["--course", str(course)] + (["--role", role] if role else [])
    made = server.key(login, "redu", *options)
    server.key(login, "redu", *options)  # again: no second enrolment
    assert server.ask("GET", f"/api/courses/{course}", bearer(made["access_token"])).status == 200
    enrolled = [e for e in server.ask("GET", f"/api/courses/{course}/enrollments", bearer(boss)).json()
                if [link for link in e["links"] if link["rel"] == "user" and link["href"].endswith(login.replace("@", "%40"))
                    or link["rel"] == "user" and link["href"].endswith(login)]]
    assert [(e["state"], e["role"]) for e in enrolled] == [("approved", {"administrator": "environment_admin"}.get(role, role or "member"))]


@pytest.mark.parametrize("options,code,said", [
    (["--for", "redu", "--course", "0"], 2, "--course"), (["--for", "redu", "--course", "x"], 2, "--course"),
    (["--for", "redu", "--role", "member"], 2, "--role needs --course"),
    (["--for", "redu", "--course", "1", "--role", "admin"], 2, "a role is member, tutor, teacher, administrator"),
    (["--for", "redu", "--course", "999999"], 1, "there is no course 999999"),
    (["--for", "redu", "--callback", "javascript:alert(1)"], 1, "a callback is an absolute http or https URL"),
    (["--for", "redu", "--callback", "https://a/#x"], 1, "a callback is"), (["--for", "redu", "--callback", ""], 1, "a callback is"),
    (["--for", "redu", *["--callback", "https://a"] * 11], 1, "at most 10 callbacks"),
    (["--for", "native", "--callback", CALLBACK], 2, "--callback does not go with --for native"),
    (["--for", "s3", "--course", "1"], 2, "--course does not go with --for s3"),
])
def test_key_add_refuses(server, options, code, said):
    login = server.user()
    done = server.cais("key", "add", login, *options, check=False)
    assert (done.returncode, done.stdout) == (code, "") and said in done.stderr, done
    assert server.cais("key", "list", login).stdout == ""


# ── a person allows an application


def authorize(browser, app, answer="1", **fields):
    page = browser.get("/oauth/authorize?" + urllib.parse.urlencode({"client_id": app["client_id"], **fields}))
    assert page.status == 200, page
    return browser.post("/oauth/authorize", {**hidden(page), "authorize": answer})


def pin_of(answer):
    return re.search(rb"<code>(\w{20})</code>", answer.body)[1].decode()


def test_a_person_allows_an_application_and_what_ends_that(server):
    app, login = server.key(server.user(), "redu"), person(server)
    pin = pin_of(authorize(logged_in(server, login), app))
    server.secrets.append(pin)
    token = by_pin(server, {**app, "pin": pin}).json()["access_token"]
    assert me(server, token).json()["login"] == login
    server.cais("user", "disable", login)
    assert me(server, token).status == 401 and by_pin(server, {**app, "pin": pin}).json() == {"error": "invalid_grant"}
    server.cais("user", "enable", login)
    assert by_pin(server, {**app, "pin": pin}).status == 400


def test_a_cookie_of_another_account_sees_no_application(server):
    server.cais("account", "add", "branch", check=False)
    app, stranger = server.key(server.user(), "redu", "--callback", CALLBACK), person(server, "--account", "branch")
    answer = logged_in(server, stranger).get(f"/oauth/authorize?client_id={app['client_id']}&redirect_uri={CALLBACK}")
    assert answer.status == 404 and not answer.header("Location")
    assert ask_token(server, grant_type="password", username=stranger, password="correct horse 7Kq", **of(app)).json() == {"error": "invalid_grant"}


def test_guesses_at_pins_and_secrets_are_limited_over_the_wire(tmp_path):
    with Server(tmp_path) as server:
        app = server.key(server.user(), "redu")
        for fields, wrong in (({**of(app), "code": "a" * 20}, "invalid_grant"), ({**of(app), "client_secret": "x"}, "invalid_client")):
            answers = [ask_token(server, grant_type="authorization_code", **{"code": app["pin"], **fields}) for _ in range(12)]
            assert [a.status for a in answers] == [400] * 10 + [429] * 2
            assert answers[0].json() == {"error": wrong} and int(answers[11].header("Retry-After")) > 0


# ── secrets


def places(secret):
    """Requests that have the secret where it does not belong, and where it does."""
    quoted = urllib.parse.quote(secret)
    names = ("code", "client_secret", "access_token", "oauth_token", "bearer_token", "client_id", "redirect_uri", "state", "scope",
             "grant_type", "username", "password", "code_verifier", "code_challenge", "response_type", "x", secret)
    for path in ("/oauth/token", "/oauth/authorize", "/api/me", "/api/folders/1", "/oauth/nothing"):
        for name in names:
            yield "GET", f"{path}?{urllib.parse.quote(name)}={quoted}", [], None
            yield "POST", path, [FORM], urllib.parse.urlencode({name: secret}).encode()
            yield "POST", path, [JSON], json.dumps({name: secret}).encode()
        for scheme in ("OAuth", "Bearer", "Token", "Basic", "Token token=", ""):
            yield "GET", path, [("Authorization", f"{scheme} {secret}")], None
        for header in ("Cookie", "Referer", "Origin", "X-CSRF-Token", "User-Agent"):
            yield "POST", path, [(header, f"cais={secret}" if header == "Cookie" else secret), FORM], b"authorize=1"
        yield "GET", f"{path}/{quoted}", [], None
        yield "POST", f"{path}/{quoted}.json", [FORM], b""
    yield "GET", f"/api/{quoted}", [], None
    yield "GET", f"/api/users/{quoted}", [], None


def test_no_secret_of_oauth_is_in_the_log_the_audit_log_the_metrics_or_an_error(tmp_path):
    with Server(tmp_path, sets=["log.level=debug", "logins.failures_per_address=0", "logins.failures=0"]) as server:
        owner, login = server.user(), person(server)
        app = server.key(owner, "redu")
        site = server.key(owner, "redu", "--callback", CALLBACK)
        browser = logged_in(server, login)
        pin = pin_of(authorize(browser, app))
        code = re.search(r"\?code=(\w{20})&", authorize(browser, site, state="s", redirect_uri=CALLBACK).header("Location"))[1]
        used = re.search(r"\?code=(\w{20})$", authorize(browser, site, redirect_uri=CALLBACK).header("Location"))[1]
        direct = re.search(r"#access_token=(\w{40})&", authorize(browser, site, response_type="token", redirect_uri=CALLBACK).header("Location"))[1]
        token = ask_token(server, grant_type="authorization_code", code=used, redirect_uri=CALLBACK, **of(site)).json()["access_token"]
        secrets = {"client secret": app["client_secret"], "first pin": app["pin"], "pin": pin, "code": code, "token": token,
                   "used code": used, "direct token": direct, "first token": app["access_token"]}
        errors = []
        for secret in secrets.values():
            for method, target, headers, body in places(secret):
                errors.append(server.ask(method, target, headers, body))
            for field in ("state", "redirect_uri", "client_id", "scope", "authorize", "csrf", "x"):  # in the form of a person
                page = browser.get(f"/oauth/authorize?client_id={site['client_id']}&redirect_uri={CALLBACK}")
                errors.append(browser.post("/oauth/authorize", {**hidden(page), "authorize": "0", field: secret}))
            errors.append(ask_token(server, grant_type="authorization_code", code=secret, **{**of(site), "client_secret": "x"}))
            errors.append(ask_token(server, grant_type="authorization_code", code=secret, redirect_uri=secret, **of(app)))
            errors.append(ask_token(server, grant_type="password", username=secret, password=secret, **of(site)))
        audit = json.dumps(server.cais_json("audit", "--limit", "10000"))
        export = server.cais("audit", "export").stdout
        metrics = server.ask("GET", "/metrics").body.decode()
        server.request_line(server.ask("GET", "/health"))
        log = server.log()
        for name, secret in secrets.items():
            for form in {secret, urllib.parse.quote(secret), html.escape(secret)}:
                assert form not in log, (name, log[log.index(form) - 300:][:600])
                assert form not in audit and form not in export and form not in metrics, name
                assert not [e for e in errors if e.status >= 400 and form.encode() in e.body], name
                # the way back to a page has the query with which the browser asked for it; a state goes back to whoever sent it
                assert not [e for e in errors for n, v in e.headers if form in v and n != "Location"], name
        assert len(errors) > 2000 and {e.status for e in errors} >= {302, 303, 400, 401, 403, 404}
        assert '"target":"/oauth/token"' in log


def test_hostile_addresses_over_the_wire_never_redirect(server):
    app = server.key(server.user(), "redu", "--callback", CALLBACK)
    browser = logged_in(server)
    for hostile in ("https://evil.example/", CALLBACK + "/", CALLBACK + "\r\nLocation: https://evil.example", "javascript:alert(1)",
                    "https://app.example.org@evil.example/back", CALLBACK + "\\@evil.example", "\x00", "ä", CALLBACK + "#"):
        answer = browser.get("/oauth/authorize?" + urllib.parse.urlencode({"client_id": app["client_id"], "redirect_uri": hostile}))
        assert (answer.status, answer.header("Location")) == (400, None), (hostile, answer)
        page = browser.get(f"/oauth/authorize?client_id={app['client_id']}")
        answer = browser.post("/oauth/authorize", {**hidden(page), "redirect_uri": hostile, "authorize": "1"})
        assert (answer.status, answer.header("Location")) == (400, None), (hostile, answer)


def test_a_browser_of_another_person_cannot_send_a_form(server):
    app = server.key(server.user(), "redu", "--callback", CALLBACK)
    one, other = logged_in(server), logged_in(server)
    form = hidden(one.get(f"/oauth/authorize?client_id={app['client_id']}"))
    assert other.post("/oauth/authorize", {**form, "authorize": "1"}).status == 403
    assert Browser(server).post("/oauth/authorize", {**form, "authorize": "1"}).header("Location") == "/portal/login"
    assert one.post("/oauth/authorize", {**form, "authorize": "1"}, [("Origin", "https://evil.example")]).status == 403
    assert one.post("/oauth/authorize", {**form, "authorize": "1"}).status == 302
