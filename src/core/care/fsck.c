/* SPDX-License-Identifier: Apache-2.0 */
/* Rows are read in pages, each page in its own snapshot, and bytes are read outside of any snapshot. So a long check
 * keeps no snapshot open, which would make the write-ahead log grow, and needs little memory. A row may therefore be
 * deleted between its snapshot and the look at its bytes; before a finding is reported, the row is looked up again. */
#include "core/care/fsck_priv.h"

#include "base/buf.h"
#include "core/access/access.h"
#include "core/care/data_dir.h"
#include "core/event.h"
#include "core/file/hold.h"
#include "core/object/sweep.h"
#include "core/records/bucket.h"
#include "core/records/entry.h"
#include "core/records/file.h"
#include "core/records/object.h"
#include "core/records/ticket.h"
#include "core/records/upload.h"
#include "core/store/account_store.h"
#include "core/store/blob_store.h"
#include "core/store/bucket_store.h"
#include "core/store/entry_store.h"
#include "core/store/file_store.h"
#include "core/store/object_store.h"
#include "core/store/remnant_store.h"
#include "core/store/ticket_store.h"
#include "core/store/transaction.h"
#include "core/store/upload_store.h"

#include <string.h>

enum { PIECE = 128 * 1024 };

static slice *copy_slices(const slice *from, size_t count, struct arena *a)
{
    slice *to = count ? arena_array(a, slice, count) : NULL;
    for (size_t i = 0; i < count; i++)
        to[i] = arena_copy(a, from[i]);
    return to;
}

static struct fsck_about copy_about(const struct fsck_about *from, struct arena *a)
{
    struct fsck_about to = *from;
    to.blob_key = arena_copy(a, from->blob_key);
    to.entries = copy_slices(from->entries, from->entry_count, a);
    to.files = from->file_count ? arena_array(a, struct fsck_file, from->file_count) : NULL;
    for (size_t i = 0; i < from->file_count; i++) {
        const struct fsck_file *f = &from->files[i];
        to.files[i] = (struct fsck_file){ .uuid = arena_copy(a, f->uuid),
                                          .name = arena_copy(a, f->name),
                                          .owner = arena_copy(a, f->owner),
                                          .holders = copy_slices(f->holders, f->holder_count, a),
                                          .holder_count = f->holder_count };
    }
    return to;
}

static void add_finding(struct fsck *f, const struct fsck_finding *finding)
{
    f->report->count[finding->severity]++;
    f->report->repaired += finding->repaired;
    if (f->options->on_finding)
        f->options->on_finding(f->options->arg, finding);
    if (f->report->listed == FSCK_LISTED)
        return;
    struct fsck_finding *kept = &f->list[f->report->listed++];
    *kept = *finding;
    kept->subject = arena_copy(f->a, finding->subject);
    kept->detail = arena_copy(f->a, finding->detail);
    kept->about = copy_about(&finding->about, f->a);
}

void fsck_add_finding(struct fsck *f, enum fsck_severity severity, const char *what, slice subject, slice detail,
                      bool repaired)
{
    add_finding(f, &(struct fsck_finding){ severity, what, subject, detail, repaired, { .file_count = 0 } });
}

void fsck_add_named(struct fsck *f, enum fsck_severity severity, const char *what, slice subject,
                    const struct fsck_named *named)
{
    add_finding(f, &(struct fsck_finding){ severity, what, subject, named->detail, false, named->about });
}

/* ---- objects ---- */

struct object_page {
    struct object objects[FSCK_PAGE];
    size_t count;
    struct arena *a;
};

static const struct err page_full = { .code = ERR_TOO_LARGE, .msg = "page full", .where = ERR_HERE };

static err_t add_to_page(void *arg, const struct object *object)
{
    struct object_page *page = arg;
    if (page->count == FSCK_PAGE)
        return &page_full;
    struct object *kept = &page->objects[page->count++];
    *kept = *object;
    kept->blob_key = arena_copy(page->a, object->blob_key);
    return NULL;
}

