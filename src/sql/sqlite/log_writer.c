/* SPDX-License-Identifier: Apache-2.0 */
/* Invariant: the file, with `pending` laid over it from `at` on, is what SQLite wrote. Every call but a write that
 * continues `pending` makes the file so first. */
#include "sql/sqlite/log_writer.h"

#include "base/arena.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

enum { PENDING_MAX = 120 * 1024 }; /* the unix VFS writes 128 KiB less one byte at once */

struct log_file {
    sqlite3_file file;
    sqlite3_file *real; /* behind this struct */
    char *pending;      /* NULL until something is written: those who only read need none */
    int n;
    sqlite3_int64 at;
};

static struct log_file *log_of(sqlite3_file *f)
{
    return (struct log_file *)(void *)f;
}

/* After an error the bytes are gone from here: SQLite gives the transaction up, and writes the next one over them. */
static int flush(struct log_file *l)
{
    int n = l->n;
    l->n = 0;
    return n ? l->real->pMethods->xWrite(l->real, l->pending, n, l->at) : SQLITE_OK;
}

static int log_write(sqlite3_file *f, const void *bytes, int n, sqlite3_int64 at)
{
    struct log_file *l = log_of(f);
    if (l->n && (at != l->at + l->n || n > PENDING_MAX - l->n)) {
        int result = flush(l);
        if (result != SQLITE_OK)
            return result;
    }
    if (n > PENDING_MAX)
        return l->real->pMethods->xWrite(l->real, bytes, n, at);
    if (!l->pending)
        l->pending = must_malloc(PENDING_MAX);
    if (!l->n)
        l->at = at;
    memcpy(l->pending + l->n, bytes, (size_t)n);
    l->n += n;
    return SQLITE_OK;
}

#define AFTER_FLUSH(call)                                                                                              \
    struct log_file *l = log_of(f);                                                                                    \
    int result = flush(l);                                                                                             \
    return result == SQLITE_OK ? l->real->pMethods->call : result

static int log_sync(sqlite3_file *f, int flags)
{
    AFTER_FLUSH(xSync(l->real, flags));
}

static int log_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
    AFTER_FLUSH(xRead(l->real, to, n, at));
}

static int log_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    AFTER_FLUSH(xTruncate(l->real, size));
}

static int log_size(sqlite3_file *f, sqlite3_int64 *ret_size)
{
    AFTER_FLUSH(xFileSize(l->real, ret_size));
}

static int log_control(sqlite3_file *f, int op, void *arg)
{
    AFTER_FLUSH(xFileControl(l->real, op, arg));
}

static int log_close(sqlite3_file *f)
{
    struct log_file *l = log_of(f);
    int written = flush(l), closed = l->real->pMethods->xClose(l->real);
    free(l->pending);
    l->pending = NULL;
    return written == SQLITE_OK ? closed : written;
}

static int log_lock(sqlite3_file *f, int lock)
{
    return log_of(f)->real->pMethods->xLock(log_of(f)->real, lock);
}

static int log_unlock(sqlite3_file *f, int lock)
{
    return log_of(f)->real->pMethods->xUnlock(log_of(f)->real, lock);
}

static int log_check_lock(sqlite3_file *f, int *ret_reserved)
{
    return log_of(f)->real->pMethods->xCheckReservedLock(log_of(f)->real, ret_reserved);
}

static int log_sector_size(sqlite3_file *f)
{
    return log_of(f)->real->pMethods->xSectorSize(log_of(f)->real);
}

static int log_characteristics(sqlite3_file *f)
{
    return log_of(f)->real->pMethods->xDeviceCharacteristics(log_of(f)->real);
}

static const sqlite3_io_methods log_methods = { .iVersion = 1,
                                                .xClose = log_close,
                                                .xRead = log_read,
                                                .xWrite = log_write,
                                                .xTruncate = log_truncate,
                                                .xSync = log_sync,
                                                .xFileSize = log_size,
                                                .xLock = log_lock,
                                                .xUnlock = log_unlock,
                                                .xCheckReservedLock = log_check_lock,
                                                .xFileControl = log_control,
                                                .xSectorSize = log_sector_size,
                                                .xDeviceCharacteristics = log_characteristics };

/* ---- the VFS ---- */

#define ALIGNED_SIZE ((sizeof(struct log_file) + 15) / 16 * 16)

/* The log gets a struct of ours in front; every other file is the default VFS's own. A disk that does not keep what
 * lies beside a torn write has its log padded behind the sync, and published unsynced: not here then. */
static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *ret_flags)
{
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    (void)vfs;
    if (!(flags & SQLITE_OPEN_WAL))
        return real->xOpen(real, name, f, flags, ret_flags);
    struct log_file *l = log_of(f);
    *l = (struct log_file){ .real = (sqlite3_file *)(void *)((char *)f + ALIGNED_SIZE) };
    int result = real->xOpen(real, name, l->real, flags, ret_flags);
    if (result != SQLITE_OK)
        return result;
    if (!(l->real->pMethods->xDeviceCharacteristics(l->real) & SQLITE_IOCAP_POWERSAFE_OVERWRITE)) {
        l->real->pMethods->xClose(l->real);
        return real->xOpen(real, name, f, flags, ret_flags);
    }
    l->file.pMethods = &log_methods;
    return SQLITE_OK;
}

static sqlite3_vfs log_vfs; /* made once, then SQLite's */

static void make_vfs(void)
{
    log_vfs = *sqlite3_vfs_find(NULL);
    log_vfs.zName = "cais-log";
    log_vfs.szOsFile += (int)ALIGNED_SIZE;
    log_vfs.pNext = NULL;
    log_vfs.xOpen = open_file;
    if (sqlite3_vfs_register(&log_vfs, 0) != SQLITE_OK)
        abort(); /* no memory */
}

const char *log_writer_vfs(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_vfs);
    return log_vfs.zName;
}
