/* SPDX-License-Identifier: Apache-2.0 */
/* Structured field values. What is accepted is within its limits, and has the same meaning when it is written again. */
#include "fuzz.h"

#include "base/text.h"
#include "http/structured_field.h"

static void try_item(slice value, struct arena *a)
{
    int64_t number = 0, again = 0;
    bool truth = false;
    bool is_integer = sf_integer(value, &number), is_boolean = sf_boolean(value, &truth);
    HOLDS(!is_integer || !is_boolean);
    HOLDS(number >= -SF_INTEGER_MAX && number <= SF_INTEGER_MAX);
    if (is_integer)
        HOLDS(sf_integer(arena_printf(a, " %lld;a=1 ", (long long)number), &again) && again == number);
    /* A member of a dictionary is an Item, so both functions have the same grammar. */
    struct sf_member *members;
    size_t count;
    slice parts[] = { S("k="), slice_trim(value) };
    if ((is_integer || is_boolean) && slice_trim(value).p == value.p) {
        HOLDS(sf_dictionary(arena_join(a, parts, 2), a, &members, &count) && count == 1);
        HOLDS(members[0].kind == (is_integer ? SF_INTEGER : SF_BOOLEAN));
        HOLDS(members[0].integer == (is_integer ? number : truth));
    }
}

static slice written_member(const struct sf_member *m, struct arena *a)
{
    slice bytes = base64_encode(a, m->bytes);
    if (m->kind == SF_BYTES)
        return arena_printf(a, SLICE_FMT "=:" SLICE_FMT ":", SLICE_ARG(m->key), SLICE_ARG(bytes));
    if (m->kind == SF_INTEGER)
        return arena_printf(a, SLICE_FMT "=%lld", SLICE_ARG(m->key), (long long)m->integer);
    if (m->kind == SF_BOOLEAN)
        return arena_printf(a, SLICE_FMT "=?%d", SLICE_ARG(m->key), (int)m->integer);
    return arena_printf(a, SLICE_FMT "=other", SLICE_ARG(m->key));
}

static void try_dictionary(slice value, struct arena *a)
{
    struct sf_member *members, *back;
    size_t count = 0, back_count = 0;
    if (!sf_dictionary(value, a, &members, &count))
        return;
    HOLDS(count <= SF_MEMBERS_MAX);
    slice parts[2 * SF_MEMBERS_MAX];
    for (size_t i = 0; i < count; i++) {
        const struct sf_member *m = &members[i];
        HOLDS(m->key.n && m->key.p >= value.p && m->key.p + m->key.n <= value.p + value.n);
        HOLDS(sf_find(members, count, m->key) == m); /* so keys are different */
        parts[2 * i] = i ? S(",") : S("");
        parts[2 * i + 1] = written_member(m, a);
    }
    slice written = arena_join(a, parts, 2 * count);
    HOLDS(sf_dictionary(written, a, &back, &back_count) && back_count == count);
    for (size_t i = 0; i < count; i++)
        HOLDS(back[i].kind == members[i].kind && back[i].integer == members[i].integer &&
              slice_eq(back[i].key, members[i].key) && slice_eq(back[i].bytes, members[i].bytes));
    parts[0] = value, parts[1] = S(" ,");
    HOLDS(!sf_dictionary(arena_join(a, parts, 2), a, &back, &back_count));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCRATCH(a);
    try_item(fuzz_slice(data, size), &a);
    try_dictionary(fuzz_slice(data, size), &a);
    return 0;
}
