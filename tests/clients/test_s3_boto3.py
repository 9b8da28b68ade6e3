# SPDX-License-Identifier: Apache-2.0
"""boto3 as Debian has it (botocore 1.29): objects, parts, listings, links, forms, names, and refusals."""
import datetime
import io
import os
import urllib.parse

import boto3.s3.transfer
import botocore.auth
import botocore.crt.auth
import pytest
import requests
from server import in_threads
from s3 import KEYS, NAME, PATH_LIKE_KEYS, file_md5, marked_file, md5, refused, resolver, serve  # noqa: F401

MIB = 1 << 20


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    yield from serve(tmp_path_factory, "boto3")


@pytest.fixture
def bucket(s3):
    return s3.bucket()


# ── objects


def test_annotation_overwrote_the_object_so_a_write_with_an_unknown_subresource_is_refused(s3, bucket):
    """put_object_annotation and delete_object_annotation of boto3 1.44, as they are on the wire."""
    s3.put(bucket, "k", b"precious")
    client = s3.boto()

    def annotate(request, **_):
        request.url += "?annotation&annotationName=note"
    client.meta.events.register("before-sign.s3", annotate)
    for call, more in [(client.put_object, {"Body": b"note"}), (client.delete_object, {})]:
        with refused("NotImplemented", 501):
            call(Bucket=bucket, Key="k", **more)
        link = client.generate_presigned_url(call.__name__, Params={"Bucket": bucket, "Key": "k"})
        assert "annotation" in link
        assert requests.request("PUT" if more else "DELETE", link, data=b"note", timeout=20).status_code == 501
    with refused("NotImplemented", 501):
        client.get_object(Bucket=bucket, Key="k")  # its bytes would be taken for those of the annotation
    assert s3.boto().get_object(Bucket=bucket, Key="k")["Body"].read() == b"precious"


@pytest.mark.parametrize("size", [0, 1, 16384, 16385, 3 * MIB])
@pytest.mark.parametrize("where", ["url", "shared_url", "tls_url"])
def test_get_returns_the_bytes_of_put(s3, bucket, size, where):
    client, data = s3.boto(getattr(s3, where)), os.urandom(size)
    put = client.put_object(Bucket=bucket, Key="k", Body=data)
    assert put["ETag"] == '"%s"' % md5(data)
    got = client.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == data
    assert (got["ContentLength"], got["ETag"]) == (size, put["ETag"])
    head = client.head_object(Bucket=bucket, Key="k")
    assert (head["ContentLength"], head["ETag"], head["LastModified"]) == (size, put["ETag"], got["LastModified"])


def test_headers_and_metadata_are_stored(s3, bucket):
    said = {"ContentType": "text/plain; charset=utf-8", "CacheControl": "max-age=5",
            "ContentDisposition": 'inline; filename="a b"', "ContentEncoding": "gzip", "ContentLanguage": "pt-BR", "Metadata": {"one": "1", "two-words": "a  b"}}
    s3.put(bucket, "k", b"x", **said)
    head = s3.boto().head_object(Bucket=bucket, Key="k")
    assert {name: head[name] for name in said} == said
    s3.boto().copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"})
    head = s3.boto().head_object(Bucket=bucket, Key="copy")
    assert {name: head[name] for name in said} == said
    s3.boto().copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"}, MetadataDirective="REPLACE",
                          ContentType="text/css", Metadata={"three": "3"})
    head = s3.boto().head_object(Bucket=bucket, Key="copy")
    assert (head["ContentType"], head["Metadata"], "CacheControl" in head) == ("text/css", {"three": "3"}, False)


def test_ranges_return_the_bytes_that_they_name(s3, bucket):
    data = os.urandom(100000)
    s3.put(bucket, "k", data)
    for asked, want, span in [("bytes=0-99", data[:100], "0-99"), ("bytes=99990-", data[-10:], "99990-99999"),
                              ("bytes=-7", data[-7:], "99993-99999"), ("bytes=5-5", data[5:6], "5-5"),
                              ("bytes=99999-200000", data[-1:], "99999-99999")]:
        got = s3.boto().get_object(Bucket=bucket, Key="k", Range=asked)
        assert got["Body"].read() == want and got["ContentRange"] == f"bytes {span}/100000"
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    with refused("InvalidRange", 416):
        s3.boto().get_object(Bucket=bucket, Key="k", Range="bytes=100000-")
    head = s3.boto().head_object(Bucket=bucket, Key="k", PartNumber=1)
    assert head["ContentLength"] == 100000
    ranged = with_header(s3.boto(), "HeadObject", "Range", "bytes=10-19").head_object(Bucket=bucket, Key="k")
    assert ranged["ContentLength"] == 10 and ranged["ResponseMetadata"]["HTTPStatusCode"] == 206


