# SPDX-License-Identifier: Apache-2.0
"""tools/check-parameters reports functions with more than six parameters, wherever they are declared."""
import pytest
from planted import check, plant, write

SEVEN = "int a, int b, int c, int d, int e, int f, int g"
SIX = "int a, int b, int c, int d, int e, int f"


@pytest.mark.parametrize("path,text,line", [
    ("core/a.h", f"int wide({SEVEN});\n", 1),
    ("core/a.h", f"MUST_USE err_t wide({SEVEN.replace(', int d', ',' + chr(10) + '    int d')});\n", 1),
    ("core/a.c", f"static int wide({SEVEN})\n{{\n    return 1;\n}}\n", 1),
    ("core/a.c", f"int f(void)\n{{\n    return 1;\n}}\n\nstatic struct x *wide({SEVEN})\n{{\n}}\n", 6),
    ("core/a.c", f"static const struct t x = {{ 1, 2, {{ 3 }} }};\nvoid wide({SEVEN})\n{{\n}}\n", 2),
    ("core/a.h", f"struct ops {{\n    const char *name;\n    MUST_USE err_t (*wide)({SEVEN});\n}};\n", 3),
    ("core/a.h", f"struct ops {{\n    struct {{\n        int (*wide)({SEVEN});\n    }} inner;\n}};\n", 3),
    ("core/a.h", f"typedef int (*wide)({SEVEN});\n", 1),
    ("core/a.h", f"typedef int wide({SEVEN});\n", 1),
    ("core/a.h", f"int f(int a, int (*wide)({SEVEN}));\n", 1),
    ("core/a.h", f"static inline int wide({SEVEN})\n{{\n}}\n", 1),
    ("core/a.h", "int wide(int a, int b, int c, int (*d)(int, int), int e, int f, int g, ...);\n", 1),
    ("core/a.h", f"PRINTF_LIKE(7, 8) int wide({SEVEN}, ...);\n", 1),
    ("core/a.h", f"int wide(int, int, int, int, int, int, int);\nint g({SIX});\n", 1),
    ("core/a.c", f"#ifdef X\n#define B(x) \\\n    {{\n#endif\nint wide({SEVEN})\n{{\n}}\n", 5),
    ("core/a.c", f"SCOPED(x)\nint wide({SEVEN});\n", 2),
])
def test_a_function_with_seven_parameters_is_reported(root, tmp_path, path, text, line):
    status, output = check(root, "check-parameters", plant(tmp_path, **{path: text}))
    assert status == 1 and f"src/{path}:{line}: wide() has 7 parameters" in output, output
    assert len(output.splitlines()) == 1


def test_tests_fuzz_targets_and_benchmarks_are_checked_too(root, tmp_path):
    for folder in ("tests/unit", "fuzz", "bench"):
        write(plant(tmp_path), f"{folder}/a.c", f"int wide({SEVEN});\n")
        status, output = check(root, "check-parameters", tmp_path)
        assert status == 1 and f"{folder}/a.c:1: wide()" in output


@pytest.mark.parametrize("text", [
    f"int f({SIX});\n",
    f"int f({SIX}, ...);\n",
    f"static int f(int a, int b, int c, int d, int e, int (*g)({SIX}))\n{{\n}}\n",
    "int f(void)\n{\n    return g(1, 2, 3, 4, 5, 6, 7);\n}\n",
    "#define WIDE(a, b, c, d, e, f, g) x\nWIDE(1, 2, 3, 4, 5, 6, 7)\nint x;\n",
    f"/* int wide({SEVEN}); */\nint x;\n",
    "static const int x[] = { F(1, 2, 3, 4, 5, 6, 7) };\n",
    "int f(int a, int b, int c, int d, int e, struct pair { int x, y, z; } *p);\n",
])
def test_functions_with_six_parameters_and_other_code_pass(root, tmp_path, text):
    status, output = check(root, "check-parameters", plant(tmp_path, **{"core/a.c": text}))
    assert status == 0, output


def test_an_exception_covers_declaration_and_definition(root, tmp_path):
    tree = plant(tmp_path, **{"core/a.h": f"int wide({SEVEN});\n", "core/a.c": f"int wide({SEVEN})\n{{\n}}\n"})
    write(tree, "tools/exceptions/parameters.txt", "wide  # until it takes a request\n")
    status, output = check(root, "check-parameters", tree)
    assert status == 0, output
