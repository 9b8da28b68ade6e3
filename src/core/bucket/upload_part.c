/* SPDX-License-Identifier: Apache-2.0 */
/* Putting a part: it becomes an object and a row with its number. A part that is sent again is another object, and the
 * same write replaces the row of the first and releases its object. */
#include "core/bucket/upload_priv.h"

#include "core/object/inline_limit.h"
#include "core/quota.h"
#include "core/records/file.h"
#include "core/records/record_size.h"
#include "core/store/account_store.h"
#include "core/store/object_store.h"
#include "core/store/transaction.h"
#include "core/store/upload_store.h"

#include <string.h>

/* What the part that has this number now counts for; zeros: there is none. */
static err_t find_old_part(struct meta_tx *tx, int64_t upload_id, int64_t number, struct arena *a,
                           struct account_use *ret)
{
    struct upload_part_list list;
    TRY(meta_part_list(tx, upload_id, number - 1, 1, a, &list));
    *ret = (struct account_use){ 0 };
    if (list.count && list.items[0].number == number)
        *ret = (struct account_use){ .bytes = (int64_t)list.items[0].size_bytes, .records = RECORD_BYTES };
    return NULL;
}

/* Take room for the part. Most parts are new and most accounts have room, so the whole part is counted first, without
 * looking for an old one. *ret_replaces_counted: only the difference to the old one was counted. */
static err_t claim_room(struct meta_tx *tx, const struct part_put *put, uint64_t bytes, struct arena *a,
                        bool *ret_replaces_counted)
{
    const struct upload *u = &put->upload;
    struct account_use more = { .bytes = (int64_t)bytes, .records = RECORD_BYTES, .owner_id = u->owner_id }, old;
    *ret_replaces_counted = false;
    err_t e = quota_take(put->core, tx, u->account_id, &more, a);
    if (!err_is(e, ERR_QUOTA))
        return e;
    TRY(find_old_part(tx, u->id, put->request.number, a, &old));
    if (!old.records)
        return e;
    *ret_replaces_counted = true;
    more = (struct account_use){ .bytes = (int64_t)bytes - old.bytes, .owner_id = u->owner_id };
    return quota_take(put->core, tx, u->account_id, &more, a);
}

/* The digest to be stored: that of the upload, from which the composite's is worked out; else the requested one. */
static enum digest_kind stored_digest(const struct part_put *put)
{
    return put->upload.digest != DIGEST_NONE ? put->upload.digest : put->request.digest;
}

static bool keeps_crc64(const struct part_put *put)
{
    return put->upload.digest == DIGEST_NONE && put->request.keeps_crc64;
}

static err_t place_part(struct meta_tx *tx, void *arg, const struct intake_result *result, struct arena *a)
{
    struct part_put *put = arg;
    const struct upload *u = &put->upload;
    struct bucket bucket = { .id = u->bucket_id };
    struct upload_ref ref = { &bucket, u->key, u->name };
    struct upload now;
    TRY(upload_find(tx, &ref, result->at_ms, a, &now));
    put->part = (struct upload_part){ .upload_id = u->id,
                                      .number = put->request.number,
                                      .size_bytes = result->object.size_bytes,
                                      .stored_at_ms = result->at_ms };
    memcpy(put->part.md5, result->object.md5, MD5_SIZE);
    for (size_t i = 0; i < result->digest_count; i++) {
        if (result->digests[i].kind == stored_digest(put))
            put->part.digest = result->digests[i];
        if (result->digests[i].kind == DIGEST_CRC64NVME && keeps_crc64(put))
            put->part.crc64 = result->digests[i];
    }
    uint64_t replaced;
    int64_t old_object_id;
    bool replaces_counted;
    TRY(claim_room(tx, put, result->object.size_bytes, a, &replaces_counted));
    if (now.composite_id) /* what is being built of the parts would not have this one */
        TRY(meta_upload_set_composite(tx, u->id, 0, a));
    TRY(meta_object_add(tx, &result->object, a, &put->part.object_id));
    TRY(meta_part_put(tx, &put->part, a, &old_object_id, &replaced));
    if (!old_object_id)
        return NULL;
    struct account_use less = { .bytes = -(int64_t)replaced, .records = -RECORD_BYTES, .owner_id = u->owner_id };
    if (!replaces_counted)
        TRY(meta_account_use(tx, u->account_id, &less, a));
    return meta_object_release(tx, old_object_id, result->at_ms, a);
}

/* Find the upload, and check early that a large part has room. */
static err_t find_part_upload(struct part_put *put, const struct upload_ref *ref, struct arena *a)
{
    struct core *core = put->core;
    int64_t bytes = put->request.exact_bytes;
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(upload_find(tx, ref, core_now_ms(core), a, &put->upload));
    if (!object_will_be_blob(core, bytes))
        return NULL; /* a small part arrives soon, and is checked at its end */
    struct account_use old;
    TRY(find_old_part(tx, put->upload.id, put->request.number, a, &old));
    struct account_use more = { .bytes = bytes - old.bytes,
                                .records = RECORD_BYTES - old.records,
                                .owner_id = put->upload.owner_id };
    return quota_check(core, tx, put->upload.account_id, &more, a);
}

static unsigned digest_bit(enum digest_kind kind)
{
    return kind == DIGEST_NONE ? 0 : 1u << kind;
}

err_t part_put_open(struct core *core, const struct principal *who, const struct upload_ref *ref,
                    const struct part_request *request, struct arena *a, struct part_put *put)
{
    *put = (struct part_put){ .core = core, .who = *who, .request = *request };
    if (request->number < 1 || request->number > UPLOAD_PARTS_MAX)
        return err_make(a, ERR_INVALID, "the number of a part is 1 to %d", UPLOAD_PARTS_MAX);
    TRY(find_part_upload(put, ref, a));
    struct intake_request in = { .account_id = put->upload.account_id,
                                 .owner_id = who->user_id,
                                 .owner_login = who->login,
                                 .grant = grant_of(who),
                                 .request_id = who->request_id,
                                 .max_bytes = request->max_bytes,
                                 .exact_bytes = request->exact_bytes,
                                 .md5 = request->md5,
                                 .digests = digest_bit(put->upload.digest) | digest_bit(request->digest) |
                                            digest_bit(keeps_crc64(put) ? DIGEST_CRC64NVME : DIGEST_NONE),
                                 .place = place_part,
                                 .place_arg = put };
    return intake_open(core, &in, a, &put->intake);
}

static void report_part_put(void *arg, err_t e, const struct file *file)
{
    struct part_put *put = arg;
    (void)file;
    struct entry as_entry = { .digest = put->part.digest.kind != DIGEST_NONE
                                            ? put->part.digest
                                            : put->part.crc64 }; /* the etag of a part is like that of an entry */
    memcpy(as_entry.md5, put->part.md5, MD5_SIZE);
    entry_report(e, &as_entry, put->done, put->done_arg);
}

void part_put_finish(struct part_put *put, entry_done_fn *done, void *arg)
{
    put->done = done;
    put->done_arg = arg;
    struct intake *in = put->intake;
    put->intake = NULL;
    intake_finish(in, report_part_put, put);
}

void part_put_discard(struct part_put *put)
{
    intake_discard(put->intake);
    put->intake = NULL;
}
