# SPDX-License-Identifier: Apache-2.0
"""Random schedules of resumable uploads, in both protocols and mixed: creations, appends of many sizes with checksums or without,
requests that end in the middle, rivals, questions, removals, kill -9 and jumps of the clock. A model knows what each upload may be.

    a reply with an offset       never falls below any earlier one, and is never above the bytes that were sent
    a false checksum or offset   nothing of the request counts
    a request that was cut       a prefix of its bytes may count, and nothing if it had a checksum
    201 that completes           the file has all the bytes, and stays through every kill
    204 for a DELETE             the upload is gone, and stays gone
    no reply                     the upload is in the state before the request or after it

Every byte of an upload depends on its place, and whatever must not count is sent as other bytes. Each upload is completed at last and
compared byte for byte, so that a question is followed by a read-back of the prefix that it named. fsck runs after each round."""
import hashlib
import os
import random
import socket
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from killing import HOUR_MS, Place, content, rounds_of, side_by_side  # noqa: E402
from rounds import rounds  # noqa: E402
from server import Client, Gone, request, wait_for  # noqa: E402
from uploads import INTEROP, OCTETS, PARTIAL, PATH, Uploads, checksum, digest, upload_offset  # noqa: E402

FULL_CHECK_EVERY = 20
STEPS = 40
OPEN_UPLOADS = 6
SIZES = [0, 1, 100, 16384, 16385, 65536, 131073, 300_000, 1 << 20, (4 << 20) + 5]
LENGTHS = [0, 1, 5000, 16385, 200_000, 1 << 20, 3_000_000, 7_000_001]
EXPIRY_DAYS = 30


class Wire:
    """What Uploads needs of a server that the test kills."""

    def __init__(self, server):
        self.server = server

    def connect(self):
        return Client(socket.create_connection(self.server.address, timeout=30))


class Upload:
    """One upload in the model. Its offset is at least `known` and at most `sent`; `over` is None while it can be continued. It is
    `loose` while a request may still reach it that the test has given up: such a request may hold up another, or add its bytes."""

    def __init__(self, path, name, size, declared):
        self.path, self.data, self.declared = path, content(name, size), declared
        self.known, self.sent, self.loose = 0, 0, False
        self.over = None     # "gone", "finished"; "perhaps gone" and "perhaps finished" without a reply
        self.writer = None   # a connection on which a request has begun: (client, the end of what was sent, the end of its bytes)
        self.file = None

    def at(self, answer):
        """A reply names an offset."""
        offset = upload_offset(answer)
        assert offset is not None and self.known <= offset <= self.sent, (self.path, self.known, offset, self.sent, answer)
        self.known = offset


def noise(size):
    """Bytes that are in no upload at any place."""
    return b"\xa5" * size