static err_t read_object_page(struct core *core, int64_t after_id, struct arena *a, struct object_page *page)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    page->count = 0;
    page->a = a;
    err_t e = meta_object_each(tx, after_id, a, add_to_page, page);
    return e == &page_full ? NULL : e;
}

static err_t read_object_record(struct core *core, int64_t id, struct arena *a, struct object *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_object_get(tx, id, a, ret);
}

/* Is the row still there? If it was deleted meanwhile, nothing about it is wrong. */
static err_t object_exists(struct core *core, int64_t id, struct arena *a, bool *ret)
{
    struct object again;
    err_t e = read_object_record(core, id, a, &again);
    *ret = !e;
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

/* Report an error about an object that still exists. */
static err_t report_object(struct fsck *f, const struct object *object, const char *what, slice detail, struct arena *a)
{
    bool there;
    TRY(object_exists(f->core, object->id, a, &there));
    if (!there)
        return NULL;
    struct fsck_named named = fsck_name_object(f, object, detail, a);
    fsck_add_named(f, FSCK_ERROR, what, arena_printf(a, "object:%lld", (long long)object->id), &named);
    return NULL;
}

static void reader_closep(struct blob_reader **r)
{
    blob_reader_closep(r);
}

static void tell_progress(struct fsck *f, const char *what, uint64_t read_bytes)
{
    if (f->options->on_progress)
        f->options->on_progress(f->options->arg, what, read_bytes, f->total_bytes);
}

static err_t blob_md5(struct fsck *f, struct blob_reader *reader, struct arena *a, unsigned char ret_md5[MD5_SIZE])
{
    uint64_t before = f->report->bytes - reader->size_bytes; /* this one is counted already */
    SCOPED(hash_freep) struct hash *md5 = hash_new(HASH_MD5);
    char *piece = arena_alloc(a, PIECE);
    size_t got = 1;
    for (uint64_t at = 0; at < reader->size_bytes && got > 0; at += got) {
        TRY(reader->ops->read_at(reader, at, piece, PIECE, a, &got));
        hash_update(md5, (slice){ piece, got });
        tell_progress(f, "objects", before + at + got);
    }
    hash_final(md5, ret_md5);
    return NULL;
}

static err_t check_blob(struct fsck *f, const struct object *object, struct arena *a)
{
    SCOPED(reader_closep) struct blob_reader *reader = NULL;
    err_t e = f->core->blob->ops->open(f->core->blob, object->blob_key, a, &reader);
    if (err_is(e, ERR_NOT_FOUND))
        return report_object(f, object, "bytes missing", object->blob_key, a);
    if (e)
        return report_object(f, object, "bytes cannot be read", err_text_for_people(a, e), a);
    if (reader->size_bytes != object->size_bytes)
        return report_object(f, object, "length differs",
                             arena_printf(a, "%llu bytes, the record says %llu", (unsigned long long)reader->size_bytes,
                                          (unsigned long long)object->size_bytes),
                             a);
    if (f->options->quick)
        return NULL;
    unsigned char md5[MD5_SIZE] = { 0 };
    e = blob_md5(f, reader, a, md5);
    if (e)
        return report_object(f, object, "bytes cannot be read", err_text_for_people(a, e), a);
    if (memcmp(md5, object->md5, MD5_SIZE) != 0)
        return report_object(f, object, "digest differs", object->blob_key, a);
    return NULL;
}

static err_t check_inline(struct fsck *f, const struct object *object, struct arena *a)
{
    struct object whole;
    err_t e = read_object_record(f->core, object->id, a, &whole);
    if (err_is(e, ERR_NOT_FOUND))
        return NULL; /* deleted meanwhile */
    TRY(e);
    unsigned char md5[MD5_SIZE];
    if (whole.inline_bytes.n != whole.size_bytes)
        return report_object(f, object, "length differs", S("inline"), a);
    hash_md5(whole.inline_bytes, md5);
    if (!f->options->quick && memcmp(md5, whole.md5, MD5_SIZE) != 0)
        return report_object(f, object, "digest differs", S("inline"), a);
    return NULL;
}

/* The fault in the parts of a composite; NULL: there is none. */
static const char *parts_fault(const struct object *whole, const struct object_part_list *parts)
{
    if (whole->blob_key.n || whole->inline_bytes.n)
        return "bytes of its own besides its parts";
    if ((int64_t)parts->count != whole->part_count)
        return "parts missing";
    uint64_t sum = 0;
    for (size_t i = 0; i < parts->count; i++) {
        const struct object_part *part = &parts->items[i];
        if (part->object.part_count)
            return "a part is put together itself";
        if (part->offset != sum)
            return "a part is out of its place";
        sum += part->object.size_bytes;
    }
    return sum == whole->size_bytes ? NULL : "length differs";
}

/* A composite has no bytes of its own: it is whole when its parts exist and add up. The bytes of the parts are checked
 * like those of any other object. */
static err_t check_parts(struct fsck *f, int64_t id, struct arena *a)
{
    struct object whole;
    struct object_part_list parts;
    bool is_loose;
    {
        SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
        TRY(meta_read_begin(f->core->meta, a, &tx));
        err_t e = meta_object_get(tx, id, a, &whole);
        if (err_is(e, ERR_NOT_FOUND))
            return NULL; /* deleted meanwhile */
        TRY(e);
        TRY(meta_composite_is_loose(tx, id, a, &is_loose));
        if (is_loose)
            return NULL;
        TRY(meta_object_parts(tx, id, a, &parts));
    }
    const char *fault = parts_fault(&whole, &parts);
    if (!fault && !f->options->quick) {
        unsigned char md5[MD5_SIZE];
        SCOPED(hash_freep) struct hash *of_parts = hash_new(HASH_MD5);
        for (size_t i = 0; i < parts.count; i++)
            hash_update(of_parts, (slice){ (const char *)parts.items[i].object.md5, MD5_SIZE });
        hash_final(of_parts, md5);
        fault = memcmp(md5, whole.md5, MD5_SIZE) != 0 ? "digest differs" : NULL;
    }
    return fault ? report_object(f, &whole, fault, arena_printf(a, "%zu parts", parts.count), a) : NULL;
}

/* An object to which nothing refers is reported and never removed, because a user may have lost it and want it back. */
static err_t check_is_referred_to(struct fsck *f, const struct object *object, struct arena *a)
{
    bool is_orphan;
    {
        SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
        TRY(meta_read_begin(f->core->meta, a, &tx));
        TRY(meta_object_is_orphan(tx, object->id, a, &is_orphan));
    }
    if (is_orphan)
        fsck_add_finding(f, FSCK_WARNING, "nothing refers to it", arena_printf(a, "object:%lld", (long long)object->id),
                         arena_printf(a, "%llu bytes", (unsigned long long)object->size_bytes), false);
    return NULL;
}

static err_t check_object(struct fsck *f, const struct object *object, struct arena *a)
{
    f->report->objects++;
    TRY(check_is_referred_to(f, object, a));
    if (object->part_count)
        return check_parts(f, object->id, a);
    f->report->bytes += object->size_bytes;
    return object->blob_key.n ? check_blob(f, object, a) : check_inline(f, object, a);
}

static err_t check_objects(struct fsck *f)
{
    int64_t after_id = 0;
    for (;;) {
        SCRATCH(scratch);
        struct object_page *page = arena_new(&scratch, struct object_page);
        err_t e = read_object_page(f->core, after_id, &scratch, page);
        for (size_t i = 0; i < page->count && !e; i++) {
            SCRATCH(own);
            const struct object *object = &page->objects[i];
            after_id = object->id;
            e = err_copy(f->a, check_object(f, object, &own));
            tell_progress(f, "objects", f->report->bytes);
        }
        if (e)
            return err_copy(f->a, e);
        if (page->count < FSCK_PAGE)
            return NULL;
    }
}

/* ---- files ---- */

static const char *file_fault(const struct file *file, bool has_object, bool fits)
{
    bool with_bytes = file->state == FILE_STORED || file->state == FILE_READY;
    if (with_bytes && !has_object)
        return "no bytes";
    if (has_object && !fits)
        return "length or digest is not its object's";
    if (!with_bytes && file->object_id)
        return "bytes in a state that has none";
    return NULL;
}

/* Does the life of the file follow from what holds it? */
static const char *life_fault(const struct file *file, bool is_held)
{
    if (file->state == FILE_STORED && is_held)
        return "held, but would be purged";
    if (file->state == FILE_READY && !is_held && !file->is_kept)
        return "nothing holds it, and it was not taken in to be kept";
    return NULL;
}

struct life_repair {
    struct core *core;
    int64_t file_id;
    bool is_done;
};

/* fsck_check_holds has compared the holds with their holders before: they are right. */
static err_t apply_life_repair(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct life_repair *r = arg;
    struct file file;
    bool is_held;
    TRY(meta_file_get(tx, r->file_id, a, &file));
    TRY(file_is_held(tx, file.id, a, &is_held));
    r->is_done = life_fault(&file, is_held) != NULL;
    if (!r->is_done)
        return NULL;
    return is_held ? meta_file_move(tx, file.id, FILE_STORED, FILE_READY, 0, a)
                   : meta_file_expire(tx, file.id, core_now_ms(r->core) + FSCK_UNHELD_MS, a);
}

/* A file of the page whose life is wrong; it is repaired after the snapshot of the page has ended. */
struct wrong_life {
    const struct file *file;
    const char *fault;
};
struct wrong_lives {
    struct wrong_life items[FSCK_PAGE];
    size_t count;
};

static err_t check_life(struct meta_tx *tx, const struct file *file, struct wrong_lives *wrong, struct arena *a)
{
    bool is_held;
    TRY(file_is_held(tx, file->id, a, &is_held));
    const char *fault = life_fault(file, is_held);
    if (fault)
        wrong->items[wrong->count++] = (struct wrong_life){ file, fault };
    return NULL;
}

static err_t repair_lives(struct fsck *f, const struct wrong_lives *wrong, struct arena *a)
{
    for (size_t i = 0; i < wrong->count; i++) {
        const struct file *file = wrong->items[i].file;
        struct life_repair repair = { .core = f->core, .file_id = file->id };
        err_t e = f->options->repair ? meta_write(f->core->meta, apply_life_repair, &repair, a) : NULL;
        if (e && e->code != ERR_NOT_FOUND) /* it was deleted meanwhile */
            return e;
        fsck_add_finding(f, FSCK_WARNING, wrong->items[i].fault, event_file(a, file), file->name, repair.is_done);
    }
    return NULL;
}

static const char *ticket_fault(const struct file *file, const struct ticket *ticket)
{
    if (!ticket)
        return file->state == FILE_ISSUED ? "waits for bytes, but has no ticket" : NULL;
    bool with_bytes = file->state == FILE_STORED || file->state == FILE_READY;
    if (ticket->confirmed_at_ms && !with_bytes)
        return "confirmed without bytes";
    if (ticket->confirmed_at_ms && file->size_bytes != ticket->declared_bytes)
        return "confirmed with another length than the one declared";
    return NULL;
}

static err_t check_ticket(struct fsck *f, struct meta_tx *tx, const struct file *file, struct arena *a)
{
    struct ticket ticket;
    err_t e = meta_ticket_get(tx, file->id, a, &ticket);
    if (e && e->code != ERR_NOT_FOUND)
        return e;
    const char *fault = ticket_fault(file, e ? NULL : &ticket);
    if (fault)
        fsck_add_finding(f, FSCK_WARNING, fault, event_file(a, file), file->name, false);
    return NULL;
}

static err_t check_file(struct fsck *f, struct meta_tx *tx, const struct file *file, struct wrong_lives *wrong,
                        struct arena *a)
{
    struct object object = { 0 };
    err_t e = file->object_id ? meta_object_get(tx, file->object_id, a, &object) : NULL;
    bool has_object = file->object_id && !e;
    if (e && e->code != ERR_NOT_FOUND)
        return e;
    bool fits = object.size_bytes == file->size_bytes && memcmp(object.md5, file->md5, MD5_SIZE) == 0;
    const char *fault = file_fault(file, has_object, fits);
    if (fault) {
        struct fsck_named named = fsck_name_file(f, tx, file, a);
        named.about.blob_key = object.blob_key;
        fsck_add_named(f, has_object ? FSCK_WARNING : FSCK_ERROR, fault, event_file(a, file), &named);
    }
    TRY(check_life(tx, file, wrong, a));
    return check_ticket(f, tx, file, a);
}

static err_t check_file_page(struct fsck *f, int64_t *before_id, struct wrong_lives *wrong, struct arena *a,
                             size_t *ret_count)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct file_query query = { .before_id = *before_id, .state = -1, .limit = FSCK_PAGE };
    struct file_list files;
    TRY(meta_read_begin(f->core->meta, a, &tx));
    TRY(meta_file_list(tx, &query, a, &files));
    *ret_count = files.count;
    for (size_t i = 0; i < files.count; i++) {
        SCRATCH(own);
        f->report->files++;
        *before_id = files.items[i].id;
        err_t e = check_file(f, tx, &files.items[i], wrong, &own);
        if (e)
            return err_copy(a, e);
    }
    return NULL;
}

