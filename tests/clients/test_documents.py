# SPDX-License-Identifier: Apache-2.0
"""Runs the commands that the documents show, and checks their links."""
import os
import re
import subprocess
import time

import pytest
from ports import free_port
from rounds import rounds

TESTED = re.compile(r"<!-- tested -->\s*```sh\n(.*?)```", re.DOTALL)


def read(root, name):
    with open(os.path.join(root, name), encoding="utf-8") as f:
        return f.read()


def test_the_first_upload_works_as_printed(root, cais, tmp_path):
    """Only the port differs, because the real one may be in use."""
    blocks = TESTED.findall(read(root, "README.md"))
    assert len(blocks) == 1
    port = free_port()
    address = f"127.0.0.1:{port}"
    script = "set -e\n" + blocks[0].replace("127.0.0.1:8080", address)
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "cais").symlink_to(os.path.abspath(cais))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CAIS_")}
    environment |= {"CAIS_SERVER_LISTEN": address, "no_proxy": "*"}
    with open(tmp_path / "run.log", "wb") as log:
        server = subprocess.Popen(["build/cais", "serve"], cwd=tmp_path, env=environment, stderr=log)
    try:
        for _ in range(200):
            if (tmp_path / "cais-data" / "run.json").exists():
                break
            time.sleep(0.05)
        done = subprocess.run(["sh", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True,
                              timeout=90, check=False)
        assert server.wait(10) == -9
    finally:
        server.kill()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the same bytes" in done.stdout
    digest = re.search(r"^([0-9a-f]{32})  first.txt$", done.stdout, re.MULTILINE).group(1)
    assert f'"md5_hash":"{digest}"' in done.stdout


@pytest.mark.parametrize("name", ["docs/cais.ini", "docs/nginx/cais.ini"])
def test_example_configurations_are_accepted(root, cais, tmp_path, name):
    subprocess.run([cais, "account", "add", "acme", "--data", str(tmp_path / "data")], check=True)  # makes the directory
    run = subprocess.run([cais, "fsck", "--config", os.path.join(root, name), "--data", str(tmp_path / "data")],
                         capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_links_between_documents_lead_somewhere(root):
    names = [n for n in os.listdir(root) if n.endswith(".md")]
    for folder, _, files in os.walk(os.path.join(root, "docs")):
        names += [os.path.relpath(os.path.join(folder, n), root) for n in files if n.endswith(".md")]
    for name in names:
        for target in re.findall(r"\]\(([^)#:]+)\)", read(root, name)):
            path = os.path.join(root, os.path.dirname(name), target)
            assert os.path.exists(path), f"{name} links to {target}"


def test_a_server_starts_right_after_another_was_killed(cais, tmp_path):
    """The kernel releases the lock of a killed process a moment later."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CAIS_")}
    for _ in range(rounds("starts_after_a_kill")):
        with open(tmp_path / "log", "wb") as log:
            server = subprocess.Popen([cais, "serve", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0"],
                                      env=environment, stderr=log)
        for _ in range(200):
            if b"listening" in (tmp_path / "log").read_bytes():
                break
            assert server.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.02)
        server.kill()  # without waiting: the next server starts at once
    server.wait(10)
