# SPDX-License-Identifier: Apache-2.0
"""PHP 8.2 with ext-curl. The checks are in php/s3.php."""
import os

import pytest
from checks import CLIENTS, Program, checks_of
from s3 import serve


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    yield from serve(tmp_path_factory, "php")


@pytest.fixture(scope="module")
def php(s3):
    def start():
        bucket = s3.bucket()
        ask, status = {"Bucket": bucket, "Key": "a b+é"}, {"success_action_status": "201"}
        forms = {name: s3.boto(signature_version=version).generate_presigned_post(
            bucket, "in/${filename}", status, [status, ["content-length-range", 0, 2000000]])
                 for name, version in (("v4", "s3v4"), ("v2", "s3"))}
        settings = {"tls_url": s3.tls_url, "bucket": bucket, "id": s3.id, "secret": s3.secret, "forms": forms,
                    "put": s3.boto().generate_presigned_url("put_object", ask),
                    "tls_put": s3.boto(s3.tls_url).generate_presigned_url("put_object", ask),
                    "get": s3.boto().generate_presigned_url("get_object", ask)}
        command = ["/usr/bin/php", "-d", "display_errors=stderr", "-d", "error_reporting=8191"]
        return command + [os.path.join(CLIENTS, "php", "s3.php")], {"server": settings}, s3.environment(CAIS_CA=s3.ca)
    return Program(start)


@checks_of("php/s3.php")
def test_php_passes_each_check(php, check):
    php.expect(check)
