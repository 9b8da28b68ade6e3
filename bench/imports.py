# SPDX-License-Identifier: Apache-2.0
"""Sync files, and a client that has them imported, for the lines `imports` of bench/run."""
import http.client
import json
import os
import random
import subprocess
import time

FIELDS = ("entityId", "name:string", "familySize:int", "amount:number", "homeless:bool", "since:date", "email:string", "city:string",
          "tags:array", "note:string")
ENDED = ("imported", "importedwitherrors", "failed")


def write_file(path, count, in_key_order):
    """The same rows each time: ten fields, about 125 bytes a line."""
    r = random.Random(7)
    cities = ["São Paulo", "Lisboa", "Сочи", "Zürich", "Recife", "Porto"]
    ids = list(range(count))
    if not in_key_order:
        r.shuffle(ids)
    with open(path, "w", encoding="utf-8") as f:
        f.write("00|BENCH|FAMILY|20261121033000|REF-1\n01|wks_family|||cc-family|SYNC\n02|entityId\n03|" + "|".join(FIELDS) + "\n")
        for i in ids:
            f.write(f"10|F-{i:09d}|Family {i % 9973} Silva|{i % 12}|{r.randrange(100000)}.{r.randrange(100):02d}|{'true' if i % 3 else 'false'}|"
                    f"2026{1 + i % 12:02d}{1 + i % 28:02d}|user{i}@example.org|{cities[i % 6]}|a{i % 10},b{i % 7}|{r.getrandbits(64):016x}\n")
        f.write(f"99|{count}\n")


class Client:
    """A client with a section of its own, so that its records are its own as well."""

    def __init__(self, server, name):
        server.admin("bucket", "add", name, "--workspace", "bench")
        key = server.admin("key", "add", "bench", "--for", "appfile", "--workspace", "bench", "--bucket", name)
        self.port = server.port
        self.headers = {"x-api-key": key["api_key"], "Content-Type": "application/json"}

    def ask(self, method, path, body=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            c.request(method, path, None if body is None else json.dumps(body), self.headers)
            answer = c.getresponse()
            said = json.loads(answer.read())
        finally:
            c.close()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {said}")
        return said["Data"]

    def send(self, path):
        """PUT a file to a signed URL; its FileId."""
        data = self.ask("POST", "/appfile/file/path", {"FileName": "bench.cc5txt"})
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        with open(path, "rb") as f:
            c.request("PUT", "/" + data["Url"].split("/", 3)[3], f, {"Content-Length": str(os.path.getsize(path))})
            status = c.getresponse().status
        c.close()
        if status != 200:
            raise RuntimeError(f"PUT: {status}")
        return data["FileId"]

    def begin(self, file_id):
        """Ask for the import in the background; how many milliseconds the answer took."""
        begin = time.monotonic()
        self.ask("POST", "/appdata/import/file/async", {"FileType": "cc5", "FileId": file_id})
        return (time.monotonic() - begin) * 1000

    def wait_for(self, file_id, rows):
        while True:
            file = self.ask("GET", f"/appfile/file/{file_id}")["File"]
            if file["Status"] in ENDED:
                break
            time.sleep(0.02)
        if file["Status"] != "imported" or file["Progress"]["Inserted"] != rows:
            raise RuntimeError(f"the import ended as {file['Status']}: {file['Progress']} {file['Errors'][:2]}")


def shell_seconds(path, database):
    """How long the sqlite3 shell takes to load the same rows into a table with that key, without a check and with one flush."""
    names = [field.split(":")[0] for field in FIELDS]
    columns = ", ".join(f"{name} TEXT" for name in names[1:])
    script = (f"PRAGMA journal_mode=WAL; CREATE TABLE t (kind TEXT, {names[0]} TEXT PRIMARY KEY, {columns}) WITHOUT ROWID;\n"
              f".separator |\n.import --skip 4 {path} t\n")
    begin = time.monotonic()
    subprocess.run(["sqlite3", database], input=script, text=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
    return time.monotonic() - begin
