# SPDX-License-Identifier: Apache-2.0
"""The command line as a user runs it: the demo as it is printed, every command with and without a server, whole files."""
import hashlib
import json
import os
import pty
import re
import subprocess
import sys
import threading
import urllib.request

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "crash"))
from s3 import node  # noqa: E402
from serving import BINARY, Server, clean_environment, run, wait_for  # noqa: E402


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path / "data", "--sftp-listen", "127.0.0.1:0") as server:
        yield server


def run_printed(text, folder, node_path=os.path.join(os.path.dirname(os.path.abspath(__file__)), "node", "node_modules"), **more):
    """Runs the commands as a reader of the demo would who has installed cais and axios, but stops at the first failure. Returns the
    output of each part, by the first word of its heading; and neither the folder nor that of temporary files has a new file."""
    path = os.pathsep.join((os.path.dirname(BINARY), os.path.dirname(node()), os.environ["PATH"]))
    (folder / "test.txt").write_text("mine")
    (folder / "tmp").mkdir()
    done = run("env", f"PATH={path}", f"NODE_PATH={node_path}", f"TMPDIR={folder / 'tmp'}", "sh", "-ec", text, cwd=folder,
               **more)
    assert sorted(os.listdir(folder)) == ["test.txt", "tmp"] and os.listdir(folder / "tmp") == []
    assert (folder / "test.txt").read_text() == "mine"
    parts = re.split(r"^== (.*)\n", done.stdout, flags=re.MULTILINE)[1:]
    return {heading.split(":")[0]: said for heading, said in zip(parts[::2], parts[1::2])}


# ── demo


def states_of_dropped_files(server, demo):
    """The status of each file that came by SFTP, asked for with the key that the demo printed."""
    request = urllib.request.Request(server.url + "/appfile/file/query", json.dumps({"Query": {"Source": "sftp"}}).encode(), {
        "Content-Type": "application/json", "x-api-key": re.search(r"x-api-key: ([\w-]+)", demo)[1]})
    with urllib.request.urlopen(request, timeout=10) as reply:
        return [file["Status"] for file in json.load(reply)["Data"]]


