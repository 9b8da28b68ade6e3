# SPDX-License-Identifier: Apache-2.0
"""A disk that fails, for a server that runs with libcais-faults.so before it (tests/support/faults.c): errors, dropped flushes, torn
writes and delays by kind of file; a disk without room; a file system that is read-only; and a power failure, which leaves what was
flushed."""
import ctypes
import os
import random
import shutil
import struct

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BINARY = os.environ.get("CAIS_BINARY") or os.path.join(ROOT, "build", "cais")
LIBRARY = os.path.join(os.path.dirname(os.path.realpath(BINARY)), "tests", "support", "libcais-faults.so")
ERRORS = {"EIO": 5, "ENOSPC": 28, "EROFS": 30}
SECTOR = 512
LIBC = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, AT_SYMLINK_NOFOLLOW, STATX_INO, STATX_BTIME = -100, 0x100, 0x100, 0x800


def rule(kind, call, action, skip=0, count=0):
    """One rule, as faults.c explains. action: EIO and the like, drop, tear, short, delay=MS. count 0: for ever."""
    return "%s %s %s %d %d" % (kind, call, ERRORS.get(action, action), skip, count)


class Faults:
    """The disk of the data directory `data`, which need not exist yet. Its other files go to `folder`.

    keeps: it keeps what a power failure would leave. Every process that writes to the directory must run with .environment."""

    def __init__(self, folder, data, keeps=False):
        self.data, self.control, self.disk = str(data), os.path.join(str(folder), "faults"), os.path.join(str(folder), "disk")
        os.makedirs(str(folder), exist_ok=True)
        self.environment = {"LD_PRELOAD": LIBRARY, "CAIS_FAULTS": self.control, "CAIS_FAULTS_ROOT": self.data}
        if keeps:
            self.environment["CAIS_FAULTS_DISK"] = self.disk
            self.keep_all()

    def set(self, *lines):
        """These rules instead of all others."""
        with open(self.control + ".new", "w") as f:
            f.write("".join(line + "\n" for line in lines))
        os.rename(self.control + ".new", self.control)

    def heal(self):
        self.set()

    def hits(self):
        """The calls that were hit: {"log write": how many}."""
        counts = {}
        if os.path.exists(self.control + ".hits"):
            with open(self.control + ".hits") as f:
                for line in f.read().splitlines():
                    counts[line] = counts.get(line, 0) + 1
        return counts

    # ── what a power failure leaves

    def keep_all(self):
        """What the data directory holds now counts as flushed. No process may be writing."""
        shutil.rmtree(self.disk, ignore_errors=True)
        os.mkdir(self.disk)
        parent = os.path.dirname(self.data)
        self._keep_folder(parent, [name for name in (os.path.basename(self.data),) if os.path.exists(self.data)])
        for path, folders, files in os.walk(self.data):
            self._keep_folder(path, folders + files)
            for name in files:
                file = os.path.join(path, name)
                if os.path.isfile(file) and not os.path.islink(file):
                    shutil.copyfile(file, self._kept("f", file))

    def _kept(self, type_, path):
        return os.path.join(self.disk, "%s-%s" % (type_, identity(path)))

    def _keep_folder(self, path, names):
        with open(self._kept("d", path), "w") as f:
            for name in names:
                f.write("%s %s\n" % (identity(os.path.join(path, name)), name))

    def cut_power(self, unflushed="lost", rng=None):
        """Replace the data directory by what a power failure leaves of it. No process may be running on it.

        unflushed   "lost": what was not flushed is gone; "names": all names are there, as a journal may write them first; "mixed": of
                    the sectors and the names that were not flushed, each is there or not"""
        live = self.data + ".live"
        os.rename(self.data, live)
        os.mkdir(self.data, 0o700)
        self._restore(live, self.data, (rng or random.Random(0)) if unflushed == "mixed" else None, unflushed == "names")
        shutil.rmtree(live)
        self.keep_all()

    def _restore(self, live, to, rng, all_names):
        """`live` is the folder of the same identity as before the failure."""
        names = {}
        kept = self._kept("d", live)
        if os.path.exists(kept):
            with open(kept) as f:
                for line in f.read().splitlines():
                    id_, _, name = line.partition(" ")
                    names[name] = id_
        here = {name: identity(os.path.join(live, name)) for name in os.listdir(live)}
        if all_names:
            names = here
        for name in sorted(set(names) | set(here)):
            if rng and names.get(name) != here.get(name) and rng.random() < 0.5:
                names[name] = here.get(name)
            if names.get(name):
                self._restore_name(live, name, names[name], to, rng, all_names)

    def _restore_name(self, live, name, id_, to, rng, all_names):
        path, new = os.path.join(live, name), os.path.join(to, name)
        is_here = os.path.lexists(path) and identity(path) == id_
        if is_here and os.path.isdir(path):
            os.mkdir(new, 0o700)
            return self._restore(path, new, rng, all_names)
        if is_here and not os.path.isfile(path) or name.endswith(("-shm", ".sock")):
            return None  # a socket, also one that is gone; the index of the log, which does not count after a restart
        kept = os.path.join(self.disk, "f-" + id_)
        old = b""
        if os.path.exists(kept):
            with open(kept, "rb") as f:
                old = f.read()
        if rng and is_here:
            with open(path, "rb") as f:
                old = mixed(old, f.read(), rng)
        with open(os.open(new, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as f:
            f.write(old)
        return None


def mixed(old, live, rng):
    """The sectors of `live`, of which some never reached the disk."""
    if old == live:
        return old
    size = rng.choice((len(old), len(live)))
    share = rng.choice((0.1, 0.5, 0.9))
    pieces = []
    for at in range(0, size, SECTOR):
        source = live if rng.random() < share else old
        pieces.append(source[at:at + SECTOR].ljust(min(SECTOR, size - at), b"\0")[:size - at])
    return b"".join(pieces)


def identity(path):
    """As id_at of faults.c: the number of the inode and the time at which it was made."""
    buffer = ctypes.create_string_buffer(256)
    if LIBC.statx(AT_FDCWD, os.fsencode(path), AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, buffer):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
    inode, seconds, nanoseconds = struct.unpack_from("<32xQ40xqI", buffer.raw)
    return "%d-%d%09d" % (inode, seconds, nanoseconds)
