# SPDX-License-Identifier: Apache-2.0
"""Names of columns that the portal makes of those in a file."""
import json
import os
import shutil
import subprocess

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(not NODE, reason="node is missing: tools/setup test")
PROGRAM = """
import { columnName } from MODULE;
const taken = new Set(), names = [];
for (const [at, text] of TEXTS.entries()) names.push(columnName(text, at, taken));
console.log(JSON.stringify(names));
"""


def names_of(texts, tmp_path):
    with open(os.path.join(HERE, "../../src/portal/web/column_name.js"), encoding="utf-8") as module:
        (tmp_path / "column_name.mjs").write_text(module.read(), encoding="utf-8")
    (tmp_path / "run.mjs").write_text(PROGRAM.replace("MODULE", '"./column_name.mjs"').replace("TEXTS", json.dumps(texts)), encoding="utf-8")
    done = subprocess.run([NODE, str(tmp_path / "run.mjs")], capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


def test_each_column_has_a_name_of_its_own(tmp_path):
    assert names_of(["São Paulo (R$)", "a", "a", "a_2", "a", "1st", "", "", "имя"], tmp_path) == [
        "Sao_Paulo_R", "a", "a_2", "a_2_2", "a_3", "_1st", "column_7", "column_8", "imya"]


def test_a_line_with_one_name_for_all_columns_stopped_the_page(tmp_path):
    names = names_of(["a"] * 100_000, tmp_path)
    assert len(set(names)) == 100_000
