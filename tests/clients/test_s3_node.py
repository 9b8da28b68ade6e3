# SPDX-License-Identifier: Apache-2.0
"""The newest AWS SDK for JavaScript, MinIO's client, and axios with form-data. The checks are in node/*.mjs."""
import os

import pytest
from checks import CLIENTS, Program, checks_of
from s3 import KEYS, PATH_LIKE_KEYS, node, serve


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    yield from serve(tmp_path_factory, "node")


def program(s3, name, more=lambda: {}):
    def start():
        settings = {"url": s3.url, "tls_url": s3.tls_url, "name_url": s3.name_url, "id": s3.id, "secret": s3.secret, "keys": KEYS,
                    "path_like_keys": PATH_LIKE_KEYS, **more()}
        return ([node(), os.path.join(CLIENTS, "node", name)], {"server": settings},
                s3.environment(NODE_EXTRA_CA_CERTS=s3.ca))
    return Program(start)


@pytest.fixture(scope="module")
def aws_sdk(s3):
    return program(s3, "aws_sdk.mjs")


@pytest.fixture(scope="module")
def minio(s3):
    return program(s3, "minio_client.mjs")


@pytest.fixture(scope="module")
def axios(s3):
    def links():
        bucket = s3.bucket("axios")
        ask, status = {"Bucket": bucket, "Key": "a b+é"}, {"success_action_status": "201"}
        forms = {name: s3.boto(signature_version=version).generate_presigned_post(
            bucket, name, status, [status, ["content-length-range", 1, 300000]]) for name, version in (("v4", "s3v4"), ("v2", "s3"))}
        return {"put": s3.boto().generate_presigned_url("put_object", ask), "forms": forms,
                "get": s3.boto().generate_presigned_url("get_object", ask)}
    return program(s3, "axios_client.mjs", links)


@checks_of("node/aws_sdk.mjs")
def test_the_aws_sdk_passes_each_check(aws_sdk, check):
    aws_sdk.expect(check)


@checks_of("node/minio_client.mjs")
def test_the_minio_client_passes_each_check(minio, check):
    minio.expect(check)


@checks_of("node/axios_client.mjs")
def test_axios_passes_each_check(axios, check):
    axios.expect(check)
