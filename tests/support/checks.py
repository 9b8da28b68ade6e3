# SPDX-License-Identifier: Apache-2.0
"""Programs of checks (tests/clients/node, tests/clients/php): each is run once, and every check in it is a test.

The names are read out of the source, where `${…}` stands for any text. A check that the program does not come to has
failed, and so has one that nobody knows.
"""

import json
import os
import re

import pytest
from s3 import run

CLIENTS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "clients")


def checks_of(path):
    """For a test of each check: a parameter `check`."""
    with open(os.path.join(CLIENTS, path), encoding="utf-8") as f:
        names = re.findall(r'^\s*check\(["`](.+?)["`],', f.read(), re.MULTILINE)
    assert names and len(names) == len(set(names)), names
    return pytest.mark.parametrize("check", names)


def pattern(name):
    return re.sub(r"\\\$\\\{.*?\\\}", ".+", re.escape(name))


class Program:
    """`start` gives (command, settings, environment), and is asked when the first test wants to know."""

    def __init__(self, start):
        self.start, self.told = start, None

    def expect(self, check):
        if self.told is None:
            self.told = {}
            command, settings, environment = self.start()
            done = run(*command, env={**environment, "CAIS_CHECKS": json.dumps(settings)}, check=False)
            self.told = {one["name"]: one["error"] for one in map(json.loads, done.stdout.splitlines())}
            assert done.returncode == 0, done.stderr
        mine = {name: error for name, error in self.told.items() if re.fullmatch(pattern(check), name)}
        assert mine, "the program did not come to it"
        for name, error in mine.items():
            assert error is None, f"{name}: {error}"
