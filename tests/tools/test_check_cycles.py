# SPDX-License-Identifier: Apache-2.0
"""tools/check-cycles reports each cycle of includes, and each exception that is not needed to break a cycle."""
import pytest
from planted import check, plant, write


def including(*headers):
    return "".join(f'#include "{h}"\n' for h in headers) + "int x;\n"


@pytest.mark.parametrize("files,message", [
    ({"base/a.h": including("base/b.h"), "base/b.h": including("base/a.h")}, "files include each other: base/a → base/b → base/a"),
    # x.c, x.h and x_priv.h count as one file
    ({"base/a.c": including("base/b.h"), "base/a.h": including(), "base/b.c": including("base/a.h"),
      "base/b.h": including()}, "files include each other: base/a → base/b → base/a"),
    ({"base/a_priv.h": including("base/b.h"), "base/a.h": including(), "base/b.h": including("base/a.h")},
     "files include each other: base/a → base/b → base/a"),
    ({"base/a.h": including("b.h"), "base/b.h": including("base/a.h")}, "base/a → base/b → base/a"),
    ({"base/a.h": including("base/b.h"), "base/b.h": including("base/c.h"), "base/c.h": including("base/a.h")},
     "files include each other: base/a → base/b → base/c → base/a"),
    # a cycle of folders, although no files include each other
    ({"core/file/a.h": including("core/task/b.h"), "core/file/c.h": including(), "core/task/b.h": including(),
      "core/task/d.h": including("core/file/c.h")}, "folders include each other: core/file → core/task → core/file"),
    ({"core/core.h": including("core/file/a.h"), "core/types.h": including(), "core/file/a.h": including("core/types.h")},
     "folders include each other: core → core/file → core"),
    ({"api/links.h": including("api/s3/s3.h"), "api/form.h": including(), "api/s3/s3.h": including("api/form.h")},
     "folders include each other: api → api/s3 → api"),
])
def test_a_cycle_is_reported(root, tmp_path, files, message):
    status, output = check(root, "check-cycles", plant(tmp_path, **files))
    assert status == 1 and message in output, output
    assert ":1: " in output


@pytest.mark.parametrize("files", [
    {"base/a.c": including("base/a.h", "base/a_priv.h"), "base/a.h": including(), "base/a_priv.h": including("base/a.h")},
    {"base/a.h": including("base/c.h"), "base/b.h": including("base/c.h", "base/a.h"), "base/c.h": including()},
    {"base/a.c": including("base/rows.def", "base/a.h"), "base/a.h": including("base/rows.def"), "base/rows.def": "R(1)\n",
     "base/rows.c": including("base/a.h", "base/rows.def")},
    {"base/a.h": including("base/b.h"), "base/b.h": '/* #include "base/a.h" */\n'},
    {"base/a.h": including("not/here.h"), "base/b.h": including("base/a.h")},
])
def test_includes_without_a_cycle_pass(root, tmp_path, files):
    status, output = check(root, "check-cycles", plant(tmp_path, **files))
    assert status == 0, output


ROUND = {"base/a.h": including("base/b.h"), "base/b.h": including("base/c.h"), "base/c.h": including("base/a.h")}


def test_one_exception_breaks_a_cycle_and_a_second_is_stale(root, tmp_path):
    tree = plant(tmp_path, **ROUND)
    write(tree, "tools/exceptions/cycles.txt", "files base/c -> base/a  # until c is split\n")
    status, output = check(root, "check-cycles", tree)
    assert status == 0, output
    write(tree, "tools/exceptions/cycles.txt", "files base/c -> base/a\nfiles base/a -> base/b\n")
    status, output = check(root, "check-cycles", tree)
    assert status == 1 and "is no longer needed" in output


@pytest.mark.parametrize("exception", ["files base/a -> base/c", "files base/x -> base/a", "folders base/c -> base/a"])
def test_an_exception_without_an_include_is_stale(root, tmp_path, exception):
    write(plant(tmp_path, **ROUND), "tools/exceptions/cycles.txt", f"files base/c -> base/a\n{exception}\n")
    status, output = check(root, "check-cycles", tmp_path)
    assert status == 1 and f"cycles.txt:2: '{exception}' is no longer needed" in output
