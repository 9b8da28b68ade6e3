# SPDX-License-Identifier: Apache-2.0
"""cais put of files that change, of what is no file, and stopped by Ctrl-C: words, exit code, and what the server has then. And cais rm."""
import json
import os
import signal
import socket
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import native_server  # noqa: E402
from at_terminal import Terminal  # noqa: E402
from cutting_proxy import Proxy, link_to_data  # noqa: E402
from server import BINARY, Server, json_head  # noqa: E402

MIB = 1 << 20


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("put")) as server:
        yield server


@pytest.fixture
def world(server, tmp_path):
    """A folder with a file of 40 MiB, and a proxy before the server."""
    folder, proxy = link_to_data(str(tmp_path / "link"), server)
    (tmp_path / "file").write_bytes(os.urandom(40 * MIB))
    with proxy:
        proxy.folder, proxy.data = tmp_path, folder
        yield proxy
    assert kept(server) == []


def kept(server):
    return [(file["name"], file["size"]) for file in server.files()]


def put(folder, data, *arguments, **more):
    return subprocess.run([BINARY, "put", *arguments, "--data", data], cwd=folder, capture_output=True, text=True, timeout=60, **more)


# ── files that change


def append(path):
    with open(path, "ab") as f:
        f.write(b"more")


def shorten(path):
    os.truncate(path, 30 * MIB)


def rewrite(path):
    with open(path, "r+b") as f:
        f.write(b"other")


@pytest.mark.parametrize("change", [append, shorten, rewrite])
@pytest.mark.parametrize("by", ["name", "standard input"])
def test_a_torn_copy_of_a_file_that_changed_stayed_ready(world, change, by):
    def what():
        change(world.folder / "file")
        return True
    world.after(8 * MIB, what)
    if by == "name":
        done = put(world.folder, world.data, "file")
    else:
        with open(world.folder / "file", "rb") as f:
            done = put(world.folder, world.data, "-", stdin=f)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == f"cais put: {'file' if by == 'name' else '-'}: it changed while it was sent, so nothing of it was kept; " \
        "send it again when nobody writes to it\n"


# ── what is no ordinary file


@pytest.mark.parametrize("path", ["/proc/self/status", "/sys/class/net/lo/mtu"])
def test_a_file_whose_length_is_not_true_was_kept_empty(server, tmp_path, path):
    done = put(tmp_path, server.data, path, "--json")
    assert done.returncode == 0, done.stderr
    file = json.loads(done.stdout)
    got = subprocess.run([BINARY, "get", file["id"], "-o", "-", "--data", server.data], capture_output=True, check=True).stdout
    if path.startswith("/proc"):
        assert got.startswith(b"Name:\tcais\n") and b"\nThreads:" in got
    else:
        assert got == open(path, "rb").read()
    assert len(got) == file["size"] > 0
    assert server.cais("rm", file["id"]).returncode == 0


@pytest.mark.parametrize("what", ["device", "pipe", "socket"])
def test_put_of_a_device_never_ended(server, tmp_path, what):
    path = "/dev/zero"
    if what == "pipe":
        path = str(tmp_path / "a pipe")
        os.mkfifo(path)
    if what == "socket":
        path = "socket"
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(str(tmp_path / path))
    done = put(tmp_path, server.data, path)
    shown = f"'{path}'" if " " in path else path
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"cais put: {path}: is a {what} and no file: 'cais put - --name NAME < {shown}' sends what it gives\n"
    assert kept(server) == []


