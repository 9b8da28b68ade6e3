# SPDX-License-Identifier: Apache-2.0
"""curl --aws-sigv4 (7.88): bodies with and without a digest, links, forms and names."""
import json
import os
import urllib.parse

import pytest
from s3 import KEYS, NAME, PATH_LIKE_KEYS, md5, run, serve
from server import BINARY, Server, request
from sigv4 import Signer

UNSIGNED = ["-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"]


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    yield from serve(tmp_path_factory, "curl")


@pytest.fixture
def bucket(s3):
    return s3.bucket()


@pytest.fixture
def sample(tmp_path):
    path = tmp_path / "sample.bin"
    path.write_bytes(os.urandom(300000))
    return path


def curl(s3, *arguments, check=True, text=True, stdin=None, minutes=0):
    """minutes: by how much the clock of curl is ahead."""
    return run("/usr/bin/faketime", "-f", f"{minutes:+}m", "/usr/bin/curl", "-sS", "--max-time", "60", *arguments,
               env=s3.environment(CURL_CA_BUNDLE=s3.ca), check=check, text=text, input=stdin)


def signed(s3, *arguments, secret=None, region="us-east-1", **more):
    return curl(s3, "--aws-sigv4", f"aws:amz:{region}:s3", "--user", f"{s3.id}:{secret or s3.secret}", *arguments, **more)


def status(s3, *arguments, ask=signed, **more):
    """Returns the status and the code of the error."""
    done = ask(s3, "-w", "\n%{http_code}", *arguments, **more)
    body, _, number = done.stdout.rpartition("\n")
    return int(number), body.partition("<Code>")[2].partition("</Code>")[0]


@pytest.mark.parametrize("where", ["url", "shared_url", "tls_url"])
def test_an_object_is_put_read_listed_and_deleted(s3, bucket, sample, where):
    url = f"{getattr(s3, where)}/{bucket}"
    assert status(s3, *UNSIGNED, "-T", sample, url + "/k") == (200, "")
    assert signed(s3, url + "/k", text=False).stdout == sample.read_bytes()
    assert "<Key>k</Key>" in signed(s3, url + "/").stdout
    assert f"<Name>{bucket}</Name>" in signed(s3, getattr(s3, where) + "/").stdout
    head = signed(s3, "-I", url + "/k").stdout
    assert "Content-Length: 300000\n" in head and 'ETag: "%s"' % md5(sample.read_bytes()) in head
    assert status(s3, "-X", "DELETE", url + "/k") == (204, "")
    assert status(s3, url + "/k") == (404, "NoSuchKey")


def test_a_body_that_curl_hashes_is_stored(s3, bucket):
    """curl signs the digest of a body that --data gives it, but sends no header with the digest."""
    url = f"{s3.url}/{bucket}/k"
    assert status(s3, "-X", "PUT", "-H", "Content-Type: text/plain", "--data-binary", "some data", url) == (200, "")
    assert s3.get(bucket, "k") == b"some data"


def test_a_body_that_curl_does_not_hash_must_be_declared_unsigned(s3, bucket, sample):
    """With -T it signs the digest of an empty body."""
    assert status(s3, "-T", sample, f"{s3.url}/{bucket}/k")[0] in (400, 403)
    assert s3.keys(bucket) == []


def test_a_pipe_without_length_is_stored(s3, bucket, sample):
    data = sample.read_bytes()
    done = signed(s3, *UNSIGNED, "-w", "%{http_code}", "-T", "-", f"{s3.url}/{bucket}/k", text=False, stdin=data)
    assert done.stdout == b"200"
    assert s3.get(bucket, "k") == data


def test_a_digest_of_other_bytes_is_refused(s3, bucket, sample):
    headers = ["-H", "x-amz-content-sha256: " + "0" * 64, "-T", sample]
    assert status(s3, *headers, f"{s3.url}/{bucket}/k") == (400, "XAmzContentSHA256Mismatch")
    headers = [*UNSIGNED, "-H", "Content-MD5: kAFQmDzST7DWlj99KOF/cg==", "-T", sample]
    assert status(s3, *headers, f"{s3.url}/{bucket}/k") == (400, "BadDigest")
    assert s3.keys(bucket) == []