def test_an_error_has_no_content_encoding_of_the_object(s3, bucket):
    etag = s3.put(bucket, "k", b"not really", ContentEncoding="gzip", CacheControl="max-age=5")["ETag"]
    for error, status, asked in (("InvalidRange", 416, {"Range": "bytes=50-"}), ("PreconditionFailed", 412, {"IfMatch": '"x"'})):
        with refused(error, status) as refusal:
            s3.boto().get_object(Bucket=bucket, Key="k", **asked)
        assert not {"content-encoding", "cache-control", "etag"} & set(refusal.response["ResponseMetadata"]["HTTPHeaders"])
    with refused("304", 304) as refusal:
        s3.boto().get_object(Bucket=bucket, Key="k", IfNoneMatch=etag)
    assert refusal.response["ResponseMetadata"]["HTTPHeaders"]["cache-control"] == "max-age=5"


def test_conditions_decide_about_reads(s3, bucket):
    etag = s3.put(bucket, "k", b"x")["ETag"]
    client = s3.boto()
    assert client.get_object(Bucket=bucket, Key="k", IfMatch=etag)["Body"].read() == b"x"
    with refused("304", 304):
        client.get_object(Bucket=bucket, Key="k", IfNoneMatch=etag)
    with refused("PreconditionFailed", 412):
        client.get_object(Bucket=bucket, Key="k", IfMatch='"other"')
    modified = client.head_object(Bucket=bucket, Key="k")["LastModified"]
    with refused("304", 304):
        client.get_object(Bucket=bucket, Key="k", IfModifiedSince=modified)
    with refused("PreconditionFailed", 412):
        client.get_object(Bucket=bucket, Key="k", IfUnmodifiedSince=modified - datetime.timedelta(seconds=5))


def with_header(client, operation, name, value):
    """Make the client send a header for which this boto3 has no parameter."""
    client.meta.events.register("before-sign.s3." + operation, lambda request, **_: request.headers.add_header(name, value))
    return client


def test_conditions_decide_about_writes(s3, bucket):
    only_new = with_header(s3.boto(), "PutObject", "If-None-Match", "*")
    etag = only_new.put_object(Bucket=bucket, Key="k", Body=b"first")["ETag"]
    with refused("PreconditionFailed", 412):
        only_new.put_object(Bucket=bucket, Key="k", Body=b"second")
    with refused("PreconditionFailed", 412):
        with_header(s3.boto(), "PutObject", "If-Match", '"0123456789abcdef0123456789abcdef"').put_object(
            Bucket=bucket, Key="k", Body=b"third")
    assert s3.get(bucket, "k") == b"first"
    with_header(s3.boto(), "PutObject", "If-Match", etag).put_object(Bucket=bucket, Key="k", Body=b"fourth")
    assert s3.get(bucket, "k") == b"fourth"
    with refused("NoSuchKey", 404):
        with_header(s3.boto(), "PutObject", "If-Match", etag).put_object(Bucket=bucket, Key="absent", Body=b"fifth")


def test_one_of_eight_conditional_writers_succeeds(s3, bucket):
    def write(i):
        client = with_header(s3.boto(), "PutObject", "If-None-Match", "*")
        try:
            client.put_object(Bucket=bucket, Key="k", Body=b"%d" % i * 20000)
            return i
        except client.exceptions.ClientError as e:
            assert e.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict"), e.response
            return None

    winners = [i for i in in_threads(8, write) if i is not None]
    assert len(winners) == 1
    assert s3.get(bucket, "k") == b"%d" % winners[0] * 20000


def test_digests_of_the_body_are_checked(s3, bucket):
    good = {"ChecksumSHA256": "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", "ChecksumSHA1": "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=",
            "ChecksumCRC32": "NSRBwg==", "ChecksumCRC32C": "Nks/tw==", "ContentMD5": "kAFQmDzST7DWlj99KOF/cg=="}
    for name, value in good.items():
        put = s3.put(bucket, name, b"abc", **{name: value})
        if name != "ContentMD5":
            assert put[name] == value
            head = s3.boto().head_object(Bucket=bucket, Key=name, ChecksumMode="ENABLED")
            assert head[name] == value
        with refused("BadDigest", 400):
            s3.put(bucket, name, b"abd", **{name: value})
        assert s3.get(bucket, name) == b"abc"


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "SHA1", "SHA256"])
@pytest.mark.parametrize("where", ["url", "tls_url"])
def test_a_stream_with_a_checksum_trailer_is_stored(s3, bucket, algorithm, where):
    data = os.urandom(300000)
    put = s3.boto(getattr(s3, where)).put_object(Bucket=bucket, Key="k", Body=io.BytesIO(data), ChecksumAlgorithm=algorithm)
    got = s3.boto().get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Checksum" + algorithm] == put["Checksum" + algorithm]
    assert got["Body"].read() == data  # boto3 compares the checksum while it reads
    assert "aws-chunked" not in got.get("ContentEncoding", "")


