/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants
 *   room     an entry counts with its bytes and as one file of the account of its bucket, whoever else names its object
 *   object   is let go of in the write in which its last name goes; its bytes follow after the grace of garbage
 *   refusal  whatever can be refused is asked before the write changes anything
 * A change asks what is there inside its own write, and writes run one after the other: so a condition holds at the
 * very instant of the change, and of two writers of one key each puts a whole object. */
#include "core/bucket/entry_guard.h"
#include "core/bucket/entry_priv.h"

#include "base/text.h"
#include "core/event.h"
#include "core/object/digest.h"
#include "core/object/inline_limit.h"
#include "core/quota.h"
#include "core/store/account_store.h"
#include "core/store/entry_store.h"
#include "core/store/object_store.h"
#include "core/store/transaction.h"

#include <assert.h>
#include <string.h>

enum {
    ETAG_MEMORY = 256,
    REMOVE_PARTS_MOST = 2000 /* in one write, once they are more: others wait for it */
};

/* ---- keys, texts, conditions ---- */

err_t entry_check_key(slice key, struct arena *a)
{
    if (key.n == 0 || key.n > ENTRY_KEY_MAX)
        return err_make(a, ERR_INVALID, "a key has 1 to %d bytes", ENTRY_KEY_MAX);
    if (!slice_is_utf8(key) || slice_find_byte(key, '\0') != SLICE_NONE)
        return err_make(a, ERR_INVALID, "a key is UTF-8 without NUL");
    return NULL;
}

err_t entry_check_texts(slice headers, slice tags, struct arena *a)
{
    if (headers.n > ENTRY_HEADERS_MAX || tags.n > ENTRY_HEADERS_MAX)
        return err_make(a, ERR_TOO_LARGE, "headers or tags have more than %d bytes", ENTRY_HEADERS_MAX);
    return NULL;
}

slice entry_etag(const struct entry *entry, struct arena *a)
{
    slice hex = hex_encode(a, (slice){ (const char *)entry->md5, MD5_SIZE });
    return entry->part_count ? arena_printf(a, SLICE_FMT "-%lld", SLICE_ARG(hex), (long long)entry->part_count) : hex;
}

bool entry_is_conditional(const struct entry_condition *condition)
{
    return condition->if_match.n || condition->if_none_match.n;
}

static bool etag_fits(slice wanted, const struct entry *there, struct arena *a)
{
    return there && (slice_eq(wanted, S("*")) || slice_eq(wanted, entry_etag(there, a)));
}

err_t entry_check_condition(const struct entry_condition *condition, const struct entry *there, struct arena *a)
{
    bool holds = (!condition->if_match.n || etag_fits(condition->if_match, there, a)) &&
                 (!condition->if_none_match.n || !etag_fits(condition->if_none_match, there, a));
    return holds ? NULL : err_make(a, ERR_CONFLICT, "what is there is not what the condition asks for");
}

slice entry_subject(struct arena *a, const struct bucket *bucket, slice key)
{
    slice parts[] = { S("entry:"), bucket->name, S("/"), key };
    return arena_join(a, parts, LENGTH_OF(parts));
}

/* ---- looking ---- */

/* The entry of that key; in a guarded bucket, the one that the guard describes. */
static err_t look(struct meta_tx *tx, struct core *core, const struct bucket *bucket, slice key, struct arena *a,
                  struct entry *ret)
{
    if (bucket->kind == BUCKET_GUARDED)
        return core->entry_guard->find(core, tx, bucket, key, a, ret);
    return meta_entry_get(tx, bucket->id, key, a, ret);
}

