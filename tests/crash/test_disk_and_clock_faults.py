# SPDX-License-Identifier: Apache-2.0
"""Full disks, data directories that cannot be used, and clocks that jump. The server reports each clearly, stores no partial
file, and works again afterwards."""
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from serving import BINARY, CLOCKED, Clock, Server, clean_environment, fsck, multipart, run, wait_for  # noqa: E402

MIB = 1 << 20
HOUR_MS = 3600 * 1000
ROOT = os.geteuid() == 0


# ── a mount namespace, whose mounts end with it


class Namespace:
    """inside: a prefix that runs a command in the namespace. outside(path): the path of the same file from outside."""

    def __init__(self, script):
        user = [] if ROOT else ["--user", "--map-root-user"]
        self.holder = subprocess.Popen(["unshare", *user, "--mount", "sh", "-ec", script + "\necho ready\nread end"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if self.holder.stdout.readline() != b"ready\n":
            why = self.holder.communicate()[1].decode()
            pytest.skip("NOT TESTED: this machine permits no mount namespace (run as root to test it): " + why)
        pid = str(self.holder.pid)
        self.inside = ["nsenter", "-t", pid, *([] if ROOT else ["--user", "--preserve-credentials"]), "--mount", "--"]
        self.view = "/proc/%s/root" % pid

    def outside(self, path):
        return self.view + str(path)

    def close(self):
        self.holder.stdin.close()
        self.holder.wait()
        self.holder.stdout.close()
        self.holder.stderr.close()


class SmallDisk(Namespace):
    def __init__(self, folder, size):
        self.path = folder / "disk"
        self.path.mkdir()
        super().__init__("mount -t tmpfs -o size=%d tmpfs '%s'" % (size, self.path))
        self.data = self.path / "data"
        self.ballast = self.outside(self.path / "ballast")
        self.log = str(folder / "server.log")

    def start(self, *arguments):
        return Server(self.data, *arguments, prefix=self.inside, view=self.view, log=self.log)

    def free(self):
        s = os.statvfs(self.outside(self.path))
        return s.f_bavail * s.f_frsize

    def fill(self, leave):
        """Fill the disk until `leave` bytes are free."""
        with open(self.ballast, "ab") as f:
            with contextlib.suppress(OSError):
                while (n := self.free() - leave) > 0:
                    f.write(bytes(min(n, MIB)))
                    f.flush()

    def make_room(self):
        os.unlink(self.ballast)

    def fsck(self):
        done = run(*self.inside, BINARY, "fsck", "--data", self.data, "--json", check=False)
        assert done.returncode == 0 and json.loads(done.stdout)["clean"], done.stdout + done.stderr

    def blobs(self):
        return sum(len(names) for _, _, names in os.walk(self.outside(self.data / "blobs")))


@pytest.fixture
def small_disk(tmp_path):
    disk = SmallDisk(tmp_path, 48 * MIB)
    yield disk
    disk.close()


def health(server):
    status, answer = server.json("GET", "/health")
    return answer["status"], status


def ask_first(server, path, token, length, kind="application/octet-stream"):
    """Send a head with Expect: 100-continue. Returns the first line of the reply."""
    with socket.create_connection(server.address, timeout=60) as s:
        s.sendall(b"%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n"
                  b"Expect: 100-continue\r\n\r\n" % (path.encode(), token.encode(), kind.encode(), length))
        return s.makefile("rb").readline().decode().strip()


def put_chunks(server, token, chunks):
    """Upload chunks. Returns the first line of the reply, which may come before the last chunk is sent."""
    with socket.create_connection(server.address, timeout=60) as s:
        s.sendall(b"PUT /v1/native/files/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
                  b"Transfer-Encoding: chunked\r\n\r\n" % token.encode())
        with contextlib.suppress(ConnectionError):
            for chunk in [*chunks, b""]:
                s.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        return s.makefile("rb").readline().decode().strip()


def expect_full(server, user, size):
    """Both APIs must refuse a file of this size, each with its own error."""
    data = os.urandom(size)
    status, answer = server.put(user.native, "refused", data)
    assert (status, answer["error"]["code"]) == (507, "no_space"), answer
    status, answer = server.upload(user.token, "refused", data)
    assert (status, answer["error_code"]) == (503, "server_error"), answer


def expect_works(server, user, size):
    data = os.urandom(size)
    status, file = server.put(user.native, "works", data)
    assert status == 201, file
    assert server.get(user.native, "/v1/native/files/" + file["id"]) == (200, data)
    status, answer = server.upload(user.token, "works", data)
    assert (status, answer["md5_hash"]) == (200, hashlib.md5(data).hexdigest()), answer
    return file["id"], data


def test_uploads_are_refused_at_the_reserve_and_other_requests_succeed(small_disk):
    with small_disk.start("--set", "storage.reserve_free_space=8M") as server:
        user = server.user("ana")
        user.token = server.login(user)
        kept = [expect_works(server, user, size) for size in (100, 500000)]
        assert health(server) == ("ok", 200)

        # A declared length that does not fit above the reserve is refused before the body, although smaller files fit.
        small_disk.fill(leave=12 * MIB)
        path = "PUT /v1/native/files/x"
        wait_for("the new free space to be seen", lambda: "507" in ask_first(server, path, user.native, 6 * MIB))
        assert ask_first(server, path, user.native, 1 * MIB).startswith("HTTP/1.1 100")
        kind = multipart("x", b"")[1]
        assert ask_first(server, "POST /v4/files/upload", user.token, 6 * MIB, kind).startswith("HTTP/1.1 503")
        expect_works(server, user, 1000)
        assert health(server) == ("ok", 200)

        # The length of a chunked body is unknown. The upload is refused when it reaches the reserve, and leaves no bytes.
        before = small_disk.blobs()
        assert put_chunks(server, user.native, [bytes(MIB)] * 9).startswith("HTTP/1.1 507")
        wait_for("its bytes to be removed", lambda: small_disk.blobs() == before and small_disk.free() > 8 * MIB)

        small_disk.fill(leave=8 * MIB - 65536)  # so that a single page that becomes free does not matter
        wait_for("/health to report full", lambda: health(server) == ("full", 503))
        for size in (1, 100000):
            expect_full(server, user, size)
        for id_, data in kept:
            assert server.get(user.native, "/v1/native/files/" + id_) == (200, data)
        # Requests that need little space may use the reserve.
        assert server.login(user)
        assert server.json("DELETE", "/v1/native/files/" + kept[0][0], None, user.native)[0] == 204
        assert len(server.json("GET", "/v1/native/files", None, user.native)[1]["files"]) > 0

        small_disk.make_room()
        wait_for("/health to report ok", lambda: health(server) == ("ok", 200))
        expect_works(server, user, 3 * MIB)
        server.stop(errors_expected=True)
    small_disk.fsck()


def test_a_full_disk_stores_no_partial_file_and_freed_space_is_used(small_disk):
    with small_disk.start("--set", "storage.reserve_free_space=0") as server:
        user = server.user("ana")
        user.token = server.login(user)
        kept = [expect_works(server, user, size) for size in (100, 500000)]
        files = len(server.json("GET", "/v1/native/files", None, user.native)[1]["files"])
        blobs = small_disk.blobs()
        os.unlink(small_disk.outside(small_disk.data / "ballast"))  # else the server gives it up, and has room again
        small_disk.fill(leave=0)
        accepted = 0
        for size in (1, 10000, 16385, 300000) * 3:
            data = os.urandom(size)
            status, answer = server.put(user.native, "tight", data)
            if status == 201:  # the WAL file may already have pages for these rows
                accepted += 1
                kept.append((answer["id"], data))
                continue
            assert (status, answer["error"]["code"]) == (507, "no_space"), answer
            status, answer = server.upload(user.token, "tight", data)
            assert status == 503 and answer["error_code"] == "server_error" or status == 200 and size <= 16384, answer
            accepted += status == 200
        wait_for("/health to report full", lambda: health(server) == ("full", 503))
        status, answer = server.json("POST", "/v4/tasks", {"text": "t" * 5000}, user.token)
        assert status == 200 or (status, answer["error_code"]) == (503, "server_error")
        for id_, data in kept:
            assert server.get(user.native, "/v1/native/files/" + id_) == (200, data)
        assert len(server.json("GET", "/v1/native/files", None, user.native)[1]["files"]) == files + accepted
        assert small_disk.blobs() == blobs

        small_disk.make_room()

        def works_again():
            return server.put(user.native, "again", b"x" * 100000)[0] == 201
        wait_for("uploads to work again", works_again)
        kept.append(expect_works(server, user, 3 * MIB))
        server.stop(errors_expected=True)
    small_disk.fsck()


def test_a_backup_on_the_disk_of_the_server_filled_it_up(small_disk):
    """The disk was full when the backup gave up, and then deletions and logins failed, too."""
    def backup(name):
        return run(*small_disk.inside, BINARY, "backup", small_disk.path / name, "--data", small_disk.data, check=False)

    with small_disk.start("--set", "storage.reserve_free_space=8M") as server:
        user = server.user("ana")
        user.token = server.login(user)
        ids = [expect_works(server, user, 500000)[0] for _ in range(10)]
        small_disk.fill(leave=12 * MIB)
        done = backup("too-large")
        assert done.returncode == 1 and "storage.reserve_free_space" in done.stderr, done
        assert small_disk.free() >= 7 * MIB  # the database is copied first
        assert not os.path.exists(small_disk.outside(small_disk.path / "too-large" / "MANIFEST"))
        server.login(user)
        assert server.json("DELETE", "/v1/native/files/" + ids[0], None, user.native)[0] in (200, 204)
        small_disk.make_room()
        done = backup("fits")
        assert done.returncode == 0, done
        server.stop(errors_expected=True)
    small_disk.fsck()


def test_a_server_killed_on_a_full_disk_starts_again(small_disk):
    server = small_disk.start("--set", "storage.reserve_free_space=8M")
    try:
        user = server.user("ana")
        user.token = server.login(user)
        id_, data = expect_works(server, user, 500000)
        small_disk.fill(leave=2 * MIB)
        wait_for("/health to report full", lambda: health(server)[0] == "full")
    finally:
        server.kill()
    with small_disk.start("--set", "storage.reserve_free_space=8M") as server:
        assert health(server) == ("full", 503)
        assert server.get(user.native, "/v1/native/files/" + id_) == (200, data)
        expect_full(server, user, 10)
        small_disk.make_room()
        wait_for("/health to report ok", lambda: health(server)[0] == "ok")
        expect_works(server, user, 100000)
        server.stop(errors_expected=True)
    small_disk.fsck()


def test_a_start_on_a_full_disk_reports_the_reason(small_disk):
    small_disk.fill(leave=0)
    said = refused(small_disk.data, prefix=small_disk.inside)
    assert "No space left" in said and str(small_disk.data) in said


# ── directories that cannot be used


def refused(data, *arguments, code=1, prefix=(), program=BINARY, **more):
    """`cais serve` must exit with this code and print one line, which is returned."""
    done = run(*prefix, program, "serve", "--data", data, "--listen", "127.0.0.1:0", *arguments, check=False, **more)
    assert done.returncode == code, (done.returncode, done.stderr)
    assert done.stderr.startswith("cais serve: ") and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_a_read_only_file_system_is_reported(tmp_path):
    folder = tmp_path / "ro"
    data = folder / "data"
    with Server(data, log=str(tmp_path / "log")) as server:
        server.user("ana")
    namespace = Namespace("mount --bind '%s' '%s'\nmount -o remount,ro,bind '%s'" % (folder, folder, folder))
    try:
        for path in (data, folder / "fresh"):
            said = refused(path, prefix=namespace.inside)
            assert "data directory" in said and str(path) in said and "Read-only file system" in said
        done = run(*namespace.inside, BINARY, "user", "list", "--data", data, check=False)
        assert done.returncode == 1 and "Read-only file system" in done.stderr
    finally:
        namespace.close()
    with Server(data) as server:  # the data directory still works
        assert "ana" in server.cais("user", "list").stdout


@pytest.fixture
def open_folder():
    """A directory that other users can read, with a copy of the program and of the library that is beside it."""
    folder = tempfile.mkdtemp(prefix="cais-other-user-")
    os.chmod(folder, 0o755)
    shutil.copy(BINARY, os.path.join(folder, "cais"))
    library = os.path.join(os.path.dirname(BINARY), "..", "build-duckdb", "libduckdb.so")
    if os.path.exists(library):  # else it is one of the system, or there is none
        os.mkdir(os.path.join(folder, "lib"))
        shutil.copy(library, os.path.join(folder, "lib"))
    yield folder
    shutil.rmtree(folder)


def test_a_directory_of_another_user_is_refused(open_folder):
    data = os.path.join(open_folder, "data")
    os.mkdir(data, 0o700)
    prefix = ()
    if ROOT:
        prefix = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env",
                  "LD_LIBRARY_PATH=" + os.path.join(open_folder, "lib"))
    else:
        os.chmod(data, 0o500)
    program = os.path.join(open_folder, "cais")
    said = refused(data, prefix=prefix, program=program, cwd=open_folder)
    assert "data directory" in said and ("belongs to the user" in said if ROOT else "Permission denied" in said)
    if ROOT:
        os.chmod(data, 0o755)  # readable, but not writable
        assert "belongs to the user" in refused(data, prefix=prefix, program=program, cwd=open_folder)
        assert "Permission denied" in refused(os.path.join(data, "new"), prefix=prefix, program=program,
                                              cwd=open_folder)
    assert os.listdir(data) == []


def test_a_data_path_that_is_not_a_directory_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"text")
    for data in (tmp_path / "file", tmp_path / "file" / "below"):
        said = refused(data)
        assert str(data) in said and ("Not a directory" in said or "is no directory" in said)
    assert (tmp_path / "file").read_bytes() == b"text"


