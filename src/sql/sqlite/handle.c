/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/sqlite/handle.h"

#include "base/buf.h"
#include "base/text.h"

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
    case SQLITE_INTERRUPT: /* only by limit.c */
        return ERR_EXPIRED;
    default:
        return ERR_UNAVAILABLE;
    }
}

static const char *sqlite_words(int result, enum err_code code)
{
    if (code == ERR_NO_SPACE)
        return "the disk of the database is full";
    switch (result & 0xff) {
    case SQLITE_CONSTRAINT:
        return "the record contradicts another one";
    case SQLITE_CORRUPT:
        return "the database is damaged";
    case SQLITE_NOTADB:
        return "the file is no database, or damaged at its beginning";
    case SQLITE_IOERR:
        return "the disk of the database does not do its work";
    case SQLITE_CANTOPEN:
        return "the database cannot be opened";
    case SQLITE_READONLY:
        return "the database cannot be written";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return "another program uses the database";
    case SQLITE_INTERRUPT:
        return "the statement took too long";
    case SQLITE_TOOBIG:
        return "the text is longer than the database takes";
    default:
        return "the database does not do its work";
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
    return err_make_at(a, where, err_library(a, "SQLite", handle ? sqlite3_errmsg(handle) : sqlite3_errstr(result)),
                       code, "%s (SQLite %d)", sqlite_words(result, code), extended);
}

const char *sqlite_immutable_name(const char *path, struct arena *a)
{
    return arena_printf(a, "file:" SLICE_FMT "?immutable=1", SLICE_ARG(percent_encode(a, slice_of(path), "/"))).p;
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
    result = sqlite3_finalize(stmt); /* what a PRAGMA changes is committed here */
    return e || result == SQLITE_OK ? e : sqlite_err(handle, result, a);
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

/* A row may hold several findings, below a title ("*** in database main ***"). */
static void add_findings(struct buf *b, slice row)
{
    while (row.n) {
        slice line = row, rest = S("");
        slice_cut(row, '\n', &line, &rest);
        if (!slice_starts(line, S("***")))
            buf_printf(b, "%sintegrity check: " SLICE_FMT, b->n ? "\n" : "", SLICE_ARG(line));
        row = rest;
    }
}

err_t check_pages(sqlite3 *handle, int max, struct arena *a)
{
    sqlite3_stmt *stmt = NULL;
    SCOPED(buf_releasep) struct buf findings;
    buf_init(&findings, 0);
    int result = sqlite3_prepare_v2(handle, arena_printf(a, "PRAGMA integrity_check(%d)", max).p, -1, &stmt, NULL);
    while (result == SQLITE_OK || result == SQLITE_ROW) {
        result = sqlite3_step(stmt);
        slice row = result == SQLITE_ROW ? slice_of((const char *)sqlite3_column_text(stmt, 0)) : S("ok");
        if (!slice_eq(row, S("ok")))
            add_findings(&findings, row);
    }
    err_t e = result == SQLITE_DONE ? NULL : sqlite_err(handle, result, a);
    sqlite3_finalize(stmt);
    if (!findings.n)
        return e;
    return err_make(a, ERR_CORRUPT, SLICE_FMT, SLICE_ARG(buf_slice(&findings)));
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
        e = check_pages(copy, 1, a);
    result = sqlite3_close(copy);
    if (!e && result != SQLITE_OK)
        e = sqlite_err(NULL, result, a);
    if (e)
        unlink(path);
    return e;
}