# If an address ends in a slash or in dots, curl -T appends the name of the file.
@pytest.mark.parametrize("name", [name for name in KEYS + PATH_LIKE_KEYS if name not in ("folder/", "..")])
def test_every_name_is_stored_and_read(s3, bucket, sample, name):
    url = f"{s3.url}/{bucket}/{urllib.parse.quote(name, safe='/~')}"
    assert status(s3, "--path-as-is", *UNSIGNED, "-T", sample, url) == (200, "")
    assert s3.keys(bucket) == [name]
    assert signed(s3, "--path-as-is", url, text=False).stdout == sample.read_bytes()


def test_a_query_is_signed_in_sorted_order(s3, bucket):
    for i in range(5):
        s3.put(bucket, "d e/%d" % i, b"x")
    page = signed(s3, f"{s3.url}/{bucket}?list-type=2&max-keys=2&prefix=d%20e%2F").stdout
    assert page.count("<Key>") == 2 and "<IsTruncated>true</IsTruncated>" in page


def test_any_region_is_accepted(s3, bucket):
    s3.put(bucket, "k", b"x")
    assert signed(s3, f"{s3.url}/{bucket}/k", region="sa-saopaulo-1").stdout == "x"


def test_copies_keep_metadata(s3, bucket, sample):
    url = f"{s3.url}/{bucket}"
    assert status(s3, *UNSIGNED, "-H", "x-amz-meta-one: 1", "-H", "Content-Type: text/x", "-T", sample, url + "/k") == (200, "")
    assert status(s3, "-X", "PUT", "-H", f"x-amz-copy-source: /{bucket}/k", url + "/copy") == (200, "")
    head = s3.boto().head_object(Bucket=bucket, Key="copy")
    assert (head["Metadata"], head["ContentType"]) == ({"one": "1"}, "text/x")


@pytest.mark.parametrize("minutes,expected", [(-20, (403, "RequestTimeTooSkewed")), (20, (403, "RequestTimeTooSkewed")),
                                          (-14, (200, "")), (14, (200, ""))])
def test_a_clock_may_differ_by_less_than_15_minutes(s3, bucket, minutes, expected):
    s3.put(bucket, "k", b"x")
    assert status(s3, f"{s3.url}/{bucket}/k", ask=lambda *a: signed(*a, minutes=minutes)) == expected


def test_a_wrong_secret_and_a_missing_signature_are_refused(s3, bucket):
    assert status(s3, f"{s3.url}/{bucket}", secret="0" * 40) == (403, "SignatureDoesNotMatch")
    assert status(s3, f"{s3.url}/{bucket}", ask=curl) == (403, "AccessDenied")


def test_a_wrong_secret_is_refused_before_the_body_is_sent(s3, bucket, tmp_path):
    path = tmp_path / "big"
    with open(path, "wb") as f:
        f.truncate(20 << 20)
    done = signed(s3, *UNSIGNED, "-w", "\n%{http_code} %{size_upload}", "-T", path, f"{s3.url}/{bucket}/k", secret="0" * 40)
    assert done.stdout.splitlines()[-1] == "403 0"


@pytest.mark.parametrize("where", ["url", "tls_url"])
def test_links_put_and_get_an_object(s3, bucket, sample, where):
    client = s3.boto(getattr(s3, where))
    ask = {"Bucket": bucket, "Key": "a b+é"}
    assert status(s3, "-T", sample, client.generate_presigned_url("put_object", ask), ask=curl) == (200, "")
    link = client.generate_presigned_url("get_object", ask)
    assert curl(s3, link, text=False).stdout == sample.read_bytes()
    assert curl(s3, "-r", "10-19", link, text=False).stdout == sample.read_bytes()[10:20]
    assert "200 OK" in curl(s3, "-I", link).stdout  # a link for GET is one for HEAD


@pytest.mark.parametrize("version", ["s3v4", "s3"], ids=["V4", "V2"])
@pytest.mark.parametrize("more", [[], ["-H", "Transfer-Encoding: chunked"], ["--http1.0"]], ids=["plain", "chunked", "http1.0"])
def test_a_form_stores_a_file(s3, bucket, sample, version, more):
    made = s3.boto(signature_version=version).generate_presigned_post(
        bucket, "a b", {"success_action_status": "201"}, [{"success_action_status": "201"}, ["content-length-range", 0, 300000]])
    fields = [x for n, v in made["fields"].items() for x in ("-F", f"{n}={v}")]
    assert status(s3, *more, *fields, "-F", f"file=@{sample};type=text/x", made["url"], ask=curl) == (201, "")
    assert s3.get(bucket, "a b") == sample.read_bytes()