static err_t check_files(struct fsck *f)
{
    int64_t before_id = 0;
    size_t count = FSCK_PAGE;
    while (count == FSCK_PAGE) {
        SCRATCH(scratch);
        struct wrong_lives *wrong = arena_new(&scratch, struct wrong_lives);
        err_t e = check_file_page(f, &before_id, wrong, &scratch, &count);
        if (!e)
            e = repair_lives(f, wrong, &scratch);
        if (e)
            return err_copy(f->a, e);
    }
    return NULL;
}

/* ---- buckets: entries, and parts of uploads ---- */

/* The facts that a record states about its object. */
struct object_claim {
    int64_t object_id;
    uint64_t size_bytes;
    const unsigned char *md5;
    int64_t part_count;
};

static err_t check_claim(struct fsck *f, struct meta_tx *tx, const struct object_claim *claim, slice subject,
                         slice detail, struct arena *a)
{
    struct object object;
    err_t e = meta_object_get(tx, claim->object_id, a, &object);
    if (err_is(e, ERR_NOT_FOUND))
        fsck_add_finding(f, FSCK_ERROR, "no bytes", subject, detail, false);
    else if (e)
        return e;
    else if (object.size_bytes != claim->size_bytes || memcmp(object.md5, claim->md5, MD5_SIZE) != 0 ||
             object.part_count != claim->part_count)
        fsck_add_finding(f, FSCK_WARNING, "length or digest is not its object's", subject, detail, false);
    return NULL;
}

