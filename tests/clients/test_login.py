# SPDX-License-Identifier: Apache-2.0
"""Logins with a browser over the wire: forms, cookies, TLS, hostile input, and no secret in any output."""

import html
import json
import re
import urllib.parse

import pytest

from server import Authority, Server, bearer, is_native_error, request

PASSWORD = "correct horse 7Kq"
FORM = ("Content-Type", "application/x-www-form-urlencoded")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("login"), sets=["log.level=debug", "logins.failures_per_address=0"]) as started:
        yield started


def person(server, *options):
    login = server.user(None, *options)
    server.cais("user", "password", login, text=PASSWORD + "\n")
    return login


class Browser:
    """Keeps cookies and sends them, as a browser does to one host."""

    def __init__(self, server, host="127.0.0.1", headers=(), **where):
        self.server, self.host, self.where, self.headers, self.cookies = server, host, where, list(headers), {}

    def cookie(self):
        return [("Cookie", "; ".join(f"{n}={v}" for n, v in self.cookies.items()))] if self.cookies else []

    def ask(self, method, target, headers=(), body=None):
        answer = self.server.ask(method, target, [*self.headers, *self.cookie(), *headers], body, self.host, **self.where)
        for name, value in answer.headers:
            if name.lower() == "set-cookie":
                pair, *attributes = value.split("; ")
                name, _, kept = pair.partition("=")
                self.cookies.pop(name, None)
                if "Max-Age=0" not in attributes:
                    self.cookies[name] = kept
                    self.server.secrets.append(kept)
        return answer

    def get(self, target):
        return self.ask("GET", target)

    def post(self, target, fields, headers=()):
        return self.ask("POST", target, [FORM, *headers], urllib.parse.urlencode(fields).encode())

    def log_in(self, login, password=PASSWORD, **fields):
        return self.post("/portal/login", {**hidden(self.get("/portal/login")), "login": login, "password": password, **fields})

    def session(self):
        return next((v for n, v in self.cookies.items() if n.endswith("cais")), None)


def hidden(answer):
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', answer.body.decode())
    return {name: html.unescape(value) for name, value in found}


def logged_in(server, login=None, **where):
    browser = Browser(server, **where)
    answer = browser.log_in(login or person(server))
    assert (answer.status, answer.header("Location")) == (303, "/portal"), answer
    return browser


def test_a_person_logs_in_and_out(server):
    login = person(server)
    browser = logged_in(server, login)
    home = browser.get("/portal")
    assert home.status == 200 and login.encode() in home.body and list(browser.cookies) == ["cais"]
    out = browser.post("/portal/logout", hidden(home))
    assert (out.status, out.header("Location")) == (303, "/portal/login") and not browser.cookies
    assert browser.get("/portal").header("Location") == "/portal/login?next=/portal"
    actions = [(e["action"], e["actor"]) for e in server.cais_json("audit", "--limit", "50")]
    assert ("session.begin", login) in actions and ("session.end", login) in actions


def test_under_tls_the_cookie_belongs_to_this_host_alone(tmp_path):
    authority = Authority(tmp_path)
    certificate, key = authority.issue("a", ["a.test"])
    with Server(tmp_path, "--tls-listen", "127.0.0.1:0", "--tls-cert", certificate, "--tls-key", key,
                sets=["server.trusted_proxies=127.0.0.1"]) as server:
        login = person(server)
        tls = logged_in(server, login, kind="tls_listen", tls=authority.context(), host="a.test")
        assert list(tls.cookies) == ["__Host-cais"]
        set_cookie = tls.log_in(login).header("Set-Cookie")  # who is logged in is sent on, so there is no form to send
        assert set_cookie is None or "Secure" in set_cookie
        assert list(logged_in(server, login, headers=[("X-Forwarded-Proto", "https, https")]).cookies) == ["__Host-cais"]
        proxied = logged_in(server, login, headers=[("X-Forwarded-Proto", "https")])
        assert list(proxied.cookies) == ["__Host-cais"]
        plain = Browser(server)
        plain.cookies = dict(proxied.cookies)
        assert plain.get("/portal").status == 303  # the browser would not send it
        plain.cookies = {"cais": proxied.session()}
        plain.headers = [("X-Forwarded-Proto", "https")]
        assert plain.get("/portal").status == 303  # a cookie of plain HTTP counts for nothing under TLS


