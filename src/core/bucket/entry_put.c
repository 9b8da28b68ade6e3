/* SPDX-License-Identifier: Apache-2.0 */
/* Putting an entry: its bytes go through an intake, whose last write puts the entry (place_entry). */
#include "core/bucket/entry_guard.h"
#include "core/bucket/entry_priv.h"
#include "core/records/record_size.h"
#include "core/store/object_store.h"

#include <string.h>

enum { ETAG_MEMORY = 256 };

/* Runs in the write that ends the intake: the new object gets its key. */
static err_t place_entry(struct meta_tx *tx, void *arg, const struct intake_result *result, struct arena *a)
{
    struct entry_put *put = arg;
    const struct entry_request *request = &put->request;
    put->entry = (struct entry){ .bucket_id = put->bucket.id,
                                 .key = request->key,
                                 .owner_id = put->who.user_id,
                                 .size_bytes = result->object.size_bytes,
                                 .headers = request->headers,
                                 .tags = request->tags,
                                 .modified_at_ms = result->at_ms };
    memcpy(put->entry.md5, result->object.md5, MD5_SIZE);
    if (result->digest_count)
        put->entry.digest = result->digests[0];
    if (put->guard)
        return put->guard->place(tx, put, result, a);
    struct entry_change change = { .core = put->core,
                                   .who = &put->who,
                                   .bucket = &put->bucket,
                                   .key = request->key,
                                   .condition = &request->condition,
                                   .owner_id = put->entry.owner_id,
                                   .bytes = result->object.size_bytes,
                                   .records = entry_record_size(&put->entry),
                                   .at_ms = result->at_ms,
                                   .action = S("entry.put") };
    TRY(entry_claim(tx, &change, a));
    TRY(meta_object_add(tx, &result->object, a, &put->entry.object_id));
    return entry_settle(tx, &change, &put->entry, a);
}

/* Asks the guard that knows the key whether bytes may be put under it, and keeps it in put->guard. Errors: as entry_put_open. */
static err_t ask_guards(struct core *core, struct entry_put *put, struct intake_request *intake, struct arena *a)
{
    err_t e = err_make(a, ERR_NOT_FOUND, "no guard knows the key");
    for (const struct entry_guard *const *g = core->entry_guards; *g && entry_key_is_unknown(e); g++) {
        put->guard = *g;
        if ((*g)->admit)
            e = (*g)->admit(put, intake, a);
    }
    return entry_key_is_unknown(e)
               ? err_because(a, e, ERR_FORBIDDEN, "nobody was permitted to put bytes under this key")
               : e;
}

err_t entry_put_open(struct core *core, const struct principal *who, const struct bucket *bucket,
                     const struct entry_request *request, struct arena *a, struct entry_put *put)
{
    *put = (struct entry_put){ .core = core, .who = *who, .bucket = *bucket, .request = *request };
    struct intake_request in = { .account_id = bucket->account_id,
                                 .owner_id = who->user_id,
                                 .owner_login = who->login,
                                 .request_id = who->request_id,
                                 .grant = grant_of(who),
                                 .max_bytes = request->max_bytes,
                                 .exact_bytes = request->exact_bytes,
                                 .md5 = request->md5,
                                 .digests = request->digest == DIGEST_NONE ? 0 : 1u << request->digest,
                                 .place = place_entry,
                                 .place_arg = put };
    TRY(entry_check_key(request->key, a));
    TRY(entry_check_texts(request->headers, request->tags, a));
    if (bucket->kind == BUCKET_GUARDED)
        TRY(ask_guards(core, put, &in, a));
    if (request->exact_bytes >= 0 && (uint64_t)request->exact_bytes < put->request.min_bytes)
        return err_make(a, ERR_EMPTY, "fewer bytes than the %llu there must be",
                        (unsigned long long)put->request.min_bytes);
    const struct entry_change change = {
        .core = core, .bucket = bucket, .key = request->key, .condition = &request->condition, .owner_id = who->user_id
    };
    TRY(entry_precheck(&change, request->exact_bytes, a));
    return intake_open(core, &in, a, &put->intake);
}

/* Uses memory of its own, on the stack: many puts may end in one batch of the committer. */
void entry_report(err_t e, const struct entry *entry, entry_done_fn *done, void *arg)
{
    if (e) {
        done(arg, e, NULL);
        return;
    }
    char memory[ETAG_MEMORY];
    SCOPED(arena_releasep) struct arena a;
    arena_init_with(&a, memory, sizeof memory);
    struct entry_stored stored = { .etag = entry_etag(entry, &a), .digest = entry->digest };
    done(arg, NULL, &stored);
}

static void report_entry_put(void *arg, err_t e, const struct file *file)
{
    struct entry_put *put = arg;
    (void)file;
    entry_report(e, &put->entry, put->done, put->done_arg);
}

/* All declared bytes have arrived, but the declared length is below the minimum. If fewer bytes arrive than were
 * declared, intake_finish reports it. */
static bool is_too_short(const struct entry_put *put)
{
    uint64_t received = intake_received(put->intake);
    bool all = put->request.exact_bytes < 0 || received >= (uint64_t)put->request.exact_bytes;
    return all && received < put->request.min_bytes;
}

void entry_put_finish(struct entry_put *put, entry_done_fn *done, void *arg)
{
    put->done = done;
    put->done_arg = arg;
    if (is_too_short(put)) {
        SCRATCH(a);
        err_t e = err_make(&a, ERR_EMPTY, "fewer bytes came than the %llu there must be",
                           (unsigned long long)put->request.min_bytes);
        entry_put_discard(put);
        done(arg, e, NULL);
        return;
    }
    struct intake *in = put->intake;
    put->intake = NULL;
    intake_finish(in, report_entry_put, put);
}

void entry_put_discard(struct entry_put *put)
{
    intake_discard(put->intake);
    put->intake = NULL;
}
