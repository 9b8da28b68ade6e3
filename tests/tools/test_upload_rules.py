# SPDX-License-Identifier: Apache-2.0
"""docs/apis/resumable-rules.md names the tests that carry the id of each rule (@rule), all of them, and no others."""
import ast
import collections
import os
import re

FILES = {"t": "tests/clients/test_tus_conformance.py", "i": "tests/clients/test_ietf_uploads.py"}


def ids_of(function):
    """The ids in the decorators @rule(…) of a function."""
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", None) == "rule":
            yield from (argument.value for argument in decorator.args)


def carried(root):
    """{id: the tests that carry it}"""
    found = collections.defaultdict(set)
    for mark, path in FILES.items():
        with open(os.path.join(root, path), encoding="utf-8") as f:
            for node in ast.walk(ast.parse(f.read())):
                if isinstance(node, ast.FunctionDef):
                    for name in ids_of(node):
                        found[name].add(f"{mark}:{node.name}")
    return found


def table(root):
    """The rows as (id, level, rule, tests)."""
    with open(os.path.join(root, "docs/apis/resumable-rules.md"), encoding="utf-8") as f:
        return [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in f if re.match(r"\| [A-Z]+-[A-Z]", row)]


def test_the_table_and_the_tests_name_each_other(root):
    rows, tests = table(root), carried(root)
    assert len(rows) > 140 and all(len(row) == 4 and all(row) for row in rows)
    assert len({row[0] for row in rows}) == len(rows)
    named = {row[0]: set(re.split("; *", row[3])) for row in rows}
    assert named == dict(tests)


def test_the_levels_are_those_of_the_protocols(root):
    levels = {"MUST", "MUST NOT", "SHALL NOT", "SHOULD", "SHOULD NOT", "MAY", "ours"}
    assert {row[1] for row in table(root)} <= levels


def test_the_ids_of_a_section_leave_out_no_number(root):
    numbers = collections.defaultdict(list)
    for name, *_ in table(root):
        section, _, number = name.rpartition("-")
        numbers[section].append(int(number))
    for section, seen in numbers.items():
        assert seen == list(range(1, len(seen) + 1)), section
