/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants
 *   room      an entry counts with its bytes and as one file for the account of its bucket, even when another entry names
 *             the same object
 *   object    is released in the write in which its last name goes; its bytes follow after the grace (garbage.h)
 *   refusal   everything that may refuse a change is checked before the write changes anything
 * A change reads the existing entry inside its own write, and changes it only if it is still the one that was read. So
 * a condition holds at the very instant of the change, and when two clients put one key, each puts a whole object. */
#include "core/bucket/entry_guard.h"
#include "core/bucket/entry_priv.h"

#include "base/text.h"
#include "core/event.h"
#include "core/free_space.h"
#include "core/object/digest.h"
#include "core/object/inline_limit.h"
#include "core/quota.h"
#include "core/records/record_size.h"
#include "core/store/account_store.h"
#include "core/store/entry_store.h"
#include "core/store/object_store.h"
#include "core/store/transaction.h"

#include <assert.h>

/* Entries of one write and their parts; what is more is removed in further writes. The parts of a large composite do not
 * count, because they are removed later. */
enum { REMOVED_MAX = 150 };

/* ---- keys, texts, conditions ---- */

err_t entry_check_key(slice key, struct arena *a)
{
    if (entry_key_is_valid(key))
        return NULL;
    if (key.n == 0 || key.n > ENTRY_KEY_MAX)
        return err_make(a, ERR_INVALID, "a key has 1 to %d bytes", ENTRY_KEY_MAX);
    return err_make(a, ERR_INVALID, "a key is UTF-8 without NUL");
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

slice entry_header(const struct entry *entry, slice name)
{
    slice line, own_name, value, rest = entry->headers;
    while (rest.n) {
        slice_cut(rest, '\n', &line, &rest);
        if (slice_cut(line, ':', &own_name, &value) && slice_eq_nocase(own_name, name))
            return slice_trim(value);
    }
    return S("");
}

bool entry_is_conditional(const struct entry_condition *condition)
{
    return condition->if_match.n || condition->if_none_match.n;
}

static bool etag_matches(slice wanted, const struct entry *there, struct arena *a)
{
    return there && (slice_eq(wanted, S("*")) || slice_eq(wanted, entry_etag(there, a)));
}

err_t entry_check_condition(const struct entry_condition *condition, const struct entry *there, struct arena *a)
{
    bool holds = (!condition->if_match.n || etag_matches(condition->if_match, there, a)) &&
                 (!condition->if_none_match.n || !etag_matches(condition->if_none_match, there, a));
    return holds ? NULL : core_refuse(a, REASON_ENTRY_CONDITION);
}

slice entry_subject(struct arena *a, const struct bucket *bucket, slice key)
{
    slice parts[] = { S("entry:"), bucket->name, S("/"), key };
    return arena_join(a, parts, LENGTH_OF(parts));
}

/* ---- finding ---- */

/* The entry of that key; in a guarded bucket, the one that the guard describes. Errors: NOT_FOUND. */
static err_t find_entry(struct core *core, struct meta_tx *tx, const struct bucket *bucket, slice key, struct arena *a,
                        struct entry *ret)
{
    if (bucket->kind == BUCKET_GUARDED)
        return entry_guards_find(core, tx, bucket, key, a, ret);
    return meta_entry_get(tx, bucket->id, key, a, ret);
}

/* The entry that has a key now, if any. */
struct existing_entry {
    const struct entry *entry; /* &memory, or NULL: there is none */
    struct entry memory;
};

static err_t find_existing(struct core *core, struct meta_tx *tx, const struct bucket *bucket, slice key,
                           struct arena *a, struct existing_entry *ret)
{
    err_t e = find_entry(core, tx, bucket, key, a, &ret->memory);
    ret->entry = e ? NULL : &ret->memory;
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

static int64_t existing_bytes(const struct existing_entry *existing)
{
    return existing->entry ? (int64_t)existing->entry->size_bytes : 0;
}

err_t entry_check_found(err_t e, struct arena *a)
{
    return err_is(e, ERR_NOT_FOUND) ? core_refuse(a, REASON_ENTRY_NOT_THERE) : e;
}

err_t entry_get(struct core *core, const struct bucket *bucket, slice key, struct arena *a, struct entry *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return entry_check_found(find_entry(core, tx, bucket, key, a, ret), a);
}

/* What a new entry takes more than the one that it replaces. The owner may be another user, who gets back what the old one took. */
struct entry_difference {
    struct account_use account; /* of the account alone, without an owner */
    struct account_use owner;   /* of the new entry's owner: what only the owner's limits are asked about */
};

static struct entry_difference difference_to(const struct existing_entry *existing, const struct account_use *new)
{
    struct entry_difference d = { .account = *new, .owner = *new };
    if (existing->entry) {
        d.account.bytes -= existing_bytes(existing);
        d.account.files -= 1;
        d.account.records -= entry_record_size(existing->entry);
        if (existing->entry->owner_id == new->owner_id) {
            d.owner.bytes = d.account.bytes;
            d.owner.files = d.account.files;
        }
    }
    d.account.owner_id = 0;
    return d;
}

static err_t check_difference(struct core *core, struct meta_tx *tx, const struct bucket *bucket,
                              const struct entry_difference *d, struct arena *a)
{
    TRY(quota_check(core, tx, bucket->account_id, &d->account, a));
    return quota_check_owner(tx, &d->owner, a);
}

/* The entry that the change replaces, if its condition holds. */
static err_t find_checked(struct meta_tx *tx, const struct entry_change *c, struct arena *a, struct existing_entry *ret)
{
    TRY(find_existing(c->core, tx, c->bucket, c->key, a, ret));
    return entry_check_condition(c->condition, ret->entry, a);
}

err_t entry_precheck(const struct entry_change *c, int64_t bytes, struct arena *a)
{
    struct core *core = c->core;
    const struct bucket *bucket = c->bucket;
    bool is_large = object_will_be_blob(core, bytes); /* a small object arrives soon, and is checked at its end */
    if (!is_large && !entry_is_conditional(c->condition))
        return NULL;
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct existing_entry existing;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(find_checked(tx, c, a, &existing));
    if (!is_large || bucket->kind == BUCKET_GUARDED) /* the guard checks the quota of the file */
        return NULL;
    struct account_use new = { .bytes = bytes, .files = 1, .owner_id = c->owner_id };
    struct entry_difference d = difference_to(&existing, &new);
    d.account.records = existing.entry ? 0 : record_size(c->key.n); /* the least that it will be */
    return check_difference(core, tx, bucket, &d, a);
}

/* ---- changing the object of a key ---- */

/* Another machine changed the entry after this write had read it. */
static err_t lost_entry(const struct entry_condition *condition, struct arena *a)
{
    return entry_is_conditional(condition) ? core_refuse(a, REASON_ENTRY_CONDITION)
                                           : err_make(a, ERR_UNAVAILABLE, "the entry was changed at the same time");
}

static struct account_use use_of_old_entry(int64_t bytes, int64_t records, int64_t owner_id)
{
    return (struct account_use){ .bytes = -bytes, .files = -1, .records = -records, .owner_id = owner_id };
}

static struct account_use use_of_new_entry(const struct entry_change *c)
{
    return (struct account_use){ .bytes = (int64_t)c->bytes + c->freed.bytes,
                                 .files = 1 + c->freed.files,
                                 .records = c->records + c->freed.records,
                                 .uploads = c->freed.uploads,
                                 .owner_id = c->owner_id };
}

/* Takes the difference between the new entry and the existing one. Whatever may refuse it is asked first: with the old entry given
 * back, the new one then fits. */
static err_t claim_difference(struct meta_tx *tx, struct entry_change *c, struct arena *a)
{
    struct existing_entry existing;
    TRY(find_checked(tx, c, a, &existing));
    c->replaces_counted = true;
    c->expected_object_id = existing.entry ? existing.entry->object_id : 0;
    struct account_use more = use_of_new_entry(c);
    struct entry_difference d = difference_to(&existing, &more);
    TRY(check_difference(c->core, tx, c->bucket, &d, a));
    if (existing.entry) {
        struct account_use less =
            use_of_old_entry(existing_bytes(&existing), entry_record_size(existing.entry), existing.entry->owner_id);
        TRY(meta_account_use(tx, c->bucket->account_id, &less, a));
    }
    return quota_take(c->core, tx, c->bucket->account_id, &more, a);
}

/* Most keys are new and most accounts have room. So the whole entry is counted first, without looking for an existing
 * one; entry_settle gives back the room of the entry that it replaces. */
err_t entry_claim(struct meta_tx *tx, struct entry_change *c, struct arena *a)
{
    c->replaces_counted = false;
    if (entry_is_conditional(c->condition))
        return claim_difference(tx, c, a);
    struct account_use more = use_of_new_entry(c);
    err_t e = quota_take(c->core, tx, c->bucket->account_id, &more, a);
    return err_is(e, ERR_QUOTA) ? claim_difference(tx, c, a) : e;
}

err_t entry_settle(struct meta_tx *tx, const struct entry_change *c, const struct entry *entry, struct arena *a)
{
    assert(c->records == entry_record_size(entry));
    struct replaced_entry old;
    err_t e = meta_entry_put(tx, entry, a, &old);
    if (err_is(e, ERR_NOT_FOUND))
        return core_refuse(a, REASON_BUCKET_NOT_THERE); /* it was removed meanwhile */
    TRY(e);
    if (c->replaces_counted && old.object_id != c->expected_object_id)
        return lost_entry(c->condition, a);
    if (old.object_id && !c->replaces_counted) {
        struct account_use less = use_of_old_entry((int64_t)old.size_bytes, old.record_size, old.owner_id);
        TRY(meta_account_use(tx, c->bucket->account_id, &less, a));
    }
    if (old.object_id)
        TRY(meta_object_release(tx, old.object_id, c->at_ms, a));
    struct event_params event = { .at_ms = c->at_ms,
                                  .who = c->who,
                                  .account_id = c->bucket->account_id,
                                  .action = c->action,
                                  .subject = entry_subject(a, c->bucket, c->key) };
    return event_write(tx, &event, a);
}

/* ---- removing ---- */

bool entry_is_visible(const struct principal *who, const struct entry *entry)
{
    return who->is_admin || entry->owner_id == who->user_id;
}

struct removal {
    struct core *core;
    const struct principal *who;
    const struct bucket *bucket;
    struct entry_removal *items;
    size_t count, first;
    int64_t at_ms;
    size_t next;  /* after the write: the first entry that is still to be removed */
    bool existed; /* the last entry */
};

static err_t remove_entry(struct meta_tx *tx, struct removal *r, const struct entry_removal *item, struct arena *a,
                          int64_t *removed)
{
    slice key = item->key;
    struct existing_entry existing;
    if (item->only_visible)
        TRY(grant_recheck_maker_in(r->core, tx, r->who, a));
    TRY(find_existing(r->core, tx, r->bucket, key, a, &existing));
    const struct entry *entry = existing.entry;
    r->existed = entry && (!item->only_visible || entry_is_visible(r->who, entry));
    if (item->only_visible && !r->existed)
        return NULL;
    TRY(entry_check_condition(&item->condition, entry, a));
    if (!entry)
        return NULL;
    *removed += entry->part_count > COMPOSITE_PARTS_AT_ONCE ? 0 : entry->part_count;
    err_t lost = meta_entry_remove(tx, r->bucket->id, key, entry->object_id, a);
    if (err_is(lost, ERR_NOT_FOUND))
        return lost_entry(&item->condition, a);
    TRY(lost);
    struct account_use less = use_of_old_entry((int64_t)entry->size_bytes, entry_record_size(entry), entry->owner_id);
    TRY(meta_account_use(tx, r->bucket->account_id, &less, a));
    TRY(meta_object_release(tx, entry->object_id, r->at_ms, a));
    struct event_params event = { .at_ms = r->at_ms,
                                  .who = r->who,
                                  .account_id = r->bucket->account_id,
                                  .action = S("entry.remove"),
                                  .subject = entry_subject(a, r->bucket, key) };
    return event_write(tx, &event, a);
}

static err_t apply_entry_remove(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct removal *r = arg;
    int64_t removed = 0;
    for (r->next = r->first; r->next < r->count && removed < REMOVED_MAX; r->next++, removed++) {
        struct entry_removal *item = &r->items[r->next];
        err_t e = remove_entry(tx, r, item, a, &removed);
        item->refused = err_reason(e) == REASON_ENTRY_CONDITION; /* then nothing was changed */
        if (e && !item->refused)
            return e;
    }
    return NULL;
}

static err_t refuse_guarded(const struct bucket *bucket, struct arena *a)
{
    if (bucket->kind == BUCKET_GUARDED)
        return err_make(a, ERR_FORBIDDEN, "the entries of a guarded bucket are not changed by their keys");
    return NULL;
}

err_t entry_remove(struct core *core, const struct principal *who, const struct bucket *bucket,
                   const struct entry_removal *removal, struct arena *a, bool *ret_existed)
{
    struct entry_removal item = *removal;
    struct removal r = {
        .core = core, .who = who, .bucket = bucket, .items = &item, .count = 1, .at_ms = core_now_ms(core)
    };
    TRY(refuse_guarded(bucket, a));
    TRY(meta_write(core->meta, apply_entry_remove, &r, a));
    if (item.refused)
        return core_refuse(a, REASON_ENTRY_CONDITION);
    *ret_existed = r.existed;
    return NULL;
}

err_t entry_remove_many(struct core *core, const struct principal *who, const struct bucket *bucket,
                        struct entry_removal *removals, size_t count, struct arena *a)
{
    struct removal r = {
        .core = core, .who = who, .bucket = bucket, .items = removals, .count = count, .at_ms = core_now_ms(core)
    };
    TRY(refuse_guarded(bucket, a));
    for (; r.first < count; r.first = r.next)
        TRY(meta_write(core->meta, apply_entry_remove, &r, a));
    return NULL;
}

/* ---- tags ---- */

struct tagging {
    struct core *core;
    const struct principal *who;
    const struct bucket *bucket;
    slice key, tags;
    int64_t at_ms;
};

static err_t apply_entry_tags(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct tagging *t = arg;
    struct entry entry = { 0 };
    TRY(entry_check_found(meta_entry_get(tx, t->bucket->id, t->key, a, &entry), a));
    struct account_use more = { .records = (int64_t)t->tags.n - (int64_t)entry.tags.n };
    TRY(quota_take_records(t->core, tx, t->bucket->account_id, &more, a));
    err_t lost = meta_entry_set_tags(tx, t->bucket->id, t->key, entry.tags, t->tags, a);
    if (err_is(lost, ERR_NOT_FOUND))
        return err_make(a, ERR_UNAVAILABLE, "the entry was changed at the same time");
    TRY(lost);
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
    struct tagging t = {
        .core = core, .who = who, .bucket = bucket, .key = key, .tags = tags, .at_ms = core_now_ms(core)
    };
    TRY(refuse_guarded(bucket, a));
    TRY(entry_check_texts(S(""), tags, a));
    return meta_write(core->meta, apply_entry_tags, &t, a);
}

/* ---- copying ---- */

struct copying {
    struct core *core;
    const struct principal *who;
    const struct entry_copy *copy;
    int64_t at_ms;
    struct arena *a; /* of the caller, who waits for the write */
    struct entry entry;
};

/* Times on the wire are whole seconds, so the time of the source is compared in whole seconds. A condition on the etag
 * replaces the one on the time (RFC 9110 §13.2.2). */
static err_t check_copy_source(const struct entry_copy *copy, const struct entry *source, struct arena *a)
{
    int64_t modified = source->modified_at_ms / 1000;
    TRY(entry_check_condition(&copy->source_condition, source, a));
    if (copy->modified_since_ms && !copy->source_condition.if_none_match.n &&
        modified <= copy->modified_since_ms / 1000)
        return core_refuse_detail(a, REASON_ENTRY_CONDITION, "the source has not changed since then");
    if (copy->unmodified_since_ms && !copy->source_condition.if_match.n && modified > copy->unmodified_since_ms / 1000)
        return core_refuse_detail(a, REASON_ENTRY_CONDITION, "the source has changed since then");
    return NULL;
}

static err_t apply_entry_copy(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct copying *c = arg;
    const struct entry_copy *copy = c->copy;
    struct entry source = { 0 };
    TRY(entry_check_found(meta_entry_get(tx, copy->from->id, copy->from_key, a, &source), a));
    TRY(check_copy_source(copy, &source, a));
    if (copy->digest.kind != DIGEST_NONE && copy->digest_of != source.object_id)
        return err_make(a, ERR_UNAVAILABLE, "the source has changed while it was read");
    bool there;
    TRY(meta_object_hold(tx, source.object_id, a, &there));
    if (!there)
        return core_refuse(a, REASON_ENTRY_NOT_THERE);
    struct entry_change change = { .core = c->core,
                                   .who = c->who,
                                   .bucket = copy->to,
                                   .key = copy->to_key,
                                   .condition = &copy->condition,
                                   .owner_id = c->who->user_id,
                                   .bytes = source.size_bytes,
                                   .at_ms = c->at_ms,
                                   .action = S("entry.copy") };
    struct entry entry = source;
    entry.bucket_id = copy->to->id;
    entry.key = copy->to_key;
    entry.owner_id = c->who->user_id;
    entry.upload = S(""); /* the upload made the source, not this entry */
    entry.headers = copy->keeps_headers ? arena_copy(c->a, source.headers) : copy->headers;
    entry.tags = copy->keeps_tags ? arena_copy(c->a, source.tags) : copy->tags;
    entry.modified_at_ms = c->at_ms;
    if (copy->digest.kind != DIGEST_NONE)
        entry.digest = copy->digest;
    change.records = entry_record_size(&entry);
    TRY(free_space_check(c->core, (uint64_t)change.records, a));
    TRY(entry_claim(tx, &change, a));
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
    TRY(meta_write(core->meta, apply_entry_copy, &c, a));
    *ret = c.entry;
    return NULL;
}
