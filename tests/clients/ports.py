# SPDX-License-Identifier: Apache-2.0
"""A port for a server that is told it in advance, or must find it free again after a restart."""
import os
import random
import socket


def free_port():
    """Below those that the kernel hands out to clients: somebody else's connection may take one of these any time. Tests
    that run side by side have a range each (pytest-xdist calls its processes gw0, gw1, …)."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 12
    for port in random.sample(range(20000 + 1000 * worker, 21000 + 1000 * worker), 200):
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")
