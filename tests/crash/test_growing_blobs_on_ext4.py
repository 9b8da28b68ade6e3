# SPDX-License-Identifier: Apache-2.0
"""A disk that refuses writes for a moment, and works again, while a blob grows: no acknowledged byte is lost in a power failure
afterwards. On ext4 with its defaults, bytes that are only written and flushed again are zeros then (src/blob/disk/growing.c)."""
import os
import random
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import failing_disk  # noqa: E402
from rounds import rounds, seed  # noqa: E402
from serving import BINARY  # noqa: E402

GROWER = os.path.join(os.path.dirname(os.path.realpath(BINARY)), "tests", "support", "blob-grower")
SIZES = [100, 3000, 5000, 70000, 300000]
REASON = failing_disk.reason_not_to_run()
pytestmark = [
    pytest.mark.proof_only("mounts file systems, as root"),
    pytest.mark.skipif(REASON is not None, reason="NOT TESTED: %s" % REASON),
]


def content(size):
    return bytes(((i * 2654435761) >> 7) % 255 + 1 for i in range(size))


class Grower:
    """The store, in a process of its own."""

    def __init__(self, folder):
        self.process = subprocess.Popen([GROWER, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.failures = 0

    def ask(self, *command):
        self.process.stdin.write(" ".join(map(str, command)) + "\n")
        self.process.stdin.flush()
        ok = self.process.stdout.readline() == "ok\n"
        self.failures += not ok
        return ok

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)


def grow(disk, grower, rng):
    """Write six pieces; some flushes fail, and the piece is sent again. Returns how many bytes were acknowledged."""
    acknowledged = 0
    for piece in range(6):
        size = rng.choice(SIZES)
        disk.refuse(rng.choice([0, 1, 2, 5]) if piece else 0)
        while not grower.ask("append", "ab-x", acknowledged, size):
            assert grower.failures < 100
            disk.refuse(0)
        disk.refuse(0)
        acknowledged += size
    return acknowledged


def one_round(folder, empty, rng):
    """Grow, cut the power, and look. Returns (whether the acknowledged bytes are there, how many calls failed)."""
    disk = failing_disk.FailingDisk(folder, *empty)
    try:
        grower = Grower(disk.path + "/blobs")
        acknowledged = grow(disk, grower, rng)
        name = "growing/ab-x"
        if rng.random() < 0.5:
            assert grower.ask("settle", "ab-x", 0, acknowledged)
            name = "ab/ab-x"
        disk.copy(folder + "/cut")
        grower.close()
    finally:
        disk.close()
    with failing_disk.mounted(folder + "/cut", folder + "/after"):
        with open(folder + "/after/blobs/" + name, "rb") as f:
            kept = f.read() == content(acknowledged)
    os.unlink(folder + "/cut")
    return kept, grower.failures


@pytest.mark.slow_because("each round mounts two file systems")
def test_d1_a_growing_blob_keeps_every_acknowledged_byte_after_failed_flushes_on_ext4(tmp_path):
    empty = failing_disk.make_image(tmp_path)
    results = []
    for number in range(rounds("failed_flushes")):
        folder = tmp_path / str(number)
        folder.mkdir()
        results.append(one_round(str(folder), empty, random.Random(seed() + number)))
    print(results)
    assert all(kept for kept, _ in results), results
    assert sum(failures for _, failures in results) >= len(results) // 2
