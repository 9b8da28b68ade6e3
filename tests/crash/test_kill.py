# SPDX-License-Identifier: Apache-2.0
"""Kills the server at random times and checks that every acknowledged change is still there, byte for byte.

Each round starts a server on the same directory, checks the changes that earlier rounds acknowledged, lets several clients
upload, attach and delete at the same time, and sends SIGKILL at a random time. Then fsck checks the store. Every 25 rounds,
and at the end, fsck reads every byte and removes the orphans that interrupted uploads left. In every other round the clock
moves six hours ahead, so that the jobs that remove deleted bytes and orphans run from the start and are killed, too.

What a reply promises for the time after the next start:

    201/200 for an upload      the file has the same bytes, length and MD5
    200 for a task or comment  the attachment is on the task and has the same bytes
    204 or {"deleted": true}   the file or task stays deleted
    an access token            the token is still valid
    no reply                   the change is complete, or did not happen
"""
import hashlib
import http.client
import os
import random
import sys
import threading

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from killing import CLIENTS, EDGES, LARGE, SAMPLE, Place, content, kill_in_the_middle, rounds_of, side_by_side  # noqa: E402
from rounds import rounds  # noqa: E402

FULL_CHECK_EVERY = 25
SETTINGS = ("--set", "pyrus.rate_limit=0", "--set", "pyrus.tokens_per_user=100000", "--set", "pyrus.purge_after=365d",
            "--set", "pyrus.token_lifetime=365d")


class Acknowledged:
    """The changes that the server has acknowledged to the clients of one loop. PRESENT and GONE are acknowledged states; UNSURE
    means that a delete got no reply."""
    PRESENT, UNSURE, GONE = "present", "unsure", "gone"

    def __init__(self):
        self.lock = threading.Lock()
        self.sent = {}    # name → size, of every upload that began
        self.files = {}   # id → [name, state]
        self.references = {}  # number of the attachment → [task, name, state]
        self.tasks = {}   # number → state
        self.fresh = []   # changes since the last kill: ("file", id) …
        self.tokens = []
        self.counts = {"uploads": 0, "attachments": 0, "deletes": 0}

    def begin(self, name, size):
        with self.lock:
            self.sent[name] = size

    def file(self, id_, name):
        with self.lock:
            self.files[id_] = [name, self.PRESENT]
            self.fresh.append(("file", id_))
            self.counts["uploads"] += 1

    def task(self, number, references):
        """references: (number, name) of every attachment in the reply."""
        with self.lock:
            self.tasks.setdefault(number, self.PRESENT)
            self.fresh.append(("task", number))
            for id_, name in references:
                if id_ not in self.references:
                    self.references[id_] = [number, name, self.PRESENT]
                    self.fresh.append(("reference", id_))
                    self.counts["attachments"] += 1

    def deleting(self, what, key):
        """Call it before a delete is sent, and deleted() when it was acknowledged."""
        with self.lock:
            if what == "file":
                self.files[key][1] = self.UNSURE
            else:
                self.tasks[key] = self.UNSURE
                for reference in self.references.values():
                    if reference[0] == key:
                        reference[2] = self.UNSURE
            self.fresh.append((what, key))

    def deleted(self, what, key):
        with self.lock:
            self.counts["deletes"] += 1
            if what == "file":
                self.files[key][1] = self.GONE
            else:
                self.tasks[key] = self.GONE
                for id_, reference in self.references.items():
                    if reference[0] == key:
                        reference[2] = self.GONE
                        self.fresh.append(("reference", id_))


