# SPDX-License-Identifier: Apache-2.0
"""Two hundred hostile clients beside eight honest ones.

The server must stay within its memory, lose nothing that it acknowledged, answer /health, and serve the honest clients."""
import functools
import hashlib
import json
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import threading
import time

import pytest

from rounds import rounds, seed
from server import FORM, Gone, Server, bearer, file_part, form, in_threads, json_head
from sigv4 import Signer

HOSTILE, HONEST = 200, 8
MEMORY = 512 << 20
HEALTH_S = 0.1
SLOWER = 10  # times the median without hostile clients
PROGRAM = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support", "hostile.py")


class Honest:
    """A client that uploads and downloads through one API after the other, and remembers what was acknowledged."""

    def __init__(self, server, nth):
        self.server, self.random = server, random.Random(seed() * 1000 + nth)
        login = server.user()
        self.native = server.key(login, "native")["token"]
        self.pyrus = server.log_in(login, server.key(login, "pyrus")["security_key"])["access_token"]
        key = server.key(login, "s3")
        self.signer, self.bucket = Signer(key["access_key_id"], key["secret_access_key"]), f"honest{nth}"
        self.host = "{}:{}".format(*server.address())
        self.kept, self.times = [], []  # kept: (how to read it, SHA-256)
        self.s3("PUT", f"/{self.bucket}")

    def s3(self, method, path, body=b""):
        signed = self.signer.headers(method, self.host, path, body=body)
        return self.server.ask(method, path, [(k, v) for k, v in signed.items() if k != "host"], body, host=self.host)

    def get_file(self, id_):
        return self.server.ask("GET", f"/v1/native/files/{id_}", bearer(self.native))

    def step(self):
        data = self.random.randbytes(self.random.choice((4096, 4096, 4096, 65536)))
        began, read = time.monotonic(), None
        way = self.random.randrange(3)
        if way == 0:
            answer = self.server.ask("PUT", "/v1/native/files/a", bearer(self.native), data)
            read = functools.partial(self.get_file, answer.json()["id"]) if answer.status == 201 else None
        elif way == 1:
            key = f"/{self.bucket}/{len(self.kept)}"
            answer = self.s3("PUT", key, data)
            read = functools.partial(self.s3, "GET", key)
        else:  # no task refers to it, so it is purged some day
            answer = self.server.ask("POST", "/v4/files/upload", [FORM, *bearer(self.pyrus)], form(file_part("a", data)))
        assert answer.status in (200, 201), answer
        self.times.append(time.monotonic() - began)
        if read:
            self.kept.append((read, hashlib.sha256(data).digest()))
            if self.random.random() < 0.3:
                self.check(*self.random.choice(self.kept))

    def run(self, until):
        while time.monotonic() < until:
            self.step()
            time.sleep(0.05)

    @staticmethod
    def check(read, digest):
        answer = read()
        assert answer.status == 200 and hashlib.sha256(answer.body).digest() == digest