def test_a_directory_in_use_is_refused_and_its_server_goes_on(tmp_path):
    with Server(tmp_path / "data") as server:
        user = server.user("ana")
        user.token = server.login(user)
        said = refused(server.data)
        assert "is used by another cais process" in said and server.data in said
        link = tmp_path / "link"
        link.symlink_to(server.data)
        assert "is used by another cais process" in refused(link)
        expect_works(server, user, 20000)  # the socket and run.json of the first server are still there
        assert server.cais("user", "list").returncode == 0
        assert os.path.exists(os.path.join(server.data, "run.json"))


def make_old_database(path, version):
    """The database of an older version, without records. The migrations are written as SQLite understands them."""
    scripts = sorted((pathlib.Path(__file__).resolve().parents[2] / "src/meta/migrations").glob("*.sql"))
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE schema_version (version BIGINT PRIMARY KEY, name TEXT NOT NULL)")
        for number, script in enumerate(scripts[:version], 1):
            db.executescript(script.read_text(encoding="utf-8"))
            db.execute("INSERT INTO schema_version VALUES (?, ?)", (number, script.stem))
        db.commit()
    return len(scripts)


def migration_lines(server):
    return [line for line in map(json.loads, server.log().splitlines()) if "migrated" in line["msg"]]


def test_a_start_that_migrated_the_database_did_not_say_so(tmp_path):
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    newest = make_old_database(data / "cais.db", 5)
    with Server(data) as server:
        (line,) = migration_lines(server)
        assert line["msg"] == f"migrated the database from version 5 to {newest}" and line["level"] == "info"
        assert (line["from"], line["to"]) == (5, newest)
    with Server(data) as server:  # it is not said again
        assert not migration_lines(server)
    with Server(tmp_path / "new") as server:
        assert not migration_lines(server)


