/* SPDX-License-Identifier: Apache-2.0 */
#include "core/care/table_copy.h"

#include "base/dir.h"
#include "base/hash.h"
#include "base/text.h"
#include "core/care/backup_file.h"
#include "core/care/data_dir.h"
#include "core/records/dataset.h"
#include "core/records/record_ids.h"
#include "core/store/dataset_record_store.h"
#include "core/store/dataset_store.h"
#include "core/store/record_set_store.h"
#include "core/store/record_store.h"
#include "core/store/transaction.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

enum { PAGE = 100 };

struct table {
    int64_t id, bytes; /* as its row says; 0 bytes: it may not have been made yet */
};

struct table_rules {
    const char *folder, *name;
    bool (*has_store)(const struct table_copy *);
    /* The next ones of a page, at most PAGE. */
    err_t (*list)(struct meta_tx *, const struct id_page *, struct arena *a, struct table *ret, size_t *ret_count);
    err_t (*size)(const struct table_copy *, int64_t id, struct arena *a, uint64_t *ret_bytes);
    err_t (*backup)(const struct table_copy *, int64_t id, const char *path, struct arena *a);
    err_t (*restore)(const struct table_copy *, int64_t id, const char *path, struct arena *a);
    err_t (*verify)(const struct table_copy *, const char *path, struct arena *a); /* NULL: backup has checked it */
};

/* ---- datasets: their files have a checksum for each block, and the copy is opened as it is made */

static bool has_datasets(const struct table_copy *c)
{
    return c->datasets != NULL;
}

static err_t list_datasets(struct meta_tx *tx, const struct id_page *page, struct arena *a, struct table *ret,
                           size_t *ret_count)
{
    struct dataset_list list;
    TRY(meta_dataset_list(tx, 0, page, a, &list));
    for (size_t i = 0; i < list.count; i++)
        ret[i] = (struct table){ list.items[i].id, list.items[i].table_bytes };
    *ret_count = list.count;
    return NULL;
}

static err_t size_of_dataset(const struct table_copy *c, int64_t id, struct arena *a, uint64_t *ret)
{
    return c->datasets->ops->size(c->datasets, id, a, ret);
}

static err_t back_up_dataset(const struct table_copy *c, int64_t id, const char *path, struct arena *a)
{
    return c->datasets->ops->backup(c->datasets, id, path, a);
}

static err_t restore_dataset(const struct table_copy *c, int64_t id, const char *path, struct arena *a)
{
    return c->datasets->ops->restore(c->datasets, id, path, a);
}

/* ---- sets of records */

static bool has_records(const struct table_copy *c)
{
    return c->records != NULL;
}

static err_t list_record_sets(struct meta_tx *tx, const struct id_page *page, struct arena *a, struct table *ret,
                              size_t *ret_count)
{
    struct record_set_list list;
    TRY(meta_record_set_list(tx, page, a, &list));
    for (size_t i = 0; i < list.count; i++)
        ret[i] = (struct table){ list.items[i].id, list.items[i].bytes };
    *ret_count = list.count;
    return NULL;
}

static err_t size_of_record_set(const struct table_copy *c, int64_t id, struct arena *a, uint64_t *ret)
{
    uint64_t records;
    return c->records->ops->size(c->records, id, a, ret, &records);
}

static err_t back_up_record_set(const struct table_copy *c, int64_t id, const char *path, struct arena *a)
{
    return c->records->ops->backup(c->records, id, path, a);
}

static err_t restore_record_set(const struct table_copy *c, int64_t id, const char *path, struct arena *a)
{
    return c->records->ops->restore(c->records, id, path, a);
}

static err_t verify_record_set(const struct table_copy *c, const char *path, struct arena *a)
{
    return c->records->ops->verify_copy(c->records, path, a);
}

static const struct table_rules kinds[TABLE_KINDS] = {
    [TABLE_OF_DATASET] = { .folder = DATA_DIR_DATASETS,
                           .name = "the rows of a dataset",
                           .has_store = has_datasets,
                           .list = list_datasets,
                           .size = size_of_dataset,
                           .backup = back_up_dataset,
                           .restore = restore_dataset },
    [TABLE_OF_RECORD_SET] = { .folder = DATA_DIR_RECORDS,
                              .name = "a set of records",
                              .has_store = has_records,
                              .list = list_record_sets,
                              .size = size_of_record_set,
                              .backup = back_up_record_set,
                              .restore = restore_record_set,
                              .verify = verify_record_set },
};

