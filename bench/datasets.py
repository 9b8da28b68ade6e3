# SPDX-License-Identifier: Apache-2.0
"""Files of rows, and clients that send them, for the lines `rows_of_datasets` of bench/run."""
import http.client
import json
import os
import random
import threading
import time

FIELDS = {"id": "integer", "uuid": "string", "name": "string", "email": "string", "amount": "decimal", "ratio": "float",
          "active": "boolean", "country": "string", "created": "datetime", "tags": "json"}
QUERIES = {
    "filtered count": {"select": ["count(*) as n"], "where": [{"field": "amount", "op": ">", "value": 50000},
                                                               {"field": "country", "op": "=", "value": "BR"}]},
    "sum by group": {"select": ["country", "sum(amount) as total"], "group_by": ["country"]},
    "top 20": {"select": ["id", "amount"], "order_by": [{"field": "amount", "direction": "desc"}], "limit": 20},
}
EVERYTHING = {"select": list(FIELDS), "limit": 10000, "format": "jsonl"}


def write_rows(path, count):
    """The same rows each time: ten mixed fields, about 235 bytes a line."""
    r = random.Random(7)
    names = ["Ana", "João", "Константин", "Zoë", "Bruno", "Carla", "Duarte", "Élia"]
    countries = ["BR", "PT", "RU", "US", "ES", "DE"]
    with open(path, "w", encoding="utf-8") as f:
        for i in range(count):
            f.write('{"id":%d,"uuid":"%032x","name":"%s %s","email":"user%d@example.org","amount":%d.%02d,"ratio":%r,'
                    '"active":%s,"country":"%s","created":"2026-%02d-%02d %02d:%02d:%02d","tags":["%s","x%d"]}\n' % (
                        i, r.getrandbits(128), r.choice(names), r.choice(names), r.randrange(100000), r.randrange(100000),
                        r.randrange(100), r.random(), "true" if r.random() < .5 else "false", r.choice(countries),
                        r.randrange(1, 13), r.randrange(1, 29), r.randrange(24), r.randrange(60), r.randrange(60),
                        r.choice(countries), r.randrange(10)))


class Client:
    """A tenant's client with a schema."""

    def __init__(self, port, token, name):
        self.port, self.name = port, name
        self.headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
        self.ask("POST", "/v1/schemas", {"name": name, "fields": FIELDS})

    def ask(self, method, path, body=None, raw=False):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            c.request(method, path, None if body is None else json.dumps(body), self.headers)
            answer = c.getresponse()
            said = answer.read()
        finally:
            c.close()
        if answer.status not in (200, 201):
            raise RuntimeError(f"{method} {path}: {answer.status} {said[:200]}")
        return said if raw else json.loads(said)

    def send(self, path):
        """PUT a file under a new upload URL."""
        url = self.ask("POST", f"/v1/schemas/{self.name}/generate-upload-token", {"minutes": 30})["upload_url"]
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        with open(path, "rb") as f:
            c.request("PUT", "/" + url.split("/", 3)[3] + "/rows.jsonl", f, {"Content-Length": str(os.path.getsize(path))})
            status = c.getresponse().status
        c.close()
        if status != 200:
            raise RuntimeError(f"PUT: {status}")

    def wait_for_rows(self):
        """Until the newest file was read."""
        while True:
            newest, = self.ask("GET", f"/v1/schemas/{self.name}/uploads?limit=1")
            if newest["processing_status"] == "completed":
                return newest["rows"]
            if newest["processing_status"] == "failed":
                raise RuntimeError(f"ingestion failed: {newest['errors'][:2]}")
            time.sleep(0.02)

    def query(self, body, raw=False):
        begin = time.monotonic()
        said = self.ask("POST", f"/v1/schemas/{self.name}/query", body, raw)
        return (time.monotonic() - begin) * 1000, said


class Schedule(threading.Thread):
    """Small requests at fixed times, whatever the answers take: late answers count from their time."""

    def __init__(self, port, path, headers, per_second=200):
        super().__init__(daemon=True)
        self.port, self.path, self.headers, self.pause = port, path, headers, 1 / per_second
        self.late_ms, self.ends = [], threading.Event()

    def run(self):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        at = time.monotonic()
        while not self.ends.is_set():
            at += self.pause
            time.sleep(max(0, at - time.monotonic()))
            c.request("GET", self.path, headers=self.headers)
            c.getresponse().read()
            self.late_ms.append((time.monotonic() - at) * 1000)
        c.close()

    def p99(self):
        self.ends.set()
        self.join()
        return sorted(self.late_ms)[int(len(self.late_ms) * 0.99)]
