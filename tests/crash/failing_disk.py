# SPDX-License-Identifier: Apache-2.0
"""A disk that refuses writes for a moment, with a real file system on it: a file of a FUSE file system that runs in a process of
its own, a loop device over that file, and ext4 with its defaults. Needs root. A copy of the file at any instant is what a power
failure at that instant leaves."""
import contextlib
import ctypes
import errno
import multiprocessing
import os
import pickle
import re
import select
import struct
import subprocess

import pytest

MIB = 1 << 20
SIZE = 128 * MIB
MAX_WRITE = 1 << 20

# The protocol of /dev/fuse (include/uapi/linux/fuse.h), as far as one file in one directory needs it.
LOOKUP, FORGET, GETATTR, OPEN, READ, WRITE, STATFS, RELEASE = 1, 2, 3, 14, 15, 16, 17, 18
FSYNC, FLUSH, INIT, OPENDIR, RELEASEDIR, INTERRUPT, DESTROY, BATCH_FORGET = 20, 25, 26, 27, 29, 36, 38, 42
ROOT_NODE, FILE_NODE = 1, 2
BIG_WRITES, MAX_PAGES, DIRECT_IO = 1 << 5, 1 << 22, 1


def _attributes(node):
    mode, size = (0o040700, 0) if node == ROOT_NODE else (0o100600, SIZE)
    return struct.pack("<6Q10I", node, size, size // 512, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


class _Daemon:
    """Serves the file, whose bytes are in memory, and takes commands from the pipe."""

    def __init__(self, fuse, commands, image):
        self.fuse, self.commands = fuse, commands
        self.bytes = bytearray(image)
        self.spared, self.left, self.refused = [], 0, 0
        self.record = None  # what the disk was asked: (offset, bytes) for a write, None for a flush

    def run(self):
        while True:
            ready = select.select([self.fuse, self.commands], [], [])[0]
            if self.commands in ready and not self.command(*self.commands.recv()):
                return
            if self.fuse in ready:
                try:
                    request = os.read(self.fuse, MAX_WRITE + 4096)
                except OSError as e:
                    if e.errno == errno.ENODEV:  # unmounted
                        return
                    continue
                self.serve(request)

    def command(self, what, argument):
        if what == "refuse":  # the next writes; and which ranges are spared
            self.left, self.spared = argument
        elif what == "copy":
            with open(argument, "wb") as f:
                f.truncate(SIZE)
                for at in range(0, SIZE, MIB):
                    piece = self.bytes[at:at + MIB]
                    if piece.count(0) != len(piece):
                        f.seek(at)
                        f.write(piece)
        elif what == "record":
            self.record = []
        elif what == "save":
            with open(argument, "wb") as f:
                pickle.dump(self.record, f)
        self.commands.send(len(self.record) if what == "position" else self.refused)
        return what != "end"

    def reply(self, unique, body=b"", error=0):
        with contextlib.suppress(FileNotFoundError):  # the caller was interrupted
            os.write(self.fuse, struct.pack("<IiQ", 16 + len(body), -error, unique) + body)

    def serve(self, request):
        _, op, unique, node = struct.unpack_from("<IIQQ", request)
        body = memoryview(request)[40:]
        if op == INIT:
            self.reply(unique, struct.pack("<4I2H2I2H8I", 7, 31, 0, BIG_WRITES | MAX_PAGES, 16, 12, MAX_WRITE, 1,
                                           MAX_WRITE // 4096, 0, *[0] * 8))
        elif op == LOOKUP:
            if bytes(body).rstrip(b"\0") != b"disk":
                return self.reply(unique, error=errno.ENOENT)
            self.reply(unique, struct.pack("<4Q2I", FILE_NODE, 0, 3600, 3600, 0, 0) + _attributes(FILE_NODE))
        elif op == GETATTR:
            self.reply(unique, struct.pack("<QII", 3600, 0, 0) + _attributes(node))
        elif op in (OPEN, OPENDIR):
            self.reply(unique, struct.pack("<QII", 0, DIRECT_IO if op == OPEN else 0, 0))
        elif op == READ:
            _, at, size = struct.unpack_from("<QQI", body)
            self.reply(unique, bytes(self.bytes[at:at + size]))
        elif op == WRITE:
            _, at, size = struct.unpack_from("<QQI", body)
            if self.left and not any(a < at + size and at < b for a, b in self.spared):
                self.left -= 1
                self.refused += 1
                return self.reply(unique, error=errno.EIO)
            self.bytes[at:at + size] = body[40:40 + size]
            if self.record is not None:
                self.record.append((at, bytes(body[40:40 + size])))
            self.reply(unique, struct.pack("<II", size, 0))
        elif op == FSYNC:
            if self.record is not None:
                self.record.append(None)
            self.reply(unique)
        elif op in (FLUSH, RELEASE, RELEASEDIR, DESTROY):
            self.reply(unique)
        elif op == STATFS:
            self.reply(unique, struct.pack("<5Q10I", 0, 0, 0, 0, 0, 4096, 255, 4096, *[0] * 7))
        elif op not in (FORGET, BATCH_FORGET, INTERRUPT):
            self.reply(unique, error=errno.ENOSYS)
        return None


def sh(*command):
    return subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True, timeout=120).stdout


def reason_not_to_run():
    """Why this machine cannot run the tests of this disk; None if it can."""
    if os.geteuid() != 0:
        return "root is needed to mount a file system on a disk that fails"
    for device in ("/dev/fuse", "/dev/loop-control"):
        if not os.path.exists(device):
            return device + " is missing"
    for program in ("/usr/sbin/mkfs.ext4", "/usr/sbin/losetup", "/usr/sbin/debugfs"):
        if not os.path.exists(program):
            return program + " is missing"
    return None


def make_image(folder):
    """Make an empty ext4 with its defaults. Returns (its bytes, the ranges of its journal)."""
    path = os.path.join(str(folder), "empty")
    with open(path, "wb") as f:
        f.truncate(SIZE)
    sh("/usr/sbin/mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", path)
    block = int(re.search(r"Block size:\s+(\d+)", sh("/usr/sbin/debugfs", "-R", "stats -h", path)).group(1))
    extents = re.findall(r"\):(\d+)-(\d+)", sh("/usr/sbin/debugfs", "-R", "stat <8>", path))
    assert extents, "the journal was not found"
    with open(path, "rb") as f:
        return f.read(), [(int(a) * block, (int(b) + 1) * block) for a, b in extents]


@pytest.fixture(scope="module")
def empty_disk(tmp_path_factory):
    return make_image(tmp_path_factory.mktemp("image"))


_REASON = reason_not_to_run()
# The marks of every test on this disk.
MARKS = [
    pytest.mark.proof_only("mounts file systems, as root"),
    pytest.mark.skipif(_REASON is not None, reason="NOT TESTED: %s" % _REASON),
]


class FailingDisk:
    """A new ext4 of these bytes, mounted at .path until close()."""

    def __init__(self, folder, image, journal):
        self.journal, self.loop, self.daemon = journal, None, None
        self.fuse_dir, self.path = os.path.join(str(folder), "fuse"), os.path.join(str(folder), "disk")
        for path in (self.fuse_dir, self.path):
            os.makedirs(path, exist_ok=True)
        fuse = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        libc = ctypes.CDLL(None, use_errno=True)
        options = "fd=%d,rootmode=40000,user_id=0,group_id=0" % fuse
        if libc.mount(b"cais-test", self.fuse_dir.encode(), b"fuse", 6, options.encode()):
            pytest.skip("NOT TESTED: FUSE cannot be mounted here: " + os.strerror(ctypes.get_errno()))
        self.pipe, end = multiprocessing.Pipe()
        self.daemon = multiprocessing.get_context("fork").Process(target=_Daemon(fuse, end, image).run, daemon=True)
        self.daemon.start()
        os.close(fuse)
        try:
            self.loop = sh("/usr/sbin/losetup", "--show", "-f", self.fuse_dir + "/disk").strip()
            sh("mount", "-t", "ext4", self.loop, self.path)
        except subprocess.CalledProcessError as e:
            self.close()
            pytest.skip("NOT TESTED: no loop device can be mounted here: " + e.stderr)

    def ask(self, what, argument=None):
        self.pipe.send((what, argument))
        return self.pipe.recv()

    def refuse(self, writes):
        """Refuse the next writes that do not go to the journal of the file system."""
        self.ask("refuse", (writes, self.journal))

    def refused(self):
        return self.ask("count")

    def record(self):
        """Record every write and every flush from now on."""
        self.ask("record")

    def position(self):
        """How many were recorded so far."""
        return self.ask("position")

    def recorded(self, path):
        """All that was recorded: (offset, bytes) for a write, None for a flush. It passes through the file."""
        self.ask("save", path)
        with open(path, "rb") as f:
            return pickle.load(f)

    def copy(self, path):
        """What a power failure at this instant leaves, if all that was written reached the disk."""
        self.ask("copy", path)

    def close(self):
        for command in (["umount", "-l", self.path], ["/usr/sbin/losetup", "-d", self.loop], ["umount", "-l", self.fuse_dir]):
            if command[-1]:
                subprocess.run(command, check=False, capture_output=True, timeout=120)
        if self.daemon:
            with contextlib.suppress(OSError, EOFError):
                self.ask("end")
            self.daemon.join(10)
            self.daemon.kill()


@contextlib.contextmanager
def mounted(image_path, at):
    """Mount a copy as a machine does that has its power back."""
    os.makedirs(at, exist_ok=True)
    loop = sh("/usr/sbin/losetup", "--show", "-f", image_path).strip()
    try:
        sh("mount", "-t", "ext4", loop, at)
        try:
            yield
        finally:
            sh("umount", at)
    finally:
        subprocess.run(["/usr/sbin/losetup", "-d", loop], check=False)
