# SPDX-License-Identifier: Apache-2.0
"""cais salvage: what comes out of a damaged data directory, what the list says, and that nothing in the data directory is changed."""
import base64
import fcntl
import hashlib
import json
import os
import socket
import sqlite3
import struct
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from serving import BINARY, Server, clean_environment, fsck, run  # noqa: E402
from test_open_uploads import Sender  # noqa: E402
from test_damaged_store import FAILING, FRAME, HEADER, flip_bit, frames_of_log  # noqa: E402

LARGE = 50000


def snapshot(data):
    """Every name in the data directory, with what a change of any kind would change."""
    found = {}
    for folder, folders, names in os.walk(data):
        for name in folders + names:
            path = os.path.join(folder, name)
            st = os.lstat(path)
            content = open(path, "rb").read() if os.path.isfile(path) and not os.path.islink(path) else b""
            found[os.path.relpath(path, data)] = (st.st_mode, st.st_mtime_ns, hashlib.md5(content).digest())
    return found


class Salvaged:
    def __init__(self, data, out, expected_exit):
        before = snapshot(data)
        self.done = run(BINARY, "salvage", out, "--data", data, check=False)
        assert self.done.returncode == expected_exit, (self.done.stdout, self.done.stderr)
        assert snapshot(data) == before
        assert [name for name in os.listdir(out.parent) if ".database-" in name] == []
        self.out = out
        self.lines = [json.loads(line) for line in (out / "list.jsonl").read_text().split("\n")[:-1]]
        on_disk = {os.path.relpath(os.path.join(folder, name), out) for folder, _, names in os.walk(out) for name in names}
        assert on_disk == {"list.jsonl"} | {line["path"] for line in self.lines if "path" in line}

    def of_kind(self, kind):
        return [line for line in self.lines if line["kind"] == kind]

    def content(self, line):
        return (self.out / line["path"]).read_bytes()

    def files(self):
        """{id: bytes} of the files that are out with the bytes that were stored."""
        found = {line["id"]: self.content(line) for line in self.of_kind("file") if line["matched"]}
        for line in self.of_kind("file"):
            if line["matched"]:
                assert hashlib.md5(found[line["id"]]).hexdigest() == line["md5"] and len(found[line["id"]]) == line["size"]
        return found


def fill(server, user, count=100):
    """Acknowledged files, small ones in the database and large ones in blobs: {id: bytes}."""
    files = {}
    for i in range(count):
        content = os.urandom(LARGE if i % 3 == 0 else 2000)
        status, file = server.put(user.native, "file %d.txt" % i, content)
        assert status == 201
        files[file["id"]] = content
    return files


@pytest.fixture
def store(tmp_path):
    data = tmp_path / "data"
    with Server(data) as server:
        user = server.user("ana")
        files = fill(server, user)
    return data, files


def leaf_pages(data, table):
    with sqlite3.connect(data / "cais.db") as db:
        pages = [row[0] for row in db.execute("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path", (table,))]
    db.close()
    for name in ("cais.db-wal", "cais.db-shm"):
        (data / name).unlink(missing_ok=True)
    return pages


def damage_page(data, page):
    with open(data / "cais.db", "r+b") as f:
        f.seek((page - 1) * 4096)
        f.write(b"\xff" * 4096)


def test_everything_comes_out_of_a_whole_store(store, tmp_path):
    data, files = store
    salvaged = Salvaged(data, tmp_path / "out", 0)
    assert salvaged.files() == files
    for line in salvaged.of_kind("file"):
        assert (line["owner"], line["account"], line["state"], line["holders"]) == ("ana", "default", "ready", [])
        assert ("blob" in line) == (line["size"] == LARGE)
        assert line["path"].startswith("files/file ") and line["path"].endswith(".txt")
    assert "%d files" % len(files) in salvaged.done.stdout and "problems" not in salvaged.done.stdout
    assert {line["kind"] for line in salvaged.lines} == {"file"}


