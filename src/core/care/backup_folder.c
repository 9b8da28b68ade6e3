/* SPDX-License-Identifier: Apache-2.0 */
#include "core/care/backup_folder.h"

#include "base/dir.h"
#include "core/care/data_dir.h"
#include "core/care/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REMOVING "removing\n" /* what UNFINISHED says while a backup is removed; it is empty while one is made */
#define OPEN_FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

enum { DEPTH_MAX = 8 }; /* of folders in a backup: blobs/ and its shards are two */

static bool is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* May a backup hold this at its top? */
static bool is_backup_name(const char *name)
{
    static const char *const names[] = { DATA_DIR_DATABASE,
                                         DATA_DIR_DATABASE "-wal",
                                         DATA_DIR_DATABASE "-shm",
                                         DATA_DIR_DATABASE "-journal",
                                         DATA_DIR_BLOBS,
                                         DATA_DIR_DATASETS,
                                         DATA_DIR_RECORDS,
                                         DATA_DIR_MASTER_KEY,
                                         DATA_DIR_MASTER_KEY ".new",
                                         DATA_DIR_MANIFEST,
                                         DATA_DIR_MANIFEST ".partial",
                                         BACKUP_UNFINISHED };
    for (size_t i = 0; i < LENGTH_OF(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* The names in a folder, in the arena. */
static err_t list_names(int fd, struct arena *a, const char ***ret_names, size_t *ret_count)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    SCOPED(dir_closep) DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    if (!dir)
        return err_errno(a, errno, "cannot list a folder");
    const char **names = NULL;
    size_t count = 0, room = 0;
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(dir);
        if (!entry && errno)
            return err_errno(a, errno, "cannot list a folder");
        if (!entry)
            break;
        if (is_dot(entry->d_name))
            continue;
        if (count == room) {
            room = room ? 2 * room : 64;
            const char **more = arena_array(a, const char *, room);
            if (count)
                memcpy(more, names, count * sizeof *names);
            names = more;
        }
        names[count++] = arena_cstr(a, slice_of(entry->d_name));
    }
    *ret_names = names;
    *ret_count = count;
    return NULL;
}

static err_t sync_folder(int fd, struct arena *a)
{
    return fsync(fd) == 0 ? NULL : err_errno(a, errno, "cannot sync a folder");
}

/* ---- removing */

/* What a folder holds, but not `spared` (NULL: everything). A symbolic link is removed as a name. */
static err_t remove_content(int fd, const char *spared, int depth, struct arena *a)
{
    const char **names;
    size_t count;
    if (depth > DEPTH_MAX)
        return err_make(a, ERR_CONFLICT, "it has deeper folders than a backup");
    TRY(list_names(fd, a, &names, &count));
    for (size_t i = 0; i < count; i++) {
        if (spared && strcmp(names[i], spared) == 0)
            continue;
        if (unlinkat(fd, names[i], 0) == 0 || errno == ENOENT)
            continue;
        if (errno != EISDIR && errno != EPERM)
            return err_errno(a, errno, "cannot remove %s", names[i]);
        SCOPED(fd_closep) int below = openat(fd, names[i], OPEN_FOLDER);
        if (below < 0)
            return err_errno(a, errno, "cannot open %s", names[i]);
        SCRATCH(scratch);
        err_t e = remove_content(below, NULL, depth + 1, &scratch);
        if (e)
            return err_copy(a, e);
        if (unlinkat(fd, names[i], AT_REMOVEDIR) != 0)
            return err_errno(a, errno, "cannot remove %s", names[i]);
    }
    return NULL;
}

/* Only what a backup holds is in the folder. *ret_empty: nothing is. */
static err_t check_names(int fd, const char *dir, struct arena *a, bool *ret_empty)
{
    const char **names;
    size_t count;
    TRY(list_names(fd, a, &names, &count));
    *ret_empty = count == 0;
    for (size_t i = 0; i < count; i++)
        if (!is_backup_name(names[i]))
            return err_make(a, ERR_CONFLICT, "%s is not empty: %s is not part of a backup", dir, names[i]);
    return NULL;
}

/* ---- UNFINISHED */

/* *ret_fd: locked; -1: there is none. Errors: CONFLICT somebody has it locked. */
static err_t lock_mark(int fd, const char *dir, int flags, struct arena *a, int *ret_fd)
{
    SCOPED(fd_closep)
    int mark = openat(fd, BACKUP_UNFINISHED, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags, 0600);
    *ret_fd = -1;
    if (mark < 0 && errno == ENOENT)
        return NULL;
    struct stat st;
    if (mark < 0 || fstat(mark, &st) != 0)
        return err_errno(a, errno, "cannot open %s/" BACKUP_UNFINISHED, dir);
    if (!S_ISREG(st.st_mode))
        return err_make(a, ERR_CONFLICT, "%s/" BACKUP_UNFINISHED " is no file", dir);
    struct flock all = { .l_type = F_WRLCK };
    if (fcntl(mark, F_OFD_SETLK, &all) != 0)
        return err_make(a, ERR_CONFLICT, "another backup to %s is running", dir);
    *ret_fd = TAKE_FD(mark);
    return NULL;
}

static bool says_removing(int mark)
{
    char text[sizeof REMOVING];
    return pread(mark, text, sizeof text, 0) == sizeof REMOVING - 1 && memcmp(text, REMOVING, sizeof REMOVING - 1) == 0;
}

/* ---- beginning and finishing */

static bool has_manifest(int fd)
{
    struct stat st;
    return fstatat(fd, DATA_DIR_MANIFEST, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static err_t open_or_make(const char *dir, struct arena *a, int *ret_fd)
{
    bool made = mkdir(dir, 0700) == 0;
    if (!made && errno != EEXIST)
        return err_errno(a, errno, "cannot make %s", dir);
    SCOPED(fd_closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(a, errno, "cannot open %s", dir);
    SCOPED(fd_closep) int parent = made ? openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (made && (parent < 0 || fsync(parent) != 0))
        return err_errno(a, errno, "cannot sync the folder of %s", dir);
    *ret_fd = TAKE_FD(fd);
    return NULL;
}

err_t backup_folder_begin(const char *dir, struct arena *a, struct backup_folder *ret)
{
    SCOPED(backup_folder_closep) struct backup_folder f = { -1, -1, false };
    TRY(open_or_make(dir, a, &f.fd));
    bool is_empty;
    TRY(check_names(f.fd, dir, a, &is_empty));
    TRY(lock_mark(f.fd, dir, is_empty ? O_CREAT : 0, a, &f.mark_fd));
    if (f.mark_fd < 0)
        return err_make(a, ERR_CONFLICT, "%s is not empty%s", dir,
                        has_manifest(f.fd) ? ": it is a finished backup" : "");
    if (has_manifest(f.fd) && !says_removing(f.mark_fd))
        return err_make(a, ERR_CONFLICT, "%s is not empty: it is a finished backup", dir);
    f.replaced = !is_empty;
    TRY(remove_content(f.fd, BACKUP_UNFINISHED, 0, a));
    if (ftruncate(f.mark_fd, 0) != 0 || fsync(f.mark_fd) != 0)
        return err_errno(a, errno, "cannot write %s/" BACKUP_UNFINISHED, dir);
    TRY(sync_folder(f.fd, a));
    *ret = f;
    f = (struct backup_folder){ -1, -1, false };
    return NULL;
}

err_t backup_folder_finish(struct backup_folder *f, struct arena *a)
{
    if (unlinkat(f->fd, BACKUP_UNFINISHED, 0) != 0)
        return err_errno(a, errno, "cannot remove " BACKUP_UNFINISHED);
    return sync_folder(f->fd, a);
}

/* ---- keeping */

struct found_backup {
    const char *name;
    int64_t created_at_ms;
};

static err_t read_manifest(int fd, struct arena *a, struct manifest *ret)
{
    struct stat st;
    SCOPED(fd_closep) int file = openat(fd, DATA_DIR_MANIFEST, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0 || fstat(file, &st) != 0)
        return err_errno(a, errno, "cannot open the MANIFEST");
    if (!S_ISREG(st.st_mode))
        return err_make(a, ERR_CORRUPT, "the MANIFEST is no file");
    char *text = arena_alloc(a, MANIFEST_MAX + 1);
    ssize_t n = TEMP_FAILURE_RETRY(read(file, text, MANIFEST_MAX + 1));
    if (n < 0)
        return err_errno(a, errno, "cannot read the MANIFEST");
    return manifest_parse((slice){ text, (size_t)n }, a, ret);
}

static bool is_same(int fd, const char *path)
{
    struct stat x, y;
    return path && fstat(fd, &x) == 0 && stat(path, &y) == 0 && x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

/* Removes it; what is there already says that it is a backup and not needed. */
static err_t remove_folder(int parent, const char *name, int fd, struct arena *a)
{
    SCOPED(fd_closep) int mark = -1;
    TRY(lock_mark(fd, name, O_CREAT, a, &mark));
    if (pwrite(mark, REMOVING, sizeof REMOVING - 1, 0) != (ssize_t)sizeof REMOVING - 1 || fsync(mark) != 0)
        return err_errno(a, errno, "cannot write %s/" BACKUP_UNFINISHED, name);
    TRY(sync_folder(fd, a));
    if (unlinkat(fd, DATA_DIR_MANIFEST, 0) != 0 && errno != ENOENT)
        return err_errno(a, errno, "cannot remove the MANIFEST of %s", name);
    TRY(sync_folder(fd, a));
    TRY(remove_content(fd, BACKUP_UNFINISHED, 0, a));
    TRY(sync_folder(fd, a));
    if (unlinkat(fd, BACKUP_UNFINISHED, 0) != 0 || unlinkat(parent, name, AT_REMOVEDIR) != 0)
        return err_errno(a, errno, "cannot remove %s", name);
    return sync_folder(parent, a);
}

enum what { SOMETHING_ELSE, COMPLETE, BEING_REMOVED };

/* One of the names in the folder above. *ret_fd: of a backup. */
static enum what look_at(int parent, const char *name, struct arena *a, int *ret_fd, int64_t *ret_created_at_ms)
{
    struct stat st;
    struct manifest manifest;
    bool is_empty;
    SCOPED(fd_closep) int fd = openat(parent, name, OPEN_FOLDER | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0 || st.st_uid != geteuid() || check_names(fd, name, a, &is_empty) || is_empty)
        return SOMETHING_ELSE;
    SCOPED(fd_closep) int mark = -1;
    if (lock_mark(fd, name, 0, a, &mark))
        return SOMETHING_ELSE; /* it is being made */
    bool is_removed = mark >= 0 && says_removing(mark);
    if (!is_removed && read_manifest(fd, a, &manifest))
        return SOMETHING_ELSE; /* also one that is unfinished: only a backup to the same folder replaces it */
    *ret_created_at_ms = is_removed ? 0 : manifest.report.created_at_ms;
    *ret_fd = TAKE_FD(fd);
    return is_removed ? BEING_REMOVED : COMPLETE;
}

static int newest_first(const void *x, const void *y)
{
    const struct found_backup *a = x, *b = y;
    if (a->created_at_ms != b->created_at_ms)
        return a->created_at_ms < b->created_at_ms ? 1 : -1;
    return strcmp(b->name, a->name);
}

static void note_removed(struct removed_backups *removed, const char *name, err_t e)
{
    removed->items[removed->count++] = (struct removed_backup){ name, e };
}

err_t backup_folder_keep(const char *dir, const char *base, int64_t keep, struct arena *a, struct removed_backups *ret)
{
    SCOPED(fd_closep) int own = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    SCOPED(fd_closep) int parent = own < 0 ? -1 : openat(own, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const char **names;
    size_t count, found = 0;
    if (parent < 0)
        return err_errno(a, errno, "cannot open the folder of %s", dir);
    TRY(list_names(parent, a, &names, &count));
    struct found_backup *backups = arena_array(a, struct found_backup, count + 1);
    *ret = (struct removed_backups){ .items = arena_array(a, struct removed_backup, count + 1) };
    for (size_t i = 0; i < count; i++) {
        SCRATCH(scratch);
        SCOPED(fd_closep) int fd = -1;
        int64_t created_at_ms = 0;
        enum what what = look_at(parent, names[i], &scratch, &fd, &created_at_ms);
        if (what == BEING_REMOVED)
            note_removed(ret, names[i], err_copy(a, remove_folder(parent, names[i], fd, &scratch)));
        else if (what == COMPLETE)
            backups[found++] = (struct found_backup){ names[i], created_at_ms };
    }
    qsort(backups, found, sizeof *backups, newest_first);
    for (size_t i = (size_t)keep < found ? (size_t)keep : found; i < found; i++) {
        SCRATCH(scratch);
        SCOPED(fd_closep) int fd = -1;
        int64_t created_at_ms;
        if (look_at(parent, backups[i].name, &scratch, &fd, &created_at_ms) != COMPLETE || is_same(fd, dir) ||
            is_same(fd, base))
            continue;
        note_removed(ret, backups[i].name, err_copy(a, remove_folder(parent, backups[i].name, fd, &scratch)));
    }
    return NULL;
}
