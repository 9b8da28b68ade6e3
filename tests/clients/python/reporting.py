# SPDX-License-Identifier: Apache-2.0
"""Shared by the programs of checks in this folder. Each check has a name, runs alone, and is reported in one line of JSON.
tests/support/checks.py makes a test of each check."""
import json
import os
import traceback

SERVER = json.loads(os.environ["CAIS_CHECKS"])
CHECKS = []


def check(name, run):
    CHECKS.append((name, run))


def run_all():
    for name, run in CHECKS:
        error = None
        try:
            run()
        except BaseException:  # whatever it is, the next check runs
            error = traceback.format_exc()
        print(json.dumps({"name": name, "error": error}), flush=True)
