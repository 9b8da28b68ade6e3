/* SPDX-License-Identifier: Apache-2.0 */
/* Completing an upload is one write. It checks everything first; then it makes the composite out of the parts, puts the
 * entry, and ends the upload. No byte moves, so it takes as long for large parts as for small ones. If there are many parts,
 * the write would take too long: then it only reserves an id for the composite, and upload_compose.c goes on.
 *
 * A client that did not receive the reply completes again. The upload is gone then, but the entry has its name. */
#include "core/bucket/upload_complete_priv.h"

#include "base/text.h"
#include "core/event.h"
#include "core/object/digest.h"
#include "core/records/record_size.h"
#include "core/store/entry_store.h"
#include "core/store/object_store.h"
#include "core/store/transaction.h"
#include "core/store/upload_store.h"

#include <string.h>

/* ---- checking ---- */

static bool is_the_named_part(const struct completed_part *wanted, const struct upload_part *part, struct arena *a)
{
    slice etag = hex_encode(a, (slice){ (const char *)part->md5, MD5_SIZE });
    return slice_eq_nocase(wanted->etag, etag) &&
           (wanted->digest.kind == DIGEST_NONE || digest_eq(&wanted->digest, &part->digest) ||
            digest_eq(&wanted->digest, &part->crc64));
}

/* Both lists are sorted by number. */
static err_t match_parts(struct completing *c, struct arena *a)
{
    const struct complete_request *request = c->request;
    int64_t before = 0;
    size_t at = 0;
    c->named = arena_array(a, struct upload_part, request->part_count + 1);
    for (size_t i = 0; i < request->part_count; i++) {
        const struct completed_part *wanted = &request->parts[i];
        if (wanted->number <= before)
            return core_refuse(a, REASON_UPLOAD_BAD_ORDER);
        before = wanted->number;
        while (at < c->came.count && c->came.items[at].number < wanted->number)
            at++;
        if (at == c->came.count || c->came.items[at].number != wanted->number ||
            !is_the_named_part(wanted, &c->came.items[at], a))
            return core_refuse_detail(a, REASON_UPLOAD_BAD_PART, "part %lld was never put, or is another",
                                      (long long)wanted->number);
        c->named[i] = c->came.items[at];
    }
    return NULL;
}

static err_t check_sizes(struct completing *c, struct arena *a)
{
    const struct complete_request *request = c->request;
    c->bytes = 0;
    for (size_t i = 0; i < request->part_count; i++) {
        if (i + 1 < request->part_count && c->named[i].size_bytes < request->part_min_bytes)
            return core_refuse_detail(a, REASON_UPLOAD_PART_TOO_SMALL, "part %lld has fewer than %llu bytes",
                                      (long long)c->named[i].number, (unsigned long long)request->part_min_bytes);
        c->bytes += c->named[i].size_bytes;
    }
    if (request->max_bytes && c->bytes > request->max_bytes)
        return core_refuse_detail(a, REASON_UPLOAD_TOO_LARGE, "%llu bytes are more than the limit",
                                  (unsigned long long)c->bytes);
    if (request->exact_bytes >= 0 && c->bytes != (uint64_t)request->exact_bytes)
        return core_refuse_detail(a, REASON_UPLOAD_BAD_SIZE, "%llu bytes came, %lld were declared",
                                  (unsigned long long)c->bytes, (long long)request->exact_bytes);
    return NULL;
}

/* The digest of this kind that the part has; NULL: it has none. */
static const struct digest *digest_of_part(const struct upload_part *part, enum digest_kind kind)
{
    return part->digest.kind == kind ? &part->digest : part->crc64.kind == kind ? &part->crc64 : NULL;
}

static bool every_part_has(const struct completing *c, enum digest_kind kind)
{
    for (size_t i = 0; i < c->request->part_count; i++)
        if (!digest_of_part(&c->named[i], kind))
            return false;
    return true;
}

/* The digest of the concatenated digests of the parts, each of which has one of this kind. */
static void digest_parts(const struct completing *c, enum digest_kind kind, struct arena *a, struct digest *ret)
{
    size_t size = digest_size(kind), count = c->request->part_count;
    char *all = arena_alloc(a, size * count);
    for (size_t i = 0; i < count; i++)
        memcpy(all + i * size, digest_of_part(&c->named[i], kind)->bytes, size);
    digest_of(kind, (slice){ all, size * count }, ret);
    ret->form = DIGEST_OF_PARTS;
}

