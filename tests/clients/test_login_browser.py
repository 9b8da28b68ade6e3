# SPDX-License-Identifier: Apache-2.0
"""Chromium logs in, stays logged in, and logs out. Other sites get nothing of it."""

import base64
import hashlib
import http.server
import os
import subprocess
import threading

import pytest

from chromium import CHROMIUM, Chromium
from server import Authority, Server

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is missing: tools/setup test")
PASSWORD = "correct horse 7Kq"


def person(server):
    login = server.user()
    server.cais("user", "password", login, text=PASSWORD + "\n")
    return login


def spki(certificate):
    """The hash by which Chromium trusts a certificate."""
    key = subprocess.run(["openssl", "x509", "-in", certificate, "-pubkey", "-noout"], check=True, capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=key, check=True, capture_output=True).stdout
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


def log_in(browser, login, password=PASSWORD):
    browser.type("login", login)
    browser.type("password", password)
    browser.press_enter()


def show_to_people(browser, name):
    """Pictures of the pages, for whoever wants to look at them: CAIS_SCREENSHOTS=folder."""
    if os.environ.get("CAIS_SCREENSHOTS"):
        browser.screenshot(os.path.join(os.environ["CAIS_SCREENSHOTS"], name + ".png"))


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_a_person_logs_in_and_out_with_chromium(tmp_path, tls):
    options, trusted = [], None
    if tls:
        certificate, key = Authority(tmp_path).issue("a", ["portal.test"])
        options = ["--tls-listen", "127.0.0.1:0", "--tls-cert", certificate, "--tls-key", key]
        trusted = spki(certificate)
    with Server(tmp_path, *options) as server, Chromium(tmp_path, hosts=["portal.test"], accept_certificate_of=trusted) as browser:
        login = person(server)
        port = server.address("tls_listen" if tls else "listen")[1]
        home = f"http{'s' if tls else ''}://portal.test:{port}/portal"
        browser.visit(home + "?x=1")
        assert browser.path() == "/portal/login?next=/portal%3Fx%3D1" and "Log in" in browser.text()
        assert browser.evaluate("getComputedStyle(document.querySelector('main')).borderRadius") == "18px"  # its style counts
        show_to_people(browser, "login")
        log_in(browser, login, "a wrong guess")
        assert "The user name or the password is wrong." in browser.text() and "a wrong guess" not in browser.evaluate("document.documentElement.outerHTML")
        show_to_people(browser, "wrong")
        log_in(browser, login)
        assert browser.path() == "/portal?x=1" and login in browser.text()
        show_to_people(browser, "home")
        name = "__Host-cais" if tls else "cais"
        cookie = browser.cookies()[name]
        assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"], cookie["session"]) == (True, tls, "Lax", True)
        assert list(browser.cookies()) == [name] and browser.evaluate("document.cookie") == ""
        server.secrets.append(cookie["value"])
        browser.visit(home + "/login")  # who is logged in need not log in
        assert browser.path() == "/portal"
        csrf = browser.evaluate("document.querySelector('input[name=csrf]').value")
        browser.click(".person button")
        assert browser.path() == "/portal/login" and not browser.cookies().get(name)
        browser.visit(home)
        assert browser.path() == "/portal/login?next=/portal"
        assert not browser.complaints() and csrf not in server.log()


@pytest.mark.parametrize("language,title", [("pt-BR", "Entrar"), ("es-AR", "Iniciar sesión"), ("ru", "Вход"), ("de", "Log in")])
def test_chromium_gets_the_login_in_its_language(tmp_path, language, title):
    with Server(tmp_path) as server, Chromium(tmp_path, language=language) as browser:
        browser.visit("http://127.0.0.1:%d/portal/login" % server.address()[1])
        assert browser.evaluate("document.title") == title
        show_to_people(browser, "login-" + language)


class OtherSite(http.server.ThreadingHTTPServer):
    """Serves one page."""
    daemon_threads = True

    def __init__(self, page):
        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                self.send_response_only(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(page.encode())
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = "http://evil.test:%d/" % self.server_port
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *_):
        self.shutdown()
        super().__exit__()


def test_another_site_can_neither_log_a_person_out_nor_in_nor_frame_a_page(tmp_path):
    with Server(tmp_path) as server, Chromium(tmp_path, hosts=["portal.test", "evil.test"]) as browser:
        login, attacker = person(server), person(server)
        home = "http://portal.test:%d/portal" % server.address()[1]
        browser.visit(home)
        log_in(browser, login)
        cookie = browser.cookies()["cais"]["value"]
        server.secrets.append(cookie)
        # the other site knows everything but the secrets of this browser
        forms = {"logout": "<input name=csrf value=x>",
                 "login": f"<input name=csrf value=x><input name=login value='{attacker}'><input name=password value='{PASSWORD}'>"}
        for action, fields in forms.items():
            with OtherSite(f"<form method=post action='{home}/{action}'>{fields}<button>x</button></form>") as other:
                browser.visit(other.url)
                browser.click("button")
                assert "another site" in browser.text(), browser.text()
                browser.visit(home)
                assert browser.path() == "/portal" and login in browser.text() and browser.cookies()["cais"]["value"] == cookie
        with OtherSite(f"<iframe src='{home}'></iframe>") as other:
            browser.visit(other.url)
            assert any("frame-ancestors" in str(e) or "X-Frame-Options" in str(e) or "Framing" in str(e) for e in browser.complaints()), browser.complaints()
        with OtherSite(f"<a href='{home}'><button>x</button></a>") as other:  # a link is no danger, and works
            browser.visit(other.url)
            browser.click("button")
            assert browser.path() == "/portal" and login in browser.text()
