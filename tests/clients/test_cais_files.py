# SPDX-License-Identifier: Apache-2.0
"""cais put, get and ls against a fake server that can return wrong replies."""
import json
import os
import pty
import signal
import subprocess
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(__file__))
import native_server  # noqa: E402


@pytest.fixture
def server():
    server = native_server.start()
    yield server
    server.go_on.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def run(cais, server, tmp_path):
    def run(command, *arguments, url=True, token=None, environment=None, **more):
        environment = dict({k: v for k, v in os.environ.items() if not k.startswith("CAIS_")}, **(environment or {}))
        target = (["--url", server.url] if url else []) + (["--token", token] if token else [])
        return subprocess.run([cais, command, *target, *arguments], cwd=tmp_path, env=environment,
                              capture_output=True, timeout=60, **more)
    return run


def files_in(folder):
    return sorted(p.name for p in folder.iterdir())


# ── put


def test_put_sends_a_file_and_prints_its_id(run, server, tmp_path):
    (tmp_path / "relatório 1.txt").write_bytes(b"hello")
    done = run("put", "relatório 1.txt", token="t0ken")
    (file, data), = server.files
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == f"{file['id']}  5 B  relatório 1.txt\n"
    assert (data, file["name"]) == (b"hello", "relatório 1.txt")
    method, path, headers = server.requests[0]
    assert path == "/v1/native/files/relat%C3%B3rio%201.txt"
    assert headers["Content-Length"] == "5" and headers["Authorization"] == "Bearer t0ken"


