# SPDX-License-Identifier: Apache-2.0
"""Debian's s3cmd (2.3): put, get, ls, parts, sync, cp, mv, info, links (of version 2)."""
import os
import urllib.error
import urllib.request

import pytest
from s3 import KEYS, md5, run, serve

MIB = 1 << 20


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    yield from serve(tmp_path_factory, "s3cmd")


@pytest.fixture
def s3cmd(s3, tmp_path):
    def s3cmd(*arguments, secret=None, host=None, check=True, text=True, stdin=None, clock="+0m"):
        config = tmp_path / "s3cfg"
        host = host or s3.host
        config.write_text(f"[default]\naccess_key = {s3.id}\nsecret_key = {secret or s3.secret}\nhost_base = {host}\n"
                          f"host_bucket = {host}\nuse_https = {host != s3.host}\nca_certs_file = {s3.ca}\nmax_retries = 0\n")
        return run("/usr/bin/faketime", "-f", clock, "/usr/bin/s3cmd", "-c", config, *arguments, env=s3.environment(),
                   check=check, text=text, input=stdin)
    return s3cmd


@pytest.mark.parametrize("where", ["http", "https"])
def test_a_bucket_is_created_used_and_deleted(s3, s3cmd, tmp_path, where):
    host, bucket = s3.tls_url[len("https://"):] if where == "https" else None, "s3cmd-" + where
    s3cmd("mb", f"s3://{bucket}", host=host)
    data = os.urandom(100000)
    path, back = tmp_path / "a b+é.txt", tmp_path / "back"
    path.write_bytes(data)
    s3cmd("put", "--mime-type", "text/x", "--add-header", "x-amz-meta-one: 1", path, f"s3://{bucket}/in/", host=host)
    head = s3.boto().head_object(Bucket=bucket, Key="in/a b+é.txt")
    assert head["ContentType"].startswith("text/x") and head["Metadata"]["one"] == "1"
    assert "in/a b+é.txt" in s3cmd("ls", "-r", f"s3://{bucket}", host=host).stdout
    assert f"s3://{bucket}\n" in s3cmd("ls", host=host).stdout
    s3cmd("get", f"s3://{bucket}/in/a b+é.txt", back, host=host)
    assert back.read_bytes() == data
    assert "MD5 sum:   " + md5(data) in s3cmd("info", f"s3://{bucket}/in/a b+é.txt", host=host).stdout
    s3cmd("cp", f"s3://{bucket}/in/a b+é.txt", f"s3://{bucket}/copy", host=host)
    s3cmd("mv", f"s3://{bucket}/copy", f"s3://{bucket}/moved %41", host=host)
    assert s3.keys(bucket) == ["in/a b+é.txt", "moved %41"] and s3.get(bucket, "moved %41") == data
    s3cmd("del", f"s3://{bucket}/moved %41", host=host)
    s3cmd("rb", "--recursive", "--force", f"s3://{bucket}", host=host)
    assert s3cmd("ls", f"s3://{bucket}", host=host, check=False).returncode


def test_a_file_is_uploaded_in_parts(s3, s3cmd, tmp_path):
    bucket, data = s3.bucket(), os.urandom(17 * MIB)
    path, back = tmp_path / "big", tmp_path / "back"
    path.write_bytes(data)
    s3cmd("put", "--multipart-chunk-size-mb=5", path, f"s3://{bucket}/two words")
    assert s3.boto().head_object(Bucket=bucket, Key="two words")["ETag"].endswith('-4"')
    s3cmd("get", f"s3://{bucket}/two words", back)
    assert back.read_bytes() == data


def test_a_pipe_is_uploaded(s3, s3cmd):
    bucket, data = s3.bucket(), os.urandom(100000)
    s3cmd("put", "-", f"s3://{bucket}/k", text=False, stdin=data)
    assert s3.get(bucket, "k") == data


def test_open_uploads_are_listed_and_aborted(s3, s3cmd):
    bucket = s3.bucket()
    upload_id = s3.boto().create_multipart_upload(Bucket=bucket, Key="k é")["UploadId"]
    assert upload_id in s3cmd("multipart", f"s3://{bucket}").stdout
    s3cmd("abortmp", f"s3://{bucket}/k é", upload_id)
    assert "Uploads" not in s3.boto().list_multipart_uploads(Bucket=bucket)


def test_sync_uploads_changes_and_downloads_all(s3, s3cmd, tmp_path):
    bucket, here, back = s3.bucket(), tmp_path / "here", tmp_path / "back"
    names = [k for k in KEYS if k not in ("trailing blank ", "a\\b")]
    for name in names:
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_bytes(name.encode())
    s3cmd("sync", f"{here}/", f"s3://{bucket}/x/")
    assert s3.keys(bucket) == sorted(("x/" + n for n in names), key=str.encode)
    os.unlink(here / "plain.txt")
    (here / "#1.txt").write_bytes(b"new")
    done = s3cmd("sync", "--delete-removed", f"{here}/", f"s3://{bucket}/x/")
    assert done.stdout.count("delete:") == 1 and done.stdout.count("upload:") == 1, done.stdout
    back.mkdir()
    s3cmd("sync", f"s3://{bucket}/x/", f"{back}/")
    for name in set(names) - {"plain.txt"}:
        assert (back / name).read_bytes() == (here / name).read_bytes()


def test_links_of_version_2_read_an_object(s3, s3cmd):
    bucket = s3.bucket()
    s3.put(bucket, "a b+é%.txt", b"data")
    link = s3cmd("signurl", f"s3://{bucket}/a b+é%.txt", "+60").stdout.strip()
    assert "Signature=" in link and "X-Amz" not in link
    with urllib.request.urlopen(link, timeout=60) as answer:
        assert answer.read() == b"data"
    late = s3cmd("signurl", f"s3://{bucket}/a b+é%.txt", "1700000000").stdout.strip()
    altered = link.replace("Expires=", "Expires=1")
    for other in (late, altered):
        with pytest.raises(urllib.error.HTTPError) as e:
            urllib.request.urlopen(other, timeout=60)
        assert e.value.code == 403


def test_a_wrong_secret_and_a_wrong_clock_are_refused(s3, s3cmd):
    bucket = s3.bucket()
    done = s3cmd("ls", f"s3://{bucket}", secret="0" * 40, check=False)
    assert done.returncode and "SignatureDoesNotMatch" in done.stderr
    done = s3cmd("ls", f"s3://{bucket}", clock="-20m", check=False)
    assert done.returncode and "RequestTimeTooSkewed" in done.stderr
