# SPDX-License-Identifier: Apache-2.0
"""Secrets are compared in constant time, never by a comparison that stops at the first difference."""

import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HASTY = re.compile(r"\b(?:memcmp|strcmp|strncmp|slice_eq|slice_eq_nocase|slice_cmp)\s*"
                   r"\(((?:[^();]|\([^()]*\))*)\)")
SECRET = re.compile(r"\b(?:\w*(?:->|\.))?(?:signature|expected|claimed|secret|password|mac|token|security_key|secret_hash)\b")
LITERAL = re.compile(r'S\("[^"]*"\)|"[^"]*"')


def hasty(text):
    """The comparisons in this text whose operand has the name of a secret, except comparisons with a literal."""
    return [m.group(0) for m in HASTY.finditer(text) if not LITERAL.search(m.group(1)) and SECRET.search(m.group(1))]


def sources(*folders):
    for folder in folders:
        for at, _, names in os.walk(os.path.join(ROOT, "src", folder)):
            yield from (os.path.join(at, name) for name in names if name.endswith(".c"))


def test_ghsa_3p3x_secrets_are_compared_in_constant_time():
    found = {}
    for path in sources("sign", "api", "core", "base"):
        with open(path, encoding="utf-8") as f:
            hits = hasty(f.read())
        if hits:
            found[os.path.relpath(path, ROOT)] = hits
    assert not found


def test_a_comparison_that_stops_early_would_be_found():
    assert hasty("if (memcmp(mac, claim->signature.p, 32) == 0)")
    assert hasty("return slice_eq(expected, claim->signature);")
    assert not hasty('slice_eq(name, S("Signature"))') and not hasty("slice_eq_secret(expected, claim->signature)")


def test_functions_that_verify_secrets_compare_in_constant_time():
    for path, min_count in (("sign/sigv4.c", 1), ("sign/sigv2.c", 1), ("sign/form_policy.c", 2), ("sign/chunks.c", 2),
                        ("api/s3/form_check.c", 1)):
        with open(os.path.join(ROOT, "src", path), encoding="utf-8") as f:
            assert f.read().count("slice_eq_secret(") >= min_count, path
