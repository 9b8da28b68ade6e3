# SPDX-License-Identifier: Apache-2.0
"""A client of the Appfile API for the tests of bad days: it sends sync files, asks for imports and for how they ended. Files of random
rows, with what they make of the records; and the records themselves, read from the files of the store."""
import json
import os
import sqlite3
import urllib.parse

from serving import run, wait_for

IMPORT_S = 300  # imports run in threads of the lowest priority
HEAD = b"00|C|F|20261121033000|R\n01|wks_family|||cc-family|SYNC\n02|entityId\n03|entityId|name|size:int\n"
BUCKETS = ("B", "other")


class Client:
    def __init__(self, keys):
        self.keys = keys

    @classmethod
    def add(cls, server, login="ana"):
        """Makes the workspace W, its buckets, and a key for each."""
        server.cais("workspace", "add", "W")
        server.cais("user", "add", login)
        keys = {}
        for bucket in BUCKETS:
            server.cais("bucket", "add", bucket, "--workspace", "W")
            made = server.cais_json("key", "add", login, "--for", "appfile", "--role", "admin", "--workspace", "W", "--bucket", bucket)
            keys[bucket] = (made[0] if isinstance(made, list) else made)["api_key"]
        return cls(keys)

    def call(self, server, method, path, body=None, bucket="B", connection=None):
        """Returns (status, reply)."""
        data = None if body is None else json.dumps(body).encode()
        status, _, text = server.ask(method, path, data, {"x-api-key": self.keys[bucket], "Content-Type": "application/json"},
                                     connection)
        return status, json.loads(text)

    def expect(self, server, *request, **more):
        status, reply = self.call(server, *request, **more)
        assert status == 200, (request, status, reply)
        return reply["Data"]

    def send(self, server, name, data, bucket="B", connection=None):
        """Returns the id of the new file, which has these bytes."""
        made = self.expect(server, "POST", "/appfile/file/path", {"FileName": name}, bucket=bucket, connection=connection)
        url = urllib.parse.urlsplit(made["Url"])
        status, _, text = server.ask("PUT", f"{url.path}?{url.query}", data, {"Host": url.netloc}, connection)
        assert status == 200, text
        return made["FileId"]

    def start(self, server, file, bucket="B", action="one", connection=None):
        """Ask for an import. Returns the file as it is then."""
        body = {"FileId": file, "FileType": "cc5", "ActionId": action}
        return self.expect(server, "POST", "/appfile/file/import/async", body, bucket=bucket, connection=connection)["File"]

    def file(self, server, file, bucket="B"):
        return self.expect(server, "GET", "/appfile/file/" + file, bucket=bucket)["File"]

    def ended(self, server, file, bucket="B", seconds=IMPORT_S):
        """The file, once its import has ended."""
        def look():
            found = self.file(server, file, bucket)
            return found if found["Status"] in ("imported", "importedwitherrors", "failed") else None
        return wait_for(f"the import of {file}", look, seconds)


def import_jobs(server, files):
    """The jobs of the imports of these files, by id, once each has ended: a file is imported a moment before its job is done."""
    subjects = {"sync:" + file for file in files}

    def look():
        jobs = [j for j in map(json.loads, server.cais("jobs", "--json").stdout.splitlines()) if j["subject"] in subjects]
        return jobs if all(j["state"] not in ("queued", "running") for j in jobs) else None
    return sorted(wait_for("the ends of jobs", look), key=lambda j: j["id"]) if files else []


class Model:
    """What the records of a data source must be: by key, the members of the object."""

    def __init__(self, records=None):
        self.records = dict(records or {})

    def apply(self, rows):
        """Applies the rows of a file. Returns the numbers that its import must have."""
        numbers = {"Total": len(rows), "Processed": len(rows), "Inserted": 0, "Updated": 0, "Deleted": 0, "Failed": 0}
        for kind, key, name, size in rows:
            if kind == "bad":
                numbers["Failed"] += 1
            elif kind == "delete":
                numbers["Deleted"] += self.records.pop(key, None) is not None
            else:
                numbers["Updated" if key in self.records else "Inserted"] += 1
                record = {**self.records.get(key, {}), "entityId": key, "name": name, "size": size}
                self.records[key] = {member: value for member, value in record.items() if value is not None}
        return numbers


def random_rows(rng, count, keys):
    """Rows (kind, key, name, size), which insert, update and delete records of so many keys; one in fifty is bad."""
    rows = []
    for i in range(count):
        key = "F-%d" % rng.randrange(keys)
        kind = rng.choices(("put", "delete", "bad"), (80, 18, 2))[0]
        rows.append((kind, key, rng.choice((None, "name %d" % i, "x" * rng.randrange(1, 40))), rng.choice((None, i))))
    return rows


def bytes_of(rows):
    lines = []
    for kind, key, name, size in rows:
        if kind == "delete":
            lines.append("90|%s\n" % key)
        else:
            lines.append("10|%s|%s|%s|\n" % (key, name or "", "bad" if kind == "bad" else "" if size is None else size))
    return HEAD + "".join(lines).encode() + b"99|%d\n" % len(rows)


def numbers_of(file):
    return {name: file["Progress"][name] for name in ("Total", "Processed", "Inserted", "Updated", "Deleted", "Failed")}


def set_paths(data):
    """The paths of the sets by bucket, of data source cc-family. No server runs on the directory."""
    with sqlite3.connect(os.path.join(data, "cais.db")) as database:
        rows = database.execute("SELECT s.name, r.id FROM record_sets r JOIN sections s ON s.id = r.section_id"
                                " WHERE r.data_source = 'cc-family'").fetchall()
    database.close()
    return {name: os.path.join(data, "records", "%d.db" % number) for name, number in rows}


def records_of(data, bucket="B"):
    """The records of a bucket, as Model has them. No server runs on the directory."""
    path = set_paths(data).get(bucket)
    if not path:
        return {}
    with sqlite3.connect(path) as database:
        rows = database.execute("SELECT key, object FROM records").fetchall()
    database.close()
    return {bytes(key).decode(): json.loads(text) for key, text in rows}


def copy_of(data, folder):
    folder.mkdir(exist_ok=True)
    to = str(folder / "data")
    run("cp", "-a", str(data), to)
    return to
