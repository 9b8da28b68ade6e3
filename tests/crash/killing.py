# SPDX-License-Identifier: Apache-2.0
"""What the kill loops share: contents that cannot be mixed up, a place whose time can be moved, the kill in the middle of
work, loops side by side."""
import concurrent.futures
import hashlib
import random
import subprocess
import time

from rounds import seed as seed_of_all
from serving import CLOCKED, Clock, Server, clean_environment, fsck

LOOPS = 2  # servers side by side
CLIENTS = 4
SAMPLE = 6  # older things looked at in every round
HOUR_MS = 3600 * 1000
# Around the limits that matter: inline 16 KiB, socket reads of 64 KiB, body buffers of 128 KiB, then several of them.
EDGES = [0, 1, 100, 4096, 16383, 16384, 16385, 65535, 65536, 65537, 131071, 131072, 131073, 262145]
LARGE = [600000, 1 << 20, (3 << 20) + 17]
NOISE = random.Random(1).randbytes(8 << 20)


def content(name, size):
    """The bytes of the file of this name: no two files share them."""
    own = hashlib.sha256(name.encode()).digest()
    start = int.from_bytes(own[:3], "big") % (len(NOISE) - size)
    return (own + NOISE[start:start + size])[:size]


class Place:
    """A data directory and the time there."""

    def __init__(self, data, *settings):
        self.data, self.clock = data, Clock(data + ".clock")
        self.settings = [*settings, "--set", "files.purge_grace=0", "--set", "storage.reserve_free_space=0"]

    def start(self):
        return Server(self.data, *self.settings, program=CLOCKED, environment=self.clock.environment)

    def kill_while_starting(self, chance):
        process = subprocess.Popen([CLOCKED, "serve", "--data", self.data, "--listen", "127.0.0.1:0", *self.settings],
                                   env=clean_environment(**self.clock.environment), stderr=subprocess.DEVNULL)
        time.sleep(chance.random() * 0.06)
        process.kill()
        process.wait()

    def fsck(self, *arguments):
        return fsck(self.data, "--set", "files.purge_grace=0", *arguments, program=CLOCKED,
                    env=clean_environment(**self.clock.environment))

    def let_time_pass(self, number):
        """In every other round six hours have passed."""
        if number % 2 and self.clock.ahead_ms < 300 * 24 * HOUR_MS:
            self.clock.set_ahead(self.clock.ahead_ms + 6 * HOUR_MS)

    def log_end(self):
        with open(self.data + ".log", errors="replace") as f:
            return f.read()[-3000:]


def kill_in_the_middle(place, prepare, chance, moment_s):
    """Starts a server, and the clients that prepare(server) gives; kills it at some moment, and hears what they say."""
    server = place.start()
    try:
        clients = prepare(server)
        for c in clients:
            c.start()
        for c in clients:
            assert c.begun.wait(30)
        time.sleep(chance.random() ** 2 * moment_s)  # the moment
    finally:
        server.kill()
    for c in clients:
        c.join(60)
        assert not c.is_alive(), "a client hangs after the kill"
        if c.problem:
            raise c.problem


def rounds_of(place, rounds, one_round, full_check_every, seed):
    """Rounds with fsck after each; returns how many orphans were removed."""
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
    """loop(data, rounds, seed) in processes of their own: what they return, and the rounds of each."""
    seed = seed_of_all()
    print("%d rounds, seed %d" % (rounds, seed))
    started = time.monotonic()
    with concurrent.futures.ProcessPoolExecutor(LOOPS) as pool:
        share = [rounds // LOOPS + (i < rounds % LOOPS) for i in range(LOOPS)]
        done = [pool.submit(loop, str(folder / ("data%d" % i)), n, seed + i) for i, n in enumerate(share)]
        results = [d.result() for d in done]
    print("%d rounds in %.0f s, %s" % (rounds, time.monotonic() - started, results))
    return results, share