def test_a_proxy_that_is_not_trusted_decides_nothing_about_cookies(server):
    browser = logged_in(server, headers=[("X-Forwarded-Proto", "https")])
    assert list(browser.cookies) == ["cais"]


def test_a_login_tried_ten_thousand_times_is_refused_and_others_log_in(server):
    login, other = person(server), person(server)
    browser = Browser(server)
    fields = hidden(browser.get("/portal/login"))
    body = urllib.parse.urlencode({**fields, "login": login, "password": "a wrong guess"}).encode()
    one = request("POST", "/portal/login", [FORM, *browser.cookie()], body)
    seen = {}
    with server.connect() as client:
        for _ in range(200):
            client.send(one * 50)
            for _ in range(50):
                answer = client.answer()
                seen[answer.status] = seen.get(answer.status, 0) + 1
                assert b"a wrong guess" not in answer.body and login.encode() not in answer.body
        assert answer.status == 429 and 1 <= int(answer.header("Retry-After")) <= 600
    assert seen == {403: 10, 429: 9_990}
    assert browser.log_in(login).status == 429  # the right password, too, until the window ends
    logged_in(server, other)
    assert not [e for e in server.cais_json("audit", "--limit", "1000") if e["action"] == "session.begin" and e["actor"] == login]


@pytest.mark.parametrize("next_", ["//evil.test", "/\\evil.test", "https://evil.test/", "javascript:alert(1)", "/\t/evil.test",
                                   "/\r\nLocation: //evil.test", "\\/evil.test", "/ok\\..//evil.test", "%2F%2Fevil.test", "/" + "a" * 5000])
def test_a_hostile_return_address_is_not_followed(server, next_):
    login = person(server)
    browser = Browser(server)
    form = browser.get("/portal/login?next=" + urllib.parse.quote(next_, safe=""))
    assert "next" not in hidden(form) and b"evil.test" not in form.body
    answer = browser.post("/portal/login", {**hidden(form), "login": login, "password": PASSWORD, "next": next_})
    assert (answer.status, answer.header("Location")) == (303, "/portal"), answer
    again = browser.get("/portal/login?next=" + urllib.parse.quote(next_, safe=""))
    assert (again.status, again.header("Location")) == (303, "/portal"), again


def test_a_return_address_on_this_host_is_followed(server):
    where = "/oauth/authorize?client_id=1&redirect_uri=https%3A%2F%2Fapp.test%2F&state=%22%3E"
    browser = Browser(server)
    form = browser.get("/portal/login?next=" + urllib.parse.quote(where, safe=""))
    answer = browser.post("/portal/login", {**hidden(form), "login": person(server), "password": PASSWORD})
    assert (answer.status, answer.header("Location")) == (303, where)


def test_a_session_of_another_account_sees_nothing_of_this_one(server):
    server.cais("account", "add", "elsewhere")
    here, there = logged_in(server), logged_in(server, person(server, "--account", "elsewhere", "--admin"))
    made = here.ask("PUT", "/v1/native/files/a", [("X-CSRF-Token", hidden(here.get("/portal"))["csrf"])], b"hello")
    assert made.status == 201, made
    path = made.header("Location")
    assert here.get(path).body == b"hello"
    token = ("X-CSRF-Token", hidden(there.get("/portal"))["csrf"])
    for method, rest in (("GET", ""), ("GET", "/info"), ("DELETE", "")):
        is_native_error(there.ask(method, path + rest, [token]), 404, "not_found")
    assert there.get("/v1/native/files").json() == {"files": []}
    stolen = Browser(server)  # the cookie of one session, the token of another
    stolen.cookies = dict(here.cookies)
    is_native_error(stolen.ask("DELETE", path, [token]), 403, "forbidden")
    assert stolen.post("/portal/logout", {"csrf": token[1]}).status == 403
    assert here.get(path).body == b"hello"


