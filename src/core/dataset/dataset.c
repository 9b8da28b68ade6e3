/* SPDX-License-Identifier: Apache-2.0 */
#include "core/dataset/dataset.h"

#include "core/dataset/columns.h"
#include "core/dataset/dataset_write_priv.h"
#include "core/dataset/gate.h"
#include "core/dataset/schedule.h"
#include "core/file/file_name.h"
#include "core/file/hold.h"
#include "core/free_space.h"
#include "core/grant.h"
#include "core/job.h"
#include "core/object/garbage.h"
#include "core/quota.h"
#include "core/records/column_index.h"
#include "core/records/record_size.h"
#include "core/store/account_store.h"
#include "core/store/dataset_record_store.h"
#include "core/store/dataset_store.h"
#include "core/store/transaction.h"

#include <string.h>

err_t dataset_gone(err_t e, struct arena *a)
{
    return err_is(e, ERR_NOT_FOUND) ? core_refuse(a, REASON_DATASET_NOT_THERE) : e;
}

err_t dataset_write_event(struct meta_tx *tx, const struct dataset_write *w, const struct dataset *d, slice action,
                          struct arena *a)
{
    struct event_params event = { .at_ms = w->now_ms,
                                  .who = w->who,
                                  .account_id = d->account_id,
                                  .action = action,
                                  .subject = arena_printf(a, "dataset:" SLICE_FMT, SLICE_ARG(d->slug)) };
    return event_write(tx, &event, a);
}

/* ---- reading ---- */

err_t dataset_find(struct core *core, int64_t account_id, slice slug, struct arena *a, struct dataset *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return dataset_gone(meta_dataset_by_slug(tx, account_id, slug, a, ret), a);
}

err_t dataset_find_id(struct core *core, int64_t account_id, int64_t id, struct arena *a, struct dataset *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct dataset found;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(dataset_gone(meta_dataset_get(tx, id, a, &found), a));
    if (found.account_id != account_id)
        return core_refuse(a, REASON_DATASET_NOT_THERE);
    *ret = found;
    return NULL;
}

err_t dataset_list(struct core *core, int64_t account_id, const struct id_page *page, struct arena *a,
                   struct dataset_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_dataset_list(tx, account_id, page, a, ret);
}

err_t dataset_need_store(struct core *core, struct arena *a)
{
    return core->datasets ? NULL : err_make(a, ERR_UNSUPPORTED, "this server was built without a store for datasets");
}

struct measuring {
    int64_t dataset_id, bytes;
};

static err_t apply_table_bytes(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct measuring *m = arg;
    struct dataset now;
    bool there;
    TRY(meta_dataset_hold(tx, m->dataset_id, a, &there));
    err_t e = meta_dataset_get(tx, m->dataset_id, a, &now);
    if (e)
        return err_is(e, ERR_NOT_FOUND) ? NULL : e;
    TRY(meta_dataset_set_table_bytes(tx, now.id, m->bytes, a));
    return meta_account_use(tx, now.account_id, &(struct account_use){ .records = m->bytes - now.table_bytes }, a);
}

/* The rows are there, so an account may end above its limit by those of one file; the next file is refused. */
err_t dataset_measure_table(struct core *core, int64_t dataset_id, struct arena *a)
{
    struct measuring m = { .dataset_id = dataset_id };
    uint64_t bytes;
    TRY(core->datasets->ops->size(core->datasets, dataset_id, a, &bytes));
    m.bytes = bytes < INT64_MAX ? (int64_t)bytes : INT64_MAX;
    return meta_write(core->meta, apply_table_bytes, &m, a);
}

/* A table takes megabytes before it has rows. */
static err_t check_room(struct core *core, const struct dataset *d, struct arena *a)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(free_space_check(core, 1, a));
    TRY(meta_read_begin(core->meta, a, &tx));
    return quota_check(core, tx, d->account_id, &(struct account_use){ .records = 1 }, a);
}

