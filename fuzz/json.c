/* SPDX-License-Identifier: Apache-2.0 */
/* JSON that is parsed, written and parsed again gives the same tree. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCRATCH(a);
    const struct json *first, *second;
    if (json_parse(&a, fuzz_slice(data, size), &first))
        return 0;
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
