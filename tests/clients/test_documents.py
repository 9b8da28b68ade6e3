# SPDX-License-Identifier: Apache-2.0
"""Runs the commands that the documents show, and checks their links."""
import contextlib
import fcntl
import os
import pty
import re
import subprocess
import termios
import threading
import time

import pytest
from ports import free_port
from rounds import rounds

TESTED = re.compile(r"<!-- tested -->\s*```sh\n(.*?)```", re.DOTALL)


def read(root, name):
    with open(os.path.join(root, name), encoding="utf-8") as f:
        return f.read()


@contextlib.contextmanager
def printed_commands(cais, folder, document):
    """Starts a server as `make run` does, and yields it with a function that runs the commands of a document. Only the port
    differs, because the real one may be in use."""
    blocks = TESTED.findall(document)
    assert len(blocks) == 1
    address = f"127.0.0.1:{free_port()}"
    (folder / "build").mkdir()
    (folder / "build" / "cais").symlink_to(os.path.abspath(cais))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CAIS_")}
    environment |= {"CAIS_SERVER_LISTEN": address, "no_proxy": "*"}

    def run(shell=("sh",), together=False):
        """together: both outputs, as on a terminal."""
        done = subprocess.run([*shell, "-c", "set -e\n" + run.script], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, timeout=90,
                              stderr=subprocess.STDOUT if together else subprocess.PIPE, check=False, start_new_session=True)
        assert done.returncode == 0, (done.stdout, done.stderr)
        return done.stdout

    run.script, run.environment = blocks[0].replace("127.0.0.1:8080", address), environment
    with open(folder / "run.log", "wb") as log:
        server = subprocess.Popen(["build/cais", "serve"], cwd=folder, env=environment, stderr=log)
    try:
        for _ in range(200):
            if (folder / "cais-data" / "run.json").exists():
                break
            time.sleep(0.05)
        yield server, run
    finally:
        server.kill()
        server.wait()


# What somebody who tries the commands for the first time takes for a failure, at the beginning of a word.
FAILURE = re.compile(r"\b(?:errors?|err|fail\w*|warn\w*|cannot|can't|could not|couldn't|unable|refused|denied|invalid|unknown|fatal|panic|traceback|"
                     r"assert\w*|abort\w*|segmentation|killed|terminated|timed? ?out|reset by peer|broken pipe|deprecated)\b|not found|"
                     r"no such|curl: \(|[A-Za-z]+Error\b|\b[45]\d\d (?:[A-Z][a-z]+)|^sh: ", re.IGNORECASE | re.MULTILINE)


@pytest.mark.parametrize("line, wanted", [
    ("curl: (7) Failed to connect to 127.0.0.1 port 8080", True), ("sh: 3: Syntax error: Unterminated quoted string", True),
    ("cais user add: there is a user ana@example.org already", False), ("cat: first.txt: No such file or directory", True),
    ("Traceback (most recent call last):", True), ("{\"error\":\"not_found\"}", True), ("Warning: Binary output", True),
    ("{\"guid\":\"b1946ac9\",\"md5_hash\":\"404\"}", False), ("the same bytes", False), ("user ana@example.org", False),
    ("./run: line 9: 4711 Killed  build/cais serve", True)])
def test_what_looks_like_a_failure_is_known(line, wanted):
    assert bool(FAILURE.search(line)) == wanted


@pytest.mark.parametrize("shell", [["sh"], ["bash"]], ids=["sh", "bash"])
def test_the_first_commands_print_nothing_that_looks_like_a_failure(root, cais, tmp_path, shell):
    """curl reported each attempt to reach the server that starts again. Here both outputs come together, as on a terminal."""
    with printed_commands(cais, tmp_path, read(root, "README.md")) as (server, run):
        said = run(shell, together=True)
        assert server.wait(10) == -9
    assert "the same bytes" in said
    assert [line for line in said.splitlines() if FAILURE.search(line)] == []