class Client(threading.Thread):
    """A client that sends requests over one connection until the server is killed."""

    def __init__(self, server, acked, user, label, seed):
        super().__init__(daemon=True)
        self.server, self.acked, self.user, self.label = server, acked, user, label
        self.rng, self.problem, self.begun = random.Random(seed), None, threading.Event()
        self.mine, self.guids, self.my_tasks = [], [], []

    def run(self):
        connection, n = self.server.connect(timeout=30), 0
        try:
            while True:
                self.begun.set()
                self.one(connection, "%s-%d" % (self.label, n))
                n += 1
        except (OSError, http.client.HTTPException):
            self.begun.set()  # the server was killed
        except BaseException as problem:  # noqa: B902 — kill_in_the_middle raises it
            self.problem = problem
        finally:
            connection.close()

    def size(self):
        roll = self.rng.random()
        if roll < 0.5:
            return self.rng.choice(EDGES)
        return self.rng.randrange(20000) if roll < 0.93 else self.rng.choice(LARGE)

    def one(self, connection, name):
        roll = self.rng.random()
        if roll < 0.45:
            self.put(connection, name)
        elif roll < 0.75 or not self.guids:
            self.upload(connection, name)
        elif roll < 0.88:
            self.attach(connection)
        elif roll < 0.95 and self.mine:
            self.delete_file(connection)
        elif self.my_tasks:
            self.delete_task(connection)

    def put(self, connection, name):
        data = content(name, self.size())
        self.acked.begin(name, len(data))
        status, answer = self.server.put(self.user.native, name, data, connection)
        assert status == 201, (status, answer)
        assert answer["md5"] == hashlib.md5(data).hexdigest() and answer["size"] == len(data)
        self.acked.file(answer["id"], name)
        self.mine.append(answer["id"])

    def upload(self, connection, name):
        data = content(name, self.size() or 1)
        self.acked.begin(name, len(data))
        status, answer = self.server.upload(self.user.token, name, data, connection)
        assert status == 200, (status, answer)
        assert answer["md5_hash"] == hashlib.md5(data).hexdigest()
        self.acked.file(answer["guid"], name)
        self.guids.append(answer["guid"])

    def attach(self, connection):
        guids = self.rng.sample(self.guids, min(len(self.guids), self.rng.choice([1, 1, 3])))
        if self.my_tasks and self.rng.random() < 0.5:
            path = "/v4/tasks/%d/comments" % self.rng.choice(self.my_tasks)
            status, answer = self.server.json("POST", path, {"attachments": guids}, self.user.token, connection)
        else:
            status, answer = self.server.task(self.user.token, guids, connection)
        assert status == 200, (status, answer)
        task = answer["task"]
        seen = [a for comment in task["comments"] for a in comment.get("attachments", [])]
        self.acked.task(task["id"], [(a["id"], a["name"]) for a in seen])
        if task["id"] not in self.my_tasks:
            self.my_tasks.append(task["id"])

    def delete_file(self, connection):
        id_ = self.mine.pop(self.rng.randrange(len(self.mine)))
        self.acked.deleting("file", id_)
        status, _, body = self.server.ask("DELETE", "/v1/native/files/" + id_, None,
                                          {"Authorization": "Bearer " + self.user.native}, connection)
        assert status == 204, (status, body)
        self.acked.deleted("file", id_)

    def delete_task(self, connection):
        number = self.my_tasks.pop(self.rng.randrange(len(self.my_tasks)))
        self.acked.deleting("task", number)
        status, answer = self.server.json("DELETE", "/v4/tasks/%d" % number, None, self.user.token, connection)
        assert status == 200 and answer == {"deleted": True}, (status, answer)
        self.acked.deleted("task", number)


