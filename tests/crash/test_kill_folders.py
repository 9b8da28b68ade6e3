# SPDX-License-Identifier: Apache-2.0
"""Kills the server while people upload into folders and remove them, and while what is left of a large removed folder is cleaned up.

A reply promises for the time after the next start: what was created is there, a file with the bytes that were sent; what was removed is
not found, with all that was below it. A request without a reply took effect wholly or not at all. The bytes that the course counts are
exactly those of the files that can be found."""
import http.client
import os
import random
import sqlite3
import sys
import threading
import urllib.parse

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import server as plain_server  # noqa: E402
from killing import CLIENTS, EDGES, LARGE, SAMPLE, Place, content, kill_in_the_middle, rounds_of, side_by_side  # noqa: E402
from redu import BOUNDARY, School, content_part, link  # noqa: E402
from rounds import rounds  # noqa: E402
from serving import wait_for  # noqa: E402

FULL_CHECK_EVERY = 25


class Folders:
    """Requests of the tutor of a course to a server."""

    def __init__(self, server, token, connection=None):
        self.server, self.token, self.connection = server, token, connection or server.connect(timeout=30)

    def json(self, method, path, body=None):
        return self.server.json(method, "/api" + path, body, self.token, self.connection)

    def create(self, parent, name):
        return self.json("POST", f"/folders/{parent}/folders", {"folder": {"name": name}})

    def upload(self, folder, name, data):
        body = plain_server.form(content_part(name, data))
        return self.server.ask("POST", f"/api/folders/{folder}/files", body,
                               {"Authorization": "OAuth " + self.token, "Content-Type": BOUNDARY[1]}, self.connection)[0::2]

    def listed(self, folder, kind):
        """{id: record}, or None when the folder is not found."""
        status, records = self.json("GET", f"/folders/{folder}/{kind}")
        assert status in (200, 404), (status, records)
        return {r["id"]: r for r in records} if status == 200 else None

    def read(self, record):
        url = urllib.parse.urlsplit(link(record, "raw"))
        status, _, data = self.server.ask("GET", url.path + "?" + url.query, None, None, self.connection)
        return status, data


def make_school(folder):
    """(the data directory, the school): a course with a tutor."""
    os.makedirs(folder)
    with plain_server.Server(folder) as server:
        return server.data, School(server, ("admin", "tutor"))


def bytes_of_course(data):
    db = sqlite3.connect("file:%s?mode=ro" % os.path.join(data, "cais.db"), uri=True)
    try:
        return db.execute("SELECT SUM(used_bytes) FROM courses").fetchone()[0]
    finally:
        db.close()


# ── uploads and removals


class Tree:
    """What one client made in a folder of its own, as far as the server acknowledged it. Nobody else changes it."""

    def __init__(self, top):
        self.top, self.children, self.files, self.sizes = top, {top: set()}, {top: {}}, {}
        self.gone, self.pending, self.fresh = set(), None, set()

    def below(self, folder):
        found = [folder]
        for at in found:
            found += self.children[at]
        return found

    def remove(self, folder):
        for at in self.below(folder):
            self.gone.add(at)
            self.children.pop(at)
            self.files.pop(at)
        for others in self.children.values():
            others.discard(folder)


