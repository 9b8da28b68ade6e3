/* SPDX-License-Identifier: Apache-2.0 */
/* libcais-faults.so: a disk that fails, for a program that is started with LD_PRELOAD. It stands before the system calls by which
 * the program and its libraries change files, and does what the control file says. tests/support/faults.py writes that file.
 *
 *   CAIS_FAULTS_ROOT    the data directory; other files are left alone
 *   CAIS_FAULTS         the control file. It is read again whenever it was replaced; a missing one has no rules
 *   CAIS_FAULTS_DISK    a directory that gets what a power failure would leave (below); unset: none
 *
 * A line of the control file is one rule, and of the rules that fit a call the first that has hits left is used:
 *
 *   KIND CALL ACTION SKIP COUNT
 *     KIND    log, database, blob, records, rows, key, folder, other, or any
 *     CALL    open (for writing), write, flush, cut (to a length), name (link, rename, make or remove a name), or any
 *     ACTION  a number of errno; drop: nothing is done, and success is reported; tear: the first half is written, and EIO is
 *             reported; short: the first half is written, and its length is reported; delay=MS: it is done that much later
 *     SKIP    how many calls pass first
 *     COUNT   how many are hit then; 0: all
 *   room BYTES   the disk takes so many bytes more. What is cut or removed gives bytes back
 *   read_only    nothing can be changed, and the file system says so
 *
 * Each hit appends "KIND CALL" to CONTROL.hits.
 *
 * What a power failure leaves. With each flush of a file, what was written since its last one goes to DISK/f-ID, and with each
 * flush of a folder, its names go to DISK/d-ID, a line with the ID and the name each. ID is the number of the inode and the time
 * at which it was made. So a flush that was dropped leaves the old state there. */
#undef _FILE_OFFSET_BITS /* open and open64 are two names here */

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The real calls. `open` and its like are ours, so none of them may be used below. */
#define SYS(name, ...) syscall(SYS_##name, __VA_ARGS__)
#define EXPORT __attribute__((visibility("default")))

enum { RULES = 32, FILES = 8192, PIECE = 65536 };
enum { DROP = -1, TEAR = -2, SHORT = -3, DELAY = -4 };

struct rule {
    char kind[16], call[8];
    int action; /* an errno, or one of the above */
    long delay_ms;
    long skip, count, seen;
};

/* What was written of a file since its last flush. */
struct dirty {
    char id[48];
    off_t from, to;
};

static struct {
    pthread_mutex_t lock;
    bool is_loaded;
    struct stat control; /* as it was read */
    struct rule rules[RULES];
    size_t count;
    bool read_only, has_room;
    atomic_llong room;
    struct dirty files[FILES];
    size_t dirty_count;
} layer = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- the control file */

static const char *root(void)
{
    static const char *path;
    static bool asked;
    if (!asked)
        path = getenv("CAIS_FAULTS_ROOT");
    asked = true;
    return path;
}

static int action_of(const char *text, long *delay_ms)
{
    if (strcmp(text, "drop") == 0)
        return DROP;
    if (strcmp(text, "tear") == 0)
        return TEAR;
    if (strcmp(text, "short") == 0)
        return SHORT;
    return sscanf(text, "delay=%ld", delay_ms) == 1 ? DELAY : atoi(text);
}

static void read_rule(char *line)
{
    struct rule *r = &layer.rules[layer.count];
    char action[32];
    long long room;
    *r = (struct rule){ 0 };
    if (sscanf(line, "room %lld", &room) == 1) {
        layer.has_room = true;
        layer.room = room;
    } else if (strcmp(line, "read_only") == 0) {
        layer.read_only = true;
    } else if (layer.count < RULES &&
               sscanf(line, "%15s %7s %31s %ld %ld", r->kind, r->call, action, &r->skip, &r->count) == 5) {
        r->action = action_of(action, &r->delay_ms);
        layer.count++;
    }
}

