/* SPDX-License-Identifier: Apache-2.0 */
/* One function, may_act, decides who may do what in a bucket. bucket_find asks it before it returns a bucket, and each
 * change asks it again inside its write. */
#include "core/bucket/bucket.h"

#include "base/live.h"
#include "core/access/access.h"
#include "core/bucket/bucket_priv.h"
#include "core/event.h"
#include "core/quota.h"
#include "core/reasons.h"
#include "core/records/record_size.h"
#include "core/store/bucket_store.h"
#include "core/store/transaction.h"

enum { NAME_MIN = 3, NAME_MAX = 63, CORS_MAX = 64 * 1024 };

/* ---- names ---- */

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Four groups of digits. A client could take them for an IPv4 address, also when one of them is above 255. */
static bool looks_like_address(slice name)
{
    int groups = 1;
    for (size_t i = 0; i < name.n; i++) {
        groups += name.p[i] == '.';
        if (name.p[i] != '.' && (name.p[i] < '0' || name.p[i] > '9'))
            return false;
    }
    return groups == 4;
}

bool bucket_name_is_valid(slice name)
{
    if (name.n < NAME_MIN || name.n > NAME_MAX)
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!is_letter_or_digit(name.p[i]) && name.p[i] != '.' && name.p[i] != '-')
            return false;
    return is_letter_or_digit(name.p[0]) && is_letter_or_digit(name.p[name.n - 1]) &&
           slice_find(name, S("..")) == SLICE_NONE && !looks_like_address(name);
}

/* ---- finding ---- */

static err_t may_act(const struct principal *who, const struct bucket *bucket, enum bucket_action action,
                     struct arena *a)
{
    bool may = bucket->kind == BUCKET_GUARDED
                   ? who->user_id == bucket->owner_id && (action == BUCKET_READ || action == BUCKET_WRITE)
                   : who->account_id == bucket->account_id;
    return may ? NULL : err_make(a, ERR_FORBIDDEN, "that is not allowed in this bucket");
}

static err_t read_bucket(struct meta_tx *tx, slice name, struct arena *a, struct bucket *ret)
{
    err_t e = meta_bucket_by_name(tx, name, a, ret);
    return err_is(e, ERR_NOT_FOUND) ? core_refuse(a, REASON_BUCKET_NOT_THERE) : e;
}

static err_t find_by_name(struct core *core, const struct bucket_query *q, struct arena *a, struct bucket *ret)
{
    uint64_t generation = meta_generation(core->meta); /* before the row is read */
    if (bucket_cache_find(core->buckets, q, generation, a, ret))
        return NULL;
    SCRATCH_OF(scratch, a); /* its CORS rules may be 64 KiB */
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    struct bucket bucket;
    err_t e = read_bucket(tx, q->name, &scratch, &bucket);
    if (e)
        return err_copy(a, e);
    bucket_cache_put(core->buckets, generation, &bucket);
    bucket.name = arena_copy(a, bucket.name);
    bucket.cors = q->with_cors ? arena_copy(a, bucket.cors) : S("");
    *ret = bucket;
    return NULL;
}

err_t bucket_find(struct core *core, const struct principal *who, slice name, enum bucket_action action,
                  struct arena *a, struct bucket *ret)
{
    struct bucket bucket = { 0 };
    TRY(find_by_name(core, &(struct bucket_query){ .name = name }, a, &bucket));
    TRY(may_act(who, &bucket, action, a));
    *ret = bucket;
    return NULL;
}

bool bucket_is_guarded(struct core *core, slice name)
{
    SCRATCH(scratch);
    struct bucket bucket;
    return !find_by_name(core, &(struct bucket_query){ .name = name }, &scratch, &bucket) &&
           bucket.kind == BUCKET_GUARDED;
}

err_t bucket_list(struct core *core, const struct principal *who, const struct bucket_range *range, struct arena *a,
                  struct bucket_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_bucket_list(tx, who->account_id, range, a, ret);
}

err_t bucket_cors(struct core *core, slice name, struct arena *a, slice *ret_cors)
{
    struct bucket bucket = { 0 };
    TRY(find_by_name(core, &(struct bucket_query){ name, true }, a, &bucket));
    *ret_cors = bucket.cors;
    return NULL;
}

/* ---- changes ---- */

err_t bucket_write_event(struct meta_tx *tx, const struct bucket_change *c, slice action, struct arena *a)
{
    struct event_params event = { .at_ms = c->now_ms,
                                  .who = c->who,
                                  .account_id = c->bucket.account_id,
                                  .action = action,
                                  .subject = arena_printf(a, "bucket:" SLICE_FMT, SLICE_ARG(c->name)) };
    return event_write(tx, &event, a);
}

