# SPDX-License-Identifier: Apache-2.0
"""Calls the newest boto3 as its users do, with the defaults of its version."""
import datetime
import io
import os
import sys

import boto3
import botocore.config
import botocore.exceptions
import urllib3
from boto3.s3.transfer import TransferConfig
from reporting import SERVER, check, run_all

MIB = 1 << 20
S3 = boto3.client("s3", endpoint_url=SERVER["url"], config=botocore.config.Config(
    s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}))
BUCKET = "newest-boto3"
S3.create_bucket(Bucket=BUCKET)
LARGE = os.urandom(13 * MIB)


def refused(code, status, call, **parameters):
    try:
        call(**parameters)
    except botocore.exceptions.ClientError as e:
        assert (e.response["Error"]["Code"], e.response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status), e.response
        return
    raise AssertionError(f"expected {code}, but the call succeeded")


def get(key, **more):
    return S3.get_object(Bucket=BUCKET, Key=key, **more)["Body"].read()


def put_and_get():
    for key, body in (("empty", b""), ("small", b"hello"), ("a b+c/é.bin", os.urandom(3 * MIB))):
        put = S3.put_object(Bucket=BUCKET, Key=key, Body=body, Metadata={"who": "ana"}, ContentType="text/x-test")
        got = S3.get_object(Bucket=BUCKET, Key=key)
        assert got["Body"].read() == body and got["ETag"] == put["ETag"]
        assert got["Metadata"] == {"who": "ana"} and got["ContentType"] == "text/x-test"
        sums = {name: value for name, value in put.items() if name.startswith("Checksum")}
        assert sums and all(got[name] == value for name, value in sums.items()), (put, got)
    assert get("small", Range="bytes=1-3") == b"ell"


def streams():
    S3.put_object(Bucket=BUCKET, Key="stream", Body=io.BytesIO(LARGE))
    assert get("stream") == LARGE


def every_checksum():
    for algorithm in ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "SHA512", "MD5", "XXHASH64", "XXHASH3", "XXHASH128"):
        try:
            S3.put_object(Bucket=BUCKET, Key="sum", Body=b"hello", ChecksumAlgorithm=algorithm)
        except botocore.exceptions.MissingDependencyException:
            continue  # botocore computes some of them only with another library
        except botocore.exceptions.FlexibleChecksumError:
            continue
        assert get("sum", ChecksumMode="ENABLED") == b"hello"


def managed_multipart():
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    S3.upload_fileobj(io.BytesIO(LARGE), BUCKET, "large", Config=config)
    head = S3.head_object(Bucket=BUCKET, Key="large", ChecksumMode="ENABLED")
    assert head["ETag"].endswith('-3"') and head["ContentLength"] == len(LARGE), head
    assert any(name.startswith("Checksum") for name in head), head
    down = io.BytesIO()
    S3.download_fileobj(BUCKET, "large", down, Config=config)
    assert down.getvalue() == LARGE
    S3.copy({"Bucket": BUCKET, "Key": "large"}, BUCKET, "large copy", Config=config)
    assert get("large copy") == LARGE


def multipart_by_hand():
    made = S3.create_multipart_upload(Bucket=BUCKET, Key="parts")
    upload = {"Bucket": BUCKET, "Key": "parts", "UploadId": made["UploadId"]}
    parts = []
    for number, body in ((1, LARGE[:5 * MIB]), (2, LARGE[5 * MIB:])):
        put = S3.upload_part(**upload, PartNumber=number, Body=body)
        sums = {name: put[name] for name in put if name.startswith("Checksum") and name != "ChecksumType"}
        parts.append({"PartNumber": number, "ETag": put["ETag"], **sums})
    assert [p["PartNumber"] for p in S3.list_parts(**upload)["Parts"]] == [1, 2]
    done = S3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert done["ChecksumType"] in ("FULL_OBJECT", "COMPOSITE"), done
    assert get("parts", ChecksumMode="ENABLED") == LARGE
    asked = S3.get_object_attributes(Bucket=BUCKET, Key="parts", ObjectAttributes=["ObjectParts", "Checksum", "ObjectSize"])
    assert asked["ObjectParts"]["TotalPartsCount"] == 2 and asked["ObjectSize"] == len(LARGE) and asked["Checksum"], asked
    left = S3.create_multipart_upload(Bucket=BUCKET, Key="left")
    S3.abort_multipart_upload(Bucket=BUCKET, Key="left", UploadId=left["UploadId"])
    refused("NoSuchUpload", 404, S3.list_parts, Bucket=BUCKET, Key="left", UploadId=left["UploadId"])


def listing():
    bucket = BUCKET + "-list"
    S3.create_bucket(Bucket=bucket)
    names = sorted([f"folder/{i:02}" for i in range(25)] + ["é", "other/x y"])
    for name in names:
        S3.put_object(Bucket=bucket, Key=name, Body=b"x")
    pages = S3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 7})
    assert [o["Key"] for page in pages for o in page["Contents"]] == names
    found = S3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [p["Prefix"] for p in found["CommonPrefixes"]] == ["folder/", "other/"]
    gone = S3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": name} for name in names]})
    assert len(gone["Deleted"]) == len(names) and "Errors" not in gone
    S3.delete_bucket(Bucket=bucket)
    assert bucket not in [b["Name"] for b in S3.list_buckets()["Buckets"]]


