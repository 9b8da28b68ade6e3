# SPDX-License-Identifier: Apache-2.0
"""An object endpoint of our own, with TLS and names, and what its clients have to be told.

Clients are run in an environment that names no other endpoint, no other keys, no proxy and no other certificates.
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
# What people call their files, and what programs that take paths apart might stumble over.
KEYS = ["plain.txt", "two words.txt", "a+b=c&d.txt", "100%.txt", "what?.txt", "#1.txt", "отчёт за март.txt", "文件/e\u0301.txt",
        "dir/sub/file", "quote'\"s.txt", "semi;colon, comma:at@.txt", "%2F%20", "~tilde!*()$.txt", "trailing blank ", "a\\b",
        "emoji 📦", "<tag>&amp;", "[brackets]{braces}|^`"]
SESSION, SESSION_LOCK = boto3.session.Session(), threading.Lock()  # it reads 2 MB of descriptions, and once is enough
# Programs with a notion of files refuse some of these, or send something else.
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
    """Zeros with eight random bytes in every 64 KiB: little to write, and no two parts are alike."""
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
    """One user with a key. `url` serves S3 alone, `shared_url` everything; over TLS the server has NAME and any bucket
    below it, and localhost."""

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
        """A new one, empty."""
        self.buckets += 1
        name = "%s-%d" % (name, self.buckets)
        self.boto().create_bucket(Bucket=name)
        return name

    def boto(self, url=None, key=None, secret=None, **config):
        """boto3's client; never a second try."""
        style = config.pop("addressing_style", "path")
        config = {"signature_version": "s3v4", "s3": {"addressing_style": style}, "retries": {"total_max_attempts": 1},
                  **config}
        with SESSION_LOCK:
            return SESSION.client("s3", endpoint_url=url or self.url, region_name=REGION, verify=self.ca,
                                  aws_access_key_id=key or self.id, aws_secret_access_key=secret or self.secret,
                                  config=botocore.config.Config(**config))

    def environment(self, **more):
        """For a program that is to talk with this server, and to nobody else."""
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
        """MD5 of what is stored, without keeping it."""
        digest = hashlib.md5()
        for piece in self.boto().get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(1 << 20):
            digest.update(piece)
        return digest.hexdigest()

    def tidy(self):
        """Frees the disk for whoever comes next."""
        shutil.rmtree(self.folder, ignore_errors=True)


class refused:  # pylint: disable=invalid-name
    """boto3 is to be told no: with this code and status."""

    def __init__(self, code, status):
        self.want = code, status

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        assert kind is not None, f"expected {self.want}, got an answer"
        if not issubclass(kind, botocore.exceptions.ClientError):
            return False
        self.response = error.response
        got = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        assert got == self.want, error.response
        return True


@pytest.fixture
def resolver(monkeypatch):
    """In this process every name is this machine."""
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *more, **named: real("127.0.0.1", *more, **named))


def serve(tmp_path_factory, name):
    """For a fixture of one file of tests."""
    with S3Server(tmp_path_factory.mktemp(name)) as started:
        yield started
    started.tidy()
