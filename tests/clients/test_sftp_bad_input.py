# SPDX-License-Identifier: Apache-2.0
"""SFTP clients that break rules: of SSH, of the protocol, or of good manners. The server refuses or cuts them, uses bounded memory, and goes
on serving others."""
import os
import socket
import time

import paramiko
import pytest
import sftp
from server import TIMEOUT_S, in_threads, wait_for
from sftp import SftpServer, make_key, text, u32, u64

MiB = 1 << 20
MAY_GROW = (1024 if os.environ.get("CAIS_BINARY") else 20) * MiB  # a build with sanitizers needs more memory


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    sets = ["sftp.login_grace=4s", "sftp.max_connections=12", "sftp.max_logging_in=8", "sftp.max_logging_in_per_address=0",
            "sftp.max_connections_per_address=9",
            "sftp.idle_timeout=5s", "logins.failures=0", "logins.failures_per_address=0", "logins.failures_per_user=0"]
    with SftpServer(tmp_path_factory.mktemp("sftp"), *sets) as started:
        yield started


@pytest.fixture(autouse=True)
def goes_on(server):
    """After each test the server serves the next client, and no connection of the one before is left."""
    yield
    wait_for("all connections to end", lambda: server.metrics()["cais_sftp_connections"] == 0)
    assert "import" in server.sftp("ls").stdout


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port()), timeout=TIMEOUT_S)


def is_closed(sock):
    try:
        while sock.recv(65536):
            pass
        return True
    except ConnectionResetError:
        return True


# ── before the login


def test_whatever_comes_instead_of_ssh_is_cut_after_the_grace_time_at_the_latest(server):
    held = []
    for first in (b"", b"SSH-2.0-x\r\n", b"GET / HTTP/1.1\r\n\r\n", bytes(1000), b"A" * 70000, b"SSH-2.0-x\r\n" + b"\xff" * 64,
                  b"SSH-2.0-x\r\n" + u32(0x40000) + b"x" * 100):
        held.append(connect(server))
        held[-1].sendall(first)
    began = time.monotonic()
    for sock in held:
        assert is_closed(sock)
        sock.close()
    assert time.monotonic() - began < 25


def test_a_client_may_disconnect_in_every_state_of_the_login(server):
    for first in (None, b"SSH-2.0", b"SSH-2.0-x\r\n"):
        with connect(server) as sock:
            if first:
                sock.sendall(first)
    server.transport(login=False).close()
    server.transport().close()
    made = server.transport()
    made.open_session(timeout=TIMEOUT_S)
    made.sock.close()
    made.close()


def test_connections_are_limited_in_total_and_before_the_login(server):
    before = server.metrics()["cais_sftp_connections_refused_total"]
    held = [connect(server) for _ in range(8)]
    wait_for("the connections", lambda: server.metrics()["cais_sftp_connections"] == 8)
    with connect(server) as one_more:
        assert b"too many" in one_more.recv(100) and is_closed(one_more)
    for sock in held:
        assert is_closed(sock)  # their grace time ends
        sock.close()
    assert server.metrics()["cais_sftp_connections_refused_total"] == before + 1


def test_one_address_that_never_logged_in_kept_everybody_out(tmp_path):
    with SftpServer(tmp_path) as defaults:
        held = [connect(defaults) for _ in range(30)]
        wait_for("the refusals", lambda: defaults.metrics()["cais_sftp_connections_refused_total"] == 20)
        for _ in range(12):  # who logs in is no longer counted
            other = paramiko.Transport(socket.create_connection(("127.0.0.1", defaults.port()), TIMEOUT_S, ("127.0.0.2", 0)))
            held.append(other)
            other.start_client(timeout=TIMEOUT_S)
            other.auth_publickey(defaults.login, paramiko.Ed25519Key.from_private_key_file(defaults.key_path))
        for one in held:
            one.close()
        wait_for("all connections to end", lambda: defaults.metrics()["cais_sftp_connections"] == 0)
        assert "import" in defaults.sftp("ls").stdout


def test_a_user_with_connections_from_many_addresses_kept_everybody_out(tmp_path):
    with SftpServer(tmp_path, "sftp.max_connections=6", "sftp.max_connections_per_user=4") as few:
        other_key = make_key(tmp_path, name="other")
        other = few.user("bob")
        few.add_key(other, other_key)
        held = [few.transport() for _ in range(4)]
        for _ in range(2):
            with pytest.raises((paramiko.SSHException, EOFError, OSError)):
                few.transport()
        wait_for("their end", lambda: few.metrics()["cais_sftp_connections"] == 4)
        assert "import" in few.sftp("ls", login=other, key=other_key).stdout
        few.wait_log(lambda line: line["msg"] == "SFTP login refused" and line["reason"] == "too many connections of the user")
        held.pop().close()
        wait_for("its end", lambda: few.metrics()["cais_sftp_connections"] == 3)
        held.append(few.transport())
        for one in held:
            one.close()