/* The same; *ret_there is NULL when there is none, else `room`. */
static err_t look_whether(struct meta_tx *tx, struct core *core, const struct bucket *bucket, slice key,
                          struct arena *a, struct entry *room, const struct entry **ret_there)
{
    err_t e = look(tx, core, bucket, key, a, room);
    *ret_there = e ? NULL : room;
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

err_t entry_get(struct core *core, const struct bucket *bucket, slice key, struct arena *a, struct entry *ret)
{
    SCOPED(meta_read_endp)
    struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return look(tx, core, bucket, key, a, ret);
}

err_t entry_precheck(struct core *core, const struct bucket *bucket, slice key, const struct entry_condition *condition,
                     int64_t bytes, struct arena *a)
{
    bool is_large = object_will_be_blob(core, bytes); /* else it is soon here, and judged then */
    if (!is_large && !entry_is_conditional(condition))
        return NULL;
    SCOPED(meta_read_endp)
    struct meta_tx *tx = NULL;
    struct entry room;
    const struct entry *there;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(look_whether(tx, core, bucket, key, a, &room, &there));
    TRY(entry_check_condition(condition, there, a));
    if (!is_large || bucket->kind == BUCKET_GUARDED) /* the guard checks the account of the file */
        return NULL;
    return quota_check(core, tx, bucket->account_id, bytes - (there ? (int64_t)there->size_bytes : 0), there ? 0 : 1,
                       a);
}

/* ---- changing what a key names ---- */

static err_t claim_by_difference(struct meta_tx *tx, struct entry_change *c, struct arena *a)
{
    struct entry room;
    const struct entry *there;
    TRY(look_whether(tx, c->core, c->bucket, c->key, a, &room, &there));
    TRY(entry_check_condition(c->condition, there, a));
    uint64_t old_bytes = there ? there->size_bytes : 0;
    c->by_difference = true;
    return quota_take(c->core, tx, c->bucket->account_id, (int64_t)(c->bytes - c->freed - old_bytes), there ? 0 : 1, a);
}

/* Most entries are new and most accounts have room: then nothing is looked up. */
err_t entry_claim(struct meta_tx *tx, struct entry_change *c, struct arena *a)
{
    c->by_difference = false;
    if (entry_is_conditional(c->condition))
        return claim_by_difference(tx, c, a);
    err_t e = quota_take(c->core, tx, c->bucket->account_id, (int64_t)(c->bytes - c->freed), 1, a);
    return err_is(e, ERR_QUOTA) ? claim_by_difference(tx, c, a) : e;
}

err_t entry_settle(struct meta_tx *tx, const struct entry_change *c, const struct entry *entry, struct arena *a)
{
    int64_t old_object_id;
    uint64_t old_bytes;
    TRY(meta_entry_put(tx, entry, a, &old_object_id, &old_bytes));
    if (old_object_id && !c->by_difference)
        TRY(meta_account_use(tx, c->bucket->account_id, -(int64_t)old_bytes, -1, a));
    if (old_object_id)
        TRY(meta_object_release(tx, old_object_id, c->at_ms, a));
    struct event_params event = { .at_ms = c->at_ms,
                                  .who = c->who,
                                  .account_id = c->bucket->account_id,
                                  .action = c->action,
                                  .subject = entry_subject(a, c->bucket, c->key) };
    return event_write(tx, &event, a);
}

/* ---- putting ---- */

/* The place of what came: under its key. */
static err_t place(struct meta_tx *tx, void *arg, const struct intake_result *result, struct arena *a)
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
    if (put->file_id)
        return put->core->entry_guard->place(tx, put, result, a);
    struct entry_change change = { .core = put->core,
                                   .who = &put->who,
                                   .bucket = &put->bucket,
                                   .key = request->key,
                                   .condition = &request->condition,
                                   .bytes = result->object.size_bytes,
                                   .at_ms = result->at_ms,
                                   .action = S("entry.put") };
    TRY(entry_claim(tx, &change, a));
    TRY(meta_object_add(tx, &result->object, a, &put->entry.object_id));
    return entry_settle(tx, &change, &put->entry, a);
}

err_t entry_put_open(struct core *core, const struct principal *who, const struct bucket *bucket,
                     const struct entry_request *request, struct arena *a, struct entry_put *put)
{
    *put = (struct entry_put){ .core = core, .who = *who, .bucket = *bucket, .request = *request };
    struct intake_request in = { .account_id = bucket->account_id,
                                 .owner_id = who->user_id,
                                 .owner_login = who->login,
                                 .request_id = who->request_id,
                                 .max_bytes = request->max_bytes,
                                 .exact_bytes = request->exact_bytes,
                                 .md5 = request->md5,
                                 .digests = request->digest == DIGEST_NONE ? 0 : 1u << request->digest,
                                 .place = place,
                                 .place_arg = put };
    TRY(entry_check_key(request->key, a));
    TRY(entry_check_texts(request->headers, request->tags, a));
    if (bucket->kind == BUCKET_GUARDED)
        TRY(core->entry_guard->admit(put, &in, a));
    if (request->exact_bytes >= 0 && (uint64_t)request->exact_bytes < put->request.min_bytes)
        return err_make(a, ERR_EMPTY, "fewer bytes than the %llu there must be",
                        (unsigned long long)put->request.min_bytes);
    TRY(entry_precheck(core, bucket, request->key, &request->condition, request->exact_bytes, a));
    return intake_open(core, &in, a, &put->intake);
}