def test_names_are_made_safe_and_unique(tmp_path):
    data = tmp_path / "data"
    names = ["../../etc/passwd", "a/b.txt", ".hidden", "same.pdf", "same.pdf", "same.pdf", "ü" * 120 + ".txt", "bell\u0007\u0085.txt",
             "back\\slash"]
    with Server(data) as server:
        user = server.user("ana")
        with_name = {}
        for name in names:
            status, file = server.put(user.native, "x", name.encode())
            assert status == 201
            with_name[file["id"]] = name
    with sqlite3.connect(data / "cais.db") as db:  # names as no API takes them
        for id_, name in with_name.items():
            db.execute("UPDATE files SET name = ? WHERE uuid = ?", (name, bytes.fromhex(id_.replace("-", ""))))
    db.close()
    salvaged = Salvaged(data, tmp_path / "out", 0)
    files = {line["id"]: line for line in salvaged.of_kind("file")}
    assert {id_: salvaged.content(line).decode() for id_, line in files.items()} == with_name
    for id_, line in files.items():
        name = line["path"][len("files/"):]
        assert line["name"] == with_name[id_]
        assert "/" not in name and not name.startswith(".") and len(name.encode()) <= 255 and name.isprintable()
    assert sorted(line["path"] for line in files.values() if line["name"] == "same.pdf")[0].startswith("files/same")
    assert all(line["path"].endswith(".txt") for line in files.values() if "ü" in line["name"])


def test_without_a_database_the_blobs_come_out(store, tmp_path):
    data, files = store
    for name in os.listdir(data):
        if name.startswith("cais.db"):
            (data / name).unlink()
    salvaged = Salvaged(data, tmp_path / "out", 1)
    blobs = salvaged.of_kind("blob")
    assert {salvaged.content(line) for line in blobs} == {c for c in files.values() if len(c) == LARGE}
    assert all(line["path"] == "unnamed/" + line["blob"] for line in blobs)
    assert [line["what"] for line in salvaged.of_kind("problem")] == ["database"]


def test_a_database_that_is_none_is_named_and_the_blobs_come_out(store, tmp_path):
    data, files = store
    (data / "cais.db").write_bytes(os.urandom(100000))
    done = run(BINARY, "serve", "--listen", "127.0.0.1:0", "--data", data, check=False)
    assert done.returncode == 1 and "cais salvage" in done.stderr
    salvaged = Salvaged(data, tmp_path / "out", 1)
    assert len(salvaged.of_kind("blob")) == sum(len(c) == LARGE for c in files.values())
    assert "is no database" in salvaged.of_kind("problem")[0]["reason"]


@pytest.mark.parametrize("table", ["files", "objects", "users", "holds", "entries"])
def test_each_damaged_page_costs_only_what_is_in_it(store, tmp_path, table):
    data, files = store
    pages = leaf_pages(data, table)
    whole, lost = (data / "cais.db").read_bytes(), set()
    for number, page in enumerate(pages[:4]):
        damage_page(data, page)
        salvaged = Salvaged(data, tmp_path / ("out%d" % number), 1)
        assert salvaged.of_kind("problem")
        out = salvaged.files()
        assert not lost & (set(files) - set(out))  # what was lost with another page is out: rows behind a gap are read
        lost |= set(files) - set(out)
        assert all(files[id_] == content for id_, content in out.items())
        everything = set(out.values()) | {salvaged.content(line) for line in salvaged.lines if "path" in line}
        if table == "objects":  # small files are in the page; large ones are found by their MD5
            assert {id_ for id_, c in files.items() if len(c) == LARGE} <= set(out)
        else:  # without the row of the file, its bytes are there without a name
            assert everything == set(files.values())
        if table in ("users", "holds", "entries"):
            assert out == files
        (data / "cais.db").write_bytes(whole)