def test_delete_removes_an_object(s3, bucket):
    s3.put(bucket, "k", b"x")
    for _ in range(2):
        assert s3.boto().delete_object(Bucket=bucket, Key="k")["ResponseMetadata"]["HTTPStatusCode"] == 204
    with refused("NoSuchKey", 404):
        s3.get(bucket, "k")
    with refused("404", 404):
        s3.boto().head_object(Bucket=bucket, Key="k")


def test_delete_objects_removes_many_keys(s3, bucket):
    names = KEYS + PATH_LIKE_KEYS
    for name in names:
        s3.put(bucket, name, b"x")
    done = s3.boto().delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": k} for k in names + ["absent"]]})
    assert sorted(d["Key"] for d in done["Deleted"]) == sorted(names + ["absent"]) and "Errors" not in done
    assert s3.keys(bucket) == []
    s3.put(bucket, "k", b"x")
    done = s3.boto().delete_objects(Bucket=bucket, Delete={"Quiet": True, "Objects": [{"Key": "k"}, {"Key": "absent"}]})
    assert "Deleted" not in done and "Errors" not in done and s3.keys(bucket) == []
    with refused("MalformedXML", 400):
        s3.boto().delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k%d" % i} for i in range(1001)]})


def test_tags_are_stored_and_shown(s3, bucket):
    s3.put(bucket, "k", b"x", Tagging="color=red&two+words=a%2Bb")
    tags = [{"Key": "color", "Value": "red"}, {"Key": "two words", "Value": "a+b"}]
    client = s3.boto()
    assert sorted(client.get_object_tagging(Bucket=bucket, Key="k")["TagSet"], key=lambda t: t["Key"]) == tags
    assert client.get_object(Bucket=bucket, Key="k")["TagCount"] == 2
    client.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "é", "Value": ""}]})
    assert client.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "é", "Value": ""}]
    client.delete_object_tagging(Bucket=bucket, Key="k")
    assert client.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    twice = [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]
    with refused("InvalidTag", 400):
        client.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": twice})


# ── buckets


def test_buckets_are_created_listed_and_deleted(s3):
    client, name = s3.boto(), "comes-and-goes"
    client.create_bucket(Bucket=name)
    assert client.head_bucket(Bucket=name)["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert name in [b["Name"] for b in client.list_buckets()["Buckets"]]
    assert client.get_bucket_location(Bucket=name)["LocationConstraint"] is None  # what us-east-1 answers
    assert "Status" not in client.get_bucket_versioning(Bucket=name)
    s3.put(name, "k", b"x")
    with refused("BucketNotEmpty", 409):
        client.delete_bucket(Bucket=name)
    client.delete_object(Bucket=name, Key="k")
    client.delete_bucket(Bucket=name)
    with refused("404", 404):
        client.head_bucket(Bucket=name)
    with refused("NoSuchBucket", 404):
        client.list_objects_v2(Bucket=name)
    with refused("NoSuchBucket", 404):
        s3.put(name, "k", b"x")


def test_another_account_has_no_access(s3, bucket):
    s3.put(bucket, "k", b"x")
    s3.cais("account", "add", "elsewhere")
    key, secret = s3.s3_key(s3.user(None, "--account", "elsewhere"))
    other = s3.boto(key=key, secret=secret)
    assert other.list_buckets()["Buckets"] == []
    for ask in (lambda: other.get_object(Bucket=bucket, Key="k"), lambda: other.list_objects_v2(Bucket=bucket),
                lambda: other.put_object(Bucket=bucket, Key="k", Body=b"y"),
                lambda: other.delete_object(Bucket=bucket, Key="k")):
        with refused("AccessDenied", 403):
            ask()
    mine = "mine-elsewhere"
    other.create_bucket(Bucket=mine)
    with refused("AccessDenied", 403):
        other.copy_object(Bucket=mine, Key="k", CopySource={"Bucket": bucket, "Key": "k"})
    with refused("BucketAlreadyExists", 409):
        other.create_bucket(Bucket=bucket)
    assert s3.get(bucket, "k") == b"x"


def test_cors_rules_are_stored_and_applied(s3, bucket):
    client = s3.boto()
    with refused("NoSuchCORSConfiguration", 404):
        client.get_bucket_cors(Bucket=bucket)
    rule = {"AllowedMethods": ["PUT", "GET"], "AllowedOrigins": ["https://*.example.org"], "AllowedHeaders": ["*"],
            "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 600}
    client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    kept = client.get_bucket_cors(Bucket=bucket)["CORSRules"][0]
    assert {name: kept[name] for name in rule} == rule
    asked = {"Origin": "https://app.example.org", "Access-Control-Request-Method": "PUT",
             "Access-Control-Request-Headers": "content-type"}
    answer = requests.options(f"{s3.url}/{bucket}/k", headers=asked, timeout=60)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, "https://app.example.org")
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
    answer = requests.options(f"{s3.url}/{bucket}/k", headers={**asked, "Origin": "https://example.com"}, timeout=60)
    assert answer.status_code == 403 and "Access-Control-Allow-Origin" not in answer.headers
    client.delete_bucket_cors(Bucket=bucket)
    with refused("NoSuchCORSConfiguration", 404):
        client.get_bucket_cors(Bucket=bucket)


def test_unknown_operations_are_not_implemented(s3, bucket):
    with refused("NotImplemented", 501):
        s3.boto().put_bucket_website(Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "i"}})
    with refused("ObjectLockConfigurationNotFoundError", 404):
        s3.boto().get_object_lock_configuration(Bucket=bucket)


