# SPDX-License-Identifier: Apache-2.0
"""Kill the server while a job of a certain kind runs, for each kind there is. The next server goes on at once, does all
that was left, and reports exactly that as its progress. When the job was cancelled in between, it does nothing until its
next period."""
import os
import sqlite3
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from killing import HOUR_MS, Place, content  # noqa: E402
from rounds import rounds  # noqa: E402
from serving import CLOCKED, clean_environment, run, wait_for  # noqa: E402

QUEUED, RUNNING, DONE = 0, 1, 2
PERIOD_S = {"tasks": 60, "purge": 60, "garbage": 300, "sweep": 6 * 3600, "tokens": 3600, "jobs": 3600, "audit": 24 * 3600}
SETTINGS = ("--set", "pyrus.purge_after=1h", "--set", "pyrus.rate_limit=0", "--set", "pyrus.token_lifetime=1h",
            "--set", "pyrus.tokens_per_user=100000")
KEPT_DAYS = 3
ORPHANS = 90  # of more, and more than a tenth, the sweep would believe that records are lost


class Records:
    """The database, looked at from outside while a server may use it."""

    def __init__(self, place):
        self.path = os.path.join(place.data, "cais.db")
        self.blobs = os.path.join(place.data, "blobs")

    def ask(self, sql, *values, write=False):
        db = sqlite3.connect("file:%s?mode=%s" % (self.path, "rw" if write else "ro"), uri=True, isolation_level=None)
        try:
            return db.execute(sql, values).fetchall()
        finally:
            db.close()

    def job(self, kind):
        columns = ("id", "state", "progress", "run_at_ms", "finished_at_ms", "error", "attempts")
        rows = self.ask("SELECT %s FROM jobs WHERE kind = ? AND subject = ''" % ", ".join(columns), kind)
        return dict(zip(columns, rows[0]))

    def keys(self):
        return {name for _, _, names in os.walk(self.blobs) for name in names}

    def left(self, kind, now_ms):
        """How many items a run of the kind has to do now."""
        count = {
            "purge": "SELECT COUNT(*) FROM files WHERE purge_at_ms > 0 AND purge_at_ms <= %d" % now_ms,
            "garbage": "SELECT COUNT(*) FROM garbage",
            "tasks": "SELECT (SELECT COUNT(*) FROM refs JOIN removed_tasks USING (task_id))"
                     " + (SELECT COUNT(*) FROM comments JOIN removed_tasks USING (task_id))",
            "tokens": "SELECT COUNT(*) FROM credentials WHERE form = 1",
            "jobs": "SELECT COUNT(*) FROM jobs WHERE state >= 2",
            "audit": "SELECT COUNT(*) FROM events WHERE at_ms < %d" % (now_ms - KEPT_DAYS * 24 * HOUR_MS),
        }
        if kind == "sweep":
            return len([key for key in self.keys() if key.startswith("0f00")])
        return self.ask(count[kind])[0][0]


def make_work(place, records, kind, number):
    """Enough for more than one step of a run."""
    with place.start() as server:
        user = place.user = getattr(place, "user", None) or server.user("ana@example.org")
        token = server.login(user)
        if kind == "purge":
            for i in range(450):
                assert server.upload(token, "f%d" % i, b"x")[0] == 200
        elif kind == "garbage":
            for i in range(250):
                name = "g%d-%d" % (number, i)
                status, file = server.put(user.native, name, content(name, 20000))
                assert status == 201
                assert server.json("DELETE", "/v1/native/files/" + file["id"], None, user.native)[0] == 204
        elif kind == "tokens":
            for _ in range(200):
                server.login(user)
        server.stop()
    if kind == "sweep":
        folder = os.path.join(records.blobs, "0f")
        os.makedirs(folder, exist_ok=True)
        for i in range(ORPHANS):
            with open(os.path.join(folder, "0f00%08x%08x" % (number, i)), "wb") as f:
                f.write(b"lost")
    elif kind == "tasks":
        remove_task_of_many_rows(records)
    elif kind == "audit":
        records.ask("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
                    " INSERT INTO events (at_ms, account_id, actor_id, action, subject, detail, request_id)"
                    " SELECT 1, 1, 1, 'test', 's', '', '' FROM n", write=True)
    elif kind == "jobs":
        first = records.ask("SELECT MAX(id) FROM jobs")[0][0] + 1
        records.ask("WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 1999)"
                    " INSERT INTO jobs (id, kind, subject, account_id, group_key, payload, state, created_at_ms, run_at_ms,"
                    " started_at_ms, finished_at_ms, attempts, progress, total, checkpoint, result, error, lease_owner,"
                    " lease_until_ms, cancel_at_ms) SELECT ? + i, 'other', 's', 0, '', '', 2, 1, 1, 1, 1, 1, 0, 0, '', '',"
                    " '', '', 0, 0 FROM n", first, write=True)
        records.ask("UPDATE next_ids SET next_id = ? WHERE kind = 'jobs'", first + 2000, write=True)


