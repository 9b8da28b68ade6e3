/* SPDX-License-Identifier: Apache-2.0 */
/* Holds and holders, compared in both directions. Each page is read in one snapshot, in which a hold and the record of its
 * holder are there together or not at all. A repair checks again inside its write. */
#include "core/care/fsck_priv.h"

#include "core/event.h"
#include "core/file/hold.h"
#include "core/file/lifecycle.h"
#include "core/store/file_store.h"
#include "core/store/hold_store.h"
#include "core/store/transaction.h"

/* A hold that is to be added or removed. */
struct hold_repair {
    struct core *core;
    const struct holder_rules *rules;
    const struct hold *hold;
    bool is_done;
};

static err_t find_file(struct core *core, int64_t id, struct arena *a, struct file *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_file_get(tx, id, a, ret);
}

static err_t report_hold(struct fsck *f, const struct hold *hold, const char *what, bool repaired, struct arena *a)
{
    struct file file;
    const struct holder_rules *rules = holder_rules_of(f->core, hold->holder.kind);
    err_t e = find_file(f->core, hold->file_id, a, &file);
    if (e && e->code != ERR_NOT_FOUND)
        return e;
    slice subject = e ? arena_printf(a, "file:%lld", (long long)hold->file_id) : event_file(a, &file);
    slice detail = rules ? arena_printf(a, "%s:%lld", rules->name, (long long)hold->holder.id)
                         : arena_printf(a, "kind %d", hold->holder.kind);
    fsck_add_finding(f, FSCK_WARNING, what, subject, detail, repaired);
    return NULL;
}

/* Repair each hold of the list when that is wanted, in a write of its own, and report it. */
static err_t repair_and_report(struct fsck *f, const struct hold_list *wrong, meta_apply_fn *apply, const char *what,
                               struct arena *a)
{
    for (size_t i = 0; i < wrong->count; i++) {
        const struct hold *hold = &wrong->items[i];
        struct hold_repair repair = { .core = f->core,
                                      .rules = holder_rules_of(f->core, hold->holder.kind),
                                      .hold = hold };
        if (f->options->repair && repair.rules)
            TRY(meta_write(f->core->meta, apply, &repair, a));
        TRY(report_hold(f, hold, repair.rules ? what : "held by a holder of an unknown kind", repair.is_done, a));
    }
    return NULL;
}

/* ---- what a holder refers to, and does not hold ---- */

static err_t is_missing(struct meta_tx *tx, const struct hold *hold, struct arena *a, bool *ret_missing)
{
    bool has;
    TRY(meta_hold_has(tx, hold, a, &has));
    *ret_missing = !has;
    return NULL;
}

/* The file may be due; the holder's record proves that it must stay. */
static err_t apply_add_hold(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct hold_repair *r = arg;
    int64_t now_ms = core_now_ms(r->core);
    bool refers, missing;
    struct file file;
    r->is_done = false;
    TRY(r->rules->refers(tx, r->hold->holder.id, r->hold->file_id, a, &refers));
    TRY(is_missing(tx, r->hold, a, &missing));
    if (!refers || !missing)
        return NULL;
    TRY(meta_file_get(tx, r->hold->file_id, a, &file));
    if (file.state != FILE_STORED && file.state != FILE_READY)
        return NULL;
    if (file_purge_is_due(&file, now_ms))
        TRY(meta_file_move(tx, file.id, file.state, FILE_READY, 0, a));
    TRY(hold_add(tx, file.id, r->hold->holder, now_ms, a));
    r->is_done = true;
    return NULL;
}

static err_t list_missing(struct fsck *f, const struct holder_rules *rules, int64_t *after, struct arena *a,
                          struct hold_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct hold_list page;
    TRY(meta_read_begin(f->core->meta, a, &tx));
    TRY(rules->list_files(tx, after, FSCK_PAGE, a, &page));
    *ret = (struct hold_list){ page.items, 0 };
    for (size_t i = 0; i < page.count; i++) {
        bool missing;
        TRY(is_missing(tx, &page.items[i], a, &missing));
        if (missing)
            ret->items[ret->count++] = page.items[i];
    }
    return NULL;
}

static err_t check_references(struct fsck *f, const struct holder_rules *rules)
{
    int64_t after = 0, before;
    do {
        SCRATCH(scratch);
        struct hold_list missing;
        before = after;
        err_t e = list_missing(f, rules, &after, &scratch, &missing);
        if (!e)
            e = repair_and_report(f, &missing, apply_add_hold, "not held by what refers to it", &scratch);
        if (e)
            return err_copy(f->a, e);
    } while (after != before);
    return NULL;
}

/* ---- what is held by a holder that does not refer to it ---- */

/* A holder that has ended may hold files until they are released. */
static err_t is_stale(struct meta_tx *tx, const struct holder_rules *rules, const struct hold *hold, struct arena *a,
                      bool *ret_stale)
{
    bool refers, has_ended, has;
    TRY(rules->refers(tx, hold->holder.id, hold->file_id, a, &refers));
    TRY(meta_ended_holder_has(tx, hold->holder, a, &has_ended));
    TRY(meta_hold_has(tx, hold, a, &has));
    *ret_stale = has && !refers && !has_ended;
    return NULL;
}

static err_t apply_remove_hold(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct hold_repair *r = arg;
    TRY(is_stale(tx, r->rules, r->hold, a, &r->is_done));
    if (!r->is_done)
        return NULL;
    return hold_remove(tx, r->hold->file_id, r->hold->holder, core_now_ms(r->core) + FSCK_UNHELD_MS, a);
}

static err_t list_stale(struct fsck *f, struct hold *after, struct arena *a, struct hold_list *ret, bool *ret_more)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct hold_list page;
    TRY(meta_read_begin(f->core->meta, a, &tx));
    TRY(meta_hold_list(tx, after, FSCK_PAGE, a, &page));
    *ret = (struct hold_list){ page.items, 0 };
    *ret_more = page.count == FSCK_PAGE;
    for (size_t i = 0; i < page.count; i++) {
        const struct holder_rules *rules = holder_rules_of(f->core, page.items[i].holder.kind);
        bool stale = true;
        *after = page.items[i];
        if (rules)
            TRY(is_stale(tx, rules, after, a, &stale));
        if (stale)
            ret->items[ret->count++] = *after;
    }
    return NULL;
}

err_t fsck_check_holds(struct fsck *f)
{
    for (const struct holder_rules *const *rules = f->core->holders; *rules; rules++)
        TRY(check_references(f, *rules));
    struct hold after = { 0 };
    bool more;
    do {
        SCRATCH(scratch);
        struct hold_list stale;
        err_t e = list_stale(f, &after, &scratch, &stale, &more);
        if (!e)
            e = repair_and_report(f, &stale, apply_remove_hold, "held by a holder that does not refer to it", &scratch);
        if (e)
            return err_copy(f->a, e);
    } while (more);
    return NULL;
}
