# SPDX-License-Identifier: Apache-2.0
"""src/portal/bundle is what src/portal/web and the lock file build, and is small."""

import filecmp
import gzip
import os
import re
import shutil
import subprocess

from flows import PORTAL
from s3 import node


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def test_the_bundle_is_what_its_sources_build(tmp_path):
    modules = os.path.join(PORTAL, "node_modules")
    assert os.path.exists(modules), "the packages of src/portal are missing: tools/setup test"
    for name in ("package.json", "package-lock.json", "vite.config.js"):
        shutil.copy(os.path.join(PORTAL, name), tmp_path)
    for name in ("web", "public"):
        shutil.copytree(os.path.join(PORTAL, name), tmp_path / name)
    os.symlink(modules, tmp_path / "node_modules")
    subprocess.run([node(), os.path.join(modules, "vite", "bin", "vite.js"), "build"], cwd=tmp_path, check=True, capture_output=True, timeout=120)
    ours, built = (sorted(os.listdir(folder)) for folder in (os.path.join(PORTAL, "bundle"), tmp_path / "bundle"))
    assert ours == built
    _, different, _ = filecmp.cmpfiles(os.path.join(PORTAL, "bundle"), tmp_path / "bundle", built, shallow=False)
    assert not different, "run npm run build in src/portal, and commit src/portal/bundle"


def test_the_program_has_every_file_of_the_bundle(root):
    listed = re.findall(r"portal/bundle/([\w.-]+)'", read(os.path.join(root, "src", "api", "portal", "meson.build")))
    assert sorted(listed) == sorted(os.listdir(os.path.join(PORTAL, "bundle")))


def test_the_first_page_transfers_at_most_250_kb_of_scripts():
    shared = re.findall(r'from\s*"\./([\w-]+\.js)"', read(os.path.join(PORTAL, "bundle", "portal.js")))
    size = sum(len(gzip.compress(read(os.path.join(PORTAL, "bundle", name)).encode(), 9)) for name in ("portal.js", *shared, "portal.css", "icon.svg"))
    assert shared
    size = sum(len(gzip.compress(read(os.path.join(PORTAL, "bundle", name)).encode(), 9)) for name in ("portal.js", "common.js", "portal.css", "icon.svg"))
    assert size <= 250_000


def test_every_package_in_the_scripts_has_its_licence_listed():
    licences = read(os.path.join(PORTAL, "bundle", "licences.txt"))
    parts = re.findall(r"^(\S+) \d+\.\d+\.\d+ \((.+)\)$", licences, re.MULTILINE)
    assert "preact" in [name for name, _ in parts]
    assert all(licence in ("MIT", "ISC", "BSD-3-Clause", "Apache-2.0") for _, licence in parts), parts
    assert "has no text of its licence" not in licences
