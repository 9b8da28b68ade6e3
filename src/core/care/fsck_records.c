/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of records, compared with their rows in both directions. A row is written before its set is made, and says that the set takes
 * bytes before the first records are committed. What it says is as old as the last run of an import that ended; the run of a process
 * that was killed may have written more. */
#include "core/care/fsck_priv.h"

#include "core/records/record_ids.h"
#include "core/records/record_set.h"
#include "core/store/record_set_store.h"
#include "core/store/record_store.h"
#include "core/store/sync_file_store.h"
#include "core/store/transaction.h"
#include "core/store/workspace_store.h"
#include "core/sync/sync_import.h"

enum { SETS_AT_ONCE = 100 };

/* "records:WORKSPACE/SECTION/DATA SOURCE" */
static err_t subject_of(struct meta_tx *tx, const struct record_set *set, struct arena *a, slice *ret)
{
    struct section section;
    struct workspace workspace;
    TRY(meta_section_get(tx, set->section_id, a, &section));
    TRY(meta_workspace_get(tx, section.workspace_id, a, &workspace));
    *ret = arena_printf(a, "records:" SLICE_FMT "/" SLICE_FMT "/" SLICE_FMT, SLICE_ARG(workspace.name),
                        SLICE_ARG(section.name), SLICE_ARG(set->data_source));
    return NULL;
}

/* ---- from the rows to the sets */

struct set_fault {
    enum fsck_severity severity;
    const char *what; /* NULL: there is none */
    slice detail;
    bool is_size; /* only the row is wrong */
    int64_t bytes;
};

static void compare_size(const struct record_set *set, uint64_t bytes, uint64_t records, struct arena *a,
                         struct set_fault *ret)
{
    int64_t said = set->bytes > 0 ? set->bytes : 0;
    int64_t more = (bytes < INT64_MAX ? (int64_t)bytes : INT64_MAX) - said;
    if (!said && records)
        *ret = (struct set_fault){ .severity = FSCK_ERROR,
                                   .what = "records of another time",
                                   .detail = arena_printf(a, "%llu of them", (unsigned long long)records) };
    else if (more > SYNC_UNMEASURED_BYTES || -more > SYNC_UNMEASURED_BYTES)
        *ret = (struct set_fault){ .severity = FSCK_WARNING,
                                   .what = "the records take another room than their row says",
                                   .detail = arena_printf(a, "%llu bytes, the row says %lld", (unsigned long long)bytes,
                                                          (long long)set->bytes),
                                   .is_size = true,
                                   .bytes = said + more };
}

static err_t find_fault(struct fsck *f, const struct record_set *set, struct arena *a, struct set_fault *ret)
{
    struct record_store *store = f->core->records;
    uint64_t bytes, records;
    *ret = (struct set_fault){ .severity = FSCK_ERROR };
    err_t e = f->options->quick ? NULL : store->ops->verify(store, set->id, a);
    if (!e)
        e = store->ops->size(store, set->id, a, &bytes, &records);
    if (!e)
        compare_size(set, bytes, records, a, ret);
    if (err_is(e, ERR_NOT_FOUND) && set->bytes)
        ret->what = "records missing";
    else if (err_is(e, ERR_CORRUPT))
        ret->what = "the records are damaged";
    else if (err_is(e, ERR_UNAVAILABLE)) /* a bad sector, for one: the other sets are checked all the same */
        ret->what = "the records cannot be read";
    if (ret->what && e)
        ret->detail = err_text_for_people(a, e);
    return ret->what || err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

/* Has no import changed the set since the row was read, and runs none that could have? */
static err_t is_settled(struct meta_tx *tx, const struct record_set *set, struct arena *a, bool *ret)
{
    struct record_set now;
    bool imports;
    TRY(meta_sync_file_has_open(tx, set->section_id, a, &imports));
    err_t e = meta_record_set_get(tx, set->id, a, &now);
    *ret = !e && !imports && now.bytes == set->bytes;
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

struct measuring {
    const struct record_set *set;
    int64_t bytes;
    bool is_done;
};

/* The counters of accounts are checked later. */
static err_t apply_measure(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct measuring *m = arg;
    int64_t more;
    TRY(is_settled(tx, m->set, a, &m->is_done));
    return m->is_done ? meta_record_set_measure(tx, m->set->id, m->bytes, a, &more) : NULL;
}

static err_t report_fault(struct fsck *f, const struct record_set *set, const struct set_fault *fault, struct arena *a)
{
    struct measuring m = { .set = set, .bytes = fault->bytes };
    bool settled;
    slice subject;
    {
        SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
        TRY(meta_read_begin(f->core->meta, a, &tx));
        TRY(is_settled(tx, set, a, &settled));
        TRY(subject_of(tx, set, a, &subject));
    }
    if (!settled && fault->is_size)
        return NULL;
    if (fault->is_size && f->options->repair)
        TRY(meta_write(f->core->meta, apply_measure, &m, a));
    fsck_add_finding(f, fault->severity, fault->what, subject, fault->detail, m.is_done);
    return NULL;
}

static err_t check_set(struct fsck *f, const struct record_set *set, struct arena *a)
{
    struct set_fault fault;
    TRY(find_fault(f, set, a, &fault));
    return fault.what ? report_fault(f, set, &fault, a) : NULL;
}

static err_t list_sets(struct fsck *f, int64_t after_id, struct arena *a, struct record_set_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(f->core->meta, a, &tx));
    return meta_record_set_list(tx, &(struct id_page){ after_id, SETS_AT_ONCE }, a, ret);
}

/* ---- from the sets to the rows */

static err_t check_set_has_row(void *arg, int64_t set_id)
{
    struct fsck *f = arg;
    SCRATCH(a);
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct record_set unused;
    err_t e = meta_read_begin(f->core->meta, &a, &tx);
    if (!e)
        e = meta_record_set_get(tx, set_id, &a, &unused);
    if (err_is(e, ERR_NOT_FOUND))
        fsck_add_finding(f, FSCK_WARNING, "records that no row names",
                         arena_printf(&a, "records:%lld", (long long)set_id), S(""), false);
    return err_is(e, ERR_NOT_FOUND) ? NULL : err_copy(f->a, e);
}

err_t fsck_check_record_sets(struct fsck *f)
{
    struct record_store *store = f->core->records;
    struct record_set_list page;
    int64_t after_id = 0;
    if (!store)
        return NULL;
    do {
        SCRATCH(scratch);
        err_t e = list_sets(f, after_id, &scratch, &page);
        for (size_t i = 0; !e && i < page.count; i++) {
            SCRATCH(own);
            after_id = page.items[i].id;
            e = err_copy(f->a, check_set(f, &page.items[i], &own));
        }
        if (e)
            return err_copy(f->a, e);
    } while (page.count == SETS_AT_ONCE);
    return store->ops->each(store, f->a, check_set_has_row, f);
}
