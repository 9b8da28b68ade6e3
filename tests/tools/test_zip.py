# SPDX-License-Identifier: Apache-2.0
"""Python and unzip can read the archives that src/base/zip.c writes: one with many entries, and one larger than 4 GiB."""
import os
import subprocess
import zipfile

import pytest


@pytest.fixture
def sample(cais, tmp_path):
    def make(kind):
        path = tmp_path / (kind + ".zip")
        writer = os.path.join(os.path.dirname(cais), "tests", "support", "zip-sample")
        subprocess.run([writer, str(path), kind], check=True)
        return path
    return make


def test_more_entries_than_fit_in_16_bits(sample):
    path = sample("many")
    with zipfile.ZipFile(path) as z:
        entries = z.infolist()
        assert len(entries) == 70000 and z.testzip() is None
        assert z.read("n69999.txt") == b"n69999.txt"
        assert all(e.date_time == (2026, 11, 21, 11, 3, 8) for e in entries[:3])
    said = subprocess.run(["unzip", "-tq", str(path)], check=True, capture_output=True, text=True).stdout
    assert "No errors detected" in said


@pytest.mark.slow_because("more than 4 GiB are written, and read again")
def test_an_entry_of_more_than_4_gib(sample):
    path = sample("large")
    with zipfile.ZipFile(path) as z:
        zeros, behind = z.infolist()
        assert zeros.file_size == (4 << 30) + 5 and behind.header_offset > 4 << 30
        assert z.read("behind.txt") == b"behind 4 GiB"
        with z.open(zeros) as entry:  # reads all of it and checks its CRC; unzip would take half a minute
            size = 0
            while piece := entry.read(1 << 20):
                size += len(piece)
        assert size == zeros.file_size
    said = subprocess.run(["unzip", "-tq", str(path), "behind.txt"], check=True, capture_output=True, text=True).stdout
    assert "No errors detected" in said
    listed = subprocess.run(["unzip", "-l", str(path)], check=True, capture_output=True, text=True).stdout
    assert "4294967301" in listed
