# SPDX-License-Identifier: Apache-2.0
"""Makes small source trees with planted faults, and runs the checks of tools/ on them."""
import importlib.machinery
import importlib.util
import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from unittest import mock

SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"
LOADED = {}


def write(tree, path, text):
    target = tree / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def plant(tmp_path, **files):
    """Make a tree with src/base/ok.c and these files below src/: {"base/x.c": text}."""
    for path, text in dict({"base/ok.c": "int ok;\n"}, **files).items():
        write(tmp_path, "src/" + path, text)
    return tmp_path


def git(tree, *arguments):
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(tree), *who, *arguments], check=True, capture_output=True)


def whole(tmp_path):
    """Make a tree that passes every check: one source, one document, one commit."""
    write(tmp_path, "src/base/ok.c", SPDX + "int ok;\n")
    write(tmp_path, "README.md", "# A tree\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "base: begin the tree")
    return tmp_path


def check(root, tool, tree, *arguments):
    """Run tools/TOOL on the tree, in this process because that is faster. Returns (exit status, all output)."""
    if tool not in LOADED:
        folder = os.path.join(root, "tools")
        if folder not in sys.path:
            sys.path.append(folder)
        loader = importlib.machinery.SourceFileLoader(tool.replace("-", "_"), os.path.join(folder, tool))
        LOADED[tool] = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
        with mock.patch.object(sys, "dont_write_bytecode", True):
            loader.exec_module(LOADED[tool])
    output = io.StringIO()
    with mock.patch.object(sys, "argv", [tool, *arguments, str(tree)]), redirect_stdout(output), redirect_stderr(output):
        status = LOADED[tool].main()
    return status, output.getvalue()