/* In memory of its own: many may end at once, and the committer has others to tell. */
void entry_tell(err_t e, const struct entry *entry, entry_done_fn *done, void *arg)
{
    if (e) {
        done(arg, e, NULL);
        return;
    }
    char memory[ETAG_MEMORY];
    SCOPED(arena_releasep)
    struct arena a;
    arena_init_with(&a, memory, sizeof memory);
    struct entry_stored told = { .etag = entry_etag(entry, &a), .digest = entry->digest };
    done(arg, NULL, &told);
}

static void stored(void *arg, err_t e, const struct file *file)
{
    struct entry_put *put = arg;
    (void)file;
    entry_tell(e, &put->entry, put->done, put->done_arg);
}

/* Fewer than were announced is for intake_finish to say. */
static bool came_short(const struct entry_put *put)
{
    uint64_t received = intake_received(put->intake);
    bool all = put->request.exact_bytes < 0 || received >= (uint64_t)put->request.exact_bytes;
    return all && received < put->request.min_bytes;
}

void entry_put_finish(struct entry_put *put, entry_done_fn *done, void *arg)
{
    put->done = done;
    put->done_arg = arg;
    if (came_short(put)) {
        SCRATCH(a);
        err_t e = err_make(&a, ERR_EMPTY, "fewer bytes came than the %llu there must be",
                           (unsigned long long)put->request.min_bytes);
        entry_put_discard(put);
        done(arg, e, NULL);
        return;
    }
    struct intake *in = put->intake;
    put->intake = NULL;
    intake_finish(in, stored, put);
}

void entry_put_discard(struct entry_put *put)
{
    intake_discard(put->intake);
    put->intake = NULL;
}

/* ---- removing ---- */

struct removal {
    struct core *core;
    const struct principal *who;
    const struct bucket *bucket;
    const slice *keys;
    size_t count, first;
    const struct entry_condition *condition;
    int64_t at_ms;
    size_t next; /* after the write: the first that is still to be removed */
    bool was;    /* the last one */
};

static err_t remove_one(struct meta_tx *tx, struct removal *r, slice key, struct arena *a, int64_t *parts)
{
    struct entry room;
    const struct entry *there;
    TRY(look_whether(tx, r->core, r->bucket, key, a, &room, &there));
    if (r->condition)
        TRY(entry_check_condition(r->condition, there, a));
    r->was = there;
    if (!there)
        return NULL;
    *parts += there->part_count;
    TRY(meta_entry_remove(tx, r->bucket->id, key, a));
    TRY(meta_account_use(tx, r->bucket->account_id, -(int64_t)there->size_bytes, -1, a));
    TRY(meta_object_release(tx, there->object_id, r->at_ms, a));
    struct event_params event = { .at_ms = r->at_ms,
                                  .who = r->who,
                                  .account_id = r->bucket->account_id,
                                  .action = S("entry.remove"),
                                  .subject = entry_subject(a, r->bucket, key) };
    return event_write(tx, &event, a);
}

static err_t apply_remove(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct removal *r = arg;
    int64_t parts = 0;
    for (r->next = r->first; r->next < r->count && parts < REMOVE_PARTS_MOST; r->next++)
        TRY(remove_one(tx, r, r->keys[r->next], a, &parts));
    return NULL;
}

static err_t refuse_guarded(const struct bucket *bucket, struct arena *a)
{
    if (bucket->kind == BUCKET_GUARDED)
        return err_make(a, ERR_FORBIDDEN, "what came by ticket is not changed by its key");
    return NULL;
}

err_t entry_remove(struct core *core, const struct principal *who, const struct bucket *bucket, slice key,
                   const struct entry_condition *condition, struct arena *a, bool *ret_was)
{
    struct removal r = { .core = core,
                         .who = who,
                         .bucket = bucket,
                         .keys = &key,
                         .count = 1,
                         .condition = condition,
                         .at_ms = core_now_ms(core) };
    TRY(refuse_guarded(bucket, a));
    TRY(meta_write(core->meta, apply_remove, &r, a));
    *ret_was = r.was;
    return NULL;
}

