# SPDX-License-Identifier: Apache-2.0
"""tools/check-docs reports names in documents and comments that do not exist, and states that are drawn in two files."""
import pytest
from planted import check, write

TREE = {
    "src/cli/config_keys.def": "SECTION(server)\nADDRESSES(server, listen, \"\", \"Addresses.\")\nSECTION_END(server)\n",
    "src/cli/cmd.c": """#define COMMON \\
    { "json", 0, NULL, false, "Print JSON." }
const struct command command_key_add = { "key add", "LOGIN", 1, 1,
    (const struct option_spec[]){ { "for", 0, "WAY", false, "What for." }, COMMON, { 0 } }, "Make one.", NULL, run };
const struct command command_ls = { "ls", NULL, 0, 0, NULL, "List.", NULL, run_ls };
""",
    "src/core/file/file.h": "enum file_state { FILE_ISSUED, FILE_STORED, FILE_READY };\nint file_hold(struct file *f);\n",
    "src/core/file/file.c": "#include <sqlite3.h>\nint file_hold(struct file *f)\n{\n    event(\"file.store\");\n}\n",
    "src/core/intake.c": "static int write_through(void)\n{\n}\n",
    "tests/unit/file.c": "TEST(file_is_kept)\n/* only_in_a_comment */\n",
    "tools/run-it": "#!/bin/sh\nexec x --only \"$1\"\n",
    "Makefile": "build: x\n",
    "README.md": "# It\n",
}


def tree_with(tmp_path, path, text):
    for name, content in {**TREE, path: text}.items():
        write(tmp_path, name, content)
    return tmp_path


@pytest.mark.parametrize("path", ["ARCHITECTURE.md", "README.md", "CONTRIBUTING.md", "docs/operations.md", "docs/apis/s3.md"])
@pytest.mark.parametrize("text,name", [
    ("`file_drop` does it", "file_drop"),
    ("`only_in_a_comment` does it", "only_in_a_comment"),
    ("`drop()` does it", "drop()"),
    ("`struct folder` has it", "struct folder"),
    ("see `src/core/file/gone.c`", "src/core/file/gone.c"),
    ("see `core/gone/file.h`", "core/gone/file.h"),
    ("see `tests/gone/`", "tests/gone/"),
    ("see `gone.c`", "gone.c"),
    ("set `server.port`", "server.port"),
    ("set `server.port = 1`", "server.port"),
    ("set `CAIS_SERVER_PORT=1`", "CAIS_SERVER_PORT"),
    ("the action `file.mislaid`", "file.mislaid"),
    ("`file.stor` is the beginning of an action", "file.stor"),
    ("say `--loud`", "--loud"),
    ("say `cais key add --loud`", "cais key add --loud"),
    ("say `cais key lend`", "cais key lend"),
    ("say `cais ls --json`", "cais ls --json"),
    ("say `key add --loud`", "--loud"),
    ("say `make haste`", "make haste"),
    ("`file_hold` of `intake.c`", "file_hold of intake.c"),
    ("```\nbuild/cais key add ana --loud\n```", "cais key add --loud"),
    ("```\nsudo -u cais cais mislay\n```", "cais mislay"),
    ("```sh\nKEY=$(cais key lend ana)\n```", "cais key lend"),
    ("```ini\n[server]\nport = 1\n```", "server.port"),
    ("```ini\n[engine]\n```", "[engine]"),
    ("```\n ISSUED ──file_drop──► STORED\n```", "file_drop"),
    ("```\n ISSUED ──► MISLAID\n```", "MISLAID"),
])
def test_a_name_that_does_not_exist_is_reported(root, tmp_path, path, text, name):
    status, output = check(root, "check-docs", tree_with(tmp_path, path, f"# Title\n\n{text}\n"))
    assert status == 1 and f"{path}:3: there is no '{name}'" in output, output


def test_architecture_md_may_name_only_the_program(root, tmp_path):
    for text in ("`file_is_kept`", "`mislaid`"):
        status, output = check(root, "check-docs", tree_with(tmp_path, "ARCHITECTURE.md", text + "\n"))
        assert status == 1 and "ARCHITECTURE.md:1: there is no" in output
        status, output = check(root, "check-docs", tree_with(tmp_path / text[1:4], "docs/a.md", text + "\n"))
        assert status == 0, output