class Schedule:
    """The uploads of one user, and the steps that change them."""

    def __init__(self, place, rng, token):
        self.place, self.rng, self.token = place, rng, token
        self.uploads, self.made, self.server, self.wire = [], 0, None, None
        self.counts = dict.fromkeys(("created", "appended", "cut", "refused", "kills", "finished", "removed", "expired", "asked", "rivals"), 0)

    # ── the server

    def start(self):
        self.server = self.place.start()
        self.wire = Uploads(Wire(self.server), self.token)

    def kill(self):
        self.server.kill()
        self.counts["kills"] += 1
        for upload in self.uploads:
            self.drop_writer(upload)
            upload.loose = False

    def restart(self):
        self.kill()
        self.start()

    # ── requests

    def open(self):
        """The uploads that can be continued."""
        return [u for u in self.uploads if u.over is None]

    def writable(self):
        return [u for u in self.open() if u.writer is None]

    def drop_writer(self, upload):
        if upload.writer:
            upload.writer[0].close()
            upload.writer, upload.loose = None, True

    def tus_or_not(self):
        return self.rng.random() < 0.5

    def create(self):
        if len(self.open()) >= OPEN_UPLOADS:
            return
        self.made += 1
        size, declared = self.rng.choice(LENGTHS), self.rng.random() < 0.7
        name = "%s-%d" % (os.path.basename(self.place.data), self.made)
        upload = Upload(None, name, size, declared)
        if self.tus_or_not():
            length = [("Upload-Length", str(size))] if declared else [("Upload-Defer-Length", "1")]
            first = upload.data[:self.rng.choice(SIZES)] if self.rng.random() < 0.4 else b""
            answer = self.wire.tus("POST", PATH, [*length, *([OCTETS] if first else [])], first)
            upload.over = "finished" if declared and len(first) == size else None
        else:
            first = upload.data[:self.rng.choice(SIZES)]
            answer = self.wire.begin(False, first, [("Upload-Length", str(size))] if declared else [])
        assert answer.status == 201, answer
        upload.path, upload.known, upload.sent = self.wire.path(answer), len(first), len(first)
        self.uploads.append(upload)
        self.counts["created"] += 1
        if upload.over == "finished":
            self.finished(upload)

    def ask(self, upload):
        """HEAD of either protocol. That of the draft ends a request that still writes; that of tus completes an upload that has all
        its bytes."""
        if self.tus_or_not():
            answer = self.wire.head(upload.path)
        else:
            answer = self.wire.how_far(upload.path)
            self.drop_writer(upload)
        assert answer.status in (200, 204), (upload.path, answer)
        upload.at(answer)
        self.counts["asked"] += 1
        if answer.header("Content-Location"):
            assert upload.declared and upload.known == len(upload.data), answer
            self.finished(upload)
        return upload.known

    def settled(self, upload):
        """The offset by a question of the draft, which ends a request that writes. It is exact unless the upload is loose."""
        self.drop_writer(upload)
        answer = self.wire.how_far(upload.path)
        assert answer.status == 204, (upload.path, answer)
        upload.at(answer)
        if not upload.loose:
            upload.sent = upload.known
        return upload.known

    def head_of(self, upload, at, body, tus, headers=(), size=None):
        """The head of an append, and its bytes."""
        ends = at + len(body) == len(upload.data) and upload.declared
        length = ("Content-Length", str(len(body) if size is None else size))
        if tus:
            return request("PATCH", upload.path, [*self.wire.proof, ("Tus-Resumable", "1.0.0"), OCTETS, ("Upload-Offset", str(at)), length,
                                                  *headers])
        return request("PATCH", upload.path, [*self.wire.proof, PARTIAL, ("Upload-Offset", str(at)), length, INTEROP,
                                              ("Upload-Complete", "?1" if ends else "?0"), *headers])

    def piece(self, upload, at):
        return upload.data[at:at + self.rng.choice(SIZES)]

    def proof_of(self, tus, data):
        """A header with a checksum of these bytes."""
        if tus:
            return ("Upload-Checksum", checksum(data, self.rng.choice(["sha1", "sha256", "md5", "crc32"])))
        return ("Content-Digest", digest(data, self.rng.choice(["sha-256", "sha-512"])))

    def deliver(self, upload, tus, expected, choose):
        """Send an append, choose(offset) = (offset, bytes, headers), until it has its expected status. While the upload is loose it
        may be held up. Returns (the offset before it, its bytes, its reply)."""
        deadline = time.monotonic() + 60
        while True:
            before = self.settled(upload)
            at, body, headers = choose(before)
            with self.wire.server.connect() as client:
                client.send(self.head_of(upload, at, body, tus, headers) + body)
                try:
                    answer = client.answer()
                except Gone:
                    answer = None
            if answer and answer.status in expected:
                return before, body, answer
            assert upload.loose and (answer is None or answer.status in (409, 423)) and time.monotonic() < deadline, answer

    def append(self, upload):
        """An append that is completed, with a right checksum or without."""
        tus, checked = self.tus_or_not(), self.rng.random() < 0.4

        def choose(at):
            body = self.piece(upload, at)
            upload.sent = max(upload.sent, at + len(body))
            return at, body, [self.proof_of(tus, body)] if checked else []
        at, body, answer = self.deliver(upload, tus, (201, 204), choose)
        upload.sent, upload.loose = at + len(body), upload.loose and not body
        whole = upload.declared and upload.sent == len(upload.data)
        assert answer.status == (201 if whole and not tus else 204), answer
        if whole:
            self.finished(upload)
        else:
            upload.at(answer)
            assert upload.known == upload.sent, (answer, upload.sent)
        self.counts["appended"] += 1

    def refuse(self, upload):
        """An append that must be refused: a false checksum, or another offset. Its bytes are noise."""
        tus, wrong = self.tus_or_not(), self.rng.random() < 0.5

        def choose(at):
            room = len(upload.data) - at if upload.declared else 1 << 20
            body = noise(min(self.rng.choice(SIZES), room))
            return at + wrong * (upload.sent - at + 1), body, [] if wrong else [self.proof_of(tus, body + b"x")]
        at, _, _ = self.deliver(upload, tus, (409,) if wrong else (460 if tus else 422,), choose)
        assert self.ask(upload) == at or upload.loose
        self.counts["refused"] += 1

    def cut(self, upload):
        """An append that ends in the middle: by a close, a reset, or kill -9. With a checksum nothing of it may count."""
        at, tus = self.settled(upload), self.tus_or_not()
        body, checked = self.piece(upload, at), self.rng.random() < 0.3
        if len(body) < 2:
            return
        came = self.rng.randrange(1, len(body))
        sent = noise(came) if checked else body[:came]
        client = self.wire.server.connect()
        client.send(self.head_of(upload, at, body, tus, [self.proof_of(tus, body)] if checked else []) + sent)
        if not checked:
            upload.sent = max(upload.sent, at + came)
        upload.loose = True
        how = self.rng.random()
        if how < 0.3:
            self.restart()
        elif how < 0.6:
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
        self.counts["cut"] += 1

    def begin_writing(self, upload):
        """An append whose rest comes later, or never."""
        at, tus = self.settled(upload), self.tus_or_not()
        body = self.piece(upload, at)
        if len(body) < 2 or at + len(body) == len(upload.data):
            return
        first = len(body) // 2
        client = self.wire.server.connect()
        client.send(self.head_of(upload, at, body, tus) + body[:first])
        upload.sent = max(upload.sent, at + first)
        upload.writer = (client, at + first, at + len(body))

    def go_on_writing(self, upload):
        client, begun, end = upload.writer
        client.send(upload.data[begun:end])
        upload.sent = max(upload.sent, end)
        try:
            answer = client.answer()
        except Gone:
            answer = None  # the server ended it, for silence
        self.drop_writer(upload)
        if answer and answer.status == 204:
            upload.at(answer)
            assert upload.known == end, answer
            upload.sent, upload.loose = end, False
        else:
            assert answer is None or answer.status in (400, 408, 409, 423), answer

    def rival(self, upload):
        """A second writer: tus is told to wait, the draft goes first."""
        at = self.ask(upload)
        tus, before = self.tus_or_not(), upload.sent
        body = upload.data[at:at + 1000]
        if not body or at + len(body) == len(upload.data):
            return
        with self.wire.server.connect() as client:
            client.send(self.head_of(upload, at, body, tus) + body)
            upload.sent = max(before, at + len(body))
            try:
                answer = client.answer()
            except Gone:
                answer = None
        assert answer is None or answer.status in (204, 409, 423), answer
        if answer and answer.status == 204:
            upload.at(answer)
            self.drop_writer(upload)
        elif answer:
            upload.sent = before
        self.counts["rivals"] += 1

    def complete(self, upload):
        """Send all that is missing."""
        tus = self.tus_or_not()
        headers = [("Upload-Length", str(len(upload.data)))] if tus or self.rng.random() < 0.5 else []
        upload.declared, upload.sent = True, len(upload.data)

        def choose(at):
            upload.sent = len(upload.data)
            return at, upload.data[at:], headers
        self.deliver(upload, tus, (204 if tus else 201,), choose)
        self.finished(upload)

    def finished(self, upload):
        """A reply said that the upload is complete: its file is there, with the right bytes."""
        upload.over = "finished"
        upload.known = upload.sent = len(upload.data)
        answer = self.wire.head(upload.path)
        assert answer.status == 200 and upload_offset(answer) == len(upload.data), answer
        upload.file = answer.header("Content-Location")
        self.compare(upload)
        self.counts["finished"] += 1

    def compare(self, upload):
        got = self.wire.ask("GET", upload.file)
        assert got.status == 200, (upload.path, got)
        assert got.body == upload.data, "%s: %d bytes, md5 %s instead of %d, md5 %s" % (
            upload.path, len(got.body), hashlib.md5(got.body).hexdigest(), len(upload.data), hashlib.md5(upload.data).hexdigest())

    def complete_without_reply(self, upload):
        """All that is missing is sent, and the server is killed at once. The upload can be continued, or has all its bytes: then a
        client sends nothing more, so the server completes it by itself."""
        at = self.settled(upload)
        upload.declared = True
        body = upload.data[at:]
        client = self.wire.server.connect()
        client.send(self.head_of(upload, at, body, True, [("Upload-Length", str(len(upload.data)))]) + body)
        upload.sent = len(upload.data)
        self.restart()
        client.close()
        answer = self.wire.head(upload.path)
        assert answer.status == 200, answer
        upload.at(answer)
        if not answer.header("Upload-Length"):
            upload.declared = False
        elif upload.known == len(upload.data):
            wait_for("the end of an upload that has all its bytes", lambda: self.wire.head(upload.path).header("Content-Location"))
            self.finished(upload)

    def remove(self, upload):
        self.drop_writer(upload)
        if self.rng.random() < 0.3:  # killed before the reply
            with self.wire.server.connect() as client:
                client.send(self.wire.bytes("DELETE", upload.path))
                self.restart()
            answer = self.wire.head(upload.path)
            assert answer.status in (200, 404), answer
            if answer.status == 200:
                upload.at(answer)
                return
        else:
            answer = self.wire.tus("DELETE", upload.path) if self.tus_or_not() else self.wire.ask("DELETE", upload.path)
            assert answer.status == 204, answer
        upload.over = "gone"
        self.counts["removed"] += 1

    def is_gone(self, upload):
        answer = self.wire.head(upload.path)
        assert answer.status in (404, 410), (upload.path, upload.over, answer)

    def jump(self):
        """The clock jumps, a few hours ahead or back, or so far that every upload that was not finished expires."""
        if self.rng.random() < 0.1:
            if any(u.loose or u.writer for u in self.open()):
                self.restart()  # a request that still runs would lengthen the life of its upload
            self.place.clock.set_ahead(self.place.clock.ahead_ms + (EXPIRY_DAYS + 1) * 24 * HOUR_MS)
            for upload in self.open():
                self.is_gone(upload)
                upload.over = "gone"
                self.counts["expired"] += 1
        else:
            self.place.clock.set_ahead(self.place.clock.ahead_ms + self.rng.choice([-3, -1, 1, 6]) * HOUR_MS)

    # ── a round

    def step(self):
        rng = self.rng
        roll, free = rng.random(), self.writable()
        busy = [u for u in self.open() if u.writer]
        if roll < 0.15 or not free:
            self.create()
        elif roll < 0.18:
            self.restart()
        elif roll < 0.21:
            self.jump()
        elif roll < 0.30 and busy:
            rng.choice([self.go_on_writing, self.rival, self.ask])(rng.choice(busy))
        else:
            kind = rng.choices([self.append, self.refuse, self.cut, self.begin_writing, self.ask, self.complete,
                                self.complete_without_reply, self.remove], [30, 10, 20, 8, 12, 8, 4, 4])[0]
            kind(rng.choice(free))

    def check_all(self):
        for upload in self.uploads:
            if upload.over == "finished":
                self.compare(upload)
            elif upload.over == "gone":
                self.is_gone(upload)
            elif upload.writer is None:
                self.ask(upload)

    def one_round(self, _):
        self.start()
        try:
            self.check_all()
            for _ in range(STEPS):
                self.step()
            if len(self.uploads) > 40:  # older ones were compared often enough
                self.uploads = self.open() + [u for u in self.uploads if u.over][-20:]
        finally:
            self.kill()

    def complete_all(self):
        """The read-back: every upload that can be continued has the prefix that it says."""
        self.start()
        for upload in self.open():
            self.complete(upload)
        self.check_all()
        self.server.stop()


def loop(data, count, seed):
    place = Place(data, "--set", "resumable.expiry=%dd" % EXPIRY_DAYS)
    with place.start() as server:
        token = server.user("ana@example.org").native
    schedule = Schedule(place, random.Random(seed), token)
    removed = rounds_of(place, count, schedule.one_round, FULL_CHECK_EVERY, seed)
    schedule.complete_all()
    place.fsck()
    return dict(schedule.counts, orphans=removed)


@pytest.mark.slow_because("many rounds, each with starts and kills of a server")
def test_an_upload_is_where_it_says_whatever_happens(tmp_path):
    count = rounds("upload_schedules")
    totals, _ = side_by_side(loop, tmp_path, count)
    done = {name: sum(t[name] for t in totals) for name in totals[0]}
    for name in ("created", "appended", "cut", "refused", "kills", "finished", "asked"):
        assert done[name] >= count, (name, done)

