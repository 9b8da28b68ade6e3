# SPDX-License-Identifier: Apache-2.0
"""tools/fetch-duckdb takes only the archives that it pins, and fetches them once."""

import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = os.path.join(ROOT, "tools", "fetch-duckdb")


def fetch(folder, npm, tmp_path):
    """Run the script with this shell code in place of npm."""
    programs = tmp_path / "programs"
    programs.mkdir(exist_ok=True)
    (programs / "npm").write_text("#!/bin/bash\n" + npm, encoding="utf-8")
    (programs / "npm").chmod(0o755)
    return subprocess.run([SCRIPT, str(folder)], capture_output=True, text=True, check=False,
                          env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"})


def test_an_archive_with_another_digest_is_refused_and_leaves_nothing(tmp_path):
    folder = tmp_path / "duckdb"
    run = fetch(folder, 'echo other > archive.tgz; echo archive.tgz', tmp_path)
    assert run.returncode != 0 and "is not the file that was pinned" in run.stderr
    assert "-Ddatasets=disabled" in run.stderr
    assert os.listdir(folder) == []


def test_an_npm_that_fails_is_reported(tmp_path):
    run = fetch(tmp_path / "duckdb", "exit 1", tmp_path)
    assert run.returncode != 0 and "npm cannot fetch @duckdb/" in run.stderr


def test_what_is_there_is_not_fetched_again(tmp_path):
    with open(SCRIPT, encoding="utf-8") as f:
        script = f.read()
    pinned = dict(re.findall(r"^(\w+)=(\S+)$", script, re.MULTILINE))
    folder = tmp_path / "duckdb"
    folder.mkdir()
    (folder / "PINNED").write_text(f"{pinned['library']} {pinned['library_sha256']}\n"
                                   f"{pinned['header']} {pinned['header_sha256']}\n", encoding="utf-8")
    run = fetch(folder, "echo npm was called >&2; exit 1", tmp_path)
    assert (run.returncode, run.stdout, run.stderr) == (0, f"{folder}\n", "")
    (folder / "PINNED").write_text("duckdb@1.0.0 0\n", encoding="utf-8")
    assert "npm was called" in fetch(folder, "echo npm was called >&2; exit 1", tmp_path).stderr


def test_the_versions_are_pinned_and_no_registry_is_named():
    with open(SCRIPT, encoding="utf-8") as f:
        script = f.read()
    assert len(re.findall(r"@\d+\.\d+\.\d+(-r\.\d+)?$", script, re.MULTILINE)) == 2
    assert len(re.findall(r"_sha256=[0-9a-f]{64}$", script, re.MULTILINE)) == 2
    assert "://" not in script
