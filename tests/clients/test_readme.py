"""What README.md tells a newcomer to type, typed: every ```sh block behind a line <!-- tested -->, in order, in one
shell that stops at the first failure, in a folder with README.md and build/cais. For 127.0.0.1:8080 stands the address
of the server that runs there."""
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "crash"))
from serving import BINARY, Server, clean_environment, run  # noqa: E402

BLOCK = re.compile(r"^<!-- tested -->\s*\n```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(text):
    return BLOCK.findall(text)


def test_only_marked_blocks_are_taken():
    text = "a\n\n<!-- tested -->\n```sh\necho 1\n```\n\n```sh\nmake run\n```\n<!-- tested -->\n\n```sh\necho 2\n```\n"
    assert blocks(text) == ["echo 1\n", "echo 2\n"]


def test_the_readme_works_as_printed(root, tmp_path):
    path = os.path.join(root, "README.md")
    if not os.path.exists(path):
        return  # not written yet; from then on it must have such blocks
    with open(path, encoding="utf-8") as f:
        found = blocks(f.read())
    assert found, "README.md has no ```sh block behind <!-- tested -->"
    shutil.copy(path, tmp_path)
    (tmp_path / "build").mkdir()
    os.symlink(os.path.abspath(BINARY), tmp_path / "build" / "cais")
    with Server(tmp_path / "cais-data") as server:
        script = "".join(found).replace("127.0.0.1:8080", "%s:%d" % server.address)
        done = run("bash", "-euo", "pipefail", "-c", script, cwd=tmp_path, env=clean_environment(), check=False)
        assert done.returncode == 0, "%s\n%s\n%s" % (script, done.stdout, done.stderr)
        said = done.stdout + done.stderr
        assert '"error_code"' not in said and '{"error"' not in said, said
