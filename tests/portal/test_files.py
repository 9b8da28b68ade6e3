# SPDX-License-Identifier: Apache-2.0
"""Files in the portal: uploads over every kind of interruption, names, previews, deleting with undo."""

import base64
import hashlib
import json
import os
import random
import urllib.parse

import pytest

from faults import Faults
from flows import CHROMIUM, PASSWORD, person, run_flow, texts
from ports import free_port
from server import Server, wait_for

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is missing: tools/setup test")
DOT = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(4)"><script>parent.alert(5)</script></svg>'
CONTENTS = {"dot.png": DOT, "picture.svg": SVG, "empty.bin": b"", "held.txt": b"held\n", "emoji 📦.txt": b"\xff\xfe", "x" * 251 + ".txt": b"long name",
            "ملف.txt": "نص".encode(), "a&b;c='\"`<u>.csv": b"=cmd|' /C calc'!A0,<script>alert(6)</script>\n"}


def files_of(server, token, name=""):
    answer = server.ask("GET", "/v1/native/files?" + urllib.parse.urlencode({"limit": 1000, "name": name}), [("Authorization", "Bearer " + token)])
    return answer.json()["files"]


@pytest.mark.parametrize("language,colors", [("en", "light"), ("pt-BR", "light"), ("es", "dark"), ("ru", "dark")])
def test_files_are_sent_renamed_and_deleted(tmp_path, language, colors):
    folder = tmp_path / "mine"
    folder.mkdir()
    for name, data in CONTENTS.items():
        (folder / name).write_bytes(data)
    with Server(tmp_path) as server:
        login = person(server)
        token = server.key(login, "native")["token"]

        def attach(name):
            found = files_of(server, token, name)[0]
            pyrus = server.log_in(login, server.key(login, "pyrus")["security_key"])["access_token"]
            answer = server.ask("POST", "/v4/tasks", [("Authorization", "Bearer " + pyrus), ("Content-Type", "application/json")],
                                json.dumps({"text": "t", "attachments": [found["id"]]}).encode())
            assert answer.status == 200, answer

        def exists(name):
            return any(f["name"] == name for f in files_of(server, token))
        run_flow("files", server, tmp_path, {"attach": attach, "exists": exists, "is_gone": lambda name: wait_for(name, lambda: not exists(name))},
                 login=login, language=language, colors=colors, files=[str(folder / name) for name in CONTENTS])
        stored = {f["name"]: f["md5"] for f in files_of(server, token)}
        for name, data in CONTENTS.items():
            assert name == "dot.png" or stored[name] == hashlib.md5(data).hexdigest(), name


@pytest.mark.slow_because("300 MB at 40 MB/s, over two restarts")
def test_an_upload_of_300_mb_survives_two_kills_and_a_new_browser(tmp_path):
    path = tmp_path / "large.bin"
    source = random.Random(7)
    data = b"".join(source.randbytes(1_000_000) for _ in range(300))
    path.write_bytes(data)
    with Server(tmp_path, "--listen", f"127.0.0.1:{free_port()}", listen=False) as server:
        login = person(server)
        token = server.key(login, "native")["token"]

        def offset():
            answer = server.ask("GET", "/v1/native/uploads", [("Authorization", "Bearer " + token)])
            return max([u["offset"] for u in answer.json()["uploads"]], default=0)

        def start():
            server.start()
            return offset()

        def creations():
            return len([e for e in server.cais_json("audit", "--limit", "1000") if e["action"] == "transfer.create"])
        run_flow("restarts", server, tmp_path, {"kill": server.kill, "start": start, "offset": offset, "creations": creations}, login=login, language="en",
                 colors="light", file=str(path))
        (stored,) = files_of(server, token)
        assert (stored["size"], stored["md5"]) == (len(data), hashlib.md5(data).hexdigest())
        got = server.ask("GET", "/v1/native/files/" + stored["id"], [("Authorization", "Bearer " + token)])
        assert got.body == data


def test_uploads_that_are_paused_and_go_on_arrive_once(tmp_path):
    with Server(tmp_path) as server:
        login = person(server)
        token = server.key(login, "native")["token"]
        run_flow("pause", server, tmp_path, {"count": lambda: len(files_of(server, token))}, login=login, language="en", colors="light")


@pytest.mark.alone("it measures time")
@pytest.mark.slow_because("10,000 files")
def test_ten_thousand_small_files_arrive_and_the_page_stays_alive(tmp_path):
    folder = tmp_path / "many"
    count = 10_000
    for i in range(count):
        part = folder / f"part {i // 1000}"
        part.mkdir(parents=True, exist_ok=True)
        (part / f"file {i}.bin").write_bytes(i.to_bytes(4, "big") * 1024)
    with Server(tmp_path) as server:
        login = person(server)
        result = run_flow("many", server, tmp_path, login=login, folder_of_files=str(folder), bytes=count * 4096)
        token = server.key(login, "native")["token"]
        names, after = [], ""
        while after is not None:
            answer = server.ask("GET", f"/v1/native/files?limit=1000{after}", [("Authorization", "Bearer " + token)]).json()
            names += [f["name"] for f in answer["files"]]
            after = f"&after={answer['next']}" if "next" in answer else None
        assert sorted(names) == sorted(f"file {i}.bin" for i in range(count))
        print(result)  # an idle machine should do 100 files a second without a task of 200 ms; a busy one must not stop
        assert count / result["seconds"] >= 25 and result["longest"] <= 1000 and result["open_seconds"] <= 2, result


@pytest.mark.slow_because("four uploads over a throttled connection")
@pytest.mark.parametrize("language,colors,size", [("en", "light", 24_000_000), ("pt-BR", "dark", 17_000_000), ("es", "light", 17_000_000), ("ru", "dark", 17_000_000)])
def test_large_uploads_survive_bad_days(tmp_path, monkeypatch, language, colors, size):
    """In one language with several pieces of 8 MiB after what happens, in the others with one and its rest."""
    folder = tmp_path / "mine"
    folder.mkdir()
    names = ["two windows.bin", "changes.bin", "session.bin", "full.bin"]
    source = random.Random(9)
    for name in names:
        (folder / name).write_bytes(source.randbytes(size))
    faults = Faults(tmp_path / "faults", tmp_path / "data")
    with monkeypatch.context() as before:  # the server alone runs with the faults
        for name, value in faults.environment.items():
            before.setenv(name, value)
        server = Server(tmp_path)
    with server:
        login = person(server)
        token = server.key(login, "native")["token"]

        def creations(name):
            return len([e for e in server.cais_json("audit", "--limit", "1000") if e["action"] == "transfer.create" and e["detail"] == name])

        def change(name):
            (folder / name).write_bytes(b"another content" * 1_000_000)

        def stored(name):
            return [f["id"] for f in files_of(server, token, name)]

        def end_sessions():
            server.cais("user", "password", login, text=PASSWORD + "\n")
        run_flow("bad_days", server, tmp_path, {"creations": creations, "change": change, "stored": stored, "end_sessions": end_sessions,
                                                "fill": lambda: faults.set("room 1000000"), "heal": faults.heal},
                 login=login, files={name: str(folder / name) for name in names}, language=language, colors=colors,
                 texts=texts(language, "error_elsewhere", "up_no_space", "up_changed", "session_title"))
        assert {f["name"]: f["md5"] for f in files_of(server, token)} == {name: hashlib.md5((folder / name).read_bytes()).hexdigest() for name in names}
        assert len(files_of(server, token)) == len(names)
