# SPDX-License-Identifier: Apache-2.0
"""Lists, as people see them on a terminal and programs in a pipe, with a server and without one."""
import json
import re
import shlex
import subprocess
import sys

import pytest

sys.path.insert(0, __file__.rsplit("/", 1)[0])
import native_server  # noqa: E402
from at_terminal import at_terminal  # noqa: E402
from server import BINARY, Server  # noqa: E402

LONG = "a.long.login.that.somebody.chose@a.long.name.of.a.host.example.org"
HEADINGS = {
    "ls": ["ID", "SIZE", "NAME"],
    "user list": ["LOGIN", "NAME", "STATE", "ADMIN", "SIZE", "MAX"],
    "key list": ["KEY", "FOR", "LOGIN", "STATE"],
    "jobs": ["JOB", "KIND", "STATE", "NEXT", "DONE", "ERROR"],
    "audit": ["AT", "ACTOR", "ACTION", "SUBJECT"],
    "account list": ["ACCOUNT", "SIZE", "FILES"],
    "course list": ["COURSE", "PATH", "NAME", "SIZE"],
    "workspace list": ["WORKSPACE", "CREATED"],
    "bucket list --workspace W": ["BUCKET", "ALLOW", "CREATED"],
    "entity list": ["ENTITY", "TYPE", "DATASOURCE"],
    "webhook list": ["WEBHOOK", "FOR", "URL", "WAITING"],
    "webhook deliveries 1": ["DELIVERY", "STATE", "WHEN", "EVENT", "TRIES"],
}


@pytest.fixture(scope="module", params=[True, False], ids=["served", "alone"])
def store(request, tmp_path_factory):
    with Server(tmp_path_factory.mktemp("lists")) as server:
        for login, name in (("ana", "Ana Lima"), ("zoé", "文件文件文件文件文件文件文件文件文件文件文件文件"), (LONG, "A name " * 20)):
            server.cais("user", "add", login, "--name", name)
        for api in ("s3", "native", "pyrus"):
            server.cais("key", "add", "ana", "--for", api)
        server.cais("account", "add", "acme")
        server.cais("account", "limit", "acme", "--max-bytes", "5G")
        server.cais("workspace", "add", "W")
        for name in ("one", "two", "three"):
            server.cais("bucket", "add", name, "--workspace", "W")
        for _ in range(3):
            server.cais("webhook", "add", "https://receiver.example.org/" + "a" * 60)
        server.cais("demo")
        path = tmp_path_factory.mktemp("files") / ("relatório anual " * 6 + ".pdf")
        path.write_bytes(b"x" * 3000)
        for _ in range(3):
            server.cais("put", str(path))
            server.cais("webhook", "test", "1")
        if not request.param:
            server.stop()
        yield server


def shown(store, words, columns=80):
    """The lines that the terminal shows."""
    code, lines = at_terminal([BINARY, *words.split(), "--data", store.data], store.folder, columns)
    assert code == 0, lines
    return lines


def width(line):
    """Of the line on a terminal: the wide characters of these tests take two columns."""
    return sum(2 if 0x2E80 <= ord(c) < 0xA4D0 else 1 for c in line)


@pytest.mark.parametrize("words", HEADINGS)
def test_lists_had_no_headings_and_were_wider_than_a_terminal(store, words):
    for columns in (80, 60, 200):
        lines = shown(store, words, columns)
        assert [w for w in HEADINGS[words] if w not in lines[0].split()] == [], lines[0]
        assert len(lines) > 1
        assert [line for line in lines if width(line) > columns and LONG not in line] == []
        starts = [lines[0].index(heading) for heading in HEADINGS[words]]
        assert starts == sorted(starts)


def test_every_list_is_in_the_table_above():
    said = subprocess.run([BINARY, "help"], capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  cais (\w+ list)\b", said, re.MULTILINE)) == {
        " ".join(words.split()[:2]) for words in HEADINGS if " list" in words}


def test_what_a_row_is_known_by_stays_whole(store):
    assert LONG in [line.strip() for line in shown(store, "user list")]
    ids = [file["id"] for file in store.files()]
    lines = shown(store, "ls")
    assert [line.split()[0] for line in lines[1:]] == ids
    assert lines[1].endswith("…") and "relatório" in lines[1]


def test_a_pipe_has_all_columns_whole_and_no_headings(store):
    lines = store.cais("ls").stdout.splitlines()
    file = store.files()[0]
    assert lines[0].split()[:8] == [file["id"], "ready", "2.9", "KiB", file["md5"], "operator", "native", file["created_at"]]
    assert lines[0].endswith(file["name"]) and len({line.index("ready") for line in lines[:3]}) == 1
    users = store.cais("user", "list").stdout
    assert LONG in users and ("A name " * 20).strip() in users and "LOGIN" not in users
    assert not [line for line in users.splitlines() if line.endswith(" ")]


def test_wide_shows_all_columns_on_a_terminal(store):
    lines = shown(store, "ls --wide")
    assert "MD5" in lines[0].split() and store.files()[0]["md5"] in lines[1] and store.files()[0]["name"] in lines[1]


