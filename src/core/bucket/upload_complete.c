/* SPDX-License-Identifier: Apache-2.0 */
/* Completing an upload is one write. It checks everything first; then it makes the composite out of the parts, puts the
 * entry, and ends the upload. No byte moves, so it takes as long for large parts as for small ones.
 *
 * A client that did not receive the reply completes again. The upload is gone then, but the entry has its name. */
#include "core/bucket/upload_priv.h"

#include "base/text.h"
#include "core/event.h"
#include "core/object/digest.h"
#include "core/store/entry_store.h"
#include "core/store/object_store.h"
#include "core/store/transaction.h"
#include "core/store/upload_store.h"

#include <string.h>

struct completing {
    struct core *core;
    const struct principal *who;
    const struct complete_request *request;
    int64_t at_ms;
    struct arena *a; /* of the caller, who waits for the write */
    struct entry entry;

    /* within the write */
    struct upload upload;
    struct upload_part_list came;
    struct upload_part *named; /* those of `came` that the request names */
    uint64_t came_bytes, bytes;
};

/* ---- checking ---- */

static bool is_the_named_part(const struct completed_part *wanted, const struct upload_part *part, struct arena *a)
{
    slice etag = hex_encode(a, (slice){ (const char *)part->md5, MD5_SIZE });
    return slice_eq_nocase(wanted->etag, etag) &&
           (wanted->digest.kind == DIGEST_NONE || digest_eq(&wanted->digest, &part->digest));
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

/* The digest of the concatenated digests of the parts. */
static void digest_parts(const struct completing *c, enum digest_kind kind, struct arena *a, struct digest *ret)
{
    size_t size = digest_size(kind), count = c->request->part_count;
    char *all = arena_alloc(a, size * count);
    for (size_t i = 0; i < count; i++)
        memcpy(all + i * size, c->named[i].digest.bytes, size);
    digest_of(kind, (slice){ all, size * count }, ret);
    ret->form = DIGEST_OF_PARTS;
}

static void join_parts(const struct completing *c, struct digest *ret)
{
    *ret = c->named[0].digest;
    for (size_t i = 1; i < c->request->part_count; i++)
        digest_join(ret, &c->named[i].digest, c->named[i].size_bytes, ret);
}

/* The digest of the composite. Its kind and form are those of the upload, or, if the upload has none, those of the
 * request. */
static err_t work_out_digest(struct completing *c, struct arena *a, struct digest *ret)
{
    const struct digest *declared = &c->request->digest;
    bool from_upload = c->upload.digest != DIGEST_NONE;
    enum digest_kind kind = from_upload ? c->upload.digest : declared->kind;
    enum digest_form form = from_upload ? c->upload.digest_form : declared->form;
    bool known = form == DIGEST_OF_PARTS || digest_joins(kind);
    *ret = (struct digest){ .kind = DIGEST_NONE };
    if (kind == DIGEST_NONE)
        return NULL;
    for (size_t i = 0; i < c->request->part_count; i++)
        known = known && c->named[i].digest.kind == kind;
    struct digest digest = { 0 };
    if (known && form == DIGEST_OF_PARTS)
        digest_parts(c, kind, a, &digest);
    else if (known)
        join_parts(c, &digest);
    if (!known || (declared->kind != DIGEST_NONE && !digest_eq(declared, &digest)))
        return core_refuse(a, REASON_UPLOAD_BAD_DIGEST);
    *ret = digest;
    return NULL;
}

static err_t find_parts(struct completing *c, struct meta_tx *tx, struct arena *a)
{
    TRY(meta_part_list(tx, c->upload.id, 0, UPLOAD_PARTS_MAX, a, &c->came));
    c->came_bytes = 0;
    for (size_t i = 0; i < c->came.count; i++)
        c->came_bytes += c->came.items[i].size_bytes;
    if (!c->request->part_count)
        return core_refuse(a, REASON_UPLOAD_NO_PARTS);
    TRY(match_parts(c, a));
    return check_sizes(c, a);
}

/* ---- changing ---- */

static err_t compose_object(struct completing *c, struct meta_tx *tx, struct arena *a, struct entry *entry)
{
    size_t count = c->request->part_count;
    int64_t *ids = arena_array(a, int64_t, count);
    char *md5s = arena_alloc(a, count * MD5_SIZE);
    for (size_t i = 0; i < count; i++) {
        ids[i] = c->named[i].object_id;
        memcpy(md5s + i * MD5_SIZE, c->named[i].md5, MD5_SIZE);
    }
    struct object composite = { .account_id = c->request->upload.bucket->account_id, .created_at_ms = c->at_ms };
    hash_md5((slice){ md5s, count * MD5_SIZE }, composite.md5);
    memcpy(entry->md5, composite.md5, MD5_SIZE);
    entry->part_count = (int64_t)count;
    return meta_object_compose(tx, &composite, ids, count, a, &entry->object_id);
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

static err_t put_composite(struct completing *c, struct meta_tx *tx, const struct digest *digest, struct arena *a)
{
    struct entry_change change = { .core = c->core,
                                   .who = c->who,
                                   .bucket = c->request->upload.bucket,
                                   .key = c->request->upload.key,
                                   .condition = &c->request->condition,
                                   .bytes = c->bytes,
                                   .freed = c->came_bytes,
                                   .at_ms = c->at_ms,
                                   .action = S("upload.complete") };
    TRY(entry_claim(tx, &change, a));
    struct entry entry = { .bucket_id = c->request->upload.bucket->id,
                           .key = c->request->upload.key,
                           .owner_id = c->upload.owner_id,
                           .size_bytes = c->bytes,
                           .digest = *digest,
                           .upload = c->request->upload.name,
                           .headers = arena_copy(c->a, c->upload.headers),
                           .tags = arena_copy(c->a, c->upload.tags),
                           .modified_at_ms = c->at_ms };
    TRY(compose_object(c, tx, a, &entry));
    TRY(entry_settle(tx, &change, &entry, a));
    TRY(consume_upload(c, tx, a));
    c->entry = entry;
    return NULL;
}

/* The upload does not exist. If the key still has the entry that the upload made, it was completed before. */
static err_t find_completed_entry(struct completing *c, struct meta_tx *tx, struct arena *a)
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
    struct digest digest;
    err_t e = upload_find(tx, &c->request->upload, c->at_ms, a, &c->upload);
    if (err_is(e, ERR_NOT_FOUND))
        return find_completed_entry(c, tx, a);
    TRY(e);
    TRY(find_parts(c, tx, a));
    TRY(work_out_digest(c, a, &digest));
    return put_composite(c, tx, &digest, a);
}

err_t upload_complete(struct core *core, const struct principal *who, const struct complete_request *request,
                      struct arena *a, struct entry *ret_entry)
{
    struct completing c = { .core = core, .who = who, .request = request, .at_ms = core_now_ms(core), .a = a };
    TRY(meta_write(core->meta, apply_upload_complete, &c, a));
    *ret_entry = c.entry;
    return NULL;
}