def test_a_database_of_a_newer_version_is_refused_and_not_changed(tmp_path):
    data = tmp_path / "data"
    with Server(data) as server:
        server.user("ana")
    with contextlib.closing(sqlite3.connect(data / "cais.db")) as db:
        db.execute("INSERT INTO schema_version VALUES (999, 'of the future')")
        db.commit()
    before = hashlib.md5((data / "cais.db").read_bytes()).digest()
    assert "version 999" in refused(data)
    done = run(BINARY, "fsck", "--data", data, check=False)
    assert done.returncode == 1 and "version 999" in done.stderr
    assert hashlib.md5((data / "cais.db").read_bytes()).digest() == before


def test_a_file_that_is_not_a_database_is_refused_and_not_changed(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "cais.db").write_bytes(b"this is no database" * 1000)
    said = refused(data)
    assert "database" in said
    assert (data / "cais.db").read_bytes() == b"this is no database" * 1000


def test_wrong_configuration_exits_2(tmp_path):
    for arguments in (["--set", "server.nonsense=1"], ["--set", "storage.reserve_free_space=lots"],
                      ["--config", str(tmp_path / "missing.ini")]):
        refused(tmp_path / "data", *arguments, code=2)
    assert not (tmp_path / "data").exists()


def test_an_address_in_use_is_reported(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        done = run(BINARY, "serve", "--data", tmp_path / "data", "--listen", address, check=False)
    assert done.returncode == 1 and address in done.stderr and "is in use by another program" in done.stderr


# ── clocks


class Later:
    """A server whose clock stands still at the time that the test sets."""

    def __init__(self, tmp_path, *arguments):
        self.clock = Clock(tmp_path / "clock")
        self.now = int(time.time() * 1000)
        self.clock.stand_at(self.now)
        self.arguments = arguments
        self.data = tmp_path / "data"

    def start(self):
        return Server(self.data, *self.arguments, program=CLOCKED, environment=self.clock.environment)

    def at(self, ms):
        self.clock.stand_at(ms)


def profile(server, token):
    status, answer = server.json("GET", "/v4/profile", None, token)
    return status if status == 200 else (status, answer["error_code"])


def test_a_token_expires_exactly_and_stays_expired_when_the_clock_goes_back(tmp_path):
    later = Later(tmp_path)
    with later.start() as server:
        user = server.user("ana")
        token = server.login(user)
        end = later.now + 24 * HOUR_MS
        later.at(end - 1)
        assert profile(server, token) == 200
        later.at(end)
        assert profile(server, token) == (401, "expired_token")
        later.at(later.now - 1000 * 24 * HOUR_MS)
        assert profile(server, token) == (401, "expired_token")
        fresh = server.login(user)
        assert profile(server, fresh) == 200
        data = os.urandom(20000)
        status, file = server.put(user.native, "a", data)
        assert status == 201 and file["created_at"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end / 1000))
        assert server.get(user.native, "/v1/native/files/" + file["id"]) == (200, data)


