/* SPDX-License-Identifier: Apache-2.0 */
/* `bytes` holds what was read and not yet taken:
 *
 *     0            begin                 end                     n
 *     | taken      | whole lines         | the beginning of one  |
 *
 * A fill moves the last part to the front and reads behind it, until there is the end of a line. A line that does not fit is
 * handed out as too long, and what comes up to its end is skipped. */
#include "core/dataset/lines.h"

#include "base/buf.h"
#include "base/gunzip.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define BOM S("\xef\xbb\xbf")
/* More than the longest line with its end, and a BOM. */
#define BYTES_MAX (LINE_BYTES_MAX + sizeof "\r\n" + sizeof "\xef\xbb\xbf")
#define ZIPPED_BLOCK ((size_t)64 << 10)

struct lines {
    const struct content *content; /* NULL: the bytes are fed */
    slice fed;                     /* and not read yet */
    bool is_fed_whole;
    bool is_starved; /* the last read found nothing, and more may be fed */
    struct arena *account;
    _Atomic uint64_t offset; /* of what is read next */
    struct gunzip *gunzip;   /* NULL: the content is not zipped */
    char *zipped;            /* ZIPPED_BLOCK */
    slice zipped_left;       /* of it */
    size_t block;            /* how much is read at once, unless a line is longer */
    struct buf bytes;
    size_t begin, end, scanned; /* there is no end of a line from `end` to `scanned` */
    uint64_t number;            /* of the last line that was taken */
    bool is_started;            /* the BOM, if any, was skipped */
    bool is_at_end;
    bool is_skipping; /* the rest of a line that is too long */
    bool has_too_long;
};

static bool ends_nocase(slice name, slice end)
{
    return name.n >= end.n && slice_eq_nocase(slice_from(name, name.n - end.n), end);
}

bool lines_name_is_zipped(slice name)
{
    return ends_nocase(name, S(".gz"));
}

bool lines_name_is_known(slice name)
{
    if (lines_name_is_zipped(name))
        name.n -= 3;
    return ends_nocase(name, S(".jsonl")) || ends_nocase(name, S(".ndjson"));
}

struct lines *lines_open_fed(struct arena *account)
{
    struct lines *l = must_malloc(sizeof *l);
    l->account = account;
    l->block = LINES_BLOCK;
    buf_init_on(&l->bytes, BYTES_MAX, account);
    return l;
}

struct lines *lines_open(const struct content *content, slice name, uint64_t unzipped_max, struct arena *account)
{
    struct lines *l = lines_open_fed(account);
    l->content = content;
    if (lines_name_is_zipped(name)) {
        l->gunzip = gunzip_new(unzipped_max);
        l->zipped = must_malloc(ZIPPED_BLOCK);
    } else if (content->size_bytes < LINES_BLOCK) {
        l->block = (size_t)content->size_bytes + 1; /* the byte more shows the end */
    }
    return l;
}

struct lines *lines_open_at(const struct content *content, struct line_position from, struct arena *account)
{
    struct lines *l = lines_open(content, S(""), 0, account);
    atomic_store_explicit(&l->offset, from.offset, memory_order_relaxed);
    l->number = from.number;
    l->is_started = from.offset > 0; /* else there may be a BOM */
    return l;
}

struct line_position lines_position(const struct lines *l)
{
    return (struct line_position){ lines_read_bytes(l) - (l->bytes.n - l->begin), l->number };
}

void lines_feed(struct lines *l, slice bytes)
{
    l->fed = bytes;
}

void lines_feed_end(struct lines *l)
{
    l->is_fed_whole = true;
}

void lines_close(struct lines *l)
{
    if (!l)
        return;
    gunzip_free(l->gunzip);
    buf_release(&l->bytes);
    free(l->zipped);
    free(l);
}

uint64_t lines_read_bytes(const struct lines *l)
{
    return atomic_load_explicit(&l->offset, memory_order_relaxed);
}

static err_t read_content(struct lines *l, char *to, size_t room, struct arena *a, size_t *ret_n)
{
    uint64_t offset = lines_read_bytes(l);
    if (l->content) {
        TRY(content_read_at(l->content, offset, to, room, a, ret_n));
    } else {
        *ret_n = l->fed.n < room ? l->fed.n : room;
        if (*ret_n)
            memcpy(to, l->fed.p, *ret_n);
        l->fed = slice_from(l->fed, *ret_n);
    }
    atomic_store_explicit(&l->offset, offset + *ret_n, memory_order_relaxed);
    return NULL;
}

static enum line_fault fault_of_gzip(err_t e)
{
    return e->code == ERR_TOO_LARGE ? FILE_TOO_LARGE : FILE_DAMAGED;
}

