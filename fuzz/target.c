/* SPDX-License-Identifier: Apache-2.0 */
/* Request targets: what is parsed obeys the limits of target.h, and the copy for logs contains no password. */
#include "fuzz.h"

#include "http/field.h"
#include "http/target.h"

static void try_path(slice path, struct arena *a)
{
    struct target_path p;
    if (target_split_path(path, a, &p))
        return;
    HOLDS(p.count <= TARGET_SEGMENTS_MAX && (p.count > 0 || path.n == 1));
    for (size_t i = 0; i < p.count; i++)
        HOLDS(slice_find_byte(p.segments[i], 0) == SLICE_NONE);
}

static void try_query(slice raw, struct arena *a)
{
    struct query q;
    slice value;
    if (query_parse(raw, a, &q))
        return;
    for (size_t i = 0; i < q.count; i++) {
        const struct query_param *p = &q.params[i];
        HOLDS(p->name.n <= p->raw_name.n && p->value.n <= p->raw_value.n);
        HOLDS(query_get(&q, p->name, 0, &value) && query_get(&q, p->name, QUERY_LAST_WINS | QUERY_NOCASE, &value));
    }
}

/* In the redacted copy the value of a password is ***, and redacting the copy does not change it. */
static void try_redacted(slice raw, struct arena *a)
{
    slice copy = target_redact(raw, a), path, query, again = target_redact(copy, a);
    struct query q;
    HOLDS(slice_eq(copy, again));
    slice_cut(copy, '?', &path, &query);
    if (query_parse(query, a, &q))
        return;
    for (size_t i = 0; i < q.count; i++)
        if (slice_eq_nocase(q.params[i].name, S("password")) && slice_find_byte(q.params[i].raw_value, '*') != 0)
            HOLDS(q.params[i].raw_value.n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCRATCH(a);
    slice raw = fuzz_slice(data, size);
    struct target t;
    try_redacted(raw, &a);
    struct target loosely = target_loosely(raw);
    HOLDS(loosely.path.n == 0 || (loosely.path.p >= raw.p && loosely.path.p + loosely.path.n <= raw.p + raw.n));
    HOLDS(loosely.host.n == 0 || host_is_valid(loosely.host));
    if (target_parse(raw, &a, &t))
        return 0;
    HOLDS(t.path.n && (t.path.p[0] == '/' || t.path.n == 1));
    HOLDS(t.host.n == 0 || host_is_valid(t.host));
    HOLDS(slice_eq(t.host, loosely.host));
    HOLDS(slice_eq(t.path, loosely.path) || (loosely.path.n == 0 && t.path.n == 1));
    try_path(t.path, &a);
    try_query(t.query, &a);
    return 0;
}
