# SPDX-License-Identifier: Apache-2.0
"""Small trees with something planted in them, and the checks of tools/ run on them."""
import os
import subprocess

SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"


def write(tree, path, text):
    target = tree / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def plant(tmp_path, **files):
    """A tree with src/base/ok.c and these files, {"base/x.c": text}, under src/."""
    for path, text in dict({"base/ok.c": "int ok;\n"}, **files).items():
        write(tmp_path, "src/" + path, text)
    return tmp_path


def git(tree, *arguments):
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(tree), *who, *arguments], check=True, capture_output=True)


def whole(tmp_path):
    """A tree that every check lets through: one source, one document, one commit."""
    write(tmp_path, "src/base/ok.c", SPDX + "int ok;\n")
    write(tmp_path, "README.md", "# A tree\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "base: begin the tree")
    return tmp_path


def check(root, tool, tree, *arguments):
    """(exit status, all output) of tools/TOOL on the tree."""
    done = subprocess.run([os.path.join(root, "tools", tool), *arguments, str(tree)], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr
