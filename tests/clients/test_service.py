# SPDX-License-Identifier: Apache-2.0
"""A server as a service of Type=notify: what it tells its manager, read from a socket of the test as systemd would; the unit that is
installed; the alert rules and the dashboard for its metrics."""
import json
import os
import re
import signal
import socket
import subprocess

import pytest

from server import TIMEOUT_S, Server, wait_for


class Manager:
    """The socket of a service manager. starts: the address for NOTIFY_SOCKET."""

    def __init__(self, address, path):
        self.address = address
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.settimeout(TIMEOUT_S)
        self.sock.bind(path)

    def next(self, skip=("WATCHDOG=1",)):
        """The lines of the next message that is not only what `skip` lists."""
        while True:
            lines = self.sock.recv(4096).decode().splitlines()
            if not set(lines) <= set(skip):
                return lines


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    if request.param == "path":
        made = Manager(str(tmp_path / "notify"), str(tmp_path / "notify"))
    else:
        name = f"cais-test-{os.getpid()}-{tmp_path.name}"
        made = Manager("@" + name, "\0" + name)
    yield made
    made.sock.close()


def serving(manager, monkeypatch, **more):
    monkeypatch.setenv("NOTIFY_SOCKET", manager.address)
    for name, value in more.items():
        monkeypatch.setenv(name, value)


def test_a_service_is_ready_when_it_answers_reloads_and_stops(manager, monkeypatch, tmp_path):
    serving(manager, monkeypatch)
    with Server(tmp_path, start=False) as server:
        server.start()
        assert "READY=1" in manager.next()
        assert server.ask("GET", "/health").status == 200
        server.signal(signal.SIGHUP)
        reloading = manager.next()
        assert reloading[0] == "RELOADING=1" and re.fullmatch(r"MONOTONIC_USEC=\d+", reloading[1])
        assert manager.next() == ["READY=1", "STATUS=serving"]
        server.cais("stop")
        assert manager.next()[0] == "STOPPING=1"


def test_a_reload_that_fails_is_over_too(manager, monkeypatch, tmp_path):
    serving(manager, monkeypatch)
    path = tmp_path / "cais.ini"
    path.write_text("")
    with Server(tmp_path, "--config", str(path)) as server:
        assert "READY=1" in manager.next()
        path.write_text("nonsense")
        server.signal(signal.SIGHUP)
        assert manager.next()[0] == "RELOADING=1"
        assert manager.next() == ["READY=1", "STATUS=serving; the last reload failed, the log says why"]


def test_a_watchdog_hears_of_a_server_whose_loops_turn(manager, monkeypatch, tmp_path):
    serving(manager, monkeypatch, WATCHDOG_USEC="300000")
    with Server(tmp_path) as server:
        assert "READY=1" in manager.next()
        for _ in range(5):
            assert manager.sock.recv(4096) == b"WATCHDOG=1\n"
        server.signal(signal.SIGSTOP)
        manager.sock.settimeout(0.9)
        with pytest.raises(TimeoutError):
            while True:
                manager.sock.recv(4096)
        server.signal(signal.SIGCONT)
        manager.sock.settimeout(TIMEOUT_S)
        assert manager.sock.recv(4096) == b"WATCHDOG=1\n"


@pytest.mark.parametrize("more", [{}, {"WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "soon"}])
def test_nobody_who_did_not_ask_gets_a_watchdog_message(manager, monkeypatch, tmp_path, more):
    serving(manager, monkeypatch, **more)
    with Server(tmp_path) as server:
        assert "READY=1" in manager.next(skip=())
        server.signal(signal.SIGHUP)
        assert manager.next(skip=())[0] == "RELOADING=1"


@pytest.mark.parametrize("address", ["", "notify", "@", "/" + "x" * 200, "/nowhere/at/all"])
def test_a_server_starts_although_its_manager_cannot_be_reached(monkeypatch, tmp_path, address):
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    monkeypatch.setenv("WATCHDOG_USEC", "30000")
    with Server(tmp_path) as server:
        assert server.ask("GET", "/health").status == 200


# ── the unit


def test_systemd_takes_the_unit(root, cais, tmp_path):
    text = open(os.path.join(root, "docs", "cais.service"), encoding="utf-8").read()
    assert re.search(r"^Type=notify$", text, re.MULTILINE) and re.search(r"^WatchdogSec=\d+$", text, re.MULTILINE)
    unit = tmp_path / "cais.service"
    unit.write_text(text.replace("/usr/local/bin/cais", cais))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)], capture_output=True,
                          text=True, timeout=TIMEOUT_S)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    for command in re.findall(r"^Exec\w+=\S*cais (\S+)", text, re.MULTILINE):
        assert subprocess.run([cais, command, "--help"], capture_output=True, timeout=TIMEOUT_S).returncode == 0, command


# ── alerts and the dashboard


def metric_names(expression):
    """The names of metrics in an expression of PromQL. Those of labels stand before an operator, or in parentheses after by."""
    return set(re.findall(r"\bcais_\w+", expression))


def expressions(root):
    """(where, expression) of every rule and panel."""
    with open(os.path.join(root, "docs", "monitoring", "alerts.yml"), encoding="utf-8") as f:
        text = f.read()
    names = re.findall(r"^      - alert: (\w+)$", text, re.MULTILINE)
    rules = re.findall(r"^        expr: (.*)$", text, re.MULTILINE)
    assert len(rules) == len(names) == len(set(names)) > 8
    yield from (("alerts.yml " + name, rule) for name, rule in zip(names, rules))
    with open(os.path.join(root, "docs", "monitoring", "dashboard.json"), encoding="utf-8") as f:
        dashboard = json.load(f)
    for panel in dashboard["panels"]:
        assert panel["targets"], panel["title"]
        yield from (("dashboard.json " + panel["title"], target["expr"]) for target in panel["targets"])


def test_every_metric_that_an_alert_or_a_panel_names_exists(root, tmp_path):
    with Server(tmp_path, "--sftp-listen", "127.0.0.1:0", sets=["server.metrics_listen=127.0.0.1:0"]) as server:
        text = server.ask("GET", "/metrics", kind="metrics_listen").body.decode()
    known = {}
    for name, labels in re.findall(r"^(cais_\w+)(?:\{([^}]*)\})? ", text, re.MULTILINE):
        known.setdefault(name, []).append(labels)
    seen = set()
    for where, expression in expressions(root):
        assert metric_names(expression), where
        for name, labels in re.findall(r"\b(cais_\w+)(?:\{([^}]*)\})?", expression):
            assert name in known, f"{where}: no metric is called {name}"
            for label in re.findall(r'\w+=~?"[^"]*"', labels):
                key, value = re.fullmatch(r'(\w+)=~?"([^"]*)"', label).groups()
                assert key == "instance" or any(re.search(f'{key}="{value}"', one) for one in known[name]), f"{where}: {label}"
            seen.add(name)
    assert {"cais_up", "cais_store_flush_failed", "cais_store_writes_failing", "cais_damage_found_total"} <= seen


def test_a_metric_that_does_not_exist_is_found(root):
    assert metric_names("rate(cais_gone_total[5m]) / cais_up") == {"cais_gone_total", "cais_up"}


def test_the_document_lists_every_metric(root, tmp_path):
    with Server(tmp_path, "--sftp-listen", "127.0.0.1:0", sets=["server.metrics_listen=127.0.0.1:0"]) as server:
        text = server.ask("GET", "/metrics", kind="metrics_listen").body.decode()
    with open(os.path.join(root, "docs", "operations.md"), encoding="utf-8") as f:
        doc = f.read()
    listed = set(re.findall(r"`(cais_\w+)", doc))
    # a row may shorten the second of two names: `cais_x_accepted_total`, `…_refused_total`
    for first, second in re.findall(r"`(cais_\w+)`, `…(_\w+)`", doc):
        listed.add(re.sub(r"(_accepted)?_total$", "", first) + second)
    missing = set(re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE)) - listed
    assert not missing


def test_the_level_of_free_space_in_the_alert_is_a_multiple_of_the_default_reserve(root):
    rules = dict(expressions(root))
    level = int(re.fullmatch(r"cais_store_free_bytes < (\d+)", rules["alerts.yml CaisDiskAlmostFull"]).group(1))
    with open(os.path.join(root, "src", "cli", "config_keys.def"), encoding="utf-8") as f:
        reserve = re.search(r'reserve_free_space_bytes, "(\d+)M"', f.read()).group(1)
    assert level == 4 * int(reserve) << 20
