# SPDX-License-Identifier: Apache-2.0
"""tools/check-scoped reports SCOPED variables that a return may release before they are initialized."""
import pytest
from planted import check, plant

BUF = "    SCOPED(buf_releasep) struct buf b;\n"


def function(body):
    return "static err_t f(struct arena *a)\n{\n%s}\n" % body


@pytest.mark.parametrize("body", [
    BUF + "    if (!a)\n        return NULL;\n    buf_init(&b, 0);\n    return NULL;\n",
    BUF + "    struct x *x;\n    TRY(open_x(a, &x));\n    buf_init(&b, 0);\n    return NULL;\n",
    "    for (;;) {\n    " + BUF + "        if (a)\n            break;\n        buf_init(&b, 0);\n    }\n    return NULL;\n",
])
def test_a_buffer_that_a_webhook_released_before_it_was_made_is_reported(root, tmp_path, body):
    status, output = check(root, "check-scoped", plant(tmp_path, **{"core/a.c": function(body)}))
    assert status == 1 and "b may be released before it is initialized" in output, output


@pytest.mark.parametrize("body", [
    BUF + "    buf_init(&b, 0);\n    TRY(fill(&b, a));\n    return NULL;\n",
    BUF + "    struct json_out o;\n    int n = 0;\n    buf_init(&b, n);\n    return NULL;\n",
    "    SCOPED(releasep) struct x *x = NULL;\n    TRY(open_x(a, &x));\n    return NULL;\n",
    "    SCOPED(arena_releasep) struct arena own;\n    TRY(init(&own));\n    return NULL;\n",
])
def test_variables_that_are_initialized_first_pass(root, tmp_path, body):
    status, output = check(root, "check-scoped", plant(tmp_path, **{"core/a.c": function(body)}))
    assert status == 0, output
