/* SPDX-License-Identifier: Apache-2.0 */
/* Rows are read one at a time (row_walk.h). Only the names of what is out are kept in memory, so that nothing comes out again as
 * unnamed. */
#include "core/care/salvage.h"

#include "base/dir.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/scoped.h"
#include "base/text.h"
#include "core/care/data_dir.h"
#include "core/care/row_walk.h"
#include "core/care/salvage_out.h"
#include "core/store/blob_store.h"
#include "core/store/salvage_store.h"
#include "core/store/transaction.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 128 * 1024, SET_START = 1024, WANTED_LISTS = 1 << 16 };

/* ---- a set of texts ---- */

struct text_set {
    slice *slots; /* open addressing, at most half full */
    size_t size, used;
};

static size_t slot_of(const struct text_set *set, slice text)
{
    size_t i = (size_t)(slice_hash(text) * 0x9e3779b97f4a7c15u >> 20) & (set->size - 1);
    while (set->slots[i].p && !slice_eq(set->slots[i], text))
        i = (i + 1) & (set->size - 1);
    return i;
}

static bool set_has(const struct text_set *set, slice text)
{
    return set->size && set->slots[slot_of(set, text)].p;
}

static void set_add(struct text_set *set, slice text, struct arena *a)
{
    if (set->used * 2 >= set->size) {
        struct text_set old = *set;
        set->size = old.size ? old.size * 2 : SET_START;
        set->slots = must_malloc(set->size * sizeof *set->slots);
        for (size_t i = 0; i < old.size; i++)
            if (old.slots[i].p)
                set->slots[slot_of(set, old.slots[i])] = old.slots[i];
        free(old.slots);
    }
    size_t slot = slot_of(set, text);
    set->used += !set->slots[slot].p;
    if (!set->slots[slot].p)
        set->slots[slot] = arena_copy(a, text);
}

static slice id_text(const int64_t *id)
{
    return (slice){ (const char *)id, sizeof *id };
}

/* ---- what is salvaged ---- */

/* A file whose bytes were not found by its row. */
struct wanted {
    uint64_t size_bytes;
    unsigned char md5[MD5_SIZE];
    slice name, unique;
    slice line; /* of the list, without its end */
    struct wanted *next;
};

struct salvage {
    const struct salvage_params *params;
    struct salvage_out *out;
    struct meta_tx *tx; /* NULL: no row can be read */
    struct salvage_report *report;
    struct arena *a;
    struct text_set keys;    /* of blobs that a row names */
    struct text_set objects; /* that are out */
    struct wanted **wanted;  /* WANTED_LISTS, by the first bytes of the MD5 */
    err_t failed;            /* the error of a visit to a blob, which is not one of reading the folders */
};

static struct wanted **wanted_with(struct salvage *s, const unsigned char *md5)
{
    return &s->wanted[(unsigned)md5[0] << 8 | md5[1]];
}

static void salvage_releasep(struct salvage *s)
{
    free(s->keys.slots);
    free(s->objects.slots);
}

/* ---- lines of the list ---- */

struct line {
    struct buf text;
    struct json_out o;
};

static void line_begin(struct line *l, const char *kind)
{
    buf_init(&l->text, 0);
    json_out_init(&l->o, &l->text);
    json_open_object(&l->o);
    json_put_string(&l->o, "kind", slice_of(kind));
}

static void line_end(struct salvage *s, struct line *l)
{
    json_close_object(&l->o);
    salvage_out_list(s->out, buf_slice(&l->text));
    buf_release(&l->text);
}

static void list_problem(struct salvage *s, slice what, slice why)
{
    struct line l;
    s->report->problems++;
    line_begin(&l, "problem");
    json_put_string(&l.o, "what", what);
    json_put_string(&l.o, "reason", why);
    line_end(s, &l);
}

/* What became of the bytes. error: NULL: they could be read to their end. */
struct outcome {
    slice path; /* empty: nothing is out */
    bool is_matched;
    uint64_t size_bytes;
    unsigned char md5[MD5_SIZE];
    slice reason; /* why they are not matched */
};

