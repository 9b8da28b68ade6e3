# SPDX-License-Identifier: Apache-2.0
"""The server is killed while it imports sync files: at each step of an import, at changes of the file of a set, and at random. After the
restart the records and the numbers are those of an import that nothing disturbed."""
import concurrent.futures
import http.client
import itertools
import os
import random
import signal
import sys
import threading

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from killing import Place, kill_in_the_middle, rounds_of, side_by_side  # noqa: E402
from rounds import rounds, seed  # noqa: E402
from serving import BINARY, Server, fsck, run, wait_for  # noqa: E402
from sync_files import (BUCKETS, Client, Model, bytes_of, copy_of, import_jobs, numbers_of, random_rows,  # noqa: E402
                        records_of)

DYING = os.path.join(os.path.dirname(os.path.realpath(BINARY)), "tests", "support", "cais-dying")
POINTS = [f"{when} {step}" for step in (
    "the record of a queued import", "the import", "the record of a running import", "the report", "the row of a set",
    "the making of a set", "the look at the position", "the size of a set", "the room of a set", "the begin of a batch", "the first put",
    "a later put", "the first commit of a batch", "a later commit of a batch", "the flush", "the record of a finished import")
    for when in ("before", "after")]
AT_ONCE = 4  # servers
ROWS, KEYS = 5000, 1500  # several batches; each key comes several times


