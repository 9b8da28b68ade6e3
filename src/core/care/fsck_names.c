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

static void add_holders(struct fsck *f, struct meta_tx *tx, int64_t file_id, struct buf *b, struct fsck_file *file,
                        struct arena *a)
{
    struct hold_list holds = { 0 };
    err_t e = meta_salvage_holds(tx, file_id, a, &holds);
    if (e)
        buf_add(b, S(", its holders cannot be read"));
    file->holders = arena_array(a, slice, holds.count + 1);
    for (size_t i = 0; i < holds.count; i++) {
        const struct holder_rules *rules = holder_rules_of(f->core, holds.items[i].holder.kind);
        slice holder = arena_printf(a, "%s:%lld", rules ? rules->name : "unknown", (long long)holds.items[i].holder.id);
        buf_printf(b, "%s" SLICE_FMT, i ? ", " : ", held by ", SLICE_ARG(holder));
        file->holders[file->holder_count++] = holder;
    }
}

static void add_file(struct fsck *f, struct meta_tx *tx, const struct file *file, struct buf *b,
                     struct fsck_about *about, struct arena *a)
{
    slice login = S("");
    struct fsck_file *named = &about->files[about->file_count++];
    err_t e = meta_salvage_login(tx, file->owner_id, a, &login);
    *named = (struct fsck_file){ .uuid = uuid_format(a, file->uuid), .name = file->name, .owner = e ? S("") : login };
    buf_printf(b, "\"" SLICE_FMT "\" of " SLICE_FMT, SLICE_ARG(file->name),
               SLICE_ARG(e ? S("an unknown owner") : login));
    add_holders(f, tx, file->id, b, named, a);
}

struct fsck_named fsck_name_file(struct fsck *f, struct meta_tx *tx, const struct file *file, struct arena *a)
{
    SCOPED(buf_releasep) struct buf b;
    struct fsck_named named = { .about.files = arena_new(a, struct fsck_file) };
    buf_init(&b, 0);
    add_file(f, tx, file, &b, &named.about, a);
    named.detail = arena_copy(a, buf_slice(&b));
    return named;
}

static void add_entries(struct meta_tx *tx, int64_t object_id, struct buf *b, struct fsck_about *about, struct arena *a)
{
    struct salvaged_entry_list entries = { 0 };
    if (meta_salvage_entries(tx, object_id, a, &entries))
        return;
    about->entries = arena_array(a, slice, NAMES_MAX);
    for (size_t i = 0; i < entries.count && i < NAMES_MAX; i++) {
        slice bucket = S("?");
        err_t e = meta_salvage_bucket(tx, entries.items[i].bucket_id, a, &bucket);
        slice parts[] = { e ? S("?") : bucket, S("/"), entries.items[i].key };
        about->entries[about->entry_count++] = arena_join(a, parts, LENGTH_OF(parts));
        buf_printf(b, "; entry " SLICE_FMT, SLICE_ARG(about->entries[i]));
    }
    if (entries.count > NAMES_MAX) {
        about->is_cut = true;
        buf_add(b, S("; and more"));
    }
}

static void add_files(struct fsck *f, struct meta_tx *tx, int64_t object_id, struct buf *b, struct fsck_about *about,
                      struct arena *a)
{
    struct file_list files = { 0 };
    if (meta_salvage_files_of(tx, object_id, NAMES_MAX + 1, a, &files))
        buf_add(b, S("; its files cannot be read"));
    about->files = arena_array(a, struct fsck_file, NAMES_MAX);
    for (size_t i = 0; i < files.count && i < NAMES_MAX; i++) {
        buf_printf(b, "; " SLICE_FMT " ", SLICE_ARG(event_file(a, &files.items[i])));
        add_file(f, tx, &files.items[i], b, about, a);
    }
    if (files.count > NAMES_MAX) {
        about->is_cut = true;
        buf_add(b, S("; and more"));
    }
}

struct fsck_named fsck_name_object(struct fsck *f, const struct object *object, slice detail, struct arena *a)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    SCOPED(buf_releasep) struct buf b;
    struct fsck_named named = { .about.blob_key = object->blob_key };
    buf_init(&b, 0);
    buf_add(&b, detail);
    if (object->blob_key.n && !slice_eq(detail, object->blob_key))
        buf_printf(&b, "; blob " SLICE_FMT, SLICE_ARG(object->blob_key));
    if (!meta_read_begin(f->core->meta, a, &tx)) {
        add_files(f, tx, object->id, &b, &named.about, a);
        add_entries(tx, object->id, &b, &named.about, a);
    }
    named.detail = arena_copy(a, buf_slice(&b));
    return named;
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
    struct fsck_named named = fsck_name_file(s->f, s->tx, file, a);
    slice parts[] = { named.detail,
                      !is_there           ? S("; only by the length and MD5 of its blob, if it has one")
                      : object.blob_key.n ? S("; blob ")
                                          : S(""),
                      is_there ? object.blob_key : S("") };
    named.detail = arena_join(a, parts, LENGTH_OF(parts));
    named.about.blob_key = is_there ? object.blob_key : S("");
    fsck_add_named(s->f, FSCK_NOTE, "can be saved", event_file(a, file), &named);
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
