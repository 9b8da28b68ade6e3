"""docs/apis/pyrus-rules.md names tests that exist, and every test of the dialect stands in it."""
import os
import re


def names(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return set(re.findall(r"^TEST\((\w+)\)", f.read(), re.M))


def test_the_table_and_the_tests_agree(root):
    with open(os.path.join(root, "docs/apis/pyrus-rules.md"), encoding="utf-8") as f:
        table = f.read()
    files = {"u": "tests/unit/pyrus.c", "t": "tests/unit/task.c", "r": "tests/unit/rate_limit.c"}
    for mark, path in files.items():
        named = set(re.findall(r"\b%s:([a-z0-9_]{6,})" % mark, table))
        assert named <= names(root, path), "not in %s: %s" % (path, sorted(named - names(root, path)))
    named = set(re.findall(r"\bu:([a-z0-9_]{6,})", table))
    assert names(root, files["u"]) <= named, sorted(names(root, files["u"]) - named)