def test_the_host_name_may_contain_the_bucket(s3, bucket, sample):
    host = f"{bucket}.{NAME}:{s3.tls_port}"
    resolve = ["--resolve", f"{host}:127.0.0.1"]
    assert status(s3, *resolve, *UNSIGNED, "-T", sample, f"https://{host}/d/k") == (200, "")
    assert s3.get(bucket, "d/k") == sample.read_bytes()
    assert "<Key>d/k</Key>" in signed(s3, *resolve, f"https://{host}/").stdout
    plain = s3.host.replace("127.0.0.1", f"{bucket}.{NAME}")
    assert signed(s3, "--resolve", plain + ":127.0.0.1", f"http://{plain}/d/k", text=False).stdout == sample.read_bytes()


def test_an_aborted_upload_leaves_nothing(s3, bucket, tmp_path):
    path = tmp_path / "big"
    with open(path, "wb") as f:
        f.truncate(5 << 20)
    done = signed(s3, *UNSIGNED, "--limit-rate", "1M", "--max-time", "1", "-T", path, f"{s3.url}/{bucket}/k", check=False)
    assert done.returncode == 28
    assert s3.keys(bucket) == []


def test_a_form_redirects(s3, bucket, sample):
    made = s3.boto().generate_presigned_post(bucket, "k", {"success_action_redirect": s3.url + "/health?x=1"},
                                             [{"success_action_redirect": s3.url + "/health?x=1"}])
    fields = [x for n, v in made["fields"].items() for x in ("-F", f"{n}={v}")]
    reply = json.loads(curl(s3, "-o", os.devnull, "-w", '{"code":%{http_code},"to":"%{redirect_url}"}', *fields,
                            "-F", f"file=@{sample}", made["url"]).stdout)
    assert reply["code"] == 303 and f"bucket={bucket}&key=k&etag=" in reply["to"]


def test_a_long_upload_is_compared_with_the_date_of_its_head(tmp_path, monkeypatch):
    """Without a declared digest the server verifies the signature at the end of the body, but compares its date with the
    time of the head."""
    clock = tmp_path / "clock"
    clock.write_text("0")
    monkeypatch.setenv("CAIS_TEST_CLOCK_FILE", str(clock))
    clocked = os.path.join(os.path.dirname(os.path.realpath(BINARY)), "tests", "support", "cais-clocked")
    with Server(tmp_path, "--s3-listen", "127.0.0.1:0", binary=clocked) as server:
        key, host = server.key(server.user(), "s3"), server.run["s3_listen"][0]
        signer, body = Signer(key["access_key_id"], key["secret_access_key"]), os.urandom(100000)
        with server.connect("s3_listen") as client:
            def head(method, path, data):
                signed = signer.headers(method, host, path, body=data, send_digest=False)
                more = [("Content-Length", str(len(data)))] + [("Expect", "100-continue")] * bool(data)
                client.send(request(method, path, [h for h in signed.items() if h[0] != "host"] + more, None, host))
                return client.answer(interim=True).status

            assert head("PUT", "/b-1", b"") == 200
            assert head("PUT", "/b-1/k", body) == 100
            (tmp_path / "clock.new").write_text(str(20 * 60 * 1000))
            os.rename(tmp_path / "clock.new", clock)
            client.send(body)
            answer = client.answer()
            assert answer.status == 200, answer


def test_a_link_for_one_bucket_was_no_key_to_another_by_an_absolute_target(s3):
    """The host of the target replaces Host, for the signature as for the bucket."""
    one, other = s3.bucket("one"), s3.bucket("other")
    for bucket in (one, other):
        s3.put(bucket, "k", bucket.encode())
    host, elsewhere = (f"{bucket}.{NAME}" for bucket in (one, other))
    link = Signer(s3.id, s3.secret).link("GET", host, "/k")
    for target, of, wanted in ((link, host, 200), (f"http://{host}{link}", host, 200), (f"http://{host}{link}", elsewhere, 200),
                               (f"http://{elsewhere}{link}", host, 403), (f"http://{elsewhere}{link}", elsewhere, 403), (link, elsewhere, 403)):
        answer = s3.ask("GET", target, host=of)
        assert answer.status == wanted, (target, of, answer)
        assert answer.body == one.encode() if wanted == 200 else b"<Code>SignatureDoesNotMatch</Code>" in answer.body