static void put_outcome(struct salvage *s, struct line *l, const struct outcome *o)
{
    if (o->path.n)
        json_put_string(&l->o, "path", o->path);
    json_put_bool(&l->o, "matched", o->is_matched);
    if (o->reason.n)
        json_put_string(&l->o, "reason", o->reason);
    s->report->wrong += o->path.n && !o->is_matched;
    s->report->missing += !o->path.n;
}

/* ---- copying bytes ---- */

struct copy {
    struct salvage *s;
    int fd;
    struct hash *md5;
    uint64_t written;
    err_t failed_write; /* ends the salvage; what cannot be read does not */
};

static err_t write_piece(struct copy *c, slice bytes, struct arena *a)
{
    while (bytes.n) {
        ssize_t n = TEMP_FAILURE_RETRY(write(c->fd, bytes.p, bytes.n));
        if (n < 0)
            return c->failed_write = err_errno(a, errno, "cannot write what was salvaged");
        hash_update(c->md5, slice_part(bytes, 0, (size_t)n));
        c->written += (uint64_t)n;
        bytes = slice_from(bytes, (size_t)n);
    }
    return NULL;
}

static void reader_closep(struct blob_reader **r)
{
    blob_reader_closep(r);
}

static err_t copy_reader(struct copy *c, struct blob_reader *reader, struct arena *a)
{
    char *piece = arena_alloc(a, PIECE);
    size_t got = 1;
    for (uint64_t at = 0; at < reader->size_bytes && got > 0; at += got) {
        TRY(reader->ops->read_at(reader, at, piece, PIECE, a, &got));
        TRY(write_piece(c, (slice){ piece, got }, a));
    }
    return NULL;
}

static err_t open_blob(struct salvage *s, slice key, bool is_growing, struct arena *a, struct blob_reader **ret)
{
    struct blob_store *blob = s->params->blob;
    if (!blob)
        return err_make(a, ERR_NOT_FOUND, "there are no blobs");
    return is_growing ? blob->ops->open_growing(blob, key, a, ret) : blob->ops->open(blob, key, a, ret);
}

/* Where the bytes of one thing come from. */
struct source {
    const struct object *object; /* NULL: a blob without a row */
    slice key;
    bool is_growing;
};

static err_t copy_object(struct copy *c, const struct object *object, struct arena *a);

static err_t read_object(struct salvage *s, int64_t id, struct arena *a, struct object *ret)
{
    TRY(meta_salvage_object(s->tx, id, a, ret));
    return ret->id == id ? NULL : err_make(a, ERR_NOT_FOUND, "object %lld has no row", (long long)id);
}

/* The MD5 of a composite is that of the MD5s of its parts, so each part is compared with its own. */
static err_t copy_parts(struct copy *c, const struct object *whole, struct arena *a)
{
    struct file_id_list parts;
    TRY(meta_salvage_parts(c->s->tx, whole->id, a, &parts));
    if ((int64_t)parts.count != whole->part_count)
        return err_make(a, ERR_CORRUPT, "%zu of %lld parts have a row", parts.count, (long long)whole->part_count);
    for (size_t i = 0; i < parts.count; i++) {
        SCRATCH(own);
        struct object part;
        unsigned char md5[MD5_SIZE];
        struct hash *of_whole = c->md5;
        err_t e = read_object(c->s, parts.items[i], &own, &part);
        if (!e && part.part_count)
            e = err_make(&own, ERR_CORRUPT, "a part is a composite");
        c->md5 = hash_new(HASH_MD5);
        if (!e)
            e = copy_object(c, &part, &own);
        hash_final(c->md5, md5);
        hash_free(c->md5);
        c->md5 = of_whole;
        if (!e && memcmp(md5, part.md5, MD5_SIZE) != 0)
            e = err_make(&own, ERR_CORRUPT, "the bytes of part %zu are not those that were stored", i + 1);
        if (e) {
            c->failed_write = err_copy(a, c->failed_write);
            return err_copy(a, e);
        }
        hash_update(c->md5, (slice){ (const char *)md5, MD5_SIZE });
        set_add(&c->s->objects, id_text(&part.id), c->s->a);
    }
    return NULL;
}

