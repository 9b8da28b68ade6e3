# SPDX-License-Identifier: Apache-2.0
"""Kills the server at random times during signed requests: S3 PUT, uploads in parts, deletes, and tickets with their forms
and confirmations. Every acknowledged change is still there, byte for byte. A change without a reply is complete or absent.

The rounds are those of test_kill.py (start, check, load, SIGKILL, fsck). The check differs: each key has a set of contents
that it may have. A request adds its content to the set before it is sent; its acknowledgement removes all other contents.

    200 for a PUT or a completion  the key has these bytes
    204 for a DELETE               the key is absent
    200 for a part                 the completion accepts the part, also after the kill
    201 for a ticket               the ticket can still be used or confirmed
    201 for a form                 the confirmation succeeds, and the document has these bytes
    200 for a confirmation         the document is listed and has the same bytes
"""
import datetime
import hashlib
import http.client
import json
import os
import random
import re
import sys
import threading

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from killing import CLIENTS, EDGES, LARGE, SAMPLE, Place, content, kill_in_the_middle, rounds_of, side_by_side  # noqa: E402
from rounds import rounds  # noqa: E402
from sigv4 import Signer  # noqa: E402

FULL_CHECK_EVERY = 20
BUCKET = "docas"
SETTINGS = ("--set", "runrun.rate_limit=0", "--set", "runrun.pending_lifetime=365d", "--set", "s3.min_part_size=1",
            "--set", "s3.upload_expires=365d")


def whole(pieces):
    """The concatenated bytes of pieces, each (name, size)."""
    return b"".join(content(name, size) for name, size in pieces)


class Acknowledged:
    """The changes that the server has acknowledged to the clients of one loop. If None is among the contents of a key, the key
    may be absent."""

    def __init__(self):
        self.lock = threading.Lock()
        self.keys = {}       # key → set of possible contents, each a tuple of pieces or None
        self.uploads = {}    # upload id → (key, {number: (piece, etag)}) of acknowledged parts
        self.tickets = {}    # id → [pieces, state]: "issued", "stored", "confirming", "confirmed"
        self.fresh = set()
        self.counts = {"puts": 0, "parts": 0, "completes": 0, "deletes": 0, "forms": 0, "confirms": 0}

    def may(self, key, value):
        with self.lock:
            self.keys.setdefault(key, {None}).add(value)
            self.fresh.add(key)

    def must(self, key, value, what):
        with self.lock:
            self.keys[key] = {value}
            self.counts[what] += 1


class Api:
    """A connection to a server that signs requests with the time of the server's clock."""

    def __init__(self, server, user, clock):
        self.server, self.user = server, user
        self.host = "%s:%d" % server.address
        now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(milliseconds=clock.ahead_ms)
        self.signer = Signer(user.access_key, user.secret, now=now)
        self.connection = server.connect()

    def s3(self, method, path, query=None, body=b"", link=False):
        if link:
            target, headers = self.signer.link(method, self.host, path, query), {}
        else:
            target = self.signer.path(path) + ("?" + self.signer.query(query) if query else "")
            headers = self.signer.headers(method, self.host, path, query, body)
        return self.server.ask(method, target, body, headers, self.connection)

    def runrun(self, method, path, body=None):
        headers = {"App-Key": self.user.app_key, "User-Token": self.user.user_token, "Content-Type": "application/json"}
        status, answer, text = self.server.ask(method, "/api/v1.0" + path, json.dumps(body) if body else None, headers,
                                               self.connection)
        return status, answer, json.loads(text) if text else None

    def form(self, fields, data):
        boundary = "----cais-test-boundary"
        parts = ['--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (boundary, k, v)
                 for k, v in fields.items()]
        parts.append('--%s\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n' % boundary)
        body = "".join(parts).encode() + data + ("\r\n--%s--\r\n" % boundary).encode()
        return self.server.ask("POST", "/runrunit", body, {"Content-Type": "multipart/form-data; boundary=" + boundary},
                               self.connection)


class User:
    def __init__(self, server):
        server.cais("user", "add", "ana")
        s3 = server.cais_json("key", "add", "ana", "--for", "s3")
        self.access_key, self.secret = s3["access_key_id"], s3["secret_access_key"]
        runrun = server.cais_json("key", "add", "ana", "--for", "runrun")
        self.app_key, self.user_token = runrun["app_key"], runrun["user_token"]


