# SPDX-License-Identifier: Apache-2.0
"""What the vendor's sync tool sends, in its order (docs/apis/datasnap.md §10), with the HTTP library that it uses."""
import concurrent.futures
import hashlib
import json
import time
import uuid

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from datasnap import HOST, SETS, Tenant
from server import Server, wait_for


class Tool:
    """Asks as the tool does. Every request names the vendor's host; the connection goes to the server."""

    def __init__(self, tenant):
        self.address = "http://%s:%d" % tenant.server.address()
        self.headers = {"Authorization": "Bearer " + tenant.key["token"], "Host": HOST}
        self.session = requests.Session()
        self.session.mount("http://", HTTPAdapter(max_retries=Retry(
            total=3, status_forcelist=[429, 500, 502, 503, 504], backoff_factor=0.1)))
        self.cached = {}

    def report(self, **event):
        body = {"bridge_name": "bridge", "bridge_version": "0.1.0", "host_hostname": "host", "host_os": "Linux",
                "idempotency_key": uuid.uuid4().hex, "sent_at": "2026-11-29T12:00:00Z", **event}
        answer = self.session.post(self.address + "/v1/bridge/healthcheck", json=body,
                                   headers={**self.headers, "X-Bridge-Secret": "secret"}, timeout=10)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()["id"]

    def upload_url(self, slug):
        if slug not in self.cached:
            answer = self.session.post(f"{self.address}/v1/schemas/{slug}/generate-upload-token", headers=self.headers,
                                       json={"mapping_name": slug, "timestamp": int(time.time()), "minutes": 30})
            assert answer.status_code == 200, answer.text
            token = answer.json()
            assert token["id"] and token["upload_url"].startswith(f"http://{HOST}/p/")
            self.cached[slug] = token
        return self.cached[slug]

    def put(self, slug, name, body):
        """Once more with a new URL after 401, 403 and 404, as the tool does. Returns how often it was sent."""
        for attempt in range(4):
            token = self.upload_url(slug)
            url = token["upload_url"].replace(f"http://{HOST}", self.address) + "/" + name
            answer = self.session.put(url, data=body, headers={
                "Host": HOST, "Content-Type": "application/octet-stream", "Content-Length": str(len(body)),
                "X-Upload-ID": str(token["id"]), "X-Checksum": hashlib.md5(body).hexdigest()}, timeout=60)
            if answer.status_code < 300:
                return attempt + 1
            assert answer.status_code in (401, 403, 404), answer.text
            self.cached.pop(slug, None)
        raise AssertionError("four attempts")


@pytest.fixture(scope="module")
def tenant(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("tool"), sets=SETS) as server:
        yield Tenant(server)


def part(number, tag):
    lines = (json.dumps({"id": number * 1000 + i, "produto": f"lápis {tag}"}, ensure_ascii=False, separators=(",", ":"))
             for i in range(500))
    return "".join(line + "\n" for line in lines).encode()


def test_a_sync_reports_its_run_and_sends_three_files_at_a_time(tenant):
    slug, tool = tenant.schema("vendas"), Tool(tenant)
    run = tool.report(event_type="run_start", status="running", run_id="run-1")
    assert isinstance(run, int) and run > 0
    bodies = [part(n, "a") for n in range(6)]
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        sent = list(pool.map(lambda n: tool.put(slug, f"vendas_part{n:03d}_vendas_{int(time.time())}.jsonl", bodies[n]),
                             range(6)))
    assert sent == [1] * 6
    assert tool.report(event_type="run_end", status="ok", run_id="run-1", id=run, items_processed=3000,
                       bytes_uploaded=sum(map(len, bodies))) == run
    tenant.wait_rows(slug, 3000)

    def states():  # rows are visible before the record of the last file says so
        return [f["processing_status"] for f in tenant.get(f"/schemas/{slug}/uploads?limit=10")]
    wait_for("the states of six files", lambda: states() == ["completed"] * 6)


def test_a_cached_url_that_is_dead_is_replaced_by_a_new_one(tenant):
    slug, tool = tenant.schema("mortas"), Tool(tenant)
    assert tool.put(slug, "a.jsonl", part(1, "a")) == 1
    assert tenant.ask("DELETE", f"/upload-tokens/{tool.cached[slug]['id']}").status == 204
    assert tool.put(slug, "b.jsonl", part(2, "b")) == 2
    tenant.wait_rows(slug, 1000)


def test_the_tool_asks_whether_the_server_is_there_and_its_token_is_right(tenant):
    tool = Tool(tenant)

    def status(path, token="wrong"):
        return requests.get(tool.address + path, headers={"Host": HOST, "Authorization": "Bearer " + token}).status_code
    assert status("/auth/me") == 401 and status("/auth/me", tenant.key["token"]) == 200
    assert status("/health") == status("/status") == 200
    schemas = requests.get(tool.address + "/v1/schemas", headers=tool.headers).json()["data"]
    assert all({"id", "slug", "name"} <= set(s) for s in schemas)
    first = tool.report(event_type="heartbeat", status="ok", idempotency_key="same")
    assert tool.report(event_type="heartbeat", status="ok", idempotency_key="same") == first


def test_rows_are_asked_for_seconds_after_the_file_came(tenant):
    slug, tool = tenant.schema("perguntas"), Tool(tenant)
    begin = time.monotonic()
    tool.put(slug, "a.jsonl", part(1, "a"))
    wait_for("rows", lambda: tenant.rows(slug) == 500)
    assert time.monotonic() - begin < 30
    answer = tenant.ask("POST", f"/schemas/{slug}/query", {
        "select": ["produto", "count(*) as total"], "group_by": ["produto"], "order_by": ["produto"], "format": "json"})
    assert answer.json()["data"] == [{"produto": "lápis a", "total": 500}]
