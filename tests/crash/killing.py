# SPDX-License-Identifier: Apache-2.0
"""Shared by the tests that kill servers: file contents that all differ, a data directory with a clock that can be moved,
the kill itself, and loops that run in parallel."""
import concurrent.futures
import hashlib
import random
import subprocess
import time

from rounds import seed as seed_of_all
from serving import CLOCKED, Clock, Server, clean_environment, fsck

LOOPS = 2  # servers that run in parallel
CLIENTS = 4
SAMPLE = 6  # the number of older files (or tasks, keys) that each round checks again
HOUR_MS = 3600 * 1000
# Sizes around the limits: 16 KiB for inline objects, 64 KiB for a read of a socket, 128 KiB for a body buffer.
EDGES = [0, 1, 100, 4096, 16383, 16384, 16385, 65535, 65536, 65537, 131071, 131072, 131073, 262145]
LARGE = [600000, 1 << 20, (3 << 20) + 17]
NOISE = random.Random(1).randbytes(8 << 20)


def content(name, size):
    """The bytes of the file with this name. Files with different names have different bytes."""
    own = hashlib.sha256(name.encode()).digest()
    start = int.from_bytes(own[:3], "big") % (len(NOISE) - size)
    return (own + NOISE[start:start + size])[:size]


class Place:
    """A data directory, with a clock for the servers that run on it."""

    def __init__(self, data, *settings):
        self.data, self.clock = data, Clock(data + ".clock")
        self.settings = [*settings, "--set", "files.purge_grace=0", "--set", "storage.reserve_free_space=0"]

    def start(self):
        return Server(self.data, *self.settings, program=CLOCKED, environment=self.clock.environment)

    def kill_while_starting(self, rng):
        process = subprocess.Popen([CLOCKED, "serve", "--data", self.data, "--listen", "127.0.0.1:0", *self.settings],
                                   env=clean_environment(**self.clock.environment), stderr=subprocess.DEVNULL)
        time.sleep(rng.random() * 0.06)
        process.kill()
        process.wait()

    def fsck(self, *arguments):
        return fsck(self.data, "--set", "files.purge_grace=0", *arguments, program=CLOCKED,
                    env=clean_environment(**self.clock.environment))

    def let_time_pass(self, number):
        """Move the clock six hours ahead in every other round."""
        if number % 2 and self.clock.ahead_ms < 300 * 24 * HOUR_MS:
            self.clock.set_ahead(self.clock.ahead_ms + 6 * HOUR_MS)

    def log_end(self):
        with open(self.data + ".log", errors="replace") as f:
            return f.read()[-3000:]


def kill_in_the_middle(place, prepare, rng, moment_s):
    """Start a server and the clients that prepare(server) returns, kill the server at a random time, and raise the error of a
    client that has one."""
    server = place.start()
    try:
        clients = prepare(server)
        for c in clients:
            c.start()
        for c in clients:
            assert c.begun.wait(30)
        time.sleep(rng.random() ** 2 * moment_s)  # the random time
    finally:
        server.kill()
    for c in clients:
        c.join(60)
        assert not c.is_alive(), "a client still waits after the kill"
        if c.problem:
            raise c.problem


def rounds_of(place, rounds, one_round, full_check_every, seed):
    """Run the rounds, with fsck after each. Returns how many orphans fsck removed."""
    removed, number = 0, -1
    try:
        for number in range(rounds):
            one_round(number)
            if number % full_check_every == full_check_every - 1:
                place.fsck()
                removed += place.fsck("--repair", "--quick")["repaired"]
            else:
                place.fsck("--quick")
    except BaseException as problem:
        raise AssertionError("seed %s, round %d: %s\n%s" % (seed, number, problem, place.log_end())) from problem
    return removed


def side_by_side(loop, folder, rounds):
    """Run loop(data, rounds, seed) in LOOPS processes. Returns (list of results, list of their numbers of rounds)."""
    seed = seed_of_all()
    print("%d rounds, seed %d" % (rounds, seed))
    started = time.monotonic()
    with concurrent.futures.ProcessPoolExecutor(LOOPS) as pool:
        share = [rounds // LOOPS + (i < rounds % LOOPS) for i in range(LOOPS)]
        done = [pool.submit(loop, str(folder / ("data%d" % i)), n, seed + i) for i, n in enumerate(share)]
        results = [d.result() for d in done]
    print("%d rounds in %.0f s, %s" % (rounds, time.monotonic() - started, results))
    return results, share
