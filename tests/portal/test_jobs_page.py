# SPDX-License-Identifier: Apache-2.0
"""The background work of the account in the portal."""

import os
import sqlite3

import pytest

from flows import CHROMIUM, person, run_flow
from ports import free_port
from server import wait_for
from test_appfile import AppfileServer, sync_file

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is missing: tools/setup test")
JOB = ("INSERT INTO jobs (id, kind, subject, account_id, group_key, payload, state, created_at_ms, run_at_ms, started_at_ms, finished_at_ms, attempts,"
       " progress, total, checkpoint, result, error, lease_owner, lease_until_ms, cancel_at_ms) SELECT ?, ?, 'file:1', id, '', '', ?, 1796000000000,"
       " 1796000000000, 1796000000000, 0, 1, ?, 900, '', '', ?, '', 0, 0 FROM accounts WHERE name = 'default'")


@pytest.mark.parametrize("language,colors", [("en", "light"), ("pt-BR", "dark"), ("es", "light"), ("ru", "dark")])
def test_jobs_are_listed_followed_cancelled_and_repeated(tmp_path, language, colors):
    with AppfileServer(tmp_path, f"server.listen=127.0.0.1:{free_port()}", listen=False) as server:
        login = person(server, "--admin")
        token = server.key(login, "native")["token"]

        def add():  # kinds that no worker runs; the server does not run meanwhile
            server.stop()
            db = sqlite3.connect(os.path.join(server.data, "cais.db"), isolation_level=None)
            for row in [(901, "copy", 2, 900, ""), (902, "copy", 3, 17, "line 18: <img src=x onerror=alert(1)>"), (903, "later", 0, 250, "")]:
                db.execute(JOB, row)
            db.close()
            server.start()

        def send():  # a sync file with a wrong row, whose key is hostile
            server.import_file(server.put(sync_file(["10|F-1|Silva|4|", "10|<img src=x onerror=alert(3)>|Souza|many|"]), name="families.cc5txt"))

        def imports(count):
            """How often the file was asked to be imported, once that is so often and has ended."""
            def ended():
                (now,) = server.ask("GET", "/v1/native/imports", [("Authorization", "Bearer " + token)]).json()["imports"]
                return now["imports"] == count and now["state"] == "imported_with_errors" and now["imports"]
            return wait_for("the import", ended)
        run_flow("jobs", server, tmp_path, {"add": add, "send": send, "imports": imports, "cancel": lambda: server.cais("jobs", "cancel", "903").stdout}, login=login, language=language,
                 colors=colors)
