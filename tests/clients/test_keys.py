# SPDX-License-Identifier: Apache-2.0
"""The key commands, and the master key with which signing keys are sealed."""

import json
import os
import re
import shutil
import subprocess

import pytest

from server import BINARY, Server
from sigv4 import Signer


def run(*args, check=True):
    done = subprocess.run([BINARY, *map(str, args)], capture_output=True, text=True, timeout=120)
    assert not check or done.returncode == 0, (args, done.stderr)
    return done


def cais_json(*args):
    return [json.loads(line) for line in run(*args, "--json").stdout.splitlines()]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("keys")) as started:
        yield started


def mode(path):
    return os.stat(path).st_mode & 0o7777


def test_key_add_prints_the_names_of_each_api_and_an_id(server):
    login = server.user()
    runrun, s3 = server.key(login, "runrun"), server.key(login, "s3")
    assert set(runrun) == {"app_key", "user_token", "id"} and set(s3) == {"access_key_id", "secret_access_key", "id"}
    assert re.fullmatch(r"[0-9a-f]{32}", runrun["app_key"]) and re.fullmatch(r"[0-9A-Za-z]{20}", runrun["user_token"])
    assert re.fullmatch(r"CAIS[0-9A-Z]{16}", s3["access_key_id"])
    assert re.fullmatch(r"[0-9A-Za-z]{40}", s3["secret_access_key"])
    assert set(server.key(login, "pyrus")) == {"security_key", "login", "id"}
    assert set(server.key(login, "native")) == {"token", "id"}
    listed = {key["id"]: key for key in server.cais_json("key", "list", login)}
    assert [key["for"] for key in listed.values()] == ["runrun", "s3", "pyrus", "native"]  # the user token is not listed as a key
    assert listed[s3["id"]]["access_key_id"] == s3["access_key_id"] and "access_key_id" not in listed[runrun["id"]]
    assert s3["secret_access_key"] not in json.dumps(listed)
    assert {key["role"] for key in listed.values()} == {"admin"}
    assert "admin" not in server.cais("key", "list", login).stdout
    for key in (runrun, s3):
        server.cais("key", "revoke", str(key["id"]))
    states = {key["id"]: key["state"] for key in server.cais_json("key", "list", login)}
    assert states[runrun["id"]] == states[s3["id"]] == "revoked"


@pytest.mark.parametrize("api", ["pyrus", "runrun", "s3", "native"])
def test_keys_of_an_api_without_roles_have_none_to_choose(server, api):
    login = server.user()
    refused = server.cais("key", "add", login, "--for", api, "--role", "admin", check=False)
    assert (refused.returncode, refused.stdout) == (2, "") and f"--role does not go with --for {api}" in refused.stderr
    assert server.cais("key", "list", login).stdout == ""


def test_six_advisories_a_new_server_has_no_credential_except_its_own_random_key(tmp_path):
    own = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        with Server(tmp_path / name, "--s3-listen", "127.0.0.1:0") as server:
            keys = server.cais_json("key", "list")
            assert [(key["for"], key["login"]) for key in keys] == [("s3", "operator")]
            own.append(keys[0]["access_key_id"])
            host = server.run["s3_listen"][0]
            for pair in ("minioadmin", "minioadmin"), ("rustfsadmin", "rustfsadmin"), ("admin", "admin"), ("", ""), (own[-1], ""), \
                    (own[-1], own[-1]), ("operator", "operator"):
                answer = server.ask("GET", Signer(*pair).link("GET", host, "/"), host=host, kind="s3_listen")
                assert answer.status in (400, 403), (pair, answer)
    assert own[0] != own[1]


def test_key_commands_print_the_same_without_json(server):
    login = server.user()
    for api, names in (("runrun", ["app_key", "user_token"]), ("s3", ["access_key_id", "secret_access_key"])):
        lines = server.cais("key", "add", login, "--for", api).stdout.splitlines()
        assert re.fullmatch(r"key \d+ for " + re.escape(login), lines[0])
        assert [line.split(": ")[0] for line in lines[1:3]] == names
        assert "shown this once" in lines[3]
    lines = server.cais("key", "list", login).stdout.splitlines()
    assert len(lines) == 2 and re.search(r"  CAIS[0-9A-Z]{16}  ", lines[1])


