/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a replacement of a database. A crash at any point, also one of the machine, leaves one of these states:
 *
 *   cais.db-distrusted is cais.db                         the old database counts; a cais.db-copy is unfinished
 *       copy to cais.db-copy, check it, flush it, rename it, flush the directory
 *   cais.db-copied exists and is whole                    the copy counts; cais.db and its log do not
 *       remove the log and its index, flush the directory, rename the copy to cais.db, flush the directory
 *   cais.db-distrusted is another file than cais.db       done; only the old database is still there under the mark
 *       remove the mark
 *
 * The log is removed before the copy gets its name, and not after it: the log could have lost its end meanwhile, and what
 * is left of it, applied to the newer copy, would mix two states.
 *
 * A copy gets its name after it was checked and flushed. But the name alone proves nothing: a data directory may have been
 * copied or restored with half of the file. So an interrupted replacement checks the copy again. A damaged one is removed
 * while the log is there, because cais.db and its log still hold everything. Without the log it may be all that is left of
 * the last writes, so a person decides.
 *
 * A log is copied to cais.db-wal-copy, flushed, and renamed. Its own checksums say how much of it counts, so it is not checked. */
#include "sql/sqlite/distrust.h"

#include "base/text.h"
#include "sql/sqlite/handle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK_SUFFIX "-distrusted"
#define COPIED_SUFFIX "-copied"
#define COPY_BYTES ((size_t)128 << 10)
#define FAILED_BEFORE                                                                                                  \
    "an earlier flush of %s failed, and it could not be copied to new blocks; nothing was changed."                    \
    " Make room if there is none; otherwise look at the disk, or restore a backup"

static const char *beside(const char *path, const char *suffix, struct arena *a)
{
    return arena_printf(a, "%s%s", path, suffix).p;
}

/* ---- marks ---- */

int distrust_mark(const char *file)
{
    SCRATCH(s);
    const char *mark = beside(file, MARK_SUFFIX, &s);
    if (link(file, mark) == 0 || errno == EEXIST)
        return 0;
    int failed = errno;
    /* A file system without hard links: an empty file is a mark, too. */
    SCOPED(fd_closep) int fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    return fd < 0 ? failed : 0;
}

bool distrust_is_marked(const char *file)
{
    SCRATCH(s);
    struct stat of_file, of_mark;
    if (stat(file, &of_file) != 0 || stat(beside(file, MARK_SUFFIX, &s), &of_mark) != 0)
        return false;
    bool is_same = of_file.st_ino == of_mark.st_ino && of_file.st_dev == of_mark.st_dev;
    return is_same || of_mark.st_size == 0;
}

bool distrust_is_copied(const char *path)
{
    SCRATCH(s);
    return access(beside(path, COPIED_SUFFIX, &s), F_OK) == 0;
}

/* ---- steps ---- */