static err_t copy_blob(struct copy *c, slice key, bool is_growing, struct arena *a)
{
    SCOPED(reader_closep) struct blob_reader *reader = NULL;
    TRY(open_blob(c->s, key, is_growing, a, &reader));
    return copy_reader(c, reader, a);
}

static err_t copy_object(struct copy *c, const struct object *object, struct arena *a)
{
    if (object->part_count) {
        /* Of a composite, what is hashed above are digests; its bytes are hashed part by part. */
        return copy_parts(c, object, a);
    }
    if (object->blob_key.n)
        return copy_blob(c, object->blob_key, false, a);
    return write_piece(c, object->inline_bytes, a);
}

/* Copies the bytes to a new file, which is removed again when there are none of the bytes that there should be. */
static err_t copy_out(struct salvage *s, const struct source *source, const struct salvage_place *place,
                      struct arena *a, struct outcome *ret)
{
    const struct object *object = source->object;
    SCOPED(hash_freep) struct hash *md5 = hash_new(HASH_MD5);
    SCOPED(fd_closep) int fd = -1;
    *ret = (struct outcome){ 0 };
    TRY(salvage_out_create(s->out, place, a, &fd, &ret->path));
    struct copy c = { .s = s, .fd = fd, .md5 = md5 };
    err_t e = object ? copy_object(&c, object, a) : copy_blob(&c, source->key, source->is_growing, a);
    TRY(c.failed_write);
    hash_final(c.md5, ret->md5);
    ret->size_bytes = c.written;
    s->report->bytes += c.written;
    ret->is_matched =
        !e && (!object || (c.written == object->size_bytes && memcmp(ret->md5, object->md5, MD5_SIZE) == 0));
    if (object)
        set_add(&s->objects, id_text(&object->id), s->a);
    if (e)
        ret->reason = err_text_for_people(a, e);
    else if (!ret->is_matched)
        ret->reason = S("the bytes are not those that were stored");
    if (e && !c.written) {
        TRY(salvage_out_remove(s->out, ret->path, a));
        ret->path = S("");
    }
    return NULL;
}

/* ---- rows ---- */

static void list_gap(struct salvage *s, const char *what, int64_t from_id, int64_t to_id, err_t why)
{
    SCRATCH(a);
    slice range = to_id == INT64_MAX
                      ? arena_printf(&a, "%s from %lld on", what, (long long)from_id)
                      : arena_printf(&a, "%s from %lld to below %lld", what, (long long)from_id, (long long)to_id);
    list_problem(s, range, err_text_for_people(&a, why));
}

static void list_gap_of_files(void *arg, int64_t from_id, int64_t to_id, err_t why)
{
    list_gap(arg, "files", from_id, to_id, why);
}

static void list_gap_of_objects(void *arg, int64_t from_id, int64_t to_id, err_t why)
{
    list_gap(arg, "objects", from_id, to_id, why);
}

/* ---- what a row says about people ---- */

static void put_account(struct salvage *s, struct line *l, int64_t account_id, struct arena *a)
{
    slice name;
    if (!meta_salvage_account(s->tx, account_id, a, &name))
        json_put_string(&l->o, "account", name);
}

static void put_owner(struct salvage *s, struct line *l, int64_t account_id, int64_t owner_id, struct arena *a)
{
    slice login;
    if (!meta_salvage_login(s->tx, owner_id, a, &login))
        json_put_string(&l->o, "owner", login);
    put_account(s, l, account_id, a);
}

static const char *holder_name(int kind)
{
    switch (kind) {
#define HOLDER(number, NAME, name, what)                                                                               \
    case HOLDER_##NAME:                                                                                                \
        return #name;
#include "core/records/holders.def"
#undef HOLDER
    default:
        return "unknown";
    }
}

