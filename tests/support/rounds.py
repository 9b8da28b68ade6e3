# SPDX-License-Identifier: Apache-2.0
"""How often a loop of a test runs, and what it draws its chance from: tests/rounds.def, CAIS_ROUNDS and CAIS_SEED."""
import os
import re

LIST = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "rounds.def")


def table():
    """name → (rounds of a proof, rounds of a test, what one round is)."""
    with open(LIST, encoding="utf-8") as f:
        rows = re.findall(r'^ROUNDS\((\w+), (\d+), (\d+), "([^"]*)"\)$', f.read(), re.MULTILINE)
    return {name: (int(proof), int(test), what) for name, proof, test, what in rows}


def rounds(name):
    """The number of rounds of this loop: that of the proof when CAIS_ROUNDS is `full`, else that of a test."""
    return table()[name][0 if os.environ.get("CAIS_ROUNDS") == "full" else 1]


def seed():
    """What chance begins with: CAIS_SEED, else 1. A run with the same seed draws the same."""
    return int(os.environ.get("CAIS_SEED") or 1)
