/* SPDX-License-Identifier: Apache-2.0 */
/* The list goes through the buckets by name, and through each of them by key. It remembers only where it is. Entries of others
 * and empty buckets cost work and show nothing, so a page also ends when it has done enough. */
#include "core/bucket/entry_view.h"

#include "core/bucket/bucket.h"
#include "core/bucket/entry_priv.h"
#include "core/store/bucket_store.h"
#include "core/store/entry_store.h"
#include "core/store/object_store.h"
#include "core/store/transaction.h"
#include "core/store/user_store.h"

#include <string.h>

enum { BUCKETS_AT_ONCE = 100 };

static err_t read_login(struct meta_tx *tx, int64_t user_id, struct arena *a, slice *ret)
{
    struct user user = { .login = S("") };
    err_t e = meta_user_get(tx, user_id, a, &user);
    if (e && !err_is(e, ERR_NOT_FOUND))
        return e;
    *ret = user.login;
    return NULL;
}

/* ---- the list ---- */

struct viewing {
    const struct principal *who;
    const struct entry_view_request *request;
    struct meta_tx *tx;
    struct arena *a;
    size_t shown, work;
    bool full;         /* the page ends in front of what comes now */
    bool past_prefix;  /* what comes now, and after it, does not begin with the prefix */
    slice bucket, key; /* what was looked at last; key is in key_bytes */
    char key_bytes[ENTRY_KEY_MAX];
    /* Of the entry that was shown last: most have the owner of the one before. */
    int64_t owner_id;
    slice owner_login;
};

static void go_to_key(struct viewing *v, slice key)
{
    v->key = (slice){ memcpy(v->key_bytes, key.p, key.n), key.n };
}

/* Take a unit of the work that the page may take. Without one, the page is full. */
static bool take_work(struct viewing *v)
{
    v->full = v->full || !v->work;
    v->work -= !v->full;
    return !v->full;
}

static err_t show_entry(struct viewing *v, const struct entry *entry)
{
    if (v->owner_id != entry->owner_id)
        TRY(read_login(v->tx, entry->owner_id, v->a, &v->owner_login));
    v->owner_id = entry->owner_id;
    struct entry_view view = { .bucket = v->bucket, .entry = *entry, .owner_login = v->owner_login };
    TRY(v->request->visit(v->request->arg, &view, &v->full));
    v->shown += !v->full;
    return NULL;
}

static bool is_wanted(const struct viewing *v, const struct entry *entry)
{
    return !v->request->owner_id || entry->owner_id == v->request->owner_id;
}

static err_t view_entry(void *arg, const struct entry *entry, bool *ret_stop)
{
    struct viewing *v = arg;
    bool is_key = entry_key_is_valid(entry->key);
    if (is_key && !slice_starts(entry->key, v->request->only.key)) {
        *ret_stop = v->past_prefix = true; /* the walk began at the prefix */
        return NULL;
    }
    bool is_shown = is_key && entry_is_visible(v->who, entry) && is_wanted(v, entry);
    v->full = is_shown && v->shown == v->request->limit;
    if (take_work(v) && is_shown)
        TRY(show_entry(v, entry));
    if (!v->full && is_key)
        go_to_key(v, entry->key);
    *ret_stop = v->full;
    return NULL;
}

static err_t view_bucket(struct viewing *v, const struct bucket *bucket)
{
    bool is_first = slice_eq(bucket->name, v->request->after.bucket);
    slice from = is_first ? v->request->after.key : S("");
    bool before_prefix = slice_cmp(from, v->request->only.key) < 0;
    struct entry_range range = { .bucket_id = bucket->id,
                                 .from = before_prefix ? v->request->only.key : from,
                                 .from_after = !before_prefix };
    v->bucket = bucket->name;
    go_to_key(v, from);
    if (!is_first && !take_work(v)) /* the next page then begins in this bucket, and comes further */
        return NULL;
    return meta_entry_each(v->tx, &range, v->a, view_entry, v);
}

static err_t view_buckets(struct viewing *v)
{
    struct bucket_range range = { .from = v->request->after.bucket, .limit = BUCKETS_AT_ONCE };
    struct bucket_list list;
    do {
        TRY(meta_bucket_list(v->tx, v->who->account_id, &range, v->a, &list));
        for (size_t i = 0; i < list.count && !v->full; i++)
            TRY(view_bucket(v, &list.items[i]));
        range.after = v->bucket;
    } while (list.count == range.limit && !v->full);
    return NULL;
}