static void put_holders(struct salvage *s, struct line *l, int64_t file_id, struct arena *a)
{
    struct hold_list holds;
    if (meta_salvage_holds(s->tx, file_id, a, &holds))
        return;
    json_name(&l->o, "holders");
    json_open_array(&l->o);
    for (size_t i = 0; i < holds.count; i++)
        json_add_string(&l->o, arena_printf(a, "%s:%lld", holder_name(holds.items[i].holder.kind),
                                            (long long)holds.items[i].holder.id));
    json_close_array(&l->o);
}

static void put_object(struct line *l, uint64_t size_bytes, const unsigned char *md5, const struct object *object,
                       struct arena *a)
{
    json_put_int(&l->o, "size", (int64_t)size_bytes);
    json_put_string(&l->o, "md5", hex_encode(a, (slice){ (const char *)md5, MD5_SIZE }));
    if (!object)
        return;
    json_put_int(&l->o, "object", object->id);
    if (object->part_count)
        json_put_int(&l->o, "parts", object->part_count);
    if (object->blob_key.n)
        json_put_string(&l->o, "blob", object->blob_key);
}

static const char *state_name(enum file_state state)
{
    static const char *const names[] = { "issued", "stored", "ready", "expired" };
    return (size_t)state < LENGTH_OF(names) ? names[state] : "unknown";
}

/* ---- files ---- */

static err_t read_file_row(struct meta_tx *tx, int64_t from_id, struct arena *a, void *row, int64_t *ret_id)
{
    TRY(meta_salvage_file(tx, from_id, a, row));
    *ret_id = ((struct file *)row)->id;
    return NULL;
}

static void want(struct salvage *s, const struct file *file, slice unique, struct line *l)
{
    struct wanted *w = arena_new(s->a, struct wanted);
    *w = (struct wanted){ .size_bytes = file->size_bytes,
                          .name = arena_copy(s->a, file->name),
                          .unique = arena_copy(s->a, unique),
                          .line = arena_copy(s->a, buf_slice(&l->text)),
                          .next = *wanted_with(s, file->md5) };
    memcpy(w->md5, file->md5, MD5_SIZE);
    *wanted_with(s, file->md5) = w;
    buf_release(&l->text);
}

static err_t use_file(void *arg, const void *row, struct arena *a)
{
    struct salvage *s = arg;
    const struct file *file = row;
    struct object object = { 0 };
    if (!file->object_id)
        return NULL; /* it has no bytes yet */
    err_t e = read_object(s, file->object_id, a, &object);
    slice uuid = uuid_format(a, file->uuid);
    struct line l;
    line_begin(&l, "file");
    json_put_string(&l.o, "id", uuid);
    json_put_string(&l.o, "name", file->name);
    put_owner(s, &l, file->account_id, file->owner_id, a);
    json_put_string(&l.o, "state", slice_of(state_name(file->state)));
    put_holders(s, &l, file->id, a);
    put_object(&l, file->size_bytes, file->md5, e ? NULL : &object, a);
    if (e) {
        want(s, file, uuid, &l);
        return NULL;
    }
    struct outcome outcome = { 0 };
    struct salvage_place place = { .folder = "files", .name = file->name, .unique = uuid };
    e = copy_out(s, &(struct source){ .object = &object }, &place, a, &outcome);
    if (!e && outcome.is_matched && memcmp(file->md5, object.md5, MD5_SIZE) != 0) {
        outcome.is_matched = false;
        outcome.reason = S("the rows of the file and of its object differ");
    }
    put_outcome(s, &l, &outcome);
    s->report->files += outcome.is_matched;
    line_end(s, &l);
    return e;
}

/* ---- objects ---- */

static err_t read_object_row(struct meta_tx *tx, int64_t from_id, struct arena *a, void *row, int64_t *ret_id)
{
    TRY(meta_salvage_object(tx, from_id, a, row));
    *ret_id = ((struct object *)row)->id;
    return NULL;
}

