# SPDX-License-Identifier: Apache-2.0
"""A receiver of webhooks: an HTTP server of the test that records what it is sent, and answers as the test says."""
import http.server
import queue
import threading


class Receiver:
    """answer: a function (request) -> (status, body) or (status, body, headers), called in a thread of its own for each request.
    request has path, headers (names in lower case) and body."""

    def __init__(self, answer=lambda request: (200, b""), tls=None, address="127.0.0.1"):
        self.got = queue.Queue()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                self.sent = {"path": self.path, "headers": headers, "body": self.body}
                outer.got.put(self.sent)
                status, body, *more = answer(self.sent)
                try:
                    self.send_response(status)
                    for name, value in (more[0] if more else {}).items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    pass  # the sender has heard enough

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_):
                pass  # a client that breaks the handshake off

        self.server = Server((address, 0), Handler)
        self.scheme = "http"
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
            self.scheme = "https"
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def url(self, path="/hook", host="127.0.0.1"):
        return f"{self.scheme}://{host}:{self.port}{path}"

    def next(self, seconds=30):
        return self.got.get(timeout=seconds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