/* The bucket has been added. */
static err_t take_room_for_bucket(struct meta_tx *tx, const struct bucket_change *c, const struct bucket *bucket,
                                  struct arena *a)
{
    int64_t count, max = LIVE(c->core->options.account_max_buckets);
    TRY(meta_bucket_count(tx, bucket->account_id, a, &count));
    if (max && count > max)
        return core_refuse(a, REASON_BUCKET_TOO_MANY);
    struct account_use more = { .records = bucket_record_size(bucket) };
    return quota_take_records(c->core, tx, bucket->account_id, &more, a);
}

/* Makes c->bucket. If the name is taken, c->existed is true and c->bucket is the bucket that has it. */
static err_t add_if_missing(struct meta_tx *tx, struct bucket_change *c, struct bucket wanted, struct arena *a)
{
    wanted.name = c->name;
    wanted.created_at_ms = c->now_ms;
    err_t e = meta_bucket_add(tx, &wanted, a, &wanted.id);
    c->existed = err_is(e, ERR_CONFLICT);
    if (c->existed)
        return meta_bucket_by_name(tx, c->name, a, &c->bucket);
    TRY(e);
    if (wanted.account_id)
        TRY(take_room_for_bucket(tx, c, &wanted, a));
    c->bucket = wanted;
    return bucket_write_event(tx, c, S("bucket.create"), a);
}

static err_t apply_bucket_create(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct bucket_change *c = arg;
    struct bucket wanted = { .account_id = c->who->account_id, .owner_id = c->who->user_id, .kind = BUCKET_OPEN };
    return add_if_missing(tx, c, wanted, a);
}

err_t bucket_create(struct core *core, const struct principal *who, slice name, struct arena *a)
{
    if (!bucket_name_is_valid(name))
        return core_refuse(a, REASON_BUCKET_BAD_NAME);
    struct bucket_change c = { .core = core, .who = who, .name = name, .now_ms = core_now_ms(core) };
    TRY(meta_write(core->meta, apply_bucket_create, &c, a));
    if (!c.existed)
        return NULL;
    bool own = c.bucket.kind == BUCKET_OPEN && c.bucket.account_id == who->account_id;
    return core_refuse(a, own ? REASON_BUCKET_OWNED : REASON_BUCKET_TAKEN);
}

err_t bucket_find_managed(struct meta_tx *tx, struct bucket_change *c, struct arena *a)
{
    TRY(read_bucket(tx, c->name, a, &c->bucket));
    return may_act(c->who, &c->bucket, BUCKET_MANAGE, a);
}

static err_t apply_bucket_cors(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct bucket_change *c = arg;
    TRY(bucket_find_managed(tx, c, a));
    struct account_use more = { .records = (int64_t)c->cors.n - (int64_t)c->bucket.cors.n };
    TRY(quota_take_records(c->core, tx, c->bucket.account_id, &more, a));
    err_t lost = meta_bucket_set_cors(tx, c->bucket.id, c->bucket.cors, c->cors, a);
    if (err_is(lost, ERR_NOT_FOUND))
        return err_make(a, ERR_UNAVAILABLE, "the bucket was changed at the same time");
    TRY(lost);
    return bucket_write_event(tx, c, S("bucket.cors"), a);
}

err_t bucket_set_cors(struct core *core, const struct principal *who, slice name, slice cors, struct arena *a)
{
    if (cors.n > CORS_MAX)
        return core_refuse_detail(a, REASON_BUCKET_TOO_MANY_RULES, "the rules for web pages have more than %d bytes",
                                  CORS_MAX);
    struct bucket_change c = { .core = core, .who = who, .name = name, .cors = cors, .now_ms = core_now_ms(core) };
    return meta_write(core->meta, apply_bucket_cors, &c, a);
}

static err_t apply_bucket_ensure(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct bucket_change *c = arg;
    struct bucket wanted = { .owner_id = c->who->user_id, .kind = BUCKET_GUARDED };
    return add_if_missing(tx, c, wanted, a);
}

err_t bucket_ensure(struct core *core, slice name, struct arena *a, struct bucket *ret)
{
    struct principal operator_;
    TRY(access_operator(core, S(""), a, &operator_));
    struct bucket_change c = { .core = core, .who = &operator_, .name = name, .now_ms = core_now_ms(core) };
    TRY(meta_write(core->meta, apply_bucket_ensure, &c, a));
    if (c.bucket.kind != BUCKET_GUARDED)
        return err_make(a, ERR_CONFLICT, "the bucket " SLICE_FMT " belongs to an account", SLICE_ARG(name));
    return find_by_name(core, &(struct bucket_query){ .name = name }, a, ret);
}