def test_what_a_pipe_gives_is_sent_by_standard_input(server, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    done = subprocess.run(["sh", "-c", f"(echo one; echo two) > pipe & '{BINARY}' put - --name n --data '{server.data}' < pipe"],
                          cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.endswith("  8 B  n\n"), done
    server.cais("rm", done.stdout.split()[0])


# ── Ctrl-C


def interrupted(terminal, *running):
    """Press Ctrl-C when the event has come. Returns the exit code and the lines, without the echo of the keys."""
    for event in running:
        assert event.wait(30)
    terminal.interrupt()
    code, lines = terminal.end()
    return code, [line.removeprefix("^C") for line in lines if line.removeprefix("^C")]


@pytest.mark.parametrize("after", [[], ["other"], ["other", "third"]])
def test_ctrl_c_said_nothing(world, after):
    (world.folder / "other").write_text("x")
    world.after(8 * MIB, lambda: world.moves.clear() or True)
    with Terminal([BINARY, "put", "file", *after, "--data", world.data], world.folder) as terminal:
        terminal.wait_for("20 %")
        code, lines = interrupted(terminal)
        world.moves.set()
    rest = {0: "", 1: "; not begun: the file after it", 2: "; not begun: the 2 files after it"}[len(after)]
    assert code == 128 + signal.SIGINT
    assert lines[-1].endswith("cais put: file: stopped by a signal; nothing of it was kept" + rest), lines
    assert sum("cais put:" in line for line in lines) == 1


@pytest.mark.parametrize("served", [True, False], ids=["served", "alone"])
def test_ctrl_c_ends_a_put_that_waits_for_its_input(server, tmp_path, served):
    data = server.data if served else str(tmp_path / "data")
    subprocess.run([BINARY, "init", "--data", data], check=True, capture_output=True)
    with Terminal([BINARY, "put", "-", "--data", data], tmp_path) as terminal:
        terminal.wait_for("Ctrl-D")
        terminal.type("a line\n")
        code, lines = interrupted(terminal)
    assert code == 128 + signal.SIGINT and lines[-1].endswith("cais put: -: stopped by a signal; nothing of it was kept"), lines
    listed = subprocess.run([BINARY, "ls", "--json", "--data", data], check=True, capture_output=True).stdout
    assert json.loads(listed) == {"files": []} and "private.sock" not in os.listdir(data)


def test_what_is_typed_is_sent(server, tmp_path):
    with Terminal([BINARY, "put", "-", "--name", "typed", "--data", server.data], tmp_path) as terminal:
        terminal.wait_for("Ctrl-D")
        terminal.type("a line\n\x04")
        code, lines = terminal.end()
    assert code == 0 and lines[-1].endswith("  7 B  typed")
    server.cais("rm", lines[-1].removeprefix("^D").split()[-4])


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_when_all_was_sent_removes_what_the_server_kept(tmp_path, times):
    """Nobody knows then whether the server has kept it. So its reply is waited for, unless Ctrl-C is pressed again."""
    fake = native_server.start()
    try:
        fake.trouble = "slow reply"
        (tmp_path / "file").write_bytes(b"x" * 100)
        with Terminal([BINARY, "put", "file", "--url", fake.url], tmp_path) as terminal:
            assert fake.stalled.wait(30)
            terminal.interrupt()
            terminal.wait_for("^C")
            if times == 1:
                fake.go_on.set()
                code, lines = terminal.end()
            else:
                # The program looks for signals once a second while it waits; two that come at once are one.
                while terminal.process.poll() is None:
                    terminal.interrupt()
                    try:
                        terminal.process.wait(0.5)
                    except subprocess.TimeoutExpired:
                        pass
                code, lines = terminal.end()
        fake.go_on.set()
    finally:
        fake.go_on.set()
        fake.shutdown()
        fake.server_close()
    assert code == 128 + signal.SIGINT
    if times == 1:
        assert lines[-1].endswith("cais put: file: stopped by a signal; nothing of it was kept"), lines
        assert [method for method, _, _ in fake.requests] == ["PUT", "DELETE"] and fake.files == []
    else:
        assert lines[-1].endswith("file: stopped before the server answered: 'cais ls' shows whether it was kept"), lines


# ── rm


def test_rm_removes_files_and_goes_on_after_a_failure(server, tmp_path):
    (tmp_path / "f").write_text("x")
    ids = [line.split()[0] for line in put(tmp_path, server.data, "f", "f", "f").stdout.splitlines()]
    done = server.cais("rm", ids[0], "00000000-0000-4000-8000-000000000000", "s3://photos/a", ids[1], check=False)
    assert done.returncode == 1 and done.stdout == f"removed {ids[0]}\nremoved {ids[1]}\n"
    first, second = done.stderr.splitlines()
    assert first.startswith("cais rm: 00000000-0000-4000-8000-000000000000: ") and "not_found" in first
    assert second.startswith("cais rm: s3://photos/a: no such object (404 not_found")
    assert server.cais_json("rm", ids[2]) == [{"id": ids[2], "removed": True}]
    assert kept(server) == []
    assert server.cais("rm", check=False).returncode == 2


def test_rm_does_not_remove_what_a_task_holds(server):
    made = server.cais_json("demo")[0]
    token = made["access_token"]
    body = b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nx\r\n--b--\r\n"
    guid = server.ask("POST", "/v4/files/upload", [("Authorization", "Bearer " + token),
                                                   ("Content-Type", "multipart/form-data; boundary=b")], body).json()["guid"]
    server.ask("POST", "/v4/tasks", json_head(token), json.dumps({"text": "t", "attachments": [guid]}).encode())
    file, = server.files()
    done = server.cais("rm", file["id"], check=False)
    assert done.returncode == 1 and "409 conflict" in done.stderr and server.files() == [file]