/* The lock is held. */
static void load_rules(void)
{
    struct stat now = { 0 };
    const char *path = getenv("CAIS_FAULTS");
    if (!path || fstatat(AT_FDCWD, path, &now, 0) != 0)
        now = (struct stat){ 0 };
    if (layer.is_loaded && now.st_ino == layer.control.st_ino && now.st_mtim.tv_sec == layer.control.st_mtim.tv_sec &&
        now.st_mtim.tv_nsec == layer.control.st_mtim.tv_nsec)
        return;
    layer.is_loaded = true;
    layer.control = now;
    layer.count = 0;
    layer.read_only = layer.has_room = false;
    int fd = now.st_ino ? (int)SYS(openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0) : -1;
    char text[4096];
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0)
        SYS(close, fd);
    text[n > 0 ? n : 0] = 0;
    for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
        read_rule(line);
}

/* ---- which file */

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* NULL: the file is none of ours. */
static const char *kind_of(const char *path, bool is_folder)
{
    size_t n = root() ? strlen(root()) : 0;
    if (!n || strncmp(path, root(), n) != 0 || (path[n] != '/' && path[n] != 0))
        return NULL;
    const char *name = path + n;
    if (is_folder)
        return "folder";
    if (ends_with(name, "-shm"))
        return "index"; /* of the log: memory that the processes share */
    if (strncmp(name, "/cais.db-wal", 12) == 0)
        return "log";
    if (strncmp(name, "/cais.db", 8) == 0)
        return "database";
    if (strncmp(name, "/blobs/", 7) == 0)
        return "blob";
    if (strncmp(name, "/records/", 9) == 0)
        return "records";
    if (strncmp(name, "/datasets/", 10) == 0)
        return "rows";
    return strstr(name, ".key") ? "key" : "other";
}

static const char *kind_of_fd(int fd)
{
    char link_path[64], path[PATH_MAX];
    struct stat st;
    snprintf(link_path, sizeof link_path, "/proc/self/fd/%d", fd);
    ssize_t n = root() ? readlink(link_path, path, sizeof path - 1) : -1;
    if (n <= 0 || fstat(fd, &st) != 0)
        return NULL;
    path[n] = 0;
    return kind_of(path, S_ISDIR(st.st_mode));
}

static const char *kind_at(int dir, const char *name, bool is_folder)
{
    char link_path[64], path[2 * PATH_MAX];
    if (!root() || !name)
        return NULL;
    if (name[0] == '/' || dir == AT_FDCWD)
        return kind_of(name, is_folder);
    snprintf(link_path, sizeof link_path, "/proc/self/fd/%d", dir);
    ssize_t n = readlink(link_path, path, PATH_MAX);
    if (n <= 0)
        return NULL;
    snprintf(path + n, sizeof path - (size_t)n, "/%s", name);
    return kind_of(path, is_folder);
}

/* ---- faults */

