/* SPDX-License-Identifier: Apache-2.0 */
/* Order of a backup: mark the folder as unfinished → hold garbage → close the gate of rows → copy the database → copy the tables that the copy names → open the
 * gate → verify the copies of tables → copy or link the blobs that the copy names → sync → MANIFEST → take the mark away.
 * A blob that the copied rows name existed when they were copied, and no bytes are removed while garbage is held, so the
 * blob can still be copied. The MANIFEST has the SHA-256 of the database, of the copies of record sets and, if it is in the backup,
 * of the master key (256 random bits, so their digest reveals nothing). The digests of the objects are in the rows of the database,
 * and the files of datasets have checksums. */
#include "core/care/backup.h"

#include "base/dir.h"
#include "base/live.h"
#include "base/text.h"
#include "core/access/access.h"
#include "core/care/backup_file.h"
#include "core/care/backup_folder.h"
#include "core/care/data_dir.h"
#include "core/care/master_key.h"
#include "core/care/table_copy.h"
#include "core/dataset/gate.h"
#include "core/object/garbage.h"
#include "core/records/object.h"
#include "core/records/record_ids.h"
#include "core/records/transfer.h"
#include "core/store/blob_store.h"
#include "core/store/dataset_store.h"
#include "core/store/object_store.h"
#include "core/store/record_store.h"
#include "core/store/transaction.h"
#include "core/store/transfer_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PIECE = 128 * 1024, TRANSFERS_AT_ONCE = 100 };
#define PARTIAL_SUFFIX ".partial"
#define RESTORING "restoring" /* the directory in which a restored database is built */

static const char *backup_path(struct arena *a, const char *dir, const char *name)
{
    return arena_printf(a, "%s/%s", dir, name).p;
}

/* ---- files and directories ---- */

/* Make the directory, or check that it is empty but for a lock. */
static err_t claim_dir(const char *dir, struct arena *a)
{
    if (mkdir(dir, 0700) == 0)
        return backup_file_sync(backup_path(a, dir, ".."), a);
    if (errno != EEXIST)
        return err_errno(a, errno, "cannot make %s", dir);
    SCOPED(dir_closep) DIR *d = opendir(dir);
    if (!d)
        return err_errno(a, errno, "cannot read %s", dir);
    for (struct dirent *entry = readdir(d); entry; entry = readdir(d)) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, DATA_DIR_LOCK) != 0)
            return err_make(a, ERR_CONFLICT, "%s is not empty", dir);
    }
    return NULL;
}

/* ---- the stores of a directory ---- */

struct stores {
    struct meta_store *meta;
    struct blob_store *blob;
    struct dataset_store *datasets;
    struct record_store *records;
};

static void stores_closep(struct stores *s)
{
    meta_close(s->meta);
    if (s->blob)
        s->blob->ops->close_store(s->blob);
    if (s->datasets)
        s->datasets->ops->close_store(s->datasets);
    if (s->records)
        s->records->ops->close_store(s->records);
}

/* ---- blobs ---- */

struct blob_copy {
    struct blob_store *from, *to;
    uint64_t reserve_bytes; /* free space that the copy leaves on its disk */
    struct arena *a;
    struct backup_report *report;
    const struct backup_params *backup; /* NULL: a restore */
    uint64_t total_bytes;               /* about so many are copied; 0: it is not known */
};

static void tell_progress(const struct blob_copy *copy)
{
    const struct backup_params *p = copy->backup;
    if (p && p->on_progress)
        p->on_progress(p->arg, "blobs", copy->report->blob_bytes, copy->total_bytes);
}

/* What all accounts have; small objects, which are in the database, are in it, too. */
static uint64_t estimate_bytes(struct core *core, struct arena *a)
{
    struct account_list accounts;
    uint64_t sum = 0;
    if (account_list(core, a, &accounts))
        return 0;
    for (size_t i = 0; i < accounts.count; i++)
        sum += accounts.items[i].used_bytes > 0 ? (uint64_t)accounts.items[i].used_bytes : 0;
    return sum;
}

