# SPDX-License-Identifier: Apache-2.0
"""The list of planted faults matches the sources, tools/run-mutants reports a list that does not, and a fault that no test
detects is a failure."""
import importlib.machinery
import importlib.util
import os
import subprocess

import pytest

FAULT = """rule Half is less than whole.
in half.c
- a < b
+ a <= b
by unit-half
"""
SOURCE = "bool less(int a, int b)\n{\n    return a < b;\n}\n"


@pytest.fixture(scope="module")
def tool(root):
    loader = importlib.machinery.SourceFileLoader("run_mutants", os.path.join(root, "tools", "run-mutants"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run_mutants", loader))
    loader.exec_module(module)
    return module


@pytest.fixture
def tree(tmp_path):
    """A function that writes a small tree and returns the errors of its list."""
    def write(tool, fault=FAULT, source=SOURCE):
        for path, text in (("src/core/half.c", source), ("tests/unit/half.c", ""), ("tests/mutants.txt", fault)):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        return tool.check(str(tmp_path))[1]
    return write


def test_the_list_matches_this_tree(root):
    done = subprocess.run([os.path.join(root, "tools", "run-mutants"), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_a_list_that_matches_passes(tool, tree):
    assert tree(tool) == []


@pytest.mark.parametrize("fault,source,message", [
    (FAULT, SOURCE.replace("a < b", "b > a"), "'a < b' occurs 0 times in half.c"),
    (FAULT, SOURCE + SOURCE, "'a < b' occurs 2 times in half.c"),
    (FAULT.replace("half.c", "whole.c"), SOURCE, "'a < b' occurs 0 times in whole.c"),
    (FAULT.replace("unit-half", "unit-whole"), SOURCE, "there is no test unit-whole"),
    (FAULT.replace("unit-half", "tests/clients/test_half.py"), SOURCE, "there is no test tests/clients/test_half.py"),
    (FAULT.replace("- a < b", "after int c\n- a < b"), SOURCE, "'int c' occurs 0 times"),
    (FAULT.replace("- a < b", "after return a <\n- a < b"), SOURCE, "'a < b' does not occur after 'return a <'"),
    (FAULT.replace("by unit-half\n", ""), SOURCE, "a fault needs"),
    (FAULT.replace("+ a <= b\n", ""), SOURCE, "a fault needs"),
    (FAULT.replace("in half.c", "near half.c"), SOURCE, "not a line of this list"),
])
def test_a_list_that_does_not_match_fails(tool, tree, fault, source, message):
    wrong = tree(tool, fault, source)
    assert len(wrong) == 1 and message in wrong[0]


def test_a_fault_is_planted_after_its_anchor(tool, tree):
    second = SOURCE.replace("less", "fewer")
    assert tree(tool, FAULT.replace("- a < b", "after bool fewer\n- a < b"), SOURCE + second) == []


@pytest.fixture
def copy(tool, monkeypatch, tmp_path):
    """Replaces the copy of the tree by one whose build and tests only look at the text of the source."""
    class Fake(tool.Copy):
        def __init__(self):
            super().__init__()
            self.tree = str(tmp_path)

        def prepare(self):
            pass

        def source(self):
            return (tmp_path / "src" / "core" / "half.c").read_text()

        def make(self, tests):
            return "syntax" not in self.source(), "error: syntax"

        def run(self, test):
            return "failed" if "a <= b" in self.source() else "hung" if "a == b" in self.source() else "passed", "half"

    monkeypatch.setattr(tool, "ROOT", str(tmp_path))
    monkeypatch.setattr(tool, "Copy", Fake)


@pytest.mark.parametrize("planted,outcome,bad", [("a <= b", "killed  ", 0), ("b > a", "SURVIVED", 1),
                                                 ("a == b", "killed, but only because a test hung", 0),
                                                 ("syntax", "DOES NOT COMPILE", 1)])
def test_a_fault_that_survives_or_does_not_compile_is_a_failure(tool, tree, copy, tmp_path, capsys, planted, outcome, bad):
    tree(tool, FAULT.replace("a <= b", planted))
    assert tool.run_all(tool.check(str(tmp_path))[0]) == bad
    assert outcome in capsys.readouterr().out
    assert (tmp_path / "src" / "core" / "half.c").read_text() == SOURCE


def test_a_test_that_fails_without_any_fault_is_a_failure(tool, tree, copy, tmp_path, capsys):
    tree(tool, FAULT.replace("- a < b", "- a <= b").replace("+ a <= b", "+ a < b"), SOURCE.replace("<", "<="))
    assert tool.run_all(tool.check(str(tmp_path))[0]) == 1
    assert "A TEST FAILS WITHOUT ANY FAULT: unit-half failed" in capsys.readouterr().out


def test_a_slow_test_hangs_only_after_a_multiple_of_its_own_time(tool, monkeypatch):
    now = iter([0, 1, 100, 150])
    monkeypatch.setattr(tool.time, "monotonic", lambda: next(now))
    monkeypatch.setattr(tool.Copy, "run", lambda copy, test: ("passed", ""))
    copy = tool.Copy()
    copy.measure(["unit-fast", "unit-slow"])
    assert copy.timeouts_s == {"unit-fast": tool.HANGS_AFTER_S, "unit-slow": 50 * tool.HANGS_AFTER_TIMES}


def test_what_a_test_that_hangs_has_started_ends_with_it(tool):
    # The second process keeps the pipe open, so the function returns only if that process ends, too.
    assert tool.run_quietly(["sh", "-c", "sleep 1000 & wait"], 0.1)[0] == "hung"


def test_only_faults_that_a_commit_did_not_have_are_chosen(tool, tree, tmp_path):
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    tree(tool)
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "tests: begin"]):
        subprocess.run(git + command, check=True)
    newer = FAULT.replace("a <= b", "a == b")
    tree(tool, FAULT.replace("by unit-half", "by unit-half unit-whole") + newer)
    chosen = tool.added_since(tool.read(str(tmp_path))[0], str(tmp_path), "HEAD")
    assert [m.new for m in chosen] == ["a == b"]
