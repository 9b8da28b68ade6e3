# SPDX-License-Identifier: Apache-2.0
"""The number of rounds of each loop (tests/rounds.def, CAIS_ROUNDS) and the seed of its random numbers (CAIS_SEED)."""
import os
import re

LIST = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "rounds.def")


def table():
    """Returns {name: (rounds in `make proof`, rounds in `make test`, what one round is)}."""
    with open(LIST, encoding="utf-8") as f:
        rows = re.findall(r'^ROUNDS\((\w+), (\d+), (\d+), "([^"]*)"\)$', f.read(), re.MULTILINE)
    return {name: (int(proof), int(test), what) for name, proof, test, what in rows}


def rounds(name):
    """The number of rounds of this loop: the number for `make proof` if CAIS_ROUNDS is `full`, else that for `make test`."""
    return table()[name][0 if os.environ.get("CAIS_ROUNDS") == "full" else 1]


def seed():
    """The seed of all random numbers: CAIS_SEED, else 1. Runs with the same seed use the same random numbers."""
    return int(os.environ.get("CAIS_SEED") or 1)