# ── listings


@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2", "list_object_versions"])
def test_listings_show_every_name_unchanged(s3, bucket, operation):
    names = KEYS + PATH_LIKE_KEYS
    for name in names:
        s3.put(bucket, name, name.encode())
    found = []
    for page in s3.boto().get_paginator(operation).paginate(Bucket=bucket, PaginationConfig={"PageSize": 5}):
        found += [o["Key"] for o in page.get("Contents", page.get("Versions", []))]
    assert found == sorted(names, key=str.encode)
    for name in names:
        assert s3.get(bucket, name) == name.encode()
        assert s3.boto().head_object(Bucket=bucket, Key=name)["ContentLength"] == len(name.encode())


def test_listings_group_keys_by_delimiter(s3, bucket):
    for name in ["a", "b/1", "b/2", "b/c/3", "d+e/4", "f"]:
        s3.put(bucket, name, b"x")
    client = s3.boto()
    top = client.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [o["Key"] for o in top["Contents"]] == ["a", "f"]
    assert [p["Prefix"] for p in top["CommonPrefixes"]] == ["b/", "d+e/"] and top["KeyCount"] == 4
    below = client.list_objects_v2(Bucket=bucket, Delimiter="/", Prefix="b/")
    assert [o["Key"] for o in below["Contents"]] == ["b/1", "b/2"]
    assert [p["Prefix"] for p in below["CommonPrefixes"]] == ["b/c/"]
    pages = list(client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 1}))
    one_each = [(o.get("Contents", [{}])[0].get("Key") or o["CommonPrefixes"][0]["Prefix"]) for o in pages]
    assert one_each == ["a", "b/", "d+e/", "f"]
    after = client.list_objects_v2(Bucket=bucket, StartAfter="b/2")
    assert [o["Key"] for o in after["Contents"]] == ["b/c/3", "d+e/4", "f"]
    old = client.list_objects(Bucket=bucket, Marker="b/c/3", MaxKeys=1)
    assert ([o["Key"] for o in old["Contents"]], old["IsTruncated"]) == (["d+e/4"], True)


# ── parts


def test_40_mib_are_uploaded_in_parts(s3, bucket, tmp_path):
    path = marked_file(tmp_path / "big", 40 * MIB)
    config = boto3.s3.transfer.TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB, max_concurrency=4)
    s3.boto().upload_file(path, bucket, "big", Config=config, ExtraArgs={"ContentType": "video/mp4"})
    head = s3.boto().head_object(Bucket=bucket, Key="big")
    assert (head["ContentLength"], head["ContentType"]) == (40 * MIB, "video/mp4") and head["ETag"].endswith('-5"')
    assert s3.digest(bucket, "big") == file_md5(path)
    s3.boto().delete_object(Bucket=bucket, Key="big")


