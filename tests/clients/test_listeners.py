# SPDX-License-Identifier: Apache-2.0
"""Listeners: their addresses, the APIs that each serves, forwarding headers of proxies, and the host names in links."""

import json
import os
import socket
import stat
import subprocess

import pytest

from server import BINARY, FORM, Authority, Server, bearer, file_part, form, json_head


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("listeners")
    options = ["--listen", "[::1]:0", "--listen", "127.0.0.1:0", "--s3-listen", "127.0.0.1:0", "--sftp-listen", "127.0.0.1:0"]
    sets = [f"server.unix_listen={folder}/http.sock", "server.metrics_listen=127.0.0.1:0"]
    with Server(folder, *options, sets=sets) as started:
        yield started


def test_run_json_lists_every_listener_with_its_port(server):
    run = server.run
    assert run["pid"] == server.process.pid and run["version"]
    assert [len(run[k]) for k in ("listen", "s3_listen", "sftp_listen", "metrics_listen", "unix_listen", "tls_listen")] == [3, 1, 1, 1, 1, 0]
    ports = [server.address(k, i)[1] for k in ("listen", "s3_listen", "sftp_listen", "metrics_listen") for i in range(len(run[k]))]
    assert 0 not in ports and len(set(ports)) == len(ports)
    assert run["listen"][1].startswith("[::1]:")
    assert stat.S_IMODE(os.stat(os.path.join(server.data, "run.json")).st_mode) == 0o600


@pytest.mark.parametrize("where", [("listen", 0), ("listen", 1), ("listen", 2), ("unix_listen", 0)])
def test_every_listener_serves_every_api(server, where):
    with server.connect(*where) as client:
        assert client.ask("GET", "/health").json()["status"] == "ok"
        put = client.ask("PUT", "/v1/native/files/a", bearer(server.native()), b"hello")
        assert put.status == 201
        answer = client.ask("POST", "/v4/files/upload", [FORM, *bearer(server.pyrus())], form(file_part("a", b"hello")))
        assert answer.status == 200
    peer = {("listen", 1): "::1", ("unix_listen", 0): "unix"}.get(where, "127.0.0.1")
    assert server.request_line(answer)["peer"] == peer


def test_a_unix_socket_is_private_to_its_owner_and_requires_a_token(server):
    assert stat.S_IMODE(os.stat(server.address("unix_listen")).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.join(server.data, "admin.sock")).st_mode) == 0o600
    with server.connect("unix_listen") as client:
        assert client.ask("GET", "/v1/native/files").status == 401
        answer = client.ask("POST", "/admin/run", json_head(), b'{"argv":["user","list"],"folder":"/"}')
        assert answer.status == 405 and b"MethodNotAllowed" in answer.body  # the path belongs to S3


def test_a_metrics_listener_is_the_only_one_that_serves_metrics(server):
    with server.connect("metrics_listen") as client:
        answer = client.ask("GET", "/metrics")
        assert answer.status == 200 and b"\ncais_up 1\n" in answer.body and b"cais_account_bytes{" in answer.body
        assert answer.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
        assert client.ask("GET", "/health").status == 200
        for target in ("/v4/profile", "/v1/native/files", "/"):
            assert client.ask("GET", target, bearer(server.native())).status == 404
    for where in (("listen", 0), ("unix_listen", 0)):
        with server.connect(*where) as client:
            assert client.ask("GET", "/metrics").status == 404


def test_without_a_metrics_listener_every_listener_serves_metrics_without_accounts(tmp_path):
    with Server(tmp_path) as server:
        answer = server.ask("GET", "/metrics")
        assert answer.status == 200 and b"\ncais_up 1\n" in answer.body and b"account" not in answer.body


