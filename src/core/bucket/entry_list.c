/* SPDX-License-Identifier: Apache-2.0 */
/* A listing walks along the rows, which lie in the order of keys. When it meets a common prefix, it shows that and
 * starts again behind all that begin with it: one look-up, however many there are. The last key it showed, and where
 * the next walk starts, is all that it remembers. */
#include "core/bucket/entry_priv.h"
#include "core/store/entry_store.h"
#include "core/store/transaction.h"

#include <string.h>

enum { CHARACTER_MOST = 4, SEEK_MOST = ENTRY_KEY_MAX + CHARACTER_MOST };

struct listing {
    const struct entry_list_request *request;
    entry_visit_fn *visit;
    void *arg;
    size_t seen;
    bool more;
    bool met_common; /* in this walk, which ended there; it is `last` */
    char last[ENTRY_KEY_MAX];
    size_t last_n;
};

/* ---- the first text behind all that begin with a prefix ---- */

static uint32_t decode(const char *p, size_t n)
{
    static const unsigned char head_bits[CHARACTER_MOST + 1] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    uint32_t c = (unsigned char)p[0] & head_bits[n];
    for (size_t i = 1; i < n; i++)
        c = c << 6 | ((unsigned char)p[i] & 0x3f);
    return c;
}

static size_t encode(uint32_t c, char *to)
{
    static const unsigned char heads[CHARACTER_MOST + 1] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n; i-- > 1; c >>= 6)
        to[i] = (char)(0x80 | (c & 0x3f));
    to[0] = (char)(heads[n] | c);
    return n;
}

/* The last character becomes the next one, since the order of bytes in UTF-8 is that of characters; behind the very
 * last character there is none, and the one before it counts. Empty: there is no such text. */
static slice behind(slice prefix, char to[SEEK_MOST])
{
    enum { LAST = 0x10ffff, SURROGATES = 0xd800, SURROGATES_END = 0xe000 };
    for (size_t end = prefix.n; end > 0;) {
        size_t at = end - 1;
        while (at > 0 && ((unsigned char)prefix.p[at] & 0xc0) == 0x80)
            at--;
        uint32_t c = decode(prefix.p + at, end - at);
        if (c < LAST) {
            c = c + 1 == SURROGATES ? SURROGATES_END : c + 1;
            memmove(to, prefix.p, at);
            return (slice){ to, at + encode(c, to + at) };
        }
        end = at;
    }
    return S("");
}

/* ---- walking ---- */

/* The common prefix that `key`, which begins with the prefix of the order, belongs to; empty: none. Key, prefix and
 * delimiter are UTF-8, so it ends where a character does. */
static slice common_of(const struct entry_list_request *request, slice key)
{
    size_t at = request->delimiter.n ? slice_find(slice_from(key, request->prefix.n), request->delimiter) : SLICE_NONE;
    return at == SLICE_NONE ? S("") : slice_part(key, 0, request->prefix.n + at + request->delimiter.n);
}

static err_t visit_entry(void *arg, const struct entry *entry, bool *ret_stop)
{
    struct listing *l = arg;
    if (l->seen == l->request->most) {
        l->more = true;
        *ret_stop = true;
        return NULL;
    }
    slice common = common_of(l->request, entry->key), shown = common.n ? common : entry->key;
    memcpy(l->last, shown.p, shown.n);
    l->last_n = shown.n;
    l->seen++;
    l->met_common = common.n > 0;
    *ret_stop = l->met_common;
    return l->visit(l->arg, l->met_common ? NULL : entry, common);
}

/* Where the first walk begins; false: there is nothing. */
static bool begin(const struct entry_list_request *request, char seek[SEEK_MOST], struct entry_range *range)
{
    range->from = request->prefix;
    if (slice_cmp(request->after, request->prefix) < 0 || !request->after.n)
        return true;
    bool is_inside = slice_starts(request->after, request->prefix) && slice_is_utf8(request->after);
    slice common = is_inside ? common_of(request, request->after) : S("");
    if (common.n > ENTRY_KEY_MAX)
        common = S(""); /* no key is as long as that: none begins with it */
    range->from = common.n ? behind(common, seek) : request->after;
    range->from_after = !common.n;
    return range->from.n > 0;
}

static err_t walk(struct listing *l, struct meta_tx *tx, int64_t bucket_id, struct arena *a)
{
    char end[SEEK_MOST], seek[SEEK_MOST];
    struct entry_range range = { .bucket_id = bucket_id, .before = behind(l->request->prefix, end) };
    bool anything = begin(l->request, seek, &range);
    while (anything) {
        SCRATCH(scratch); /* of one walk */
        l->met_common = false;
        err_t e = meta_entry_each(tx, &range, &scratch, visit_entry, l);
        if (e || !l->met_common)
            return err_copy(a, e);
        range.from = behind((slice){ l->last, l->last_n }, seek);
        range.from_after = false;
        anything = range.from.n > 0;
    }
    return NULL;
}

err_t entry_list(struct core *core, const struct bucket *bucket, const struct entry_list_request *request,
                 struct arena *a, entry_visit_fn *visit, void *arg, bool *ret_more, slice *ret_last)
{
    struct entry_list_request own = *request;
    struct listing l = { .request = &own, .visit = visit, .arg = arg };
    /* Keys are UTF-8: what is not stands in none of them. */
    bool possible = own.most > 0 && own.prefix.n <= ENTRY_KEY_MAX && slice_is_utf8(own.prefix);
    if (!slice_is_utf8(own.delimiter))
        own.delimiter = S("");
    if (possible) {
        SCOPED(meta_read_endp)
        struct meta_tx *tx = NULL;
        TRY(meta_read_begin(core->meta, a, &tx));
        TRY(walk(&l, tx, bucket->id, a));
    }
    *ret_more = l.more;
    *ret_last = arena_copy(a, (slice){ l.last, l.last_n });
    return NULL;
}
