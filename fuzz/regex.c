/* SPDX-License-Identifier: Apache-2.0 */
/* A pattern, a line end, and a text. Brackets around the pattern, and the pattern twice, find the same; and no pattern takes more than its
 * steps for each character. */
#include "fuzz.h"

#include "base/regex.h"

struct looks {
    uint64_t count;
};

static bool look(void *arg)
{
    ((struct looks *)arg)->count++;
    return false;
}

static enum regex_result search(struct regex *r, slice text)
{
    struct looks looks = { 0 };
    enum regex_result found = regex_search(r, text, &(struct regex_watch){ look, &looks });
    HOLDS(looks.count <= (text.n + 1) * REGEX_STEPS_MAX / REGEX_LOOK);
    return found;
}

static void check_same(slice pattern, slice text, enum regex_result want, struct arena *a)
{
    struct regex *r;
    enum regex_fault fault = regex_compile(pattern, a, &r);
    HOLDS(fault == REGEX_FINE || fault == REGEX_TOO_LONG || fault == REGEX_TOO_LARGE);
    HOLDS(fault || search(r, text) == want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCRATCH(a);
    slice pattern, text = fuzz_slice(data, size);
    struct regex *r;
    slice_cut(text, '\n', &pattern, &text);
    if (regex_compile(pattern, &a, &r))
        return 0;
    enum regex_result found = search(r, text);
    HOLDS(found != REGEX_STOPPED);
    check_same(arena_join(&a, (slice[]){ S("("), pattern, S(")") }, 3), text, found, &a);
    check_same(arena_join(&a, (slice[]){ pattern, S("|"), pattern }, 3), text, found, &a);
    return 0;
}
