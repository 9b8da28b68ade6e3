# SPDX-License-Identifier: Apache-2.0
"""The jobs that read files into rows: shown, cancelled, repeated; and a server that stops while one runs."""
import json
import os
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from data_files import SETTINGS, Client, expect_rows_once, jobs, lines  # noqa: E402
from serving import Server, fsck, wait_for  # noqa: E402

ROWS = 300000  # take a second to read, or less on a fast machine


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path / "data", *SETTINGS) as server:
        server.client = Client.add(server)
        server.client.schema(server, "sales")
        yield server
    assert not fsck(server.data)["findings"]


def send_until_one_is_read(client, server):
    """Send files, each twice as large as the one before, until one is being read when we look: (its schema, its rows, its job)."""
    def seen():
        job = max(jobs(server), key=lambda j: j["id"], default={"state": "", "progress": 0})
        return job if job["progress"] > 0 or job["state"] == "done" else None
    for attempt in range(5):
        slug, rows = f"sales-{attempt}", ROWS << attempt
        client.schema(server, slug)
        known = len(jobs(server))
        client.send(server, slug, "large.jsonl", lines(0, rows))
        wait_for("its job", lambda: len(jobs(server)) > known)  # pylint: disable=cell-var-from-loop
        job = wait_for("the file to be half read", seen, 120)
        if job["state"] != "done":
            return slug, rows, job
    raise AssertionError("every file was read before we looked")


def test_a_job_that_reads_a_file_shows_its_progress_and_can_be_cancelled(server):
    client = server.client
    slug, rows, job = send_until_one_is_read(client, server)
    size = client.file(server, slug, "large.jsonl")["size_bytes"]
    assert job["total"] == size and 0 < job["progress"] <= size and job["subject"].startswith("file:"), job
    fields = {"n": "integer", "name": "string", "price": "decimal", "more": "integer"}
    client.expect(server, 200, "PUT", f"/schemas/{slug}", {"name": slug, "fields": fields})
    assert client.rows(server, slug, ["count(*)", "sum(more)"]) == [[0, None]]  # queries do not wait for the file
    server.cais("jobs", "cancel", str(job["id"]))
    file = client.ended(server, slug, "large.jsonl")
    assert (file["processing_status"], file["rows"], len(file["errors"])) == ("failed", 0, 1), file
    wait_for("the job to end", lambda: next(j for j in jobs(server) if j["id"] == job["id"])["state"] == "cancelled")
    expect_rows_once(client, server, slug, [])
    server.cais("jobs", "retry", str(job["id"]))
    wait_for("the file to be read", lambda: client.file(server, slug, "large.jsonl")["processing_status"] == "completed", 300)
    expect_rows_once(client, server, slug, range(rows))
    audit = [json.loads(line)["action"] for line in server.cais("audit", "--json").stdout.splitlines()]
    assert "job.cancel" in audit and "job.retry" in audit


def test_a_processing_queues_a_job_for_each_file_that_waits(server):
    client = server.client
    client.schema(server, "manual", processing="manual")
    for i in range(3):
        client.send(server, "manual", f"{i}.jsonl", lines(10 * i, 10))
    assert all(f["processing_status"] == "pending" for f in client.files(server, "manual"))
    reply = client.expect(server, 200, "POST", "/schemas/manual/process-files", {})
    assert reply["files_count"] == 3
    files = client.all_ended(server, "manual")
    assert all(f["processing_status"] == "completed" for f in files)
    assert {j["kind"] for k in ("process", "ingest", "datasets") for j in jobs(server, k)} == {"process", "ingest", "datasets"}
    expect_rows_once(client, server, "manual", range(30))


def test_a_server_that_stops_while_a_file_is_read_stops_soon_and_goes_on_later(tmp_path):
    data = tmp_path / "data"
    with Server(data, *SETTINGS) as server:
        client = Client.add(server)
        slug, rows, _ = send_until_one_is_read(client, server)
        begun = time.monotonic()
        server.stop()
        took = time.monotonic() - begun
    assert took < 5, took
    with Server(data, *SETTINGS) as server:
        file = client.ended(server, slug, "large.jsonl")
        assert (file["processing_status"], file["rows"], file["errors"]) == ("completed", rows, []), file
        expect_rows_once(client, server, slug, range(rows))
    assert not fsck(data)["findings"]