def test_key_add_refuses_unknown_users_and_apis(server):
    login = server.user()
    for api in ("aws", "", "S3"):
        done = server.cais("key", "add", login, "--for", api, check=False)
        assert done.returncode == 2 and "pyrus, runrun, redu, datasnap, appfile, s3, native" in done.stderr
    assert server.cais("key", "add", "nobody", "--for", "s3", check=False).returncode == 1
    server.cais("user", "disable", login)
    for api in ("s3", "runrun"):
        assert server.cais("key", "add", login, "--for", api, check=False).returncode == 1
    assert "s3" in server.cais("key", "add", "--help").stdout


# ── public keys

PUBLIC_KEY = ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILX/Qt+L5zAKyUDhGjg75ACTISrXbgbLKsCjLFlYGA6x ana@example.org\n")
FINGERPRINT = "SHA256:4mQHWZO80EQtJLuu7paLo7GLG9c/jZpNMQ/+59bi5Eo"  # as ssh-keygen -l prints it
WEAK_KEY = ("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCnqlfAP40FL+zXs1HeKkc/CgK4W3OH5YKWxELD4NX7A26+UXb9ckS8DfiGx3TjbYe25n1Ksg4oTAyX"
            "RJpgVlcOb7cffOLWNPOyhSQ29tdcSoyT7ogh7kk1QQUZakSGet+Bayp1PIfe50zSBZMKWCL/O4cQl+2ejRDDoN82CSY+CQ== weak\n")


def sftp_key(server, login, path, *more, **options):
    return server.cais("key", "add", login, "--for", "sftp", "--workspace", "W", "--bucket", "B", "--public-key", str(path), *more,
                       **options)


@pytest.fixture(scope="module")
def section(server):
    server.cais("workspace", "add", "W")
    server.cais("bucket", "add", "B", "--workspace", "W")


def test_a_public_key_is_added_listed_and_revoked(server, section, tmp_path):
    login, path = server.user(), tmp_path / "key.pub"
    path.write_text(PUBLIC_KEY)
    made = json.loads(sftp_key(server, login, path, "--role", "uploader", "--expires", "2099-01-31", "--json").stdout)
    assert made == {"id": made["id"], "login": login, "role": "uploader", "fingerprint": FINGERPRINT}
    listed, = server.cais_json("key", "list", login)
    assert listed == {"id": made["id"], "for": "sftp", "login": login, "role": "uploader", "state": "active", "fingerprint": FINGERPRINT,
                      "created_at": listed["created_at"], "workspace": "W", "bucket": "B", "expires_at": "2099-01-31T00:00:00Z"}
    line = server.cais("key", "list", login).stdout
    assert f"{login}  uploader  active" in line and f"{FINGERPRINT}  W  B  2099-01-31T00:00:00Z" in line
    again = sftp_key(server, login, path, check=False)
    assert again.returncode == 1 and f"as key {made['id']}: revoke that one first" in again.stderr
    server.cais("key", "revoke", str(made["id"]))
    assert sftp_key(server, login, path).stdout.endswith(f"\nfingerprint: {FINGERPRINT}\nThe fingerprint is all that is kept of it.\n")
    assert [key["state"] for key in server.cais_json("key", "list", login)] == ["revoked", "active"]


