# SPDX-License-Identifier: Apache-2.0
"""Power failures on a real ext4 with its defaults. Every write and every flush that its disk is asked for is recorded while clients
upload and delete. Then the disk is made as a failure at some point would leave it: all that was written before the last flush is
there, and of what came after it some sectors, in any order, or none. A server on that disk must have every file that was
acknowledged before that point, and none that was deleted. Flushes that are left out on purpose must be found."""
import contextlib
import os
import random
import shutil
import sys
import threading

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import failing_disk  # noqa: E402
from failing_disk import empty_disk  # noqa: E402, F401: a fixture
from faults import Faults, rule  # noqa: E402
from rounds import rounds, seed  # noqa: E402
from serving import Server, fsck  # noqa: E402

CLIENTS, CUTS_OF_A_RUN, SECTOR = 3, 25, 512
BYTES_OF_A_CLIENT = 12 << 20  # on a fast machine they would fill the disk
SIZES = [3000, 12000, 30000, 100000]  # half are rows of the database, half are blobs
pytestmark = failing_disk.MARKS


class History:
    """What clients know: of each file (content, from where on it must be there, from where on it may be gone, from where on it must
    be gone), as positions of the record of the disk."""

    def __init__(self, disk):
        self.disk, self.lock, self.files = disk, threading.Lock(), {}

    def position(self):
        with self.lock:
            return self.disk.position()

    def wrong(self, at, get):
        """The files that a disk of this position does not have as it must; get(id) returns (status, bytes)."""
        wrong = []
        for id_, (data, stored, deleting, deleted) in self.files.items():
            if stored > at:
                continue
            found = get(id_)
            if at < deleting and found != (200, data) or at >= deleted and found[0] != 404:
                wrong.append((id_, found[0]))
        return wrong


class Client(threading.Thread):
    def __init__(self, server, token, history, number):
        super().__init__(daemon=True)
        self.server, self.token, self.history = server, token, history
        self.rng, self.ending, self.problem = random.Random(number), threading.Event(), None

    def run(self):
        try:
            connection, own, never, left = self.server.connect(), [], float("inf"), BYTES_OF_A_CLIENT
            while not self.ending.is_set() and left > 0:
                data = self.rng.randbytes(self.rng.choice(SIZES))
                left -= len(data)
                status, file = self.server.put(self.token, "f", data, connection)
                assert status == 201, file
                self.history.files[file["id"]] = (data, self.history.position(), never, never)
                own.append(file["id"])
                if self.rng.random() < 0.2:
                    id_ = own.pop(self.rng.randrange(len(own)))
                    data, stored, _, _ = self.history.files[id_]
                    self.history.files[id_] = (data, stored, self.history.position(), never)
                    assert self.server.json("DELETE", "/v1/native/files/" + id_, None, self.token, connection)[0] == 204
                    self.history.files[id_] = (*self.history.files[id_][:3], self.history.position())
        except BaseException as problem:  # noqa: B902
            self.problem = problem


def record_a_run(folder, empty, number, skipped):
    """Clients upload and delete for some seconds. Returns (the disk at the beginning, the record, history, token)."""
    disk = failing_disk.FailingDisk(folder, *empty)
    server = None
    try:
        data = disk.path + "/data"
        faults = Faults(folder + "/faults", data)
        server = Server(data, log=folder + "/log", environment=faults.environment if skipped else None)
        user = server.user("ana")
        server.stop()
        os.sync()
        disk.copy(folder + "/begin")
        disk.record()
        if skipped:
            faults.set(rule(skipped, "flush", "drop"))
        server = Server(data, log=folder + "/log", environment=faults.environment if skipped else None)
        history = History(disk)
        clients = [Client(server, user.native, history, seed() + 100 * number + i) for i in range(CLIENTS)]
        for client in clients:
            client.start()
        threading.Event().wait(3)
        for client in clients:
            client.ending.set()
            client.join(60)
            if client.problem:
                raise client.problem
        record = disk.recorded(folder + "/record")
        os.unlink(folder + "/record")
        return record, history, user.native
    finally:
        if server:
            server.kill()
        disk.close()