class Client(threading.Thread):
    """Sends requests over one connection until the server is killed."""

    def __init__(self, server, token, tree, label, seed):
        super().__init__(daemon=True)
        self.folders, self.tree, self.label = Folders(server, token), tree, label
        self.rng, self.problem, self.begun, self.counts = random.Random(seed), None, threading.Event(), {"uploads": 0, "removals": 0}

    def run(self):
        n = 0
        try:
            while True:
                self.begun.set()
                self.one("%s-%d" % (self.label, n))
                n += 1
        except (OSError, http.client.HTTPException):
            self.begun.set()  # the server was killed
        except BaseException as problem:  # noqa: B902 — kill_in_the_middle raises it
            self.problem = problem
        finally:
            self.folders.connection.close()

    def one(self, name):
        tree, roll = self.tree, self.rng.random()
        folder = self.rng.choice(sorted(tree.children))
        if roll < 0.3:
            tree.pending = ("create", folder, name)
            status, made = self.folders.create(folder, name)
            assert status == 201, (status, made)
            tree.children[folder].add(made["id"])
            tree.children[made["id"]], tree.files[made["id"]] = set(), {}
        elif roll < 0.85 or folder == tree.top:
            size = self.rng.choice(EDGES if roll < 0.8 else LARGE)
            tree.pending, tree.sizes[name] = ("upload", folder, name), size
            status, text = self.folders.upload(folder, name, content(name, size))
            assert status == 201, (status, text)
            id_ = int(text.split(b'"id":')[1].split(b",")[0])
            tree.files[folder][id_] = name
            tree.fresh.add(id_)
            self.counts["uploads"] += 1
        else:
            tree.pending = ("remove", folder, tree.below(folder))
            status, text = self.folders.json("DELETE", f"/folders/{folder}")
            assert status == 204, (status, text)
            tree.remove(folder)
            self.counts["removals"] += 1
        tree.pending = None


def settle_pending(folders, tree):
    """Finds out whether the request without a reply took effect."""
    kind, folder, what = tree.pending or (None, None, None)
    if kind == "create":
        for id_, record in folders.listed(folder, "folders").items():
            if record["name"] == what:
                tree.children[folder].add(id_)
                tree.children[id_], tree.files[id_] = set(), {}
    elif kind == "upload":
        for id_, record in folders.listed(folder, "files").items():
            if record["name"] == what:
                tree.files[folder][id_] = what
                tree.fresh.add(id_)
    elif kind == "remove":
        statuses = {folders.json("GET", f"/folders/{id_}")[0] for id_ in what}
        assert len(statuses) == 1, "a part of a folder was removed"
        if statuses == {404}:
            tree.remove(folder)
    tree.pending = None


def check_tree(folders, tree, rng):
    """Returns the bytes of all files of the tree."""
    settle_pending(folders, tree)
    used, records = 0, {}
    for folder, children in tree.children.items():
        assert set(folders.listed(folder, "folders") or ()) == children, folder
        listed = folders.listed(folder, "files")
        assert listed is not None and {i: r["name"] for i, r in listed.items()} == tree.files[folder], folder
        for record in listed.values():
            assert int(record["byte"]) == tree.sizes[record["name"]]
            used += int(record["byte"])
        records.update(listed)
    sample = set(rng.sample(sorted(records), min(SAMPLE, len(records)))) | tree.fresh & set(records)
    for id_ in sorted(sample):
        name = records[id_]["name"]
        assert folders.read(records[id_]) == (200, content(name, tree.sizes[name])), name
    for id_ in rng.sample(sorted(tree.gone), min(SAMPLE, len(tree.gone))):
        assert folders.json("GET", f"/folders/{id_}")[0] == 404, "folder %d was removed and is back" % id_
    tree.fresh = set()
    return used


def check_all(server, place, token, trees, rng):
    folders = Folders(server, token)
    assert sum(check_tree(folders, tree, rng) for tree in trees) == bytes_of_course(place.data)
    folders.connection.close()


def one_round(place, token, trees, rng, number, totals):
    clients = []

    def prepare(server):
        check_all(server, place, token, trees, rng)
        clients.extend(Client(server, token, tree, "r%d-c%d" % (number, i), rng.random()) for i, tree in enumerate(trees))
        return clients

    place.let_time_pass(number)
    kill_in_the_middle(place, prepare, rng, 0.4)
    for client in clients:
        for what, count in client.counts.items():
            totals[what] += count


