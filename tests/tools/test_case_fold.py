# SPDX-License-Identifier: Apache-2.0
"""The table of case folding is that of Unicode 15.0, whatever else is installed: src/base/case_fold_table.h."""
import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def test_the_committed_table_is_the_one_that_unicode_15_gives():
    made = subprocess.run([os.path.join(ROOT, "tools", "make-case-fold")], check=True, capture_output=True).stdout
    with open(os.path.join(ROOT, "src", "base", "case_fold_table.h"), "rb") as f:
        assert f.read() == made
    assert b"Unicode 15.0.0: 1454 characters" in made
