# SPDX-License-Identifier: Apache-2.0
"""tools/check-spdx reports source files that do not begin with their licence."""
import pytest
from planted import check, git, whole, write

LINE = "SPDX-License-Identifier: Apache-2.0\n"


@pytest.mark.parametrize("path,text", [
    ("src/base/a.c", "int a;\n"),
    ("src/base/a.h", "/* A header. */\n/* " + LINE.strip() + " */\n"),
    ("src/base/a.c", "/* SPDX-License-Identifier: MIT */\n"),
    ("src/base/a.def", "ROW(1)\n"),
    ("src/meta/migrations/0001_a.sql", "SELECT 1;\n"),
    ("tests/test_a.py", "import os\n# " + LINE),
    ("tools/do-it", "#!/bin/sh\necho\n"),
    ("tools/do-it", "#!/bin/sh\necho\n# " + LINE),
    ("tests/a.php", "<?php\necho 1;\n"),
    ("Makefile", "all:\n"),
    ("src/meson.build", "x = 1\n"),
    ("src/base/empty.c", ""),
])
@pytest.mark.parametrize("is_known", [True, False])
def test_a_source_without_its_licence_is_reported(root, tmp_path, path, text, is_known):
    write(whole(tmp_path), path, text)
    if is_known:
        git(tmp_path, "add", ".")
    status, output = check(root, "check-spdx", tmp_path)
    assert status == 1 and f"{path}:1: the first line is not" in output


@pytest.mark.parametrize("path,text", [
    ("src/base/a.c", "/* " + LINE.strip() + " */\nint a;\n"),
    ("tools/do-it", "#!/bin/sh\n# " + LINE),
    ("tests/a.php", "<?php\n// " + LINE),
    ("Makefile", "# " + LINE),
    ("README.md", "no source\n"),
    ("fuzz/corpus/form/a.py", "bytes\n"),
])
def test_files_with_a_licence_and_files_that_are_not_sources_pass(root, tmp_path, path, text):
    write(whole(tmp_path), path, text)
    status, output = check(root, "check-spdx", tmp_path)
    assert status == 0, output


def test_files_that_git_ignores_are_not_checked(root, tmp_path):
    write(whole(tmp_path), "build/generated.c", "int a;\n")
    write(tmp_path, ".gitignore", "/build/\n")
    status, output = check(root, "check-spdx", tmp_path)
    assert status == 0, output


def test_a_file_may_be_an_exception(root, tmp_path):
    write(whole(tmp_path), "src/base/a.c", "int a;\n")
    write(tmp_path, "tools/exceptions/spdx.txt", "src/base/a.c  # copied from another project\n")
    status, output = check(root, "check-spdx", tmp_path)
    assert status == 0, output