def test_put_streams_large_files_over_one_connection_in_constant_memory(cais, server, tmp_path):
    (tmp_path / "large").write_bytes(os.urandom(1 << 20) * 64)
    (tmp_path / "empty").write_bytes(b"")
    # One process sends one file after the other: 64 MiB with only a few MiB of memory.
    program = "import resource,subprocess,sys; r = subprocess.run(sys.argv[1:]).returncode; " \
              "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(r)"
    done = subprocess.run([sys.executable, "-c", program, cais, "put", "--url", server.url, "large", "empty", "large"],
                          cwd=tmp_path, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert [len(data) for _, data in server.files] == [64 << 20, 0, 64 << 20]
    peak_kib = int(done.stdout.split()[-1])
    if not os.environ.get("CAIS_BINARY"):  # a build with sanitizers needs more memory
        assert peak_kib < 40 * 1024


def test_put_reads_standard_input_in_chunks(run, server):
    done = run("put", "-", "--name", "notes.tar", "--type", "application/x-tar", input=b"x" * 300000)
    assert done.returncode == 0, done.stderr
    (file, data), = server.files
    assert (file["name"], len(data), file["content_type"]) == ("notes.tar", 300000, "application/x-tar")
    assert server.requests[0][2]["Transfer-Encoding"] == "chunked"


def test_put_json_prints_the_reply_of_the_server(run, server, tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    done = run("put", "--json", "a", "a")
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    assert printed == [file for file, _ in reversed(server.files)]


@pytest.mark.parametrize("trouble", ["keeps other", "keeps less"])
def test_put_fails_when_the_server_stored_other_bytes(run, server, tmp_path, trouble):
    server.trouble = trouble
    (tmp_path / "a").write_bytes(b"hello")
    done = run("put", "a")
    assert done.returncode == 1 and done.stdout == b""
    assert b"cais put: a: the server kept other bytes than were sent: 5 bytes with MD5 5d41402a" in done.stderr


def test_put_continues_after_a_file_that_fails(run, server, tmp_path):
    (tmp_path / "b").write_bytes(b"b")
    done = run("put", "missing", ".", "b")
    assert done.returncode == 1
    assert [f["name"] for f, _ in server.files] == ["b"]
    assert done.stderr.decode() == ("cais put: missing: cannot open it: No such file or directory\n"
                                    "cais put: .: is a folder: name its files, or send 'tar -c' of it to 'cais put - --name NAME'\n")


@pytest.mark.parametrize("status,code,message", [
    (413, "too_large", "at most 5 bytes"), (507, "quota", "the account is full"), (503, "unavailable", "later"),
])
@pytest.mark.parametrize("size", [10, 3000000])  # for the larger one the client sends Expect: 100-continue
def test_a_refusal_is_printed_with_the_message_of_the_server(run, server, tmp_path, size, status, code, message):
    server.trouble = (status, code, message)
    (tmp_path / "a").write_bytes(b"x" * size)
    done = run("put", "a")
    assert done.returncode == 1
    assert done.stderr.decode() == f"cais put: a: {message} ({status} {code}, request req-1)\n"
    assert ("Expect" in server.requests[0][2]) == (size > 1 << 20)


def test_a_malformed_reply_is_an_error(run, server, tmp_path):
    server.trouble = "html"
    (tmp_path / "a").write_bytes(b"x")
    done = run("put", "a")
    assert done.returncode == 1 and b"is no JSON" in done.stderr


def test_control_characters_of_the_server_are_not_printed(run, server):
    server.trouble = (400, "invalid", "\x1b[2Jgone")
    assert b"\\x1b[2Jgone" in run("ls").stderr


# ── get


def test_get_writes_the_file_under_its_name(run, server, tmp_path):
    file = server.keep(b"some bytes", name="dir/../q1.pdf")
    done = run("get", file["id"])
    assert (done.returncode, done.stdout, done.stderr) == (0, b"q1.pdf\n", b"")
    assert (tmp_path / "q1.pdf").read_bytes() == b"some bytes"
    assert files_in(tmp_path) == ["q1.pdf"]


def test_get_to_standard_output(run, server):
    file = server.keep(os.urandom(500000))
    done = run("get", file["id"], "-o", "-")
    assert done.returncode == 0 and done.stdout == server.files[0][1]


def test_get_overwrites_only_with_force(run, server, tmp_path):
    file = server.keep(b"new")
    (tmp_path / "a.bin").write_bytes(b"old")
    done = run("get", file["id"])
    assert done.returncode == 1
    assert done.stderr == b"cais get: a.bin: it exists already; --force replaces it\n"
    assert (tmp_path / "a.bin").read_bytes() == b"old"
    assert run("get", "--force", file["id"], "-o", "a.bin").returncode == 0
    assert (tmp_path / "a.bin").read_bytes() == b"new"
    (tmp_path / "folder").mkdir()
    assert run("get", "--force", file["id"], "-o", "folder").returncode == 1
    assert files_in(tmp_path) == ["a.bin", "folder"]


@pytest.mark.parametrize("trouble,message", [
    ("other bytes", "the MD5 of what came is"), ("cut", "the server broke off after 2500 bytes"),
    ("no etag", "did not say what the MD5 should be"), ((404, "not_found", "there is no such file"), "(404 not_found"),
])
def test_get_leaves_no_partial_file_after_an_error(run, server, tmp_path, trouble, message):
    file = server.keep(b"12345" * 1000)
    server.trouble = trouble
    (tmp_path / "kept").write_bytes(b"old")
    done = run("get", "--force", file["id"], "-o", "kept")
    assert done.returncode == 1 and message in done.stderr.decode()
    assert (tmp_path / "kept").read_bytes() == b"old" and files_in(tmp_path) == ["kept"]


def test_get_leaves_no_partial_file_when_it_is_stopped(cais, server, tmp_path):
    file = server.keep(b"x" * 100000)
    server.trouble = "stall"
    process = subprocess.Popen([cais, "get", "--url", server.url, file["id"], "-o", "a"], cwd=tmp_path,
                               stderr=subprocess.PIPE)
    assert server.stalled.wait(20)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 1 and b"stopped by a signal" in said
    assert files_in(tmp_path) == []


def test_get_goes_on_when_the_signal_is_ignored(cais, server, tmp_path):
    """As under nohup: blocking a signal must not bring it back."""
    file = server.keep(b"x" * 100000)
    server.trouble = "stall"
    process = subprocess.Popen([cais, "get", "--url", server.url, file["id"], "-o", "a"], cwd=tmp_path,
                               stderr=subprocess.PIPE, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    assert server.stalled.wait(20)
    process.send_signal(signal.SIGHUP)
    server.go_on.set()
    _, said = process.communicate(timeout=20)
    assert b"the server broke off" in said and b"signal" not in said


@pytest.mark.parametrize("name", ["..", ".bashrc", "-rf", "a/.."])
def test_get_refuses_names_with_a_path(run, server, tmp_path, name):
    file = server.keep(b"x", name=name)
    done = run("get", file["id"])
    assert done.returncode == 1 and b"choose one with -o" in done.stderr
    assert files_in(tmp_path) == []


# ── get s3://BUCKET/KEY


@pytest.mark.parametrize("parts", [[b"hello"], [b"x" * 5000, b"y" * 5000, b"z"], [b"x" * 300000, b""]])
def test_get_writes_an_object_under_the_end_of_its_key(run, server, tmp_path, parts):
    file = server.keep_object("photos", "2026/ä b?.jpg", *parts)
    done = run("get", file["id"])
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, "ä b?.jpg\n", b"")
    assert (tmp_path / "ä b?.jpg").read_bytes() == b"".join(parts)
    method, path, headers = server.requests[-1]
    assert path == "/v1/native/objects/photos/2026%2F%C3%A4%20b%3F.jpg" and headers["If-Match"] == f'"{file["etag"]}"'
    assert json.loads(run("get", file["id"], "-o", "b", "--json").stdout) == file


@pytest.mark.parametrize("parts", [[b"12345" * 1000], [b"12345" * 600, b"12345" * 400]])
@pytest.mark.parametrize("trouble,message", [
    ("other bytes", "the MD5 of what came is"), ("cut", "the server broke off after 2500 bytes"),
    ("no etag", "did not say what the MD5 should be"), ((404, "not_found", "no such object"), "no such object (404 not_found"),
])
def test_get_leaves_no_partial_object_after_an_error(run, server, tmp_path, parts, trouble, message):
    file = server.keep_object("photos", "a", *parts)
    server.trouble = trouble
    done = run("get", file["id"])
    assert done.returncode == 1 and message in done.stderr.decode()
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("facts,message", [
    ({"part_sizes": [1, 9]}, "it should be"), ({"part_sizes": [4, 4]}, "not as many as the parts have"),
    ({"part_sizes": [10, 10]}, "the parts are larger than the whole"), ({"part_sizes": [-1, 11]}, "the parts are larger"),
    ({"part_sizes": [10]}, "did not say what the MD5 should be"), ({"etag": "x"}, "did not say what the MD5 should be"),
])
def test_parts_that_do_not_fit_are_an_error(run, server, tmp_path, facts, message):
    file = server.keep_object("photos", "a", b"hello", b"again", **facts)
    file.update(facts)
    done = run("get", file["id"])
    assert done.returncode == 1 and message in done.stderr.decode(), done.stderr
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("name", ["s3://", "s3://photos", "s3://photos/", "s3:///a"])
def test_get_says_how_an_object_is_named(run, server, name):
    done = run("get", name)
    assert done.returncode == 1 and done.stderr.decode() == f"cais get: {name}: an object is named s3://BUCKET/KEY\n"
    assert not server.requests


# ── ls


def test_ls_prints_a_table_with_escaped_names(run, server):
    first = server.keep(b"x" * 2048, name="evil\x1b[31m\n")
    second = server.keep(b"", name="文件.txt", owner=None, state="stored", way="pyrus")
    third = server.keep(b"", state="issued", md5="0" * 32)
    done = run("ls")
    assert done.returncode == 0
    assert done.stdout.decode().splitlines() == [
        f"{third['id']}  issued      0 B  -                                 ana  native  2026-11-21T14:04:09Z  a.bin",
        f"{second['id']}  stored      0 B  {second['md5']}  -    pyrus   2026-11-21T14:04:09Z  文件.txt",
        f"{first['id']}  ready   2.0 KiB  {first['md5']}  ana  native  2026-11-21T14:04:09Z  evil\\x1b[31m\\n",
    ]


def test_ls_prints_objects_behind_files_with_the_md5_or_that_of_the_parts(run, server):
    file = server.keep(b"hello")
    one = server.keep_object("photos", "2026/a\n.jpg", b"hello")
    parts = server.keep_object("photos", "b", b"hello", b"!")
    lines = run("ls").stdout.decode().splitlines()
    assert [line.split()[0] for line in lines] == [file["id"], "s3://photos/2026/a\\n.jpg", "s3://photos/b"]
    assert [line.split()[4] for line in lines] == [file["md5"], one["md5"], parts["etag"]]
    assert [line.split()[6] for line in lines] == ["native", "s3", "s3"]
    assert json.loads(run("ls", "--json").stdout)["files"] == [file, one, parts]


def test_ls_follows_pages_up_to_its_limit(run, server):
    for i in range(250):
        server.keep(b"", name=f"f{i}")
    done = run("ls", "--limit", "220", "--json")
    printed = json.loads(done.stdout)
    assert [f["name"] for f in printed["files"]] == [f"f{i}" for i in range(249, 29, -1)]
    assert printed["next"] == "220"
    rest = json.loads(run("ls", "--json", "--after", "220").stdout)
    assert len(rest["files"]) == 30 and "next" not in rest
    assert run("ls").stderr.decode() == f"There are more: cais ls --url {server.url} --after 100\n"


@pytest.mark.parametrize("limit,count", [(1, 1), (1, 2), (3, 2), (70, 66)])  # 66 are more than one request lists
@pytest.mark.parametrize("sparse", [False, True])
def test_pages_of_any_size_lead_through_files_and_objects(run, server, limit, count, sparse):
    for i in range(count):
        server.keep(b"", name=f"f{i}")
        server.keep_object("photos", f"k{i}", b"x")
    server.sparse = sparse
    wanted = [f["id"] for f, _ in server.files + server.objects]
    seen, more = [], []
    while True:
        page = json.loads(run("ls", "--json", "--limit", str(limit), *more).stdout)
        seen += [f["id"] for f in page["files"]]
        assert len(page["files"]) == limit or "next" not in page
        if "next" not in page:
            break
        more = ["--after", page["next"]]
    assert seen == wanted
    assert len(page["files"]) > 0


@pytest.mark.parametrize("kind", ["files", "objects"])
def test_ls_stops_when_pages_repeat(run, server, kind):
    server.trouble = "cycle of " + kind
    done = run("ls", "--limit", "1000")
    assert done.returncode == 1 and b"leads in circles" in done.stderr


# ── server and token


@pytest.mark.parametrize("deep", ["data", "d" * 120 + "/" + "e" * 60])
def test_the_socket_of_the_data_directory_needs_no_token(run, tmp_path, deep):
    folder = tmp_path / deep
    folder.mkdir(parents=True)
    local = native_server.start(str(folder / "admin.sock"))
    try:
        (tmp_path / "a").write_bytes(b"hello")
        done = run("put", "a", "--data", deep, "--account", "ação", url=False, environment={"CAIS_TOKEN": "secret"})
        assert done.returncode == 0, done.stderr
        headers = local.requests[0][2]
        assert "Authorization" not in headers and headers["Cais-Account"] == "a%C3%A7%C3%A3o"
        (tmp_path / "cais.ini").write_text(f"[log]\nlevel = debug\n[server]\ndata = {deep}\n")
        if len(deep) < 150:
            assert run("ls", "--config", "cais.ini", url=False).returncode == 0
        assert run("ls", url=False, environment={"CAIS_SERVER_DATA": deep}).returncode == 0
    finally:
        local.shutdown()
        local.server_close()


def test_the_token_comes_from_the_environment_and_is_never_shown(run, server):
    server.token = "very-secret"
    assert run("ls", environment={"CAIS_TOKEN": "very-secret"}).returncode == 0
    done = run("ls", token="other-secret")
    assert done.returncode == 1
    assert done.stderr.startswith(b"cais ls: who are you? (401 unauthenticated, request req-1); 'cais key list'")
    broken = run("ls", token="line\nbreak")
    assert broken.returncode == 1 and b"break" not in broken.stderr


def test_a_missing_server_is_reported_with_its_address(run, tmp_path):
    done = run("ls", url=False)
    assert done.returncode == 1
    assert f"{tmp_path}/cais-data is no data directory of cais".encode() in done.stderr and b"cais serve" in done.stderr
    assert b"no server answers at http://127.0.0.1:1" in run("ls", "--url", "http://127.0.0.1:1", url=False).stderr
    assert run("ls", "--url", "ftp://example.org", url=False).returncode == 1


@pytest.mark.parametrize("arguments", [
    ["put"], ["put", "a", "b", "--name", "c"], ["put", "a", "--type", "a\nb"], ["get"], ["get", "a", "b"],
    ["ls", "--limit", "0"], ["ls", "--account", "a"], ["ls", "--data", "d"], ["ls", "x"], ["ls", "--nonsense"],
])
def test_wrong_usage_exits_2_with_one_line(run, server, arguments):
    done = run(*arguments)
    assert done.returncode == 2 and done.stdout == b""
    assert done.stderr.count(b"\n") == 1 and f"try 'cais {arguments[0]} --help'".encode() in done.stderr
    assert not server.requests


@pytest.mark.parametrize("command", ["put", "get", "ls", "version"])
def test_every_command_has_help(cais, command):
    done = subprocess.run([cais, command, "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith(f"cais {command}") and "--json" in done.stdout


def test_output_that_cannot_be_written_is_a_failure(cais):
    with open("/dev/full", "w") as full:
        done = subprocess.run([cais, "version"], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1 and b"cannot write the answer" in done.stderr


# ── the progress bar


def test_a_terminal_shows_progress_and_clears_it(cais, server, tmp_path):
    file = server.keep(b"x" * 100000)
    server.trouble = "stall"
    ours, theirs = pty.openpty()
    process = subprocess.Popen([cais, "get", "--url", server.url, file["id"], "-o", "a"], cwd=tmp_path, stderr=theirs)
    os.close(theirs)
    seen = b""
    end = time.monotonic() + 20
    while b" 50 % [" not in seen and time.monotonic() < end:
        seen += os.read(ours, 4096)
    server.go_on.set()
    try:
        while chunk := os.read(ours, 4096):
            seen += chunk
    except OSError:  # the other end is closed
        pass
    process.wait(20)
    assert b" 50 % [============ " in seen and b"KiB/s" in seen and b"ETA" in seen
    assert b"\r\x1b[Kcais get: a: the server broke off" in seen
