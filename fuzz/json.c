/* SPDX-License-Identifier: Apache-2.0 */
/* JSON that is parsed, written and parsed again gives the same tree. json_parse_exact accepts all of it, too, and gives the same
 * tree with the texts of the numbers. */
#include "fuzz.h"

#include "base/json.h"

static bool same_json(const struct json *x, const struct json *y)
{
    if (x->type != y->type || !slice_eq(x->name, y->name) || x->boolean != y->boolean || x->integer != y->integer ||
        !slice_eq(x->string, y->string) || x->real != y->real)
        return false;
    for (x = x->child, y = y->child; x && y; x = x->next, y = y->next)
        if (!same_json(x, y))
            return false;
    return !x && !y;
}

/* Numbers apart, which have a text in y, and there may be outside of what x can hold. */
static bool same_but_numbers(const struct json *x, const struct json *y)
{
    bool is_number = x->type == JS_INT || x->type == JS_REAL;
    if (!slice_eq(x->name, y->name) || (is_number ? y->string.n == 0 : !slice_eq(x->string, y->string)) ||
        x->type != y->type || x->boolean != y->boolean || x->integer != y->integer || x->real != y->real)
        return false;
    for (x = x->child, y = y->child; x && y; x = x->next, y = y->next)
        if (!same_but_numbers(x, y))
            return false;
    return !x && !y;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCRATCH(a);
    const struct json *first, *second, *exact;
    err_t refused = json_parse_exact(&a, fuzz_slice(data, size), &exact);
    if (json_parse(&a, fuzz_slice(data, size), &first))
        return 0;
    HOLDS(!refused && same_but_numbers(first, exact));
    SCOPED(buf_releasep) struct buf text = { 0 };
    struct json_out out;
    json_out_init(&out, &text);
    json_add_value(&out, first);
    HOLDS(!text.failed);
    if (text.n > JSON_MAX_BYTES)
        return 0;
    HOLDS(!json_parse(&a, buf_slice(&text), &second) && same_json(first, second));
    return 0;
}