class Probe(threading.Thread):
    """Asks /health again and again. Beside each reply it measures how long a thread of this program takes to answer: what
    other programs do to the processor is not the server's fault."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.ended, self.times, self.failures = server, threading.Event(), [], []
        self.near, self.far = socket.socketpair()
        threading.Thread(target=self.echo, daemon=True).start()

    def echo(self):
        while self.far.recv(1):
            self.far.send(b"x")

    def time_of_the_machine(self):
        began = time.monotonic()
        self.near.send(b"x")
        self.near.recv(1)
        return time.monotonic() - began

    def run(self):
        while not self.ended.wait(0.2):
            beside = self.time_of_the_machine()
            began = time.monotonic()
            try:
                answer = self.server.ask("GET", "/health", kind="metrics_listen")
                if answer.status != 200:
                    self.failures.append(answer)
            except (OSError, Gone) as e:
                self.failures.append(e)
            took = time.monotonic() - began
            self.times.append(took - max(beside, self.time_of_the_machine()))

    def end(self):
        self.ended.set()
        self.join()
        self.near.close()
        return self.times


def give_the_hostile_clients_an_account(server, folder):
    server.cais("account", "add", "evil")
    server.cais("account", "limit", "evil", "--max-bytes", "300M")
    login = server.user("mallory@example.org", "--account", "evil")
    pyrus = server.log_in(login, server.key(login, "pyrus")["security_key"])["access_token"]
    key, native = server.key(login, "s3"), server.key(login, "native")["token"]
    signer, host = Signer(key["access_key_id"], key["secret_access_key"]), "{}:{}".format(*server.address())

    def s3(method, path, body=b"", query=None):
        signed = signer.headers(method, host, path, query, body)
        target = path + ("?" + signer.query(query) if query else "")
        answer = server.ask(method, target, [(k, v) for k, v in signed.items() if k != "host"], body, host=host)
        assert answer.status == 200, answer
        return answer

    s3("PUT", "/evil")
    s3("PUT", "/evil", b"<CORSConfiguration>" + b"<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>PUT</AllowedMethod>"
       b"<AllowedHeader>x-*</AllowedHeader></CORSRule>" * 100 + b"</CORSConfiguration>", {"cors": ""})
    s3("PUT", "/evil/large", os.urandom(1 << 20) * 16)
    upload = re.search(r"<UploadId>([^<]+)", s3("POST", "/evil/copied", query={"uploads": ""}).body.decode()).group(1)
    in_threads(4, lambda i: [s3("PUT", f"/evil/{'k' * 900}{i}-{n}", b"x") for n in range(150)])
    task = server.ask("POST", "/v4/tasks", json_head(pyrus), json.dumps({"text": "x"}).encode()).json()["task"]["id"]
    for _ in range(20):
        server.ask("POST", f"/v4/tasks/{task}/comments", json_head(pyrus), json.dumps({"text": "\x01" * 100_000}).encode())
    application = server.key(login, "redu")

    def redu(method, path, **members):
        head = json_head(application["access_token"])
        return server.ask(method, path, head, json.dumps(members).encode() if members else None).json()

    redu("POST", "/api/environments", environment={"name": "e", "path": "e", "initials": "e"})
    redu("POST", "/api/environments/e/courses", course={"name": "c", "path": "c"})
    space = redu("POST", "/api/courses/c/spaces", space={"name": "s"})["id"]
    root = redu("GET", f"/api/spaces/{space}/folders")[0]["id"]
    path = os.path.join(folder, "hostile.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"host": server.address()[0], "port": server.address()[1], "clients": HOSTILE, "pyrus": pyrus,
                   "native": native, "login": login, "task": task, "bucket": "evil", "upload": upload,
                   "redu": application["access_token"], "folder": root, "application": application,
                   "access_key": key["access_key_id"], "secret": key["secret_access_key"], "seed": seed()}, f)
    return path


@pytest.mark.alone("it measures how long replies take while all kinds of attacks run")
@pytest.mark.slow_because("hostile and honest clients run for a while, and everything is read again")
def test_hostile_clients_took_the_memory_the_time_and_the_rows_of_everybody(tmp_path):
    sets = ["http.memory=256M", "server.metrics_listen=127.0.0.1:0", "pyrus.rate_limit=0"]
    with Server(tmp_path, sets=sets) as server:
        config = give_the_hostile_clients_an_account(server, tmp_path)
        honest = [Honest(server, n) for n in range(HONEST)]
        in_threads(HONEST, lambda n: honest[n].run(time.monotonic() + 4))
        alone = statistics.median(t for h in honest for t in h.times)
        for h in honest:
            h.times.clear()
        with subprocess.Popen([sys.executable, PROGRAM, config], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as hostile:
            probe = Probe(server)
            probe.start()
            in_threads(HONEST, lambda n: honest[n].run(time.monotonic() + rounds("soak_seconds")))
            health = sorted(probe.end())
            made = json.loads(hostile.communicate(b"", timeout=60)[0])
        beside = statistics.median(t for h in honest for t in h.times)
        metrics = {name: value for name, value in server.metrics().items() if "longest" in name or "memory" in name}
        report = (f"median {alone * 1000:.1f} ms alone, {beside * 1000:.1f} ms beside {made}; health at most "
                  f"{health[-1] * 1000:.0f} ms of {len(health)}; peak {server.peak() >> 20} MiB; {metrics}")
        print(report)
        assert not probe.failures, (probe.failures[:3], report)
        assert server.peak() <= MEMORY, report
        assert beside <= SLOWER * alone, report
        assert health[-1] <= HEALTH_S, report
        assert len(made) >= 27 and min(made.values()) > 0, report
        for h in honest:
            assert h.kept
            for read, digest in h.kept:
                h.check(read, digest)
        server.stop()
        fsck = subprocess.run([server.binary, "fsck", "--data", server.data], capture_output=True, text=True, check=False)
        assert fsck.returncode == 0, fsck.stdout + fsck.stderr
