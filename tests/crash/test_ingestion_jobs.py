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

ROWS = 300000  # take more than a second to read


@pytest.fixture(scope="module")
def large():
    return lines(0, ROWS)


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path / "data", *SETTINGS) as server:
        server.client = Client.add(server)
        server.client.schema(server, "sales")
        yield server
    assert not fsck(server.data)["findings"]


def send_and_wait_for_its_run(client, server, data):
    client.send(server, "sales", "large.jsonl", data)

    def runs():
        (job,) = jobs(server)
        assert job["state"] in ("queued", "running"), job
        return job if job["progress"] > 0 else None
    return wait_for("the file to be half read", runs, 120)


def test_a_job_that_reads_a_file_shows_its_progress_and_can_be_cancelled(server, large):
    client = server.client
    job = send_and_wait_for_its_run(client, server, large)
    assert job["total"] == len(large) and 0 < job["progress"] <= len(large) and job["subject"].startswith("file:"), job
    fields = {"n": "integer", "name": "string", "price": "decimal", "more": "integer"}
    client.expect(server, 200, "PUT", "/schemas/sales", {"name": "sales", "fields": fields})
    assert client.rows(server, "sales", ["count(*)", "sum(more)"]) == [[0, None]]  # queries do not wait for the file
    server.cais("jobs", "cancel", str(job["id"]))
    file = client.ended(server, "sales", "large.jsonl")
    assert (file["processing_status"], file["rows"], len(file["errors"])) == ("failed", 0, 1), file
    wait_for("the job to end", lambda: jobs(server)[0]["state"] == "cancelled")
    expect_rows_once(client, server, "sales", [])
    server.cais("jobs", "retry", str(job["id"]))
    wait_for("the file to be read", lambda: client.file(server, "sales", "large.jsonl")["processing_status"] == "completed", 300)
    expect_rows_once(client, server, "sales", range(ROWS))
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


def test_a_server_that_stops_while_a_file_is_read_stops_soon_and_goes_on_later(tmp_path, large):
    data = tmp_path / "data"
    with Server(data, *SETTINGS) as server:
        client = Client.add(server)
        client.schema(server, "sales")
        send_and_wait_for_its_run(client, server, large)
        begun = time.monotonic()
        server.stop()
        took = time.monotonic() - begun
    assert took < 5, took
    with Server(data, *SETTINGS) as server:
        file = client.ended(server, "sales", "large.jsonl")
        assert (file["processing_status"], file["rows"], file["errors"]) == ("completed", ROWS, []), file
        expect_rows_once(client, server, "sales", range(ROWS))
    assert not fsck(data)["findings"]