err_t dataset_define_table(struct core *core, const struct dataset *d, struct arena *a)
{
    struct dataset_store *store = core->datasets;
    uint64_t unused;
    err_t e = store->ops->size(store, d->id, a, &unused);
    if (err_is(e, ERR_NOT_FOUND))
        e = d->table_bytes ? err_because(a, e, ERR_CORRUPT, "the rows of the dataset are gone")
                           : check_room(core, d, a);
    return e ? e : store->ops->define(store, d->id, &d->columns, a);
}

err_t dataset_open_table(struct core *core, const struct dataset *d, struct arena *a)
{
    uint64_t unused;
    TRY(dataset_need_store(core, a));
    if (dataset_gate_try(core)) {
        err_t e = dataset_define_table(core, d, a);
        if (!e && !d->table_bytes)
            e = dataset_measure_table(core, d->id, a);
        dataset_gate_leave(core);
        if (!err_is(e, ERR_CONFLICT))
            return e;
    }
    err_t e = core->datasets->ops->size(core->datasets, d->id, a, &unused);
    return err_is(e, ERR_NOT_FOUND) ? err_make(a, ERR_UNAVAILABLE, "no table can be made now") : e;
}

/* ---- checking ---- */

static bool is_slug(slice text)
{
    if (!text.n || text.n > DATASET_SLUG_MAX || text.p[0] == '-')
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (!((text.p[i] >= 'a' && text.p[i] <= 'z') || (text.p[i] >= '0' && text.p[i] <= '9') || text.p[i] == '-'))
            return false;
    return true;
}

/* Letters and digits of ASCII in lower case; a hyphen for everything between them. Empty when there are none. */
static slice slug_of(slice name, struct arena *a)
{
    char *to = arena_alloc(a, DATASET_SLUG_MAX + 1);
    size_t n = 0;
    bool between = false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        c = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (kept && n + 2 > DATASET_SLUG_MAX)
            break;
        if (kept && between && n)
            to[n++] = '-';
        if (kept)
            to[n++] = c;
        between = !kept;
    }
    return (slice){ to, n };
}

/* The three numbers of a version. */
static bool read_version(slice version, uint64_t ret_numbers[3])
{
    for (int i = 0; i < 3; i++) {
        slice number;
        bool more = slice_cut(version, '.', &number, &version);
        if (more != (i < 2) || number.n > 6 || !slice_to_u64(number, &ret_numbers[i]))
            return false;
    }
    return true;
}

static err_t check_name(slice name, struct arena *a)
{
    if (!name.n || !slice_is_utf8(name) || file_name_has_control(name) ||
        slice_characters(name, DATASET_NAME_MAX).n < name.n)
        return core_refuse(a, REASON_DATASET_BAD_NAME);
    return NULL;
}

static err_t check_columns(const struct column_list *columns, struct arena *a)
{
    slice name;
    switch (columns_check(columns, a, &name)) {
    case COLUMNS_FINE:
        return NULL;
    case COLUMNS_TOO_MANY:
        return core_refuse(a, REASON_DATASET_TOO_MANY_COLUMNS);
    case COLUMNS_NO_MEMORY:
        return arena_check(a);
    default:
        return core_refuse_detail(a, REASON_DATASET_BAD_COLUMN, "the column '" SLICE_FMT "'",
                                  SLICE_ARG(slice_part(name, 0, COLUMN_NAME_MAX)));
    }
}

static err_t check_request(const struct dataset_request *r, struct arena *a)
{
    uint64_t unused[3];
    TRY(check_name(r->name, a));
    if (r->slug.n && !is_slug(r->slug))
        return core_refuse(a, REASON_DATASET_BAD_SLUG);
    if (r->version.n && !read_version(r->version, unused))
        return core_refuse(a, REASON_DATASET_BAD_VERSION);
    if (r->volume_bytes < 0 || r->volume_bytes > DATASET_VOLUME_MAX)
        return core_refuse(a, REASON_DATASET_BAD_VOLUME);
    if (r->schedule.n || r->processing == DATASET_SCHEDULED)
        if (!schedule_is_valid(r->schedule))
            return core_refuse(a, REASON_DATASET_BAD_SCHEDULE);
    return check_columns(&r->columns, a);
}

