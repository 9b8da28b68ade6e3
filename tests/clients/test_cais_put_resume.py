# SPDX-License-Identifier: Apache-2.0
"""cais put of large files: interruptions of the connection, of the server and of the program itself."""
import hashlib
import http.server
import json
import os
import pty
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading

import pytest

sys.path.insert(0, os.path.dirname(__file__))
import native_server  # noqa: E402
from cutting_proxy import Proxy, link_to_data  # noqa: E402
from server import TIMEOUT_S, Server, bearer, wait_for  # noqa: E402

MIB = 1 << 20
SIZE = 84 * MIB
FLUSH = 64 * MIB  # the server acknowledges at least so often
# By the socket of the server, too; all others only with the full rounds, because each sends a large file.
EACH_WAY = pytest.mark.parametrize("world", ["url", "socket"], indirect=True)
ONE_WAY = EACH_WAY if os.environ.get("CAIS_ROUNDS") == "full" else pytest.mark.parametrize("world", ["url"], indirect=True)


@pytest.fixture(scope="module")
def data():
    block = os.urandom(MIB)
    return b"".join(block[i * 4099:] + block[:i * 4099] for i in range(SIZE // MIB))


class World:
    """A server behind a proxy, a large file, and a state folder. `over` says how cais reaches the server."""

    def __init__(self, cais, folder, data, over):
        self.binary, self.folder, self.over = cais, folder, over
        self.server = Server(folder)
        self.token = self.server.native()
        self.home = folder / "state"
        self.states = self.home / "cais" / "uploads"
        self.file = folder / "big.bin"
        self.file.write_bytes(data)
        if over == "url":
            self.proxy = Proxy(self.server.address)
            self.target = ["--url", self.proxy.url]
        else:
            link, self.proxy = link_to_data(str(folder / "link"), self.server)
            self.target = ["--data", link]

    def close(self):
        self.proxy.__exit__()
        self.server.stop()
        shutil.rmtree(self.folder)  # hundreds of MiB for each test

    def environment(self, **more):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("CAIS_")}
        token = {"CAIS_TOKEN": self.token} if self.over == "url" else {}
        return {**kept, "XDG_STATE_HOME": str(self.home), **token, **more}

    def begin(self, *arguments, environment=None, **more):
        return subprocess.Popen([self.binary, "put", *self.target, *arguments], cwd=self.folder, stdout=subprocess.PIPE,
                                stderr=more.pop("stderr", subprocess.PIPE), text=True,
                                env=self.environment(**(environment or {})), **more)

    def put(self, *arguments, **more):
        process = self.begin(*arguments, **more)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def interrupt(self, *arguments, at=70 * MIB, how=signal.SIGKILL):
        """Begin to put, and send the signal when so many bytes were sent. Returns what it said, and the exit code."""
        running, ended = threading.Event(), threading.Event()

        def hold():
            running.set()
            ended.wait(TIMEOUT_S)
        self.proxy.after(at, hold)
        process = self.begin("big.bin", *arguments)
        try:
            assert running.wait(TIMEOUT_S)
            process.send_signal(how)
            out, err = process.communicate(timeout=TIMEOUT_S)
        finally:
            ended.set()
        assert out == ""
        return err, process.returncode

    def state(self):
        """The only state that is kept, as a path."""
        found, = self.states.glob("*.json")
        return found

    def no_state(self):
        return [p.name for p in self.states.iterdir()] == []

    def uploads(self):
        answer = self.server.ask("GET", "/v1/native/uploads", bearer(self.token))
        assert answer.status == 200, answer
        return answer.json()["uploads"]

    def upload_is_open(self, id_):
        """Does the server still have it? Users of admin.sock see their own uploads there."""
        if self.over == "url":
            return self.server.ask("HEAD", "/v1/native/uploads/" + id_, bearer(self.token)).status < 300
        return subprocess.run(["curl", "-sf", "-o", os.devnull, "--unix-socket", os.path.join(self.server.data, "admin.sock"),
                               "http://localhost/v1/native/uploads/" + id_], timeout=30).returncode == 0

    def kept(self):
        """(name, MD5, content type) of the files that the server has."""
        return [(f["name"], f["md5"], f["content_type"]) for f in self.server.files()]


@pytest.fixture
def world(cais, tmp_path, data, request):
    made = World(cais, tmp_path, data, request.param)
    yield made
    made.close()


@pytest.fixture
def url_world(cais, tmp_path, data):
    made = World(cais, tmp_path, data, "url")
    yield made
    made.close()


def expect_whole(world, data, name="big.bin", content_type="application/octet-stream"):
    assert world.kept() == [(name, hashlib.md5(data).hexdigest(), content_type)]
    assert world.no_state()


# ── without and with interruptions of the connection and the server


@EACH_WAY
def test_a_large_file_is_sent_whole(world, data):
    done = world.put("--json", "big.bin", "--name", "outro nome.tar", "--type", "application/x-tar")
    assert (done.returncode, done.stderr) == (0, "")
    file = json.loads(done.stdout)
    assert (file["name"], file["size"], file["md5"]) == ("outro nome.tar", SIZE, hashlib.md5(data).hexdigest())
    expect_whole(world, data, "outro nome.tar", "application/x-tar")
    assert len(world.proxy.paths("PATCH")) == 2 and not world.proxy.paths("PUT")
    assert world.proxy.sent < SIZE + MIB


def test_small_files_and_standard_input_are_sent_in_one_request(url_world, data):
    (url_world.folder / "small").write_bytes(data[:64 * MIB])
    with open(url_world.file, "rb") as source:
        done = url_world.put("small", "-", stdin=source)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(url_world.proxy.paths("PUT")) == 2 and not url_world.proxy.paths("POST")
    assert not url_world.states.exists()


@ONE_WAY
def test_put_goes_on_after_a_lost_connection(world, data):
    world.proxy.after(80 * MIB)
    done = world.put("big.bin")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("\n") == 1 and "; trying again\n" in done.stderr
    expect_whole(world, data)
    assert world.proxy.sent < SIZE + FLUSH + MIB


@EACH_WAY
def test_put_goes_on_after_the_server_was_killed(world, data):
    def kill():
        world.server.kill()
        threading.Thread(target=world.server.start).start()
    world.proxy.after(75 * MIB, kill)
    done = world.put("big.bin")
    assert done.returncode == 0, done.stderr
    expect_whole(world, data)
    assert world.proxy.sent < SIZE + FLUSH + MIB  # no acknowledged byte is sent again


def test_put_goes_on_after_a_connection_on_which_nothing_moves(url_world, data):
    def stall():
        url_world.proxy.moves.clear()
    url_world.proxy.after(20 * MIB, stall)
    process = url_world.begin("big.bin", "--retry-for", "3s")
    line = process.stderr.readline()  # it waits for another connection
    assert "trying again" in line
    url_world.proxy.moves.set()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, line + err
    expect_whole(url_world, data)


def test_put_gives_up_after_the_time_without_progress(url_world, data):
    url_world.proxy.after(70 * MIB, url_world.server.kill)
    done = url_world.put("big.bin", "--retry-for", "1500ms")
    assert done.returncode == 1
    assert "cais put: big.bin: gave up after 0:0" in done.stderr and "without progress" in done.stderr
    assert f"the server has at least 64.0 MiB of 84.0 MiB, and 'cais put --resume --url {url_world.proxy.url}' goes on\n" \
        in done.stderr
    url_world.server.start()
    done = url_world.put("--resume")
    assert done.returncode == 0, done.stderr
    expect_whole(url_world, data)


def test_put_without_patience_fails_at_once(url_world):
    url_world.proxy.after(70 * MIB)
    done = url_world.put("big.bin", "--retry-for", "0")
    assert done.returncode == 1 and "gave up" not in done.stderr and "goes on\n" in done.stderr


def test_a_wrong_address_fails_at_once(url_world):
    url_world.target = ["--url", "http://127.0.0.1:1"]
    done = url_world.put("big.bin")
    assert (done.returncode, done.stderr) == (1, "cais put: big.bin: no server answers at http://127.0.0.1:1: "
                                              "is it running, and the address right?\n")


def test_a_terminal_shows_that_put_waits(url_world, data):
    ours, theirs = pty.openpty()
    url_world.proxy.after(70 * MIB)
    process = url_world.begin("big.bin", stderr=theirs)
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 4096):
            seen += chunk
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait(60) == 0
    assert b"big.bin  waits, tries again in 0:01 (" in seen and b"%" in seen and seen.endswith(b"\r\x1b[K"), seen
    process.stdout.close()
    expect_whole(url_world, data)