static void join_parts(const struct completing *c, enum digest_kind kind, struct digest *ret)
{
    *ret = *digest_of_part(&c->named[0], kind);
    for (size_t i = 1; i < c->request->part_count; i++)
        digest_join(ret, digest_of_part(&c->named[i], kind), c->named[i].size_bytes, ret);
}

/* The digest of the composite. Its kind and form are those of the upload, or, if the upload has none, those of the
 * request; if neither names one, it is the CRC-64/NVME, unless a part has none. */
static err_t work_out_digest(struct completing *c, struct arena *a, struct digest *ret)
{
    const struct digest *declared = &c->request->digest;
    bool from_upload = c->upload.digest != DIGEST_NONE, is_named = from_upload || declared->kind != DIGEST_NONE;
    enum digest_kind kind = from_upload ? c->upload.digest : is_named ? declared->kind : DIGEST_CRC64NVME;
    enum digest_form form = from_upload ? c->upload.digest_form : declared->form;
    bool known = (form == DIGEST_OF_PARTS || digest_joins(kind)) && every_part_has(c, kind);
    struct digest digest = { .kind = DIGEST_NONE };
    if (known && form == DIGEST_OF_PARTS)
        digest_parts(c, kind, a, &digest);
    else if (known)
        join_parts(c, kind, &digest);
    if (is_named && (!known || (declared->kind != DIGEST_NONE && !digest_eq(declared, &digest))))
        return core_refuse(a, REASON_UPLOAD_BAD_DIGEST);
    *ret = digest;
    return NULL;
}

err_t completing_check(struct completing *c, struct meta_tx *tx, size_t parts_max, struct arena *a)
{
    TRY(meta_part_list(tx, c->upload.id, 0, parts_max, a, &c->came));
    c->is_large = c->came.count > UPLOAD_PARTS_AT_ONCE;
    if (c->is_large && parts_max < UPLOAD_PARTS_MAX)
        return NULL;
    c->came_bytes = 0;
    for (size_t i = 0; i < c->came.count; i++)
        c->came_bytes += c->came.items[i].size_bytes;
    if (!c->request->part_count)
        return core_refuse(a, REASON_UPLOAD_NO_PARTS);
    TRY(match_parts(c, a));
    TRY(check_sizes(c, a));
    return work_out_digest(c, a, &c->digest);
}

/* ---- changing ---- */

void completing_md5(const struct completing *c, struct arena *a, unsigned char ret[MD5_SIZE])
{
    size_t count = c->request->part_count;
    char *md5s = arena_alloc(a, count * MD5_SIZE);
    for (size_t i = 0; i < count; i++)
        memcpy(md5s + i * MD5_SIZE, c->named[i].md5, MD5_SIZE);
    hash_md5((slice){ md5s, count * MD5_SIZE }, ret);
}

static err_t compose_object(struct completing *c, struct meta_tx *tx, struct arena *a, int64_t *ret_id)
{
    size_t count = c->request->part_count;
    struct placed_part *parts = arena_array(a, struct placed_part, count);
    for (size_t i = 0; i < count; i++)
        parts[i] = (struct placed_part){ .object_id = c->named[i].object_id, .digest = c->named[i].digest };
    completing_md5(c, a, c->composite.md5);
    return meta_object_compose(tx, &c->composite, parts, count, a, ret_id);
}

/* The composite of a large upload is there already. */
static err_t settle_composite(struct completing *c, struct meta_tx *tx, struct arena *a, int64_t *ret_id)
{
    bool there;
    TRY(meta_composite_settle(tx, c->composite.id, core_now_ms(c->core), a, &there));
    *ret_id = c->composite.id;
    return there ? NULL : err_make(a, ERR_UNAVAILABLE, "completing the upload took too long");
}

