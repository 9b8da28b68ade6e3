# SPDX-License-Identifier: Apache-2.0
"""The frame of the portal in Chromium: the way in, languages, colours, the list of files, and who gets `/`."""

import os
import pty
import re
import select
import subprocess
import time
import urllib.parse

import pytest

from flows import CHROMIUM, PASSWORD, person, run_flow
from server import BINARY, Server, TIMEOUT_S

needs_chromium = pytest.mark.skipif(not CHROMIUM, reason="chromium is missing: tools/setup test")
NAMES = ["<script>alert(1).html", '"><img src=x onerror=alert(1)>.png', "javascript:alert(1)", "отчёт за март.txt", "emoji 📦👩‍👩‍👧.zip",
         "\u202egnp.exe", "ي" * 100 + ".pdf", "x" * 251 + ".txt", "a b%20&amp;.txt"]
WORDS = {"en": {"title": "Log in", "files": "Files", "empty": "Drop files or folders here"},
         "pt-BR": {"title": "Entrar", "files": "Arquivos", "empty": "Solte arquivos ou pastas aqui"},
         "es": {"title": "Iniciar sesión", "files": "Archivos", "empty": "Suelte aquí archivos o carpetas"},
         "ru": {"title": "Вход", "files": "Файлы", "empty": "Перетащите сюда файлы или папки"}}


@needs_chromium
@pytest.mark.parametrize("language,colors", [("en", "light"), ("pt-BR", "dark"), ("es", "dark"), ("ru", "light")])
def test_a_person_signs_in_and_sees_the_files(tmp_path, language, colors):
    with Server(tmp_path) as server:
        login = person(server)
        token = server.key(login, "native")["token"]

        def upload():
            for name in NAMES:
                answer = server.ask("PUT", "/v1/native/files/" + urllib.parse.quote(name, safe=""),
                                    [("Authorization", "Bearer " + token), ("Content-Type", "text/html")], b"<script>alert(2)</script>")
                assert answer.status == 201, answer

        def end_sessions():
            server.cais("user", "password", login, text=PASSWORD + "\n")
        run_flow("shell", server, tmp_path, {"upload": upload, "end_sessions": end_sessions}, login=login, language=language, colors=colors,
                 words=WORDS[language], names=NAMES)


HTML = ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")


@pytest.mark.parametrize("headers,target,status", [
    ([HTML], "/", 303), ([HTML], "//", 403), ([("Accept", "*/*")], "/", 403), ([], "/", 403), ([HTML], "/?x-id=ListBuckets", 403),
    ([HTML, ("Authorization", "AWS4-HMAC-SHA256 x")], "/", 400),
    ([HTML], "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0", 403)])
def test_the_root_is_the_portal_for_people_and_the_buckets_for_programs(tmp_path, headers, target, status):
    with Server(tmp_path) as server:
        answer = server.ask("GET", target, headers)
        assert (answer.header("Location") == "/portal") == (status == 303), answer
        if status != 303:
            assert 400 <= answer.status < 500 and answer.header("Content-Type") == "application/xml", answer
        assert server.ask("POST", "/", headers, b"").status != 303
        assert server.ask("HEAD", target, headers).status == answer.status


def read_terminal(end, wanted):
    seen, deadline = b"", time.monotonic() + TIMEOUT_S
    while not re.search(wanted, seen):
        left = deadline - time.monotonic()
        assert left > 0 and select.select([end], [], [], left)[0], seen
        seen += os.read(end, 4096)
    return re.search(wanted, seen)


@needs_chromium
def test_a_server_on_a_terminal_prints_a_link_that_signs_in_once(tmp_path):
    ours, theirs = pty.openpty()
    log, data = tmp_path / "log", tmp_path / "data"
    command = [BINARY, "serve", "--data", str(data), "--listen", "127.0.0.1:0", "--set", "storage.reserve_free_space=0", "--set", "log.level=debug"]
    with open(log, "wb") as to, subprocess.Popen(command, stdout=theirs, stderr=to, stdin=subprocess.DEVNULL) as server:
        try:
            os.close(theirs)
            found = read_terminal(ours, rb"Sign in as admin +(http://127\.0\.0\.1:\d+)/portal/enter#(\w{43})\r?\n")
            address, secret = found[1].decode(), found[2].decode()
            run_flow("enter", address, tmp_path, secret=secret)
            assert server.poll() is None
        finally:
            server.terminate()
            server.wait(TIMEOUT_S)
            os.close(ours)
    assert secret not in log.read_text(encoding="utf-8")
    for path in data.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path


@needs_chromium
def test_a_newcomer_drops_files_sees_them_arrive_and_gets_a_chart(tmp_path):
    """CAIS_README_PICTURES=docs/pictures makes the pictures of README.md anew."""
    folder = tmp_path / "mine"
    folder.mkdir()
    contents = {"contract.pdf": b"%PDF-1.7\n" + b"\0" * 418_000, "orders.jsonl": b'{"id":1,"total":12.5}\n' * 9000, "photo of the quay.png": b"\x89PNG\r\n" + b"\0" * 2_310_000,
                "notes.md": b"# Arrivals\n\n- 08:10  Santa Luzia, 214 containers\n- 09:45  Aurora, wheat\n- 11:30  pilot for the Nordkap\n"}
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    rows = tmp_path / "arrivals.csv"
    ports = {"Santos": 9, "Rotterdam": 8, "Valparaíso": 6, "Gdańsk": 5, "Lisboa": 4, "Montevideo": 3, "Odesa": 2, "Bergen": 1}
    rows.write_text("port;ship;arrived_on;containers\n" + "".join(
        f"{port};Ship {i};2026-{i % 12 + 1:02}-{i % 28 + 1:02};{weight * 40 + i % 50}\n" for i in range(120) for port, weight in ports.items()), encoding="utf-8")
    ours, theirs = pty.openpty()
    command = [BINARY, "serve", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0", "--set", "storage.reserve_free_space=0"]
    with open(tmp_path / "log", "wb") as to, subprocess.Popen(command, stdout=theirs, stderr=to, stdin=subprocess.DEVNULL) as server:
        try:
            os.close(theirs)
            found = read_terminal(ours, rb"(http://127\.0\.0\.1:\d+)/portal/enter#(\w{43})\r?\n")
            result = run_flow("tour", found[1].decode(), tmp_path, secret=found[2].decode(), files=[str(folder / name) for name in contents], rows=str(rows),
                              pictures=os.environ.get("CAIS_README_PICTURES"))
            print(result)
        finally:
            server.terminate()
            server.wait(TIMEOUT_S)
            os.close(ours)


def test_a_server_without_a_terminal_prints_no_link_and_makes_no_user(tmp_path):
    with Server(tmp_path) as server:
        assert "admin" not in [u["login"] for u in server.cais_json("user", "list")]
        assert "enter#" not in server.log()
