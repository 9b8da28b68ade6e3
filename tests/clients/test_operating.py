# SPDX-License-Identifier: Apache-2.0
"""Commands with which an operator looks after a server: status, check, jobs run."""
import json
import os
import subprocess

import pytest

from server import BINARY, TIMEOUT_S, Authority, Server, bearer


def run(*arguments, env=None):
    return subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=TIMEOUT_S, env=env)


# ── status


def test_status_says_where_a_server_listens_and_how_it_is(tmp_path):
    with Server(tmp_path) as server:
        done = server.cais("status")
        lines = done.stdout.splitlines()
        assert lines[0].startswith("cais ") and lines[0].endswith(f"is running, process {server.process.pid}")
        assert f"  {'listen':14} {server.run['listen'][0]}" in lines and f"  {'health':14} ok" in lines
        told = server.cais_json("status")[0]
        assert (told["running"], told["health"], told["failed_jobs"]) == (True, "ok", 0)
        assert told["run"]["pid"] == server.process.pid and told["run"]["listen"] == server.run["listen"]
    done = run("status", "--data", server.data)
    assert (done.returncode, done.stdout, done.stderr) == (1, f"no server runs on {server.data}\n", "")
    assert run("status", "--data", server.data, "--json").stdout == '{"running":false}\n'


def test_status_of_a_server_that_refuses_uploads_is_a_failure(tmp_path):
    with Server(tmp_path, sets=["storage.reserve_free_space=1000T"]) as server:
        done = server.cais("status", check=False)
        assert done.returncode == 1 and f"  {'health':14} full" in done.stdout.splitlines() and done.stderr == ""


def test_status_of_a_data_directory_that_does_not_exist_makes_none(tmp_path):
    done = run("status", "--data", tmp_path / "none")
    assert done.returncode == 1 and not (tmp_path / "none").exists()


# ── check


def test_a_good_configuration_is_good_and_nothing_is_made(tmp_path):
    config = tmp_path / "cais.ini"
    config.write_text(f"[server]\ndata = {tmp_path}/data\n[hosts]\nfiles.example.org = pyrus\n")
    done = run("check", "--config", config)
    assert (done.returncode, done.stdout, done.stderr) == (0, "the configuration is good\n", "")
    assert sorted(os.listdir(tmp_path)) == ["cais.ini"]
    assert run("check", "--config", config, "--json").stdout == '{"good":true}\n'


def test_a_configuration_is_checked_while_a_server_runs_with_it(tmp_path):
    with Server(tmp_path) as server:
        done = run("check", "--data", server.data, "--listen", server.run["listen"][0])
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "the configuration is good; its data directory is in use now\n"


def bad_certificate(folder):
    one, other = Authority(folder).issue("one", ["localhost"]), Authority(folder).issue("two", ["localhost"])
    return f"tls_listen = 127.0.0.1:0\ntls_cert = {one[0]}\ntls_key = {other[1]}\n"


@pytest.mark.parametrize("text,words", [
    ("[accounts]\nmax_keys = many\n", ["accounts.max_keys"]), ("[nothing]\na = 1\n", ["[nothing]"]),
    ("[server]\ntls_listen = 127.0.0.1:0\n", ["tls_cert"]), ("[redu]\ntime_zone = soon\n", ["redu.time_zone"]),
    ("[runrun]\ntime_zone = soon\n", ["runrun.time_zone"]), ("[hosts]\na.example.org = nobody\n", ["hosts.a.example.org"]),
    ("[log]\nfile = /nowhere/at/all\n[webhooks]\nca = /nowhere\n[sftp]\nhost_keys = /gone\n", ["log.file", "webhooks.ca", "sftp.host_keys"]),
    ("[server]\ndata = /proc/1/nothing\n", ["server.data"]), ("[server]\ndata = /etc/passwd\n", ["server.data", "no directory"]),
    (None, ["key"])])