static err_t sync_path(const char *path, int flags, struct arena *a)
{
    SCOPED(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
    if (fd < 0 || fsync(fd) != 0)
        return err_errno(a, errno, "cannot sync %s", path);
    return NULL;
}

static err_t sync_folder_of(const char *path, struct arena *a)
{
    size_t cut = slice_rfind_byte(slice_of(path), '/');
    const char *folder = cut == SLICE_NONE ? "." : arena_cstr(a, slice_part(slice_of(path), 0, cut ? cut : 1));
    return sync_path(folder, O_DIRECTORY, a);
}

static err_t remove_file(const char *path, struct arena *a)
{
    return unlink(path) == 0 || errno == ENOENT ? NULL : err_errno(a, errno, "cannot remove %s", path);
}

static err_t rename_file(const char *from, const char *to, struct arena *a)
{
    if (rename(from, to) != 0)
        return err_errno(a, errno, "cannot rename %s to %s", from, to);
    return sync_folder_of(to, a);
}

static err_t copy_to(const char *path, const char *copy, struct arena *a)
{
    sqlite3 *from = NULL;
    int result = sqlite3_open_v2(path, &from, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (result == SQLITE_OK) /* closing it must not copy the log into the old database */
        result = sqlite3_db_config(from, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    err_t e = result == SQLITE_OK ? copy_database(from, copy, true, a) : sqlite_err(from, result, a);
    sqlite3_close(from);
    return e;
}

static err_t make_copy(const char *path, const char *copied, struct arena *a)
{
    static const char *const leftovers[] = { "-copy", "-copy-wal", "-copy-shm", "-copy-journal" };
    for (size_t i = 0; i < LENGTH_OF(leftovers); i++)
        TRY(remove_file(beside(path, leftovers[i], a), a));
    const char *copy = beside(path, "-copy", a);
    err_t e = copy_to(path, copy, a);
    if (!e)
        e = sync_path(copy, 0, a);
    if (e)
        return err_because(a, e, e->code, FAILED_BEFORE, path);
    return rename_file(copy, copied, a);
}

static err_t use_copy(const char *path, const char *copied, struct arena *a)
{
    static const char *const of_log[] = { "-wal", ("-wal" MARK_SUFFIX), "-shm" };
    for (size_t i = 0; i < LENGTH_OF(of_log); i++)
        TRY(remove_file(beside(path, of_log[i], a), a));
    TRY(sync_folder_of(path, a));
    return rename_file(copied, path, a);
}

/* CORRUPT: the file is not a whole database. An empty one would pass SQLite's check, as one without tables. It is opened as
 * a file that nobody changes, so that no log is made beside it. */
static err_t check_copied(const char *copied, struct arena *a)
{
    struct stat st;
    if (stat(copied, &st) != 0)
        return err_errno(a, errno, "cannot read %s", copied);
    if (st.st_size == 0)
        return err_make(a, ERR_CORRUPT, "%s is empty", copied);
    sqlite3 *handle = NULL;
    const char *uri = sqlite_immutable_name(copied, a);
    int result = sqlite3_open_v2(uri, &handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, NULL);
    err_t e = result == SQLITE_OK ? check_pages(handle, 1, a) : sqlite_err(handle, result, a);
    sqlite3_close(handle);
    return e;
}

/* Is there a whole copy? A damaged one is removed if nothing depends on it. */
static err_t find_copied(const char *path, const char *copied, struct arena *a, bool *ret_is_copied)
{
    *ret_is_copied = access(copied, F_OK) == 0;
    err_t e = *ret_is_copied ? check_copied(copied, a) : NULL;
    if (!err_is(e, ERR_CORRUPT))
        return e;
    if (access(path, F_OK) != 0 || access(beside(path, "-wal", a), F_OK) != 0)
        return err_because(a, e, ERR_CORRUPT,
                           "the copy %s is damaged, and the log of %s, which it holds, is gone; nothing was changed."
                           " Restore a backup, or move the copy away to go on without the last writes",
                           copied, path);
    *ret_is_copied = false;
    TRY(remove_file(copied, a));
    return sync_folder_of(path, a);
}

err_t distrust_replace_database(const char *path, struct arena *a, bool *ret_replaced)
{
    const char *copied = beside(path, COPIED_SUFFIX, a), *mark = beside(path, MARK_SUFFIX, a);
    bool is_copied, is_marked = distrust_is_marked(path);
    TRY(find_copied(path, copied, a, &is_copied));
    *ret_replaced = is_copied || is_marked;
    if (*ret_replaced && !is_copied)
        TRY(make_copy(path, copied, a));
    if (*ret_replaced)
        TRY(use_copy(path, copied, a));
    if (access(path, F_OK) != 0)
        return NULL; /* the mark may be the last name of a database that somebody removed */
    return remove_file(mark, a);
}

/* ---- the log */

/* Reads and writes: copy_file_range could give both files the same blocks. */
static err_t copy_bytes(const char *from_path, const char *to_path, struct arena *a)
{
    SCOPED(fd_closep) int from = open(from_path, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return err_errno(a, errno, "cannot read %s", from_path);
    SCOPED(fd_closep) int to = open(to_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (to < 0)
        return err_errno(a, errno, "cannot make %s", to_path);
    char *bytes = arena_alloc(a, COPY_BYTES);
    for (;;) {
        ssize_t n = read(from, bytes, COPY_BYTES), written = n > 0 ? write(to, bytes, (size_t)n) : n;
        if (n < 0 || written < 0)
            return err_errno(a, errno, "cannot copy %s", from_path);
        if (written != n)
            return err_make(a, ERR_NO_SPACE, "cannot copy all of %s", from_path);
        if (!n)
            break;
    }
    return fsync(to) == 0 ? NULL : err_errno(a, errno, "cannot sync %s", to_path);
}

static err_t move_log(const char *log, struct arena *a)
{
    const char *copy = beside(log, "-copy", a);
    TRY(remove_file(copy, a));
    err_t e = copy_bytes(log, copy, a);
    return e ? err_because(a, e, e->code, FAILED_BEFORE, log) : rename_file(copy, log, a);
}

err_t distrust_replace_log(const char *log, struct arena *a, bool *ret_replaced)
{
    *ret_replaced = distrust_is_marked(log);
    if (*ret_replaced)
        TRY(move_log(log, a));
    return access(log, F_OK) == 0 ? remove_file(beside(log, MARK_SUFFIX, a), a) : NULL;
}
