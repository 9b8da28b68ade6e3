/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants
 *   - The file with `pending` laid over it at offset `at` holds what SQLite has written. Every call except a write that
 *     continues `pending` first passes `pending` on to the file.
 *   - Every sync of the log and of the database passes through watched_sync or wal_sync, so that none fails unnoticed.
 *     Only syncs count: a write that failed left no page behind that the kernel takes for written, so the next commit,
 *     which writes that place again, is as safe as any. */
#include "sql/sqlite/wal_writer.h"

#include "base/arena.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PENDING_MAX = 120 * 1024 }; /* the unix VFS passes at most 128 KiB - 1 byte to one write */

struct wal_file {
    sqlite3_file file;
    sqlite3_file *real; /* the default VFS's; its memory follows this struct */
    char *pending;      /* NULL until the first write: a connection that only reads needs no buffer */
    int n;              /* bytes in pending */
    sqlite3_int64 at;
    struct wal_writer *writer;
    bool skips_syncs, header_is_new; /* the header was written, and not synced since */
};

/* The VFS of one database. Files that need no buffer are those of the default VFS, except for the table of their
 * methods: it is a copy in which only xSync differs, and its address leads to this struct. */
struct watched_methods {
    sqlite3_io_methods methods;
    const sqlite3_io_methods *real;
    struct wal_writer *writer;
    enum flushed_file file;
};

struct wal_writer {
    sqlite3_vfs vfs;
    struct flush_watch *watch;
    bool joins;
    struct watched_methods watched[2]; /* by enum flushed_file */
    char name[32];
};

static struct wal_file *wal_of(sqlite3_file *f)
{
    return (struct wal_file *)(void *)f;
}

/* After an error `pending` is empty: SQLite gives the transaction up, and the next one overwrites that place. */
static int flush_pending(struct wal_file *w)
{
    int n = w->n;
    w->n = 0;
    return n ? w->real->pMethods->xWrite(w->real, w->pending, n, w->at) : SQLITE_OK;
}

static int wal_write(sqlite3_file *f, const void *bytes, int n, sqlite3_int64 at)
{
    struct wal_file *w = wal_of(f);
    if (w->n && (at != w->at + w->n || n > PENDING_MAX - w->n)) {
        int result = flush_pending(w);
        if (result != SQLITE_OK)
            return result;
    }
    if (n > PENDING_MAX)
        return w->real->pMethods->xWrite(w->real, bytes, n, at);
    if (!w->pending)
        w->pending = must_malloc(PENDING_MAX);
    if (!w->n)
        w->at = at;
    memcpy(w->pending + w->n, bytes, (size_t)n);
    w->n += n;
    w->header_is_new |= at == 0;
    return SQLITE_OK;
}

#define AFTER_FLUSH(call)                                                                                              \
    struct wal_file *w = wal_of(f);                                                                                    \
    int result = flush_pending(w);                                                                                     \
    return result == SQLITE_OK ? w->real->pMethods->call : result

static int report_sync(struct wal_writer *writer, enum flushed_file file, sqlite3_file *f, int result)
{
    int system_errno = 0;
    if (result != SQLITE_OK) {
        f->pMethods->xFileControl(f, SQLITE_FCNTL_LAST_ERRNO, &system_errno);
        writer->watch->failed(writer->watch, file, system_errno);
    }
    return result;
}

static int wal_sync(sqlite3_file *f, int flags)
{
    struct wal_file *w = wal_of(f);
    int result = flush_pending(w);
    if (result != SQLITE_OK || (w->skips_syncs && !w->header_is_new))
        return result;
    result = report_sync(w->writer, FLUSHED_LOG, w->real, w->real->pMethods->xSync(w->real, flags));
    w->header_is_new &= result != SQLITE_OK;
    return result;
}

static int watched_sync(sqlite3_file *f, int flags)
{
    const struct watched_methods *m = CONTAINER_OF(f->pMethods, struct watched_methods, methods);
    return report_sync(m->writer, m->file, f, m->real->xSync(f, flags));
}

static int wal_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
    AFTER_FLUSH(xRead(w->real, to, n, at));
}

static int wal_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    AFTER_FLUSH(xTruncate(w->real, size));
}

static int wal_file_size(sqlite3_file *f, sqlite3_int64 *ret_size)
{
    AFTER_FLUSH(xFileSize(w->real, ret_size));
}

static int wal_control(sqlite3_file *f, int op, void *arg)
{
    AFTER_FLUSH(xFileControl(w->real, op, arg));
}

static int wal_close(sqlite3_file *f)
{
    struct wal_file *w = wal_of(f);
    int written = flush_pending(w), closed = w->real->pMethods->xClose(w->real);
    free(w->pending);
    w->pending = NULL;
    return written == SQLITE_OK ? closed : written;
}

static int wal_lock(sqlite3_file *f, int lock)
{
    return wal_of(f)->real->pMethods->xLock(wal_of(f)->real, lock);
}

static int wal_unlock(sqlite3_file *f, int lock)
{
    return wal_of(f)->real->pMethods->xUnlock(wal_of(f)->real, lock);
}

