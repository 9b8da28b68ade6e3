# SPDX-License-Identifier: Apache-2.0
"""The server is killed while files become rows: at each point of an ingestion, at each change of a file of a table, and at random.
After the restart the rows of each file are there exactly once, or not at all when the file has an error."""
import concurrent.futures
import gzip
import http.client
import itertools
import os
import random
import signal
import sys
import threading

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from data_files import DYING, SETTINGS, Client, expect_rows_once, lines  # noqa: E402
from killing import Place, kill_in_the_middle, rounds_of, side_by_side  # noqa: E402
from rounds import rounds, seed  # noqa: E402
from serving import Server, fsck, run, wait_for  # noqa: E402

POINTS = [f"{when} {step}" for step in (
    "the job", "the record of a running file", "define", "has_file", "open", "the first add", "a later add", "commit",
    "the record of a finished file", "size", "the record of the table") for when in ("before", "after")]
AT_ONCE = 4  # servers
ROWS = 5000  # more than one batch of a writer


def test_the_points_are_those_that_the_program_knows():
    assert run(DYING, "--points").stdout.splitlines() == POINTS


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A data directory with two schemas; one has rows. Returns (its path, client)."""
    data = tmp_path_factory.mktemp("prepared") / "data"
    with Server(data, *SETTINGS) as server:
        client = Client.add(server)
        for slug in ("sales", "other"):
            client.schema(server, slug)
            client.upload_path(server, slug)
        client.send(server, "other", "a.jsonl", lines(0, 10))
        client.ended(server, "other", "a.jsonl")
    return str(data), client


def copy_of(prepared, folder):
    data = str(folder / "data")
    run("cp", "-a", prepared[0], data)
    return data


def ingest_and_die(data, client, at):
    """Send a file to a server that ends at this point. Returns whether it died before the file was processed."""
    server = Server(data, *SETTINGS, program=DYING, environment={"CAIS_TEST_DIE_AT": at})
    try:
        client.put(server, "sales", "a.jsonl", lines(0, ROWS))
        client.ended(server, "sales", "a.jsonl")
        server.stop()  # closing the table writes to it, too
        return server.process.returncode != 0
    except (OSError, AssertionError):
        wait_for("the end of the server", lambda: server.process.poll() is not None, 20)
        assert server.process.returncode == -signal.SIGKILL, server.log()
        return True
    finally:
        server.kill()


def expect_whole_after_restart(data, client):
    with Server(data, *SETTINGS) as server:
        client.send(server, "other", "b.jsonl", lines(10, 10))  # meanwhile another schema works
        assert client.ended(server, "other", "b.jsonl")["rows"] == 10
        if not client.file(server, "sales", "a.jsonl"):  # the upload was not acknowledged
            client.send(server, "sales", "a.jsonl", lines(0, ROWS))
        file = client.ended(server, "sales", "a.jsonl")
        assert (file["processing_status"], file["rows"], file["errors"]) == ("completed", ROWS, []), file
        expect_rows_once(client, server, "sales", range(ROWS))
        client.send(server, "sales", "again.jsonl", lines(0, ROWS))  # the same bytes are a duplicate
        assert client.ended(server, "sales", "again.jsonl")["duplicate_of"] == file["id"]
        expect_rows_once(client, server, "sales", range(ROWS))
        expect_rows_once(client, server, "other", range(20))
    report = fsck(data)
    assert not report["findings"], report


def die_and_restart(prepared, folder, at):
    folder.mkdir()
    data = copy_of(prepared, folder)
    died = ingest_and_die(data, prepared[1], at)
    expect_whole_after_restart(data, prepared[1])
    return died


@pytest.mark.slow_because("a server dies at each point")
def test_a_server_that_dies_at_a_point_of_an_ingestion_adds_its_rows_once(prepared, tmp_path):
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        died = pool.map(lambda point: die_and_restart(prepared, tmp_path / point.replace(" ", "_"), point), POINTS)
        assert [point for point, d in zip(POINTS, died) if not d] == []


@pytest.mark.slow_because("a server dies at each change of the files of a table")
def test_a_server_that_dies_at_a_change_of_a_table_adds_its_rows_once(prepared, tmp_path):
    step = 10 // rounds("fault_places")
    numbers, died = itertools.count(seed() % step + 1, step), [True]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        while all(died):
            these = list(itertools.islice(numbers, AT_ONCE))
            died = list(pool.map(lambda n: die_and_restart(prepared, tmp_path / str(n), f"change {n}"), these))
            assert these[-1] < 1000
    print("%d changes" % these[died.index(False)])
    assert these[0] > 1 or any(died)


# ── at random

SLUGS = ("sales", "other", "third")
FILES = 4  # that a client sends before a kill


class Sender(threading.Thread):
    """Sends files until the server is gone. acked: {(slug, name): what} of those that were acknowledged; sent: of all. `what` is
    the range of the rows, or None for a file with an error."""

    def __init__(self, client, server, number, rng):
        super().__init__(daemon=True)
        self.client, self.server, self.number, self.rng = client, server, number, rng
        self.begun, self.problem, self.acked, self.sent = threading.Event(), None, {}, {}

    def run(self):
        connection = self.server.connect()
        try:
            for i in range(FILES):
                self.one(connection, i)
                self.begun.set()
        except OSError:
            pass
        except http.client.HTTPException:
            pass
        except BaseException as problem:  # noqa: B902
            self.problem = problem
        finally:
            self.begun.set()
            connection.close()

    def one(self, connection, i):
        first = (self.number * FILES + i) * 5000
        count = self.rng.choice((0, 1, 50, 3000))
        data, what = lines(first, count), range(first, first + count)
        if self.rng.random() < 0.2:
            data, what = data + b"{no json\n", None
        name = f"{self.number}-{i}.jsonl"
        if self.rng.random() < 0.3:
            name, data = name + ".gz", gzip.compress(data, mtime=first)
        slug = self.rng.choice(SLUGS)
        if self.rng.random() < 0.3:  # the same bytes twice at the same time
            twin = threading.Thread(target=self.put_again, args=(slug, "twin-" + name, data, what), daemon=True)
            twin.start()
        self.put(slug, name, data, what, connection)

    def put(self, slug, name, data, what, connection):
        self.sent[slug, name] = what
        status = self.client.put(self.server, slug, name, data, connection)
        assert status == 200, status
        self.acked[slug, name] = what

    def put_again(self, *file):
        try:
            self.put(*file, None)
        except (OSError, http.client.HTTPException):
            pass


def expect_all_acknowledged(client, server, acked, sent):
    for slug in SLUGS:
        files = client.all_ended(server, slug)
        by_name = {f["file_name"]: f for f in files}
        assert len(by_name) == len(files)
        lost = [name for s, name in acked if s == slug and name not in by_name]
        assert not lost, (slug, lost)
        expected, seen = [], set()
        for f in files:
            what = sent[slug, f["file_name"]]
            if what is None:
                assert (f["processing_status"], f["rows"]) == ("failed", 0) and f["errors"], f
            elif f["duplicate"]:
                assert f["processing_status"] == "completed" and f["rows"] == 0, f
            else:
                assert (f["processing_status"], f["rows"]) == ("completed", len(what)), f
                assert not len(what) or what.start not in seen, f
                seen.add(what.start)
                expected += what
        for f in files:  # the rows of a duplicate are there
            what = sent[slug, f["file_name"]]
            assert not what or what.start in seen, f
        assert sorted(n for n, in client.rows(server, slug)) == sorted(expected), slug


def kill_at_random(data, rounds, seed):
    rng, place = random.Random(seed), Place(data, *SETTINGS)
    acked, sent, state = {}, {}, {"number": 1}
    with place.start() as server:
        client = Client.add(server)
        for slug in SLUGS:
            client.schema(server, slug)
            client.upload_path(server, slug)

    def prepare(server):
        senders = [Sender(client, server, state["number"] + i, random.Random(rng.random())) for i in range(4)]
        state["number"] += 4
        state["senders"] = senders
        return senders

    def one_round(number):
        kill_in_the_middle(place, prepare, rng, 0.6)
        for s in state["senders"]:
            acked.update(s.acked)
            sent.update(s.sent)
        if number % 2 == 0:
            place.kill_while_starting(rng)
        with place.start() as server:
            expect_all_acknowledged(client, server, acked, sent)
    rounds_of(place, rounds, one_round, 2, seed)
    report = place.fsck()
    assert not [f for f in report["findings"] if f["severity"] != "note"], report
    return {"files": len(sent), "acknowledged": len(acked)}


@pytest.mark.slow_because("servers are killed at random")
def test_files_that_were_acknowledged_are_rows_after_any_kill(tmp_path):
    results, _ = side_by_side(kill_at_random, tmp_path, rounds("ingestion_kills"))
    assert sum(r["acknowledged"] for r in results) > 20
