# SPDX-License-Identifier: Apache-2.0
"""Fixtures and options for all Python tests."""
import os
import sys

import pytest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session", autouse=True)
def state_home(tmp_path_factory):
    """What cais put remembers of unfinished uploads does not get into the home of the user who runs the tests."""
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session")
def cais():
    """The program under test: CAIS_BINARY, else build/cais."""
    path = os.environ.get("CAIS_BINARY") or os.path.join(ROOT, "build", "cais")
    assert os.path.exists(path), f"{path} is not built; make build"
    return path


def pytest_addoption(parser):
    parser.addoption("--alone", choices=["never", "only"], help="never: leave out the tests that must run alone; only: run only those tests")


def pytest_configure(config):
    config.addinivalue_line("markers", "alone(reason): runs when no other test runs, because it measures time or fills a disk")
    config.addinivalue_line("markers", "proof_only(reason): runs in `make proof` alone")
    config.addinivalue_line("markers", "rule(ids): the rows of docs/apis/resumable-rules.md that the test is about")
    config.addinivalue_line("markers", "slow_because(reason): may take more than 20 seconds (tools/run-tests)")


def pytest_collection_modifyitems(config, items):
    for item in items:
        item.user_properties += [("slow_because", mark.args[0]) for mark in item.iter_markers("slow_because")]
    which = config.getoption("--alone")
    is_proof = os.environ.get("CAIS_ROUNDS") == "full"

    def is_left_out(item):
        return (which and bool(item.get_closest_marker("alone")) != (which == "only")) or (item.get_closest_marker("proof_only") and not is_proof)
    left_out = [i for i in items if is_left_out(i)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [i for i in items if not is_left_out(i)]