/* What the request says of the settings. */
static void set_settings(struct dataset *d, const struct dataset_request *r, int64_t now_ms)
{
    d->name = r->name;
    d->is_strict = r->is_strict;
    d->takes_duplicates = r->takes_duplicates;
    d->processing = r->processing;
    d->volume_bytes = r->volume_bytes ? r->volume_bytes : DATASET_VOLUME_DEFAULT;
    d->schedule = r->schedule;
    d->due_at_ms = r->processing == DATASET_SCHEDULED ? schedule_next_ms(r->schedule, now_ms) : 0;
    d->modified_at_ms = now_ms;
}

/* ---- creating ---- */

struct dataset_change {
    struct dataset_write w;
    const struct dataset_request *request;
    slice slug;
    struct dataset dataset;
};

static err_t apply_create(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct dataset_change *c = arg;
    struct dataset *d = &c->dataset;
    struct account_use more = { .records = dataset_record_size(d) };
    TRY(grant_recheck_maker_in(c->w.core, tx, c->w.who, a));
    TRY(quota_take_records(c->w.core, tx, d->account_id, &more, a));
    err_t e = meta_dataset_add(tx, d, a, &d->id);
    if (err_is(e, ERR_CONFLICT))
        return core_refuse(a, REASON_DATASET_TAKEN);
    TRY(e);
    return dataset_write_event(tx, &c->w, d, S("dataset.create"), a);
}

struct dataset_request dataset_request_of(const struct dataset *d)
{
    return (struct dataset_request){ .name = d->name,
                                     .base_version = d->version,
                                     .columns = d->columns,
                                     .is_strict = d->is_strict,
                                     .takes_duplicates = d->takes_duplicates,
                                     .processing = d->processing,
                                     .volume_bytes = d->volume_bytes,
                                     .schedule = d->schedule };
}

err_t dataset_create(struct core *core, const struct principal *who, const struct dataset_request *request,
                     struct arena *a, struct dataset *ret)
{
    TRY(check_request(request, a));
    TRY(dataset_need_store(core, a));
    struct dataset_change c = { .w = { core, who, core_now_ms(core) }, .request = request };
    c.dataset = (struct dataset){ .account_id = who->account_id,
                                  .slug = request->slug.n ? request->slug : slug_of(request->name, a),
                                  .version = request->version.n ? request->version : S("1.0.0"),
                                  .columns = request->columns,
                                  .created_at_ms = c.w.now_ms };
    if (!c.dataset.slug.n)
        return core_refuse(a, REASON_DATASET_BAD_SLUG);
    set_settings(&c.dataset, request, c.w.now_ms);
    TRY(meta_write(core->meta, apply_create, &c, a));
    *ret = c.dataset;
    return NULL;
}

/* ---- changing ---- */

/* The columns that are there, as the request has them, and behind them those that are new. */
static err_t merge_columns(const struct column_list *now, const struct column_list *wanted, struct arena *a,
                           struct column_list *ret)
{
    struct column_index old, new;
    struct column_list merged = { arena_array(a, struct column, now->count + wanted->count), 0 };
    column_index_init(&old, now, a);
    column_index_init(&new, wanted, a);
    for (size_t i = 0; i < now->count; i++) {
        size_t same = column_index_find(&new, now->items[i].name);
        if (same == COLUMN_NONE || wanted->items[same].type != now->items[i].type)
            return core_refuse_detail(a, REASON_DATASET_COLUMN_KEPT, "the column '" SLICE_FMT "' is kept as it is",
                                      SLICE_ARG(now->items[i].name));
        merged.items[merged.count++] = wanted->items[same];
    }
    for (size_t i = 0; i < wanted->count; i++)
        if (column_index_find(&old, wanted->items[i].name) == COLUMN_NONE)
            merged.items[merged.count++] = wanted->items[i];
    *ret = merged;
    return NULL;
}