struct entry_page {
    struct fsck *f;
    struct meta_tx *tx;
    const struct bucket *bucket;
    size_t count;
    slice last; /* in `a` */
    struct arena *a;
};

static err_t check_entry(void *arg, const struct entry *entry, bool *ret_stop)
{
    struct entry_page *page = arg;
    SCRATCH(own);
    page->f->report->entries++;
    struct object_claim claim = { entry->object_id, entry->size_bytes, entry->md5, entry->part_count };
    slice subject =
        arena_printf(&own, "entry:" SLICE_FMT "/" SLICE_FMT, SLICE_ARG(page->bucket->name), SLICE_ARG(entry->key));
    err_t e = check_claim(page->f, page->tx, &claim, subject, S(""), &own);
    if (e)
        return err_copy(page->a, e);
    *ret_stop = ++page->count == FSCK_PAGE;
    if (*ret_stop)
        page->last = arena_copy(page->a, entry->key);
    return NULL;
}

static err_t check_entries(struct fsck *f, const struct bucket *bucket)
{
    SCOPED(buf_releasep) struct buf after;
    buf_init(&after, 0);
    for (;;) {
        SCRATCH(scratch);
        SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
        err_t e = meta_read_begin(f->core->meta, &scratch, &tx);
        struct entry_page page = { .f = f, .tx = tx, .bucket = bucket, .a = &scratch };
        struct entry_range range = { .bucket_id = bucket->id, .from = buf_slice(&after), .from_after = after.n > 0 };
        if (!e)
            e = meta_entry_each(tx, &range, &scratch, check_entry, &page);
        if (e)
            return err_copy(f->a, e);
        if (page.count < FSCK_PAGE)
            return NULL;
        buf_clear(&after);
        buf_add(&after, page.last);
    }
}