static err_t use_entry(struct salvage *s, const struct object *object, const struct salvaged_entry *entry,
                       struct arena *a)
{
    slice bucket = S("unknown");
    err_t e = meta_salvage_bucket(s->tx, entry->bucket_id, a, &bucket);
    struct outcome outcome = { 0 };
    struct salvage_place place = { .folder = "buckets",
                                   .subfolder =
                                       e ? arena_printf(a, "bucket-%lld", (long long)entry->bucket_id) : bucket,
                                   .name = entry->key,
                                   .unique = arena_printf(a, "%lld", (long long)object->id) };
    struct line l;
    line_begin(&l, "entry");
    json_put_string(&l.o, "bucket", place.subfolder);
    json_put_string(&l.o, "name", entry->key);
    put_account(s, &l, object->account_id, a);
    put_object(&l, object->size_bytes, object->md5, object, a);
    e = copy_out(s, &(struct source){ .object = object }, &place, a, &outcome);
    put_outcome(s, &l, &outcome);
    s->report->entries += outcome.is_matched;
    line_end(s, &l);
    return e;
}

/* The first look at an object: its entries. */
static err_t use_named_object(void *arg, const void *row, struct arena *a)
{
    struct salvage *s = arg;
    const struct object *object = row;
    struct salvaged_entry_list entries = { 0 };
    if (object->blob_key.n)
        set_add(&s->keys, object->blob_key, s->a);
    err_t e = meta_salvage_entries(s->tx, object->id, a, &entries);
    if (e)
        list_problem(s, arena_printf(a, "entries of object %lld", (long long)object->id), err_text_for_people(a, e));
    for (size_t i = 0; i < entries.count; i++)
        TRY(use_entry(s, object, &entries.items[i], a));
    return NULL;
}

/* The second: nothing that can be read refers to it. It may be a part of an upload. */
static err_t use_left_object(void *arg, const void *row, struct arena *a)
{
    struct salvage *s = arg;
    const struct object *object = row;
    if (set_has(&s->objects, id_text(&object->id)))
        return NULL;
    slice name = arena_printf(a, "object-%lld", (long long)object->id);
    struct salvage_place place = { .folder = "unnamed", .name = name, .unique = S("again") };
    struct outcome outcome = { 0 };
    struct line l;
    line_begin(&l, "object");
    put_account(s, &l, object->account_id, a);
    put_object(&l, object->size_bytes, object->md5, object, a);
    err_t e = copy_out(s, &(struct source){ .object = object }, &place, a, &outcome);
    put_outcome(s, &l, &outcome);
    s->report->unnamed += outcome.path.n > 0;
    line_end(s, &l);
    return e;
}

/* ---- blobs ---- */

static struct wanted **find_wanted(struct salvage *s, const struct outcome *blob)
{
    struct wanted **w = wanted_with(s, blob->md5);
    while (*w && ((*w)->size_bytes != blob->size_bytes || memcmp((*w)->md5, blob->md5, MD5_SIZE) != 0))
        w = &(*w)->next;
    return w;
}

/* Ends the line of a file whose row alone did not say where its bytes are. */
static void end_wanted(struct salvage *s, const struct wanted *w, const struct outcome *o, slice key)
{
    struct line l;
    buf_init(&l.text, 0);
    buf_add(&l.text, w->line);
    json_out_init(&l.o, &l.text);
    l.o.comma = true;
    if (key.n)
        json_put_string(&l.o, "blob", key);
    put_outcome(s, &l, o);
    line_end(s, &l);
}

static err_t use_blob_of_file(struct salvage *s, struct wanted **found, slice key, struct outcome *o, struct arena *a)
{
    struct wanted *w = *found;
    *found = w->next;
    struct salvage_place place = { .folder = "files", .name = w->name, .unique = w->unique };
    TRY(salvage_out_move(s->out, o->path, &place, a, &o->path));
    s->report->files++;
    end_wanted(s, w, o, key);
    return NULL;
}

