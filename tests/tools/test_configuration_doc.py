# SPDX-License-Identifier: Apache-2.0
"""docs/configuration.md lists exactly the keys of the program, with the same defaults."""
import glob
import os
import re

# The position of the default among the arguments of each macro, counted after section and key.
DEFAULT_AT = {"SIZE": 1, "CHOICE": 2}


def keys_of_the_program(root):
    text, keys = "", {}
    for path in ["src/cli/config_keys.def", *sorted(glob.glob("src/api/*/options.def", root_dir=root))]:
        with open(os.path.join(root, path), encoding="utf-8") as f:
            text += re.sub(r"/\*.*?\*/", "", f.read(), flags=re.DOTALL)
    for kind, section, key, rest in re.findall(r"^([A-Z]+)\((\w+),\s*(\w+),\s*(.*?)\)\n", text, re.MULTILINE | re.DOTALL):
        arguments = re.findall(r'"[^"]*"|[^,"]+', rest)
        given = [a.strip() for a in arguments if a.strip()]
        keys[f"{section}.{key}"] = (given[DEFAULT_AT.get(kind, 0)].strip('"'), given[-1].strip('"'))
    return keys


def keys_of_the_doc(root):
    with open(os.path.join(root, "docs/configuration.md"), encoding="utf-8") as f:
        rows = re.findall(r"^\| `(\w+\.\w+)` \| (?:`([^`]*)`|\(empty\)) \| [^|]+(?:\|[^|]+)? \| (.*) \|$", f.read(), re.MULTILINE)
    assert len({r[0] for r in rows}) == len(rows), "a key stands twice"
    return {key: (default, doc) for key, default, doc in rows}


def test_the_document_lists_exactly_the_keys_and_defaults_of_the_program(root):
    program, doc = keys_of_the_program(root), keys_of_the_doc(root)
    assert len(program) > 40
    assert doc == program


def test_the_document_lists_exactly_the_keys_that_a_reload_changes(root):
    with open(os.path.join(root, "src/cli/reload.c"), encoding="utf-8") as f:
        program = re.findall(r'^    "(\w+\.\w+)",$', f.read(), re.MULTILINE)
    with open(os.path.join(root, "docs/configuration.md"), encoding="utf-8") as f:
        part = f.read().split("## What a reload changes\n")[1].split("\n## ")[0]
    keys = set(keys_of_the_program(root))
    assert len(program) > 30 and set(program) <= keys, set(program) - keys
    assert re.findall(r"`(\w+\.\w+)`", part) == program