/* Keys that cannot be are not there: nothing fails for one key and not for all. */
err_t entry_remove_many(struct core *core, const struct principal *who, const struct bucket *bucket, const slice *keys,
                        size_t count, struct arena *a, err_t *ret_errors)
{
    struct removal r = {
        .core = core, .who = who, .bucket = bucket, .keys = keys, .count = count, .at_ms = core_now_ms(core)
    };
    TRY(refuse_guarded(bucket, a));
    for (; r.first < count; r.first = r.next)
        TRY(meta_write(core->meta, apply_remove, &r, a));
    for (size_t i = 0; i < count; i++)
        ret_errors[i] = NULL;
    return NULL;
}

/* ---- tags ---- */

struct tagging {
    const struct principal *who;
    const struct bucket *bucket;
    slice key, tags;
    int64_t at_ms;
};

static err_t apply_tags(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct tagging *t = arg;
    TRY(meta_entry_set_tags(tx, t->bucket->id, t->key, t->tags, a));
    struct event_params event = { .at_ms = t->at_ms,
                                  .who = t->who,
                                  .account_id = t->bucket->account_id,
                                  .action = S("entry.tag"),
                                  .subject = entry_subject(a, t->bucket, t->key) };
    return event_write(tx, &event, a);
}

err_t entry_set_tags(struct core *core, const struct principal *who, const struct bucket *bucket, slice key, slice tags,
                     struct arena *a)
{
    struct tagging t = { .who = who, .bucket = bucket, .key = key, .tags = tags, .at_ms = core_now_ms(core) };
    TRY(refuse_guarded(bucket, a));
    TRY(entry_check_texts(S(""), tags, a));
    return meta_write(core->meta, apply_tags, &t, a);
}

/* ---- copying ---- */

struct copying {
    struct core *core;
    const struct principal *who;
    const struct entry_copy *copy;
    int64_t at_ms;
    struct arena *a; /* the caller's, who waits */
    struct entry entry;
};

/* Times of the wire have whole seconds, and so has what they are compared with. A condition on the etag takes the place
 * of the one on the time (RFC 9110 §13.2.2). */
static err_t check_source(const struct entry_copy *copy, const struct entry *source, struct arena *a)
{
    int64_t modified = source->modified_at_ms / 1000;
    TRY(entry_check_condition(&copy->source_condition, source, a));
    if (copy->modified_since_ms && !copy->source_condition.if_none_match.n &&
        modified <= copy->modified_since_ms / 1000)
        return err_make(a, ERR_CONFLICT, "the source has not changed since then");
    if (copy->unmodified_since_ms && !copy->source_condition.if_match.n && modified > copy->unmodified_since_ms / 1000)
        return err_make(a, ERR_CONFLICT, "the source has changed since then");
    return NULL;
}

static err_t apply_copy(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct copying *c = arg;
    const struct entry_copy *copy = c->copy;
    struct entry source = { 0 };
    TRY(meta_entry_get(tx, copy->from->id, copy->from_key, a, &source));
    TRY(check_source(copy, &source, a));
    struct entry_change change = { .core = c->core,
                                   .who = c->who,
                                   .bucket = copy->to,
                                   .key = copy->to_key,
                                   .condition = &copy->condition,
                                   .bytes = source.size_bytes,
                                   .at_ms = c->at_ms,
                                   .action = S("entry.copy") };
    TRY(entry_claim(tx, &change, a));
    struct entry entry = source;
    entry.bucket_id = copy->to->id;
    entry.key = copy->to_key;
    entry.owner_id = c->who->user_id;
    entry.upload = S(""); /* that upload did not put this one here */
    entry.headers = copy->keeps_headers ? arena_copy(c->a, source.headers) : copy->headers;
    entry.tags = copy->keeps_tags ? arena_copy(c->a, source.tags) : copy->tags;
    entry.modified_at_ms = c->at_ms;
    TRY(entry_settle(tx, &change, &entry, a));
    c->entry = entry;
    return NULL;
}

err_t entry_copy(struct core *core, const struct principal *who, const struct entry_copy *copy, struct arena *a,
                 struct entry *ret)
{
    struct copying c = { .core = core, .who = who, .copy = copy, .at_ms = core_now_ms(core), .a = a };
    TRY(refuse_guarded(copy->from, a));
    TRY(refuse_guarded(copy->to, a));
    TRY(entry_check_key(copy->to_key, a));
    TRY(entry_check_texts(copy->headers, copy->tags, a));
    TRY(meta_write(core->meta, apply_copy, &c, a));
    *ret = c.entry;
    return NULL;
}
