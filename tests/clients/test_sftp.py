# SPDX-License-Identifier: Apache-2.0
"""SFTP with real clients: OpenSSH's sftp, lftp, curl and rclone. Files that are put are taken, resumed after a cut, and read back; keys
are accepted and refused; the server makes its host keys once."""
import hashlib
import json
import os
import re
import signal
import stat
import subprocess
import time

import pytest
import sftp
from server import Server, wait_for
from sftp import SftpServer, make_key

MB = 1_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with SftpServer(tmp_path_factory.mktemp("sftp")) as started:
        yield started


def write_file(folder, name, size):
    path = os.path.join(str(folder), name)
    with open(path, "wb") as f:
        f.write(os.urandom(size))
    return path


def same(one, other):
    with open(one, "rb") as a, open(other, "rb") as b:
        return hashlib.sha256(a.read()).digest() == hashlib.sha256(b.read()).digest()


def run(*command, check=True, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, **more)
    assert not check or done.returncode == 0, (command, done.stdout, done.stderr)
    return done


# ── OpenSSH


def test_openssh_puts_lists_renames_gets_and_removes(server, tmp_path):
    file, back = write_file(tmp_path, "data", 3 * MB), tmp_path / "back"
    shown = server.sftp("pwd", "ls -l /", "cd import", f"put -f {file} a.bin", "ls -l", f"get a.bin {back}", "rename a.bin b.bin",
                        "ls -1", "df", "rm b.bin").stdout
    assert same(file, back)
    assert "Remote working directory: /" in shown
    assert re.search(r"-rw-r--r--\s+1 cais\s+cais\s+3000000 \w{3} \d\d \d\d:\d\d a.bin", shown), shown
    assert re.search(r"dr-xr-xr-x .* done", shown) and "%Capacity" in shown
    assert {"done", "failed"} <= set(server.names()) and "b.bin" not in server.names()


def test_times_and_permissions_are_sent_and_ignored(server, tmp_path):
    file = write_file(tmp_path, "data", 1000)
    os.utime(file, (1, 1))
    server.sftp(f"put -p {file} /import/times.part", "chmod 600 /import/times.part")
    assert "1970" not in server.sftp("ls -l /import").stdout


def test_what_is_not_offered_is_refused(server, tmp_path):
    file = write_file(tmp_path, "data", 10)
    server.sftp(f"put {file} /import/c.part")
    for command in ("mkdir /import/x", "rmdir /import/done", "symlink /import/c.part /import/l", "ln /import/c.part /import/l",
                    f"put {file} /import/done/x", f"put {file} /x", "rename /import/c.part /import/done/c.part", "get /etc/passwd",
                    f"put {file} /import/x.result.json"):
        done = server.sftp(command, check=False)
        assert done.returncode == 1, (command, done.stdout, done.stderr)
    assert {"x", "l"}.isdisjoint(server.names())