static err_t check_upload(struct fsck *f, struct meta_tx *tx, const struct upload *upload, struct arena *a)
{
    struct upload_part_list parts;
    TRY(meta_part_list(tx, upload->id, 0, SIZE_MAX, a, &parts));
    for (size_t i = 0; i < parts.count; i++) {
        SCRATCH(own);
        struct object_claim claim = { parts.items[i].object_id, parts.items[i].size_bytes, parts.items[i].md5, 0 };
        slice subject = arena_printf(&own, "upload:" SLICE_FMT, SLICE_ARG(upload->name));
        slice detail = arena_printf(&own, "part %lld", (long long)parts.items[i].number);
        err_t e = check_claim(f, tx, &claim, subject, detail, &own);
        if (e)
            return err_copy(a, e);
    }
    return NULL;
}

/* Each upload is checked in its own snapshot; it has at most 10,000 parts. */
static err_t check_uploads(struct fsck *f, const struct bucket *bucket)
{
    SCOPED(buf_releasep) struct buf after_key;
    buf_init(&after_key, 0);
    int64_t after_id = 0;
    for (;;) {
        SCRATCH(scratch);
        SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
        struct upload_query query = {
            .bucket_id = bucket->id, .after_key = buf_slice(&after_key), .after_id = after_id, .limit = 1
        };
        struct upload_list next = { 0 };
        err_t e = meta_read_begin(f->core->meta, &scratch, &tx);
        if (!e)
            e = meta_upload_list(tx, &query, &scratch, &next);
        if (!e && next.count)
            e = check_upload(f, tx, &next.items[0], &scratch);
        if (e)
            return err_copy(f->a, e);
        if (!next.count)
            return NULL;
        buf_clear(&after_key);
        buf_add(&after_key, next.items[0].key);
        after_id = next.items[0].id;
    }
}