def test_an_upload_without_a_holder_expires_exactly_and_its_bytes_go_after_the_grace(tmp_path):
    later = Later(tmp_path)
    small, large = os.urandom(100), os.urandom(100000)
    with later.start() as server:
        user = server.user("ana")
        token = server.login(user)
        guids = [server.upload(token, "a", data)[1]["guid"] for data in (small, large, small, large)]
        status, answer = server.task(token, guids[2:])
        assert status == 200
        held = [a["id"] for c in answer["task"]["comments"] for a in c["attachments"]]
        end = later.now + 24 * HOUR_MS
        later.at(end - 1)
        for guid, data in zip(guids, (small, large)):
            assert server.get(token, "/v4/files/download/" + guid) == (200, data)
        later.at(end)
        token = server.login(user)
        for guid in guids[:2]:
            assert server.get(token, "/v4/files/download/" + guid)[0] in (403, 404)
            status, answer = server.task(token, [guid])
            assert (status, answer["error_code"]) == (400, "unrecognized_attachment_id")
        server.stop()

    def blobs():
        return sum(len(names) for _, _, names in os.walk(later.data / "blobs"))
    with later.start() as server:  # its jobs start immediately
        wait_for("the purge to be in the audit log", lambda: server.cais("audit").stdout.count("file.purge") == 2)
        assert blobs() == 2  # the grace period has not passed
        server.stop()
    later.at(end - 48 * HOUR_MS)  # the clock goes back: no file is due, and purged files stay purged
    with later.start() as server:
        token = server.login(user)
        assert server.get(token, "/v4/files/download/" + guids[0])[0] in (403, 404)
        for id_, data in zip(held, (small, large)):
            assert server.get(token, "/v4/files/download/%d" % id_) == (200, data)
        assert blobs() == 2
        server.stop()
    later.at(end + 2 * HOUR_MS)
    with later.start() as server:
        wait_for("the bytes to be removed", lambda: blobs() == 1)
        token = server.login(user)
        for id_, data in zip(held, (small, large)):
            assert server.get(token, "/v4/files/download/%d" % id_) == (200, data)
        server.stop()
    fsck(later.data, program=CLOCKED, env=clean_environment(**later.clock.environment))


def test_jobs_run_again_after_a_clock_that_was_years_ahead_is_corrected(tmp_path):
    later = Later(tmp_path, "--set", "files.purge_grace=1s")
    later.at(later.now + 10 * 365 * 24 * HOUR_MS)
    with later.start() as server:
        wait_for("the jobs to have run", lambda: server.cais("jobs").stdout.count("queued") >= 3)
        server.stop()
    later.at(later.now)
    with later.start() as server:
        user = server.user("ana")
        file = server.put(user.native, "a", os.urandom(100000))[1]
        assert server.json("DELETE", "/v1/native/files/" + file["id"], None, user.native)[0] == 204
        server.stop()
    later.at(later.now + 6 * 60 * 1000)
    with later.start() as server:
        wait_for("the bytes of a deleted file to be removed",
                 lambda: not any(names for _, _, names in os.walk(later.data / "blobs")), seconds=10)