static err_t use_blob(struct salvage *s, slice key, bool is_growing, struct arena *a)
{
    struct outcome o;
    struct salvaged_transfer transfer = { 0 };
    bool is_known = is_growing && s->tx && !meta_salvage_transfer(s->tx, key, a, &transfer);
    struct salvage_place place = { .folder = is_growing ? "unfinished" : "unnamed",
                                   .name = is_known && transfer.file_name.n ? transfer.file_name : key,
                                   .unique = key };
    TRY(copy_out(s, &(struct source){ .key = key, .is_growing = is_growing }, &place, a, &o));
    struct wanted **w = find_wanted(s, &o);
    if (o.is_matched && *w)
        return use_blob_of_file(s, w, key, &o, a);
    struct line l;
    line_begin(&l, is_growing ? "unfinished" : "blob");
    if (is_known) {
        json_put_string(&l.o, "name", transfer.file_name);
        put_owner(s, &l, transfer.account_id, transfer.owner_id, a);
        json_put_int(&l.o, "acknowledged", (int64_t)transfer.offset);
        if (o.is_matched && o.size_bytes < transfer.offset) {
            o.is_matched = false;
            o.reason = S("fewer bytes than were acknowledged");
        }
    }
    json_put_string(&l.o, "blob", key);
    put_object(&l, o.size_bytes, o.md5, NULL, a);
    put_outcome(s, &l, &o);
    s->report->unnamed += o.path.n > 0;
    line_end(s, &l);
    return NULL;
}

static err_t visit_blob(void *arg, slice key, uint64_t size_bytes, int64_t modified_ms)
{
    struct salvage *s = arg;
    SCRATCH(a);
    (void)size_bytes, (void)modified_ms;
    err_t e = set_has(&s->keys, key) ? NULL : use_blob(s, key, false, &a);
    return s->failed = err_copy(s->a, e);
}

static err_t visit_growing(void *arg, slice key, uint64_t size_bytes, int64_t modified_ms)
{
    struct salvage *s = arg;
    SCRATCH(a);
    (void)modified_ms;
    err_t e = size_bytes ? use_blob(s, key, true, &a) : NULL;
    return s->failed = err_copy(s->a, e);
}

/* An error of reading the folders is listed; one of writing ends the salvage. */
static err_t use_blobs(struct salvage *s)
{
    struct blob_store *blob = s->params->blob;
    err_t e = blob->ops->each(blob, s->a, visit_blob, s);
    TRY(s->failed);
    if (e)
        list_problem(s, S("blobs"), err_text_for_people(s->a, e));
    e = blob->ops->each_growing(blob, s->a, visit_growing, s);
    TRY(s->failed);
    if (e)
        list_problem(s, S("unfinished uploads"), err_text_for_people(s->a, e));
    return NULL;
}

/* ---- tables ---- */

static err_t copy_table(struct salvage *s, int from, const char *folder, const char *name, struct arena *a)
{
    struct outcome o = { .is_matched = true };
    struct salvage_place place = { .folder = folder, .name = slice_of(name), .unique = S("again") };
    SCOPED(fd_closep) int fd = -1;
    SCOPED(hash_freep) struct hash *md5 = hash_new(HASH_MD5);
    TRY(salvage_out_create(s->out, &place, a, &fd, &o.path));
    struct copy c = { .s = s, .fd = fd, .md5 = md5 };
    char *piece = arena_alloc(a, PIECE);
    ssize_t n;
    while ((n = TEMP_FAILURE_RETRY(read(from, piece, PIECE))) > 0)
        TRY(write_piece(&c, (slice){ piece, (size_t)n }, a));
    o.is_matched = n == 0;
    if (n < 0)
        o.reason = err_text_for_people(a, err_errno(a, errno, "cannot be read to its end"));
    struct line l;
    line_begin(&l, "table");
    put_outcome(s, &l, &o);
    line_end(s, &l);
    s->report->tables++;
    s->report->bytes += c.written;
    return NULL;
}

