# SPDX-License-Identifier: Apache-2.0
"""What the checks of tools/ share: the walk over sources, C without its comments, lists of exceptions, the verdict.

A check collects findings, pairs of a key and a line for a person. The key names what is wrong without a line number, so
that it stays the same while the file is edited. tools/exceptions/NAME.txt lists the keys that are let through, one a
line, `key  # reason`. A line there that fits no finding is itself a failure: the list can only shrink.
"""
import os
import re
import sys

C_ENDINGS = (".c", ".h", ".def")
NOISE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
COMMENT = re.compile(r'(/\*.*?\*/|//[^\n]*)|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
PREPROCESSOR = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)


def root_of(arguments):
    """The repository: the argument, or where this file lies."""
    return arguments[0] if arguments else os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))


def sources(root, under="src", endings=C_ENDINGS):
    """Paths of files, as seen from root, in a fixed order."""
    for folder, folders, names in os.walk(os.path.join(root, under)):
        folders[:] = sorted(f for f in folders if f not in ("node_modules", "__pycache__"))
        for name in sorted(names):
            if name.endswith(endings):
                yield os.path.relpath(os.path.join(folder, name), root)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as f:
        return f.read()


def blank(text):
    """As many lines, nothing on them."""
    return re.sub(r"[^\n]", " ", text)


def code_only(text):
    """The C text with comments and literals blanked, line for line."""
    return NOISE.sub(lambda m: blank(m.group(0)), text)


def without_comments(text):
    """The C text with comments blanked, line for line; literals stay."""
    return COMMENT.sub(lambda m: blank(m.group(0)) if m.group(1) else m.group(0), text)


def without_preprocessor(text):
    """The C text with directives and the bodies of macros blanked, line for line."""
    return PREPROCESSOR.sub(lambda m: blank(m.group(0)), text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def exceptions(root, name):
    """{key: number of its line} of tools/exceptions/NAME.txt, and what is wrong with the list."""
    path, keys, wrong = f"tools/exceptions/{name}.txt", {}, []
    if os.path.exists(os.path.join(root, path)):
        for number, line in enumerate(read(root, path).split("\n"), 1):
            key = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()
            if key in keys:
                wrong.append(f"{path}:{number}: '{key}' stands twice")
            elif key:
                keys[key] = number
    return keys, wrong


def verdict(tool, root, count, findings, summary, what="sources"):
    """Print what is wrong, or the summary; return the exit status. count is how many things were looked at."""
    name = tool.removeprefix("check-")
    if not count:
        print(f"{tool}: no {what} found", file=sys.stderr)
        return 1
    listed, wrong = exceptions(root, name)
    findings = list(findings)
    wrong += [line for key, line in findings if key not in listed]
    found = {key for key, _ in findings}
    wrong += [f"tools/exceptions/{name}.txt:{number}: '{key}' is no longer needed: remove the line"
              for key, number in listed.items() if key not in found]
    rest = f", {len(listed)} exceptions" if listed else ""
    print("\n".join(wrong) if wrong else f"{tool}: {summary}{rest}")
    return 1 if wrong else 0
