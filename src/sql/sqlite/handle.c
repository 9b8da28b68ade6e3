/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/sqlite/handle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static enum err_code sqlite_err_code(int result, int system_errno)
{
    switch (result & 0xff) {
    case SQLITE_FULL:
        return ERR_NO_SPACE;
    case SQLITE_CONSTRAINT:
        return ERR_CONFLICT;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return system_errno == ENOSPC || system_errno == EDQUOT ? ERR_NO_SPACE : ERR_UNAVAILABLE;
    default:
        return ERR_UNAVAILABLE;
    }
}

err_t sqlite_err_at(sqlite3 *handle, const char *where, int result, struct arena *a)
{
    if (result == SQLITE_NOMEM)
        abort(); /* the process ends when memory runs out, here as everywhere */
    int extended = handle ? sqlite3_extended_errcode(handle) : result;
    int system = handle ? sqlite3_system_errno(handle) : 0;
    /* After a failed flush the outcome is unknown, also when the reason was a full disk. */
    enum err_code code = extended == SQLITE_IOERR_FSYNC ? ERR_UNAVAILABLE : sqlite_err_code(result, system);
    return err_make_at(a, where, NULL, code, "SQLite: %s (%d)",
                       handle ? sqlite3_errmsg(handle) : sqlite3_errstr(result), extended);
}

err_t read_pragma(sqlite3 *handle, const char *pragma, struct arena *a, slice *ret_value)
{
    sqlite3_stmt *stmt = NULL;
    int result = sqlite3_prepare_v2(handle, pragma, -1, &stmt, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_step(stmt);
    err_t e = result == SQLITE_ROW ? NULL : sqlite_err(handle, result, a);
    if (!e)
        *ret_value = arena_copy(a, slice_of((const char *)sqlite3_column_text(stmt, 0)));
    sqlite3_finalize(stmt);
    return e;
}

/* Copies all pages in one step, and so from one snapshot: under load the copy is consistent and never starts over. */
static err_t copy_pages(sqlite3 *from, sqlite3 *to, struct arena *a)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    if (!backup)
        return sqlite_err(to, sqlite3_errcode(to), a);
    int result = sqlite3_backup_step(backup, -1);
    int finish = sqlite3_backup_finish(backup);
    if (result == SQLITE_DONE && finish == SQLITE_OK)
        return NULL;
    return sqlite_err(finish == SQLITE_OK ? NULL : to, finish == SQLITE_OK ? result : finish, a);
}

err_t check_pages(sqlite3 *handle, struct arena *a)
{
    slice report;
    TRY(read_pragma(handle, "PRAGMA integrity_check(1)", a, &report));
    return slice_eq(report, S("ok")) ? NULL
                                     : err_make(a, ERR_CORRUPT, "integrity check: " SLICE_FMT, SLICE_ARG(report));
}

err_t copy_database(sqlite3 *from, const char *path, bool verify, struct arena *a)
{
    SCOPED(fd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return err_make(a, ERR_CONFLICT, "%s exists", path);
    if (fd < 0)
        return err_errno(a, errno, "cannot make %s", path);
    sqlite3 *copy = NULL;
    int result = sqlite3_open_v2(path, &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    err_t e = result == SQLITE_OK ? NULL : sqlite_err(copy, result, a);
    if (!e) {
        sqlite3_exec(copy, "PRAGMA synchronous=OFF", NULL, NULL, NULL);
        e = copy_pages(from, copy, a);
    }
    if (!e && verify)
        e = check_pages(copy, a);
    result = sqlite3_close(copy);
    if (!e && result != SQLITE_OK)
        e = sqlite_err(NULL, result, a);
    if (e)
        unlink(path);
    return e;
}
