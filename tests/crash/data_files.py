# SPDX-License-Identifier: Apache-2.0
"""A client of the DataSnap API for the tests of bad days: it declares schemas, sends files under an upload URL, asks about files
and rows."""
import json
import os
import random
import urllib.parse

from serving import BINARY, wait_for

DYING = os.path.join(os.path.dirname(os.path.realpath(BINARY)), "tests", "support", "cais-dying")
# No limit of rate, and no room that is left free: a test says what it needs of both.
SETTINGS = ("--set", "datasnap.queries_per_minute=0", "--set", "datasnap.listings_per_minute=0", "--set",
            "datasnap.processings_per_5_minutes=0")
# Files become rows in threads of the lowest priority, which get little of a processor while other tests run.
INGESTION_S = 300
FIELDS = {"n": "integer", "name": "string", "price": "decimal"}


class Client:
    def __init__(self, login, token):
        self.login, self.token, self.urls = login, token, {}

    @classmethod
    def add(cls, server, login="ana"):
        server.cais("user", "add", login)
        return cls(login, server.cais_json("key", "add", login, "--for", "datasnap", "--role", "admin")["token"])

    def call(self, server, method, path, body=None):
        return server.json(method, "/v1" + path, body, self.token)

    def expect(self, server, status, method, path, body=None):
        got, reply = self.call(server, method, path, body)
        assert got == status, (method, path, got, reply)
        return reply

    def schema(self, server, slug, fields=FIELDS, **more):
        return self.expect(server, 201, "POST", "/schemas", {"name": slug, "slug": slug, "fields": fields, **more})

    def upload_path(self, server, slug):
        """The path of an upload URL, which is good for an hour and for every server on this data directory."""
        if slug not in self.urls:
            reply = self.expect(server, 200, "POST", f"/schemas/{slug}/generate-upload-token", {"minutes": 60})
            self.urls[slug] = urllib.parse.urlsplit(reply["upload_url"]).path
        return self.urls[slug]

    def put(self, server, slug, name, data, connection=None):
        """Returns the status."""
        path = self.upload_path(server, slug) + "/" + urllib.parse.quote(name)
        return server.ask("PUT", path, data, {"Content-Type": "application/x-ndjson"}, connection)[0]

    def send(self, server, slug, name, data):
        status = self.put(server, slug, name, data)
        assert status == 200, (slug, name, status)

    def files(self, server, slug, **query):
        """All files of a schema, oldest first."""
        files, page = [], 1
        while True:
            parameters = urllib.parse.urlencode({"per_page": 100, "page": page, "sort_direction": "asc", **query})
            reply = self.expect(server, 200, "GET", f"/schemas/{slug}/files?{parameters}")
            files += reply["data"]
            if page >= reply["last_page"]:
                return files
            page += 1

    def file(self, server, slug, name):
        """The newest file of this name; None: there is none."""
        return ([f for f in self.files(server, slug, search=name) if f["file_name"] == name] or [None])[-1]

    def ended(self, server, slug, name, seconds=INGESTION_S):
        """The file, once it was processed."""
        def look():
            found = self.file(server, slug, name)
            return found if found and found["processing_status"] in ("completed", "failed") else None
        return wait_for(f"{slug}/{name} to be processed", look, seconds)

    def all_ended(self, server, slug, seconds=INGESTION_S):
        """All files, once each was processed."""
        def look():
            files = self.files(server, slug)
            return files if all(f["processing_status"] in ("completed", "failed") for f in files) else None
        return wait_for(f"the files of {slug} to be processed", look, seconds) if self.files(server, slug) else []

    def query(self, server, slug, select, **more):
        """Returns (status, reply)."""
        return self.call(server, "POST", f"/schemas/{slug}/query", {"select": select, "format": "json_compact", **more})

    def rows(self, server, slug, select=("n",), **more):
        """The rows of all pages."""
        rows, token = [], None
        while True:
            status, reply = self.query(server, slug, list(select), limit=10000, **more,
                                       **({"page_token": token} if token else {}))
            assert status == 200, reply
            rows += reply["data"]
            token = reply["next_page_token"]
            if not token:
                return rows

    def count(self, server, slug):
        return self.rows(server, slug, ["count(*)"])[0][0]


def lines(first, count, pad=0, seed=1):
    """The bytes of a file of rows n = first, first + 1 … pad: bytes of text in each row that do not compress."""
    rng = random.Random(seed + first)
    return b"".join(b'{"n":%d,"name":"%s","price":%d.%02d}\n' % (n, rng.randbytes(pad // 2).hex().encode(), n, n % 100)
                    for n in range(first, first + count))


def jobs(server, kind="ingest"):
    return [j for j in map(json.loads, server.cais("jobs", "--json").stdout.splitlines()) if j["kind"] == kind]


def expect_rows_once(client, server, slug, expected):
    """Exactly the rows n of `expected` are there, each once, in the order of the files, and the records of the files agree."""
    assert [row[0] for row in client.rows(server, slug)] == list(expected), slug
    done = [f for f in client.files(server, slug) if f["processing_status"] == "completed"]
    assert sum(f["rows"] for f in done) == len(expected), done
