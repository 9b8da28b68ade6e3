/* SPDX-License-Identifier: Apache-2.0 */
/* The events must not depend on how a body is cut. Input: which boundary, the size of the pieces, the body. */
#include "fuzz.h"

#include "http/multipart.h"

static err_t record_begin(void *ctx, const struct multipart_part *part, struct arena *a)
{
    struct buf *seen = ctx;
    (void)a;
    HOLDS(slice_is_utf8(part->name) && slice_is_utf8(part->filename));
    buf_printf(seen, "<%d %d %zu|", part->has_name, part->has_filename, part->header_count);
    const slice fields[] = { part->name, part->filename, part->content_type };
    for (size_t i = 0; i < LENGTH_OF(fields); i++) {
        buf_add(seen, fields[i]);
        buf_add(seen, S("|"));
    }
    for (size_t i = 0; i < part->header_count; i++) {
        buf_add(seen, part->headers[i].name);
        buf_add(seen, S(":"));
        buf_add(seen, part->headers[i].value);
        buf_add(seen, S("|"));
    }
    return NULL;
}

static err_t record_data(void *ctx, slice bytes, struct arena *a)
{
    (void)a;
    HOLDS(bytes.n > 0);
    buf_add(ctx, bytes);
    return NULL;
}

static err_t record_end(void *ctx, struct arena *a)
{
    (void)a;
    buf_add(ctx, S(">"));
    return NULL;
}

static const struct multipart_events recorder = { record_begin, record_data, record_end };

/* Parse in pieces of `step` bytes. *ret_seen: the events, and after them the result. */
static void feed_in_pieces(slice body, slice boundary, size_t step, struct buf *ret_seen)
{
    SCRATCH(a);
    struct multipart m;
    multipart_init(&m, boundary, NULL, &recorder, ret_seen);
    err_t e = NULL;
    for (; body.n && !e; body = slice_from(body, step))
        e = multipart_feed(&m, slice_part(body, 0, step), &a);
    if (!e)
        e = multipart_finish(&m, &a);
    buf_add(ret_seen, e ? slice_of(err_code_name(e->code)) : S("complete"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const slice boundaries[] = { S("b"), S("-"), S("boundary"), S("b b") };
    slice boundary = boundaries[data[0] % LENGTH_OF(boundaries)], body = fuzz_slice(data + 2, size - 2);
    const size_t steps[] = { size, 1, data[1] + (size_t)1 };
    SCOPED(buf_releasep) struct buf whole = { 0 };
    feed_in_pieces(body, boundary, steps[0], &whole);
    for (size_t i = 1; i < LENGTH_OF(steps); i++) {
        SCOPED(buf_releasep) struct buf pieces = { 0 };
        feed_in_pieces(body, boundary, steps[i], &pieces);
        HOLDS(slice_eq(buf_slice(&whole), buf_slice(&pieces)));
    }
    slice found;
    if (multipart_boundary(body, &found))
        HOLDS(found.n >= 1 && found.n <= MULTIPART_BOUNDARY_MAX);
    return 0;
}
