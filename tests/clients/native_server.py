# SPDX-License-Identifier: Apache-2.0
"""A fake server for the native API (docs/native.md). It records the requests of a client and can return wrong replies.

It keeps files in memory and listens on a TCP port or a Unix socket. `server.trouble` selects how the next replies are wrong.
"""
import hashlib
import http.server
import json
import os
import socket
import socketserver
import threading
import urllib.parse
import uuid


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = False

    def address_string(self):
        return "client"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_expect_100(self):
        """Refuse the request before its body, or send 100 Continue."""
        return isinstance(self.server.trouble, tuple) or super().handle_expect_100()

    def refuse(self, status, code, message):
        # If the server closes a connection before it has read the body, the kernel resets it, and the client may lose the reply.
        if self.command == "PUT" and "Expect" not in self.headers:
            self.body()
        body = {"error": {"code": code, "message": message, "request_id": "req-1"}}
        self.close_connection = True
        self.answer(status, json.dumps(body).encode(), Content_Type="application/json", Connection="close")

    def seen(self):
        self.server.requests.append((self.command, self.path, dict(self.headers)))
        trouble = self.server.trouble
        if self.server.token and self.headers.get("Authorization") != "Bearer " + self.server.token:
            self.refuse(401, "unauthenticated", "who are you?")
            return None
        if isinstance(trouble, tuple):
            self.refuse(*trouble)
            return None
        return trouble or ""

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"]))
        parts = []
        while True:
            size = int(self.rfile.readline(), 16)
            parts.append(self.rfile.read(size))
            self.rfile.readline()
            if not size:
                return b"".join(parts)

    def do_PUT(self):
        trouble = self.seen()
        if trouble is None:
            return
        data = self.body()
        if trouble == "slow reply":
            self.server.stalled.set()
            self.server.go_on.wait(20)
        if trouble == "html":
            self.answer(201, b"<html>welcome</html>")
            return
        name = urllib.parse.unquote(self.path[len("/v1/native/files/"):])
        kept = data[:-1] if trouble == "keeps less" else data
        digest = hashlib.md5(b"other" if trouble == "keeps other" else kept).hexdigest()
        file = {"id": str(uuid.uuid4()), "name": name, "size": len(kept), "md5": digest, "state": "ready",
                "owner": "ana", "way": "native", "created_at": "2026-11-21T14:04:09Z",
                "content_type": self.headers.get("Content-Type", "application/octet-stream")}
        self.server.files.insert(0, (file, kept))
        self.answer(201, json.dumps(file).encode(), ETag=f'"{digest}"', Location="/v1/native/files/" + file["id"])

    def do_DELETE(self):
        if self.seen() is not None:
            id_ = self.path.split("/")[-1]
            there = [one for one in self.server.files if one[0]["id"] == id_]
            self.server.files = [one for one in self.server.files if one not in there]
            self.answer(204) if there else self.refuse(404, "not_found", "there is no such file")

    def do_GET(self):
        trouble = self.seen()
        if trouble is None:
            return
        url = urllib.parse.urlsplit(self.path)
        parts = url.path.split("/")
        kind = parts[3]
        kept = self.server.files if kind == "files" else self.server.objects
        if len(parts) == 4:
            self.list(kind, kept, urllib.parse.parse_qs(url.query), trouble)
            return
        count = 5 if kind == "files" else 6  # …/files/ID, …/objects/BUCKET/KEY
        wanted = [urllib.parse.unquote(part) for part in parts[4:count]]
        for file, data in kept:
            if wanted == ([file["id"]] if kind == "files" else [file["bucket"], file["key"]]):
                if parts[count:] == ["info"]:
                    self.answer(200, json.dumps(file).encode())
                else:
                    self.give(file, data, trouble)
                return
        self.refuse(404, "not_found", "there is no such file")

    def list(self, kind, kept, query, trouble):
        limit, start = int(query["limit"][0]), int(query.get("after", ["0"])[0])
        if kind == "objects" and self.server.sparse:  # each second page is empty, and the others have one object
            kept = [one for kept_one in kept for one in (None, kept_one)]
            limit = 1
        page = kept[start:start + limit]
        answer = {kind: [one[0] for one in page if one]}
        if trouble == "cycle of " + kind:
            answer["next"] = "0"
        elif start + limit < len(kept):
            answer["next"] = str(start + limit)
        self.answer(200, json.dumps(answer).encode())

    def give(self, file, data, trouble):
        self.send_response(200)
        if trouble != "no etag":
            self.send_header("ETag", f'"{file.get("etag", file["md5"])}"')
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if trouble == "other bytes":
            data = bytes(len(data))
        if trouble in ("cut", "stall"):
            self.wfile.write(data[:len(data) // 2])
            self.wfile.flush()
            if trouble == "stall":
                self.server.stalled.set()
                self.server.go_on.wait(20)
            self.close_connection = True
            return
        self.wfile.write(data)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def __init__(self, address, family):
        self.address_family = family
        self.files, self.objects, self.requests, self.trouble, self.token, self.sparse = [], [], [], None, None, False
        self.stalled, self.go_on = threading.Event(), threading.Event()
        super().__init__(address, Handler)

    def server_bind(self):
        socketserver.TCPServer.server_bind(self)

    def get_request(self):
        request, address = self.socket.accept()
        return request, address or ("client", 0)

    def keep(self, data, **facts):
        file = {"id": str(uuid.uuid4()), "name": "a.bin", "size": len(data), "md5": hashlib.md5(data).hexdigest(),
                "state": "ready", "owner": "ana", "way": "native", "content_type": "text/plain",
                "created_at": "2026-11-21T14:04:09Z", **facts}
        self.files.insert(0, (file, data))
        return file

    def keep_object(self, bucket, key, *parts, **facts):
        """An object; one that was uploaded in parts, if there are several."""
        md5s = [hashlib.md5(part) for part in parts]
        whole = hashlib.md5(b"".join(md5.digest() for md5 in md5s)).hexdigest() + f"-{len(parts)}"
        one = len(parts) == 1
        file = {"id": f"s3://{bucket}/{key}", "bucket": bucket, "key": key, "name": key.rsplit("/")[-1], "size": sum(map(len, parts)),
                "md5": md5s[0].hexdigest() if one else None, "etag": md5s[0].hexdigest() if one else whole, "state": "ready",
                "owner": "ana", "way": "s3", "created_at": "2026-11-21T14:04:09Z", **facts}
        if not one:
            file["part_sizes"] = [len(part) for part in parts]
        self.objects.append((file, b"".join(parts)))
        return file


def start(path=None):
    """Start a server on a free port, or on the Unix socket `path`, which may be longer than the limit of a socket address."""
    if path:
        here = os.open(os.path.dirname(path), os.O_PATH)
        server = Server(f"/proc/self/fd/{here}/{os.path.basename(path)}", socket.AF_UNIX)
        os.close(here)
    else:
        server = Server(("127.0.0.1", 0), socket.AF_INET)
        server.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server
