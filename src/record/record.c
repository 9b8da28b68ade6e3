/* SPDX-License-Identifier: Apache-2.0 */
#include "record/record_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#define OPEN_MAX_DEFAULT 4

static void close_store(struct record_store *store)
{
    set_pool_release(pool_of(store));
    free(CONTAINER_OF(store, struct records, store));
}

static const struct record_ops record_ops = {
    .name = "sqlite",
    .define = files_define,
    .fields = reader_fields,
    .remove = files_remove,
    .open = writer_open,
    .put = writer_put,
    .erase = writer_erase,
    .commit = writer_commit,
    .discard = writer_discard,
    .position = reader_position,
    .get = reader_get,
    .scan = reader_scan,
    .size = reader_size,
    .each = files_each,
    .verify = reader_verify,
    .backup = files_backup,
    .restore = files_restore,
    .close_store = close_store,
};

static err_t open_dir(const char *path, struct arena *a, int *ret_fd)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return err_errno(a, errno, "%s cannot be made", path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(a, errno, "%s", path);
    *ret_fd = fd;
    return NULL;
}

err_t record_open(const struct record_options *o, struct arena *a, struct record_store **ret_store)
{
    int fd = -1, open_max = !o->dir ? INT_MAX : o->open_max ? o->open_max : OPEN_MAX_DEFAULT;
    if (o->dir)
        TRY(open_dir(o->dir, a, &fd));
    struct records *r = must_malloc(sizeof *r);
    *r = (struct records){ .store.ops = &record_ops, .random = o->random };
    set_pool_init(&r->pool, o->dir, fd, open_max, (struct flush_reporter){ o->report, o->report_arg });
    err_t e = o->dir ? files_remove_leftovers(&r->pool, a) : NULL;
    if (e)
        close_store(&r->store);
    else
        *ret_store = &r->store;
    return e;
}