def upload_part(client, upload, number, body):
    part = client.upload_part(**upload, PartNumber=number, Body=body)
    return {"PartNumber": number, "ETag": part["ETag"]}


def begin(client, bucket, key, **more):
    upload_id = client.create_multipart_upload(Bucket=bucket, Key=key, **more)["UploadId"]
    return {"Bucket": bucket, "Key": key, "UploadId": upload_id}


def test_parts_may_be_unordered_and_repeated_and_are_listed(s3, bucket):
    client, data = s3.boto(), [os.urandom(n) for n in (5 * MIB, 6 * MIB, 7)]
    upload = begin(client, bucket, "two words/é", Metadata={"a": "b"})
    listed = client.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert [(u["Key"], u["UploadId"]) for u in listed] == [("two words/é", upload["UploadId"])]
    third = upload_part(client, upload, 10000, data[2])
    upload_part(client, upload, 1, os.urandom(5 * MIB))
    first = upload_part(client, upload, 1, data[0])
    second = upload_part(client, upload, 7, data[1])
    pages = client.get_paginator("list_parts").paginate(**upload, PaginationConfig={"PageSize": 2})
    assert [(p["PartNumber"], p["Size"], p["ETag"]) for page in pages for p in page["Parts"]] == [
        (1, 5 * MIB, first["ETag"]), (7, 6 * MIB, second["ETag"]), (10000, 7, third["ETag"])]
    with refused("NoSuchKey", 404):
        client.get_object(Bucket=bucket, Key="two words/é")
    with refused("InvalidPartOrder", 400):
        client.complete_multipart_upload(**upload, MultipartUpload={"Parts": [second, first, third]})
    with refused("InvalidPart", 400):
        client.complete_multipart_upload(**upload, MultipartUpload={"Parts": [first, {**second, "PartNumber": 8}]})
    client.complete_multipart_upload(**upload, MultipartUpload={"Parts": [first, second, third]})
    got = client.get_object(Bucket=bucket, Key="two words/é")
    assert got["Body"].read() == b"".join(data) and got["Metadata"] == {"a": "b"}
    assert "Uploads" not in client.list_multipart_uploads(Bucket=bucket)
    with refused("NoSuchUpload", 404):
        client.list_parts(**upload)
    part = client.get_object(Bucket=bucket, Key="two words/é", PartNumber=2)
    assert part["Body"].read() == data[1] and part["PartsCount"] == 3


def test_an_empty_last_part_is_returned_empty(s3, bucket):
    client, data = s3.boto(), os.urandom(5 * MIB)
    upload = begin(client, bucket, "k")
    parts = [upload_part(client, upload, number, body) for number, body in ((1, data), (2, b""))]
    client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    got = [client.get_object(Bucket=bucket, Key="k", PartNumber=number)["Body"].read() for number in (1, 2)]
    assert got == [data, b""]
    with refused("InvalidPartNumber", 416):
        client.get_object(Bucket=bucket, Key="k", PartNumber=3)


def test_a_small_middle_part_is_refused_and_the_upload_aborted(s3, bucket):
    client = s3.boto()
    upload = begin(client, bucket, "k")
    parts = [upload_part(client, upload, n, b"small") for n in (1, 2)]
    with refused("EntityTooSmall", 400):
        client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    client.abort_multipart_upload(**upload)
    with refused("NoSuchUpload", 404):
        client.upload_part(**upload, PartNumber=1, Body=b"x")
    assert s3.keys(bucket) == []


def test_parts_are_copied_from_objects(s3, bucket):
    client, data = s3.boto(), os.urandom(6 * MIB)
    s3.put(bucket, "from é+%", data)
    upload = begin(client, bucket, "to")
    source = {"Bucket": bucket, "Key": "from é+%"}
    copied = [client.upload_part_copy(**upload, PartNumber=number, CopySource=source, **more)["CopyPartResult"]["ETag"]
              for number, more in ((1, {}), (2, {"CopySourceRange": "bytes=10-19"}))]
    client.complete_multipart_upload(**upload, MultipartUpload={"Parts": [
        {"PartNumber": i + 1, "ETag": etag} for i, etag in enumerate(copied)]})
    assert s3.get(bucket, "to") == data + data[10:20]


def test_two_racing_completions_never_mix_parts(s3, bucket):
    uploads = []
    for i in range(2):
        upload = begin(s3.boto(), bucket, "k")
        body = [bytes([i]) * (5 * MIB), b"%d" % i]
        uploads.append((upload, body, [upload_part(s3.boto(), upload, n + 1, b) for n, b in enumerate(body)]))
    in_threads(2, lambda i: s3.boto().complete_multipart_upload(**uploads[i][0], MultipartUpload={"Parts": uploads[i][2]}))
    assert s3.get(bucket, "k") in [b"".join(body) for _, body, _ in uploads]


