# SPDX-License-Identifier: Apache-2.0
"""Code that the checks of tools/ share: walking over source files, removing comments from C, exceptions, the verdict.

A check collects findings. A finding is a pair of a key and a message. The key names the problem without a line number, so
that it stays the same while the file is edited. tools/exceptions/NAME.txt lists the keys that are permitted, one per line:
`key  # reason`. A line there that matches no finding is itself a failure, so the list can only shrink.
"""
import os
import re
import sys

C_ENDINGS = (".c", ".h", ".def")
NOISE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
COMMENT = re.compile(r'(/\*.*?\*/|//[^\n]*)|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
PREPROCESSOR = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)


def root_of(arguments):
    """The root of the repository: the argument, or the repository of this file."""
    return arguments[0] if arguments else os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))


def sources(root, under="src", endings=C_ENDINGS):
    """The paths of files below root/under, relative to root, in a fixed order."""
    for folder, folders, names in os.walk(os.path.join(root, under)):
        folders[:] = sorted(f for f in folders if f not in ("node_modules", "__pycache__", "build", "build-duckdb", ".newest"))
        for name in sorted(names):
            if name.endswith(endings):
                yield os.path.relpath(os.path.join(folder, name), root)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as f:
        return f.read()


def blank(text):
    """The same number of lines, all of them blank."""
    return re.sub(r"[^\n]", " ", text)


def code_only(text):
    """The C text with comments and literals replaced by spaces; the lines stay."""
    return NOISE.sub(lambda m: blank(m.group(0)), text)


def without_comments(text):
    """The C text with comments replaced by spaces; lines and literals stay."""
    return COMMENT.sub(lambda m: blank(m.group(0)) if m.group(1) else m.group(0), text)


def without_preprocessor(text):
    """The C text with directives and the bodies of macros replaced by spaces; the lines stay."""
    return PREPROCESSOR.sub(lambda m: blank(m.group(0)), text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def exceptions(root, name):
    """{key: line number} of tools/exceptions/NAME.txt, and messages about faults of the list itself."""
    path, keys, wrong = f"tools/exceptions/{name}.txt", {}, []
    if os.path.exists(os.path.join(root, path)):
        for number, line in enumerate(read(root, path).split("\n"), 1):
            key, *reason = re.split(r"(?:^|\s)#", line, maxsplit=1)
            key = key.strip()
            if key and not (reason and reason[0].strip()):
                wrong.append(f"{path}:{number}: '{key}' has no reason: write one after #")
            if key in keys:
                wrong.append(f"{path}:{number}: '{key}' stands twice")
            elif key:
                keys[key] = number
    return keys, wrong


def verdict(tool, root, count, findings, summary, what="sources"):
    """Print the messages, or the summary if there are none; return the exit status. count: how many things were checked."""
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