def choose_points(record, rng, count):
    """Half of the points are anywhere, half just before or after a flush, where most would be lost."""
    flushes = [i for i, entry in enumerate(record) if entry is None]
    points = [rng.randrange(len(record)) for _ in range(count - count // 2)]
    points += [max(0, rng.choice(flushes) + rng.choice((-1, 0, 1, 2))) for _ in range(count // 2)] if flushes else []
    return sorted(points)


def write_remains(image, entries, rng):
    """Of writes that no flush followed, some sectors reached the disk, in any order."""
    share = rng.choice((0, 0.1, 0.5, 0.9, 1))
    for at, data in rng.sample(entries, len(entries)):
        whole = rng.random() < 0.5  # else it is torn
        if whole and rng.random() >= share:
            continue
        for i in range(0, len(data), SECTOR):
            if whole or rng.random() < share:
                image.seek(at + i)
                image.write(data[i:i + SECTOR])


def look(folder, point, history, token, may_fail):
    """Start a server on the disk that the failure left. Returns what is wrong with it."""
    with failing_disk.mounted(folder + "/cut", folder + "/after"):
        data = folder + "/after/data"
        try:
            server = Server(data, log=folder + "/after.log")
        except AssertionError as e:
            return [str(e)]
        try:
            connection = server.connect()
            wrong = history.wrong(point, lambda id_: server.get(token, "/v1/native/files/" + id_, connection))
        finally:
            server.kill()
        if not wrong and not may_fail:
            fsck(data)
        return wrong


def cut_power(folder, run, cuts, rng, skipped):
    """Returns (how many cuts, how many acknowledgements were checked, what was wrong)."""
    record, history, token = run
    stable, checked, wrong = 0, 0, []
    for point in choose_points(record, rng, cuts):
        last = max((i for i in range(point, stable - 1, -1) if i < len(record) and record[i] is None), default=None)
        if last is not None:
            with open(folder + "/begin", "r+b") as f:
                for entry in record[stable:last]:
                    if entry:
                        f.seek(entry[0])
                        f.write(entry[1])
            stable = last
        shutil.copyfile(folder + "/begin", folder + "/cut")
        with open(folder + "/cut", "r+b") as f:
            write_remains(f, [entry for entry in record[stable:point] if entry], rng)
        checked += sum(1 for _, stored, _, _ in history.files.values() if stored <= point)
        found = look(folder, point, history, token, bool(skipped))
        wrong += [(point, item) for item in found]
        if found and skipped:
            break
    return cuts, checked, wrong


def one_run(folder, empty, number, cuts, skipped=None):
    os.makedirs(folder)
    run = record_a_run(folder, empty, number, skipped)
    result = cut_power(folder, run, cuts, random.Random(seed() + number), skipped)
    with contextlib.suppress(OSError):
        shutil.rmtree(folder)
    return result


@pytest.mark.slow_because("hundreds of disks are mounted, each with a server on it")
def test_power_cuts_lose_nothing_that_was_acknowledged(tmp_path, empty_disk):
    left, number, total, checked, wrong = rounds("power_cuts"), 0, 0, 0, []
    while left > 0:
        cuts, more, bad = one_run(str(tmp_path / str(number)), empty_disk, number, min(left, CUTS_OF_A_RUN))
        total, checked, wrong, left, number = total + cuts, checked + more, wrong + bad, left - cuts, number + 1
        print("%d power cuts, %d acknowledgements looked for, %d wrong" % (total, checked, len(wrong)), flush=True)
    assert not wrong, wrong[:20]
    assert checked >= total


@pytest.mark.slow_because("a disk is mounted for each of the cuts, with a server on it")
@pytest.mark.parametrize("skipped", ["log", "blob"])
def test_a_flush_that_is_left_out_is_found(tmp_path, empty_disk, skipped):
    """That of a folder is not: ext4 writes the name of a blob with the next flush of a new file, and 150 cuts without any flush of a
    folder lost nothing. tests/crash/test_disk_faults.py finds it."""
    for number in range(6):
        _, _, wrong = one_run(str(tmp_path / str(number)), empty_disk, number, CUTS_OF_A_RUN, skipped)
        if wrong:
            return
    pytest.fail("no power cut lost anything, although the %s was never flushed" % skipped)