# ── links and forms


@pytest.mark.parametrize("name", KEYS + PATH_LIKE_KEYS)
def test_links_work_for_put_get_and_head(s3, bucket, name):
    client, data = s3.boto(), os.urandom(1000)

    def link(operation, **more):
        return client.generate_presigned_url(operation, {"Bucket": bucket, "Key": name, **more}, ExpiresIn=60)

    # requests removes dots from a URL, unless the request is prepared and its URL restored afterwards.
    def ask(method, url, **more):
        with requests.Session() as session:
            prepared = session.prepare_request(requests.Request(method, "http://h/", **more))
            prepared.url = url
            return session.send(prepared, timeout=60)

    assert ask("PUT", link("put_object"), data=data).status_code == 200
    got = ask("GET", link("get_object", ResponseContentType="text/x", ResponseContentDisposition='attachment; filename="a"'))
    assert (got.status_code, got.content) == (200, data)
    assert (got.headers["Content-Type"], got.headers["Content-Disposition"]) == ("text/x", 'attachment; filename="a"')
    assert ask("HEAD", link("head_object")).headers["Content-Length"] == "1000"
    assert s3.keys(bucket) == [name]


def test_a_link_requires_the_content_type_that_was_signed(s3, bucket):
    link = s3.boto().generate_presigned_url("put_object", {"Bucket": bucket, "Key": "k", "ContentType": "text/plain"})
    assert requests.put(link, b"x", headers={"Content-Type": "text/html"}, timeout=60).status_code == 403
    assert requests.put(link, b"x", headers={"Content-Type": "text/plain"}, timeout=60).status_code == 200


def test_links_of_version_2_read_but_do_not_write(s3, bucket):
    s3.put(bucket, "a b+é.txt", b"data")
    old = s3.boto(signature_version="s3")
    for name, want in [("get_object", 200), ("head_object", 200)]:
        link = old.generate_presigned_url(name, {"Bucket": bucket, "Key": "a b+é.txt"}, ExpiresIn=60)
        assert "Signature=" in link and "X-Amz" not in link
        assert requests.request(name[:-7].upper(), link, timeout=60).status_code == want
    link = old.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "new"}, ExpiresIn=60)
    assert requests.put(link, b"x", timeout=60).status_code in (400, 403)
    assert s3.keys(bucket) == ["a b+é.txt"]


def error_of(answer):
    return answer.status_code, answer.text.partition("<Code>")[2].partition("</Code>")[0]


@pytest.fixture(params=["s3v4", "s3"], ids=["V4", "V2"])
def form(request, s3, bucket):
    """form(key, fields, conditions) → the URL and the fields of a signed form."""
    def make(key, fields=None, conditions=None, seconds=60):
        return s3.boto(signature_version=request.param).generate_presigned_post(bucket, key, fields, conditions, seconds)
    return make


def send_form(made, data=b"data", fields=None, name="local name.txt", **more):
    return requests.post(made["url"], data={**made["fields"], **(fields or {})}, files={"file": (name, data)}, timeout=60, **more)


@pytest.mark.parametrize("name", KEYS)
def test_a_form_stores_a_file(s3, bucket, form, name):
    data = os.urandom(100000)
    answer = send_form(form(name), data)
    assert answer.status_code == 204 and answer.headers["ETag"] == '"%s"' % md5(data)
    assert s3.keys(bucket) == [name] and s3.get(bucket, name) == data


def test_a_form_chooses_its_reply(s3, bucket, form):
    answer = send_form(form("a b", {"success_action_status": "201"}, [{"success_action_status": "201"}]))
    assert answer.status_code == 201 and answer.headers["Content-Type"] == "application/xml"
    for tag, text in [("Bucket", bucket), ("Key", "a b"), ("ETag", '"%s"' % md5(b"data"))]:
        assert f"<{tag}>{text}</{tag}>" in answer.text.replace("&quot;", '"').replace("&#34;", '"')
    answer = send_form(form("k", {"success_action_redirect": "https://example.org/done?x=1"},
                            [{"success_action_redirect": "https://example.org/done?x=1"}]), allow_redirects=False)
    assert answer.status_code == 303
    redirect = urllib.parse.parse_qs(urllib.parse.urlsplit(answer.headers["Location"]).query)
    assert redirect == {"x": ["1"], "bucket": [bucket], "key": ["k"], "etag": ['"%s"' % md5(b"data")]}


