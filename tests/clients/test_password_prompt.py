# SPDX-License-Identifier: Apache-2.0
"""cais user password at a terminal: asked for twice, never shown, and the terminal is as before in the end."""
import signal
import subprocess
import termios

import pytest

from at_terminal import Terminal
from server import BINARY, Server

PASSWORD = "correct horse battery"


@pytest.fixture(params=[True, False], ids=["served", "alone"])
def store(request, tmp_path):
    with Server(tmp_path) as server:
        server.cais("user", "add", "ana")
        if not request.param:
            server.stop()
        yield server


def echoes(terminal):
    return bool(termios.tcgetattr(terminal.ours)[3] & termios.ECHO)


def ask(store, *answers):
    """Types the answers. Returns the exit code, and all that the terminal showed."""
    with Terminal([BINARY, "user", "password", "ana", "--data", store.data], store.folder) as terminal:
        for prompt, answer in zip(("New password for ana: ", "The same again: "), answers):
            terminal.wait_for(prompt)
            assert not echoes(terminal)
            terminal.type(answer)
        code, lines = terminal.end()
        assert echoes(terminal)
        return code, lines


def passwords_set(store):
    return sum(event["action"] == "user.password" for event in store.cais_json("audit"))


def test_a_password_was_read_without_a_prompt_and_shown(store):
    code, lines = ask(store, PASSWORD + "\n", PASSWORD + "\n")
    assert (code, lines) == (0, ["New password for ana: ", "The same again: "])
    assert passwords_set(store) == 1


def test_two_that_differ_change_nothing(store):
    code, lines = ask(store, PASSWORD + "\n", PASSWORD + "x\n")
    assert code == 1 and lines[-1] == "cais user password: the second one differs, so the password is as it was"
    assert PASSWORD not in "".join(lines) and passwords_set(store) == 0


@pytest.mark.parametrize("answers", [["\x03"], [PASSWORD + "\n", "\x03"]])
def test_ctrl_c_gives_the_terminal_back(store, answers):
    code, lines = ask(store, *answers)
    assert code == 128 + signal.SIGINT and PASSWORD not in "".join(lines) and passwords_set(store) == 0


def test_nothing_is_no_password(store):
    code, lines = ask(store, "\x04")
    assert code == 1 and lines[-1] == "cais user password: no password was typed, so it is as it was"
    code, lines = ask(store, "short\n", "short\n")
    assert code == 1 and lines[-1] == "cais user password: a password has 8 to 1024 bytes"


def test_a_pipe_is_read_as_before(store):
    done = subprocess.run([BINARY, "user", "password", "ana", "--data", store.data], input=PASSWORD + "\n", capture_output=True,
                          text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "") and passwords_set(store) == 1
