# SPDX-License-Identifier: Apache-2.0
"""What the command line says when something goes wrong: what is wrong, in words that are no library's, and what to do."""
import os
import re
import socket
import subprocess
import sys
import threading

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cutting_proxy import link_to_data  # noqa: E402
from ports import free_port  # noqa: E402
from server import BINARY, Authority, Server, wait_for  # noqa: E402

MIB = 1 << 20
COMMANDS = {"user list", "jobs", "status", "stop", "reload", "fsck", "backup", "restore", "salvage", "audit", "init", "serve", "ls", "put", "key list"}
LIBRARY_WORDS = re.compile(r"SQLite:|UNIQUE|constraint failed|not a database|malformed|curl:|SSL|handshake|peer certificate|Couldn't|"
                           r"Server returned nothing|Received HTTP/0.9|error:[0-9A-F]{8}|DuckDB:|libssh")


@pytest.fixture(scope="module", params=[True, False], ids=["served", "alone"])
def store(request, tmp_path_factory):
    with Server(tmp_path_factory.mktemp("words")) as server:
        server.cais("user", "add", "ana")
        server.cais("account", "add", "acme")
        server.cais("workspace", "add", "W")
        if not request.param:
            server.stop()
        yield server


def said(*command, code=1, **more):
    done = subprocess.run([BINARY, *command], capture_output=True, text=True, timeout=60, check=False, **more)
    assert done.returncode == code and done.stdout == "", done
    assert done.stderr.count("\n") == 1 and not LIBRARY_WORDS.search(done.stderr), done.stderr
    return done.stderr.rstrip("\n")


@pytest.mark.parametrize("words,wanted", [
    ("user add ana", "there is a user ana already: 'cais user list' shows what there is"),
    ("user add bob --account none", "there is no account none: 'cais account list' shows what there is"),
    ("user list --account none", "there is no account none: 'cais account list' shows what there is"),
    ("user disable nobody", "there is no user nobody: 'cais user list' shows what there is"),
    ("user delete nobody", "there is no user nobody: 'cais user list' shows what there is"),
    ("user limit nobody --max-bytes 1", "there is no user nobody: 'cais user list' shows what there is"),
    ("user password nobody", "there is no user nobody: 'cais user list' shows what there is"),
    ("account add acme", "there is an account acme already: 'cais account list' shows what there is"),
    ("account limit none --max-bytes 1", "there is no account none: 'cais account list' shows what there is"),
    ("key add nobody --for native", "there is no user nobody: 'cais user list' shows what there is"),
    ("key add ana --for redu --course 9", "there is no course 9: 'cais course list' shows what there is"),
    ("key add ana --for appfile --workspace V --bucket B", "there is no workspace V: 'cais workspace list' shows what there is"),
    ("key add ana --for appfile --workspace W --bucket B", "there is no bucket B: 'cais bucket list --workspace W' shows what there is"),
    ("key list nobody", "there is no user nobody: 'cais user list' shows what there is"),
    ("key revoke 99", "there is no key 99: 'cais key list' shows what there is"),
    ("workspace list --account none", "there is no account none: 'cais account list' shows what there is"),
    ("bucket add B --workspace V", "there is no workspace V: 'cais workspace list' shows what there is"),
    ("bucket list --workspace V", "there is no workspace V: 'cais workspace list' shows what there is"),
    ("course limit 9 1G", "there is no course 9: 'cais course list' shows what there is"),
    ("course enrol 9 ana", "there is no course 9: 'cais course list' shows what there is"),
    ("jobs retry 999", "there is no job 999: 'cais jobs' shows what there is"),
    ("jobs cancel 999", "there is no job 999: 'cais jobs' shows what there is"),
    ("webhook remove 9", "there is no webhook 9: 'cais webhook list' shows what there is"),
    ("webhook deliveries 9", "there is no webhook 9: 'cais webhook list' shows what there is"),
    ("webhook test 9", "there is no webhook 9: 'cais webhook list' shows what there is"),
    ("webhook retry 9", "there is no delivery 9: 'cais webhook deliveries ID' shows what there is"),
])
def test_a_refusal_named_neither_what_nor_what_to_do(store, words, wanted):
    command = " ".join(words.split()[:2])
    assert said(*words.split(), "--data", store.data, input="correct horse\n") == f"cais {command}: {wanted}"