def test_d6_what_stands_behind_a_flipped_bit_in_the_log_comes_out(tmp_path):
    data = tmp_path / "data"
    with Server(data) as server:
        files = fill(server, server.user("ana"), 60)
        server.kill()
    whole, frames = (data / "cais.db-wal").read_bytes(), frames_of_log(data)
    for number, part in enumerate((4, 3, 2)):
        (data / "cais.db-wal").write_bytes(whole)
        flip_bit(data / "cais.db-wal", HEADER + frames // part * FRAME + 24 + 1234)
        salvaged = Salvaged(data, tmp_path / ("out%d" % number), 1)
        out = salvaged.files()
        assert all(files[id_] == content for id_, content in out.items())
        assert len(out) >= len(files) - 5, len(out)
        assert any("write-ahead log" in line["reason"] for line in salvaged.of_kind("problem"))


def test_bytes_that_are_not_those_that_were_stored_come_out_and_are_named(store, tmp_path):
    data, files = store
    blobs = sorted(path for path in (data / "blobs").glob("*/*") if path.is_file())
    flip_bit(blobs[0], 777)
    with open(blobs[1], "r+b") as f:
        f.truncate(1000)
    blobs[2].unlink()
    blobs[3].unlink()
    blobs[3].symlink_to("/etc/passwd")
    salvaged = Salvaged(data, tmp_path / "out", 1)
    wrong = {line["blob"]: line for line in salvaged.of_kind("file") if not line["matched"]}
    assert set(wrong) == {path.name for path in blobs[:4]}
    assert all(line["reason"] and line["name"] and line["owner"] == "ana" for line in wrong.values())
    assert [("path" in wrong[path.name]) for path in blobs[:4]] == [True, True, False, False]
    assert "symbolic link" in wrong[blobs[3].name]["reason"]
    assert len(salvaged.files()) == len(files) - 4


def test_unfinished_uploads_objects_without_a_name_and_tables_come_out(store, tmp_path):
    data, files = store
    begun = os.urandom(70000)
    with Server(data) as server:
        user = server.user("bea")
        sender = Sender(server, user.native)
        path = sender.create(200000, **{"Upload-Metadata": "filename " + base64.b64encode(b"film.mp4").decode()})
        assert sender.patch(path, 0, begun).status == 204
        gone = next(id_ for id_, content in files.items() if len(content) == LARGE)
    with sqlite3.connect(data / "cais.db") as db:
        db.execute("DELETE FROM files WHERE uuid = ?", (bytes.fromhex(gone.replace("-", "")),))
    db.close()
    for folder in ("datasets", "records"):
        (data / folder).mkdir(exist_ok=True)
        (data / folder / "7.table").write_bytes(folder.encode())
        (data / folder / "link").symlink_to("/etc/passwd")
    salvaged = Salvaged(data, tmp_path / "out", 1)  # a link is no table
    unfinished, = salvaged.of_kind("unfinished")
    assert (unfinished["name"], unfinished["owner"], unfinished["acknowledged"]) == ("film.mp4", "bea", len(begun))
    assert salvaged.content(unfinished) == begun and unfinished["path"] == "unfinished/film.mp4"
    left, = salvaged.of_kind("object")
    assert salvaged.content(left) == files.pop(gone) and left["path"] == "unnamed/object-%d" % left["object"]
    assert {line["path"]: salvaged.content(line) for line in salvaged.of_kind("table")} == {
        "datasets/7.table": b"datasets", "records/7.table": b"records"}
    assert [line["what"] for line in salvaged.of_kind("problem")] == ["link", "link"]
    assert salvaged.files() == files


def test_composites_and_entries_come_out(tmp_path):
    data = tmp_path / "data"
    parts = [os.urandom(5 << 20), os.urandom(100000), b"the end"]
    with Server(data) as server:
        files = fill(server, server.user("ana"), 3)
    with sqlite3.connect(data / "cais.db") as db:
        owner, = db.execute("SELECT id FROM users WHERE login = 'ana'").fetchone()
        account, = db.execute("SELECT account_id FROM users WHERE login = 'ana'").fetchone()
        db.execute("INSERT INTO buckets (account_id, owner_id, name, kind, created_at_ms) VALUES (?, ?, 'photos', 0, 0)", (account, owner))
        bucket, = db.execute("SELECT id FROM buckets WHERE name = 'photos'").fetchone()
        ids, md5s = [], b""
        for number, part in enumerate(parts):
            id_ = 1000000 + number
            key, inline = ("%02xpart" % number, None) if len(part) > 16384 else (None, part)
            if key:
                (data / "blobs" / key[:2] / key).write_bytes(part)
            md5s += hashlib.md5(part).digest()
            db.execute("INSERT INTO objects (id, account_id, size_bytes, md5, created_at_ms, blob_key, inline_bytes) VALUES (?, ?, ?, ?, 0, ?, ?)",
                       (id_, account, len(part), hashlib.md5(part).digest(), key, inline))
            ids.append(id_)
        whole = hashlib.md5(md5s).digest()
        size = sum(map(len, parts))
        db.execute("INSERT INTO objects (id, account_id, size_bytes, md5, created_at_ms, inline_bytes, part_count) VALUES (2000000, ?, ?, ?, 0, x'', ?)",
                   (account, size, whole, len(parts)))
        at = 0
        for number, (id_, part) in enumerate(zip(ids, parts), 1):
            db.execute("INSERT INTO object_parts (object_id, number, part_id, part_offset) VALUES (2000000, ?, ?, ?)", (number, id_, at))
            at += len(part)
        db.execute("INSERT INTO entries (bucket_id, key, owner_id, object_id, size_bytes, md5, part_count, checksum_kind, checksum_form,"
                   " modified_at_ms, checksum, upload, headers, tags) VALUES (?, '2026/a.jpg', ?, 2000000, ?, ?, ?, 0, 0, 0, x'', '', '', '')",
                   (bucket, owner, size, whole, len(parts)))
    db.close()
    salvaged = Salvaged(data, tmp_path / "out", 0)
    entry, = salvaged.of_kind("entry")
    assert (entry["bucket"], entry["name"], entry["path"], entry["parts"]) == ("photos", "2026/a.jpg", "buckets/photos/2026_a.jpg", 3)
    assert salvaged.content(entry) == b"".join(parts) and entry["matched"]
    assert salvaged.files() == files and {line["kind"] for line in salvaged.lines} == {"file", "entry"}
    flip_bit(data / "blobs" / "01" / "01part", 5)
    entry, = Salvaged(data, tmp_path / "again", 1).of_kind("entry")
    assert not entry["matched"] and "part 2" in entry["reason"]


def test_the_folder_must_be_new_or_empty_and_apart_from_the_data(store, tmp_path):
    data, files = store
    full, link, target = tmp_path / "full", tmp_path / "link", tmp_path / "target"
    full.mkdir()
    (full / "x").touch()
    target.mkdir()
    link.symlink_to(target)
    before = snapshot(data)
    for out, word in ((full, "not empty"), (link, "no folder"), (data / "out", "inside"), (data, "inside"), (tmp_path / "none" / "out", "")):
        done = run(BINARY, "salvage", out, "--data", data, check=False)
        assert done.returncode == 1 and word in done.stderr, (out, done.stderr)
    assert os.listdir(target) == [] and os.listdir(full) == ["x"] and snapshot(data) == before
    (tmp_path / "empty").mkdir()
    assert Salvaged(data, tmp_path / "empty", 0).files() == files
    done = run(BINARY, "salvage", tmp_path / "other", "--data", tmp_path / "nothing", check=False)
    assert done.returncode == 1 and not (tmp_path / "nothing").exists()


def test_a_server_and_a_salvage_keep_each_other_off(store, tmp_path):
    data, _ = store
    with Server(data):
        done = run(BINARY, "salvage", tmp_path / "out", "--data", data, check=False)
        assert done.returncode == 1 and "cais backup" in done.stderr and not (tmp_path / "out").exists()
    with open(data / "lock", "rb") as lock:  # as a salvage does
        fcntl.fcntl(lock, 37, struct.pack("hhqqi4x", fcntl.F_RDLCK, 0, 0, 0, 0))  # F_OFD_SETLK
        assert Salvaged(data, tmp_path / "out", 0)
        done = run(BINARY, "serve", "--listen", "127.0.0.1:0", "--data", data, check=False)
        assert done.returncode == 1 and "another cais process" in done.stderr


@pytest.mark.parametrize("unflushed", ["/out", "/out/list.jsonl"])
def test_success_is_reported_only_after_a_flush(store, tmp_path, unflushed):
    data, _ = store
    (tmp_path / "order").write_text(unflushed)
    done = run(FAILING, "salvage", tmp_path / "out", "--data", data, check=False,
               env=clean_environment(CAIS_TEST_FAIL_FLUSH=str(tmp_path / "order")))
    assert done.returncode == 1 and "Input/output error" in done.stderr and not done.stdout
    assert not (tmp_path / "order").exists()


def test_d5_fsck_names_each_damage_and_goes_on(store):
    data, files = store
    blobs = sorted(path for path in (data / "blobs").glob("*/*") if path.is_file())
    blobs[0].unlink()
    blobs[0].mkdir()
    blobs[1].unlink()
    with socket.socket(socket.AF_UNIX) as s:
        folder = os.open(blobs[1].parent, os.O_RDONLY)
        s.bind("/proc/self/fd/%d/%s" % (folder, blobs[1].name))
        os.close(folder)
    flip_bit(blobs[2], 100)
    blobs[3].unlink()
    report = fsck(data, check=False)
    found = {(f["what"], path.name) for f in report["findings"] for path in blobs[:4] if path.name in f["detail"]}
    assert found == {("bytes cannot be read", blobs[0].name), ("bytes cannot be read", blobs[1].name),
                     ("digest differs", blobs[2].name), ("bytes missing", blobs[3].name)}
    assert report["errors"] == 4 and not report["clean"]
    for finding in report["findings"]:
        assert '"file ' in finding["detail"] and "of ana" in finding["detail"] and "file:" in finding["detail"], finding
        assert any("file:" + id_ in finding["detail"] for id_ in files)


@pytest.mark.parametrize("table", ["files", "objects", "users"])
def test_d5_fsck_of_a_damaged_database_says_what_is_damaged_and_what_can_be_saved(store, table):
    data, files = store
    page = leaf_pages(data, table)[-1]
    index = leaf_pages(data, "files_owner")[-1]
    with sqlite3.connect(data / "cais.db") as db:  # this would be repaired in a whole database
        db.execute("UPDATE accounts SET used_bytes = used_bytes + 1")
    db.close()
    damage_page(data, page)
    damage_page(data, index)
    blobs = sum(len(names) for _, _, names in os.walk(data / "blobs"))
    done = run(BINARY, "fsck", "--repair", "--force", "--data", data, "--json", check=False)
    assert done.returncode == 1
    if table == "users":  # the server's own user is in that page: no command starts
        assert "is damaged" in done.stderr and "cais salvage" in done.stderr
        return
    report = json.loads(done.stdout)
    details = [f["detail"] for f in report["findings"] if f["what"] == "the database is damaged"]
    for damaged in (page, index):
        assert any("age %d:" % damaged in detail for detail in details), (page, index, details)
    saved = {f["subject"][len("file:"):]: f["detail"] for f in report["findings"] if f["what"] == "can be saved"}
    assert set(saved) <= set(files) and (table == "files" or set(saved) == set(files))
    assert all('"file ' in detail and "of ana" in detail for detail in saved.values())
    assert (table == "files") == any(f["what"] == "rows cannot be read" for f in report["findings"])
    assert report["repaired"] == 0 and sum(len(names) for _, _, names in os.walk(data / "blobs")) == blobs


def test_a_start_that_found_damage_after_the_stores_were_open_gave_no_advice(store):
    """The APIs look for their buckets when the stores are open already."""
    data, _ = store
    for page in leaf_pages(data, "sqlite_autoindex_buckets_1"):
        damage_page(data, page)
    done = run(BINARY, "serve", "--data", data, "--listen", "127.0.0.1:0", check=False)
    assert done.returncode == 1 and "cais salvage" in done.stderr, done.stderr
