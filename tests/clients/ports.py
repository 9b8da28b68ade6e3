# SPDX-License-Identifier: Apache-2.0
"""Free ports for servers whose port must be known before they start, or must stay the same after a restart."""
import os
import random
import socket


def free_port():
    """Find a free port below the range from which the kernel chooses ports for clients, because a connection could take one of
    those at any time. Each process of pytest-xdist (gw0, gw1, …) uses a range of its own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 12
    for port in random.sample(range(20000 + 1000 * worker, 21000 + 1000 * worker), 200):
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")