def test_connections_of_one_address_are_limited(server):
    held = [server.transport() for _ in range(9)]
    with connect(server) as one_more:
        assert b"too many" in one_more.recv(100) and is_closed(one_more)
    for made in held:
        made.close()


def test_attempts_to_log_in_are_limited(server, tmp_path):
    made = server.transport(login=False)
    keys = [paramiko.Ed25519Key.from_private_key_file(make_key(tmp_path, name=f"k{i}")) for i in range(2)]
    refused = 0
    with pytest.raises((paramiko.SSHException, EOFError, OSError)) as raised:
        for i in range(20):
            try:
                made.auth_publickey(server.login, keys[i % 2])
            except paramiko.AuthenticationException as e:
                if "imeout" in str(e) or not made.is_active():
                    raise paramiko.SSHException("ended") from None
                refused += 1
    assert refused < 7, raised
    made.close()


class Forged(paramiko.Ed25519Key):
    """Shows one key and signs with another."""

    def __init__(self, shown, signs):
        super().__init__(filename=shown)
        self.signs = paramiko.Ed25519Key.from_private_key_file(signs)

    def sign_ssh_data(self, data, algorithm=None):
        return self.signs.sign_ssh_data(data, algorithm)


def test_a_signature_by_another_key_opens_nothing(server, tmp_path):
    made = server.transport(login=False)
    with pytest.raises((paramiko.SSHException, EOFError, OSError)):
        made.auth_publickey(server.login, Forged(server.key_path, make_key(tmp_path)))
    assert not made.is_authenticated()
    made.close()


def test_passwords_are_not_asked_for(server):
    made = server.transport(login=False)
    with pytest.raises(paramiko.BadAuthenticationType) as raised:
        made.auth_password(server.login, "secret")
    assert raised.value.allowed_types == ["publickey"]
    made.close()


# ── after the login


def test_a_client_has_one_channel_and_one_subsystem(server):
    with server.raw() as client:
        with pytest.raises(paramiko.ChannelException):
            client.transport.open_session(timeout=TIMEOUT_S)
        with pytest.raises(paramiko.SSHException):
            client.transport.open_channel("direct-tcpip", ("127.0.0.1", 22), ("127.0.0.1", 1), timeout=TIMEOUT_S)
        assert client.status(sftp.CLOSE, text("x")) == sftp.FAILURE


@pytest.mark.parametrize("length", [(256 << 10) + 1, 0xffffffff, 0])
def test_a_packet_of_256_kib_and_a_byte_ends_the_session(server, length):
    with server.raw() as client:
        client.channel.sendall(u32(length))
        assert client.is_ended()


def test_the_longest_packet_is_served(server):
    with server.raw() as client:
        fields = text(b"h") + u64(0) + text(b"")
        client.send(bytes([sftp.WRITE]) + u32(1) + fields + bytes((256 << 10) - 5 - len(fields)))
        assert client.receive()[0] == sftp.STATUS


def test_what_comes_instead_of_sftp_ends_the_session(server):
    for first in (b"GET / HTTP/1.1\r\n\r\n", text(bytes([sftp.STAT]) + u32(1) + text("/")), text(bytes([sftp.INIT]) + u32(1))):
        client = sftp.Raw(server.transport(), init=False)
        client.channel.sendall(first)
        assert client.is_ended()
        client.close()


def test_ten_thousand_opens_use_no_more_memory(server):
    before = server.memory()
    with server.raw() as client:
        opened = 0
        for i in range(0, 10000, 100):
            for k in range(100):
                client.send(bytes([sftp.OPENDIR]) + u32(i + k) + text("/import"))
            opened += sum(client.receive()[0] == sftp.HANDLE for _ in range(100))
        assert opened == 256
    assert server.memory() - before < MAY_GROW


def open_results(client, path):
    """Open the result as often as the server allows. Returns the handles."""
    opened = []
    while True:
        kind, fields = client.ask(sftp.OPEN, text(path) + u32(sftp.FLAG_READ) + u32(0))
        if kind != sftp.HANDLE or len(opened) == 256:
            return opened
        opened.append(fields[4:])