def test_each_problem_is_a_line_and_a_failure(tmp_path, text, words):
    config = tmp_path / "cais.ini"
    config.write_text(text if text else "[server]\n" + bad_certificate(tmp_path))
    done = run("check", "--config", config, *([] if text and "data =" in text else ["--data", tmp_path / "data"]))
    assert done.returncode == 1 and done.stdout == ""
    assert all(line.startswith("cais check: ") for line in done.stderr.splitlines())
    for word in words:
        assert word in done.stderr, done.stderr
    assert not (tmp_path / "data").exists()
    assert run("check", "--config", config, "--json", "--data", tmp_path / "data").stdout == '{"good":false}\n' or "data =" in (text or "")


def test_a_configuration_that_check_takes_starts(tmp_path):
    certificate, key = Authority(tmp_path).issue("one", ["localhost"])
    options = ["--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--tls-cert", certificate, "--tls-key", key]
    assert run("check", "--data", tmp_path / "data", *options).returncode == 0
    with Server(tmp_path, *options, listen=False) as server:
        assert server.ask("GET", "/health").status == 200


@pytest.mark.parametrize("path", ["docs/cais.ini", "docs/nginx/cais.ini"])
def test_the_files_of_the_documents_are_good(root, tmp_path, path):
    done = run("check", "--config", os.path.join(root, path), "--data", tmp_path / "data")
    assert (done.returncode, done.stderr) == (0, "")


# ── jobs run


@pytest.fixture
def due(tmp_path):
    """A server with one file that is due to be purged: its clock is far behind that of the file."""
    with Server(tmp_path, sets=["pyrus.purge_after=1s"]) as server:
        token = server.pyrus()
        body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="due.txt"\r\n\r\nbytes\r\n--b--\r\n'
        head = bearer(token) + [("Content-Type", "multipart/form-data; boundary=b")]
        guid = server.ask("POST", "/v4/files/upload", head, body).json()["guid"]
        yield server, guid


def is_due(server):
    return [f["id"] for f in server.cais_json("jobs", "run", "purge", "--dry-run")]


def test_a_dry_run_lists_what_a_purge_removes_and_the_run_removes_it(due, tmp_path):
    server, guid = due
    from server import wait_for
    wait_for("the end of the file", lambda: is_due(server) == [guid] or server.cais_json("jobs", "run", "purge")[0]["progress"] == 1)
    before = server.cais("jobs", "run", "purge", "--dry-run").stdout.splitlines()
    if before[-1] == "1 files would be purged":
        assert guid in before[0] and "due.txt" in before[0]
        assert is_due(server) == [guid]  # a dry run removes nothing
        assert server.cais("jobs", "run", "purge").stdout == "purge: 1 done\n"
    assert server.cais("jobs", "run", "purge", "--dry-run").stdout == "0 files would be purged\n"
    assert server.cais("jobs", "run", "purge").stdout == "purge: 0 done\n"


def test_periodic_work_runs_without_a_server_too(tmp_path):
    server = Server(tmp_path)
    server.stop()
    done = run("jobs", "run", "garbage", "--data", server.data)
    assert (done.returncode, done.stdout, done.stderr) == (0, "garbage: 0 done\n", "")
    job = json.loads(run("jobs", "run", "sweep", "--data", server.data, "--json").stdout)
    assert (job["kind"], job["state"], job["error"]) == ("sweep", "queued", "")
    assert run("jobs", "run", "purge", "--dry-run", "--data", server.data).stdout == "0 files would be purged\n"


@pytest.mark.parametrize("arguments,status,words", [(["nothing"], 1, "there is: tasks"), (["garbage", "--dry-run"], 2, "for purge alone"),
                                                    ([], 2, "try 'cais jobs run --help'")])
def test_work_that_does_not_exist_cannot_be_run(tmp_path, arguments, status, words):
    with Server(tmp_path) as server:
        done = server.cais("jobs", "run", *arguments, check=False)
        assert (done.returncode, done.stdout) == (status, "") and words in done.stderr
