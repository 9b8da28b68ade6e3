/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/damaged_store.h"

#include "base/scoped.h"
#include "blob/disk/disk.h"
#include "core/care/data_dir.h"
#include "core/store/blob_store.h"
#include "meta/meta.h"
#include "sql/sqlite/log_check.h"
#include "sql/sqlite/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

static const char *path_in(struct arena *a, slice dir, const char *name)
{
    return arena_printf(a, SLICE_FMT "/%s", SLICE_ARG(dir), name).p;
}

/* A lock for reading needs no right to write, and refuses those who want to write. */
static err_t hold_off_others(struct damaged_store *s, slice data_dir, struct arena *a)
{
    struct stat st;
    if (stat(arena_cstr(a, data_dir), &st) != 0)
        return err_errno(a, errno, "cannot read the data directory " SLICE_FMT, SLICE_ARG(data_dir));
    s->lock_fd = open(path_in(a, data_dir, DATA_DIR_LOCK), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    s->dir_lock_fd = open(arena_cstr(a, data_dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct flock all = { .l_type = F_RDLCK };
    bool is_locked =
        s->lock_fd >= 0 && fcntl(s->lock_fd, F_OFD_SETLK, &all) != 0 && (errno == EAGAIN || errno == EACCES);
    is_locked |= s->dir_lock_fd >= 0 && flock(s->dir_lock_fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (!is_locked)
        return NULL;
    return err_make(a, ERR_CONFLICT,
                    "the data directory " SLICE_FMT " is used by another cais process. Stop it; or copy what it serves,"
                    " with 'cais backup'",
                    SLICE_ARG(data_dir));
}

static void add_problem(struct damaged_store *s, slice text, struct arena *a)
{
    slice parts[] = { s->problem, s->problem.n ? S("; ") : S(""), text };
    s->problem = arena_join(a, parts, LENGTH_OF(parts));
}

static err_t open_copy(struct damaged_store *s, const char *path, struct arena *a)
{
    struct sqlite_options sqlite = { .path = path, .read_only = true, .immutable = true };
    struct sql_db *db;
    TRY(sqlite_open(&sqlite, a, &db));
    return meta_open(db, &(struct meta_options){ .read_only = true, .is_damaged = true }, a, &s->meta);
}

static err_t make_copy(struct damaged_store *s, const char *dir, struct arena *a)
{
    slice name = slice_of(dir);
    while (name.n > 1 && name.p[name.n - 1] == '/')
        name.n--;
    char *made = arena_cstr(a, arena_printf(a, SLICE_FMT ".database-XXXXXX", SLICE_ARG(name)));
    if (!mkdtemp(made))
        return err_errno(a, errno, "cannot make a folder for a copy of the database beside %s", dir);
    s->copy = made;
    return NULL;
}

/* What is wrong with the database is no error: without it, there are still the blobs. */
static err_t open_database(struct damaged_store *s, slice data_dir, const char *dir, struct arena *a)
{
    const char *path = path_in(a, data_dir, DATA_DIR_DATABASE);
    struct log_state state = { 0 };
    int64_t unread = 0;
    err_t e = log_check(path, a, &state);
    if (e || state.is_damaged)
        add_problem(s,
                    e ? err_text_for_people(a, e)
                      : S("the write-ahead log is damaged, or missing; what of it is whole was read"),
                    a);
    TRY(make_copy(s, dir, a));
    const char *copy = arena_printf(a, "%s/" DATA_DIR_DATABASE, s->copy).p;
    e = log_apply_to_copy(path, copy, a, &unread);
    if (err_is(e, ERR_NO_SPACE))
        return e;
    if (unread)
        add_problem(s, arena_printf(a, "%lld pages cannot be read", (long long)unread), a);
    struct stat st;
    if (!e && (lstat(path, &st) != 0 || !S_ISREG(st.st_mode)))
        add_problem(s, S("the database is missing; what its write-ahead log holds was read"), a);
    if (!e)
        e = open_copy(s, copy, a);
    if (e)
        add_problem(s, err_text_for_people(a, e), a);
    return NULL;
}

err_t damaged_store_open(struct damaged_store *s, slice data_dir, const char *dir, struct arena *a)
{
    *s = (struct damaged_store){ .lock_fd = -1, .dir_lock_fd = -1 };
    TRY(hold_off_others(s, data_dir, a));
    TRY(open_database(s, data_dir, dir, a));
    err_t e = blob_disk_open_to_read(path_in(a, data_dir, DATA_DIR_BLOBS), a, &s->blob);
    if (e)
        add_problem(s, err_text_for_people(a, e), a);
    return NULL;
}

void damaged_store_close(struct damaged_store *s)
{
    SCRATCH(a);
    meta_close(s->meta);
    if (s->blob)
        s->blob->ops->close_store(s->blob);
    if (s->copy) {
        unlink(arena_printf(&a, "%s/" DATA_DIR_DATABASE, s->copy).p);
        rmdir(s->copy);
    }
    fd_closep(&s->dir_lock_fd);
    fd_closep(&s->lock_fd);
    *s = (struct damaged_store){ .lock_fd = -1, .dir_lock_fd = -1 };
}
