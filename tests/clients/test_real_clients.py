# SPDX-License-Identifier: Apache-2.0
"""curl, PHP and Python as their users call them. Each test compares the stored bytes."""
import hashlib
import http.client
import json
import os
import ssl
import subprocess
import sys
import urllib.parse
import urllib.request

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "crash"))
from serving import Server, make_certificate, run  # noqa: E402

NAMES = ["plain.txt", "two words.pdf", "отчёт за март.xlsx", 'with "quotes".txt', "semi;colon, comma.txt", "100%.txt",
         "plus+and&more=.txt", "文件.txt"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clients")
    cert, key = make_certificate(folder)
    with Server(folder / "data", "--tls-listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key,
                "--set", "pyrus.rate_limit=0") as server:
        server.cert = cert
        server.ana = server.user("ana")
        server.ana.token = server.login(server.ana)
        yield server


def bearer(token):
    return "Authorization: Bearer " + token


def curl(*arguments, check=True, **more):
    return run("curl", "-sS", "--max-time", "120", *arguments, check=check, **more)


def expect_stored(server, answer, data, name=None):
    """The reply of a native PUT is correct, and the file has these bytes."""
    assert answer["size"] == len(data) and answer["md5"] == hashlib.md5(data).hexdigest(), answer
    assert name is None or answer["name"] == name
    assert server.get(server.ana.native, "/v1/native/files/" + answer["id"]) == (200, data)


def expect_uploaded(server, answer, data, name=None):
    assert answer["md5_hash"] == hashlib.md5(data).hexdigest(), answer
    assert server.get(server.ana.token, "/v4/files/download/" + answer["guid"]) == (200, data)
    if name is not None:
        status, info = server.json("GET", "/v1/native/files/%s/info" % answer["guid"], None, server.ana.native)
        assert (status, info["name"]) == (200, name)


@pytest.fixture
def sample(tmp_path):
    def sample(size, name="sample.bin"):
        path = tmp_path / name
        path.write_bytes(os.urandom(size))
        return path
    return sample


# ── curl


@pytest.mark.parametrize("size", [1, 16384, 16385, 5000000])
@pytest.mark.parametrize("more", [[], ["--http1.0"], ["-H", "Expect:"], ["-H", "Transfer-Encoding: chunked"]],
                         ids=["plain", "http1.0", "no-expect", "chunked"])
def test_curl_uploads_a_form(server, sample, size, more):
    if "--http1.0" in more and "Transfer-Encoding: chunked" in more:
        return
    path = sample(size)
    done = curl("-H", bearer(server.ana.token), *more, "-F", "file=@%s" % path, server.url + "/v4/files/upload")
    expect_uploaded(server, json.loads(done.stdout), path.read_bytes(), path.name)


@pytest.mark.parametrize("name", NAMES)
def test_curl_uploads_keep_unusual_names(server, sample, name):
    path = sample(1000)
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    done = curl("-H", bearer(server.ana.token), "-F", 'x=@"%s";filename="%s"' % (path, quoted),
                server.url + "/v4/files/upload")
    expect_uploaded(server, json.loads(done.stdout), path.read_bytes(), name)


def test_curl_sends_no_large_body_that_is_refused(server, sample):
    path = sample(3000000)
    done = curl("-v", "-H", bearer(server.ana.native), "-T", path, server.url + "/v1/native/files/")
    assert "< HTTP/1.1 100 Continue" in done.stderr
    expect_stored(server, json.loads(done.stdout), path.read_bytes(), path.name)
    done = curl("-v", "-H", bearer("wrong"), "-T", path, server.url + "/v1/native/files/", "-w", "%{size_upload}")
    assert "100 Continue" not in done.stderr and "HTTP/1.1 401" in done.stderr
    assert done.stdout.endswith("}0") or done.stdout.rstrip().endswith("0"), done.stdout


@pytest.mark.parametrize("more", [[], ["--http1.0"]], ids=["1.1", "1.0"])
def test_curl_puts_a_file(server, sample, more):
    path = sample(300000, "отчёт 1.bin")
    done = curl("-H", bearer(server.ana.native), *more, "-T", path,
                server.url + "/v1/native/files/" + urllib.parse.quote(path.name))
    expect_stored(server, json.loads(done.stdout), path.read_bytes(), path.name)


def test_curl_uploads_a_pipe(server, sample):
    path = sample(1000000)
    with open(path, "rb") as f:
        source = subprocess.Popen(["cat"], stdin=f, stdout=subprocess.PIPE)
        done = curl("-v", "-H", bearer(server.ana.native), "-T", "-", server.url + "/v1/native/files/piped",
                    stdin=source.stdout)
        source.stdout.close()
        assert source.wait() == 0
    assert "Transfer-Encoding: chunked" in done.stderr
    expect_stored(server, json.loads(done.stdout), path.read_bytes(), "piped")


def test_curl_downloads_ranges_resumes_and_sends_head(server, sample, tmp_path):
    path = sample(500000)
    data = path.read_bytes()
    answer = json.loads(curl("-H", bearer(server.ana.native), "-T", path, server.url + "/v1/native/files/").stdout)
    url = server.url + "/v1/native/files/" + answer["id"]
    ask = ["-H", bearer(server.ana.native)]
    for given, want in [("0-99", data[:100]), ("499990-", data[-10:]), ("-7", data[-7:]), ("100-100", data[100:101]),
                        ("499999-600000", data[-1:])]:
        assert curl(*ask, "--range", given, url, text=False).stdout == want
    assert curl(*ask, "--range", "500000-", "-o", os.devnull, "-w", "%{http_code}", url).stdout == "416"
    part = tmp_path / "part"
    part.write_bytes(data[:123456])
    curl(*ask, "-C", "-", "-o", part, url)
    assert part.read_bytes() == data
    head = curl(*ask, "-I", url).stdout
    assert "HTTP/1.1 200" in head and "Content-Length: 500000" in head and 'ETag: "%s"' % answer["md5"] in head
    assert curl(*ask, "--http1.0", url, text=False).stdout == data
    both = curl(*ask, url, url, text=False).stdout  # both over one connection
    assert both == data + data
    code = curl(*ask, "-H", 'If-None-Match: "%s"' % answer["md5"], "-o", os.devnull, "-w", "%{http_code}", url).stdout
    assert code == "304"


def test_curl_over_tls_checks_the_certificate(server, sample):
    path = sample(2000000)
    url = server.tls_url + "/v1/native/files/"
    done = curl("--cacert", server.cert, "-H", bearer(server.ana.native), "-T", path, url)
    answer = json.loads(done.stdout)
    assert curl("--cacert", server.cert, "-H", bearer(server.ana.native), url + answer["id"], text=False).stdout == \
        path.read_bytes()
    assert curl("-H", bearer(server.ana.native), url, check=False).returncode == 60


def test_an_upload_that_curl_aborts_leaves_nothing(server, sample):
    path = sample(5000000)
    before = len(server.json("GET", "/v1/native/files?limit=1000", None, server.ana.native)[1]["files"])
    done = curl("--limit-rate", "1M", "--max-time", "1", "-H", bearer(server.ana.native), "-T", path,
                server.url + "/v1/native/files/", check=False)
    assert done.returncode == 28
    assert len(server.json("GET", "/v1/native/files?limit=1000", None, server.ana.native)[1]["files"]) == before


# ── PHP

PHP_FORM = r"""
[$_, $url, $token, $path, $name] = $argv;
$c = curl_init($url . "/v4/files/upload");
curl_setopt_array($c, [CURLOPT_POST => true, CURLOPT_RETURNTRANSFER => true, CURLOPT_TIMEOUT => 60,
    CURLOPT_HTTPHEADER => ["Authorization: Bearer $token"],
    CURLOPT_POSTFIELDS => ["file" => $name === "" ? new CURLFile($path) : new CURLFile($path, "text/plain", $name)]]);
$answer = curl_exec($c);
if ($answer === false || curl_getinfo($c, CURLINFO_RESPONSE_CODE) !== 200) { fwrite(STDERR, curl_error($c) . $answer); exit(1); }
$guid = json_decode($answer, true, 8, JSON_THROW_ON_ERROR)["guid"];
$c = curl_init($url . "/v4/files/download/" . $guid);
curl_setopt_array($c, [CURLOPT_RETURNTRANSFER => true, CURLOPT_HTTPHEADER => ["Authorization: Bearer $token"]]);
if (curl_exec($c) !== file_get_contents($path)) { fwrite(STDERR, "other bytes came back"); exit(1); }
echo $answer;
"""
PHP_PUT = r"""
[$_, $url, $token, $path, $name] = $argv;
$f = fopen($path, "rb");
$c = curl_init($url . "/v1/native/files/" . rawurlencode($name));
curl_setopt_array($c, [CURLOPT_PUT => true, CURLOPT_INFILE => $f, CURLOPT_INFILESIZE => filesize($path),
    CURLOPT_RETURNTRANSFER => true, CURLOPT_TIMEOUT => 60, CURLOPT_HTTPHEADER => ["Authorization: Bearer $token"]]);
$answer = curl_exec($c);
if ($answer === false || curl_getinfo($c, CURLINFO_RESPONSE_CODE) !== 201) { fwrite(STDERR, curl_error($c) . $answer); exit(1); }
$file = json_decode($answer, true, 8, JSON_THROW_ON_ERROR);
if ($file["md5"] !== md5_file($path)) { fwrite(STDERR, "other MD5"); exit(1); }
echo $answer;
"""
PHP_STREAM = r"""
[$_, $url, $token, $path, $name] = $argv;
$context = stream_context_create(["http" => ["method" => "PUT", "content" => file_get_contents($path),
    "header" => "Authorization: Bearer $token\r\nContent-Type: text/plain"]]);
$file = json_decode(file_get_contents($url . "/v1/native/files/" . rawurlencode($name), false, $context), true);
$context = stream_context_create(["http" => ["header" => "Authorization: Bearer $token"]]);
$back = file_get_contents($url . "/v1/native/files/" . $file["id"], false, $context);
if ($back !== file_get_contents($path)) { fwrite(STDERR, "other bytes came back"); exit(1); }
echo json_encode($file);
"""


def php(program, *arguments):
    return json.loads(run("php", "-d", "display_errors=stderr", "-d", "error_reporting=22527", "-r", program, "--", *arguments).stdout)


@pytest.mark.parametrize("name", ["", *NAMES])
def test_php_uploads_a_curlfile(server, sample, name):
    path = sample(70000, "отчёт (1).bin")
    answer = php(PHP_FORM, server.url, server.ana.token, path, name)
    expect_uploaded(server, answer, path.read_bytes(), name or path.name)  # without a name PHP sends the whole path


@pytest.mark.parametrize("size", [0, 1, 16385, 2000000])
def test_php_uploads_an_open_file(server, sample, size):
    path = sample(size)
    expect_stored(server, php(PHP_PUT, server.url, server.ana.native, path, 'мой "файл".bin'), path.read_bytes(),
                  'мой "файл".bin')


def test_php_streams_upload_and_download(server, sample):
    path = sample(300000)
    expect_stored(server, php(PHP_STREAM, server.url, server.ana.native, path, "поток"), path.read_bytes(), "поток")


# ── Python


@pytest.mark.parametrize("name", NAMES)
def test_urllib_puts_and_gets(server, name):
    data = os.urandom(200000)
    url = server.url + "/v1/native/files/"
    head = {"Authorization": "Bearer " + server.ana.native}
    request = urllib.request.Request(url + urllib.parse.quote(name), data=data, headers=head, method="PUT")
    with urllib.request.urlopen(request, timeout=60) as answer:
        file = json.load(answer)
    expect_stored(server, file, data, name)
    with urllib.request.urlopen(urllib.request.Request(url + file["id"], headers=head), timeout=60) as answer:
        assert answer.read() == data and answer.headers.get_filename() == name


def test_http_client_uploads_a_body_without_a_length(server):
    data = os.urandom(1000003)
    parts = [data[i:i + 7777] for i in range(0, len(data), 7777)]
    status, _, text = server.ask("PUT", "/v1/native/files/parts", iter(parts),
                                 {"Authorization": "Bearer " + server.ana.native})
    assert status == 201
    expect_stored(server, json.loads(text), data)


def test_http_client_sends_fifty_requests_over_one_connection(server):
    connection = server.connect()
    for n in range(50):
        data = os.urandom(n * 997)
        status, file = server.put(server.ana.native, "k%d" % n, data, connection)
        assert status == 201
        kept = connection.sock
        assert server.get(server.ana.native, "/v1/native/files/" + file["id"], connection) == (200, data)
        assert connection.sock is kept
    connection.close()


def test_http_client_uploads_and_downloads_over_tls(server):
    host, _, port = server.tls_url[len("https://"):].rpartition(":")
    connection = http.client.HTTPSConnection(host, int(port), timeout=60,
                                             context=ssl.create_default_context(cafile=server.cert))
    data = os.urandom(700001)
    status, file = server.put(server.ana.native, "tls", data, connection)
    assert status == 201
    assert server.get(server.ana.native, "/v1/native/files/" + file["id"], connection) == (200, data)
    connection.close()