/* The open bucket of that name, of the account of `who`. */
static err_t find_viewed_bucket(struct core *core, const struct principal *who, slice name, enum bucket_action action,
                                struct arena *a, struct bucket *ret)
{
    err_t e = bucket_find(core, who, name, action, a, ret);
    if (err_is(e, ERR_NOT_FOUND) || err_is(e, ERR_FORBIDDEN) || (!e && ret->kind != BUCKET_OPEN))
        return core_refuse(a, REASON_ENTRY_NOT_THERE);
    return e;
}

err_t entry_view_list(struct core *core, const struct principal *who, const struct entry_view_request *request,
                      struct arena *a, struct entry_view_end *ret)
{
    struct bucket bucket = { 0 };
    if (request->only.bucket.n)
        TRY(find_viewed_bucket(core, who, request->only.bucket, BUCKET_LIST, a, &bucket));
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    struct viewing v = { .who = who, .request = request, .tx = tx, .a = a, .work = request->work };
    TRY(request->only.bucket.n ? view_bucket(&v, &bucket) : view_buckets(&v));
    bool stands_still = slice_eq(v.bucket, request->after.bucket) && slice_eq(v.key, request->after.key);
    if (v.full && !v.work && request->work && stands_still)
        return err_make(a, ERR_CORRUPT, "a bucket has more than %zu entries whose keys are none", request->work);
    *ret = (struct entry_view_end){ .more = v.full, .last = { v.bucket, arena_copy(a, v.key) }, .work = v.work };
    return NULL;
}

/* ---- one entry ---- */

static err_t read_part_sizes(struct meta_tx *tx, const struct entry *entry, struct arena *a, struct entry_view *ret)
{
    struct object_part_list parts;
    TRY(meta_object_parts(tx, entry->object_id, a, &parts));
    uint64_t *sizes = arena_array(a, uint64_t, parts.count);
    for (size_t i = 0; i < parts.count; i++)
        sizes[i] = parts.items[i].object.size_bytes;
    ret->part_sizes = sizes;
    ret->part_count = parts.count;
    return NULL;
}

err_t entry_view_get(struct core *core, const struct principal *who, const struct entry_address *at, struct arena *a,
                     struct entry_view *ret)
{
    struct bucket bucket = { 0 };
    TRY(find_viewed_bucket(core, who, at->bucket, BUCKET_READ, a, &bucket));
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    struct entry_view view = { .bucket = at->bucket };
    TRY(entry_check_found(meta_entry_get(tx, bucket.id, at->key, a, &view.entry), a));
    if (!entry_is_visible(who, &view.entry))
        return core_refuse(a, REASON_ENTRY_NOT_THERE);
    TRY(read_login(tx, view.entry.owner_id, a, &view.owner_login));
    if (view.entry.part_count)
        TRY(read_part_sizes(tx, &view.entry, a, &view));
    *ret = view;
    return NULL;
}

err_t entry_view_open(struct core *core, const struct principal *who, const struct entry_address *at, struct arena *a,
                      struct entry *ret, struct content *ret_content)
{
    struct bucket bucket = { 0 };
    struct entry entry = { 0 };
    struct content content;
    TRY(find_viewed_bucket(core, who, at->bucket, BUCKET_READ, a, &bucket));
    TRY(entry_open(core, &bucket, at->key, a, &entry, &content));
    if (!entry_is_visible(who, &entry)) {
        content_close(&content);
        return core_refuse(a, REASON_ENTRY_NOT_THERE);
    }
    *ret = entry;
    *ret_content = content;
    return NULL;
}

err_t entry_view_remove(struct core *core, const struct principal *who, const struct entry_address *at,
                        const struct entry_condition *condition, struct arena *a)
{
    struct bucket bucket = { 0 };
    const struct entry_removal removal = { .key = at->key, .condition = *condition, .only_visible = true };
    bool existed;
    TRY(find_viewed_bucket(core, who, at->bucket, BUCKET_WRITE, a, &bucket));
    TRY(entry_remove(core, who, &bucket, &removal, a, &existed));
    return existed ? NULL : core_refuse(a, REASON_ENTRY_NOT_THERE);
}
