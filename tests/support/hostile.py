# SPDX-License-Identifier: Apache-2.0
"""Hostile clients of many kinds at once, in a program of their own.

    hostile.py CONFIG.json        runs until its standard input ends, then prints {kind: attacks that were made to their end}

CONFIG has the server's address, the number of clients, and credentials of an ordinary user. Each client repeats one kind of
attack; every attack here once took memory, time or rows without a limit. What the server answers does not matter, only what
an attack does to the server and to others.
"""
import asyncio
import json
import os
import random
import re
import sys

from sigv4 import Signer

HOLD_S = 3  # how long a client holds what it has taken before it begins again


class Attacks:
    def __init__(self, config):
        self.address = config["host"], config["port"]
        self.host = f"{config['host']}:{config['port']}"
        self.pyrus, self.native, self.login = config["pyrus"], config["native"], config["login"]
        self.task, self.bucket, self.upload = config["task"], config["bucket"], config["upload"]
        self.redu, self.folder, self.application = config["redu"], config["folder"], config["application"]
        self.signer = Signer(config["access_key"], config["secret"])
        self.made = {}
        self.random = random.Random(config["seed"])

    async def open(self):
        return await asyncio.wait_for(asyncio.open_connection(*self.address), 10)

    def head(self, method, target, headers, length=None):
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.host}", *(f"{k}: {v}" for k, v in headers.items())]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")

    async def send(self, method, target, headers, body=b"", length=None, read=True, hold=0.0):
        """One request on a connection of its own. length: what is declared, if not the length of the body. read: read the
        reply to its end or for HOLD_S; else hold the connection unread."""
        reader, writer = await self.open()
        try:
            writer.write(self.head(method, target, headers, len(body) if length is None else length) + body)
            await asyncio.wait_for(writer.drain(), HOLD_S)
            if hold:
                await asyncio.sleep(hold)
            if read:
                first = got = await asyncio.wait_for(reader.read(1 << 16), HOLD_S)
                while got:
                    got = await asyncio.wait_for(reader.read(1 << 16), HOLD_S)
                    first = first + got if len(first) < 1 << 16 else first
                return first
            await asyncio.sleep(HOLD_S)
            return b""
        finally:
            writer.transport.abort()

    def bearer(self, token):
        return {"Authorization": f"Bearer {token}", "Connection": "close"}

    async def signed(self, method, path, query=None, body=b"", headers=None, **how):
        query = query or {}
        made = self.signer.headers(method, self.host, path, query, body, headers)
        del made["host"]
        target = self.signer.path(path) + ("?" + self.signer.query(query) if query else "")
        return await self.send(method, target, {**made, "Connection": "close"}, body, **how)

    # ---- memory

    async def form_with_a_long_file_name(self):
        """A name of 8,100 bytes that is inserted 1,856 times, before anything is signed."""
        field = "${filename}" * 1856
        parts = [f'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\n{field}\r\n',
                 f'--b\r\nContent-Disposition: form-data; name="file"; filename="{"n" * 8000}"\r\n\r\nx']
        body = "".join(parts).encode()
        await self.send("POST", f"/{self.bucket}", {"Content-Type": "multipart/form-data; boundary=b"}, body,
                        length=len(body) + (1 << 20), read=False)

    async def login_of_a_megabyte(self):
        await self.send("POST", "/v4/auth", {"Content-Type": "application/json"}, b"[" + b"0," * 500_000,
                        length=(1 << 20) - 1, read=False)

    async def tree_of_zeros(self):
        body = b'{"text":[' + b"0," * 500_000 + b"0]}"
        await self.send("POST", "/v4/tasks", {**self.bearer(self.pyrus), "Content-Type": "application/json"}, body)

    async def unread_listing(self):
        await self.signed("GET", f"/{self.bucket}", {"list-type": "2"}, read=False)

    async def unread_task(self):
        await self.send("GET", f"/v4/tasks/{self.task}", self.bearer(self.pyrus), read=False)

    async def unread_native_list(self):
        await self.send("GET", "/v1/native/files?limit=1000", self.bearer(self.native), read=False)

    async def unread_list_of_folders(self):
        await self.send("GET", f"/api/folders/{self.folder}/folders", self.bearer(self.redu), read=False)

    async def login_form_that_does_not_end(self):
        await self.send("POST", "/portal/login", {"Content-Type": "application/x-www-form-urlencoded"},
                        b"csrf=" + b"%41" * 10_000, length=32_000, read=False)

    async def body_of_an_unknown_sender(self):
        """16 MiB under a known access key and a wrong signature, none of which is finished."""
        made = self.signer.headers("PUT", self.host, f"/{self.bucket}/u", body=b"other", send_digest=False)
        del made["host"]
        await self.send("PUT", f"/{self.bucket}/u", made, b"x" * (1 << 20), length=16 << 20, read=False)

    async def slow_head(self):
        reader, writer = await self.open()
        try:
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"H%d: %s\r\n" % (i, b"v" * 600) for i in range(90)))
            await writer.drain()
            await asyncio.sleep(HOLD_S)
            del reader
        finally:
            writer.transport.abort()

    # ---- time

    async def comment_of_many_attachments(self):
        body = json.dumps({"text": "x", "attachments": [{"attachment_id": 1}] * 3000}).encode()
        await self.send("POST", f"/v4/tasks/{self.task}/comments",
                        {**self.bearer(self.pyrus), "Content-Type": "application/json"}, body)

    async def task_of_many_people(self):
        people = [{"email": f"nobody{i}@example.org"} for i in range(25_000)]
        body = json.dumps({"text": "x", "participants": people}).encode()
        await self.send("POST", "/v4/tasks", {**self.bearer(self.pyrus), "Content-Type": "application/json"}, body)

    async def preflight_of_many_names(self):
        names = ",".join(f"x-a{i}" for i in range(2000))
        await self.send("OPTIONS", f"/{self.bucket}/a", {"Origin": "https://example.org", "Connection": "close",
                                                         "Access-Control-Request-Method": "PUT",
                                                         "Access-Control-Request-Headers": names})

    async def copy_of_a_large_part(self):
        await self.signed("PUT", f"/{self.bucket}/copied", {"partNumber": self.random.randrange(1, 5), "uploadId": self.upload},
                          headers={"x-amz-copy-source": f"/{self.bucket}/large"})

    async def delete_of_many_objects(self):
        keys = "".join(f"<Object><Key>none/{i}</Key></Object>" for i in range(1000))
        body = f"<Delete>{keys}</Delete>".encode()
        await self.signed("POST", f"/{self.bucket}", {"delete": ""}, body)

    async def guess_of_a_login(self):
        body = json.dumps({"login": self.login, "security_key": "guess"}).encode()
        await self.send("POST", "/v4/auth", {"Content-Type": "application/json", "Connection": "close"}, body)

    async def guess_of_a_password(self):
        """Every one costs a password hash, whoever the user is."""
        shown = await self.send("GET", "/portal/login", {"Connection": "close"})
        cookie = re.search(rb"Set-Cookie: ([^;]+)", shown or b"")
        csrf = re.search(rb'name="csrf" value="(\w+)"', shown or b"")
        if not cookie or not csrf:
            raise OSError("refused")
        body = f"csrf={csrf.group(1).decode()}&login=nobody{self.random.randrange(10**9)}&password=guess".encode()
        await self.send("POST", "/portal/login", {"Content-Type": "application/x-www-form-urlencoded", "Connection": "close",
                                                  "Cookie": cookie.group(1).decode()}, body)

    async def guess_of_a_password_by_an_application(self):
        body = (f"grant_type=password&client_id={self.application['client_id']}&client_secret={self.application['client_secret']}"
                f"&username=nobody{self.random.randrange(10**9)}&password=guess").encode()
        await self.send("POST", "/oauth/token", {"Content-Type": "application/x-www-form-urlencoded", "Connection": "close"}, body)

    async def form_of_many_files(self):
        part = '--b\r\nContent-Disposition: form-data; name="file[content]"; filename="{}"\r\n\r\n\r\n'
        body = "".join(part.format(i) for i in range(100)).encode() + b"--b--\r\n"
        await self.send("POST", f"/api/folders/{self.folder}/files", {**self.bearer(self.redu),
                                                                      "Content-Type": "multipart/form-data; boundary=b"}, body)

    async def chunks_of_one_byte(self):
        reader, writer = await self.open()
        try:
            writer.write(self.head("PUT", "/v1/native/files/chunks", {**self.bearer(self.native),
                                                                      "Transfer-Encoding": "chunked"}))
            for _ in range(200):
                writer.write(b"1;ext=aaaaaaaaaaaaaaaa\r\nx\r\n" * 50)
                await asyncio.wait_for(writer.drain(), HOLD_S)
            writer.write(b"0\r\n\r\n")
            await asyncio.wait_for(reader.read(1 << 16), HOLD_S)
        finally:
            writer.transport.abort()

    # ---- rows and disk

    async def upload_that_is_never_completed(self):
        headers = {f"x-amz-meta-m{i}": "v" * 200 for i in range(8)}
        await self.signed("POST", f"/{self.bucket}/open{self.random.randrange(10**9)}", {"uploads": ""}, headers=headers)

    async def task_of_a_long_text(self):
        body = json.dumps({"text": "t" * 100_000}).encode()
        await self.send("POST", "/v4/tasks", {**self.bearer(self.pyrus), "Content-Type": "application/json"}, body)

    async def folders_without_end(self):
        body = json.dumps({"folder": {"name": '"' * 240 + str(self.random.randrange(10**9))}}).encode()
        await self.send("POST", f"/api/folders/{self.folder}/folders",
                        {**self.bearer(self.redu), "Content-Type": "application/json"}, body)

    async def buckets_without_end(self):
        await self.signed("PUT", f"/b{self.random.randrange(10**9):09}")

    # ---- connections

    async def nothing_at_all(self):
        _, writer = await self.open()
        try:
            await asyncio.sleep(HOLD_S)
        finally:
            writer.transport.abort()

    async def body_that_trickles(self):
        reader, writer = await self.open()
        try:
            writer.write(self.head("PUT", "/v1/native/files/slow", self.bearer(self.native), 1_000_000))
            for _ in range(HOLD_S * 4):
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.25)
            del reader
        finally:
            writer.transport.abort()

    async def upload_that_is_cut(self):
        await self.send("PUT", "/v1/native/files/cut", self.bearer(self.native), os.urandom(300_000), length=10_000_000,
                        read=False)

    async def nonsense(self):
        await self.send("G\0T", "/" + "%zz" * 100, {"Transfer-Encoding": "chunked, chunked"}, b"\xff" * 1000)

    def kinds(self):
        return [getattr(self, name) for name in sorted(vars(Attacks)) if name not in
                ("open", "head", "send", "bearer", "signed", "kinds", "repeat") and not name.startswith("_")]

    async def repeat(self, attack, until):
        while not until.is_set():
            try:
                await attack()
                self.made[attack.__name__] = self.made.get(attack.__name__, 0) + 1
            except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.02 + self.random.random() * 0.3)


async def main(config):
    attacks, until = Attacks(config), asyncio.Event()
    kinds = attacks.kinds()
    tasks = [asyncio.ensure_future(attacks.repeat(kinds[i % len(kinds)], until)) for i in range(config["clients"])]
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    until.set()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    print(json.dumps(attacks.made))


if __name__ == "__main__":
    os.nice(5)
    with open(sys.argv[1], encoding="utf-8") as source:
        asyncio.run(main(json.load(source)))
