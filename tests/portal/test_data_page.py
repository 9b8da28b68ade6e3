# SPDX-License-Identifier: Apache-2.0
"""Data in the portal: from a dropped file to a chart, and back again."""

import json

import pytest

from flows import CHROMIUM, person, run_flow, texts
from ports import free_port
from server import Server, wait_for

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is missing: tools/setup test")
HOSTILE = "=cmd|' /C calc'!A0"
CITIES = ["Lima", "Oslo", "São Paulo"]


def sample():
    """Rows of a newcomer, among them cells and a name of a column that a careless page would run."""
    rows = [{"city": CITIES[i % 3], "amount": i + .5, "sold_on": f"2026-{i % 12 + 1:02}-01", "n": i, "<img src=x onerror=alert(1)>": "x"} for i in range(300)]
    rows.insert(150, {"city": HOSTILE, "amount": 1, "sold_on": "2026-01-01", "n": -1, "<img src=x onerror=alert(1)>": "<script>alert(3)</script>"})
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.mark.slow_because("every part of the page, each with axe")
@pytest.mark.parametrize("language,colors", [("en", "light"), ("pt-BR", "dark"), ("es", "light"), ("ru", "dark")])
def test_a_dropped_file_becomes_rows_and_a_chart(tmp_path, language, colors):
    files = {"sample": sample(), "broken": '{"city":"Oslo","amount":1}\n{"amount":"much"}\nno row\n',
             "csv": "city;amount;n\r\nLisboa;1.234,5;7\r\n\"Porto; \"\"x\"\"\";2,25;8\r\n"}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    with Server(tmp_path) as server:
        run_flow("data", server, tmp_path, login=person(server, "--admin"), language=language, colors=colors,
                 **{name: str(tmp_path / name) for name in files})


@pytest.mark.slow_because("64 MiB at 24 MB/s, over a restart")
def test_a_file_of_rows_goes_on_after_the_server_was_killed(tmp_path):
    path, size, count = tmp_path / "rows.jsonl", 0, 0
    with open(path, "w", encoding="ascii") as f:
        while size < 64 << 20:
            size += f.write(json.dumps({"n": count, "text": f"{count:x}" * 40}) + "\n")
            count += 1
    with Server(tmp_path, "--listen", f"127.0.0.1:{free_port()}", listen=False) as server:
        login = person(server, "--admin")
        token = [("Authorization", "Bearer " + server.key(login, "native")["token"])]
        columns = [{"name": "n", "type": "integer"}, {"name": "text", "type": "string"}]
        assert server.ask("POST", "/v1/native/datasets", token, json.dumps({"name": "rows", "columns": columns}).encode()).status == 201

        def offset():
            (upload,) = server.ask("GET", "/v1/native/uploads", token).json()["uploads"]
            assert upload["dataset"] == "rows" and upload["state"] == "open"
            return upload["offset"]

        def creations():
            return len([e for e in server.cais_json("audit", "--limit", "1000") if e["action"] == "transfer.create"])
        at = run_flow("data_restart", server, tmp_path, {"kill": server.kill, "start": server.start, "offset": offset, "creations": creations},
                      login=login, language="en", colors="light", file=str(path), texts=texts("en", "data_interrupted"))
        assert 0 < at < size
        query = {"columns": [{"aggregate": "count", "as": "n"}, {"column": "n", "aggregate": "sum", "as": "sum"}, {"column": "n", "aggregate": "count_distinct", "as": "different"}]}
        (row,) = server.ask("POST", "/v1/native/datasets/rows/query", token, json.dumps(query).encode()).json()["rows"]
        assert [int(v) for v in row] == [count, count * (count - 1) // 2, count]


def test_a_result_of_100000_rows_is_paged(tmp_path):
    with Server(tmp_path) as server:
        login = person(server, "--admin")
        token = [("Authorization", "Bearer " + server.key(login, "native")["token"])]
        made = server.ask("POST", "/v1/native/datasets", token, json.dumps({"name": "many", "columns": [{"name": "n", "type": "integer"}]}).encode())
        assert made.status == 201, made
        sent = server.ask("PUT", "/v1/native/datasets/many/files/many.jsonl", token, b"".join(b'{"n":%d}\n' % i for i in range(100_000))).json()
        wait_for("the rows", lambda: server.ask("GET", f"/v1/native/datasets/many/files/{sent['id']}", token).json()["rows"] == 100_000)
        assert run_flow("data_many", server, tmp_path, login=login)["lines"] == 100_000