static err_t list_buckets(struct fsck *f, struct bucket_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(f->core->meta, f->a, &tx));
    return meta_bucket_list(tx, 0, &(struct bucket_range){ .limit = SIZE_MAX }, f->a, ret);
}

static err_t check_buckets(struct fsck *f)
{
    struct bucket_list buckets;
    TRY(list_buckets(f, &buckets));
    for (size_t i = 0; i < buckets.count; i++) {
        TRY(check_entries(f, &buckets.items[i]));
        TRY(check_uploads(f, &buckets.items[i]));
    }
    return NULL;
}

/* ---- the audit log ---- */

static err_t check_event_page(struct fsck *f, int64_t *after_id, struct arena *a, size_t *ret_count)
{
    struct event_list events;
    struct event_span span;
    TRY(event_page(f->core, *after_id, FSCK_PAGE, a, &events, &span));
    for (size_t i = 0; i < events.count; i++) {
        int64_t id = events.items[i].id;
        int64_t expected = *after_id + 1 > span.first_id ? *after_id + 1 : span.first_id;
        if (id != expected)
            fsck_add_finding(f, FSCK_WARNING, "events are missing before it",
                             arena_printf(a, "event:%lld", (long long)id),
                             arena_printf(a, "%lld", (long long)(id - expected)), false);
        *after_id = id;
    }
    *ret_count = events.count;
    return NULL;
}