static slice next_version(slice version, struct arena *a)
{
    uint64_t n[3];
    if (!read_version(version, n))
        return S("1.1.0");
    return arena_printf(a, "%llu.%llu.0", (unsigned long long)n[0], (unsigned long long)n[1] + 1);
}

static bool columns_are_equal(const struct column_list *a, const struct column_list *b)
{
    bool equal = a->count == b->count;
    for (size_t i = 0; equal && i < a->count; i++)
        equal = a->items[i].type == b->items[i].type && a->items[i].is_required == b->items[i].is_required &&
                slice_eq(a->items[i].name, b->items[i].name);
    return equal;
}

static bool datasets_are_equal(const struct dataset *a, const struct dataset *b)
{
    return slice_eq(a->name, b->name) && a->is_strict == b->is_strict && a->takes_duplicates == b->takes_duplicates &&
           a->processing == b->processing && a->volume_bytes == b->volume_bytes && slice_eq(a->schedule, b->schedule) &&
           columns_are_equal(&a->columns, &b->columns);
}

static err_t apply_change(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct dataset_change *c = arg;
    const struct dataset_request *r = c->request;
    struct dataset now;
    bool there;
    TRY(grant_recheck_maker_in(c->w.core, tx, c->w.who, a));
    TRY(dataset_gone(meta_dataset_by_slug(tx, c->w.who->account_id, c->slug, a, &now), a));
    TRY(meta_dataset_hold(tx, now.id, a, &there));
    TRY(dataset_gone(meta_dataset_get(tx, now.id, a, &now), a)); /* as it is while it is held */
    if (r->base_version.n && !slice_eq(r->base_version, now.version))
        return err_make(a, ERR_UNAVAILABLE, "somebody else changed the dataset meanwhile");
    struct dataset next = now;
    set_settings(&next, r, c->w.now_ms);
    TRY(merge_columns(&now.columns, &r->columns, a, &next.columns));
    if (next.columns.count > COLUMNS_MAX)
        return core_refuse(a, REASON_DATASET_TOO_MANY_COLUMNS);
    if (datasets_are_equal(&now, &next) && (!r->version.n || slice_eq(r->version, now.version))) {
        c->dataset = now;
        return NULL;
    }
    next.version = r->version.n && !slice_eq(r->version, now.version) ? r->version : next_version(now.version, a);
    struct account_use more = { .records = dataset_record_size(&next) - dataset_record_size(&now) };
    TRY(quota_change_records(c->w.core, tx, now.account_id, more.records, a));
    TRY(dataset_gone(meta_dataset_update(tx, &next, a), a));
    c->dataset = next;
    return dataset_write_event(tx, &c->w, &next, S("dataset.change"), a);
}

err_t dataset_change(struct core *core, const struct principal *who, slice slug, const struct dataset_request *request,
                     struct arena *a, struct dataset *ret)
{
    TRY(check_request(request, a));
    if (request->slug.n && !slice_eq(request->slug, slug))
        return core_refuse(a, REASON_DATASET_BAD_SLUG);
    struct dataset_change c = { .w = { core, who, core_now_ms(core) }, .request = request, .slug = slug };
    TRY(meta_write(core->meta, apply_change, &c, a));
    return dataset_find(core, who->account_id, slug, a, ret);
}

/* ---- removing ---- */

static err_t apply_remove(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct dataset_change *c = arg;
    struct dataset d;
    TRY(grant_recheck_maker_in(c->w.core, tx, c->w.who, a));
    TRY(dataset_gone(meta_dataset_by_slug(tx, c->w.who->account_id, c->slug, a, &d), a));
    TRY(dataset_gone(meta_dataset_end(tx, d.id, c->w.now_ms, a), a));
    TRY(job_start(c->w.core, tx, S("datasets"), a));
    return dataset_write_event(tx, &c->w, &d, S("dataset.remove"), a);
}

