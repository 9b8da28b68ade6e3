/* SPDX-License-Identifier: Apache-2.0 */
/* A listing walks over the rows, which are sorted by key. When it meets a common prefix, it shows that and starts again
 * after all keys that begin with it: one look-up, however many keys there are. It remembers only the last item that it
 * showed and where the next walk starts. */
#include "base/character.h"
#include "core/bucket/entry_priv.h"
#include "core/store/entry_store.h"
#include "core/store/transaction.h"

#include <string.h>

enum { CHARACTER_MAX = 4, SEEK_MAX = ENTRY_KEY_MAX + CHARACTER_MAX };

struct listing {
    const struct entry_list_request *request;
    size_t shown;
    bool more;       /* there is an item behind the last one that was shown */
    bool met_common; /* this walk ended at a common prefix, which is `last` */
    char last[ENTRY_KEY_MAX];
    size_t last_n;
};

/* ---- the first text after all texts with a prefix ---- */

static size_t encode_character(uint32_t c, char *to)
{
    static const unsigned char heads[CHARACTER_MAX + 1] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n; i-- > 1; c >>= 6)
        to[i] = (char)(0x80 | (c & 0x3f));
    to[0] = (char)(heads[n] | c);
    return n;
}

/* The prefix with its last character replaced by the next one: the order of bytes in UTF-8 is that of characters. The last
 * character of Unicode has no next one; then it is dropped, and the character before it is replaced. Empty: there is no
 * text after all texts with this prefix. */
static slice after_prefix(slice prefix, char to[SEEK_MAX])
{
    enum { LAST = 0x10ffff, SURROGATES = 0xd800, SURROGATES_END = 0xe000 };
    for (size_t end = prefix.n; end > 0;) {
        size_t at = end - 1;
        while (at > 0 && ((unsigned char)prefix.p[at] & 0xc0) == 0x80)
            at--;
        uint32_t c = character_decode(prefix.p + at, end - at);
        if (c < LAST) {
            c = c + 1 == SURROGATES ? SURROGATES_END : c + 1;
            memmove(to, prefix.p, at);
            return (slice){ to, at + encode_character(c, to + at) };
        }
        end = at;
    }
    return S("");
}

/* ---- walking ---- */

/* The common prefix that a key belongs to, which begins with request->prefix; empty: none. Key, prefix and delimiter are
 * UTF-8, so it ends at the end of a character. */
static slice common_of(const struct entry_list_request *request, slice key)
{
    size_t at = request->delimiter.n ? slice_find(slice_from(key, request->prefix.n), request->delimiter) : SLICE_NONE;
    return at == SLICE_NONE ? S("") : slice_part(key, 0, request->prefix.n + at + request->delimiter.n);
}

static err_t show_entry(void *arg, const struct entry *entry, bool *ret_stop)
{
    struct listing *l = arg;
    if (!entry_key_is_valid(entry->key) || !slice_starts(entry->key, l->request->prefix))
        return NULL;
    if (l->shown == l->request->limit) {
        l->more = true;
        *ret_stop = true;
        return NULL;
    }
    slice common = common_of(l->request, entry->key), name = common.n ? common : entry->key;
    TRY(l->request->visit(l->request->arg, common.n ? NULL : entry, common, &l->more));
    *ret_stop = l->more || common.n > 0;
    if (l->more)
        return NULL;
    memcpy(l->last, name.p, name.n);
    l->last_n = name.n;
    l->shown++;
    l->met_common = common.n > 0;
    return NULL;
}

/* Where the first walk begins. False: there is nothing to list. */
static bool find_start(const struct entry_list_request *request, char seek[SEEK_MAX], struct entry_range *range)
{
    range->from = request->prefix;
    if (slice_cmp(request->after, request->prefix) < 0 || !request->after.n)
        return true;
    bool is_inside = slice_starts(request->after, request->prefix) && slice_is_utf8(request->after);
    slice common = is_inside ? common_of(request, request->after) : S("");
    if (common.n > ENTRY_KEY_MAX)
        common = S(""); /* keys are shorter, so none begins with it */
    range->from = common.n ? after_prefix(common, seek) : request->after;
    range->from_after = !common.n;
    return range->from.n > 0;
}

static err_t walk(struct listing *l, struct meta_tx *tx, int64_t bucket_id, struct arena *a)
{
    char end[SEEK_MAX], seek[SEEK_MAX];
    struct entry_range range = { .bucket_id = bucket_id, .before = after_prefix(l->request->prefix, end) };
    bool anything = find_start(l->request, seek, &range);
    while (anything) {
        SCRATCH_OF(scratch, a); /* of one walk */
        l->met_common = false;
        err_t e = meta_entry_each(tx, &range, &scratch, show_entry, l);
        if (e || !l->met_common)
            return err_copy(a, e);
        range.from = after_prefix((slice){ l->last, l->last_n }, seek);
        range.from_after = false;
        anything = range.from.n > 0;
    }
    return NULL;
}

err_t entry_list(struct core *core, const struct bucket *bucket, const struct entry_list_request *request,
                 struct arena *a, struct entry_list_end *ret)
{
    struct entry_list_request own = *request;
    struct listing l = { .request = &own };
    /* Keys are UTF-8, so no key has a prefix or delimiter that is not. */
    bool possible = own.limit > 0 && own.prefix.n <= ENTRY_KEY_MAX && slice_is_utf8(own.prefix);
    if (!slice_is_utf8(own.delimiter))
        own.delimiter = S("");
    if (possible) {
        SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
        TRY(meta_read_begin(core->meta, a, &tx));
        TRY(walk(&l, tx, bucket->id, a));
    }
    *ret = (struct entry_list_end){ l.more, arena_copy(a, (slice){ l.last, l.last_n }) };
    return NULL;
}