def test_a_form_sets_type_metadata_and_file_name(s3, bucket, form):
    made = form("in/${filename}", {"Content-Type": "text/csv", "x-amz-meta-from": "a form", "acl": "private"},
                [["starts-with", "$Content-Type", "text/"], {"x-amz-meta-from": "a form"}, {"acl": "private"}])
    assert send_form(made, name="März.csv").status_code == 204
    head = s3.boto().head_object(Bucket=bucket, Key="in/März.csv")
    assert (head["ContentType"], head["Metadata"]) == ("text/csv", {"from": "a form"})
    assert send_form(made, name="C:\\Users\\ana\\b.csv").status_code == 204  # old browsers send the whole path
    assert s3.get(bucket, "in/b.csv") == b"data"


def test_a_form_that_its_policy_does_not_cover_is_refused(s3, bucket, form):
    made = form("k", None, [["content-length-range", 3, 5]])
    assert error_of(send_form(made, b"123456")) == (400, "EntityTooLarge")
    assert error_of(send_form(made, b"12")) == (400, "EntityTooSmall")
    assert error_of(send_form(made, b"1234", {"key": "other"})) == (403, "AccessDenied")
    assert error_of(send_form(made, b"1234", {"x-amz-meta-extra": "1"})) == (403, "AccessDenied")
    assert error_of(send_form(form("k", None, [["starts-with", "$x-amz-meta-a", "1"]]))) == (403, "AccessDenied")
    altered = {**made, "fields": {n: v[:-2] + "00" if "ignature" in n else v for n, v in made["fields"].items()}}
    assert error_of(send_form(altered, b"1234")) == (403, "SignatureDoesNotMatch")
    assert error_of(send_form(form("k", seconds=-1))) == (403, "AccessDenied")
    assert s3.keys(bucket) == []
    assert send_form(made, b"1234").status_code == 204


# ── buckets in host names


@pytest.mark.usefixtures("resolver")
def test_the_host_name_may_contain_the_bucket(s3, bucket):
    client = s3.boto(s3.name_url, addressing_style="virtual")
    for name in KEYS + PATH_LIKE_KEYS:
        client.put_object(Bucket=bucket, Key=name, Body=name.encode())
    assert s3.keys(bucket) == sorted(KEYS + PATH_LIKE_KEYS, key=str.encode)
    assert client.get_object(Bucket=bucket, Key="dir/sub/file")["Body"].read() == b"dir/sub/file"
    assert client.list_objects_v2(Bucket=bucket, Prefix="dir/")["KeyCount"] == 1
    link = client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "two words.txt"})
    assert link.startswith(f"https://{bucket}.{NAME}:{s3.tls_port}/two%20words.txt?")
    assert requests.get(link, verify=s3.ca, timeout=60).text == "two words.txt"
    old = s3.boto(s3.name_url, addressing_style="virtual", signature_version="s3")
    link = old.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "two words.txt"})
    assert link.startswith(f"https://{bucket}.{NAME}:")
    assert requests.get(link, verify=s3.ca, timeout=60).text == "two words.txt"
    made = client.generate_presigned_post(bucket, "posted")
    assert send_form(made, verify=s3.ca).status_code == 204
    assert s3.get(bucket, "posted") == b"data"
    made = "from-a-host"
    client.create_bucket(Bucket=made)
    client.delete_bucket(Bucket=made)


# ── refusals


def test_a_wrong_secret_and_an_unknown_key_have_different_errors(s3, bucket):
    s3.put(bucket, "k", b"x")
    with refused("SignatureDoesNotMatch", 403):
        s3.boto(secret="0" * 40).get_object(Bucket=bucket, Key="k")
    with refused("SignatureDoesNotMatch", 403):
        s3.boto(secret="0" * 40).put_object(Bucket=bucket, Key="k", Body=b"y")
    with refused("InvalidAccessKeyId", 403):
        s3.boto(key="AKIAIOSFODNN7EXAMPLE").list_buckets()
    assert s3.get(bucket, "k") == b"x"


def test_a_revoked_key_is_unknown_at_once(s3, bucket):
    login = s3.user()
    made = s3.cais_json("key", "add", login, "--for", "s3")[0]
    client = s3.boto(key=made["access_key_id"], secret=made["secret_access_key"])
    s3.put(bucket, "k", b"x")
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    s3.cais("key", "revoke", str(made["id"]))
    with refused("InvalidAccessKeyId", 403):
        client.get_object(Bucket=bucket, Key="k")


