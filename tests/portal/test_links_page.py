# SPDX-License-Identifier: Apache-2.0
"""Links by which people without an account upload: the page of their maker, and the page behind a link."""

import os
import sqlite3

import pytest

from flows import CHROMIUM, person, run_flow
from server import Server

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is missing: tools/setup test")


@pytest.mark.slow_because("two uploads over a throttled connection, and every window of links, each with axe")
@pytest.mark.parametrize("language,colors", [("en", "light"), ("pt-BR", "dark"), ("es", "light"), ("ru", "dark")])
def test_a_link_takes_files_of_somebody_without_an_account(tmp_path, language, colors):
    names = ["<img src=x onerror=alert(7)>.txt", "фото 🐬.bin"]
    for name in names:
        (tmp_path / name).write_bytes(name.encode() * 100)
    (tmp_path / "large.bin").write_bytes(os.urandom(1 << 20) * 40)
    with Server(tmp_path) as server:
        login = person(server)

        def offset():
            with sqlite3.connect(os.path.join(server.data, "cais.db")) as db:
                return db.execute("SELECT offset_bytes FROM transfers WHERE finished_at_ms = 0").fetchone()[0]

        def count():
            with sqlite3.connect(os.path.join(server.data, "cais.db")) as db:
                return db.execute("SELECT COUNT(*) FROM transfers").fetchone()[0]
        result = run_flow("links", server, tmp_path, {"offset": offset, "count": count}, login=login, names=names, files=[str(tmp_path / n) for n in names],
                          large=str(tmp_path / "large.bin"), language=language, colors=colors)
        assert result["secret"] not in server.log()
        server.stop()
        with open(os.path.join(server.data, "cais.db"), "rb") as db:
            assert result["secret"].encode() not in db.read()
