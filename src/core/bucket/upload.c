/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants
 *   room     a part counts with its bytes for the account of its upload, but not as a file; with the upload they go, or
 *            become those of the entry
 *   state    an upload is there or it is not: completing and aborting both remove its row, so one of them finds it
 *   parts    are objects; what is not taken over by the entry is let go of in the write that ends the upload */
#include "core/bucket/upload_priv.h"

#include "core/event.h"
#include "core/object/digest.h"
#include "core/object/garbage.h"
#include "core/store/account_store.h"
#include "core/store/bucket_store.h"
#include "core/store/object_store.h"
#include "core/store/transaction.h"
#include "core/store/upload_store.h"

enum {
    NAME_LENGTH = 43,
    PURGE_BATCH = 50,        /* uploads in one write */
    PURGE_PARTS_MOST = 2000, /* in one write, once they are more: others wait for it */
    PAST_MOST = 1000
};

slice upload_subject(struct arena *a, slice name)
{
    slice parts[] = { S("upload:"), name };
    return arena_join(a, parts, LENGTH_OF(parts));
}

static bool is_past(const struct upload *u, int64_t now_ms)
{
    return u->expires_at_ms > 0 && u->expires_at_ms <= now_ms;
}

err_t upload_find(struct meta_tx *tx, const struct bucket *bucket, slice key, slice name, int64_t now_ms,
                  struct arena *a, struct upload *ret)
{
    struct upload u = { 0 };
    TRY(meta_upload_by_name(tx, name, a, &u));
    if (u.bucket_id != bucket->id || !slice_eq(u.key, key) || is_past(&u, now_ms))
        return err_make(a, ERR_NOT_FOUND, "no such upload");
    *ret = u;
    return NULL;
}

/* ---- creating ---- */

struct creation {
    const struct principal *who;
    const struct bucket *bucket;
    struct upload upload;
};

static err_t apply_create(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct creation *c = arg;
    struct bucket now = { 0 };
    TRY(meta_bucket_by_name(tx, c->bucket->name, a, &now));
    if (now.id != c->bucket->id)
        return err_make(a, ERR_NOT_FOUND, "no such bucket");
    TRY(meta_upload_add(tx, &c->upload, a, &c->upload.id));
    struct event_params event = { .at_ms = c->upload.created_at_ms,
                                  .who = c->who,
                                  .account_id = c->bucket->account_id,
                                  .action = S("upload.create"),
                                  .subject = upload_subject(a, c->upload.name),
                                  .detail = entry_subject(a, c->bucket, c->upload.key) };
    return event_write(tx, &event, a);
}

static err_t check_upload_request(const struct bucket *bucket, const struct upload_request *request, struct arena *a)
{
    if (bucket->kind == BUCKET_GUARDED)
        return err_make(a, ERR_FORBIDDEN, "what comes by ticket comes whole");
    TRY(entry_check_key(request->key, a));
    TRY(entry_check_texts(request->headers, request->tags, a));
    if (request->digest != DIGEST_NONE && request->digest_form == DIGEST_WHOLE && !digest_joins(request->digest))
        return err_make(a, ERR_INVALID, "the " SLICE_FMT " of a whole is not known from those of its parts",
                        SLICE_ARG(digest_name(request->digest)));
    return NULL;
}

err_t upload_create(struct core *core, const struct principal *who, const struct bucket *bucket,
                    const struct upload_request *request, struct arena *a, slice *ret_name)
{
    TRY(check_upload_request(bucket, request, a));
    int64_t now_ms = core_now_ms(core);
    struct creation c = { .who = who,
                          .bucket = bucket,
                          .upload = { .name = random_text(core->random, a, NAME_LENGTH),
                                      .bucket_id = bucket->id,
                                      .key = request->key,
                                      .account_id = bucket->account_id,
                                      .owner_id = who->user_id,
                                      .headers = request->headers,
                                      .tags = request->tags,
                                      .digest = request->digest,
                                      .digest_form = request->digest_form,
                                      .created_at_ms = now_ms,
                                      .expires_at_ms = now_ms + request->lifetime_ms } };
    TRY(meta_write(core->meta, apply_create, &c, a));
    *ret_name = c.upload.name;
    return NULL;
}

/* ---- looking ---- */

err_t upload_get(struct core *core, const struct bucket *bucket, slice key, slice name, struct arena *a,
                 struct upload *ret)
{
    SCOPED(meta_read_endp)
    struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return upload_find(tx, bucket, key, name, core_now_ms(core), a, ret);
}

err_t upload_parts(struct core *core, const struct upload *upload, int64_t after, size_t most, struct arena *a,
                   struct upload_part **ret, size_t *ret_count)
{
    SCOPED(meta_read_endp)
    struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    struct upload_part_list parts;
    TRY(meta_part_list(tx, upload->id, after, most, a, &parts));
    *ret = parts.items;
    *ret_count = parts.count;
    return NULL;
}