static void note_hit(const char *kind, const char *call)
{
    char path[PATH_MAX], line[64];
    snprintf(path, sizeof path, "%s.hits", getenv("CAIS_FAULTS"));
    int fd = (int)SYS(openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int n = snprintf(line, sizeof line, "%s %s\n", kind, call);
    if (fd < 0)
        return;
    if (SYS(write, fd, line, n) < 0)
        abort();
    SYS(close, fd);
}

static bool fits(const char *wanted, const char *is)
{
    return strcmp(wanted, "any") == 0 || strcmp(wanted, is) == 0;
}

/* 0: the call is made as it is. */
static int fault_for(const char *kind, const char *call)
{
    if (!kind || strcmp(kind, "index") == 0)
        return 0;
    int action = 0;
    long delay_ms = 0;
    pthread_mutex_lock(&layer.lock);
    load_rules();
    if (layer.read_only && strcmp(call, "flush") != 0)
        action = EROFS;
    for (size_t i = 0; i < layer.count && !action; i++) {
        struct rule *r = &layer.rules[i];
        if (!fits(r->kind, kind) || !fits(r->call, call))
            continue;
        long number = r->seen++;
        if (number < r->skip || (r->count && number >= r->skip + r->count))
            continue;
        action = r->action;
        delay_ms = r->delay_ms;
    }
    if (action)
        note_hit(kind, call);
    pthread_mutex_unlock(&layer.lock);
    if (action != DELAY)
        return action;
    struct timespec pause = { delay_ms / 1000, delay_ms % 1000 * 1000000 };
    SYS(nanosleep, &pause, NULL);
    return 0;
}

static int fail(int error)
{
    errno = error;
    return -1;
}

static bool has_room(void)
{
    pthread_mutex_lock(&layer.lock);
    load_rules();
    bool has = layer.has_room;
    pthread_mutex_unlock(&layer.lock);
    return has;
}

/* A file is to become so long. Returns whether the disk takes that. */
static bool take_room(const char *kind, int fd, off_t end)
{
    struct stat st;
    if (!kind || !has_room() || fstat(fd, &st) != 0 || end <= st.st_size)
        return true;
    long long more = end - st.st_size, before = atomic_fetch_sub(&layer.room, more);
    if (before >= more)
        return true;
    atomic_fetch_add(&layer.room, more);
    note_hit(kind, "room");
    return false;
}

static void give_room(const char *kind, off_t bytes)
{
    if (kind && bytes > 0 && has_room())
        atomic_fetch_add(&layer.room, bytes);
}

/* ---- what a power failure leaves */

static const char *disk(void)
{
    return root() ? getenv("CAIS_FAULTS_DISK") : NULL;
}

static bool id_at(int dir, const char *name, int flags, char ret[48])
{
    struct statx st;
    if (SYS(statx, dir, name, flags | AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &st) != 0)
        return false;
    snprintf(ret, 48, "%llu-%lld%09u", (unsigned long long)st.stx_ino, (long long)st.stx_btime.tv_sec,
             st.stx_btime.tv_nsec);
    return true;
}

static int open_kept(char type, const char *id, int flags)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%c-%s", disk(), type, id);
    return (int)SYS(openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
}

/* The lock is held. */
static struct dirty *dirty_of(const char *id)
{
    for (size_t i = 0; i < layer.dirty_count; i++)
        if (strcmp(layer.files[i].id, id) == 0)
            return &layer.files[i];
    if (layer.dirty_count == FILES)
        abort();
    struct dirty *d = &layer.files[layer.dirty_count++];
    snprintf(d->id, sizeof d->id, "%s", id);
    d->from = d->to = 0;
    return d;
}

static void note_written(const char *kind, int fd, off_t from, off_t to)
{
    char id[48];
    if (!kind || !disk() || from >= to || !id_at(fd, "", AT_EMPTY_PATH, id))
        return;
    pthread_mutex_lock(&layer.lock);
    struct dirty *d = dirty_of(id);
    bool was_clean = d->from == d->to;
    d->from = was_clean || from < d->from ? from : d->from;
    d->to = was_clean || to > d->to ? to : d->to;
    pthread_mutex_unlock(&layer.lock);
}

/* The lock is held. The descriptor may be open for writing only. */
static void keep_file(int fd, const char *id)
{
    char link_path[64], bytes[PIECE];
    struct stat st;
    struct dirty *d = dirty_of(id);
    snprintf(link_path, sizeof link_path, "/proc/self/fd/%d", fd);
    int from = (int)SYS(openat, AT_FDCWD, link_path, O_RDONLY | O_CLOEXEC, 0),
        to = open_kept('f', id, O_WRONLY | O_CREAT);
    if (from < 0 || to < 0 || fstat(fd, &st) != 0)
        abort();
    for (off_t at = d->from; at < d->to;) {
        size_t n = d->to - at < PIECE ? (size_t)(d->to - at) : PIECE;
        ssize_t got = pread(from, bytes, n, at);
        if (got <= 0)
            break;
        if (SYS(pwrite64, to, bytes, got, at) != got)
            abort();
        at += got;
    }
    if (SYS(ftruncate, to, st.st_size) != 0)
        abort();
    d->from = d->to = 0;
    SYS(close, from);
    SYS(close, to);
}

/* The lock is held. */
static void keep_folder(int fd, const char *id)
{
    int copy = (int)SYS(openat, fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    DIR *dir = fdopendir(copy);
    char new_path[PATH_MAX], path[PATH_MAX], of[48];
    snprintf(path, sizeof path, "%s/d-%s", disk(), id);
    snprintf(new_path, sizeof new_path, "%s/new-%s", disk(), id);
    int to = (int)SYS(openat, AT_FDCWD, new_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (!dir || to < 0)
        abort();
    for (struct dirent *entry; (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && id_at(fd, entry->d_name, 0, of))
            dprintf(to, "%s %s\n", of, entry->d_name);
    SYS(close, to);
    closedir(dir);
    if (SYS(renameat, AT_FDCWD, new_path, AT_FDCWD, path) != 0)
        abort();
}

static void note_flushed(const char *kind, int fd)
{
    char id[48];
    if (!kind || !disk() || !id_at(fd, "", AT_EMPTY_PATH, id))
        return;
    pthread_mutex_lock(&layer.lock);
    if (strcmp(kind, "folder") == 0)
        keep_folder(fd, id);
    else
        keep_file(fd, id);
    pthread_mutex_unlock(&layer.lock);
}

/* ---- the calls */

static ssize_t write_at(int fd, const void *bytes, size_t n, off_t at, bool has_at)
{
    const char *kind = kind_of_fd(fd);
    off_t from = !kind || has_at ? at : lseek(fd, 0, SEEK_CUR);
    int fault = fault_for(kind, "write");
    if (fault > 0)
        return fail(fault);
    if (fault == DROP)
        return (ssize_t)n;
    size_t part = fault == TEAR || fault == SHORT ? (n + 1) / 2 : n;
    if (!take_room(kind, fd, from + (off_t)part))
        return fail(ENOSPC);
    ssize_t done = has_at ? SYS(pwrite64, fd, bytes, part, at) : SYS(write, fd, bytes, part);
    if (done > 0)
        note_written(kind, fd, from, from + done);
    return fault == TEAR ? fail(EIO) : done;
}

EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t at)
{
    return write_at(fd, bytes, n, at, true);
}
EXPORT ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    return write_at(fd, bytes, n, at, true);
}
EXPORT ssize_t write(int fd, const void *bytes, size_t n)
{
    return write_at(fd, bytes, n, 0, false);
}

static int flush_file(int fd, bool data_only)
{
    const char *kind = kind_of_fd(fd);
    int fault = fault_for(kind, "flush");
    if (fault > 0)
        return fail(fault);
    if (fault == DROP)
        return 0;
    int result = (int)(data_only ? SYS(fdatasync, fd) : SYS(fsync, fd));
    if (result == 0)
        note_flushed(kind, fd);
    return result;
}

EXPORT int fdatasync(int fd)
{
    return flush_file(fd, true);
}
EXPORT int fsync(int fd)
{
    return flush_file(fd, false);
}

EXPORT int ftruncate64(int fd, off_t size)
{
    const char *kind = kind_of_fd(fd);
    struct stat st = { 0 };
    int fault = fault_for(kind, "cut");
    if (fault > 0)
        return fail(fault);
    if (fault == DROP)
        return 0;
    if (kind && fstat(fd, &st) != 0)
        return -1;
    if (!take_room(kind, fd, size))
        return fail(ENOSPC);
    int result = (int)SYS(ftruncate, fd, size);
    if (result == 0) {
        give_room(kind, st.st_size - size);
        note_written(kind, fd, size < st.st_size ? size : st.st_size, size > st.st_size ? size : st.st_size);
    }
    return result;
}
EXPORT int ftruncate(int fd, off_t size)
{
    return ftruncate64(fd, size);
}

EXPORT int posix_fallocate64(int fd, off_t at, off_t n)
{
    const char *kind = kind_of_fd(fd);
    int fault = fault_for(kind, "write");
    if (fault > 0)
        return fault;
    if (!take_room(kind, fd, at + n))
        return ENOSPC;
    return SYS(fallocate, fd, 0, at, n) == 0 ? 0 : errno;
}
EXPORT int posix_fallocate(int fd, off_t at, off_t n)
{
    return posix_fallocate64(fd, at, n);
}

static int open_at(int dir, const char *name, int flags, mode_t mode)
{
    bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC));
    const char *kind = writes ? kind_at(dir, name, false) : NULL;
    int fault = fault_for(kind, "open");
    if (fault > 0)
        return fail(fault);
    return (int)SYS(openat, dir, name, flags, mode);
}

