# SPDX-License-Identifier: Apache-2.0
"""`cais jobs`: the list, retry and cancel, while a server runs and while none does."""
import json
import os
import re
import sqlite3
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "crash"))
from serving import BINARY, Server, run, wait_for  # noqa: E402

KINDS = ["tasks", "datasets", "purge", "garbage", "sweep", "scrub", "tokens", "keys", "reports", "jobs", "webhooks", "figures", "audit"]


def jobs(data):
    return {job["kind"]: job for job in map(json.loads, run(BINARY, "jobs", "--data", data, "--json").stdout.splitlines())}


@pytest.fixture(params=(True, False), ids=("with_a_server", "without"))
def data(tmp_path, request):
    """A data directory whose periodic jobs have all run."""
    server = Server(tmp_path / "data")
    try:
        wait_for("every job to have run", lambda: all(j["state"] == "queued" and "finished_at" in j
                                                      for j in jobs(server.data).values()))
        if not request.param:
            server.stop()
        yield server.data
        server.stop()
    finally:
        server.kill()


def test_the_list_shows_each_job_on_a_line(data):
    lines = run(BINARY, "jobs", "--data", data).stdout.splitlines()
    assert [line.split()[1] for line in lines] == KINDS
    for line in lines:
        time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
        assert re.fullmatch(rf" *\d+  \w+ +queued  {time}  0  0  -  -  -  {time}  {time}  {time}", line), line
    job = jobs(data)["purge"]
    assert set(job) == {"id", "kind", "state", "run_at", "attempts", "progress", "error", "subject", "total", "created_at",
                        "started_at", "finished_at", "cancelling", "result"}
    assert (job["attempts"], job["progress"], job["error"], job["cancelling"]) == (0, 0, "", False)


def test_retry_makes_a_waiting_job_due_now(data):
    before = jobs(data)["sweep"]
    done = run(BINARY, "jobs", "retry", before["id"], "--data", data)
    assert done.stdout == "job %d is due now\n" % before["id"]
    again = json.loads(run(BINARY, "jobs", "retry", before["id"], "--data", data, "--json").stdout)
    assert again == {"id": before["id"], "state": "queued"}
    after = jobs(data)["sweep"]
    assert after["run_at"] < before["run_at"] or after["started_at"] >= before["started_at"]
    actions = [json.loads(line) for line in run(BINARY, "audit", "--data", data, "--json").stdout.splitlines()]
    assert [a["subject"] for a in actions if a["action"] == "job.retry"] == ["job:%d" % before["id"]] * 2


def test_what_cannot_be_changed_is_refused_with_its_reason(data):
    id_ = jobs(data)["sweep"]["id"]
    for words, code, said in (
            (("cancel", id_), 1, "cais jobs cancel: job %d runs periodically and waits for its time\n" % id_),
            (("cancel", 999), 1, "cais jobs cancel: there is no job 999: 'cais jobs' shows what there is\n"),
            (("retry", 999), 1, "cais jobs retry: there is no job 999: 'cais jobs' shows what there is\n"),
            (("retry", "sweep"), 2, "cais jobs retry: 'sweep' is not the number of a job; try 'cais jobs retry --help'\n"),
            (("cancel", 0), 2, "cais jobs cancel: '0' is not the number of a job; try 'cais jobs cancel --help'\n")):
        done = run(BINARY, "jobs", *words, "--data", data, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (code, "", said)


@pytest.mark.parametrize("data", (False,), ids=("without",), indirect=True)
def test_a_job_that_runs_once_is_cancelled_and_retried(data):
    db = sqlite3.connect(os.path.join(data, "cais.db"), isolation_level=None)
    db.execute("INSERT INTO jobs (id, kind, subject, account_id, group_key, payload, state, created_at_ms, run_at_ms,"
               " started_at_ms, finished_at_ms, attempts, progress, total, checkpoint, result, error, lease_owner,"
               " lease_until_ms, cancel_at_ms) VALUES (999, 'later', 'file:1', 0, '', '', 0, 1, 1, 0, 0, 0, 0, 0, '', '',"
               " '', '', 0, 0)")
    db.close()
    for words, code, said, state in (("cancel", 0, "job 999 is cancelled\n", "cancelled"),
                                     ("cancel", 1, "cais jobs cancel: job 999 is cancelled\n", "cancelled"),
                                     ("retry", 0, "job 999 is due now\n", "queued")):
        done = run(BINARY, "jobs", words, "999", "--data", data, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (code, said)
        job = jobs(data)["later"]
        assert (job["state"], job["subject"]) == (state, "file:1")
    line = run(BINARY, "jobs", "--data", data).stdout.splitlines()[-1]
    assert re.match(r"999  later +queued  ", line) and "  0  0  -  file:1  -  " in line, line
