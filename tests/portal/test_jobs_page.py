# SPDX-License-Identifier: Apache-2.0
"""The background work of the account in the portal."""

import os
import sqlite3

import pytest

from flows import CHROMIUM, person, run_flow
from ports import free_port
from server import Server

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is missing: tools/setup test")
JOB = ("INSERT INTO jobs (id, kind, subject, account_id, group_key, payload, state, created_at_ms, run_at_ms, started_at_ms, finished_at_ms, attempts,"
       " progress, total, checkpoint, result, error, lease_owner, lease_until_ms, cancel_at_ms) SELECT ?, ?, 'file:1', id, '', '', ?, 1796000000000,"
       " 1796000000000, 1796000000000, 0, 1, ?, 900, '', '', ?, '', 0, 0 FROM accounts WHERE name = 'default'")


@pytest.mark.parametrize("language,colors", [("en", "light"), ("pt-BR", "dark"), ("es", "light"), ("ru", "dark")])
def test_jobs_are_listed_followed_cancelled_and_repeated(tmp_path, language, colors):
    with Server(tmp_path, "--listen", f"127.0.0.1:{free_port()}", listen=False) as server:
        login = person(server, "--admin")

        def add():  # kinds that no worker runs; the server does not run meanwhile
            server.stop()
            db = sqlite3.connect(os.path.join(server.data, "cais.db"), isolation_level=None)
            for row in [(901, "import", 2, 900, ""), (902, "import", 3, 17, "line 18: <img src=x onerror=alert(1)>"), (903, "later", 0, 250, "")]:
                db.execute(JOB, row)
            db.close()
            server.start()
        run_flow("jobs", server, tmp_path, {"add": add, "cancel": lambda: server.cais("jobs", "cancel", "903").stdout}, login=login, language=language,
                 colors=colors)
