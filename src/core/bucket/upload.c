/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads in parts are created, looked up and listed here.
 *
 * Invariants
 *   room     a part counts with its bytes for the account of its upload, but not as a file. When the upload ends, its
 *            parts no longer count, or they count as bytes of the entry
 *   state    an upload exists or it does not. Completing and aborting both remove its row, so only one of them finds it
 *   parts    are objects; those that the entry does not take over are released in the write that ends the upload */
#include "core/bucket/upload_priv.h"

#include "core/event.h"
#include "core/object/digest.h"
#include "core/quota.h"
#include "core/records/record_size.h"
#include "core/store/transaction.h"
#include "core/store/upload_store.h"

enum { UPLOAD_NAME_LENGTH = 43 /* 62^43: 256 bits */ };

slice upload_subject(struct arena *a, slice name)
{
    slice parts[] = { S("upload:"), name };
    return arena_join(a, parts, LENGTH_OF(parts));
}

err_t upload_find(struct meta_tx *tx, const struct upload_ref *ref, int64_t now_ms, struct arena *a, struct upload *ret)
{
    struct upload u = { 0 };
    err_t e = meta_upload_by_name(tx, ref->name, a, &u);
    if (err_is(e, ERR_NOT_FOUND) ||
        (!e && (u.bucket_id != ref->bucket->id || !slice_eq(u.key, ref->key) || upload_is_expired(&u, now_ms))))
        return core_refuse(a, REASON_UPLOAD_NOT_THERE);
    TRY(e);
    *ret = u;
    return NULL;
}

/* ---- creating ---- */

struct upload_creation {
    struct core *core;
    const struct principal *who;
    const struct bucket *bucket;
    struct upload upload;
};

static err_t apply_upload_create(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct upload_creation *c = arg;
    struct account_use more = { .uploads = 1, .records = upload_record_size(&c->upload) };
    TRY(quota_take_records(c->core, tx, c->upload.account_id, &more, a));
    err_t e = meta_upload_add(tx, &c->upload, a, &c->upload.id);
    if (err_is(e, ERR_NOT_FOUND))
        return core_refuse(a, REASON_BUCKET_NOT_THERE); /* it was removed meanwhile */
    TRY(e);
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
        return err_make(a, ERR_FORBIDDEN, "a guarded bucket takes no uploads in parts");
    TRY(entry_check_key(request->key, a));
    TRY(entry_check_texts(request->headers, request->tags, a));
    if (request->digest != DIGEST_NONE && request->digest_form == DIGEST_WHOLE && !digest_joins(request->digest))
        return err_make(a, ERR_INVALID, "the " SLICE_FMT " of an object cannot be worked out from those of its parts",
                        SLICE_ARG(digest_name(request->digest)));
    return NULL;
}

err_t upload_create(struct core *core, const struct principal *who, const struct bucket *bucket,
                    const struct upload_request *request, struct arena *a, slice *ret_name)
{
    TRY(check_upload_request(bucket, request, a));
    int64_t now_ms = core_now_ms(core);
    struct upload_creation c = { .core = core,
                                 .who = who,
                                 .bucket = bucket,
                                 .upload = { .name = random_text(core->random, a, UPLOAD_NAME_LENGTH),
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
    TRY(meta_write(core->meta, apply_upload_create, &c, a));
    *ret_name = c.upload.name;
    return NULL;
}

/* ---- looking up and listing ---- */

err_t upload_get(struct core *core, const struct upload_ref *ref, struct arena *a, struct upload *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return upload_find(tx, ref, core_now_ms(core), a, ret);
}

err_t upload_parts(struct core *core, const struct upload *upload, int64_t after, size_t limit, struct arena *a,
                   struct upload_part_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_part_list(tx, upload->id, after, limit, a, ret);
}

/* The id of the upload after which the page begins. 0, that is after all uploads of after_key, if the request names none
 * or if it has ended meanwhile. */
static err_t find_page_start(struct meta_tx *tx, const struct bucket *bucket, const struct upload_list_request *request,
                             struct arena *a, int64_t *ret_id)
{
    struct upload u = { 0 };
    *ret_id = 0;
    err_t e = request->after_name.n ? meta_upload_by_name(tx, request->after_name, a, &u) : NULL;
    if (!e && u.bucket_id == bucket->id && slice_eq(u.key, request->after_key))
        *ret_id = u.id;
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

/* Expired uploads stay in the table until the purge, so pages are read until enough others were found. */
err_t upload_list(struct core *core, const struct bucket *bucket, const struct upload_list_request *request,
                  struct arena *a, struct upload_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    int64_t now_ms = core_now_ms(core);
    struct upload_query query = { .bucket_id = bucket->id, .prefix = request->prefix, .after_key = request->after_key };
    TRY(find_page_start(tx, bucket, request, a, &query.after_id));
    struct upload_list list = { arena_array(a, struct upload, request->limit + 1), 0 }, page = { 0 };
    while (list.count < request->limit && page.count == query.limit) {
        query.limit = request->limit - list.count;
        TRY(meta_upload_list(tx, &query, a, &page));
        for (size_t i = 0; i < page.count; i++) {
            query.after_key = page.items[i].key;
            query.after_id = page.items[i].id;
            if (!upload_is_expired(&page.items[i], now_ms))
                list.items[list.count++] = page.items[i];
        }
    }
    *ret = list;
    return NULL;
}