def test_an_s3_listener_serves_only_s3(server):
    with server.connect("s3_listen") as client:
        for target in ("/", "/bucket/key", "/v1/native/files", "/v4/profile"):
            answer = client.ask("GET", target, bearer(server.native()))
            assert answer.status == 400 and b"<Code>InvalidArgument</Code>" in answer.body, answer
        for target in ("/", "/bucket/key", "/v1/native/files"):
            answer = client.ask("GET", target)
            assert answer.status == 403 and b"<Code>AccessDenied</Code>" in answer.body, answer
        for target in ("/health", "/metrics", "/files/x", "/portal", "/api/v4/profile", "/auth/"):
            answer = client.ask("GET", target)
            assert answer.status == 404 and b"<Code>NoSuchBucket</Code>" in answer.body, answer


def test_the_sftp_listener_speaks_ssh_and_no_http(server):
    with server.connect("sftp_listen") as client:
        assert client.sock.recv(100) == b"SSH-2.0-cais\r\n"
        client.send(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert client.is_closed()


@pytest.mark.parametrize("durability", ["full", "relaxed"])
def test_health_reports_durability_version_and_stores(tmp_path, durability):
    with Server(tmp_path, sets=[f"storage.durability={durability}"]) as server:
        answer = server.ask("GET", "/health")
        body = answer.json()
        assert (body["status"], body["durability"]) == ("ok", durability)
        assert body["version"] == server.run["version"] and body["started_at"].endswith("Z")
        assert body["stores"]["metadata"].pop("last_write_at").endswith("Z")
        assert body["stores"]["metadata"] == {"kind": "sqlite", "status": "ok"}
        assert body["stores"]["blobs"]["free_bytes"] > 0 and body["stores"]["blobs"]["flush_us"] >= 0
        assert answer.header("Cache-Control") == "no-store"
        assert server.wait_log(lambda line: line["msg"] == "cais is ready")["durability"] == durability


def test_health_reports_a_full_disk(tmp_path):
    with Server(tmp_path, sets=["storage.reserve_free_space=1024T"]) as server:
        assert (server.ask("GET", "/health").status, server.ask("GET", "/health").json()["status"]) == (503, "full")


# ── failures to start


def serve(cais, folder, *options):
    return subprocess.run([cais, "serve", "--data", str(folder / "data"), *options], capture_output=True, text=True, timeout=60,
                          cwd=folder)


def test_an_address_in_use_is_reported_and_exits_1(cais, server, tmp_path):
    taken = server.run["listen"][0]
    done = serve(cais, tmp_path, "--listen", taken)
    assert done.returncode == 1 and f"{taken} is in use" in done.stderr, done
    assert not (tmp_path / "data" / "run.json").exists()
    assert server.ask("GET", "/health").status == 200


def test_a_data_directory_in_use_is_reported_and_does_not_disturb_its_server(cais, server):
    done = subprocess.run([cais, "serve", "--data", server.data, "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "used by another cais process" in done.stderr
    assert os.path.exists(os.path.join(server.data, "run.json")) and os.path.exists(os.path.join(server.data, "admin.sock"))
    assert server.cais_json("account", "list")[0]["name"] == "default"


@pytest.mark.parametrize("address", ["256.0.0.1:80", "127.0.0.1", "127.0.0.1:65536", "127.0.0.1:x", "example.org:80"])
def test_an_invalid_address_exits_2(cais, tmp_path, address):
    done = serve(cais, tmp_path, "--listen", address)
    assert done.returncode == 2 and "--listen" in done.stderr, done


@pytest.mark.parametrize("options,expected", [
    (["--nonsense"], "--nonsense"), (["--set", "http.nonsense=1"], "http.nonsense"), (["--set", "nonsense"], "nonsense"),
    (["--set", "hosts.example.org=nonsense"], "nonsense"), (["--log-format", "xml"], "--log-format"), (["extra"], "extra"),
    (["--tls-listen", "127.0.0.1:0"], "tls"), (["--set", "http.max_headers=1000"], "http.max_headers"),
    (["--set", "server.trusted_proxies=10.0.0.0/33"], "trusted_proxies"), (["--public-url", "example.org"], "--public-url"),
])
def test_invalid_options_exit_2_and_are_named(cais, tmp_path, options, expected):
    done = serve(cais, tmp_path, "--listen", "127.0.0.1:0", *options)
    assert done.returncode == 2 and expected in done.stderr, done
    assert not (tmp_path / "data").exists()


def test_a_server_starts_although_a_killed_one_left_its_socket_and_run_file(tmp_path):
    server = Server(tmp_path, sets=[f"server.unix_listen={tmp_path}/http.sock"])
    server.kill()
    with Server(tmp_path, sets=[f"server.unix_listen={tmp_path}/http.sock"]) as again:
        assert again.ask("GET", "/health", kind="unix_listen").status == 200
    assert not os.path.exists(tmp_path / "http.sock") and not os.path.exists(os.path.join(again.data, "run.json"))


# ── proxies and links


def login(server, client, key, host, *headers):
    body = json.dumps({"login": key["login"], "security_key": key["security_key"]}).encode()
    answer = client.ask("POST", "/v4/auth", [*json_head(), *headers], body, host)
    assert answer.status == 200, answer
    reply = answer.json()
    server.secrets.append(reply["access_token"])
    assert reply["api_url"] == reply["files_url"] + "v4/"
    return answer, reply["files_url"]


FORWARDED = [("X-Forwarded-For", "203.0.113.9, 198.51.100.7"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example")]


def test_forwarding_headers_from_untrusted_addresses_are_ignored(server):
    key = server.key(server.user(), "pyrus")
    with server.connect() as client:
        answer, url = login(server, client, key, server.run["listen"][0], *FORWARDED)
    assert server.request_line(answer)["peer"] == "127.0.0.1"
    assert url == f"http://{server.run['listen'][0]}/"


def test_ghsa_fc6g_forwarding_headers_are_trusted_only_from_configured_proxies(tmp_path):
    with Server(tmp_path, "--listen", "[::1]:0", sets=["server.trusted_proxies=127.0.0.0/8, 198.51.100.7",
                                                       "hosts.api.pyrus.com=pyrus"]) as server:
        key = server.key(server.user(), "pyrus")
        with server.connect() as client:
            for forwarded, peer in (("203.0.113.9, 198.51.100.7", "203.0.113.9"), ("203.0.113.9, 192.0.2.1", "192.0.2.1"),
                                    ("203.0.113.9, nonsense", "127.0.0.1"), ("2001:db8::1", "2001:db8::1"), ("", "127.0.0.1"),
                                    ("127.0.0.1", "127.0.0.1"), ("203.0.113.9\t", "203.0.113.9")):
                answer, url = login(server, client, key, "api.pyrus.com", ("X-Forwarded-For", forwarded), ("X-Forwarded-Proto", "https"))
                assert server.request_line(answer)["peer"] == peer, forwarded
                assert url == "https://api.pyrus.com/"
            assert login(server, client, key, "api.pyrus.com")[1] == "http://api.pyrus.com/"
        with server.connect(nth=1) as client:  # [::1] is not a configured proxy
            answer, url = login(server, client, key, "api.pyrus.com", *FORWARDED)
            assert (server.request_line(answer)["peer"], url) == ("::1", "http://api.pyrus.com/")


def test_lists_and_ports_of_two_proxies_were_not_read(tmp_path):
    """What Azure, IIS, lighttpd and Cloudflare write. The links were http, and the log and the limits had the proxy's address."""
    with Server(tmp_path, sets=["server.trusted_proxies=127.0.0.0/8, 198.51.100.7", "hosts.api.pyrus.com=pyrus"]) as server:
        key = server.key(server.user(), "pyrus")
        with server.connect() as client:
            for forwarded, proto, peer, scheme in (
                    ("203.0.113.7:51234", "https, https", "203.0.113.7", "https"), ("[2001:db8::1]:443", "https,https", "2001:db8::1", "https"),
                    ("203.0.113.7:1, 198.51.100.7:2", "https, http", "203.0.113.7", "https"),
                    ("203.0.113.7:1, 198.51.100.7:2", "http, https", "203.0.113.7", "http"),
                    ("203.0.113.7, 198.51.100.7", "https", "203.0.113.7", "https"),
                    ("6.6.6.6, 203.0.113.7", "https, http", "203.0.113.7", "http"),  # the first of each is the client's own word
                    ("203.0.113.7:x", "https", "127.0.0.1", "https")):
                answer, url = login(server, client, key, "api.pyrus.com", ("X-Forwarded-For", forwarded), ("X-Forwarded-Proto", proto))
                assert server.request_line(answer)["peer"] == peer, forwarded
                assert url == f"{scheme}://api.pyrus.com/", (forwarded, proto)
            lines = [("X-Forwarded-Proto", "http"), ("X-Forwarded-Proto", "https")]  # the proxy adds the second
            assert login(server, client, key, "api.pyrus.com", *lines)[1] == "https://api.pyrus.com/"


def test_links_never_contain_an_unknown_host(server, tmp_path):
    key = server.key(server.user(), "pyrus")
    own = [server.run["listen"][i] for i in (0, 1, 2)]
    for nth in (0, 1):
        with server.connect(nth=nth) as client:
            for host in ("evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", "localhost", "localhost:1"):
                assert login(server, client, key, host)[1] in {f"http://{o}/" for o in own}, host
            assert login(server, client, key, own[nth])[1] == f"http://{own[nth]}/"
            port = own[0].rpartition(":")[2]
            assert login(server, client, key, "localhost:" + port)[1] == f"http://localhost:{port}/"
    with Server(tmp_path, "--public-url", "https://files.example.org/", sets=["hosts.api.pyrus.com=pyrus"]) as public:
        key = public.key(public.user(), "pyrus")
        with public.connect() as client:
            for host in ("evil.example", public.run["listen"][0]):
                assert login(public, client, key, host)[1] == "https://files.example.org/"
            assert login(public, client, key, "API.pyrus.com")[1] == "https://files.example.org/"
    (tmp_path / "named").mkdir()
    with Server(tmp_path / "named", sets=["hosts.api.pyrus.com=pyrus"]) as named:
        key = named.key(named.user(), "pyrus")
        with named.connect() as client:
            assert login(named, client, key, "API.pyrus.com")[1].lower() == "http://api.pyrus.com/"


def test_links_of_a_tls_listener_are_https(tmp_path):
    authority = Authority(tmp_path)
    certificate, key_file = authority.issue("cert", ["localhost"])
    with Server(tmp_path, "--tls-listen", "127.0.0.1:0", "--tls-cert", certificate, "--tls-key", key_file) as server:
        key = server.key(server.user(), "pyrus")
        with server.connect("tls_listen", tls=authority.context()) as client:
            at = server.run["tls_listen"][0]
            assert login(server, client, key, at)[1] == f"https://{at}/"
            assert login(server, client, key, "evil.example")[1] in (f"https://{at}/", f"http://{server.run['listen'][0]}/")


def test_a_configured_host_serves_only_its_api_and_perhaps_s3(tmp_path):
    with Server(tmp_path, sets=["hosts.api.pyrus.com=pyrus", "hosts.files.example.org=native"]) as server:
        native, pyrus = bearer(server.native()), bearer(server.pyrus())

        def status(host, target, token):
            return server.ask("GET", target, token, host=host).status
        for host in ("api.pyrus.com", "API.PYRUS.COM", "api.pyrus.com:8080"):
            assert status(host, "/v4/profile", pyrus) == 200 and status(host, "/health", []) == 200
            answer = server.ask("GET", "/v4/nothing", native, host=host)
            assert answer.status == 404 and answer.json()["error_code"] == "invalid_input"
            answer = server.ask("GET", "/v1/native/files", [], host=host)
            assert answer.status == 404 and answer.json()["error_code"] == "invalid_input"
        assert status("files.example.org", "/v1/native/files", native) == 200
        answer = server.ask("GET", "/v1/native/nothing/at/all", native, host="files.example.org")
        assert answer.status == 404 and answer.json()["error"]["code"] == "not_found"
        answer = server.ask("GET", "/v4/profile", [], host="files.example.org")
        assert answer.status == 403 and b"<Code>AccessDenied</Code>" in answer.body
        for host in ("elsewhere.example", "127.0.0.1"):
            assert status(host, "/v4/profile", pyrus) == 200 and status(host, "/v1/native/files", native) == 200


def test_requests_on_one_connection_are_routed_by_their_own_host(tmp_path):
    with Server(tmp_path, sets=["hosts.api.pyrus.com=pyrus"]) as server:
        native = bearer(server.native())
        with server.connect() as client:
            for host, wanted in (("api.pyrus.com", 404), ("x", 200), ("api.pyrus.com", 404), ("x", 200)):
                assert client.ask("GET", "/v1/native/files", native, host=host).status == wanted


def test_wildcard_listeners_of_ipv4_and_ipv6_are_separate(tmp_path):
    with Server(tmp_path, "--listen", "0.0.0.0:0", "--listen", "[::]:0", listen=False) as server:
        for nth, family, at in ((0, socket.AF_INET, "127.0.0.1"), (1, socket.AF_INET6, "::1")):
            with socket.socket(family) as sock:
                sock.connect((at, server.address("listen", nth)[1]))
                sock.sendall(b"GET /health HTTP/1.0\r\n\r\n")
                assert sock.recv(15) == b"HTTP/1.1 200 OK"


def test_links_of_a_wildcard_listener_contain_a_usable_address(tmp_path):
    with Server(tmp_path, "--listen", "0.0.0.0:0", listen=False) as server:
        port = server.address()[1]
        key = server.key(server.user(), "pyrus")
        with server.connect() as client:
            own = f"127.0.0.1:{port}"
            assert login(server, client, key, own)[1] == f"http://{own}/"
            url = login(server, client, key, "evil.example")[1]
            assert url.endswith(f":{port}/") and "0.0.0.0" not in url and "evil" not in url


def test_the_last_x_forwarded_for_line_determines_the_address(tmp_path):
    with Server(tmp_path, sets=["server.trusted_proxies=127.0.0.0/8"]) as server:
        with server.connect() as client:
            lines = [("X-Forwarded-For", "203.0.113.6"), ("X-Forwarded-For", "203.0.113.9")]  # the proxy adds the second
            assert server.request_line(client.ask("GET", "/health", lines))["peer"] == "203.0.113.9"


def test_a_unix_listener_replaces_only_an_unused_socket(tmp_path):
    precious, taken = tmp_path / "precious.txt", tmp_path / "taken.sock"
    precious.write_text("keep me")

    def serve(path):
        return subprocess.run([BINARY, "serve", "--data", str(tmp_path / "other"), "--listen", "127.0.0.1:0", "--set",
                               f"server.unix_listen={path}"], capture_output=True, text=True, timeout=60)
    done = serve(precious)
    assert done.returncode == 1 and "is there and is no socket" in done.stderr, done
    assert precious.read_text() == "keep me"
    with Server(tmp_path, sets=[f"server.unix_listen={taken}"]) as server:
        done = serve(taken)
        assert done.returncode == 1 and "in use" in done.stderr, done
        with server.connect("unix_listen") as client:
            assert client.ask("GET", "/health").status == 200
    assert not taken.exists()
    with socket.socket(socket.AF_UNIX) as left_over:  # left by a server that was killed
        left_over.bind(str(taken))
    with Server(tmp_path, sets=[f"server.unix_listen={taken}"]) as server:
        with server.connect("unix_listen") as client:
            assert client.ask("GET", "/health").status == 200
