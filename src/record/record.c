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
    .flush = writer_flush,
    .discard = writer_discard,
    .position = reader_position,
    .get = reader_get,
    .scan = reader_scan,
    .query = query_run,
    .more = query_more,
    .size = reader_size,
    .each = files_each,
    .verify = reader_verify,
    .backup = files_backup,
    .restore = files_restore,
    .verify_copy = files_verify_copy,
    .close_store = close_store,
};

static err_t open_dir(const char *path, struct arena *a, int *ret_fd)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return err_errno(a, errno, "%s cannot be made", path);
    SCOPED(fd_closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(a, errno, "%s", path);
    /* Its name, also when a process made it that was killed then. */
    SCOPED(fd_closep) int parent = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0 || fsync(parent) != 0)
        return err_errno(a, errno, "the folder of %s cannot be flushed", path);
    *ret_fd = TAKE_FD(fd);
    return NULL;
}

err_t record_open_with(const struct record_options *o, const struct record_hooks *hooks, struct arena *a,
                       struct record_store **ret_store)
{
    int fd = -1, open_max = !o->dir ? INT_MAX : o->open_max ? o->open_max : OPEN_MAX_DEFAULT;
    if (o->dir)
        TRY(open_dir(o->dir, a, &fd));
    struct records *r = must_malloc(sizeof *r);
    *r = (struct records){ .store.ops = &record_ops, .random = o->random, .clock = o->clock };
    set_pool_init(&r->pool, o->dir, fd, open_max, (struct flush_reporter){ o->report, o->report_arg });
    r->pool.log_bytes = hooks->log_bytes;
    r->pool.wrap = hooks->wrap;
    r->pool.wrap_arg = hooks->wrap_arg;
    err_t e = o->dir ? files_remove_leftovers(&r->pool, a) : NULL;
    if (e)
        close_store(&r->store);
    else
        *ret_store = &r->store;
    return e;
}

err_t record_open(const struct record_options *o, struct arena *a, struct record_store **ret_store)
{
    return record_open_with(o, &(struct record_hooks){ .log_bytes = RECORD_LOG_BYTES }, a, ret_store);
}
