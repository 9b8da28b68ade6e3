# SPDX-License-Identifier: Apache-2.0
"""The disk is full while files become rows: no half file becomes visible, everything else is answered, and reading goes on by itself
when there is room again."""
import gzip
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from data_files import INGESTION_S, SETTINGS, Client, expect_rows_once, jobs, lines  # noqa: E402
from serving import wait_for  # noqa: E402
from test_disk_and_clock_faults import MIB, SmallDisk, ask_first, health  # noqa: E402

LARGE_ROWS = 100000  # takes about 20 MiB as rows, and half of that as a file


@pytest.fixture
def disk(tmp_path):
    disk = SmallDisk(tmp_path, 96 * MIB)
    yield disk
    disk.close()


@pytest.fixture(scope="module")
def large():
    return gzip.compress(lines(0, LARGE_ROWS, pad=300), compresslevel=1)


def prepare(server):
    client = Client.add(server)
    for slug in ("sales", "other"):
        client.schema(server, slug)
        client.send(server, slug, "a.jsonl", lines(1000000, 10))
        assert client.ended(server, slug, "a.jsonl")["rows"] == 10
        client.upload_path(server, slug)
    return client


def table_bytes(disk):
    folder = disk.outside(disk.data / "datasets")
    return sum(os.stat(os.path.join(folder, n)).st_size for n in os.listdir(folder))


def expect_seen(server, more_than):
    """The server looks at most once a second how much is free."""
    token = server.cais_json("key", "add", "ana", "--for", "native")["token"]
    wait_for("the new free space to be seen",
             lambda: "507" in ask_first(server, "PUT /v1/native/files/x", token, more_than + MIB))


def expect_waiting(client, server):
    """The large file waits for room, and does not hold up what needs none."""
    job = wait_for("an attempt to end", lambda: [j for j in jobs(server) if j["error"]], INGESTION_S)[0]
    assert job["state"] in ("queued", "running") and job["attempts"] <= 1, job
    assert client.file(server, "sales", "large.jsonl.gz")["processing_status"] == "processing"
    expect_rows_once(client, server, "sales", range(1000000, 1000010))
    expect_rows_once(client, server, "other", range(1000000, 1000010))
    return job


def expect_goes_on(client, server):
    file = client.ended(server, "sales", "large.jsonl.gz")
    assert (file["processing_status"], file["rows"], file["errors"]) == ("completed", LARGE_ROWS, [])
    assert sorted(n for n, in client.rows(server, "sales")) == [*range(LARGE_ROWS), *range(1000000, 1000010)]


@pytest.mark.slow_because("a file waits for room")
def test_rows_leave_the_reserve_alone_and_come_when_there_is_room(disk, large):
    with disk.start(*SETTINGS, "--set", "storage.reserve_free_space=16M") as server:
        client = prepare(server)
        before = table_bytes(disk)
        disk.fill(leave=len(large) + 16 * MIB + 6 * MIB)  # for the file, and a part of its rows
        expect_seen(server, more_than=len(large) + 6 * MIB)
        client.send(server, "sales", "large.jsonl.gz", large)
        job = expect_waiting(client, server)
        assert "above the reserve" in job["error"], job
        assert disk.free() > 12 * MIB, disk.free()  # what DuckDB writes in one piece may come out of the reserve
        print("free %d, tables %d -> %d" % (disk.free(), before, table_bytes(disk)))
        disk.make_room()
        expect_goes_on(client, server)
        assert health(server) == ("ok", 200)
        server.stop(errors_expected=True)
    disk.fsck()


@pytest.mark.slow_because("a file waits for room")
def test_a_disk_that_is_full_under_a_table_leaves_no_half_file(disk, large):
    with disk.start(*SETTINGS, "--set", "storage.reserve_free_space=0") as server:
        client = prepare(server)
        disk.fill(leave=len(large) + 2 * MIB)
        client.send(server, "sales", "large.jsonl.gz", large)
        expect_waiting(client, server)
        server.kill()  # and after a restart on a full disk
    with disk.start(*SETTINGS, "--set", "storage.reserve_free_space=0") as server:
        expect_rows_once(client, server, "other", range(1000000, 1000010))
        expect_waiting(client, server)
        disk.make_room()
        expect_goes_on(client, server)
        server.stop(errors_expected=True)
    disk.fsck()
