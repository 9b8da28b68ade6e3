# SPDX-License-Identifier: Apache-2.0
"""A disk that refuses writes for a moment, and works again: nothing that was acknowledged is lost in a power failure afterwards.

The kernel counts the pages of a failed write-back as written. On ext4 with its defaults a later flush of the same pages then
succeeds and leaves zeros on the disk. So this is tested on a real ext4 (failing_disk.py), by itself and with a server on it."""
import contextlib
import hashlib
import os
import random
import sys
import threading

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import failing_disk  # noqa: E402
from failing_disk import empty_disk  # noqa: E402, F401: a fixture
from rounds import rounds, seed  # noqa: E402
from serving import Server, wait_for  # noqa: E402

CLIENTS = 3
SIZES = [4096, 4096, 4096, 40000]  # of every four files three are rows of the database, one is a blob
pytestmark = failing_disk.MARKS


def content(number):
    own = hashlib.sha256(b"%d" % number).digest()
    return (own * (SIZES[number % 4] // len(own) + 1))[:SIZES[number % 4]]


class Load(threading.Thread):
    """Uploads files, one after the other, until stop(). acknowledged: (id, number of the content)."""

    def __init__(self, server, token, first):
        super().__init__(daemon=True)
        self.server, self.token, self.number = server, token, first
        self.acknowledged, self.refusals, self.ending = [], 0, threading.Event()

    def run(self):
        while not self.ending.is_set():
            with contextlib.suppress(OSError, ValueError, AssertionError):
                connection = self.server.connect()
                while not self.ending.is_set():
                    self.number += CLIENTS
                    status, file = self.server.put(self.token, "f", content(self.number), connection)
                    if status == 201:
                        self.acknowledged.append((file["id"], self.number))
                    else:
                        self.refusals += 1
                        self.ending.wait(0.02)

    def stop(self):
        self.ending.set()
        self.join(60)


def acknowledged_by(loads):
    return [one for load in loads for one in list(load.acknowledged)]


def start_load(server, token, first):
    loads = [Load(server, token, first + i) for i in range(CLIENTS)]
    for load in loads:
        load.start()
    return loads


def lost_files(data, token, acknowledged):
    """Start a server on what the power failure left, and return the acknowledged files that it does not have: all of them when
    it does not start."""
    try:
        server = Server(data)
    except AssertionError as e:
        print(e)
        return acknowledged
    try:
        connection = server.connect()
        return [number for id_, number in acknowledged
                if server.get(token, "/v1/native/files/" + id_, connection) != (200, content(number))]
    finally:
        server.kill()


def pause(rng, from_s, to_s):
    """Let the load run for a random time."""
    threading.Event().wait(from_s + rng.random() * (to_s - from_s))


def fail_under_load(disk, rng, servers, user):
    """Refuse some writes while clients upload, restart the server if it takes no more writes, and go on. Yields the loads."""
    loads = start_load(servers[0], user.native, 0)
    pause(rng, 0.2, 2.2)
    disk.refuse(rng.choice([1, 1, 2, 5]))
    wait_for("a refused write", disk.refused)
    pause(rng, 0.2, 0.7)
    disk.refuse(0)
    if servers[0].json("GET", "/health")[1]["status"] == "flush_failed" and rng.random() < 0.75:
        for load in loads:
            load.stop()
        servers[0].kill() if rng.random() < 0.5 else servers[0].stop(errors_expected=True)
        servers.append(servers[0].again())
        loads += start_load(servers[1], user.native, 1000000)
    pause(rng, 0.2, 0.7)
    return loads


def fail_while_stopping(disk, rng, servers, user):
    """Refuse some writes while the log is copied into the database at the end of the server. Then start it, upload, and stop it."""
    loads = start_load(servers[0], user.native, 0)
    pause(rng, 0.2, 1)
    for load in loads:
        load.stop()
    disk.refuse(rng.choice([2, 4, 8]))
    servers[0].stop(errors_expected=True)
    disk.refuse(0)
    assert disk.refused()
    for first in (1000000, 2000000):
        servers.append(servers[0].again())
        loads += start_load(servers[-1], user.native, first)
        pause(rng, 0.2, 0.7)
        for load in loads:
            load.stop()
        servers[-1].stop(errors_expected=True)
    return loads


class DiskServer(Server):
    """A server on the failing disk."""

    def again(self):
        return DiskServer(self.data, log=self.log_path)


def one_round(folder, empty, rng, scenario):
    """Run the scenario, cut the power, and look. Returns (acknowledged, lost)."""
    disk = failing_disk.FailingDisk(folder, *empty)
    servers, loads = [], []
    try:
        servers.append(DiskServer(disk.path + "/data", log=folder + "/log"))
        user = servers[0].user("ana")
        loads = scenario(disk, rng, servers, user)
        acknowledged = acknowledged_by(loads)
        disk.copy(folder + "/cut")
        for load in loads:
            load.stop()
    finally:
        for server in servers:
            server.kill()
        disk.close()
    with failing_disk.mounted(folder + "/cut", folder + "/after"):
        lost = lost_files(folder + "/after/data", user.native, acknowledged)
    os.unlink(folder + "/cut")
    return len(acknowledged), len(lost)


@pytest.mark.slow_because("each round mounts two file systems and starts two or three servers")
@pytest.mark.parametrize("scenario", [fail_under_load, fail_while_stopping])
def test_d1_nothing_acknowledged_is_lost_after_a_failed_flush_on_ext4(tmp_path, empty_disk, scenario):
    results = []
    for number in range(rounds("failed_flushes")):
        folder = tmp_path / str(number)
        folder.mkdir()
        results.append(one_round(str(folder), empty_disk, random.Random(seed() + number), scenario))
        print(number, results[-1], flush=True)
    assert sum(lost for _, lost in results) == 0, results
