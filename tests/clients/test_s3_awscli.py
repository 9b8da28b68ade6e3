# SPDX-License-Identifier: Apache-2.0
"""Debian's aws (version 2.9): cp, sync, mv, rm, ls, presign and a few of s3api, at three endpoints."""
import json
import os
import urllib.request

import pytest
from s3 import file_md5, marked_file, md5, run, serve

MIB = 1 << 20


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    yield from serve(tmp_path_factory, "awscli")


def aws(s3, *arguments, url=None, check=True, text=True, stdin=None, clock="+0m", **variables):
    environment = s3.environment(AWS_CA_BUNDLE=s3.ca, AWS_CONFIG_FILE=os.devnull, **variables)
    return run("/usr/bin/faketime", "-f", clock, "/usr/bin/aws", "--endpoint-url", url or s3.url, *arguments, env=environment,
               check=check, text=text, input=stdin)


@pytest.mark.slow_because("ten starts of aws, half a second each on an idle core")
def test_a_bucket_is_created_used_and_deleted(s3, tmp_path):
    aws(s3, "s3", "mb", "s3://from-aws")
    path = tmp_path / "a b+é.txt"
    path.write_bytes(b"data")
    aws(s3, "s3", "cp", path, "s3://from-aws/in/", "--content-type", "text/x", "--metadata", "one=1")
    head = s3.boto().head_object(Bucket="from-aws", Key="in/a b+é.txt")
    assert (head["ContentType"], head["Metadata"]) == ("text/x", {"one": "1"})
    assert "4 a b+é.txt" in aws(s3, "s3", "ls", "s3://from-aws/in/").stdout
    aws(s3, "s3", "mv", "s3://from-aws/in/a b+é.txt", "s3://from-aws/out/c%d.txt")
    assert s3.keys("from-aws") == ["out/c%d.txt"]
    link = aws(s3, "s3", "presign", "s3://from-aws/out/c%d.txt").stdout.strip()
    with urllib.request.urlopen(link, timeout=60) as answer:
        assert answer.read() == b"data" and answer.headers["Content-Type"] == "text/x"
    assert "BucketNotEmpty" in aws(s3, "s3", "rb", "s3://from-aws", check=False).stderr
    aws(s3, "s3", "rb", "--force", "s3://from-aws")
    assert "from-aws" not in aws(s3, "s3", "ls").stdout


def test_300_mib_are_uploaded_and_downloaded_unchanged(s3, tmp_path):
    bucket, path, back = s3.bucket(), marked_file(tmp_path / "big", 300 * MIB), tmp_path / "back"
    aws(s3, "s3", "cp", "--quiet", path, f"s3://{bucket}/big")
    assert s3.boto().head_object(Bucket=bucket, Key="big")["ETag"].endswith('-38"')  # parts of 8 MiB
    aws(s3, "s3", "cp", "--quiet", f"s3://{bucket}/big", back)
    assert file_md5(back) == file_md5(path)
    os.unlink(back)
    s3.boto().delete_object(Bucket=bucket, Key="big")


def test_a_pipe_is_uploaded_over_tls(s3):
    bucket, data = s3.bucket(), os.urandom(20 * MIB)
    aws(s3, "s3", "cp", "-", f"s3://{bucket}/k", url=s3.tls_url, text=False, stdin=data)
    assert s3.digest(bucket, "k") == md5(data)
    assert aws(s3, "s3", "cp", f"s3://{bucket}/k", "-", url=s3.tls_url, text=False).stdout == data


def test_sync_uploads_changes_and_downloads_all(s3, tmp_path):
    bucket, here, back = s3.bucket(), tmp_path / "here", tmp_path / "back"
    names = ["plain", "two words", "a+b", "100%", "d/é", "d/#1?", "d/e/'\"&<>"]
    for name in names:
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_bytes(os.urandom(1000))
    aws(s3, "s3", "sync", here, f"s3://{bucket}/x", url=s3.shared_url)
    assert s3.keys(bucket) == sorted(("x/" + n for n in names), key=str.encode)
    (here / "plain").write_bytes(b"new")
    os.unlink(here / "d/é")
    done = aws(s3, "s3", "sync", "--no-progress", "--delete", here, f"s3://{bucket}/x")
    assert sorted(line.split(":")[0] for line in done.stdout.splitlines()) == ["delete", "upload"], done.stdout
    aws(s3, "s3", "sync", f"s3://{bucket}/x", back)
    for name in set(names) - {"d/é"}:
        assert (back / name).read_bytes() == (here / name).read_bytes()
    aws(s3, "s3", "rm", "--recursive", f"s3://{bucket}/x")
    assert s3.keys(bucket) == []


def test_s3api_reads_checksums_pages_and_ranges(s3, tmp_path):
    bucket, path = s3.bucket(), tmp_path / "f"
    path.write_bytes(b"abc")
    put = json.loads(aws(s3, "s3api", "put-object", "--bucket", bucket, "--key", "a b", "--body", path, "--checksum-algorithm",
                         "SHA256").stdout)
    assert put["ChecksumSHA256"] == "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
    aws(s3, "s3api", "get-object", "--bucket", bucket, "--key", "a b", "--range", "bytes=1-", "--checksum-mode", "ENABLED", path)
    assert path.read_bytes() == b"bc"
    for i in range(7):
        s3.put(bucket, "k%d" % i, b"x")
    page = json.loads(aws(s3, "s3api", "list-objects-v2", "--bucket", bucket, "--page-size", "2", "--prefix", "k").stdout)
    assert [o["Key"] for o in page["Contents"]] == ["k%d" % i for i in range(7)]


def test_a_wrong_secret_and_a_wrong_clock_are_refused(s3):
    bucket = s3.bucket()
    done = aws(s3, "s3", "ls", f"s3://{bucket}", check=False, AWS_SECRET_ACCESS_KEY="0" * 40)
    assert done.returncode and "SignatureDoesNotMatch" in done.stderr
    done = aws(s3, "s3", "ls", f"s3://{bucket}", check=False, clock="+20m")
    assert done.returncode and "RequestTimeTooSkewed" in done.stderr
