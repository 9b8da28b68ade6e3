/* SPDX-License-Identifier: Apache-2.0 */
/* An expression that is accepted is one that a query may have, and gives the same each time. One that is refused leaves a text that
 * can be shown. */
#include "fuzz.h"

#include "api/datasnap/expression.h"
#include "query_sample.h"

static bool is_plain_name(slice name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || (i && c >= '0' && c <= '9')))
            return false;
    }
    return name.n > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCRATCH(a);
    slice text = fuzz_slice(data, size), error = S("");
    struct query_builder b;
    struct select_item item, again;
    const struct row_expr *scalar;
    query_builder_init(&b, &a, &sample_list);
    if (expression_parse_item(&b, text, &item, &error)) {
        HOLDS(size <= EXPRESSION_MAX_BYTES && b.nodes <= 3);
        HOLDS(slice_eq(item.name, text) || is_plain_name(item.name));
        HOLDS((item.aggregate == ROW_COUNT_ROWS) == !item.expr);
        HOLDS(!item.expr || item.expr->type < COLUMN_TYPE_COUNT);
        HOLDS(expression_parse_item(&b, text, &again, &error));
        HOLDS(item.aggregate == again.aggregate && row_expr_same(item.expr, again.expr) &&
              slice_eq(item.name, again.name));
    } else {
        HOLDS(error.n > 0);
        HOLDS(!slice_is_utf8(text) || (slice_is_utf8(error) && error.n < 300));
    }
    if (expression_parse_scalar(&b, text, &scalar, &error))
        HOLDS(expression_parse_item(&b, text, &item, &error) && item.aggregate == ROW_PLAIN &&
              row_expr_same(item.expr, scalar));
    return 0;
}