struct blob_pipe {
    struct blob_reader *reader;
    struct blob_writer *writer;
};

static void pipe_closep(struct blob_pipe *p)
{
    if (p->reader)
        p->reader->ops->close(p->reader);
    if (p->writer)
        p->writer->ops->discard(p->writer);
}

static err_t check_target_space(const struct blob_copy *copy, uint64_t bytes, struct arena *a)
{
    uint64_t free_bytes;
    TRY(copy->to->ops->free_bytes(copy->to, a, &free_bytes));
    return backup_check_space(free_bytes, copy->reserve_bytes, bytes, a);
}

/* Reads a blob to its end, into `to` as well unless that is NULL, and compares it with its record. */
static err_t read_blob(struct blob_reader *from, struct blob_writer *to, const struct object *object, struct arena *a)
{
    SCOPED(hash_freep) struct hash *md5 = hash_new(HASH_MD5);
    char *piece = arena_alloc(a, PIECE);
    uint64_t at = 0;
    for (size_t got = 1; at < from->size_bytes && got > 0; at += got) {
        TRY(from->ops->read_at(from, at, piece, PIECE, a, &got));
        hash_update(md5, (slice){ piece, got });
        if (to)
            TRY(to->ops->write(to, (slice){ piece, got }, a));
    }
    unsigned char digest[MD5_SIZE];
    hash_final(md5, digest);
    if (at != object->size_bytes || memcmp(digest, object->md5, MD5_SIZE) != 0)
        return err_make(a, ERR_CORRUPT, "the bytes of object %lld are not what was stored", (long long)object->id);
    return NULL;
}

/* Reads a blob of the copy from the disk, not from memory. */
static err_t verify_blob(struct blob_store *store, const struct object *object, struct arena *a)
{
    SCOPED(blob_reader_closep) struct blob_reader *reader = NULL;
    TRY(store->ops->open(store, object->blob_key, a, &reader));
    if (reader->fd >= 0)
        (void)posix_fadvise(reader->fd, 0, 0, POSIX_FADV_DONTNEED);
    return read_blob(reader, NULL, object, a);
}

static err_t copy_bytes_of_blob(struct blob_copy *copy, const struct object *object, struct arena *a)
{
    TRY(check_target_space(copy, object->size_bytes, a));
    SCOPED(pipe_closep) struct blob_pipe p = { 0 };
    err_t e = copy->from->ops->open(copy->from, object->blob_key, a, &p.reader);
    if (err_is(e, ERR_NOT_FOUND) || err_is(e, ERR_CORRUPT))
        return err_because(a, e, ERR_CORRUPT, "the bytes of object %lld are missing", (long long)object->id);
    TRY(e);
    TRY(copy->to->ops->create(copy->to, object->blob_key, object->size_bytes, a, &p.writer));
    TRY(read_blob(p.reader, p.writer, object, a));
    TRY(blob_writer_commit(&p.writer, a));
    return copy->backup && copy->backup->verify ? verify_blob(copy->to, object, a) : NULL;
}

/* *ret_linked: the base has the blob, and the backup has it now, too. */
static err_t link_blob(struct blob_copy *copy, const struct object *object, struct arena *a, bool *ret_linked)
{
    const struct backup_params *p = copy->backup;
    *ret_linked = false;
    if (!p || !p->base || !p->opener->link_blob)
        return NULL;
    struct blob_link link = { p->base, p->dir, object->blob_key, object->size_bytes };
    enum blob_link_result result;
    TRY(p->opener->link_blob(p->opener->arg, &link, a, &result));
    copy->report->not_linked += result == BLOB_NOT_LINKABLE;
    *ret_linked = result == BLOB_LINKED;
    if (!*ret_linked || !p->verify || !verify_blob(copy->to, object, a))
        return NULL;
    copy->report->damaged++;
    *ret_linked = false;
    return copy->to->ops->remove(copy->to, object->blob_key, a);
}