# ── interruptions of the program


@EACH_WAY
def test_put_resumes_after_it_was_killed(world, data):
    world.interrupt("--name", "n.bin", "--type", "text/plain")
    assert oct(world.state().stat().st_mode & 0o777) == "0o600" and oct(world.states.stat().st_mode & 0o777) == "0o700"
    done = world.put("--resume", "--json")
    assert done.returncode == 0, done.stderr
    assert "goes on with the upload that was begun at 20" in done.stderr
    assert json.loads(done.stdout)["name"] == "n.bin"
    expect_whole(world, data, "n.bin", "text/plain")
    assert world.proxy.sent < SIZE + FLUSH + MIB
    assert len(world.proxy.paths("POST")) == 1
    done = world.put("--resume")
    assert (done.returncode, done.stderr) == (0, "cais put: no upload to this server is unfinished\n")


@ONE_WAY
def test_the_same_command_goes_on(world, data):
    world.interrupt()
    done = world.put("./big.bin")
    assert done.returncode == 0 and done.stderr.startswith("cais put: ./big.bin: goes on with"), done.stderr
    expect_whole(world, data)
    assert len(world.proxy.paths("POST")) == 1


@ONE_WAY
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_says_how_to_go_on(world, data, how):
    said, code = world.interrupt("missing", how=how)
    assert code == -how
    first, = said.splitlines()
    assert first.startswith("cais put: big.bin: stopped by a signal; the server has at least 64.0 MiB of 84.0 MiB, and "
                            "'cais put --resume --")
    assert first.endswith("' goes on; not begun: the file after it")
    command = first[first.index("'") + 1:first.rindex("'")].split()
    assert world.token not in said
    done = subprocess.run([world.binary, *command[1:]], cwd=world.folder, env=world.environment(), capture_output=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr
    expect_whole(world, data)


def test_resume_goes_on_with_the_named_files_only(url_world, data):
    (url_world.folder / "other.bin").write_bytes(data)
    url_world.interrupt()
    url_world.proxy.after(70 * MIB)
    assert url_world.put("other.bin", "--retry-for", "0").returncode == 1
    done = url_world.put("--resume", "other.bin", "third")
    assert done.returncode == 1
    assert "cais put: third: no upload of it to this server is unfinished\n" in done.stderr
    assert [name for name, _, _ in url_world.kept()] == ["other.bin"]
    assert url_world.put("--resume").returncode == 0
    assert [name for name, _, _ in url_world.kept()] == ["big.bin", "other.bin"]
    assert url_world.no_state()


def test_another_name_is_another_upload(url_world, data):
    url_world.interrupt()
    done = url_world.put("big.bin", "--name", "b")
    assert (done.returncode, done.stderr) == (0, "")
    assert url_world.state()
    assert url_world.put("--resume").returncode == 0
    assert [name for name, _, _ in url_world.kept()] == ["big.bin", "b"]


def test_the_reply_that_was_lost_last_is_asked_for(url_world, data):
    """The server has all bytes, and made the file; put was killed before it knew."""
    _, code = url_world.interrupt()
    assert code == -signal.SIGKILL

    def send_the_rest():
        """False: the server still flushes what the killed put brought."""
        upload, = url_world.uploads()
        head = [*bearer(url_world.token), ("Tus-Resumable", "1.0.0"), ("Content-Type", "application/offset+octet-stream"),
                ("Upload-Offset", upload["offset"])]
        rest = data[upload["offset"]:]
        return url_world.server.ask("PATCH", "/v1/native/uploads/" + upload["id"], head, rest).status == 204
    wait_for("the last bytes", send_the_rest)
    done = url_world.put("--resume")
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 1, done.stderr
    expect_whole(url_world, data)


# ── the file changed, the upload is gone


@ONE_WAY
def test_a_changed_file_is_not_resumed_but_sent_anew(world, data):
    world.interrupt()
    old = json.loads(world.state().read_text())["upload"]
    changed = b"x" + data[1:]
    world.file.write_bytes(changed)
    done = world.put("--resume")
    assert done.returncode == 1
    assert "it has changed since the upload was begun; 'cais put' with its name sends it anew" in done.stderr
    assert world.upload_is_open(old) and not world.kept()
    done = world.put("big.bin")
    assert done.returncode == 0 and "it is sent anew" in done.stderr, done.stderr
    expect_whole(world, changed)
    assert not world.upload_is_open(old)


def test_a_change_that_keeps_size_and_time_is_found_at_the_end(url_world, data):
    url_world.interrupt()
    before = url_world.file.stat()
    url_world.file.write_bytes(b"x" + data[1:])
    os.utime(url_world.file, ns=(before.st_atime_ns, before.st_mtime_ns))
    done = url_world.put("--resume")
    assert done.returncode == 1 and "the server kept other bytes than were sent" in done.stderr
    assert url_world.no_state()


def test_a_file_that_changes_while_it_is_sent_is_an_error(url_world):
    def change():
        with open(url_world.file, "ab") as f:
            f.write(b"more")
    url_world.proxy.after(20 * MIB, change)
    done = url_world.put("big.bin")
    assert done.returncode == 1 and "cais put: big.bin: it changed while it was sent, so nothing of it was kept" in done.stderr
    assert not url_world.kept() and not url_world.uploads() and url_world.no_state()


def test_a_file_that_changes_near_its_end_is_not_kept(url_world):
    """What changes behind the last look at the file, after 64 MiB, is found when its last bytes are read. What is on the way is less than 10 MiB."""
    def change():
        os.utime(url_world.file)
        return True
    url_world.proxy.after(70 * MIB, change)
    done = url_world.put("big.bin")
    assert done.returncode == 1 and "it changed while it was sent, so nothing of it was kept" in done.stderr
    assert not url_world.kept() and not url_world.uploads() and url_world.no_state()


def test_a_signal_keeps_nothing_where_the_state_cannot_be_kept(url_world):
    said, code = None, None
    running, ended = threading.Event(), threading.Event()

    def hold():
        running.set()
        ended.wait(TIMEOUT_S)
    url_world.proxy.after(70 * MIB, hold)
    process = url_world.begin("big.bin", environment={"XDG_STATE_HOME": "/dev/null/x"})
    try:
        assert running.wait(TIMEOUT_S)
        process.send_signal(signal.SIGINT)
        ended.set()
        _, said = process.communicate(timeout=TIMEOUT_S)
        code = process.returncode
    finally:
        ended.set()
    assert code == -signal.SIGINT and said.endswith("cais put: big.bin: stopped by a signal; nothing of it was kept\n"), said
    assert not url_world.kept() and not url_world.uploads()


@ONE_WAY
def test_an_upload_that_was_removed_begins_anew(world, data):
    world.interrupt()
    id_ = json.loads(world.state().read_text())["upload"]
    if world.over == "url":
        headers = [*bearer(world.token), ("Tus-Resumable", "1.0.0")]
        assert world.server.ask("DELETE", "/v1/native/uploads/" + id_, headers).status == 204
    else:
        assert subprocess.run(["curl", "-sf", "-X", "DELETE", "-H", "Tus-Resumable: 1.0.0", "--unix-socket",
                               os.path.join(world.server.data, "admin.sock"),
                               "http://localhost/v1/native/uploads/" + id_], timeout=30).returncode == 0
    done = world.put("--resume")
    assert done.returncode == 0, done.stderr
    assert "the server no longer has the upload; it begins anew" in done.stderr
    expect_whole(world, data)


def test_an_expired_upload_begins_anew(cais, tmp_path, data):
    world = World(cais, tmp_path, data, "url")
    world.server.stop()
    world.server.options += ["--set", "resumable.expiry=1m"]
    world.server.start()
    world.interrupt()
    world.server.stop()
    # An hour later: the record is older.
    with sqlite3.connect(os.path.join(world.server.data, "cais.db")) as db:
        assert db.execute("UPDATE transfers SET expires_at_ms = expires_at_ms - 3600000").rowcount == 1
    db.close()
    world.server.start()
    done = world.put("big.bin")
    assert done.returncode == 0 and "it begins anew" in done.stderr, done.stderr
    expect_whole(world, data)
    world.close()


def test_an_upload_without_file_is_forgotten_when_it_is_gone(url_world):
    url_world.interrupt()
    url_world.file.unlink()
    done = url_world.put("--resume")
    assert done.returncode == 1 and "cannot open it: No such file" in done.stderr
    id_ = json.loads(url_world.state().read_text())["upload"]
    url_world.server.ask("DELETE", "/v1/native/uploads/" + id_, bearer(url_world.token))
    done = url_world.put("--resume")
    assert done.returncode == 0 and "it is forgotten" in done.stderr
    assert url_world.no_state()


def test_a_404_that_is_not_of_the_server_does_not_end_the_upload(url_world, data):
    """A proxy answers so while it does not know the server."""
    url_world.interrupt()
    other = native_server.start()
    other.trouble = (404, "not_found", "no route")
    address, url_world.proxy.target = url_world.proxy.target, lambda: other.server_address
    done = url_world.put("--resume")
    assert done.returncode == 1 and "no route" in done.stderr and "goes on" in done.stderr
    other.shutdown()
    other.server_close()
    url_world.proxy.target = address
    assert url_world.put("--resume").returncode == 0
    expect_whole(url_world, data)


class Forgetful(http.server.BaseHTTPRequestHandler):
    """Takes all bytes, and acknowledges none."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        self.server.seen.append(self.command)
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201 if self.command == "POST" else 204)
        self.send_header("Tus-Resumable", "1.0.0")
        self.send_header("Location", "/v1/native/uploads/" + "a" * 32)
        self.send_header("Upload-Offset", "0")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_PATCH = do_POST


def test_a_server_that_acknowledges_nothing_is_not_tried_for_ever(cais, tmp_path, data):
    (tmp_path / "big").write_bytes(data)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Forgetful) as server:
        server.seen = []
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        done = subprocess.run([cais, "put", "--url", "http://127.0.0.1:%d" % server.server_address[1], "big"], cwd=tmp_path,
                              env={**os.environ, "XDG_STATE_HOME": str(tmp_path)}, capture_output=True, timeout=60)
        server.shutdown()
    assert done.returncode == 1 and b"does not fit what was sent" in done.stderr
    assert server.seen == ["POST", "PATCH"]


# ── the state folder


@pytest.mark.parametrize("broken", ["file", "foreign", "homeless"])
def test_put_works_without_a_state_folder(url_world, data, broken):
    environment = {}
    if broken == "file":
        url_world.home.write_text("in the way")
    elif broken == "foreign":
        url_world.states.mkdir(parents=True)
        url_world.states.chmod(0o777)
    else:
        environment = {"XDG_STATE_HOME": "relative", "HOME": ""}
    done = url_world.put("big.bin", environment=environment)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 1
    assert done.stderr.startswith("cais put: big.bin: it cannot be resumed if it is interrupted: ")
    assert done.stderr.count("\n") == 1
    assert [md5 for _, md5, _ in url_world.kept()] == [hashlib.md5(data).hexdigest()]
    done = url_world.put("--resume", environment=environment)
    assert done.returncode == 1 and done.stderr.count("\n") == 1


def test_files_that_are_no_states_are_ignored(url_world, data):
    url_world.interrupt()
    good = json.loads(url_world.state().read_text())
    (url_world.states / "\x1b[2J.json").write_text("{}")
    (url_world.states / "huge.json").write_bytes(b" " * (10 * MIB))
    os.mkfifo(url_world.states / "pipe.json")
    evil = {**good, "path": "/etc/%1B%5B2Jpasswd", "upload": "../../files/x"}
    (url_world.states / ("0" * 32 + ".json")).write_text(json.dumps(evil))
    done = url_world.put("--resume")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("ignored ") == 4 and "\x1b" not in done.stderr
    assert [md5 for _, md5, _ in url_world.kept()] == [hashlib.md5(data).hexdigest()]
    assert len(list(url_world.states.iterdir())) == 4


def test_a_broken_state_does_not_keep_a_file_from_being_sent(url_world, data):
    url_world.interrupt()
    url_world.state().write_text("{")
    done = url_world.put("big.bin")
    assert done.returncode == 0 and "the state of an earlier upload is ignored" in done.stderr
    expect_whole(url_world, data)


def test_states_of_other_servers_are_left_alone(cais, url_world):
    url_world.interrupt()
    url_world.state()
    done = subprocess.run([cais, "put", "--resume", "--url", "http://127.0.0.1:1"], env=url_world.environment(),
                          capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "cais put: no upload to this server is unfinished\n")
    assert url_world.state()


def test_a_state_holds_no_secret(url_world):
    url_world.target = ["--url", url_world.proxy.url.replace("http://", "http://ana:p4ssw0rd@")]
    url_world.interrupt("--token", url_world.token)
    text = url_world.state().read_text()
    assert url_world.token not in text and "p4ssw0rd" not in text and "ana" not in text
    assert json.loads(text)["server"] == url_world.proxy.url


# ── two at once, credentials, room


def test_two_at_once_do_not_disturb_each_other(url_world, data):
    first_is_running = threading.Event()

    def wait():
        first_is_running.set()
        go_on.wait(TIMEOUT_S)
    go_on = threading.Event()
    url_world.proxy.after(70 * MIB, wait)
    first = url_world.begin("big.bin")
    assert first_is_running.wait(TIMEOUT_S)
    for arguments in (["big.bin"], ["--resume"]):
        done = url_world.put(*arguments)
        assert done.returncode == 1 and "another 'cais put' is sending it now" in done.stderr
    go_on.set()
    _, said = first.communicate(timeout=60)
    assert first.returncode == 0, said
    expect_whole(url_world, data)


def test_a_wrong_token_keeps_the_state(url_world, data):
    url_world.interrupt()
    done = url_world.put("--resume", environment={"CAIS_TOKEN": "b4dt0ken"})
    assert done.returncode == 1 and "401 unauthenticated" in done.stderr and "b4dt0ken" not in done.stderr
    assert url_world.put("--resume").returncode == 0
    expect_whole(url_world, data)


def test_a_full_server_keeps_the_state(url_world, data):
    url_world.interrupt()
    url_world.server.stop()
    options = list(url_world.server.options)
    url_world.server.options += ["--set", "storage.reserve_free_space=1000T"]
    url_world.server.start()
    done = url_world.put("big.bin")
    assert done.returncode == 1 and "507 no_space" in done.stderr and "goes on\n" in done.stderr
    url_world.server.stop()
    url_world.server.options = options
    url_world.server.start()
    assert url_world.put("--resume").returncode == 0
    expect_whole(url_world, data)


@pytest.mark.parametrize("arguments", [["--resume", "--name", "a"], ["--resume", "a", "--type", "b/c"],
                                       ["big.bin", "--retry-for", "5"], ["--retry-for", "5m"]])
def test_wrong_usage(url_world, arguments):
    done = url_world.put(*arguments)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "try 'cais put --help'" in done.stderr


def test_resume_makes_no_data_directory(cais, tmp_path):
    done = subprocess.run([cais, "put", "--resume"], cwd=tmp_path, capture_output=True, timeout=60,
                          env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")})
    assert done.returncode == 1 and b"is no data directory of cais" in done.stderr
    assert not (tmp_path / "cais-data").exists()


def test_put_without_a_server_resumes(cais, tmp_path, data):
    """The private server of a command ends with it, and its upload does not."""
    (tmp_path / "big").write_bytes(data)
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    subprocess.run([cais, "init"], cwd=tmp_path, check=True, capture_output=True)
    process = subprocess.Popen([cais, "put", "big"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    wait_for("the upload to begin", lambda: list((tmp_path / "state").glob("cais/uploads/*.json")))
    process.kill()
    out, _ = process.communicate(timeout=60)
    assert out == b""
    done = subprocess.run([cais, "put", "big", "--json"], cwd=tmp_path, env=environment, capture_output=True, timeout=60)
    assert done.returncode == 0 and b"goes on with" in done.stderr
    assert json.loads(done.stdout)["md5"] == hashlib.md5(data).hexdigest()
