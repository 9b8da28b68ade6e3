# SPDX-License-Identifier: Apache-2.0
"""docs/adding-an-api.md is complete: its code, added to a copy of the sources, builds, passes the checks, and does what the page
says."""
import os
import re
import shutil
import subprocess
import sys

import pytest
from server import Server, bearer

# **PATH** or **PATH**, at the end, and then a block: a whole file, text to append, or lines to insert.
BLOCK = re.compile(r"^\*\*([\w./-]+)\*\*(, at the end)?\n\n```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OUTSIDE = {"src/api/apis.def", "src/api/meson.build"}  # what an API touches besides its folder, keys, documents and tests
COPIED = ("Makefile", "meson.build", "bench", "docs", "fuzz", "packaging", "src", "tests", "tools", "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md",
          "CHANGELOG.md", "SECURITY.md", "LICENSE", "meson_options.txt", "pytest.ini")


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def inserted(text, patch):
    """The text with the lines of the patch that begin with +, behind those that begin with a blank."""
    before = "".join(line[1:] for line in patch.splitlines(keepends=True) if line.startswith(" "))
    after = "".join(line[1:] for line in patch.splitlines(keepends=True))
    assert ("\n" + text).count("\n" + before) == 1, f"{before!r} stands there once"
    return ("\n" + text).replace("\n" + before, "\n" + after)[1:]


@pytest.fixture(scope="module")
def blocks(root):
    found = BLOCK.findall(read(os.path.join(root, "docs/adding-an-api.md")))
    assert len(found) == 12
    return found


@pytest.fixture(scope="module")
def tree(root, blocks, tmp_path_factory):
    """A copy of the sources with the API of the page. It is built in its folder `build` as the sources are in theirs, so that ccache has
    most of it."""
    top = str(tmp_path_factory.mktemp("adding"))
    tree = os.path.join(top, "tree")
    os.mkdir(tree)
    for name in COPIED:
        source, to = os.path.join(root, name), os.path.join(tree, name)
        if os.path.isdir(source):
            shutil.copytree(source, to, ignore=shutil.ignore_patterns("__pycache__", "node_modules", ".newest", "corpus"))
        elif os.path.exists(source):
            shutil.copy(source, to)
    for name, at_end, kind, text in blocks:
        path = os.path.join(tree, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if at_end or kind == "diff":
            old = read(path)
            text = inserted(old, text) if kind == "diff" else old + text
        else:
            assert not os.path.exists(path), f"{name} is there already"
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
    for command in (["meson", "setup", "build"], ["ninja", "-C", "build", "cais", "tests/unit/unit-tiny"]):
        done = subprocess.run(command, cwd=tree, env={**os.environ, "CCACHE_NOHASHDIR": "1", "PATH": "/usr/bin:/bin:" + os.environ["PATH"]},
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout[-4000:]
    return tree


def test_an_api_touches_two_places_outside_its_folder(blocks):
    names = {name for name, *_ in blocks if not name.startswith(("src/api/tiny/", "docs/", "tests/"))}
    assert names == OUTSIDE


@pytest.mark.slow_because("it builds the program")
def test_the_api_of_the_page_takes_lists_and_refuses_files(tree, tmp_path):
    with Server(tmp_path, binary=os.path.join(tree, "build", "cais")) as server:
        token = server.key(server.user(), "tiny")["token"]
        stored = server.ask("PUT", "/v1/tiny/files/notes.txt", bearer(token), b"hello, world")
        assert (stored.status, stored.json()) == (201, {"name": "notes.txt", "size": 12})
        listed = server.ask("GET", "/v1/tiny/files", bearer(token))
        assert (listed.status, listed.json()) == (200, [{"name": "notes.txt", "size": 12}])
        for name, body, status, code in ((".notes", b"x", 422, "hidden_name"), ("large", bytes((1 << 20) + 1), 413, "too_large")):
            refused = server.ask("PUT", "/v1/tiny/files/" + name, bearer(token), body)
            assert (refused.status, refused.json()["error"]) == (status, code)
        assert server.ask("GET", "/v1/tiny/files").status == 401
        assert server.ask("GET", "/v1/tiny/nothing", bearer(token)).json()["error"] == "request"
        assert "tiny" in server.cais("key", "add", "--help").stdout


@pytest.mark.slow_because("it builds the program")
def test_a_key_has_the_role_that_key_add_names(tree, tmp_path):
    with Server(tmp_path, binary=os.path.join(tree, "build", "cais")) as server:
        login = server.user()
        admin, reader = server.key(login, "tiny"), server.key(login, "tiny", "--role", "reader")
        assert (set(reader), reader["role"], admin["role"]) == ({"id", "role", "token"}, "reader", "admin")
        for key, status in ((reader, 403), (admin, 201)):
            assert server.ask("PUT", "/v1/tiny/files/a", bearer(key["token"]), b"x").status == status
            assert server.ask("GET", "/v1/tiny/files", bearer(key["token"])).status == 200
        said = server.cais("key", "add", login, "--for", "tiny", "--role", "reader").stdout
        assert re.match(f"key [0-9]+ for {login} as reader\n", said)
        assert [key["role"] for key in server.cais_json("key", "list", login)] == ["admin", "reader", "reader"]
        listed = server.cais("key", "list", login).stdout.splitlines()
        assert ["reader" in line.split() for line in listed] == [False, True, True] and all(login in line.split() for line in listed)
        for options, said in ((["--role", "king"], "with --for tiny, --role is one of: reader, admin"), (["--role", ""], "reader, admin"),
                              (["--role", "member", "--course", "1"], "--course does not go with --for tiny")):
            refused = server.cais("key", "add", login, "--for", "tiny", *options, check=False)
            assert (refused.returncode, refused.stdout) == (2, "") and said in refused.stderr
        assert "for tiny reader, admin (default: admin)" in server.cais("key", "add", "--help").stdout


def test_no_error_of_the_page_lacks_its_row(tree):
    subprocess.run([os.path.join(tree, "build", "tests", "unit", "unit-tiny")], check=True, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("check", ["check-layers", "check-cycles", "check-parameters", "check-length", "check-spdx", "check-banned"])
def test_the_code_of_the_page_passes(tree, check):
    done = subprocess.run([sys.executable, os.path.join(tree, "tools", check)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_code_of_the_page_is_formatted(tree, blocks, root):
    files = [os.path.join(tree, name) for name, *_ in blocks if name.endswith((".c", ".h"))]
    style = os.path.join(root, ".clang-format")
    done = subprocess.run(["clang-format", "--style=file:" + style, "--dry-run", "-Werror", *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_document_of_the_page_has_its_keys(tree):
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/tools/test_configuration_doc.py"], cwd=tree,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