static err_t copy_blob(struct blob_copy *copy, const struct object *object, struct arena *a)
{
    bool linked;
    TRY(link_blob(copy, object, a, &linked));
    if (!linked)
        TRY(copy_bytes_of_blob(copy, object, a));
    copy->report->blobs++;
    copy->report->blob_bytes += object->size_bytes;
    copy->report->linked += linked;
    copy->report->linked_bytes += linked ? object->size_bytes : 0;
    tell_progress(copy);
    return NULL;
}

static err_t copy_object_blob(void *arg, const struct object *object)
{
    struct blob_copy *copy = arg;
    copy->report->objects++;
    if (object->blob_key.n == 0) /* inline bytes are in the copied database; a composite has only those of its parts */
        return NULL;
    SCRATCH(scratch);
    return err_copy(copy->a, copy_blob(copy, object, &scratch));
}

/* ---- transfers: what they have acknowledged so far ---- */

/* Bytes that have become a file since the records were copied are a blob of that key. */
static err_t open_acknowledged(struct blob_store *from, const struct transfer *t, struct arena *a,
                               struct blob_reader **ret)
{
    err_t e = from->ops->open_growing(from, t->blob_key, a, ret);
    if (err_is(e, ERR_NOT_FOUND))
        e = from->ops->open(from, t->blob_key, a, ret);
    if (!e && (*ret)->size_bytes < (uint64_t)t->offset)
        e = err_make(a, ERR_CORRUPT, "fewer bytes than transfer %lld has acknowledged", (long long)t->id);
    if (err_is(e, ERR_NOT_FOUND))
        e = err_because(a, e, ERR_CORRUPT, "the bytes of transfer %lld are missing", (long long)t->id);
    return e;
}

static err_t copy_acknowledged(struct blob_copy *copy, const struct transfer *t, struct arena *a)
{
    SCOPED(pipe_closep) struct blob_pipe p = { 0 };
    char *piece = arena_alloc(a, PIECE);
    uint64_t left = (uint64_t)t->offset;
    size_t got = 1;
    TRY(check_target_space(copy, left, a));
    TRY(open_acknowledged(copy->from, t, a, &p.reader));
    TRY(copy->to->ops->grow(copy->to, t->blob_key, 0, a, &p.writer));
    for (; left && got; left -= got) {
        uint64_t at = (uint64_t)t->offset - left;
        TRY(p.reader->ops->read_at(p.reader, at, piece, left < PIECE ? (size_t)left : PIECE, a, &got));
        TRY(p.writer->ops->write(p.writer, (slice){ piece, got }, a));
    }
    if (left)
        return err_make(a, ERR_CORRUPT, "the bytes of transfer %lld end early", (long long)t->id);
    return p.writer->ops->flush(p.writer, a);
}

static err_t list_transfers(struct meta_store *rows, int64_t after_id, struct arena *a, struct transfer_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(rows, a, &tx));
    return meta_transfer_list(tx, &(struct id_page){ after_id, TRANSFERS_AT_ONCE }, a, ret);
}

static err_t copy_transfers(struct meta_store *rows, struct blob_copy *copy, struct arena *a)
{
    struct transfer_list page;
    int64_t after_id = 0;
    do {
        SCRATCH(scratch);
        err_t e = list_transfers(rows, after_id, &scratch, &page);
        for (size_t i = 0; !e && i < page.count; i++) {
            const struct transfer *t = &page.items[i];
            SCRATCH(own);
            after_id = t->id;
            if (t->offset && (!t->finished_at_ms || t->is_part))
                e = err_copy(a, copy_acknowledged(copy, t, &own));
        }
        if (e)
            return err_copy(a, e);
    } while (page.count == TRANSFERS_AT_ONCE);
    return NULL;
}

/* ---- everything ---- */

/* Copy every blob that `rows` names, and the bytes of transfers. */
static err_t copy_blobs(struct meta_store *rows, struct blob_copy *copy)
{
    TRY(copy_transfers(rows, copy, copy->a));
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(rows, copy->a, &tx));
    TRY(meta_object_each(tx, 0, copy->a, copy_object_blob, copy));
    return copy->report->linked
               ? copy->backup->opener->sync_names(copy->backup->opener->arg, copy->backup->dir, copy->a)
               : NULL;
}