@pytest.mark.parametrize("path", ["ARCHITECTURE.md", "docs/operations.md"])
@pytest.mark.parametrize("text", [
    "`file_hold` does it", "`file_hold()` and `file_hold(f)`", "`struct file` and `enum file_state`",
    "`src/core/file/file.c`, `core/file/file.h`, `src/core/`, `core/file/file`, `src/*/intake.c`, `file.h`, `sqlite3.h`",
    "`server.listen`, `server.listen = 127.0.0.1:80`, `CAIS_SERVER_LISTEN=1`, the action `file.store`",
    "`--for`, `--only`, `cais key add LOGIN --for s3 --json`, `cais ls`, `key add --for`, `make build`",
    "`write_through` in `intake.c` and `file_hold` of `core/file/file.c`",
    "`Content-Type`, `GET /v1/files`, `X-Amz-Date`, `127.0.0.1:80`, `/etc/cais/cais.ini`, `[section]`",
    "```\nsudo -u cais cais key add ana --for s3   # --loud is not ours here\ncurl --data-binary @x http://here/\n```",
    "```ini\n[server]\nlisten = 1\n```",
    "```\n ISSUED ──file_hold──► READY\n```",
])
def test_a_name_that_exists_passes(root, tmp_path, path, text):
    status, output = check(root, "check-docs", tree_with(tmp_path, path, text + "\n"))
    assert status == 0, output


@pytest.mark.parametrize("comment,name", [
    ("/* As file_drop does. */", "file_drop"),
    ("/* As drop() does. */", "drop()"),
    ("/* See core/gone/file.h. */", "core/gone/file.h"),
    ("/* See gone.c: it knows. */", "gone.c"),
    ("/*  ISSUED ──► MISLAID */", "MISLAID"),
    ("/*  comes ──file_drop──► goes */", "file_drop"),
])
def test_a_comment_with_a_name_that_does_not_exist_is_reported(root, tmp_path, comment, name):
    status, output = check(root, "check-docs", tree_with(tmp_path, "src/core/a.c", f"int a;\n{comment}\n"))
    assert status == 1 and f"src/core/a.c:2: there is no '{name}'" in output, output


@pytest.mark.parametrize("comment", [
    "/* As file_hold() of core/file/file.h, file.c. A STORED file. <sqlite3.h> and sqlite3.h */", "/* ── Reading ──── */",
    "/*  head ──► file_hold ──► the END */",
])
def test_a_comment_with_a_name_that_exists_passes(root, tmp_path, comment):
    status, output = check(root, "check-docs", tree_with(tmp_path, "src/core/a.c", f"int a;\n{comment}\n"))
    assert status == 0, output


DRAWN = "ISSUED ──► STORED ──► READY"


@pytest.mark.parametrize("path,text", [
    ("ARCHITECTURE.md", f"```\n{DRAWN}\n```\n"), ("docs/files.md", f"```\n{DRAWN}\n```\n"), ("src/core/b.h", f"/* {DRAWN} */\n"),
])
def test_states_that_are_drawn_twice_are_reported(root, tmp_path, path, text):
    tree = tree_with(tmp_path, "src/core/a.h", f"/* Files:\n *   {DRAWN} */\n")
    assert check(root, "check-docs", tree)[0] == 0
    write(tree, path, text)
    status, output = check(root, "check-docs", tree)
    assert status == 1 and "the states of file_state are drawn in" in output and "src/core/a.h:1" in output


def test_names_of_states_without_a_diagram_pass(root, tmp_path):
    tree = tree_with(tmp_path, "src/core/a.h", f"/* {DRAWN} */\n/* From ISSUED to STORED; see above. */\n")
    write(tree, "README.md", "Files are ISSUED, then STORED.\n")
    status, output = check(root, "check-docs", tree)
    assert status == 0, output


def test_a_name_of_another_project_may_be_an_exception(root, tmp_path):
    tree = tree_with(tmp_path, "README.md", "`limit_conn` and `--data-binary`\n")
    write(tree, "tools/exceptions/docs.txt", "limit_conn  # nginx\n--data-binary  # curl\n")
    status, output = check(root, "check-docs", tree)
    assert status == 0, output