def remove_task_of_many_rows(records):
    """A task as a request that removes it marks it, with all its rows."""
    user, account = records.ask("SELECT id, account_id FROM users WHERE login = 'ana@example.org'")[0]
    records.ask("INSERT INTO tasks (account_id, author_id, text, subject, details, created_at_ms, modified_at_ms, closed_at_ms)"
                " VALUES (?, ?, 't', '', '', 1, 1, 0)", account, user, write=True)
    task = records.ask("SELECT MAX(id) FROM tasks")[0][0]
    records.ask("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
                " INSERT INTO comments (task_id, author_id, text, details, created_at_ms, edited_at_ms)"
                " SELECT ?, ?, 'said', '', 1, 0 FROM n", task, user, write=True)
    records.ask("INSERT INTO refs (account_id, task_id, comment_id, root_id, version, url, name, created_at_ms)"
                " SELECT ?, task_id, id, NULL, 1, 'https://example.org/', 'x', 1 FROM comments WHERE task_id = ?"
                " ORDER BY id LIMIT 3000", account, task, write=True)
    records.ask("INSERT INTO removed_tasks (task_id, purge_at_ms, account_id, removed_by, request_id)"
                " VALUES (?, 1, ?, ?, '')", task, account, user, write=True)


def kill_while_running(place, records, kind):
    """True: the server is dead and the job is RUNNING. False: the run was over before the kill."""
    server = place.start()
    try:
        before = records.job(kind)["finished_at_ms"]
        db = sqlite3.connect("file:%s?mode=ro" % records.path, uri=True, isolation_level=None)

        def begun():
            state, finished = db.execute("SELECT state, finished_at_ms FROM jobs WHERE kind = ? AND subject = ''",
                                         (kind,)).fetchone()
            return state == RUNNING or finished != before
        end = time.monotonic() + 120  # jobs run with the lowest priority, beside other tests
        while not begun():
            assert time.monotonic() < end, "the job does not begin"
        db.close()
    finally:
        server.kill()
    return records.job(kind)["state"] == RUNNING


def one_round(place, records, kind, number, cancel):
    """Returns whether the kill hit a run."""
    make_work(place, records, kind, number)
    place.clock.set_ahead(place.clock.ahead_ms + 9 * 24 * HOUR_MS)  # all of the work is due, and a run of each kind
    if not kill_while_running(place, records, kind):
        return False
    now_ms = int(time.time() * 1000) + place.clock.ahead_ms
    left, killed = records.left(kind, now_ms), records.job(kind)
    if cancel:
        told = run(CLOCKED, "jobs", "cancel", killed["id"], "--data", place.data,
                   env=clean_environment(**place.clock.environment)).stdout
        assert told == "job %d is told to stop\n" % killed["id"], told
    with place.start() as server:
        wait_for("%s to have run again" % kind, lambda: records.job(kind)["state"] == QUEUED)
        job = records.job(kind)
        server.stop()
    assert job["error"] == "" and job["attempts"] == 0, job
    assert abs(job["run_at_ms"] - job["finished_at_ms"] - PERIOD_S[kind] * 1000) < 1000, job
    if cancel:
        assert records.left(kind, now_ms) == left, "a cancelled run did something"
        assert job["progress"] == 0
    else:
        assert (records.left(kind, now_ms), job["progress"]) == (0, left)
    place.fsck("--quick")
    return True


@pytest.mark.slow_because("a kill for each kind of job")
@pytest.mark.parametrize("cancel", (False, True), ids=("goes_on", "was_cancelled"))
@pytest.mark.parametrize("kind", sorted(PERIOD_S))
def test_a_job_whose_server_is_killed(tmp_path, kind, cancel):
    place = Place(str(tmp_path / "data"), *SETTINGS, *(["--set", f"audit.keep={KEPT_DAYS}d"] if kind == "audit" else []))
    records = Records(place)
    hits = tries = 0
    while hits < rounds("running_job_kills"):
        tries += 1
        assert tries < 20 * rounds("running_job_kills"), "the kill never hits a run"
        hits += one_round(place, records, kind, tries, cancel)


def rows_of_tasks(records):
    tables = ("tasks", "comments", "refs", "holds", "ended_holders", "removed_tasks")
    return [records.ask("SELECT COUNT(*) FROM " + table)[0][0] for table in tables]


def test_a_task_whose_removal_was_acknowledged_stays_removed_after_a_kill(tmp_path):
    place = Place(str(tmp_path / "data"), *SETTINGS)
    records = Records(place)
    with place.start() as server:
        user = server.user("ana@example.org")
        token = server.login(user)
        guid = server.upload(token, "f", b"x")[1]["guid"]
        task = server.json("POST", "/v4/tasks", {"text": "t"}, token)[1]["task"]["id"]
        path = f"/v4/tasks/{task}"
        for i in range(800):  # more than one write removes
            attached = {"attachments": [guid]} if i % 4 == 0 else {}
            assert server.json("POST", path + "/comments", {"text": f"c{i}", **attached}, token)[0] == 200
        assert server.json("DELETE", path, None, token)[0] == 200
        server.kill()
    with place.start() as server:
        token = server.login(user)
        assert server.json("GET", path, None, token)[0] == 403
        assert server.json("POST", path + "/comments", {"text": "late"}, token)[0] == 403
        wait_for("the rest of the task to be removed", lambda: not any(rows_of_tasks(records)))
        server.stop()
    place.fsck("--quick")