/* ---- MANIFEST ---- */

/* One byte more than it may have, which manifest_parse refuses. */
static err_t manifest_read(const char *dir, struct arena *a, struct manifest *ret)
{
    slice text;
    err_t e = backup_file_read(backup_path(a, dir, DATA_DIR_MANIFEST), MANIFEST_MAX + 1, a, &text);
    if (err_is(e, ERR_NOT_FOUND))
        return err_because(a, e, ERR_NOT_FOUND, "%s is no finished backup: it has no MANIFEST", dir);
    TRY(e);
    return manifest_parse(text, a, ret);
}

/* ---- the master key ---- */

/* Copy the master key to another directory. want_sha256: the digest that it must have, in hex; empty: any. */
static err_t copy_key(const char *from, const char *to, slice want_sha256, struct arena *a, slice *ret_sha256)
{
    unsigned char key[SEAL_KEY_SIZE], digest[SHA256_SIZE];
    TRY(master_key_read(from, a, key));
    hash_sha256((slice){ (char *)key, sizeof key }, digest);
    slice sha256 = hex_encode(a, (slice){ (const char *)digest, sizeof digest });
    err_t e = want_sha256.n && !slice_eq(sha256, want_sha256)
                  ? err_make(a, ERR_CORRUPT, "the backup's master key is not the one that its MANIFEST names")
                  : master_key_write(to, key, a);
    explicit_bzero(key, sizeof key);
    TRY(e);
    *ret_sha256 = sha256;
    return NULL;
}

/* ---- backup ---- */

static void garbage_releasep(struct core **core)
{
    garbage_release(*core);
}

static int64_t *count_of_tables(struct backup_report *report, enum table_kind kind)
{
    return kind == TABLE_OF_DATASET ? &report->datasets : &report->record_sets;
}

static err_t copy_tables(struct table_copy *copy, struct arena *a, struct backup_report *report)
{
    for (copy->kind = 0; copy->kind < TABLE_KINDS; copy->kind++)
        TRY(table_copy_out(copy, a, count_of_tables(report, copy->kind)));
    return NULL;
}

/* The records, and the tables, in the same state: no file's rows become visible meanwhile. *ret_rows: the copied database. */
static err_t copy_records(struct core *core, const struct store_opener *opener, struct table_copy *copy,
                          struct arena *a, struct backup_report *report, struct meta_store **ret_rows)
{
    const char *database = backup_path(a, copy->dir, DATA_DIR_DATABASE);
    dataset_gate_close(core);
    err_t e = meta_backup(core->meta, database, a);
    if (!e)
        e = backup_file_sync(database, a);
    if (!e)
        e = opener->open(opener->arg, copy->dir, true, a, ret_rows, NULL);
    copy->rows = *ret_rows;
    if (!e)
        e = copy_tables(copy, a, report);
    dataset_gate_open(core);
    return e;
}

static err_t copy_stores(struct core *core, const struct backup_params *p, struct arena *a, struct manifest *m)
{
    struct table_copy copy = { .datasets = core->datasets,
                               .records = core->records,
                               .dir = p->dir,
                               .reserve_bytes = LIVE(core->options.reserve_bytes) };
    SCOPED(stores_closep) struct stores to = { 0 };
    if (p->on_progress)
        p->on_progress(p->arg, "database", 0, 0);
    TRY(copy_records(core, p->opener, &copy, a, &m->report, &to.meta));
    TRY(p->opener->open(p->opener->arg, p->dir, true, a, NULL, &to.blob));
    copy.kind = TABLE_OF_RECORD_SET;
    TRY(table_copy_verify(&copy, a, &m->record_sets_sha256));
    struct blob_copy blobs = {
        core->blob, to.blob, LIVE(core->options.reserve_bytes), a, &m->report, p, estimate_bytes(core, a)
    };
    TRY(copy_blobs(to.meta, &blobs));
    return p->verify ? meta_verify(to.meta, a) : NULL;
}