EVERYWHERE_ELSE = [("GET", "/v4/profile"), ("POST", "/v4/tasks"), ("POST", "/v4/files/upload"), ("GET", "/v4/files/download/1"),
                   ("GET", "/api/v1.0/tasks"), ("POST", "/api/v1.0/documents"), ("GET", "/api/v1.0/users/me"), ("GET", "/"), ("GET", "/bucket"),
                   ("PUT", "/bucket"), ("GET", "/bucket/key"), ("PUT", "/bucket/key"), ("POST", "/bucket"), ("DELETE", "/bucket/key"),
                   ("GET", "/v1/nothing"), ("GET", "/portals"), ("GET", "/v1/nativex/files")]


@pytest.mark.parametrize("method,path", EVERYWHERE_ELSE)
def test_every_other_route_ignores_the_cookie(server, method, path):
    browser = logged_in(server, person(server, "--admin"))
    token = ("X-CSRF-Token", hidden(browser.get("/portal"))["csrf"])
    body = b"" if method in ("PUT", "POST") else None

    def shape(answer):
        text = re.sub(rb"[0-9a-fA-F]{16}|[0-9TZ:.-]{20,}", b"_", answer.body)
        return answer.status, answer.header("Content-Type"), text
    without, with_cookie = server.ask(method, path, [], body), browser.ask(method, path, [token], body)
    assert shape(without) == shape(with_cookie) and 400 <= without.status < 500, (without, with_cookie)
    assert not with_cookie.header("Set-Cookie")


def test_stored_objects_cannot_use_the_login(server):
    """A stored page is sandboxed wherever it is sent from, and a picture and a PDF as well."""
    browser = logged_in(server)
    token = ("X-CSRF-Token", hidden(browser.get("/portal"))["csrf"])
    for kind in ("text/html", "image/png", "application/pdf"):
        path = browser.ask("PUT", "/v1/native/files/a", [token, ("Content-Type", kind)], b"<script>1</script>").header("Location")
        answer = browser.get(path)
        assert answer.header("Content-Security-Policy") == "sandbox" and answer.header("Content-Disposition").startswith("attachment")


def test_a_logout_ends_a_download_that_is_under_way(server):
    browser = logged_in(server)
    token = hidden(browser.get("/portal"))["csrf"]
    path = browser.ask("PUT", "/v1/native/files/a", [("X-CSRF-Token", token)], bytes(64 << 20)).header("Location")
    with server.connect() as client:
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: cais={browser.session()}\r\n\r\n"
        client.send(head.encode())
        assert client.head()[0] == 200
        assert browser.post("/portal/logout", {"csrf": token}).status == 303
        line = server.wait_log(lambda line: line.get("target") == path and line["method"] == "GET")  # nobody has read it to its end
        assert line["bytes_out"] < 64 << 20


# ── secrets