static err_t copy_tables(struct salvage *s, const char *folder)
{
    const char *path = arena_printf(s->a, "%s/%s", s->params->data_dir, folder).p;
    int dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    SCOPED(dir_closep) DIR *dir = dir_fd < 0 ? NULL : fdopendir(dir_fd);
    int failed = errno;
    if (!dir && failed != ENOENT)
        list_problem(s, slice_of(path), err_text_for_people(s->a, err_errno(s->a, failed, "cannot be read")));
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        SCRATCH(a);
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        SCOPED(fd_closep)
        int fd = openat(dir_fd, entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        struct stat st;
        err_t unread = fd < 0 ? err_errno(&a, errno, "cannot be opened") : NULL;
        if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)))
            unread = err_make(&a, ERR_CORRUPT, "is no file");
        if (unread) {
            list_problem(s, slice_of(entry->d_name), err_text_for_people(&a, unread));
            continue;
        }
        err_t e = copy_table(s, fd, folder, entry->d_name, &a);
        if (e)
            return err_copy(s->a, e);
    }
    return NULL;
}

/* ---- all of it ---- */

static bool is_below(const char *path, const char *folder)
{
    slice p = slice_of(path), f = slice_of(folder);
    return slice_starts(p, f) && (p.n == f.n || p.p[f.n] == '/');
}

/* The folder may be made after this, so it is its parent that must not be inside. */
err_t salvage_check_place(const char *data_dir, const char *to, struct arena *a)
{
    slice dir = slice_of(to);
    while (dir.n > 1 && dir.p[dir.n - 1] == '/')
        dir.n--;
    size_t cut = slice_rfind_byte(dir, '/');
    const char *parent = cut == SLICE_NONE ? "." : cut == 0 ? "/" : arena_cstr(a, slice_part(dir, 0, cut));
    char *of_data = realpath(data_dir, NULL), *of_parent = realpath(parent, NULL), *of_dir = realpath(to, NULL);
    bool is_inside = of_data && (is_below(of_parent, of_data) || is_below(of_dir, of_data));
    free(of_data);
    free(of_parent);
    free(of_dir);
    return is_inside ? err_make(a, ERR_CONFLICT, "%s is inside of the data directory", to) : NULL;
}

static err_t salvage_all(struct salvage *s)
{
    const struct row_walk files = { s->tx, sizeof(struct file), read_file_row, use_file, list_gap_of_files, s };
    const struct row_walk named = {
        s->tx, sizeof(struct object), read_object_row, use_named_object, list_gap_of_objects, s
    };
    const struct row_walk left = { s->tx, sizeof(struct object), read_object_row, use_left_object, NULL, s };
    TRY(s->tx ? row_walk_run(&files, s->a) : NULL);
    TRY(s->tx ? row_walk_run(&named, s->a) : NULL);
    TRY(s->tx ? row_walk_run(&left, s->a) : NULL);
    if (s->params->blob)
        TRY(use_blobs(s));
    const struct outcome lost = { .reason = S("no row says where its bytes are, and no blob has them") };
    for (size_t i = 0; i < WANTED_LISTS; i++)
        for (const struct wanted *w = s->wanted[i]; w; w = w->next)
            end_wanted(s, w, &lost, S(""));
    TRY(copy_tables(s, DATA_DIR_DATASETS));
    return copy_tables(s, DATA_DIR_RECORDS);
}

err_t salvage_run(const struct salvage_params *params, struct arena *a, struct salvage_report *ret)
{
    struct salvage_report report = { 0 };
    SCOPED(salvage_out_closep) struct salvage_out *out = NULL;
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(salvage_check_place(params->data_dir, params->dir, a));
    TRY(salvage_out_open(params->dir, a, &out));
    SCOPED(salvage_releasep) struct salvage s = { .params = params, .out = out, .report = &report, .a = a };
    s.wanted = arena_array(a, struct wanted *, WANTED_LISTS);
    if (params->problem.n)
        list_problem(&s, S("database"), params->problem);
    err_t e = params->meta ? meta_verify(params->meta, a) : NULL;
    if (e)
        list_problem(&s, S("database"), err_text_for_people(a, e));
    e = params->meta ? meta_read_begin(params->meta, a, &tx) : NULL;
    if (e)
        list_problem(&s, S("database"), err_text_for_people(a, e));
    s.tx = tx;
    TRY(salvage_all(&s));
    TRY(salvage_out_finish(out, a));
    *ret = report;
    return NULL;
}

bool salvage_is_complete(const struct salvage_report *r)
{
    return !r->wrong && !r->missing && !r->problems;
}