def test_the_points_are_those_that_the_program_knows():
    assert run(DYING, "--import-points").stdout.splitlines() == POINTS


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A data directory with a file that was uploaded; nothing was imported into its bucket. Returns (path, client, file, numbers,
    records): what an import of the file must make."""
    data = tmp_path_factory.mktemp("prepared") / "data"
    rows = random_rows(random.Random(seed()), ROWS, KEYS)
    model = Model()
    with Server(data) as server:
        client = Client.add(server)
        file = client.send(server, "a.cc5txt", bytes_of(rows))
    return str(data), client, file, model.apply(rows), model.records


def import_and_die(data, client, file, at):
    """Import the file on a server that ends at this point. Returns whether it died before it was stopped."""
    server = Server(data, program=DYING, environment={"CAIS_TEST_DIE_AT": at})
    try:
        client.start(server, file)
        client.ended(server, file)
        server.stop()  # closing the set writes to it, too
        return server.process.returncode != 0
    except (OSError, http.client.HTTPException, AssertionError):
        wait_for("the end of the server", lambda: server.process.poll() is not None, 20)
        assert server.process.returncode == -signal.SIGKILL, server.log()
        return True
    finally:
        server.kill()


def expect_undisturbed(data, prepared):
    _, client, file, numbers, records = prepared
    with Server(data) as server:
        if client.file(server, file)["Status"] == "uploaded":  # nobody was told that the import waits
            client.start(server, file)
        ended = client.ended(server, file)
        assert (ended["Status"], numbers_of(ended)) == ("importedwitherrors", numbers), ended
        errors = ended["Errors"]
        assert len(errors) == min(100, numbers["Failed"]) and all(e["ErrorCode"] == "BadValue" for e in errors), errors
        assert client.start(server, file)["Status"] == "importedwitherrors"  # the same action runs once
        assert [j["state"] for j in import_jobs(server, [file])] == ["done"]
    assert records_of(data) == records
    report = fsck(data)
    assert not report["findings"], report


def die_and_restart(prepared, folder, at):
    data = copy_of(prepared[0], folder)
    died = import_and_die(data, prepared[1], prepared[2], at)
    expect_undisturbed(data, prepared)
    return died


def test_an_import_that_nothing_disturbs_makes_what_the_model_says(prepared, tmp_path):
    expect_undisturbed(copy_of(prepared[0], tmp_path), prepared)


@pytest.mark.slow_because("a server dies at each step")
def test_a_server_that_dies_at_a_step_of_an_import_ends_with_the_same_records(prepared, tmp_path):
    step = 4 if rounds("fault_places") == 1 else 1
    points = POINTS[seed() % step::step]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        died = pool.map(lambda point: die_and_restart(prepared, tmp_path / point.replace(" ", "_"), point), points)
        assert [point for point, d in zip(points, died) if not d] == []


@pytest.mark.slow_because("a server dies at changes of the file of a set")
def test_a_server_that_dies_at_a_change_of_a_set_ends_with_the_same_records(prepared, tmp_path):
    step = 40 // rounds("fault_places")
    numbers, died = itertools.count(seed() % step + 1, step), [True]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        while all(died):
            these = list(itertools.islice(numbers, AT_ONCE))
            died = list(pool.map(lambda n: die_and_restart(prepared, tmp_path / str(n), f"change {n}"), these))
            assert these[-1] < 2000
    print("%d changes" % these[died.index(False)])
    assert these[0] > 1 or any(died)


# ── at random

FILES = 3  # that a client sends before a kill


class Sender(threading.Thread):
    """Sends files to a bucket and asks for their imports, until the server is gone. files: (id, rows) of those that have their bytes."""

    def __init__(self, client, server, bucket, rng):
        super().__init__(daemon=True)
        self.client, self.server, self.bucket, self.rng = client, server, bucket, rng
        self.begun, self.problem, self.files, self.acked = threading.Event(), None, [], set()

    def run(self):
        connection = self.server.connect()
        try:
            for _ in range(FILES):
                self.one(connection)
                self.begun.set()
        except (OSError, http.client.HTTPException):
            pass
        except BaseException as problem:  # noqa: B902
            self.problem = problem
        finally:
            self.begun.set()
            connection.close()

    def one(self, connection):
        rows = random_rows(self.rng, self.rng.choice((1, 999, 1000, 1001, 4000, 20000)), KEYS)
        file = self.client.send(self.server, "a.cc5txt", bytes_of(rows), self.bucket, connection)
        self.files.append((file, rows))
        if self.rng.random() < 0.5:  # two ask at once, under one action or under two
            twin = threading.Thread(target=self.ask_again, args=(file, self.rng.choice(("one", "two"))), daemon=True)
            twin.start()
        self.client.start(self.server, file, self.bucket, "one", connection)
        self.acked.add(file)

    def ask_again(self, file, action):
        try:
            self.client.start(self.server, file, self.bucket, action)
        except (OSError, http.client.HTTPException):
            pass


def expect_accepted(client, server, senders, models):
    """Imports were carried out in the order in which they were accepted, which is that of their jobs. A file has one, or two if somebody
    asked under another action when the first had ended: then all of it was imported again."""
    rows_of, numbers, ended = {}, {}, {}
    for s in senders:
        for file, rows in s.files:
            if client.file(server, file, s.bucket)["Status"] == "uploaded":
                assert file not in s.acked
            else:
                ended[file] = client.ended(server, file, s.bucket)
                rows_of["sync:" + file] = (file, s.bucket, rows)
    jobs = import_jobs(server, ended)
    for job in jobs:
        file, bucket, rows = rows_of[job["subject"]]
        assert job["state"] == "done", job
        numbers[file] = models[bucket].apply(rows)
    assert len(jobs) <= 2 * len(rows_of)
    assert {file: numbers_of(end) for file, end in ended.items()} == numbers


def kill_at_random(data, count, seed):
    rng, place = random.Random(seed), Place(data)
    models, state = {bucket: Model() for bucket in BUCKETS}, {"files": 0}
    with place.start() as server:
        client = Client.add(server)

    def prepare(server):
        state["senders"] = [Sender(client, server, bucket, random.Random(rng.random())) for bucket in BUCKETS]
        return state["senders"]

    def one_round(number):
        kill_in_the_middle(place, prepare, rng, 1.5)
        if number % 2 == 0:
            place.kill_while_starting(rng)
        with place.start() as server:
            expect_accepted(client, server, state["senders"], models)
        for bucket in BUCKETS:
            assert records_of(data, bucket) == models[bucket].records, bucket
        state["files"] += sum(len(s.acked) for s in state["senders"])
    rounds_of(place, count, one_round, 2, seed)
    report = place.fsck()
    assert not [f for f in report["findings"] if f["severity"] != "note"], report
    return state["files"]


@pytest.mark.slow_because("servers are killed at random")
def test_imports_that_were_accepted_end_as_if_nothing_had_happened_after_any_kill(tmp_path):
    results, _ = side_by_side(kill_at_random, tmp_path, rounds("import_kills"))
    assert sum(results) > 0