def test_no_secret_is_in_the_log_the_audit_log_the_metrics_or_an_error(tmp_path):
    password, canary = "Zq8password with blanks", "Zq8canary"
    with Server(tmp_path, sets=["log.level=debug"]) as server:
        login = server.user()
        server.cais("user", "password", login, text=password + "\n")
        browser = Browser(server)
        assert browser.log_in(login, password).status == 303
        home = browser.get("/portal")
        secrets = {"password": password, "cookie": browser.session(), "csrf": hidden(home)["csrf"], "other": canary}
        errors = []
        for name, secret in secrets.items():
            quoted = urllib.parse.quote(secret)
            for target in (f"/portal/{quoted}", f"/portal/login/{quoted}", f"/portal/login?{name}={quoted}&password={quoted}", f"/portal?csrf={quoted}",
                           f"/portal/login?login={quoted}", f"/portal/nothing?x={quoted}", f"/portal/%zz{quoted}",
                           f"/v1/native/nothing?{name if name != 'other' else 'session'}={quoted}"):
                for method in ("GET", "DELETE", "POST"):
                    errors.append(server.ask(method, target, [FORM], b"" if method == "POST" else None))
            for header in ("X-CSRF-Token", "Cookie", "Authorization", "Referer", "Origin", "User-Agent", "Accept-Language"):
                for target in ("/portal/login", "/portal/nothing", "/v1/native/files", "/v1/native/nothing"):
                    value = f"cais={secret}; __Host-cais={secret}; {secret}" if header == "Cookie" and name != "cookie" else secret
                    errors.append(server.ask("GET", target, [(header, value)]))
                    errors.append(server.ask("POST", target, [(header, value), FORM], b"csrf=1"))
            for field in ("login", "password", "csrf", "x", secret):
                for target in ("/portal/login", "/portal/logout"):
                    errors.append(Browser(server).post(target, {**hidden(Browser(server).get("/portal/login")), field: secret}))
                    fresh = Browser(server)
                    errors.append(fresh.post(target, {**hidden(fresh.get("/portal/login")), "login": "nobody", field: secret}))
            with server.connect() as client:
                client.send(f"GET /portal/login?password={quoted} HTTP/1.1\r\nnonsense {quoted}\r\n\r\n".encode())
                errors.append(client.answer())
        assert browser.get("/portal").status == 200  # the session has survived all this
        audit = json.dumps(server.cais_json("audit", "--limit", "1000"))
        export = server.cais("audit", "export").stdout
        metrics = server.ask("GET", "/metrics").body.decode()
        last = server.ask("GET", "/health")
        server.request_line(last)
        log = server.log()
        for secret in secrets.values():
            for form in {secret, urllib.parse.quote(secret), urllib.parse.quote_plus(secret), html.escape(secret)}:
                assert form not in log and form not in audit and form not in export and form not in metrics, form
                assert not [e for e in errors if form.encode() in e.body], form
                # the way back to a page has the query with which the browser asked for it
                assert not [e for e in errors for n, v in e.headers if form in v and n != "Location"], form
        assert len(errors) > 300 and {e.status for e in errors} >= {303, 400, 401, 403, 404, 405}
        assert '"target":"/portal/login"' in log and '"target":"***"' in log


def test_the_log_advises_to_give_objects_a_host_of_their_own(tmp_path):
    for name, sets, advised in (("none", [], True), ("other", ["hosts.a.test=pyrus"], True), ("own", ["hosts.files.test=s3"], False)):
        (tmp_path / name).mkdir()
        with Server(tmp_path / name, sets=sets) as server:
            server.request_line(server.ask("GET", "/health"))
            found = [line for line in server.log_lines() if "advice" in line]
            assert bool(found) == advised, found
            if advised:
                assert found[0]["advice"] == "[hosts] files.example.org = s3" and found[0]["level"] == "info"


def test_sessions_end_as_configured(tmp_path):
    with Server(tmp_path, sets=["sessions.per_user=2"]) as server:
        login = person(server)
        browsers = [logged_in(server, login) for _ in range(3)]
        assert [b.get("/portal").status for b in browsers] == [303, 200, 200]
        server.cais("user", "password", login, text="another password\n")
        assert browsers[2].get("/portal").status == 303
        again = Browser(server)
        assert again.log_in(login).status == 403 and again.log_in(login, "another password").status == 303
        server.cais("user", "disable", login)
        assert again.get("/portal").status == 303 and Browser(server).log_in(login, "another password").status == 403


def test_a_session_survives_a_restart(tmp_path):
    with Server(tmp_path) as server:
        browser = logged_in(server)
        server.stop()
        server.start()
        assert browser.get("/portal").status == 200


def test_a_key_of_the_native_api_is_no_session(server):
    login = person(server)
    token = server.key(login, "native")["token"]
    browser = Browser(server)
    browser.cookies = {"cais": token}
    assert browser.get("/portal").status == 303
    is_native_error(browser.get("/v1/native/files"), 401, "unauthenticated")
    is_native_error(server.ask("GET", "/v1/native/files", bearer(logged_in(server, login).session())), 401, "unauthenticated")
    refused = server.cais("key", "add", login, "--for", "portal", check=False)
    assert refused.returncode == 2 and "--for is one of" in refused.stderr
