# SPDX-License-Identifier: Apache-2.0
"""Whatever files are sent and however many schemas there are, the server keeps within its memory and descriptors."""
import gzip
import io
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from data_files import INGESTION_S, SETTINGS, Client, lines  # noqa: E402
from rounds import rounds  # noqa: E402
from serving import Server, fsck  # noqa: E402

MIB = 1 << 20


def memory(server, what="VmHWM"):
    """MiB: what was resident at most (VmHWM), or is now (VmRSS)."""
    with open(f"/proc/{server.pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(what)) // 1024


def forget_peak(server):
    with open(f"/proc/{server.pid}/clear_refs", "w") as f:
        f.write("5")


def descriptors(server):
    return len(os.listdir(f"/proc/{server.pid}/fd"))


def put_pieces(client, server, slug, name, length, pieces):
    """Send a file that is longer than what this process holds."""
    connection = server.connect(300)
    connection.putrequest("PUT", client.upload_path(server, slug) + "/" + name)
    connection.putheader("Content-Length", str(length))
    connection.endheaders()
    for piece in pieces:
        connection.send(piece)
    status = connection.getresponse().status
    connection.close()
    assert status == 200, status


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path / "data", *SETTINGS) as server:
        server.client = Client.add(server)
        server.client.schema(server, "sales")
        yield server


@pytest.mark.slow_because("many schemas")
def test_any_number_of_schemas_takes_bounded_memory_and_descriptors(server):
    client, count = server.client, rounds("schemas")
    for i in range(count):
        client.schema(server, f"s{i}", {"n": "integer"})
    for i in range(count):
        client.send(server, f"s{i}", "a.jsonl", b'{"n":%d}' % i)
    seen = []
    for i in range(count):
        client.ended(server, f"s{i}", "a.jsonl")
        assert client.rows(server, f"s{i}") == [[i]]
        seen.append((memory(server, "VmRSS"), descriptors(server)))
    print("%d schemas: %s at first, %s at the end, peak %d MiB" % (count, seen[0], seen[-1], memory(server)))
    half = seen[len(seen) // 2:]
    assert max(m for m, _ in seen) < 512 and max(d for _, d in seen) - seen[0][1] < 40, seen[::20]
    assert max(m for m, _ in half) - half[0][0] < 64, half[::20]
    server.stop()
    assert not fsck(server.data, "--quick")["findings"]


def test_a_gzip_that_grows_without_measure_fails_in_little_memory(server):
    client = server.client
    small = io.BytesIO()
    with gzip.GzipFile(fileobj=small, mode="wb", mtime=0) as f:
        for _ in range(200):
            f.write(b"\n" * MIB)  # blank lines, which may come in any number
    client.send(server, "sales", "bomb.jsonl.gz", small.getvalue())
    file = client.ended(server, "sales", "bomb.jsonl.gz")
    assert (file["processing_status"], len(file["errors"])) == ("failed", 1), file
    inner = gzip.compress(small.getvalue(), mtime=0)
    client.send(server, "sales", "twice.jsonl.gz", inner)  # it unzips to no line of JSON
    assert client.ended(server, "sales", "twice.jsonl.gz")["processing_status"] == "failed"
    client.send(server, "sales", "good.jsonl", lines(0, 10))
    assert client.ended(server, "sales", "good.jsonl")["rows"] == 10
    assert memory(server) < 300, memory(server)


@pytest.mark.slow_because("a file of a gibibyte")
def test_a_file_of_one_line_is_refused_in_constant_memory(server):
    client, length = server.client, rounds("one_line_mib") * MIB
    begin, end = b'{"n":1,"name":"', b'"}'
    piece = b"x" * MIB

    def pieces():
        yield begin
        for _ in range(length // MIB - 1):
            yield piece
        yield piece[:MIB - len(begin) - len(end)] + end
    put_pieces(client, server, "sales", "line.jsonl", length, pieces())
    forget_peak(server)
    before = memory(server, "VmRSS")
    file = client.ended(server, "sales", "line.jsonl")
    assert (file["processing_status"], len(file["errors"])) == ("failed", 1) and "10 MiB" in file["errors"][0], file
    print("one line of %d MiB: %d -> %d MiB" % (length // MIB, before, memory(server)))
    assert memory(server) - before < 128, (before, memory(server))


def test_lines_of_ten_mebibytes_are_rows(server):
    client = server.client
    size, count = 10 * MIB, 12

    def line(n, length):
        begin, end = b'{"n":%d,"name":"' % n, b'"}\n'
        return begin + b"%d" % (n % 10) * (length + 1 - len(begin) - len(end)) + end
    put_pieces(client, server, "sales", "long.jsonl", count * (size + 1), (line(n, size) for n in range(count)))
    file = client.ended(server, "sales", "long.jsonl")
    assert (file["processing_status"], file["rows"]) == ("completed", count), file
    text = len(line(0, size)) - len(b'{"n":0,"name":""}\n')
    assert client.rows(server, "sales", ["n", "length(name)"], where=[{"field": "n", "op": "<", "value": 10}]) == \
        [[n, text] for n in range(10)]
    put_pieces(client, server, "sales", "longer.jsonl", size + 2, [line(1, size + 1)])
    file = client.ended(server, "sales", "longer.jsonl")
    assert file["processing_status"] == "failed" and "10 MiB" in file["errors"][0], file
    print("peak %d MiB" % memory(server))
    assert memory(server) < 512, memory(server)


@pytest.mark.slow_because("large files")
def test_large_files_become_rows_in_bounded_memory(server):
    """Two at once, as there are threads, of text that does not compress."""
    client, size = server.client, rounds("large_file_mib") * MIB
    client.schema(server, "other")
    piece = lines(0, 20000, pad=200)
    length = size // len(piece) * len(piece)
    for slug in ("sales", "other"):
        put_pieces(client, server, slug, "large.jsonl", length, (piece for _ in range(size // len(piece))))
    peaks = []
    for slug in ("sales", "other"):
        file = client.ended(server, slug, "large.jsonl", 4 * INGESTION_S)
        assert (file["processing_status"], file["rows"]) == ("completed", 20000 * (size // len(piece))), file
        peaks.append(memory(server))
    print("%d MiB twice: peak %s MiB" % (length // MIB, peaks))
    assert max(peaks) <= 512, peaks
