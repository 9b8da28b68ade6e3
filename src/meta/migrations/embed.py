# SPDX-License-Identifier: Apache-2.0
"""Turns NNNN_name.sql … into a C table. Usage: embed.py FILE.sql … OUTPUT.c"""
import json
import os
import sys

*inputs, output = sys.argv[1:]
with open(output, "w") as out:
    out.write('#include "meta/store_priv.h"\n\n#pragma GCC diagnostic ignored "-Woverlength-strings"\n\nconst struct migration migrations[] = {\n')
    for path in sorted(inputs):
        name = os.path.basename(path).removesuffix(".sql")
        lines = "\n".join("      " + json.dumps(line, ensure_ascii=True) for line in open(path).read().splitlines(True))
        out.write(f'    {{ {int(name.split("_")[0])}, "{name}",\n{lines} }},\n')
    out.write("};\nconst size_t migration_count = LENGTH_OF(migrations);\n")