def loop(folder, number_of_rounds, seed):
    data, school = make_school(folder)
    place, rng, totals = Place(data), random.Random(seed), {"uploads": 0, "removals": 0}
    token = school.tokens["tutor"]
    with place.start() as server:
        folders = Folders(server, token)
        trees = [Tree(folders.create(school.root, "top %d" % i)[1]["id"]) for i in range(CLIENTS)]
        folders.connection.close()
    rounds_of(place, number_of_rounds, lambda n: one_round(place, token, trees, rng, n, totals), FULL_CHECK_EVERY, seed)
    with place.start() as server:
        check_all(server, place, token, trees, rng)
    place.fsck()
    return totals


@pytest.mark.slow_because("many rounds, each with a start and a kill of a server")
def test_folders_and_their_files_survive_kill_9(tmp_path):
    totals, share = side_by_side(loop, tmp_path, rounds("folder_kills"))
    assert all(t["uploads"] > n and t["removals"] for t, n in zip(totals, share)), totals


# ── what is left of a large folder

FOLDERS, FILES, MAKERS = 3000, 300, 8


def fill(server, token, parent):
    """Makes FOLDERS folders below the parent, a tenth of which have a file. Returns the ids of some of them, and of the files."""
    def make(number):
        folders, below = Folders(server, token), [parent]
        for i in range(FOLDERS // MAKERS):
            below.append(folders.create(below[i * 7 // 8], "%d-%d" % (number, i))[1]["id"])
            if i % (FOLDERS // FILES) == 0:
                assert folders.upload(below[-1], "f", content("%d-%d" % (number, i), 20000 if i % 3 else 100))[0] == 201
        folders.connection.close()
        return below[-1]
    return plain_server.in_threads(MAKERS, make)


class Remnants:
    def __init__(self, data):
        self.db = sqlite3.connect("file:%s?mode=ro" % os.path.join(data, "cais.db"), uri=True, isolation_level=None)

    def count(self):
        return sum(self.db.execute("SELECT COUNT(*) FROM " + table).fetchone()[0] for table in ("folders", "folder_files"))


@pytest.mark.slow_because("makes thousands of folders, then kills the server until nothing of them is left")
def test_a_large_folder_that_was_removed_stays_removed_after_kills(tmp_path):
    data, school = make_school(str(tmp_path / "school"))
    place, token = Place(data), school.tokens["tutor"]
    with place.start() as server:
        folders = Folders(server, token)
        kept = folders.create(school.root, "kept")[1]["id"]
        assert folders.upload(kept, "kept.bin", content("kept.bin", 50000))[0] == 201
        large = folders.create(school.root, "large")[1]["id"]
        some = fill(server, token, large)
        assert folders.json("DELETE", f"/folders/{large}")[0] == 204
        server.kill()
    remnants, kills = Remnants(data), 0
    left = remnants.count()
    assert left > FOLDERS
    while left > 3 and kills < rounds("running_job_kills") + 2:
        place.clock.set_ahead(place.clock.ahead_ms + 120000)  # the job is due again
        with place.start() as server:
            folders = Folders(server, token)
            for id_ in (large, *some):
                assert folders.json("GET", f"/folders/{id_}")[0] == 404
                assert folders.create(id_, "late")[0] == 404
            assert [r["name"] for r in folders.listed(school.root, "folders").values()] == ["kept"]
            record, = folders.listed(kept, "files").values()
            assert folders.read(record) == (200, content("kept.bin", 50000))
            folders.connection.close()
            before = left
            wait_for("a part to be removed", lambda: remnants.count() < before)
            server.kill()
        kills += 1
        left = remnants.count()
        assert bytes_of_course(data) == 50000
        place.fsck("--quick")
    assert kills > 1, "the server was not killed in the middle"
    place.clock.set_ahead(place.clock.ahead_ms + 3600000)
    with place.start() as server:
        wait_for("all of it to be removed", lambda: remnants.count() == 3)  # but the root, the folder that was kept, and its file
        server.stop()
    place.clock.set_ahead(place.clock.ahead_ms + 3600000)
    with place.start() as server:
        blobs = os.path.join(data, "blobs")
        wait_for("the bytes to be removed", lambda: sum(len(names) for _, _, names in os.walk(blobs)) <= 1)
        server.stop()
    place.fsck()
