/* SPDX-License-Identifier: Apache-2.0 */
/* Order of a backup: hold garbage → copy the database → copy the blobs that the copy names → sync → MANIFEST.
 * A blob that the copied rows name existed when they were copied, and no bytes are removed while garbage is held, so the
 * blob can still be copied. The MANIFEST has the SHA-256 of the database and, if it is in the backup, of the master key
 * (256 random bits, so their digest reveals nothing). The digests of the objects are in the rows of the database. */
#include "core/care/backup.h"

#include "base/dir.h"
#include "base/text.h"
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

static err_t sync_path(const char *path, struct arena *a)
{
    SCOPED(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return err_errno(a, errno, "cannot sync %s", path);
    return NULL;
}

/* Make the directory, or check that it is empty but for a lock. */
static err_t claim_dir(const char *dir, struct arena *a)
{
    if (mkdir(dir, 0700) == 0)
        return sync_path(backup_path(a, dir, ".."), a);
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

static err_t write_all(int fd, slice bytes, const char *path, struct arena *a)
{
    while (bytes.n) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno != EINTR)
            return err_errno(a, errno, "cannot write %s", path);
        bytes = slice_from(bytes, n > 0 ? (size_t)n : 0);
    }
    return NULL;
}

/* Copy `from` to the new file `to`, and sync it. NULL for `to`: only compute the digest. */
static err_t copy_file(const char *from, const char *to, struct arena *a, unsigned char ret_sha256[SHA256_SIZE])
{
    SCOPED(fd_closep) int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return err_errno(a, errno, "cannot open %s", from);
    SCOPED(fd_closep) int out = to ? open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    if (to && out < 0)
        return err_errno(a, errno, "cannot make %s", to);
    SCOPED(hash_freep) struct hash *sha256 = hash_new(HASH_SHA256);
    char *piece = arena_alloc(a, PIECE);
    for (;;) {
        ssize_t n = read(in, piece, PIECE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(a, errno, "cannot read %s", from);
        if (n == 0)
            break;
        hash_update(sha256, (slice){ piece, (size_t)n });
        if (to)
            TRY(write_all(out, (slice){ piece, (size_t)n }, to, a));
    }
    if (to && fsync(out) != 0)
        return err_errno(a, errno, "cannot sync %s", to);
    hash_final(sha256, ret_sha256);
    return NULL;
}

/* Write a file so that after a crash all of it exists, or none. */
static err_t write_file(const char *dir, const char *name, slice text, struct arena *a)
{
    const char *path = backup_path(a, dir, name), *partial = arena_printf(a, "%s" PARTIAL_SUFFIX, path).p;
    SCOPED(fd_closep) int fd = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(a, errno, "cannot make %s", partial);
    TRY(write_all(fd, text, partial, a));
    if (fsync(fd) != 0 || rename(partial, path) != 0)
        return err_errno(a, errno, "cannot write %s", path);
    return sync_path(dir, a);
}

/* ---- the stores of a directory ---- */

struct stores {
    struct meta_store *meta;
    struct blob_store *blob;
    struct dataset_store *datasets;
};

static void stores_closep(struct stores *s)
{
    meta_close(s->meta);
    if (s->blob)
        s->blob->ops->close_store(s->blob);
    if (s->datasets)
        s->datasets->ops->close_store(s->datasets);
}

static err_t stores_open(const struct store_opener *opener, const char *dir, bool read_only, struct arena *a,
                         struct stores *ret)
{
    return opener->open(opener->arg, dir, read_only, a, &ret->meta, &ret->blob);
}

/* ---- blobs ---- */

struct blob_copy {
    struct blob_store *from, *to;
    uint64_t reserve_bytes; /* free space that the copy leaves on its disk */
    struct arena *a;
    struct backup_report *report;
};

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

/* A backup is often on the disk of the server, which must not be full because of it. */
static err_t check_target_space(const struct blob_copy *copy, uint64_t bytes, struct arena *a)
{
    uint64_t free_bytes;
    TRY(copy->to->ops->free_bytes(copy->to, a, &free_bytes));
    if (free_bytes >= copy->reserve_bytes && free_bytes - copy->reserve_bytes >= bytes)
        return NULL;
    return err_make(a, ERR_NO_SPACE,
                    "the disk of the copy would have less than storage.reserve_free_space left. Remove the unfinished"
                    " copy, and make it on a disk with more room");
}

static err_t copy_blob(struct blob_copy *copy, const struct object *object, struct arena *a)
{
    TRY(check_target_space(copy, object->size_bytes, a));
    SCOPED(pipe_closep) struct blob_pipe p = { 0 };
    err_t e = copy->from->ops->open(copy->from, object->blob_key, a, &p.reader);
    if (err_is(e, ERR_NOT_FOUND) || err_is(e, ERR_CORRUPT))
        return err_because(a, e, ERR_CORRUPT, "the bytes of object %lld are missing", (long long)object->id);
    TRY(e);
    TRY(copy->to->ops->create(copy->to, object->blob_key, object->size_bytes, a, &p.writer));
    SCOPED(hash_freep) struct hash *md5 = hash_new(HASH_MD5);
    char *piece = arena_alloc(a, PIECE);
    uint64_t at = 0;
    for (size_t got = 1; at < p.reader->size_bytes && got > 0; at += got) {
        TRY(p.reader->ops->read_at(p.reader, at, piece, PIECE, a, &got));
        hash_update(md5, (slice){ piece, got });
        TRY(p.writer->ops->write(p.writer, (slice){ piece, got }, a));
    }
    unsigned char digest[MD5_SIZE];
    hash_final(md5, digest);
    if (at != object->size_bytes || memcmp(digest, object->md5, MD5_SIZE) != 0)
        return err_make(a, ERR_CORRUPT, "the bytes of object %lld are not what was stored", (long long)object->id);
    struct blob_writer *writer = p.writer;
    p.writer = NULL;
    TRY(writer->ops->commit(writer, a));
    copy->report->blobs++;
    copy->report->blob_bytes += object->size_bytes;
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
static err_t copy_blobs(struct meta_store *rows, struct blob_store *from, struct blob_store *to, uint64_t reserve_bytes,
                        struct arena *a, struct backup_report *report)
{
    struct blob_copy copy = { from, to, reserve_bytes, a, report };
    TRY(copy_transfers(rows, &copy, a));
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(rows, a, &tx));
    return meta_object_each(tx, 0, a, copy_object_blob, &copy);
}

/* ---- MANIFEST ---- */

static err_t manifest_write(const char *dir, const struct manifest *m, struct arena *a)
{
    return write_file(dir, DATA_DIR_MANIFEST, manifest_text(m, a), a);
}

/* At most MANIFEST_MAX bytes and one more, which manifest_parse refuses. */
static err_t read_small_file(const char *path, struct arena *a, slice *ret)
{
    SCOPED(fd_closep) int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return err_errno(a, errno, "cannot open %s", path);
    char *text = arena_alloc(a, MANIFEST_MAX + 1);
    ssize_t n = TEMP_FAILURE_RETRY(read(fd, text, MANIFEST_MAX + 1));
    if (n < 0)
        return err_errno(a, errno, "cannot read %s", path);
    *ret = (slice){ text, (size_t)n };
    return NULL;
}

static err_t manifest_read(const char *dir, struct arena *a, struct manifest *ret)
{
    slice text;
    err_t e = read_small_file(backup_path(a, dir, DATA_DIR_MANIFEST), a, &text);
    if (err_is(e, ERR_NOT_FOUND))
        return err_because(a, e, ERR_NOT_FOUND, "%s is no finished backup: it has no MANIFEST", dir);
    TRY(e);
    return manifest_parse(text, a, ret);
}

/* ---- the master key ---- */

static slice sha256_hex(struct arena *a, const unsigned char sha256[SHA256_SIZE])
{
    return hex_encode(a, (slice){ (const char *)sha256, SHA256_SIZE });
}

/* Copy the master key to another directory. want_sha256: the digest that it must have, in hex; empty: any. */
static err_t copy_key(const char *from, const char *to, slice want_sha256, struct arena *a, slice *ret_sha256)
{
    unsigned char key[SEAL_KEY_SIZE], digest[SHA256_SIZE];
    TRY(master_key_read(from, a, key));
    hash_sha256((slice){ (char *)key, sizeof key }, digest);
    slice sha256 = sha256_hex(a, digest);
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

static err_t copy_tables(struct core *core, const char *dir, const struct store_opener *opener, struct arena *a,
                         struct backup_report *report)
{
    struct table_copy copy = { .tables = core->datasets, .dir = dir, .reserve_bytes = core->options.reserve_bytes };
    SCOPED(stores_closep) struct stores to = { 0 };
    TRY(opener->open(opener->arg, dir, true, a, &to.meta, NULL));
    copy.rows = to.meta;
    return table_copy_out(&copy, a, &report->datasets);
}

/* The records, and the rows of datasets, in the same state: no file's rows become visible meanwhile. */
static err_t copy_records(struct core *core, const char *database, const char *dir, const struct store_opener *opener,
                          struct arena *a, struct backup_report *report)
{
    dataset_gate_close(core);
    err_t e = meta_backup(core->meta, database, a);
    if (!e)
        e = sync_path(database, a);
    if (!e)
        e = copy_tables(core, dir, opener, a, report);
    dataset_gate_open(core);
    return e;
}

err_t backup_run(struct core *core, const char *dir, const char *key_from, const struct store_opener *opener,
                 struct arena *a, struct backup_report *ret)
{
    TRY(claim_dir(dir, a));
    garbage_hold(core);
    SCOPED(garbage_releasep) struct core *held = core;
    const char *database = backup_path(a, dir, DATA_DIR_DATABASE);
    struct manifest m = { .report = { .created_at_ms = core_now_ms(held), .with_key = key_from != NULL } };
    TRY(copy_records(core, database, dir, opener, a, &m.report));
    {
        SCOPED(stores_closep) struct stores to = { 0 };
        TRY(stores_open(opener, dir, true, a, &to));
        TRY(copy_blobs(to.meta, core->blob, to.blob, core->options.reserve_bytes, a, &m.report));
    }
    unsigned char sha256[SHA256_SIZE];
    TRY(copy_file(database, NULL, a, sha256));
    m.database_sha256 = sha256_hex(a, sha256);
    if (key_from)
        TRY(copy_key(key_from, dir, S(""), a, &m.key_sha256));
    TRY(sync_path(dir, a));
    TRY(manifest_write(dir, &m, a));
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

/* Open the copied database in the directory `aside`, which compares its schema and migrates it, copy the blobs that its
 * rows name, and check both. */
static err_t restore_stores(const struct restore_params *p, const char *aside, const struct manifest *manifest,
                            struct arena *a, struct fsck_report *ret_fsck)
{
    const struct backup_report *promised = &manifest->report;
    struct backup_report copied = { 0 };
    SCOPED(stores_closep) struct stores source = { 0 };
    SCOPED(stores_closep) struct stores target = { 0 };
    TRY(p->opener->open(p->opener->arg, p->from, true, a, NULL, &source.blob));
    TRY(p->opener->open(p->opener->arg, aside, false, a, &target.meta, NULL));
    TRY(p->opener->open(p->opener->arg, p->data_dir, false, a, NULL, &target.blob));
    TRY(copy_blobs(target.meta, source.blob, target.blob, 0, a, &copied));
    if (p->opener->open_datasets)
        TRY(p->opener->open_datasets(p->opener->arg, p->data_dir, a, &target.datasets));
    struct table_copy tables = { .rows = target.meta, .tables = target.datasets, .dir = p->from };
    TRY(table_copy_in(&tables, a, &copied.datasets));
    if (copied.datasets != promised->datasets || copied.objects != promised->objects ||
        copied.blobs != promised->blobs || copied.blob_bytes != promised->blob_bytes)
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
    TRY(sync_path(partial, a));
    if (rename(partial, database) != 0)
        return err_errno(a, errno, "cannot name %s", database);
    return sync_path(data_dir, a);
}

/* Copy the database of the backup to the new directory `aside`, and compare its digest. */
static err_t copy_database(const struct restore_params *p, const char *aside, const struct manifest *manifest,
                           struct arena *a)
{
    unsigned char sha256[SHA256_SIZE];
    if (mkdir(aside, 0700) != 0)
        return err_errno(a, errno, "cannot make %s", aside);
    TRY(copy_file(backup_path(a, p->from, DATA_DIR_DATABASE), backup_path(a, aside, DATA_DIR_DATABASE), a, sha256));
    if (!slice_eq(sha256_hex(a, sha256), manifest->database_sha256))
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