/* Ids have no gaps, so a gap is an event that something other than cais removed. Of the oldest, which may be removed, the
 * store knows where they end. What follows the newest event leaves no trace. */
static err_t check_events(struct fsck *f)
{
    int64_t after_id = 0;
    size_t count = FSCK_PAGE;
    while (count == FSCK_PAGE) {
        SCRATCH(scratch);
        err_t e = check_event_page(f, &after_id, &scratch, &count);
        if (e)
            return err_copy(f->a, e);
    }
    return NULL;
}

/* ---- blobs, counters, the database ---- */

static void report_orphan(void *arg, slice key, uint64_t size_bytes)
{
    struct fsck *f = arg;
    SCRATCH(a);
    fsck_add_finding(f, FSCK_NOTE, "no record names it", arena_printf(&a, "blob:" SLICE_FMT, SLICE_ARG(key)),
                     arena_printf(&a, "%llu bytes", (unsigned long long)size_bytes), false);
}

static err_t check_blobs(struct fsck *f)
{
    struct sweep_report swept;
    struct sweep_request request = {
        .remove = f->options->repair, .is_confirmed = f->options->force, .on_orphan = report_orphan, .arg = f
    };
    err_t e = sweep_run(f->core, &request, f->a, &swept);
    if (e && e->code != ERR_CORRUPT)
        return e;
    if (e)
        fsck_add_finding(f, FSCK_ERROR, "too many blobs without a record", S("blobs"), slice_of(e->msg), false);
    f->report->blobs = swept.seen;
    f->report->repaired += swept.removed;
    return NULL;
}

struct usage_checking {
    bool repair;
    int64_t wrong;
};

static err_t apply_usage_check(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct usage_checking *usage = arg;
    return meta_usage_check(tx, usage->repair, a, &usage->wrong);
}

static err_t check_usage(struct fsck *f)
{
    struct usage_checking usage = { .repair = f->options->repair };
    if (usage.repair) {
        TRY(meta_write(f->core->meta, apply_usage_check, &usage, f->a));
    } else {
        SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
        TRY(meta_read_begin(f->core->meta, f->a, &tx));
        TRY(apply_usage_check(tx, &usage, f->a));
    }
    if (usage.wrong)
        fsck_add_finding(f, FSCK_WARNING, "usage counters are wrong", S("accounts"),
                         arena_printf(f->a, "%lld accounts and users", (long long)usage.wrong), usage.repair);
    return NULL;
}

static err_t apply_tree_check(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct usage_checking *usage = arg;
    return meta_tree_check(tx, usage->repair, a, &usage->wrong);
}

/* The sums of folders, branches and courses. */
static err_t check_trees(struct fsck *f)
{
    struct usage_checking usage = { .repair = f->options->repair };
    if (usage.repair) {
        TRY(meta_write(f->core->meta, apply_tree_check, &usage, f->a));
    } else {
        SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
        TRY(meta_read_begin(f->core->meta, f->a, &tx));
        TRY(apply_tree_check(tx, &usage, f->a));
    }
    if (usage.wrong)
        fsck_add_finding(f, FSCK_WARNING, "sums of folders are wrong", S("spaces"),
                         arena_printf(f->a, "%lld rows", (long long)usage.wrong), usage.repair);
    return NULL;
}

static void report_lost_key(void *arg, int64_t id, err_t why)
{
    struct fsck *f = arg;
    SCRATCH(a);
    fsck_add_finding(f, FSCK_WARNING, "cannot be opened with this master key",
                     arena_printf(&a, "key:%lld", (long long)id), err_text_for_people(&a, why), false);
}

