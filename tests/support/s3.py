# SPDX-License-Identifier: Apache-2.0
"""A server with an S3 endpoint, also over TLS and with bucket names in the host name, and helpers that run S3 clients.

The environment of the clients contains only the endpoint, keys and certificate of this server, and no proxy.
"""

import hashlib
import os
import shutil
import socket
import subprocess
import threading

import boto3
import botocore.config
import botocore.exceptions
import pytest

from server import Authority, Server

NAME = "s3.example.test"
REGION = "us-east-1"
NODE_FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "clients", "node")
# Names that people give their files, and names that programs may process wrongly when they parse paths.
KEYS = ["plain.txt", "two words.txt", "a+b=c&d.txt", "100%.txt", "what?.txt", "#1.txt", "отчёт за март.txt", "文件/e\u0301.txt",
        "dir/sub/file", "quote'\"s.txt", "semi;colon, comma:at@.txt", "%2F%20", "~tilde!*()$.txt", "trailing blank ", "a\\b",
        "emoji 📦", "<tag>&amp;", "[brackets]{braces}|^`"]
SESSION, SESSION_LOCK = boto3.session.Session(), threading.Lock()  # shared, because a session reads 2 MB of descriptions
# Some of these keys look like paths. Programs that work with files refuse them or send another key.
PATH_LIKE_KEYS = ["/leading slash", "a//b", "../up", "a/../b", "./here", "a/./b", "..", "folder/"]


def md5(data):
    return hashlib.md5(data).hexdigest()


def file_md5(path):
    digest = hashlib.md5()
    with open(path, "rb") as f:
        while piece := f.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def marked_file(path, size):
    """Make a sparse file with eight random bytes in every 64 KiB, so that all parts differ."""
    with open(path, "wb") as f:
        for at in range(0, size - 8, 1 << 16):
            f.seek(at)
            f.write(os.urandom(8))
        f.truncate(size)
    return str(path)


def node():
    """Node.js as tools/setup installed it."""
    kind = {"x86_64": "x64", "aarch64": "arm64"}[os.uname().machine]
    path = os.path.join(NODE_FOLDER, "node_modules", "node-linux-" + kind, "bin", "node")
    assert os.path.exists(path), "the packages of tests/clients/node are missing: tools/setup test"
    return path


def run(*command, env, check=True, text=True, **more):
    done = subprocess.run([str(c) for c in command], env=env, capture_output=True, text=text, timeout=240, check=False, **more)
    if check:
        assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


class S3Server(Server):
    """A server with one user and one S3 key. `url` serves only S3, and `shared_url` serves all APIs. The certificate for TLS is
    valid for localhost, NAME and *.NAME."""

    def __init__(self, folder, *options, sets=()):
        authority = Authority(folder)
        self.ca = authority.pem
        certificate, key = authority.issue("s3", ["localhost", NAME, "*." + NAME])
        super().__init__(folder, "--s3-listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--tls-cert", certificate,
                         "--tls-key", key, *options, sets=[f"hosts.{NAME}=s3", f"hosts.*.{NAME}=s3", *sets])
        self.buckets = 0

    def start(self):
        super().start()
        self.host = "127.0.0.1:%d" % self.address("s3_listen")[1]
        self.url = "http://" + self.host
        self.shared_url = "http://127.0.0.1:%d" % self.address()[1]
        self.tls_port = self.address("tls_listen")[1]
        self.tls_url = "https://localhost:%d" % self.tls_port
        self.name_url = "https://%s:%d" % (NAME, self.tls_port)
        self.id, self.secret = self.s3_key(self.user())

    def s3_key(self, login):
        made = self.key(login, "s3")
        return made["access_key_id"], made["secret_access_key"]

    def bucket(self, name="b"):
        """Create an empty bucket and return its name."""
        self.buckets += 1
        name = "%s-%d" % (name, self.buckets)
        self.boto().create_bucket(Bucket=name)
        return name

    def boto(self, url=None, key=None, secret=None, **config):
        """A client of boto3 that never retries."""
        style = config.pop("addressing_style", "path")
        config = {"signature_version": "s3v4", "s3": {"addressing_style": style}, "retries": {"total_max_attempts": 1},
                  **config}
        with SESSION_LOCK:
            return SESSION.client("s3", endpoint_url=url or self.url, region_name=REGION, verify=self.ca,
                                  aws_access_key_id=key or self.id, aws_secret_access_key=secret or self.secret,
                                  config=botocore.config.Config(**config))

    def environment(self, **more):
        """The environment of a client program. It contains the keys of this server and no other configuration."""
        home = os.path.join(self.folder, "home")
        os.makedirs(home, exist_ok=True)
        return {"PATH": "/usr/bin:/bin", "HOME": home, "LANG": "C.UTF-8", "AWS_ACCESS_KEY_ID": self.id,
                "AWS_SECRET_ACCESS_KEY": self.secret, "AWS_DEFAULT_REGION": REGION, "AWS_REGION": REGION,
                "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1", "AWS_PAGER": "", **more}

    def get(self, bucket, key, **more):
        return self.boto().get_object(Bucket=bucket, Key=key, **more)["Body"].read()

    def put(self, bucket, key, body, **more):
        return self.boto().put_object(Bucket=bucket, Key=key, Body=body, **more)

    def keys(self, bucket):
        pages = self.boto().get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [o["Key"] for page in pages for o in page.get("Contents", [])]

    def digest(self, bucket, key):
        """The MD5 of a stored object, read in pieces."""
        digest = hashlib.md5()
        for piece in self.boto().get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(1 << 20):
            digest.update(piece)
        return digest.hexdigest()

    def tidy(self):
        """Delete the data directory, because the next tests need the disk space."""
        shutil.rmtree(self.folder, ignore_errors=True)


class refused:  # pylint: disable=invalid-name
    """A context in which a call of boto3 must fail with this error code and status."""

    def __init__(self, code, status):
        self.want = code, status

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        assert kind is not None, f"expected {self.want}, but the call succeeded"
        if not issubclass(kind, botocore.exceptions.ClientError):
            return False
        self.response = error.response
        got = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        assert got == self.want, error.response
        return True


@pytest.fixture
def resolver(monkeypatch):
    """Resolve every host name to 127.0.0.1 in this process."""
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *more, **named: real("127.0.0.1", *more, **named))


def serve(tmp_path_factory, name):
    """The body of a fixture that runs one server for all tests of a file."""
    with S3Server(tmp_path_factory.mktemp(name)) as started:
        yield started
    started.tidy()