#define MODE_OF(flags)                                                                                                 \
    mode_t mode = 0;                                                                                                   \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                                                             \
        va_list args;                                                                                                  \
        va_start(args, flags);                                                                                         \
        mode = va_arg(args, mode_t);                                                                                   \
        va_end(args);                                                                                                  \
    }

EXPORT int open64(const char *name, int flags, ...)
{
    MODE_OF(flags)
    return open_at(AT_FDCWD, name, flags, mode);
}
EXPORT int open(const char *name, int flags, ...)
{
    MODE_OF(flags)
    return open_at(AT_FDCWD, name, flags, mode);
}
EXPORT int openat64(int dir, const char *name, int flags, ...)
{
    MODE_OF(flags)
    return open_at(dir, name, flags, mode);
}
EXPORT int openat(int dir, const char *name, int flags, ...)
{
    MODE_OF(flags)
    return open_at(dir, name, flags, mode);
}

/* A file without a name is gone with its descriptor. */
EXPORT int close(int fd)
{
    const char *kind = kind_of_fd(fd);
    struct stat st;
    if (kind && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 0)
        give_room(kind, st.st_size);
    return (int)SYS(close, fd);
}

/* ---- names. A folder is what changes. */

static int name_fault(int dir, const char *name)
{
    const char *kind = kind_at(dir, name, false) ? "folder" : NULL;
    return fault_for(kind, "name");
}

