"""docs/apis/pyrus-rules.md names tests that exist, and every test of the dialect stands in it."""
import os
import re

FILES = {"u": "tests/unit/pyrus.c", "t": "tests/unit/task.c", "r": "tests/unit/rate_limit.c", "f": "tests/unit/file.c",
         "cd": "tests/unit/content_disposition.c", "mp": "tests/unit/multipart.c", "fn": "tests/unit/file_name.c",
         "ra": "tests/unit/range.c", "co": "tests/unit/conditional.c", "a": "tests/clients/test_access.py",
         "l": "tests/clients/test_logs.py"}


def names(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return set(re.findall(r"^TEST\((\w+)\)|^def (test_\w+)", f.read(), re.M))


def cases(root, path):
    return {c or python for c, python in names(root, path)}


def read(root):
    with open(os.path.join(root, "docs/apis/pyrus-rules.md"), encoding="utf-8") as f:
        text = f.read()
    rows = [line.split("|")[-2] for line in text.splitlines() if re.match(r"\| \d", line)]
    assert len(rows) > 60
    return text, [part.strip() for row in rows for part in row.split(";")]


def test_every_case_that_is_named_exists(root):
    text, parts = read(root)
    named = [n for n in re.findall(r"\b([a-z]+):([a-z0-9_]{6,})", text) if n[0] != "w"]
    for mark, case in named:
        assert mark in FILES, f"no file for {mark}:{case}"
        assert case in cases(root, FILES[mark]), f"{case} is not in {FILES[mark]}"
    assert {mark for mark, _ in named} == set(FILES)
    for part in parts:  # what names no case says something else that can be looked up
        assert re.match(r"(u|w|cd|mp|fn|ra|co|t|r|f|a|l):|the tables' CHECK$", part), part
        for bare in re.findall(r"\b(cd|mp|fn|ra|co):(?![a-z])", part):
            assert cases(root, FILES[bare]), part


def test_every_transcript_that_is_named_exists(root):
    folder = os.path.join(root, "tests/wire/pyrus")
    have = {name.removesuffix(".wire") for name in os.listdir(folder)}
    for part in read(root)[1]:
        for words in re.findall(r"\bw:\s?([a-z]+(?:, [a-z]+)*)", part):
            assert set(words.split(", ")) <= have | {"all"}, part
        for directive in re.findall(r"\bw:.*`(\(no [^`]*)`", part):
            found = [n for n in have if directive in open(os.path.join(folder, n + ".wire"), encoding="utf-8").read()]
            assert found, f"no transcript has {directive}"


def test_every_test_of_the_dialect_is_in_the_table(root):
    named = set(re.findall(r"\bu:([a-z0-9_]{6,})", read(root)[0]))
    missing = cases(root, FILES["u"]) - named
    assert not missing, sorted(missing)