/* *ret_n is 0 at the end only. */
static err_t read_zipped(struct lines *l, char *to, size_t room, struct arena *a, size_t *ret_n,
                         enum line_fault *ret_fault)
{
    *ret_n = 0;
    for (bool is_at_end = false; !is_at_end && !*ret_n;) {
        err_t e = gunzip_read(l->gunzip, &l->zipped_left, to, room, a, ret_n);
        if (!e && !*ret_n) {
            size_t n;
            TRY(read_content(l, l->zipped, ZIPPED_BLOCK, a, &n));
            l->zipped_left = (slice){ l->zipped, n };
            is_at_end = n == 0;
            e = is_at_end ? gunzip_end(l->gunzip, a) : NULL;
        }
        if (e) {
            *ret_fault = fault_of_gzip(e);
            return NULL;
        }
    }
    return NULL;
}

/* Read behind what there is, up to a block, or as much again if that is more. */
static err_t read_some(struct lines *l, struct arena *a, enum line_fault *ret_fault)
{
    size_t have = l->bytes.n, n, room = have < l->block ? l->block - have : have;
    room = room < BYTES_MAX - have ? room : BYTES_MAX - have;
    char *to = buf_reserve(&l->bytes, room);
    if (!to)
        return arena_check(l->account);
    TRY(l->gunzip ? read_zipped(l, to, room, a, &n, ret_fault) : read_content(l, to, room, a, &n));
    l->bytes.n += n;
    l->is_starved = n == 0 && !l->content && !l->is_fed_whole;
    l->is_at_end = n == 0 && !l->is_starved;
    return NULL;
}

static void skip_bom(struct lines *l)
{
    if (l->is_started || (l->bytes.n < BOM.n && !l->is_at_end))
        return;
    l->is_started = true;
    if (slice_starts(buf_slice(&l->bytes), BOM))
        l->begin = BOM.n;
}

/* Of a line that is too long, up to its end. */
static void skip_rest(struct lines *l)
{
    size_t at = slice_find_byte(buf_slice(&l->bytes), '\n');
    l->is_skipping = at == SLICE_NONE;
    l->begin = l->is_skipping ? l->bytes.n : at + 1;
    l->scanned = l->begin;
}

static void begin_too_long(struct lines *l)
{
    l->has_too_long = true;
    l->is_skipping = true;
    l->begin = l->end = l->bytes.n;
}

/* Look for the last end of a line in what was read. True: lines_next, or another fill, has something to do. */
static bool find_lines(struct lines *l)
{
    skip_bom(l);
    if (!l->is_started)
        return false;
    if (l->is_skipping) {
        skip_rest(l);
        if (l->is_skipping) {
            l->end = l->begin;
            return true;
        }
    }
    slice fresh = slice_from(buf_slice(&l->bytes), l->scanned);
    size_t at = slice_rfind_byte(fresh, '\n');
    l->end = l->is_at_end ? l->bytes.n : at == SLICE_NONE ? l->begin : l->scanned + at + 1;
    l->scanned = l->bytes.n;
    if (l->end > l->begin)
        return true;
    if (l->bytes.n == BYTES_MAX)
        begin_too_long(l);
    return l->has_too_long;
}

err_t lines_fill(struct lines *l, struct arena *a, bool *ret_has_more, enum line_fault *ret_fault)
{
    *ret_fault = LINE_FINE;
    *ret_has_more = false;
    size_t left = l->bytes.n - l->begin;
    if (left && l->begin)
        memmove(l->bytes.p, l->bytes.p + l->begin, left);
    l->scanned -= l->begin;
    l->bytes.n = left;
    l->begin = l->end = 0;
    while (!*ret_has_more && !l->is_at_end) {
        TRY(read_some(l, a, ret_fault));
        if (*ret_fault || l->is_starved)
            return NULL;
        *ret_has_more = find_lines(l);
    }
    return NULL;
}

static bool is_blank(slice text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != ' ' && text.p[i] != '\t' && text.p[i] != '\r')
            return false;
    return true;
}

bool lines_next(struct lines *l, struct text_line *ret_line)
{
    if (l->has_too_long) {
        l->has_too_long = false;
        *ret_line = (struct text_line){ .number = ++l->number, .is_too_long = true };
        return true;
    }
    while (l->begin < l->end) {
        slice text = { l->bytes.p + l->begin, l->end - l->begin };
        size_t n = slice_find_byte(text, '\n');
        bool has_end = n != SLICE_NONE;
        if (has_end)
            text.n = n;
        l->begin += text.n + has_end;
        l->number++;
        if (has_end && text.n && text.p[text.n - 1] == '\r')
            text.n--;
        if (is_blank(text))
            continue;
        bool is_too_long = text.n > LINE_BYTES_MAX;
        *ret_line = (struct text_line){ is_too_long ? S("") : text, l->number, is_too_long };
        return true;
    }
    return false;
}
