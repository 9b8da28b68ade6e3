/* SPDX-License-Identifier: Apache-2.0 */
/* Every accepted form can be written as JSON within the limits of form.h, and that JSON parses to the same tree. */
#include "fuzz.h"

#include "api/kit/form.h"

static size_t count_values(const struct json *j, size_t depth)
{
    size_t n = 1;
    HOLDS(depth <= JSON_MAX_DEPTH);
    HOLDS(j->type == JS_STRING || j->type == JS_ARRAY || j->type == JS_OBJECT);
    JSON_EACH(child, j)
        n += count_values(child, depth + 1);
    return n;
}

static slice as_json(struct arena *a, const struct json *j)
{
    SCOPED(buf_releasep) struct buf b;
    buf_init(&b, 0);
    struct json_out o;
    json_out_init(&o, &b);
    json_add_value(&o, j);
    return arena_copy(a, buf_slice(&b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCRATCH(a);
    const struct json *form, *again;
    if (form_parse(fuzz_slice(data, size), &a, &form))
        return 0;
    HOLDS(form->type == JS_OBJECT);
    HOLDS(count_values(form, 1) <= FORM_PAIRS_MAX * JSON_MAX_DEPTH + 1);
    slice text = as_json(&a, form);
    HOLDS(!json_parse(&a, text, &again)); /* the members are unique, and everything is UTF-8 */
    HOLDS(slice_eq(as_json(&a, again), text));
    return 0;
}
