# SPDX-License-Identifier: Apache-2.0
"""tools/packages.txt lists every package that `make build` and `make run` need. The packages of npm are pinned."""

import json
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def section(name):
    packages, current = set(), None
    with open(os.path.join(ROOT, "tools", "packages.txt"), encoding="utf-8") as f:
        for line in f:
            line = line.split("#")[0].strip()
            if line.startswith("["):
                current = line.strip("[]")
            elif line and current == name:
                packages.add(line)
    return packages


def dependencies():
    """The libraries that the build finds with pkg-config. The threads library is part of the C library."""
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [f for f in folders if not f.startswith((".", "build"))]
        if "meson.build" in files:
            with open(os.path.join(folder, "meson.build"), encoding="utf-8") as f:
                yield from re.findall(r"(?<!declare_)dependency\('([a-z0-9_+-]+)'", f.read())


def test_make_build_installs_every_library_that_the_build_needs():
    names = set(dependencies()) - {"threads"}
    assert {"sqlite3", "cmocka"} <= names
    for name in names:
        folder = subprocess.run(["pkg-config", "--variable=pcfiledir", name], check=True, capture_output=True,
                                text=True).stdout.strip()
        owner = subprocess.run(["dpkg", "-S", f"{folder}/{name}.pc"], check=True, capture_output=True, text=True).stdout
        assert owner.split(":")[0] in section("build"), f"{name} comes with {owner}"


def test_make_run_compiled_all_test_programs_before_it_served():
    """Meson takes every program that a test runs for a part of its default target."""
    for target in ("build", "run", "install"):
        plan = subprocess.run(["make", "--dry-run", target, "DESTDIR=/nowhere"], cwd=ROOT, check=True, capture_output=True,
                              text=True).stdout
        compiles = re.findall(r"meson compile (.*)", plan)
        assert compiles and all(c == "-C build cais" for c in compiles), plan
        installs = re.findall(r"meson install (.*)", plan)
        assert all("--no-rebuild" in i for i in installs), plan


def node_file(name):
    with open(os.path.join(ROOT, "tests", "clients", "node", name), encoding="utf-8") as f:
        return json.load(f)


def test_node_packages_are_pinned_by_hash_without_the_address_of_a_registry():
    wanted, lock = node_file("package.json"), node_file("package-lock.json")["packages"]
    for name, version in (wanted["dependencies"] | wanted["optionalDependencies"]).items():
        assert re.fullmatch(r"[0-9.]+", version), f"{name} {version} is no exact version"
        assert lock["node_modules/" + name]["version"] == version
    for name, package in lock.items():
        assert not name or package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, f"{name} names a host"
