# SPDX-License-Identifier: Apache-2.0
"""tools/run-tests counts the tests that ran, tools/setup lists missing packages, and CI ends with the count."""
import collections
import importlib.machinery
import importlib.util
import json
import os
import re
import subprocess

import pytest

import rounds
from server import Server


@pytest.fixture(scope="module")
def runner(root):
    loader = importlib.machinery.SourceFileLoader("run_tests", os.path.join(root, "tools", "run-tests"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run_tests", loader))
    loader.exec_module(module)
    return module


def record(result, stderr="", stdout=""):
    return {"name": "cais:unit / file", "result": result, "stderr": stderr, "stdout": stdout}


@pytest.mark.parametrize("given,counts", [
    (record("OK", "[  PASSED  ] 12 test(s).\n"), (12, 0, [])),
    (record("FAIL", "[  PASSED  ] 11 test(s).\n[  FAILED  ] 1 test(s), listed below:\n[  FAILED  ] name\n"), (11, 1, [])),
    (record("FAIL", "[ RUN      ] died_here\n"), (0, 1, [])),
    (record("TIMEOUT"), (0, 1, [])),
    (record("OK"), (1, 0, [])),
    (record("SKIP"), (0, 0, ["file"])),
    (record("OK", "[  SKIPPED ] a\n[  SKIPPED ] b\n[  PASSED  ] 3 test(s).\n[  SKIPPED ] 2 test(s), listed below:\n"
            "[  SKIPPED ] a\n[  SKIPPED ] b\n"), (3, 0, ["file: a", "file: b"])),
    (record("OK", "[  PASSED  ] 3 test(s).\n[  PASSED  ] 4 test(s).\n"), (7, 0, [])),
])
def test_each_test_of_a_program_counts(runner, given, counts):
    assert runner.cmocka_counts(given) == runner.Counts(*counts)


def test_the_counts_of_a_meson_log_are_added(runner, tmp_path):
    log = tmp_path / "testlog.json"
    log.write_text(json.dumps(record("OK", "[  PASSED  ] 2 test(s).")) + "\n" + json.dumps(record("ERROR")) + "\n")
    assert runner.count_meson_log(log) == runner.Counts(2, 1)


def test_the_counts_of_a_junit_file_are_added(runner, tmp_path):
    report = tmp_path / "junit.xml"
    report.write_text('<testsuites><testsuite tests="9" failures="1" errors="1" skipped="2"><testcase classname="a.b" name="c">'
                      '<skipped message="no mount"/></testcase></testsuite></testsuites>')
    assert runner.count_junit(report) == runner.Counts(5, 2, ["a.b.c: no mount", "a test without a name"])


@pytest.mark.parametrize("ci,last,status", [("", "3 passed, 0 failed, 1 skipped", 0), ("1", "3 passed, 1 failed", 1)])
def test_a_skipped_test_is_named_and_in_ci_it_is_a_failure(runner, monkeypatch, capsys, ci, last, status):
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(runner, "run_part", lambda part, arguments: runner.Counts(3, 0, ["blob: full"]))
    monkeypatch.setattr("sys.argv", ["run-tests", "--only", "unit"])
    assert runner.main() == status
    said = capsys.readouterr().out
    assert "in unit: blob: full\n" in said and said.splitlines()[-1] == last


@pytest.mark.parametrize("report", ["WARNING: ThreadSanitizer: data race (pid=1)", "ERROR: AddressSanitizer: heap-use-after",
                                    "a.c:1:2: runtime error: signed integer overflow"])
def test_a_sanitizer_report_in_the_log_of_a_server_is_a_failure(tmp_path, report):
    server = Server(tmp_path, start=False)
    (tmp_path / "log").write_text(report + "\n")
    for check in (server.check_log, server.kill):
        with pytest.raises(AssertionError, match="a sanitizer reported an error"):
            check()


def meson_record(name, seconds):
    return json.dumps(dict(record("OK", "[  PASSED  ] 1 test(s)."), name="cais:unit / " + name, duration=seconds)) + "\n"


@pytest.fixture
def run_with(runner, monkeypatch, capsys):
    """A function that runs tools/run-tests with the given counts of one part. It returns (status, output)."""
    def run(counts, *arguments, load=0):
        monkeypatch.delenv("CI", raising=False)
        for name in ("CAIS_SEED", "CAIS_ROUNDS"):
            monkeypatch.setenv(name, "")  # so that monkeypatch restores it afterwards
        monkeypatch.setattr(runner, "run_part", lambda part, more: counts)
        monkeypatch.setattr("sys.argv", ["run-tests", "--only", "unit", *arguments])
        monkeypatch.setattr("os.getloadavg", lambda: (load, load, load))
        return runner.main(), capsys.readouterr().out
    return run


@pytest.mark.parametrize("seconds,why,status,named", [(19, None, 0, False), (25, None, 0, True), (61, None, 1, True),
                                                      (61, "kills", 0, False)])
def test_a_slow_test_without_a_reason_is_named_and_a_very_slow_one_fails(runner, run_with, seconds, why, status, named):
    got, said = run_with(runner.Counts(1, 0, (), [(seconds, "md5", why)]))
    assert (got, "unit: md5 took" in said) == (status, named)


def test_an_overloaded_machine_fails_no_test_for_its_time(runner, run_with):
    status, said = run_with(runner.Counts(1, 0, (), [(61, "md5", None)]), load=1000)
    assert status == 0 and "unit: md5 took" in said and "the machine was overloaded" in said


def test_a_proof_may_be_slow_and_prints_a_table(runner, run_with):
    status, said = run_with(runner.Counts(1, 0, (), [(600, "md5", None)]), "--proof", "--seed", "7")
    assert status == 0 and "proof, seed 7" in said and "| unit | 0 | 1 | 0 |" in said
    assert re.search(r"^\| server_kills \| \d+ \| kill -9", said, re.MULTILINE)
    assert os.environ["CAIS_ROUNDS"] == "full"


def test_the_ten_slowest_tests_are_listed(runner, run_with):
    _, said = run_with(runner.Counts(20, 0, (), [(n / 10, f"test{n}", None) for n in range(20)]))
    assert re.findall(r"unit: test(\d+)", said) == [str(n) for n in range(19, 9, -1)]


def test_the_seed_is_printed_again_after_a_failure(runner, run_with):
    status, said = run_with(runner.Counts(1, 1), "--seed", "42")
    assert status == 1 and said.startswith("seed 42\n") and 'make test ARGS="--seed 42"' in said
    assert os.environ["CAIS_SEED"] == "42"


def test_times_come_from_both_kinds_of_report(runner, tmp_path):
    log = tmp_path / "testlog.json"
    log.write_text(meson_record("md5", 2.5) + meson_record("file", 0.5))
    assert runner.count_meson_log(log).times == [(2.5, "md5", None), (0.5, "file", None)]
    report = tmp_path / "junit.xml"
    report.write_text('<testsuites><testsuite tests="1"><testcase classname="a" name="b" time="3.5"><properties>'
                      '<property name="slow_because" value="kills"/></properties></testcase></testsuite></testsuites>')
    assert runner.count_junit(report).times == [(3.5, "a.b", "kills")]


@pytest.mark.parametrize("printed,status,counts", [("3 killed, 0 not", 0, (3, 0)), ("2 killed, 1 not", 1, (2, 1)),
                                                   ("the build failed", 1, (0, 1)), ("0 killed, 0 not", 0, (0, 1)),
                                                   ("3 killed, 0 not", 2, (3, 1))])
def test_the_last_line_of_a_tool_counts(runner, printed, status, counts):
    command = ["sh", "-c", f"echo one line; echo '{printed}'; exit {status}"]
    assert runner.tool_part(command, r"(\d+) killed, (\d+) not") == runner.Counts(*counts)


def test_python_and_c_read_the_same_numbers_of_rounds(root, monkeypatch):
    with open(rounds.LIST, encoding="utf-8") as f:
        assert len(rounds.table()) == len(re.findall(r"^ROUNDS\(", f.read(), re.MULTILINE)) > 20
    for wanted, column in (("tenth", 1), ("full", 0)):
        monkeypatch.setenv("CAIS_ROUNDS", wanted)
        assert rounds.rounds("server_kills") == rounds.table()["server_kills"][column]
    assert all(proof >= test >= 1 for proof, test, _ in rounds.table().values())


def test_a_run_without_tests_is_a_failure(root):
    done = subprocess.run([os.path.join(root, "tools", "run-tests"), "--only", "python", "--pytest",
                           "-k no_such_test_anywhere -n 0 " + os.path.join(root, "tests", "tools", "test_running.py")], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "0 passed, 1 failed"


def test_setup_lists_missing_packages(root, tmp_path):
    packages = tmp_path / "packages.txt"
    packages.write_text("# a comment\n[build]\ngcc\nno-such-package-1\n\n[test]\nno-such-package-2\n")
    environment = dict(os.environ, CAIS_PACKAGES=str(packages), CAIS_SETUP_ONLY_CHECK="1")
    setup = os.path.join(root, "tools", "setup")
    done = subprocess.run([setup, "build"], env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "apt-get install --no-install-recommends no-such-package-1\n" in done.stderr
    both = subprocess.run([setup, "build", "test"], env=environment, capture_output=True, text=True)
    assert "no-such-package-1 no-such-package-2\n" in both.stderr
    unknown = subprocess.run([setup, "bulid"], env=environment, capture_output=True, text=True)
    assert unknown.returncode == 1 and "no section [bulid]" in unknown.stderr


def test_setup_accepts_another_package_that_provides_the_wanted_one(root, tmp_path):
    packages = tmp_path / "packages.txt"
    packages.write_text("[build]\nawk\nno-such-package-1\n")  # mawk, or another awk, provides it
    done = subprocess.run([os.path.join(root, "tools", "setup"), "build"], capture_output=True, text=True,
                          env=dict(os.environ, CAIS_PACKAGES=str(packages), CAIS_SETUP_ONLY_CHECK="1"))
    assert "apt-get install --no-install-recommends no-such-package-1\n" in done.stderr


def test_setup_is_quiet_when_nothing_is_missing(root):
    done = subprocess.run([os.path.join(root, "tools", "setup"), "build", "test"], capture_output=True, text=True,
                          env=dict(os.environ, CAIS_SETUP_ONLY_CHECK="1"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("output,status,last", [
    ("noise\n3 passed, 0 failed", 0, "3 passed, 0 failed"),
    ("3 passed, 0 failed, 2 skipped", 0, "3 passed, 0 failed, 2 skipped"),
    ("2 passed, 1 failed\nmake: *** Error 1", 1, "2 passed, 1 failed"),
    ("no compiler", 2, "0 passed, 1 failed"),
])
def test_ci_ends_with_the_count(root, tmp_path, output, status, last):
    make = tmp_path / "make"
    make.write_text(f"#!/bin/sh\nprintf '{output}\\n' | sed 's/\\\\n/\\n/g'\nexit {status}\n")
    make.chmod(0o755)
    done = subprocess.run([os.path.join(root, ".ci", "run")], capture_output=True, text=True,
                          env=dict(os.environ, PATH=f"{tmp_path}:/usr/bin:/bin"))
    assert done.returncode == status
    assert done.stdout.splitlines()[-1] == last
    assert re.fullmatch(r"\d+ passed, \d+ failed(, \d+ skipped)?", last)


def test_alone_never_and_only_select_the_tests_that_run_alone(root, tmp_path):
    (tmp_path / "test_both.py").write_text("import pytest\n\n\ndef test_one():\n    pass\n\n\n"
                                           "@pytest.mark.alone('it measures')\ndef test_other():\n    pass\n")
    (tmp_path / "conftest.py").write_text(open(os.path.join(root, "tests", "conftest.py"), encoding="utf-8").read())
    for which, passed in (("--alone=never", "test_one"), ("--alone=only", "test_other")):
        # In a folder of its own: else this run would also remove what earlier runs of all tests left in theirs, for a minute.
        done = subprocess.run(["/usr/bin/python3", "-m", "pytest", "-p", "no:cacheprovider", "-v", which, f"--basetemp={tmp_path / 'base'}",
                               str(tmp_path)], capture_output=True, text=True, cwd=tmp_path)
        assert re.findall(r"::(\w+) PASSED", done.stdout) == [passed], done.stdout


def test_no_two_modules_of_the_tests_had_one_name(root):
    """One process imports the tests of all folders, and so finds the first module of a name in each of them."""
    listed = subprocess.run(["git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard", "tests"], check=True,
                            capture_output=True, text=True).stdout.split()
    names = collections.Counter(os.path.basename(path) for path in listed if path.endswith(".py") and not path.endswith("conftest.py"))
    assert len(names) > 100
    assert not [name for name, count in names.items() if count > 1]
