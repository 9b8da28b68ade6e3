# SPDX-License-Identifier: Apache-2.0
"""Schemas of the DataSnap API on a server of support/server.py, upload URLs, and what became of the files."""
import json

from server import bearer, json_head, wait_for

HOST = "api.datasnap.cloud"
SETS = (f"hosts.{HOST}=datasnap", "datasnap.queries_per_minute=0", "datasnap.listings_per_minute=0")
FIELDS = {"id": "integer", "produto": "string"}


class Upload:
    """An upload URL: `path` is what clients put /NAME behind."""

    def __init__(self, token):
        self.id, self.url = token["id"], token["upload_url"]
        self.path = self.url[self.url.index("/p/"):]
        self.secret = self.path.split("/")[2]


class Tenant:
    """A user with a key, and requests as that user."""

    def __init__(self, server, login=None):
        self.server = server
        self.login = server.user(login)
        self.key = server.key(self.login, "datasnap")

    def ask(self, method, path, body=None):
        headers = bearer(self.key["token"]) if body is None else json_head(self.key["token"])
        return self.server.ask(method, "/v1" + path, headers, None if body is None else json.dumps(body).encode(), HOST)

    def get(self, path):
        answer = self.ask("GET", path)
        assert answer.status == 200, answer
        return answer.json()

    def schema(self, slug, fields=None, **members):
        answer = self.ask("POST", "/schemas", {"name": slug, "slug": slug, "fields": fields or FIELDS, **members})
        assert answer.status == 201, answer
        return slug

    def upload(self, slug, minutes=15):
        answer = self.ask("POST", f"/schemas/{slug}/generate-upload-token", {"minutes": minutes})
        assert answer.status == 200, answer
        made = Upload(answer.json())
        self.server.secrets.append(made.secret)
        return made

    def revoke(self, upload):
        assert self.ask("DELETE", f"/upload-tokens/{upload.id}").status == 204

    def sent(self, upload):
        """How many files came under the URL."""
        return self.get(f"/upload-tokens/{upload.id}/validate")["files"]

    def rows(self, slug):
        answer = self.ask("POST", f"/schemas/{slug}/query", {"select": ["count(*) as n"], "format": "json"})
        assert answer.status == 200, answer
        return answer.json()["data"][0]["n"]

    def wait_rows(self, slug, count):
        wait_for(f"{count} rows in {slug}", lambda: self.rows(slug) == count)
