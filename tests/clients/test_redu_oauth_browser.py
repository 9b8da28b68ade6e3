# SPDX-License-Identifier: Apache-2.0
"""Chromium asks a person whether an application may act for it."""

import http.server
import re
import threading
import urllib.parse

import pytest

from chromium import CHROMIUM, Chromium
from server import Server, bearer
from test_login_browser import log_in, person, show_to_people

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is missing: tools/setup test")


class Application(http.server.ThreadingHTTPServer):
    """The web site of an application: notes what browsers come back with."""
    daemon_threads = True

    def __init__(self):
        self.visits = visits = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                visits.append((self.path, self.headers.get("Referer")))
                self.send_response_only(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"<p>welcome back</p>")
        super().__init__(("127.0.0.1", 0), Handler)
        self.callback = "http://app.test:%d/back" % self.server_port
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *_):
        self.shutdown()
        super().__exit__()

    def came_back(self):
        return [v for v in self.visits if v[0].startswith("/back")][-1]


def token_of(server, app, **fields):
    body = urllib.parse.urlencode({"grant_type": "authorization_code", "client_id": app["client_id"],
                                   "client_secret": app["client_secret"], **fields}).encode()
    answer = server.ask("POST", "/oauth/token", [("Content-Type", "application/x-www-form-urlencoded")], body)
    assert answer.status == 200, answer
    return answer.json()["access_token"]


def answer_page(browser, value):
    browser.click(f"form:has([name=authorize][value='{value}']) button")


def test_a_person_gets_a_pin_with_chromium(tmp_path):
    with Server(tmp_path) as server, Chromium(tmp_path, hosts=["redu.test"]) as browser:
        login, app = person(server), server.key(server.user("teacher@example.org"), "redu")
        page = "http://redu.test:%d/oauth/authorize?client_id=%s" % (server.address()[1], app["client_id"])
        browser.visit(page)
        assert browser.path().startswith("/portal/login?next=")
        log_in(browser, login)
        assert browser.path() == "/oauth/authorize?client_id=" + app["client_id"]
        assert all(text in browser.text() for text in ("teacher@example.org", login, app["client_id"]))
        show_to_people(browser, "authorize")
        answer_page(browser, 1)
        assert browser.path() == "/oauth/authorize"
        pin = browser.evaluate("document.querySelector('code').textContent")  # the program of the phone reads the first one
        server.secrets.append(pin)
        show_to_people(browser, "pin")
        assert re.fullmatch("[A-Za-z0-9]{20}", pin)
        assert server.ask("GET", "/api/me", bearer(token_of(server, app, code=pin))).json()["login"] == login
        browser.visit(page)
        answer_page(browser, 0)
        assert browser.path() == "/oauth/authorize" and "got no access" in browser.text()
        assert browser.evaluate("document.querySelectorAll('code').length") == 0
        show_to_people(browser, "denied")
        browser.visit(page + "&redirect_uri=http://evil.test/")
        assert browser.path() == f"/oauth/authorize?client_id={app['client_id']}&redirect_uri=http://evil.test/"
        show_to_people(browser, "refused")


def test_a_person_goes_back_to_the_application_with_chromium(tmp_path):
    with Server(tmp_path) as server, Application() as site, Chromium(tmp_path, hosts=["redu.test", "app.test"]) as browser:
        login, app = person(server), server.key(server.user(), "redu", "--callback", site.callback)
        page = "http://redu.test:%d/oauth/authorize?client_id=%s&state=s%%26%%22%%3E1&redirect_uri=%s" % (
            server.address()[1], app["client_id"], urllib.parse.quote(site.callback, safe=""))
        browser.visit(page)
        log_in(browser, login)
        assert "http://app.test:%d" % site.server_port in browser.text()
        answer_page(browser, 1)
        assert "welcome back" in browser.text()
        path, referer = site.came_back()
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(path).query)
        assert set(query) == {"code", "state"} and query["state"] == ['s&">1'] and referer is None
        server.secrets.append(query["code"][0])
        token = token_of(server, app, code=query["code"][0], redirect_uri=site.callback)
        assert server.ask("GET", "/api/me", bearer(token)).json()["login"] == login
        browser.visit(page)
        answer_page(browser, 0)
        assert site.came_back()[0] == "/back?error=access_denied&state=s%26%22%3E1"
        browser.visit(page + "&response_type=token")
        answer_page(browser, 1)
        fragment = browser.evaluate("location.hash")
        token = re.fullmatch(r"#access_token=(\w{40})&token_type=bearer&state=s%26%22%3E1", fragment)[1]
        server.secrets.append(token)
        assert server.ask("GET", "/api/me", bearer(token)).json()["login"] == login
        assert token not in site.came_back()[0]  # a fragment stays in the browser
        assert not [c for c in browser.complaints() if "favicon" not in str(c)]


def test_another_site_cannot_allow_an_application_in_the_name_of_a_person(tmp_path):
    with Server(tmp_path) as server, Chromium(tmp_path, hosts=["redu.test", "evil.test"]) as browser:
        from test_login_browser import OtherSite
        login, app = person(server), server.key(server.user(), "redu")
        page = "http://redu.test:%d/oauth/authorize" % server.address()[1]
        browser.visit(page + "?client_id=" + app["client_id"])
        log_in(browser, login)
        fields = f"<input name=client_id value={app['client_id']}><input name=authorize value=1><input name=csrf value=x>"
        with OtherSite(f"<form method=post action='{page}'>{fields}<button>x</button></form>") as other:
            browser.visit(other.url)
            browser.click("button")
            assert browser.evaluate("document.querySelectorAll('code').length") == 0
        with OtherSite(f"<iframe src='{page}?client_id={app['client_id']}'></iframe>") as other:
            browser.visit(other.url)
            assert any("frame-ancestors" in str(e) or "X-Frame-Options" in str(e) or "Framing" in str(e) for e in browser.complaints())
        assert not [e for e in server.cais_json("audit") if e["action"] == "code.issue"]