err_t dataset_remove(struct core *core, const struct principal *who, slice slug, struct arena *a)
{
    struct dataset_change c = { .w = { core, who, core_now_ms(core) }, .slug = slug };
    return meta_write(core->meta, apply_remove, &c, a);
}

enum { PIECE = 100 /* records that are removed in one write */ };

struct removal {
    struct core *core;
    int64_t now_ms;
    int64_t ready_id; /* a dataset without files and prefixes, whose table may go; 0: there is none */
    int64_t after_id; /* of the last one whose table is in use: it is left to a later run */
    bool more;
};

static err_t remove_files(struct meta_tx *tx, struct removal *r, const struct dataset *d,
                          const struct dataset_file_list *files, struct arena *a)
{
    struct account_use less = { 0 };
    for (size_t i = 0; i < files->count; i++) {
        err_t e = hold_remove(tx, files->items[i].id, dataset_holder_of(d->id), r->now_ms, a);
        if (e && !err_is(e, ERR_NOT_FOUND))
            return e;
        TRY(meta_dataset_file_remove(tx, files->items[i].id, a));
        less.records -= dataset_file_record_size(&files->items[i]);
    }
    return meta_account_use(tx, d->account_id, &less, a);
}

static err_t remove_prefixes(struct meta_tx *tx, const struct dataset *d, struct arena *a, int64_t *ret_count)
{
    struct account_use less = { 0 };
    int64_t account_id;
    for (*ret_count = 0; *ret_count < PIECE; ++*ret_count, less.records -= RECORD_BYTES) {
        err_t e = meta_prefix_forget(tx, 0, d->id, a, &account_id);
        if (err_is(e, ERR_NOT_FOUND))
            break;
        TRY(e);
    }
    return meta_account_use(tx, d->account_id, &less, a);
}

static err_t apply_remove_piece(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct removal *r = arg;
    struct dataset d;
    struct dataset_file_list files;
    int64_t prefixes;
    r->ready_id = 0;
    err_t e = meta_dataset_first_ended(tx, r->after_id, a, &d);
    r->more = !e;
    if (e)
        return err_is(e, ERR_NOT_FOUND) ? NULL : e;
    TRY(meta_dataset_file_each(tx, d.id, &(struct id_page){ 0, PIECE }, a, &files));
    if (files.count)
        return remove_files(tx, r, &d, &files, a);
    TRY(remove_prefixes(tx, &d, a, &prefixes));
    if (!prefixes)
        r->ready_id = d.id;
    return NULL;
}

static err_t apply_remove_record(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct removal *r = arg;
    struct dataset d;
    err_t e = meta_dataset_first_ended(tx, r->after_id, a, &d);
    if (e || d.id != r->ready_id)
        return err_is(e, ERR_NOT_FOUND) ? NULL : e;
    struct account_use less = { .records = -dataset_record_size(&d) };
    TRY(meta_dataset_remove(tx, d.id, a));
    return meta_account_use(tx, d.account_id, &less, a);
}

/* The table goes before the record that tells of it. */
static err_t remove_table(struct removal *r, struct arena *a)
{
    if (r->core->datasets)
        TRY(r->core->datasets->ops->remove(r->core->datasets, r->ready_id, a));
    return meta_write(r->core->meta, apply_remove_record, r, a);
}

err_t dataset_remove_ended(struct core *core, struct job_run *run, struct arena *a)
{
    struct removal r = { .core = core, .more = true };
    while (r.more && !garbage_is_held(core) && !job_is_stopping(run)) {
        SCRATCH(scratch);
        r.now_ms = core_now_ms(core);
        err_t e = meta_write(core->meta, apply_remove_piece, &r, &scratch);
        if (!e && r.ready_id)
            e = remove_table(&r, &scratch);
        bool in_use = err_is(e, ERR_CONFLICT);
        if (e && !in_use)
            return err_copy(a, e);
        if (in_use)
            r.after_id = r.ready_id;
        job_advance(run, r.more && !in_use ? 1 : 0);
    }
    return NULL;
}
