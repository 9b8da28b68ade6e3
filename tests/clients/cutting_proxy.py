# SPDX-License-Identifier: Apache-2.0
"""A proxy between a client and a server, on a TCP port or a Unix socket, that counts the bytes and can disturb them."""
import os
import re
import socket
import struct
import threading


class Proxy:
    """target(): the address of the server now, a path or (host, port).

    sent: the bytes that clients sent. requests: their heads, as (method, path).
    after(n, what): once n more bytes have come from clients, what() is called. Unless it returns True, the connection that brought
        them ends.
    stall: connections stay open, and pass on no byte, while this is set."""

    def __init__(self, target, path=None):
        self.target, self.sent, self.requests = target, 0, []
        self.lock, self.limit, self.what = threading.Lock(), None, None
        self.moves = threading.Event()
        self.moves.set()
        if path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
        else:
            self.listener = socket.socket()
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)  # so that little is on the way when something happens
            self.listener.bind(("127.0.0.1", 0))
            self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.listener.listen(16)
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.moves.set()
        self.listener.close()

    def after(self, n, what=lambda: None):
        with self.lock:
            self.limit, self.what = self.sent + n, what

    def paths(self, method):
        return [path for m, path in self.requests if m == method]

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client):
        at = self.target()
        server = socket.socket(socket.AF_UNIX if isinstance(at, str) else socket.AF_INET)
        try:
            server.connect(at)
        except OSError:
            client.close()
            return
        threading.Thread(target=self._forward, args=(server, client, False), daemon=True).start()
        self._forward(client, server, True)

    def _forward(self, source, to, counts):
        try:
            while data := source.recv(65536):
                if counts and not self._pass(data):
                    break
                self.moves.wait()
                to.sendall(data)
        except OSError:
            pass
        for end in (source, to):
            try:
                # A reset: libcurl goes on sending after a mere end of the other direction, until the buffers are full.
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
                end.close()
            except OSError:  # the thread of the other direction has closed it
                pass

    def _pass(self, data):
        """False: the connection ends here."""
        # libcurl sends the head of a request alone.
        if head := re.match(rb"(GET|HEAD|POST|PUT|PATCH|DELETE) (\S+) HTTP/1.1\r\n", data):
            self.requests.append((head[1].decode(), head[2].decode()))
        with self.lock:
            self.sent += len(data)
            what = self.what if self.limit is not None and self.sent >= self.limit else None
            if what:
                self.limit = None
        return not what or what() is True


def link_to_data(folder, server):
    """A folder that looks like the data directory of the server, whose socket is a proxy. Returns (folder, proxy)."""
    os.makedirs(folder)
    return folder, Proxy(lambda: os.path.join(server.data, "admin.sock"), os.path.join(folder, "admin.sock"))