/* ---- all tables of a kind */

typedef err_t table_fn(void *arg, const struct table *, const char *path, struct arena *a);

static const char *folder_of(const struct table_copy *c, struct arena *a)
{
    return arena_printf(a, "%s/%s", c->dir, kinds[c->kind].folder).p;
}

static err_t list_tables(const struct table_copy *c, int64_t after_id, struct arena *a, struct table *ret,
                         size_t *ret_count)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(c->rows, a, &tx));
    return kinds[c->kind].list(tx, &(struct id_page){ after_id, PAGE }, a, ret, ret_count);
}

static err_t each_table(const struct table_copy *c, table_fn *visit, void *arg, struct arena *a)
{
    struct table page[PAGE];
    int64_t after_id = 0;
    size_t count = PAGE;
    while (count == PAGE) {
        SCRATCH(scratch);
        err_t e = list_tables(c, after_id, &scratch, page, &count);
        for (size_t i = 0; !e && i < count; i++) {
            SCRATCH(own);
            after_id = page[i].id;
            const char *path = arena_printf(&own, "%s/%lld", folder_of(c, &own), (long long)after_id).p;
            e = err_copy(a, visit(arg, &page[i], path, &own));
        }
        if (e)
            return err_copy(a, e);
    }
    return NULL;
}

/* A copy is a plain file: nothing that is opened with an effect, or leads out of the backup. *ret_is_there: there is one. */
static err_t find_copy(const char *path, struct arena *a, bool *ret_is_there)
{
    struct stat st;
    *ret_is_there = lstat(path, &st) == 0;
    if (!*ret_is_there)
        return errno == ENOENT ? NULL : err_errno(a, errno, "cannot read %s", path);
    return S_ISREG(st.st_mode) ? NULL : err_make(a, ERR_CORRUPT, "%s is no file", path);
}

/* ---- to the backup */

struct copying {
    const struct table_copy *c;
    int64_t count;
};

static err_t check_space(const struct table_copy *c, uint64_t bytes, struct arena *a)
{
    struct statvfs fs;
    if (statvfs(c->dir, &fs) != 0)
        return err_errno(a, errno, "cannot tell the free space of %s", c->dir);
    return backup_check_space((uint64_t)fs.f_bavail * fs.f_frsize, c->reserve_bytes, bytes, a);
}

static err_t copy_out(void *arg, const struct table *t, const char *path, struct arena *a)
{
    struct copying *copying = arg;
    const struct table_copy *c = copying->c;
    const struct table_rules *rules = &kinds[c->kind];
    uint64_t bytes;
    err_t e = rules->size(c, t->id, a, &bytes);
    if (err_is(e, ERR_NOT_FOUND) && t->bytes)
        return err_because(a, e, ERR_CORRUPT, "%s is gone", rules->name);
    if (err_is(e, ERR_NOT_FOUND))
        return NULL;
    TRY(e);
    TRY(check_space(c, bytes, a));
    TRY(rules->backup(c, t->id, path, a));
    copying->count++;
    return NULL;
}

err_t table_copy_out(const struct table_copy *c, struct arena *a, int64_t *ret_count)
{
    const char *folder = folder_of(c, a);
    struct copying copying = { .c = c };
    *ret_count = 0;
    if (!kinds[c->kind].has_store(c))
        return NULL;
    if (mkdir(folder, 0700) != 0)
        return err_errno(a, errno, "cannot make %s", folder);
    TRY(each_table(c, copy_out, &copying, a));
    *ret_count = copying.count;
    return backup_file_sync(folder, a);
}

/* ---- the digest: of a line for each table, with its id and the digest of its copy */

struct digesting {
    const struct table_copy *c;
    struct hash *sha256;
    bool verifies;
    int64_t count;
};

static void digesting_releasep(struct digesting *d)
{
    hash_free(d->sha256);
}

static err_t digest_copy(void *arg, const struct table *t, const char *path, struct arena *a)
{
    struct digesting *d = arg;
    slice hex;
    bool is_there;
    TRY(find_copy(path, a, &is_there));
    if (!is_there)
        return NULL;
    err_t e = d->verifies ? kinds[d->c->kind].verify(d->c, path, a) : NULL;
    if (e)
        return err_because(a, e, e->code, "%s, the one with the number %lld, or its copy is damaged",
                           kinds[d->c->kind].name, (long long)t->id);
    TRY(backup_file_copy(path, NULL, a, &hex));
    hash_update(d->sha256, arena_printf(a, "%lld " SLICE_FMT "\n", (long long)t->id, SLICE_ARG(hex)));
    d->count++;
    return NULL;
}

