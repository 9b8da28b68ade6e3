# SPDX-License-Identifier: Apache-2.0
"""make install: what it puts where, and that the files agree with each other. Nothing is compiled."""
import configparser
import json
import os
import re
import shutil
import stat
import subprocess

import pytest

from server import BINARY

MESON = "/usr/bin/meson"


def run(*command, **more):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=240, check=False, **more)
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def install(root):
    run(MESON, "install", "-C", os.path.dirname(os.path.abspath(BINARY)), "--no-rebuild", "--strip", "--destdir", root)


@pytest.fixture(scope="module")
def prefix():
    options = json.loads(run(MESON, "introspect", "--buildoptions", os.path.dirname(os.path.abspath(BINARY))))
    return next(o["value"] for o in options if o["name"] == "prefix")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("destdir")
    install(root)
    return root


def unit(path):
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(path)
    return parser


def in_tree(tree, path):
    return tree / path.lstrip("/")


def test_the_service_was_installed_as_a_document_only(tree, prefix):
    service = unit(in_tree(tree, f"{prefix}/lib/systemd/system/cais.service"))["Service"]
    program, verb, option, config = service["ExecStart"].split()
    assert (program, verb, option) == (f"{prefix}/bin/cais", "serve", "--config")
    assert service["ExecReload"].split() == [program, "reload", option, config]
    assert in_tree(tree, program).exists() and in_tree(tree, config).exists()
    assert service["LogsDirectory"] == "cais" and service["User"] == "cais"
    text = in_tree(tree, f"{prefix}/lib/systemd/system/cais.service").read_text()
    for path in re.findall(r"file:(\S+)|see (\S+\.md)", text):
        assert in_tree(tree, path[0] or path[1]).exists(), path
    users = in_tree(tree, f"{prefix}/lib/sysusers.d/cais.conf").read_text()
    assert re.search(r"^u cais ", users, re.MULTILINE)
    folders = in_tree(tree, f"{prefix}/lib/tmpfiles.d/cais.conf").read_text()
    assert "d /var/lib/cais 0700 cais cais -" in folders and f"z {config} 0640 root cais -" in folders
    assert not list(tree.rglob("doc/cais/docs/cais.service"))
    assert stat.S_IMODE(in_tree(tree, config).stat().st_mode) == 0o640


def test_the_program_had_debug_info(tree, prefix, tmp_path):
    program = in_tree(tree, f"{prefix}/bin/cais")
    sections = run("readelf", "-S", "--wide", program)
    assert ".debug_info" not in sections and ".symtab" not in sections
    assert run(program, "version").startswith("cais ")
    done = subprocess.run([program, "check", "--config", in_tree(tree, config_of(prefix)), "--data", tmp_path / "data"],
                          capture_output=True, text=True, check=False)
    assert "unknown key" not in done.stderr and done.returncode == 0, done.stderr


def config_of(prefix):
    return "/etc/cais/cais.ini" if prefix == "/usr" else f"{prefix}/etc/cais/cais.ini"


def test_a_configuration_that_is_there_is_kept(tree, prefix, tmp_path):
    root = tmp_path / "again"
    shutil.copytree(tree, root)
    config = in_tree(root, config_of(prefix))
    config.write_text("[server]\nlisten = 127.0.0.1:9999\n")
    install(root)
    assert config.read_text() == "[server]\nlisten = 127.0.0.1:9999\n"


def test_make_install_takes_the_prefix(root, tmp_path):
    """PREFIX=/usr is what docs/operations.md recommends: then the configuration is /etc/cais/cais.ini."""
    recipe = run("make", "-n", "install", "PREFIX=/usr", "DESTDIR=/nowhere", cwd=root)
    assert re.search(r"configure build --prefix /usr\b", recipe) and re.search(r"install -C build --no-rebuild --strip", recipe)
    build = tmp_path / "build"
    run(MESON, "setup", "--prefix", "/usr", build, root)
    service = unit(build / "cais.service")["Service"]
    assert service["ExecStart"] == "/usr/bin/cais serve --config /etc/cais/cais.ini"
    assert "/usr/local" not in (build / "cais.service").read_text()
    assert "z /etc/cais/cais.ini 0640 root cais -" in (build / "tmpfiles").read_text()
    places = set(json.loads(run(MESON, "introspect", "--installed", build)).values())
    for path in ("/usr/bin/cais", "/usr/lib/systemd/system/cais.service", "/usr/lib/sysusers.d/cais.conf", "/usr/lib/tmpfiles.d/cais.conf"):
        assert path in places, path