class Client(threading.Thread):
    """A client that sends requests until the server is killed. No other client uses its keys, so it knows their contents."""

    def __init__(self, api, acked, number, label, seed):
        super().__init__(daemon=True)
        self.api, self.acked, self.number, self.label = api, acked, number, label
        self.rng, self.problem, self.begun = random.Random(seed), None, threading.Event()

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
            self.api.connection.close()

    def size(self):
        roll = self.rng.random()
        if roll < 0.5:
            return self.rng.choice(EDGES)
        return self.rng.randrange(20000) if roll < 0.95 else self.rng.choice(LARGE)

    def key(self):
        return "/%s/c%d/%d" % (BUCKET, self.number, self.rng.randrange(12))

    def one(self, name):
        roll = self.rng.random()
        if roll < 0.35:
            self.put(name)
        elif roll < 0.45:
            self.delete()
        elif roll < 0.65:
            self.parts(name)
        else:
            self.ticket(name)

    def put(self, name):
        key, pieces = self.key(), ((name, self.size()),)
        data = whole(pieces)
        self.acked.may(key, pieces)
        status, headers, body = self.api.s3("PUT", key, body=data, link=self.rng.random() < 0.5)
        assert status == 200, (status, body)
        assert headers["ETag"] == '"%s"' % hashlib.md5(data).hexdigest()
        self.acked.must(key, pieces, "puts")

    def delete(self):
        key = self.key()
        self.acked.may(key, None)
        status, _, body = self.api.s3("DELETE", key)
        assert status == 204, (status, body)
        self.acked.must(key, None, "deletes")

    def parts(self, name):
        key = self.key()
        if self.rng.random() < 0.4 and (left := self.left_over()):
            upload, key, parts = left  # it began before a kill
        else:
            status, _, body = self.api.s3("POST", key, {"uploads": ""})
            assert status == 200, (status, body)
            upload, parts = re.search(rb"<UploadId>([^<]+)<", body).group(1).decode(), {}
            with self.acked.lock:
                self.acked.uploads[upload] = (key, parts)
        for number in self.rng.sample(range(1, 5), self.rng.choice([1, 2, 3])):
            piece = ("%s-%d" % (name, number), max(1, self.size()))
            with self.acked.lock:
                parts.pop(number, None)  # until the reply, the part may be the old one or the new one
            status, headers, body = self.api.s3("PUT", key, {"partNumber": number, "uploadId": upload}, content(*piece))
            assert status == 200, (status, body)
            with self.acked.lock:
                parts[number] = (piece, headers["ETag"])
                self.acked.counts["parts"] += 1
        if self.rng.random() < 0.2:
            return  # a later round completes the upload
        pieces = tuple(parts[n][0] for n in sorted(parts))
        document = "".join("<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>" % (n, parts[n][1])
                           for n in sorted(parts))
        with self.acked.lock:
            del self.acked.uploads[upload]
        self.acked.may(key, pieces)
        status, _, body = self.api.s3("POST", key, {"uploadId": upload},
                                      ("<CompleteMultipartUpload>%s</CompleteMultipartUpload>" % document).encode())
        assert status == 200 and b"<ETag>" in body, (status, body)
        self.acked.must(key, pieces, "completes")

    def left_over(self):
        mine = "/%s/c%d/" % (BUCKET, self.number)
        with self.acked.lock:
            found = [(u, k, p) for u, (k, p) in self.acked.uploads.items() if k.startswith(mine) and p]
        return self.rng.choice(found) if found else None

    def ticket(self, name):
        pieces = ((name, self.size()),)
        data = whole(pieces)
        status, _, answer = self.api.runrun("POST", "/documents", {"document": {"data_file_name": name + ".bin",
                                                                               "data_file_size": len(data)}})
        assert status == 201, (status, answer)
        id_ = answer["id"]
        with self.acked.lock:
            self.acked.tickets[id_] = [pieces, "issued"]
        fields = {k: v for k, v in answer["fields"].items()
                  if k in ("key", "Policy", "success_action_status") or k.startswith("X-Amz-")}
        status, _, body = self.api.form(fields, data)
        assert status == 201, (status, body)
        with self.acked.lock:
            self.acked.tickets[id_][1] = "stored"
            self.acked.counts["forms"] += 1
        if self.rng.random() < 0.3:
            return  # a later round confirms the ticket
        self.confirm(id_)

    def confirm(self, id_):
        with self.acked.lock:
            self.acked.tickets[id_][1] = "confirming"
        status, _, answer = self.api.runrun("POST", "/documents/%d/mark_as_uploaded" % id_)
        assert status == 200 and answer["transfered"] is True, (status, answer)
        with self.acked.lock:
            self.acked.tickets[id_][1] = "confirmed"
            self.acked.counts["confirms"] += 1