static err_t digest_copies(const struct table_copy *c, bool verifies, struct arena *a, slice *ret_sha256)
{
    SCOPED(digesting_releasep) struct digesting d = { .c = c, .sha256 = hash_new(HASH_SHA256), .verifies = verifies };
    unsigned char sha256[SHA256_SIZE];
    *ret_sha256 = S("");
    if (!kinds[c->kind].verify)
        return NULL;
    TRY(each_table(c, digest_copy, &d, a));
    hash_final(d.sha256, sha256);
    if (d.count)
        *ret_sha256 = hex_encode(a, (slice){ (const char *)sha256, SHA256_SIZE });
    return NULL;
}

err_t table_copy_verify(const struct table_copy *c, struct arena *a, slice *ret_sha256)
{
    *ret_sha256 = S("");
    return kinds[c->kind].has_store(c) ? digest_copies(c, true, a, ret_sha256) : NULL;
}

/* ---- from the backup */

static err_t copy_in(void *arg, const struct table *t, const char *path, struct arena *a)
{
    struct copying *copying = arg;
    const struct table_copy *c = copying->c;
    const struct table_rules *rules = &kinds[c->kind];
    bool is_there;
    TRY(find_copy(path, a, &is_there));
    if (!is_there)
        return NULL;
    if (!rules->has_store(c))
        return err_make(a, ERR_UNSUPPORTED,
                        "the backup has %s, and this program was built without a store for such tables", rules->name);
    TRY(rules->restore(c, t->id, path, a));
    copying->count++;
    return NULL;
}

/* Is the name that of a table which was restored? */
static err_t is_restored(const struct table_copy *c, const char *name, struct arena *a, bool *ret)
{
    int64_t id;
    uint64_t bytes;
    bool is_id =
        slice_to_i64(slice_of(name), &id) && id > 0 && slice_eq(slice_of(name), arena_printf(a, "%lld", (long long)id));
    *ret = false;
    if (!is_id || !kinds[c->kind].has_store(c))
        return NULL;
    err_t e = kinds[c->kind].size(c, id, a, &bytes);
    *ret = !e;
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

typedef err_t name_fn(const struct table_copy *, const char *name, struct arena *a, int64_t *count);

static err_t each_name(const struct table_copy *c, name_fn *visit, struct arena *a, int64_t *count)
{
    const char *folder = folder_of(c, a);
    SCOPED(dir_closep) DIR *dir = opendir(folder);
    if (!dir)
        return errno == ENOENT ? NULL : err_errno(a, errno, "cannot read %s", folder);
    for (struct dirent *entry; (entry = readdir(dir));) {
        SCRATCH(own);
        bool is_own = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
        err_t e = is_own ? visit(c, entry->d_name, &own, count) : NULL;
        if (e)
            return err_copy(a, e);
    }
    return NULL;
}

static err_t count_name(const struct table_copy *c, const char *name, struct arena *a, int64_t *count)
{
    (void)c, (void)name, (void)a;
    ++*count;
    return NULL;
}

static err_t refuse_surplus(const struct table_copy *c, const char *name, struct arena *a, int64_t *count)
{
    bool restored;
    (void)count;
    TRY(is_restored(c, name, a, &restored));
    return restored ? NULL
                    : err_make(a, ERR_CORRUPT, "the backup has %s/%s, and its database knows no such table",
                               kinds[c->kind].folder, name);
}

static err_t check_surplus(const struct table_copy *c, int64_t restored, struct arena *a)
{
    int64_t names = 0;
    TRY(each_name(c, count_name, a, &names));
    return names > restored ? each_name(c, refuse_surplus, a, &names) : NULL;
}

err_t table_copy_in(const struct table_copy *c, slice sha256, struct arena *a, int64_t *ret_count)
{
    struct copying copying = { .c = c };
    slice is;
    TRY(digest_copies(c, false, a, &is));
    if (!slice_eq(is, sha256))
        return err_make(a, ERR_CORRUPT, "the files in %s of the backup are not those that its MANIFEST names",
                        kinds[c->kind].folder);
    TRY(each_table(c, copy_in, &copying, a));
    *ret_count = copying.count;
    return check_surplus(c, copying.count, a);
}