class Check:
    """Compares a server with the acknowledged changes."""

    def __init__(self, server, acked, user):
        self.server, self.acked, self.user = server, acked, user
        self.connection = server.connect()

    def same(self, name, status, data, state, absent, what):
        if status == absent and state != Acknowledged.PRESENT:
            return False
        assert state != Acknowledged.GONE, "%s was deleted and is back (%d)" % (what, status)
        assert status == 200, "%s is lost: %d %r" % (what, status, data[:200])
        want = content(name, self.acked.sent[name])
        assert data == want, "%s: %d bytes, md5 %s instead of %d, md5 %s" % (
            what, len(data), hashlib.md5(data).hexdigest(), len(want), hashlib.md5(want).hexdigest())
        return True

    def file(self, id_):
        name, state = self.acked.files[id_]
        status, data = self.server.get(self.user.native, "/v1/native/files/" + id_, self.connection)
        there = self.same(name, status, data, state, 404, "file %s (%s)" % (id_, name))
        self.acked.files[id_][1] = Acknowledged.PRESENT if there else Acknowledged.GONE

    def reference(self, id_):
        task, name, state = self.acked.references[id_]
        status, data = self.server.get(self.user.token, "/v4/files/download/%d" % id_, self.connection)
        there = self.same(name, status, data, state, 403, "attachment %d (%s) of task %d" % (id_, name, task))
        self.acked.references[id_][2] = Acknowledged.PRESENT if there else Acknowledged.GONE

    def task(self, number):
        state = self.acked.tasks[number]
        status, answer = self.server.json("GET", "/v4/tasks/%d" % number, None, self.user.token, self.connection)
        if status == 403 and state != Acknowledged.PRESENT:
            self.acked.tasks[number] = Acknowledged.GONE
            return
        assert state != Acknowledged.GONE, "task %d was deleted and is back" % number
        assert status == 200, (number, status, answer)
        self.acked.tasks[number] = Acknowledged.PRESENT
        seen = {a["id"] for comment in answer["task"]["comments"] for a in comment.get("attachments", [])}
        for id_, (task, name, _) in self.acked.references.items():
            assert task != number or id_ in seen, "attachment %d (%s) is not on task %d" % (id_, name, number)

    def unacknowledged(self):
        """Files that are listed although their upload got no reply must be complete, too. Returns their number."""
        after, found = "", 0
        while True:
            status, answer = self.server.json("GET", "/v1/native/files?limit=200" + after, None, self.user.native,
                                              self.connection)
            assert status == 200, answer
            new = [f for f in answer["files"] if f["id"] not in self.acked.files]
            for f in new:
                assert f["name"] in self.acked.sent, "no client sent %s" % f
                self.acked.files[f["id"]] = [f["name"], Acknowledged.PRESENT]
                self.file(f["id"])
                found += 1
            if not new or "next" not in answer:
                return found
            after = "&after=" + answer["next"]

    def run(self, rng, everything):
        t = self.acked
        if everything:
            todo = {("file", k) for k in t.files} | {("task", k) for k in t.tasks}
            todo |= {("reference", k) for k in t.references}
        else:
            todo = set(t.fresh)
            for kind, all_ in (("file", t.files), ("reference", t.references), ("task", t.tasks)):
                todo |= {(kind, k) for k in rng.sample(list(all_), min(SAMPLE, len(all_)))}
        for kind, key in sorted(todo, key=str):
            getattr(self, kind)(key)
        for token in t.tokens[-3:]:
            status, answer = self.server.json("GET", "/v4/profile", None, token, self.connection)
            assert status == 200, "an issued token is no longer valid: %s" % answer
        found = self.unacknowledged()
        t.fresh = []
        self.connection.close()
        return found


def one_round(place, acked, user, rng, number, totals):
    def prepare(server):
        totals["unacknowledged"] += Check(server, acked, user).run(rng, everything=False)
        acked.tokens.append(server.login(user))
        return [Client(server, acked, user, "r%d-c%d" % (number, i), rng.random()) for i in range(CLIENTS)]

    place.let_time_pass(number)
    kill_in_the_middle(place, prepare, rng, 0.25)
    if rng.random() < 0.1:  # kill the next server during its start, too
        place.kill_while_starting(rng)
        totals["starts killed"] += 1


def loop(data, rounds, seed):
    place, rng, acked = Place(data, *SETTINGS), random.Random(seed), Acknowledged()
    totals = {"unacknowledged": 0, "starts killed": 0}
    with place.start() as server:
        user = server.user("ana@example.org")
        user.token = server.login(user)
    totals["orphans removed"] = rounds_of(place, rounds, lambda n: one_round(place, acked, user, rng, n, totals),
                                          FULL_CHECK_EVERY, seed)
    with place.start() as server:
        Check(server, acked, user).run(rng, everything=True)
    place.fsck()
    return dict(acked.counts, **totals)


@pytest.mark.slow_because("many rounds, each with a start and a kill of a server")
def test_acknowledged_changes_survive_kill_9(tmp_path):
    kill_rounds = rounds("server_kills")
    totals, share = side_by_side(loop, tmp_path, kill_rounds)
    assert all(t["uploads"] > rounds for t, rounds in zip(totals, share)), "too few uploads: %s" % totals
    assert kill_rounds < 40 or all(t["attachments"] and t["deletes"] for t in totals), totals