class ShiftedClock:
    """Replaces the module datetime where botocore signs."""

    def __init__(self, minutes):
        self.minutes = minutes
        self.datetime = self
        self.strptime = datetime.datetime.strptime
        self.timezone = datetime.timezone

    def utcnow(self):
        return datetime.datetime.utcnow() + datetime.timedelta(minutes=self.minutes)


@pytest.fixture
def clock(monkeypatch):
    """clock(minutes): shift the clock of boto3, in its own code and in that of awscrt, which it uses if installed."""
    def shift(minutes):
        for module in (botocore.auth, botocore.crt.auth):
            monkeypatch.setattr(module, "datetime", ShiftedClock(minutes))
    return shift


@pytest.mark.parametrize("minutes,accepted", [(-20, False), (20, False), (-14, True), (14, True)])
def test_a_clock_may_differ_by_less_than_15_minutes(s3, bucket, clock, minutes, accepted):
    s3.put(bucket, "k", b"x")
    clock(minutes)
    if accepted:
        assert s3.get(bucket, "k") == b"x"
        return
    with refused("RequestTimeTooSkewed", 403):
        s3.get(bucket, "k")
    with refused("RequestTimeTooSkewed", 403):
        s3.put(bucket, "k", b"y")


def test_a_link_expires_exactly_and_after_a_week_at_most(s3, bucket, clock):
    s3.put(bucket, "k", b"x")
    ask = {"Bucket": bucket, "Key": "k"}
    clock(-10)
    good = s3.boto().generate_presigned_url("get_object", ask, ExpiresIn=700)
    late = s3.boto().generate_presigned_url("get_object", ask, ExpiresIn=600)
    clock(20)
    early = s3.boto().generate_presigned_url("get_object", ask, ExpiresIn=600)
    clock(0)
    long = s3.boto().generate_presigned_url("get_object", ask, ExpiresIn=604801)
    assert requests.get(good, timeout=60).content == b"x"
    for link in (late, early):
        assert error_of(requests.get(link, timeout=60)) == (403, "AccessDenied")
    assert error_of(requests.get(long, timeout=60)) == (400, "AuthorizationQueryParametersError")


def test_an_altered_link_is_refused(s3, bucket):
    s3.put(bucket, "k", b"x")
    s3.put(bucket, "l", b"secret")
    link = s3.boto().generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"}, ExpiresIn=60)
    last = link[-1]
    for other in (link[:-1] + ("0" if last != "0" else "1"), link.replace("/k?", "/l?"), link.replace("Expires=60", "Expires=61"),
                  link + "&response-content-type=text/html"):
        assert error_of(requests.get(other, timeout=60)) == (403, "SignatureDoesNotMatch")
    assert error_of(requests.put(link, b"y", timeout=60)) == (403, "SignatureDoesNotMatch")
    assert error_of(requests.delete(link, timeout=60)) == (403, "SignatureDoesNotMatch")
    assert requests.get(link, timeout=60).content == b"x"


def test_an_unsigned_amz_header_is_refused(s3, bucket):
    """With an unsigned x-amz-copy-source, the holder of a link could read every object that its signer can read."""
    s3.put(bucket, "secret", b"secret")
    link = s3.boto().generate_presigned_url("put_object", {"Bucket": bucket, "Key": "k"}, ExpiresIn=60)
    for header in ({"x-amz-copy-source": f"/{bucket}/secret"}, {"x-amz-meta-a": "b"}, {"X-Amz-Tagging": "a=b"}):
        assert error_of(requests.put(link, b"", headers=header, timeout=60)) == (403, "AccessDenied")
    client = s3.boto()
    client.meta.events.register("before-send.s3.PutObject", lambda request, **_: request.headers.update({"x-amz-meta-late": "1"}))
    with refused("AccessDenied", 403):
        client.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert s3.keys(bucket) == ["secret"]


def test_unsigned_requests_are_refused(s3, bucket):
    s3.put(bucket, "k", b"x")
    for ask in (requests.get, requests.head, requests.delete):
        assert ask(f"{s3.url}/{bucket}/k", timeout=60).status_code == 403
    assert error_of(requests.put(f"{s3.url}/{bucket}/k", b"y", timeout=60)) == (403, "AccessDenied")
    assert error_of(requests.get(f"{s3.url}/{bucket}", timeout=60)) == (403, "AccessDenied")
    assert s3.get(bucket, "k") == b"x"
