# SPDX-License-Identifier: Apache-2.0
"""Kill the server at any moment, again and again: what it acknowledged is there, byte for byte.

Each round starts a server on the same directory, checks what the rounds before were told, lets several clients upload,
attach and delete at once, and sends SIGKILL at a moment chosen by chance. fsck looks at the rest; every 25 rounds, and
at the end, it reads every byte, and removes what uploads left that nobody was told of. In every other round six hours
have passed: the jobs that remove deleted bytes and left-over blobs run from the start, and die like everything else.

What a client was told, and what that means after the next start:

    201/200 for an upload      its bytes, length and MD5 come back
    200 for a task or comment  the attachment is on the task and its bytes come back
    204 or {"deleted": true}   it stays gone
    an access token            it is still valid
    no answer                  it is there as a whole, or not at all
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


class Told:
    """What the clients of one loop were told. PRESENT and GONE are promises, UNSURE is a delete without an answer."""
    PRESENT, UNSURE, GONE = "present", "unsure", "gone"

    def __init__(self):
        self.lock = threading.Lock()
        self.sent = {}    # name → size, of every upload begun
        self.files = {}   # id → [name, state]
        self.references = {}  # number of the attachment → [task, name, state]
        self.tasks = {}   # number → state
        self.fresh = []   # since the last kill: ("file", id) …
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
        """references: (number, name), all that the task was told to have."""
        with self.lock:
            self.tasks.setdefault(number, self.PRESENT)
            self.fresh.append(("task", number))
            for id_, name in references:
                if id_ not in self.references:
                    self.references[id_] = [number, name, self.PRESENT]
                    self.fresh.append(("reference", id_))
                    self.counts["attachments"] += 1

    def deleting(self, what, key):
        """Before a delete is sent; told() when it was acknowledged."""
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
    """Works until the server dies, over one connection that is kept alive."""

    def __init__(self, server, told, user, label, seed):
        super().__init__(daemon=True)
        self.server, self.told, self.user, self.label = server, told, user, label
        self.chance, self.problem, self.begun = random.Random(seed), None, threading.Event()
        self.mine, self.guids, self.my_tasks = [], [], []

    def run(self):
        connection, n = self.server.connect(timeout=30), 0
        try:
            while True:
                self.begun.set()
                self.one(connection, "%s-%d" % (self.label, n))
                n += 1
        except (OSError, http.client.HTTPException):
            self.begun.set()  # the kill
        except BaseException as problem:  # noqa: B902 — told to the round
            self.problem = problem
        finally:
            connection.close()

    def size(self):
        roll = self.chance.random()
        if roll < 0.5:
            return self.chance.choice(EDGES)
        return self.chance.randrange(20000) if roll < 0.93 else self.chance.choice(LARGE)

    def one(self, connection, name):
        roll = self.chance.random()
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
        self.told.begin(name, len(data))
        status, answer = self.server.put(self.user.native, name, data, connection)
        assert status == 201, (status, answer)
        assert answer["md5"] == hashlib.md5(data).hexdigest() and answer["size"] == len(data)
        self.told.file(answer["id"], name)
        self.mine.append(answer["id"])

    def upload(self, connection, name):
        data = content(name, self.size() or 1)
        self.told.begin(name, len(data))
        status, answer = self.server.upload(self.user.token, name, data, connection)
        assert status == 200, (status, answer)
        assert answer["md5_hash"] == hashlib.md5(data).hexdigest()
        self.told.file(answer["guid"], name)
        self.guids.append(answer["guid"])

    def attach(self, connection):
        guids = self.chance.sample(self.guids, min(len(self.guids), self.chance.choice([1, 1, 3])))
        if self.my_tasks and self.chance.random() < 0.5:
            path = "/v4/tasks/%d/comments" % self.chance.choice(self.my_tasks)
            status, answer = self.server.json("POST", path, {"attachments": guids}, self.user.token, connection)
        else:
            status, answer = self.server.task(self.user.token, guids, connection)
        assert status == 200, (status, answer)
        task = answer["task"]
        seen = [a for comment in task["comments"] for a in comment.get("attachments", [])]
        self.told.task(task["id"], [(a["id"], a["name"]) for a in seen])
        if task["id"] not in self.my_tasks:
            self.my_tasks.append(task["id"])

    def delete_file(self, connection):
        id_ = self.mine.pop(self.chance.randrange(len(self.mine)))
        self.told.deleting("file", id_)
        status, _, body = self.server.ask("DELETE", "/v1/native/files/" + id_, None,
                                          {"Authorization": "Bearer " + self.user.native}, connection)
        assert status == 204, (status, body)
        self.told.deleted("file", id_)

    def delete_task(self, connection):
        number = self.my_tasks.pop(self.chance.randrange(len(self.my_tasks)))
        self.told.deleting("task", number)
        status, answer = self.server.json("DELETE", "/v4/tasks/%d" % number, None, self.user.token, connection)
        assert status == 200 and answer == {"deleted": True}, (status, answer)
        self.told.deleted("task", number)


class Check:
    """Compare a server with what was told."""

    def __init__(self, server, told, user):
        self.server, self.told, self.user = server, told, user
        self.connection = server.connect()

    def same(self, name, status, data, state, absent, what):
        if status == absent and state != Told.PRESENT:
            return False
        assert state != Told.GONE, "%s was deleted and is back (%d)" % (what, status)
        assert status == 200, "%s is lost: %d %r" % (what, status, data[:200])
        want = content(name, self.told.sent[name])
        assert data == want, "%s: %d bytes, md5 %s instead of %d, md5 %s" % (
            what, len(data), hashlib.md5(data).hexdigest(), len(want), hashlib.md5(want).hexdigest())
        return True

    def file(self, id_):
        name, state = self.told.files[id_]
        status, data = self.server.get(self.user.native, "/v1/native/files/" + id_, self.connection)
        there = self.same(name, status, data, state, 404, "file %s (%s)" % (id_, name))
        self.told.files[id_][1] = Told.PRESENT if there else Told.GONE

    def reference(self, id_):
        task, name, state = self.told.references[id_]
        status, data = self.server.get(self.user.token, "/v4/files/download/%d" % id_, self.connection)
        there = self.same(name, status, data, state, 403, "attachment %d (%s) of task %d" % (id_, name, task))
        self.told.references[id_][2] = Told.PRESENT if there else Told.GONE

    def task(self, number):
        state = self.told.tasks[number]
        status, answer = self.server.json("GET", "/v4/tasks/%d" % number, None, self.user.token, self.connection)
        if status == 403 and state != Told.PRESENT:
            self.told.tasks[number] = Told.GONE
            return
        assert state != Told.GONE, "task %d was deleted and is back" % number
        assert status == 200, (number, status, answer)
        self.told.tasks[number] = Told.PRESENT
        seen = {a["id"] for comment in answer["task"]["comments"] for a in comment.get("attachments", [])}
        for id_, (task, name, _) in self.told.references.items():
            assert task != number or id_ in seen, "attachment %d (%s) is not on task %d" % (id_, name, number)

    def unheard(self):
        """What is listed and nobody was told of must be whole, too."""
        after, found = "", 0
        while True:
            status, answer = self.server.json("GET", "/v1/native/files?limit=200" + after, None, self.user.native,
                                              self.connection)
            assert status == 200, answer
            new = [f for f in answer["files"] if f["id"] not in self.told.files]
            for f in new:
                assert f["name"] in self.told.sent, "nobody ever sent %s" % f
                self.told.files[f["id"]] = [f["name"], Told.PRESENT]
                self.file(f["id"])
                found += 1
            if not new or "next" not in answer:
                return found
            after = "&after=" + answer["next"]

    def run(self, chance, everything):
        t = self.told
        if everything:
            todo = {("file", k) for k in t.files} | {("task", k) for k in t.tasks}
            todo |= {("reference", k) for k in t.references}
        else:
            todo = set(t.fresh)
            for kind, all_ in (("file", t.files), ("reference", t.references), ("task", t.tasks)):
                todo |= {(kind, k) for k in chance.sample(list(all_), min(SAMPLE, len(all_)))}
        for kind, key in sorted(todo, key=str):
            getattr(self, kind)(key)
        for token in t.tokens[-3:]:
            status, answer = self.server.json("GET", "/v4/profile", None, token, self.connection)
            assert status == 200, "a token that was given is not valid any more: %s" % answer
        found = self.unheard()
        t.fresh = []
        self.connection.close()
        return found


def one_round(place, told, user, chance, number, totals):
    def prepare(server):
        totals["unheard"] += Check(server, told, user).run(chance, everything=False)
        told.tokens.append(server.login(user))
        return [Client(server, told, user, "r%d-c%d" % (number, i), chance.random()) for i in range(CLIENTS)]

    place.let_time_pass(number)
    kill_in_the_middle(place, prepare, chance, 0.25)
    if chance.random() < 0.1:  # and once more while it gets up
        place.kill_while_starting(chance)
        totals["starts killed"] += 1


def loop(data, rounds, seed):
    place, chance, told = Place(data, *SETTINGS), random.Random(seed), Told()
    totals = {"unheard": 0, "starts killed": 0}
    with place.start() as server:
        user = server.user("ana@example.org")
        user.token = server.login(user)
    totals["orphans removed"] = rounds_of(place, rounds, lambda n: one_round(place, told, user, chance, n, totals),
                                          FULL_CHECK_EVERY, seed)
    with place.start() as server:
        Check(server, told, user).run(chance, everything=True)
    place.fsck()
    return dict(told.counts, **totals)


@pytest.mark.slow_because("rounds of kills")
def test_whatever_was_acknowledged_survives_kill_9(tmp_path):
    kill_rounds = rounds("server_kills")
    totals, share = side_by_side(loop, tmp_path, kill_rounds)
    assert all(t["uploads"] > rounds for t, rounds in zip(totals, share)), "hardly anything was uploaded: %s" % totals
    assert kill_rounds < 40 or all(t["attachments"] and t["deletes"] for t in totals), totals
