/* SPDX-License-Identifier: Apache-2.0 */
#include "core/care/table_copy.h"

#include "core/care/data_dir.h"
#include "core/records/dataset.h"
#include "core/records/record_ids.h"
#include "core/store/dataset_record_store.h"
#include "core/store/dataset_store.h"
#include "core/store/transaction.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

enum { PAGE = 100 };

typedef err_t copy_fn(const struct table_copy *, const struct dataset *, const char *path, struct arena *a,
                      bool *ret_copied);

static err_t list_datasets(const struct table_copy *c, int64_t after_id, struct arena *a, struct dataset_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(c->rows, a, &tx));
    return meta_dataset_list(tx, 0, &(struct id_page){ after_id, PAGE }, a, ret);
}

static err_t copy_each(const struct table_copy *c, copy_fn *copy, struct arena *a, int64_t *ret_count)
{
    struct dataset_list page;
    int64_t after_id = 0;
    *ret_count = 0;
    do {
        SCRATCH(scratch);
        err_t e = list_datasets(c, after_id, &scratch, &page);
        for (size_t i = 0; !e && i < page.count; i++) {
            bool copied = false;
            after_id = page.items[i].id;
            const char *path = arena_printf(&scratch, "%s/" DATA_DIR_DATASETS "/%lld", c->dir, (long long)after_id).p;
            e = copy(c, &page.items[i], path, &scratch, &copied);
            *ret_count += copied;
        }
        if (e)
            return err_copy(a, e);
    } while (page.count == PAGE);
    return NULL;
}

static err_t check_space(const struct table_copy *c, uint64_t bytes, struct arena *a)
{
    struct statvfs fs;
    if (statvfs(c->dir, &fs) != 0)
        return err_errno(a, errno, "cannot tell the free space of %s", c->dir);
    uint64_t free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (free_bytes >= c->reserve_bytes && free_bytes - c->reserve_bytes >= bytes)
        return NULL;
    return err_make(a, ERR_NO_SPACE,
                    "the disk of the copy would have less than storage.reserve_free_space left. Remove the unfinished"
                    " copy, and make it on a disk with more room");
}

static err_t copy_out(const struct table_copy *c, const struct dataset *d, const char *path, struct arena *a,
                      bool *ret_copied)
{
    uint64_t bytes;
    err_t e = c->tables->ops->size(c->tables, d->id, a, &bytes);
    if (err_is(e, ERR_NOT_FOUND) && d->table_bytes)
        return err_because(a, e, ERR_CORRUPT, "the rows of a dataset are gone");
    if (err_is(e, ERR_NOT_FOUND))
        return NULL; /* nothing was read into it yet */
    TRY(e);
    TRY(check_space(c, bytes, a));
    TRY(c->tables->ops->backup(c->tables, d->id, path, a));
    *ret_copied = true;
    return NULL;
}

static const char *folder_of(const struct table_copy *c, struct arena *a)
{
    return arena_printf(a, "%s/" DATA_DIR_DATASETS, c->dir).p;
}

static err_t sync_folder(const char *folder, struct arena *a)
{
    SCOPED(fd_closep) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return err_errno(a, errno, "cannot sync %s", folder);
    return NULL;
}

err_t table_copy_out(const struct table_copy *c, struct arena *a, int64_t *ret_count)
{
    const char *folder = folder_of(c, a);
    *ret_count = 0;
    if (!c->tables)
        return NULL;
    if (mkdir(folder, 0700) != 0)
        return err_errno(a, errno, "cannot make %s", folder);
    TRY(copy_each(c, copy_out, a, ret_count));
    return sync_folder(folder, a);
}

static err_t copy_in(const struct table_copy *c, const struct dataset *d, const char *path, struct arena *a,
                     bool *ret_copied)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return errno == ENOENT ? NULL : err_errno(a, errno, "cannot read %s", path);
    if (!c->tables)
        return err_make(a, ERR_UNSUPPORTED,
                        "the backup has datasets, and this program was built without a store for them");
    TRY(c->tables->ops->restore(c->tables, d->id, path, a));
    *ret_copied = true;
    return NULL;
}

err_t table_copy_in(const struct table_copy *c, struct arena *a, int64_t *ret_count)
{
    return copy_each(c, copy_in, a, ret_count);
}
