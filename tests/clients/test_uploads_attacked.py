# SPDX-License-Identifier: Apache-2.0
"""Resumable uploads of somebody who means harm: room that nobody counts, and bytes or replies that get lost between two requests."""
import os
import threading

import pytest

from server import Server, request, wait_for
from uploads import OCTETS, PATH, Uploads, checksum

MIB = 1 << 20


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("attacked"), sets=["resumable.max_file_size=4M", "files.purge_grace=0"]) as started:
        yield started


@pytest.fixture(scope="module")
def uploads(server):  # pylint: disable=redefined-outer-name
    return Uploads(server)


def growing(server):
    """Names and sizes of the growing blobs."""
    folder = os.path.join(server.data, "blobs", "growing")
    return {name: os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder)}


def cut_after(uploads, server, path, mebibytes, headers):
    with server.connect() as client:
        head = [*uploads.proof, ("Tus-Resumable", "1.0.0"), OCTETS, ("Upload-Offset", "0"), ("Transfer-Encoding", "chunked"), *headers]
        client.send(request("PATCH", path, head))
        for _ in range(mebibytes):
            if not client.send(b"%x\r\n%s\r\n" % (MIB, b"x" * MIB)):
                break


@pytest.mark.parametrize("headers", [[("Upload-Checksum", checksum(b"x"))], []], ids=["checksum", "none"])
def test_a_cut_body_leaves_no_bytes_beyond_the_quota(tmp_path, headers):
    with Server(tmp_path, sets=["accounts.max_bytes=10M"]) as small:
        uploads = Uploads(small)
        path = uploads.create()
        cut_after(uploads, small, path, 100, headers)
        wait_for("the end of the request", lambda: small.log_lines() and uploads.head(path).status == 200)
        wait_for("room that is counted", lambda: sum(growing(small).values()) <= 10 * MIB, 10)


def test_fsck_finds_damaged_parts(tmp_path):
    with Server(tmp_path) as own:
        uploads = Uploads(own)
        uploads.part(b"x" * 100000)
        name = next(iter(growing(own)))
        os.truncate(os.path.join(own.data, "blobs", "growing", name), 10)
        assert "fewer bytes" in own.cais("fsck", check=False).stdout


def test_a_part_stays_as_long_as_an_unfinished_upload(uploads):
    part, other = uploads.listed(uploads.part(b"part")), uploads.listed(uploads.create(5))
    assert part["expires_at"][:10] == other["expires_at"][:10]


def test_the_draft_can_complete_a_part(uploads):
    path = uploads.create(5, [("Upload-Concat", "partial")])
    assert uploads.append(path, 0, b"abcde", complete=True).status in (200, 201, 204)


def test_a_length_above_the_limit_removes_nothing(uploads):
    path = uploads.path(uploads.begin(False, b"a" * 500))
    assert uploads.append(path, 500, b"b" * 10, headers=[("Upload-Length", str(5 * MIB))]).status == 413
    assert uploads.how_far(path).header("Upload-Offset") == "500"


def test_the_reply_names_the_file_also_if_a_question_completed_the_upload(server, uploads):
    asked, ended = [None], threading.Event()

    def ask():
        with server.connect() as client:
            while not ended.is_set():
                if asked[0]:
                    uploads.head(asked[0], client=client)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(100):
            asked[0] = uploads.create(20)
            assert uploads.append(asked[0], 0, b"y" * 20, complete=True).status == 201
            asked[0] = uploads.create(20)
            place = uploads.patch(asked[0], 0, b"y" * 20).header("Content-Location")
            assert place == uploads.head(asked[0]).header("Content-Location")
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def test_removing_under_a_writer_leaves_no_bytes(tmp_path):
    with Server(tmp_path) as own:
        uploads = Uploads(own)
        with own.connect() as writing, own.connect() as removing:
            for _ in range(1500):
                path = uploads.create()
                writing.send(uploads.bytes("PATCH", path, [("Tus-Resumable", "1.0.0"), OCTETS, ("Upload-Offset", "0")], b"abcde"))
                removing.send(uploads.bytes("DELETE", path, [("Tus-Resumable", "1.0.0")]))
                writing.answer()
                assert removing.answer().status == 204
        assert not growing(own)


def test_uploads_that_are_removed_during_a_backup_do_not_stop_the_sweep(tmp_path):
    with Server(tmp_path, sets=["files.purge_grace=0"]) as own:
        uploads = Uploads(own)
        assert uploads.finish(uploads.create(300 * MIB), b"x" * (300 * MIB))
        paths = [uploads.create(10) for _ in range(120)]
        for path in paths:
            assert uploads.patch(path, 0, b"12345").status == 204
        backup = threading.Thread(target=lambda: own.cais("backup", str(tmp_path / "backup")))
        backup.start()
        wait_for("the backup's copy", lambda: os.path.exists(tmp_path / "backup" / "cais.db"))
        for path in paths:
            assert uploads.tus("DELETE", path).status == 204
        backup.join()
        assert all(uploads.head(path).status == 410 for path in paths)
        assert own.cais("fsck", check=False).returncode == 0  # their bytes are counted until the next purge