/* What a row says that cannot be read is not known: so nothing is proven, and nothing is repaired any more. */
static void note_damage(struct fsck *f)
{
    f->is_damaged = true;
    f->own_options.repair = false;
}

static err_t check_database(struct fsck *f)
{
    err_t e = f->options->quick ? NULL : meta_verify(f->core->meta, f->a);
    if (!err_is(e, ERR_CORRUPT))
        return e;
    note_damage(f);
    for (slice text = err_text_for_people(f->a, e), line, rest; text.n; text = rest) {
        line = text;
        rest = S("");
        slice_cut(text, '\n', &line, &rest);
        fsck_add_finding(f, FSCK_ERROR, "the database is damaged", S("database"), line, false);
    }
    return NULL;
}

/* What all accounts have, which is what will be read; what is removed but still on the disk is not in it. */
static void estimate_bytes(struct fsck *f)
{
    struct account_list accounts;
    if (f->options->quick || account_list(f->core, f->a, &accounts))
        return;
    for (size_t i = 0; i < accounts.count; i++)
        f->total_bytes += accounts.items[i].used_bytes > 0 ? (uint64_t)accounts.items[i].used_bytes : 0;
}

/* A check that comes to a damaged page ends, and the next one goes on. */
static err_t go_on_if_damaged(struct fsck *f, const char *what, err_t e)
{
    if (!err_is(e, ERR_CORRUPT))
        return e;
    note_damage(f);
    fsck_add_finding(f, FSCK_ERROR, "cannot be checked to the end", slice_of(what), err_text_for_people(f->a, e),
                     false);
    return NULL;
}

static void check_loss(struct fsck *f)
{
    if (f->core->options.records_were_lost)
        fsck_add_finding(f, FSCK_WARNING, "records were lost with the end of a damaged write-ahead log", S("database"),
                         S("no blob without a record is removed while " DATA_DIR_DATABASE "-wal-damaged is there"),
                         false);
}

static void report_row(void *arg, const char *what, slice subject)
{
    fsck_add_finding(arg, FSCK_ERROR, what, subject, S("no version of cais wrote this row"), false);
}

static err_t check_rows(struct fsck *f)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(f->core->meta, f->a, &tx));
    return meta_check_rows(tx, f->a, report_row, f);
}

static err_t check_keys(struct fsck *f)
{
    return key_each_lost(f->core, 0, f->a, report_lost_key, f);
}

err_t fsck_run(struct core *core, const struct fsck_options *options, struct arena *a, struct fsck_report *ret)
{
    struct fsck_report report = { 0 };
    struct fsck f = { .core = core,
                      .own_options = *options,
                      .a = a,
                      .list = arena_array(a, struct fsck_finding, FSCK_LISTED),
                      .report = &report };
    f.options = &f.own_options;
    static const struct {
        const char *what;
        err_t (*check)(struct fsck *);
    } checks[] = { { "rows", check_rows },
                   { "objects", check_objects },
                   { "holds", fsck_check_holds },
                   { "removed tasks", fsck_check_removed_tasks },
                   { "files", check_files },
                   { "buckets", check_buckets },
                   { "blobs", check_blobs },
                   { "transfers", fsck_check_transfers },
                   { "datasets", fsck_check_datasets },
                   { "records", fsck_check_record_sets },
                   { "sync files", fsck_check_sync_files },
                   { "folders", check_trees },
                   { "accounts", check_usage },
                   { "events", check_events },
                   { "keys", check_keys } };
    check_loss(&f);
    tell_progress(&f, "database", 0);
    TRY(check_database(&f));
    estimate_bytes(&f);
    for (size_t i = 0; i < LENGTH_OF(checks); i++) {
        tell_progress(&f, checks[i].what, report.bytes);
        TRY(go_on_if_damaged(&f, checks[i].what, checks[i].check(&f)));
    }
    if (f.is_damaged)
        TRY(fsck_list_savable(&f));
    report.list = f.list;
    *ret = report;
    return NULL;
}