def test_a_public_key_is_read_where_the_command_runs(server, section, tmp_path):
    login = server.user()
    (tmp_path / "key.pub").write_text(PUBLIC_KEY)
    os.chmod(tmp_path / "key.pub", 0o600)
    done = subprocess.run([BINARY, "key", "add", login, "--for", "sftp", "--workspace", "W", "--bucket", "B", "--public-key", "key.pub",
                           "--data", server.data], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and FINGERPRINT in done.stdout, done
    other = server.user()
    done = subprocess.run([BINARY, "key", "add", other, "--for", "sftp", "--workspace", "W", "--bucket", "B", "--public-key", "-",
                           "--data", server.data], input=PUBLIC_KEY, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and FINGERPRINT in done.stdout, done


def test_what_is_no_strong_public_key_is_refused_with_what_to_do(server, section, tmp_path):
    login, path = server.user(), tmp_path / "key"
    for text, reason in ((WEAK_KEY, "2048 to 16384 bits, and this one has 1024"), ("-----BEGIN OPENSSH PRIVATE KEY-----\n", "a private key"),
                         ("", "not one line"), ("\xff", "not one line")):
        path.write_text(text)
        done = sftp_key(server, login, path, check=False)
        assert (done.returncode, done.stdout) == (1, "") and reason in done.stderr, (text, done)
    for binary in (b"\xff\xfe", b"a\0"):
        path.write_bytes(binary)
        assert "is no text" in sftp_key(server, login, path, check=False).stderr
    path.write_bytes(b"x" * (70 << 10))
    assert "more than 65536 bytes" in sftp_key(server, login, path, check=False).stderr
    assert "cannot read" in sftp_key(server, login, tmp_path / "none", check=False).stderr
    path.write_text(PUBLIC_KEY)
    done = server.cais("key", "add", login, "--for", "sftp", "--workspace", "W", "--bucket", "C", "--public-key", str(path), check=False)
    assert done.returncode == 1 and "there is no bucket C" in done.stderr, done
    for words, reason in ((("--for", "sftp", "--workspace", "W", "--bucket", "B"), "--for sftp needs --public-key"),
                          (("--for", "sftp", "--public-key", str(path)), "--for sftp needs --workspace and --bucket"),
                          (("--for", "s3", "--public-key", str(path)), "--public-key does not go with --for s3"),
                          (("--for", "sftp", "--workspace", "W", "--bucket", "B", "--public-key", str(path), "--role", "x"),
                           "--role is one of: viewer, uploader, admin")):
        done = server.cais("key", "add", login, *words, check=False)
        assert done.returncode == 2 and reason in done.stderr, done
    assert server.cais("key", "list", login).stdout == ""


def test_a_public_key_is_added_while_no_server_runs(tmp_path):
    data, path = tmp_path / "data", tmp_path / "key.pub"
    path.write_text(PUBLIC_KEY)
    run("init", "--data", data)
    run("user", "add", "ana", "--data", data)
    run("workspace", "add", "W", "--data", data)
    run("bucket", "add", "B", "--workspace", "W", "--data", data)
    made, = cais_json("key", "add", "ana", "--for", "sftp", "--workspace", "W", "--bucket", "B", "--public-key", path, "--data", data)
    assert (made["fingerprint"], made["role"]) == (FINGERPRINT, "admin")


# ── the master key


def make_store(folder):
    """A data directory with a user and a signing key, which no server uses."""
    data = folder / "data"
    run("init", "--data", data)
    run("user", "add", "ana", "--data", data)
    return data, cais_json("key", "add", "ana", "--for", "s3", "--data", data)[0]


def test_the_first_start_makes_a_master_key_with_mode_0600(tmp_path):
    with Server(tmp_path) as server:
        path = os.path.join(server.data, "master.key")
        assert mode(path) == 0o600 and re.fullmatch(r"[0-9a-f]{64}\n", open(path, encoding="ascii").read())
        server.secrets.append(open(path, encoding="ascii").read().strip())


def test_secrets_are_stored_only_sealed(tmp_path):
    data, key = make_store(tmp_path)
    text = b"".join((data / name).read_bytes() for name in os.listdir(data) if (data / name).is_file())
    assert key["secret_access_key"].encode() not in text and key["access_key_id"].encode() not in text


@pytest.mark.parametrize("bits", [0o644, 0o640, 0o660])
def test_a_master_key_that_others_can_read_prevents_the_start(tmp_path, bits):
    data, _ = make_store(tmp_path)
    os.chmod(data / "master.key", bits)
    done = run("serve", "--data", data, "--listen", "127.0.0.1:0", check=False)
    assert done.returncode == 1 and "0600" in done.stderr
    assert run("key", "list", "--data", data, check=False).returncode == 1


@pytest.mark.parametrize("text", ["", "00\n", "z" * 64 + "\n", "0" * 65])
def test_a_damaged_master_key_prevents_the_start_and_is_kept(tmp_path, text):
    data, _ = make_store(tmp_path)
    (data / "master.key").write_text(text)
    done = run("serve", "--data", data, "--listen", "127.0.0.1:0", check=False)
    assert done.returncode == 1 and "master key" in done.stderr
    assert (data / "master.key").read_text() == text


def test_a_backup_has_the_master_key_unless_it_is_to_be_without(tmp_path):
    data, key = make_store(tmp_path)
    with Server(tmp_path) as server:  # the first start makes the master key
        made = server.cais_json("backup", str(tmp_path / "with"))[0]
        bare = server.cais_json("backup", str(tmp_path / "without"), "--without-key")[0]
    assert made["master_key"] is True and bare["master_key"] is False
    assert mode(tmp_path / "with" / "master.key") == 0o600
    assert not (tmp_path / "without" / "master.key").exists()
    report = cais_json("restore", tmp_path / "with", "--data", tmp_path / "restored")[0]
    assert report["master_key"] is True and mode(tmp_path / "restored" / "master.key") == 0o600
    assert (tmp_path / "restored" / "master.key").read_text() == (data / "master.key").read_text()
    listed = cais_json("key", "list", "ana", "--data", tmp_path / "restored")
    assert listed[0]["access_key_id"] == key["access_key_id"]
    assert run("fsck", "--data", tmp_path / "restored").returncode == 0


def test_a_server_without_its_master_key_starts_and_reports_lost_keys(tmp_path):
    data, key = make_store(tmp_path)
    run("backup", tmp_path / "backup", "--data", data, "--without-key")
    (tmp_path / "again").mkdir()
    restored = tmp_path / "again" / "data"
    done = run("restore", tmp_path / "backup", "--data", restored)
    assert f"key:{key['id']}" in done.stderr
    with Server(tmp_path / "again") as server:
        line = server.wait_log(lambda line: line["msg"] == "signing keys are lost")
        assert line["level"] == "error" and "1 of them" in line["error"]
        assert server.ask("GET", "/health").status == 200
        assert server.native()  # everything else still works
        done = server.cais("fsck", check=False)
        assert done.returncode == 1 and f"key:{key['id']}" in done.stdout
        assert "access_key_id" not in server.cais_json("key", "list", "ana")[0]
        new = server.key("ana", "s3")
        assert server.cais_json("key", "list", "ana")[1]["access_key_id"] == new["access_key_id"]
    # the operator can put the old key back,
    put_back = tmp_path / "put_back"
    shutil.copytree(tmp_path / "again", put_back)
    shutil.copy2(data / "master.key", put_back / "data" / "master.key")
    assert cais_json("key", "list", "ana", "--data", put_back / "data")[0]["access_key_id"] == key["access_key_id"]
    # or revoke the signing key
    run("key", "revoke", key["id"], "--data", restored)
    assert run("fsck", "--data", restored).returncode == 0


def test_the_servers_own_signing_key_was_mourned_at_each_start(tmp_path):
    """A default installation, whose master key is not in the backup: the server makes itself another key, and nothing is wrong."""
    (tmp_path / "first").mkdir()
    with Server(tmp_path / "first") as server:
        own, = server.cais_json("key", "list")
        server.cais("backup", str(tmp_path / "backup"), "--without-key")
    (tmp_path / "again").mkdir()
    done = run("restore", tmp_path / "backup", "--data", tmp_path / "again" / "data")
    assert done.stderr == ""
    assert run("fsck", "--data", tmp_path / "again" / "data").returncode == 0
    for _ in range(2):
        with Server(tmp_path / "again") as server:
            assert server.cais("fsck").returncode == 0
            assert [key["access_key_id"] for key in server.cais_json("key", "list") if "access_key_id" in key] != [own["access_key_id"]]
        assert not [line for line in server.log_lines() if line["level"] in ("error", "warning")]


def test_a_user_had_any_number_of_keys(tmp_path):
    with Server(tmp_path, sets=["accounts.max_keys=2"]) as server:
        login = server.user()
        first = server.key(login, "s3")
        server.key(login, "native")
        refused = server.cais("key", "add", login, "--for", "native", check=False)
        assert refused.returncode != 0 and "accounts.max_keys" in refused.stderr and "key revoke" in refused.stderr
        server.cais("key", "revoke", str(first["id"]))
        server.key(login, "native")
