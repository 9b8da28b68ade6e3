# SPDX-License-Identifier: Apache-2.0
"""The newest S3 programs for Python, Java and Go, with the defaults of their versions. tools/setup fetches them once, with versions
and hashes that the repository pins; for Go, the newest that Debian's compiler builds. The checks are in python/, java/ and go/; those
for JavaScript are in test_s3_node.py."""
import os

import pytest
from checks import CLIENTS, Program, checks_of
from s3 import run, serve


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    yield from serve(tmp_path_factory, "newest")


def installed(*path):
    path = os.path.join(CLIENTS, ".newest", *path)
    assert os.path.exists(path), f"{path} is missing: tools/setup test"
    return path


def python_program(s3, environment, name):
    return Program(lambda: ([installed(environment, "bin", "python"), os.path.join(CLIENTS, "python", name)],
                            {"url": s3.url}, s3.environment()))


@pytest.fixture(scope="module")
def boto3(s3):
    return python_program(s3, "boto3", "boto3_checks.py")


@pytest.fixture(scope="module")
def pyarrow(s3):
    return python_program(s3, "boto3", "pyarrow_checks.py")


@pytest.fixture(scope="module")
def s3fs(s3):
    return python_program(s3, "s3fs", "s3fs_checks.py")


@pytest.fixture(scope="module")
def java(s3, tmp_path_factory):
    def start():
        classes, jars = str(tmp_path_factory.mktemp("java")), installed("java") + "/*"
        environment = s3.environment(CAIS_URL=s3.url)
        run("javac", "-d", classes, "-cp", jars, os.path.join(CLIENTS, "java", "S3Checks.java"), env=environment)
        return ["java", "-XX:TieredStopAtLevel=1", "-cp", classes + ":" + jars, "S3Checks"], {}, environment
    return Program(start)


@pytest.fixture(scope="module")
def go(s3, tmp_path_factory):
    def start():
        cache, program = installed("go"), str(tmp_path_factory.mktemp("go") / "checks")
        environment = s3.environment(CAIS_URL=s3.url)
        build = {**environment, "GOMODCACHE": cache + "/modules", "GOCACHE": cache + "/build", "GOFLAGS": "-mod=readonly -buildvcs=false",
                 "GOPROXY": "off", "GOSUMDB": "off", "CGO_ENABLED": "0"}
        run("/usr/bin/go", "build", "-o", program, ".", env=build, cwd=os.path.join(CLIENTS, "go"))
        return [program], {}, environment
    return Program(start)


@checks_of("python/boto3_checks.py")
def test_boto3_passes_each_check(boto3, check):
    boto3.expect(check)


@checks_of("python/pyarrow_checks.py")
def test_pyarrow_passes_each_check(pyarrow, check):
    pyarrow.expect(check)


@checks_of("python/s3fs_checks.py")
def test_s3fs_passes_each_check(s3fs, check):
    s3fs.expect(check)


@checks_of("java/S3Checks.java")
def test_the_sdk_for_java_passes_each_check(java, check):
    java.expect(check)


@checks_of("go/main.go")
def test_the_sdk_for_go_passes_each_check(go, check):
    go.expect(check)