def test_the_demo_printed_a_stack_trace_where_axios_is_not_installed(server, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    said = run_printed(server.cais("demo").stdout, folder, node_path="")["The same"]
    assert "npm install axios" in said and "FileNotUploaded" not in said and json.loads(said.splitlines()[-1])["IsSuccess"], said


def test_the_demo_runs_as_printed_twice(server, tmp_path):
    for time in (1, 2):
        folder = tmp_path / ("run%d" % time)
        folder.mkdir()
        text = server.cais("demo").stdout
        assert server.url in text
        said = run_printed(text, folder)
        login, guid, file, task, downloaded = said["Pyrus"].splitlines()  # before, the answers ran together
        assert json.loads(login)["api_url"] == server.url + "/v4/"
        assert len(guid) == 36 and file.isdigit() and downloaded == "file content"
        attachment, = [a for c in json.loads(task)["task"]["comments"] for a in c.get("attachments", ())]
        assert (attachment["name"], attachment["size"]) == ("test.txt", 13)
        put, listed = said["The API of cais itself"].splitlines()
        assert json.loads(put)["md5"] == attachment["md5"] == hashlib.md5(b"file content\n").hexdigest()
        assert {f["way"] for f in json.loads(listed)["files"]} == {"native", "pyrus"}
        id_, _, posted, confirmed, documents, got = said["Runrun.it"].splitlines()
        assert "<Key>data/enterprise/1/%s/test.txt</Key>" % id_ in posted and got == "file content"
        confirmed = json.loads(confirmed)
        assert confirmed["transfered"] and confirmed in json.loads(documents)
        folder_id, stored, files, read, renamed, removed = said["Redu"].splitlines()
        stored = json.loads(stored)
        assert [stored["name"], stored["mimetype"], stored["byte"], read] == ["test.txt", "text/plain", "13", "file content"]
        assert [f["id"] for f in json.loads(files)] == [stored["id"]]
        assert [(f["id"], f["name"]) for f in json.loads(renamed)] == [(int(folder_id), "Provas")] and removed == "[]"
        answer = json.loads(said["DataSnap"])
        assert answer["data"] == [{"produto": "livro", "vendas": 1, "total": 39.9}, {"produto": "lápis", "vendas": 2, "total": 3}]
        assert "upload: ./test.txt to s3://demo-" in said["S3"] and said["S3"].endswith("file content\n")
        imported, status, records = said["Appfile"].splitlines()
        for answer in (imported, status):
            imported_file = json.loads(answer)["Data"]["File"]
            assert imported_file["Status"] == "imported" and imported_file["Progress"]["Inserted"] == 2, imported_file
        record, = json.loads(records)["Data"]
        assert (record["entityId"], record["name"]) == ("F-100", "Silva|Souza") and "familySize" not in record
        stored, queued = said["The same"].splitlines()
        assert stored == "stored: 200" and json.loads(queued)["Data"]["ActionId"] == "demo-2" and json.loads(queued)["IsSuccess"]
        assert "put -f dropped.cc5txt" in said["SFTP"]
        wait_for("the imports of the files that were dropped", lambda: states_of_dropped_files(server, text) == ["imported"])


def test_demos_are_removed_and_nothing_else_is(server, tmp_path):
    (tmp_path / "kept").write_text("x")
    run(BINARY, "user", "add", "demo-abcdef@example.org", "--name", "Another", "--data", server.data)
    run(BINARY, "put", "kept", "--data", server.data, cwd=tmp_path)
    run(BINARY, "workspace", "add", "demo-99", "--data", server.data)  # of nobody
    run(BINARY, "bucket", "add", "demo", "--workspace", "demo-99", "--data", server.data)
    before = {words: listed(server, words) for words in (
        "ls", "user list", "key list", "course list", "workspace list", "bucket list --workspace demo-99", "entity list")}
    used = usage(server)
    for time in (1, 2):
        text = server.cais("demo").stdout
        folder = tmp_path / ("run%d" % time)
        folder.mkdir()
        run_printed(text, folder)
        wait_for("the imports of the files that were dropped", lambda: states_of_dropped_files(server, text) == ["imported"])
    assert {words: listed(server, words) for words in before} != before
    done = server.cais("demo", "--remove")
    assert done.stdout == "removed 2 demos\n"
    ended = re.compile(r'"revoked"|"deleted"')  # users and keys that were removed stay in the lists, as ended
    purge, = [job for job in map(json.loads, server.cais("jobs", "--json").stdout.splitlines()) if job["kind"] == "purge"]

    def is_gone():
        server.cais("jobs", "retry", str(purge["id"]), check=False)  # it removes what was in the course
        return not [line for words, lines in before.items() for line in listed(server, words)
                    if line not in lines and not ended.search(line)]
    wait_for("what the demos made to be removed", is_gone)
    for words, lines in before.items():
        assert [line for line in lines if line not in listed(server, words)] == []
    assert server.cais_json("demo", "--remove") == {"removed": 0}

    def is_as_before():
        server.cais("jobs", "retry", str(purge["id"]), check=False)
        return usage(server) == used
    wait_for("what the demos used to be given back", is_as_before)
    assert not os.path.exists(os.path.join(server.data, "records")) or not [
        name for _, _, names in os.walk(os.path.join(server.data, "records")) for name in names if name.endswith(".db")]
    wait_for("the server to remove what hangs on", lambda: server.cais_json("fsck")["clean"])


def usage(server):
    """What the account uses: files, and their bytes."""
    [account] = [account for account in map(json.loads, server.cais("account", "list", "--json").stdout.splitlines()) if account["name"] == "default"]
    return {name: value for name, value in account.items() if name.startswith("used_")}


def listed(server, words):
    """The lines of a list, in JSON; of ls each file."""
    text = server.cais(*words.split(), "--json").stdout
    return [json.dumps(file) for file in json.loads(text)["files"]] if words == "ls" else text.splitlines()


def test_the_demo_that_is_interrupted_leaves_no_folder(server, tmp_path):
    text = server.cais("demo").stdout.replace("echo '== The API of cais itself", "kill -INT $$; kill -INT 0; echo '== The API of cais itself")
    (tmp_path / "tmp").mkdir()
    done = run("env", f"TMPDIR={tmp_path / 'tmp'}", "setsid", "sh", "-c", text, cwd=tmp_path, check=False)
    assert done.returncode != 0 and "== Pyrus" in done.stdout and "== S3" not in done.stdout
    wait_for("the folder to be removed", lambda: os.listdir(tmp_path / "tmp") == [])


def test_the_demo_accepts_another_url(server, tmp_path):
    text = server.cais("demo", "--url", "http://localhost:%d" % server.address[1]).stdout
    assert "http://localhost:%d/v4/auth" % server.address[1] in text and server.url not in text
    folder = tmp_path / "run"
    folder.mkdir()
    assert "file content\n" in run_printed(text, folder)["Pyrus"]


def test_the_demo_made_before_the_server_works_after_it_starts(tmp_path):
    data = tmp_path / "data"
    run(BINARY, "init", "--data", data)
    done = run(BINARY, "demo", "--data", data)
    assert "http://127.0.0.1:8080/v4/auth" in done.stdout
    assert done.stderr == "cais demo: no server runs here: start it with 'cais serve' before you run the commands\n"
    folder = tmp_path / "run"
    folder.mkdir()
    with Server(data) as server:
        said = run_printed(done.stdout.replace("http://127.0.0.1:8080", server.url), folder)
    assert "file content\n" in said["Pyrus"]


# ── every command, with a server and without one

WALK = [  # (words, exit code, keys of every line of --json; None: prints nothing)
    ("init", 0, {"data"}),
    ("account add acme", 0, {"name"}),
    ("account list", 0, {"name", "used_bytes", "max_bytes"}),
    ("account limit acme --max-bytes 1000 --max-files 10", 0, None),
    ("course list", 0, None),
    ("course limit 99 1G", 1, None),
    ("course limit x 1G", 2, None),
    ("course limit 1 many", 2, None),
    ("course enrol 99 ana", 1, None),
    ("course enrol 1 ana --role king", 2, None),
    ("user add ana --name Ana --email ana@example.org", 0, {"login"}),
    ("user list", 0, {"login", "state", "used_bytes", "max_bytes"}),
    ("user limit ana --max-bytes 1G --max-files 10", 0, None),
    ("user limit ana --max-bytes many", 2, None),
    ("user limit ana --max-files -1", 1, None),
    ("user limit operator --max-files 1", 1, None),
    ("user limit nobody --max-files 1", 1, None),
    ("user add eva --max-bytes x", 2, None),
    ("key add ana --for native", 0, {"id", "token"}),
    ("key add ana --for pyrus", 0, {"id", "security_key"}),
    ("key list ana", 0, {"id", "for", "state"}),
    ("key revoke 1", 0, None),
    ("user disable ana", 0, None),
    ("user enable ana", 0, None),
    ("user delete ana", 0, None),
    ("demo", 0, {"url", "task_id", "token"}),
    ("jobs", 0, None),
    ("audit", 0, {"id", "actor", "action"}),
    ("audit prune --before 2026-01-02", 0, {"removed"}),
    ("fsck", 0, {"clean", "findings"}),
    ("ls", 0, {"files"}),
    ("user add operator", 1, None),
    ("user disable nobody", 1, None),
    ("key add nobody --for native", 1, None),
    ("key add operator --for nonsense", 2, None),
    ("get 00000000-0000-4000-8000-000000000000", 1, None),
    ("put missing", 1, None),
    ("user add", 2, None),
    ("user list --nonsense", 2, None),
    ("audit --limit x", 2, None),
    ("audit prune", 2, None),
    ("audit prune --before yesterday", 2, None),
    ("audit prune --before 9999-01-01", 1, None),
    ("jobs retry 999", 1, None),
    ("jobs cancel 999", 1, None),
    ("jobs retry", 2, None),
    ("jobs retry first", 2, None),
    ("jobs cancel -1", 2, None),
    ("ls --limit 0", 2, None),
]


def walk(cais, data, folder):
    seen = []
    for words, code, keys in WALK:
        done = run(cais, *words.split(), "--data", data, "--json", check=False, cwd=folder)
        assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
        if code:
            assert done.stdout == "" and done.stderr.startswith("cais ") and done.stderr.count("\n") == 1, (words, done)
        else:
            lines = [json.loads(line) for line in done.stdout.splitlines()]
            assert keys is None or lines and all(keys <= set(line) for line in lines), (words, done.stdout)
            assert done.stderr == "", (words, done.stderr)
            seen.append((words, [sorted(line) for line in lines]))
    return seen


def test_every_command_prints_the_same_with_and_without_a_server(cais, tmp_path):
    with Server(tmp_path / "served") as server:
        with_server = walk(cais, server.data, tmp_path)
    alone = walk(cais, tmp_path / "alone", tmp_path)
    # only a server runs jobs, so the number of lines differs
    assert [(w, k[:1]) for w, k in with_server if w != "jobs"] == [(w, k[:1]) for w, k in alone if w != "jobs"]


def test_passwords_are_read_from_standard_input_with_and_without_a_server(cais, tmp_path):
    for data in ("a", "b"):
        run(cais, "init", "--data", data, cwd=tmp_path)
        run(cais, "user", "add", "ana", "--data", data, cwd=tmp_path)
    (tmp_path / "a.log").touch()
    with Server(tmp_path / "b"):
        for data in ("a", "b"):
            done = run(cais, "user", "password", "ana", "--data", data, input="correct horse battery\n", cwd=tmp_path)
            assert done.stderr == ""


# ── files, end to end


@pytest.mark.parametrize("served", [True, False], ids=["served", "alone"])
def test_get_writes_the_bytes_that_put_sent(cais, tmp_path, served):
    run(cais, "init", "--data", "data", cwd=tmp_path)
    server = Server(tmp_path / "data") if served else None
    try:
        sizes = [0, 1, 16384, 16385, 3000000]
        for size in sizes:
            (tmp_path / ("f%d.bin" % size)).write_bytes(os.urandom(size))
        names = ["f%d.bin" % size for size in sizes]
        stored = [json.loads(line) for line in
                run(cais, "put", "--data", "data", "--json", *names, cwd=tmp_path).stdout.splitlines()]
        assert [(f["name"], f["size"], f["owner"]) for f in stored] == [(n, s, "operator") for n, s in zip(names, sizes)]
        listed = json.loads(run(cais, "ls", "--data", "data", "--json", cwd=tmp_path).stdout)["files"]
        assert sorted(f["id"] for f in listed) == sorted(f["id"] for f in stored)
        out = tmp_path / "out"
        out.mkdir()
        for f in stored:
            run(cais, "get", f["id"], "--data", "../data", cwd=out)
            assert (out / f["name"]).read_bytes() == (tmp_path / f["name"]).read_bytes()
        assert run(cais, "get", stored[3]["id"], "-o", "-", "--data", "data", cwd=tmp_path, text=False).stdout == \
            (tmp_path / names[3]).read_bytes()
        done = run(cais, "put", "--data", "data", "-", "--name", "piped", input="x" * 100000, cwd=tmp_path)
        assert done.stdout.endswith("piped\n")
    finally:
        if server:
            server.stop()
    left = sorted(os.listdir(tmp_path / "data"))
    assert left == ["ballast", "blobs", "cais.db", "datasets", "lock", "master.key", "records"], left


def test_get_detects_bytes_that_were_changed_on_the_disk(cais, tmp_path):
    (tmp_path / "a").write_bytes(os.urandom(100000))
    run(cais, "init", cwd=tmp_path)
    id_ = json.loads(run(cais, "put", "a", "--json", cwd=tmp_path).stdout)["id"]
    blob, = [p for p in (tmp_path / "cais-data" / "blobs").rglob("*") if p.is_file() and p.stat().st_size == 100000]
    blob.chmod(0o600)
    with open(blob, "r+b") as f:
        f.seek(50000)
        f.write(b"damage")
    done = run(cais, "get", id_, "-o", "b", check=False, cwd=tmp_path)
    assert done.returncode == 1 and "damaged" in done.stderr and not (tmp_path / "b").exists()
    done = run(cais, "fsck", "--json", check=False, cwd=tmp_path)
    assert done.returncode == 1 and not json.loads(done.stdout)["clean"]


def test_commands_without_a_server_wait_for_the_lock(cais, tmp_path):
    """Eight commands start at once. Each waits for the lock, and all succeed."""
    (tmp_path / "a").write_bytes(b"x" * 20000)
    run(cais, "init", cwd=tmp_path)
    commands = [["put", "a"]] * 5 + [["account", "add", f"acme{i}"] for i in range(3)]
    running = [subprocess.Popen([cais, *c], cwd=tmp_path, env=clean_environment(), stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE) for c in commands]
    for process in running:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    assert len(json.loads(run(cais, "ls", "--json", cwd=tmp_path).stdout)["files"]) == 5


def test_the_path_of_a_data_directory_may_be_longer_than_a_socket_path(cais, tmp_path):
    data = tmp_path / ("d" * 100) / ("e" * 100)
    (tmp_path / "a").write_bytes(b"deep")
    with Server(data) as server:
        assert server.cais_json("user", "list")["login"] == "operator"
        run(cais, "put", "a", "--data", data, cwd=tmp_path)
    id_ = json.loads(run(cais, "ls", "--json", "--data", data).stdout)["files"][0]["id"]
    assert run(cais, "get", id_, "-o", "-", "--data", data).stdout == "deep"


def test_listing_a_missing_data_directory_does_not_create_it(cais, tmp_path):
    for words in (["ls"], ["get", "00000000-0000-4000-8000-000000000000"]):
        done = run(cais, *words, check=False, cwd=tmp_path)
        assert done.returncode == 1 and "cais serve" in done.stderr
    assert os.listdir(tmp_path) == []


# ── the progress bar


def at_a_terminal(command, folder):
    """(exit code, output on the terminal)"""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, cwd=folder, stderr=theirs, stdout=subprocess.DEVNULL, env=clean_environment())
    os.close(theirs)
    seen = bytearray()

    def read():
        try:
            while chunk := os.read(ours, 4096):
                seen.extend(chunk)
        except OSError:  # the other end is closed
            pass
    reader = threading.Thread(target=read)
    reader.start()
    code = process.wait(60)
    reader.join(60)
    os.close(ours)
    return code, bytes(seen)


@pytest.mark.parametrize("served", [True, False], ids=["served", "alone"])
def test_the_progress_bar_is_shown_on_terminals_only(cais, tmp_path, served):
    run(cais, "init", cwd=tmp_path)
    server = Server(tmp_path / "cais-data") if served else None
    try:
        with open(tmp_path / "large", "wb") as f:
            for _ in range(96):
                f.write(os.urandom(1 << 20))
        code, seen = at_a_terminal([cais, "put", "large"], tmp_path)
        assert code == 0 and b"%" in seen and b"[" in seen, seen
        assert seen.endswith(b"\r\x1b[K"), seen[-100:]  # cleared at the end
        id_ = json.loads(run(cais, "ls", "--json", cwd=tmp_path).stdout)["files"][0]["id"]
        code, seen = at_a_terminal([cais, "get", id_, "-o", "back"], tmp_path)
        assert code == 0 and b"%" in seen, seen
        assert (tmp_path / "back").read_bytes() == (tmp_path / "large").read_bytes()
        assert run(cais, "put", "large", cwd=tmp_path).stderr == ""
    finally:
        if server:
            server.stop()
