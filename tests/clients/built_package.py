# SPDX-License-Identifier: Apache-2.0
"""The package as `make deb` makes it: compiled for it, with the flags of Debian's own packages. The part `package` of a proof runs this; the
compile takes some minutes, so `make test` makes the package of the program under test instead (test_package.py)."""
import glob
import os
import re
import subprocess

import pytest

from test_package import (deb, run, test_lintian_finds_no_error, test_symbols_are_in_a_package_of_their_own,  # noqa: F401
                          test_the_package_has_what_an_operator_expects,
                          test_the_package_installs_upgrades_and_is_removed_and_data_stays)


@pytest.fixture(scope="module")
def package(root, tmp_path_factory):
    """As that of test_package.py, which the tests from there take."""
    folder = tmp_path_factory.mktemp("package")
    made = subprocess.run([os.path.join(root, "tools", "make-deb"), folder], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr[-5000:]
    run("dpkg-deb", "-R", glob.glob(str(folder / "cais_*.deb"))[0], folder / "tree")
    return folder


def hardening_of(program):
    """What of Debian's hardening the program has, as hardening-check of devscripts finds it."""
    head, segments, dynamic, symbols = (run("readelf", "--wide", option, program).stdout for option in ("-h", "-l", "-d", "--dyn-syms"))
    return {
        "position independent": bool(re.search(r"Type:\s+DYN", head)) and bool(re.search(r"\bPIE\b", dynamic)),
        "relocations read-only": "GNU_RELRO" in segments,
        "bound at the start": bool(re.search(r"BIND_NOW|FLAGS.*\bNOW\b", dynamic)),
        "stack protected": "__stack_chk_fail" in symbols,
        "calls checked": bool(re.search(r"\b__(?:mem|str|v?s?n?printf|v?fprintf|read|pread)\w*_chk\b", symbols)),
        "stack without code": bool(re.search(r"GNU_STACK\s+(?:\S+\s+){5}RW\s", segments)),
    }


@pytest.mark.slow_because("the program is compiled for it")
def test_the_program_of_the_package_is_hardened(package):
    found = hardening_of(package / "tree" / "usr" / "bin" / "cais")
    assert [name for name, there in found.items() if not there] == []


def test_what_is_not_hardened_is_seen(tmp_path):
    (tmp_path / "a.c").write_text("int main(void) { return 0; }\n")
    run("cc", "-no-pie", "-fno-stack-protector", "-z", "norelro", "-z", "lazy", "-z", "execstack", "-o", tmp_path / "a", tmp_path / "a.c")
    assert not any(hardening_of(tmp_path / "a").values())
