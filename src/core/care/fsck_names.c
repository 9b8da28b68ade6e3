/* SPDX-License-Identifier: Apache-2.0 */
/* What a finding is about, in words that a person can act on: the file, its owner, what holds it, and its blob. */
#include "core/care/fsck_priv.h"

#include "base/buf.h"
#include "base/text.h"
#include "core/care/row_walk.h"
#include "core/event.h"
#include "core/file/holder.h"
#include "core/records/file.h"
#include "core/records/object.h"
#include "core/store/salvage_store.h"
#include "core/store/transaction.h"

enum { NAMES_MAX = 3 /* files of one object that are named */ };

static void add_holders(struct fsck *f, struct meta_tx *tx, int64_t file_id, struct buf *b, struct arena *a)
{
    struct hold_list holds = { 0 };
    err_t e = meta_salvage_holds(tx, file_id, a, &holds);
    if (e)
        buf_add(b, S(", its holders cannot be read"));
    for (size_t i = 0; i < holds.count; i++) {
        const struct holder_rules *rules = holder_rules_of(f->core, holds.items[i].holder.kind);
        buf_printf(b, "%s%s:%lld", i ? ", " : ", held by ", rules ? rules->name : "unknown",
                   (long long)holds.items[i].holder.id);
    }
}

static void add_file(struct fsck *f, struct meta_tx *tx, const struct file *file, struct buf *b, struct arena *a)
{
    slice login = S("an unknown owner");
    err_t e = meta_salvage_login(tx, file->owner_id, a, &login);
    buf_printf(b, "\"" SLICE_FMT "\" of " SLICE_FMT, SLICE_ARG(file->name),
               SLICE_ARG(e ? S("an unknown owner") : login));
    add_holders(f, tx, file->id, b, a);
}

slice fsck_name_file(struct fsck *f, struct meta_tx *tx, const struct file *file, struct arena *a)
{
    SCOPED(buf_releasep) struct buf b;
    buf_init(&b, 0);
    add_file(f, tx, file, &b, a);
    return arena_copy(a, buf_slice(&b));
}

static void add_entries(struct meta_tx *tx, int64_t object_id, struct buf *b, struct arena *a)
{
    struct salvaged_entry_list entries = { 0 };
    if (meta_salvage_entries(tx, object_id, a, &entries))
        return;
    for (size_t i = 0; i < entries.count && i < NAMES_MAX; i++) {
        slice bucket = S("?");
        err_t e = meta_salvage_bucket(tx, entries.items[i].bucket_id, a, &bucket);
        buf_printf(b, "; entry " SLICE_FMT "/" SLICE_FMT, SLICE_ARG(e ? S("?") : bucket),
                   SLICE_ARG(entries.items[i].key));
    }
    if (entries.count > NAMES_MAX)
        buf_add(b, S("; and more"));
}

slice fsck_name_object(struct fsck *f, const struct object *object, slice detail, struct arena *a)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    SCOPED(buf_releasep) struct buf b;
    struct file_list files = { 0 };
    buf_init(&b, 0);
    buf_add(&b, detail);
    if (object->blob_key.n && !slice_eq(detail, object->blob_key))
        buf_printf(&b, "; blob " SLICE_FMT, SLICE_ARG(object->blob_key));
    if (meta_read_begin(f->core->meta, a, &tx))
        return arena_copy(a, buf_slice(&b));
    if (meta_salvage_files_of(tx, object->id, NAMES_MAX + 1, a, &files))
        buf_add(&b, S("; its files cannot be read"));
    for (size_t i = 0; i < files.count && i < NAMES_MAX; i++) {
        buf_printf(&b, "; " SLICE_FMT " ", SLICE_ARG(event_file(a, &files.items[i])));
        add_file(f, tx, &files.items[i], &b, a);
    }
    if (files.count > NAMES_MAX)
        buf_add(&b, S("; and more"));
    add_entries(tx, object->id, &b, a);
    return arena_copy(a, buf_slice(&b));
}

/* ---- what can be saved of a damaged database ---- */

struct saving {
    struct fsck *f;
    struct meta_tx *tx;
};

static err_t read_file_row(struct meta_tx *tx, int64_t from_id, struct arena *a, void *row, int64_t *ret_id)
{
    TRY(meta_salvage_file(tx, from_id, a, row));
    *ret_id = ((struct file *)row)->id;
    return NULL;
}

static err_t report_savable(void *arg, const void *row, struct arena *a)
{
    struct saving *s = arg;
    const struct file *file = row;
    struct object object = { 0 };
    if (!file->object_id)
        return NULL;
    err_t e = meta_salvage_object(s->tx, file->object_id, a, &object);
    bool is_there = !e && object.id == file->object_id;
    slice parts[] = { fsck_name_file(s->f, s->tx, file, a),
                      !is_there           ? S("; only by the length and MD5 of its blob, if it has one")
                      : object.blob_key.n ? S("; blob ")
                                          : S(""),
                      is_there ? object.blob_key : S("") };
    fsck_add_finding(s->f, FSCK_NOTE, "can be saved", event_file(a, file), arena_join(a, parts, LENGTH_OF(parts)),
                     false);
    return NULL;
}

static void report_gap(void *arg, int64_t from_id, int64_t to_id, err_t why)
{
    struct saving *s = arg;
    SCRATCH(a);
    slice range = to_id == INT64_MAX
                      ? arena_printf(&a, "from number %lld on", (long long)from_id)
                      : arena_printf(&a, "numbers %lld to %lld", (long long)from_id, (long long)to_id - 1);
    slice parts[] = { range, S(": "), err_text_for_people(&a, why) };
    fsck_add_finding(s->f, FSCK_ERROR, "rows cannot be read", S("files"), arena_join(&a, parts, LENGTH_OF(parts)),
                     false);
}

err_t fsck_list_savable(struct fsck *f)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(f->core->meta, f->a, &tx));
    struct saving s = { f, tx };
    return row_walk_run(&(struct row_walk){ tx, sizeof(struct file), read_file_row, report_savable, report_gap, &s },
                        f->a);
}
