# SPDX-License-Identifier: Apache-2.0
"""Administration in the portal."""

import os
import sqlite3
import subprocess
import time

import pytest

from flows import CHROMIUM, person, run_flow
from ports import free_port
from server import Server

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is missing: tools/setup test")
HOSTILE = "<img/src=x/onerror=alert(1)>'\"$(touch${IFS}ran).exe"
LONG = "я" * 64  # 128 bytes
DAYS = 60
APIS = ("native", "s3", "pyrus", "datasnap", "runrun", "redu", "appfile")
FIGURES = ("INSERT INTO account_figures (account_id, day, at_ms, used_bytes, used_files, record_bytes, garbage_bytes, max_bytes)"
           " SELECT id, ?, ?, ?, ?, 4096, 1024, 0 FROM accounts WHERE name = 'default' ON CONFLICT DO NOTHING")


def add_figures(server):
    """Of the last DAYS days, one of which the server was off."""
    server.stop()
    today = int(time.time()) // 86400
    db = sqlite3.connect(os.path.join(server.data, "cais.db"), isolation_level=None)
    for back in range(DAYS):
        if back != 20:
            db.execute(FIGURES, ((today - back), (today - back) * 86400000, (DAYS - back) * 37_000_000 + back % 7 * 9_000_000, 900 - back))
    db.close()
    server.start()


@pytest.mark.slow_because("every part of the page, each with axe")
@pytest.mark.parametrize("language,colors", [("en", "light"), ("pt-BR", "dark"), ("es", "light"), ("ru", "dark")])
def test_an_administrator_manages_users_and_keys_and_looks_at_the_rest(tmp_path, language, colors):
    with Server(tmp_path, "--listen", f"127.0.0.1:{free_port()}", listen=False) as server:
        login, plain = person(server, "--admin"), person(server)
        server.user(HOSTILE)
        server.user(LONG)
        server.cais("workspace", "add", "agency")
        server.cais("bucket", "add", "main", "--workspace", "agency")
        add_figures(server)

        def run(lines):  # as somebody would who pastes them into a shell
            return [subprocess.run(["bash", "-c", line], cwd=tmp_path, stdout=subprocess.DEVNULL, check=False).returncode for line in lines]
        apis = APIS if language == "en" else APIS[:1]
        run_flow("admin", server, tmp_path, {"run": run}, login=login, plain=plain, hostile=HOSTILE, users=4, days=DAYS - 1, apis=apis, language=language, whole=language == "en",
                 colors=colors)
        assert not os.path.exists(tmp_path / "ran"), "a login was run as a command"
