# SPDX-License-Identifier: Apache-2.0
"""What every Python test may ask for."""
import os
import sys

import pytest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def cais():
    """The program under test: CAIS_BINARY, else build/cais."""
    path = os.environ.get("CAIS_BINARY") or os.path.join(ROOT, "build", "cais")
    assert os.path.exists(path), f"{path} is not built; make build"
    return path


def pytest_addoption(parser):
    parser.addoption("--kill-rounds", type=int, default=int(os.environ.get("CAIS_KILL_ROUNDS") or 200),
                     help="how often tests/crash/test_kill.py kills the server (default 200)")


@pytest.fixture
def kill_rounds(request):
    return request.config.getoption("--kill-rounds")
