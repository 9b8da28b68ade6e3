# SPDX-License-Identifier: Apache-2.0
"""Runs a command at a terminal, as a person does: its input, output and messages are one pseudo-terminal."""
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time

TIMEOUT_S = 60
ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class Terminal:
    """A command at a terminal that is `columns` wide. `shown` is what the terminal got so far, with what it echoed."""

    def __init__(self, command, folder, columns=80, environment=None):
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        env = {k: v for k, v in os.environ.items() if not k.startswith("CAIS_")}
        env.update(environment or {})
        # The terminal controls the process, so that it has signals from the keyboard.
        self.process = subprocess.Popen([str(c) for c in command], cwd=folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs,
                                        start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(theirs)
        self.shown = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.ours)

    def _read(self):
        """False: the command has closed the terminal."""
        try:
            data = os.read(self.ours, 65536)
        except OSError:
            return False
        self.shown += data.decode("utf-8", "replace")
        return bool(data)

    def wait_for(self, text):
        """Wait until the terminal has shown the text."""
        end = time.monotonic() + TIMEOUT_S
        while text not in self.shown:
            assert time.monotonic() < end and self._read(), f"'{text}' did not come: {self.shown!r}"

    def type(self, text):
        os.write(self.ours, text.encode())

    def interrupt(self):
        """As the key combination Ctrl-C."""
        self.type("\x03")

    def end(self):
        """Wait for the end of the command. Returns (exit code, the lines that were shown, without codes for the terminal)."""
        while self._read():
            pass
        code = self.process.wait(TIMEOUT_S)
        if code < 0:
            code = 128 + signal.Signals(-code)
        text = ESCAPE.sub("", self.shown.replace("\r\n", "\n")).replace("\r", "")
        return code, text.splitlines()


def at_terminal(command, folder, columns=80, environment=None):
    """Run a command that asks for nothing. Returns (exit code, lines)."""
    with Terminal(command, folder, columns, environment) as terminal:
        return terminal.end()
