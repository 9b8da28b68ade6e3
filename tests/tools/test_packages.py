# SPDX-License-Identifier: Apache-2.0
"""tools/packages.txt lists every package that `make build` and `make run` need. The packages of npm are pinned."""

import json
import os
import re
import subprocess

import pytest

import server

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


def test_make_run_compiled_tests_fuzz_targets_and_stores_that_fail(root):
    """None of the compile steps of the program may be for what only tests, fuzz targets or benchmarks link."""
    steps = subprocess.run(["ninja", "-C", os.path.dirname(server.BINARY), "-t", "commands", "cais"], check=True,
                           capture_output=True, text=True).stdout
    sources = re.findall(r" -c (?:\.\./)*(\S+\.c)$", steps, re.MULTILINE)
    assert len(sources) > 400 and any(s.endswith("src/cli/cmd_serve.c") for s in sources)
    others = [s for s in sources if re.search(r"(^|/)(tests|fuzz|bench|fault|mem)/|base/fault\.c$", s)]
    assert not others


def node_file(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as f:
        return json.load(f)


@pytest.mark.parametrize("folder", ["tests/clients/node", "src/portal"])
def test_node_packages_are_pinned_by_hash_without_the_address_of_a_registry(folder):
    wanted, lock = node_file(folder, "package.json"), node_file(folder, "package-lock.json")["packages"]
    named = wanted["dependencies"] | wanted.get("optionalDependencies", {}) | wanted.get("devDependencies", {})
    for name, version in named.items():
        assert re.fullmatch(r"[0-9.]+", version), f"{name} {version} is no exact version"
        assert lock["node_modules/" + name]["version"] == version
    for name, package in lock.items():
        assert not name or package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, f"{name} names a host"


def lines_of(*path):
    with open(os.path.join(ROOT, "tests", "clients", *path), encoding="utf-8") as f:
        return [line for line in f.read().splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("name", ["boto3.txt", "s3fs.txt"])
def test_python_packages_are_pinned_by_hash(name):
    lines = lines_of("python", name)
    assert len(lines) > 5
    for line in lines:
        assert re.fullmatch(r"[a-z0-9-]+==[0-9][0-9.a-z]*( --hash=sha256:[0-9a-f]{64})+", line), line


def test_jars_are_pinned_by_hash():
    """Versions come from one BOM; the list of hashes is that of all jars."""
    pom, jars = "\n".join(lines_of("java", "pom.xml")), lines_of("java", "jars.sha256")
    assert len(jars) > 20 and all(re.fullmatch(r"[0-9a-f]{64}  [a-z0-9.-]+\.jar", line) for line in jars), jars
    (version,) = re.findall(r"<version>([0-9.]{3,})</version>", pom)
    assert sum(line.endswith(f"-{version}.jar") for line in jars) == len(jars) - 2


def test_go_modules_are_pinned_by_hash():
    wanted = [line.split()[:2] for line in lines_of("go", "go.mod") if line.startswith("\t")]
    sums = {tuple(line.split()[:2]) for line in lines_of("go", "go.sum")}
    assert len(wanted) > 5
    for name, version in wanted:
        assert (name, version) in sums and (name, version + "/go.mod") in sums, name


def test_no_pinned_package_names_the_address_of_a_registry():
    for path in (("python", "boto3.txt"), ("python", "s3fs.txt"), ("java", "jars.sha256"), ("java", "pom.xml"), ("go", "go.mod"), ("go", "go.sum")):
        found = re.findall(r"https?://[^\s\"<]+", "\n".join(lines_of(*path)))
        assert set(found) <= {"http://maven.apache.org/POM/4.0.0"}, (path, found)