/* The base must be complete. */
static err_t check_base(const struct backup_params *p, struct arena *a)
{
    struct stat base, dir;
    struct manifest manifest;
    if (!p->base)
        return NULL;
    TRY(manifest_read(p->base, a, &manifest));
    if (stat(p->base, &base) == 0 && stat(p->dir, &dir) == 0 && base.st_ino == dir.st_ino && base.st_dev == dir.st_dev)
        return err_make(a, ERR_CONFLICT, "%s cannot be its own base", p->dir);
    return NULL;
}

err_t backup_run(struct core *core, const struct backup_params *p, struct arena *a, struct backup_report *ret)
{
    TRY(check_base(p, a));
    SCOPED(backup_folder_closep) struct backup_folder folder = { -1, -1, false };
    TRY(backup_folder_begin(p->dir, a, &folder));
    garbage_hold(core);
    SCOPED(garbage_releasep) struct core *held = core;
    struct manifest m = { .report = { .created_at_ms = core_now_ms(held),
                                      .with_key = p->key_from != NULL,
                                      .replaced = folder.replaced,
                                      .verified = p->verify } };
    TRY(copy_stores(core, p, a, &m));
    TRY(backup_file_copy(backup_path(a, p->dir, DATA_DIR_DATABASE), NULL, a, &m.database_sha256));
    if (p->key_from)
        TRY(copy_key(p->key_from, p->dir, S(""), a, &m.key_sha256));
    TRY(backup_file_sync(p->dir, a));
    TRY(backup_file_write(p->dir, DATA_DIR_MANIFEST, manifest_text(&m, a), a));
    TRY(backup_folder_finish(&folder, a));
    *ret = m.report;
    return NULL;
}

/* ---- restore ---- */

static void seal_freep(struct seal **s)
{
    seal_free(*s);
}

/* Check everything that was restored (fsck, with digests), while the database is not yet where a server looks for it. */
static err_t check_restored(const struct restore_params *p, const struct stores *stores, struct arena *a,
                            struct fsck_report *ret)
{
    unsigned char key[SEAL_KEY_SIZE];
    err_t e = master_key_read(p->data_dir, a, key);
    if (e && e->code != ERR_NOT_FOUND)
        return e;
    SCOPED(seal_freep) struct seal *seal = e ? NULL : seal_new(key, p->random);
    explicit_bzero(key, sizeof key);
    struct core core;
    core_init(&core, &(struct core_params){ .meta = stores->meta,
                                            .blob = stores->blob,
                                            .datasets = stores->datasets,
                                            .records = stores->records,
                                            .clock = p->clock,
                                            .random = p->random,
                                            .seal = seal });
    e = fsck_run(&core, &(struct fsck_options){ 0 }, a, ret);
    core_release(&core);
    TRY(e);
    if (!ret->count[FSCK_ERROR])
        return NULL;
    const struct fsck_finding *first = ret->list;
    while (first->severity != FSCK_ERROR && first < ret->list + ret->listed - 1)
        first++;
    return err_make(
        a, ERR_CORRUPT, "%lld errors were found in what was restored; the first: " SLICE_FMT ": %s: " SLICE_FMT,
        (long long)ret->count[FSCK_ERROR], SLICE_ARG(first->subject), first->what, SLICE_ARG(first->detail));
}

static err_t restore_tables(const struct restore_params *p, const struct manifest *manifest, struct stores *to,
                            struct arena *a, struct backup_report *ret)
{
    const struct store_opener *opener = p->opener;
    if (opener->open_datasets)
        TRY(opener->open_datasets(opener->arg, p->data_dir, a, &to->datasets));
    if (opener->open_records)
        TRY(opener->open_records(opener->arg, p->data_dir, p->random, a, &to->records));
    struct table_copy copy = { .rows = to->meta, .datasets = to->datasets, .records = to->records, .dir = p->from };
    for (copy.kind = 0; copy.kind < TABLE_KINDS; copy.kind++) {
        slice sha256 = copy.kind == TABLE_OF_RECORD_SET ? manifest->record_sets_sha256 : S("");
        TRY(table_copy_in(&copy, sha256, a, count_of_tables(ret, copy.kind)));
    }
    return NULL;
}