def copy_and_delete():
    S3.put_object(Bucket=BUCKET, Key="from +", Body=b"hello", Metadata={"a": "b"})
    S3.copy_object(Bucket=BUCKET, Key="to", CopySource={"Bucket": BUCKET, "Key": "from +"})
    S3.copy_object(Bucket=BUCKET, Key="to2", CopySource={"Bucket": BUCKET, "Key": "to"}, MetadataDirective="REPLACE")
    assert get("to") == get("to2") == b"hello"
    assert S3.head_object(Bucket=BUCKET, Key="to")["Metadata"] == {"a": "b"}
    S3.delete_object(Bucket=BUCKET, Key="to")
    refused("NoSuchKey", 404, S3.get_object, Bucket=BUCKET, Key="to")


def conditions():
    etag = S3.put_object(Bucket=BUCKET, Key="c", Body=b"hello")["ETag"]
    modified = S3.head_object(Bucket=BUCKET, Key="c")["LastModified"]
    later = modified + datetime.timedelta(hours=1)
    for call in (S3.get_object, S3.head_object):
        for mode in ({}, {"ChecksumMode": "ENABLED"}):
            key = {"Bucket": BUCKET, "Key": "c", **mode}
            refused("304", 304, call, **key, IfNoneMatch=etag)
            refused("304", 304, call, **key, IfModifiedSince=later)
            call(**key, IfMatch=etag)
            call(**key, IfNoneMatch='"x"')
    refused("PreconditionFailed", 412, S3.get_object, Bucket=BUCKET, Key="c", IfMatch='"x"')
    refused("PreconditionFailed", 412, S3.put_object, Bucket=BUCKET, Key="c", Body=b"x", IfNoneMatch="*")
    refused("PreconditionFailed", 412, S3.put_object, Bucket=BUCKET, Key="c", Body=b"x", IfMatch='"x"')
    refused("PreconditionFailed", 412, S3.delete_object, Bucket=BUCKET, Key="c", IfMatch='"x"')
    assert get("c") == b"hello"


def links():
    http, key = urllib3.PoolManager(), {"Bucket": BUCKET, "Key": "link +é"}
    signer = boto3.client("s3", endpoint_url=SERVER["url"], config=botocore.config.Config(signature_version="s3v4"))
    put = http.request("PUT", signer.generate_presigned_url("put_object", key), body=b"hello")
    assert put.status == 200, put.data
    for one in (signer, S3):  # without a version named, links have version 2, which is for reading only
        got = http.request("GET", one.generate_presigned_url("get_object", key))
        assert (got.status, got.data) == (200, b"hello"), got.data
    form = S3.generate_presigned_post(BUCKET, "form", {"acl": "private"}, [{"acl": "private"}, ["content-length-range", 1, 9]])
    sent = http.request("POST", form["url"], fields={**form["fields"], "file": ("a", b"posted")})
    assert sent.status == 204 and get("form") == b"posted"


BUILT = {"abort_multipart_upload", "complete_multipart_upload", "copy_object", "create_bucket", "create_multipart_upload", "delete_bucket",
         "delete_bucket_cors", "delete_object", "delete_object_tagging", "delete_objects", "put_bucket_cors", "put_object",
         "put_object_tagging", "upload_part", "upload_part_copy"}
READS = ("get_", "head_", "list_", "generate_", "can_", "close", "download_", "copy", "upload_file")


def sample(shape):
    """A value with all members that this shape requires."""
    if shape.type_name == "structure":
        return {name: sample(shape.members[name]) for name in shape.required_members}
    if shape.type_name == "list":
        return [sample(shape.member)]
    if shape.type_name == "map":
        return {}
    plain = {"integer": 1, "long": 1, "boolean": True, "blob": b"x", "timestamp": datetime.datetime(2026, 11, 21)}
    return shape.enum[0] if getattr(shape, "enum", None) else plain.get(shape.type_name, "x" * max(1, shape.metadata.get("min", 1)))


def operations_that_are_not_offered():
    """Each operation of the service model that changes something and is not built is refused, and what is stored stays."""
    S3.put_object(Bucket=BUCKET, Key="kept", Body=b"hello", Metadata={"a": "b"})
    refusals = 0
    for name, operation in sorted(S3.meta.method_to_api_mapping.items()):
        if name in BUILT or name.startswith(READS):
            continue
        model = S3.meta.service_model.operation_model(operation)
        needed = sample(model.input_shape)
        needed |= {key: value for key, value in (("Bucket", BUCKET), ("Key", "kept")) if key in model.input_shape.members}
        try:
            getattr(S3, name)(**needed)
        except botocore.exceptions.ClientError as e:
            assert e.response["ResponseMetadata"]["HTTPStatusCode"] >= 400, e.response
            refusals += 1
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.HTTPClientError) as e:
            print(f"{name} could not be sent: {e}", file=sys.stderr)
        else:
            raise AssertionError(f"{name} succeeded")
        kept = S3.get_object(Bucket=BUCKET, Key="kept")
        assert kept["Body"].read() == b"hello" and kept["Metadata"] == {"a": "b"}, name
    assert refusals >= 40, refusals


check("objects are put and read with checksums", put_and_get)
check("streams", streams)
check("every checksum algorithm that it can compute", every_checksum)
check("managed uploads, downloads and copies in parts", managed_multipart)
check("an upload in parts, call by call", multipart_by_hand)
check("lists, and deletes of many", listing)
check("copies and deletes", copy_and_delete)
check("conditional reads and writes", conditions)
check("links and forms", links)
check("operations that are not offered change nothing", operations_that_are_not_offered)
run_all()