@pytest.mark.parametrize("words", ["user list", "jobs", "status", "stop", "reload", "fsck", "fsck --accept-lost-records", "backup copy",
                                   "restore copy", "salvage copy", "audit", "init", "serve", "ls", "put /etc/hostname", "key list"])
def test_a_wrong_configuration_is_a_usage_error_of_every_command(tmp_path, words):
    """It was 1 for all but serve: a script could not tell it from a store that is not well."""
    wrong = tmp_path / "wrong.ini"
    wrong.write_text("[server]\nnothing = 1\n")
    name = "cais " + next(n for n in (" ".join(words.split()[:2]), words.split()[0]) if n in COMMANDS)
    takes_set = words.split()[0] not in ("ls", "put")
    for options, wanted in ((["--config", wrong], "unknown key"), (["--config", tmp_path / "none.ini"], "none.ini"),
                            *([(["--set", "log.level=loud"], "log.level"), (["--set", "x"], "section.key=value")] if takes_set else [])):
        line = said(*words.split(), *options, code=2, cwd=tmp_path)
        assert line.startswith(name + ": ") and wanted in line, line
    assert os.listdir(tmp_path) == ["wrong.ini"]


def test_an_unknown_account_was_an_unknown_file(store):
    for words in (["ls"], ["put", "/etc/hostname"], ["rm", "00000000-0000-4000-8000-000000000000"]):
        assert "there is no account none: 'cais account list' shows what there is" in said(
            *words, "--account", "none", "--data", store.data)


def test_a_missing_file_says_where_ids_come_from(store):
    for words in (["get", "00000000-0000-4000-8000-000000000000"], ["get", "s3://a/b"], ["rm", "x"],
                  ["get", "00000000-0000-4000-8000-000000000000", "-o", "new"]):
        assert said(*words, "--data", store.data, cwd=store.folder).endswith("'cais ls' shows the IDs"), words


# ── a server that cannot be reached


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority(folder)
    pair = authority.issue("named", ["cais.example.org"])
    with Server(folder, "--tls-listen", "127.0.0.1:0", "--tls-cert", pair[0], "--tls-key", pair[1]) as server:
        server.authority = authority
        yield server


def address(server, kind="listen"):
    return "%s:%d" % server.address(kind)


@pytest.fixture(params=["ls", "put"])
def ask(request, tmp_path):
    """Ask for a URL. Returns what the command says, without its name."""
    (tmp_path / "f").write_text("x")

    def ask(url, *more, **environment):
        command = ["put", "f"] if request.param == "put" else ["ls"]
        env = {k: v for k, v in os.environ.items() if not k.startswith("CAIS_")}
        line = said(*command, "--url", url, *more, cwd=tmp_path, env={**env, **environment})
        return line.removeprefix(f"cais {command[0]}: ").removeprefix("f: ")
    return ask


def test_a_tls_port_that_was_asked_in_clear(tls, ask):
    url = "http://" + address(tls, "tls_listen")
    assert ask(url) == f"{url} closes connections without an answer: does it want https://?"


def test_a_clear_port_that_was_asked_by_tls(tls, ask):
    url = "https://" + address(tls)
    assert ask(url) == f"{url} does not speak TLS: does it want http://, or is it another port?"


def test_an_authority_that_is_not_trusted(tls, ask, tmp_path):
    url = "https://" + address(tls, "tls_listen")
    wanted = f"the certificate of {url} is signed by nobody whom this machine trusts: --ca FILE names the certificate of the " \
        "authority that signed it"
    assert ask(url) == wanted
    assert ask(url, "--ca", tls.authority.pem).startswith("a valid token is required (401 unauthenticated")  # trusted now
    (tmp_path / "other").mkdir()
    assert ask(url, "--ca", Authority(tmp_path / "other").pem) == wanted
    for ca in ("/none", __file__):
        assert ask(url, "--ca", ca) == f"--ca: {ca} has no certificates in PEM that can be read"


def test_a_certificate_for_another_name(tls, ask):
    url = "https://localhost:%d" % tls.address("tls_listen")[1]
    assert ask(url, "--ca", tls.authority.pem) == \
        f"the certificate of {url} is for another name: give --url the name that is in the certificate"


