# SPDX-License-Identifier: Apache-2.0
"""What somebody has stored, in the portal: the preview of PDFs, and what tries to reach the session of whoever looks at it."""

import glob
import struct
import zlib

import pytest

import pdf
from flows import CHROMIUM, person, run_flow
from server import Server

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is missing: tools/setup test")
REACH = ("alert(1); document.title = 'reached'; fetch('/portal/session').then((r) => r.json()).then((s) => fetch('/v1/native/files/x', {method: 'PUT',"
         " body: 'x', headers: {'X-CSRF-Token': s.csrf}}))")
LOADING = {"en": "Loading…", "pt-BR": "Carregando…", "es": "Cargando…", "ru": "Загрузка…"}


def fonts():
    return sorted(glob.glob("/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf") + glob.glob("/usr/share/fonts/truetype/**/*.ttf", recursive=True))


def files():
    with open(fonts()[0], "rb") as font:
        own = font.read()
    locked = pdf.document(["Locked"]).replace(b"/Root 1 0 R", b"/Root 1 0 R /ID [<00><00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >>"
                                              % (b"11" * 32, b"22" * 32))
    return {
        "report.pdf": ("application/pdf", pdf.document(["First page <b>1</b>", "Second page", *(f"Page {n}" for n in range(3, 31))])),
        "font.pdf": ("application/pdf", pdf.document(["Own font"], font_file=own)),
        "hostile.pdf": ("application/pdf", pdf.document(["Click me"], hostile=True)),
        "broken.pdf": ("application/pdf", b"%PDF-1.7\nnothing" * 100),
        "locked.pdf": ("application/pdf", locked),
        "page.html": ("text/html", f"<script>{REACH}</script><img src=x onerror=\"{REACH}\">".encode()),
        "picture.svg": ("image/svg+xml", f'<svg xmlns="http://www.w3.org/2000/svg" onload="{REACH}"><script>{REACH}</script></svg>'.encode()),
    }


@pytest.mark.skipif(not fonts(), reason="there is no TrueType font")
@pytest.mark.parametrize("language,colors", [("en", "light"), ("pt-BR", "dark"), ("es", "light"), ("ru", "dark")])
def test_pdfs_are_drawn_and_what_is_stored_reaches_no_session(tmp_path, language, colors):
    with Server(tmp_path) as server:
        login = person(server)
        token = server.key(login, "native")["token"]
        stored = files()
        for name, (kind, data) in stored.items():
            answer = server.ask("PUT", "/v1/native/files/" + name, [("Authorization", "Bearer " + token), ("Content-Type", kind)], data)
            assert answer.status == 201, answer

        def count():
            return len(server.ask("GET", "/v1/native/files", [("Authorization", "Bearer " + token)]).json()["files"])
        run_flow("stored", server, tmp_path, {"files": count}, login=login, count=len(stored), loading=LOADING[language], language=language, colors=colors)


def png(width, height):
    """A picture of a slope of colours."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes(v for x in range(width) for v in (x * 255 // width, y * 255 // height, 160)) for y in range(height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def put(server, token, path, data, kind="text/plain"):
    answer = server.ask("PUT", path, [("Authorization", "Bearer " + token), ("Content-Type", kind)], data)
    assert answer.status == 201, answer


@pytest.mark.parametrize("language,colors,width,reachable", [("en", "light", 1280, True), ("ru", "dark", 390, True), ("es", "light", 1280, False)])
def test_previews_come_from_the_host_of_stored_files(tmp_path, language, colors, width, reachable):
    """not reachable: the browser does not find the host, and the page asks its own."""
    with Server(tmp_path, sets=["hosts.objects.test=s3"]) as server:
        boss, login = person(server, "--admin"), person(server)
        boss_token, token = server.key(boss, "native")["token"], server.key(login, "native")["token"]
        for name, (kind, data) in {**{n: files()[n] for n in ("page.html", "picture.svg")}, "long.txt": ("text/plain", b"0123456789abcdef" * 5000),
                                   "dot.png": ("image/png", png(240, 160)), "report.pdf": ("application/pdf", pdf.document(["First page"]))}.items():
            put(server, token, "/v1/native/files/" + name, data, kind)
        auth = [("Authorization", "Bearer " + boss_token)]
        space = server.ask("POST", "/v1/native/spaces", auth, b'{"name":"Common"}').json()
        assert server.ask("PUT", f"/v1/native/spaces/{space['id']}/members/{login}", auth, b'{"role":"viewer"}').status == 200
        put(server, boss_token, f"/v1/native/folders/{space['root']}/files/of%20the%20space.txt", b"common")
        port = server.address()[1]
        signatures = run_flow("file_host", server, tmp_path, login=login, language=language, colors=colors, width=width, space=space["id"],
                              files_url=f"http://objects.test:{port}", **({"hosts": ["objects.test"]} if reachable else {}))
        assert len(signatures) == (7 if reachable else 0)
        assert not any(signature in server.log() for signature in signatures), "the log has a link"
