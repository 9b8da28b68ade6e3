# SPDX-License-Identifier: Apache-2.0
"""cais fsck as an operator sees it: how far it is, and whose file is damaged."""
import http.client
import json
import os
import socket
import subprocess
import sys
import threading

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from at_terminal import Terminal, at_terminal  # noqa: E402
from server import BINARY, Server, file_part, form, json_head  # noqa: E402

MIB = 1 << 20


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("fsck")) as server:
        path = os.path.join(server.folder, "large")
        with open(path, "wb") as f:
            for _ in range(200):
                f.write(os.urandom(MIB))
        server.cais("put", path)
        os.remove(path)
        yield server


class OverSocket(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def ask_admin(path, target, body):
    connection = OverSocket(path)
    connection.request("POST", target, json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 200
    return answer.read().decode()


def test_a_server_says_how_far_a_command_is(server):
    at, id_, seen, result = os.path.join(server.data, "admin.sock"), "0123456789abcdef", set(), []
    thread = threading.Thread(target=lambda: result.append(
        ask_admin(at, "/admin/run", {"argv": ["cais", "fsck", "--json"], "progress": id_})))
    thread.start()
    while thread.is_alive():
        assert ask_admin(at, "/admin/progress", {"id": "f" * 16}) == ""
        text = ask_admin(at, "/admin/progress", {"id": id_})
        if text:
            done, total, what = text.split(" ", 2)
            seen.add((what, int(done), int(total)))
    thread.join()
    assert '"clean":true' in result[0] and ask_admin(at, "/admin/progress", {"id": id_}) == ""
    objects = [(done, total) for what, done, total in seen if what == "objects"]
    assert objects and all(0 <= done <= total and total >= 200 * MIB for done, total in objects), seen
    assert len({done for done, _ in objects}) > 1


def test_an_id_that_is_none_shows_nothing(server):
    at = os.path.join(server.data, "admin.sock")
    for id_ in ("", "x", "0" * 15, "0" * 17):
        assert '"clean":true' in ask_admin(at, "/admin/run", {"argv": ["cais", "fsck", "--quick", "--json"], "progress": id_})
        assert ask_admin(at, "/admin/progress", {"id": id_}) == ""


class FakeAdmin(threading.Thread):
    """A server whose command takes until it was asked for its progress four times."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(8)
        self.asked, self.enough = [], threading.Event()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, connection.makefile("rb") as lines:
            while head := lines.readline():
                length = 0
                while (line := lines.readline()) != b"\r\n":
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                body = json.loads(lines.read(length))
                if b"/admin/progress" in head:
                    self.asked.append(body["id"])
                    if len(self.asked) > 3:
                        self.enough.set()
                    text = b"314572800 1073741824 objects"
                else:
                    self.id = body["progress"]
                    self.enough.wait(30)
                    text = b"0 5\ndone\n"
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))


def test_fsck_of_a_running_server_showed_nothing_until_its_end(tmp_path):
    (tmp_path / "data").mkdir()
    fake = FakeAdmin(str(tmp_path / "data" / "admin.sock"))
    fake.start()
    with Terminal([BINARY, "fsck", "--data", tmp_path / "data"], tmp_path) as terminal:
        terminal.wait_for("objects   29 % [======")
        code, lines = terminal.end()
    assert code == 0 and lines[-1].endswith("done") and set(fake.asked) == {fake.id}
    assert terminal.shown.rstrip().endswith("\x1b[Kdone")
    fake.listener.close()


def test_fsck_without_a_terminal_asks_for_no_progress(tmp_path):
    (tmp_path / "data").mkdir()
    fake = FakeAdmin(str(tmp_path / "data" / "admin.sock"))
    fake.enough.set()
    fake.start()
    done = subprocess.run([BINARY, "fsck", "--data", tmp_path / "data"], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr, fake.asked) == ("done\n", "", [])
    fake.listener.close()


def test_fsck_without_a_server_shows_a_bar(server):
    server.stop()
    try:
        with Terminal([BINARY, "fsck", "--data", server.data], server.folder) as terminal:
            code, lines = terminal.end()
        assert code == 0 and lines[-1].endswith(": clean"), lines
        assert "objects  " in terminal.shown and " % [" in terminal.shown and "\x1b[K1 files" in terminal.shown
        code, lines = at_terminal([BINARY, "fsck", "--json", "--data", server.data], server.folder)
        assert code == 0 and json.loads(lines[-1][lines[-1].index("{"):])["clean"]
    finally:
        server.start()


def test_a_backup_shows_a_bar(server, tmp_path):
    server.stop()
    try:
        with Terminal([BINARY, "backup", tmp_path / "copy", "--data", server.data], server.folder) as terminal:
            code, lines = terminal.end()
        assert code == 0 and "1 objects, 1 of them blobs" in lines[-1] and "blobs  100 % [" in terminal.shown, terminal.shown
    finally:
        server.start()


def test_fsck_called_a_damaged_file_object_5(tmp_path):
    with Server(tmp_path) as server:
        token = server.cais_json("demo")[0]["access_token"]
        answer = server.ask("POST", "/v4/files/upload", [("Authorization", "Bearer " + token),
                                                         ("Content-Type", "multipart/form-data; boundary=b0und")],
                            form(file_part("relatório.bin", os.urandom(100000))))
        assert server.ask("POST", "/v4/tasks", json_head(token), json.dumps(
            {"text": "t", "attachments": [answer.json()["guid"]]}).encode()).status == 200
        file, = server.files()
        blob, = [os.path.join(folder, name) for folder, _, names in os.walk(os.path.join(server.data, "blobs")) for name in names]
        os.chmod(blob, 0o600)
        with open(blob, "r+b") as f:
            f.seek(70000)
            f.write(b"damage")
        done = server.cais("fsck", check=False)
        finding, = json.loads(server.cais("fsck", "--json", check=False).stdout)["findings"]
    for text in (done.stdout, finding["detail"]):
        for wanted in (file["id"], "relatório.bin", "of " + file["owner"], "held by comment:", os.path.basename(blob)):
            assert wanted in text, (wanted, text)
    assert done.returncode == 1 and finding["what"] == "digest differs"
    named, = finding["files"]  # and as members, for programs
    assert (named["id"], named["name"], named["owner"]) == (file["id"], "relatório.bin", file["owner"])
    assert [h.split(":")[0] for h in named["holders"]] == ["comment"]
    assert finding["blob"] == {"key": os.path.basename(blob), "path": os.path.relpath(blob, server.data)}
    assert "entries" not in finding and "more" not in finding
