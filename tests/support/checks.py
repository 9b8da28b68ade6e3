# SPDX-License-Identifier: Apache-2.0
"""Runs the client programs of tests/clients/node and tests/clients/php once each, and makes a test of every check in them.

The names of the checks are read from the source of the program, where `${…}` stands for any text. A check fails, too, when
the program ends before it reports the check.
"""

import json
import os
import re

import pytest
from s3 import run

CLIENTS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "clients")


def checks_of(path):
    """A pytest decorator that runs a test once for each check of the program; the parameter is `check`."""
    with open(os.path.join(CLIENTS, path), encoding="utf-8") as f:
        names = re.findall(r'^\s*check\(["`](.+?)["`],', f.read(), re.MULTILINE)
    assert names and len(names) == len(set(names)), names
    return pytest.mark.parametrize("check", names)


def pattern(name):
    return re.sub(r"\\\$\\\{.*?\\\}", ".+", re.escape(name))


class Program:
    """A client program. start() returns (command, settings, environment); it is called when the first test needs a result."""

    def __init__(self, start):
        self.start, self.results = start, None

    def expect(self, check):
        if self.results is None:
            self.results = {}
            command, settings, environment = self.start()
            done = run(*command, env={**environment, "CAIS_CHECKS": json.dumps(settings)}, check=False)
            self.results = {one["name"]: one["error"] for one in map(json.loads, done.stdout.splitlines())}
            assert done.returncode == 0, done.stderr
        mine = {name: error for name, error in self.results.items() if re.fullmatch(pattern(check), name)}
        assert mine, "the program did not report this check"
        for name, error in mine.items():
            assert error is None, f"{name}: {error}"