def typed_at_a_terminal(text, folder, environment):
    """What an interactive bash prints beside the commands themselves, such as its words about jobs, and its exit code."""
    ours, theirs = pty.openpty()
    settings = termios.tcgetattr(theirs)
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(theirs, termios.TCSANOW, settings)
    shell = subprocess.Popen(["bash", "--norc", "--noprofile", "--noediting", "-i"], cwd=folder, env=environment | {"PS1": "", "PS2": ""},
                             stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
                             preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(theirs)
    sender = threading.Thread(target=lambda: os.write(ours, (text + "\nwait\n\nexit 0\n").encode()))
    sender.start()
    said = b""
    try:
        while chunk := os.read(ours, 4096):
            said += chunk
    except OSError:  # the other end is closed
        pass
    sender.join()
    os.close(ours)
    return said.decode().replace("\r\n", "\n"), shell.wait(60)


def test_the_first_commands_typed_at_a_terminal_print_nothing_that_looks_like_a_failure(root, cais, tmp_path):
    """An interactive shell also tells of its jobs, and how they ended."""
    with printed_commands(cais, tmp_path, read(root, "README.md")) as (server, run):
        said, code = typed_at_a_terminal(run.script, tmp_path, run.environment)
        assert server.wait(10) == -9
    assert "the same bytes" in said and "Done" in said and code == 0, said
    assert [line for line in said.splitlines() if FAILURE.search(line)] == []


@pytest.mark.parametrize("text", ["sleep 60 & kill -9 $!", "sleep 60 & kill $!", "nothing-of-that-name"])
def test_a_failure_that_is_typed_at_a_terminal_is_seen(tmp_path, text):
    said, _ = typed_at_a_terminal(text, tmp_path, dict(os.environ))
    assert FAILURE.search(said), said


def test_the_first_upload_works_as_printed(root, cais, tmp_path):
    with printed_commands(cais, tmp_path, read(root, "README.md")) as (server, run):
        said = run()
        assert server.wait(10) == -9
    assert "the same bytes" in said
    digest = re.search(r"^([0-9a-f]{32})  first.txt$", said, re.MULTILINE).group(1)
    assert f'"md5_hash":"{digest}"' in said


def test_a_file_of_the_appfile_api_is_sent_as_printed(root, cais, tmp_path):
    with printed_commands(cais, tmp_path, read(root, "docs/apis/appfile.md")) as (_, run):
        said = run()
    assert said.count('"Status":"imported"') == 2 and '"Inserted":1' in said and '"WorkspaceId":"agency-1"' in said, said


def test_a_course_of_the_redu_api_is_set_up_as_printed(root, cais, tmp_path):
    with printed_commands(cais, tmp_path, read(root, "docs/apis/redu.md")) as (_, run):
        said = run()
        listed = subprocess.run(["build/cais", "course", "list"], cwd=tmp_path, capture_output=True, text=True, check=True)
    for made in ("environments/ufxx", "courses/engenharia", "spaces/1"):
        assert f"/api/{made}\"" in said, said
    assert re.search(r"^1  engenharia  Engenharia  .*  0 B  5\.0 GiB$", listed.stdout, re.MULTILINE), listed.stdout


def test_a_file_becomes_rows_of_the_datasnap_api_as_printed(root, cais, tmp_path):
    with printed_commands(cais, tmp_path, read(root, "docs/apis/datasnap.md")) as (_, run):
        said = run()
    assert '"slug":"vendas"' in said and '"file_name":"vendas.jsonl"' in said, said
    assert '"data":[["Recife",10.5]],"rows":1' in said, said


@pytest.mark.parametrize("name", ["docs/cais.ini", "docs/nginx/cais.ini"])
def test_example_configurations_are_accepted(root, cais, tmp_path, name):
    subprocess.run([cais, "init", "--data", str(tmp_path / "data")], check=True)
    run = subprocess.run([cais, "fsck", "--config", os.path.join(root, name), "--data", str(tmp_path / "data")],
                         capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_links_between_documents_lead_somewhere(root):
    names = [n for n in os.listdir(root) if n.endswith(".md")]
    for folder, _, files in os.walk(os.path.join(root, "docs")):
        names += [os.path.relpath(os.path.join(folder, n), root) for n in files if n.endswith(".md")]
    for name in names:
        for target in re.findall(r"\]\(([^)#:]+)\)", read(root, name)):
            path = os.path.join(root, os.path.dirname(name), target)
            assert os.path.exists(path), f"{name} links to {target}"


def test_a_server_starts_right_after_another_was_killed(cais, tmp_path):
    """The kernel releases the lock of a killed process a moment later."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CAIS_")}
    for _ in range(rounds("starts_after_a_kill")):
        with open(tmp_path / "log", "wb") as log:
            server = subprocess.Popen([cais, "serve", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0"],
                                      env=environment, stderr=log)
        for _ in range(200):
            if b"listening" in (tmp_path / "log").read_bytes():
                break
            assert server.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.02)
        server.kill()  # without waiting: the next server starts at once
    server.wait(10)
