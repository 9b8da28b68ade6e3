# SPDX-License-Identifier: Apache-2.0
"""A server with an SFTP listener, and clients of it: OpenSSH's, and one that sends any bytes over a connection that has logged in."""
import os
import socket
import struct
import subprocess

import paramiko
from server import TIMEOUT_S, Server

INIT, VERSION, OPEN, CLOSE, READ, WRITE, LSTAT, FSTAT, SETSTAT, FSETSTAT, OPENDIR, READDIR = range(1, 13)
REMOVE, MKDIR, RMDIR, REALPATH, STAT, RENAME, READLINK, SYMLINK = range(13, 21)
STATUS, HANDLE, DATA, NAME, ATTRS, EXTENDED, EXTENDED_REPLY = 101, 102, 103, 104, 105, 200, 201
OK, EOF, NO_SUCH_FILE, PERMISSION_DENIED, FAILURE, BAD_MESSAGE, OP_UNSUPPORTED = 0, 1, 2, 3, 4, 5, 8
FLAG_READ, FLAG_WRITE, FLAG_APPEND, FLAG_CREATE, FLAG_TRUNCATE, FLAG_EXCLUSIVE = 1, 2, 4, 8, 16, 32


def u32(value):
    return struct.pack(">I", value)


def u64(value):
    return struct.pack(">Q", value)


def text(value):
    value = value.encode() if isinstance(value, str) else value
    return u32(len(value)) + value


def make_key(folder, kind="ed25519", name="id", bits=None):
    """A key pair in OpenSSH's form. Returns the path of the private key."""
    path = os.path.join(str(folder), name)
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "test", "-f", path, *(["-b", str(bits)] if bits else [])],
                   check=True, stdin=subprocess.DEVNULL)
    return path


class SftpServer(Server):
    """A server with the workspace W, its bucket B, and a user whose public key works there."""

    def __init__(self, folder, *sets, **more):
        super().__init__(folder, "--sftp-listen", "127.0.0.1:0", sets=sets, **more)
        if more.get("start", True):
            self.prepare()

    def prepare(self):
        self.cais("workspace", "add", "W")
        self.cais("bucket", "add", "B", "--workspace", "W")
        self.login = self.user("ana")
        self.key_path = make_key(self.folder)
        self.key_id = self.add_key(self.login, self.key_path)
        self.known_hosts = os.path.join(self.folder, "known_hosts")

    def add_key(self, login, path, *more, role="uploader"):
        made = self.key(login, "sftp", "--public-key", path + ".pub", "--role", role, "--workspace", "W", "--bucket", "B", *more)
        return made["id"]

    def port(self):
        return self.address("sftp_listen")[1]

    def ssh_options(self, key=None):
        return ["-oPort=%d" % self.port(), "-oIdentityFile=" + (key or self.key_path), "-oIdentitiesOnly=yes", "-oBatchMode=yes",
                "-oUserKnownHostsFile=" + self.known_hosts, "-oStrictHostKeyChecking=accept-new", "-oGlobalKnownHostsFile=/dev/null",
                "-F/dev/null"]

    def sftp(self, *commands, check=True, options=(), login=None, key=None):
        """Run OpenSSH's sftp with a batch of commands."""
        done = subprocess.run(["sftp", *self.ssh_options(key), *options, "-b", "-", f"{login or self.login}@127.0.0.1"],
                              input="\n".join(commands) + "\n", capture_output=True, text=True, timeout=120)
        assert not check or done.returncode == 0, (commands, done.stdout, done.stderr)
        return done

    def names(self, folder="/import"):
        listed = self.sftp(f"ls -1 {folder}").stdout.splitlines()
        return sorted(os.path.basename(line.strip()) for line in listed if not line.startswith("sftp>"))

    def transport(self, login=None, key=None):
        """A connection that has logged in."""
        made = paramiko.Transport(socket.create_connection(("127.0.0.1", self.port()), timeout=TIMEOUT_S))
        made.start_client(timeout=TIMEOUT_S)
        if login is not False:
            made.auth_publickey(login or self.login, paramiko.Ed25519Key.from_private_key_file(key or self.key_path))
        return made

    def raw(self, **more):
        return Raw(self.transport(**more))


class Raw:
    """An SFTP session that sends what it is told to."""

    def __init__(self, transport, init=True):
        self.transport = transport
        self.channel = transport.open_session(timeout=TIMEOUT_S)
        self.channel.settimeout(TIMEOUT_S)
        self.channel.invoke_subsystem("sftp")
        self.ids = 0
        if init:
            self.send(bytes([INIT]) + u32(3))
            self.version = self.receive()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.transport.close()

    def send(self, packet):
        self.channel.sendall(text(packet))

    def _exactly(self, n):
        parts = b""
        while len(parts) < n:
            got = self.channel.recv(n - len(parts))
            if not got:
                raise EOFError
            parts += got
        return parts

    def receive(self):
        return self._exactly(struct.unpack(">I", self._exactly(4))[0])

    def ask(self, kind, fields=b""):
        """Send a request. Returns (type of the reply, its fields)."""
        self.ids += 1
        self.send(bytes([kind]) + u32(self.ids) + fields)
        reply = self.receive()
        assert struct.unpack(">I", reply[1:5])[0] == self.ids
        return reply[0], reply[5:]

    def status(self, kind, fields=b""):
        """Send a request that is replied to with a status. Returns its code."""
        got, rest = self.ask(kind, fields)
        assert got == STATUS, (got, rest)
        return struct.unpack(">I", rest[:4])[0]

    def open(self, path, flags):
        """The handle."""
        got, rest = self.ask(OPEN, text(path) + u32(flags) + u32(0))
        assert got == HANDLE, rest
        return rest[4:]

    def write(self, handle, offset, data):
        return self.status(WRITE, text(handle) + u64(offset) + text(data))

    def is_ended(self):
        """Wait until the server ends the session."""
        try:
            while self.channel.recv(65536):
                pass
            return True
        except socket.timeout:
            return False