def test_a_put_that_was_cut_by_a_kill_of_the_server_is_resumed_by_reput(tmp_path):
    with SftpServer(tmp_path) as server:
        file = write_file(tmp_path, "big", 100 * MB)
        limited = subprocess.Popen(["sftp", *server.ssh_options(), "-l", "400000", "-b", "-", f"{server.login}@127.0.0.1"],
                                   stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        limited.stdin.write(f"put {file} /import/big.cc5txt\n".encode())
        limited.stdin.flush()

        def is_flushed():
            listed = re.search(r"(\d+) \w{3} \d\d \d\d:\d\d big.cc5txt", server.sftp("ls -l /import").stdout)
            return listed and int(listed.group(1)) > 0
        wait_for("bytes on stable storage", is_flushed)
        server.kill()
        limited.wait(30)
        server.start()
        size = int(re.search(r"(\d+) \w{3} \d\d \d\d:\d\d big.cc5txt", server.sftp("ls -l /import").stdout).group(1))
        assert 0 < size < 100 * MB
        server.sftp(f"reput {file} /import/big.cc5txt")
        stored = next(f for f in server.files() if f["name"] == "big.cc5txt")
        with open(file, "rb") as f:
            assert stored["md5"] == hashlib.md5(f.read()).hexdigest() and stored["size"] == 100 * MB
        server.cais("fsck")


@pytest.mark.parametrize("cipher", ["aes256-gcm@openssh.com", "aes128-ctr"])
def test_keys_are_exchanged_again_in_the_middle_of_a_transfer(server, tmp_path, cipher):
    file, back = write_file(tmp_path, "data", 20 * MB), tmp_path / "back"
    done = server.sftp(f"put {file} /import/rekey.bin", f"get /import/rekey.bin {back}", "rm /import/rekey.bin",
                       options=["-v", "-oRekeyLimit=2M", "-oCiphers=" + cipher])
    assert same(file, back) and done.stderr.count("SSH2_MSG_NEWKEYS received") > 5


# ── others


def test_lftp_puts_resumes_and_gets(server, tmp_path):
    file, back = write_file(tmp_path, "data", 2 * MB), tmp_path / "back"
    part = tmp_path / "part"
    part.write_bytes(open(file, "rb").read()[:700_000])
    program = "ssh -a -x " + " ".join(server.ssh_options())
    run("lftp", "-e", f"set net:max-retries 1; set net:timeout 30; set sftp:connect-program '{program}'; open sftp://{server.login}:x@127.0.0.1; "
        f"cd import; put {part} -o l.part; put -c {file} -o l.part; ls; mv l.part l.bin; get l.bin -o {back}; rm l.bin; bye",
        env={**os.environ, "HOME": str(tmp_path)})
    assert same(file, back)


def test_curl_puts_appends_lists_and_gets(server, tmp_path):
    file, back = write_file(tmp_path, "data", 2 * MB), tmp_path / "back"
    server.sftp("ls")  # notes the host key
    # curl knows hosts by a file in its home alone.
    os.makedirs(tmp_path / ".ssh")
    os.symlink(server.known_hosts, tmp_path / ".ssh" / "known_hosts")
    url = f"sftp://127.0.0.1:{server.port()}/import/"
    options = ["-sS", "--key", server.key_path, "--pubkey", server.key_path + ".pub", "--user", server.login + ":"]
    env = {**os.environ, "HOME": str(tmp_path)}
    run("curl", *options, "-T", file, url + "curl.bin", env=env)
    assert "curl.bin" in run("curl", *options, url, env=env).stdout
    run("curl", *options, "-o", str(back), url + "curl.bin", env=env)
    assert same(file, back)
    run("curl", *options, "-T", file, url + "curl.part", env=env)
    run("curl", *options, "-a", "-T", file, "-Q", "-rename /import/curl.part /import/twice.bin", url + "curl.part", env=env)
    run("curl", *options, "-o", str(back), url + "twice.bin", env=env)
    with open(file, "rb") as f, open(back, "rb") as b:
        assert b.read() == 2 * f.read()


@pytest.mark.parametrize("name", ["rclone.part", "rclone.txt", "rclone.cc5txt"])
def test_rclone_copies_with_concurrent_writes_and_finds_what_it_has_put(server, tmp_path, name):
    file = write_file(tmp_path, "data", 5 * MB)
    config = tmp_path / "rclone.conf"
    config.write_text(f"[s]\ntype = sftp\nhost = 127.0.0.1\nport = {server.port()}\nuser = {server.login}\nkey_file = {server.key_path}\n"
                      "shell_type = none\n")
    rclone = ["rclone", "--config", str(config), "--retries", "1"]
    run(*rclone, "copyto", file, "s:import/" + name)
    if name.endswith(".txt"):
        assert "5000000" in run(*rclone, "lsl", "s:import").stdout
        back = tmp_path / "back"
        run(*rclone, "copyto", "s:import/" + name, str(back))
        assert same(file, back)


# ── what becomes of a file


CC5 = """00|CHILDACTION|FAMILY|20261121033000|REF-000017
01|wks_family|||cc-family|SYNC
02|entityId
03|entityId:string|name:string
10|F-100|Silva
10|F-101|Lee
99|2
"""


def test_a_sync_file_is_imported_and_its_result_lies_beside_it(server, tmp_path):
    good, bad = tmp_path / "good.cc5txt", tmp_path / "bad.cc5txt"
    good.write_text(CC5)
    bad.write_text(CC5.replace("99|2", "99|3"))
    server.sftp(f"put {good} /import/", f"put {bad} /import/")
    wait_for("the import", lambda: "good.cc5txt" in server.names("/import/done"))
    wait_for("the import", lambda: "bad.cc5txt" in server.names("/import/failed"))
    assert not {"good.cc5txt", "bad.cc5txt"} & set(server.names())
    for folder, name in (("done", "good.cc5txt"), ("failed", "bad.cc5txt")):
        server.sftp(f"get /import/{folder}/{name}.result.json {tmp_path}/result", f"get /import/{folder}/{name} {tmp_path}/again")
        assert same(tmp_path / name, tmp_path / "again")
        result = json.loads((tmp_path / "result").read_text())
        assert result["FileName"] == name and result["Source"] == "sftp" and result["WorkspaceId"] == "W"
        assert result["Result"] == ("successful" if folder == "done" else "failed")
        assert server.sftp(f"rm /import/{folder}/{name}", check=False).returncode == 1
    assert {"good.cc5txt", "bad.cc5txt"} <= {f["name"] for f in server.files()}


def test_a_file_of_a_name_in_progress_waits_for_its_rename(server, tmp_path):
    good = tmp_path / "good.cc5txt"
    good.write_text(CC5)
    server.sftp(f"put {good} /import/waits.cc5txt.filepart", f"put {good} /import/.hidden")
    assert {"waits.cc5txt.filepart", ".hidden"} <= {os.path.basename(n) for n in server.sftp("ls -1a /import").stdout.split()}
    server.sftp("rename /import/waits.cc5txt.filepart /import/waits.cc5txt")
    wait_for("the import", lambda: "waits.cc5txt" in server.names("/import/done"))


# ── keys


@pytest.mark.parametrize("kind, bits", [("ecdsa", 256), ("ecdsa", 521), ("rsa", 3072)])
def test_every_kind_of_key_opens(server, tmp_path, kind, bits):
    key = make_key(tmp_path, kind, bits=bits)
    server.add_key(server.login, key)
    assert "import" in server.sftp("ls", key=key).stdout


def test_rsa_with_sha1_is_refused(server, tmp_path):
    key = make_key(tmp_path, "rsa", bits=2048)
    server.add_key(server.login, key)
    done = server.sftp("ls", key=key, check=False, options=["-oPubkeyAcceptedAlgorithms=ssh-rsa"])
    assert done.returncode != 0 and "Permission denied (publickey)" in done.stderr


def test_an_unknown_user_and_a_wrong_key_are_refused_alike(server, tmp_path):
    wrong = make_key(tmp_path)
    answers = [server.sftp("ls", check=False, key=wrong), server.sftp("ls", check=False, login="nobody@example.org"),
               server.sftp("ls", check=False, login="operator", key=wrong)]
    for done in answers:
        assert done.returncode == 255
        assert re.sub(r"^\S+@127", "X@127", done.stderr.splitlines()[-2]) == "X@127.0.0.1: Permission denied (publickey)."
    for login in (server.login, "nobody@example.org"):
        server.wait_log(lambda line, login=login: line["msg"] == "SFTP login refused" and line["login"] == login)


def test_a_public_key_alone_opens_nothing(server, tmp_path):
    with open(server.key_path + ".pub", encoding="ascii") as f:
        (tmp_path / "id.pub").write_text(f.read())
    done = server.sftp("ls", key=str(tmp_path / "id.pub"), check=False, options=["-oIdentityAgent=none"])
    assert done.returncode == 255 and "Permission denied (publickey)" in done.stderr


def test_a_revoked_key_ends_its_connection_and_opens_none(server, tmp_path):
    key = make_key(tmp_path)
    key_id = server.add_key(server.login, key)
    with server.raw(key=key) as client:
        assert client.status(sftp.CLOSE, sftp.text("x")) == sftp.FAILURE
        server.cais("key", "revoke", str(key_id))
        assert client.is_ended()
    assert server.sftp("ls", key=key, check=False).returncode == 255


def test_logins_are_in_the_audit_log_and_metrics(server):
    before = server.metrics()
    server.sftp("ls")
    after = server.metrics()
    assert after["cais_sftp_logins_total"] == before["cais_sftp_logins_total"] + 1
    assert after["cais_sftp_requests_total"] > before["cais_sftp_requests_total"]
    event = next(e for e in server.cais_json("audit", "--limit", "50") if e["action"] == "key.login")
    with open(server.key_path + ".pub", encoding="ascii") as f:
        public = f.read().split()[1]
    assert event["actor"] == server.login and public not in server.log() and public not in str(event)


# ── the server


def test_only_safe_algorithms_are_offered(server):
    shown = run("ssh", "-vv", *server.ssh_options(), "-s", f"{server.login}@127.0.0.1", "sftp", stdin=subprocess.DEVNULL).stderr
    offer = shown[shown.index("peer server KEXINIT proposal"):]
    assert "kex-strict-s-v00@openssh.com" in offer
    for weak in ("chacha20", "cbc", "etm", "sha1", "group1-", "group-exchange", "ssh-dss", "zlib"):
        assert weak not in offer.split("debug2: host key algorithms")[1].split("compression stoc")[0], weak
    assert re.search(r"server-sig-algs=<ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256>", shown)


def test_there_is_no_shell_no_command_and_no_forwarding(server):
    ssh = ["ssh", *server.ssh_options(), "-oExitOnForwardFailure=yes"]
    for more in (["-T", f"{server.login}@127.0.0.1"], ["-tt", f"{server.login}@127.0.0.1"], [f"{server.login}@127.0.0.1", "id"],
                 ["-N", "-R", "0:127.0.0.1:1", f"{server.login}@127.0.0.1"], ["-W", "127.0.0.1:%d" % server.address()[1], f"{server.login}@127.0.0.1"],
                 ["-s", f"{server.login}@127.0.0.1", "other"], ["-oPreferredAuthentications=password,keyboard-interactive", f"{server.login}@127.0.0.1"]):
        done = run(*ssh, *more, check=False, stdin=subprocess.DEVNULL)
        assert done.returncode != 0 and "uid=" not in done.stdout, (more, done)


def test_host_keys_are_made_once_and_are_private(tmp_path):
    with SftpServer(tmp_path) as server:
        server.sftp("ls")
        keys = [os.path.join(server.data, name) for name in ("host_ed25519.key", "host_ecdsa.key")]
        before = [open(k, "rb").read() for k in keys]
        assert all(stat.S_IMODE(os.stat(k).st_mode) == 0o600 for k in keys)
        server.stop()
        server.start()
        assert [open(k, "rb").read() for k in keys] == before
        server.stop()
        os.chmod(keys[0], 0o644)
        done = run(server.binary, "serve", "--data", server.data, *server.options, check=False)
        assert done.returncode == 1 and "give it mode 0600" in done.stderr
        os.chmod(keys[0], 0o600)


def test_host_keys_of_the_operator_are_used(tmp_path):
    key = make_key(tmp_path, name="own")
    with SftpServer(tmp_path, "sftp.host_keys=" + key) as server:
        server.sftp("ls")
        with open(key + ".pub", encoding="ascii") as f:
            assert f.read().split()[1] in open(server.known_hosts, encoding="ascii").read()
        assert not os.path.exists(os.path.join(server.data, "host_ed25519.key"))


def is_refused(client, path):
    """Is no new file taken any more? One that is taken is closed again."""
    got, rest = client.ask(sftp.OPEN, sftp.text(path) + sftp.u32(sftp.FLAG_WRITE | sftp.FLAG_CREATE) + sftp.u32(0))
    if got == sftp.HANDLE:
        client.status(sftp.CLOSE, sftp.text(rest[4:]))
        return False
    return got == sftp.STATUS and rest[:4] == sftp.u32(sftp.FAILURE)


def test_a_stop_lets_an_upload_be_completed_and_ends_the_others(tmp_path):
    with SftpServer(tmp_path) as server:
        idle, busy = server.raw(), server.raw()
        handle = busy.open("/import/a.part", sftp.FLAG_WRITE | sftp.FLAG_CREATE)
        assert busy.write(handle, 0, b"by") == sftp.OK
        server.signal(signal.SIGTERM)
        assert idle.is_ended()
        wait_for("the connection to hear of the stop", lambda: is_refused(busy, "/import/b"))
        assert busy.write(handle, 2, b"tes") == sftp.OK
        assert busy.status(sftp.CLOSE, sftp.text(handle)) == sftp.OK
        assert busy.is_ended()
        assert server.wait_end() == 0
        server.process = None
        server.start()
        assert "a.part" in server.names()


def test_a_second_signal_cuts_an_upload(tmp_path):
    with SftpServer(tmp_path) as server:
        busy = server.raw()
        handle = busy.open("/import/a.part", sftp.FLAG_WRITE | sftp.FLAG_CREATE)
        assert busy.write(handle, 0, b"bytes") == sftp.OK
        server.signal(signal.SIGTERM)
        server.wait_log(lambda line: line["msg"] == "stopping")
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        assert busy.is_ended() and server.wait_end() == 0 and time.monotonic() - began < 20
        server.process = None


def test_without_addresses_there_is_no_sftp_and_no_host_key(tmp_path):
    with Server(tmp_path) as server:
        assert server.run["sftp_listen"] == [] and not os.path.exists(os.path.join(server.data, "host_ed25519.key"))
        assert "cais_sftp_connections" not in server.metrics()