static bool is_promised(const struct backup_report *copied, const struct backup_report *promised)
{
    return copied->datasets == promised->datasets && copied->record_sets == promised->record_sets &&
           copied->objects == promised->objects && copied->blobs == promised->blobs &&
           copied->blob_bytes == promised->blob_bytes;
}

/* Open the copied database in the directory `aside`, which compares its schema and migrates it, copy the blobs and the tables that
 * its rows name, and check all of it. */
static err_t restore_stores(const struct restore_params *p, const char *aside, const struct manifest *manifest,
                            struct arena *a, struct fsck_report *ret_fsck)
{
    struct backup_report copied = { 0 };
    SCOPED(stores_closep) struct stores source = { 0 };
    SCOPED(stores_closep) struct stores target = { 0 };
    TRY(p->opener->open(p->opener->arg, p->from, true, a, NULL, &source.blob));
    TRY(p->opener->open(p->opener->arg, aside, false, a, &target.meta, NULL));
    TRY(p->opener->open(p->opener->arg, p->data_dir, false, a, NULL, &target.blob));
    struct blob_copy blobs = { source.blob, target.blob, 0, a, &copied, NULL };
    TRY(copy_blobs(target.meta, &blobs));
    TRY(restore_tables(p, manifest, &target, a, &copied));
    if (!is_promised(&copied, &manifest->report))
        return err_make(a, ERR_CORRUPT, "the backup does not hold what its MANIFEST counts");
    return check_restored(p, &target, a, ret_fsck);
}

/* Move the database to its final name. rmdir fails unless all of the database is in the one file that was moved. */
static err_t name_database(const char *aside, const char *data_dir, struct arena *a)
{
    const char *database = backup_path(a, data_dir, DATA_DIR_DATABASE);
    const char *partial = arena_printf(a, "%s" PARTIAL_SUFFIX, database).p;
    if (rename(backup_path(a, aside, DATA_DIR_DATABASE), partial) != 0 || rmdir(aside) != 0)
        return err_errno(a, errno, "cannot move the database out of %s", aside);
    TRY(backup_file_sync(partial, a));
    if (rename(partial, database) != 0)
        return err_errno(a, errno, "cannot name %s", database);
    return backup_file_sync(data_dir, a);
}

/* Copy the database of the backup to the new directory `aside`, and compare its digest. */
static err_t copy_database(const struct restore_params *p, const char *aside, const struct manifest *manifest,
                           struct arena *a)
{
    slice sha256;
    if (mkdir(aside, 0700) != 0)
        return err_errno(a, errno, "cannot make %s", aside);
    TRY(backup_file_copy(backup_path(a, p->from, DATA_DIR_DATABASE), backup_path(a, aside, DATA_DIR_DATABASE), a,
                         &sha256));
    if (!slice_eq(sha256, manifest->database_sha256))
        return err_make(a, ERR_CORRUPT, "the backup's database is not the one that its MANIFEST names");
    return NULL;
}

err_t backup_restore(const struct restore_params *p, struct arena *a, struct backup_report *ret,
                     struct fsck_report *ret_fsck)
{
    struct manifest manifest = { 0 };
    TRY(manifest_read(p->from, a, &manifest));
    TRY(claim_dir(p->data_dir, a));

    const char *aside = backup_path(a, p->data_dir, RESTORING);
    TRY(copy_database(p, aside, &manifest, a));
    if (manifest.key_sha256.n)
        TRY(copy_key(p->from, p->data_dir, manifest.key_sha256, a, &manifest.key_sha256));
    TRY(restore_stores(p, aside, &manifest, a, ret_fsck));
    TRY(name_database(aside, p->data_dir, a));
    *ret = manifest.report;
    return NULL;
}