static int wal_check_lock(sqlite3_file *f, int *ret_reserved)
{
    return wal_of(f)->real->pMethods->xCheckReservedLock(wal_of(f)->real, ret_reserved);
}

static int wal_sector_size(sqlite3_file *f)
{
    return wal_of(f)->real->pMethods->xSectorSize(wal_of(f)->real);
}

static int wal_characteristics(sqlite3_file *f)
{
    return wal_of(f)->real->pMethods->xDeviceCharacteristics(wal_of(f)->real);
}

static const sqlite3_io_methods wal_methods = { .iVersion = 1,
                                                .xClose = wal_close,
                                                .xRead = wal_read,
                                                .xWrite = wal_write,
                                                .xTruncate = wal_truncate,
                                                .xSync = wal_sync,
                                                .xFileSize = wal_file_size,
                                                .xLock = wal_lock,
                                                .xUnlock = wal_unlock,
                                                .xCheckReservedLock = wal_check_lock,
                                                .xFileControl = wal_control,
                                                .xSectorSize = wal_sector_size,
                                                .xDeviceCharacteristics = wal_characteristics };

void wal_writer_skip_syncs(sqlite3_file *log, bool skips)
{
    if (log && log->pMethods == &wal_methods)
        wal_of(log)->skips_syncs = skips;
}

/* ---- the VFS ---- */

#define ALIGNED_SIZE ((sizeof(struct wal_file) + 15) / 16 * 16)

static void watch_file(struct wal_writer *writer, enum flushed_file file, sqlite3_file *f)
{
    struct watched_methods *m = &writer->watched[file];
    /* All files of one kind have the same methods; connections may open theirs at the same time. */
    static pthread_mutex_t lock_of_tables = PTHREAD_MUTEX_INITIALIZER;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&lock_of_tables);
    if (!m->real) {
        m->methods = *f->pMethods;
        m->methods.xSync = watched_sync;
        m->real = f->pMethods;
        m->writer = writer;
        m->file = file;
    }
    if (m->real == f->pMethods)
        f->pMethods = &m->methods;
}

/* Only the log is wrapped: a wal_file stands before the default VFS's struct. Every other file is the default VFS's
 * own, and so is the log on a disk where a torn write may damage the bytes beside it: there SQLite pads the log after
 * the sync, and readers see the padding before it is synced. */
static int open_watched(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *ret_flags)
{
    struct wal_writer *writer = CONTAINER_OF(vfs, struct wal_writer, vfs);
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    bool is_log = flags & SQLITE_OPEN_WAL;
    if (!is_log || !writer->joins) {
        int result = real->xOpen(real, name, f, flags, ret_flags);
        if (result == SQLITE_OK && flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_DB))
            watch_file(writer, is_log ? FLUSHED_LOG : FLUSHED_DATABASE, f);
        return result;
    }
    struct wal_file *w = wal_of(f);
    *w = (struct wal_file){ .real = (sqlite3_file *)(void *)((char *)f + ALIGNED_SIZE), .writer = writer };
    int result = real->xOpen(real, name, w->real, flags, ret_flags);
    if (result != SQLITE_OK)
        return result;
    if (!(w->real->pMethods->xDeviceCharacteristics(w->real) & SQLITE_IOCAP_POWERSAFE_OVERWRITE)) {
        w->real->pMethods->xClose(w->real);
        result = real->xOpen(real, name, f, flags, ret_flags);
        if (result == SQLITE_OK)
            watch_file(writer, FLUSHED_LOG, f);
        return result;
    }
    w->file.pMethods = &wal_methods;
    return SQLITE_OK;
}

static int wal_vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *ret_flags)
{
    struct wal_writer *writer = CONTAINER_OF(vfs, struct wal_writer, vfs);
    int result = open_watched(vfs, name, f, flags, ret_flags);
    if (result == SQLITE_OK && flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_DB))
        writer->watch->opened(writer->watch, flags & SQLITE_OPEN_WAL ? FLUSHED_LOG : FLUSHED_DATABASE);
    return result;
}

struct wal_writer *wal_writer_new(bool joins, struct flush_watch *watch)
{
    struct wal_writer *writer = must_malloc(sizeof *writer);
    *writer = (struct wal_writer){ .vfs = *sqlite3_vfs_find(NULL), .watch = watch, .joins = joins };
    snprintf(writer->name, sizeof writer->name, "cais-%p", (void *)writer);
    writer->vfs.zName = writer->name;
    writer->vfs.szOsFile += (int)ALIGNED_SIZE;
    writer->vfs.pNext = NULL;
    writer->vfs.xOpen = wal_vfs_open;
    if (sqlite3_vfs_register(&writer->vfs, 0) != SQLITE_OK)
        abort(); /* out of memory */
    return writer;
}

const char *wal_writer_vfs(const struct wal_writer *writer)
{
    return writer->name;
}

void wal_writer_free(struct wal_writer *writer)
{
    if (writer)
        sqlite3_vfs_unregister(&writer->vfs);
    free(writer);
}
