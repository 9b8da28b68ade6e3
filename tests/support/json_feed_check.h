/* SPDX-License-Identifier: Apache-2.0 */
/* What a feed says of a text that comes in pieces, compared with what json_scan says of the whole: for tests and fuzz targets. */
#ifndef CAIS_TESTS_JSON_FEED_CHECK_H
#define CAIS_TESTS_JSON_FEED_CHECK_H

#include "base/buf.h"
#include "base/json_feed.h"
#include "base/json_scan.h"

/* What the feed found. */
struct fed {
    bool is_valid;           /* as a whole */
    struct buf rest, values; /* each value with a line break behind it */
    size_t value_count;
    uint64_t cuts; /* of random numbers: where the text is cut */
};

static inline size_t next_cut(uint64_t *cuts, size_t left)
{
    *cuts = *cuts * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint64_t n = *cuts >> 33;
    n = n % 4 ? n % 7 : n % 1000;
    return n < left ? (size_t)n : left;
}

static inline bool feed_piece(struct json_feed *feed, slice piece, struct fed *ret)
{
    struct json_feed_part part;
    enum json_feed_step step;
    while ((step = json_feed_next(feed, &piece, &part)) == JSON_FEED_PART) {
        if (part.is_first && ret->value_count++)
            buf_add_byte(&ret->values, '\n');
        buf_add(part.is_value ? &ret->values : &ret->rest, part.bytes);
    }
    return step == JSON_FEED_MORE;
}

static inline void feed_text(slice text, slice wanted, struct fed *ret)
{
    struct json_feed feed;
    bool good = true;
    json_feed_init(&feed, wanted);
    while (text.n && good) {
        size_t n = next_cut(&ret->cuts, text.n);
        good = feed_piece(&feed, slice_part(text, 0, n), ret);
        text = slice_from(text, n);
    }
    ret->is_valid = good && json_feed_is_whole(&feed);
}

/* The same by json_scan. */
static inline bool scan_text(slice text, slice wanted, struct buf *values)
{
    struct json_scan s;
    struct json_member m;
    enum json_scan_step step;
    size_t count = 0;
    if (!json_scan_begin(&s, text) || s.close != '}')
        return false;
    while ((step = json_scan_next(&s, &m)) == JSON_SCAN_MEMBER)
        if (!m.name_has_escapes && slice_eq_nocase(m.name, wanted)) {
            if (count++)
                buf_add_byte(values, '\n');
            buf_add(values, m.value.raw);
        }
    return step == JSON_SCAN_END;
}

/* False: they differ. */
static inline bool feed_agrees(slice text, slice wanted, uint64_t cuts)
{
    SCOPED(buf_releasep) struct buf scanned = { 0 };
    struct fed fed = { .cuts = cuts };
    bool is_valid = scan_text(text, wanted, &scanned);
    feed_text(text, wanted, &fed);
    bool same = fed.is_valid == is_valid;
    if (is_valid)
        same = same && slice_eq(buf_slice(&fed.values), buf_slice(&scanned)) &&
               fed.rest.n + fed.values.n == text.n + (fed.value_count ? fed.value_count - 1 : 0);
    buf_release(&fed.rest);
    buf_release(&fed.values);
    return same;
}

#endif
