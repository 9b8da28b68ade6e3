# SPDX-License-Identifier: Apache-2.0
"""Debian's rclone (1.60): folders of files, parts, pipes, checks, server-side copies, links."""
import json
import os
import urllib.request

import pytest
from s3 import KEYS, file_md5, marked_file, md5, run, serve

MIB = 1 << 20


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    yield from serve(tmp_path_factory, "rclone")


def rclone(s3, *arguments, url=None, check=True, text=True, stdin=None, **more):
    settings = {"type": "s3", "provider": "Other", "endpoint": url or s3.url, "access_key_id": s3.id,
                "secret_access_key": s3.secret, "region": "us-east-1", **more}
    environment = s3.environment(**{"RCLONE_CONFIG_T_" + n.upper(): v for n, v in settings.items()})
    return run("/usr/bin/rclone", "--config", os.devnull, "--ca-cert", s3.ca, "--retries", "1", "--low-level-retries", "1",
               *arguments, env=environment, check=check, text=text, input=stdin)


@pytest.mark.parametrize("where", ["url", "tls_url"])
def test_a_folder_is_copied_checked_and_restored(s3, tmp_path, where):
    bucket, here, back, url = s3.bucket(), tmp_path / "here", tmp_path / "back", getattr(s3, where)
    names = KEYS  # rclone writes a backslash and a trailing blank in its own way, and back again
    for name in names:
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_bytes(os.urandom(1000))
    (here / "empty").write_bytes(b"")
    rclone(s3, "copy", here, f"t:{bucket}/x", url=url)
    rclone(s3, "check", here, f"t:{bucket}/x", url=url)
    found = rclone(s3, "lsf", "-R", "--files-only", f"t:{bucket}/x", url=url).stdout.splitlines()
    assert sorted(found) == sorted(names + ["empty"])
    assert set(names) - {"a\\b"} <= {k[2:] for k in s3.keys(bucket)}
    (here / "empty").write_bytes(b"no more")
    os.unlink(here / "plain.txt")
    rclone(s3, "sync", here, f"t:{bucket}/x", url=url)
    rclone(s3, "copy", f"t:{bucket}/x", back, url=url)
    assert not (back / "plain.txt").exists()
    for name in set(names) - {"plain.txt"}:
        assert (back / name).read_bytes() == (here / name).read_bytes()
        assert int((back / name).stat().st_mtime) == int((here / name).stat().st_mtime)  # kept in x-amz-meta-mtime
    rclone(s3, "purge", f"t:{bucket}/x", url=url)
    assert s3.keys(bucket) == []


def test_300_mib_are_uploaded_and_downloaded_unchanged(s3, tmp_path):
    bucket, path, back = s3.bucket(), marked_file(tmp_path / "big", 300 * MIB), tmp_path / "back"
    rclone(s3, "copyto", "--s3-chunk-size", "16M", "--s3-upload-cutoff", "16M", path, f"t:{bucket}/big")
    assert s3.boto().head_object(Bucket=bucket, Key="big")["ETag"].endswith('-19"')
    rclone(s3, "copyto", f"t:{bucket}/big", back)
    assert file_md5(back) == file_md5(path)
    os.unlink(back)
    rclone(s3, "deletefile", f"t:{bucket}/big")
    assert s3.keys(bucket) == []


def test_a_pipe_is_uploaded_over_tls(s3):
    bucket, data = s3.bucket(), os.urandom(12 * MIB)
    rclone(s3, "rcat", "--s3-chunk-size", "5M", f"t:{bucket}/k", url=s3.tls_url, text=False, stdin=data)
    assert s3.digest(bucket, "k") == md5(data)
    part = rclone(s3, "cat", "--offset", "1000000", "--count", "1000", f"t:{bucket}/k", url=s3.tls_url, text=False).stdout
    assert part == data[1000000:1001000]


def test_server_side_copies_work_whole_and_in_parts(s3):
    bucket, data = s3.bucket(), os.urandom(12 * MIB)
    s3.put(bucket, "a b+é", data)
    rclone(s3, "copyto", f"t:{bucket}/a b+é", f"t:{bucket}/whole")
    rclone(s3, "copyto", "--s3-copy-cutoff", "5M", "--s3-chunk-size", "5M", f"t:{bucket}/a b+é", f"t:{bucket}/parts")
    rclone(s3, "moveto", f"t:{bucket}/whole", f"t:{bucket}/moved")
    assert s3.keys(bucket) == ["a b+é", "moved", "parts"]
    assert s3.digest(bucket, "moved") == s3.digest(bucket, "parts") == md5(data)


def test_digests_sizes_buckets_and_links_are_shown(s3):
    rclone(s3, "mkdir", "t:from-rclone")
    s3.put("from-rclone", "d/k", b"data")
    assert "from-rclone" in rclone(s3, "lsd", "t:").stdout
    assert rclone(s3, "md5sum", "t:from-rclone").stdout == md5(b"data") + "  d/k\n"
    assert json.loads(rclone(s3, "size", "--json", "t:from-rclone").stdout)["bytes"] == 4
    link = rclone(s3, "link", "--expire", "1m", "t:from-rclone/d/k").stdout.strip()
    with urllib.request.urlopen(link, timeout=60) as answer:
        assert answer.read() == b"data"
    s3.boto().create_multipart_upload(Bucket="from-rclone", Key="begun")
    assert "begun" in rclone(s3, "backend", "list-multipart-uploads", "t:from-rclone").stdout
    rclone(s3, "backend", "cleanup", "-o", "max-age=0s", "t:from-rclone")
    assert "Uploads" not in s3.boto().list_multipart_uploads(Bucket="from-rclone")
    rclone(s3, "purge", "t:from-rclone")
    assert "from-rclone" not in rclone(s3, "lsd", "t:").stdout


def test_a_wrong_secret_is_refused(s3):
    bucket = s3.bucket()
    done = rclone(s3, "lsf", f"t:{bucket}", check=False, secret_access_key="0" * 40)
    assert done.returncode and "SignatureDoesNotMatch" in done.stderr