/* Where a page goes on: behind that upload, or, when it has ended meanwhile, behind all of its key. */
static err_t place_of(struct meta_tx *tx, const struct bucket *bucket, slice key, slice name, struct arena *a,
                      int64_t *ret_id)
{
    struct upload u = { 0 };
    *ret_id = 0;
    err_t e = name.n ? meta_upload_by_name(tx, name, a, &u) : NULL;
    if (!e && u.bucket_id == bucket->id && slice_eq(u.key, key))
        *ret_id = u.id;
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

/* Those past their time are still in the table: pages are read until enough are left. */
err_t upload_list(struct core *core, const struct bucket *bucket, slice prefix, slice after_key, slice after_name,
                  size_t most, struct arena *a, struct upload **ret, size_t *ret_count)
{
    SCOPED(meta_read_endp)
    struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    int64_t now_ms = core_now_ms(core), after_id;
    TRY(place_of(tx, bucket, after_key, after_name, a, &after_id));
    struct upload_query query = {
        .bucket_id = bucket->id, .prefix = prefix, .after_key = after_key, .after_id = after_id
    };
    struct upload *list = arena_array(a, struct upload, most + 1);
    struct upload_list page = { 0 };
    size_t count = 0;
    while (count < most && page.count == query.limit) {
        query.limit = most - count;
        TRY(meta_upload_list(tx, &query, a, &page));
        for (size_t i = 0; i < page.count; i++) {
            query.after_key = page.items[i].key;
            query.after_id = page.items[i].id;
            if (!is_past(&page.items[i], now_ms))
                list[count++] = page.items[i];
        }
    }
    *ret = list;
    *ret_count = count;
    return NULL;
}

/* ---- ending ---- */

err_t upload_end(struct meta_tx *tx, const struct upload *u, int64_t now_ms, const struct principal *who, slice action,
                 struct arena *a, size_t *ret_parts)
{
    struct upload_part_list parts;
    uint64_t bytes = 0;
    TRY(meta_part_list(tx, u->id, 0, UPLOAD_PARTS_MAX, a, &parts));
    TRY(meta_upload_remove(tx, u->id, a));
    for (size_t i = 0; i < parts.count; i++) {
        bytes += parts.items[i].size_bytes;
        TRY(meta_object_release(tx, parts.items[i].object_id, now_ms, a));
    }
    *ret_parts = parts.count;
    if (bytes)
        TRY(meta_account_use(tx, u->account_id, -(int64_t)bytes, 0, a));
    struct event_params event = { .at_ms = now_ms,
                                  .who = who,
                                  .account_id = u->account_id,
                                  .action = action,
                                  .subject = upload_subject(a, u->name) };
    return event_write(tx, &event, a);
}

err_t upload_end_past(struct meta_tx *tx, int64_t bucket_id, int64_t now_ms, struct arena *a, bool *ret_more)
{
    struct upload_list list;
    size_t parts, dealt = 0, past = 0;
    TRY(meta_upload_list(tx, &(struct upload_query){ .bucket_id = bucket_id, .limit = PAST_MOST }, a, &list));
    for (size_t i = 0; i < list.count && dealt < PURGE_PARTS_MOST; i++) {
        if (!is_past(&list.items[i], now_ms))
            continue;
        TRY(upload_end(tx, &list.items[i], now_ms, NULL, S("upload.purge"), a, &parts));
        dealt += parts;
        past++;
    }
    *ret_more = dealt >= PURGE_PARTS_MOST || past == PAST_MOST;
    return NULL;
}

struct ending {
    const struct principal *who;
    const struct bucket *bucket;
    slice key, name;
    int64_t now_ms;
    size_t most, count;
};

static err_t apply_abort(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct ending *end = arg;
    struct upload u;
    size_t parts;
    TRY(upload_find(tx, end->bucket, end->key, end->name, end->now_ms, a, &u));
    return upload_end(tx, &u, end->now_ms, end->who, S("upload.abort"), a, &parts);
}

err_t upload_abort(struct core *core, const struct principal *who, const struct bucket *bucket, slice key, slice name,
                   struct arena *a)
{
    struct ending end = { .who = who, .bucket = bucket, .key = key, .name = name, .now_ms = core_now_ms(core) };
    return meta_write(core->meta, apply_abort, &end, a);
}

static err_t apply_upload_purge(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct ending *end = arg;
    struct upload_list due;
    size_t dealt = 0;
    end->count = 0;
    TRY(meta_upload_due(tx, end->now_ms, end->most, a, &due));
    for (; end->count < due.count && dealt < PURGE_PARTS_MOST; end->count++) {
        size_t parts;
        TRY(upload_end(tx, &due.items[end->count], end->now_ms, NULL, S("upload.purge"), a, &parts));
        dealt += parts;
    }
    return NULL;
}

err_t upload_purge_batch(struct core *core, struct arena *a, size_t *ret_count)
{
    struct ending end = { .now_ms = core_now_ms(core), .most = PURGE_BATCH };
    TRY(meta_write(core->meta, apply_upload_purge, &end, a));
    *ret_count = end.count;
    return NULL;
}

err_t upload_purge_due(struct core *core, struct arena *a, int64_t *ret_count)
{
    size_t ended = 1;
    *ret_count = 0;
    while (ended > 0 && !garbage_is_held(core)) {
        SCRATCH(scratch);
        err_t e = upload_purge_batch(core, &scratch, &ended);
        if (e)
            return err_copy(a, e);
        *ret_count += (int64_t)ended;
    }
    return NULL;
}