def test_results_that_were_open_had_memory_that_nobody_counted(tmp_path):
    codes = "|".join("abcdefgh")
    wrong = "10|" + "|".join(8 * ["\x01" * 100]) + "|x"  # takes five times as many bytes in the result
    rows = 100 * [wrong] + [f"10|{codes}|1"]
    head = f"00|A|B|C|D\n01|wks_family|||cc-family|S\n02|{codes}\n03|{codes}|n:int\n"
    content = (head + "".join(row + "\n" for row in rows) + f"99|{len(rows)}\n").encode()
    path = "/import/done/wrong.cc5txt.result.json"
    with SftpServer(tmp_path, "sftp.memory=4M") as small:
        with small.raw() as greedy, small.raw() as other:
            handle = greedy.open("/import/wrong.cc5txt", sftp.FLAG_WRITE | sftp.FLAG_CREATE)
            assert greedy.write(handle, 0, content) == sftp.OK and greedy.status(sftp.CLOSE, text(handle)) == sftp.OK
            wait_for("the result", lambda: greedy.ask(sftp.STAT, text(path))[0] == sftp.ATTRS)
            size = int.from_bytes(greedy.ask(sftp.STAT, text(path))[1][4:12], "big")
            opened = open_results(greedy, path)
            assert size > 300_000 and 5 <= len(opened) <= 5 * MiB / size  # three quarters of the memory, and 2 MiB of its own
            assert len(open_results(other, path)) >= 3  # has as much of its own
            for handle in opened:
                assert greedy.status(sftp.CLOSE, text(handle)) == sftp.OK
            assert len(open_results(greedy, path)) == len(opened)


def test_a_client_that_never_reads_uses_bounded_memory_and_is_cut(server):
    with server.raw() as client:
        handle = client.open("/import/unread.part", sftp.FLAG_WRITE | sftp.FLAG_CREATE | sftp.FLAG_TRUNCATE)
        for i in range(10):
            assert client.write(handle, i * 200_000, bytes(200_000)) == sftp.OK
        assert client.status(sftp.CLOSE, text(handle)) == sftp.OK
        server.sftp("rename /import/unread.part /import/unread.bin")
        handle = client.open("/import/unread.bin", sftp.FLAG_READ)
        before = server.memory()
        # The window of SSH stays closed because nothing is taken out of the channel; the thread of paramiko goes on.
        for i in range(2000):
            client.send(bytes([sftp.READ]) + u32(i) + text(handle) + u64(0) + u32(255 << 10))
        line = server.wait_log(lambda line: line["msg"] == "SFTP connection ended" and "idle" in line["reason"])
        assert line["login"] == server.login
        assert server.memory() - before < MAY_GROW
        assert client.is_ended()
    server.sftp("rm /import/unread.bin")


def test_a_client_that_ignores_the_window_is_cut(server):
    before = server.memory()
    with server.raw() as client:
        handle = client.open("/import/ignores.part", sftp.FLAG_WRITE | sftp.FLAG_CREATE | sftp.FLAG_TRUNCATE)
        for i in range(5):
            assert client.write(handle, i * 200_000, bytes(200_000)) == sftp.OK
        assert client.status(sftp.CLOSE, text(handle)) == sftp.OK
        server.sftp("rename /import/ignores.part /import/ignores.bin")
        handle = client.open("/import/ignores.bin", sftp.FLAG_READ)
        client.channel.out_window_size = 1 << 40
        with pytest.raises((EOFError, OSError, paramiko.SSHException)):
            for i in range(200_000):
                client.send(bytes([sftp.READ]) + u32(i) + text(handle) + u64(0) + u32(255 << 10))
        server.wait_log(lambda line: line["msg"] == "SFTP connection ended" and "window" in line["reason"])
    assert server.memory() - before < MAY_GROW
    server.sftp("rm /import/ignores.bin")


def test_a_client_that_does_nothing_is_cut(server):
    with server.raw() as client:
        began = time.monotonic()
        assert client.is_ended()
        assert time.monotonic() - began > 3


def test_a_file_that_was_not_closed_is_not_taken_however_its_client_goes(server):
    for go in (lambda c: c.transport.sock.close(), lambda c: c.channel.close(), lambda c: c.channel.shutdown_write(), lambda c: c.close()):
        with server.raw() as client:
            handle = client.open("/import/cut.cc5txt", sftp.FLAG_WRITE | sftp.FLAG_CREATE | sftp.FLAG_TRUNCATE)
            assert client.write(handle, 0, b"00|A|B|C|D\n") == sftp.OK
            go(client)
        wait_for("the connection to end", lambda: server.metrics()["cais_sftp_connections"] == 0)
        assert "cut.cc5txt" in server.names()
        assert not {f["name"] for f in server.files()} & {"cut.cc5txt"}
        server.sftp("rm /import/cut.cc5txt")


def test_concurrent_clients_write_files_of_their_own(server):
    def work(n):
        with server.raw() as client:
            handle = client.open(f"/import/many{n}.part", sftp.FLAG_WRITE | sftp.FLAG_CREATE | sftp.FLAG_TRUNCATE)
            data = os.urandom(300_000)
            for at in range(0, len(data), 30_000):
                assert client.write(handle, at, data[at:at + 30_000]) == sftp.OK
            assert client.status(sftp.CLOSE, text(handle)) == sftp.OK
            assert client.status(sftp.REMOVE, text(f"/import/many{n}.part")) == sftp.OK
    in_threads(4, work)