/* Removes the upload, and releases the parts that the composite does not use. */
static err_t consume_upload(struct completing *c, struct meta_tx *tx, struct arena *a)
{
    TRY(meta_upload_remove(tx, c->upload.id, a));
    for (size_t i = 0, named = 0; i < c->came.count; i++) {
        if (named < c->request->part_count && c->named[named].number == c->came.items[i].number)
            named++;
        else
            TRY(meta_object_release(tx, c->came.items[i].object_id, c->at_ms, a));
    }
    return NULL;
}

err_t completing_put(struct completing *c, struct meta_tx *tx, struct arena *a)
{
    const struct bucket *bucket = c->request->upload.bucket;
    struct entry_change change = { .core = c->core,
                                   .who = c->who,
                                   .bucket = bucket,
                                   .key = c->request->upload.key,
                                   .condition = &c->request->condition,
                                   .owner_id = c->upload.owner_id,
                                   .bytes = c->bytes,
                                   .freed = { .bytes = -(int64_t)c->came_bytes,
                                              .uploads = -1,
                                              .records = -upload_record_size(&c->upload) -
                                                         RECORD_BYTES * (int64_t)c->came.count },
                                   .at_ms = c->at_ms,
                                   .action = S("upload.complete") };
    struct entry entry = { .bucket_id = bucket->id,
                           .key = c->request->upload.key,
                           .owner_id = c->upload.owner_id,
                           .size_bytes = c->bytes,
                           .part_count = (int64_t)c->request->part_count,
                           .digest = c->digest,
                           .upload = c->request->upload.name,
                           .headers = arena_copy(c->a, c->upload.headers),
                           .tags = arena_copy(c->a, c->upload.tags),
                           .modified_at_ms = c->at_ms };
    change.records = entry_record_size(&entry);
    TRY(entry_claim(tx, &change, a));
    TRY(c->is_large ? settle_composite(c, tx, a, &entry.object_id) : compose_object(c, tx, a, &entry.object_id));
    memcpy(entry.md5, c->composite.md5, MD5_SIZE);
    TRY(entry_settle(tx, &change, &entry, a));
    TRY(c->is_large ? meta_upload_end(tx, c->upload.id, c->at_ms, a) : consume_upload(c, tx, a));
    c->entry = entry;
    return NULL;
}

err_t completing_find_done(struct completing *c, struct meta_tx *tx, struct arena *a)
{
    struct entry entry = { 0 };
    err_t e = meta_entry_get(tx, c->request->upload.bucket->id, c->request->upload.key, a, &entry);
    if (e && e->code != ERR_NOT_FOUND)
        return e;
    if (e || !entry.upload.n || !slice_eq(entry.upload, c->request->upload.name))
        return core_refuse(a, REASON_UPLOAD_NOT_THERE);
    c->entry = entry;
    c->entry.key = c->request->upload.key;
    c->entry.upload = c->request->upload.name;
    c->entry.headers = arena_copy(c->a, entry.headers);
    c->entry.tags = arena_copy(c->a, entry.tags);
    return NULL;
}

static err_t apply_upload_complete(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct completing *c = arg;
    c->is_large = false;
    err_t e = upload_find(tx, &c->request->upload, c->at_ms, a, &c->upload);
    if (err_is(e, ERR_NOT_FOUND))
        return completing_find_done(c, tx, a);
    TRY(e);
    TRY(completing_check(c, tx, UPLOAD_PARTS_AT_ONCE + 1, a));
    if (!c->is_large)
        return completing_put(c, tx, a);
    TRY(meta_object_next_id(tx, a, &c->composite.id));
    return meta_upload_set_composite(tx, c->upload.id, c->composite.id, a);
}

err_t upload_complete(struct core *core, const struct principal *who, const struct complete_request *request,
                      struct arena *a, struct entry *ret_entry)
{
    int64_t now_ms = core_now_ms(core);
    struct completing c = { .core = core,
                            .who = who,
                            .request = request,
                            .at_ms = now_ms,
                            .a = a,
                            .composite = { .account_id = request->upload.bucket->account_id,
                                           .created_at_ms = now_ms } };
    TRY(meta_write(core->meta, apply_upload_complete, &c, a));
    if (c.is_large)
        TRY(upload_complete_large(&c, a));
    *ret_entry = c.entry;
    return NULL;
}
