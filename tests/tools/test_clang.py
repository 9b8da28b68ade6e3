# SPDX-License-Identifier: Apache-2.0
"""Everything compiles without a warning under clang, too. The fuzz targets, which need clang, build and replay their corpora."""
import concurrent.futures
import json
import os
import shlex
import subprocess

import pytest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.join(ROOT, "build-fuzz")


def complaint(entry):
    """What clang says about one file; its code is not generated."""
    words = [w for w in shlex.split(entry["command"]) if w not in ("ccache", "-MD")]
    said = subprocess.run(words + ["-fsyntax-only", "-Qunused-arguments"], cwd=entry["directory"], capture_output=True, text=True)
    return said.stdout + said.stderr if said.returncode else ""


@pytest.mark.slow_because("the whole tree is compiled by a second compiler")
def test_clang_compiles_the_tree_and_the_fuzz_targets_replay_their_corpora():
    built = subprocess.run(["tools/run-fuzz", "--seconds", "0"], cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, (built.stdout + built.stderr)[-5000:]
    with open(os.path.join(BUILD, "compile_commands.json")) as f:
        commands = [e for e in json.load(f) if "/tests/" in e["file"] or "/bench/" in e["file"] or "../tests/" in e["file"]]
    assert len(commands) > 50
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = [c for c in pool.map(complaint, commands) if c]
    assert not complaints, "\n".join(complaints)[-5000:]