class Check:
    """Compares a server with the acknowledged changes."""

    def __init__(self, api, acked):
        self.api, self.acked = api, acked

    def key(self, key):
        status, _, data = self.api.s3("GET", key, link=True)
        assert status in (200, 404), (status, data[:300])
        may = self.acked.keys[key]
        fits = [v for v in may if (v is None and status == 404) or (v is not None and status == 200 and whole(v) == data)]
        assert fits, "%s: %d, %d bytes, md5 %s; it may be %s" % (key, status, len(data), hashlib.md5(data).hexdigest(), may)
        self.acked.keys[key] = {fits[0]}

    def ticket(self, id_):
        pieces, state = self.acked.tickets[id_]
        if state == "stored":  # the bytes were acknowledged before the kill, so the confirmation must succeed
            status, _, answer = self.api.runrun("POST", "/documents/%d/mark_as_uploaded" % id_)
            assert status == 200, "ticket %d: %d %s" % (id_, status, answer)
            state = "confirmed"
        status, _, answer = self.api.runrun("GET", "/documents/%d" % id_)
        assert status == 200, "ticket %d (%s): %d %s" % (id_, state, status, answer)
        if state == "confirming":
            state = "confirmed" if answer["transfered"] else "issued"
        assert answer["transfered"] is (state == "confirmed"), (state, answer)
        if state == "confirmed":
            status, headers, _ = self.api.runrun("GET", "/documents/%d/download" % id_)
            assert status == 302
            where = headers["Location"].split("/", 3)[3]
            status, _, data = self.api.server.ask("GET", "/" + where, connection=self.api.connection)
            assert status == 200 and data == whole(pieces), "document %d: %d, %d bytes" % (id_, status, len(data))
        self.acked.tickets[id_][1] = state

    def run(self, rng, everything):
        t = self.acked
        keys, tickets = set(t.keys), set(t.tickets)
        if not everything:
            keys = t.fresh | set(rng.sample(sorted(keys), min(SAMPLE, len(keys))))
            unsure = {i for i in tickets if t.tickets[i][1] in ("stored", "confirming")}
            tickets = unsure | set(rng.sample(sorted(tickets), min(SAMPLE, len(tickets))))
        for key in sorted(keys):
            self.key(key)
        for id_ in sorted(tickets):
            self.ticket(id_)
        t.fresh = set()
        self.api.connection.close()


def one_round(place, acked, user, rng, number):
    def prepare(server):
        Check(Api(server, user, place.clock), acked).run(rng, everything=False)
        return [Client(Api(server, user, place.clock), acked, i, "r%d-c%d" % (number, i), rng.random())
                for i in range(CLIENTS)]

    place.let_time_pass(number)
    kill_in_the_middle(place, prepare, rng, 0.3)


def loop(data, rounds, seed):
    place, rng, acked = Place(data, *SETTINGS), random.Random(seed), Acknowledged()
    with place.start() as server:
        user = User(server)
        status, _, body = Api(server, user, place.clock).s3("PUT", "/" + BUCKET)
        assert status == 200, (status, body)
    rounds_of(place, rounds, lambda n: one_round(place, acked, user, rng, n), FULL_CHECK_EVERY, seed)
    with place.start() as server:
        Check(Api(server, user, place.clock), acked).run(rng, everything=True)
    place.fsck()
    return acked.counts


@pytest.mark.slow_because("many rounds, each with a start and a kill of a server")
def test_acknowledged_signed_changes_survive_kill_9(tmp_path):
    kill_rounds = rounds("signed_server_kills")
    counts, share = side_by_side(loop, tmp_path, kill_rounds)
    assert all(c["puts"] + c["forms"] > rounds for c, rounds in zip(counts, share)), "too few uploads: %s" % counts
    assert kill_rounds < 40 or all(all(c.values()) for c in counts), counts