@pytest.mark.parametrize("words,members", [
    ("user list", {"id", "login", "name", "email", "state", "kind", "admin", "account_id", "created_at",
                   "used_bytes", "used_files", "max_bytes", "max_files"}),
    ("key list", {"id", "for", "login", "role", "state", "created_at"}),
    ("account list", {"id", "name", "created_at", "used_bytes", "used_files", "record_bytes", "pending_files", "open_uploads",
                      "garbage_bytes", "max_bytes", "max_files"}),
    ("audit", {"id", "at", "account", "actor", "actor_id", "action", "subject", "detail", "request_id"}),
    ("course list", {"id", "path", "name", "environment", "created_at", "used_bytes", "max_bytes"}),
    ("workspace list", {"workspace", "created_at"}),
    ("bucket list --workspace W", {"bucket", "allow_delete", "created_at"}),
    ("entity list", {"entity", "type", "data_source", "built_in"}),
    ("webhook list", {"id", "for", "url", "events", "account", "user", "waiting", "dropped", "created_at"}),
])
def test_json_has_the_same_members_as_ever(store, words, members):
    rows = store.cais_json(*words.split())
    assert rows and all(set(row) == members for row in rows if row.get("for") in (None, "native")), rows[0]


@pytest.mark.parametrize("words", [w for w in HEADINGS if w != "ls" and "webhook deliveries" not in w])  # more come meanwhile
def test_the_next_page_is_told_as_a_command(store, words):
    """Follow the commands that the list tells, and find the same rows as without a limit."""
    def one_line(rows):
        return [json.dumps(row, sort_keys=True) for row in rows]
    whole = store.cais_json(*words.split(), "--limit", "100000")
    pages, command = [], [*words.split(), "--limit", "2", "--json"]
    done = store.cais(*command)
    while True:
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(rows) <= 2
        pages += rows
        if not done.stderr:
            break
        assert done.stderr.startswith("There are more: cais ") and done.stderr.count("\n") == 1, done.stderr
        told = shlex.split(done.stderr.removeprefix("There are more: cais "))
        assert store.data in told  # the whole command, to be pasted
        told.remove("--data"), told.remove(store.data)
        assert told[0] == words.split()[0]
        done = store.cais(*told)
    if words in ("jobs", "webhook list"):  # its numbers change meanwhile
        assert [row["id"] for row in pages] == [row["id"] for row in whole]
    else:
        assert one_line(pages) == one_line(whole)


def test_a_terminal_gets_a_hundred_rows_at_a_time_and_a_pipe_all(store):
    for i in range(120 - len(store.cais_json("account", "list"))):
        store.cais("account", "add", f"tenant-{i:03}")
    lines = shown(store, "account list")
    assert len(lines) == 102 and lines[-1].startswith("There are more: cais account list --data "), lines[-1]
    assert len(store.cais("account", "list").stdout.splitlines()) == 120
    _, rest = at_terminal([BINARY, *shlex.split(lines[-1].removeprefix("There are more: cais "))], store.folder)
    assert len(rest) == 21 and rest[1].split()[0] == store.cais_json("account", "list")[100]["name"]


@pytest.mark.parametrize("after", ["x", "1.2", "1;drop"])
def test_a_cursor_that_no_list_told_is_wrong_usage(store, after):
    done = store.cais("user", "list", "--after", after, check=False)
    assert done.returncode == 2 and f"--after: '{after}' is not where a list ended" in done.stderr
    assert store.cais("course", "list", "--after", "here", check=False).returncode == 2


def test_an_empty_list_says_how_to_begin(tmp_path):
    with Server(tmp_path) as server:
        assert shown(server, "ls") == ["There are no files yet: 'cais put FILE' sends one."]
        done = server.cais("ls")
        assert (done.stdout, done.stderr) == ("", "")


def test_a_list_of_thousands_is_sent_in_pieces_with_even_columns(tmp_path):
    """A reply of admin.sock may have 4 MiB: a long list in one piece was more."""
    with Server(tmp_path) as server:
        made = server.cais_json("demo")[0]
        for i in range(1300):
            answer = server.ask("POST", "/v4/tasks", [("Content-Type", "application/json"),
                                                      ("Authorization", "Bearer " + made["access_token"])], b'{"text":"t"}')
            assert answer.status == 200
        lines = server.cais("audit", "--limit", "1300").stdout.splitlines()
        assert len(lines) == 1300 and len({line.index("task.create") for line in lines if "task.create" in line}) == 1
        _, lines = at_terminal([BINARY, "audit", "--limit", "1300", "--data", server.data], tmp_path)
        assert sum("ACTION" in line for line in lines) == 1 and len(lines) == 1302  # a heading, and the next command


# ── against a server that is not here


def test_the_next_page_of_ls_is_told_without_secrets(tmp_path):
    server = native_server.start()
    try:
        for i in range(3):
            server.keep(b"x", name=f"f{i}")
        server.token = "very-secret"
        url = server.url.replace("http://", "http://ana:pass@")
        code, lines = at_terminal([BINARY, "ls", "--url", url, "--token", "very-secret", "--limit", "2"], tmp_path)
        assert code == 0 and lines[-1] == f"There are more: CAIS_TOKEN=... cais ls --url {server.url} --limit 2 --after 2", lines
        told = shlex.split(lines[-1])[5:]
        _, lines = at_terminal([BINARY, *told], tmp_path, environment={"CAIS_TOKEN": "very-secret"})
        assert len(lines) == 2 and lines[1].endswith("f0")
    finally:
        server.shutdown()
        server.server_close()