EXPORT int mkdirat(int dir, const char *name, mode_t mode)
{
    int fault = name_fault(dir, name);
    struct stat st;
    if (fault > 0 && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return fail(EEXIST);
    return fault > 0 ? fail(fault) : (int)SYS(mkdirat, dir, name, mode);
}
EXPORT int mkdir(const char *name, mode_t mode)
{
    return mkdirat(AT_FDCWD, name, mode);
}
EXPORT int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    int fault = name_fault(to_dir, to);
    return fault > 0 ? fail(fault) : (int)SYS(linkat, from_dir, from, to_dir, to, flags);
}
EXPORT int link(const char *from, const char *to)
{
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}
EXPORT int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    int fault = name_fault(to_dir, to);
    return fault > 0 ? fail(fault) : (int)SYS(renameat, from_dir, from, to_dir, to);
}
EXPORT int rename(const char *from, const char *to)
{
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}
EXPORT int unlinkat(int dir, const char *name, int flags)
{
    struct stat st = { 0 };
    const char *kind = kind_at(dir, name, false);
    int fault = name_fault(dir, name);
    if (fault > 0)
        return fail(fault);
    bool is_last = kind && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_nlink == 1;
    int result = (int)SYS(unlinkat, dir, name, flags);
    if (result == 0 && is_last)
        give_room(kind, st.st_size);
    return result;
}
EXPORT int unlink(const char *name)
{
    return unlinkat(AT_FDCWD, name, 0);
}

/* ---- the state of the file system */

static void change_answer(const char *kind, struct statvfs *fs)
{
    if (!kind)
        return;
    pthread_mutex_lock(&layer.lock);
    load_rules();
    if (layer.read_only)
        fs->f_flag |= ST_RDONLY;
    if (layer.has_room)
        fs->f_bavail = fs->f_bfree = (fsblkcnt_t)layer.room / fs->f_frsize;
    pthread_mutex_unlock(&layer.lock);
}

EXPORT int fstatvfs64(int fd, struct statvfs64 *fs)
{
    int (*next)(int, struct statvfs64 *);
    *(void **)&next = dlsym(RTLD_NEXT, "fstatvfs64");
    int result = next(fd, fs);
    if (result == 0)
        change_answer(kind_of_fd(fd), (struct statvfs *)fs);
    return result;
}
EXPORT int fstatvfs(int fd, struct statvfs *fs)
{
    return fstatvfs64(fd, (struct statvfs64 *)fs);
}