def test_no_server_and_no_host(ask):
    url = f"http://127.0.0.1:{free_port()}"
    assert ask(url) == f"no server answers at {url}: is it running, and the address right?"
    url = "http://ana:secret@no.such.host.invalid"
    assert ask(url) == "http://no.such.host.invalid: there is no host of that name; correct --url"
    assert ask("http://a b") == "'http://a b' is no URL of a server, such as https://cais.example.org"
    assert ask("cais.example.org") == "'cais.example.org' is no URL of a server; it starts with http:// or https://"
    url = "http://127.0.0.1:1"
    assert "the proxy that http_proxy or https_proxy names is not there" in ask(url, http_proxy="http://no.such.host.invalid")


def test_a_token_that_is_missing_or_wrong(tls, ask):
    url = "http://" + address(tls)
    assert ask(url).endswith("; give the token that 'cais key add LOGIN --for native' makes on the server, as CAIS_TOKEN")
    assert ask(url, CAIS_TOKEN="wrong").endswith("; 'cais key list' on the server shows which tokens there are")


@pytest.mark.parametrize("reply,wanted", [
    (b"SSH-2.0-OpenSSH_9.2\r\n", "URL does not speak HTTP: does it want https://, or is it the port of another program?"),
    (b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nConnection: close\r\n\r\nsorry",
     "URL refused with status 404 and no word of explanation: --url is the address of a cais server, without a path"),
    (b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
     "URL answers with status 202: it is no cais server, so correct --url"),
])
def test_another_program_at_the_port(ask, reply, wanted):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(reply)
        threading.Thread(target=serve, daemon=True).start()
        url = "http://127.0.0.1:%d" % listener.getsockname()[1]
        assert ask(url) == wanted.replace("URL", url)


def test_a_server_that_is_killed_meanwhile(tmp_path):
    """Over the socket: the upload breaks off, the next command finds no server."""
    server = Server(tmp_path)
    folder, proxy = link_to_data(str(tmp_path / "link"), server)
    (tmp_path / "file").write_bytes(os.urandom(40 * MIB))
    with proxy:
        def kill():
            server.process.kill()
            server.process.wait()
        proxy.after(8 * MIB, kill)
        line = said("put", "file", "--data", folder, cwd=tmp_path)
    assert re.fullmatch(rf"cais put: file: the server broke off after \d+ bytes: is it still running at {folder}/admin.sock\?", line), line
    wait_for("the kernel to close the socket of the killed process", lambda: subprocess.run(
        [BINARY, "ls", "--json", "--data", server.data], capture_output=True, text=True, check=False).stdout == '{"files":[]}\n')


def test_a_server_that_is_killed_during_a_command(tmp_path):
    server = Server(tmp_path)
    folder, proxy = link_to_data(str(tmp_path / "link"), server)
    with proxy:
        def kill():
            server.process.kill()
            server.process.wait()
        proxy.after(1, kill)
        assert said("user", "list", "--data", folder) == \
            f"cais user list: the server broke off after 0 bytes: is it still running at {folder}/admin.sock?"


# ── a store that cannot be used, and a server that cannot start


def test_a_file_that_is_no_database(tmp_path):
    subprocess.run([BINARY, "init", "--data", tmp_path / "data"], capture_output=True, check=True)
    (tmp_path / "data" / "cais.db").write_bytes(b"x" * 100000)
    for words in (["user", "list"], ["ls"], ["serve", "--listen", "127.0.0.1:0"], ["fsck"]):
        line = said(*words, "--data", tmp_path / "data")
        assert "is damaged, and cannot be used. 'cais salvage' gets out what can be read; or restore a backup" in line, line


def test_an_address_that_cannot_be_listened_on(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert said("serve", "--data", tmp_path / "data", "--listen", f"127.0.0.1:{port}") == \
            f"cais serve: 127.0.0.1:{port} is in use by another program: stop it, or choose another port"
    assert said("serve", "--data", tmp_path / "data", "--listen", "192.0.2.1:8080").endswith("this machine has no such address")


def test_a_key_that_is_not_that_of_the_certificate(tmp_path):
    authority = Authority(tmp_path)
    certificate, _ = authority.issue("one", ["one.example.org"])
    _, key = authority.issue("two", ["two.example.org"])
    line = said("serve", "--data", tmp_path / "data", "--tls-listen", "127.0.0.1:0", "--tls-cert", certificate, "--tls-key", key)
    assert line == f"cais serve: {key} is not the private key of {certificate}, in PEM and without a passphrase"
